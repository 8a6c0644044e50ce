/** What a file says about itself behind its pages: page index and FileMetaData. Collected chunk by chunk, written once. */
#ifndef QL_PARQUET_FOOTER_H
#define QL_PARQUET_FOOTER_H

#include "parquet/column_chunk.h"

struct ql_footer_chunk {
    int64_t offset;          /* of its first page in the file */
    int64_t data_offset;     /* of its first data page */
    int64_t n_values;        /* rows, NULLs counted */
    int64_t n_null, n_nan;   /* n_nan: doubles only */
    int64_t raw, stored;     /* bytes, headers included */
    struct ql_bounds bounds; /* in the footer's arena */
    enum ql_parquet_encoding encoding;
    uint32_t column_index_len, offset_index_len; /* 0: none */
};

struct ql_footer_group {
    int64_t n_rows;
    size_t first_chunk; /* chunks of a group are schema->n_columns in a row */
};

/** Zero-initialise, then set schema and codec. */
struct ql_footer {
    struct ql_schema schema; /* its arrays are the writer's */
    enum ql_codec codec;
    struct ql_footer_chunk *chunks;
    size_t n_chunks, chunks_cap;
    struct ql_footer_group *groups;
    size_t n_groups, groups_cap;
    int64_t n_rows;
    struct ql_buf column_indexes, offset_indexes; /* of all chunks that have them, in order */
    struct ql_arena arena;
};
void ql_footer_fini(struct ql_footer *footer);

void ql_footer_add_group(struct ql_footer *footer, size_t n_rows);
/** The next column of the last group; its pages begin at `offset` of the file. */
void ql_footer_add_chunk(struct ql_footer *footer, const struct ql_column_chunk *chunk, int64_t offset);

/**
 * Appends everything from the page index to the closing magic; `offset` is where it begins in the file.
 * Errors: QL_E_LIMIT for a footer beyond 2 GiB.
 */
QL_MUST_CHECK enum ql_status ql_footer_put(const struct ql_footer *footer, int64_t offset, const struct ql_key_value *metadata,
                                           size_t n_metadata, struct ql_buf *out, struct ql_err *err);

#endif
