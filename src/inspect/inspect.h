/**
 * What `queuelake inspect` knows of a Parquet file: its columns summed up, whether its pages hold what it says, and the
 * statements that make it a table elsewhere. The file itself is read by src/parquet/read.h.
 */
#ifndef QL_INSPECT_INSPECT_H
#define QL_INSPECT_INSPECT_H

#include "parquet/read.h"

#include <signal.h>

struct ql_json;

/* ---- a column over all row groups ---- */

struct ql_column_summary {
    int64_t raw, stored, n_values;
    int64_t null_count;     /* -1: some row group does not say */
    uint32_t encodings;     /* bits, as in ql_parquet_chunk */
    int32_t codec;          /* -1: not the same everywhere */
    struct ql_str min, max; /* PLAIN bytes; ptr NULL: some row group with values does not say, or they have no order */
};
/** One for each column of the file. The caller frees the array (ql_mem_free); its views are the file's. */
struct ql_column_summary *ql_column_summaries(const struct ql_parquet_file *file);

/** Whether values of the column have an order that statistics can be held against. */
bool ql_value_has_order(const struct ql_parquet_column *column);
/** Order of two values given as PLAIN bytes, below 0, 0, above 0; both have the type's length, and no NaN. */
int ql_value_cmp(const struct ql_parquet_column *column, struct ql_str a, struct ql_str b);
/** Whether the bytes can be a value of the column: their length is right. */
bool ql_value_is_sound(const struct ql_parquet_column *column, struct ql_str value);
/** Appends a value as people write it: numbers, decimals, instants in ISO 8601, text; bytes that are none in hex. */
void ql_value_put(const struct ql_parquet_column *column, struct ql_str value, struct ql_buf *out);

/* ---- verification ---- */

enum { QL_VERIFY_PROBLEMS_MAX = 32 };

/** Something that is not as it must be. Counted from 0; -1: not of a row group, a column, a page, or a place. */
struct ql_verify_problem {
    int64_t group, column, page, offset;
    bool is_unsupported; /* cannot be judged: something that queuelake neither writes nor decodes */
    char message[256];
};

struct ql_verify_report {
    int64_t n_bytes, n_pages, n_values, n_nulls;
    int64_t n_pages_without_crc;
    int64_t n_bytes_unknown;                                   /* that belong to nothing the footer mentions */
    char sha256[65];                                           /* of the file; empty if it was not read to its end */
    struct ql_verify_problem problems[QL_VERIFY_PROBLEMS_MAX]; /* in the order of the file's columns */
    int64_t n_problems;                                        /* also those beyond the array */
    int64_t n_unsupported;                                     /* of them */
};

/**
 * Reads every page and holds it against its header, its chunk, its indexes and the footer: CRC, sizes, decompression, levels,
 * values, counts, least and greatest; no byte of a file of ours belongs to nothing. A file of another writer is not asked for
 * what only queuelake promises (a CRC everywhere, statistics that are exact, no byte unaccounted for).
 *
 * Problems are in the report, at most one for each chunk; an error is only what kept the file from being read.
 * Errors: whatever read_at returned, QL_E_CANCELLED.
 * Cost:   one pass over the file; memory of a dictionary and two pages (512 MiB at most each), and of the page index.
 */
QL_MUST_CHECK enum ql_status ql_verify(const struct ql_parquet_input *input, const struct ql_parquet_file *file,
                                       const volatile sig_atomic_t *is_cancelled, struct ql_verify_report *report,
                                       struct ql_err *err);
/** Makes the first problem an error: "row group 0, column 'x', page 1 (at byte 4711): ...". Only if there are some. */
enum ql_status ql_verify_fail(const struct ql_verify_report *report, const struct ql_parquet_file *file, struct ql_err *err);

/* ---- statements ---- */

enum ql_ddl_engine { QL_DDL_ATHENA, QL_DDL_SPARK, QL_DDL_DUCKDB };

struct ql_ddl_options {
    enum ql_ddl_engine engine;
    struct ql_str location;          /* where the file lies: a path or URI, from which table and partitions are taken */
    struct ql_str root;              /* the folder of all files; empty: the location without its file and partitions */
    struct ql_str table;             /* its name, may be schema.name; empty: that of the root's last folder */
    const struct ql_str *partitions; /* NAME or NAME:TYPE; none: those of the location's NAME=VALUE folders */
    size_t n_partitions;
};
/**
 * Appends the statements that make files like this one a table: types as the engine calls them, names quoted, each statement
 * ended by ";" and a line end.
 *
 * Errors: QL_E_DATA for a column that the engine has no type for, QL_E_COLLISION for names that it would take for one,
 *         QL_E_USAGE for a location that it cannot read, a name or type of a partition that cannot be.
 */
QL_MUST_CHECK enum ql_status ql_ddl_put(const struct ql_parquet_file *file, const struct ql_ddl_options *options,
                                        struct ql_buf *out, struct ql_err *err);

/* ---- JSON ---- */

/** Adds "file", "schema", "row_groups", "metadata" and, where the writer was queuelake, "queuelake" (docs/inspect.md). */
void ql_inspect_json(const struct ql_parquet_file *file, struct ql_json *root);
/** The document under "verification". */
struct ql_json *ql_verify_json(const struct ql_verify_report *report, const struct ql_parquet_file *file);

#endif
