/* Values as PLAIN bytes: their order, and how people write them. */
#include "inspect/inspect.h"

#include "base/time.h"
#include "base/unicode.h"
#include "parquet/decode.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t load(struct ql_str value) {
    uint64_t bits = 0;
    for (size_t i = 0; i < value.len && i < sizeof bits; i++) {
        bits |= (uint64_t)(unsigned char)value.ptr[i] << (8 * i);
    }
    return bits;
}

static int64_t load_signed(struct ql_str value) {
    uint64_t bits = load(value);
    return value.len == 4 ? (int32_t)(uint32_t)bits : (int64_t)bits;
}

static double load_double(struct ql_str value) {
    uint64_t bits = load(value);
    if (value.len == sizeof(float)) {
        uint32_t low = (uint32_t)bits;
        float number;
        memcpy(&number, &low, sizeof number);
        return (double)number;
    }
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static bool is_integer(int32_t type) {
    return type == QL_PARQUET_TYPE_INT32 || type == QL_PARQUET_TYPE_INT64;
}

static bool is_float(int32_t type) {
    return type == QL_PARQUET_TYPE_FLOAT || type == QL_PARQUET_TYPE_DOUBLE;
}

bool ql_value_has_order(const struct ql_parquet_column *column) {
    if (column->meaning == QL_MEANS_OTHER || column->meaning == QL_MEANS_INTERVAL || column->meaning == QL_MEANS_FLOAT16 ||
        column->meaning == QL_MEANS_NULL || column->type == QL_PARQUET_TYPE_INT96) {
        return false;
    }
    return column->meaning != QL_MEANS_DECIMAL || is_integer(column->type); /* decimals in bytes are signed, big-endian */
}

bool ql_value_is_sound(const struct ql_parquet_column *column, struct ql_str value) {
    if (column->type == QL_PARQUET_TYPE_BYTE_ARRAY) {
        return true;
    }
    struct ql_value_type type = {.type = column->type, .type_length = column->type_length};
    return value.len == (column->type == QL_PARQUET_TYPE_BOOLEAN ? 1 : ql_value_size(type));
}

int ql_value_cmp(const struct ql_parquet_column *column, struct ql_str a, struct ql_str b) {
    if (is_float(column->type)) {
        double x = load_double(a);
        double y = load_double(b);
        return (x > y) - (x < y);
    }
    if (!is_integer(column->type)) {
        return ql_str_cmp(a, b);
    }
    if (column->meaning == QL_MEANS_INTEGER && !column->is_signed) {
        uint64_t x = load(a);
        uint64_t y = load(b);
        return (x > y) - (x < y);
    }
    int64_t x = load_signed(a);
    int64_t y = load_signed(b);
    return (x > y) - (x < y);
}

/* The fewest digits that give the same double again; 30 rather than 3e+01, but 1e+30. */
static void put_double(double number, bool is_single, struct ql_buf *out) {
    enum { PLAIN_DIGITS = 15 };
    char text[32];
    int digits = 1;
    number = number == 0 ? 0 : number; /* a least zero is stored as -0.0, because both are equal */
    for (int most = is_single ? 9 : 17; digits <= most; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, number);
        double back = strtod(text, NULL);
        if (back == number || (is_single && (float)back == (float)number) || isnan(number)) {
            break;
        }
    }
    if (strstr(text, "e+") != NULL && fabs(number) < 1e15) { /* of a single, what text stands for, not its own digits */
        (void)snprintf(text, sizeof text, "%.*g", PLAIN_DIGITS, strtod(text, NULL));
    }
    ql_buf_puts(out, text);
}

static void put_instant(const struct ql_parquet_column *column, int64_t value, struct ql_buf *out) {
    /* Years 1 to 9999 */
    enum { FIRST_DAY = -719162, LAST_DAY = 2932896 };
    int64_t per_s = column->unit == QL_UNIT_MILLIS ? 1000 : column->unit == QL_UNIT_MICROS ? QL_US_PER_S : 1000 * QL_US_PER_S;
    int64_t s = value / per_s - (value % per_s < 0);
    if (s / 86400 < FIRST_DAY || s / 86400 > LAST_DAY) {
        ql_buf_printf(out, "%" PRId64, value);
        return;
    }
    char text[QL_TIME_TEXT_SIZE];
    size_t len = ql_time_format(s * QL_US_PER_S + (value - s * per_s) * QL_US_PER_S / per_s, text);
    ql_buf_put(out, text, column->is_utc ? len : len - 1);
}

static void put_date(int64_t days, struct ql_buf *out) {
    struct ql_civil civil;
    if (days < -719162 || days > 2932896) {
        ql_buf_printf(out, "%" PRId64, days);
        return;
    }
    ql_time_to_civil(days * 86400 * QL_US_PER_S, &civil);
    ql_buf_printf(out, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
}

static void put_decimal(int64_t k, int32_t scale, struct ql_buf *out) {
    char digits[32];
    bool is_scaled = scale > 0 && scale < 19;
    size_t places = is_scaled ? (size_t)scale : 0;
    uint64_t magnitude = k < 0 ? UINT64_C(0) - (uint64_t)k : (uint64_t)k;
    int len = snprintf(digits, sizeof digits, "%0*" PRIu64, (int)places + 1, magnitude);
    size_t whole = (size_t)len - places;
    ql_buf_printf(out, "%s%.*s%s%s", k < 0 ? "-" : "", (int)whole, digits, places != 0 ? "." : "", digits + whole);
}

static void put_bytes(struct ql_str value, bool is_text, struct ql_buf *out) {
    if (is_text && ql_utf8_is_valid(value)) {
        ql_buf_put_str(out, value);
        return;
    }
    ql_buf_puts(out, "0x");
    for (size_t i = 0; i < value.len; i++) {
        ql_buf_printf(out, "%02x", (unsigned)(unsigned char)value.ptr[i]);
    }
}

void ql_value_put(const struct ql_parquet_column *column, struct ql_str value, struct ql_buf *out) {
    if (!ql_value_is_sound(column, value)) {
        put_bytes(value, false, out);
    } else if (column->type == QL_PARQUET_TYPE_BOOLEAN) {
        ql_buf_puts(out, value.ptr[0] != 0 ? "true" : "false");
    } else if (is_float(column->type)) {
        put_double(load_double(value), column->type == QL_PARQUET_TYPE_FLOAT, out);
    } else if (!is_integer(column->type)) {
        bool is_text =
            column->meaning == QL_MEANS_STRING || column->meaning == QL_MEANS_ENUM || column->meaning == QL_MEANS_JSON;
        put_bytes(value, is_text, out);
    } else if (column->meaning == QL_MEANS_TIMESTAMP && column->unit != QL_UNIT_NONE) {
        put_instant(column, load_signed(value), out);
    } else if (column->meaning == QL_MEANS_DATE) {
        put_date(load_signed(value), out);
    } else if (column->meaning == QL_MEANS_DECIMAL) {
        put_decimal(load_signed(value), column->scale, out);
    } else if (column->meaning == QL_MEANS_INTEGER && !column->is_signed) {
        ql_buf_printf(out, "%" PRIu64, load(value));
    } else {
        ql_buf_printf(out, "%" PRId64, load_signed(value));
    }
}
