/* The environment, the files of secrets, and where the YAML file is looked for. */
#include "config_fixture.h"

#include <sys/stat.h>

static void set(struct fixture *fixture, const char *name, const char *value) {
    size_t i = 0;
    while (fixture->environment[i] != NULL) {
        i += 2;
    }
    fixture->environment[i] = name;
    fixture->environment[i + 1] = value;
    fixture->environment[i + 2] = NULL;
}

static void the_first_of_two_names_wins(void **state) {
    struct fixture *fixture = *state;
    set(fixture, "AWS_DEFAULT_REGION", "eu-south-1");
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.aws_region, "eu-south-1");
    assert_str_equal(fixture->settings.origins[QL_SETTING_aws_region].where, "AWS_DEFAULT_REGION");
    set(fixture, "AWS_REGION", "eu-west-1");
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.aws_region, "eu-west-1");
    fixture->environment[3] = ""; /* AWS_REGION, which then counts as not set */
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.aws_region, "eu-south-1");
}

static void the_lower_case_names_of_proxies_work_too(void **state) {
    struct fixture *fixture = *state;
    set(fixture, "https_proxy", "http://p:1");
    set(fixture, "no_proxy", "localhost");
    set(fixture, "AWS_ENDPOINT_URL", "http://s3:1");
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.https_proxy, "http://p:1");
    assert_str_equal(fixture->settings.no_proxy, "localhost");
    assert_str_equal(fixture->settings.aws_endpoint_url, "http://s3:1");
}

static void a_secret_comes_from_the_environment(void **state) {
    struct fixture *fixture = *state;
    set(fixture, "GENESYS_CLIENT_SECRET", "hush");
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.genesys_client_secret, "hush");
    assert_int_equal(fixture->settings.genesys_client_secret.ptr[4], '\0');
}

static void a_secret_comes_from_a_file_less_one_line_end(void **state) {
    struct fixture *fixture = *state;
    const struct {
        const char *text, *secret;
    } cases[] = {{"hush", "hush"}, {"hush\n", "hush"}, {"hush\r\n", "hush"}, {" hush \n", " hush "}};
    set(fixture, "AWS_SECRET_ACCESS_KEY_FILE", "secret.txt");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("secret.txt", cases[i].text, strlen(cases[i].text));
        assert_loads(fixture, load(fixture, NULL));
        assert_str_equal(fixture->settings.aws_secret_access_key, cases[i].secret);
        assert_str_equal(fixture->settings.origins[QL_SETTING_aws_secret_access_key].where, "AWS_SECRET_ACCESS_KEY_FILE");
    }
    const char *wrong[] = {"hush\n\n", "hush\nhush\n", "hush\r", "\n", "", "hu\tsh"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_file("secret.txt", wrong[i], strlen(wrong[i]));
        assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, "'AWS_SECRET_ACCESS_KEY_FILE'", "");
        assert_null(strstr(fixture->err.message, "hu"));
    }
    write_file("secret.txt", "hu\0sh", 5);
    assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, "a control character", "");
}

static void a_secret_that_is_given_twice_is_refused(void **state) {
    struct fixture *fixture = *state;
    write_file("secret.txt", "hush", 4);
    set(fixture, "GENESYS_CLIENT_SECRET_FILE", "secret.txt");
    set(fixture, "GENESYS_CLIENT_SECRET", "other");
    assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, "both 'GENESYS_CLIENT_SECRET' and 'GENESYS_CLIENT_SECRET_FILE'",
                   "unset");
    assert_null(strstr(fixture->err.message, "other"));
    fixture->environment[3] = "";
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.genesys_client_secret, "hush");
}

static void the_names_of_the_official_cli_work_and_come_second(void **state) {
    struct fixture *fixture = *state;
    set(fixture, "GENESYSCLOUD_REGION", "eu-central-1");
    set(fixture, "GENESYSCLOUD_OAUTHCLIENT_ID", "their-id");
    set(fixture, "GENESYSCLOUD_OAUTHCLIENT_SECRET", "their-hush");
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.genesys_environment, "eu-central-1");
    assert_str_equal(fixture->settings.genesys_client_id, "their-id");
    assert_str_equal(fixture->settings.genesys_client_secret, "their-hush");
    assert_str_equal(fixture->settings.origins[QL_SETTING_genesys_client_secret].where, "GENESYSCLOUD_OAUTHCLIENT_SECRET");
    write_file("secret.txt", "our-hush\n", 9);
    set(fixture, "GENESYS_CLIENT_SECRET_FILE", "secret.txt"); /* another name, so no contradiction: the first name wins */
    set(fixture, "GENESYS_CLIENT_ID", "our-id");
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.genesys_client_id, "our-id");
    assert_str_equal(fixture->settings.genesys_client_secret, "our-hush");
}

