#include "unit/kpi/vectors.h"

#include "kpi/plan.h"

enum { MAX_ROWS = 64, N_SOURCE = 5 };
#define MINUTES(n) ((int64_t)(n)*60 * QL_US_PER_S)

static const char *const SOURCE[N_SOURCE] = {"calls_offered", "calls_answered", "calls_abandoned", "avg_handle_time_seconds",
                                             "service_level_percent"};

/* What a pivot would deliver: values of the source metrics, row by row; each row is its own interval unless n_queues says so.
 */
static struct ql_cells make_cells(const struct ql_plan *plan, size_t n_rows, double values[N_SOURCE][MAX_ROWS]) {
    struct ql_cells cells = {.n_intervals = n_rows, .n_queues = 1, .n_cells = n_rows};
    cells.intervals = ql_mem_zalloc(n_rows, sizeof *cells.intervals);
    cells.queues = ql_mem_zalloc(1, sizeof *cells.queues);
    cells.interval_of = ql_mem_zalloc(n_rows, sizeof *cells.interval_of);
    cells.queue_of = ql_mem_zalloc(n_rows, sizeof *cells.queue_of);
    for (size_t i = 0; i < n_rows; i++) {
        cells.intervals[i] = (struct ql_interval){.start_us = MINUTES(30 * i), .end_us = MINUTES(30 * (i + 1))};
        cells.interval_of[i] = (uint32_t)i;
    }
    const struct ql_aggregate *aggregates = ql_plan_aggregates(plan, &cells.n_columns);
    cells.columns = ql_mem_zalloc(cells.n_columns, sizeof *cells.columns);
    for (size_t c = 0; c < cells.n_columns; c++) {
        struct ql_cell_column *column = &cells.columns[c];
        *column = (struct ql_cell_column){
            .name = aggregates[c].name, .type = aggregates[c].type, .is_hidden = aggregates[c].is_hidden};
        column->v.i64 = ql_mem_zalloc(n_rows, sizeof *column->v.i64);
        size_t s = 0;
        while (!ql_str_eq(column->name, ql_str_from(SOURCE[s]))) {
            s++;
            assert_true(s < N_SOURCE);
        }
        for (size_t i = 0; i < n_rows; i++) {
            if (column->type == QL_CELL_INT64) {
                column->v.i64[i] = isnan(values[s][i]) ? QL_CELL_NULL_I64 : (int64_t)values[s][i];
            } else {
                column->v.f64[i] = values[s][i];
            }
        }
    }
    return cells;
}

static const struct ql_cell_column *column_of(const struct ql_cells *cells, const char *name) {
    for (size_t c = 0; c < cells->n_columns; c++) {
        if (ql_str_eq(cells->columns[c].name, ql_str_from(name))) {
            return &cells->columns[c];
        }
    }
    fail_msg("no column '%s'", name);
    return NULL;
}
static double as_double(enum ql_cell_type type, const int64_t *i64, const double *f64, size_t i) {
    if (type == QL_CELL_DOUBLE) {
        return f64[i];
    }
    return i64[i] == QL_CELL_NULL_I64 ? (double)NAN : (double)i64[i];
}
static double cell(const struct ql_cells *cells, const char *name, size_t i) {
    const struct ql_cell_column *column = column_of(cells, name);
    return as_double(column->type, column->v.i64, column->v.f64, i);
}
static double idle(const struct ql_cells *cells, const char *name, size_t i) {
    const struct ql_cell_column *column = column_of(cells, name);
    return as_double(column->type, column->idle.i64, column->idle.f64, i);
}
static double total(const struct ql_cells *cells, const char *name, size_t i) {
    const struct ql_cell_column *column = column_of(cells, name);
    return as_double(column->type, column->total.i64, column->total.f64, i);
}

static struct ql_plan *resolved(const struct ql_plan_request *request, bool has_abandoned) {
    struct ql_plan *plan = NULL;
    assert_ok(ql_plan_new(request, &plan, err));
    bool is_present[64];
    size_t n;
    const struct ql_rows_metric *columns = ql_plan_columns(plan, &n);
    for (size_t i = 0; i < n; i++) {
        is_present[i] = has_abandoned || !ql_str_eq(columns[i].name, QL_STR("calls_abandoned"));
    }
    assert_ok(ql_plan_resolve(plan, is_present, NULL, err));
    return plan;
}

