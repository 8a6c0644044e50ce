/** Everything that the requests of one simulator share. Each member guards itself, so that connections may run side by side. */
#ifndef QL_SIM_SIM_H
#define QL_SIM_SIM_H

#include "sim/aggregate_job.h"
#include "sim/export_job.h"
#include "sim/fault_rules.h"
#include "sim/rate_window.h"
#include "sim/report_job.h"
#include "sim/request_log.h"
#include "sim/sim_options.h"
#include "sim/stop_flag.h"
#include "sim/token.h"

#include <stdatomic.h>

struct ql_sim {
    const struct ql_sim_options *options;
    struct ql_sim_world world;
    struct ql_sim_tokens tokens;
    struct ql_sim_exports exports;
    struct ql_sim_reports reports;
    struct ql_sim_jobs jobs;
    struct ql_sim_links links;
    struct ql_sim_rate rate;
    struct ql_sim_faults faults;
    struct ql_sim_log log;
    struct ql_sim_stop stop;
    _Atomic uint64_t n_requests, n_connections;
    char *api_url, *download_url; /* "http://127.0.0.1:1234"; set before the first request */
};

/** Answers a request to login or API. */
void ql_sim_api_answer(struct ql_sim *sim, struct ql_sim_request *request, struct ql_sim_answer *answer);
/** Answers a request to the download host. */
void ql_sim_download_answer(struct ql_sim *sim, struct ql_sim_request *request, struct ql_sim_answer *answer);
/** Puts a fault's own answer, if it has one, into the place of the right one. */
void ql_sim_fault_answer(const struct ql_sim *sim, const struct ql_sim_request *request, struct ql_sim_answer *answer);

#endif
