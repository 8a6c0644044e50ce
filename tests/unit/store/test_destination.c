#include "support/test.h"

#include "store/store.h"

static void destinations_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum ql_store_kind kind;
        const char *bucket, *path;
    } CASES[] = {
        {"-", QL_STORE_STDOUT, "", ""},
        {"out.parquet", QL_STORE_FILE, "", "out.parquet"},
        {"/data/out/", QL_STORE_FILE, "", "/data/out/"},
        {"./-", QL_STORE_FILE, "", "./-"},
        {"a/s3://b", QL_STORE_FILE, "", "a/s3://b"},
        {"C:\\x", QL_STORE_FILE, "", "C:\\x"},
        {"file:///data/{start:%Y}.parquet", QL_STORE_FILE, "", "/data/{start:%Y}.parquet"},
        {"file://localhost/data/x", QL_STORE_FILE, "", "/data/x"},
        {"FILE:///a%20b", QL_STORE_FILE, "", "/a%20b"}, /* not decoded */
        {"s3://bucket", QL_STORE_S3, "bucket", ""},
        {"s3://bucket/", QL_STORE_S3, "bucket", ""},
        {"s3://bucket/a/{start:%Y-%m-%d}.parquet?x#y", QL_STORE_S3, "bucket", "a/{start:%Y-%m-%d}.parquet?x#y"},
        {"S3://bucket/a/", QL_STORE_S3, "bucket", "a/"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_destination destination;
        struct ql_err err = {0};
        if (ql_destination_parse(ql_str_from(CASES[i].text), &destination, &err) != QL_OK) {
            fail_msg("%s: %s", CASES[i].text, err.message);
        }
        assert_int_equal(destination.kind, CASES[i].kind);
        assert_str_equal(destination.bucket, CASES[i].bucket);
        assert_str_equal(destination.path, CASES[i].path);
    }
}

static void what_is_no_destination_is_refused_with_advice(void **state) {
    (void)state;
    static const struct {
        const char *text, *message, *hint;
    } CASES[] = {
        {"", "the destination is empty", "see"},
        {"s3://", "names no bucket", "s3://bucket/key"},
        {"s3:///key", "names no bucket", "s3://bucket/key"},
        {"s3://b//key", "begins with '/'", "one '/'"},
        {"s3a://b/k", "scheme that is not known", "s3://"},
        {"gs://b/k", "scheme that is not known", "file:///path"},
        {"https://b/k", "scheme that is not known", "s3://bucket/key"},
        {"file://", "no path of this machine", "three slashes"},
        {"file://host/x", "no path of this machine", "three slashes"},
        {"file://relative", "no path of this machine", "three slashes"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_destination destination;
        struct ql_err err = {0};
        assert_int_equal(ql_destination_parse(ql_str_from(CASES[i].text), &destination, &err), QL_E_USAGE);
        assert_non_null(strstr(err.message, CASES[i].message));
        assert_non_null(strstr(ql_err_get_hint(&err), CASES[i].hint));
    }
    struct ql_destination destination;
    assert_int_equal(ql_destination_parse((struct ql_str){.ptr = "a\0b", .len = 3}, &destination, NULL), QL_E_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destinations_are_told_apart),
        cmocka_unit_test(what_is_no_destination_is_refused_with_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
