/** The cursor of a job's results: a place that only the job it was made for takes back. It has characters that a URL escapes.
 */
#ifndef QL_SIM_CURSOR_H
#define QL_SIM_CURSOR_H

#include "sim/aggregate_rows.h"

void ql_sim_cursor_put(uint64_t key, struct ql_sim_place place, struct ql_buf *out);
/** False: it is no cursor, or another key's. */
bool ql_sim_cursor_parse(uint64_t key, struct ql_str text, struct ql_sim_place *place);

#endif
