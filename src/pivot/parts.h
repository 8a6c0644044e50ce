/** The grid cut into parts, and which rows of which bucket are of which part. */
#ifndef QL_PIVOT_PARTS_H
#define QL_PIVOT_PARTS_H

#include "pivot/buckets.h"
#include "pivot/timeline.h"
#include "table/cells.h"

#include <pthread.h>

/* Rows of a part: what a core's cache holds of them and their cells (8 bytes a cell and column). */
enum { QL_PART_ROWS_MAX = 32768 };
/* Intervals x queues of a part: a bound for what a layout needs of it. */
enum { QL_PART_GRID_MAX = 512 * 1024 };

/** A bucket after close: several parts may need it, but only the first that does reads and divides it. */
struct ql_source {
    struct ql_bucket *bucket;
    uint32_t first_part, last_part;
    uint32_t n_parts_left; /* that have not taken theirs */
    pthread_mutex_t lock;
    bool is_divided;
    struct ql_slices divided;
    uint32_t *part_of; /* [divided.n] */
    size_t cap_part_of;
};

struct ql_parts {
    struct ql_part *parts;
    size_t n_parts;
    uint32_t *part_of; /* by index of the interval */
    struct ql_source *sources;
    size_t n_sources;
    /* Part p takes from sources[source_of[i]], i from begin[p] to begin[p + 1] - 1. */
    uint32_t *source_of;
    size_t *begin;
};

void ql_parts_fini(struct ql_parts *parts);
/** Cuts the timeline's intervals. n_rows: by entry. It depends on the data alone. */
void ql_parts_cut(struct ql_parts *parts, const struct ql_timeline *timeline, const uint32_t *n_rows, size_t n_queues);
/**
 * Which buckets a part takes from. Where the order of intervals is not that of time, the rows are first sorted into other
 * buckets, in no more than the store's memory. Errors: the file's.
 */
QL_MUST_CHECK enum ql_status ql_parts_find_sources(struct ql_parts *parts, const struct ql_timeline *timeline,
                                                   struct ql_tuple_store *store, struct ql_spill *spill, struct ql_err *err);
/** Adds the part's slices, each of intervals of the part only. Several threads may take at once. Errors: the file's. */
QL_MUST_CHECK enum ql_status ql_parts_take(struct ql_parts *parts, size_t part, const struct ql_timeline *timeline,
                                           const struct ql_spill *spill, struct ql_slices *slices, struct ql_err *err);

#endif
