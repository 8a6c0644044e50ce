/*
 * The end of a tuple's way: each cell's rows are folded into one value for each aggregate, and written where the group's cells
 * begin. Aggregates go one after the other, so that a column is read and written in one sweep; cells of one row, nearly all,
 * go by runs.
 */
#include "pivot/group_cells.h"

#include "base/unicode.h"

void ql_group_writer_fini(struct ql_group_writer *writer) {
    ql_group_fini(&writer->group);
    ql_fold_scratch_fini(&writer->scratch);
}

/* The first failure so far, in order of cells. */
struct failure {
    size_t order; /* 2 * cell + 1, or 2 * (the cell behind its interval) for a total; SIZE_MAX: none */
    enum { FAILED_OVERLAP, FAILED_CELL, FAILED_TOTAL } kind;
    size_t row;           /* the cell's or the interval's first */
    size_t aggregate;     /* CELL and TOTAL */
    uint32_t first, last; /* OVERLAP: inputs */
};

/* A name may be a megabyte; a message is a line. */
enum { SHOWN_BYTES = 200 };

static void name_cell(const struct ql_group_writer *writer, const struct failure *failure, struct ql_buf *name) {
    const struct ql_cells *cells = writer->cells;
    size_t interval = writer->pivot->timeline.final_of[writer->group.interval[failure->row]];
    char start[QL_TIME_TEXT_SIZE];
    char end[QL_TIME_TEXT_SIZE];
    (void)ql_time_format(cells->intervals[interval].start_us, start);
    (void)ql_time_format(cells->intervals[interval].end_us, end);
    ql_buf_printf(name, "interval '%s/%s' and ", start, end);
    if (failure->kind != FAILED_TOTAL) {
        struct ql_str shown = cells->queues[writer->group.queue[failure->row]].name;
        shown.len = shown.len <= SHOWN_BYTES ? shown.len : ql_utf8_valid_len((struct ql_str){shown.ptr, SHOWN_BYTES});
        ql_buf_printf(name, "queue '%.*s'", QL_STR_ARG(shown));
    } else {
        ql_buf_puts(name, "all queues");
    }
}

static enum ql_status report(const struct ql_group_writer *writer, const struct failure *failure, struct ql_err *err) {
    struct ql_buf name = {0};
    enum ql_status status;
    name_cell(writer, failure, &name);
    if (failure->kind == FAILED_OVERLAP) {
        status = QL_FAIL(err, QL_E_OVERLAP, "inputs %lu and %lu both have rows of %s", (unsigned long)failure->first + 1,
                         (unsigned long)failure->last + 1, ql_buf_text(&name));
        ql_err_hint(err, "say --overlap sum to count both, or --overlap last to keep the later input's");
    } else {
        const struct ql_aggregate *aggregate = &writer->pivot->options.aggregates[failure->aggregate];
        status = QL_FAIL(err, QL_E_OVERFLOW, "'%.*s' of %s does not fit %s", QL_STR_ARG(aggregate->name), ql_buf_text(&name),
                         aggregate->type == QL_CELL_INT64 ? "a 64-bit integer" : "a double");
    }
    ql_buf_fini(&name);
    return status;
}

/* What is kept of a cell's rows if several inputs mention it; false if nothing says so. */
static bool settle_overlap(struct ql_group_writer *writer, size_t begin, size_t end, struct failure *failure) {
    struct ql_group *group = &writer->group;
    uint32_t last = group->input[begin];
    uint32_t first = last;
    for (size_t i = begin + 1; i < end; i++) {
        last = group->input[i] > last ? group->input[i] : last;
        first = group->input[i] < first ? group->input[i] : first;
    }
    if (first == last) {
        return true;
    }
    if (writer->pivot->options.overlap == QL_OVERLAP_FAIL) {
        failure->first = first;
        failure->last = last;
        return false;
    }
    for (size_t i = begin; i < end; i++) {
        for (size_t c = 0; c < group->n_columns && group->input[i] != last; c++) {
            group->slot[c][i] = QL_SLOT_MISSING; /* a missing value takes part in nothing: as if the row were not there */
        }
    }
    return true;
}

static void settle_overlaps(struct ql_group_writer *writer, struct failure *failure) {
    const struct ql_group *group = &writer->group;
    if (!group->has_inputs || writer->pivot->options.overlap == QL_OVERLAP_SUM) {
        return;
    }
    for (size_t i = 0; i < group->n_cells; i++) {
        if (!settle_overlap(writer, group->cell[i], group->cell[i + 1], failure)) {
            failure->kind = FAILED_OVERLAP;
            failure->order = 2 * i + 1;
            failure->row = group->cell[i];
            return;
        }
    }
}

static bool fold_one(struct ql_group_writer *writer, const struct ql_fold_input *input, enum ql_cell_type type, size_t begin,
                     size_t end, void *value) {
    struct ql_fold_result result;
    ql_fold(input, begin, end, &writer->scratch, &result);
    return type == QL_CELL_INT64 ? ql_fold_to_i64(&result, value) : ql_fold_to_double(&result, value);
}

