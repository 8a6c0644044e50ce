/*
 * The first step of a chunk: NULLs out of the way, values checked once so that the later steps can trust them.
 *
 * A column without NULLs is used where it lies. PLAIN is little-endian, as are the machines that queuelake runs on, so numbers
 * are copied as they are. Narrow forms are widened in pieces that stay in the first cache: an array of all the doubles of a
 * chunk never exists.
 */
#include "parquet/chunk_values.h"

#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "PLAIN numbers are copied as they lie in memory");
_Static_assert(sizeof(double) == 8, "a double is 8 bytes");

enum { PIECE = 512 }; /* values that are widened at once */

/* Room for n values and one more, see the loops that fill it. */
static void *own_room(struct ql_chunk_values *values, size_t n, size_t size) {
    size_t bytes = (n + 1) * size;
    if (bytes > values->own_cap) {
        ql_mem_free(values->own); /* nothing in it is needed any more */
        values->own = ql_mem_alloc(bytes);
        values->own_cap = bytes;
    }
    return values->own;
}

/* Every value is stored, and the next goes over it if its row is NULL: no branch on what cannot be foreseen. */
static const uint64_t *without_nulls_u64(struct ql_chunk_values *values, const uint64_t *all) {
    uint64_t *dense = own_room(values, values->n, sizeof *dense);
    for (size_t i = 0, n = 0; i < values->n_rows; i++) {
        dense[n] = all[i];
        n += values->is_valid[i] != 0;
    }
    return dense;
}

static const uint32_t *without_nulls_u32(struct ql_chunk_values *values, const uint32_t *all) {
    uint32_t *dense = own_room(values, values->n, sizeof *dense);
    for (size_t i = 0, n = 0; i < values->n_rows; i++) {
        dense[n] = all[i];
        n += values->is_valid[i] != 0;
    }
    return dense;
}

static enum ql_status load_codes(struct ql_chunk_values *values, const struct ql_column *column, struct ql_err *err) {
    values->dict = column->dict;
    values->numbers = column->numbers;
    values->n_dict = column->n_dict;
    values->narrow = values->is_valid != NULL ? without_nulls_u32(values, column->v.code) : column->v.code;
    if (values->n == 0) {
        return QL_OK;
    }
    struct ql_range_u32 range = values->kernels->range_u32(values->narrow, values->n);
    if (range.max >= values->n_dict) {
        return QL_FAIL(err, QL_E_INTERNAL, "code %u is beyond the dictionary of %zu entries", range.max, values->n_dict);
    }
    values->base = range.min;
    values->span = range.max - range.min;
    return QL_OK;
}

static enum ql_status load_scaled(struct ql_chunk_values *values, const struct ql_column *column, struct ql_err *err) {
    /* -fno-strict-aliasing: k is looked at as unsigned, so that offsets may be computed modulo 2^32. */
    const uint32_t *k = (const void *)column->v.k;
    values->narrow = values->is_valid != NULL ? without_nulls_u32(values, k) : k;
    values->scale = values->type == QL_COLUMN_DOUBLE ? column->scale : 0;
    if (values->scale > QL_KERNELS_MAX_SCALE) {
        return QL_FAIL(err, QL_E_INTERNAL, "a scale of %u decimals", values->scale);
    }
    if (values->n == 0) {
        return QL_OK;
    }
    struct ql_range_i32 range = values->kernels->range_i32((const void *)values->narrow, values->n);
    if (range.min < column->min_k || range.max > column->max_k) {
        return QL_FAIL(err, QL_E_INTERNAL, "scaled integers of %d to %d where %d to %d were stated", range.min, range.max,
                       column->min_k, column->max_k);
    }
    values->base = (uint32_t)range.min;
    values->span = (uint32_t)range.max - (uint32_t)range.min;
    return QL_OK;
}

static void load_values(struct ql_chunk_values *values, const struct ql_column *column) {
    /* -fno-strict-aliasing: the bits of int64 and double are looked at as they lie. */
    const uint64_t *bits = values->type == QL_COLUMN_DOUBLE ? (const void *)column->v.f64 : (const void *)column->v.i64;
    values->bits = values->is_valid != NULL ? without_nulls_u64(values, bits) : bits;
    if (values->type == QL_COLUMN_DOUBLE) {
        values->n_nan = values->kernels->count_nan(values->bits, values->n);
    }
}

