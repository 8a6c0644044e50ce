/*
 * The first step of a chunk: NULLs out of the way, values checked once so that the later steps can trust them.
 *
 * A column without NULLs is used where it lies. PLAIN is little-endian, as are the machines that queuelake runs on, so numbers
 * are copied as they are.
 */
#include "parquet/chunk_values.h"

#include "base/mem.h"
#include "parquet/kernels.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "PLAIN numbers are copied as they lie in memory");
_Static_assert(sizeof(double) == 8, "a double is 8 bytes");

static size_t count_valid(const uint8_t *is_valid, size_t n_rows) {
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        n += is_valid[i] != 0;
    }
    return n;
}

static void *own_room(struct ql_chunk_values *values, size_t bytes) {
    if (bytes > values->own_cap) {
        ql_mem_free(values->own); /* nothing in it is needed any more */
        values->own = ql_mem_alloc(bytes);
        values->own_cap = bytes;
    }
    return values->own;
}

static void load_numbers(struct ql_chunk_values *values, const struct ql_column *column) {
    /* -fno-strict-aliasing: the bits of int64 and double are looked at as they lie. */
    const uint64_t *bits = values->type == QL_COLUMN_DOUBLE ? (const void *)column->v.f64 : (const void *)column->v.i64;
    if (values->is_valid != NULL) {
        uint64_t *dense = own_room(values, values->n * sizeof *dense);
        size_t n = 0;
        for (size_t i = 0; i < column->n_rows; i++) {
            if (values->is_valid[i] != 0) {
                dense[n++] = bits[i];
            }
        }
        bits = dense;
    }
    values->bits = bits;
}

static void load_codes(struct ql_chunk_values *values, const struct ql_column *column) {
    values->codes = column->v.code;
    if (values->is_valid != NULL) {
        uint32_t *dense = own_room(values, values->n * sizeof *dense);
        size_t n = 0;
        for (size_t i = 0; i < column->n_rows; i++) {
            if (values->is_valid[i] != 0) {
                dense[n++] = column->v.code[i];
            }
        }
        values->codes = dense;
    }
}

static enum ql_status check_codes(const struct ql_chunk_values *values, struct ql_err *err) {
    if (values->n == 0 || ql_kernels_best()->range_u32(values->codes, values->n).max < values->n_dict) {
        return QL_OK;
    }
    for (size_t i = 0; i < values->n; i++) {
        if (values->codes[i] >= values->n_dict) {
            return QL_FAIL(err, QL_E_INTERNAL, "string code %u is beyond the dictionary of %zu entries", values->codes[i],
                           values->n_dict);
        }
    }
    return QL_OK;
}

enum ql_status ql_chunk_values_load(struct ql_chunk_values *values, enum ql_column_type type, const struct ql_column *column,
                                    struct ql_err *err) {
    *values = (struct ql_chunk_values){.type = type, .n_rows = column->n_rows, .own = values->own, .own_cap = values->own_cap};
    values->n = column->is_valid != NULL ? count_valid(column->is_valid, column->n_rows) : column->n_rows;
    values->is_valid = values->n < column->n_rows ? column->is_valid : NULL;
    if (type == QL_COLUMN_STRING) {
        values->dict = column->dict;
        values->n_dict = column->n_dict;
        load_codes(values, column);
        return check_codes(values, err);
    }
    load_numbers(values, column);
    if (type == QL_COLUMN_DOUBLE) {
        values->n_nan = ql_kernels_best()->count_nan(values->bits, values->n);
    }
    return QL_OK;
}

void ql_chunk_values_fini(struct ql_chunk_values *values) {
    ql_mem_free(values->own);
    *values = (struct ql_chunk_values){0};
}

bool ql_chunk_value_is_less(const struct ql_chunk_values *values, uint64_t a, uint64_t b) {
    switch (values->type) {
    case QL_COLUMN_DOUBLE:
        return ql_double_of_bits(a) < ql_double_of_bits(b);
    case QL_COLUMN_STRING:
        return a != b && ql_str_cmp(values->dict[a], values->dict[b]) < 0;
    case QL_COLUMN_INT64:
    case QL_COLUMN_TIMESTAMP_US:
        break;
    }
    return (int64_t)a < (int64_t)b;
}

size_t ql_chunk_values_plain_bytes(const struct ql_chunk_values *values, size_t from, size_t to) {
    if (values->type != QL_COLUMN_STRING) {
        return (to - from) * sizeof(uint64_t);
    }
    size_t bytes = 0;
    for (size_t i = from; i < to; i++) {
        bytes += sizeof(uint32_t) + values->dict[values->codes[i]].len;
    }
    return bytes;
}

void ql_plain_put_string(struct ql_buf *out, struct ql_str s) {
    uint32_t len = (uint32_t)s.len;
    ql_buf_put(out, &len, sizeof len);
    ql_buf_put_str(out, s);
}

void ql_chunk_values_put_plain(const struct ql_chunk_values *values, size_t from, size_t to, struct ql_buf *out) {
    if (values->type != QL_COLUMN_STRING) {
        ql_buf_put(out, from < to ? values->bits + from : NULL, (to - from) * sizeof(uint64_t));
        return;
    }
    for (size_t i = from; i < to; i++) {
        ql_plain_put_string(out, values->dict[values->codes[i]]);
    }
}
