/**
 * The last step on cells: KPIs are computed from unrounded metrics, then every DOUBLE is rounded, then NULL is written as the
 * idle value (semantics, section 4). The same three steps run over the cells, over the cells that no row mentions (one of them
 * for each interval, because a KPI may depend on the interval's length) and over the totals.
 */
#include "kpi/plan_internal.h"
#include "kpi/round.h"

#include "base/mem.h"

#include <math.h>

/* Over what the columns are evaluated. */
enum scope { SCOPE_CELLS, SCOPE_IDLE, SCOPE_TOTALS };

struct apply {
    const struct ql_plan *plan;
    struct ql_cells *cells;
    const struct ql_plan_output *output;
    struct ql_plan_stats *stats;
    double *interval_s;             /* [n_intervals] */
    struct ql_expr_column *columns; /* what expressions index: metrics, then KPIs */
};

static struct ql_expr_column view(const struct ql_cell_column *column, enum scope scope) {
    const int64_t *i64 = scope == SCOPE_CELLS ? column->v.i64 : (scope == SCOPE_IDLE ? column->idle.i64 : column->total.i64);
    const double *f64 = scope == SCOPE_CELLS ? column->v.f64 : (scope == SCOPE_IDLE ? column->idle.f64 : column->total.f64);
    bool is_i64 = column->type == QL_CELL_INT64;
    return (struct ql_expr_column){.i64 = is_i64 ? i64 : NULL, .f64 = is_i64 ? NULL : f64};
}

static size_t n_values(const struct apply *a, enum scope scope) {
    return scope == SCOPE_CELLS ? a->cells->n_cells : a->cells->n_intervals;
}

static enum ql_status check_cells(const struct apply *a, struct ql_err *err) {
    const struct ql_plan *plan = a->plan;
    bool fits = a->cells->n_columns == plan->n_aggregates;
    for (size_t i = 0; fits && i < plan->n_aggregates; i++) {
        fits = a->cells->columns[i].type == plan->aggregates[i].type &&
               ql_str_eq(a->cells->columns[i].name, plan->aggregates[i].name);
    }
    return fits ? QL_OK : QL_FAIL(err, QL_E_INTERNAL, "the cells have other columns than the plan");
}

/* Idle columns of metrics: NULL until the last step. */
static void add_idle_columns(struct apply *a) {
    for (size_t i = 0; i < a->cells->n_columns; i++) {
        struct ql_cell_column *column = &a->cells->columns[i];
        ql_mem_free(column->idle.i64);
        if (column->type == QL_CELL_INT64) {
            column->idle.i64 = ql_mem_zalloc(a->cells->n_intervals, sizeof *column->idle.i64);
        } else {
            column->idle.f64 = ql_mem_zalloc(a->cells->n_intervals, sizeof *column->idle.f64);
        }
        for (size_t j = 0; j < a->cells->n_intervals; j++) {
            if (column->type == QL_CELL_INT64) {
                column->idle.i64[j] = QL_CELL_NULL_I64;
            } else {
                column->idle.f64[j] = (double)NAN;
            }
        }
    }
}

static void add_kpi_columns(struct apply *a) {
    struct ql_cells *cells = a->cells;
    const struct ql_plan *plan = a->plan;
    cells->columns = ql_mem_realloc(cells->columns, cells->n_columns + plan->n_kpis, sizeof *cells->columns);
    for (size_t k = 0; k < plan->n_kpis; k++) {
        struct ql_str name = plan->kpis[k].name;
        struct ql_cell_column *column = &cells->columns[cells->n_columns++];
        *column = (struct ql_cell_column){.type = QL_CELL_DOUBLE};
        column->name = (struct ql_str){.ptr = ql_arena_copy(&cells->arena, name.ptr, name.len), .len = name.len};
        column->v.f64 = ql_mem_zalloc(cells->n_cells, sizeof *column->v.f64);
        column->idle.f64 = ql_mem_zalloc(cells->n_intervals, sizeof *column->idle.f64);
        if (cells->has_totals) {
            column->total.f64 = ql_mem_zalloc(cells->n_intervals, sizeof *column->total.f64);
        }
    }
}

static void evaluate(struct apply *a, enum scope scope) {
    const struct ql_plan *plan = a->plan;
    for (size_t m = 0; m < plan->n_metrics; m++) {
        size_t position = plan->metrics[m].position;
        a->columns[m] = position != QL_PLAN_NOWHERE ? view(&a->cells->columns[position], scope) : (struct ql_expr_column){0};
    }
    const struct ql_expr_rows rows = {.n_rows = n_values(a, scope),
                                      .columns = a->columns,
                                      .interval_s = a->interval_s,
                                      .interval_of = scope == SCOPE_CELLS ? a->cells->interval_of : NULL};
    for (size_t k = 0; k < plan->n_kpis; k++) {
        struct ql_cell_column *column = &a->cells->columns[plan->n_aggregates + k];
        double *out = scope == SCOPE_CELLS ? column->v.f64 : (scope == SCOPE_IDLE ? column->idle.f64 : column->total.f64);
        ql_expr_eval(ql_plan_kpi_expr(&plan->kpis[k]), &rows, out);
        a->columns[plan->n_metrics + k] = (struct ql_expr_column){.f64 = out};
    }
}

