/*
 * Every setting can be given by flag, by environment and by file, the higher layer wins, and `config` says which it was. A new
 * row of settings.def fails here until it has a row below.
 */
#include "config_fixture.h"

struct live {
    const char *name, *variable;
    const char *a, *b;   /* two values, as written */
    const char *printed; /* how a is printed as YAML; NULL: as written */
    const char *bad;     /* a value that is refused everywhere; NULL: any text is fine */
};

static const struct live LIVES[] = {
    {"from", "QUEUELAKE_FROM", "2024-01-01", "2024-01-02T00:00Z", NULL, "soon"},
    {"to", "QUEUELAKE_TO", "2024-01-03", "2024-01-04", NULL, "2024-02-30"},
    {"timezone", "QUEUELAKE_TIMEZONE", "Europe/Madrid", "UTC", NULL, "Europe/Nowhere"},
    {"source", "QUEUELAKE_SOURCE", "file", "reporting", NULL, "files"},
    {"output", "QUEUELAKE_OUTPUT", "lake/x.parquet", "y", NULL, NULL},
    {"compression", "QUEUELAKE_COMPRESSION", "zstd", "none", NULL, "gzip"},
    {"compression_level", "QUEUELAKE_COMPRESSION_LEVEL", "19", "0", NULL, "20"},
    {"parquet_compat", "QUEUELAKE_PARQUET_COMPAT", "modern", "broad", NULL, "v2"},
    {"embed_provenance", "QUEUELAKE_EMBED_PROVENANCE", "true", "false", NULL, "maybe"},
    {"source_sha256", "QUEUELAKE_SOURCE_SHA256", "true", "false", NULL, "2"},
    {"version_tag", "QUEUELAKE_VERSION_TAG", "2.0.0", "3", NULL, NULL},
    {"if_exists", "QUEUELAKE_IF_EXISTS", "fail", "version", NULL, "overwrite"},
    {"org", "QUEUELAKE_ORG", "acme", "o", NULL, NULL},
    {"manifest", "QUEUELAKE_MANIFEST", "true", "false", NULL, "x"},
    {"success_file", "QUEUELAKE_SUCCESS_FILE", "true", "false", NULL, "x"},
    {"tag", "QUEUELAKE_TAG", "team=lake", "x=y", "[\"team=lake\"]", "team"},
    {"layout", "QUEUELAKE_LAYOUT", "long", "tidy", NULL, "broad"},
    {"profile", "QUEUELAKE_PROFILE", "pandas", "default", NULL, "panda"},
    {"names", "QUEUELAKE_NAMES", "raw", "safe", NULL, "save"},
    {"metrics", "QUEUELAKE_METRICS", "calls_offered,calls_answered", "calls_offered", "[calls_offered, calls_answered]",
     "a,,b"},
    {"round", "QUEUELAKE_ROUND", "none", "15", NULL, "16"},
    {"rates", "QUEUELAKE_RATES", "decimal", "double", NULL, "float"},
    {"empty", "QUEUELAKE_EMPTY", "null", "zero", "\"null\"", "nul"},
    {"gaps", "QUEUELAKE_GAPS", "fill", "keep", NULL, "fil"},
    {"granularity", "QUEUELAKE_GRANULARITY", "PT30M", "1h", "30m", "30"},
    {"totals", "QUEUELAKE_TOTALS", "true", "false", NULL, "t"},
    {"cells", "QUEUELAKE_CELLS", "all", "seen", NULL, "al"},
    {"columns_by", "QUEUELAKE_COLUMNS_BY", "id", "auto", NULL, "ids"},
    {"queues_from", "QUEUELAKE_QUEUES_FROM", "queues.txt", "q", NULL, NULL},
    {"csv_timezone", "QUEUELAKE_CSV_TIMEZONE", "America/New_York", "UTC", NULL, "../UTC"},
    {"csv_dates", "QUEUELAKE_CSV_DATES", "us", "eu", NULL, "uk"},
    {"accept_partial", "QUEUELAKE_ACCEPT_PARTIAL", "true", "false", NULL, "y"},
    {"decimal_comma", "QUEUELAKE_DECIMAL_COMMA", "true", "false", NULL, "y"},
    {"delimiter", "QUEUELAKE_DELIMITER", "tab", "pipe", NULL, ";"},
    {"encoding", "QUEUELAKE_ENCODING", "latin1", "utf-8", NULL, NULL},
    {"on_bad_row", "QUEUELAKE_ON_BAD_ROW", "skip", "quarantine", NULL, "ignore"},
    {"max_bad_rows", "QUEUELAKE_MAX_BAD_ROWS", "10", "-1", NULL, "-2"},
    {"quarantine_file", "QUEUELAKE_QUARANTINE_FILE", "bad.csv", "b", NULL, NULL},
    {"overlap", "QUEUELAKE_OVERLAP", "sum", "last", NULL, "first"},
    {"allow_unsized", "QUEUELAKE_ALLOW_UNSIZED", "true", "false", NULL, "x"},
    {"genesys_client_id", "GENESYS_CLIENT_ID", "id1", "id2", NULL, NULL},
    {"genesys_client_secret", "GENESYS_CLIENT_SECRET", "s1", "s2", "\"***\"", NULL},
    {"genesys_environment", "GENESYS_ENVIRONMENT", "mypurecloud.de", "usw2.pure.cloud", NULL, NULL},
    {"login_url", "QUEUELAKE_LOGIN_URL", "http://127.0.0.1:1", "http://x", "\"http://127.0.0.1:1\"", NULL},
    {"api_url", "QUEUELAKE_API_URL", "http://127.0.0.1:2", "http://y", "\"http://127.0.0.1:2\"", NULL},
    {"check", "QUEUELAKE_CHECK", "false", "true", NULL, "x"},
    {"rate_share", "QUEUELAKE_RATE_SHARE", "0.25", "1", NULL, NULL},
    {"queues", "QUEUELAKE_QUEUES", "Sales,Support", "a", "[Sales, Support]", "a,,b"},
    {"media_types", "QUEUELAKE_MEDIA_TYPES", "voice", "chat", "[voice]", ","},
    {"directions", "QUEUELAKE_DIRECTIONS", "inbound", "outbound", "[inbound]", "a,"},
    {"divisions", "QUEUELAKE_DIVISIONS", "Home", "b", "[Home]", ",b"},
    {"aggregates", "QUEUELAKE_AGGREGATES", "job", "query", NULL, "jobs"},
    {"by", "QUEUELAKE_BY", "media_type", "queue", NULL, "media"},
    {"raw_sums", "QUEUELAKE_RAW_SUMS", "true", "false", NULL, "x"},
    {"report_view", "QUEUELAKE_REPORT_VIEW", "QUEUE_PERFORMANCE_SUMMARY_VIEW", "X", NULL, NULL},
    {"report_locale", "QUEUELAKE_REPORT_LOCALE", "es", "de", NULL, NULL},
    {"report_columns", "QUEUELAKE_REPORT_COLUMNS", "Offer,Answer", "ASA", "[Offer, Answer]", ","},
    {"delete_export", "QUEUELAKE_DELETE_EXPORT", "true", "false", NULL, "x"},
    {"export_group_by", "QUEUELAKE_EXPORT_GROUP_BY", "queue", "a,b", "[queue]", ","},
    {"export_metrics", "QUEUELAKE_EXPORT_METRICS", "callsOffered,x", "y", "[callsOffered, x]", "x,"},
    {"export_granularity", "QUEUELAKE_EXPORT_GRANULARITY", "PT15M", "PT1H", NULL, NULL},
    {"verify", "QUEUELAKE_VERIFY", "true", "false", NULL, "x"},
    {"ddl", "QUEUELAKE_DDL", "spark", "athena", NULL, "hive"},
    {"table", "QUEUELAKE_TABLE", "lake.queues", "t", NULL, NULL},
    {"location", "QUEUELAKE_LOCATION", "s3://b/p/", "x", "\"s3://b/p/\"", NULL},
    {"partitioned", "QUEUELAKE_PARTITIONED", "date,org", "day", "[date, org]", "a,,b"},
    {"s3_bucket", "S3_BUCKET", "bucket-1", "bucket-2", NULL, NULL},
    {"s3_key", "QUEUELAKE_S3_KEY", "a/b.parquet", "c", NULL, NULL},
    {"aws_access_key_id", "AWS_ACCESS_KEY_ID", "AKIA1", "AKIA2", NULL, NULL},
    {"aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "s1", "s2", "\"***\"", NULL},
    {"aws_session_token", "AWS_SESSION_TOKEN", "s1", "s2", "\"***\"", NULL},
    {"s3_profile", "AWS_PROFILE", "lake", "other", NULL, NULL},
    {"aws_region", "AWS_REGION", "eu-west-1", "us-east-1", NULL, NULL},
    {"aws_endpoint_url", "AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9", "http://z", "\"http://127.0.0.1:9\"", NULL},
    {"sts_endpoint_url", "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9", "http://z", "\"http://127.0.0.1:9\"", NULL},
    {"s3_addressing", "QUEUELAKE_S3_ADDRESSING", "virtual", "path", NULL, "host"},
    {"s3_dual_stack", "AWS_USE_DUALSTACK_ENDPOINT", "true", "false", NULL, "x"},
    {"s3_fips", "AWS_USE_FIPS_ENDPOINT", "true", "false", NULL, "x"},
    {"s3_tagging", "QUEUELAKE_S3_TAGGING", "none", "header", NULL, "body"},
    {"expected_bucket_owner", "QUEUELAKE_EXPECTED_BUCKET_OWNER", "012345678901", "1", NULL, NULL},
    {"s3_multipart_threshold", "QUEUELAKE_S3_MULTIPART_THRESHOLD", "5M", "5G", NULL, "4M"},
    {"s3_part_size", "QUEUELAKE_S3_PART_SIZE", "8M", "1G", NULL, "5242879"},
    {"s3_concurrency", "QUEUELAKE_S3_CONCURRENCY", "32", "1", NULL, "0"},
    {"s3_hash_first", "QUEUELAKE_S3_HASH_FIRST", "true", "false", NULL, "x"},
    {"checksum", "QUEUELAKE_CHECKSUM", "crc64nvme", "md5", NULL, "crc32"},
    {"s3_encryption", "QUEUELAKE_S3_ENCRYPTION", "none", "AES256", NULL, "aes"},
    {"s3_kms_key", "QUEUELAKE_S3_KMS_KEY", "alias/lake", "k", NULL, NULL},
    {"s3_kms_context", "QUEUELAKE_S3_KMS_CONTEXT", "team=lake", "a=b", "[\"team=lake\"]", "team"},
    {"s3_bucket_key", "QUEUELAKE_S3_BUCKET_KEY", "true", "false", NULL, "x"},
    {"s3_storage_class", "QUEUELAKE_S3_STORAGE_CLASS", "STANDARD_IA", "GLACIER", NULL, NULL},
    {"s3_acl", "QUEUELAKE_S3_ACL", "bucket-owner-full-control", "private", NULL, NULL},
    {"s3_content_type", "QUEUELAKE_S3_CONTENT_TYPE", "application/vnd.apache.parquet", "x/y", NULL, NULL},
    {"s3_cache_control", "QUEUELAKE_S3_CACHE_CONTROL", "no-store", "no-cache", NULL, NULL},
    {"s3_requester_pays", "QUEUELAKE_S3_REQUESTER_PAYS", "true", "false", NULL, "x"},
    {"write_test", "QUEUELAKE_WRITE_TEST", "true", "false", NULL, "x"},
    {"orphans", "QUEUELAKE_ORPHANS", "true", "false", NULL, "x"},
    {"abort", "QUEUELAKE_ABORT", "true", "false", NULL, "x"},
    {"ca_file", "QUEUELAKE_CA_FILE", "ca.pem", "c.pem", NULL, NULL},
    {"https_proxy", "HTTPS_PROXY", "http://p:3128", "http://q", "\"http://p:3128\"", NULL},
    {"no_proxy", "NO_PROXY", "localhost", "x", NULL, NULL},
    {"allow_http", "QUEUELAKE_ALLOW_HTTP", "true", "false", NULL, "x"},
    {"allow_private_redirects", "QUEUELAKE_ALLOW_PRIVATE_REDIRECTS", "true", "false", NULL, "x"},
    {"deadline", "QUEUELAKE_DEADLINE", "90s", "2h", NULL, "25h"},
    {"poll_min", "QUEUELAKE_POLL_MIN", "250ms", "1s", NULL, "9ms"},
    {"poll_max", "QUEUELAKE_POLL_MAX", "20", "1m", "20s", "2h"},
    {"download_attempts", "QUEUELAKE_DOWNLOAD_ATTEMPTS", "7", "1", NULL, "0"},
    {"attempts", "QUEUELAKE_ATTEMPTS", "20", "1", NULL, "21"},
    {"retry_base", "QUEUELAKE_RETRY_BASE", "1.5s", "10ms", "1500ms", "0"},
    {"retry_cap", "QUEUELAKE_RETRY_CAP", "90", "60s", "90s", "1d"},
    {"rate_wait", "QUEUELAKE_RATE_WAIT", "1m", "5s", NULL, "fast"},
    {"connect_timeout", "QUEUELAKE_CONNECT_TIMEOUT", "3s", "4s", NULL, "-1s"},
    {"request_timeout", "QUEUELAKE_REQUEST_TIMEOUT", "1h", "2h", NULL, "1.5ms"},
    {"stall_time", "QUEUELAKE_STALL_TIME", "2s", "3s", NULL, "10ms"},
    {"stall_bytes", "QUEUELAKE_STALL_BYTES", "1000", "2K", NULL, "2GB"},
    {"max_body_bytes", "QUEUELAKE_MAX_BODY_BYTES", "1M", "2M", NULL, "2G"},
    {"max_download_bytes", "QUEUELAKE_MAX_DOWNLOAD_BYTES", "2048M", "1T", "2G", "1"},
    {"max_decoded_bytes", "QUEUELAKE_MAX_DECODED_BYTES", "1.5K", "1T", "1536", "many"},
    {"max_ratio", "QUEUELAKE_MAX_RATIO", "0", "10", NULL, "-1"},
    {"max_header_bytes", "QUEUELAKE_MAX_HEADER_BYTES", "8KiB", "2K", "8K", "17M"},
    {"max_redirects", "QUEUELAKE_MAX_REDIRECTS", "10", "0", NULL, "11"},
    {"max_json_bytes", "QUEUELAKE_MAX_JSON_BYTES", "1MiB", "2M", "1M", "1mib"},
    {"max_json_depth", "QUEUELAKE_MAX_JSON_DEPTH", "4", "1024", NULL, "3"},
    {"max_field_bytes", "QUEUELAKE_MAX_FIELD_BYTES", "1023", "1024", NULL, "15"},
    {"max_row_bytes", "QUEUELAKE_MAX_ROW_BYTES", "1G", "64", NULL, "63"},
    {"max_rows", "QUEUELAKE_MAX_ROWS", "9223372036854775807", "1", NULL, "9223372036854775808"},
    {"max_columns", "QUEUELAKE_MAX_COLUMNS", "1", "2", NULL, "4e3"},
    {"max_exports", "QUEUELAKE_MAX_EXPORTS", "1000", "1", NULL, "0"},
    {"max_output_columns", "QUEUELAKE_MAX_OUTPUT_COLUMNS", "1000000", "2", NULL, "1000001"},
    {"config", "QUEUELAKE_CONFIG", "empty.yaml", "./empty.yaml", NULL, NULL},
    {"threads", "QUEUELAKE_THREADS", "2", "0", NULL, "65"},
    {"memory_limit", "QUEUELAKE_MEMORY_LIMIT", "64M", "1G", NULL, "1023K"},
    {"temp_dir", "QUEUELAKE_TEMP_DIR", "/var/tmp", "t", NULL, NULL},
    {"state_dir", "QUEUELAKE_STATE_DIR", "/var/lib/queuelake", "s", NULL, NULL},
    {"json", "QUEUELAKE_JSON", "true", "false", NULL, "x"},
    {"quiet", "QUEUELAKE_QUIET", "true", "false", NULL, "x"},
    {"verbose", "QUEUELAKE_VERBOSE", "true", "false", NULL, "x"},
};

