/*
 * Finishing: buckets of tuples -> sorted groups -> cells, in order of time, each bucket's memory freed as soon as it is read.
 *
 * Small buckets are taken together and large ones are cut at interval boundaries, so that a group fits the cache. Where the
 * order of intervals is not that of time (by their text), all tuples are cut anew along the order of the intervals.
 */
#include "base/unicode.h"
#include "pivot/fold.h"
#include "pivot/group.h"
#include "pivot/pivot_internal.h"

#include <math.h>
#include <stdlib.h>

struct cell_writer {
    const struct ql_pivot *pivot;
    struct ql_cells *cells;
    struct ql_group group;
    struct ql_fold_scratch scratch;
    struct ql_err *err;
};

/* A bucket and the ordinals of its intervals. */
struct bucket_span {
    struct ql_bucket *bucket;
    uint32_t first, last;
};

/* A name may be a megabyte; a message is a line. */
enum { SHOWN_BYTES = 200 };

static void name_cell(const struct cell_writer *writer, size_t interval, const struct ql_queue *queue, struct ql_buf *name) {
    char start[QL_TIME_TEXT_SIZE];
    char end[QL_TIME_TEXT_SIZE];
    (void)ql_time_format(writer->cells->intervals[interval].start_us, start);
    (void)ql_time_format(writer->cells->intervals[interval].end_us, end);
    ql_buf_printf(name, "interval '%s/%s' and ", start, end);
    if (queue != NULL) {
        struct ql_str shown = queue->name;
        shown.len = shown.len <= SHOWN_BYTES ? shown.len : ql_utf8_valid_len((struct ql_str){shown.ptr, SHOWN_BYTES});
        ql_buf_printf(name, "queue '%.*s'", QL_STR_ARG(shown));
    } else {
        ql_buf_puts(name, "all queues");
    }
}

/* What is kept of a cell's rows if several inputs mention it. */
static enum ql_status settle_overlap(struct cell_writer *writer, size_t begin, size_t end) {
    struct ql_group *group = &writer->group;
    uint32_t last = group->input[begin];
    uint32_t first = last;
    for (size_t i = begin + 1; i < end; i++) {
        last = group->input[i] > last ? group->input[i] : last;
        first = group->input[i] < first ? group->input[i] : first;
    }
    if (first == last) {
        return QL_OK;
    }
    if (writer->pivot->options.overlap == QL_OVERLAP_FAIL) {
        struct ql_buf name = {0};
        size_t interval = writer->pivot->timeline.final_of[group->interval[begin]];
        name_cell(writer, interval, &writer->cells->queues[group->queue[begin]], &name);
        enum ql_status status = QL_FAIL(writer->err, QL_E_OVERLAP, "inputs %lu and %lu both have rows of %s",
                                        (unsigned long)first + 1, (unsigned long)last + 1, ql_buf_text(&name));
        ql_err_hint(writer->err, "say --overlap sum to count both, or --overlap last to keep the later input's");
        ql_buf_fini(&name);
        return status;
    }
    for (size_t i = begin; i < end; i++) {
        for (size_t c = 0; c < group->n_columns && group->input[i] != last; c++) {
            group->slot[c][i] = QL_SLOT_MISSING; /* a missing value takes part in nothing: as if the row were not there */
        }
    }
    return QL_OK;
}

static enum ql_status settle_overlaps(struct cell_writer *writer) {
    if (!writer->group.has_inputs || writer->pivot->options.overlap == QL_OVERLAP_SUM) {
        return QL_OK;
    }
    for (size_t i = 0; i < writer->group.n_cells; i++) {
        QL_TRY(settle_overlap(writer, writer->group.cell[i], writer->group.cell[i + 1]));
    }
    return QL_OK;
}

/* Where a fold's result goes. */
struct target {
    enum ql_cell_type type;
    void *values; /* int64_t or double */
};

static bool store(const struct ql_fold_result *result, const struct target *target, size_t at) {
    if (target->type == QL_CELL_INT64) {
        return ql_fold_to_i64(result, (int64_t *)target->values + at);
    }
    return ql_fold_to_double(result, (double *)target->values + at);
}

