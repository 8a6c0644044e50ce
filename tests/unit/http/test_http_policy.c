/* The parts of http that decide without a connection: what is tried again and when, where a request may go, what is masked. */
#include "support/test.h"

#include "base/mem.h"
#include "base/time.h"
#include "http/http_internal.h"

#include <netinet/in.h>

/* ---- retry */

static const struct ql_retry_policy POLICY = {.max_attempts = 5, .base_ms = 4000, .cap_ms = 60000, .rate_wait_ms = 10000};

static void waits_double_to_the_cap_with_half_of_them_random(void **state) {
    (void)state;
    const struct ql_attempt fault = {.status = QL_E_NETWORK, .retry_after_ms = -1};
    const int64_t w[] = {4000, 8000, 16000, 32000, 60000, 60000};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(ql_retry_wait_ms(&POLICY, i + 1, &fault, 0), w[i] / 2);
        assert_int_equal(ql_retry_wait_ms(&POLICY, i + 1, &fault, (uint64_t)w[i] / 2), w[i]);         /* the largest */
        assert_int_equal(ql_retry_wait_ms(&POLICY, i + 1, &fault, (uint64_t)w[i] / 2 + 1), w[i] / 2); /* around */
        assert_int_equal(ql_retry_wait_ms(&POLICY, i + 1, &fault, 7), w[i] / 2 + 7);
    }
    assert_int_equal(ql_retry_wait_ms(&POLICY, 1000000, &fault, 0), 30000);
    const struct ql_retry_policy none = {0};
    assert_int_equal(ql_retry_wait_ms(&none, 3, &fault, UINT64_MAX), 0);
    const struct ql_retry_policy huge = {.base_ms = INT64_MAX / 2 + 7, .cap_ms = INT64_MAX};
    assert_true(ql_retry_wait_ms(&huge, 9, &fault, 12345) > 0);
}

static void retry_after_is_obeyed_and_a_429_without_it_waits_ten_seconds(void **state) {
    (void)state;
    struct ql_attempt answer = {.status = QL_OK, .http_status = 503, .retry_after_ms = 42000};
    assert_int_equal(ql_retry_wait_ms(&POLICY, 1, &answer, 0), 42000);
    answer.retry_after_ms = 0; /* "at once" is no leave to hammer */
    assert_int_equal(ql_retry_wait_ms(&POLICY, 1, &answer, 5), 2005);
    answer.retry_after_ms = -1;
    assert_int_equal(ql_retry_wait_ms(&POLICY, 1, &answer, 5), 2005);
    answer.http_status = 429;
    assert_int_equal(ql_retry_wait_ms(&POLICY, 1, &answer, 5), 10000);
    assert_int_equal(ql_retry_wait_ms(&POLICY, 5, &answer, 5), 30005); /* at least */
    answer.retry_after_ms = 1000;
    assert_int_equal(ql_retry_wait_ms(&POLICY, 1, &answer, 5), 2005);
}

static bool is_due(enum ql_http_repeat repeat, struct ql_attempt attempt, int attempts, int n_500) {
    const struct ql_retry_counts counts = {.attempts = attempts, .n_500 = n_500};
    return ql_retry_is_due(&POLICY, repeat, &attempt, &counts);
}

static struct ql_attempt answered(long status) {
    return (struct ql_attempt){.status = QL_OK, .http_status = status, .was_sent = true, .retry_after_ms = -1};
}
static struct ql_attempt failed(enum ql_status status, bool was_sent) {
    return (struct ql_attempt){.status = status, .was_sent = was_sent, .retry_after_ms = -1};
}

