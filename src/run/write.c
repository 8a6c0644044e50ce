/** Cells → KPIs → layout → Parquet → store. Bytes go to the store as they are made; they become visible at the last step only.
 */
#include "run/run_internal.h"

enum { MAX_TAGS = 16 };

static enum ql_status open_store(const struct ql_run_state *run, struct ql_str key, struct ql_store **store,
                                 struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    switch (options->destination.kind) {
    case QL_STORE_STDOUT:
        return ql_store_stdout_open(store, err);
    case QL_STORE_S3:
        return ql_store_s3_open(run->http, &options->s3, options->destination.bucket, store, err);
    case QL_STORE_FILE:
    default:
        return ql_store_file_open(key, true, store, err);
    }
}

static void put_tag(struct ql_tag *tags, size_t *n, const char *key, struct ql_str value) {
    tags[(*n)++] = (struct ql_tag){.key = ql_str_from(key), .value = value};
}

/* Version, ExportId (the real one, or none) and Format, then the user's. */
static size_t object_tags(const struct ql_run_state *run, struct ql_tag tags[MAX_TAGS]) {
    const struct ql_run_options *options = run->options;
    size_t n = 0;
    put_tag(tags, &n, "Version", options->version_tag);
    if (run->summary->export_id[0] != '\0') {
        put_tag(tags, &n, "ExportId", ql_str_from(run->summary->export_id));
    }
    put_tag(tags, &n, "Format", QL_STR("parquet"));
    for (size_t i = 0; i < options->n_tags && n < MAX_TAGS; i++) {
        tags[n++] = options->tags[i];
    }
    return n;
}

static enum ql_status write_artefact(struct ql_run_state *run, const struct ql_cells *cells, struct ql_store *store,
                                     struct ql_err *err) {
    struct ql_parquet_options parquet = run->options->parquet;
    parquet.n_threads = run->options->n_threads;
    struct ql_parquet_writer *writer = ql_parquet_writer_new(&parquet, ql_store_sink(store));
    struct ql_column_sink columns = ql_parquet_writer_sink(writer);
    struct ql_layout_options layout = run->options->layout;
    layout.empty_is_null = run->options->output.empty_is_null;
    struct ql_layout_result result = {0};
    struct ql_buf footer = {0};
    enum ql_status status = ql_layout_write(cells, &layout, &columns, &result, err);
    if (status == QL_OK) {
        run->summary->n_rows = result.n_rows;
        run->summary->n_columns = result.n_columns;
        run->summary->n_name_clashes = result.n_clashes;
        run->summary->n_case_clashes = result.n_case_clashes;
        ql_run_footer(run, cells, &result, &footer);
        const struct ql_key_value metadata = {.key = QL_STR("queuelake"), .value = ql_buf_view(&footer)};
        status = ql_parquet_writer_finish(writer, &metadata, 1, err);
    }
    ql_buf_fini(&footer);
    ql_layout_result_fini(&result);
    ql_parquet_writer_free(writer);
    return status;
}

static enum ql_status publish(struct ql_run_state *run, const struct ql_cells *cells, struct ql_err *err) {
    struct ql_buf key = {0};
    struct ql_store *store = NULL;
    struct ql_tag tags[MAX_TAGS];
    size_t n_tags = object_tags(run, tags);
    int64_t begun_ms = ql_time_monotonic_ms();
    enum ql_status status = ql_run_key(run, &key, err);
    if (status == QL_OK && run->options->destination.kind == QL_STORE_S3) {
        status = ql_tags_check(tags, n_tags, err);
    }
    if (status == QL_OK && run->options->destination.kind == QL_STORE_FILE) {
        status = ql_run_check_files_differ(run, ql_buf_view(&key), err);
    }
    if (status == QL_OK) {
        status = open_store(run, ql_buf_view(&key), &store, err);
    }
    if (status == QL_OK) {
        status = write_artefact(run, cells, store, err);
    }
    run->summary->transform_ms += ql_time_monotonic_ms() - begun_ms;
    if (status == QL_OK) {
        begun_ms = ql_time_monotonic_ms();
        const struct ql_publication publication = {.key = ql_buf_view(&key), .tags = tags, .n_tags = n_tags};
        status = ql_store_commit(store, &publication, &run->summary->stored, err);
        run->summary->store_ms = ql_time_monotonic_ms() - begun_ms;
    }
    ql_store_free(store);
    ql_buf_fini(&key);
    return status;
}

static void describe_cells(struct ql_run_state *run, const struct ql_cells *cells) {
    struct ql_run_summary *summary = run->summary;
    summary->n_intervals = (int64_t)cells->n_intervals;
    summary->n_queues = (int64_t)cells->n_queues;
    summary->n_cells = (int64_t)cells->n_cells;
    if (run->options->layout.layout == QL_LAYOUT_WIDE || run->options->layout.has_all_cells) {
        summary->n_cells_filled = summary->n_intervals * summary->n_queues - summary->n_cells;
    }
    for (size_t i = 0; i < cells->n_intervals; i++) {
        const struct ql_interval *interval = &cells->intervals[i];
        if (summary->first_us == QL_TIME_NONE || interval->start_us < summary->first_us) {
            summary->first_us = interval->start_us;
        }
        if (summary->last_us == QL_TIME_NONE || interval->end_us > summary->last_us) {
            summary->last_us = interval->end_us;
        }
    }
    if (summary->csv.rows == 0) {
        ql_run_warn(run, "the input has a header but no %srows%s", summary->csv.bad_rows != 0 ? "good " : "",
                    cells->n_intervals == 0 ? "; the artefact has the schema alone" : "");
    }
    if (summary->pivot.ids_merged_by_name != 0) {
        ql_run_warn(run, "%lld queue ids share a name with another and were merged; --columns-by id keeps them apart",
                    (long long)summary->pivot.ids_merged_by_name);
    }
}

static void warn_of_names(struct ql_run_state *run) {
    const struct ql_run_summary *summary = run->summary;
    if (summary->n_name_clashes != 0) {
        ql_run_warn(run, "%lld queues would have shared a column name and got a hash of their own name or id behind it",
                    (long long)summary->n_name_clashes);
    }
    if (summary->n_case_clashes != 0) {
        ql_run_warn(
            run, "%lld columns differ from another in case only, which Spark, Athena and Glue do not take; --names safe helps",
            (long long)summary->n_case_clashes);
    }
}

enum ql_status ql_run_write(struct ql_run_state *run, struct ql_err *err) {
    struct ql_cells cells = {0};
    int64_t begun_ms = ql_time_monotonic_ms();
    enum ql_status status = ql_pivot_finish(run->pivot, &cells, err);
    ql_pivot_get_stats(run->pivot, &run->summary->pivot);
    if (status == QL_OK) {
        cells.has_queue_id = run->has_queue_id;
        describe_cells(run, &cells);
        struct ql_plan_output output = run->options->output;
        output.n_threads = run->options->n_threads;
        status = ql_plan_apply(run->plan, &cells, &output, &run->summary->plan, err);
    }
    run->summary->transform_ms = ql_time_monotonic_ms() - begun_ms;
    if (status == QL_OK) {
        status = publish(run, &cells, err);
    }
    if (status == QL_OK) {
        warn_of_names(run);
    }
    ql_cells_fini(&cells);
    return status;
}
