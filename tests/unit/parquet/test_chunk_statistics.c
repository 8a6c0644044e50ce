#include "support/test.h"

#include "parquet/chunk_statistics.h"

static struct ql_bounds bounds_of_numbers(enum ql_column_type type, const void *numbers, size_t n, struct ql_arena *arena) {
    struct ql_chunk_values values = {.kernels = ql_kernels_for(NULL)};
    assert_ok(ql_chunk_values_load(&values, type, &(struct ql_column){.n_rows = n, .v.i64 = numbers}, err));
    struct ql_bounds bounds = ql_bounds_of(ql_range_of(&values, 0, n), &values, arena);
    ql_chunk_values_fini(&values);
    return bounds;
}

static void assert_bits(struct ql_str bound, uint64_t bits) {
    assert_int_equal(bound.len, 8);
    uint64_t got;
    memcpy(&got, bound.ptr, 8);
    assert_true(got == bits);
}

/* parquet.thrift, ColumnOrder: a least zero is written as -0.0, a greatest as +0.0. */
static void zeros_are_bounded_by_both_zeros(void **state) {
    (void)state;
    struct ql_arena arena = {0};
    const double cases[][2] = {{0.0, 0.0}, {-0.0, -0.0}, {0.0, -0.0}};
    for (size_t i = 0; i < 3; i++) {
        struct ql_bounds bounds = bounds_of_numbers(QL_COLUMN_DOUBLE, cases[i], 2, &arena);
        assert_bits(bounds.min, UINT64_C(0x8000000000000000));
        assert_bits(bounds.max, 0);
    }
    const double above[] = {0.0, 3.0};
    struct ql_bounds bounds = bounds_of_numbers(QL_COLUMN_DOUBLE, above, 2, &arena);
    assert_bits(bounds.min, UINT64_C(0x8000000000000000));
    assert_bits(bounds.max, UINT64_C(0x4008000000000000));
    ql_arena_fini(&arena);
}

static void a_nan_leaves_no_bounds(void **state) {
    (void)state;
    struct ql_arena arena = {0};
    const double numbers[] = {1.0, ql_double_of_bits(UINT64_C(0x7ff8000000000000)), 2.0};
    struct ql_bounds bounds = bounds_of_numbers(QL_COLUMN_DOUBLE, numbers, 3, &arena);
    assert_null(bounds.min.ptr);
    assert_null(bounds.max.ptr);
    ql_arena_fini(&arena);
}

static void integers_are_signed(void **state) {
    (void)state;
    struct ql_arena arena = {0};
    const int64_t numbers[] = {5, -1, INT64_MIN, INT64_MAX};
    struct ql_bounds bounds = bounds_of_numbers(QL_COLUMN_INT64, numbers, 4, &arena);
    assert_bits(bounds.min, UINT64_C(1) << 63);
    assert_bits(bounds.max, INT64_MAX);
    assert_true(ql_bound_cmp(QL_COLUMN_INT64, bounds.min, bounds.max) < 0);
    bounds = bounds_of_numbers(QL_COLUMN_INT64, numbers, 0, &arena);
    assert_null(bounds.min.ptr);
    ql_arena_fini(&arena);
}

static struct ql_bounds bounds_of_string(struct ql_str text, struct ql_arena *arena) {
    const uint32_t code = 0;
    struct ql_chunk_values values = {.kernels = ql_kernels_for(NULL)};
    struct ql_column column = {.n_rows = 1, .form = QL_COLUMN_CODED, .v.code = &code, .dict = &text, .n_dict = 1};
    assert_ok(ql_chunk_values_load(&values, QL_COLUMN_STRING, &column, err));
    struct ql_bounds bounds = ql_bounds_of(ql_range_of(&values, 0, 1), &values, arena);
    ql_chunk_values_fini(&values);
    return bounds;
}

struct long_case {
    const char *name;
    size_t n_letters;      /* of 'a' in front */
    const char *text;      /* and what follows them */
    const char *min, *max; /* the same for the bounds; max NULL: none */
    size_t min_letters, max_letters;
};

