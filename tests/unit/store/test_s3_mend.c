/* What one request learns for those that follow: the region, the clock, new credentials, how much the server takes. */
#include "s3_server.h"

#include <pthread.h>
#include <time.h>

/* ---- the region ---- */

static void the_region_that_is_told_is_signed_for_and_remembered(void **state) {
    static const struct answer TOLD[] = {
        {.status = 301, .body = ERROR_BODY("PermanentRedirect", ""), .name = "x-amz-bucket-region", .value = "eu-west-1"},
        {.status = 301, .body = ERROR_BODY("PermanentRedirect", "<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>")},
        {.status = 400, .body = ERROR_BODY("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")},
        {.status = 307, .body = ERROR_BODY("TemporaryRedirect", "<Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint>")},
        {.status = 400,
         .body = ERROR_BODY("IllegalLocationConstraintException", ""),
         .name = "x-amz-bucket-region",
         .value = "eu-west-1"},
    };
    for (size_t i = 0; i < sizeof TOLD / sizeof TOLD[0]; i++) {
        struct ql_s3_client *client = client_of(state, &OPTIONS);
        server_start(SCRIPT(TOLD[i], FINE, FINE));
        struct outcome outcome = send_with(client, &PUT);
        assert_status(&outcome, QL_OK);
        assert_int_equal(server.n_waits, 0);
        assert_words(server.authorization[0], "/us-east-1/s3/");
        assert_words(server.authorization[1], "/eu-west-1/s3/");
        assert_string_equal(server.url, "https://b.s3.eu-west-1.amazonaws.com/k");
        assert_words(server.warning, "set AWS_REGION=eu-west-1");
        outcome = send_with(client, &PUT); /* known by now */
        assert_int_equal(server.n_requests, 3);
        assert_words(server.authorization[2], "/eu-west-1/s3/");
        assert_int_equal(server.n_warnings, 1);
        client_end(client);
    }
}

static void a_head_says_its_region_in_a_header_alone(void **state) {
    const struct ql_s3_request request = {.act = QL_S3_LOOK, .method = "HEAD", .bucket = QL_STR("b"), .key = QL_STR("k")};
    server_start(SCRIPT({.status = 400, .name = "x-amz-bucket-region", .value = "eu-west-1"}, FINE));
    struct outcome outcome = send_once(state, &OPTIONS, &request);
    assert_status(&outcome, QL_OK);
    assert_words(server.authorization[1], "/eu-west-1/s3/");
}

static void a_region_is_learned_once(void **state) {
    server_start(SCRIPT({.status = 301, .name = "x-amz-bucket-region", .value = "eu-west-1"},
                        {.status = 301, .name = "x-amz-bucket-region", .value = "eu-west-2"}));
    struct outcome outcome = send_once(state, &OPTIONS, &PUT);
    assert_status(&outcome, QL_E_CONFIG);
    assert_int_equal(server.n_requests, 2);
    assert_words(outcome.err.message, "in region 'eu-west-2', not in 'eu-west-1'");
    server_start(SCRIPT({.status = 301, .name = "x-amz-bucket-region", .value = "$(reboot)"}));
    outcome = send_once(state, &OPTIONS, &PUT);
    assert_status(&outcome, QL_E_CONFIG);
    assert_int_equal(server.n_requests, 2); /* and HeadBucket names no other */
}

