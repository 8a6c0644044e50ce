/*
 * Parts: whole intervals in their order, as many as fit a cache. They are cut by the numbers of rows alone, so that neither
 * order of arrival nor buckets can be seen in them.
 *
 * Buckets do not end where parts end. Slices of an input in order of time are divided between two parts without touching a row;
 * slices of a shuffled one, which mention many parts each, are sorted by part when the first of these needs the bucket.
 */
#include "pivot/parts.h"

#include <string.h>

void ql_parts_fini(struct ql_parts *parts) {
    for (size_t s = 0; s < parts->n_sources; s++) {
        ql_slices_fini(&parts->sources[s].divided);
        ql_mem_free(parts->sources[s].part_of);
        (void)pthread_mutex_destroy(&parts->sources[s].lock);
    }
    ql_mem_free(parts->sources);
    ql_mem_free(parts->source_of);
    ql_mem_free(parts->begin);
    ql_mem_free(parts->part_of);
    ql_mem_free(parts->parts);
    *parts = (struct ql_parts){0};
}

/* How many rows each interval has. */
static uint32_t *count_rows(const struct ql_timeline *timeline, const uint32_t *n_rows) {
    uint32_t *rows_of = ql_mem_zalloc(timeline->n_intervals, sizeof *rows_of);
    for (size_t e = 0; e < timeline->n_seen; e++) {
        if (timeline->index_of[e] != QL_TIMELINE_NONE) {
            rows_of[timeline->index_of[e]] += n_rows[e];
        }
    }
    return rows_of;
}

void ql_parts_cut(struct ql_parts *parts, const struct ql_timeline *timeline, const uint32_t *n_rows, size_t n_queues) {
    size_t most_intervals = n_queues < QL_PART_GRID_MAX ? QL_PART_GRID_MAX / (n_queues + (n_queues == 0)) : 1;
    uint32_t *rows_of = count_rows(timeline, n_rows);
    size_t cap = 0;
    struct ql_part part = {0};
    parts->part_of = ql_mem_alloc(timeline->n_intervals * sizeof *parts->part_of);
    for (size_t i = 0; i < timeline->n_intervals; i++) {
        part.n_intervals++;
        part.max_cells += rows_of[i]; /* its rows, for now */
        parts->part_of[i] = (uint32_t)parts->n_parts;
        bool is_last = i + 1 == timeline->n_intervals;
        if (is_last || part.n_intervals == most_intervals || part.max_cells + rows_of[i + 1] > QL_PART_ROWS_MAX) {
            size_t all = part.n_intervals * n_queues;
            part.max_cells = all < part.max_cells ? all : part.max_cells;
            QL_MEM_GROW(parts->parts, cap, parts->n_parts + 1);
            parts->parts[parts->n_parts++] = part;
            part = (struct ql_part){.first_interval = i + 1};
        }
    }
    ql_mem_free(rows_of);
}

static inline uint32_t part_of_entry(const struct ql_parts *parts, const struct ql_timeline *timeline, uint32_t entry) {
    return parts->part_of[timeline->index_of[entry]];
}

