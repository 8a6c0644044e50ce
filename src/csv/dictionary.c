/*
 * A lane's queues, by the bytes of their fields: what they mean was found out and checked once; rows carry their codes.
 *
 * An export lists the queues of an interval in much the same order each time, so the first guess is the one that followed the
 * last queue before; a hash table is asked when the guess is wrong. A place in it is looked for only so long: a queue that
 * finds none is not found again and gets another code, so names made to collide cost no more than ones that are all new. Nor
 * do many names: at a bound the reader hands on its rows and begins another dictionary.
 */
#include "csv/csv_internal.h"

enum {
    TEXT_BYTES_MAX = 4 * 1024 * 1024,
    PROBES_MAX = 64,
    SLOTS_AT_FIRST = 256,
};

static inline uint64_t load(const char *ptr, size_t len) {
    uint64_t word = 0;
    if (len >= sizeof word) {
        memcpy(&word, ptr, sizeof word);
    } else if (len != 0) {
        memcpy(&word, ptr, len);
    }
    return word;
}

/* Texts differ at their ends: first and last sixteen bytes and the length. */
static uint64_t hash_text(struct ql_str s, uint64_t hash) {
    const uint64_t MULTIPLIER = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t words[4] = {load(s.ptr, s.len), load(s.len > 8 ? s.ptr + s.len - 8 : s.ptr, s.len), 0, 0};
    if (s.len > 16) {
        words[2] = load(s.ptr + 8, s.len - 8);
        words[3] = load(s.ptr + s.len - 16, 8);
    }
    hash ^= s.len;
    for (size_t i = 0; i < 4; i++) {
        hash = (hash ^ hash >> 29 ^ words[i]) * MULTIPLIER;
    }
    return hash ^ hash >> 32;
}

static uint64_t hash_of(const struct ql_csv_key *key) {
    uint64_t hash = hash_text(key->a, 0);
    return key->b.len != 0 ? hash_text(key->b, hash) : hash;
}

static inline bool is_key(const struct ql_csv_entry *entry, const struct ql_csv_key *key) {
    return ql_csv_is_same(entry->key.a, key->a) && ql_csv_is_same(entry->key.b, key->b);
}

/* Without effect if there is no free place where it would be looked for. */
static void insert_slot(struct ql_csv_dictionary *dictionary, uint64_t hash, uint32_t code) {
    size_t slot = (size_t)hash & dictionary->mask;
    for (size_t i = 0; i < PROBES_MAX; i++) {
        if (dictionary->slots[slot] == 0) {
            dictionary->slots[slot] = code + 1;
            return;
        }
        slot = (slot + 1) & dictionary->mask;
    }
}

static void grow(struct ql_csv_dictionary *dictionary) {
    size_t n_slots = dictionary->slots == NULL ? SLOTS_AT_FIRST : 2 * (dictionary->mask + 1);
    ql_mem_free(dictionary->slots);
    dictionary->slots = ql_mem_zalloc(n_slots, sizeof *dictionary->slots);
    dictionary->mask = n_slots - 1;
    for (uint32_t i = 0; i < dictionary->n_entries; i++) {
        insert_slot(dictionary, dictionary->entries[i].hash, i);
    }
}

static uint32_t find_by_hash(struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key) {
    size_t slot = (size_t)hash_of(key) & dictionary->mask;
    for (size_t i = 0; i < PROBES_MAX && dictionary->slots[slot] != 0; i++) {
        uint32_t code = dictionary->slots[slot] - 1;
        if (is_key(&dictionary->entries[code], key)) {
            ql_csv_dictionary_follow(dictionary, code);
            return code;
        }
        slot = (slot + 1) & dictionary->mask;
    }
    return QL_CSV_NO_CODE;
}

uint32_t ql_csv_dictionary_find(struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key) {
    if (dictionary->n_entries == 0) {
        return QL_CSV_NO_CODE;
    }
    uint32_t guess = dictionary->entries[dictionary->last].next;
    if (is_key(&dictionary->entries[guess], key)) {
        dictionary->last = guess;
        return guess;
    }
    return find_by_hash(dictionary, key);
}

static struct ql_str copy(struct ql_csv_dictionary *dictionary, struct ql_str s) {
    return (struct ql_str){.ptr = ql_arena_copy(&dictionary->arena, s.len != 0 ? s.ptr : "", s.len), .len = s.len};
}

uint32_t ql_csv_dictionary_add(struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key, struct ql_str id,
                               struct ql_str name) {
    if (dictionary->slots == NULL || 2 * (size_t)dictionary->n_entries > dictionary->mask) {
        grow(dictionary);
    }
    uint64_t hash = hash_of(key);
    uint32_t code = dictionary->n_entries;
    insert_slot(dictionary, hash, code);
    QL_MEM_GROW(dictionary->entries, dictionary->cap_entries, (size_t)code + 1);
    QL_MEM_GROW(dictionary->queues, dictionary->cap_queues, (size_t)code + 1);
    dictionary->n_entries++;
    bool has_break = key->a.len != 0 && memchr(key->a.ptr, '\n', key->a.len) != NULL;
    dictionary->entries[code] =
        (struct ql_csv_entry){.key = {.a = copy(dictionary, key->a), .b = copy(dictionary, key->b)},
                              .expected_len = has_break || key->a.len > UINT32_MAX ? UINT32_MAX : (uint32_t)key->a.len,
                              .hash = hash};
    struct ql_rows_queue *queue = &dictionary->queues[code];
    *queue = (struct ql_rows_queue){.id = copy(dictionary, id)};
    queue->name = name.ptr == id.ptr ? queue->id : copy(dictionary, name);
    ql_csv_dictionary_follow(dictionary, code);
    return code;
}

bool ql_csv_dictionary_is_full(const struct ql_csv_dictionary *dictionary) {
    return dictionary->n_entries >= dictionary->max_entries || dictionary->arena.used > TEXT_BYTES_MAX;
}

void ql_csv_dictionary_reset(struct ql_csv_dictionary *dictionary, size_t max_entries) {
    dictionary->number++;
    dictionary->max_entries = max_entries != 0 ? max_entries : QL_CSV_DICTIONARY_MAX;
    dictionary->n_entries = 0;
    dictionary->last = 0;
    ql_arena_reset(&dictionary->arena);
    if (dictionary->slots != NULL) {
        memset(dictionary->slots, 0, (dictionary->mask + 1) * sizeof *dictionary->slots);
    }
}

void ql_csv_dictionary_fini(struct ql_csv_dictionary *dictionary) {
    ql_mem_free(dictionary->slots);
    ql_mem_free(dictionary->entries);
    ql_mem_free(dictionary->queues);
    ql_arena_fini(&dictionary->arena);
    *dictionary = (struct ql_csv_dictionary){0};
}
