#include "support/test.h"

#include "json/json.h"

#include <math.h>

static struct ql_json *parsed(const char *text) {
    struct ql_json *json = NULL;
    assert_ok(ql_json_parse(ql_str_from(text), 32, &json, err));
    return json;
}

static void refused(struct ql_str text, int max_depth, const char *message) {
    struct ql_json *json = NULL;
    struct ql_err err = {0};
    assert_int_equal(ql_json_parse(text, max_depth, &json, &err), QL_E_PROTOCOL);
    assert_null(json);
    assert_string_equal(err.message, message);
}

static void reads_what_is_there_and_calls_the_rest_absent(void **state) {
    (void)state;
    struct ql_json *json =
        parsed("{\"id\":\"a\\u00e9\\n\",\"n\":-9223372036854775808,\"r\":1.5,\"i\":7,\"l\":[1,{\"k\":null}],\"t\":true}");
    int64_t n = 1;
    double r = 1;
    assert_str_equal(ql_json_get_text(json, "id"), "a\xc3\xa9\n");
    assert_true(ql_json_get_int(json, "n", &n));
    assert_int_equal(n, INT64_MIN);
    assert_true(ql_json_get_number(json, "r", &r) && r == 1.5);
    assert_true(ql_json_get_number(json, "i", &r) && r == 7.0);
    assert_true(ql_json_is_array(ql_json_get(json, "l")));
    assert_int_equal(ql_json_length(ql_json_get(json, "l")), 2);
    assert_true(ql_json_is_object(ql_json_at(ql_json_get(json, "l"), 1)));

    n = 5;
    assert_false(ql_json_get_int(json, "r", &n)); /* a fraction is no integer */
    assert_false(ql_json_get_int(json, "t", &n));
    assert_false(ql_json_get_int(json, "none", &n));
    assert_int_equal(n, 5);
    assert_null(ql_json_get_text(json, "n").ptr);
    assert_null(ql_json_get(ql_json_get(json, "id"), "x"));
    assert_null(ql_json_get(NULL, "x"));
    assert_null(ql_json_at(ql_json_get(json, "l"), 2));
    assert_int_equal(ql_json_length(json), 0);
    assert_false(ql_json_is_object(NULL));
    ql_json_free(json);
    ql_json_free(NULL);
}

static void a_scalar_alone_is_a_value(void **state) {
    (void)state;
    struct ql_json *json = parsed(" \"x\" ");
    assert_str_equal(ql_json_text(json), "x");
    assert_false(ql_json_is_object(json));
    ql_json_free(json);
}

static void refuses_what_is_no_json_and_says_where(void **state) {
    (void)state;
    refused(QL_STR(""), 9, "no JSON: the text is empty");
    refused(QL_STR("{\"a\":1,\n \"b\":}"), 9, "no JSON: the syntax is wrong at line 2, column 6");
    refused(QL_STR("{\"a\":[1,2"), 9, "no JSON: the text ends too early at line 1, column 9");
    refused(QL_STR("{} {}"), 9, "no JSON: something follows the value at line 1, column 4");
    refused(QL_STR("{\"a\":1,\"a\":2}"), 9, "no JSON: one object has the same key twice at line 1, column 10");
    refused(QL_STR("\"\xff\""), 9, "no JSON: the text is no valid UTF-8 at line 1, column 1");
    refused(QL_STR("[18446744073709551616]"), 9, "no JSON: a number is too large at line 1, column 21");
    refused(QL_STR("<html>"), 9, "no JSON: the syntax is wrong at line 1, column 1");
}

/* An answer may hold a token; a refusal must not carry it into a log. */
static void a_refusal_quotes_nothing_of_the_text(void **state) {
    (void)state;
    struct ql_json *json = NULL;
    struct ql_err err = {0};
    assert_int_equal(ql_json_parse(QL_STR("{\"access_token\" \"s3cr3t-token\"}"), 9, &json, &err), QL_E_PROTOCOL);
    assert_null(strstr(err.message, "s3cr3t"));
    assert_null(strstr(err.hint, "s3cr3t"));
}

