#include "unit/kpi/vectors.h"
#include "unit/layout/layout_recorder.h"

#define US_OF_MINUTES(n) ((int64_t)(n)*60 * QL_US_PER_S)
#define JAN_1_2024 INT64_C(1704067200000000)

struct given_cell {
    uint32_t interval, queue;
    double n, x; /* NaN: NULL */
};
struct given {
    size_t n_intervals;
    const struct ql_queue *queues;
    size_t n_queues;
    const struct given_cell *cells;
    size_t n_cells;
    double idle_n, idle_x;
    bool has_queue_id;
};

static int64_t count_of(double value) {
    return isnan(value) ? QL_CELL_NULL_I64 : (int64_t)value;
}

static void add_metric(struct ql_cells *cells, const struct given *given, const char *name, bool is_double) {
    struct ql_cell_column *column = &cells->columns[cells->n_columns++];
    *column = (struct ql_cell_column){.name = ql_str_from(name), .type = is_double ? QL_CELL_DOUBLE : QL_CELL_INT64};
    column->v.i64 = ql_mem_zalloc(given->n_cells, sizeof *column->v.i64);
    column->idle.i64 = ql_mem_zalloc(given->n_intervals, sizeof *column->idle.i64);
    for (size_t c = 0; c < given->n_cells; c++) {
        if (is_double) {
            column->v.f64[c] = given->cells[c].x;
        } else {
            column->v.i64[c] = count_of(given->cells[c].n);
        }
    }
    for (size_t i = 0; i < given->n_intervals; i++) {
        if (is_double) {
            column->idle.f64[i] = given->idle_x;
        } else {
            column->idle.i64[i] = count_of(given->idle_n);
        }
    }
}

/* Cells with the metrics "n" (INT64), "hidden" and "x" (DOUBLE). */
static struct ql_cells make_cells(const struct given *given) {
    struct ql_cells cells = {.n_intervals = given->n_intervals,
                             .n_queues = given->n_queues,
                             .n_cells = given->n_cells,
                             .has_queue_id = given->has_queue_id};
    cells.intervals = ql_mem_zalloc(cells.n_intervals, sizeof *cells.intervals);
    cells.queues = ql_mem_zalloc(cells.n_queues, sizeof *cells.queues);
    cells.interval_of = ql_mem_zalloc(cells.n_cells, sizeof *cells.interval_of);
    cells.queue_of = ql_mem_zalloc(cells.n_cells, sizeof *cells.queue_of);
    for (size_t i = 0; i < cells.n_intervals; i++) {
        cells.intervals[i].start_us = JAN_1_2024 + US_OF_MINUTES(30) * (int64_t)i;
        cells.intervals[i].end_us = JAN_1_2024 + US_OF_MINUTES(30) * (int64_t)(i + 1);
    }
    for (size_t q = 0; q < cells.n_queues; q++) {
        cells.queues[q] = given->queues[q];
    }
    for (size_t c = 0; c < cells.n_cells; c++) {
        cells.interval_of[c] = given->cells[c].interval;
        cells.queue_of[c] = given->cells[c].queue;
    }
    cells.columns = ql_mem_zalloc(3, sizeof *cells.columns);
    add_metric(&cells, given, "n", false);
    add_metric(&cells, given, "hidden", false);
    cells.columns[1].is_hidden = true;
    add_metric(&cells, given, "x", true);
    return cells;
}

static struct recorder *record(const struct ql_cells *cells, const struct ql_layout_options *options,
                               struct ql_layout_result *result) {
    struct recorder *recorder = recorder_new();
    struct ql_column_sink sink = recorder_sink(recorder);
    assert_ok(ql_layout_write(cells, options, &sink, result, err));
    assert_int_equal(result->n_columns, recorder->n_columns);
    assert_int_equal(result->n_rows, recorder->n_rows);
    recorder_is_sorted_as_declared(recorder);
    return recorder;
}

