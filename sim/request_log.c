#include "sim/request_log.h"

#include "base/mem.h"
#include "sim/fault_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum ql_status ql_sim_log_open(struct ql_sim_log *log, const char *path, int64_t start_ms, struct ql_err *err) {
    *log = (struct ql_sim_log){.fd = -1, .start_ms = start_ms};
    (void)pthread_mutex_init(&log->lock, NULL);
    if (path != NULL) {
        log->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
        if (log->fd < 0) {
            return ql_err_set_errno(err, QL_E_CANNOT_CREATE, errno, "opening the log '%s'", path);
        }
    }
    return QL_OK;
}

void ql_sim_log_close(struct ql_sim_log *log) {
    if (log->fd >= 0) {
        (void)close(log->fd);
    }
    (void)pthread_mutex_destroy(&log->lock);
}

static bool is_secret_header(const char *name) {
    static const char *const SECRETS[] = {"authorization", "proxy-authorization", "cookie", "x-amz-security-token"};
    for (size_t i = 0; i < sizeof SECRETS / sizeof SECRETS[0]; i++) {
        if (strcasecmp(name, SECRETS[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "Bearer ***": which scheme it was says something, the rest nobody may know. */
static json_t *masked_header(const char *value) {
    struct ql_str rest;
    struct ql_str scheme = ql_str_split(ql_str_from(value), ' ', &rest);
    return rest.len != 0 ? json_sprintf("%.*s ***", QL_STR_ARG(scheme)) : json_string("***");
}

/* json_string is NULL for what is not UTF-8; a request may hold any byte. */
static json_t *text_json(struct ql_str text) {
    if (text.ptr == NULL) {
        return json_string("");
    }
    json_t *json = json_stringn(text.ptr, text.len);
    if (json == NULL) {
        struct ql_buf escaped = {0};
        for (size_t i = 0; i < text.len; i++) {
            ql_buf_printf(&escaped, (unsigned char)text.ptr[i] < 0x80 ? "%c" : "\\x%02x", (unsigned char)text.ptr[i]);
        }
        json = json_stringn(ql_buf_text(&escaped), escaped.len);
        ql_buf_fini(&escaped);
    }
    return json != NULL ? json : json_null();
}

static json_t *headers_json(const struct ql_sim_request *request) {
    json_t *headers = json_object();
    for (size_t i = 0; i < request->n_headers; i++) {
        char *name = ql_mem_strdup(request->headers[i].name);
        for (char *c = name; *c != '\0'; c++) {
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        }
        const char *value = request->headers[i].value;
        (void)json_object_set_new(headers, name, is_secret_header(name) ? masked_header(value) : text_json(ql_str_from(value)));
        ql_mem_free(name);
    }
    return headers;
}

static bool is_secret_parameter(struct ql_str name) {
    static const char *const SECRETS[] = {"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "access_token",
                                          "client_secret"};
    for (size_t i = 0; i < sizeof SECRETS / sizeof SECRETS[0]; i++) {
        if (ql_str_eq_nocase(name, ql_str_from(SECRETS[i]))) {
            return true;
        }
    }
    return false;
}

static json_t *masked_query(struct ql_str query) {
    struct ql_buf masked = {0};
    while (query.len != 0) {
        struct ql_str value;
        struct ql_str pair = ql_str_split(query, '&', &query);
        struct ql_str name = ql_str_split(pair, '=', &value);
        ql_buf_puts(&masked, masked.len != 0 ? "&" : "");
        if (is_secret_parameter(name)) {
            ql_buf_put_str(&masked, name);
            ql_buf_puts(&masked, "=***");
        } else {
            ql_buf_put_str(&masked, pair);
        }
    }
    json_t *json = text_json(ql_buf_view(&masked));
    ql_buf_fini(&masked);
    return json;
}

/* The body of a JSON request, so that a test sees what was asked. A form is left out, because it may hold credentials. */
static json_t *body_json(const struct ql_sim_request *request) {
    json_t *body = request->body.len != 0 ? json_loadb(request->body.ptr, request->body.len, 0, NULL) : NULL;
    return body != NULL ? body : json_null();
}

static json_t *number_or_null(int64_t value, bool is_there) {
    return is_there ? json_integer(value) : json_null();
}

static char *make_line(const struct ql_sim_log *log, const struct ql_sim_request *request, const struct ql_sim_answer *answer,
                       int64_t sent_bytes) {
    const struct ql_sim_fault *fault = request->fault;
    bool is_silent = fault != NULL && ql_sim_fault_is_silent(fault);
    json_t *line = json_object();
    (void)json_object_set_new(line, "time_ms", json_integer(request->time_ms - log->start_ms));
    (void)json_object_set_new(line, "number", json_integer((json_int_t)request->number));
    (void)json_object_set_new(line, "connection", json_integer((json_int_t)request->connection));
    (void)json_object_set_new(line, "host", json_string(ql_sim_host_name(request->host)));
    (void)json_object_set_new(line, "method", text_json(ql_str_from(request->method)));
    (void)json_object_set_new(line, "path", text_json(request->path));
    (void)json_object_set_new(line, "query", masked_query(request->query));
    (void)json_object_set_new(line, "has_authorization",
                              json_boolean(ql_sim_request_get_header(request, "Authorization") != NULL));
    (void)json_object_set_new(line, "token", number_or_null((int64_t)request->token_number, request->token_number != 0));
    (void)json_object_set_new(line, "headers", headers_json(request));
    (void)json_object_set_new(line, "request_bytes", json_integer(request->body_bytes));
    (void)json_object_set_new(line, "request_json", body_json(request));
    (void)json_object_set_new(line, "status", number_or_null(answer->status, !is_silent));
    (void)json_object_set_new(line, "fault", fault != NULL ? json_string(fault->kinds) : json_null());
    (void)json_object_set_new(line, "rule", number_or_null((int64_t)request->fault_rule, fault != NULL));
    (void)json_object_set_new(line, "body_bytes", number_or_null(sent_bytes, sent_bytes >= 0));
    (void)json_object_set_new(line, "id", json_string(request->id));
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    return text;
}

void ql_sim_log_write(struct ql_sim_log *log, const struct ql_sim_request *request, const struct ql_sim_answer *answer,
                      int64_t sent_bytes) {
    if (log->fd < 0) {
        return;
    }
    char *text = make_line(log, request, answer, sent_bytes);
    if (text == NULL) {
        return;
    }
    struct ql_buf line = {0};
    ql_buf_printf(&line, "%s\n", text);
    free(text);
    (void)pthread_mutex_lock(&log->lock);
    for (size_t at = 0; at < line.len;) {
        ssize_t n = write(log->fd, line.ptr + at, line.len - at);
        if (n < 0 && errno != EINTR) {
            break; /* a full disk: the tests that read the log will say so */
        }
        at += n > 0 ? (size_t)n : 0;
    }
    (void)pthread_mutex_unlock(&log->lock);
    ql_buf_fini(&line);
}
