#include "sim/aggregate_query.h"

#include "base/mem.h"
#include "sim/error_body.h"

#include <stdlib.h>

enum { MS_PER_DAY = 86400000 };

static bool read_zone(const struct ql_sim_reader *reader, const json_t *body, struct ql_sim_aggregate_query *query) {
    const char *name;
    if (!ql_sim_read_text(reader, body, "timeZone", &name)) {
        return false;
    }
    query->zone = ql_sim_zone_open(name != NULL ? name : "UTC");
    query->buckets.zone = query->zone;
    return query->zone != NULL || ql_sim_refuse(reader, "bad.request", "timeZone", "The time zone is not valid");
}

static bool read_interval(const struct ql_sim_reader *reader, const json_t *body, struct ql_sim_aggregate_query *query,
                          const struct ql_sim_aggregate_limits *limits) {
    const char *text;
    if (!ql_sim_read_text(reader, body, "interval", &text)) {
        return false;
    }
    if (text == NULL) {
        return ql_sim_refuse_missing(reader, "interval", "an ISO-8601 interval");
    }
    if (!ql_sim_interval_parse(ql_str_from(text), query->zone, &query->buckets.from_ms, &query->buckets.to_ms)) {
        return ql_sim_refuse(reader, "bad.request", "interval",
                             "The interval must be an ISO-8601 interval that ends after its start. For example: "
                             "YYYY-MM-DDThh:mm:ss/YYYY-MM-DDThh:mm:ss");
    }
    if (limits->max_interval_ms != 0 && query->buckets.to_ms - query->buckets.from_ms > limits->max_interval_ms) {
        struct ql_buf message = {0};
        ql_buf_printf(&message, "The interval is too long. It must not be longer than %lld days",
                      (long long)(limits->max_interval_ms / MS_PER_DAY));
        (void)ql_sim_refuse(reader, "bad.request", "interval", ql_buf_text(&message));
        ql_buf_fini(&message);
        return false;
    }
    return true;
}

static bool read_granularity(const struct ql_sim_reader *reader, const json_t *body, struct ql_sim_aggregate_query *query) {
    const char *text;
    if (!ql_sim_read_text(reader, body, "granularity", &text)) {
        return false;
    }
    struct ql_sim_period *period = &query->buckets.period;
    return text == NULL || (ql_sim_period_read(ql_str_from(text), period) && period->ms % QL_SIM_ATOM_MS == 0) ||
           ql_sim_refuse_value(reader, "granularity", text,
                               "ISO-8601 periods of whole quarters of an hour, such as PT15M, PT30M, PT1H, P1D, P1M");
}

static bool read_group_by(const struct ql_sim_reader *reader, const json_t *body, struct ql_sim_aggregate_query *query) {
    const json_t *list = json_object_get(body, "groupBy");
    query->is_by[QL_SIM_BY_MEDIA] = true; /* the answer always tells the media type */
    if (list != NULL && !json_is_null(list) && !json_is_array(list)) {
        return ql_sim_refuse_missing(reader, "groupBy", "a list of dimensions");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        enum ql_sim_dimension dimension;
        if (!ql_sim_dimension_find(ql_str_from(name), &dimension)) {
            return ql_sim_refuse(reader, "bad.request", "groupBy", "Requested groupBy dimensions are not supported");
        }
        if (dimension != QL_SIM_BY_OTHER) { /* of the others no conversation here has a value: they are in no group */
            query->is_by[dimension] = true;
        }
    }
    return true;
}

static bool read_metrics(const struct ql_sim_reader *reader, const json_t *body, struct ql_sim_aggregate_query *query) {
    const json_t *list = json_object_get(body, "metrics");
    if (!json_is_array(list) || json_array_size(list) == 0) {
        return ql_sim_refuse_missing(reader, "metrics", "a list of metrics");
    }
    query->metrics = ql_mem_zalloc(json_array_size(list), sizeof(struct ql_sim_metric_row *));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        const struct ql_sim_metric_row *metric = ql_sim_metric_find(ql_str_from(name));
        if (metric == NULL) {
            struct ql_buf allowed = {0};
            ql_sim_metric_list(&allowed);
            (void)ql_sim_refuse_value(reader, "metrics", name != NULL ? name : "?", ql_buf_text(&allowed));
            ql_buf_fini(&allowed);
            return false;
        }
        query->metrics[query->n_metrics++] = metric;
    }
    return true;
}

/* What the API has and this does not is refused: a figure left out in silence would look like a right answer. */
static bool read_rest(const struct ql_sim_reader *reader, const json_t *body, struct ql_sim_aggregate_query *query) {
    static const char *const QUERY_TYPES[] = {"groupBy", "topN", "bottomN"};
    static const char *const TIMES[] = {"eventTime"};
    const char *query_type;
    const char *time;
    bool is_flat = false;
    const json_t *size = json_object_get(body, "pageSize");
    if (!ql_sim_read_word(reader, body, "queryType", QUERY_TYPES, 3, &query_type) ||
        !ql_sim_read_word(reader, body, "alternateTimeDimension", TIMES, 1, &time) ||
        !ql_sim_read_flag(reader, body, "flattenMultivaluedDimensions", &is_flat)) {
        return false;
    }
    if ((query_type != NULL && query_type != QUERY_TYPES[0]) || json_array_size(json_object_get(body, "views")) != 0) {
        return ql_sim_refuse(reader, "bad.request", query_type != NULL ? "queryType" : "views", "Not supported");
    }
    if (size != NULL && !json_is_null(size) && (!json_is_integer(size) || json_integer_value(size) < 1)) {
        return ql_sim_refuse_missing(reader, "pageSize", "a number above 0");
    }
    query->page_size = json_integer_value(size);
    return true;
}

