/*
 * ql_http_send: attempts around redirects around exchanges.
 *
 * An attempt is the whole way from the first URL to the last; the next attempt begins at the first URL again. Before each
 * exchange the rate budget of its host is respected, before each further attempt the wait of retry.c; a wait that would end
 * after the deadline is not begun.
 */
#include "http/http_internal.h"

#include "base/mem.h"
#include "base/time.h"

#include <stdio.h>

struct sending {
    struct ql_http *http;
    const struct ql_http_request *request;
    struct ql_http_response *response;
    char host[sizeof(((struct ql_url *)NULL)->authority)]; /* that was asked last */
};

void ql_http_response_fini(struct ql_http_response *response) {
    ql_mem_free(response->headers);
    if (response->body.ptr != NULL) {
        explicit_bzero(response->body.ptr, response->body.cap); /* it may be a token */
    }
    ql_buf_fini(&response->body);
    ql_buf_fini(&response->storage);
    *response = (struct ql_http_response){.content_length = -1, .retry_after_ms = -1};
}

struct ql_str ql_http_response_get(const struct ql_http_response *response, const char *name) {
    struct ql_str wanted = ql_str_from(name);
    for (size_t i = 0; i < response->n_headers; i++) {
        if (ql_str_eq(response->headers[i].name, wanted)) {
            return response->headers[i].value;
        }
    }
    return (struct ql_str){0};
}

/* ---- one exchange */

static enum ql_status wait_for_budget(struct sending *sending, const struct ql_url *url, struct ql_err *err) {
    int64_t wait_ms = ql_rate_wait_ms(sending->http, url, ql_time_monotonic_ms());
    if (wait_ms == 0) {
        return QL_OK;
    }
    char reason[400];
    (void)snprintf(reason, sizeof reason, "the requests that '%s' allows are used up", url->authority);
    return ql_http_wait(sending->http, wait_ms, reason, err);
}

static enum ql_status exchange(struct sending *sending, const struct ql_url *url, const struct ql_hop *hop,
                               struct ql_attempt *attempt, struct ql_err *err) {
    struct ql_http *http = sending->http;
    *attempt = (struct ql_attempt){.retry_after_ms = -1, .is_permanent = true};
    ql_http_response_fini(sending->response);
    QL_TRY(ql_redirect_check_url(&http->options, url, hop, err));
    QL_TRY(wait_for_budget(sending, url, err));
    if (ql_http_is_past_deadline(http)) {
        return QL_FAIL(err, QL_E_DEADLINE, "the deadline passed before '%s' was asked", url->authority);
    }
    (void)snprintf(sending->host, sizeof sending->host, "%s", url->authority);
    struct ql_transfer transfer = {
        .http = http,
        .request = sending->request,
        .response = sending->response,
        .url = url,
        .hop = *hop,
        /* HTTPS_PROXY is for https, as everywhere; plain http goes to loopback, or to a network that was declared trusted. */
        .is_proxied = url->is_https && http->options.proxy.len != 0 && !url->is_loopback && !sending->request->is_metadata &&
                      !ql_proxy_is_bypassed(http->options.no_proxy, url->host, url->port),
    };
    enum ql_status status = ql_transfer_run(&transfer, attempt, err);
    ql_rate_note(http, url, sending->response, ql_time_monotonic_ms());
    return status;
}

/* ---- one attempt */

static enum ql_status too_many_redirects(const struct sending *sending, struct ql_err *err) {
    QL_FAIL(err, QL_E_REFUSED_URL, "'%s' redirects more than %d times", sending->host, sending->http->options.max_redirects);
    ql_err_hint(err, "raise --max-redirects if the way is right");
    return QL_E_REFUSED_URL;
}

static enum ql_status walk(struct sending *sending, struct ql_url *url, struct ql_attempt *attempt, struct ql_err *err) {
    const struct ql_http_request *request = sending->request;
    struct ql_hop hop = {
        .is_foreign = request->is_foreign, .allows_loopback = request->allow_loopback, .allows_http = request->is_metadata};
    bool follows = request->follows_redirects && strcmp(request->method, "GET") == 0;
    for (int n = 0;; n++) {
        QL_TRY(exchange(sending, url, &hop, attempt, err));
        struct ql_str location = ql_http_response_get(sending->response, "location");
        if (!follows || !ql_redirect_is(sending->response->status) || location.len == 0) {
            return QL_OK;
        }
        attempt->is_permanent = true; /* what the policy refuses stays refused */
        if (n == sending->http->options.max_redirects) {
            return too_many_redirects(sending, err);
        }
        struct ql_url next = {0};
        enum ql_status status = ql_url_join(url, location, &next, err);
        if (status == QL_OK) {
            status = ql_redirect_follow(url, &next, &hop, err);
        }
        ql_url_fini(url);
        *url = next;
        QL_TRY(status);
    }
}

