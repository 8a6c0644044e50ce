/* Whole uploads against tests/data/sigv4/uploads.txt (what botocore's client sends), and against servers that fail. */
#include "sigv4_vectors.h"

#include "store/store_internal.h"

#include <unistd.h>

/* ---- a server in memory ---- */

struct answer {
    enum ql_status transport; /* QL_OK: an answer */
    long status;
    const char *body;
    bool has_no_etag;
};

/** What arrived, and what the server answers, one after the other (the last for ever). */
struct server {
    const struct answer *answers;
    size_t n_answers, n_requests;
    struct ql_buf url, headers, body; /* of the last request; headers as "name:value\n" */
    char authorizations[8][512], encryption[32];
    int64_t clock_us;
};
static struct server server;

static int64_t server_now_us(void) {
    return server.clock_us;
}
static int64_t server_now_ms(void) {
    return server.clock_us / 1000;
}

static void receive(const struct ql_http_request *request) {
    ql_buf_reset(&server.url);
    ql_buf_reset(&server.headers);
    ql_buf_reset(&server.body);
    ql_buf_put_str(&server.url, request->url);
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct ql_http_header *header = &request->headers[i];
        if (ql_str_eq(header->name, QL_STR("x-amz-server-side-encryption"))) {
            (void)snprintf(server.encryption, sizeof server.encryption, "%.*s", QL_STR_ARG(header->value));
        }
        if (ql_str_eq_nocase(header->name, QL_STR("authorization"))) {
            (void)snprintf(server.authorizations[server.n_requests % 8], sizeof server.authorizations[0], "%.*s",
                           QL_STR_ARG(header->value));
        } else {
            for (size_t j = 0; j < header->name.len; j++) {
                char c = header->name.ptr[j];
                ql_buf_putc(&server.headers, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
            }
            ql_buf_printf(&server.headers, ":%.*s\n", QL_STR_ARG(header->value));
        }
    }
    size_t got = 0;
    do { /* in odd pieces */
        char piece[777];
        assert_ok(request->source->read(request->source->ctx, (int64_t)server.body.len, piece, sizeof piece, &got, err));
        ql_buf_put(&server.body, piece, got);
    } while (got != 0);
    assert_int_equal(server.body.len, request->source->size);
}

static enum ql_status server_send(struct ql_http *http, const struct ql_http_request *request,
                                  struct ql_http_response *response, struct ql_err *err) {
    (void)http;
    if (strcmp(request->method, "HEAD") == 0) { /* nothing is there */
        *response = (struct ql_http_response){.status = 404, .content_length = -1, .retry_after_ms = -1};
        return QL_OK;
    }
    assert_string_equal(request->method, "PUT");
    assert_int_equal(request->repeat, QL_HTTP_REPEAT_BY_CALLER);
    assert_false(request->follows_redirects);
    receive(request);
    size_t i = server.n_requests < server.n_answers ? server.n_requests : server.n_answers - 1;
    server.n_requests++;
    const struct answer *answer = &server.answers[i];
    *response = (struct ql_http_response){.status = answer->status, .content_length = -1, .retry_after_ms = -1};
    if (answer->transport != QL_OK) {
        return QL_FAIL(err, answer->transport, "no connection to 'examplebucket.s3.us-east-1.amazonaws.com'");
    }
    static const struct ql_http_header HEADERS[] = {
        {{"x-amz-request-id", 16}, {"REQ123", 6}},
        {{"x-amz-version-id", 16}, {"3HL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo", 64}},
        {{"x-amz-server-side-encryption", 28}, {"AES256", 6}},
        {{"etag", 4}, {"\"1b2cf535f27731c974343645a3985328\"", 34}},
    };
    response->headers = ql_mem_zalloc(4, sizeof *response->headers);
    memcpy(response->headers, HEADERS, sizeof HEADERS);
    response->headers[2].value = ql_str_from(server.encryption);
    response->n_headers = answer->has_no_etag ? 3 : 4;
    ql_buf_puts(&response->body, answer->body != NULL ? answer->body : "");
    return QL_OK;
}

static void server_start(const struct answer *answers, size_t n_answers, int64_t clock_us) {
    server.answers = answers;
    server.n_answers = n_answers;
    server.n_requests = 0;
    server.clock_us = clock_us;
}

