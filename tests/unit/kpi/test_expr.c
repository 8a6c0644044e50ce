#include "unit/kpi/vectors.h"

#include "kpi/expr.h"
#include "table/cells.h"

/* Columns a (INT64), b and c (DOUBLE). */
static void bind(struct ql_expr *expr) {
    for (size_t i = 0; i < expr->n_steps; i++) {
        struct ql_expr_step *step = &expr->steps[i];
        if (step->op != QL_EXPR_NAME) {
            continue;
        }
        struct ql_str name = ql_expr_name_at(expr, step);
        if (ql_str_eq(name, QL_STR("interval_seconds"))) {
            step->op = QL_EXPR_INTERVAL_SECONDS;
        } else {
            assert_int_equal(name.len, 1);
            step->op = QL_EXPR_COLUMN;
            step->v.column = (size_t)(name.ptr[0] - 'a');
        }
    }
}

enum { N_LONG = 2 * QL_EXPR_BLOCK + 37, MAX_ROWS = 16 };

struct rows {
    size_t n;
    double v[MAX_ROWS][4], expected[MAX_ROWS];
};

static void eval(const struct ql_expr *expr, const struct ql_expr_rows *rows, double *out) {
    void *scratch = ql_mem_alloc(ql_expr_scratch_size(expr));
    ql_expr_eval(expr, rows, scratch, out);
    ql_mem_free(scratch);
}

/* The same rows again and again over several blocks. */
static void check_vector(struct ql_str text, const struct rows *rows) {
    static int64_t a[N_LONG];
    static double b[N_LONG], c[N_LONG], interval_s[N_LONG], out[N_LONG];
    for (size_t i = 0; i < N_LONG; i++) {
        const double *row = rows->v[i % rows->n];
        a[i] = isnan(row[0]) ? QL_CELL_NULL_I64 : (int64_t)row[0];
        b[i] = row[1];
        c[i] = row[2];
        interval_s[i] = row[3];
    }
    const struct ql_expr_column columns[] = {{.i64 = a}, {.f64 = b}, {.f64 = c}};
    struct ql_expr expr;
    assert_ok(ql_expr_parse(text, &expr, err));
    bind(&expr);
    const struct ql_expr_rows input = {
        .n_rows = N_LONG, .columns = columns, .interval_s = ql_expr_has_interval(&expr) ? interval_s : NULL};
    eval(&expr, &input, out);
    for (size_t i = 0; i < N_LONG; i++) {
        size_t r = i % rows->n;
        if (!same_value(out[i], rows->expected[r])) {
            fail_msg("%.*s with a=%g b=%g c=%g: got %.17g, expected %.17g (value %zu)", QL_STR_ARG(text), rows->v[r][0],
                     rows->v[r][1], rows->v[r][2], out[i], rows->expected[r], i);
        }
    }
    ql_expr_fini(&expr);
}

static void random_expressions_equal_pythons(void **state) {
    (void)state;
    struct vectors vectors = vectors_open("expr.tsv");
    struct ql_str text = {0};
    struct rows rows = {0};
    size_t n_expressions = 0;
    for (bool more = true; more;) {
        more = vectors_next_line(&vectors);
        bool is_row = more && vectors.line.ptr[0] == 'R';
        if (is_row) {
            (void)vectors_field(&vectors);
            for (size_t i = 0; i < 4; i++) {
                rows.v[rows.n][i] = vectors_double(&vectors);
            }
            rows.expected[rows.n++] = vectors_double(&vectors);
            continue;
        }
        if (rows.n != 0) {
            check_vector(text, &rows);
            n_expressions++;
        }
        (void)vectors_field(&vectors);
        text = vectors.line;
        rows.n = 0;
    }
    assert_true(n_expressions > 200);
    vectors_close(&vectors);
}

