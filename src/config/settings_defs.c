/*
 * The maps of the YAML file whose keys users choose: metrics, KPIs, header aliases. Here their form is checked; what the names
 * and expressions in them mean is known to other rooms, which report with the `where` that is kept beside each.
 */
#include "config/config_internal.h"

#include <stdlib.h>

/* The fields that an entry may have; a field's value goes to the text of the same index. */
struct fields {
    const char *const *names;
    size_t n;
    const struct ql_yaml_node **values;
};

static struct ql_str where_of(struct ql_str path, const struct ql_yaml_node *node, struct ql_arena *arena) {
    struct ql_buf where = {0};
    ql_buf_printf(&where, "%.*s:%zu:%zu", QL_STR_ARG(path), node->line, node->column);
    struct ql_str kept = {.ptr = ql_arena_copy(arena, where.ptr, where.len), .len = where.len};
    ql_buf_fini(&where);
    return kept;
}

static enum ql_status check_map(struct ql_str path, const struct ql_yaml_node *node, const char *what, struct ql_err *err) {
    if (node->kind == QL_YAML_MAPPING) {
        return QL_OK;
    }
    return QL_YAML_FAIL(path, node, err, "%s", what);
}

static enum ql_status check_name(struct ql_str path, const struct ql_yaml_node *key, const char *what, struct ql_err *err) {
    if (key->text_len != 0 && strlen(key->text) == key->text_len) {
        return QL_OK;
    }
    return QL_YAML_FAIL(path, key, err, "%s needs a name", what);
}

/* Sorts an entry's fields; one that is null counts as absent. */
static enum ql_status read_fields(struct ql_str path, const struct ql_yaml_node *map, const struct fields *fields,
                                  struct ql_err *err) {
    for (size_t i = 0; i < map->n_items; i++) {
        const struct ql_yaml_node *key = map->items[i].key;
        const struct ql_yaml_node *value = map->items[i].value;
        size_t k = 0;
        while (k < fields->n && !ql_str_eq(ql_yaml_text(key), ql_str_from(fields->names[k]))) {
            k++;
        }
        if (k == fields->n) {
            (void)QL_YAML_FAIL(path, key, err, "unknown field '%.60s'", key->text);
            const char *nearest = ql_str_nearest(ql_yaml_text(key), fields->names, fields->n);
            if (nearest != NULL) {
                ql_err_hint(err, "did you mean '%s'?", nearest);
            } else {
                ql_err_hint(err, "the fields here are %s and the like; see docs/generated/settings.md", fields->names[0]);
            }
            return QL_E_CONFIG;
        }
        if (value->kind != QL_YAML_SCALAR) {
            return QL_YAML_FAIL(path, value, err, "'%s' must be a single value", fields->names[k]);
        }
        if (strlen(value->text) != value->text_len) {
            return QL_YAML_FAIL(path, value, err, "a control character stands in the value");
        }
        fields->values[k] = ql_yaml_is_null(value) ? NULL : value;
    }
    return QL_OK;
}

/* The tree lives in the settings' arena, as long as they do. */
static struct ql_str text_of(const struct ql_yaml_node *value) {
    return value != NULL ? ql_yaml_text(value) : (struct ql_str){0};
}