/* Expectations by hand from UTF-8 and the 64 bytes; U+10FFFF is f4 8f bf bf, U+D7FF ed 9f bf, U+E000 ee 80 80. */
static const struct long_case LONG_CASES[] = {
    {"64 bytes stay whole", 63, "b", "b", "b", 63, 63},
    {"65 bytes lose the last", 63, "by", "b", "c", 63, 63},
    {"a letter across the cut goes", 63, "\xc3\xb1", "", "b", 63, 62},
    {"a letter at the cut stays", 62, "\xc3\xb1z", "\xc3\xb1", "\xc3\xb2", 62, 62},
    {"one byte is not raised to two", 63, "\x7fz", "\x7f", "b", 63, 62},
    {"two bytes are not raised to three", 62, "\xdf\xbfz", "\xdf\xbf", "b", 62, 61},
    {"the carry goes through the bytes of a letter", 62, "\xc3\xbfz", "\xc3\xbf", "\xc4\x80", 62, 62},
    {"surrogates are stepped over", 61, "\xed\x9f\xbfz", "\xed\x9f\xbf", "\xee\x80\x80", 61, 61},
    {"the last code point gives way to the one before", 60, "\xf4\x8f\xbf\xbfz", "\xf4\x8f\xbf\xbf", "b", 60, 59},
    {"a four-byte sign across the cut goes", 61, "\xf0\x9f\x98\x80", "", "b", 61, 60},
};

static struct ql_str letters_and(struct ql_buf *buf, size_t n_letters, const char *text) {
    ql_buf_reset(buf);
    for (size_t i = 0; i < n_letters; i++) {
        ql_buf_putc(buf, 'a');
    }
    ql_buf_puts(buf, text);
    return ql_buf_view(buf);
}

static void long_strings_are_cut_at_a_code_point_and_raised(void **state) {
    (void)state;
    struct ql_arena arena = {0};
    struct ql_buf text = {0};
    struct ql_buf want = {0};
    for (size_t i = 0; i < sizeof LONG_CASES / sizeof LONG_CASES[0]; i++) {
        const struct long_case *c = &LONG_CASES[i];
        struct ql_bounds bounds = bounds_of_string(letters_and(&text, c->n_letters, c->text), &arena);
        if (!ql_str_eq(bounds.min, letters_and(&want, c->min_letters, c->min))) {
            fail_msg("%s: least is '%.*s'", c->name, QL_STR_ARG(bounds.min));
        }
        if (!ql_str_eq(bounds.max, letters_and(&want, c->max_letters, c->max))) {
            fail_msg("%s: greatest is '%.*s'", c->name, QL_STR_ARG(bounds.max));
        }
    }
    ql_buf_fini(&text);
    ql_buf_fini(&want);
    ql_arena_fini(&arena);
}

static void nothing_above_the_last_code_points_means_no_upper_bound(void **state) {
    (void)state;
    struct ql_arena arena = {0};
    struct ql_buf text = {0};
    for (int i = 0; i < 17; i++) {
        ql_buf_puts(&text, "\xf4\x8f\xbf\xbf");
    }
    struct ql_bounds bounds = bounds_of_string(ql_buf_view(&text), &arena);
    assert_int_equal(bounds.min.len, 64);
    assert_null(bounds.max.ptr);
    ql_buf_fini(&text);
    ql_arena_fini(&arena);
}

/* No contract lets them come here; they must not lead the writer astray all the same. */
static void bytes_that_are_no_utf_8_do_no_harm(void **state) {
    (void)state;
    struct ql_arena arena = {0};
    struct ql_buf text = {0};
    for (int i = 0; i < 100; i++) {
        ql_buf_putc(&text, (char)0xbf);
    }
    struct ql_bounds bounds = bounds_of_string(ql_buf_view(&text), &arena);
    assert_null(bounds.max.ptr);
    ql_buf_fini(&text);
    ql_arena_fini(&arena);
}