static enum ql_status fail_overflow(struct cell_writer *writer, const struct ql_aggregate *aggregate, size_t interval,
                                    const struct ql_queue *queue) {
    struct ql_buf name = {0};
    name_cell(writer, interval, queue, &name);
    enum ql_status status = QL_FAIL(writer->err, QL_E_OVERFLOW, "'%.*s' of %s does not fit %s", QL_STR_ARG(aggregate->name),
                                    ql_buf_text(&name), aggregate->type == QL_CELL_INT64 ? "a 64-bit integer" : "a double");
    ql_buf_fini(&name);
    return status;
}

static struct ql_fold_rows rows_of(const struct cell_writer *writer, size_t metric) {
    if (metric == QL_NO_COLUMN) {
        return (struct ql_fold_rows){0};
    }
    size_t column = writer->pivot->column[metric];
    return (struct ql_fold_rows){.slot = writer->group.slot[column], .column = &writer->group.columns[column]};
}

static enum ql_status write_aggregate(struct cell_writer *writer, size_t a) {
    const struct ql_group *group = &writer->group;
    const struct ql_aggregate *aggregate = &writer->pivot->options.aggregates[a];
    const struct ql_cell_column *column = &writer->cells->columns[a];
    struct ql_fold_input input = {.agg = aggregate->agg, .values = rows_of(writer, aggregate->column)};
    input.weights = rows_of(writer, aggregate->agg == QL_AGG_MEAN ? aggregate->weight : QL_NO_COLUMN);
    struct ql_fold_result result;
    struct target target = {.type = aggregate->type,
                            .values = column->v.i64}; /* either member of a union is the same pointer */
    size_t base = writer->cells->n_cells;
    for (size_t i = 0; i < group->n_cells; i++) {
        ql_fold(&input, group->cell[i], group->cell[i + 1], &writer->scratch, &result);
        if (!store(&result, &target, base + i)) {
            const struct ql_queue *queue = &writer->cells->queues[writer->cells->queue_of[base + i]];
            return fail_overflow(writer, aggregate, writer->cells->interval_of[base + i], queue);
        }
    }
    target.values = column->total.i64;
    for (size_t i = 0; i < group->n_spans && writer->cells->has_totals; i++) {
        size_t interval = writer->pivot->timeline.final_of[group->interval[group->span[i]]];
        ql_fold(&input, group->span[i], group->span[i + 1], &writer->scratch, &result);
        if (!store(&result, &target, interval)) {
            return fail_overflow(writer, aggregate, interval, NULL);
        }
    }
    return QL_OK;
}

/* Sorts the buckets' tuples, appends their cells, and frees the buckets. */
static enum ql_status write_group(struct cell_writer *writer, struct ql_bucket **buckets, size_t n_buckets) {
    const struct ql_timeline *timeline = &writer->pivot->timeline;
    struct ql_group *group = &writer->group;
    struct ql_cells *cells = writer->cells;
    ql_group_load(group, buckets, n_buckets, timeline, &writer->pivot->queues);
    for (size_t i = 0; i < group->n_cells; i++) {
        cells->interval_of[cells->n_cells + i] = timeline->final_of[group->interval[group->cell[i]]];
        cells->queue_of[cells->n_cells + i] = group->queue[group->cell[i]];
    }
    enum ql_status status = settle_overlaps(writer);
    for (size_t a = 0; a < cells->n_columns && status == QL_OK; a++) {
        status = write_aggregate(writer, a);
    }
    cells->n_cells += group->n_cells;
    for (size_t b = 0; b < n_buckets; b++) {
        ql_bucket_free(buckets[b]);
        buckets[b] = NULL;
    }
    return status;
}

/* Which part an ordinal of [first, last] goes to: parts of whole intervals, of about QL_GROUP_ROWS rows. */
static uint32_t *plan_parts(const struct ql_timeline *timeline, uint32_t first, uint32_t last, size_t *n_parts) {
    uint32_t *part_of = ql_mem_alloc(((size_t)(last - first) + 1) * sizeof *part_of);
    size_t n_rows = 0;
    *n_parts = 1;
    for (size_t o = first; o <= last; o++) {
        if (n_rows != 0 && n_rows + timeline->rows_of[o] > QL_GROUP_ROWS) {
            (*n_parts)++;
            n_rows = 0;
        }
        n_rows += timeline->rows_of[o];
        part_of[o - first] = (uint32_t)*n_parts - 1;
    }
    return part_of;
}

