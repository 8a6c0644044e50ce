/*
 * What an export of the contract analytics/conversations/exports says of itself, and how it is looked at.
 */
#include "source/source_internal.h"

#include <stdio.h>

/* ---- what an export says of itself */

static enum ql_status failed(const struct ql_exports *exports, struct ql_str state, const struct ql_json *json,
                             struct ql_err *err) {
    static const char *const KEYS[] = {"message",           "errorMessage",           "error", "reason", "statusMessage",
                                       "errorMessagesType", "exportErrorMessagesType"};
    char words[400] = "";
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0] && words[0] == '\0'; i++) {
        const struct ql_json *value = ql_json_get(json, KEYS[i]);
        struct ql_str text = ql_json_is_object(value) ? ql_json_get_text(value, "message") : ql_json_text(value);
        ql_words_copy(exports->genesys.http, text, words, sizeof words);
    }
    return QL_FAIL(err, QL_E_EXPORT_FAILED, "export '%s' is %.*s: %s", ql_buf_text(&exports->id), QL_STR_ARG(state),
                   words[0] != '\0' ? words : "the server gives no reason");
}

static enum ql_status take_link(struct ql_exports *exports, const struct ql_json *json, struct ql_err *err) {
    struct ql_str link = ql_json_get_text(json, "downloadUrl");
    if (link.len == 0) {
        return QL_FAIL(err, QL_E_PROTOCOL, "export '%s' is completed but has no downloadUrl", ql_buf_text(&exports->id));
    }
    struct ql_str query;
    (void)ql_str_split(link, '?', &query);
    ql_http_add_secret(exports->genesys.http, query);
    ql_buf_reset(&exports->link);
    ql_buf_put_str(&exports->link, link);
    return QL_OK;
}

enum ql_status ql_exports_read_state(struct ql_exports *exports, const struct ql_json *json, enum ql_export_state *state,
                                     struct ql_err *err) {
    struct ql_str text = ql_json_get_text(json, "status");
    *state = QL_EXPORT_RUNNING;
    if (text.ptr == NULL) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer about export '%s' has no status", ql_buf_text(&exports->id));
    }
    if (ql_str_eq_nocase(text, QL_STR("completed"))) {
        *state = QL_EXPORT_COMPLETED;
        return take_link(exports, json, err);
    }
    if (ql_str_eq_nocase(text, QL_STR("failed")) || ql_str_eq_nocase(text, QL_STR("cancelled")) ||
        ql_str_eq_nocase(text, QL_STR("canceled"))) {
        *state = QL_EXPORT_ENDED;
        return failed(exports, text, json, err);
    }
    return QL_OK; /* inProgress, or a name that a later version invents: the deadline bounds it */
}

/* ---- looking */

static enum ql_status look(struct ql_exports *exports, enum ql_export_state *state, struct ql_err *err) {
    struct ql_buf path = {0};
    ql_buf_puts(&path, "/api/v2/analytics/conversations/exports/");
    ql_http_encode(ql_buf_view(&exports->id), false, &path);
    const struct ql_genesys_call call = {.method = "GET", .path = ql_buf_text(&path), .repeat = QL_HTTP_REPEAT_ALWAYS};
    struct ql_http_response response;
    bool was_sent;
    struct ql_json *json = NULL;
    enum ql_status status = ql_genesys_send(&exports->genesys, &call, &response, &was_sent, err);
    if (status == QL_OK) {
        status = response.status == 200
                     ? ql_genesys_parse(&exports->genesys, &response, &json, err)
                     : ql_genesys_explain(&exports->genesys, ql_buf_text(&exports->genesys.api_host), &response, err);
    }
    if (json != NULL) {
        status = ql_exports_read_state(exports, json, state, err);
        if (status != QL_OK) {
            ql_error_note_answer(&response, NULL, err);
        }
    }
    ql_json_free(json);
    ql_http_response_fini(&response);
    ql_buf_fini(&path);
    return status;
}

static enum ql_status look_once(void *ctx, bool *is_over, struct ql_err *err) {
    enum ql_export_state state = QL_EXPORT_RUNNING;
    enum ql_status status = look(ctx, &state, err);
    *is_over = state != QL_EXPORT_RUNNING;
    return status;
}

enum ql_status ql_exports_poll(struct ql_exports *exports, struct ql_err *err) {
    const struct ql_export_wait wait = {.genesys = &exports->genesys,
                                        .id = ql_buf_view(&exports->id),
                                        .created_ms = exports->created_ms,
                                        .poll_min_ms = exports->options.poll_min_ms,
                                        .poll_max_ms = exports->options.poll_max_ms,
                                        .deadline_ms = exports->options.deadline_ms,
                                        .look = look_once,
                                        .ctx = exports};
    return exports->link.len != 0 ? QL_OK : ql_export_wait(&wait, err);
}

enum ql_status ql_exports_renew_link(struct ql_exports *exports, struct ql_err *err) {
    enum ql_export_state state = QL_EXPORT_RUNNING;
    ql_buf_reset(&exports->link);
    QL_TRY(look(exports, &state, err));
    if (state != QL_EXPORT_COMPLETED) {
        return QL_FAIL(err, QL_E_PROTOCOL, "export '%s' was completed and is not any more", ql_buf_text(&exports->id));
    }
    return QL_OK;
}
