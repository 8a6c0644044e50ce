/* The forms of the command line, and what each command takes. */
#include "config_fixture.h"

static void the_forms_of_a_flag(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load(fixture, "--layout", "long", "--output=a=b", NULL));
    assert_int_equal(fixture->settings.layout, QL_SET_LAYOUT_LONG);
    assert_str_equal(fixture->settings.output, "a=b");
    assert_loads(fixture, load(fixture, "-o", "x", NULL));
    assert_str_equal(fixture->settings.output, "x");
    assert_loads(fixture, load(fixture, "-ox", NULL));
    assert_str_equal(fixture->settings.output, "x");
    assert_loads(fixture, load(fixture, "-qvo", "-", NULL));
    assert_str_equal(fixture->settings.output, "-");
    assert_true(fixture->settings.quiet && fixture->settings.verbose);
    assert_loads(fixture, load(fixture, "--layout", "long", "--layout=wide", NULL)); /* the last one holds */
    assert_int_equal(fixture->settings.layout, QL_SET_LAYOUT_WIDE);
    assert_loads(fixture, load(fixture, "--max-bad-rows", "-1", "--on-bad-row=skip", NULL));
    assert_int_equal(fixture->settings.max_bad_rows, -1);
}

static void bools_need_no_value(void **state) {
    struct fixture *fixture = *state;
    assert_loads(fixture, load(fixture, "--totals", "false", NULL)); /* which is an argument then */
    assert_true(fixture->settings.totals);
    assert_int_equal(fixture->settings.n_args, 1);
    assert_loads(fixture, load(fixture, "--totals=false", NULL));
    assert_false(fixture->settings.totals);
    assert_true(ql_settings_is_set(&fixture->settings, QL_SETTING_totals));
    fixture->environment[0] = "QUEUELAKE_TOTALS";
    fixture->environment[1] = "1";
    assert_loads(fixture, load(fixture, NULL));
    assert_true(fixture->settings.totals);
    assert_loads(fixture, load(fixture, "--no-totals", NULL));
    assert_false(fixture->settings.totals);
    assert_refused(fixture, load(fixture, "--no-totals=true", NULL), QL_E_USAGE, "'--no-totals' takes no value", "alone");
    assert_refused(fixture, load(fixture, "--no-layout", NULL), QL_E_USAGE, "unknown flag '--no-layout'", "");
    assert_loads(fixture, load(fixture, "--no-proxy", "localhost", NULL)); /* a flag of its own, no denial */
    assert_str_equal(fixture->settings.no_proxy, "localhost");
}

static void what_is_no_flag_is_an_argument(void **state) {
    struct fixture *fixture = *state;
    fixture->command = "transform";
    assert_loads(fixture, load(fixture, "a.csv", "-", "--json", "b.csv", "--", "--layout", "-x", "--", NULL));
    assert_int_equal(fixture->settings.n_args, 6);
    const char *expected[] = {"a.csv", "-", "b.csv", "--layout", "-x", "--"};
    for (size_t i = 0; i < 6; i++) {
        assert_str_equal(fixture->settings.args[i], expected[i]);
        assert_int_equal(strlen(fixture->settings.args[i].ptr), fixture->settings.args[i].len);
    }
    assert_true(fixture->settings.json);
    assert_loads(fixture, load(fixture, "", NULL));
    assert_int_equal(fixture->settings.n_args, 1);
}

static void an_unknown_flag_names_the_nearest_and_not_its_value(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, load(fixture, "--layuot=hush", NULL), QL_E_USAGE, "unknown flag '--layuot'",
                   "did you mean '--layout'?");
    assert_null(strstr(fixture->err.message, "hush"));
    assert_refused(fixture, load(fixture, "--on_bad_row=skip", NULL), QL_E_USAGE, "'--on_bad_row'", "'--on-bad-row'");
    assert_refused(fixture, load(fixture, "--bucket=b", NULL), QL_E_USAGE, "'--bucket'", "'--s3-bucket'");
    assert_refused(fixture, load(fixture, "--client-id", "b", NULL), QL_E_USAGE, "'--client-id'", "'--genesys-client-id'");
    assert_refused(fixture, load(fixture, "--xyzzyplugh", NULL), QL_E_USAGE, "'--xyzzyplugh'", "queuelake run --help");
    assert_refused(fixture, load(fixture, "-x", NULL), QL_E_USAGE, "unknown flag '-x'", "queuelake run --help");
    assert_refused(fixture, load(fixture, "-qx", NULL), QL_E_USAGE, "unknown flag '-x'", "");
    assert_refused(fixture, load(fixture, "---", NULL), QL_E_USAGE, "unknown flag", "");
    assert_refused(fixture, load(fixture, "--=x", NULL), QL_E_USAGE, "unknown flag '--'", "");
}

static void a_value_that_is_missing_is_told(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, load(fixture, "--from", NULL), QL_E_USAGE, "'--from' needs a value", "--from VALUE");
    assert_refused(fixture, load(fixture, "--from", "--to", NULL), QL_E_USAGE, "'--from' needs a value", "--from=VALUE");
    assert_refused(fixture, load(fixture, "-o", NULL), QL_E_USAGE, "'-o' needs a value", "-o VALUE");
    assert_loads(fixture, load(fixture, "--version-tag=--to", NULL));
    assert_str_equal(fixture->settings.version_tag, "--to");
}

