/*
 * Lanes, dictionaries and dropped batches: what a reader may do on its way must not be seen in the cells. And the widths of
 * packed columns, at the limits of each.
 */
#include "unit/pivot/row_feed.h"
#include "unit/pivot/whole_cells.h"

#include "pivot/pack.h"

#define MINUTE INT64_C(60000000)
#define T0 INT64_C(1704067200000000) /* 2024-01-01T00:00:00Z */
#define OPEN QL_TIME_NONE

static const struct ql_aggregate AGGREGATES[] = {
    {{"offered", 7}, 0, QL_NO_COLUMN, QL_AGG_SUM, QL_CELL_INT64, false},
    {{"total", 5}, 1, QL_NO_COLUMN, QL_AGG_SUM, QL_CELL_DOUBLE, false},
};

static struct ql_pivot_options options(void) {
    return (struct ql_pivot_options){
        .aggregates = AGGREGATES, .n_aggregates = 2, .n_columns = FEED_COLUMNS, .from_us = OPEN, .to_us = OPEN};
}

/* A row in the half hour n; is_open: without its end. */
static struct feed_row row(int64_t n, bool is_open, const char *id, const char *name, const char *value) {
    return (struct feed_row){0,  T0 + n * 30 * MINUTE, is_open ? OPEN : T0 + (n + 1) * 30 * MINUTE, id, name,
                             "", {value, value}};
}

static struct ql_packed_rows *pack(struct ql_pivot *pivot, struct feed_lane *lane, uint32_t number, const struct feed_row *rows,
                                   size_t n) {
    const struct feed_row *order[16];
    assert_true(n <= 16);
    for (size_t i = 0; i < n; i++) {
        order[i] = &rows[i];
    }
    struct ql_packed_rows *packed = NULL;
    assert_ok(feed_pack(pivot, lane, number, order, n, 0, &packed, err));
    return packed;
}

static void take(struct ql_pivot *pivot, struct ql_packed_rows *packed) {
    assert_ok(ql_pivot_take(pivot, packed, err));
}

static void nothing_of_a_dropped_batch_is_left(void **state) {
    (void)state;
    const struct ql_str only[] = {QL_STR("real")};
    struct ql_pivot_options opts = options();
    opts.queues = only; /* a bogus queue would be an error */
    opts.n_queues = 1;
    opts.fills_gaps = true; /* a bogus interval would make gaps */
    struct ql_pivot *pivot = ql_pivot_new(&opts);
    struct feed_lane lane = {0};
    const struct feed_row bogus[] = {row(-100, true, "x", "bogus", "1"), row(5, false, "", "real", "70")};
    const struct feed_row real[] = {row(1, false, "", "real", "2"), row(0, false, "", "real", "3")};
    ql_pivot_drop(pivot, pack(pivot, &lane, 0, bogus, 2));
    struct ql_packed_rows *packed = pack(pivot, &lane, 0, real, 2); /* the lane's dictionary still has the bogus queue */
    ql_pivot_drop(pivot, pack(pivot, &lane, 0, bogus, 2));
    take(pivot, packed);
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    assert_ok(whole_finish(pivot, 1, &cells, err));
    ql_pivot_get_stats(pivot, &stats);
    assert_int_equal(stats.rows, 2);
    assert_int_equal(cells.n_intervals, 2);
    assert_int_equal(cells.n_queues, 1);
    assert_false(cells.has_queue_id);
    assert_int_equal(cells.columns[0].v.i64[0], 3);
    assert_int_equal(cells.columns[0].v.i64[1], 2);
    whole_cells_fini(&cells);
    ql_pivot_free(pivot);
}

