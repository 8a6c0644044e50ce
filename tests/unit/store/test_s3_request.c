/* One request against a server in memory: what is repeated, after which waits, what is sent and what is told. */
#include "s3_server.h"

/* ---- what may pass ---- */

static void faults_that_may_pass_are_sent_again_whole(void **state) {
    static const struct answer FAULTS[] = {
        {.status = 500, .body = ERROR_BODY("InternalError", "")},
        {.status = 500},
        {.status = 502, .body = "<html>"},
        {.status = 503},
        {.status = 504},
        {.status = 509},
        {.status = 429},
        {.status = 408},
        SLOW_DOWN,
        {.status = 400, .body = ERROR_BODY("RequestTimeout", "")},
        {.status = 400, .body = ERROR_BODY("BadDigest", "")},
        {.status = 400, .body = ERROR_BODY("IncompleteBody", "")},
        {.status = 400, .body = ERROR_BODY("ThrottlingException", "")},
        {.status = 409, .body = ERROR_BODY("OperationAborted", "")},
        {.status = 200, .body = ERROR_BODY("InternalError", "")},
        {.status = 200, .body = "  \n <?xml version=\"1.0\"?><Error><Code>SlowDown</Code>"},
        BROKEN,
        {.transport = QL_E_TIMEOUT, .fault = QL_HTTP_FAULT_TRANSIENT},
        {.transport = QL_E_TRUNCATED, .fault = QL_HTTP_FAULT_TRANSIENT, .was_sent = true},
        {.transport = QL_E_NETWORK, .fault = QL_HTTP_FAULT_UNRESOLVED},
    };
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        const struct answer answers[] = {FAULTS[i], FAULTS[i], FINE};
        server_start(answers, 3);
        struct outcome outcome = send_once(state, &OPTIONS, &PUT);
        if (outcome.status != QL_OK || outcome.n_attempts != 3 || server.n_waits != 2) {
            fail_msg("case %zu: %s after %d attempts: %s", i, ql_status_name(outcome.status), outcome.n_attempts,
                     outcome.err.message);
        }
        assert_str_equal(ql_buf_view(&server.body), "PAR1 bytes");
        assert_int_equal(server.repeat, QL_HTTP_REPEAT_BY_CALLER);
    }
}

static void what_stays_is_told_after_one_request(void **state) {
    static const struct answer FAULTS[] = {
        {.status = 403, .body = ERROR_BODY("AccessDenied", "")},
        {.status = 404, .body = ERROR_BODY("NoSuchBucket", "")},
        {.status = 400, .body = ERROR_BODY("InvalidTag", "")},
        {.status = 501, .body = ERROR_BODY("NotImplemented", "")},
        {.status = 412, .body = ERROR_BODY("PreconditionFailed", "")},
        {.status = 304},
        {.status = 200, .body = ERROR_BODY("AccessDenied", "")},
        {.status = 200, .body = "<html>hotel</html>"},
        {.transport = QL_E_TLS, .fault = QL_HTTP_FAULT_FINAL},
        {.transport = QL_E_CANCELLED, .fault = QL_HTTP_FAULT_FINAL},
        {.transport = QL_E_NETWORK, .fault = QL_HTTP_FAULT_FINAL},
    };
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        server_start(&FAULTS[i], 1);
        struct outcome outcome = send_once(state, &OPTIONS, &PUT);
        assert_int_not_equal(outcome.status, QL_OK);
        assert_int_equal(server.n_requests, 1);
        assert_int_equal(server.n_waits, 0);
        assert_words(outcome.err.message, "cannot store 's3://b/k': ");
    }
}

static void attempts_end(void **state) {
    server_start(SCRIPT(SLOW_DOWN));
    struct outcome outcome = send_once(state, &OPTIONS, &PUT);
    assert_status(&outcome, QL_E_RATE);
    assert_int_equal(server.n_requests, 5);
    assert_words(outcome.err.message, "SlowDown");
    assert_words(outcome.err.message, "(5 attempts)");
    struct ql_s3_options options = OPTIONS;
    options.max_attempts = 2;
    server_start(SCRIPT(BROKEN));
    outcome = send_once(state, &options, &PUT);
    assert_status(&outcome, QL_E_NETWORK);
    assert_int_equal(server.n_requests, 2);
    server_start(SCRIPT({.transport = QL_E_NETWORK, .fault = QL_HTTP_FAULT_UNRESOLVED}));
    outcome = send_once(state, &OPTIONS, &PUT); /* a name that is not found, three times */
    assert_int_equal(server.n_requests, 3);
}

