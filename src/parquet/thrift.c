/*
 * Thrift compact protocol (apache/thrift doc/specs/thrift-compact-protocol.md), the part that parquet.thrift needs.
 *
 * A field header is one byte, difference of ids and type, because Parquet's ids below 16 are put in order; the long form
 * stands in for a difference above 15. Integers are zigzag LEB128.
 */
#include "parquet/thrift.h"

void ql_varint_put(struct ql_buf *out, uint64_t value) {
    char bytes[10];
    size_t n = 0;
    while (value >= 0x80) {
        bytes[n++] = (char)(value | 0x80);
        value >>= 7;
    }
    bytes[n++] = (char)value;
    ql_buf_put(out, bytes, n);
}

static void put_zigzag(struct ql_buf *out, int64_t value) {
    ql_varint_put(out, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static void put_binary(struct ql_buf *out, struct ql_str value) {
    ql_varint_put(out, value.len);
    ql_buf_put_str(out, value);
}

static void put_field(struct ql_thrift *thrift, int id, enum ql_thrift_type type) {
    int *last_id = &thrift->last_id[thrift->depth];
    int delta = id - *last_id;
    *last_id = id;
    if (delta >= 1 && delta <= 15) {
        ql_buf_putc(thrift->out, (char)(delta << 4 | (int)type));
        return;
    }
    ql_buf_putc(thrift->out, (char)type);
    put_zigzag(thrift->out, id);
}

void ql_thrift_init(struct ql_thrift *thrift, struct ql_buf *out) {
    thrift->out = out;
    thrift->depth = 0;
    thrift->last_id[0] = 0;
}

void ql_thrift_put_bool(struct ql_thrift *thrift, int id, bool value) {
    put_field(thrift, id, value ? QL_THRIFT_TRUE : QL_THRIFT_FALSE); /* the header is the value */
}

void ql_thrift_put_i32(struct ql_thrift *thrift, int id, int32_t value) {
    put_field(thrift, id, QL_THRIFT_I32);
    put_zigzag(thrift->out, value);
}

void ql_thrift_put_i64(struct ql_thrift *thrift, int id, int64_t value) {
    put_field(thrift, id, QL_THRIFT_I64);
    put_zigzag(thrift->out, value);
}

void ql_thrift_put_binary(struct ql_thrift *thrift, int id, struct ql_str value) {
    put_field(thrift, id, QL_THRIFT_BINARY);
    put_binary(thrift->out, value);
}

void ql_thrift_put_empty_struct(struct ql_thrift *thrift, int id) {
    ql_thrift_begin_struct(thrift, id);
    ql_thrift_end_struct(thrift);
}

void ql_thrift_begin_struct(struct ql_thrift *thrift, int id) {
    put_field(thrift, id, QL_THRIFT_STRUCT);
    ql_thrift_begin_element(thrift);
}

void ql_thrift_begin_element(struct ql_thrift *thrift) {
    thrift->last_id[++thrift->depth] = 0;
}

void ql_thrift_end_struct(struct ql_thrift *thrift) {
    ql_buf_putc(thrift->out, 0);
    thrift->depth--;
}

void ql_thrift_begin_list(struct ql_thrift *thrift, int id, enum ql_thrift_type element, size_t n) {
    put_field(thrift, id, QL_THRIFT_LIST);
    if (n < 15) {
        ql_buf_putc(thrift->out, (char)(n << 4 | (size_t)element));
        return;
    }
    ql_buf_putc(thrift->out, (char)(0xf0 | (int)element));
    ql_varint_put(thrift->out, n);
}

void ql_thrift_add_bool(struct ql_thrift *thrift, bool value) {
    ql_buf_putc(thrift->out, value ? QL_THRIFT_TRUE : QL_THRIFT_FALSE);
}

void ql_thrift_add_i32(struct ql_thrift *thrift, int32_t value) {
    put_zigzag(thrift->out, value);
}
void ql_thrift_add_i64(struct ql_thrift *thrift, int64_t value) {
    put_zigzag(thrift->out, value);
}
void ql_thrift_add_binary(struct ql_thrift *thrift, struct ql_str value) {
    put_binary(thrift->out, value);
}
