/*
 * Feeding: rows become tuples in buckets of time (semantics, section 3).
 *
 * The way of a row: its interval and its queue are looked up (mostly: the interval of the row before, and the queue that came
 * next last time), its numbers are copied into the bucket of its time, and nothing is decided. What depends on all rows, such
 * as ends of intervals, names of queues, order, scales, is settled by ql_pivot_finish; so neither the order of rows nor how
 * they are cut into batches can change a cell.
 */
#include "pivot/pivot_internal.h"

#include "pivot/exact.h"

/* A bucket's span of time. 2 days of quarter hours x 250 queues are 48,000 rows: a group (pivot/group.h). */
static const int64_t BUCKET_SPAN_US = 2 * 86400 * QL_US_PER_S;

/* Rows, and so intervals and queues, are numbered in 32 bits. */
static const int64_t MAX_ROWS = INT64_C(4000000000);

/* Which columns of the rows are read at all. */
static void map_columns(struct ql_pivot *pivot) {
    const struct ql_pivot_options *options = &pivot->options;
    pivot->column = ql_mem_alloc(options->n_columns * sizeof *pivot->column);
    pivot->used = ql_mem_alloc(options->n_columns * sizeof *pivot->used);
    for (size_t c = 0; c < options->n_columns; c++) {
        bool is_used = false;
        for (size_t a = 0; a < options->n_aggregates; a++) {
            const struct ql_aggregate *aggregate = &options->aggregates[a];
            is_used = is_used || aggregate->column == c || (aggregate->agg == QL_AGG_MEAN && aggregate->weight == c);
        }
        pivot->column[c] = is_used ? pivot->n_used : QL_NO_COLUMN;
        if (is_used) {
            pivot->used[pivot->n_used++] = c;
        }
    }
    pivot->slots = ql_mem_zalloc(pivot->n_used, sizeof *pivot->slots);
    pivot->converted = ql_mem_zalloc(pivot->n_used, sizeof *pivot->converted);
    pivot->slot_copies = ql_mem_zalloc(pivot->n_used, sizeof *pivot->slot_copies);
    pivot->cap_slots = ql_mem_zalloc(pivot->n_used, sizeof *pivot->cap_slots);
}

struct ql_pivot *ql_pivot_new(const struct ql_pivot_options *options) {
    struct ql_pivot *pivot = ql_mem_zalloc(1, sizeof *pivot);
    pivot->options = *options;
    pivot->timeline.by_text = options->by_interval_text;
    pivot->timeline.arena = &pivot->arena;
    pivot->queues.arena = &pivot->arena;
    map_columns(pivot);
    return pivot;
}

/* Forgets the rows. */
static void reset(struct ql_pivot *pivot) {
    for (size_t b = 0; b < pivot->n_buckets; b++) {
        ql_bucket_free(pivot->buckets[b]);
    }
    ql_mem_free(pivot->buckets);
    pivot->buckets = NULL;
    pivot->n_buckets = pivot->cap_buckets = 0;
    ql_index_fini(&pivot->bucket_index);
    ql_timeline_fini(&pivot->timeline);
    ql_queue_list_fini(&pivot->queues);
    ql_arena_fini(&pivot->arena);
    pivot->has_queue_id = false;
}

void ql_pivot_free(struct ql_pivot *pivot) {
    if (pivot == NULL) {
        return;
    }
    reset(pivot);
    for (size_t c = 0; c < pivot->n_used; c++) {
        ql_mem_free(pivot->converted[c].wide);
        ql_mem_free(pivot->slot_copies[c]);
    }
    ql_mem_free(pivot->converted);
    ql_mem_free(pivot->slot_copies);
    ql_mem_free(pivot->cap_slots);
    ql_mem_free(pivot->slots);
    ql_mem_free(pivot->used);
    ql_mem_free(pivot->column);
    ql_mem_free(pivot->interval);
    ql_mem_free(pivot->queue);
    ql_mem_free(pivot->bucket);
    ql_mem_free(pivot->sorted.begin);
    ql_mem_free(pivot->sorted.position);
    ql_mem_free(pivot->sorted.interval);
    ql_mem_free(pivot->sorted.queue);
    ql_mem_free(pivot->sorted.slot);
    ql_mem_free(pivot->sorted.columns);
    ql_mem_free(pivot);
}

