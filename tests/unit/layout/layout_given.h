/** Cells by hand, cut into parts, and the way of all of them through a layout's writer into a recorder. */
#ifndef QL_TESTS_UNIT_LAYOUT_LAYOUT_GIVEN_H
#define QL_TESTS_UNIT_LAYOUT_LAYOUT_GIVEN_H

#include "unit/kpi/vectors.h"
#include "unit/layout/layout_recorder.h"

#define US_OF_MINUTES(n) ((int64_t)(n)*60 * QL_US_PER_S)
#define JAN_1_2024 INT64_C(1704067200000000)

enum { GIVEN_METRICS = 3, GIVEN_N = 0, GIVEN_HIDDEN = 1, GIVEN_X = 2, GIVEN_INTERVALS = 512, GIVEN_QUEUES = 64 };

struct given_cell {
    uint32_t interval, queue;
    double n, x; /* NaN: NULL */
};
/** What a test says: metrics "n" (INT64), "hidden" and "x" (DOUBLE). */
struct given {
    size_t n_intervals;
    const struct ql_queue *queues;
    size_t n_queues;
    const struct given_cell *cells;
    size_t n_cells;
    double idle_n, idle_x;
    bool has_queue_id;
};
/** The same as a pivot and a plan would hand it on; a test may change anything of it. */
struct table {
    struct given given;
    struct ql_grid grid;
    struct ql_interval intervals[GIVEN_INTERVALS];
    struct ql_str texts[GIVEN_INTERVALS];
    struct ql_queue queues[GIVEN_QUEUES];
    struct ql_cell_def defs[GIVEN_METRICS];
    int scale_of_x;
    double totals[GIVEN_METRICS][GIVEN_INTERVALS]; /* NaN: NULL */
    struct ql_part parts[GIVEN_INTERVALS];
};

/** All intervals in one part. */
static inline struct table *table_new(const struct given *given) {
    struct table *t = ql_mem_zalloc(1, sizeof *t);
    assert_true(given->n_intervals <= GIVEN_INTERVALS && given->n_queues <= GIVEN_QUEUES);
    t->given = *given;
    t->grid = (struct ql_grid){.n_intervals = given->n_intervals,
                               .intervals = t->intervals,
                               .interval_texts = t->texts,
                               .n_queues = given->n_queues,
                               .queues = t->queues,
                               .has_queue_id = given->has_queue_id,
                               .parts = t->parts,
                               .n_parts = given->n_intervals != 0 ? 1 : 0};
    for (size_t i = 0; i < given->n_intervals; i++) {
        t->intervals[i].start_us = JAN_1_2024 + US_OF_MINUTES(30) * (int64_t)i;
        t->intervals[i].end_us = JAN_1_2024 + US_OF_MINUTES(30) * (int64_t)(i + 1);
    }
    for (size_t q = 0; q < given->n_queues; q++) {
        t->queues[q] = given->queues[q];
    }
    t->parts[0] = (struct ql_part){.n_intervals = given->n_intervals, .max_cells = given->n_cells};
    t->defs[GIVEN_N] = (struct ql_cell_def){.name = QL_STR("n"), .type = QL_CELL_INT64};
    t->defs[GIVEN_HIDDEN] = (struct ql_cell_def){.name = QL_STR("hidden"), .type = QL_CELL_INT64, .is_hidden = true};
    t->defs[GIVEN_X] = (struct ql_cell_def){.name = QL_STR("x"), .type = QL_CELL_DOUBLE};
    t->scale_of_x = QL_CELL_SCALE_UNKNOWN;
    return t;
}

static inline bool is_in_part(const struct ql_part *part, const struct given_cell *cell) {
    return cell->interval >= part->first_interval && cell->interval < part->first_interval + part->n_intervals;
}

/** Parts of so many intervals; the last may have fewer. */
static inline void table_cut(struct table *t, size_t n_intervals) {
    t->grid.n_parts = 0;
    for (size_t first = 0; first < t->grid.n_intervals; first += n_intervals) {
        struct ql_part *part = &t->parts[t->grid.n_parts++];
        size_t left = t->grid.n_intervals - first;
        *part = (struct ql_part){.first_interval = first, .n_intervals = left < n_intervals ? left : n_intervals};
        for (size_t c = 0; c < t->given.n_cells; c++) {
            part->max_cells += is_in_part(part, &t->given.cells[c]);
        }
    }
}

