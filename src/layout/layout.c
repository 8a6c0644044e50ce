/**
 * The way out of cells: the schema once, then parts that are packed as they come and wait, then row groups whose columns are
 * made when the sink asks for them, so that no more than a column for each thread is ever held at full width.
 *
 * Row groups are made of whole parts by a rule that knows the grid alone, so that equal data are equal bytes whatever the
 * number of threads and the limit of memory.
 */
#include "layout/layout.h"
#include "layout/layout_internal.h"

enum {
    /* A group large enough that its dictionaries pay (0.6 million different handle times are) and that readers skip by
     * statistics in useful steps; a column of it is 11 MB at full width, its parts wait in some 17 MB; with 2,000,000 rows a
     * year of quarter hours is 5 % smaller and needs 22 MB more. */
    GROUP_ROWS = 1350000,
    /* Fewer where rows are long: 26 metrics that are no short rates would wait in 280 MB. */
    GROUP_ROWS_BYTES = 40 * 1024 * 1024,
    /* Readers take a group each: DuckDB sums a column of 1.3 million rows on two threads in 5.7 ms if they are two groups,
     * in 8.6 ms if they are one, which is 9 % smaller. */
    GROUPS_MIN = 2,
    GROUP_ROWS_MIN = 300000,
    /* wide: parts that wait, at what their values may take; for counts and a mean that is exact in decimals it is twice of what
     * they do. A year of quarter hours of 250 queues is one group: two groups of it are 4 % larger, since half the rows have
     * nearly as many different service levels ... */
    GROUP_BYTES = 204 * 1024 * 1024,
    /* ... but chunks of less than this many rows begin to cost: by their footers, and because small counts and rates are kept
     * in dictionaries that few rows share. */
    GROUP_INTERVALS_MIN = 4000
};

static void make_queue_codes(struct ql_layout_writer *writer, enum ql_fixed_column column, struct ql_text_codes *codes) {
    const struct ql_grid *grid = writer->shape.grid;
    struct ql_str *texts = ql_arena_alloc(&writer->shape.arena, grid->n_queues * sizeof *texts);
    for (size_t q = 0; q < grid->n_queues; q++) {
        const struct ql_queue *queue = &grid->queues[q];
        texts[q] = column == QL_FIXED_QUEUE_ID ? queue->id : column == QL_FIXED_MEDIA_TYPE ? queue->media_type : queue->name;
    }
    ql_text_codes_make(codes, texts, grid->n_queues, &writer->shape.arena);
}

static void make_codes(struct ql_layout_writer *writer) {
    const struct ql_shape *shape = &writer->shape;
    size_t n_queues = shape->grid->n_queues;
    writer->queue_width = n_queues <= UINT8_MAX + 1 ? 1 : n_queues <= UINT16_MAX + 1 ? 2 : 4;
    if (ql_shape_is_wide(shape)) {
        return;
    }
    make_queue_codes(writer, QL_FIXED_QUEUE_NAME, &writer->queue_names);
    make_queue_codes(writer, QL_FIXED_QUEUE_ID, &writer->queue_ids);
    make_queue_codes(writer, QL_FIXED_MEDIA_TYPE, &writer->media_types);
    struct ql_str *metrics = ql_arena_alloc(&writer->shape.arena, shape->n_metrics * sizeof *metrics);
    for (size_t m = 0; m < shape->n_metrics; m++) {
        metrics[m] = shape->cell_defs[shape->metrics[m]].name;
    }
    ql_text_codes_make(&writer->metric_names, metrics, shape->n_metrics, &writer->shape.arena);
}

enum ql_status ql_layout_writer_new(const struct ql_grid *grid, const struct ql_cell_def *defs, size_t n_defs,
                                    const struct ql_layout_options *options, const struct ql_column_sink *sink,
                                    struct ql_layout_result *result, struct ql_layout_writer **writer, struct ql_err *err) {
    struct ql_layout_writer *made = ql_mem_zalloc(1, sizeof *made);
    *result = (struct ql_layout_result){0};
    *writer = NULL;
    made->shape = (struct ql_shape){.grid = grid, .cell_defs = defs, .n_cell_defs = n_defs, .options = *options};
    made->sink = sink;
    made->parts = ql_mem_zalloc(grid->n_parts, sizeof *made->parts);
    ql_block_pool_init(&made->pool);
    ql_block_pool_init(&made->scratch);
    enum ql_status status = ql_shape_make(&made->shape, result, err);
    if (status == QL_OK) {
        make_codes(made);
        const struct ql_schema schema = {.n_columns = made->shape.n_columns, .columns = made->shape.defs};
        status = sink->schema(sink->ctx, &schema, err);
    }
    if (status != QL_OK) {
        ql_layout_writer_free(made);
        return status;
    }
    *writer = made;
    return QL_OK;
}