/* -7, 0, 12 in whatever form they come. */
static void every_form_has_the_same_range(void **state) {
    (void)state;
    struct ql_arena arena = {0};
    const int32_t k[] = {0, 120000, -70000};
    const double doubles[] = {0.0, 12.0, -7.0};
    const uint32_t codes[] = {2, 1, 0, 3};
    const int64_t numbers[] = {-7, 12, 0, 99};
    struct ql_chunk_values values = {.kernels = ql_kernels_for(NULL)};
    struct ql_column scaled = {.n_rows = 3, .form = QL_COLUMN_SCALED, .v.k = k, .scale = 4, .min_k = -70000, .max_k = 120000};
    struct ql_column coded = {.n_rows = 3, .form = QL_COLUMN_CODED, .v.code = codes, .numbers = numbers, .n_dict = 4};
    for (size_t from = 0; from < 3; from++) {
        for (size_t to = from + 1; to <= 3; to++) {
            assert_ok(ql_chunk_values_load(&values, QL_COLUMN_DOUBLE, &scaled, err));
            struct ql_bounds of_scaled = ql_bounds_of(ql_range_of(&values, from, to), &values, &arena);
            struct ql_bounds want = bounds_of_numbers(QL_COLUMN_DOUBLE, doubles + from, to - from, &arena);
            assert_memory_equal(of_scaled.min.ptr, want.min.ptr, 8);
            assert_memory_equal(of_scaled.max.ptr, want.max.ptr, 8);
            assert_ok(ql_chunk_values_load(&values, QL_COLUMN_INT64, &coded, err));
            struct ql_range of_coded = ql_range_of(&values, from, to);
            int64_t min = INT64_MAX;
            int64_t max = INT64_MIN;
            for (size_t i = from; i < to; i++) {
                min = numbers[codes[i]] < min ? numbers[codes[i]] : min;
                max = numbers[codes[i]] > max ? numbers[codes[i]] : max;
            }
            assert_true((int64_t)of_coded.min == min && (int64_t)of_coded.max == max);
        }
    }
    ql_chunk_values_fini(&values);
    ql_arena_fini(&arena);
}

static void a_dictionary_gives_the_range_that_values_give(void **state) {
    (void)state;
    const struct ql_str dict[] = {QL_STR("b"), QL_STR("\xc3\xa9"), QL_STR("a"), QL_STR("unused")};
    const uint32_t codes[] = {0, 1, 1, 2, 0, 0};
    struct ql_chunk_values values = {.kernels = ql_kernels_for(NULL)};
    struct ql_column column = {.n_rows = 6, .form = QL_COLUMN_CODED, .v.code = codes, .dict = dict, .n_dict = 4};
    assert_ok(ql_chunk_values_load(&values, QL_COLUMN_STRING, &column, err));
    struct ql_chunk_dictionary dictionary = {0};
    assert_true(ql_chunk_dictionary_build(&dictionary, &values, SIZE_MAX));
    for (size_t from = 0; from < 6; from++) {
        for (size_t to = from; to <= 6; to++) {
            struct ql_range a = ql_range_of(&values, from, to);
            struct ql_range b = {0};
            if (from < to) {
                b = ql_range_of_entries(&dictionary, values.kernels->range_u32(dictionary.index + from, to - from));
            }
            assert_true(a.has_any == b.has_any && a.min == b.min && a.max == b.max);
        }
    }
    struct ql_range range = {0};
    ql_range_add(&range, ql_range_of(&values, 4, 6), &values);
    ql_range_add(&range, (struct ql_range){0}, &values);
    ql_range_add(&range, ql_range_of(&values, 1, 3), &values);
    assert_true(range.has_any && range.min == 0 && range.max == 1); /* unsigned: an accented letter is above "b" */
    ql_chunk_dictionary_fini(&dictionary);
    ql_chunk_values_fini(&values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeros_are_bounded_by_both_zeros),
        cmocka_unit_test(a_nan_leaves_no_bounds),
        cmocka_unit_test(integers_are_signed),
        cmocka_unit_test(long_strings_are_cut_at_a_code_point_and_raised),
        cmocka_unit_test(nothing_above_the_last_code_points_means_no_upper_bound),
        cmocka_unit_test(bytes_that_are_no_utf_8_do_no_harm),
        cmocka_unit_test(every_form_has_the_same_range),
        cmocka_unit_test(a_dictionary_gives_the_range_that_values_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
