/*
 * Intervals: ends that are derived, order, gaps (semantics, section 3; the decisions are in the heads of timeline.c and
 * gaps.c), with values worked out by hand.
 */
#include "unit/pivot/row_feed.h"
#include "unit/pivot/whole_cells.h"

#define MINUTE INT64_C(60000000)
#define OPEN QL_TIME_NONE

static const struct ql_aggregate SUM = {{"offered", 7}, 0, QL_NO_COLUMN, QL_AGG_SUM, QL_CELL_INT64, false};

struct span {
    int64_t start, end; /* minutes since 2024-01-01T00:00Z */
};
static const int64_t T0 = INT64_C(1704067200000000);

static int64_t at(int64_t minutes) {
    return minutes == OPEN ? OPEN : T0 + minutes * MINUTE;
}

static struct ql_pivot_options options(void) {
    return (struct ql_pivot_options){
        .aggregates = &SUM, .n_aggregates = 1, .n_columns = FEED_COLUMNS, .from_us = OPEN, .to_us = OPEN};
}

/* One row for each span, of queue q, counting 1. */
static enum ql_status run(const struct ql_pivot_options *opts, const struct span *spans, const char *const *texts, size_t n,
                          struct whole_cells *cells, struct ql_pivot_stats *stats, struct ql_err *err) {
    struct feed_row rows[16];
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct feed_row){0, at(spans[i].start), at(spans[i].end), "", "q", texts != NULL ? texts[i] : "", {"1"}};
    }
    struct ql_pivot *pivot = ql_pivot_new(opts);
    enum ql_status status = feed_all(pivot, rows, n, 0, err);
    if (status == QL_OK) {
        status = whole_finish(pivot, 2, cells, err);
    }
    ql_pivot_get_stats(pivot, stats);
    ql_pivot_free(pivot);
    return status;
}

struct expectation {
    const char *name;
    bool fills_gaps;
    int64_t granularity, from, to; /* minutes; 0 and OPEN: not given */
    size_t n_rows;
    struct span rows[8];
    size_t n_intervals;
    struct span intervals[12];
    int64_t n_filled;
};

static void assert_intervals(const struct expectation *e) {
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    struct ql_pivot_options opts = options();
    opts.fills_gaps = e->fills_gaps;
    opts.granularity_us = e->granularity * MINUTE;
    opts.from_us = at(e->from);
    opts.to_us = at(e->to);
    assert_ok(run(&opts, e->rows, NULL, e->n_rows, &cells, &stats, err));
    if (cells.n_intervals != e->n_intervals) {
        fail_msg("%s: %zu intervals instead of %zu", e->name, cells.n_intervals, e->n_intervals);
    }
    for (size_t i = 0; i < e->n_intervals; i++) {
        const struct whole_interval *got = &cells.intervals[i];
        if (got->start_us != at(e->intervals[i].start) || got->end_us != at(e->intervals[i].end)) {
            fail_msg("%s: interval %zu is %lld to %lld", e->name, i, (long long)(got->start_us - T0) / MINUTE,
                     (long long)(got->end_us - T0) / MINUTE);
        }
        assert_int_equal(got->text.len, 0);
    }
    assert_int_equal(stats.intervals_filled, e->n_filled);
    int64_t sum = 0;
    for (size_t i = 0; i < cells.n_cells; i++) {
        sum += cells.columns[0].v.i64[i];
        const struct whole_interval *got = &cells.intervals[cells.interval_of[i]];
        bool is_seen = false;
        for (size_t r = 0; r < e->n_rows; r++) {
            is_seen = is_seen || got->start_us == at(e->rows[r].start);
        }
        assert_true(is_seen);
        assert_true(i == 0 || cells.interval_of[i] > cells.interval_of[i - 1]);
    }
    assert_int_equal(sum, e->n_rows);
    whole_cells_fini(&cells);
}

