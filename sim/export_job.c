#include "sim/export_job.h"

#include "base/mem.h"
#include "sim/calendar.h"
#include "sim/error_body.h"
#include "sim/export_query.h"
#include "sim/fault_plan.h"
#include "sim/page.h"

static const char PATH[] = "/api/v2/analytics/conversations/exports";

struct ql_sim_export {
    char id[QL_SIM_UUID_SIZE];
    struct ql_sim_query query;
    int64_t created_ms, ready_ms; /* monotonic */
    int64_t created_at_ms;        /* wall clock */
    char *end_status;             /* "failed" or "cancelled" instead of "completed"; NULL: none */
    char *message;
    bool is_ended; /* end_status holds at once, not only when the export would be ready */
    int64_t sizes[2];
};

void ql_sim_exports_init(struct ql_sim_exports *exports) {
    (void)pthread_mutex_init(&exports->lock, NULL);
}

void ql_sim_exports_fini(struct ql_sim_exports *exports) {
    for (size_t i = 0; i < exports->n; i++) {
        ql_mem_free(exports->items[i].end_status);
        ql_mem_free(exports->items[i].message);
    }
    ql_mem_free(exports->items);
    ql_mem_free(exports->download_url);
    (void)pthread_mutex_destroy(&exports->lock);
}

/* The lock is held. */
static struct ql_sim_export *find(struct ql_sim_exports *exports, struct ql_str id) {
    for (size_t i = 0; i < exports->n; i++) {
        if (ql_str_eq(id, ql_str_from(exports->items[i].id))) {
            return &exports->items[i];
        }
    }
    return NULL;
}

static const char *status_of(const struct ql_sim_export *export) {
    bool is_ready = ql_sim_monotonic_ms() >= export->ready_ms;
    if (export->end_status != NULL && (export->is_ended || is_ready)) {
        return export->end_status;
    }
    return is_ready ? "completed" : "inProgress";
}

static json_t *time_json(int64_t ms) {
    char text[32];
    ql_sim_time_print(ms, text);
    return json_string(text);
}

static json_t *download_url_json(const struct ql_sim_exports *exports, const struct ql_sim_export *export) {
    struct ql_buf path = {0};
    struct ql_buf url = {0};
    ql_buf_printf(&path, "/exports/%s%s", export->id, exports->download_suffix);
    ql_buf_puts(&url, exports->download_url);
    ql_sim_links_sign(exports->links, ql_buf_text(&path), &url);
    json_t *json = json_string(ql_buf_text(&url));
    ql_buf_fini(&path);
    ql_buf_fini(&url);
    return json;
}

/* The export as the API shows it now; a completed one with a link of its own each time. The lock is held. */
static json_t *export_json(const struct ql_sim_exports *exports, const struct ql_sim_export *export) {
    const char *status = status_of(export);
    bool is_completed = strcmp(status, "completed") == 0;
    json_t *json = json_pack("{s:s,s:s,s:s}", "id", export->id, "type", "summary", "status", status);
    (void)json_object_set_new(json, "createdDate", time_json(export->created_at_ms));
    int64_t ready_at_ms = export->created_at_ms + (export->ready_ms - export->created_ms);
    (void)json_object_set_new(json, "completedDate", is_completed ? time_json(ready_at_ms) : json_null());
    (void)json_object_set_new(json, "downloadUrl", is_completed ? download_url_json(exports, export) : json_null());
    if (status == export->end_status) {
        (void)json_object_set_new(json, "message", json_string(export->message));
    }
    (void)json_object_set_new(json, "selfUri", json_sprintf("%s/%s", PATH, export->id));
    return json;
}

/* What a fault plan wants the export to become. The lock is held. */
static void set_end(struct ql_sim_export *export, const struct ql_sim_fault *fault, bool is_ended) {
    if (fault == NULL || fault->export_status == NULL) {
        return;
    }
    ql_mem_free(export->end_status);
    ql_mem_free(export->message);
    export->end_status = ql_mem_strdup(fault->export_status);
    export->message = ql_mem_strdup(fault->message != NULL ? fault->message : "The export did not finish");
    export->is_ended = is_ended;
}

