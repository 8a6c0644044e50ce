/** What both layouts do to a column on its way to the sink: NULLs, idle values, the columns of the interval. */
#include "layout/layout_internal.h"

#include <math.h>

static bool has_null_i64(const int64_t *values, size_t n) {
    size_t n_null = 0;
    for (size_t i = 0; i < n; i++) {
        n_null += values[i] == QL_CELL_NULL_I64;
    }
    return n_null != 0;
}

static bool has_null_f64(const double *values, size_t n) {
    size_t n_null = 0;
    for (size_t i = 0; i < n; i++) {
        n_null += isnan(values[i]) != 0;
    }
    return n_null != 0;
}

void ql_layout_numbers(size_t n_rows, enum ql_cell_type type, const void *values, struct ql_column_scratch *scratch,
                       struct ql_column *out) {
    *out = (struct ql_column){.n_rows = n_rows};
    if (type == QL_CELL_INT64) {
        out->v.i64 = values;
        if (has_null_i64(values, n_rows)) {
            uint8_t *is_valid = ql_column_scratch_valid(scratch, n_rows);
            for (size_t i = 0; i < n_rows; i++) {
                is_valid[i] = out->v.i64[i] != QL_CELL_NULL_I64;
            }
            out->is_valid = is_valid;
        }
        return;
    }
    out->v.f64 = values;
    if (has_null_f64(values, n_rows)) {
        uint8_t *is_valid = ql_column_scratch_valid(scratch, n_rows);
        for (size_t i = 0; i < n_rows; i++) {
            bool has_value = !isnan(out->v.f64[i]);
            is_valid[i] = has_value;
        }
        out->is_valid = is_valid;
    }
}

static size_t interval_at(const uint32_t *interval_of, size_t row) {
    return interval_of != NULL ? interval_of[row] : row;
}

size_t ql_layout_n_interval_columns(const struct ql_shape *shape) {
    return shape->options->is_pandas ? 1 : 3;
}

void ql_layout_interval(const struct ql_shape *shape, size_t column, size_t n_rows, const uint32_t *interval_of,
                        struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct ql_cells *cells = shape->cells;
    *out = (struct ql_column){.n_rows = n_rows};
    if (column == 0) {
        out->v.code = interval_of;
        out->dict = shape->interval_texts;
        out->n_dict = cells->n_intervals;
        if (interval_of == NULL) {
            uint32_t *codes = ql_column_scratch_values(scratch, n_rows * sizeof *codes);
            for (size_t i = 0; i < n_rows; i++) {
                codes[i] = (uint32_t)i;
            }
            out->v.code = codes;
        }
        return;
    }
    int64_t *times = ql_column_scratch_values(scratch, n_rows * sizeof *times);
    for (size_t i = 0; i < n_rows; i++) {
        const struct ql_interval *interval = &cells->intervals[interval_at(interval_of, i)];
        times[i] = column == 2 ? interval->end_us : interval->start_us;
    }
    out->v.i64 = times;
}

void ql_layout_fill_idle(const struct ql_shape *shape, const struct ql_cell_column *column, size_t first, size_t end,
                         void *values) {
    if (column->idle.i64 != NULL) { /* either member of the union is the same pointer, and both types have 8 bytes */
        memcpy((int64_t *)values + first, column->idle.i64 + first, (end - first) * sizeof(int64_t));
        return;
    }
    bool is_null = shape->options->empty_is_null;
    for (size_t i = first; i < end; i++) {
        if (column->type == QL_CELL_INT64) {
            ((int64_t *)values)[i] = is_null ? QL_CELL_NULL_I64 : 0;
        } else {
            ((double *)values)[i] = is_null ? (double)NAN : 0;
        }
    }
}
