#include "sim/aggregate_job.h"

#include "base/mem.h"
#include "sim/calendar.h"
#include "sim/cursor.h"
#include "sim/error_body.h"
#include "sim/fault_plan.h"

struct ql_sim_job {
    struct ql_sim_job *older;
    char id[QL_SIM_UUID_SIZE];
    uint64_t key; /* of its cursors */
    struct ql_sim_aggregate_query *query;
    int64_t created_ms, created_at_ms; /* monotonic; wall clock */
    char *end_state, *message;         /* what a fault wants it to become; NULL: nothing */
    bool is_ended;                     /* end_state holds at once */
    bool is_cancelled;
};

void ql_sim_jobs_init(struct ql_sim_jobs *jobs) {
    (void)pthread_mutex_init(&jobs->lock, NULL);
}

void ql_sim_jobs_fini(struct ql_sim_jobs *jobs) {
    for (struct ql_sim_job *job = jobs->newest; job != NULL;) {
        struct ql_sim_job *older = job->older;
        ql_sim_aggregate_query_free(job->query);
        ql_mem_free(job->end_state);
        ql_mem_free(job->message);
        ql_mem_free(job);
        job = older;
    }
    (void)pthread_mutex_destroy(&jobs->lock);
}

/* The lock is held. */
static struct ql_sim_job *find(struct ql_sim_jobs *jobs, struct ql_str id) {
    struct ql_sim_job *job = jobs->newest;
    while (job != NULL && !ql_str_eq(id, ql_str_from(job->id))) {
        job = job->older;
    }
    return job;
}

/* Waits in a queue for the first half of its time, works for the second. The lock is held. */
static const char *state_of(const struct ql_sim_jobs *jobs, const struct ql_sim_job *job) {
    int64_t age_ms = ql_sim_monotonic_ms() - job->created_ms;
    if (job->is_cancelled) {
        return "CANCELLED";
    }
    if (job->end_state != NULL && (job->is_ended || age_ms >= jobs->ready_after_ms)) {
        return job->end_state;
    }
    if (age_ms < jobs->ready_after_ms) {
        return age_ms < jobs->ready_after_ms / 2 ? "QUEUED" : "PENDING";
    }
    return age_ms < jobs->ready_after_ms + jobs->life_ms ? "FULFILLED" : "EXPIRED";
}

static bool is_state(const char *state, const char *word) {
    return strcmp(state, word) == 0;
}

static bool is_running(const char *state) {
    return is_state(state, "QUEUED") || is_state(state, "PENDING");
}

/* The lock is held. */
static void set_end(struct ql_sim_job *job, const struct ql_sim_fault *fault, bool is_ended) {
    if (fault == NULL || fault->job_state == NULL) {
        return;
    }
    ql_mem_free(job->end_state);
    ql_mem_free(job->message);
    job->end_state = ql_mem_strdup(fault->job_state);
    job->message = fault->message != NULL ? ql_mem_strdup(fault->message) : NULL;
    job->is_ended = is_ended;
}

void ql_sim_aggregates_query(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    const struct ql_sim_reader reader = {request, answer};
    struct ql_sim_aggregate_query *query = ql_sim_aggregate_query_read(&reader, jobs->world, &jobs->query_limits);
    if (query == NULL) {
        return;
    }
    if (query->n_groups == 0 && jobs->world->is_edge) { /* where nothing matches, some have seen no list at all */
        ql_sim_aggregate_query_free(query);
        ql_sim_answer_set_json(answer, 200, json_object());
        return;
    }
    const struct ql_sim_page_rule rule = {.size = INT64_MAX, .has_offsets = jobs->has_offsets};
    answer->status = 200;
    ql_sim_answer_set_header(answer, "Content-Type", "application/json");
    ql_sim_answer_set_body(answer, ql_sim_stream_aggregates(jobs->world, query, true, (struct ql_sim_place){0}, &rule));
}

static bool has_room(struct ql_sim_jobs *jobs) {
    int64_t n = 0;
    for (const struct ql_sim_job *job = jobs->newest; job != NULL; job = job->older) {
        n += is_running(state_of(jobs, job)) ? 1 : 0;
    }
    return jobs->max_running == 0 || n < jobs->max_running;
}

static void refuse_for_room(const struct ql_sim_jobs *jobs, const struct ql_sim_request *request,
                            struct ql_sim_answer *answer) {
    const struct ql_sim_api_error error = {.status = 429,
                                           .code = "too.many.requests",
                                           .message = "The number of jobs that run at the same time is at its limit",
                                           .limit_key = "async.aggregate.jobs.concurrent.max",
                                           .limit_namespace = "analytics",
                                           .limit_value = jobs->max_running};
    ql_sim_answer_api_error(answer, request, &error);
}

