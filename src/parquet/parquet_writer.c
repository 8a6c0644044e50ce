/*
 * The file as a stream: magic, the chunks of row group after row group, page index, footer.
 *
 * Chunks are encoded as their columns arrive and leave at once; small ones are gathered, so that a wide file does not reach
 * the sink in ten thousand pieces. What the footer needs of a chunk is kept in `footer`.
 */
#include "parquet/parquet_internal.h"

#include "parquet/footer.h"
#include "parquet/format.h"

#include <limits.h>
#include <stdlib.h>

enum { GATHER_SIZE = 256 * 1024 };

enum state { BEFORE_SCHEMA, BETWEEN_GROUPS, IN_GROUP, FINISHED };

struct ql_parquet_writer {
    enum state state;
    struct ql_sink out;
    int64_t n_sent;       /* bytes that the sink has */
    struct ql_buf gather; /* bytes that it has not yet */
    struct ql_arena arena;
    struct ql_column_choice *choices; /* [n_columns] */
    struct ql_chunk_encoder *encoder;
    struct ql_footer footer;
    size_t group_rows, next_column; /* IN_GROUP */
};

struct ql_parquet_writer *ql_parquet_writer_new_paged(const struct ql_parquet_options *options, size_t page_rows_max,
                                                      struct ql_sink out) {
    struct ql_parquet_writer *writer = ql_mem_zalloc(1, sizeof *writer);
    writer->out = out;
    writer->encoder = ql_chunk_encoder_new(options->codec, options->level, page_rows_max);
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
    ql_chunk_encoder_free(writer->encoder);
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
    for (size_t c = 0; c < schema->n_columns; c++) {
        names[c] = schema->columns[c].name;
    }
    qsort(names, schema->n_columns, sizeof *names, compare_names);
    enum ql_status status = QL_OK;
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

static enum ql_status on_group_begin(void *ctx, size_t n_rows, struct ql_err *err) {
    struct ql_parquet_writer *writer = ctx;
    if (writer->state != BETWEEN_GROUPS) {
        return fail_order("group_begin", err);
    }
    if (n_rows > INT_MAX) {
        return QL_FAIL(err, QL_E_LIMIT, "a Parquet row group of %zu rows is beyond 2^31", n_rows);
    }
    writer->state = IN_GROUP;
    writer->group_rows = n_rows;
    writer->next_column = 0;
    if (n_rows != 0) { /* ClickHouse and Trino refuse a row group without rows */
        ql_footer_add_group(&writer->footer, n_rows);
    }
    return QL_OK;
}

static enum ql_status on_column(void *ctx, const struct ql_column *column, struct ql_err *err) {
    struct ql_parquet_writer *writer = ctx;
    size_t c = writer->next_column;
    if (writer->state != IN_GROUP || c >= writer->footer.schema.n_columns) {
        return fail_order("column", err);
    }
    const struct ql_column_def *def = &writer->footer.schema.columns[c];
    if (column->n_rows != writer->group_rows) {
        return QL_FAIL(err, QL_E_INTERNAL, "Parquet writer: column '%.*s' has %zu rows in a row group of %zu",
                       QL_STR_ARG(def->name), column->n_rows, writer->group_rows);
    }
    writer->next_column++;
    if (column->n_rows == 0) {
        return QL_OK;
    }
    const struct ql_column_chunk *chunk = NULL;
    enum ql_status status = ql_chunk_encoder_run(writer->encoder, def->type, column, &writer->choices[c], &chunk, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "writing column '%.*s'", QL_STR_ARG(def->name));
        return status;
    }
    ql_footer_add_chunk(&writer->footer, chunk, ql_chunk_encoder_values(writer->encoder), ql_parquet_writer_bytes(writer));
    return send(writer, ql_buf_view(&chunk->bytes), err);
}

static enum ql_status on_group_end(void *ctx, struct ql_err *err) {
    struct ql_parquet_writer *writer = ctx;
    if (writer->state != IN_GROUP || writer->next_column != writer->footer.schema.n_columns) {
        return fail_order("group_end", err);
    }
    writer->state = BETWEEN_GROUPS;
    return QL_OK;
}

struct ql_column_sink ql_parquet_writer_sink(struct ql_parquet_writer *writer) {
    return (struct ql_column_sink){
        .schema = on_schema, .group_begin = on_group_begin, .column = on_column, .group_end = on_group_end, .ctx = writer};
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
