/* Profiles: keys, roles and their chains, credential processes; what STS is asked and what it may answer. */
#include "aws_fixture.h"

#include <signal.h>
#include <sys/stat.h>

#define ROLE(name) "arn:aws:iam::123456789012:role/" name
#define KEYS(id) "aws_access_key_id=" id "\naws_secret_access_key=s-" id "\n"

static void use(const char *profile) {
    aws->options.profile = ql_str_from(profile);
}

static void sts_answers(const char *id_xml) {
    aws_answer("POST", "https://sts.", 200, id_xml);
}

static void the_credentials_file_wins_over_the_config_file(void **state) {
    (void)state;
    aws_write("config", "[profile p]\n" KEYS("CONFIG") "region = eu-south-1\n");
    aws_write("credentials", "[p]\n" KEYS("SHARED") "[q]\n" KEYS("Q"));
    use("p");
    assert_key("SHARED");
    struct ql_str region;
    assert_ok(ql_aws_chain_region(aws->chain, &region, err));
    assert_str_equal(region, "eu-south-1");
}

static void a_profile_that_is_not_there_is_told(void **state) {
    (void)state;
    aws_write("config", "[p]\n" KEYS("X"));
    use("p");
    assert_fails(QL_E_CONFIG, "there is no profile 'p' in '/tmp/ql-aws-", "[profile p]");
    struct ql_str region;
    assert_ok(ql_aws_chain_region(aws->chain, &region, err));
    assert_null(region.ptr);
}

static void half_a_key_is_told(void **state) {
    (void)state;
    aws_write("credentials", "[default]\naws_access_key_id=A\n");
    assert_fails(QL_E_CONFIG, "no AWS credentials of profile 'default': profile 'default' has aws_access_key_id, but no",
                 "same section");
}

static void a_damaged_file_is_told_by_name_and_line(void **state) {
    (void)state;
    aws_write("credentials", "[default]\naws_access_key_id=A\nhush\n");
    assert_fails(QL_E_CONFIG, "/credentials': line 3 is neither", "correct the file");
}

static void a_role_is_assumed_with_another_profiles_keys(void **state) {
    (void)state;
    aws_write("config", "[profile p]\nrole_arn=" ROLE("r") "\nsource_profile=base\nexternal_id=e x\nrole_session_name=me@x\n"
                                                           "duration_seconds=900\n");
    aws->s3.region = QL_STR("cn-north-1");
    aws_write("credentials", "[base]\n" KEYS("BASE") "aws_session_token=base-t0ken\n");
    use("p");
    aws_answer("POST", "https://sts.cn-north-1.amazonaws.com.cn/\n", 200, AWS_XML("AssumeRole", "ROLE", AWS_LATER));
    assert_key("ROLE");
    assert_str_equal(ql_buf_view(&aws->got.secret_access_key), "s3cr3t-ROLE");
    assert_str_equal(ql_buf_view(&aws->got.session_token), "t0ken-ROLE");
    assert_int_equal(aws->got.expires_us, aws_time(AWS_LATER));
    assert_sent(
        0,
        "\n\nAction=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=me%40x"
        "&DurationSeconds=900&ExternalId=e%20x");
    assert_sent(0, "Authorization: AWS4-HMAC-SHA256 Credential=BASE/20260101/cn-north-1/sts/aws4_request, "
                   "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=");
    assert_sent(0, "x-amz-security-token: base-t0ken\n");
}

static void roles_can_be_chained(void **state) {
    (void)state;
    aws_write("config",
              "[profile a]\nrole_arn=" ROLE("a") "\nsource_profile=b\n"
                                                 "[profile b]\nrole_arn=" ROLE("b") "\nsource_profile=c\n"
                                                                                    "[profile c]\nrole_arn=" ROLE(
                                                                                        "c") "\nsource_profile=c\n" KEYS("C"));
    use("a");
    sts_answers(AWS_XML("AssumeRole", "B", AWS_LATER));
    sts_answers(AWS_XML("AssumeRole", "A", AWS_LATER));
    assert_key("A");
    assert_sent(0, "Credential=C/");
    assert_sent(0, "role%2Fb&RoleSessionName=queuelake-1767225600");
    assert_sent(1, "Credential=B/");
    assert_sent(1, "role%2Fa&");
}

static void a_profile_may_assume_its_role_with_its_own_keys(void **state) {
    (void)state;
    aws_write("config", "[default]\nrole_arn=" ROLE("r") "\nsource_profile=default\n" KEYS("OWN"));
    sts_answers(AWS_XML("AssumeRole", "ROLE", AWS_LATER));
    assert_key("ROLE");
    assert_sent(0, "Credential=OWN/");
}

