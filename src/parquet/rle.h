/** Parquet's hybrid of run lengths and bit packing: definition levels and dictionary indices. */
#ifndef QL_PARQUET_RLE_H
#define QL_PARQUET_RLE_H

#include "base/str.h"

/** Bits that numbers up to max need, at least 1: a width of 0 is legal and still refused by some readers. */
unsigned ql_rle_width(uint32_t max);

/** Appends n values of `width` bits each (1 to 32). No length prefix and no width byte: those belong to the page. */
void ql_rle_put(struct ql_buf *out, const uint32_t *values, size_t n, unsigned width);

/** Appends one run of n > 0 equal values: what ql_rle_put makes of them, without an array. */
void ql_rle_put_run(struct ql_buf *out, uint32_t value, size_t n, unsigned width);

#endif