void ql_sim_jobs_create(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    enum { KIND_JOB = 17 };
    const struct ql_sim_reader reader = {request, answer};
    struct ql_sim_aggregate_query *query = ql_sim_aggregate_query_read(&reader, jobs->world, &jobs->job_limits);
    if (query == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&jobs->lock);
    struct ql_sim_job *job = NULL;
    if (has_room(jobs)) {
        job = ql_mem_zalloc(1, sizeof *job);
        struct ql_sim_prng prng = ql_sim_prng_for(jobs->seed, KIND_JOB, jobs->n_created++, 0);
        ql_sim_prng_uuid(&prng, job->id);
        job->key = ql_sim_prng_next(&prng);
        job->query = query;
        job->created_ms = ql_sim_monotonic_ms();
        job->created_at_ms = ql_sim_now_ms();
        set_end(job, request->fault, false);
        job->older = jobs->newest;
        jobs->newest = job;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    if (job != NULL) {
        ql_sim_answer_set_json(answer, 202, json_pack("{s:s}", "jobId", job->id));
    } else {
        ql_sim_aggregate_query_free(query);
        refuse_for_room(jobs, request, answer);
    }
}

static void set_time(json_t *body, const char *name, int64_t ms) {
    char text[32];
    ql_sim_time_print(ms, text);
    (void)json_object_set_new(body, name, json_string(text));
}

/* The lock is held. */
static json_t *job_json(const struct ql_sim_jobs *jobs, const struct ql_sim_job *job) {
    const char *state = state_of(jobs, job);
    json_t *body = json_pack("{s:s}", "state", state);
    set_time(body, "submissionDate", job->created_at_ms);
    if (!is_running(state)) {
        set_time(body, "completionDate", job->created_at_ms + jobs->ready_after_ms);
    }
    if (is_state(state, "FULFILLED") || is_state(state, "EXPIRED")) {
        set_time(body, "expirationDate", job->created_at_ms + jobs->ready_after_ms + jobs->life_ms);
    }
    if (is_state(state, "FAILED")) {
        (void)json_object_set_new(body, "errorMessage", json_string(job->message != NULL ? job->message : "The query failed"));
    }
    return body;
}

void ql_sim_jobs_get(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_str id,
                     struct ql_sim_answer *answer) {
    json_t *body = NULL;
    (void)pthread_mutex_lock(&jobs->lock);
    struct ql_sim_job *job = find(jobs, id);
    if (job != NULL) {
        set_end(job, request->fault, true);
        body = job_json(jobs, job);
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    if (body != NULL) {
        ql_sim_answer_set_json(answer, 200, body);
    } else {
        ql_sim_answer_api_status(answer, request, 404);
    }
}

void ql_sim_jobs_cancel(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_str id,
                        struct ql_sim_answer *answer) {
    (void)pthread_mutex_lock(&jobs->lock);
    struct ql_sim_job *job = find(jobs, id);
    if (job != NULL) {
        job->is_cancelled = true;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    if (job != NULL) {
        answer->status = 204;
    } else {
        ql_sim_answer_api_status(answer, request, 404);
    }
}

static void put_cursor(void *ctx, struct ql_sim_place place, struct ql_buf *out) {
    const struct ql_sim_job *job = ctx;
    ql_sim_cursor_put(job->key, place, out);
}

/* Where the page begins that is asked for; false: the cursor is not one of this job's. */
static bool read_place(const struct ql_sim_request *request, const struct ql_sim_job *job, struct ql_sim_place *place) {
    struct ql_buf text = {0};
    *place = (struct ql_sim_place){0};
    bool is_good =
        !ql_sim_request_get_parameter(request, "cursor", &text) || ql_sim_cursor_parse(job->key, ql_buf_view(&text), place);
    ql_buf_fini(&text);
    return is_good;
}

/* The page size of this request, or that of the job; false: it is no number. */
static bool read_page_size(const struct ql_sim_request *request, const struct ql_sim_job *job, int64_t *size) {
    enum { DEFAULT_PAGE_SIZE = 100 };
    struct ql_buf text = {0};
    bool is_good = true;
    *size = job->query->page_size != 0 ? job->query->page_size : DEFAULT_PAGE_SIZE;
    if (ql_sim_request_get_parameter(request, "pageSize", &text)) {
        is_good = ql_str_to_i64(ql_buf_view(&text), size) && *size >= 1;
    }
    ql_buf_fini(&text);
    return is_good;
}

void ql_sim_jobs_results(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_str id,
                         struct ql_sim_answer *answer) {
    const struct ql_sim_reader reader = {request, answer};
    (void)pthread_mutex_lock(&jobs->lock);
    struct ql_sim_job *job = find(jobs, id);
    bool is_fulfilled = job != NULL && is_state(state_of(jobs, job), "FULFILLED");
    (void)pthread_mutex_unlock(&jobs->lock);
    struct ql_sim_page_rule rule = {
        .is_split = jobs->is_split, .has_offsets = jobs->has_offsets, .put_cursor = put_cursor, .ctx = job};
    struct ql_sim_place from;
    if (!is_fulfilled) {
        ql_sim_answer_api_status(answer, request, 404);
    } else if (!read_place(request, job, &from)) {
        (void)ql_sim_refuse(&reader, "bad.request", "cursor", "The cursor is not valid");
    } else if (!read_page_size(request, job, &rule.size)) {
        (void)ql_sim_refuse_value(&reader, "pageSize", "?", "numbers above 0");
    } else {
        answer->status = 200;
        ql_sim_answer_set_header(answer, "Content-Type", "application/json");
        ql_sim_answer_set_body(answer, ql_sim_stream_aggregates(jobs->world, job->query, false, from, &rule));
    }
}
