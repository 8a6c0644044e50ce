/* A chain of credentials in a world of its own: a clock that stands still, a network that answers by a script, variables and
 * shared files as a test wants them. */
#ifndef QL_TESTS_AWS_FIXTURE_H
#define QL_TESTS_AWS_FIXTURE_H

#include "support/test.h"

#include "base/mem.h"
#include "store/aws_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { AWS_MAX_STEPS = 16, AWS_MAX_VARIABLES = 16, AWS_TEXT = 512 };

/* One answer to the next request; its URL must have `url` in it. */
struct aws_step {
    const char *method, *url;
    long status;          /* 0: a failure of the network ... */
    enum ql_status fault; /* ... of this kind ... */
    bool was_sent;        /* ... after the request had left */
    const char *body;
};

struct aws_fixture {
    struct aws_step steps[AWS_MAX_STEPS];
    size_t n_steps, n_sent;
    char *sent[AWS_MAX_STEPS]; /* "METHOD url\nName: value\n...\nbody" */
    int64_t now_us;
    int n_waits;
    char folder[64];
    char variables[AWS_MAX_VARIABLES][AWS_TEXT];
    const char *environment[AWS_MAX_VARIABLES + 1];
    size_t n_variables;
    struct ql_http_options http;
    struct ql_s3_options s3;
    struct ql_aws_chain_options options;
    struct ql_aws_chain *chain;
    struct ql_aws_credentials got;
};

static struct aws_fixture *aws; /* the present test's: send has no place for a context */

static enum ql_status aws_send(struct ql_http *http, const struct ql_http_request *request, struct ql_http_response *response,
                               struct ql_err *err) {
    (void)http;
    *response = (struct ql_http_response){.content_length = -1, .retry_after_ms = -1};
    struct ql_buf text = {0};
    ql_buf_printf(&text, "%s %.*s\n", request->method, QL_STR_ARG(request->url));
    for (size_t i = 0; i < request->n_headers; i++) {
        ql_buf_printf(&text, "%.*s: %.*s\n", QL_STR_ARG(request->headers[i].name), QL_STR_ARG(request->headers[i].value));
    }
    ql_buf_puts(&text, "\n");
    ql_buf_put_str(&text, request->body);
    if (aws->n_sent == aws->n_steps) {
        fail_msg("not expected: %s", text.ptr);
    }
    const struct aws_step *step = &aws->steps[aws->n_sent];
    aws->sent[aws->n_sent++] = text.ptr;
    if (strcmp(step->method, request->method) != 0 || strstr(text.ptr, step->url) == NULL) {
        fail_msg("expected %s %s, got: %s", step->method, step->url, text.ptr);
    }
    bool is_metadata = strstr(step->url, "sts") == NULL;
    assert_int_equal(request->is_metadata, is_metadata); /* neither a proxy nor a missing TLS may meet STS, and vice versa */
    assert_false(request->follows_redirects);
    response->was_sent = step->was_sent;
    if (step->status == 0) {
        return QL_FAIL(err, step->fault, "words of the network");
    }
    response->status = step->status;
    ql_buf_puts(&response->body, step->body);
    return QL_OK;
}

static enum ql_status aws_wait(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err) {
    (void)http;
    (void)reason;
    (void)err;
    aws->n_waits += wait_ms > 0;
    return QL_OK;
}

static int64_t aws_now(void) {
    return aws->now_us;
}

static const struct ql_aws_world AWS_FAKE_WORLD = {.send = aws_send, .wait = aws_wait, .now_us = aws_now};

static int64_t aws_time(const char *text) {
    int64_t us = 0;
    assert_true(ql_aws_time_parse(ql_str_from(text), &us));
    return us;
}

/* "NAME=value"; '@' stands for the test's folder. */
static void aws_set(const char *variable) {
    struct ql_str rest;
    struct ql_str head = ql_str_split(ql_str_from(variable), '@', &rest);
    char *out = aws->variables[aws->n_variables];
    (void)snprintf(out, AWS_TEXT, "%.*s%s%.*s", QL_STR_ARG(head), rest.ptr != NULL ? aws->folder : "", QL_STR_ARG(rest));
    aws->environment[aws->n_variables++] = out;
    aws->environment[aws->n_variables] = NULL;
}

