/**
 * Cells of a part become a packed part: the place of every value is worked out here, its form in packed.c.
 *
 * Where every interval x queue has a place (wide, --cells all), the values of the cells are narrowed first and then carried to
 * their places over a background of idle ones. For wide they are turned over in the end, so that what a part has of a queue
 * lies one behind the other and a column of a row group is a few runs. A part's column stays in the cache meanwhile.
 */
#include "layout/layout_internal.h"

enum { VALUE_BYTES = 8 };

/* A part while it is packed. */
struct packing {
    const struct ql_layout_writer *writer;
    const struct ql_cells *cells;
    size_t n_places;
    size_t n_open; /* intervals where not every queue has a cell: only their idle values count */
    struct ql_packed *columns, *totals;
    uint32_t *open;     /* [n_open] intervals */
    void *others;       /* [n_open] their idle values */
    void *narrow_cells; /* [n_cells] */
    void *narrow_idle;  /* [n_intervals] */
    void *narrow_rows;  /* wide: [n_intervals][n_queues] */
};

static enum ql_status fail_order(const struct ql_cells *cells, size_t n_queues, struct ql_err *err) {
    size_t bad = 0;
    for (size_t i = cells->n_intervals; i-- != 0;) {
        for (size_t c = cells->begin[i + 1]; c-- > cells->begin[i];) {
            uint32_t queue = cells->queue_of[c];
            bad = queue >= n_queues || (c > cells->begin[i] && queue <= cells->queue_of[c - 1]) ? c : bad;
        }
    }
    return QL_FAIL(err, QL_E_INTERNAL, "cell %zu is out of order", bad);
}

/* Places are worked out from these, so they must be right. */
static enum ql_status check_cells(const struct ql_layout_writer *writer, size_t part, const struct ql_cells *cells,
                                  struct ql_err *err) {
    const struct ql_shape *shape = &writer->shape;
    const struct ql_part *expected = &shape->grid->parts[part];
    bool fits = cells->first_interval == expected->first_interval && cells->n_intervals == expected->n_intervals &&
                cells->n_columns == shape->n_cell_defs && cells->begin[0] == 0 &&
                cells->begin[cells->n_intervals] == cells->n_cells && writer->parts[part].block == NULL;
    for (size_t c = 0; fits && c < cells->n_columns; c++) {
        fits = cells->columns[c].type == shape->cell_defs[c].type;
    }
    for (size_t i = 0; fits && i < cells->n_intervals; i++) {
        fits = cells->begin[i] <= cells->begin[i + 1];
    }
    if (!fits) {
        return QL_FAIL(err, QL_E_INTERNAL, "the cells are not those of part %zu", part);
    }
    uint32_t is_wrong = 0;
    for (size_t i = 0; i < cells->n_intervals; i++) {
        const uint32_t *queue_of = cells->queue_of + cells->begin[i];
        size_t n = cells->begin[i + 1] - cells->begin[i];
        for (size_t c = 1; c < n; c++) {
            is_wrong |= queue_of[c] <= queue_of[c - 1];
        }
        is_wrong |= n != 0 && queue_of[n - 1] >= shape->grid->n_queues; /* the greatest */
    }
    return is_wrong == 0 ? QL_OK : fail_order(cells, shape->grid->n_queues, err);
}

/* Room for `size` bytes at *used; without memory, only how much it takes. */
static void *carve(char *memory, size_t *used, size_t size) {
    enum { ALIGNMENT = 16 };
    size_t at = *used;
    *used += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return memory != NULL ? memory + at : NULL;
}

