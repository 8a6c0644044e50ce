/*
 * Intervals: the row's side of the pivot (semantics, section 3).
 *
 * An interval is its two instants. Where rows give only a start, the end is start + granularity, or + the smallest step between
 * two distinct starts of all rows; a derived end makes the same interval as a given one that is equal, and another interval
 * than a given one that is not. It is derived when all rows are known, so that it cannot depend on their order. With
 * by_text (profile pandas) an interval is its text; instants are then only carried along.
 *
 * Threads that pack look up together; who meets a new interval waits for the others, once a batch at most.
 */
#include "pivot/timeline.h"

#include <stdlib.h>

void ql_timeline_init(struct ql_timeline *timeline, bool by_text) {
    *timeline = (struct ql_timeline){.by_text = by_text, .level = 63};
    (void)pthread_rwlock_init(&timeline->lock, NULL);
}

void ql_timeline_fini(struct ql_timeline *timeline) {
    (void)pthread_rwlock_destroy(&timeline->lock);
    ql_mem_free(timeline->seen);
    ql_mem_free(timeline->seen_texts);
    ql_mem_free(timeline->period);
    ql_mem_free(timeline->index_of);
    ql_mem_free(timeline->intervals);
    ql_mem_free(timeline->texts);
    ql_index_fini(&timeline->index);
    ql_index_fini(&timeline->bucket_index);
    ql_time_grid_fini(&timeline->grid);
    ql_arena_fini(&timeline->arena);
}

static bool is_entry(const struct ql_timeline *timeline, uint32_t entry, const struct ql_rows_run *run) {
    if (timeline->by_text) {
        return ql_str_eq(timeline->seen_texts[entry], run->text);
    }
    return timeline->seen[entry].start_us == run->start_us && timeline->seen[entry].end_us == run->end_us;
}

static uint32_t hash_of(const struct ql_timeline *timeline, const struct ql_rows_run *run) {
    return timeline->by_text ? ql_index_hash_u64(ql_index_hash_str(run->text, 0), 0)
                             : ql_index_hash_u64((uint64_t)run->start_us, (uint64_t)run->end_us);
}

static uint32_t find(const struct ql_timeline *timeline, const struct ql_rows_run *run, uint32_t hash) {
    size_t at = hash;
    uint32_t entry;
    do {
        entry = ql_index_next(&timeline->index, hash, &at);
    } while (entry != QL_INDEX_NONE && !is_entry(timeline, entry, run));
    return entry;
}

/* The present bucket of an instant. */
static uint32_t bucket_of(struct ql_timeline *timeline, int64_t start_us) {
    int64_t period = start_us >> timeline->level; /* rounds down, with gcc and clang also below 0 */
    uint32_t hash = ql_index_hash_u64((uint64_t)period, 0);
    size_t at = hash;
    for (uint32_t bucket; (bucket = ql_index_next(&timeline->bucket_index, hash, &at)) != QL_INDEX_NONE;) {
        if (timeline->period[bucket] == period) {
            return bucket;
        }
    }
    QL_MEM_GROW(timeline->period, timeline->cap_period, (size_t)timeline->n_buckets + 1);
    timeline->period[timeline->n_buckets] = period;
    ql_index_add(&timeline->bucket_index, hash, timeline->n_buckets);
    return timeline->n_buckets++;
}

static uint32_t add(struct ql_timeline *timeline, const struct ql_rows_run *run, uint32_t hash) {
    QL_MEM_GROW(timeline->seen, timeline->cap_seen, timeline->n_seen + 1);
    if (timeline->by_text) {
        QL_MEM_GROW(timeline->seen_texts, timeline->cap_seen_texts, timeline->n_seen + 1);
        timeline->seen_texts[timeline->n_seen] = (struct ql_str){
            .ptr = ql_arena_copy(&timeline->arena, run->text.ptr, run->text.len),
            .len = run->text.len,
        };
    }
    uint32_t entry = (uint32_t)timeline->n_seen++;
    timeline->seen[entry] = (struct ql_seen_interval){
        .start_us = run->start_us, .end_us = run->end_us, .bucket = bucket_of(timeline, run->start_us)};
    ql_index_add(&timeline->index, hash, entry);
    return entry;
}

