/** A server in memory for the tests of one S3 request: it answers as a script says, and keeps what arrived. */
#ifndef QL_TESTS_S3_SERVER_H
#define QL_TESTS_S3_SERVER_H

#include "support/test.h"

#include "base/mem.h"
#include "store/s3_client.h"

#include <stdio.h>

enum { MAX_SEEN = 32 };
static const int64_t NOON_US = INT64_C(1767268800) * QL_US_PER_S; /* 2026-01-01T12:00:00Z */

/* ---- a server in memory ---- */

struct answer {
    long status; /* 0: the transport fails */
    const char *body;
    const char *name, *value; /* a header */
    const char *etag;         /* another one */
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
    char method[MAX_SEEN][8];
    char authorization[MAX_SEEN][512], date[MAX_SEEN][32], token[MAX_SEEN][64], header[MAX_SEEN][1024];
    struct ql_buf body;
    enum ql_http_repeat repeat;
    bool may_be_silent;
    struct ql_buf read;
} server;

static inline int64_t server_now_us(void) {
    return server.clock_us;
}
static inline int64_t server_now_ms(void) {
    return server.clock_us / 1000;
}

static inline void keep_headers(const struct ql_http_request *request, size_t i) {
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

static inline void keep_body(const struct ql_http_request *request) {
    ql_buf_reset(&server.body);
    for (size_t got = 1; request->source != NULL && got != 0;) {
        char piece[5];
        assert_ok(request->source->read(request->source->ctx, (int64_t)server.body.len, piece, sizeof piece, &got, err));
        ql_buf_put(&server.body, piece, got);
    }
}

static inline enum ql_status deliver(const struct ql_http_request *request, const struct answer *answer, struct ql_err *err) {
    if (request->on_body == NULL || answer->status < 200 || answer->status > 299) {
        return QL_OK;
    }
    struct ql_http_response head = {.status = answer->status, .content_length = -1};
    QL_TRY(request->on_headers(request->stream_ctx, &head, err));
    return request->on_body(request->stream_ctx, answer->body, strlen(answer->body), err);
}

static inline enum ql_status server_send(struct ql_http *http, const struct ql_http_request *request,
                                         struct ql_http_response *response, struct ql_err *err) {
    assert_non_null(http);
    size_t i = server.n_requests++;
    assert_true(i < MAX_SEEN);
    const struct answer *answer = &server.answers[i < server.n_answers ? i : server.n_answers - 1];
    keep_headers(request, i);
    (void)snprintf(server.method[i], sizeof server.method[i], "%s", request->method);
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
    response->headers = ql_mem_zalloc(2, sizeof *response->headers);
    if (answer->name != NULL) {
        response->headers[response->n_headers++] =
            (struct ql_http_header){ql_str_from(answer->name), ql_str_from(answer->value)};
    }
    if (answer->etag != NULL) {
        response->headers[response->n_headers++] = (struct ql_http_header){QL_STR("etag"), ql_str_from(answer->etag)};
    }
    if (request->on_body == NULL || answer->status > 299) {
        ql_buf_puts(&response->body, answer->body != NULL ? answer->body : "");
    }
    return deliver(request, answer, err);
}

static inline enum ql_status server_wait(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err) {
    (void)http;
    assert_true(server.n_waits < MAX_SEEN);
    server.waits[server.n_waits++] = wait_ms;
    (void)snprintf(server.reason, sizeof server.reason, "%s", reason);
    server.clock_us += wait_ms * 1000;
    return server.wait_status == QL_OK ? QL_OK : QL_FAIL(err, server.wait_status, "no time is left to wait: %s", reason);
}

static inline uint64_t server_random(struct ql_http *http, uint64_t n) {
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

static inline void server_start(const struct answer *answers, size_t n) {
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

static inline void on_warning(void *ctx, const char *text) {
    (void)ctx;
    server.n_warnings++;
    (void)snprintf(server.warning, sizeof server.warning, "%s", text);
}

static const struct ql_s3_options OPTIONS = {.access_key_id = {"AKIAIOSFODNN7EXAMPLE", 20},
                                             .secret_access_key = {"wJalrXUtnFEMI/K7MDENG", 21},
                                             .on_warning = on_warning};
__attribute__((unused)) static const struct ql_s3_request PUT = {
    .act = QL_S3_STORE, .method = "PUT", .bucket = {"b", 1}, .key = {"k", 1}, .payload = {.bytes = {"PAR1 bytes", 10}}};
__attribute__((unused)) static const struct ql_s3_request LIST = {
    .act = QL_S3_LIST, .method = "GET", .bucket = {"bucket", 6}, .root = "ListBucketResult"};

static inline int set_up(void **state) {
    const struct ql_http_options options = {.user_agent = QL_STR("test"), .max_attempts = 1};
    struct ql_http *http = NULL;
    assert_ok(ql_http_new(&options, &http, err));
    *state = http;
    return 0;
}
static inline int tear_down(void **state) {
    ql_http_free(*state);
    ql_buf_fini(&server.body);
    ql_buf_fini(&server.read);
    return 0;
}

static inline struct ql_s3_client *client_of(void **state, const struct ql_s3_options *options) {
    struct ql_s3_client *client = NULL;
    struct ql_s3_options *kept = ql_mem_alloc(sizeof *kept); /* the client borrows them */
    *kept = *options;
    if (kept->endpoint.len == 0) {
        kept->region = kept->region.len != 0 ? kept->region : QL_STR("us-east-1");
    }
    assert_ok(ql_s3_client_new_with(&WORLD, *state, kept, &client, err));
    return client;
}
static inline void client_end(struct ql_s3_client *client) {
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
static inline struct outcome send_with(struct ql_s3_client *client, const struct ql_s3_request *request) {
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
static inline struct outcome send_once(void **state, const struct ql_s3_options *options, const struct ql_s3_request *request) {
    struct ql_s3_client *client = client_of(state, options);
    struct outcome outcome = send_with(client, request);
    client_end(client);
    return outcome;
}

static inline void assert_status(const struct outcome *outcome, enum ql_status status) {
    if (outcome->status != status) {
        fail_msg("got %s '%s', expected %s", ql_status_name(outcome->status), outcome->err.message, ql_status_name(status));
    }
}
static inline void assert_words(const char *text, const char *words) {
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' has no '%s'", text, words);
    }
}

/** Gives token 1, 2, 3, ...: the next one when it is forced. */
struct provider {
    int n, n_forced, last; /* last: no newer one than this; 0: any */
    int64_t expires_us;
    enum ql_status status, forced_status;
};
static inline enum ql_status provide(void *ctx, bool is_forced, struct ql_aws_credentials *credentials, struct ql_err *err) {
    struct provider *provider = ctx;
    if (provider->status != QL_OK) {
        return QL_FAIL(err, provider->status, "no credentials anywhere");
    }
    if (is_forced && provider->forced_status != QL_OK) {
        return QL_FAIL(err, provider->forced_status, "stopped");
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

#endif
