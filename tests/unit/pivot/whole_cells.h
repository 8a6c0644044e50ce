/*
 * The parts of a pivot put together again, for tests that look at all cells. What the contract says of every part is checked
 * on the way: parts follow one another without a gap, cells are in order, a column's scale is true.
 */
#ifndef QL_TESTS_UNIT_PIVOT_WHOLE_CELLS_H
#define QL_TESTS_UNIT_PIVOT_WHOLE_CELLS_H

#include "support/test.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "pivot/pivot.h"

#include <math.h>

struct whole_interval {
    int64_t start_us, end_us;
    struct ql_str text;
};

struct whole_column {
    enum ql_cell_type type;
    union ql_cell_values v, total;
};

/* Everything is a copy, and lives as long as this. */
struct whole_cells {
    struct ql_arena arena;
    size_t n_intervals, n_queues, n_cells, n_columns, n_parts;
    struct whole_interval *intervals;
    struct ql_queue *queues;
    bool has_queue_id, has_totals;
    uint32_t *interval_of, *queue_of;
    struct whole_column *columns;
};

static inline void whole_cells_fini(struct whole_cells *whole) {
    ql_arena_fini(&whole->arena);
    *whole = (struct whole_cells){0};
}

/* How the parts are made. */
struct whole_job {
    struct ql_pivot *pivot;
    const struct ql_grid *grid;
    struct ql_cells *parts;                          /* [n_parts] copies */
    struct ql_cells reused[QL_PARALLEL_MAX_THREADS]; /* by worker: used for all of its parts */
};

static inline void whole_copy_cells(struct ql_cells *to, const struct ql_cells *from) {
    to->grid = from->grid;
    to->first_interval = from->first_interval;
    ql_cells_reserve(to, from->n_columns, from->n_intervals, from->n_cells);
    to->n_cells = from->n_cells;
    memcpy(to->begin, from->begin, (from->n_intervals + 1) * sizeof *to->begin);
    memcpy(to->queue_of, from->queue_of, from->n_cells * sizeof *to->queue_of);
    for (size_t c = 0; c < from->n_columns; c++) {
        to->columns[c].type = from->columns[c].type;
        to->columns[c].scale = from->columns[c].scale;
        memcpy(to->columns[c].v.i64, from->columns[c].v.i64, from->n_cells * sizeof(int64_t));
        if (from->grid->has_totals) {
            memcpy(to->columns[c].total.i64, from->columns[c].total.i64, from->n_intervals * sizeof(int64_t));
        }
    }
}

static inline enum ql_status whole_make_part(void *ctx, size_t worker, size_t part, struct ql_err *err) {
    struct whole_job *job = ctx;
    struct ql_cells *cells = &job->reused[worker];
    QL_TRY(ql_pivot_make_part(job->pivot, worker, part, cells, err));
    whole_copy_cells(&job->parts[part], cells);
    return QL_OK;
}