static void transient_answers_are_tried_again_and_others_not(void **state) {
    (void)state;
    const long transient[] = {408, 429, 502, 503, 504};
    const long final[] = {200, 202, 204, 301, 400, 401, 403, 404, 409, 410, 413, 422, 501, 505};
    for (size_t i = 0; i < 5; i++) {
        assert_true(is_due(QL_HTTP_REPEAT_ALWAYS, answered(transient[i]), 1, 0));
        assert_true(is_due(QL_HTTP_REPEAT_ALWAYS, answered(transient[i]), 4, 0));
        assert_false(is_due(QL_HTTP_REPEAT_ALWAYS, answered(transient[i]), 5, 0));
        assert_false(is_due(QL_HTTP_REPEAT_NEVER, answered(transient[i]), 1, 0));
    }
    for (size_t i = 0; i < sizeof final / sizeof final[0]; i++) {
        assert_false(is_due(QL_HTTP_REPEAT_ALWAYS, answered(final[i]), 1, 0));
        assert_false(is_due(QL_HTTP_REPEAT_IF_UNSENT, answered(final[i]), 1, 0));
    }
    assert_true(is_due(QL_HTTP_REPEAT_ALWAYS, answered(500), 1, 1));
    assert_true(is_due(QL_HTTP_REPEAT_ALWAYS, answered(500), 2, 1));
    assert_false(is_due(QL_HTTP_REPEAT_ALWAYS, answered(500), 2, 2));
    struct ql_attempt far = answered(429);
    far.retry_after_ms = 60 * 60000 + 1;
    assert_false(is_due(QL_HTTP_REPEAT_ALWAYS, far, 1, 0));
    far.retry_after_ms = 60 * 60000;
    assert_true(is_due(QL_HTTP_REPEAT_ALWAYS, far, 1, 0));
    assert_false(is_due(QL_HTTP_REPEAT_BY_CALLER, answered(503), 1, 0));
    assert_false(is_due(QL_HTTP_REPEAT_BY_CALLER, failed(QL_E_NETWORK, false), 1, 0));
}

static void a_creating_post_is_repeated_only_where_nothing_can_have_happened(void **state) {
    (void)state;
    assert_true(is_due(QL_HTTP_REPEAT_IF_UNSENT, answered(429), 1, 0));
    assert_true(is_due(QL_HTTP_REPEAT_IF_UNSENT, answered(503), 1, 0));
    const long doubtful[] = {408, 500, 502, 504};
    for (size_t i = 0; i < 4; i++) {
        assert_false(is_due(QL_HTTP_REPEAT_IF_UNSENT, answered(doubtful[i]), 1, 1));
    }
    const enum ql_status faults[] = {QL_E_NETWORK, QL_E_TIMEOUT, QL_E_TRUNCATED};
    for (size_t i = 0; i < 3; i++) {
        assert_true(is_due(QL_HTTP_REPEAT_IF_UNSENT, failed(faults[i], false), 1, 0));
        assert_false(is_due(QL_HTTP_REPEAT_IF_UNSENT, failed(faults[i], true), 1, 0));
        assert_true(is_due(QL_HTTP_REPEAT_ALWAYS, failed(faults[i], true), 1, 0));
    }
}

static void permanent_faults_end_at_once_and_unknown_names_after_three_tries(void **state) {
    (void)state;
    const enum ql_status permanent[] = {QL_E_TLS,      QL_E_LIMIT,    QL_E_REFUSED_URL, QL_E_CANCELLED,
                                        QL_E_DEADLINE, QL_E_PROTOCOL, QL_E_COMPRESSED};
    for (size_t i = 0; i < sizeof permanent / sizeof permanent[0]; i++) {
        assert_false(is_due(QL_HTTP_REPEAT_ALWAYS, failed(permanent[i], false), 1, 0));
    }
    struct ql_attempt fault = failed(QL_E_NETWORK, false);
    fault.is_unresolved = true;
    assert_true(is_due(QL_HTTP_REPEAT_ALWAYS, fault, 2, 0));
    assert_false(is_due(QL_HTTP_REPEAT_ALWAYS, fault, 3, 0));
    struct ql_attempt delivered = failed(QL_E_TRUNCATED, true);
    delivered.has_delivered = true;
    assert_false(is_due(QL_HTTP_REPEAT_ALWAYS, delivered, 1, 0));
    struct ql_attempt refused = failed(QL_E_NETWORK, false);
    refused.is_permanent = true;
    assert_false(is_due(QL_HTTP_REPEAT_ALWAYS, refused, 1, 0));
}

