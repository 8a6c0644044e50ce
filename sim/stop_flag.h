/** The end of the program, for whoever waits: a stall of minutes ends with it. */
#ifndef QL_SIM_STOP_FLAG_H
#define QL_SIM_STOP_FLAG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct ql_sim_stop {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_set;
};

void ql_sim_stop_init(struct ql_sim_stop *stop);
void ql_sim_stop_fini(struct ql_sim_stop *stop);
void ql_sim_stop_set(struct ql_sim_stop *stop);
/** Waits so long, or until the flag is set. Returns whether it is. */
bool ql_sim_stop_wait(struct ql_sim_stop *stop, int64_t wait_ms);

#endif
