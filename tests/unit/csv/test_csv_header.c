/* Names, aliases and their scales, delimiters, what is missing or there twice, what is no CSV. */
#include "unit/csv/csv_harness.h"

static void names_are_normalised(void **state) {
    (void)state;
    static const struct {
        const char *name, *expected;
    } CASES[] = {
        /* the same as normalise() of the reference transform in Python */
        {"queue.name", "queue_name"},
        {"Queue Name", "queue_name"},
        {"queueName", "queue_name"},
        {"queue_name", "queue_name"},
        {" Queue - Name ", "queue_name"},
        {"queue/name", "queue_name"},
        {"QUEUE NAME", "queue_name"},
        {"timeInterval", "time_interval"},
        {"avgHandleTimeSeconds", "avg_handle_time_seconds"},
        {"Service Level %", "service_level_%"},
        {"Avg ACW", "avg_acw"},
        {"ASA", "asa"},
        {"callsOFFERED", "calls_offered"},
        {"p95Wait", "p95_wait"},
        {"\xEF\xBB\xBFqueueId", "queue_id"},
        {"a_-b", "a__b"},
        {"\xC2\xA0Queue\xC2\xA0Name\xE2\x80\xAF", "queue_name"},
        {"Größe", "größe"},
        {"", ""},
        {"  ", ""},
        {".", "_"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf out = {0};
        ql_csv_normalise_name(ql_str_from(CASES[i].name), &out);
        assert_string_equal(ql_buf_text(&out), CASES[i].expected);
        ql_buf_fini(&out);
    }
}

static void headers_of_known_sources_are_understood(void **state) {
    (void)state;
    static const struct {
        const char *what, *text, *expected;
    } CASES[] = {
        {"the exports contract, dotted", CSV_HEADER CSV_INTERVAL ",q1,a,1,2,3,4\n", CSV_SEEN "|q1|a|1|2|3|4\n"},
        {"camelCase, reordered, more columns",
         "serviceLevelPercent,queueName,callsAnswered,mediaType,interval,callsOffered,queueId,avgHandleTimeSeconds\n"
         "4,a,2,voice," CSV_INTERVAL ",1,q1,3\n",
         CSV_SEEN "|q1|a|1|2|3|4\n"},
        {"canonical",
         "time_interval,queue_id,queue_name,calls_offered,calls_answered,avg_handle_time_seconds,service_level_"
         "percent\n" CSV_INTERVAL ",q1,a,1,2,3,4\n",
         CSV_SEEN "|q1|a|1|2|3|4\n"},
        {"a view export: milliseconds and ratios",
         "Interval Start,Interval End,Interval Complete,Filters,Media Type,Queue Id,Queue Name,Offer,Answer,Answer %,Abandon,"
         "Abandon %,ASA,Service Level %,Service Level Target %,Avg Wait,Avg Handle,Avg Talk,Avg Hold,Avg ACW,Hold,Transfer,"
         "Short Abandon\n"
         "2024-01-01T00:00Z,2024-01-01T00:30Z,TRUE,,voice,q1,a,12,11,0.9166,1,0.0833,4500,0.8125,0.8,5000,254583.5,1,1,1,1,1,"
         "\n",
         CSV_SEEN "|q1|a|12|11|2545835e-4|8125e-2\n"},
        {"values that say their unit keep it",
         "Interval Start,Interval End,Queue Name,Offer,Answer,Avg Handle,Service Level %\n"
         "2024-01-01T00:00Z,2024-01-01T00:30Z,a,1,1,0:05:30.25,81.25%\n",
         CSV_SEEN "|(none)|a|1|1|33025e-2|8125e-2\n"},
        {"ids alone", "interval,queueId,callsOffered,callsAnswered\n" CSV_INTERVAL ",q1,1,2\n", CSV_SEEN "|q1|q1|1|2|-|-\n"},
        {"blank columns at the end of lines", "interval,queueName,callsOffered,callsAnswered,,\n" CSV_INTERVAL ",a,1,2,,\n",
         CSV_SEEN "|(none)|a|1|2|-|-\n"},
        {"line breaks and delimiters in names",
         "interval,\"notes,\nof \"\"ours\"\"\",queueName,callsOffered,callsAnswered\n" CSV_INTERVAL ",x,a,1,2\n",
         CSV_SEEN "|(none)|a|1|2|-|-\n"},
        {"empty lines before the header", "\n\r\n" CSV_HEADER CSV_INTERVAL ",q1,a,1,2,3,4\n", CSV_SEEN "|q1|a|1|2|3|4\n"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct ql_csv_options options = csv_options();
        csv_expect_rows(&options, ql_str_from(CASES[i].text), CASES[i].expected);
    }
}

static void the_users_aliases_win(void **state) {
    (void)state;
    const struct ql_csv_alias aliases[] = {
        {.from = QL_STR("Warteschlange"), .to = QL_STR("queueName"), .multiply = 1, .divide = 1},
        {.from = QL_STR("Zeit"), .to = QL_STR("interval")},
        {.from = QL_STR("avg.handle"), .to = QL_STR("Avg Handle Time Seconds"), .multiply = 10, .divide = 1},
        {.from = QL_STR("Offer"), .to = QL_STR("ignored"), .multiply = 1, .divide = 1},
        {.from = QL_STR("Angeboten"), .to = QL_STR("Offer"), .multiply = 1, .divide = 1},
        {.from = QL_STR("Angenommen"), .to = QL_STR("callsAnswered"), .multiply = 100, .divide = 1},
    };
    struct ql_csv_options options = csv_options();
    options.aliases = aliases;
    options.n_aliases = sizeof aliases / sizeof aliases[0];
    csv_expect_rows(&options,
                    QL_STR("Zeit;Warteschlange;Angeboten;Angenommen;Avg Handle;Offer\n" CSV_INTERVAL ";a;7;1.5;2.5;99\n"),
                    CSV_SEEN "|(none)|a|7|15e1|25|-\n");

    const struct ql_csv_alias bad = {.from = QL_STR("Talk"), .to = QL_STR("x"), .multiply = 60, .divide = 1};
    options.aliases = &bad;
    options.n_aliases = 1;
    csv_expect_error(&options, QL_STR(CSV_HEADER), QL_E_CONFIG, "the scale of alias 'Talk' is no power of ten", "multiply");
}

/* Somebody who asks for a column by the name that a source gives it gets it, without the scale of the built-in table. */
static void a_name_that_is_asked_for_needs_no_alias(void **state) {
    (void)state;
    const struct ql_rows_metric metrics[] = {{.name = QL_STR("avg_wait"), .kind = QL_NUMBER_DECIMAL},
                                             {.name = QL_STR("calls_offered"), .kind = QL_NUMBER_COUNT}};
    struct ql_csv_options options = csv_options();
    options.metrics = metrics;
    options.n_metrics = 2;
    csv_expect_rows(&options, QL_STR("interval,queue_name,Avg Wait,Offer\n" CSV_INTERVAL ",a,1500,3\n"),
                    CSV_SEEN "|(none)|a|15e2|3\n");
}

static void delimiters_are_found_on_the_header(void **state) {
    (void)state;
    static const char DELIMITERS[] = {',', ';', '\t', '|'};
    for (size_t i = 0; i < sizeof DELIMITERS; i++) {
        struct ql_buf text = {0};
        ql_buf_puts(&text, "interval,\"queue,name|x;y\",queue.name,callsOffered,callsAnswered,\"a\tb\"\n" CSV_INTERVAL
                           ",;,\"b;c|d,e\",1,2,\"\n\"\n");
        bool is_quoted = false;
        for (size_t at = 0; at < text.len; at++) {
            is_quoted = is_quoted != (text.ptr[at] == '"');
            if (text.ptr[at] == ',' && !is_quoted) {
                text.ptr[at] = DELIMITERS[i];
            } else if (text.ptr[at] == ';' && !is_quoted) {
                text.ptr[at] = 'x';
            }
        }
        struct ql_csv_options options = csv_options();
        csv_expect_rows(&options, ql_buf_view(&text), CSV_SEEN "|(none)|b;c|d,e|1|2|-|-\n");
        options.delimiter = DELIMITERS[i];
        csv_expect_rows(&options, ql_buf_view(&text), CSV_SEEN "|(none)|b;c|d,e|1|2|-|-\n");
        ql_buf_fini(&text);
    }
    const struct ql_csv_options options = csv_options();
    /* more commas than semicolons, but under commas no name is known; and quotes that only the right delimiter places right */
    csv_expect_rows(&options,
                    QL_STR("interval;queueName;a,b,c,d,e,f;\"x,y\";callsOffered;callsAnswered\n" CSV_INTERVAL ";a;;;1;2\n"),
                    CSV_SEEN "|(none)|a|1|2|-|-\n");
    csv_expect_rows(&options, QL_STR("interval|queueName|\"x,\"\"\ny\"|callsOffered|callsAnswered\n" CSV_INTERVAL "|a||1|2\n"),
                    CSV_SEEN "|(none)|a|1|2|-|-\n");
    /* a quote that opens under the wrong delimiter and never closes */
    csv_expect_rows(&options, QL_STR("interval;queueName;x,\"y;callsOffered;callsAnswered\n" CSV_INTERVAL ";a;;1;2\n"),
                    CSV_SEEN "|(none)|a|1|2|-|-\n");
    /* nothing is known, but only one delimiter places the quotes right */
    csv_expect_error(&options, QL_STR("\"a,b,c\";\"d\"\n"), QL_E_NO_COLUMN, "the columns are 'a,b,c', 'd'", NULL);
    struct ql_csv_options set = csv_options();
    set.delimiter = ';';
    csv_expect_error(&set, QL_STR(CSV_HEADER), QL_E_NO_COLUMN, "the columns are 'timeInterval,queue.id,", NULL);
}

static void a_missing_column_lists_what_is_there_and_what_is_near(void **state) {
    (void)state;
    const struct ql_csv_options options = csv_options();
    csv_expect_error(&options, QL_STR("interval,queueName,callsOfered,calls,callsAnswered\n"), QL_E_NO_COLUMN,
                     "'in.csv': no column for calls_offered; the columns are 'interval', 'queueName', 'callsOfered', 'calls', "
                     "'callsAnswered'",
                     "nearest: 'callsOfered' for calls_offered");
    csv_expect_error(&options, QL_STR("time,queueName,callsOffered,callsAnswered\n"), QL_E_NO_COLUMN,
                     "no column for the interval (time_interval, or interval_start and interval_end)",
                     "nearest: 'time' for time_interval");
    csv_expect_error(&options, QL_STR("interval,Queue,callsOffered,callsAnswered\n"), QL_E_NO_COLUMN,
                     "no column for the queue (queue_name or queue_id)", "nearest: 'Queue' for queue_name");
    csv_expect_error(&options, QL_STR("a,b,c\n1,2,3\n"), QL_E_NO_COLUMN,
                     "no column for the interval (time_interval, or interval_start and interval_end), the queue (queue_name or "
                     "queue_id), calls_offered, calls_answered; the columns are 'a', 'b', 'c'",
                     "aliases");
    csv_expect_error(&options, QL_STR("interval_end,queueName,callsOffered,callsAnswered\n"), QL_E_NO_COLUMN,
                     "no column for the interval", NULL);
    /* thousands of columns do not push the rest out of the message */
    struct ql_buf text = {0};
    ql_buf_puts(&text, "interval,queueName,callsAnswered");
    for (int i = 0; i < 5000; i++) {
        ql_buf_printf(&text, ",column%d", i);
    }
    ql_buf_puts(&text, "\n");
    csv_expect_error(&options, ql_buf_view(&text), QL_E_NO_COLUMN, "'column0', 'column1', ", NULL);
    csv_expect_error(&options, ql_buf_view(&text), QL_E_NO_COLUMN, " more", NULL);
    ql_buf_fini(&text);
}

static void two_columns_of_one_name_are_refused(void **state) {
    (void)state;
    const struct ql_csv_options options = csv_options();
    csv_expect_error(&options, QL_STR("interval,queueName,Queue Name,callsOffered,callsAnswered\n"), QL_E_COLLISION,
                     "columns 'queueName' (column 2) and 'Queue Name' (column 3) both mean 'queue_name'", "aliases");
    csv_expect_error(&options, QL_STR("Offer,interval,queueName,callsOffered,callsAnswered\n"), QL_E_COLLISION,
                     "columns 'Offer' (column 1) and 'callsOffered' (column 4) both mean 'calls_offered'", NULL);
    csv_expect_error(&options, QL_STR("interval,queueName,notes,callsOffered,callsAnswered,Notes\n"), QL_E_COLLISION,
                     "columns 'notes' (column 3) and 'Notes' (column 6) both mean 'notes'", NULL);
    csv_expect_error(&options, QL_STR("interval,timeInterval,queueName,callsOffered,callsAnswered\n"), QL_E_COLLISION,
                     "both mean 'time_interval'", NULL);
}

static void what_is_no_csv_is_told_by_what_it_looks_like(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
        enum ql_status status;
    } CASES[] = {
        {"", "'in.csv': the input is empty", QL_E_DATA},
        {"\xEF\xBB\xBF", "the input is empty", QL_E_DATA},
        {"\n\r\n\n", "the input holds empty lines and nothing else", QL_E_DATA},
        {"<!DOCTYPE html>\n<html><title>Sign in</title>", "it looks like an HTML page and begins with '<!DOCTYPE html>'",
         QL_E_DATA},
        {"\n  <html><body class=\"x", "it looks like an HTML page", QL_E_DATA},
        {"<?xml version=\"1.0\"?><Error><Code>ExpiredToken</Code></Error>", "it looks like XML or HTML", QL_E_DATA},
        {"{\"message\": \"not found\", \"code\": \"not.found\"}\n", "it looks like JSON and begins with '{\"message\"",
         QL_E_DATA},
        {"[{\"a\":1}]", "it looks like JSON", QL_E_DATA},
        {"PK\x03\x04rest", "it looks like a ZIP archive or an Excel workbook", QL_E_DATA},
        {"%PDF-1.7\n\"", "it looks like a PDF document", QL_E_DATA},
        {"interval,queue\xFFName,callsOffered,callsAnswered\n", "the header's column 2, 'queue\\xFFName', is not valid UTF-8",
         QL_E_ENCODING},
        {"interval,\"queue\"Name,callsOffered,callsAnswered\n", "the header's column 2 has text behind its closing quote",
         QL_E_DATA},
        {"interval,queueName,callsOffered,callsAnswered\r" CSV_INTERVAL ",a,1,2\r",
         "the header has a carriage return that ends no line", QL_E_DATA},
        {"interval,queueName,\"callsOffered,callsAnswered\n" CSV_INTERVAL ",a,1,2\n",
         "the input ends inside quotes, in the row that begins at line 1", QL_E_TRUNCATED},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_csv_options options = csv_options();
        csv_expect_error(&options, ql_str_from(CASES[i].text), CASES[i].status, CASES[i].message, NULL);
        options.delimiter = ',';
        csv_expect_error(&options, ql_str_from(CASES[i].text), CASES[i].status, CASES[i].message, NULL);
    }
    /* UTF-16 without its mark */
    const struct ql_csv_options options = csv_options();
    csv_expect_error(&options, (struct ql_str){.ptr = "i\0n\0t\0e\0r\0v\0a\0l\0,\0a\0\n\0", .len = 22}, QL_E_DATA,
                     "binary data, or UTF-16 without its byte-order mark", NULL);
}

static void a_header_without_rows_is_no_error(void **state) {
    (void)state;
    const struct ql_str texts[] = {QL_STR(CSV_HEADER), QL_STR("interval,queueName,callsOffered,callsAnswered"),
                                   QL_STR("interval;queueName;callsOffered;callsAnswered\r\n\r\n")};
    const char *headers[] = {"1111 id\n", "1100\n", "1100\n"};
    for (size_t i = 0; i < 3; i++) {
        const struct ql_csv_options options = csv_options();
        struct csv_result result = {0};
        csv_run(&options, texts[i], &result);
        assert_int_equal(result.status, QL_OK);
        assert_string_equal(ql_buf_text(&result.headers), headers[i]);
        assert_int_equal(result.n_batches, 0);
        csv_result_fini(&result);
    }
}

static void later_inputs_must_have_what_the_first_had(void **state) {
    (void)state;
#define FULL "interval,queueName,callsOffered,callsAnswered,avgHandleTimeSeconds\n" CSV_INTERVAL ",a,1,2,3\n"
    static const struct {
        const char *first, *second, *message; /* NULL: fine */
    } CASES[] = {
        {FULL, "callsAnswered;interval;avg.handle.time.seconds;queueName;callsOffered;nobodys\n2;" CSV_INTERVAL ";3;b;1;90\n",
         NULL},
        {FULL, "interval,queueName,callsOffered,callsAnswered,avgHandleTimeSeconds,serviceLevelPercent\n",
         "'b.csv': a column 'service_level_percent', which the first input, 'a.csv', does not have"},
        {FULL, "interval,queueName,callsOffered,callsAnswered\n",
         "'b.csv': no column 'avg_handle_time_seconds', which the first input, 'a.csv', has"},
        {FULL, "interval,queueName,queueId,callsOffered,callsAnswered,avgHandleTimeSeconds\n",
         "'b.csv': a column 'queue_id', which the first input, 'a.csv', does not have"},
        {"interval,queueId,callsOffered,callsAnswered\n", "interval,queueName,callsOffered,callsAnswered\n",
         "'b.csv': no column 'queue_id', which the first input, 'a.csv', has"},
        {FULL, "interval,queueName,callsOffered,avgHandleTimeSeconds\n", "'b.csv': no column for calls_answered"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct ql_csv_options options = csv_options();
        const struct csv_feed feeds[] = {{.text = ql_str_from(CASES[i].first), .name = "a.csv"},
                                         {.text = ql_str_from(CASES[i].second), .name = "b.csv"}};
        struct csv_result result = {0};
        csv_run_feeds(&options, feeds, 2, &result);
        if (CASES[i].message == NULL) {
            assert_int_equal(result.status, QL_OK);
            assert_string_equal(ql_buf_text(&result.rows), CSV_SEEN "|(none)|a|1|2|3|-\n1:" CSV_SEEN "|(none)|b|1|2|3|-\n");
            assert_string_equal(ql_buf_text(&result.headers), "1110\n1110\n");
        } else {
            assert_int_equal(result.status, QL_E_NO_COLUMN);
            csv_assert_contains(result.err.message, CASES[i].message, "message");
        }
        csv_result_fini(&result);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_normalised),
        cmocka_unit_test(headers_of_known_sources_are_understood),
        cmocka_unit_test(the_users_aliases_win),
        cmocka_unit_test(a_name_that_is_asked_for_needs_no_alias),
        cmocka_unit_test(delimiters_are_found_on_the_header),
        cmocka_unit_test(a_missing_column_lists_what_is_there_and_what_is_near),
        cmocka_unit_test(two_columns_of_one_name_are_refused),
        cmocka_unit_test(what_is_no_csv_is_told_by_what_it_looks_like),
        cmocka_unit_test(a_header_without_rows_is_no_error),
        cmocka_unit_test(later_inputs_must_have_what_the_first_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
