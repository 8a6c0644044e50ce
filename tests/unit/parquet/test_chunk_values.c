#include "support/test.h"

#include "base/mem.h"
#include "parquet/chunk_values.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_MAX = 3000 };

static uint64_t next_random(uint64_t *x) {
    *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *x >> 11;
}

static double nearest(int32_t k, unsigned scale) {
    char text[32];
    (void)snprintf(text, sizeof text, "%de-%u", k, scale);
    return strtod(text, NULL);
}

static void assert_value(const struct ql_chunk_values *values, size_t i, uint64_t raw) {
    assert_true(ql_chunk_value(values, i) == raw);
    uint64_t wide;
    ql_chunk_values_widen(values, i, i + 1, &wide);
    assert_true(wide == raw);
}

/* PLAIN of any part is the values one behind the other, also where nothing is aligned. */
static void assert_plain(const struct ql_chunk_values *values, size_t from, size_t to) {
    struct ql_buf out = {0};
    ql_buf_puts(&out, "odd");
    ql_chunk_values_put_plain(values, from, to, &out);
    assert_int_equal(out.len, 3 + (to - from) * 8);
    assert_int_equal(ql_chunk_values_plain_bytes(values, from, to), (to - from) * 8);
    for (size_t i = from; i < to; i++) {
        uint64_t raw;
        memcpy(&raw, out.ptr + 3 + (i - from) * 8, 8);
        assert_true(raw == ql_chunk_value(values, i));
    }
    ql_buf_fini(&out);
}

static void scaled_integers_are_the_nearest_doubles(void **state) {
    (void)state;
    static int32_t k[N_MAX];
    static uint8_t is_valid[N_MAX];
    uint64_t x = 1;
    struct ql_chunk_values values = {.kernels = ql_kernels_for(NULL)};
    for (unsigned scale = 0; scale <= 9; scale++) {
        for (int with_nulls = 0; with_nulls < 2; with_nulls++) {
            size_t n = 0;
            for (size_t i = 0; i < N_MAX; i++) {
                k[i] = i < 2 ? (i == 0 ? INT32_MIN : INT32_MAX) : (int32_t)(uint32_t)(next_random(&x) >> next_random(&x) % 40);
                is_valid[i] = with_nulls ? next_random(&x) % 3 != 0 : 1;
                n += is_valid[i];
            }
            struct ql_column column = {.n_rows = N_MAX,
                                       .form = QL_COLUMN_SCALED,
                                       .v.k = k,
                                       .scale = (uint8_t)scale,
                                       .min_k = INT32_MIN,
                                       .max_k = INT32_MAX,
                                       .is_valid = is_valid};
            assert_ok(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, err));
            assert_int_equal(values.n, n);
            for (size_t i = 0, at = 0; i < N_MAX; i++) {
                if (is_valid[i]) {
                    assert_value(&values, at++, ql_bits_of_double(nearest(k[i], scale)));
                }
            }
            assert_plain(&values, 0, n);
            assert_plain(&values, n / 3, n / 3 + 517);
            assert_plain(&values, 5, 5);
            assert_ok(ql_chunk_values_load(&values, QL_COLUMN_INT64, &column, err)); /* integers have no scale */
            assert_value(&values, n - 1, ql_chunk_value(&values, n - 1));
            assert_plain(&values, 1, n);
        }
    }
    ql_chunk_values_fini(&values);
}

static void codes_stand_for_their_numbers(void **state) {
    (void)state;
    const int64_t numbers[] = {INT64_MIN, 5, INT64_MAX};
    const uint32_t codes[] = {2, 77, 0, 1, 1};
    const uint8_t is_valid[] = {1, 0, 1, 1, 255};
    struct ql_chunk_values values = {.kernels = ql_kernels_for(NULL)};
    struct ql_column column = {
        .n_rows = 5, .form = QL_COLUMN_CODED, .v.code = codes, .numbers = numbers, .n_dict = 3, .is_valid = is_valid};
    assert_ok(ql_chunk_values_load(&values, QL_COLUMN_TIMESTAMP_US, &column, err));
    assert_int_equal(values.n, 4);
    assert_value(&values, 0, INT64_MAX);
    assert_value(&values, 1, (uint64_t)INT64_MIN);
    assert_plain(&values, 0, 4);
    ql_chunk_values_fini(&values);
}

static void what_breaks_the_contract_is_refused(void **state) {
    (void)state;
    const int32_t k[] = {5, 6};
    struct ql_chunk_values values = {.kernels = ql_kernels_for(NULL)};
    struct ql_column column = {.n_rows = 2, .form = QL_COLUMN_SCALED, .v.k = k, .scale = 1, .min_k = 5, .max_k = 6};
    assert_ok(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, err));
    assert_int_equal(ql_chunk_values_load(&values, QL_COLUMN_STRING, &column, NULL), QL_E_INTERNAL);
    column.max_k = 5;
    assert_int_equal(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, NULL), QL_E_INTERNAL);
    column.min_k = column.max_k = 6;
    assert_int_equal(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, NULL), QL_E_INTERNAL);
    column.is_valid = (const uint8_t[]){0, 1}; /* under a NULL it does not matter */
    assert_ok(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, err));
    column.scale = 10;
    assert_int_equal(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, NULL), QL_E_INTERNAL);
    column.form = QL_COLUMN_CODED;
    assert_int_equal(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, NULL), QL_E_INTERNAL);
    ql_chunk_values_fini(&values);
}

/* Each case but for one value that is changed at each place in turn. */
static void doubles_know_whether_they_could_be_scaled(void **state) {
    (void)state;
    static double doubles[N_MAX];
    struct ql_chunk_values values = {.kernels = ql_kernels_for(NULL)};
    struct ql_column column = {.n_rows = N_MAX, .v.f64 = doubles};
    for (unsigned scale = 0; scale <= 9; scale++) {
        for (size_t i = 0; i < N_MAX; i++) {
            doubles[i] = nearest(i % 2 != 0 ? INT32_MAX - (int32_t)i : INT32_MIN + (int32_t)i, scale);
        }
        assert_ok(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, err));
        assert_true(ql_chunk_values_are_scaled(&values));
        const double others[] = {0x1p31 / ql_powers_of_ten[scale], -0.0, 1.0 / 3, 1e300, ql_double_of_bits(0x7ff8000000000000)};
        for (size_t o = 0; o < sizeof others / sizeof others[0]; o++) {
            double kept = doubles[o * 700];
            doubles[o * 700] = others[o];
            assert_ok(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, err));
            assert_false(ql_chunk_values_are_scaled(&values));
            doubles[o * 700] = kept;
        }
    }
    column.n_rows = 0;
    assert_ok(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &column, err));
    assert_false(ql_chunk_values_are_scaled(&values));
    ql_chunk_values_fini(&values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaled_integers_are_the_nearest_doubles),
        cmocka_unit_test(codes_stand_for_their_numbers),
        cmocka_unit_test(what_breaks_the_contract_is_refused),
        cmocka_unit_test(doubles_know_whether_they_could_be_scaled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
