/*
 * `queuelake config`: every setting with its value and where that comes from, as YAML that can be read back (but for secrets)
 * or as JSON. Texts that could be taken for something else are quoted as JSON quotes, which YAML reads alike.
 */
#include "config/config_internal.h"

#include "base/unicode.h"

static const char *layer_name(enum ql_setting_layer layer) {
    static const char *const NAMES[] = {"default", "file", "environment", "flag"};
    return NAMES[layer];
}

static void put_quoted(struct ql_str text, struct ql_buf *out) {
    ql_buf_putc(out, '"');
    while (text.len != 0) {
        unsigned char c = (unsigned char)text.ptr[0];
        size_t used = 1;
        if (c == '"' || c == '\\') {
            ql_buf_printf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7F) {
            ql_buf_printf(out, "\\u%04x", c);
        } else if (c < 0x80) {
            ql_buf_putc(out, (char)c);
        } else {
            used = 4 < text.len ? 4 : text.len;
            while (used > 1 && ql_utf8_valid_len((struct ql_str){.ptr = text.ptr, .len = used}) != used) {
                used--;
            }
            if (ql_utf8_is_valid((struct ql_str){.ptr = text.ptr, .len = used})) {
                ql_buf_put(out, text.ptr, used);
            } else {
                ql_utf8_put(out, 0xFFFD);
            }
        }
        text.ptr += used;
        text.len -= used;
    }
    ql_buf_putc(out, '"');
}

/* Whether YAML reads it as this text, with quotes or without. */
static bool is_plain(struct ql_str text) {
    static const char *const WORDS[] = {"null", "true", "false", "yes", "no", "on", "off"};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (ql_str_eq_nocase(text, ql_str_from(WORDS[i]))) {
            return false;
        }
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/';
        if (!is_word && (i == 0 || (c != '.' && c != '-' && c != '+'))) {
            return false;
        }
    }
    return text.len != 0;
}

static void put_text(struct ql_str text, bool as_json, struct ql_buf *out) {
    if (!as_json && is_plain(text)) {
        ql_buf_put_str(out, text);
    } else {
        put_quoted(text, out);
    }
}

static void put_list(const struct ql_list *list, bool as_json, struct ql_buf *out) {
    ql_buf_putc(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        ql_buf_puts(out, i == 0 ? "" : ", ");
        put_text(list->items[i], as_json, out);
    }
    ql_buf_putc(out, ']');
}

static void put_value(const struct ql_settings *settings, enum ql_setting_id id, bool as_json, struct ql_buf *out) {
    const struct ql_setting *setting = ql_setting_get(id);
    if (!ql_setting_has_value(settings, id)) {
        ql_buf_puts(out, "null");
    } else if (setting->kind == QL_KIND_LIST || setting->kind == QL_KIND_PAIRS) {
        put_list((const struct ql_list *)(const void *)((const char *)settings + setting->offset), as_json, out);
    } else if (setting->kind == QL_KIND_INT || setting->kind == QL_KIND_BOOL) {
        ql_setting_format(settings, id, out);
    } else {
        struct ql_buf text = {0};
        ql_setting_format(settings, id, &text);
        put_text(ql_buf_view(&text), as_json, out);
        ql_buf_fini(&text);
    }
}

/* One entry of a user's map as a flow map; absent fields are left out. */
struct field {
    const char *name;
    struct ql_str value;
};

static void put_fields(const struct field *fields, size_t n, bool has_idle, double idle, bool as_json, struct ql_buf *out) {
    const char *separator = "";
    ql_buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (fields[i].value.len != 0) {
            ql_buf_printf(out, as_json ? "%s\"%s\": " : "%s%s: ", separator, fields[i].name);
            put_text(fields[i].value, as_json, out);
            separator = ", ";
        }
    }
    if (has_idle) {
        ql_buf_printf(out, as_json ? "%s\"idle\": %.17g" : "%sidle: %.17g", separator, idle);
    }
    ql_buf_putc(out, '}');
}

static void put_metric(const struct ql_setting_metric *metric, bool as_json, struct ql_buf *out) {
    const struct field fields[] = {
        {"column", metric->column}, {"agg", metric->agg}, {"weight", metric->weight}, {"type", metric->type}};
    put_fields(fields, sizeof fields / sizeof fields[0], metric->has_idle, metric->idle, as_json, out);
}

static void put_kpi(const struct ql_setting_kpi *kpi, bool as_json, struct ql_buf *out) {
    const struct field fields[] = {{"expression", kpi->expression}};
    put_fields(fields, 1, kpi->has_idle, kpi->idle, as_json, out);
}

static void put_alias(const struct ql_setting_alias *alias, bool as_json, struct ql_buf *out) {
    const struct field fields[] = {{"to", alias->to}};
    put_fields(fields, 1, false, 0, as_json, out);
    if (alias->multiply == 1 && alias->divide == 1) {
        return;
    }
    out->len--; /* the brace, to let the scale in */
    ql_buf_puts(out, as_json ? ", \"scale\": " : ", scale: ");
    if (alias->divide == 1) {
        ql_buf_printf(out, "%lld}", (long long)alias->multiply);
        return;
    }
    ql_buf_puts(out, "0.");
    for (int64_t power = alias->divide; power > 10; power /= 10) {
        ql_buf_putc(out, '0');
    }
    ql_buf_puts(out, "1}");
}

