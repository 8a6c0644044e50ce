/* Limits: "Categorizing your storage using tags" (S3 user guide) and S3Tag of the S3 Control API model. */
#include "support/test.h"

#include "store/store_internal.h"

static struct ql_tag tag(const char *key, const char *value) {
    return (struct ql_tag){.key = ql_str_from(key), .value = ql_str_from(value)};
}

static void assert_refused(const struct ql_tag *tags, size_t n, const char *name, const char *what) {
    struct ql_err err = {0};
    assert_int_equal(ql_tags_check(tags, n, &err), QL_E_CONFIG);
    if (strstr(err.message, name) == NULL || strstr(err.message, what) == NULL) {
        fail_msg("got: %s", err.message);
    }
}

static void assert_one_refused(const char *key, const char *value, const char *what) {
    const struct ql_tag one = tag(key, value);
    assert_refused(&one, 1, key, what);
}

static void what_s3_takes_passes(void **state) {
    (void)state;
    char key[128 * 2 + 1], value[256 * 2 + 1];
    for (size_t i = 0; i < 128; i++) {
        memcpy(key + 2 * i, "\xc3\xa9", 2);
    }
    key[256] = '\0';
    memset(value, 'v', 256);
    value[256] = '\0';
    const struct ql_tag tags[] = {
        tag("Version", "1.0.0"),
        tag("ExportId", "a-b_c"),
        tag("Format", "parquet"),
        tag("a:b/c=d+e@f.g", "_.:/=+-@ "),
        tag("Empty", ""),
        tag(key, value),
        tag("version", "case matters"),
        tag("\xe6\x97\xa5\xe6\x9c\xac", "\xc2\xbd"),
        tag("awsome", "x"),
        tag("tab", "\xe0\xa4\x95\xe0\xa4\xbf"),
    };
    assert_ok(ql_tags_check(tags, 10, err));
    assert_ok(ql_tags_check(NULL, 0, err));
}

static void what_s3_refuses_is_named(void **state) {
    (void)state;
    char key[130], value[258];
    memset(key, 'k', sizeof key);
    memset(value, 'v', sizeof value);
    key[129] = '\0';
    value[257] = '\0';
    assert_one_refused("", "x", "has no key");
    assert_one_refused(key, "x", "more than 128");
    assert_one_refused("Long", value, "more than 256");
    assert_one_refused("aws:x", "x", "belongs to AWS");
    assert_one_refused("AWS:x", "x", "belongs to AWS");
    assert_one_refused("a;b", "x", "';'");
    assert_one_refused("List", "a;b", "';'");
    assert_one_refused("Line", "a\r\nx-evil: 1", "U+000D");
    assert_one_refused("Smile", "\xf0\x9f\x98\x80", "U+1F600");
    assert_one_refused("Bad", "\xff", "not valid UTF-8");
    const struct ql_tag twice[] = {tag("Format", "parquet"), tag("Team", "a"), tag("Format", "csv")};
    assert_refused(twice, 3, "'Format'", "twice");
    struct ql_tag many[11];
    static const char *const NAMES[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"};
    for (size_t i = 0; i < 11; i++) {
        many[i] = tag(NAMES[i], "x");
    }
    assert_refused(many, 11, "'k'", "too many");
}

static void a_request_has_room_for_them(void **state) {
    (void)state;
    char value[256 * 3 + 1];
    for (size_t i = 0; i < 256; i++) {
        memcpy(value + 3 * i, "\xe6\x97\xa5", 3); /* 9 bytes once encoded */
    }
    value[768] = '\0';
    const struct ql_tag tags[] = {tag("a", value), tag("b", value), tag("c", value), tag("d", value)};
    assert_ok(ql_tags_check(tags, 3, err));
    struct ql_err err = {0};
    assert_int_equal(ql_tags_check(tags, 4, &err), QL_E_CONFIG);
    assert_non_null(strstr(err.message, "of the request"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_s3_takes_passes),
        cmocka_unit_test(what_s3_refuses_is_named),
        cmocka_unit_test(a_request_has_room_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
