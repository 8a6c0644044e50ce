#include "unit/kpi/vectors.h"

#include "kpi/plan.h"

enum { MAX_ROWS = 64, N_SOURCE = 5 };
#define MINUTES(n) ((int64_t)(n)*60 * QL_US_PER_S)

static const char *const SOURCE[N_SOURCE] = {"calls_offered", "calls_answered", "calls_abandoned", "avg_handle_time_seconds",
                                             "service_level_percent"};

/* What a pivot would deliver as one part: values of the source metrics, row by row, each row an interval of its own. */
struct given_part {
    struct ql_grid grid;
    struct ql_interval intervals[MAX_ROWS];
    const struct ql_cell_def *defs;
    struct ql_cells cells;
};

static size_t source_of(struct ql_str name) {
    for (size_t s = 0; s < N_SOURCE; s++) {
        if (ql_str_eq(name, ql_str_from(SOURCE[s]))) {
            return s;
        }
    }
    fail_msg("no source '%.*s'", QL_STR_ARG(name));
    return 0;
}

static void put(enum ql_cell_type type, union ql_cell_values values, size_t i, double value) {
    if (type == QL_CELL_INT64) {
        values.i64[i] = isnan(value) ? QL_CELL_NULL_I64 : (int64_t)value;
    } else {
        values.f64[i] = value;
    }
}

static void make_part(const struct ql_plan *plan, size_t n_rows, double values[N_SOURCE][MAX_ROWS], bool has_totals,
                      struct given_part *part) {
    static const struct ql_queue queue = {.name = {.ptr = "a", .len = 1}};
    *part = (struct given_part){.grid = {.n_intervals = n_rows, .n_queues = 1, .queues = &queue, .has_totals = has_totals}};
    part->grid.intervals = part->intervals;
    part->cells.grid = &part->grid;
    size_t n_aggregates;
    size_t n_defs;
    const struct ql_aggregate *aggregates = ql_plan_aggregates(plan, &n_aggregates);
    part->defs = ql_plan_cell_defs(plan, &n_defs);
    ql_cells_reserve(&part->cells, n_aggregates, n_rows, n_rows);
    part->cells.n_cells = n_rows;
    for (size_t i = 0; i < n_rows; i++) {
        part->intervals[i] = (struct ql_interval){.start_us = MINUTES(30 * i), .end_us = MINUTES(30 * (i + 1))};
        part->cells.begin[i] = (uint32_t)i;
        part->cells.queue_of[i] = 0;
    }
    part->cells.begin[n_rows] = (uint32_t)n_rows;
    for (size_t c = 0; c < n_aggregates; c++) {
        struct ql_cell_column *column = &part->cells.columns[c];
        column->type = aggregates[c].type;
        column->scale = QL_CELL_SCALE_UNKNOWN;
        for (size_t i = 0; i < n_rows; i++) {
            put(column->type, column->v, i, values[source_of(aggregates[c].name)][i]);
        }
    }
}

