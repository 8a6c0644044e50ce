/* The pull reader against jansson, which reads the same texts: the same verdict, and the same values. */
#include "support/test.h"

#include "json/json.h"
#include "json/pull.h"

static enum ql_status skipped(const char *text, int max_depth, struct ql_err *err) {
    struct ql_json_pull pull;
    ql_json_pull_init(&pull, ql_str_from(text), max_depth);
    enum ql_status status = ql_json_pull_skip(&pull, err);
    if (status == QL_OK) {
        status = ql_json_pull_end(&pull, err);
    }
    ql_json_pull_fini(&pull);
    return status;
}

static const char *const TEXTS[] = {
    "{}",
    "[]",
    " [ ] ",
    "{\"a\":1}",
    "[1,2,[3],{\"b\":[{}]}]",
    "null",
    "true",
    "-0.5e+7",
    "0",
    "1E9",
    "\"\"",
    "\"a\\u00e9\\n\\\"\"",
    "\"\\ud83d\\ude00\"",
    "",
    " ",
    "{",
    "[",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,\"a\":1}",
    "{a:1}",
    "{\"a\" 1}",
    "[1 2]",
    "]",
    "}",
    "[}",
    "{]",
    "[1}",
    "{\"a\":1]",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "+1",
    "tru",
    "truex",
    "nul",
    "NaN",
    "\"",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800\\u0041\"",
    "\"a\tb\"",
    "1 2",
    "{} {}",
    "[[[[[]]]]]",
    "{\"a\":{\"b\":[1,{\"c\":null,\"d\":[true,false]}]},\"e\":\"x\"}",
    "[\"\\/\\b\\f\\r\\t\"]",
    "{\"\":[]}",
    "--1",
    "1-",
};

static void it_takes_what_jansson_takes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct ql_json *json = NULL;
        struct ql_err err = {0};
        enum ql_status theirs = ql_json_parse(ql_str_from(TEXTS[i]), 32, &json, NULL);
        enum ql_status mine = skipped(TEXTS[i], 32, &err);
        if (mine != theirs) {
            fail_msg("'%s': %d, jansson %d: %s", TEXTS[i], mine, theirs, err.message);
        }
        ql_json_free(json);
    }
}

/* Every text cut anywhere, and with every byte changed into another: never a crash, and jansson's verdict. */
static void damage_is_seen_where_jansson_sees_it(void **state) {
    (void)state;
    static const char BYTES[] = "{}[],:\"\\0-e.tn 1u";
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        size_t len = strlen(TEXTS[i]);
        for (size_t at = 0; at < len; at++) {
            for (size_t b = 0; b < sizeof BYTES; b++) { /* the NUL at its end cuts the text */
                char copy[100];
                memcpy(copy, TEXTS[i], len + 1);
                copy[at] = BYTES[b];
                struct ql_json *json = NULL;
                struct ql_err theirs_err = {0};
                enum ql_status theirs = ql_json_parse(ql_str_from(copy), 32, &json, &theirs_err);
                ql_json_free(json);
                bool is_double = strstr(theirs_err.message, "same key") != NULL;
                if (!is_double && skipped(copy, 32, NULL) != theirs) {
                    fail_msg("'%s' of '%s': jansson says %d (%s)", copy, TEXTS[i], theirs, theirs_err.message);
                }
            }
        }
    }
}

static void too_deep_is_refused_before_it_costs_anything(void **state) {
    (void)state;
    struct ql_err err = {0};
    assert_int_equal(skipped("[[[[]]]]", 4, &err), QL_OK);
    assert_int_equal(skipped("[[[[[]]]]]", 4, &err), QL_E_PROTOCOL);
    assert_string_equal(err.message, "no acceptable JSON: values are nested deeper than 4 at byte 5");
}

static void values_are_read_and_others_are_absent(void **state) {
    (void)state;
    static const char TEXT[] =
        "{\"t\":\"a\\u00e9\\ud83d\\ude00\\\\\",\"n\":-12.5E3,\"x\":{\"y\":[1]},\"l\":[\"p\",7,null],\"z\":3} ";
    struct ql_json_pull pull;
    ql_json_pull_init(&pull, ql_str_from(TEXT), 8);
    bool is_entered;
    bool has;
    struct ql_str value;
    struct ql_buf got = {0};
    assert_ok(ql_json_pull_object(&pull, &is_entered, err));
    assert_true(is_entered);
    struct ql_str key;
    for (;;) {
        assert_ok(ql_json_pull_member(&pull, &has, &key, err));
        if (!has) {
            break;
        }
        ql_buf_printf(&got, "%.*s", QL_STR_ARG(key));
        if (ql_str_eq(key, QL_STR("t"))) {
            assert_ok(ql_json_pull_text(&pull, &value, err));
            ql_buf_printf(&got, "=%.*s ", QL_STR_ARG(value));
        } else if (ql_str_eq(key, QL_STR("n")) || ql_str_eq(key, QL_STR("x"))) {
            assert_ok(ql_json_pull_number(&pull, &value, err));
            ql_buf_printf(&got, "=%s%.*s ", value.ptr == NULL ? "absent" : "", QL_STR_ARG(value));
        } else {
            assert_ok(ql_json_pull_array(&pull, &is_entered, err));
            ql_buf_puts(&got, is_entered ? "=[" : "=none ");
            while (is_entered) {
                assert_ok(ql_json_pull_element(&pull, &has, err));
                if (!has) {
                    ql_buf_puts(&got, "] ");
                    break;
                }
                assert_ok(ql_json_pull_text(&pull, &value, err));
                ql_buf_printf(&got, "%s,", value.ptr == NULL ? "absent" : "text");
            }
        }
    }
    assert_ok(ql_json_pull_end(&pull, err));
    assert_string_equal(ql_buf_text(&got), "t=a\xc3\xa9\xf0\x9f\x98\x80\\ n=-12.5E3 x=absent l=[text,absent,absent,] z=none ");
    ql_buf_fini(&got);
    ql_json_pull_fini(&pull);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_takes_what_jansson_takes),
        cmocka_unit_test(damage_is_seen_where_jansson_sees_it),
        cmocka_unit_test(too_deep_is_refused_before_it_costs_anything),
        cmocka_unit_test(values_are_read_and_others_are_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
