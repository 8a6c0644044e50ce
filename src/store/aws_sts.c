/**
 * Roles: STS AssumeRole, signed by other credentials, and AssumeRoleWithWebIdentity, signed by nobody: the token of an identity
 * provider (IRSA: of the Kubernetes cluster) says who asks. Both are forms sent by POST to the region's own STS and answered in
 * XML (API reference of STS, version 2011-06-15).
 */
#include "store/aws_internal.h"
#include "store/sigv4.h"
#include "store/store_internal.h"

#include <stdio.h>

enum { MAX_HEADERS = 6, MAX_CREDENTIAL_BYTES = 16 * 1024 };

struct exchange {
    struct ql_aws_search *search;
    const struct ql_aws_role *role;
    struct ql_str region;
    struct ql_s3_address address;
    struct ql_buf form, authorization;
    char date[QL_SIGV4_DATE_SIZE], sha256[QL_SHA256_HEX_SIZE];
    struct ql_http_header headers[MAX_HEADERS];
    size_t n_headers;
};

/* ---- the request ---- */

static void put_field(struct ql_buf *form, const char *name, struct ql_str value) {
    if (value.len != 0) {
        ql_buf_printf(form, "%s%s=", form->len != 0 ? "&" : "", name);
        ql_http_encode(value, false, form);
    }
}

static enum ql_status put_token(struct exchange *exchange, struct ql_err *err) {
    struct ql_buf token = {0};
    /* Read anew each time: whoever issues it replaces it long before it expires. */
    enum ql_status status = ql_aws_read_token(exchange->role->token_file, &token, err);
    if (status == QL_OK) {
        status = ql_aws_add_secret(exchange->search, ql_buf_view(&token), err);
        put_field(&exchange->form, "WebIdentityToken", ql_buf_view(&token));
    } else {
        ql_err_wrap(err, "web identity");
    }
    ql_aws_buf_fini_secret(&token);
    return status;
}

static enum ql_status make_form(struct exchange *exchange, struct ql_err *err) {
    const struct ql_aws_role *role = exchange->role;
    struct ql_buf *form = &exchange->form;
    char name[64];
    char duration[32];
    (void)snprintf(name, sizeof name, "queuelake-%lld", (long long)(exchange->search->world->now_us() / QL_US_PER_S));
    (void)snprintf(duration, sizeof duration, "%lld", (long long)role->duration_s);
    put_field(form, "Action", role->source != NULL ? QL_STR("AssumeRole") : QL_STR("AssumeRoleWithWebIdentity"));
    put_field(form, "Version", QL_STR("2011-06-15"));
    put_field(form, "RoleArn", role->arn);
    put_field(form, "RoleSessionName", role->session_name.len != 0 ? role->session_name : ql_str_from(name));
    put_field(form, "DurationSeconds", role->duration_s != 0 ? ql_str_from(duration) : (struct ql_str){0});
    put_field(form, "ExternalId", role->external_id);
    return role->source != NULL ? QL_OK : put_token(exchange, err);
}

static void add_header(struct exchange *exchange, const char *name, struct ql_str value) {
    if (value.len != 0) {
        exchange->headers[exchange->n_headers++] = (struct ql_http_header){.name = ql_str_from(name), .value = value};
    }
}

static void make_headers(struct exchange *exchange) {
    const struct ql_aws_credentials *source = exchange->role->source;
    add_header(exchange, "Content-Type", QL_STR("application/x-www-form-urlencoded; charset=utf-8"));
    if (source == NULL) {
        return;
    }
    uint8_t digest[QL_SHA256_SIZE];
    ql_sha256_of(exchange->form.ptr, exchange->form.len, digest);
    ql_hex(digest, sizeof digest, exchange->sha256);
    ql_sigv4_date(exchange->search->world->now_us(), exchange->date);
    add_header(exchange, "Host", ql_buf_view(&exchange->address.host));
    add_header(exchange, "x-amz-date", ql_str_from(exchange->date));
    add_header(exchange, "x-amz-security-token", ql_buf_view(&source->session_token));
    const struct ql_sigv4_credentials credentials = {.access_key_id = ql_buf_view(&source->access_key_id),
                                                     .secret_access_key = ql_buf_view(&source->secret_access_key),
                                                     .region = exchange->region,
                                                     .service = QL_STR("sts")};
    const struct ql_sigv4_request request = {.method = "POST",
                                             .path = ql_buf_view(&exchange->address.path),
                                             .headers = exchange->headers,
                                             .n_headers = exchange->n_headers,
                                             .payload_sha256 = ql_str_from(exchange->sha256),
                                             .date = exchange->date};
    ql_sigv4_authorization(&credentials, &request, &exchange->authorization);
    add_header(exchange, "Authorization", ql_buf_view(&exchange->authorization));
}

