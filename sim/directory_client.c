/* Who asks, what they may do, and what the organisation is like. */
#include "sim/call.h"

#include "base/mem.h"
#include "sim/calendar.h"
#include "sim/error_body.h"
#include "sim/page.h"

static const char ORGANIZATION_ID[] = "6f1d3b8a-52c7-4e0b-9a64-1f0a7c3e2d95";
static const char ORGANIZATION_NAME[] = "Simulated Contact Centre";
static const char ROLE_ID[] = "2b9a4a0e-7d5f-4b1c-8f43-6a0c5d1e9b72";

static json_t *organization_json(void) {
    return json_pack("{s:s,s:s}", "id", ORGANIZATION_ID, "name", ORGANIZATION_NAME);
}

static json_t *words_json(const char *words) {
    json_t *list = json_array();
    struct ql_str rest = ql_str_from(words);
    while (rest.len != 0) {
        struct ql_str word = ql_str_trim(ql_str_split(rest, ',', &rest));
        if (word.len != 0) {
            (void)json_array_append_new(list, json_stringn(word.ptr, word.len));
        }
    }
    return list;
}

void ql_sim_call_show_token(const struct ql_sim_call *call) {
    const struct ql_sim_tokens *tokens = &call->sim->tokens;
    json_t *body = json_pack("{s:o,s:o}", "organization", organization_json(), "homeOrganization", organization_json());
    if (tokens->scopes != NULL) {
        (void)json_object_set_new(body, "authorizedScope", words_json(tokens->scopes));
    }
    (void)json_object_set_new(
        body, "OAuthClient",
        json_pack("{s:s,s:s,s:o}", "id", tokens->client_id, "name", "queuelake", "organization", organization_json()));
    ql_sim_answer_set_json(call->answer, 200, body);
}

/* Permissions, as policies of a role: one for each domain and entity, with the actions. */

static json_t *find_policy(json_t *policies, struct ql_str domain, struct ql_str entity) {
    size_t i;
    json_t *policy;
    json_array_foreach(policies, i, policy) {
        if (ql_str_eq(ql_str_from(json_string_value(json_object_get(policy, "domain"))), domain) &&
            ql_str_eq(ql_str_from(json_string_value(json_object_get(policy, "entityName"))), entity)) {
            return policy;
        }
    }
    policy = json_pack("{s:o,s:o,s:[]}", "domain", json_stringn(domain.ptr, domain.len), "entityName",
                       json_stringn(entity.ptr, entity.len), "actions");
    (void)json_array_append_new(policies, policy);
    return policy;
}

static json_t *policies_json(const struct ql_sim *sim) {
    struct ql_buf all = {0};
    for (size_t i = 0; i < ql_sim_n_routes; i++) {
        const char *permission = ql_sim_routes[i].permission;
        ql_buf_printf(&all, "%s%s", permission != NULL ? "," : "", permission != NULL ? permission : "");
    }
    const char *may = sim->options->permissions != NULL ? sim->options->permissions : ql_buf_text(&all);
    json_t *policies = json_array();
    for (struct ql_str rest = ql_str_from(may); rest.len != 0;) {
        struct ql_str entity;
        struct ql_str action;
        struct ql_str domain = ql_str_split(ql_str_trim(ql_str_split(rest, ',', &rest)), ':', &entity);
        entity = ql_str_split(entity, ':', &action);
        if (action.len == 0) {
            continue;
        }
        json_t *actions = json_object_get(find_policy(policies, domain, entity), "actions");
        bool is_new = true;
        size_t i;
        json_t *known;
        json_array_foreach(actions, i, known) {
            is_new = is_new && !ql_str_eq(ql_str_from(json_string_value(known)), action);
        }
        if (is_new) {
            (void)json_array_append_new(actions, json_stringn(action.ptr, action.len));
        }
    }
    ql_buf_fini(&all);
    return policies;
}

static json_t *division_json(const struct ql_sim_division *division, bool is_home) {
    json_t *json = json_pack("{s:s,s:s,s:b}", "id", division->id, "name", division->name, "homeDivision", (int)is_home);
    (void)json_object_set_new(json, "selfUri", json_sprintf("/api/v2/authorization/divisions/%s", division->id));
    return json;
}

void ql_sim_call_show_subject(const struct ql_sim_call *call) {
    const struct ql_sim *sim = call->sim;
    json_t *grants = json_array();
    for (size_t i = 0; i < QL_SIM_N_DIVISIONS; i++) {
        if (sim->world.divisions[i].is_visible) {
            json_t *role = json_pack("{s:s,s:s,s:o,s:b}", "id", ROLE_ID, "name", "Queue reports", "policies",
                                     policies_json(sim), "default", 0);
            (void)json_object_set_new(role, "selfUri", json_sprintf("/api/v2/authorization/roles/%s", ROLE_ID));
            (void)json_array_append_new(grants, json_pack("{s:s,s:o,s:o,s:s}", "subjectId", sim->tokens.client_id, "division",
                                                          division_json(&sim->world.divisions[i], i == 0), "role", role,
                                                          "grantMadeAt", "2024-01-15T09:30:00.000Z"));
        }
    }
    json_t *body =
        json_pack("{s:s,s:s,s:o,s:i}", "id", sim->tokens.client_id, "name", "queuelake", "grants", grants, "version", 3);
    (void)json_object_set_new(body, "selfUri", json_sprintf("/api/v2/authorization/subjects/%s", sim->tokens.client_id));
    ql_sim_answer_set_json(call->answer, 200, body);
}