/* Full jitter: from nothing to the base doubling with each attempt, 20 s at most; a second for throttling. */
static void waits_are_those_of_the_sdks(void **state) {
    struct ql_s3_options options = OPTIONS;
    options.max_attempts = 10;
    server_start(SCRIPT(SLOW_DOWN));
    server.random = UINT64_MAX;
    (void)send_once(state, &options, &PUT);
    assert_int_equal(server.n_waits, 9);
    for (size_t i = 0; i < 9; i++) {
        int64_t longest = INT64_C(1000) << i;
        assert_in_range(server.waits[i], 0, longest < 20000 ? longest : 20000);
    }
    assert_int_equal(server.n_requests, 10);
    const struct ql_http_response plain = {.retry_after_ms = -1};
    assert_int_equal(ql_s3_wait_ms(&OPTIONS, 1, QL_S3_TRANSIENT, &plain, 200), 200);
    assert_int_equal(ql_s3_wait_ms(&OPTIONS, 1, QL_S3_TRANSIENT, &plain, 201), 0);
    assert_int_equal(ql_s3_wait_ms(&OPTIONS, 3, QL_S3_TRANSIENT, &plain, 800), 800);
    assert_int_equal(ql_s3_wait_ms(&OPTIONS, 1, QL_S3_THROTTLED, &plain, 1000), 1000);
    assert_int_equal(ql_s3_wait_ms(&OPTIONS, 1, QL_S3_THROTTLED, &plain, 1001), 0);
    assert_int_equal(ql_s3_wait_ms(&OPTIONS, 30, QL_S3_THROTTLED, &plain, 20000), 20000);
    assert_int_equal(ql_s3_wait_ms(&OPTIONS, 30, QL_S3_THROTTLED, &plain, 20001), 0);
    const struct ql_s3_options small = {.retry_base_ms = 10, .retry_cap_ms = 15};
    assert_int_equal(ql_s3_wait_ms(&small, 1, QL_S3_THROTTLED, &plain, 10), 10);
    assert_int_equal(ql_s3_wait_ms(&small, 9, QL_S3_THROTTLED, &plain, 15), 15);
    assert_int_equal(ql_s3_wait_ms(&small, 9, QL_S3_THROTTLED, &plain, 16), 0);
}

static void the_server_may_ask_for_more_time(void **state) {
    server_start(SCRIPT({.status = 503, .retry_after_ms = 7000}, FINE));
    struct outcome outcome = send_once(state, &OPTIONS, &PUT);
    assert_status(&outcome, QL_OK);
    assert_int_equal(server.waits[0], 7000);
    assert_words(server.reason, "S3 answered 503");
    server_start(SCRIPT({.status = 503, .name = "x-amz-retry-after", .value = "1500"}, FINE));
    outcome = send_once(state, &OPTIONS, &PUT);
    assert_int_equal(server.waits[0], 1500);
    server_start(SCRIPT({.status = 503, .name = "x-amz-retry-after", .value = "99000"}, FINE)); /* not believed */
    outcome = send_once(state, &OPTIONS, &PUT);
    assert_int_equal(server.waits[0], 5000);
    server_start(
        SCRIPT({.status = 503, .retry_after_ms = 61 * 60000}, FINE)); /* who asks for so much is asked by a later run */
    outcome = send_once(state, &OPTIONS, &PUT);
    assert_status(&outcome, QL_E_RATE);
    assert_int_equal(server.n_requests, 1);
}

static void a_deadline_ends_the_waits(void **state) {
    server_start(SCRIPT(SLOW_DOWN));
    server.wait_status = QL_E_DEADLINE;
    struct outcome outcome = send_once(state, &OPTIONS, &PUT);
    assert_status(&outcome, QL_E_DEADLINE);
    assert_int_equal(server.n_requests, 1);
    assert_words(outcome.err.message, "cannot store 's3://b/k': no time is left to wait: S3 answered 503 SlowDown");
    server_start(SCRIPT(BROKEN));
    server.wait_status = QL_E_CANCELLED;
    outcome = send_once(state, &OPTIONS, &PUT);
    assert_status(&outcome, QL_E_CANCELLED);
}

static void a_creating_request_is_repeated_only_if_it_has_not_acted(void **state) {
    struct ql_s3_request request = PUT;
    request.repeat = QL_HTTP_REPEAT_IF_UNSENT;
    static const struct {
        struct answer answer;
        size_t n_requests;
    } CASES[] = {
        {BROKEN, 1},          {{.transport = QL_E_NETWORK, .fault = QL_HTTP_FAULT_TRANSIENT}, 2},
        {{.status = 500}, 1}, {{.status = 200, .body = ERROR_BODY("InternalError", "")}, 1},
        {{.status = 503}, 2}, {{.status = 429}, 2},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        server_start(SCRIPT(CASES[i].answer, FINE));
        (void)send_once(state, &OPTIONS, &request);
        assert_int_equal(server.n_requests, CASES[i].n_requests);
        assert_int_equal(server.repeat, QL_HTTP_REPEAT_NEVER); /* and never on a connection that may be dead */
    }
    request.repeat = QL_HTTP_REPEAT_NEVER;
    server_start(SCRIPT({.status = 503}, FINE));
    (void)send_once(state, &OPTIONS, &request);
    assert_int_equal(server.n_requests, 1);
}

