/**
 * The way out of cells: works out which columns an artefact has and what they are called, says so to the sink, and lets the
 * layout write its row groups, column by column, so that a wide table is never held twice.
 *
 * Invariants: no column name twice; cells in the order of the contract (semantics, section 3), which is checked because the
 * layouts index by it; a column is declared sorted only where its values really ascend.
 */
#include "layout/layout.h"
#include "layout/layout_internal.h"
#include "layout/names.h"

#include "base/unicode.h"

/* Names of queues can be of any length; in a message they are cut. */
static struct ql_str shown(struct ql_str text) {
    enum { SHOWN = 80 };
    if (text.len > SHOWN) {
        text.len = ql_utf8_valid_len((struct ql_str){.ptr = text.ptr, .len = SHOWN});
    }
    return text;
}

static enum ql_status check_cells(const struct ql_cells *cells, struct ql_err *err) {
    if (cells->n_cells > UINT32_MAX) {
        return QL_FAIL(err, QL_E_LIMIT, "%zu cells, where %u is the limit", cells->n_cells, UINT32_MAX);
    }
    for (size_t c = 0; c < cells->n_cells; c++) {
        uint32_t interval = cells->interval_of[c];
        uint32_t queue = cells->queue_of[c];
        bool ascends = c == 0 || interval > cells->interval_of[c - 1] ||
                       (interval == cells->interval_of[c - 1] && queue > cells->queue_of[c - 1]);
        if (interval >= cells->n_intervals || queue >= cells->n_queues || !ascends) {
            return QL_FAIL(err, QL_E_INTERNAL, "cell %zu is out of order", c);
        }
    }
    return QL_OK;
}

/* "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z", or the export's own words. */
static struct ql_str interval_text(struct ql_shape *shape, const struct ql_interval *interval) {
    if (shape->options->is_pandas && interval->text.len != 0) {
        return interval->text;
    }
    char text[2 * QL_TIME_TEXT_SIZE + 1];
    size_t len = ql_time_format(interval->start_us, text);
    text[len++] = '/';
    len += ql_time_format(interval->end_us, text + len);
    return (struct ql_str){.ptr = ql_arena_copy(&shape->arena, text, len), .len = len};
}

static void look_at_order(struct ql_shape *shape) {
    const struct ql_cells *cells = shape->cells;
    shape->has_times_ascending = true;
    shape->has_times_distinct = true;
    shape->has_texts_ascending = true;
    shape->has_names_ascending = true;
    shape->interval_texts = ql_arena_alloc(&shape->arena, cells->n_intervals * sizeof *shape->interval_texts);
    for (size_t i = 0; i < cells->n_intervals; i++) {
        const struct ql_interval *interval = &cells->intervals[i];
        shape->interval_texts[i] = interval_text(shape, interval);
        if (i != 0) {
            const struct ql_interval *before = interval - 1;
            bool is_same = before->start_us == interval->start_us && before->end_us == interval->end_us;
            bool is_later = interval->start_us > before->start_us ||
                            (interval->start_us == before->start_us && interval->end_us > before->end_us);
            shape->has_times_distinct &= is_later;
            shape->has_times_ascending &= is_later || is_same;
            shape->has_texts_ascending &= ql_str_cmp(shape->interval_texts[i - 1], shape->interval_texts[i]) < 0;
        }
    }
    for (size_t q = 1; q < cells->n_queues; q++) {
        shape->has_names_ascending &= ql_str_cmp(cells->queues[q - 1].name, cells->queues[q].name) <= 0;
    }
}

static void add_column(struct ql_shape *shape, const char *name, enum ql_column_type type, bool is_sorted) {
    shape->defs[shape->n_columns++] = (struct ql_column_def){.name = ql_str_from(name), .type = type, .is_sorted = is_sorted};
}

static void add_fixed_columns(struct ql_shape *shape) {
    bool is_wide = shape->options->layout == QL_LAYOUT_WIDE;
    bool is_pandas = shape->options->is_pandas;
    if (is_pandas) {
        add_column(shape, "timeInterval", QL_COLUMN_STRING, shape->has_texts_ascending);
    } else {
        /* Not declared sorted itself: text with and without microseconds does not sort by time. */
        add_column(shape, "time_interval", QL_COLUMN_STRING, false);
        add_column(shape, "interval_start", QL_COLUMN_TIMESTAMP_US, shape->has_times_ascending);
        add_column(shape, "interval_end", QL_COLUMN_TIMESTAMP_US, shape->has_times_ascending);
    }
    if (!is_wide) {
        /* Rows ascend by interval, name, id. The id stands before the name in the schema, so it can have no part in the order.
         */
        if (shape->cells->has_queue_id) {
            add_column(shape, "queue_id", QL_COLUMN_STRING, false);
        }
        bool has_order = is_pandas ? shape->has_texts_ascending : shape->has_times_distinct;
        add_column(shape, "queue_name", QL_COLUMN_STRING, has_order && shape->has_names_ascending);
    }
    shape->n_fixed = shape->n_columns;
}

