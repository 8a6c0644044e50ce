/*
 * Exact distinct values of a chunk.
 *
 * Whatever can be is looked at as offsets in 32 bits from the least value, in an order that is that of the values: scaled
 * integers and codes as they come, 64-bit integers of a narrow range, doubles where every one is k / 10^4, the form that
 * rounding to 4 decimals (or fewer) leaves. Offsets are ranked in one of three ways:
 *
 * By marks, where the range is small beside the number of values: each offset marks a byte (stores that do not wait for each
 * other) or, beyond what the first cache holds, a bit; marks are counted word by word; the rank of an offset is then looked up
 * in a table, or counted from its word on. The entries come out sorted.
 * By comparison, each with each, where values are few: a chunk of 48 rows clears no table.
 * By hash table, everything else: values are numbered in the order in which they appear, and the numbers then sorted.
 *
 * Codes are put into the order of what they stand for at the end, which mostly they have already.
 */
#include "parquet/chunk_dictionary.h"

#include "base/mem.h"
#include "parquet/rle.h"

#include <stdlib.h>

enum {
    WORD = 64,                  /* marks in a word of the bitmap */
    FEW_RANGE_MAX = 1024,       /* of QL_KERNELS_FEW values that are marked all the same */
    RANGE_PER_VALUE = 64,       /* bits of bitmap spent on a value: as many bytes as its own 8 */
    RANGE_PER_VALUE_MAX = 1024, /* beyond, clearing and counting cost more than hashing */
    RANGE_CHEAP = 1 << 24,      /* up to here: 2 MiB of bitmap */
    RANGE_BYTES_MAX = 1 << 15,  /* a byte a mark */
    MARK_BLOCK = 1 << 16,       /* values between two looks at whether everything is marked */
    RANGE_TABLE_MAX = 1 << 17,  /* a table of 512 KiB: in the second cache */
    HASH_START = 256            /* slots */
};
enum { DOUBLE_SCALE = 4 }; /* of doubles that come as such: what rounding leaves by default */

/* Exceeding max_bytes is certain once n entries exist: both parts only grow with n. */
static bool is_too_large(const struct ql_chunk_values *values, size_t n_entries, size_t entry_bytes, size_t max_bytes) {
    size_t width = ql_rle_width(n_entries != 0 ? (uint32_t)(n_entries - 1) : 0);
    return max_bytes != SIZE_MAX && entry_bytes + values->n / 8 * width > max_bytes;
}

static bool is_small_range(size_t n_values, uint64_t span) {
    size_t per_value = span < RANGE_CHEAP ? RANGE_PER_VALUE_MAX : RANGE_PER_VALUE;
    return span < UINT32_MAX && span / per_value <= n_values;
}

/* Values as offsets; what an offset stands for is only needed of entries. */
struct offsets {
    const uint32_t *src; /* may be the dictionary's index */
    uint32_t base;
    uint64_t span;
};

static void mark_bytes(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, struct offsets at,
                       size_t n_words) {
    QL_MEM_GROW(dictionary->seen, dictionary->seen_cap, n_words * WORD);
    memset(dictionary->seen, 0, n_words * WORD);
    values->kernels->mark(at.src, values->n, at.base, dictionary->seen);
    values->kernels->gather_bits(dictionary->seen, n_words, dictionary->bitmap);
}

/* Whether nothing is left to mark; a last word of fewer than 64 offsets is never full, which costs no more than time. */
static bool is_full(const uint64_t *bitmap, size_t n_words) {
    size_t w = 0;
    while (w < n_words && bitmap[w] == UINT64_MAX) {
        w++;
    }
    return w == n_words;
}

static void mark_bits(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, struct offsets at,
                      size_t n_words) {
    memset(dictionary->bitmap, 0, n_words * sizeof *dictionary->bitmap);
    for (size_t i = 0; i < values->n && !is_full(dictionary->bitmap, n_words); i += MARK_BLOCK) {
        size_t n = values->n - i < MARK_BLOCK ? values->n - i : MARK_BLOCK;
        values->kernels->mark_bits(at.src + i, n, at.base, dictionary->bitmap);
    }
}