/* ---- dates */

/* RFC 9110, 5.6.7: one instant in three spellings; `date -u -d '1994-11-06 08:49:37' +%s` says 784111777. */
static void reads_the_three_forms_of_a_date(void **state) {
    (void)state;
    const int64_t us = INT64_C(784111777) * 1000000;
    assert_int_equal(ql_http_date_parse(QL_STR("Sun, 06 Nov 1994 08:49:37 GMT")), us);
    assert_int_equal(ql_http_date_parse(QL_STR("Sunday, 06-Nov-94 08:49:37 GMT")), us);
    assert_int_equal(ql_http_date_parse(QL_STR("Sun Nov  6 08:49:37 1994")), us);
    const char *const wrong[] = {"",
                                 "Sun",
                                 "Sun, 06 Nov 1994 08:49:37 CET",
                                 "Sun, 31 Feb 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 1994 25:49:37 GMT",
                                 "Sun, 06 Nov 1994 08:49 GMT",
                                 "Sun, 06 Foo 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 199400 08:49:37 GMT",
                                 "Sun, -6 Nov 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 1994 08:49:37 GMT and more",
                                 "a b c d e f g h i j",
                                 "1994-11-06T08:49:37Z"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (ql_http_date_parse(ql_str_from(wrong[i])) != QL_TIME_NONE) {
            fail_msg("took '%s'", wrong[i]);
        }
    }
}

static int64_t retry_after(const char *value, const char *date) {
    return ql_retry_after_parse(ql_str_from(value), ql_str_from(date), INT64_C(784111777) * 1000000);
}

static void retry_after_is_never_negative(void **state) {
    (void)state;
    assert_int_equal(retry_after("120", NULL), 120000);
    assert_int_equal(retry_after(" 0 ", NULL), 0);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", NULL), 60000);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:00 GMT", NULL), 0); /* past: libcurl would say -37 */
    /* A clock that is an hour off here does not matter where the server states its own. */
    assert_int_equal(retry_after("Sun, 06 Nov 1994 09:49:47 GMT", "Sun, 06 Nov 1994 09:49:37 GMT"), 10000);
    assert_int_equal(retry_after("-5", NULL), -1);
    assert_int_equal(retry_after("soon", NULL), -1);
    assert_int_equal(retry_after("", NULL), -1);
    assert_int_equal(retry_after("1.5", NULL), -1);
    assert_true(retry_after("99999999999999999999999999", NULL) > 86400000);
    assert_true(retry_after("Sun, 06 Nov 9994 08:49:37 GMT", NULL) > 86400000);
}

/* ---- addresses and URLs */

