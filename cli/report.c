/** Errors and summaries, for people and as JSON. */
#include "cli/cli.h"
#include "json/json.h"

#include <stdio.h>

int ql_cli_exit_code(const struct ql_err *err) {
    if (err->status == QL_E_CANCELLED && ql_cli_signal != 0) {
        return 128 + (int)ql_cli_signal;
    }
    return ql_status_exit_code(err->status);
}

bool ql_cli_wants_json(int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

void ql_cli_error_print(const struct ql_err *err) {
    (void)fflush(stdout); /* what went before stands before, where both go to one place */
    (void)fprintf(stderr, "queuelake: %s\n", err->message);
    if (err->request_id[0] != '\0') {
        (void)fprintf(stderr, "  request id: %s\n", err->request_id);
    }
    const char *hint = ql_err_get_hint(err);
    if (hint[0] != '\0') {
        (void)fprintf(stderr, "  hint: %s\n", hint);
    }
}

static void set_text(struct ql_json *object, const char *key, const char *text) {
    ql_json_set(object, key, text[0] != '\0' ? ql_json_new_text(ql_str_from(text)) : ql_json_new_null());
}

static void set_int(struct ql_json *object, const char *key, int64_t value) {
    ql_json_set(object, key, ql_json_new_int(value));
}

static struct ql_json *error_json(const struct ql_err *err) {
    struct ql_json *error = ql_json_new_object();
    set_text(error, "code", ql_status_name(err->status));
    set_int(error, "exit_code", ql_cli_exit_code(err));
    set_text(error, "message", err->message);
    set_text(error, "hint", ql_err_get_hint(err));
    ql_json_set(error, "retryable", ql_json_new_bool(ql_status_is_retryable(err->status)));
    set_text(error, "request_id", err->request_id);
    if (err->http_status != 0) {
        set_int(error, "http_status", err->http_status);
    }
    if (err->row != 0) {
        set_int(error, "line", err->row);
        set_int(error, "byte_offset", err->byte_offset);
        set_text(error, "column", err->column);
    }
    return error;
}

struct ql_json *ql_cli_document_new(const char *command, const struct ql_err *err) {
    struct ql_json *root = ql_json_new_object();
    set_int(root, "schema_version", 1);
    set_text(root, "command", command);
    set_text(root, "status", err == NULL ? "ok" : "error");
    if (err != NULL) {
        ql_json_set(root, "error", error_json(err));
    }
    return root;
}

void ql_cli_document_print(struct ql_json *root) {
    struct ql_buf text = {0};
    ql_json_write(root, true, &text);
    (void)puts(ql_buf_text(&text));
    ql_buf_fini(&text);
    ql_json_free(root);
}

void ql_cli_error_print_json(const char *command, const struct ql_err *err) {
    ql_cli_document_print(ql_cli_document_new(command, err));
}

static const char *const OUTCOMES[] = {
    [QL_STORED_NEW] = "stored", [QL_STORED_UNCHANGED] = "unchanged", [QL_STORED_SKIPPED] = "skipped"};

static void set_artefact(struct ql_json *root, const struct ql_run_summary *summary) {
    struct ql_json *artefact = ql_json_new_object();
    set_text(artefact, "location", summary->stored.location);
    set_text(artefact, "manifest", summary->manifest);
    set_text(artefact, "success_file", summary->success_file);
    set_int(artefact, "bytes", summary->stored.bytes);
    set_text(artefact, "sha256", summary->stored.sha256);
    set_text(artefact, "outcome", OUTCOMES[summary->stored.how]);
    set_text(artefact, "layout", summary->layout);
    set_int(artefact, "rows", summary->n_rows);
    set_int(artefact, "columns", summary->n_columns);
    if (summary->stored.n_parts != 0) {
        set_int(artefact, "parts", summary->stored.n_parts);
    }
    set_text(artefact, "etag", summary->stored.etag);
    set_text(artefact, "version_id", summary->stored.version_id);
    set_text(artefact, "request_id", summary->stored.request_id);
    ql_json_set(root, "artefact", artefact);
}

static void set_counts(struct ql_json *root, const struct ql_run_summary *summary) {
    struct ql_json *input = ql_json_new_object();
    set_int(input, "inputs", summary->n_inputs);
    set_int(input, "bytes", summary->csv.bytes_in);
    set_int(input, "bytes_decoded", summary->csv.bytes_decoded);
    set_int(input, "rows", summary->csv.rows);
    set_int(input, "bad_rows", summary->csv.bad_rows);
    set_int(input, "missing_values", summary->csv.missing_values);
    set_int(input, "nan_values", summary->csv.nan_values);
    set_int(input, "ignored_columns", summary->csv.ignored_columns);
    set_text(input, "ignored_column_names", summary->ignored_columns);
    set_int(input, "duplicates_merged", summary->pivot.duplicates_merged);
    set_int(input, "ids_merged_by_name", summary->pivot.ids_merged_by_name);
    set_int(input, "ids_renamed", summary->pivot.ids_renamed);
    set_int(input, "restarts", summary->n_restarts);
    set_text(input, "export_id", summary->export_id);
    set_text(input, "sha256", summary->source_sha256);
    ql_json_set(input, "extracted_at", ql_json_new_time(summary->extracted_us));
    ql_json_set(root, "input", input);

    struct ql_json *table = ql_json_new_object();
    set_int(table, "intervals", summary->n_intervals);
    set_int(table, "intervals_filled", summary->pivot.intervals_filled);
    set_int(table, "bytes_spilled", summary->pivot.bytes_spilled);
    set_int(table, "queues", summary->n_queues);
    set_int(table, "cells", summary->n_cells);
    set_int(table, "cells_filled", summary->n_cells_filled);
    set_int(table, "nulls_filled", summary->plan.nulls_filled);
    set_int(table, "answered_over_offered", summary->plan.answered_over_offered);
    set_int(table, "approximations", summary->plan.approximations);
    set_text(table, "approximate_averages", summary->approximations);
    ql_json_set(table, "first_interval", ql_json_new_time(summary->first_us));
    ql_json_set(table, "last_interval_end", ql_json_new_time(summary->last_us));
    ql_json_set(root, "table", table);
}

static void set_effort(struct ql_json *root, const struct ql_run_summary *summary) {
    struct ql_json *effort = ql_json_new_object();
    set_int(effort, "source_ms", summary->source_ms);
    set_int(effort, "transform_ms", summary->transform_ms);
    set_int(effort, "store_ms", summary->store_ms);
    set_int(effort, "total_ms", summary->total_ms);
    set_int(effort, "requests", summary->http.requests);
    set_int(effort, "retries", summary->http.retries);
    set_int(effort, "bytes_sent", summary->http.bytes_sent);
    set_int(effort, "bytes_received", summary->http.bytes_received);
    ql_json_set(root, "effort", effort);
    struct ql_json *warnings = ql_json_new_array();
    for (int i = 0; i < summary->n_warnings; i++) {
        ql_json_add(warnings, ql_json_new_text(ql_str_from(summary->warnings[i])));
    }
    ql_json_set(root, "warnings", warnings);
}

static void print_time(const char *label, int64_t us) {
    char text[QL_TIME_TEXT_SIZE];
    if (us != QL_TIME_NONE) {
        (void)ql_time_format(us, text);
        text[16] = '\0'; /* to the minute */
        text[10] = ' ';
        (void)fprintf(stderr, "%s%s", label, text);
    }
}

/* "1,234,567" */
static const char *grouped(int64_t value, char out[32]) {
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value);
    char *p = out;
    for (int i = 0; i < n; i++) {
        *p++ = digits[i];
        int left = n - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-') {
            *p++ = ',';
        }
    }
    *p = '\0';
    return out;
}

