/* The contract analytics/conversations/exports against scripted servers: what is asked, what is waited for, what each fault
 * becomes. */
#include "exports_bench.h"

#include "base/time.h"
#include "source/source_internal.h"

#include <stdio.h>

static const char CSV[] = "timeInterval,queueName\n1,2\n";

/* The API's steps up to a completed export. */
static void go_to_completed(struct bench *bench) {
    api_token(bench);
    api_me(bench);
    api_created(bench);
    api_completed(bench);
}

/* ---- the way it should go */

static void the_whole_way(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    api_token(&bench);
    api_me(&bench);
    api_created(&bench);
    api_running(&bench);
    api_json(&bench, 200, "{\"id\":\"x\",\"status\":\"someNewState\"}");
    api_completed(&bench);
    file_body(&bench, CSV);
    bench_open(&bench);
    if (bench_run(&bench) != QL_OK) {
        fail_msg("%s", bench.err.message);
    }
    assert_string_equal(ql_buf_text(&bench.bytes), CSV);
    assert_string_equal(bench.name, "export " EXPORT_ID);
    assert_true(ql_str_eq(bench.source->ops->get_export_id(bench.source), QL_STR(EXPORT_ID)));
    assert_false(bench.is_unsized);
    assert_int_equal(bench.n_begun, 1);
    assert_int_equal(bench.n_ended, 1);
    const char *create = fake_request(bench.api, 2);
    assert_true(has(create, "POST " EXPORTS " HTTP/1.1\r\n") && has(create, "\r\nContent-Type: application/json\r\n"));
    assert_string_equal(
        strstr(create, "\r\n\r\n") + 4,
        "{\"query\":{\"dateRange\":{\"startDate\":\"2024-01-01T00:00:00.000Z\",\"endDate\":\"2024-01-02T00:00:00.000Z\"},"
        "\"groupBy\":[\"queue\",\"timeInterval\"],\"metrics\":[\"callsOffered\",\"callsAnswered\",\"serviceLevelPercent\","
        "\"avgHandleTimeSeconds\"]},\"type\":\"summary\",\"groupBy\":[\"queue\",\"timeInterval\"]}");
    assert_true(has(fake_request(bench.api, 3), "GET " EXPORTS "/" EXPORT_ID " HTTP/1.1\r\n"));
    assert_int_equal(fake_count(bench.api), 6);
    const char *download = fake_request(bench.files, 0);
    assert_true(has(download, "?X-Amz-Signature=feedbeef&link="));
    assert_false(has(download, "Authorization") ||
                 has(download, TOKEN)); /* the first mistake of the script that this replaces */
    const char *told = ql_buf_text(&bench.told);
    assert_true(has(told, "[token]\n") && has(told, "[create]\n") && has(told, "[wait]\n") && has(told, "[download]\n"));
    assert_no_secret(&bench);
    bench_fini(&bench);
}

static void the_query_is_made_of_settings(void **state) {
    (void)state;
    const struct ql_str group_by[] = {QL_STR("queue")};
    const struct ql_str metrics[] = {QL_STR("a"), QL_STR("b\"")};
    const struct ql_exports_options options = {.from_us = 1,
                                               .to_us = 1000000,
                                               .group_by = group_by,
                                               .n_group_by = 1,
                                               .metrics = metrics,
                                               .n_metrics = 2,
                                               .granularity = QL_STR("PT15M")};
    struct ql_buf out = {0};
    ql_exports_request_body(&options, &out);
    assert_string_equal(
        ql_buf_text(&out),
        "{\"query\":{\"dateRange\":{\"startDate\":\"1970-01-01T00:00:00.000001Z\",\"endDate\":\"1970-01-01T00:00:01.000Z\"},"
        "\"groupBy\":[\"queue\"],\"metrics\":[\"a\",\"b\\\"\"],\"granularity\":\"PT15M\"},\"type\":\"summary\","
        "\"groupBy\":[\"queue\"]}");
    ql_buf_fini(&out);
}

