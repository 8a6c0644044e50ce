/*
 * Pages in the form that every reader knows (parquet-format README, "Data Pages"; PageHeader in parquet.thrift), version 1.
 *
 * Payload of a data page: definition levels (every column is OPTIONAL and flat: 1 where a value is) behind their length, then
 * the values: PLAIN, or a byte of bit width and the dictionary's indices, or one of the encodings of today. The width is the
 * page's own, so that a rare large index costs its page only. The whole payload is compressed at once. The CRC is of the bytes
 * as stored, without the header.
 */
#include "parquet/data_page.h"

#include "base/mem.h"
#include "parquet/delta.h"
#include "parquet/rle.h"
#include "parquet/thrift.h"

#include <limits.h>

enum { HEADER_SIZE_MAX = 64 }; /* 9 numbers of at most 5 bytes, and their field headers */

void ql_page_maker_fini(struct ql_page_maker *maker) {
    ql_buf_fini(&maker->payload);
    ql_buf_fini(&maker->stored);
    ql_mem_free(maker->levels);
    ql_mem_free(maker->numbers);
    ql_mem_free(maker->strings);
    *maker = (struct ql_page_maker){0};
}

static void put_levels(struct ql_page_maker *maker, struct ql_page_span span) {
    struct ql_buf *payload = &maker->payload;
    size_t start = payload->len;
    uint32_t len = 0;
    ql_buf_put(payload, &len, sizeof len); /* known below */
    if (span.n_values == span.n_rows || span.n_values == 0) {
        ql_rle_put_run(payload, span.n_values != 0, span.n_rows, 1);
    } else {
        const uint8_t *is_valid = maker->values->is_valid + span.row;
        QL_MEM_GROW(maker->levels, maker->levels_cap, span.n_rows);
        for (size_t i = 0; i < span.n_rows; i++) {
            maker->levels[i] = is_valid[i] != 0;
        }
        ql_rle_put(payload, maker->levels, span.n_rows, 1);
    }
    len = (uint32_t)(payload->len - start - sizeof len);
    memcpy(payload->ptr + start, &len, sizeof len);
}

static void put_indices(struct ql_page_maker *maker, struct ql_page_span span) {
    if (span.n_values == 0) {
        /* Width 0 and no run, as Arrow writes it: behind any other width fastparquet takes the missing runs for a stream with a
         * length in front and reads past the page. */
        ql_buf_putc(&maker->payload, 0);
        return;
    }
    unsigned width = ql_rle_width(span.entries.max);
    ql_buf_putc(&maker->payload, (char)width);
    ql_rle_put(&maker->payload, maker->dictionary->index + span.value, span.n_values, width);
}

static const uint64_t *wide_numbers(struct ql_page_maker *maker, struct ql_page_span span) {
    QL_MEM_GROW(maker->numbers, maker->numbers_cap, span.n_values);
    ql_chunk_values_widen(maker->values, span.value, span.value + span.n_values, maker->numbers);
    return maker->numbers;
}

/* BYTE_STREAM_SPLIT: the first bytes of all values, then all second ones, and so on. */
static void put_split(struct ql_page_maker *maker, struct ql_page_span span) {
    const uint64_t *numbers = wide_numbers(maker, span);
    size_t n = span.n_values;
    char *bytes = ql_buf_reserve(&maker->payload, n * sizeof *numbers);
    for (size_t b = 0; b < sizeof *numbers; b++) {
        for (size_t i = 0; i < n; i++) {
            bytes[b * n + i] = (char)(numbers[i] >> (8 * b));
        }
    }
    maker->payload.len += n * sizeof *numbers;
}

static void put_delta_strings(struct ql_page_maker *maker, struct ql_page_span span) {
    const struct ql_chunk_values *values = maker->values;
    QL_MEM_GROW(maker->strings, maker->strings_cap, span.n_values);
    QL_MEM_GROW(maker->numbers, maker->numbers_cap, span.n_values);
    for (size_t i = 0; i < span.n_values; i++) {
        maker->strings[i] = values->dict[values->narrow[span.value + i]];
    }
    (maker->encoding == QL_PARQUET_ENCODING_DELTA_BYTE_ARRAY ? ql_delta_put_prefixed : ql_delta_put_strings)(
        &maker->payload, maker->strings, span.n_values, (int64_t *)maker->numbers);
}

static void put_values(struct ql_page_maker *maker, struct ql_page_span span) {
    switch (maker->encoding) {
    case QL_PARQUET_ENCODING_PLAIN_DICTIONARY:
        put_indices(maker, span);
        return;
    case QL_PARQUET_ENCODING_DELTA_BINARY_PACKED:
        ql_delta_put_numbers(&maker->payload, (const int64_t *)wide_numbers(maker, span), span.n_values);
        return;
    case QL_PARQUET_ENCODING_DELTA_LENGTH_BYTE_ARRAY:
    case QL_PARQUET_ENCODING_DELTA_BYTE_ARRAY:
        put_delta_strings(maker, span);
        return;
    case QL_PARQUET_ENCODING_BYTE_STREAM_SPLIT:
        put_split(maker, span);
        return;
    case QL_PARQUET_ENCODING_PLAIN:
    case QL_PARQUET_ENCODING_RLE: /* of levels only */
        break;
    }
    ql_chunk_values_put_plain(maker->values, span.value, span.value + span.n_values, &maker->payload);
}

static enum ql_status check_size(size_t len, struct ql_err *err) {
    /* Sizes are int32, in the page index with the header included. */
    return len <= INT_MAX - HEADER_SIZE_MAX ? QL_OK
                                            : QL_FAIL(err, QL_E_LIMIT, "a Parquet page of %zu bytes is beyond 2 GiB", len);
}

