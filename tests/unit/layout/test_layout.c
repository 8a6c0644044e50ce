#include "unit/layout/layout_given.h"

static void fails(const struct table *t, const struct ql_layout_options *options, enum ql_status status, const char *message) {
    struct recorder *recorder = recorder_new();
    struct ql_layout_result result;
    struct ql_err error = {0};
    assert_int_equal(table_write(t, options, recorder, &result, &error), status);
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

static void check_wide(const struct pivoted *p, const struct table *t) {
    struct ql_layout_result result;
    struct recorder *recorder = table_record(t, &(struct ql_layout_options){.layout = QL_LAYOUT_WIDE}, &result);
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

/* Groups of whole parts with at most so many rows, but for those without any row. */
static size_t count_groups(const struct table *t, bool has_all_cells, size_t group_rows) {
    size_t n_groups = 0;
    size_t n_rows = 0;
    for (size_t p = 0; p < t->grid.n_parts; p++) {
        size_t n = has_all_cells ? t->parts[p].n_intervals * t->grid.n_queues : t->parts[p].max_cells;
        if (group_rows != 0 && n_rows + n > group_rows) {
            n_groups += n_rows != 0;
            n_rows = 0;
        }
        n_rows += n;
    }
    return n_groups + (n_rows != 0);
}

static void check_times(const struct recorder *recorder, size_t row, size_t i) {
    assert_int_equal(recorder_find(recorder, "interval_start")->values[row].i64, JAN_1_2024 + US_OF_MINUTES(30) * (int64_t)i);
    assert_int_equal(recorder_find(recorder, "interval_end")->values[row].i64,
                     JAN_1_2024 + US_OF_MINUTES(30) * (int64_t)(i + 1));
}

static void check_long(const struct pivoted *p, const struct table *t, bool has_all_cells, size_t group_rows) {
    struct ql_layout_result result;
    const struct ql_layout_options options = {
        .layout = QL_LAYOUT_LONG, .has_all_cells = has_all_cells, .group_rows = group_rows};
    struct recorder *recorder = table_record(t, &options, &result);
    size_t n_rows = has_all_cells ? p->given.n_intervals * p->given.n_queues : p->given.n_cells;
    assert_int_equal(recorder->n_rows, n_rows);
    assert_int_equal(recorder->n_groups, count_groups(t, has_all_cells, group_rows));
    recorder_has_columns(recorder, "time_interval interval_start+ interval_end+ queue_name+ n x");
    for (size_t row = 0; row < n_rows; row++) {
        size_t i = has_all_cells ? row / p->given.n_queues : p->cells[row].interval;
        size_t q = has_all_cells ? row % p->given.n_queues : p->cells[row].queue;
        check_value(recorder_number(recorder, "n", row), p->expected[0][q][i], row);
        check_value(recorder_number(recorder, "x", row), p->expected[1][q][i], row);
        assert_str_equal(recorder_find(recorder, "queue_name")->values[row].text, p->names[q]);
        check_times(recorder, row, i);
    }
    ql_layout_result_fini(&result);
    recorder_free(recorder);
}

static void check_tidy(const struct pivoted *p, const struct table *t, bool has_all_cells) {
    struct ql_layout_result result;
    const struct ql_layout_options options = {.layout = QL_LAYOUT_TIDY, .has_all_cells = has_all_cells};
    struct recorder *recorder = table_record(t, &options, &result);
    size_t n_rows = 2 * (has_all_cells ? p->given.n_intervals * p->given.n_queues : p->given.n_cells);
    assert_int_equal(recorder->n_rows, n_rows);
    recorder_has_columns(recorder, "interval_start+ interval_end+ queue_name+ metric value");
    assert_int_equal(recorder_find(recorder, "value")->type, QL_COLUMN_DOUBLE);
    for (size_t row = 0; row < n_rows; row++) {
        size_t i = has_all_cells ? row / 2 / p->given.n_queues : p->cells[row / 2].interval;
        size_t q = has_all_cells ? row / 2 % p->given.n_queues : p->cells[row / 2].queue;
        check_value(recorder_number(recorder, "value", row), p->expected[row % 2][q][i], row);
        assert_str_equal(recorder_find(recorder, "metric")->values[row].text, row % 2 == 0 ? "n" : "x");
        assert_str_equal(recorder_find(recorder, "queue_name")->values[row].text, p->names[q]);
        check_times(recorder, row, i);
    }
    ql_layout_result_fini(&result);
    recorder_free(recorder);
}

static void values_lie_where_pandas_pivots_them_however_parts_are_cut(void **state) {
    (void)state;
    static struct pivoted p;
    static const size_t GROUPS[] = {0, 1, 3, 7, 64};
    static const size_t CUTS[] = {GIVEN_INTERVALS, 1, 2, 5};
    struct vectors vectors = vectors_open("layout.tsv");
    size_t n = 0;
    for (; read_pivoted(&vectors, &p); n++) {
        struct table *t = table_new(&p.given);
        for (size_t c = 0; c < sizeof CUTS / sizeof CUTS[0]; c++) {
            table_cut(t, CUTS[c]);
            check_wide(&p, t);
            check_tidy(&p, t, false);
            check_tidy(&p, t, true);
            for (size_t g = 0; g < sizeof GROUPS / sizeof GROUPS[0]; g++) {
                check_long(&p, t, false, GROUPS[g]);
                check_long(&p, t, true, GROUPS[g]);
            }
        }
        ql_mem_free(t);
    }
    assert_int_equal(n, 5);
    vectors_close(&vectors);
}

/* ---- by hand */

static const struct given_cell FOUR_CELLS[] = {
    {0, 0, 1, 0.5}, {0, 1, 2, 1.5}, {1, 1, 3, (double)NAN}, {2, 0, (double)NAN, 2.5}};

static void wide_has_all_queues_of_a_metric_before_the_next_and_its_total_last(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("Sales & Co"), NAMED("billing")};
    struct table *t = table_new(&GIVEN(queues, FOUR_CELLS, 3));
    t->texts[1] = QL_STR("2024-01-01T01:30+01:00/PT30M"); /* the export's own words are for the profile pandas */
    struct ql_layout_result result;
    struct recorder *recorder = table_record(t, &(struct ql_layout_options){0}, &result);
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

    t->grid.has_totals = true;
    t->totals[GIVEN_N][0] = 42;
    t->totals[GIVEN_N][1] = (double)NAN;
    t->totals[GIVEN_X][2] = 4.25;
    recorder = table_record(t, &(struct ql_layout_options){.names = QL_NAMES_RAW}, &result);
    recorder_has_columns(recorder,
                         "time_interval interval_start+ interval_end+ n_Sales & Co n_billing n_all_queues x_Sales & Co "
                         "x_billing x_all_queues");
    assert_true(recorder_number(recorder, "n_all_queues", 0) == 42);
    assert_true(isnan(recorder_number(recorder, "n_all_queues", 1)));
    assert_true(recorder_number(recorder, "x_all_queues", 2) == 4.25);
    assert_int_equal(result.n_aliases, 0);
    ql_layout_result_fini(&result);
    recorder_free(recorder);
    ql_mem_free(t);
}

static void the_pandas_profile_has_the_exports_own_text_first(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("A"), NAMED("B c")};
    struct table *t = table_new(&GIVEN(queues, FOUR_CELLS, 3));
    t->texts[0] = QL_STR("2024-01-01T09:00Z/PT30M");
    t->texts[1] = QL_STR("2024-01-01T10:00Z/PT30M");
    t->texts[2] = QL_STR("2024-01-01T8:00Z/PT30M");
    t->intervals[2].start_us = 0; /* ordered by text, not by time */
    struct ql_layout_result result;
    struct ql_layout_options options = {.names = QL_NAMES_RAW, .is_pandas = true};
    struct recorder *recorder = table_record(t, &options, &result);
    recorder_has_columns(recorder, "timeInterval+ n_A n_B c x_A x_B c");
    assert_str_equal(recorder->columns[0].values[2].text, "2024-01-01T8:00Z/PT30M");
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    options.layout = QL_LAYOUT_LONG;
    recorder = table_record(t, &options, &result);
    recorder_has_columns(recorder, "timeInterval+ queue_name+ n x");
    assert_str_equal(recorder->columns[0].values[3].text, "2024-01-01T8:00Z/PT30M");
    ql_layout_result_fini(&result);
    recorder_free(recorder);
    ql_mem_free(t);
}