/* Marks what appears; the number of entries. */
static size_t mark(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, struct offsets at,
                   size_t n_words) {
    QL_MEM_GROW(dictionary->bitmap, dictionary->bitmap_cap, n_words);
    QL_MEM_GROW(dictionary->rank, dictionary->rank_cap, n_words);
    (n_words <= RANGE_BYTES_MAX / WORD ? mark_bytes : mark_bits)(dictionary, values, at, n_words);
    return values->kernels->rank_words(dictionary->bitmap, n_words, dictionary->rank);
}

/* False, with only n known, where so many entries of 8 bytes would be too large. */
static bool rank_by_marks(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, struct offsets at,
                          size_t max_bytes) {
    const struct ql_kernels *kernels = values->kernels;
    size_t n_words = (size_t)at.span / WORD + 1;
    size_t n = dictionary->n = mark(dictionary, values, at, n_words);
    if (is_too_large(values, n, n * sizeof(uint64_t), max_bytes)) {
        return false;
    }
    QL_MEM_GROW(dictionary->entries, dictionary->entries_cap, n);
    uint64_t *entries = dictionary->entries;
    for (size_t w = 0, e = 0; w < n_words; w++) {
        for (uint64_t bits = dictionary->bitmap[w]; bits != 0; bits &= bits - 1) {
            entries[e++] = w * WORD + (size_t)__builtin_ctzll(bits);
        }
    }
    if (n == at.span + 1 && at.base == 0) { /* where every number appears, it is its own rank */
        dictionary->index = at.src;
    } else if (n == at.span + 1) {
        kernels->subtract(at.src, values->n, at.base, dictionary->own_index);
    } else if (at.span < RANGE_TABLE_MAX) {
        QL_MEM_GROW(dictionary->table, dictionary->table_cap, (size_t)at.span + 1);
        for (size_t e = 0; e < n; e++) {
            dictionary->table[entries[e]] = (uint32_t)e;
        }
        kernels->look_up(at.src, values->n, at.base, dictionary->table, dictionary->own_index);
    } else {
        kernels->to_ranks(at.src, values->n, at.base, dictionary->bitmap, dictionary->rank, dictionary->own_index);
    }
    return true;
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

static size_t slot_of(const struct ql_chunk_dictionary *dictionary, size_t n_slots, uint64_t key) {
    /* Folding first: doubles that are small integers differ in their high bits only. Fibonacci hashing spreads the rest. */
    uint64_t hash = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
    size_t slot = (size_t)(hash * UINT64_C(0xbf58476d1ce4e5b9) >> 32) & (n_slots - 1);
    while (dictionary->slots[slot] != 0 && dictionary->entries[dictionary->slots[slot] - 1] != key) {
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

/* What the hash table knows a value by: it ascends with the value (of codes: with the code). */
static uint64_t key_of(const struct ql_chunk_values *values, size_t i) {
    return values->form == QL_COLUMN_VALUES ? order_key(values->type, values->bits[i]) : values->narrow[i] - values->base;
}

/* Numbers the values in the order of their first appearance; the number of slots, or 0 if the dictionary grows too large. */
static size_t number_values(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t max_bytes) {
    size_t n_slots = HASH_START;
    clear_slots(dictionary, n_slots);
    dictionary->n = 0;
    uint64_t last = ~key_of(values, 0);
    for (size_t i = 0; i < values->n; i++) {
        uint64_t key = key_of(values, i);
        if (key == last) { /* times come in runs */
            dictionary->own_index[i] = dictionary->own_index[i - 1];
            continue;
        }
        last = key;
        size_t slot = slot_of(dictionary, n_slots, key);
        if (dictionary->slots[slot] == 0) {
            if (dictionary->n >= n_slots / 2) {
                if (is_too_large(values, dictionary->n, dictionary->n * sizeof(uint64_t), max_bytes)) {
                    return 0;
                }
                n_slots = grow_slots(dictionary, n_slots);
                slot = slot_of(dictionary, n_slots, key);
            }
            QL_MEM_GROW(dictionary->entries, dictionary->entries_cap, dictionary->n + 1);
            dictionary->entries[dictionary->n++] = key;
            dictionary->slots[slot] = (uint32_t)dictionary->n;
        }
        dictionary->own_index[i] = dictionary->slots[slot] - 1;
    }
    return n_slots;
}

static void move_indices(struct ql_chunk_dictionary *dictionary, size_t n_values) {
    for (size_t i = 0; i < n_values; i++) {
        dictionary->own_index[i] = dictionary->place[dictionary->index[i]];
    }
    dictionary->index = dictionary->own_index;
}

/* Entries are keys afterwards, ascending. */
static bool rank_by_hash(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t max_bytes) {
    enum { RADIX_PAYS = 2048 }; /* below, eight counts of 256 cost more than comparisons */
    size_t n_slots = number_values(dictionary, values, max_bytes);
    size_t n = dictionary->n;
    if (n_slots == 0 || is_too_large(values, n, n * sizeof(uint64_t), max_bytes)) {
        return false;
    }
    QL_MEM_GROW(dictionary->sorted, dictionary->sorted_cap, 2 * n);
    uint64_t *keys = dictionary->sorted;
    uint64_t *spare = dictionary->sorted + n;
    memcpy(keys, dictionary->entries, n * sizeof *keys);
    if (n < RADIX_PAYS) {
        qsort(keys, n, sizeof *keys, compare_keys);
    } else {
        sort_keys(&keys, &spare, n);
    }
    QL_MEM_GROW(dictionary->place, dictionary->place_cap, n);
    for (size_t e = 0; e < n; e++) {
        dictionary->place[dictionary->slots[slot_of(dictionary, n_slots, keys[e])] - 1] = (uint32_t)e;
    }
    memcpy(dictionary->entries, keys, n * sizeof *keys); /* not before: the table looks its keys up in entries */
    move_indices(dictionary, values->n);
    return true;
}

enum built { BUILT, TOO_LARGE, NOT_THIS_WAY };

static enum built rank_offsets(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, struct offsets at,
                               size_t max_bytes) {
    if (values->n <= QL_KERNELS_FEW && at.span >= FEW_RANGE_MAX && at.span <= UINT32_MAX) {
        QL_MEM_GROW(dictionary->entries, dictionary->entries_cap, QL_KERNELS_FEW);
        dictionary->n = values->kernels->rank_few(at.src, values->n, at.base, dictionary->own_index, dictionary->entries);
        return BUILT;
    }
    if (!is_small_range(values->n, at.span)) {
        return NOT_THIS_WAY;
    }
    return rank_by_marks(dictionary, values, at, max_bytes) ? BUILT : TOO_LARGE;
}

static enum built build_integers(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values,
                                 size_t max_bytes) {
    const struct ql_kernels *kernels = values->kernels;
    struct ql_range_i64 range = kernels->range_i64((const int64_t *)values->bits, values->n);
    struct offsets at = {.src = dictionary->own_index, .span = (uint64_t)range.max - (uint64_t)range.min};
    if (at.span > UINT32_MAX) {
        return NOT_THIS_WAY;
    }
    kernels->narrow(values->bits, values->n, (uint64_t)range.min, dictionary->own_index);
    enum built built = rank_offsets(dictionary, values, at, max_bytes);
    for (size_t e = 0; built == BUILT && e < dictionary->n; e++) {
        dictionary->entries[e] += (uint64_t)range.min;
    }
    return built;
}

static enum built build_doubles(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values,
                                size_t max_bytes) {
    struct ql_range_i64 range;
    if (!values->kernels->scaled(values->bits, values->n, DOUBLE_SCALE, dictionary->own_index, &range)) {
        return NOT_THIS_WAY;
    }
    struct offsets at = {
        .src = dictionary->own_index, .base = (uint32_t)range.min, .span = (uint64_t)range.max - (uint64_t)range.min};
    enum built built = rank_offsets(dictionary, values, at, max_bytes);
    for (size_t e = 0; built == BUILT && e < dictionary->n; e++) {
        int64_t k = (int64_t)dictionary->entries[e] + range.min;
        dictionary->entries[e] = ql_bits_of_double((double)k / ql_powers_of_ten[DOUBLE_SCALE]);
    }
    return built;
}

static bool build_wide(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t max_bytes) {
    enum built built = values->type == QL_COLUMN_DOUBLE ? build_doubles(dictionary, values, max_bytes)
                                                        : build_integers(dictionary, values, max_bytes);
    if (built != NOT_THIS_WAY) {
        return built == BUILT;
    }
    if (!rank_by_hash(dictionary, values, max_bytes)) {
        return false;
    }
    for (size_t e = 0; e < dictionary->n; e++) {
        dictionary->entries[e] = value_of_key(values->type, dictionary->entries[e]);
    }
    return true;
}

/* An entry that a code stands for. */
struct coded_entry {
    struct ql_str text; /* STRING */
    int64_t number;
    uint64_t raw;
    uint32_t old;
};

static int compare_texts(const void *a, const void *b) {
    return ql_str_cmp(((const struct coded_entry *)a)->text, ((const struct coded_entry *)b)->text);
}

static int compare_numbers(const void *a, const void *b) {
    int64_t x = ((const struct coded_entry *)a)->number;
    int64_t y = ((const struct coded_entry *)b)->number;
    return (x > y) - (x < y);
}

/* Entries are ascending codes; a layout mostly numbers its entries in their order already. */
static bool are_ascending(const struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values) {
    for (size_t e = 1; e < dictionary->n; e++) {
        if (ql_chunk_value_is_less(values, dictionary->entries[e], dictionary->entries[e - 1])) {
            return false;
        }
    }
    return true;
}

static void sort_coded(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values) {
    size_t n = dictionary->n;
    bool is_text = values->type == QL_COLUMN_STRING;
    struct coded_entry *coded = ql_mem_realloc(NULL, n, sizeof *coded);
    for (size_t e = 0; e < n; e++) {
        uint64_t raw = dictionary->entries[e];
        coded[e] = (struct coded_entry){.number = (int64_t)raw, .raw = raw, .old = (uint32_t)e};
        coded[e].text = is_text ? values->dict[raw] : (struct ql_str){0};
    }
    qsort(coded, n, sizeof *coded, is_text ? compare_texts : compare_numbers);
    QL_MEM_GROW(dictionary->place, dictionary->place_cap, n);
    for (size_t e = 0; e < n; e++) {
        dictionary->entries[e] = coded[e].raw;
        dictionary->place[coded[e].old] = (uint32_t)e;
    }
    ql_mem_free(coded);
    move_indices(dictionary, values->n);
}

/* Offsets become what they stand for; where that is computed it is by pieces. */
static void restore_entries(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values) {
    enum { PIECE = 256 };
    uint32_t narrow[PIECE];
    for (size_t from = 0; from < dictionary->n; from += PIECE) {
        uint64_t *entries = dictionary->entries + from;
        size_t n = dictionary->n - from < PIECE ? dictionary->n - from : PIECE;
        for (size_t e = 0; e < n; e++) {
            narrow[e] = values->base + (uint32_t)entries[e];
        }
        ql_chunk_values_restore(values, narrow, n, entries);
    }
}

/* CODED and SCALED. */
static bool build_narrow(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t max_bytes) {
    struct offsets at = {.src = values->narrow, .base = values->base, .span = values->span};
    size_t max = values->type != QL_COLUMN_STRING ? max_bytes : SIZE_MAX; /* the bytes of strings are not known yet */
    enum built built = rank_offsets(dictionary, values, at, max);
    if (built == TOO_LARGE || (built == NOT_THIS_WAY && !rank_by_hash(dictionary, values, max))) {
        return false;
    }
    restore_entries(dictionary, values);
    if (values->form == QL_COLUMN_CODED && !are_ascending(dictionary, values)) {
        sort_coded(dictionary, values);
    }
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
    QL_MEM_GROW(dictionary->own_index, dictionary->own_index_cap, values->n);
    dictionary->index = dictionary->own_index;
    if (!(values->form == QL_COLUMN_VALUES ? build_wide : build_narrow)(dictionary, values, max_bytes)) {
        return false;
    }
    dictionary->plain_bytes = entry_bytes(dictionary, values);
    return !is_too_large(values, dictionary->n, dictionary->plain_bytes, max_bytes);
}

void ql_chunk_dictionary_fini(struct ql_chunk_dictionary *dictionary) {
    ql_mem_free(dictionary->entries);
    ql_mem_free(dictionary->own_index);
    ql_mem_free(dictionary->seen);
    ql_mem_free(dictionary->bitmap);
    ql_mem_free(dictionary->rank);
    ql_mem_free(dictionary->table);
    ql_mem_free(dictionary->slots);
    ql_mem_free(dictionary->sorted);
    ql_mem_free(dictionary->place);
    *dictionary = (struct ql_chunk_dictionary){0};
}
