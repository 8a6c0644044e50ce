/* What `config` and `--help` show. */
#include "config_fixture.h"

static void assert_has(const struct ql_buf *text, const char *part) {
    if (strstr(text->ptr, part) == NULL) {
        fail_msg("'%s' is not in:\n%s", part, text->ptr);
    }
}

static void print(const struct fixture *fixture, bool as_json, struct ql_buf *out) {
    ql_buf_reset(out);
    ql_settings_print(&fixture->settings, as_json, out);
}

static const char FULL[] = "layout: long\n"
                           "tag: [a=b, \"c= d\"]\n"
                           "s3_key: \"a: b # \\\"c\\\" \\\\ \xC3\xA9\"\n"
                           "aws_region: 'true'\n"
                           "genesys_client_secret: hush\n"
                           "poll_min: 1500ms\n"
                           "max_body_bytes: 3M\n"
                           "granularity: PT90S\n"
                           "from: 2024-01-01T00:00:00Z\n"
                           "metrics:\n"
                           "  aht: {column: handle, agg: mean, weight: calls_answered, type: number, idle: 0.1}\n"
                           "  plain:\n"
                           "kpis:\n"
                           "  rate: a / b\n"
                           "  load: {expression: rate * 2, idle: -1}\n"
                           "aliases:\n"
                           "  \"Off: Calls\": calls_offered\n"
                           "  Avg: {to: aht, scale: 0.001}\n"
                           "  Level: {to: level, scale: 100}\n";

/* A text without the lines that say `config`, which a file may not, and without the origins, which differ. */
static void put_values(const char *printed, struct ql_buf *out) {
    while (*printed != '\0') {
        const char *end = strchr(printed, '\n');
        const char *origin = strstr(printed, "   # from ");
        size_t len = (size_t)((origin != NULL && origin < end ? origin : end) - printed);
        if (strncmp(printed, "config: ", 8) != 0) {
            ql_buf_put(out, printed, len);
            ql_buf_putc(out, '\n');
        }
        printed = end + 1;
    }
}

static void what_is_printed_can_be_read_back(void **state) {
    struct fixture *fixture = *state;
    struct ql_buf first = {0};
    struct ql_buf second = {0};
    struct ql_buf values[2] = {{0}, {0}};
    assert_loads(fixture, load_yaml(fixture, FULL));
    print(fixture, false, &first);
    put_values(first.ptr, &values[0]);
    assert_loads(fixture, load_yaml(fixture, values[0].ptr));
    print(fixture, false, &second);
    put_values(second.ptr, &values[1]);
    assert_string_equal(values[0].ptr, values[1].ptr);
    assert_has(&first, "poll_min: 1500ms   # from file queuelake.yaml:6\n");
    assert_has(&first, "granularity: 90s   # from file queuelake.yaml:8\n");
    assert_has(&first, "tag: [\"a=b\", \"c= d\"]   # from file queuelake.yaml:2\n");
    assert_has(&first, "aws_region: \"true\"   # from file");
    assert_has(&first, "  Avg: {to: aht, scale: 0.001}   # from file queuelake.yaml:18:3\n");
    assert_has(&first, "  load: {expression: \"rate * 2\", idle: -1}   # from file queuelake.yaml:15:22\n");
    ql_buf_fini(&first);
    ql_buf_fini(&second);
    ql_buf_fini(&values[0]);
    ql_buf_fini(&values[1]);
}

static void a_list_of_metrics_beside_definitions_shows_both(void **state) {
    struct fixture *fixture = *state;
    struct ql_buf printed = {0};
    write_file("queuelake.yaml", "metrics: {m: {agg: sum}}\n", 25);
    assert_loads(fixture, load(fixture, "--config=queuelake.yaml", "--metrics=m", NULL));
    print(fixture, false, &printed);
    assert_has(&printed, "\nmetrics: [m]   # from flag\n");
    assert_has(&printed, "\n# metrics:\n#   m: {agg: sum}   # from file queuelake.yaml:1:11\n");
    ql_buf_fini(&printed);
}

