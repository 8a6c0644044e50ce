/**
 * Layout long: a row is a cell, in the order of the cells, so that most columns go to the sink as they lie. With every interval
 * x queue the rows are made group by group over a background of idle values.
 */
#include "layout/layout_internal.h"

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
    bool has_blank_id;                /* some queue lacks one */
    uint32_t *interval_of, *queue_of; /* of a group's rows; with every cell only */
};

/* One row group: rows first ... first + n_rows - 1, which mention the cells cell ... cell + n_cells - 1. */
struct group {
    const struct long_rows *rows;
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

static void fill_texts(const struct group *group, bool is_id, struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct dictionary *dictionary = is_id ? &group->rows->ids : &group->rows->names;
    const struct ql_queue *queues = group->rows->shape->cells->queues;
    uint32_t *codes = ql_column_scratch_values(scratch, group->n_rows * sizeof *codes);
    *out =
        (struct ql_column){.n_rows = group->n_rows, .v.code = codes, .dict = dictionary->texts, .n_dict = dictionary->n_texts};
    for (size_t i = 0; i < group->n_rows; i++) {
        codes[i] = dictionary->code[group->queue_of[i]];
    }
    if (!is_id || !group->rows->has_blank_id) {
        return;
    }
    uint8_t *is_valid = ql_column_scratch_valid(scratch, group->n_rows);
    size_t n_valid = 0;
    for (size_t i = 0; i < group->n_rows; i++) {
        is_valid[i] = queues[group->queue_of[i]].id.len != 0; /* a blank id is NULL */
        n_valid += is_valid[i];
    }
    out->is_valid = n_valid != group->n_rows ? is_valid : NULL;
}

/* The row of a cell where every interval x queue is a row. */
static size_t row_of(const struct ql_cells *cells, size_t cell) {
    return cells->interval_of[cell] * cells->n_queues + cells->queue_of[cell];
}

/* Every interval x queue is a row: the cells over a background of idle values. */
static const void *spread(const struct group *group, const struct ql_cell_column *column, struct ql_column_scratch *scratch) {
    const struct ql_shape *shape = group->rows->shape;
    const struct ql_cells *cells = shape->cells;
    int64_t *idle = ql_column_scratch_block(scratch, cells->n_intervals * sizeof *idle); /* int64 or double: 8 bytes */
    int64_t *made = ql_column_scratch_values(scratch, group->n_rows * sizeof *made);
    ql_layout_fill_idle(shape, column, group->interval_of[0], (size_t)group->interval_of[group->n_rows - 1] + 1, idle);
    for (size_t i = 0; i < group->n_rows; i++) {
        made[i] = idle[group->interval_of[i]];
    }
    for (size_t c = group->cell; c < group->cell + group->n_cells; c++) {
        memcpy(&made[row_of(cells, c) - group->first],
               column->type == QL_CELL_INT64 ? (const void *)&column->v.i64[c] : &column->v.f64[c], sizeof *made);
    }
    return made;
}

static void fill_metric(const struct group *group, const struct ql_cell_column *column, struct ql_column_scratch *scratch,
                        struct ql_column *out) {
    const void *values =
        column->type == QL_CELL_INT64 ? (const void *)(column->v.i64 + group->cell) : column->v.f64 + group->cell;
    if (group->rows->shape->options->has_all_cells) {
        values = spread(group, column, scratch);
    }
    ql_layout_numbers(group->n_rows, column->type, values, scratch, out);
}

static void fill(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct group *group = ctx;
    const struct ql_shape *shape = group->rows->shape;
    if (column < ql_layout_n_interval_columns(shape)) {
        ql_layout_interval(shape, column, group->n_rows, group->interval_of, scratch, out);
    } else if (column < shape->n_fixed) {
        fill_texts(group, column + 1 < shape->n_fixed, scratch, out); /* the id, where there is one, then the name */
    } else {
        fill_metric(group, &shape->cells->columns[shape->metrics[column - shape->n_fixed]], scratch, out);
    }
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
    struct group group = {.rows = rows};
    const struct ql_column_sink *sink = rows->shape->sink;
    const struct ql_column_source source = {.fill = fill, .ctx = &group};
    while (group.first < n_rows) {
        group.n_rows = n_rows - group.first < rows->group_rows ? n_rows - group.first : rows->group_rows;
        choose_rows(rows, &group);
        QL_TRY(sink->group(sink->ctx, group.n_rows, &source, err));
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
    for (size_t q = 0; q < cells->n_queues; q++) {
        rows.has_blank_id = rows.has_blank_id || cells->queues[q].id.len == 0;
    }
    if (has_all_cells) {
        rows.interval_of = ql_mem_realloc(NULL, rows.group_rows, sizeof *rows.interval_of);
        rows.queue_of = ql_mem_realloc(NULL, rows.group_rows, sizeof *rows.queue_of);
    }
    enum ql_status status = put_groups(&rows, n_rows, err);
    ql_mem_free(rows.queue_of);
    ql_mem_free(rows.interval_of);
    ql_arena_fini(&arena);
    return status;
}
