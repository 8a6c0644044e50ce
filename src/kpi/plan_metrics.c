/**
 * Metrics of a plan: the built-in ones, with the user's definitions over them and behind them; which are written; which columns
 * of the input they need (semantics, sections 2 and 4).
 *
 * A definition under a built-in name changes how that metric is computed, not whether it is written; one under a new name is
 * written behind the profile's, unless --metrics says which. What a person asked for by name must be there; what a profile
 * brings may be absent.
 */
#include "kpi/plan_internal.h"

#include "base/mem.h"

#include <math.h>

#define TWO_TO_53 9007199254740992.0

size_t ql_plan_find_metric(const struct ql_plan *plan, struct ql_str name) {
    for (size_t i = 0; i < plan->n_metrics; i++) {
        if (ql_str_eq(plan->metrics[i].name, name)) {
            return i;
        }
    }
    return QL_PLAN_NOWHERE;
}

static const struct ql_builtin_metric *find_builtin(const struct ql_profile_table *table, struct ql_str name) {
    for (size_t i = 0; i < table->n_metrics; i++) {
        if (ql_str_eq(name, ql_str_from(table->metrics[i].name))) {
            return &table->metrics[i];
        }
    }
    return NULL;
}

static enum ql_status parse_agg(struct ql_str text, enum ql_agg *agg, struct ql_err *err) {
    static const char *const NAMES[] = {[QL_AGG_SUM] = "sum", [QL_AGG_MEAN] = "mean",   [QL_AGG_MIN] = "min",
                                        [QL_AGG_MAX] = "max", [QL_AGG_COUNT] = "count", [QL_AGG_RATIO] = "ratio"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (ql_str_eq(text, ql_str_from(NAMES[i]))) {
            *agg = (enum ql_agg)i;
            return QL_OK;
        }
    }
    (void)QL_FAIL(err, QL_E_CONFIG, "unknown aggregation '%.*s'", QL_STR_ARG(text));
    ql_err_hint(err, "'agg' is one of sum, mean, min, max, count and ratio");
    return QL_E_CONFIG;
}

