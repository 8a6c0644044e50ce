/*
 * Permissions: which each source needs (docs of the public API: the permission that each method names; the least role of a
 * service client), how a grant is read, and the gate that a run passes before it creates anything.
 *
 * The gate only ever stops what would be refused anyway: where the client's grants cannot be read or are not told in full, it
 * stands open.
 */
#include "source/permissions.h"

#include "source/source_internal.h"

#include <stdio.h>

/* ---- what is needed */

#define QUEUE_NAMES(level) \
    { "routing:queue:view", "routing:queue:search", (level), "read the names of queues" }
#define QUERY_AGGREGATES(level) \
    { "analytics:conversationAggregate:view", NULL, (level), "query conversation aggregates" }
#define ADD_EXPORT \
    { "analytics:dataExport:add", NULL, QL_NEED_REQUIRED, "create an export" }
#define VIEW_EXPORT \
    { "analytics:dataExport:view", NULL, QL_NEED_REQUIRED, "see the export finish and download it" }

static const struct ql_source_need AGGREGATES[] = {QUERY_AGGREGATES(QL_NEED_REQUIRED), QUEUE_NAMES(QL_NEED_REQUIRED)};
static const struct ql_source_need REPORTING[] = {
    ADD_EXPORT,
    VIEW_EXPORT,
    QUEUE_NAMES(QL_NEED_ADVISED), /* its rows bring the names along */
    QUERY_AGGREGATES(QL_NEED_ADVISED),
    {"analytics:dataExport:delete", NULL, QL_NEED_OPTIONAL, "delete the export again"},
};
static const struct ql_source_need EXPORTS[] = {ADD_EXPORT, VIEW_EXPORT}; /* its rows bring the names along */

static const struct {
    const char *source;
    const struct ql_source_need *needs;
    size_t n;
} SOURCES[] = {
    {"aggregates", AGGREGATES, sizeof AGGREGATES / sizeof AGGREGATES[0]},
    {"reporting", REPORTING, sizeof REPORTING / sizeof REPORTING[0]},
    {"exports", EXPORTS, sizeof EXPORTS / sizeof EXPORTS[0]},
};

const struct ql_source_need *ql_source_needs(struct ql_str source, size_t *n) {
    for (size_t i = 0; i < sizeof SOURCES / sizeof SOURCES[0]; i++) {
        if (ql_str_eq(source, ql_str_from(SOURCES[i].source))) {
            *n = SOURCES[i].n;
            return SOURCES[i].needs;
        }
    }
    *n = 0;
    return NULL;
}

/* ---- what is granted */

static bool is_part(struct ql_str granted, struct ql_str wanted) {
    return ql_str_eq(granted, QL_STR("*")) || ql_str_eq_nocase(granted, wanted);
}

static bool is_policy(const struct ql_json *policy, struct ql_str permission) {
    struct ql_str entity;
    struct ql_str action;
    struct ql_str domain = ql_str_split(permission, ':', &entity);
    entity = ql_str_split(entity, ':', &action);
    if (!is_part(ql_json_get_text(policy, "domain"), domain) || !is_part(ql_json_get_text(policy, "entityName"), entity)) {
        return false;
    }
    const struct ql_json *actions = ql_json_get(policy, "actions");
    bool has = false;
    for (size_t i = 0; i < ql_json_length(actions) && !has; i++) {
        has = is_part(ql_json_text(ql_json_at(actions, i)), action);
    }
    return has;
}

bool ql_grant_has(const struct ql_json *grant, const char *permission) {
    const struct ql_json *policies = ql_json_get(ql_json_get(grant, "role"), "policies");
    bool has = false;
    for (size_t i = 0; i < ql_json_length(policies) && !has; i++) {
        has = is_policy(ql_json_at(policies, i), ql_str_from(permission));
    }
    return has;
}

static bool has_permission(const struct ql_json *grants, const char *permission) {
    bool has = false;
    for (size_t i = 0; i < ql_json_length(grants) && !has; i++) {
        has = ql_grant_has(ql_json_at(grants, i), permission);
    }
    return has;
}

const char *ql_grants_meet(const struct ql_json *grants, const struct ql_source_need *need) {
    if (has_permission(grants, need->permission)) {
        return need->permission;
    }
    return need->alternative != NULL && has_permission(grants, need->alternative) ? need->alternative : NULL;
}

