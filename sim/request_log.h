/**
 * The log for tests: one line of JSON a request, on disk before the first byte of the answer leaves, so that whoever has seen
 * an answer finds its line. Secrets are masked: what authorizes, and the parameters of a signed link that do.
 */
#ifndef QL_SIM_REQUEST_LOG_H
#define QL_SIM_REQUEST_LOG_H

#include "sim/answer.h"

#include <pthread.h>

struct ql_sim_log {
    pthread_mutex_t lock;
    int fd; /* -1: no log */
    int64_t start_ms;
};

/** path NULL: no log. E_CANNOT_CREATE. */
QL_MUST_CHECK enum ql_status ql_sim_log_open(struct ql_sim_log *log, const char *path, int64_t start_ms, struct ql_err *err);
void ql_sim_log_close(struct ql_sim_log *log);
/** sent_bytes: of the body as it will be sent; -1 where that is not known. */
void ql_sim_log_write(struct ql_sim_log *log, const struct ql_sim_request *request, const struct ql_sim_answer *answer,
                      int64_t sent_bytes);

#endif
