#include "sim/report_job.h"

#include "base/mem.h"
#include "sim/error_body.h"
#include "sim/fault_plan.h"
#include "sim/page.h"
#include "sim/report_csv.h"

static const char PATH[] = "/api/v2/analytics/reporting/exports";
enum { DOWNLOAD_ID_SIZE = 17 };

struct ql_sim_report_job {
    char id[QL_SIM_UUID_SIZE], run_id[QL_SIM_UUID_SIZE], download_id[DOWNLOAD_ID_SIZE];
    struct ql_sim_report *report;
    struct ql_buf file;
    int64_t created_ms, created_at_ms; /* monotonic; wall clock */
    char *end_status;                  /* what a fault, or the file, makes of it; NULL: COMPLETED */
    char *error_type;
    bool is_ended; /* end_status holds at once */
    bool is_read, is_deleted;
};

void ql_sim_reports_init(struct ql_sim_reports *reports) {
    (void)pthread_mutex_init(&reports->lock, NULL);
}

void ql_sim_reports_fini(struct ql_sim_reports *reports) {
    for (size_t i = 0; i < reports->n; i++) {
        struct ql_sim_report_job *job = &reports->items[i];
        ql_sim_report_free(job->report);
        ql_buf_fini(&job->file);
        ql_mem_free(job->end_status);
        ql_mem_free(job->error_type);
    }
    ql_mem_free(reports->items);
    ql_mem_free(reports->api_url);
    ql_mem_free(reports->download_url);
    (void)pthread_mutex_destroy(&reports->lock);
}

/* The lock is held. */
static struct ql_sim_report_job *find(struct ql_sim_reports *reports, struct ql_str id) {
    for (size_t i = 0; i < reports->n; i++) {
        if (!reports->items[i].is_deleted && ql_str_eq(id, ql_str_from(reports->items[i].id))) {
            return &reports->items[i];
        }
    }
    return NULL;
}

static bool is_word(const char *text, const char *word) {
    return text != NULL && strcmp(text, word) == 0;
}

static const char *status_of(const struct ql_sim_reports *reports, const struct ql_sim_report_job *job) {
    int64_t age_ms = ql_sim_monotonic_ms() - job->created_ms;
    bool is_ready = age_ms >= reports->ready_after_ms;
    if (job->end_status != NULL && (job->is_ended || is_ready)) {
        return job->end_status;
    }
    return is_ready ? "COMPLETED" : age_ms < reports->ready_after_ms / 3 ? "SUBMITTED" : "RUNNING";
}

static void set_status(struct ql_sim_report_job *job, const char *status, const char *error_type) {
    char *old_status = job->end_status;
    char *old_type = job->error_type;
    job->end_status = ql_mem_strdup(status);
    job->error_type = error_type != NULL ? ql_mem_strdup(error_type) : NULL;
    ql_mem_free(old_status);
    ql_mem_free(old_type);
}

static void write_file(const struct ql_sim_reports *reports, struct ql_sim_report_job *job, bool is_partial) {
    const struct ql_sim_report *report = job->report;
    int64_t length_ms = report->buckets.to_ms - report->buckets.from_ms;
    ql_buf_reset(&job->file);
    if (report->is_pdf || !report->is_known_view) {
        set_status(job, "FAILED", "EXPORT_TYPE_NOT_IMPLEMENTED");
    } else if (reports->max_interval_ms != 0 && length_ms > reports->max_interval_ms) {
        set_status(job, "FAILED", "FAILED_LONG_RUNNING_EXPORT");
    } else if (!ql_sim_report_write(reports->world, report, is_partial, reports->max_bytes, &job->file)) {
        set_status(job, "FAILED", "FAILED_AS_EXPORT_FILE_SIZE_IS_GREATER_THAN_10MB");
    }
}