static const struct ql_cell_column *column_of(const struct given_part *part, const char *name) {
    for (size_t c = 0; c < part->cells.n_columns; c++) {
        if (ql_str_eq(part->defs[c].name, ql_str_from(name))) {
            return &part->cells.columns[c];
        }
    }
    fail_msg("no column '%s'", name);
    return NULL;
}
static double as_double(enum ql_cell_type type, union ql_cell_values values, size_t i) {
    if (type == QL_CELL_DOUBLE) {
        return values.f64[i];
    }
    return values.i64[i] == QL_CELL_NULL_I64 ? (double)NAN : (double)values.i64[i];
}
static double cell(const struct given_part *part, const char *name, size_t i) {
    const struct ql_cell_column *column = column_of(part, name);
    return as_double(column->type, column->v, i);
}
static double idle(const struct given_part *part, const char *name, size_t i) {
    const struct ql_cell_column *column = column_of(part, name);
    return as_double(column->type, column->idle, i);
}
static double total(const struct given_part *part, const char *name, size_t i) {
    const struct ql_cell_column *column = column_of(part, name);
    return as_double(column->type, column->total, i);
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
    struct given_part part;
    make_part(plan, n_rows, source, false, &part);
    struct ql_plan_stats stats = {0};
    const struct ql_plan_output output = {.round_digits = (int)digits, .empty_is_null = empty_is_null};
    assert_ok(ql_plan_apply(plan, &part.cells, &output, &stats, err));
    assert_int_equal(part.cells.n_columns, n_columns);
    for (size_t c = 0; c < n_columns; c++) {
        assert_str_equal(part.defs[c].name, names[c]);
        for (size_t i = 0; i < n_rows; i++) {
            double got = cell(&part, names[c], i);
            if (!same_value(got, expected[c][i])) {
                fail_msg("%s[%zu]: got %.17g, expected %.17g", names[c], i, got, expected[c][i]);
            }
        }
        ql_mem_free(names[c]);
    }
    assert_int_equal(stats.answered_over_offered, over);
    assert_int_equal(stats.approximations, approximations);
    assert_int_equal(stats.nulls_filled, n_nulls);
    ql_cells_fini(&part.cells);
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
        struct given_part part;
        make_part(plan, 2, two_rows, false, &part);
        part.intervals[1].end_us += MINUTES(15);
        const struct ql_plan_output output = {.round_digits = 4, .empty_is_null = is_null == 1};
        assert_ok(ql_plan_apply(plan, &part.cells, &output, NULL, err));
        double zero = is_null == 1 ? NOTHING : 0;
        assert_true(same_value(idle(&part, "calls_offered", 0), zero));
        assert_true(same_value(idle(&part, "calls_offered", 1), zero));
        assert_true(same_value(idle(&part, "avg_handle_time_seconds", 1), is_null == 1 ? NOTHING : -1));
        assert_true(same_value(idle(&part, "answer_rate", 0), zero));
        assert_true(
            same_value(idle(&part, "missed", 0), is_null == 1 ? NOTHING : 0.123456)); /* written, not computed: not rounded */
        assert_true(idle(&part, "slots", 0) == 2);
        assert_true(idle(&part, "slots", 1) == 3);
        assert_true(cell(&part, "slots", 0) == 12);
        assert_true(cell(&part, "slots", 1) == 3);
        assert_true(cell(&part, "missed", 0) == 3);
        assert_true(same_value(cell(&part, "avg_handle_time_seconds", 1), is_null == 1 ? NOTHING : -1));
        assert_true(cell(&part, "calls_offered", 1) == 0); /* mentioned: what its sum is */
        ql_cells_fini(&part.cells);
        ql_plan_free(plan);
    }
}

static void an_idle_cell_of_the_pandas_profile_has_abandon_rate_one(void **state) {
    (void)state;
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.profile = QL_PROFILE_PANDAS}, true);
    struct given_part part;
    make_part(plan, 2, two_rows, false, &part);
    struct ql_plan_stats stats = {0};
    assert_ok(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = -1}, &stats, err));
    assert_true(idle(&part, "answer_rate", 0) == 0 && idle(&part, "abandon_rate", 0) == 1);
    assert_true(cell(&part, "answer_rate", 1) == 0 && cell(&part, "abandon_rate", 1) == 1);
    assert_true(cell(&part, "avg_handle_time_seconds", 0) == 200.00005); /* not rounded */
    assert_int_equal(stats.approximations, 0);
    ql_cells_fini(&part.cells);
    ql_plan_free(plan);

    plan = resolved(&(struct ql_plan_request){0}, false);
    make_part(plan, 2, two_rows, false, &part);
    assert_ok(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = 4}, &stats, err));
    assert_true(idle(&part, "abandon_rate", 0) == 0); /* the default profile's idle cell has no rate */
    assert_true(cell(&part, "abandon_rate", 1) == 0);
    assert_int_equal(stats.approximations, 1);
    ql_cells_fini(&part.cells);
    ql_plan_free(plan);
}