static void fails(const struct ql_cells *cells, const struct ql_layout_options *options, enum ql_status status,
                  const char *message) {
    struct recorder *recorder = recorder_new();
    struct ql_column_sink sink = recorder_sink(recorder);
    struct ql_layout_result result;
    struct ql_err error = {0};
    assert_int_equal(ql_layout_write(cells, options, &sink, &result, &error), status);
    assert_string_equal(error.message, message);
    assert_int_equal(recorder->n_calls, 0);
    ql_layout_result_fini(&result);
    recorder_free(recorder);
}

/* ---- against pandas */

enum { MAX_CELLS = 512, MAX_QUEUES = 32, MAX_INTERVALS = 64 };
struct pivoted {
    struct given given;
    struct ql_queue queues[MAX_QUEUES];
    char names[MAX_QUEUES][24];
    struct given_cell cells[MAX_CELLS];
    double expected[2][MAX_QUEUES][MAX_INTERVALS]; /* n, x */
};

static bool read_pivoted(struct vectors *vectors, struct pivoted *p) {
    if (!vectors_next_line(vectors)) {
        return false;
    }
    *p = (struct pivoted){0};
    assert_str_equal(vectors_field(vectors), "L");
    p->given = (struct given){.queues = p->queues, .cells = p->cells};
    p->given.n_intervals = vectors_count(vectors);
    p->given.n_queues = vectors_count(vectors);
    p->given.n_cells = vectors_count(vectors);
    p->given.idle_n = vectors_double(vectors);
    p->given.idle_x = vectors_double(vectors);
    assert_true(p->given.n_cells <= MAX_CELLS && p->given.n_queues <= MAX_QUEUES && p->given.n_intervals <= MAX_INTERVALS);
    for (size_t q = 0; q < p->given.n_queues; q++) {
        (void)snprintf(p->names[q], sizeof p->names[q], "q%02zu", q);
        p->queues[q].name = ql_str_from(p->names[q]);
    }
    for (size_t c = 0; c < p->given.n_cells; c++) {
        assert_true(vectors_next_line(vectors));
        assert_str_equal(vectors_field(vectors), "C");
        p->cells[c].interval = (uint32_t)vectors_count(vectors);
        p->cells[c].queue = (uint32_t)vectors_count(vectors);
        p->cells[c].n = vectors_double(vectors);
        p->cells[c].x = vectors_double(vectors);
    }
    for (size_t w = 0; w < 2 * p->given.n_queues; w++) {
        assert_true(vectors_next_line(vectors));
        assert_str_equal(vectors_field(vectors), "W");
        bool is_x = ql_str_eq(vectors_field(vectors), QL_STR("x"));
        size_t q = vectors_count(vectors);
        for (size_t i = 0; i < p->given.n_intervals; i++) {
            p->expected[is_x][q][i] = vectors_double(vectors);
        }
    }
    return true;
}

static void check_value(double got, double expected, size_t row) {
    if (!same_value(got, expected)) {
        fail_msg("row %zu: got %.17g, expected %.17g", row, got, expected);
    }
}

static void check_wide(const struct pivoted *p, const struct ql_cells *cells) {
    struct ql_layout_result result;
    struct recorder *recorder = record(cells, &(struct ql_layout_options){.layout = QL_LAYOUT_WIDE}, &result);
    assert_int_equal(recorder->n_groups, 1);
    assert_int_equal(recorder->n_rows, p->given.n_intervals);
    assert_int_equal(recorder->n_columns, 3 + 2 * p->given.n_queues);
    for (size_t q = 0; q < p->given.n_queues; q++) {
        for (int is_x = 0; is_x < 2; is_x++) {
            char name[32];
            (void)snprintf(name, sizeof name, "%s_%s", is_x == 1 ? "x" : "n", p->names[q]);
            assert_string_equal(recorder->columns[3 + (size_t)is_x * p->given.n_queues + q].name, name);
            for (size_t i = 0; i < p->given.n_intervals; i++) {
                check_value(recorder_number(recorder, name, i), p->expected[is_x][q][i], i);
            }
        }
    }
    ql_layout_result_fini(&result);
    recorder_free(recorder);
}