/* One case of apply.tsv; the C line is open. */
static void check_case(struct vectors *vectors) {
    static double expected[16][MAX_ROWS];
    static double source[N_SOURCE][MAX_ROWS];
    char *names[16];
    bool is_pandas = ql_str_eq(vectors_field(vectors), QL_STR("pandas"));
    bool has_abandoned = vectors_count(vectors) != 0;
    int64_t digits = 0;
    assert_true(ql_str_to_i64(vectors_field(vectors), &digits));
    bool empty_is_null = ql_str_eq(vectors_field(vectors), QL_STR("null"));
    int64_t over = (int64_t)vectors_count(vectors);
    int64_t approximations = (int64_t)vectors_count(vectors);
    int64_t n_nulls = (int64_t)vectors_count(vectors);
    size_t n_columns = vectors_count(vectors);
    size_t n_rows = vectors_count(vectors);
    assert_true(n_columns <= 16 && n_rows <= MAX_ROWS);
    for (size_t c = 0; c < n_columns + N_SOURCE; c++) {
        assert_true(vectors_next_line(vectors));
        assert_str_equal(vectors_field(vectors), c < n_columns ? "O" : "I");
        struct ql_str name = vectors_field(vectors);
        if (c < n_columns) {
            names[c] = ql_mem_strndup(name.ptr, name.len);
        }
        for (size_t i = 0; i < n_rows; i++) {
            *(c < n_columns ? &expected[c][i] : &source[c - n_columns][i]) = vectors_double(vectors);
        }
    }
    struct ql_plan *plan =
        resolved(&(struct ql_plan_request){.profile = is_pandas ? QL_PROFILE_PANDAS : QL_PROFILE_DEFAULT}, has_abandoned);
    struct ql_cells cells = make_cells(plan, n_rows, source);
    struct ql_plan_stats stats;
    const struct ql_plan_output output = {.round_digits = (int)digits, .empty_is_null = empty_is_null};
    assert_ok(ql_plan_apply(plan, &cells, &output, &stats, err));
    assert_int_equal(cells.n_columns, n_columns);
    for (size_t c = 0; c < n_columns; c++) {
        assert_str_equal(cells.columns[c].name, names[c]);
        for (size_t i = 0; i < n_rows; i++) {
            double got = cell(&cells, names[c], i);
            if (!same_value(got, expected[c][i])) {
                fail_msg("%s[%zu]: got %.17g, expected %.17g", names[c], i, got, expected[c][i]);
            }
        }
        ql_mem_free(names[c]);
    }
    assert_int_equal(stats.answered_over_offered, over);
    assert_int_equal(stats.approximations, approximations);
    assert_int_equal(stats.nulls_filled, n_nulls);
    ql_cells_fini(&cells);
    ql_plan_free(plan);
}

static void cells_come_out_as_pandas_computes_them(void **state) {
    (void)state;
    struct vectors vectors = vectors_open("apply.tsv");
    size_t n_cases = 0;
    while (vectors_next_line(&vectors)) {
        assert_str_equal(vectors_field(&vectors), "C");
        check_case(&vectors);
        n_cases++;
    }
    assert_int_equal(n_cases, 6);
    vectors_close(&vectors);
}

#define NOTHING ((double)NAN)
static double two_rows[N_SOURCE][MAX_ROWS] = {{10, 0}, {7, 0}, {2, 0}, {200.00005, NOTHING}, {81.25, NOTHING}};

static void a_cell_that_no_row_mentions_is_idle(void **state) {
    (void)state;
    const struct ql_metric_def metrics[] = {{.name = QL_STR("avg_handle_time_seconds"), .has_idle = true, .idle = -1}};
    const struct ql_kpi_def kpis[] = {
        {.name = QL_STR("missed"), .expression = QL_STR("calls_offered - calls_answered"), .has_idle = true, .idle = 0.123456},
        {.name = QL_STR("slots"), .expression = QL_STR("interval_seconds / 900 + coalesce(calls_offered, 0)")},
    };
    const struct ql_plan_request request = {.metric_defs = metrics, .n_metric_defs = 1, .kpi_defs = kpis, .n_kpi_defs = 2};
    for (int is_null = 0; is_null < 2; is_null++) {
        struct ql_plan *plan = resolved(&request, true);
        struct ql_cells cells = make_cells(plan, 2, two_rows);
        cells.intervals[1].end_us += MINUTES(15);
        const struct ql_plan_output output = {.round_digits = 4, .empty_is_null = is_null == 1};
        assert_ok(ql_plan_apply(plan, &cells, &output, NULL, err));
        double zero = is_null == 1 ? NOTHING : 0;
        assert_true(same_value(idle(&cells, "calls_offered", 0), zero));
        assert_true(same_value(idle(&cells, "calls_offered", 1), zero));
        assert_true(same_value(idle(&cells, "avg_handle_time_seconds", 1), is_null == 1 ? NOTHING : -1));
        assert_true(same_value(idle(&cells, "answer_rate", 0), zero));
        assert_true(
            same_value(idle(&cells, "missed", 0), is_null == 1 ? NOTHING : 0.123456)); /* written, not computed: not rounded */
        assert_true(idle(&cells, "slots", 0) == 2);
        assert_true(idle(&cells, "slots", 1) == 3);
        assert_true(cell(&cells, "slots", 0) == 12);
        assert_true(cell(&cells, "slots", 1) == 3);
        assert_true(cell(&cells, "missed", 0) == 3);
        assert_true(same_value(cell(&cells, "avg_handle_time_seconds", 1), is_null == 1 ? NOTHING : -1));
        assert_true(cell(&cells, "calls_offered", 1) == 0); /* mentioned: what its sum is */
        ql_cells_fini(&cells);
        ql_plan_free(plan);
    }
}