static void long_has_ids_and_null_for_a_blank_one(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("alpha"), WITH_ID("9", "alpha"), WITH_ID("z", "alpha"), NAMED("beta"),
                                             WITH_ID("1", "gamma")};
    static const struct given_cell cells_of[] = {{0, 0, 1, 1}, {0, 1, 2, 2}, {0, 2, 3, 3},
                                                 {0, 3, 4, 4}, {1, 2, 5, 5}, {1, 4, 6, 6}};
    struct given given = GIVEN(queues, cells_of, 2);
    given.has_queue_id = true;
    struct table *t = table_new(&given);
    struct ql_layout_result result;
    struct recorder *recorder = table_record(t, &(struct ql_layout_options){.layout = QL_LAYOUT_LONG}, &result);
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
    ql_mem_free(t);
}

static void only_what_ascends_is_declared_sorted(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("b"), NAMED("a")};
    struct table *t = table_new(&GIVEN(queues, FOUR_CELLS, 3));
    struct ql_layout_result result;
    const struct ql_layout_options options = {.layout = QL_LAYOUT_LONG};
    struct recorder *recorder = table_record(t, &options, &result);
    recorder_has_columns(recorder, "time_interval interval_start+ interval_end+ queue_name n x");
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    t->queues[0].name = QL_STR("A");
    t->intervals[1] = t->intervals[0]; /* twice the same instants: names begin anew within them */
    t->texts[1] = QL_STR("other");
    struct ql_layout_options pandas = {.layout = QL_LAYOUT_LONG, .is_pandas = true};
    t->texts[0] = QL_STR("another");
    t->texts[2] = QL_STR("zero");
    recorder = table_record(t, &pandas, &result);
    recorder_has_columns(recorder, "timeInterval+ queue_name+ n x");
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    t->texts[0] = QL_STR("zoo");
    recorder = table_record(t, &pandas, &result);
    recorder_has_columns(recorder, "timeInterval queue_name n x");
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    t->intervals[1].start_us = 0;
    t->intervals[1].end_us = 1;
    recorder = table_record(t, &options, &result);
    recorder_has_columns(recorder, "time_interval interval_start interval_end queue_name n x");
    ql_layout_result_fini(&result);
    recorder_free(recorder);
    ql_mem_free(t);
}

