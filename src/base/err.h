/**
 * One error, as a value: what failed, where, what to do.
 *
 * A function that can fail returns `enum ql_status` and takes `struct ql_err *err` last (may be NULL, untouched on success).
 * QL_FAIL makes an error, QL_TRY hands one on, ql_err_wrap says what was being done. Messages begin in lower case with what
 * failed, quote the subject in single quotes, and carry no full stop and no secret. No thread-local, no allocation.
 */
#ifndef QL_BASE_ERR_H
#define QL_BASE_ERR_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define QL_MUST_CHECK __attribute__((warn_unused_result))
#define QL_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

struct ql_err {
    enum ql_status status;
    char message[768];    /* what failed */
    char hint[384];       /* what to do; empty: the status's own hint */
    char request_id[128]; /* ININ-Correlation-Id or x-amz-request-id, if the other side gave one */
    long http_status;     /* 0: none */
    int64_t row;          /* line of the input, counted from 1, the header being line 1; 0: none */
    int64_t byte_offset;  /* offset of that line in the (decoded) input; -1 or 0: none */
    char column[128];     /* the column's name as the input spells it */
};

/** Makes an error and evaluates to its status, so that it can be returned. */
#define QL_FAIL(err, status, ...) ql_err_set((err), (status), __VA_ARGS__)

/** Returns from the calling function if the expression fails. Not between an allocation and the point that records its owner.
 */
#define QL_TRY(expr)                            \
    do {                                        \
        enum ql_status ql_try_status_ = (expr); \
        if (ql_try_status_ != QL_OK) {          \
            return ql_try_status_;              \
        }                                       \
    } while (0)

/** Clears err, sets status and message, returns status. */
enum ql_status ql_err_set(struct ql_err *err, enum ql_status status, const char *fmt, ...) QL_PRINTF(3, 4);
/** As ql_err_set with "<message>: <text of errno>". */
enum ql_status ql_err_set_errno(struct ql_err *err, enum ql_status status, int errnum, const char *fmt, ...) QL_PRINTF(4, 5);
/** Puts "<context>: " before the message. */
void ql_err_wrap(struct ql_err *err, const char *fmt, ...) QL_PRINTF(2, 3);
/** Says what to do; replaces an earlier hint. */
void ql_err_hint(struct ql_err *err, const char *fmt, ...) QL_PRINTF(2, 3);
/** The error's own hint, else that of its status. */
const char *ql_err_get_hint(const struct ql_err *err);

#endif
