/**
 * What an artefact says about itself, and nothing that differs between two runs over equal data with equal settings
 * (docs/design/0004-footer-without-provenance.md): equal data are equal bytes.
 */
#include "queuelake/version.h"
#include "run/run_internal.h"
#include "json/json.h"

static void set_text(struct ql_json *object, const char *key, const char *text) {
    ql_json_set(object, key, ql_json_new_text(ql_str_from(text)));
}

/* The user's own: "Avg Talk -> avg_talk_seconds * 1 / 1000". */
static struct ql_json *aliases_json(const struct ql_run_options *options) {
    struct ql_json *list = ql_json_new_array();
    struct ql_buf line = {0};
    for (size_t i = 0; i < options->csv.n_aliases; i++) {
        const struct ql_csv_alias *alias = &options->csv.aliases[i];
        ql_buf_reset(&line);
        ql_buf_printf(&line, "%.*s -> %.*s", QL_STR_ARG(alias->from), QL_STR_ARG(alias->to));
        if (alias->multiply != alias->divide) {
            ql_buf_printf(&line, " * %lld / %lld", (long long)alias->multiply, (long long)alias->divide);
        }
        ql_json_add(list, ql_json_new_text(ql_buf_view(&line)));
    }
    ql_buf_fini(&line);
    return list;
}

struct ql_json *ql_run_settings_json(const struct ql_run_state *run) {
    const struct ql_run_options *options = run->options;
    struct ql_json *settings = ql_json_new_object();
    set_text(settings, "names", options->layout.names == QL_NAMES_RAW ? "raw" : "safe");
    set_text(settings, "empty", options->output.empty_is_null ? "null" : "zero");
    set_text(settings, "gaps", options->pivot.fills_gaps ? "fill" : "keep");
    set_text(settings, "cells", options->layout.has_all_cells ? "all" : "seen");
    ql_json_set(settings, "round",
                options->output.round_digits >= 0 ? ql_json_new_int(options->output.round_digits) : ql_json_new_null());
    if (options->layout.has_decimal_rates) {
        set_text(settings, "rates", "decimal");
    }
    ql_json_set(settings, "totals", ql_json_new_bool(options->pivot.has_totals));
    static const char *const OVERLAPS[] = {"fail", "sum", "last"};
    set_text(settings, "overlap", OVERLAPS[options->pivot.overlap]);
    static const char *const COLUMNS_BY[] = {"auto", "id", "name"};
    set_text(settings, "columns_by", COLUMNS_BY[options->columns_by]);
    ql_json_set(settings, "granularity_s",
                options->pivot.granularity_us != 0
                    ? ql_json_new_number((double)options->pivot.granularity_us / (double)QL_US_PER_S)
                    : ql_json_new_null());
    ql_json_set(settings, "csv_timezone", ql_json_new_text(options->csv_timezone));
    ql_json_set(settings, "decimal_comma", ql_json_new_bool(options->csv.decimal_comma));
    ql_json_set(settings, "aliases", aliases_json(options));
    return settings;
}

/* One line a metric or KPI: how it is computed. */
struct ql_json *ql_run_metrics_json(const struct ql_run_state *run) {
    struct ql_json *lines = ql_json_new_array();
    struct ql_buf text = {0};
    ql_plan_describe(run->plan, &text);
    struct ql_str rest = ql_buf_view(&text);
    while (rest.len != 0) {
        struct ql_str line = ql_str_split(rest, '\n', &rest);
        if (line.len != 0) {
            ql_json_add(lines, ql_json_new_text(line));
        }
    }
    ql_buf_fini(&text);
    return lines;
}

struct ql_json *ql_run_range_json(const struct ql_run_state *run) {
    const struct ql_run_options *options = run->options;
    struct ql_json *range = ql_json_new_object();
    int64_t from_us = options->from_us != QL_TIME_NONE ? options->from_us : run->summary->first_us;
    int64_t to_us = options->to_us != QL_TIME_NONE ? options->to_us : run->summary->last_us;
    ql_json_set(range, "from", ql_json_new_time(from_us));
    ql_json_set(range, "to", ql_json_new_time(to_us));
    return range;
}

static void set_provenance(const struct ql_run_state *run, struct ql_json *root) {
    struct ql_json *provenance = ql_json_new_object();
    set_text(provenance, "version", QUEUELAKE_VERSION);
    ql_json_set(provenance, "version_tag", ql_json_new_text(run->options->version_tag));
    ql_json_set(provenance, "source", ql_json_new_text(run->options->source_name));
    if (run->summary->export_id[0] != '\0') {
        set_text(provenance, "export_id", run->summary->export_id);
    }
    if (run->summary->source_sha256[0] != '\0') {
        set_text(provenance, "source_sha256", run->summary->source_sha256);
    }
    if (run->summary->extracted_us != QL_TIME_NONE) {
        ql_json_set(provenance, "extracted_at", ql_json_new_time(run->summary->extracted_us));
    }
    ql_json_set(provenance, "written_at", ql_json_new_time(ql_time_now()));
    ql_json_set(root, "provenance", provenance);
}

void ql_run_footer(const struct ql_run_state *run, const struct ql_layout_result *layout, struct ql_buf *json) {
    const struct ql_run_options *options = run->options;
    struct ql_json *root = ql_json_new_object();
    set_text(root, "format_version", QUEUELAKE_FORMAT_VERSION);
    set_text(root, "profile", options->plan.profile == QL_PROFILE_PANDAS ? "pandas" : "default");
    set_text(root, "layout", run->summary->layout);
    ql_json_set(root, "settings", ql_run_settings_json(run));
    ql_json_set(root, "range", ql_run_range_json(run));
    ql_json_set(root, "rows", ql_json_new_int(run->summary->n_rows));
    ql_json_set(root, "cells", ql_json_new_int(run->summary->n_cells));
    ql_json_set(root, "columns", ql_run_metrics_json(run));
    struct ql_json *queues = ql_json_new_object(); /* only those whose name was changed */
    struct ql_buf name = {0};
    for (size_t i = 0; i < layout->n_aliases; i++) {
        ql_buf_reset(&name);
        ql_buf_put_str(&name, layout->aliases[i].queue);
        ql_json_set(queues, ql_buf_text(&name), ql_json_new_text(layout->aliases[i].column_part));
    }
    ql_buf_fini(&name);
    ql_json_set(root, "queue_columns", queues);
    if (options->embeds_provenance) {
        set_provenance(run, root);
    }
    ql_json_write(root, false, json);
    ql_json_free(root);
}
