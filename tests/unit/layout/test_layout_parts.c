#include "unit/layout/layout_given.h"

#include "base/parallel.h"

static const struct ql_queue TWO_QUEUES[] = {NAMED("a"), NAMED("b")};

/* ---- forms of a column over parts of different widths */

#define THIRD (1.0 / 3)
static const double COUNTS[] = {0, -100, 30000, 2000000000, 1099511627776.0, (double)NAN};
static const double NUMBERS[] = {0, 0.5, 0.12345, -12.345, 99.9999, 210000.5, 214748.3648, THIRD, 1e300, (double)NAN};
enum { N_COUNTS = sizeof COUNTS / sizeof COUNTS[0], N_NUMBERS = sizeof NUMBERS / sizeof NUMBERS[0] };

/* How many decimals it has; more than a column can have: none will do. */
static int decimals_of(double x) {
    int scale = 0;
    while (scale < 10 && nearbyint(x * pow(10, scale)) / pow(10, scale) != x) {
        scale++;
    }
    return isnan(x) ? 0 : scale;
}

/* Whether all values fit 32 bits at the scale that they need together. */
static bool fit_together(const double *values, size_t n) {
    int scale = 0;
    for (size_t i = 0; i < n; i++) {
        scale = decimals_of(values[i]) > scale ? decimals_of(values[i]) : scale;
    }
    bool fits = scale <= 9;
    for (size_t i = 0; i < n; i++) {
        fits = fits && (isnan(values[i]) || fabs(values[i]) * pow(10, scale) <= INT32_MAX);
    }
    return fits;
}

static void check_column(const struct recorder *r, const char *name, const double *expected, size_t n, bool is_scaled) {
    const struct recorded_column *column = recorder_find(r, name);
    assert_int_equal(column->forms[0], is_scaled ? QL_COLUMN_SCALED : QL_COLUMN_VALUES);
    assert_int_equal(r->n_rows, n);
    for (size_t i = 0; i < n; i++) {
        double got = recorder_number(r, name, i);
        if (!same_value(got, expected[i])) {
            fail_msg("%s, row %zu: got %.17g, expected %.17g", name, i, got, expected[i]);
        }
    }
}

/* Two parts of an interval each, where queue b has no cell. */
static void check_pair(const double n[2], const double x[2], double idle_n, double idle_x) {
    const struct given_cell cells[] = {{0, 0, n[0], x[0]}, {1, 0, n[1], x[1]}};
    struct given given = GIVEN(TWO_QUEUES, cells, 2);
    given.idle_n = idle_n;
    given.idle_x = idle_x;
    struct table *t = table_new(&given);
    table_cut(t, 1);
    const double all_n[] = {n[0], idle_n, n[1], idle_n};
    const double all_x[] = {x[0], idle_x, x[1], idle_x};
    const double tidy[] = {n[0], x[0], n[1], x[1]};
    const double idle_ns[] = {idle_n, idle_n};
    const double idle_xs[] = {idle_x, idle_x};
    struct ql_layout_result result;

    struct recorder *r = table_record(t, &(struct ql_layout_options){.layout = QL_LAYOUT_LONG}, &result);
    check_column(r, "n", n, 2, fit_together(n, 2));
    check_column(r, "x", x, 2, fit_together(x, 2));
    recorder_free(r);
    r = table_record(t, &(struct ql_layout_options){.layout = QL_LAYOUT_LONG, .has_all_cells = true}, &result);
    check_column(r, "n", all_n, 4, fit_together(all_n, 4));
    check_column(r, "x", all_x, 4, fit_together(all_x, 4));
    recorder_free(r);
    r = table_record(t, &(struct ql_layout_options){.layout = QL_LAYOUT_TIDY}, &result);
    check_column(r, "value", tidy, 4, fit_together(tidy, 4));
    recorder_free(r);
    r = table_record(t, &(struct ql_layout_options){.layout = QL_LAYOUT_WIDE}, &result);
    check_column(r, "n_a", n, 2, fit_together(all_n, 4)); /* one form for all queues of a metric */
    check_column(r, "n_b", idle_ns, 2, fit_together(all_n, 4));
    check_column(r, "x_a", x, 2, fit_together(all_x, 4));
    check_column(r, "x_b", idle_xs, 2, fit_together(all_x, 4));
    recorder_free(r);
    ql_layout_result_fini(&result);
    ql_mem_free(t);
}

