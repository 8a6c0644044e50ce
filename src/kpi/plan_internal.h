/** What plan*.c share: the plan itself, as it is built step by step. */
#ifndef QL_KPI_PLAN_INTERNAL_H
#define QL_KPI_PLAN_INTERNAL_H

#include "kpi/expr.h"
#include "kpi/metric_table.h"
#include "kpi/plan.h"

enum { QL_PLAN_MAX_DEFS = 1000 }; /* metrics, and KPIs, of a configuration */

#define QL_PLAN_NOWHERE SIZE_MAX

/* A metric that exists: built in, redefined, or the user's own. Whether it is read is another matter. */
struct ql_plan_metric {
    struct ql_str name, column_name;
    struct ql_str weight_name;               /* as written; empty: none */
    const struct ql_builtin_metric *builtin; /* of this name, or NULL */
    const struct ql_metric_def *def;         /* the user's, or NULL */
    enum ql_agg agg;
    enum ql_cell_type type;
    double idle;
    size_t column, weight; /* in plan->columns, QL_NO_COLUMN while not read */
    bool is_written;       /* a column of the artefact, where the input has it */
    bool is_asked;         /* by --metrics or the configuration: its absence is an error */
    size_t position;       /* after resolve: in plan->aggregates, or QL_PLAN_NOWHERE */
};

struct ql_plan_kpi {
    struct ql_str name;
    const struct ql_builtin_kpi *builtin; /* NULL where the user defined it, also under a built-in name */
    const struct ql_kpi_def *def;
    double idle;
    struct ql_expr expr, otherwise; /* otherwise: empty if there is none */
    size_t needs;                   /* the metric without which `otherwise` stands in, or QL_PLAN_NOWHERE */
    bool is_approximate;            /* after resolve: `otherwise` stands in */
};

/* A QL_EXPR_COLUMN step's index is that of a metric, or n_metrics plus that of a KPI. */
struct ql_plan {
    const struct ql_profile_table *table;
    struct ql_plan_metric *metrics;
    size_t n_metrics;
    size_t *written; /* metrics in the order of the artefact's columns */
    size_t n_written;
    struct ql_plan_kpi *kpis;
    size_t n_kpis;
    struct ql_rows_metric *columns;
    size_t n_columns, cap_columns;
    struct ql_aggregate *aggregates; /* after resolve */
    size_t n_aggregates;
    struct ql_cell_def *cell_defs; /* after resolve: of the aggregates, then of the KPIs */
};

/** The expression in use after resolve. */
static inline const struct ql_expr *ql_plan_kpi_expr(const struct ql_plan_kpi *kpi) {
    return kpi->is_approximate ? &kpi->otherwise : &kpi->expr;
}

/** Index of the metric, or QL_PLAN_NOWHERE. */
size_t ql_plan_find_metric(const struct ql_plan *plan, struct ql_str name);
size_t ql_plan_find_kpi(const struct ql_plan *plan, struct ql_str name);

/* plan_metrics.c: which metrics exist, which are written, which columns they read. */
enum ql_status ql_plan_define_metrics(struct ql_plan *plan, const struct ql_plan_request *request, struct ql_err *err);
enum ql_status ql_plan_choose_written(struct ql_plan *plan, const struct ql_plan_request *request, struct ql_err *err);
void ql_plan_choose_columns(struct ql_plan *plan);
/* plan_kpis.c: which KPIs exist, parsed, their names bound. */
enum ql_status ql_plan_define_kpis(struct ql_plan *plan, const struct ql_plan_request *request, struct ql_err *err);

/** E_CONFIG unless the name is letters, digits and '_', of a sensible length, and free. what: "metric" or "kpi". */
enum ql_status ql_plan_check_name(const char *what, struct ql_str name, struct ql_str where, struct ql_err *err);
/** Wraps "<what> '<name>' (<where>): ". */
void ql_plan_wrap(struct ql_err *err, const char *what, struct ql_str name, struct ql_str where);
/** Hint: "did you mean 'x'? " if one is near, then what exists. With KPIs only where n_kpis is not 0. */
void ql_plan_hint_names(const struct ql_plan *plan, struct ql_str name, size_t n_kpis, struct ql_err *err);

#endif
