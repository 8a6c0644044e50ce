/* In which order the places of credentials are asked, and when again; containers and instances. */
#include "aws_fixture.h"

#include <pthread.h>

static void imds_answers(const char *id_json) {
    aws_answer("PUT", "http://169.254.169.254/latest/api/token\nx-aws-ec2-metadata-token-ttl-seconds: 21600\n", 200,
               "imds-t0ken");
    aws_answer("GET",
               "http://169.254.169.254/latest/meta-data/iam/security-credentials/\nx-aws-ec2-metadata-token: imds-t0ken\n", 200,
               "my role\n");
    aws_answer("GET", "/latest/meta-data/iam/security-credentials/my%20role\nx-aws-ec2-metadata-token: imds-t0ken\n", 200,
               id_json);
}

static void the_places_are_asked_in_the_order_of_the_sdks(void **state) {
    (void)state;
    aws_set("AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
    aws_set("AWS_ROLE_ARN=arn:aws:iam::123456789012:role/irsa");
    aws_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/x");
    aws_write("token", "web-t0ken\n");
    aws_write("credentials", "[default]\naws_access_key_id=PROFILE\naws_secret_access_key=s\n");
    aws_answer("POST", "https://sts.us-east-1.amazonaws.com/", 200, AWS_XML("AssumeRoleWithWebIdentity", "WEB", AWS_LATER));
    assert_key("WEB");
    assert_sent(0, "WebIdentityToken=web-t0ken");
}

static void a_profile_comes_before_the_container(void **state) {
    (void)state;
    aws_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/x");
    aws_write("credentials", "[default]\naws_access_key_id=PROFILE\naws_secret_access_key=s\naws_session_token=t\n");
    assert_key("PROFILE");
    assert_str_equal(ql_buf_view(&aws->got.secret_access_key), "s");
    assert_str_equal(ql_buf_view(&aws->got.session_token), "t");
    assert_int_equal(aws->got.expires_us, QL_TIME_NONE);
}

static void the_container_comes_before_the_instance(void **state) {
    (void)state;
    aws_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/x?id=1");
    aws_write("config", "[default]\nregion=eu-west-1\n"); /* a profile without credentials is passed over */
    aws_answer("GET", "http://169.254.170.2/v2/credentials/x?id=1\n", 200, AWS_JSON("TASK", AWS_LATER));
    assert_key("TASK");
    assert_str_equal(ql_buf_view(&aws->got.session_token), "t0ken-TASK");
    assert_int_equal(aws->got.expires_us, aws_time(AWS_LATER));
}

static void the_instance_is_asked_last_and_by_version_2(void **state) {
    (void)state;
    imds_answers(AWS_JSON("INSTANCE", AWS_LATER));
    assert_key("INSTANCE");
}

static void a_profile_that_was_asked_for_excludes_the_environments_role(void **state) {
    (void)state;
    aws_set("AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
    aws_set("AWS_ROLE_ARN=arn:aws:iam::123456789012:role/irsa");
    aws_write("config", "[profile p]\naws_access_key_id=P\naws_secret_access_key=s\n");
    aws->options.profile = QL_STR("p");
    aws->options.is_profile_wanted = true;
    assert_key("P");
}

static void what_was_looked_at_is_one_message(void **state) {
    (void)state;
    aws_fault("PUT", "http://169.254.169.254/latest/api/token", QL_E_TIMEOUT, false);
    aws_fault("PUT", "http://169.254.169.254/latest/api/token", QL_E_NETWORK, false);
    struct ql_err err = {0};
    assert_int_equal(aws_get(false, &err), QL_E_CONFIG);
    static const char *const PARTS[] = {
        "there are no AWS credentials: environment: AWS_ACCESS_KEY_ID is not set; web identity: AWS_WEB_",
        "; profile: no 'default' in '/tmp/ql-aws-", "/credentials' and '", "; container: AWS_",
        "; instance metadata (http://169.254.169.254): words of the network"};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if (strstr(err.message, PARTS[i]) == NULL) {
            fail_msg("'%s' is not in: %s", PARTS[i], err.message);
        }
    }
    assert_non_null(strstr(err.hint, "--s3-profile"));
    assert_int_equal(aws->n_sent, 2);
}

/* ---- renewal ---- */

static void credentials_are_renewed_before_they_end(void **state) {
    (void)state;
    int64_t end_us = aws_time(AWS_LATER);
    imds_answers(AWS_JSON("FIRST", AWS_LATER));
    assert_key("FIRST");
    aws->now_us = end_us - 15 * 60 * QL_US_PER_S; /* not yet */
    assert_key("FIRST");
    aws->now_us += 1;
    imds_answers(AWS_JSON("SECOND", "2026-01-01T12:00:00Z"));
    assert_key("SECOND");
    aws->now_us = end_us;
    assert_key("SECOND");
}

static void a_renewal_that_fails_leaves_the_old_ones_while_they_last(void **state) {
    (void)state;
    int64_t end_us = aws_time(AWS_LATER);
    static const char *const URL = "http://169.254.169.254/latest/api/token";
    imds_answers(AWS_JSON("FIRST", AWS_LATER));
    assert_key("FIRST");
    aws->now_us = end_us - 14 * 60 * QL_US_PER_S;
    aws_answer("PUT", URL, 404, "");
    assert_key("FIRST");
    assert_key("FIRST"); /* the next try is a minute later */
    aws->now_us += 60 * QL_US_PER_S;
    aws_answer("PUT", URL, 404, "");
    assert_key("FIRST");
    aws->now_us = end_us - 10 * 60 * QL_US_PER_S + 1; /* from now on with every question */
    aws_answer("PUT", URL, 404, "");
    assert_key("FIRST");
    aws_answer("PUT", URL, 404, "");
    assert_key("FIRST");
    aws->now_us = end_us;
    aws_answer("PUT", URL, 404, "");
    assert_fails(QL_E_CONFIG, "the AWS credentials cannot be renewed: instance metadata (http://169.254.169.254)", "");
    imds_answers(AWS_JSON("SECOND", "2026-01-01T12:00:00Z"));
    assert_key("SECOND");
}

static void refused_ones_are_asked_for_anew(void **state) {
    (void)state;
    aws_write("credentials", "[default]\naws_access_key_id=OLD\naws_secret_access_key=s\n");
    assert_key("OLD");
    aws_write("credentials", "[default]\naws_access_key_id=NEW\naws_secret_access_key=s\n");
    assert_key("OLD");
    assert_ok(aws_get(true, err));
    assert_str_equal(ql_buf_view(&aws->got.access_key_id), "NEW");
}

static void expired_ones_of_a_container_are_an_error(void **state) {
    (void)state;
    aws_set("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/x");
    aws_answer("GET", "http://127.0.0.1:1/x", 200, AWS_JSON("OLD", "2025-12-31T23:59:59Z"));
    assert_fails(QL_E_AUTH, "the AWS credentials of the container expired at 2025-12-31T23:59:59.000Z", "clock");
}

/* "Static stability": the SDKs use what the instance's metadata gives while the service behind it has trouble. */
static void expired_ones_of_an_instance_are_used_and_asked_for_again(void **state) {
    (void)state;
    imds_answers(AWS_JSON("OLD", "2025-12-31T23:00:00Z"));
    assert_key("OLD");
    aws->now_us += 5 * 60 * QL_US_PER_S;
    assert_key("OLD");
    aws->now_us += 1;
    imds_answers(AWS_JSON("NEW", AWS_LATER));
    assert_key("NEW");
}

/* Who ends an upload after a signal or at the deadline needs credentials too, and those there are will do. */
static void a_renewal_that_is_stopped_leaves_those_that_still_do(void **state) {
    (void)state;
    static const enum ql_status STOPS[] = {QL_E_CANCELLED, QL_E_DEADLINE};
    imds_answers(AWS_JSON("OLD", "2026-01-01T00:30:00Z"));
    assert_key("OLD");
    aws->now_us = aws_time("2026-01-01T00:25:00Z");
    for (size_t i = 0; i < 2; i++) {
        aws_fault("PUT", "/latest/api/token", STOPS[i], false);
        assert_key("OLD");
    }
    aws->now_us = aws_time("2026-01-01T00:30:00Z");
    aws_fault("PUT", "/latest/api/token", QL_E_CANCELLED, false);
    assert_fails(QL_E_CANCELLED, "words of the network", "");
}

static void *get_in_thread(void *ctx) {
    (void)ctx;
    struct ql_aws_credentials got = {0};
    struct ql_aws_credentials_provider provider = ql_aws_chain_provider(aws->chain);
    bool is_fine =
        provider.get(provider.ctx, false, &got, NULL) == QL_OK && ql_str_eq(ql_buf_view(&got.access_key_id), QL_STR("ONE"));
    ql_aws_credentials_fini(&got);
    return is_fine ? aws : NULL;
}

static void threads_share_one_question(void **state) {
    (void)state;
    enum { N = 8 };
    pthread_t threads[N];
    imds_answers(AWS_JSON("ONE", AWS_LATER));
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, get_in_thread, NULL), 0);
    }
    for (size_t i = 0; i < N; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(aws->n_sent, 3);
}

