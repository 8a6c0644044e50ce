/**
 * The last step on a part's cells: KPIs are computed from unrounded metrics, then every DOUBLE is rounded, then NULL is written
 * as the idle value (semantics, section 4). The same three steps run over the cells, over the cells that no row mentions (one
 * of them for each interval, because a KPI may depend on the interval's length) and over the totals.
 *
 * A cell depends on no other, so all steps run over a range of cells while it is in the first cache. Hidden columns are read
 * only: nobody looks at them afterwards.
 *
 * Rounding to d decimals is left out where it cannot change a value. Let x be the double nearest to k / 10^s with s <= d, and
 * N = k * 10^(d - s), so that x = N / 10^d * (1 + e) with |e| <= 2^-53. Then the scaled double is N * (1 + e) * (1 + e'), which
 * is off by less than |N| * (2^-52 + 2^-106); for |N| < 2^51 that is less than a half, so that N comes out of the rounding to
 * an integer, and N / 10^d, which is k / 10^s, comes out of the division as the nearest double: x again. From 2^51 to 2^52 it
 * may come out as a neighbour of x: halves are scaled doubles there, and an x that is off by more than a quarter can become one
 * (4470704139769405 / 10^3 does). So the largest value of a range decides.
 */
#include "kpi/plan_internal.h"
#include "kpi/round.h"

#include "base/mem.h"

#include <math.h>

/* Over what the columns are evaluated. */
enum scope { SCOPE_CELLS, SCOPE_IDLE, SCOPE_TOTALS };

enum { RANGE_VALUES = QL_EXPR_BLOCK };

/* Memory of a call: on the stack where that suffices, as it does but for expressions of six levels and more. */
enum { STACK_BYTES = 56 * 1024 };

struct apply {
    const struct ql_plan *plan;
    struct ql_cells *cells;
    const struct ql_plan_output *output;
    struct ql_plan_stats *stats;
    struct ql_expr_column *columns; /* what expressions index: metrics, then KPIs; of the range */
    bool *has_scale;                /* of each column of the cells: what is known of its scale after this holds so far */
    double *interval_s;             /* [RANGE_VALUES] of the range; NULL: no expression asks for it */
    void *expr_scratch;
};

/* Some values of every column of a scope. */
struct range {
    enum scope scope;
    size_t first, n;
    size_t interval; /* of the first value */
};

/* Either member of the union is the same pointer. */
static union ql_cell_values values_of(const struct ql_cell_column *column, const struct range *range) {
    const union ql_cell_values *values = &column->v;
    if (range->scope != SCOPE_CELLS) {
        values = range->scope == SCOPE_IDLE ? &column->idle : &column->total;
    }
    return (union ql_cell_values){.i64 = values->i64 + range->first};
}

static struct ql_expr_column view(const struct ql_cell_column *column, const struct range *range) {
    union ql_cell_values values = values_of(column, range);
    bool is_i64 = column->type == QL_CELL_INT64;
    return (struct ql_expr_column){.i64 = is_i64 ? values.i64 : NULL, .f64 = is_i64 ? NULL : values.f64};
}

static enum ql_status check(const struct apply *a, struct ql_err *err) {
    const struct ql_plan *plan = a->plan;
    if (a->output->round_digits > QL_ROUND_MAX_DIGITS) {
        return QL_FAIL(err, QL_E_CONFIG, "rounding to %d decimals, where %d is the limit", a->output->round_digits,
                       QL_ROUND_MAX_DIGITS);
    }
    bool fits = a->cells->n_columns == plan->n_aggregates;
    for (size_t i = 0; fits && i < plan->n_aggregates; i++) {
        fits = a->cells->columns[i].type == plan->aggregates[i].type;
    }
    return fits ? QL_OK : QL_FAIL(err, QL_E_INTERNAL, "the cells have other columns than the plan");
}

/* A part of the memory of a call; first without memory, to learn how much it takes. */
static void *cut(char *memory, size_t *used, size_t size) {
    enum { ALIGNMENT = 16 };
    size_t at = *used;
    *used += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return memory != NULL ? memory + at : NULL;
}