static size_t lay_out_packing(struct packing *p, char *memory) {
    const struct ql_shape *shape = &p->writer->shape;
    size_t used = 0;
    size_t n_others = ql_shape_is_dense(shape) ? p->cells->n_intervals : 0;
    size_t n_narrow = ql_shape_is_dense(shape) ? p->cells->n_cells : 0;
    p->columns = carve(memory, &used, shape->n_metrics * sizeof *p->columns);
    p->totals = carve(memory, &used, shape->n_metrics * sizeof *p->totals);
    p->open = carve(memory, &used, n_others * sizeof *p->open);
    p->others = carve(memory, &used, n_others * VALUE_BYTES);
    p->narrow_idle = carve(memory, &used, n_others * VALUE_BYTES);
    p->narrow_cells = carve(memory, &used, n_narrow * VALUE_BYTES);
    p->narrow_rows = carve(memory, &used, ql_shape_is_wide(shape) ? p->n_places * VALUE_BYTES : 0);
    return used;
}

static void find_open_intervals(struct packing *p) {
    const struct ql_cells *cells = p->cells;
    p->n_open = 0;
    for (size_t i = 0; ql_shape_is_dense(&p->writer->shape) && i < cells->n_intervals; i++) {
        if (cells->begin[i + 1] - cells->begin[i] < p->writer->shape.grid->n_queues) {
            p->open[p->n_open++] = (uint32_t)i;
        }
    }
}

static enum ql_packed_kind kind_of(const struct ql_shape *shape, const struct ql_cell_def *def) {
    if (def->type == QL_CELL_INT64) {
        return QL_PACKED_INT64;
    }
    bool is_decimal = def->is_kpi && shape->options.has_decimal_rates && !ql_shape_is_tidy(shape);
    return is_decimal ? QL_PACKED_DECIMAL : QL_PACKED_DOUBLE;
}

static enum ql_status choose(struct ql_packed *packed, const struct ql_shape *shape, const struct ql_cell_def *def,
                             struct ql_packed_input *input, struct ql_err *err) {
    enum ql_packed_kind kind = kind_of(shape, def);
    input->first_scale = shape->options.round_digits;
    input->scale = kind == QL_PACKED_DECIMAL ? shape->options.round_digits : input->scale;
    if (!ql_packed_choose(packed, kind, input)) {
        (void)QL_FAIL(err, QL_E_DATA,
                      "kpi '%.*s' has a value that is too large for a decimal of 18 digits, %d of them decimals",
                      QL_STR_ARG(def->name), shape->options.round_digits);
        ql_err_hint(err, "use --rates double");
        return QL_E_DATA;
    }
    return QL_OK;
}

static enum ql_status choose_all(struct packing *p, struct ql_err *err) {
    const struct ql_shape *shape = &p->writer->shape;
    for (size_t m = 0; m < shape->n_metrics; m++) {
        const struct ql_cell_def *def = &shape->cell_defs[shape->metrics[m]];
        const struct ql_cell_column *column = &p->cells->columns[shape->metrics[m]];
        const int64_t *idle = column->idle.i64; /* or doubles: the same 8 bytes */
        for (size_t i = 0; i < p->n_open; i++) {
            memcpy((char *)p->others + i * VALUE_BYTES, &idle[p->open[i]], VALUE_BYTES);
        }
        struct ql_packed_input input = {.cells = column->v.i64,
                                        .n_cells = p->cells->n_cells,
                                        .others = p->others,
                                        .n_others = p->n_open,
                                        .scale = column->scale};
        QL_TRY(choose(&p->columns[m], shape, def, &input, err));
        if (ql_shape_is_wide(shape) && shape->grid->has_totals) {
            struct ql_packed_input total = {
                .cells = column->total.i64, .n_cells = p->cells->n_intervals, .scale = QL_CELL_SCALE_UNKNOWN};
            QL_TRY(choose(&p->totals[m], shape, def, &total, err));
        }
    }
    return QL_OK;
}

enum { TURN_INTERVALS = 128 }; /* as many lines of the first cache are read from in turn */