static void parts_of_any_width_and_scale_make_one_column(void **state) {
    (void)state;
    for (size_t i = 0; i < N_COUNTS; i++) {
        for (size_t j = 0; j < N_COUNTS; j++) {
            check_pair((const double[]){COUNTS[i], COUNTS[j]}, (const double[]){1, 2}, (double)NAN, 0);
            check_pair((const double[]){COUNTS[i], COUNTS[j]}, (const double[]){1, 2}, 0, 300);
        }
    }
    for (size_t i = 0; i < N_NUMBERS; i++) {
        for (size_t j = 0; j < N_NUMBERS; j++) {
            for (size_t k = 0; k < N_NUMBERS; k++) {
                check_pair((const double[]){5, 1000}, (const double[]){NUMBERS[i], NUMBERS[j]}, 0, NUMBERS[k]);
            }
        }
    }
}

static void a_known_scale_is_used(void **state) {
    (void)state;
    static const struct given_cell cells[] = {{0, 0, 1, 0.5}, {1, 0, 1, 12.25}};
    struct table *t = table_new(&GIVEN(TWO_QUEUES, cells, 2));
    struct ql_layout_result result;
    const struct ql_layout_options options = {.layout = QL_LAYOUT_LONG, .round_digits = 4};
    t->scale_of_x = 2;
    struct recorder *r = table_record(t, &options, &result);
    assert_int_equal(recorder_find(r, "x")->form_scales[0], 2);
    recorder_free(r);
    t->scale_of_x = QL_CELL_SCALE_UNKNOWN;
    r = table_record(t, &options, &result); /* that of rounding else */
    assert_int_equal(recorder_find(r, "x")->form_scales[0], 4);
    recorder_free(r);
    t->scale_of_x = 2;
    t->given.idle_x = 0.125; /* needs one more, where there are idle cells */
    r = table_record(t, &options, &result);
    assert_int_equal(recorder_find(r, "x")->form_scales[0], 2);
    recorder_free(r);
    r = table_record(t, &(struct ql_layout_options){.round_digits = 4}, &result);
    assert_int_equal(recorder_find(r, "x_a")->form_scales[0], 3);
    assert_true(recorder_number(r, "x_b", 1) == 0.125);
    recorder_free(r);
    ql_layout_result_fini(&result);
    ql_mem_free(t);
}

static void a_queues_range_is_its_own(void **state) {
    (void)state;
    static const struct given_cell cells[] = {{0, 0, 1000000, 1}, {0, 1, 5, -0.25}, {1, 0, -1000000, 1},
                                              {1, 1, 3, 0.5},     {2, 0, 7, 1},     {2, 1, (double)NAN, (double)NAN}};
    struct table *t = table_new(&GIVEN(TWO_QUEUES, cells, 3));
    for (size_t cut = 1; cut <= 3; cut += 2) {
        table_cut(t, cut);
        struct ql_layout_result result;
        struct recorder *r = table_record(t, &(struct ql_layout_options){.round_digits = -1}, &result);
        const struct recorded_column *n = recorder_find(r, "n_b");
        const struct recorded_column *x = recorder_find(r, "x_b");
        assert_true(n->min_ks[0] >= 0 && n->max_ks[0] <= 2 * 5);
        assert_true(x->min_ks[0] >= -2 * 25 && x->max_ks[0] <= 2 * 50);
        ql_layout_result_fini(&result);
        recorder_free(r);
    }
    ql_mem_free(t);
}

/* ---- random cells */

enum { N_INTERVALS = 60, N_QUEUES = 5 };
struct random_table {
    struct given_cell cells[N_INTERVALS * N_QUEUES];
    double expected[2][N_INTERVALS][N_QUEUES]; /* n, x */
    bool is_mentioned[N_INTERVALS][N_QUEUES];
    struct table *t;
};

