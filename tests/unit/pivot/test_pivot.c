/*
 * The rules of cells one by one, each with values worked out by hand (semantics, section 3), and the errors that people meet.
 */
#include "unit/pivot/row_feed.h"
#include "unit/pivot/whole_cells.h"

#include <math.h>

#define MINUTE INT64_C(60000000)
#define T0 INT64_C(1704067200000000) /* 2024-01-01T00:00:00Z */
#define HALF_HOUR(n) (T0 + (n)*30 * MINUTE)
#define OPEN QL_TIME_NONE

/* A row of input 0 in the half hour n. */
#define ROW(n, id, name, ...)                                \
    {                                                        \
        0, HALF_HOUR(n), HALF_HOUR((n) + 1), id, name, "", { \
            __VA_ARGS__                                      \
        }                                                    \
    }

static const struct ql_aggregate SUM_0 = {{"offered", 7}, 0, QL_NO_COLUMN, QL_AGG_SUM, QL_CELL_INT64, false};
static const struct ql_aggregate SUM_1 = {{"total", 5}, 1, QL_NO_COLUMN, QL_AGG_SUM, QL_CELL_DOUBLE, false};
static const struct ql_aggregate MEAN_1 = {{"mean", 4}, 1, QL_NO_COLUMN, QL_AGG_MEAN, QL_CELL_DOUBLE, false};
static const struct ql_aggregate RATIO_1 = {{"ratio", 5}, 1, 0, QL_AGG_RATIO, QL_CELL_DOUBLE, false};
static const struct ql_aggregate WEIGHTED_1 = {{"weighted", 8}, 1, 0, QL_AGG_MEAN, QL_CELL_DOUBLE, false};

struct fixture {
    struct ql_pivot_options options;
    struct ql_aggregate aggregates[8];
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    struct ql_err failure;
};

static struct fixture fixture(const struct ql_aggregate *aggregates, size_t n) {
    struct fixture f = {.options = {.n_columns = FEED_COLUMNS, .n_aggregates = n, .from_us = OPEN, .to_us = OPEN}};
    memcpy(f.aggregates, aggregates, n * sizeof *aggregates);
    return f;
}

static enum ql_status run(struct fixture *f, const struct feed_row *rows, size_t n) {
    f->options.aggregates = f->aggregates;
    struct ql_pivot *pivot = ql_pivot_new(&f->options);
    assert_ok(feed_all(pivot, rows, n, 0, err));
    enum ql_status status = whole_finish(pivot, 1, &f->cells, &f->failure);
    ql_pivot_get_stats(pivot, &f->stats);
    ql_pivot_free(pivot);
    return status;
}

#define RUN(f, rows) run((f), (rows), sizeof(rows) / sizeof(rows)[0])
#define assert_runs(f, rows)                      \
    do {                                          \
        if (RUN((f), (rows)) != QL_OK) {          \
            fail_msg("%s", (f)->failure.message); \
        }                                         \
    } while (0)

static void assert_double(double got, double want) {
    if (memcmp(&got, &want, sizeof got) != 0 && !(isnan(got) && isnan(want))) {
        fail_msg("got %.17g, expected %.17g", got, want);
    }
}

/* Neumaier's compensated sum, which many call exact. */
static double compensated_sum(const double *x, size_t n) {
    volatile double sum = 0;
    volatile double lost = 0;
    for (size_t i = 0; i < n; i++) {
        volatile double next = sum + x[i];
        lost += fabs(sum) >= fabs(x[i]) ? (sum - next) + x[i] : (x[i] - next) + sum;
        sum = next;
    }
    return sum + lost;
}

