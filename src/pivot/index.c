#include "pivot/index.h"

#include "base/mem.h"

enum { SLOTS_MIN = 64 };

static void insert(struct ql_index *index, uint64_t slot) {
    size_t at = (size_t)(slot >> 32);
    while (index->slot[at & index->mask] != 0) {
        at++;
    }
    index->slot[at & index->mask] = slot;
}

void ql_index_add(struct ql_index *index, uint32_t hash, uint32_t entry) {
    if (index->slot == NULL || index->n > index->mask / 4 * 3) { /* at most three quarters full */
        struct ql_index old = *index;
        size_t n_slots = old.slot == NULL ? SLOTS_MIN : (old.mask + 1) * 2;
        index->slot = ql_mem_zalloc(n_slots, sizeof *index->slot);
        index->mask = n_slots - 1;
        for (size_t i = 0; old.slot != NULL && i <= old.mask; i++) {
            if (old.slot[i] != 0) {
                insert(index, old.slot[i]);
            }
        }
        ql_mem_free(old.slot);
    }
    insert(index, (uint64_t)hash << 32 | (entry + 1));
    index->n++;
}

void ql_index_fini(struct ql_index *index) {
    ql_mem_free(index->slot);
    *index = (struct ql_index){0};
}

uint64_t ql_index_hash_str(struct ql_str s, uint64_t seed) {
    uint64_t hash = seed ^ s.len;
    size_t at = 0;
    for (; at + 8 <= s.len; at += 8) {
        uint64_t word;
        memcpy(&word, s.ptr + at, 8);
        hash = ql_index_mix(hash, word);
    }
    uint64_t tail = 0;
    if (at < s.len) {
        memcpy(&tail, s.ptr + at, s.len - at);
    }
    return ql_index_mix(hash, tail);
}
