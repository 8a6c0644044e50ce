/*
 * The looks of `queuelake check` at Genesys Cloud. Each request is sent once and creates nothing; what is refused is reported
 * in the words that a run would use, and the next look goes on.
 */
#include "source/permissions.h"

#include "source/source_internal.h"

#include <stdio.h>

enum { NAME_SIZE = 200 };

struct look {
    struct ql_genesys genesys;
    struct ql_str source;
    const struct ql_finding_sink *findings;
};

/* A document of the API. The caller frees *json and calls fini on the answer in every case. */
static enum ql_status get(struct look *look, const char *path, struct ql_http_response *response, struct ql_json **json,
                          struct ql_err *err) {
    const struct ql_genesys_call call = {.method = "GET", .path = path, .repeat = QL_HTTP_REPEAT_NEVER};
    bool was_sent;
    *json = NULL;
    QL_TRY(ql_genesys_send(&look->genesys, &call, response, &was_sent, err));
    return response->status == 200 ? ql_genesys_parse(&look->genesys, response, json, err)
                                   : ql_genesys_explain(&look->genesys, ql_buf_text(&look->genesys.api_host), response, err);
}

static const char *name_of(const struct look *look, const struct ql_json *thing, const char *otherwise, char out[NAME_SIZE]) {
    ql_words_copy(look->genesys.http, ql_json_get_text(thing, "name"), out, NAME_SIZE);
    if (out[0] == '\0') {
        (void)snprintf(out, NAME_SIZE, "%s", otherwise);
    }
    return out;
}

/* ---- token and scopes */

static enum ql_status look_at_token(struct look *look) {
    const struct ql_genesys_options *options = &look->genesys.options;
    struct ql_err err = {0};
    enum ql_status status = QL_OK;
    if (options->client_id.len == 0 || options->client_secret.len == 0) {
        status = QL_FAIL(&err, QL_E_CONFIG, "there is no client %s",
                         options->client_id.len == 0 ? "id: GENESYS_CLIENT_ID is not set"
                                                     : "secret: GENESYS_CLIENT_SECRET is not set");
        ql_err_hint(&err, "create an OAuth client with the grant 'Client Credentials' in Admin > Integrations > OAuth, and set "
                          "GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET (or GENESYS_CLIENT_SECRET_FILE)");
    } else {
        status = ql_oauth_ensure(&look->genesys, &err);
    }
    if (status != QL_OK) {
        ql_finding_err(look->findings, QL_FINDING_PROBLEM, "token", &err);
    } else {
        ql_finding_say(look->findings, QL_FINDING_OK, "token", "client '%.*s' gets a token from '%s'",
                       QL_STR_ARG(options->client_id), ql_buf_text(&look->genesys.login_host));
    }
    return status;
}

static void judge_scopes(struct look *look, struct ql_str scopes) {
    static const char *const NEEDED[] = {"analytics:export:read", "analytics:export:write"};
    struct ql_buf missing = {0};
    size_t n_missing = 0;
    for (size_t i = 0; i < sizeof NEEDED / sizeof NEEDED[0]; i++) {
        if (!ql_scopes_have(scopes, ql_str_from(NEEDED[i]))) {
            ql_buf_printf(&missing, "%s'%s'", n_missing++ != 0 ? " and " : "", NEEDED[i]);
        }
    }
    if (scopes.len == 0) {
        ql_finding_say(look->findings, QL_FINDING_OK, "scopes", "the token states none: the client's roles decide");
    } else if (n_missing == 0) {
        ql_finding_say(look->findings, QL_FINDING_OK, "scopes", "those that the token states are enough");
    } else {
        struct ql_err err = {0};
        bool is_needed = ql_str_eq(look->source, QL_STR("exports"));
        (void)QL_FAIL(&err, QL_E_PERMISSION, "the token states scopes, but not %s", missing.ptr);
        ql_err_hint(
            &err, "%sadd to the OAuth client what is missing: Admin > Integrations > OAuth > the client > Scope",
            is_needed ? "" : "clients with the grant 'Client Credentials' have roles, not scopes; if requests are refused, ");
        ql_finding_err(look->findings, is_needed ? QL_FINDING_PROBLEM : QL_FINDING_WARNING, "scopes", &err);
    }
    ql_buf_fini(&missing);
}

