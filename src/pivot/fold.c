/*
 * Sum, mean, ratio, minimum, maximum and count over the rows of a cell.
 *
 * Everything is computed twice as wide as it is stored: a sum of int64 in 128 bits, a sum of products too, with every overflow
 * looked at; a cell that overflows, or holds numbers beyond 19 digits, is computed again in big integers. Both are exact, so
 * which way a cell went cannot be seen, and neither can the order of its rows. Only the end rounds: one quotient, once.
 *
 * Weighted mean: sum(x * w) / sum(w) over the rows that have an x; a missing w weighs 0; where the weights sum to 0, sum(x) /
 * n. With x = kx / 10^sx and w = kw / 10^sw that is sum(kx * kw) / (10^sx * sum(kw)): the weights' scale cancels.
 *
 * Ratio: sum(x) / sum(w) over the rows that have both, where sum(w) is not 0: for sources that deliver sums and counts, whose
 * averages are exact so.
 */
#include "pivot/fold.h"

#include <assert.h>
#include <math.h>

void ql_fold_scratch_fini(struct ql_fold_scratch *scratch) {
    ql_exact_fini(&scratch->value);
    ql_exact_fini(&scratch->weight);
    ql_exact_fini(&scratch->product);
    ql_exact_fini(&scratch->sum);
    ql_exact_fini(&scratch->sum_of_weights);
    ql_exact_fini(&scratch->sum_of_products);
}

/* A slot's number, which is not missing. */
static struct ql_wide number_of(const struct ql_slot_column *column, int64_t slot) {
    return ql_slot_is_wide(slot) ? column->wide[ql_slot_wide_index(slot)]
                                 : (struct ql_wide){.v.k = slot, .scale = column->scale};
}

static void to_exact(struct ql_exact *x, const struct ql_wide *number) {
    if (number->text_len == 0) {
        ql_exact_set(x, number->v.k, number->scale);
    } else {
        (void)ql_exact_set_text(x, (struct ql_str){.ptr = number->v.text, .len = number->text_len}); /* was read before */
    }
}

/* *k = number * 10^scale; false if that needs more than 128 bits. scale is not below the number's. */
static bool align(const struct ql_wide *number, int32_t scale, ql_i128 *k) {
    *k = number->v.k;
    int32_t up = scale - number->scale;
    if (up == 0 || number->v.k == 0) {
        return true;
    }
    return up <= QL_POW10_I128_MAX && !__builtin_mul_overflow(*k, ql_pow10_i128((unsigned)up), k);
}

/* The finest scale among rows [begin, end) that have a value, 0 at least; false if one of them does not fit 64 bits. */
static bool find_scale(const struct ql_fold_rows *rows, const int64_t *has_value, size_t begin, size_t end, int32_t *scale) {
    *scale = rows->column->scale; /* also where every number is of the side table: finer than needed is still exact */
    for (size_t i = begin; i < end && rows->column->n_wide != 0; i++) {
        if (has_value[i] != QL_SLOT_MISSING && ql_slot_is_wide(rows->slot[i])) {
            const struct ql_wide *number = &rows->column->wide[ql_slot_wide_index(rows->slot[i])];
            if (number->text_len != 0) {
                return false;
            }
            *scale = number->scale > *scale ? number->scale : *scale;
        }
    }
    return *scale <= QL_POW10_I128_MAX;
}

/* False for -2^127, whose opposite does not fit. */
static bool set_ratio(struct ql_fold_result *result, ql_i128 num, ql_i128 den) {
    const ql_i128 max = (ql_i128)(~(ql_u128)0 >> 1);
    if (num < -max || den < -max) {
        return false;
    }
    bool is_negative = den < 0;
    result->kind = QL_FOLD_RATIO;
    result->num = is_negative ? -num : num;
    result->den = is_negative ? -den : den;
    return true;
}

static void set_exact(struct ql_fold_result *result, const struct ql_exact *n, const struct ql_exact *d) {
    result->kind = QL_FOLD_EXACT;
    result->n = n;
    result->d = d;
}

static bool sum_128(const struct ql_fold_rows *rows, size_t begin, size_t end, struct ql_fold_result *result) {
    int32_t scale;
    if (!find_scale(rows, rows->slot, begin, end, &scale)) {
        return false;
    }
    ql_i128 sum = 0;
    bool has_any = false;
    for (size_t i = begin; i < end; i++) {
        if (rows->slot[i] != QL_SLOT_MISSING) {
            struct ql_wide number = number_of(rows->column, rows->slot[i]);
            ql_i128 k;
            if (!align(&number, scale, &k) || __builtin_add_overflow(sum, k, &sum)) {
                return false;
            }
            has_any = true;
        }
    }
    return !has_any || set_ratio(result, sum, ql_pow10_i128((unsigned)scale));
}

