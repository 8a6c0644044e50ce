/**
 * What to read, how to aggregate it, what to compute from it: metrics and KPIs as data, checked before anything is read
 * (semantics, sections 2, 3, 4 and 6).
 *
 * The order of calls: new (from settings) -> columns (what a reader is asked for) -> resolve (what the header has) ->
 * aggregates (for pivot), cell_defs (for a layout) -> apply (on each part of pivot's cells).
 */
#ifndef QL_KPI_PLAN_H
#define QL_KPI_PLAN_H

#include "table/aggregate.h"
#include "table/cells.h"
#include "table/rows.h"

enum ql_profile { QL_PROFILE_DEFAULT, QL_PROFILE_PANDAS };

/** What kind of rows a source delivers: averages as a CSV export has them, or sums and counts (semantics, section 9; the
 * default profile alone). */
enum ql_metric_source { QL_METRICS_OF_CSV, QL_METRICS_OF_AGGREGATES };

/**
 * A metric of the configuration (`metrics:`): redefines a built-in one, or adds one behind the profile's. Texts are borrowed
 * for the plan's life. Names are letters, digits and '_'.
 */
struct ql_metric_def {
    struct ql_str name, column; /* column: in canonical (normalised) form, else E_CONFIG; empty: as name */
    struct ql_str weight;       /* a metric, whose column it is then, or a column; empty: none */
    struct ql_str agg;  /* "sum", "mean", "min", "max", "count", "ratio"; empty: that of the built-in metric, with its weight */
    struct ql_str type; /* "count" or "number"; empty: as the built-in column or metric, else number */
    bool has_idle;
    double idle;
    struct ql_str where; /* "queuelake.yaml:12:5", for messages */
};

/** A KPI of the configuration (`kpis:`). */
struct ql_kpi_def {
    struct ql_str name, expression;
    bool has_idle;
    double idle;
    struct ql_str where;
};

struct ql_plan_request {
    enum ql_profile profile;
    enum ql_metric_source source;
    bool wants_raw_sums;          /* writes the sums and counts behind the ratios too */
    const struct ql_str *metrics; /* --metrics, in order; NULL: the profile's */
    size_t n_metrics;
    const struct ql_metric_def *metric_defs;
    size_t n_metric_defs;
    const struct ql_kpi_def *kpi_defs;
    size_t n_kpi_defs;
};

struct ql_plan;
/** E_CONFIG for an unknown name, a cycle or a syntax error, with its position and the names that exist. */
QL_MUST_CHECK enum ql_status ql_plan_new(const struct ql_plan_request *request, struct ql_plan **plan, struct ql_err *err);
void ql_plan_free(struct ql_plan *plan);

/** The columns that a reader is asked for. Valid as long as the plan. */
const struct ql_rows_metric *ql_plan_columns(const struct ql_plan *plan, size_t *n);

/**
 * Leaves out what the input lacks: an absent default metric is dropped (the names come back in `left_out`, comma-separated,
 * calls_abandoned silently), a KPI or metric that the user asked for by name and cannot be computed is E_NO_COLUMN. May be
 * called again; starts anew.
 */
QL_MUST_CHECK enum ql_status ql_plan_resolve(struct ql_plan *plan, const bool *is_present, struct ql_buf *left_out,
                                             struct ql_err *err);
/** After resolve: what pivot computes; `column` and `weight` index ql_plan_columns. */
const struct ql_aggregate *ql_plan_aggregates(const struct ql_plan *plan, size_t *n);
/** After resolve: the columns that cells have once apply was there: the aggregates, then the KPIs. Valid as long as the plan.
 */
const struct ql_cell_def *ql_plan_cell_defs(const struct ql_plan *plan, size_t *n);
/** After resolve: true if abandon_rate is 1 - answer_rate because the source has no abandoned calls (and the profile is the
 * default). */
bool ql_plan_is_abandon_approximate(const struct ql_plan *plan);

struct ql_plan_output {
    int round_digits;   /* 0 to 15; -1: none */
    bool empty_is_null; /* --empty null */
};

struct ql_plan_stats {
    int64_t answered_over_offered, approximations, nulls_filled;
};

/**
 * On the cells of a part: adds the KPI columns behind the metrics, rounds, writes NULL as the idle value unless empty_is_null,
 * fills the idle columns; keeps every column's scale true. Hidden columns stay as they are. Adds to *stats (may be NULL).
 * Several threads may do so at once, each with cells of its own; idle and total values of an interval are the same whatever
 * part it is in.
 */
QL_MUST_CHECK enum ql_status ql_plan_apply(const struct ql_plan *plan, struct ql_cells *cells,
                                           const struct ql_plan_output *output, struct ql_plan_stats *stats,
                                           struct ql_err *err);

/** For the footer: one line per metric and KPI that says how it is computed ("answer_rate = calls_answered / calls_offered").
 */
void ql_plan_describe(const struct ql_plan *plan, struct ql_buf *out);

#endif
