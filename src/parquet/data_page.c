/*
 * Pages in the form that every reader knows (parquet-format README, "Data Pages"; PageHeader in parquet.thrift), version 1.
 *
 * Payload of a data page: definition levels (every column is OPTIONAL and flat: 1 where a value is) behind their length, then
 * the values: PLAIN, or a byte of bit width and the dictionary's indices. The width is the page's own, so that a rare large
 * index costs its page only. The whole payload is compressed at once. The CRC is of the bytes as stored, without the header.
 */
#include "parquet/data_page.h"

#include "base/mem.h"
#include "parquet/format.h"
#include "parquet/kernels.h"
#include "parquet/rle.h"
#include "parquet/thrift.h"

#include <limits.h>

enum { HEADER_SIZE_MAX = 64 }; /* 9 numbers of at most 5 bytes, and their field headers */

void ql_page_maker_fini(struct ql_page_maker *maker) {
    ql_buf_fini(&maker->payload);
    ql_buf_fini(&maker->stored);
    ql_mem_free(maker->levels);
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
    const uint32_t *index = maker->dictionary->index + span.value;
    unsigned width = ql_rle_width(ql_kernels_best()->range_u32(index, span.n_values).max);
    ql_buf_putc(&maker->payload, (char)width);
    ql_rle_put(&maker->payload, index, span.n_values, width);
}

static enum ql_status check_size(size_t len, struct ql_err *err) {
    /* Sizes are int32, in the page index with the header included. */
    return len <= INT_MAX - HEADER_SIZE_MAX ? QL_OK
                                            : QL_FAIL(err, QL_E_LIMIT, "a Parquet page of %zu bytes is beyond 2 GiB", len);
}

/* The payload as it is stored: compressed, or itself. */
static enum ql_status compress(struct ql_page_maker *maker, struct ql_str *stored, struct ql_err *err) {
    struct ql_buf *payload = &maker->payload;
    QL_TRY(check_size(payload->len, err));
    *stored = ql_buf_view(payload);
    if (maker->compressor != NULL) {
        ql_buf_reset(&maker->stored);
        void *room = ql_buf_reserve(&maker->stored, ql_compressor_bound(maker->compressor, payload->len));
        QL_TRY(ql_compressor_run(maker->compressor, payload->ptr, payload->len, room, &maker->stored.len, err));
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
    ql_thrift_put_i32(header, 4, (int32_t)ql_crc32(0, stored.ptr, stored.len));
}

static void end_page(struct ql_page_maker *maker, size_t start, struct ql_str stored, struct ql_page_size *size) {
    size_t header_len = maker->out->len - start;
    ql_buf_put_str(maker->out, stored);
    size->stored = header_len + stored.len;
    size->raw = header_len + maker->payload.len;
}

enum ql_status ql_page_put_data(struct ql_page_maker *maker, struct ql_page_span span, struct ql_page_size *size,
                                struct ql_err *err) {
    bool has_dictionary = maker->dictionary != NULL;
    ql_buf_reset(&maker->payload);
    put_levels(maker, span);
    if (has_dictionary) {
        put_indices(maker, span);
    } else {
        ql_chunk_values_put_plain(maker->values, span.value, span.value + span.n_values, &maker->payload);
    }
    struct ql_str stored;
    QL_TRY(compress(maker, &stored, err));
    size_t start = maker->out->len;
    struct ql_thrift header;
    begin_header(&header, maker, QL_PARQUET_PAGE_DATA, stored);
    ql_thrift_begin_struct(&header, 5);
    ql_thrift_put_i32(&header, 1, (int32_t)span.n_rows);
    ql_thrift_put_i32(&header, 2, has_dictionary ? QL_PARQUET_ENCODING_PLAIN_DICTIONARY : QL_PARQUET_ENCODING_PLAIN);
    ql_thrift_put_i32(&header, 3, QL_PARQUET_ENCODING_RLE); /* definition levels */
    ql_thrift_put_i32(&header, 4,
                      QL_PARQUET_ENCODING_RLE); /* repetition levels: a flat column has none, the field is required */
    ql_thrift_end_struct(&header);
    ql_thrift_end_struct(&header);
    end_page(maker, start, stored, size);
    return QL_OK;
}

/* Returns how many. */
static size_t put_entries(struct ql_page_maker *maker) {
    const struct ql_chunk_values *values = maker->values;
    const struct ql_chunk_dictionary *dictionary = maker->dictionary;
    if (values->n == 0) {
        /* A chunk of NULLs gets one entry that nothing uses: fastparquet loses its place behind an empty page. */
        static const char ZEROS[8] = {0};
        ql_buf_put(&maker->payload, ZEROS, values->type == QL_COLUMN_STRING ? sizeof(uint32_t) : sizeof(uint64_t));
        return 1;
    }
    if (values->type == QL_COLUMN_STRING) {
        for (size_t e = 0; e < dictionary->n; e++) {
            ql_plain_put_string(&maker->payload, values->dict[dictionary->entries[e]]);
        }
    } else {
        ql_buf_put(&maker->payload, dictionary->entries, dictionary->n * sizeof *dictionary->entries);
    }
    return dictionary->n;
}

enum ql_status ql_page_put_dictionary(struct ql_page_maker *maker, struct ql_page_size *size, struct ql_err *err) {
    ql_buf_reset(&maker->payload);
    size_t n_entries = put_entries(maker);
    struct ql_str stored;
    QL_TRY(compress(maker, &stored, err));
    size_t start = maker->out->len;
    struct ql_thrift header;
    begin_header(&header, maker, QL_PARQUET_PAGE_DICTIONARY, stored);
    ql_thrift_begin_struct(&header, 7);
    ql_thrift_put_i32(&header, 1, (int32_t)n_entries);
    ql_thrift_put_i32(&header, 2, QL_PARQUET_ENCODING_PLAIN_DICTIONARY);
    ql_thrift_end_struct(&header);
    ql_thrift_end_struct(&header);
    end_page(maker, start, stored, size);
    return QL_OK;
}
