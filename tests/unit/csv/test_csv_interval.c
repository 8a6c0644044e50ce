/* Intervals: pairs, starts, columns, offsets, zones, order. Expected instants by hand from RFC 3339 and tzdata. */
#include "unit/csv/csv_harness.h"

static struct ql_tz *open_zone(const char *name) {
    struct ql_tz *tz = NULL;
    assert_ok(ql_tz_open(ql_str_from(name), &tz, err));
    return tz;
}

struct interval_case {
    const char *text, *expected; /* "start/end", or what the message says */
};

/* One column. */
static void expect_intervals(const struct ql_csv_options *options, const struct interval_case *cases, size_t n, bool is_good) {
    for (size_t i = 0; i < n; i++) {
        struct ql_buf text = {0};
        struct ql_buf rows = {0};
        ql_buf_printf(&text, "interval,queue_name,calls_offered,calls_answered\n\"%s\",a,1,2\n", cases[i].text);
        if (is_good) {
            ql_buf_printf(&rows, "%s|(none)|a|1|2|-|-\n", cases[i].expected);
            csv_expect_rows(options, ql_buf_view(&text), rows.ptr);
        } else {
            csv_expect_error(options, ql_buf_view(&text), QL_E_BAD_ROW, cases[i].expected, NULL);
        }
        ql_buf_fini(&text);
        ql_buf_fini(&rows);
    }
}

static void one_column_holds_a_pair_or_a_start(void **state) {
    (void)state;
    static const struct interval_case GOOD[] = {
        {"2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z", "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"},
        {"2024-01-01T00:00Z/2024-01-01T00:30Z", "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"},
        {" 2024-01-01 00:00:00Z / 2024-01-01 00:30:00Z ", "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"},
        {"2024-01-01T01:00:00+01:00/2023-12-31T19:30:00-05:00", "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"},
        {"2024-01-01T00:00:00.123456Z/2024-01-01T00:30:00Z", "2024-01-01T00:00:00.123456Z/2024-01-01T00:30:00.000Z"},
        {"2024-01-01/2024-01-02", "2024-01-01T00:00:00.000Z/2024-01-02T00:00:00.000Z"},
        {"2024-01-01T00:00Z/PT30M", "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"},
        {"2024-02-28T23:45/2024-02-29T00:00", "2024-02-28T23:45:00.000Z/2024-02-29T00:00:00.000Z"},
        {"2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000Z/-"},
        {"2024-01-01", "2024-01-01T00:00:00.000Z/-"},
    };
    static const struct interval_case BAD[] = {
        {"", "'' is not an ISO 8601 interval or time"},
        {"2024-01-01T00:00:00Z/", "is not an ISO 8601 interval"},
        {"/2024-01-01T00:00:00Z", "is not an ISO 8601 interval"},
        {"2024-01-01T00:00Z/2024-01-01T00:30Z/2024-01-01T01:00Z", "is not an ISO 8601 interval"},
        {"5 Jan 2026 09:30", "'5 Jan 2026 09:30' is not an ISO 8601 interval"},
        {"2023-02-29T00:00Z/2023-03-01T00:00Z", "is not an ISO 8601 interval"},
        {"2024-01-01T24:00Z/2024-01-02T00:30Z", "is not an ISO 8601 interval"},
        {"2024-01-01T00:00Z/PT0S", "is not an ISO 8601 interval"},
        {"2024-01-01T00:30Z/2024-01-01T00:00Z", "does not end after it starts"},
        {"2024-01-01T00:00Z/2024-01-01T00:00Z", "does not end after it starts"},
        {"2024-01-01T00:00+01:00/2023-12-31T23:00Z", "does not end after it starts"},
    };
    struct ql_csv_options options = csv_options();
    expect_intervals(&options, GOOD, sizeof GOOD / sizeof GOOD[0], true);
    expect_intervals(&options, BAD, sizeof BAD / sizeof BAD[0], false);
    static const struct interval_case WITH_GRANULARITY[] = {
        {"2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000Z/2024-01-01T00:15:00.000Z"},
        {"2024-01-01T00:00:00Z/2024-01-01T00:30:00Z", "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"},
    };
    options.granularity_us = 900 * QL_US_PER_S;
    expect_intervals(&options, WITH_GRANULARITY, 2, true);
}

