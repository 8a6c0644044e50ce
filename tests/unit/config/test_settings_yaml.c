/* The YAML file: strict, and every error with its line and column. */
#include "config_fixture.h"

struct refusal {
    const char *yaml, *message, *hint;
};

static void assert_refusals(struct fixture *fixture, const struct refusal *refusals, size_t n) {
    for (size_t i = 0; i < n; i++) {
        assert_refused(fixture, load_yaml(fixture, refusals[i].yaml), QL_E_CONFIG, refusals[i].message, refusals[i].hint);
    }
}
#define ASSERT_REFUSALS(refusals) assert_refusals(*state, (refusals), sizeof(refusals) / sizeof(refusals)[0])

static void unknown_keys_name_the_nearest(void **state) {
    const struct refusal refusals[] = {
        {"layout: long\nlayuot: long\n", "queuelake.yaml:2:1: unknown setting 'layuot'", "did you mean 'layout'?"},
        {"poll-min: 5s\n", "queuelake.yaml:1:1: unknown setting 'poll-min'", "'poll_min'"},
        {"QUEUELAKE_POLL_MIN: 5s\n", "unknown setting 'QUEUELAKE_POLL_MIN'", "'poll_min'"},
        {"AWS_DEFAULT_REGION: x\n", "unknown setting 'AWS_DEFAULT_REGION'", "'aws_region'"},
        {"Layout: long\n", "unknown setting 'Layout'", "'layout'"},
        {"bucket: b\n", "unknown setting 'bucket'", "'s3_bucket'"},
        {"kpi: {}\n", "unknown setting 'kpi'", "'kpis'"},
        {"alias: {}\n", "unknown setting 'alias'", "'aliases'"},
        {"genesys_client_secret_fil: x\n", "unknown setting", "'genesys_client_secret_file'"},
        {"layout_file: x\n", "unknown setting 'layout_file'", ""},
        {"xyzzyplugh: 1\n", "unknown setting 'xyzzyplugh'", "queuelake config"},
        {"config: x.yaml\n", "'config' cannot be set in the file itself", "--config"},
    };
    ASSERT_REFUSALS(refusals);
}

static void keys_and_documents_stand_once(void **state) {
    const struct refusal refusals[] = {
        {"layout: long\nround: 3\nlayout: wide\n", "queuelake.yaml:3:1: 'layout' stands in line 1 already", "keep one"},
        {"kpis:\n  a: b\n  \"a\": c\n", "queuelake.yaml:3:3: 'a' stands in line 2 already", "keep one"},
        {"layout: long\n---\nround: 3\n", "queuelake.yaml:2:1: a second document", "one document"},
        {"layout: long\n...\n---\n", "queuelake.yaml:3:1: a second document", "one document"},
        {"base: &base {layout: long}\n", "unknown setting 'base'", ""},
        {"kpis:\n  <<: {a: b}\n", "queuelake.yaml:2:3: merge keys ('<<') are not supported", "write the keys out"},
        {"? [layout]\n: long\n", "queuelake.yaml:1:3: a key must be a text", ""},
        {"? *x\n: long\n", "queuelake.yaml:1:3: a key must be a text", ""},
    };
    ASSERT_REFUSALS(refusals);
}

static void types_are_told_apart(void **state) {
    const struct refusal refusals[] = {
        {"attempts: 3.5\n", "queuelake.yaml:1:11: 'attempts': '3.5' is no whole number", "digits"},
        {"attempts: 0x10\n", "'0x10' is no whole number", ""},
        {"attempts: 1_0\n", "'1_0' is no whole number", ""},
        {"attempts: \"5\"\n", "queuelake.yaml:1:11: 'attempts' must be a whole number without quotes", "without quotes"},
        {"attempts: true\n", "'true' is no whole number", ""},
        {"attempts: [5]\n", "queuelake.yaml:1:11: 'attempts' must be a single value, not a list", ""},
        {"layout: {wide: long}\n", "queuelake.yaml:1:9: 'layout' must be a single value, not a map", ""},
        {"json: yes\n", "queuelake.yaml:1:7: 'json' must be true or false", "true or false"},
        {"json: 1\n", "'json' must be true or false", ""},
        {"json: 'true'\n", "'json' must be true or false", "without quotes"},
        {"export_metrics: {a: b}\n", "queuelake.yaml:1:17: 'export_metrics' must be a list or a text with commas, not a map",
         ""},
        {"metrics: [a, [b]]\n", "queuelake.yaml:1:14: 'metrics' must be a list of texts", ""},
        {"metrics: [a, ~]\n", "queuelake.yaml:1:14: 'metrics' must be a list of texts", ""},
        {"metrics: []\n", "queuelake.yaml:1:10: 'metrics': the list is empty", "at least one"},
        {"tag: {team: lake}\n", "queuelake.yaml:1:6: 'tag' must be a list", ""},
        {"layout: !!str long\n", "queuelake.yaml:1:9: tags ('!') are not supported", "tag"},
        {"kpis: !x {a: b}\n", "queuelake.yaml:1:7: tags ('!') are not supported", "tag"},
        {"- layout\n", "queuelake.yaml:1:1: the file must hold settings", "layout: long"},
        {"layout\n", "queuelake.yaml:1:1: the file must hold settings", "layout: long"},
        {"layout: *nowhere\n", "queuelake.yaml:1:9: there is no anchor 'nowhere'", ""},
    };
    ASSERT_REFUSALS(refusals);
}