static void check_long(const struct pivoted *p, const struct ql_cells *cells, bool has_all_cells, size_t group_rows) {
    struct ql_layout_result result;
    const struct ql_layout_options options = {
        .layout = QL_LAYOUT_LONG, .has_all_cells = has_all_cells, .group_rows = group_rows};
    struct recorder *recorder = record(cells, &options, &result);
    size_t n_rows = has_all_cells ? p->given.n_intervals * p->given.n_queues : p->given.n_cells;
    assert_int_equal(recorder->n_rows, n_rows);
    assert_int_equal(recorder->n_groups, group_rows == 0 ? 1 : (n_rows + group_rows - 1) / group_rows);
    recorder_has_columns(recorder, "time_interval interval_start+ interval_end+ queue_name+ n x");
    for (size_t row = 0; row < n_rows; row++) {
        size_t i = has_all_cells ? row / p->given.n_queues : p->cells[row].interval;
        size_t q = has_all_cells ? row % p->given.n_queues : p->cells[row].queue;
        check_value(recorder_number(recorder, "n", row), p->expected[0][q][i], row);
        check_value(recorder_number(recorder, "x", row), p->expected[1][q][i], row);
        assert_str_equal(recorder_find(recorder, "queue_name")->values[row].text, p->names[q]);
        assert_int_equal(recorder_find(recorder, "interval_start")->values[row].i64,
                         JAN_1_2024 + US_OF_MINUTES(30) * (int64_t)i);
        assert_int_equal(recorder_find(recorder, "interval_end")->values[row].i64,
                         JAN_1_2024 + US_OF_MINUTES(30) * (int64_t)(i + 1));
    }
    ql_layout_result_fini(&result);
    recorder_free(recorder);
}

static void values_lie_where_pandas_pivots_them(void **state) {
    (void)state;
    static struct pivoted p;
    struct vectors vectors = vectors_open("layout.tsv");
    size_t n = 0;
    for (; read_pivoted(&vectors, &p); n++) {
        struct ql_cells cells = make_cells(&p.given);
        check_wide(&p, &cells);
        static const size_t GROUPS[] = {0, 1, 3, 7, 64};
        for (size_t g = 0; g < sizeof GROUPS / sizeof GROUPS[0]; g++) {
            check_long(&p, &cells, false, GROUPS[g]);
            check_long(&p, &cells, true, GROUPS[g]);
        }
        ql_cells_fini(&cells);
    }
    assert_int_equal(n, 5);
    vectors_close(&vectors);
}

/* ---- by hand */

#define NAMED(text)                                       \
    {                                                     \
        .name = {.ptr = (text), .len = sizeof(text) - 1 } \
    }
#define WITH_ID(key, text)                                                                              \
    {                                                                                                   \
        .id = {.ptr = (key), .len = sizeof(key) - 1}, .name = {.ptr = (text), .len = sizeof(text) - 1 } \
    }
#define GIVEN(q, c, intervals)                                                                           \
    (struct given) {                                                                                     \
        .n_intervals = (intervals), .queues = (q), .n_queues = sizeof(q) / sizeof((q)[0]), .cells = (c), \
        .n_cells = sizeof(c) / sizeof((c)[0])                                                            \
    }

static const struct given_cell FOUR_CELLS[] = {
    {0, 0, 1, 0.5}, {0, 1, 2, 1.5}, {1, 1, 3, (double)NAN}, {2, 0, (double)NAN, 2.5}};

