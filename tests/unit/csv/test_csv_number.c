/* Numbers against Python's decimal and float (number_cases.py), and where the text ends. */
#include "unit/csv/csv_harness.h"

#include "csv/csv_internal.h"

enum number_case_kind { CASE_COUNT, CASE_NUMBER, CASE_DURATION, CASE_PERCENTAGE };

static const struct number_case {
    struct ql_str text;
    enum number_case_kind kind;
    int has_comma, shift;
    const char *expected;
} CASES[] = {
#define N(text, kind, has_comma, shift, expected) {{(text), sizeof(text) - 1}, CASE_##kind, (has_comma), (shift), (expected)},
#include "unit/csv/number_cases.h"
#undef N
};

static const char *fault_name(enum ql_csv_fault fault) {
    static const char *const NAMES[] = {[QL_CSV_FINE] = "FINE",
#define X(name, text, hint) [QL_CSV_FAULT_##name] = #name,
                                        QL_CSV_FAULT_TABLE(X)
#undef X
    };
    return NAMES[fault];
}

static void put_result(struct ql_buf *out, enum ql_csv_fault fault, const struct ql_csv_number *number, struct ql_str wide) {
    if (fault != QL_CSV_FINE) {
        ql_buf_puts(out, fault_name(fault));
    } else if (number->kind == QL_CSV_NUMBER_EMPTY || number->kind == QL_CSV_NUMBER_NAN) {
        ql_buf_puts(out, number->kind == QL_CSV_NUMBER_EMPTY ? "-" : "nan");
    } else {
        int64_t k = number->kind == QL_CSV_NUMBER_WIDE ? QL_NUMBER_WIDE : number->k;
        const struct ql_wide_number wide_number = {.text = wide};
        const struct ql_number_column column = {.k = &k, .scale = number->scale, .wide = &wide_number, .n_wide = 1};
        csv_put_number(out, &column, 0);
    }
}

static void numbers_are_what_python_says(void **state) {
    (void)state;
    struct ql_csv_number_scratch scratch = {0};
    struct ql_buf got = {0};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct number_case *c = &CASES[i];
        const struct ql_csv_number_rule rule = {.kind = c->kind == CASE_COUNT ? QL_NUMBER_COUNT : QL_NUMBER_DECIMAL,
                                                .is_duration = c->kind == CASE_DURATION,
                                                .is_percentage = c->kind == CASE_PERCENTAGE,
                                                .point = c->has_comma ? ',' : '.',
                                                .shift = c->shift};
        char *exact = malloc(c->text.len != 0 ? c->text.len : 1); /* so that ASan sees a read behind the end */
        assert_non_null(exact);
        memcpy(exact, c->text.ptr, c->text.len);
        struct ql_csv_number number = {0};
        enum ql_csv_fault fault =
            ql_csv_number_parse((struct ql_str){.ptr = exact, .len = c->text.len}, &rule, &number, &scratch);
        free(exact);
        ql_buf_reset(&got);
        put_result(&got, fault, &number, ql_buf_view(&scratch.text));
        if (strcmp(ql_buf_text(&got), c->expected) != 0) {
            fail_msg("'%.*s' (kind %d, comma %d, shift %d): got %s, expected %s", QL_STR_ARG(c->text), c->kind, c->has_comma,
                     c->shift, ql_buf_text(&got), c->expected);
        }
        if (fault == QL_CSV_FINE && number.kind == QL_CSV_NUMBER_EXACT) {
            assert_true(number.k > QL_NUMBER_WIDE && number.scale <= QL_CSV_SCALE_MAX);
            assert_true(c->kind != CASE_COUNT || number.scale == 0);
        }
    }
    ql_buf_fini(&got);
    ql_csv_number_scratch_fini(&scratch);
}

/* The doubles that a reader makes of what is handed on are those of the text itself. */
static void a_wide_number_rounds_to_the_same_double_as_its_text(void **state) {
    (void)state;
    struct ql_csv_number_scratch scratch = {0};
    size_t n_wide = 0;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct number_case *c = &CASES[i];
        const struct ql_csv_number_rule rule = {.kind = QL_NUMBER_DECIMAL, .point = '.'};
        struct ql_csv_number number = {0};
        if (c->shift != 0 || c->has_comma || ql_csv_number_parse(c->text, &rule, &number, &scratch) != QL_CSV_FINE ||
            number.kind != QL_CSV_NUMBER_WIDE) {
            continue;
        }
        n_wide++;
        assert_true(strtod(c->text.ptr, NULL) == strtod(scratch.text.ptr, NULL));
    }
    assert_true(n_wide > 300);
    ql_csv_number_scratch_fini(&scratch);
}

static void a_field_of_a_megabyte_of_digits_is_a_number(void **state) {
    (void)state;
    const struct ql_csv_number_rule rule = {.kind = QL_NUMBER_DECIMAL, .point = '.'};
    struct ql_csv_number_scratch scratch = {0};
    struct ql_buf text = {0};
    ql_buf_puts(&text, "0.5");
    while (text.len < 1000000) {
        ql_buf_puts(&text, "0000000000");
    }
    struct ql_csv_number number;
    assert_int_equal(ql_csv_number_parse(ql_buf_view(&text), &rule, &number, &scratch), QL_CSV_FINE);
    assert_int_equal(number.kind, QL_CSV_NUMBER_EXACT);
    assert_int_equal(number.k, 5);
    assert_int_equal(number.scale, 1);
    ql_buf_putc(&text, '1');
    assert_int_equal(ql_csv_number_parse(ql_buf_view(&text), &rule, &number, &scratch), QL_CSV_FINE);
    assert_int_equal(number.kind, QL_CSV_NUMBER_WIDE);
    assert_true(strtod(scratch.text.ptr, NULL) == 0.5);
    ql_buf_fini(&text);
    ql_csv_number_scratch_fini(&scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_what_python_says),
        cmocka_unit_test(a_wide_number_rounds_to_the_same_double_as_its_text),
        cmocka_unit_test(a_field_of_a_megabyte_of_digits_is_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
