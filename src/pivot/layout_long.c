/**
 * Layout long: a row is a cell, in the order of the cells, so that most columns go to the sink as they lie. With every interval
 * x queue the rows are made group by group over a background of idle values.
 */
#include "pivot/layout_internal.h"

#include <stdlib.h>

/*
 * 2,000,000 rows: a column of a group is 16 MB, small beside the cells, and a group large enough that its dictionary pays and
 * that readers skip by statistics in useful steps.
 */
enum { DEFAULT_GROUP_ROWS = 2000000 };

/* Distinct texts of queues and the code of each queue among them. */
struct dictionary {
    uint32_t *code; /* [n_queues] */
    struct ql_str *texts;
    size_t n_texts;
};

struct long_rows {
    const struct ql_shape *shape;
    struct dictionary names, ids;
    size_t group_rows;
    /* Scratch of a group. */
    uint32_t *interval_of, *queue_of; /* with every cell only */
    uint32_t *codes;
    void *values;
    uint8_t *is_valid;
};

/* One row group: rows first ... first + n_rows - 1, which mention the cells cell ... cell + n_cells - 1. */
struct group {
    size_t first, n_rows;
    size_t cell, n_cells;
    const uint32_t *interval_of, *queue_of; /* of each row */
};

struct keyed {
    struct ql_str text;
    uint32_t queue;
};
static int compare_keyed(const void *a, const void *b) {
    const struct keyed *x = a;
    const struct keyed *y = b;
    int order = ql_str_cmp(x->text, y->text);
    return order != 0 ? order : (x->queue > y->queue) - (x->queue < y->queue);
}

/* Names repeat where queues are told apart by id, ids where they are blank; a dictionary's entries may not. */
static void make_dictionary(struct dictionary *dictionary, const struct ql_cells *cells, bool is_id, struct ql_arena *arena) {
    dictionary->code = ql_arena_alloc(arena, cells->n_queues * sizeof *dictionary->code);
    dictionary->texts = ql_arena_alloc(arena, cells->n_queues * sizeof *dictionary->texts);
    struct keyed *keyed = ql_mem_zalloc(cells->n_queues, sizeof *keyed);
    for (size_t q = 0; q < cells->n_queues; q++) {
        keyed[q] = (struct keyed){.text = is_id ? cells->queues[q].id : cells->queues[q].name, .queue = (uint32_t)q};
    }
    if (cells->n_queues > 1) {
        qsort(keyed, cells->n_queues, sizeof *keyed, compare_keyed);
    }
    for (size_t k = 0; k < cells->n_queues; k++) {
        if (k == 0 || !ql_str_eq(keyed[k - 1].text, keyed[k].text)) {
            dictionary->texts[dictionary->n_texts++] = keyed[k].text;
        }
        dictionary->code[keyed[k].queue] = (uint32_t)(dictionary->n_texts - 1);
    }
    ql_mem_free(keyed);
}

static enum ql_status put_texts(const struct long_rows *rows, const struct group *group, const struct dictionary *dictionary,
                                bool is_id, struct ql_err *err) {
    const struct ql_shape *shape = rows->shape;
    size_t n_valid = 0;
    for (size_t i = 0; i < group->n_rows; i++) {
        rows->codes[i] = dictionary->code[group->queue_of[i]];
        rows->is_valid[i] = !is_id || shape->cells->queues[group->queue_of[i]].id.len != 0; /* a blank id is NULL */
        n_valid += rows->is_valid[i];
    }
    const struct ql_column column = {.n_rows = group->n_rows,
                                     .v.code = rows->codes,
                                     .is_valid = n_valid != group->n_rows ? rows->is_valid : NULL,
                                     .dict = dictionary->texts,
                                     .n_dict = dictionary->n_texts};
    return shape->sink->column(shape->sink->ctx, &column, err);
}

/* The row of a cell where every interval x queue is a row. */
static size_t row_of(const struct ql_cells *cells, size_t cell) {
    return cells->interval_of[cell] * cells->n_queues + cells->queue_of[cell];
}

static enum ql_status put_metric(const struct long_rows *rows, const struct group *group, const struct ql_cell_column *column,
                                 struct ql_err *err) {
    const struct ql_shape *shape = rows->shape;
    const struct ql_cells *cells = shape->cells;
    bool is_i64 = column->type == QL_CELL_INT64;
    const void *values = is_i64 ? (const void *)(column->v.i64 + group->cell) : column->v.f64 + group->cell;
    if (rows->values != NULL) { /* every cell is a row */
        ql_layout_fill_idle(shape, column, group->interval_of, group->n_rows, rows->values);
        for (size_t c = group->cell; c < group->cell + group->n_cells; c++) {
            size_t row = row_of(cells, c) - group->first;
            if (is_i64) {
                ((int64_t *)rows->values)[row] = column->v.i64[c];
            } else {
                ((double *)rows->values)[row] = column->v.f64[c];
            }
        }
        values = rows->values;
    }
    return ql_layout_put_numbers(shape, group->n_rows, column->type, values, rows->is_valid, err);
}

