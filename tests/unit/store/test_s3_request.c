/* One request against a server in memory that answers as a script says: what is mended, what is repeated, and after which
 * waits. */
#include "support/test.h"

#include "base/mem.h"
#include "store/s3_client.h"

#include <pthread.h>
#include <stdio.h>

enum { MAX_SEEN = 32 };
static const int64_t NOON_US = INT64_C(1767268800) * QL_US_PER_S; /* 2026-01-01T12:00:00Z */

/* ---- a server in memory ---- */

struct answer {
    long status; /* 0: the transport fails */
    const char *body;
    const char *name, *value; /* a header */
    enum ql_status transport;
    enum ql_http_fault fault;
    bool was_sent;
    int64_t retry_after_ms;
    int64_t takes_us;
};

static struct {
    const struct answer *answers;
    size_t n_answers, n_requests, n_waits, n_warnings;
    int64_t clock_us, waits[MAX_SEEN];
    uint64_t random; /* UINT64_MAX: the largest */
    enum ql_status wait_status;
    char reason[512], warning[1024], url[512];
    char authorization[MAX_SEEN][512], date[MAX_SEEN][32], token[MAX_SEEN][64], header[MAX_SEEN][1024];
    struct ql_buf body;
    enum ql_http_repeat repeat;
    bool may_be_silent;
    struct ql_buf read;
} server;

static int64_t server_now_us(void) {
    return server.clock_us;
}
static int64_t server_now_ms(void) {
    return server.clock_us / 1000;
}

static void keep_headers(const struct ql_http_request *request, size_t i) {
    server.token[i][0] = '\0';
    server.header[i][0] = '\0';
    for (size_t j = 0; j < request->n_headers; j++) {
        struct ql_str name = request->headers[j].name;
        struct ql_str value = request->headers[j].value;
        char *out = ql_str_eq(name, QL_STR("Authorization"))          ? server.authorization[i]
                    : ql_str_eq(name, QL_STR("x-amz-date"))           ? server.date[i]
                    : ql_str_eq(name, QL_STR("x-amz-security-token")) ? server.token[i]
                                                                      : NULL;
        if (out != NULL) {
            memcpy(out, value.ptr, value.len);
            out[value.len] = '\0';
        } else {
            size_t len = strlen(server.header[i]);
            (void)snprintf(server.header[i] + len, sizeof server.header[i] - len, "%.*s=%.*s\n", QL_STR_ARG(name),
                           QL_STR_ARG(value));
        }
    }
}

static void keep_body(const struct ql_http_request *request) {
    ql_buf_reset(&server.body);
    for (size_t got = 1; request->source != NULL && got != 0;) {
        char piece[5];
        assert_ok(request->source->read(request->source->ctx, (int64_t)server.body.len, piece, sizeof piece, &got, err));
        ql_buf_put(&server.body, piece, got);
    }
}

static enum ql_status deliver(const struct ql_http_request *request, const struct answer *answer, struct ql_err *err) {
    if (request->on_body == NULL || answer->status < 200 || answer->status > 299) {
        return QL_OK;
    }
    struct ql_http_response head = {.status = answer->status, .content_length = -1};
    QL_TRY(request->on_headers(request->stream_ctx, &head, err));
    return request->on_body(request->stream_ctx, answer->body, strlen(answer->body), err);
}

static enum ql_status server_send(struct ql_http *http, const struct ql_http_request *request,
                                  struct ql_http_response *response, struct ql_err *err) {
    assert_non_null(http);
    size_t i = server.n_requests++;
    assert_true(i < MAX_SEEN);
    const struct answer *answer = &server.answers[i < server.n_answers ? i : server.n_answers - 1];
    keep_headers(request, i);
    (void)snprintf(server.url, sizeof server.url, "%.*s", QL_STR_ARG(request->url));
    server.repeat = request->repeat;
    server.may_be_silent = request->may_be_silent;
    keep_body(request);
    server.clock_us += answer->takes_us;
    *response = (struct ql_http_response){.status = answer->status,
                                          .content_length = -1,
                                          .retry_after_ms = answer->retry_after_ms != 0 ? answer->retry_after_ms : -1,
                                          .fault = answer->fault,
                                          .was_sent = answer->was_sent};
    if (answer->transport != QL_OK) {
        return QL_FAIL(err, answer->transport, "the connection to 'b.s3.us-east-1.amazonaws.com' broke");
    }
    if (answer->name != NULL) {
        response->headers = ql_mem_zalloc(1, sizeof *response->headers);
        response->headers[0] = (struct ql_http_header){ql_str_from(answer->name), ql_str_from(answer->value)};
        response->n_headers = 1;
    }
    if (request->on_body == NULL || answer->status > 299) {
        ql_buf_puts(&response->body, answer->body != NULL ? answer->body : "");
    }
    return deliver(request, answer, err);
}

