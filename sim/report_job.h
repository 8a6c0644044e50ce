/** The reporting exports: create, list, look, change, delete, what the views know, and the way to the file. */
#ifndef QL_SIM_REPORT_JOB_H
#define QL_SIM_REPORT_JOB_H

#include "sim/report_request.h"
#include "sim/signed_link.h"

#include <pthread.h>

struct ql_sim_report_job;
struct ql_sim_reports {
    pthread_mutex_t lock;
    struct ql_sim_report_job *items; /* in the order of their creation */
    size_t n, cap;
    uint64_t seed;
    const struct ql_sim_world *world;
    struct ql_sim_links *links; /* borrowed */
    int64_t ready_after_ms;
    int64_t max_bytes, max_interval_ms; /* what is larger or longer fails; 0: no limit */
    int64_t n_others;                   /* exports that were there before and come first in the list */
    char *api_url, *download_url;       /* bases; set once they are known */
};

void ql_sim_reports_init(struct ql_sim_reports *reports);
void ql_sim_reports_fini(struct ql_sim_reports *reports);

void ql_sim_reports_create(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_sim_answer *answer);
void ql_sim_reports_list(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_sim_answer *answer);
void ql_sim_reports_list_views(const struct ql_sim_request *request, struct ql_sim_answer *answer);
void ql_sim_reports_get(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_str id,
                        struct ql_sim_answer *answer);
void ql_sim_reports_patch(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_str id,
                          struct ql_sim_answer *answer);
void ql_sim_reports_delete(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_str id,
                           struct ql_sim_answer *answer);

/** GET /api/v2/downloads/{id}: a redirect to a signed link, or the link as JSON. */
void ql_sim_reports_show_download(struct ql_sim_reports *reports, const struct ql_sim_request *request, struct ql_str id,
                                  struct ql_sim_answer *answer);
/** The file of a download, as a stream of its own; NULL: there is none. */
struct ql_sim_stream *ql_sim_reports_open_file(struct ql_sim_reports *reports, struct ql_str download_id);

#endif
