/**
 * Values out of pages: every encoding of flat columns, from bytes that nobody vouches for.
 *
 * Values are handed to a function one by one and never held, so that a page which claims two thousand million values costs
 * time and no memory. A value is its PLAIN bytes: little-endian numbers, one byte of 0 or 1 for a BOOLEAN, a string without its
 * length. Functions return NULL, or what is wrong as a constant text; some values may have been handed on by then.
 */
#ifndef QL_PARQUET_DECODE_H
#define QL_PARQUET_DECODE_H

#include "base/str.h"

/** A value that stands `repeat` times in a row. It is valid during the call only. */
typedef void ql_value_fn(void *ctx, struct ql_str value, size_t repeat);
/** The same of a level or an index. */
typedef void ql_number_fn(void *ctx, uint32_t number, size_t repeat);

/**
 * n numbers of `width` bits (0 to 32) in the hybrid of runs and packed groups. *rest: bytes behind the last run.
 */
const char *ql_rle_get(struct ql_str bytes, unsigned width, size_t n, ql_number_fn *fn, void *ctx, size_t *rest);

/** What a column's values are made of. */
struct ql_value_type {
    int32_t type;        /* of the format */
    int32_t type_length; /* of FIXED_LEN_BYTE_ARRAY */
};
/** Bytes of a value; 0: they differ, or are bits. */
size_t ql_value_size(struct ql_value_type type);

/** Whether this version decodes that encoding of that type; indices into a dictionary are none. */
bool ql_can_decode(int32_t encoding, struct ql_value_type type);
/** Exactly n values, which take exactly all bytes. */
const char *ql_decode_values(int32_t encoding, struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn,
                             void *ctx);

#endif