static void wide_has_all_queues_of_a_metric_before_the_next_and_its_total_last(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("Sales & Co"), NAMED("billing")};
    struct ql_cells cells = make_cells(&GIVEN(queues, FOUR_CELLS, 3));
    cells.intervals[1].text = QL_STR("2024-01-01T01:30+01:00/PT30M"); /* the export's own words are for the profile pandas */
    struct ql_layout_result result;
    struct recorder *recorder = record(&cells, &(struct ql_layout_options){0}, &result);
    recorder_has_columns(recorder, "time_interval interval_start+ interval_end+ n_sales_co n_billing x_sales_co x_billing");
    assert_str_equal(recorder->columns[0].values[1].text, "2024-01-01T00:30:00.000Z/2024-01-01T01:00:00.000Z");
    assert_int_equal(recorder->columns[0].type, QL_COLUMN_STRING);
    assert_int_equal(recorder->columns[1].type, QL_COLUMN_TIMESTAMP_US);
    assert_int_equal(recorder->columns[3].type, QL_COLUMN_INT64);
    assert_int_equal(recorder->columns[5].type, QL_COLUMN_DOUBLE);
    assert_true(isnan(recorder_number(recorder, "n_sales_co", 2)));
    assert_true(recorder_number(recorder, "n_billing", 2) == 0);
    assert_true(isnan(recorder_number(recorder, "x_billing", 1)));
    assert_int_equal(result.n_aliases, 1);
    assert_str_equal(result.aliases[0].queue, "Sales & Co");
    assert_str_equal(result.aliases[0].column_part, "sales_co");
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    cells.has_totals = true;
    for (size_t c = 0; c < cells.n_columns; c++) {
        cells.columns[c].total.i64 = ql_mem_zalloc(3, sizeof(int64_t));
    }
    cells.columns[0].total.i64[0] = 42;
    cells.columns[0].total.i64[1] = QL_CELL_NULL_I64;
    cells.columns[2].total.f64[2] = 4.25;
    recorder = record(&cells, &(struct ql_layout_options){.names = QL_NAMES_RAW}, &result);
    recorder_has_columns(recorder,
                         "time_interval interval_start+ interval_end+ n_Sales & Co n_billing n_all_queues x_Sales & Co "
                         "x_billing x_all_queues");
    assert_true(recorder_number(recorder, "n_all_queues", 0) == 42);
    assert_true(isnan(recorder_number(recorder, "n_all_queues", 1)));
    assert_true(recorder_number(recorder, "x_all_queues", 2) == 4.25);
    assert_int_equal(result.n_aliases, 0);
    ql_layout_result_fini(&result);
    recorder_free(recorder);
    ql_cells_fini(&cells);
}

static void the_pandas_profile_has_the_exports_own_text_first(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("A"), NAMED("B c")};
    struct ql_cells cells = make_cells(&GIVEN(queues, FOUR_CELLS, 3));
    cells.intervals[0].text = QL_STR("2024-01-01T09:00Z/PT30M");
    cells.intervals[1].text = QL_STR("2024-01-01T10:00Z/PT30M");
    cells.intervals[2].text = QL_STR("2024-01-01T8:00Z/PT30M");
    cells.intervals[2].start_us = 0; /* ordered by text, not by time */
    struct ql_layout_result result;
    struct ql_layout_options options = {.names = QL_NAMES_RAW, .is_pandas = true};
    struct recorder *recorder = record(&cells, &options, &result);
    recorder_has_columns(recorder, "timeInterval+ n_A n_B c x_A x_B c");
    assert_str_equal(recorder->columns[0].values[2].text, "2024-01-01T8:00Z/PT30M");
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    options.layout = QL_LAYOUT_LONG;
    recorder = record(&cells, &options, &result);
    recorder_has_columns(recorder, "timeInterval+ queue_name+ n x");
    assert_str_equal(recorder->columns[0].values[3].text, "2024-01-01T8:00Z/PT30M");
    ql_layout_result_fini(&result);
    recorder_free(recorder);
    ql_cells_fini(&cells);
}

static void long_has_ids_and_null_for_a_blank_one(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("alpha"), WITH_ID("9", "alpha"), WITH_ID("z", "alpha"), NAMED("beta"),
                                             WITH_ID("1", "gamma")};
    static const struct given_cell cells_of[] = {{0, 0, 1, 1}, {0, 1, 2, 2}, {0, 2, 3, 3},
                                                 {0, 3, 4, 4}, {1, 2, 5, 5}, {1, 4, 6, 6}};
    struct given given = GIVEN(queues, cells_of, 2);
    given.has_queue_id = true;
    struct ql_cells cells = make_cells(&given);
    struct ql_layout_result result;
    struct recorder *recorder = record(&cells, &(struct ql_layout_options){.layout = QL_LAYOUT_LONG}, &result);
    recorder_has_columns(recorder, "time_interval interval_start+ interval_end+ queue_id queue_name+ n x");
    static const char *const IDS[] = {NULL, "9", "z", NULL, "z", "1"};
    static const char *const NAMES[] = {"alpha", "alpha", "alpha", "beta", "alpha", "gamma"};
    for (size_t row = 0; row < 6; row++) {
        const struct recorded_value *id = &recorder_find(recorder, "queue_id")->values[row];
        assert_true(id->is_null == (IDS[row] == NULL));
        if (IDS[row] != NULL) {
            assert_str_equal(id->text, IDS[row]);
        }
        assert_str_equal(recorder_find(recorder, "queue_name")->values[row].text, NAMES[row]);
    }
    ql_layout_result_fini(&result);
    recorder_free(recorder);
    ql_cells_fini(&cells);
}