static void columns_of_one_name_are_errors_that_name_both(void **state) {
    (void)state;
    static const struct given_cell one[] = {{0, 0, 1, 1}};
    static const struct ql_queue queues[] = {NAMED("All Queues"), NAMED("b c")};
    struct table *t = table_new(&GIVEN(queues, one, 1));
    t->grid.has_totals = true;
    fails(t, &(struct ql_layout_options){0}, QL_E_COLLISION,
          "column 'n_all_queues' would stand for metric 'n' of queue 'All Queues' and for metric 'n' of all queues");
    t->grid.has_totals = false;
    t->defs[0].name = QL_STR("n_all_queues_b");
    t->defs[2].name = QL_STR("n");
    t->queues[0].name = QL_STR("All Queues b b_c");
    fails(t, &(struct ql_layout_options){0}, QL_E_COLLISION,
          "column 'n_all_queues_b_b_c' would stand for metric 'n_all_queues_b' of queue 'b c' and for metric 'n' of queue 'All "
          "Queues "
          "b b_c'");
    /* Two names that lose all their letters, with one beginning of their SHA-256. */
    t->queues[0].name = QL_STR("\xe4\xb8\x83\xe4\xb8\x95");
    t->queues[1].name = QL_STR("\xe4\xba\x82\xe4\xb8\x99");
    fails(t, &(struct ql_layout_options){0}, QL_E_COLLISION,
          "column 'n__133fa3' would stand for metric 'n' of queue '\xe4\xb8\x83\xe4\xb8\x95' and for metric 'n' of queue "
          "'\xe4\xba\x82\xe4\xb8\x99'");
    t->defs[0].name = QL_STR("Interval");
    t->queues[0].name = QL_STR("end");
    fails(t, &(struct ql_layout_options){0}, QL_E_COLLISION,
          "column 'Interval_end' would stand for the interval or queue of a row and for metric 'Interval' of queue 'end'");
    t->defs[0].name = QL_STR("queue_name");
    fails(t, &(struct ql_layout_options){.layout = QL_LAYOUT_LONG}, QL_E_COLLISION,
          "column 'queue_name' would stand for the interval or queue of a row and for metric 'queue_name'");
    ql_mem_free(t);
}