static const struct ql_queue FIVE_QUEUES[] = {NAMED("a"), WITH_ID("9", "b"), WITH_ID("4", "c"), WITH_ID("5", "c"),
                                              WITH_ID("1", "d")};

static void make_random(struct random_table *random, uint64_t seed) {
    static const double POWERS[] = {100, 30000, 2e9, 1e12};
    struct given given = {.n_intervals = N_INTERVALS,
                          .queues = FIVE_QUEUES,
                          .n_queues = N_QUEUES,
                          .cells = random->cells,
                          .idle_n = seed % 2 == 0 ? 0 : (double)NAN,
                          .idle_x = seed % 3 == 0 ? 0 : (double)NAN,
                          .has_queue_id = true};
    for (size_t i = 0; i < N_INTERVALS; i++) {
        double power = POWERS[seed % 4 == 0 ? i / 16 : 0];
        for (size_t q = 0; q < N_QUEUES; q++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            random->is_mentioned[i][q] = i / 10 % 3 != 1 && (seed >> 60) > 4; /* some parts have no cell at all */
            double n = (seed >> 56 & 15) == 0 ? (double)NAN : floor((double)(seed >> 20 & 0xffff) / 65536 * power);
            double x = (seed >> 52 & 15) == 0 ? (double)NAN : (double)(seed >> 16 & 0xfffff) / 1000;
            random->expected[0][i][q] = random->is_mentioned[i][q] ? n : given.idle_n;
            random->expected[1][i][q] = random->is_mentioned[i][q] ? x : given.idle_x;
            if (random->is_mentioned[i][q]) {
                random->cells[given.n_cells++] = (struct given_cell){(uint32_t)i, (uint32_t)q, n, x};
            }
        }
    }
    random->t = table_new(&given);
    random->t->scale_of_x = 3;
    random->t->grid.has_totals = true;
    for (size_t i = 0; i < N_INTERVALS; i++) {
        random->t->totals[GIVEN_N][i] = i % 7 == 0 ? (double)NAN : (double)(i * i * i);
        random->t->totals[GIVEN_X][i] = i % 5 == 0 ? (double)NAN : (double)i / 4;
    }
}

static void check_row(const struct recorder *r, size_t row, size_t q, size_t i) {
    const struct recorded_value *id = &recorder_find(r, "queue_id")->values[row];
    assert_true(id->is_null == (FIVE_QUEUES[q].id.len == 0));
    assert_true(id->is_null || ql_str_eq(id->text, FIVE_QUEUES[q].id));
    assert_true(ql_str_eq(recorder_find(r, "queue_name")->values[row].text, FIVE_QUEUES[q].name));
    assert_int_equal(recorder_find(r, "interval_start")->values[row].i64, JAN_1_2024 + US_OF_MINUTES(30) * (int64_t)i);
}

static void check_random(const struct random_table *random, struct ql_layout_options options) {
    struct ql_layout_result result;
    struct recorder *r = table_record(random->t, &options, &result);
    bool is_tidy = options.layout == QL_LAYOUT_TIDY;
    size_t row = 0;
    for (size_t i = 0; i < N_INTERVALS; i++) {
        for (size_t q = 0; q < N_QUEUES && options.layout != QL_LAYOUT_WIDE; q++) {
            for (size_t m = 0; (options.has_all_cells || random->is_mentioned[i][q]) && m < (is_tidy ? 2 : 1); m++) {
                check_row(r, row, q, i);
                if (is_tidy) {
                    assert_true(same_value(recorder_number(r, "value", row), random->expected[m][i][q]));
                } else {
                    assert_true(same_value(recorder_number(r, "n", row), random->expected[0][i][q]));
                    assert_true(same_value(recorder_number(r, "x", row), random->expected[1][i][q]));
                }
                row++;
            }
        }
        for (size_t c = 0; c < 2 * (N_QUEUES + 1) && options.layout == QL_LAYOUT_WIDE; c++) {
            size_t m = c / (N_QUEUES + 1);
            size_t q = c % (N_QUEUES + 1);
            double expected = q == N_QUEUES ? random->t->totals[m == 0 ? GIVEN_N : GIVEN_X][i] : random->expected[m][i][q];
            assert_true(same_value(recorder_number(r, r->columns[3 + c].name, i), expected));
            row = i + 1;
        }
    }
    assert_int_equal(r->n_rows, row);
    ql_layout_result_fini(&result);
    recorder_free(r);
}

