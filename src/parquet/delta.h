/** The delta encodings of QL_PARQUET_MODERN. */
#ifndef QL_PARQUET_DELTA_H
#define QL_PARQUET_DELTA_H

#include "base/str.h"

/** Appends DELTA_BINARY_PACKED: n may be 0. */
void ql_delta_put_numbers(struct ql_buf *out, const int64_t *values, size_t n);

/** Appends DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. lengths: room for n, undefined afterwards. */
void ql_delta_put_strings(struct ql_buf *out, const struct ql_str *strings, size_t n, int64_t *lengths);

/**
 * Appends DELTA_BYTE_ARRAY: how much each string shares with the one before, then what does not. The first shares nothing, so
 * that a page stands alone. lengths: as above.
 */
void ql_delta_put_prefixed(struct ql_buf *out, const struct ql_str *strings, size_t n, int64_t *lengths);

#endif