static enum ql_status put_group(const struct long_rows *rows, const struct group *group, struct ql_err *err) {
    const struct ql_shape *shape = rows->shape;
    const struct ql_column_sink *sink = shape->sink;
    QL_TRY(sink->group_begin(sink->ctx, group->n_rows, err));
    QL_TRY(ql_layout_put_interval(shape, group->n_rows, group->interval_of, err));
    if (shape->cells->has_queue_id) {
        QL_TRY(put_texts(rows, group, &rows->ids, true, err));
    }
    QL_TRY(put_texts(rows, group, &rows->names, false, err));
    for (size_t m = 0; m < shape->n_metrics; m++) {
        QL_TRY(put_metric(rows, group, &shape->cells->columns[shape->metrics[m]], err));
    }
    return sink->group_end(sink->ctx, err);
}

/* What the next group's rows are; group->cell is where the one before it ended. */
static void choose_rows(const struct long_rows *rows, struct group *group) {
    const struct ql_cells *cells = rows->shape->cells;
    if (!rows->shape->options->has_all_cells) {
        group->cell = group->first;
        group->n_cells = group->n_rows;
        group->interval_of = cells->interval_of + group->first;
        group->queue_of = cells->queue_of + group->first;
        return;
    }
    for (size_t i = 0; i < group->n_rows; i++) {
        rows->interval_of[i] = (uint32_t)((group->first + i) / cells->n_queues);
        rows->queue_of[i] = (uint32_t)((group->first + i) % cells->n_queues);
    }
    group->interval_of = rows->interval_of;
    group->queue_of = rows->queue_of;
    group->n_cells = 0;
    while (group->cell + group->n_cells < cells->n_cells &&
           row_of(cells, group->cell + group->n_cells) < group->first + group->n_rows) {
        group->n_cells++;
    }
}

static enum ql_status put_groups(const struct long_rows *rows, size_t n_rows, struct ql_err *err) {
    struct group group = {0};
    while (group.first < n_rows) {
        group.n_rows = n_rows - group.first < rows->group_rows ? n_rows - group.first : rows->group_rows;
        choose_rows(rows, &group);
        QL_TRY(put_group(rows, &group, err));
        group.first += group.n_rows;
        group.cell += group.n_cells;
    }
    return QL_OK;
}

enum ql_status ql_layout_write_long(const struct ql_shape *shape, struct ql_layout_result *result, struct ql_err *err) {
    const struct ql_cells *cells = shape->cells;
    bool has_all_cells = shape->options->has_all_cells;
    size_t n_rows = cells->n_cells;
    if (has_all_cells && (__builtin_mul_overflow(cells->n_intervals, cells->n_queues, &n_rows) || n_rows > INT64_MAX)) {
        return QL_FAIL(err, QL_E_LIMIT, "%zu intervals of %zu queues are too many rows", cells->n_intervals, cells->n_queues);
    }
    result->n_rows = (int64_t)n_rows;
    if (n_rows == 0) {
        return QL_OK; /* the schema alone */
    }
    struct long_rows rows = {.shape = shape, .group_rows = shape->options->group_rows};
    rows.group_rows = rows.group_rows != 0 ? rows.group_rows : DEFAULT_GROUP_ROWS;
    rows.group_rows = rows.group_rows < n_rows ? rows.group_rows : n_rows;
    struct ql_arena arena = {0};
    make_dictionary(&rows.names, cells, false, &arena);
    make_dictionary(&rows.ids, cells, true, &arena);
    rows.codes = ql_mem_zalloc(rows.group_rows, sizeof *rows.codes);
    rows.is_valid = ql_mem_zalloc(rows.group_rows, sizeof *rows.is_valid);
    if (has_all_cells) {
        rows.interval_of = ql_mem_zalloc(rows.group_rows, sizeof *rows.interval_of);
        rows.queue_of = ql_mem_zalloc(rows.group_rows, sizeof *rows.queue_of);
        rows.values = ql_mem_zalloc(rows.group_rows, sizeof(int64_t));
    }
    enum ql_status status = put_groups(&rows, n_rows, err);
    ql_mem_free(rows.values);
    ql_mem_free(rows.queue_of);
    ql_mem_free(rows.interval_of);
    ql_mem_free(rows.is_valid);
    ql_mem_free(rows.codes);
    ql_arena_fini(&arena);
    return status;
}