static void a_sum_is_exact_where_a_compensated_sum_is_not(void **state) {
    (void)state;
    const double doubles[] = {1e200, 1e100, 1, -1e200, -1e100};
    assert_double(compensated_sum(doubles, 5), 0.0); /* what this program must not do */
    const struct feed_row rows[] = {ROW(0, "", "q", "1", "1e200"), ROW(0, "", "q", "1", "1e100"), ROW(0, "", "q", "1", "1"),
                                    ROW(0, "", "q", "1", "-1e200"), ROW(0, "", "q", "1", "-1e100")};
    const struct ql_aggregate aggregates[] = {SUM_1, MEAN_1, WEIGHTED_1};
    struct fixture f = fixture(aggregates, 3);
    assert_runs(&f, rows);
    assert_int_equal(f.cells.n_cells, 1);
    assert_double(f.cells.columns[0].v.f64[0], 1.0);
    assert_double(f.cells.columns[1].v.f64[0], 0.2);
    assert_double(f.cells.columns[2].v.f64[0], 0.2);
    whole_cells_fini(&f.cells);
}

static void decimals_are_summed_as_decimals(void **state) {
    (void)state;
    const struct feed_row rows[] = {ROW(0, "", "q", "3", "0.1"), ROW(0, "", "q", "2", "0.2"), ROW(0, "", "q", "1", "0.3")};
    const struct ql_aggregate aggregates[] = {SUM_1, MEAN_1, WEIGHTED_1};
    struct fixture f = fixture(aggregates, 3);
    assert_runs(&f, rows);
    assert_double(f.cells.columns[0].v.f64[0], 0.6); /* doubles: 0.6000000000000001 */
    assert_double(f.cells.columns[1].v.f64[0], 0.2); /* doubles: 0.20000000000000004 */
    assert_double(f.cells.columns[2].v.f64[0], 1.0 / 6.0);
    whole_cells_fini(&f.cells);
}

static void a_mean_follows_its_weights(void **state) {
    (void)state;
    const struct feed_row rows[] = {
        ROW(0, "", "a", "3", "10"),
        ROW(0, "", "a", "1", "20"), /* 50 / 4 */
        ROW(0, "", "b", "0", "10"),
        ROW(0, "", "b", "0", "25"), /* plain: 17.5 */
        ROW(0, "", "c", "", "10"),
        ROW(0, "", "c", "2", "40"), /* a missing weight weighs 0: 40 */
        ROW(0, "", "d", "5", ""),
        ROW(0, "", "d", "2", "7"),
        ROW(0, "", "d", "2", "8"), /* without the row that has no value */
        ROW(0, "", "e", "5", ""),
        ROW(0, "", "e", "6", ""), /* no value: NULL */
        ROW(0, "", "f", "-2", "3"),
        ROW(0, "", "f", "2", "4"),
        ROW(0, "", "f", "0", "5"),    /* weights that cancel: plain, 4 */
        ROW(0, "", "g", "0", "12.5"), /* one row of weight 0 */
        ROW(0, "", "h", "9223372036854775807", "0.5"),
        ROW(0, "", "h", "9223372036854775807", "1.5"), /* products beyond 64 bits */
    };
    struct fixture f = fixture(&WEIGHTED_1, 1);
    assert_runs(&f, rows);
    const double want[] = {12.5, 17.5, 40, 7.5, (double)NAN, 4, 12.5, 1};
    assert_int_equal(f.cells.n_cells, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_double(f.cells.columns[0].v.f64[i], want[i]);
    }
    assert_int_equal(f.stats.duplicates_merged, sizeof rows / sizeof rows[0] - 8);
    whole_cells_fini(&f.cells);
}

