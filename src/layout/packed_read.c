/**
 * Out of the narrow form: every loop widens values that lie one behind the other, so that the compiler vectorises it.
 */
#include "layout/packed.h"

#include "table/cells.h"

static const double TEN_TO[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

/*
 * NULL is the least of its type: it cannot be the greatest value, and one less than it is the greatest there is, so that it
 * cannot be the least value less one either.
 */
#define RANGE(type, unsigned_type, null, most)                                               \
    static void range_##type(const type *values, size_t n, int32_t *min_k, int32_t *max_k) { \
        type least = (most);                                                                 \
        type greatest = (null);                                                              \
        for (size_t i = 0; i < n; i++) {                                                     \
            const type less_one = (type)((unsigned_type)values[i] - 1);                      \
            least = less_one < least ? less_one : least;                                     \
            greatest = values[i] > greatest ? values[i] : greatest;                          \
        }                                                                                    \
        *min_k = greatest == (null) ? INT32_MAX : (type)((unsigned_type)least + 1);          \
        *max_k = greatest == (null) ? INT32_MIN : greatest;                                  \
    }
RANGE(int8_t, uint8_t, INT8_MIN, INT8_MAX)
RANGE(int16_t, uint16_t, INT16_MIN, INT16_MAX)
RANGE(int32_t, uint32_t, INT32_MIN, INT32_MAX)

void ql_packed_set_values(struct ql_packed *packed, const void *values, size_t n) {
    packed->values = values;
    switch (packed->width) {
    case 1:
        range_int8_t(values, n, &packed->min_k, &packed->max_k);
        break;
    case 2:
        range_int16_t(values, n, &packed->min_k, &packed->max_k);
        break;
    case 4:
        range_int32_t(values, n, &packed->min_k, &packed->max_k);
        break;
    default:
        break;
    }
}

static const void *values_from(const struct ql_packed *packed, size_t first) {
    return (const char *)packed->values + first * packed->width;
}

/* Multiplied without a sign: what stands for NULL may overflow. */
#define GET_K(type)                                                                                                       \
    static void get_k_##type(const type *restrict values, size_t n, int32_t factor, size_t step, int32_t *restrict out) { \
        if (step != 1) {                                                                                                  \
            for (size_t i = 0; i < n; i++) {                                                                              \
                out[i * step] = (int32_t)((uint32_t)values[i] * (uint32_t)factor);                                        \
            }                                                                                                             \
        } else if (factor != 1) {                                                                                         \
            for (size_t i = 0; i < n; i++) {                                                                              \
                out[i] = (int32_t)((uint32_t)values[i] * (uint32_t)factor);                                               \
            }                                                                                                             \
        } else {                                                                                                          \
            for (size_t i = 0; i < n; i++) {                                                                              \
                out[i] = values[i];                                                                                       \
            }                                                                                                             \
        }                                                                                                                 \
    }
GET_K(int8_t) /* NOLINT(bugprone-signed-char-misuse): a number of 8 bits, no character */
GET_K(int16_t)
GET_K(int32_t)

void ql_packed_get_k(const struct ql_packed *packed, size_t first, size_t n, int32_t factor, size_t step, int32_t *out) {
    const void *values = values_from(packed, first);
    switch (packed->width) {
    case 1:
        get_k_int8_t(values, n, factor, step, out);
        break;
    case 2:
        get_k_int16_t(values, n, factor, step, out);
        break;
    default:
        get_k_int32_t(values, n, factor, step, out);
    }
}

/* One loop for each width, where i counts the values and x is the value. */
#define FOR_EACH(expression_of_k, expression_of_8, type_of_8) \
    do {                                                      \
        const void *from = values_from(packed, first);        \
        switch (packed->width) {                              \
        case 1:                                               \
            FOR_TYPE(int8_t, expression_of_k);                \
        case 2:                                               \
            FOR_TYPE(int16_t, expression_of_k);               \
        case 4:                                               \
            FOR_TYPE(int32_t, expression_of_k);               \
        default:                                              \
            FOR_TYPE(type_of_8, expression_of_8);             \
        }                                                     \
    } while (0)
#define FOR_TYPE(type, expression)        \
    {                                     \
        const type *values = from;        \
        for (size_t i = 0; i < n; i++) {  \
            const type x = values[i];     \
            out[i * step] = (expression); \
        }                                 \
    }                                     \
    break

void ql_packed_get_i64(const struct ql_packed *packed, size_t first, size_t n, int64_t *out) {
    const size_t step = 1;
    FOR_EACH(x, x, int64_t); /* NOLINT(bugprone-signed-char-misuse): a number of 8 bits, no character */
}

void ql_packed_get_f64(const struct ql_packed *packed, size_t first, size_t n, size_t step, double *out) {
    const double scale = TEN_TO[packed->scale];
    if (packed->kind == QL_PACKED_INT64) {
        FOR_EACH((double)x, (double)x, int64_t);
    } else {
        FOR_EACH((double)x / scale, x, double);
    }
}

#define GET_VALID(type, no_null)                                                                                \
    static size_t get_valid_##type(const type *restrict values, size_t n, size_t step, uint8_t *restrict out) { \
        size_t n_valid = 0;                                                                                     \
        for (size_t i = 0; i < n; i++) {                                                                        \
            const type x = values[i];                                                                           \
            out[i * step] = (uint8_t)(no_null);                                                                 \
            n_valid += (no_null);                                                                               \
        }                                                                                                       \
        return n - n_valid;                                                                                     \
    }
GET_VALID(int8_t, x != INT8_MIN)
GET_VALID(int16_t, x != INT16_MIN)
GET_VALID(int32_t, x != INT32_MIN)
GET_VALID(int64_t, x != QL_CELL_NULL_I64)
GET_VALID(double, x == x)

size_t ql_packed_get_valid(const struct ql_packed *packed, size_t first, size_t n, size_t step, uint8_t *out) {
    const void *values = values_from(packed, first);
    if (!packed->has_null) {
        for (size_t i = 0; i < n; i++) {
            out[i * step] = 1;
        }
        return 0;
    }
    switch (packed->width) {
    case 1:
        return get_valid_int8_t(values, n, step, out);
    case 2:
        return get_valid_int16_t(values, n, step, out);
    case 4:
        return get_valid_int32_t(values, n, step, out);
    default:
        return packed->kind == QL_PACKED_DOUBLE ? get_valid_double(values, n, step, out)
                                                : get_valid_int64_t(values, n, step, out);
    }
}
