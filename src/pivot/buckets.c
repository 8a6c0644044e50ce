/*
 * Buckets and what is spilled of them: see buckets.h.
 *
 * Blocks leave memory in the order in which they came. Of an input in order of time that moves the early buckets as a whole and
 * keeps the last ones; of a shuffled one every bucket gives up its oldest rows, which the file then holds in one piece for each
 * bucket. Since a bucket's slices are in order of arrival, too, those of the oldest blocks are always its first ones.
 */
#include "pivot/buckets.h"

#include "base/mem.h"

#include <string.h>

void ql_slices_push(struct ql_slices *slices, struct ql_slice slice) {
    QL_MEM_GROW(slices->items, slices->cap, slices->n + 1);
    slices->items[slices->n++] = slice;
    ql_block_hold(slice.tuples->block);
}

static void release_first(struct ql_slices *slices, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ql_block_release(slices->items[i].tuples->block);
    }
    slices->n -= n;
    if (slices->n != 0) {
        memmove(slices->items, slices->items + n, slices->n * sizeof *slices->items);
    }
}

void ql_slices_release(struct ql_slices *slices) {
    release_first(slices, slices->n);
}

void ql_slices_fini(struct ql_slices *slices) {
    ql_slices_release(slices);
    ql_mem_free(slices->items);
    *slices = (struct ql_slices){0};
}

void ql_tuple_store_fini(struct ql_tuple_store *store) {
    for (size_t b = 0; b < store->n_buckets; b++) {
        ql_slices_fini(&store->buckets[b].slices);
        ql_mem_free(store->buckets[b].extents);
    }
    ql_mem_free(store->buckets);
    ql_mem_free(store->blocks);
    *store = (struct ql_tuple_store){.max_memory = store->max_memory};
}

void ql_tuple_store_add(struct ql_tuple_store *store, struct ql_block *block) {
    QL_MEM_GROW(store->blocks, store->cap_blocks, store->n_blocks + 1); /* NOLINT(bugprone-sizeof-expression) */
    store->blocks[store->n_blocks++] = block;
    block->serial = store->next_serial++;
    store->memory += sizeof *block + block->size;
}

struct ql_bucket *ql_tuple_store_put(struct ql_tuple_store *store, size_t bucket, struct ql_slice slice, int64_t min_start_us,
                                     int64_t max_start_us) {
    if (bucket >= store->n_buckets) {
        QL_MEM_GROW(store->buckets, store->cap_buckets, bucket + 1);
        memset(store->buckets + store->n_buckets, 0, (bucket + 1 - store->n_buckets) * sizeof *store->buckets);
        store->n_buckets = bucket + 1;
    }
    struct ql_bucket *to = &store->buckets[bucket];
    to->min_start_us = to->n_rows == 0 || min_start_us < to->min_start_us ? min_start_us : to->min_start_us;
    to->max_start_us = to->n_rows == 0 || max_start_us > to->max_start_us ? max_start_us : to->max_start_us;
    to->n_rows += slice.n_rows;
    ql_slices_push(&to->slices, slice);
    store->memory += sizeof slice;
    return to;
}

/* Writes n slices as tuples of their own. */
static enum ql_status write_slices(const struct ql_slice *slices, size_t n, struct ql_spill *spill, struct ql_err *err) {
    if (n == 1 && slices[0].n_rows == slices[0].tuples->n_rows) {
        return ql_spill_write(spill, slices[0].tuples, slices[0].tuples->size, err);
    }
    struct ql_tuples *joined = ql_slices_join(slices, n);
    enum ql_status status = ql_spill_write(spill, joined, joined->size, err);
    ql_block_free(joined->block);
    return status;
}

/* The slices of blocks before `serial`, as one extent. */
static enum ql_status spill_bucket(struct ql_tuple_store *store, struct ql_bucket *bucket, uint64_t serial,
                                   struct ql_spill *spill, struct ql_err *err) {
    struct ql_slices *slices = &bucket->slices;
    size_t n = 0;
    int64_t offset = spill->size;
    while (n < slices->n && slices->items[n].tuples->block->serial < serial) {
        size_t n_joined = ql_slices_count_small(&slices->items[n], slices->n - n, serial);
        QL_TRY(write_slices(&slices->items[n], n_joined, spill, err));
        n += n_joined;
    }
    if (n != 0) {
        QL_MEM_GROW(bucket->extents, bucket->cap_extents, bucket->n_extents + 1);
        bucket->extents[bucket->n_extents++] = (struct ql_extent){.offset = offset, .size = (size_t)(spill->size - offset)};
        release_first(slices, n);
        store->memory -= n * sizeof *slices->items;
    }
    return QL_OK;
}

enum ql_status ql_tuple_store_spill(struct ql_tuple_store *store, size_t max_bytes, struct ql_spill *spill,
                                    struct ql_err *err) {
    size_t n = 0;    /* blocks that go */
    size_t size = 0; /* of these */
    for (; n < store->n_blocks && store->memory - size > max_bytes; n++) {
        size += sizeof *store->blocks[n] + store->blocks[n]->size;
    }
    if (n == 0) {
        return QL_OK;
    }
    uint64_t serial = store->blocks[n - 1]->serial + 1;
    for (size_t b = 0; b < store->n_buckets; b++) {
        QL_TRY(spill_bucket(store, &store->buckets[b], serial, spill, err));
    }
    store->memory -= size;
    store->n_blocks -= n;
    memmove(store->blocks, store->blocks + n, store->n_blocks * sizeof(struct ql_block *));
    return QL_OK;
}

static enum ql_status read_extent(const struct ql_extent *extent, const struct ql_spill *spill, struct ql_slices *slices,
                                  struct ql_err *err) {
    struct ql_block *block = ql_block_new(NULL, extent->size);
    enum ql_status status = ql_spill_read(spill, extent->offset, block->data, extent->size, err);
    if (status != QL_OK) {
        ql_block_free(block);
        return status;
    }
    for (size_t at = 0; at < extent->size;) {
        struct ql_tuples *tuples = (struct ql_tuples *)(void *)(block->data + at);
        ql_tuples_moved(tuples, block);
        ql_slices_push(slices, ql_tuples_all(tuples));
        at += tuples->size;
    }
    return QL_OK;
}

enum ql_status ql_bucket_take_slices(struct ql_bucket *bucket, const struct ql_spill *spill, struct ql_slices *slices,
                                     struct ql_err *err) {
    struct ql_slices taken = {0};
    enum ql_status status = QL_OK;
    for (size_t e = 0; e < bucket->n_extents && status == QL_OK; e++) {
        status = read_extent(&bucket->extents[e], spill, &taken, err);
    }
    for (size_t s = 0; s < bucket->slices.n && status == QL_OK; s++) {
        ql_slices_push(&taken, bucket->slices.items[s]);
    }
    if (status != QL_OK) {
        ql_slices_fini(&taken);
        return status;
    }
    ql_slices_fini(&bucket->slices);
    ql_mem_free(bucket->extents);
    bucket->extents = NULL;
    bucket->n_extents = bucket->cap_extents = 0;
    *slices = taken;
    return QL_OK;
}
