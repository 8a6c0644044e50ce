/*
 * Exact distinct values of a chunk, in one of two ways.
 *
 * By bitmap: values that are offsets into a small range set a bit each; the rank of a bit is the number of its entry, and the
 * entries come out sorted. Integers are offsets from their minimum. Doubles count where every one of them is k / 10^4, the form
 * that rounding to 4 decimals (or fewer) gives: k is looked at instead, and proven by dividing back to the same bits. Codes of
 * strings are offsets already, then put in the order of their text. The range is bounded by the number of values, so that a
 * chunk of 48 rows clears a few words and not a table. Where values are more than their range, as counts are, a byte a number
 * stands for the bit: stores to it do not wait for each other.
 *
 * By hash table: everything else. The table numbers values in the order in which they appear, and the numbers are then sorted.
 */
#include "parquet/chunk_dictionary.h"

#include "base/mem.h"
#include "parquet/kernels.h"
#include "parquet/rle.h"

#include <stdlib.h>

enum {
    RANGE_PER_VALUE = 64,         /* bits of bitmap spent on a value: as many bytes as its own 8 */
    RANGE_PER_VALUE_MAX = 1024,   /* beyond, clearing and counting cost more than hashing */
    RANGE_CHEAP = 1 << 24,        /* up to here: 2 MiB of bitmap */
    RANGE_BYTES_MAX = 256 * 1024, /* of the form by bytes, with a rank each: stays in the second cache */
    HASH_START = 256              /* slots */
};
#define SCALE 1e4 /* of ql_kernels.scaled */

/* Exceeding max_bytes is certain once n entries exist: both parts only grow with n. */
static bool is_too_large(const struct ql_chunk_values *values, size_t n_entries, size_t entry_bytes, size_t max_bytes) {
    size_t width = ql_rle_width(n_entries != 0 ? (uint32_t)(n_entries - 1) : 0);
    return max_bytes != SIZE_MAX && entry_bytes + values->n / 8 * width > max_bytes;
}

static bool is_small_range(const struct ql_chunk_values *values, uint64_t span) {
    size_t per_value = span < RANGE_CHEAP ? RANGE_PER_VALUE_MAX : RANGE_PER_VALUE;
    return span < UINT32_MAX && span / per_value <= values->n;
}

/* rank_offsets where the range is small. */
static void rank_by_bytes(struct ql_chunk_dictionary *dictionary, size_t n_values, size_t range) {
    QL_MEM_GROW(dictionary->seen, dictionary->seen_cap, range);
    QL_MEM_GROW(dictionary->seen_at, dictionary->seen_at_cap, range);
    QL_MEM_GROW(dictionary->entries, dictionary->entries_cap, range);
    memset(dictionary->seen, 0, range);
    uint32_t *index = dictionary->index;
    for (size_t i = 0; i < n_values; i++) {
        dictionary->seen[index[i]] = 1;
    }
    size_t n = 0;
    for (size_t at = 0; at < range; at++) {
        dictionary->seen_at[at] = (uint32_t)n;
        dictionary->entries[n] = at; /* overwritten by the next if it was not seen */
        n += dictionary->seen[at];
    }
    dictionary->n = n;
    for (size_t i = 0; n != range && i < n_values; i++) { /* where every number appears, it is its own rank */
        index[i] = dictionary->seen_at[index[i]];
    }
}

/*
 * index[] holds offsets below `range`; afterwards it holds ranks, and entries the offsets that appear, ascending. False, with
 * only n known, where so many entries of 8 bytes would be too large.
 */