/* tokens/me needs no permission; a gateway may not have it. false: the API cannot be reached. */
static bool look_at_organization(struct look *look) {
    struct ql_http_response response = {0};
    struct ql_json *json;
    struct ql_err err = {0};
    struct ql_buf scopes = {0};
    char client[NAME_SIZE];
    char organization[NAME_SIZE];
    if (get(look, "/api/v2/tokens/me", &response, &json, &err) != QL_OK) {
        ql_finding_err(look->findings, QL_FINDING_SKIPPED, "organization", &err);
    } else {
        ql_finding_say(look->findings, QL_FINDING_OK, "organization", "'%s', client '%s'",
                       name_of(look, ql_json_get(json, "organization"), "without a name", organization),
                       name_of(look, ql_json_get(json, "OAuthClient"), "without a name", client));
    }
    ql_buf_put_str(&scopes, ql_str_trim(ql_buf_view(&look->genesys.scopes)));
    const struct ql_json *authorized = ql_json_get(json, "authorizedScope");
    for (size_t i = 0; i < ql_json_length(authorized); i++) {
        ql_buf_putc(&scopes, ' ');
        ql_buf_put_str(&scopes, ql_json_text(ql_json_at(authorized, i)));
    }
    judge_scopes(look, ql_str_trim(ql_buf_view(&scopes)));
    ql_buf_fini(&scopes);
    ql_json_free(json);
    bool is_reached = response.status != 0;
    ql_http_response_fini(&response);
    return is_reached;
}

/* ---- permissions and divisions */

static void look_at_need(struct look *look, const struct ql_json *grants, const struct ql_source_need *need, const char *id) {
    const char *met_by = ql_grants_meet(grants, need);
    if (met_by != NULL) {
        ql_finding_say(look->findings, QL_FINDING_OK, "permission", "'%s' to %s", met_by, need->what_for);
        return;
    }
    if (need->level == QL_NEED_OPTIONAL) {
        ql_finding_say(look->findings, QL_FINDING_OK, "permission",
                       "'%s' is not granted: a run cannot %s, and does not unless told to", need->permission, need->what_for);
        return;
    }
    struct ql_err err = {0};
    struct ql_buf text = {0};
    ql_need_put(need, &text);
    (void)QL_FAIL(&err, QL_E_PERMISSION, "the OAuth client '%.*s' lacks the permission %s",
                  QL_STR_ARG(look->genesys.options.client_id), text.ptr);
    ql_permission_hint("it", &err);
    (void)snprintf(err.request_id, sizeof err.request_id, "%s", id);
    ql_finding_err(look->findings, need->level == QL_NEED_REQUIRED ? QL_FINDING_PROBLEM : QL_FINDING_WARNING, "permission",
                   &err);
    ql_buf_fini(&text);
}

static bool is_listed(const struct ql_buf *list, const char *item) {
    return list->ptr != NULL && strstr(list->ptr, item) != NULL;
}

