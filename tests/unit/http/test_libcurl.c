/* libcurl is loaded by hand: what is said where it is missing, is something else, or is too old, and that nothing of it stays
 * out. */
#include "support/test.h"

#include "http/libcurl.h"

#include <string.h>

static void the_one_of_this_machine_has_everything(void **state) {
    (void)state;
    struct ql_libcurl curl;
    memset(&curl, 0, sizeof curl);
    assert_ok(ql_libcurl_load(&curl, err));
    void *functions[sizeof curl / sizeof(void *)];
    memcpy(functions, &curl, sizeof curl);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        assert_non_null(functions[i]);
    }
    assert_true(strncmp(curl.version(), "libcurl/", 8) == 0);

    struct ql_libcurl again;
    assert_ok(ql_libcurl_load(&again, err));
    assert_memory_equal(&curl, &again, sizeof curl); /* the library stays where it is */
}

static void a_missing_one_is_said_with_what_to_install(void **state) {
    (void)state;
    struct ql_libcurl curl;
    struct ql_err err = {0};
    assert_int_equal(ql_libcurl_load_from("libcurl-that-is-not-there.so.4", QL_LIBCURL_OLDEST, &curl, &err), QL_E_SYSTEM);
    assert_non_null(strstr(err.message, "libcurl, which makes the requests, cannot be loaded"));
    assert_non_null(strstr(err.message, "libcurl-that-is-not-there.so.4"));
    assert_non_null(strstr(ql_err_get_hint(&err), "apt-get install libcurl4"));
}

static void a_library_that_is_no_libcurl_is_refused(void **state) {
    (void)state;
    struct ql_libcurl curl;
    struct ql_err err = {0};
    assert_int_equal(ql_libcurl_load_from("libc.so.6", QL_LIBCURL_OLDEST, &curl, &err), QL_E_SYSTEM);
    assert_non_null(strstr(err.message, "lacks 'curl_"));
    assert_non_null(strstr(ql_err_get_hint(&err), "7.87.0"));
}

static void an_old_one_is_refused(void **state) {
    (void)state;
    struct ql_libcurl curl;
    struct ql_err err = {0};
    assert_int_equal(ql_libcurl_load_from("libcurl.so.4", 0xffffff, &curl, &err), QL_E_SYSTEM);
    assert_non_null(strstr(err.message, "too old"));
    assert_non_null(strstr(err.message, curl.version_info(CURLVERSION_NOW)->version));
    assert_non_null(strstr(ql_err_get_hint(&err), "7.87.0"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_of_this_machine_has_everything),
        cmocka_unit_test(a_missing_one_is_said_with_what_to_install),
        cmocka_unit_test(a_library_that_is_no_libcurl_is_refused),
        cmocka_unit_test(an_old_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
