/**
 * Columns on their way from a layout to a writer of files: a schema first, then row groups, each given column by column in
 * schema order, so that a wide table is never held twice.
 */
#ifndef QL_TABLE_COLUMN_H
#define QL_TABLE_COLUMN_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum ql_column_type {
    QL_COLUMN_INT64,
    QL_COLUMN_DOUBLE,
    QL_COLUMN_TIMESTAMP_US, /* instant, UTC */
    QL_COLUMN_STRING        /* UTF-8, given as codes into a dictionary */
};

struct ql_column_def {
    struct ql_str name;
    enum ql_column_type type;
    bool is_sorted; /* rows ascend by (first sorted column, next sorted column, …); recorded in the file */
};

/** The schema and what else a file says about itself. */
struct ql_schema {
    size_t n_columns;
    const struct ql_column_def *columns;
};

/** Values of one column of one row group; borrowed for the call. */
struct ql_column {
    size_t n_rows;
    union {
        const int64_t *i64;   /* INT64, TIMESTAMP_US */
        const double *f64;    /* DOUBLE; no NaN among valid values */
        const uint32_t *code; /* STRING: index into dict */
    } v;
    const uint8_t *is_valid; /* one byte a row, 0 = NULL; NULL pointer: no NULLs. The value under a NULL is ignored. */
    const struct ql_str *dict;
    size_t n_dict; /* may hold entries that no row uses, and in any order; entries are distinct */
};

/** What a layout drives. schema once; then per row group: begin, one column call per schema column in order, end. */
struct ql_column_sink {
    enum ql_status (*schema)(void *ctx, const struct ql_schema *schema, struct ql_err *err);
    enum ql_status (*group_begin)(void *ctx, size_t n_rows, struct ql_err *err);
    enum ql_status (*column)(void *ctx, const struct ql_column *column, struct ql_err *err);
    enum ql_status (*group_end)(void *ctx, struct ql_err *err);
    void *ctx;
};

/** A key and a value for the footer of a file. */
struct ql_key_value {
    struct ql_str key, value;
};

#endif
