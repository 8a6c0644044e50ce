/*
 * Finishing: buckets of tuples -> sorted groups -> cells, in order of time, each bucket's memory freed as soon as it is read.
 *
 * Small buckets are taken together and large ones are cut at interval boundaries, so that a group fits the cache. Where the
 * order of intervals is not that of time (by their text), all tuples are cut anew along the order of the intervals. Groups are
 * independent of each other but for one number, where a group's cells begin, which is known as soon as the groups before it
 * are sorted: so threads take them in turn, and nothing of the result depends on how many threads there are.
 */
#include "base/parallel.h"
#include "pivot/cut.h"
#include "pivot/group_cells.h"
#include "pivot/pivot_internal.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

/* A bucket and the ordinals of its intervals; after cutting, its parts. */
struct source {
    struct ql_bucket *bucket;
    struct ql_ordinals ordinals;
    struct ql_bucket **parts; /* NULL: not cut */
    size_t n_parts;
};

struct finish {
    const struct ql_pivot *pivot;
    struct ql_cells *cells;
    struct ql_group_writer writer[QL_PARALLEL_MAX_THREADS]; /* by worker */
    struct source *sources;
    size_t n_sources;
    /* Of these, group g is [group[g], group[g + 1]). Freed and NULL when written. */
    struct ql_bucket **buckets;
    size_t *group;
    size_t n_groups;

    pthread_mutex_t lock;
    pthread_cond_t placed;
    size_t n_placed; /* groups whose place is known */
    size_t n_cells;  /* of these; so where the next group begins */
    bool has_failed;
};

/* Where a group's cells begin; false if that does not matter any more, because a group before it failed. Groups are begun in
 * order, so those before it are in the hands of other threads, and tell their size before anything of theirs can fail; but
 * after a failure one may have been left out. */
static bool place_group(struct finish *finish, size_t group, size_t n_cells, size_t *base) {
    (void)pthread_mutex_lock(&finish->lock);
    while (finish->n_placed != group && !finish->has_failed) {
        (void)pthread_cond_wait(&finish->placed, &finish->lock);
    }
    bool is_placed = finish->n_placed == group;
    *base = finish->n_cells;
    finish->n_placed += is_placed;
    finish->n_cells += is_placed ? n_cells : 0;
    (void)pthread_cond_broadcast(&finish->placed);
    (void)pthread_mutex_unlock(&finish->lock);
    return is_placed;
}

static void note_failure(struct finish *finish) {
    (void)pthread_mutex_lock(&finish->lock);
    finish->has_failed = true;
    (void)pthread_cond_broadcast(&finish->placed);
    (void)pthread_mutex_unlock(&finish->lock);
}

/* Sorts a group's tuples, writes their cells, and frees the buckets. */
static enum ql_status write_group(void *ctx, size_t worker, size_t group, struct ql_err *err) {
    struct finish *finish = ctx;
    struct ql_group_writer *writer = &finish->writer[worker];
    struct ql_bucket **buckets = finish->buckets + finish->group[group];
    size_t n_buckets = finish->group[group + 1] - finish->group[group];
    ql_group_load(&writer->group, buckets, n_buckets, &finish->pivot->timeline, &finish->pivot->queues);
    size_t base;
    if (!place_group(finish, group, writer->group.n_cells, &base)) {
        return QL_OK;
    }
    enum ql_status status = ql_group_write_cells(writer, base, err);
    if (status != QL_OK) {
        note_failure(finish);
    }
    for (size_t b = 0; b < n_buckets; b++) {
        ql_bucket_free(buckets[b]);
        buckets[b] = NULL;
    }
    return status;
}

static int cmp_period(const void *a, const void *b) {
    int64_t x = ((const struct source *)a)->bucket->period;
    int64_t y = ((const struct source *)b)->bucket->period;
    return (x > y) - (x < y);
}

/* The buckets in order of time, which leave the pivot; false if their intervals are in another order. */
static bool order_buckets(struct finish *finish, struct ql_pivot *pivot) {
    finish->n_sources = pivot->n_buckets;
    finish->sources = ql_mem_alloc(pivot->n_buckets * sizeof *finish->sources);
    for (size_t b = 0; b < pivot->n_buckets; b++) {
        finish->sources[b] = (struct source){.bucket = pivot->buckets[b], .ordinals.first = UINT32_MAX};
    }
    pivot->n_buckets = 0;
    for (size_t i = 0; i < pivot->timeline.n_seen; i++) {
        const struct ql_seen_interval *seen = &pivot->timeline.seen[i];
        struct ql_ordinals *ordinals = &finish->sources[seen->bucket].ordinals;
        ordinals->first = seen->ordinal < ordinals->first ? seen->ordinal : ordinals->first;
        ordinals->last = seen->ordinal > ordinals->last ? seen->ordinal : ordinals->last;
    }
    qsort(finish->sources, finish->n_sources, sizeof *finish->sources, cmp_period);
    bool is_in_order = true;
    for (size_t b = 1; b < finish->n_sources; b++) {
        is_in_order = is_in_order && finish->sources[b - 1].ordinals.last < finish->sources[b].ordinals.first;
    }
    return is_in_order;
}

