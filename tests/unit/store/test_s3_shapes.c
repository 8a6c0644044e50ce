/* Operations of S3 and STS against tests/data/sigv4/exchanges.txt: what botocore's clients send to every kind of endpoint. */
#include "sigv4_vectors.h"

#include "store/store_internal.h"

/** What arrived. */
static struct {
    struct ql_buf url, headers, body;
    char method[16], authorization[1024];
    int64_t now_us;
} seen;

static int64_t now_us(void) {
    return seen.now_us;
}
static int64_t now_ms(void) {
    return seen.now_us / 1000;
}

static void put_header(const struct ql_http_header *header, struct ql_buf *out) {
    for (size_t i = 0; i < header->name.len; i++) {
        char c = header->name.ptr[i];
        ql_buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
    ql_buf_printf(out, ":%.*s\n", QL_STR_ARG(header->value));
}

static void put_body(const struct ql_http_body_source *source) {
    for (size_t got = 1; source != NULL && got != 0;) {
        char piece[3];
        assert_ok(source->read(source->ctx, (int64_t)seen.body.len, piece, sizeof piece, &got, err));
        ql_buf_put(&seen.body, piece, got);
    }
}

static enum ql_status answer(struct ql_http *http, const struct ql_http_request *request, struct ql_http_response *response,
                             struct ql_err *err) {
    (void)http;
    ql_buf_reset(&seen.url);
    ql_buf_reset(&seen.headers);
    ql_buf_reset(&seen.body);
    ql_buf_put_str(&seen.url, request->url);
    (void)snprintf(seen.method, sizeof seen.method, "%s", request->method);
    for (size_t i = 0; i < request->n_headers; i++) {
        if (ql_str_eq(request->headers[i].name, QL_STR("Authorization"))) {
            (void)snprintf(seen.authorization, sizeof seen.authorization, "%.*s", QL_STR_ARG(request->headers[i].value));
        } else {
            put_header(&request->headers[i], &seen.headers);
        }
    }
    put_body(request->source);
    (void)err;
    *response = (struct ql_http_response){.status = 200, .content_length = -1, .retry_after_ms = -1};
    return QL_OK;
}

static enum ql_status no_wait(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err) {
    (void)http;
    (void)wait_ms;
    (void)reason;
    (void)err;
    fail_msg("nothing is repeated here");
    return QL_OK;
}

static const struct ql_s3_world WORLD = {.send = answer,
                                         .wait = no_wait,
                                         .random = ql_http_random,
                                         .now_us = now_us,
                                         .monotonic_ms = now_ms,
                                         .disk = &QL_DISK,
                                         .max_memory_bytes = 1000};

static struct ql_s3_options options_of(const struct vector *vector) {
    struct ql_str style = vector_get(vector, "style");
    bool is_sts = ql_str_eq(vector_get(vector, "service"), QL_STR("sts"));
    struct ql_str endpoint = vector_get(vector, "endpoint");
    return (struct ql_s3_options){.access_key_id = QL_STR("AKIAIOSFODNN7EXAMPLE"),
                                  .secret_access_key = QL_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                  .session_token = vector_get(vector, "token"),
                                  .region = vector_get(vector, "region"),
                                  .endpoint = is_sts ? (struct ql_str){0} : endpoint,
                                  .sts_endpoint = is_sts ? endpoint : (struct ql_str){0},
                                  .addressing = ql_str_eq(style, QL_STR("virtual")) ? QL_S3_ADDRESSING_VIRTUAL
                                                : ql_str_eq(style, QL_STR("path"))  ? QL_S3_ADDRESSING_PATH
                                                                                    : QL_S3_ADDRESSING_AUTO,
                                  .uses_fips = ql_str_eq(vector_get(vector, "fips"), QL_STR("1")),
                                  .uses_dual_stack = ql_str_eq(vector_get(vector, "dual"), QL_STR("1")),
                                  .expected_bucket_owner = vector_get(vector, "owner"),
                                  .is_requester_pays = vector_get(vector, "payer").len != 0};
}

static enum ql_status nothing_begins(void *ctx, bool is_unsized, struct ql_err *err) {
    (void)ctx;
    (void)is_unsized;
    (void)err;
    return QL_OK;
}

/* Sorted, because the order of headers on the wire means nothing. */
static int compare_lines(const void *a, const void *b) {
    const struct ql_str *left = a;
    const struct ql_str *right = b;
    return ql_str_cmp(*left, *right);
}
static void sort_lines(struct ql_buf *text) {
    struct ql_str lines[MAX_FIELDS];
    size_t n = 0;
    struct ql_str rest = ql_buf_view(text);
    while (rest.ptr != NULL && rest.len != 0) {
        lines[n++] = ql_str_split(rest, '\n', &rest);
    }
    qsort(lines, n, sizeof lines[0], compare_lines);
    struct ql_buf sorted = {0};
    for (size_t i = 0; i < n; i++) {
        ql_buf_printf(&sorted, "%.*s\n", QL_STR_ARG(lines[i]));
    }
    ql_buf_fini(text);
    *text = sorted;
}

static void check_exchange(struct ql_http *http, const struct vector *vector) {
    const struct ql_s3_options options = options_of(vector);
    struct ql_http_header query[MAX_FIELDS];
    struct ql_http_header given[MAX_FIELDS];
    struct ql_http_header headers[MAX_FIELDS];
    const struct ql_s3_reader reader = {.begin = nothing_begins};
    char method[16];
    (void)snprintf(method, sizeof method, "%.*s", QL_STR_ARG(vector_get(vector, "method")));
    const struct ql_s3_request request = {.service =
                                              ql_str_eq(vector_get(vector, "service"), QL_STR("sts")) ? QL_AWS_STS : QL_AWS_S3,
                                          .method = method,
                                          .bucket = vector_get(vector, "bucket"),
                                          .key = vector_get(vector, "key"),
                                          .query = query,
                                          .n_query = vector_pairs(vector, "query", '=', query),
                                          .headers = given,
                                          .n_headers = vector_pairs(vector, "given", ':', given),
                                          .payload = {.bytes = vector_get(vector, "body")},
                                          .reader = &reader};
    struct ql_s3_client *client = NULL;
    struct ql_s3_answer got;
    assert_ok(ql_s3_client_new_with(&WORLD, http, &options, &client, err));
    assert_ok(ql_s3_send(client, &request, &got, err));
    ql_s3_answer_fini(&got);
    ql_s3_client_free(client);

    struct ql_buf expected = {0};
    size_t n = vector_pairs(vector, "header", '\0', headers);
    for (size_t i = 0; i < n; i++) {
        ql_buf_printf(&expected, "%.*s\n", QL_STR_ARG(headers[i].name));
    }
    sort_lines(&expected);
    sort_lines(&seen.headers);
    assert_string_equal(seen.method, method);
    assert_str_equal(vector_get(vector, "url"), seen.url.ptr);
    assert_string_equal(seen.headers.ptr, expected.ptr);
    assert_str_equal(vector_get(vector, "authorization"), seen.authorization);
    assert_true(ql_str_eq(ql_buf_view(&seen.body), vector_get(vector, "body")));
    ql_buf_fini(&expected);
}

static void exchanges_are_those_of_botocore(void **state) {
    (void)state;
    const struct ql_http_options http_options = {.user_agent = QL_STR("test"), .max_attempts = 1};
    struct ql_http *http = NULL;
    assert_ok(ql_http_new(&http_options, &http, err));
    const struct ql_civil civil = {.year = 2026, .month = 1, .day = 2, .hour = 3, .minute = 4, .second = 5};
    seen.now_us = ql_time_from_civil(&civil);
    struct ql_buf text = vectors_load("exchanges.txt");
    struct ql_str rest = ql_buf_view(&text);
    struct vector vector;
    int n = 0;
    while (vectors_next(&rest, &vector)) {
        check_exchange(http, &vector);
        n++;
    }
    assert_true(n >= 30);
    ql_buf_fini(&text);
    ql_buf_fini(&seen.url);
    ql_buf_fini(&seen.headers);
    ql_buf_fini(&seen.body);
    ql_http_free(http);
}

static void quirks_are_found_by_the_host(void **state) {
    (void)state;
    static const struct {
        const char *endpoint;
        const char *name;
        unsigned lacks;
    } CASES[] = {
        {"https://0123abcd.r2.cloudflarestorage.com", "Cloudflare R2", QL_S3_HAS_TAGS},
        {"https://0123abcd.eu.R2.cloudflarestorage.com:443/", "Cloudflare R2", QL_S3_HAS_SSE},
        {"https://storage.googleapis.com", "Google Cloud Storage", QL_S3_HAS_CONDITIONS},
        {"https://s3.us-west-004.backblazeb2.com", "Backblaze B2", QL_S3_HAS_TAGS},
        {"https://s3.oss-eu-central-1.aliyuncs.com", "Alibaba Cloud OSS", QL_S3_HAS_PATH_STYLE},
        {"https://r2.cloudflarestorage.com.example.com", "S3", 0},
        {"http://127.0.0.1:9000", "S3", 0},
        {"", "S3", 0},
        {"no url", "S3", 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct ql_s3_quirks *quirks = ql_s3_quirks_of(ql_str_from(CASES[i].endpoint));
        assert_string_equal(quirks->name, CASES[i].name);
        assert_int_equal(quirks->features & CASES[i].lacks, 0);
        assert_int_equal(quirks->features == QL_S3_HAS_ALL, CASES[i].lacks == 0);
    }
}

static void features_belong_to_headers(void **state) {
    (void)state;
    assert_int_equal(ql_s3_feature_of_header(QL_STR("X-Amz-Tagging")), QL_S3_HAS_TAGS);
    assert_int_equal(ql_s3_feature_of_header(QL_STR("x-amz-server-side-encryption-aws-kms-key-id")), QL_S3_HAS_SSE);
    assert_int_equal(ql_s3_feature_of_header(QL_STR("If-None-Match")), QL_S3_HAS_CONDITIONS);
    assert_int_equal(ql_s3_feature_of_header(QL_STR("x-amz-checksum-crc64nvme")), QL_S3_HAS_CHECKSUMS);
    assert_int_equal(ql_s3_feature_of_header(QL_STR("x-amz-meta-queuelake-sha256")), 0);
    assert_int_equal(ql_s3_feature_of_header(QL_STR("content-type")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_are_those_of_botocore),
        cmocka_unit_test(quirks_are_found_by_the_host),
        cmocka_unit_test(features_belong_to_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
