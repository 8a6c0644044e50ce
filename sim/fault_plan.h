/** What goes wrong with a request: one fault as the plan describes it. fault_plan.c has the table of members. */
#ifndef QL_SIM_FAULT_PLAN_H
#define QL_SIM_FAULT_PLAN_H

#include "sim/request.h"

#include <jansson.h>

enum { QL_SIM_ABSENT = -1 };

struct ql_sim_fault {
    /* Another answer than the right one. */
    int64_t status; /* absent: the right one's */
    json_t *headers;
    char *body, *content_type;
    int64_t html;
    char *redirect;
    int64_t bomb; /* MiB of zeros as gzip */

    /* The right answer, damaged on its way. Bytes are those of the body. */
    int64_t truncate_after;
    int64_t wrong_length; /* added to the length that is declared; 0: absent */
    int64_t duplicate_length;
    int64_t stall_ms, stall_after;
    int64_t slice, slice_ms;
    int64_t big_headers;
    int64_t informational;
    int64_t gzip_cut; /* the content is damaged, not its frame; as with corrupt_gzip */

    /* Another state: what an export, a reporting export or a job of aggregates comes to, and what it says about it. */
    char *export_status, *report_status, *report_error, *job_state;
    char *message;                      /* also of an error with a code */
    char *code, *permission;            /* an error of the API: this code, or 403 for want of this permission */
    int64_t rename_queue, delete_queue; /* the queue's number, from 1: from now on */

    int64_t acts; /* whether the request takes effect: 0, 1, absent: by the kind of fault */
    char *kinds;  /* the members that are there, for the log: "truncate_after,reset" */

    bool close_before_answer, reset, stall_in_head, no_length, chunked, corrupt_gzip, expire_link, expire_token;
};

struct ql_sim_rule {
    int host; /* enum ql_sim_host, or QL_SIM_ABSENT for both */
    char *method, *path;
    int64_t skip, times; /* times -1: always */
    struct ql_sim_fault fault;
    int64_t seen, fired;
};

/** Reads and checks a plan. E_NO_INPUT, E_CONFIG with the line, or the rule and the member. */
QL_MUST_CHECK enum ql_status ql_sim_fault_plan_read(const char *path, struct ql_sim_rule **rules, size_t *n_rules,
                                                    struct ql_err *err);
void ql_sim_fault_plan_free(struct ql_sim_rule *rules, size_t n_rules);

/** The request takes effect (an export is created, ...) although its answer is another one or does not arrive. */
bool ql_sim_fault_acts(const struct ql_sim_fault *fault);
/** The answer cannot be sent by a library that keeps to HTTP. */
bool ql_sim_fault_is_on_wire(const struct ql_sim_fault *fault);
/** The connection ends before the first byte of the answer. */
bool ql_sim_fault_is_silent(const struct ql_sim_fault *fault);

#endif