static void what_is_no_yaml_is_placed(void **state) {
    const struct refusal refusals[] = {
        {"kpis:\n\ta: b\n", "queuelake.yaml:2:1: a tab where only blanks may stand", "blanks"},
        {"kpis:\n  a: b\n \t c: d\n", "queuelake.yaml:3:2: a tab where only blanks may stand", "blanks"},
        {"\tlayout: long\n", "queuelake.yaml:1:1: a tab", "blanks"},
        {"layout: \"long\n", "queuelake.yaml:2:1: found unexpected end of stream", "quotes"},
        {"a: b: c\n", "queuelake.yaml:1:5: mapping values are not allowed", "quotes"},
        {"kpis:\n  a: b\n c: d\n", "queuelake.yaml:3:2: ", "correct the YAML"},
        {"layout: @x\n", "queuelake.yaml:1:9: ", "quotes"},
        {"layout: long\nround: \xFF\n", "queuelake.yaml:2:8: the file is not UTF-8", "UTF-8"},
        {"# \xC3\xA9\nround: \xC3\xA9\xC3\n", "queuelake.yaml:2:9: the file is not UTF-8", "UTF-8"},
        {"\xFF\xFEl\0", "queuelake.yaml:1:1: the file is not UTF-8", "UTF-8"},
        {"layout: long\nround: \x01\n", "queuelake.yaml:2:8: a character that YAML does not allow", ""},
        {"# \xC3\xA9 \x02\n", "queuelake.yaml:1:5: a character that YAML does not allow", ""},
        {"%YAML 3.0\n---\n", "queuelake.yaml:1:1: ", ""},
    };
    ASSERT_REFUSALS(refusals);
    /* Depth, and a node that would hold itself. */
    struct fixture *fixture = *state;
    struct ql_buf deep = {0};
    ql_buf_puts(&deep, "kpis: ");
    for (int i = 0; i < 5000; i++) {
        ql_buf_putc(&deep, '[');
    }
    assert_refused(fixture, load_yaml(fixture, deep.ptr), QL_E_CONFIG, "queuelake.yaml:1:38: too many levels", "");
    ql_buf_fini(&deep);
    assert_refused(fixture, load_yaml(fixture, "kpis: &a {x: *a}\n"), QL_E_CONFIG, "queuelake.yaml:1:14: there is no anchor",
                   "");
}

static void limits_hold(void **state) {
    struct fixture *fixture = *state;
    struct ql_buf many = {0};
    ql_buf_puts(&many, "metrics: [");
    for (int i = 0; i < 20001; i++) {
        ql_buf_puts(&many, "a,");
    }
    ql_buf_puts(&many, "]\n");
    assert_refused(fixture, load_yaml(fixture, many.ptr), QL_E_CONFIG, "too many values", "");
    ql_buf_reset(&many);
    while (many.len <= 1024 * 1024) {
        ql_buf_puts(&many, "# a comment that goes on and on and on\n");
    }
    assert_refused(fixture, load_yaml(fixture, many.ptr), QL_E_CONFIG, "larger than 1048576 bytes", "");
    ql_buf_fini(&many);
}