static bool rank_offsets(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t range,
                         size_t max_bytes) {
    if (range <= RANGE_BYTES_MAX && range <= values->n) {
        rank_by_bytes(dictionary, values->n, range);
        return true;
    }
    const struct ql_kernels *kernels = ql_kernels_best();
    size_t n_words = range / 64 + 1;
    QL_MEM_GROW(dictionary->bitmap, dictionary->bitmap_cap, n_words);
    QL_MEM_GROW(dictionary->rank, dictionary->rank_cap, n_words);
    uint64_t *bitmap = dictionary->bitmap;
    memset(bitmap, 0, n_words * sizeof *bitmap);
    kernels->mark(dictionary->index, values->n, bitmap);
    dictionary->n = kernels->rank(bitmap, n_words, dictionary->rank);
    if (is_too_large(values, dictionary->n, dictionary->n * sizeof(uint64_t), max_bytes)) {
        return false;
    }
    QL_MEM_GROW(dictionary->entries, dictionary->entries_cap, dictionary->n);
    for (size_t w = 0, at = 0; w < n_words; w++) {
        for (uint64_t bits = bitmap[w]; bits != 0; bits &= bits - 1) {
            dictionary->entries[at++] = w * 64 + (size_t)__builtin_ctzll(bits);
        }
    }
    kernels->to_ranks(dictionary->index, values->n, bitmap, dictionary->rank);
    return true;
}

enum built { BUILT, TOO_LARGE, NOT_THIS_WAY };

static enum built build_integers(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values,
                                 size_t max_bytes) {
    const struct ql_kernels *kernels = ql_kernels_best();
    struct ql_range_i64 range = kernels->range_i64((const int64_t *)values->bits, values->n);
    uint64_t span = (uint64_t)range.max - (uint64_t)range.min;
    if (!is_small_range(values, span)) {
        return NOT_THIS_WAY;
    }
    kernels->offsets(values->bits, values->n, (uint64_t)range.min, dictionary->index);
    if (!rank_offsets(dictionary, values, (size_t)span + 1, max_bytes)) {
        return TOO_LARGE;
    }
    for (size_t e = 0; e < dictionary->n; e++) {
        dictionary->entries[e] += (uint64_t)range.min;
    }
    return BUILT;
}

static enum built build_scaled(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t max_bytes) {
    struct ql_range_i64 range;
    if (!ql_kernels_best()->scaled(values->bits, values->n, dictionary->index, &range)) {
        return NOT_THIS_WAY;
    }
    uint64_t span = (uint64_t)range.max - (uint64_t)range.min;
    if (!is_small_range(values, span)) {
        return NOT_THIS_WAY;
    }
    if ((uint32_t)range.min != 0) {
        for (size_t i = 0; i < values->n; i++) {
            dictionary->index[i] -= (uint32_t)range.min; /* modulo 2^32 as the numbers are, and the span is below it */
        }
    }
    if (!rank_offsets(dictionary, values, (size_t)span + 1, max_bytes)) {
        return TOO_LARGE;
    }
    for (size_t e = 0; e < dictionary->n; e++) {
        dictionary->entries[e] = ql_bits_of_double((double)((int64_t)dictionary->entries[e] + range.min) / SCALE);
    }
    return BUILT;
}

struct text_entry {
    struct ql_str text;
    uint32_t code, old;
};

static int compare_text(const void *a, const void *b) {
    return ql_str_cmp(((const struct text_entry *)a)->text, ((const struct text_entry *)b)->text);
}

/* Entries are ascending codes; a layout mostly numbers its strings in their order already. */
static bool are_texts_ascending(const struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values) {
    for (size_t e = 1; e < dictionary->n; e++) {
        if (ql_str_cmp(values->dict[dictionary->entries[e - 1]], values->dict[dictionary->entries[e]]) > 0) {
            return false;
        }
    }
    return true;
}

static void move_indices(struct ql_chunk_dictionary *dictionary, size_t n_values) {
    for (size_t i = 0; i < n_values; i++) {
        dictionary->index[i] = dictionary->place[dictionary->index[i]];
    }
}

