/**
 * Into the narrow form. Two passes over the values of a column, which lie in the cache: the first finds how large they are, the
 * second writes them.
 *
 * Every loop is without a branch on values and without a comparison of 64-bit integers, so that the compiler vectorises it on
 * every machine; sizes are taken from the bits of all values together (bitwise or), truths from the sign of a difference.
 *
 * x is kept as k at scale s if x is the double nearest to k / 10^s, and then k is x * 10^s rounded: for |k| < 2^51 the product
 * is off by less than a half. So where the scale is known, a multiplication suffices; where it is not, k / 10^s must give x
 * back, bit by bit. An x that is one at scale s is one at every larger scale too (k / 10^s = 10 k / 10^(s + 1)), so that scales
 * need only be tried upwards.
 */
#include "layout/packed.h"

#include "table/cells.h"

#include <math.h>

enum {
    MAX_SCALE = 9, /* of ql_column */
    TRY_VALUES = 256
};

#define SIGN UINT64_C(0x8000000000000000)
#define INFINITY_BITS UINT64_C(0x7ff0000000000000)
#define TWO_TO_52 0x1p52    /* added to 0 <= x < 2^52 it leaves rint(x) in the lowest bits of the sum */
#define TO_INTEGER 0x1.8p52 /* the same for |x| < 2^51, modulo 2^51 */
#define DECIMAL_LIMIT 1e18

static const double TEN_TO[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

static inline uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* How large integers are: the bits of all their sizes together; `has_null` is found on the way. */
struct extent {
    uint64_t bits;
    bool has_null;
};

static void extend_i64(struct extent *extent, const int64_t *values, size_t n) {
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all |= (uint64_t)values[i];
    }
    if ((all & SIGN) != 0) { /* a NULL, or less than 0 */
        all = 0;
        for (size_t i = 0; i < n; i++) {
            uint64_t size = values[i] < 0 ? 0 - (uint64_t)values[i] : (uint64_t)values[i];
            bool is_null = values[i] == QL_CELL_NULL_I64;
            all |= is_null ? 0 : size;
            extent->has_null = extent->has_null || is_null;
        }
    }
    extent->bits |= all;
}

static void extend_f64(struct extent *extent, const double *values, size_t n, double scale) {
    uint64_t all = 0;
    uint64_t nan = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t magnitude = bits_of(values[i]) & ~SIGN;
        all |= bits_of(fabs(values[i]) * scale + TWO_TO_52) - bits_of(TWO_TO_52);
        nan |= INFINITY_BITS - magnitude;
    }
    if ((nan & SIGN) != 0) {
        all = 0;
        extent->has_null = true;
        for (size_t i = 0; i < n; i++) {
            uint64_t is_nan = (INFINITY_BITS - (bits_of(values[i]) & ~SIGN)) >> 63;
            all |= (bits_of(fabs(values[i]) * scale + TWO_TO_52) - bits_of(TWO_TO_52)) & (is_nan - 1);
        }
    }
    extent->bits |= all;
}

/* The least integer of a width is left for NULL, so that as many are below 0 as above. */
static uint8_t width_of(uint64_t bits) {
    return bits <= INT8_MAX ? 1 : bits <= INT16_MAX ? 2 : bits <= INT32_MAX ? 4 : 8;
}

static bool is_at_scale(const double *values, size_t n, double scale) {
    uint64_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = values[i] * scale + TO_INTEGER;
        double again = (sum - TO_INTEGER) / scale;
        uint64_t bits = bits_of(values[i]);
        uint64_t is_nan = (INFINITY_BITS - (bits & ~SIGN)) >> 63;
        wrong |= (bits_of(again) ^ bits) & (is_nan - 1);
    }
    return wrong == 0;
}

/* The least scale from `scale` on at which all values are; MAX_SCALE + 1: there is none. */
static int find_scale(const double *values, size_t n, int scale) {
    for (size_t i = 0; i < n && scale <= MAX_SCALE; i += TRY_VALUES) {
        size_t block = n - i < TRY_VALUES ? n - i : TRY_VALUES;
        while (scale <= MAX_SCALE && !is_at_scale(values + i, block, TEN_TO[scale])) {
            scale++;
        }
    }
    return scale;
}

static void choose_f64(struct ql_packed *packed, const struct ql_packed_input *input) {
    int scale = input->scale;
    if (scale == QL_CELL_SCALE_UNKNOWN || scale > MAX_SCALE) {
        scale = input->first_scale >= 0 && input->first_scale <= MAX_SCALE ? input->first_scale : 0;
        scale = find_scale(input->cells, input->n_cells, scale);
    }
    scale = find_scale(input->others, input->n_others, scale);
    struct extent extent = {0};
    double factor = TEN_TO[scale <= MAX_SCALE ? scale : 0];
    extend_f64(&extent, input->cells, input->n_cells, factor);
    extend_f64(&extent, input->others, input->n_others, factor);
    packed->has_null = extent.has_null;
    packed->width = scale <= MAX_SCALE ? width_of(extent.bits) : 8;
    packed->scale = packed->width < 8 ? (uint8_t)scale : 0;
}

static bool is_below(const double *values, size_t n, double scale, double limit) {
    bool is_so = true;
    for (size_t i = 0; i < n; i++) {
        is_so = is_so && (isnan(values[i]) || fabs(values[i]) * scale < limit);
    }
    return is_so;
}