static void a_cell_has_the_length_of_its_own_interval(void **state) {
    (void)state;
    const struct ql_kpi_def kpis[] = {{.name = QL_STR("seconds"), .expression = QL_STR("interval_seconds")}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 1}, true);
    double values[N_SOURCE][MAX_ROWS] = {{1, 1, 1}};
    struct given_part part;
    make_part(plan, 3, values, false, &part);
    part.intervals[0].end_us = part.intervals[0].start_us + MINUTES(15);
    part.intervals[2].end_us = part.intervals[2].start_us + MINUTES(60);
    part.cells.begin[1] = 2; /* two cells of interval 0, none of interval 1 */
    part.cells.begin[2] = 2;
    assert_ok(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = 4}, NULL, err));
    assert_true(cell(&part, "seconds", 0) == 900 && cell(&part, "seconds", 1) == 900 && cell(&part, "seconds", 2) == 3600);
    assert_true(idle(&part, "seconds", 1) == 1800);
    ql_cells_fini(&part.cells);
    ql_plan_free(plan);
}

static void expressions_see_unrounded_values(void **state) {
    (void)state;
    const struct ql_kpi_def kpis[] = {{.name = QL_STR("tripled"), .expression = QL_STR("answer_rate * 3")},
                                      {.name = QL_STR("scaled"), .expression = QL_STR("avg_handle_time_seconds * 1000")}};
    double values[N_SOURCE][MAX_ROWS] = {{3}, {1}, {0}, {0.12345}, {0}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 2}, true);
    struct given_part part;
    make_part(plan, 1, values, false, &part);
    assert_ok(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = 2}, NULL, err));
    assert_true(cell(&part, "answer_rate", 0) == 0.33);
    assert_true(cell(&part, "tripled", 0) == 1);
    assert_true(cell(&part, "avg_handle_time_seconds", 0) == 0.12);
    assert_true(cell(&part, "scaled", 0) == 123.45);
    ql_cells_fini(&part.cells);
    ql_plan_free(plan);
}

static void totals_follow_the_same_rules(void **state) {
    (void)state;
    const struct ql_kpi_def kpis[] = {
        {.name = QL_STR("per_minute"), .expression = QL_STR("calls_offered / interval_seconds * 60")}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 1}, true);
    struct given_part part;
    make_part(plan, 2, two_rows, true, &part);
    static const double totals[N_SOURCE][2] = {{40, 0}, {31, 0}, {5, 0}, {123.45678, NOTHING}, {50, NOTHING}};
    for (size_t c = 0; c < part.cells.n_columns; c++) {
        for (size_t i = 0; i < 2; i++) {
            put(part.cells.columns[c].type, part.cells.columns[c].total, i, totals[c][i]);
        }
    }
    struct ql_plan_stats stats = {0};
    assert_ok(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = 4}, &stats, err));
    assert_true(total(&part, "calls_offered", 0) == 40);
    assert_true(total(&part, "avg_handle_time_seconds", 0) == 123.4568);
    assert_true(total(&part, "avg_handle_time_seconds", 1) == 0);
    assert_true(total(&part, "answer_rate", 0) == 0.775);
    assert_true(total(&part, "abandon_rate", 0) == 0.125);
    assert_true(total(&part, "answer_rate", 1) == 0);
    assert_true(total(&part, "per_minute", 0) == 1.3333);
    assert_int_equal(stats.nulls_filled, 4); /* of cells: two metrics and two rates of the second row */
    ql_cells_fini(&part.cells);
    ql_plan_free(plan);
}

