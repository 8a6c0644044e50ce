/** The metrics, KPIs and profiles that are built in, as data (semantics, sections 3, 4 and 6). */
#ifndef QL_KPI_METRIC_TABLE_H
#define QL_KPI_METRIC_TABLE_H

#include "kpi/plan.h"

struct ql_builtin_metric {
    const char *name;
    const char *column; /* NULL: the canonical column of the metric's name */
    const char *weight; /* a metric's name, or a column; NULL: none */
    enum ql_number_kind kind;
    enum ql_agg agg;
    bool is_duration, is_percentage;
    bool is_default; /* written unless --metrics says otherwise */
    bool is_silent;  /* left out without a warning where the source has none */
    bool is_needed;  /* no input without it is taken */
    bool is_raw;     /* written where raw sums are wanted */
};

struct ql_builtin_kpi {
    const char *name, *expression;
    const char *needs;     /* the metric without which `otherwise` stands in; NULL: none */
    const char *otherwise; /* an approximation, which is counted */
};

struct ql_profile_table {
    const struct ql_builtin_metric *metrics;
    size_t n_metrics;
    const struct ql_builtin_kpi *kpis;
    size_t n_kpis;
};

/** NULL: the profile cannot be had from this kind of source. */
const struct ql_profile_table *ql_profile_table_of(enum ql_profile profile, enum ql_metric_source source);

#endif