static const char *const NAMES[] = {
#define QL_SETTING(kind, name, fallback, environment, section, commands, argument, help) #name,
#include "config/settings.def"
#undef QL_SETTING
};

static bool is_secret(const struct live *live) {
    return live->printed != NULL && strcmp(live->printed, "\"***\"") == 0;
}
static bool is_config(const struct live *live) {
    return strcmp(live->name, "config") == 0;
}

static void put_flag(const struct live *live, const char *value, struct ql_buf *out) {
    ql_buf_puts(out, "--");
    for (const char *c = live->name; *c != '\0'; c++) {
        ql_buf_putc(out, *c == '_' ? '-' : *c);
    }
    ql_buf_printf(out, "=%s", value);
}

/* As a value of YAML: quoted where YAML would read something else, which is so for few. */
static void put_yaml(const struct live *live, const char *value, struct ql_buf *out) {
    bool needs_quotes = strcmp(value, "null") == 0 || strchr(",;", value[0]) != NULL;
    ql_buf_printf(out, needs_quotes ? "%s: \"%s\"\n" : "%s: %s\n", live->name, value);
}

static void assert_line(const struct fixture *fixture, const struct live *live, const char *value, const char *origin) {
    struct ql_buf printed = {0};
    struct ql_buf line = {0};
    ql_settings_print(&fixture->settings, false, &printed);
    ql_buf_printf(&line, "%s: %s   # from %s\n", live->name, value, origin);
    const char *at = strstr(printed.ptr, line.ptr);
    if (at == NULL || (at != printed.ptr && at[-1] != '\n')) {
        ql_buf_printf(&line, "%s: ", live->name);
        fail_msg("expected %s in:\n%s", line.ptr, printed.ptr);
    }
    ql_buf_fini(&line);
    ql_buf_fini(&printed);
}

