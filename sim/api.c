/*
 * Login and API on one port: which path is what, who may call it, and the headers that every answer of the platform carries.
 * The order of the checks is that of a gateway: path, method, token, rate, permission, and only then the request itself.
 */
#include "sim/error_body.h"
#include "sim/fault_plan.h"
#include "sim/sim.h"

#include "base/mem.h"
#include "sim/calendar.h"

struct call {
    struct ql_sim *sim;
    struct ql_sim_request *request;
    struct ql_sim_answer *answer;
    struct ql_str id; /* what the path ends in */
};

static void call_issue_token(const struct call *call) {
    ql_sim_tokens_issue(&call->sim->tokens, call->request, call->answer);
}

static json_t *organization_json(void) {
    return json_pack("{s:s,s:s}", "id", "6f1d3b8a-52c7-4e0b-9a64-1f0a7c3e2d95", "name", "Simulated Contact Centre");
}

static json_t *scopes_json(const char *scopes) {
    json_t *list = json_array();
    struct ql_str rest = ql_str_from(scopes);
    while (rest.len != 0) {
        struct ql_str scope = ql_str_trim(ql_str_split(rest, ',', &rest));
        if (scope.len != 0) {
            (void)json_array_append_new(list, json_stringn(scope.ptr, scope.len));
        }
    }
    return list;
}

static void call_show_token(const struct call *call) {
    const struct ql_sim_tokens *tokens = &call->sim->tokens;
    json_t *body = json_pack("{s:o,s:o}", "organization", organization_json(), "homeOrganization", organization_json());
    if (tokens->scopes != NULL) {
        (void)json_object_set_new(body, "authorizedScope", scopes_json(tokens->scopes));
    }
    (void)json_object_set_new(
        body, "OAuthClient",
        json_pack("{s:s,s:s,s:o}", "id", tokens->client_id, "name", "queuelake", "organization", organization_json()));
    ql_sim_answer_set_json(call->answer, 200, body);
}

static void call_revoke_token(const struct call *call) {
    ql_sim_tokens_revoke(&call->sim->tokens, call->request);
    ql_sim_answer_set_text(call->answer, 200, "application/json", QL_STR(""));
}

static void call_create_export(const struct call *call) {
    ql_sim_exports_create(&call->sim->exports, call->request, call->answer);
}
static void call_list_exports(const struct call *call) {
    ql_sim_exports_list(&call->sim->exports, call->request, call->answer);
}
static void call_get_export(const struct call *call) {
    ql_sim_exports_get(&call->sim->exports, call->request, call->id, call->answer);
}

struct route {
    const char *method, *path; /* a path that ends in '/' takes one more segment */
    bool is_open;              /* no token, no rate limit */
    const char *permission;    /* NULL: none is needed */
    void (*answer)(const struct call *call);
};

static const struct route ROUTES[] = {
    {"POST", "/oauth/token", true, NULL, call_issue_token},
    {"GET", "/api/v2/tokens/me", false, NULL, call_show_token},
    {"HEAD", "/api/v2/tokens/me", false, NULL, call_show_token},
    {"DELETE", "/api/v2/tokens/me", false, NULL, call_revoke_token},
    {"POST", "/api/v2/analytics/conversations/exports", false, "analytics:dataExport:add", call_create_export},
    {"GET", "/api/v2/analytics/conversations/exports", false, "analytics:dataExport:view", call_list_exports},
    {"GET", "/api/v2/analytics/conversations/exports/", false, "analytics:dataExport:view", call_get_export},
};
enum { N_ROUTES = sizeof ROUTES / sizeof ROUTES[0] };

static bool is_path(const struct route *route, struct ql_str path, struct ql_str *id) {
    size_t len = strlen(route->path);
    if (route->path[len - 1] != '/') {
        return ql_str_eq(path, ql_str_from(route->path));
    }
    *id = (struct ql_str){path.ptr + len, path.len - len};
    return path.len > len && ql_str_has_prefix(path, route->path) && memchr(id->ptr, '/', id->len) == NULL;
}

/* The route, or NULL with the answer 404 or 405. */
static const struct route *find_route(struct call *call) {
    struct ql_buf allowed = {0};
    const struct route *found = NULL;
    for (size_t i = 0; i < N_ROUTES && found == NULL; i++) {
        if (!is_path(&ROUTES[i], call->request->path, &call->id)) {
            continue;
        }
        if (ql_sim_request_is_method(call->request, ROUTES[i].method)) {
            found = &ROUTES[i];
        }
        ql_buf_printf(&allowed, "%s%s", allowed.len != 0 ? ", " : "", ROUTES[i].method);
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

static bool count_request(const struct call *call, enum ql_sim_caller caller) {
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

static bool check_token(const struct call *call, enum ql_sim_token_state state) {
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

static bool check_permission(const struct call *call, const char *permission) {
    static const char TEXT[] = "Unable to perform the requested action. You are missing the following permission(s): ";
    struct ql_str rest = ql_str_from(call->sim->options->permissions);
    bool is_granted = permission == NULL || rest.ptr == NULL;
    while (rest.len != 0 && !is_granted) {
        is_granted = ql_str_eq(ql_str_trim(ql_str_split(rest, ',', &rest)), ql_str_from(permission));
    }
    if (!is_granted) {
        struct ql_buf message = {0};
        struct ql_buf pattern = {0};
        ql_buf_printf(&message, "%s%s", TEXT, permission);
        ql_buf_printf(&pattern, "%s{permissions}", TEXT);
        const struct ql_sim_api_error error = {.status = 403,
                                               .code = "missing.permissions",
                                               .message = ql_buf_text(&message),
                                               .message_with_params = ql_buf_text(&pattern),
                                               .param_name = "permissions",
                                               .param_value = permission};
        ql_sim_answer_api_error(call->answer, call->request, &error);
        ql_buf_fini(&message);
        ql_buf_fini(&pattern);
    }
    return is_granted;
}

void ql_sim_api_answer(struct ql_sim *sim, struct ql_sim_request *request, struct ql_sim_answer *answer) {
    struct call call = {.sim = sim, .request = request, .answer = answer};
    ql_sim_answer_set_header(answer, "ININ-Correlation-Id", "%s", request->id);
    const struct route *route = find_route(&call);
    bool is_login = route != NULL ? route->is_open : !ql_str_has_prefix(request->path, "/api/");
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
