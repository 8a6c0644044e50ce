/** One request as it arrived, without the HTTP library that read it. */
#ifndef QL_SIM_REQUEST_H
#define QL_SIM_REQUEST_H

#include "base/str.h"
#include "sim/prng.h"

#include <stdbool.h>
#include <stdint.h>

enum ql_sim_host { QL_SIM_HOST_API, QL_SIM_HOST_DOWNLOAD };
const char *ql_sim_host_name(enum ql_sim_host host);

/* The gateway takes no more (request.bytes.max of the platform's limits). */
enum { QL_SIM_MAX_REQUEST_BYTES = 512000 };

struct ql_sim_header {
    char *name, *value;
};

struct ql_sim_fault;

struct ql_sim_request {
    enum ql_sim_host host;
    uint64_t number;     /* of the process, from 1 */
    uint64_t connection; /* of the process, from 1: requests on one kept-alive connection have the same */
    int64_t time_ms;     /* monotonic, of its arrival */
    char *method;
    char *target;              /* as in the request line; owns path and query */
    struct ql_str path, query; /* as sent, before any decoding; query without '?' */
    struct ql_sim_header *headers;
    size_t n_headers, cap_headers;
    struct ql_buf body;
    int64_t body_bytes;               /* also what was read and thrown away above the limit */
    char id[QL_SIM_UUID_SIZE];        /* ININ-Correlation-Id, or what S3 calls its request id */
    uint64_t token_number;            /* which of the tokens it carried, from 1; 0: none that is known */
    const struct ql_sim_fault *fault; /* NULL: none */
    size_t fault_rule;                /* the rule's place in the plan, from 1 */
};

/** Splits target; takes ownership of it. */
void ql_sim_request_init(struct ql_sim_request *request, enum ql_sim_host host, char *target);
void ql_sim_request_fini(struct ql_sim_request *request);
void ql_sim_request_add_header(struct ql_sim_request *request, const char *name, const char *value);
/** The first header of that name (case ignored), or NULL. */
const char *ql_sim_request_get_header(const struct ql_sim_request *request, const char *name);
bool ql_sim_request_is_method(const struct ql_sim_request *request, const char *method);
/** The value of a query parameter, decoded into out ('+' is a blank); false if it is not there. */
bool ql_sim_request_get_parameter(const struct ql_sim_request *request, const char *name, struct ql_buf *out);

/** Appends s with %XX decoded ('+' stays); false for a broken escape. */
bool ql_sim_percent_decode(struct ql_str s, struct ql_buf *out);
void ql_sim_percent_encode(struct ql_str s, struct ql_buf *out);

#endif
