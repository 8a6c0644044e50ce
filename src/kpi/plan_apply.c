/**
 * The last step on cells: KPIs are computed from unrounded metrics, then every DOUBLE is rounded, then NULL is written as the
 * idle value (semantics, section 4). The same three steps run over the cells, over the cells that no row mentions (one of them
 * for each interval, because a KPI may depend on the interval's length) and over the totals.
 *
 * A cell depends on no other, so all steps run over a range of cells while it is in the cache, and ranges are independent
 * tasks.
 */
#include "kpi/plan_internal.h"
#include "kpi/round.h"

#include "base/mem.h"
#include "base/parallel.h"

#include <math.h>

/* Over what the columns are evaluated. */
enum scope { SCOPE_CELLS, SCOPE_IDLE, SCOPE_TOTALS };

enum { RANGE_CELLS = 8192 }; /* a dozen columns of a range are under 1 MiB */

struct apply {
    const struct ql_plan *plan;
    struct ql_cells *cells;
    const struct ql_plan_output *output;
    double *interval_s; /* [n_intervals] */
};

/* Some values of every column of a scope, and what expressions see of them. */
struct range {
    const struct apply *a;
    enum scope scope;
    size_t first, n;
    struct ql_expr_column *columns; /* what expressions index: metrics, then KPIs; from `first` on */
    struct ql_plan_stats stats;
};

static int64_t *i64_of(const struct ql_cell_column *column, enum scope scope) {
    return scope == SCOPE_CELLS ? column->v.i64 : (scope == SCOPE_IDLE ? column->idle.i64 : column->total.i64);
}

static double *f64_of(const struct ql_cell_column *column, enum scope scope) {
    return scope == SCOPE_CELLS ? column->v.f64 : (scope == SCOPE_IDLE ? column->idle.f64 : column->total.f64);
}

static struct ql_expr_column view(const struct range *range, const struct ql_cell_column *column) {
    bool is_i64 = column->type == QL_CELL_INT64;
    return (struct ql_expr_column){.i64 = is_i64 ? i64_of(column, range->scope) + range->first : NULL,
                                   .f64 = is_i64 ? NULL : f64_of(column, range->scope) + range->first};
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
        column->v.f64 = ql_mem_realloc(NULL, cells->n_cells, sizeof *column->v.f64);
        column->idle.f64 = ql_mem_zalloc(cells->n_intervals, sizeof *column->idle.f64);
        if (cells->has_totals) {
            column->total.f64 = ql_mem_zalloc(cells->n_intervals, sizeof *column->total.f64);
        }
    }
}

