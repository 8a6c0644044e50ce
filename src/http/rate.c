/*
 * Genesys Cloud's own account of the rate limit: each answer says how many requests of the window are used
 * (inin-ratelimit-count), how many are allowed (-allowed; it differs by resource, so it is never assumed) and in how many
 * seconds the window ends (-reset). Once all are used, the next request would only earn a 429, so it waits for the new window.
 */
#include "http/http_internal.h"

#include "base/mem.h"

enum { MAX_WINDOW_S = 300 /* windows are a minute long; a larger number is not believed */ };

static bool get_number(const struct ql_http_response *response, const char *name, int64_t *value) {
    struct ql_str text = ql_http_response_get(response, name);
    return text.ptr != NULL && ql_str_to_i64(text, value) && *value >= 0;
}

static struct ql_rate_budget *budget_of(struct ql_http *http, const char *host) {
    for (size_t i = 0; i < http->n_budgets; i++) {
        if (strcmp(http->budgets[i].host, host) == 0) {
            return &http->budgets[i];
        }
    }
    QL_MEM_GROW(http->budgets, http->cap_budgets, http->n_budgets + 1);
    struct ql_rate_budget *budget = &http->budgets[http->n_budgets++];
    *budget = (struct ql_rate_budget){.host = ql_mem_strdup(host)};
    return budget;
}

void ql_rate_note(struct ql_http *http, const struct ql_url *url, const struct ql_http_response *response, int64_t now_ms) {
    int64_t count;
    int64_t allowed;
    int64_t reset_s;
    if (!get_number(response, "inin-ratelimit-count", &count) || !get_number(response, "inin-ratelimit-allowed", &allowed) ||
        !get_number(response, "inin-ratelimit-reset", &reset_s) || allowed == 0) {
        return;
    }
    reset_s = reset_s < MAX_WINDOW_S ? reset_s : MAX_WINDOW_S;
    budget_of(http, url->authority)->not_before_ms = count >= allowed ? now_ms + reset_s * 1000 : 0;
}

int64_t ql_rate_wait_ms(const struct ql_http *http, const struct ql_url *url, int64_t now_ms) {
    for (size_t i = 0; i < http->n_budgets; i++) {
        if (strcmp(http->budgets[i].host, url->authority) == 0) {
            int64_t wait = http->budgets[i].not_before_ms - now_ms;
            return wait > 0 ? wait : 0;
        }
    }
    return 0;
}