/* What a fault plan wants the export to become. */
static void apply_fault(const struct ql_sim_reports *reports, struct ql_sim_report_job *job, const struct ql_sim_fault *fault,
                        bool is_ended) {
    if (fault == NULL || fault->report_status == NULL) {
        return;
    }
    bool is_failed = is_word(fault->report_status, "FAILED");
    const char *type = fault->report_error != NULL ? fault->report_error : "FAILED_GETTING_DATA_FROM_SERVICE";
    set_status(job, fault->report_status, is_failed ? type : NULL);
    job->is_ended = is_ended;
    if (is_word(fault->report_status, "COMPLETED_WITH_PARTIAL_RESULTS")) {
        write_file(reports, job, true);
    }
}

static void set_time(json_t *json, const char *name, int64_t ms) {
    char text[32];
    ql_sim_time_print(ms, text);
    (void)json_object_set_new(json, name, json_string(text));
}

/* The request again, and what has become of it. */
static json_t *job_json(const struct ql_sim_reports *reports, const struct ql_sim_report_job *job, const char *status) {
    json_t *json = json_copy(job->report->json);
    bool is_completed = ql_str_has_prefix(ql_str_from(status), "COMPLETED");
    bool is_waiting = is_word(status, "SUBMITTED");
    (void)json_object_set_new(json, "id", json_string(job->id));
    (void)json_object_set_new(json, "runId", json_string(job->run_id));
    (void)json_object_set_new(json, "status", json_string(status));
    (void)json_object_set_new(json, "read", json_boolean(job->is_read));
    (void)json_object_set_new(json, "percentageComplete", json_real(is_completed ? 1.0 : is_waiting ? 0.0 : 0.5));
    (void)json_object_set_new(json, "exportAllowedToRerun", json_true());
    (void)json_object_set_new(json, "enabled", json_false());
    (void)json_object_set_new(json, "intervalKeyType", json_string("ConversationStart"));
    set_time(json, "createdDateTime", job->created_at_ms);
    set_time(json, "modifiedDateTime", job->created_at_ms + (is_waiting ? 0 : reports->ready_after_ms));
    if (is_completed) {
        (void)json_object_set_new(json, "downloadUrl",
                                  json_sprintf("%s/platform/api/v2/downloads/%s", reports->api_url, job->download_id));
    }
    if (is_word(status, "FAILED") && job->error_type != NULL) {
        (void)json_object_set_new(json, "exportErrorMessagesType", json_string(job->error_type));
    }
    (void)json_object_set_new(json, "selfUri", json_sprintf("%s/%s", PATH, job->id));
    return json;
}

void ql_sim_reports_create(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    enum { KIND_REPORT = 18 };
    const struct ql_sim_reader reader = {request, answer};
    struct ql_sim_report_job job = {.created_ms = ql_sim_monotonic_ms(), .created_at_ms = ql_sim_now_ms()};
    job.report = ql_sim_report_read(&reader, reports->world);
    if (job.report == NULL) {
        return;
    }
    (void)ql_sim_read_flag(&reader, job.report->json, "read", &job.is_read);
    write_file(reports, &job, false);
    apply_fault(reports, &job, request->fault, false);
    (void)pthread_mutex_lock(&reports->lock);
    struct ql_sim_prng prng = ql_sim_prng_for(reports->seed, KIND_REPORT, reports->n, 0);
    ql_sim_prng_uuid(&prng, job.id);
    ql_sim_prng_uuid(&prng, job.run_id);
    for (size_t i = 0; i + 1 < DOWNLOAD_ID_SIZE; i++) {
        job.download_id[i] = "0123456789abcdef"[ql_sim_prng_below(&prng, 16)];
    }
    QL_MEM_GROW(reports->items, reports->cap, reports->n + 1);
    reports->items[reports->n++] = job;
    json_t *body = job_json(reports, &job, "SUBMITTED"); /* nothing is ready at once, however short the wait is */
    (void)pthread_mutex_unlock(&reports->lock);
    ql_sim_answer_set_json(answer, 200, body);
}

