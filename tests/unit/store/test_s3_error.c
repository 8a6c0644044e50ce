/* Answers as the S3 API reference ("Error responses") and the servers themselves give them. */
#include "support/test.h"

#include "store/store_internal.h"

#include <stdio.h>

struct answer {
    long status;
    const char *body;
    const char *header, *value; /* one more than the request id */
};

static struct ql_s3_subject some_subject(void) {
    return (struct ql_s3_subject){.bucket = QL_STR("my-bucket"),
                                  .key = QL_STR("q/2024-01-01.parquet"),
                                  .region = QL_STR("us-east-1"),
                                  .is_aws = true,
                                  .has_tags = true,
                                  .now_us = INT64_C(1767225600) * QL_US_PER_S}; /* 2026-01-01T00:00:00Z */
}

static enum ql_status explain(const struct ql_s3_subject *subject, const struct answer *answer, struct ql_err *err,
                              bool *is_transient) {
    struct ql_http_header headers[] = {
        {QL_STR("x-amz-request-id"), QL_STR("4442587FB7D0A2F9")},
        {ql_str_from(answer->header), ql_str_from(answer->value)},
    };
    struct ql_http_response response = {
        .status = answer->status, .headers = headers, .n_headers = answer->header != NULL ? 2 : 1};
    ql_buf_puts(&response.body, answer->body);
    struct ql_s3_error error;
    (void)ql_xml_s3_error(ql_buf_view(&response.body), &error);
    *is_transient = ql_s3_kind_of(error.code, error.message, answer->status) != QL_S3_FINAL;
    enum ql_status status = ql_s3_fail(err, subject, &response);
    ql_buf_fini(&response.body);
    return status;
}

static void assert_explained(const struct ql_s3_subject *subject, struct answer answer, enum ql_status status,
                             const char *message, const char *hint) {
    struct ql_err err = {0};
    bool is_transient = false;
    enum ql_status got = explain(subject, &answer, &err, &is_transient);
    if (got != status || strstr(err.message, message) == NULL || strstr(ql_err_get_hint(&err), hint) == NULL) {
        fail_msg("got %s '%s' (%s)\nexpected %s '%s' (%s)", ql_status_name(got), err.message, ql_err_get_hint(&err),
                 ql_status_name(status), message, hint);
    }
    assert_string_equal(err.request_id, "4442587FB7D0A2F9");
    assert_int_equal(err.http_status, answer.status);
    assert_int_equal(err.message[strlen(err.message) - 1] == '.', 0);
    /* What the table calls worth repeating is what the status calls retryable. */
    if (is_transient && !ql_status_is_retryable(got)) {
        fail_msg("%s is repeated, but %s is final", answer.body, ql_status_name(got));
    }
}

#define S3_BODY(code, message) "<?xml version=\"1.0\"?><Error><Code>" code "</Code><Message>" message "</Message></Error>"

static void the_sentence_names_object_code_and_words(void **state) {
    (void)state;
    struct ql_s3_subject subject = some_subject();
    struct ql_err err = {0};
    bool is_transient = true;
    const struct answer answer = {.status = 403, .body = S3_BODY("AccessDenied", "Access Denied")};
    assert_int_equal(explain(&subject, &answer, &err, &is_transient), QL_E_S3_DENIED);
    assert_string_equal(err.message,
                        "cannot store 's3://my-bucket/q/2024-01-01.parquet': access denied (AccessDenied: Access Denied)");
    assert_string_equal(err.hint, "allow these credentials s3:PutObject and s3:PutObjectTagging on "
                                  "arn:aws:s3:::my-bucket/q/2024-01-01.parquet");
    assert_false(is_transient);
    subject.has_tags = false;
    subject.has_owner = true;
    subject.region = QL_STR("cn-north-1");
    assert_int_equal(explain(&subject, &answer, &err, &is_transient), QL_E_S3_DENIED);
    assert_string_equal(err.hint, "allow these credentials s3:PutObject on arn:aws-cn:s3:::my-bucket/q/2024-01-01.parquet, and "
                                  "check that the bucket belongs to --expected-bucket-owner");
}

