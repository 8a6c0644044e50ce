#include "sim/export_query.h"

#include "sim/body_reader.h"
#include "sim/calendar.h"

enum { DEFAULT_GRANULARITY_MS = 30 * 60 * 1000 };

static bool read_date(const struct ql_sim_reader *reader, const json_t *range, const char *name, const char *field,
                      int64_t *ms) {
    const char *text = json_string_value(json_object_get(range, name));
    if (text == NULL) {
        return ql_sim_refuse_missing(reader, field, "an ISO-8601 string");
    }
    if (!ql_sim_time_parse(ql_str_from(text), ms)) {
        return ql_sim_refuse(reader, "invalid.date", field,
                             "Dates must be specified as ISO-8601 strings. For example: yyyy-MM-ddTHH:mm:ss.SSSZ");
    }
    return true;
}

static bool read_range(const struct ql_sim_reader *reader, const json_t *body, struct ql_sim_query *query) {
    const json_t *range = json_object_get(body, "dateRange");
    if (!json_is_object(range)) {
        return ql_sim_refuse_missing(reader, "query.dateRange", "an object");
    }
    if (!read_date(reader, range, "startDate", "query.dateRange.startDate", &query->from_ms) ||
        !read_date(reader, range, "endDate", "query.dateRange.endDate", &query->to_ms)) {
        return false;
    }
    if (query->from_ms >= query->to_ms) {
        return ql_sim_refuse(reader, "bad.request", "query.dateRange", "The start of the date range must be before its end");
    }
    return true;
}

/* The export's rows are cells of queue and interval: both must be asked for, in any order, and nothing else. */
static bool read_group_by(const struct ql_sim_reader *reader, const json_t *holder, const char *field) {
    const json_t *list = json_object_get(holder, "groupBy");
    if (!json_is_array(list) || json_array_size(list) == 0) {
        return ql_sim_refuse_missing(reader, field, "a list of dimensions");
    }
    int n_queue = 0;
    int n_interval = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name != NULL && strcmp(name, "queue") == 0) {
            n_queue++;
        } else if (name != NULL && strcmp(name, "timeInterval") == 0) {
            n_interval++;
        } else {
            return ql_sim_refuse_value(reader, field, name != NULL ? name : "?", "queue, timeInterval");
        }
    }
    if (n_queue != 1 || n_interval != 1) {
        return ql_sim_refuse(reader, "bad.request", field, "Requested groupBy dimensions are not supported");
    }
    return true;
}

static bool find_metric(const char *name, enum ql_sim_metric *metric) {
    for (int i = 0; name != NULL && i < QL_SIM_N_METRICS; i++) {
        if (strcmp(name, ql_sim_metric_names[i]) == 0) {
            *metric = (enum ql_sim_metric)i;
            return true;
        }
    }
    return false;
}

static bool refuse_metric(const struct ql_sim_reader *reader, const char *name) {
    struct ql_buf allowed = {0};
    for (int i = 0; i < QL_SIM_N_METRICS; i++) {
        ql_buf_printf(&allowed, "%s%s", i != 0 ? ", " : "", ql_sim_metric_names[i]);
    }
    bool result = ql_sim_refuse_value(reader, "query.metrics", name != NULL ? name : "?", ql_buf_text(&allowed));
    ql_buf_fini(&allowed);
    return result;
}

static bool read_metrics(const struct ql_sim_reader *reader, const json_t *body, struct ql_sim_query *query) {
    const json_t *list = json_object_get(body, "metrics");
    if (!json_is_array(list) || json_array_size(list) == 0) {
        return ql_sim_refuse_missing(reader, "query.metrics", "a list of metrics");
    }
    bool is_taken[QL_SIM_N_METRICS] = {false};
    for (size_t i = 0; i < json_array_size(list); i++) {
        enum ql_sim_metric metric;
        const char *name = json_string_value(json_array_get(list, i));
        if (!find_metric(name, &metric)) {
            return refuse_metric(reader, name);
        }
        if (is_taken[metric]) {
            return ql_sim_refuse(reader, "constraint.validation", "query.metrics", "A metric may be named once only");
        }
        is_taken[metric] = true;
        query->metrics[query->n_metrics++] = metric;
    }
    return true;
}

static bool read_granularity(const struct ql_sim_reader *reader, const json_t *body, struct ql_sim_query *query) {
    query->granularity_ms = DEFAULT_GRANULARITY_MS;
    const json_t *value = json_object_get(body, "granularity");
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    const char *text = json_string_value(value);
    if (text == NULL || !ql_sim_period_parse(ql_str_from(text), &query->granularity_ms) ||
        query->granularity_ms % QL_SIM_ATOM_MS != 0) {
        return ql_sim_refuse_value(reader, "query.granularity", text != NULL ? text : "?",
                                   "ISO-8601 periods of whole quarters of an hour, such as PT15M, PT30M, PT1H, P1D");
    }
    return true;
}

static bool read_type(const struct ql_sim_reader *reader, const json_t *body) {
    const json_t *type = json_object_get(body, "type");
    if (!json_is_string(type)) {
        return ql_sim_refuse_missing(reader, "type", "a string");
    }
    return strcmp(json_string_value(type), "summary") == 0 ||
           ql_sim_refuse_value(reader, "type", json_string_value(type), "summary");
}

bool ql_sim_export_query_read(const struct ql_sim_request *request, struct ql_sim_query *query, struct ql_sim_answer *answer) {
    const struct ql_sim_reader reader = {request, answer};
    *query = (struct ql_sim_query){0};
    json_t *body = ql_sim_read_body(&reader);
    if (body == NULL) {
        return false;
    }
    const json_t *inner = json_object_get(body, "query");
    bool is_good = json_is_object(inner) || ql_sim_refuse_missing(&reader, "query", "an object");
    is_good = is_good && read_range(&reader, inner, query) && read_group_by(&reader, inner, "query.groupBy") &&
              read_metrics(&reader, inner, query) && read_granularity(&reader, inner, query) && read_type(&reader, body) &&
              read_group_by(&reader, body, "groupBy");
    json_decref(body);
    return is_good;
}
