/*
 * The creating POST, of whichever contract: the one request of a run that must not happen twice. It goes out on a connection of
 * its own and is repeated by http only where nothing can have happened. After any other doubt the run ends and says that an
 * export may exist.
 */
#include "source/source_internal.h"

/* err says what went wrong; this says what follows from it. */
static enum ql_status unsure(const char *path, struct ql_err *err) {
    if (err != NULL) {
        ql_err_wrap(err, "the export may exist all the same");
        err->status = QL_E_EXPORT_UNSURE;
        ql_err_hint(err,
                    "look for it before running again (GET %s lists the exports); a second one would cost the organization's "
                    "quota, but spoil no data",
                    path);
    }
    return QL_E_EXPORT_UNSURE;
}

static bool is_doubtful(enum ql_status status) {
    return status != QL_E_CANCELLED && status != QL_E_REFUSED_URL && status != QL_E_TLS;
}

bool ql_export_is_id(struct ql_str id) {
    bool is_good = id.len != 0 && id.len <= 128;
    for (size_t i = 0; i < id.len && is_good; i++) {
        char c = id.ptr[i];
        is_good =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    }
    return is_good && !ql_str_eq(id, QL_STR(".")) && !ql_str_eq(id, QL_STR(".."));
}

static enum ql_status take_created(struct ql_genesys *genesys, const char *path, const struct ql_http_response *response,
                                   struct ql_json **json, struct ql_err *err) {
    enum ql_status status = ql_genesys_parse(genesys, response, json, err);
    if (status == QL_OK && !ql_export_is_id(ql_json_get_text(*json, "id"))) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the answer to the creation (%ld) names no usable id", response->status);
        ql_error_note_answer(response, NULL, err);
    }
    if (status != QL_OK) {
        ql_json_free(*json);
        *json = NULL;
        return unsure(path, err);
    }
    return QL_OK;
}

static enum ql_status judge_created(struct ql_genesys *genesys, const char *path, const struct ql_http_response *response,
                                    struct ql_json **json, struct ql_err *err) {
    if (response->status >= 200 && response->status < 300) {
        return take_created(genesys, path, response, json, err);
    }
    enum ql_status status = ql_genesys_explain(genesys, ql_buf_text(&genesys->api_host), response, err);
    bool is_clear = response->status < 500 ? response->status != 408 : response->status == 503; /* 503: nothing was done */
    return is_clear ? status : unsure(path, err);
}

enum ql_status ql_export_create(struct ql_genesys *genesys, const char *path, struct ql_str body, struct ql_json **json,
                                struct ql_err *err) {
    const struct ql_genesys_call call = {.method = "POST", .path = path, .body = body, .repeat = QL_HTTP_REPEAT_IF_UNSENT};
    struct ql_http_response response;
    bool was_sent;
    *json = NULL;
    ql_genesys_stage(genesys, "create");
    enum ql_status status = ql_genesys_send(genesys, &call, &response, &was_sent, err);
    if (status == QL_OK) {
        status = judge_created(genesys, path, &response, json, err);
    } else if (was_sent && is_doubtful(status)) {
        status = unsure(path, err);
    } else if (was_sent && status == QL_E_CANCELLED) {
        ql_err_wrap(err, "the export may exist all the same");
    }
    ql_http_response_fini(&response);
    return status;
}
