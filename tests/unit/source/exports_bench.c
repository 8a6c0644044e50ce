#include "exports_bench.h"

#include <stdio.h>

enum { FIRST_US_2024 = 1704067200 }; /* date -u -d 2024-01-01 +%s */

static void note(void *ctx, const char *text) {
    ql_buf_printf(&((struct bench *)ctx)->told, "%s\n", text);
}
static void stage(void *ctx, const char *text) {
    ql_buf_printf(&((struct bench *)ctx)->told, "[%s]\n", text);
}
static void on_wait(void *ctx, int64_t wait_ms, const char *reason) {
    (void)wait_ms;
    ((struct bench *)ctx)->n_waits++;
    note(ctx, reason);
}

void bench_init(struct bench *bench) {
    *bench = (struct bench){0};
    bench->api = fake_start(NULL, 0);
    bench->files = fake_start(NULL, 0);
    (void)snprintf(bench->login_url, sizeof bench->login_url, "http://127.0.0.1:%d/", fake_port(bench->api));
    (void)snprintf(bench->api_url, sizeof bench->api_url, "http://127.0.0.1:%d", fake_port(bench->api));
    bench->http_options = (struct ql_http_options){
        .connect_timeout_ms = 5000,
        .request_timeout_ms = 20000,
        .max_header_bytes = 65536,
        .max_body_bytes = 100000,
        .max_stream_bytes = 1000000,
        .max_redirects = 3,
        .max_attempts = 3,
        .retry_base_ms = 1,
        .retry_cap_ms = 2,
        .rate_wait_ms = 1,
        .seed = 1,
        .on_wait = on_wait,
        .on_wait_ctx = bench,
    };
    bench->options = (struct ql_exports_options){
        .genesys = {.client_id = QL_STR("client-1"),
                    .client_secret = QL_STR("s3cret/+value"),
                    .environment = QL_STR("mypurecloud.ie"),
                    .login_url = ql_str_from(bench->login_url),
                    .api_url = ql_str_from(bench->api_url),
                    .max_json_bytes = 50000,
                    .max_json_depth = 16},
        .from_us = INT64_C(1000000) * FIRST_US_2024,
        .to_us = INT64_C(1000000) * (FIRST_US_2024 + 86400),
        .poll_min_ms = 1,
        .poll_max_ms = 5,
        .deadline_ms = 60000,
        .max_downloads = 3,
    };
}

void bench_open(struct bench *bench) {
    assert_ok(ql_http_new(&bench->http_options, &bench->http, err));
    const struct ql_source_events events = {.stage = stage, .note = note, .ctx = bench};
    bench->source = ql_source_exports_new(bench->http, &bench->options, &events);
}

void bench_fini(struct bench *bench) {
    if (bench->source != NULL) {
        bench->source->ops->free(bench->source);
    }
    ql_http_free(bench->http);
    fake_stop(bench->api);
    fake_stop(bench->files);
    ql_buf_fini(&bench->bytes);
    ql_buf_fini(&bench->told);
}

static enum ql_status sink_begin(void *ctx, const struct ql_source_info *info, struct ql_err *err) {
    (void)err;
    struct bench *bench = ctx;
    bench->n_begun++;
    bench->n_restarts += info->is_restart;
    bench->is_unsized = info->is_unsized;
    (void)snprintf(bench->name, sizeof bench->name, "%.*s", QL_STR_ARG(info->name));
    assert_int_equal(info->is_restart, bench->n_begun > 1);
    ql_buf_reset(&bench->bytes); /* a restart forgets */
    return QL_OK;
}

static enum ql_status sink_bytes(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct bench *bench = ctx;
    ql_buf_put(&bench->bytes, ptr, len);
    return bench->bytes_answer == QL_OK ? QL_OK : QL_FAIL(err, bench->bytes_answer, "the sink refuses");
}

static enum ql_status sink_end(void *ctx, struct ql_err *err) {
    struct bench *bench = ctx;
    enum ql_status answer = bench->sink_answers[bench->n_ended++];
    return answer == QL_OK ? QL_OK : QL_FAIL(err, answer, "the sink refuses");
}

enum ql_status bench_prepare(struct bench *bench) {
    return bench->source->ops->prepare(bench->source, &bench->err);
}

enum ql_status bench_fetch(struct bench *bench) {
    const struct ql_source_sink sink = {.begin = sink_begin, .bytes = sink_bytes, .end = sink_end, .ctx = bench};
    return bench->source->ops->fetch(bench->source, &sink, &bench->err);
}

enum ql_status bench_run(struct bench *bench) {
    enum ql_status status = bench_prepare(bench);
    return status == QL_OK ? bench_fetch(bench) : status;
}

void api_json(struct bench *bench, int status, const char *body) {
    struct ql_buf answer = {0};
    ql_buf_printf(
        &answer,
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nININ-Correlation-Id: corr-%d\r\nContent-Length: %zu\r\n\r\n%s",
        status, status, strlen(body), body);
    fake_add(bench->api, ql_buf_text(&answer), FAKE_KEEP);
    ql_buf_fini(&answer);
}

void api_raw(struct bench *bench, const char *answer, enum fake_then then) {
    fake_add(bench->api, answer, then);
}

void api_token(struct bench *bench) {
    api_json(bench, 200, "{\"access_token\":\"" TOKEN "\",\"token_type\":\"bearer\",\"expires_in\":3600}");
}
void api_me(struct bench *bench) {
    api_json(bench, 404, "{\"message\":\"no such thing\",\"code\":\"not.found\",\"status\":404}");
}
void api_created(struct bench *bench) {
    api_json(bench, 202,
             "{\"id\":\"" EXPORT_ID
             "\",\"status\":\"inProgress\",\"createdDate\":\"2024-01-02T00:00:00Z\",\"downloadUrl\":null}");
}
void api_running(struct bench *bench) {
    api_json(bench, 200, "{\"id\":\"" EXPORT_ID "\",\"status\":\"inProgress\",\"downloadUrl\":null}");
}

void api_completed(struct bench *bench) {
    static int n;
    char body[400];
    (void)snprintf(
        body, sizeof body,
        "{\"id\":\"" EXPORT_ID
        "\",\"status\":\"completed\",\"downloadUrl\":\"http://127.0.0.1:%d/f/%d.csv?X-Amz-Signature=feedbeef&link=%d\"}",
        fake_port(bench->files), n, n);
    n++;
    api_json(bench, 200, body);
}

void file_raw(struct bench *bench, const char *answer, enum fake_then then) {
    fake_add(bench->files, answer, then);
}

void file_body(struct bench *bench, const char *body) {
    char answer[400];
    (void)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    file_raw(bench, answer, FAKE_KEEP);
}

bool has(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

void assert_no_secret(const struct bench *bench) {
    static const char *const SECRETS[] = {TOKEN, "s3cret", "feedbeef", "Y2xpZW50LTE6czNjcmV0LytYWx1ZQ", "Bearer t"};
    for (size_t i = 0; i < sizeof SECRETS / sizeof SECRETS[0]; i++) {
        if (has(bench->err.message, SECRETS[i]) || has(bench->err.hint, SECRETS[i]) ||
            has(ql_buf_text(&bench->told), SECRETS[i])) {
            fail_msg("'%s' is told: %s / %s / %s", SECRETS[i], bench->err.message, bench->err.hint, ql_buf_text(&bench->told));
        }
    }
}
