/*
 * The contract analytics/conversations/exports: create, poll (poll.c), download (download.c).
 *
 * The creating POST is the one request of a run that must not happen twice: it goes out on a connection of its own and is
 * repeated by http only where nothing can have happened. After any other doubt the run ends and says that an export may exist.
 */
#include "source/source_internal.h"

#include "base/mem.h"
#include "base/time.h"

#define EXPORTS_PATH "/api/v2/analytics/conversations/exports"

static const char *const SCOPES[] = {"analytics:export:read", "analytics:export:write"};

/* ---- the request */

static struct ql_json *names_json(const struct ql_str *names, size_t n, const char *const *defaults, size_t n_defaults) {
    struct ql_json *list = ql_json_new_array();
    for (size_t i = 0; i < (n != 0 ? n : n_defaults); i++) {
        ql_json_add(list, ql_json_new_text(n != 0 ? names[i] : ql_str_from(defaults[i])));
    }
    return list;
}

static struct ql_json *group_by_json(const struct ql_exports_options *options) {
    static const char *const DEFAULTS[] = {"queue", "timeInterval"};
    return names_json(options->group_by, options->n_group_by, DEFAULTS, 2);
}

static struct ql_json *time_json(int64_t us) {
    char text[QL_TIME_TEXT_SIZE];
    size_t len = ql_time_format(us, text);
    return ql_json_new_text((struct ql_str){text, len});
}

void ql_exports_request_body(const struct ql_exports_options *options, struct ql_buf *out) {
    static const char *const METRICS[] = {"callsOffered", "callsAnswered", "serviceLevelPercent", "avgHandleTimeSeconds"};
    struct ql_json *range = ql_json_new_object();
    ql_json_set(range, "startDate", time_json(options->from_us));
    ql_json_set(range, "endDate", time_json(options->to_us));
    struct ql_json *query = ql_json_new_object();
    ql_json_set(query, "dateRange", range);
    ql_json_set(query, "groupBy", group_by_json(options));
    ql_json_set(query, "metrics", names_json(options->metrics, options->n_metrics, METRICS, 4));
    if (options->granularity.len != 0) {
        ql_json_set(query, "granularity", ql_json_new_text(options->granularity));
    }
    struct ql_json *body = ql_json_new_object();
    ql_json_set(body, "query", query);
    ql_json_set(body, "type", ql_json_new_text(QL_STR("summary")));
    ql_json_set(body, "groupBy", group_by_json(options));
    ql_json_write(body, false, out);
    ql_json_free(body);
}

/* ---- creating */

/* err says what went wrong; this says what follows from it. */
static enum ql_status unsure(struct ql_err *err) {
    if (err != NULL) {
        ql_err_wrap(err, "the export may exist all the same");
        err->status = QL_E_EXPORT_UNSURE;
        ql_err_hint(err,
                    "look for it before running again (GET " EXPORTS_PATH " lists the exports); a second one would cost the "
                    "organization's quota, but spoil no data");
    }
    return QL_E_EXPORT_UNSURE;
}

static bool is_doubtful(enum ql_status status) {
    return status != QL_E_CANCELLED && status != QL_E_REFUSED_URL && status != QL_E_TLS;
}

/* An id becomes part of paths and tags. */
static bool is_id(struct ql_str id) {
    bool is_good = id.len != 0 && id.len <= 128;
    for (size_t i = 0; i < id.len && is_good; i++) {
        char c = id.ptr[i];
        is_good =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    }
    return is_good && !ql_str_eq(id, QL_STR(".")) && !ql_str_eq(id, QL_STR(".."));
}

static enum ql_status take_created(struct ql_exports *exports, const struct ql_http_response *response, struct ql_err *err) {
    struct ql_json *json = NULL;
    enum ql_status status = ql_genesys_parse(&exports->genesys, response, &json, err);
    if (status == QL_OK && !is_id(ql_json_get_text(json, "id"))) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the answer to the creation (%ld) names no usable id", response->status);
        ql_error_note_answer(response, NULL, err);
    }
    if (status != QL_OK) {
        ql_json_free(json);
        return unsure(err);
    }
    ql_buf_put_str(&exports->id, ql_json_get_text(json, "id"));
    exports->created_ms = ql_time_monotonic_ms();
    ql_genesys_note(&exports->genesys, "export %s was created", ql_buf_text(&exports->id));
    enum ql_export_state state;
    status = ql_exports_read_state(exports, json, &state, err); /* it may have failed already */
    ql_json_free(json);
    return status;
}

