/*
 * The end of a row's way: each cell's rows become one value for each aggregate. Aggregates go one after the other, so that a
 * column is read and written in one sweep.
 *
 * Where every row is a cell, as in nearly all inputs, a value is one number: it goes straight from the narrow column to the
 * cell, as one rounding of two doubles or none. Everything else goes through slots and folds (fold.h), which is the law.
 */
#include "pivot/part_cells.h"

#include "base/unicode.h"
#include "pivot/pivot_internal.h"

#include <assert.h>
#include <math.h>

void ql_part_maker_fini(struct ql_part_maker *maker) {
    ql_part_rows_fini(&maker->rows);
    for (size_t u = 0; u < maker->n_slots; u++) {
        ql_mem_free(maker->slots[u].slot);
        ql_mem_free(maker->slots[u].wide);
    }
    ql_mem_free(maker->slots);
    ql_mem_free(maker->has_slots);
    ql_mem_free(maker->input);
    ql_fold_scratch_fini(&maker->scratch);
    *maker = (struct ql_part_maker){0};
}

/* A part on its way to cells. */
struct making {
    const struct ql_pivot *pivot;
    struct ql_part_maker *maker;
    struct ql_cells *cells;
};

/* The first failure so far, in order of cells. */
struct failure {
    size_t order; /* 2 * cell + 1, or 2 * (the cell behind its interval) for a total; SIZE_MAX: none */
    enum { FAILED_OVERLAP, FAILED_CELL, FAILED_TOTAL } kind;
    size_t interval;      /* of the part */
    uint32_t queue;       /* OVERLAP and CELL */
    size_t aggregate;     /* CELL and TOTAL */
    uint32_t first, last; /* OVERLAP: inputs */
};

/* A name may be a megabyte; a message is a line. */
enum { SHOWN_BYTES = 200 };

static struct ql_str shown(struct ql_str name) {
    size_t len = name.len <= SHOWN_BYTES ? name.len : ql_utf8_valid_len((struct ql_str){name.ptr, SHOWN_BYTES});
    return (struct ql_str){name.ptr, len};
}

static void name_cell(const struct making *making, const struct failure *failure, struct ql_buf *name) {
    const struct ql_grid *grid = making->cells->grid;
    const struct ql_interval *interval = &grid->intervals[making->cells->first_interval + failure->interval];
    char start[QL_TIME_TEXT_SIZE];
    char end[QL_TIME_TEXT_SIZE];
    (void)ql_time_format(interval->start_us, start);
    (void)ql_time_format(interval->end_us, end);
    ql_buf_printf(name, "interval '%s/%s' and ", start, end);
    if (failure->kind != FAILED_TOTAL) {
        ql_buf_printf(name, "queue '%.*s'", QL_STR_ARG(shown(grid->queues[failure->queue].name)));
    } else {
        ql_buf_puts(name, "all queues");
    }
}

static enum ql_status fail_overlap(const struct making *making, const struct failure *failure, const char *cell,
                                   struct ql_err *err) {
    const struct ql_str *names = making->pivot->input_names;
    if (failure->last < making->pivot->n_input_names) { /* the larger one */
        return QL_FAIL(err, QL_E_OVERLAP, "'%.*s' and '%.*s' both have rows of %s", QL_STR_ARG(shown(names[failure->first])),
                       QL_STR_ARG(shown(names[failure->last])), cell);
    }
    return QL_FAIL(err, QL_E_OVERLAP, "inputs %lu and %lu both have rows of %s", (unsigned long)failure->first + 1,
                   (unsigned long)failure->last + 1, cell);
}

static enum ql_status report(const struct making *making, const struct failure *failure, struct ql_err *err) {
    struct ql_buf name = {0};
    enum ql_status status;
    name_cell(making, failure, &name);
    if (failure->kind == FAILED_OVERLAP) {
        status = fail_overlap(making, failure, ql_buf_text(&name), err);
        ql_err_hint(err, "say --overlap sum to count both, or --overlap last to keep the later input's");
    } else {
        const struct ql_aggregate *aggregate = &making->pivot->options.aggregates[failure->aggregate];
        status = QL_FAIL(err, QL_E_OVERFLOW, "'%.*s' of %s does not fit %s", QL_STR_ARG(aggregate->name), ql_buf_text(&name),
                         aggregate->type == QL_CELL_INT64 ? "a 64-bit integer" : "a double");
    }
    ql_buf_fini(&name);
    return status;
}

/* The failure of a cell, in order behind all of the cells before it. */
static struct failure fail_at(const struct making *making, size_t cell) {
    struct failure failure = {.order = 2 * cell + 1, .queue = making->cells->queue_of[cell]};
    while (making->cells->begin[failure.interval + 1] <= cell) {
        failure.interval++;
    }
    return failure;
}

