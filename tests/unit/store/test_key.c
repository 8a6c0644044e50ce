/* Times that are expected here were computed with Python's datetime and zoneinfo. */
#include "support/test.h"

#include "store/store_internal.h"

static const int64_t DAY_US = 86400 * QL_US_PER_S;
static const int64_t START_US = INT64_C(1704067200) * QL_US_PER_S; /* 2024-01-01T00:00:00Z */

static struct ql_key_values some_values(void) {
    return (struct ql_key_values){.start_us = START_US,
                                  .end_us = START_US + DAY_US,
                                  .layout = QL_STR("wide"),
                                  .source = QL_STR("exports"),
                                  .export_id = QL_STR("a1-b2"),
                                  .version = QL_STR("1.0.0"),
                                  .now_us = START_US + 3 * DAY_US + 12345678900,
                                  .org = QL_STR("Acme"),
                                  .sha256 = QL_STR("0123abcd")};
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
    assert_key("100%/{start:%%%Y-at}", &values, "100%/%2024-at");
    assert_key("org={org}/{sha256}.parquet", &values, "org=Acme/0123abcd.parquet");
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
    assert_key("{now}", &values, "2024-01-04T032545Z"); /* to the second, in UTC */
    assert_key("{now:%Y%m%d-%H}", &values, "20240104-03");

    struct ql_tz *madrid = NULL;
    assert_ok(ql_tz_open(QL_STR("Europe/Madrid"), &madrid, err));
    values.tz = madrid;
    assert_key("{start:%F %H%M}", &values, "2024-01-01 0100");
    assert_key("{now:%F %H%M}_{now}", &values, "2024-01-04 0425_2024-01-04T032545Z");
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

static void wrong_templates_say_where_and_what_exists(void **state) {
    (void)state;
    struct ql_key_values values = some_values();
    assert_refused("{strat}", &values, QL_E_CONFIG, "'{strat}' at character 1", "did you mean {start}?");
    assert_refused("\xc3\xbc/{queue}", &values, QL_E_CONFIG, "'{queue}' at character 3 of the key template '\xc3\xbc/{queue}'",
                   "{start} {end} {now} {org} {source} {layout} {export_id} {version} {sha256}");
    assert_refused("{{}}{}", &values, QL_E_CONFIG, "'{}' at character 5", "{start}");
    assert_refused("a/{start:%B}", &values, QL_E_CONFIG, "'{start:%B}' at character 3", "%Y %m %d %H %M %S %j %F %%");
    assert_refused("{start:%}", &values, QL_E_CONFIG, "'{start:%}'", "%Y");
    assert_refused("{now:}", &values, QL_E_CONFIG, "'{now:}'", "%Y");
    assert_refused("{layout:%Y}", &values, QL_E_CONFIG, "takes no format", "write {layout}");
    assert_refused("a{start", &values, QL_E_CONFIG, "lone '{' at character 2", "{{");
    assert_refused("a}b", &values, QL_E_CONFIG, "lone '}' at character 2", "}}");
}

static void missing_values_are_named(void **state) {
    (void)state;
    const struct ql_key_values none = {.start_us = QL_TIME_NONE, .end_us = QL_TIME_NONE, .now_us = QL_TIME_NONE};
    assert_refused("{export_id}.parquet", &none, QL_E_USAGE, "'{export_id}' at character 1", "only an export has an id");
    assert_refused("{start:%Y}", &none, QL_E_USAGE, "'{start:%Y}'", "--from");
    assert_refused("{end}", &none, QL_E_USAGE, "'{end}'", "--from");
    assert_refused("{org}", &none, QL_E_USAGE, "has no value here", "--org");
    assert_refused("{layout}", &none, QL_E_USAGE, "'{layout}'", "template");
    assert_refused("{now}", &none, QL_E_USAGE, "'{now}'", "template");
    assert_key("fixed.parquet", &none, "fixed.parquet");
}

static void a_hash_is_in_the_name_of_a_file_not_of_its_folder(void **state) {
    (void)state;
    struct ql_key_values values = some_values();
    assert_key("{sha256}/a", &values, "0123abcd/a"); /* S3 has no folders */
    values.is_file = true;
    assert_refused("x/{sha256}/a", &values, QL_E_CONFIG, "'{sha256}' at character 3", "behind the last '/'");
    assert_refused("{sha256}-{start:%Y/%m}", &values, QL_E_CONFIG, "is in the name of a folder", "last '/'");
    assert_key("x/{sha256}.a", &values, "x/0123abcd.a");
}

static void faults_are_shown_where_the_template_has_them(void **state) {
    (void)state;
    struct ql_key_values values = some_values();
    assert_refused("{layout}/nul/x", &values, QL_E_USAGE, "'wide/nul/x' has a part that is a device's name", "another");
    assert_refused("{layout}/nul/x", &values, QL_E_USAGE, "(character 10 of its template)", "another");
    assert_refused("{{{{a?b", &values, QL_E_USAGE, "(character 6 of its template)", "another");
    assert_refused("a\nb", &values, QL_E_USAGE, "'a\\x0ab' contains a control character (character 2", "another");
    assert_refused("a\xff", &values, QL_E_USAGE, "'a\\xff' is not valid UTF-8 (character 2", "another");

    /* Values come from a server. */
    values.export_id = QL_STR("../../etc/passwd");
    assert_key("x/{export_id}", &values, "x/..%2F..%2Fetc%2Fpasswd");
    values.export_id = QL_STR("..");
    assert_refused("x/{export_id}/y", &values, QL_E_USAGE, "'.' or '..' as a part (character 3", "another");
    values.export_id = QL_STR("a\nb{start}");
    assert_key("{export_id}", &values, "a%0Ab%7Bstart%7D");
    values.org = QL_STR("Acme Inc.");
    assert_refused("x/org={org}/y", &values, QL_E_USAGE, "ends in '.'", "another");
    assert_key("x/{org}-/y", &values, "x/Acme%20Inc.-/y");
}

static void versions_go_before_the_ending(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int version;
        const char *expected;
    } CASES[] = {{"a.parquet", 1, "a.parquet"},    {"a.parquet", 2, "a.v2.parquet"}, {"x.y/a", 3, "x.y/a.v3"},
                 {"x/.hidden", 2, "x/.hidden.v2"}, {".hidden", 2, ".hidden.v2"},     {"a.tar.gz", 12, "a.tar.v12.gz"},
                 {"d.e/part.", 2, "d.e/part.v2."}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf out = {0};
        ql_key_put_version(ql_str_from(CASES[i].name), CASES[i].version, &out);
        assert_str_equal(ql_buf_view(&out), CASES[i].expected);
        ql_buf_fini(&out);
    }
}