static void tells_public_addresses_from_all_others(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum ql_address_kind kind;
    } CASES[] = {
        {"8.8.8.8", QL_ADDRESS_PUBLIC},
        {"172.15.255.255", QL_ADDRESS_PUBLIC},
        {"172.32.0.0", QL_ADDRESS_PUBLIC},
        {"100.63.255.255", QL_ADDRESS_PUBLIC},
        {"100.128.0.0", QL_ADDRESS_PUBLIC},
        {"223.255.255.255", QL_ADDRESS_PUBLIC},
        {"192.0.1.0", QL_ADDRESS_PUBLIC},
        {"127.0.0.1", QL_ADDRESS_LOOPBACK},
        {"127.255.255.254", QL_ADDRESS_LOOPBACK},
        {"0.0.0.0", QL_ADDRESS_PRIVATE},
        {"10.1.2.3", QL_ADDRESS_PRIVATE},
        {"172.16.0.1", QL_ADDRESS_PRIVATE},
        {"172.31.255.255", QL_ADDRESS_PRIVATE},
        {"192.168.1.1", QL_ADDRESS_PRIVATE},
        {"169.254.169.254", QL_ADDRESS_PRIVATE},
        {"100.64.0.1", QL_ADDRESS_PRIVATE},
        {"100.127.255.255", QL_ADDRESS_PRIVATE},
        {"192.0.0.170", QL_ADDRESS_PRIVATE},
        {"198.18.0.1", QL_ADDRESS_PRIVATE},
        {"198.19.255.255", QL_ADDRESS_PRIVATE},
        {"224.0.0.1", QL_ADDRESS_PRIVATE},
        {"255.255.255.255", QL_ADDRESS_PRIVATE},
        {"::1", QL_ADDRESS_LOOPBACK},
        {"[::1]", QL_ADDRESS_LOOPBACK},
        {"::", QL_ADDRESS_PRIVATE},
        {"fe80::1%eth0", QL_ADDRESS_PRIVATE},
        {"fec0::1", QL_ADDRESS_PRIVATE},
        {"fc00::1", QL_ADDRESS_PRIVATE},
        {"fd00:ec2::254", QL_ADDRESS_PRIVATE},
        {"ff02::1", QL_ADDRESS_PRIVATE},
        {"::ffff:10.0.0.1", QL_ADDRESS_PRIVATE},
        {"::ffff:127.0.0.1", QL_ADDRESS_LOOPBACK},
        {"::ffff:8.8.8.8", QL_ADDRESS_PUBLIC},
        {"::8.8.8.8", QL_ADDRESS_PRIVATE},
        {"64:ff9b::10.0.0.1", QL_ADDRESS_PRIVATE},
        {"64:ff9b::8.8.8.8", QL_ADDRESS_PUBLIC},
        {"64:ff9b:1::1", QL_ADDRESS_PRIVATE},
        {"2002:0a00:0001::", QL_ADDRESS_PRIVATE},
        {"2002:0808:0808::", QL_ADDRESS_PUBLIC},
        {"2001:0:53aa::1", QL_ADDRESS_PRIVATE},
        {"2606:4700::1111", QL_ADDRESS_PUBLIC},
        {"localhost", QL_ADDRESS_NO_LITERAL},
        {"example.com", QL_ADDRESS_NO_LITERAL},
        {"", QL_ADDRESS_NO_LITERAL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (ql_address_classify_text(CASES[i].text) != CASES[i].kind) {
            fail_msg("'%s' is of kind %d", CASES[i].text, (int)ql_address_classify_text(CASES[i].text));
        }
    }
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};
    assert_int_equal(ql_address_classify((struct sockaddr *)&in4, sizeof in4), QL_ADDRESS_PRIVATE);
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = {.s6_addr = {0x26, 0x06, 0x47}}};
    assert_int_equal(ql_address_classify((struct sockaddr *)&in6, sizeof in6), QL_ADDRESS_PUBLIC);
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_int_equal(ql_address_classify(&other, sizeof other), QL_ADDRESS_PRIVATE);
}

/* What a URL may be asked for, as a word. */
static const char *verdict(const char *text, const struct ql_http_options *options, const struct ql_hop *hop) {
    struct ql_libcurl curl;
    struct ql_url url = {0};
    assert_ok(ql_libcurl_load(&curl, err));
    enum ql_status status = ql_url_parse(&curl, ql_str_from(text), &url, NULL);
    if (status == QL_OK) {
        status = ql_redirect_check_url(options, &url, hop, NULL);
    }
    ql_url_fini(&url);
    return status == QL_OK ? "ok" : ql_status_name(status);
}