static void build_texts(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values) {
    memcpy(dictionary->index, values->codes, values->n * sizeof *values->codes);
    (void)rank_offsets(dictionary, values, values->n_dict, SIZE_MAX);
    if (are_texts_ascending(dictionary, values)) {
        return;
    }
    size_t n = dictionary->n;
    struct text_entry *texts = ql_mem_realloc(NULL, n, sizeof *texts);
    for (size_t e = 0; e < n; e++) {
        uint32_t code = (uint32_t)dictionary->entries[e];
        texts[e] = (struct text_entry){.text = values->dict[code], .code = code, .old = (uint32_t)e};
    }
    qsort(texts, n, sizeof *texts, compare_text);
    QL_MEM_GROW(dictionary->place, dictionary->place_cap, n);
    for (size_t e = 0; e < n; e++) {
        dictionary->entries[e] = texts[e].code;
        dictionary->place[texts[e].old] = (uint32_t)e;
    }
    ql_mem_free(texts);
    move_indices(dictionary, values->n);
}

/* An unsigned number that sorts as the value does; for doubles IEEE 754's total order. */
static uint64_t order_key(enum ql_column_type type, uint64_t bits) {
    uint64_t sign = UINT64_C(1) << 63;
    return type == QL_COLUMN_DOUBLE && (bits & sign) != 0 ? ~bits : bits ^ sign;
}

static uint64_t value_of_key(enum ql_column_type type, uint64_t key) {
    uint64_t sign = UINT64_C(1) << 63;
    return type == QL_COLUMN_DOUBLE && (key & sign) == 0 ? ~key : key ^ sign;
}

/* Least significant byte first; a byte that all keys share costs a count and no move. Result in keys. */
static void sort_keys(uint64_t **keys, uint64_t **spare, size_t n) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t count[256] = {0};
        for (size_t i = 0; i < n; i++) {
            count[(*keys)[i] >> shift & 0xff]++;
        }
        if (count[(*keys)[0] >> shift & 0xff] == n) {
            continue;
        }
        for (size_t b = 0, sum = 0; b < 256; b++) {
            size_t here = count[b];
            count[b] = sum;
            sum += here;
        }
        for (size_t i = 0; i < n; i++) {
            (*spare)[count[(*keys)[i] >> shift & 0xff]++] = (*keys)[i];
        }
        uint64_t *swap = *keys;
        *keys = *spare;
        *spare = swap;
    }
}