static void nothing_set_is_fine(void **state) {
    struct fixture *fixture = *state;
    const char *texts[] = {"",
                           "# nothing\n",
                           "---\n",
                           "---\n...\n",
                           "{}\n",
                           "~\n",
                           "layout:\n",
                           "layout: ~\nround: null\nmetrics: NULL\n",
                           "kpis:\naliases:\nmetrics:\n",
                           "config: null\n",
                           "\n\n",
                           "genesys_client_secret:\naws_session_token_file:\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_loads(fixture, load_yaml(fixture, texts[i]));
        for (int id = 0; id < QL_SETTING_COUNT; id++) {
            assert_int_equal(ql_settings_is_set(&fixture->settings, (enum ql_setting_id)id), id == QL_SETTING_config);
        }
        assert_int_equal(fixture->settings.n_kpi_defs + fixture->settings.n_aliases + fixture->settings.n_metric_defs, 0);
    }
}

static void texts_are_kept_as_they_are_written(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load_yaml(fixture, "version_tag: 1.0\n"
                                             "expected_bucket_owner: 012345678901\n"
                                             "from: 2024-01-01\n"
                                             "s3_bucket: 'null'\n"
                                             "s3_key: \"a\\u00e9 #x\"\n"
                                             "output: caf\xC3\xA9 # a comment\n"
                                             "aws_region: yes\n"));
    assert_str_equal(fixture->settings.version_tag, "1.0");
    assert_str_equal(fixture->settings.expected_bucket_owner, "012345678901");
    assert_str_equal(fixture->settings.from, "2024-01-01");
    assert_str_equal(fixture->settings.s3_bucket, "null");
    assert_str_equal(fixture->settings.s3_key, "a\xC3\xA9 #x");
    assert_str_equal(fixture->settings.output, "caf\xC3\xA9");
    assert_str_equal(fixture->settings.aws_region, "yes");
    assert_loads(fixture, load_yaml(fixture, "\xEF\xBB\xBFlayout: long\r\nround: 3\r\n"));
    assert_int_equal(fixture->settings.layout, QL_SET_LAYOUT_LONG);
    assert_str_equal(fixture->settings.round, "3");
}

static void anchors_and_aliases_work(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load_yaml(fixture, "timezone: &zone Europe/Madrid\n"
                                             "csv_timezone: *zone\n"
                                             "metrics: &names [a, b]\n"
                                             "export_metrics: *names\n"));
    assert_str_equal(fixture->settings.csv_timezone, "Europe/Madrid");
    assert_int_equal(fixture->settings.export_metrics.n, 2);
    assert_str_equal(fixture->settings.origins[QL_SETTING_csv_timezone].where, "queuelake.yaml:2");
}

static void definitions_come_with_their_places(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load_yaml(fixture, "metrics:\n"
                                             "  calls_offered: {column: offered, agg: sum, type: count}\n"
                                             "  aht:\n"
                                             "    column: handle\n"
                                             "    agg: mean\n"
                                             "    weight: calls_answered\n"
                                             "    idle: -1.5e2\n"
                                             "  plain:\n"
                                             "kpis:\n"
                                             "  rate: calls_answered / calls_offered\n"
                                             "  load: {expression: \"rate * 2\", idle: 0}\n"
                                             "aliases:\n"
                                             "  Offered Calls: calls_offered\n"
                                             "  Avg Handle: {to: aht, scale: 0.001}\n"
                                             "  Level: {to: level, scale: 100}\n"));
    const struct ql_settings *s = &fixture->settings;
    assert_int_equal(s->n_metric_defs, 3);
    assert_str_equal(s->metric_defs[0].name, "calls_offered");
    assert_str_equal(s->metric_defs[0].column, "offered");
    assert_str_equal(s->metric_defs[0].agg, "sum");
    assert_str_equal(s->metric_defs[0].type, "count");
    assert_int_equal(s->metric_defs[0].weight.len, 0);
    assert_false(s->metric_defs[0].has_idle);
    assert_str_equal(s->metric_defs[0].where, "queuelake.yaml:2:3");
    assert_str_equal(s->metric_defs[1].weight, "calls_answered");
    assert_true(s->metric_defs[1].has_idle);
    assert_true(s->metric_defs[1].idle == -150);
    assert_str_equal(s->metric_defs[1].where, "queuelake.yaml:3:3");
    assert_str_equal(s->metric_defs[2].name, "plain");
    assert_false(s->metrics.is_set);
    assert_int_equal(s->n_kpi_defs, 2);
    assert_str_equal(s->kpi_defs[0].name, "rate");
    assert_str_equal(s->kpi_defs[0].expression, "calls_answered / calls_offered");
    assert_str_equal(s->kpi_defs[0].where, "queuelake.yaml:10:9");
    assert_false(s->kpi_defs[0].has_idle);
    assert_str_equal(s->kpi_defs[1].expression, "rate * 2");
    assert_str_equal(s->kpi_defs[1].where, "queuelake.yaml:11:22");
    assert_true(s->kpi_defs[1].has_idle);
    assert_int_equal(s->n_aliases, 3);
    assert_str_equal(s->aliases[0].from, "Offered Calls");
    assert_str_equal(s->aliases[0].to, "calls_offered");
    assert_int_equal(s->aliases[0].multiply, 1);
    assert_int_equal(s->aliases[0].divide, 1);
    assert_int_equal(s->aliases[1].multiply, 1);
    assert_int_equal(s->aliases[1].divide, 1000);
    assert_str_equal(s->aliases[1].where, "queuelake.yaml:14:3");
    assert_int_equal(s->aliases[2].multiply, 100);
    assert_int_equal(s->aliases[2].divide, 1);
}

