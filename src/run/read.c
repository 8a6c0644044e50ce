/**
 * Source → csv → pivot. An input that breaks on its way is begun again by the source: then everything read so far is forgotten,
 * so that nothing half-read can be published.
 */
#include "run/run_internal.h"

#include <stdio.h>

enum ql_status ql_run_check_cancelled(const struct ql_run_state *run, struct ql_err *err) {
    if (run->options->is_cancelled != NULL && *run->options->is_cancelled != 0) {
        return QL_FAIL(err, QL_E_CANCELLED, "stopped by a signal");
    }
    return QL_OK;
}

static bool tells_queues_apart_by_id(const struct ql_run_options *options, bool has_queue_id) {
    switch (options->columns_by) {
    case QL_COLUMNS_BY_ID:
        return has_queue_id;
    case QL_COLUMNS_BY_NAME:
        return false;
    case QL_COLUMNS_BY_AUTO:
    default:
        return has_queue_id && options->layout.layout == QL_LAYOUT_LONG; /* tidy has the names alone */
    }
}

static void note_ignored(struct ql_run_summary *summary, const struct ql_csv_header *header) {
    size_t len = 0;
    summary->ignored_columns[0] = '\0';
    for (size_t i = 0; i < header->n_ignored; i++) {
        struct ql_str name = header->ignored[i];
        size_t room = sizeof summary->ignored_columns - len;
        int n = snprintf(summary->ignored_columns + len, room, "%s'%.*s'", i != 0 ? ", " : "", QL_STR_ARG(name));
        if (n < 0 || (size_t)n + sizeof " ..." > room) {
            (void)snprintf(summary->ignored_columns + len, room, " ...");
            return;
        }
        len += (size_t)n;
    }
}

/* The first header decides what is computed; csv holds later inputs to it. */
static enum ql_status on_header(void *ctx, const struct ql_csv_header *header, struct ql_err *err) {
    struct ql_run_state *run = ctx;
    const struct ql_run_options *options = run->options;
    if (run->pivot != NULL) {
        return QL_OK;
    }
    note_ignored(run->summary, header);
    struct ql_buf left_out = {0};
    enum ql_status status = ql_plan_resolve(run->plan, header->is_present, &left_out, err);
    if (status == QL_OK && left_out.len != 0) {
        ql_run_warn(run, "the input has no column for %s; left out", ql_buf_text(&left_out));
    }
    ql_buf_fini(&left_out);
    QL_TRY(status);
    if (options->columns_by == QL_COLUMNS_BY_ID && !header->has_queue_id) {
        return QL_FAIL(err, QL_E_NO_COLUMN, "the input has no queue id, which --columns-by id asks for");
    }
    struct ql_pivot_options pivot = options->pivot;
    pivot.aggregates = ql_plan_aggregates(run->plan, &pivot.n_aggregates);
    (void)ql_plan_columns(run->plan, &pivot.n_columns);
    pivot.by_id = tells_queues_apart_by_id(options, header->has_queue_id);
    if (options->layout.layout == QL_LAYOUT_WIDE) { /* in long they only decide which rows may come */
        pivot.queues = options->queues;
        pivot.n_queues = options->n_queues;
    }
    run->has_queue_id = header->has_queue_id;
    run->summary->is_abandon_approximate = ql_plan_is_abandon_approximate(run->plan);
    run->pivot = ql_pivot_new(&pivot);
    return QL_OK;
}

static enum ql_status on_pack(void *ctx, const struct ql_rows *rows, void **packed, struct ql_err *err) {
    const struct ql_run_state *run = ctx;
    struct ql_packed_rows *rows_of_pivot = NULL;
    enum ql_status status = ql_pivot_pack(run->pivot, rows, &rows_of_pivot, err);
    *packed = rows_of_pivot;
    return status;
}

static enum ql_status on_take(void *ctx, void *packed, struct ql_err *err) {
    const struct ql_run_state *run = ctx;
    return ql_pivot_take(run->pivot, packed, err);
}

static void on_drop(void *ctx, void *packed) {
    const struct ql_run_state *run = ctx;
    ql_pivot_drop(run->pivot, packed);
}

/* Anew for a first input and for one that is begun again. */
static enum ql_status reset_reader(struct ql_run_state *run, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    ql_csv_free(run->csv);
    ql_pivot_free(run->pivot);
    ql_store_free(run->quarantine);
    run->csv = NULL;
    run->pivot = NULL;
    run->quarantine = NULL;
    run->summary->n_warnings = 0;
    run->summary->n_inputs = 0;
    struct ql_csv_options csv = options->csv;
    csv.metrics = ql_plan_columns(run->plan, &csv.n_metrics);
    csv.queues = options->queues;
    csv.n_queues = options->n_queues;
    csv.wants_interval_text = options->pivot.by_interval_text;
    if (csv.on_bad_row == QL_BAD_ROW_QUARANTINE) {
        QL_TRY(ql_store_file_open(options->quarantine_path, true, &run->quarantine, err));
        csv.quarantine = ql_store_sink(run->quarantine);
    }
    csv.n_threads = options->n_threads;
    const struct ql_csv_sink sink = {.header = on_header, .pack = on_pack, .take = on_take, .drop = on_drop, .ctx = run};
    run->csv = ql_csv_new(&csv, &sink);
    if (options->wants_source_sha256) {
        ql_sha256_free(run->source_hash);
        run->source_hash = ql_sha256_new();
    }
    return QL_OK;
}

