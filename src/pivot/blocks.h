/**
 * Memory that slices of tuples point into, freed with the last of them.
 *
 * Blocks of rows that wait for close are cut from slabs, which go back to the system one by one while parts are made; in the
 * heaps of the threads that read they would stay until the process ends.
 */
#ifndef QL_PIVOT_BLOCKS_H
#define QL_PIVOT_BLOCKS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct ql_slab;

struct ql_block {
    atomic_uint_least32_t n_slices;
    struct ql_slab *slab; /* NULL: of the heap */
    uint64_t serial;      /* order of arrival */
    size_t size;          /* of data */
    _Alignas(16) unsigned char data[];
};

/** Where a thread cuts its blocks from. Zero-initialise to start. */
struct ql_slabs {
    struct ql_slab *open;
    size_t used, n_slabs;
};
void ql_slabs_fini(struct ql_slabs *slabs);

/** slabs NULL: of the heap. The block is in no slice yet. */
struct ql_block *ql_block_new(struct ql_slabs *slabs, size_t size);
/** Of a block that is in no slice. */
void ql_block_free(struct ql_block *block);
static inline void ql_block_hold(struct ql_block *block) {
    (void)atomic_fetch_add_explicit(&block->n_slices, 1, memory_order_relaxed);
}
/** One slice less. */
void ql_block_release(struct ql_block *block);

#endif