void ql_sim_exports_create(struct ql_sim_exports *exports, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    enum { KIND_EXPORT = 16 };
    struct ql_sim_export export = {.created_at_ms = ql_sim_now_ms(), .created_ms = ql_sim_monotonic_ms(), .sizes = {-1, -1}};
    if (!ql_sim_export_query_read(request, &export.query, answer)) {
        return;
    }
    export.ready_ms = export.created_ms + exports->ready_after_ms;
    set_end(&export, request->fault, false);
    (void)pthread_mutex_lock(&exports->lock);
    struct ql_sim_prng prng = ql_sim_prng_for(exports->seed, KIND_EXPORT, exports->n, 0);
    ql_sim_prng_uuid(&prng, export.id);
    QL_MEM_GROW(exports->items, exports->cap, exports->n + 1);
    exports->items[exports->n++] = export;
    (void)pthread_mutex_unlock(&exports->lock);
    /* However short the wait is, the answer to the creation is the same: nothing is ready yet. */
    json_t *body = json_pack("{s:s,s:s,s:s}", "id", export.id, "type", "summary", "status", "inProgress");
    (void)json_object_set_new(body, "createdDate", time_json(export.created_at_ms));
    (void)json_object_set_new(body, "completedDate", json_null());
    (void)json_object_set_new(body, "downloadUrl", json_null());
    (void)json_object_set_new(body, "selfUri", json_sprintf("%s/%s", PATH, export.id));
    ql_sim_answer_set_json(answer, 202, body);
}

void ql_sim_exports_get(struct ql_sim_exports *exports, const struct ql_sim_request *request, struct ql_str id,
                        struct ql_sim_answer *answer) {
    (void)pthread_mutex_lock(&exports->lock);
    struct ql_sim_export *export = find(exports, id);
    json_t *body = NULL;
    if (export != NULL) {
        set_end(export, request->fault, true);
        body = export_json(exports, export);
    }
    (void)pthread_mutex_unlock(&exports->lock);
    if (body != NULL) {
        ql_sim_answer_set_json(answer, 200, body);
    } else {
        ql_sim_answer_api_status(answer, request, 404);
    }
}

void ql_sim_exports_list(struct ql_sim_exports *exports, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    enum { MAX_PAGE_SIZE = 500 };
    struct ql_sim_page page;
    if (!ql_sim_page_read(request, MAX_PAGE_SIZE, QL_SIM_MAX_PAGE, &page, answer)) {
        return;
    }
    json_t *entities = json_array();
    (void)pthread_mutex_lock(&exports->lock);
    int64_t total = (int64_t)exports->n;
    for (int64_t i = (page.number - 1) * page.size; i < page.number * page.size && i < total; i++) { /* newest first */
        (void)json_array_append_new(entities, export_json(exports, &exports->items[total - 1 - i]));
    }
    (void)pthread_mutex_unlock(&exports->lock);
    ql_sim_answer_set_json(answer, 200, ql_sim_page_json(&page, PATH, total, entities));
}

bool ql_sim_exports_find(struct ql_sim_exports *exports, struct ql_str id, struct ql_sim_query *query) {
    (void)pthread_mutex_lock(&exports->lock);
    const struct ql_sim_export *export = find(exports, id);
    if (export != NULL) {
        *query = export->query;
    }
    (void)pthread_mutex_unlock(&exports->lock);
    return export != NULL;
}

int64_t ql_sim_exports_get_size(struct ql_sim_exports *exports, struct ql_str id, bool is_gzip) {
    (void)pthread_mutex_lock(&exports->lock);
    const struct ql_sim_export *export = find(exports, id);
    int64_t size = export != NULL ? export->sizes[is_gzip] : -1;
    (void)pthread_mutex_unlock(&exports->lock);
    return size;
}

void ql_sim_exports_set_size(struct ql_sim_exports *exports, struct ql_str id, bool is_gzip, int64_t size_bytes) {
    (void)pthread_mutex_lock(&exports->lock);
    struct ql_sim_export *export = find(exports, id);
    if (export != NULL) {
        export->sizes[is_gzip] = size_bytes;
    }
    (void)pthread_mutex_unlock(&exports->lock);
}