static void evaluate(struct range *range) {
    const struct apply *a = range->a;
    const struct ql_plan *plan = a->plan;
    bool is_of_cells = range->scope == SCOPE_CELLS;
    for (size_t m = 0; m < plan->n_metrics; m++) {
        size_t position = plan->metrics[m].position;
        range->columns[m] =
            position != QL_PLAN_NOWHERE ? view(range, &a->cells->columns[position]) : (struct ql_expr_column){0};
    }
    const struct ql_expr_rows rows = {.n_rows = range->n,
                                      .columns = range->columns,
                                      .interval_s = is_of_cells ? a->interval_s : a->interval_s + range->first,
                                      .interval_of = is_of_cells ? a->cells->interval_of + range->first : NULL};
    for (size_t k = 0; k < plan->n_kpis; k++) {
        double *out = f64_of(&a->cells->columns[plan->n_aggregates + k], range->scope) + range->first;
        ql_expr_eval(ql_plan_kpi_expr(&plan->kpis[k]), &rows, out);
        range->columns[plan->n_metrics + k] = (struct ql_expr_column){.f64 = out};
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

static void finish_column(struct range *range, const struct ql_cell_column *column, double idle) {
    int64_t n_filled = column->type == QL_CELL_INT64
                           ? finish_i64(range->a, i64_of(column, range->scope) + range->first, range->n, idle)
                           : finish_f64(range->a, f64_of(column, range->scope) + range->first, range->n, idle);
    range->stats.nulls_filled += column->is_hidden ? 0 : n_filled;
}

static double value_at(const struct ql_expr_column *column, size_t i) {
    if (column->f64 != NULL) {
        return column->f64[i];
    }
    return column->i64 == NULL || column->i64[i] == QL_CELL_NULL_I64 ? (double)NAN : (double)column->i64[i];
}

/* On values that are not rounded or filled yet. */
static void count(struct range *range) {
    const struct ql_plan *plan = range->a->plan;
    const struct ql_expr_column *offered = &range->columns[ql_plan_find_metric(plan, QL_STR("calls_offered"))];
    const struct ql_expr_column *answered = &range->columns[ql_plan_find_metric(plan, QL_STR("calls_answered"))];
    for (size_t i = 0; i < range->n; i++) {
        range->stats.answered_over_offered += value_at(answered, i) > value_at(offered, i) ? 1 : 0; /* false with a NULL */
    }
    for (size_t k = 0; k < plan->n_kpis; k++) {
        const double *values = range->columns[plan->n_metrics + k].f64;
        for (size_t i = 0; plan->kpis[k].is_approximate && i < range->n; i++) {
            range->stats.approximations += isnan(values[i]) ? 0 : 1;
        }
    }
}

static void apply_to_range(struct range *range) {
    const struct ql_plan *plan = range->a->plan;
    const struct ql_cell_column *columns = range->a->cells->columns;
    evaluate(range);
    count(range);
    for (size_t m = 0; m < plan->n_metrics; m++) {
        if (plan->metrics[m].position != QL_PLAN_NOWHERE) {
            finish_column(range, &columns[plan->metrics[m].position], plan->metrics[m].idle);
        }
    }
    for (size_t k = 0; k < plan->n_kpis; k++) {
        finish_column(range, &columns[plan->n_aggregates + k], plan->kpis[k].idle);
    }
}

/* The cells in ranges; each worker has views and counts of its own. */
struct cells_job {
    const struct apply *a;
    struct range workers[QL_PARALLEL_MAX_THREADS];
};

static enum ql_status apply_task(void *ctx, size_t worker, size_t task, struct ql_err *err) {
    struct cells_job *job = ctx;
    struct range *range = &job->workers[worker];
    const struct apply *a = job->a;
    (void)err; /* nothing can fail */
    if (range->columns == NULL) {
        range->a = a;
        range->columns = ql_mem_zalloc(a->plan->n_metrics + a->plan->n_kpis, sizeof *range->columns);
    }
    range->first = task * RANGE_CELLS;
    range->n = a->cells->n_cells - range->first < RANGE_CELLS ? a->cells->n_cells - range->first : RANGE_CELLS;
    apply_to_range(range);
    return QL_OK;
}

static enum ql_status apply_to_cells(const struct apply *a, struct ql_plan_stats *stats, struct ql_err *err) {
    enum { SERIAL_RANGES_MAX = 8 }; /* are done before a thread has started */
    struct cells_job *job = ql_mem_zalloc(1, sizeof *job);
    job->a = a;
    size_t n_ranges = a->cells->n_cells / RANGE_CELLS + (a->cells->n_cells % RANGE_CELLS != 0 ? 1 : 0);
    size_t n_threads = n_ranges <= SERIAL_RANGES_MAX ? 1 : a->output->n_threads;
    enum ql_status status = ql_parallel_run(n_threads, n_ranges, apply_task, job, err);
    for (size_t w = 0; w < QL_PARALLEL_MAX_THREADS; w++) {
        stats->answered_over_offered += job->workers[w].stats.answered_over_offered;
        stats->approximations += job->workers[w].stats.approximations;
        stats->nulls_filled += job->workers[w].stats.nulls_filled;
        ql_mem_free(job->workers[w].columns);
    }
    ql_mem_free(job);
    return status;
}

/* Once for each interval; what is counted is of cells only. */
static void apply_to_intervals(const struct apply *a, enum scope scope) {
    struct range range = {.a = a, .scope = scope, .n = a->cells->n_intervals};
    range.columns = ql_mem_zalloc(a->plan->n_metrics + a->plan->n_kpis, sizeof *range.columns);
    apply_to_range(&range);
    ql_mem_free(range.columns);
}

static enum ql_status apply_steps(struct apply *a, struct ql_plan_stats *stats, struct ql_err *err) {
    for (size_t i = 0; i < a->cells->n_intervals; i++) {
        const struct ql_interval *interval = &a->cells->intervals[i];
        a->interval_s[i] = (double)(interval->end_us - interval->start_us) / (double)QL_US_PER_S;
    }
    add_idle_columns(a);
    add_kpi_columns(a);
    apply_to_intervals(a, SCOPE_IDLE);
    if (a->cells->has_totals) {
        apply_to_intervals(a, SCOPE_TOTALS);
    }
    return apply_to_cells(a, stats, err);
}

enum ql_status ql_plan_apply(const struct ql_plan *plan, struct ql_cells *cells, const struct ql_plan_output *output,
                             struct ql_plan_stats *stats, struct ql_err *err) {
    struct ql_plan_stats unused = {0};
    struct apply apply = {.plan = plan, .cells = cells, .output = output};
    stats = stats != NULL ? stats : &unused;
    *stats = (struct ql_plan_stats){0};
    if (output->round_digits > QL_ROUND_MAX_DIGITS) {
        return QL_FAIL(err, QL_E_CONFIG, "rounding to %d decimals, where %d is the limit", output->round_digits,
                       QL_ROUND_MAX_DIGITS);
    }
    QL_TRY(check_cells(&apply, err));
    apply.interval_s = ql_mem_zalloc(cells->n_intervals, sizeof *apply.interval_s);
    enum ql_status status = apply_steps(&apply, stats, err);
    ql_mem_free(apply.interval_s);
    return status;
}
