/** Numbers as text, faster than printf: an answer has millions of them. */
#ifndef QL_SIM_NUMBER_H
#define QL_SIM_NUMBER_H

#include "base/str.h"

/** value >= 0 */
void ql_sim_put_number(struct ql_buf *out, int64_t value);
/** A number of so many decimals, given in units of the last one. */
void ql_sim_put_fixed(struct ql_buf *out, int64_t scaled, int decimals);

#endif