/* The loops for values of one width. Rows are of intervals, and have a place for each queue. */
#define MOVES(type)                                                                                         \
    static void scatter_##type(const struct ql_cells *cells, size_t n_queues, const type *restrict from,    \
                               type *restrict rows) {                                                       \
        for (size_t i = 0; i < cells->n_intervals; i++, rows += n_queues) {                                 \
            for (size_t c = cells->begin[i]; c < cells->begin[i + 1]; c++) {                                \
                rows[cells->queue_of[c]] = from[c];                                                         \
            }                                                                                               \
        }                                                                                                   \
    }                                                                                                       \
    static void repeat_##type(const type *restrict from, size_t n, size_t times, type *restrict to) {       \
        for (size_t i = 0; i < n; i++) {                                                                    \
            for (size_t j = 0; j < times; j++) {                                                            \
                *to++ = from[i];                                                                            \
            }                                                                                               \
        }                                                                                                   \
    }                                                                                                       \
    static void turn_##type(const type *restrict rows, size_t n_rows, size_t n_queues, type *restrict to) { \
        for (size_t first = 0; first < n_rows; first += TURN_INTERVALS) {                                   \
            size_t end = n_rows - first < TURN_INTERVALS ? n_rows : first + TURN_INTERVALS;                 \
            for (size_t q = 0; q < n_queues; q++) {                                                         \
                for (size_t i = first; i < end; i++) {                                                      \
                    to[q * n_rows + i] = rows[i * n_queues + q];                                            \
                }                                                                                           \
            }                                                                                               \
        }                                                                                                   \
    }
MOVES(uint8_t)
MOVES(uint16_t)
MOVES(uint32_t)
MOVES(uint64_t)

/* Idle values in all places, the cells' over them. */
static void scatter(const struct packing *p, uint8_t width, void *rows) {
    const struct ql_cells *cells = p->cells;
    size_t n = cells->n_intervals;
    size_t n_queues = p->writer->shape.grid->n_queues;
    switch (width) {
    case 1:
        repeat_uint8_t(p->narrow_idle, n, n_queues, rows);
        scatter_uint8_t(cells, n_queues, p->narrow_cells, rows);
        break;
    case 2:
        repeat_uint16_t(p->narrow_idle, n, n_queues, rows);
        scatter_uint16_t(cells, n_queues, p->narrow_cells, rows);
        break;
    case 4:
        repeat_uint32_t(p->narrow_idle, n, n_queues, rows);
        scatter_uint32_t(cells, n_queues, p->narrow_cells, rows);
        break;
    default:
        repeat_uint64_t(p->narrow_idle, n, n_queues, rows);
        scatter_uint64_t(cells, n_queues, p->narrow_cells, rows);
    }
}

static void turn(const struct packing *p, uint8_t width, void *to) {
    size_t n = p->cells->n_intervals;
    size_t n_queues = p->writer->shape.grid->n_queues;
    switch (width) {
    case 1:
        turn_uint8_t(p->narrow_rows, n, n_queues, to);
        break;
    case 2:
        turn_uint16_t(p->narrow_rows, n, n_queues, to);
        break;
    case 4:
        turn_uint32_t(p->narrow_rows, n, n_queues, to);
        break;
    default:
        turn_uint64_t(p->narrow_rows, n, n_queues, to);
    }
}

static void spread(const struct packing *p, const struct ql_cell_column *column, const struct ql_packed *packed, void *to) {
    bool is_wide = ql_shape_is_wide(&p->writer->shape);
    void *rows = is_wide ? p->narrow_rows : to;
    if (p->n_open == 0) { /* the cells are the rows */
        ql_packed_write(packed, column->v.i64, p->cells->n_cells, rows);
    } else {
        ql_packed_write(packed, column->idle.i64, p->cells->n_intervals, p->narrow_idle);
        ql_packed_write(packed, column->v.i64, p->cells->n_cells, p->narrow_cells);
        scatter(p, packed->width, rows);
    }
    if (is_wide) {
        turn(p, packed->width, to);
    }
}

