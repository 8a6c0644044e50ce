/*
 * The footer (FileMetaData in parquet.thrift): schema, row groups, statistics, key-value metadata.
 *
 * A footer's size is row groups times columns, and in a wide file it is a third of all bytes, so nothing optional is written
 * that no reader needs: no encoding or size statistics, no offsets and ordinals of row groups. What is written although the
 * format calls it optional or doubtful: path_in_schema (readers fail without it), values of keys (Spark and parquet-go fail
 * without), null_count and, for doubles, nan_count (DuckDB answers isnan() from it), column_orders (bounds are ignored
 * without), version 1 (the format asks writers for it). Statistics carry min_value and max_value only, never the old fields.
 */
#include "parquet/footer.h"

#include "parquet/format.h"
#include "parquet/page_index.h"
#include "parquet/thrift.h"

#include "queuelake/version.h"

#include <limits.h>

/* "<application> version <version> (build <hash>)" is the form that parquet-java parses; readers know bugs of writers by it.
 * The hash is a constant because equal data must be equal bytes. */
#define CREATED_BY "queuelake version " QUEUELAKE_FORMAT_VERSION " (build 0000000)"

void ql_footer_fini(struct ql_footer *footer) {
    ql_mem_free(footer->chunks);
    ql_mem_free(footer->groups);
    ql_buf_fini(&footer->column_indexes);
    ql_buf_fini(&footer->offset_indexes);
    ql_arena_fini(&footer->arena);
    *footer = (struct ql_footer){0};
}

void ql_footer_add_group(struct ql_footer *footer, size_t n_rows) {
    QL_MEM_GROW(footer->groups, footer->groups_cap, footer->n_groups + 1);
    footer->groups[footer->n_groups++] = (struct ql_footer_group){.n_rows = (int64_t)n_rows, .first_chunk = footer->n_chunks};
    footer->n_rows += (int64_t)n_rows;
}

static void add_page_index(struct ql_footer *footer, struct ql_footer_chunk *entry, const struct ql_column_chunk *chunk) {
    ql_buf_put_str(&footer->column_indexes, ql_buf_view(&chunk->column_index));
    entry->column_index_len = (uint32_t)chunk->column_index.len;
    size_t start = footer->offset_indexes.len;
    ql_page_index_put_offsets(chunk, entry->offset, &footer->offset_indexes);
    entry->offset_index_len = (uint32_t)(footer->offset_indexes.len - start);
}

static struct ql_str copy_bound(struct ql_footer *footer, struct ql_str bound) {
    if (bound.ptr != NULL) { /* NULL: no bound, which is not the empty one */
        bound.ptr = ql_arena_copy(&footer->arena, bound.ptr, bound.len);
    }
    return bound;
}

void ql_footer_add_chunk(struct ql_footer *footer, const struct ql_column_chunk *chunk, int64_t offset) {
    struct ql_footer_chunk entry = {
        .offset = offset,
        .data_offset = offset + (int64_t)chunk->dictionary_size,
        .n_values = (int64_t)chunk->n_rows,
        .n_null = (int64_t)chunk->n_null,
        .n_nan = (int64_t)chunk->n_nan,
        .raw = (int64_t)chunk->raw_bytes,
        .stored = (int64_t)chunk->bytes.len,
        .bounds = {.min = copy_bound(footer, chunk->bounds.min), .max = copy_bound(footer, chunk->bounds.max)},
        .encoding = chunk->encoding,
    };
    if (chunk->n_pages > 1) {
        add_page_index(footer, &entry, chunk);
    }
    QL_MEM_GROW(footer->chunks, footer->chunks_cap, footer->n_chunks + 1);
    footer->chunks[footer->n_chunks++] = entry;
}

static enum ql_parquet_type physical_type(enum ql_column_type type) {
    switch (type) {
    case QL_COLUMN_DOUBLE:
        return QL_PARQUET_TYPE_DOUBLE;
    case QL_COLUMN_STRING:
        return QL_PARQUET_TYPE_BYTE_ARRAY;
    case QL_COLUMN_INT64:
    case QL_COLUMN_TIMESTAMP_US:
    case QL_COLUMN_DECIMAL:
        break;
    }
    return QL_PARQUET_TYPE_INT64;
}

