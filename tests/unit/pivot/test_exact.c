/*
 * The arithmetic behind sums and means, against Python's fractions (tests/data/pivot/exact.txt, made by oracle.py): every
 * result must be the bits of the nearest double, through the 128-bit path and through the big integers alike.
 */
#include "support/test.h"

#include "base/mem.h"
#include "pivot/exact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 16, LINE_MAX_SIZE = 4096 };

struct vector {
    char *word[WORDS_MAX];
    size_t n;
    int line;
};

static void split(char *line, struct vector *v) {
    char *rest = NULL;
    v->n = 0;
    for (char *w = strtok_r(line, " \n", &rest); w != NULL && v->n < WORDS_MAX; w = strtok_r(NULL, " \n", &rest)) {
        v->word[v->n++] = w;
    }
}

/* Calls check for every vector of one kind; there must be some. */
static void for_each(const char *kind, void (*check)(const struct vector *v)) {
    char path[512];
    const char *dir = getenv("QL_TEST_DATA");
    (void)snprintf(path, sizeof path, "%s/pivot/exact.txt", dir != NULL ? dir : "tests/data");
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
    }
    char line[LINE_MAX_SIZE];
    int n_seen = 0;
    struct vector v = {.line = 0};
    while (fgets(line, sizeof line, file) != NULL) {
        v.line++;
        split(line, &v);
        if (v.n != 0 && strcmp(v.word[0], kind) == 0) {
            check(&v);
            n_seen++;
        }
    }
    (void)fclose(file);
    assert_true(n_seen > 100);
}

static void assert_double(const struct vector *v, const char *expected, bool fits, double got) {
    if (strcmp(expected, "overflow") == 0) {
        if (fits) {
            fail_msg("line %d: got %a, expected an overflow", v->line, got);
        }
        return;
    }
    double want = strtod(expected, NULL);
    if (!fits || memcmp(&want, &got, sizeof want) != 0) {
        fail_msg("line %d: got %a (fits: %d), expected %s", v->line, got, fits, expected);
    }
}

static struct ql_exact number(const struct vector *v, const char *text) {
    struct ql_exact x = {0};
    if (!ql_exact_set_text(&x, ql_str_from(text))) {
        fail_msg("line %d: '%s' is refused", v->line, text);
    }
    return x;
}

static void assert_quotient(const struct vector *v, const char *expected, const struct ql_exact *num,
                            const struct ql_exact *den) {
    double got = 0;
    bool fits = ql_exact_div_to_double(num, den, &got);
    assert_double(v, expected, fits, got);
}

static void check_double(const struct vector *v) {
    struct ql_exact x = number(v, v->word[1]);
    struct ql_exact one = {0};
    ql_exact_set(&one, 1000, 3);
    assert_quotient(v, v->word[2], &x, &one);
    struct ql_decimal decimal;
    assert_true(ql_decimal_parse(ql_str_from(v->word[1]), &decimal));
    int64_t k = 0;
    if (ql_decimal_to_i64(&decimal, &k)) {
        struct ql_exact same = {0};
        ql_exact_set(&same, k, decimal.scale);
        assert_int_equal(ql_exact_cmp(&x, &same), 0);
        ql_exact_fini(&same);
    } else {
        assert_true(decimal.n_digits >= 19);
    }
    ql_exact_fini(&x);
    ql_exact_fini(&one);
}

static void check_sum(const struct vector *v) {
    struct ql_exact one = {0};
    ql_exact_set(&one, 1, 0);
    for (size_t first = 1; first + 1 < v->n; first++) { /* every rotation of the terms */
        struct ql_exact sum = {0};
        for (size_t i = 0; i + 2 < v->n; i++) {
            struct ql_exact term = number(v, v->word[1 + (first + i) % (v->n - 2)]);
            ql_exact_add(&sum, &term);
            ql_exact_fini(&term);
        }
        assert_quotient(v, v->word[v->n - 1], &sum, &one);
        ql_exact_fini(&sum);
    }
    ql_exact_fini(&one);
}

static void check_product(const struct vector *v) {
    struct ql_exact a = number(v, v->word[1]);
    struct ql_exact b = number(v, v->word[2]);
    struct ql_exact one = {0};
    struct ql_exact product = {0};
    ql_exact_set(&one, 1, 0);
    ql_exact_mul(&product, &b, &a);
    ql_exact_mul(&product, &a, &b); /* over an old value */
    assert_quotient(v, v->word[3], &product, &one);
    ql_exact_fini(&a);
    ql_exact_fini(&b);
    ql_exact_fini(&one);
    ql_exact_fini(&product);
}

static void check_quotient(const struct vector *v) {
    struct ql_exact a = number(v, v->word[1]);
    struct ql_exact b = number(v, v->word[2]);
    assert_quotient(v, v->word[3], &a, &b);
    ql_exact_fini(&a);
    ql_exact_fini(&b);
}