static void values_do_not_depend_on_parts_or_groups(void **state) {
    (void)state;
    static const size_t CUTS[] = {N_INTERVALS, 1, 7, 10, 31};
    static const size_t GROUPS[] = {0, 20, 100};
    static struct random_table random;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        make_random(&random, seed);
        for (size_t c = 0; c < sizeof CUTS / sizeof CUTS[0]; c++) {
            table_cut(random.t, CUTS[c]);
            for (size_t g = 0; g < sizeof GROUPS / sizeof GROUPS[0]; g++) {
                for (int layout = 0; layout < 3; layout++) {
                    struct ql_layout_options options = {
                        .layout = (enum ql_layout)layout, .group_rows = GROUPS[g], .round_digits = 4};
                    check_random(&random, options);
                    options.has_all_cells = options.layout != QL_LAYOUT_WIDE;
                    check_random(&random, options);
                }
            }
        }
        ql_mem_free(random.t);
    }
}

struct packing_job {
    const struct table *t;
    struct ql_layout_writer *writer;
};
static enum ql_status pack_task(void *ctx, size_t worker, size_t task, struct ql_err *err) {
    const struct packing_job *job = ctx;
    struct ql_cells cells = {0};
    (void)worker;
    table_make_part(job->t, task, &cells);
    enum ql_status status = ql_layout_writer_pack(job->writer, task, &cells, err);
    ql_cells_fini(&cells);
    return status;
}

static void parts_may_be_packed_by_several_threads(void **state) {
    (void)state;
    static struct random_table random;
    make_random(&random, 4);
    table_cut(random.t, 1);
    for (int layout = 0; layout < 3; layout++) {
        const struct ql_layout_options options = {.layout = (enum ql_layout)layout, .round_digits = 4};
        struct ql_layout_result result;
        struct recorder *expected = table_record(random.t, &options, &result);
        ql_layout_result_fini(&result);
        struct recorder *r = recorder_new();
        const struct ql_column_sink sink = recorder_sink(r);
        struct packing_job job = {.t = random.t};
        assert_ok(
            ql_layout_writer_new(&random.t->grid, random.t->defs, GIVEN_METRICS, &options, &sink, &result, &job.writer, err));
        assert_ok(ql_parallel_run(4, random.t->grid.n_parts, pack_task, &job, err));
        assert_ok(ql_layout_writer_write_group(job.writer, 0, random.t->grid.n_parts, err));
        assert_int_equal(r->n_rows, expected->n_rows);
        for (size_t c = 0; c < r->n_columns; c++) {
            for (size_t i = 0; i < r->n_rows && r->columns[c].type != QL_COLUMN_STRING; i++) {
                assert_true(
                    same_value(recorder_number(r, r->columns[c].name, i), recorder_number(expected, r->columns[c].name, i)));
            }
        }
        ql_layout_writer_free(job.writer);
        ql_layout_result_fini(&result);
        recorder_free(expected);
        recorder_free(r);
    }
    ql_mem_free(random.t);
}

/* ---- decimals */

