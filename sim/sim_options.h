/** The simulator's command line. */
#ifndef QL_SIM_OPTIONS_H
#define QL_SIM_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum ql_sim_gzip { QL_SIM_GZIP_NONE, QL_SIM_GZIP_ENCODING /* Content-Encoding */, QL_SIM_GZIP_FILE /* the object is a .gz */ };

/* Texts are the command line's own. */
struct ql_sim_options {
    uint64_t seed;
    int64_t n_queues;
    int64_t now_ms; /* INT64_MAX: everything has happened */
    int64_t settle_ms;
    const char *divisions; /* those that the client sees, separated by commas; NULL: all */
    const char *csv_path;  /* NULL: the simulated world */
    int64_t ready_after_ms, token_life_ms, link_life_s;
    int64_t rate_limit, rate_window_ms;
    int64_t job_life_ms;
    int64_t max_query_days, max_query_buckets, max_job_days, max_jobs; /* 0: no limit */
    int64_t max_report_days, max_report_bytes;                         /* 0: no limit */
    int64_t n_other_reports;
    const char *client_id, *client_secret;  /* NULL: made up */
    const char *scopes;                     /* NULL: none are stated */
    const char *permissions;                /* separated by commas; NULL: all */
    const char *log_path, *fault_plan_path; /* NULL: none */
    enum ql_sim_gzip gzip;
    uint16_t port, download_port; /* 0: any that is free */
    bool has_line_breaks;
    bool is_edge;
    bool is_public_only; /* no endpoint that the public SDKs lack */
    bool splits_groups;  /* a page of a job's results may end inside a group */
    bool zips_api;       /* answers of the API to clients that take gzip */
    bool has_offsets;    /* intervals of aggregates in the query's time zone, not in UTC */
    bool is_disabled;
    bool wants_help;
};

/** E_USAGE, with the option and what it takes. */
QL_MUST_CHECK enum ql_status ql_sim_options_read(int argc, char **argv, struct ql_sim_options *options, struct ql_err *err);
/** What --help prints, piece by piece; NULL ends it. */
extern const char *const ql_sim_options_help[];

#endif