static void every_row_of_the_table_is_tried_here(void **state) {
    (void)state;
    assert_int_equal(sizeof LIVES / sizeof LIVES[0], QL_SETTING_COUNT);
    for (size_t i = 0; i < QL_SETTING_COUNT; i++) {
        assert_string_equal(LIVES[i].name, NAMES[i]);
    }
}

static void each_setting_lives_in_each_layer(void **state) {
    struct fixture *fixture = *state;
    fixture->command = "config"; /* which knows all flags */
    write_file("empty.yaml", "", 0);
    for (size_t i = 0; i < QL_SETTING_COUNT; i++) {
        const struct live *live = &LIVES[i];
        const char *printed = live->printed != NULL ? live->printed : live->a;
        struct ql_buf flag = {0};
        struct ql_buf origin = {0};
        put_flag(live, live->a, &flag);
        fixture->environment[0] = NULL;
        if (is_secret(live)) {
            assert_refused(fixture, load(fixture, flag.ptr, NULL), QL_E_USAGE, "is no flag", live->variable);
        } else {
            assert_loads(fixture, load(fixture, flag.ptr, NULL));
            assert_line(fixture, live, printed, "flag");
        }
        fixture->environment[0] = live->variable;
        fixture->environment[1] = live->a;
        fixture->environment[2] = NULL;
        assert_loads(fixture, load(fixture, NULL));
        ql_buf_printf(&origin, "environment %s", live->variable);
        assert_line(fixture, live, printed, origin.ptr);
        fixture->environment[0] = NULL;
        if (!is_config(live)) {
            struct ql_buf yaml = {0};
            ql_buf_puts(&yaml, "# a comment first\n");
            put_yaml(live, live->a, &yaml);
            assert_loads(fixture, load_yaml(fixture, yaml.ptr));
            assert_line(fixture, live, printed, "file queuelake.yaml:2");
            ql_buf_fini(&yaml);
        }
        ql_buf_fini(&flag);
        ql_buf_fini(&origin);
    }
}

