/** The schema of a footer, read: part of src/parquet/read.h. */
#ifndef QL_PARQUET_READ_SCHEMA_H
#define QL_PARQUET_READ_SCHEMA_H

#include "parquet/read.h"
#include "parquet/thrift_read.h"

/** Takes the list of SchemaElement and makes columns of its leaves. What cannot be breaks the reader. */
void ql_parquet_schema_read(struct ql_thrift_in *in, const struct ql_thrift_field *field, struct ql_parquet_file *file);

#endif