static void only_what_ascends_is_declared_sorted(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("b"), NAMED("a")};
    struct ql_cells cells = make_cells(&GIVEN(queues, FOUR_CELLS, 3));
    struct ql_layout_result result;
    const struct ql_layout_options options = {.layout = QL_LAYOUT_LONG};
    struct recorder *recorder = record(&cells, &options, &result);
    recorder_has_columns(recorder, "time_interval interval_start+ interval_end+ queue_name n x");
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    cells.queues[0].name = QL_STR("A");
    cells.intervals[1] = cells.intervals[0]; /* twice the same instants: names begin anew within them */
    cells.intervals[1].text = QL_STR("other");
    struct ql_layout_options pandas = {.layout = QL_LAYOUT_LONG, .is_pandas = true};
    cells.intervals[0].text = QL_STR("another");
    cells.intervals[2].text = QL_STR("zero");
    recorder = record(&cells, &pandas, &result);
    recorder_has_columns(recorder, "timeInterval+ queue_name+ n x");
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    cells.intervals[0].text = QL_STR("zoo");
    recorder = record(&cells, &pandas, &result);
    recorder_has_columns(recorder, "timeInterval queue_name n x");
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    cells.intervals[1].start_us = 0;
    cells.intervals[1].end_us = 1;
    recorder = record(&cells, &options, &result);
    recorder_has_columns(recorder, "time_interval interval_start interval_end queue_name n x");
    ql_layout_result_fini(&result);
    recorder_free(recorder);
    ql_cells_fini(&cells);
}

static void columns_of_one_name_are_errors_that_name_both(void **state) {
    (void)state;
    static const struct given_cell one[] = {{0, 0, 1, 1}};
    static const struct ql_queue queues[] = {NAMED("All Queues"), NAMED("b c")};
    struct ql_cells cells = make_cells(&GIVEN(queues, one, 1));
    cells.has_totals = true;
    for (size_t c = 0; c < cells.n_columns; c++) {
        cells.columns[c].total.i64 = ql_mem_zalloc(1, sizeof(int64_t));
    }
    fails(&cells, &(struct ql_layout_options){0}, QL_E_COLLISION,
          "column 'n_all_queues' would stand for metric 'n' of queue 'All Queues' and for metric 'n' of all queues");
    cells.has_totals = false;
    cells.columns[0].name = QL_STR("n_all_queues_b");
    cells.columns[2].name = QL_STR("n");
    cells.queues[0].name = QL_STR("All Queues b b_c");
    fails(&cells, &(struct ql_layout_options){0}, QL_E_COLLISION,
          "column 'n_all_queues_b_b_c' would stand for metric 'n_all_queues_b' of queue 'b c' and for metric 'n' of queue 'All "
          "Queues "
          "b b_c'");
    /* Two names that lose all their letters, with one beginning of their SHA-256. */
    cells.queues[0].name = QL_STR("\xe4\xb8\x83\xe4\xb8\x95");
    cells.queues[1].name = QL_STR("\xe4\xba\x82\xe4\xb8\x99");
    fails(&cells, &(struct ql_layout_options){0}, QL_E_COLLISION,
          "column 'n__133fa3' would stand for metric 'n' of queue '\xe4\xb8\x83\xe4\xb8\x95' and for metric 'n' of queue "
          "'\xe4\xba\x82\xe4\xb8\x99'");
    cells.columns[0].name = QL_STR("Interval");
    cells.queues[0].name = QL_STR("end");
    fails(&cells, &(struct ql_layout_options){0}, QL_E_COLLISION,
          "column 'Interval_end' would stand for the interval or queue of a row and for metric 'Interval' of queue 'end'");
    cells.columns[0].name = QL_STR("queue_name");
    fails(&cells, &(struct ql_layout_options){.layout = QL_LAYOUT_LONG}, QL_E_COLLISION,
          "column 'queue_name' would stand for the interval or queue of a row and for metric 'queue_name'");
    ql_cells_fini(&cells);
}