static inline void whole_check_scale(const struct ql_cell_column *column, size_t n_cells) {
    static const double POW10[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    if (column->type != QL_CELL_DOUBLE || column->scale == QL_CELL_SCALE_UNKNOWN) {
        return;
    }
    assert_in_range(column->scale, 0, 15);
    bool needs_scale = column->scale == 0;
    for (size_t i = 0; i < n_cells; i++) {
        double value = column->v.f64[i];
        if (!isnan(value)) {
            double k = rint(value * POW10[column->scale]);
            assert_true(fabs(k) <= 0x1p53 && k / POW10[column->scale] == value);
            needs_scale = needs_scale || rint(value * POW10[column->scale - 1]) / POW10[column->scale - 1] != value;
        }
    }
    assert_true(needs_scale); /* or else the scale would not follow from the cells alone */
}

static inline void whole_check_part(const struct ql_grid *grid, size_t part, size_t first_interval,
                                    const struct ql_cells *cells) {
    const struct ql_part *bounds = &grid->parts[part];
    assert_true(cells->grid == grid && bounds->n_intervals != 0);
    assert_int_equal(bounds->first_interval, first_interval);
    assert_int_equal(cells->first_interval, first_interval);
    assert_int_equal(cells->n_intervals, bounds->n_intervals);
    assert_true(cells->n_cells <= bounds->max_cells);
    assert_true(bounds->n_intervals == 1 || bounds->n_intervals * grid->n_queues <= 512 * 1024);
    assert_int_equal(cells->begin[0], 0);
    assert_int_equal(cells->begin[cells->n_intervals], cells->n_cells);
    for (size_t i = 0; i < cells->n_intervals; i++) {
        assert_true(cells->begin[i] <= cells->begin[i + 1]);
        for (uint32_t c = cells->begin[i]; c < cells->begin[i + 1]; c++) {
            assert_true(cells->queue_of[c] < grid->n_queues);
            assert_true(c == cells->begin[i] || cells->queue_of[c] > cells->queue_of[c - 1]);
        }
    }
    for (size_t c = 0; c < cells->n_columns; c++) {
        whole_check_scale(&cells->columns[c], cells->n_cells);
    }
}

static inline struct ql_str whole_text(struct whole_cells *whole, struct ql_str text) {
    return (struct ql_str){.ptr = ql_arena_copy(&whole->arena, text.ptr, text.len), .len = text.len};
}

static inline void whole_copy_grid(struct whole_cells *whole, const struct ql_grid *grid) {
    whole->n_intervals = grid->n_intervals;
    whole->n_queues = grid->n_queues;
    whole->n_parts = grid->n_parts;
    whole->has_queue_id = grid->has_queue_id;
    whole->has_totals = grid->has_totals;
    whole->intervals = ql_arena_alloc(&whole->arena, (grid->n_intervals + 1) * sizeof *whole->intervals);
    whole->queues = ql_arena_alloc(&whole->arena, (grid->n_queues + 1) * sizeof *whole->queues);
    for (size_t i = 0; i < grid->n_intervals; i++) {
        whole->intervals[i] = (struct whole_interval){grid->intervals[i].start_us, grid->intervals[i].end_us,
                                                      grid->interval_texts != NULL ? whole_text(whole, grid->interval_texts[i])
                                                                                   : (struct ql_str){0}};
    }
    for (size_t q = 0; q < grid->n_queues; q++) {
        whole->queues[q].id = whole_text(whole, grid->queues[q].id);
        whole->queues[q].name = whole_text(whole, grid->queues[q].name);
        whole->queues[q].media_type = whole_text(whole, grid->queues[q].media_type);
    }
}

static inline void whole_append(struct whole_cells *whole, const struct ql_cells *cells) {
    for (size_t i = 0; i < cells->n_intervals; i++) {
        for (uint32_t c = cells->begin[i]; c < cells->begin[i + 1]; c++) {
            whole->interval_of[whole->n_cells + c] = (uint32_t)(cells->first_interval + i);
        }
    }
    if (cells->n_cells != 0) {
        memcpy(whole->queue_of + whole->n_cells, cells->queue_of, cells->n_cells * sizeof *whole->queue_of);
    }
    for (size_t c = 0; c < cells->n_columns; c++) {
        struct whole_column *column = &whole->columns[c];
        column->type = cells->columns[c].type;
        memcpy(column->v.i64 + whole->n_cells, cells->columns[c].v.i64, cells->n_cells * sizeof(int64_t));
        if (whole->has_totals) {
            memcpy(column->total.i64 + cells->first_interval, cells->columns[c].total.i64,
                   cells->n_intervals * sizeof(int64_t));
        }
    }
    whole->n_cells += cells->n_cells;
}

static inline void whole_put_together(struct whole_cells *whole, const struct whole_job *job) {
    const struct ql_grid *grid = job->grid;
    size_t n_cells = 0;
    size_t interval = 0;
    whole_copy_grid(whole, grid);
    for (size_t p = 0; p < grid->n_parts; p++) {
        whole_check_part(grid, p, interval, &job->parts[p]);
        interval += job->parts[p].n_intervals;
        n_cells += job->parts[p].n_cells;
        whole->n_columns = job->parts[p].n_columns;
    }
    assert_int_equal(interval, grid->n_intervals);
    whole->interval_of = ql_arena_alloc(&whole->arena, (n_cells + 1) * sizeof *whole->interval_of);
    whole->queue_of = ql_arena_alloc(&whole->arena, (n_cells + 1) * sizeof *whole->queue_of);
    whole->columns = ql_arena_alloc(&whole->arena, (whole->n_columns + 1) * sizeof *whole->columns);
    for (size_t c = 0; c < whole->n_columns; c++) {
        whole->columns[c].v.i64 = ql_arena_alloc(&whole->arena, (n_cells + 1) * sizeof(int64_t));
        whole->columns[c].total.i64 = ql_arena_alloc(&whole->arena, (grid->n_intervals + 1) * sizeof(int64_t));
    }
    for (size_t p = 0; p < grid->n_parts; p++) {
        whole_append(whole, &job->parts[p]);
    }
}

/** Closes the pivot and makes all parts by that many threads. whole is empty if that fails. */
static inline enum ql_status whole_finish(struct ql_pivot *pivot, size_t n_threads, struct whole_cells *whole,
                                          struct ql_err *err) {
    struct whole_job *job = ql_mem_zalloc(1, sizeof *job);
    *whole = (struct whole_cells){0};
    job->pivot = pivot;
    enum ql_status status = ql_pivot_close(pivot, &job->grid, err);
    size_t n_parts = status == QL_OK ? job->grid->n_parts : 0;
    job->parts = ql_mem_zalloc(n_parts, sizeof *job->parts);
    if (status == QL_OK) {
        status = ql_parallel_run(n_threads, n_parts, whole_make_part, job, err);
    }
    if (status == QL_OK) {
        whole_put_together(whole, job);
    }
    for (size_t w = 0; w < QL_PARALLEL_MAX_THREADS; w++) {
        ql_cells_fini(&job->reused[w]);
    }
    for (size_t p = 0; p < n_parts; p++) {
        ql_cells_fini(&job->parts[p]);
    }
    ql_mem_free(job->parts);
    ql_mem_free(job);
    return status;
}

#endif