static void rates_are_decimals_where_asked(void **state) {
    (void)state;
    static const struct given_cell cells[] = {{0, 0, 1, 0.1235}, {1, 0, 2, (double)NAN}, {2, 0, 3, 1e13}};
    struct table *t = table_new(&GIVEN(TWO_QUEUES, cells, 3));
    t->defs[GIVEN_X].is_kpi = true;
    t->scale_of_x = QL_CELL_SCALE_UNKNOWN;
    struct ql_layout_options options = {.layout = QL_LAYOUT_LONG, .has_decimal_rates = true, .round_digits = 4};
    static const int64_t K[] = {1235, 0, INT64_C(100000000000000000)};
    for (size_t cut = 1; cut <= 3; cut++) {
        table_cut(t, cut);
        for (size_t group_rows = 1; group_rows <= 3; group_rows++) {
            for (int layout = 0; layout < 2; layout++) {
                options.layout = layout == 0 ? QL_LAYOUT_WIDE : QL_LAYOUT_LONG;
                options.group_rows = group_rows;
                struct ql_layout_result result;
                struct recorder *r = table_record(t, &options, &result);
                const struct recorded_column *x = recorder_find(r, layout == 0 ? "x_a" : "x");
                assert_int_equal(x->type, QL_COLUMN_DECIMAL);
                assert_int_equal(x->scale, 4);
                assert_int_equal(recorder_find(r, layout == 0 ? "n_a" : "n")->type, QL_COLUMN_INT64);
                for (size_t i = 0; i < 3; i++) {
                    assert_int_equal(x->values[i].is_null, i == 1);
                    assert_true(x->values[i].is_null || x->values[i].i64 == K[i]);
                }
                ql_layout_result_fini(&result);
                recorder_free(r);
            }
        }
    }
    ql_mem_free(t);
}

static void a_rate_too_large_for_its_decimal_is_an_error(void **state) {
    (void)state;
    static const struct given_cell cells[] = {{0, 0, 1, 1e14}};
    struct table *t = table_new(&GIVEN(TWO_QUEUES, cells, 1));
    t->defs[GIVEN_X].is_kpi = true;
    struct ql_layout_options options = {.layout = QL_LAYOUT_LONG, .has_decimal_rates = true, .round_digits = 4};
    struct ql_layout_result result;
    struct ql_err error = {0};
    struct recorder *r = recorder_new();
    assert_int_equal(table_write(t, &options, r, &result, &error), QL_E_DATA);
    assert_string_equal(error.message, "kpi 'x' has a value that is too large for a decimal of 18 digits, 4 of them decimals");
    ql_layout_result_fini(&result);
    recorder_free(r);

    r = recorder_new();
    options.round_digits = -1;
    assert_int_equal(table_write(t, &options, r, &result, &error), QL_E_CONFIG);
    assert_int_equal(r->n_calls, 0);
    ql_layout_result_fini(&result);
    recorder_free(r);

    r = recorder_new(); /* tidy has one column of doubles for all metrics */
    options = (struct ql_layout_options){.layout = QL_LAYOUT_TIDY, .has_decimal_rates = true, .round_digits = 4};
    assert_ok(table_write(t, &options, r, &result, err));
    assert_int_equal(recorder_find(r, "value")->type, QL_COLUMN_DOUBLE);
    assert_true(recorder_number(r, "value", 1) == 1e14);
    ql_layout_result_fini(&result);
    recorder_free(r);
    ql_mem_free(t);
}

/* ---- intervals */

static void a_groups_dictionaries_have_its_own_intervals_alone(void **state) {
    (void)state;
    enum { N = 6 };
    static const int64_t STARTS[N] = {0, 0, 10, 30, 30, 40};
    static const int64_t ENDS[N] = {60, 90, 60, 60, 75, 60}; /* not ascending */
    struct given_cell cells[N];
    for (uint32_t i = 0; i < N; i++) {
        cells[i] = (struct given_cell){i, i % 2, 1, 1};
    }
    struct table *t = table_new(&GIVEN(TWO_QUEUES, cells, N));
    for (size_t i = 0; i < N; i++) {
        t->intervals[i] = (struct ql_interval){JAN_1_2024 + US_OF_MINUTES(STARTS[i]), JAN_1_2024 + US_OF_MINUTES(ENDS[i])};
    }
    table_cut(t, 1);
    for (int layout = 0; layout < 3; layout++) {
        struct ql_layout_result result;
        const struct ql_layout_options options = {.layout = (enum ql_layout)layout, .group_rows = layout == 2 ? 6 : 3};
        struct recorder *r = table_record(t, &options, &result);
        size_t rows_per_cell = layout == 2 ? 2 : 1;
        assert_int_equal(r->n_groups, 2);
        const struct recorded_column *starts = recorder_find(r, "interval_start");
        const struct recorded_column *ends = recorder_find(r, "interval_end");
        assert_int_equal(starts->n_dicts[0], 2);
        assert_int_equal(starts->n_dicts[1], 2);
        assert_int_equal(ends->n_dicts[0], 2);
        assert_int_equal(ends->n_dicts[1], 2);
        for (size_t row = 0; row < N * rows_per_cell; row++) {
            assert_int_equal(starts->values[row].i64, t->intervals[row / rows_per_cell].start_us);
            assert_int_equal(ends->values[row].i64, t->intervals[row / rows_per_cell].end_us);
        }
        if (layout != 2) {
            assert_int_equal(recorder_find(r, "time_interval")->n_dicts[1], 3);
            assert_str_equal(recorder_find(r, "time_interval")->values[4].text,
                             "2024-01-01T00:30:00.000Z/2024-01-01T01:15:00.000Z");
        }
        ql_layout_result_fini(&result);
        recorder_free(r);
    }
    ql_mem_free(t);
}

