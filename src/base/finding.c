/* Sentences become findings. */
#include "base/finding.h"

#include <stdarg.h>
#include <stdio.h>

void ql_finding_say(const struct ql_finding_sink *sink, enum ql_finding_kind kind, const char *name, const char *fmt, ...) {
    struct ql_err what = {0};
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what.message, sizeof what.message, fmt, args);
    va_end(args);
    sink->add(sink->ctx, kind, name, &what);
}

void ql_finding_warn(const struct ql_finding_sink *sink, const char *name, const char *hint, const char *fmt, ...) {
    struct ql_err what = {0};
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what.message, sizeof what.message, fmt, args);
    va_end(args);
    (void)snprintf(what.hint, sizeof what.hint, "%s", hint);
    sink->add(sink->ctx, QL_FINDING_WARNING, name, &what);
}

void ql_finding_err(const struct ql_finding_sink *sink, enum ql_finding_kind kind, const char *name,
                    const struct ql_err *what) {
    struct ql_err kept = *what;
    (void)snprintf(kept.hint, sizeof kept.hint, "%s", ql_err_get_hint(what));
    kept.status = kind == QL_FINDING_PROBLEM ? what->status : QL_OK;
    sink->add(sink->ctx, kind, name, &kept);
}