static void stamps_without_offset_are_local_times(void **state) {
    (void)state;
    /* Madrid: UTC+1 in winter; 2024-03-31 02:00 -> 03:00; 2024-10-27 03:00 -> 02:00 */
    static const struct interval_case GOOD[] = {
        {"2024-01-01T01:00/2024-01-01T01:30", "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"},
        {"2024-07-01T02:00/2024-07-01T02:30", "2024-07-01T00:00:00.000Z/2024-07-01T00:30:00.000Z"},
        {"2024-03-31T01:30/2024-03-31T03:00", "2024-03-31T00:30:00.000Z/2024-03-31T01:00:00.000Z"},
        {"2024-10-27T01:30/2024-10-27T03:00", "2024-10-26T23:30:00.000Z/2024-10-27T02:00:00.000Z"},
        {"2024-10-27T02:30+02:00/2024-10-27T02:00+01:00", "2024-10-27T00:30:00.000Z/2024-10-27T01:00:00.000Z"},
        {"2024-01-01T00:00Z/2024-01-01T01:30", "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"},
        {"2024-03-31/2024-04-01", "2024-03-30T23:00:00.000Z/2024-03-31T22:00:00.000Z"},
    };
    static const struct interval_case BAD[] = {
        {"2024-03-31T02:30/2024-03-31T03:30", "is a local time that the time zone skips"},
        {"2024-03-31T01:30/2024-03-31T02:00", "is a local time that the time zone skips"},
        {"2024-10-27T02:30/2024-10-27T03:00", "is a local time that the time zone has twice"},
        {"2024-10-27T01:30/2024-10-27T02:00", "is a local time that the time zone has twice"},
    };
    struct ql_tz *tz = open_zone("Europe/Madrid");
    struct ql_csv_options options = csv_options();
    options.tz = tz;
    expect_intervals(&options, GOOD, sizeof GOOD / sizeof GOOD[0], true);
    expect_intervals(&options, BAD, sizeof BAD / sizeof BAD[0], false);
    ql_tz_free(tz);
}

static void start_and_end_may_be_two_columns(void **state) {
    (void)state;
#define TWO "Interval Start,Interval End,queue_name,calls_offered,calls_answered\n"
    struct ql_csv_options options = csv_options();
    csv_expect_rows(&options,
                    QL_STR(TWO "2024-01-01T00:00Z,2024-01-01T00:30Z,a,1,2\n2024-01-01T00:00Z,2024-01-01T01:00Z,b,1,2\n"
                               "2024-01-01T00:30Z,2024-01-01T01:00Z,c,1,2\n"),
                    "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z|(none)|a|1|2|-|-\n"
                    "2024-01-01T00:00:00.000Z/2024-01-01T01:00:00.000Z|(none)|b|1|2|-|-\n"
                    "2024-01-01T00:30:00.000Z/2024-01-01T01:00:00.000Z|(none)|c|1|2|-|-\n");
    csv_expect_error(&options, QL_STR(TWO "2024-01-01T00:00Z,,a,1,2\n"), QL_E_BAD_ROW,
                     "column 'Interval End': '' is not an ISO 8601 interval", NULL);
    csv_expect_error(&options, QL_STR(TWO "x,2024-01-01T00:00Z,a,1,2\n"), QL_E_BAD_ROW, "column 'Interval Start': 'x' is not",
                     NULL);
    csv_expect_error(&options, QL_STR(TWO "2024-01-01T00:00Z,2024-01-01T00:00Z,a,1,2\n"), QL_E_BAD_ROW,
                     "column 'Interval End': '2024-01-01T00:00Z' does not end after it starts", NULL);
    csv_expect_rows(&options, QL_STR("interval_start,queue_name,calls_offered,calls_answered\n2024-01-01T00:00Z,a,1,2\n"),
                    "2024-01-01T00:00:00.000Z/-|(none)|a|1|2|-|-\n");
    /* as this program writes them itself: the pair counts, the other two say the same */
    csv_expect_rows(&options,
                    QL_STR("time_interval,interval_start,interval_end,queue_name,calls_offered,calls_answered\n" CSV_INTERVAL
                           ",2024-01-01T00:00:00Z,2024-01-01T00:30:00Z,a,1,2\n"),
                    CSV_SEEN "|(none)|a|1|2|-|-\n");
}

