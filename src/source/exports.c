/*
 * The contract analytics/conversations/exports: create (export_create.c), poll (poll.c), download (download.c).
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

static enum ql_status create(struct ql_exports *exports, struct ql_err *err) {
    ql_buf_reset(&exports->id);
    ql_buf_reset(&exports->link);
    struct ql_buf body = {0};
    struct ql_json *json = NULL;
    ql_exports_request_body(&exports->options, &body);
    enum ql_status status = ql_export_create(&exports->genesys, EXPORTS_PATH, ql_buf_view(&body), &json, err);
    if (status == QL_OK) {
        enum ql_export_state state;
        ql_buf_put_str(&exports->id, ql_json_get_text(json, "id"));
        exports->created_ms = ql_time_monotonic_ms();
        ql_genesys_note(&exports->genesys, "export %s was created", ql_buf_text(&exports->id));
        status = ql_exports_read_state(exports, json, &state, err); /* it may have failed already */
    }
    ql_json_free(json);
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
    QL_TRY(ql_oauth_check_credentials(&exports->genesys, err));
    ql_genesys_stage(&exports->genesys, "token");
    return ql_oauth_check_scopes(&exports->genesys, SCOPES, sizeof SCOPES / sizeof SCOPES[0], err);
}

static enum ql_status renew_link(void *ctx, size_t part, struct ql_err *err) {
    (void)part;
    return ql_exports_renew_link(ctx, err);
}

static enum ql_status exports_fetch(struct ql_source *source, const struct ql_source_sink *sink, struct ql_err *err) {
    struct ql_exports *exports = exports_of(source);
    QL_TRY(create(exports, err));
    ql_genesys_stage(&exports->genesys, "wait");
    QL_TRY(ql_exports_poll(exports, err));
    struct ql_download_part part = {.id = ql_buf_view(&exports->id), .link = &exports->link};
    const struct ql_downloads downloads = {.genesys = &exports->genesys,
                                           .parts = &part,
                                           .n_parts = 1,
                                           .wait_min_ms = exports->options.poll_min_ms,
                                           .wait_max_ms = exports->options.poll_max_ms,
                                           .max_downloads = exports->options.max_downloads,
                                           .renew = renew_link,
                                           .ctx = exports};
    return ql_download_all(&downloads, sink, err);
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