static const struct answer FINE[] = {{QL_OK, 200, NULL, false}};
static enum ql_status no_wait(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err) {
    (void)http;
    (void)wait_ms;
    (void)reason;
    (void)err;
    return QL_OK;
}
static const struct ql_s3_world WORLD = {.send = server_send,
                                         .wait = no_wait,
                                         .random = ql_http_random,
                                         .now_us = server_now_us,
                                         .monotonic_ms = server_now_ms,
                                         .disk = &QL_DISK,
                                         .max_memory_bytes = 1000};

static int set_up(void **state) {
    const struct ql_http_options options = {.user_agent = QL_STR("test"), .max_attempts = 1};
    struct ql_http *http = NULL;
    assert_ok(ql_http_new(&options, &http, err));
    *state = http;
    return 0;
}

static int tear_down(void **state) {
    ql_http_free(*state);
    ql_buf_fini(&server.url);
    ql_buf_fini(&server.headers);
    ql_buf_fini(&server.body);
    return 0;
}

/* ---- one upload ---- */

static enum ql_status upload(struct ql_http *http, const struct ql_s3_options *options, struct ql_str bucket,
                             struct ql_str body, const struct ql_publication *publication, struct ql_stored *stored,
                             struct ql_err *err) {
    struct ql_store *store = NULL;
    struct ql_s3_client *client = NULL;
    enum ql_status status = ql_s3_client_new_with(&WORLD, http, options, &client, err);
    if (status == QL_OK) {
        status = ql_store_s3_open(client, bucket, publication, &store, err);
    }
    if (status == QL_OK) {
        struct ql_sink sink = ql_store_sink(store);
        status = sink.write(sink.ctx, body.ptr, body.len, err);
    }
    if (status == QL_OK) {
        assert_int_equal(server.n_requests, 0); /* nothing is sent before commit */
        status = ql_store_commit(store, publication, stored, err);
    }
    ql_store_free(store);
    ql_s3_client_free(client);
    return status;
}

static enum ql_status upload_some(struct ql_http *http, struct ql_stored *stored, struct ql_err *err) {
    static const struct ql_s3_options OPTIONS = {.access_key_id = {"AKIAIOSFODNN7EXAMPLE", 20},
                                                 .secret_access_key = {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40},
                                                 .session_token = {"secret-session-token", 20}};
    static const struct ql_tag TAG = {{"Format", 6}, {"parquet", 7}};
    const struct ql_publication publication = {.key = QL_STR("q/k.parquet"), .tags = &TAG, .n_tags = 1};
    return upload(http, &OPTIONS, QL_STR("examplebucket"), QL_STR("PAR1"), &publication, stored, err);
}

/* ---- the same bytes as botocore ---- */

static void sort_lines(struct ql_buf *text) {
    struct ql_str lines[MAX_FIELDS];
    size_t n = 0;
    struct ql_str rest = ql_buf_view(text);
    while (rest.ptr != NULL && rest.len != 0) {
        lines[n++] = ql_str_split(rest, '\n', &rest);
    }
    struct ql_buf sorted = {0};
    for (size_t i = 0; i < n; i++) {
        size_t first = i;
        for (size_t j = i; j < n; j++) {
            first = ql_str_cmp(lines[j], lines[first]) < 0 ? j : first;
        }
        struct ql_str line = lines[first];
        lines[first] = lines[i];
        lines[i] = line;
        ql_buf_printf(&sorted, "%.*s\n", QL_STR_ARG(line));
    }
    ql_buf_fini(text);
    *text = sorted;
}

static int64_t date_of(const struct vector *vector) {
    struct ql_str text = vector_get(vector, "date"); /* 20260102T030405Z */
    struct ql_civil civil = {0};
    int *const parts[] = {&civil.year, &civil.month, &civil.day, &civil.hour, &civil.minute, &civil.second};
    static const size_t AT[] = {0, 4, 6, 9, 11, 13, 15};
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = AT[i]; j < AT[i + 1] && text.ptr[j] != 'T'; j++) {
            *parts[i] = *parts[i] * 10 + (text.ptr[j] - '0');
        }
    }
    return ql_time_from_civil(&civil);
}

