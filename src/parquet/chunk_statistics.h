/** Least and greatest values as Parquet stores them: in the statistics of a chunk and in the page index. */
#ifndef QL_PARQUET_CHUNK_STATISTICS_H
#define QL_PARQUET_CHUNK_STATISTICS_H

#include "parquet/chunk_dictionary.h"

#include "base/mem.h"

/** Longest bound of a string; the length that arrow-rs, Polars and parquet-java's page index use. */
enum { QL_BOUND_SIZE_MAX = 64 };

/** Raw least and greatest value of some values; none if there was no value. */
struct ql_range {
    bool has_any;
    uint64_t min, max; /* raw values, see ql_chunk_values */
};

/** PLAIN bytes of both ends, without a string's length; ptr NULL where there is no bound. They live in the arena they were made
 * in. */
struct ql_bounds {
    struct ql_str min, max;
};

/** Range of values [from, to). Doubles must hold no NaN. */
struct ql_range ql_range_of(const struct ql_chunk_values *values, size_t from, size_t to);
/** The same of values whose dictionary entries are known, without a look at them. */
struct ql_range ql_range_of_entries(const struct ql_chunk_dictionary *dictionary, struct ql_range_u32 used);
/** Widens range by other. */
void ql_range_add(struct ql_range *range, struct ql_range other, const struct ql_chunk_values *values);

/**
 * The bounds as readers may trust them: a zero stands as -0.0 below and +0.0 above; a string beyond 64 bytes is cut at a code
 * point, and the greatest then raised to the next string of that length, or left out where there is none.
 */
struct ql_bounds ql_bounds_of(struct ql_range range, const struct ql_chunk_values *values, struct ql_arena *arena);

/** Order of two bounds of one column: below 0, 0, above 0. */
int ql_bound_cmp(enum ql_column_type type, struct ql_str a, struct ql_str b);

#endif