/* An export of somebody else's making: the same identity, another program. */
static json_t *other_json(const struct ql_sim_reports *reports, int64_t i) {
    enum { KIND_OTHER = 19 };
    char id[QL_SIM_UUID_SIZE];
    struct ql_sim_prng prng = ql_sim_prng_for(reports->seed, KIND_OTHER, (uint64_t)i, 0);
    ql_sim_prng_uuid(&prng, id);
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:f}", "id", id, "name", "Weekly overview", "status",
                             i % 3 == 0 ? "FAILED" : "COMPLETED", "timeZone", "UTC", "exportFormat", "CSV", "viewType",
                             "QUEUE_PERFORMANCE_SUMMARY_VIEW", "createdDateTime", "2024-01-08T06:00:00.000Z",
                             "modifiedDateTime", "2024-01-08T06:00:03.000Z", "percentageComplete", 1.0);
    if (i % 3 == 0) {
        (void)json_object_set_new(json, "exportErrorMessagesType", json_string("FAILED_LONG_RUNNING_EXPORT"));
    } else {
        (void)json_object_set_new(json, "downloadUrl",
                                  json_sprintf("%s/platform/api/v2/downloads/%.16s", reports->api_url, id));
    }
    (void)json_object_set_new(json, "selfUri", json_sprintf("%s/%s", PATH, id));
    return json;
}

void ql_sim_reports_list(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    enum { MAX_PAGE_SIZE = 100 };
    struct ql_sim_page page;
    if (!ql_sim_page_read(request, MAX_PAGE_SIZE, QL_SIM_MAX_PAGE, &page, answer)) {
        return;
    }
    json_t *entities = json_array();
    int64_t begin = (page.number - 1) * page.size;
    int64_t end = begin + page.size;
    int64_t at = reports->n_others;
    for (int64_t i = begin; i < end && i < reports->n_others; i++) {
        (void)json_array_append_new(entities, other_json(reports, i));
    }
    (void)pthread_mutex_lock(&reports->lock);
    for (size_t i = reports->n; i-- > 0;) { /* newest first */
        const struct ql_sim_report_job *job = &reports->items[i];
        if (!job->is_deleted) {
            if (at >= begin && at < end) {
                (void)json_array_append_new(entities, job_json(reports, job, status_of(reports, job)));
            }
            at++;
        }
    }
    (void)pthread_mutex_unlock(&reports->lock);
    ql_sim_answer_set_json(answer, 200, ql_sim_page_json(&page, PATH, at, entities));
}

static json_t *view_json(const char *view, const char *name) {
    json_t *ids = json_array();
    for (size_t i = 0; i < ql_sim_n_columns; i++) {
        if (ql_sim_columns[i].id != NULL) {
            (void)json_array_append_new(ids, json_string(ql_sim_columns[i].id));
        }
    }
    json_t *json = json_pack("{s:s,s:s,s:s,s:[],s:[s,s,s,s],s:[],s:{},s:o}", "id", view, "name", name, "viewType", view,
                             "requiredFilters", "supportedFilters", "mediaTypes", "queueIds", "directions", "divisionIds",
                             "requiredColumnIds", "dependentColumnIds", "availableColumnIds", ids);
    (void)json_object_set_new(json, "selfUri", json_sprintf("%s/metadata/%s", PATH, view));
    return json;
}

void ql_sim_reports_list_views(const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    struct ql_sim_page page;
    if (ql_sim_page_read(request, 100, QL_SIM_MAX_PAGE, &page, answer)) {
        json_t *entities = json_array();
        (void)json_array_append_new(entities, view_json("QUEUE_PERFORMANCE_SUMMARY_VIEW", "Queue Performance Summary"));
        (void)json_array_append_new(entities, view_json("QUEUE_PERFORMANCE_DETAIL_VIEW", "Queue Performance Detail"));
        page = (struct ql_sim_page){2, 1}; /* all at once, whatever was asked for */
        ql_sim_answer_set_json(answer, 200,
                               ql_sim_page_json(&page, "/api/v2/analytics/reporting/exports/metadata", 2, entities));
    }
}