static void every_aggregation_of_nothing(void **state) {
    (void)state;
    const struct feed_row rows[] = {ROW(0, "", "q", "", ""), ROW(0, "", "q", "", "")};
    struct ql_aggregate aggregates[7];
    for (size_t a = 0; a < 7; a++) {
        aggregates[a] = SUM_1;
        aggregates[a].agg = a < 5 ? (enum ql_agg)a : a == 5 ? QL_AGG_SUM : QL_AGG_COUNT;
        aggregates[a].type = a < 5 ? QL_CELL_DOUBLE : QL_CELL_INT64;
    }
    struct fixture f = fixture(aggregates, 7);
    f.options.has_totals = true;
    assert_runs(&f, rows);
    for (size_t a = 0; a < 4; a++) {
        assert_true(isnan(f.cells.columns[a].v.f64[0]) && isnan(f.cells.columns[a].total.f64[0]));
    }
    assert_double(f.cells.columns[4].v.f64[0], 0.0);
    assert_int_equal(f.cells.columns[5].v.i64[0], QL_CELL_NULL_I64);
    assert_int_equal(f.cells.columns[6].v.i64[0], 0);
    whole_cells_fini(&f.cells);
}

static void an_integer_sum_may_pass_64_bits_on_its_way_but_not_at_its_end(void **state) {
    (void)state;
    const struct feed_row fits[] = {ROW(0, "", "q", "9223372036854775807"), ROW(0, "", "q", "9223372036854775807"),
                                    ROW(0, "", "q", "-9223372036854775807")};
    struct fixture f = fixture(&SUM_0, 1);
    assert_runs(&f, fits);
    assert_int_equal(f.cells.columns[0].v.i64[0], INT64_MAX);
    whole_cells_fini(&f.cells);

    const struct feed_row over[] = {ROW(0, "", "q", "1"), ROW(1, "x", "Sales", "9223372036854775807"),
                                    ROW(1, "x", "Sales", "1")};
    assert_int_equal(RUN(&f, over), QL_E_OVERFLOW);
    assert_string_equal(
        f.failure.message,
        "'offered' of interval '2024-01-01T00:30:00.000Z/2024-01-01T01:00:00.000Z' and queue 'Sales' does not fit a "
        "64-bit integer");
    assert_null(f.cells.intervals); /* nothing is left to free */

    const struct feed_row under[] = {ROW(0, "", "q", "-9223372036854775807"), ROW(0, "", "q", "-1")}; /* INT64_MIN means NULL */
    assert_int_equal(RUN(&f, under), QL_E_OVERFLOW);
    const struct feed_row far[] = {ROW(0, "", "q", "18446744073709551616")}; /* a naive cast gives 0 */
    assert_int_equal(RUN(&f, far), QL_E_OVERFLOW);

    f.options.has_totals = true;
    const struct feed_row both[] = {ROW(0, "", "a", "9223372036854775807"), ROW(0, "", "b", "1")};
    assert_int_equal(RUN(&f, both), QL_E_OVERFLOW);
    assert_non_null(strstr(f.failure.message, "and all queues"));
}

static void sums_at_the_edges_of_64_and_128_bits_are_exact(void **state) {
    (void)state;
    const struct feed_row rows[] = {
        ROW(0, "", "a", "-9223372036854775805"),
        ROW(0, "", "a", "5"), /* so low that tuples use the number for something else */
        ROW(0, "", "b", "9223372036854775806"),
        ROW(0, "", "b", "1"),
        /* 2.7e38 is above 2^127 */
        ROW(0, "", "c", "", "9e37"),
        ROW(0, "", "c", "", "9e37"),
        ROW(0, "", "c", "", "9e37"),
        /* Together -2^127, which has no opposite in 128 bits. */
        ROW(0, "", "d", "", "-1701411834604692317e20"),
        ROW(0, "", "d", "", "-9e18"),
        ROW(0, "", "d", "", "-9e18"),
        ROW(0, "", "d", "", "-9e18"),
        ROW(0, "", "d", "", "-4687303715884105728"),
    };
    const struct ql_aggregate aggregates[] = {SUM_0, SUM_1};
    struct fixture f = fixture(aggregates, 2);
    assert_runs(&f, rows);
    assert_int_equal(f.cells.columns[0].v.i64[0], INT64_C(-9223372036854775800));
    assert_int_equal(f.cells.columns[0].v.i64[1], INT64_MAX);
    assert_double(f.cells.columns[1].v.f64[2], 2.7e38);
    assert_double(f.cells.columns[1].v.f64[3], -0x1p127);
    whole_cells_fini(&f.cells);
}

