/** What the files that make a job of settings share. */
#ifndef QL_CLI_JOB_INTERNAL_H
#define QL_CLI_JOB_INTERNAL_H

#include "cli/cli.h"

/** Which source the command has, and whether what is set is meant for it. */
QL_MUST_CHECK enum ql_status ql_cli_job_choose_source(struct ql_cli_job *job, const char *command,
                                                      const struct ql_settings *settings, struct ql_err *err);
/** The source's own options, once range and zones are known. needs_client: a client id and its secret have to be there. */
QL_MUST_CHECK enum ql_status ql_cli_job_set_source(struct ql_cli_job *job, bool needs_client, int64_t granularity_us,
                                                   const struct ql_settings *settings, struct ql_err *err);

#endif