static void who_may_have_acted_is_said(void **state) {
    static const struct {
        struct answer first;
        bool may_have_acted;
    } CASES[] = {
        {BROKEN, true},
        {{.status = 500}, true},
        {{.status = 200, .body = ERROR_BODY("InternalError", "")}, true},
        {{.transport = QL_E_NETWORK, .fault = QL_HTTP_FAULT_TRANSIENT}, false},
        {SLOW_DOWN, false},
    };
    struct ql_s3_request request = PUT;
    request.accepted[0] = 412;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        server_start(SCRIPT(CASES[i].first, {.status = 412, .body = ERROR_BODY("PreconditionFailed", "")}));
        struct outcome outcome = send_once(state, &OPTIONS, &request);
        assert_status(&outcome, QL_OK);
        assert_int_equal(outcome.http_status, 412);
        assert_string_equal(outcome.code, "PreconditionFailed");
        assert_int_equal(outcome.may_have_acted, CASES[i].may_have_acted);
    }
}

/* ---- documents ---- */

static void a_document_counts_only_when_it_is_whole(void **state) {
    static const char WHOLE[] = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    server_start(SCRIPT({.status = 200, .body = "<ListBucketResult><IsTruncated>fal"}, {.status = 200, .body = ""},
                        {.status = 200, .body = WHOLE}));
    struct outcome outcome = send_once(state, &OPTIONS, &LIST);
    assert_status(&outcome, QL_OK);
    assert_int_equal(server.n_requests, 3);
    server_start(SCRIPT({.status = 200, .body = "<ListBucketResult>"}));
    outcome = send_once(state, &OPTIONS, &LIST);
    assert_status(&outcome, QL_E_PROTOCOL);
    assert_words(outcome.err.message, "cannot list 's3://bucket/': the answer is not one of S3");
    server_start(SCRIPT({.status = 200, .body = ERROR_BODY("AccessDenied", "")}));
    outcome = send_once(state, &OPTIONS, &LIST);
    assert_status(&outcome, QL_E_S3_DENIED);
    assert_int_equal(server.n_requests, 1);
    assert_words(outcome.err.hint, "s3:ListBucket on arn:aws:s3:::bucket");
}

static enum ql_status reader_begin(void *ctx, bool is_unsized, struct ql_err *err) {
    (void)ctx;
    (void)is_unsized;
    (void)err;
    ql_buf_reset(&server.read);
    return QL_OK;
}
static enum ql_status reader_bytes(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    ql_buf_put(&server.read, ptr, len);
    return ctx == NULL ? QL_OK : QL_FAIL(err, QL_E_DATA, "not what was wanted");
}

static void an_object_goes_to_its_reader_whatever_it_looks_like(void **state) {
    const struct ql_s3_reader reader = {.begin = reader_begin, .bytes = reader_bytes};
    struct ql_s3_request request = {
        .act = QL_S3_READ, .method = "GET", .bucket = QL_STR("b"), .key = QL_STR("k"), .reader = &reader};
    server_start(SCRIPT({.status = 503}, {.status = 200, .body = ERROR_BODY("SlowDown", "")}));
    struct outcome outcome = send_once(state, &OPTIONS, &request);
    assert_status(&outcome, QL_OK);
    assert_string_equal(server.read.ptr, ERROR_BODY("SlowDown", "")); /* an object may be an error document */
    server_start(SCRIPT({.status = 404, .body = ERROR_BODY("NoSuchKey", "")}));
    outcome = send_once(state, &OPTIONS, &request);
    assert_status(&outcome, QL_E_NO_INPUT);
    const struct ql_s3_reader choosy = {.begin = reader_begin, .bytes = reader_bytes, .ctx = &server};
    request.reader = &choosy;
    server_start(SCRIPT({.status = 200, .body = "x"}));
    outcome = send_once(state, &OPTIONS, &request);
    assert_status(&outcome, QL_E_DATA);
    assert_string_equal(outcome.err.message, "not what was wanted");
}

/* ---- what is sent besides ---- */

static void a_payload_is_hashed_where_nobody_has(void **state) {
    server_start(SCRIPT(FINE));
    (void)send_once(state, &OPTIONS, &PUT);
    /* printf 'PAR1 bytes' | sha256sum */
    assert_words(server.header[0], "x-amz-content-sha256=1ea5d06dde9148aa33eed97a777addd8fbd0f1e27d713af86778f693c201e505\n");
}