static void numbers_around_32_bits_are_kept_whatever_came_before(void **state) {
    (void)state;
    /* feed_all puts rows of one input into one batch, and each input into chunks of its own; scales rise from 0 to 9. */
    struct feed_row rows[] = {ROW(0, "", "a", "2147483647", "1"),
                              ROW(0, "", "b", "", "-7"),
                              ROW(0, "", "c", "-2147483647", "2147483"),
                              ROW(0, "", "d", "-2147483648", "2147483.647"), /* the marker of a missing value in 32 bits */
                              ROW(0, "", "e", "1", "-2147483.648"),
                              ROW(0, "", "f", "2147483648", "0.1"),
                              ROW(0, "", "g", "-4294967296", "-2147483.6475"),
                              ROW(0, "", "h", "4294967297", "0.000000001"), /* 1 in the low half */
                              ROW(0, "", "i", "7", "123456789.123456789"),
                              ROW(0, "", "j", "8", "2147483648"),
                              ROW(0, "", "k", "-9", "0.000000000000000001")};
    static const int64_t OFFERED[] = {2147483647,  QL_CELL_NULL_I64, -2147483647, -2147483648, 1, 2147483648,
                                      -4294967296, 4294967297,       7,           8,           -9};
    static const double TOTAL[] = {
        1, -7, 2147483, 2147483.647, -2147483.648, 0.1, -2147483.6475, 1e-9, 123456789.123456789, 2147483648.0, 1e-18};
    enum { N = sizeof rows / sizeof rows[0] };
    const struct ql_aggregate aggregates[] = {SUM_0, SUM_1};
    struct fixture f = fixture(aggregates, 2);
    for (int backwards = 0; backwards < 2; backwards++) {
        for (uint32_t rows_of_input = 1; rows_of_input <= N; rows_of_input++) {
            struct feed_row fed[N];
            for (size_t i = 0; i < N; i++) {
                fed[i] = rows[backwards != 0 ? N - 1 - i : i];
                fed[i].input = (uint32_t)i / rows_of_input;
            }
            assert_runs(&f, fed);
            for (size_t i = 0; i < N; i++) {
                assert_int_equal(f.cells.columns[0].v.i64[i], OFFERED[i]);
                assert_double(f.cells.columns[1].v.f64[i], TOTAL[i]);
            }
            whole_cells_fini(&f.cells);
        }
    }
}

static void a_sum_beyond_a_double_is_an_error(void **state) {
    (void)state;
    const struct feed_row rows[] = {ROW(0, "", "q", "", "1.7e308"), ROW(0, "", "q", "", "1.7e308")};
    struct fixture f = fixture(&SUM_1, 1);
    assert_int_equal(RUN(&f, rows), QL_E_OVERFLOW);
    f.aggregates[0] = MEAN_1; /* the same sum on its way is none */
    assert_runs(&f, rows);
    assert_double(f.cells.columns[0].v.f64[0], 1.7e308);
    whole_cells_fini(&f.cells);
}

