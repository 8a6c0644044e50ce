/**
 * --manifest: a small JSON document beside the artefact that says what it is, where it comes from and how it was made.
 *
 * Unlike the footer it may differ between two runs over equal data. It is written when the artefact is at its place, itself
 * whole or not at all; so a manifest whose sha256 is that of the artefact beside it speaks of that artefact. Its form is
 * docs/manifest.schema.json.
 */
#include "queuelake/version.h"
#include "run/run_internal.h"
#include "json/json.h"

static void set_text(struct ql_json *object, const char *key, struct ql_str text) {
    ql_json_set(object, key, text.len != 0 ? ql_json_new_text(text) : ql_json_new_null());
}

static void set_int(struct ql_json *object, const char *key, int64_t value) {
    ql_json_set(object, key, ql_json_new_int(value));
}

static struct ql_json *artefact_json(const struct ql_run_state *run) {
    const struct ql_run_summary *summary = run->summary;
    const struct ql_stored *stored = &summary->stored;
    struct ql_json *artefact = ql_json_new_object();
    set_text(artefact, "location", ql_str_from(stored->location));
    set_text(artefact, "format", QL_STR("parquet"));
    set_text(artefact, "format_version", QL_STR(QUEUELAKE_FORMAT_VERSION));
    set_int(artefact, "bytes", stored->bytes);
    set_text(artefact, "sha256", ql_str_from(stored->sha256));
    set_text(artefact, "etag", ql_str_from(stored->etag));
    set_text(artefact, "version_id", ql_str_from(stored->version_id));
    set_text(artefact, "server_side_encryption", ql_str_from(stored->server_side_encryption));
    set_text(artefact, "layout", ql_str_from(summary->layout));
    set_int(artefact, "rows", summary->n_rows);
    set_int(artefact, "columns", summary->n_columns);
    return artefact;
}

/* Paths as the user wrote them. */
static struct ql_json *source_json(const struct ql_run_state *run) {
    const struct ql_run_options *options = run->options;
    const struct ql_run_summary *summary = run->summary;
    struct ql_json *source = ql_json_new_object();
    struct ql_json *paths = ql_json_new_array();
    bool is_genesys = options->source != QL_RUN_FILES;
    set_text(source, "type", options->source_name);
    set_text(source, "environment", is_genesys ? options->genesys.environment : (struct ql_str){0});
    set_text(source, "org", options->org);
    set_text(source, "export_id", ql_str_from(summary->export_id));
    for (size_t i = 0; i < options->n_paths; i++) {
        ql_json_add(paths, ql_json_new_text(options->paths[i]));
    }
    ql_json_set(source, "paths", paths);
    set_int(source, "inputs", summary->n_inputs);
    set_int(source, "bytes", summary->csv.bytes_in);
    set_text(source, "sha256", ql_str_from(summary->source_sha256));
    return source;
}

static struct ql_json *counts_json(const struct ql_run_summary *summary) {
    struct ql_json *counts = ql_json_new_object();
    set_int(counts, "rows_read", summary->csv.rows);
    set_int(counts, "bad_rows", summary->csv.bad_rows);
    set_int(counts, "missing_values", summary->csv.missing_values);
    set_int(counts, "duplicates_merged", summary->pivot.duplicates_merged);
    set_int(counts, "intervals", summary->n_intervals);
    set_int(counts, "queues", summary->n_queues);
    set_int(counts, "cells", summary->n_cells);
    set_int(counts, "cells_filled", summary->n_cells_filled);
    return counts;
}

static void write_json(const struct ql_run_state *run, struct ql_buf *out) {
    struct ql_json *root = ql_json_new_object();
    struct ql_json *tool = ql_json_new_object();
    set_int(root, "manifest_version", 1);
    ql_json_set(root, "artefact", artefact_json(run));
    ql_json_set(root, "source", source_json(run));
    ql_json_set(root, "range", ql_run_range_json(run));
    ql_json_set(root, "counts", counts_json(run->summary));
    ql_json_set(root, "settings", ql_run_settings_json(run));
    ql_json_set(root, "metrics", ql_run_metrics_json(run));
    set_text(tool, "name", QL_STR("queuelake"));
    set_text(tool, "version", QL_STR(QUEUELAKE_VERSION));
    set_text(tool, "version_tag", run->options->version_tag);
    ql_json_set(root, "tool", tool);
    ql_json_set(root, "written_at", ql_json_new_time(ql_time_now()));
    ql_json_write(root, true, out);
    ql_buf_putc(out, '\n');
    ql_json_free(root);
}

void ql_run_put_manifest_path(struct ql_buf *path) {
    ql_buf_puts(path, ".manifest.json");
}

enum ql_status ql_run_write_manifest(struct ql_run_state *run, struct ql_err *err) {
    bool is_of_another = run->summary->stored.how == QL_STORED_SKIPPED; /* what is there is not what this run made */
    if (!run->options->wants_manifest || is_of_another) {
        return QL_OK;
    }
    struct ql_buf path = {0};
    struct ql_buf json = {0};
    ql_run_put_stored_path(run, &path);
    ql_run_put_manifest_path(&path);
    write_json(run, &json);
    enum ql_status status =
        ql_run_store_beside(run, "manifest", ql_buf_view(&path), ql_buf_view(&json), run->summary->manifest, err);
    ql_buf_fini(&json);
    ql_buf_fini(&path);
    return status;
}