static void the_inputs_own_words_are_kept_for_those_who_ask(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.wants_interval_text = true;
    csv_expect_rows(&options,
                    QL_STR("interval,queue_name,calls_offered,calls_answered\n 2024-01-01T00:00Z/2024-01-01T00:30Z,a,1,2\n"
                           " 2024-01-01T00:00Z/2024-01-01T00:30Z,b,1,2\n2024-01-01T01:00+01:00/2024-01-01T00:30Z,c,1,2\n"
                           "2024-01-01T05:00Z,d,1,2\n"),
                    CSV_SEEN "| 2024-01-01T00:00Z/2024-01-01T00:30Z|(none)|a|1|2|-|-\n" CSV_SEEN
                             "| 2024-01-01T00:00Z/2024-01-01T00:30Z|(none)|b|1|2|-|-\n" CSV_SEEN
                             "|2024-01-01T01:00+01:00/2024-01-01T00:30Z|(none)|c|1|2|-|-\n"
                             "2024-01-01T05:00:00.000Z/-|2024-01-01T05:00Z|(none)|d|1|2|-|-\n");
    csv_expect_rows(&options, QL_STR(TWO "2024-01-01T00:00Z,2024-01-01T00:30Z,a,1,2\n"),
                    CSV_SEEN "|2024-01-01T00:00Z/2024-01-01T00:30Z|(none)|a|1|2|-|-\n");
}

/* The text of the row before is remembered; a bad one must not be, and neither what another input said under other columns. */
static void only_good_intervals_are_remembered(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.on_bad_row = QL_BAD_ROW_SKIP;
    csv_expect_rows(&options,
                    QL_STR("interval,queue_name,calls_offered,calls_answered\n" CSV_INTERVAL ",a,1,2\n" CSV_INTERVAL
                           "x,b,1,2\n" CSV_INTERVAL "x,c,1,2\n" CSV_INTERVAL ",d,1,2\n"),
                    CSV_SEEN "|(none)|a|1|2|-|-\n" CSV_SEEN "|(none)|d|1|2|-|-\n");
    csv_expect_rows(&options,
                    QL_STR("interval,queue_name,calls_offered,calls_answered\n" CSV_INTERVAL
                           ",a,1,2\n2024-05-05T00:00Z/x,b,1,2\n" CSV_INTERVAL ",c,1,2\n"),
                    CSV_SEEN "|(none)|a|1|2|-|-\n" CSV_SEEN "|(none)|c|1|2|-|-\n");
    const struct csv_feed feeds[] = {
        {.text = QL_STR("interval,queue_name,calls_offered,calls_answered\n2024-01-01T00:00Z,a,1,2\n")},
        {.text = QL_STR(TWO "2024-01-01T00:00Z,,b,1,2\n2024-01-01T00:00Z,2024-01-01T00:30Z,c,1,2\n")},
    };
    struct csv_result result = {0};
    csv_run_feeds(&options, feeds, 2, &result);
    assert_string_equal(ql_buf_text(&result.rows),
                        "2024-01-01T00:00:00.000Z/-|(none)|a|1|2|-|-\n1:" CSV_SEEN "|(none)|c|1|2|-|-\n");
    assert_int_equal(result.stats.bad_rows, 1);
    csv_result_fini(&result);
}

/* The copy of the text goes with its batch. */
static void an_interval_that_spans_batches_keeps_its_text(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.wants_interval_text = true;
    struct ql_buf text = {0};
    struct ql_buf rows = {0};
    ql_buf_puts(&text, "interval,queue_name,calls_offered,calls_answered\n");
    for (int i = 0; i < 5000; i++) {
        ql_buf_printf(&text, "%s,queue %d,1,2\n", CSV_INTERVAL, i);
        ql_buf_printf(&rows, "%s|%s|(none)|queue %d|1|2|-|-\n", CSV_SEEN, CSV_INTERVAL, i);
    }
    csv_expect_rows(&options, ql_buf_view(&text), rows.ptr);
    ql_buf_fini(&text);
    ql_buf_fini(&rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_column_holds_a_pair_or_a_start), cmocka_unit_test(stamps_without_offset_are_local_times),
        cmocka_unit_test(start_and_end_may_be_two_columns),   cmocka_unit_test(the_inputs_own_words_are_kept_for_those_who_ask),
        cmocka_unit_test(only_good_intervals_are_remembered), cmocka_unit_test(an_interval_that_spans_batches_keeps_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