static void two_inputs_for_one_cell_need_a_rule(void **state) {
    (void)state;
    struct feed_row rows[] = {ROW(0, "", "a", "1", "10"), ROW(0, "", "b", "2", "20"), ROW(0, "", "b", "3", "40"),
                              ROW(0, "", "b", "9", ""), ROW(1, "", "b", "4", "5")};
    rows[2].input = rows[3].input = rows[4].input = 2;
    const struct ql_aggregate aggregates[] = {SUM_0, WEIGHTED_1};
    struct fixture f = fixture(aggregates, 2);
    assert_int_equal(RUN(&f, rows), QL_E_OVERLAP);
    assert_string_equal(f.failure.message,
                        "inputs 1 and 3 both have rows of interval '2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z'"
                        " and queue 'b'");
    assert_non_null(strstr(f.failure.hint, "--overlap sum"));
    assert_non_null(strstr(f.failure.hint, "--overlap last"));

    f.options.overlap = QL_OVERLAP_SUM;
    assert_runs(&f, rows);
    assert_int_equal(f.cells.columns[0].v.i64[1], 14);
    assert_double(f.cells.columns[1].v.f64[1], 32.0); /* (2 * 20 + 3 * 40) / 5 */
    assert_int_equal(f.stats.duplicates_merged, 2);
    whole_cells_fini(&f.cells);

    f.options.overlap = QL_OVERLAP_LAST;
    f.options.has_totals = true;
    assert_runs(&f, rows);
    assert_int_equal(f.cells.columns[0].v.i64[1], 12);
    assert_double(f.cells.columns[1].v.f64[1], 40.0);
    assert_int_equal(f.cells.columns[0].total.i64[0], 13);
    assert_double(f.cells.columns[1].total.f64[0], 32.5); /* (1 * 10 + 3 * 40) / 4 */
    whole_cells_fini(&f.cells);
}

static void duplicates_within_one_input_are_merged(void **state) {
    (void)state;
    const struct feed_row rows[] = {ROW(0, "", "a", "1"), ROW(0, "", "a", "2")};
    struct fixture f = fixture(&SUM_0, 1);
    assert_runs(&f, rows);
    assert_int_equal(f.cells.columns[0].v.i64[0], 3);
    assert_int_equal(f.stats.duplicates_merged, 1);
    whole_cells_fini(&f.cells);
}

static void totals_are_over_rows_and_no_means_of_means(void **state) {
    (void)state;
    const struct feed_row rows[] = {ROW(0, "", "a", "1", "10"), ROW(0, "", "b", "3", "20"), ROW(0, "", "b", "4", "30"),
                                    ROW(1, "", "a", "", "1")};
    const struct ql_aggregate aggregates[] = {SUM_0, WEIGHTED_1};
    struct fixture f = fixture(aggregates, 2);
    f.options.has_totals = true;
    assert_runs(&f, rows);
    assert_int_equal(f.cells.columns[0].total.i64[0], 8);
    assert_double(f.cells.columns[1].total.f64[0], 23.75); /* (10 + 60 + 120) / 8 */
    assert_int_equal(f.cells.columns[0].total.i64[1], QL_CELL_NULL_I64);
    assert_double(f.cells.columns[1].total.f64[1], 1.0);
    whole_cells_fini(&f.cells);
}

static void queues_told_apart_by_id_take_their_latest_name(void **state) {
    (void)state;
    const struct feed_row rows[] = {
        ROW(2, "id-1", "New", "1"), ROW(0, "id-1", "Old", "1"),                           /* the latest interval wins */
        ROW(1, "id-2", "b", "1"),   ROW(1, "id-2", "a", "1"),                             /* a tie: the smallest */
        ROW(0, "", "New", "1"),     ROW(0, "id-3", "New", "1"), ROW(0, "id-0", "z", "1"), /* no id: a queue of its own */
    };
    struct fixture f = fixture(&SUM_0, 1);
    f.options.by_id = true;
    assert_runs(&f, rows);
    static const char *const IDS[] = {"", "id-1", "id-3", "id-2", "id-0"};
    static const char *const NAMES[] = {"New", "New", "New", "a", "z"};
    assert_int_equal(f.cells.n_queues, 5);
    for (size_t q = 0; q < 5; q++) {
        assert_str_equal(f.cells.queues[q].id, IDS[q]);
        assert_str_equal(f.cells.queues[q].name, NAMES[q]);
    }
    assert_true(f.cells.has_queue_id);
    assert_int_equal(f.stats.ids_renamed, 2);
    assert_int_equal(f.stats.ids_merged_by_name, 0);
    assert_int_equal(f.stats.duplicates_merged, 1); /* id-2 at 00:30 */
    whole_cells_fini(&f.cells);
}

