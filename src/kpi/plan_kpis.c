/**
 * KPIs of a plan: the profile's, redefined where the user says so, then the user's own, in their order. Each may mention
 * metrics and earlier KPIs, so that one pass in order computes them all; a mention of itself or of a later one is an error that
 * shows the cycle, if it is one.
 */
#include "kpi/plan_internal.h"

#include "base/mem.h"

#include <math.h>

size_t ql_plan_find_kpi(const struct ql_plan *plan, struct ql_str name) {
    for (size_t i = 0; i < plan->n_kpis; i++) {
        if (ql_str_eq(plan->kpis[i].name, name)) {
            return i;
        }
    }
    return QL_PLAN_NOWHERE;
}

static struct ql_str where_of(const struct ql_plan_kpi *kpi) {
    return kpi->def != NULL ? kpi->def->where : (struct ql_str){0};
}

static enum ql_status parse_into(const struct ql_plan_kpi *kpi, struct ql_str text, struct ql_expr *expr, struct ql_err *err) {
    enum ql_status status = ql_expr_parse(text, expr, err);
    if (status != QL_OK) {
        ql_plan_wrap(err, "kpi", kpi->name, where_of(kpi));
    }
    return status;
}

static enum ql_status add_builtin(struct ql_plan *plan, const struct ql_builtin_kpi *builtin, struct ql_err *err) {
    struct ql_plan_kpi *kpi = &plan->kpis[plan->n_kpis++];
    *kpi = (struct ql_plan_kpi){.name = ql_str_from(builtin->name), .builtin = builtin, .needs = QL_PLAN_NOWHERE};
    QL_TRY(parse_into(kpi, ql_str_from(builtin->expression), &kpi->expr, err));
    if (builtin->otherwise != NULL) {
        kpi->needs = ql_plan_find_metric(plan, ql_str_from(builtin->needs));
        QL_TRY(parse_into(kpi, ql_str_from(builtin->otherwise), &kpi->otherwise, err));
    }
    return QL_OK;
}

/* A name that a metric or another KPI has, in any case: engines compare column names without it. */
static enum ql_status check_is_free(const struct ql_plan *plan, struct ql_str name, size_t at, struct ql_err *err) {
    for (size_t i = 0; i < plan->n_metrics; i++) {
        if (ql_str_eq_nocase(plan->metrics[i].name, name)) {
            return QL_FAIL(err, QL_E_CONFIG, "there is a metric '%.*s' already", QL_STR_ARG(plan->metrics[i].name));
        }
    }
    for (size_t i = 0; i < plan->n_kpis; i++) {
        if (ql_str_eq_nocase(plan->kpis[i].name, name) && (i != at || plan->kpis[i].def != NULL)) {
            return QL_FAIL(err, QL_E_CONFIG, "there is a kpi '%.*s' already", QL_STR_ARG(plan->kpis[i].name));
        }
    }
    return QL_OK;
}

static enum ql_status add_def(struct ql_plan *plan, const struct ql_kpi_def *def, struct ql_err *err) {
    QL_TRY(ql_plan_check_name("kpi", def->name, def->where, err));
    size_t at = ql_plan_find_kpi(plan, def->name);
    enum ql_status status = check_is_free(plan, def->name, at, err);
    if (status == QL_OK && def->has_idle && !isfinite(def->idle)) {
        status = QL_FAIL(err, QL_E_CONFIG, "'idle' is not a finite number");
    }
    if (status != QL_OK) {
        ql_plan_wrap(err, "kpi", def->name, def->where);
        return status;
    }
    if (at == QL_PLAN_NOWHERE) {
        at = plan->n_kpis++;
    }
    struct ql_plan_kpi *kpi = &plan->kpis[at];
    ql_expr_fini(&kpi->expr);
    ql_expr_fini(&kpi->otherwise);
    *kpi = (struct ql_plan_kpi){.name = def->name, .def = def, .idle = def->has_idle ? def->idle : 0, .needs = QL_PLAN_NOWHERE};
    return parse_into(kpi, def->expression, &kpi->expr, err);
}

/*
 * Breadth first over the KPIs that `from` mentions, directly or through others: before[k] is the KPI through which k was
 * reached. True if `to` was.
 */
static bool find_way(const struct ql_plan *plan, size_t from, size_t to, size_t *before) {
    size_t *queue = ql_mem_zalloc(plan->n_kpis, sizeof *queue);
    for (size_t i = 0; i < plan->n_kpis; i++) {
        before[i] = QL_PLAN_NOWHERE;
    }
    size_t head = 0;
    size_t tail = 0;
    queue[tail++] = from;
    before[from] = from;
    while (head < tail && before[to] == QL_PLAN_NOWHERE) {
        size_t k = queue[head++];
        const struct ql_expr *expr = &plan->kpis[k].expr;
        for (size_t s = 0; s < expr->n_steps; s++) {
            if (expr->steps[s].op != QL_EXPR_NAME) {
                continue; /* those before the KPI in error are bound: they mention earlier ones only */
            }
            size_t next = ql_plan_find_kpi(plan, ql_expr_name_at(expr, &expr->steps[s]));
            if (next != QL_PLAN_NOWHERE && before[next] == QL_PLAN_NOWHERE) {
                before[next] = k;
                queue[tail++] = next;
            }
        }
    }
    ql_mem_free(queue);
    return before[to] != QL_PLAN_NOWHERE;
}

