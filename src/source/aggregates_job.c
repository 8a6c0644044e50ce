/*
 * A window by way of a job: created, waited for as an export is, read page by page along its cursor. A job that the server has
 * lost (expired, unknown) is created again; one that is left for any other reason, a signal among them, is cancelled, because
 * an organization can run only so many at a time.
 *
 * What a page counts, groups or intervals, is not documented. So the first page says: where it is far smaller than it may be,
 * the job is begun again with larger pages before thousands of small ones are fetched.
 */
#include "source/aggregates.h"

#define JOBS_PATH "/api/v2/analytics/conversations/aggregates/jobs"

enum job_state { JOB_RUNNING, JOB_FULFILLED, JOB_FAILED, JOB_LOST };

struct job {
    struct ql_buf id;
    int64_t created_ms; /* monotonic */
    enum job_state state;
    bool is_read;         /* to its last page */
    bool has_small_pages; /* and is not worth reading on */
};

/* A page below this part of what it may be is small. */
enum { SMALL_PART = 8 };

static void put_path(const struct job *job, struct ql_buf *path) {
    ql_buf_puts(path, JOBS_PATH "/");
    ql_http_encode(ql_buf_view(&job->id), false, path);
}

/* A lost job is an answer, not yet an error of the run. */
static enum ql_status get(struct ql_aggregates *aggregates, const char *path, struct ql_window *window, struct job *job,
                          struct ql_http_response *response, struct ql_err *err) {
    const struct ql_genesys_call call = {.method = "GET", .path = path, .repeat = QL_HTTP_REPEAT_ALWAYS};
    enum ql_status status = ql_aggregates_send(aggregates, &call, window, response, err);
    if (status != QL_OK && response->status == 404) {
        job->state = JOB_LOST;
    }
    return status;
}

static enum ql_status create(struct ql_aggregates *aggregates, struct ql_window *window, struct job *job, struct ql_err *err) {
    struct ql_buf body = {0};
    ql_aggregates_request_body(aggregates, window, aggregates->page_size, &body);
    /* One job too many expires by itself, so that any doubt may be resolved by another try. */
    const struct ql_genesys_call call = {
        .method = "POST", .path = JOBS_PATH, .body = ql_buf_view(&body), .repeat = QL_HTTP_REPEAT_ALWAYS};
    struct ql_http_response response;
    struct ql_json *json = NULL;
    enum ql_status status = ql_aggregates_send(aggregates, &call, window, &response, err);
    window->is_unknown = status != QL_OK && (response.status == 403 || response.status == 404 || response.status == 405);
    if (status == QL_OK) {
        status = ql_genesys_parse(&aggregates->genesys, &response, &json, err);
    }
    if (status == QL_OK) {
        struct ql_str id = ql_json_get_text(json, "jobId");
        ql_buf_put_str(&job->id, id);
        if (id.len == 0 || id.len > 128) {
            status =
                QL_FAIL(err, QL_E_PROTOCOL, "the answer to the creation of a job (%ld) names no usable id", response.status);
            ql_error_note_answer(&response, NULL, err);
        }
    }
    ql_json_free(json);
    ql_http_response_fini(&response);
    ql_buf_fini(&body);
    if (status != QL_OK) {
        ql_err_wrap(err, "creating a job");
    }
    return status;
}

/* ---- waiting */

static bool is_word(struct ql_str text, const char *word) {
    return ql_str_eq_nocase(text, ql_str_from(word));
}

