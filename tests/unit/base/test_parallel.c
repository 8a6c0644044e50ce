#include "support/test.h"

#include "base/parallel.h"

#include <stdatomic.h>

enum { N_TASKS = 1000 };

struct seen {
    atomic_int count[N_TASKS];
    size_t fails_from;
};

static enum ql_status visit(void *ctx, size_t worker, size_t task, struct ql_err *err) {
    struct seen *seen = ctx;
    assert_true(worker < 5);
    atomic_fetch_add(&seen->count[task], 1);
    if (task >= seen->fails_from) {
        return QL_FAIL(err, QL_E_DATA, "task %zu", task);
    }
    return QL_OK;
}

static void every_task_runs_once(void **state) {
    (void)state;
    for (size_t n_threads = 1; n_threads <= 5; n_threads++) {
        static struct seen seen;
        seen = (struct seen){.fails_from = N_TASKS};
        assert_ok(ql_parallel_run(n_threads, N_TASKS, visit, &seen, err));
        for (size_t i = 0; i < N_TASKS; i++) {
            assert_int_equal(atomic_load(&seen.count[i]), 1);
        }
    }
    assert_ok(ql_parallel_run(3, 0, visit, NULL, err));
}

static void the_lowest_failure_is_told(void **state) {
    (void)state;
    for (int round = 0; round < 50; round++) {
        static struct seen seen;
        seen = (struct seen){.fails_from = 300};
        struct ql_err err = {0};
        assert_int_equal(ql_parallel_run(4, N_TASKS, visit, &seen, &err), QL_E_DATA);
        assert_string_equal(err.message, "task 300");
        assert_int_equal(atomic_load(&seen.count[N_TASKS - 1]), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(the_lowest_failure_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