static bool choose_decimal(struct ql_packed *packed, const struct ql_packed_input *input) {
    double scale = TEN_TO[input->scale];
    struct extent extent = {0};
    extend_f64(&extent, input->cells, input->n_cells, scale);
    extend_f64(&extent, input->others, input->n_others, scale);
    packed->has_null = extent.has_null;
    packed->width = width_of(extent.bits);
    packed->scale = (uint8_t)input->scale;
    return packed->width < 8 || (is_below(input->cells, input->n_cells, scale, DECIMAL_LIMIT) &&
                                 is_below(input->others, input->n_others, scale, DECIMAL_LIMIT));
}

bool ql_packed_choose(struct ql_packed *packed, enum ql_packed_kind kind, const struct ql_packed_input *input) {
    *packed = (struct ql_packed){.kind = kind};
    if (kind == QL_PACKED_DECIMAL) {
        return choose_decimal(packed, input);
    }
    if (kind == QL_PACKED_DOUBLE) {
        choose_f64(packed, input);
        return true;
    }
    struct extent extent = {0};
    extend_i64(&extent, input->cells, input->n_cells);
    extend_i64(&extent, input->others, input->n_others);
    packed->has_null = extent.has_null;
    packed->width = width_of(extent.bits);
    return true;
}

/* Both ways of one width: NULL is looked for only where there is one. */
#define WRITE_I64(type, null)                                                                                   \
    static void write_i64_##type(const int64_t *restrict values, size_t n, bool has_null, type *restrict out) { \
        if (has_null) {                                                                                         \
            for (size_t i = 0; i < n; i++) {                                                                    \
                int64_t value = values[i] == QL_CELL_NULL_I64 ? (null) : values[i];                             \
                out[i] = (type)value;                                                                           \
            }                                                                                                   \
            return;                                                                                             \
        }                                                                                                       \
        for (size_t i = 0; i < n; i++) {                                                                        \
            out[i] = (type)values[i];                                                                           \
        }                                                                                                       \
    }
WRITE_I64(int8_t, INT8_MIN)
WRITE_I64(int16_t, INT16_MIN)
WRITE_I64(int32_t, INT32_MIN)

#define WRITE_F64(type, null)                                                                                                \
    static void write_f64_##type(const double *restrict values, size_t n, double scale, bool has_null, type *restrict out) { \
        if (has_null) {                                                                                                      \
            for (size_t i = 0; i < n; i++) {                                                                                 \
                uint64_t bits = bits_of(values[i]);                                                                          \
                uint64_t is_nan = 0 - ((INFINITY_BITS - (bits & ~SIGN)) >> 63);                                              \
                uint64_t k = bits_of(values[i] * scale + TO_INTEGER);                                                        \
                out[i] = (type)((k & ~is_nan) | ((uint64_t)(null)&is_nan));                                                  \
            }                                                                                                                \
            return;                                                                                                          \
        }                                                                                                                    \
        for (size_t i = 0; i < n; i++) {                                                                                     \
            out[i] = (type)bits_of(values[i] * scale + TO_INTEGER);                                                          \
        }                                                                                                                    \
    }
WRITE_F64(int8_t, INT8_MIN)
WRITE_F64(int16_t, INT16_MIN)
WRITE_F64(int32_t, INT32_MIN)

__extension__ typedef __int128 int128;

/* x * scale as the nearest integer; below 2^51 as rounding takes it, beyond, where doubles are too coarse for that, exactly. */
static int64_t decimal_of(double x, double scale) {
    double scaled = x * scale;
    if (fabs(scaled) < 0x1p51) {
        return (int64_t)nearbyint(scaled);
    }
    int exponent;
    int64_t mantissa = (int64_t)ldexp(frexp(x, &exponent), 53); /* x = mantissa * 2^(exponent - 53) */
    int128 product = (int128)mantissa * (int64_t)scale;
    if (exponent >= 53) {
        return (int64_t)(product * ((int128)1 << (exponent - 53)));
    }
    int128 unit = (int128)1 << (53 - exponent); /* product has 83 bits at most, and 2^51 units and more */
    int128 whole = product / unit;
    int128 rest = 2 * (product % unit); /* of the sign of x */
    bool is_odd = (whole & 1) != 0;
    return (int64_t)(whole + (rest > unit || (rest == unit && is_odd)) - (rest < -unit || (rest == -unit && is_odd)));
}

static void write_decimals(const double *values, size_t n, double scale, int64_t *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = fabs(values[i]) * scale < DECIMAL_LIMIT ? decimal_of(values[i], scale) : QL_CELL_NULL_I64;
    }
}

void ql_packed_write(const struct ql_packed *packed, const void *values, size_t n, void *out) {
    double scale = TEN_TO[packed->scale];
    bool is_i64 = packed->kind == QL_PACKED_INT64;
    switch (packed->width) {
    case 1:
        is_i64 ? write_i64_int8_t(values, n, packed->has_null, out) : write_f64_int8_t(values, n, scale, packed->has_null, out);
        break;
    case 2:
        is_i64 ? write_i64_int16_t(values, n, packed->has_null, out)
               : write_f64_int16_t(values, n, scale, packed->has_null, out);
        break;
    case 4:
        is_i64 ? write_i64_int32_t(values, n, packed->has_null, out)
               : write_f64_int32_t(values, n, scale, packed->has_null, out);
        break;
    default:
        if (packed->kind == QL_PACKED_DECIMAL) {
            write_decimals(values, n, scale, out);
        } else if (n != 0) {
            memcpy(out, values, n * 8);
        }
    }
}
