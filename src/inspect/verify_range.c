/* Least and greatest values, and bounds that claim to be theirs. */
#include "inspect/verify_internal.h"

#include <math.h>

enum { BOUND_SIZE_MAX = 64 }; /* of a string's bound in a file of ours */

void ql_value_range_reset(struct ql_value_range *range, const struct ql_parquet_column *column) {
    range->column = column;
    range->has_order = ql_value_has_order(column);
    range->has_any = false;
    range->n = range->n_nan = 0;
}

void ql_value_range_fini(struct ql_value_range *range) {
    ql_buf_fini(&range->min);
    ql_buf_fini(&range->max);
}

static bool is_nan(const struct ql_parquet_column *column, struct ql_str value) {
    if (column->type == QL_PARQUET_TYPE_DOUBLE) {
        double number;
        memcpy(&number, value.ptr, sizeof number);
        return isnan(number);
    }
    if (column->type == QL_PARQUET_TYPE_FLOAT) {
        float number;
        memcpy(&number, value.ptr, sizeof number);
        return isnan(number);
    }
    return false;
}

static void keep(struct ql_buf *buf, struct ql_str value) {
    ql_buf_reset(buf);
    ql_buf_put_str(buf, value);
    ql_buf_puts(buf, ""); /* a view of the empty string is a view all the same */
}

static void take(struct ql_value_range *range, struct ql_str value) {
    if (!range->has_any || ql_value_cmp(range->column, value, ql_buf_view(&range->min)) < 0) {
        keep(&range->min, value);
    }
    if (!range->has_any || ql_value_cmp(range->column, value, ql_buf_view(&range->max)) > 0) {
        keep(&range->max, value);
    }
    range->has_any = true;
}

void ql_value_range_add(struct ql_value_range *range, struct ql_str value, size_t repeat) {
    range->n += (int64_t)repeat;
    if (is_nan(range->column, value)) {
        range->n_nan += (int64_t)repeat;
    } else if (range->has_order) {
        take(range, value);
    }
}

void ql_value_range_merge(struct ql_value_range *range, const struct ql_value_range *other) {
    range->n += other->n;
    range->n_nan += other->n_nan;
    if (other->has_any) {
        take(range, ql_buf_view(&other->min));
        take(range, ql_buf_view(&other->max));
    }
}

/* As chunk_statistics.h makes bounds of strings: whole up to 64 bytes, else cut, the greatest raised. */
static const char *check_exact(const struct ql_value_range *range, struct ql_str min, struct ql_str max) {
    struct ql_str least = ql_buf_view(&range->min);
    struct ql_str greatest = ql_buf_view(&range->max);
    bool is_text = range->column->type == QL_PARQUET_TYPE_BYTE_ARRAY;
    if (min.ptr == NULL || (max.ptr == NULL && !(is_text && greatest.len > BOUND_SIZE_MAX))) {
        return "there is no least or greatest value stated";
    }
    if (is_text && least.len > BOUND_SIZE_MAX) {
        least.len = min.len < least.len ? min.len : least.len;
    }
    if (ql_value_cmp(range->column, min, least) != 0) {
        return "the least value is another than stated";
    }
    bool may_be_raised = is_text && greatest.len > BOUND_SIZE_MAX;
    if (max.ptr != NULL && !may_be_raised && ql_value_cmp(range->column, max, greatest) != 0) {
        return "the greatest value is another than stated";
    }
    return NULL;
}

const char *ql_value_range_check(const struct ql_value_range *range, struct ql_str min, struct ql_str max, bool is_exact) {
    if (!range->has_order) {
        return NULL;
    }
    bool is_sound = (min.ptr == NULL || ql_value_is_sound(range->column, min)) &&
                    (max.ptr == NULL || ql_value_is_sound(range->column, max));
    if (!is_sound) {
        return "the least or greatest value stated is no value of its type";
    }
    if (!range->has_any || (is_exact && range->n_nan != 0)) {
        return is_exact && (min.ptr != NULL || max.ptr != NULL) ? "a least or greatest value is stated where there can be none"
                                                                : NULL;
    }
    if (min.ptr != NULL && !is_nan(range->column, min) && ql_value_cmp(range->column, ql_buf_view(&range->min), min) < 0) {
        return "a value is below the least one stated";
    }
    if (max.ptr != NULL && !is_nan(range->column, max) && ql_value_cmp(range->column, ql_buf_view(&range->max), max) > 0) {
        return "a value is above the greatest one stated";
    }
    return is_exact ? check_exact(range, min, max) : NULL;
}