static void sum_exact(const struct ql_fold_rows *rows, size_t begin, size_t end, struct ql_fold_scratch *scratch,
                      struct ql_fold_result *result) {
    ql_exact_set(&scratch->sum, 0, 0);
    ql_exact_set(&scratch->weight, 1, 0);
    for (size_t i = begin; i < end; i++) {
        if (rows->slot[i] != QL_SLOT_MISSING) {
            struct ql_wide number = number_of(rows->column, rows->slot[i]);
            to_exact(&scratch->value, &number);
            ql_exact_add(&scratch->sum, &scratch->value);
        }
    }
    set_exact(result, &scratch->sum, &scratch->weight);
}

struct mean_128 {
    ql_i128 sum, sum_of_weights, sum_of_products;
    int64_t n;
};

static bool mean_add(struct mean_128 *mean, ql_i128 x, ql_i128 w) {
    ql_i128 product;
    mean->n++;
    return !__builtin_mul_overflow(x, w, &product) &&
           !__builtin_add_overflow(mean->sum_of_products, product, &mean->sum_of_products) &&
           !__builtin_add_overflow(mean->sum_of_weights, w, &mean->sum_of_weights) &&
           !__builtin_add_overflow(mean->sum, x, &mean->sum);
}

static bool mean_128(const struct ql_fold_rows *values, const struct ql_fold_rows *weights, size_t begin, size_t end,
                     struct ql_fold_result *result) {
    int32_t scale;
    int32_t weight_scale = 0;
    if (!find_scale(values, values->slot, begin, end, &scale) ||
        (weights->slot != NULL && !find_scale(weights, values->slot, begin, end, &weight_scale))) {
        return false;
    }
    struct mean_128 mean = {0};
    for (size_t i = begin; i < end; i++) {
        if (values->slot[i] == QL_SLOT_MISSING) {
            continue;
        }
        ql_i128 x;
        ql_i128 w = 0;
        struct ql_wide value = number_of(values->column, values->slot[i]);
        if (weights->slot != NULL && weights->slot[i] != QL_SLOT_MISSING) {
            struct ql_wide weight = number_of(weights->column, weights->slot[i]);
            if (!align(&weight, weight_scale, &w)) {
                return false;
            }
        }
        if (!align(&value, scale, &x) || !mean_add(&mean, x, w)) {
            return false;
        }
    }
    if (mean.n == 0) {
        return true;
    }
    bool is_plain = mean.sum_of_weights == 0;
    ql_i128 den;
    if (__builtin_mul_overflow(is_plain ? mean.n : mean.sum_of_weights, ql_pow10_i128((unsigned)scale), &den)) {
        return false;
    }
    return set_ratio(result, is_plain ? mean.sum : mean.sum_of_products, den);
}

static void mean_exact(const struct ql_fold_input *input, size_t begin, size_t end, struct ql_fold_scratch *scratch,
                       struct ql_fold_result *result) {
    const struct ql_fold_rows *values = &input->values;
    const struct ql_fold_rows *weights = &input->weights;
    int64_t n = 0;
    ql_exact_set(&scratch->sum, 0, 0);
    ql_exact_set(&scratch->sum_of_weights, 0, 0);
    ql_exact_set(&scratch->sum_of_products, 0, 0);
    for (size_t i = begin; i < end; i++) {
        if (values->slot[i] == QL_SLOT_MISSING) {
            continue;
        }
        n++;
        struct ql_wide number = number_of(values->column, values->slot[i]);
        to_exact(&scratch->value, &number);
        ql_exact_add(&scratch->sum, &scratch->value);
        if (weights->slot != NULL && weights->slot[i] != QL_SLOT_MISSING) {
            number = number_of(weights->column, weights->slot[i]);
            to_exact(&scratch->weight, &number);
            ql_exact_add(&scratch->sum_of_weights, &scratch->weight);
            ql_exact_mul(&scratch->product, &scratch->value, &scratch->weight);
            ql_exact_add(&scratch->sum_of_products, &scratch->product);
        }
    }
    if (scratch->sum_of_weights.n != 0) {
        set_exact(result, &scratch->sum_of_products, &scratch->sum_of_weights);
    } else {
        ql_exact_set(&scratch->weight, n, 0);
        set_exact(result, &scratch->sum, &scratch->weight);
    }
}

static bool has_both(const struct ql_fold_input *input, size_t row) {
    return input->values.slot[row] != QL_SLOT_MISSING && input->weights.slot[row] != QL_SLOT_MISSING;
}