static void check_upload(struct ql_http *http, const struct vector *vector) {
    const struct ql_s3_options options = {.access_key_id = QL_STR("AKIAIOSFODNN7EXAMPLE"),
                                          .secret_access_key = QL_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                          .region = vector_get(vector, "region"),
                                          .endpoint = vector_get(vector, "endpoint"),
                                          .session_token = vector_get(vector, "token"),
                                          .expected_bucket_owner = vector_get(vector, "owner"),
                                          .server_side_encryption = vector_get(vector, "encryption"),
                                          .content_type = vector_get(vector, "content_type")};
    struct ql_http_header pairs[MAX_FIELDS];
    struct ql_tag tags[MAX_FIELDS];
    size_t n_tags = vector_pairs(vector, "tag", '=', pairs);
    for (size_t i = 0; i < n_tags; i++) {
        tags[i] = (struct ql_tag){.key = pairs[i].name, .value = pairs[i].value};
    }
    struct ql_str key = vector_get(vector, "key");
    const struct ql_publication publication = {.key = key, .tags = tags, .n_tags = n_tags};
    struct ql_stored stored;
    server_start(FINE, 1, date_of(vector));
    assert_ok(upload(http, &options, vector_get(vector, "bucket"), vector_get(vector, "body"), &publication, &stored, err));

    struct ql_buf expected = {0};
    size_t n = vector_pairs(vector, "header", '\0', pairs);
    for (size_t i = 0; i < n; i++) {
        ql_buf_printf(&expected, "%.*s\n", QL_STR_ARG(pairs[i].name));
    }
    sort_lines(&expected);
    sort_lines(&server.headers);
    assert_string_equal(server.headers.ptr, expected.ptr);
    ql_buf_fini(&expected);
    assert_str_equal(vector_get(vector, "url"), server.url.ptr);
    assert_str_equal(vector_get(vector, "authorization"), server.authorizations[0]);
    assert_true(ql_str_eq(ql_buf_view(&server.body), vector_get(vector, "body")));
}

static void uploads_are_those_of_botocore(void **state) {
    struct ql_buf text = vectors_load("uploads.txt");
    struct ql_str rest = ql_buf_view(&text);
    struct vector vector;
    int n = 0;
    while (vectors_next(&rest, &vector)) {
        check_upload(*state, &vector);
        n++;
    }
    assert_true(n >= 15);
    ql_buf_fini(&text);
}

/* ---- what comes back ---- */

static void an_answer_with_an_etag_is_success(void **state) {
    struct ql_stored stored;
    server_start(FINE, 1, 0);
    assert_ok(upload_some(*state, &stored, err));
    assert_string_equal(stored.location, "s3://examplebucket/q/k.parquet");
    assert_string_equal(stored.etag, "\"1b2cf535f27731c974343645a3985328\"");
    assert_string_equal(stored.version_id, "3HL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo");
    assert_string_equal(stored.request_id, "REQ123");
    assert_string_equal(stored.server_side_encryption, "AES256");
    assert_int_equal(stored.bytes, 4);
    /* printf PAR1 | sha256sum */
    assert_string_equal(stored.sha256, "fbc62d3b511368ee275ddc74117d8689b430e1427220e25d30816201d89ca7b6");
    assert_int_equal(server.n_requests, 1);
}

static void a_200_with_an_error_or_of_another_server_is_a_failure(void **state) {
    static const struct {
        struct answer answer;
        enum ql_status status;
    } CASES[] = {
        {{QL_OK, 200, "<Error><Code>InternalError</Code><Message>m</Message></Error>", false}, QL_E_SERVER},
        {{QL_OK, 200, "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code>", false}, QL_E_S3_DENIED},
        {{QL_OK, 200, "<html>hotel Wi-Fi</html>", true}, QL_E_PROTOCOL},
        {{QL_OK, 200, NULL, true}, QL_E_PROTOCOL},
        {{QL_OK, 304, NULL, false}, QL_E_S3},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_stored stored;
        struct ql_err err = {0};
        server_start(&CASES[i].answer, 1, 0);
        assert_int_equal(upload_some(*state, &stored, &err), CASES[i].status);
        assert_string_equal(err.request_id, "REQ123");
        assert_string_equal(stored.etag, "");
    }
}

