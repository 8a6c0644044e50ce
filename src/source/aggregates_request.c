/* The query of a window as JSON: an `and` of `or`s, as Genesys Cloud's own performance views ask. */
#include "source/aggregates.h"

static void add_clause(struct ql_json *clauses, const char *dimension, const struct ql_str *values, size_t n) {
    if (n == 0) {
        return;
    }
    struct ql_json *predicates = ql_json_new_array();
    for (size_t i = 0; i < n; i++) {
        struct ql_json *predicate = ql_json_new_object();
        ql_json_set(predicate, "type", ql_json_new_text(QL_STR("dimension")));
        ql_json_set(predicate, "dimension", ql_json_new_text(ql_str_from(dimension)));
        ql_json_set(predicate, "operator", ql_json_new_text(QL_STR("matches")));
        ql_json_set(predicate, "value", ql_json_new_text(values[i]));
        ql_json_add(predicates, predicate);
    }
    struct ql_json *clause = ql_json_new_object();
    ql_json_set(clause, "type", ql_json_new_text(QL_STR("or")));
    ql_json_set(clause, "predicates", predicates);
    ql_json_add(clauses, clause);
}

static void put_filter(const struct ql_aggregates *aggregates, struct ql_json *body) {
    const struct ql_aggregates_options *options = &aggregates->options;
    struct ql_json *clauses = ql_json_new_array();
    if (aggregates->n_chunk_queues != 0) {
        add_clause(clauses, "queueId", aggregates->queue_ids + aggregates->first_queue, aggregates->n_chunk_queues);
    }
    add_clause(clauses, "mediaType", options->media_types, options->n_media_types);
    add_clause(clauses, "direction", options->directions, options->n_directions);
    add_clause(clauses, "divisionId", aggregates->division_ids, aggregates->n_division_ids);
    if (ql_json_length(clauses) == 0) {
        ql_json_free(clauses);
        return;
    }
    struct ql_json *filter = ql_json_new_object();
    ql_json_set(filter, "type", ql_json_new_text(QL_STR("and")));
    ql_json_set(filter, "clauses", clauses);
    ql_json_set(body, "filter", filter);
}

void ql_aggregates_request_body(const struct ql_aggregates *aggregates, const struct ql_window *window, int64_t page_size,
                                struct ql_buf *out) {
    const struct ql_aggregates_options *options = &aggregates->options;
    struct ql_json *body = ql_json_new_object();
    struct ql_buf text = {0};
    ql_genesys_put_interval(window->from_us, window->to_us, &text);
    ql_json_set(body, "interval", ql_json_new_text(ql_buf_view(&text)));
    ql_buf_reset(&text);
    ql_genesys_put_period(options->granularity_us, &text);
    ql_json_set(body, "granularity", ql_json_new_text(ql_buf_view(&text)));
    ql_buf_fini(&text);
    ql_json_set(body, "timeZone", ql_json_new_text(options->timezone.len != 0 ? options->timezone : QL_STR("UTC")));
    struct ql_json *group_by = ql_json_new_array();
    ql_json_add(group_by, ql_json_new_text(QL_STR("queueId")));
    if (options->by_media_type) {
        ql_json_add(group_by, ql_json_new_text(QL_STR("mediaType")));
    }
    ql_json_set(body, "groupBy", group_by);
    struct ql_json *metrics = ql_json_new_array();
    for (size_t i = 0; i < aggregates->n_metrics; i++) {
        ql_json_add(metrics, ql_json_new_text(ql_str_from(aggregates->metrics[i])));
    }
    ql_json_set(body, "metrics", metrics);
    put_filter(aggregates, body);
    if (page_size != 0) {
        ql_json_set(body, "pageSize", ql_json_new_int(page_size));
    }
    ql_json_write(body, false, out);
    ql_json_free(body);
}
