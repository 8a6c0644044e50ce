/* Growing the dictionary, and queues in two pieces; see dictionary.h. */
#include "csv/dictionary.h"

enum {
    TEXT_BYTES_MAX = 4 * 1024 * 1024,
    SLOTS_AT_FIRST = 1024, /* a quarter of them are used at most, so that the first one mostly is right */
};

static inline bool is_key(const struct ql_csv_entry *entry, const struct ql_csv_key *key) {
    return ql_csv_is_same(entry->key.a, key->a) && ql_csv_is_same(entry->key.b, key->b);
}

/* Without effect if there is no free place where it would be looked for. */
static void insert_slot(struct ql_csv_dictionary *dictionary, uint64_t hash, uint32_t code) {
    size_t slot = (size_t)hash & dictionary->mask;
    for (size_t i = 0; i < QL_CSV_PROBES_MAX; i++) {
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

uint32_t ql_csv_dictionary_find(struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key) {
    if (dictionary->n_entries == 0) {
        return QL_CSV_NO_CODE;
    }
    uint32_t guess = dictionary->entries[dictionary->last].next;
    if (is_key(&dictionary->entries[guess], key)) {
        dictionary->last = guess;
        return guess;
    }
    uint32_t code = ql_csv_dictionary_look_up(dictionary, key, ql_csv_is_same_bytes);
    if (code != QL_CSV_NO_CODE) {
        ql_csv_dictionary_follow(dictionary, code);
    }
    return code;
}

static struct ql_str copy(struct ql_csv_dictionary *dictionary, struct ql_str s) {
    return (struct ql_str){.ptr = ql_arena_copy(&dictionary->arena, s.len != 0 ? s.ptr : "", s.len), .len = s.len};
}

uint32_t ql_csv_dictionary_add(struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key, struct ql_str id,
                               struct ql_str name) {
    if (dictionary->slots == NULL || 4 * (size_t)dictionary->n_entries > dictionary->mask) {
        grow(dictionary);
    }
    uint64_t hash = ql_csv_key_hash(key);
    uint32_t code = dictionary->n_entries;
    insert_slot(dictionary, hash, code);
    QL_MEM_GROW(dictionary->entries, dictionary->cap_entries, (size_t)code + 1);
    QL_MEM_GROW(dictionary->queues, dictionary->cap_queues, (size_t)code + 1);
    QL_MEM_GROW(dictionary->heads, dictionary->cap_heads, (size_t)code + 1);
    dictionary->n_entries++;
    bool has_break = key->a.len != 0 && memchr(key->a.ptr, '\n', key->a.len) != NULL;
    dictionary->entries[code] =
        (struct ql_csv_entry){.key = {.a = copy(dictionary, key->a), .b = copy(dictionary, key->b)},
                              .expected_len = has_break || key->a.len > UINT32_MAX ? UINT32_MAX : (uint32_t)key->a.len,
                              .hash = hash};
    struct ql_csv_key_head *head = &dictionary->heads[code];
    memcpy(head->text, key->a.len != 0 ? key->a.ptr : "", key->a.len < sizeof head->text ? key->a.len : sizeof head->text);
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
    ql_mem_free(dictionary->heads);
    ql_arena_fini(&dictionary->arena);
    *dictionary = (struct ql_csv_dictionary){0};
}