static int compare_keys(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t slot_of(const struct ql_chunk_dictionary *dictionary, size_t n_slots, uint64_t bits) {
    /* Folding first: doubles that are small integers differ in their high bits only. Fibonacci hashing spreads the rest. */
    uint64_t hash = (bits ^ bits >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
    size_t slot = (size_t)(hash * UINT64_C(0xbf58476d1ce4e5b9) >> 32) & (n_slots - 1);
    while (dictionary->slots[slot] != 0 && dictionary->entries[dictionary->slots[slot] - 1] != bits) {
        slot = (slot + 1) & (n_slots - 1);
    }
    return slot;
}

static void clear_slots(struct ql_chunk_dictionary *dictionary, size_t n_slots) {
    QL_MEM_GROW(dictionary->slots, dictionary->slots_cap, n_slots);
    memset(dictionary->slots, 0, n_slots * sizeof *dictionary->slots);
}

/* Twice the slots; entries find their new places. */
static size_t grow_slots(struct ql_chunk_dictionary *dictionary, size_t n_slots) {
    n_slots *= 2;
    clear_slots(dictionary, n_slots);
    for (size_t e = 0; e < dictionary->n; e++) {
        dictionary->slots[slot_of(dictionary, n_slots, dictionary->entries[e])] = (uint32_t)e + 1;
    }
    return n_slots;
}

/* Numbers the values in the order of their first appearance; the number of slots, or 0 if the dictionary grows too large. */
static size_t number_values(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t max_bytes) {
    size_t n_slots = HASH_START;
    clear_slots(dictionary, n_slots);
    dictionary->n = 0;
    for (size_t i = 0; i < values->n; i++) {
        if (i != 0 && values->bits[i] == values->bits[i - 1]) { /* times come in runs */
            dictionary->index[i] = dictionary->index[i - 1];
            continue;
        }
        size_t slot = slot_of(dictionary, n_slots, values->bits[i]);
        if (dictionary->slots[slot] == 0) {
            if (dictionary->n >= n_slots / 2) {
                if (is_too_large(values, dictionary->n, dictionary->n * sizeof(uint64_t), max_bytes)) {
                    return 0;
                }
                n_slots = grow_slots(dictionary, n_slots);
                slot = slot_of(dictionary, n_slots, values->bits[i]);
            }
            QL_MEM_GROW(dictionary->entries, dictionary->entries_cap, dictionary->n + 1);
            dictionary->entries[dictionary->n++] = values->bits[i];
            dictionary->slots[slot] = (uint32_t)dictionary->n;
        }
        dictionary->index[i] = dictionary->slots[slot] - 1;
    }
    return n_slots;
}

static bool build_hashed(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t max_bytes) {
    enum { RADIX_PAYS = 2048 }; /* below, eight counts of 256 cost more than comparisons */
    size_t n_slots = number_values(dictionary, values, max_bytes);
    size_t n = dictionary->n;
    if (n_slots == 0 || is_too_large(values, n, n * sizeof(uint64_t), max_bytes)) {
        return false;
    }
    QL_MEM_GROW(dictionary->sorted, dictionary->sorted_cap, 2 * n);
    uint64_t *keys = dictionary->sorted;
    uint64_t *spare = dictionary->sorted + n;
    for (size_t e = 0; e < n; e++) {
        keys[e] = order_key(values->type, dictionary->entries[e]);
    }
    if (n < RADIX_PAYS) {
        qsort(keys, n, sizeof *keys, compare_keys);
    } else {
        sort_keys(&keys, &spare, n);
    }
    QL_MEM_GROW(dictionary->place, dictionary->place_cap, n);
    for (size_t e = 0; e < n; e++) {
        keys[e] = value_of_key(values->type, keys[e]);
        dictionary->place[dictionary->slots[slot_of(dictionary, n_slots, keys[e])] - 1] = (uint32_t)e;
    }
    memcpy(dictionary->entries, keys, n * sizeof *keys); /* not before: the table looks its keys up in entries */
    move_indices(dictionary, values->n);
    return true;
}

static size_t entry_bytes(const struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values) {
    if (values->type != QL_COLUMN_STRING) {
        return dictionary->n * sizeof(uint64_t);
    }
    size_t bytes = 0;
    for (size_t e = 0; e < dictionary->n; e++) {
        bytes += sizeof(uint32_t) + values->dict[dictionary->entries[e]].len;
    }
    return bytes;
}

bool ql_chunk_dictionary_build(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t max_bytes) {
    dictionary->n = 0;
    dictionary->plain_bytes = 0;
    if (values->n == 0) {
        return true;
    }
    QL_MEM_GROW(dictionary->index, dictionary->index_cap, values->n);
    if (values->type == QL_COLUMN_STRING) {
        build_texts(dictionary, values);
    } else {
        enum built built = values->type == QL_COLUMN_DOUBLE ? build_scaled(dictionary, values, max_bytes)
                                                            : build_integers(dictionary, values, max_bytes);
        if (built == TOO_LARGE || (built == NOT_THIS_WAY && !build_hashed(dictionary, values, max_bytes))) {
            return false;
        }
    }
    dictionary->plain_bytes = entry_bytes(dictionary, values);
    return !is_too_large(values, dictionary->n, dictionary->plain_bytes, max_bytes);
}

void ql_chunk_dictionary_fini(struct ql_chunk_dictionary *dictionary) {
    ql_mem_free(dictionary->entries);
    ql_mem_free(dictionary->index);
    ql_mem_free(dictionary->bitmap);
    ql_mem_free(dictionary->rank);
    ql_mem_free(dictionary->seen);
    ql_mem_free(dictionary->seen_at);
    ql_mem_free(dictionary->slots);
    ql_mem_free(dictionary->sorted);
    ql_mem_free(dictionary->place);
    *dictionary = (struct ql_chunk_dictionary){0};
}