static void queues_told_apart_by_name_show_their_smallest_id(void **state) {
    (void)state;
    const struct feed_row rows[] = {ROW(0, "id-2", "Sales", "1"), ROW(0, "id-10", "Sales", "2"), ROW(0, "", "Sales", "4"),
                                    ROW(0, "id-3", "Sales", "8"), ROW(1, "id-3", "Other", "1")};
    struct fixture f = fixture(&SUM_0, 1);
    assert_runs(&f, rows);
    assert_int_equal(f.cells.n_queues, 2);
    assert_str_equal(f.cells.queues[0].name, "Other");
    assert_str_equal(f.cells.queues[0].id, "id-3");
    assert_str_equal(f.cells.queues[1].name, "Sales");
    assert_str_equal(f.cells.queues[1].id, "id-10");
    assert_int_equal(f.cells.columns[0].v.i64[0], 15);
    assert_int_equal(f.stats.ids_merged_by_name, 2);
    assert_int_equal(f.stats.ids_renamed, 1);
    whole_cells_fini(&f.cells);
}

static void a_fixed_list_of_queues_is_the_list(void **state) {
    (void)state;
    const struct feed_row rows[] = {ROW(0, "i", "m", "1"), ROW(0, "j", "b", "2")};
    const struct ql_str names[] = {QL_STR("z"), QL_STR("m"), QL_STR("b"), QL_STR("a"), QL_STR("m")};
    struct fixture f = fixture(&SUM_0, 1);
    f.options.queues = names;
    f.options.n_queues = 5;
    assert_runs(&f, rows);
    static const char *const NAMES[] = {"a", "b", "m", "z"};
    assert_int_equal(f.cells.n_queues, 4);
    for (size_t q = 0; q < 4; q++) {
        assert_str_equal(f.cells.queues[q].name, NAMES[q]);
    }
    assert_str_equal(f.cells.queues[2].id, "i");
    assert_int_equal(f.cells.queues[3].id.len, 0);
    assert_int_equal(f.cells.queue_of[0], 1);
    assert_int_equal(f.cells.queue_of[1], 2);
    whole_cells_fini(&f.cells);
    f.options.n_queues = 2; /* z and m */
    assert_int_equal(RUN(&f, rows), QL_E_DATA);
    assert_non_null(strstr(f.failure.message, "'b'"));
}

static void assert_refused(struct ql_pivot *pivot, const struct ql_rows *rows, enum ql_status status, const char *words) {
    struct ql_err failure = {0};
    struct ql_packed_rows *packed;
    assert_int_equal(ql_pivot_pack(pivot, rows, &packed, &failure), status);
    assert_null(packed);
    if (strstr(failure.message, words) == NULL) {
        fail_msg("'%s' does not say '%s'", failure.message, words);
    }
}