/* "If the bucket's region is not in the answer, HeadBucket's x-amz-bucket-region has it" (botocore/utils.py). */
static void a_region_that_nobody_names_is_asked_for(void **state) {
    static const struct answer TOLD[] = {
        {.status = 200, .name = "x-amz-bucket-region", .value = "eu-west-1"},
        {.status = 403, .name = "x-amz-bucket-region", .value = "eu-west-1"},
        {.status = 301, .name = "x-amz-bucket-region", .value = "eu-west-1"},
    };
    static const struct answer REDIRECTS[] = {{.status = 301},
                                              {.status = 400, .body = ERROR_BODY("IllegalLocationConstraintException", "")}};
    for (size_t i = 0; i < 6; i++) {
        struct answer told = TOLD[i / 2];
        size_t n_asked = told.status == 301 ? 2 : 1; /* a HEAD that is told of its own region is sent there */
        struct ql_s3_client *client = client_of(state, &OPTIONS);
        server_start(SCRIPT(REDIRECTS[i % 2], told, n_asked == 2 ? TOLD[0] : (struct answer)FINE, FINE));
        struct outcome outcome = send_with(client, &PUT);
        assert_status(&outcome, QL_OK);
        assert_int_equal(server.n_requests, 2 + n_asked);
        assert_string_equal(server.method[1], "HEAD");
        assert_string_equal(server.method[1 + n_asked], "PUT");
        assert_words(server.authorization[1 + n_asked], "/eu-west-1/s3/");
        assert_string_equal(server.url, "https://b.s3.eu-west-1.amazonaws.com/k");
        assert_int_equal(server.n_warnings, 1);
        client_end(client);
    }
    static const struct answer NOTHING[] = {{.status = 200},
                                            {.status = 301},
                                            {.status = 403, .name = "x-amz-bucket-region", .value = "us-east-1"},
                                            {.status = 500},
                                            BROKEN};
    for (size_t i = 0; i < sizeof NOTHING / sizeof NOTHING[0]; i++) {
        server_start(SCRIPT(REDIRECTS[0], NOTHING[i]));
        struct outcome outcome = send_once(state, &OPTIONS, &PUT);
        assert_status(&outcome, QL_E_CONFIG);
        assert_int_equal(server.n_requests, 2);
        assert_words(outcome.err.hint, "get-bucket-location");
    }
    server_start(SCRIPT(REDIRECTS[0], TOLD[0], {.status = 200, .body = "<ListBucketResult/>"})); /* a list has no key either */
    struct outcome listed = send_once(state, &OPTIONS, &LIST);
    assert_status(&listed, QL_OK);
    struct ql_s3_options elsewhere = OPTIONS; /* a redirect that is none of S3 says nothing of a bucket */
    elsewhere.endpoint = QL_STR("https://s3.example.com");
    server_start(SCRIPT({.status = 301}));
    struct outcome outcome = send_once(state, &elsewhere, &PUT);
    assert_status(&outcome, QL_E_S3);
    assert_int_equal(server.n_requests, 1);
}

static void each_bucket_has_its_region(void **state) {
    struct ql_s3_client *client = client_of(state, &OPTIONS);
    struct ql_s3_request other = PUT;
    other.bucket = QL_STR("other");
    server_start(SCRIPT({.status = 301, .name = "x-amz-bucket-region", .value = "eu-west-1"}, FINE));
    (void)send_with(client, &PUT);
    (void)send_with(client, &other);
    assert_string_equal(server.url, "https://other.s3.us-east-1.amazonaws.com/k");
    client_end(client);
}

/* ---- the clock ---- */

#define SKEWED(time) \
    { .status = 403, .body = ERROR_BODY("RequestTimeTooSkewed", "<ServerTime>" time "</ServerTime>") }

static void the_servers_time_signs_once_it_is_known(void **state) {
    static const struct answer TOLD[] = {
        SKEWED("2026-01-01T14:30:00Z"),
        {.status = 403,
         .body = ERROR_BODY("RequestTimeTooSkewed", ""),
         .name = "date",
         .value = "Thu, 01 Jan 2026 14:30:00 GMT"},
        {.status = 403,
         .body = ERROR_BODY("SignatureDoesNotMatch", ""),
         .name = "date",
         .value = "Thu, 01 Jan 2026 14:30:00 GMT"},
        {.status = 403, .body = ERROR_BODY("RequestExpired", ""), .name = "date", .value = "Thu, 01 Jan 2026 14:30:00 GMT"},
    };
    for (size_t i = 0; i < sizeof TOLD / sizeof TOLD[0]; i++) {
        struct ql_s3_client *client = client_of(state, &OPTIONS);
        server_start(SCRIPT(TOLD[i], FINE, FINE));
        struct outcome outcome = send_with(client, &PUT);
        assert_status(&outcome, QL_OK);
        assert_string_equal(server.date[0], "20260101T120000Z");
        assert_string_equal(server.date[1], "20260101T143000Z");
        assert_words(server.warning, "this machine's clock is 2 h 30 min behind that of S3");
        server.clock_us += INT64_C(60) * QL_US_PER_S;
        (void)send_with(client, &PUT);
        assert_string_equal(server.date[2], "20260101T143100Z");
        assert_int_equal(server.n_warnings, 1);
        client_end(client);
    }
}