static bool ratio_128(const struct ql_fold_input *input, size_t begin, size_t end, struct ql_fold_result *result) {
    const struct ql_fold_rows *values = &input->values;
    const struct ql_fold_rows *weights = &input->weights;
    int32_t scale;
    int32_t weight_scale;
    if (!find_scale(values, values->slot, begin, end, &scale) ||
        !find_scale(weights, weights->slot, begin, end, &weight_scale)) {
        return false;
    }
    ql_i128 sum = 0;
    ql_i128 sum_of_weights = 0;
    for (size_t i = begin; i < end; i++) {
        if (has_both(input, i)) {
            struct ql_wide value = number_of(values->column, values->slot[i]);
            struct ql_wide weight = number_of(weights->column, weights->slot[i]);
            ql_i128 x;
            ql_i128 w;
            if (!align(&value, scale, &x) || !align(&weight, weight_scale, &w) || __builtin_add_overflow(sum, x, &sum) ||
                __builtin_add_overflow(sum_of_weights, w, &sum_of_weights)) {
                return false;
            }
        }
    }
    if (sum_of_weights == 0) {
        return true;
    }
    /* Only the difference of the scales counts. */
    int32_t up = weight_scale - scale;
    ql_i128 *side = up > 0 ? &sum : &sum_of_weights;
    return !__builtin_mul_overflow(*side, ql_pow10_i128((unsigned)(up > 0 ? up : -up)), side) &&
           set_ratio(result, sum, sum_of_weights);
}

static void ratio_exact(const struct ql_fold_input *input, size_t begin, size_t end, struct ql_fold_scratch *scratch,
                        struct ql_fold_result *result) {
    ql_exact_set(&scratch->sum, 0, 0);
    ql_exact_set(&scratch->sum_of_weights, 0, 0);
    for (size_t i = begin; i < end; i++) {
        if (has_both(input, i)) {
            struct ql_wide number = number_of(input->values.column, input->values.slot[i]);
            to_exact(&scratch->value, &number);
            ql_exact_add(&scratch->sum, &scratch->value);
            number = number_of(input->weights.column, input->weights.slot[i]);
            to_exact(&scratch->weight, &number);
            ql_exact_add(&scratch->sum_of_weights, &scratch->weight);
        }
    }
    if (scratch->sum_of_weights.n != 0) {
        set_exact(result, &scratch->sum, &scratch->sum_of_weights);
    }
}

/* One number as a result: min, max, and every sum and mean of one row. */
static void single(const struct ql_slot_column *column, int64_t slot, struct ql_fold_scratch *scratch,
                   struct ql_fold_result *result) {
    struct ql_wide number = number_of(column, slot);
    ql_i128 k;
    int32_t scale = number.scale > 0 ? number.scale : 0;
    if (number.text_len == 0 && scale <= QL_POW10_I128_MAX && align(&number, scale, &k) &&
        set_ratio(result, k, ql_pow10_i128((unsigned)scale))) {
        return;
    }
    to_exact(&scratch->value, &number);
    ql_exact_set(&scratch->weight, 1, 0);
    set_exact(result, &scratch->value, &scratch->weight);
}

static int cmp_slots(const struct ql_slot_column *column, int64_t a, int64_t b, struct ql_fold_scratch *scratch) {
    if (!ql_slot_is_wide(a) && !ql_slot_is_wide(b)) {
        return (a > b) - (a < b);
    }
    struct ql_wide x = number_of(column, a);
    struct ql_wide y = number_of(column, b);
    int32_t scale = x.scale > y.scale ? x.scale : y.scale;
    ql_i128 kx;
    ql_i128 ky;
    if (x.text_len == 0 && y.text_len == 0 && align(&x, scale, &kx) && align(&y, scale, &ky)) {
        return (kx > ky) - (kx < ky);
    }
    to_exact(&scratch->value, &x);
    to_exact(&scratch->weight, &y);
    return ql_exact_cmp(&scratch->value, &scratch->weight);
}

/* Minimum or maximum. */
static void extreme(const struct ql_fold_input *input, size_t begin, size_t end, struct ql_fold_scratch *scratch,
                    struct ql_fold_result *result) {
    const struct ql_fold_rows *rows = &input->values;
    int sign = input->agg == QL_AGG_MAX ? 1 : -1; /* of the order of a better one and the best so far */
    int64_t best = QL_SLOT_MISSING;
    for (size_t i = begin; i < end; i++) {
        int64_t slot = rows->slot[i];
        if (slot != QL_SLOT_MISSING && (best == QL_SLOT_MISSING || cmp_slots(rows->column, slot, best, scratch) == sign)) {
            best = slot;
        }
    }
    if (best != QL_SLOT_MISSING) {
        single(rows->column, best, scratch, result);
    }
}