static void hidden_metrics_serve_kpis_and_counts(void **state) {
    (void)state;
    const struct ql_str metrics[] = {QL_STR("avg_handle_time_seconds")};
    double values[N_SOURCE][MAX_ROWS] = {{10, 2, NOTHING}, {7, 3, 4}, {2, 0, 0}, {1, NOTHING, 3}, {0, 0, 0}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.metrics = metrics, .n_metrics = 1}, true);
    struct given_part part;
    make_part(plan, 3, values, false, &part);
    struct ql_plan_stats stats = {0};
    assert_ok(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = 4}, &stats, err));
    assert_int_equal(part.cells.n_columns, 6);
    assert_false(part.defs[0].is_hidden);
    assert_true(part.defs[1].is_hidden && part.defs[2].is_hidden && part.defs[3].is_hidden);
    assert_false(part.defs[4].is_hidden || part.defs[5].is_hidden);
    assert_true(part.defs[4].is_kpi && part.defs[5].is_kpi && !part.defs[3].is_kpi);
    assert_true(cell(&part, "abandon_rate", 0) == 0.2);
    assert_true(cell(&part, "answer_rate", 1) == 1.5);
    assert_int_equal(stats.answered_over_offered, 1); /* a NULL is not compared */
    assert_int_equal(stats.nulls_filled, 3);          /* one handle time and two rates; hidden columns do not count */
    ql_cells_fini(&part.cells);
    ql_plan_free(plan);
}

static void no_cells_give_empty_columns(void **state) {
    (void)state;
    double values[N_SOURCE][MAX_ROWS] = {{0}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){0}, true);
    struct given_part part;
    make_part(plan, 0, values, false, &part);
    struct ql_plan_stats stats = {0};
    assert_ok(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = 4}, &stats, err));
    assert_int_equal(part.cells.n_columns, 7);
    assert_int_equal(stats.nulls_filled, 0);
    ql_cells_fini(&part.cells);

    make_part(plan, 0, values, false, &part);
    part.cells.n_columns--;
    struct ql_err error = {0};
    assert_int_equal(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = 4}, &stats, &error),
                     QL_E_INTERNAL);
    part.cells.n_columns++;
    ql_cells_fini(&part.cells);
    ql_plan_free(plan);
}

enum { N_MANY_INTERVALS = 1400, N_MANY_CELLS = 4 * N_MANY_INTERVALS };
/* Cells of intervals of changing length, some without any; of a part of them. */
struct many {
    struct ql_grid grid;
    struct ql_interval intervals[N_MANY_INTERVALS];
    size_t begin[N_MANY_INTERVALS + 1];
    double values[N_SOURCE][N_MANY_CELLS];
};

static void make_many(struct many *many) {
    static const struct ql_queue queues[4] = {{.name = {"a", 1}}, {.name = {"b", 1}}, {.name = {"c", 1}}, {.name = {"d", 1}}};
    many->grid = (struct ql_grid){
        .n_intervals = N_MANY_INTERVALS, .intervals = many->intervals, .n_queues = 4, .queues = queues, .has_totals = true};
    uint64_t seed = 11;
    size_t n = 0;
    for (size_t i = 0; i < N_MANY_INTERVALS; i++) {
        many->intervals[i] = (struct ql_interval){MINUTES(60 * i), MINUTES(60 * i + 15 + i % 3 * 15)};
        many->begin[i] = n;
        for (size_t q = 0; i % 50 > 2 && q < 1 + i % 4; q++, n++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            many->values[0][n] = (double)(seed >> 32 & 63) - 4 > 0 ? (double)(seed >> 32 & 63) - 4 : 0;
            many->values[1][n] = (double)(seed >> 40 & 63);
            many->values[2][n] = (double)(seed >> 48 & 15);
            many->values[3][n] = (seed >> 52 & 7) == 0 ? (double)NAN : (double)(seed >> 20 & 0xfffff) / 1000;
            many->values[4][n] = (double)(seed >> 12 & 127) / 3;
        }
    }
    many->begin[N_MANY_INTERVALS] = n;
}