static enum ql_status server_wait(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err) {
    (void)http;
    assert_true(server.n_waits < MAX_SEEN);
    server.waits[server.n_waits++] = wait_ms;
    (void)snprintf(server.reason, sizeof server.reason, "%s", reason);
    server.clock_us += wait_ms * 1000;
    return server.wait_status == QL_OK ? QL_OK : QL_FAIL(err, server.wait_status, "no time is left to wait: %s", reason);
}

static uint64_t server_random(struct ql_http *http, uint64_t n) {
    (void)http;
    return server.random < n ? server.random : n - 1;
}

static const struct ql_s3_world WORLD = {.send = server_send,
                                         .wait = server_wait,
                                         .random = server_random,
                                         .now_us = server_now_us,
                                         .monotonic_ms = server_now_ms,
                                         .disk = &QL_DISK,
                                         .max_memory_bytes = 1000};

static void server_start(const struct answer *answers, size_t n) {
    server.answers = answers;
    server.n_answers = n;
    server.n_requests = server.n_waits = server.n_warnings = 0;
    server.clock_us = NOON_US;
    server.random = 0;
    server.wait_status = QL_OK;
    server.reason[0] = server.warning[0] = '\0';
}

#define SCRIPT(...) ((const struct answer[]){__VA_ARGS__}), sizeof((const struct answer[]){__VA_ARGS__}) / sizeof(struct answer)
#define ERROR_BODY(code, more) "<Error><Code>" code "</Code><Message>words</Message>" more "</Error>"
#define FINE \
    { .status = 200 }
#define SLOW_DOWN \
    { .status = 503, .body = ERROR_BODY("SlowDown", "") }
#define BROKEN \
    { .transport = QL_E_NETWORK, .fault = QL_HTTP_FAULT_TRANSIENT, .was_sent = true }

static void on_warning(void *ctx, const char *text) {
    (void)ctx;
    server.n_warnings++;
    (void)snprintf(server.warning, sizeof server.warning, "%s", text);
}

static const struct ql_s3_options OPTIONS = {.access_key_id = {"AKIAIOSFODNN7EXAMPLE", 20},
                                             .secret_access_key = {"wJalrXUtnFEMI/K7MDENG", 21},
                                             .on_warning = on_warning};
static const struct ql_s3_request PUT = {
    .act = QL_S3_STORE, .method = "PUT", .bucket = {"b", 1}, .key = {"k", 1}, .payload = {.bytes = {"PAR1 bytes", 10}}};
static const struct ql_s3_request LIST = {
    .act = QL_S3_LIST, .method = "GET", .bucket = {"bucket", 6}, .root = "ListBucketResult"};

static int set_up(void **state) {
    const struct ql_http_options options = {.user_agent = QL_STR("test"), .max_attempts = 1};
    struct ql_http *http = NULL;
    assert_ok(ql_http_new(&options, &http, err));
    *state = http;
    return 0;
}
static int tear_down(void **state) {
    ql_http_free(*state);
    ql_buf_fini(&server.body);
    ql_buf_fini(&server.read);
    return 0;
}

static struct ql_s3_client *client_of(void **state, const struct ql_s3_options *options) {
    struct ql_s3_client *client = NULL;
    struct ql_s3_options *kept = ql_mem_alloc(sizeof *kept); /* the client borrows them */
    *kept = *options;
    if (kept->endpoint.len == 0) {
        kept->region = kept->region.len != 0 ? kept->region : QL_STR("us-east-1");
    }
    assert_ok(ql_s3_client_new_with(&WORLD, *state, kept, &client, err));
    return client;
}
static void client_end(struct ql_s3_client *client) {
    struct ql_s3_options *kept = (struct ql_s3_options *)(uintptr_t)ql_s3_client_options(client);
    ql_s3_client_free(client);
    ql_mem_free(kept);
}

