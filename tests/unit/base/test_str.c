#include "support/test.h"

#include "base/mem.h"

static void to_i64_takes_the_whole_range_and_nothing_else(void **state) {
    (void)state;
    int64_t v = 0;
    assert_true(ql_str_to_i64(QL_STR("-9223372036854775808"), &v));
    assert_int_equal(v, INT64_MIN);
    assert_true(ql_str_to_i64(QL_STR("+9223372036854775807"), &v));
    assert_int_equal(v, INT64_MAX);
    assert_false(ql_str_to_i64(QL_STR("9223372036854775808"), &v));
    assert_false(ql_str_to_i64(QL_STR("-9223372036854775809"), &v));
    assert_false(ql_str_to_i64(QL_STR(""), &v));
    assert_false(ql_str_to_i64(QL_STR("-"), &v));
    assert_false(ql_str_to_i64(QL_STR("1 "), &v));
}

static void order_is_by_unsigned_bytes(void **state) {
    (void)state;
    assert_true(ql_str_cmp(QL_STR("z"), QL_STR("\xc3\xa4")) < 0);
    assert_true(ql_str_cmp(QL_STR("a"), QL_STR("aa")) < 0);
    assert_int_equal(ql_str_cmp(QL_STR("a"), QL_STR("a")), 0);
}

static void nearest_names_what_is_near_only(void **state) {
    (void)state;
    const char *names[] = {"calls_offered", "calls_answered", "queue_name"};
    assert_string_equal(ql_str_nearest(QL_STR("calls_ofered"), names, 3), "calls_offered");
    assert_null(ql_str_nearest(QL_STR("x"), names, 3));
    assert_int_equal(ql_str_distance(QL_STR("kitten"), QL_STR("sitting")), 3);
}

static void a_wrapped_error_keeps_its_cause_and_hint(void **state) {
    (void)state;
    struct ql_err err = {0};
    assert_int_equal(QL_FAIL(&err, QL_E_RATE, "server said '%s'", "slow down"), QL_E_RATE);
    ql_err_wrap(&err, "polling export %d", 7);
    assert_string_equal(err.message, "polling export 7: server said 'slow down'");
    assert_string_equal(ql_err_get_hint(&err), ql_status_hint(QL_E_RATE));
    ql_err_hint(&err, "wait");
    assert_string_equal(ql_err_get_hint(&err), "wait");
    assert_int_equal(ql_status_exit_code(err.status), 75);
}

static void an_arena_survives_reset_and_large_blocks(void **state) {
    (void)state;
    struct ql_arena arena = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 1; i < 200; i++) {
            char *p = ql_arena_alloc(&arena, i * 997);
            assert_int_equal((uintptr_t)p % 16, 0);
            memset(p, (int)i, i * 997);
        }
        ql_arena_reset(&arena);
    }
    ql_arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_i64_takes_the_whole_range_and_nothing_else),
        cmocka_unit_test(order_is_by_unsigned_bytes),
        cmocka_unit_test(nearest_names_what_is_near_only),
        cmocka_unit_test(a_wrapped_error_keeps_its_cause_and_hint),
        cmocka_unit_test(an_arena_survives_reset_and_large_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