static void take_part(const struct ql_plan *plan, const struct many *many, size_t first, size_t n, struct ql_cells *cells) {
    size_t n_aggregates;
    const struct ql_aggregate *aggregates = ql_plan_aggregates(plan, &n_aggregates);
    size_t first_cell = many->begin[first];
    cells->grid = &many->grid;
    ql_cells_reserve(cells, n_aggregates, n, many->begin[first + n] - first_cell);
    cells->first_interval = first;
    cells->n_cells = many->begin[first + n] - first_cell;
    for (size_t i = 0; i <= n; i++) {
        cells->begin[i] = (uint32_t)(many->begin[first + i] - first_cell);
    }
    for (size_t c = 0; c < n_aggregates; c++) {
        struct ql_cell_column *column = &cells->columns[c];
        column->type = aggregates[c].type;
        column->scale = c == 3 ? 3 : QL_CELL_SCALE_UNKNOWN;
        for (size_t i = 0; i < cells->n_cells; i++) {
            put(column->type, column->v, i, many->values[source_of(aggregates[c].name)][first_cell + i]);
        }
        for (size_t i = 0; i < n; i++) {
            put(column->type, column->total, i, (double)((first + i) * 3 % 17 + c));
        }
    }
}

static double rounded(double x) {
    return isnan(x) ? 0 : nearbyint(x * 1e4) / 1e4;
}

static void a_cells_values_do_not_depend_on_its_part(void **state) {
    (void)state;
    static const size_t SIZES[] = {N_MANY_INTERVALS, 1, 7, 333, 1025};
    static struct many many;
    make_many(&many);
    const struct ql_kpi_def kpis[] = {
        {.name = QL_STR("erlangs"), .expression = QL_STR("calls_answered * avg_handle_time_seconds / interval_seconds")},
        {.name = QL_STR("share"), .expression = QL_STR("interval_seconds / 7 + coalesce(calls_offered, 0)")}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 2}, true);
    for (size_t s = 0; s < sizeof SIZES / sizeof SIZES[0]; s++) {
        struct ql_plan_stats stats = {0};
        struct ql_cells cells = {0};
        int64_t n_over = 0;
        for (size_t first = 0; first < N_MANY_INTERVALS; first += SIZES[s]) {
            size_t n = N_MANY_INTERVALS - first < SIZES[s] ? N_MANY_INTERVALS - first : SIZES[s];
            take_part(plan, &many, first, n, &cells);
            assert_ok(ql_plan_apply(plan, &cells, &(struct ql_plan_output){.round_digits = 4}, &stats, err));
            for (size_t i = first; i < first + n; i++) {
                double length = (double)(many.intervals[i].end_us - many.intervals[i].start_us) / 1e6;
                assert_true(cells.columns[8].idle.f64[i - first] == rounded(length / 7));
                assert_true(cells.columns[7].idle.f64[i - first] == 0);
                assert_true(cells.columns[8].total.f64[i - first] == rounded(length / 7 + (double)(i * 3 % 17)));
                for (size_t c = many.begin[i]; c < many.begin[i + 1]; c++) {
                    size_t at = c - many.begin[first];
                    double offered = many.values[0][c];
                    double answered = many.values[1][c];
                    n_over += answered > offered;
                    assert_true(cells.columns[3].v.f64[at] == rounded(many.values[3][c]));
                    assert_true(cells.columns[4].v.f64[at] == rounded(many.values[4][c]));
                    assert_true(cells.columns[5].v.f64[at] == (offered == 0 ? 0 : rounded(answered / offered)));
                    assert_true(cells.columns[7].v.f64[at] == rounded(answered * many.values[3][c] / length));
                    assert_true(cells.columns[8].v.f64[at] == rounded(length / 7 + offered));
                }
            }
            assert_int_equal(cells.columns[3].scale, 3);
            assert_int_equal(cells.columns[4].scale, 4);
            assert_int_equal(cells.columns[8].scale, 4);
        }
        assert_int_equal(stats.answered_over_offered, n_over);
        assert_true(n_over > 0 && stats.nulls_filled > 0);
        ql_cells_fini(&cells);
    }
    ql_plan_free(plan);
}