static enum ql_status check_choice(struct ql_str path, const struct ql_yaml_node *value, const char *const *names, size_t n,
                                   struct ql_err *err) {
    if (value == NULL) {
        return QL_OK;
    }
    struct ql_buf listed = {0};
    for (size_t i = 0; i < n; i++) {
        if (ql_str_eq(ql_yaml_text(value), ql_str_from(names[i]))) {
            ql_buf_fini(&listed);
            return QL_OK;
        }
        ql_buf_printf(&listed, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    (void)QL_YAML_FAIL(path, value, err, "'%.60s' is none of %s", value->text, listed.ptr);
    const char *nearest = ql_str_nearest(ql_yaml_text(value), names, n);
    if (nearest != NULL) {
        ql_err_hint(err, "did you mean '%s'?", nearest);
    } else {
        ql_err_hint(err, "write one of %s", listed.ptr);
    }
    ql_buf_fini(&listed);
    return QL_E_CONFIG;
}

/* A decimal number, finite; the program never sets a locale, so the point is a point. */
static enum ql_status read_idle(struct ql_str path, const struct ql_yaml_node *value, bool *has_idle, double *idle,
                                struct ql_err *err) {
    *has_idle = value != NULL;
    if (value == NULL) {
        return QL_OK;
    }
    char *end = NULL;
    *idle = strtod(value->text, &end);
    bool is_decimal = value->text_len != 0 && value->text[strspn(value->text, "+-.0123456789eE")] == '\0';
    bool is_finite = *idle - *idle == 0;
    if (!value->is_plain || !is_decimal || *end != '\0' || !is_finite) {
        (void)QL_YAML_FAIL(path, value, err, "'idle' must be a number");
        ql_err_hint(err, "write a decimal number without quotes, such as 0 or 100");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

static enum ql_status read_metric(struct ql_str path, const struct ql_yaml_node *key, const struct ql_yaml_node *map,
                                  struct ql_setting_metric *metric, struct ql_err *err) {
    enum { COLUMN, AGG, WEIGHT, TYPE, IDLE, N_FIELDS };
    static const char *const NAMES[N_FIELDS] = {"column", "agg", "weight", "type", "idle"};
    static const char *const AGGS[] = {"sum", "mean", "min", "max", "count", "ratio"};
    static const char *const TYPES[] = {"count", "number"};
    const struct ql_yaml_node *values[N_FIELDS] = {NULL};
    QL_TRY(check_name(path, key, "a metric", err));
    if (!ql_yaml_is_null(map)) { /* `name:` alone is a metric of that column */
        QL_TRY(check_map(path, map, "a metric must be a map, such as {column: calls_offered, agg: sum}", err));
        QL_TRY(read_fields(path, map, &(struct fields){.names = NAMES, .n = N_FIELDS, .values = values}, err));
    }
    QL_TRY(check_choice(path, values[AGG], AGGS, sizeof AGGS / sizeof AGGS[0], err));
    QL_TRY(check_choice(path, values[TYPE], TYPES, sizeof TYPES / sizeof TYPES[0], err));
    QL_TRY(read_idle(path, values[IDLE], &metric->has_idle, &metric->idle, err));
    metric->name = ql_yaml_text(key);
    metric->column = text_of(values[COLUMN]);
    metric->agg = text_of(values[AGG]);
    metric->weight = text_of(values[WEIGHT]);
    metric->type = text_of(values[TYPE]);
    return QL_OK;
}

enum ql_status ql_yaml_metrics(struct ql_str path, const struct ql_yaml_node *map, struct ql_settings *settings,
                               struct ql_err *err) {
    settings->metric_defs = ql_arena_alloc(&settings->arena, map->n_items * sizeof *settings->metric_defs);
    for (size_t i = 0; i < map->n_items; i++) {
        struct ql_setting_metric *metric = &settings->metric_defs[i];
        *metric = (struct ql_setting_metric){.where = where_of(path, map->items[i].key, &settings->arena)};
        QL_TRY(read_metric(path, map->items[i].key, map->items[i].value, metric, err));
    }
    settings->n_metric_defs = map->n_items;
    return QL_OK;
}

static enum ql_status read_kpi(struct ql_str path, const struct ql_yaml_node *key, const struct ql_yaml_node *value,
                               struct ql_settings *settings, struct ql_setting_kpi *kpi, struct ql_err *err) {
    enum { EXPRESSION, IDLE, N_FIELDS };
    static const char *const NAMES[N_FIELDS] = {"expression", "idle"};
    const struct ql_yaml_node *values[N_FIELDS] = {NULL};
    QL_TRY(check_name(path, key, "a KPI", err));
    if (value->kind == QL_YAML_SCALAR) {
        values[EXPRESSION] = value;
    } else {
        QL_TRY(check_map(path, value, "a KPI must be an expression or a map", err));
        QL_TRY(read_fields(path, value, &(struct fields){.names = NAMES, .n = N_FIELDS, .values = values}, err));
    }
    const struct ql_yaml_node *expression = values[EXPRESSION];
    if (expression == NULL || ql_yaml_is_null(expression) || strlen(expression->text) != expression->text_len ||
        expression->text_len == 0) {
        (void)QL_YAML_FAIL(path, key, err, "KPI '%.60s' has no expression", key->text);
        ql_err_hint(err, "write it like 'answer_rate: calls_answered / calls_offered'");
        return QL_E_CONFIG;
    }
    QL_TRY(read_idle(path, values[IDLE], &kpi->has_idle, &kpi->idle, err));
    kpi->name = ql_yaml_text(key);
    kpi->expression = ql_yaml_text(expression);
    kpi->where = where_of(path, expression, &settings->arena);
    return QL_OK;
}

enum ql_status ql_yaml_kpis(struct ql_str path, const struct ql_yaml_node *map, struct ql_settings *settings,
                            struct ql_err *err) {
    if (ql_yaml_is_null(map)) {
        return QL_OK;
    }
    QL_TRY(check_map(path, map, "'kpis' must be a map of names to expressions", err));
    settings->kpi_defs = ql_arena_alloc(&settings->arena, map->n_items * sizeof *settings->kpi_defs);
    for (size_t i = 0; i < map->n_items; i++) {
        settings->kpi_defs[i] = (struct ql_setting_kpi){0};
        QL_TRY(read_kpi(path, map->items[i].key, map->items[i].value, settings, &settings->kpi_defs[i], err));
    }
    settings->n_kpi_defs = map->n_items;
    return QL_OK;
}

/* A power of ten as a fraction of integers: 0.001, 100, 1e-3. */
static bool parse_scale(struct ql_str text, int64_t *multiply, int64_t *divide) {
    enum { POWER_MAX = 12 };
    struct ql_str mantissa = text;
    int64_t power = 0;
    size_t at = 0;
    while (at < text.len && text.ptr[at] != 'e' && text.ptr[at] != 'E') {
        at++;
    }
    if (at != text.len) {
        mantissa.len = at;
        if (!ql_str_to_i64((struct ql_str){.ptr = text.ptr + at + 1, .len = text.len - at - 1}, &power) || power < -POWER_MAX ||
            power > POWER_MAX) {
            return false;
        }
    }
    bool has_one = false;
    bool is_behind_point = false;
    for (size_t i = 0; i < mantissa.len; i++) {
        char c = mantissa.ptr[i];
        if ((c == '.' && is_behind_point) || (c == '1' && has_one) || (c != '.' && c != '0' && c != '1')) {
            return false;
        }
        is_behind_point = is_behind_point || c == '.';
        power += !is_behind_point && has_one && c == '0'; /* zeros before the point and behind the one */
        power -= is_behind_point && c != '.' && (!has_one || c == '1');
        has_one = has_one || c == '1';
    }
    if (!has_one || power < -POWER_MAX || power > POWER_MAX) {
        return false;
    }
    *multiply = *divide = 1;
    for (; power > 0; power--) {
        *multiply *= 10;
    }
    for (; power < 0; power++) {
        *divide *= 10;
    }
    return true;
}

static enum ql_status read_alias(struct ql_str path, const struct ql_yaml_node *key, const struct ql_yaml_node *value,
                                 struct ql_setting_alias *alias, struct ql_err *err) {
    enum { TO, SCALE, N_FIELDS };
    static const char *const NAMES[N_FIELDS] = {"to", "scale"};
    const struct ql_yaml_node *values[N_FIELDS] = {NULL};
    QL_TRY(check_name(path, key, "an alias", err));
    if (value->kind == QL_YAML_SCALAR) {
        values[TO] = ql_yaml_is_null(value) ? NULL : value;
    } else {
        QL_TRY(check_map(path, value, "an alias must be a column's name or a map", err));
        QL_TRY(read_fields(path, value, &(struct fields){.names = NAMES, .n = N_FIELDS, .values = values}, err));
    }
    if (values[TO] == NULL || values[TO]->text_len == 0 || strlen(values[TO]->text) != values[TO]->text_len) {
        (void)QL_YAML_FAIL(path, key, err, "alias '%.60s' names no column", key->text);
        ql_err_hint(err, "write it like 'Offered Calls: calls_offered'");
        return QL_E_CONFIG;
    }
    *alias = (struct ql_setting_alias){
        .from = ql_yaml_text(key), .to = ql_yaml_text(values[TO]), .multiply = 1, .divide = 1, .where = alias->where};
    if (values[SCALE] != NULL &&
        (!values[SCALE]->is_plain || !parse_scale(ql_yaml_text(values[SCALE]), &alias->multiply, &alias->divide))) {
        (void)QL_YAML_FAIL(path, values[SCALE], err, "'scale' must be a power of ten");
        ql_err_hint(err, "write 0.001 for milliseconds that become seconds, or 100 for ratios that become percent");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

enum ql_status ql_yaml_aliases(struct ql_str path, const struct ql_yaml_node *map, struct ql_settings *settings,
                               struct ql_err *err) {
    if (ql_yaml_is_null(map)) {
        return QL_OK;
    }
    QL_TRY(check_map(path, map, "'aliases' must be a map of header names to column names", err));
    settings->aliases = ql_arena_alloc(&settings->arena, map->n_items * sizeof *settings->aliases);
    for (size_t i = 0; i < map->n_items; i++) {
        struct ql_setting_alias *alias = &settings->aliases[i];
        *alias = (struct ql_setting_alias){.where = where_of(path, map->items[i].key, &settings->arena)};
        QL_TRY(read_alias(path, map->items[i].key, map->items[i].value, alias, err));
    }
    settings->n_aliases = map->n_items;
    return QL_OK;
}
