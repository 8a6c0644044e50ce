/* Requests against a real server on loopback that answers well, badly, or not at all. */
#include "support/test.h"

#include "base/mem.h"
#include "base/time.h"
#include "http/http.h"
#include "support/fake_server.h"

#include <stdio.h>

static volatile sig_atomic_t cancelled;

struct waits {
    int n;
    int64_t total_ms;
    char reason[200];
    struct fake_server *listens; /* begins to listen at the first wait */
};

static void on_wait(void *ctx, int64_t wait_ms, const char *reason) {
    struct waits *waits = ctx;
    waits->n++;
    waits->total_ms += wait_ms;
    (void)snprintf(waits->reason, sizeof waits->reason, "%s", reason);
    if (waits->listens != NULL) {
        fake_listen(waits->listens);
        waits->listens = NULL;
    }
}

static struct ql_http_options options_for(struct waits *waits) {
    *waits = (struct waits){0};
    cancelled = 0;
    return (struct ql_http_options){
        .user_agent = QL_STR("queuelake/test"),
        .connect_timeout_ms = 5000,
        .request_timeout_ms = 20000,
        .stall_bytes_per_s = 1,
        .stall_ms = 20000,
        .max_header_bytes = 64 * 1024,
        .max_body_bytes = 100000,
        .max_stream_bytes = 1000000,
        .max_redirects = 3,
        .max_attempts = 5,
        .retry_base_ms = 2,
        .retry_cap_ms = 4,
        .rate_wait_ms = 3,
        .is_cancelled = &cancelled,
        .on_wait = on_wait,
        .on_wait_ctx = waits,
        .seed = 1,
    };
}

static struct ql_http *client(const struct ql_http_options *options) {
    struct ql_http *http = NULL;
    assert_ok(ql_http_new(options, &http, err));
    return http;
}

static struct ql_str url_of(const struct fake_server *server, const char *path) {
    static char texts[8][256];
    static int next;
    char *text = texts[next++ % 8];
    (void)snprintf(text, sizeof texts[0], "http://127.0.0.1:%d%s", fake_port(server), path);
    return ql_str_from(text);
}