/* Digits of every DECIMAL. INT32 would do for values below 10^9 only, and the schema is known before any value is, so that it
 * can promise no less than what the contract allows: |k| < 10^18, which is INT64. */
enum { DECIMAL_PRECISION = 18 };

/* The old form of a logical type, and what belongs to it: without it DuckDB and fastparquet read strings as bytes. */
static void put_converted_type(struct ql_thrift *thrift, const struct ql_column_def *column) {
    if (column->type == QL_COLUMN_STRING) {
        ql_thrift_put_i32(thrift, 6, QL_PARQUET_CONVERTED_UTF8);
    } else if (column->type == QL_COLUMN_TIMESTAMP_US) {
        ql_thrift_put_i32(thrift, 6, QL_PARQUET_CONVERTED_TIMESTAMP_MICROS);
    } else {
        ql_thrift_put_i32(thrift, 6, QL_PARQUET_CONVERTED_DECIMAL);
        ql_thrift_put_i32(thrift, 7, column->scale);
        ql_thrift_put_i32(thrift, 8, DECIMAL_PRECISION);
    }
}

/* And the new one: without it Polars and DuckDB read timestamps without their zone. */
static void put_logical_type(struct ql_thrift *thrift, const struct ql_column_def *column) {
    ql_thrift_begin_struct(thrift, 10);
    if (column->type == QL_COLUMN_STRING) {
        ql_thrift_put_empty_struct(thrift, QL_PARQUET_LOGICAL_STRING);
    } else if (column->type == QL_COLUMN_TIMESTAMP_US) {
        ql_thrift_begin_struct(thrift, QL_PARQUET_LOGICAL_TIMESTAMP);
        ql_thrift_put_bool(thrift, 1, true);   /* isAdjustedToUTC */
        ql_thrift_begin_struct(thrift, 2);     /* unit */
        ql_thrift_put_empty_struct(thrift, 2); /* MICROS */
        ql_thrift_end_struct(thrift);
        ql_thrift_end_struct(thrift);
    } else {
        ql_thrift_begin_struct(thrift, QL_PARQUET_LOGICAL_DECIMAL);
        ql_thrift_put_i32(thrift, 1, column->scale);
        ql_thrift_put_i32(thrift, 2, DECIMAL_PRECISION);
        ql_thrift_end_struct(thrift);
    }
    ql_thrift_end_struct(thrift);
}

static void put_schema(const struct ql_footer *footer, struct ql_thrift *thrift) {
    ql_thrift_begin_list(thrift, 2, QL_THRIFT_STRUCT, footer->schema.n_columns + 1);
    ql_thrift_begin_element(thrift);
    ql_thrift_put_binary(thrift, 4, QL_STR("schema"));
    ql_thrift_put_i32(thrift, 5, (int32_t)footer->schema.n_columns);
    ql_thrift_end_struct(thrift);
    for (size_t c = 0; c < footer->schema.n_columns; c++) {
        const struct ql_column_def *column = &footer->schema.columns[c];
        ql_thrift_begin_element(thrift);
        ql_thrift_put_i32(thrift, 1, (int32_t)physical_type(column->type));
        ql_thrift_put_i32(thrift, 3, QL_PARQUET_REPETITION_OPTIONAL);
        ql_thrift_put_binary(thrift, 4, column->name);
        if (column->type != QL_COLUMN_INT64 && column->type != QL_COLUMN_DOUBLE) {
            put_converted_type(thrift, column);
            put_logical_type(thrift, column);
        }
        ql_thrift_end_struct(thrift);
    }
}