static void a_secret_of_the_official_cli_may_be_in_a_file_too(void **state) {
    struct fixture *fixture = *state;
    write_file("secret.txt", "hush\n", 5);
    set(fixture, "GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE", "secret.txt");
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.genesys_client_secret, "hush");
    set(fixture, "GENESYSCLOUD_OAUTHCLIENT_SECRET", "other");
    assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, "both 'GENESYSCLOUD_OAUTHCLIENT_SECRET' and", "unset");
}

static void a_secret_file_that_cannot_be_read_is_named(void **state) {
    struct fixture *fixture = *state;
    set(fixture, "GENESYS_CLIENT_SECRET_FILE", "nowhere.txt");
    assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, "'nowhere.txt'", "file");
    fixture->environment[1] = "/tmp";
    assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, "'/tmp' is a folder", "");
    char *large = ql_mem_zalloc(1, 70000);
    memset(large, 'x', 70000);
    write_file("large.txt", large, 70000);
    ql_mem_free(large);
    fixture->environment[1] = "large.txt";
    assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, "'large.txt' is larger than 65536 bytes", "");
}

static void a_secret_may_come_through_a_pipe(void **state) {
    struct fixture *fixture = *state;
    int ends[2];
    char path[32];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "hush\n", 5), 5);
    assert_int_equal(close(ends[1]), 0);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    set(fixture, "GENESYS_CLIENT_SECRET_FILE", path);
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.genesys_client_secret, "hush");
    assert_int_equal(close(ends[0]), 0);
}

static void a_secret_of_the_file_is_read_and_overridden(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(mkdir("conf", 0700), 0);
    write_file("conf/secret.txt", "hush\n", 5);
    const char yaml[] = "genesys_client_secret_file: secret.txt\naws_secret_access_key: 'hush2'\n";
    write_file("conf/q.yaml", yaml, strlen(yaml));
    assert_loads(fixture, load(fixture, "--config=conf/q.yaml", NULL)); /* the path starts at the YAML file's folder */
    assert_str_equal(fixture->settings.genesys_client_secret, "hush");
    assert_str_equal(fixture->settings.aws_secret_access_key, "hush2");
    assert_str_equal(fixture->settings.origins[QL_SETTING_genesys_client_secret].where, "conf/q.yaml:1");
    set(fixture, "GENESYS_CLIENT_SECRET", "above");
    assert_loads(fixture, load(fixture, "--config=conf/q.yaml", NULL));
    assert_str_equal(fixture->settings.genesys_client_secret, "above");
    assert_refused(fixture, load_yaml(fixture, "aws_session_token: hush\naws_session_token_file: x\n"), QL_E_CONFIG,
                   "queuelake.yaml:2:1: both 'aws_session_token' and 'aws_session_token_file'", "keep one");
    assert_refused(fixture, load_yaml(fixture, "aws_session_token_file: nowhere\n"), QL_E_CONFIG,
                   "queuelake.yaml:1:25: 'aws_session_token_file': cannot open 'nowhere'", "");
    assert_refused(fixture, load_yaml(fixture, "aws_session_token_file: [a]\n"), QL_E_CONFIG, "queuelake.yaml:1:25: ", "");
    assert_refused(fixture, load_yaml(fixture, "aws_session_token: [hush]\n"), QL_E_CONFIG, "queuelake.yaml:1:20: ", "");
    assert_null(strstr(fixture->err.message, "hush"));
}

static void put_layout(const char *path, const char *layout) {
    struct ql_buf text = {0};
    ql_buf_printf(&text, "layout: %s\n", layout);
    write_file(path, text.ptr, text.len);
    ql_buf_fini(&text);
}