static void plain_http_goes_to_loopback_only_unless_allowed(void **state) {
    (void)state;
    struct ql_http_options options = {0};
    const struct ql_hop own = {0};
    assert_string_equal(verdict("https://api.mypurecloud.com/x", &options, &own), "ok");
    assert_string_equal(verdict("http://127.0.0.1:8080/x", &options, &own), "ok");
    assert_string_equal(verdict("http://[::1]:8080/x", &options, &own), "ok");
    assert_string_equal(verdict("HTTP://LocalHost/x", &options, &own), "ok");
    assert_string_equal(verdict("http://api.mypurecloud.com/x", &options, &own), "E_REFUSED_URL");
    assert_string_equal(verdict("http://localhost.example.com/", &options, &own), "E_REFUSED_URL");
    assert_string_equal(verdict("http://10.0.0.1/x", &options, &own), "E_REFUSED_URL");
    assert_string_equal(verdict("https://10.0.0.1/x", &options, &own), "ok"); /* the user's own setting */
    const struct ql_hop metadata = {.allows_http = true};
    assert_string_equal(verdict("http://169.254.169.254/latest", &options, &metadata), "ok");
    assert_string_equal(verdict("http://169.254.169.254/latest", &options, &own), "E_REFUSED_URL");
    options.allow_http = true;
    assert_string_equal(verdict("http://api.mypurecloud.com/x", &options, &own), "ok");
    const char *const never[] = {
        "ftp://h/x",     "file:///etc/passwd", "https://", "https://user:pw@h/", "https://user@h/", "no url",
        "https://h/a b", "https://h/\nX: y",   "",         "https://h:99999/",   "gopher://h"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        if (strcmp(verdict(never[i], &options, &own), "E_REFUSED_URL") != 0) {
            fail_msg("'%s' was taken", never[i]);
        }
    }
}

static void what_a_server_names_may_not_lead_inside(void **state) {
    (void)state;
    struct ql_http_options options = {.allow_http = true};
    const struct ql_hop foreign = {.is_foreign = true};
    const struct ql_hop simulated = {.is_foreign = true, .allows_loopback = true};
    assert_string_equal(verdict("https://bucket.s3.amazonaws.com/x?X-Amz-Signature=1", &options, &foreign), "ok");
    assert_string_equal(verdict("https://8.8.8.8/", &options, &foreign), "ok");
    const char *const inside[] = {
        "https://169.254.169.254/latest", "https://10.0.0.1/", "https://[fd00::1]/", "https://[fe80::1]/",
        "https://[::ffff:10.0.0.1]/",     "http://0/",         "https://0x0a000001/"};
    const char *const loopback[] = {
        "http://127.0.0.1:1/", "http://localhost/", "http://2130706433/",         "http://0x7f.1/",      "http://0177.0.0.1/",
        "http://127.1/",       "http://[::1]/",     "http://[::ffff:127.0.0.1]/", "http://a.localhost/", "http://LOCALHOST:5/"};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        if (strcmp(verdict(inside[i], &options, &foreign), "E_REFUSED_URL") != 0 ||
            strcmp(verdict(inside[i], &options, &simulated), "E_REFUSED_URL") != 0) {
            fail_msg("'%s' was taken", inside[i]);
        }
    }
    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
        if (strcmp(verdict(loopback[i], &options, &foreign), "E_REFUSED_URL") != 0 ||
            strcmp(verdict(loopback[i], &options, &simulated), "ok") != 0) {
            fail_msg("'%s' was judged wrongly", loopback[i]);
        }
    }
    options.allow_private_redirects = true;
    assert_string_equal(verdict("https://10.0.0.1/", &options, &foreign), "ok");
    assert_string_equal(verdict("http://127.0.0.1/", &options, &foreign), "ok");
}

static void messages_name_the_host_of_a_url_and_nothing_else(void **state) {
    (void)state;
    struct ql_buf out = {0};
    ql_http_put_host(QL_STR("https://u:p@API.example.com:443/x?q#f"), &out);
    assert_string_equal(ql_buf_text(&out), "api.example.com");
    ql_buf_reset(&out);
    ql_http_put_host(QL_STR("http://[::1]:8080/x"), &out);
    assert_string_equal(ql_buf_text(&out), "[::1]:8080");
    ql_buf_reset(&out);
    ql_http_put_host(QL_STR("no url, but a s3cret"), &out);
    assert_int_equal(out.len, 0);
    ql_buf_fini(&out);
    assert_true(ql_http_is_loopback(QL_STR("http://[::1]:8080/x")));
    assert_true(ql_http_is_loopback(QL_STR("http://127.0.0.9/")));
    assert_false(ql_http_is_loopback(QL_STR("https://localhost.example.com/")));
    assert_false(ql_http_is_loopback(QL_STR("")));
}