/* No grant at all is a clear answer; a role whose permissions are not told is none. */
bool ql_grants_are_told(const struct ql_json *subject) {
    const struct ql_json *grants = ql_json_get(subject, "grants");
    if (!ql_json_is_array(grants)) {
        return false;
    }
    for (size_t i = 0; i < ql_json_length(grants); i++) {
        if (!ql_json_is_array(ql_json_get(ql_json_get(ql_json_at(grants, i), "role"), "policies"))) {
            return false;
        }
    }
    return true;
}

enum ql_status ql_subject_ask(struct ql_genesys *genesys, struct ql_json **subject, char *id, size_t id_size,
                              struct ql_err *err) {
    const struct ql_genesys_call call = {
        .method = "GET", .path = "/api/v2/authorization/subjects/me", .repeat = QL_HTTP_REPEAT_NEVER};
    struct ql_http_response response;
    bool was_sent;
    *subject = NULL;
    enum ql_status status = ql_genesys_send(genesys, &call, &response, &was_sent, err);
    if (status == QL_OK && response.status != 200) {
        status = ql_genesys_explain(genesys, ql_buf_text(&genesys->api_host), &response, err);
    } else if (status == QL_OK) {
        status = ql_genesys_parse(genesys, &response, subject, err);
    }
    (void)snprintf(id, id_size, "%.*s", QL_STR_ARG(ql_http_response_get(&response, "inin-correlation-id")));
    ql_http_response_fini(&response);
    return status;
}

/* ---- what is missing */

void ql_permission_hint(const char *what, struct ql_err *err) {
    ql_err_hint(err,
                "add %s to a role (Admin > People & Permissions > Roles / Permissions) and give the role to the client "
                "(Admin > Integrations > OAuth > the client > Roles), with the divisions of the queues; clients with the "
                "grant 'Client Credentials' have roles, not scopes",
                what);
}

void ql_need_put(const struct ql_source_need *need, struct ql_buf *out) {
    ql_buf_printf(out, "'%s'", need->permission);
    if (need->alternative != NULL) {
        ql_buf_printf(out, " (or '%s')", need->alternative);
    }
    ql_buf_printf(out, " to %s", need->what_for);
}

static enum ql_status judge(const struct ql_genesys *genesys, struct ql_str source, const struct ql_json *grants,
                            struct ql_err *err) {
    size_t n;
    const struct ql_source_need *needs = ql_source_needs(source, &n);
    struct ql_buf missing = {0};
    for (size_t i = 0; i < n; i++) {
        if (needs[i].level == QL_NEED_REQUIRED && ql_grants_meet(grants, &needs[i]) == NULL) {
            ql_buf_puts(&missing, missing.len != 0 ? ", " : "");
            ql_need_put(&needs[i], &missing);
        }
    }
    enum ql_status status = QL_OK;
    if (missing.len != 0) {
        status = QL_FAIL(err, QL_E_PERMISSION, "the OAuth client '%.*s' lacks what the source '%.*s' needs: permission %s",
                         QL_STR_ARG(genesys->options.client_id), QL_STR_ARG(source), missing.ptr);
        ql_permission_hint("it", err);
    }
    ql_buf_fini(&missing);
    return status;
}

enum ql_status ql_permissions_gate(struct ql_genesys *genesys, struct ql_str source, struct ql_err *err) {
    if (!genesys->options.checks_permissions) {
        return QL_OK;
    }
    QL_TRY(ql_oauth_ensure(genesys, err));
    struct ql_json *subject = NULL;
    struct ql_err cause = {0};
    char id[sizeof cause.request_id];
    enum ql_status status = ql_subject_ask(genesys, &subject, id, sizeof id, &cause);
    if (status == QL_E_AUTH || status == QL_E_CANCELLED || status == QL_E_DEADLINE) {
        ql_err_wrap(&cause, "looking at the client's permissions");
        if (err != NULL) {
            *err = cause;
        }
    } else if (status != QL_OK) { /* the run's own requests will tell */
        ql_genesys_note(genesys, "the client's permissions could not be looked at: %s", cause.message);
        status = QL_OK;
    } else if (ql_grants_are_told(subject)) {
        status = judge(genesys, source, ql_json_get(subject, "grants"), err);
        if (status != QL_OK && err != NULL) {
            (void)snprintf(err->request_id, sizeof err->request_id, "%s", id);
        }
    }
    ql_json_free(subject);
    return status;
}
