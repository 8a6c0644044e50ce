#include "support/test.h"

#include "base/mem.h"
#include "cpu/cpu.h"
#include "parquet/parquet_internal.h"

#include <stdlib.h>

/*
 * The same values in every form that can hold them, by every kernel: the files are the same bytes. Each table has one column of
 * one shape; shapes are chosen so that every way to rank values, every encoding and both sides of each choice occur.
 */

enum { N_MAX = 80000, N_FORMS = 3 };

struct shape {
    const char *name;
    enum ql_column_type type;
    uint8_t scale;
    uint64_t range; /* of the numbers, from base on */
    int32_t base;
    bool ascends, has_nulls;
};

static const struct shape SHAPES[] = {
    {"counts", QL_COLUMN_INT64, 0, 40, 0, false, false},
    {"a constant", QL_COLUMN_INT64, 0, 1, -7, false, false},
    {"counts with NULLs", QL_COLUMN_INT64, 0, 40, 0, false, true},
    {"ids", QL_COLUMN_INT64, 0, 3000000, -1000, true, false},
    {"sparse integers", QL_COLUMN_INT64, 0, UINT32_MAX, INT32_MIN, false, false},
    {"times", QL_COLUMN_TIMESTAMP_US, 0, 200, 1700000000, true, false},
    {"times without order", QL_COLUMN_TIMESTAMP_US, 0, 5000, -2500, false, true},
    {"rates", QL_COLUMN_DOUBLE, 4, 10001, 0, false, false},
    {"rates with NULLs", QL_COLUMN_DOUBLE, 4, 10001, -5000, false, true},
    {"durations", QL_COLUMN_DOUBLE, 3, 900000, 0, false, false},
    {"whole numbers", QL_COLUMN_DOUBLE, 0, 77, -3, false, false},
    {"nine decimals", QL_COLUMN_DOUBLE, 9, UINT32_MAX, INT32_MIN, false, false},
    {"nine decimals, few", QL_COLUMN_DOUBLE, 9, 300, INT32_MAX - 400, true, true},
    {"decimals", QL_COLUMN_DECIMAL, 4, 10001, -500, false, true},
    {"ascending decimals", QL_COLUMN_DECIMAL, 2, 100000, 0, true, false},
};

struct table {
    const struct shape *shape;
    size_t n_rows;
    int32_t k[N_MAX];
    int64_t i64[N_MAX];
    double f64[N_MAX];
    uint32_t code[N_MAX];
    int64_t numbers[N_MAX];
    size_t n_numbers;
    uint8_t is_valid[N_MAX];
    enum ql_column_form form;
};

static uint64_t next_random(uint64_t *x) {
    *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *x >> 16;
}

static int compare_k(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void make_table(struct table *table, const struct shape *shape, size_t n_rows) {
    static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    static int32_t sorted[N_MAX];
    uint64_t x = n_rows + shape->range;
    table->shape = shape;
    table->n_rows = n_rows;
    for (size_t i = 0; i < n_rows; i++) {
        int64_t value = shape->base + (int64_t)(next_random(&x) % shape->range);
        table->k[i] = value > INT32_MAX ? INT32_MAX : (int32_t)value;
        table->is_valid[i] = !shape->has_nulls || next_random(&x) % 4 != 0;
    }
    memcpy(sorted, table->k, n_rows * sizeof *sorted);
    qsort(sorted, n_rows, sizeof *sorted, compare_k);
    if (shape->ascends) {
        memcpy(table->k, sorted, n_rows * sizeof *sorted);
    }
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        n += i == 0 || sorted[n - 1] != sorted[i];
        sorted[n - 1] = sorted[i];
    }
    table->n_numbers = n;
    for (size_t e = 0; e < n; e++) {
        table->numbers[n - 1 - e] = sorted[e]; /* codes against the order of the values */
    }
    for (size_t i = 0; i < n_rows; i++) {
        table->i64[i] = table->k[i];
        table->f64[i] = table->k[i] / POWERS[shape->scale];
        size_t e = (size_t)((int32_t *)bsearch(&table->k[i], sorted, n, sizeof *sorted, compare_k) - sorted);
        table->code[i] = (uint32_t)(n - 1 - e);
    }
}

static void fill(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct table *table = ctx;
    (void)column;
    (void)scratch;
    *out = (struct ql_column){.n_rows = table->n_rows, .form = table->form};
    out->is_valid = table->shape->has_nulls ? table->is_valid : NULL;
    if (table->form == QL_COLUMN_SCALED) {
        out->v.k = table->k;
        out->scale = table->shape->type == QL_COLUMN_DOUBLE ? table->shape->scale : 0;
        out->min_k = INT32_MIN;
        out->max_k = INT32_MAX;
    } else if (table->form == QL_COLUMN_CODED) {
        out->v.code = table->code;
        out->numbers = table->numbers;
        out->n_dict = table->n_numbers;
    } else if (table->shape->type == QL_COLUMN_DOUBLE) {
        out->v.f64 = table->f64;
    } else {
        out->v.i64 = table->i64;
    }
}

