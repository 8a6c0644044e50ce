/* The grid of intervals against a list of what was put: it may leave an interval out, but never take one for another. */
#include "support/test.h"

#include "base/time.h"
#include "pivot/time_grid.h"

#define MINUTE INT64_C(60000000)
enum { PUTS_MAX = 3000 };

struct put {
    int64_t start_us, end_us;
    struct ql_time_grid_cell cell;
};

struct model {
    struct ql_time_grid grid;
    struct put puts[PUTS_MAX];
    size_t n;
};

static uint64_t next_random(uint64_t *seed) { /* splitmix64 */
    uint64_t z = (*seed += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* What was put last for the interval; QL_TIME_GRID_NONE: nothing. */
static struct ql_time_grid_cell find(const struct model *model, int64_t start_us, int64_t end_us) {
    for (size_t i = model->n; i != 0; i--) {
        if (model->puts[i - 1].start_us == start_us && model->puts[i - 1].end_us == end_us) {
            return model->puts[i - 1].cell;
        }
    }
    return (struct ql_time_grid_cell){.entry = QL_TIME_GRID_NONE};
}

static void put(struct model *model, int64_t start_us, int64_t end_us) {
    const struct ql_time_grid_cell cell = {.entry = (uint32_t)model->n, .bucket = (uint32_t)(model->n * 7)};
    model->puts[model->n] = (struct put){.start_us = start_us, .end_us = end_us, .cell = cell};
    model->n++;
    ql_time_grid_put(&model->grid, start_us, end_us, cell, model->n);
}

/* Whether it is in the grid; it must be what was put. */
static bool check(const struct model *model, int64_t start_us, int64_t end_us) {
    struct ql_time_grid_cell got = ql_time_grid_get(&model->grid, start_us, end_us);
    if (got.entry == QL_TIME_GRID_NONE) {
        return false;
    }
    struct ql_time_grid_cell expected = find(model, start_us, end_us);
    if (got.entry != expected.entry || got.bucket != expected.bucket) {
        fail_msg("%lld to %lld is taken for entry %lu instead of %lu", (long long)start_us, (long long)end_us,
                 (unsigned long)got.entry, (unsigned long)expected.entry);
    }
    return true;
}

static void regular_intervals_in_any_order_are_all_there(void **state) {
    (void)state;
    static const int64_t LENGTHS[] = {2, 3, 7, 1000, MINUTE, 15 * MINUTE, 24 * 60 * MINUTE, INT64_C(604800000003)};
    static struct model model;
    uint64_t seed = 1;
    for (size_t l = 0; l < sizeof LENGTHS / sizeof LENGTHS[0]; l++) {
        int64_t first = (int64_t)(next_random(&seed) % 2000000) * MINUTE - 1000000 * MINUTE;
        model.n = 0;
        for (size_t i = 0; i < PUTS_MAX; i++) {
            int64_t start = first + (int64_t)(next_random(&seed) % 1500) * LENGTHS[l];
            put(&model, start, start + LENGTHS[l]);
        }
        for (size_t i = 0; i < model.n; i++) {
            const struct put *p = &model.puts[i];
            assert_true(check(&model, p->start_us, p->end_us));
            (void)check(&model, p->start_us, p->end_us + 1);
            (void)check(&model, p->start_us + 1, p->end_us + 1);
            (void)check(&model, p->start_us, QL_TIME_NONE);
            (void)check(&model, p->start_us - 1, p->end_us);
        }
        ql_time_grid_fini(&model.grid);
    }
}

static void other_intervals_are_never_taken_for_them(void **state) {
    (void)state;
    static struct model model;
    uint64_t seed = 2;
    for (int round = 0; round < 40; round++) {
        model.n = 0;
        for (size_t i = 0; i < 800; i++) {
            int64_t start = (int64_t)(next_random(&seed) % 300) * 5 * MINUTE;
            int64_t length = (int64_t)(1 + next_random(&seed) % 3) * 5 * MINUTE;
            put(&model, start, next_random(&seed) % 8 == 0 ? QL_TIME_NONE : start + length);
        }
        for (int64_t start = -5; start < 310; start++) {
            for (int64_t length = 0; length < 5; length++) {
                (void)check(&model, start * 5 * MINUTE, (start + length) * 5 * MINUTE);
            }
            (void)check(&model, start * 5 * MINUTE, QL_TIME_NONE);
        }
        ql_time_grid_fini(&model.grid);
    }
}

/* Instants from end to end of int64_t, whose differences do not fit it. */
static void any_instant_will_do(void **state) {
    (void)state;
    static const int64_t ENDS[] = {INT64_MIN, INT64_MIN / 2, -1, 0, 1, INT64_MAX / 2, INT64_MAX};
    enum { N_ENDS = sizeof ENDS / sizeof ENDS[0], N_NEAR = 7 };
    static struct model model;
    uint64_t seed = 3;
    for (int round = 0; round < 3000; round++) {
        model.n = 0;
        int64_t instants[N_ENDS * N_NEAR];
        for (size_t i = 0; i < N_ENDS * N_NEAR; i++) { /* round the corner of the type, too */
            instants[i] = (int64_t)((uint64_t)ENDS[i / N_NEAR] + (uint64_t)(i % N_NEAR) - N_NEAR / 2);
        }
        for (size_t i = 0; i < 30; i++) {
            put(&model, instants[next_random(&seed) % (N_ENDS * N_NEAR)], instants[next_random(&seed) % (N_ENDS * N_NEAR)]);
        }
        for (size_t i = 0; i < N_ENDS * N_NEAR; i++) {
            for (size_t j = 0; j < N_ENDS * N_NEAR; j++) {
                (void)check(&model, instants[i], instants[j]);
            }
        }
        ql_time_grid_fini(&model.grid);
    }
}

/* One interval that is far away costs no memory. */
static void the_memory_is_bounded(void **state) {
    (void)state;
    struct ql_time_grid grid = {0};
    const struct ql_time_grid_cell cell = {.entry = 1};
    ql_time_grid_put(&grid, 0, 2, cell, 1);
    ql_time_grid_put(&grid, 2 * INT64_C(1000000000000), 2 * INT64_C(1000000000000) + 2, cell, 2);
    ql_time_grid_put(&grid, -2 * INT64_C(1000000000000), -2 * INT64_C(1000000000000) + 2, cell, 3);
    assert_true(grid.n_cells < 200000);
    assert_int_equal(ql_time_grid_get(&grid, 0, 2).entry, 1);
    ql_time_grid_fini(&grid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regular_intervals_in_any_order_are_all_there),
        cmocka_unit_test(other_intervals_are_never_taken_for_them),
        cmocka_unit_test(any_instant_will_do),
        cmocka_unit_test(the_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
