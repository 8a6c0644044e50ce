#include "support/test.h"

#include "base/mem.h"
#include "parquet/parquet_internal.h"

#include <stdio.h>

/*
 * What files hold is judged by foreign readers in tests/interop; here is what a caller of the writer sees.
 */

struct stored {
    struct ql_buf bytes;
    size_t n_writes;
    size_t fail_at; /* number of the write that fails; 0: none */
};

static enum ql_status store(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct stored *stored = ctx;
    stored->n_writes++;
    if (stored->n_writes == stored->fail_at) {
        return QL_FAIL(err, QL_E_IO, "disk is full");
    }
    ql_buf_put(&stored->bytes, ptr, len);
    return QL_OK;
}

static struct ql_parquet_writer *new_writer(enum ql_codec codec, struct stored *stored) {
    return ql_parquet_writer_new(&(struct ql_parquet_options){.codec = codec}, (struct ql_sink){.write = store, .ctx = stored});
}

/* A row group whose columns lie in an array. */
static void fill_given(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    (void)scratch;
    *out = ((const struct ql_column *)ctx)[column];
}
static enum ql_status put_group(struct ql_parquet_writer *writer, size_t n_rows, struct ql_column *columns,
                                struct ql_err *err) {
    struct ql_column_sink sink = ql_parquet_writer_sink(writer);
    return sink.group(sink.ctx, n_rows, &(struct ql_column_source){.fill = fill_given, .ctx = columns}, err);
}

/*
 * One INT64 'n' of 10, NULL, 30, uncompressed. Put together by hand from parquet-format's parquet.thrift and Encodings.md; the
 * CRC by Python's zlib; pyarrow and DuckDB read these very bytes.
 */
static const unsigned char
    SMALLEST[] =
        {
            'P',  'A',  'R',  '1',                                            /* magic */
            0x15, 0x00, 0x15, 0x2c, 0x15, 0x2c, 0x15, 0xf6, 0xc2, 0x9e, 0x5d, /* data, 22, 22, CRC */
            0x1c, 0x15, 0x06, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00, /* 3 values, PLAIN, RLE, RLE */
            0x02, 0x00, 0x00, 0x00, 0x03, 0x05,                               /* levels 1 0 1 */
            10,   0,    0,    0,    0,    0,    0,    0,    30,   0,    0,    0,    0,    0,   0,   0, /* values */
            0x15, 0x02, 0x19, 0x2c,                                                       /* version 1, 2 elements */
            0x48, 0x06, 's',  'c',  'h',  'e',  'm',  'a',  0x15, 0x02, 0x00,             /* the root */
            0x15, 0x04, 0x25, 0x02, 0x18, 0x01, 'n',  0x00,                               /* INT64 OPTIONAL n */
            0x16, 0x06, 0x19, 0x1c, 0x19, 0x1c, 0x26, 0x00, 0x1c,                         /* 3 rows, group, chunk */
            0x15, 0x04, 0x19, 0x25, 0x00, 0x06, 0x19, 0x18, 0x01, 'n',  0x15, 0x00,       /* type, encodings, path */
            0x16, 0x06, 0x16, 0x58, 0x16, 0x58, 0x26, 0x08,                               /* values, sizes, offset 4 */
            0x3c, 0x36, 0x02,                                                             /* one NULL */
            0x28, 0x08, 30,   0,    0,    0,    0,    0,    0,    0,                      /* max_value */
            0x18, 0x08, 10,   0,    0,    0,    0,    0,    0,    0,    0x00, 0x00, 0x00, /* min_value */
            0x16, 0x58, 0x16, 0x06, 0x00,                                                 /* bytes, rows */
            0x28, 0x27, 'q',  'u',  'e',  'u',  'e',  'l',  'a',  'k',  'e',  ' ',  'v',  'e', 'r', 's',
            'i',  'o',  'n',  ' ',  '1',  '.',  '0',  '.',  '0',  ' ',  '(',  'b',  'u',  'i', 'l', 'd',
            ' ',  '0',  '0',  '0',  '0',  '0',  '0',  '0',  ')', /* created_by
                                                                  */
            0x19, 0x1c, 0x1c, 0x00, 0x00, 0x00,                  /* TYPE_ORDER */
            0x82, 0x00, 0x00, 0x00, 'P',  'A',  'R',  '1',       /* 130 bytes of footer */
};