static void a_flag_wins_over_the_environment_and_that_over_the_file(void **state) {
    struct fixture *fixture = *state;
    fixture->command = "config";
    for (size_t i = 0; i < QL_SETTING_COUNT; i++) {
        const struct live *live = &LIVES[i];
        if (is_config(live)) {
            continue;
        }
        struct ql_buf yaml = {0};
        struct ql_buf flag = {0};
        struct ql_buf origin = {0};
        put_yaml(live, live->a, &yaml);
        put_flag(live, live->a, &flag);
        ql_buf_printf(&origin, "environment %s", live->variable);
        fixture->environment[0] = live->variable;
        fixture->environment[1] = live->b;
        fixture->environment[2] = NULL;
        assert_loads(fixture, load_yaml(fixture, yaml.ptr));
        struct ql_buf printed = {0};
        ql_settings_print(&fixture->settings, false, &printed);
        assert_non_null(strstr(printed.ptr, origin.ptr));
        assert_null(strstr(printed.ptr, "from file"));
        ql_buf_fini(&printed);
        if (!is_secret(live)) {
            assert_loads(fixture, load(fixture, flag.ptr, "--config", "queuelake.yaml", NULL));
            assert_line(fixture, live, live->printed != NULL ? live->printed : live->a, "flag");
        }
        fixture->environment[1] = ""; /* empty: not set, so the file shows again */
        assert_loads(fixture, load(fixture, "--config", "queuelake.yaml", NULL));
        assert_line(fixture, live, live->printed != NULL ? live->printed : live->a, "file queuelake.yaml:1");
        ql_buf_fini(&yaml);
        ql_buf_fini(&flag);
        ql_buf_fini(&origin);
    }
}

