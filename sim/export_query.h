/** Reading and judging the body of POST .../conversations/exports. */
#ifndef QL_SIM_EXPORT_QUERY_H
#define QL_SIM_EXPORT_QUERY_H

#include "sim/answer.h"
#include "sim/world_csv.h"

/** False: answer says what is wrong, with the code and the field. */
bool ql_sim_export_query_read(const struct ql_sim_request *request, struct ql_sim_query *query, struct ql_sim_answer *answer);

#endif
