/** The pivot's parts → KPIs → layout → Parquet → store, row group after row group. Bytes go to the store as they are made; they
 * become visible at the last step only.
 */
#include "run/run_internal.h"

#include "base/parallel.h"
#include "queuelake/version.h"

#include <stdatomic.h>

enum {
    MAX_METADATA = 8,
    AHEAD_MAX = 16 /* parts of the next row group: as much work as fills the wait for a last column, in some 8 MB */
};

enum ql_status ql_run_open_store(const struct ql_run_state *run, const struct ql_publication *publication,
                                 struct ql_store **store, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    switch (options->destination.kind) {
    case QL_STORE_STDOUT:
        return ql_store_stdout_open(store, err);
    case QL_STORE_S3:
        return ql_store_s3_open(run->s3, options->destination.bucket, publication, store, err);
    case QL_STORE_FILE:
    default:
        return ql_store_file_open(publication->key, true, store, err);
    }
}

static void put_tag(struct ql_tag *tags, size_t *n, const char *key, struct ql_str value) {
    tags[(*n)++] = (struct ql_tag){.key = ql_str_from(key), .value = value};
}

size_t ql_run_tags(const struct ql_run_state *run, struct ql_tag tags[QL_RUN_MAX_TAGS]) {
    const struct ql_run_options *options = run->options;
    size_t n = 0;
    put_tag(tags, &n, "Version", options->version_tag);
    if (run->summary->export_id[0] != '\0') {
        put_tag(tags, &n, "ExportId", ql_str_from(run->summary->export_id));
    }
    put_tag(tags, &n, "Format", QL_STR("parquet"));
    for (size_t i = 0; i < options->n_tags && n < QL_RUN_MAX_TAGS; i++) {
        tags[n++] = options->tags[i];
    }
    return n;
}

/* What an object says about itself beside its tags; the store adds the SHA-256. */
struct metadata {
    struct ql_tag items[MAX_METADATA];
    size_t n;
    char range[2 * QL_TIME_TEXT_SIZE];
};

static void fill_metadata(const struct ql_run_state *run, struct metadata *metadata) {
    const struct ql_run_options *options = run->options;
    const struct ql_run_summary *summary = run->summary;
    int64_t from_us = options->from_us != QL_TIME_NONE ? options->from_us : summary->first_us;
    int64_t to_us = options->to_us != QL_TIME_NONE ? options->to_us : summary->last_us;
    size_t n = 0;
    metadata->n = 0;
    put_tag(metadata->items, &metadata->n, "version", QL_STR(QUEUELAKE_VERSION));
    put_tag(metadata->items, &metadata->n, "profile",
            options->plan.profile == QL_PROFILE_PANDAS ? QL_STR("pandas") : QL_STR("default"));
    put_tag(metadata->items, &metadata->n, "source-sha256", ql_str_from(summary->source_sha256));
    if (from_us != QL_TIME_NONE && to_us != QL_TIME_NONE) { /* as ISO 8601 writes an interval */
        n = ql_time_format(from_us, metadata->range);
        metadata->range[n++] = '/';
        n += ql_time_format(to_us, metadata->range + n);
    }
    put_tag(metadata->items, &metadata->n, "range", (struct ql_str){.ptr = metadata->range, .len = n});
}

/* What makes the parts of a row group: each thread has cells and counts of its own. */
struct part_worker {
    struct ql_cells cells;
    struct ql_plan_stats stats;
    int64_t n_cells;
};

/* How making a part went that was made ahead of its turn. */
struct part_ahead {
    enum ql_status status;
    struct ql_err err;
};

struct part_job {
    const struct ql_run_state *run;
    struct ql_layout_writer *layout;
    size_t first, end;     /* parts of the row group */
    size_t n_ahead;        /* of them, those that were made while the group before was written */
    size_t n_next;         /* of the next group, those that may be made ahead */
    atomic_size_t n_begun; /* and that were begun, or more */
    struct part_ahead ahead[AHEAD_MAX];
    struct part_worker workers[QL_PARALLEL_MAX_THREADS];
};