static enum ql_status on_begin(void *ctx, const struct ql_source_info *info, struct ql_err *err) {
    struct ql_run_state *run = ctx;
    if (run->csv == NULL || info->is_restart) {
        QL_TRY(reset_reader(run, err));
    }
    run->summary->n_inputs++;
    run->summary->n_restarts += info->is_restart;
    ql_csv_input_begin(run->csv, info->name, info->is_unsized);
    return QL_OK;
}

/* Where a source may read to, so that nothing is copied. */
static void *on_room(void *ctx, size_t *cap) {
    const struct ql_run_state *run = ctx;
    return ql_csv_room(run->csv, cap);
}

static enum ql_status on_bytes(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct ql_run_state *run = ctx;
    QL_TRY(ql_run_check_cancelled(run, err));
    if (run->source_hash != NULL) {
        ql_sha256_update(run->source_hash, ptr, len);
    }
    return ql_csv_feed(run->csv, ptr, len, err);
}

static enum ql_status on_end(void *ctx, struct ql_err *err) {
    struct ql_run_state *run = ctx;
    return ql_csv_input_end(run->csv, err);
}

/* Bad rows are kept where the user wants them, also when there were too many of them for a result. */
static enum ql_status keep_quarantine(struct ql_run_state *run, struct ql_err *err) {
    if (run->quarantine == NULL || run->summary->csv.bad_rows == 0) {
        return QL_OK;
    }
    struct ql_stored stored;
    const struct ql_publication publication = {0};
    QL_TRY(ql_store_commit(run->quarantine, &publication, &stored, err));
    ql_run_warn(run, "bad rows were put into '%s': %lld", stored.location, (long long)run->summary->csv.bad_rows);
    return QL_OK;
}

static void note_export_id(const struct ql_run_state *run) {
    const struct ql_source_ops *ops = run->source->ops;
    struct ql_str id = ops->get_export_id != NULL ? ops->get_export_id(run->source) : (struct ql_str){0};
    (void)snprintf(run->summary->export_id, sizeof run->summary->export_id, "%.*s", QL_STR_ARG(id));
}

/* What the rows of the whole input say. */
static enum ql_status check_what_came(struct ql_run_state *run, struct ql_err *err) {
    const struct ql_csv_stats *csv = &run->summary->csv;
    if (csv->several_queues_rows != 0 && csv->rows == 0) {
        (void)QL_FAIL(err, QL_E_DATA, "each row of the input is of several queues together");
        ql_err_hint(err, "export the queues split by filter (hasSplitFilters), or one at a time: here with --report-queues");
        return QL_E_DATA;
    }
    if (csv->several_queues_rows != 0) {
        ql_run_warn(run, "rows that sum up several queues were left out: %lld", (long long)csv->several_queues_rows);
    }
    if (csv->partial_rows != 0) {
        ql_run_warn(run, "the input says that it is not complete (%lld of its rows do)", (long long)csv->partial_rows);
    }
    return QL_OK;
}

enum ql_status ql_run_read(struct ql_run_state *run, struct ql_err *err) {
    const struct ql_source_sink sink = {.begin = on_begin, .room = on_room, .bytes = on_bytes, .end = on_end, .ctx = run};
    enum ql_status status = run->source->ops->fetch(run->source, &sink, err);
    note_export_id(run);
    if (run->csv != NULL) {
        ql_csv_get_stats(run->csv, &run->summary->csv);
        ql_csv_free(run->csv); /* its blocks of text: the memory is for what follows */
        run->csv = NULL;
    }
    status = status == QL_OK ? check_what_came(run, err) : status;
    if (run->source_hash != NULL && status == QL_OK) {
        uint8_t digest[QL_SHA256_SIZE];
        ql_sha256_take(run->source_hash, digest);
        ql_hex(digest, sizeof digest, run->summary->source_sha256);
    }
    if (status == QL_E_TRUNCATED && run->options->source == QL_RUN_FILES) {
        status = QL_E_DATA; /* a file that is cut stays cut: running again does not help */
        if (err != NULL) {
            err->status = status;
        }
    }
    if (status != QL_OK) {
        /* The first error is the one to be told; a quarantine that cannot be kept either adds nothing to it. */
        struct ql_err second = {0};
        if (keep_quarantine(run, &second) != QL_OK) {
            ql_run_warn(run, "the bad rows could not be kept: %s", second.message);
        }
        return status;
    }
    return keep_quarantine(run, err);
}
