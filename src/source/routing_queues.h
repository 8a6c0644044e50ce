/** Queues and divisions by name: what the organization has now, asked for once a run. */
#ifndef QL_SOURCE_ROUTING_QUEUES_H
#define QL_SOURCE_ROUTING_QUEUES_H

#include "source/source_internal.h"

#include "base/mem.h"

struct ql_routing_queue {
    struct ql_str id, name, division_id, division_name;
};
/** The queues that there are now and that the client may see. */
struct ql_routing_queues {
    struct ql_routing_queue *items; /* by id */
    size_t n, cap;
    struct ql_arena arena;
};
/** All pages. */
QL_MUST_CHECK enum ql_status ql_routing_queues_load(struct ql_routing_queues *queues, struct ql_genesys *genesys,
                                                    struct ql_err *err);
void ql_routing_queues_fini(struct ql_routing_queues *queues);
/** NULL: there is none, any more. */
const struct ql_routing_queue *ql_routing_queues_find(const struct ql_routing_queues *queues, struct ql_str id);
/** The ids that are meant by names or ids; appended to *ids, which grows. E_CONFIG for a name that no queue (division) has. An
 * id is taken as it is: the queue may be deleted, and its history is still there. */
QL_MUST_CHECK enum ql_status ql_routing_queues_resolve(const struct ql_routing_queues *queues, const struct ql_str *wanted,
                                                       size_t n_wanted, bool are_divisions, struct ql_str **ids, size_t *n_ids,
                                                       struct ql_err *err);
/** 8-4-4-4-12 hexadecimal digits. */
bool ql_is_uuid(struct ql_str text);

#endif