static void raw_names_may_differ_by_case_alone_but_are_counted(void **state) {
    (void)state;
    static const struct given_cell one[] = {{0, 0, 1, 1}};
    static const struct ql_queue queues[] = {NAMED("SALES"), NAMED("Sales"), NAMED("Sales!")};
    struct ql_cells cells = make_cells(&GIVEN(queues, one, 1));
    struct ql_layout_result result;
    struct recorder *recorder = record(&cells, &(struct ql_layout_options){.names = QL_NAMES_RAW}, &result);
    recorder_has_columns(recorder,
                         "time_interval interval_start+ interval_end+ n_SALES n_Sales n_Sales! x_SALES x_Sales x_Sales!");
    assert_int_equal(result.n_case_clashes, 4);
    assert_int_equal(result.n_clashes, 0);
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    recorder = record(&cells, &(struct ql_layout_options){0}, &result);
    assert_int_equal(result.n_clashes, 3);
    assert_int_equal(result.n_case_clashes, 0);
    assert_int_equal(result.n_aliases, 3);
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    cells.queues[0] = (struct ql_queue)WITH_ID("1", "Sales");
    cells.queues[1] = (struct ql_queue)WITH_ID("2", "Sales");
    fails(&cells, &(struct ql_layout_options){.names = QL_NAMES_RAW}, QL_E_COLLISION,
          "column 'n_Sales' would stand for metric 'n' of queue 'Sales' (id '1') and for metric 'n' of queue 'Sales' (id '2')");
    ql_cells_fini(&cells);
}

static void too_many_columns_are_refused_before_they_are_made(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a"), NAMED("b")};
    struct ql_cells cells = make_cells(&GIVEN(queues, FOUR_CELLS, 3));
    struct ql_layout_result result;
    recorder_free(record(&cells, &(struct ql_layout_options){.max_columns = 7}, &result));
    ql_layout_result_fini(&result);
    fails(&cells, &(struct ql_layout_options){.max_columns = 6}, QL_E_LIMIT,
          "2 metrics and KPIs of 2 queues would make more than 6 columns");
    recorder_free(record(&cells, &(struct ql_layout_options){.layout = QL_LAYOUT_LONG, .max_columns = 6}, &result));
    ql_layout_result_fini(&result);
    ql_cells_fini(&cells);
}

static void nothing_gives_the_schema_alone(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a"), NAMED("b")};
    for (int has_queues = 0; has_queues < 2; has_queues++) {
        const struct given given = {.queues = queues, .n_queues = has_queues == 1 ? 2 : 0};
        struct ql_cells cells = make_cells(&given);
        struct ql_layout_result result;
        struct recorder *recorder = record(&cells, &(struct ql_layout_options){0}, &result);
        recorder_has_columns(recorder, has_queues == 1 ? "time_interval interval_start+ interval_end+ n_a n_b x_a x_b"
                                                       : "time_interval interval_start+ interval_end+");
        assert_int_equal(recorder->n_groups, 0);
        ql_layout_result_fini(&result);
        recorder_free(recorder);
        for (int has_all_cells = 0; has_all_cells < 2; has_all_cells++) {
            const struct ql_layout_options options = {.layout = QL_LAYOUT_LONG, .has_all_cells = has_all_cells == 1};
            recorder = record(&cells, &options, &result);
            recorder_has_columns(recorder, "time_interval interval_start+ interval_end+ queue_name+ n x");
            assert_int_equal(recorder->n_groups, 0);
            ql_layout_result_fini(&result);
            recorder_free(recorder);
        }
        ql_cells_fini(&cells);
    }
}

