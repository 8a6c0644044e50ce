/*
 * Queues that were seen before, by the bytes of their fields: what they mean was found out and checked once.
 *
 * An export lists the queues of an interval in much the same order each time, so the first guess is the one that followed the
 * last queue before; a hash table is asked when the guess is wrong. The table stops growing at a bound, and a place for a
 * queue is looked for only so long, so neither many names nor names made to collide cost more than a plain reading does.
 */
#include "csv/csv_internal.h"

enum {
    QUEUES_MAX = 16384,
    TEXT_BYTES_MAX = 4 * 1024 * 1024,
    PROBES_MAX = 64,
    SLOTS_AT_FIRST = 256,
};

static inline uint64_t load(const char *ptr, size_t len) {
    uint64_t word = 0;
    if (len >= sizeof word) {
        memcpy(&word, ptr, sizeof word);
    } else {
        memcpy(&word, ptr, len);
    }
    return word;
}

/* First and last eight bytes and the length: names differ at their ends. */
static uint64_t hash_of(struct ql_str id, struct ql_str name) {
    const uint64_t MULTIPLIER = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = (uint64_t)id.len << 32 ^ name.len;
    hash = (hash ^ load(id.ptr, id.len)) * MULTIPLIER;
    hash = (hash ^ hash >> 29 ^ load(id.len > 8 ? id.ptr + id.len - 8 : id.ptr, id.len)) * MULTIPLIER;
    hash = (hash ^ hash >> 29 ^ load(name.ptr, name.len)) * MULTIPLIER;
    hash = (hash ^ hash >> 29 ^ load(name.len > 8 ? name.ptr + name.len - 8 : name.ptr, name.len)) * MULTIPLIER;
    return hash ^ hash >> 32;
}

static inline bool is_queue(const struct ql_csv_known_queue *queue, struct ql_str id, struct ql_str name) {
    return ql_csv_is_same(queue->id_field, id) && ql_csv_is_same(queue->name_field, name);
}

/* False if there is no free place where it would be looked for. */
static bool insert_slot(struct ql_csv_known_queues *known, uint64_t hash, uint32_t number) {
    size_t slot = (size_t)hash & known->mask;
    for (size_t i = 0; i < PROBES_MAX; i++) {
        if (known->slots[slot] == 0) {
            known->slots[slot] = number + 1;
            return true;
        }
        slot = (slot + 1) & known->mask;
    }
    return false;
}

static void grow(struct ql_csv_known_queues *known) {
    size_t n_slots = known->slots == NULL ? SLOTS_AT_FIRST : 2 * (known->mask + 1);
    ql_mem_free(known->slots);
    known->slots = ql_mem_zalloc(n_slots, sizeof *known->slots);
    known->mask = n_slots - 1;
    for (uint32_t i = 0; i < known->n_items; i++) {
        (void)insert_slot(known, known->items[i].hash, i); /* one that finds no place is new when it comes again */
    }
}

const struct ql_csv_known_queue *ql_csv_known_queues_find(struct ql_csv_known_queues *known, struct ql_str id,
                                                          struct ql_str name) {
    if (known->n_items == 0) {
        return NULL;
    }
    uint32_t guess = known->items[known->last].next;
    if (is_queue(&known->items[guess], id, name)) {
        known->last = guess;
        return &known->items[guess];
    }
    size_t slot = (size_t)hash_of(id, name) & known->mask;
    for (size_t i = 0; i < PROBES_MAX && known->slots[slot] != 0; i++) {
        uint32_t number = known->slots[slot] - 1;
        if (is_queue(&known->items[number], id, name)) {
            known->items[known->last].next = number;
            known->last = number;
            return &known->items[number];
        }
        slot = (slot + 1) & known->mask;
    }
    return NULL;
}

static struct ql_str copy(struct ql_csv_known_queues *known, struct ql_str s) {
    return (struct ql_str){.ptr = ql_arena_copy(&known->arena, s.ptr, s.len), .len = s.len};
}

const struct ql_csv_known_queue *ql_csv_known_queues_add(struct ql_csv_known_queues *known, struct ql_str id_field,
                                                         struct ql_str name_field, struct ql_str id, struct ql_str name) {
    if (known->n_items == QUEUES_MAX || known->arena.used > TEXT_BYTES_MAX ||
        id_field.len + name_field.len + id.len + name.len > TEXT_BYTES_MAX / 16) {
        return NULL;
    }
    if (known->slots == NULL || 2 * known->n_items > known->mask) {
        grow(known);
    }
    uint64_t hash = hash_of(id_field, name_field);
    uint32_t number = known->n_items;
    if (!insert_slot(known, hash, number)) {
        return NULL;
    }
    QL_MEM_GROW(known->items, known->cap_items, known->n_items + 1);
    known->n_items++;
    struct ql_csv_known_queue *queue = &known->items[number];
    *queue = (struct ql_csv_known_queue){.hash = hash,
                                         .id_field = copy(known, id_field),
                                         .name_field = copy(known, name_field),
                                         .id = id.len != 0 ? copy(known, id) : id};
    queue->name = name.ptr == id.ptr ? queue->id : copy(known, name);
    known->items[known->last].next = number;
    known->last = number;
    return queue;
}

void ql_csv_known_queues_reset(struct ql_csv_known_queues *known) {
    known->n_items = 0;
    known->last = 0;
    ql_arena_reset(&known->arena);
    if (known->slots != NULL) {
        memset(known->slots, 0, (known->mask + 1) * sizeof *known->slots);
    }
}

void ql_csv_known_queues_fini(struct ql_csv_known_queues *known) {
    ql_mem_free(known->slots);
    ql_mem_free(known->items);
    ql_arena_fini(&known->arena);
    *known = (struct ql_csv_known_queues){0};
}