static void depth_counts_brackets_outside_texts_only(void **state) {
    (void)state;
    struct ql_json *json = NULL;
    assert_ok(ql_json_parse(QL_STR("{\"a\":[[1]],\"b\":[[2]]}"), 3, &json, err));
    ql_json_free(json);
    assert_ok(ql_json_parse(QL_STR("[\"[[[[\\\"[[[{{\\\\\"]"), 1, &json, err));
    ql_json_free(json);
    refused(QL_STR("{\"a\":\n[[1]]}"), 2, "no acceptable JSON: values are nested deeper than 2 at line 2, column 2");
    /* 100,000 levels must neither overflow the stack nor be walked by a recursive reader. */
    struct ql_buf deep = {0};
    for (int i = 0; i < 100000; i++) {
        ql_buf_putc(&deep, '[');
    }
    refused(ql_buf_view(&deep), 64, "no acceptable JSON: values are nested deeper than 64 at line 1, column 65");
    ql_buf_fini(&deep);
}

static void writes_keys_in_the_order_they_were_set(void **state) {
    (void)state;
    struct ql_json *json = ql_json_new_object();
    ql_json_set(json, "z", ql_json_new_int(INT64_MAX));
    ql_json_set(json, "a", ql_json_new_text(QL_STR("x\"\\\n/\x01\xc3\xa9")));
    struct ql_json *list = ql_json_new_array();
    ql_json_add(list, ql_json_new_number(0.1));
    ql_json_add(list, ql_json_new_number(2));
    ql_json_add(list, ql_json_new_bool(false));
    ql_json_add(list, ql_json_new_null());
    ql_json_add(list, ql_json_new_number((double)NAN));
    ql_json_add(list, ql_json_new_number((double)INFINITY));
    ql_json_set(json, "m", list);
    struct ql_buf out = {0};
    ql_json_write(json, false, &out);
    assert_string_equal(ql_buf_text(&out), "{\"z\":9223372036854775807,\"a\":\"x\\\"\\\\\\n/\\u0001\xc3\xa9\","
                                           "\"m\":[0.1,2.0,false,null,null,null]}");
    ql_buf_reset(&out);
    ql_json_set(json, "z", ql_json_new_null()); /* the same key again keeps its place */
    ql_json_set(json, "m", ql_json_new_object());
    ql_json_write(json, true, &out);
    assert_string_equal(ql_buf_text(&out), "{\n  \"z\": null,\n  \"a\": \"x\\\"\\\\\\n/\\u0001\xc3\xa9\",\n  \"m\": {}\n}");
    ql_buf_fini(&out);
    ql_json_free(json);
}

static void bad_utf8_becomes_the_replacement_character(void **state) {
    (void)state;
    struct ql_json *json = ql_json_new_object();
    ql_json_set(json, "k\xff", ql_json_new_text((struct ql_str){"a\xe2\x82z\x80\0!", 7}));
    struct ql_buf out = {0};
    ql_json_write(json, false, &out);
    assert_string_equal(ql_buf_text(&out), "{\"k\xef\xbf\xbd\":\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\\u0000!\"}");
    ql_buf_fini(&out);
    ql_json_free(json);
}

static void doubles_read_back_as_they_were(void **state) {
    (void)state;
    const double values[] = {0.1 + 0.2, 1e300, 5e-324, -0.0, 1.7976931348623157e308, 123456.789, 1.0 / 3.0};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct ql_json *json = ql_json_new_object();
        ql_json_set(json, "v", ql_json_new_number(values[i]));
        struct ql_buf out = {0};
        ql_json_write(json, false, &out);
        struct ql_json *again = parsed(ql_buf_text(&out));
        double v = 0;
        assert_true(ql_json_get_number(again, "v", &v));
        assert_memory_equal(&v, &values[i], sizeof v);
        ql_json_free(again);
        ql_buf_fini(&out);
        ql_json_free(json);
    }
}

static void names_the_library(void **state) {
    (void)state;
    struct ql_buf out = {0};
    ql_json_versions(&out);
    assert_true(ql_str_has_prefix(ql_buf_view(&out), "jansson 2."));
    ql_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_there_and_calls_the_rest_absent),
        cmocka_unit_test(a_scalar_alone_is_a_value),
        cmocka_unit_test(refuses_what_is_no_json_and_says_where),
        cmocka_unit_test(a_refusal_quotes_nothing_of_the_text),
        cmocka_unit_test(depth_counts_brackets_outside_texts_only),
        cmocka_unit_test(writes_keys_in_the_order_they_were_set),
        cmocka_unit_test(bad_utf8_becomes_the_replacement_character),
        cmocka_unit_test(doubles_read_back_as_they_were),
        cmocka_unit_test(names_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
