/*
 * The token: OAuth 2 client credentials (RFC 6749, 4.4) at the region's login host. It lives in memory only, is used until a
 * minute before it expires by the monotonic clock, and is registered as a secret with http before anything else is done with
 * it.
 *
 * The login host says which half of the credentials is wrong, and this says it on. A right pair in the wrong region is "client
 * not found" too, because a client exists in one region: so the region is always named with the id.
 */
#include "source/source_internal.h"

#include "base/time.h"

#include <stdio.h>

enum {
    RENEW_EARLY_MS = 60 * 1000,
    LIFE_UNKNOWN_S = 300 /* the shortest that a client can be set to */
};

#define REGIONS_HINT "a region's domain is, for example, mypurecloud.com, mypurecloud.ie, mypurecloud.de, usw2.pure.cloud"

void ql_base64_encode(struct ql_str bytes, struct ql_buf *out) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (j < n ? (unsigned char)bytes.ptr[i + j] : 0u);
        }
        for (size_t j = 0; j < 4; j++) {
            ql_buf_putc(out, j <= n ? DIGITS[group >> (18 - 6 * j) & 63] : '=');
        }
    }
}

void ql_oauth_forget(struct ql_genesys *genesys) {
    if (genesys->token.ptr != NULL) {
        explicit_bzero(genesys->token.ptr, genesys->token.cap);
    }
    ql_buf_reset(&genesys->token);
    genesys->token_until_ms = 0;
}

/* ---- refusals */

static bool says(const struct ql_error_body *body, const char *words) {
    return strcasestr(body->message, words) != NULL;
}

static void hint_at_region(const struct ql_genesys *genesys, const char *first, struct ql_err *err) {
    struct ql_str environment = genesys->options.environment;
    if (genesys->options.login_url.len != 0) {
        ql_err_hint(err, "%scheck --login-url: '%s' has to be the login host of your region (GENESYS_ENVIRONMENT)", first,
                    ql_buf_text(&genesys->login_host));
    } else {
        ql_err_hint(err, "%scheck GENESYS_ENVIRONMENT ('%.*s'): " REGIONS_HINT, first, QL_STR_ARG(environment));
    }
}

static enum ql_status refuse_client(const struct ql_genesys *genesys, const struct ql_error_body *body, struct ql_err *err) {
    const char *host = ql_buf_text(&genesys->login_host);
    struct ql_str id = genesys->options.client_id;
    if (says(body, "client not found")) {
        QL_FAIL(err, QL_E_AUTH, "the client id '%.*s' is not known at '%s' (client not found)", QL_STR_ARG(id), host);
        hint_at_region(genesys, "check GENESYS_CLIENT_ID; a client exists in one region only, so ", err);
    } else if (says(body, "authentication failed")) {
        QL_FAIL(err, QL_E_AUTH, "the client secret is wrong: '%s' knows the client '%.*s' but refuses its secret", host,
                QL_STR_ARG(id));
        ql_err_hint(err, "check GENESYS_CLIENT_SECRET, or make a new secret in Admin > Integrations > OAuth");
    } else if (says(body, "disabled") || says(body, "inactive")) {
        QL_FAIL(err, QL_E_AUTH, "the OAuth client '%.*s' is %s: '%s' says '%s'", QL_STR_ARG(id),
                says(body, "disabled") ? "disabled" : "inactive", host, body->message);
        ql_err_hint(err, "enable the client in Admin > Integrations > OAuth, or use another one");
    } else if (strcmp(body->code, "unauthorized_client") == 0 || strcmp(body->code, "unsupported_grant_type") == 0) {
        QL_FAIL(err, QL_E_AUTH, "the OAuth client '%.*s' may not use this grant: '%s' says '%s'", QL_STR_ARG(id), host,
                body->message);
        ql_err_hint(err, "queuelake needs a client with the grant type 'Client Credentials' (Admin > Integrations > OAuth)");
    } else {
        QL_FAIL(err, QL_E_AUTH, "'%s' refuses the client '%.*s': %s%s%s", host, QL_STR_ARG(id), body->code,
                body->message[0] != '\0' ? ", " : "", body->message);
        hint_at_region(genesys, "check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET, and ", err);
    }
    return QL_E_AUTH;
}

static enum ql_status refuse_host(const struct ql_genesys *genesys, const struct ql_http_response *response,
                                  const struct ql_error_body *body, struct ql_err *err) {
    QL_FAIL(err, QL_E_PROTOCOL, "'%s' answers %ld%s and is no login host of Genesys Cloud", ql_buf_text(&genesys->login_host),
            response->status, body->is_html ? " with an HTML page" : "");
    hint_at_region(genesys, "", err);
    return QL_E_PROTOCOL;
}

