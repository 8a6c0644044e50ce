#include "support/test.h"

#include "base/mem.h"
#include "parquet/chunk_dictionary.h"

enum { N_MAX = 20000 };

static uint64_t next_random(uint64_t *x) {
    *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *x >> 11;
}

static void load(struct ql_chunk_values *values, enum ql_column_type type, const struct ql_column *column) {
    values->kernels = ql_kernels_for(NULL);
    assert_ok(ql_chunk_values_load(values, type, column, err));
}

/* Entries ascend without equals, every one is used, and each index leads back to its value. */
static void assert_exact(const struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values) {
    uint8_t *is_used = ql_mem_zalloc(dictionary->n, 1);
    for (size_t i = 0; i < values->n; i++) {
        assert_true(dictionary->index[i] < dictionary->n);
        assert_true(dictionary->entries[dictionary->index[i]] == ql_chunk_value(values, i)); /* by bits */
        is_used[dictionary->index[i]] = 1;
    }
    for (size_t e = 0; e < dictionary->n; e++) {
        assert_int_equal(is_used[e], 1);
        if (e > 0) {
            uint64_t a = dictionary->entries[e - 1];
            uint64_t b = dictionary->entries[e];
            bool is_zeros = values->type == QL_COLUMN_DOUBLE && ql_double_of_bits(a) == 0 && ql_double_of_bits(b) == 0;
            assert_true(ql_chunk_value_is_less(values, a, b) || (is_zeros && a > b)); /* -0.0 before 0.0 */
        }
    }
    ql_mem_free(is_used);
}

/* The same entries, the frequent before the rare, equals ascending; each index still leads to its value. */
static void assert_by_frequency(struct ql_chunk_dictionary *dictionary, const struct ql_chunk_values *values) {
    size_t n = dictionary->n;
    ql_chunk_dictionary_order_by_frequency(dictionary, values->n);
    assert_int_equal(dictionary->n, n);
    size_t *count = ql_mem_zalloc(n, sizeof *count);
    for (size_t i = 0; i < values->n; i++) {
        assert_true(dictionary->index[i] < n);
        assert_true(dictionary->entries[dictionary->index[i]] == ql_chunk_value(values, i));
        count[dictionary->index[i]]++;
    }
    for (size_t e = 1; e < n; e++) {
        uint64_t a = dictionary->entries[e - 1];
        uint64_t b = dictionary->entries[e];
        assert_true(count[e] != 0 && count[e - 1] >= count[e]);
        assert_true(count[e - 1] > count[e] || !ql_chunk_value_is_less(values, b, a));
    }
    assert_true(dictionary->is_ascending == (n < 2));
    ql_mem_free(count);
}

/* One dictionary for all shapes, so that what one build leaves behind shows in the next. */
static void check_numbers(struct ql_chunk_dictionary *dictionary, enum ql_column_type type, const int64_t *bits, size_t n) {
    struct ql_chunk_values values = {0};
    int64_t *exact = ql_mem_realloc(NULL, n, sizeof *exact);
    memcpy(exact, bits, n * sizeof *exact);
    load(&values, type, &(struct ql_column){.n_rows = n, .v.i64 = exact});
    assert_true(ql_chunk_dictionary_build(dictionary, &values, SIZE_MAX));
    assert_exact(dictionary, &values);
    assert_true(dictionary->is_ascending);
    assert_int_equal(dictionary->plain_bytes, dictionary->n * 8);
    assert_by_frequency(dictionary, &values);
    ql_chunk_values_fini(&values);
    ql_mem_free(exact);
}