static void an_idle_cell_of_the_pandas_profile_has_abandon_rate_one(void **state) {
    (void)state;
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.profile = QL_PROFILE_PANDAS}, true);
    struct ql_cells cells = make_cells(plan, 2, two_rows);
    struct ql_plan_stats stats;
    assert_ok(ql_plan_apply(plan, &cells, &(struct ql_plan_output){.round_digits = -1}, &stats, err));
    assert_true(idle(&cells, "answer_rate", 0) == 0 && idle(&cells, "abandon_rate", 0) == 1);
    assert_true(cell(&cells, "answer_rate", 1) == 0 && cell(&cells, "abandon_rate", 1) == 1);
    assert_true(cell(&cells, "avg_handle_time_seconds", 0) == 200.00005); /* not rounded */
    assert_int_equal(stats.approximations, 0);
    ql_cells_fini(&cells);
    ql_plan_free(plan);

    plan = resolved(&(struct ql_plan_request){0}, false);
    cells = make_cells(plan, 2, two_rows);
    assert_ok(ql_plan_apply(plan, &cells, &(struct ql_plan_output){.round_digits = 4}, &stats, err));
    assert_true(idle(&cells, "abandon_rate", 0) == 0); /* the default profile's idle cell has no rate */
    assert_true(cell(&cells, "abandon_rate", 1) == 0);
    assert_int_equal(stats.approximations, 1);
    ql_cells_fini(&cells);
    ql_plan_free(plan);
}

static void a_cell_has_the_length_of_its_own_interval(void **state) {
    (void)state;
    const struct ql_kpi_def kpis[] = {{.name = QL_STR("seconds"), .expression = QL_STR("interval_seconds")}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 1}, true);
    double values[N_SOURCE][MAX_ROWS] = {{1, 1, 1}};
    struct ql_cells cells = make_cells(plan, 3, values);
    cells.intervals[0].end_us = cells.intervals[0].start_us + MINUTES(15);
    cells.intervals[2].end_us = cells.intervals[2].start_us + MINUTES(60);
    cells.interval_of[1] = 0;
    cells.interval_of[2] = 2; /* none mentions interval 1 */
    assert_ok(ql_plan_apply(plan, &cells, &(struct ql_plan_output){.round_digits = 4}, NULL, err));
    assert_true(cell(&cells, "seconds", 0) == 900 && cell(&cells, "seconds", 1) == 900 && cell(&cells, "seconds", 2) == 3600);
    assert_true(idle(&cells, "seconds", 1) == 1800);
    ql_cells_fini(&cells);
    ql_plan_free(plan);
}

static void expressions_see_unrounded_values(void **state) {
    (void)state;
    const struct ql_kpi_def kpis[] = {{.name = QL_STR("tripled"), .expression = QL_STR("answer_rate * 3")},
                                      {.name = QL_STR("scaled"), .expression = QL_STR("avg_handle_time_seconds * 1000")}};
    double values[N_SOURCE][MAX_ROWS] = {{3}, {1}, {0}, {0.12345}, {0}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 2}, true);
    struct ql_cells cells = make_cells(plan, 1, values);
    assert_ok(ql_plan_apply(plan, &cells, &(struct ql_plan_output){.round_digits = 2}, NULL, err));
    assert_true(cell(&cells, "answer_rate", 0) == 0.33);
    assert_true(cell(&cells, "tripled", 0) == 1);
    assert_true(cell(&cells, "avg_handle_time_seconds", 0) == 0.12);
    assert_true(cell(&cells, "scaled", 0) == 123.45);
    ql_cells_fini(&cells);
    ql_plan_free(plan);
}