static void the_file_is_looked_for_in_order(void **state) {
    struct fixture *fixture = *state;
    struct ql_buf xdg = {0};
    struct ql_buf home = {0};
    ql_buf_printf(&xdg, "%s/xdg", fixture->folder);
    ql_buf_printf(&home, "%s/home", fixture->folder);
    assert_int_equal(system("mkdir -p xdg/queuelake home/.config/queuelake"), 0);
    fixture->looks_for_config = true;
    set(fixture, "HOME", home.ptr);
    assert_loads(fixture, load(fixture, NULL));
    assert_int_equal(fixture->settings.config_path.len, 0);
    put_layout("home/.config/queuelake/queuelake.yaml", "long");
    assert_loads(fixture, load(fixture, NULL));
    assert_true(ql_str_has_suffix(fixture->settings.config_path, "/home/.config/queuelake/queuelake.yaml"));
    assert_int_equal(fixture->settings.layout, QL_SET_LAYOUT_LONG);
    set(fixture, "XDG_CONFIG_HOME", "xdg"); /* relative: ignored */
    assert_loads(fixture, load(fixture, NULL));
    assert_true(ql_str_has_suffix(fixture->settings.config_path, "/home/.config/queuelake/queuelake.yaml"));
    fixture->environment[3] = xdg.ptr; /* which has none yet, and stands for ~/.config */
    assert_loads(fixture, load(fixture, NULL));
    assert_int_equal(fixture->settings.config_path.len, 0);
    put_layout("xdg/queuelake/queuelake.yaml", "wide");
    assert_loads(fixture, load(fixture, NULL));
    assert_true(ql_str_has_suffix(fixture->settings.config_path, "/xdg/queuelake/queuelake.yaml"));
    put_layout("queuelake.yaml", "long");
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.config_path, "queuelake.yaml");
    put_layout("named.yaml", "wide");
    set(fixture, "QUEUELAKE_CONFIG", "named.yaml");
    assert_loads(fixture, load(fixture, NULL));
    assert_str_equal(fixture->settings.config_path, "named.yaml");
    put_layout("flagged.yaml", "wide");
    assert_loads(fixture, load(fixture, "--config", "flagged.yaml", NULL));
    assert_str_equal(fixture->settings.config_path, "flagged.yaml");
    ql_buf_fini(&xdg);
    ql_buf_fini(&home);
}

static void without_looking_there_is_no_file(void **state) {
    struct fixture *fixture = *state;
    put_layout("queuelake.yaml", "long");
    assert_loads(fixture, load(fixture, NULL));
    assert_int_equal(fixture->settings.layout, QL_SET_LAYOUT_WIDE);
    assert_int_equal(fixture->settings.config_path.len, 0);
}

static void a_named_file_must_exist(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, load(fixture, "--config=nowhere.yaml", NULL), QL_E_CONFIG, "'nowhere.yaml' does not exist",
                   "--config");
    set(fixture, "QUEUELAKE_CONFIG", "nowhere/x.yaml");
    assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, "'nowhere/x.yaml' does not exist", "QUEUELAKE_CONFIG");
    fixture->environment[1] = "/tmp";
    assert_refused(fixture, load(fixture, NULL), QL_E_CONFIG, "'/tmp' is a folder", "");
}

static void without_an_environment_all_is_as_if_it_were_empty(void **state) {
    struct fixture *fixture = *state;
    const struct ql_settings_source source = {.command = "run", .looks_for_config = true};
    assert_ok(ql_settings_load(&source, &fixture->settings, err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_first_of_two_names_wins),
        TEST(the_lower_case_names_of_proxies_work_too),
        TEST(a_secret_comes_from_the_environment),
        TEST(a_secret_comes_from_a_file_less_one_line_end),
        TEST(a_secret_that_is_given_twice_is_refused),
        TEST(the_names_of_the_official_cli_work_and_come_second),
        TEST(a_secret_of_the_official_cli_may_be_in_a_file_too),
        TEST(a_secret_file_that_cannot_be_read_is_named),
        TEST(a_secret_may_come_through_a_pipe),
        TEST(a_secret_of_the_file_is_read_and_overridden),
        TEST(the_file_is_looked_for_in_order),
        TEST(without_looking_there_is_no_file),
        TEST(a_named_file_must_exist),
        TEST(without_an_environment_all_is_as_if_it_were_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
