/* Known answers: tests/data/sigv4/requests.txt, made by botocore and checked against the signatures that AWS publishes. */
#include "sigv4_vectors.h"

#include "base/time.h"
#include "hash/hash.h"
#include "store/sigv4.h"

static void sign_vector(const struct vector *vector, bool is_reversed, struct ql_buf *canonical, struct ql_buf *authorization) {
    struct ql_http_header query[MAX_FIELDS], headers[MAX_FIELDS];
    size_t n_query = vector_pairs(vector, "query", '=', query);
    size_t n_headers = vector_pairs(vector, "header", ':', headers);
    for (size_t i = 0; is_reversed && i < n_query / 2; i++) {
        struct ql_http_header first = query[i];
        query[i] = query[n_query - 1 - i];
        query[n_query - 1 - i] = first;
    }
    struct ql_buf path = {0};
    struct ql_buf method = {0};
    struct ql_buf date = {0};
    ql_http_encode(vector_get(vector, "path"), true, &path);
    ql_buf_put_str(&method, vector_get(vector, "method"));
    ql_buf_put_str(&date, vector_get(vector, "date"));
    const struct ql_sigv4_request request = {.method = method.ptr,
                                             .path = ql_buf_view(&path),
                                             .query = query,
                                             .n_query = n_query,
                                             .headers = headers,
                                             .n_headers = n_headers,
                                             .payload_sha256 = vector_get(vector, "payload"),
                                             .date = date.ptr};
    const struct ql_sigv4_credentials credentials = {.access_key_id = vector_get(vector, "key"),
                                                     .secret_access_key = vector_get(vector, "secret"),
                                                     .region = vector_get(vector, "region"),
                                                     .service = vector_get(vector, "service")};
    ql_sigv4_canonical_request(&request, canonical);
    ql_sigv4_authorization(&credentials, &request, authorization);
    ql_buf_fini(&path);
    ql_buf_fini(&method);
    ql_buf_fini(&date);
}

static void check_vector(const struct vector *vector, bool is_reversed) {
    struct ql_buf canonical = {0};
    struct ql_buf authorization = {0};
    sign_vector(vector, is_reversed, &canonical, &authorization);
    uint8_t digest[QL_SHA256_SIZE];
    char hex[QL_SHA256_HEX_SIZE];
    ql_sha256_of(canonical.ptr, canonical.len, digest);
    ql_hex(digest, sizeof digest, hex);
    struct ql_str name = vector_get(vector, "case");
    if (!ql_str_eq(ql_str_from(hex), vector_get(vector, "canonical_sha256"))) {
        fail_msg("%.*s: the canonical request differs; ours is\n%s", QL_STR_ARG(name), canonical.ptr);
    }
    struct ql_str expected = vector_get(vector, "authorization");
    if (!ql_str_eq(ql_buf_view(&authorization), expected)) {
        fail_msg("%.*s:\ngot      %s\nexpected %.*s", QL_STR_ARG(name), authorization.ptr, QL_STR_ARG(expected));
    }
    ql_buf_fini(&canonical);
    ql_buf_fini(&authorization);
}

static void signatures_are_those_of_aws(void **state) {
    (void)state;
    struct ql_buf text = vectors_load("requests.txt");
    struct ql_str rest = ql_buf_view(&text);
    struct vector vector;
    int n = 0;
    while (vectors_next(&rest, &vector)) {
        check_vector(&vector, false);
        check_vector(&vector, true); /* the order of the query's parameters says nothing */
        n++;
    }
    assert_true(n >= 30);
    ql_buf_fini(&text);
}

static void dates_have_no_punctuation_and_are_utc(void **state) {
    (void)state;
    char date[QL_SIGV4_DATE_SIZE];
    ql_sigv4_date(INT64_C(1440938160) * QL_US_PER_S + 999999, date);
    assert_string_equal(date, "20150830T123600Z");
    ql_sigv4_date(0, date);
    assert_string_equal(date, "19700101T000000Z");
}

static void the_query_of_the_url_is_the_canonical_one(void **state) {
    (void)state;
    const struct ql_http_header query[] = {
        {QL_STR("uploads"), {0}}, {QL_STR("prefix"), QL_STR("a/b c")}, {QL_STR("Prefix"), QL_STR("~")}};
    struct ql_buf out = {0};
    ql_sigv4_query(query, 3, &out);
    assert_str_equal(ql_buf_view(&out), "Prefix=~&prefix=a%2Fb%20c&uploads=");
    ql_buf_fini(&out);
    ql_sigv4_query(NULL, 0, &out);
    assert_int_equal(out.len, 0);
    ql_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_aws),
        cmocka_unit_test(dates_have_no_punctuation_and_are_utc),
        cmocka_unit_test(the_query_of_the_url_is_the_canonical_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
