/**
 * Which columns an artefact has and what they are called, worked out before anything is packed (semantics, section 5).
 *
 * Invariants: no column name twice; a column is declared sorted only where its values really ascend.
 */
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

static void look_at_texts(struct ql_shape *shape) {
    char buffers[2][QL_INTERVAL_TEXT_SIZE];
    struct ql_str before = {0};
    shape->has_texts_ascending = true;
    for (size_t i = 0; i < shape->grid->n_intervals && shape->has_texts_ascending; i++) {
        struct ql_str text = ql_interval_text(shape, i, buffers[i % 2]);
        shape->has_texts_ascending = i == 0 || ql_str_cmp(before, text) < 0;
        before = text;
    }
}

static void look_at_order(struct ql_shape *shape) {
    const struct ql_grid *grid = shape->grid;
    shape->has_times_ascending = true;
    shape->has_times_distinct = true;
    shape->has_names_ascending = true;
    for (size_t i = 1; i < grid->n_intervals; i++) {
        const struct ql_interval *interval = &grid->intervals[i];
        const struct ql_interval *before = interval - 1;
        bool is_same = before->start_us == interval->start_us && before->end_us == interval->end_us;
        bool is_later = interval->start_us > before->start_us ||
                        (interval->start_us == before->start_us && interval->end_us > before->end_us);
        shape->has_times_distinct &= is_later;
        shape->has_times_ascending &= is_later || is_same;
    }
    for (size_t q = 1; q < grid->n_queues; q++) {
        shape->has_names_ascending &= ql_str_cmp(grid->queues[q - 1].name, grid->queues[q].name) <= 0;
    }
    if (shape->options.is_pandas) { /* nobody else asks */
        look_at_texts(shape);
    }
}

static void add_column(struct ql_shape *shape, enum ql_fixed_column fixed, const char *name, bool is_sorted) {
    bool is_time = fixed == QL_FIXED_INTERVAL_START || fixed == QL_FIXED_INTERVAL_END;
    enum ql_column_type type = is_time ? QL_COLUMN_TIMESTAMP_US : QL_COLUMN_STRING;
    shape->fixed[shape->n_fixed++] = fixed;
    shape->defs[shape->n_columns++] = (struct ql_column_def){.name = ql_str_from(name), .type = type, .is_sorted = is_sorted};
}

