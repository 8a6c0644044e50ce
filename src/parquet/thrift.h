/**
 * Thrift's compact protocol, writing only: what Parquet's page headers, page indexes and footer are made of.
 *
 * A message is a struct; its fields are put in ascending order of their ids. Begin and end calls nest like the structs do; a
 * list is begun with its length and followed by exactly that many elements. Bytes go to `out` at once.
 */
#ifndef QL_PARQUET_THRIFT_H
#define QL_PARQUET_THRIFT_H

#include "base/str.h"

/* The protocol's own type numbers, as they stand in field and list headers. */
enum ql_thrift_type {
    QL_THRIFT_TRUE = 1, /* also the element type of list<bool> */
    QL_THRIFT_FALSE = 2,
    QL_THRIFT_I32 = 5,
    QL_THRIFT_I64 = 6,
    QL_THRIFT_BINARY = 8,
    QL_THRIFT_LIST = 9,
    QL_THRIFT_STRUCT = 12
};

enum { QL_THRIFT_DEPTH_MAX = 8 }; /* FileMetaData nests 6 deep: row group, chunk, metadata, statistics */

struct ql_thrift {
    struct ql_buf *out;
    int depth;
    int last_id[QL_THRIFT_DEPTH_MAX]; /* of the struct at each depth: field headers hold differences of ids */
};

/** Starts a message: the outermost struct is open. Close it with ql_thrift_end_struct. */
void ql_thrift_init(struct ql_thrift *thrift, struct ql_buf *out);

void ql_thrift_put_bool(struct ql_thrift *thrift, int id, bool value);
void ql_thrift_put_i32(struct ql_thrift *thrift, int id, int32_t value); /* also enums */
void ql_thrift_put_i64(struct ql_thrift *thrift, int id, int64_t value);
void ql_thrift_put_binary(struct ql_thrift *thrift, int id, struct ql_str value);
/** A struct without fields: the members of Parquet's unions. */
void ql_thrift_put_empty_struct(struct ql_thrift *thrift, int id);

void ql_thrift_begin_struct(struct ql_thrift *thrift, int id);
void ql_thrift_end_struct(struct ql_thrift *thrift);

void ql_thrift_begin_list(struct ql_thrift *thrift, int id, enum ql_thrift_type element, size_t n);
void ql_thrift_add_bool(struct ql_thrift *thrift, bool value);
void ql_thrift_add_i32(struct ql_thrift *thrift, int32_t value);
void ql_thrift_add_i64(struct ql_thrift *thrift, int64_t value);
void ql_thrift_add_binary(struct ql_thrift *thrift, struct ql_str value);
/** A struct as element; close it with ql_thrift_end_struct. */
void ql_thrift_begin_element(struct ql_thrift *thrift);

/** An unsigned LEB128 number, as Thrift and Parquet's hybrid runs have them. */
void ql_varint_put(struct ql_buf *out, uint64_t value);

#endif