static void a_clock_that_stays_wrong_is_an_error(void **state) {
    server_start(SCRIPT(SKEWED("2026-01-01T14:30:00Z")));
    struct outcome outcome = send_once(state, &OPTIONS, &PUT);
    assert_status(&outcome, QL_E_S3_DENIED);
    assert_int_equal(server.n_requests, 2);
    assert_words(outcome.err.message, "clock is 2 h 30 min behind that of S3");
    assert_words(outcome.err.hint, "timedatectl");
    /* Nobody says what time it is. */
    server_start(SCRIPT({.status = 403, .body = ERROR_BODY("RequestTimeTooSkewed", "")}));
    outcome = send_once(state, &OPTIONS, &PUT);
    assert_int_equal(server.n_requests, 1);
    /* A secret that is wrong, and a clock that is right. */
    server_start(SCRIPT({.status = 403,
                         .body = ERROR_BODY("SignatureDoesNotMatch", ""),
                         .name = "date",
                         .value = "Thu, 01 Jan 2026 12:03:00 GMT"}));
    outcome = send_once(state, &OPTIONS, &PUT);
    assert_int_equal(server.n_requests, 1);
    assert_int_equal(server.n_warnings, 0);
}

static void a_signature_that_was_on_its_way_too_long_is_made_anew(void **state) {
    server_start(SCRIPT({.status = 403,
                         .body = ERROR_BODY("RequestTimeTooSkewed", "<ServerTime>2026-01-01T12:20:01Z</ServerTime>"),
                         .takes_us = INT64_C(20) * 60 * QL_US_PER_S},
                        FINE));
    struct outcome outcome = send_once(state, &OPTIONS, &PUT);
    assert_status(&outcome, QL_OK);
    assert_string_equal(server.date[1], "20260101T122000Z");
    assert_int_equal(server.n_warnings, 0);
}

/* Another thread has learned the time while this request was on its way with the old one. */
static enum ql_status learn_meanwhile(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    (void)offset;
    (void)ptr;
    (void)len;
    (void)err;
    ql_s3_client_learn_clock(ctx, NOON_US + INT64_C(9000) * QL_US_PER_S);
    *got = 0;
    return QL_OK;
}

static void a_signature_of_the_old_time_is_made_anew(void **state) {
    struct ql_s3_client *client = client_of(state, &OPTIONS);
    const struct ql_http_body_source source = {.read = learn_meanwhile, .ctx = client, .size = 0};
    struct ql_s3_request request = PUT;
    request.payload = (struct ql_s3_payload){.source = &source};
    server_start(SCRIPT({.status = 403,
                         .body = ERROR_BODY("SignatureDoesNotMatch", ""),
                         .name = "date",
                         .value = "Thu, 01 Jan 2026 14:30:00 GMT"},
                        FINE));
    struct outcome outcome = send_with(client, &request);
    assert_status(&outcome, QL_OK);
    assert_string_equal(server.date[0], "20260101T120000Z");
    assert_string_equal(server.date[1], "20260101T143000Z");
    client_end(client);
}

/* ---- credentials ---- */

static void expired_credentials_are_renewed_once(void **state) {
    static const struct answer EXPIRED[] = {
        {.status = 400, .body = ERROR_BODY("ExpiredToken", "")},
        {.status = 403, .body = ERROR_BODY("ExpiredTokenException", "")},
        {.status = 400, .body = ERROR_BODY("TokenRefreshRequired", "")},
    };
    for (size_t i = 0; i < sizeof EXPIRED / sizeof EXPIRED[0]; i++) {
        struct provider provider = {.n = 1, .expires_us = QL_TIME_NONE};
        const struct ql_aws_credentials_provider interface = {.get = provide, .ctx = &provider};
        const struct ql_s3_options options = {.credentials = &interface};
        server_start(SCRIPT(EXPIRED[i], FINE));
        struct outcome outcome = send_once(state, &options, &PUT);
        assert_status(&outcome, QL_OK);
        assert_string_equal(server.token[0], "token-1");
        assert_string_equal(server.token[1], "token-2");
        assert_int_equal(provider.n_forced, 1);
        server_start(SCRIPT(EXPIRED[i]));
        outcome = send_once(state, &options, &PUT);
        assert_status(&outcome, QL_E_S3_DENIED);
        assert_int_equal(server.n_requests, 2);
        assert_words(outcome.err.message, "the session token has expired");
    }
}

