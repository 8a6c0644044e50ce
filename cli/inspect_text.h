/** A Parquet file in lines for people, at most 100 columns wide. */
#ifndef QL_CLI_INSPECT_TEXT_H
#define QL_CLI_INSPECT_TEXT_H

#include "inspect/inspect.h"

/** is_long: every column, row group and queue, not only the first ones. What the file says cannot steer a terminal. */
void ql_cli_inspect_put_text(struct ql_str name, const struct ql_parquet_file *file, bool is_long, struct ql_buf *out);
void ql_cli_inspect_put_report(const struct ql_verify_report *report, const struct ql_parquet_file *file, struct ql_buf *out);

#endif
