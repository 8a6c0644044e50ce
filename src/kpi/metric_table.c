#include "kpi/metric_table.h"

/* Idle value of every built-in metric and KPI: 0. The order is that of the columns. */
static const struct ql_builtin_metric DEFAULT_METRICS[] = {
    {.name = "calls_offered", .kind = QL_NUMBER_COUNT, .agg = QL_AGG_SUM, .is_default = true, .is_needed = true},
    {.name = "calls_answered", .kind = QL_NUMBER_COUNT, .agg = QL_AGG_SUM, .is_default = true, .is_needed = true},
    {.name = "calls_abandoned", .kind = QL_NUMBER_COUNT, .agg = QL_AGG_SUM, .is_default = true, .is_silent = true},
    {.name = "avg_handle_time_seconds",
     .kind = QL_NUMBER_DECIMAL,
     .is_duration = true,
     .agg = QL_AGG_MEAN,
     .weight = "calls_answered",
     .is_default = true},
    {.name = "service_level_percent",
     .kind = QL_NUMBER_DECIMAL,
     .is_percentage = true,
     .agg = QL_AGG_MEAN,
     .weight = "calls_offered",
     .is_default = true},
};

/* Section 4. Division by zero is NULL, so that an idle cell has no rate. */
static const struct ql_builtin_kpi DEFAULT_KPIS[] = {
    {.name = "answer_rate", .expression = "calls_answered / calls_offered"},
    {.name = "abandon_rate",
     .expression = "calls_abandoned / calls_offered",
     .needs = "calls_abandoned",
     .otherwise = "1 - answer_rate"},
};

/* Section 6: what the pandas script computes; the metrics that it lacks can still be asked for. */
static const struct ql_builtin_metric PANDAS_METRICS[] = {
    {.name = "calls_offered", .kind = QL_NUMBER_COUNT, .agg = QL_AGG_SUM, .is_default = true, .is_needed = true},
    {.name = "calls_answered", .kind = QL_NUMBER_COUNT, .agg = QL_AGG_SUM, .is_default = true, .is_needed = true},
    {.name = "avg_handle_time_seconds", .kind = QL_NUMBER_DECIMAL, .is_duration = true, .agg = QL_AGG_MEAN, .is_default = true},
    {.name = "calls_abandoned", .kind = QL_NUMBER_COUNT, .agg = QL_AGG_SUM},
    {.name = "service_level_percent",
     .kind = QL_NUMBER_DECIMAL,
     .is_percentage = true,
     .agg = QL_AGG_MEAN,
     .weight = "calls_offered"},
};

/*
 * numpy.where(offered > 0, answered / offered, 0.0) over sums that are 0 where nothing was added, and 1.0 minus that in every
 * cell: an idle cell has answer_rate 0 and abandon_rate 1.
 */
static const struct ql_builtin_kpi PANDAS_KPIS[] = {
    {.name = "answer_rate", .expression = "if(calls_offered > 0, coalesce(calls_answered, 0) / calls_offered, 0)"},
    {.name = "abandon_rate", .expression = "1 - answer_rate"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
static const struct ql_profile_table PROFILES[] = {
    [QL_PROFILE_DEFAULT] = {DEFAULT_METRICS, COUNT_OF(DEFAULT_METRICS), DEFAULT_KPIS, COUNT_OF(DEFAULT_KPIS)},
    [QL_PROFILE_PANDAS] = {PANDAS_METRICS, COUNT_OF(PANDAS_METRICS), PANDAS_KPIS, COUNT_OF(PANDAS_KPIS)},
};

const struct ql_profile_table *ql_profile_table_of(enum ql_profile profile) {
    return &PROFILES[profile];
}