static void count(const struct ql_fold_rows *rows, size_t begin, size_t end, struct ql_fold_result *result) {
    int64_t n = 0;
    for (size_t i = begin; i < end; i++) {
        n += rows->slot[i] != QL_SLOT_MISSING;
    }
    (void)set_ratio(result, n, 1);
}

void ql_fold(const struct ql_fold_input *input, size_t begin, size_t end, struct ql_fold_scratch *scratch,
             struct ql_fold_result *result) {
    const struct ql_fold_rows *values = &input->values;
    result->kind = QL_FOLD_NULL;
    if (input->agg == QL_AGG_COUNT) {
        count(values, begin, end, result);
    } else if (input->agg == QL_AGG_RATIO) {
        if (!ratio_128(input, begin, end, result)) {
            ratio_exact(input, begin, end, scratch, result);
        }
    } else if (end - begin == 1) {
        /* Nearly every cell. A weighted mean of one value is that value, whatever its weight. */
        if (values->slot[begin] != QL_SLOT_MISSING) {
            single(values->column, values->slot[begin], scratch, result);
        }
    } else if (input->agg == QL_AGG_SUM) {
        if (!sum_128(values, begin, end, result)) {
            sum_exact(values, begin, end, scratch, result);
        }
    } else if (input->agg == QL_AGG_MEAN) {
        if (!mean_128(values, &input->weights, begin, end, result)) {
            mean_exact(input, begin, end, scratch, result);
        }
    } else {
        extreme(input, begin, end, scratch, result);
    }
}

static size_t single_counts(const int64_t *slot, size_t n, enum ql_cell_type type, void *values) {
    for (size_t i = 0; i < n; i++) {
        int64_t count = slot[i] != QL_SLOT_MISSING;
        if (type == QL_CELL_INT64) {
            ((int64_t *)values)[i] = count;
        } else {
            ((double *)values)[i] = (double)count;
        }
    }
    return n;
}

static size_t single_doubles(const int64_t *slot, size_t n, int32_t scale, double *values) {
    /* Both are doubles (10^22 is the last such power), so that their quotient is rounded once. */
    const int64_t max = INT64_C(1) << 53;
    const double divisor = (double)ql_pow10_u64((unsigned)scale);
    for (size_t i = 0; i < n; i++) {
        if (slot[i] >= -max && slot[i] <= max) {
            values[i] = (double)slot[i] / divisor;
        } else if (slot[i] == QL_SLOT_MISSING) {
            values[i] = (double)NAN;
        } else {
            return i;
        }
    }
    return n;
}

static size_t single_integers(const int64_t *slot, size_t n, int64_t *values) {
    for (size_t i = 0; i < n; i++) {
        if (ql_slot_is_wide(slot[i])) {
            return i;
        }
        values[i] = slot[i]; /* QL_SLOT_MISSING is QL_CELL_NULL_I64 */
    }
    return n;
}

size_t ql_fold_singles(const struct ql_fold_input *input, size_t begin, size_t n, enum ql_cell_type type, void *values) {
    /* NOLINTNEXTLINE(misc-redundant-expression): of two headers, which must agree */
    static_assert(QL_SLOT_MISSING == QL_CELL_NULL_I64, "copied as it is");
    const int64_t *slot = input->values.slot + begin;
    int32_t scale = input->values.column->scale;
    if (input->agg == QL_AGG_RATIO) {
        return 0;
    }
    if (input->agg == QL_AGG_COUNT) {
        return single_counts(slot, n, type, values);
    }
    /* Sum, minimum, maximum, and every mean of one value are that value. */
    if (type == QL_CELL_DOUBLE) {
        return scale <= QL_POW10_U64_MAX ? single_doubles(slot, n, scale, values) : 0;
    }
    return scale == 0 ? single_integers(slot, n, values) : 0;
}

bool ql_fold_to_double(const struct ql_fold_result *result, double *value) {
    if (result->kind == QL_FOLD_EXACT) {
        return ql_exact_div_to_double(result->n, result->d, value);
    }
    *value = result->kind == QL_FOLD_NULL ? (double)NAN : ql_ratio_to_double(result->num, result->den);
    return true;
}

bool ql_fold_to_i64(const struct ql_fold_result *result, int64_t *value) {
    if (result->kind == QL_FOLD_EXACT) {
        return ql_exact_div_to_i64(result->n, result->d, value);
    }
    if (result->kind == QL_FOLD_NULL) {
        *value = QL_CELL_NULL_I64;
        return true;
    }
    return ql_ratio_to_i64(result->num, result->den, value);
}
