/** One listening port (libmicrohttpd): reads requests, hands them to API or download host, sends what comes back. */
#ifndef QL_SIM_SERVER_H
#define QL_SIM_SERVER_H

#include "sim/sim.h"

struct MHD_Daemon;
struct ql_sim_server {
    struct ql_sim *sim;
    enum ql_sim_host host;
    int listen_fd;
    uint16_t port;
    struct MHD_Daemon *daemon;
};

/** Takes the port (0: any that is free) on 127.0.0.1; connections wait until run. E_SYSTEM. */
QL_MUST_CHECK enum ql_status ql_sim_server_bind(struct ql_sim_server *server, struct ql_sim *sim, enum ql_sim_host host,
                                                uint16_t port, struct ql_err *err);
/** Answers from now on, each connection in a thread of its own. E_SYSTEM. */
QL_MUST_CHECK enum ql_status ql_sim_server_run(struct ql_sim_server *server, struct ql_err *err);
/** Ends all connections. Right at any time after bind was called; the stop flag should be set before. */
void ql_sim_server_stop(struct ql_sim_server *server);

#endif
