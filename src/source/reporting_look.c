/*
 * What has become of a reporting export. The public API has no GET of one export, only the list of the caller's, in no order
 * that is promised: all its pages are read until the id is found, first the one where it was last time. Many organizations
 * answer a GET by id all the same; where it is refused, it is not tried again in the run.
 */
#include "source/reporting_internal.h"

#include <stdio.h>

enum { PAGE_SIZE = 100 };

/* ---- what an export says of itself */

/* ".../downloads/<id>": the endpoint of this API by another host, which wants our token; so only the id counts. */
static enum ql_status take_file(struct ql_reporting_part *part, const struct ql_json *json, struct ql_err *err) {
    static const char DOWNLOADS[] = "/downloads/";
    struct ql_str query;
    struct ql_str url = ql_str_split(ql_json_get_text(json, "downloadUrl"), '?', &query);
    const char *at = url.len != 0 ? memmem(url.ptr, url.len, DOWNLOADS, sizeof DOWNLOADS - 1) : NULL;
    struct ql_str id = {0};
    if (at != NULL) {
        at += sizeof DOWNLOADS - 1;
        id = (struct ql_str){.ptr = at, .len = url.len - (size_t)(at - url.ptr)};
    }
    if (!ql_export_is_id(id)) {
        return QL_FAIL(err, QL_E_PROTOCOL, "export '%s' is completed but has %s", ql_buf_text(&part->id),
                       url.len == 0 ? "no downloadUrl" : "a downloadUrl that names no download");
    }
    ql_buf_reset(&part->file_id);
    ql_buf_put_str(&part->file_id, id);
    return QL_OK;
}

static void copy_word(struct ql_str word, char *out, size_t size) {
    (void)snprintf(out, size, "%.*s", QL_STR_ARG(word));
}

enum ql_status ql_reporting_read(struct ql_reporting *reporting, struct ql_reporting_part *part, const struct ql_json *json,
                                 struct ql_err *err) {
    static const struct {
        const char *status;
        enum ql_reporting_state state;
    } STATES[] = {{"COMPLETED", QL_REPORTING_COMPLETED},
                  {"COMPLETED_WITH_PARTIAL_RESULTS", QL_REPORTING_PARTIAL},
                  {"FAILED", QL_REPORTING_ENDED},
                  {"CANCELLED", QL_REPORTING_ENDED}};
    struct ql_str status = ql_json_get_text(json, "status");
    (void)reporting;
    if (status.ptr == NULL) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer about export '%s' has no status", ql_buf_text(&part->id));
    }
    part->state =
        QL_REPORTING_RUNNING; /* SUBMITTED, RUNNING, CANCELLING, what a later version invents: the deadline bounds it */
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        if (ql_str_eq_nocase(status, ql_str_from(STATES[i].status))) {
            part->state = STATES[i].state;
        }
    }
    if (part->state == QL_REPORTING_ENDED) {
        copy_word(status, part->ended_as, sizeof part->ended_as);
        copy_word(ql_json_get_text(json, "exportErrorMessagesType"), part->failure, sizeof part->failure);
        return QL_OK;
    }
    return part->state != QL_REPORTING_RUNNING ? take_file(part, json, err) : QL_OK;
}

/* ---- looking */

struct answer {
    struct ql_http_response response;
    struct ql_json *json; /* NULL unless the status is 200 */
};

/* Any HTTP status is an answer; the caller frees it in every case. */
static enum ql_status get(struct ql_reporting *reporting, const char *path, struct answer *answer, struct ql_err *err) {
    const struct ql_genesys_call call = {.method = "GET", .path = path, .repeat = QL_HTTP_REPEAT_ALWAYS};
    bool was_sent;
    *answer = (struct answer){0};
    QL_TRY(ql_genesys_send(&reporting->genesys, &call, &answer->response, &was_sent, err));
    return answer->response.status == 200 ? ql_genesys_parse(&reporting->genesys, &answer->response, &answer->json, err)
                                          : QL_OK;
}

static void answer_fini(struct answer *answer) {
    ql_json_free(answer->json);
    ql_http_response_fini(&answer->response);
}

static enum ql_status explain(struct ql_reporting *reporting, const struct answer *answer, struct ql_err *err) {
    return ql_genesys_explain(&reporting->genesys, ql_buf_text(&reporting->genesys.api_host), &answer->response, err);
}

static enum ql_status read_answer(struct ql_reporting *reporting, struct ql_reporting_part *part, const struct answer *answer,
                                  const struct ql_json *json, struct ql_err *err) {
    enum ql_status status = ql_reporting_read(reporting, part, json, err);
    if (status != QL_OK) {
        ql_error_note_answer(&answer->response, NULL, err);
    }
    return status;
}

static enum ql_status look_by_id(struct ql_reporting *reporting, struct ql_reporting_part *part, bool *is_found,
                                 struct ql_err *err) {
    struct ql_buf path = {0};
    struct answer answer;
    ql_buf_printf(&path, QL_REPORTING_PATH "/%s", ql_buf_text(&part->id));
    enum ql_status status = get(reporting, ql_buf_text(&path), &answer, err);
    long http_status = answer.response.status;
    *is_found = status == QL_OK && http_status == 200;
    if (*is_found) {
        status = read_answer(reporting, part, &answer, answer.json, err);
    } else if (status == QL_OK && (http_status == 403 || http_status == 404 || http_status == 405 || http_status == 501)) {
        reporting->has_no_single_look = true;
        ql_genesys_note(&reporting->genesys, "the server shows no single export (%ld): looking into the list", http_status);
    } else if (status == QL_OK) {
        status = explain(reporting, &answer, err);
    }
    answer_fini(&answer);
    ql_buf_fini(&path);
    return status;
}

