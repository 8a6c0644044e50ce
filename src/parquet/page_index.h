/** ColumnIndex and OffsetIndex of a chunk with several pages: what lets a reader skip pages. */
#ifndef QL_PARQUET_PAGE_INDEX_H
#define QL_PARQUET_PAGE_INDEX_H

#include "parquet/column_chunk.h"

/** Appends the OffsetIndex of a chunk whose pages begin at `offset` of the file. */
void ql_page_index_put_offsets(const struct ql_column_chunk *chunk, int64_t offset, struct ql_buf *out);

/**
 * Appends the ColumnIndex; false, with nothing appended, where a page with values has no bound on one side: a list of bounds
 * has no way to leave one out. The arena is for bounds and may be forgotten afterwards.
 */
bool ql_page_index_put_columns(const struct ql_column_chunk *chunk, const struct ql_chunk_values *values,
                               struct ql_arena *arena, struct ql_buf *out);

#endif