static void looks_come_after_a_tenth_of_the_time_waited(void **state) {
    (void)state;
    assert_int_equal(ql_export_wait_ms(0, 500, 10000, 12345), 523); /* up to a fifth more than the least */
    assert_int_equal(ql_export_wait_ms(5000, 500, 10000, 0), 500);
    assert_int_equal(ql_export_wait_ms(20000, 500, 10000, 0), 2000);
    assert_int_equal(ql_export_wait_ms(20000, 500, 10000, 400), 1600); /* the most that is taken off: a fifth */
    assert_int_equal(ql_export_wait_ms(20000, 500, 10000, 401), 2000);
    assert_int_equal(ql_export_wait_ms(3600000, 500, 10000, 0), 10000);
    assert_int_equal(ql_export_wait_ms(6000, 500, 10000, 120), 500); /* never below the least */
    for (uint64_t random = 0; random < 5000; random++) {
        int64_t wait = ql_export_wait_ms(70000, 500, 10000, random * 2654435761u);
        assert_true(wait >= 5600 && wait <= 7000);
    }
}

/* ---- creating */

struct create_case {
    const char *name, *answer; /* NULL: the body below */
    enum fake_then then;
    int status;
    const char *body;
    enum ql_status expected;
    const char *message, *hint;
};

static void a_refused_creation_is_told_and_a_doubtful_one_too(void **state) {
    (void)state;
    static const struct create_case CASES[] = {
        {"lost", "", FAKE_CLOSE, 0, NULL, QL_E_EXPORT_UNSURE,
         "creating the export: the export may exist all the same: the connection to", EXPORTS},
        {"reset", "", FAKE_RESET, 0, NULL, QL_E_EXPORT_UNSURE, "may exist", "before running again"},
        {"cut", "HTTP/1.1 202 A\r\nContent-Length: 90\r\n\r\n{\"id\":", FAKE_CLOSE, 0, NULL, QL_E_EXPORT_UNSURE, "may exist",
         ""},
        {"500", NULL, FAKE_KEEP, 500, "{\"message\":\"oh\",\"code\":\"internal.server.error\"}", QL_E_EXPORT_UNSURE,
         "answers 500 (internal.server.error): oh", ""},
        {"504", NULL, FAKE_KEEP, 504, "<html>gateway</html>", QL_E_EXPORT_UNSURE, "answers 504 with an HTML page", ""},
        {"408", NULL, FAKE_KEEP, 408, "", QL_E_EXPORT_UNSURE, "may exist", ""},
        {"no id", NULL, FAKE_KEEP, 202, "{\"status\":\"inProgress\"}", QL_E_EXPORT_UNSURE, "names no usable id", ""},
        {"bad id", NULL, FAKE_KEEP, 202, "{\"id\":\"../../x\",\"status\":\"inProgress\"}", QL_E_EXPORT_UNSURE,
         "names no usable id", ""},
        {"no JSON", NULL, FAKE_KEEP, 202, "<html>", QL_E_EXPORT_UNSURE, "is an HTML page, not JSON", ""},
        {"bad request", NULL, FAKE_KEEP, 400,
         "{\"message\":\"Value [x] is not valid for field type [metric]. Allowable values are: a, "
         "b\",\"code\":\"invalid.value\","
         "\"details\":[{\"errorCode\":\"e\",\"fieldName\":\"metrics\"}]}",
         QL_E_PROTOCOL,
         "answers 400 (invalid.value): Value [x] is not valid for field type [metric]. Allowable values are: a, b (field "
         "metrics)",
         "--export-metrics"},
        {"permission", NULL, FAKE_KEEP, 403,
         "{\"message\":\"Unable to perform the requested action. You are missing the following permission(s): "
         "analytics:dataExport:add\","
         "\"code\":\"missing.permissions\",\"messageParams\":{\"permissions\":\"analytics:dataExport:add\"}}",
         QL_E_PERMISSION, "the OAuth client 'client-1' lacks the permission 'analytics:dataExport:add'", "Roles"},
        {"permission in the message", NULL, FAKE_KEEP, 403,
         "{\"message\":\"You are missing the following permission(s): "
         "[analytics:dataExport:add]\",\"code\":\"missing.permissions\"}",
         QL_E_PERMISSION, "lacks the permission 'analytics:dataExport:add'", "Roles"},
        {"permission with parameters", NULL, FAKE_KEEP, 403,
         "{\"message\":\"\",\"code\":\"not.authorized\",\"messageWithParams\":\"Not in division {division} or "
         "{other}\",\"messageParams\":{\"division\":\"Home\"}}",
         QL_E_PERMISSION, "may not do this: 403 (not.authorized): Not in division Home or other", "the missing permission"},
        {"not found", NULL, FAKE_KEEP, 404, "{\"message\":\"The requested resource was not found.\",\"code\":\"not.found\"}",
         QL_E_PROTOCOL, "answers 404 (not.found): The requested resource was not found.", "organization offers this export"},
        {"redirect", "HTTP/1.1 302 F\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP, 0, NULL,
         QL_E_PROTOCOL, "answers 302", "API host"},
        {"failed at once", NULL, FAKE_KEEP, 202, "{\"id\":\"e-1\",\"status\":\"failed\",\"errorMessage\":\"no queues\"}",
         QL_E_EXPORT_FAILED, "export 'e-1' is failed: no queues", ""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        api_token(&bench);
        api_me(&bench);
        if (CASES[i].answer != NULL) {
            api_raw(&bench, CASES[i].answer, CASES[i].then);
        } else {
            api_json(&bench, CASES[i].status, CASES[i].body);
        }
        bench_open(&bench);
        enum ql_status status = bench_run(&bench);
        if (status != CASES[i].expected || bench.err.status != status || !has(bench.err.message, CASES[i].message) ||
            !has(ql_err_get_hint(&bench.err), CASES[i].hint)) {
            fail_msg("%s: %s: %s; %s", CASES[i].name, ql_status_name(status), bench.err.message, ql_err_get_hint(&bench.err));
        }
        assert_int_equal(fake_count(bench.api), 3); /* one POST, whatever happened to it */
        assert_int_equal(bench.n_begun, 0);
        if (CASES[i].status >= 400) {
            assert_int_equal(bench.err.http_status, CASES[i].status);
            assert_true(ql_str_has_prefix(ql_str_from(bench.err.request_id), "corr-"));
        }
        assert_no_secret(&bench);
        bench_fini(&bench);
    }
}

static void a_creation_that_was_not_done_is_tried_again(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    api_token(&bench);
    api_me(&bench);
    api_raw(&bench, "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP);
    api_json(&bench, 503, "{}");
    api_created(&bench);
    api_completed(&bench);
    file_body(&bench, CSV);
    bench_open(&bench);
    assert_int_equal(bench_run(&bench), QL_OK);
    assert_int_equal(bench.n_waits, 2);
    bench_fini(&bench);

    bench_init(&bench);
    api_token(&bench);
    api_me(&bench);
    for (int i = 0; i < 3; i++) {
        api_json(&bench, i == 0 ? 503 : 429, "{\"message\":\"Rate limit\",\"code\":\"too.many.requests\"}");
    }
    bench_open(&bench);
    assert_int_equal(bench_run(&bench), QL_E_RATE);
    assert_true(has(bench.err.message, "answers 429 (too.many.requests): Rate limit") &&
                has(bench.err.hint, "same OAuth client"));
    assert_false(has(bench.err.message, "may exist"));
    bench_fini(&bench);
}

/* The wait after a 503 would pass the deadline of the run: nothing was created, and nothing else is said. */
static void a_creation_that_runs_out_of_time_while_refused_is_not_doubtful(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    api_token(&bench);
    api_me(&bench);
    api_raw(&bench, "HTTP/1.1 503 No\r\nRetry-After: 500\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP);
    bench_open(&bench);
    assert_int_equal(bench_prepare(&bench), QL_OK);
    ql_http_set_deadline(bench.http, ql_time_monotonic_ms() + 100000);
    assert_int_equal(bench_fetch(&bench), QL_E_DEADLINE);
    assert_false(has(bench.err.message, "may exist"));
    bench_fini(&bench);
}

/* ---- waiting */

static void the_servers_words_end_an_export(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"{\"status\":\"failed\",\"message\":\"the moon was in the way\"}",
         "export '" EXPORT_ID "' is failed: the moon was in the way"},
        {"{\"status\":\"FAILED\",\"errorMessage\":\"a\\nb\\u0007c\"}", "export '" EXPORT_ID "' is FAILED: a b c"},
        {"{\"status\":\"cancelled\",\"error\":{\"message\":\"by an admin\"}}",
         "export '" EXPORT_ID "' is cancelled: by an admin"},
        {"{\"status\":\"canceled\"}", "export '" EXPORT_ID "' is canceled: the server gives no reason"},
        {"{\"status\":\"failed\",\"message\":\"token " TOKEN " at https://h/x?sig=1\"}",
         "export '" EXPORT_ID "' is failed: token *** at https://h/x?***"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        api_token(&bench);
        api_me(&bench);
        api_created(&bench);
        api_running(&bench);
        api_json(&bench, 200, CASES[i][0]);
        bench_open(&bench);
        assert_int_equal(bench_run(&bench), QL_E_EXPORT_FAILED);
        assert_string_equal(bench.err.message, CASES[i][1]);
        assert_string_equal(bench.err.request_id, "corr-200");
        bench_fini(&bench);
    }
}

static void transient_faults_of_looks_are_lived_through(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.http_options.max_attempts = 5;
    api_token(&bench);
    api_me(&bench);
    api_created(&bench);
    api_raw(&bench, "HTTP/1.1 502 B\r\nContent-Length: 6\r\n\r\n<html>", FAKE_CLOSE);
    api_raw(&bench, "", FAKE_RESET);
    api_json(&bench, 500, "{}");
    api_completed(&bench);
    file_body(&bench, CSV);
    bench_open(&bench);
    assert_int_equal(bench_run(&bench), QL_OK);
    assert_string_equal(ql_buf_text(&bench.bytes), CSV);
    bench_fini(&bench);
}

static void a_look_that_fails_names_the_export(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum ql_status expected;
        const char *message;
    } CASES[] = {
        {404, "{\"message\":\"gone\",\"code\":\"not.found\"}", QL_E_PROTOCOL, "answers 404 (not.found): gone"},
        {200, "{\"id\":\"x\"}", QL_E_PROTOCOL, "has no status"},
        {200, "{\"status\":\"completed\",\"downloadUrl\":null}", QL_E_PROTOCOL, "is completed but has no downloadUrl"},
        {200, "<!doctype html>", QL_E_PROTOCOL, "is an HTML page, not JSON"},
        {403,
         "{\"message\":\"x\",\"code\":\"missing.permissions\",\"messageParams\":{\"permissions\":\"analytics:dataExport:view\"}"
         "}",
         QL_E_PERMISSION, "lacks the permission 'analytics:dataExport:view'"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        api_token(&bench);
        api_me(&bench);
        api_created(&bench);
        api_json(&bench, CASES[i].status, CASES[i].body);
        bench_open(&bench);
        enum ql_status status = bench_run(&bench);
        if (status != CASES[i].expected || !has(bench.err.message, CASES[i].message) ||
            !has(bench.err.message, "waiting for export '" EXPORT_ID "': ")) {
            fail_msg("case %zu: %s: %s", i, ql_status_name(status), bench.err.message);
        }
        bench_fini(&bench);
    }
}

static void the_deadline_ends_the_wait_and_leaves_the_runs_own_alone(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.deadline_ms = 60;
    api_token(&bench);
    api_me(&bench);
    api_created(&bench);
    for (int i = 0; i < 200; i++) {
        api_running(&bench);
    }
    bench_open(&bench);
    assert_int_equal(bench_run(&bench), QL_E_DEADLINE);
    assert_true(has(bench.err.message, "export '" EXPORT_ID "' was not ready after"));
    assert_true(has(bench.err.hint, "--deadline"));
    assert_int_equal(ql_http_get_deadline(bench.http), 0);
    assert_true(fake_count(bench.api) >= 3);
    bench_fini(&bench);
}

static void json_larger_than_its_limit_is_refused(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.genesys.max_json_bytes = 20;
    api_token(&bench);
    bench_open(&bench);
    assert_int_equal(bench_prepare(&bench), QL_E_LIMIT);
    assert_true(has(bench.err.hint, "--max-json-bytes"));
    bench_fini(&bench);
}

/* ---- downloading */

struct fault {
    const char *name, *answer;
    enum fake_then then;
};

/* A fault that strikes twice is outlived by the third try, which has the whole file and tells the sink so. */
static void a_broken_download_is_begun_again_from_a_new_link(void **state) {
    (void)state;
    static const struct fault FAULTS[] = {
        {"cut", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ntimeInt", FAKE_CLOSE},
        {"reset", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ntimeInt", FAKE_RESET},
        {"cut chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ntimeInt\r\n", FAKE_CLOSE},
        {"expired", "HTTP/1.1 403 F\r\nContent-Length: 34\r\n\r\n<Message>Request has expired</Mess", FAKE_KEEP},
        {"token of the signer", "HTTP/1.1 400 B\r\nContent-Length: 25\r\n\r\n<Code>ExpiredToken</Code>", FAKE_KEEP},
        {"gone", "HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP},
    };
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        go_to_completed(&bench);
        api_completed(&bench);
        api_completed(&bench);
        file_raw(&bench, FAULTS[i].answer, FAULTS[i].then);
        file_raw(&bench, FAULTS[i].answer, FAULTS[i].then);
        file_body(&bench, CSV);
        bench_open(&bench);
        if (bench_run(&bench) != QL_OK) {
            fail_msg("%s: %s", FAULTS[i].name, bench.err.message);
        }
        assert_string_equal(ql_buf_text(&bench.bytes), CSV);
        assert_int_equal(bench.n_ended, 1);
        assert_int_equal(bench.n_restarts, i < 3 ? 2 : 0);
        assert_int_equal(fake_count(bench.api), 6); /* one link for each try */
        const char *last = strstr(fake_request(bench.files, 2), "&link=");
        assert_true(last != NULL && !has(fake_request(bench.files, 0), last));
        assert_no_secret(&bench);
        bench_fini(&bench);
    }
}

static void a_fault_to_the_end_is_the_error(void **state) {
    (void)state;
    static const struct {
        const char *name, *answer;
        enum fake_then then;
        enum ql_status expected;
        const char *message;
        size_t requests;
    } CASES[] = {
        {"cut", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ntimeInt", FAKE_CLOSE, QL_E_TRUNCATED,
         "ended after 7 of 50 bytes (3 downloads begun)", 3},
        {"expired",
         "HTTP/1.1 403 F\r\nx-amz-request-id: amz-1\r\nContent-Length: 57\r\n\r\n<Error><Message>Request has "
         "expired</Message><A>feedbeef</A>",
         FAKE_KEEP, QL_E_LINK_EXPIRED, "refuses the download link with status 403: Request has expired (3 downloads begun)", 3},
        {"failing", "HTTP/1.1 503 F\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP, QL_E_SERVER,
         "answers the download with status 503", 3},
        {"throttled", "HTTP/1.1 429 F\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP, QL_E_RATE,
         "answers the download with status 429", 3},
        {"bad request", "HTTP/1.1 400 F\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP, QL_E_PROTOCOL,
         "answers the download with status 400", 1},
        {"a part", "HTTP/1.1 206 P\r\nContent-Length: 1\r\n\r\nx", FAKE_KEEP, QL_E_PROTOCOL, "is no whole file", 1},
        {"too large", "HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n", FAKE_KEEP, QL_E_LIMIT,
         "is larger than 1000000 bytes", 1},
        {"inside", "HTTP/1.1 302 F\r\nLocation: http://192.168.7.7/x\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP, QL_E_REFUSED_URL,
         "192.168.7.7", 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        go_to_completed(&bench);
        for (int n = 0; n < 3; n++) {
            api_completed(&bench);
            file_raw(&bench, CASES[i].answer, CASES[i].then);
        }
        bench_open(&bench);
        enum ql_status status = bench_run(&bench);
        if (status != CASES[i].expected || !has(bench.err.message, CASES[i].message) ||
            !has(bench.err.message, "downloading export '" EXPORT_ID "': ") || fake_count(bench.files) != CASES[i].requests) {
            fail_msg("%s: %s: %s (%zu requests)", CASES[i].name, ql_status_name(status), bench.err.message,
                     fake_count(bench.files));
        }
        assert_int_equal(bench.n_ended, 0);
        assert_no_secret(&bench);
        bench_fini(&bench);
    }
}

static void what_the_sink_finds_broken_is_fetched_again_and_other_refusals_stand(void **state) {
    (void)state;
    static const struct {
        enum ql_status answer;
        size_t downloads;
    } CASES[] = {{QL_E_COMPRESSED, 2}, {QL_E_TRUNCATED, 2}, {QL_E_BAD_ROW, 1},
                 {QL_E_DATA, 1},       {QL_E_CANCELLED, 1}, {QL_E_LIMIT, 1}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        go_to_completed(&bench);
        api_completed(&bench);
        file_body(&bench, CSV);
        file_body(&bench, CSV);
        bench.sink_answers[0] = CASES[i].answer;
        bench_open(&bench);
        enum ql_status status = bench_run(&bench);
        assert_int_equal(status, CASES[i].downloads == 2 ? QL_OK : CASES[i].answer);
        assert_int_equal(fake_count(bench.files), CASES[i].downloads);
        if (CASES[i].downloads == 1) {
            assert_string_equal(bench.err.message, "the sink refuses");
        }
        bench_fini(&bench);
    }
    struct bench bench; /* and in the middle of the body */
    bench_init(&bench);
    go_to_completed(&bench);
    for (int n = 0; n < 3; n++) {
        api_completed(&bench);
        file_body(&bench, CSV);
    }
    bench.bytes_answer = QL_E_COMPRESSED;
    bench_open(&bench);
    assert_int_equal(bench_run(&bench), QL_E_COMPRESSED);
    assert_string_equal(bench.err.message, "downloading export '" EXPORT_ID "': the sink refuses (3 downloads begun)");
    assert_int_equal(bench.n_restarts, 2);
    assert_int_equal(bench.n_ended, 0);
    bench_fini(&bench);
}

static void a_body_without_length_is_passed_on_as_such(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    go_to_completed(&bench);
    file_raw(&bench, "HTTP/1.1 200 OK\r\n\r\na,b\n", FAKE_CLOSE);
    bench_open(&bench);
    assert_int_equal(bench_run(&bench), QL_OK);
    assert_true(bench.is_unsized);
    bench_fini(&bench);
}

/* The link is the server's word: where the API is not at loopback, it must not lead there, nor to anything inside. */
static void a_link_to_the_inside_is_refused(void **state) {
    (void)state;
    static const char *const LINKS[] = {"http://10.0.0.1/x?sig=feedbeef",
                                        "https://169.254.169.254/x?sig=feedbeef",
                                        "ftp://h/x",
                                        "no url",
                                        "file:///etc/passwd",
                                        "https://user:feedbeef@example.com/x"};
    for (size_t i = 0; i < sizeof LINKS / sizeof LINKS[0]; i++) {
        struct bench bench;
        bench_init(&bench);
        api_token(&bench);
        api_me(&bench);
        api_created(&bench);
        char body[300];
        (void)snprintf(body, sizeof body, "{\"status\":\"completed\",\"downloadUrl\":\"%s\"}", LINKS[i]);
        api_json(&bench, 200, body);
        bench_open(&bench);
        enum ql_status status = bench_run(&bench);
        if (status != QL_E_REFUSED_URL || !has(bench.err.message, "downloading export")) {
            fail_msg("'%s': %s: %s", LINKS[i], ql_status_name(status), bench.err.message);
        }
        assert_no_secret(&bench);
        bench_fini(&bench);
    }
}

static void a_link_that_cannot_be_renewed_is_told(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    go_to_completed(&bench);
    api_running(&bench);
    file_raw(&bench, "HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n", FAKE_KEEP);
    bench_open(&bench);
    assert_int_equal(bench_run(&bench), QL_E_PROTOCOL);
    assert_string_equal(bench.err.message, "downloading export '" EXPORT_ID "': asking for a new link: export '" EXPORT_ID
                                           "' was completed and is not any more");
    bench_fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_way),
        cmocka_unit_test(the_query_is_made_of_settings),
        cmocka_unit_test(looks_come_after_a_tenth_of_the_time_waited),
        cmocka_unit_test(a_refused_creation_is_told_and_a_doubtful_one_too),
        cmocka_unit_test(a_creation_that_was_not_done_is_tried_again),
        cmocka_unit_test(a_creation_that_runs_out_of_time_while_refused_is_not_doubtful),
        cmocka_unit_test(the_servers_words_end_an_export),
        cmocka_unit_test(transient_faults_of_looks_are_lived_through),
        cmocka_unit_test(a_look_that_fails_names_the_export),
        cmocka_unit_test(the_deadline_ends_the_wait_and_leaves_the_runs_own_alone),
        cmocka_unit_test(json_larger_than_its_limit_is_refused),
        cmocka_unit_test(a_broken_download_is_begun_again_from_a_new_link),
        cmocka_unit_test(a_fault_to_the_end_is_the_error),
        cmocka_unit_test(what_the_sink_finds_broken_is_fetched_again_and_other_refusals_stand),
        cmocka_unit_test(a_body_without_length_is_passed_on_as_such),
        cmocka_unit_test(a_link_to_the_inside_is_refused),
        cmocka_unit_test(a_link_that_cannot_be_renewed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