static void a_part_is_named_beside_its_object(void **state) {
    (void)state;
    struct ql_s3_subject subject = some_subject();
    subject.act = QL_S3_STORE_PART;
    subject.part = 12;
    subject.has_tags = false;
    const struct answer answer = {.status = 403, .body = S3_BODY("AccessDenied", "m")};
    assert_explained(&subject, answer, QL_E_S3_DENIED,
                     "cannot store part 12 of 's3://my-bucket/q/2024-01-01.parquet': access denied",
                     "allow these credentials s3:PutObject on arn:aws:s3:::my-bucket/q/2024-01-01.parquet");
}

/* An earlier row with a '*' would hide it. */
static void each_row_of_the_table_is_met_by_what_it_names(void **state) {
    (void)state;
    size_t n = 0;
    const struct ql_s3_explanation *rows = ql_s3_explanations(&n);
    assert_true(n > 40);
    for (size_t i = 0; i < n; i++) {
        char code[64];
        size_t len = strlen(rows[i].code);
        (void)snprintf(code, sizeof code, "%s", rows[i].code);
        if (code[len - 1] == '*') {
            (void)snprintf(code + len - 1, sizeof code - len, "Xyz");
        }
        const struct ql_s3_explanation *met = ql_s3_explain(code, rows[i].words != NULL ? rows[i].words : "");
        assert_ptr_equal(met, &rows[i]);
        assert_true(rows[i].what[0] != '\0' && rows[i].hint[0] != '\0' && rows[i].status != QL_OK);
        assert_int_equal(ql_status_is_retryable(rows[i].status), rows[i].kind != QL_S3_FINAL);
    }
}

