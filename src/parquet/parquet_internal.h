/** What tests may ask of a writer and settings may not. */
#ifndef QL_PARQUET_PARQUET_INTERNAL_H
#define QL_PARQUET_PARQUET_INTERNAL_H

#include "parquet/parquet.h"

/** As ql_parquet_writer_new with at most page_rows_max rows in a data page (0: the default), so that few rows make many pages.
 */
struct ql_parquet_writer *ql_parquet_writer_new_paged(const struct ql_parquet_options *options, size_t page_rows_max,
                                                      struct ql_sink out);

#endif