static inline void table_put(enum ql_cell_type type, union ql_cell_values values, size_t i, double value) {
    if (type == QL_CELL_INT64) {
        values.i64[i] = isnan(value) ? QL_CELL_NULL_I64 : (int64_t)value;
    } else {
        values.f64[i] = value;
    }
}

/** The cells of a part, as they come from a plan. */
static inline void table_make_part(const struct table *t, size_t p, struct ql_cells *cells) {
    const struct ql_part *part = &t->parts[p];
    cells->grid = &t->grid;
    ql_cells_reserve(cells, GIVEN_METRICS, part->n_intervals, part->max_cells);
    cells->first_interval = part->first_interval;
    cells->n_cells = 0;
    for (size_t i = 0; i <= part->n_intervals; i++) {
        cells->begin[i] = 0;
    }
    for (size_t m = 0; m < GIVEN_METRICS; m++) {
        struct ql_cell_column *column = &cells->columns[m];
        column->type = t->defs[m].type;
        column->scale = m == GIVEN_X ? t->scale_of_x : QL_CELL_SCALE_UNKNOWN;
        for (size_t i = 0; i < part->n_intervals; i++) {
            table_put(column->type, column->idle, i, m == GIVEN_X ? t->given.idle_x : t->given.idle_n);
            if (t->grid.has_totals) {
                table_put(column->type, column->total, i, t->totals[m][part->first_interval + i]);
            }
        }
    }
    for (size_t c = 0; c < t->given.n_cells; c++) {
        const struct given_cell *cell = &t->given.cells[c];
        if (is_in_part(part, cell)) {
            size_t at = cells->n_cells++;
            cells->queue_of[at] = cell->queue;
            for (size_t i = cell->interval - part->first_interval; i < part->n_intervals; i++) {
                cells->begin[i + 1] = (uint32_t)cells->n_cells;
            }
            for (size_t m = 0; m < GIVEN_METRICS; m++) {
                table_put(cells->columns[m].type, cells->columns[m].v, at, m == GIVEN_X ? cell->x : cell->n);
            }
        }
    }
}

static inline enum ql_status table_write_group(const struct table *t, struct ql_layout_writer *writer, size_t first, size_t end,
                                               struct ql_err *err) {
    struct ql_cells cells = {0};
    enum ql_status status = QL_OK;
    for (size_t p = end; p-- > first && status == QL_OK;) { /* in any order */
        table_make_part(t, p, &cells);
        status = ql_layout_writer_pack(writer, p, &cells, err);
    }
    ql_cells_fini(&cells);
    return status == QL_OK ? ql_layout_writer_write_group(writer, first, end, err) : status;
}

/** All parts, group by group. */
static inline enum ql_status table_write(const struct table *t, const struct ql_layout_options *options,
                                         struct recorder *recorder, struct ql_layout_result *result, struct ql_err *err) {
    const struct ql_column_sink sink = recorder_sink(recorder);
    struct ql_layout_writer *writer = NULL;
    enum ql_status status = ql_layout_writer_new(&t->grid, t->defs, GIVEN_METRICS, options, &sink, result, &writer, err);
    for (size_t p = 0; status == QL_OK && p < t->grid.n_parts;) {
        size_t end = ql_layout_writer_group_end(writer, p);
        assert_true(end > p && end <= t->grid.n_parts);
        status = table_write_group(t, writer, p, end, err);
        p = end;
    }
    assert_true(status != QL_OK || ql_layout_writer_n_rows(writer) == (int64_t)recorder->n_rows);
    ql_layout_writer_free(writer);
    return status;
}

static inline struct recorder *table_record(const struct table *t, const struct ql_layout_options *options,
                                            struct ql_layout_result *result) {
    struct recorder *recorder = recorder_new();
    assert_ok(table_write(t, options, recorder, result, err));
    assert_int_equal(result->n_columns, recorder->n_columns);
    recorder_is_sorted_as_declared(recorder);
    return recorder;
}

#define NAMED(text)                                       \
    {                                                     \
        .name = {.ptr = (text), .len = sizeof(text) - 1 } \
    }
#define WITH_ID(key, text)                                                                              \
    {                                                                                                   \
        .id = {.ptr = (key), .len = sizeof(key) - 1}, .name = {.ptr = (text), .len = sizeof(text) - 1 } \
    }
#define GIVEN(q, c, intervals)                                                                           \
    (struct given) {                                                                                     \
        .n_intervals = (intervals), .queues = (q), .n_queues = sizeof(q) / sizeof((q)[0]), .cells = (c), \
        .n_cells = sizeof(c) / sizeof((c)[0])                                                            \
    }

#endif
