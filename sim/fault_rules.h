/** A fault plan at work: which fault, if any, a request meets. */
#ifndef QL_SIM_FAULT_RULES_H
#define QL_SIM_FAULT_RULES_H

#include "sim/fault_plan.h"

#include <pthread.h>

struct ql_sim_faults {
    pthread_mutex_t lock;
    struct ql_sim_rule *rules;
    size_t n_rules;
};

/** path NULL: no plan. Errors: as ql_sim_fault_plan_read; fini is right in every case. */
QL_MUST_CHECK enum ql_status ql_sim_faults_init(struct ql_sim_faults *faults, const char *path, struct ql_err *err);
void ql_sim_faults_fini(struct ql_sim_faults *faults);

/**
 * Notes in the request the fault of the first rule that matches and is due, and counts it. A request counts for the `skip` of
 * every rule that matches it, up to the one that fires.
 */
void ql_sim_faults_pick(struct ql_sim_faults *faults, struct ql_sim_request *request);

#endif
