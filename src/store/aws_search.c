/** What the places where credentials may be share: variables, files, requests to metadata services, and the notes of a search
 * that has not found any yet. */
#include "store/aws_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 1024 * 1024 };

void ql_aws_search_fini(struct ql_aws_search *search) {
    ql_http_free(search->http);
    ql_buf_fini(&search->absences);
    search->http = NULL;
}

void ql_aws_absent(struct ql_aws_search *search, enum ql_status status, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ql_buf_printf(&search->absences, "%s%s", search->absences.len != 0 ? "; " : "", text);
    search->absence = status;
}

void ql_aws_buf_fini_secret(struct ql_buf *text) {
    ql_mem_free_secret(text->ptr, text->cap);
    *text = (struct ql_buf){0};
}

struct ql_str ql_aws_variable(const struct ql_aws_search *search, const char *name) {
    size_t len = strlen(name);
    for (const char *const *at = search->options->environment; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=') {
            return (*at)[len + 1] != '\0' ? ql_str_from(*at + len + 1) : (struct ql_str){0};
        }
    }
    return (struct ql_str){0};
}

bool ql_aws_time_parse(struct ql_str text, int64_t *us) {
    struct ql_time_text time;
    if (!ql_time_parse_iso(text, &time) || !time.has_offset) {
        return false;
    }
    *us = ql_time_from_civil(&time.civil) - time.offset_s * QL_US_PER_S;
    return true;
}

enum ql_status ql_aws_from_environment(struct ql_aws_search *search, struct ql_aws_credentials *credentials, bool *is_found,
                                       struct ql_err *err) {
    struct ql_str id = ql_aws_variable(search, "AWS_ACCESS_KEY_ID");
    struct ql_str secret = ql_aws_variable(search, "AWS_SECRET_ACCESS_KEY");
    struct ql_str expiration = ql_aws_variable(search, "AWS_CREDENTIAL_EXPIRATION");
    ql_aws_credentials_fini(credentials);
    *is_found = id.len != 0;
    if (!*is_found) {
        ql_aws_absent(search, QL_E_CONFIG, "environment: AWS_ACCESS_KEY_ID is not set");
        return QL_OK;
    }
    if (secret.len == 0) {
        QL_FAIL(err, QL_E_CONFIG, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
        ql_err_hint(err, "set both, or neither");
        return QL_E_CONFIG;
    }
    if (expiration.len != 0 && !ql_aws_time_parse(expiration, &credentials->expires_us)) {
        return QL_FAIL(err, QL_E_CONFIG, "AWS_CREDENTIAL_EXPIRATION '%.*s' is no ISO 8601 time", QL_STR_ARG(expiration));
    }
    ql_buf_put_str(&credentials->access_key_id, id);
    ql_buf_put_str(&credentials->secret_access_key, secret);
    ql_buf_put_str(&credentials->session_token, ql_aws_variable(search, "AWS_SESSION_TOKEN"));
    return QL_OK;
}

/* ---- files ---- */

static enum ql_status read_all(int fd, const char *path, struct ql_buf *text, struct ql_err *err) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return ql_err_set_errno(err, QL_E_CONFIG, errno, "cannot read '%s'", path);
    }
    if (S_ISDIR(status.st_mode)) {
        return QL_FAIL(err, QL_E_CONFIG, "'%s' is a folder, not a file", path);
    }
    /* At once, so that no copy of a secret stays in memory that a growing buffer gave back. */
    size_t room = S_ISREG(status.st_mode) && status.st_size < MAX_FILE_BYTES ? (size_t)status.st_size + 1 : MAX_FILE_BYTES + 1;
    char *bytes = ql_buf_reserve(text, room);
    for (;;) {
        ssize_t n = read(fd, bytes + text->len, room - text->len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ql_err_set_errno(err, QL_E_CONFIG, errno, "cannot read '%s'", path);
        }
        text->len += (size_t)n;
        if (n == 0) {
            return QL_OK;
        }
        if (text->len == room) {
            return QL_FAIL(err, QL_E_CONFIG, "'%s' %s", path,
                           room > MAX_FILE_BYTES ? "is larger than 1 MiB" : "grew while it was read");
        }
    }
}

enum ql_status ql_aws_read_file(const char *path, struct ql_buf *text, bool *is_missing, struct ql_err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int errnum = errno;
    if (is_missing != NULL) {
        *is_missing = fd < 0 && (errnum == ENOENT || errnum == ENOTDIR);
        if (*is_missing) {
            return QL_OK;
        }
    }
    if (fd < 0) {
        ql_err_set_errno(err, QL_E_CONFIG, errnum, "cannot open '%s'", path);
        ql_err_hint(err, "check that the file is there and that the user who runs queuelake may read it");
        return QL_E_CONFIG;
    }
    enum ql_status status = read_all(fd, path, text, err);
    (void)close(fd); /* read only */
    return status;
}

