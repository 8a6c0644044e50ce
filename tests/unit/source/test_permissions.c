/*
 * Permissions: what each source needs, how grants are read (the shape is that of the SDKs' AuthzSubject), and the gate that a
 * run passes.
 */
#include "exports_bench.h"

#include "source/permissions.h"
#include "source/source_internal.h"

#include <stdio.h>

#define ADD "{\"domain\":\"analytics\",\"entityName\":\"dataExport\",\"actions\":[\"add\",\"view\"]}"
#define GRANT(division, policies)                                                            \
    "{\"subjectId\":\"c\",\"division\":{\"id\":\"" division "\",\"name\":\"" division "\"}," \
    "\"role\":{\"id\":\"r\",\"name\":\"Queue reports\",\"policies\":[" policies "],\"default\":false}}"
#define SUBJECT(grants) "{\"id\":\"c\",\"name\":\"queuelake\",\"grants\":[" grants "],\"version\":3}"

static bool grants(const char *policies, const char *permission) {
    char text[1024];
    struct ql_json *json = NULL;
    (void)snprintf(text, sizeof text, SUBJECT(GRANT("Home", "%s")), policies);
    assert_ok(ql_json_parse(ql_str_from(text), 16, &json, err));
    bool has = ql_grant_has(ql_json_at(ql_json_get(json, "grants"), 0), permission);
    ql_json_free(json);
    return has;
}

static void a_grant_has_what_its_policies_say(void **state) {
    (void)state;
    assert_true(grants(ADD, "analytics:dataExport:add"));
    assert_true(grants(ADD, "analytics:dataExport:view"));
    assert_false(grants(ADD, "analytics:dataExport:delete"));
    assert_false(grants(ADD, "analytics:conversationAggregate:view"));
    assert_false(grants(ADD, "routing:dataExport:add"));
    assert_false(grants("", "analytics:dataExport:add"));
    assert_true(grants("{\"domain\":\"routing\",\"entityName\":\"queue\",\"actions\":[]}," ADD, "analytics:dataExport:add"));
}

static void a_star_stands_for_any(void **state) {
    (void)state;
    assert_true(grants("{\"domain\":\"analytics\",\"entityName\":\"*\",\"actions\":[\"view\"]}", "analytics:dataExport:view"));
    assert_false(grants("{\"domain\":\"analytics\",\"entityName\":\"*\",\"actions\":[\"view\"]}", "analytics:dataExport:add"));
    assert_true(
        grants("{\"domain\":\"analytics\",\"entityName\":\"dataExport\",\"actions\":[\"*\"]}", "analytics:dataExport:add"));
    assert_false(grants("{\"domain\":\"routing\",\"entityName\":\"*\",\"actions\":[\"*\"]}", "analytics:dataExport:add"));
    assert_true(grants("{\"domain\":\"*\",\"entityName\":\"*\",\"actions\":[\"*\"]}", "routing:queue:view"));
}

/* The least role of a service client: genesys-api.md, section 8, and the permissions that the public documents name for the
 * methods that each source calls. */
static void each_source_needs_the_least_role(void **state) {
    (void)state;
    static const char *const EXPECTED[][5] = {
        {"aggregates", "analytics:conversationAggregate:view", "routing:queue:view"},
        {"reporting", "analytics:dataExport:add", "analytics:dataExport:view"},
        {"exports", "analytics:dataExport:add", "analytics:dataExport:view"},
    };
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        size_t n;
        size_t n_required = 0;
        const struct ql_source_need *needs = ql_source_needs(ql_str_from(EXPECTED[i][0]), &n);
        for (size_t k = 0; k < n; k++) {
            if (needs[k].level == QL_NEED_REQUIRED) {
                assert_non_null(EXPECTED[i][n_required + 1]);
                assert_string_equal(needs[k].permission, EXPECTED[i][n_required + 1]);
                n_required++;
            }
        }
        assert_null(EXPECTED[i][n_required + 1]);
    }
    size_t n = 7;
    assert_null(ql_source_needs(QL_STR("file"), &n));
    assert_int_equal(n, 0);
}

static void searching_queues_does_as_well_as_viewing_them(void **state) {
    (void)state;
    struct ql_json *json = NULL;
    size_t n;
    const struct ql_source_need *needs = ql_source_needs(QL_STR("aggregates"), &n);
    static const char TEXT[] =
        "[" GRANT("North", "{\"domain\":\"routing\",\"entityName\":\"queue\",\"actions\":[\"search\"]}") "]";
    assert_ok(ql_json_parse(QL_STR(TEXT), 16, &json, err));
    assert_string_equal(ql_grants_meet(json, &needs[1]), "routing:queue:search");
    assert_null(ql_grants_meet(json, &needs[0]));
    ql_json_free(json);
}