static void definitions_are_checked(void **state) {
    const struct refusal refusals[] = {
        {"metrics:\n  a: {colunm: x}\n", "queuelake.yaml:2:7: unknown field 'colunm'", "'column'"},
        {"metrics:\n  a: {agg: avg}\n", "queuelake.yaml:2:12: 'avg' is none of sum, mean, min, max, count, ratio", ""},
        {"metrics:\n  a: {type: int}\n", "queuelake.yaml:2:13: 'int' is none of count, number", ""},
        {"metrics:\n  a: {idle: none}\n", "queuelake.yaml:2:13: 'idle' must be a number", "decimal"},
        {"metrics:\n  a: {idle: \"1\"}\n", "'idle' must be a number", "without quotes"},
        {"metrics:\n  a: {idle: 0x10}\n", "'idle' must be a number", ""},
        {"metrics:\n  a: {idle: 1e999}\n", "'idle' must be a number", ""},
        {"metrics:\n  a: {idle: nan}\n", "'idle' must be a number", ""},
        {"metrics:\n  a: sum\n", "queuelake.yaml:2:6: a metric must be a map", ""},
        {"metrics:\n  a: {column: [x]}\n", "queuelake.yaml:2:15: 'column' must be a single value", ""},
        {"metrics:\n  '': {column: x}\n", "queuelake.yaml:2:3: a metric needs a name", ""},
        {"kpis: [a]\n", "queuelake.yaml:1:7: 'kpis' must be a map", ""},
        {"kpis:\n  a:\n", "queuelake.yaml:2:3: KPI 'a' has no expression", "calls_offered"},
        {"kpis:\n  a: {idle: 0}\n", "queuelake.yaml:2:3: KPI 'a' has no expression", ""},
        {"kpis:\n  a: [b]\n", "queuelake.yaml:2:6: a KPI must be an expression or a map", ""},
        {"kpis:\n  a: {expresion: b}\n", "unknown field 'expresion'", "'expression'"},
        {"aliases: a\n", "queuelake.yaml:1:10: 'aliases' must be a map", ""},
        {"aliases:\n  a:\n", "queuelake.yaml:2:3: alias 'a' names no column", ""},
        {"aliases:\n  a: {scale: 10}\n", "alias 'a' names no column", ""},
        {"aliases:\n  a: {to: b, scale: 60}\n", "queuelake.yaml:2:21: 'scale' must be a power of ten", "0.001"},
    };
    ASSERT_REFUSALS(refusals);
}