/* The payload as it is stored: compressed, or itself. is_packed: nothing in it is worth a search if it is short. */
static enum ql_status compress(struct ql_page_maker *maker, bool is_packed, struct ql_str *stored, struct ql_err *err) {
    struct ql_buf *payload = &maker->payload;
    QL_TRY(check_size(payload->len, err));
    *stored = ql_buf_view(payload);
    if (maker->compressor != NULL) {
        ql_buf_reset(&maker->stored);
        void *room = ql_buf_reserve(&maker->stored, ql_compressor_bound(maker->compressor, payload->len));
        QL_TRY((is_packed ? ql_compressor_store : ql_compressor_run)(maker->compressor, payload->ptr, payload->len, room,
                                                                     &maker->stored.len, err));
        *stored = ql_buf_view(&maker->stored);
    }
    return check_size(stored->len, err);
}

/* The fields that every header begins with. */
static void begin_header(struct ql_thrift *header, struct ql_page_maker *maker, enum ql_parquet_page type,
                         struct ql_str stored) {
    ql_thrift_init(header, maker->out);
    ql_thrift_put_i32(header, 1, (int32_t)type);
    ql_thrift_put_i32(header, 2, (int32_t)maker->payload.len);
    ql_thrift_put_i32(header, 3, (int32_t)stored.len);
    ql_thrift_put_i32(header, 4, (int32_t)maker->values->kernels->crc32(stored.ptr, stored.len));
}

static void end_page(struct ql_page_maker *maker, size_t start, struct ql_str stored, struct ql_page_size *size) {
    size_t header_len = maker->out->len - start;
    ql_buf_put_str(maker->out, stored);
    size->stored = header_len + stored.len;
    size->raw = header_len + maker->payload.len;
}

static enum ql_status make_data(struct ql_page_maker *maker, struct ql_page_span span, struct ql_str *stored,
                                struct ql_err *err) {
    ql_buf_reset(&maker->payload);
    put_levels(maker, span);
    put_values(maker, span);
    return compress(maker, maker->encoding == QL_PARQUET_ENCODING_PLAIN_DICTIONARY, stored, err);
}

enum ql_status ql_page_put_data(struct ql_page_maker *maker, struct ql_page_span span, struct ql_page_size *size,
                                struct ql_err *err) {
    struct ql_str stored;
    QL_TRY(make_data(maker, span, &stored, err));
    size_t start = maker->out->len;
    struct ql_thrift header;
    begin_header(&header, maker, QL_PARQUET_PAGE_DATA, stored);
    ql_thrift_begin_struct(&header, 5);
    ql_thrift_put_i32(&header, 1, (int32_t)span.n_rows);
    ql_thrift_put_i32(&header, 2, (int32_t)maker->encoding);
    ql_thrift_put_i32(&header, 3, QL_PARQUET_ENCODING_RLE); /* definition levels */
    ql_thrift_put_i32(&header, 4,
                      QL_PARQUET_ENCODING_RLE); /* repetition levels: a flat column has none, the field is required */
    ql_thrift_end_struct(&header);
    ql_thrift_end_struct(&header);
    end_page(maker, start, stored, size);
    return QL_OK;
}

enum ql_status ql_page_measure_data(struct ql_page_maker *maker, struct ql_page_span span, size_t *stored, struct ql_err *err) {
    struct ql_str bytes;
    QL_TRY(make_data(maker, span, &bytes, err));
    *stored = bytes.len;
    return QL_OK;
}

static enum ql_status make_entries(struct ql_page_maker *maker, size_t from, size_t to, struct ql_str *stored,
                                   struct ql_err *err) {
    const struct ql_chunk_values *values = maker->values;
    const uint64_t *entries = maker->dictionary->entries;
    ql_buf_reset(&maker->payload);
    if (values->n == 0) {
        /* A chunk of NULLs gets one entry that nothing uses: fastparquet loses its place behind an empty page. */
        static const char ZEROS[8] = {0};
        ql_buf_put(&maker->payload, ZEROS, values->type == QL_COLUMN_STRING ? sizeof(uint32_t) : sizeof(uint64_t));
    } else if (values->type == QL_COLUMN_STRING) {
        for (size_t e = from; e < to; e++) {
            ql_plain_put_string(&maker->payload, values->dict[entries[e]]);
        }
    } else {
        ql_buf_put(&maker->payload, entries + from, (to - from) * sizeof *entries);
    }
    return compress(maker, false, stored, err);
}

enum ql_status ql_page_measure_entries(struct ql_page_maker *maker, size_t from, size_t to, size_t *stored,
                                       struct ql_err *err) {
    struct ql_str bytes;
    QL_TRY(make_entries(maker, from, to, &bytes, err));
    *stored = bytes.len;
    return QL_OK;
}

enum ql_status ql_page_put_dictionary(struct ql_page_maker *maker, struct ql_page_size *size, struct ql_err *err) {
    size_t n = maker->dictionary->n;
    struct ql_str stored;
    QL_TRY(make_entries(maker, 0, n, &stored, err));
    size_t start = maker->out->len;
    struct ql_thrift header;
    begin_header(&header, maker, QL_PARQUET_PAGE_DICTIONARY, stored);
    ql_thrift_begin_struct(&header, 7);
    ql_thrift_put_i32(&header, 1, n != 0 ? (int32_t)n : 1); /* the one that stands in for none */
    ql_thrift_put_i32(&header, 2, QL_PARQUET_ENCODING_PLAIN_DICTIONARY);
    ql_thrift_end_struct(&header);
    ql_thrift_end_struct(&header);
    end_page(maker, start, stored, size);
    return QL_OK;
}
