#include "source/rate_budget.h"

/* A window is a minute long; larger numbers are not believed, so that no answer can put a run to sleep. */
enum { MAX_WINDOW_S = 300, MAX_WAIT_MS = 60 * 60000 };
/* Ends are rounded up to a second, and answers take their time: two that differ by less are one. */
enum { BLUR_MS = 1500 };

void ql_rate_budget_init(struct ql_rate_budget *budget, double share) {
    *budget = (struct ql_rate_budget){.share = share > 0 && share < 1 ? share : 1};
}

/* Ours of what is allowed: rounded down, but one at least, or nothing would ever be done. */
static int64_t ours(const struct ql_rate_budget *budget) {
    int64_t n = (int64_t)((double)budget->allowed * budget->share + 1e-9);
    return n > 0 ? n : 1;
}

int64_t ql_rate_budget_take_ms(struct ql_rate_budget *budget, int64_t now_ms, const char **reason) {
    if (budget->ends_ms != 0 && now_ms >= budget->ends_ms) {
        budget->sent = 0;
        budget->ends_ms = 0;
        budget->allowed = 0; /* the next answer says it anew */
    }
    int64_t until_ms = budget->not_before_ms;
    *reason = "the server has no requests left for this client";
    if (budget->allowed != 0 && budget->sent >= ours(budget) && budget->ends_ms > until_ms) {
        until_ms = budget->ends_ms;
        *reason = "this run's share of the requests is used up (--rate-share)";
    }
    if (until_ms > now_ms) {
        return until_ms - now_ms;
    }
    budget->sent++;
    return 0;
}

static void note_window(struct ql_rate_budget *budget, const struct ql_rate_answer *answer, int64_t now_ms) {
    int64_t reset_s = answer->reset_s < MAX_WINDOW_S ? answer->reset_s : MAX_WINDOW_S;
    int64_t ends_ms = now_ms + reset_s * 1000;
    bool is_over = budget->ends_ms != 0 && now_ms >= budget->ends_ms - BLUR_MS;
    if (is_over && ends_ms > budget->ends_ms + BLUR_MS) {
        budget->sent = 1; /* the request that this answers is the first of a new window */
        budget->ends_ms = ends_ms;
        budget->allowed = 0;
    }
    budget->ends_ms = ends_ms > budget->ends_ms ? ends_ms : budget->ends_ms;
    if (budget->allowed == 0 || answer->allowed < budget->allowed) {
        budget->allowed = answer->allowed;
    }
    if (answer->count >= answer->allowed && ends_ms > budget->not_before_ms) {
        budget->not_before_ms = ends_ms;
    }
}

void ql_rate_budget_note(struct ql_rate_budget *budget, const struct ql_rate_answer *answer, int64_t now_ms) {
    if (answer->count >= 0 && answer->allowed > 0 && answer->reset_s >= 0) {
        note_window(budget, answer, now_ms);
    }
    if (answer->retry_after_ms > 0) {
        int64_t wait_ms = answer->retry_after_ms < MAX_WAIT_MS ? answer->retry_after_ms : MAX_WAIT_MS;
        budget->not_before_ms = now_ms + wait_ms > budget->not_before_ms ? now_ms + wait_ms : budget->not_before_ms;
    }
}

/* ---- for http */

static int64_t get_number(const struct ql_http_response *response, const char *name) {
    int64_t value;
    struct ql_str text = ql_http_response_get(response, name);
    return text.ptr != NULL && ql_str_to_i64(text, &value) && value >= 0 ? value : -1;
}

static int64_t take(void *ctx, int64_t now_ms, const char **reason) {
    return ql_rate_budget_take_ms(ctx, now_ms, reason);
}

static void note(void *ctx, const struct ql_http_response *response, int64_t now_ms) {
    const struct ql_rate_answer answer = {
        .count = get_number(response, "inin-ratelimit-count"),
        .allowed = get_number(response, "inin-ratelimit-allowed"),
        .reset_s = get_number(response, "inin-ratelimit-reset"),
        .retry_after_ms = response->status == 429 ? response->retry_after_ms : -1,
    };
    ql_rate_budget_note(ctx, &answer, now_ms);
}

struct ql_http_pacer ql_rate_budget_pacer(struct ql_rate_budget *budget) {
    return (struct ql_http_pacer){.take_ms = take, .note = note, .ctx = budget};
}
