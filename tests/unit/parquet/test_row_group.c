#include "support/test.h"

#include "base/mem.h"
#include "parquet/parquet_internal.h"

#include <stdio.h>

/*
 * Columns are encoded by several threads: bytes and errors must be those of one thread, whoever is fast. Rows are many enough
 * that threads are really started (a group of few values is encoded by the caller alone).
 */
enum { N_COLUMNS = 61, N_ROWS = 6000, NAME_SIZE = 16 };

struct table {
    char names[N_COLUMNS][NAME_SIZE];
    struct ql_column_def defs[N_COLUMNS];
    size_t short_column[2]; /* columns that come a row short; SIZE_MAX: none */
};

struct stored {
    struct ql_buf bytes;
    size_t fail_beyond; /* the write that would go beyond so many bytes fails */
};

static enum ql_status store(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct stored *stored = ctx;
    if (stored->bytes.len + len > stored->fail_beyond) {
        return QL_FAIL(err, QL_E_IO, "disk is full at %zu", stored->bytes.len);
    }
    ql_buf_put(&stored->bytes, ptr, len);
    return QL_OK;
}

static void make_table(struct table *table) {
    for (size_t c = 0; c < N_COLUMNS; c++) {
        int len = snprintf(table->names[c], NAME_SIZE, "c%zu", c);
        table->defs[c] = (struct ql_column_def){.name = {table->names[c], (size_t)len},
                                                .type = c % 3 == 0   ? QL_COLUMN_STRING
                                                        : c % 3 == 1 ? QL_COLUMN_INT64
                                                                     : QL_COLUMN_DOUBLE};
    }
    table->short_column[0] = table->short_column[1] = SIZE_MAX;
}

static uint64_t noise(size_t column, size_t row) {
    uint64_t x = (column * N_ROWS + row) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    return x * UINT64_C(0xbf58476d1ce4e5b9) >> 20;
}

static void fill(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    static const struct ql_str DICT[] = {{"b", 1}, {"a", 1}, {"", 0}, {"unused", 6}, {"c", 1}};
    static const uint32_t CODES[] = {0, 1, 2, 4};
    const struct table *table = ctx;
    uint64_t *values = ql_column_scratch_values(scratch, N_ROWS * sizeof *values);
    uint8_t *is_valid = ql_column_scratch_valid(scratch, N_ROWS);
    for (size_t r = 0; r < N_ROWS; r++) {
        uint64_t x = noise(column, r);
        is_valid[r] = x % 7 != 0;
        if (column % 3 == 0) {
            ((uint32_t *)values)[r] = CODES[x % 4];
        } else if (column % 3 == 1) {
            values[r] = column % 2 != 0 ? x : x % 40;
        } else {
            ((double *)values)[r] = column % 2 != 0 ? (double)x / 3 : (double)(x % 10001) / 1e4;
        }
    }
    bool is_short = column == table->short_column[0] || column == table->short_column[1];
    *out = (struct ql_column){.n_rows = is_short ? N_ROWS - 1 : N_ROWS,
                              .form = column % 3 == 0 ? QL_COLUMN_CODED : QL_COLUMN_VALUES,
                              .v.i64 = (const int64_t *)values,
                              .is_valid = column % 5 == 0 ? is_valid : NULL,
                              .dict = DICT,
                              .n_dict = 5};
}

static enum ql_status write_table(struct table *table, enum ql_codec codec, size_t n_threads, struct stored *stored,
                                  struct ql_err *err) {
    const struct ql_parquet_options options = {.codec = codec, .n_threads = n_threads};
    struct ql_parquet_writer *writer =
        ql_parquet_writer_new_paged(&options, 2500, (struct ql_sink){.write = store, .ctx = stored});
    struct ql_column_sink sink = ql_parquet_writer_sink(writer);
    const struct ql_column_source source = {.fill = fill, .ctx = table};
    const struct ql_schema schema = {.n_columns = N_COLUMNS, .columns = table->defs};
    enum ql_status status = sink.schema(sink.ctx, &schema, err);
    for (int group = 0; group < 2 && status == QL_OK; group++) {
        status = sink.group(sink.ctx, N_ROWS, &source, err);
    }
    status = status == QL_OK ? ql_parquet_writer_finish(writer, NULL, 0, err) : status;
    ql_parquet_writer_free(writer);
    return status;
}

static const size_t THREADS[] = {2, 3, 8, 64, 0};
enum { N_THREADS = sizeof THREADS / sizeof THREADS[0] };

static void bytes_do_not_depend_on_the_number_of_threads(void **state) {
    (void)state;
    static struct table table;
    make_table(&table);
    static const enum ql_codec CODECS[] = {QL_CODEC_NONE, QL_CODEC_SNAPPY, QL_CODEC_ZSTD};
    for (size_t k = 0; k < 3; k++) {
        struct stored one = {.fail_beyond = SIZE_MAX};
        assert_ok(write_table(&table, CODECS[k], 1, &one, err));
        for (size_t t = 0; t < N_THREADS; t++) {
            struct stored many = {.fail_beyond = SIZE_MAX};
            assert_ok(write_table(&table, CODECS[k], THREADS[t], &many, err));
            assert_int_equal(many.bytes.len, one.bytes.len);
            assert_memory_equal(many.bytes.ptr, one.bytes.ptr, one.bytes.len);
            ql_buf_fini(&many.bytes);
        }
        ql_buf_fini(&one.bytes);
    }
}

static void the_first_broken_column_is_the_error(void **state) {
    (void)state;
    static struct table table;
    make_table(&table);
    table.short_column[0] = 40;
    table.short_column[1] = 41;
    for (size_t t = 0; t < N_THREADS; t++) {
        struct stored stored = {.fail_beyond = SIZE_MAX};
        struct ql_err err = {0};
        assert_int_equal(write_table(&table, QL_CODEC_SNAPPY, THREADS[t], &stored, &err), QL_E_INTERNAL);
        assert_string_equal(err.message, "Parquet writer: column 'c40' has 5999 rows in a row group of 6000");
        ql_buf_fini(&stored.bytes);
    }
}

/* What the sink has when it fails, and what it says, is that of one thread; the broken column behind it is never the error. */
static void a_failing_sink_fails_the_same_way(void **state) {
    (void)state;
    static struct table table;
    make_table(&table);
    struct stored whole = {.fail_beyond = SIZE_MAX};
    assert_ok(write_table(&table, QL_CODEC_NONE, 1, &whole, err));
    table.short_column[0] = N_COLUMNS - 1;
    for (size_t limit = 1; limit < whole.bytes.len / 2; limit += whole.bytes.len / 9) {
        struct stored one = {.fail_beyond = limit};
        struct ql_err expected = {0};
        enum ql_status status = write_table(&table, QL_CODEC_NONE, 1, &one, &expected);
        for (size_t t = 0; t < N_THREADS; t++) {
            struct stored many = {.fail_beyond = limit};
            struct ql_err err = {0};
            assert_int_equal(write_table(&table, QL_CODEC_NONE, THREADS[t], &many, &err), status);
            assert_string_equal(err.message, expected.message);
            assert_int_equal(many.bytes.len, one.bytes.len);
            ql_buf_fini(&many.bytes);
        }
        ql_buf_fini(&one.bytes);
    }
    ql_buf_fini(&whole.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(the_first_broken_column_is_the_error),
        cmocka_unit_test(a_failing_sink_fails_the_same_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
