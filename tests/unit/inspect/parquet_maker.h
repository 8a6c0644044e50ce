/** Small Parquet files in memory, by our own writer; and any bytes as an input. */
#ifndef QL_TESTS_PARQUET_MAKER_H
#define QL_TESTS_PARQUET_MAKER_H

#include "support/test.h"

#include "base/mem.h"
#include "parquet/parquet_internal.h"
#include "parquet/read.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAKER_COLUMNS = 5, MAKER_ROWS = 36 };

struct maker_table {
    int64_t i64[MAKER_ROWS];
    double f64[MAKER_ROWS];
    uint32_t code[MAKER_ROWS];
    uint8_t is_valid[MAKER_ROWS];
    char text[MAKER_ROWS][96];
    struct ql_str dict[MAKER_ROWS];
};

static inline void maker_fill(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct maker_table *table = ctx;
    (void)scratch;
    *out = (struct ql_column){.n_rows = MAKER_ROWS, .is_valid = column % 2 == 0 ? table->is_valid : NULL};
    if (column == 2) {
        out->v.f64 = table->f64;
    } else if (column == 3) {
        out->form = QL_COLUMN_CODED;
        out->v.code = table->code;
        out->dict = table->dict;
        out->n_dict = MAKER_ROWS;
    } else {
        out->v.i64 = table->i64;
    }
}

static inline enum ql_status maker_write(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    (void)err;
    ql_buf_put(ctx, ptr, len);
    return QL_OK;
}

/* kind: what its values are like, so that every encoding has a file. */
static inline void maker_set_values(struct maker_table *table, unsigned kind) {
    uint64_t random = kind + 1;
    for (size_t r = 0; r < MAKER_ROWS; r++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        table->i64[r] = kind % 3 == 0 ? (int64_t)(r * 1000 + random % 7) : kind % 3 == 1 ? (int64_t)(r % 5) : (int64_t)random;
        table->f64[r] = kind % 2 == 0 ? (double)(random % 900) / 8 : 1.0 / (double)(random % 1000 + 3);
        table->is_valid[r] = random % 4 != 0;
        table->code[r] = (uint32_t)(kind % 2 == 0 ? r : r % 4);
        (void)snprintf(table->text[r], sizeof table->text[r], "%s%zu", kind % 3 == 0 ? "queue number " : "q", r * 7919 % 10007);
        table->dict[r] = ql_str_from(table->text[r]);
    }
}

static inline void maker_file(unsigned kind, struct ql_buf *out) {
    static const enum ql_codec CODECS[] = {QL_CODEC_SNAPPY, QL_CODEC_ZSTD, QL_CODEC_NONE};
    static const struct ql_column_def COLUMNS[MAKER_COLUMNS] = {{.name = {"id", 2}, .type = QL_COLUMN_INT64, .is_sorted = true},
                                                                {.name = {"at", 2}, .type = QL_COLUMN_TIMESTAMP_US},
                                                                {.name = {"rate", 4}, .type = QL_COLUMN_DOUBLE},
                                                                {.name = {"queue", 5}, .type = QL_COLUMN_STRING},
                                                                {.name = {"exact", 5}, .type = QL_COLUMN_DECIMAL, .scale = 4}};
    const struct ql_parquet_options options = {
        .compat = kind % 2 == 0 ? QL_PARQUET_BROAD : QL_PARQUET_MODERN, .codec = CODECS[kind / 2 % 3], .n_threads = 1};
    const struct ql_schema schema = {.n_columns = MAKER_COLUMNS, .columns = COLUMNS};
    const struct ql_key_value metadata = {.key = QL_STR("queuelake"), .value = QL_STR("{\"rows\":72}")};
    struct maker_table *table = ql_mem_zalloc(1, sizeof *table);
    struct ql_parquet_writer *writer =
        ql_parquet_writer_new_paged(&options, kind % 4 < 2 ? 15 : 0, (struct ql_sink){.write = maker_write, .ctx = out});
    struct ql_column_sink sink = ql_parquet_writer_sink(writer);
    const struct ql_column_source source = {.fill = maker_fill, .ctx = table};
    maker_set_values(table, kind);
    for (size_t r = 0; r < MAKER_ROWS; r++) {
        table->i64[r] = kind % 3 == 2 ? table->i64[r] >> 8 : table->i64[r]; /* |k| < 10^18 */
    }
    assert_ok(sink.schema(sink.ctx, &schema, err));
    assert_ok(sink.group(sink.ctx, MAKER_ROWS, &source, err));
    maker_set_values(table, kind + 7);
    for (size_t r = 0; r < MAKER_ROWS; r++) {
        table->i64[r] %= 1000000;
    }
    assert_ok(sink.group(sink.ctx, MAKER_ROWS, &source, err));
    assert_ok(ql_parquet_writer_finish(writer, &metadata, 1, err));
    ql_parquet_writer_free(writer);
    ql_mem_free(table);
}

struct maker_bytes {
    const char *ptr;
    size_t len;
};

static inline enum ql_status maker_read(void *ctx, int64_t offset, void *ptr, size_t len, struct ql_err *err) {
    const struct maker_bytes *bytes = ctx;
    (void)err;
    assert_true(offset >= 0 && (uint64_t)offset <= bytes->len && len <= bytes->len - (size_t)offset);
    if (len != 0) {
        memcpy(ptr, bytes->ptr + offset, len);
    }
    return QL_OK;
}

static inline struct ql_parquet_input maker_input(struct maker_bytes *bytes) {
    return (struct ql_parquet_input){.size = (int64_t)bytes->len, .read_at = maker_read, .ctx = bytes};
}

#endif