static void an_escaped_name_renders_as_itself(void **state) {
    (void)state;
    const struct ql_key_values none = {.start_us = QL_TIME_NONE, .end_us = QL_TIME_NONE};
    struct ql_buf escaped = {0};
    ql_key_escape(QL_STR("export{1}}.parquet"), &escaped);
    assert_key(escaped.ptr, &none, "export{1}}.parquet");
    ql_buf_fini(&escaped);
}

static void a_folder_is_what_is_before_the_last_slash(void **state) {
    (void)state;
    static const char *const CASES[][2] = {{"lake/{start:%F}/x-{org}.parquet", "lake/{start:%F}"},
                                           {"x-{start}.parquet", ""},
                                           {"/x", ""},
                                           {"", ""},
                                           {"a/{start:%Y/%m}.parquet", "a/{start:%Y}"},
                                           {"{start:%Y/}x", "{start:%Y}"},
                                           {"{{a/b}}", "{{a"},
                                           {"a{{b/c/{org}", "a{{b/c"},
                                           {"{org}/{{/{{x", "{org}/{{"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf out = {0};
        ql_key_put_folder(ql_str_from(CASES[i][0]), &out);
        assert_str_equal(ql_buf_view(&out), CASES[i][1]);
        ql_buf_fini(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_become_values),
        cmocka_unit_test(times_are_in_the_zone_and_default_formats_are_unambiguous),
        cmocka_unit_test(wrong_templates_say_where_and_what_exists),
        cmocka_unit_test(missing_values_are_named),
        cmocka_unit_test(a_hash_is_in_the_name_of_a_file_not_of_its_folder),
        cmocka_unit_test(faults_are_shown_where_the_template_has_them),
        cmocka_unit_test(versions_go_before_the_ending),
        cmocka_unit_test(an_escaped_name_renders_as_itself),
        cmocka_unit_test(a_folder_is_what_is_before_the_last_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
