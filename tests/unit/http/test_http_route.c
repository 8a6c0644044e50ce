/* Where requests go: redirects, addresses that servers name, proxies, TLS. */
#include "support/test.h"

#include "http/http.h"
#include "support/fake_server.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ql_http_options plain_options(void) {
    return (struct ql_http_options){
        .connect_timeout_ms = 5000,
        .request_timeout_ms = 20000,
        .max_header_bytes = 64 * 1024,
        .max_body_bytes = 100000,
        .max_stream_bytes = 1000000,
        .max_redirects = 3,
        .max_attempts = 2,
        .retry_base_ms = 1,
        .retry_cap_ms = 1,
        .rate_wait_ms = 1,
        .seed = 1,
    };
}

static struct ql_http *client(const struct ql_http_options *options) {
    struct ql_http *http = NULL;
    assert_ok(ql_http_new(options, &http, err));
    return http;
}

static bool has(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

static void add_redirect(struct fake_server *server, int status, const char *fmt, int port) {
    char location[200];
    char answer[400];
    struct ql_str tail;
    struct ql_str head = ql_str_split(ql_str_from(fmt), '#', &tail); /* '#' stands for the port */
    (void)snprintf(location, sizeof location, tail.ptr != NULL ? "%.*s%d%s" : "%.*s", QL_STR_ARG(head), port, tail.ptr);
    (void)snprintf(answer, sizeof answer, "HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nbody", status,
                   location);
    fake_add(server, answer, FAKE_KEEP);
}

static const struct ql_http_header SECRETS[] = {
    {{"Authorization", 13}, {"Bearer t0ken-t0ken", 18}},
    {{"X-Amz-Security-Token", 20}, {"amz-secret", 10}},
    {{"Cookie", 6}, {"c=1", 3}},
    {{"X-Api-Key", 9}, {"key", 3}},
    {{"Accept-Encoding", 15}, {"gzip", 4}},
};

static enum ql_status get(struct ql_http *http, const struct fake_server *server, bool follows, bool allows_loopback,
                          struct ql_http_response *response, struct ql_err *err) {
    char url[100];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/start", fake_port(server));
    const struct ql_http_request request = {.method = "GET",
                                            .url = ql_str_from(url),
                                            .headers = SECRETS,
                                            .n_headers = sizeof SECRETS / sizeof SECRETS[0],
                                            .follows_redirects = follows,
                                            .allow_loopback = allows_loopback};
    return ql_http_send(http, &request, response, err);
}

static void secrets_stay_with_their_origin(void **state) {
    (void)state;
    struct fake_server *first = fake_start(NULL, 0);
    struct fake_server *second = fake_start(NULL, 0);
    add_redirect(first, 302, "/same", 0);
    add_redirect(first, 307, "http://127.0.0.1:#/other", fake_port(second));
    add_redirect(second, 308, "http://127.0.0.1:#/back", fake_port(first));
    fake_add(first, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", FAKE_KEEP);
    const struct ql_http_options options = plain_options();
    struct ql_http *http = client(&options);
    struct ql_http_response response;
    assert_ok(get(http, first, true, true, &response, err));
    assert_str_equal(ql_buf_view(&response.body), "ok");
    static const char *const NAMES[] = {"Authorization", "t0ken", "X-Amz", "amz-secret", "Cookie", "X-Api-Key"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        assert_true(has(fake_request(first, 0), NAMES[i]));
        assert_true(has(fake_request(first, 1), NAMES[i]));
        assert_false(has(fake_request(second, 0), NAMES[i]));
        assert_false(has(fake_request(first, 2), NAMES[i])); /* the way back went through foreign hands */
    }
    assert_true(has(fake_request(first, 1), "GET /same HTTP/1.1\r\n") &&
                has(fake_request(second, 0), "GET /other HTTP/1.1\r\n"));
    assert_true(has(fake_request(second, 0), "Accept-Encoding: gzip\r\n"));
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(first);
    fake_stop(second);
}

/* The same address by another name is another origin. */
static void another_name_for_the_same_host_is_foreign(void **state) {
    (void)state;
    struct fake_server *server = fake_start(NULL, 0);
    add_redirect(server, 301, "http://localhost:#/x", fake_port(server));
    fake_add(server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP);
    const struct ql_http_options options = plain_options();
    struct ql_http *http = client(&options);
    struct ql_http_response response;
    assert_ok(get(http, server, true, true, &response, err));
    assert_false(has(fake_request(server, 1), "Authorization"));
    assert_int_equal(fake_count(server), 2);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void redirects_are_counted(void **state) {
    (void)state;
    struct fake_server *server = fake_start(NULL, 0);
    for (int i = 0; i < 4; i++) {
        add_redirect(server, 303, "/again", 0);
    }
    for (int i = 0; i < 3; i++) {
        add_redirect(server, 303, "/again", 0);
    }
    fake_add(server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP);
    const struct ql_http_options options = plain_options();
    struct ql_http *http = client(&options);
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(get(http, server, true, false, &response, &err), QL_E_REFUSED_URL);
    assert_true(has(err.message, "redirects more than 3 times") && has(err.hint, "--max-redirects"));
    assert_int_equal(fake_count(server), 4);
    ql_http_response_fini(&response);
    assert_int_equal(get(http, server, true, false, &response, &err), QL_OK);
    assert_int_equal(response.status, 200);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void who_does_not_follow_gets_the_redirect(void **state) {
    (void)state;
    struct fake_server *server = fake_start(NULL, 0);
    add_redirect(server, 302, "/x", 0);
    fake_add(server, "HTTP/1.1 302 Nowhere\r\nContent-Length: 0\r\n\r\n",
             FAKE_KEEP); /* no Location: an answer like any other */
    const struct ql_http_options options = plain_options();
    struct ql_http *http = client(&options);
    for (int i = 0; i < 2; i++) {
        struct ql_http_response response;
        assert_ok(get(http, server, i == 1, false, &response, err));
        assert_int_equal(response.status, 302);
        ql_http_response_fini(&response);
    }
    assert_int_equal(fake_count(server), 2);
    ql_http_free(http);
    fake_stop(server);
}

static void a_redirect_does_not_lead_inside(void **state) {
    (void)state;
    static const char *const LOCATIONS[] = {
        "http://localhost:#/", "http://127.1:#/",   "https://10.0.0.1/",  "https://169.254.169.254/latest/meta-data",
        "http://example.com/", "ftp://127.0.0.1/x", "file:///etc/passwd", "https://user:pw@example.com/"};
    for (size_t i = 0; i < sizeof LOCATIONS / sizeof LOCATIONS[0]; i++) {
        struct fake_server *server = fake_start(NULL, 0);
        add_redirect(server, 302, LOCATIONS[i], i == 1 ? fake_port(server) + 1 : fake_port(server));
        const struct ql_http_options options = plain_options();
        struct ql_http *http = client(&options);
        struct ql_http_response response;
        struct ql_err err = {0};
        enum ql_status status = get(http, server, true, false, &response, &err);
        if (status != QL_E_REFUSED_URL || fake_count(server) != 1) {
            fail_msg("'%s': %s: %s", LOCATIONS[i], ql_status_name(status), err.message);
        }
        assert_false(has(err.message, "pw"));
        ql_http_response_fini(&response);
        ql_http_free(http);
        fake_stop(server);
    }
}

static void resolved_addresses_are_checked_before_a_connection_is_made(void **state) {
    (void)state;
    struct fake_server *server = fake_start(NULL, 0);
    for (int i = 0; i < 3; i++) {
        fake_add(server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP);
    }
    char url[100];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", fake_port(server));
    struct ql_http_options options = plain_options();
    struct ql_http *http = client(&options);
    struct ql_http_request request = {.method = "GET", .url = ql_str_from(url), .is_foreign = true};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_REFUSED_URL);
    assert_true(has(err.message, "a server sent us to '127.0.0.1:") && has(err.hint, "--allow-private-redirects"));
    ql_http_response_fini(&response);
    assert_int_equal(fake_connections(server), 0);
    request.allow_loopback = true;
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_OK);
    ql_http_response_fini(&response);
    ql_http_free(http);
    options.allow_private_redirects = true;
    http = client(&options);
    request.allow_loopback = false;
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_OK);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);

    /* A name hides its address until it is resolved; this machine's own leads to loopback or to a private address. */
    char host[256];
    assert_int_equal(gethostname(host, sizeof host), 0);
    options = plain_options();
    options.allow_http = true;
    http = client(&options);
    struct fake_server *inside = fake_start(NULL, 0);
    (void)snprintf(url, sizeof url, "http://%.80s:%d/", host, fake_port(inside));
    const struct ql_http_request named = {.method = "GET", .url = ql_str_from(url), .is_foreign = true};
    enum ql_status status = ql_http_send(http, &named, &response, &err);
    if (status != QL_E_REFUSED_URL && !has(err.message, "is not known") && !has(err.message, "looked up")) {
        fail_msg("'%s': %s: %s", url, ql_status_name(status), err.message);
    }
    assert_int_equal(fake_connections(inside), 0);
    fake_stop(inside);
    ql_http_response_fini(&response);
    ql_http_free(http);
}

