/**
 * One column of one row group, encoded: chooses the encoding, cuts pages, and says what footer and page index have to know.
 */
#ifndef QL_PARQUET_COLUMN_CHUNK_H
#define QL_PARQUET_COLUMN_CHUNK_H

#include "parquet/chunk_statistics.h"
#include "parquet/data_page.h"
#include "parquet/parquet.h"

/**
 * How a column is encoded in every row group of a file. Made for the first group, from its values, and kept: fastparquet
 * silently reads NULLs from a string column that mixes dictionary and PLAIN. A later group that would rather have it otherwise
 * is still right, only larger: its dictionary may hold as many entries as it has values, its PLAIN pages may repeat themselves.
 */
struct ql_column_choice {
    bool is_made;
    enum ql_parquet_encoding encoding; /* PLAIN_DICTIONARY stands for a dictionary page and indices */
};

struct ql_chunk_page {
    struct ql_page_span span;
    size_t offset; /* of the page's header, from the chunk's first byte */
    size_t stored; /* header included */
    struct ql_range range;
};

/** An encoded chunk with all that footer and page index need of it. Zero-initialise; encoding into it again reuses it. */
struct ql_column_chunk {
    enum ql_column_type type;
    enum ql_parquet_encoding encoding;
    struct ql_buf bytes;    /* all pages, the dictionary page first */
    size_t raw_bytes;       /* the same before compression, headers included */
    size_t dictionary_size; /* of the dictionary page; 0: none */
    struct ql_chunk_page *pages;
    size_t n_pages, pages_cap;
    size_t n_rows, n_null, n_nan;
    struct ql_bounds bounds;    /* in its arena */
    struct ql_buf column_index; /* empty for a single page, or where a bound is missing */
    struct ql_arena arena;
};
void ql_column_chunk_fini(struct ql_column_chunk *chunk);

/** Makes chunks. Options are copied, their cpu is not looked at. page_rows_max 0 stands for the default; other values are for
 * tests. */
struct ql_chunk_encoder;
struct ql_chunk_encoder *ql_chunk_encoder_new(const struct ql_parquet_options *options, const struct ql_kernels *kernels,
                                              size_t page_rows_max);
void ql_chunk_encoder_free(struct ql_chunk_encoder *encoder);

/**
 * Encodes a column; makes the choice where it is not made. Of the column nothing is needed afterwards.
 *
 * Errors: QL_E_LIMIT for a page beyond 2 GiB, QL_E_INTERNAL for a broken column; *chunk is then of no use but for fini.
 */
QL_MUST_CHECK enum ql_status ql_chunk_encoder_run(struct ql_chunk_encoder *encoder, enum ql_column_type type,
                                                  const struct ql_column *column, struct ql_column_choice *choice,
                                                  struct ql_column_chunk *chunk, struct ql_err *err);

#endif