/* Rounds, then writes NULL as the idle value; returns how many were. */
static int64_t finish_f64(const struct apply *a, double *values, size_t n, double idle) {
    if (a->output->round_digits >= 0) {
        ql_round_values(values, n, a->output->round_digits, values);
    } else {
        ql_round_drop_negative_zero(values, n);
    }
    int64_t n_nulls = 0;
    for (size_t i = 0; !a->output->empty_is_null && i < n; i++) {
        n_nulls += isnan(values[i]) ? 1 : 0;
        values[i] = isnan(values[i]) ? idle + 0.0 : values[i];
    }
    return n_nulls;
}

static int64_t finish_i64(const struct apply *a, int64_t *values, size_t n, double idle) {
    int64_t n_nulls = 0;
    for (size_t i = 0; !a->output->empty_is_null && i < n; i++) {
        n_nulls += values[i] == QL_CELL_NULL_I64 ? 1 : 0;
        values[i] = values[i] == QL_CELL_NULL_I64 ? (int64_t)idle : values[i];
    }
    return n_nulls;
}

static void finish_column(struct apply *a, struct ql_cell_column *column, double idle) {
    size_t n_cells = a->cells->n_cells;
    size_t n_intervals = a->cells->n_intervals;
    int64_t n_filled;
    if (column->type == QL_CELL_INT64) {
        n_filled = finish_i64(a, column->v.i64, n_cells, idle);
        (void)finish_i64(a, column->idle.i64, n_intervals, idle);
        if (column->total.i64 != NULL) {
            (void)finish_i64(a, column->total.i64, n_intervals, idle);
        }
    } else {
        n_filled = finish_f64(a, column->v.f64, n_cells, idle);
        (void)finish_f64(a, column->idle.f64, n_intervals, idle);
        if (column->total.f64 != NULL) {
            (void)finish_f64(a, column->total.f64, n_intervals, idle);
        }
    }
    a->stats->nulls_filled += column->is_hidden ? 0 : n_filled;
}

static double value_at(const struct ql_expr_column *column, size_t i) {
    if (column->f64 != NULL) {
        return column->f64[i];
    }
    return column->i64 == NULL || column->i64[i] == QL_CELL_NULL_I64 ? (double)NAN : (double)column->i64[i];
}

/* On values that are not rounded or filled yet; a->columns is that of the cells. */
static void count(struct apply *a) {
    const struct ql_plan *plan = a->plan;
    const struct ql_expr_column *offered = &a->columns[ql_plan_find_metric(plan, QL_STR("calls_offered"))];
    const struct ql_expr_column *answered = &a->columns[ql_plan_find_metric(plan, QL_STR("calls_answered"))];
    for (size_t i = 0; i < a->cells->n_cells; i++) {
        a->stats->answered_over_offered += value_at(answered, i) > value_at(offered, i) ? 1 : 0; /* false with a NULL */
    }
    for (size_t k = 0; k < plan->n_kpis; k++) {
        const double *values = a->columns[plan->n_metrics + k].f64;
        for (size_t i = 0; plan->kpis[k].is_approximate && i < a->cells->n_cells; i++) {
            a->stats->approximations += isnan(values[i]) ? 0 : 1;
        }
    }
}

static void apply_steps(struct apply *a) {
    const struct ql_plan *plan = a->plan;
    for (size_t i = 0; i < a->cells->n_intervals; i++) {
        const struct ql_interval *interval = &a->cells->intervals[i];
        a->interval_s[i] = (double)(interval->end_us - interval->start_us) / (double)QL_US_PER_S;
    }
    add_idle_columns(a);
    add_kpi_columns(a);
    evaluate(a, SCOPE_CELLS);
    count(a);
    evaluate(a, SCOPE_IDLE);
    if (a->cells->has_totals) {
        evaluate(a, SCOPE_TOTALS);
    }
    for (size_t m = 0; m < plan->n_metrics; m++) {
        if (plan->metrics[m].position != QL_PLAN_NOWHERE) {
            finish_column(a, &a->cells->columns[plan->metrics[m].position], plan->metrics[m].idle);
        }
    }
    for (size_t k = 0; k < plan->n_kpis; k++) {
        finish_column(a, &a->cells->columns[plan->n_aggregates + k], plan->kpis[k].idle);
    }
}

enum ql_status ql_plan_apply(const struct ql_plan *plan, struct ql_cells *cells, const struct ql_plan_output *output,
                             struct ql_plan_stats *stats, struct ql_err *err) {
    struct ql_plan_stats unused = {0};
    struct apply apply = {.plan = plan, .cells = cells, .output = output, .stats = stats != NULL ? stats : &unused};
    *apply.stats = (struct ql_plan_stats){0};
    if (output->round_digits > QL_ROUND_MAX_DIGITS) {
        return QL_FAIL(err, QL_E_CONFIG, "rounding to %d decimals, where %d is the limit", output->round_digits,
                       QL_ROUND_MAX_DIGITS);
    }
    QL_TRY(check_cells(&apply, err));
    apply.interval_s = ql_mem_zalloc(cells->n_intervals, sizeof *apply.interval_s);
    apply.columns = ql_mem_zalloc(plan->n_metrics + plan->n_kpis, sizeof *apply.columns);
    apply_steps(&apply);
    ql_mem_free(apply.columns);
    ql_mem_free(apply.interval_s);
    return QL_OK;
}
