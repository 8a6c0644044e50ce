/**
 * The order of a run: check what can be refused early, read, aggregate, write, publish. Each step is a file of this folder;
 * here they are put in a row, and what they share is made and freed.
 */
#include "run/run.h"

#include "run/run_internal.h"

#include <stdarg.h>
#include <stdio.h>

void ql_run_warn(struct ql_run_state *run, const char *fmt, ...) {
    struct ql_run_summary *summary = run->summary;
    if (summary->n_warnings == QL_RUN_MAX_WARNINGS) {
        return;
    }
    char *text = summary->warnings[summary->n_warnings++];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof summary->warnings[0], fmt, args);
    va_end(args);
}

static bool reads_objects(const struct ql_run_options *options) {
    bool reads = false;
    for (size_t i = 0; options->source == QL_RUN_FILES && i < options->n_paths; i++) {
        reads = reads || ql_str_has_prefix(options->paths[i], "s3://");
    }
    return reads;
}

bool ql_run_needs_s3(const struct ql_run_options *options) {
    return reads_objects(options) || options->destination.kind == QL_STORE_S3;
}

static bool needs_http(const struct ql_run_options *options) {
    return ql_run_needs_s3(options) || options->source != QL_RUN_FILES;
}

/* calls_offered -> callsOffered: the names of the export contract. */
static struct ql_str api_name(struct ql_arena *arena, struct ql_str name) {
    char *out = ql_arena_alloc(arena, name.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '_' && i + 1 < name.len) {
            char c = name.ptr[++i];
            out[n++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        } else {
            out[n++] = name.ptr[i];
        }
    }
    return (struct ql_str){.ptr = out, .len = n};
}

static void on_warn(void *ctx, const char *text) {
    ql_run_warn(ctx, "%s", text);
}

/* By any thread, one at a time; they stay when an input is begun again, and are told at the end. */
static void on_s3_warning(void *ctx, const char *text) {
    struct ql_run_state *run = ctx;
    ql_buf_puts(&run->s3_warnings, text);
    ql_buf_putc(&run->s3_warnings, '\n');
}

enum ql_status ql_run_open_s3(struct ql_run_state *run, struct ql_err *err) {
    run->s3_options = run->options->s3;
    run->s3_options.on_warning = on_s3_warning;
    run->s3_options.on_warning_ctx = run;
    return ql_s3_client_new(run->http, &run->s3_options, &run->s3, err);
}

void ql_run_close_s3(struct ql_run_state *run) {
    ql_s3_client_free(run->s3);
    run->s3 = NULL;
    struct ql_str rest = ql_buf_view(&run->s3_warnings);
    while (rest.len != 0) {
        struct ql_str line = ql_str_split(rest, '\n', &rest);
        ql_run_warn(run, "%.*s", QL_STR_ARG(line));
    }
    ql_buf_fini(&run->s3_warnings);
}

static void open_genesys(struct ql_run_state *run) {
    const struct ql_run_options *options = run->options;
    struct ql_source_events events = options->events;
    events.warn = on_warn;
    events.warn_ctx = run;
    run->summary->extracted_us = ql_time_now();
    if (options->source == QL_RUN_AGGREGATES) {
        run->source = ql_source_aggregates_new(run->http, &options->aggregates, &events);
        return;
    }
    if (options->source == QL_RUN_REPORTING) {
        run->source = ql_source_reporting_new(run->http, &options->reporting, &events);
        return;
    }
    struct ql_exports_options exports = options->exports;
    if (options->wants_plan_metrics) {
        size_t n_columns;
        const struct ql_rows_metric *columns = ql_plan_columns(run->plan, &n_columns);
        run->export_metrics = ql_mem_zalloc(n_columns, sizeof *run->export_metrics);
        exports.n_metrics = 0;
        for (size_t i = 0; i < n_columns; i++) {
            if (columns[i].is_required) {
                run->export_metrics[exports.n_metrics++] = api_name(&run->arena, columns[i].name);
            }
        }
        exports.metrics = run->export_metrics;
    }
    run->source = ql_source_exports_new(run->http, &exports, &events);
}

static enum ql_status run_steps(struct ql_run_state *run, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    QL_TRY(ql_plan_new(&options->plan, &run->plan, err));
    if (needs_http(options)) {
        QL_TRY(ql_http_new(&options->http, &run->http, err));
    }
    if (ql_run_needs_s3(options)) {
        QL_TRY(ql_run_open_s3(run, err));
    }
    if (options->source == QL_RUN_FILES) {
        QL_TRY(ql_run_open_files(run, err));
    } else {
        open_genesys(run);
    }
    QL_TRY(ql_run_check(run, err));

    int64_t begun_ms = ql_time_monotonic_ms();
    enum ql_status status = ql_run_read(run, err);
    run->summary->source_ms = ql_time_monotonic_ms() - begun_ms;
    return status == QL_OK ? ql_run_write(run, err) : status;
}

const char *ql_run_layout_name(enum ql_layout layout) {
    static const char *const NAMES[] = {[QL_LAYOUT_WIDE] = "wide", [QL_LAYOUT_LONG] = "long", [QL_LAYOUT_TIDY] = "tidy"};
    return NAMES[layout];
}

enum ql_status ql_run(const struct ql_run_options *options, struct ql_run_summary *summary, struct ql_err *err) {
    *summary = (struct ql_run_summary){.extracted_us = QL_TIME_NONE,
                                       .first_us = QL_TIME_NONE,
                                       .last_us = QL_TIME_NONE,
                                       .layout = ql_run_layout_name(options->layout.layout)};
    struct ql_run_state run = {.options = options, .summary = summary, .begun_us = ql_time_now()};
    int64_t begun_ms = ql_time_monotonic_ms();

    enum ql_status status = run_steps(&run, err);

    summary->total_ms = ql_time_monotonic_ms() - begun_ms;
    if (run.http != NULL) {
        ql_http_get_stats(run.http, &summary->http);
    }
    if (run.source != NULL) {
        run.source->ops->free(run.source);
    }
    ql_csv_free(run.csv);
    ql_run_drop_held(&run);
    ql_pivot_free(run.pivot);
    ql_plan_free(run.plan);
    ql_store_free(run.quarantine);
    ql_sha256_free(run.source_hash);
    ql_run_close_s3(&run);
    ql_http_free(run.http);
    ql_mem_free(run.inputs);
    ql_mem_free(run.export_metrics);
    ql_arena_fini(&run.arena);
    return status;
}