static size_t lay_out(struct apply *a, char *memory) {
    const struct ql_plan *plan = a->plan;
    bool has_interval = false;
    size_t scratch_size = 0;
    for (size_t k = 0; k < plan->n_kpis; k++) {
        const struct ql_expr *expr = ql_plan_kpi_expr(&plan->kpis[k]);
        size_t size = ql_expr_scratch_size(expr);
        scratch_size = size > scratch_size ? size : scratch_size;
        has_interval = has_interval || ql_expr_has_interval(expr);
    }
    size_t used = 0;
    a->columns = cut(memory, &used, (plan->n_metrics + plan->n_kpis) * sizeof *a->columns);
    a->has_scale = cut(memory, &used, (plan->n_aggregates + plan->n_kpis) * sizeof *a->has_scale);
    a->expr_scratch = cut(memory, &used, scratch_size);
    a->interval_s = has_interval ? cut(memory, &used, RANGE_VALUES * sizeof *a->interval_s) : NULL;
    return used;
}

/* KPIs behind the metrics; the metrics' idle values: NULL until the last step. */
static void add_columns(const struct apply *a) {
    struct ql_cells *cells = a->cells;
    const struct ql_plan *plan = a->plan;
    ql_cells_reserve(cells, plan->n_aggregates + plan->n_kpis, cells->n_intervals, cells->n_cells);
    for (size_t c = 0; c < cells->n_columns; c++) {
        struct ql_cell_column *column = &cells->columns[c];
        if (c >= plan->n_aggregates) {
            column->type = QL_CELL_DOUBLE;
            column->scale = QL_CELL_SCALE_UNKNOWN;
        } else if (column->type == QL_CELL_INT64) {
            for (size_t i = 0; i < cells->n_intervals; i++) {
                column->idle.i64[i] = QL_CELL_NULL_I64;
            }
        } else {
            for (size_t i = 0; i < cells->n_intervals; i++) {
                column->idle.f64[i] = (double)NAN;
            }
        }
        a->has_scale[c] = true;
    }
}

/* The length of the interval of each value. Leaves range->interval at that of the last. */
static void expand_intervals(const struct apply *a, struct range *range) {
    const struct ql_cells *cells = a->cells;
    const struct ql_interval *intervals = cells->grid->intervals + cells->first_interval;
    size_t i = range->interval;
    for (size_t v = 0; v < range->n; i++) {
        size_t end = range->scope == SCOPE_CELLS ? cells->begin[i + 1] : i + 1;
        end = end < range->first + range->n ? end : range->first + range->n;
        double seconds = (double)(intervals[i].end_us - intervals[i].start_us) / (double)QL_US_PER_S;
        for (; range->first + v < end; v++) {
            a->interval_s[v] = seconds;
        }
        range->interval = i;
    }
}

static void evaluate(const struct apply *a, const struct range *range) {
    const struct ql_plan *plan = a->plan;
    for (size_t m = 0; m < plan->n_metrics; m++) {
        size_t position = plan->metrics[m].position;
        a->columns[m] = position != QL_PLAN_NOWHERE ? view(&a->cells->columns[position], range) : (struct ql_expr_column){0};
    }
    const struct ql_expr_rows rows = {.n_rows = range->n, .columns = a->columns, .interval_s = a->interval_s};
    for (size_t k = 0; k < plan->n_kpis; k++) {
        double *out = values_of(&a->cells->columns[plan->n_aggregates + k], range).f64;
        ql_expr_eval(ql_plan_kpi_expr(&plan->kpis[k]), &rows, a->expr_scratch, out);
        a->columns[plan->n_metrics + k] = (struct ql_expr_column){.f64 = out};
    }
}

static double value_at(const struct ql_expr_column *column, size_t i) {
    if (column->f64 != NULL) {
        return column->f64[i];
    }
    return column->i64 == NULL || column->i64[i] == QL_CELL_NULL_I64 ? (double)NAN : (double)column->i64[i];
}

/*
 * The loops below are without a branch and count in the bits of 64-bit integers, whose sign says yes, because so they are
 * vectorised on every machine: comparisons of such integers are not.
 */

static int64_t count_over(const struct ql_expr_column *answered, const struct ql_expr_column *offered, size_t n) {
    uint64_t n_over = 0;
    if (answered->i64 != NULL && offered->i64 != NULL) { /* counts are never less than 0, and NULL is */
        for (size_t i = 0; i < n; i++) {
            const uint64_t a = (uint64_t)answered->i64[i];
            const uint64_t o = (uint64_t)offered->i64[i];
            n_over += ((o - a) & ~a & ~o) >> 63;
        }
        return (int64_t)n_over;
    }
    for (size_t i = 0; i < n; i++) {
        n_over += value_at(answered, i) > value_at(offered, i) ? 1 : 0; /* false with a NULL */
    }
    return (int64_t)n_over;
}

