/* The fields' values and units, against what the documents promise. */
#include "config_fixture.h"

static void the_defaults_are_those_of_the_documents(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load(fixture, NULL));
    const struct ql_settings *s = &fixture->settings;
    assert_int_equal(s->source, QL_SET_SOURCE_AGGREGATES);
    assert_int_equal(s->layout, QL_SET_LAYOUT_WIDE);
    assert_int_equal(s->profile, QL_SET_PROFILE_DEFAULT);
    assert_int_equal(s->names, QL_SET_NAMES_SAFE);
    assert_int_equal(s->empty, QL_SET_EMPTY_ZERO);
    assert_int_equal(s->gaps, QL_SET_GAPS_KEEP);
    assert_int_equal(s->cells, QL_SET_CELLS_SEEN);
    assert_int_equal(s->columns_by, QL_SET_COLUMNS_BY_AUTO);
    assert_int_equal(s->overlap, QL_SET_OVERLAP_FAIL);
    assert_int_equal(s->delimiter, QL_SET_DELIMITER_AUTO);
    assert_int_equal(s->on_bad_row, QL_SET_ON_BAD_ROW_FAIL);
    assert_int_equal(s->compression, QL_SET_COMPRESSION_SNAPPY);
    assert_str_equal(s->round, "4");
    assert_str_equal(s->timezone, "UTC");
    assert_str_equal(s->csv_timezone, "UTC");
    assert_str_equal(s->version_tag, "1.0.0");
    assert_str_equal(s->genesys_environment, "mypurecloud.com");
    assert_str_equal(s->s3_bucket, "genesys-analytics-exports");
    assert_str_equal(s->s3_key, "queue_metrics/{start:%Y-%m-%d}.parquet");
    assert_int_equal(s->export_group_by.n, 2);
    assert_str_equal(s->export_group_by.items[1], "timeInterval");
    assert_int_equal(s->export_metrics.n, 4);
    assert_str_equal(s->export_metrics.items[3], "avgHandleTimeSeconds");
    assert_int_equal(s->poll_min, 500);
    assert_int_equal(s->poll_max, 10000);
    assert_int_equal(s->deadline, 1800000);
    assert_int_equal(s->attempts, 5);
    assert_int_equal(s->retry_base, 4000);
    assert_int_equal(s->retry_cap, 60000);
    assert_int_equal(s->rate_wait, 10000);
    assert_int_equal(s->connect_timeout, 10000);
    assert_int_equal(s->request_timeout, 60000);
    assert_int_equal(s->stall_time, 60000);
    assert_int_equal(s->stall_bytes, 1024);
    assert_int_equal(s->download_attempts, 3);
    assert_int_equal(s->max_body_bytes, 16777216);
    assert_int_equal(s->max_download_bytes, INT64_C(68719476736));
    assert_int_equal(s->max_decoded_bytes, INT64_C(274877906944));
    assert_int_equal(s->max_ratio, 1000);
    assert_int_equal(s->max_header_bytes, 65536);
    assert_int_equal(s->max_redirects, 3);
    assert_int_equal(s->max_json_bytes, 16777216);
    assert_int_equal(s->max_json_depth, 64);
    assert_int_equal(s->max_field_bytes, 1048576);
    assert_int_equal(s->max_row_bytes, 16777216);
    assert_int_equal(s->max_rows, INT64_C(4000000000));
    assert_int_equal(s->max_columns, 10000);
    assert_int_equal(s->max_output_columns, 10000);
    assert_int_equal(s->max_bad_rows, -1);
    assert_int_equal(s->granularity, 0);
    assert_false(s->metrics.is_set);
    assert_false(s->tag.is_set);
    assert_null(s->from.ptr);
    assert_null(s->genesys_client_secret.ptr);
    assert_false(s->json || s->totals || s->allow_http || s->allow_private_redirects || s->allow_unsized);
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        assert_false(ql_settings_is_set(s, (enum ql_setting_id)id));
    }
}