static void a_refusal_after_their_end_renews_them_too(void **state) {
    struct provider provider = {.n = 1, .expires_us = NOON_US - 1};
    const struct ql_aws_credentials_provider interface = {.get = provide, .ctx = &provider};
    const struct ql_s3_options options = {.credentials = &interface};
    server_start(SCRIPT({.status = 403}, FINE)); /* a HEAD has no words */
    struct outcome outcome = send_once(state, &options, &PUT);
    assert_status(&outcome, QL_OK);
    assert_string_equal(server.token[1], "token-2");
    provider = (struct provider){.n = 1, .expires_us = NOON_US + 1};
    server_start(SCRIPT({.status = 403}, FINE));
    outcome = send_once(state, &options, &PUT);
    assert_status(&outcome, QL_E_S3_DENIED);
    assert_int_equal(server.n_requests, 1);
}

static void without_new_credentials_the_refusal_stands(void **state) {
    struct provider provider = {.n = 1, .last = 1, .expires_us = QL_TIME_NONE};
    const struct ql_aws_credentials_provider interface = {.get = provide, .ctx = &provider};
    const struct ql_s3_options options = {.credentials = &interface};
    server_start(SCRIPT({.status = 400, .body = ERROR_BODY("ExpiredToken", "")}));
    struct outcome outcome = send_once(state, &options, &PUT);
    assert_status(&outcome, QL_E_S3_DENIED);
    assert_int_equal(server.n_requests, 1);
    outcome = send_once(state, &OPTIONS, &PUT); /* keys that were set never change */
    assert_int_equal(server.n_requests, 2);
    provider.status = QL_E_CONFIG;
    server_start(SCRIPT(FINE));
    outcome = send_once(state, &options, &PUT);
    assert_status(&outcome, QL_E_CONFIG);
    assert_int_equal(server.n_requests, 0);
}

static void who_is_stopped_while_they_are_renewed_is_told_so(void **state) {
    static const enum ql_status STOPS[] = {QL_E_CANCELLED, QL_E_DEADLINE};
    for (size_t i = 0; i < 2; i++) {
        struct provider provider = {.n = 1, .expires_us = QL_TIME_NONE, .forced_status = STOPS[i]};
        const struct ql_aws_credentials_provider interface = {.get = provide, .ctx = &provider};
        const struct ql_s3_options options = {.credentials = &interface};
        server_start(SCRIPT({.status = 400, .body = ERROR_BODY("ExpiredToken", "")},
                            {.transport = STOPS[i], .fault = QL_HTTP_FAULT_FINAL}));
        struct outcome outcome = send_once(state, &options, &PUT);
        assert_status(&outcome, STOPS[i]);
    }
}

/* ---- what the run shares ---- */

static void the_run_has_a_budget_of_repeats(void **state) {
    struct ql_s3_options options = OPTIONS;
    options.max_attempts = 2;
    struct ql_s3_client *client = client_of(state, &options);
    for (int i = 0; i < QL_S3_BUDGET / QL_S3_REPEAT_COST; i++) {
        server_start(SCRIPT(BROKEN));
        (void)send_with(client, &PUT);
        assert_int_equal(server.n_requests, 2);
    }
    server_start(SCRIPT(BROKEN));
    struct outcome outcome = send_with(client, &PUT);
    assert_status(&outcome, QL_E_NETWORK);
    assert_int_equal(server.n_requests, 1);
    assert_words(outcome.err.hint, "so many requests of this run have failed");
    for (int i = 0; i < QL_S3_REPEAT_COST; i++) { /* each success gives back one */
        server_start(SCRIPT(FINE));
        (void)send_with(client, &PUT);
    }
    server_start(SCRIPT(BROKEN, FINE));
    outcome = send_with(client, &PUT);
    assert_status(&outcome, QL_OK);
    server_start(SCRIPT(BROKEN, FINE)); /* and one that was repeated what it had cost */
    outcome = send_with(client, &PUT);
    assert_status(&outcome, QL_OK);
    client_end(client);
}

static void throttling_lowers_the_number_of_requests_in_flight(void **state) {
    struct ql_s3_options options = OPTIONS;
    options.concurrency = 8;
    options.max_attempts = 1;
    struct ql_s3_client *client = client_of(state, &options);
    assert_int_equal(ql_s3_client_concurrency(client), 8);
    static const int EXPECTED[] = {4, 2, 1, 1};
    for (size_t i = 0; i < 4; i++) {
        int64_t clock_us = server.clock_us;
        server_start(SCRIPT(SLOW_DOWN));
        server.clock_us = clock_us + 2 * QL_US_PER_S;
        (void)send_with(client, &PUT);
        (void)send_with(client, &PUT); /* of the same moment */
        assert_int_equal(ql_s3_client_concurrency(client), EXPECTED[i]);
    }
    for (int i = 0; i < 10; i++) {
        server_start(SCRIPT(FINE));
        assert_int_equal(ql_s3_client_concurrency(client), 1);
        (void)send_with(client, &PUT);
    }
    assert_int_equal(ql_s3_client_concurrency(client), 2);
    client_end(client);
}