static void the_smallest_file_is_as_made_by_hand(void **state) {
    (void)state;
    struct stored stored = {0};
    struct ql_parquet_writer *writer = new_writer(QL_CODEC_NONE, &stored);
    struct ql_column_sink sink = ql_parquet_writer_sink(writer);
    char name[] = "n";
    struct ql_column_def def = {.name = ql_str_from(name), .type = QL_COLUMN_INT64};
    assert_ok(sink.schema(sink.ctx, &(struct ql_schema){.n_columns = 1, .columns = &def}, err));
    name[0] = 'x'; /* the schema was copied */
    def = (struct ql_column_def){0};
    const int64_t numbers[] = {10, 77, 30};
    const uint8_t is_valid[] = {1, 0, 1};
    assert_ok(put_group(writer, 3, &(struct ql_column){.n_rows = 3, .v.i64 = numbers, .is_valid = is_valid}, err));
    assert_int_equal(ql_parquet_writer_bytes(writer), 48); /* magic and page, sent or not */
    assert_ok(ql_parquet_writer_finish(writer, NULL, 0, err));
    assert_int_equal(stored.bytes.len, sizeof SMALLEST);
    assert_memory_equal(stored.bytes.ptr, SMALLEST, sizeof SMALLEST);
    assert_int_equal(ql_parquet_writer_bytes(writer), sizeof SMALLEST);
    ql_parquet_writer_free(writer);
    ql_buf_fini(&stored.bytes);
}

static const struct ql_column_def TWO[] = {{.name = {"a", 1}, .type = QL_COLUMN_INT64},
                                           {.name = {"b", 1}, .type = QL_COLUMN_DOUBLE}};
static const struct ql_schema TWO_COLUMNS = {.n_columns = 2, .columns = TWO};

static void calls_out_of_order_are_refused(void **state) {
    (void)state;
    struct stored stored = {0};
    struct ql_parquet_writer *writer = new_writer(QL_CODEC_SNAPPY, &stored);
    struct ql_column_sink sink = ql_parquet_writer_sink(writer);
    const int64_t numbers[] = {1, 2, 3};
    struct ql_column columns[] = {{.n_rows = 3, .v.i64 = numbers}, {.n_rows = 3, .v.f64 = (const double[]){1, 2, 3}}};
    struct ql_column shorter[] = {{.n_rows = 3, .v.i64 = numbers}, {.n_rows = 2, .v.i64 = numbers}};
    assert_int_equal(ql_parquet_writer_finish(writer, NULL, 0, NULL), QL_E_INTERNAL);
    assert_int_equal(put_group(writer, 3, columns, NULL), QL_E_INTERNAL);
    assert_ok(sink.schema(sink.ctx, &TWO_COLUMNS, err));
    assert_int_equal(sink.schema(sink.ctx, &TWO_COLUMNS, NULL), QL_E_INTERNAL);
    struct ql_err refusal = {0};
    assert_int_equal(put_group(writer, 3, shorter, &refusal), QL_E_INTERNAL);
    assert_string_equal(refusal.message, "Parquet writer: column 'b' has 2 rows in a row group of 3");
    assert_int_equal(put_group(writer, (size_t)INT32_MAX + 1, columns, NULL), QL_E_LIMIT);
    ql_parquet_writer_free(writer);
    ql_buf_fini(&stored.bytes);

    stored = (struct stored){0};
    writer = new_writer(QL_CODEC_SNAPPY, &stored);
    sink = ql_parquet_writer_sink(writer);
    assert_ok(sink.schema(sink.ctx, &TWO_COLUMNS, err));
    assert_ok(put_group(writer, 3, columns, err));
    assert_ok(put_group(writer, 0, shorter, err)); /* accepted, not written, its columns not asked for */
    assert_ok(ql_parquet_writer_finish(writer, NULL, 0, err));
    assert_int_equal(ql_parquet_writer_finish(writer, NULL, 0, NULL), QL_E_INTERNAL);
    assert_int_equal(put_group(writer, 3, columns, NULL), QL_E_INTERNAL);
    ql_parquet_writer_free(writer);
    ql_buf_fini(&stored.bytes);
}

enum { WIDE_COLUMNS = 3000, WIDE_ROWS = 48, NAME_SIZE = 24 };

static void fill_wide(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    int64_t *numbers = ql_column_scratch_values(scratch, WIDE_ROWS * sizeof *numbers);
    (void)ctx;
    for (size_t r = 0; r < WIDE_ROWS; r++) {
        numbers[r] = (int64_t)((r * 2654435761u + column * 40503u) % 1000000007u);
    }
    *out = (struct ql_column){.n_rows = WIDE_ROWS, .v.i64 = numbers};
}

