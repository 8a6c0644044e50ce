/**
 * Rows that wait for close: slices of tuples in buckets of time, the oldest of them in the temporary file once they exceed the
 * memory limit. Nothing is copied on the way into a bucket; only the file gathers what belongs together.
 */
#ifndef QL_PIVOT_BUCKETS_H
#define QL_PIVOT_BUCKETS_H

#include "pivot/spill.h"
#include "pivot/tuples.h"

/** Slices that are owned: each holds its block. Zero-initialise to start. */
struct ql_slices {
    struct ql_slice *items;
    size_t n, cap;
};
void ql_slices_push(struct ql_slices *slices, struct ql_slice slice);
/** Gives up the slices, keeps the memory of the list. */
void ql_slices_release(struct ql_slices *slices);
void ql_slices_fini(struct ql_slices *slices);

/** A piece of the temporary file: tuples, one behind the other. */
struct ql_extent {
    int64_t offset;
    size_t size;
};

struct ql_bucket {
    struct ql_slices slices; /* in memory, in order of arrival */
    struct ql_extent *extents;
    size_t n_extents, cap_extents;
    uint64_t n_rows;
    int64_t min_start_us, max_start_us; /* of its intervals */
};

struct ql_tuple_store {
    struct ql_bucket *buckets;
    size_t n_buckets, cap_buckets;
    struct ql_block **blocks; /* in memory, in order of arrival; held by their slices */
    size_t n_blocks, cap_blocks;
    uint64_t next_serial;
    size_t memory, max_memory; /* bytes */
};

void ql_tuple_store_fini(struct ql_tuple_store *store);
/** A block whose slices are put next. */
void ql_tuple_store_add(struct ql_tuple_store *store, struct ql_block *block);
/** Returns the bucket, which is valid until the next put. */
struct ql_bucket *ql_tuple_store_put(struct ql_tuple_store *store, size_t bucket, struct ql_slice slice, int64_t min_start_us,
                                     int64_t max_start_us);
/** Moves blocks to the file, the oldest first, until no more than max_bytes are in memory. Errors: the file's. */
QL_MUST_CHECK enum ql_status ql_tuple_store_spill(struct ql_tuple_store *store, size_t max_bytes, struct ql_spill *spill,
                                                  struct ql_err *err);
/** Moves all slices of a bucket out, after reading those of the file, which is flushed. Errors: the file's; the bucket is as it
 * was then. */
QL_MUST_CHECK enum ql_status ql_bucket_take_slices(struct ql_bucket *bucket, const struct ql_spill *spill,
                                                   struct ql_slices *slices, struct ql_err *err);

#endif
