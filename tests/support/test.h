/** What every cmocka file needs, in the order that cmocka wants. */
#ifndef QL_TESTS_SUPPORT_TEST_H
#define QL_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

/** Fails with the error's own message. */
#define assert_ok(expr)                                                                               \
    do {                                                                                              \
        struct ql_err ql_test_err_ = {0};                                                             \
        struct ql_err *err = &ql_test_err_;                                                           \
        if ((expr) != QL_OK) {                                                                        \
            fail_msg("%s: %s: %s", #expr, ql_status_name(ql_test_err_.status), ql_test_err_.message); \
        }                                                                                             \
    } while (0)

#define assert_str_equal(view, literal)                                                             \
    do {                                                                                            \
        struct ql_str ql_test_view_ = (view);                                                       \
        if (!ql_str_eq(ql_test_view_, ql_str_from(literal))) {                                      \
            fail_msg("%s: got '%.*s', expected '%s'", #view, QL_STR_ARG(ql_test_view_), (literal)); \
        }                                                                                           \
    } while (0)

#endif