static void every_choice_has_its_enumerator(void **state) {
    struct fixture *fixture = *state;
    const struct {
        const char *flag;
        size_t offset;
        int value;
    } cases[] = {
        {"--source=aggregates", offsetof(struct ql_settings, source), QL_SET_SOURCE_AGGREGATES},
        {"--source=exports", offsetof(struct ql_settings, source), QL_SET_SOURCE_EXPORTS},
        {"--source=file", offsetof(struct ql_settings, source), QL_SET_SOURCE_FILE},
        {"--aggregates=auto", offsetof(struct ql_settings, aggregates), QL_SET_AGGREGATES_AUTO},
        {"--aggregates=query", offsetof(struct ql_settings, aggregates), QL_SET_AGGREGATES_QUERY},
        {"--aggregates=job", offsetof(struct ql_settings, aggregates), QL_SET_AGGREGATES_JOB},
        {"--by=queue", offsetof(struct ql_settings, by), QL_SET_BY_QUEUE},
        {"--by=media_type", offsetof(struct ql_settings, by), QL_SET_BY_MEDIA_TYPE},
        {"--layout=wide", offsetof(struct ql_settings, layout), QL_SET_LAYOUT_WIDE},
        {"--layout=long", offsetof(struct ql_settings, layout), QL_SET_LAYOUT_LONG},
        {"--profile=default", offsetof(struct ql_settings, profile), QL_SET_PROFILE_DEFAULT},
        {"--profile=pandas", offsetof(struct ql_settings, profile), QL_SET_PROFILE_PANDAS},
        {"--names=safe", offsetof(struct ql_settings, names), QL_SET_NAMES_SAFE},
        {"--names=raw", offsetof(struct ql_settings, names), QL_SET_NAMES_RAW},
        {"--empty=zero", offsetof(struct ql_settings, empty), QL_SET_EMPTY_ZERO},
        {"--empty=null", offsetof(struct ql_settings, empty), QL_SET_EMPTY_NULL},
        {"--gaps=keep", offsetof(struct ql_settings, gaps), QL_SET_GAPS_KEEP},
        {"--gaps=fill", offsetof(struct ql_settings, gaps), QL_SET_GAPS_FILL},
        {"--cells=seen", offsetof(struct ql_settings, cells), QL_SET_CELLS_SEEN},
        {"--cells=all", offsetof(struct ql_settings, cells), QL_SET_CELLS_ALL},
        {"--columns-by=auto", offsetof(struct ql_settings, columns_by), QL_SET_COLUMNS_BY_AUTO},
        {"--columns-by=id", offsetof(struct ql_settings, columns_by), QL_SET_COLUMNS_BY_ID},
        {"--columns-by=name", offsetof(struct ql_settings, columns_by), QL_SET_COLUMNS_BY_NAME},
        {"--overlap=fail", offsetof(struct ql_settings, overlap), QL_SET_OVERLAP_FAIL},
        {"--overlap=sum", offsetof(struct ql_settings, overlap), QL_SET_OVERLAP_SUM},
        {"--overlap=last", offsetof(struct ql_settings, overlap), QL_SET_OVERLAP_LAST},
        {"--delimiter=auto", offsetof(struct ql_settings, delimiter), QL_SET_DELIMITER_AUTO},
        {"--delimiter=comma", offsetof(struct ql_settings, delimiter), QL_SET_DELIMITER_COMMA},
        {"--delimiter=semicolon", offsetof(struct ql_settings, delimiter), QL_SET_DELIMITER_SEMICOLON},
        {"--delimiter=tab", offsetof(struct ql_settings, delimiter), QL_SET_DELIMITER_TAB},
        {"--delimiter=pipe", offsetof(struct ql_settings, delimiter), QL_SET_DELIMITER_PIPE},
        {"--on-bad-row=fail", offsetof(struct ql_settings, on_bad_row), QL_SET_ON_BAD_ROW_FAIL},
        {"--on-bad-row=skip", offsetof(struct ql_settings, on_bad_row), QL_SET_ON_BAD_ROW_SKIP},
        {"--on-bad-row=quarantine", offsetof(struct ql_settings, on_bad_row), QL_SET_ON_BAD_ROW_QUARANTINE},
        {"--s3-addressing=auto", offsetof(struct ql_settings, s3_addressing), QL_SET_S3_ADDRESSING_AUTO},
        {"--s3-addressing=virtual", offsetof(struct ql_settings, s3_addressing), QL_SET_S3_ADDRESSING_VIRTUAL},
        {"--s3-addressing=path", offsetof(struct ql_settings, s3_addressing), QL_SET_S3_ADDRESSING_PATH},
        {"--s3-tagging=header", offsetof(struct ql_settings, s3_tagging), QL_SET_S3_TAGGING_HEADER},
        {"--s3-tagging=none", offsetof(struct ql_settings, s3_tagging), QL_SET_S3_TAGGING_NONE},
        {"--compression=snappy", offsetof(struct ql_settings, compression), QL_SET_COMPRESSION_SNAPPY},
        {"--compression=zstd", offsetof(struct ql_settings, compression), QL_SET_COMPRESSION_ZSTD},
        {"--compression=none", offsetof(struct ql_settings, compression), QL_SET_COMPRESSION_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_loads(fixture, load(fixture, cases[i].flag, NULL));
        assert_int_equal(*(const int *)(const void *)((const char *)&fixture->settings + cases[i].offset), cases[i].value);
    }
}

static void durations_become_milliseconds(void **state) {
    struct fixture *fixture = *state;
    const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"1ms", 1},     {"500ms", 500},  {"10s", 10000},    {"10", 10000},    {"0.5", 500},      {"1.25s", 1250},
                 {"2m", 120000}, {"1h", 3600000}, {"0.5h", 1800000}, {"1.500s", 1500}, {"3600", 3600000}, {"007s", 7000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_loads(fixture, load(fixture, "--connect-timeout", cases[i].text, NULL));
        assert_int_equal(fixture->settings.connect_timeout, cases[i].ms);
    }
    const char *wrong[] = {"",
                           "s",
                           "1.s",
                           ".5s",
                           "1..5s",
                           "1.2.3",
                           "0.5ms",
                           "1 s",
                           "1S",
                           "1sec",
                           "1e3",
                           "+1s",
                           "-1s",
                           "1h30m",
                           "99999999999999999999s",
                           "9223372036854775807h",
                           "1.00000000000000000001s",
                           "0x10",
                           "inf"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (load(fixture, "--connect-timeout", wrong[i], NULL) != QL_E_USAGE) {
            fail_msg("'%s' was accepted", wrong[i]);
        }
    }
}