static void every_shape_of_integers_is_exact(void **state) {
    (void)state;
    struct ql_chunk_dictionary dictionary = {0};
    int64_t *bits = ql_mem_realloc(NULL, N_MAX, sizeof *bits);
    uint64_t x = 1;
    static const uint64_t RANGES[] = {1, 2, 63, 64, 65, 5000, 1000000, UINT64_C(1) << 40, UINT64_MAX};
    static const int64_t BASES[] = {0, -30, INT64_MIN, INT64_C(1704067200000000)};
    static const size_t LENS[] = {1, 2, 7, 48, 300, 3000, N_MAX};
    for (size_t r = 0; r < sizeof RANGES / sizeof RANGES[0]; r++) {
        for (size_t b = 0; b < sizeof BASES / sizeof BASES[0]; b++) {
            for (size_t l = 0; l < sizeof LENS / sizeof LENS[0]; l++) {
                for (size_t i = 0; i < LENS[l]; i++) {
                    bits[i] = (int64_t)((uint64_t)BASES[b] + (next_random(&x) << 20 ^ next_random(&x)) % RANGES[r]);
                }
                check_numbers(&dictionary, QL_COLUMN_INT64, bits, LENS[l]);
            }
        }
    }
    const int64_t ends[] = {INT64_MAX, INT64_MIN, 0, -1, INT64_MIN};
    check_numbers(&dictionary, QL_COLUMN_TIMESTAMP_US, ends, 5);
    assert_int_equal(dictionary.n, 4);
    ql_chunk_dictionary_fini(&dictionary);
    ql_mem_free(bits);
}

static void fill_doubles(double *doubles, size_t n, int shape, uint64_t *x) {
    static const double ODD[] = {0.0, -0.0, 5e-324, -1e308, 1e308, 0.1, 2e11, -2e11, 199999999999.9999, 1e-5, 0.00005};
    for (size_t i = 0; i < n; i++) {
        uint64_t r = next_random(x);
        doubles[i] = shape == 0   ? (double)(r % 10001) / 1e4  /* a rate */
                     : shape == 1 ? (double)(r % 900000) / 1e3 /* a duration with 3 decimals */
                     : shape == 2 ? (double)(int64_t)(r % 2000001 - 1000000) / 1e4
                     : shape == 3 ? (double)r * 1.1e-16 /* nothing round */
                     : shape == 4 ? (double)(r % 100) / 3
                                  : ODD[r % (sizeof ODD / sizeof ODD[0])];
    }
}

static void every_shape_of_doubles_is_exact_to_the_bit(void **state) {
    (void)state;
    struct ql_chunk_dictionary dictionary = {0};
    double *doubles = ql_mem_realloc(NULL, N_MAX, sizeof *doubles);
    uint64_t x = 2;
    static const size_t LENS[] = {1, 48, 500, 3000, N_MAX};
    for (int shape = 0; shape < 6; shape++) {
        for (size_t l = 0; l < sizeof LENS / sizeof LENS[0]; l++) {
            fill_doubles(doubles, LENS[l], shape, &x);
            check_numbers(&dictionary, QL_COLUMN_DOUBLE, (const int64_t *)doubles, LENS[l]);
        }
    }
    ql_chunk_dictionary_fini(&dictionary);
    ql_mem_free(doubles);
}

/* Offsets from the base in the three ways of ranking: few, marked, hashed; and what they stand for. */
static void check_scaled(struct ql_chunk_dictionary *dictionary, enum ql_column_type type, uint8_t scale, const int32_t *k,
                         size_t n) {
    struct ql_chunk_values values = {0};
    int32_t *exact = ql_mem_realloc(NULL, n, sizeof *exact);
    memcpy(exact, k, n * sizeof *exact);
    load(&values, type,
         &(struct ql_column){
             .n_rows = n, .form = QL_COLUMN_SCALED, .v.k = exact, .scale = scale, .min_k = INT32_MIN, .max_k = INT32_MAX});
    assert_true(ql_chunk_dictionary_build(dictionary, &values, SIZE_MAX));
    assert_exact(dictionary, &values);
    ql_chunk_values_fini(&values);
    ql_mem_free(exact);
}

