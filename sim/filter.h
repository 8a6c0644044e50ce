/** The filter of an aggregate query: which lines of the world it lets through. */
#ifndef QL_SIM_FILTER_H
#define QL_SIM_FILTER_H

#include "sim/body_reader.h"
#include "sim/metric.h"
#include "sim/world.h"

/** A line's value of a dimension; NULL: it has none. */
const char *ql_sim_line_value(const struct ql_sim_world *world, const struct ql_sim_line *line,
                              enum ql_sim_dimension dimension);

/** Clears is_in[line] of every line that the filter keeps back. filter may be NULL. False: the answer says what is wrong. */
bool ql_sim_filter_apply(const struct ql_sim_reader *reader, const json_t *filter, const struct ql_sim_world *world,
                         bool *is_in);

#endif
