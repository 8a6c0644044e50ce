/**
 * The plan from outside: built from a request, resolved against what an input has, described for the footer. What it is made of
 * is in plan_metrics.c and plan_kpis.c, what it does to cells in plan_apply.c.
 */
#include "kpi/plan_internal.h"

#include "base/mem.h"

void ql_plan_wrap(struct ql_err *err, const char *what, struct ql_str name, struct ql_str where) {
    enum { SHOWN = 100 };
    name.len = name.len > SHOWN ? SHOWN : name.len;
    if (where.len != 0) {
        ql_err_wrap(err, "%s '%.*s' (%.*s)", what, QL_STR_ARG(name), QL_STR_ARG(where));
    } else {
        ql_err_wrap(err, "%s '%.*s'", what, QL_STR_ARG(name));
    }
}

enum ql_status ql_plan_check_name(const char *what, struct ql_str name, struct ql_str where, struct ql_err *err) {
    enum { MAX_NAME = 100 };
    static const char *const FIXED[] = {"time_interval", "timeInterval", "interval_start", "interval_end",
                                        "queue_id",      "queue_name",   "media_type"};
    bool is_word = name.len != 0 && name.len <= MAX_NAME && !(name.ptr[0] >= '0' && name.ptr[0] <= '9');
    for (size_t i = 0; is_word && i < name.len; i++) {
        char c = name.ptr[i];
        is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    enum ql_status status = QL_OK;
    if (!is_word) {
        status = QL_FAIL(err, QL_E_CONFIG, "not a name that an expression can mention");
        ql_err_hint(err, "a name is at most %d letters, digits and '_', and does not begin with a digit", MAX_NAME);
    } else if (ql_expr_is_reserved(name)) {
        status = QL_FAIL(err, QL_E_CONFIG, "the name has a meaning in expressions");
        ql_err_hint(err, "choose another name");
    }
    for (size_t i = 0; status == QL_OK && i < sizeof FIXED / sizeof FIXED[0]; i++) {
        if (ql_str_eq_nocase(name, ql_str_from(FIXED[i]))) {
            status = QL_FAIL(err, QL_E_CONFIG, "the name is that of a fixed column");
            ql_err_hint(err, "choose another name");
        }
    }
    if (status != QL_OK) {
        ql_plan_wrap(err, what, name, where);
    }
    return status;
}

void ql_plan_hint_names(const struct ql_plan *plan, struct ql_str name, size_t n_kpis, struct ql_err *err) {
    enum { MAX_HINT = 300 }; /* what fits with the rest of the sentence */
    struct ql_arena arena = {0};
    size_t n = 0;
    const char **names = ql_mem_zalloc(plan->n_metrics + n_kpis + 1, sizeof *names);
    for (size_t i = 0; i < plan->n_metrics; i++) {
        names[n++] = ql_arena_copy(&arena, plan->metrics[i].name.ptr, plan->metrics[i].name.len);
    }
    for (size_t i = 0; i < n_kpis; i++) {
        names[n++] = ql_arena_copy(&arena, plan->kpis[i].name.ptr, plan->kpis[i].name.len);
    }
    size_t n_own = n;
    if (n_kpis != 0) {
        names[n++] = "interval_seconds";
    }
    struct ql_buf list = {0};
    for (size_t i = 0; i < n_own; i++) {
        if (list.len + strlen(names[i]) > MAX_HINT - 100) {
            ql_buf_printf(&list, " and %zu more", n_own - i);
            break;
        }
        ql_buf_printf(&list, "%s%s", list.len != 0 ? ", " : "", names[i]);
    }
    const char *nearest = ql_str_nearest(name, names, n);
    if (nearest != NULL) {
        ql_err_hint(err, "did you mean '%s'? there are %s", nearest, ql_buf_text(&list));
    } else {
        ql_err_hint(err, "there are %s%s", ql_buf_text(&list), n_own != n ? ", and interval_seconds" : "");
    }
    ql_buf_fini(&list);
    ql_mem_free(names);
    ql_arena_fini(&arena);
}

enum ql_status ql_plan_new(const struct ql_plan_request *request, struct ql_plan **plan, struct ql_err *err) {
    struct ql_plan *made = ql_mem_zalloc(1, sizeof *made);
    made->table = ql_profile_table_of(request->profile, request->source);
    enum ql_status status = QL_OK;
    if (made->table == NULL) {
        status = QL_FAIL(err, QL_E_CONFIG,
                         "the profile goes with CSV exports only: it averages averages, which this source has none of");
        ql_err_hint(err, "leave --profile out, or say --source exports");
    }
    if (status == QL_OK) {
        status = ql_plan_define_metrics(made, request, err);
    }
    if (status == QL_OK) {
        status = ql_plan_choose_written(made, request, err);
    }
    if (status == QL_OK) {
        status = ql_plan_define_kpis(made, request, err);
    }
    if (status != QL_OK) {
        ql_plan_free(made);
        return status;
    }
    ql_plan_choose_columns(made);
    *plan = made;
    return QL_OK;
}

void ql_plan_free(struct ql_plan *plan) {
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->n_kpis; i++) {
        ql_expr_fini(&plan->kpis[i].expr);
        ql_expr_fini(&plan->kpis[i].otherwise);
    }
    ql_mem_free(plan->metrics);
    ql_mem_free(plan->written);
    ql_mem_free(plan->kpis);
    ql_mem_free(plan->columns);
    ql_mem_free(plan->aggregates);
    ql_mem_free(plan->cell_defs);
    ql_mem_free(plan);
}

