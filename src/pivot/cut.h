/** Buckets of tuples cut into parts of whole intervals, in the order of the intervals. */
#ifndef QL_PIVOT_CUT_H
#define QL_PIVOT_CUT_H

#include "pivot/timeline.h"
#include "pivot/tuples.h"

/** Ordinals of intervals, both included. */
struct ql_ordinals {
    uint32_t first, last;
};

/**
 * Moves the tuples of buckets (one at least; they are freed, and NULL afterwards), all of these intervals, into parts of about
 * QL_GROUP_ROWS rows. The array and its buckets are the caller's. Different buckets may be cut at the same time.
 */
struct ql_bucket **ql_buckets_cut(const struct ql_timeline *timeline, struct ql_bucket **buckets, size_t n_buckets,
                                  const struct ql_ordinals *ordinals, size_t *n_parts);

#endif
