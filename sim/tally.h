/** Sums over some atoms: the few that every export shows, and the statistics of single metrics. */
#ifndef QL_SIM_TALLY_H
#define QL_SIM_TALLY_H

#include <stdint.h>

struct ql_sim_cell {
    int64_t offered, answered, abandoned;
    int64_t in_sla;             /* answered within the service level; the level's denominator is answered + abandoned */
    int64_t handled, handle_ms; /* by when the handling ended */
};

/* What is told apart. A timer has all members, a counter the count alone; of SERVICE_LEVEL count is the numerator and sum the
 * denominator. */
enum ql_sim_stat {
    QL_SIM_STAT_OFFERED,
    QL_SIM_STAT_CONNECTED,
    QL_SIM_STAT_CONVERSATIONS,
    QL_SIM_STAT_TRANSFERRED,
    QL_SIM_STAT_OVER_SLA,
    QL_SIM_STAT_OUTBOUND,
    QL_SIM_STAT_CALLBACK_SCHEDULED,
    QL_SIM_STAT_ANSWERED,
    QL_SIM_STAT_ABANDON,
    QL_SIM_STAT_SHORT_ABANDON,
    QL_SIM_STAT_FLOW_OUT,
    QL_SIM_STAT_WAIT,
    QL_SIM_STAT_HANDLE,
    QL_SIM_STAT_TALK,
    QL_SIM_STAT_HELD,
    QL_SIM_STAT_ACW,
    QL_SIM_STAT_SERVICE_LEVEL,
    QL_SIM_STAT_CALLBACK_SERVICE_LEVEL,
    QL_SIM_N_STATS
};

struct ql_sim_tally {
    int64_t count, sum, min, max; /* min and max mean something from one count on */
};

static inline void ql_sim_tally_add(struct ql_sim_tally *tally, int64_t value) {
    tally->min = tally->count == 0 || value < tally->min ? value : tally->min;
    tally->max = tally->count == 0 || value > tally->max ? value : tally->max;
    tally->sum += value;
    tally->count++;
}

#endif