/* A column's slots by position, which are made when first asked for. */
static struct ql_slot_column *slots_of(const struct making *making, size_t column) {
    struct ql_slot_column *slots = &making->maker->slots[column];
    if (!making->maker->has_slots[column]) {
        ql_part_rows_get_slots(&making->maker->rows, column, slots);
        making->maker->has_slots[column] = true;
    }
    return slots;
}

/* What is kept of a cell's rows if several inputs mention it; false if nothing says so. */
static bool settle_overlap(const struct making *making, size_t begin, size_t end, struct failure *failure) {
    const uint32_t *input = making->maker->input;
    uint32_t last = input[begin];
    uint32_t first = last;
    for (size_t i = begin + 1; i < end; i++) {
        last = input[i] > last ? input[i] : last;
        first = input[i] < first ? input[i] : first;
    }
    if (first == last) {
        return true;
    }
    if (making->pivot->options.overlap == QL_OVERLAP_FAIL) {
        failure->first = first;
        failure->last = last;
        return false;
    }
    for (size_t c = 0; c < making->pivot->n_used; c++) {
        struct ql_slot_column *slots = slots_of(making, c);
        for (size_t i = begin; i < end; i++) {
            if (input[i] != last) {
                slots->slot[i] = QL_SLOT_MISSING; /* takes part in nothing: as if the row were not there */
            }
        }
    }
    return true;
}

static void settle_overlaps(const struct making *making, struct failure *failure) {
    const struct ql_part_rows *rows = &making->maker->rows;
    if (rows->is_unique || making->pivot->options.overlap == QL_OVERLAP_SUM) {
        return;
    }
    QL_MEM_GROW(making->maker->input, making->maker->cap_input, rows->n_rows);
    if (!ql_part_rows_get_inputs(rows, making->maker->input)) {
        return;
    }
    for (size_t i = 0; i < rows->n_cells; i++) {
        struct failure overlap = {0};
        if (!settle_overlap(making, rows->cell[i], rows->cell[i + 1], &overlap)) {
            *failure = fail_at(making, i);
            failure->kind = FAILED_OVERLAP;
            failure->first = overlap.first;
            failure->last = overlap.last;
            return;
        }
    }
}

/* ---- cells of one row each, straight from the narrow columns ---- */

/* Integers up to here are doubles. */
static const uint64_t EXACT_MAX = UINT64_C(1) << 53;

/* Whether every row's value is its number, rounded once at most. */
static bool is_straight(const struct making *making, const struct ql_aggregate *aggregate, size_t column) {
    const struct ql_part_rows *rows = &making->maker->rows;
    bool is_straight = rows->is_unique && aggregate->agg != QL_AGG_RATIO;
    for (size_t s = 0; s < rows->slices.n && is_straight && aggregate->agg != QL_AGG_COUNT; s++) {
        const struct ql_tuple_column *from = &rows->slices.items[s].tuples->columns[column];
        is_straight = from->magnitude <= EXACT_MAX && (aggregate->type == QL_CELL_DOUBLE || from->scale == 0);
    }
    return is_straight;
}

/* The value of a present number k, and of a missing one, of n rows at position (NULL: at their own places), whatever the width.
 * Written out for each so that the compiler has simple loops. */
#define EACH_ROW(type, missing, present, absent)                                \
    do {                                                                        \
        const type *restrict from = (const type *)column->k + slice->first_row; \
        if (position == NULL) {                                                 \
            for (size_t i = 0; i < n; i++) {                                    \
                type k = from[i];                                               \
                out[i] = k == (missing) ? (absent) : (present);                 \
            }                                                                   \
        } else {                                                                \
            for (size_t i = 0; i < n; i++) {                                    \
                type k = from[i];                                               \
                out[position[i]] = k == (missing) ? (absent) : (present);       \
            }                                                                   \
        }                                                                       \
    } while (0)
#define EACH_WIDTH(present, absent)                        \
    do {                                                   \
        const size_t n = slice->n_rows;                    \
        if (column->width == 1) {                          \
            EACH_ROW(int8_t, INT8_MIN, present, absent);   \
        } else if (column->width == 2) {                   \
            EACH_ROW(int16_t, INT16_MIN, present, absent); \
        } else if (column->width == 4) {                   \
            EACH_ROW(int32_t, INT32_MIN, present, absent); \
        } else {                                           \
            EACH_ROW(int64_t, INT64_MIN, present, absent); \
        }                                                  \
    } while (0)

static void copy_doubles(const struct ql_slice *slice, const struct ql_tuple_column *column, const uint32_t *restrict position,
                         double *restrict out) {
    const double divisor = (double)ql_pow10_u64(column->scale); /* a power of ten up to 10^22 is a double */
    EACH_WIDTH((double)k / divisor, (double)NAN);
}

