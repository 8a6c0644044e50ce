/**
 * The dictionary of one column chunk: its distinct values in ascending order, and for every value the number of its entry.
 *
 * Ascending entries compress better, make the least and the greatest entry of a page its statistics, and make the bytes
 * independent of the order in which values first appear and of the form in which they come.
 */
#ifndef QL_PARQUET_CHUNK_DICTIONARY_H
#define QL_PARQUET_CHUNK_DICTIONARY_H

#include "parquet/chunk_values.h"

/** Zero-initialise before the first build; buffers are used again by the next. */
struct ql_chunk_dictionary {
    size_t n;              /* entries */
    uint64_t *entries;     /* raw values (see ql_chunk_values), ascending */
    const uint32_t *index; /* [values.n]; may be the values themselves, and is valid as long as they are */
    size_t plain_bytes;    /* of the entries in PLAIN encoding */

    uint32_t *own_index;
    size_t entries_cap, own_index_cap;
    uint8_t *seen; /* which of a range of numbers appear: a byte each, where that is not too many */
    size_t seen_cap;
    uint64_t *bitmap; /* the same, a bit each */
    uint32_t *rank;   /* how many appear before each word of it */
    size_t bitmap_cap, rank_cap;
    uint32_t *table; /* the rank of each number that appears, where the range is small */
    size_t table_cap;
    uint32_t *slots; /* hash table: number of the entry + 1 */
    size_t slots_cap;
    uint64_t *sorted; /* entries on their way into order */
    uint32_t *place;  /* where an entry went */
    size_t sorted_cap, place_cap;
};

/**
 * Builds it, exactly. False, with nothing usable, as soon as it is sure that the dictionary and the indices of its values would
 * take more than max_bytes (in PLAIN and bit-packed form); SIZE_MAX: never.
 *
 * Doubles are distinct by their bits. Cost: 2 or 3 passes over the values and at most 1 MiB of marks, or a bitmap of 8 bytes a
 * value, where they are (scaled) integers of a small range, as counts and rounded ratios are, or codes; else a hash table.
 */
bool ql_chunk_dictionary_build(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values, size_t max_bytes);
void ql_chunk_dictionary_fini(struct ql_chunk_dictionary *dictionary);

#endif
