#include "sim/error_body.h"

#include <microhttpd.h>

static json_t *params_of(const struct ql_sim_api_error *error) {
    json_t *params = json_object();
    if (error->param_name != NULL) {
        (void)json_object_set_new(params, error->param_name, json_string(error->param_value));
    }
    return params;
}

static json_t *details_of(const struct ql_sim_api_error *error) {
    json_t *details = json_array();
    if (error->field != NULL) {
        (void)json_array_append_new(details, json_pack("{s:s,s:s}", "errorCode", error->code, "fieldName", error->field));
    }
    return details;
}

void ql_sim_answer_api_error(struct ql_sim_answer *answer, const struct ql_sim_request *request,
                             const struct ql_sim_api_error *error) {
    json_t *body = json_pack("{s:s,s:s,s:i}", "message", error->message, "code", error->code, "status", (int)error->status);
    if (error->message_with_params != NULL) {
        (void)json_object_set_new(body, "messageWithParams", json_string(error->message_with_params));
    }
    (void)json_object_set_new(body, "messageParams", params_of(error));
    (void)json_object_set_new(body, "contextId", json_string(request->id));
    (void)json_object_set_new(body, "details", details_of(error));
    (void)json_object_set_new(body, "errors", json_array());
    if (error->limit_key != NULL) {
        (void)json_object_set_new(body, "limit",
                                  json_pack("{s:s,s:s,s:I}", "key", error->limit_key, "namespace", error->limit_namespace,
                                            "value", (json_int_t)error->limit_value));
    }
    ql_sim_answer_set_json(answer, error->status, body);
}

void ql_sim_answer_api_status(struct ql_sim_answer *answer, const struct ql_sim_request *request, unsigned status) {
    static const struct ql_sim_api_error ERRORS[] = {
        {.status = 400,
         .code = "bad.request",
         .message = "The request could not be understood by the server due to malformed syntax."},
        {.status = 401, .code = "bad.credentials", .message = "Invalid login credentials."},
        {.status = 403, .code = "not.authorized", .message = "You are not authorized to perform the requested action."},
        {.status = 404, .code = "not.found", .message = "The requested resource was not found."},
        {.status = 405, .code = "method.not.allowed", .message = "HTTP 405 Method Not Allowed"},
        {.status = 408,
         .code = "client.timeout",
         .message =
             "The client did not produce a request within the server timeout limit. This can be caused by a slow network "
             "connection and/or large payloads."},
        {.status = 409, .code = "conflict", .message = "The request conflicts with the current state of the target resource."},
        {.status = 413,
         .code = "request.entity.too.large",
         .message = "The request is over the size limit. Maximum bytes: 512000"},
        {.status = 415,
         .code = "unsupported.media.type",
         .message = "Unsupported Media Type - Unsupported or incorrect media type, such as an incorrect Content-Type value in "
                    "the header."},
        {.status = 429,
         .code = "too.many.requests.retry.after",
         .message = "Rate limit exceeded the maximum. Retry the request later"},
        {.status = 500,
         .code = "internal.server.error",
         .message = "The server encountered an unexpected condition which prevented it from fulfilling the request."},
        {.status = 503,
         .code = "service.unavailable",
         .message =
             "Service Unavailable - The server is currently unavailable (because it is overloaded or down for maintenance)."},
        {.status = 504, .code = "request.timeout", .message = "The request timed out."},
    };
    for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
        if (ERRORS[i].status == status) {
            ql_sim_answer_api_error(answer, request, &ERRORS[i]);
            return;
        }
    }
    const struct ql_sim_api_error other = {
        .status = status, .code = "general.error", .message = MHD_get_reason_phrase_for(status)};
    ql_sim_answer_api_error(answer, request, &other);
}

void ql_sim_answer_missing_permission(struct ql_sim_answer *answer, const struct ql_sim_request *request,
                                      const char *permission) {
    static const char TEXT[] = "Unable to perform the requested action. You are missing the following permission(s): ";
    struct ql_buf message = {0};
    struct ql_buf pattern = {0};
    ql_buf_printf(&message, "%s%s", TEXT, permission);
    ql_buf_printf(&pattern, "%s{permissions}", TEXT);
    const struct ql_sim_api_error error = {.status = 403,
                                           .code = "missing.permissions",
                                           .message = ql_buf_text(&message),
                                           .message_with_params = ql_buf_text(&pattern),
                                           .param_name = "permissions",
                                           .param_value = permission};
    ql_sim_answer_api_error(answer, request, &error);
    ql_buf_fini(&message);
    ql_buf_fini(&pattern);
}

void ql_sim_answer_login_error(struct ql_sim_answer *answer, const char *error, const char *description) {
    ql_sim_answer_set_json(
        answer, 400, json_pack("{s:s,s:s,s:s}", "error", error, "description", description, "error_description", description));
}

void ql_sim_xml_escape(struct ql_str text, struct ql_buf *out) {
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            ql_buf_puts(out, "&amp;");
            break;
        case '<':
            ql_buf_puts(out, "&lt;");
            break;
        case '>':
            ql_buf_puts(out, "&gt;");
            break;
        case '"':
            ql_buf_puts(out, "&quot;");
            break;
        case '\'':
            ql_buf_puts(out, "&apos;");
            break;
        default:
            ql_buf_putc(out, text.ptr[i]);
        }
    }
}

void ql_sim_answer_s3_error(struct ql_sim_answer *answer, const struct ql_sim_request *request, unsigned status,
                            const char *code, const char *message, const char *extra) {
    struct ql_buf xml = {0};
    ql_buf_printf(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message>%s", code,
                  message, extra != NULL ? extra : "");
    ql_buf_printf(&xml, "<RequestId>%s</RequestId><HostId>queuelake-sim</HostId></Error>", request->id);
    ql_sim_answer_set_text(answer, status, "application/xml", ql_buf_view(&xml));
    ql_buf_fini(&xml);
}

void ql_sim_answer_s3_status(struct ql_sim_answer *answer, const struct ql_sim_request *request, unsigned status) {
    static const struct {
        unsigned status;
        const char *code, *message;
    } ERRORS[] = {
        {403, "AccessDenied", "Access Denied"},
        {404, "NoSuchKey", "The specified key does not exist."},
        {405, "MethodNotAllowed", "The specified method is not allowed against this resource."},
        {500, "InternalError", "We encountered an internal error. Please try again."},
        {503, "SlowDown", "Please reduce your request rate."},
    };
    for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
        if (ERRORS[i].status == status) {
            ql_sim_answer_s3_error(answer, request, status, ERRORS[i].code, ERRORS[i].message, NULL);
            return;
        }
    }
    ql_sim_answer_s3_error(answer, request, status, status < 500 ? "InvalidRequest" : "InternalError",
                           MHD_get_reason_phrase_for(status), NULL);
}

void ql_sim_answer_html(struct ql_sim_answer *answer, unsigned status) {
    const char *reason = MHD_get_reason_phrase_for(status);
    struct ql_buf page = {0};
    ql_buf_printf(&page,
                  "<!DOCTYPE html>\n<html>\n<head><title>%u %s</title></head>\n<body>\n<center><h1>%u %s</h1></center>\n"
                  "<hr><center>gateway</center>\n</body>\n</html>\n",
                  status, reason, status, reason);
    ql_sim_answer_set_text(answer, status, "text/html", ql_buf_view(&page));
    ql_buf_fini(&page);
}