static void free_part(struct ql_layout_writer *writer, size_t part) {
    ql_block_give(&writer->pool, writer->parts[part].block);
    writer->parts[part] = (struct ql_packed_part){0};
}

void ql_layout_writer_free(struct ql_layout_writer *writer) {
    if (writer == NULL) {
        return;
    }
    for (size_t p = 0; p < writer->shape.grid->n_parts; p++) {
        free_part(writer, p);
    }
    ql_mem_free(writer->parts);
    ql_block_pool_fini(&writer->pool);
    ql_block_pool_fini(&writer->scratch);
    ql_arena_fini(&writer->shape.arena);
    ql_mem_free(writer);
}

/* The most rows that a part can have. */
static size_t max_rows(const struct ql_shape *shape, size_t part) {
    const struct ql_part *p = &shape->grid->parts[part];
    if (ql_shape_is_wide(shape)) {
        return p->n_intervals;
    }
    size_t n_cells = shape->options.has_all_cells ? p->n_intervals * shape->grid->n_queues : p->max_cells;
    return n_cells * ql_shape_rows_per_cell(shape);
}

static size_t end_by_rows(const struct ql_shape *shape, size_t part, size_t group_rows) {
    size_t n_rows = max_rows(shape, part++);
    while (part < shape->grid->n_parts && n_rows + max_rows(shape, part) <= group_rows) {
        n_rows += max_rows(shape, part++);
    }
    return part;
}

/* What the metrics of a cell may take while they wait. */
static size_t bytes_of_metrics(const struct ql_shape *shape) {
    size_t n_bytes = 0;
    for (size_t m = 0; m < shape->n_metrics; m++) {
        const struct ql_cell_def *def = &shape->cell_defs[shape->metrics[m]];
        bool is_short_rate = def->is_kpi && shape->options.round_digits >= 0 && shape->options.round_digits <= 4;
        n_bytes += def->type == QL_CELL_INT64 || is_short_rate ? sizeof(uint16_t) : sizeof(double);
    }
    return n_bytes;
}

static size_t bytes_of_wide_row(const struct ql_shape *shape) {
    size_t n_values = shape->n_columns - shape->n_fixed;
    return shape->n_metrics != 0 ? bytes_of_metrics(shape) * n_values / shape->n_metrics : 0;
}

/* wide: equal shares, each to the end of the part that reaches its end. */
static size_t end_by_share(const struct ql_shape *shape, size_t part) {
    const struct ql_grid *grid = shape->grid;
    size_t n_bytes = bytes_of_wide_row(shape);
    size_t most = n_bytes != 0 ? GROUP_BYTES / n_bytes : GROUP_BYTES;
    most = most < GROUP_INTERVALS_MIN ? GROUP_INTERVALS_MIN : most;
    size_t n_groups = (grid->n_intervals + most - 1) / most;
    if (n_groups > grid->n_intervals / GROUP_INTERVALS_MIN && grid->n_intervals >= GROUP_INTERVALS_MIN) {
        n_groups = grid->n_intervals / GROUP_INTERVALS_MIN;
    }
    size_t share = 0; /* the first that ends behind the first interval of this group */
    while ((share + 1) * grid->n_intervals / n_groups <= grid->parts[part].first_interval) {
        share++;
    }
    size_t end = (share + 1) * grid->n_intervals / n_groups;
    do {
        part++;
    } while (part < grid->n_parts && grid->parts[part].first_interval < end);
    return part;
}

/* Groups of rows: as few as memory allows, but some, where there is enough for several, because readers take one each. */
static size_t count_row_groups(const struct ql_shape *shape, size_t n_rows) {
    size_t row_bytes = ql_shape_is_tidy(shape) ? sizeof(double) : bytes_of_metrics(shape);
    size_t most = row_bytes > GROUP_ROWS_BYTES / GROUP_ROWS ? GROUP_ROWS_BYTES / row_bytes + 1 : GROUP_ROWS;
    size_t n_groups = (n_rows != 0 ? n_rows - 1 : 0) / most + 1;
    return n_groups < GROUPS_MIN && n_rows >= (size_t)GROUPS_MIN * GROUP_ROWS_MIN ? GROUPS_MIN : n_groups;
}

/* long and tidy: equal shares likewise. */
static size_t end_by_row_share(const struct ql_shape *shape, size_t part) {
    size_t n_parts = shape->grid->n_parts;
    size_t n_before = 0;
    size_t n_rows = 0;
    for (size_t p = 0; p < n_parts; p++) {
        n_before += p < part ? max_rows(shape, p) : 0;
        n_rows += max_rows(shape, p);
    }
    size_t n_groups = count_row_groups(shape, n_rows);
    size_t share = 0; /* the first that ends behind what is before this group */
    while ((share + 1) * n_rows / n_groups <= n_before && share + 1 < n_groups) {
        share++;
    }
    size_t end = (share + 1) * n_rows / n_groups;
    do {
        n_before += max_rows(shape, part++);
    } while (part < n_parts && n_before < end);
    return part;
}

