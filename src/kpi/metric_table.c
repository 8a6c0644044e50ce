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

/*
 * Section 9: every ratio from sums and counts. Its column is a sum in seconds (or a hundred times a numerator), so that the
 * quotient has the metric's unit; the raw sums are columns of their own, in the unit in which they were delivered.
 */
#define AGGREGATE_COUNT(name_, ...) \
    { .name = name_, .kind = QL_NUMBER_COUNT, .agg = QL_AGG_SUM, __VA_ARGS__ }
#define AGGREGATE_RATIO(name_, column_, weight_) \
    { .name = name_, .column = column_, .weight = weight_, .kind = QL_NUMBER_DECIMAL, .agg = QL_AGG_RATIO, .is_default = true }
#define AGGREGATE_RAW(name_, kind_) \
    { .name = name_, .kind = kind_, .agg = QL_AGG_SUM, .is_raw = true }
static const struct ql_builtin_metric AGGREGATE_METRICS[] = {
    AGGREGATE_COUNT("calls_offered", .is_default = true, .is_needed = true),
    AGGREGATE_COUNT("calls_answered", .is_default = true, .is_needed = true),
    AGGREGATE_COUNT("calls_abandoned", .is_default = true),
    AGGREGATE_RATIO("avg_handle_time_seconds", "handle_seconds", "handle_count"),
    AGGREGATE_RATIO("service_level_percent", "service_level_numerator_x100", "service_level_denominator"),
    AGGREGATE_COUNT("calls_short_abandoned", .is_default = true),
    AGGREGATE_COUNT("calls_flowed_out", .is_default = true),
    AGGREGATE_COUNT("calls_transferred", .is_default = true),
    AGGREGATE_COUNT("calls_over_sla", .is_default = true),
    AGGREGATE_RATIO("avg_talk_time_seconds", "talk_seconds", "talk_count"),
    AGGREGATE_RATIO("avg_hold_time_seconds", "hold_seconds", "hold_count"),
    AGGREGATE_RATIO("avg_after_call_work_seconds", "after_call_work_seconds", "after_call_work_count"),
    AGGREGATE_RATIO("avg_speed_of_answer_seconds", "speed_of_answer_seconds", "speed_of_answer_count"),
    AGGREGATE_RATIO("avg_wait_seconds", "wait_seconds", "wait_count"),
    AGGREGATE_RAW("handle_sum_ms", QL_NUMBER_COUNT),
    AGGREGATE_RAW("handle_count", QL_NUMBER_COUNT),
    AGGREGATE_RAW("talk_sum_ms", QL_NUMBER_COUNT),
    AGGREGATE_RAW("talk_count", QL_NUMBER_COUNT),
    AGGREGATE_RAW("hold_sum_ms", QL_NUMBER_COUNT),
    AGGREGATE_RAW("hold_count", QL_NUMBER_COUNT),
    AGGREGATE_RAW("after_call_work_sum_ms", QL_NUMBER_COUNT),
    AGGREGATE_RAW("after_call_work_count", QL_NUMBER_COUNT),
    AGGREGATE_RAW("speed_of_answer_sum_ms", QL_NUMBER_COUNT),
    AGGREGATE_RAW("speed_of_answer_count", QL_NUMBER_COUNT),
    AGGREGATE_RAW("wait_sum_ms", QL_NUMBER_COUNT),
    AGGREGATE_RAW("wait_count", QL_NUMBER_COUNT),
    AGGREGATE_RAW("service_level_numerator", QL_NUMBER_DECIMAL),
    AGGREGATE_RAW("service_level_denominator", QL_NUMBER_DECIMAL),
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TABLE(metrics, kpis) \
    { (metrics), COUNT_OF(metrics), (kpis), COUNT_OF(kpis) }
static const struct ql_profile_table PROFILES[] = {
    [QL_PROFILE_DEFAULT] = TABLE(DEFAULT_METRICS, DEFAULT_KPIS),
    [QL_PROFILE_PANDAS] = TABLE(PANDAS_METRICS, PANDAS_KPIS),
};
static const struct ql_profile_table AGGREGATES = TABLE(AGGREGATE_METRICS, DEFAULT_KPIS);

const struct ql_profile_table *ql_profile_table_of(enum ql_profile profile, enum ql_metric_source source) {
    if (source == QL_METRICS_OF_CSV) {
        return &PROFILES[profile];
    }
    return profile == QL_PROFILE_DEFAULT ? &AGGREGATES : NULL; /* the script averages averages, which this source has none of */
}
