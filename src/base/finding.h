/**
 * What a look at something found, on its way from the room that looked to the one that reports: fine, worth knowing, in the way
 * of a run, or not looked at. The text is that of an error (message, hint, request id), also where all is well.
 */
#ifndef QL_BASE_FINDING_H
#define QL_BASE_FINDING_H

#include "base/err.h"

enum ql_finding_kind {
    QL_FINDING_OK,
    QL_FINDING_WARNING, /* would not stop a run */
    QL_FINDING_PROBLEM, /* would; its error has a status */
    QL_FINDING_SKIPPED  /* could not or should not be looked at */
};

struct ql_finding_sink {
    /** name: a stable word for what was looked at ("permission"). */
    void (*add)(void *ctx, enum ql_finding_kind kind, const char *name, const struct ql_err *what);
    void *ctx;
};

/** Reports a sentence that is no error. */
void ql_finding_say(const struct ql_finding_sink *sink, enum ql_finding_kind kind, const char *name, const char *fmt, ...)
    QL_PRINTF(4, 5);
/** Reports a warning with what to do. */
void ql_finding_warn(const struct ql_finding_sink *sink, const char *name, const char *hint, const char *fmt, ...)
    QL_PRINTF(4, 5);
/** Reports an error, under its kind. A warning keeps the words and the id alone: it has no status. */
void ql_finding_err(const struct ql_finding_sink *sink, enum ql_finding_kind kind, const char *name, const struct ql_err *what);

#endif