/* Moves a bucket's tuples to the parts and frees it. */
static void move_to_parts(const struct ql_timeline *timeline, struct ql_bucket *bucket, struct ql_bucket **parts,
                          const uint32_t *part_of, uint32_t first) {
    struct ql_slots *columns = ql_mem_alloc(bucket->n_columns * sizeof *columns);
    for (struct ql_tuple_chunk *chunk; (chunk = ql_bucket_take_chunk(bucket)) != NULL;) {
        for (size_t c = 0; c < bucket->n_columns; c++) {
            const struct ql_bucket_column *column = &bucket->columns[c];
            columns[c] = (struct ql_slots){chunk->slot + c * chunk->cap, column->scale, column->wide, column->n_wide};
        }
        struct ql_tuples tuples = {chunk->interval, chunk->queue, columns, chunk->input};
        for (size_t begin = 0, end; begin < chunk->n; begin = end) {
            uint32_t part = part_of[timeline->seen[chunk->interval[begin]].ordinal - first];
            end = begin + 1;
            while (end < chunk->n && part_of[timeline->seen[chunk->interval[end]].ordinal - first] == part) {
                end++;
            }
            ql_bucket_append(parts[part], &tuples, begin, end);
        }
        ql_tuple_chunk_free(chunk);
    }
    ql_mem_free(columns);
    ql_bucket_free(bucket);
}

/* As write_group for tuples that are too many, or in an order of their own. */
static enum ql_status write_in_parts(struct cell_writer *writer, struct ql_bucket **buckets, size_t n_buckets, uint32_t first,
                                     uint32_t last) {
    const struct ql_timeline *timeline = &writer->pivot->timeline;
    size_t n_parts;
    uint32_t *part_of = plan_parts(timeline, first, last, &n_parts);
    struct ql_bucket **parts = ql_mem_alloc(n_parts * sizeof(struct ql_bucket *));
    for (size_t p = 0; p < n_parts; p++) {
        parts[p] = ql_bucket_new((int64_t)p, writer->pivot->n_used);
    }
    for (size_t b = 0; b < n_buckets; b++) {
        move_to_parts(timeline, buckets[b], parts, part_of, first);
        buckets[b] = NULL;
    }
    ql_mem_free(part_of);
    enum ql_status status = QL_OK;
    for (size_t p = 0; p < n_parts; p++) {
        if (status == QL_OK) {
            status = write_group(writer, &parts[p], 1);
        }
        ql_bucket_free(parts[p]);
    }
    ql_mem_free(parts);
    return status;
}

static int cmp_period(const void *a, const void *b) {
    int64_t x = ((const struct bucket_span *)a)->bucket->period;
    int64_t y = ((const struct bucket_span *)b)->bucket->period;
    return (x > y) - (x < y);
}

/* The buckets in order of time, into pivot->buckets too; false if their intervals are in another order. */
static bool order_buckets(struct ql_pivot *pivot, struct bucket_span *spans) {
    for (size_t b = 0; b < pivot->n_buckets; b++) {
        spans[b] = (struct bucket_span){.bucket = pivot->buckets[b], .first = UINT32_MAX};
    }
    for (size_t i = 0; i < pivot->timeline.n_seen; i++) {
        const struct ql_seen_interval *seen = &pivot->timeline.seen[i];
        struct bucket_span *span = &spans[seen->bucket];
        span->first = seen->ordinal < span->first ? seen->ordinal : span->first;
        span->last = seen->ordinal > span->last ? seen->ordinal : span->last;
    }
    qsort(spans, pivot->n_buckets, sizeof *spans, cmp_period);
    bool is_in_order = true;
    for (size_t b = 0; b < pivot->n_buckets; b++) {
        pivot->buckets[b] = spans[b].bucket;
        is_in_order = is_in_order && (b == 0 || spans[b - 1].last < spans[b].first);
    }
    return is_in_order;
}

static enum ql_status write_buckets(struct cell_writer *writer, struct ql_pivot *pivot) {
    struct bucket_span *spans = ql_mem_alloc(pivot->n_buckets * sizeof *spans);
    bool is_in_order = order_buckets(pivot, spans);
    enum ql_status status = QL_OK;
    if (!is_in_order) {
        status = write_in_parts(writer, pivot->buckets, pivot->n_buckets, 0, (uint32_t)pivot->timeline.n_ordinals - 1);
    }
    for (size_t b = 0, end; is_in_order && b < pivot->n_buckets && status == QL_OK; b = end) {
        size_t n_rows = pivot->buckets[b]->n_rows;
        for (end = b + 1; end < pivot->n_buckets && n_rows + pivot->buckets[end]->n_rows <= QL_GROUP_ROWS; end++) {
            n_rows += pivot->buckets[end]->n_rows;
        }
        if (n_rows > QL_GROUP_ROWS && spans[b].first != spans[b].last) {
            status = write_in_parts(writer, &pivot->buckets[b], 1, spans[b].first, spans[b].last);
        } else {
            status = write_group(writer, &pivot->buckets[b], end - b);
        }
    }
    ql_mem_free(spans);
    return status;
}

