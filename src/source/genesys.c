/*
 * Requests to the API of Genesys Cloud: the bearer token goes to the API's origin and nowhere else, a 401 earns exactly one new
 * token and one more try, and a refusal is told in the server's words with the correlation id by which its support finds the
 * request.
 */
#include "source/source_internal.h"

#include "source/permissions.h"

#include <stdarg.h>
#include <stdio.h>

/* Nobody who has stopped a run waits longer for what it leaves behind. */
enum { CLEANUP_TIMEOUT_MS = 3000 };

/* ---- set-up */

static void put_base(struct ql_str given, const char *label, struct ql_str environment, struct ql_buf *out) {
    if (given.len != 0) {
        while (given.len != 0 && given.ptr[given.len - 1] == '/') {
            given.len--;
        }
        ql_buf_put_str(out, given);
    } else {
        ql_buf_printf(out, "https://%s.%.*s", label, QL_STR_ARG(environment));
    }
}

void ql_genesys_put_urls(const struct ql_genesys_options *options, struct ql_buf *login_url, struct ql_buf *api_url) {
    put_base(options->login_url, "login", options->environment, login_url);
    put_base(options->api_url, "api", options->environment, api_url);
}

void ql_genesys_init(struct ql_genesys *genesys, struct ql_http *http, const struct ql_genesys_options *options,
                     const struct ql_source_events *events) {
    *genesys = (struct ql_genesys){.http = http, .options = *options};
    if (events != NULL) {
        genesys->events = *events;
    }
    ql_genesys_put_urls(options, &genesys->login_url, &genesys->api_url);
    ql_http_put_host(ql_buf_view(&genesys->login_url), &genesys->login_host);
    ql_http_put_host(ql_buf_view(&genesys->api_url), &genesys->api_host);
    genesys->is_api_loopback = ql_http_is_loopback(ql_buf_view(&genesys->api_url));
    ql_rate_budget_init(&genesys->budget, options->rate_share);
    ql_http_add_secret(http, options->client_secret);
}

static enum ql_status check_url(const char *setting, struct ql_str url, const struct ql_buf *host, struct ql_err *err) {
    if (url.len == 0 || host->len != 0) {
        return QL_OK;
    }
    (void)QL_FAIL(err, QL_E_CONFIG, "%s is no URL with a host, as in 'https://host'", setting); /* it may hold a password */
    ql_err_hint(err, "begin it with https://, or leave it out: GENESYS_ENVIRONMENT names the region");
    return QL_E_CONFIG;
}