static enum ql_status make_part(struct part_job *job, size_t worker_number, size_t part, struct ql_err *err) {
    struct part_worker *worker = &job->workers[worker_number];
    const struct ql_run_state *run = job->run;
    QL_TRY(ql_pivot_make_part(run->pivot, worker_number, part, &worker->cells, err));
    worker->n_cells += (int64_t)worker->cells.n_cells;
    QL_TRY(ql_plan_apply(run->plan, &worker->cells, &run->options->output, &worker->stats, err));
    return ql_layout_writer_pack(job->layout, part, &worker->cells, err);
}

static enum ql_status make_part_of_group(void *ctx, size_t worker_number, size_t task, struct ql_err *err) {
    struct part_job *job = ctx;
    if (task >= job->n_ahead) {
        return make_part(job, worker_number, job->first + task, err);
    }
    if (job->ahead[task].status != QL_OK && err != NULL) {
        *err = job->ahead[task].err;
    }
    return job->ahead[task].status;
}

static bool make_part_ahead(void *ctx, size_t worker_number) {
    struct part_job *job = ctx;
    size_t i = atomic_fetch_add(&job->n_begun, 1);
    if (i >= job->n_next) {
        return false;
    }
    job->ahead[i].status = make_part(job, worker_number, job->end + i, &job->ahead[i].err);
    return true;
}

/* The last part is made: its columns need the memory. */
static void rest(struct part_job *job) {
    ql_pivot_rest(job->run->pivot);
    for (size_t w = 0; w < QL_PARALLEL_MAX_THREADS; w++) {
        ql_cells_fini(&job->workers[w].cells);
    }
}

/* The parts of the group, then its columns and, beside the last of them, some parts of the next group. */
static enum ql_status write_group(struct part_job *job, const struct ql_grid *grid, struct ql_err *err) {
    job->end = ql_layout_writer_group_end(job->layout, job->first);
    QL_TRY(ql_parallel_run(job->run->options->n_threads, job->end - job->first, make_part_of_group, job, err));
    QL_TRY(ql_run_check_cancelled(job->run, err));
    if (job->end == grid->n_parts) {
        rest(job);
    }
    size_t n_next = job->end < grid->n_parts ? ql_layout_writer_group_end(job->layout, job->end) - job->end : 0;
    job->n_next = n_next < AHEAD_MAX ? n_next : AHEAD_MAX;
    atomic_store(&job->n_begun, 0);
    QL_TRY(ql_layout_writer_write_group(job->layout, job->first, job->end, err));
    size_t n_begun = atomic_load(&job->n_begun);
    job->n_ahead = n_begun < job->n_next ? n_begun : job->n_next;
    job->first = job->end;
    return QL_OK;
}

/* Row group after row group: its parts are made and packed, then its columns encoded; both on all threads. */
static enum ql_status write_groups(struct ql_run_state *run, const struct ql_grid *grid, struct ql_layout_writer *layout,
                                   struct ql_err *err) {
    struct part_job *job = ql_mem_zalloc(1, sizeof *job);
    job->run = run;
    job->layout = layout;
    enum ql_status status = QL_OK;
    ql_layout_writer_set_spare(layout, (struct ql_spare_work){.run = make_part_ahead, .ctx = job});
    while (job->first < grid->n_parts && status == QL_OK) {
        status = write_group(job, grid, err);
    }
    struct ql_run_summary *summary = run->summary;
    for (size_t w = 0; w < QL_PARALLEL_MAX_THREADS; w++) {
        struct part_worker *worker = &job->workers[w];
        summary->n_cells += worker->n_cells;
        summary->plan.answered_over_offered += worker->stats.answered_over_offered;
        summary->plan.approximations += worker->stats.approximations;
        summary->plan.nulls_filled += worker->stats.nulls_filled;
        ql_cells_fini(&worker->cells);
    }
    ql_mem_free(job);
    return status;
}