/* What became of one request of a client of its own. */
struct outcome {
    enum ql_status status;
    struct ql_err err;
    long http_status;
    char code[64];
    int n_attempts;
    bool may_have_acted;
};
static struct outcome send_with(struct ql_s3_client *client, const struct ql_s3_request *request) {
    struct outcome outcome = {0};
    struct ql_s3_answer answer;
    outcome.status = ql_s3_send(client, request, &answer, &outcome.err);
    outcome.http_status = answer.response.status;
    outcome.n_attempts = answer.n_attempts;
    outcome.may_have_acted = answer.may_have_acted;
    (void)snprintf(outcome.code, sizeof outcome.code, "%s", answer.code);
    ql_s3_answer_fini(&answer);
    return outcome;
}
static struct outcome send_once(void **state, const struct ql_s3_options *options, const struct ql_s3_request *request) {
    struct ql_s3_client *client = client_of(state, options);
    struct outcome outcome = send_with(client, request);
    client_end(client);
    return outcome;
}

static void assert_status(const struct outcome *outcome, enum ql_status status) {
    if (outcome->status != status) {
        fail_msg("got %s '%s', expected %s", ql_status_name(outcome->status), outcome->err.message, ql_status_name(status));
    }
}
static void assert_words(const char *text, const char *words) {
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' has no '%s'", text, words);
    }
}

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

/* ---- credentials ---- */

/** Gives token 1, 2, 3, ...: the next one when it is forced. */
struct provider {
    int n, n_forced, last; /* last: no newer one than this; 0: any */
    int64_t expires_us;
    enum ql_status status;
};
static enum ql_status provide(void *ctx, bool is_forced, struct ql_aws_credentials *credentials, struct ql_err *err) {
    struct provider *provider = ctx;
    if (provider->status != QL_OK) {
        return QL_FAIL(err, provider->status, "no credentials anywhere");
    }
    provider->n_forced += is_forced;
    provider->n += is_forced && (provider->last == 0 || provider->n < provider->last) ? 1 : 0;
    ql_aws_credentials_fini(credentials);
    ql_buf_puts(&credentials->access_key_id, "ASIAEXAMPLE");
    ql_buf_puts(&credentials->secret_access_key, "secret-of-the-key");
    ql_buf_printf(&credentials->session_token, "token-%d", provider->n);
    credentials->expires_us = provider->expires_us;
    return QL_OK;
}

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
    (void)request;
    (void)err;
    (void)pthread_mutex_lock(&crowd.mutex);
    crowd.n++;
    crowd.total++;
    crowd.most = crowd.n > crowd.most ? crowd.n : crowd.most;
    bool is_first = crowd.total == 1;
    (void)pthread_mutex_unlock(&crowd.mutex);
    const struct timespec moment = {.tv_nsec = 1000000};
    (void)nanosleep(&moment, NULL);
    *response = (struct ql_http_response){.status = is_first ? 400 : 200, .content_length = -1, .retry_after_ms = -1};
    ql_buf_puts(&response->body, is_first ? ERROR_BODY("ExpiredToken", "") : "");
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
    assert_int_equal(crowd.total, N * 20 + 1);
    assert_true(crowd.most <= 3);
    assert_int_equal(provider.n_forced, 1);
    ql_s3_client_free(client);
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
        cmocka_unit_test(the_region_that_is_told_is_signed_for_and_remembered),
        cmocka_unit_test(a_head_says_its_region_in_a_header_alone),
        cmocka_unit_test(a_region_is_learned_once),
        cmocka_unit_test(each_bucket_has_its_region),
        cmocka_unit_test(the_servers_time_signs_once_it_is_known),
        cmocka_unit_test(a_clock_that_stays_wrong_is_an_error),
        cmocka_unit_test(a_signature_that_was_on_its_way_too_long_is_made_anew),
        cmocka_unit_test(expired_credentials_are_renewed_once),
        cmocka_unit_test(a_refusal_after_their_end_renews_them_too),
        cmocka_unit_test(without_new_credentials_the_refusal_stands),
        cmocka_unit_test(the_run_has_a_budget_of_repeats),
        cmocka_unit_test(throttling_lowers_the_number_of_requests_in_flight),
        cmocka_unit_test(threads_share_a_client),
        cmocka_unit_test(a_payload_is_hashed_where_nobody_has),
        cmocka_unit_test(what_a_store_lacks_is_left_out),
        cmocka_unit_test(patience_is_handed_on),
        cmocka_unit_test(a_secret_in_the_servers_words_is_masked),
        cmocka_unit_test(the_account_is_that_of_the_credentials),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