static enum ql_status attempt_once(struct sending *sending, struct ql_attempt *attempt, struct ql_err *err) {
    *attempt = (struct ql_attempt){.retry_after_ms = -1, .is_permanent = true};
    struct ql_url url = {0};
    enum ql_status status = ql_url_parse(&sending->http->curl, sending->request->url, &url, err);
    if (status == QL_OK) {
        status = walk(sending, &url, attempt, err);
    }
    ql_url_fini(&url);
    attempt->status = status;
    return status;
}

/* ---- all attempts */

static void describe(const struct sending *sending, const struct ql_attempt *attempt, const struct ql_err *failure, char *text,
                     size_t size) {
    if (attempt->status == QL_OK) {
        (void)snprintf(text, size, "'%s' answered %ld", sending->host, attempt->http_status);
    } else {
        (void)snprintf(text, size, "%.600s", failure->message);
    }
}

/* Waits for the next attempt. Where the deadline forbids that, the last fault is the news, the deadline its consequence. */
static enum ql_status wait_to_repeat(struct sending *sending, const struct ql_retry_policy *policy,
                                     const struct ql_retry_counts *counts, const struct ql_attempt *attempt,
                                     struct ql_err *failure) {
    struct ql_http *http = sending->http;
    int64_t wait_ms = ql_retry_wait_ms(policy, counts->attempts, attempt, ql_http_random(http, UINT64_C(1) << 32));
    struct ql_buf reason = {0};
    char text[sizeof failure->message];
    describe(sending, attempt, failure, text, sizeof text);
    ql_buf_puts(&reason, text);
    ql_http_redact(http, &reason); /* it goes to on_wait */
    struct ql_err wait_err = {0};
    enum ql_status status = ql_http_wait(http, wait_ms, ql_buf_text(&reason), &wait_err);
    if (status != QL_OK) {
        struct ql_str id = ql_http_response_get(sending->response, "inin-correlation-id");
        *failure = wait_err;
        failure->http_status = attempt->status == QL_OK ? attempt->http_status : 0;
        (void)snprintf(failure->request_id, sizeof failure->request_id, "%.*s", QL_STR_ARG(id));
    }
    ql_buf_fini(&reason);
    return status;
}

static void note_attempts(struct ql_err *err, int attempts) {
    size_t len = strlen(err->message);
    if (attempts > 1) {
        (void)snprintf(err->message + len, sizeof err->message - len, " (%d attempts)", attempts);
    }
}

static enum ql_status send_with_repeats(struct sending *sending, struct ql_err *failure) {
    const struct ql_http_options *options = &sending->http->options;
    const struct ql_retry_policy policy = {.max_attempts = options->max_attempts,
                                           .base_ms = options->retry_base_ms,
                                           .cap_ms = options->retry_cap_ms,
                                           .rate_wait_ms = options->rate_wait_ms};
    struct ql_retry_counts counts = {0};
    for (;;) {
        struct ql_attempt attempt;
        enum ql_status status = attempt_once(sending, &attempt, failure);
        counts.attempts++;
        counts.n_500 += status == QL_OK && attempt.http_status == 500;
        sending->response->fault = ql_retry_fault(&attempt);
        if (!ql_retry_is_due(&policy, sending->request->repeat, &attempt, &counts)) {
            if (status != QL_OK) {
                note_attempts(failure, counts.attempts);
            }
            return status;
        }
        status = wait_to_repeat(sending, &policy, &counts, &attempt, failure);
        if (status != QL_OK) {
            /* An attempt that this rule lets repeat has not acted, so neither has the request. */
            sending->response->was_sent = sending->response->was_sent && sending->request->repeat != QL_HTTP_REPEAT_IF_UNSENT;
            return status;
        }
        ql_http_note_retry(sending->http);
    }
}

enum ql_status ql_http_send(struct ql_http *http, const struct ql_http_request *request, struct ql_http_response *response,
                            struct ql_err *err) {
    *response = (struct ql_http_response){.content_length = -1, .retry_after_ms = -1};
    struct sending sending = {.http = http, .request = request, .response = response};
    struct ql_err failure = {0};
    enum ql_status status = send_with_repeats(&sending, &failure);
    if (status != QL_OK && err != NULL) {
        ql_http_redact_err(http, &failure);
        *err = failure;
    }
    return status;
}