static void every_shape_of_scaled_integers_is_exact(void **state) {
    (void)state;
    struct ql_chunk_dictionary dictionary = {0};
    int32_t *k = ql_mem_realloc(NULL, N_MAX, sizeof *k);
    uint64_t x = 3;
    static const uint64_t RANGES[] = {1, 2, 64, 65, 1023, 1024, 1025, 5000, 130000, 132000, 1000000, 3000000, UINT32_MAX};
    static const int32_t BASES[] = {0, -30, INT32_MIN, INT32_MAX - 20};
    static const size_t LENS[] = {1, 2, 48, 127, 128, 129, 3000, N_MAX};
    for (size_t r = 0; r < sizeof RANGES / sizeof RANGES[0]; r++) {
        for (size_t b = 0; b < sizeof BASES / sizeof BASES[0]; b++) {
            for (size_t l = 0; l < sizeof LENS / sizeof LENS[0]; l++) {
                for (size_t i = 0; i < LENS[l]; i++) {
                    int64_t value = BASES[b] + (int64_t)(next_random(&x) % RANGES[r]);
                    k[i] = value > INT32_MAX ? INT32_MAX : (int32_t)value;
                }
                check_scaled(&dictionary, QL_COLUMN_DOUBLE, (uint8_t)(r % 10), k, LENS[l]);
                check_scaled(&dictionary, QL_COLUMN_DECIMAL, 0, k, LENS[l]);
            }
        }
    }
    ql_chunk_dictionary_fini(&dictionary);
    ql_mem_free(k);
}

static void coded_numbers_come_in_their_order_without_the_unused(void **state) {
    (void)state;
    const int64_t numbers[] = {INT64_MAX, 7, -5, 99, INT64_MIN, 0};
    const uint32_t codes[] = {0, 2, 2, 4, 5, 0, 1};
    struct ql_chunk_values values = {0};
    load(&values, QL_COLUMN_TIMESTAMP_US,
         &(struct ql_column){.n_rows = 7, .form = QL_COLUMN_CODED, .v.code = codes, .numbers = numbers, .n_dict = 6});
    struct ql_chunk_dictionary dictionary = {0};
    assert_true(ql_chunk_dictionary_build(&dictionary, &values, SIZE_MAX));
    const int64_t in_order[] = {INT64_MIN, -5, 0, 7, INT64_MAX};
    assert_int_equal(dictionary.n, 5);
    assert_memory_equal(dictionary.entries, in_order, sizeof in_order);
    assert_exact(&dictionary, &values);
    ql_chunk_dictionary_fini(&dictionary);
    ql_chunk_values_fini(&values);
}

/* A code far from the others must not make a table of all codes between them. */
static void a_few_codes_of_a_large_dictionary_are_enough(void **state) {
    (void)state;
    enum { N_DICT = 2000000, N = 300 };
    int64_t *numbers = ql_mem_realloc(NULL, N_DICT, sizeof *numbers);
    uint32_t codes[N];
    for (size_t i = 0; i < N_DICT; i++) {
        numbers[i] = -(int64_t)i;
    }
    for (size_t i = 0; i < N; i++) {
        codes[i] = i % 3 == 0 ? N_DICT - 1 : (uint32_t)i;
    }
    struct ql_chunk_dictionary dictionary = {0};
    struct ql_chunk_values values = {0};
    for (size_t n = 1; n <= N; n += 299) {
        load(&values, QL_COLUMN_INT64,
             &(struct ql_column){.n_rows = n, .form = QL_COLUMN_CODED, .v.code = codes, .numbers = numbers, .n_dict = N_DICT});
        assert_true(ql_chunk_dictionary_build(&dictionary, &values, SIZE_MAX));
        assert_exact(&dictionary, &values);
    }
    assert_int_equal(dictionary.n, 201);
    ql_chunk_dictionary_fini(&dictionary);
    ql_chunk_values_fini(&values);
    ql_mem_free(numbers);
}

static void strings_come_in_the_order_of_their_bytes_without_the_unused(void **state) {
    (void)state;
    const struct ql_str dict[] = {QL_STR("Ventas"), QL_STR("never"), QL_STR("\xc3\x84"),
                                  QL_STR("Vent"),   QL_STR(""),      QL_STR("z")};
    const uint32_t codes[] = {0, 2, 2, 4, 3, 0, 5};
    struct ql_chunk_values values = {0};
    load(&values, QL_COLUMN_STRING,
         &(struct ql_column){.n_rows = 7, .form = QL_COLUMN_CODED, .v.code = codes, .dict = dict, .n_dict = 6});
    struct ql_chunk_dictionary dictionary = {0};
    assert_true(ql_chunk_dictionary_build(&dictionary, &values, SIZE_MAX));
    const uint64_t in_order[] = {4, 3, 0, 5, 2};
    assert_int_equal(dictionary.n, 5);
    assert_memory_equal(dictionary.entries, in_order, sizeof in_order);
    assert_int_equal(dictionary.plain_bytes, 5 * 4 + 0 + 4 + 6 + 1 + 2);
    assert_exact(&dictionary, &values);
    ql_chunk_dictionary_fini(&dictionary);
    ql_chunk_values_fini(&values);
}