static void scales_are_powers_of_ten(void **state) {
    struct fixture *fixture = *state;
    const struct {
        const char *text;
        int64_t multiply, divide; /* 0: refused */
    } cases[] = {{"1", 1, 1},
                 {"10", 10, 1},
                 {"0.1", 1, 10},
                 {"0.001", 1, 1000},
                 {"1000000", 1000000, 1},
                 {"1e3", 1000, 1},
                 {"1e-3", 1, 1000},
                 {"1.0", 1, 1},
                 {"100.00", 100, 1},
                 {".01", 1, 100},
                 {"0.10", 1, 10},
                 {"10e-1", 1, 1},
                 {"1E+2", 100, 1},
                 {"0.01e2", 1, 1},
                 {"1e12", 1000000000000, 1},
                 {"0", 0, 0},
                 {"-1", 0, 0},
                 {"2", 0, 0},
                 {"0.5", 0, 0},
                 {"11", 0, 0},
                 {"1.1", 0, 0},
                 {"1e13", 0, 0},
                 {"1e", 0, 0},
                 {"e3", 0, 0},
                 {"1..0", 0, 0},
                 {"'10'", 0, 0},
                 {"1/1000", 0, 0},
                 {"1e99999999999999999999", 0, 0},
                 {"0.0000000000001", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ql_buf yaml = {0};
        ql_buf_printf(&yaml, "aliases: {a: {to: b, scale: %s}}\n", cases[i].text);
        enum ql_status status = load_yaml(fixture, yaml.ptr);
        int64_t multiply = status == QL_OK ? fixture->settings.aliases[0].multiply : 0;
        int64_t divide = status == QL_OK ? fixture->settings.aliases[0].divide : 0;
        if (multiply != cases[i].multiply || divide != cases[i].divide) {
            fail_msg("'%s': %lld / %lld, %s", cases[i].text, (long long)multiply, (long long)divide, fixture->err.message);
        }
        ql_buf_fini(&yaml);
    }
}

static void a_secret_is_in_no_error(void **state) {
    struct fixture *fixture = *state;
    const char *texts[] = {"genesys_client_secret=hush\n",
                           "genesys_client_secret=hush:\n",
                           "genesys_client_secret=hush: 1\ngenesys_client_secret=hush: 2\n",
                           "genesys_client_secret: [hush]\n",
                           "genesys_client_secret: {hush: hush}\n",
                           "genesys_client_secret: \"hu\\nsh hush\"\n",
                           "genesys_client_secret: hush\ngenesys_client_secret: hush\n",
                           "genesys_client_secret: hush: hush\n",
                           "genesys_client_secret: !hush hush\n",
                           "genesys_client_secret: \"hush\n",
                           "genesys_client_secret: @hush\n",
                           "genesys_client_secret: hush\ngenesys_client_secret_file: x\n",
                           "genesys_client_secret: hush\nattempts: x\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(load_yaml(fixture, texts[i]), QL_E_CONFIG);
        if (strstr(fixture->err.message, "hush") != NULL || strstr(fixture->err.hint, "hush") != NULL) {
            fail_msg("%s: %s; %s", texts[i], fixture->err.message, fixture->err.hint);
        }
    }
}

/* Whatever a file holds, it loads or is refused with a place; sanitizers watch the rest. */
static void damaged_files_end_well(void **state) {
    struct fixture *fixture = *state;
    static const char WHOLE[] = "# settings\nlayout: long\nmetrics: {a: {column: b, agg: sum, idle: 1}}\n"
                                "kpis:\n  k: &x a / b\n  l: {expression: *x}\naliases: {\"A B\": {to: c, scale: 0.1}}\n"
                                "tag: [a=b, 'c=d']\nattempts: 3\npoll_min: 1s\nmax_rows: 12\njson: true\n";
    static const char ALPHABET[] = ":-[]{},&*!|>'\"%@`#? \n\t\\abz019.~<=\x80\xC3\xFF\x01";
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 1000; round++) {
        char text[sizeof WHOLE];
        memcpy(text, WHOLE, sizeof WHOLE);
        for (int change = 0; change < 1 + round % 4; change++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text[random % (sizeof WHOLE - 1)] = ALPHABET[(random >> 32) % (sizeof ALPHABET - 1)];
        }
        if (load_yaml(fixture, text) != QL_OK && strncmp(fixture->err.message, "queuelake.yaml:", 15) != 0) {
            fail_msg("%s: %s", text, fixture->err.message);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(unknown_keys_name_the_nearest),
        TEST(keys_and_documents_stand_once),
        TEST(types_are_told_apart),
        TEST(what_is_no_yaml_is_placed),
        TEST(limits_hold),
        TEST(nothing_set_is_fine),
        TEST(texts_are_kept_as_they_are_written),
        TEST(anchors_and_aliases_work),
        TEST(definitions_come_with_their_places),
        TEST(definitions_are_checked),
        TEST(scales_are_powers_of_ten),
        TEST(a_secret_is_in_no_error),
        TEST(damaged_files_end_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
