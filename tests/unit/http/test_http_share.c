/* What a caller with rules of its own gets, and clients of several threads: siblings that share all but connections. */
#include "support/test.h"

#include "base/time.h"
#include "http/http.h"
#include "support/fake_server.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct ql_http *client_with(int64_t stall_ms, void (*on_wait)(void *ctx, int64_t wait_ms, const char *reason),
                                   int *n_waits) {
    const struct ql_http_options options = {.user_agent = QL_STR("queuelake/test"),
                                            .connect_timeout_ms = 5000,
                                            .request_timeout_ms = 20000,
                                            .stall_bytes_per_s = 1000,
                                            .stall_ms = stall_ms,
                                            .max_header_bytes = 64 * 1024,
                                            .max_body_bytes = 100000,
                                            .max_stream_bytes = 1000000,
                                            .max_attempts = 5,
                                            .retry_base_ms = 2,
                                            .retry_cap_ms = 4,
                                            .rate_wait_ms = 3,
                                            .on_wait = on_wait,
                                            .on_wait_ctx = n_waits,
                                            .seed = 1};
    struct ql_http *http = NULL;
    assert_ok(ql_http_new(&options, &http, err));
    return http;
}

static void count_wait(void *ctx, int64_t wait_ms, const char *reason) {
    (void)wait_ms;
    (void)reason;
    *(int *)ctx += 1;
}

static struct ql_str url_of(const struct fake_server *server) {
    static char texts[4][64];
    static int next;
    char *text = texts[next++ % 4];
    (void)snprintf(text, sizeof texts[0], "http://127.0.0.1:%d/", fake_port(server));
    return ql_str_from(text);
}

#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"
#define STEPS(...) \
    ((const struct fake_step[]){__VA_ARGS__}), sizeof((const struct fake_step[]){__VA_ARGS__}) / sizeof(struct fake_step)

static void a_caller_with_rules_of_its_own_gets_each_attempt(void **state) {
    (void)state;
    struct fake_server *server = fake_start(STEPS({.answer = STATUS("200 OK")}, {.answer = STATUS("503 Busy")}));
    int n_waits = 0;
    struct ql_http *http = client_with(20000, count_wait, &n_waits);
    struct ql_http_request request = {
        .method = "PUT", .url = url_of(server), .body = QL_STR("x"), .repeat = QL_HTTP_REPEAT_BY_CALLER};
    struct ql_http_response response;
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_int_equal(response.fault, QL_HTTP_FAULT_NONE);
    ql_http_response_fini(&response);
    assert_ok(ql_http_send(http, &request, &response, err));
    assert_int_equal(response.status, 503);
    assert_int_equal(response.fault, QL_HTTP_FAULT_NONE);
    ql_http_response_fini(&response);
    assert_int_equal(fake_count(server), 2);
    assert_int_equal(fake_connections(server), 1); /* which is kept */
    assert_int_equal(n_waits, 0);
    struct fake_server *closed = fake_start_closed(STEPS({.answer = ""}));
    request.url = url_of(closed);
    assert_int_equal(ql_http_send(http, &request, &response, NULL), QL_E_NETWORK);
    assert_int_equal(response.fault, QL_HTTP_FAULT_TRANSIENT);
    assert_false(response.was_sent);
    ql_http_response_fini(&response);
    request.url = QL_STR("http://no-such-host.invalid/");
    assert_int_equal(ql_http_send(http, &request, &response, NULL), QL_E_REFUSED_URL);
    assert_int_equal(response.fault, QL_HTTP_FAULT_FINAL);
    ql_http_response_fini(&response);
    struct ql_http_stats stats;
    ql_http_note_retry(http);
    ql_http_get_stats(http, &stats);
    assert_int_equal(stats.retries, 1);
    ql_http_free(http);
    fake_stop(server);
    fake_stop(closed);
}