/* ---- instance metadata ---- */

static void a_token_that_does_not_come_is_the_hop_limit(void **state) {
    (void)state;
    aws_fault("PUT", "/latest/api/token", QL_E_TIMEOUT, true);
    aws_fault("PUT", "/latest/api/token", QL_E_TIMEOUT, true);
    assert_fails(QL_E_CONFIG, "instance metadata", "--http-put-response-hop-limit 2");
}

static void an_instance_without_a_role_is_told(void **state) {
    (void)state;
    aws_answer("PUT", "/latest/api/token", 200, "imds-t0ken");
    aws_answer("GET", "/security-credentials/", 404, "");
    assert_fails(QL_E_CONFIG, "the instance has no IAM role", "attach an instance profile");
}

static void a_service_that_is_switched_off_is_told(void **state) {
    (void)state;
    aws_answer("PUT", "/latest/api/token", 403, "");
    assert_fails(QL_E_CONFIG, "(HTTP 403)", "--http-endpoint enabled");
}

static void a_role_that_cannot_be_assumed_is_told(void **state) {
    (void)state;
    imds_answers("{\"Code\": \"AssumeRoleUnauthorizedAccess\", \"Message\": \"EC2 cannot assume the role\"}");
    assert_fails(QL_E_PROTOCOL, "no AWS credentials of the instance", "trust policy");
}