static void put_statistics(struct ql_thrift *thrift, const struct ql_footer_chunk *chunk, enum ql_column_type type) {
    ql_thrift_begin_struct(thrift, 12);
    ql_thrift_put_i64(thrift, 3, chunk->n_null);
    if (chunk->bounds.max.ptr != NULL) {
        ql_thrift_put_binary(thrift, 5, chunk->bounds.max);
    }
    if (chunk->bounds.min.ptr != NULL) {
        ql_thrift_put_binary(thrift, 6, chunk->bounds.min);
    }
    if (type == QL_COLUMN_DOUBLE) {
        ql_thrift_put_i64(thrift, 9, chunk->n_nan);
    }
    ql_thrift_end_struct(thrift);
}

static enum ql_parquet_codec parquet_codec(enum ql_codec codec) {
    switch (codec) {
    case QL_CODEC_SNAPPY:
        return QL_PARQUET_CODEC_SNAPPY;
    case QL_CODEC_ZSTD:
        return QL_PARQUET_CODEC_ZSTD;
    case QL_CODEC_NONE:
        break;
    }
    return QL_PARQUET_CODEC_UNCOMPRESSED;
}

static void put_column_metadata(const struct ql_footer *footer, struct ql_thrift *thrift, const struct ql_footer_chunk *chunk,
                                const struct ql_column_def *column) {
    bool has_dictionary = chunk->encoding == QL_PARQUET_ENCODING_PLAIN_DICTIONARY;
    ql_thrift_begin_struct(thrift, 3);
    ql_thrift_put_i32(thrift, 1, (int32_t)physical_type(column->type));
    ql_thrift_begin_list(thrift, 2, QL_THRIFT_I32, 2); /* with PLAIN beside the dictionary parquet-java would not prune by it */
    ql_thrift_add_i32(thrift, (int32_t)chunk->encoding);
    ql_thrift_add_i32(thrift, QL_PARQUET_ENCODING_RLE);
    ql_thrift_begin_list(thrift, 3, QL_THRIFT_BINARY, 1);
    ql_thrift_add_binary(thrift, column->name);
    ql_thrift_put_i32(thrift, 4, (int32_t)parquet_codec(footer->codec));
    ql_thrift_put_i64(thrift, 5, chunk->n_values);
    ql_thrift_put_i64(thrift, 6, chunk->raw);
    ql_thrift_put_i64(thrift, 7, chunk->stored);
    ql_thrift_put_i64(thrift, 9, chunk->data_offset);
    if (has_dictionary) {
        ql_thrift_put_i64(thrift, 11, chunk->offset);
    }
    put_statistics(thrift, chunk, column->type);
    ql_thrift_end_struct(thrift);
}

/* Where the indexes of the next chunk begin in the file. */
struct index_offsets {
    int64_t column, offset;
};

static void put_chunk(const struct ql_footer *footer, struct ql_thrift *thrift, const struct ql_footer_chunk *chunk,
                      const struct ql_column_def *column, struct index_offsets *at) {
    ql_thrift_begin_element(thrift);
    ql_thrift_put_i64(thrift, 2, 0); /* file_offset: required, deprecated */
    put_column_metadata(footer, thrift, chunk, column);
    if (chunk->offset_index_len != 0) {
        ql_thrift_put_i64(thrift, 4, at->offset);
        ql_thrift_put_i32(thrift, 5, (int32_t)chunk->offset_index_len);
        at->offset += chunk->offset_index_len;
    }
    if (chunk->column_index_len != 0) {
        ql_thrift_put_i64(thrift, 6, at->column);
        ql_thrift_put_i32(thrift, 7, (int32_t)chunk->column_index_len);
        at->column += chunk->column_index_len;
    }
    ql_thrift_end_struct(thrift);
}

static void put_sorting(const struct ql_footer *footer, struct ql_thrift *thrift) {
    size_t n = 0;
    for (size_t c = 0; c < footer->schema.n_columns; c++) {
        n += footer->schema.columns[c].is_sorted;
    }
    if (n == 0) {
        return;
    }
    ql_thrift_begin_list(thrift, 4, QL_THRIFT_STRUCT, n);
    for (size_t c = 0; c < footer->schema.n_columns; c++) {
        if (footer->schema.columns[c].is_sorted) {
            ql_thrift_begin_element(thrift);
            ql_thrift_put_i32(thrift, 1, (int32_t)c);
            ql_thrift_put_bool(thrift, 2, false); /* descending */
            ql_thrift_put_bool(thrift, 3, false); /* nulls_first; columns that rows are sorted by have none */
            ql_thrift_end_struct(thrift);
        }
    }
}