static struct ql_str joined(struct ql_shape *shape, struct ql_str metric, struct ql_str part) {
    char *name = ql_arena_alloc(&shape->arena, metric.len + 1 + part.len);
    memcpy(name, metric.ptr, metric.len);
    name[metric.len] = '_';
    if (part.len != 0) {
        memcpy(name + metric.len + 1, part.ptr, part.len);
    }
    return (struct ql_str){.ptr = name, .len = metric.len + 1 + part.len};
}

static void add_metric_columns(struct ql_shape *shape) {
    bool is_wide = shape->options->layout == QL_LAYOUT_WIDE;
    for (size_t m = 0; m < shape->n_metrics; m++) {
        const struct ql_cell_column *column = &shape->cells->columns[shape->metrics[m]];
        enum ql_column_type type = column->type == QL_CELL_INT64 ? QL_COLUMN_INT64 : QL_COLUMN_DOUBLE;
        for (size_t k = 0; k < shape->n_per_metric; k++) {
            struct ql_str name = column->name;
            if (is_wide) {
                name = joined(shape, name, k < shape->cells->n_queues ? shape->parts[k] : QL_STR("all_queues"));
            }
            shape->defs[shape->n_columns++] = (struct ql_column_def){.name = name, .type = type};
        }
    }
}

/* How many columns there will be, before anything of that size is allocated. */
static enum ql_status count_columns(struct ql_shape *shape, size_t *n_columns, struct ql_err *err) {
    const struct ql_cells *cells = shape->cells;
    bool is_wide = shape->options->layout == QL_LAYOUT_WIDE;
    shape->metrics = ql_arena_alloc(&shape->arena, cells->n_columns * sizeof *shape->metrics);
    for (size_t c = 0; c < cells->n_columns; c++) {
        if (!cells->columns[c].is_hidden) {
            shape->metrics[shape->n_metrics++] = c;
        }
    }
    shape->n_per_metric = is_wide ? cells->n_queues + (cells->has_totals ? 1 : 0) : 1;
    size_t max = shape->options->max_columns != 0 ? shape->options->max_columns : SIZE_MAX;
    size_t n_fixed = (shape->options->is_pandas ? 1u : 3u) + (is_wide ? 0u : (cells->has_queue_id ? 2u : 1u));
    if (__builtin_mul_overflow(shape->n_metrics, shape->n_per_metric, n_columns) ||
        __builtin_add_overflow(*n_columns, n_fixed, n_columns) || *n_columns > max) {
        (void)QL_FAIL(err, QL_E_LIMIT, "%zu metrics and KPIs of %zu queues would make more than %zu columns", shape->n_metrics,
                      cells->n_queues, max);
        ql_err_hint(err, "use --layout long, which has one column for each metric, or raise --max-output-columns");
        return QL_E_LIMIT;
    }
    return QL_OK;
}

/* "metric 'a' of queue 'b'": what a column is for. */
static void put_origin(const struct ql_shape *shape, size_t column, struct ql_buf *out) {
    const struct ql_cells *cells = shape->cells;
    if (column < shape->n_fixed) {
        ql_buf_puts(out, "the interval or queue of a row");
        return;
    }
    size_t m = (column - shape->n_fixed) / shape->n_per_metric;
    size_t k = (column - shape->n_fixed) % shape->n_per_metric;
    ql_buf_printf(out, "metric '%.*s'", QL_STR_ARG(cells->columns[shape->metrics[m]].name));
    if (shape->options->layout == QL_LAYOUT_LONG) {
        return;
    }
    if (k == cells->n_queues) {
        ql_buf_puts(out, " of all queues");
        return;
    }
    ql_buf_printf(out, " of queue '%.*s'", QL_STR_ARG(shown(cells->queues[k].name)));
    if (ql_names_is_twin(cells->queues, cells->n_queues, k) && cells->queues[k].id.len != 0) {
        ql_buf_printf(out, " (id '%.*s')", QL_STR_ARG(shown(cells->queues[k].id)));
    }
}