/* The three maps alike: a heading, then name, fields and where, whichever form. */
struct map {
    const char *name;
    const struct ql_settings *settings;
    size_t n;
};

static struct ql_str put_entry(const struct map *map, size_t i, bool as_json, struct ql_buf *out) {
    if (strcmp(map->name, "metrics") == 0) {
        put_metric(&map->settings->metric_defs[i], as_json, out);
        return map->settings->metric_defs[i].where;
    }
    if (strcmp(map->name, "kpis") == 0) {
        put_kpi(&map->settings->kpi_defs[i], as_json, out);
        return map->settings->kpi_defs[i].where;
    }
    put_alias(&map->settings->aliases[i], as_json, out);
    return map->settings->aliases[i].where;
}

static struct ql_str entry_name(const struct map *map, size_t i) {
    return strcmp(map->name, "metrics") == 0 ? map->settings->metric_defs[i].name
           : strcmp(map->name, "kpis") == 0  ? map->settings->kpi_defs[i].name
                                             : map->settings->aliases[i].from;
}

static void put_yaml_map(const struct map *map, struct ql_buf *out) {
    if (map->n == 0) {
        return;
    }
    /* A list and definitions cannot both stand under `metrics` in one file: the definitions become a comment. */
    const char *prefix = strcmp(map->name, "metrics") == 0 && map->settings->metrics.is_set ? "# " : "";
    ql_buf_printf(out, "%s%s:\n", prefix, map->name);
    for (size_t i = 0; i < map->n; i++) {
        ql_buf_printf(out, "%s  ", prefix);
        put_text(entry_name(map, i), false, out);
        ql_buf_puts(out, ": ");
        struct ql_str where = put_entry(map, i, false, out);
        ql_buf_printf(out, "   # from file %.*s\n", QL_STR_ARG(where));
    }
}

static void put_json_map(const struct map *map, struct ql_buf *out) {
    ql_buf_printf(out, ",\n  \"%s\": {", map->name);
    for (size_t i = 0; i < map->n; i++) {
        ql_buf_puts(out, i == 0 ? "\n    " : ",\n    ");
        put_quoted(entry_name(map, i), out);
        ql_buf_puts(out, ": {\"value\": ");
        struct ql_str where = put_entry(map, i, true, out);
        ql_buf_puts(out, ", \"from\": \"file\", \"where\": ");
        put_quoted(where, out);
        ql_buf_putc(out, '}');
    }
    ql_buf_puts(out, map->n == 0 ? "}" : "\n  }");
}

static void print_yaml(const struct ql_settings *settings, const struct map *maps, size_t n_maps, struct ql_buf *out) {
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        const struct ql_setting_origin *origin = &settings->origins[id];
        if (id == QL_SETTING_metrics && !settings->metrics.is_set && settings->n_metric_defs != 0) {
            continue; /* the definitions stand under the same key */
        }
        ql_buf_printf(out, "%s: ", ql_setting_get((enum ql_setting_id)id)->name);
        put_value(settings, (enum ql_setting_id)id, false, out);
        ql_buf_printf(out, "   # from %s%s%.*s\n", layer_name(origin->layer), origin->where.len != 0 ? " " : "",
                      QL_STR_ARG(origin->where));
    }
    for (size_t i = 0; i < n_maps; i++) {
        put_yaml_map(&maps[i], out);
    }
}

static void print_json(const struct ql_settings *settings, const struct map *maps, size_t n_maps, struct ql_buf *out) {
    ql_buf_puts(out, "{\n  \"schema_version\": 1,\n  \"file\": ");
    if (settings->config_path.len != 0) {
        put_quoted(settings->config_path, out);
    } else {
        ql_buf_puts(out, "null");
    }
    ql_buf_puts(out, ",\n  \"settings\": {");
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        const struct ql_setting_origin *origin = &settings->origins[id];
        ql_buf_printf(out, "%s\n    \"%s\": {\"value\": ", id == 0 ? "" : ",", ql_setting_get((enum ql_setting_id)id)->name);
        put_value(settings, (enum ql_setting_id)id, true, out);
        ql_buf_printf(out, ", \"from\": \"%s\", \"where\": ", layer_name(origin->layer));
        if (origin->where.len != 0) {
            put_quoted(origin->where, out);
        } else {
            ql_buf_puts(out, "null");
        }
        ql_buf_putc(out, '}');
    }
    ql_buf_puts(out, "\n  }");
    for (size_t i = 0; i < n_maps; i++) {
        put_json_map(&maps[i], out);
    }
    ql_buf_puts(out, "\n}\n");
}

void ql_settings_print(const struct ql_settings *settings, bool as_json, struct ql_buf *out) {
    const struct map maps[] = {{"metrics", settings, settings->n_metric_defs},
                               {"kpis", settings, settings->n_kpi_defs},
                               {"aliases", settings, settings->n_aliases}};
    if (as_json) {
        print_json(settings, maps, sizeof maps / sizeof maps[0], out);
    } else {
        print_yaml(settings, maps, sizeof maps / sizeof maps[0], out);
    }
}
