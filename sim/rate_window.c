#include "sim/rate_window.h"

void ql_sim_rate_init(struct ql_sim_rate *rate, int64_t allowed, int64_t window_ms) {
    *rate = (struct ql_sim_rate){.allowed = allowed, .window_ms = window_ms};
    (void)pthread_mutex_init(&rate->lock, NULL);
}

void ql_sim_rate_fini(struct ql_sim_rate *rate) {
    (void)pthread_mutex_destroy(&rate->lock);
}

struct ql_sim_rate_state ql_sim_rate_count(struct ql_sim_rate *rate, enum ql_sim_caller caller, int64_t now_ms) {
    (void)pthread_mutex_lock(&rate->lock);
    int64_t *start_ms = &rate->windows[caller].start_ms;
    int64_t *count = &rate->windows[caller].count;
    if (*count == 0 || now_ms - *start_ms >= rate->window_ms) {
        *start_ms = now_ms;
        *count = 0;
    }
    bool is_over = *count >= rate->allowed;
    *count += is_over ? 0 : 1;
    struct ql_sim_rate_state state = {
        .count = *count,
        .allowed = rate->allowed,
        .reset_s = (*start_ms + rate->window_ms - now_ms + 999) / 1000,
        .is_over = is_over,
    };
    (void)pthread_mutex_unlock(&rate->lock);
    return state;
}
