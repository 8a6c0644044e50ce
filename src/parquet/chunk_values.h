/**
 * The values of one column chunk without its NULLs, in row order: what dictionary, statistics and pages work on.
 *
 * They stay in the form in which they came: 64 bits each, codes, or integers at a decimal scale. Where one value travels alone
 * it is 64 raw bits whatever the form: the bits of an integer or a double, or the code of a string. What is written depends on
 * the values and never on their form.
 */
#ifndef QL_PARQUET_CHUNK_VALUES_H
#define QL_PARQUET_CHUNK_VALUES_H

#include "parquet/kernels.h"
#include "table/column.h"

#include <stdbool.h>

struct ql_chunk_values {
    const struct ql_kernels *kernels; /* set by the caller before the first load, and stays */
    enum ql_column_type type;
    enum ql_column_form form;
    size_t n;                  /* values that are not NULL */
    const uint64_t *bits;      /* VALUES */
    const uint32_t *narrow;    /* CODED: codes; SCALED: the bits of k */
    uint32_t base, span;       /* of narrow: the least, and how far the greatest is above it; SCALED: as int32 */
    unsigned scale;            /* SCALED doubles */
    const struct ql_str *dict; /* CODED: the layout's dictionary; may hold what no value uses */
    const int64_t *numbers;
    size_t n_dict;

    size_t n_rows;
    const uint8_t *is_valid; /* one byte a row; NULL if no row is NULL */
    size_t n_nan;            /* doubles: NaNs among the values; the contract knows none, and statistics must not believe it */

    void *own; /* where values were moved together because NULLs stood between them */
    size_t own_cap;
};

/**
 * Takes one column of one row group; buffers of the last one are used again. Zero-initialise and set kernels before the first.
 *
 * Lifetime: views the column, so valid as long as that and until the next load.
 * Errors:   QL_E_INTERNAL for a code without an entry in the dictionary, a k outside of the range that the column states, a
 *           form that the type does not have.
 */
QL_MUST_CHECK enum ql_status ql_chunk_values_load(struct ql_chunk_values *values, enum ql_column_type type,
                                                  const struct ql_column *column, struct ql_err *err);
void ql_chunk_values_fini(struct ql_chunk_values *values);

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

/** The raw value that a code or the bits of a k stand for. */
static inline uint64_t ql_chunk_value_of_narrow(const struct ql_chunk_values *values, uint32_t narrow) {
    if (values->form == QL_COLUMN_CODED) {
        return values->type == QL_COLUMN_STRING ? narrow : (uint64_t)values->numbers[narrow];
    }
    int64_t k = (int32_t)narrow;
    return values->type == QL_COLUMN_DOUBLE ? ql_bits_of_double((double)k / ql_powers_of_ten[values->scale]) : (uint64_t)k;
}

static inline uint64_t ql_chunk_value(const struct ql_chunk_values *values, size_t i) {
    return values->form == QL_COLUMN_VALUES ? values->bits[i] : ql_chunk_value_of_narrow(values, values->narrow[i]);
}

/** out[i] = the raw value of narrow[i]. */
void ql_chunk_values_restore(const struct ql_chunk_values *values, const uint32_t *narrow, size_t n, uint64_t *out);

/** Whether raw value a sorts before raw value b: numbers by value, strings by unsigned bytes. No NaN. */
bool ql_chunk_value_is_less(const struct ql_chunk_values *values, uint64_t a, uint64_t b);

/** Raw values [from, to), each in 64 bits. */
void ql_chunk_values_widen(const struct ql_chunk_values *values, size_t from, size_t to, uint64_t *out);

/**
 * Whether doubles are all the nearest to k / 10^s for int32 k and one s of 0 to 9: what could have come as SCALED. No value at
 * all is no double of that kind.
 */
bool ql_chunk_values_are_scaled(const struct ql_chunk_values *values);

/** Bytes of values [from, to) in PLAIN encoding. */
size_t ql_chunk_values_plain_bytes(const struct ql_chunk_values *values, size_t from, size_t to);

/** Appends values [from, to) in PLAIN encoding: 8 bytes a number; 4 bytes of length and the bytes of a string. */
void ql_chunk_values_put_plain(const struct ql_chunk_values *values, size_t from, size_t to, struct ql_buf *out);
/** One string in PLAIN encoding. */
void ql_plain_put_string(struct ql_buf *out, struct ql_str s);

#endif