static bool has(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

#define OK_TEXT(text) "HTTP/1.1 200 OK\r\nContent-Length: " text
#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"
#define STEPS(...) \
    ((const struct fake_step[]){__VA_ARGS__}), sizeof((const struct fake_step[]){__VA_ARGS__}) / sizeof(struct fake_step)

/* ---- plain exchanges */

static void sends_a_get_and_reads_the_answer(void **state) {
    (void)state;
    struct fake_server *server =
        fake_start(STEPS({.answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nX-One:  a b \r\nX-ONE: second\r\n"
                                    "Folded: x\r\n\t y\r\nETag: \"q\"\r\nContent-Length: 5\r\n\r\nhello",
                          .slice = 1}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_header headers[] = {{QL_STR("X-Mine"), QL_STR("v")}, {QL_STR("X-Empty"), QL_STR("")}};
    const struct ql_http_request request = {
        .method = "GET", .url = url_of(server, "/a/../b?c=%2Fd"), .headers = headers, .n_headers = 2};
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_int_equal(response.status, 201);
    assert_str_equal(ql_buf_view(&response.body), "hello");
    assert_str_equal(ql_http_response_get(&response, "x-one"), "a b");
    assert_str_equal(ql_http_response_get(&response, "folded"), "x y");
    assert_str_equal(ql_http_response_get(&response, "etag"), "\"q\"");
    assert_null(ql_http_response_get(&response, "x-none").ptr);
    assert_int_equal(response.content_length, 5);
    assert_false(response.is_unsized || response.is_chunked);
    assert_true(response.was_sent);
    assert_int_equal(response.retry_after_ms, -1);
    const char *sent = fake_request(server, 0);
    assert_true(has(sent, "GET /a/../b?c=%2Fd HTTP/1.1\r\n"));
    assert_true(has(sent, "\r\nX-Mine: v\r\n") && has(sent, "\r\nX-Empty:\r\n") &&
                has(sent, "\r\nUser-Agent: queuelake/test\r\n"));
    assert_false(has(sent, "Accept-Encoding") || has(sent, "Content-Type") || has(sent, "Expect"));
    struct ql_http_stats stats;
    ql_http_get_stats(http, &stats);
    assert_int_equal(stats.requests, 1);
    assert_int_equal(stats.retries, 0);
    assert_int_equal(stats.bytes_sent, (int64_t)strlen(sent));
    assert_true(stats.bytes_received > 5);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static enum ql_status read_pattern(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    (void)err;
    *(int64_t *)ctx += 1;
    size_t n = len < 1000 ? len : 1000;
    for (size_t i = 0; i < n; i++) {
        ((char *)ptr)[i] = (char)('a' + (offset + (int64_t)i) % 26);
    }
    *got = n;
    return QL_OK;
}

static void check_pattern(const char *request, size_t size) {
    const char *body = strstr(request, "\r\n\r\n") + 4;
    assert_int_equal(strlen(body), size);
    for (size_t i = 0; i < size; i++) {
        if (body[i] != (char)('a' + i % 26)) {
            fail_msg("byte %zu of the body is wrong", i);
        }
    }
}

static void a_streamed_body_begins_again_with_each_attempt(void **state) {
    (void)state;
    enum { SIZE = 1500000 }; /* over 1 MiB, where libcurl asks the server first (Expect) */
    struct fake_server *server = fake_start(STEPS({.answer = STATUS("503 Slow Down"), .then = FAKE_CLOSE},
                                                  {.answer = "", .then = FAKE_RESET}, {.answer = STATUS("200 OK")}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    int64_t reads = 0;
    const struct ql_http_body_source source = {.read = read_pattern, .ctx = &reads, .size = SIZE};
    const struct ql_http_request request = {.method = "PUT", .url = url_of(server, "/k"), .source = &source};
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_int_equal(response.status, 200);
    assert_int_equal(fake_count(server), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(has(fake_request(server, i), "PUT /k HTTP/1.1\r\n") &&
                    has(fake_request(server, i), "Content-Length: 1500000\r\n"));
        check_pattern(fake_request(server, i), SIZE);
    }
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static enum ql_status read_failing(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    (void)ptr;
    (void)len;
    if (offset >= *(int64_t *)ctx) {
        return QL_FAIL(err, QL_E_IO, "the disk is gone");
    }
    *got = 1;
    return QL_OK;
}

static void a_body_that_cannot_be_read_ends_the_request(void **state) {
    (void)state;
    struct fake_server *server = fake_start(STEPS({.answer = STATUS("200 OK")}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    int64_t good = 3;
    const struct ql_http_body_source source = {.read = read_failing, .ctx = &good, .size = 10};
    const struct ql_http_request request = {.method = "PUT", .url = url_of(server, "/k"), .source = &source};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_IO);
    assert_string_equal(err.message, "the disk is gone");
    assert_int_equal(fake_count(server), 0);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void other_methods_and_bodies_go_out_as_they_are(void **state) {
    (void)state;
    struct fake_server *server =
        fake_start(STEPS({.answer = STATUS("200 OK")}, {.answer = STATUS("200 OK")}, {.answer = STATUS("204 Gone")},
                         {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_header type = {QL_STR("content-type"), QL_STR("application/json")};
    const struct ql_http_request requests[] = {
        {.method = "POST", .url = url_of(server, "/p"), .body = QL_STR("{}"), .headers = &type, .n_headers = 1},
        {.method = "PUT", .url = url_of(server, "/q")},
        {.method = "DELETE", .url = url_of(server, "/d")},
        {.method = "HEAD", .url = url_of(server, "/h")},
    };
    for (size_t i = 0; i < 4; i++) {
        struct ql_http_response response;
        assert_ok(ql_http_send(http, &requests[i], &response, err));
        assert_false(response.is_unsized);
        assert_int_equal(response.content_length, i == 3 ? INT64_C(99999999999) : 0);
        ql_http_response_fini(&response);
    }
    const char *post = fake_request(server, 0);
    assert_true(has(post, "POST /p HTTP/1.1\r\n") && has(post, "\r\ncontent-type: application/json\r\n") &&
                has(post, "\r\n\r\n{}"));
    assert_true(has(fake_request(server, 1), "PUT /q HTTP/1.1\r\n") && has(fake_request(server, 1), "Content-Length: 0\r\n"));
    assert_false(has(fake_request(server, 1), "Content-Type"));
    assert_true(has(fake_request(server, 2), "DELETE /d HTTP/1.1\r\n"));
    assert_true(has(fake_request(server, 3), "HEAD /h HTTP/1.1\r\n"));
    ql_http_free(http);
    fake_stop(server);
}

static void a_header_with_a_line_break_never_leaves(void **state) {
    (void)state;
    struct fake_server *server = fake_start(NULL, 0);
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_header header = {QL_STR("X-Tag"), QL_STR("a\r\nAuthorization: x")};
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/"), .headers = &header, .n_headers = 1};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_CONFIG);
    assert_string_equal(err.message, "the value of header 'X-Tag' holds a line break");
    assert_int_equal(fake_connections(server), 0);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

/* ---- one failing GET, in a table */

struct fault_case {
    const char *name, *answer;
    enum fake_then then;
    enum ql_status status;
    const char *message; /* %s: the server's authority */
    const char *hint;    /* a part; NULL: any */
    size_t requests;
};

static void faults_are_told_apart_and_tried_again_where_that_helps(void **state) {
    (void)state;
    static const struct fault_case CASES[] = {
        {"cut body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", FAKE_CLOSE, QL_E_TRUNCATED,
         "the answer of '%s' ended after 3 of 9 bytes (2 attempts)", NULL, 2},
        {"cut chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", FAKE_CLOSE, QL_E_TRUNCATED,
         "the answer of '%s' ended in the middle, after 3 bytes (2 attempts)", NULL, 2},
        {"last chunk missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", FAKE_CLOSE, QL_E_TRUNCATED,
         "the answer of '%s' ended in the middle, after 3 bytes (2 attempts)", NULL, 2},
        {"cut header", "HTTP/1.1 200 OK\r\nConten", FAKE_CLOSE, QL_E_NETWORK,
         "'%s' closed the connection inside the header of its answer (2 attempts)", NULL, 2},
        {"no answer", "", FAKE_CLOSE, QL_E_NETWORK, "the connection to '%s' broke: Empty reply from server (2 attempts)", NULL,
         2},
        {"reset", "", FAKE_RESET, QL_E_NETWORK,
         "the connection to '%s' broke: Recv failure: Connection reset by peer (2 attempts)", NULL, 2},
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", FAKE_CLOSE, QL_E_PROTOCOL,
         "the answer of '%s' has two lengths, or one that is no number", NULL, 1},
        {"a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", FAKE_CLOSE, QL_E_PROTOCOL,
         "the answer of '%s' has two lengths, or one that is no number", NULL, 1},
        {"strange coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: frob\r\n\r\nabc", FAKE_CLOSE, QL_E_PROTOCOL,
         "the answer of '%s' has a transfer encoding that was not asked for", NULL, 1},
        {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", FAKE_CLOSE, QL_E_PROTOCOL, "'%s' does not answer in HTTP/1.1: ", NULL, 1},
        {"declared too large", "HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n", FAKE_STALL, QL_E_LIMIT,
         "the answer of '%s' is larger than 100000 bytes", "raise --max-body-bytes if the data are right", 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct fault_case *c = &CASES[i];
        struct fake_server *server =
            fake_start(STEPS({.answer = c->answer, .then = c->then}, {.answer = c->answer, .then = c->then}));
        struct waits waits;
        struct ql_http_options options = options_for(&waits);
        options.max_attempts = 2;
        struct ql_http *http = client(&options);
        const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/secret-path?sig=1")};
        struct ql_http_response response;
        struct ql_err err = {0};
        enum ql_status status = ql_http_send(http, &request, &response, &err);
        char authority[40];
        char expected[300];
        (void)snprintf(authority, sizeof authority, "127.0.0.1:%d", fake_port(server));
        struct ql_str tail;
        struct ql_str head = ql_str_split(ql_str_from(c->message), '%', &tail);
        (void)snprintf(expected, sizeof expected, "%.*s%s%s", QL_STR_ARG(head), authority, tail.ptr + 1);
        bool is_right = status == c->status && err.status == status && strncmp(err.message, expected, strlen(expected)) == 0 &&
                        (c->hint == NULL || strcmp(err.hint, c->hint) == 0) && fake_count(server) == c->requests &&
                        response.was_sent;
        if (!is_right) {
            fail_msg("%s: %s after %zu requests: %s; %s (expected: %s)", c->name, ql_status_name(status), fake_count(server),
                     err.message, err.hint, expected);
        }
        assert_int_equal(waits.n, (int)c->requests - 1);
        ql_http_response_fini(&response);
        ql_http_free(http);
        fake_stop(server);
    }
}

static void headers_have_limits_of_ours_and_of_libcurl(void **state) {
    (void)state;
    struct ql_buf many = {0};
    ql_buf_puts(&many, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 40; i++) {
        ql_buf_printf(&many, "X-%d: %0100d\r\n", i, i);
    }
    ql_buf_puts(&many, "\r\n");
    struct ql_buf flood = {0}; /* of interim answers, each of them small */
    for (int i = 0; i < 400; i++) {
        ql_buf_puts(&flood, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    }
    struct ql_buf line = {0}; /* one line longer than libcurl takes */
    ql_buf_printf(&line, "HTTP/1.1 200 OK\r\nX: %0120000d\r\n\r\n", 1);
    struct ql_buf trailer = {0};
    ql_buf_puts(&trailer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n");
    for (int i = 0; i < 60; i++) {
        ql_buf_printf(&trailer, "T-%d: %0100d\r\n", i, i);
    }
    ql_buf_puts(&trailer, "\r\n");
    struct ql_buf *texts[] = {&many, &flood, &line, &trailer};
    const size_t limits[] = {4000, 4000, 1000000, 4000};
    for (size_t i = 0; i < 4; i++) {
        struct fake_server *server = fake_start(STEPS({.answer = texts[i]->ptr, .then = FAKE_CLOSE}));
        struct waits waits;
        struct ql_http_options options = options_for(&waits);
        options.max_header_bytes = limits[i];
        struct ql_http *http = client(&options);
        const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
        struct ql_http_response response;
        struct ql_err err = {0};
        if (ql_http_send(http, &request, &response, &err) != QL_E_LIMIT || !has(err.hint, "--max-header-bytes")) {
            fail_msg("case %zu: %s: %s", i, ql_status_name(err.status), err.message);
        }
        assert_int_equal(fake_count(server), 1);
        ql_http_response_fini(&response);
        ql_http_free(http);
        fake_stop(server);
        ql_buf_fini(texts[i]);
    }
}

static void a_body_without_declared_length_meets_its_limit_too(void **state) {
    (void)state;
    struct ql_buf text = {0};
    ql_buf_puts(&text, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 200; i++) {
        ql_buf_printf(&text, "%01000d", i);
    }
    struct fake_server *server = fake_start(STEPS({.answer = text.ptr, .then = FAKE_CLOSE}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_LIMIT);
    assert_true(response.body.len <= 100000);
    assert_true(response.is_unsized);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
    ql_buf_fini(&text);
}

static void of_an_errors_body_64_kib_are_kept_and_no_more_is_read(void **state) {
    (void)state;
    struct ql_buf text = {0};
    ql_buf_puts(&text, "HTTP/1.1 404 Not Found\r\nContent-Length: 1000000000\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        ql_buf_printf(&text, "%01000d", i);
    }
    struct fake_server *server = fake_start(STEPS({.answer = text.ptr, .then = FAKE_STALL}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_int_equal(response.status, 404);
    assert_int_equal(response.body.len, 65536);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
    ql_buf_fini(&text);
}

/* ---- retries */

static void transient_answers_are_repeated_until_one_is_final(void **state) {
    (void)state;
    struct fake_server *server = fake_start(STEPS(
        {.answer = STATUS("502 Bad Gateway"), .then = FAKE_CLOSE}, {.answer = "", .then = FAKE_RESET},
        {.answer = STATUS("504 Gateway Time-out")},
        {.answer = "HTTP/1.1 503 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"}, {.answer = OK_TEXT("2\r\n\r\nok")}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_str_equal(ql_buf_view(&response.body), "ok");
    assert_int_equal(waits.n, 4);
    assert_true(has(waits.reason, "answered 503"));
    struct ql_http_stats stats;
    ql_http_get_stats(http, &stats);
    assert_int_equal(stats.requests, 5);
    assert_int_equal(stats.retries, 4);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void a_429_to_the_end_is_handed_to_the_caller(void **state) {
    (void)state;
    struct fake_server *server = fake_start(NULL, 0);
    for (int i = 0; i < 5; i++) {
        fake_add(server, "HTTP/1.1 429 Too Many\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nslow", FAKE_KEEP);
    }
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_int_equal(response.status, 429);
    assert_int_equal(response.retry_after_ms, 0);
    assert_str_equal(ql_buf_view(&response.body), "slow");
    assert_int_equal(fake_count(server), 5);
    assert_int_equal(fake_connections(server), 1); /* an answer that was read whole keeps its connection */
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void a_429_without_retry_after_waits_the_long_wait(void **state) {
    (void)state;
    struct fake_server *server = fake_start(STEPS({.answer = STATUS("429 Too Many")}, {.answer = STATUS("200 OK")}));
    struct waits waits;
    struct ql_http_options options = options_for(&waits);
    options.rate_wait_ms = 30;
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
    struct ql_http_response response;
    int64_t start = ql_time_monotonic_ms();
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_true(ql_time_monotonic_ms() - start >= 30);
    assert_int_equal(waits.total_ms, 30);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void retry_after_of_a_second_takes_a_second(void **state) {
    (void)state;
    struct fake_server *server = fake_start(
        STEPS({.answer = "HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"}, {.answer = STATUS("200 OK")}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "POST", .url = url_of(server, "/"), .repeat = QL_HTTP_REPEAT_IF_UNSENT};
    struct ql_http_response response;
    int64_t start = ql_time_monotonic_ms();
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_int_equal(response.status, 200);
    assert_true(ql_time_monotonic_ms() - start >= 1000);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

/* ---- the creating POST */

/* Measured with libcurl 7.88.1: on a kept-alive connection that the server closes after it has read a POST, libcurl sends the
 * POST again, and reports the second answer as if nothing had happened. */
static void a_post_on_a_dead_connection_is_seen_once(void **state) {
    (void)state;
    struct fake_server *server = fake_start(
        STEPS({.answer = OK_TEXT("0\r\n\r\n")}, {.answer = "", .then = FAKE_CLOSE}, {.answer = STATUS("202 Second Export")}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_request get = {.method = "GET",
                                        .url = url_of(server, "/")}; /* leaves a connection that could be used again */
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &get, &response, err));
    ql_http_response_fini(&response);
    const struct ql_http_request post = {
        .method = "POST", .url = url_of(server, "/"), .body = QL_STR("{}"), .repeat = QL_HTTP_REPEAT_IF_UNSENT};
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &post, &response, &err), QL_E_NETWORK);
    assert_true(response.was_sent);
    assert_int_equal(fake_count(server), 2);
    assert_true(has(fake_request(server, 1), "POST / HTTP/1.1\r\n"));
    assert_int_equal(fake_connections(server), 2);
    assert_int_equal(waits.n, 0);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void a_post_is_not_repeated_after_a_doubtful_end(void **state) {
    (void)state;
    static const struct fake_step ENDS[] = {
        {.answer = "", .then = FAKE_CLOSE},
        {.answer = "", .then = FAKE_RESET},
        {.answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 20\r\n\r\n{\"id\"", .then = FAKE_CLOSE},
        {.answer = "HTTP/1.1 202 Acc", .then = FAKE_RESET},
    };
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        struct fake_server *server = fake_start(&ENDS[i], 1);
        struct waits waits;
        const struct ql_http_options options = options_for(&waits);
        struct ql_http *http = client(&options);
        const struct ql_http_request post = {
            .method = "POST", .url = url_of(server, "/"), .body = QL_STR("{}"), .repeat = QL_HTTP_REPEAT_IF_UNSENT};
        struct ql_http_response response;
        struct ql_err err = {0};
        assert_int_not_equal(ql_http_send(http, &post, &response, &err), QL_OK);
        assert_true(response.was_sent);
        assert_int_equal(fake_count(server), 1);
        ql_http_response_fini(&response);
        ql_http_free(http);
        fake_stop(server);
    }
}

static void a_post_that_never_left_is_repeated(void **state) {
    (void)state;
    struct fake_server *server = fake_start_closed(STEPS({.answer = STATUS("202 Accepted")}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    waits.listens = server;
    struct ql_http *http = client(&options);
    const struct ql_http_request post = {
        .method = "POST", .url = url_of(server, "/"), .body = QL_STR("{}"), .repeat = QL_HTTP_REPEAT_IF_UNSENT};
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &post, &response, err));
    assert_int_equal(response.status, 202);
    assert_int_equal(waits.n, 1);
    assert_int_equal(fake_count(server), 1);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void nobody_listens(void **state) {
    (void)state;
    struct fake_server *server = fake_start_closed(NULL, 0);
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/?sig=secret")};
    struct ql_http_response response;
    struct ql_err err = {0};
    char expected[200];
    (void)snprintf(expected, sizeof expected, "cannot connect to '127.0.0.1:%d': Connection refused (5 attempts)",
                   fake_port(server));
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_NETWORK);
    assert_string_equal(err.message, expected);
    assert_true(has(err.hint, "HTTPS_PROXY"));
    assert_false(response.was_sent);
    assert_int_equal(waits.n, 4);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

/* ".invalid" never exists (RFC 2606). Where a machine's DNS is a black hole, the look-up itself takes too long: then there is
 * nothing to see. */
static void an_unknown_host_is_named(void **state) {
    (void)state;
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "GET", .url = QL_STR("https://api.mypurecloud.invalid/x")};
    struct ql_http_response response;
    struct ql_err err = {0};
    enum ql_status status = ql_http_send(http, &request, &response, &err);
    if (status != QL_E_TIMEOUT) {
        assert_string_equal(err.message, "the host name 'api.mypurecloud.invalid' is not known (3 attempts)");
        assert_int_equal(status, QL_E_NETWORK);
        assert_true(has(err.hint, "network"));
    }
    ql_http_response_fini(&response);
    ql_http_free(http);
}

static void a_handshake_that_never_ends_is_a_time_out(void **state) {
    (void)state;
    struct fake_server *server = fake_start(NULL, 0); /* waits for the end of a header, which a ClientHello does not have */
    struct waits waits;
    struct ql_http_options options = options_for(&waits);
    options.connect_timeout_ms = 50;
    options.max_attempts = 1;
    struct ql_http *http = client(&options);
    char url[100];
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d/", fake_port(server));
    const struct ql_http_request request = {.method = "POST", .url = ql_str_from(url), .repeat = QL_HTTP_REPEAT_IF_UNSENT};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_TIMEOUT);
    assert_true(has(err.message, "no connection to '127.0.0.1:") && has(err.message, "within 0.1 s"));
    assert_false(response.was_sent);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

/* A server without TLS stays one, so that is told at once; a handshake that the network cut is tried again, even for a creating
 * POST. */
static void a_handshake_that_fails_is_told_from_one_that_was_cut(void **state) {
    (void)state;
    static const struct {
        const char *greeting;
        enum fake_then then;
        enum ql_status status;
        size_t connections;
    } CASES[] = {{"SSH-2.0-OpenSSH_9.2\r\n", FAKE_KEEP, QL_E_TLS, 1},
                 {"", FAKE_CLOSE, QL_E_NETWORK, 5},
                 {"", FAKE_RESET, QL_E_NETWORK, 5}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fake_server *server = fake_start(NULL, 0);
        fake_greet(server, CASES[i].greeting, CASES[i].then);
        struct waits waits;
        const struct ql_http_options options = options_for(&waits);
        struct ql_http *http = client(&options);
        char url[100];
        (void)snprintf(url, sizeof url, "https://127.0.0.1:%d/", fake_port(server));
        const struct ql_http_request request = {.method = "POST", .url = ql_str_from(url), .repeat = QL_HTTP_REPEAT_IF_UNSENT};
        struct ql_http_response response;
        struct ql_err err = {0};
        enum ql_status status = ql_http_send(http, &request, &response, &err);
        if (status != CASES[i].status || fake_connections(server) != CASES[i].connections || response.was_sent) {
            fail_msg("case %zu: %s after %zu connections: %s", i, ql_status_name(status), fake_connections(server),
                     err.message);
        }
        assert_true(has(err.message, "127.0.0.1:") && (status != QL_E_TLS || has(err.hint, "--ca-file")));
        ql_http_response_fini(&response);
        ql_http_free(http);
        fake_stop(server);
    }
}

/* ---- time */

static void a_silent_server_ends_in_a_time_out(void **state) {
    (void)state;
    struct fake_server *server =
        fake_start(STEPS({.answer = "", .then = FAKE_STALL}, {.answer = "HTTP/1.1 200 OK\r\nContent-Le", .then = FAKE_STALL},
                         {.answer = OK_TEXT("5\r\n\r\nab"), .then = FAKE_STALL}));
    struct waits waits;
    struct ql_http_options options = options_for(&waits);
    options.request_timeout_ms = options.connect_timeout_ms = 100;
    options.max_attempts = 1;
    struct ql_http *http = client(&options);
    for (int i = 0; i < 3; i++) {
        const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
        struct ql_http_response response;
        struct ql_err err = {0};
        assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_TIMEOUT);
        assert_true(has(err.message, "within 0.1 s"));
        ql_http_response_fini(&response);
    }
    ql_http_free(http);
    fake_stop(server);
}

static enum ql_status take(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    (void)err;
    ql_buf_put(ctx, ptr, len);
    return QL_OK;
}

static void a_stalled_stream_ends_in_a_time_out(void **state) {
    (void)state;
    struct fake_server *server = fake_start(STEPS({.answer = OK_TEXT("5\r\n\r\nab"), .then = FAKE_STALL}));
    struct waits waits;
    struct ql_http_options options = options_for(&waits);
    options.request_timeout_ms = 1; /* is not for streams */
    options.stall_bytes_per_s = 1000;
    options.stall_ms = 900; /* libcurl counts in seconds: 1 */
    struct ql_http *http = client(&options);
    struct ql_buf got = {0};
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/"), .on_body = take, .stream_ctx = &got};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_TIMEOUT);
    assert_true(has(err.message, "less than 1000 bytes a second for 0.9 s"));
    assert_str_equal(ql_buf_view(&got), "ab");
    assert_int_equal(fake_count(server), 1); /* bytes were delivered: the caller begins again, not http */
    ql_http_response_fini(&response);
    ql_buf_fini(&got);
    ql_http_free(http);
    fake_stop(server);
}

static void no_wait_and_no_request_outlives_the_deadline(void **state) {
    (void)state;
    struct fake_server *server = fake_start(
        STEPS({.answer = "HTTP/1.1 503 No\r\nRetry-After: 600\r\nContent-Length: 0\r\nININ-Correlation-Id: c-1\r\n\r\n"},
              {.answer = "", .then = FAKE_STALL}));
    struct waits waits;
    struct ql_http_options options = options_for(&waits);
    options.deadline_ms = ql_time_monotonic_ms() + 60000;
    struct ql_http *http = client(&options);
    assert_int_equal(ql_http_get_deadline(http), options.deadline_ms);
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_DEADLINE);
    assert_true(has(err.message, "no time is left to wait 600 s: '127.0.0.1:") && has(err.message, "answered 503"));
    assert_int_equal(err.http_status, 503);
    assert_string_equal(err.request_id, "c-1");
    assert_int_equal(waits.n, 0);
    ql_http_response_fini(&response);

    ql_http_set_deadline(http, ql_time_monotonic_ms() + 150);
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_DEADLINE);
    ql_http_response_fini(&response);
    size_t requests = fake_count(server);
    assert_true(requests <= 2);
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_DEADLINE); /* passed already */
    assert_false(response.was_sent);
    assert_int_equal(fake_count(server), requests);
    ql_http_response_fini(&response);
    assert_int_equal(ql_http_wait(http, 1, "x", &err), QL_E_DEADLINE);
    ql_http_set_deadline(http, 0);
    assert_int_equal(ql_http_wait(http, 1, NULL, &err), QL_OK);
    ql_http_free(http);
    fake_stop(server);
}

static void retry_after_beyond_a_quarter_of_an_hour_is_final(void **state) {
    (void)state;
    struct fake_server *server =
        fake_start(STEPS({.answer = "HTTP/1.1 429 No\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n"}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_int_equal(response.status, 429);
    assert_int_equal(response.retry_after_ms, 86400000);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void cancel_at_wait(void *ctx, int64_t wait_ms, const char *reason) {
    (void)ctx;
    (void)wait_ms;
    (void)reason;
    cancelled = 1;
}

static enum ql_status cancel_in_body(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    cancelled = 1;
    return take(ctx, ptr, len, err);
}

static void a_signal_ends_waits_and_transfers(void **state) {
    (void)state;
    struct fake_server *server =
        fake_start(STEPS({.answer = "HTTP/1.1 503 No\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n"},
                         {.answer = OK_TEXT("50\r\n\r\nab"), .then = FAKE_STALL}));
    struct waits waits;
    struct ql_http_options options = options_for(&waits);
    options.on_wait = cancel_at_wait;
    struct ql_http *http = client(&options);
    struct ql_buf got = {0};
    struct ql_http_request request = {.method = "GET", .url = url_of(server, "/")};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_CANCELLED);
    ql_http_response_fini(&response);
    cancelled = 0;
    request.on_body = cancel_in_body;
    request.stream_ctx = &got;
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_CANCELLED);
    assert_string_equal(err.message, "stopped by a signal");
    ql_http_response_fini(&response);
    assert_int_equal(ql_http_wait(http, 0, NULL, &err), QL_E_CANCELLED);
    ql_buf_fini(&got);
    ql_http_free(http);
    fake_stop(server);
}

struct paced {
    int n_asked, n_noted, waits_left;
};

static int64_t pace_take(void *ctx, int64_t now_ms, const char **reason) {
    struct paced *paced = ctx;
    (void)now_ms;
    paced->n_asked++;
    *reason = "the pacer says so";
    return paced->waits_left-- > 0 ? 3 : 0;
}

static void pace_note(void *ctx, const struct ql_http_response *response, int64_t now_ms) {
    struct paced *paced = ctx;
    (void)now_ms;
    paced->n_noted++;
    assert_string_equal(ql_http_response_get(response, "n").ptr != NULL ? "n" : "", "n");
}

static void a_pacer_is_asked_before_every_exchange(void **state) {
    (void)state;
    struct fake_server *server = fake_start(STEPS({.answer = "HTTP/1.1 503 X\r\nn: 1\r\nContent-Length: 0\r\n\r\n"},
                                                  {.answer = "HTTP/1.1 200 OK\r\nn: 2\r\nContent-Length: 0\r\n\r\n"}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    struct paced paced = {.waits_left = 2};
    const struct ql_http_pacer pacer = {.take_ms = pace_take, .note = pace_note, .ctx = &paced};
    struct ql_http_request request = {.method = "GET", .url = url_of(server, "/"), .pacer = &pacer};
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &request, &response, err));
    ql_http_response_fini(&response);
    assert_int_equal(paced.n_asked, 4); /* two waits, the first exchange, its repeat */
    assert_int_equal(paced.n_noted, 2);
    assert_int_equal(waits.n, 3);

    paced.waits_left = 1000000;
    ql_http_set_deadline(http, ql_time_monotonic_ms() + 20);
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_DEADLINE);
    ql_http_response_fini(&response);
    request.is_cleanup = true; /* does not wait at all */
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_CANCELLED);
    ql_http_response_fini(&response);
    assert_int_equal(fake_count(server), 2);
    ql_http_free(http);
    fake_stop(server);
}

static void a_cleanup_goes_out_although_everything_is_over(void **state) {
    (void)state;
    struct fake_server *server = fake_start(STEPS({.answer = "HTTP/1.1 204 X\r\n\r\n"}));
    struct waits waits;
    struct ql_http_options options = options_for(&waits);
    const volatile sig_atomic_t is_cancelled = 1;
    options.is_cancelled = &is_cancelled;
    struct ql_http *http = client(&options);
    ql_http_set_deadline(http, ql_time_monotonic_ms() - 1);
    struct ql_http_request request = {.method = "DELETE", .url = url_of(server, "/"), .repeat = QL_HTTP_REPEAT_NEVER};
    struct ql_http_response response;
    assert_int_not_equal(ql_http_send(http, &request, &response, NULL), QL_OK);
    ql_http_response_fini(&response);
    request.is_cleanup = true;
    request.timeout_ms = 5000;
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_int_equal(response.status, 204);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

/* ---- streams */

struct stream {
    struct ql_buf bytes;
    int n_headers, n_bodies;
    long status;
    int64_t length;
    bool is_unsized;
    int64_t refuse_after; /* 0: never */
};

static enum ql_status stream_headers(void *ctx, const struct ql_http_response *response, struct ql_err *err) {
    (void)err;
    struct stream *stream = ctx;
    stream->n_headers++;
    assert_int_equal(stream->n_bodies, 0);
    stream->status = response->status;
    stream->length = response->content_length;
    stream->is_unsized = response->is_unsized;
    assert_str_equal(ql_http_response_get(response, "x"), "y");
    return QL_OK;
}

static enum ql_status stream_body(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct stream *stream = ctx;
    stream->n_bodies++;
    ql_buf_put(&stream->bytes, ptr, len);
    if (stream->refuse_after != 0 && (int64_t)stream->bytes.len >= stream->refuse_after) {
        return QL_FAIL(err, QL_E_COMPRESSED, "no more of this");
    }
    return QL_OK;
}

static enum ql_status run_stream(struct ql_http *http, struct ql_str url, struct stream *stream,
                                 struct ql_http_response *response, struct ql_err *err) {
    const struct ql_http_request request = {.method = "GET",
                                            .url = url,
                                            .on_headers = stream_headers,
                                            .on_body = stream_body,
                                            .stream_ctx = stream,
                                            .follows_redirects = true};
    return ql_http_send(http, &request, response, err);
}

static void a_body_is_streamed_whole_however_it_comes(void **state) {
    (void)state;
    struct ql_buf big = {0};
    for (int i = 0; i < 9000; i++) {
        ql_buf_printf(&big, "%08d\n", i);
    }
    struct ql_buf sized = {0};
    ql_buf_printf(&sized, "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: %zu\r\n\r\n%s", big.len, big.ptr);
    struct ql_buf chunked = {0};
    ql_buf_puts(&chunked, "HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0, n = 1; at < big.len; at += n, n = n * 3 % 5000 + 1) {
        n = n < big.len - at ? n : big.len - at;
        ql_buf_printf(&chunked, "%zx;ext=1\r\n%.*s\r\n", n, (int)n, big.ptr + at);
    }
    ql_buf_puts(&chunked, "0\r\nTrailer: z\r\n\r\n");
    struct ql_buf open = {0};
    ql_buf_printf(&open, "HTTP/1.1 200 OK\r\nX: y\r\n\r\n%s", big.ptr);
    const struct fake_step steps[] = {
        {.answer = sized.ptr},
        {.answer = sized.ptr, .slice = 777},
        {.answer = chunked.ptr, .slice = 991},
        {.answer = open.ptr, .then = FAKE_CLOSE},
    };
    struct fake_server *server = fake_start(steps, 4);
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    for (int i = 0; i < 4; i++) {
        struct stream stream = {0};
        struct ql_http_response response;
        assert_ok(run_stream(http, url_of(server, "/"), &stream, &response, err));
        assert_int_equal(stream.n_headers, 1);
        assert_int_equal(stream.length, i < 2 ? (int64_t)big.len : -1);
        assert_int_equal(stream.is_unsized, i == 3);
        assert_int_equal(response.is_chunked, i == 2);
        assert_int_equal(stream.bytes.len, big.len);
        assert_memory_equal(stream.bytes.ptr, big.ptr, big.len);
        assert_int_equal(response.body.len, 0);
        ql_buf_fini(&stream.bytes);
        ql_http_response_fini(&response);
    }
    ql_http_free(http);
    fake_stop(server);
    ql_buf_fini(&big);
    ql_buf_fini(&sized);
    ql_buf_fini(&chunked);
    ql_buf_fini(&open);
}

static void a_compressed_body_is_not_decoded(void **state) {
    (void)state;
    static const char GZIP[] = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01";
    struct fake_server *server = fake_start(STEPS({.answer = GZIP}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    struct stream stream = {0};
    struct ql_http_response response;
    assert_ok(run_stream(http, url_of(server, "/"), &stream, &response, err));
    assert_str_equal(ql_buf_view(&stream.bytes), "\x1f\x8b\x08\x01");
    ql_buf_fini(&stream.bytes);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void a_stream_that_breaks_is_left_to_its_caller(void **state) {
    (void)state;
    struct fake_server *server =
        fake_start(STEPS({.answer = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 9\r\n\r\nabc", .then = FAKE_CLOSE},
                         {.answer = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 9\r\n\r\n", .then = FAKE_RESET},
                         {.answer = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 9\r\n\r\nabcdefghi"}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    const enum ql_status expected[] = {QL_E_TRUNCATED, QL_E_NETWORK, QL_E_COMPRESSED};
    for (int i = 0; i < 3; i++) {
        struct stream stream = {.refuse_after = i == 2 ? 1 : 0};
        struct ql_http_response response;
        struct ql_err err = {0};
        assert_int_equal(run_stream(http, url_of(server, "/"), &stream, &response, &err), expected[i]);
        assert_int_equal(stream.n_headers, 1);
        if (i == 2) {
            assert_string_equal(err.message, "no more of this");
        }
        ql_buf_fini(&stream.bytes);
        ql_http_response_fini(&response);
    }
    assert_int_equal(fake_count(server), 3);
    assert_int_equal(waits.n, 0);
    ql_http_free(http);
    fake_stop(server);
}

static void a_stream_has_a_limit_of_its_own(void **state) {
    (void)state;
    struct fake_server *server =
        fake_start(STEPS({.answer = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 11\r\n\r\n", .then = FAKE_STALL},
                         {.answer = "HTTP/1.1 200 OK\r\nX: y\r\n\r\nabcdefghijk", .then = FAKE_STALL},
                         {.answer = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 10\r\n\r\nabcdefghij"}));
    struct waits waits;
    struct ql_http_options options = options_for(&waits);
    options.max_stream_bytes = 10;
    options.max_body_bytes = 1;
    struct ql_http *http = client(&options);
    for (int i = 0; i < 2; i++) {
        struct stream stream = {0};
        struct ql_http_response response;
        struct ql_err err = {0};
        assert_int_equal(run_stream(http, url_of(server, "/"), &stream, &response, &err), QL_E_LIMIT);
        assert_string_equal(err.hint, "raise --max-download-bytes if the data are right");
        assert_int_equal(stream.n_bodies, 0);
        assert_int_equal(stream.n_headers, i);
        ql_http_response_fini(&response);
    }
    struct stream stream = {0};
    struct ql_http_response response;
    assert_ok(run_stream(http, url_of(server, "/"), &stream, &response, err));
    assert_str_equal(ql_buf_view(&stream.bytes), "abcdefghij");
    ql_buf_fini(&stream.bytes);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void an_error_answer_is_not_streamed(void **state) {
    (void)state;
    struct fake_server *server =
        fake_start(STEPS({.answer = STATUS("503 No")}, {.answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\n<x>"}));
    struct waits waits;
    const struct ql_http_options options = options_for(&waits);
    struct ql_http *http = client(&options);
    struct stream stream = {0};
    struct ql_http_response response;
    assert_ok(run_stream(http, url_of(server, "/"), &stream, &response, err));
    assert_int_equal(response.status, 403);
    assert_str_equal(ql_buf_view(&response.body), "<x>");
    assert_int_equal(stream.n_headers + stream.n_bodies, 0);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_a_get_and_reads_the_answer),
        cmocka_unit_test(a_streamed_body_begins_again_with_each_attempt),
        cmocka_unit_test(a_body_that_cannot_be_read_ends_the_request),
        cmocka_unit_test(other_methods_and_bodies_go_out_as_they_are),
        cmocka_unit_test(a_header_with_a_line_break_never_leaves),
        cmocka_unit_test(faults_are_told_apart_and_tried_again_where_that_helps),
        cmocka_unit_test(headers_have_limits_of_ours_and_of_libcurl),
        cmocka_unit_test(a_body_without_declared_length_meets_its_limit_too),
        cmocka_unit_test(of_an_errors_body_64_kib_are_kept_and_no_more_is_read),
        cmocka_unit_test(transient_answers_are_repeated_until_one_is_final),
        cmocka_unit_test(a_429_to_the_end_is_handed_to_the_caller),
        cmocka_unit_test(a_429_without_retry_after_waits_the_long_wait),
        cmocka_unit_test(retry_after_of_a_second_takes_a_second),
        cmocka_unit_test(a_post_on_a_dead_connection_is_seen_once),
        cmocka_unit_test(a_post_is_not_repeated_after_a_doubtful_end),
        cmocka_unit_test(a_post_that_never_left_is_repeated),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(an_unknown_host_is_named),
        cmocka_unit_test(a_handshake_that_never_ends_is_a_time_out),
        cmocka_unit_test(a_handshake_that_fails_is_told_from_one_that_was_cut),
        cmocka_unit_test(a_silent_server_ends_in_a_time_out),
        cmocka_unit_test(a_stalled_stream_ends_in_a_time_out),
        cmocka_unit_test(no_wait_and_no_request_outlives_the_deadline),
        cmocka_unit_test(retry_after_beyond_a_quarter_of_an_hour_is_final),
        cmocka_unit_test(a_signal_ends_waits_and_transfers),
        cmocka_unit_test(a_pacer_is_asked_before_every_exchange),
        cmocka_unit_test(a_cleanup_goes_out_although_everything_is_over),
        cmocka_unit_test(a_body_is_streamed_whole_however_it_comes),
        cmocka_unit_test(a_compressed_body_is_not_decoded),
        cmocka_unit_test(a_stream_that_breaks_is_left_to_its_caller),
        cmocka_unit_test(a_stream_has_a_limit_of_its_own),
        cmocka_unit_test(an_error_answer_is_not_streamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
