/**
 * Memory. One rule: an allocation that the system refuses ends the process (exit 71, one line on standard error), because a
 * run can be killed at any moment without harm and untested clean-up paths would do more. What an input can make large
 * is bounded by named limits that are checked before anything is allocated (docs/design/0005-out-of-memory.md).
 */
#ifndef QL_BASE_MEM_H
#define QL_BASE_MEM_H

#include <stddef.h>

/** Never NULL, also for 0 bytes. Contents undefined. Free with ql_mem_free. */
void *ql_mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
/** n * size zeroed bytes; the product is checked. */
void *ql_mem_zalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
/** n * size bytes, old contents kept; ptr may be NULL. */
void *ql_mem_realloc(void *ptr, size_t n, size_t size) __attribute__((returns_nonnull));
void ql_mem_free(void *ptr);
/** Overwrites before it frees; for secrets. ptr may be NULL. */
void ql_mem_free_secret(void *ptr, size_t size);
char *ql_mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
/** A copy of len bytes with a NUL behind. */
char *ql_mem_strndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));

/**
 * Zeroed pages straight from the system, which go back to it when they are unmapped, whatever the heap looks like: for large
 * arrays that are freed long before the process ends. size is the same in both calls.
 */
void *ql_mem_map(size_t size) __attribute__((returns_nonnull));
void ql_mem_unmap(void *ptr, size_t size);

/**
 * Says that this memory will be written whole, and at once: its pages come in one call instead of a page fault each, where the
 * system can. A hint; nothing changes but time.
 */
void ql_mem_populate(void *ptr, size_t size);

/** Grows a vector to hold at least `need` elements of *items; capacity at least doubles. */
#define QL_MEM_GROW(items, cap, need)                                    \
    do {                                                                 \
        if ((size_t)(need) > (size_t)(cap)) {                            \
            size_t ql_cap_ = (size_t)(cap) < 8 ? 8 : (size_t)(cap)*2;    \
            if (ql_cap_ < (size_t)(need)) {                              \
                ql_cap_ = (size_t)(need);                                \
            }                                                            \
            (items) = ql_mem_realloc((items), ql_cap_, sizeof *(items)); \
            (cap) = ql_cap_;                                             \
        }                                                                \
    } while (0)

/** A bump allocator: everything is freed together. Zero-initialise to start. Alignment 16. */
struct ql_arena {
    struct ql_arena_block *head;
    size_t used; /* bytes handed out since the last reset */
};
void *ql_arena_alloc(struct ql_arena *arena, size_t size) __attribute__((returns_nonnull));
char *ql_arena_copy(struct ql_arena *arena, const char *ptr, size_t len) __attribute__((returns_nonnull));
/** Forgets everything, keeps the largest block. */
void ql_arena_reset(struct ql_arena *arena);
void ql_arena_fini(struct ql_arena *arena);

#endif