/* The scales that two columns of one cell have afterwards: the handle time, which had `scale`, and the KPI "same" as it. */
static void check_scales(double value, int scale, int digits, double idle_value, int expected, int expected_of_kpi) {
    const struct ql_metric_def metrics[] = {{.name = QL_STR("avg_handle_time_seconds"), .has_idle = true, .idle = idle_value}};
    const struct ql_kpi_def kpis[] = {{.name = QL_STR("same"), .expression = QL_STR("avg_handle_time_seconds")}};
    double values[N_SOURCE][MAX_ROWS] = {{1, 1}, {1, 1}, {1, 1}, {value, NOTHING}, {1, 1}};
    struct ql_plan *plan = resolved(
        &(struct ql_plan_request){.metric_defs = metrics, .n_metric_defs = 1, .kpi_defs = kpis, .n_kpi_defs = 1}, true);
    struct given_part part;
    make_part(plan, 2, values, false, &part);
    part.cells.columns[3].scale = scale;
    assert_ok(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = digits}, NULL, err));
    double expected_value = value;
    if (digits >= 0 && fabs(value) < 0x1p53 / pow(10, digits)) {
        expected_value = nearbyint(value * pow(10, digits)) / pow(10, digits);
    }
    assert_true(cell(&part, "avg_handle_time_seconds", 0) == expected_value);
    assert_true(cell(&part, "same", 0) == expected_value);
    assert_int_equal(column_of(&part, "avg_handle_time_seconds")->scale, expected);
    assert_int_equal(column_of(&part, "same")->scale, expected_of_kpi);
    ql_cells_fini(&part.cells);
    ql_plan_free(plan);
}

static void a_scale_is_known_only_where_it_is_true(void **state) {
    (void)state;
    enum { NONE = QL_CELL_SCALE_UNKNOWN };
    check_scales(12.345, 3, 4, 0, 3, 4);
    check_scales(12.345, 3, 2, 0, 2, 2);
    check_scales(12.345, NONE, 2, 0, 2, 2);
    check_scales(12.345, 3, NONE, 0, 3, NONE);
    check_scales(12.345, NONE, NONE, 0, NONE, NONE);
    check_scales(12.345, 3, 4, 0.1234, NONE, 4); /* the idle value has a decimal more; that of the KPI is 0 */
    check_scales(12.345, 3, 4, -1.5, 3, 4);
    check_scales(1e12, NONE, 4, 0, NONE, NONE);               /* 10^16 is beyond 2^53 */
    check_scales(4470704139769405.0 / 1e3, 3, 3, 0, NONE, 3); /* rounding changes it, as NumPy's does */
    check_scales(4470704139769405.0 / 1e3, 3, NONE, 0, 3, NONE);
}

static void many_levels_of_an_expression_take_more_memory_and_give_the_same(void **state) {
    (void)state;
    struct ql_buf text = {0};
    for (int i = 0; i < 30; i++) {
        ql_buf_puts(&text, "1 + (interval_seconds * (");
    }
    ql_buf_puts(&text, "calls_offered");
    for (int i = 0; i < 30; i++) {
        ql_buf_puts(&text, " - calls_answered) * 0)");
    }
    const struct ql_kpi_def kpis[] = {{.name = QL_STR("deep"), .expression = ql_buf_view(&text)}};
    struct ql_plan *plan = resolved(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 1}, true);
    struct given_part part;
    make_part(plan, 2, two_rows, false, &part);
    assert_ok(ql_plan_apply(plan, &part.cells, &(struct ql_plan_output){.round_digits = 4}, NULL, err));
    assert_true(cell(&part, "deep", 0) == 1 && cell(&part, "answer_rate", 0) == 0.7);
    ql_cells_fini(&part.cells);
    ql_plan_free(plan);
    ql_buf_fini(&text);
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
        cmocka_unit_test(a_cells_values_do_not_depend_on_its_part),
        cmocka_unit_test(a_scale_is_known_only_where_it_is_true),
        cmocka_unit_test(many_levels_of_an_expression_take_more_memory_and_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
