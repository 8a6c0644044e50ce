/** ColumnIndex and OffsetIndex of parquet.thrift, read. */
#ifndef QL_PARQUET_PAGE_INDEX_READ_H
#define QL_PARQUET_PAGE_INDEX_READ_H

#include "base/mem.h"
#include "base/str.h"

struct ql_page_place {
    int64_t offset, first_row;
    int32_t stored; /* with the header */
};
struct ql_offset_index {
    struct ql_page_place *pages;
    size_t n;
};

struct ql_page_bounds {
    struct ql_str min, max;
    int64_t null_count, nan_count; /* -1: not said */
    bool is_null;                  /* no value at all: then min and max say nothing */
};
struct ql_column_index {
    struct ql_page_bounds *pages;
    size_t n;
    int32_t order; /* enum ql_parquet_order */
};

/** From exactly these bytes, which stay the caller's and are viewed; arrays live in the arena. NULL, or what is wrong. */
const char *ql_offset_index_read(struct ql_str bytes, struct ql_arena *arena, struct ql_offset_index *index);
const char *ql_column_index_read(struct ql_str bytes, struct ql_arena *arena, struct ql_column_index *index);

#endif