static void raw_names_may_differ_by_case_alone_but_are_counted(void **state) {
    (void)state;
    static const struct given_cell one[] = {{0, 0, 1, 1}};
    static const struct ql_queue queues[] = {NAMED("SALES"), NAMED("Sales"), NAMED("Sales!")};
    struct table *t = table_new(&GIVEN(queues, one, 1));
    struct ql_layout_result result;
    struct recorder *recorder = table_record(t, &(struct ql_layout_options){.names = QL_NAMES_RAW}, &result);
    recorder_has_columns(recorder,
                         "time_interval interval_start+ interval_end+ n_SALES n_Sales n_Sales! x_SALES x_Sales x_Sales!");
    assert_int_equal(result.n_case_clashes, 4);
    assert_int_equal(result.n_clashes, 0);
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    recorder = table_record(t, &(struct ql_layout_options){0}, &result);
    assert_int_equal(result.n_clashes, 3);
    assert_int_equal(result.n_case_clashes, 0);
    assert_int_equal(result.n_aliases, 3);
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    t->queues[0] = (struct ql_queue)WITH_ID("1", "Sales");
    t->queues[1] = (struct ql_queue)WITH_ID("2", "Sales");
    fails(t, &(struct ql_layout_options){.names = QL_NAMES_RAW}, QL_E_COLLISION,
          "column 'n_Sales' would stand for metric 'n' of queue 'Sales' (id '1') and for metric 'n' of queue 'Sales' (id '2')");
    ql_mem_free(t);
}

static void too_many_columns_are_refused_before_they_are_made(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a"), NAMED("b")};
    struct table *t = table_new(&GIVEN(queues, FOUR_CELLS, 3));
    struct ql_layout_result result;
    recorder_free(table_record(t, &(struct ql_layout_options){.max_columns = 7}, &result));
    ql_layout_result_fini(&result);
    fails(t, &(struct ql_layout_options){.max_columns = 6}, QL_E_LIMIT,
          "2 metrics and KPIs of 2 queues would make more than 6 columns");
    recorder_free(table_record(t, &(struct ql_layout_options){.layout = QL_LAYOUT_LONG, .max_columns = 6}, &result));
    ql_layout_result_fini(&result);
    ql_mem_free(t);
}

static void nothing_gives_the_schema_alone(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a"), NAMED("b")};
    for (int has_queues = 0; has_queues < 2; has_queues++) {
        const struct given given = {.queues = queues, .n_queues = has_queues == 1 ? 2 : 0};
        struct table *t = table_new(&given);
        struct ql_layout_result result;
        struct recorder *recorder = table_record(t, &(struct ql_layout_options){0}, &result);
        recorder_has_columns(recorder, has_queues == 1 ? "time_interval interval_start+ interval_end+ n_a n_b x_a x_b"
                                                       : "time_interval interval_start+ interval_end+");
        assert_int_equal(recorder->n_groups, 0);
        ql_layout_result_fini(&result);
        recorder_free(recorder);
        for (int has_all_cells = 0; has_all_cells < 2; has_all_cells++) {
            const struct ql_layout_options options = {.layout = QL_LAYOUT_LONG, .has_all_cells = has_all_cells == 1};
            recorder = table_record(t, &options, &result);
            recorder_has_columns(recorder, "time_interval interval_start+ interval_end+ queue_name+ n x");
            assert_int_equal(recorder->n_groups, 0);
            ql_layout_result_fini(&result);
            recorder_free(recorder);
        }
        ql_mem_free(t);
    }
}