static double value_of(const char *text) {
    static const int64_t a[] = {4};
    static const double b[] = {0.5};
    const double c[] = {(double)NAN};
    static const double interval_s[] = {1800};
    const struct ql_expr_column columns[] = {{.i64 = a}, {.f64 = b}, {.f64 = c}};
    const struct ql_expr_rows rows = {.n_rows = 1, .columns = columns, .interval_s = interval_s};
    struct ql_expr expr;
    double out = 0;
    assert_ok(ql_expr_parse(ql_str_from(text), &expr, err));
    bind(&expr);
    eval(&expr, &rows, &out);
    ql_expr_fini(&expr);
    return out;
}

static void counts_become_the_nearest_doubles(void **state) {
    (void)state;
    int64_t values[1024];
    double out[1024];
    size_t n = 0;
    for (int bit = 0; bit < 63; bit++) {
        for (int64_t step = -2; step <= 2; step++) {
            values[n++] = (INT64_C(1) << bit) + step;
            values[n++] = -(INT64_C(1) << bit) - step;
            values[n++] = (INT64_C(1) << bit) + ((INT64_C(1) << bit) >> 53) * step; /* halfway between two doubles */
        }
    }
    values[n++] = INT64_MAX;
    values[n++] = INT64_MIN + 1;
    const struct ql_expr_column columns[] = {{.i64 = values}};
    const struct ql_expr_rows rows = {.n_rows = n, .columns = columns};
    struct ql_expr expr;
    assert_ok(ql_expr_parse(QL_STR("a"), &expr, err));
    bind(&expr);
    eval(&expr, &rows, out);
    for (size_t i = 0; i < n; i++) {
        assert_true(out[i] == (double)values[i]);
    }
    ql_expr_fini(&expr);
}

static void null_goes_through_all_but_coalesce_and_if(void **state) {
    (void)state;
    static const char *const NULLS[] = {
        "c",
        "c + 1",
        "1 - c",
        "c * 0",
        "0 / c",
        "-c",
        "abs(c)",
        "round(c)",
        "round(c, 2)",
        "min(1, c)",
        "min(c, 1)",
        "max(1, c)",
        "max(c, 1, 2)",
        "c < 1",
        "c = c",
        "1 <> c",
        "c and 0",
        "0 and c",
        "1 or c",
        "c or 1",
        "not c",
        "a / 0",
        "0 / 0",
        "1e308 * 10",
        "1 / (1e308 * 10)",
        "1e308 * 10 - 1e308 * 10",
        "coalesce(c)",
        "coalesce(c, c / 1, a / 0)",
        "if(c, 1, c)",
        "if(1, c, 2)",
        "-1e308 - 1e308",
    };
    for (size_t i = 0; i < sizeof NULLS / sizeof NULLS[0]; i++) {
        double value = value_of(NULLS[i]);
        if (!isnan(value)) {
            fail_msg("%s: got %g, expected NULL", NULLS[i], value);
        }
    }
    assert_true(value_of("coalesce(c, 7)") == 7);
    assert_true(value_of("coalesce(c, a / 0, b, 7)") == 0.5);
    assert_true(value_of("if(c, 1, 2)") == 2);
    assert_true(value_of("if(not c, 1, 2)") == 2);
    assert_true(value_of("if(a, 1, c)") == 1);
    assert_true(value_of("if(0, c, 2)") == 2);
}

static void words_and_signs_have_the_usual_spellings(void **state) {
    (void)state;
    assert_true(value_of("a = 4 AND NOT a <> 4") == 1);
    assert_true(value_of("If(a == 4, Max(1, 2), 0)") == 2);
    assert_true(value_of(" \t\r\n a\n+\n1 ") == 5);
    assert_true(value_of("1-1") == 0);
    assert_true(value_of("2--3") == 5);
    assert_true(value_of("-2*-3") == 6);
    assert_true(value_of("not 1 or 1") == 1);
    assert_true(value_of("not 0 and 0") == 0);
    assert_true(value_of("1 or 1 and 0") == 1);
    assert_true(value_of("0 and 1 or 1") == 1);
    assert_true(value_of("8/4/2") == 1);
    assert_true(value_of("8-4-2") == 2);
    assert_true(value_of("1.5e+2") == 150);
    assert_true(value_of("0.1 + 0.2") == 0.1 + 0.2);
    assert_true(value_of("a * b / interval_seconds") == 4 * 0.5 / 1800);
    assert_true(value_of("round(1234.5678, -2)") == 1200);
    assert_true(value_of("round(2.5)") == 2);
}

