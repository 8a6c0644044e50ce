/**
 * `queuelake check`: everything that could stop a run, looked at before it runs. Looks create nothing and change nothing, but
 * for a test object in S3 where that is asked for, and temporary files that are gone at once.
 */
#ifndef QL_RUN_CHECK_ACCESS_H
#define QL_RUN_CHECK_ACCESS_H

#include "base/finding.h"
#include "run/run.h"

struct ql_access_request {
    const struct ql_run_options *options; /* of the run that is meant */
    const struct ql_err *destination_err; /* why the settings lead to no destination; NULL: they do */
    bool writes;                          /* put a small object into S3 and delete it */
};

struct ql_access_line {
    enum ql_finding_kind kind;
    const char *name;   /* "clock", "login", "permission", ...; several lines may have one name */
    struct ql_err what; /* the sentence, what to do, the id; a status for problems alone */
};

struct ql_access_report {
    struct ql_access_line *lines;
    size_t n, cap;
};

/** Every look that can be made is made, also after one that failed. report is initialised here; fini in every case. */
void ql_check_access(const struct ql_access_request *request, struct ql_access_report *report);
void ql_access_report_fini(struct ql_access_report *report);
/** What would stop the run first; NULL: nothing. */
const struct ql_err *ql_access_report_problem(const struct ql_access_report *report);

#endif
