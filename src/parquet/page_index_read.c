#include "parquet/page_index_read.h"

#include "parquet/thrift_read.h"

enum { ORDER = 4, NULL_COUNTS = 5, NAN_COUNTS = 8 }; /* fields of ColumnIndex; 6 and 7 are histograms */
enum { LISTS = 1 << 1 | 1 << 2 | 1 << 3 | 1 << NULL_COUNTS | 1 << NAN_COUNTS };
enum { REQUIRED_FIELDS = 1 << 1 | 1 << 2 | 1 << 3 | 1 << ORDER };
enum { PLACE_SIZE_MIN = 7 }; /* three fields of two bytes, and the end */

static struct ql_page_place get_place(struct ql_thrift_in *in, const struct ql_thrift_field *element) {
    struct ql_page_place place = {.offset = -1, .first_row = -1, .stored = -1};
    struct ql_thrift_field field = {0};
    ql_thrift_enter(in, element);
    while (ql_thrift_next(in, &field)) {
        if (field.id == 1) {
            place.offset = ql_thrift_get_i64(in, &field);
        } else if (field.id == 2) {
            place.stored = ql_thrift_get_i32(in, &field);
        } else if (field.id == 3) {
            place.first_row = ql_thrift_get_i64(in, &field);
        } else {
            ql_thrift_skip(in, &field);
        }
    }
    return place;
}

static const char *end_of(struct ql_thrift_in *in) {
    if (in->why == NULL && in->at != in->end) {
        ql_thrift_break(in, "it ends before its stated length");
    }
    return in->why;
}

const char *ql_offset_index_read(struct ql_str bytes, struct ql_arena *arena, struct ql_offset_index *index) {
    struct ql_thrift_in in;
    struct ql_thrift_field field = {0};
    struct ql_thrift_field element;
    *index = (struct ql_offset_index){0};
    ql_thrift_in_init(&in, bytes.ptr, bytes.len);
    while (ql_thrift_next(&in, &field)) {
        if (field.id != 1) {
            ql_thrift_skip(&in, &field);
            continue;
        }
        size_t n = ql_thrift_get_list(&in, &field, &element);
        if (n > bytes.len / PLACE_SIZE_MIN || index->pages != NULL) {
            ql_thrift_break(&in, "its list of pages cannot be");
            break;
        }
        index->pages = ql_arena_alloc(arena, n * sizeof *index->pages);
        for (; index->n < n && in.why == NULL; index->n++) {
            index->pages[index->n] = get_place(&in, &element);
        }
    }
    return end_of(&in);
}

/* The lists are as long as each other; the first one that comes says how long. */
static bool take_length(struct ql_thrift_in *in, struct ql_arena *arena, struct ql_column_index *index, size_t n) {
    if (index->pages == NULL && in->why == NULL) {
        index->pages = ql_arena_alloc(arena, n * sizeof *index->pages);
        index->n = n;
        for (size_t p = 0; p < n; p++) {
            index->pages[p] = (struct ql_page_bounds){.null_count = -1, .nan_count = -1};
        }
    }
    if (index->n != n) {
        ql_thrift_break(in, "its lists differ in length");
    }
    return in->why == NULL;
}

static void get_list(struct ql_thrift_in *in, const struct ql_thrift_field *field, struct ql_arena *arena,
                     struct ql_column_index *index) {
    struct ql_thrift_field element;
    size_t n = ql_thrift_get_list(in, field, &element);
    if (!take_length(in, arena, index, n)) {
        return;
    }
    for (size_t p = 0; p < n && in->why == NULL; p++) {
        if (field->id == 1) {
            index->pages[p].is_null = ql_thrift_get_bool(in, &element);
        } else if (field->id == 2) {
            index->pages[p].min = ql_thrift_get_binary(in, &element);
        } else if (field->id == 3) {
            index->pages[p].max = ql_thrift_get_binary(in, &element);
        } else {
            int64_t count = ql_thrift_get_i64(in, &element);
            *(field->id == NULL_COUNTS ? &index->pages[p].null_count : &index->pages[p].nan_count) = count;
            if (count < 0) {
                ql_thrift_break(in, "a count is negative");
            }
        }
    }
}

const char *ql_column_index_read(struct ql_str bytes, struct ql_arena *arena, struct ql_column_index *index) {
    struct ql_thrift_in in;
    struct ql_thrift_field field = {0};
    unsigned seen = 0;
    *index = (struct ql_column_index){0};
    ql_thrift_in_init(&in, bytes.ptr, bytes.len);
    while (ql_thrift_next(&in, &field)) {
        bool is_list = field.id >= 1 && field.id <= NAN_COUNTS && (1 << field.id & LISTS) != 0;
        seen |= field.id >= 1 && field.id <= NAN_COUNTS ? 1U << field.id : 0;
        if (field.id == ORDER) {
            index->order = ql_thrift_get_i32(&in, &field);
        } else if (is_list) {
            get_list(&in, &field, arena, index);
        } else {
            ql_thrift_skip(&in, &field);
        }
    }
    if ((seen & REQUIRED_FIELDS) != REQUIRED_FIELDS) {
        ql_thrift_break(&in, "it lacks a list or its order");
    }
    return end_of(&in);
}