/* ---- the answer ---- */

static const struct refusal {
    const char *code;
    enum ql_status status;
    bool is_transient;
    const char *hint;
} REFUSALS[] = {
    {"AccessDenied", QL_E_S3_DENIED, false,
     "the role's trust policy must name who asks, and who asks must be allowed sts:AssumeRole on it"},
    {"InvalidIdentityToken", QL_E_S3_DENIED, false,
     "create the identity provider of the cluster in IAM, with the audience sts.amazonaws.com, and name it in the trust "
     "policy"},
    {"IDPRejectedClaim", QL_E_S3_DENIED, false, "see the conditions of the role's trust policy on the token's subject"},
    {"ExpiredTokenException", QL_E_S3_DENIED, false, "the token has expired; see why it is not renewed"},
    {"ExpiredToken", QL_E_S3_DENIED, false, "renew the credentials with which the role is assumed"},
    {"InvalidClientTokenId", QL_E_S3_DENIED, false, "correct the credentials with which the role is assumed"},
    {"SignatureDoesNotMatch", QL_E_S3_DENIED, false,
     "correct the credentials with which the role is assumed, and the clock of this machine"},
    {"RegionDisabledException", QL_E_CONFIG, false, "activate STS in that region, or set AWS_REGION to one where it is active"},
    {"ValidationError", QL_E_CONFIG, false, "correct role_arn, role_session_name, external_id or duration_seconds"},
    {"IDPCommunicationError", QL_E_SERVER, true, "run again later"},
    {"Throttling", QL_E_RATE, true, "run again later"},
};

static const struct refusal *refusal_of(const char *code) {
    for (size_t i = 0; i < sizeof REFUSALS / sizeof REFUSALS[0]; i++) {
        if (strcmp(REFUSALS[i].code, code) == 0) {
            return &REFUSALS[i];
        }
    }
    return NULL;
}

static bool is_transient(const struct ql_http_response *response) {
    struct ql_s3_error error;
    if (response->status < 400 || !ql_xml_s3_error(ql_buf_view(&response->body), &error)) {
        return false;
    }
    const struct refusal *refusal = refusal_of(error.code);
    return refusal != NULL && refusal->is_transient;
}

static enum ql_status fail_answer(struct exchange *exchange, const struct ql_http_response *response, struct ql_err *err) {
    struct ql_s3_error error = {0};
    bool is_error = ql_xml_s3_error(ql_buf_view(&response->body), &error);
    const struct refusal *refusal = refusal_of(error.code);
    enum ql_status status = refusal != NULL           ? refusal->status
                            : response->status >= 500 ? QL_E_SERVER
                            : is_error                ? QL_E_S3_DENIED
                                                      : QL_E_PROTOCOL;
    if (is_error) {
        QL_FAIL(err, status, "STS says %s: %s", error.code, error.message);
    } else {
        QL_FAIL(err, status, "'%s' gave no answer of STS (HTTP %ld)", ql_buf_text(&exchange->address.host), response->status);
        ql_err_hint(err, "see whether a proxy answers for it, or what AWS_ENDPOINT_URL_STS names");
    }
    if (refusal != NULL) {
        ql_err_hint(err, "%s", refusal->hint);
    }
    if (err != NULL) {
        err->http_status = response->status;
        (void)snprintf(err->request_id, sizeof err->request_id, "%s", error.request_id);
        ql_http_redact_err(exchange->search->http, err);
    }
    return status;
}