static void nulls_are_no_values(void **state) {
    (void)state;
    const int64_t numbers[] = {5, 99, 5, -1};
    const uint8_t is_valid[] = {1, 0, 200, 1};
    struct ql_chunk_values values = {0};
    load(&values, QL_COLUMN_INT64, &(struct ql_column){.n_rows = 4, .v.i64 = numbers, .is_valid = is_valid});
    struct ql_chunk_dictionary dictionary = {0};
    assert_true(ql_chunk_dictionary_build(&dictionary, &values, SIZE_MAX));
    assert_int_equal(dictionary.n, 2);
    assert_int_equal((int64_t)dictionary.entries[0], -1);
    assert_int_equal(dictionary.index[1], 1);
    ql_chunk_dictionary_fini(&dictionary);
    ql_chunk_values_fini(&values);
}

/* At the limit it is built, one byte below it is not; with nothing but the formula to say where the limit is. */
static void a_dictionary_beyond_its_limit_is_given_up(void **state) {
    (void)state;
    int64_t *bits = ql_mem_realloc(NULL, N_MAX, sizeof *bits);
    for (size_t i = 0; i < N_MAX; i++) {
        bits[i] = (int64_t)(i % 10000) << 40; /* too far apart for a bitmap */
    }
    struct ql_chunk_values values = {0};
    load(&values, QL_COLUMN_INT64, &(struct ql_column){.n_rows = N_MAX, .v.i64 = bits});
    struct ql_chunk_dictionary dictionary = {0};
    size_t size = 10000 * 8 + N_MAX / 8 * 14; /* 10000 entries need 14 bits */
    assert_true(ql_chunk_dictionary_build(&dictionary, &values, size));
    assert_int_equal(dictionary.n, 10000);
    assert_false(ql_chunk_dictionary_build(&dictionary, &values, size - 1));
    assert_false(ql_chunk_dictionary_build(&dictionary, &values, 1000));
    ql_chunk_dictionary_fini(&dictionary);
    ql_chunk_values_fini(&values);
    ql_mem_free(bits);
}

static void a_code_without_an_entry_is_refused(void **state) {
    (void)state;
    const struct ql_str dict[] = {QL_STR("a")};
    const uint32_t codes[] = {0, 1};
    const uint8_t is_valid[] = {1, 0};
    struct ql_chunk_values values = {.kernels = ql_kernels_for(NULL)};
    struct ql_column column = {.n_rows = 2, .form = QL_COLUMN_CODED, .v.code = codes, .dict = dict, .n_dict = 1};
    assert_int_equal(ql_chunk_values_load(&values, QL_COLUMN_STRING, &column, NULL), QL_E_INTERNAL);
    column.is_valid = is_valid; /* under a NULL it does not matter */
    assert_int_equal(ql_chunk_values_load(&values, QL_COLUMN_STRING, &column, NULL), QL_OK);
    ql_chunk_values_fini(&values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_integers_is_exact),
        cmocka_unit_test(every_shape_of_doubles_is_exact_to_the_bit),
        cmocka_unit_test(every_shape_of_scaled_integers_is_exact),
        cmocka_unit_test(coded_numbers_come_in_their_order_without_the_unused),
        cmocka_unit_test(a_few_codes_of_a_large_dictionary_are_enough),
        cmocka_unit_test(strings_come_in_the_order_of_their_bytes_without_the_unused),
        cmocka_unit_test(nulls_are_no_values),
        cmocka_unit_test(a_dictionary_beyond_its_limit_is_given_up),
        cmocka_unit_test(a_code_without_an_entry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
