/** As much of cmocka as the tests of csv need: there is none for arm64. A failure ends the program, also in a thread. */
#ifndef QL_TESTS_ARM64_CMOCKA_H
#define QL_TESTS_ARM64_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define fail_msg(...)                                               \
    do {                                                            \
        (void)fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);       \
        (void)fprintf(stderr, __VA_ARGS__);                         \
        (void)fputc('\n', stderr);                                  \
        _Exit(1); /* other threads may be in the middle of a row */ \
    } while (0)

#define assert_true(expr)                   \
    do {                                    \
        if (!(expr)) {                      \
            fail_msg("%s is false", #expr); \
        }                                   \
    } while (0)
#define assert_false(expr) assert_true(!(expr))
#define assert_null(ptr) assert_true((ptr) == NULL)
#define assert_non_null(ptr) assert_true((ptr) != NULL)
#define assert_ptr_equal(a, b) assert_true((a) == (b))
#define assert_int_equal(a, b)                                        \
    do {                                                              \
        long long ql_a_ = (long long)(a), ql_b_ = (long long)(b);     \
        if (ql_a_ != ql_b_) {                                         \
            fail_msg("%s is %lld, %s is %lld", #a, ql_a_, #b, ql_b_); \
        }                                                             \
    } while (0)
#define assert_string_equal(a, b)                               \
    do {                                                        \
        const char *ql_a_ = (a), *ql_b_ = (b);                  \
        if (strcmp(ql_a_, ql_b_) != 0) {                        \
            fail_msg("%s is '%s', not '%s'", #a, ql_a_, ql_b_); \
        }                                                       \
    } while (0)
#define assert_memory_equal(a, b, n) assert_true(memcmp((a), (b), (n)) == 0)

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};
#define cmocka_unit_test(function) \
    { #function, function }

static inline int ql_run_tests(const struct CMUnitTest *tests, size_t n) {
    for (size_t i = 0; i < n; i++) {
        void *state = NULL;
        (void)fprintf(stderr, "%s\n", tests[i].name);
        tests[i].run(&state);
    }
    return 0;
}
#define cmocka_run_group_tests(tests, setup, teardown) ql_run_tests((tests), sizeof(tests) / sizeof *(tests))

#endif
