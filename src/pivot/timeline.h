/**
 * The intervals that rows mention: told apart while rows are packed, then given their ends, their order and the gaps between
 * them. While packing goes on, intervals are also mapped to buckets: spans of time of 2^level microseconds.
 */
#ifndef QL_PIVOT_TIMELINE_H
#define QL_PIVOT_TIMELINE_H

#include "base/mem.h"
#include "base/time.h"
#include "pivot/index.h"
#include "pivot/pivot.h"
#include "pivot/time_grid.h"

#include <pthread.h>

/* More intervals than this in one artefact are a mistake in a setting (5 years of seconds are 158 million, of minutes 2.6
 * million). */
#define QL_TIMELINE_MAX INT64_C(50000000)
#define QL_TIMELINE_NONE UINT32_MAX

/* About what is kept of an interval while rows are packed: its entry, its places in index and grid, its number of rows. */
enum { QL_TIMELINE_ENTRY_BYTES = 64 };

/** As a row spells it. Several may turn out to be one interval: one row gives an end, another leaves the same end to be
 * derived. */
struct ql_seen_interval {
    int64_t start_us, end_us; /* end: QL_TIME_NONE where it is not given */
    uint32_t bucket;          /* where its rows go; an old one below first_bucket */
};

struct ql_timeline {
    bool by_text;
    struct ql_seen_interval *seen; /* until build */
    struct ql_str *seen_texts;     /* [n_seen] in the arena, if told apart by text; else NULL */
    size_t n_seen, cap_seen, cap_seen_texts;
    struct ql_index index;
    struct ql_time_grid grid; /* most of them once more, unless they are told apart by text */
    struct ql_arena arena;    /* of texts */
    pthread_rwlock_t lock;    /* of all above, and of the buckets, as long as rows are packed */

    /* Buckets: numbers that are never used again. With another level new buckets begin. */
    int level;
    int64_t *period; /* [n_buckets] start >> level */
    size_t cap_period;
    uint32_t n_buckets, first_bucket; /* of the present level */
    struct ql_index bucket_index;     /* of those, by period */

    /* After build: */
    uint32_t *index_of; /* [n_seen] into intervals; QL_TIMELINE_NONE: no row that was taken mentions it */
    int64_t step_us;    /* granularity, else the smallest step between two starts; 0: unknown */
    struct ql_interval *intervals;
    struct ql_str *texts; /* if told apart by text, else NULL */
    size_t n_intervals;
    int64_t n_filled;
};

void ql_timeline_init(struct ql_timeline *timeline, bool by_text);
void ql_timeline_fini(struct ql_timeline *timeline);
/** Entry and bucket of each of n runs. Several threads may look up at once. */
void ql_timeline_look_up(struct ql_timeline *timeline, const struct ql_rows_run *runs, size_t n, uint32_t *entry,
                         uint32_t *bucket);
/** Finer buckets from now on: such that these two starts, which are not equal, are of different ones. */
void ql_timeline_refine(struct ql_timeline *timeline, int64_t a_us, int64_t b_us);

/** The end of a row's interval, after build. */
static inline int64_t ql_timeline_end_of(const struct ql_timeline *timeline, int64_t start_us, int64_t end_us) {
    return end_us != QL_TIME_NONE ? end_us : start_us + timeline->step_us;
}
/**
 * Ends, order, gaps of the intervals that have rows (n_rows[entry]). The arrays are the timeline's.
 * Errors: E_DATA (an end that cannot be derived, gaps that cannot be filled), E_LIMIT.
 */
QL_MUST_CHECK enum ql_status ql_timeline_build(struct ql_timeline *timeline, const uint32_t *n_rows,
                                               const struct ql_pivot_options *options, struct ql_err *err);

/** Merges the intervals that no row mentions into timeline->intervals, which are distinct and in order (gaps.c). */
QL_MUST_CHECK enum ql_status ql_timeline_fill_gaps(struct ql_timeline *timeline, const struct ql_pivot_options *options,
                                                   struct ql_err *err);

/** An interval with its text ({0} unless told apart by it), as the contract orders them: by start, then end; or by the bytes of
 * the text first. */
struct ql_spelt_interval {
    struct ql_interval interval;
    struct ql_str text;
};
struct ql_spelt_interval ql_timeline_get(const struct ql_timeline *timeline, size_t i);
int ql_interval_cmp_time(const void *a, const void *b); /* of struct ql_interval, or what begins with one; for qsort */
int ql_interval_cmp_text(const void *a, const void *b); /* of struct ql_spelt_interval */
int ql_timeline_cmp(const struct ql_timeline *timeline, const struct ql_spelt_interval *a, const struct ql_spelt_interval *b);

#endif
