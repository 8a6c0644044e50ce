/** The file of a reporting export, as the service writes it: made for people, so a program has to be careful. */
#ifndef QL_SIM_REPORT_CSV_H
#define QL_SIM_REPORT_CSV_H

#include "sim/report_request.h"

/**
 * Appends the file. False: it would be longer than max_bytes (0: any length). is_partial: it stops half way and says so.
 */
bool ql_sim_report_write(const struct ql_sim_world *world, const struct ql_sim_report *report, bool is_partial,
                         int64_t max_bytes, struct ql_buf *out);

#endif
