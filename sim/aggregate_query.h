/** A query of conversation aggregates, read and checked; and its groups. */
#ifndef QL_SIM_AGGREGATE_QUERY_H
#define QL_SIM_AGGREGATE_QUERY_H

#include "sim/buckets.h"
#include "sim/filter.h"

/* Lines that differ in no dimension of groupBy. */
struct ql_sim_group {
    char *key; /* the JSON object */
    size_t *lines;
    size_t n_lines, cap_lines;
};

struct ql_sim_aggregate_query {
    struct ql_sim_buckets buckets; /* its zone is the query's own */
    struct ql_sim_zone *zone;
    bool is_by[QL_SIM_BY_OTHER];
    const struct ql_sim_metric_row **metrics;
    size_t n_metrics;
    struct ql_sim_group *groups; /* by key */
    size_t n_groups, cap_groups;
    int64_t page_size; /* of a job; 0: not stated */
};

struct ql_sim_aggregate_limits {
    int64_t max_interval_ms; /* 0: none */
    int64_t max_buckets;     /* of all groups together; 0: none */
};

/** NULL: the answer says what is wrong. The caller frees it. */
struct ql_sim_aggregate_query *ql_sim_aggregate_query_read(const struct ql_sim_reader *reader, const struct ql_sim_world *world,
                                                           const struct ql_sim_aggregate_limits *limits);
/** query may be NULL. */
void ql_sim_aggregate_query_free(struct ql_sim_aggregate_query *query);

#endif