static const char *aws_path(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", aws->folder, name);
    return path;
}

static void aws_write(const char *name, const char *text) {
    FILE *file = fopen(aws_path(name), "wb");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline void aws_answer(const char *method, const char *url, long status, const char *body) {
    aws->steps[aws->n_steps++] = (struct aws_step){.method = method, .url = url, .status = status, .body = body};
}

static inline void aws_fault(const char *method, const char *url, enum ql_status fault, bool was_sent) {
    aws->steps[aws->n_steps++] = (struct aws_step){.method = method, .url = url, .fault = fault, .was_sent = was_sent};
}

static int aws_set_up(void **state) {
    aws = ql_mem_zalloc(1, sizeof *aws);
    *state = aws;
    (void)snprintf(aws->folder, sizeof aws->folder, "/tmp/ql-aws-XXXXXX");
    assert_non_null(mkdtemp(aws->folder));
    aws->now_us = aws_time("2026-01-01T00:00:00Z");
    aws->http = (struct ql_http_options){.max_header_bytes = 1 << 16, .max_body_bytes = 1 << 20, .max_attempts = 1};
    aws->options = (struct ql_aws_chain_options){
        .s3 = &aws->s3, .environment = aws->environment, .process_timeout_ms = 20000, .http = &aws->http};
    aws_set("AWS_CONFIG_FILE=@/config");
    aws_set("AWS_SHARED_CREDENTIALS_FILE=@/credentials");
    aws->chain = ql_aws_chain_new_with(&AWS_FAKE_WORLD, &aws->options);
    return 0;
}

static int aws_tear_down(void **state) {
    (void)state;
    static const char *const NAMES[] = {"config", "credentials", "token", "program", "ran"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        (void)unlink(aws_path(NAMES[i]));
    }
    (void)rmdir(aws->folder);
    for (size_t i = 0; i < aws->n_sent; i++) {
        ql_mem_free(aws->sent[i]);
    }
    ql_aws_chain_free(aws->chain);
    ql_aws_credentials_fini(&aws->got);
    ql_mem_free(aws);
    return 0;
}

static enum ql_status aws_get(bool is_forced, struct ql_err *err) {
    struct ql_aws_credentials_provider provider = ql_aws_chain_provider(aws->chain);
    return provider.get(provider.ctx, is_forced, &aws->got, err);
}

static void assert_key(const char *id) {
    assert_ok(aws_get(false, err));
    assert_str_equal(ql_buf_view(&aws->got.access_key_id), id);
    assert_int_equal(aws->n_sent, aws->n_steps);
}

static void assert_sent(size_t i, const char *part) {
    assert_true(i < aws->n_sent);
    if (strstr(aws->sent[i], part) == NULL) {
        fail_msg("'%s' is not in: %s", part, aws->sent[i]);
    }
}

static void assert_fails(enum ql_status status, const char *message, const char *hint) {
    struct ql_err err = {0};
    enum ql_status got = aws_get(false, &err);
    if (got != status || strstr(err.message, message) == NULL || strstr(ql_err_get_hint(&err), hint) == NULL) {
        fail_msg("got %s: %s (%s)", ql_status_name(got), err.message, ql_err_get_hint(&err));
    }
    assert_int_equal(aws->n_sent, aws->n_steps);
}

#define AWS_TEST(name) cmocka_unit_test_setup_teardown(name, aws_set_up, aws_tear_down)

#define AWS_JSON(id, expiration)                                                                                          \
    "{\"Code\": \"Success\", \"AccessKeyId\": \"" id "\", \"SecretAccessKey\": \"s3cr3t-" id "\", \"Token\": \"t0ken-" id \
    "\", \"Expiration\": \"" expiration "\"}"
#define AWS_XML(action, id, expiration)                                                                                       \
    "<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action "Result><Credentials><AccessKeyId>" id \
    "</AccessKeyId><SecretAccessKey>s3cr3t-" id "</SecretAccessKey><SessionToken>t0ken-" id                                   \
    "</SessionToken><Expiration>" expiration "</Expiration></Credentials></" action "Result></" action "Response>"
#define AWS_LATER "2026-01-01T06:00:00Z"

#endif