static void copy_integers(const struct ql_slice *slice, const struct ql_tuple_column *column, const uint32_t *restrict position,
                          int64_t *restrict out) {
    EACH_WIDTH((int64_t)k, QL_CELL_NULL_I64);
}

static void copy_counts(const struct ql_slice *slice, const struct ql_tuple_column *column, const uint32_t *restrict position,
                        int64_t *restrict out) {
    EACH_WIDTH(1, 0);
}

static void copy_cells(const struct making *making, const struct ql_aggregate *aggregate, size_t column,
                       struct ql_cell_column *to) {
    const struct ql_part_rows *rows = &making->maker->rows;
    size_t at = 0;
    for (size_t s = 0; s < rows->slices.n; s++) {
        const struct ql_slice *slice = &rows->slices.items[s];
        const struct ql_tuple_column *from = &slice->tuples->columns[column];
        const uint32_t *position = rows->is_in_order ? NULL : rows->position + at;
        size_t base = rows->is_in_order ? at : 0;
        at += slice->n_rows;
        if (aggregate->agg == QL_AGG_COUNT) {
            copy_counts(slice, from, position, to->v.i64 + base);
        } else if (aggregate->type == QL_CELL_DOUBLE) {
            copy_doubles(slice, from, position, to->v.f64 + base);
        } else {
            copy_integers(slice, from, position, to->v.i64 + base);
        }
    }
    if (aggregate->agg == QL_AGG_COUNT && aggregate->type == QL_CELL_DOUBLE) {
        for (size_t i = 0; i < rows->n_cells; i++) {
            to->v.f64[i] = (double)to->v.i64[i];
        }
    }
}

/* Whether a slice has a number that is no multiple of 10^n. */
static bool has_digits_below(const struct ql_slice *slice, const struct ql_tuple_column *column, unsigned n) {
    const int64_t unit = (int64_t)ql_pow10_u64(n);
#define LOOK(type, missing)                                         \
    do {                                                            \
        const type *k = (const type *)column->k + slice->first_row; \
        for (size_t i = 0; i < slice->n_rows; i++) {                \
            if (k[i] != (missing) && k[i] % unit != 0) {            \
                return true;                                        \
            }                                                       \
        }                                                           \
    } while (0)
    if (column->width == 1) {
        LOOK(int8_t, INT8_MIN);
    } else if (column->width == 2) {
        LOOK(int16_t, INT16_MIN);
    } else if (column->width == 4) {
        LOOK(int32_t, INT32_MIN);
    } else {
        LOOK(int64_t, INT64_MIN);
    }
#undef LOOK
    return false;
}

/* The smallest scale at which every number is an integer: a property of the numbers, where the scales of the slices follow from
 * how rows came in batches. Mostly the first number that is looked at decides. */
static int find_scale(const struct ql_part_rows *rows, size_t column) {
    enum { SCALE_MAX = 15 };
    int scale = 0;
    uint64_t magnitude = 0;
    for (size_t s = 0; s < rows->slices.n; s++) {
        const struct ql_slice *slice = &rows->slices.items[s];
        const struct ql_tuple_column *from = &slice->tuples->columns[column];
        for (int own = from->scale; own > scale; own--) {
            if (has_digits_below(slice, from, (unsigned)(from->scale - own) + 1)) {
                scale = own;
            }
        }
        magnitude = from->magnitude > magnitude ? from->magnitude : magnitude;
    }
    for (size_t s = 0; s < rows->slices.n; s++) {
        const struct ql_tuple_column *from = &rows->slices.items[s].tuples->columns[column];
        if (from->scale < scale && from->magnitude > EXACT_MAX / ql_pow10_u64((unsigned)(scale - from->scale))) {
            return QL_CELL_SCALE_UNKNOWN;
        }
    }
    return scale <= SCALE_MAX ? scale : QL_CELL_SCALE_UNKNOWN;
}

/* ---- everything else, through slots ---- */

static bool fold_one(const struct making *making, const struct ql_fold_input *input, enum ql_cell_type type, size_t begin,
                     size_t end, void *value) {
    struct ql_fold_result result;
    ql_fold(input, begin, end, &making->maker->scratch, &result);
    return type == QL_CELL_INT64 ? ql_fold_to_i64(&result, value) : ql_fold_to_double(&result, value);
}

static struct ql_fold_rows rows_of(const struct making *making, size_t metric) {
    if (metric == QL_NO_COLUMN) {
        return (struct ql_fold_rows){0};
    }
    const struct ql_slot_column *slots = slots_of(making, making->pivot->column[metric]);
    return (struct ql_fold_rows){.slot = slots->slot, .column = slots};
}

/* The cell behind the run of cells of one row that begins at `cell`. */
static size_t end_of_singles(const struct ql_part_rows *rows, size_t cell, size_t end) {
    if (rows->is_unique) {
        return end;
    }
    while (cell < end && rows->cell[cell + 1] - rows->cell[cell] == 1) {
        cell++;
    }
    return cell;
}