/* `kpi` mentions `other`, which is itself or comes later. */
static enum ql_status fail_order(const struct ql_plan *plan, size_t kpi, size_t other, size_t at, struct ql_err *err) {
    struct ql_str text = plan->kpis[kpi].expr.text;
    size_t *before = ql_mem_zalloc(plan->n_kpis, sizeof *before);
    if (find_way(plan, other, kpi, before)) {
        /* The way goes other ... kpi; it is told from its end, so collect it first. */
        size_t *way = ql_mem_zalloc(plan->n_kpis + 1, sizeof *way);
        size_t n = 0;
        for (size_t k = kpi; k != other; k = before[k]) {
            way[n++] = k;
        }
        way[n++] = other;
        struct ql_buf names = {0};
        ql_buf_put_str(&names, plan->kpis[kpi].name);
        while (n-- != 0) {
            ql_buf_puts(&names, " -> ");
            ql_buf_put_str(&names, plan->kpis[way[n]].name);
        }
        (void)ql_expr_fail(text, at, err, "a cycle, %.*s,", names.len > 200 ? 200 : (int)names.len, ql_buf_text(&names));
        ql_err_hint(err, "a KPI is computed from metrics and from KPIs before it");
        ql_buf_fini(&names);
        ql_mem_free(way);
    } else {
        (void)ql_expr_fail(text, at, err, "'%.*s' is defined further down; mentioned", QL_STR_ARG(plan->kpis[other].name));
        ql_err_hint(err, "put '%.*s' before '%.*s'", QL_STR_ARG(plan->kpis[other].name), QL_STR_ARG(plan->kpis[kpi].name));
    }
    ql_mem_free(before);
    return QL_E_CONFIG;
}

static enum ql_status bind_name(const struct ql_plan *plan, size_t kpi, const struct ql_expr *expr, struct ql_expr_step *step,
                                struct ql_err *err) {
    struct ql_str name = ql_expr_name_at(expr, step);
    size_t found = ql_plan_find_metric(plan, name);
    if (found != QL_PLAN_NOWHERE) {
        step->op = QL_EXPR_COLUMN;
        step->v.column = found;
        return QL_OK;
    }
    if (ql_str_eq(name, QL_STR("interval_seconds"))) {
        step->op = QL_EXPR_INTERVAL_SECONDS;
        return QL_OK;
    }
    found = ql_plan_find_kpi(plan, name);
    if (found == QL_PLAN_NOWHERE) {
        struct ql_str shown = {.ptr = name.ptr, .len = name.len > 100 ? 100 : name.len};
        (void)ql_expr_fail(expr->text, step->at, err, "unknown name '%.*s'", QL_STR_ARG(shown));
        ql_plan_hint_names(plan, name, kpi, err);
        return QL_E_CONFIG;
    }
    if (found >= kpi) {
        return fail_order(plan, kpi, found, step->at, err);
    }
    step->op = QL_EXPR_COLUMN;
    step->v.column = plan->n_metrics + found;
    return QL_OK;
}

static enum ql_status bind_expr(const struct ql_plan *plan, size_t kpi, struct ql_expr *expr, struct ql_err *err) {
    for (size_t s = 0; s < expr->n_steps; s++) {
        if (expr->steps[s].op == QL_EXPR_NAME) {
            enum ql_status status = bind_name(plan, kpi, expr, &expr->steps[s], err);
            if (status != QL_OK) {
                ql_plan_wrap(err, "kpi", plan->kpis[kpi].name, where_of(&plan->kpis[kpi]));
                return status;
            }
        }
    }
    return QL_OK;
}

enum ql_status ql_plan_define_kpis(struct ql_plan *plan, const struct ql_plan_request *request, struct ql_err *err) {
    const struct ql_profile_table *table = plan->table;
    if (request->n_kpi_defs > QL_PLAN_MAX_DEFS) {
        return QL_FAIL(err, QL_E_CONFIG, "%zu kpis are defined, where %d is the limit", request->n_kpi_defs, QL_PLAN_MAX_DEFS);
    }
    plan->kpis = ql_mem_zalloc(table->n_kpis + request->n_kpi_defs, sizeof *plan->kpis);
    for (size_t i = 0; i < table->n_kpis; i++) {
        QL_TRY(add_builtin(plan, &table->kpis[i], err));
    }
    for (size_t i = 0; i < request->n_kpi_defs; i++) {
        QL_TRY(add_def(plan, &request->kpi_defs[i], err));
    }
    for (size_t i = 0; i < plan->n_kpis; i++) {
        QL_TRY(bind_expr(plan, i, &plan->kpis[i].expr, err));
        QL_TRY(bind_expr(plan, i, &plan->kpis[i].otherwise, err));
    }
    return QL_OK;
}
