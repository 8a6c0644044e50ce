/* The page index against the pages. */
#include "inspect/verify_internal.h"

enum { INDEX_SIZE_MAX = 256 * 1024 * 1024 };

static enum ql_status read_place(struct ql_verifier *verifier, struct ql_parquet_place place, struct ql_str *bytes,
                                 struct ql_err *err) {
    if (place.len > INDEX_SIZE_MAX) {
        verifier->is_unsupported = true;
        return QL_FAIL(err, QL_E_DATA, "its page index has %lld bytes; more than 256 MiB are not read", (long long)place.len);
    }
    char *room = ql_arena_alloc(&verifier->arena, (size_t)place.len);
    const struct ql_parquet_input *input = verifier->window.input;
    QL_TRY(input->read_at(input->ctx, place.offset, room, (size_t)place.len, err));
    *bytes = (struct ql_str){.ptr = room, .len = (size_t)place.len};
    return QL_OK;
}

enum ql_status ql_verify_index_load(struct ql_verifier *verifier, const struct ql_parquet_chunk *chunk,
                                    struct ql_verify_index *index, struct ql_err *err) {
    struct ql_str bytes = {0};
    const char *why = NULL;
    ql_arena_reset(&verifier->arena);
    index->has_offsets = chunk->offset_index.len != 0;
    index->has_columns = chunk->column_index.len != 0;
    if (index->has_offsets) {
        QL_TRY(read_place(verifier, chunk->offset_index, &bytes, err));
        why = ql_offset_index_read(bytes, &verifier->arena, &index->offsets);
        if (why != NULL) {
            return QL_FAIL(err, QL_E_DATA, "its offset index cannot be read: %s", why);
        }
    }
    if (index->has_columns) {
        QL_TRY(read_place(verifier, chunk->column_index, &bytes, err));
        why = ql_column_index_read(bytes, &verifier->arena, &index->columns);
        if (why != NULL) {
            return QL_FAIL(err, QL_E_DATA, "its column index cannot be read: %s", why);
        }
    }
    return QL_OK;
}

static const char *check_bounds(const struct ql_page_bounds *bounds, const struct ql_verified_page *page, bool is_ours) {
    bool is_double = page->values->column->type == QL_PARQUET_TYPE_DOUBLE;
    if (is_ours && (bounds->null_count < 0 || (is_double && bounds->nan_count < 0))) {
        return "the column index does not count NULLs or NaNs";
    }
    if (bounds->null_count >= 0 && bounds->null_count != page->n_nulls) {
        return "the column index counts other NULLs";
    }
    if (bounds->nan_count >= 0 && bounds->nan_count != page->values->n_nan) {
        return "the column index counts other NaNs";
    }
    if (bounds->is_null != (page->values->n == 0)) {
        return "the column index is wrong on whether there is any value";
    }
    return bounds->is_null || ql_value_range_check(page->values, bounds->min, bounds->max, is_ours) == NULL
               ? NULL
               : "the column index states other least or greatest values";
}

const char *ql_verify_index_check_page(const struct ql_verifier *verifier, const struct ql_verify_index *index,
                                       const struct ql_verified_page *page) {
    size_t p = (size_t)page->ordinal;
    if ((index->has_offsets && p >= index->offsets.n) || (index->has_columns && p >= index->columns.n)) {
        return "the page index has fewer pages";
    }
    if (index->has_offsets) {
        const struct ql_page_place *place = &index->offsets.pages[p];
        if (place->offset != page->offset || place->stored != page->stored || place->first_row != page->first_row) {
            return "the offset index states another place, size or first row";
        }
    }
    return index->has_columns ? check_bounds(&index->columns.pages[p], page, verifier->is_ours) : NULL;
}

/* Whether bounds rise, or fall, as the index says; pages of NULLs do not count. */
static bool is_order_true(const struct ql_column_index *index, const struct ql_parquet_column *column) {
    const struct ql_page_bounds *last = NULL;
    int sign = index->order == QL_PARQUET_ORDER_ASCENDING ? 1 : -1;
    if (index->order != QL_PARQUET_ORDER_ASCENDING && index->order != QL_PARQUET_ORDER_DESCENDING) {
        return index->order == QL_PARQUET_ORDER_UNORDERED;
    }
    for (size_t p = 0; p < index->n; p++) {
        const struct ql_page_bounds *page = &index->pages[p];
        if (page->is_null) {
            continue;
        }
        if (!ql_value_is_sound(column, page->min) || !ql_value_is_sound(column, page->max)) {
            return false;
        }
        if (last != NULL &&
            (sign * ql_value_cmp(column, last->min, page->min) > 0 || sign * ql_value_cmp(column, last->max, page->max) > 0)) {
            return false;
        }
        last = page;
    }
    return true;
}

const char *ql_verify_index_check_end(const struct ql_verify_index *index, const struct ql_parquet_column *column,
                                      int64_t n_pages) {
    if ((index->has_offsets && index->offsets.n != (size_t)n_pages) ||
        (index->has_columns && index->columns.n != (size_t)n_pages)) {
        return "the page index has more pages";
    }
    if (index->has_columns && ql_value_has_order(column) && !is_order_true(&index->columns, column)) {
        return "the column index states an order that its bounds do not have";
    }
    return NULL;
}