enum ql_status ql_genesys_check(const struct ql_genesys *genesys, struct ql_err *err) {
    const struct ql_genesys_options *options = &genesys->options;
    QL_TRY(check_url("--login-url", options->login_url, &genesys->login_host, err));
    QL_TRY(check_url("--api-url", options->api_url, &genesys->api_host, err));
    if (options->client_id.len == 0 || options->client_secret.len == 0) {
        QL_FAIL(err, QL_E_CONFIG, "there is no %s for Genesys Cloud",
                options->client_id.len == 0 ? "client id" : "client secret");
        ql_err_hint(
            err,
            "set GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET to those of an OAuth client with the grant 'Client Credentials'");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

void ql_genesys_fini(struct ql_genesys *genesys) {
    ql_oauth_forget(genesys);
    ql_buf_fini(&genesys->token);
    ql_buf_fini(&genesys->scopes);
    ql_buf_fini(&genesys->login_url);
    ql_buf_fini(&genesys->api_url);
    ql_buf_fini(&genesys->login_host);
    ql_buf_fini(&genesys->api_host);
}

void ql_genesys_stage(const struct ql_genesys *genesys, const char *stage) {
    if (genesys->events.stage != NULL) {
        genesys->events.stage(genesys->events.ctx, stage);
    }
}

void ql_genesys_note(const struct ql_genesys *genesys, const char *fmt, ...) {
    if (genesys->events.note == NULL) {
        return;
    }
    char line[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    char clean[512];
    ql_words_copy(genesys->http, ql_str_from(line), clean, sizeof clean);
    genesys->events.note(genesys->events.ctx, clean);
}

/* ---- requests */

static enum ql_status send_once(struct ql_genesys *genesys, const struct ql_genesys_call *call,
                                struct ql_http_response *response, struct ql_err *err) {
    struct ql_buf url = {0};
    struct ql_buf bearer = {0};
    ql_buf_put_str(&url, ql_buf_view(&genesys->api_url));
    ql_buf_puts(&url, call->path);
    ql_buf_puts(&bearer, "Bearer ");
    ql_buf_put_str(&bearer, ql_buf_view(&genesys->token));
    const struct ql_http_header headers[] = {
        {QL_STR("Authorization"), ql_buf_view(&bearer)},
        {QL_STR("Accept"), QL_STR("application/json")},
        {QL_STR("Content-Type"), QL_STR("application/json")},
    };
    const struct ql_http_pacer pacer = ql_rate_budget_pacer(&genesys->budget);
    const struct ql_http_request request = {
        .method = call->method,
        .url = ql_buf_view(&url),
        .headers = headers,
        .n_headers = call->body.len != 0 ? 3 : 2,
        .body = call->body,
        .repeat = call->repeat,
        .follows_redirects = true, /* GET only; http drops the token where the origin changes */
        .allow_loopback = genesys->is_api_loopback,
        .pacer = &pacer,
        .is_cleanup = call->is_cleanup,
        .timeout_ms = call->is_cleanup ? CLEANUP_TIMEOUT_MS : 0,
    };
    enum ql_status status = ql_http_send(genesys->http, &request, response, err);
    explicit_bzero(bearer.ptr, bearer.cap);
    ql_buf_fini(&bearer);
    ql_buf_fini(&url);
    return status;
}

enum ql_status ql_genesys_send(struct ql_genesys *genesys, const struct ql_genesys_call *call,
                               struct ql_http_response *response, bool *was_sent, struct ql_err *err) {
    *response = (struct ql_http_response){.content_length = -1, .retry_after_ms = -1};
    *was_sent = false;
    QL_TRY(ql_oauth_ensure(genesys, err));
    enum ql_status status = send_once(genesys, call, response, err);
    if (status == QL_OK && response->status == 401) { /* refused, so nothing was done: a creating POST may go again, too */
        ql_http_response_fini(response);
        ql_oauth_forget(genesys);
        ql_genesys_note(genesys, "the token was refused; asking for a new one");
        QL_TRY(ql_oauth_ensure(genesys, err));
        status = send_once(genesys, call, response, err);
    }
    *was_sent = response->was_sent;
    return status;
}

enum ql_status ql_genesys_unreadable(const struct ql_genesys *genesys, const struct ql_http_response *response,
                                     enum ql_status status, struct ql_err *err) {
    struct ql_error_body body;
    ql_error_body_read(genesys, response, &body);
    if (body.is_html) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the answer (%ld) is an HTML page, not JSON", response->status);
        ql_err_hint(err,
                    "check that the host is the right one (GENESYS_ENVIRONMENT, --login-url, --api-url), and what a gateway or "
                    "proxy in between says");
    } else {
        ql_err_wrap(err, "reading an answer of status %ld", response->status);
    }
    ql_error_note_answer(response, &body, err);
    return status;
}

enum ql_status ql_genesys_parse(const struct ql_genesys *genesys, const struct ql_http_response *response,
                                struct ql_json **json, struct ql_err *err) {
    struct ql_str text = ql_buf_view(&response->body);
    *json = NULL;
    if (text.len > genesys->options.max_json_bytes) {
        QL_FAIL(err, QL_E_LIMIT, "an answer of %zu bytes of JSON is larger than %zu", text.len,
                genesys->options.max_json_bytes);
        ql_err_hint(err, "raise --max-json-bytes if the answer is right");
        return QL_E_LIMIT;
    }
    enum ql_status status = ql_json_parse(text, genesys->options.max_json_depth, json, err);
    if (status == QL_OK && !ql_json_is_object(*json)) {
        ql_json_free(*json);
        *json = NULL;
        status = QL_FAIL(err, QL_E_PROTOCOL, "no JSON object");
    }
    return status == QL_OK ? QL_OK : ql_genesys_unreadable(genesys, response, status, err);
}

/* ---- what requests say of time */

void ql_genesys_put_period(int64_t period_us, struct ql_buf *out) {
    static const struct {
        int64_t s;
        const char *before;
        char unit;
    } UNITS[] = {{86400, "P", 'D'}, {3600, "PT", 'H'}, {60, "PT", 'M'}, {1, "PT", 'S'}};
    int64_t s = period_us / QL_US_PER_S;
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (s % UNITS[i].s == 0) {
            ql_buf_printf(out, "%s%lld%c", UNITS[i].before, (long long)(s / UNITS[i].s), UNITS[i].unit);
            return;
        }
    }
}

void ql_genesys_put_interval(int64_t from_us, int64_t to_us, struct ql_buf *out) {
    char text[QL_TIME_TEXT_SIZE];
    ql_buf_put(out, text, ql_time_format(from_us, text));
    ql_buf_putc(out, '/');
    ql_buf_put(out, text, ql_time_format(to_us, text));
}

/* ---- refusals */

static enum ql_status no_permission(const struct ql_genesys *genesys, const struct ql_error_body *body, const char *words,
                                    struct ql_err *err) {
    if (body->permissions[0] == '\0') {
        QL_FAIL(err, QL_E_PERMISSION, "the OAuth client '%.*s' may not do this: %s", QL_STR_ARG(genesys->options.client_id),
                words);
    } else {
        QL_FAIL(err, QL_E_PERMISSION, "the OAuth client '%.*s' lacks the permission '%s'",
                QL_STR_ARG(genesys->options.client_id), body->permissions);
    }
    ql_permission_hint(body->permissions[0] != '\0' ? "it" : "the missing permission", err);
    return QL_E_PERMISSION;
}

/* "403 (missing.permissions): the server's sentence" */
static void put_words(const struct ql_http_response *response, const struct ql_error_body *body, char *out, size_t size) {
    const char *page = body->is_html ? " with an HTML page" : "";
    if (body->code[0] == '\0' && body->message[0] == '\0') {
        (void)snprintf(out, size, "%ld%s", response->status, page);
    } else if (body->code[0] == '\0') {
        (void)snprintf(out, size, "%ld: %s", response->status, body->message);
    } else {
        (void)snprintf(out, size, "%ld (%s): %s", response->status, body->code, body->message);
    }
}

static enum ql_status status_of(long http_status) {
    switch (http_status) {
    case 401:
        return QL_E_AUTH;
    case 408:
        return QL_E_SERVER;
    case 429:
        return QL_E_RATE;
    default:
        return http_status >= 500 ? QL_E_SERVER : QL_E_PROTOCOL;
    }
}

static void hint_at_cause(const struct ql_http_response *response, const struct ql_error_body *body, struct ql_err *err) {
    if (response->status == 401) {
        ql_err_hint(err, "the token was new and is refused: check that the login host and the API host are of one region "
                         "(GENESYS_ENVIRONMENT, --login-url, --api-url)");
    } else if (response->status == 429) {
        ql_err_hint(err, "run again later; other programs may use the same OAuth client, give queuelake one of its own");
    } else if (body->is_html || (response->status >= 300 && response->status < 400)) {
        ql_err_hint(
            err,
            "check that this is the API host of your region (GENESYS_ENVIRONMENT, --api-url), and what a gateway or proxy in "
            "between says");
    } else if (response->status == 404) {
        ql_err_hint(
            err,
            "check that the API host is right (GENESYS_ENVIRONMENT, --api-url) and that the organization offers this export");
    } else if (response->status == 413) {
        ql_err_hint(err, "ask for less in one run: a shorter range or fewer metrics");
    }
}

enum ql_status ql_genesys_explain(const struct ql_genesys *genesys, const char *host, const struct ql_http_response *response,
                                  struct ql_err *err) {
    struct ql_error_body body;
    char words[sizeof body.message + sizeof body.code + 64];
    ql_error_body_read(genesys, response, &body);
    put_words(response, &body, words, sizeof words);
    enum ql_status status = status_of(response->status);
    if (response->status == 403) {
        status = no_permission(genesys, &body, words, err);
    } else {
        QL_FAIL(err, status, "'%s' answers %s", host, words);
        hint_at_cause(response, &body, err);
    }
    ql_error_note_answer(response, &body, err);
    return status;
}
