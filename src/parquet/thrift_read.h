/**
 * Thrift's compact protocol, reading: what thrift.h writes and what other writers do, from bytes that nobody vouches for.
 *
 * A reader breaks once and for all at the first byte that cannot be: every later call gives nothing, so that a caller reads a
 * whole struct and asks `why` at its end. Nothing is allocated, nothing is read beyond `end`, and nesting is bounded.
 *
 *   struct ql_thrift_field field = {0};
 *   while (ql_thrift_next(&in, &field)) {
 *       switch (field.id) {
 *       case 1: n = ql_thrift_get_i64(&in, &field); break;
 *       default: ql_thrift_skip(&in, &field);
 *       }
 *   }
 */
#ifndef QL_PARQUET_THRIFT_READ_H
#define QL_PARQUET_THRIFT_READ_H

#include "parquet/thrift.h"

struct ql_thrift_in {
    const unsigned char *at, *end;
    int depth;       /* structs that are open */
    const char *why; /* what is wrong, a constant text; NULL: nothing so far */
    bool is_cut;     /* and that is: more bytes might have helped */
};

/** A field of the struct at hand, or an element of a list. Zero at the start of a struct. */
struct ql_thrift_field {
    int id;
    int type;        /* enum ql_thrift_type, or another of the protocol's */
    bool is_element; /* a bool is then a byte of its own */
};

void ql_thrift_in_init(struct ql_thrift_in *in, const void *ptr, size_t len);
/** Breaks the reader, for a value that the protocol allows and the format does not. The first reason stays. */
void ql_thrift_break(struct ql_thrift_in *in, const char *why);

/** The next field, whose value the caller takes or skips; false at the end of the struct, or when broken. */
bool ql_thrift_next(struct ql_thrift_in *in, struct ql_thrift_field *field);

bool ql_thrift_get_bool(struct ql_thrift_in *in, const struct ql_thrift_field *field);
int8_t ql_thrift_get_i8(struct ql_thrift_in *in, const struct ql_thrift_field *field);
int32_t ql_thrift_get_i32(struct ql_thrift_in *in, const struct ql_thrift_field *field); /* also enums */
int64_t ql_thrift_get_i64(struct ql_thrift_in *in, const struct ql_thrift_field *field);
/** A view of the bytes that are read; never NULL, also where it is empty. */
struct ql_str ql_thrift_get_binary(struct ql_thrift_in *in, const struct ql_thrift_field *field);
/** The number of elements, each of which the caller takes or skips with *element; no more than bytes are left. */
size_t ql_thrift_get_list(struct ql_thrift_in *in, const struct ql_thrift_field *field, struct ql_thrift_field *element);
/** Opens a struct: its fields follow. It closes itself when ql_thrift_next says false. */
void ql_thrift_enter(struct ql_thrift_in *in, const struct ql_thrift_field *field);
/** Goes over a value of any type. */
void ql_thrift_skip(struct ql_thrift_in *in, const struct ql_thrift_field *field);

/** An unsigned LEB128 number of at most 64 bits; false, with *at where it was, for a longer one or one that is cut. */
bool ql_varint_get(const unsigned char **at, const unsigned char *end, uint64_t *value);
static inline int64_t ql_zigzag(uint64_t value) {
    return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

#endif
