/**
 * The intervals that rows mention: told apart while rows arrive, then given their ends, their order and the gaps between them.
 */
#ifndef QL_PIVOT_TIMELINE_H
#define QL_PIVOT_TIMELINE_H

#include "base/mem.h"
#include "base/time.h"
#include "pivot/index.h"
#include "pivot/pivot.h"

/* More intervals than this in one artefact are a mistake in a setting (5 years of seconds are 158 million, of minutes 2.6
 * million). */
#define QL_TIMELINE_MAX INT64_C(50000000)

/** As a row spells it. Several may turn out to be one interval: one row gives an end, another leaves the same end to be
 * derived. */
struct ql_seen_interval {
    int64_t start_us, end_us; /* QL_TIME_NONE: not given */
    struct ql_str text;       /* in the arena, if told apart by text */
    uint32_t n_rows;
    uint32_t bucket;  /* the owner's: where the rows went */
    uint32_t ordinal; /* after build: among the distinct intervals that rows mention, in order */
};

struct ql_timeline {
    bool by_text;
    struct ql_seen_interval *seen;
    size_t n_seen, cap_seen;
    struct ql_index index;
    struct ql_arena *arena; /* of the texts; borrowed */
    uint32_t last;          /* entry of the last row */

    /* After build: */
    int64_t step_us; /* granularity, else the smallest step between two starts; 0: unknown */
    size_t n_ordinals;
    uint32_t *rows_of;  /* [n_ordinals] */
    uint32_t *final_of; /* [n_ordinals] index into intervals */
    struct ql_interval *intervals;
    size_t n_intervals;
    int64_t n_filled;
};

void ql_timeline_fini(struct ql_timeline *timeline);
/** The entry of a row's interval, a new one if it was not seen before (*is_new). text is looked at only if by_text. */
uint32_t ql_timeline_put(struct ql_timeline *timeline, int64_t start_us, int64_t end_us, struct ql_str text, bool *is_new);
/** The end of a row's interval, after build. */
static inline int64_t ql_timeline_end_of(const struct ql_timeline *timeline, int64_t start_us, int64_t end_us) {
    return end_us != QL_TIME_NONE ? end_us : start_us + timeline->step_us;
}
/**
 * Ends, order, gaps. The arrays are the timeline's.
 * Errors: E_DATA (an end that cannot be derived, gaps that cannot be filled), E_LIMIT.
 */
QL_MUST_CHECK enum ql_status ql_timeline_build(struct ql_timeline *timeline, const struct ql_pivot_options *options,
                                               struct ql_err *err);

/** Fills timeline->intervals and final_of from the sorted distinct intervals: as they are, or with the gaps (gaps.c). */
QL_MUST_CHECK enum ql_status ql_timeline_fill_gaps(struct ql_timeline *timeline, const struct ql_pivot_options *options,
                                                   struct ql_err *err);
/** Intervals in the contract's order: by start, then end; by_text: by the bytes of the text first. For qsort. */
int ql_interval_cmp_time(const void *a, const void *b);
int ql_interval_cmp_text(const void *a, const void *b);

#endif