static enum ql_status read_state(struct ql_aggregates *aggregates, const struct ql_json *json, struct ql_window *window,
                                 struct job *job, struct ql_err *err) {
    struct ql_str state = ql_json_get_text(json, "state");
    if (is_word(state, "FULFILLED")) {
        job->state = JOB_FULFILLED;
        return QL_OK;
    }
    if (is_word(state, "FAILED") || is_word(state, "CANCELLED") || is_word(state, "EXPIRED")) {
        char words[400];
        ql_words_copy(aggregates->genesys.http, ql_json_get_text(json, "errorMessage"), words, sizeof words);
        job->state = is_word(state, "EXPIRED") ? JOB_LOST : JOB_FAILED;
        window->is_too_much = ql_aggregates_complains_of_much(words);
        return QL_FAIL(err, QL_E_EXPORT_FAILED, "job '%s' is %.*s: %s", ql_buf_text(&job->id), QL_STR_ARG(state),
                       words[0] != '\0' ? words : "the server gives no reason");
    }
    return QL_OK; /* QUEUED, PENDING, or a name that a later version invents: the deadline bounds it */
}

static enum ql_status look(struct ql_aggregates *aggregates, struct ql_window *window, struct job *job, struct ql_err *err) {
    struct ql_buf path = {0};
    struct ql_http_response response;
    struct ql_json *json = NULL;
    put_path(job, &path);
    enum ql_status status = get(aggregates, ql_buf_text(&path), window, job, &response, err);
    if (status == QL_OK) {
        status = ql_genesys_parse(&aggregates->genesys, &response, &json, err);
    }
    if (status == QL_OK) {
        status = read_state(aggregates, json, window, job, err);
        if (status != QL_OK) {
            ql_error_note_answer(&response, NULL, err);
        }
    }
    ql_json_free(json);
    ql_http_response_fini(&response);
    ql_buf_fini(&path);
    return status;
}

struct looking {
    struct ql_aggregates *aggregates;
    struct ql_window *window;
    struct job *job;
};

static enum ql_status look_once(void *ctx, bool *is_over, struct ql_err *err) {
    const struct looking *looking = ctx;
    enum ql_status status = look(looking->aggregates, looking->window, looking->job, err);
    *is_over = looking->job->state != JOB_RUNNING;
    return status;
}

static enum ql_status wait_until_ready(struct ql_aggregates *aggregates, struct ql_window *window, struct job *job,
                                       struct ql_err *err) {
    struct looking looking = {aggregates, window, job};
    const struct ql_export_wait wait = {.genesys = &aggregates->genesys,
                                        .what = "job",
                                        .otherwise = "say --aggregates query",
                                        .id = ql_buf_view(&job->id),
                                        .created_ms = job->created_ms,
                                        .poll_min_ms = aggregates->options.poll_min_ms,
                                        .poll_max_ms = aggregates->options.poll_max_ms,
                                        .deadline_ms = aggregates->options.deadline_ms,
                                        .look = look_once,
                                        .ctx = &looking};
    return ql_export_wait(&wait, err);
}

/* ---- reading */

static enum ql_status read_page(struct ql_aggregates *aggregates, struct ql_window *window, struct job *job,
                                struct ql_buf *cursor, struct ql_err *err) {
    struct ql_buf path = {0};
    struct ql_http_response response;
    put_path(job, &path);
    ql_buf_puts(&path, "/results");
    if (cursor->len != 0) {
        ql_buf_puts(&path, "?cursor=");
        ql_http_encode(ql_buf_view(cursor), false, &path);
    }
    enum ql_status status = get(aggregates, ql_buf_text(&path), window, job, &response, err);
    if (status == QL_OK && response.status == 202) {
        job->state = JOB_RUNNING; /* not ready after all */
    } else if (status == QL_OK) {
        struct ql_buf next = {0};
        status = ql_aggregates_read(aggregates, window, &response, &next, err);
        if (status == QL_OK && next.len != 0 && ql_str_eq(ql_buf_view(&next), ql_buf_view(cursor))) {
            status = QL_FAIL(err, QL_E_PROTOCOL, "job '%s' gives the same cursor twice: its pages would never end",
                             ql_buf_text(&job->id));
        }
        ql_buf_fini(cursor);
        *cursor = next;
        job->is_read = status == QL_OK && next.len == 0;
        job->has_small_pages = status == QL_OK && next.len != 0 && window->n_answers == 1 &&
                               aggregates->page_size < aggregates->most_page_size &&
                               response.body.len < aggregates->options.answer_bytes / SMALL_PART;
    }
    ql_http_response_fini(&response);
    ql_buf_fini(&path);
    return status;
}