static void follow(const char *from, const char *location, const char *to, bool is_stripped, const char *word) {
    struct ql_url a = {0};
    struct ql_url b = {0};
    struct ql_hop hop = {.allows_http = true};
    struct ql_libcurl curl;
    assert_ok(ql_libcurl_load(&curl, err));
    assert_ok(ql_url_parse(&curl, ql_str_from(from), &a, err));
    enum ql_status status = ql_url_join(&a, ql_str_from(location), &b, NULL);
    if (status == QL_OK) {
        assert_string_equal(b.text, to);
        status = ql_redirect_follow(&a, &b, &hop, NULL);
    }
    assert_string_equal(ql_status_name(status), word);
    if (hop.is_stripped != is_stripped || hop.is_foreign != is_stripped || hop.allows_http == is_stripped) {
        fail_msg("'%s' to '%s': stripped %d", from, location, hop.is_stripped);
    }
    ql_url_fini(&a);
    ql_url_fini(&b);
}

static void a_redirect_is_resolved_and_loses_secrets_with_the_origin(void **state) {
    (void)state;
    follow("https://h/a/b?q=1", "/c", "https://h/c", false, "OK");
    follow("https://h/a/b?q=1", "c?d=%2F", "https://h/a/c?d=%2F", false, "OK");
    follow("https://h/a/b?q=1", "?x=2#frag", "https://h/a/b?x=2", false, "OK");
    follow("https://h/a", "https://h:443/c", "https://h:443/c", false, "OK");
    follow("https://H/a", "https://h/c", "https://h/c", false, "OK");
    follow("https://h/a", "https://h:444/c", "https://h:444/c", true, "OK");
    follow("https://h/a", "//other/c", "https://other/c", true, "OK");
    follow("https://h/a", "https://h./c", "https://h./c", true, "OK");
    follow("http://h/a", "https://h/c", "https://h/c", true, "OK");
    follow("https://h/a", "http://h/c", "http://h/c", false, "E_REFUSED_URL");
    follow("https://h/a", "ftp://h/c", "", false, "E_REFUSED_URL");
    follow("https://h/a", "https://", "", false, "E_REFUSED_URL");
}

static void only_headers_without_a_secret_cross_origins(void **state) {
    (void)state;
    const char *const dropped[] = {"Authorization",       "cookie", "X-Amz-Security-Token", "x-amz-date", "X-Api-Key",
                                   "Proxy-Authorization", "Host"};
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++) {
        assert_false(ql_redirect_keeps_header(ql_str_from(dropped[i])));
    }
    assert_true(ql_redirect_keeps_header(QL_STR("Accept-Encoding")));
    assert_true(ql_redirect_keeps_header(QL_STR("range")));
}

