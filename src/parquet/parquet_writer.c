/*
 * The file as a stream: magic, the chunks of row group after row group, page index, footer.
 *
 * Chunks leave as soon as they are encoded and those before them have left; small ones are gathered, so that a wide file does
 * not reach the sink in ten thousand pieces. What the footer needs of a chunk is kept in `footer`.
 */
#include "parquet/parquet_internal.h"

#include "parquet/footer.h"
#include "parquet/format.h"
#include "parquet/row_group.h"

#include <limits.h>
#include <stdlib.h>

enum { GATHER_SIZE = 256 * 1024, DECIMAL_SCALE_MAX = 18 };

enum state { BEFORE_SCHEMA, BETWEEN_GROUPS, FINISHED };

struct ql_parquet_writer {
    enum state state;
    struct ql_sink out;
    int64_t n_sent;       /* bytes that the sink has */
    struct ql_buf gather; /* bytes that it has not yet */
    struct ql_arena arena;
    struct ql_column_choice *choices; /* [n_columns] */
    struct ql_row_group_encoder *encoder;
    struct ql_footer footer;
};

struct ql_parquet_writer *ql_parquet_writer_new_paged(const struct ql_parquet_options *options, size_t page_rows_max,
                                                      struct ql_sink out) {
    struct ql_parquet_writer *writer = ql_mem_zalloc(1, sizeof *writer);
    writer->out = out;
    writer->encoder = ql_row_group_encoder_new(options, page_rows_max);
    writer->footer.codec = options->codec;
    return writer;
}

struct ql_parquet_writer *ql_parquet_writer_new(const struct ql_parquet_options *options, struct ql_sink out) {
    return ql_parquet_writer_new_paged(options, 0, out);
}

void ql_parquet_writer_free(struct ql_parquet_writer *writer) {
    if (writer == NULL) {
        return;
    }
    ql_row_group_encoder_free(writer->encoder);
    ql_footer_fini(&writer->footer);
    ql_buf_fini(&writer->gather);
    ql_mem_free(writer->choices);
    ql_arena_fini(&writer->arena);
    ql_mem_free(writer);
}

int64_t ql_parquet_writer_bytes(const struct ql_parquet_writer *writer) {
    return writer->n_sent + (int64_t)writer->gather.len;
}

static enum ql_status send_gathered(struct ql_parquet_writer *writer, struct ql_err *err) {
    if (writer->gather.len != 0) {
        QL_TRY(writer->out.write(writer->out.ctx, writer->gather.ptr, writer->gather.len, err));
        writer->n_sent += (int64_t)writer->gather.len;
        ql_buf_reset(&writer->gather);
    }
    return QL_OK;
}

static enum ql_status send(struct ql_parquet_writer *writer, struct ql_str bytes, struct ql_err *err) {
    if (writer->gather.len + bytes.len > GATHER_SIZE) {
        QL_TRY(send_gathered(writer, err));
    }
    if (bytes.len <= GATHER_SIZE) {
        ql_buf_put_str(&writer->gather, bytes);
        return QL_OK;
    }
    QL_TRY(writer->out.write(writer->out.ctx, bytes.ptr, bytes.len, err));
    writer->n_sent += (int64_t)bytes.len;
    return QL_OK;
}

static enum ql_status fail_order(const char *call, struct ql_err *err) {
    return QL_FAIL(err, QL_E_INTERNAL, "Parquet writer: '%s' is out of order", call);
}

static int compare_names(const void *a, const void *b) {
    return ql_str_cmp(*(const struct ql_str *)a, *(const struct ql_str *)b);
}