static void totals_follow_the_same_rules(void **state) {
    (void)state;
    const struct ql_kpi_def kpis[] = {
        {.name = QL_STR("per_minute"), .expression = QL_STR("calls_offered / interval_seconds * 60")}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 1}, true);
    struct ql_cells cells = make_cells(plan, 2, two_rows);
    static const double totals[N_SOURCE][2] = {{40, 0}, {31, 0}, {5, 0}, {123.45678, NOTHING}, {50, NOTHING}};
    cells.has_totals = true;
    for (size_t c = 0; c < cells.n_columns; c++) {
        struct ql_cell_column *column = &cells.columns[c];
        column->total.i64 = ql_mem_zalloc(2, sizeof *column->total.i64);
        for (size_t i = 0; i < 2; i++) {
            if (column->type == QL_CELL_INT64) {
                column->total.i64[i] = (int64_t)totals[c][i];
            } else {
                column->total.f64[i] = totals[c][i];
            }
        }
    }
    struct ql_plan_stats stats;
    assert_ok(ql_plan_apply(plan, &cells, &(struct ql_plan_output){.round_digits = 4}, &stats, err));
    assert_true(total(&cells, "calls_offered", 0) == 40);
    assert_true(total(&cells, "avg_handle_time_seconds", 0) == 123.4568);
    assert_true(total(&cells, "avg_handle_time_seconds", 1) == 0);
    assert_true(total(&cells, "answer_rate", 0) == 0.775);
    assert_true(total(&cells, "abandon_rate", 0) == 0.125);
    assert_true(total(&cells, "answer_rate", 1) == 0);
    assert_true(total(&cells, "per_minute", 0) == 1.3333);
    assert_int_equal(stats.nulls_filled, 4); /* of cells: two metrics and two rates of the second row */
    ql_cells_fini(&cells);
    ql_plan_free(plan);
}

static void hidden_metrics_serve_kpis_and_counts(void **state) {
    (void)state;
    const struct ql_str metrics[] = {QL_STR("avg_handle_time_seconds")};
    double values[N_SOURCE][MAX_ROWS] = {{10, 2, NOTHING}, {7, 3, 4}, {2, 0, 0}, {1, NOTHING, 3}, {0, 0, 0}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.metrics = metrics, .n_metrics = 1}, true);
    struct ql_cells cells = make_cells(plan, 3, values);
    struct ql_plan_stats stats;
    assert_ok(ql_plan_apply(plan, &cells, &(struct ql_plan_output){.round_digits = 4}, &stats, err));
    assert_int_equal(cells.n_columns, 6);
    assert_false(cells.columns[0].is_hidden);
    assert_true(cells.columns[1].is_hidden && cells.columns[2].is_hidden && cells.columns[3].is_hidden);
    assert_false(cells.columns[4].is_hidden || cells.columns[5].is_hidden);
    assert_true(cell(&cells, "abandon_rate", 0) == 0.2);
    assert_true(cell(&cells, "answer_rate", 1) == 1.5);
    assert_int_equal(stats.answered_over_offered, 1); /* a NULL is not compared */
    assert_int_equal(stats.nulls_filled, 3);          /* one handle time and two rates; hidden columns do not count */
    ql_cells_fini(&cells);
    ql_plan_free(plan);
}

static void no_cells_give_empty_columns(void **state) {
    (void)state;
    double values[N_SOURCE][MAX_ROWS] = {{0}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){0}, true);
    struct ql_cells cells = make_cells(plan, 0, values);
    struct ql_plan_stats stats;
    assert_ok(ql_plan_apply(plan, &cells, &(struct ql_plan_output){.round_digits = 4}, &stats, err));
    assert_int_equal(cells.n_columns, 7);
    assert_int_equal(stats.nulls_filled, 0);
    ql_cells_fini(&cells);

    cells = make_cells(plan, 0, values);
    cells.n_columns--;
    struct ql_err error = {0};
    assert_int_equal(ql_plan_apply(plan, &cells, &(struct ql_plan_output){.round_digits = 4}, &stats, &error), QL_E_INTERNAL);
    cells.n_columns++;
    ql_cells_fini(&cells);
    ql_plan_free(plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_come_out_as_pandas_computes_them),
        cmocka_unit_test(a_cell_that_no_row_mentions_is_idle),
        cmocka_unit_test(an_idle_cell_of_the_pandas_profile_has_abandon_rate_one),
        cmocka_unit_test(a_cell_has_the_length_of_its_own_interval),
        cmocka_unit_test(expressions_see_unrounded_values),
        cmocka_unit_test(totals_follow_the_same_rules),
        cmocka_unit_test(hidden_metrics_serve_kpis_and_counts),
        cmocka_unit_test(no_cells_give_empty_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
