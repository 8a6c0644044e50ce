#include "support/test.h"

#include "store/store_internal.h"

static struct ql_s3_options some_options(void) {
    return (struct ql_s3_options){.access_key_id = QL_STR("AKIAIOSFODNN7EXAMPLE"),
                                  .secret_access_key = QL_STR("wJalrXUtnFEMI/K7MDENG")};
}

static void assert_refused(const struct ql_s3_options *options, const char *bucket, const char *message, const char *hint) {
    struct ql_err err = {0};
    enum ql_status status = ql_s3_check(options, ql_str_from(bucket), &err);
    if (status != QL_E_CONFIG || strstr(err.message, message) == NULL || strstr(ql_err_get_hint(&err), hint) == NULL) {
        fail_msg("%s: got %s '%s' (%s)", bucket, ql_status_name(status), err.message, ql_err_get_hint(&err));
    }
    /* No secret may show. */
    assert_null(strstr(err.message, "wJalr"));
    assert_null(strstr(err.message, "hunter2"));
}

static void missing_credentials_say_which_variables_to_set(void **state) {
    (void)state;
    struct ql_s3_options options = {0};
    assert_refused(&options, "bucket", "no AWS credentials",
                   "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN");
    options.access_key_id = QL_STR("AKIA");
    assert_refused(&options, "bucket", "secret access key is missing", "AWS_SECRET_ACCESS_KEY");
    options = (struct ql_s3_options){.secret_access_key = QL_STR("wJalr")};
    assert_refused(&options, "bucket", "access key id is missing", "AWS_ACCESS_KEY_ID");
    options = some_options();
    options.secret_access_key = QL_STR("wJalr\n");
    assert_refused(&options, "bucket", "blank", "AWS_SECRET_ACCESS_KEY");
    options = some_options();
    options.access_key_id = QL_STR("AKIA/20200101");
    assert_refused(&options, "bucket", "access key id has a character", "AWS_ACCESS_KEY_ID");
    options = some_options();
    options.session_token = QL_STR("to ken");
    assert_refused(&options, "bucket", "session token has", "AWS_SESSION_TOKEN");
    options = some_options();
    options.access_key_id = QL_STR("ASIAIOSFODNN7EXAMPLE");
    assert_refused(&options, "bucket", "temporary", "AWS_SESSION_TOKEN");
    options.session_token = QL_STR("token");
    assert_ok(ql_s3_check(&options, QL_STR("bucket"), err));
}

static void bucket_names_follow_the_rules_of_aws(void **state) {
    (void)state;
    struct ql_s3_options options = some_options();
    static const char *const GOOD[] = {"abc",
                                       "genesys-analytics-exports",
                                       "a.b.c",
                                       "1bucket",
                                       "xn--something",
                                       "1.2.3.4.5",
                                       "012345678901234567890123456789012345678901234567890123456789abc"};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        assert_ok(ql_s3_check(&options, ql_str_from(GOOD[i]), err));
    }
    assert_refused(&options, "", "no bucket", "S3_BUCKET");
    assert_refused(&options, "ab", "3 to 63", "S3_BUCKET");
    assert_refused(&options, "012345678901234567890123456789012345678901234567890123456789abcd", "3 to 63", "S3_BUCKET");
    assert_refused(&options, "My-Bucket", "lower-case", "S3_BUCKET");
    assert_refused(&options, "my_bucket", "lower-case", "S3_BUCKET");
    assert_refused(&options, "-bucket", "begin and end", "S3_BUCKET");
    assert_refused(&options, "bucket.", "begin and end", "S3_BUCKET");
    assert_refused(&options, "a..b", "two dots", "S3_BUCKET");
    assert_refused(&options, "192.168.5.4", "IP address", "S3_BUCKET");
    assert_refused(&options, "x--usw2-az1--x-s3", "S3 Express", "S3_BUCKET");
    assert_refused(&options, "evil.com#", "other characters", "S3_BUCKET");
    assert_refused(&options, "arn:aws:s3:eu-west-1:1:accesspoint", "other characters", "not an ARN");
    options.endpoint = QL_STR("https://minio.example.com");
    assert_ok(ql_s3_check(&options, QL_STR("My_Bucket"), err));
    assert_ok(ql_s3_check(&options, QL_STR("tenant:bucket"), err));
    assert_refused(&options, "..", "is none", "S3_BUCKET");
    assert_refused(&options, "a b", "other characters", "S3_BUCKET");
}

