/**
 * Layout wide: a row is an interval, a column is a metric of a queue; one row group. Cells come by interval, columns go by
 * queue: one counting sort of the cells by queue makes each column a single pass over its own cells, over a background of idle
 * values.
 */
#include "pivot/layout_internal.h"

/* Cells by queue, within a queue by interval. */
struct by_queue {
    uint32_t *cell;  /* [n_cells] */
    uint32_t *begin; /* [n_queues + 1] into cell */
};

static struct by_queue sort_by_queue(const struct ql_cells *cells) {
    struct by_queue sorted = {.cell = ql_mem_alloc(cells->n_cells * sizeof *sorted.cell),
                              .begin = ql_mem_zalloc(cells->n_queues + 1, sizeof *sorted.begin)};
    for (size_t c = 0; c < cells->n_cells; c++) {
        sorted.begin[cells->queue_of[c]]++;
    }
    for (size_t q = 0; q < cells->n_queues; q++) {
        sorted.begin[q + 1] += sorted.begin[q];
    }
    /* Each begin is the end of its queue's cells now, and goes back to their begin as they are put in place, the last one
     * first. */
    for (size_t c = cells->n_cells; c-- != 0;) {
        sorted.cell[--sorted.begin[cells->queue_of[c]]] = (uint32_t)c;
    }
    return sorted;
}

struct wide {
    const struct ql_shape *shape;
    struct by_queue sorted;
    void *values;      /* of the column at hand: [n_intervals], int64_t or double */
    uint8_t *is_valid; /* [n_intervals] */
};

static enum ql_status put_queue(const struct wide *wide, const struct ql_cell_column *column, size_t queue,
                                struct ql_err *err) {
    const struct ql_cells *cells = wide->shape->cells;
    ql_layout_fill_idle(wide->shape, column, NULL, cells->n_intervals, wide->values);
    for (uint32_t i = wide->sorted.begin[queue]; i < wide->sorted.begin[queue + 1]; i++) {
        uint32_t c = wide->sorted.cell[i];
        if (column->type == QL_CELL_INT64) {
            ((int64_t *)wide->values)[cells->interval_of[c]] = column->v.i64[c];
        } else {
            ((double *)wide->values)[cells->interval_of[c]] = column->v.f64[c];
        }
    }
    return ql_layout_put_numbers(wide->shape, cells->n_intervals, column->type, wide->values, wide->is_valid, err);
}

static enum ql_status put_group(const struct wide *wide, struct ql_err *err) {
    const struct ql_shape *shape = wide->shape;
    const struct ql_cells *cells = shape->cells;
    const struct ql_column_sink *sink = shape->sink;
    QL_TRY(sink->group_begin(sink->ctx, cells->n_intervals, err));
    QL_TRY(ql_layout_put_interval(shape, cells->n_intervals, NULL, err));
    for (size_t m = 0; m < shape->n_metrics; m++) {
        const struct ql_cell_column *column = &cells->columns[shape->metrics[m]];
        for (size_t q = 0; q < cells->n_queues; q++) {
            QL_TRY(put_queue(wide, column, q, err));
        }
        if (cells->has_totals) {
            const void *total = column->type == QL_CELL_INT64 ? (const void *)column->total.i64 : column->total.f64;
            QL_TRY(ql_layout_put_numbers(shape, cells->n_intervals, column->type, total, wide->is_valid, err));
        }
    }
    return sink->group_end(sink->ctx, err);
}

enum ql_status ql_layout_write_wide(const struct ql_shape *shape, struct ql_err *err) {
    size_t n_intervals = shape->cells->n_intervals;
    if (n_intervals == 0) {
        return QL_OK; /* the schema alone */
    }
    struct wide wide = {.shape = shape,
                        .sorted = sort_by_queue(shape->cells),
                        .values = ql_mem_alloc(n_intervals * sizeof(int64_t)),
                        .is_valid = ql_mem_alloc(n_intervals)};
    enum ql_status status = put_group(&wide, err);
    ql_mem_free(wide.is_valid);
    ql_mem_free(wide.values);
    ql_mem_free(wide.sorted.begin);
    ql_mem_free(wide.sorted.cell);
    return status;
}
