/*
 * Page index (parquet-format PageIndex.md). Written for chunks of more than one page only: for a single page it would repeat
 * the chunk's statistics, which in a wide file of small chunks costs more than many of the pages.
 */
#include "parquet/page_index.h"

#include "parquet/format.h"
#include "parquet/thrift.h"

void ql_page_index_put_offsets(const struct ql_column_chunk *chunk, int64_t offset, struct ql_buf *out) {
    struct ql_thrift thrift;
    ql_thrift_init(&thrift, out);
    ql_thrift_begin_list(&thrift, 1, QL_THRIFT_STRUCT, chunk->n_pages);
    for (size_t p = 0; p < chunk->n_pages; p++) {
        const struct ql_chunk_page *page = &chunk->pages[p];
        ql_thrift_begin_element(&thrift);
        ql_thrift_put_i64(&thrift, 1, offset + (int64_t)page->offset);
        ql_thrift_put_i32(&thrift, 2, (int32_t)page->stored);
        ql_thrift_put_i64(&thrift, 3, (int64_t)page->span.row);
        ql_thrift_end_struct(&thrift);
    }
    ql_thrift_end_struct(&thrift);
}

static bool is_null_page(const struct ql_chunk_page *page) {
    return page->span.n_values == 0;
}

/* False if a page with values lacks a bound. */
static bool collect_bounds(const struct ql_column_chunk *chunk, const struct ql_chunk_values *values, struct ql_arena *arena,
                           struct ql_bounds *bounds) {
    for (size_t p = 0; p < chunk->n_pages; p++) {
        bounds[p] = ql_bounds_of(chunk->pages[p].range, values, arena);
        if (!is_null_page(&chunk->pages[p]) && (bounds[p].min.ptr == NULL || bounds[p].max.ptr == NULL)) {
            return false;
        }
    }
    return true;
}

/* Whether least and greatest values both rise, or both fall, from page to page; pages of NULLs do not count. */
static enum ql_parquet_order boundary_order(const struct ql_column_chunk *chunk, enum ql_column_type type,
                                            const struct ql_bounds *bounds) {
    bool is_ascending = true;
    bool is_descending = true;
    const struct ql_bounds *last = NULL;
    for (size_t p = 0; p < chunk->n_pages; p++) {
        if (is_null_page(&chunk->pages[p])) {
            continue;
        }
        if (last != NULL) {
            int min = ql_bound_cmp(type, last->min, bounds[p].min);
            int max = ql_bound_cmp(type, last->max, bounds[p].max);
            is_ascending = is_ascending && min <= 0 && max <= 0;
            is_descending = is_descending && min >= 0 && max >= 0;
        }
        last = &bounds[p];
    }
    return is_ascending ? QL_PARQUET_ORDER_ASCENDING : is_descending ? QL_PARQUET_ORDER_DESCENDING : QL_PARQUET_ORDER_UNORDERED;
}

static void put_columns(const struct ql_column_chunk *chunk, enum ql_column_type type, const struct ql_bounds *bounds,
                        struct ql_buf *out) {
    size_t n = chunk->n_pages;
    struct ql_thrift thrift;
    ql_thrift_init(&thrift, out);
    ql_thrift_begin_list(&thrift, 1, QL_THRIFT_TRUE, n);
    for (size_t p = 0; p < n; p++) {
        ql_thrift_add_bool(&thrift, is_null_page(&chunk->pages[p]));
    }
    ql_thrift_begin_list(&thrift, 2, QL_THRIFT_BINARY, n);
    for (size_t p = 0; p < n; p++) {
        ql_thrift_add_binary(&thrift, bounds[p].min); /* of a page of NULLs: no bytes */
    }
    ql_thrift_begin_list(&thrift, 3, QL_THRIFT_BINARY, n);
    for (size_t p = 0; p < n; p++) {
        ql_thrift_add_binary(&thrift, bounds[p].max);
    }
    ql_thrift_put_i32(&thrift, 4, (int32_t)boundary_order(chunk, type, bounds));
    ql_thrift_begin_list(&thrift, 5, QL_THRIFT_I64, n);
    for (size_t p = 0; p < n; p++) {
        ql_thrift_add_i64(&thrift, (int64_t)(chunk->pages[p].span.n_rows - chunk->pages[p].span.n_values));
    }
    if (type == QL_COLUMN_DOUBLE) {
        ql_thrift_begin_list(&thrift, 8, QL_THRIFT_I64, n);
        for (size_t p = 0; p < n; p++) {
            ql_thrift_add_i64(&thrift, 0); /* a chunk with a NaN has no bounds and so no index */
        }
    }
    ql_thrift_end_struct(&thrift);
}

bool ql_page_index_put_columns(const struct ql_column_chunk *chunk, const struct ql_chunk_values *values,
                               struct ql_arena *arena, struct ql_buf *out) {
    struct ql_bounds *bounds = ql_arena_alloc(arena, chunk->n_pages * sizeof *bounds);
    if (!collect_bounds(chunk, values, arena, bounds)) {
        return false;
    }
    put_columns(chunk, values->type, bounds, out);
    return true;
}
