#include "sim/error_body.h"
#include "sim/fault_plan.h"
#include "sim/gzip_stream.h"
#include "sim/sim.h"

/* "{url}", "{api}" and "{download}": what a plan cannot know when it is written, because ports and links are made later. */
static void expand(const struct ql_sim *sim, const struct ql_sim_request *request, const char *pattern, struct ql_buf *out) {
    const char *base = request->host == QL_SIM_HOST_API ? sim->api_url : sim->download_url;
    while (*pattern != '\0') {
        if (strncmp(pattern, "{url}", 5) == 0) {
            ql_buf_printf(out, "%s%s", base, request->target);
            pattern += 5;
        } else if (strncmp(pattern, "{api}", 5) == 0) {
            ql_buf_puts(out, sim->api_url);
            pattern += 5;
        } else if (strncmp(pattern, "{download}", 10) == 0) {
            ql_buf_puts(out, sim->download_url);
            pattern += 10;
        } else {
            ql_buf_putc(out, *pattern++);
        }
    }
}

static void answer_redirect(const struct ql_sim *sim, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    const struct ql_sim_fault *fault = request->fault;
    struct ql_buf location = {0};
    expand(sim, request, fault->redirect, &location);
    ql_sim_answer_set_text(answer, fault->status >= 0 ? (unsigned)fault->status : 302,
                           fault->content_type != NULL ? fault->content_type : "text/plain",
                           ql_str_from(fault->body != NULL ? fault->body : ""));
    ql_sim_answer_set_header(answer, "Location", "%s", ql_buf_text(&location));
    ql_buf_fini(&location);
}

static void answer_bomb(const struct ql_sim_fault *fault, struct ql_sim_answer *answer) {
    answer->status = 200;
    ql_sim_answer_set_header(answer, "Content-Type", "text/csv");
    ql_sim_answer_set_header(answer, "Content-Encoding", "gzip");
    ql_sim_answer_set_body(answer, ql_sim_stream_gzip(ql_sim_stream_zeros(fault->bomb * 1024 * 1024), false));
}

static void answer_code(const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    const struct ql_sim_fault *fault = request->fault;
    const struct ql_sim_api_error error = {.status = (unsigned)fault->status,
                                           .code = fault->code,
                                           .message = fault->message != NULL ? fault->message : "The request failed"};
    ql_sim_answer_api_error(answer, request, &error);
}

static void answer_status(const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    const struct ql_sim_fault *fault = request->fault;
    if (fault->body != NULL) {
        ql_sim_answer_set_text(answer, (unsigned)fault->status, "text/plain", ql_str_from(fault->body));
    } else if (fault->code != NULL) {
        answer_code(request, answer);
    } else if (request->host == QL_SIM_HOST_API) {
        ql_sim_answer_api_status(answer, request, (unsigned)fault->status);
    } else {
        ql_sim_answer_s3_status(answer, request, (unsigned)fault->status);
    }
    if (fault->content_type != NULL) {
        ql_sim_answer_set_header(answer, "Content-Type", "%s", fault->content_type);
    }
}

void ql_sim_fault_answer(const struct ql_sim *sim, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    const struct ql_sim_fault *fault = request->fault;
    if (fault == NULL) {
        return;
    }
    if (fault->html >= 0) { /* from a gateway in front: it knows nothing of correlation ids */
        ql_sim_answer_fini(answer);
        ql_sim_answer_html(answer, (unsigned)fault->html);
        return;
    }
    bool is_own = fault->redirect != NULL || fault->bomb >= 0 || fault->status >= 0 || fault->permission != NULL;
    if (is_own && request->host == QL_SIM_HOST_API) {
        ql_sim_answer_set_header(answer, "ININ-Correlation-Id", "%s", request->id);
    } else if (is_own) {
        ql_sim_answer_set_header(answer, "x-amz-request-id", "%s", request->id);
    }
    if (fault->redirect != NULL) {
        answer_redirect(sim, request, answer);
    } else if (fault->bomb >= 0) {
        answer_bomb(fault, answer);
    } else if (fault->permission != NULL) {
        ql_sim_answer_missing_permission(answer, request, fault->permission);
    } else if (fault->status >= 0) {
        answer_status(request, answer);
    }
    const char *name;
    json_t *value;
    json_object_foreach(fault->headers, name, value) {
        ql_sim_answer_set_header(answer, name, "%s", json_string_value(value));
    }
}