static void a_queue_is_what_its_lane_and_dictionary_say(void **state) {
    (void)state;
    const struct ql_pivot_options opts = options();
    struct ql_pivot *pivot = ql_pivot_new(&opts);
    struct feed_lane lanes[2] = {{0}, {0}};
    const struct feed_row a[] = {row(0, false, "", "a", "1"), row(0, false, "", "b", "2")};
    const struct feed_row b[] = {row(1, false, "", "b", "4"), row(1, false, "", "a", "8")}; /* the same codes */
    const struct feed_row c[] = {row(2, false, "", "0 late", "16"), row(2, false, "", "b", "32")};
    struct ql_packed_rows *packed[4];
    packed[1] = pack(pivot, &lanes[1], 1, b, 2);
    packed[0] = pack(pivot, &lanes[0], 0, a, 2);
    lanes[0].n_queues = 0;
    lanes[0].dictionary++;
    packed[2] = pack(pivot, &lanes[0], 0, b, 2); /* another dictionary of the same lane */
    packed[3] = pack(pivot, &lanes[0], 0, c, 2); /* which grows */
    for (size_t i = 0; i < 4; i++) {
        take(pivot, packed[i]);
    }
    struct whole_cells cells;
    assert_ok(whole_finish(pivot, 1, &cells, err));
    assert_int_equal(cells.n_queues, 3);
    assert_str_equal(cells.queues[0].name, "0 late"); /* though met last */
    assert_str_equal(cells.queues[2].name, "b");
    static const int64_t WANT[] = {1, 2, 16, 8, 16, 32};
    static const uint32_t QUEUES[] = {1, 2, 1, 2, 0, 2};
    assert_int_equal(cells.n_cells, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(cells.columns[0].v.i64[i], WANT[i]);
        assert_int_equal(cells.queue_of[i], QUEUES[i]);
    }
    whole_cells_fini(&cells);
    ql_pivot_free(pivot);
}

struct naming {
    const char *name;
    struct feed_row rows[4];
    size_t n_rows, n_first_batch;
    const char *expected;
};

