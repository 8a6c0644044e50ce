/**
 * The values of one column chunk without its NULLs, in row order: the form that dictionary, statistics and pages work on.
 *
 * A value travels as 64 raw bits: the bits of an INT64, a timestamp or a double, or the code of a string.
 */
#ifndef QL_PARQUET_CHUNK_VALUES_H
#define QL_PARQUET_CHUNK_VALUES_H

#include "table/column.h"

#include <stdbool.h>

struct ql_chunk_values {
    enum ql_column_type type;
    size_t n;                  /* values that are not NULL */
    const uint64_t *bits;      /* numbers */
    const uint32_t *codes;     /* strings: indices into dict */
    const struct ql_str *dict; /* the layout's dictionary; may hold what no value uses */
    size_t n_dict;

    size_t n_rows;
    const uint8_t *is_valid; /* one byte a row; NULL if no row is NULL */
    size_t n_nan;            /* doubles: NaNs among the values; the contract knows none, and statistics must not believe it */

    void *own; /* where values were moved together because NULLs stood between them */
    size_t own_cap;
};

/**
 * Takes one column of one row group; buffers of the last one are used again. Zero-initialise before the first.
 *
 * Lifetime: views the column, so valid as long as that and until the next load.
 * Errors:   QL_E_INTERNAL for a code without an entry in the dictionary.
 */
QL_MUST_CHECK enum ql_status ql_chunk_values_load(struct ql_chunk_values *values, enum ql_column_type type,
                                                  const struct ql_column *column, struct ql_err *err);
void ql_chunk_values_fini(struct ql_chunk_values *values);

static inline uint64_t ql_chunk_value(const struct ql_chunk_values *values, size_t i) {
    return values->type == QL_COLUMN_STRING ? values->codes[i] : values->bits[i];
}

static inline double ql_double_of_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t ql_bits_of_double(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/** Whether raw value a sorts before raw value b: numbers by value, strings by unsigned bytes. No NaN. */
bool ql_chunk_value_is_less(const struct ql_chunk_values *values, uint64_t a, uint64_t b);

/** Bytes of values [from, to) in PLAIN encoding. */
size_t ql_chunk_values_plain_bytes(const struct ql_chunk_values *values, size_t from, size_t to);

/** Appends values [from, to) in PLAIN encoding: 8 bytes a number; 4 bytes of length and the bytes of a string. */
void ql_chunk_values_put_plain(const struct ql_chunk_values *values, size_t from, size_t to, struct ql_buf *out);
/** One string in PLAIN encoding. */
void ql_plain_put_string(struct ql_buf *out, struct ql_str s);

#endif
