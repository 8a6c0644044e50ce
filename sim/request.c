#include "sim/request.h"

#include "base/mem.h"

#include <strings.h>

const char *ql_sim_host_name(enum ql_sim_host host) {
    return host == QL_SIM_HOST_API ? "api" : "download";
}

void ql_sim_request_init(struct ql_sim_request *request, enum ql_sim_host host, char *target) {
    *request = (struct ql_sim_request){.host = host, .target = target};
    request->path = ql_str_split(ql_str_from(target), '?', &request->query);
}

void ql_sim_request_fini(struct ql_sim_request *request) {
    for (size_t i = 0; i < request->n_headers; i++) {
        ql_mem_free(request->headers[i].name);
        ql_mem_free(request->headers[i].value);
    }
    ql_mem_free(request->headers);
    ql_mem_free(request->method);
    ql_mem_free(request->target);
    ql_buf_fini(&request->body);
    *request = (struct ql_sim_request){0};
}

void ql_sim_request_add_header(struct ql_sim_request *request, const char *name, const char *value) {
    QL_MEM_GROW(request->headers, request->cap_headers, request->n_headers + 1);
    request->headers[request->n_headers++] = (struct ql_sim_header){ql_mem_strdup(name), ql_mem_strdup(value)};
}

const char *ql_sim_request_get_header(const struct ql_sim_request *request, const char *name) {
    for (size_t i = 0; i < request->n_headers; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

bool ql_sim_request_is_method(const struct ql_sim_request *request, const char *method) {
    return strcmp(request->method, method) == 0;
}

/* '+' in a query is a blank to the platform, as in a form; one that is meant comes as %2B. */
static void restore_blanks(struct ql_str sent, struct ql_buf *decoded) {
    size_t at = 0;
    for (size_t i = 0; i < sent.len && at < decoded->len; i += sent.ptr[i] == '%' ? 3 : 1, at++) {
        decoded->ptr[at] = sent.ptr[i] == '+' ? ' ' : decoded->ptr[at];
    }
}

bool ql_sim_request_get_parameter(const struct ql_sim_request *request, const char *name, struct ql_buf *out) {
    struct ql_str rest = request->query;
    while (rest.len != 0) {
        struct ql_str value;
        struct ql_str pair = ql_str_split(rest, '&', &rest);
        if (ql_str_eq(ql_str_split(pair, '=', &value), ql_str_from(name))) {
            ql_buf_reset(out);
            bool is_good = ql_sim_percent_decode(value, out);
            restore_blanks(value, out);
            return is_good;
        }
    }
    return false;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ql_sim_percent_decode(struct ql_str s, struct ql_buf *out) {
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '%') {
            ql_buf_putc(out, s.ptr[i]);
            continue;
        }
        if (s.len - i < 3 || hex_digit(s.ptr[i + 1]) < 0 || hex_digit(s.ptr[i + 2]) < 0) {
            return false;
        }
        ql_buf_putc(out, (char)(hex_digit(s.ptr[i + 1]) * 16 + hex_digit(s.ptr[i + 2])));
        i += 2;
    }
    return true;
}

void ql_sim_percent_encode(struct ql_str s, struct ql_buf *out) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c) != NULL) {
            ql_buf_putc(out, c);
        } else {
            ql_buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}