/* A run that is not known yet, or whose bucket is an old one. Another thread may have been faster. */
static void put(struct ql_timeline *timeline, const struct ql_rows_run *run, uint32_t *entry, uint32_t *bucket) {
    if (*entry == QL_INDEX_NONE) {
        uint32_t hash = hash_of(timeline, run);
        *entry = find(timeline, run, hash);
        if (*entry == QL_INDEX_NONE) {
            *entry = add(timeline, run, hash);
        }
    }
    struct ql_seen_interval *seen = &timeline->seen[*entry];
    if (seen->bucket < timeline->first_bucket) {
        seen->bucket = bucket_of(timeline, seen->start_us);
    }
    *bucket = seen->bucket;
    if (!timeline->by_text) {
        const struct ql_time_grid_cell cell = {.entry = *entry, .bucket = *bucket};
        ql_time_grid_put(&timeline->grid, run->start_us, run->end_us, cell, timeline->n_seen);
    }
}

/* Entry and bucket of the n runs that the grid does not have (QL_INDEX_NONE), as far as they are known. Of shuffled rows each
 * run needs two places in memory that no cache holds: they are asked for ahead, for several runs together. */
enum { AHEAD = 32 };
static void find_by_hash(const struct ql_timeline *timeline, const struct ql_rows_run *runs, const uint32_t *which, size_t n,
                         uint32_t *entry, uint32_t *bucket) {
    uint32_t hash[AHEAD];
    uint32_t likely[AHEAD];
    for (size_t i = 0; i < n; i++) {
        hash[i] = hash_of(timeline, &runs[which[i]]);
        ql_index_prefetch(&timeline->index, hash[i]);
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = hash[i];
        likely[i] = ql_index_next(&timeline->index, hash[i], &at);
        if (likely[i] != QL_INDEX_NONE) {
            __builtin_prefetch(&timeline->seen[likely[i]]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct ql_rows_run *run = &runs[which[i]];
        uint32_t here = likely[i];
        if (here != QL_INDEX_NONE && !is_entry(timeline, here, run)) {
            here = find(timeline, run, hash[i]);
        }
        entry[which[i]] = here;
        bucket[which[i]] = here != QL_INDEX_NONE ? timeline->seen[here].bucket : 0;
    }
}

/* Entry and bucket of n runs, as far as they are known; whether all are. */
static bool find_all(const struct ql_timeline *timeline, const struct ql_rows_run *runs, size_t n, uint32_t *entry,
                     uint32_t *bucket) {
    const struct ql_time_grid grid = timeline->grid;
    bool has_all = true;
    for (size_t begin = 0; begin < n; begin += AHEAD) {
        size_t end = n - begin < AHEAD ? n : begin + AHEAD;
        uint32_t others[AHEAD];
        size_t n_others = 0;
        for (size_t r = begin; r < end; r++) {
            const struct ql_time_grid_cell cell = ql_time_grid_get(&grid, runs[r].start_us, runs[r].end_us);
            entry[r] = cell.entry;
            bucket[r] = cell.bucket;
            others[n_others] = (uint32_t)r;
            n_others += cell.entry == QL_TIME_GRID_NONE;
        }
        find_by_hash(timeline, runs, others, n_others, entry, bucket);
        for (size_t r = begin; r < end; r++) {
            has_all = has_all && entry[r] != QL_INDEX_NONE && bucket[r] >= timeline->first_bucket;
        }
    }
    return has_all;
}

void ql_timeline_look_up(struct ql_timeline *timeline, const struct ql_rows_run *runs, size_t n, uint32_t *entry,
                         uint32_t *bucket) {
    (void)pthread_rwlock_rdlock(&timeline->lock);
    bool has_all = find_all(timeline, runs, n, entry, bucket);
    (void)pthread_rwlock_unlock(&timeline->lock);
    if (!has_all) {
        (void)pthread_rwlock_wrlock(&timeline->lock);
        for (size_t r = 0; r < n; r++) {
            if (entry[r] == QL_INDEX_NONE || bucket[r] < timeline->first_bucket) {
                put(timeline, &runs[r], &entry[r], &bucket[r]);
            }
        }
        (void)pthread_rwlock_unlock(&timeline->lock);
    }
}

void ql_timeline_refine(struct ql_timeline *timeline, int64_t a_us, int64_t b_us) {
    int level = 63 - __builtin_clzll((uint64_t)a_us ^ (uint64_t)b_us); /* the highest bit in which they differ */
    (void)pthread_rwlock_wrlock(&timeline->lock);
    if (level < timeline->level) {
        timeline->level = level;
        timeline->first_bucket = timeline->n_buckets;
        ql_index_fini(&timeline->bucket_index);
    }
    (void)pthread_rwlock_unlock(&timeline->lock);
}

struct ql_spelt_interval ql_timeline_get(const struct ql_timeline *timeline, size_t i) {
    return (struct ql_spelt_interval){.interval = timeline->intervals[i],
                                      .text = timeline->by_text ? timeline->texts[i] : (struct ql_str){0}};
}

int ql_interval_cmp_time(const void *a, const void *b) {
    const struct ql_interval *x = a;
    const struct ql_interval *y = b;
    int order = (x->start_us > y->start_us) - (x->start_us < y->start_us);
    return order != 0 ? order : (x->end_us > y->end_us) - (x->end_us < y->end_us);
}

int ql_interval_cmp_text(const void *a, const void *b) {
    int order = ql_str_cmp(((const struct ql_spelt_interval *)a)->text, ((const struct ql_spelt_interval *)b)->text);
    return order != 0 ? order : ql_interval_cmp_time(a, b);
}

int ql_timeline_cmp(const struct ql_timeline *timeline, const struct ql_spelt_interval *a, const struct ql_spelt_interval *b) {
    return timeline->by_text ? ql_interval_cmp_text(a, b) : ql_interval_cmp_time(a, b);
}

static int cmp_starts(const void *a, const void *b, void *ctx) {
    const struct ql_timeline *timeline = ctx;
    int64_t x = timeline->seen[*(const uint32_t *)a].start_us;
    int64_t y = timeline->seen[*(const uint32_t *)b].start_us;
    return (x > y) - (x < y);
}

/* An entry with its end. */
static struct ql_spelt_interval spell(const struct ql_timeline *timeline, uint32_t entry) {
    const struct ql_seen_interval *seen = &timeline->seen[entry];
    struct ql_spelt_interval spelt = {
        .interval = {.start_us = seen->start_us, .end_us = ql_timeline_end_of(timeline, seen->start_us, seen->end_us)}};
    spelt.text = timeline->by_text ? timeline->seen_texts[entry] : (struct ql_str){0};
    return spelt;
}

static int cmp_entries(const void *a, const void *b, void *ctx) {
    const struct ql_timeline *timeline = ctx;
    struct ql_spelt_interval x = spell(timeline, *(const uint32_t *)a);
    struct ql_spelt_interval y = spell(timeline, *(const uint32_t *)b);
    return ql_timeline_cmp(timeline, &x, &y);
}

/* Most inputs are in order. */
static void sort_entries(struct ql_timeline *timeline, uint32_t *order, size_t n,
                         int (*cmp)(const void *, const void *, void *)) {
    for (size_t i = 1; i < n; i++) {
        if (cmp(&order[i - 1], &order[i], timeline) > 0) {
            qsort_r(order, n, sizeof *order, cmp, timeline);
            return;
        }
    }
}

/* The smallest step between two distinct starts; 0 if there is one start only. order is sorted by start. */
static int64_t smallest_step(const struct ql_timeline *timeline, const uint32_t *order, size_t n) {
    int64_t step = 0;
    for (size_t i = 1; i < n; i++) {
        int64_t here = timeline->seen[order[i]].start_us - timeline->seen[order[i - 1]].start_us;
        step = here != 0 && (step == 0 || here < step) ? here : step;
    }
    return step;
}

/* The distinct intervals become timeline->intervals, and every entry of order gets its index. order is sorted. */
static void number_intervals(struct ql_timeline *timeline, const uint32_t *order, size_t n) {
    timeline->intervals = ql_mem_alloc(n * sizeof *timeline->intervals);
    timeline->texts = timeline->by_text ? ql_mem_alloc(n * sizeof *timeline->texts) : NULL;
    struct ql_spelt_interval before = {0};
    for (size_t i = 0; i < n; i++) {
        struct ql_spelt_interval here = spell(timeline, order[i]);
        if (i == 0 || ql_timeline_cmp(timeline, &before, &here) != 0) {
            timeline->intervals[timeline->n_intervals] = here.interval;
            if (timeline->by_text) {
                timeline->texts[timeline->n_intervals] = here.text;
            }
            timeline->n_intervals++;
            before = here;
        }
        timeline->index_of[order[i]] = (uint32_t)timeline->n_intervals - 1;
    }
}

static enum ql_status build(struct ql_timeline *timeline, uint32_t *order, size_t n, const struct ql_pivot_options *options,
                            struct ql_err *err) {
    sort_entries(timeline, order, n, cmp_starts);
    timeline->step_us = options->granularity_us != 0 ? options->granularity_us : smallest_step(timeline, order, n);
    for (size_t i = 0; i < n && timeline->step_us == 0; i++) {
        if (timeline->seen[order[i]].end_us == QL_TIME_NONE) {
            char start[QL_TIME_TEXT_SIZE];
            (void)ql_time_format(timeline->seen[order[i]].start_us, start);
            (void)QL_FAIL(err, QL_E_DATA, "the end of interval '%s' is unknown: every row starts there and none gives the end",
                          start);
            ql_err_hint(err, "say how long an interval is, for example --granularity 30m");
            return QL_E_DATA;
        }
    }
    sort_entries(timeline, order, n, cmp_entries);
    number_intervals(timeline, order, n);
    if ((int64_t)timeline->n_intervals > QL_TIMELINE_MAX) {
        (void)QL_FAIL(err, QL_E_LIMIT, "%zu intervals in one artefact; %lld are the limit", timeline->n_intervals,
                      (long long)QL_TIMELINE_MAX);
        ql_err_hint(err, "split the range into several runs");
        return QL_E_LIMIT;
    }
    return QL_OK;
}

enum ql_status ql_timeline_build(struct ql_timeline *timeline, const uint32_t *n_rows, const struct ql_pivot_options *options,
                                 struct ql_err *err) {
    ql_index_fini(&timeline->index);
    ql_index_fini(&timeline->bucket_index);
    ql_time_grid_fini(&timeline->grid);
    timeline->index_of = ql_mem_alloc(timeline->n_seen * sizeof *timeline->index_of);
    uint32_t *order = ql_mem_alloc(timeline->n_seen * sizeof *order);
    size_t n = 0;
    for (uint32_t i = 0; i < timeline->n_seen; i++) {
        timeline->index_of[i] = QL_TIMELINE_NONE;
        if (n_rows[i] != 0) {
            order[n++] = i;
        }
    }
    enum ql_status status = build(timeline, order, n, options, err);
    ql_mem_free(order);
    ql_mem_free(timeline->seen);
    timeline->seen = NULL;
    QL_TRY(status);
    return options->fills_gaps ? ql_timeline_fill_gaps(timeline, options, err) : QL_OK;
}