void ql_sim_reports_get(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_str id,
                        struct ql_sim_answer *answer) {
    json_t *body = NULL;
    (void)pthread_mutex_lock(&reports->lock);
    struct ql_sim_report_job *job = find(reports, id);
    if (job != NULL) {
        apply_fault(reports, job, request->fault, true);
        body = job_json(reports, job, status_of(reports, job));
    }
    (void)pthread_mutex_unlock(&reports->lock);
    if (body != NULL) {
        ql_sim_answer_set_json(answer, 200, body);
    } else {
        ql_sim_answer_api_status(answer, request, 404);
    }
}

void ql_sim_reports_patch(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_str id,
                          struct ql_sim_answer *answer) {
    const struct ql_sim_reader reader = {request, answer};
    json_t *changes = ql_sim_read_body(&reader);
    bool is_read = false;
    if (changes == NULL) {
        return;
    }
    bool is_good = ql_sim_read_flag(&reader, changes, "read", &is_read);
    bool has_read = json_object_get(changes, "read") != NULL;
    json_decref(changes);
    if (!is_good) {
        return;
    }
    (void)pthread_mutex_lock(&reports->lock);
    struct ql_sim_report_job *job = find(reports, id);
    if (job != NULL && has_read) {
        job->is_read = is_read;
    }
    (void)pthread_mutex_unlock(&reports->lock);
    ql_sim_reports_get(reports, request, id, answer);
}

void ql_sim_reports_delete(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_str id,
                           struct ql_sim_answer *answer) {
    (void)pthread_mutex_lock(&reports->lock);
    struct ql_sim_report_job *job = find(reports, id);
    if (job != NULL) {
        job->is_deleted = true;
    }
    (void)pthread_mutex_unlock(&reports->lock);
    if (job != NULL) {
        answer->status = 204;
    } else {
        ql_sim_answer_api_status(answer, request, 404);
    }
}

/* The lock is held. A job with a file that is there for whoever has the download's id. */
static const struct ql_sim_report_job *find_download(const struct ql_sim_reports *reports, struct ql_str download_id) {
    for (size_t i = 0; i < reports->n; i++) {
        const struct ql_sim_report_job *job = &reports->items[i];
        if (!job->is_deleted && ql_str_eq(download_id, ql_str_from(job->download_id)) &&
            ql_str_has_prefix(ql_str_from(status_of(reports, job)), "COMPLETED")) {
            return job;
        }
    }
    return NULL;
}

void ql_sim_reports_show_download(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_str id,
                                  struct ql_sim_answer *answer) {
    (void)pthread_mutex_lock(&reports->lock);
    bool is_there = find_download(reports, id) != NULL;
    (void)pthread_mutex_unlock(&reports->lock);
    if (!is_there) {
        ql_sim_answer_api_status(answer, request, 404);
        return;
    }
    struct ql_buf path = {0};
    struct ql_buf url = {0};
    struct ql_buf redirect = {0};
    ql_buf_printf(&path, "/reports/%.*s.csv", QL_STR_ARG(id));
    ql_buf_puts(&url, reports->download_url);
    ql_sim_links_sign(reports->links, ql_buf_text(&path), &url);
    if (ql_sim_request_get_parameter(request, "issueRedirect", &redirect) &&
        ql_str_eq_nocase(ql_buf_view(&redirect), QL_STR("false"))) {
        ql_sim_answer_set_json(answer, 200, json_pack("{s:s}", "url", ql_buf_text(&url)));
    } else {
        ql_sim_answer_set_text(answer, 302, "text/plain", QL_STR(""));
        ql_sim_answer_set_header(answer, "Location", "%s", ql_buf_text(&url));
    }
    ql_buf_fini(&path);
    ql_buf_fini(&url);
    ql_buf_fini(&redirect);
}

struct ql_sim_stream *ql_sim_reports_open_file(struct ql_sim_reports *reports, struct ql_str download_id) {
    struct ql_sim_stream *stream = NULL;
    (void)pthread_mutex_lock(&reports->lock);
    const struct ql_sim_report_job *job = find_download(reports, download_id);
    if (job != NULL) {
        stream = ql_sim_stream_text(ql_buf_view(&job->file));
    }
    (void)pthread_mutex_unlock(&reports->lock);
    return stream;
}