static enum ql_status judge_created(struct ql_exports *exports, const struct ql_http_response *response, struct ql_err *err) {
    if (response->status >= 200 && response->status < 300) {
        return take_created(exports, response, err);
    }
    enum ql_status status = ql_genesys_explain(&exports->genesys, ql_buf_text(&exports->genesys.api_host), response, err);
    bool is_clear = response->status < 500 ? response->status != 408 : response->status == 503; /* 503: nothing was done */
    return is_clear ? status : unsure(err);
}

static enum ql_status create(struct ql_exports *exports, struct ql_err *err) {
    ql_genesys_stage(&exports->genesys, "create");
    ql_buf_reset(&exports->id);
    ql_buf_reset(&exports->link);
    struct ql_buf body = {0};
    ql_exports_request_body(&exports->options, &body);
    const struct ql_genesys_call call = {
        .method = "POST", .path = EXPORTS_PATH, .body = ql_buf_view(&body), .repeat = QL_HTTP_REPEAT_IF_UNSENT};
    struct ql_http_response response;
    bool was_sent;
    enum ql_status status = ql_genesys_send(&exports->genesys, &call, &response, &was_sent, err);
    if (status == QL_OK) {
        status = judge_created(exports, &response, err);
    } else if (was_sent && is_doubtful(status)) {
        status = unsure(err);
    } else if (was_sent && status == QL_E_CANCELLED) {
        ql_err_wrap(err, "the export may exist all the same");
    }
    ql_http_response_fini(&response);
    ql_buf_fini(&body);
    if (status != QL_OK) {
        ql_err_wrap(err, "creating the export");
    }
    return status;
}

/* ---- the source */

static struct ql_exports *exports_of(struct ql_source *source) {
    return (struct ql_exports *)(void *)source;
}

static enum ql_status exports_prepare(struct ql_source *source, struct ql_err *err) {
    struct ql_exports *exports = exports_of(source);
    const struct ql_genesys_options *options = &exports->genesys.options;
    if (options->client_id.len == 0 || options->client_secret.len == 0) {
        QL_FAIL(err, QL_E_CONFIG, "there is no %s for Genesys Cloud",
                options->client_id.len == 0 ? "client id" : "client secret");
        ql_err_hint(
            err,
            "set GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET to those of an OAuth client with the grant 'Client Credentials'");
        return QL_E_CONFIG;
    }
    ql_genesys_stage(&exports->genesys, "token");
    QL_TRY(ql_oauth_check_scopes(&exports->genesys, SCOPES, sizeof SCOPES / sizeof SCOPES[0], err));
    return ql_permissions_gate(&exports->genesys, QL_STR("exports"), err);
}

static enum ql_status exports_fetch(struct ql_source *source, const struct ql_source_sink *sink, struct ql_err *err) {
    struct ql_exports *exports = exports_of(source);
    QL_TRY(create(exports, err));
    ql_genesys_stage(&exports->genesys, "wait");
    QL_TRY(ql_exports_poll(exports, err));
    ql_genesys_stage(&exports->genesys, "download");
    return ql_exports_download(exports, sink, err);
}

static void exports_free(struct ql_source *source) {
    struct ql_exports *exports = exports_of(source);
    ql_genesys_fini(&exports->genesys);
    ql_buf_fini(&exports->id);
    if (exports->link.ptr != NULL) {
        explicit_bzero(exports->link.ptr, exports->link.cap);
    }
    ql_buf_fini(&exports->link);
    ql_mem_free(exports);
}

static struct ql_str exports_get_id(const struct ql_source *source) {
    return ql_buf_view(&((const struct ql_exports *)source)->id);
}

struct ql_source *ql_source_exports_new(struct ql_http *http, const struct ql_exports_options *options,
                                        const struct ql_source_events *events) {
    static const struct ql_source_ops OPS = {
        .prepare = exports_prepare, .fetch = exports_fetch, .get_export_id = exports_get_id, .free = exports_free};
    struct ql_exports *exports = ql_mem_zalloc(1, sizeof *exports);
    exports->source.ops = &OPS;
    exports->options = *options;
    ql_genesys_init(&exports->genesys, http, &options->genesys, events);
    return &exports->source;
}
