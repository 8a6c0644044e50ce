#include "pivot/blocks.h"

#include "base/mem.h"

#include <stdbool.h>
#include <sys/mman.h>

/* A slab is a huge page: fresh memory costs a tenth of what 512 small pages do. So that it can be aligned, twice as much is
 * mapped; what is never touched costs nothing. */
enum { SLAB_BYTES = 2 * 1024 * 1024, SLAB_BLOCK_MAX = SLAB_BYTES / 4 };

/* At the beginning of its own memory. */
struct ql_slab {
    atomic_uint_least32_t n_users; /* blocks, and who cuts them */
    void *mapping;                 /* of 2 * SLAB_BYTES */
    _Alignas(16) unsigned char data[];
};

static struct ql_slab *slab_new(bool is_huge) {
    unsigned char *mapping = ql_mem_map(2 * (size_t)SLAB_BYTES);
    struct ql_slab *slab = (struct ql_slab *)(void *)(mapping + (SLAB_BYTES - (uintptr_t)mapping % SLAB_BYTES));
    if (is_huge) {
        (void)madvise(slab, SLAB_BYTES, MADV_HUGEPAGE); /* refused: small pages */
    }
    atomic_init(&slab->n_users, 1);
    slab->mapping = mapping;
    return slab;
}

static void slab_release(struct ql_slab *slab) {
    if (atomic_fetch_sub_explicit(&slab->n_users, 1, memory_order_acq_rel) == 1) {
        ql_mem_unmap(slab->mapping, 2 * (size_t)SLAB_BYTES);
    }
}

void ql_slabs_fini(struct ql_slabs *slabs) {
    if (slabs->open != NULL) {
        slab_release(slabs->open);
    }
    *slabs = (struct ql_slabs){0};
}

static struct ql_block *cut(struct ql_slabs *slabs, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (slabs->open == NULL || SLAB_BYTES - slabs->used < size) {
        if (slabs->open != NULL) {
            slab_release(slabs->open);
        }
        slabs->open = slab_new(slabs->n_slabs++ != 0); /* small inputs need less than one */
        slabs->used = sizeof *slabs->open;
    }
    struct ql_block *block = (struct ql_block *)(void *)((unsigned char *)slabs->open + slabs->used);
    slabs->used += size;
    (void)atomic_fetch_add_explicit(&slabs->open->n_users, 1, memory_order_relaxed);
    return block;
}

struct ql_block *ql_block_new(struct ql_slabs *slabs, size_t size) {
    size_t whole = sizeof(struct ql_block) + size;
    bool is_cut = slabs != NULL && whole <= SLAB_BLOCK_MAX;
    struct ql_block *block = is_cut ? cut(slabs, whole) : ql_mem_alloc(whole);
    atomic_init(&block->n_slices, 0);
    block->slab = is_cut ? slabs->open : NULL;
    block->serial = 0;
    block->size = size;
    return block;
}

void ql_block_free(struct ql_block *block) {
    if (block->slab != NULL) {
        slab_release(block->slab);
    } else {
        ql_mem_free(block);
    }
}

void ql_block_release(struct ql_block *block) {
    if (atomic_fetch_sub_explicit(&block->n_slices, 1, memory_order_acq_rel) == 1) {
        ql_block_free(block);
    }
}