static void intervals_without_cells_are_idle_rows(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a")};
    struct given given = {.n_intervals = 2, .queues = queues, .n_queues = 1, .idle_n = (double)NAN, .idle_x = 0.5};
    struct table *t = table_new(&given);
    struct ql_layout_result result;
    struct recorder *recorder = table_record(t, &(struct ql_layout_options){0}, &result);
    assert_int_equal(recorder->n_rows, 2);
    assert_true(isnan(recorder_number(recorder, "n_a", 0)) && recorder_number(recorder, "x_a", 1) == 0.5);
    ql_layout_result_fini(&result);
    recorder_free(recorder);

    for (int is_null = 0; is_null < 2; is_null++) {
        t->given.idle_n = is_null == 1 ? (double)NAN : 0;
        t->given.idle_x = is_null == 1 ? (double)NAN : 0;
        const struct ql_layout_options options = {.layout = QL_LAYOUT_LONG, .has_all_cells = true};
        recorder = table_record(t, &options, &result);
        assert_true(same_value(recorder_number(recorder, "n", 1), is_null == 1 ? (double)NAN : 0));
        assert_true(same_value(recorder_number(recorder, "x", 0), is_null == 1 ? (double)NAN : 0));
        ql_layout_result_fini(&result);
        recorder_free(recorder);
    }
    ql_mem_free(t);
}

static void an_error_of_the_sink_ends_the_writing(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a"), NAMED("b")};
    struct table *t = table_new(&GIVEN(queues, FOUR_CELLS, 3));
    table_cut(t, 1);
    for (int layout = 0; layout < 3; layout++) {
        const struct ql_layout_options options = {.layout = (enum ql_layout)layout, .group_rows = layout == 2 ? 4 : 2};
        const int n_calls = 1 + 2; /* schema, groups */
        for (int fails_at = 1; fails_at <= n_calls; fails_at++) {
            struct recorder *recorder = recorder_new();
            recorder->fails_at = fails_at;
            struct ql_layout_result result;
            struct ql_err error = {0};
            assert_int_equal(table_write(t, &options, recorder, &result, &error), QL_E_IO);
            assert_int_equal(recorder->n_calls, fails_at);
            ql_layout_result_fini(&result);
            recorder_free(recorder);
        }
    }
    ql_mem_free(t);
}

static void packing_fails(const struct table *t, const struct ql_cells *cells, const char *message) {
    for (int layout = 0; layout < 3; layout++) {
        struct recorder *recorder = recorder_new();
        const struct ql_column_sink sink = recorder_sink(recorder);
        struct ql_layout_result result;
        struct ql_layout_writer *writer = NULL;
        const struct ql_layout_options options = {.layout = (enum ql_layout)layout};
        assert_ok(ql_layout_writer_new(&t->grid, t->defs, GIVEN_METRICS, &options, &sink, &result, &writer, err));
        struct ql_err error = {0};
        assert_int_equal(ql_layout_writer_pack(writer, 0, cells, &error), QL_E_INTERNAL);
        assert_string_equal(error.message, message);
        assert_int_equal(ql_layout_writer_write_group(writer, 0, 1, &error), QL_E_INTERNAL);
        assert_string_equal(error.message, "parts 0 to 1 are not all packed");
        assert_int_equal(recorder->n_groups, 0);
        ql_layout_writer_free(writer);
        ql_layout_result_fini(&result);
        recorder_free(recorder);
    }
}

static void cells_against_the_contract_are_a_bug(void **state) {
    (void)state;
    static const struct ql_queue queues[] = {NAMED("a"), NAMED("b")};
    struct table *t = table_new(&GIVEN(queues, FOUR_CELLS, 3));
    struct ql_cells cells = {0};
    table_make_part(t, 0, &cells);
    cells.queue_of[1] = 0; /* twice the same */
    packing_fails(t, &cells, "cell 1 is out of order");
    cells.queue_of[0] = 1;
    packing_fails(t, &cells, "cell 1 is out of order");
    table_make_part(t, 0, &cells);
    cells.queue_of[3] = 2; /* there is none */
    packing_fails(t, &cells, "cell 3 is out of order");
    table_make_part(t, 0, &cells);
    cells.begin[1] = 4; /* backwards from there */
    packing_fails(t, &cells, "the cells are not those of part 0");
    table_make_part(t, 0, &cells);
    cells.n_intervals = 2;
    packing_fails(t, &cells, "the cells are not those of part 0");
    table_make_part(t, 0, &cells);
    cells.columns[0].type = QL_CELL_DOUBLE;
    packing_fails(t, &cells, "the cells are not those of part 0");
    ql_cells_fini(&cells);
    ql_mem_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_lie_where_pandas_pivots_them_however_parts_are_cut),
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
        cmocka_unit_test(cells_against_the_contract_are_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