static void ends_are_derived_and_order_is_by_start_then_end(void **state) {
    (void)state;
    const struct expectation cases[] = {
        {"given ends", false, 0, OPEN, OPEN, 3, {{30, 60}, {0, 60}, {0, 30}}, 3, {{0, 30}, {0, 60}, {30, 60}}, 0},
        {"smallest step", false, 0, OPEN, OPEN, 3, {{60, OPEN}, {0, OPEN}, {45, OPEN}}, 3, {{0, 15}, {45, 60}, {60, 75}}, 0},
        {"granularity", false, 30, OPEN, OPEN, 2, {{60, OPEN}, {0, OPEN}}, 2, {{0, 30}, {60, 90}}, 0},
        {"a derived end that equals a given one",
         false,
         0,
         OPEN,
         OPEN,
         4,
         {{0, OPEN}, {0, 30}, {30, 60}, {30, OPEN}},
         2,
         {{0, 30}, {30, 60}},
         0},
        {"a derived end that differs from a given one",
         false,
         15,
         OPEN,
         OPEN,
         3,
         {{0, OPEN}, {0, 30}, {30, 60}},
         3,
         {{0, 15}, {0, 30}, {30, 60}},
         0},
        {"one start with an end", false, 0, OPEN, OPEN, 1, {{0, 30}}, 1, {{0, 30}}, 0},
        {"before 1970",
         false,
         0,
         OPEN,
         OPEN,
         2,
         {{-40000000, OPEN}, {-40000030, OPEN}},
         2,
         {{-40000030, -40000000}, {-40000000, -39999970}},
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_intervals(&cases[i]);
    }
}

static void gaps_are_filled_where_nothing_is(void **state) {
    (void)state;
    const struct expectation cases[] = {
        {"kept by default", false, 0, OPEN, OPEN, 3, {{0, 30}, {30, 60}, {120, 150}}, 3, {{0, 30}, {30, 60}, {120, 150}}, 0},
        {"from first to last, by the smallest step",
         true,
         0,
         OPEN,
         OPEN,
         3,
         {{120, 150}, {0, 30}, {30, 60}},
         5,
         {{0, 30}, {30, 60}, {60, 90}, {90, 120}, {120, 150}},
         2},
        {"over the range", true, 30, 0, 150, 1, {{60, 90}}, 5, {{0, 30}, {30, 60}, {60, 90}, {90, 120}, {120, 150}}, 4},
        {"over a range that is not aligned: starts within it",
         true,
         30,
         10,
         121,
         1,
         {{60, 90}},
         4,
         {{30, 60}, {60, 90}, {90, 120}, {120, 150}},
         3},
        {"one bound only", true, 30, 0, OPEN, 1, {{60, 90}}, 3, {{0, 30}, {30, 60}, {60, 90}}, 2},
        {"a granularity finer than the data",
         true,
         30,
         OPEN,
         OPEN,
         2,
         {{0, 60}, {120, 180}},
         4,
         {{0, 60}, {60, 90}, {90, 120}, {120, 180}},
         2},
        {"off the grid: steps go on from the interval before, and overlap nothing",
         true,
         30,
         0,
         230,
         3,
         {{30, 60}, {125, 155}, {170, 200}},
         7,
         {{0, 30}, {30, 60}, {60, 90}, {90, 120}, {125, 155}, {170, 200}, {200, 230}},
         4},
        {"a long interval covers what lies under it",
         true,
         30,
         OPEN,
         OPEN,
         3,
         {{0, 120}, {30, 60}, {150, 180}},
         4,
         {{0, 120}, {30, 60}, {120, 150}, {150, 180}},
         1},
        {"one interval's own length is the step", true, 0, 0, 60, 1, {{0, 30}}, 2, {{0, 30}, {30, 60}}, 1},
        {"one interval, no range", true, 0, OPEN, OPEN, 1, {{0, 30}}, 1, {{0, 30}}, 0},
        {"no row at all", true, 30, 10, 70, 0, {{0, 0}}, 2, {{10, 40}, {40, 70}}, 2},
        {"no row and no range", true, 0, OPEN, OPEN, 0, {{0, 0}}, 0, {{0, 0}}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_intervals(&cases[i]);
    }
}

static void an_end_that_nothing_tells_is_an_error(void **state) {
    (void)state;
    struct ql_pivot_options opts = options();
    const struct span rows[] = {{0, OPEN}, {0, OPEN}};
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    struct ql_err failure = {0};
    assert_int_equal(run(&opts, rows, NULL, 2, &cells, &stats, &failure), QL_E_DATA);
    assert_non_null(strstr(failure.message, "2024-01-01T00:00:00.000Z"));
    assert_non_null(strstr(failure.hint, "--granularity"));
}

static void gaps_without_a_step_are_an_error(void **state) {
    (void)state;
    struct ql_pivot_options opts = options();
    opts.fills_gaps = true;
    opts.from_us = at(0);
    opts.to_us = at(1440);
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    struct ql_err failure = {0};
    assert_int_equal(run(&opts, NULL, NULL, 0, &cells, &stats, &failure), QL_E_DATA);
    assert_non_null(strstr(failure.hint, "--granularity"));
}

static void absurdly_many_gaps_are_refused_before_they_are_made(void **state) {
    (void)state;
    struct ql_pivot_options opts = options();
    opts.fills_gaps = true;
    opts.granularity_us = 1;
    const struct span rows[] = {{0, 1},
                                {INT64_C(4000) * 525600, INT64_C(4000) * 525600 + 1}}; /* 4000 years by the microsecond */
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    struct ql_err failure = {0};
    assert_int_equal(run(&opts, rows, NULL, 2, &cells, &stats, &failure), QL_E_LIMIT);
    assert_non_null(strstr(failure.hint, "--granularity"));
    assert_null(cells.intervals);
}

static void by_text_an_interval_is_its_text(void **state) {
    (void)state;
    struct ql_pivot_options opts = options();
    opts.by_interval_text = true;
    const struct span rows[] = {{0, 30}, {0, 30}, {30, 60}, {30, 60}};
    const char *const texts[] = {"b", "c", "a", "a"};
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    assert_ok(run(&opts, rows, texts, 4, &cells, &stats, err));
    assert_int_equal(cells.n_intervals, 3);
    assert_str_equal(cells.intervals[0].text, "a");
    assert_str_equal(cells.intervals[1].text, "b");
    assert_str_equal(cells.intervals[2].text, "c");
    assert_int_equal(cells.intervals[0].start_us, at(30));
    assert_int_equal(cells.intervals[2].end_us, at(30));
    assert_int_equal(cells.columns[0].v.i64[0], 2);
    assert_int_equal(stats.duplicates_merged, 1);
    whole_cells_fini(&cells);
}

static void gaps_by_text_are_spelled_in_utc(void **state) {
    (void)state;
    struct ql_pivot_options opts = options();
    opts.by_interval_text = true;
    opts.fills_gaps = true;
    const struct span rows[] = {{0, 30}, {30, 60}, {90, 120}};
    const char *const texts[] = {"2024-01-01T00:00Z/2024-01-01T00:30Z", "2024-01-01T00:30Z/2024-01-01T01:00Z",
                                 "2024-01-01T01:30Z/2024-01-01T02:00Z"};
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    assert_ok(run(&opts, rows, texts, 3, &cells, &stats, err));
    assert_int_equal(cells.n_intervals, 4);
    assert_str_equal(cells.intervals[2].text, "2024-01-01T01:00:00.000Z/2024-01-01T01:30:00.000Z");
    assert_int_equal(cells.interval_of[2], 3);
    whole_cells_fini(&cells);
    const char *const starts[] = {"2024-01-01T00:00Z", "2024-01-01T00:30Z", "2024-01-01T01:30Z"};
    assert_ok(run(&opts, rows, starts, 3, &cells, &stats, err));
    assert_str_equal(cells.intervals[2].text, "2024-01-01T01:00:00.000Z");
    whole_cells_fini(&cells);
}

static void no_row_makes_a_grid_without_parts(void **state) {
    (void)state;
    struct ql_pivot_options opts = options();
    opts.has_totals = true;
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    assert_ok(run(&opts, NULL, NULL, 0, &cells, &stats, err));
    assert_int_equal(cells.n_intervals, 0);
    assert_int_equal(cells.n_queues, 0);
    assert_int_equal(cells.n_cells, 0);
    assert_int_equal(cells.n_parts, 0);
    whole_cells_fini(&cells);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_derived_and_order_is_by_start_then_end),
        cmocka_unit_test(gaps_are_filled_where_nothing_is),
        cmocka_unit_test(an_end_that_nothing_tells_is_an_error),
        cmocka_unit_test(gaps_without_a_step_are_an_error),
        cmocka_unit_test(absurdly_many_gaps_are_refused_before_they_are_made),
        cmocka_unit_test(by_text_an_interval_is_its_text),
        cmocka_unit_test(gaps_by_text_are_spelled_in_utc),
        cmocka_unit_test(no_row_makes_a_grid_without_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