static void circles_of_profiles_are_told(void **state) {
    (void)state;
    aws_write("config", "[profile a]\nrole_arn=x\nsource_profile=b\n[profile b]\nrole_arn=x\nsource_profile=c\n"
                        "[profile c]\nrole_arn=x\nsource_profile=b\n[profile s]\nrole_arn=x\nsource_profile=s\n");
    use("a");
    assert_fails(QL_E_CONFIG, "source_profile leads in a circle: a -> b -> c -> b", "credentials of its own");
    use("s");
    assert_fails(QL_E_CONFIG, "leads in a circle: s -> s", "");
}

static void what_a_role_lacks_is_told(void **state) {
    (void)state;
    static const struct {
        const char *config, *message, *hint;
    } CASES[] = {
        {"role_arn=x\n", "has role_arn, but neither source_profile nor credential_source", "one of the two"},
        {"role_arn=x\nsource_profile=a\ncredential_source=Environment\n", "has both", ""},
        {"role_arn=x\nsource_profile=nobody\n", "its source_profile 'nobody' does not exist", "config'"},
        {"role_arn=x\nsource_profile=empty\n[profile empty]\nregion=x\n", "'empty' is a source_profile, but has no credentials",
         ""},
        {"role_arn=x\ncredential_source=Moon\n", "credential_source 'Moon' is none", "Ec2InstanceMetadata"},
        {"role_arn=x\ncredential_source=Environment\n",
         "credential_source Environment has no credentials: environment: AWS_ACC", ""},
        {"role_arn=x\ncredential_source=EcsContainer\n", "credential_source EcsContainer has no credentials: container: AWS_",
         ""},
        {"role_arn=x\nsource_profile=p\nmfa_serial=arn:aws:iam::1:mfa/me\n", "code of an MFA device", "without MFA"},
        {"role_arn=x\nsource_profile=p\nduration_seconds=1h\n", "duration_seconds that is no number from 900 to 43200", ""},
        {"role_arn=x\nsource_profile=p\nduration_seconds=899\n", "duration_seconds that is no number", ""},
        {"web_identity_token_file=/x\n", "has web_identity_token_file, but no role_arn", ""},
        {"sso_session=s\nsso_account_id=1\n", "needs a sign-in (IAM Identity Center)",
         "credential_process = aws configure export-credentials --profile p"},
        {"sso_start_url=https://x\n", "needs a sign-in (IAM Identity Center)", "export-credentials"},
        {"login_session=arn\n", "needs a sign-in (aws login)", "export-credentials"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char config[AWS_TEXT];
        (void)snprintf(config, sizeof config, "[profile p]\n%s", CASES[i].config);
        aws_write("config", config);
        use("p");
        assert_fails(QL_E_CONFIG, CASES[i].message, CASES[i].hint);
    }
}

static void a_place_can_be_the_source(void **state) {
    (void)state;
    aws_write("config", "[profile p]\nrole_arn=" ROLE("r") "\ncredential_source=Environment\n");
    aws_set("AWS_ACCESS_KEY_ID=ENV");
    aws_set("AWS_SECRET_ACCESS_KEY=s");
    use("p");
    sts_answers(AWS_XML("AssumeRole", "ROLE", AWS_LATER));
    assert_key("ROLE");
    assert_sent(0, "Credential=ENV/");
}

static void a_web_identity_is_unsigned_and_its_token_read_each_time(void **state) {
    (void)state;
    char config[AWS_TEXT];
    (void)snprintf(config, sizeof config, "[profile p]\nrole_arn=" ROLE("r") "\nweb_identity_token_file=%s/token\n",
                   aws->folder);
    aws->s3.region = QL_STR("eu-west-1");
    aws_write("config", config);
    aws_write("token", "web-t0ken-1\n");
    use("p");
    aws_answer("POST",
               "https://sts.eu-west-1.amazonaws.com/\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\n\nAction="
               "AssumeRoleWithWebIdentity&",
               200, AWS_XML("AssumeRoleWithWebIdentity", "ONE", AWS_LATER));
    assert_key("ONE");
    assert_sent(0, "&WebIdentityToken=web-t0ken-1");
    aws_write("token", "web-t0ken-2\n");
    aws->now_us = aws_time(AWS_LATER);
    sts_answers(AWS_XML("AssumeRoleWithWebIdentity", "TWO", "2026-01-01T12:00:00Z"));
    assert_key("TWO");
    assert_sent(1, "&WebIdentityToken=web-t0ken-2");
    aws_write("token", "\n");
    aws->now_us = aws_time("2026-01-01T12:00:00Z");
    assert_fails(QL_E_CONFIG, "token' is empty", "");
}

static void a_role_alone_in_the_environment_is_told(void **state) {
    (void)state;
    aws_set("AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
    assert_fails(QL_E_CONFIG, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not", "service account");
}

static void what_sts_refuses_is_told_with_what_to_do(void **state) {
    (void)state;
    aws_set("AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
    aws_set("AWS_ROLE_ARN=" ROLE("irsa"));
    aws_write("token", "web-t0ken-web-t0ken");
    aws->s3.sts_endpoint = QL_STR("http://127.0.0.1:7/sts");
#define REFUSAL(code)                                                  \
    "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>" code \
    "</Code><Message>no web-t0ken-web-t0ken here</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"
    static const struct {
        long http_status;
        const char *body;
        enum ql_status status;
        const char *message, *hint;
    } CASES[] = {
        {403, REFUSAL("AccessDenied"), QL_E_S3_DENIED,
         "cannot assume the role '" ROLE("irsa") "': STS says AccessDenied: no *** here", "trust policy"},
        {400, REFUSAL("InvalidIdentityToken"), QL_E_S3_DENIED, "InvalidIdentityToken", "identity provider of the cluster"},
        {400, REFUSAL("ExpiredTokenException"), QL_E_S3_DENIED, "ExpiredTokenException", "not renewed"},
        {400, REFUSAL("ValidationError"), QL_E_CONFIG, "ValidationError", "role_arn"},
        {403, REFUSAL("RegionDisabledException"), QL_E_CONFIG, "RegionDisabled", "AWS_REGION"},
        {418, REFUSAL("Other"), QL_E_S3_DENIED, "Other", ""},
        {500, "", QL_E_SERVER, "'127.0.0.1:7' gave no answer of STS (HTTP 500)", ""},
        {200, "<html>", QL_E_PROTOCOL, "gave no answer of STS (HTTP 200)", "proxy"},
        {200, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>A</AccessKeyId>",
         QL_E_PROTOCOL, "gave no answer of STS", ""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        aws_answer("POST", "http://127.0.0.1:7/sts/\n", CASES[i].http_status, CASES[i].body);
        assert_fails(CASES[i].status, CASES[i].message, CASES[i].hint);
    }
}

static void sts_is_asked_again_where_its_refusal_may_pass(void **state) {
    (void)state;
    aws_set("AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
    aws_set("AWS_ROLE_ARN=" ROLE("irsa"));
    aws_write("token", "web-t0ken-web-t0ken");
    aws->s3.sts_endpoint = QL_STR("http://127.0.0.1:7/sts");
    aws_answer("POST", "http://127.0.0.1:7/sts/\n", 400, REFUSAL("IDPCommunicationError"));
    aws_answer("POST", "http://127.0.0.1:7/sts/\n", 400, REFUSAL("Throttling"));
    aws_answer("POST", "http://127.0.0.1:7/sts/\n", 200, AWS_XML("AssumeRoleWithWebIdentity", "ONE", AWS_LATER));
    assert_key("ONE");
    assert_int_equal(aws->n_waits, 2);
    aws->now_us = aws_time(AWS_LATER);
    for (int i = 0; i < 3; i++) {
        aws_answer("POST", "http://127.0.0.1:7/sts/\n", 400, REFUSAL("IDPCommunicationError"));
    }
    assert_fails(QL_E_SERVER, "IDPCommunicationError", "later");
}

/* ---- credential_process ---- */

static void program(const char *script) {
    char text[AWS_TEXT * 2];
    (void)snprintf(text, sizeof text, "#!/bin/sh\ncd '%s' || exit 9\n%s", aws->folder, script);
    aws_write("program", text);
    assert_int_equal(chmod(aws_path("program"), 0700), 0);
    (void)snprintf(text, sizeof text, "[default]\ncredential_process = %s 'a b' \"$HOME\" ; touch ran\n", aws_path("program"));
    aws_write("config", text);
}

static void a_process_gives_credentials(void **state) {
    (void)state;
    aws_set("PASSED=yes");
    program("[ $# = 5 ] && [ \"$1\" = 'a b' ] && [ \"$2\" = '$HOME' ] && [ \"$3\" = ';' ] || exit 7\n"
            "[ \"$PASSED\" = yes ] && [ -z \"$USER\" ] || exit 8\n"
            "cat\n" /* an empty standard input ends at once */
            "echo noise >&2\n"
            "echo '{\"Version\": 1, \"AccessKeyId\": \"PROC\", \"SecretAccessKey\": \"s\"}'\n");
    assert_key("PROC");
    assert_int_equal(aws->got.session_token.len, 0);
    assert_int_equal(aws->got.expires_us, QL_TIME_NONE);
    assert_int_equal(access(aws_path("ran"), F_OK), -1); /* no shell */
}

static void a_process_is_run_again_before_its_credentials_end(void **state) {
    (void)state;
    program("n=$(cat ran 2>/dev/null); n=$((n + 1)); echo $n > ran\n"
            "echo '{\"Version\": 1, \"AccessKeyId\": \"PROC'$n'\", \"SecretAccessKey\": \"s\", \"SessionToken\": \"t\", "
            "\"Expiration\": \"2026-01-01T0'$n':00:00Z\"}'\n");
    assert_key("PROC1");
    assert_key("PROC1");
    aws->now_us = aws_time("2026-01-01T00:50:00Z");
    assert_key("PROC2");
}

static void a_process_that_fails_is_told_in_its_masked_words(void **state) {
    (void)state;
    aws_set("AWS_SESSION_TOKEN=hush-hush");
    program("echo 'cannot: hush-hush wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY password=pw' >&2; exit 3\n");
    assert_fails(QL_E_AUTH, "profile 'default': credential_process: it ended with exit code 3: cannot: *** *** password=***",
                 "by hand");
    program("kill -9 $$\n");
    assert_fails(QL_E_AUTH, "it ended with signal 9", "by hand");
}

static void a_process_has_the_usual_signals(void **state) {
    (void)state;
    void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* as queuelake itself does */
    program("kill -PIPE $$\n");
    assert_fails(QL_E_AUTH, "it ended with signal 13", "by hand");
    (void)signal(SIGPIPE, before);
}

static void what_a_process_must_not_do_is_told(void **state) {
    (void)state;
    program("echo '{\"Version\": 2}'\n");
    assert_fails(QL_E_PROTOCOL, "credential_process: the answer has no \"Version\": 1", "");
    program("echo '{\"Version\": 1, \"AccessKeyId\": \"A\"}'\n");
    assert_fails(QL_E_PROTOCOL, "the answer has no 'SecretAccessKey'", "");
    program("echo hush-hush\n");
    assert_fails(QL_E_PROTOCOL, "the answer is no JSON", "");
    program("echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\", \"Expiration\": \"tomorrow\"}'\n");
    assert_fails(QL_E_PROTOCOL, "'Expiration' is no ISO 8601 time", "");
    program("head -c 300000 /dev/zero\n");
    assert_fails(QL_E_PROTOCOL, "it printed more than 256 KiB", "");
    aws_write("config", "[default]\ncredential_process = /nonexistent/program hush-hush\n");
    assert_fails(QL_E_CONFIG, "cannot start '/nonexistent/program': No such file", "no shell");
    aws_write("config", "[default]\ncredential_process = 'open\n");
    assert_fails(QL_E_CONFIG, "a quote is not closed", "");
}

static void a_process_that_hangs_is_ended(void **state) {
    (void)state;
    aws->options.process_timeout_ms = 0; /* at once, whatever the machine's speed */
    program("exec sleep 600\n");
    assert_fails(QL_E_TIMEOUT, "it did not end within 0 s", "--request-timeout");
    program("exec sleep 600 >/dev/null 2>&1\n");
    assert_fails(QL_E_TIMEOUT, "it did not end within 0 s", "--request-timeout");
}

static void much_on_standard_error_does_not_stop_a_process(void **state) {
    (void)state;
    program("head -c 1000000 /dev/zero >&2\n"
            "echo '{\"Version\": 1, \"AccessKeyId\": \"PROC\", \"SecretAccessKey\": \"s\"}'\n");
    assert_key("PROC");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AWS_TEST(the_credentials_file_wins_over_the_config_file),
        AWS_TEST(a_profile_that_is_not_there_is_told),
        AWS_TEST(half_a_key_is_told),
        AWS_TEST(a_damaged_file_is_told_by_name_and_line),
        AWS_TEST(a_role_is_assumed_with_another_profiles_keys),
        AWS_TEST(roles_can_be_chained),
        AWS_TEST(a_profile_may_assume_its_role_with_its_own_keys),
        AWS_TEST(circles_of_profiles_are_told),
        AWS_TEST(what_a_role_lacks_is_told),
        AWS_TEST(a_place_can_be_the_source),
        AWS_TEST(a_web_identity_is_unsigned_and_its_token_read_each_time),
        AWS_TEST(a_role_alone_in_the_environment_is_told),
        AWS_TEST(what_sts_refuses_is_told_with_what_to_do),
        AWS_TEST(sts_is_asked_again_where_its_refusal_may_pass),
        AWS_TEST(a_process_gives_credentials),
        AWS_TEST(a_process_is_run_again_before_its_credentials_end),
        AWS_TEST(a_process_that_fails_is_told_in_its_masked_words),
        AWS_TEST(a_process_has_the_usual_signals),
        AWS_TEST(what_a_process_must_not_do_is_told),
        AWS_TEST(a_process_that_hangs_is_ended),
        AWS_TEST(much_on_standard_error_does_not_stop_a_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