/* Totals of intervals that no row mentions. */
static void clear_totals(const struct ql_aggregate *aggregate, struct ql_cell_column *column, size_t n) {
    column->total.i64 = ql_mem_alloc(n * sizeof(int64_t)); /* a double is as large */
    for (size_t i = 0; i < n; i++) {
        if (aggregate->type == QL_CELL_INT64) {
            column->total.i64[i] = QL_CELL_NULL_I64;
        } else {
            column->total.f64[i] = (double)NAN;
        }
    }
}

/* Columns with room for max_cells cells: memory that is never written costs nothing, and is given back by trim_cells. */
static void begin_cells(struct ql_pivot *pivot, struct ql_cells *cells, size_t max_cells) {
    cells->n_columns = pivot->options.n_aggregates;
    cells->columns = ql_mem_zalloc(cells->n_columns, sizeof *cells->columns);
    cells->interval_of = ql_mem_alloc(max_cells * sizeof *cells->interval_of);
    cells->queue_of = ql_mem_alloc(max_cells * sizeof *cells->queue_of);
    cells->has_queue_id = pivot->has_queue_id;
    cells->has_totals = pivot->options.has_totals;
    for (size_t a = 0; a < cells->n_columns; a++) {
        const struct ql_aggregate *aggregate = &pivot->options.aggregates[a];
        struct ql_cell_column *column = &cells->columns[a];
        *column = (struct ql_cell_column){.type = aggregate->type, .is_hidden = aggregate->is_hidden};
        column->name.ptr = ql_arena_copy(&pivot->arena, aggregate->name.ptr, aggregate->name.len);
        column->name.len = aggregate->name.len;
        column->v.i64 = ql_mem_alloc(max_cells * sizeof(int64_t)); /* a double is as large */
        if (cells->has_totals) {
            clear_totals(aggregate, column, cells->n_intervals);
        }
    }
}

static void trim_cells(struct ql_cells *cells) {
    cells->interval_of = ql_mem_realloc(cells->interval_of, cells->n_cells, sizeof *cells->interval_of);
    cells->queue_of = ql_mem_realloc(cells->queue_of, cells->n_cells, sizeof *cells->queue_of);
    for (size_t a = 0; a < cells->n_columns; a++) {
        cells->columns[a].v.i64 = ql_mem_realloc(cells->columns[a].v.i64, cells->n_cells, sizeof(int64_t));
    }
}

enum ql_status ql_pivot_write_cells(struct ql_pivot *pivot, struct ql_cells *cells, struct ql_err *err) {
    struct ql_timeline *timeline = &pivot->timeline;
    QL_TRY(ql_timeline_build(timeline, &pivot->options, err));
    QL_TRY(ql_queue_list_build(&pivot->queues, timeline, &pivot->options, err));
    cells->n_intervals = timeline->n_intervals;
    cells->intervals = timeline->intervals;
    cells->n_queues = pivot->queues.n_queues;
    cells->queues = pivot->queues.queues;
    timeline->intervals = NULL;
    pivot->queues.queues = NULL;
    size_t n_rows = (size_t)pivot->stats.rows;
    size_t max_cells;
    if (__builtin_mul_overflow(timeline->n_ordinals, cells->n_queues, &max_cells) || max_cells > n_rows) {
        max_cells = n_rows;
    }
    begin_cells(pivot, cells, max_cells);
    struct cell_writer writer = {.pivot = pivot, .cells = cells, .err = err};
    writer.group.n_columns = pivot->n_used;
    enum ql_status status = write_buckets(&writer, pivot);
    ql_group_fini(&writer.group);
    ql_fold_scratch_fini(&writer.scratch);
    trim_cells(cells);
    pivot->stats.duplicates_merged = (int64_t)(n_rows - cells->n_cells);
    pivot->stats.intervals_filled = timeline->n_filled;
    pivot->stats.ids_merged_by_name = pivot->queues.n_ids_merged;
    pivot->stats.ids_renamed = pivot->queues.n_ids_renamed;
    return status;
}
