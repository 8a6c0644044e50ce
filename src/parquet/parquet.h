/** A Parquet file from columns: bytes go to a sink in order, so that a file can be stored while it is made. */
#ifndef QL_PARQUET_PARQUET_H
#define QL_PARQUET_PARQUET_H

#include "codec/codec.h"
#include "table/column.h"

struct ql_parquet_options {
    enum ql_codec codec;
    int level; /* zstd; 0: the default */
};

struct ql_parquet_writer;
struct ql_parquet_writer *ql_parquet_writer_new(const struct ql_parquet_options *options, struct ql_sink out);
void ql_parquet_writer_free(struct ql_parquet_writer *writer);
/** What a layout drives. Valid as long as the writer. */
struct ql_column_sink ql_parquet_writer_sink(struct ql_parquet_writer *writer);
/** Writes the footer with key-value metadata (values never absent). A schema with no row group gives a valid file of 0 rows. */
QL_MUST_CHECK enum ql_status ql_parquet_writer_finish(struct ql_parquet_writer *writer, const struct ql_key_value *metadata, size_t n_metadata,
                                                      struct ql_err *err);
int64_t ql_parquet_writer_bytes(const struct ql_parquet_writer *writer);

#endif