#define INFINITY_BITS UINT64_C(0x7ff0000000000000)

/* The bits of |x|, which ascend with it; those of a NaN are above those of infinity. */
static inline uint64_t magnitude(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & (uint64_t)INT64_MAX;
}

/* On values that are not rounded or filled yet. */
static void count(const struct apply *a, const struct range *range) {
    const struct ql_plan *plan = a->plan;
    const struct ql_expr_column *offered = &a->columns[ql_plan_find_metric(plan, QL_STR("calls_offered"))];
    const struct ql_expr_column *answered = &a->columns[ql_plan_find_metric(plan, QL_STR("calls_answered"))];
    a->stats->answered_over_offered += count_over(answered, offered, range->n);
    for (size_t k = 0; k < plan->n_kpis; k++) {
        const double *values = a->columns[plan->n_metrics + k].f64;
        uint64_t n_nulls = 0;
        for (size_t i = 0; plan->kpis[k].is_approximate && i < range->n; i++) {
            n_nulls += (INFINITY_BITS - magnitude(values[i])) >> 63;
        }
        a->stats->approximations += plan->kpis[k].is_approximate ? (int64_t)(range->n - n_nulls) : 0;
    }
}

struct look {
    bool has_large; /* a scaled value is `limit` or more; NaN is not */
    bool has_null;
};

static struct look look_at(const double *values, size_t n, double scale, double limit) {
    const uint64_t below = magnitude(limit) - 1;
    uint64_t large = 0;
    uint64_t null = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t scaled = magnitude(values[i] * scale);
        large |= (below - scaled) & (scaled - INFINITY_BITS - 1);
        null |= INFINITY_BITS - scaled;
    }
    return (struct look){.has_large = large >> 63 != 0, .has_null = null >> 63 != 0};
}

/* Whether a value can be said at that scale. */
static bool has_scale(double value, int scale) {
    double scaled = fabs(value) * ql_round_scale(scale);
    return scaled < 0x1p51 && nearbyint(scaled) / ql_round_scale(scale) == fabs(value);
}

/* Whether values of a column are known to have no more decimals than rounding would leave. */
static bool is_coarse(const struct apply *a, int scale) {
    return scale != QL_CELL_SCALE_UNKNOWN && scale <= a->output->round_digits;
}

/* The scale that a column has after this, if its values let it. */
static int scale_after(const struct apply *a, int scale) {
    return a->output->round_digits < 0 || is_coarse(a, scale) ? scale : a->output->round_digits;
}

/*
 * Rounds where that may change something; true if every value that is no NULL is one at scale_after() then. A value that was
 * rounded, or whose scale is known, is no -0.0, so that it needs no filling in but for NULL.
 */
static bool round_f64(const struct apply *a, double *values, size_t n, int scale, bool *needs_fill) {
    int digits = a->output->round_digits;
    *needs_fill = true;
    if (digits < 0) {
        return scale != QL_CELL_SCALE_UNKNOWN;
    }
    struct look look = {.has_large = true};
    if (is_coarse(a, scale)) {
        look = look_at(values, n, ql_round_scale(digits), 0x1p50);
    }
    bool is_true = !look.has_large;
    if (look.has_large) {
        ql_round_values(values, n, digits, values);
        look = look_at(values, n, ql_round_scale(digits), 0x1p53);
        is_true = !is_coarse(a, scale) && !look.has_large;
    }
    *needs_fill = look.has_null;
    return is_true;
}

/* Writes NULL as the idle value, and -0.0 as 0.0; returns how many were NULL. */
static int64_t fill_f64(const struct apply *a, double *values, size_t n, double idle) {
    if (a->output->empty_is_null) {
        ql_round_drop_negative_zero(values, n);
        return 0;
    }
    uint64_t n_nulls = 0;
    idle += 0.0;
    for (size_t i = 0; i < n; i++) {
        double x = values[i];
        n_nulls += (INFINITY_BITS - magnitude(x)) >> 63;
        values[i] = isnan(x) ? idle : x + 0.0;
    }
    return (int64_t)n_nulls;
}