static void add_fixed_columns(struct ql_shape *shape) {
    bool is_pandas = shape->options.is_pandas;
    if (is_pandas) {
        add_column(shape, QL_FIXED_INTERVAL_TEXT, "timeInterval", shape->has_texts_ascending);
    } else {
        if (!ql_shape_is_tidy(shape)) {
            /* Not declared sorted itself: text with and without microseconds does not sort by time. */
            add_column(shape, QL_FIXED_INTERVAL_TEXT, "time_interval", false);
        }
        add_column(shape, QL_FIXED_INTERVAL_START, "interval_start", shape->has_times_ascending);
        add_column(shape, QL_FIXED_INTERVAL_END, "interval_end", shape->has_times_ascending);
    }
    if (!ql_shape_is_wide(shape)) {
        /* Rows ascend by interval, name, id. The id stands before the name in the schema, so it can have no part in the order.
         */
        if (shape->grid->has_queue_id) {
            add_column(shape, QL_FIXED_QUEUE_ID, "queue_id", false);
        }
        bool has_order = is_pandas ? shape->has_texts_ascending : shape->has_times_distinct;
        add_column(shape, QL_FIXED_QUEUE_NAME, "queue_name", has_order && shape->has_names_ascending);
        if (shape->grid->has_media_type) {
            add_column(shape, QL_FIXED_MEDIA_TYPE, "media_type", false);
        }
    }
    if (ql_shape_is_tidy(shape)) {
        add_column(shape, QL_FIXED_METRIC, "metric", false);
    }
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

static struct ql_column_def value_def(const struct ql_shape *shape, const struct ql_cell_def *cell) {
    struct ql_column_def def = {.name = cell->name, .type = cell->type == QL_CELL_INT64 ? QL_COLUMN_INT64 : QL_COLUMN_DOUBLE};
    if (cell->is_kpi && shape->options.has_decimal_rates) {
        def.type = QL_COLUMN_DECIMAL;
        def.scale = (uint8_t)shape->options.round_digits;
    }
    return def;
}

static void add_value_columns(struct ql_shape *shape) {
    if (ql_shape_is_tidy(shape)) {
        shape->defs[shape->n_columns++] = (struct ql_column_def){.name = QL_STR("value"), .type = QL_COLUMN_DOUBLE};
        return;
    }
    for (size_t m = 0; m < shape->n_metrics; m++) {
        struct ql_column_def def = value_def(shape, &shape->cell_defs[shape->metrics[m]]);
        struct ql_str metric = def.name;
        for (size_t k = 0; k < shape->n_per_metric; k++) {
            if (ql_shape_is_wide(shape)) {
                def.name = joined(shape, metric, k < shape->grid->n_queues ? shape->queue_parts[k] : QL_STR("all_queues"));
            }
            shape->defs[shape->n_columns++] = def;
        }
    }
}

/* How many columns there will be, before anything of that size is allocated. */
static enum ql_status count_columns(struct ql_shape *shape, size_t *n_columns, struct ql_err *err) {
    const struct ql_grid *grid = shape->grid;
    bool is_wide = ql_shape_is_wide(shape);
    bool is_tidy = ql_shape_is_tidy(shape);
    shape->metrics = ql_arena_alloc(&shape->arena, shape->n_cell_defs * sizeof *shape->metrics);
    for (size_t c = 0; c < shape->n_cell_defs; c++) {
        if (!shape->cell_defs[c].is_hidden) {
            shape->metrics[shape->n_metrics++] = c;
        }
    }
    shape->n_per_metric = is_wide ? grid->n_queues + (grid->has_totals ? 1 : 0) : 1;
    size_t max = shape->options.max_columns != 0 ? shape->options.max_columns : SIZE_MAX;
    if (__builtin_mul_overflow(is_tidy ? 1 : shape->n_metrics, shape->n_per_metric, n_columns) ||
        __builtin_add_overflow(*n_columns, (size_t)QL_FIXED_MAX, n_columns)) {
        *n_columns = SIZE_MAX;
    } else { /* without those that there are not: see add_fixed_columns */
        *n_columns -= shape->options.is_pandas ? 2 : (is_tidy ? 1 : 0);
        *n_columns -= is_wide ? 3 : (size_t)!grid->has_queue_id + (size_t)!grid->has_media_type;
        *n_columns -= is_tidy ? 0 : 1;
    }
    if (*n_columns > max || *n_columns == SIZE_MAX) {
        (void)QL_FAIL(err, QL_E_LIMIT, "%zu metrics and KPIs of %zu queues would make more than %zu columns", shape->n_metrics,
                      grid->n_queues, max);
        ql_err_hint(err, "use --layout long, which has one column for each metric, or raise --max-output-columns");
        return QL_E_LIMIT;
    }
    return QL_OK;
}

/* "metric 'a' of queue 'b'": what a column is for. */
static void put_origin(const struct ql_shape *shape, size_t column, struct ql_buf *out) {
    const struct ql_grid *grid = shape->grid;
    if (column < shape->n_fixed) {
        ql_buf_puts(out, "the interval or queue of a row");
        return;
    }
    size_t m = (column - shape->n_fixed) / shape->n_per_metric;
    size_t k = (column - shape->n_fixed) % shape->n_per_metric;
    ql_buf_printf(out, "metric '%.*s'", QL_STR_ARG(shape->cell_defs[shape->metrics[m]].name));
    if (!ql_shape_is_wide(shape)) {
        return;
    }
    if (k == grid->n_queues) {
        ql_buf_puts(out, " of all queues");
        return;
    }
    ql_buf_printf(out, " of queue '%.*s'", QL_STR_ARG(shown(grid->queues[k].name)));
    if (ql_names_is_twin(grid->queues, grid->n_queues, k) && grid->queues[k].id.len != 0) {
        ql_buf_printf(out, " (id '%.*s')", QL_STR_ARG(shown(grid->queues[k].id)));
    }
}

static enum ql_status check_names(const struct ql_shape *shape, struct ql_layout_result *result, struct ql_err *err) {
    bool is_raw = shape->options.names == QL_NAMES_RAW;
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
    if (!ql_shape_is_wide(shape)) {
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
    const struct ql_grid *grid = shape->grid;
    result->aliases = ql_arena_alloc(&result->arena, grid->n_queues * sizeof *result->aliases);
    for (size_t q = 0; q < grid->n_queues; q++) {
        if (!ql_str_eq(shape->queue_parts[q], grid->queues[q].name)) {
            bool is_twin = ql_names_is_twin(grid->queues, grid->n_queues, q) && grid->queues[q].id.len != 0;
            struct ql_str queue = is_twin ? grid->queues[q].id : grid->queues[q].name;
            result->aliases[result->n_aliases++] = (struct ql_queue_alias){
                .queue = {.ptr = ql_arena_copy(&result->arena, queue.ptr, queue.len), .len = queue.len},
                .column_part = {.ptr = ql_arena_copy(&result->arena, shape->queue_parts[q].ptr, shape->queue_parts[q].len),
                                .len = shape->queue_parts[q].len}};
        }
    }
}

static enum ql_status check_options(const struct ql_shape *shape, struct ql_err *err) {
    enum { MAX_DECIMALS = 9 };
    const struct ql_layout_options *options = &shape->options;
    if (options->has_decimal_rates && (options->round_digits < 0 || options->round_digits > MAX_DECIMALS)) {
        (void)QL_FAIL(err, QL_E_CONFIG, "rates cannot be decimals where values are not rounded to 0 to %d decimals",
                      MAX_DECIMALS);
        ql_err_hint(err, "use --round 4, or --rates double");
        return QL_E_CONFIG;
    }
    size_t n_rows;
    if (ql_shape_is_dense(shape) &&
        (__builtin_mul_overflow(shape->grid->n_intervals, shape->grid->n_queues, &n_rows) || n_rows > INT64_MAX)) {
        return QL_FAIL(err, QL_E_LIMIT, "%zu intervals of %zu queues are too many rows", shape->grid->n_intervals,
                       shape->grid->n_queues);
    }
    return QL_OK;
}

/* wide has no column for media types: there they are part of the queue's name, "Sales [voice]". */
static void label_queues(struct ql_shape *shape) {
    struct ql_queue *queues = ql_arena_alloc(&shape->arena, shape->grid->n_queues * sizeof *queues);
    struct ql_buf label = {0};
    for (size_t q = 0; q < shape->grid->n_queues; q++) {
        queues[q] = shape->grid->queues[q];
        if (queues[q].media_type.len != 0) {
            ql_buf_reset(&label);
            ql_buf_put_str(&label, queues[q].name);
            ql_buf_printf(&label, " [%.*s]", QL_STR_ARG(queues[q].media_type));
            queues[q].name =
                (struct ql_str){.ptr = ql_arena_copy(&shape->arena, ql_buf_text(&label), label.len), .len = label.len};
        }
    }
    ql_buf_fini(&label);
    shape->labelled = *shape->grid;
    shape->labelled.queues = queues;
    shape->grid = &shape->labelled;
}

enum ql_status ql_shape_make(struct ql_shape *shape, struct ql_layout_result *result, struct ql_err *err) {
    if (ql_shape_is_wide(shape) && shape->grid->has_media_type) {
        label_queues(shape);
    }
    const struct ql_grid *grid = shape->grid;
    size_t n_columns;
    QL_TRY(count_columns(shape, &n_columns, err));
    QL_TRY(check_options(shape, err));
    look_at_order(shape);
    if (ql_shape_is_wide(shape)) {
        shape->queue_parts = ql_arena_alloc(&shape->arena, grid->n_queues * sizeof *shape->queue_parts);
        ql_names_of_queues(grid->queues, grid->n_queues, shape->options.names, &shape->arena, shape->queue_parts,
                           &result->n_clashes);
        list_aliases(shape, result);
    }
    shape->defs = ql_arena_alloc(&shape->arena, n_columns * sizeof *shape->defs);
    add_fixed_columns(shape);
    add_value_columns(shape);
    result->n_columns = (int64_t)shape->n_columns;
    return check_names(shape, result, err);
}