static enum ql_status store(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    (void)err;
    ql_buf_put(ctx, ptr, len);
    return QL_OK;
}

static struct ql_buf write_table(struct table *table, struct ql_parquet_options options, size_t page_rows) {
    struct ql_buf file = {0};
    struct ql_cpu *cpu = NULL; /* read by new, and gone behind it */
    if (options.cpu != NULL) {
        cpu = ql_mem_alloc(sizeof *cpu);
        *cpu = *options.cpu;
        options.cpu = cpu;
    }
    struct ql_parquet_writer *writer =
        ql_parquet_writer_new_paged(&options, page_rows, (struct ql_sink){.write = store, .ctx = &file});
    ql_mem_free(cpu);
    struct ql_column_sink sink = ql_parquet_writer_sink(writer);
    struct ql_column_def def = {.name = QL_STR("c"), .type = table->shape->type, .scale = table->shape->scale};
    const struct ql_column_source source = {.fill = fill, .ctx = table};
    assert_ok(sink.schema(sink.ctx, &(struct ql_schema){.n_columns = 1, .columns = &def}, err));
    assert_ok(sink.group(sink.ctx, table->n_rows, &source, err));
    assert_ok(sink.group(sink.ctx, table->n_rows, &source, err));
    assert_ok(ql_parquet_writer_finish(writer, NULL, 0, err));
    ql_parquet_writer_free(writer);
    return file;
}

static bool has_form(enum ql_column_type type, enum ql_column_form form) {
    return form == QL_COLUMN_VALUES || (form == QL_COLUMN_SCALED && type != QL_COLUMN_TIMESTAMP_US) ||
           (form == QL_COLUMN_CODED && (type == QL_COLUMN_INT64 || type == QL_COLUMN_TIMESTAMP_US));
}

static void check_forms(struct table *table, struct ql_parquet_options options, size_t page_rows) {
    struct ql_cpu native;
    ql_cpu_detect(&native, QL_CPU_NATIVE);
    table->form = QL_COLUMN_VALUES;
    options.cpu = NULL;
    struct ql_buf want = write_table(table, options, page_rows);
    for (int f = 0; f < N_FORMS; f++) {
        table->form = (enum ql_column_form)f;
        for (int k = 0; k < 2 && has_form(table->shape->type, table->form); k++) {
            options.cpu = k == 0 ? NULL : &native;
            struct ql_buf got = write_table(table, options, page_rows);
            if (got.len != want.len || memcmp(got.ptr, want.ptr, want.len) != 0) {
                fail_msg("%s, %zu rows, codec %d, compat %d, pages of %zu: form %d gives other bytes", table->shape->name,
                         table->n_rows, (int)options.codec, (int)options.compat, page_rows, f);
            }
            ql_buf_fini(&got);
        }
    }
    ql_buf_fini(&want);
}

static void bytes_do_not_depend_on_the_form(void **state) {
    (void)state;
    static struct table table;
    static const size_t LENS[] = {1, 48, 129, 2000, 20000};
    static const size_t PAGES[] = {0, 700};
    for (size_t s = 0; s < sizeof SHAPES / sizeof SHAPES[0]; s++) {
        for (size_t l = 0; l < sizeof LENS / sizeof LENS[0]; l++) {
            make_table(&table, &SHAPES[s], LENS[l]);
            for (int o = 0; o < 12; o++) {
                struct ql_parquet_options options = {
                    .codec = (enum ql_codec)(o % 3), .level = 1, .n_threads = 1, .compat = (enum ql_parquet_compat)(o / 3 % 2)};
                check_forms(&table, options, PAGES[o / 6]);
            }
        }
    }
}

/* More rows than are tried as a whole: the encoding is chosen by samples. */
static void samples_do_not_depend_on_the_form(void **state) {
    (void)state;
    static struct table table;
    for (size_t s = 0; s < sizeof SHAPES / sizeof SHAPES[0]; s++) {
        make_table(&table, &SHAPES[s], N_MAX);
        for (int o = 0; o < 2; o++) {
            struct ql_parquet_options options = {
                .codec = QL_CODEC_SNAPPY, .n_threads = 1, .compat = o == 0 ? QL_PARQUET_BROAD : QL_PARQUET_MODERN};
            check_forms(&table, options, 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bytes_do_not_depend_on_the_form),
                                       cmocka_unit_test(samples_do_not_depend_on_the_form)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