static enum ql_status read_wide(const struct ql_wide_number *from, struct ql_wide *number, struct ql_err *err) {
    struct ql_decimal decimal;
    if (!ql_decimal_parse(from->text, &decimal) || from->text.len > UINT32_MAX) {
        int len = from->text.len < 40 ? (int)from->text.len : 40;
        return QL_FAIL(err, QL_E_DATA, "'%.*s' is no decimal number that a double can hold", len, from->text.ptr);
    }
    *number = (struct ql_wide){.scale = (int32_t)decimal.scale};
    if (!ql_decimal_to_i64(&decimal, &number->v.k)) {
        *number = (struct ql_wide){.v.text = from->text.ptr, .text_len = (uint32_t)from->text.len};
    }
    return QL_OK;
}

static bool fits_slots(const struct ql_number_column *column, size_t n_rows) {
    bool fits = true;
    for (size_t i = 0; i < n_rows; i++) {
        fits &= column->k[i] >= QL_SLOT_MIN || column->k[i] == QL_NUMBER_MISSING; /* without a branch: vectorised */
    }
    return fits;
}

/* A batch's column as slots: its own array where that is possible, else a copy with a side table. */
static enum ql_status convert_column(struct ql_pivot *pivot, size_t u, const struct ql_number_column *from, size_t n_rows,
                                     struct ql_err *err) {
    struct ql_slots *slots = &pivot->slots[u];
    struct ql_bucket_column *side = &pivot->converted[u];
    *slots = (struct ql_slots){.slot = from->k, .scale = from->scale};
    if (from->scale > 18) {
        return QL_FAIL(err, QL_E_INTERNAL, "a batch of rows has a column of scale %d", from->scale);
    }
    if (fits_slots(from, n_rows)) {
        return QL_OK;
    }
    QL_MEM_GROW(pivot->slot_copies[u], pivot->cap_slots[u], n_rows);
    int64_t *copy = pivot->slot_copies[u];
    size_t at = 0; /* in from->wide */
    side->n_wide = 0;
    for (size_t i = 0; i < n_rows; i++) {
        copy[i] = from->k[i];
        if (from->k[i] >= QL_SLOT_MIN || from->k[i] == QL_NUMBER_MISSING) {
            continue;
        }
        struct ql_wide number = {.v.k = from->k[i], .scale = from->scale};
        if (from->k[i] == QL_NUMBER_WIDE) {
            if (at == from->n_wide || from->wide[at].row != i) {
                return QL_FAIL(err, QL_E_INTERNAL, "a batch of rows has no text for the wide number of its row %zu", i);
            }
            QL_TRY(read_wide(&from->wide[at++], &number, err));
        }
        copy[i] = ql_wide_add(&side->wide, &side->n_wide, &side->cap_wide, number);
    }
    slots->slot = copy;
    slots->wide = side->wide;
    slots->n_wide = side->n_wide;
    return QL_OK;
}

static enum ql_status check_batch(const struct ql_pivot *pivot, const struct ql_rows *rows, struct ql_err *err) {
    if (rows->n_metrics != pivot->options.n_columns) {
        return QL_FAIL(err, QL_E_INTERNAL, "a batch of rows has %zu metric columns instead of %zu", rows->n_metrics,
                       pivot->options.n_columns);
    }
    if (pivot->options.by_interval_text && rows->interval_text == NULL) {
        return QL_FAIL(err, QL_E_INTERNAL, "a batch of rows has no texts of intervals");
    }
    if (rows->n_rows > (size_t)(MAX_ROWS - pivot->stats.rows)) {
        (void)QL_FAIL(err, QL_E_LIMIT, "more than %lld rows in one artefact", (long long)MAX_ROWS);
        ql_err_hint(err, "split the range into several runs");
        return QL_E_LIMIT;
    }
    return QL_OK;
}