enum ql_status ql_aws_read_token(struct ql_str path, struct ql_buf *token, struct ql_err *err) {
    char *name = ql_mem_strndup(path.ptr, path.len);
    enum ql_status status = ql_aws_read_file(name, token, NULL, err);
    struct ql_str text = ql_str_trim(ql_buf_view(token));
    if (status == QL_OK && text.len == 0) {
        status = QL_FAIL(err, QL_E_CONFIG, "the token file '%s' is empty", name);
    } else if (status == QL_OK) {
        memmove(token->ptr, text.ptr, text.len);
        token->len = text.len;
        token->ptr[token->len] = '\0'; /* there was room for one byte more than the file */
    }
    ql_mem_free(name);
    return status;
}

/* ---- requests ---- */

static enum ql_status make_client(struct ql_aws_search *search, struct ql_err *err) {
    if (search->http != NULL) {
        return QL_OK;
    }
    struct ql_http_options options = *search->options->http;
    options.on_wait = NULL; /* it belongs to the thread of the run */
    QL_TRY(ql_http_new(&options, &search->http, err));
    static const char *const SECRETS[] = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"};
    for (size_t i = 0; i < sizeof SECRETS / sizeof SECRETS[0]; i++) {
        ql_http_add_secret(search->http, ql_aws_variable(search, SECRETS[i]));
    }
    return QL_OK;
}

enum ql_status ql_aws_add_secret(struct ql_aws_search *search, struct ql_str secret, struct ql_err *err) {
    QL_TRY(make_client(search, err));
    ql_http_add_secret(search->http, secret);
    return QL_OK;
}

enum ql_status ql_aws_send(struct ql_aws_search *search, const struct ql_http_request *request,
                           struct ql_http_response *response, struct ql_err *err) {
    QL_TRY(make_client(search, err));
    return search->world->send(search->http, request, response, err);
}

static bool may_pass(enum ql_status status, const struct ql_http_response *response) {
    return status == QL_OK ? response->status == 429 || response->status >= 500
                           : status == QL_E_NETWORK || status == QL_E_TIMEOUT || status == QL_E_TRUNCATED;
}

enum ql_status ql_aws_ask(struct ql_aws_search *search, const struct ql_aws_ask *ask, struct ql_http_response *response,
                          struct ql_err *err) {
    const struct ql_http_request request = {.method = ask->method,
                                            .url = ask->url,
                                            .headers = ask->headers,
                                            .n_headers = ask->n_headers,
                                            .repeat = QL_HTTP_REPEAT_NEVER,
                                            .is_metadata = true,
                                            .timeout_ms = ask->timeout_ms};
    for (int i = 1;; i++) {
        enum ql_status status = ql_aws_send(search, &request, response, err);
        if (i == ask->attempts || !may_pass(status, response)) {
            return status;
        }
        ql_http_response_fini(response);
        QL_TRY(search->world->wait(search->http, ask->wait_ms, NULL, err));
    }
}

/* ---- text from elsewhere ---- */

static bool is_key_char(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

/* A secret key of AWS is 40 such characters in a row, a session token some hundreds. */
static void mask_keys(struct ql_str text, struct ql_buf *out) {
    enum { KEY_LEN = 40, TOKEN_LEN = 100 };
    for (size_t i = 0; i < text.len;) {
        size_t n = 0;
        while (i + n < text.len && is_key_char(text.ptr[i + n])) {
            n++;
        }
        if (n == KEY_LEN || n >= TOKEN_LEN) {
            ql_buf_puts(out, "***");
        } else {
            n = n != 0 ? n : 1;
            ql_buf_put(out, text.ptr + i, n);
        }
        i += n;
    }
}

enum ql_status ql_aws_redact(struct ql_aws_search *search, struct ql_buf *text, struct ql_err *err) {
    QL_TRY(make_client(search, err));
    ql_http_redact(search->http, text);
    struct ql_buf out = {0};
    mask_keys(ql_str_trim(ql_buf_view(text)), &out);
    for (size_t i = 0; i < out.len; i++) {
        unsigned char c = (unsigned char)out.ptr[i];
        out.ptr[i] = c < 0x20 || c == 0x7f ? ' ' : out.ptr[i];
    }
    ql_aws_buf_fini_secret(text);
    *text = out;
    return QL_OK;
}
