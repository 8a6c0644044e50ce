/** Batches of rows -> packed batches: narrow tuples, sorted by bucket, and what they tell of queues. */
#ifndef QL_PIVOT_PACK_H
#define QL_PIVOT_PACK_H

#include "pivot/pivot.h"
#include "pivot/queues.h"
#include "pivot/tuples.h"

/** The rows of a packed batch that go into one bucket. */
struct ql_packed_slice {
    uint32_t bucket;
    struct ql_slice slice;
    int64_t min_start_us, max_start_us;
};

/** A label that the batch mentions. */
struct ql_mention {
    uint32_t label;
    struct ql_label_use use;
};

struct ql_packed_rows {
    struct ql_tuples *tuples; /* its block is the packed batch's, and not in any slice yet; NULL: no rows */
    struct ql_packed_slice *slices;
    size_t n_slices;
    struct ql_mention *mentions;
    size_t n_mentions;
    bool has_queue_id;
};
/** block: the tuples' too, where nothing has taken them. */
void ql_packed_rows_free(struct ql_packed_rows *packed, bool with_block);

/** What a lane keeps from batch to batch. Only ever used by one thread at a time. */
struct ql_lane;
void ql_lane_free(struct ql_lane *lane);

#endif
