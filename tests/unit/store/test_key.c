/* Times that are expected here were computed with Python's datetime and zoneinfo. */
#include "support/test.h"

#include "store/store.h"

static const int64_t DAY_US = 86400 * QL_US_PER_S;
static const int64_t START_US = INT64_C(1704067200) * QL_US_PER_S; /* 2024-01-01T00:00:00Z */

static struct ql_key_values some_values(void) {
    return (struct ql_key_values){.start_us = START_US,
                                  .end_us = START_US + DAY_US,
                                  .layout = QL_STR("wide"),
                                  .source = QL_STR("exports"),
                                  .export_id = QL_STR("a1-b2"),
                                  .version = QL_STR("1.0.0")};
}

static void assert_key(const char *template, const struct ql_key_values *values, const char *expected) {
    struct ql_buf out = {0};
    struct ql_err err = {0};
    ql_buf_puts(&out, "head/");
    if (ql_key_render(ql_str_from(template), values, &out, &err) != QL_OK) {
        fail_msg("%s: %s", template, err.message);
    }
    struct ql_str key = ql_buf_view(&out);
    assert_true(ql_str_has_prefix(key, "head/"));
    assert_str_equal(((struct ql_str){.ptr = key.ptr + 5, .len = key.len - 5}), expected);
    ql_buf_fini(&out);
}

static void assert_refused(const char *template, const struct ql_key_values *values, enum ql_status status, const char *message,
                           const char *hint) {
    struct ql_buf out = {0};
    struct ql_err err = {0};
    enum ql_status got = ql_key_render(ql_str_from(template), values, &out, &err);
    if (got != status || strstr(err.message, message) == NULL || strstr(ql_err_get_hint(&err), hint) == NULL) {
        fail_msg("%s: got %s '%s' (%s)", template, ql_status_name(got), err.message, ql_err_get_hint(&err));
    }
    assert_int_equal(out.len, 0);
    ql_buf_fini(&out);
}

static void placeholders_become_values(void **state) {
    (void)state;
    struct ql_key_values values = some_values();
    assert_key("queue_metrics/{start:%Y-%m-%d}.parquet", &values, "queue_metrics/2024-01-01.parquet");
    assert_key("date={start:%F}/h={start:%H%M%S}/{end:%j}.parquet", &values, "date=2024-01-01/h=000000/002.parquet");
    assert_key("{start:%Y/%m/%d}/{layout}-{source}-{export_id}-{version}", &values, "2024/01/01/wide-exports-a1-b2-1.0.0");
    assert_key("100%/{start:%%%Y:at}", &values, "100%/%2024:at");
    assert_key("a{{b}}c", &values, "a{b}c");
    assert_key("\xc3\xbc.parquet", &values, "\xc3\xbc.parquet");
    values.start_us = INT64_C(1709251199) * QL_US_PER_S; /* 2024-02-29T23:59:59Z, day 60 of a leap year */
    assert_key("{start:%Y%m%dT%H%M%S.%j}", &values, "20240229T235959.060");
    values.start_us = INT64_C(-62135596800) * QL_US_PER_S; /* 0001-01-01 */
    assert_key("{start:%F}", &values, "0001-01-01");
}

static void times_are_in_the_zone_and_default_formats_are_unambiguous(void **state) {
    (void)state;
    struct ql_key_values values = some_values();
    assert_key("{start}_{end}", &values, "2024-01-01_2024-01-02");
    values.end_us = START_US + DAY_US / 4;
    assert_key("{start}_{end}", &values, "2024-01-01T0000Z_2024-01-01T0600Z");
    values.end_us = START_US + 90 * QL_US_PER_S;
    assert_key("{end}", &values, "2024-01-01T000130Z");
    values.end_us = QL_TIME_NONE;
    assert_key("{start}", &values, "2024-01-01");

    struct ql_tz *madrid = NULL;
    assert_ok(ql_tz_open(QL_STR("Europe/Madrid"), &madrid, err));
    values.tz = madrid;
    assert_key("{start:%F %H%M}", &values, "2024-01-01 0100");
    assert_key("{start}", &values, "2024-01-01T0000Z"); /* no midnight in Madrid */
    values.start_us = START_US - 3600 * QL_US_PER_S;
    values.end_us = START_US + 23 * 3600 * QL_US_PER_S;
    assert_key("{start}", &values, "2024-01-01");
    /* The day on which the clocks go back has 25 hours and is a day all the same: 2024-10-27. */
    values.start_us = INT64_C(1729980000) * QL_US_PER_S;
    values.end_us = INT64_C(1730070000) * QL_US_PER_S;
    assert_key("{start}", &values, "2024-10-27");
    ql_tz_free(madrid);
}

