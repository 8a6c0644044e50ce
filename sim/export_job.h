/** The contract analytics/conversations/exports: create, look, list. */
#ifndef QL_SIM_EXPORT_JOB_H
#define QL_SIM_EXPORT_JOB_H

#include "sim/answer.h"
#include "sim/signed_link.h"
#include "sim/world_csv.h"

#include <pthread.h>

struct ql_sim_export;
struct ql_sim_exports {
    pthread_mutex_t lock;
    struct ql_sim_export *items; /* in the order of their creation */
    size_t n, cap;
    uint64_t seed;
    int64_t ready_after_ms;
    struct ql_sim_links *links;  /* borrowed */
    const char *download_suffix; /* ".csv" or ".csv.gz" */
    char *download_url;          /* the download host's base; set once it is known */
};

void ql_sim_exports_init(struct ql_sim_exports *exports);
void ql_sim_exports_fini(struct ql_sim_exports *exports);

void ql_sim_exports_create(struct ql_sim_exports *exports, const struct ql_sim_request *request, struct ql_sim_answer *answer);
void ql_sim_exports_list(struct ql_sim_exports *exports, const struct ql_sim_request *request, struct ql_sim_answer *answer);
void ql_sim_exports_get(struct ql_sim_exports *exports, const struct ql_sim_request *request, struct ql_str id,
                        struct ql_sim_answer *answer);

/** What an export asked for; false: there is no such export. */
bool ql_sim_exports_find(struct ql_sim_exports *exports, struct ql_str id, struct ql_sim_query *query);
/** The length of its content, as it is or as gzip, once it was measured; -1 before. */
int64_t ql_sim_exports_get_size(struct ql_sim_exports *exports, struct ql_str id, bool is_gzip);
void ql_sim_exports_set_size(struct ql_sim_exports *exports, struct ql_str id, bool is_gzip, int64_t size_bytes);

#endif
