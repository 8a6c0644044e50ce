#include "sim/stop_flag.h"

#include <time.h>

void ql_sim_stop_init(struct ql_sim_stop *stop) {
    *stop = (struct ql_sim_stop){0};
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&stop->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&stop->lock, NULL);
}

void ql_sim_stop_fini(struct ql_sim_stop *stop) {
    (void)pthread_cond_destroy(&stop->changed);
    (void)pthread_mutex_destroy(&stop->lock);
}

void ql_sim_stop_set(struct ql_sim_stop *stop) {
    (void)pthread_mutex_lock(&stop->lock);
    stop->is_set = true;
    (void)pthread_cond_broadcast(&stop->changed);
    (void)pthread_mutex_unlock(&stop->lock);
}

bool ql_sim_stop_wait(struct ql_sim_stop *stop, int64_t wait_ms) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + wait_ms % 1000 * 1000000;
    until.tv_sec += (time_t)(wait_ms / 1000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    (void)pthread_mutex_lock(&stop->lock);
    while (!stop->is_set && pthread_cond_timedwait(&stop->changed, &stop->lock, &until) == 0) {
    }
    bool is_set = stop->is_set;
    (void)pthread_mutex_unlock(&stop->lock);
    return is_set;
}
