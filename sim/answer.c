#include "sim/answer.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void ql_sim_answer_fini(struct ql_sim_answer *answer) {
    for (size_t i = 0; i < answer->n_headers; i++) {
        ql_mem_free(answer->headers[i].name);
        ql_mem_free(answer->headers[i].value);
    }
    ql_mem_free(answer->headers);
    ql_sim_stream_free(answer->body);
    *answer = (struct ql_sim_answer){0};
}

static struct ql_sim_header *find_or_add(struct ql_sim_answer *answer, const char *name) {
    for (size_t i = 0; i < answer->n_headers; i++) {
        if (strcasecmp(answer->headers[i].name, name) == 0) {
            return &answer->headers[i];
        }
    }
    QL_MEM_GROW(answer->headers, answer->cap_headers, answer->n_headers + 1);
    answer->headers[answer->n_headers] = (struct ql_sim_header){.name = ql_mem_strdup(name)};
    return &answer->headers[answer->n_headers++];
}

void ql_sim_answer_set_header(struct ql_sim_answer *answer, const char *name, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *value = NULL;
    int len = vasprintf(&value, fmt, args);
    va_end(args);
    struct ql_sim_header *header = find_or_add(answer, name);
    ql_mem_free(header->value);
    header->value = ql_mem_strdup(len >= 0 ? value : "");
    free(len >= 0 ? value : NULL);
}

void ql_sim_answer_set_body(struct ql_sim_answer *answer, struct ql_sim_stream *body) {
    ql_sim_stream_free(answer->body);
    answer->body = body;
}

void ql_sim_answer_set_text(struct ql_sim_answer *answer, unsigned status, const char *content_type, struct ql_str text) {
    answer->status = status;
    ql_sim_answer_set_header(answer, "Content-Type", "%s", content_type);
    ql_sim_answer_set_body(answer, ql_sim_stream_text(text));
}

void ql_sim_answer_set_json(struct ql_sim_answer *answer, unsigned status, json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    ql_sim_answer_set_text(answer, status, "application/json", ql_str_from(text != NULL ? text : "{}"));
    free(text);
    json_decref(json);
}
