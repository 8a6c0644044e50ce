/** A query of the exports contract, and its answer as CSV. */
#ifndef QL_SIM_WORLD_CSV_H
#define QL_SIM_WORLD_CSV_H

#include "sim/stream.h"
#include "sim/world.h"

/* X(name, "as the API spells it") */
#define QL_SIM_METRIC_TABLE(X)              \
    X(OFFERED, "callsOffered")              \
    X(ANSWERED, "callsAnswered")            \
    X(ABANDONED, "callsAbandoned")          \
    X(SERVICE_LEVEL, "serviceLevelPercent") \
    X(HANDLE_TIME, "avgHandleTimeSeconds")

enum ql_sim_metric {
#define X(name, text) QL_SIM_METRIC_##name,
    QL_SIM_METRIC_TABLE(X)
#undef X
        QL_SIM_N_METRICS
};
extern const char *const ql_sim_metric_names[QL_SIM_N_METRICS];

struct ql_sim_query {
    int64_t from_ms, to_ms; /* half-open */
    int64_t granularity_ms; /* whole atoms; intervals are counted from from_ms, the last one ends at to_ms */
    enum ql_sim_metric metrics[QL_SIM_N_METRICS];
    size_t n_metrics;
};

/**
 * The rows by interval, then by queue; an idle cell has no row, an average without anything to average is empty. An interval
 * has the atoms that begin in it. world is borrowed.
 */
struct ql_sim_stream *ql_sim_stream_csv(const struct ql_sim_world *world, const struct ql_sim_query *query);

#endif