/* A queue that is renamed between two intervals, of which each is of another media type: two queues under its latest name. */
static void media_types_are_queues_of_their_own_under_one_name(void **state) {
    (void)state;
    for (int by_id = 0; by_id < 2; by_id++) {
        struct fixture f = fixture(&SUM_0, 1);
        f.options.aggregates = f.aggregates;
        f.options.by_id = by_id != 0;
        struct ql_pivot *pivot = ql_pivot_new(&f.options);
        const struct ql_rows_run runs[] = {{.start_us = HALF_HOUR(0), .end_us = HALF_HOUR(1), .n_rows = 2},
                                           {.start_us = HALF_HOUR(1), .end_us = HALF_HOUR(2), .n_rows = 2}};
        const struct ql_rows_queue queues[] = {{.id = QL_STR("1"), .name = QL_STR("new"), .media_type = QL_STR("voice")},
                                               {.id = QL_STR("1"), .name = QL_STR("new"), .media_type = QL_STR("chat")},
                                               {.id = QL_STR("1"), .name = QL_STR("old"), .media_type = QL_STR("voice")}};
        const uint32_t codes[] = {2, 1, 0, 0};
        int64_t k[] = {1, 2, 3, 4};
        const struct ql_number_column metrics[FEED_COLUMNS] = {{.k = k}, {.k = k}};
        const struct ql_rows rows = {.n_rows = 4,
                                     .n_runs = 2,
                                     .runs = runs,
                                     .queue = codes,
                                     .queues = queues,
                                     .n_queues = 3,
                                     .has_queue_id = true,
                                     .n_metrics = FEED_COLUMNS,
                                     .metrics = metrics};
        struct ql_packed_rows *packed;
        struct ql_pivot_stats stats;
        assert_ok(ql_pivot_pack(pivot, &rows, &packed, err));
        assert_ok(ql_pivot_take(pivot, packed, err));
        assert_ok(whole_finish(pivot, 1, &f.cells, err));
        ql_pivot_get_stats(pivot, &stats);
        assert_int_equal(f.cells.n_queues, by_id != 0 ? 2 : 3); /* by name: "old" stays a queue of its own */
        assert_true(ql_str_eq(f.cells.queues[0].media_type, QL_STR("chat")));
        assert_true(ql_str_eq(f.cells.queues[1].media_type, QL_STR("voice")));
        assert_true(ql_str_eq(f.cells.queues[1].name, QL_STR("new")));
        assert_int_equal(stats.ids_renamed, 1);
        assert_int_equal(f.cells.n_cells, 3);
        assert_int_equal(f.cells.columns[0].v.i64[0], 2);
        assert_int_equal(f.cells.columns[0].v.i64[1], 1);
        assert_int_equal(f.cells.columns[0].v.i64[2], 7);
        whole_cells_fini(&f.cells);
        ql_pivot_free(pivot);
    }
}

static void what_a_reader_must_not_deliver_is_refused(void **state) {
    (void)state;
    struct fixture f = fixture(&SUM_0, 1);
    f.options.aggregates = f.aggregates;
    struct ql_pivot *pivot = ql_pivot_new(&f.options);
    struct ql_rows_run run_of_rows = {.start_us = T0, .end_us = HALF_HOUR(1), .n_rows = 1};
    const struct ql_rows_queue queue = {.name = QL_STR("q")};
    uint32_t code = 0;
    int64_t k = QL_NUMBER_WIDE;
    struct ql_wide_number wide = {.row = 0, .text = QL_STR("1e400")};
    struct ql_number_column metrics[FEED_COLUMNS] = {{.k = &k, .wide = &wide, .n_wide = 1}};
    struct ql_rows rows = {.n_rows = 1,
                           .n_runs = 1,
                           .runs = &run_of_rows,
                           .queue = &code,
                           .queues = &queue,
                           .n_queues = 1,
                           .n_metrics = FEED_COLUMNS,
                           .metrics = metrics};
    assert_refused(pivot, &rows, QL_E_DATA, "'1e400' is no decimal number that a double can hold");
    metrics[0].n_wide = 0;
    assert_refused(pivot, &rows, QL_E_INTERNAL, "no text for the wide number");
    k = 1;
    metrics[0].scale = 19;
    assert_refused(pivot, &rows, QL_E_INTERNAL, "scale 19");
    metrics[0].scale = 0;
    rows.n_metrics = 3;
    assert_refused(pivot, &rows, QL_E_INTERNAL, "3 metric columns");
    rows.n_metrics = FEED_COLUMNS;
    code = 1;
    assert_refused(pivot, &rows, QL_E_INTERNAL, "queue 1 of 1");
    code = 0;
    run_of_rows.n_rows = 2;
    assert_refused(pivot, &rows, QL_E_INTERNAL, "1 rows has runs of 2");
    run_of_rows.n_rows = 0;
    assert_refused(pivot, &rows, QL_E_INTERNAL, "no rows");
    run_of_rows.n_rows = 1;
    rows.lane = QL_PARALLEL_MAX_THREADS;
    assert_refused(pivot, &rows, QL_E_INTERNAL, "lane 64");
    rows.lane = 0;
    struct ql_packed_rows *packed; /* what was refused has left nothing behind */
    assert_ok(ql_pivot_pack(pivot, &rows, &packed, err));
    assert_ok(ql_pivot_take(pivot, packed, err));
    assert_ok(whole_finish(pivot, 1, &f.cells, err));
    assert_int_equal(f.cells.n_cells, 1);
    assert_int_equal(f.cells.columns[0].v.i64[0], 1);
    whole_cells_fini(&f.cells);
    ql_pivot_free(pivot);
    ql_pivot_free(NULL);
}