enum ql_status ql_chunk_values_load(struct ql_chunk_values *values, enum ql_column_type type, const struct ql_column *column,
                                    struct ql_err *err) {
    *values = (struct ql_chunk_values){.kernels = values->kernels,
                                       .type = type,
                                       .form = column->form,
                                       .n_rows = column->n_rows,
                                       .own = values->own,
                                       .own_cap = values->own_cap};
    bool is_text = type == QL_COLUMN_STRING;
    if (is_text != (column->form == QL_COLUMN_CODED) && (is_text || type == QL_COLUMN_DOUBLE)) {
        return QL_FAIL(err, QL_E_INTERNAL, "a column of type %d cannot come in form %d", (int)type, (int)column->form);
    }
    values->n = column->is_valid != NULL ? values->kernels->count_nonzero(column->is_valid, column->n_rows) : column->n_rows;
    values->is_valid = values->n < column->n_rows ? column->is_valid : NULL;
    switch (column->form) {
    case QL_COLUMN_CODED:
        return load_codes(values, column, err);
    case QL_COLUMN_SCALED:
        return load_scaled(values, column, err);
    case QL_COLUMN_VALUES:
        break;
    }
    load_values(values, column);
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
    case QL_COLUMN_DECIMAL:
        break;
    }
    return (int64_t)a < (int64_t)b;
}

void ql_chunk_values_restore(const struct ql_chunk_values *values, const uint32_t *narrow, size_t n, uint64_t *out) {
    if (values->form == QL_COLUMN_CODED) {
        for (size_t i = 0; i < n; i++) {
            out[i] = ql_chunk_value_of_narrow(values, narrow[i]);
        }
    } else if (values->type == QL_COLUMN_DOUBLE) {
        values->kernels->unscale((const void *)narrow, n, values->scale, out);
    } else {
        values->kernels->widen((const void *)narrow, n, out);
    }
}

void ql_chunk_values_widen(const struct ql_chunk_values *values, size_t from, size_t to, uint64_t *out) {
    if (from == to) {
        return;
    }
    if (values->form == QL_COLUMN_VALUES) {
        memcpy(out, values->bits + from, (to - from) * sizeof *out);
    } else {
        ql_chunk_values_restore(values, values->narrow + from, to - from, out);
    }
}

static bool are_at_scale(const struct ql_chunk_values *values, unsigned scale) {
    uint32_t low[PIECE];
    for (size_t i = 0; i < values->n; i += PIECE) {
        size_t n = values->n - i < PIECE ? values->n - i : PIECE;
        struct ql_range_i64 range;
        if (!values->kernels->scaled(values->bits + i, n, scale, low, &range) || range.min < INT32_MIN ||
            range.max > INT32_MAX) {
            return false;
        }
    }
    return true;
}

bool ql_chunk_values_are_scaled(const struct ql_chunk_values *values) {
    if (values->form == QL_COLUMN_SCALED || values->n == 0) {
        return values->n != 0;
    }
    for (unsigned scale = 0; scale <= QL_KERNELS_MAX_SCALE; scale++) {
        if (are_at_scale(values, scale)) {
            return true;
        }
    }
    return false;
}

size_t ql_chunk_values_plain_bytes(const struct ql_chunk_values *values, size_t from, size_t to) {
    if (values->type != QL_COLUMN_STRING) {
        return (to - from) * sizeof(uint64_t);
    }
    size_t bytes = 0;
    for (size_t i = from; i < to; i++) {
        bytes += sizeof(uint32_t) + values->dict[values->narrow[i]].len;
    }
    return bytes;
}

void ql_plain_put_string(struct ql_buf *out, struct ql_str s) {
    uint32_t len = (uint32_t)s.len;
    ql_buf_put(out, &len, sizeof len);
    ql_buf_put_str(out, s);
}

void ql_chunk_values_put_plain(const struct ql_chunk_values *values, size_t from, size_t to, struct ql_buf *out) {
    if (values->type == QL_COLUMN_STRING) {
        for (size_t i = from; i < to; i++) {
            ql_plain_put_string(out, values->dict[values->narrow[i]]);
        }
    } else if (values->form == QL_COLUMN_VALUES) {
        ql_buf_put(out, from < to ? values->bits + from : NULL, (to - from) * sizeof(uint64_t));
    } else {
        char *room = ql_buf_reserve(out, (to - from) * sizeof(uint64_t)); /* behind the levels, so not aligned */
        for (size_t i = from; i < to; i += PIECE) {
            uint64_t wide[PIECE];
            size_t n = to - i < PIECE ? to - i : PIECE;
            ql_chunk_values_widen(values, i, i + n, wide);
            memcpy(room + (i - from) * sizeof *wide, wide, n * sizeof *wide);
        }
        out->len += (to - from) * sizeof(uint64_t);
    }
}
