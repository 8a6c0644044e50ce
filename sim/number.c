#include "sim/number.h"

void ql_sim_put_number(struct ql_buf *out, int64_t value) {
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    ql_buf_put(out, digits + n, sizeof digits - n);
}

void ql_sim_put_fixed(struct ql_buf *out, int64_t scaled, int decimals) {
    int64_t scale = 1;
    for (int i = 0; i < decimals; i++) {
        scale *= 10;
    }
    ql_sim_put_number(out, scaled / scale);
    ql_buf_putc(out, '.');
    for (int64_t rest = scaled % scale; scale > 1; rest %= scale) {
        scale /= 10;
        ql_buf_putc(out, (char)('0' + rest / scale));
    }
}
