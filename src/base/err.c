#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct status_row {
    enum ql_status status;
    int exit_code;
    bool retryable;
    const char *name, *meaning, *hint;
};

static const struct status_row STATUS_ROWS[] = {
#define X(name, number, exit_code, retryable, meaning, hint) {QL_##name, (exit_code), (retryable), #name, (meaning), (hint)},
    QL_STATUS_TABLE(X)
#undef X
};

static const struct status_row *status_row(enum ql_status status) {
    for (size_t i = 0; i < sizeof STATUS_ROWS / sizeof STATUS_ROWS[0]; i++) {
        if (STATUS_ROWS[i].status == status) {
            return &STATUS_ROWS[i];
        }
    }
    return status_row(QL_E_INTERNAL);
}

const char *ql_status_name(enum ql_status status) {
    return status_row(status)->name;
}
const char *ql_status_meaning(enum ql_status status) {
    return status_row(status)->meaning;
}
const char *ql_status_hint(enum ql_status status) {
    return status_row(status)->hint;
}
int ql_status_exit_code(enum ql_status status) {
    return status_row(status)->exit_code;
}
bool ql_status_is_retryable(enum ql_status status) {
    return status_row(status)->retryable;
}

QL_PRINTF(3, 0) static void set_v(struct ql_err *err, enum ql_status status, const char *fmt, va_list args) {
    memset(err, 0, sizeof *err);
    err->status = status;
    (void)vsnprintf(err->message, sizeof err->message, fmt, args);
}

enum ql_status ql_err_set(struct ql_err *err, enum ql_status status, const char *fmt, ...) {
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        set_v(err, status, fmt, args);
        va_end(args);
    }
    return status;
}

enum ql_status ql_err_set_errno(struct ql_err *err, enum ql_status status, int errnum, const char *fmt, ...) {
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        set_v(err, status, fmt, args);
        va_end(args);
        char text[128];
        const char *words = strerror_r(errnum, text, sizeof text);
        size_t len = strlen(err->message);
        (void)snprintf(err->message + len, sizeof err->message - len, ": %s", words);
    }
    return status;
}

void ql_err_wrap(struct ql_err *err, const char *fmt, ...) {
    if (err == NULL) {
        return;
    }
    char old[sizeof err->message];
    memcpy(old, err->message, sizeof old);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    size_t len = strlen(err->message);
    (void)snprintf(err->message + len, sizeof err->message - len, ": %s", old);
}

void ql_err_hint(struct ql_err *err, const char *fmt, ...) {
    if (err == NULL) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err->hint, sizeof err->hint, fmt, args);
    va_end(args);
}

const char *ql_err_get_hint(const struct ql_err *err) {
    return err->hint[0] != '\0' ? err->hint : ql_status_hint(err->status);
}