/* A wide table of many small chunks. */
static enum ql_status write_wide(struct stored *stored, struct ql_err *err) {
    static char names[WIDE_COLUMNS][NAME_SIZE];
    static struct ql_column_def defs[WIDE_COLUMNS];
    for (size_t c = 0; c < WIDE_COLUMNS; c++) {
        int len = snprintf(names[c], NAME_SIZE, "calls_offered_%zu", c);
        defs[c] = (struct ql_column_def){.name = {names[c], (size_t)len}, .type = QL_COLUMN_INT64};
    }
    struct ql_parquet_writer *writer = new_writer(QL_CODEC_SNAPPY, stored);
    struct ql_column_sink sink = ql_parquet_writer_sink(writer);
    const struct ql_column_source source = {.fill = fill_wide};
    enum ql_status status = sink.schema(sink.ctx, &(struct ql_schema){.n_columns = WIDE_COLUMNS, .columns = defs}, err);
    status = status == QL_OK ? sink.group(sink.ctx, WIDE_ROWS, &source, err) : status;
    status = status == QL_OK ? ql_parquet_writer_finish(writer, NULL, 0, err) : status;
    assert_true(status != QL_OK || ql_parquet_writer_bytes(writer) == (int64_t)stored->bytes.len);
    ql_parquet_writer_free(writer);
    return status;
}

static void small_chunks_reach_the_sink_together(void **state) {
    (void)state;
    struct stored stored = {0};
    assert_ok(write_wide(&stored, err));
    assert_true(stored.bytes.len > (size_t)WIDE_COLUMNS * 300);
    assert_true(stored.n_writes < 10);
    ql_buf_fini(&stored.bytes);
}

static void what_the_sink_says_comes_back_whenever_it_says_it(void **state) {
    (void)state;
    struct stored whole = {0};
    assert_ok(write_wide(&whole, err));
    for (size_t fail_at = 1; fail_at <= whole.n_writes; fail_at++) {
        struct stored stored = {.fail_at = fail_at};
        struct ql_err err = {0};
        assert_int_equal(write_wide(&stored, &err), QL_E_IO);
        assert_string_equal(err.message, "disk is full");
        ql_buf_fini(&stored.bytes);
    }
    ql_buf_fini(&whole.bytes);
}

/* 300,000 rows of noise make a chunk larger than what is gathered: it goes out by itself, in its place. */
static void large_chunks_pass_in_order(void **state) {
    (void)state;
    enum { N = 300000 };
    struct stored stored[2] = {{.n_writes = 0}, {.n_writes = 0}};
    double *noise = ql_mem_realloc(NULL, N, sizeof *noise);
    int64_t *numbers = ql_mem_realloc(NULL, N, sizeof *numbers);
    for (size_t i = 0; i < N; i++) {
        noise[i] = (double)(i * UINT64_C(0x9e3779b97f4a7c15) >> 12) * 1.1;
        numbers[i] = (int64_t)(i % 5);
    }
    for (int round = 0; round < 2; round++) {
        struct ql_parquet_writer *writer = new_writer(QL_CODEC_ZSTD, &stored[round]);
        struct ql_column_sink sink = ql_parquet_writer_sink(writer);
        assert_ok(sink.schema(sink.ctx, &TWO_COLUMNS, err));
        for (int group = 0; group < 2; group++) {
            struct ql_column columns[] = {{.n_rows = N, .v.i64 = numbers}, {.n_rows = N, .v.f64 = noise}};
            assert_ok(put_group(writer, N, columns, err));
        }
        assert_ok(ql_parquet_writer_finish(writer, NULL, 0, err));
        assert_int_equal(ql_parquet_writer_bytes(writer), stored[round].bytes.len);
        ql_parquet_writer_free(writer);
    }
    assert_memory_equal(stored[0].bytes.ptr, "PAR1", 4);
    assert_int_equal(stored[0].bytes.len, stored[1].bytes.len);
    assert_memory_equal(stored[0].bytes.ptr, stored[1].bytes.ptr, stored[0].bytes.len);
    ql_buf_fini(&stored[0].bytes);
    ql_buf_fini(&stored[1].bytes);
    ql_mem_free(noise);
    ql_mem_free(numbers);
}

static void a_writer_that_was_never_used_is_freed(void **state) {
    (void)state;
    struct stored stored = {0};
    ql_parquet_writer_free(new_writer(QL_CODEC_ZSTD, &stored));
    ql_parquet_writer_free(NULL);
    assert_int_equal(stored.n_writes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_file_is_as_made_by_hand),
        cmocka_unit_test(calls_out_of_order_are_refused),
        cmocka_unit_test(small_chunks_reach_the_sink_together),
        cmocka_unit_test(what_the_sink_says_comes_back_whenever_it_says_it),
        cmocka_unit_test(large_chunks_pass_in_order),
        cmocka_unit_test(a_writer_that_was_never_used_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