struct bad {
    const char *text, *message;
};

static void an_error_shows_its_place(void **state) {
    (void)state;
    static const struct bad BAD[] = {
        {"", "the expression is empty"},
        {" \n", "the expression is empty"},
        {"a +", "expected a value, found the end at character 4\n    a +\n       ^"},
        {"a b", "expected an operator or the end, found 'b' at character 3\n    a b\n      ^"},
        {"(a + 1", "expected an operator or ')', found the end at character 7\n    (a + 1\n          ^"},
        {"a)", "expected an operator or the end, found ')' at character 2\n    a)\n     ^"},
        {"2a", "unexpected 'a' behind a number at character 2\n    2a\n     ^"},
        {"1.2.3", "unexpected '.' behind a number at character 4\n    1.2.3\n       ^"},
        {".", "unexpected '.' at character 1\n    .\n    ^"},
        {"1e", "a number's exponent has no digits at character 2\n    1e\n     ^"},
        {"1e999", "a number is too large at character 1\n    1e999\n    ^"},
        {"a % 2", "unexpected '%' at character 3\n    a % 2\n      ^"},
        {"a \xe2\x88\x92 b", "unexpected character U+2212 at character 3\n    a ? b\n      ^"},
        {"\xc3\xa9 + \xc3\xa9", "unexpected character U+00E9 at character 1\n    ? + ?\n    ^"},
        {"a\n+ ^", "unexpected '^' at character 5\n    a + ^\n        ^"},
        {"a \x01", "unexpected byte 0x01 at character 3\n    a ?\n      ^"},
        {"a ** 2", "expected a value, found '*' at character 4\n    a ** 2\n       ^"},
        {"1 < a < 2", "comparisons cannot be chained at character 7\n    1 < a < 2\n          ^"},
        {"1 + not a", "expected a value, found 'not' at character 5\n    1 + not a\n        ^"},
        {"a + min", "function 'min' needs its arguments in parentheses at character 8\n    a + min\n           ^"},
        {"min(a)", "'min' takes 2 or more arguments, not 1 at character 1\n    min(a)\n    ^"},
        {"b + abs()", "'abs' takes 1 argument, not 0 at character 5\n    b + abs()\n        ^"},
        {"abs(1, 2)", "'abs' takes 1 argument, not 2 at character 1\n    abs(1, 2)\n    ^"},
        {"if(a, b)", "'if' takes 3 arguments, not 2 at character 1\n    if(a, b)\n    ^"},
        {"coalesce()", "'coalesce' takes 1 or more arguments, not 0 at character 1\n    coalesce()\n    ^"},
        {"round(1, 2, 3)", "'round' takes 1 or 2 arguments, not 3 at character 1\n    round(1, 2, 3)\n    ^"},
        {"round(1, a)",
         "expected a whole number of digits from -15 to 15, found 'a' at character 10\n    round(1, a)\n             ^"},
        {"round(1, 16)",
         "expected a whole number of digits from -15 to 15, found '16' at character 10\n    round(1, 16)\n             ^"},
        {"round(1, 1.5)",
         "expected a whole number of digits from -15 to 15, found '1.5' at character 10\n    round(1, 1.5)\n             ^"},
        {"max(a, )", "expected a value, found ')' at character 8\n    max(a, )\n           ^"},
        {"max(a b)", "expected ',' or ')', found 'b' at character 7\n    max(a b)\n          ^"},
        {"mix(a, b)", "unknown function 'mix' at character 1\n    mix(a, b)\n    ^"},
        {"a(b)", "unknown function 'a' at character 1\n    a(b)\n    ^"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct ql_err error = {0};
        struct ql_expr expr;
        assert_int_equal(ql_expr_parse(ql_str_from(BAD[i].text), &expr, &error), QL_E_CONFIG);
        assert_string_equal(error.message, BAD[i].message);
        assert_null(expr.steps);
    }
    struct ql_err error = {0};
    struct ql_expr expr;
    assert_int_equal(ql_expr_parse(QL_STR("mix(a, b)"), &expr, &error), QL_E_CONFIG);
    assert_string_equal(error.hint, "did you mean 'min'? the functions are if, coalesce, round, min, max and abs");
}

static void a_long_expression_is_shown_around_its_error(void **state) {
    (void)state;
    struct ql_buf text = {0};
    for (int i = 0; i < 100; i++) {
        ql_buf_puts(&text, "a + ");
    }
    ql_buf_puts(&text, "$");
    for (int i = 0; i < 100; i++) {
        ql_buf_puts(&text, " + b");
    }
    struct ql_err error = {0};
    struct ql_expr expr;
    assert_int_equal(ql_expr_parse(ql_buf_view(&text), &expr, &error), QL_E_CONFIG);
    const char *first = strchr(error.message, '\n') + 1;
    const char *second = strchr(first, '\n') + 1;
    assert_int_equal(strchr(first, '$') - first, strchr(second, '^') - second);
    assert_true(second - first < 120);
    assert_non_null(strstr(error.message, "at character 401\n    ...a + "));
    ql_buf_fini(&text);
}

/* before * depth, then 1, then after * depth */
static enum ql_status parse_nested(const char *before, const char *after, size_t depth, struct ql_err *error) {
    struct ql_buf text = {0};
    for (size_t i = 0; i < depth; i++) {
        ql_buf_puts(&text, before);
    }
    ql_buf_puts(&text, "1");
    for (size_t i = 0; i < depth; i++) {
        ql_buf_puts(&text, after);
    }
    struct ql_expr expr;
    enum ql_status status = ql_expr_parse(ql_buf_view(&text), &expr, error);
    ql_expr_fini(&expr);
    ql_buf_fini(&text);
    return status;
}

static void depth_and_length_have_limits(void **state) {
    (void)state;
    static const char *const NESTS[][2] = {{"(", ")"}, {"-", ""}, {"not ", ""}, {"abs(", ")"}, {"if(1,2,", ")"}};
    for (size_t i = 0; i < sizeof NESTS / sizeof NESTS[0]; i++) {
        struct ql_err error = {0};
        assert_ok(parse_nested(NESTS[i][0], NESTS[i][1], QL_EXPR_MAX_DEPTH, err));
        assert_int_equal(parse_nested(NESTS[i][0], NESTS[i][1], QL_EXPR_MAX_DEPTH + 1, &error), QL_E_CONFIG);
        assert_non_null(strstr(error.message, "an expression nested more than 64 deep"));
    }
    struct ql_err error = {0};
    assert_ok(parse_nested("", "+1", QL_EXPR_MAX_STEPS / 2 - 1, err));
    assert_int_equal(parse_nested("", "+1", QL_EXPR_MAX_STEPS / 2 + 1, &error), QL_E_CONFIG);
    assert_non_null(strstr(error.message, "more than 2048 values and operations"));
    assert_int_equal(parse_nested("", "          ", QL_EXPR_MAX_BYTES / 10 + 1, &error), QL_E_CONFIG);
    assert_non_null(strstr(error.message, "where 8192 is the limit"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_expressions_equal_pythons),
        cmocka_unit_test(counts_become_the_nearest_doubles),
        cmocka_unit_test(null_goes_through_all_but_coalesce_and_if),
        cmocka_unit_test(words_and_signs_have_the_usual_spellings),
        cmocka_unit_test(an_error_shows_its_place),
        cmocka_unit_test(a_long_expression_is_shown_around_its_error),
        cmocka_unit_test(depth_and_length_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