static void intervals_without_cells_are_idle_rows(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a")};
    struct given given = {.n_intervals = 2, .queues = queues, .n_queues = 1, .idle_n = (double)NAN, .idle_x = 0.5};
    struct ql_cells cells = make_cells(&given);
    struct ql_layout_result result;
    struct recorder *recorder = record(&cells, &(struct ql_layout_options){0}, &result);
    assert_int_equal(recorder->n_rows, 2);
    assert_true(isnan(recorder_number(recorder, "n_a", 0)) && recorder_number(recorder, "x_a", 1) == 0.5);
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    for (size_t c = 0; c < cells.n_columns; c++) { /* a plan was never applied */
        ql_mem_free(cells.columns[c].idle.i64);
        cells.columns[c].idle.i64 = NULL;
    }
    for (int is_null = 0; is_null < 2; is_null++) {
        const struct ql_layout_options options = {
            .layout = QL_LAYOUT_LONG, .has_all_cells = true, .empty_is_null = is_null == 1};
        recorder = record(&cells, &options, &result);
        assert_true(same_value(recorder_number(recorder, "n", 1), is_null == 1 ? (double)NAN : 0));
        assert_true(same_value(recorder_number(recorder, "x", 0), is_null == 1 ? (double)NAN : 0));
        ql_layout_result_fini(&result);
        recorder_free(recorder);
    }
    ql_cells_fini(&cells);
}

static void an_error_of_the_sink_ends_the_writing(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a"), NAMED("b")};
    struct ql_cells cells = make_cells(&GIVEN(queues, FOUR_CELLS, 3));
    for (int layout = 0; layout < 2; layout++) {
        const struct ql_layout_options options = {.layout = layout == 0 ? QL_LAYOUT_WIDE : QL_LAYOUT_LONG, .group_rows = 2};
        const int n_calls = layout == 0 ? 1 + 1 : 1 + 2; /* schema, groups */
        for (int fails_at = 1; fails_at <= n_calls; fails_at++) {
            struct recorder *recorder = recorder_new();
            recorder->fails_at = fails_at;
            struct ql_column_sink sink = recorder_sink(recorder);
            struct ql_layout_result result;
            struct ql_err error = {0};
            assert_int_equal(ql_layout_write(&cells, &options, &sink, &result, &error), QL_E_IO);
            assert_int_equal(recorder->n_calls, fails_at);
            ql_layout_result_fini(&result);
            recorder_free(recorder);
        }
    }
    ql_cells_fini(&cells);
}

static void cells_out_of_order_are_a_bug(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a"), NAMED("b")};
    static const struct given_cell backwards[] = {{0, 1, 1, 1}, {0, 0, 1, 1}};
    static const struct given_cell outside[] = {{0, 1, 1, 1}, {3, 0, 1, 1}};
    struct ql_cells cells = make_cells(&GIVEN(queues, backwards, 3));
    fails(&cells, &(struct ql_layout_options){0}, QL_E_INTERNAL, "cell 1 is out of order");
    ql_cells_fini(&cells);
    cells = make_cells(&GIVEN(queues, outside, 3));
    fails(&cells, &(struct ql_layout_options){0}, QL_E_INTERNAL, "cell 1 is out of order");
    ql_cells_fini(&cells);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_lie_where_pandas_pivots_them),
        cmocka_unit_test(wide_has_all_queues_of_a_metric_before_the_next_and_its_total_last),
        cmocka_unit_test(the_pandas_profile_has_the_exports_own_text_first),
        cmocka_unit_test(long_has_ids_and_null_for_a_blank_one),
        cmocka_unit_test(only_what_ascends_is_declared_sorted),
        cmocka_unit_test(columns_of_one_name_are_errors_that_name_both),
        cmocka_unit_test(raw_names_may_differ_by_case_alone_but_are_counted),
        cmocka_unit_test(too_many_columns_are_refused_before_they_are_made),
        cmocka_unit_test(nothing_gives_the_schema_alone),
        cmocka_unit_test(intervals_without_cells_are_idle_rows),
        cmocka_unit_test(an_error_of_the_sink_ends_the_writing),
        cmocka_unit_test(cells_out_of_order_are_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