static void texts_that_repeat_are_one_entry(void **state) {
    (void)state;
    static const struct given_cell cells[] = {{0, 0, 1, 1}, {1, 0, 2, 2}, {2, 0, 3, 3}};
    struct table *t = table_new(&GIVEN(TWO_QUEUES, cells, 3));
    t->texts[0] = QL_STR("z");
    t->texts[1] = QL_STR("a");
    t->texts[2] = QL_STR("z");
    struct ql_layout_result result;
    struct recorder *r = table_record(t, &(struct ql_layout_options){.is_pandas = true}, &result);
    recorder_has_columns(r, "timeInterval n_a n_b x_a x_b");
    assert_int_equal(recorder_find(r, "timeInterval")->n_dicts[0], 2);
    assert_str_equal(recorder_find(r, "timeInterval")->values[2].text, "z");
    assert_str_equal(recorder_find(r, "timeInterval")->values[1].text, "a");
    ql_layout_result_fini(&result);
    recorder_free(r);
    ql_mem_free(t);
}

/* ---- row groups */

struct grid_of_parts {
    struct ql_grid grid;
    struct ql_interval *intervals;
    struct ql_part *parts;
    struct ql_queue *queues;
    char (*names)[24];
};

static void make_grid(struct grid_of_parts *g, size_t n_intervals, size_t n_queues, size_t part_intervals, uint64_t seed) {
    g->intervals = ql_mem_zalloc(n_intervals, sizeof *g->intervals);
    g->parts = ql_mem_zalloc(n_intervals, sizeof *g->parts);
    g->queues = ql_mem_zalloc(n_queues, sizeof *g->queues);
    g->names = ql_mem_zalloc(n_queues, sizeof *g->names);
    g->grid = (struct ql_grid){.n_intervals = n_intervals, .n_queues = n_queues};
    for (size_t i = 0; i < n_intervals; i++) {
        g->intervals[i] = (struct ql_interval){(int64_t)i, (int64_t)i + 1};
    }
    for (size_t q = 0; q < n_queues; q++) {
        (void)snprintf(g->names[q], sizeof g->names[q], "q%06zu", q);
        g->queues[q].name = ql_str_from(g->names[q]);
    }
    for (size_t first = 0; first < n_intervals;) {
        struct ql_part *part = &g->parts[g->grid.n_parts++];
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t n = 1 + (seed >> 33) % (2 * part_intervals);
        n = n < n_intervals - first ? n : n_intervals - first;
        *part = (struct ql_part){.first_interval = first, .n_intervals = n, .max_cells = (seed >> 20) % (n * n_queues + 1)};
        first += n;
    }
    g->grid.intervals = g->intervals;
    g->grid.parts = g->parts;
    g->grid.queues = g->queues;
}
static void free_grid(struct grid_of_parts *g) {
    ql_mem_free(g->intervals);
    ql_mem_free(g->parts);
    ql_mem_free(g->queues);
    ql_mem_free(g->names);
}

