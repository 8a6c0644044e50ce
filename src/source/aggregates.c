/*
 * analytics/conversations/aggregates: the figures of each interval and queue as counts and sums.
 *
 * How much the server gives at once no one knows: the range is cut into windows that should do, and a window that is refused as
 * too much is halved, one whose answer was small is followed by a larger one. A window is the unit of everything: its rows are
 * kept when all of them are there, and forgotten when one of its answers breaks.
 */
#include "source/aggregates.h"

#define QUERY_PATH "/api/v2/analytics/conversations/aggregates/query"

static const int64_t DAY_US = INT64_C(86400) * QL_US_PER_S;

enum {
    QUERY_DAYS = 31, /* of a range that is not worth a job */
    JOB_DAYS = 7,    /* of a job: what is fetched again if one is lost, and what its page size is worked out for */
    /* Of users no more than 100 may be named in a query; of queues nothing is documented. */
    CHUNK_QUEUES = 100,
    MAX_PAGE_SIZE = 100000,
    /* Text of an interval, and of a metric with its statistics: more than most have. */
    INTERVAL_BYTES = 80,
    METRIC_BYTES = 105
};

/* ---- requests */

bool ql_aggregates_complains_of_much(const char *message) {
    static const char *const WORDS[] = {"too long",    "too large",    "too many",  "too big", "exceed",
                                        "longer than", "greater than", "more than", "maximum", "size limit"};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcasestr(message, WORDS[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static void hint_at_cause(long http_status, struct ql_err *err) {
    if (http_status == 400) {
        ql_err_hint(err, "correct what the server names: --granularity, --timezone, --media-types, --directions, or the range");
    } else if (http_status == 404) {
        ql_err_hint(err, "check that the API host is right (GENESYS_ENVIRONMENT, --api-url)");
    }
}

static enum ql_status refuse(const struct ql_aggregates *aggregates, const struct ql_http_response *response,
                             struct ql_window *window, struct ql_err *err) {
    const struct ql_genesys *genesys = &aggregates->genesys;
    struct ql_error_body body;
    ql_error_body_read(genesys, response, &body);
    window->is_too_much = response->status == 413 || response->status == 504 ||
                          (response->status == 400 && ql_aggregates_complains_of_much(body.message));
    enum ql_status status = ql_genesys_explain(genesys, ql_buf_text(&genesys->api_host), response, err);
    hint_at_cause(response->status, err);
    return status;
}

enum ql_status ql_aggregates_send(struct ql_aggregates *aggregates, const struct ql_genesys_call *call,
                                  struct ql_window *window, struct ql_http_response *response, struct ql_err *err) {
    bool was_sent;
    window->is_too_much = false;
    enum ql_status status = ql_genesys_send(&aggregates->genesys, call, response, &was_sent, err);
    if (status == QL_OK && response->status != 200 && response->status != 202) {
        status = refuse(aggregates, response, window, err);
    } else if (status == QL_E_LIMIT) { /* of a body that is held in memory */
        window->is_too_much = true;
    }
    return status;
}

enum ql_status ql_aggregates_read(struct ql_aggregates *aggregates, struct ql_window *window,
                                  const struct ql_http_response *response, struct ql_buf *cursor, struct ql_err *err) {
    const struct ql_genesys *genesys = &aggregates->genesys;
    struct ql_str text = ql_buf_view(&response->body);
    window->n_answers++;
    window->largest_bytes = text.len > window->largest_bytes ? text.len : window->largest_bytes;
    if (text.len > genesys->options.max_json_bytes) {
        window->is_too_much = true;
        (void)QL_FAIL(err, QL_E_LIMIT, "an answer of %zu bytes of JSON is larger than %zu", text.len,
                      genesys->options.max_json_bytes);
        ql_err_hint(err, "raise --max-json-bytes");
        return QL_E_LIMIT;
    }
    struct ql_err failure = {0};
    enum ql_status status = ql_aggregates_read_page(aggregates, window, text, cursor, &failure);
    if (status == QL_E_PROTOCOL) {
        status = ql_genesys_unreadable(genesys, response, status, &failure);
    }
    if (status != QL_OK && err != NULL) {
        *err = failure;
    }
    return status;
}

static enum ql_status query(struct ql_aggregates *aggregates, struct ql_window *window, struct ql_err *err) {
    struct ql_buf body = {0};
    struct ql_buf cursor = {0};
    struct ql_http_response response;
    ql_aggregates_request_body(aggregates, window, 0, &body);
    const struct ql_genesys_call call = {
        .method = "POST", .path = QUERY_PATH, .body = ql_buf_view(&body), .repeat = QL_HTTP_REPEAT_ALWAYS};
    enum ql_status status = ql_aggregates_send(aggregates, &call, window, &response, err);
    if (status == QL_OK) {
        status = ql_aggregates_read(aggregates, window, &response, &cursor, err);
    }
    ql_http_response_fini(&response);
    ql_buf_fini(&cursor);
    ql_buf_fini(&body);
    return status;
}

/* ---- windows */

/* How many intervals the next window has, and what was learned of that. */
struct pace {
    int64_t n, most; /* most: not beyond, because more was refused */
    bool uses_jobs;
};

static int64_t at_least_1(int64_t n) {
    return n > 0 ? n : 1;
}

static int64_t cell_bytes(const struct ql_aggregates *aggregates) {
    return INTERVAL_BYTES + METRIC_BYTES * (int64_t)aggregates->n_metrics;
}

/* As if every queue had something to say in every interval. */
static struct pace first_pace(struct ql_aggregates *aggregates, bool uses_jobs) {
    const struct ql_aggregates_options *options = &aggregates->options;
    int64_t n_queues = aggregates->n_chunk_queues != 0 ? (int64_t)aggregates->n_chunk_queues : (int64_t)aggregates->queues.n;
    int64_t cells = (int64_t)options->answer_bytes / cell_bytes(aggregates);
    int64_t range_us = options->to_us - options->from_us;
    int64_t longest_us = (uses_jobs ? JOB_DAYS : QUERY_DAYS) * DAY_US;
    struct pace pace = {.most = at_least_1((longest_us < range_us ? longest_us : range_us) / options->granularity_us),
                        .uses_jobs = uses_jobs};
    pace.n = uses_jobs ? pace.most : at_least_1(cells / at_least_1(n_queues));
    pace.n = pace.n < pace.most ? pace.n : pace.most;
    aggregates->page_size = at_least_1(cells / pace.n);
    aggregates->most_page_size = MAX_PAGE_SIZE;
    return pace;
}

/* After an answer, or pages, of which twice as much would do. */
static void speed_up(struct ql_aggregates *aggregates, const struct ql_window *window, struct pace *pace) {
    if (window->largest_bytes >= aggregates->options.answer_bytes / 2) {
        return;
    }
    if (pace->uses_jobs && window->n_answers > 1) {
        int64_t twice = aggregates->page_size * 2;
        aggregates->page_size = twice < aggregates->most_page_size ? twice : aggregates->most_page_size;
    } else {
        pace->n = pace->n * 2 < pace->most ? pace->n * 2 : pace->most;
    }
}

/* After a refusal; false: there is nothing smaller. Pages come first, they cost the least. */
static bool slow_down(struct ql_aggregates *aggregates, const struct ql_window *window, const struct ql_window_rule *rule,
                      struct pace *pace, enum ql_status status) {
    if (pace->uses_jobs && status == QL_E_LIMIT && aggregates->page_size > 1) {
        aggregates->page_size /= 2;
        aggregates->most_page_size = aggregates->page_size;
        return true;
    }
    int64_t n = (window->to_us - window->from_us) / rule->granularity_us / 2;
    if (n == 0 || ql_window_end(rule, window->from_us, n) >= window->to_us) {
        return false;
    }
    pace->n = pace->most = n;
    return true;
}

static enum ql_status settle(struct ql_aggregates *aggregates, bool is_kept, struct ql_err *err) {
    const struct ql_source_sink *sink = aggregates->sink;
    if (is_kept) {
        QL_TRY(ql_aggregate_batch_flush(&aggregates->batch, sink, err));
    } else {
        aggregates->batch.n_rows = 0;
    }
    return sink->settle(sink->ctx, is_kept, err);
}

/* One window. *is_over false: it is to be tried again in another way, and failure says why. */
static enum ql_status try_window(struct ql_aggregates *aggregates, struct ql_window *window, const struct ql_window_rule *rule,
                                 struct pace *pace, struct ql_err *err) {
    struct ql_err failure = {0};
    enum ql_status status =
        pace->uses_jobs ? ql_aggregates_job(aggregates, window, &failure) : query(aggregates, window, &failure);
    if (status == QL_OK) {
        aggregates->n_without_queue += window->n_without_queue;
        aggregates->n_halves += window->n_halves;
        speed_up(aggregates, window, pace);
        return settle(aggregates, true, err);
    }
    QL_TRY(settle(aggregates, false, err));
    bool goes_on = false;
    if (window->is_unknown && aggregates->options.way == QL_AGGREGATES_AUTO) {
        ql_genesys_note(&aggregates->genesys, "there are no jobs here (%s); going on with queries", failure.message);
        aggregates->has_no_jobs = goes_on = true;
        *pace = first_pace(aggregates, false);
    } else if (window->is_too_much) {
        goes_on = slow_down(aggregates, window, rule, pace, status);
        if (goes_on) {
            ql_genesys_note(&aggregates->genesys, "too much at once (%s); asking for less", failure.message);
        } else {
            ql_err_hint(&failure, "ask for less: fewer --queues, fewer --metrics, a coarser --granularity");
        }
    }
    if (goes_on) {
        window->to_us = window->from_us; /* nothing of it is done */
        return QL_OK;
    }
    if (err != NULL) {
        *err = failure;
        char from[QL_TIME_TEXT_SIZE];
        char to[QL_TIME_TEXT_SIZE];
        (void)ql_time_format(window->from_us, from);
        (void)ql_time_format(window->to_us, to);
        ql_err_wrap(err, "asking for %s/%s", from, to);
    }
    return status;
}

/* The whole range of the queues that are asked for now. */
static enum ql_status fetch_range(struct ql_aggregates *aggregates, struct ql_err *err) {
    const struct ql_aggregates_options *options = &aggregates->options;
    const struct ql_window_rule rule = {options->granularity_us, options->to_us, options->tz};
    bool is_long = options->to_us - options->from_us > QUERY_DAYS * DAY_US;
    bool wants_jobs = options->way == QL_AGGREGATES_JOB || (options->way == QL_AGGREGATES_AUTO && is_long);
    struct pace pace = first_pace(aggregates, wants_jobs && !aggregates->has_no_jobs);
    for (int64_t from_us = options->from_us; from_us < options->to_us;) {
        struct ql_window window = {.from_us = from_us, .to_us = ql_window_end(&rule, from_us, pace.n)};
        QL_TRY(try_window(aggregates, &window, &rule, &pace, err));
        from_us = window.to_us;
    }
    return QL_OK;
}

/* ---- the source */

static struct ql_aggregates *aggregates_of(struct ql_source *source) {
    return (struct ql_aggregates *)(void *)source;
}

static enum ql_status aggregates_prepare(struct ql_source *source, struct ql_err *err) {
    struct ql_aggregates *aggregates = aggregates_of(source);
    QL_TRY(ql_genesys_check(&aggregates->genesys, err));
    ql_genesys_stage(&aggregates->genesys, "token");
    QL_TRY(ql_oauth_ensure(&aggregates->genesys, err));
    return ql_permissions_gate(&aggregates->genesys, QL_STR("aggregates"), err);
}

static void add_metric(struct ql_aggregates *aggregates, const char *metric) {
    for (size_t i = 0; i < aggregates->n_metrics; i++) {
        if (strcmp(aggregates->metrics[i], metric) == 0) {
            return;
        }
    }
    aggregates->metrics[aggregates->n_metrics++] = metric;
}

/* What is asked for, and what of it there is. */
static enum ql_status begin(struct ql_aggregates *aggregates, const struct ql_source_sink *sink, struct ql_err *err) {
    aggregates->sink = sink;
    aggregates->columns = ql_mem_zalloc(sink->n_columns, sizeof(const struct ql_aggregate_column *));
    aggregates->metrics = ql_mem_zalloc(sink->n_columns, sizeof *aggregates->metrics);
    ql_aggregate_batch_init(&aggregates->batch, sink->n_columns);
    bool *is_present = ql_mem_zalloc(sink->n_columns, sizeof *is_present);
    for (size_t c = 0; c < sink->n_columns; c++) {
        aggregates->columns[c] = ql_aggregate_column_find(sink->columns[c].name);
        is_present[c] = aggregates->columns[c] != NULL;
        if (is_present[c]) {
            add_metric(aggregates, aggregates->columns[c]->metric);
        }
    }
    const struct ql_source_rows info = {
        .is_present = is_present, .has_queue_id = true, .has_media_type = aggregates->options.by_media_type};
    enum ql_status status = sink->rows_begin(sink->ctx, &info, err);
    ql_mem_free(is_present);
    return status;
}

static enum ql_status load_queues(struct ql_aggregates *aggregates, struct ql_err *err) {
    const struct ql_aggregates_options *options = &aggregates->options;
    ql_genesys_stage(&aggregates->genesys, "queues");
    QL_TRY(ql_routing_queues_load(&aggregates->queues, &aggregates->genesys, err));
    QL_TRY(ql_routing_queues_resolve(&aggregates->queues, options->queues, options->n_queues, false, &aggregates->queue_ids,
                                     &aggregates->n_queue_ids, err));
    return ql_routing_queues_resolve(&aggregates->queues, options->divisions, options->n_divisions, true,
                                     &aggregates->division_ids, &aggregates->n_division_ids, err);
}

static void tell_what_was_left_out(const struct ql_aggregates *aggregates) {
    if (aggregates->n_without_queue != 0) {
        ql_genesys_note(&aggregates->genesys, "intervals of work of no queue were left out: %lld",
                        (long long)aggregates->n_without_queue);
    }
    if (aggregates->n_halves != 0) {
        ql_genesys_note(&aggregates->genesys, "averages without a value, because the server gives a sum or a count alone: %lld",
                        (long long)aggregates->n_halves);
    }
}

static enum ql_status aggregates_fetch(struct ql_source *source, const struct ql_source_sink *sink, struct ql_err *err) {
    struct ql_aggregates *aggregates = aggregates_of(source);
    QL_TRY(begin(aggregates, sink, err));
    QL_TRY(load_queues(aggregates, err));
    ql_genesys_stage(&aggregates->genesys, "query");
    do {
        size_t left = aggregates->n_queue_ids - aggregates->first_queue;
        aggregates->n_chunk_queues = left < CHUNK_QUEUES ? left : CHUNK_QUEUES;
        QL_TRY(fetch_range(aggregates, err));
        aggregates->first_queue += aggregates->n_chunk_queues;
    } while (aggregates->first_queue < aggregates->n_queue_ids);
    tell_what_was_left_out(aggregates);
    return QL_OK;
}

static void aggregates_free(struct ql_source *source) {
    struct ql_aggregates *aggregates = aggregates_of(source);
    ql_aggregate_batch_fini(&aggregates->batch);
    ql_routing_queues_fini(&aggregates->queues);
    ql_mem_free(aggregates->columns);
    ql_mem_free(aggregates->metrics);
    ql_mem_free(aggregates->queue_ids);
    ql_mem_free(aggregates->division_ids);
    ql_genesys_fini(&aggregates->genesys);
    ql_mem_free(aggregates);
}

struct ql_source *ql_source_aggregates_new(struct ql_http *http, const struct ql_aggregates_options *options,
                                           const struct ql_source_events *events) {
    static const struct ql_source_ops OPS = {.prepare = aggregates_prepare, .fetch = aggregates_fetch, .free = aggregates_free};
    struct ql_aggregates *aggregates = ql_mem_zalloc(1, sizeof *aggregates);
    aggregates->source.ops = &OPS;
    aggregates->options = *options;
    ql_genesys_init(&aggregates->genesys, http, &options->genesys, events);
    return &aggregates->source;
}