static void sizes_become_bytes(void **state) {
    struct fixture *fixture = *state;
    const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {{"1024", 1024},
                 {"64K", 65536},
                 {"16M", 16777216},
                 {"1G", 1073741824},
                 {"1.5M", 1572864},
                 {"2T", 2199023255552},
                 {"8KiB", 8192},
                 {"1MiB", 1048576},
                 {"3GiB", 3221225472},
                 {"0.5T", 549755813888},
                 {"9223372036854775807", INT64_MAX},
                 {"8388607T", INT64_C(8388607) << 40}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_loads(fixture, load(fixture, "--max-download-bytes", cases[i].text, NULL));
        assert_int_equal(fixture->settings.max_download_bytes, cases[i].bytes);
    }
    const char *wrong[] = {"",    "K",  "1KB", "1MB", "1k", "1.0001K", "1023", "-1K", "8388608T", "9223372036854775808",
                           "1K ", "1 K"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (load(fixture, "--max-download-bytes", wrong[i], NULL) != QL_E_USAGE) {
            fail_msg("'%s' was accepted", wrong[i]);
        }
    }
}

static void bounds_are_inside(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load(fixture, "--attempts", "1", NULL));
    assert_loads(fixture, load(fixture, "--attempts", "20", NULL));
    assert_refused(fixture, load(fixture, "--attempts", "0", NULL), QL_E_USAGE, "'0' is out of range (1 to 20)", "range");
    assert_refused(fixture, load(fixture, "--attempts", "21", NULL), QL_E_USAGE, "'21' is out of range (1 to 20)", "range");
    assert_refused(fixture, load(fixture, "--attempts", "99999999999999999999", NULL), QL_E_USAGE, "out of range", "range");
    assert_refused(fixture, load(fixture, "--attempts", "3.5", NULL), QL_E_USAGE, "'3.5' is no whole number", "digits");
    assert_refused(fixture, load(fixture, "--max-rows", "0", NULL), QL_E_USAGE, "(1 or more)", "range");
    assert_refused(fixture, load(fixture, "--deadline", "0", NULL), QL_E_USAGE, "(1s to 24h)", "range");
    assert_refused(fixture, load(fixture, "--max-header-bytes", "1", NULL), QL_E_USAGE, "(1K to 16M)", "range");
}