static enum ql_status take_schema(void *ctx, const struct ql_schema *schema, struct ql_err *err) {
    (void)err;
    *(size_t *)ctx = schema->n_columns;
    return QL_OK;
}

/* Ends of all groups; they follow one another and cover all. */
static size_t find_groups_of(const struct grid_of_parts *g, const struct ql_cell_def *defs, size_t n_defs,
                             const struct ql_layout_options *options, size_t *ends) {
    size_t n_columns;
    const struct ql_column_sink sink = {.schema = take_schema, .ctx = &n_columns};
    struct ql_layout_result result;
    struct ql_layout_writer *writer = NULL;
    assert_ok(ql_layout_writer_new(&g->grid, defs, n_defs, options, &sink, &result, &writer, err));
    size_t n_groups = 0;
    for (size_t p = 0; p < g->grid.n_parts; p = ends[n_groups - 1]) {
        ends[n_groups++] = ql_layout_writer_group_end(writer, p);
        assert_true(ends[n_groups - 1] > p && ends[n_groups - 1] <= g->grid.n_parts);
    }
    ql_layout_writer_free(writer);
    ql_layout_result_fini(&result);
    return n_groups;
}

static size_t find_groups(const struct grid_of_parts *g, const struct ql_layout_options *options, size_t *ends) {
    static const struct ql_cell_def DEFS[] = {{.name = {"n", 1}}, {.name = {"x", 1}, .type = QL_CELL_DOUBLE}};
    return find_groups_of(g, DEFS, 2, options, ends);
}

static size_t rows_of(const struct grid_of_parts *g, const struct ql_layout_options *options, size_t part) {
    const struct ql_part *p = &g->parts[part];
    if (options->layout == QL_LAYOUT_WIDE) {
        return p->n_intervals;
    }
    size_t n_cells = options->has_all_cells ? p->n_intervals * g->grid.n_queues : p->max_cells;
    return options->layout == QL_LAYOUT_TIDY ? 2 * n_cells : n_cells;
}

/* No group has more rows than that, unless it is one part, nor could it have had the next part. */
static void check_bound(const struct grid_of_parts *g, const struct ql_layout_options *options, size_t bound) {
    size_t *ends = ql_mem_zalloc(g->grid.n_parts, sizeof *ends);
    size_t n_groups = find_groups(g, options, ends);
    size_t first = 0;
    for (size_t k = 0; k < n_groups; k++) {
        size_t n_rows = 0;
        for (size_t p = first; p < ends[k]; p++) {
            n_rows += rows_of(g, options, p);
        }
        assert_true(n_rows <= bound || ends[k] == first + 1);
        assert_true(ends[k] == g->grid.n_parts || n_rows + rows_of(g, options, ends[k]) > bound);
        first = ends[k];
    }
    ql_mem_free(ends);
}

/* Equal shares of at most 1,350,000 rows, each to the end of the part that reaches its end; two of them from 600,000 rows on.
 */
static void check_shares(const struct grid_of_parts *g, const struct ql_layout_options *options) {
    size_t *ends = ql_mem_zalloc(g->grid.n_parts, sizeof *ends);
    size_t n_groups = find_groups(g, options, ends);
    size_t n_rows = 0;
    for (size_t p = 0; p < g->grid.n_parts; p++) {
        n_rows += rows_of(g, options, p);
    }
    size_t expected = (n_rows + 1349999) / 1350000;
    expected = expected < 2 && n_rows >= 600000 ? 2 : expected;
    assert_int_equal(n_groups, expected);
    size_t n_before = 0;
    for (size_t k = 0, p = 0; k < n_groups; k++) {
        size_t share = (k + 1) * n_rows / n_groups;
        for (; p < ends[k]; p++) {
            assert_true(n_before < share);
            n_before += rows_of(g, options, p);
        }
        assert_true(n_before >= share);
    }
    ql_mem_free(ends);
}