static void put_group(const struct ql_footer *footer, struct ql_thrift *thrift, const struct ql_footer_group *group,
                      struct index_offsets *at) {
    const struct ql_footer_chunk *chunks = footer->chunks + group->first_chunk;
    size_t n = footer->schema.n_columns;
    int64_t raw = 0;
    ql_thrift_begin_element(thrift);
    ql_thrift_begin_list(thrift, 1, QL_THRIFT_STRUCT, n);
    for (size_t c = 0; c < n; c++) {
        put_chunk(footer, thrift, &chunks[c], &footer->schema.columns[c], at);
        raw += chunks[c].raw;
    }
    ql_thrift_put_i64(thrift, 2, raw);
    ql_thrift_put_i64(thrift, 3, group->n_rows);
    put_sorting(footer, thrift);
    ql_thrift_end_struct(thrift);
}

static void put_key_values(struct ql_thrift *thrift, const struct ql_key_value *metadata, size_t n) {
    if (n == 0) {
        return;
    }
    ql_thrift_begin_list(thrift, 5, QL_THRIFT_STRUCT, n);
    for (size_t i = 0; i < n; i++) {
        ql_thrift_begin_element(thrift);
        ql_thrift_put_binary(thrift, 1, metadata[i].key);
        ql_thrift_put_binary(thrift, 2, metadata[i].value);
        ql_thrift_end_struct(thrift);
    }
}

static void put_column_orders(const struct ql_footer *footer, struct ql_thrift *thrift) {
    ql_thrift_begin_list(thrift, 7, QL_THRIFT_STRUCT, footer->schema.n_columns);
    for (size_t c = 0; c < footer->schema.n_columns; c++) {
        ql_thrift_begin_element(thrift);
        ql_thrift_put_empty_struct(thrift, 1); /* TYPE_ORDER */
        ql_thrift_end_struct(thrift);
    }
}

enum ql_status ql_footer_put(const struct ql_footer *footer, int64_t offset, const struct ql_key_value *metadata,
                             size_t n_metadata, struct ql_buf *out, struct ql_err *err) {
    struct index_offsets at = {.column = offset, .offset = offset + (int64_t)footer->column_indexes.len};
    ql_buf_put_str(out, ql_buf_view(&footer->column_indexes));
    ql_buf_put_str(out, ql_buf_view(&footer->offset_indexes));
    enum { CHUNK_BYTES = 112 }; /* as most chunks have them, names of 30 bytes: a buffer that grows is copied */
    (void)ql_buf_reserve(out, footer->n_chunks * CHUNK_BYTES + footer->schema.n_columns * CHUNK_BYTES / 2);
    size_t start = out->len;
    struct ql_thrift thrift;
    ql_thrift_init(&thrift, out);
    ql_thrift_put_i32(&thrift, 1, 1);
    put_schema(footer, &thrift);
    ql_thrift_put_i64(&thrift, 3, footer->n_rows);
    ql_thrift_begin_list(&thrift, 4, QL_THRIFT_STRUCT, footer->n_groups);
    for (size_t g = 0; g < footer->n_groups; g++) {
        put_group(footer, &thrift, &footer->groups[g], &at);
    }
    put_key_values(&thrift, metadata, n_metadata);
    ql_thrift_put_binary(&thrift, 6, QL_STR(CREATED_BY));
    put_column_orders(footer, &thrift);
    ql_thrift_end_struct(&thrift);
    if (out->len - start > INT_MAX) {
        return QL_FAIL(err, QL_E_LIMIT, "the Parquet footer of %zu bytes is beyond 2 GiB", out->len - start);
    }
    uint32_t len = (uint32_t)(out->len - start);
    ql_buf_put(out, &len, sizeof len);
    ql_buf_puts(out, QL_PARQUET_MAGIC);
    return QL_OK;
}
