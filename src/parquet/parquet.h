/** A Parquet file from columns: bytes go to a sink in order, so that a file can be stored while it is made. */
#ifndef QL_PARQUET_PARQUET_H
#define QL_PARQUET_PARQUET_H

#include "codec/codec.h"
#include "table/column.h"

/**
 * MODERN tries DELTA_BINARY_PACKED, DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY and, where doubles are no scaled integers,
 * BYTE_STREAM_SPLIT, and takes what makes a column more than a percent smaller. Not for pyarrow up to 2, Power BI, Spark before
 * 3.3, nor fastparquet, which (2026.9.0) refuses most of them and reads wide deltas wrongly without saying so.
 */
enum ql_parquet_compat {
    QL_PARQUET_BROAD, /* PLAIN and dictionary only: every reader */
    QL_PARQUET_MODERN
};

struct ql_cpu;

struct ql_parquet_options {
    enum ql_parquet_compat compat;
    const struct ql_cpu *cpu; /* read by new; NULL: portable code. It decides about speed alone. */
    enum ql_codec codec;
    int level;        /* zstd; 0: the default */
    size_t n_threads; /* that encode columns; 0: as many as there are processors */
};

struct ql_parquet_writer;
/**
 * Options are copied. The bytes depend on compat, codec and level, schema, row groups and metadata alone: not on the number of
 * threads, the processor, or the form in which columns come.
 *
 * Cost: a thread holds one column and its encoded chunk (two while the first row group decides how a column is stored); beside
 * them wait at most two encoded chunks a thread, 16 where there are many columns, all of a row group where there are up to 64.
 * About 150 bytes for each chunk written are kept for the footer.
 */
struct ql_parquet_writer *ql_parquet_writer_new(const struct ql_parquet_options *options, struct ql_sink out);
void ql_parquet_writer_free(struct ql_parquet_writer *writer);
/**
 * What a layout drives. Valid as long as the writer. The schema is copied; a row group of 0 rows is accepted and not written.
 * Columns are encoded by several threads; the sink of bytes is called by one at a time, yet not always by the same.
 *
 * Errors: QL_E_COLLISION for two columns of one name; QL_E_INTERNAL for calls out of order, an empty name, no column, a column
 *         of another length than its row group; QL_E_LIMIT for what Parquet cannot count (2^31 rows in a group, 2 GiB in a
 *         page); whatever the sink returned. After an error only free is of use.
 */
struct ql_column_sink ql_parquet_writer_sink(struct ql_parquet_writer *writer);
/** Writes the footer with key-value metadata (values never absent). A schema with no row group gives a valid file of 0 rows. */
QL_MUST_CHECK enum ql_status ql_parquet_writer_finish(struct ql_parquet_writer *writer, const struct ql_key_value *metadata,
                                                      size_t n_metadata, struct ql_err *err);
/** Bytes of the file so far, whether the sink has them yet or not. */
int64_t ql_parquet_writer_bytes(const struct ql_parquet_writer *writer);

#endif
