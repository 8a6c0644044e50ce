/**
 * Layout wide: a row is an interval, a column is a metric of a queue; one row group. Cells come by interval, columns go by
 * queue. Cells of neighbouring queues lie together and those of one queue do not, so a few columns are made at once, row by row
 * over a background of idle values, and kept in the scratch of the thread that will ask for the next of them.
 */
#include "layout/layout_internal.h"

enum {
    BLOCK_QUEUES = 32,       /* 256 bytes of neighbouring values: a few cache lines of one page */
    LINE_VALUES = 8,         /* of a cache line */
    PREFETCH_INTERVALS = 16, /* cells of a block are some KiB apart, beyond what the processor foresees */
    BLOCK_BYTES_MAX = 9 * 1024 * 1024
};

struct wide {
    const struct ql_shape *shape;
    uint32_t *begin; /* [block of queues][interval]: the first cell of the interval whose queue is in the block or behind it */
    uint32_t *end;   /* [interval]: behind its last cell */
};

static size_t n_blocks(const struct ql_cells *cells) {
    return (cells->n_queues + BLOCK_QUEUES - 1) / BLOCK_QUEUES;
}

static struct wide index_cells(const struct ql_shape *shape) {
    const struct ql_cells *cells = shape->cells;
    struct wide wide = {.shape = shape,
                        .begin = ql_mem_realloc(NULL, n_blocks(cells) * cells->n_intervals, sizeof *wide.begin),
                        .end = ql_mem_realloc(NULL, cells->n_intervals, sizeof *wide.end)};
    uint32_t c = 0;
    for (size_t i = 0; i < cells->n_intervals; i++) {
        for (size_t b = 0; b < n_blocks(cells); b++) {
            wide.begin[b * cells->n_intervals + i] = c;
            while (c < cells->n_cells && cells->interval_of[c] == i && cells->queue_of[c] < (b + 1) * BLOCK_QUEUES) {
                c++;
            }
        }
        wide.end[i] = c;
    }
    return wide;
}

/* The columns of a metric for n queues from `queue` on, one behind the other. Values are int64 or double: their bits are moved.
 */
static void fill_block(const struct wide *wide, const struct ql_cell_column *column, size_t queue, size_t n, int64_t *block) {
    const struct ql_cells *cells = wide->shape->cells;
    const int64_t *values = column->v.i64; /* -fno-strict-aliasing; either member of the union is the same pointer */
    const uint32_t *queue_of = cells->queue_of;
    const size_t n_intervals = cells->n_intervals;
    const uint32_t *begin = wide->begin + queue / BLOCK_QUEUES * cells->n_intervals;
    for (size_t k = 0; k < n; k++) {
        ql_layout_fill_idle(wide->shape, column, 0, cells->n_intervals, block + k * cells->n_intervals);
    }
    for (size_t i = 0; i < cells->n_intervals; i++) {
        if (i + PREFETCH_INTERVALS < cells->n_intervals) {
            uint32_t ahead = begin[i + PREFETCH_INTERVALS];
            for (size_t k = 0; k < BLOCK_QUEUES && ahead + k < cells->n_cells; k += LINE_VALUES) {
                __builtin_prefetch(&values[ahead + k]);
                __builtin_prefetch(&queue_of[ahead + k]);
            }
        }
        const uint32_t end = wide->end[i];
        uint32_t c = begin[i];
        while (c < end && queue_of[c] < queue) {
            c++;
        }
        for (; c < end && queue_of[c] < queue + n; c++) {
            block[(queue_of[c] - queue) * n_intervals + i] = values[c];
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
    struct wide wide = index_cells(shape);
    const struct ql_column_source source = {.fill = fill, .ctx = &wide};
    enum ql_status status = shape->sink->group(shape->sink->ctx, n_intervals, &source, err);
    ql_mem_free(wide.begin);
    ql_mem_free(wide.end);
    return status;
}