static void secrets_are_no_flags_in_whatever_form(void **state) {
    struct fixture *fixture = *state;
    const char *forms[] = {"--genesys-client-secret=hush", "--genesys-client-secret", "--client-secret=hush",
                           "--genesys-client-secre=hush", "--genesys_client_secret=hush"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_refused(fixture, load(fixture, forms[i], "hush", NULL), QL_E_USAGE, "is no flag", "GENESYS_CLIENT_SECRET_FILE");
        assert_non_null(strstr(fixture->err.hint, "genesys_client_secret_file"));
        assert_null(strstr(fixture->err.message, "hush"));
        assert_null(strstr(fixture->err.hint, "hush"));
    }
    fixture->command = "transform";
    assert_refused(fixture, load(fixture, "--secret-access-key=hush", NULL), QL_E_USAGE, "is no flag",
                   "AWS_SECRET_ACCESS_KEY,");
    assert_refused(fixture, load(fixture, "--aws-session-token=hush", NULL), QL_E_USAGE, "is no flag",
                   "AWS_SESSION_TOKEN_FILE");
}

static void each_command_takes_its_own(void **state) {
    struct fixture *fixture = *state;
    fixture->command = "transform";
    assert_refused(fixture, load(fixture, "--poll-min", "1s", NULL), QL_E_USAGE,
                   "'--poll-min' is a flag of 'run', 'check', 'config', not of 'transform'", "queuelake transform --help");
    assert_refused(fixture, load(fixture, "--genesys-client-id=x", NULL), QL_E_USAGE, "not of 'transform'", "");
    assert_refused(fixture, load(fixture, "--source=file", NULL), QL_E_USAGE, "not of 'transform'", "");
    assert_loads(fixture, load(fixture, "--from=2024-01-01", "--to=2024-01-02", "--s3-bucket=b", "--attempts=2", NULL));
    fixture->command = "version";
    assert_refused(fixture, load(fixture, "--layout=long", NULL), QL_E_USAGE, "not of 'version'", "");
    assert_refused(fixture, load(fixture, "-q", NULL), QL_E_USAGE, "unknown flag '-q'", "");
    assert_loads(fixture, load(fixture, "--json", NULL));
    fixture->command = "config";
    assert_loads(fixture, load(fixture, "--poll-min=1s", "--layout=long", "--quiet", NULL));
    fixture->command = "rnu";
    assert_refused(fixture, load(fixture, NULL), QL_E_USAGE, "unknown command 'rnu'", "");
}

static void help_comes_before_everything_else(void **state) {
    struct fixture *fixture = *state;
    fixture->environment[0] = "QUEUELAKE_ROUND";
    fixture->environment[1] = "many";
    assert_loads(fixture, load(fixture, "--layuot", "--help", NULL));
    assert_true(fixture->settings.wants_help);
    assert_loads(fixture, load(fixture, "-h", NULL));
    assert_true(fixture->settings.wants_help);
    assert_loads(fixture, load(fixture, "-qh", NULL));
    assert_true(fixture->settings.wants_help);
    fixture->environment[0] = NULL;
    assert_loads(fixture, load(fixture, "--", "--help", NULL));
    assert_false(fixture->settings.wants_help);
    assert_loads(fixture, load(fixture, NULL));
    assert_false(fixture->settings.wants_help);
}

static void version_works_whatever_the_settings_say(void **state) {
    struct fixture *fixture = *state;
    write_file("queuelake.yaml", "\t{", 2);
    fixture->looks_for_config = true;
    fixture->environment[0] = "QUEUELAKE_ROUND";
    fixture->environment[1] = "many";
    fixture->environment[2] = "QUEUELAKE_CONFIG";
    fixture->environment[3] = "/nowhere/at/all.yaml";
    fixture->command = "version";
    assert_loads(fixture, load(fixture, NULL));
    fixture->environment[4] = "QUEUELAKE_JSON";
    fixture->environment[5] = "yes";
    assert_loads(fixture, load(fixture, NULL));
    assert_true(fixture->settings.json);
}

static void an_error_needs_no_place_to_go(void **state) {
    struct fixture *fixture = *state;
    char flag[] = "--layout=x";
    char *argv[] = {flag};
    const struct ql_settings_source source = {.command = "run", .argc = 1, .argv = argv};
    assert_int_equal(ql_settings_load(&source, &fixture->settings, NULL), QL_E_USAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_forms_of_a_flag),
        TEST(bools_need_no_value),
        TEST(what_is_no_flag_is_an_argument),
        TEST(an_unknown_flag_names_the_nearest_and_not_its_value),
        TEST(a_value_that_is_missing_is_told),
        TEST(secrets_are_no_flags_in_whatever_form),
        TEST(each_command_takes_its_own),
        TEST(help_comes_before_everything_else),
        TEST(version_works_whatever_the_settings_say),
        TEST(an_error_needs_no_place_to_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
