/** The pivot's parts → KPIs → layout → Parquet → store, row group after row group. Bytes go to the store as they are made; they
 * become visible at the last step only.
 */
#include "run/run_internal.h"

#include "base/parallel.h"

#include <stdatomic.h>

enum {
    MAX_TAGS = 16,
    AHEAD_MAX = 16 /* parts of the next row group: as much work as fills the wait for a last column, in some 8 MB */
};

static enum ql_status open_store(const struct ql_run_state *run, struct ql_str key, struct ql_store **store,
                                 struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    switch (options->destination.kind) {
    case QL_STORE_STDOUT:
        return ql_store_stdout_open(store, err);
    case QL_STORE_S3:
        return ql_store_s3_open(run->s3, options->destination.bucket, store, err);
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

/* The parts of the group, then its columns and, beside the last of them, some parts of the next group. */
static enum ql_status write_group(struct part_job *job, const struct ql_grid *grid, struct ql_err *err) {
    job->end = ql_layout_writer_group_end(job->layout, job->first);
    QL_TRY(ql_parallel_run(job->run->options->n_threads, job->end - job->first, make_part_of_group, job, err));
    QL_TRY(ql_run_check_cancelled(job->run, err));
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

static enum ql_status publish(struct ql_run_state *run, const struct ql_grid *grid, struct ql_err *err) {
    struct ql_buf key = {0};
    struct ql_store *store = NULL;
    struct ql_tag tags[MAX_TAGS];
    size_t n_tags = object_tags(run, tags);
    int64_t begun_ms = ql_time_monotonic_ms();
    enum ql_status status = ql_run_key(run, &key, err);
    if (status == QL_OK && run->options->destination.kind == QL_STORE_S3) {
        status = ql_tags_check(tags, n_tags, err);
    }
    if (status == QL_OK) {
        status = check_destination(run, ql_buf_view(&key), err);
    }
    if (status == QL_OK) {
        status = open_store(run, ql_buf_view(&key), &store, err);
    }
    if (status == QL_OK) {
        status = write_artefact(run, grid, store, err);
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
        ql_run_warn(run, "the input has a header but no %srows%s", summary->csv.bad_rows != 0 ? "good " : "",
                    grid->n_intervals == 0 ? "; the artefact has the schema alone" : "");
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
    if (run->options->layout.layout == QL_LAYOUT_TIDY) { /* has the name alone, unless ids tell queues apart */
        grid.has_queue_id = run->has_queue_id && run->options->columns_by == QL_COLUMNS_BY_ID;
    }
    return grid;
}

enum ql_status ql_run_write(struct ql_run_state *run, struct ql_err *err) {
    const struct ql_grid *of_pivot = NULL;
    int64_t begun_ms = ql_time_monotonic_ms();
    enum ql_status status = ql_pivot_close(run->pivot, &of_pivot, err);
    run->summary->transform_ms = ql_time_monotonic_ms() - begun_ms;
    if (status == QL_OK) {
        const struct ql_grid grid = grid_of(run, of_pivot);
        describe_grid(run, &grid);
        status = publish(run, &grid, err);
    }
    ql_pivot_get_stats(run->pivot, &run->summary->pivot);
    if (status == QL_OK) {
        warn_of_what_was_merged(run);
    }
    return status;
}