static enum ql_status read_answer(struct exchange *exchange, const struct ql_http_response *response,
                                  struct ql_aws_credentials *credentials, struct ql_err *err) {
    const char *action = exchange->role->source != NULL ? "AssumeRole" : "AssumeRoleWithWebIdentity";
    struct ql_buf expiration = {0};
    ql_aws_credentials_fini(credentials);
    const struct {
        const char *name;
        struct ql_buf *text;
    } FIELDS[] = {{"AccessKeyId", &credentials->access_key_id},
                  {"SecretAccessKey", &credentials->secret_access_key},
                  {"SessionToken", &credentials->session_token},
                  {"Expiration", &expiration}};
    bool is_whole = true;
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0] && is_whole; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%sResponse/%sResult/Credentials/%s", action, action, FIELDS[i].name);
        (void)ql_buf_reserve(FIELDS[i].text, MAX_CREDENTIAL_BYTES); /* at once: growing would leave copies behind */
        is_whole = ql_xml_text(ql_buf_view(&response->body), path, FIELDS[i].text) && FIELDS[i].text->len != 0;
    }
    is_whole = is_whole && ql_aws_time_parse(ql_buf_view(&expiration), &credentials->expires_us);
    ql_buf_fini(&expiration);
    return is_whole ? QL_OK : fail_answer(exchange, response, err);
}

/* What http cannot know: refusals that are 400, and may pass all the same. */
static enum ql_status send_until_settled(struct exchange *exchange, const struct ql_http_request *request,
                                         struct ql_http_response *response, struct ql_err *err) {
    enum { ATTEMPTS = 3, WAIT_MS = 500 };
    for (int i = 1;; i++) {
        enum ql_status status = ql_aws_send(exchange->search, request, response, err);
        if (status != QL_OK || i == ATTEMPTS || !is_transient(response)) {
            return status;
        }
        ql_http_response_fini(response);
        QL_TRY(exchange->search->world->wait(exchange->search->http, i * WAIT_MS, "STS is busy", err));
    }
}

static enum ql_status send(struct exchange *exchange, struct ql_aws_credentials *credentials, struct ql_err *err) {
    const struct ql_http_request request = {.method = "POST",
                                            .url = ql_buf_view(&exchange->address.url),
                                            .headers = exchange->headers,
                                            .n_headers = exchange->n_headers,
                                            .body = ql_buf_view(&exchange->form),
                                            .repeat = QL_HTTP_REPEAT_ALWAYS}; /* an unused session more does no harm */
    struct ql_http_response response = {0};
    enum ql_status status = send_until_settled(exchange, &request, &response, err);
    if (status == QL_OK && response.status == 200) {
        status = read_answer(exchange, &response, credentials, err);
    } else if (status == QL_OK) {
        status = fail_answer(exchange, &response, err);
    }
    ql_http_response_fini(&response);
    return status;
}

enum ql_status ql_aws_assume_role(struct ql_aws_search *search, const struct ql_aws_role *role,
                                  struct ql_aws_credentials *credentials, struct ql_err *err) {
    struct ql_str region = search->options->s3->region;
    struct exchange exchange = {.search = search, .role = role, .region = region.len != 0 ? region : QL_STR("us-east-1")};
    if (role->source != NULL) {
        QL_TRY(ql_aws_add_secret(search, ql_buf_view(&role->source->secret_access_key), err));
        QL_TRY(ql_aws_add_secret(search, ql_buf_view(&role->source->session_token), err));
    }
    enum ql_status status = make_form(&exchange, err);
    if (status == QL_OK) {
        ql_sts_address_init(&exchange.address, search->options->s3, exchange.region);
        make_headers(&exchange);
        status = send(&exchange, credentials, err);
    }
    if (status != QL_OK) {
        ql_err_wrap(err, "cannot assume the role '%.*s'", (int)(role->arn.len < 200 ? role->arn.len : 200), role->arn.ptr);
    }
    ql_s3_address_fini(&exchange.address);
    ql_aws_buf_fini_secret(&exchange.form);
    ql_buf_fini(&exchange.authorization);
    return status;
}