/* Names that would make a file which readers refuse or read wrongly. How names come about is the layout's. */
static enum ql_status check_schema(const struct ql_schema *schema, struct ql_err *err) {
    if (schema->n_columns == 0 || schema->n_columns >= INT_MAX) {
        return QL_FAIL(err, QL_E_INTERNAL, "Parquet writer: a schema of %zu columns", schema->n_columns);
    }
    struct ql_str *names = ql_mem_realloc(NULL, schema->n_columns, sizeof *names);
    enum ql_status status = QL_OK;
    for (size_t c = 0; c < schema->n_columns; c++) {
        const struct ql_column_def *column = &schema->columns[c];
        names[c] = column->name;
        if (column->type == QL_COLUMN_DECIMAL && column->scale > DECIMAL_SCALE_MAX) {
            status = QL_FAIL(err, QL_E_INTERNAL, "Parquet writer: column '%.*s' is a DECIMAL of scale %u",
                             QL_STR_ARG(column->name), column->scale);
        }
    }
    qsort(names, schema->n_columns, sizeof *names, compare_names);
    if (names[0].len == 0) {
        status = QL_FAIL(err, QL_E_INTERNAL, "Parquet writer: a column has an empty name");
    }
    for (size_t c = 1; c < schema->n_columns && status == QL_OK; c++) {
        if (ql_str_eq(names[c - 1], names[c])) {
            status = QL_FAIL(err, QL_E_COLLISION, "two columns are named '%.*s'", QL_STR_ARG(names[c]));
        }
    }
    ql_mem_free(names);
    return status;
}

static enum ql_status on_schema(void *ctx, const struct ql_schema *schema, struct ql_err *err) {
    struct ql_parquet_writer *writer = ctx;
    if (writer->state != BEFORE_SCHEMA) {
        return fail_order("schema", err);
    }
    QL_TRY(check_schema(schema, err));
    struct ql_column_def *columns = ql_arena_alloc(&writer->arena, schema->n_columns * sizeof *columns);
    for (size_t c = 0; c < schema->n_columns; c++) {
        columns[c] = schema->columns[c];
        columns[c].name.ptr = ql_arena_copy(&writer->arena, columns[c].name.ptr, columns[c].name.len);
    }
    writer->footer.schema = (struct ql_schema){.n_columns = schema->n_columns, .columns = columns};
    writer->choices = ql_mem_zalloc(schema->n_columns, sizeof *writer->choices);
    writer->state = BETWEEN_GROUPS;
    return send(writer, QL_STR(QL_PARQUET_MAGIC), err);
}

static enum ql_status take_chunk(void *ctx, const struct ql_column_chunk *chunk, struct ql_err *err) {
    struct ql_parquet_writer *writer = ctx;
    ql_footer_add_chunk(&writer->footer, chunk, ql_parquet_writer_bytes(writer));
    return send(writer, ql_buf_view(&chunk->bytes), err);
}

static enum ql_status on_group(void *ctx, size_t n_rows, const struct ql_column_source *source, struct ql_err *err) {
    struct ql_parquet_writer *writer = ctx;
    if (writer->state != BETWEEN_GROUPS) {
        return fail_order("group", err);
    }
    if (n_rows > INT_MAX) {
        return QL_FAIL(err, QL_E_LIMIT, "a Parquet row group of %zu rows is beyond 2^31", n_rows);
    }
    if (n_rows == 0) { /* ClickHouse and Trino refuse a row group without rows */
        return QL_OK;
    }
    ql_footer_add_group(&writer->footer, n_rows);
    const struct ql_row_group group = {.schema = &writer->footer.schema,
                                       .n_rows = n_rows,
                                       .source = source,
                                       .choices = writer->choices,
                                       .take = take_chunk,
                                       .ctx = writer};
    return ql_row_group_encode(writer->encoder, &group, err);
}

struct ql_column_sink ql_parquet_writer_sink(struct ql_parquet_writer *writer) {
    return (struct ql_column_sink){.schema = on_schema, .group = on_group, .ctx = writer};
}

enum ql_status ql_parquet_writer_finish(struct ql_parquet_writer *writer, const struct ql_key_value *metadata,
                                        size_t n_metadata, struct ql_err *err) {
    if (writer->state != BETWEEN_GROUPS) {
        return fail_order("finish", err);
    }
    writer->state = FINISHED;
    QL_TRY(ql_footer_put(&writer->footer, ql_parquet_writer_bytes(writer), metadata, n_metadata, &writer->gather, err));
    return send_gathered(writer, err);
}
