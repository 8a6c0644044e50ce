/**
 * Credentials of a container: ECS tasks (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI), EKS Pod Identity and others
 * (AWS_CONTAINER_CREDENTIALS_FULL_URI), as "Container credential provider" of the SDKs' reference guide has it.
 *
 * Over plain http only the addresses that AWS has set aside for this and this machine itself are asked: a variable alone must
 * not send the container's token elsewhere.
 */
#include "store/aws_internal.h"

#include <stdio.h>

enum { ATTEMPTS = 3, TIMEOUT_MS = 2000, WAIT_MS = 250 };

#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"

static bool is_host(struct ql_str url, const char *host) {
    struct ql_buf text = {0};
    ql_http_put_host(url, &text);
    struct ql_str port;
    struct ql_str name = ql_buf_view(&text);
    name = name.len != 0 && name.ptr[0] == '[' ? name : ql_str_split(name, ':', &port);
    bool is_it = ql_str_eq(name, ql_str_from(host)) ||
                 (ql_str_has_prefix(name, host) && host[0] == '[' && name.ptr[strlen(host)] == ':');
    ql_buf_fini(&text);
    return is_it;
}

static enum ql_status check_url(struct ql_str url, struct ql_err *err) {
    static const char *const HOSTS[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    bool is_fine = ql_str_has_prefix(url, "https://") || ql_http_is_loopback(url);
    for (size_t i = 0; i < sizeof HOSTS / sizeof HOSTS[0]; i++) {
        is_fine = is_fine || (ql_str_has_prefix(url, "http://") && is_host(url, HOSTS[i]));
    }
    if (is_fine) {
        return QL_OK;
    }
    struct ql_buf host = {0};
    ql_http_put_host(url, &host);
    QL_FAIL(err, QL_E_CONFIG, FULL " names '%s', which must not be asked for credentials over plain http", ql_buf_text(&host));
    ql_err_hint(err, "allowed are https, this machine, 169.254.170.2 (ECS), 169.254.170.23 and [fd00:ec2::23] (EKS)");
    ql_buf_fini(&host);
    return QL_E_CONFIG;
}

/* The token, if there is one: a file is read anew each time, because EKS replaces it. */
static enum ql_status read_authorization(struct ql_aws_search *search, struct ql_buf *token, struct ql_err *err) {
    struct ql_str path = ql_aws_variable(search, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (path.len != 0) {
        enum ql_status status = ql_aws_read_token(path, token, err);
        if (status != QL_OK) {
            ql_err_wrap(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
            return status;
        }
    } else {
        ql_buf_put_str(token, ql_aws_variable(search, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    }
    for (size_t i = 0; i < token->len; i++) {
        if (token->ptr[i] == '\r' || token->ptr[i] == '\n') {
            return QL_FAIL(err, QL_E_CONFIG, "the container's authorization token holds a line break");
        }
    }
    return ql_aws_add_secret(search, ql_buf_view(token), err);
}

static enum ql_status fail_answer(struct ql_aws_search *search, const struct ql_http_response *response, struct ql_err *err) {
    struct ql_buf words = {0};
    struct ql_str body = ql_buf_view(&response->body);
    ql_buf_put(&words, ql_buf_text(&response->body), body.len < 300 ? body.len : 300);
    QL_TRY(ql_aws_redact(search, &words, err));
    bool is_refusal = response->status == 401 || response->status == 403 || response->status == 400;
    enum ql_status status = is_refusal ? QL_E_S3_DENIED : response->status >= 500 ? QL_E_SERVER : QL_E_PROTOCOL;
    QL_FAIL(err, status, "HTTP %ld: %s", response->status, ql_buf_text(&words));
    ql_err_hint(err, "see that the task or pod has a role, and for EKS that the Pod Identity agent runs on its node");
    ql_buf_fini(&words);
    if (err != NULL) {
        err->http_status = response->status;
    }
    return status;
}

static enum ql_status ask(struct ql_aws_search *search, struct ql_str url, struct ql_str token,
                          struct ql_aws_credentials *credentials, struct ql_err *err) {
    static const struct ql_aws_answer_form FORM = {.token = "Token", .is_temporary = true};
    const struct ql_http_header headers[] = {{QL_STR("Accept"), QL_STR("application/json")}, {QL_STR("Authorization"), token}};
    const struct ql_aws_ask request = {.method = "GET",
                                       .url = url,
                                       .headers = headers,
                                       .n_headers = token.len != 0 ? 2 : 1,
                                       .timeout_ms = TIMEOUT_MS,
                                       .wait_ms = WAIT_MS,
                                       .attempts = ATTEMPTS};
    struct ql_http_response response = {0};
    enum ql_status status = ql_aws_ask(search, &request, &response, err);
    if (status == QL_OK && response.status != 200) {
        status = fail_answer(search, &response, err);
    } else if (status == QL_OK) {
        status = ql_aws_answer_read(ql_buf_view(&response.body), &FORM, credentials, err);
    }
    ql_http_response_fini(&response);
    return status;
}

enum ql_status ql_aws_from_container(struct ql_aws_search *search, struct ql_aws_credentials *credentials, bool *is_found,
                                     struct ql_err *err) {
    struct ql_str relative = ql_aws_variable(search, RELATIVE);
    struct ql_str full = ql_aws_variable(search, FULL);
    *is_found = relative.len != 0 || full.len != 0;
    if (!*is_found) {
        ql_aws_absent(search, QL_E_CONFIG, "container: " RELATIVE " and _FULL_URI are not set");
        return QL_OK;
    }
    struct ql_buf url = {0};
    struct ql_buf token = {0};
    if (relative.len != 0) {
        ql_buf_printf(&url, "http://169.254.170.2%s%.*s", relative.ptr[0] == '/' ? "" : "/", QL_STR_ARG(relative));
    } else {
        ql_buf_put_str(&url, full);
    }
    enum ql_status status = check_url(ql_buf_view(&url), err);
    if (status == QL_OK) {
        status = read_authorization(search, &token, err);
    }
    if (status == QL_OK) {
        status = ask(search, ql_buf_view(&url), ql_buf_view(&token), credentials, err);
        if (status != QL_OK) {
            ql_err_wrap(err, "no AWS credentials of the container (%s)", relative.len != 0 ? RELATIVE : FULL);
        }
    }
    ql_buf_fini(&url);
    ql_aws_buf_fini_secret(&token);
    return status;
}
