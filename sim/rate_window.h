/** The API's rate limit: so many requests of a client in a window of time that begins with its first request. */
#ifndef QL_SIM_RATE_WINDOW_H
#define QL_SIM_RATE_WINDOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Requests without a token that is known share a window of their own, as they belong to no client. */
enum ql_sim_caller { QL_SIM_CALLER_UNKNOWN, QL_SIM_CALLER_CLIENT, QL_SIM_N_CALLERS };

struct ql_sim_rate {
    pthread_mutex_t lock;
    int64_t allowed, window_ms;
    struct {
        int64_t start_ms, count;
    } windows[QL_SIM_N_CALLERS];
};

struct ql_sim_rate_state {
    int64_t count, allowed;
    int64_t reset_s; /* until the window ends, rounded up: at least 1 */
    bool is_over;    /* the request came above the limit and was not counted */
};

void ql_sim_rate_init(struct ql_sim_rate *rate, int64_t allowed, int64_t window_ms);
void ql_sim_rate_fini(struct ql_sim_rate *rate);
struct ql_sim_rate_state ql_sim_rate_count(struct ql_sim_rate *rate, enum ql_sim_caller caller, int64_t now_ms);

#endif