/* agg and weight: as written; without an agg, those of the built-in metric of this name, else of this column. */
static enum ql_status define_agg(struct ql_plan_metric *metric, const struct ql_profile_table *table, struct ql_err *err) {
    const struct ql_metric_def *def = metric->def;
    const struct ql_builtin_metric *like = metric->builtin != NULL ? metric->builtin : find_builtin(table, metric->column_name);
    metric->weight_name = def->weight;
    if (def->agg.len != 0) {
        QL_TRY(parse_agg(def->agg, &metric->agg, err));
    } else if (like != NULL) {
        metric->agg = like->agg;
        metric->weight_name = def->weight.len != 0 ? def->weight : ql_str_from(like->weight);
    } else {
        (void)QL_FAIL(err, QL_E_CONFIG, "'agg' is missing");
        ql_err_hint(err, "say how the rows of a cell become one value: sum, mean, min, max, count or ratio");
        return QL_E_CONFIG;
    }
    if (metric->weight_name.len != 0 && !ql_agg_has_weight(metric->agg)) {
        return QL_FAIL(err, QL_E_CONFIG, "a weight goes with 'agg: mean' and 'agg: ratio' only");
    }
    if (metric->weight_name.len == 0 && metric->agg == QL_AGG_RATIO) {
        (void)QL_FAIL(err, QL_E_CONFIG, "'agg: ratio' needs a weight");
        ql_err_hint(err, "a ratio is the sum of its column divided by the sum of its weight's: name that column as 'weight'");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

/* The reader looks for normalised names, so that one in another form would never be found. */
static enum ql_status check_column_name(struct ql_str column, struct ql_err *err) {
    for (size_t i = 0; i < column.len; i++) {
        unsigned char c = (unsigned char)column.ptr[i];
        if (c <= ' ' || c == '.' || c == '/' || c == '-' || (c >= 'A' && c <= 'Z')) {
            (void)QL_FAIL(err, QL_E_CONFIG, "column '%.*s' is not in canonical form", QL_STR_ARG(column));
            ql_err_hint(err, "write it in lower case, with '_' for blanks, '.', '-' and '/', and between words of camelCase");
            return QL_E_CONFIG;
        }
    }
    return QL_OK;
}

static enum ql_status apply_def(struct ql_plan_metric *metric, const struct ql_metric_def *def,
                                const struct ql_profile_table *table, struct ql_err *err) {
    metric->def = def;
    metric->column_name = def->column.len != 0 ? def->column : def->name;
    QL_TRY(check_column_name(metric->column_name, err));
    QL_TRY(check_column_name(def->weight, err));
    QL_TRY(define_agg(metric, table, err));
    if (def->type.len != 0 && !ql_str_eq(def->type, QL_STR("count")) && !ql_str_eq(def->type, QL_STR("number"))) {
        (void)QL_FAIL(err, QL_E_CONFIG, "unknown type '%.*s'", QL_STR_ARG(def->type));
        ql_err_hint(err, "'type' is count or number");
        return QL_E_CONFIG;
    }
    if (def->has_idle && !isfinite(def->idle)) {
        return QL_FAIL(err, QL_E_CONFIG, "'idle' is not a finite number");
    }
    metric->idle = def->has_idle ? def->idle : 0;
    return QL_OK;
}

static enum ql_status define_one(struct ql_plan *plan, const struct ql_metric_def *def, struct ql_err *err) {
    const struct ql_profile_table *table = plan->table;
    QL_TRY(ql_plan_check_name("metric", def->name, def->where, err));
    size_t at = ql_plan_find_metric(plan, def->name);
    for (size_t i = 0; i < plan->n_metrics; i++) {
        const struct ql_plan_metric *other = &plan->metrics[i];
        if (ql_str_eq_nocase(other->name, def->name) && (i != at || other->def != NULL)) {
            (void)QL_FAIL(err, QL_E_CONFIG, "there is a metric '%.*s' already", QL_STR_ARG(other->name));
            ql_plan_wrap(err, "metric", def->name, def->where);
            return QL_E_CONFIG;
        }
    }
    if (at == QL_PLAN_NOWHERE) {
        at = plan->n_metrics++;
        plan->metrics[at] = (struct ql_plan_metric){.name = def->name, .column = QL_NO_COLUMN, .weight = QL_NO_COLUMN};
    }
    enum ql_status status = apply_def(&plan->metrics[at], def, table, err);
    if (status != QL_OK) {
        ql_plan_wrap(err, "metric", def->name, def->where);
    }
    return status;
}

static const struct ql_plan_metric *typed_metric(const struct ql_plan *plan, struct ql_str column) {
    for (size_t i = 0; i < plan->n_metrics; i++) {
        const struct ql_plan_metric *metric = &plan->metrics[i];
        if (metric->def != NULL && metric->def->type.len != 0 && ql_str_eq(metric->column_name, column)) {
            return metric;
        }
    }
    return NULL;
}

/* What the built-in table says of a column: by its own name, else by the built-in metric that the user made read it; or NULL.
 */
static const struct ql_builtin_metric *builtin_of_column(const struct ql_plan *plan, struct ql_str column) {
    const struct ql_builtin_metric *builtin = find_builtin(plan->table, column);
    for (size_t i = 0; builtin == NULL && i < plan->n_metrics; i++) {
        builtin = ql_str_eq(plan->metrics[i].column_name, column) ? plan->metrics[i].builtin : NULL;
    }
    return builtin;
}

/* The configuration's word, else the built-in table's, else any number. */
static enum ql_number_kind column_kind(const struct ql_plan *plan, struct ql_str column) {
    const struct ql_plan_metric *typed = typed_metric(plan, column);
    if (typed != NULL) {
        return ql_str_eq(typed->def->type, QL_STR("count")) ? QL_NUMBER_COUNT : QL_NUMBER_DECIMAL;
    }
    const struct ql_builtin_metric *builtin = builtin_of_column(plan, column);
    return builtin != NULL ? builtin->kind : QL_NUMBER_DECIMAL;
}

/* Once every definition is known: one type a column, and the type of what comes out. */
static enum ql_status define_types(struct ql_plan *plan, struct ql_err *err) {
    for (size_t i = 0; i < plan->n_metrics; i++) {
        struct ql_plan_metric *metric = &plan->metrics[i];
        const struct ql_plan_metric *typed = typed_metric(plan, metric->column_name);
        enum ql_status status = QL_OK;
        if (typed != NULL && metric->def != NULL && metric->def->type.len != 0 &&
            !ql_str_eq(typed->def->type, metric->def->type)) {
            status = QL_FAIL(err, QL_E_CONFIG, "column '%.*s' is a %.*s here and a %.*s for metric '%.*s'",
                             QL_STR_ARG(metric->column_name), QL_STR_ARG(metric->def->type), QL_STR_ARG(typed->def->type),
                             QL_STR_ARG(typed->name));
        }
        bool is_count = column_kind(plan, metric->column_name) == QL_NUMBER_COUNT && !ql_agg_has_weight(metric->agg);
        metric->type = is_count || metric->agg == QL_AGG_COUNT ? QL_CELL_INT64 : QL_CELL_DOUBLE;
        bool is_integral = metric->idle == floor(metric->idle) && fabs(metric->idle) <= TWO_TO_53;
        if (status == QL_OK && metric->type == QL_CELL_INT64 && !is_integral) {
            status = QL_FAIL(err, QL_E_CONFIG, "'idle' of a count is not a whole number");
        }
        if (status != QL_OK) {
            ql_plan_wrap(err, "metric", metric->name, metric->def->where);
            return status;
        }
    }
    return QL_OK;
}

enum ql_status ql_plan_define_metrics(struct ql_plan *plan, const struct ql_plan_request *request, struct ql_err *err) {
    const struct ql_profile_table *table = plan->table;
    if (request->n_metric_defs > QL_PLAN_MAX_DEFS) {
        return QL_FAIL(err, QL_E_CONFIG, "%zu metrics are defined, where %d is the limit", request->n_metric_defs,
                       QL_PLAN_MAX_DEFS);
    }
    plan->metrics = ql_mem_zalloc(table->n_metrics + request->n_metric_defs, sizeof *plan->metrics);
    for (size_t i = 0; i < table->n_metrics; i++) {
        const struct ql_builtin_metric *builtin = &table->metrics[i];
        plan->metrics[plan->n_metrics++] =
            (struct ql_plan_metric){.name = ql_str_from(builtin->name),
                                    .column_name = ql_str_from(builtin->column != NULL ? builtin->column : builtin->name),
                                    .weight_name = ql_str_from(builtin->weight),
                                    .builtin = builtin,
                                    .agg = builtin->agg,
                                    .column = QL_NO_COLUMN,
                                    .weight = QL_NO_COLUMN};
    }
    for (size_t i = 0; i < request->n_metric_defs; i++) {
        QL_TRY(define_one(plan, &request->metric_defs[i], err));
    }
    return define_types(plan, err);
}

static enum ql_status fail_unknown_metric(const struct ql_plan *plan, const struct ql_plan_request *request, struct ql_str name,
                                          struct ql_err *err) {
    bool is_kpi = false;
    const struct ql_profile_table *table = plan->table;
    for (size_t i = 0; i < table->n_kpis; i++) {
        is_kpi = is_kpi || ql_str_eq(name, ql_str_from(table->kpis[i].name));
    }
    for (size_t i = 0; i < request->n_kpi_defs; i++) {
        is_kpi = is_kpi || ql_str_eq(name, request->kpi_defs[i].name);
    }
    if (is_kpi) {
        (void)QL_FAIL(err, QL_E_CONFIG, "'%.*s' is a KPI, not a metric", QL_STR_ARG(name));
        ql_err_hint(err, "KPIs always follow the metrics; leave it out of --metrics");
    } else {
        (void)QL_FAIL(err, QL_E_CONFIG, "unknown metric '%.*s'", QL_STR_ARG(name));
        ql_plan_hint_names(plan, name, 0, err);
    }
    return QL_E_CONFIG;
}

static void write_metric(struct ql_plan *plan, size_t metric, bool is_asked) {
    plan->metrics[metric].is_written = true;
    plan->metrics[metric].is_asked = is_asked;
    plan->written[plan->n_written++] = metric;
}

enum ql_status ql_plan_choose_written(struct ql_plan *plan, const struct ql_plan_request *request, struct ql_err *err) {
    plan->written = ql_mem_zalloc(plan->n_metrics, sizeof *plan->written);
    for (size_t i = 0; i < request->n_metrics; i++) {
        size_t metric = ql_plan_find_metric(plan, request->metrics[i]);
        if (metric == QL_PLAN_NOWHERE) {
            return fail_unknown_metric(plan, request, request->metrics[i], err);
        }
        if (plan->metrics[metric].is_written) {
            return QL_FAIL(err, QL_E_CONFIG, "metric '%.*s' is named twice", QL_STR_ARG(request->metrics[i]));
        }
        write_metric(plan, metric, true);
    }
    for (size_t i = 0; i < plan->n_metrics; i++) {
        const struct ql_plan_metric *metric = &plan->metrics[i];
        bool is_wanted = metric->builtin == NULL ? request->n_metrics == 0
                                                 : (metric->builtin->is_default && request->n_metrics == 0) ||
                                                       (metric->builtin->is_raw && request->wants_raw_sums);
        if (is_wanted && !metric->is_written) {
            write_metric(plan, i, metric->builtin == NULL);
        }
    }
    return QL_OK;
}

static size_t add_column(struct ql_plan *plan, struct ql_str name, bool is_required) {
    for (size_t i = 0; i < plan->n_columns; i++) {
        if (ql_str_eq(plan->columns[i].name, name)) {
            plan->columns[i].is_required |= is_required;
            return i;
        }
    }
    /* Names say the unit (semantics, section 2), so what the table does not know is read by its name's end. */
    bool is_decimal = column_kind(plan, name) == QL_NUMBER_DECIMAL;
    const struct ql_builtin_metric *builtin = builtin_of_column(plan, name);
    bool is_duration = builtin != NULL ? builtin->is_duration : ql_str_has_suffix(name, "_seconds");
    bool is_percentage = builtin != NULL ? builtin->is_percentage : ql_str_has_suffix(name, "_percent");
    QL_MEM_GROW(plan->columns, plan->cap_columns, plan->n_columns + 1);
    plan->columns[plan->n_columns] = (struct ql_rows_metric){.name = name,
                                                             .kind = is_decimal ? QL_NUMBER_DECIMAL : QL_NUMBER_COUNT,
                                                             .is_duration = is_decimal && is_duration,
                                                             .is_percentage = is_decimal && is_percentage,
                                                             .is_required = is_required};
    return plan->n_columns++;
}

static void read_metric(struct ql_plan *plan, size_t at, bool is_required) {
    struct ql_plan_metric *metric = &plan->metrics[at];
    is_required = is_required || metric->is_asked || (metric->builtin != NULL && metric->builtin->is_needed);
    metric->column = add_column(plan, metric->column_name, is_required);
    if (metric->weight_name.len != 0) {
        /* A weight names a metric, whose column it is then, or a column. One that the user wrote must be there. */
        size_t like = ql_plan_find_metric(plan, metric->weight_name);
        bool is_own = metric->def != NULL && metric->def->weight.len != 0;
        metric->weight = add_column(plan, like != QL_PLAN_NOWHERE ? plan->metrics[like].column_name : metric->weight_name,
                                    is_required || is_own);
    }
}

void ql_plan_choose_columns(struct ql_plan *plan) {
    for (size_t i = 0; i < plan->n_written; i++) {
        read_metric(plan, plan->written[i], false);
    }
    for (size_t i = 0; i < plan->n_metrics; i++) {
        if (plan->metrics[i].builtin != NULL && plan->metrics[i].builtin->is_needed) {
            read_metric(plan, i, true);
        }
    }
    for (size_t k = 0; k < plan->n_kpis; k++) {
        const struct ql_plan_kpi *kpi = &plan->kpis[k];
        for (size_t s = 0; s < kpi->expr.n_steps; s++) {
            const struct ql_expr_step *step = &kpi->expr.steps[s];
            if (step->op == QL_EXPR_COLUMN && step->v.column < plan->n_metrics) {
                read_metric(plan, step->v.column, kpi->def != NULL);
            }
        }
    }
}