static void groups_of_rows_keep_their_bound(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct grid_of_parts g;
        make_grid(&g, 6000, seed % 2 == 0 ? 2000 : 30, 1 + seed * 7, seed);
        for (int layout = 1; layout < 3; layout++) {
            for (int has_all_cells = 0; has_all_cells < 2; has_all_cells++) {
                struct ql_layout_options options = {.layout = (enum ql_layout)layout, .has_all_cells = has_all_cells == 1};
                check_shares(&g, &options);
                options.group_rows = 5000;
                check_bound(&g, &options, 5000);
            }
        }
        check_bound(&g, &(struct ql_layout_options){.group_rows = 100}, 100);
        free_grid(&g);
    }
}

/* Twenty doubles are 160 bytes a row: groups of 40 MiB have a fifth of the rows. */
static void groups_of_long_rows_are_shorter(void **state) {
    (void)state;
    struct grid_of_parts g;
    make_grid(&g, 6000, 400, 3, 5);
    struct ql_cell_def defs[20];
    char names[20][4];
    for (size_t d = 0; d < 20; d++) {
        (void)snprintf(names[d], sizeof names[d], "x%zu", d);
        defs[d] = (struct ql_cell_def){.name = ql_str_from(names[d]), .type = QL_CELL_DOUBLE};
    }
    size_t *ends = ql_mem_zalloc(g.grid.n_parts, sizeof *ends);
    const struct ql_layout_options options = {.layout = QL_LAYOUT_LONG, .has_all_cells = true};
    assert_int_equal(find_groups_of(&g, defs, 20, &options, ends), 10); /* of 2,400,000 rows, 262,144 at most */
    ql_mem_free(ends);
    free_grid(&g);
}

/* wide: equal groups of at most 204 MiB at 2 bytes a count and 8 a double, or of 4,000 intervals where that is more. */
static void groups_of_wide_are_equal(void **state) {
    (void)state;
    static const struct {
        size_t n_intervals, n_queues, n_groups;
    } CASES[] = {{1, 1, 1},       {48, 5000, 1},   {35040, 250, 1},  {35040, 500, 1},  {35040, 700, 2}, {3999, 5000, 1},
                 {4001, 5000, 1}, {8001, 5000, 2}, {35040, 5000, 8}, {350400, 250, 5}, {350400, 1, 1}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct grid_of_parts g;
        make_grid(&g, CASES[i].n_intervals, CASES[i].n_queues, 64, i);
        size_t *ends = ql_mem_zalloc(g.grid.n_parts, sizeof *ends);
        size_t n_groups = find_groups(&g, &(struct ql_layout_options){0}, ends);
        assert_int_equal(n_groups, CASES[i].n_groups);
        for (size_t k = 0; k < n_groups; k++) {
            size_t share = (k + 1) * CASES[i].n_intervals / n_groups;
            size_t at = ends[k] < g.grid.n_parts ? g.parts[ends[k]].first_interval : CASES[i].n_intervals;
            assert_true(at >= share && g.parts[ends[k] - 1].first_interval < share); /* the first end of a part from there on */
        }
        ql_mem_free(ends);
        free_grid(&g);
    }
}

static void ten_thousand_columns_are_made(void **state) {
    (void)state;
    struct grid_of_parts g;
    size_t ends[2];
    make_grid(&g, 1, 5000, 1, 1);
    assert_int_equal(find_groups(&g, &(struct ql_layout_options){.max_columns = 10003}, ends), 1);
    free_grid(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_any_width_and_scale_make_one_column),
        cmocka_unit_test(a_known_scale_is_used),
        cmocka_unit_test(a_queues_range_is_its_own),
        cmocka_unit_test(values_do_not_depend_on_parts_or_groups),
        cmocka_unit_test(parts_may_be_packed_by_several_threads),
        cmocka_unit_test(rates_are_decimals_where_asked),
        cmocka_unit_test(a_rate_too_large_for_its_decimal_is_an_error),
        cmocka_unit_test(a_groups_dictionaries_have_its_own_intervals_alone),
        cmocka_unit_test(texts_that_repeat_are_one_entry),
        cmocka_unit_test(groups_of_rows_keep_their_bound),
        cmocka_unit_test(groups_of_long_rows_are_shorter),
        cmocka_unit_test(groups_of_wide_are_equal),
        cmocka_unit_test(ten_thousand_columns_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