static enum ql_status refuse(const struct ql_genesys *genesys, const struct ql_http_response *response, struct ql_err *err) {
    struct ql_error_body body;
    ql_error_body_read(genesys, response, &body);
    enum ql_status status;
    if (response->status == 429 || response->status >= 500 || response->status == 408) {
        status = ql_genesys_explain(genesys, ql_buf_text(&genesys->login_host), response, err);
    } else if (body.is_json && body.code[0] != '\0' && response->status < 404) {
        status = refuse_client(genesys, &body, err);
    } else if (response->status == 401 || response->status == 403) {
        status = QL_FAIL(err, QL_E_AUTH, "'%s' refuses the client '%.*s' with status %ld", ql_buf_text(&genesys->login_host),
                         QL_STR_ARG(genesys->options.client_id), response->status);
        hint_at_region(genesys, "check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET, and ", err);
    } else {
        status = refuse_host(genesys, response, &body, err);
    }
    ql_error_note_answer(response, &body, err);
    return status;
}

/* ---- the token */

/* A list of names, or one text of names with blanks between (RFC 6749, section 3.3). */
static void put_scopes(struct ql_genesys *genesys, const struct ql_json *stated) {
    ql_buf_put_str(&genesys->scopes, ql_json_text(stated));
    for (size_t i = 0; i < ql_json_length(stated); i++) {
        ql_buf_putc(&genesys->scopes, ' ');
        ql_buf_put_str(&genesys->scopes, ql_json_text(ql_json_at(stated, i)));
    }
}

static void keep_token(struct ql_genesys *genesys, const struct ql_json *json, int64_t asked_ms) {
    struct ql_str token = ql_json_get_text(json, "access_token");
    ql_http_add_secret(genesys->http, token);
    double life_s = LIFE_UNKNOWN_S;
    (void)ql_json_get_number(json, "expires_in", &life_s);
    life_s = life_s > 0 && life_s < 1e9 ? life_s : LIFE_UNKNOWN_S;
    int64_t life_ms = (int64_t)(life_s * 1000);
    /* A life of seconds is for tests and for gateways: renewing at its half is early enough there. */
    int64_t early_ms = life_ms / 2 < RENEW_EARLY_MS ? life_ms / 2 : RENEW_EARLY_MS;
    ql_buf_put_str(&genesys->token, token);
    genesys->token_until_ms = asked_ms + life_ms - early_ms;
    ql_buf_reset(&genesys->scopes);
    put_scopes(genesys, ql_json_get(json, "scope"));
}

static enum ql_status take_token(struct ql_genesys *genesys, const struct ql_http_response *response, int64_t asked_ms,
                                 struct ql_err *err) {
    struct ql_error_body body;
    struct ql_json *json = NULL;
    enum ql_status status = ql_genesys_parse(genesys, response, &json, err);
    ql_error_body_read(genesys, response, &body);
    if (status != QL_OK) {
        status = body.is_html ? refuse_host(genesys, response, &body, err) : status;
    } else if (ql_json_get_text(json, "access_token").len != 0) {
        keep_token(genesys, json, asked_ms);
    } else if (ql_json_get_text(json, "error").len != 0) {
        status = refuse(genesys, response, err);
    } else {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the answer of '%s' holds no access token", ql_buf_text(&genesys->login_host));
    }
    if (status != QL_OK) {
        ql_error_note_answer(response, &body, err);
    }
    ql_json_free(json);
    return status;
}

/* "Basic base64(id:secret)", which is a secret itself. */
static void put_basic(struct ql_genesys *genesys, struct ql_buf *out) {
    struct ql_buf pair = {0};
    ql_buf_put_str(&pair, genesys->options.client_id);
    ql_buf_putc(&pair, ':');
    ql_buf_put_str(&pair, genesys->options.client_secret);
    ql_buf_puts(out, "Basic ");
    size_t start = out->len;
    ql_base64_encode(ql_buf_view(&pair), out);
    ql_http_add_secret(genesys->http, (struct ql_str){out->ptr + start, out->len - start});
    explicit_bzero(pair.ptr, pair.cap);
    ql_buf_fini(&pair);
}