static enum ql_status wait_and_read(struct ql_aggregates *aggregates, struct ql_window *window, struct job *job,
                                    struct ql_err *err) {
    struct ql_buf cursor = {0};
    enum ql_status status = QL_OK;
    while (status == QL_OK && !job->is_read && !job->has_small_pages) {
        if (job->state == JOB_RUNNING) {
            ql_genesys_stage(&aggregates->genesys, "wait");
            status = wait_until_ready(aggregates, window, job, err);
            ql_genesys_stage(&aggregates->genesys, "download");
        } else {
            status = read_page(aggregates, window, job, &cursor, err);
        }
    }
    ql_buf_fini(&cursor);
    return status;
}

/* Its answer changes nothing. */
static void cancel(struct ql_aggregates *aggregates, const struct job *job) {
    struct ql_buf path = {0};
    struct ql_http_response response;
    bool was_sent;
    put_path(job, &path);
    const struct ql_genesys_call call = {
        .method = "DELETE", .path = ql_buf_text(&path), .repeat = QL_HTTP_REPEAT_NEVER, .is_cleanup = true};
    enum ql_status status = ql_genesys_send(&aggregates->genesys, &call, &response, &was_sent, NULL);
    if (status == QL_OK && response.status < 300) {
        ql_genesys_note(&aggregates->genesys, "job %s was cancelled", ql_buf_text(&job->id));
    }
    ql_http_response_fini(&response);
    ql_buf_fini(&path);
}

/* Half of what a page may be, going by the first one. */
static void enlarge_pages(struct ql_aggregates *aggregates, const struct ql_window *window) {
    int64_t times = (int64_t)(aggregates->options.answer_bytes / 2 / (window->largest_bytes + 1));
    int64_t page_size = aggregates->page_size * times;
    aggregates->page_size = page_size < aggregates->most_page_size ? page_size : aggregates->most_page_size;
}

/* *is_again: the job was lost, or has pages too small: another one is worth a try. */
static enum ql_status run_one(struct ql_aggregates *aggregates, struct ql_window *window, bool *is_again, struct ql_err *err) {
    struct job job = {.created_ms = ql_time_monotonic_ms()};
    ql_genesys_stage(&aggregates->genesys, "create");
    enum ql_status status = create(aggregates, window, &job, err);
    bool is_there = status == QL_OK;
    if (status == QL_OK) {
        status = wait_and_read(aggregates, window, &job, err);
    }
    if (is_there && !job.is_read && (job.state == JOB_RUNNING || job.state == JOB_FULFILLED)) {
        cancel(aggregates, &job);
    }
    if (job.has_small_pages) {
        enlarge_pages(aggregates, window);
    }
    *is_again = job.has_small_pages || job.state == JOB_LOST;
    ql_buf_fini(&job.id);
    return status;
}

enum ql_status ql_aggregates_job(struct ql_aggregates *aggregates, struct ql_window *window, struct ql_err *err) {
    for (int n_lost = 0;;) {
        struct ql_err failure = {0};
        bool is_again;
        *window = (struct ql_window){.from_us = window->from_us, .to_us = window->to_us};
        enum ql_status status = run_one(aggregates, window, &is_again, &failure);
        n_lost += status != QL_OK;
        if (!is_again || n_lost >= aggregates->options.max_jobs) {
            if (status != QL_OK && err != NULL) {
                *err = failure;
            }
            return status;
        }
        ql_genesys_note(&aggregates->genesys, "%s; the job is created again",
                        status != QL_OK ? failure.message : "pages can be larger");
        aggregates->batch.n_rows = 0;
        QL_TRY(aggregates->sink->settle(aggregates->sink->ctx, false, err));
    }
}