static void silence_is_a_stall_unless_it_was_announced(void **state) {
    (void)state;
    struct fake_server *server = fake_start(
        STEPS({.answer = "HTTP/1.1 200 OK\r\n", .then = FAKE_STALL}, {.answer = "HTTP/1.1 200 OK\r\n", .then = FAKE_STALL}));
    int n_waits = 0;
    struct ql_http *http = client_with(1000, count_wait, &n_waits);
    struct ql_http_request request = {
        .method = "POST", .url = url_of(server), .repeat = QL_HTTP_REPEAT_NEVER, .timeout_ms = 60000};
    struct ql_http_response response;
    struct ql_err failure = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &failure), QL_E_TIMEOUT);
    assert_non_null(strstr(failure.message, "less than 1000 bytes a second"));
    ql_http_response_fini(&response);
    request.may_be_silent = true;
    request.timeout_ms = 1500; /* longer than a stall may be */
    assert_int_equal(ql_http_send(http, &request, &response, &failure), QL_E_TIMEOUT);
    assert_non_null(strstr(failure.message, "did not answer within 1.5 s"));
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

/* ---- siblings */

enum { N_SIBLINGS = 4, N_OF_EACH = 8 };

struct sibling {
    struct ql_http *elder;
    struct ql_str url;
    int n_fine;
};

static void *send_from_a_thread(void *ctx) {
    struct sibling *sibling = ctx;
    struct ql_http *http = NULL;
    if (ql_http_new_sibling(sibling->elder, &http, NULL) != QL_OK) {
        return NULL;
    }
    for (int i = 0; i < N_OF_EACH; i++) {
        const struct ql_http_request request = {.method = "GET", .url = sibling->url, .repeat = QL_HTTP_REPEAT_BY_CALLER};
        struct ql_http_response response;
        ql_http_add_secret(http, QL_STR("a-secret-of-all"));
        (void)ql_http_random(http, 10);
        sibling->n_fine += ql_http_send(http, &request, &response, NULL) == QL_OK && response.status == 200;
        ql_http_response_fini(&response);
    }
    ql_http_free(http);
    return NULL;
}

static void siblings_send_from_threads_of_their_own(void **state) {
    (void)state;
    struct fake_step steps[N_SIBLINGS * N_OF_EACH];
    for (size_t i = 0; i < N_SIBLINGS * N_OF_EACH; i++) {
        steps[i] = (struct fake_step){.answer = STATUS("200 OK"), .then = FAKE_CLOSE};
    }
    struct fake_server *server = fake_start(steps, N_SIBLINGS * N_OF_EACH);
    int n_waits = 0;
    struct ql_http *http = client_with(20000, count_wait, &n_waits);
    struct sibling siblings[N_SIBLINGS];
    pthread_t threads[N_SIBLINGS];
    struct ql_str url = url_of(server);
    for (size_t i = 0; i < N_SIBLINGS; i++) {
        siblings[i] = (struct sibling){.elder = http, .url = url};
        assert_int_equal(pthread_create(&threads[i], NULL, send_from_a_thread, &siblings[i]), 0);
    }
    for (size_t i = 0; i < N_SIBLINGS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(siblings[i].n_fine, N_OF_EACH);
    }
    struct ql_http_stats stats;
    ql_http_get_stats(http, &stats);
    assert_int_equal(stats.requests, N_SIBLINGS * N_OF_EACH);
    struct ql_buf text = {0};
    ql_buf_puts(&text, "it is a-secret-of-all");
    ql_http_redact(http, &text);
    assert_string_equal(text.ptr, "it is ***");
    ql_buf_fini(&text);
    ql_http_free(http);
    fake_stop(server);
}

static void a_deadline_is_that_of_all_siblings(void **state) {
    (void)state;
    int n_waits = 0;
    struct ql_http *http = client_with(20000, count_wait, &n_waits);
    struct ql_http *sibling = NULL;
    assert_ok(ql_http_new_sibling(http, &sibling, err));
    ql_http_set_deadline(http, ql_time_monotonic_ms() + 1000);
    assert_int_equal(ql_http_wait(sibling, 60000, "x", NULL), QL_E_DEADLINE);
    assert_int_equal(ql_http_get_deadline(sibling), ql_http_get_deadline(http));
    ql_http_free(sibling);
    ql_http_free(http);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caller_with_rules_of_its_own_gets_each_attempt),
        cmocka_unit_test(silence_is_a_stall_unless_it_was_announced),
        cmocka_unit_test(siblings_send_from_threads_of_their_own),
        cmocka_unit_test(a_deadline_is_that_of_all_siblings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
