/** Files and standard input as struct ql_parquet_input. */
#ifndef QL_INSPECT_INPUT_H
#define QL_INSPECT_INPUT_H

#include "parquet/read.h"

/** Zero-initialise. What cannot be read from anywhere (a pipe) waits in a file without a name in temp_dir (empty: /tmp). */
struct ql_file_input {
    int fd; /* of the file, or of the one that waits; owned unless it is standard input */
    bool owns_fd;
    struct ql_parquet_input input; /* valid until fini */
};
/** path "-": standard input. Errors: QL_E_NO_INPUT, QL_E_IO; QL_E_USAGE if standard input is a terminal. */
QL_MUST_CHECK enum ql_status ql_file_input_open(struct ql_file_input *file, struct ql_str path, struct ql_str temp_dir,
                                                struct ql_err *err);
void ql_file_input_fini(struct ql_file_input *file);

#endif
