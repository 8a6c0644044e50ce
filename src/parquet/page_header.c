#include "parquet/page_header.h"

#include "parquet/read.h"
#include "parquet/thrift_read.h"

enum { SEEN_TYPE = 1, SEEN_RAW = 2, SEEN_STORED = 4, SEEN_ALL = 7 };
/* Fields that a page must have, by bits of their ids. */
enum { DATA_FIELDS = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4, DATA_V2_FIELDS = 0x7e, DICTIONARY_FIELDS = 1 << 1 | 1 << 2 };

static bool has_all(unsigned seen, unsigned wanted) {
    return (seen & wanted) == wanted;
}

static void get_data(struct ql_thrift_in *in, const struct ql_thrift_field *struct_field, struct ql_page_header *header) {
    struct ql_thrift_field field = {0};
    int32_t *const places[] = {NULL, &header->n_values, &header->encoding, &header->def_encoding, &header->rep_encoding};
    unsigned seen = 0;
    ql_thrift_enter(in, struct_field);
    while (ql_thrift_next(in, &field)) {
        if (field.id >= 1 && field.id <= 4) {
            *places[field.id] = ql_thrift_get_i32(in, &field);
            seen |= 1U << field.id;
        } else {
            ql_thrift_skip(in, &field);
        }
    }
    if (!has_all(seen, DATA_FIELDS)) {
        ql_thrift_break(in, "the header of a data page lacks a field");
    }
}

static void get_data_v2(struct ql_thrift_in *in, const struct ql_thrift_field *struct_field, struct ql_page_header *header) {
    struct ql_thrift_field field = {0};
    int32_t *const places[] = {
        NULL, &header->n_values, &header->n_nulls, &header->n_rows, &header->encoding, &header->def_len, &header->rep_len};
    unsigned seen = 0;
    header->is_v2 = true;
    header->is_compressed = true;
    ql_thrift_enter(in, struct_field);
    while (ql_thrift_next(in, &field)) {
        if (field.id >= 1 && field.id <= 6) {
            *places[field.id] = ql_thrift_get_i32(in, &field);
            seen |= 1U << field.id;
        } else if (field.id == 7) {
            header->is_compressed = ql_thrift_get_bool(in, &field);
        } else {
            ql_thrift_skip(in, &field);
        }
    }
    if (!has_all(seen, DATA_V2_FIELDS)) {
        ql_thrift_break(in, "the header of a data page lacks a field");
    }
}

static void get_dictionary(struct ql_thrift_in *in, const struct ql_thrift_field *struct_field, struct ql_page_header *header) {
    struct ql_thrift_field field = {0};
    unsigned seen = 0;
    ql_thrift_enter(in, struct_field);
    while (ql_thrift_next(in, &field)) {
        if (field.id == 1) {
            header->n_values = ql_thrift_get_i32(in, &field);
            seen |= 1 << 1;
        } else if (field.id == 2) {
            header->encoding = ql_thrift_get_i32(in, &field);
            seen |= 1 << 2;
        } else {
            ql_thrift_skip(in, &field);
        }
    }
    if (!has_all(seen, DICTIONARY_FIELDS)) {
        ql_thrift_break(in, "the header of a dictionary page lacks a field");
    }
}

static void check(struct ql_thrift_in *in, const struct ql_page_header *header, unsigned seen, int kind_seen) {
    static const int KINDS[] = {[QL_PARQUET_PAGE_DATA] = 5,
                                [QL_PARQUET_PAGE_INDEX] = 6,
                                [QL_PARQUET_PAGE_DICTIONARY] = 7,
                                [QL_PARQUET_PAGE_DATA_V2] = 8};
    bool is_kind =
        header->type >= 0 && (size_t)header->type < sizeof KINDS / sizeof KINDS[0] && KINDS[header->type] == kind_seen;
    if (!has_all(seen, SEEN_ALL) || !is_kind) {
        ql_thrift_break(in, "a page header lacks its type, sizes, or what belongs to its type");
    } else if (header->raw_size < 0 || header->stored_size < 0 || header->n_values < 0 || header->n_nulls < 0 ||
               header->n_rows < 0 || header->def_len < 0 || header->rep_len < 0) {
        ql_thrift_break(in, "a page header has a negative size or count");
    }
}

enum ql_page_header_result ql_page_header_read(struct ql_str bytes, struct ql_page_header *header, const char **why) {
    struct ql_thrift_in in;
    struct ql_thrift_field field = {0};
    unsigned seen = 0;
    int kind_seen = 0;
    bool was_cut = false;
    ql_thrift_in_init(&in, bytes.ptr, bytes.len);
    *header = (struct ql_page_header){0};
    while (ql_thrift_next(&in, &field)) {
        switch (field.id) {
        case 1:
            header->type = ql_thrift_get_i32(&in, &field);
            seen |= SEEN_TYPE;
            break;
        case 2:
            header->raw_size = ql_thrift_get_i32(&in, &field);
            seen |= SEEN_RAW;
            break;
        case 3:
            header->stored_size = ql_thrift_get_i32(&in, &field);
            seen |= SEEN_STORED;
            break;
        case 4:
            header->crc = (uint32_t)ql_thrift_get_i32(&in, &field);
            header->has_crc = true;
            break;
        case 5:
            get_data(&in, &field, header);
            kind_seen = 5;
            break;
        case 7:
            get_dictionary(&in, &field, header);
            kind_seen = 7;
            break;
        case 8:
            get_data_v2(&in, &field, header);
            kind_seen = 8;
            break;
        default:
            kind_seen = field.id == 6 ? 6 : kind_seen;
            ql_thrift_skip(&in, &field);
        }
    }
    was_cut = in.is_cut;
    header->len = (size_t)(in.at - (const unsigned char *)bytes.ptr);
    if (in.why == NULL) {
        check(&in, header, seen, kind_seen);
    }
    *why = in.why;
    return in.why == NULL ? QL_PAGE_HEADER_OK : was_cut ? QL_PAGE_HEADER_CUT : QL_PAGE_HEADER_BROKEN;
}
