/**
 * A hash index over entries that live elsewhere: open addressing, insertion only. The caller keeps the entries in an array,
 * compares keys itself, and so needs no callback in the loop over rows.
 */
#ifndef QL_PIVOT_INDEX_H
#define QL_PIVOT_INDEX_H

#include "base/str.h"

struct ql_index {
    uint64_t *slot; /* [mask + 1]; hash << 32 | entry + 1; 0: free */
    size_t mask, n;
};
#define QL_INDEX_NONE UINT32_MAX

/** The next entry under this hash, or QL_INDEX_NONE; *at begins as the hash. The index may be empty (zeroed). */
static inline uint32_t ql_index_next(const struct ql_index *index, uint32_t hash, size_t *at) {
    if (index->slot == NULL) {
        return QL_INDEX_NONE;
    }
    for (;; (*at)++) {
        uint64_t slot = index->slot[*at & index->mask];
        if (slot == 0) {
            return QL_INDEX_NONE;
        }
        if (slot >> 32 == hash) {
            (*at)++;
            return (uint32_t)slot - 1;
        }
    }
}
/** Begins to load what ql_index_next will look at. */
static inline void ql_index_prefetch(const struct ql_index *index, uint32_t hash) {
    if (index->slot != NULL) {
        __builtin_prefetch(&index->slot[hash & index->mask]);
    }
}
/** entry < QL_INDEX_NONE. */
void ql_index_add(struct ql_index *index, uint32_t hash, uint32_t entry);
void ql_index_fini(struct ql_index *index);

static inline uint64_t ql_index_mix(uint64_t a, uint64_t b) {
    /* The folded 64 x 64 -> 128 bit product, as in wyhash; the constant is an odd number with 32 bits set, from the same. */
    __extension__ unsigned __int128 product =
        (unsigned __int128)(a ^ UINT64_C(0xa0761d6478bd642f)) * (b ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
static inline uint32_t ql_index_hash_u64(uint64_t a, uint64_t b) {
    uint64_t mixed = ql_index_mix(a, b);
    return (uint32_t)(mixed ^ mixed >> 32);
}
uint64_t ql_index_hash_str(struct ql_str s, uint64_t seed);

#endif