static void wrong_templates_say_what_exists(void **state) {
    (void)state;
    struct ql_key_values values = some_values();
    assert_refused("{strat}", &values, QL_E_CONFIG, "'{strat}'", "did you mean {start}?");
    assert_refused("{queue}", &values, QL_E_CONFIG, "'{queue}'", "{start} {end} {layout} {source} {export_id} {version}");
    assert_refused("{}", &values, QL_E_CONFIG, "'{}'", "{start}");
    assert_refused("{start:%B}", &values, QL_E_CONFIG, "'{start:%B}'", "%Y %m %d %H %M %S %j %F %%");
    assert_refused("{start:%}", &values, QL_E_CONFIG, "'{start:%}'", "%Y");
    assert_refused("{start:}", &values, QL_E_CONFIG, "'{start:}'", "%Y");
    assert_refused("{layout:%Y}", &values, QL_E_CONFIG, "takes no format", "write {layout}");
    assert_refused("a{start", &values, QL_E_CONFIG, "lone '{'", "{{");
    assert_refused("a}b", &values, QL_E_CONFIG, "lone '}'", "}}");
}

static void missing_values_are_named(void **state) {
    (void)state;
    const struct ql_key_values none = {.start_us = QL_TIME_NONE, .end_us = QL_TIME_NONE};
    assert_refused("{export_id}.parquet", &none, QL_E_USAGE, "'{export_id}', which has no value", "only an export has an id");
    assert_refused("{start:%Y}", &none, QL_E_USAGE, "'{start}'", "--from");
    assert_refused("{end}", &none, QL_E_USAGE, "'{end}'", "--from");
    assert_refused("{layout}", &none, QL_E_USAGE, "'{layout}'", "template");
    assert_key("fixed.parquet", &none, "fixed.parquet");
}

static void no_key_climbs_out_or_breaks_s3(void **state) {
    (void)state;
    struct ql_key_values values = some_values();
    assert_refused("a/../b", &values, QL_E_USAGE, "'.' or '..'", "another");
    assert_refused("..", &values, QL_E_USAGE, "'.' or '..'", "another");
    assert_refused("./a", &values, QL_E_USAGE, "'.' or '..'", "another");
    assert_refused("a//b", &values, QL_E_USAGE, "empty part", "another");
    assert_refused("/a", &values, QL_E_USAGE, "begins with '/'", "another");
    assert_refused("a/", &values, QL_E_USAGE, "ends with '/'", "another");
    assert_refused("", &values, QL_E_USAGE, "is empty", "another");
    assert_refused("a\nb", &values, QL_E_USAGE, "a\\x0ab' contains a control character", "another");
    assert_refused("a\x7f", &values, QL_E_USAGE, "control character", "another");
    assert_refused("a\xc2\x85", &values, QL_E_USAGE, "control character", "another");
    assert_refused("a\xff", &values, QL_E_USAGE, "'a\\xff' is not valid UTF-8", "another");
    assert_key("...", &values, "...");
    assert_key("a/.hidden/..b", &values, "a/.hidden/..b");
    assert_key("\xc2\xa0", &values, "\xc2\xa0");

    /* Values come from a server. */
    values.export_id = QL_STR("../../etc/passwd");
    assert_key("x/{export_id}", &values, "x/..%2F..%2Fetc%2Fpasswd");
    values.export_id = QL_STR("..");
    assert_refused("x/{export_id}/y", &values, QL_E_USAGE, "'.' or '..'", "another");
    values.export_id = QL_STR("a\nb{start}");
    assert_key("{export_id}", &values, "a%0Ab%7Bstart%7D");
}

static void a_key_may_have_1024_bytes(void **state) {
    (void)state;
    struct ql_key_values values = some_values();
    char text[1026];
    memset(text, 'k', sizeof text);
    text[1024] = '\0';
    assert_key(text, &values, text);
    text[1024] = 'k';
    text[1025] = '\0';
    assert_refused(text, &values, QL_E_USAGE, "longer than 1024 bytes", "another");
}

static void templates_are_checked_without_values(void **state) {
    (void)state;
    assert_ok(ql_key_check(QL_STR("queue_metrics/{start:%Y-%m-%d}/{export_id}.parquet"), err));
    assert_int_equal(ql_key_check(QL_STR("{strat}"), NULL), QL_E_CONFIG);
    assert_int_equal(ql_key_check(QL_STR("../{start}"), NULL), QL_E_USAGE);
}

static void an_escaped_name_renders_as_itself(void **state) {
    (void)state;
    const struct ql_key_values none = {.start_us = QL_TIME_NONE, .end_us = QL_TIME_NONE};
    struct ql_buf escaped = {0};
    ql_key_escape(QL_STR("export{1}}.parquet"), &escaped);
    assert_key(escaped.ptr, &none, "export{1}}.parquet");
    ql_buf_fini(&escaped);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_become_values),
        cmocka_unit_test(times_are_in_the_zone_and_default_formats_are_unambiguous),
        cmocka_unit_test(wrong_templates_say_what_exists),
        cmocka_unit_test(missing_values_are_named),
        cmocka_unit_test(no_key_climbs_out_or_breaks_s3),
        cmocka_unit_test(a_key_may_have_1024_bytes),
        cmocka_unit_test(templates_are_checked_without_values),
        cmocka_unit_test(an_escaped_name_renders_as_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