static struct ql_fold_rows rows_of(const struct ql_group_writer *writer, size_t metric) {
    if (metric == QL_NO_COLUMN) {
        return (struct ql_fold_rows){0};
    }
    size_t column = writer->pivot->column[metric];
    return (struct ql_fold_rows){.slot = writer->group.slot[column], .column = &writer->group.columns[column]};
}

/* The cell behind the run of cells of one row that begins at `cell`; not beyond a length that keeps looking twice cheap. */
static size_t end_of_singles(const struct ql_group *group, size_t cell, size_t end) {
    if (group->n_cells == group->n_rows) {
        return end;
    }
    while (cell < end && group->cell[cell + 1] - group->cell[cell] == 1) {
        cell++;
    }
    return cell;
}

/* Cells up to the first failure. values[0] is the group's first cell. */
static void fold_cells(struct ql_group_writer *writer, const struct ql_fold_input *input, size_t a, int64_t *values,
                       struct failure *failure) {
    const struct ql_group *group = &writer->group;
    enum ql_cell_type type = writer->pivot->options.aggregates[a].type;
    size_t n_cells = failure->order / 2 < group->n_cells ? failure->order / 2 : group->n_cells;
    size_t singles_end = 0;
    for (size_t i = 0; i < n_cells; i++) {
        singles_end = singles_end > i ? singles_end : end_of_singles(group, i, n_cells);
        if (i < singles_end) {
            i += ql_fold_singles(input, group->cell[i], singles_end - i, type, values + i);
            if (i == n_cells) {
                return;
            }
        }
        if (!fold_one(writer, input, type, group->cell[i], group->cell[i + 1], values + i)) {
            *failure = (struct failure){.order = 2 * i + 1, .kind = FAILED_CELL, .row = group->cell[i], .aggregate = a};
            return;
        }
    }
}

/* Totals of the intervals up to the first failure. */
static void fold_totals(struct ql_group_writer *writer, const struct ql_fold_input *input, size_t a, int64_t *values,
                        struct failure *failure) {
    const struct ql_group *group = &writer->group;
    enum ql_cell_type type = writer->pivot->options.aggregates[a].type;
    size_t cell = 0; /* behind the interval's */
    for (size_t i = 0; i < group->n_spans; i++) {
        while (cell < group->n_cells && group->cell[cell] < group->span[i + 1]) {
            cell++;
        }
        if (2 * cell >= failure->order) {
            return;
        }
        size_t interval = writer->pivot->timeline.final_of[group->interval[group->span[i]]];
        if (!fold_one(writer, input, type, group->span[i], group->span[i + 1], values + interval)) {
            *failure = (struct failure){.order = 2 * cell, .kind = FAILED_TOTAL, .row = group->span[i], .aggregate = a};
            return;
        }
    }
}

static void write_keys(const struct ql_group_writer *writer, size_t base) {
    const struct ql_group *group = &writer->group;
    const uint32_t *final_of = writer->pivot->timeline.final_of;
    uint32_t *interval_of = writer->cells->interval_of + base;
    uint32_t *queue_of = writer->cells->queue_of + base;
    /* New pages, a few hundred for each array: a tenth of finishing was page faults. */
    ql_mem_populate(interval_of, group->n_cells * sizeof *interval_of);
    ql_mem_populate(queue_of, group->n_cells * sizeof *queue_of);
    for (size_t i = 0; i < group->n_cells; i++) {
        interval_of[i] = final_of[group->interval[group->cell[i]]];
        queue_of[i] = group->queue[group->cell[i]];
    }
}

enum ql_status ql_group_write_cells(struct ql_group_writer *writer, size_t base, struct ql_err *err) {
    const struct ql_pivot_options *options = &writer->pivot->options;
    struct failure failure = {.order = SIZE_MAX};
    write_keys(writer, base);
    settle_overlaps(writer, &failure);
    for (size_t a = 0; a < options->n_aggregates; a++) {
        const struct ql_aggregate *aggregate = &options->aggregates[a];
        const struct ql_cell_column *column = &writer->cells->columns[a];
        struct ql_fold_input input = {.agg = aggregate->agg, .values = rows_of(writer, aggregate->column)};
        input.weights = rows_of(writer, aggregate->agg == QL_AGG_MEAN ? aggregate->weight : QL_NO_COLUMN);
        ql_mem_populate(column->v.i64 + base, writer->group.n_cells * sizeof(int64_t));
        /* Either member of a union is the same pointer, and a double is as large as an int64. */
        fold_cells(writer, &input, a, column->v.i64 + base, &failure);
        if (options->has_totals) {
            fold_totals(writer, &input, a, column->total.i64, &failure);
        }
    }
    return failure.order == SIZE_MAX ? QL_OK : report(writer, &failure, err);
}
