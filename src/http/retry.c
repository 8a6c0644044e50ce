/*
 * Which failures are worth another try, and how long to wait before it: pure functions of what happened and of a random number.
 *
 * Transient are connection errors, time-outs, cut answers, 408, 429, 502, 503 and 504, a 500 once: Genesys Cloud calls it
 * permanent, and is wrong now and then. (S3 has rules of its own, in the store.) A creating POST is another matter: after
 * anything but 429, 503 (both say that nothing was done) or a failure before its first byte, a second one could create a second
 * export.
 */
#include "http/http_internal.h"

/* A name that is not found is mostly a typing error, sometimes a resolver that starts up: three tries, not more. */
enum { MAX_UNRESOLVED_ATTEMPTS = 3 };

static bool is_transient_status(long status) {
    return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

static bool is_answer_due(enum ql_http_repeat repeat, const struct ql_attempt *attempt, const struct ql_retry_counts *counts) {
    if (attempt->retry_after_ms > QL_HTTP_LONGEST_RETRY_AFTER_MS) {
        return false;
    }
    if (repeat == QL_HTTP_REPEAT_IF_UNSENT) {
        return attempt->http_status == 429 || attempt->http_status == 503;
    }
    return is_transient_status(attempt->http_status) || (attempt->http_status == 500 && counts->n_500 <= 1);
}

enum ql_http_fault ql_retry_fault(const struct ql_attempt *attempt) {
    bool is_transient = attempt->status == QL_E_NETWORK || attempt->status == QL_E_TIMEOUT || attempt->status == QL_E_TRUNCATED;
    if (attempt->status == QL_OK) {
        return QL_HTTP_FAULT_NONE;
    }
    if (!is_transient || attempt->is_permanent || attempt->has_delivered) {
        return QL_HTTP_FAULT_FINAL;
    }
    return attempt->is_unresolved ? QL_HTTP_FAULT_UNRESOLVED : QL_HTTP_FAULT_TRANSIENT;
}

static bool is_fault_due(enum ql_http_repeat repeat, const struct ql_attempt *attempt, const struct ql_retry_counts *counts) {
    enum ql_http_fault fault = ql_retry_fault(attempt);
    if (fault == QL_HTTP_FAULT_FINAL) {
        return false;
    }
    if (fault == QL_HTTP_FAULT_UNRESOLVED && counts->attempts >= MAX_UNRESOLVED_ATTEMPTS) {
        return false;
    }
    return repeat == QL_HTTP_REPEAT_ALWAYS || !attempt->was_sent;
}

bool ql_retry_is_due(const struct ql_retry_policy *policy, enum ql_http_repeat repeat, const struct ql_attempt *attempt,
                     const struct ql_retry_counts *counts) {
    bool is_once = repeat == QL_HTTP_REPEAT_NEVER || repeat == QL_HTTP_REPEAT_BY_CALLER;
    if (is_once || counts->attempts >= policy->max_attempts) {
        return false;
    }
    return attempt->status == QL_OK ? is_answer_due(repeat, attempt, counts) : is_fault_due(repeat, attempt, counts);
}

int64_t ql_retry_wait_ms(const struct ql_retry_policy *policy, int attempts, const struct ql_attempt *attempt,
                         uint64_t random) {
    int64_t w = policy->base_ms < policy->cap_ms ? policy->base_ms : policy->cap_ms;
    for (int i = 1; i < attempts && w < policy->cap_ms; i++) {
        w = w > policy->cap_ms / 2 ? policy->cap_ms : w * 2;
    }
    int64_t half = w / 2;
    int64_t wait = half + (int64_t)(random % (uint64_t)(w - half + 1));
    if (attempt->status == QL_OK && attempt->retry_after_ms >= 0) {
        return wait > attempt->retry_after_ms ? wait : attempt->retry_after_ms;
    }
    if (attempt->status == QL_OK && attempt->http_status == 429 && wait < policy->rate_wait_ms) {
        return policy->rate_wait_ms;
    }
    return wait;
}