static void metadata_can_be_switched_off_and_be_elsewhere(void **state) {
    (void)state;
    aws_set("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6");
    aws_fault("PUT", "http://[fd00:ec2::254]/latest/api/token", QL_E_REFUSED_URL, false);
    assert_fails(QL_E_REFUSED_URL, "words of the network", "");
    aws_write("config", "[default]\nec2_metadata_service_endpoint = http://127.0.0.1:9/\n");
    aws_fault("PUT", "http://127.0.0.1:9/latest/api/token", QL_E_CANCELLED, false);
    assert_fails(QL_E_CANCELLED, "words of the network", "");
    aws_set("AWS_EC2_METADATA_DISABLED=TRUE");
    assert_fails(QL_E_CONFIG, "instance metadata: AWS_EC2_METADATA_DISABLED is true", "");
}

static void a_wrong_mode_is_refused(void **state) {
    (void)state;
    aws_set("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv5");
    assert_fails(QL_E_CONFIG, "'IPv5' is neither", "");
}

/* ---- containers ---- */

static void a_pods_token_is_read_each_time(void **state) {
    (void)state;
    aws_set("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials");
    aws_set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=@/token");
    aws_set("AWS_CONTAINER_AUTHORIZATION_TOKEN=not-this-one");
    aws_write("token", "pod-t0ken-1\n");
    aws_answer("GET", "http://169.254.170.23/v1/credentials\nAccept: application/json\nAuthorization: pod-t0ken-1\n", 200,
               AWS_JSON("ONE", AWS_LATER));
    assert_key("ONE");
    aws_write("token", "pod-t0ken-2");
    aws->now_us = aws_time(AWS_LATER);
    aws_answer("GET", "Authorization: pod-t0ken-2\n", 200, AWS_JSON("TWO", "2026-01-01T12:00:00Z"));
    assert_key("TWO");
    assert_int_equal(unlink(aws_path("token")), 0);
    aws->now_us = aws_time("2026-01-01T12:00:00Z");
    assert_fails(QL_E_CONFIG, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: cannot open", "");
}

static void only_some_hosts_get_a_containers_token(void **state) {
    (void)state;
    static const char *const REFUSED[] = {"http://169.254.170.20/x",
                                          "http://example.com/",
                                          "http://169.254.170.2.example.com/",
                                          "http://169.254.170.2@example.com/x",
                                          "ftp://169.254.170.2/",
                                          "169.254.170.2",
                                          "x",
                                          "http://[fd00:ec2::24]/",
                                          "http://[fd00:ec2::23]x/"};
    static const char *const ALLOWED[] = {"http://127.0.0.1:8080/x",    "http://localhost/x",        "http://[::1]/x",
                                          "https://example.com/x",      "http://169.254.170.2:80/x", "http://[fd00:ec2::23]/v1",
                                          "http://[fd00:ec2::23]:80/v1"};
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        aws->n_variables = 2;
        char variable[AWS_TEXT];
        (void)snprintf(variable, sizeof variable, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s", REFUSED[i]);
        aws->n_variables = 2;
        for (char *at = strchr(variable, '@'); at != NULL; at = NULL) {
            *at = '\1'; /* aws_set would put the folder there */
        }
        aws_set(variable);
        for (char *at = strchr(aws->variables[2], '\1'); at != NULL; at = NULL) {
            *at = '@';
        }
        struct ql_err err = {0};
        if (aws_get(false, &err) != QL_E_CONFIG || strstr(err.message, "over plain http") == NULL) {
            fail_msg("'%s': %s", REFUSED[i], err.message);
        }
    }
    for (size_t i = 0; i < sizeof ALLOWED / sizeof ALLOWED[0]; i++) {
        char variable[AWS_TEXT];
        (void)snprintf(variable, sizeof variable, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s", ALLOWED[i]);
        aws->n_variables = 2;
        aws_set(variable);
        aws_answer("GET", ALLOWED[i], 400, "");
        assert_fails(QL_E_S3_DENIED, "HTTP 400", "Pod Identity");
    }
}

static void a_containers_trouble_is_repeated_and_told(void **state) {
    (void)state;
    aws_set("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://localhost/x");
    aws_set("AWS_CONTAINER_AUTHORIZATION_TOKEN=pod-t0ken-pod-t0ken");
    aws_answer("GET", "http://localhost/x", 503, "");
    aws_fault("GET", "http://localhost/x", QL_E_NETWORK, false);
    aws_answer("GET", "http://localhost/x", 200, AWS_JSON("ONE", AWS_LATER));
    assert_key("ONE");
    assert_int_equal(aws->n_waits, 2);
    aws->now_us = aws_time(AWS_LATER);
    aws_answer("GET", "http://localhost/x", 403,
               "{\"code\": \"AccessDenied\",\r\n\"message\": \"pod-t0ken-pod-t0ken is wrong\"}");
    assert_fails(QL_E_S3_DENIED, "HTTP 403: {\"code\": \"AccessDenied\",  \"message\": \"*** is wrong\"}", "");
    aws_answer("GET", "http://localhost/x", 200, "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hush-hush\"}");
    assert_fails(QL_E_PROTOCOL, "(AWS_CONTAINER_CREDENTIALS_FULL_URI): the answer has no 'Token'", "");
    aws_answer("GET", "http://localhost/x", 200, "{hush-hush}");
    assert_fails(QL_E_PROTOCOL, "the answer is no JSON", "");
}

static void a_key_that_no_header_can_carry_is_refused(void **state) {
    (void)state;
    aws_set("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://localhost/x");
    aws_answer("GET", "http://localhost/x", 200,
               "{\"AccessKeyId\": \"A\\r\\nB: c\", \"SecretAccessKey\": \"s\", \"Token\": \"t\", \"Expiration\": \"" AWS_LATER
               "\"}");
    assert_fails(QL_E_CONFIG, "of the container have a blank or another character", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AWS_TEST(the_places_are_asked_in_the_order_of_the_sdks),
        AWS_TEST(a_profile_comes_before_the_container),
        AWS_TEST(the_container_comes_before_the_instance),
        AWS_TEST(the_instance_is_asked_last_and_by_version_2),
        AWS_TEST(a_profile_that_was_asked_for_excludes_the_environments_role),
        AWS_TEST(what_was_looked_at_is_one_message),
        AWS_TEST(credentials_are_renewed_before_they_end),
        AWS_TEST(a_renewal_that_fails_leaves_the_old_ones_while_they_last),
        AWS_TEST(a_renewal_that_is_stopped_leaves_those_that_still_do),
        AWS_TEST(refused_ones_are_asked_for_anew),
        AWS_TEST(expired_ones_of_a_container_are_an_error),
        AWS_TEST(expired_ones_of_an_instance_are_used_and_asked_for_again),
        AWS_TEST(threads_share_one_question),
        AWS_TEST(a_token_that_does_not_come_is_the_hop_limit),
        AWS_TEST(an_instance_without_a_role_is_told),
        AWS_TEST(a_service_that_is_switched_off_is_told),
        AWS_TEST(a_role_that_cannot_be_assumed_is_told),
        AWS_TEST(metadata_can_be_switched_off_and_be_elsewhere),
        AWS_TEST(a_wrong_mode_is_refused),
        AWS_TEST(a_pods_token_is_read_each_time),
        AWS_TEST(only_some_hosts_get_a_containers_token),
        AWS_TEST(a_containers_trouble_is_repeated_and_told),
        AWS_TEST(a_key_that_no_header_can_carry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