static void check_cmp(const struct vector *v) {
    struct ql_exact a = number(v, v->word[1]);
    struct ql_exact b = number(v, v->word[2]);
    int want = atoi(v->word[3]);
    if (ql_exact_cmp(&a, &b) != want || ql_exact_cmp(&b, &a) != -want || ql_exact_cmp(&a, &a) != 0) {
        fail_msg("line %d: wrong order", v->line);
    }
    ql_exact_fini(&a);
    ql_exact_fini(&b);
}

static ql_i128 to_i128(const char *text) {
    ql_i128 value = 0;
    for (const char *at = text + (*text == '-'); *at != '\0'; at++) {
        value = value * 10 + (*at - '0');
    }
    return *text == '-' ? -value : value;
}

static void assert_i64(const struct vector *v, bool fits, int64_t got) {
    char text[32] = "overflow";
    if (fits) {
        (void)snprintf(text, sizeof text, "%lld", (long long)got);
    }
    if (strcmp(text, v->word[4]) != 0) {
        fail_msg("line %d: got %s, expected %s", v->line, text, v->word[4]);
    }
}

static void check_ratio(const struct vector *v) {
    ql_i128 num = to_i128(v->word[1]);
    ql_i128 den = to_i128(v->word[2]);
    assert_double(v, v->word[3], true, ql_ratio_to_double(num, den));
    int64_t nearest = 0;
    bool fits = ql_ratio_to_i64(num, den, &nearest);
    assert_i64(v, fits, nearest);
    /* The big integers must say the same, also at other scales: num/10^-3 over den/10^-3, and with both signs turned. */
    struct ql_exact n = {0};
    struct ql_exact d = {0};
    for (int i = 0; i < 4; i++) {
        int sign = i % 2 == 0 ? 1 : -1;
        ql_exact_set(&n, sign * num, i < 2 ? 0 : -3);
        ql_exact_set(&d, sign * den, i < 2 ? 0 : -3);
        assert_quotient(v, v->word[3], &n, &d);
        fits = ql_exact_div_to_i64(&n, &d, &nearest);
        assert_i64(v, fits, nearest);
    }
    ql_exact_fini(&n);
    ql_exact_fini(&d);
}

static void decimals_read_to_the_nearest_double(void **state) {
    (void)state;
    for_each("double", check_double);
}
static void sums_are_exact_in_any_order(void **state) {
    (void)state;
    for_each("sum", check_sum);
}
static void products_are_exact(void **state) {
    (void)state;
    for_each("product", check_product);
}
static void quotients_are_rounded_once(void **state) {
    (void)state;
    for_each("quotient", check_quotient);
}
static void comparison_is_exact(void **state) {
    (void)state;
    for_each("cmp", check_cmp);
}
static void fractions_of_128_bits_are_rounded_once(void **state) {
    (void)state;
    for_each("ratio", check_ratio);
}

static void what_is_no_decimal_is_refused(void **state) {
    (void)state;
    static const char *const WRONG[] = {"",
                                        "-",
                                        ".",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "1e+",
                                        "1e-",
                                        "e5",
                                        "1.5.2",
                                        "1x",
                                        "x",
                                        "--1",
                                        "+1",
                                        "1 ",
                                        " 1",
                                        "1e5x",
                                        "0x10",
                                        "nan",
                                        "inf",
                                        "1,5",
                                        "1e401",
                                        "1e999999999999999999999999",
                                        "123456789e393"};
    struct ql_decimal decimal;
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        if (ql_decimal_parse(ql_str_from(WRONG[i]), &decimal)) {
            fail_msg("'%s' is taken for a number", WRONG[i]);
        }
    }
}

static void an_integer_comes_out_with_its_trailing_zeros_in_the_scale(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t k, scale;
    } CASES[] = {
        {"0", 0, 0},
        {"-0.00", 0, 0},
        {"1200", 12, -2},
        {"-0012.3400", -1234, 2},
        {"1.5e3", 15, -2},
        {"1e-300", 1, 300},
        {"9223372036854775807", INT64_MAX, 0},
        {"-9223372036854775807", -INT64_MAX, 0},
        {"0.000000000000000000001", 1, 21},
        {"1e-400", 1, 400},
        {"1e-401", 0, 0},
        {"9.99e-401", 0, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_decimal decimal;
        int64_t k = -1;
        assert_true(ql_decimal_parse(ql_str_from(CASES[i].text), &decimal));
        assert_true(ql_decimal_to_i64(&decimal, &k));
        assert_int_equal(k, CASES[i].k);
        assert_int_equal(decimal.scale, CASES[i].scale);
    }
    struct ql_decimal decimal;
    int64_t k = -1;
    assert_true(ql_decimal_parse(QL_STR("9223372036854775808"), &decimal));
    assert_false(ql_decimal_to_i64(&decimal, &k));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_read_to_the_nearest_double),
        cmocka_unit_test(sums_are_exact_in_any_order),
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(quotients_are_rounded_once),
        cmocka_unit_test(comparison_is_exact),
        cmocka_unit_test(fractions_of_128_bits_are_rounded_once),
        cmocka_unit_test(what_is_no_decimal_is_refused),
        cmocka_unit_test(an_integer_comes_out_with_its_trailing_zeros_in_the_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
