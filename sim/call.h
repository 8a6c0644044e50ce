/** One request to the API on its way through the checks to the function that answers it. */
#ifndef QL_SIM_CALL_H
#define QL_SIM_CALL_H

#include "sim/sim.h"

struct ql_sim_call {
    struct ql_sim *sim;
    struct ql_sim_request *request;
    struct ql_sim_answer *answer;
    struct ql_str id; /* the part of the path that the route leaves open */
};

struct ql_sim_route {
    const char *method, *path; /* '*' in the path is one segment: the id */
    bool is_open;              /* no token, no rate limit */
    bool is_private;           /* no endpoint that the public SDKs have */
    const char *permission;    /* "domain:entity:action"; NULL: none is needed */
    void (*answer)(const struct ql_sim_call *call);
};
extern const struct ql_sim_route ql_sim_routes[];
extern const size_t ql_sim_n_routes;

/** What the client may do contains "domain:entity:action"; '*' there stands for any. */
bool ql_sim_may(const struct ql_sim *sim, const char *permission);

/* directory_queues.c */
void ql_sim_call_list_queues(const struct ql_sim_call *call);
void ql_sim_call_list_queue_views(const struct ql_sim_call *call);
void ql_sim_call_list_all_queue_views(const struct ql_sim_call *call);
void ql_sim_call_get_queue(const struct ql_sim_call *call);

/* directory_client.c */
void ql_sim_call_show_token(const struct ql_sim_call *call);
void ql_sim_call_show_subject(const struct ql_sim_call *call);
void ql_sim_call_show_user(const struct ql_sim_call *call);
void ql_sim_call_show_organization(const struct ql_sim_call *call);
void ql_sim_call_list_divisions(const struct ql_sim_call *call);
void ql_sim_call_list_namespaces(const struct ql_sim_call *call);
void ql_sim_call_list_limits(const struct ql_sim_call *call);
void ql_sim_call_show_limit_docs(const struct ql_sim_call *call);
void ql_sim_call_show_availability(const struct ql_sim_call *call);
void ql_sim_call_show_retention(const struct ql_sim_call *call);

#endif