static void no_proxy_matches_names_addresses_and_blocks(void **state) {
    (void)state;
    static const struct {
        const char *list, *host, *port;
        bool is_bypassed;
    } CASES[] = {
        {"example.com", "example.com", "443", true},
        {"example.com", "api.example.com", "443", true},
        {".example.com", "api.example.com", "443", true},
        {"*.example.com", "api.example.com", "443", true},
        {"EXAMPLE.com", "api.example.com", "443", true},
        {"example.com", "notexample.com", "443", false},
        {"api.example.com", "example.com", "443", false},
        {"a, example.com\tb", "example.com", "443", true},
        {"a,b", "example.com", "443", false},
        {"*", "anything", "443", true},
        {"", "anything", "443", false},
        {",, ,", "anything", "443", false},
        {".", "anything", "443", false},
        {"example.com:8443", "example.com", "443", false},
        {"example.com:443", "example.com", "443", true},
        {"10.0.0.0/8", "10.1.2.3", "443", true},
        {"10.0.0.0/8", "11.1.2.3", "443", false},
        {"10.0.0.0/9", "10.128.0.1", "443", false},
        {"10.1.2.3", "10.1.2.3", "443", true},
        {"10.1.2.3/33", "10.1.2.3", "443", false},
        {"10.1.2.3/x", "10.1.2.3", "443", false},
        {"0.0.0.0/0", "10.1.2.3", "443", true},
        {"2.3", "10.1.2.3", "443", false},
        {"fd00::/8", "[fd12::1]", "443", true},
        {"[fd12::1]", "[fd12::1]", "443", true},
        {"[fd12::1]:443", "[fd12::1]", "443", true},
        {"fd12::1", "[fd12::1]", "443", true},
        {"fd00::/8", "[fe80::1]", "443", false},
        {":443", "h", "443", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (ql_proxy_is_bypassed(ql_str_from(CASES[i].list), CASES[i].host, CASES[i].port) != CASES[i].is_bypassed) {
            fail_msg("no_proxy '%s' and host '%s'", CASES[i].list, CASES[i].host);
        }
    }
}

/* ---- texts */

static void percent_encoding_leaves_unreserved_characters_only(void **state) {
    (void)state;
    struct ql_buf out = {0};
    ql_http_encode(QL_STR("AZaz09-._~/ +=&?:@,%\xc3\xa9\x01"), false, &out);
    assert_string_equal(ql_buf_text(&out), "AZaz09-._~%2F%20%2B%3D%26%3F%3A%40%2C%25%C3%A9%01");
    ql_buf_reset(&out);
    ql_http_encode(QL_STR("a/date=1/b"), true, &out);
    assert_string_equal(ql_buf_text(&out), "a/date%3D1/b");
    ql_buf_fini(&out);
}

static void redacts(const struct ql_http *http, const char *text, const char *expected) {
    struct ql_buf buf = {0};
    ql_buf_puts(&buf, text);
    ql_http_redact(http, &buf);
    assert_string_equal(ql_buf_text(&buf), expected);
    ql_http_redact(http, &buf); /* and what is clean stays as it is */
    assert_string_equal(ql_buf_text(&buf), expected);
    ql_buf_fini(&buf);
}

static void secrets_tokens_and_queries_are_masked(void **state) {
    (void)state;
    const struct ql_http_options options = {.proxy = QL_STR("http://me:p%40ssw0rd@proxy:3128")};
    struct ql_http *http = NULL;
    assert_ok(ql_http_new(&options, &http, err));
    ql_http_add_secret(http, QL_STR("s3cret"));
    ql_http_add_secret(http, QL_STR("s3cret/longer+"));
    ql_http_add_secret(http, QL_STR("abc")); /* too short to be masked without harm */
    redacts(http, "", "");
    redacts(http, "nothing to hide, a bearer token, basic authentication, signature does not match",
            "nothing to hide, a bearer token, "
            "basic authentication, signature does not match");
    redacts(http, "a s3cret b s3cret/longer+ c s3cret%2Flonger%2B d abc", "a *** b *** c *** d abc");
    redacts(http, "proxy said p@ssw0rd or p%40ssw0rd", "proxy said *** or ***");
    redacts(http, "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.x-y_z", "Authorization: Bearer ***");
    redacts(http, "authorization: basic  dXNlcjpwYXNzd29yZA==", "authorization: basic  ***");
    redacts(http, "GET https://b.s3.amazonaws.com/k?X-Amz-Signature=ab&c=d failed",
            "GET https://b.s3.amazonaws.com/k?*** failed");
    redacts(http, "'https://h/s3cret/x?y' and (http://u:p@h:1/z)", "'https://h/***/x?***' and (http://***@h:1/z)");
    redacts(http, "what? https://h/a and b?", "what? https://h/a and b?");
    redacts(http, "/k?a=1&X-Amz-Signature=0f0f&X-Amz-Security-Token=tok%2F&z=1",
            "/k?a=1&X-Amz-Signature=***&X-Amz-Security-Token=***&z=1");
    redacts(http, "{\"access_token\": \"qwertz\",\"expires_in\":5,\"client_secret\":\"x\"}",
            "{\"access_token\": \"***\",\"expires_in\":5,\"client_secret\":\"***\"}");
    redacts(http, "my_password=1 password=hunter2 x", "my_password=1 password=*** x");
    struct ql_err err = {0};
    QL_FAIL(&err, QL_E_NETWORK, "cannot use s3cret");
    ql_err_hint(&err, "do not say s3cret");
    ql_http_redact_err(http, &err);
    assert_string_equal(err.message, "cannot use ***");
    assert_string_equal(err.hint, "do not say ***");
    ql_http_free(http);
}

static void jitter_is_fair_and_repeats_with_its_seed(void **state) {
    (void)state;
    const struct ql_http_options options = {.seed = 42};
    struct ql_http *a = NULL;
    struct ql_http *b = NULL;
    assert_ok(ql_http_new(&options, &a, err));
    assert_ok(ql_http_new(&options, &b, err));
    int seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t value = ql_http_random(a, 7);
        assert_true(value < 7);
        assert_int_equal(value, ql_http_random(b, 7));
        seen[value]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_true(seen[i] > 800 && seen[i] < 1200);
    }
    assert_int_equal(ql_http_random(a, 0), 0);
    assert_int_equal(ql_http_random(a, 1), 0);
    ql_http_free(a);
    ql_http_free(b);
}

