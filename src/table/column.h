/**
 * Columns on their way from a layout to a writer of files: a schema first, then row groups. A row group comes with a source
 * that makes any of its columns when asked, so that a wide table is never held twice and columns can be encoded in parallel.
 */
#ifndef QL_TABLE_COLUMN_H
#define QL_TABLE_COLUMN_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum ql_column_type {
    QL_COLUMN_INT64,
    QL_COLUMN_DOUBLE,
    QL_COLUMN_TIMESTAMP_US, /* instant, UTC */
    QL_COLUMN_STRING,       /* UTF-8, always QL_COLUMN_CODED */
    QL_COLUMN_DECIMAL       /* exact: k / 10^scale of the definition; |k| < 10^18 */
};

/** How the values of a column are given. */
enum ql_column_form {
    QL_COLUMN_VALUES, /* v.i64 (INT64, TIMESTAMP_US; DECIMAL: k) or v.f64 (DOUBLE) */
    QL_COLUMN_CODED,  /* v.code: indices into dict (STRING) or numbers (INT64, TIMESTAMP_US) */
    QL_COLUMN_SCALED  /* v.k: INT64, DECIMAL: the number itself; DOUBLE: the double nearest to k / 10^scale */
};

struct ql_column_def {
    struct ql_str name;
    enum ql_column_type type;
    uint8_t scale;  /* DECIMAL: 0 to 18 */
    bool is_sorted; /* rows ascend by (first sorted column, next sorted column, …); recorded in the file */
};

/** The schema and what else a file says about itself. */
struct ql_schema {
    size_t n_columns;
    const struct ql_column_def *columns;
};

/** Values of one column of one row group; borrowed, see ql_column_source. */
struct ql_column {
    size_t n_rows;
    enum ql_column_form form;
    union {
        const int64_t *i64;
        const double *f64; /* no NaN among valid values */
        const uint32_t *code;
        const int32_t *k;
    } v;
    /* SCALED: */
    uint8_t scale;           /* of a DOUBLE: 0 to 9 */
    int32_t min_k, max_k;    /* no k of a valid row is outside */
    const uint8_t *is_valid; /* one byte a row, 0 = NULL; NULL pointer: no NULLs. The value under a NULL is ignored. */
    /* CODED: may hold entries that no row uses, and in any order; entries are distinct. */
    const struct ql_str *dict; /* STRING */
    const int64_t *numbers;    /* INT64, TIMESTAMP_US */
    size_t n_dict;
};

/** Memory of one thread that asks for columns, used again for each. Zero-initialise before the first. */
struct ql_column_scratch {
    void *values;
    uint8_t *is_valid;
    size_t values_cap, valid_cap;
};
/** Room for that many bytes; what was in it is lost when it grows. */
void *ql_column_scratch_values(struct ql_column_scratch *scratch, size_t size);
uint8_t *ql_column_scratch_valid(struct ql_column_scratch *scratch, size_t n_rows);
void ql_column_scratch_fini(struct ql_column_scratch *scratch);

/**
 * Other work, in small pieces, for a thread of the sink's that finds no column to begin while others still have theirs. It is
 * called from several threads at once, each with a worker number of its own below the sink's number of threads; false: there is
 * none (any more). Failures are kept by whoever gave the work. Zero: none.
 */
struct ql_spare_work {
    bool (*run)(void *ctx, size_t worker);
    void *ctx;
};

/**
 * The columns of one row group.
 *
 * fill makes *out for the column of that index in the schema. It is called from several threads at once, each with a scratch of
 * its own, in any order and any number of times, and gives the same values each time. *out is valid until the next fill with
 * the same scratch, or until the sink's group call returns.
 */
struct ql_column_source {
    void (*fill)(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out);
    void *ctx;
    struct ql_spare_work spare;
};

/** What a layout drives: schema once, then group for each row group in order. */
struct ql_column_sink {
    enum ql_status (*schema)(void *ctx, const struct ql_schema *schema, struct ql_err *err);
    enum ql_status (*group)(void *ctx, size_t n_rows, const struct ql_column_source *source, struct ql_err *err);
    void *ctx;
};

/** A key and a value for the footer of a file. */
struct ql_key_value {
    struct ql_str key, value;
};

#endif