static void failures_of_the_way_name_the_object(void **state) {
    static const struct answer DOWN[] = {{QL_E_NETWORK, 0, NULL, false}};
    static const struct answer REFUSED[] = {{QL_E_REFUSED_URL, 0, NULL, false}};
    struct ql_stored stored;
    struct ql_err err = {0};
    server_start(DOWN, 1, 0);
    assert_int_equal(upload_some(*state, &stored, &err), QL_E_NETWORK);
    assert_string_equal(err.message, "cannot store 's3://examplebucket/q/k.parquet': no connection to "
                                     "'examplebucket.s3.us-east-1.amazonaws.com'");
    server_start(REFUSED, 1, 0);
    assert_int_equal(upload_some(*state, &stored, &err), QL_E_REFUSED_URL);
    assert_non_null(strstr(err.hint, "AWS_ENDPOINT_URL"));
}

static void a_server_cannot_make_us_print_a_secret(void **state) {
    static const struct answer CURIOUS[] = {{QL_OK, 400,
                                             "<Error><Code>InvalidToken</Code><Message>bad secret-session-token and "
                                             "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY</Message></Error>",
                                             false}};
    struct ql_stored stored;
    struct ql_err err = {0};
    server_start(CURIOUS, 1, 0);
    assert_int_equal(upload_some(*state, &stored, &err), QL_E_S3_DENIED);
    assert_null(strstr(err.message, "secret-session-token"));
    assert_null(strstr(err.message, "wJalr"));
}

/* ---- before anything is sent ---- */

static void what_cannot_be_stored_is_never_sent(void **state) {
    struct ql_s3_options options = {.access_key_id = QL_STR("AKIAIOSFODNN7EXAMPLE"), .secret_access_key = QL_STR("secret-key")};
    struct ql_stored stored;
    static const struct ql_tag BAD = {{"a;b", 3}, {"x", 1}};
    struct ql_publication publication = {.key = QL_STR("../k")};
    server_start(FINE, 1, 0);
    assert_int_equal(upload(*state, &options, QL_STR("bucket"), QL_STR("x"), &publication, &stored, NULL), QL_E_USAGE);
    publication = (struct ql_publication){.key = QL_STR("k"), .tags = &BAD, .n_tags = 1};
    assert_int_equal(upload(*state, &options, QL_STR("bucket"), QL_STR("x"), &publication, &stored, NULL), QL_E_CONFIG);
    publication = (struct ql_publication){.key = QL_STR("k")};
    options.temp_dir = QL_STR("/no/such/folder");
    char big[1001] = {0};
    assert_int_equal(upload(*state, &options, QL_STR("bucket"), (struct ql_str){big, sizeof big}, &publication, &stored, NULL),
                     QL_E_IO);
    options.secret_access_key = (struct ql_str){0};
    assert_int_equal(upload(*state, &options, QL_STR("bucket"), QL_STR("x"), &publication, &stored, NULL), QL_E_CONFIG);
    assert_int_equal(server.n_requests, 0);
}

static void an_artefact_too_large_for_memory_arrives_whole(void **state) {
    const struct ql_s3_options options = {.access_key_id = QL_STR("AKIAIOSFODNN7EXAMPLE"),
                                          .secret_access_key = QL_STR("secret-key")};
    const struct ql_publication publication = {.key = QL_STR("k")};
    struct ql_stored stored;
    enum { SIZE = 100000 };
    char *bytes = ql_mem_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (char)(i * 7 + i / 256);
    }
    server_start(FINE, 1, 0);
    assert_ok(upload(*state, &options, QL_STR("bucket"), (struct ql_str){bytes, SIZE}, &publication, &stored, err));
    assert_int_equal(server.body.len, SIZE);
    assert_memory_equal(server.body.ptr, bytes, SIZE);
    ql_mem_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uploads_are_those_of_botocore),
        cmocka_unit_test(an_answer_with_an_etag_is_success),
        cmocka_unit_test(a_200_with_an_error_or_of_another_server_is_a_failure),
        cmocka_unit_test(failures_of_the_way_name_the_object),
        cmocka_unit_test(a_server_cannot_make_us_print_a_secret),
        cmocka_unit_test(what_cannot_be_stored_is_never_sent),
        cmocka_unit_test(an_artefact_too_large_for_memory_arrives_whole),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