size_t ql_layout_writer_group_end(const struct ql_layout_writer *writer, size_t part) {
    const struct ql_shape *shape = &writer->shape;
    if (shape->options.group_rows != 0) {
        return end_by_rows(shape, part, shape->options.group_rows);
    }
    return ql_shape_is_wide(shape) ? end_by_share(shape, part) : end_by_row_share(shape, part);
}

enum ql_status ql_layout_writer_pack(struct ql_layout_writer *writer, size_t part, const struct ql_cells *cells,
                                     struct ql_err *err) {
    return ql_part_pack(writer, part, cells, err);
}

/* The form of one column of the packed parts, or of n that become one. */
static struct ql_value_form find_form(const struct ql_group *group, bool is_total, size_t first, size_t n) {
    struct ql_value_form form = {.is_scaled = true, .min_k = INT32_MAX, .max_k = INT32_MIN};
    for (int is_check = 0; is_check < 2; is_check++) { /* the scale of all first, then whether they fit it */
        for (size_t p = group->first_part; p < group->end_part; p++) {
            const struct ql_packed_part *part = &group->writer->parts[p];
            for (size_t m = first; m < first + n; m++) {
                const struct ql_packed *packed = is_total ? &part->totals[m] : &part->columns[m];
                is_check == 0 ? ql_value_form_add(&form, packed) : ql_value_form_check(&form, packed);
            }
        }
    }
    return form;
}

static void make_forms(struct ql_group *group) {
    const struct ql_shape *shape = &group->writer->shape;
    size_t n = ql_shape_rows_per_cell(shape);
    group->forms = ql_arena_alloc(&group->arena, shape->n_metrics * sizeof *group->forms);
    group->total_forms = ql_arena_alloc(&group->arena, shape->n_metrics * sizeof *group->total_forms);
    for (size_t m = 0; m < shape->n_metrics; m += n) {
        group->forms[m / n] = find_form(group, false, m, n);
        if (ql_shape_is_wide(shape) && shape->grid->has_totals) {
            group->total_forms[m] = find_form(group, true, m, 1);
        }
    }
}

static void fill(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct ql_group *group = ctx;
    if (ql_shape_is_wide(&group->writer->shape)) {
        ql_wide_fill(group, column, scratch, out);
    } else {
        ql_rows_fill(group, column, scratch, out);
    }
}

static enum ql_status check_parts(const struct ql_layout_writer *writer, size_t first, size_t end, struct ql_err *err) {
    bool is_packed = first < end && end <= writer->shape.grid->n_parts;
    for (size_t p = first; is_packed && p < end; p++) {
        is_packed = writer->parts[p].block != NULL;
    }
    return is_packed ? QL_OK : QL_FAIL(err, QL_E_INTERNAL, "parts %zu to %zu are not all packed", first, end);
}

static enum ql_status write_columns(struct ql_layout_writer *writer, size_t first, size_t end, struct ql_err *err) {
    const struct ql_shape *shape = &writer->shape;
    const struct ql_part *last = &shape->grid->parts[end - 1];
    struct ql_group group = {.writer = writer, .first_part = first, .end_part = end};
    group.first_interval = shape->grid->parts[first].first_interval;
    group.n_intervals = last->first_interval + last->n_intervals - group.first_interval;
    for (size_t p = first; p < end; p++) {
        group.n_rows += ql_shape_is_wide(shape) ? shape->grid->parts[p].n_intervals
                                                : writer->parts[p].n_places * ql_shape_rows_per_cell(shape);
    }
    if (group.n_rows == 0) {
        return QL_OK;
    }
    ql_group_make_intervals(&group);
    make_forms(&group);
    const struct ql_column_source source = {.fill = fill, .ctx = &group, .spare = writer->spare};
    enum ql_status status = writer->sink->group(writer->sink->ctx, group.n_rows, &source, err);
    writer->n_rows += (int64_t)group.n_rows;
    ql_arena_fini(&group.arena);
    return status;
}

enum ql_status ql_layout_writer_write_group(struct ql_layout_writer *writer, size_t first, size_t end, struct ql_err *err) {
    QL_TRY(check_parts(writer, first, end, err));
    if (end == writer->shape.grid->n_parts) { /* nothing is packed any more */
        ql_block_pool_empty(&writer->scratch);
    }
    enum ql_status status = write_columns(writer, first, end, err);
    for (size_t p = first; p < end; p++) {
        free_part(writer, p);
    }
    return status;
}

void ql_layout_writer_set_spare(struct ql_layout_writer *writer, struct ql_spare_work spare) {
    writer->spare = spare;
}

int64_t ql_layout_writer_n_rows(const struct ql_layout_writer *writer) {
    return writer->n_rows;
}

void ql_layout_result_fini(struct ql_layout_result *result) {
    ql_arena_fini(&result->arena);
    *result = (struct ql_layout_result){0};
}
