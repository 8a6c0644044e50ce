/**
 * Writes an answer to the socket by hand, with the flaws that a fault asks for and that a library which keeps to HTTP cannot be
 * made to send. The connection is over afterwards: the caller closes it without a word of its own.
 */
#ifndef QL_SIM_WIRE_H
#define QL_SIM_WIRE_H

#include "sim/answer.h"
#include "sim/stop_flag.h"

/** request->fault is set. fd stays the caller's; after a reset it is another, unconnected socket. */
void ql_sim_wire_send(int fd, const struct ql_sim_request *request, struct ql_sim_answer *answer, struct ql_sim_stop *stop);

/** How many bytes of body the client will be sent, with or without a fault; -1: not known. */
int64_t ql_sim_wire_body_bytes(const struct ql_sim_request *request, const struct ql_sim_answer *answer);

#endif