static void a_bad_value_is_refused_in_each_layer_and_placed(void **state) {
    struct fixture *fixture = *state;
    fixture->command = "config";
    for (size_t i = 0; i < QL_SETTING_COUNT; i++) {
        const struct live *live = &LIVES[i];
        if (live->bad == NULL) {
            continue;
        }
        struct ql_buf yaml = {0};
        struct ql_buf flag = {0};
        struct ql_buf place = {0};
        put_yaml(live, live->bad, &yaml);
        put_flag(live, live->bad, &flag);
        fixture->environment[0] = NULL;
        ql_buf_printf(&place, "flag '%.*s'", (int)strcspn(flag.ptr, "="), flag.ptr);
        assert_refused(fixture, load(fixture, flag.ptr, NULL), QL_E_USAGE, place.ptr, "");
        ql_buf_reset(&place);
        ql_buf_printf(&place, "queuelake.yaml:1:%zu: '%s'", strlen(live->name) + 3, live->name);
        assert_refused(fixture, load_yaml(fixture, yaml.ptr), QL_E_CONFIG, place.ptr, "");
        fixture->environment[0] = live->variable;
        fixture->environment[1] = live->bad;
        fixture->environment[2] = NULL;
        assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, live->variable, "");
        /* Also where a flag above would hide it. */
        ql_buf_reset(&flag);
        put_flag(live, live->a, &flag);
        assert_refused(fixture, load(fixture, flag.ptr, NULL), QL_E_CONFIG, live->variable, "");
        ql_buf_fini(&yaml);
        ql_buf_fini(&flag);
        ql_buf_fini(&place);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_is_tried_here),
        cmocka_unit_test_setup_teardown(each_setting_lives_in_each_layer, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_flag_wins_over_the_environment_and_that_over_the_file, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_bad_value_is_refused_in_each_layer_and_placed, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
