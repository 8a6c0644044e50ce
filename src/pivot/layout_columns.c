/** What both layouts do to a column on its way to the sink: NULLs, idle values, the columns of the interval. */
#include "pivot/layout_internal.h"

#include <math.h>

enum ql_status ql_layout_put_numbers(const struct ql_shape *shape, size_t n_rows, enum ql_cell_type type, const void *values,
                                     uint8_t *is_valid, struct ql_err *err) {
    struct ql_column column = {.n_rows = n_rows};
    size_t n_valid = 0;
    if (type == QL_CELL_INT64) {
        column.v.i64 = values;
        for (size_t i = 0; i < n_rows; i++) {
            is_valid[i] = column.v.i64[i] != QL_CELL_NULL_I64;
            n_valid += is_valid[i];
        }
    } else {
        column.v.f64 = values;
        for (size_t i = 0; i < n_rows; i++) {
            bool has_value = !isnan(column.v.f64[i]);
            is_valid[i] = has_value;
            n_valid += is_valid[i];
        }
    }
    column.is_valid = n_valid != n_rows ? is_valid : NULL;
    return shape->sink->column(shape->sink->ctx, &column, err);
}

static size_t interval_at(const uint32_t *interval_of, size_t row) {
    return interval_of != NULL ? interval_of[row] : row;
}

enum ql_status ql_layout_put_interval(const struct ql_shape *shape, size_t n_rows, const uint32_t *interval_of,
                                      struct ql_err *err) {
    const struct ql_cells *cells = shape->cells;
    int64_t *times = ql_mem_alloc(n_rows * sizeof *times);
    uint32_t *codes = NULL;
    if (interval_of == NULL) {
        codes = ql_mem_alloc(n_rows * sizeof *codes);
        for (size_t i = 0; i < n_rows; i++) {
            codes[i] = (uint32_t)i;
        }
    }
    struct ql_column column = {.n_rows = n_rows,
                               .v.code = codes != NULL ? codes : interval_of,
                               .dict = shape->interval_texts,
                               .n_dict = cells->n_intervals};
    enum ql_status status = shape->sink->column(shape->sink->ctx, &column, err);
    for (int is_end = 0; status == QL_OK && is_end < 2 && !shape->options->is_pandas; is_end++) {
        for (size_t i = 0; i < n_rows; i++) {
            const struct ql_interval *interval = &cells->intervals[interval_at(interval_of, i)];
            times[i] = is_end == 1 ? interval->end_us : interval->start_us;
        }
        column = (struct ql_column){.n_rows = n_rows, .v.i64 = times};
        status = shape->sink->column(shape->sink->ctx, &column, err);
    }
    ql_mem_free(codes);
    ql_mem_free(times);
    return status;
}

void ql_layout_fill_idle(const struct ql_shape *shape, const struct ql_cell_column *column, const uint32_t *interval_of,
                         size_t n_rows, void *values) {
    if (column->type == QL_CELL_INT64) {
        int64_t *out = values;
        int64_t nothing = shape->options->empty_is_null ? QL_CELL_NULL_I64 : 0;
        for (size_t i = 0; i < n_rows; i++) {
            out[i] = column->idle.i64 != NULL ? column->idle.i64[interval_at(interval_of, i)] : nothing;
        }
        return;
    }
    double *out = values;
    double nothing = shape->options->empty_is_null ? (double)NAN : 0;
    for (size_t i = 0; i < n_rows; i++) {
        out[i] = column->idle.f64 != NULL ? column->idle.f64[interval_at(interval_of, i)] : nothing;
    }
}
