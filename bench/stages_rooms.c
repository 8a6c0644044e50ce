/**
 * The rooms of the data's path, one on top of the other, on one thread: what a stage costs is what its pass takes more than the
 * pass of the stage before it. It puts them in a row as src/run does.
 */
#include "bench/stages.h"

#include "cpu/cpu.h"
#include "csv/csv.h"
#include "kpi/plan.h"
#include "layout/layout.h"
#include "parquet/parquet.h"
#include "pivot/pivot.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum depth { DEPTH_CSV, DEPTH_PIVOT, DEPTH_PARTS, DEPTH_KPI, DEPTH_LAYOUT, DEPTH_PARQUET };
enum { READ_BYTES = 1 << 20, MAX_COLUMNS = 1 << 16, ROUND_DIGITS = 4 };

struct pass {
    const struct stage_options *options;
    struct stage_counts *counts;
    enum depth depth;
    struct ql_cpu cpu;
    struct ql_plan *plan;
    struct ql_csv *csv;
    struct ql_pivot *pivot; /* made when the header is known */
    const struct ql_grid *grid;
    struct ql_cells cells;
    size_t n_columns; /* of the layout */
    struct ql_column_scratch scratch;
};

/* Rows */

static enum ql_status on_header(void *ctx, const struct ql_csv_header *header, struct ql_err *err) {
    struct pass *pass = ctx;
    struct ql_buf left_out = {0};
    enum ql_status status = ql_plan_resolve(pass->plan, header->is_present, &left_out, err);
    ql_buf_fini(&left_out);
    if (status != QL_OK || pass->depth == DEPTH_CSV) {
        return status;
    }
    struct ql_pivot_options pivot = {
        .by_id = !pass->options->is_wide && header->has_queue_id, .from_us = QL_TIME_NONE, .to_us = QL_TIME_NONE};
    pivot.aggregates = ql_plan_aggregates(pass->plan, &pivot.n_aggregates);
    (void)ql_plan_columns(pass->plan, &pivot.n_columns);
    pass->pivot = ql_pivot_new(&pivot);
    return QL_OK;
}

static enum ql_status on_pack(void *ctx, const struct ql_rows *rows, void **packed, struct ql_err *err) {
    struct pass *pass = ctx;
    if (pass->depth == DEPTH_CSV) {
        *packed = pass; /* nothing is kept */
        return QL_OK;
    }
    struct ql_packed_rows *out = NULL;
    enum ql_status status = ql_pivot_pack(pass->pivot, rows, &out, err);
    *packed = out;
    return status;
}

static enum ql_status on_take(void *ctx, void *packed, struct ql_err *err) {
    struct pass *pass = ctx;
    return pass->depth == DEPTH_CSV ? QL_OK : ql_pivot_take(pass->pivot, packed, err);
}

static void on_drop(void *ctx, void *packed) {
    struct pass *pass = ctx;
    if (pass->depth != DEPTH_CSV) {
        ql_pivot_drop(pass->pivot, packed);
    }
}

static enum ql_status feed_file(struct pass *pass, int fd, char *own, struct ql_err *err) {
    for (;;) {
        size_t cap = 0;
        void *room = ql_csv_room(pass->csv, &cap);
        void *into = room != NULL ? room : own;
        ssize_t n = read(fd, into, room != NULL ? cap : READ_BYTES);
        if (n < 0) {
            return ql_err_set_errno(err, QL_E_IO, errno, "reading '%s'", pass->options->path);
        }
        if (n == 0) {
            return ql_csv_input_end(pass->csv, err);
        }
        pass->counts->in_bytes += n;
        QL_TRY(ql_csv_feed(pass->csv, into, (size_t)n, err));
    }
}

static enum ql_status read_rows(struct pass *pass, struct ql_err *err) {
    const char *path = pass->options->path;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ql_err_set_errno(err, QL_E_NO_INPUT, errno, "opening '%s'", path);
    }
    struct ql_csv_options csv = {
        .from_us = QL_TIME_NONE, .to_us = QL_TIME_NONE, .max_bad_rows = -1, .n_threads = 1, .cpu = &pass->cpu};
    csv.metrics = ql_plan_columns(pass->plan, &csv.n_metrics);
    const struct ql_csv_sink sink = {.header = on_header, .pack = on_pack, .take = on_take, .drop = on_drop, .ctx = pass};
    pass->csv = ql_csv_new(&csv, &sink);
    ql_csv_input_begin(pass->csv, ql_str_from(path), false);
    char *own = ql_mem_alloc(READ_BYTES);
    enum ql_status status = feed_file(pass, fd, own, err);
    ql_mem_free(own);
    (void)close(fd);
    struct ql_csv_stats stats;
    ql_csv_get_stats(pass->csv, &stats);
    pass->counts->rows = stats.rows;
    return status;
}

/* Cells */

static enum ql_status make_part(struct pass *pass, size_t part, struct ql_err *err) {
    QL_TRY(ql_pivot_make_part(pass->pivot, 0, part, &pass->cells, err));
    pass->counts->cells += (int64_t)pass->cells.n_cells;
    if (pass->depth < DEPTH_KPI) {
        return QL_OK;
    }
    const struct ql_plan_output output = {.round_digits = ROUND_DIGITS};
    struct ql_plan_stats stats = {0};
    return ql_plan_apply(pass->plan, &pass->cells, &output, &stats, err);
}