/* Threads: what is shared is only looked at under locks (the thread sanitizer watches), and no more run than may. */
static struct {
    pthread_mutex_t mutex;
    int n, most, total;
} crowd = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static enum ql_status crowd_send(struct ql_http *http, const struct ql_http_request *request, struct ql_http_response *response,
                                 struct ql_err *err) {
    (void)http;
    (void)err;
    bool is_old = false; /* signed with the credentials of the beginning */
    for (size_t i = 0; i < request->n_headers; i++) {
        is_old = is_old || ql_str_eq(request->headers[i].value, QL_STR("token-1"));
    }
    (void)pthread_mutex_lock(&crowd.mutex);
    crowd.n++;
    crowd.total++;
    crowd.most = crowd.n > crowd.most ? crowd.n : crowd.most;
    (void)pthread_mutex_unlock(&crowd.mutex);
    const struct timespec moment = {.tv_nsec = 1000000};
    (void)nanosleep(&moment, NULL);
    *response = (struct ql_http_response){.status = is_old ? 400 : 200, .content_length = -1, .retry_after_ms = -1};
    ql_buf_puts(&response->body, is_old ? ERROR_BODY("ExpiredToken", "") : "");
    (void)pthread_mutex_lock(&crowd.mutex);
    crowd.n--;
    (void)pthread_mutex_unlock(&crowd.mutex);
    return QL_OK;
}
static int64_t crowd_now(void) {
    return NOON_US;
}
static enum ql_status crowd_wait(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err) {
    (void)http;
    (void)wait_ms;
    (void)reason;
    (void)err;
    return QL_OK;
}

static void *send_some(void *ctx) {
    for (int i = 0; i < 20; i++) {
        struct outcome outcome = send_with(ctx, &PUT);
        if (outcome.status != QL_OK) {
            return ctx;
        }
    }
    return NULL;
}

static void threads_share_a_client(void **state) {
    static const struct ql_s3_world world = {
        .send = crowd_send, .wait = crowd_wait, .random = ql_http_random, .now_us = crowd_now, .monotonic_ms = crowd_now};
    struct provider provider = {.n = 1, .expires_us = QL_TIME_NONE};
    const struct ql_aws_credentials_provider interface = {.get = provide, .ctx = &provider};
    const struct ql_s3_options options = {.credentials = &interface, .concurrency = 3};
    struct ql_s3_client *client = NULL;
    assert_ok(ql_s3_client_new_with(&world, *state, &options, &client, err));
    enum { N = 8 };
    pthread_t threads[N];
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, send_some, client), 0);
    }
    for (size_t i = 0; i < N; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_in_range(crowd.total, N * 20 + 1, N * 20 + N);
    assert_true(crowd.most <= 3);
    assert_int_equal(provider.n_forced, 1); /* for all that were refused together */
    ql_s3_client_free(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_region_that_is_told_is_signed_for_and_remembered),
        cmocka_unit_test(a_head_says_its_region_in_a_header_alone),
        cmocka_unit_test(a_region_is_learned_once),
        cmocka_unit_test(a_region_that_nobody_names_is_asked_for),
        cmocka_unit_test(each_bucket_has_its_region),
        cmocka_unit_test(the_servers_time_signs_once_it_is_known),
        cmocka_unit_test(a_clock_that_stays_wrong_is_an_error),
        cmocka_unit_test(a_signature_that_was_on_its_way_too_long_is_made_anew),
        cmocka_unit_test(a_signature_of_the_old_time_is_made_anew),
        cmocka_unit_test(expired_credentials_are_renewed_once),
        cmocka_unit_test(a_refusal_after_their_end_renews_them_too),
        cmocka_unit_test(without_new_credentials_the_refusal_stands),
        cmocka_unit_test(who_is_stopped_while_they_are_renewed_is_told_so),
        cmocka_unit_test(the_run_has_a_budget_of_repeats),
        cmocka_unit_test(throttling_lowers_the_number_of_requests_in_flight),
        cmocka_unit_test(threads_share_a_client),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