static void note_layout(struct ql_run_state *run, const struct ql_layout_writer *layout,
                        const struct ql_layout_result *result) {
    struct ql_run_summary *summary = run->summary;
    const struct ql_layout_options *options = &run->options->layout;
    summary->n_rows = ql_layout_writer_n_rows(layout);
    summary->n_columns = result->n_columns;
    summary->n_name_clashes = result->n_clashes;
    summary->n_case_clashes = result->n_case_clashes;
    if (options->layout == QL_LAYOUT_WIDE || options->has_all_cells) {
        summary->n_cells_filled = summary->n_intervals * summary->n_queues - summary->n_cells;
    }
}

static enum ql_status write_artefact(struct ql_run_state *run, const struct ql_grid *grid, struct ql_store *store,
                                     struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    struct ql_parquet_options parquet = options->parquet;
    parquet.n_threads = options->n_threads;
    parquet.cpu = options->csv.cpu;
    struct ql_parquet_writer *writer = ql_parquet_writer_new(&parquet, ql_store_sink(store));
    struct ql_column_sink columns = ql_parquet_writer_sink(writer);
    struct ql_layout_options layout_options = options->layout;
    layout_options.round_digits = options->output.round_digits;
    size_t n_defs;
    const struct ql_cell_def *defs = ql_plan_cell_defs(run->plan, &n_defs);
    struct ql_layout_result result = {0};
    struct ql_layout_writer *layout = NULL;
    struct ql_buf footer = {0};
    enum ql_status status = ql_layout_writer_new(grid, defs, n_defs, &layout_options, &columns, &result, &layout, err);
    if (status == QL_OK) {
        status = write_groups(run, grid, layout, err);
    }
    if (status == QL_OK) {
        note_layout(run, layout, &result);
        ql_run_footer(run, &result, &footer);
        const struct ql_key_value metadata = {.key = QL_STR("queuelake"), .value = ql_buf_view(&footer)};
        status = ql_parquet_writer_finish(writer, &metadata, 1, err);
    }
    ql_buf_fini(&footer);
    ql_layout_writer_free(layout);
    ql_layout_result_fini(&result);
    ql_parquet_writer_free(writer);
    return status;
}

/* It must be none of the inputs. */
static enum ql_status check_destination(const struct ql_run_state *run, struct ql_str key, struct ql_err *err) {
    const struct ql_destination *destination = &run->options->destination;
    struct ql_buf uri = {0};
    if (destination->kind == QL_STORE_FILE) {
        return ql_run_check_files_differ(run, key, err);
    }
    if (destination->kind == QL_STORE_S3) {
        ql_buf_printf(&uri, "s3://%.*s/", QL_STR_ARG(destination->bucket));
        ql_buf_put_str(&uri, key);
    }
    enum ql_status status = ql_run_check_files_differ(run, ql_buf_view(&uri), err);
    ql_buf_fini(&uri);
    return status;
}

static enum ql_status check_publication(const struct ql_run_state *run, const struct ql_publication *publication,
                                        struct ql_err *err) {
    if (run->options->destination.kind == QL_STORE_S3) {
        QL_TRY(ql_tags_check(publication->tags, publication->n_tags, err));
    }
    return check_destination(run, publication->key, err);
}