static void endpoints_are_urls_of_a_server(void **state) {
    (void)state;
    struct ql_s3_options options = some_options();
    static const char *const GOOD[] = {"https://s3.example.com",  "https://s3.example.com/",  "HTTPS://s3.example.com:9000",
                                       "https://h/storage/v1/s3", "http://127.0.0.1:5000",    "http://localhost:9000/",
                                       "http://[::1]:5000",       "http://s3.localhost:4566", "https://[2001:db8::1]",
                                       "https://my_host"};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        options.endpoint = ql_str_from(GOOD[i]);
        assert_ok(ql_s3_check(&options, QL_STR("bucket"), err));
    }
    static const char *const BAD[] = {"s3.example.com", "ftp://x",           "https://",         "https:///x",
                                      "https://h:0",    "https://h:99999",   "https://h:12x",    "https://h?x=1",
                                      "https://h/#f",   "https://h/a b",     "https://h\r\nx:1", "https://[::1",
                                      "https://[::1]x", "https://h/%2e%2e/", "https://h:+80",    "https://h\xc3\xa9"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        options.endpoint = ql_str_from(BAD[i]);
        assert_refused(&options, "bucket", "no URL of an S3 endpoint", "AWS_ENDPOINT_URL");
    }
    options.endpoint = QL_STR("https://user:hunter2@h");
    assert_refused(&options, "bucket", "user name or password", "AWS_ENDPOINT_URL");
    options.endpoint = QL_STR("http://minio.example.com:9000");
    assert_refused(&options, "bucket", "plain http", "--allow-http");
    options.endpoint = QL_STR("http://127.example.com"); /* a name, and not ours */
    assert_int_equal(ql_s3_check(&options, QL_STR("bucket"), NULL), QL_E_CONFIG);
    options.allow_http = true;
    assert_ok(ql_s3_check(&options, QL_STR("bucket"), err));
}

static void what_goes_into_host_and_headers_is_checked(void **state) {
    (void)state;
    struct ql_s3_options options = some_options();
    options.region = QL_STR("eu-west-1.evil.com/");
    assert_refused(&options, "bucket", "no AWS region", "eu-central-1");
    options.region = QL_STR("EU");
    assert_refused(&options, "bucket", "no AWS region", "AWS_REGION");
    options.endpoint = QL_STR("https://garage.example.com");
    assert_ok(ql_s3_check(&options, QL_STR("bucket"), err));
    options.region = QL_STR("a/b");
    assert_refused(&options, "bucket", "no AWS region", "AWS_REGION");
    options = some_options();
    options.expected_bucket_owner = QL_STR("1234-5678-9012");
    assert_refused(&options, "bucket", "no AWS account id", "12 digits");
    options = some_options();
    options.server_side_encryption = QL_STR("aes256");
    assert_refused(&options, "bucket", "'aes256'", "AES256, aws:kms, aws:kms:dsse and none");
    options = some_options();
    options.content_type = QL_STR("a/b\r\nx-amz-acl: public-read");
    assert_refused(&options, "bucket", "content type", "content type");
    options = some_options();
    options.acl = QL_STR("private\nx-amz-tagging: a=b");
    assert_refused(&options, "bucket", "ACL", "ACL");
    options = some_options();
    options.kms_key = QL_STR("alias/lake");
    assert_refused(&options, "bucket", "not KMS's", "--s3-encryption aws:kms");
    options.server_side_encryption = QL_STR("aws:kms:dsse");
    assert_ok(ql_s3_check(&options, QL_STR("bucket"), err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_credentials_say_which_variables_to_set),
        cmocka_unit_test(bucket_names_follow_the_rules_of_aws),
        cmocka_unit_test(endpoints_are_urls_of_a_server),
        cmocka_unit_test(what_goes_into_host_and_headers_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