static enum ql_status check_names(const struct ql_shape *shape, struct ql_layout_result *result, struct ql_err *err) {
    bool is_raw = shape->options->names == QL_NAMES_RAW;
    size_t first = 0;
    size_t second = 0;
    if (!ql_names_find_equal(shape->defs, shape->n_columns, !is_raw, &first, &second)) {
        result->n_case_clashes = is_raw ? ql_names_count_case_clashes(shape->defs, shape->n_columns) : 0;
        return QL_OK;
    }
    struct ql_buf a = {0};
    struct ql_buf b = {0};
    put_origin(shape, first, &a);
    put_origin(shape, second, &b);
    (void)QL_FAIL(err, QL_E_COLLISION, "column '%.*s' would stand for %s and for %s",
                  QL_STR_ARG(shown(shape->defs[second].name)), ql_buf_text(&a), ql_buf_text(&b));
    if (shape->options->layout == QL_LAYOUT_LONG) {
        ql_err_hint(err, "give the metric or KPI another name");
    } else if (is_raw) {
        ql_err_hint(err, "rename one of them, or use --layout long, or --columns-by name for queues of one name");
    } else {
        ql_err_hint(err, "rename one of them, or use --layout long");
    }
    ql_buf_fini(&a);
    ql_buf_fini(&b);
    return QL_E_COLLISION;
}

/* What the footer says of queues whose name is not what stands in the columns. */
static void list_aliases(const struct ql_shape *shape, struct ql_layout_result *result) {
    const struct ql_cells *cells = shape->cells;
    result->aliases = ql_arena_alloc(&result->arena, cells->n_queues * sizeof *result->aliases);
    for (size_t q = 0; q < cells->n_queues; q++) {
        if (!ql_str_eq(shape->parts[q], cells->queues[q].name)) {
            bool is_twin = ql_names_is_twin(cells->queues, cells->n_queues, q) && cells->queues[q].id.len != 0;
            struct ql_str queue = is_twin ? cells->queues[q].id : cells->queues[q].name;
            result->aliases[result->n_aliases++] = (struct ql_queue_alias){
                .queue = {.ptr = ql_arena_copy(&result->arena, queue.ptr, queue.len), .len = queue.len},
                .column_part = {.ptr = ql_arena_copy(&result->arena, shape->parts[q].ptr, shape->parts[q].len),
                                .len = shape->parts[q].len}};
        }
    }
}

static enum ql_status make_shape(struct ql_shape *shape, struct ql_layout_result *result, struct ql_err *err) {
    const struct ql_cells *cells = shape->cells;
    size_t n_columns;
    QL_TRY(check_cells(cells, err));
    QL_TRY(count_columns(shape, &n_columns, err));
    look_at_order(shape);
    if (shape->options->layout == QL_LAYOUT_WIDE) {
        shape->parts = ql_arena_alloc(&shape->arena, cells->n_queues * sizeof *shape->parts);
        ql_names_of_queues(cells->queues, cells->n_queues, shape->options->names, &shape->arena, shape->parts,
                           &result->n_clashes);
        list_aliases(shape, result);
    }
    shape->defs = ql_arena_alloc(&shape->arena, n_columns * sizeof *shape->defs);
    add_fixed_columns(shape);
    add_metric_columns(shape);
    result->n_columns = (int64_t)shape->n_columns;
    return check_names(shape, result, err);
}

enum ql_status ql_layout_write(const struct ql_cells *cells, const struct ql_layout_options *options,
                               const struct ql_column_sink *sink, struct ql_layout_result *result, struct ql_err *err) {
    *result = (struct ql_layout_result){0};
    struct ql_shape shape = {.cells = cells, .options = options, .sink = sink};
    enum ql_status status = make_shape(&shape, result, err);
    if (status == QL_OK) {
        const struct ql_schema schema = {.n_columns = shape.n_columns, .columns = shape.defs};
        status = sink->schema(sink->ctx, &schema, err);
    }
    if (status == QL_OK && options->layout == QL_LAYOUT_WIDE) {
        result->n_rows = (int64_t)cells->n_intervals;
        status = ql_layout_write_wide(&shape, err);
    } else if (status == QL_OK) {
        status = ql_layout_write_long(&shape, result, err);
    }
    ql_arena_fini(&shape.arena);
    return status;
}

void ql_layout_result_fini(struct ql_layout_result *result) {
    ql_arena_fini(&result->arena);
    *result = (struct ql_layout_result){0};
}
