/**
 * Memory of parts that wait. Parts of a file are much alike, and those of one row group are freed before those of the next are
 * made: pages that were touched once are worth keeping, since getting new ones from the system takes longer than packing.
 */
#include "layout/layout_internal.h"

enum { BLOCK_STEP = 16 * 1024 };

void ql_block_pool_init(struct ql_block_pool *pool) {
    *pool = (struct ql_block_pool){0};
    (void)pthread_mutex_init(&pool->mutex, NULL); /* cannot fail with default attributes */
}

void ql_block_pool_empty(struct ql_block_pool *pool) {
    while (pool->first != NULL) {
        struct ql_block *block = pool->first;
        pool->first = block->next;
        ql_mem_free(block);
    }
}

void ql_block_pool_fini(struct ql_block_pool *pool) {
    ql_block_pool_empty(pool);
    (void)pthread_mutex_destroy(&pool->mutex);
}

static struct ql_block *take_at(struct ql_block **at) {
    struct ql_block *block = *at;
    if (block != NULL) {
        *at = block->next;
    }
    return block;
}

/* The smallest block that is large enough, if it is not twice as large. Where there is none, another goes back to the system,
 * so that blocks of sizes that are not asked for any more do not pile up. */
static struct ql_block *take_fitting(struct ql_block_pool *pool, size_t size, struct ql_block **misfit) {
    struct ql_block **best = NULL;
    for (struct ql_block **at = &pool->first; *at != NULL; at = &(*at)->next) {
        bool fits = (*at)->cap >= size && (*at)->cap / 2 <= size + BLOCK_STEP;
        if (fits && (best == NULL || (*at)->cap < (*best)->cap)) {
            best = at;
        }
    }
    *misfit = best == NULL ? take_at(&pool->first) : NULL;
    return best != NULL ? take_at(best) : NULL;
}

struct ql_block *ql_block_take(struct ql_block_pool *pool, size_t size) {
    struct ql_block *misfit = NULL;
    (void)pthread_mutex_lock(&pool->mutex);
    struct ql_block *block = take_fitting(pool, size, &misfit);
    (void)pthread_mutex_unlock(&pool->mutex);
    ql_mem_free(misfit);
    if (block == NULL) {
        size_t cap = (size + BLOCK_STEP - 1) / BLOCK_STEP * BLOCK_STEP;
        block = ql_mem_alloc(sizeof *block + cap);
        block->cap = cap;
    }
    block->next = NULL;
    return block;
}

void ql_block_give(struct ql_block_pool *pool, struct ql_block *block) {
    if (block != NULL) {
        (void)pthread_mutex_lock(&pool->mutex);
        block->next = pool->first;
        pool->first = block;
        (void)pthread_mutex_unlock(&pool->mutex);
    }
}