const struct ql_rows_metric *ql_plan_columns(const struct ql_plan *plan, size_t *n) {
    *n = plan->n_columns;
    return plan->columns;
}

static bool is_metric_present(const struct ql_plan_metric *metric, const bool *is_present) {
    return is_present[metric->column] && (metric->weight == QL_NO_COLUMN || is_present[metric->weight]);
}

static enum ql_status fail_absent(const struct ql_plan *plan, const struct ql_plan_metric *metric, const bool *is_present,
                                  struct ql_err *err) {
    size_t column = is_present[metric->column] ? metric->weight : metric->column;
    struct ql_str name = plan->columns[column].name;
    return QL_FAIL(err, QL_E_NO_COLUMN, "column '%.*s' is missing, which metric '%.*s' needs", QL_STR_ARG(name),
                   QL_STR_ARG(metric->name));
}

static void add_aggregate(struct ql_plan *plan, struct ql_plan_metric *metric, bool is_hidden) {
    metric->position = plan->n_aggregates;
    plan->aggregates[plan->n_aggregates++] = (struct ql_aggregate){.name = metric->name,
                                                                   .column = metric->column,
                                                                   .weight = metric->weight,
                                                                   .agg = metric->agg,
                                                                   .type = metric->type,
                                                                   .is_hidden = is_hidden};
}

/* The metrics that are written, in their order. */
static enum ql_status resolve_written(struct ql_plan *plan, const bool *is_present, struct ql_buf *left_out,
                                      struct ql_err *err) {
    for (size_t i = 0; i < plan->n_written; i++) {
        struct ql_plan_metric *metric = &plan->metrics[plan->written[i]];
        if (is_metric_present(metric, is_present)) {
            add_aggregate(plan, metric, false);
            continue;
        }
        if (metric->is_asked || metric->builtin->is_needed) {
            return fail_absent(plan, metric, is_present, err);
        }
        if (!metric->builtin->is_silent && left_out != NULL) {
            ql_buf_printf(left_out, "%s%.*s", left_out->len != 0 ? ", " : "", QL_STR_ARG(metric->name));
        }
    }
    return QL_OK;
}

/* What only KPIs and checks need: read, not written. */
static enum ql_status resolve_hidden(struct ql_plan *plan, const bool *is_present, struct ql_err *err) {
    for (size_t i = 0; i < plan->n_metrics; i++) {
        struct ql_plan_metric *metric = &plan->metrics[i];
        if (metric->builtin != NULL && metric->builtin->is_needed && metric->position == QL_PLAN_NOWHERE) {
            if (!is_metric_present(metric, is_present)) {
                return fail_absent(plan, metric, is_present, err);
            }
            add_aggregate(plan, metric, true);
        }
    }
    for (size_t k = 0; k < plan->n_kpis; k++) {
        struct ql_plan_kpi *kpi = &plan->kpis[k];
        kpi->is_approximate = kpi->needs != QL_PLAN_NOWHERE && !is_metric_present(&plan->metrics[kpi->needs], is_present);
        const struct ql_expr *expr = ql_plan_kpi_expr(kpi);
        for (size_t s = 0; s < expr->n_steps; s++) {
            const struct ql_expr_step *step = &expr->steps[s];
            if (step->op != QL_EXPR_COLUMN || step->v.column >= plan->n_metrics) {
                continue;
            }
            struct ql_plan_metric *metric = &plan->metrics[step->v.column];
            if (!is_metric_present(metric, is_present)) {
                enum ql_status status = fail_absent(plan, metric, is_present, err);
                ql_plan_wrap(err, "kpi", kpi->name, kpi->def != NULL ? kpi->def->where : (struct ql_str){0});
                return status;
            }
            if (metric->position == QL_PLAN_NOWHERE) {
                add_aggregate(plan, metric, true);
            }
        }
    }
    return QL_OK;
}

