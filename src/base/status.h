/**
 * Every way an operation can end, in one table: name, exit code (sysexits), whether running again may help, what to do.
 *
 * The enum, the exit code of the program, the default hint of an error and docs/errors.md come from this table.
 * Values are grouped by decades and never renumbered.
 */
#ifndef QL_BASE_STATUS_H
#define QL_BASE_STATUS_H

#include <stdbool.h>

/* X(name, number, exit code, retryable, "what it means", "what to do") */
#define QL_STATUS_TABLE(X)                                                                                               \
    X(OK, 0, 0, false, "done", "")                                                                                       \
    X(E_USAGE, 1, 64, false, "wrong use of the command line", "see 'queuelake help'")                                    \
    X(E_CONFIG, 2, 78, false, "wrong or missing setting",                                                                \
      "correct the setting; 'queuelake config' shows where each comes from")                                             \
    X(E_INTERNAL, 3, 70, false, "a bug in queuelake", "please report it with the command and this message")              \
    X(E_SYSTEM, 4, 71, false, "the operating system refused", "see the system's own words in the message")               \
    X(E_IO, 5, 74, false, "reading or writing failed", "check the disk and the file, then run again")                    \
    X(E_NO_INPUT, 6, 66, false, "an input file is missing or cannot be read", "check the path and its permissions")      \
    X(E_CANCELLED, 7, 130, true, "stopped by a signal", "run again; nothing half-written was published")                 \
    X(E_LIMIT, 8, 65, false, "a safety limit was reached", "raise the named limit if the data are right")                \
    X(E_DATA, 10, 65, false, "the input is not what was expected", "look at the input where the message points")         \
    X(E_BAD_ROW, 11, 65, false, "a row cannot be read", "correct the row, or use --on-bad-row skip or quarantine")       \
    X(E_NO_COLUMN, 12, 65, false, "a needed column is missing",                                                          \
      "name the column in 'aliases' of the configuration, or export it")                                                 \
    X(E_COLLISION, 13, 65, false, "two columns would have one name", "rename one of them, or use --names raw")           \
    X(E_ENCODING, 14, 65, false, "text is not in the expected encoding", "name the encoding with --encoding")            \
    X(E_COMPRESSED, 15, 65, false, "a compressed stream is damaged or cut", "get the file again")                        \
    X(E_OVERFLOW, 16, 65, false, "a sum does not fit its type", "look at the named cell's input")                        \
    X(E_OVERLAP, 17, 65, false, "two inputs mention one cell", "say --overlap sum or --overlap last")                    \
    X(E_NETWORK, 30, 75, true, "no connection", "check network, proxy and host name, then run again")                    \
    X(E_TIMEOUT, 31, 75, true, "the other side took too long", "run again later, or raise the time-out")                 \
    X(E_TLS, 32, 76, false, "the TLS connection cannot be trusted",                                                      \
      "check the host name, or name the right CA with --ca-file")                                                        \
    X(E_TRUNCATED, 33, 75, true, "a body ended early", "run again")                                                      \
    X(E_PROTOCOL, 34, 76, false, "the other side answered what it should not", "check that the host is the right one")   \
    X(E_RATE, 35, 75, true, "too many requests", "run again later, or lower the rate")                                   \
    X(E_SERVER, 36, 75, true, "the server failed", "run again later; give the id to its support if it stays")            \
    X(E_REFUSED_URL, 37, 76, false, "an address that must not be used", "see the named setting if the address is right") \
    X(E_AUTH, 40, 77, false, "the credentials were refused", "check client id, secret and region")                       \
    X(E_PERMISSION, 41, 77, false, "a permission is missing", "grant the named permission")                              \
    X(E_EXPORT_FAILED, 42, 69, false, "the export failed at the server", "see the server's words, then run again")       \
    X(E_EXPORT_UNSURE, 43, 75, true, "an export may or may not exist", "look for it before running again")               \
    X(E_DEADLINE, 44, 75, true, "the deadline passed", "run again, or raise --deadline")                                 \
    X(E_LINK_EXPIRED, 45, 75, true, "the download link has expired", "run again")                                        \
    X(E_CANNOT_CREATE, 50, 73, false, "the destination cannot be created", "check that it exists and may be written")    \
    X(E_NO_BUCKET, 51, 73, false, "the bucket does not exist", "create the bucket or correct its name and region")       \
    X(E_S3_DENIED, 52, 77, false, "S3 refused the request", "grant the named action on the named resource")              \
    X(E_S3, 53, 69, false, "S3 answered with an error", "see its code in the message")                                   \
    X(E_EXISTS, 54, 73, false, "something is at the destination already", "say --if-exists replace, version or skip")

enum ql_status {
#define X(name, number, exit_code, retryable, meaning, hint) QL_##name = (number),
    QL_STATUS_TABLE(X)
#undef X
};

/** The status as written in the documents, without the prefix: "E_RATE". */
const char *ql_status_name(enum ql_status status);
/** What the status means, in a few words. */
const char *ql_status_meaning(enum ql_status status);
/** What to do, where the error itself has no better advice. */
const char *ql_status_hint(enum ql_status status);
int ql_status_exit_code(enum ql_status status);
bool ql_status_is_retryable(enum ql_status status);

#endif
