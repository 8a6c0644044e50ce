/** The simulator's command line. */
#ifndef QL_SIM_OPTIONS_H
#define QL_SIM_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum ql_sim_gzip { QL_SIM_GZIP_NONE, QL_SIM_GZIP_ENCODING /* Content-Encoding */, QL_SIM_GZIP_FILE /* the object is a .gz */ };

/* Texts are the command line's own. */
struct ql_sim_options {
    uint16_t port, download_port; /* 0: any that is free */
    uint64_t seed;
    int64_t n_queues;
    bool has_line_breaks;
    const char *csv_path; /* NULL: the simulated world */
    enum ql_sim_gzip gzip;
    int64_t ready_after_ms, token_life_ms, link_life_s;
    int64_t rate_limit, rate_window_ms;
    const char *client_id, *client_secret; /* NULL: made up */
    const char *scopes;                    /* NULL: none are stated */
    const char *permissions;               /* separated by commas; NULL: all */
    bool is_disabled;
    const char *log_path, *fault_plan_path; /* NULL: none */
    bool wants_help;
};

/** E_USAGE, with the option and what it takes. */
QL_MUST_CHECK enum ql_status ql_sim_options_read(int argc, char **argv, struct ql_sim_options *options, struct ql_err *err);
/** What --help prints. */
const char *ql_sim_options_help(void);

#endif