/* A connection that was made for our own request is not opened anew for a foreign one: the check before the request has to see
 * it. */
static void a_reused_connection_is_checked_too(void **state) {
    (void)state;
    char host[256];
    if (gethostname(host, sizeof host) != 0) {
        return;
    }
    struct fake_server *server = fake_start(NULL, 0);
    fake_add(server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP);
    struct ql_http_options options = plain_options();
    options.allow_http = true;
    options.max_attempts = 1;
    struct ql_http *http = client(&options);
    char url[300];
    (void)snprintf(url, sizeof url, "http://%.200s:%d/", host, fake_port(server));
    struct ql_http_request request = {.method = "GET", .url = ql_str_from(url)};
    struct ql_http_response response;
    struct ql_err err = {0};
    if (ql_http_send(http, &request, &response, &err) == QL_OK) { /* where the machine's name is at 127.0.0.1 or 127.0.1.1 */
        ql_http_response_fini(&response);
        request.is_foreign = true;
        assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_REFUSED_URL);
        assert_int_equal(fake_count(server), 1);
    }
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(server);
}

static void plain_http_is_refused_by_name(void **state) {
    (void)state;
    const struct ql_http_options options = plain_options();
    struct ql_http *http = client(&options);
    const struct ql_http_request request = {.method = "GET", .url = QL_STR("http://api.mypurecloud.com/x?y")};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_REFUSED_URL);
    assert_string_equal(err.message, "'api.mypurecloud.com' would be asked over plain http");
    assert_true(has(err.hint, "--allow-http"));
    ql_http_response_fini(&response);
    ql_http_free(http);
}

