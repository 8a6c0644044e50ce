/** The metrics and dimensions of conversation aggregates: all that the API knows, and which of them the world has figures for.
 */
#ifndef QL_SIM_METRIC_H
#define QL_SIM_METRIC_H

#include "base/str.h"
#include "sim/tally.h"

enum ql_sim_metric_kind {
    QL_SIM_METRIC_EMPTY, /* the world has nothing of it */
    QL_SIM_METRIC_COUNTER,
    QL_SIM_METRIC_TIMER,
    QL_SIM_METRIC_RATIO,
    QL_SIM_METRIC_TARGET /* of the service level that the stat is of */
};

struct ql_sim_metric_row {
    const char *name;
    enum ql_sim_metric_kind kind;
    enum ql_sim_stat stat;
};
extern const struct ql_sim_metric_row ql_sim_metric_rows[];
extern const size_t ql_sim_n_metric_rows;
/** NULL: the API has no such metric. */
const struct ql_sim_metric_row *ql_sim_metric_find(struct ql_str name);
/** Appends all names with ", " between them. */
void ql_sim_metric_list(struct ql_buf *out);

enum ql_sim_dimension {
    QL_SIM_BY_QUEUE,
    QL_SIM_BY_MEDIA,
    QL_SIM_BY_DIRECTION,
    QL_SIM_BY_ORIGINATING_DIRECTION,
    QL_SIM_BY_DIVISION,
    QL_SIM_BY_MESSAGE_TYPE,
    QL_SIM_BY_OTHER /* the API knows it, the world has no value of it */
};
/** False: the API has no such dimension. */
bool ql_sim_dimension_find(struct ql_str name, enum ql_sim_dimension *dimension);
void ql_sim_dimension_list(struct ql_buf *out);
/** "queueId"; not for OTHER. */
const char *ql_sim_dimension_name(enum ql_sim_dimension dimension);

#endif
