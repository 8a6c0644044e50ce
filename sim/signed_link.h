/**
 * Links that carry their own authority, as S3's do (query-string authentication): a signature over method, path and every
 * parameter, by a key that lives as long as the process. Parameters are compared decoded and sorted, so that a client may write
 * them as it likes.
 */
#ifndef QL_SIM_SIGNED_LINK_H
#define QL_SIM_SIGNED_LINK_H

#include "sim/request.h"

#include <pthread.h>

struct ql_sim_links {
    pthread_mutex_t lock;
    unsigned char key[32];
    int64_t life_s;
    char **revoked; /* signatures that count as expired */
    size_t n_revoked, cap_revoked;
};

void ql_sim_links_init(struct ql_sim_links *links, int64_t life_s);
void ql_sim_links_fini(struct ql_sim_links *links);

/** Appends "path?X-Amz-...": another one each time. */
void ql_sim_links_sign(struct ql_sim_links *links, const char *path, struct ql_buf *out);

enum ql_sim_link_state {
    QL_SIM_LINK_GOOD,
    QL_SIM_LINK_UNSIGNED,   /* no parameter of a signature */
    QL_SIM_LINK_INCOMPLETE, /* some are missing or cannot be read */
    QL_SIM_LINK_EXPIRED,
    QL_SIM_LINK_ALTERED
};
struct ql_sim_link_check {
    enum ql_sim_link_state state;
    int64_t expires_ms; /* for EXPIRED */
    int64_t life_s;
};
struct ql_sim_link_check ql_sim_links_check(struct ql_sim_links *links, const struct ql_sim_request *request);
/** From now on the request's link counts as expired. */
void ql_sim_links_revoke(struct ql_sim_links *links, const struct ql_sim_request *request);

#endif