static enum ql_status make_groups(struct pass *pass, struct ql_layout_writer *writer, struct ql_err *err) {
    for (size_t first = 0; first < pass->grid->n_parts;) {
        size_t end = ql_layout_writer_group_end(writer, first);
        for (size_t part = first; part < end; part++) {
            QL_TRY(make_part(pass, part, err));
            QL_TRY(ql_layout_writer_pack(writer, part, &pass->cells, err));
        }
        QL_TRY(ql_layout_writer_write_group(writer, first, end, err));
        first = end;
    }
    return QL_OK;
}

/* Columns: a sink that asks for each of them and looks at none */

static enum ql_status on_schema(void *ctx, const struct ql_schema *schema, struct ql_err *err) {
    (void)err;
    ((struct pass *)ctx)->n_columns = schema->n_columns;
    return QL_OK;
}

static enum ql_status on_group(void *ctx, size_t n_rows, const struct ql_column_source *source, struct ql_err *err) {
    (void)n_rows;
    (void)err;
    struct pass *pass = ctx;
    for (size_t i = 0; i < pass->n_columns; i++) {
        struct ql_column column;
        source->fill(source->ctx, i, &pass->scratch, &column);
    }
    return QL_OK;
}

static enum ql_status count_bytes(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    (void)ptr;
    (void)err;
    ((struct pass *)ctx)->counts->out_bytes += (int64_t)len;
    return QL_OK;
}

static enum ql_status write_layout(struct pass *pass, const struct ql_column_sink *sink, struct ql_err *err) {
    const struct ql_layout_options options = {.layout = pass->options->is_wide ? QL_LAYOUT_WIDE : QL_LAYOUT_LONG,
                                              .round_digits = ROUND_DIGITS,
                                              .max_columns = MAX_COLUMNS};
    size_t n_defs;
    const struct ql_cell_def *defs = ql_plan_cell_defs(pass->plan, &n_defs);
    struct ql_layout_result result = {0};
    struct ql_layout_writer *writer = NULL;
    enum ql_status status = ql_layout_writer_new(pass->grid, defs, n_defs, &options, sink, &result, &writer, err);
    if (status == QL_OK) {
        status = make_groups(pass, writer, err);
        ql_layout_writer_free(writer);
    }
    ql_layout_result_fini(&result);
    return status;
}

static enum ql_status write_parquet(struct pass *pass, struct ql_err *err) {
    const struct ql_parquet_options options = {.codec = QL_CODEC_SNAPPY, .n_threads = 1, .cpu = &pass->cpu};
    struct ql_parquet_writer *writer = ql_parquet_writer_new(&options, (struct ql_sink){.write = count_bytes, .ctx = pass});
    struct ql_column_sink sink = ql_parquet_writer_sink(writer);
    enum ql_status status = write_layout(pass, &sink, err);
    if (status == QL_OK) {
        status = ql_parquet_writer_finish(writer, NULL, 0, err);
    }
    ql_parquet_writer_free(writer);
    return status;
}

/* A pass */

static enum ql_status go(struct pass *pass, struct ql_err *err) {
    const struct ql_plan_request request = {.metrics = pass->options->metrics, .n_metrics = pass->options->n_metrics};
    QL_TRY(ql_plan_new(&request, &pass->plan, err));
    QL_TRY(read_rows(pass, err));
    if (pass->depth == DEPTH_CSV) {
        return QL_OK;
    }
    QL_TRY(ql_pivot_close(pass->pivot, &pass->grid, err));
    if (pass->depth == DEPTH_PARQUET) {
        return write_parquet(pass, err);
    }
    if (pass->depth == DEPTH_LAYOUT) {
        const struct ql_column_sink sink = {.schema = on_schema, .group = on_group, .ctx = pass};
        return write_layout(pass, &sink, err);
    }
    for (size_t part = 0; pass->depth >= DEPTH_PARTS && part < pass->grid->n_parts; part++) {
        QL_TRY(make_part(pass, part, err));
    }
    return QL_OK;
}

static enum ql_status go_as_far_as(enum depth depth, const struct stage_options *options, struct stage_counts *counts,
                                   struct ql_err *err) {
    struct pass pass = {.options = options, .counts = counts, .depth = depth};
    ql_cpu_detect(&pass.cpu, QL_CPU_NATIVE);
    enum ql_status status = go(&pass, err);
    ql_column_scratch_fini(&pass.scratch);
    ql_cells_fini(&pass.cells);
    ql_csv_free(pass.csv);
    ql_pivot_free(pass.pivot);
    ql_plan_free(pass.plan);
    return status;
}

enum ql_status stage_csv(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return go_as_far_as(DEPTH_CSV, options, counts, err);
}
enum ql_status stage_pivot(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return go_as_far_as(DEPTH_PIVOT, options, counts, err);
}
enum ql_status stage_parts(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return go_as_far_as(DEPTH_PARTS, options, counts, err);
}
enum ql_status stage_kpi(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return go_as_far_as(DEPTH_KPI, options, counts, err);
}
enum ql_status stage_layout(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return go_as_far_as(DEPTH_LAYOUT, options, counts, err);
}
enum ql_status stage_parquet(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return go_as_far_as(DEPTH_PARQUET, options, counts, err);
}
