/**
 * How many requests a run may send: one budget for all of them, because the server counts them all together.
 *
 * The server's account of a window (inin-ratelimit-count, -allowed, -reset; a window is a minute long) comes with every answer.
 * Of what it allows, a share is ours, because other programs use the same client; within a window no more than that share is
 * sent, and nothing at all once the server's own count is at the limit or a 429 says to wait. Pure logic: the clock comes in.
 *
 * The window's end is known to the second only, and the allowed number may differ by resource: so a window never ends before
 * the latest end that was told, a new one never begins while the old one runs, and the smallest number told in it counts. Every
 * such doubt costs a little time and never a request too many.
 */
#ifndef QL_SOURCE_RATE_BUDGET_H
#define QL_SOURCE_RATE_BUDGET_H

#include "http/http.h"

struct ql_rate_budget {
    double share;          /* above 0, up to 1 */
    int64_t allowed;       /* in a window, by whatever program; 0: not known yet */
    int64_t sent;          /* by us, in the window */
    int64_t ends_ms;       /* of the window; 0: none is known */
    int64_t not_before_ms; /* the server wants nothing before */
};

void ql_rate_budget_init(struct ql_rate_budget *budget, double share);
/** 0 counts a request as sent; else how long to wait before asking again. */
int64_t ql_rate_budget_take_ms(struct ql_rate_budget *budget, int64_t now_ms, const char **reason);

/** What an answer tells; -1 for what it does not. */
struct ql_rate_answer {
    int64_t count, allowed, reset_s;
    int64_t retry_after_ms; /* of a 429 */
};
void ql_rate_budget_note(struct ql_rate_budget *budget, const struct ql_rate_answer *answer, int64_t now_ms);

/** The budget as http asks for it. */
struct ql_http_pacer ql_rate_budget_pacer(struct ql_rate_budget *budget);

#endif