/* ---- proxies */

static void a_proxy_is_used_for_https_with_its_credentials_masked(void **state) {
    (void)state;
    struct fake_server *proxy = fake_start(NULL, 0);
    fake_add(proxy,
             "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
             FAKE_CLOSE);
    fake_add(proxy, "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", FAKE_CLOSE);
    fake_add(proxy, "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", FAKE_CLOSE);
    char address[100];
    (void)snprintf(address, sizeof address, "http://me:hush-hush@127.0.0.1:%d", fake_port(proxy));
    struct ql_http_options options = plain_options();
    options.proxy = ql_str_from(address);
    options.no_proxy = QL_STR("internal.invalid");
    struct ql_http *http = client(&options);
    struct ql_http_request request = {
        .method = "POST", .url = QL_STR("https://api.mypurecloud.invalid/x?token=1"), .repeat = QL_HTTP_REPEAT_IF_UNSENT};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_NETWORK);
    assert_string_equal(err.message, "the proxy answered 407 when asked for 'api.mypurecloud.invalid'");
    assert_true(has(err.hint, "user name and password"));
    assert_int_equal(fake_count(proxy), 1); /* a wrong password stays wrong */
    const char *sent = fake_request(proxy, 0);
    assert_true(has(sent, "CONNECT api.mypurecloud.invalid:443 HTTP/1.1\r\n"));
    assert_true(has(sent, "Proxy-Authorization: Basic bWU6aHVzaC1odXNo\r\n")); /* printf me:hush-hush | base64 */
    assert_false(response.was_sent);
    ql_http_response_fini(&response);

    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_NETWORK);
    assert_string_equal(err.message, "the proxy answered 502 when asked for 'api.mypurecloud.invalid' (2 attempts)");
    assert_false(response.was_sent); /* even a creating POST is repeated: it never got beyond the proxy */
    ql_http_response_fini(&response);

    request.url = QL_STR("https://sub.internal.invalid/");
    assert_int_not_equal(ql_http_send(http, &request, &response, &err), QL_OK);
    assert_true(has(err.message, "the host name 'sub.internal.invalid' "));
    assert_int_equal(fake_count(proxy), 3);
    ql_http_response_fini(&response);

    request.url = QL_STR("https://metadata.invalid/"); /* the token of a container is no proxy's business */
    request.is_metadata = true;
    assert_int_not_equal(ql_http_send(http, &request, &response, &err), QL_OK);
    assert_true(has(err.message, "the host name 'metadata.invalid' "));
    assert_int_equal(fake_count(proxy), 3);
    ql_http_response_fini(&response);
    ql_http_free(http);
    fake_stop(proxy);
}

