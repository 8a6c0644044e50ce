/*
 * The words of the other side. Genesys Cloud's API answers {message, code, status, messageWithParams, messageParams, contextId,
 * details, errors}, its login host {error, description, error_description}, a gateway in between an HTML page or nothing.
 * Whatever of it can be read is kept; nothing that cannot be read may hide the HTTP status and the correlation id.
 */
#include "source/source_internal.h"

#include "base/unicode.h"

#include <stdio.h>

enum { ERROR_JSON_DEPTH = 32 };

void ql_words_copy(const struct ql_http *http, struct ql_str words, char *out, size_t size) {
    struct ql_buf text = {0};
    ql_buf_put_str(&text, ql_str_trim(words));
    ql_http_redact(http, &text);
    size_t len = text.len < size - 1 ? text.len : size - 1;
    len = ql_utf8_valid_len((struct ql_str){text.ptr, len}); /* a cut character, or what is no text at all, ends it */
    for (size_t i = 0; i < len; i++) {
        out[i] = (unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? ' ' : text.ptr[i];
    }
    out[len] = '\0';
    ql_buf_fini(&text);
}

/* "... {permissions} ..." with messageParams filled in: Genesys Cloud sends a message, this, or both. */
static void fill_params(const struct ql_json *json, struct ql_buf *out) {
    struct ql_str text = ql_json_get_text(json, "messageWithParams");
    const struct ql_json *params = ql_json_get(json, "messageParams");
    while (text.len != 0) {
        struct ql_str rest;
        ql_buf_put_str(out, ql_str_split(text, '{', &rest));
        if (rest.ptr == NULL) {
            return;
        }
        struct ql_str tail;
        struct ql_str name = ql_str_split(rest, '}', &tail);
        char key[64];
        (void)snprintf(key, sizeof key, "%.*s", QL_STR_ARG(name));
        struct ql_str value = ql_json_get_text(params, key);
        ql_buf_put_str(out, value.ptr != NULL ? value : name);
        text = tail;
    }
}

/* Fields that details name: {errorCode, fieldName}. */
static void put_details(const struct ql_json *json, struct ql_buf *out) {
    const struct ql_json *details = ql_json_get(json, "details");
    for (size_t i = 0; i < ql_json_length(details) && i < 5; i++) {
        struct ql_str field = ql_json_get_text(ql_json_at(details, i), "fieldName");
        if (field.len != 0) {
            ql_buf_printf(out, "%s%.*s", i == 0 ? " (field " : ", ", QL_STR_ARG(field));
        }
        if (field.len != 0 && (i + 1 == ql_json_length(details) || i == 4)) {
            ql_buf_putc(out, ')');
        }
    }
}

static void read_message(const struct ql_http *http, const struct ql_json *json, struct ql_error_body *body) {
    static const char *const KEYS[] = {"message", "errorMessage", "error_description", "description"};
    struct ql_buf text = {0};
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0] && text.len == 0; i++) {
        ql_buf_put_str(&text, ql_json_get_text(json, KEYS[i]));
    }
    if (text.len == 0) {
        fill_params(json, &text);
    }
    for (size_t i = 0; i < ql_json_length(ql_json_get(json, "errors")) && text.len == 0; i++) {
        ql_buf_put_str(&text, ql_json_get_text(ql_json_at(ql_json_get(json, "errors"), i), "message"));
    }
    put_details(json, &text);
    ql_words_copy(http, ql_buf_view(&text), body->message, sizeof body->message);
    ql_buf_fini(&text);
}

/* The names of permissions have the form domain:entity:action. They stand in messageParams, or behind the last colon-and-blank
 * of the message. */
static void read_permissions(const struct ql_http *http, const struct ql_json *json, struct ql_error_body *body) {
    struct ql_str named = ql_json_get_text(ql_json_get(json, "messageParams"), "permissions");
    if (named.len == 0) {
        const char *last = NULL;
        for (const char *at = strstr(body->message, ": "); at != NULL; at = strstr(at + 2, ": ")) {
            last = at + 2;
        }
        named = last != NULL && strchr(last, ':') != NULL ? ql_str_from(last) : (struct ql_str){0};
    }
    while (named.len != 0 && strchr("[]. ", named.ptr[0]) != NULL) {
        named = (struct ql_str){named.ptr + 1, named.len - 1};
    }
    while (named.len != 0 && strchr("[]. ", named.ptr[named.len - 1]) != NULL) {
        named.len--;
    }
    ql_words_copy(http, named, body->permissions, sizeof body->permissions);
}

static bool looks_like_html(const struct ql_http_response *response) {
    struct ql_str type = ql_http_response_get(response, "content-type");
    struct ql_str text = ql_str_trim(ql_buf_view(&response->body));
    return ql_str_has_prefix(type, "text/html") || ql_str_has_prefix(text, "<!") || ql_str_has_prefix(text, "<html") ||
           ql_str_has_prefix(text, "<HTML");
}

void ql_error_body_read(const struct ql_genesys *genesys, const struct ql_http_response *response, struct ql_error_body *body) {
    *body = (struct ql_error_body){0};
    struct ql_json *json = NULL;
    if (ql_json_parse(ql_buf_view(&response->body), ERROR_JSON_DEPTH, &json, NULL) != QL_OK || !ql_json_is_object(json)) {
        ql_json_free(json);
        body->is_html = looks_like_html(response);
        return;
    }
    const struct ql_http *http = genesys->http;
    struct ql_str code = ql_json_get_text(json, "code");
    body->is_json = true;
    ql_words_copy(http, code.len != 0 ? code : ql_json_get_text(json, "error"), body->code, sizeof body->code);
    ql_words_copy(http, ql_json_get_text(json, "contextId"), body->context_id, sizeof body->context_id);
    read_message(http, json, body);
    read_permissions(http, json, body);
    ql_json_free(json);
}

void ql_error_note_answer(const struct ql_http_response *response, const struct ql_error_body *body, struct ql_err *err) {
    if (err == NULL) {
        return;
    }
    struct ql_str id = ql_http_response_get(response, "inin-correlation-id");
    id = id.len != 0 ? id : ql_http_response_get(response, "x-amz-request-id");
    id = id.len == 0 && body != NULL ? ql_str_from(body->context_id) : id;
    (void)snprintf(err->request_id, sizeof err->request_id, "%.*s", QL_STR_ARG(id));
    err->http_status = response->status;
}
