/** The answer to a query of aggregates as JSON text, made while it is sent: never more than some buckets are in memory. */
#ifndef QL_SIM_AGGREGATE_ROWS_H
#define QL_SIM_AGGREGATE_ROWS_H

#include "sim/aggregate_query.h"
#include "sim/stream.h"

/* Where a page begins. */
struct ql_sim_place {
    int64_t group, bucket;
};

struct ql_sim_page_rule {
    int64_t size;     /* results, or buckets if groups are split; INT64_MAX: everything */
    bool is_split;    /* a group goes on where the page before ended in it */
    bool has_offsets; /* intervals are written in the query's time zone */
    /** Appends the cursor that leads to a place; NULL: the answer has none. */
    void (*put_cursor)(void *ctx, struct ql_sim_place place, struct ql_buf *out);
    void *ctx; /* lives as long as the stream */
};

/**
 * {"results": [...], "cursor": "..."}. Buckets, metrics and groups without data are left out. A page that was filled has a
 * cursor even if nothing comes behind it. world and query are borrowed; is_owner: query is freed with the stream.
 */
struct ql_sim_stream *ql_sim_stream_aggregates(const struct ql_sim_world *world, struct ql_sim_aggregate_query *query,
                                               bool is_owner, struct ql_sim_place from, const struct ql_sim_page_rule *rule);

#endif