static void proxies_in_the_environment_are_not_looked_at(void **state) {
    (void)state;
    struct fake_server *proxy = fake_start(NULL, 0);
    struct fake_server *server = fake_start(NULL, 0);
    fake_add(server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP);
    char address[100];
    (void)snprintf(address, sizeof address, "http://127.0.0.1:%d", fake_port(proxy));
    setenv("http_proxy", address, 1);
    setenv("https_proxy", address, 1);
    setenv("ALL_PROXY", address, 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    const struct ql_http_options options = plain_options();
    struct ql_http *http = client(&options);
    struct ql_http_response response;
    assert_ok(get(http, server, false, false, &response, err));
    ql_http_response_fini(&response);
    const struct ql_http_request request = {.method = "GET", .url = QL_STR("https://api.mypurecloud.invalid/")};
    assert_int_not_equal(ql_http_send(http, &request, &response, NULL), QL_OK);
    ql_http_response_fini(&response);
    assert_int_equal(fake_connections(proxy), 0);
    ql_http_free(http);
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    fake_stop(proxy);
    fake_stop(server);
}

/* ---- TLS, against openssl's own server where there is one */

static int run_openssl(char *const argv[], pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
    int failed = posix_spawnp(pid, "openssl", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static bool make_certificate(const char *key, const char *cert) {
    char key_copy[100];
    char cert_copy[100];
    (void)snprintf(key_copy, sizeof key_copy, "%s", key);
    (void)snprintf(cert_copy, sizeof cert_copy, "%s", cert);
    char words[][32] = {"openssl",
                        "req",
                        "-x509",
                        "-newkey",
                        "ec",
                        "-pkeyopt",
                        "ec_paramgen_curve:P-256",
                        "-nodes",
                        "-keyout",
                        "-out",
                        "-days",
                        "2",
                        "-subj",
                        "/CN=localhost",
                        "-addext",
                        "subjectAltName=DNS:localhost"};
    char *argv[] = {words[0], words[1],  words[2],  words[3],  words[4],  words[5],  words[6],  words[7],  words[8], key_copy,
                    words[9], cert_copy, words[10], words[11], words[12], words[13], words[14], words[15], NULL};
    pid_t pid;
    int status = -1;
    return run_openssl(argv, &pid) == 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* openssl's server with a certificate of its own; ended by tear_down also when the test fails. */
struct tls_server {
    char folder[32], key[64], cert[64], port[16];
    pid_t pid; /* 0: there is no openssl here */
};

static int set_up_tls(void **state) {
    static struct tls_server tls;
    tls = (struct tls_server){.folder = "/tmp/ql-tls-XXXXXX"};
    *state = &tls;
    assert_non_null(mkdtemp(tls.folder));
    (void)snprintf(tls.key, sizeof tls.key, "%s/key.pem", tls.folder);
    (void)snprintf(tls.cert, sizeof tls.cert, "%s/cert.pem", tls.folder);
    struct fake_server *free_port = fake_start_closed(NULL, 0);
    (void)snprintf(tls.port, sizeof tls.port, "%d", fake_port(free_port));
    fake_stop(free_port);
    if (make_certificate(tls.key, tls.cert)) {
        char words[][16] = {"openssl", "s_server", "-quiet", "-www", "-accept", "-key", "-cert"};
        char *argv[] = {words[0], words[1], words[2], words[3], words[4], tls.port,
                        words[5], tls.key,  words[6], tls.cert, NULL};
        assert_int_equal(run_openssl(argv, &tls.pid), 0);
    }
    return 0;
}

static int tear_down_tls(void **state) {
    struct tls_server *tls = *state;
    if (tls->pid > 0) {
        (void)kill(tls->pid, SIGTERM);
        (void)waitpid(tls->pid, NULL, 0);
    }
    (void)unlink(tls->key);
    (void)unlink(tls->cert);
    (void)rmdir(tls->folder);
    return 0;
}

static void certificates_are_checked_and_a_ca_of_ones_own_can_be_named(void **state) {
    const struct tls_server *tls = *state;
    if (tls->pid == 0) {
        skip();
    }
    char url[100];
    char by_address[100];
    char expected[100];
    (void)snprintf(url, sizeof url, "https://localhost:%s/", tls->port);
    (void)snprintf(by_address, sizeof by_address, "https://127.0.0.1:%s/", tls->port);
    (void)snprintf(expected, sizeof expected, "no trusted TLS connection to 'localhost:%s': ", tls->port);
    struct ql_http_options options = plain_options();
    options.max_attempts = 50; /* until it listens */
    options.retry_base_ms = options.retry_cap_ms = 200;
    struct ql_http *http = client(&options);
    struct ql_http_request request = {.method = "GET", .url = ql_str_from(url)};
    struct ql_http_response response;
    struct ql_err err = {0};
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_TLS);
    assert_true(has(err.message, expected) && has(err.hint, "--ca-file"));
    ql_http_response_fini(&response);
    ql_http_free(http);
    options.ca_file = ql_str_from(tls->cert);
    http = client(&options);
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_OK);
    assert_int_equal(response.status, 200);
    assert_true(response.is_unsized);
    ql_http_response_fini(&response);
    request.url = ql_str_from(by_address); /* trusted, but for another name */
    assert_int_equal(ql_http_send(http, &request, &response, &err), QL_E_TLS);
    ql_http_response_fini(&response);
    ql_http_free(http);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_stay_with_their_origin),
        cmocka_unit_test(another_name_for_the_same_host_is_foreign),
        cmocka_unit_test(redirects_are_counted),
        cmocka_unit_test(who_does_not_follow_gets_the_redirect),
        cmocka_unit_test(a_redirect_does_not_lead_inside),
        cmocka_unit_test(resolved_addresses_are_checked_before_a_connection_is_made),
        cmocka_unit_test(a_reused_connection_is_checked_too),
        cmocka_unit_test(plain_http_is_refused_by_name),
        cmocka_unit_test(a_proxy_is_used_for_https_with_its_credentials_masked),
        cmocka_unit_test(proxies_in_the_environment_are_not_looked_at),
        cmocka_unit_test_setup_teardown(certificates_are_checked_and_a_ca_of_ones_own_can_be_named, set_up_tls, tear_down_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