static int64_t fill_i64(const struct apply *a, int64_t *values, size_t n, double idle) {
    int64_t all = 0;
    for (size_t i = 0; !a->output->empty_is_null && i < n; i++) {
        all |= values[i];
    }
    if (all >= 0) { /* NULL is negative */
        return 0;
    }
    int64_t n_nulls = 0;
    for (size_t i = 0; i < n; i++) {
        n_nulls += values[i] == QL_CELL_NULL_I64 ? 1 : 0;
        values[i] = values[i] == QL_CELL_NULL_I64 ? (int64_t)idle : values[i];
    }
    return n_nulls;
}

static int64_t finish_f64(const struct apply *a, const struct range *range, size_t position, double idle) {
    const struct ql_cell_column *column = &a->cells->columns[position];
    double *values = values_of(column, range).f64;
    bool is_of_cells = range->scope == SCOPE_CELLS; /* the scale is of them alone */
    bool needs_fill;
    bool is_true = round_f64(a, values, range->n, is_of_cells ? column->scale : QL_CELL_SCALE_UNKNOWN, &needs_fill);
    int64_t n_filled = needs_fill ? fill_f64(a, values, range->n, idle) : 0;
    if (is_of_cells) {
        is_true = is_true && (n_filled == 0 || has_scale(idle, scale_after(a, column->scale)));
        a->has_scale[position] = a->has_scale[position] && is_true;
    }
    return n_filled;
}

static void finish_column(const struct apply *a, const struct range *range, size_t position, double idle) {
    const struct ql_cell_column *column = &a->cells->columns[position];
    int64_t n_filled = column->type == QL_CELL_INT64 ? fill_i64(a, values_of(column, range).i64, range->n, idle)
                                                     : finish_f64(a, range, position, idle);
    a->stats->nulls_filled += range->scope == SCOPE_CELLS ? n_filled : 0;
}

static void apply_to_range(const struct apply *a, struct range *range) {
    const struct ql_plan *plan = a->plan;
    if (a->interval_s != NULL) {
        expand_intervals(a, range);
    }
    evaluate(a, range);
    if (range->scope == SCOPE_CELLS) {
        count(a, range);
    }
    for (size_t i = 0; i < plan->n_written; i++) {
        const struct ql_plan_metric *metric = &plan->metrics[plan->written[i]];
        if (metric->position != QL_PLAN_NOWHERE) {
            finish_column(a, range, metric->position, metric->idle);
        }
    }
    for (size_t k = 0; k < plan->n_kpis; k++) {
        finish_column(a, range, plan->n_aggregates + k, plan->kpis[k].idle);
    }
}

static void apply_to_scope(const struct apply *a, enum scope scope, size_t n) {
    struct range range = {.scope = scope};
    for (; range.first < n; range.first += range.n) {
        range.n = n - range.first < RANGE_VALUES ? n - range.first : RANGE_VALUES;
        apply_to_range(a, &range);
    }
}

static void keep_scales_true(const struct apply *a) {
    for (size_t c = 0; c < a->cells->n_columns; c++) {
        struct ql_cell_column *column = &a->cells->columns[c];
        if (column->type == QL_CELL_DOUBLE && !a->plan->cell_defs[c].is_hidden) {
            column->scale = a->has_scale[c] ? scale_after(a, column->scale) : QL_CELL_SCALE_UNKNOWN;
        }
    }
}

enum ql_status ql_plan_apply(const struct ql_plan *plan, struct ql_cells *cells, const struct ql_plan_output *output,
                             struct ql_plan_stats *stats, struct ql_err *err) {
    _Alignas(16) char on_stack[STACK_BYTES];
    struct ql_plan_stats unused = {0};
    struct apply a = {.plan = plan, .cells = cells, .output = output, .stats = stats != NULL ? stats : &unused};
    QL_TRY(check(&a, err));
    size_t size = lay_out(&a, NULL);
    char *memory = size <= sizeof on_stack ? on_stack : ql_mem_alloc(size);
    (void)lay_out(&a, memory);
    add_columns(&a);
    apply_to_scope(&a, SCOPE_IDLE, cells->n_intervals);
    if (cells->grid->has_totals) {
        apply_to_scope(&a, SCOPE_TOTALS, cells->n_intervals);
    }
    apply_to_scope(&a, SCOPE_CELLS, cells->n_cells);
    keep_scales_true(&a);
    if (memory != on_stack) {
        ql_mem_free(memory);
    }
    return QL_OK;
}