/* ---- the gate */

static void open_with_gate(struct bench *bench) {
    bench_init(bench);
    bench->options.genesys.checks_permissions = true;
    api_token(bench);
    api_me(bench);
}

static enum ql_status through_the_gate(struct bench *bench) {
    bench_open(bench);
    return bench_prepare(bench);
}

static void the_gate_lets_through_who_may(void **state) {
    (void)state;
    struct bench bench;
    open_with_gate(&bench);
    api_json(&bench, 200, SUBJECT(GRANT("North", "") "," GRANT("Home", ADD)));
    assert_int_equal(through_the_gate(&bench), QL_OK);
    assert_non_null(strstr(fake_request(bench.api, 2), "GET /api/v2/authorization/subjects/me "));
    bench_fini(&bench);
}

static void the_gate_names_all_that_is_missing_and_where_to_grant_it(void **state) {
    (void)state;
    struct bench bench;
    open_with_gate(&bench);
    api_json(&bench, 200,
             SUBJECT(GRANT("Home", "{\"domain\":\"analytics\",\"entityName\":\"dataExport\",\"actions\":[\"delete\"]}")));
    assert_int_equal(through_the_gate(&bench), QL_E_PERMISSION);
    assert_true(has(bench.err.message, "'analytics:dataExport:add'") && has(bench.err.message, "'analytics:dataExport:view'"));
    assert_true(has(bench.err.hint, "Admin > Integrations > OAuth > the client > Roles") && has(bench.err.hint, "not scopes"));
    assert_string_equal(bench.err.request_id, "corr-200");
    assert_int_equal(fake_count(bench.api), 3); /* nothing was created */
    assert_no_secret(&bench);
    bench_fini(&bench);
}

static void a_client_without_any_role_does_not_pass(void **state) {
    (void)state;
    struct bench bench;
    open_with_gate(&bench);
    api_json(&bench, 200, SUBJECT(""));
    assert_int_equal(through_the_gate(&bench), QL_E_PERMISSION);
    bench_fini(&bench);
}

/* What cannot be found out is no reason to stop. */
static void the_gate_stands_open_where_nothing_is_told(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
    } ANSWERS[] = {
        {403, "{\"message\":\"no\",\"code\":\"missing.permissions\",\"status\":403}"},
        {404, "<html>not here</html>"},
        {500, "{}"},
        {503, ""},
        {429, "{\"code\":\"too.many.requests\"}"},
        {200, "<html>Sign in</html>"},
        {200, "{}"},
        {200, "{\"grants\":{}}"},
        {200, SUBJECT("{\"division\":{\"id\":\"d\"},\"role\":{\"id\":\"r\"}}")}, /* its permissions are not told */
    };
    for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
        struct bench bench;
        open_with_gate(&bench);
        api_json(&bench, ANSWERS[i].status, ANSWERS[i].body);
        if (through_the_gate(&bench) != QL_OK) {
            fail_msg("%d %s: %s", ANSWERS[i].status, ANSWERS[i].body, bench.err.message);
        }
        assert_int_equal(fake_count(bench.api), 3); /* asked once */
        bench_fini(&bench);
    }
}

static void a_refused_token_stops_at_the_gate(void **state) {
    (void)state;
    struct bench bench;
    open_with_gate(&bench);
    api_json(&bench, 401, "{\"code\":\"bad.credentials\"}");
    api_token(&bench);
    api_json(&bench, 401, "{\"code\":\"bad.credentials\"}");
    assert_int_equal(through_the_gate(&bench), QL_E_AUTH);
    bench_fini(&bench);
}

static void without_the_setting_nothing_is_asked(void **state) {
    (void)state;
    struct bench bench;
    open_with_gate(&bench);
    bench.options.genesys.checks_permissions = false;
    assert_int_equal(through_the_gate(&bench), QL_OK);
    assert_int_equal(fake_count(bench.api), 2);
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grant_has_what_its_policies_say),
        cmocka_unit_test(a_star_stands_for_any),
        cmocka_unit_test(each_source_needs_the_least_role),
        cmocka_unit_test(searching_queues_does_as_well_as_viewing_them),
        cmocka_unit_test(the_gate_lets_through_who_may),
        cmocka_unit_test(the_gate_names_all_that_is_missing_and_where_to_grant_it),
        cmocka_unit_test(a_client_without_any_role_does_not_pass),
        cmocka_unit_test(the_gate_stands_open_where_nothing_is_told),
        cmocka_unit_test(a_refused_token_stops_at_the_gate),
        cmocka_unit_test(without_the_setting_nothing_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