static const struct ql_json *find_entity(const struct ql_json *entities, struct ql_str id) {
    for (size_t i = 0; i < ql_json_length(entities); i++) {
        const struct ql_json *entity = ql_json_at(entities, i);
        if (ql_str_eq(ql_json_get_text(entity, "id"), id)) {
            return entity;
        }
    }
    return NULL;
}

/* *n_pages: how many there are; where the server does not say, one more than this as long as it has something. */
static enum ql_status look_at_page(struct ql_reporting *reporting, struct ql_reporting_part *part, int64_t page,
                                   int64_t *n_pages, bool *is_found, struct ql_err *err) {
    struct ql_buf path = {0};
    struct answer answer;
    ql_buf_printf(&path, QL_REPORTING_PATH "?pageNumber=%lld&pageSize=%d", (long long)page, PAGE_SIZE);
    enum ql_status status = get(reporting, ql_buf_text(&path), &answer, err);
    const struct ql_json *entities = ql_json_get(answer.json, "entities");
    const struct ql_json *entity = find_entity(entities, ql_buf_view(&part->id));
    *is_found = entity != NULL;
    if (status == QL_OK && answer.response.status != 200) {
        status = explain(reporting, &answer, err);
    } else if (status == QL_OK && !ql_json_is_array(entities)) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the list of exports has no entities");
        ql_error_note_answer(&answer.response, NULL, err);
    } else if (*is_found) {
        reporting->page = page;
        status = read_answer(reporting, part, &answer, entity, err);
    }
    if (!ql_json_get_int(answer.json, "pageCount", n_pages)) {
        *n_pages = ql_json_length(entities) != 0 ? page + 1 : page;
    }
    answer_fini(&answer);
    ql_buf_fini(&path);
    return status;
}

static enum ql_status look_in_list(struct ql_reporting *reporting, struct ql_reporting_part *part, struct ql_err *err) {
    int64_t first = reporting->page;
    int64_t n_pages = 1;
    bool is_found = false;
    if (first > 1) { /* where the last one was; the list may have become shorter meanwhile, which is no error */
        struct ql_err ignored = {0};
        int64_t unused;
        enum ql_status status = look_at_page(reporting, part, first, &unused, &is_found, &ignored);
        if (status != QL_OK && (ignored.http_status != 400 && ignored.http_status != 404)) {
            if (err != NULL) {
                *err = ignored;
            }
            return status;
        }
    }
    for (int64_t page = 1; page <= n_pages && !is_found; page++) {
        QL_TRY(look_at_page(reporting, part, page, &n_pages, &is_found, err));
    }
    return QL_OK;
}

enum ql_status ql_reporting_look(struct ql_reporting *reporting, struct ql_reporting_part *part, struct ql_err *err) {
    bool is_found = false;
    if (!reporting->has_no_single_look) {
        QL_TRY(look_by_id(reporting, part, &is_found, err));
    }
    return is_found ? QL_OK : look_in_list(reporting, part, err);
}

/* ---- the file */

enum ql_status ql_reporting_get_link(struct ql_reporting *reporting, struct ql_reporting_part *part, struct ql_err *err) {
    struct ql_buf path = {0};
    struct answer answer;
    ql_buf_printf(&path, "/api/v2/downloads/%s?issueRedirect=false", ql_buf_text(&part->file_id));
    enum ql_status status = get(reporting, ql_buf_text(&path), &answer, err);
    struct ql_str url = ql_json_get_text(answer.json, "url");
    if (status == QL_OK && answer.response.status != 200) {
        status = explain(reporting, &answer, err);
    } else if (status == QL_OK && url.len == 0) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the answer to the download has no url");
        ql_error_note_answer(&answer.response, NULL, err);
    } else if (status == QL_OK) {
        struct ql_str query;
        (void)ql_str_split(url, '?', &query);
        ql_http_add_secret(reporting->genesys.http, query);
        ql_buf_reset(&part->link);
        ql_buf_put_str(&part->link, url);
    }
    answer_fini(&answer);
    ql_buf_fini(&path);
    return status;
}

/* ---- deleting */

enum ql_status ql_reporting_delete(struct ql_reporting *reporting, struct ql_str id, struct ql_err *err) {
    struct ql_buf path = {0};
    struct ql_http_response response;
    bool was_sent;
    ql_buf_printf(&path, QL_REPORTING_PATH "/%.*s", QL_STR_ARG(id));
    const struct ql_genesys_call call = {.method = "DELETE", .path = ql_buf_text(&path), .repeat = QL_HTTP_REPEAT_ALWAYS};
    enum ql_status status = ql_genesys_send(&reporting->genesys, &call, &response, &was_sent, err);
    if (status == QL_OK && (response.status < 200 || response.status >= 300)) {
        status = ql_genesys_explain(&reporting->genesys, ql_buf_text(&reporting->genesys.api_host), &response, err);
    }
    ql_http_response_fini(&response);
    ql_buf_fini(&path);
    return status;
}