/* Client credentials are nobody: the service refuses what is about a user. */
void ql_sim_call_show_user(const struct ql_sim_call *call) {
    const struct ql_sim_api_error error = {
        .status = 400,
        .code = "bad.request",
        .message = "This request requires a user context. Client credentials cannot be used for requests that require a user "
                   "context."};
    ql_sim_answer_api_error(call->answer, call->request, &error);
}

void ql_sim_call_show_organization(const struct ql_sim_call *call) {
    json_t *body =
        json_pack("{s:s,s:s,s:s,s:s,s:i,s:s,s:b,s:s,s:{s:b,s:b}}", "id", ORGANIZATION_ID, "name", ORGANIZATION_NAME,
                  "defaultLanguage", "en_us", "defaultCountryCode", "US", "version", 7, "state", "active", "voicemailEnabled",
                  1, "productPlatform", "PureCloud", "features", "purecloud", 1, "purecloudVoice", 1);
    (void)json_object_set_new(body, "domain", json_string("simulated-contact-centre"));
    (void)json_object_set_new(body, "selfUri", json_string("/api/v2/organizations/me"));
    ql_sim_answer_set_json(call->answer, 200, body);
}

void ql_sim_call_list_divisions(const struct ql_sim_call *call) {
    const struct ql_sim_world *world = &call->sim->world;
    struct ql_sim_page page;
    json_t *entities = json_array();
    int64_t n = 0;
    if (!ql_sim_page_read(call->request, 100, QL_SIM_MAX_PAGE, &page, call->answer)) {
        json_decref(entities);
        return;
    }
    for (size_t i = 0; i < QL_SIM_N_DIVISIONS; i++) {
        if (!world->divisions[i].is_visible) {
            continue;
        }
        if (n >= (page.number - 1) * page.size && n < page.number * page.size) {
            (void)json_array_append_new(entities, division_json(&world->divisions[i], i == 0));
        }
        n++;
    }
    ql_sim_answer_set_json(call->answer, 200, ql_sim_page_json(&page, "/api/v2/authorization/divisions", n, entities));
}

/* Limits: those that this program keeps to, and the one that a gateway has. */

static int64_t limit_value(const struct ql_sim *sim, size_t i) {
    const int64_t values[] = {sim->options->rate_limit, QL_SIM_MAX_REQUEST_BYTES, 300, sim->options->max_jobs};
    return values[i];
}

static const struct {
    const char *name_space, *key;
} LIMITS[] = {
    {"platform.api", "client.credentials.token.rate.per.minute"},
    {"platform.api", "request.bytes.max"},
    {"auth.api", "token.rate.per.minute"},
    {"analytics", "async.aggregate.jobs.concurrent.max"},
};
enum { N_LIMITS = sizeof LIMITS / sizeof LIMITS[0] };

void ql_sim_call_list_namespaces(const struct ql_sim_call *call) {
    json_t *entities = json_pack("[s,s,s]", "analytics", "auth.api", "platform.api");
    struct ql_sim_page page;
    if (!ql_sim_page_read(call->request, 100, QL_SIM_MAX_PAGE, &page, call->answer)) {
        json_decref(entities);
        return;
    }
    ql_sim_answer_set_json(call->answer, 200, ql_sim_page_json(&page, "/api/v2/organizations/limits/namespaces", 3, entities));
}

void ql_sim_call_list_limits(const struct ql_sim_call *call) {
    json_t *entities = json_array();
    bool is_known = false;
    for (size_t i = 0; i < N_LIMITS; i++) {
        if (ql_str_eq(call->id, ql_str_from(LIMITS[i].name_space))) {
            is_known = true;
            if (limit_value(call->sim, i) != 0) {
                (void)json_array_append_new(entities,
                                            json_pack("{s:s,s:s,s:I}", "key", LIMITS[i].key, "namespace", LIMITS[i].name_space,
                                                      "value", (json_int_t)limit_value(call->sim, i)));
            }
        }
    }
    json_t *body = json_pack("{s:o}", "entities", entities);
    if (is_known) {
        ql_sim_answer_set_json(call->answer, 200, body);
    } else {
        json_decref(body);
        ql_sim_answer_api_status(call->answer, call->request, 404);
    }
}

void ql_sim_call_show_limit_docs(const struct ql_sim_call *call) {
    ql_sim_answer_set_json(call->answer, 200, json_pack("{s:s}", "url", "https://example.invalid/limits"));
}

void ql_sim_call_show_availability(const struct ql_sim_call *call) {
    const struct ql_sim_world *world = &call->sim->world;
    int64_t now_ms = world->now_ms != INT64_MAX ? world->now_ms : ql_sim_now_ms();
    char text[32];
    ql_sim_time_print(now_ms - world->settle_ms, text);
    ql_sim_answer_set_json(call->answer, 200, json_pack("{s:s}", "dataAvailabilityDate", text));
}

void ql_sim_call_show_retention(const struct ql_sim_call *call) {
    ql_sim_answer_set_json(call->answer, 200, json_pack("{s:i}", "retentionDays", 1825));
}
