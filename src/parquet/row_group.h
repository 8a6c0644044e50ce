/** The columns of a row group, encoded by several threads and handed on in the order of the schema. */
#ifndef QL_PARQUET_ROW_GROUP_H
#define QL_PARQUET_ROW_GROUP_H

#include "parquet/column_chunk.h"
#include "parquet/parquet.h"

/** What row groups of one file share: an encoder for each thread, and the chunks that wait for their turn. */
struct ql_row_group_encoder;
struct ql_row_group_encoder *ql_row_group_encoder_new(const struct ql_parquet_options *options, size_t page_rows_max);
void ql_row_group_encoder_free(struct ql_row_group_encoder *encoder);

struct ql_row_group {
    const struct ql_schema *schema;
    size_t n_rows; /* not 0 */
    const struct ql_column_source *source;
    struct ql_column_choice *choices; /* [n_columns] */
    /* Gets the chunks in schema order, one at a time, from any thread. */
    enum ql_status (*take)(void *ctx, const struct ql_column_chunk *chunk, struct ql_err *err);
    void *ctx;
};

/**
 * Bytes and error are the same for any number of threads. At most a few chunks a thread wait for their turn.
 *
 * Errors: that of the first column in schema order that has one: QL_E_INTERNAL for a column of another length than the group,
 * those of ql_chunk_encoder_run (wrapped with the column's name), what `take` returned.
 */
QL_MUST_CHECK enum ql_status ql_row_group_encode(struct ql_row_group_encoder *encoder, const struct ql_row_group *group,
                                                 struct ql_err *err);

#endif