static char *group_key(const struct ql_sim_world *world, const struct ql_sim_line *line,
                       const struct ql_sim_aggregate_query *query) {
    struct ql_buf key = {0};
    for (size_t i = 0; i < QL_SIM_BY_OTHER; i++) {
        enum ql_sim_dimension dimension = (enum ql_sim_dimension)i;
        const char *value = query->is_by[i] ? ql_sim_line_value(world, line, dimension) : NULL;
        if (value != NULL) { /* ids and words: nothing that JSON would have to escape */
            ql_buf_printf(&key, "%s\"%s\":\"%s\"", key.len != 0 ? "," : "{", ql_sim_dimension_name(dimension), value);
        }
    }
    ql_buf_puts(&key, "}");
    return ql_buf_take(&key);
}

struct keyed_line {
    char *key;
    size_t line;
};

static int compare_keyed(const void *a, const void *b) {
    const struct keyed_line *left = a;
    const struct keyed_line *right = b;
    int order = strcmp(left->key, right->key);
    return order != 0 ? order : left->line < right->line ? -1 : 1;
}

static void make_groups(struct ql_sim_aggregate_query *query, const struct ql_sim_world *world, const bool *is_in) {
    struct keyed_line *keyed = ql_mem_zalloc(world->n_lines, sizeof *keyed);
    size_t n = 0;
    for (size_t i = 0; i < world->n_lines; i++) {
        if (is_in[i] && ql_sim_world_shows(world, &world->lines[i])) {
            keyed[n++] = (struct keyed_line){group_key(world, &world->lines[i], query), i};
        }
    }
    if (n != 0) {
        qsort(keyed, n, sizeof *keyed, compare_keyed);
    }
    for (size_t i = 0; i < n; i++) {
        if (query->n_groups == 0 || strcmp(query->groups[query->n_groups - 1].key, keyed[i].key) != 0) {
            QL_MEM_GROW(query->groups, query->cap_groups, query->n_groups + 1);
            query->groups[query->n_groups++] = (struct ql_sim_group){.key = ql_mem_strdup(keyed[i].key)};
        }
        struct ql_sim_group *group = &query->groups[query->n_groups - 1];
        QL_MEM_GROW(group->lines, group->cap_lines, group->n_lines + 1);
        group->lines[group->n_lines++] = keyed[i].line;
        ql_mem_free(keyed[i].key);
    }
    ql_mem_free(keyed);
}

static bool check_size(const struct ql_sim_reader *reader, const struct ql_sim_aggregate_query *query,
                       const struct ql_sim_aggregate_limits *limits) {
    int64_t n = (int64_t)query->n_groups * ql_sim_buckets_count(&query->buckets);
    if (limits->max_buckets == 0 || n <= limits->max_buckets) {
        return true;
    }
    const struct ql_sim_api_error error = {
        .status = 413, .code = "response.entity.too.large", .message = "The response is over the size limit."};
    ql_sim_answer_api_error(reader->answer, reader->request, &error);
    return false;
}

struct ql_sim_aggregate_query *ql_sim_aggregate_query_read(const struct ql_sim_reader *reader, const struct ql_sim_world *world,
                                                           const struct ql_sim_aggregate_limits *limits) {
    json_t *body = ql_sim_read_body(reader);
    if (body == NULL) {
        return NULL;
    }
    struct ql_sim_aggregate_query *query = ql_mem_zalloc(1, sizeof *query);
    bool *is_in = ql_mem_zalloc(world->n_lines, sizeof *is_in);
    for (size_t i = 0; i < world->n_lines; i++) {
        is_in[i] = true;
    }
    bool is_good = read_zone(reader, body, query) && read_interval(reader, body, query, limits) &&
                   read_granularity(reader, body, query) && read_group_by(reader, body, query) &&
                   read_metrics(reader, body, query) && read_rest(reader, body, query) &&
                   ql_sim_filter_apply(reader, json_object_get(body, "filter"), world, is_in);
    if (is_good) {
        make_groups(query, world, is_in);
        is_good = check_size(reader, query, limits);
    }
    ql_mem_free(is_in);
    json_decref(body);
    if (!is_good) {
        ql_sim_aggregate_query_free(query);
        query = NULL;
    }
    return query;
}

void ql_sim_aggregate_query_free(struct ql_sim_aggregate_query *query) {
    if (query == NULL) {
        return;
    }
    for (size_t i = 0; i < query->n_groups; i++) {
        ql_mem_free(query->groups[i].key);
        ql_mem_free(query->groups[i].lines);
    }
    ql_mem_free(query->groups);
    ql_mem_free(query->metrics);
    ql_sim_zone_free(query->zone);
    ql_mem_free(query);
}
