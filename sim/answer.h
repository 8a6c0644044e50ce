/** One answer before it is sent: status, headers and a body that is read as it goes out. */
#ifndef QL_SIM_ANSWER_H
#define QL_SIM_ANSWER_H

#include "sim/request.h"
#include "sim/stream.h"

#include <jansson.h>

struct ql_sim_answer {
    unsigned status; /* 0: nothing was decided */
    struct ql_sim_header *headers;
    size_t n_headers, cap_headers;
    struct ql_sim_stream *body; /* NULL: none */
};

void ql_sim_answer_fini(struct ql_sim_answer *answer);
/** A second header of a name replaces the first. */
void ql_sim_answer_set_header(struct ql_sim_answer *answer, const char *name, const char *fmt, ...) QL_PRINTF(3, 4);
/** Replaces the body, which the answer owns from now on. */
void ql_sim_answer_set_body(struct ql_sim_answer *answer, struct ql_sim_stream *body);
void ql_sim_answer_set_text(struct ql_sim_answer *answer, unsigned status, const char *content_type, struct ql_str text);
/** Takes the reference to json. */
void ql_sim_answer_set_json(struct ql_sim_answer *answer, unsigned status, json_t *json);

#endif