static void print_count_line(const char *text, int64_t count) {
    char number[32];
    if (count != 0) {
        (void)fprintf(stderr, "  %s: %s\n", text, grouped(count, number));
    }
}

static const char *last_part(const char *location) {
    const char *slash = strrchr(location, '/');
    return slash != NULL ? slash + 1 : location;
}

static void print_beside(const struct ql_run_summary *summary) {
    const char *manifest = last_part(summary->manifest);
    const char *success_file = last_part(summary->success_file);
    if (manifest[0] != '\0' || success_file[0] != '\0') {
        bool has_both = manifest[0] != '\0' && success_file[0] != '\0';
        (void)fprintf(stderr, "  beside it: %s%s%s\n", manifest, has_both ? ", " : "", success_file);
    }
}

static void print_text(const struct ql_run_summary *summary) {
    char a[32];
    char b[32];
    char c[32];
    bool is_stdout = strcmp(summary->stored.location, "-") == 0;
    static const char *const DID[][2] = {
        [QL_STORED_NEW] = {"wrote ", ""},
        [QL_STORED_UNCHANGED] = {"wrote nothing: ", " has the same contents already"},
        [QL_STORED_SKIPPED] = {"wrote nothing: ", " exists already (--if-exists skip)"},
    };
    const char *const *did = DID[summary->stored.how];
    (void)fprintf(stderr, "%s%s%s\n", did[0], is_stdout ? "standard output" : summary->stored.location, did[1]);
    (void)fprintf(stderr, "  %s: %s rows x %s columns, %s bytes, sha256 %.12s\n", summary->layout, grouped(summary->n_rows, a),
                  grouped(summary->n_columns, b), grouped(summary->stored.bytes, c), summary->stored.sha256);
    print_beside(summary);
    (void)fprintf(stderr, "  from %s rows, %s bytes\n  %s intervals", grouped(summary->csv.rows, a),
                  grouped(summary->csv.bytes_in, b), grouped(summary->n_intervals, c));
    print_time(", ", summary->first_us);
    print_time(" to ", summary->last_us);
    (void)fprintf(stderr, "%s, %s queues, %s cells\n", summary->first_us != QL_TIME_NONE ? " UTC" : "",
                  grouped(summary->n_queues, a), grouped(summary->n_cells, b));
    if (summary->http.requests != 0) {
        bool has_id = summary->export_id[0] != '\0';
        (void)fprintf(stderr, "  %s%s%s%lld %s, %lld %s\n", has_id ? "export " : "", summary->export_id, has_id ? ", " : "",
                      (long long)summary->http.requests, summary->http.requests == 1 ? "request" : "requests",
                      (long long)summary->http.retries, summary->http.retries == 1 ? "retry" : "retries");
    }
    (void)fprintf(stderr, "  %.3f s: source %.3f, transform %.3f, store %.3f\n", (double)summary->total_ms / 1e3,
                  (double)summary->source_ms / 1e3, (double)summary->transform_ms / 1e3, (double)summary->store_ms / 1e3);
    print_count_line("bad rows left out", summary->csv.bad_rows);
    print_count_line("values missing", summary->csv.missing_values);
    print_count_line("of them NaN or infinite", summary->csv.nan_values);
    if (summary->csv.ignored_columns != 0) {
        (void)fprintf(stderr, "  columns not used: %s\n", summary->ignored_columns);
    }
    print_count_line("queue ids with several names (the latest counts)", summary->pivot.ids_renamed);
    print_count_line("rows merged into a cell already there", summary->pivot.duplicates_merged);
    print_count_line("intervals filled in", summary->pivot.intervals_filled);
    print_count_line("empty cells filled", summary->n_cells_filled);
    print_count_line("bytes that waited in a temporary file (--memory-limit)", summary->pivot.bytes_spilled);
    print_count_line("cells with more answered than offered", summary->plan.answered_over_offered);
    if (summary->approximations[0] != '\0') {
        (void)fprintf(stderr, "  weighted approximations, which --source aggregates has exactly: %s\n",
                      summary->approximations);
    }
    if (summary->is_abandon_approximate) {
        print_count_line("abandon rates that are 1 - answer_rate, because no column of abandoned calls was found",
                         summary->plan.approximations);
    }
}

void ql_cli_summary_print(const char *command, const struct ql_settings *settings, const struct ql_run_summary *summary,
                          const struct ql_err *err) {
    if (settings->json) {
        struct ql_json *root = ql_cli_document_new(command, err);
        if (err == NULL) {
            set_artefact(root, summary);
        }
        set_counts(root, summary);
        set_effort(root, summary);
        ql_cli_document_print(root);
        return;
    }
    for (int i = 0; i < summary->n_warnings; i++) {
        (void)fprintf(stderr, "queuelake: warning: %s\n", summary->warnings[i]);
    }
    if (err != NULL) {
        ql_cli_error_print(err);
    } else if (!settings->quiet) {
        print_text(summary);
    }
}