static void write_queues(const struct packing *p, void *to) {
    const uint32_t *queue_of = p->cells->queue_of;
    size_t n = p->cells->n_cells;
    if (p->writer->queue_width == 1) {
        uint8_t *out = to;
        for (size_t c = 0; c < n; c++) {
            out[c] = (uint8_t)queue_of[c];
        }
    } else if (p->writer->queue_width == 2) {
        uint16_t *out = to;
        for (size_t c = 0; c < n; c++) {
            out[c] = (uint16_t)queue_of[c];
        }
    } else if (n != 0) {
        memcpy(to, queue_of, n * sizeof *queue_of);
    }
}

/* One after the other; values only where there is memory. */
static size_t write_columns(const struct packing *p, struct ql_packed *columns, struct ql_packed *totals, char *memory) {
    const struct ql_shape *shape = &p->writer->shape;
    size_t used = 0;
    for (size_t m = 0; m < shape->n_metrics; m++) {
        const struct ql_cell_column *column = &p->cells->columns[shape->metrics[m]];
        void *to = carve(memory, &used, p->n_places * p->columns[m].width);
        if (memory != NULL) {
            columns[m] = p->columns[m];
            if (ql_shape_is_dense(shape)) {
                spread(p, column, &columns[m], to);
            } else {
                ql_packed_write(&columns[m], column->v.i64, p->n_places, to);
            }
            ql_packed_set_values(&columns[m], to, p->n_places);
        }
        if (ql_shape_is_wide(shape) && shape->grid->has_totals) {
            to = carve(memory, &used, p->cells->n_intervals * p->totals[m].width);
            if (memory != NULL) {
                totals[m] = p->totals[m];
                ql_packed_write(&totals[m], column->total.i64, p->cells->n_intervals, to);
                ql_packed_set_values(&totals[m], to, p->cells->n_intervals);
            }
        }
    }
    return used;
}

static void write_part(const struct packing *p, struct ql_block_pool *pool, struct ql_packed_part *part) {
    const struct ql_shape *shape = &p->writer->shape;
    size_t n_begin = ql_shape_is_dense(shape) ? 0 : p->cells->n_intervals + 1;
    size_t n_queues = ql_shape_is_dense(shape) ? 0 : p->cells->n_cells;
    size_t size = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct ql_block *block = pass == 1 ? ql_block_take(pool, size) : NULL;
        char *memory = block != NULL ? block->data : NULL;
        size = 0;
        struct ql_packed *columns = carve(memory, &size, shape->n_metrics * sizeof *columns);
        struct ql_packed *totals = carve(memory, &size, shape->n_metrics * sizeof *totals);
        uint32_t *begin = carve(memory, &size, n_begin * sizeof *begin);
        void *queue_of = carve(memory, &size, n_queues * p->writer->queue_width);
        size += write_columns(p, columns, totals, memory != NULL ? memory + size : NULL);
        if (memory == NULL) {
            continue;
        }
        *part = (struct ql_packed_part){.block = block, .columns = columns, .totals = totals, .n_places = p->n_places};
        if (!ql_shape_is_dense(shape)) {
            memcpy(begin, p->cells->begin, n_begin * sizeof *begin);
            write_queues(p, queue_of);
            part->begin = begin;
            part->queue_of = queue_of;
        }
    }
}

enum ql_status ql_part_pack(struct ql_layout_writer *writer, size_t part, const struct ql_cells *cells, struct ql_err *err) {
    QL_TRY(check_cells(writer, part, cells, err));
    struct packing p = {.writer = writer, .cells = cells};
    p.n_places = ql_shape_is_dense(&writer->shape) ? cells->n_intervals * writer->shape.grid->n_queues : cells->n_cells;
    struct ql_block *scratch = ql_block_take(&writer->scratch, lay_out_packing(&p, NULL));
    (void)lay_out_packing(&p, scratch->data);
    find_open_intervals(&p);
    enum ql_status status = choose_all(&p, err);
    if (status == QL_OK) {
        write_part(&p, &writer->pool, &writer->parts[part]);
    }
    ql_block_give(&writer->scratch, scratch);
    return status;
}