static void what_a_store_lacks_is_left_out(void **state) {
    const struct ql_http_header headers[] = {{QL_STR("x-amz-tagging"), QL_STR("a=b")},
                                             {QL_STR("x-amz-server-side-encryption"), QL_STR("AES256")},
                                             {QL_STR("x-amz-meta-a"), QL_STR("b")}};
    struct ql_s3_request request = PUT;
    request.headers = headers;
    request.n_headers = 3;
    struct ql_s3_options options = OPTIONS;
    options.endpoint = QL_STR("https://0123.r2.cloudflarestorage.com");
    server_start(SCRIPT(FINE));
    struct outcome outcome = send_once(state, &options, &request);
    assert_status(&outcome, QL_OK);
    assert_null(strstr(server.header[0], "tagging"));
    assert_null(strstr(server.header[0], "encryption"));
    assert_words(server.header[0], "x-amz-meta-a=b\n");
    assert_words(server.authorization[0], "/auto/s3/");
    assert_string_equal(server.warning, "Cloudflare R2 knows no object tags; they are left out");
    assert_int_equal(server.n_warnings, 1);
    server_start(SCRIPT(FINE));
    (void)send_once(state, &OPTIONS, &request);
    assert_words(server.header[0], "x-amz-tagging=a=b\n");
}

static void patience_is_handed_on(void **state) {
    struct ql_s3_request request = PUT;
    server_start(SCRIPT(FINE));
    (void)send_once(state, &OPTIONS, &request);
    assert_false(server.may_be_silent);
    request.patience_ms = 60000;
    (void)send_once(state, &OPTIONS, &request);
    assert_true(server.may_be_silent);
}

static void a_secret_in_the_servers_words_is_masked(void **state) {
    server_start(SCRIPT({.status = 400, .body = "<Error><Code>X</Code><Message>bad wJalrXUtnFEMI/K7MDENG</Message></Error>"}));
    struct outcome outcome = send_once(state, &OPTIONS, &PUT);
    assert_words(outcome.err.message, "bad ***");
}

/* ---- STS ---- */

static void the_account_is_that_of_the_credentials(void **state) {
    static const char IDENTITY[] = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
                                   "</GetCallerIdentityResult></GetCallerIdentityResponse>";
    struct ql_s3_client *client = client_of(state, &OPTIONS);
    server_start(SCRIPT({.status = 200, .body = IDENTITY}, FINE, FINE));
    assert_ok(ql_s3_client_expect_own(client, QL_STR("b"), err));
    assert_string_equal(server.url, "https://sts.us-east-1.amazonaws.com/");
    assert_words(server.authorization[0], "/us-east-1/sts/");
    assert_str_equal(ql_buf_view(&server.body), "Action=GetCallerIdentity&Version=2011-06-15");
    (void)send_with(client, &PUT);
    assert_words(server.header[1], "x-amz-expected-bucket-owner=123456789012\n");
    (void)send_with(client, &LIST); /* of another bucket */
    assert_null(strstr(server.header[2], "expected-bucket-owner"));
    static const struct {
        struct answer answer;
        enum ql_status status;
        const char *words;
    } CASES[] = {
        {{.status = 403, .body = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"},
         QL_E_S3_DENIED,
         "cannot ask STS for the AWS account: the access key id is not known"},
        {{.status = 200,
          .body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>$(x)</Account>"
                  "</GetCallerIdentityResult></GetCallerIdentityResponse>"},
         QL_E_PROTOCOL,
         "not one of"},
        {{.status = 200, .body = "<html/>"}, QL_E_PROTOCOL, "not one of"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_err failure = {0};
        server_start(&CASES[i].answer, 1);
        assert_int_equal(ql_s3_client_expect_own(client, QL_STR("b"), &failure), CASES[i].status);
        assert_words(failure.message, CASES[i].words);
    }
    client_end(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_that_may_pass_are_sent_again_whole),
        cmocka_unit_test(what_stays_is_told_after_one_request),
        cmocka_unit_test(attempts_end),
        cmocka_unit_test(waits_are_those_of_the_sdks),
        cmocka_unit_test(the_server_may_ask_for_more_time),
        cmocka_unit_test(a_deadline_ends_the_waits),
        cmocka_unit_test(a_creating_request_is_repeated_only_if_it_has_not_acted),
        cmocka_unit_test(who_may_have_acted_is_said),
        cmocka_unit_test(a_document_counts_only_when_it_is_whole),
        cmocka_unit_test(an_object_goes_to_its_reader_whatever_it_looks_like),
        cmocka_unit_test(a_payload_is_hashed_where_nobody_has),
        cmocka_unit_test(what_a_store_lacks_is_left_out),
        cmocka_unit_test(patience_is_handed_on),
        cmocka_unit_test(a_secret_in_the_servers_words_is_masked),
        cmocka_unit_test(the_account_is_that_of_the_credentials),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
