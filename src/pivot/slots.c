#include "pivot/slots.h"

#include "base/mem.h"
#include "pivot/ratio.h"

static int64_t add_wide(struct ql_slot_column *column, struct ql_wide number) {
    QL_MEM_GROW(column->wide, column->cap_wide, column->n_wide + 1);
    column->wide[column->n_wide] = number;
    return QL_SLOT_WIDE + (int64_t)column->n_wide++;
}

int64_t ql_slot_of(struct ql_slot_column *column, int64_t k, int32_t scale) {
    int64_t up = (int64_t)column->scale - scale;
    if (k == 0) {
        return 0;
    }
    if (up >= 0 && up <= 18) {
        int64_t factor = (int64_t)ql_pow10_u64((unsigned)up);
        int64_t limit = QL_SLOT_MAX / factor;
        if (k <= limit && k >= -limit) {
            return k * factor;
        }
    }
    return add_wide(column, (struct ql_wide){.v.k = k, .scale = scale});
}

int64_t ql_slot_of_wide(struct ql_slot_column *column, const struct ql_wide *number) {
    return number->text_len == 0 ? ql_slot_of(column, number->v.k, number->scale) : add_wide(column, *number);
}