static void a_ratio_is_a_sum_divided_by_a_sum(void **state) {
    (void)state;
    const struct feed_row rows[] = {
        ROW(0, "", "one row", "3", "10"),     ROW(1, "", "two rows", "1", "0.1"), ROW(1, "", "two rows", "2", "0.2"),
        ROW(2, "", "divided by 0", "0", "5"), ROW(3, "", "halves", "7", ""),      ROW(3, "", "halves", "", "7"),
        ROW(3, "", "halves", "2", "1"),       ROW(4, "", "nothing", "", ""),      ROW(5, "", "weight's scale", "0.25", "1"),
        ROW(6, "", "wide", "1e30", "1e40"),   ROW(6, "", "wide", "1", "-1e40"),   ROW(6, "", "wide", "0", "1e30"),
        ROW(7, "", "cancels", "3", "1"),      ROW(7, "", "cancels", "-3", "1"),   ROW(8, "", "negative", "-4", "1"),
    };
    struct fixture f = fixture(&RATIO_1, 1);
    f.options.has_totals = true;
    assert_runs(&f, rows);
    assert_int_equal(f.cells.n_cells, 9);
    const double nan = (double)NAN;
    /* By Python's fractions.Fraction; 0.3 / 3 is the double 0.1 and not 0.09999999999999999. */
    const double expected[] = {3.3333333333333335, 0.1, nan, 0.5, nan, 4.0, 1.0, nan, -0.25};
    for (size_t i = 0; i < 9; i++) {
        assert_double(f.cells.columns[0].v.f64[i], expected[i]);
        assert_double(f.cells.columns[0].total.f64[i], expected[i]);
    }
    whole_cells_fini(&f.cells);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_is_exact_where_a_compensated_sum_is_not),
        cmocka_unit_test(a_ratio_is_a_sum_divided_by_a_sum),
        cmocka_unit_test(decimals_are_summed_as_decimals),
        cmocka_unit_test(a_mean_follows_its_weights),
        cmocka_unit_test(every_aggregation_of_nothing),
        cmocka_unit_test(an_integer_sum_may_pass_64_bits_on_its_way_but_not_at_its_end),
        cmocka_unit_test(sums_at_the_edges_of_64_and_128_bits_are_exact),
        cmocka_unit_test(numbers_around_32_bits_are_kept_whatever_came_before),
        cmocka_unit_test(a_sum_beyond_a_double_is_an_error),
        cmocka_unit_test(two_inputs_for_one_cell_need_a_rule),
        cmocka_unit_test(duplicates_within_one_input_are_merged),
        cmocka_unit_test(totals_are_over_rows_and_no_means_of_means),
        cmocka_unit_test(queues_told_apart_by_id_take_their_latest_name),
        cmocka_unit_test(queues_told_apart_by_name_show_their_smallest_id),
        cmocka_unit_test(a_fixed_list_of_queues_is_the_list),
        cmocka_unit_test(media_types_are_queues_of_their_own_under_one_name),
        cmocka_unit_test(what_a_reader_must_not_deliver_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