static void each_known_code_says_what_to_do(void **state) {
    (void)state;
    const struct ql_s3_subject subject = some_subject();
    static const struct {
        struct answer answer;
        enum ql_status status;
        const char *message, *hint;
    } CASES[] = {
        {{404, S3_BODY("NoSuchBucket", "The specified bucket does not exist"), NULL, NULL},
         QL_E_NO_BUCKET,
         "the bucket does not exist (NoSuchBucket",
         "create bucket 'my-bucket'"},
        {{403, S3_BODY("InvalidAccessKeyId", "m"), NULL, NULL},
         QL_E_S3_DENIED,
         "access key id is not known",
         "AWS_ACCESS_KEY_ID"},
        {{403, S3_BODY("SignatureDoesNotMatch", "m"), NULL, NULL},
         QL_E_S3_DENIED,
         "signature does not match",
         "AWS_SECRET_ACCESS_KEY"},
        {{400, S3_BODY("ExpiredToken", "m"), NULL, NULL}, QL_E_S3_DENIED, "has expired", "AWS_SESSION_TOKEN"},
        {{400, S3_BODY("ExpiredTokenException", "m"), NULL, NULL}, QL_E_S3_DENIED, "has expired", "AWS_SESSION_TOKEN"},
        {{400, S3_BODY("InvalidToken", "m"), NULL, NULL}, QL_E_S3_DENIED, "token is not valid", "AWS_SESSION_TOKEN"},
        {{400, S3_BODY("InvalidTag", "The tag provided was not a valid tag"), NULL, NULL},
         QL_E_CONFIG,
         "The tag provided was not a valid tag",
         "--tag"},
        {{400, S3_BODY("KMS.NotFoundException", "m"), NULL, NULL}, QL_E_S3_DENIED, "KMS key", "kms:GenerateDataKey"},
        {{400, S3_BODY("KMS.DisabledException", "m"), NULL, NULL}, QL_E_S3_DENIED, "KMS key", "enabled"},
        {{400, S3_BODY("EntityTooLarge", "m"), NULL, NULL}, QL_E_LIMIT, "larger", "shorter range"},
        {{503, S3_BODY("SlowDown", "Please reduce your request rate."), NULL, NULL},
         QL_E_RATE,
         "too many requests",
         "run again later"},
        {{500, S3_BODY("InternalError", "m"), NULL, NULL}, QL_E_SERVER, "S3 failed", "run again later"},
        {{200, S3_BODY("InternalError", "m"), NULL, NULL}, QL_E_SERVER, "S3 failed", "run again later"},
        {{400, S3_BODY("RequestTimeout", "m"), NULL, NULL}, QL_E_TIMEOUT, "too slow", "network"},
        {{400, S3_BODY("BadDigest", "m"), NULL, NULL}, QL_E_NETWORK, "changed on the way", "proxy"},
        {{400, S3_BODY("XAmzContentSHA256Mismatch", "m"), NULL, NULL}, QL_E_NETWORK, "changed on the way", "proxy"},
        {{501, S3_BODY("NotImplemented", "A header you provided implies functionality that is not implemented"), NULL, NULL},
         QL_E_S3,
         "does not know a header",
         "tags"},
        {{400, "<Error><Code>InvalidArgument</Code><Message>no</Message><ArgumentName>x-amz-tagging</ArgumentName></Error>",
          NULL, NULL},
         QL_E_S3,
         "(InvalidArgument: no; x-amz-tagging)",
         "request id"},
        {{400,
          S3_BODY("InvalidRequest",
                  "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"),
          NULL, NULL},
         QL_E_S3,
         "Object Lock",
         "--checksum"},
        {{400, S3_BODY("InvalidRequest", "Object is WORM protected and cannot be overwritten"), NULL, NULL},
         QL_E_S3_DENIED,
         "the object is locked",
         "retention"},
        {{403,
          S3_BODY("AccessDenied",
                  "User: arn:aws:iam::1:user/u is not authorized to perform: kms:GenerateDataKey on the resource"),
          NULL, NULL},
         QL_E_S3_DENIED,
         "KMS key cannot be used (AccessDenied: User",
         "kms:GenerateDataKey"},
        {{501, S3_BODY("NotImplemented", "Header 'x-amz-tagging' with value 'a=b' not implemented"), NULL, NULL},
         QL_E_S3,
         "does not know a header",
         "--s3-tagging none"},
        {{400, S3_BODY("InvalidArgument", "Unsupported header 'x-amz-checksum-crc64nvme' received for this API call."), NULL,
          NULL},
         QL_E_S3,
         "does not know a header",
         "--checksum none"},
        {{507, S3_BODY("XMinioStorageFull", "m"), NULL, NULL}, QL_E_S3, "storage is full", "free space"},
        {{400, S3_BODY("XMinioAdminBucketQuotaExceeded", "m"), NULL, NULL}, QL_E_S3, "quota is used up", "raise the quota"},
        {{418, S3_BODY("SomethingNew", "words"), NULL, NULL}, QL_E_S3, "(SomethingNew: words)", "request id"},
        {{403, S3_BODY("SomethingNew", "words"), NULL, NULL},
         QL_E_S3_DENIED,
         "access denied (SomethingNew: words)",
         "s3:PutObject"},
        {{599, S3_BODY("SomethingNew", "words"), NULL, NULL}, QL_E_SERVER, "(SomethingNew: words)", "later"},
        {{403, "<Error><Code>AccessDenied", NULL, NULL}, QL_E_S3_DENIED, "access denied (AccessDenied)", "s3:PutObject"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_explained(&subject, CASES[i].answer, CASES[i].status, CASES[i].message, CASES[i].hint);
    }
}

static void a_wrong_region_is_named_with_the_setting(void **state) {
    (void)state;
    struct ql_s3_subject subject = some_subject();
    static const char IN_IRELAND[] = "the bucket is in region 'eu-west-1', not in 'us-east-1'";
    static const struct answer TOLD[] = {
        {301, S3_BODY("PermanentRedirect", "m"), "x-amz-bucket-region", "eu-west-1"},
        {301, "<Error><Code>PermanentRedirect</Code><Endpoint>my-bucket.s3-eu-west-1.amazonaws.com</Endpoint></Error>", NULL,
         NULL},
        {301, "<Error><Code>PermanentRedirect</Code><Endpoint>my-bucket.s3.eu-west-1.amazonaws.com</Endpoint></Error>", NULL,
         NULL},
        {301, "<Error><Code>PermanentRedirect</Code><Endpoint>s3.dualstack.eu-west-1.amazonaws.com</Endpoint></Error>", NULL,
         NULL},
        {307, "<Error><Code>TemporaryRedirect</Code><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>", NULL, NULL},
        {400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>", NULL, NULL},
        {301, "", "x-amz-bucket-region", "eu-west-1"},
    };
    for (size_t i = 0; i < sizeof TOLD / sizeof TOLD[0]; i++) {
        assert_explained(&subject, TOLD[i], QL_E_CONFIG, IN_IRELAND, "set AWS_REGION=eu-west-1");
    }
    assert_explained(&subject, (struct answer){301, S3_BODY("PermanentRedirect", "m"), NULL, NULL}, QL_E_CONFIG,
                     "in another region than 'us-east-1'", "get-bucket-location --bucket my-bucket");
    /* Nothing that could not be a region is repeated. */
    assert_explained(&subject, (struct answer){301, S3_BODY("PermanentRedirect", "m"), "x-amz-bucket-region", "$(reboot)"},
                     QL_E_CONFIG, "in another region than 'us-east-1'", "AWS_REGION");
    assert_explained(&subject,
                     (struct answer){307,
                                     "<Error><Code>TemporaryRedirect</Code><Endpoint>b.s3.amazonaws.com</Endpoint></Error>",
                                     NULL, NULL},
                     QL_E_SERVER, "new and not reachable", "AWS_REGION");
    assert_explained(&subject, (struct answer){400, S3_BODY("AuthorizationHeaderMalformed", "words"), NULL, NULL}, QL_E_CONFIG,
                     "words", "AWS_REGION");
    subject.is_aws = false;
    assert_explained(&subject, (struct answer){308, "", "location", "https://console.example.com/x?X-Amz-Signature=s"}, QL_E_S3,
                     "sends requests elsewhere (HTTP 308)", "sent us to https://console.example.com/x");
}

static void a_wrong_clock_says_by_how_much(void **state) {
    (void)state;
    struct ql_s3_subject subject = some_subject();
    const struct answer answer = {403,
                                  "<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message>"
                                  "<ServerTime>2025-12-31T21:55:00Z</ServerTime></Error>",
                                  NULL, NULL};
    assert_explained(&subject, answer, QL_E_S3_DENIED, "clock is 2 h 5 min ahead of that of S3", "timedatectl");
    subject.now_us -= INT64_C(3) * 3600 * QL_US_PER_S;
    assert_explained(&subject, answer, QL_E_S3_DENIED, "clock is 0 h 55 min behind that of S3", "timedatectl");
    assert_explained(&subject, (struct answer){403, S3_BODY("RequestTimeTooSkewed", "m"), NULL, NULL}, QL_E_S3_DENIED,
                     "differs too much", "clock");
}

static void answers_that_are_not_from_s3_are_told_apart(void **state) {
    (void)state;
    struct ql_s3_subject subject = some_subject();
    static const char PAGE[] = "<html><body>nginx</body></html>";
    assert_explained(&subject, (struct answer){200, PAGE, NULL, NULL}, QL_E_PROTOCOL, "not one of S3 (HTTP 200)", "proxy");
    assert_explained(&subject, (struct answer){403, PAGE, NULL, NULL}, QL_E_S3_DENIED, "without an S3 error (HTTP 403)",
                     "s3:PutObject");
    assert_explained(&subject, (struct answer){407, PAGE, NULL, NULL}, QL_E_NETWORK, "proxy wants a login", "HTTPS_PROXY");
    assert_explained(&subject, (struct answer){413, PAGE, NULL, NULL}, QL_E_LIMIT, "larger", "limit");
    assert_explained(&subject, (struct answer){429, PAGE, NULL, NULL}, QL_E_RATE, "too many", "later");
    assert_explained(&subject, (struct answer){502, PAGE, NULL, NULL}, QL_E_SERVER, "failed (HTTP 502)", "later");
    subject.is_aws = false;
    assert_explained(&subject, (struct answer){404, PAGE, NULL, NULL}, QL_E_S3, "without an S3 error (HTTP 404)",
                     "AWS_ENDPOINT_URL");
    assert_explained(&subject, (struct answer){200, "ok", NULL, NULL}, QL_E_PROTOCOL, "not one of S3", "AWS_ENDPOINT_URL");
}

static void assert_kind(const char *code, const char *words, long status, enum ql_s3_kind kind) {
    if (ql_s3_kind_of(code, words, status) != kind) {
        fail_msg("'%s' with %ld is of kind %d, expected %d", code, status, (int)ql_s3_kind_of(code, words, status), (int)kind);
    }
}

/* As botocore (retries/standard.py, data/_retry.json), and S3's own words. */
static void what_may_pass_is_known_by_code_and_status(void **state) {
    (void)state;
    static const char *const PASSING[] = {"RequestTimeout", "RequestTimeoutException", "InternalError", "ServiceUnavailable",
                                          "BadDigest",      "IncompleteBody"};
    static const char *const THROTTLING[] = {"SlowDown",
                                             "SlowDownRead",
                                             "Throttling",
                                             "ThrottlingException",
                                             "ThrottledException",
                                             "TooManyRequestsException",
                                             "RequestLimitExceeded",
                                             "BandwidthLimitExceeded",
                                             "RequestThrottled",
                                             "RequestThrottledException",
                                             "PriorRequestNotComplete",
                                             "KMS.ThrottlingException"};
    static const char *const STAYING[] = {
        "AccessDenied", "NoSuchBucket", "RequestTimeTooSkewed", "InvalidTag", "ExpiredToken", "Unknown", ""};
    for (size_t i = 0; i < sizeof PASSING / sizeof PASSING[0]; i++) {
        assert_kind(PASSING[i], "", 400, QL_S3_TRANSIENT);
        assert_kind(PASSING[i], "", 200, QL_S3_TRANSIENT);
    }
    for (size_t i = 0; i < sizeof THROTTLING / sizeof THROTTLING[0]; i++) {
        assert_kind(THROTTLING[i], "", 503, QL_S3_THROTTLED);
    }
    for (size_t i = 0; i < sizeof STAYING / sizeof STAYING[0]; i++) {
        assert_kind(STAYING[i], "", 400, QL_S3_FINAL);
    }
    static const long TRANSIENT[] = {408, 500, 502, 504};
    for (size_t i = 0; i < sizeof TRANSIENT / sizeof TRANSIENT[0]; i++) {
        assert_kind("", "", TRANSIENT[i], QL_S3_TRANSIENT);
        assert_kind("Unknown", "", TRANSIENT[i], QL_S3_TRANSIENT);
    }
    assert_kind("", "", 429, QL_S3_THROTTLED);
    assert_kind("", "", 503, QL_S3_THROTTLED);
    assert_kind("", "", 509, QL_S3_THROTTLED);
    static const long FINAL[] = {200, 301, 304, 400, 401, 403, 404, 405, 409, 411, 412, 413, 416, 501, 505, 507};
    for (size_t i = 0; i < sizeof FINAL / sizeof FINAL[0]; i++) {
        assert_kind("", "", FINAL[i], QL_S3_FINAL);
    }
}

/* What docs/errors.md lists: each row can be met, and says something. */
static void the_table_can_be_listed(void **state) {
    (void)state;
    size_t n = 0;
    const struct ql_s3_explanation *rows = ql_s3_explanations(&n);
    assert_true(n > 30);
    for (size_t i = 0; i < n; i++) {
        struct ql_buf code = {0};
        ql_buf_puts(&code, rows[i].code);
        code.ptr[strcspn(code.ptr, "*")] = '\0';
        assert_true(rows[i].what[0] != '\0' && rows[i].hint[0] != '\0');
        assert_true(rows[i].kind == QL_S3_FINAL || ql_status_is_retryable(rows[i].status));
        const struct ql_s3_explanation *met =
            ql_s3_explain(code.ptr[0] != '\0' ? code.ptr : "Any", rows[i].words != NULL ? rows[i].words : "");
        if (met != &rows[i]) {
            fail_msg("row '%s' is hidden by '%s'", rows[i].code, met != NULL ? met->code : "nothing");
        }
        ql_buf_fini(&code);
    }
}

static void long_keys_leave_room_for_the_rest(void **state) {
    (void)state;
    struct ql_s3_subject subject = some_subject();
    char key[1024];
    memset(key, 'k', sizeof key);
    subject.key = (struct ql_str){.ptr = key, .len = sizeof key};
    assert_explained(&subject, (struct answer){403, S3_BODY("AccessDenied", "Access Denied"), NULL, NULL}, QL_E_S3_DENIED,
                     "(AccessDenied: Access Denied)", "s3:PutObjectTagging on arn:aws:s3:::my-bucket/*");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sentence_names_object_code_and_words),
        cmocka_unit_test(a_part_is_named_beside_its_object),
        cmocka_unit_test(each_row_of_the_table_is_met_by_what_it_names),
        cmocka_unit_test(each_known_code_says_what_to_do),
        cmocka_unit_test(a_wrong_region_is_named_with_the_setting),
        cmocka_unit_test(a_wrong_clock_says_by_how_much),
        cmocka_unit_test(answers_that_are_not_from_s3_are_told_apart),
        cmocka_unit_test(what_may_pass_is_known_by_code_and_status),
        cmocka_unit_test(the_table_can_be_listed),
        cmocka_unit_test(long_keys_leave_room_for_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