/* Cuts a bucket that is too large. */
static enum ql_status cut_source(void *ctx, size_t worker, size_t task, struct ql_err *err) {
    (void)worker;
    (void)err;
    struct finish *finish = ctx;
    struct source *source = &finish->sources[task];
    bool is_large = source->bucket->n_rows > QL_GROUP_ROWS_MAX && source->ordinals.first != source->ordinals.last;
    if (is_large) {
        source->parts = ql_buckets_cut(&finish->pivot->timeline, &source->bucket, 1, &source->ordinals, &source->n_parts);
    }
    return QL_OK;
}

/* Every bucket's tuples into one source, cut along the order of the intervals. */
static void cut_all(struct finish *finish) {
    struct ql_bucket **buckets = ql_mem_alloc(finish->n_sources * sizeof(struct ql_bucket *));
    for (size_t b = 0; b < finish->n_sources; b++) {
        buckets[b] = finish->sources[b].bucket;
    }
    struct source all = {.ordinals.last = (uint32_t)finish->pivot->timeline.n_ordinals - 1};
    all.parts = ql_buckets_cut(&finish->pivot->timeline, buckets, finish->n_sources, &all.ordinals, &all.n_parts);
    finish->sources[0] = all;
    finish->n_sources = 1;
    ql_mem_free(buckets);
}

/* The sources' buckets and parts in one list, and what is taken together. */
static void plan_groups(struct finish *finish) {
    size_t n = 0;
    for (size_t s = 0; s < finish->n_sources; s++) {
        n += finish->sources[s].parts != NULL ? finish->sources[s].n_parts : 1;
    }
    finish->buckets = ql_mem_alloc(n * sizeof(struct ql_bucket *));
    finish->group = ql_mem_alloc((n + 1) * sizeof *finish->group);
    n = 0;
    for (size_t s = 0; s < finish->n_sources; s++) {
        struct source *source = &finish->sources[s];
        if (source->parts == NULL) {
            finish->buckets[n++] = source->bucket;
            continue;
        }
        for (size_t p = 0; p < source->n_parts; p++) {
            finish->buckets[n++] = source->parts[p];
        }
        ql_mem_free(source->parts);
    }
    ql_mem_free(finish->sources);
    for (size_t b = 0, end; b < n; b = end) {
        size_t n_rows = finish->buckets[b]->n_rows;
        for (end = b + 1; end < n && n_rows + finish->buckets[end]->n_rows <= QL_GROUP_ROWS; end++) {
            n_rows += finish->buckets[end]->n_rows;
        }
        finish->group[finish->n_groups++] = b;
    }
    finish->group[finish->n_groups] = n;
}

static enum ql_status write_buckets(struct ql_pivot *pivot, struct ql_cells *cells, struct ql_err *err) {
    struct finish *finish = ql_mem_zalloc(1, sizeof *finish);
    finish->pivot = pivot;
    finish->cells = cells;
    (void)pthread_mutex_init(&finish->lock, NULL);
    (void)pthread_cond_init(&finish->placed, NULL);
    for (size_t w = 0; w < QL_PARALLEL_MAX_THREADS; w++) {
        finish->writer[w].pivot = pivot;
        finish->writer[w].cells = cells;
        finish->writer[w].group.n_columns = pivot->n_used;
    }
    enum ql_status status = QL_OK;
    if (order_buckets(finish, pivot)) {
        if (pivot->stats.rows > QL_GROUP_ROWS_MAX) {
            status = ql_parallel_run(pivot->options.n_threads, finish->n_sources, cut_source, finish, err);
        }
    } else {
        cut_all(finish);
    }
    plan_groups(finish);
    if (status == QL_OK) {
        status = ql_parallel_run(pivot->options.n_threads, finish->n_groups, write_group, finish, err);
    }
    for (size_t b = 0; b < finish->group[finish->n_groups]; b++) {
        ql_bucket_free(finish->buckets[b]); /* those behind a failure */
    }
    for (size_t w = 0; w < QL_PARALLEL_MAX_THREADS; w++) {
        ql_group_writer_fini(&finish->writer[w]);
    }
    cells->n_cells = finish->n_cells;
    (void)pthread_cond_destroy(&finish->placed);
    (void)pthread_mutex_destroy(&finish->lock);
    ql_mem_free(finish->buckets);
    ql_mem_free(finish->group);
    ql_mem_free(finish);
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
    enum ql_status status = write_buckets(pivot, cells, err);
    trim_cells(cells);
    pivot->stats.duplicates_merged = (int64_t)(n_rows - cells->n_cells);
    pivot->stats.intervals_filled = timeline->n_filled;
    pivot->stats.ids_merged_by_name = pivot->queues.n_ids_merged;
    pivot->stats.ids_renamed = pivot->queues.n_ids_renamed;
    return status;
}