static void rounding_is_a_number_or_none(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load(fixture, "--round", "none", NULL));
    assert_loads(fixture, load(fixture, "--round", "0", NULL));
    assert_loads(fixture, load(fixture, "--round", "15", NULL));
    const char *wrong[] = {"16", "-1", "+1", "None", "", "1.0", "four"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(fixture, load(fixture, "--round", wrong[i], NULL), QL_E_USAGE, "neither 0 to 15 nor none", "none");
    }
}

static void lists_are_split_at_commas_and_trimmed(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load(fixture, "--metrics", " calls_offered , calls_answered", NULL));
    assert_int_equal(fixture->settings.metrics.n, 2);
    assert_str_equal(fixture->settings.metrics.items[0], "calls_offered");
    assert_str_equal(fixture->settings.metrics.items[1], "calls_answered");
    assert_loads(fixture, load(fixture, "--metrics=a", "--metrics=b", NULL)); /* the last one holds */
    assert_int_equal(fixture->settings.metrics.n, 1);
    assert_str_equal(fixture->settings.metrics.items[0], "b");
    assert_refused(fixture, load(fixture, "--metrics", "", NULL), QL_E_USAGE, "an item is empty", "comma");
}

static void tags_add_up(void **state) {
    struct fixture *fixture = *state;
    fixture->environment[0] = "QUEUELAKE_TAG";
    fixture->environment[1] = "from=environment";
    assert_loads(fixture, load(fixture, "--tag", "team=lake", "--json", "--tag=cost=centre=7,x=", NULL));
    assert_int_equal(fixture->settings.tag.n, 3);
    assert_str_equal(fixture->settings.tag.items[0], "team=lake");
    assert_str_equal(fixture->settings.tag.items[1], "cost=centre=7");
    assert_str_equal(fixture->settings.tag.items[2], "x=");
    assert_refused(fixture, load(fixture, "--tag", "=x", NULL), QL_E_USAGE, "'=x' is no key=value", "team=lake");
}

static void granularity_is_in_microseconds(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load(fixture, "--granularity", "PT15M", NULL));
    assert_int_equal(fixture->settings.granularity, INT64_C(900000000));
}

static void an_enum_names_the_nearest(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, load(fixture, "--on-bad-row", "quarantene", NULL), QL_E_USAGE,
                   "'quarantene' is none of fail, skip, quarantine", "did you mean 'quarantine'?");
    assert_refused(fixture, load(fixture, "--layout", "Long", NULL), QL_E_USAGE, "'Long' is none of", "'long'");
    assert_refused(fixture, load(fixture, "--layout", "xyzzy", NULL), QL_E_USAGE, "none of wide, long", "one of wide, long");
}

static void what_contradicts_itself_is_refused(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, load(fixture, "--poll-min", "30s", NULL), QL_E_USAGE, "'poll_min' (30s) is above 'poll_max' (10s)",
                   "raise 'poll_max'");
    assert_loads(fixture, load(fixture, "--poll-min", "30s", "--poll-max", "30s", NULL));
    assert_refused(fixture, load_yaml(fixture, "retry_cap: 1s\n"), QL_E_CONFIG, "'retry_base' (4s) is above 'retry_cap' (1s)",
                   "");
}

static void control_characters_are_refused(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, load(fixture, "--version-tag", "a\nb", NULL), QL_E_USAGE, "a control character", "");
    assert_refused(fixture, load(fixture, "--metrics", "a,b\tc", NULL), QL_E_USAGE, "a control character", "");
    assert_refused(fixture, load_yaml(fixture, "s3_key: \"a\\0b\"\n"), QL_E_CONFIG, "queuelake.yaml:1:9", "");
}

static void fini_is_safe_twice_and_on_zeroes(void **state) {
    (void)state;
    struct ql_settings settings = {0};
    ql_settings_fini(&settings);
    ql_settings_fini(&settings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_defaults_are_those_of_the_documents),
        TEST(every_choice_has_its_enumerator),
        TEST(durations_become_milliseconds),
        TEST(sizes_become_bytes),
        TEST(bounds_are_inside),
        TEST(rounding_is_a_number_or_none),
        TEST(lists_are_split_at_commas_and_trimmed),
        TEST(tags_add_up),
        TEST(granularity_is_in_microseconds),
        TEST(an_enum_names_the_nearest),
        TEST(what_contradicts_itself_is_refused),
        TEST(control_characters_are_refused),
        TEST(fini_is_safe_twice_and_on_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