static void an_id_takes_its_latest_name_wherever_its_rows_are(void **state) {
    (void)state;
    const struct naming cases[] = {
        {"later in one batch", {row(0, false, "i", "old", "1"), row(1, false, "i", "new", "1")}, 2, 2, "new"},
        {"earlier in one batch", {row(1, false, "i", "new", "1"), row(0, false, "i", "old", "1")}, 2, 2, "new"},
        {"in an earlier batch", {row(1, false, "i", "new", "1"), row(0, false, "i", "old", "1")}, 2, 1, "new"},
        {"the last row is not the latest",
         {row(2, false, "i", "new", "1"), row(1, false, "i", "old", "1"), row(0, false, "i", "new", "1")},
         3,
         3,
         "new"},
        {"without an end", {row(1, true, "i", "new", "1"), row(0, false, "i", "old", "1")}, 2, 2, "new"},
        {"without an end, which is derived: a tie", {row(1, true, "i", "b", "1"), row(1, false, "i", "a", "1")}, 2, 2, "a"},
        {"a derived end that is later",
         {row(1, true, "i", "z", "1"), row(1, false, "i", "a", "1"), row(-3, false, "j", "j", "1"),
          row(-1, false, "j", "j", "1")},
         4,
         2,
         "z"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct ql_pivot_options opts = options();
        opts.by_id = true;
        opts.granularity_us = c == 6 ? 60 * MINUTE : 30 * MINUTE;
        struct ql_pivot *pivot = ql_pivot_new(&opts);
        struct feed_lane lane = {0};
        take(pivot, pack(pivot, &lane, 0, cases[c].rows, cases[c].n_first_batch));
        take(pivot, pack(pivot, &lane, 0, cases[c].rows + cases[c].n_first_batch, cases[c].n_rows - cases[c].n_first_batch));
        struct whole_cells cells;
        assert_ok(whole_finish(pivot, 1, &cells, err));
        const struct ql_queue *queue = &cells.queues[cells.n_queues - 1];
        for (size_t q = 0; q < cells.n_queues; q++) {
            queue = ql_str_eq(cells.queues[q].id, QL_STR("i")) ? &cells.queues[q] : queue;
        }
        if (!ql_str_eq(queue->name, ql_str_from(cases[c].expected))) {
            fail_msg("%s: the name is '%.*s'", cases[c].name, QL_STR_ARG(queue->name));
        }
        whole_cells_fini(&cells);
        ql_pivot_free(pivot);
    }
}

static void a_packed_column_is_as_wide_as_its_largest_number(void **state) {
    (void)state;
    const struct {
        const char *value;
        uint8_t width;
        int64_t want;
    } cases[] = {
        {"0", 1, 0},
        {"127", 1, 127},
        {"-127", 1, -127},
        {"-128", 2, -128}, /* would mean a missing number */
        {"128", 2, 128},
        {"32767", 2, 32767},
        {"-32767", 2, -32767},
        {"-32768", 4, -32768},
        {"32768", 4, 32768},
        {"2147483647", 4, 2147483647},
        {"-2147483647", 4, -2147483647},
        {"-2147483648", 8, -2147483648},
        {"2147483648", 8, 2147483648},
        {"-4294967296", 8, -4294967296}, /* 0 in the low half */
        {"9223372036854775807", 8, INT64_MAX},
        {"-9223372036854775806", 8, INT64_MIN + 2},
        {"-9223372036854775807", 8, INT64_MIN + 1}, /* would mean a wide number */
    };
    enum { N = sizeof cases / sizeof cases[0] };
    for (size_t c = 0; c < 2 * N; c++) {
        const struct ql_pivot_options opts = options();
        struct ql_pivot *pivot = ql_pivot_new(&opts);
        struct feed_lane lane = {0};
        const char *value = cases[c % N].value;
        /* Alone, and beside a missing number and small ones. */
        const struct feed_row rows[] = {row(0, false, "", "a", value), row(0, false, "", "b", ""), row(0, false, "", "c", "-1"),
                                        row(0, false, "", "d", "7")};
        struct ql_packed_rows *packed = pack(pivot, &lane, 0, rows, c < N ? 1 : 4);
        assert_int_equal(packed->tuples->columns[0].width, cases[c % N].width);
        take(pivot, packed);
        struct whole_cells cells;
        assert_ok(whole_finish(pivot, 1, &cells, err));
        assert_int_equal(cells.columns[0].v.i64[0], cases[c % N].want);
        assert_true(cells.columns[1].v.f64[0] == (double)cases[c % N].want);
        if (c >= N) {
            assert_int_equal(cells.columns[0].v.i64[1], QL_CELL_NULL_I64);
            assert_true(isnan(cells.columns[1].v.f64[1]));
            assert_int_equal(cells.columns[0].v.i64[2], -1);
            assert_int_equal(cells.columns[0].v.i64[3], 7);
        }
        whole_cells_fini(&cells);
        ql_pivot_free(pivot);
    }
}

static void an_empty_batch_is_none(void **state) {
    (void)state;
    const struct ql_pivot_options opts = options();
    struct ql_pivot *pivot = ql_pivot_new(&opts);
    struct feed_lane lane = {0};
    const struct feed_row nobody = row(0, false, "i", "nobody", "1");
    ql_pivot_drop(pivot, pack(pivot, &lane, 0, &nobody, 0));
    take(pivot, pack(pivot, &lane, 0, &nobody, 0));
    struct whole_cells cells;
    assert_ok(whole_finish(pivot, 1, &cells, err));
    assert_int_equal(cells.n_queues, 0);
    assert_int_equal(cells.n_parts, 0);
    whole_cells_fini(&cells);
    ql_pivot_free(pivot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_a_dropped_batch_is_left),
        cmocka_unit_test(a_queue_is_what_its_lane_and_dictionary_say),
        cmocka_unit_test(an_id_takes_its_latest_name_wherever_its_rows_are),
        cmocka_unit_test(a_packed_column_is_as_wide_as_its_largest_number),
        cmocka_unit_test(an_empty_batch_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
