/**
 * Layout wide: a row is an interval, a column is a metric of a queue; one row group. Cells come by interval, columns go by
 * queue: one counting sort of the cells by queue makes each column a single pass over its own cells, over a background of idle
 * values.
 *
 * Cells of neighbouring queues share cache lines and those of one queue do not, so a few columns are made together, some rows
 * at a time, and kept in the scratch of the thread that will ask for the next of them.
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

enum {
    BLOCK_QUEUES = 8,      /* as many values as a cache line has */
    TILE_INTERVALS = 1024, /* 8 columns of a tile are 64 KiB: what is filled in and overwritten stays in the second cache */
    BLOCK_BYTES_MAX = 4 * 1024 * 1024
};

struct wide {
    const struct ql_shape *shape;
    struct by_queue sorted;
};

/* Intervals before `end` that are not filled yet: from the cursor, the queue's next cell, on. */
struct tile {
    size_t end;
    uint32_t *cursor;
};

static void fill_tile_i64(const struct wide *wide, const int64_t *values, size_t queue, struct tile tile, int64_t *out) {
    const uint32_t *interval_of = wide->shape->cells->interval_of;
    uint32_t i = *tile.cursor;
    for (; i < wide->sorted.begin[queue + 1] && interval_of[wide->sorted.cell[i]] < tile.end; i++) {
        uint32_t c = wide->sorted.cell[i];
        out[interval_of[c]] = values[c];
    }
    *tile.cursor = i;
}

static void fill_tile_f64(const struct wide *wide, const double *values, size_t queue, struct tile tile, double *out) {
    const uint32_t *interval_of = wide->shape->cells->interval_of;
    uint32_t i = *tile.cursor;
    for (; i < wide->sorted.begin[queue + 1] && interval_of[wide->sorted.cell[i]] < tile.end; i++) {
        uint32_t c = wide->sorted.cell[i];
        out[interval_of[c]] = values[c];
    }
    *tile.cursor = i;
}

/* The columns of a metric for n queues from `queue` on, one behind the other. */
static void fill_block(const struct wide *wide, const struct ql_cell_column *column, size_t queue, size_t n, void *block) {
    size_t n_intervals = wide->shape->cells->n_intervals;
    uint32_t cursors[BLOCK_QUEUES];
    for (size_t k = 0; k < n; k++) {
        cursors[k] = wide->sorted.begin[queue + k];
    }
    for (size_t first = 0; first < n_intervals; first += TILE_INTERVALS) {
        size_t end = n_intervals - first < TILE_INTERVALS ? n_intervals : first + TILE_INTERVALS;
        for (size_t k = 0; k < n; k++) {
            struct tile tile = {.end = end, .cursor = &cursors[k]};
            ql_layout_fill_idle(wide->shape, column, first, end, (int64_t *)block + k * n_intervals); /* 8 bytes either way */
            if (column->type == QL_CELL_INT64) {
                fill_tile_i64(wide, column->v.i64, queue + k, tile, (int64_t *)block + k * n_intervals);
            } else {
                fill_tile_f64(wide, column->v.f64, queue + k, tile, (double *)block + k * n_intervals);
            }
        }
    }
}

static size_t block_queues(size_t n_intervals) {
    size_t n = BLOCK_BYTES_MAX / sizeof(int64_t) / n_intervals;
    return n == 0 ? 1 : (n < BLOCK_QUEUES ? n : BLOCK_QUEUES);
}

/* `column` counts the columns of metrics. */
static const void *queue_values(const struct wide *wide, size_t column, struct ql_column_scratch *scratch) {
    const struct ql_shape *shape = wide->shape;
    size_t n_intervals = shape->cells->n_intervals;
    size_t queue = column % shape->n_per_metric;
    if (column < scratch->held.first || column >= scratch->held.first + scratch->held.n) {
        size_t n = block_queues(n_intervals);
        size_t left = shape->cells->n_queues - queue;
        void *block = ql_column_scratch_block(scratch, n * n_intervals * sizeof(int64_t));
        scratch->held = (struct ql_column_block){.first = column, .n = n < left ? n : left};
        fill_block(wide, &shape->cells->columns[shape->metrics[column / shape->n_per_metric]], queue, scratch->held.n, block);
    }
    return (const int64_t *)scratch->block + (column - scratch->held.first) * n_intervals;
}

static void fill(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct wide *wide = ctx;
    const struct ql_shape *shape = wide->shape;
    const struct ql_cells *cells = shape->cells;
    if (column < shape->n_fixed) {
        ql_layout_interval(shape, column, cells->n_intervals, NULL, scratch, out);
        return;
    }
    column -= shape->n_fixed;
    const struct ql_cell_column *metric = &cells->columns[shape->metrics[column / shape->n_per_metric]];
    const void *values = NULL;
    if (column % shape->n_per_metric == cells->n_queues) { /* the total stands behind the queues */
        values = metric->type == QL_CELL_INT64 ? (const void *)metric->total.i64 : metric->total.f64;
    } else {
        values = queue_values(wide, column, scratch);
    }
    ql_layout_numbers(cells->n_intervals, metric->type, values, scratch, out);
}

enum ql_status ql_layout_write_wide(const struct ql_shape *shape, struct ql_err *err) {
    size_t n_intervals = shape->cells->n_intervals;
    if (n_intervals == 0) {
        return QL_OK; /* the schema alone */
    }
    struct wide wide = {.shape = shape, .sorted = sort_by_queue(shape->cells)};
    const struct ql_column_source source = {.fill = fill, .ctx = &wide};
    enum ql_status status = shape->sink->group(shape->sink->ctx, n_intervals, &source, err);
    ql_mem_free(wide.sorted.begin);
    ql_mem_free(wide.sorted.cell);
    return status;
}