/* The divisions in which the client may do the first thing that the source needs; data of others are silently left out. */
static void look_at_divisions(struct look *look, const struct ql_json *grants, const char *permission) {
    struct ql_buf names = {0};
    bool has_all = false;
    for (size_t i = 0; i < ql_json_length(grants); i++) {
        const struct ql_json *grant = ql_json_at(grants, i);
        const struct ql_json *division = ql_json_get(grant, "division");
        struct ql_str id = ql_json_get_text(division, "id");
        if (!ql_grant_has(grant, permission)) {
            continue;
        }
        char id_text[NAME_SIZE];
        char name[NAME_SIZE];
        char item[NAME_SIZE + 4];
        ql_words_copy(look->genesys.http, id, id_text, sizeof id_text);
        (void)snprintf(item, sizeof item, "'%s'", name_of(look, division, id_text, name));
        has_all = has_all || ql_str_eq(id, QL_STR("*"));
        if (!is_listed(&names, item)) {
            ql_buf_printf(&names, "%s%s", names.len != 0 ? ", " : "", item);
        }
    }
    if (has_all) {
        ql_finding_say(look->findings, QL_FINDING_OK, "divisions", "all of them");
    } else if (names.len != 0) {
        ql_finding_say(look->findings, QL_FINDING_OK, "divisions", "%.600s; figures of queues in other divisions are left out",
                       names.ptr);
    } else {
        ql_finding_say(look->findings, QL_FINDING_SKIPPED, "divisions", "not told: no grant has '%s'", permission);
    }
    ql_buf_fini(&names);
}

static void look_at_permissions(struct look *look) {
    struct ql_json *subject = NULL;
    struct ql_err err = {0};
    char id[sizeof err.request_id];
    size_t n;
    const struct ql_source_need *needs = ql_source_needs(look->source, &n);
    if (ql_subject_ask(&look->genesys, &subject, id, sizeof id, &err) != QL_OK) {
        ql_err_wrap(&err, "the client's permissions could not be looked at");
        ql_err_hint(&err,
                    "a run goes on all the same, and is refused where a permission is missing; the source '%.*s' begins "
                    "with '%s'",
                    QL_STR_ARG(look->source), n != 0 ? needs[0].permission : "none");
        ql_finding_err(look->findings, QL_FINDING_WARNING, "permission", &err);
    } else if (!ql_grants_are_told(subject)) {
        ql_finding_warn(look->findings, "permission", "see Admin > Integrations > OAuth > the client > Roles",
                        "the answer does not tell the permissions of the client's roles");
    } else {
        const struct ql_json *grants = ql_json_get(subject, "grants");
        for (size_t i = 0; i < n; i++) {
            look_at_need(look, grants, &needs[i], id);
        }
        if (n != 0) {
            look_at_divisions(look, grants, needs[0].permission);
        }
    }
    ql_json_free(subject);
}

/* ---- queues */

/* How many of its requests the client has used in this window: other programs that share it count too. */
static void look_at_rate(struct look *look, const struct ql_http_response *response) {
    struct ql_str count = ql_http_response_get(response, "inin-ratelimit-count");
    struct ql_str allowed = ql_http_response_get(response, "inin-ratelimit-allowed");
    int64_t used;
    int64_t all;
    if (ql_str_to_i64(count, &used) && ql_str_to_i64(allowed, &all)) {
        ql_finding_say(look->findings, QL_FINDING_OK, "rate", "%lld of %lld requests of this window are used", (long long)used,
                       (long long)all);
    }
}

static bool needs_queues(struct ql_str source) {
    size_t n;
    const struct ql_source_need *needs = ql_source_needs(source, &n);
    bool needs_them = false;
    for (size_t i = 0; i < n; i++) {
        needs_them = needs_them || ql_str_has_prefix(ql_str_from(needs[i].permission), "routing:queue:");
    }
    return needs_them;
}

/* false: refused, and err says how. */
static bool count_queues(struct look *look, const char *path, struct ql_err *err) {
    struct ql_http_response response = {0};
    struct ql_json *json;
    int64_t total = -1;
    enum ql_status status = get(look, path, &response, &json, err);
    if (status == QL_OK && ql_json_get_int(json, "total", &total) && total > 0) {
        ql_finding_say(look->findings, QL_FINDING_OK, "queues", "%lld visible", (long long)total);
    } else if (status == QL_OK && total == 0) {
        ql_finding_warn(look->findings, "queues",
                        "give the client's role with the divisions of the queues: Admin > Integrations > OAuth > the client > "
                        "Roles",
                        "the client sees no queue, so a run would find nothing");
    } else if (status == QL_OK) {
        ql_finding_say(look->findings, QL_FINDING_SKIPPED, "queues", "the answer does not say how many there are");
    }
    if (status == QL_OK) {
        look_at_rate(look, &response);
    }
    ql_json_free(json);
    ql_http_response_fini(&response);
    return status == QL_OK;
}

