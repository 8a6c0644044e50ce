/*
 * Thrift compact protocol (apache/thrift doc/specs/thrift-compact-protocol.md), the part that parquet.thrift needs.
 *
 * A field header is one byte, difference of ids and type, because Parquet's ids below 16 are put in order; the long form
 * stands in for a difference above 15. Integers are zigzag LEB128.
 */
#include "parquet/thrift.h"

enum { VARINT_MAX = 10, FIELD_MAX = 2 * VARINT_MAX + 2 }; /* FIELD_MAX: a header and a number, both in their longest form */

/* Where so many bytes can be written; the writer says by seal how far it came. A footer is some fifty numbers a column. */
static inline char *room(struct ql_buf *out, size_t size) {
    return out->cap - out->len > size ? out->ptr + out->len : ql_buf_reserve(out, size);
}

static inline void seal(struct ql_buf *out, const char *end) {
    out->len = (size_t)(end - out->ptr);
}

static inline char *write_varint(char *p, uint64_t value) {
    while (value >= 0x80) {
        *p++ = (char)(value | 0x80);
        value >>= 7;
    }
    *p++ = (char)value;
    return p;
}

static inline char *write_zigzag(char *p, int64_t value) {
    return write_varint(p, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static inline char *write_field(char *p, struct ql_thrift *thrift, int id, enum ql_thrift_type type) {
    int *last_id = &thrift->last_id[thrift->depth];
    int delta = id - *last_id;
    *last_id = id;
    if (delta >= 1 && delta <= 15) {
        *p++ = (char)(delta << 4 | (int)type);
        return p;
    }
    *p++ = (char)type;
    return write_zigzag(p, id);
}

static inline char *write_bytes(char *p, struct ql_str value) {
    p = write_varint(p, value.len);
    if (value.len != 0) {
        memcpy(p, value.ptr, value.len);
    }
    return p + value.len;
}

void ql_varint_put(struct ql_buf *out, uint64_t value) {
    seal(out, write_varint(room(out, VARINT_MAX), value));
}

void ql_thrift_init(struct ql_thrift *thrift, struct ql_buf *out) {
    thrift->out = out;
    thrift->depth = 0;
    thrift->last_id[0] = 0;
}

void ql_thrift_put_bool(struct ql_thrift *thrift, int id, bool value) {
    enum ql_thrift_type type = value ? QL_THRIFT_TRUE : QL_THRIFT_FALSE; /* the header is the value */
    seal(thrift->out, write_field(room(thrift->out, FIELD_MAX), thrift, id, type));
}

void ql_thrift_put_i32(struct ql_thrift *thrift, int id, int32_t value) {
    seal(thrift->out, write_zigzag(write_field(room(thrift->out, FIELD_MAX), thrift, id, QL_THRIFT_I32), value));
}

void ql_thrift_put_i64(struct ql_thrift *thrift, int id, int64_t value) {
    seal(thrift->out, write_zigzag(write_field(room(thrift->out, FIELD_MAX), thrift, id, QL_THRIFT_I64), value));
}

void ql_thrift_put_binary(struct ql_thrift *thrift, int id, struct ql_str value) {
    char *p = room(thrift->out, FIELD_MAX + value.len);
    seal(thrift->out, write_bytes(write_field(p, thrift, id, QL_THRIFT_BINARY), value));
}

void ql_thrift_put_empty_struct(struct ql_thrift *thrift, int id) {
    ql_thrift_begin_struct(thrift, id);
    ql_thrift_end_struct(thrift);
}

void ql_thrift_begin_struct(struct ql_thrift *thrift, int id) {
    seal(thrift->out, write_field(room(thrift->out, FIELD_MAX), thrift, id, QL_THRIFT_STRUCT));
    ql_thrift_begin_element(thrift);
}

void ql_thrift_begin_element(struct ql_thrift *thrift) {
    thrift->last_id[++thrift->depth] = 0;
}

void ql_thrift_end_struct(struct ql_thrift *thrift) {
    char *p = room(thrift->out, 1);
    *p++ = 0;
    seal(thrift->out, p);
    thrift->depth--;
}

void ql_thrift_begin_list(struct ql_thrift *thrift, int id, enum ql_thrift_type element, size_t n) {
    char *p = write_field(room(thrift->out, FIELD_MAX), thrift, id, QL_THRIFT_LIST);
    if (n < 15) {
        *p++ = (char)(n << 4 | (size_t)element);
    } else {
        *p++ = (char)(0xf0 | (int)element);
        p = write_varint(p, n);
    }
    seal(thrift->out, p);
}

void ql_thrift_add_bool(struct ql_thrift *thrift, bool value) {
    ql_varint_put(thrift->out, value ? QL_THRIFT_TRUE : QL_THRIFT_FALSE);
}

void ql_thrift_add_i32(struct ql_thrift *thrift, int32_t value) {
    ql_thrift_add_i64(thrift, value);
}

void ql_thrift_add_i64(struct ql_thrift *thrift, int64_t value) {
    seal(thrift->out, write_zigzag(room(thrift->out, VARINT_MAX), value));
}

void ql_thrift_add_binary(struct ql_thrift *thrift, struct ql_str value) {
    seal(thrift->out, write_bytes(room(thrift->out, VARINT_MAX + value.len), value));
}