static void settings_that_cannot_work_are_refused_at_the_start(void **state) {
    (void)state;
    struct ql_http *http = NULL;
    struct ql_err err = {0};
    assert_int_equal(ql_http_new(&(struct ql_http_options){.ca_file = QL_STR("/nonexistent/ca.pem")}, &http, &err),
                     QL_E_CONFIG);
    assert_string_equal(err.message, "cannot read the CA file '/nonexistent/ca.pem': No such file or directory");
    assert_null(http);
    assert_int_equal(ql_http_new(&(struct ql_http_options){.proxy = QL_STR("http://u:topsecret@:0:0/")}, &http, &err),
                     QL_E_CONFIG);
    assert_null(strstr(err.message, "topsecret"));
    ql_http_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_to_the_cap_with_half_of_them_random),
        cmocka_unit_test(retry_after_is_obeyed_and_a_429_without_it_waits_ten_seconds),
        cmocka_unit_test(transient_answers_are_tried_again_and_others_not),
        cmocka_unit_test(a_creating_post_is_repeated_only_where_nothing_can_have_happened),
        cmocka_unit_test(permanent_faults_end_at_once_and_unknown_names_after_three_tries),
        cmocka_unit_test(reads_the_three_forms_of_a_date),
        cmocka_unit_test(retry_after_is_never_negative),
        cmocka_unit_test(tells_public_addresses_from_all_others),
        cmocka_unit_test(plain_http_goes_to_loopback_only_unless_allowed),
        cmocka_unit_test(what_a_server_names_may_not_lead_inside),
        cmocka_unit_test(messages_name_the_host_of_a_url_and_nothing_else),
        cmocka_unit_test(a_redirect_is_resolved_and_loses_secrets_with_the_origin),
        cmocka_unit_test(only_headers_without_a_secret_cross_origins),
        cmocka_unit_test(no_proxy_matches_names_addresses_and_blocks),
        cmocka_unit_test(percent_encoding_leaves_unreserved_characters_only),
        cmocka_unit_test(secrets_tokens_and_queries_are_masked),
        cmocka_unit_test(jitter_is_fair_and_repeats_with_its_seed),
        cmocka_unit_test(settings_that_cannot_work_are_refused_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