static void define_cells(struct ql_plan *plan) {
    ql_mem_free(plan->cell_defs);
    plan->cell_defs = ql_mem_zalloc(plan->n_aggregates + plan->n_kpis, sizeof *plan->cell_defs);
    for (size_t i = 0; i < plan->n_aggregates; i++) {
        const struct ql_aggregate *aggregate = &plan->aggregates[i];
        plan->cell_defs[i] =
            (struct ql_cell_def){.name = aggregate->name, .type = aggregate->type, .is_hidden = aggregate->is_hidden};
    }
    for (size_t k = 0; k < plan->n_kpis; k++) {
        plan->cell_defs[plan->n_aggregates + k] =
            (struct ql_cell_def){.name = plan->kpis[k].name, .type = QL_CELL_DOUBLE, .is_kpi = true};
    }
}

enum ql_status ql_plan_resolve(struct ql_plan *plan, const bool *is_present, struct ql_buf *left_out, struct ql_err *err) {
    ql_mem_free(plan->aggregates);
    plan->aggregates = ql_mem_zalloc(plan->n_metrics, sizeof *plan->aggregates);
    plan->n_aggregates = 0;
    for (size_t i = 0; i < plan->n_metrics; i++) {
        plan->metrics[i].position = QL_PLAN_NOWHERE;
    }
    if (left_out != NULL) {
        ql_buf_reset(left_out);
    }
    QL_TRY(resolve_written(plan, is_present, left_out, err));
    QL_TRY(resolve_hidden(plan, is_present, err));
    define_cells(plan);
    return QL_OK;
}

const struct ql_aggregate *ql_plan_aggregates(const struct ql_plan *plan, size_t *n) {
    *n = plan->n_aggregates;
    return plan->aggregates;
}

const struct ql_cell_def *ql_plan_cell_defs(const struct ql_plan *plan, size_t *n) {
    *n = plan->n_aggregates + plan->n_kpis;
    return plan->cell_defs;
}

bool ql_plan_is_abandon_approximate(const struct ql_plan *plan) {
    size_t kpi = ql_plan_find_kpi(plan, QL_STR("abandon_rate"));
    return kpi != QL_PLAN_NOWHERE && plan->kpis[kpi].is_approximate;
}

static void put_idle(double idle, struct ql_buf *out) {
    if (idle != 0) {
        ql_buf_printf(out, ", idle %.17g", idle);
    }
}

void ql_plan_describe(const struct ql_plan *plan, struct ql_buf *out) {
    static const char *const AGGS[] = {[QL_AGG_SUM] = "sum", [QL_AGG_MEAN] = "mean",   [QL_AGG_MIN] = "min",
                                       [QL_AGG_MAX] = "max", [QL_AGG_COUNT] = "count", [QL_AGG_RATIO] = "sum"};
    for (size_t i = 0; i < plan->n_aggregates; i++) {
        const struct ql_aggregate *aggregate = &plan->aggregates[i];
        const struct ql_plan_metric *metric = &plan->metrics[ql_plan_find_metric(plan, aggregate->name)];
        bool is_ratio = metric->agg == QL_AGG_RATIO;
        ql_buf_printf(out, "%.*s = %s(%.*s", QL_STR_ARG(metric->name), AGGS[metric->agg],
                      QL_STR_ARG(plan->columns[metric->column].name));
        if (metric->weight != QL_NO_COLUMN) {
            ql_buf_printf(out, is_ratio ? ") / sum(%.*s" : ", weight %.*s", QL_STR_ARG(plan->columns[metric->weight].name));
        }
        ql_buf_puts(out, ")");
        put_idle(metric->idle, out);
        ql_buf_puts(out, aggregate->is_hidden ? ", not written\n" : "\n");
    }
    for (size_t i = 0; i < plan->n_kpis; i++) {
        const struct ql_plan_kpi *kpi = &plan->kpis[i];
        struct ql_str text = ql_str_trim(ql_plan_kpi_expr(kpi)->text);
        ql_buf_printf(out, "%.*s = ", QL_STR_ARG(kpi->name));
        for (size_t c = 0; c < text.len; c++) {
            ql_buf_putc(out, text.ptr[c] == '\n' || text.ptr[c] == '\r' || text.ptr[c] == '\t' ? ' ' : text.ptr[c]);
        }
        put_idle(kpi->idle, out);
        ql_buf_puts(out, "\n");
    }
}
