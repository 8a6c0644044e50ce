/**
 * A lane's queues, by the bytes of their fields: what they mean was found out and checked once; rows carry their codes.
 *
 * An export lists the queues of an interval in much the same order each time, so the first guess is the one that followed the
 * last queue before; a hash table is asked when the guess is wrong. A place in it is looked for only so long: a queue that
 * finds none is not found again and gets another code, so names made to collide cost no more than ones that are all new. Nor
 * do many names: at a bound the reader hands on its rows and begins another dictionary.
 */
#ifndef QL_CSV_DICTIONARY_H
#define QL_CSV_DICTIONARY_H

#include "base/mem.h"
#include "csv/swar.h"
#include "table/rows.h"

/** How the input spells a queue: its columns with quotes and what is between them; in two pieces where they are not
 * neighbours, else b is empty. */
struct ql_csv_key {
    struct ql_str a, b;
};

struct ql_csv_entry {
    struct ql_csv_key key;
    uint64_t hash;
    uint32_t expected_len; /* of key.a; more than any row has if a line break is in it, which has to be counted */
    uint32_t next;         /* the one that followed it, but for some that may be left out */
};

struct ql_csv_key_head {
    char text[64];
};

/** A lane's queues by their spelling. Zero-initialise to start; reset before use. */
struct ql_csv_dictionary {
    uint64_t number; /* rows.h's `dictionary` */
    size_t max_entries;
    struct ql_csv_entry *entries; /* [n_entries] */
    struct ql_rows_queue *queues; /* [n_entries] what they mean */
    /* [n_entries] the beginnings of their key.a: a copy beside the entries, so that a look-up need not wait for the pointer */
    struct ql_csv_key_head *heads;
    size_t cap_entries, cap_queues, cap_heads;
    uint32_t n_entries, last; /* last: the one that was found or added last */
    uint32_t *slots;          /* open addressing; code + 1; 0: free */
    size_t mask;
    struct ql_arena arena;
};
enum { QL_CSV_DICTIONARY_MAX = 65536 };
#define QL_CSV_NO_CODE UINT32_MAX
/** Its code, or QL_CSV_NO_CODE. */
uint32_t ql_csv_dictionary_find(struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key);
/** What is not found is added, whether or not the dictionary is full. */
uint32_t ql_csv_dictionary_add(struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key, struct ql_str id,
                               struct ql_str name);
/** It should be begun anew before another queue is added. */
bool ql_csv_dictionary_is_full(const struct ql_csv_dictionary *dictionary);
/** Begins another dictionary. max_entries 0: QL_CSV_DICTIONARY_MAX. */
void ql_csv_dictionary_reset(struct ql_csv_dictionary *dictionary, size_t max_entries);
void ql_csv_dictionary_fini(struct ql_csv_dictionary *dictionary);

/** The queue of this code comes now. */
static inline void ql_csv_dictionary_follow(struct ql_csv_dictionary *dictionary, uint32_t code) {
    dictionary->entries[dictionary->last].next = code;
    dictionary->last = code;
}

/** Equality of mostly short texts of one length, without a call. */
static inline __attribute__((always_inline)) bool ql_csv_is_same_bytes(const char *a, const char *b, size_t len) {
    typedef uint64_t pair __attribute__((vector_size(16)));
    if (len >= sizeof(pair)) {
        pair x;
        pair y;
        memcpy(&x, a + len - sizeof x, sizeof x); /* the last sixteen, some of them again */
        memcpy(&y, b + len - sizeof y, sizeof y);
        pair difference = x ^ y;
        for (size_t i = 0; i + sizeof x < len; i += sizeof x) {
            memcpy(&x, a + i, sizeof x);
            memcpy(&y, b + i, sizeof y);
            difference |= x ^ y;
        }
        return (difference[0] | difference[1]) == 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

static inline bool ql_csv_is_same(struct ql_str a, struct ql_str b) {
    return a.len == b.len && ql_csv_is_same_bytes(a.ptr, b.ptr, a.len);
}

/* A kernel's own may be faster. */
typedef bool ql_csv_is_same_fn(const char *a, const char *b, size_t len);

/* ---- the hash table ---- */

enum { QL_CSV_PROBES_MAX = 64 };

/* The folded 64 x 64 -> 128 bit product, as in wyhash. */
QL_CSV_INLINE uint64_t ql_csv_mix(uint64_t a, uint64_t b) {
    __extension__ unsigned __int128 product =
        (unsigned __int128)(a ^ UINT64_C(0xa0761d6478bd642f)) * (b ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Texts differ at their ends: first and last sixteen bytes and the length. */
QL_CSV_INLINE uint64_t ql_csv_hash_text(const char *text, size_t len) {
    uint64_t words[4] = {0};
    if (__builtin_expect(len >= 16, 1)) {
        memcpy(words, text, 16);
        memcpy(words + 2, text + len - 16, 16);
    } else if (len >= 8) {
        memcpy(words, text, 8);
        memcpy(words + 1, text + len - 8, 8);
    } else if (len != 0) {
        words[0] =
            (unsigned char)text[0] | (uint64_t)(unsigned char)text[len / 2] << 8 | (uint64_t)(unsigned char)text[len - 1] << 16;
    }
    return ql_csv_mix(words[0] ^ len, words[1]) + ql_csv_mix(words[3], words[2]);
}

QL_CSV_INLINE uint64_t ql_csv_key_hash(const struct ql_csv_key *key) {
    uint64_t hash = ql_csv_hash_text(key->a.ptr, key->a.len);
    return key->b.len != 0 ? ql_csv_mix(hash, ql_csv_hash_text(key->b.ptr, key->b.len)) : hash;
}

/** The code of a queue, or QL_CSV_NO_CODE; what is found is not taken note of. There is at least one entry. */
QL_CSV_INLINE uint32_t ql_csv_dictionary_look_up(const struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key,
                                                 ql_csv_is_same_fn *is_same) {
    size_t slot = (size_t)ql_csv_key_hash(key) & dictionary->mask;
    for (size_t i = 0; i < QL_CSV_PROBES_MAX && dictionary->slots[slot] != 0; i++) {
        uint32_t code = dictionary->slots[slot] - 1;
        const struct ql_csv_key *found = &dictionary->entries[code].key;
        const struct ql_csv_key_head *head = &dictionary->heads[code];
        if (found->a.len == key->a.len && found->b.len == key->b.len &&
            is_same(key->a.len <= sizeof head->text ? head->text : found->a.ptr, key->a.ptr, key->a.len) &&
            (key->b.len == 0 || is_same(found->b.ptr, key->b.ptr, key->b.len))) {
            return code;
        }
        slot = (slot + 1) & dictionary->mask;
    }
    return QL_CSV_NO_CODE;
}

#endif
