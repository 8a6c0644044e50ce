/* The token: how it is asked for, kept, renewed, and how each refusal is told. */
#include "exports_bench.h"

#include "source/source_internal.h"

#include <stdio.h>

/* RFC 4648, section 10. */
static void base64_as_in_the_rfc(void **state) {
    (void)state;
    static const char *const PAIRS[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xff\xfe\xfb", "//77"}};
    for (size_t i = 0; i < sizeof PAIRS / sizeof PAIRS[0]; i++) {
        struct ql_buf out = {0};
        ql_base64_encode(ql_str_from(PAIRS[i][0]), &out);
        assert_string_equal(ql_buf_text(&out), PAIRS[i][1]);
        ql_buf_fini(&out);
    }
}

static void asks_as_the_login_host_wants_it(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    api_token(&bench);
    api_me(&bench);
    bench_open(&bench);
    assert_int_equal(bench_prepare(&bench), QL_OK);
    const char *sent = fake_request(bench.api, 0);
    assert_true(has(sent, "POST /oauth/token HTTP/1.1\r\n"));
    /* printf 'client-1:s3cret/+value' | base64 */
    assert_true(has(sent, "\r\nAuthorization: Basic Y2xpZW50LTE6czNjcmV0Lyt2YWx1ZQ==\r\n"));
    assert_true(has(sent, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_true(has(sent, "\r\n\r\ngrant_type=client_credentials") && !has(sent, "credentials\n"));
    const char *me = fake_request(bench.api, 1);
    assert_true(has(me, "GET /api/v2/tokens/me HTTP/1.1\r\n") && has(me, "\r\nAuthorization: Bearer " TOKEN "\r\n"));
    assert_false(has(me, "Content-Type"));
    assert_true(has(ql_buf_text(&bench.told), "[token]"));
    assert_no_secret(&bench);
    bench_fini(&bench);
}

/* ---- refusals */

struct refusal {
    const char *name, *answer;
    int status;
    enum ql_status expected;
    const char *message, *hint; /* parts */
};

static void each_refusal_says_what_is_wrong(void **state) {
    (void)state;
    static const struct refusal CASES[] = {
        {"id", "{\"error\":\"invalid_client\",\"description\":\"client not found\",\"error_description\":\"client not found\"}",
         400, QL_E_AUTH, "the client id 'client-1' is not known at '127.0.0.1:", "GENESYS_CLIENT_ID"},
        {"id and region", "{\"error\":\"invalid_client\",\"error_description\":\"client not found\"}", 401, QL_E_AUTH,
         "client id", "GENESYS_ENVIRONMENT"},
        {"secret", "{\"error\":\"invalid_client\",\"description\":\"authentication failed\"}", 400, QL_E_AUTH,
         "the client secret is wrong", "GENESYS_CLIENT_SECRET"},
        {"disabled", "{\"error\":\"invalid_client\",\"description\":\"client is disabled\"}", 400, QL_E_AUTH,
         "the OAuth client 'client-1' is disabled", "enable the client"},
        {"inactive", "{\"error\":\"invalid_client\",\"description\":\"Client is Inactive\"}", 400, QL_E_AUTH,
         "the OAuth client 'client-1' is inactive", "enable the client"},
        {"grant", "{\"error\":\"unauthorized_client\",\"description\":\"not for you\"}", 400, QL_E_AUTH,
         "may not use this grant", "Client Credentials"},
        {"other", "{\"error\":\"invalid_client\",\"description\":\"new words with s3cret/+value in them\"}", 401, QL_E_AUTH,
         "invalid_client, new words with *** in them", "GENESYS_CLIENT_SECRET"},
        {"no words", "", 401, QL_E_AUTH, "with status 401", "GENESYS_CLIENT_SECRET"},
        {"error with 200", "{\"error\":\"invalid_client\",\"error_description\":\"authentication failed\"}", 200, QL_E_AUTH,
         "the client secret is wrong", ""},
        {"no token", "{\"token_type\":\"bearer\"}", 200, QL_E_PROTOCOL, "holds no access token", ""},
        {"wrong host", "<!DOCTYPE html><html>404</html>", 404, QL_E_PROTOCOL,
         "answers 404 with an HTML page and is no login host of Genesys Cloud", "--login-url"},
        {"a page", "<html>Welcome</html>", 200, QL_E_PROTOCOL, "answers 200 with an HTML page and is no login host",
         "--login-url"},
        {"no JSON", "{\"access_token\":\"x", 200, QL_E_PROTOCOL, "reading an answer of status 200: no JSON", ""},
        {"a list", "[1]", 200, QL_E_PROTOCOL, "no JSON object", ""},
        {"deep", "{\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", 200, QL_E_PROTOCOL, "nested deeper than 16",
         "--max-json-depth"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        api_json(&bench, CASES[i].status, CASES[i].answer);
        bench_open(&bench);
        enum ql_status status = bench_prepare(&bench);
        if (status != CASES[i].expected || !has(bench.err.message, CASES[i].message) || !has(bench.err.hint, CASES[i].hint) ||
            !ql_str_has_prefix(ql_str_from(bench.err.message), "getting a token: ")) {
            fail_msg("%s: %s: %s; %s", CASES[i].name, ql_status_name(status), bench.err.message, bench.err.hint);
        }
        char id[20];
        (void)snprintf(id, sizeof id, "corr-%d", CASES[i].status);
        assert_string_equal(bench.err.request_id, id);
        assert_int_equal(fake_count(bench.api), 1);
        assert_no_secret(&bench);
        bench_fini(&bench);
    }
}

static void throttling_and_failing_servers_are_told_as_such(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    for (int i = 0; i < 3; i++) {
        api_json(&bench, 429, "{\"message\":\"Rate limit exceeded the maximum.\",\"code\":\"too.many.requests\"}");
    }
    for (int i = 0; i < 3; i++) {
        api_raw(&bench, "HTTP/1.1 503 No\r\nContent-Length: 6\r\nContent-Type: text/html\r\n\r\n<html>", FAKE_KEEP);
    }
    bench_open(&bench);
    assert_int_equal(bench_prepare(&bench), QL_E_RATE);
    assert_true(has(bench.err.message, "answers 429 (too.many.requests): Rate limit exceeded the maximum."));
    assert_int_equal(bench.err.http_status, 429);
    assert_int_equal(bench_prepare(&bench), QL_E_SERVER);
    assert_true(has(bench.err.message, "answers 503 with an HTML page"));
    assert_int_equal(fake_count(bench.api), 6);
    bench_fini(&bench);
}

static void an_unknown_region_is_named_with_examples(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.genesys.login_url = (struct ql_str){0};
    bench.options.genesys.environment = QL_STR("mypurecloud.invalid");
    bench_open(&bench);
    assert_int_not_equal(bench_prepare(&bench), QL_OK);
    assert_true(has(bench.err.message, "login.mypurecloud.invalid"));
    assert_true(has(bench.err.hint, "GENESYS_ENVIRONMENT ('mypurecloud.invalid')") && has(bench.err.hint, "mypurecloud.ie"));
    bench_fini(&bench);
}

static void credentials_that_are_missing_are_refused_without_a_request(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.genesys.client_secret = (struct ql_str){0};
    bench_open(&bench);
    assert_int_equal(bench_prepare(&bench), QL_E_CONFIG);
    assert_true(has(bench.err.message, "client secret") && has(bench.err.hint, "GENESYS_CLIENT_SECRET"));
    assert_int_equal(fake_connections(bench.api), 0);
    bench_fini(&bench);
}

/* ---- scopes */

static void scopes_are_words_of_a_list_with_levels(void **state) {
    (void)state;
    struct ql_str read = QL_STR("analytics:export:read");
    assert_true(ql_scopes_have(QL_STR("analytics:export:read"), read));
    assert_true(ql_scopes_have(QL_STR("users analytics:export:write,analytics:export:read"), read));
    assert_true(ql_scopes_have(QL_STR("analytics"), read));
    assert_true(ql_scopes_have(QL_STR("  analytics:export "), read));
    assert_true(ql_scopes_have(QL_STR("*"), read));
    assert_false(ql_scopes_have(QL_STR("analytics:export:readonly"), read));
    assert_false(ql_scopes_have(QL_STR("analytics:exp"), read));
    assert_false(ql_scopes_have(QL_STR("analytics:readonly users"), read));
    assert_false(ql_scopes_have(QL_STR(""), read));
}

static void a_missing_scope_is_named_before_anything_is_asked(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    api_json(&bench, 200, "{\"access_token\":\"" TOKEN "\",\"expires_in\":3600,\"scope\":\"analytics:export:read users\"}");
    bench_open(&bench);
    assert_int_equal(bench_prepare(&bench), QL_E_PERMISSION);
    assert_string_equal(bench.err.message, "the token of client 'client-1' lacks the scope 'analytics:export:write'");
    assert_int_equal(fake_count(bench.api), 1);
    bench_fini(&bench);

    bench_init(&bench);
    api_token(&bench);
    api_json(&bench, 200, "{\"organization\":{\"id\":\"o\"},\"authorizedScope\":[\"analytics:export:write\",\"users\"]}");
    bench_open(&bench);
    assert_int_equal(bench_prepare(&bench), QL_E_PERMISSION);
    assert_true(has(bench.err.message, "'analytics:export:read'"));
    bench_fini(&bench);
}

static void a_token_that_states_no_scopes_has_roles_instead(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
    } ANSWERS[] = {
        {404, "{}"},
        {403, "<html>"},
        {500, ""}, /* twice: http looks once more */
        {200, "{\"organization\":{}}"},
        {200, "{\"authorizedScope\":[]}"},
        {200, "{\"authorizedScope\":[\"analytics\"]}"},
        {200, "{\"authorizedScope\":[\"analytics:export:read\",\"analytics:export:write\"]}"},
    };
    for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        api_token(&bench);
        api_json(&bench, ANSWERS[i].status, ANSWERS[i].body);
        api_json(&bench, ANSWERS[i].status, ANSWERS[i].body);
        bench_open(&bench);
        if (bench_prepare(&bench) != QL_OK) {
            fail_msg("case %zu: %s", i, bench.err.message);
        }
        bench_fini(&bench);
    }
}

/* ---- life of a token */

static void a_token_is_used_until_shortly_before_it_expires(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    api_json(&bench, 200, "{\"access_token\":\"first-token-abcdef\",\"expires_in\":120.0}");
    api_json(&bench, 200, "{\"access_token\":\"second-token-abcdef\",\"expires_in\":60}");
    api_json(&bench, 200, "{\"access_token\":\"third-token-abcdef\"}");
    struct ql_genesys genesys;
    assert_ok(ql_http_new(&bench.http_options, &bench.http, err));
    ql_genesys_init(&genesys, bench.http, &bench.options.genesys, NULL);
    assert_ok(ql_oauth_ensure(&genesys, err));
    assert_ok(ql_oauth_ensure(&genesys, err));
    assert_int_equal(fake_count(bench.api), 1);
    int64_t until_ms = genesys.token_until_ms;
    genesys.token_until_ms = 1; /* as if its time had come */
    assert_ok(ql_oauth_ensure(&genesys, err));
    assert_str_equal(ql_buf_view(&genesys.token), "second-token-abcdef");
    /* 120 s less a minute; 60 s less its half: both end 60 and 30 s after they were asked for. */
    int64_t second_ms = genesys.token_until_ms;
    assert_true(until_ms - second_ms > 0 && until_ms - second_ms <= 30000);
    ql_oauth_forget(&genesys);
    assert_ok(ql_oauth_ensure(&genesys, err));
    assert_true(genesys.token_until_ms >= second_ms + 210000); /* 300 s where the answer says nothing, less a minute */
    ql_genesys_fini(&genesys);
    bench_fini(&bench);
}

static void a_401_earns_one_new_token_and_one_more_try(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    api_token(&bench);
    api_me(&bench);
    api_json(&bench, 401, "{\"message\":\"expired\",\"code\":\"credentials.expired\"}"); /* to the creating POST */
    api_json(&bench, 200, "{\"access_token\":\"fresh-token-abcdef\",\"expires_in\":3600}");
    api_created(&bench);
    api_json(&bench, 401, "{\"message\":\"expired\",\"code\":\"credentials.expired\"}"); /* to a look */
    api_json(&bench, 200, "{\"access_token\":\"fresher-token-abcdef\",\"expires_in\":3600}");
    api_json(&bench, 401, "{\"message\":\"still no\",\"code\":\"bad.credentials\"}");
    bench_open(&bench);
    assert_int_equal(bench_run(&bench), QL_E_AUTH);
    assert_true(has(bench.err.message, "answers 401 (bad.credentials): still no"));
    assert_string_equal(bench.err.request_id, "corr-401");
    assert_int_equal(fake_count(bench.api), 8);
    assert_true(has(fake_request(bench.api, 4), "POST " EXPORTS " ") &&
                has(fake_request(bench.api, 4), "Bearer fresh-token-abcdef\r\n"));
    assert_true(has(fake_request(bench.api, 7), "Bearer fresher-token-abcdef\r\n"));
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_as_in_the_rfc),
        cmocka_unit_test(asks_as_the_login_host_wants_it),
        cmocka_unit_test(each_refusal_says_what_is_wrong),
        cmocka_unit_test(throttling_and_failing_servers_are_told_as_such),
        cmocka_unit_test(an_unknown_region_is_named_with_examples),
        cmocka_unit_test(credentials_that_are_missing_are_refused_without_a_request),
        cmocka_unit_test(scopes_are_words_of_a_list_with_levels),
        cmocka_unit_test(a_missing_scope_is_named_before_anything_is_asked),
        cmocka_unit_test(a_token_that_states_no_scopes_has_roles_instead),
        cmocka_unit_test(a_token_is_used_until_shortly_before_it_expires),
        cmocka_unit_test(a_401_earns_one_new_token_and_one_more_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