static enum ql_status publish(struct ql_run_state *run, const struct ql_grid *grid, struct ql_err *err) {
    struct ql_buf key = {0};
    struct ql_store *store = NULL;
    struct ql_tag tags[QL_RUN_MAX_TAGS];
    struct metadata metadata;
    size_t n_tags = ql_run_tags(run, tags);
    int64_t begun_ms = ql_time_monotonic_ms();
    fill_metadata(run, &metadata);
    enum ql_status status = ql_run_key(run, QL_KEY_NO_SHA256, &key, err);
    struct ql_publication publication = {.key = ql_buf_view(&key),
                                         .tags = tags,
                                         .n_tags = n_tags,
                                         .metadata = metadata.items,
                                         .n_metadata = metadata.n,
                                         .if_exists = run->options->if_exists};
    if (status == QL_OK) {
        status = check_publication(run, &publication, err);
    }
    if (ql_run_has_late_key(run)) {
        publication.key.len = 0;
    }
    if (status == QL_OK) {
        status = ql_run_open_store(run, &publication, &store, err);
    }
    if (status == QL_OK) {
        status = write_artefact(run, grid, store, err);
    }
    run->summary->transform_ms += ql_time_monotonic_ms() - begun_ms;
    if (status == QL_OK) { /* the name may have the artefact's hash */
        char sha256[QL_SHA256_HEX_SIZE];
        ql_store_get_sha256(store, sha256);
        ql_buf_reset(&key);
        status = ql_run_key(run, ql_str_from(sha256), &key, err);
        publication.key = ql_buf_view(&key);
    }
    if (status == QL_OK) {
        begun_ms = ql_time_monotonic_ms();
        status = ql_store_commit(store, &publication, &run->summary->stored, err);
        run->summary->store_ms = ql_time_monotonic_ms() - begun_ms;
    }
    ql_store_free(store);
    ql_buf_fini(&key);
    return status;
}

static void describe_grid(struct ql_run_state *run, const struct ql_grid *grid) {
    struct ql_run_summary *summary = run->summary;
    summary->n_intervals = (int64_t)grid->n_intervals;
    summary->n_queues = (int64_t)grid->n_queues;
    for (size_t i = 0; i < grid->n_intervals; i++) {
        const struct ql_interval *interval = &grid->intervals[i];
        if (summary->first_us == QL_TIME_NONE || interval->start_us < summary->first_us) {
            summary->first_us = interval->start_us;
        }
        if (summary->last_us == QL_TIME_NONE || interval->end_us > summary->last_us) {
            summary->last_us = interval->end_us;
        }
    }
    if (summary->csv.rows == 0) {
        ql_run_warn(
            run, "%s no %srows%s", run->options->source != QL_RUN_AGGREGATES ? "the input has a header but" : "the source has",
            summary->csv.bad_rows != 0 ? "good " : "", grid->n_intervals == 0 ? "; the artefact has the schema alone" : "");
    }
}

static void warn_of_what_was_merged(struct ql_run_state *run) {
    const struct ql_run_summary *summary = run->summary;
    if (summary->pivot.ids_merged_by_name != 0) {
        ql_run_warn(run, "%lld queue ids share a name with another and were merged; --columns-by id keeps them apart",
                    (long long)summary->pivot.ids_merged_by_name);
    }
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

/* What the pivot knows, with what only the header said: columns of an artefact without rows. */
static struct ql_grid grid_of(const struct ql_run_state *run, const struct ql_grid *of_pivot) {
    struct ql_grid grid = *of_pivot;
    grid.has_queue_id = run->has_queue_id;
    grid.has_media_type = run->has_media_type;
    if (run->options->layout.layout == QL_LAYOUT_TIDY) { /* has the name alone, unless ids tell queues apart */
        grid.has_queue_id = run->has_queue_id && run->options->columns_by == QL_COLUMNS_BY_ID;
    }
    return grid;
}

enum ql_status ql_run_write(struct ql_run_state *run, struct ql_err *err) {
    const struct ql_grid *of_pivot = NULL;
    int64_t begun_ms = ql_time_monotonic_ms();
    ql_pivot_name_inputs(run->pivot, run->inputs, run->n_inputs);
    enum ql_status status = ql_pivot_close(run->pivot, &of_pivot, err);
    run->summary->transform_ms = ql_time_monotonic_ms() - begun_ms;
    if (status == QL_OK) {
        const struct ql_grid grid = grid_of(run, of_pivot);
        describe_grid(run, &grid);
        status = publish(run, &grid, err);
    }
    ql_pivot_get_stats(run->pivot, &run->summary->pivot);
    if (status == QL_OK) {
        status = ql_run_write_manifest(run, err);
    }
    if (status == QL_OK) {
        status = ql_run_write_success_file(run, err);
    }
    if (status == QL_OK) {
        warn_of_what_was_merged(run);
        ql_run_warn_of_key(run);
    }
    return status;
}