static enum ql_status ask(struct ql_genesys *genesys, struct ql_http_response *response, struct ql_err *err) {
    struct ql_buf url = {0};
    struct ql_buf basic = {0};
    ql_buf_put_str(&url, ql_buf_view(&genesys->login_url));
    ql_buf_puts(&url, "/oauth/token");
    put_basic(genesys, &basic);
    const struct ql_http_header headers[] = {
        {QL_STR("Authorization"), ql_buf_view(&basic)},
        {QL_STR("Content-Type"), QL_STR("application/x-www-form-urlencoded")},
        {QL_STR("Accept"), QL_STR("application/json")},
    };
    const struct ql_http_request request = {
        .method = "POST",
        .url = ql_buf_view(&url),
        .headers = headers,
        .n_headers = sizeof headers / sizeof headers[0],
        .body = QL_STR("grant_type=client_credentials"),
        .repeat = QL_HTTP_REPEAT_ALWAYS, /* a second token harms nobody */
    };
    enum ql_status status = ql_http_send(genesys->http, &request, response, err);
    explicit_bzero(basic.ptr, basic.cap);
    ql_buf_fini(&basic);
    ql_buf_fini(&url);
    return status;
}

enum ql_status ql_oauth_ensure(struct ql_genesys *genesys, struct ql_err *err) {
    int64_t asked_ms = ql_time_monotonic_ms();
    if (genesys->token.len != 0 && asked_ms < genesys->token_until_ms) {
        return QL_OK;
    }
    ql_oauth_forget(genesys);
    struct ql_http_response response;
    enum ql_status status = ask(genesys, &response, err);
    if ((status == QL_E_NETWORK || status == QL_E_TIMEOUT) && !response.was_sent) {
        hint_at_region(genesys, "check the network (DNS, a proxy: HTTPS_PROXY), and ", err);
    } else if (status == QL_OK) {
        status = response.status == 200 ? take_token(genesys, &response, asked_ms, err) : refuse(genesys, &response, err);
    }
    ql_http_response_fini(&response);
    if (status != QL_OK) {
        ql_err_wrap(err, "getting a token");
    }
    return status;
}

/* ---- scopes */

bool ql_scopes_have(struct ql_str scopes, struct ql_str needed) {
    for (size_t i = 0; i < scopes.len;) {
        size_t start = i;
        while (i < scopes.len && strchr(" ,", scopes.ptr[i]) == NULL) {
            i++;
        }
        struct ql_str scope = {scopes.ptr + start, i - start};
        bool is_whole = ql_str_eq(scope, needed);
        bool is_above = scope.len != 0 && scope.len < needed.len && memcmp(scope.ptr, needed.ptr, scope.len) == 0 &&
                        needed.ptr[scope.len] == ':';
        if (is_whole || is_above || ql_str_eq(scope, QL_STR("*"))) {
            return true;
        }
        i++;
    }
    return false;
}

/* Clients with this grant have roles, and normally no scopes: an organisation that has no such answer, or whose list is empty,
 * says nothing. */
static enum ql_status ask_for_scopes(struct ql_genesys *genesys, struct ql_err *err) {
    const struct ql_genesys_call call = {.method = "GET", .path = "/api/v2/tokens/me", .repeat = QL_HTTP_REPEAT_ALWAYS};
    struct ql_http_response response;
    bool was_sent;
    struct ql_json *json = NULL;
    enum ql_status status = ql_genesys_send(genesys, &call, &response, &was_sent, err);
    if (status == QL_OK && (response.status == 401 || response.status == 429)) {
        status = ql_genesys_explain(genesys, ql_buf_text(&genesys->api_host), &response, err);
    } else if (status == QL_OK && response.status == 200) {
        status = ql_genesys_parse(genesys, &response, &json, err);
    }
    put_scopes(genesys, ql_json_get(json, "authorizedScope"));
    ql_json_free(json);
    ql_http_response_fini(&response);
    if (status != QL_OK) {
        ql_err_wrap(err, "looking at the token");
    }
    return status;
}

enum ql_status ql_oauth_check_scopes(struct ql_genesys *genesys, const char *const *needed, size_t n_needed,
                                     struct ql_err *err) {
    QL_TRY(ql_oauth_ensure(genesys, err));
    if (genesys->scopes.len == 0) {
        QL_TRY(ask_for_scopes(genesys, err));
    }
    struct ql_str scopes = ql_str_trim(ql_buf_view(&genesys->scopes));
    for (size_t i = 0; i < n_needed && scopes.len != 0; i++) {
        if (!ql_scopes_have(scopes, ql_str_from(needed[i]))) {
            QL_FAIL(err, QL_E_PERMISSION, "the token of client '%.*s' lacks the scope '%s'",
                    QL_STR_ARG(genesys->options.client_id), needed[i]);
            ql_err_hint(
                err, "add the scope to the OAuth client (Admin > Integrations > OAuth > the client > Scope), then run again");
            return QL_E_PERMISSION;
        }
    }
    return QL_OK;
}

enum ql_status ql_oauth_check_credentials(const struct ql_genesys *genesys, struct ql_err *err) {
    const struct ql_genesys_options *options = &genesys->options;
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