/* The second way needs a lesser permission. Whether a refusal of both stops the source, its permissions have said. */
static void look_at_queues(struct look *look) {
    struct ql_err err = {0};
    if (!count_queues(look, "/api/v2/routing/queues?pageSize=1&pageNumber=1", &err) &&
        !count_queues(look, "/api/v2/routing/queues/divisionviews?pageSize=1&pageNumber=1", NULL)) {
        ql_finding_err(look->findings, needs_queues(look->source) ? QL_FINDING_WARNING : QL_FINDING_SKIPPED, "queues", &err);
    }
}

/* ---- limits */

/* Of the hundreds of limits of an organisation those that a run can meet. */
static bool is_of_interest(const char *key) {
    static const char *const PARTS[] = {"client.credentials.token.rate",
                                        "org.app.user.rate",
                                        "token.rate.per.minute",
                                        "request.bytes",
                                        "aggregate",
                                        "export",
                                        "async"};
    bool is = false;
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0] && !is; i++) {
        is = strcasestr(key, PARTS[i]) != NULL;
    }
    return is;
}

static void put_limits(const struct look *look, const struct ql_json *entities, struct ql_buf *out) {
    enum { MOST = 8 };
    size_t n = 0;
    for (size_t i = 0; i < ql_json_length(entities) && n < MOST; i++) {
        const struct ql_json *limit = ql_json_at(entities, i);
        char key[NAME_SIZE];
        double value;
        ql_words_copy(look->genesys.http, ql_json_get_text(limit, "key"), key, sizeof key);
        if (is_of_interest(key) && ql_json_get_number(limit, "value", &value)) {
            ql_buf_printf(out, "%s%s %.0f", n++ != 0 ? ", " : "", key, value);
        }
    }
}

static void look_at_limits(struct look *look) {
    static const char *const NAMESPACES[] = {"platform.api", "analytics"};
    for (size_t i = 0; i < sizeof NAMESPACES / sizeof NAMESPACES[0]; i++) {
        struct ql_http_response response = {0};
        struct ql_json *json;
        struct ql_err err = {0};
        struct ql_buf text = {0};
        char path[96];
        (void)snprintf(path, sizeof path, "/api/v2/organizations/limits/namespaces/%s", NAMESPACES[i]);
        if (get(look, path, &response, &json, &err) != QL_OK) {
            ql_finding_err(look->findings, QL_FINDING_SKIPPED, "limits", &err);
        } else {
            put_limits(look, ql_json_get(json, "entities"), &text);
            ql_finding_say(look->findings, QL_FINDING_OK, "limits", "%s: %s", NAMESPACES[i],
                           text.len != 0 ? text.ptr : "none that matters here");
        }
        ql_buf_fini(&text);
        ql_json_free(json);
        ql_http_response_fini(&response);
    }
}

static void skip_rest(const struct look *look, const char *why) {
    static const char *const NAMES[] = {"permission", "queues", "limits"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        ql_finding_say(look->findings, QL_FINDING_SKIPPED, NAMES[i], "not looked at, because %s", why);
    }
}

void ql_genesys_look(struct ql_http *http, const struct ql_genesys_options *options, struct ql_str source,
                     const struct ql_finding_sink *findings) {
    struct look look = {.source = source, .findings = findings};
    ql_genesys_init(&look.genesys, http, options, NULL);
    if (look_at_token(&look) != QL_OK) {
        skip_rest(&look, "there is no token");
    } else if (!look_at_organization(&look)) {
        skip_rest(&look, "the API does not answer");
    } else {
        look_at_permissions(&look);
        look_at_queues(&look);
        look_at_limits(&look);
    }
    ql_genesys_fini(&look.genesys);
}