/* The bucket of an instant, a new one if there is none. */
static uint32_t bucket_of(struct ql_pivot *pivot, int64_t start_us) {
    int64_t period = start_us / BUCKET_SPAN_US - (start_us % BUCKET_SPAN_US < 0);
    uint32_t hash = ql_index_hash_u64((uint64_t)period, 0);
    size_t at = hash;
    for (uint32_t entry; (entry = ql_index_next(&pivot->bucket_index, hash, &at)) != QL_INDEX_NONE;) {
        if (pivot->buckets[entry]->period == period) {
            return entry;
        }
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is meant */
    QL_MEM_GROW(pivot->buckets, pivot->cap_buckets, pivot->n_buckets + 1);
    uint32_t added = (uint32_t)pivot->n_buckets++;
    pivot->buckets[added] = ql_bucket_new(period, pivot->n_used);
    ql_index_add(&pivot->bucket_index, hash, added);
    return added;
}

/* The entry of row i's interval. */
static uint32_t look_up_interval(struct ql_pivot *pivot, const struct ql_rows *rows, size_t i) {
    bool is_new;
    struct ql_str text = pivot->timeline.by_text ? rows->interval_text[i] : (struct ql_str){.ptr = "", .len = 0};
    uint32_t interval = ql_timeline_put(&pivot->timeline, rows->start_us[i], rows->end_us[i], text, &is_new);
    if (is_new) {
        pivot->timeline.seen[interval].bucket = bucket_of(pivot, rows->start_us[i]);
    }
    return interval;
}

/* The keys of a batch, pivot->interval, queue and bucket; how many runs of rows of one bucket it has. */
static size_t look_up(struct ql_pivot *pivot, const struct ql_rows *rows) {
    QL_MEM_GROW(pivot->interval, pivot->cap_interval, rows->n_rows);
    QL_MEM_GROW(pivot->queue, pivot->cap_queue, rows->n_rows);
    QL_MEM_GROW(pivot->bucket, pivot->cap_bucket, rows->n_rows);
    const int64_t *start_us = rows->start_us;
    const int64_t *end_us = rows->end_us;
    size_t n_runs = 0;
    for (size_t begin = 0, end; begin < rows->n_rows; begin = end) { /* rows of one interval, which mostly come together */
        uint32_t interval = look_up_interval(pivot, rows, begin);
        struct ql_seen_interval *seen = &pivot->timeline.seen[interval];
        n_runs += begin == 0 || pivot->bucket[begin - 1] != seen->bucket;
        end = begin;
        do {
            pivot->interval[end] = interval;
            pivot->bucket[end] = seen->bucket;
            end++;
        } while (end < rows->n_rows && start_us[end] == start_us[begin] && end_us[end] == end_us[begin] &&
                 !pivot->timeline.by_text);
        seen->n_rows += (uint32_t)(end - begin);
    }
    for (size_t i = 0; i < rows->n_rows; i++) {
        struct ql_str id = rows->queue_id != NULL ? rows->queue_id[i] : (struct ql_str){.ptr = "", .len = 0};
        pivot->queue[i] = ql_queue_list_put(&pivot->queues, id, rows->queue_name[i]);
        if (id.len != 0) {
            ql_label_note(&pivot->queues.labels[pivot->queue[i]], start_us[i], end_us[i]);
        }
    }
    return n_runs;
}

/* A batch's tuples in runs of rows of one bucket, as they come. */
static void append_runs(struct ql_pivot *pivot, const struct ql_tuples *tuples, size_t n_rows) {
    for (size_t begin = 0, end; begin < n_rows; begin = end) {
        for (end = begin + 1; end < n_rows && pivot->bucket[end] == pivot->bucket[begin]; end++) {
        }
        ql_bucket_append(pivot->buckets[pivot->bucket[begin]], tuples, begin, end);
    }
}

/* As append_runs for a batch that has more runs than buckets: its rows by bucket first (a counting sort), so that each bucket
 * is written once and in sequence. */
static void append_sorted(struct ql_pivot *pivot, const struct ql_tuples *tuples, size_t n_rows) {
    struct ql_sorted_batch *sorted = &pivot->sorted;
    QL_MEM_GROW(sorted->begin, sorted->cap_begin, pivot->n_buckets + 1);
    QL_MEM_GROW(sorted->position, sorted->cap_position, n_rows);
    QL_MEM_GROW(sorted->interval, sorted->cap_interval, n_rows);
    QL_MEM_GROW(sorted->queue, sorted->cap_queue, n_rows);
    QL_MEM_GROW(sorted->slot, sorted->cap_slot, n_rows * pivot->n_used);
    QL_MEM_GROW(sorted->columns, sorted->cap_columns, pivot->n_used);
    memset(sorted->begin, 0, (pivot->n_buckets + 1) * sizeof *sorted->begin);
    for (size_t i = 0; i < n_rows; i++) {
        sorted->begin[pivot->bucket[i] + 1]++;
    }
    for (size_t b = 0; b < pivot->n_buckets; b++) {
        sorted->begin[b + 1] += sorted->begin[b];
    }
    for (size_t i = 0; i < n_rows; i++) {
        uint32_t at = sorted->begin[pivot->bucket[i]]++; /* becomes the bucket's end */
        sorted->position[i] = at;
        sorted->interval[at] = tuples->interval[i];
        sorted->queue[at] = tuples->queue[i];
    }
    for (size_t u = 0; u < pivot->n_used; u++) {
        int64_t *slot = sorted->slot + u * n_rows;
        for (size_t i = 0; i < n_rows; i++) {
            slot[sorted->position[i]] = tuples->columns[u].slot[i];
        }
        sorted->columns[u] = tuples->columns[u];
        sorted->columns[u].slot = slot;
    }
    const struct ql_tuples by_bucket = {sorted->interval, sorted->queue, sorted->columns, tuples->input};
    for (size_t b = 0, begin = 0; b < pivot->n_buckets; begin = sorted->begin[b++]) {
        ql_bucket_append(pivot->buckets[b], &by_bucket, begin, sorted->begin[b]);
    }
}

enum ql_status ql_pivot_feed(struct ql_pivot *pivot, const struct ql_rows *rows, struct ql_err *err) {
    if (pivot->is_finished) {
        pivot->is_finished = false;
        pivot->stats = (struct ql_pivot_stats){0};
    }
    QL_TRY(check_batch(pivot, rows, err));
    for (size_t u = 0; u < pivot->n_used; u++) {
        QL_TRY(convert_column(pivot, u, &rows->metrics[pivot->used[u]], rows->n_rows, err));
    }
    size_t n_runs = look_up(pivot, rows);
    const struct ql_tuples tuples = {pivot->interval, pivot->queue, pivot->slots, rows->input};
    if (n_runs > pivot->n_buckets) {
        append_sorted(pivot, &tuples, rows->n_rows);
    } else {
        append_runs(pivot, &tuples, rows->n_rows);
    }
    pivot->stats.rows += (int64_t)rows->n_rows;
    pivot->has_queue_id = pivot->has_queue_id || rows->queue_id != NULL;
    return QL_OK;
}

enum ql_status ql_pivot_finish(struct ql_pivot *pivot, struct ql_cells *cells, struct ql_err *err) {
    *cells = (struct ql_cells){0};
    if (pivot->is_finished) {
        pivot->stats = (struct ql_pivot_stats){0};
    }
    enum ql_status status = ql_pivot_write_cells(pivot, cells, err);
    if (status == QL_OK) {
        cells->arena = pivot->arena;
        pivot->arena = (struct ql_arena){0};
    } else {
        ql_cells_fini(cells);
    }
    reset(pivot);
    pivot->is_finished = true;
    return status;
}

void ql_pivot_get_stats(const struct ql_pivot *pivot, struct ql_pivot_stats *stats) {
    *stats = pivot->stats;
}