/* The first interval that begins at or after an instant; intervals are in order of time. */
static size_t interval_from(const struct ql_timeline *timeline, int64_t start_us) {
    size_t low = 0;
    size_t high = timeline->n_intervals;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (timeline->intervals[middle].start_us < start_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_by_time(const struct ql_timeline *timeline) {
    for (size_t i = 1; i < timeline->n_intervals; i++) {
        if (timeline->intervals[i].start_us < timeline->intervals[i - 1].start_us) {
            return false;
        }
    }
    return true;
}

static void add_source(struct ql_parts *parts, struct ql_bucket *bucket, uint32_t first_part, uint32_t last_part) {
    struct ql_source *source = &parts->sources[parts->n_sources++];
    *source = (struct ql_source){
        .bucket = bucket, .first_part = first_part, .last_part = last_part, .n_parts_left = last_part - first_part + 1};
    (void)pthread_mutex_init(&source->lock, NULL);
}

/* Inverts the sources' ranges of parts. */
static void list_sources(struct ql_parts *parts) {
    parts->begin = ql_mem_zalloc(parts->n_parts + 2, sizeof *parts->begin);
    for (size_t s = 0; s < parts->n_sources; s++) {
        for (size_t p = parts->sources[s].first_part; p <= parts->sources[s].last_part; p++) {
            parts->begin[p + 2]++;
        }
    }
    for (size_t p = 0; p < parts->n_parts; p++) {
        parts->begin[p + 2] += parts->begin[p + 1];
    }
    parts->source_of = ql_mem_alloc(parts->begin[parts->n_parts + 1] * sizeof *parts->source_of);
    for (size_t s = 0; s < parts->n_sources; s++) {
        for (size_t p = parts->sources[s].first_part; p <= parts->sources[s].last_part; p++) {
            parts->source_of[parts->begin[p + 1]++] = (uint32_t)s; /* becomes the part's end, which is the next one's begin */
        }
    }
}

/* Scratch of sorting slices. */
struct sorter {
    const struct ql_parts *parts;
    const struct ql_timeline *timeline;
    struct ql_regroup regroup;
    uint32_t *group_of_run;
    struct ql_slice *groups;
    size_t cap_group_of_run, cap_groups;
};

static void sorter_fini(struct sorter *sorter) {
    ql_regroup_fini(&sorter->regroup);
    ql_mem_free(sorter->group_of_run);
    ql_mem_free(sorter->groups);
}

/* For an order of intervals that is not that of time: buckets of neighbouring parts, as many as keep a piece of a bucket in the
 * file worth reading. */
enum { RECUT_BUCKETS_MAX = 256 };

static size_t recut_bucket(const struct ql_parts *parts, size_t n_buckets, size_t part) {
    return part * n_buckets / parts->n_parts;
}

static enum ql_status recut_slice(struct sorter *sorter, const struct ql_slice *slice, struct ql_tuple_store *store,
                                  size_t n_buckets, struct ql_spill *spill, struct ql_err *err) {
    QL_MEM_GROW(sorter->group_of_run, sorter->cap_group_of_run, slice->n_runs);
    QL_MEM_GROW(sorter->groups, sorter->cap_groups, n_buckets);
    for (size_t r = 0; r < slice->n_runs; r++) {
        uint32_t part = part_of_entry(sorter->parts, sorter->timeline, slice->tuples->interval[slice->first_run + r]);
        sorter->group_of_run[r] = (uint32_t)recut_bucket(sorter->parts, n_buckets, part);
    }
    const struct ql_tuples *sorted =
        ql_slice_regroup(slice, sorter->group_of_run, n_buckets, &sorter->regroup, sorter->groups, NULL);
    ql_tuple_store_add(store, sorted->block);
    for (size_t b = 0; b < n_buckets; b++) {
        if (sorter->groups[b].n_rows != 0) {
            (void)ql_tuple_store_put(store, b, sorter->groups[b], 0, 0);
        }
    }
    return ql_tuple_store_spill(store, store->max_memory, spill, err);
}

/* Sorts all rows into the buckets of `to`. */
static enum ql_status recut(struct sorter *sorter, struct ql_tuple_store *from, struct ql_tuple_store *to, size_t n_buckets,
                            struct ql_spill *spill, struct ql_err *err) {
    QL_TRY(ql_tuple_store_spill(from, from->max_memory / 2, spill, err)); /* for a while rows are in both stores */
    to->max_memory = from->max_memory / 2;
    enum ql_status status = QL_OK;
    for (size_t b = 0; b < from->n_buckets && status == QL_OK; b++) {
        struct ql_slices slices = {0};
        QL_TRY(ql_spill_flush(spill, err));
        QL_TRY(ql_bucket_take_slices(&from->buckets[b], spill, &slices, err));
        for (size_t s = 0; s < slices.n && status == QL_OK; s++) {
            status = recut_slice(sorter, &slices.items[s], to, n_buckets, spill, err);
        }
        ql_slices_fini(&slices);
    }
    return status;
}

static enum ql_status find_recut_sources(struct ql_parts *parts, const struct ql_timeline *timeline,
                                         struct ql_tuple_store *store, struct ql_spill *spill, struct ql_err *err) {
    struct sorter sorter = {.parts = parts, .timeline = timeline};
    struct ql_tuple_store sorted = {0};
    size_t n_buckets = parts->n_parts < RECUT_BUCKETS_MAX ? parts->n_parts : RECUT_BUCKETS_MAX;
    enum ql_status status = recut(&sorter, store, &sorted, n_buckets, spill, err);
    sorter_fini(&sorter);
    sorted.max_memory = store->max_memory;
    ql_tuple_store_fini(store);
    *store = sorted;
    QL_TRY(status);
    parts->sources = ql_mem_alloc(store->n_buckets * sizeof *parts->sources);
    for (size_t b = 0, part = 0; b < store->n_buckets; b++) {
        size_t first = part;
        while (part < parts->n_parts && recut_bucket(parts, n_buckets, part) == b) {
            part++;
        }
        if (store->buckets[b].n_rows != 0) {
            add_source(parts, &store->buckets[b], (uint32_t)first, (uint32_t)part - 1);
        }
    }
    return QL_OK;
}

enum ql_status ql_parts_find_sources(struct ql_parts *parts, const struct ql_timeline *timeline, struct ql_tuple_store *store,
                                     struct ql_spill *spill, struct ql_err *err) {
    if (!is_by_time(timeline)) {
        QL_TRY(find_recut_sources(parts, timeline, store, spill, err));
    } else {
        parts->sources = ql_mem_alloc(store->n_buckets * sizeof *parts->sources);
        for (size_t b = 0; b < store->n_buckets; b++) {
            struct ql_bucket *bucket = &store->buckets[b];
            if (bucket->n_rows != 0) {
                size_t first = interval_from(timeline, bucket->min_start_us);
                size_t end = interval_from(timeline, bucket->max_start_us + 1);
                add_source(parts, bucket, parts->part_of[first], parts->part_of[end - 1]);
            }
        }
    }
    list_sources(parts);
    return ql_spill_flush(spill, err);
}

static void push_divided(struct ql_source *source, struct ql_slice slice, uint32_t part) {
    ql_slices_push(&source->divided, slice);
    QL_MEM_GROW(source->part_of, source->cap_part_of, source->divided.n);
    source->part_of[source->divided.n - 1] = part;
}

/* A slice whose parts ascend, cut where they change. */
static void divide_in_order(struct ql_source *source, const struct ql_slice *slice, const uint32_t *group_of_run) {
    struct ql_slice next = {.tuples = slice->tuples, .first_row = slice->first_row, .first_run = slice->first_run};
    for (size_t r = 0; r < slice->n_runs; r++) {
        next.n_rows += ql_tuples_run_len(slice->tuples, slice->first_run + r);
        next.n_runs++;
        if (r + 1 == slice->n_runs || group_of_run[r + 1] != group_of_run[r]) {
            push_divided(source, next, source->first_part + group_of_run[r]);
            next.first_row += next.n_rows;
            next.first_run += next.n_runs;
            next.n_rows = next.n_runs = 0;
        }
    }
}

static void divide_slice(struct sorter *sorter, struct ql_source *source, const struct ql_slice *slice) {
    QL_MEM_GROW(sorter->group_of_run, sorter->cap_group_of_run, slice->n_runs);
    bool is_in_order = true;
    uint32_t before = 0;
    for (size_t r = 0; r < slice->n_runs; r++) {
        uint32_t part = part_of_entry(sorter->parts, sorter->timeline, slice->tuples->interval[slice->first_run + r]);
        sorter->group_of_run[r] = part - source->first_part;
        is_in_order = is_in_order && part >= before;
        before = part;
    }
    if (is_in_order) {
        divide_in_order(source, slice, sorter->group_of_run);
        return;
    }
    size_t n_groups = (size_t)(source->last_part - source->first_part) + 1;
    QL_MEM_GROW(sorter->groups, sorter->cap_groups, n_groups);
    (void)ql_slice_regroup(slice, sorter->group_of_run, n_groups, &sorter->regroup, sorter->groups, NULL);
    for (size_t g = 0; g < n_groups; g++) {
        if (sorter->groups[g].n_rows != 0) {
            push_divided(source, sorter->groups[g], source->first_part + (uint32_t)g);
        }
    }
}

static enum ql_status divide(const struct ql_parts *parts, struct ql_source *source, const struct ql_timeline *timeline,
                             const struct ql_spill *spill, struct ql_err *err) {
    struct sorter sorter = {.parts = parts, .timeline = timeline};
    struct ql_slices slices = {0};
    QL_TRY(ql_bucket_take_slices(source->bucket, spill, &slices, err));
    for (size_t s = 0, n; s < slices.n; s += n) {
        n = ql_slices_count_small(&slices.items[s], slices.n - s, UINT64_MAX);
        struct ql_slice slice = n == 1 ? slices.items[s] : ql_tuples_all(ql_slices_join(&slices.items[s], n));
        struct ql_slices held = {0};
        ql_slices_push(&held, slice);
        divide_slice(&sorter, source, &slice);
        ql_slices_fini(&held);
        for (size_t i = 0; i < n; i++) { /* what was read of the file goes at once */
            ql_block_release(slices.items[s + i].tuples->block);
        }
    }
    slices.n = 0;
    ql_slices_fini(&slices);
    sorter_fini(&sorter);
    source->is_divided = true;
    return QL_OK;
}

static enum ql_status take_from(struct ql_parts *parts, struct ql_source *source, uint32_t part,
                                const struct ql_timeline *timeline, const struct ql_spill *spill, struct ql_slices *slices,
                                struct ql_err *err) {
    if (!source->is_divided) {
        QL_TRY(divide(parts, source, timeline, spill, err));
    }
    size_t n_kept = 0;
    for (size_t s = 0; s < source->divided.n; s++) {
        struct ql_slice slice = source->divided.items[s];
        if (source->part_of[s] == part) {
            ql_slices_push(slices, slice);
            ql_block_release(slice.tuples->block);
        } else {
            source->divided.items[n_kept] = slice;
            source->part_of[n_kept++] = source->part_of[s];
        }
    }
    source->divided.n = n_kept;
    if (--source->n_parts_left == 0) {
        ql_slices_fini(&source->divided);
        ql_mem_free(source->part_of);
        source->part_of = NULL;
    }
    return QL_OK;
}

enum ql_status ql_parts_take(struct ql_parts *parts, size_t part, const struct ql_timeline *timeline,
                             const struct ql_spill *spill, struct ql_slices *slices, struct ql_err *err) {
    enum ql_status status = QL_OK;
    for (size_t i = parts->begin[part]; i < parts->begin[part + 1] && status == QL_OK; i++) {
        struct ql_source *source = &parts->sources[parts->source_of[i]];
        (void)pthread_mutex_lock(&source->lock);
        status = take_from(parts, source, (uint32_t)part, timeline, spill, slices, err);
        (void)pthread_mutex_unlock(&source->lock);
    }
    return status;
}
