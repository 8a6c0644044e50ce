/** Conversation aggregates: the query that is answered at once, and the jobs whose results are fetched page by page. */
#ifndef QL_SIM_AGGREGATE_JOB_H
#define QL_SIM_AGGREGATE_JOB_H

#include "sim/aggregate_rows.h"

#include <pthread.h>

struct ql_sim_job;
struct ql_sim_jobs {
    pthread_mutex_t lock;
    struct ql_sim_job *newest; /* each stays where it is until fini */
    uint64_t n_created;
    uint64_t seed;
    const struct ql_sim_world *world;
    int64_t ready_after_ms, life_ms;
    struct ql_sim_aggregate_limits query_limits, job_limits;
    int64_t max_running; /* 0: any number */
    bool is_split, has_offsets;
};

void ql_sim_jobs_init(struct ql_sim_jobs *jobs);
void ql_sim_jobs_fini(struct ql_sim_jobs *jobs);

/** POST .../aggregates/query */
void ql_sim_aggregates_query(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_sim_answer *answer);
/** POST .../aggregates/jobs */
void ql_sim_jobs_create(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_sim_answer *answer);
/** GET and DELETE .../aggregates/jobs/{id} */
void ql_sim_jobs_get(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_str id,
                     struct ql_sim_answer *answer);
void ql_sim_jobs_cancel(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_str id,
                        struct ql_sim_answer *answer);
/** GET .../aggregates/jobs/{id}/results */
void ql_sim_jobs_results(struct ql_sim_jobs *jobs, const struct ql_sim_request *request, struct ql_str id,
                         struct ql_sim_answer *answer);

#endif