static void secrets_and_passwords_are_masked(void **state) {
    struct fixture *fixture = *state;
    struct ql_buf printed = {0};
    fixture->environment[0] = "AWS_SESSION_TOKEN";
    fixture->environment[1] = "hush";
    fixture->environment[2] = "HTTPS_PROXY";
    fixture->environment[3] = "http://user:hu/sh@hush@proxy:3128/";
    fixture->environment[4] = "QUEUELAKE_API_URL";
    fixture->environment[5] = "https://hush@api/";
    fixture->environment[6] = "GENESYS_CLIENT_SECRET";
    fixture->environment[7] = "hush";
    for (int as_json = 0; as_json < 2; as_json++) {
        fixture->environment[3] = "http://user:hu/sh@hush@proxy:3128/";
        assert_loads(fixture, load(fixture, "--s3-key=a@b", "--output=s3://bucket/a@b", NULL));
        print(fixture, as_json != 0, &printed);
        assert_null(strstr(printed.ptr, "hush"));
        assert_null(strstr(printed.ptr, "hu/sh"));
        assert_has(&printed, "\"http://***@proxy:3128/\"");
        assert_has(&printed, "\"https://***@api/\"");
        assert_has(&printed, "\"a@b\"");
        assert_has(&printed, "\"s3://bucket/a@b\"");
        fixture->environment[3] = "user:hush@proxy:3128";
        assert_loads(fixture, load(fixture, NULL));
        print(fixture, as_json != 0, &printed);
        assert_null(strstr(printed.ptr, "hush"));
        assert_has(&printed, "\"***@proxy:3128\"");
    }
    ql_buf_fini(&printed);
}

static void json_has_values_and_origins(void **state) {
    struct fixture *fixture = *state;
    struct ql_buf printed = {0};
    fixture->environment[0] = "S3_BUCKET";
    write_file("queuelake.yaml", FULL, sizeof FULL - 1);
    fixture->environment[1] = "b\xFF\"\\\xC3\xA9";
    assert_loads(fixture, load(fixture, "--config=queuelake.yaml", "--attempts=7", "--totals", NULL));
    print(fixture, true, &printed);
    assert_has(&printed, "\"file\": \"queuelake.yaml\"");
    assert_has(&printed, "\"attempts\": {\"value\": 7, \"from\": \"flag\", \"where\": null}");
    assert_has(&printed, "\"totals\": {\"value\": true, \"from\": \"flag\", \"where\": null}");
    assert_has(&printed, "\"layout\": {\"value\": \"long\", \"from\": \"file\", \"where\": \"queuelake.yaml:1\"}");
    assert_has(
        &printed,
        "\"s3_bucket\": {\"value\": \"b\xEF\xBF\xBD\\\"\\\\\xC3\xA9\", \"from\": \"environment\", \"where\": \"S3_BUCKET\"}");
    assert_has(&printed, "\"tag\": {\"value\": [\"a=b\", \"c= d\"], \"from\": \"file\"");
    assert_has(&printed, "\"to\": {\"value\": null, \"from\": \"default\", \"where\": null}");
    assert_has(
        &printed,
        "\"Avg\": {\"value\": {\"to\": \"aht\", \"scale\": 0.001}, \"from\": \"file\", \"where\": \"queuelake.yaml:18:3\"}");
    assert_has(&printed, "\"plain\": {\"value\": {}");
    ql_buf_fini(&printed);
}

static void help_shows_what_the_command_takes_and_fits_the_screen(void **state) {
    (void)state;
    struct ql_buf run = {0};
    struct ql_buf transform = {0};
    struct ql_buf version = {0};
    struct ql_buf none = {0};
    ql_settings_help("run", &run);
    ql_settings_help("transform", &transform);
    ql_settings_help("version", &version);
    ql_settings_help("nothing", &none);
    assert_int_equal(none.len, 0);
    assert_has(&run, "usage: queuelake run");
    assert_has(&run, "queuelake run --from 2024-01-01 --to 2024-01-02");
    assert_has(&run, "\n  -o, --output URI ");
    assert_has(&run, "\n      --layout wide|long|tidy ");
    assert_has(&run, "--poll-min 500ms");
    assert_has(&run, "--max-redirects 3");
    assert_has(&run, "$GENESYS_CLIENT_SECRET_FILE");
    assert_null(strstr(run.ptr, "--genesys-client-secret"));
    assert_has(&transform, "usage: queuelake transform [flags] FILE...");
    assert_null(strstr(transform.ptr, "--poll-min"));
    assert_null(strstr(transform.ptr, "Genesys Cloud:"));
    assert_has(&version, "--json");
    assert_null(strstr(version.ptr, "--layout"));
    const struct ql_buf *pages[] = {&run, &transform, &version};
    for (size_t i = 0; i < 3; i++) {
        struct ql_str rest = ql_buf_view(pages[i]);
        while (rest.len != 0) {
            struct ql_str line = ql_str_split(rest, '\n', &rest);
            bool is_one_word = line.len > 40 && memchr(line.ptr + 36, ' ', line.len - 36) == NULL;
            if (line.len > 100 && !is_one_word) {
                fail_msg("%zu columns: %.*s", line.len, QL_STR_ARG(line));
            }
        }
    }
    ql_buf_fini(&run);
    ql_buf_fini(&transform);
    ql_buf_fini(&version);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_printed_can_be_read_back),
        TEST(a_list_of_metrics_beside_definitions_shows_both),
        TEST(secrets_and_passwords_are_masked),
        TEST(json_has_values_and_origins),
        TEST(help_shows_what_the_command_takes_and_fits_the_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
