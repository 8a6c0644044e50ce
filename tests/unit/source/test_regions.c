/* Regions by each name that people have for them. The expected domains are those of the official SDKs, written down
 * here a second time. */
#include "support/test.h"

#include "source/regions.h"

#include <stdio.h>

static const char *const SDK[][2] = {
    {"us_east_1", "mypurecloud.com"},     {"eu_west_1", "mypurecloud.ie"},         {"ap_southeast_2", "mypurecloud.com.au"},
    {"ap_northeast_1", "mypurecloud.jp"}, {"eu_central_1", "mypurecloud.de"},      {"us_west_2", "usw2.pure.cloud"},
    {"ca_central_1", "cac1.pure.cloud"},  {"ap_northeast_2", "apne2.pure.cloud"},  {"eu_west_2", "euw2.pure.cloud"},
    {"ap_south_1", "aps1.pure.cloud"},    {"us_east_2", "use2.us-gov-pure.cloud"}, {"sa_east_1", "sae1.pure.cloud"},
    {"me_central_1", "mec1.pure.cloud"},  {"ap_northeast_3", "apne3.pure.cloud"},  {"eu_central_2", "euc2.pure.cloud"},
    {"mx_central_1", "mxc1.pure.cloud"},  {"ap_southeast_1", "apse1.pure.cloud"},  {"eusc_de_east_1", "edee1.eusc-pure.cloud"},
};
enum { N_SDK = sizeof SDK / sizeof SDK[0] };

static void assert_resolves(const char *text, const char *domain) {
    struct ql_buf out = {0};
    struct ql_err err = {0};
    if (ql_region_resolve(ql_str_from(text), &out, &err) != QL_OK) {
        fail_msg("'%s': %s", text, err.message);
    }
    if (strcmp(ql_buf_text(&out), domain) != 0) {
        fail_msg("'%s' became '%s', expected '%s'", text, ql_buf_text(&out), domain);
    }
    ql_buf_fini(&out);
}

static void every_region_is_found_by_each_of_its_names(void **state) {
    (void)state;
    size_t n;
    (void)ql_region_all(&n);
    assert_int_equal(n, N_SDK);
    for (size_t i = 0; i < N_SDK; i++) {
        const char *domain = SDK[i][1];
        char text[128];
        assert_resolves(domain, domain);
        assert_resolves(SDK[i][0], domain); /* as the SDKs write it */
        (void)snprintf(text, sizeof text, "%s", SDK[i][0]);
        for (char *c = text; *c != '\0'; c++) {
            *c = *c == '_' ? '-' : *c;
        }
        assert_resolves(text, domain); /* as the CLI writes it */
        (void)snprintf(text, sizeof text, "login.%s", domain);
        assert_resolves(text, domain);
        (void)snprintf(text, sizeof text, "api.%s", domain);
        assert_resolves(text, domain);
        (void)snprintf(text, sizeof text, "https://apps.%s/directory/#/", domain);
        assert_resolves(text, domain);
        assert_non_null(ql_region_find(ql_str_from(domain)));
        assert_string_equal(ql_region_find(ql_str_from(domain))->domain, domain);
    }
}

static void spelling_does_not_matter(void **state) {
    (void)state;
    assert_resolves(" MyPureCloud.DE ", "mypurecloud.de");
    assert_resolves("EU-Central-1", "mypurecloud.de");
    assert_resolves("HTTPS://API.mypurecloud.de", "mypurecloud.de");
    assert_resolves("mypurecloud.de.", "mypurecloud.de");
}

static void another_host_is_a_domain_like_any_other(void **state) {
    (void)state;
    assert_resolves("newregion9.pure.cloud", "newregion9.pure.cloud");
    assert_resolves("https://login.newregion9.pure.cloud/", "newregion9.pure.cloud");
    assert_resolves("api.example", "api.example"); /* a domain of its own: nothing is left without its first label */
    assert_null(ql_region_find(QL_STR("newregion9.pure.cloud")));
    assert_null(ql_region_find(QL_STR("mypurecloud.d")));
    assert_null(ql_region_find(QL_STR("mypurecloud.dee")));
}

static void what_can_be_no_host_is_refused(void **state) {
    (void)state;
    static const char *const WRONG[] = {"",
                                        " ",
                                        "my purecloud.de",
                                        "a..b",
                                        ".de",
                                        "http://mypurecloud.de",
                                        "user@mypurecloud.de",
                                        "mypurecloud.de:443",
                                        "mypurecloud.de?x",
                                        "m\303\274nchen.de",
                                        "https://"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct ql_buf out = {0};
        struct ql_err err = {0};
        if (ql_region_resolve(ql_str_from(WRONG[i]), &out, &err) != QL_E_CONFIG) {
            fail_msg("'%s' became '%s'", WRONG[i], ql_buf_text(&out));
        }
        assert_non_null(strstr(ql_err_get_hint(&err), "eu-central-1"));
        ql_buf_fini(&out);
    }
}

static void a_slip_is_recognised(void **state) {
    (void)state;
    assert_string_equal(ql_region_nearest(QL_STR("mypurecluod.de")), "mypurecloud.de");
    assert_string_equal(ql_region_nearest(QL_STR("us-aest-1")), "us-east-1");
    assert_null(ql_region_nearest(QL_STR("gateway.example.com")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_region_is_found_by_each_of_its_names),
        cmocka_unit_test(spelling_does_not_matter),
        cmocka_unit_test(another_host_is_a_domain_like_any_other),
        cmocka_unit_test(what_can_be_no_host_is_refused),
        cmocka_unit_test(a_slip_is_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