static size_t row_of_cell(const struct ql_part_rows *rows, size_t cell) {
    return rows->is_unique ? cell : rows->cell[cell];
}

/* Cells up to the first failure. */
static void fold_cells(const struct making *making, const struct ql_fold_input *input, size_t a, int64_t *values,
                       struct failure *failure) {
    const struct ql_part_rows *rows = &making->maker->rows;
    enum ql_cell_type type = making->pivot->options.aggregates[a].type;
    size_t n_cells = failure->order / 2 < rows->n_cells ? failure->order / 2 : rows->n_cells;
    size_t singles_end = 0;
    for (size_t i = 0; i < n_cells; i++) {
        singles_end = singles_end > i ? singles_end : end_of_singles(rows, i, n_cells);
        if (i < singles_end) {
            i += ql_fold_singles(input, row_of_cell(rows, i), singles_end - i, type, values + i);
            if (i == n_cells) {
                return;
            }
        }
        if (!fold_one(making, input, type, row_of_cell(rows, i), row_of_cell(rows, i + 1), values + i)) {
            *failure = fail_at(making, i);
            failure->kind = FAILED_CELL;
            failure->aggregate = a;
            return;
        }
    }
}

/* Totals of the intervals up to the first failure; no value where there is no row. */
static void fold_totals(const struct making *making, const struct ql_fold_input *input, size_t a, union ql_cell_values values,
                        struct failure *failure) {
    const struct ql_cells *cells = making->cells;
    const uint32_t *span = making->maker->rows.span;
    enum ql_cell_type type = making->pivot->options.aggregates[a].type;
    for (size_t i = 0; i < cells->n_intervals; i++) {
        size_t cell = cells->begin[i + 1]; /* behind the interval's */
        if (2 * cell >= failure->order && span[i] != span[i + 1]) {
            return;
        }
        if (span[i] == span[i + 1] && type == QL_CELL_INT64) {
            values.i64[i] = QL_CELL_NULL_I64;
        } else if (span[i] == span[i + 1]) {
            values.f64[i] = (double)NAN;
        } else if (!fold_one(making, input, type, span[i], span[i + 1], values.i64 + i)) {
            *failure = (struct failure){.order = 2 * cell, .kind = FAILED_TOTAL, .interval = i, .aggregate = a};
            return;
        }
    }
}

static void begin_part(const struct making *making) {
    struct ql_part_maker *maker = making->maker;
    if (maker->slots == NULL) {
        maker->n_slots = making->pivot->n_used;
        maker->slots = ql_mem_zalloc(maker->n_slots, sizeof *maker->slots);
        maker->has_slots = ql_mem_zalloc(maker->n_slots, sizeof *maker->has_slots);
    }
    memset(maker->has_slots, 0, maker->n_slots * sizeof *maker->has_slots);
}

enum ql_status ql_part_make_cells(const struct ql_pivot *pivot, struct ql_part_maker *maker, struct ql_cells *cells,
                                  struct ql_err *err) {
    const struct ql_pivot_options *options = &pivot->options;
    const struct making making = {pivot, maker, cells};
    struct failure failure = {.order = SIZE_MAX};
    begin_part(&making);
    ql_part_rows_order(&maker->rows, &pivot->timeline, &pivot->queues, cells);
    settle_overlaps(&making, &failure);
    for (size_t a = 0; a < options->n_aggregates; a++) {
        const struct ql_aggregate *aggregate = &options->aggregates[a];
        struct ql_cell_column *column = &cells->columns[a];
        size_t from = pivot->column[aggregate->column];
        bool straight = is_straight(&making, aggregate, from);
        column->type = aggregate->type;
        column->scale = QL_CELL_SCALE_UNKNOWN;
        if (straight) {
            copy_cells(&making, aggregate, from, column);
            if (aggregate->type == QL_CELL_DOUBLE) {
                column->scale = aggregate->agg == QL_AGG_COUNT ? 0 : find_scale(&maker->rows, from);
            }
        }
        if (straight && !options->has_totals) {
            continue;
        }
        struct ql_fold_input input = {.agg = aggregate->agg, .values = rows_of(&making, aggregate->column)};
        input.weights = rows_of(&making, ql_agg_has_weight(aggregate->agg) ? aggregate->weight : QL_NO_COLUMN);
        if (!straight) {
            /* Either member of a union is the same pointer, and a double is as large as an int64. */
            fold_cells(&making, &input, a, column->v.i64, &failure);
        }
        if (options->has_totals) {
            fold_totals(&making, &input, a, column->total, &failure);
        }
    }
    return failure.order == SIZE_MAX ? QL_OK : report(&making, &failure, err);
}
