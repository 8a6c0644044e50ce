/*
 * Login and API on one port, as the SDKs' gateway setting wants it: who may call what, and the headers that every answer of the
 * platform carries. The order of the checks is that of a gateway: path, method, token, rate, permission, and only then the
 * request itself.
 */
#include "sim/call.h"
#include "sim/error_body.h"
#include "sim/fault_plan.h"

/* A path of the pattern, in which '*' is one segment that is not empty: the id. */
static bool is_path(const char *pattern, struct ql_str path, struct ql_str *id) {
    struct ql_str tail;
    struct ql_str head = ql_str_split(ql_str_from(pattern), '*', &tail);
    if (tail.ptr == NULL) {
        return ql_str_eq(path, head);
    }
    if (path.len <= head.len + tail.len || memcmp(path.ptr, head.ptr, head.len) != 0 ||
        (tail.len != 0 && memcmp(path.ptr + path.len - tail.len, tail.ptr, tail.len) != 0)) {
        return false;
    }
    *id = (struct ql_str){path.ptr + head.len, path.len - head.len - tail.len};
    return memchr(id->ptr, '/', id->len) == NULL;
}

/* The host of the web pages has the API below /platform; download links are made for it. */
static struct ql_str api_path(const struct ql_sim_request *request) {
    static const char PLATFORM[] = "/platform";
    bool is_below = ql_str_has_prefix(request->path, "/platform/api/");
    size_t skip = is_below ? sizeof PLATFORM - 1 : 0;
    return (struct ql_str){request->path.ptr + skip, request->path.len - skip};
}

/* The route, or NULL with the answer 404 or 405. */
static const struct ql_sim_route *find_route(struct ql_sim_call *call) {
    struct ql_buf allowed = {0};
    struct ql_str path = api_path(call->request);
    const struct ql_sim_route *found = NULL;
    const char *pattern = NULL; /* of the first path that fits: a later one may fit it by chance */
    for (size_t i = 0; i < ql_sim_n_routes && found == NULL; i++) {
        const struct ql_sim_route *route = &ql_sim_routes[i];
        struct ql_str id = {0};
        if (!is_path(route->path, path, &id) || (route->is_private && call->sim->options->is_public_only) ||
            (pattern != NULL && strcmp(pattern, route->path) != 0)) {
            continue;
        }
        pattern = route->path;
        if (ql_sim_request_is_method(call->request, route->method)) {
            found = route;
            call->id = id;
        }
        ql_buf_printf(&allowed, "%s%s", allowed.len != 0 ? ", " : "", route->method);
    }
    if (found == NULL) {
        ql_sim_answer_api_status(call->answer, call->request, allowed.len != 0 ? 405 : 404);
        if (allowed.len != 0) {
            ql_sim_answer_set_header(call->answer, "Allow", "%s", ql_buf_text(&allowed));
        }
    }
    ql_buf_fini(&allowed);
    return found;
}

static bool count_request(const struct ql_sim_call *call, enum ql_sim_caller caller) {
    struct ql_sim_rate_state state = ql_sim_rate_count(&call->sim->rate, caller, call->request->time_ms);
    if (state.is_over) {
        struct ql_buf message = {0};
        ql_buf_printf(&message, "Rate limit exceeded the maximum. Retry the request in [%lld] seconds",
                      (long long)state.reset_s);
        const struct ql_sim_api_error error = {
            .status = 429, .code = "too.many.requests.retry.after", .message = ql_buf_text(&message)};
        ql_sim_answer_api_error(call->answer, call->request, &error);
        ql_sim_answer_set_header(call->answer, "Retry-After", "%lld", (long long)state.reset_s);
        ql_buf_fini(&message);
    }
    ql_sim_answer_set_header(call->answer, "inin-ratelimit-count", "%lld", (long long)state.count);
    ql_sim_answer_set_header(call->answer, "inin-ratelimit-allowed", "%lld", (long long)state.allowed);
    ql_sim_answer_set_header(call->answer, "inin-ratelimit-reset", "%lld", (long long)state.reset_s);
    return !state.is_over;
}

static bool check_token(const struct ql_sim_call *call, enum ql_sim_token_state state) {
    static const struct ql_sim_api_error ERRORS[] = {
        [QL_SIM_TOKEN_ABSENT] = {.status = 401,
                                 .code = "authentication.required",
                                 .message = "No authentication bearer token specified in authorization header."},
        [QL_SIM_TOKEN_UNKNOWN] = {.status = 401, .code = "bad.credentials", .message = "Invalid login credentials."},
        [QL_SIM_TOKEN_EXPIRED] = {.status = 401,
                                  .code = "credentials.expired",
                                  .message = "The supplied credentials are expired and cannot be used."},
    };
    if (state != QL_SIM_TOKEN_GOOD) {
        ql_sim_answer_api_error(call->answer, call->request, &ERRORS[state]);
        ql_sim_answer_set_header(call->answer, "WWW-Authenticate", "Bearer realm=\"PureCloud Platform\"");
    }
    return state == QL_SIM_TOKEN_GOOD;
}

static bool is_part(struct ql_str granted, struct ql_str needed) {
    return ql_str_eq(granted, QL_STR("*")) || ql_str_eq(granted, needed);
}

static bool is_granted(struct ql_str granted, const char *permission) {
    struct ql_str needed = ql_str_from(permission);
    bool is_same = true;
    for (int part = 0; part < 3 && is_same; part++) {
        struct ql_str have = ql_str_split(granted, ':', &granted);
        is_same = is_part(have, ql_str_split(needed, ':', &needed));
    }
    return is_same;
}

bool ql_sim_may(const struct ql_sim *sim, const char *permission) {
    struct ql_str rest = ql_str_from(sim->options->permissions);
    bool may = permission == NULL || rest.ptr == NULL;
    while (rest.len != 0 && !may) {
        may = is_granted(ql_str_trim(ql_str_split(rest, ',', &rest)), permission);
    }
    return may;
}

static bool check_permission(const struct ql_sim_call *call, const char *permission) {
    bool may = ql_sim_may(call->sim, permission);
    if (!may) {
        ql_sim_answer_missing_permission(call->answer, call->request, permission);
    }
    return may;
}

void ql_sim_api_answer(struct ql_sim *sim, struct ql_sim_request *request, struct ql_sim_answer *answer) {
    struct ql_sim_call call = {.sim = sim, .request = request, .answer = answer};
    ql_sim_answer_set_header(answer, "ININ-Correlation-Id", "%s", request->id);
    const struct ql_sim_route *route = find_route(&call);
    bool is_login = route != NULL ? route->is_open : !ql_str_has_prefix(api_path(request), "/api/");
    if (is_login) {
        if (route != NULL) {
            route->answer(&call);
        }
        return;
    }
    if (request->fault != NULL && request->fault->expire_token) {
        ql_sim_tokens_revoke(&sim->tokens, request);
    }
    enum ql_sim_token_state state = ql_sim_tokens_check(&sim->tokens, request);
    bool is_in_rate = count_request(&call, state == QL_SIM_TOKEN_GOOD ? QL_SIM_CALLER_CLIENT : QL_SIM_CALLER_UNKNOWN);
    if (route != NULL && is_in_rate && check_token(&call, state) && check_permission(&call, route->permission)) {
        route->answer(&call);
    }
}
