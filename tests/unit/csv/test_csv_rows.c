/* What a row is: quotes, line breaks, empty lines, queues, ranges; and what makes a row bad. */
#include "unit/csv/csv_harness.h"

#define ROW(name) CSV_INTERVAL ",q1," name ",1,2,3,4\n"
#define SEEN(name) CSV_SEEN "|q1|" name "|1|2|3|4\n"

static void rows_are_read_as_rfc_4180_says(void **state) {
    (void)state;
    static const struct {
        const char *what, *rows, *expected;
    } CASES[] = {
        {"plain", ROW("Sales"), SEEN("Sales")},
        {"two rows", ROW("a") ROW("b"), SEEN("a") SEEN("b")},
        {"quoted", ROW("\"Sales\""), SEEN("Sales")},
        {"delimiter in quotes", ROW("\"VIP, Gold\""), SEEN("VIP, Gold")},
        {"doubled quotes", ROW("\"a \"\"b\"\" c\""), SEEN("a \"b\" c")},
        {"only doubled quotes", ROW("\"\"\"\"\"\""), SEEN("\"\"")},
        {"line break in quotes", ROW("\"two\nlines\""), SEEN("two\nlines")},
        {"CRLF in quotes", ROW("\"two\r\nlines\""), SEEN("two\r\nlines")},
        {"lone CR in quotes", ROW("\"two\rlines\""), SEEN("two\rlines")},
        {"quote inside an unquoted field", ROW("5\" screens"), SEEN("5\" screens")},
        {"quotes behind a blank are data", ROW(" \"x\""), SEEN(" \"x\"")},
        {"blanks belong to names", ROW("  padded "), SEEN("  padded ")},
        {"blanks in quotes", ROW("\" padded\t\""), SEEN(" padded\t")},
        {"names that other readers take for missing", ROW("NULL") ROW("NaN") ROW("NA") ROW("007"),
         SEEN("NULL") SEEN("NaN") SEEN("NA") SEEN("007")},
        {"CRLF", CSV_INTERVAL ",q1,a,1,2,3,4\r\n" CSV_INTERVAL ",q1,b,1,2,3,4\r\n", SEEN("a") SEEN("b")},
        {"CR CR LF", CSV_INTERVAL ",q1,a,1,2,3,4\r\r\n", SEEN("a")},
        {"no line break at the end", CSV_INTERVAL ",q1,a,1,2,3,4", SEEN("a")},
        {"CR at the end", CSV_INTERVAL ",q1,a,1,2,3,4\r", SEEN("a")},
        {"closing quote at the end", CSV_INTERVAL ",q1,a,1,2,3,\"4\"", SEEN("a")},
        {"closing quote and CR at the end", CSV_INTERVAL ",q1,a,1,2,3,\"4\"\r", SEEN("a")},
        {"empty last field at the end", CSV_INTERVAL ",q1,a,1,2,3,", CSV_SEEN "|q1|a|1|2|3|-\n"},
        {"empty lines", "\n" ROW("a") "\r\n\n" ROW("b") "\n", SEEN("a") SEEN("b")},
        {"all quoted", "\"" CSV_INTERVAL "\",\"q1\",\"a\",\"1\",\"2\",\"3\",\"4\"\r\n", SEEN("a")},
        {"blank name takes the id", CSV_INTERVAL ",q1,,1,2,3,4\n" CSV_INTERVAL ",q1,  ,1,2,3,4\n", SEEN("q1") SEEN("q1")},
        {"blank id", CSV_INTERVAL ",,a,1,2,3,4\n" CSV_INTERVAL ", ,a,1,2,3,4\n",
         CSV_SEEN "||a|1|2|3|4\n" CSV_SEEN "||a|1|2|3|4\n"},
        {"a name of several bytes a letter",
         ROW("Ventas \xE2\x80\x93 Espa\xC3\xB1"
             "a"),
         SEEN("Ventas \xE2\x80\x93 Espa\xC3\xB1"
              "a")},
        {"no rows", "", ""},
        {"missing values", CSV_INTERVAL ",q1,a,, ,\"\",NaN\n", CSV_SEEN "|q1|a|-|-|-|-\n"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf text = {0};
        const struct ql_csv_options options = csv_options();
        ql_buf_printf(&text, "%s%s", CSV_HEADER, CASES[i].rows);
        struct csv_result result = {0};
        csv_run(&options, ql_buf_view(&text), &result);
        if (result.status != QL_OK || strcmp(ql_buf_text(&result.rows), CASES[i].expected) != 0) {
            fail_msg("%s: %s; rows:\n%sexpected:\n%s", CASES[i].what, result.err.message, ql_buf_text(&result.rows),
                     CASES[i].expected);
        }
        assert_string_equal(ql_buf_text(&result.headers), "1111 id\n");
        csv_result_fini(&result);
        ql_buf_fini(&text);
    }
}

static void a_bad_row_is_told_with_line_byte_column_and_excerpt(void **state) {
    (void)state;
    static const struct {
        const char *rows;
        const char *message; /* behind "'in.csv': " */
        const char *column;
        int64_t line, offset;
    } CASES[] = {
        {CSV_INTERVAL ",q1,a,1,2\n", "line 2, byte 101: 5 fields where the header has 7: '" CSV_INTERVAL ",q1,a,1,2'", "", 2,
         101},
        {ROW("a") CSV_INTERVAL ",q1,a,1,2,3,4,5\n", "line 3, byte 164: 8 fields where the header has 7: '2024", "", 3, 164},
        {ROW("a") "\n\r\n" ROW("\"x\ny\"") CSV_INTERVAL ",q1,a,1x,2,3,4\n",
         "line 7, byte 234, column 'callsOffered': '1x' is not a number", "callsOffered", 7, 234},
        {CSV_INTERVAL ",q1,a,1.5,2,3,4\n", "column 'callsOffered': '1.5' is not a whole number", "callsOffered", 2, 101},
        {CSV_INTERVAL ",q1,a,1,-2,3,4\n", "column 'callsAnswered': '-2' is a negative count", "callsAnswered", 2, 101},
        {CSV_INTERVAL ",q1,a,1,9223372036854775808,3,4\n",
         "column 'callsAnswered': '9223372036854775808' does not fit a 64-bit integer", "callsAnswered", 2, 101},
        {CSV_INTERVAL ",q1,a,1,2,1e400,4\n", "column 'avgHandleTimeSeconds': '1e400' is larger than the largest double",
         "avgHandleTimeSeconds", 2, 101},
        {"yesterday,q1,a,1,2,3,4\n", "column 'timeInterval': 'yesterday' is not an ISO 8601 interval", "timeInterval", 2, 101},
        {"2024-01-01T01:00Z/2024-01-01T01:00Z,q1,a,1,2,3,4\n", "does not end after it starts", "timeInterval", 2, 101},
        {CSV_INTERVAL ",, ,1,2,3,4\n", "neither queue name nor queue id", "queue.name", 2, 101},
        {ROW("\"a\"b"), "column 'queue.name': '\"a\"b,1,2,3,4' has text behind its closing quote", "queue.name", 2, 101},
        {ROW("a\rb"), "column 'queue.name': 'a\\rb,1,2,3,4' has a carriage return outside quotes", "queue.name", 2, 101},
        {ROW("a\xFF"
             "b"),
         "column 'queue.name': 'a\\xFFb' is not valid UTF-8", "queue.name", 2, 101},
        {CSV_INTERVAL ",\xC3,a,1,2,3,4\n", "column 'queue.id': '\\xC3' is not valid UTF-8", "queue.id", 2, 101},
        {CSV_INTERVAL ",q1,a,\x80,2,3,4\n", "column 'callsOffered': '\\x80' is not valid UTF-8", "callsOffered", 2, 101},
        {ROW("a") CSV_INTERVAL ",q1,a,\xE2\x81\xA6,2,3,4\n", "'\\xE2\\x81\\xA6' is not a number", "callsOffered", 3, 164},
        {CSV_INTERVAL ",q1,a,\"\x1b[31m\a\n\t\x7f\xC2\x85\xE2\x80\xAE\",2,3,4\n",
         "'\\x1B[31m\\x07\\n\\t\\x7F\\xC2\\x85\\xE2\\x80\\xAE' is not a number", "callsOffered", 2, 101},
        {CSV_INTERVAL ",q1,a,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,2,3,4\n",
         "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' is not a number", "callsOffered", 2, 101},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf text = {0};
        const struct ql_csv_options options = csv_options();
        ql_buf_printf(&text, "%s%s", CSV_HEADER, CASES[i].rows);
        struct csv_result result = {0};
        csv_run(&options, ql_buf_view(&text), &result);
        assert_int_equal(result.status, QL_E_BAD_ROW);
        assert_true(ql_str_has_prefix(ql_str_from(result.err.message), "'in.csv': line "));
        csv_assert_contains(result.err.message, CASES[i].message, CASES[i].rows);
        assert_string_equal(result.err.column, CASES[i].column);
        assert_int_equal(result.err.row, CASES[i].line);
        assert_int_equal(result.err.byte_offset, CASES[i].offset);
        csv_assert_contains(ql_err_get_hint(&result.err), "--on-bad-row", "hint");
        csv_result_fini(&result);
        ql_buf_fini(&text);
    }
}

static void invalid_text_in_a_column_that_is_not_read_does_not_matter(void **state) {
    (void)state;
    const struct ql_csv_options options = csv_options();
    csv_expect_rows(&options,
                    QL_STR("interval,queue_name,notes,calls_offered,calls_answered\n" CSV_INTERVAL ",a,\xFF\xFE,1,2\n"),
                    CSV_SEEN "|(none)|a|1|2|-|-\n");
}

static void a_skipped_row_leaves_no_trace_in_the_rows(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.on_bad_row = QL_BAD_ROW_SKIP;
    struct csv_result result = {0};
    /* the bad row has missing and wide numbers before the one that is wrong, and a scale that no other row has */
    csv_run(&options,
            QL_STR(CSV_HEADER ROW("a") CSV_INTERVAL ",q1,b,,2,0.12345678901234567890,x\n" ROW("c") "x\n" CSV_INTERVAL
                                                                                                   ",q1,d,1,2,,NaN\n"),
            &result);
    assert_int_equal(result.status, QL_OK);
    assert_string_equal(ql_buf_text(&result.rows), SEEN("a") SEEN("c") CSV_SEEN "|q1|d|1|2|-|-\n");
    assert_int_equal(result.stats.rows, 3);
    assert_int_equal(result.stats.bad_rows, 2);
    assert_int_equal(result.stats.missing_values, 2);
    assert_int_equal(result.stats.nan_values, 1);
    assert_int_equal(result.quarantine.len, 0);
    csv_result_fini(&result);
}

static void quarantine_keeps_the_row_as_it_came(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.on_bad_row = QL_BAD_ROW_QUARANTINE;
    struct csv_result result = {0};
    csv_run(&options, QL_STR(CSV_HEADER CSV_INTERVAL ",q1,\"VIP, \"\"Gold\"\"\",x,2,3,4\r\n" ROW("a") "1,2\n"), &result);
    assert_int_equal(result.status, QL_OK);
    assert_string_equal(ql_buf_text(&result.rows), SEEN("a"));
    assert_string_equal(ql_buf_text(&result.quarantine),
                        "line,byte_offset,column,reason,row,input\n"
                        "2,101,\"callsOffered\",\"'x' is not a number\",\"" CSV_INTERVAL
                        ",q1,\"\"VIP, \"\"\"\"Gold\"\"\"\"\"\",x,2,3,4\",\"in.csv\"\n"
                        "4,242,\"\",\"2 fields where the header has 7: '1,2'\",\"1,2\",\"in.csv\"\n");
    csv_result_fini(&result);
}

static void max_bad_rows_bounds_skip_and_quarantine(void **state) {
    (void)state;
    const struct ql_str text = QL_STR(CSV_HEADER "x\n" ROW("a") "y\n" ROW("b") "z\n");
    for (int policy = QL_BAD_ROW_SKIP; policy <= QL_BAD_ROW_QUARANTINE; policy++) {
        struct ql_csv_options options = csv_options();
        options.on_bad_row = (enum ql_bad_row_policy)policy;
        options.max_bad_rows = 3;
        csv_expect_rows(&options, text, SEEN("a") SEEN("b"));
        options.max_bad_rows = 2;
        csv_expect_error(&options, text, QL_E_BAD_ROW, "more than 2 bad rows; the last: line 6, byte 231: 1 fields",
                         "--max-bad-rows");
        options.max_bad_rows = 0;
        csv_expect_error(&options, text, QL_E_BAD_ROW, "more than 0 bad rows; the last: line 2", "--max-bad-rows");
    }
}

static void a_row_of_another_queue_is_bad(void **state) {
    (void)state;
    const struct ql_str queues[] = {QL_STR("a"), QL_STR("b, c"), QL_STR("q9")};
    struct ql_csv_options options = csv_options();
    options.queues = queues;
    options.n_queues = 3;
    csv_expect_rows(&options, QL_STR(CSV_HEADER ROW("a") ROW("\"b, c\"") CSV_INTERVAL ",q9,,1,2,3,4\n"),
                    SEEN("a") SEEN("b, c") CSV_SEEN "|q9|q9|1|2|3|4\n");
    csv_expect_error(&options, QL_STR(CSV_HEADER ROW("a ")), QL_E_BAD_ROW, "'a ' is not one of the queues of --queues-from",
                     NULL);
    options.n_queues = 0;
    csv_expect_error(&options, QL_STR(CSV_HEADER ROW("a")), QL_E_BAD_ROW, "'a' is not one of the queues", NULL);
}

static void many_queues_may_be_allowed(void **state) {
    (void)state;
    enum { N = 500 };
    struct ql_str queues[N];
    char names[N][16];
    for (size_t i = 0; i < N; i++) {
        queues[i] = (struct ql_str){.ptr = names[i], .len = (size_t)snprintf(names[i], sizeof names[i], "queue %zu", i)};
    }
    struct ql_csv_options options = csv_options();
    options.queues = queues;
    options.n_queues = N;
    options.on_bad_row = QL_BAD_ROW_SKIP;
    struct ql_buf text = {0};
    ql_buf_puts(&text, CSV_HEADER);
    for (int i = 0; i < 2 * N; i++) {
        ql_buf_printf(&text, CSV_INTERVAL ",q1,queue %d,1,2,3,4\n", i);
    }
    struct csv_result result = {0};
    csv_run(&options, ql_buf_view(&text), &result);
    assert_int_equal(result.status, QL_OK);
    assert_int_equal(result.stats.rows, N);
    assert_int_equal(result.stats.bad_rows, N);
    csv_assert_contains(result.rows.ptr, "|queue 499|", "rows");
    assert_null(strstr(result.rows.ptr, "|queue 500|"));
    csv_result_fini(&result);
    ql_buf_fini(&text);
}

static void a_comma_in_a_number_asks_for_the_setting(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    const struct ql_str text = QL_STR(CSV_HEADER CSV_INTERVAL ",q1,a,1,2,\"12,5\",\"80,25 %\"\n");
    csv_expect_error(&options, text, QL_E_BAD_ROW, "column 'avgHandleTimeSeconds': '12,5' is not a number", "--decimal-comma");
    options.decimal_comma = true;
    csv_expect_rows(&options, text, CSV_SEEN "|q1|a|1|2|125e-1|8025e-2\n");
    csv_expect_error(&options, QL_STR(CSV_HEADER ROW("a") CSV_INTERVAL ",q1,a,1,2,12.5,1\n"), QL_E_BAD_ROW,
                     "'12.5' is not a number", NULL);
}

static enum ql_status full_disk(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    (void)ctx;
    (void)ptr;
    (void)len;
    return QL_FAIL(err, QL_E_IO, "no space left");
}

static void a_quarantine_that_cannot_be_written_ends_the_run(void **state) {
    (void)state;
    struct csv_result result = {.n_metrics = CSV_METRICS};
    struct ql_csv_options options = csv_options();
    options.on_bad_row = QL_BAD_ROW_QUARANTINE;
    options.quarantine = (struct ql_sink){.write = full_disk};
    const struct ql_csv_sink sink = csv_sink(&result);
    struct ql_csv *csv = ql_csv_new(&options, &sink);
    ql_csv_input_begin(csv, QL_STR("in.csv"), false);
    assert_ok(ql_csv_feed(csv, CSV_HEADER "x\n", strlen(CSV_HEADER "x\n"), err)); /* text is gathered before it is read */
    assert_int_equal(ql_csv_input_end(csv, &result.err), QL_E_IO);
    assert_string_equal(result.err.message, "'in.csv': writing a bad row to the quarantine: no space left");
    ql_csv_free(csv);
    ql_csv_free(NULL);
    csv_result_fini(&result);
}

static void a_row_outside_the_range_is_bad(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.from_us = INT64_C(1704067200000000); /* 2024-01-01T00:00:00Z */
    options.to_us = options.from_us + 3600 * QL_US_PER_S;
    options.on_bad_row = QL_BAD_ROW_SKIP;
    struct csv_result result = {0};
    csv_run(&options,
            QL_STR(CSV_HEADER "2023-12-31T23:59:59.999Z/2024-01-01T00:30:00Z,q1,a,1,2,3,4\n"
                              "2024-01-01T00:00:00Z/2024-01-01T00:30:00Z,q1,b,1,2,3,4\n"
                              "2024-01-01T00:59:59.999999Z/2024-01-01T01:30:00Z,q1,c,1,2,3,4\n"
                              "2024-01-01T01:00:00Z/2024-01-01T01:30:00Z,q1,d,1,2,3,4\n"
                              "2024-01-01T01:00:00Z/2024-01-01T01:30:00Z,q1,e,1,2,3,4\n"),
            &result);
    assert_int_equal(result.status, QL_OK);
    assert_string_equal(ql_buf_text(&result.rows), "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z|q1|b|1|2|3|4\n"
                                                   "2024-01-01T00:59:59.999999Z/2024-01-01T01:30:00.000Z|q1|c|1|2|3|4\n");
    assert_int_equal(result.stats.out_of_range_rows, 3);
    assert_int_equal(result.stats.bad_rows, 3);
    csv_result_fini(&result);
}

static void a_failing_sink_ends_the_run_and_the_failure_sticks(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    struct csv_result result = {.fail_after_batches = 1, .n_metrics = CSV_METRICS};
    const struct ql_csv_sink sink = csv_sink(&result);
    struct ql_csv *csv = ql_csv_new(&options, &sink);
    ql_csv_input_begin(csv, QL_STR("a.csv"), false);
    assert_ok(ql_csv_feed(csv, CSV_HEADER ROW("a"), strlen(CSV_HEADER ROW("a")), err));
    assert_int_equal(ql_csv_input_end(csv, &result.err), QL_E_IO);
    assert_string_equal(result.err.message, "'a.csv': the sink is full");
    ql_csv_input_begin(csv, QL_STR("b.csv"), false);
    assert_int_equal(ql_csv_feed(csv, "x", 1, NULL), QL_E_IO);
    assert_int_equal(ql_csv_input_end(csv, &result.err), QL_E_IO);
    assert_string_equal(result.err.message, "'a.csv': the sink is full");
    ql_csv_free(csv);
    csv_result_fini(&result);
}

static void statistics_count_what_was_read(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    struct csv_result result = {0};
    const struct ql_str text =
        QL_STR("interval,queue_name,extra,calls_offered,calls_answered,avg_handle_time_seconds,more\n" CSV_INTERVAL
               ",a,x,1,,inf,y\n" CSV_INTERVAL ",b,x,nan,1,-Infinity,y\n");
    csv_run(&options, text, &result);
    assert_int_equal(result.status, QL_OK);
    assert_int_equal(result.stats.rows, 2);
    assert_int_equal(result.stats.missing_values, 4);
    assert_int_equal(result.stats.nan_values, 3);
    assert_int_equal(result.stats.ignored_columns, 2);
    assert_int_equal(result.stats.bytes_in, text.len);
    assert_int_equal(result.stats.bytes_decoded, text.len);
    assert_string_equal(ql_buf_text(&result.headers), "1110\n");
    csv_result_fini(&result);
}

static void one_scale_holds_for_a_batch_and_what_does_not_fit_it_is_wide(void **state) {
    (void)state;
    const struct ql_csv_options options = csv_options();
    csv_expect_rows(&options,
                    QL_STR(CSV_HEADER CSV_INTERVAL
                           ",q1,a,1,2,1234567890123456.7,4\n" CSV_INTERVAL ",q1,b,1,2,0.123456789012345678,4\n" CSV_INTERVAL
                           ",q1,c,1,2,-922337203685477580.6,4\n" CSV_INTERVAL ",q1,d,1,2,1e300,4\n" CSV_INTERVAL
                           ",q1,e,1,2,9,4\n" CSV_INTERVAL ",q1,f,1,2,,4\n"),
                    CSV_SEEN "|q1|a|1|2|12345678901234567e-1|4\n" CSV_SEEN "|q1|b|1|2|123456789012345678e-18|4\n" CSV_SEEN
                             "|q1|c|1|2|-9223372036854775806e-1|4\n" CSV_SEEN "|q1|d|1|2|1e300|4\n" CSV_SEEN
                             "|q1|e|1|2|9|4\n" CSV_SEEN "|q1|f|1|2|-|4\n");
}

static enum ql_status ignore_header(void *ctx, const struct ql_csv_header *header, struct ql_err *err) {
    (void)ctx;
    (void)header;
    (void)err;
    return QL_OK;
}

static enum ql_status keep_scales(void *ctx, const struct ql_rows *rows, void **packed, struct ql_err *err) {
    uint8_t *scales = ctx;
    (void)err;
    *packed = NULL;
    for (size_t i = 0; i < rows->n_metrics; i++) {
        scales[i] = rows->metrics[i].scale;
    }
    return QL_OK;
}

static enum ql_status take_nothing(void *ctx, void *packed, struct ql_err *err) {
    (void)ctx;
    (void)packed;
    (void)err;
    return QL_OK;
}

static void drop_nothing(void *ctx, void *packed) {
    (void)ctx;
    (void)packed;
}

/* A batch takes the largest scale that is needed in it: superfluous zeros need none, and bad rows do not count. */
static void the_scale_is_no_larger_than_the_numbers_need(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.on_bad_row = QL_BAD_ROW_SKIP;
    uint8_t scales[CSV_METRICS] = {99, 99, 99, 99};
    const struct ql_csv_sink sink = {
        .header = ignore_header, .pack = keep_scales, .take = take_nothing, .drop = drop_nothing, .ctx = scales};
    struct ql_csv *csv = ql_csv_new(&options, &sink);
    ql_csv_input_begin(csv, QL_STR("in.csv"), false);
    const struct ql_str text = QL_STR(CSV_HEADER CSV_INTERVAL ",q1,a,1,2.00,12.500,7.000\n" CSV_INTERVAL
                                                              ",q1,a,1,2,3.123,x\n" CSV_INTERVAL ",q1,a,1,2,80,1e2\n");
    assert_ok(ql_csv_feed(csv, text.ptr, text.len, err));
    assert_ok(ql_csv_input_end(csv, err));
    ql_csv_free(csv);
    const uint8_t expected[CSV_METRICS] = {0, 0, 1, 0};
    assert_memory_equal(scales, expected, sizeof expected);
}

static void the_bytes_of_a_mark_count_in_offsets(void **state) {
    (void)state;
    const struct ql_csv_options options = csv_options();
    csv_expect_error(&options, QL_STR("\xEF\xBB\xBF" CSV_HEADER "x\n"), QL_E_BAD_ROW, "line 2, byte 104: 1 fields", NULL);
}

static void many_rows_and_long_names_come_in_several_batches(void **state) {
    (void)state;
    struct ql_buf text = {0};
    struct ql_buf expected = {0};
    ql_buf_puts(&text, CSV_HEADER);
    for (int i = 0; i < 5000; i++) {
        int len = i % 500 == 499 ? 600000 : 3;
        ql_buf_printf(&text, "%s,q%d,%0*d,%d1,2,%d.%d5,4\n", CSV_INTERVAL, i, len, 7, i, i + 1, i % 10);
        ql_buf_printf(&expected, "%s|q%d|%0*d|%d1|2|%d%d5e-2|4\n", CSV_SEEN, i, len, 7, i, i + 1, i % 10);
    }
    const struct ql_csv_options options = csv_options();
    struct csv_result result = {0};
    csv_run(&options, ql_buf_view(&text), &result);
    assert_int_equal(result.status, QL_OK);
    assert_true(result.n_batches >= 5000 / QL_CSV_BATCH_ROWS + 1);
    assert_true(result.n_dictionaries > 1); /* texts bound a dictionary, not only queues */
    assert_int_equal(result.stats.rows, 5000);
    struct ql_str leading_zero = QL_STR("|01|2|"); /* row 0's count is written 01 */
    char *zero = memmem(expected.ptr, expected.len, leading_zero.ptr, leading_zero.len);
    assert_non_null(zero);
    memmove(zero + 1, zero + 2, expected.len - (size_t)(zero + 2 - expected.ptr) + 1);
    assert_string_equal(ql_buf_text(&result.rows), ql_buf_text(&expected));
    csv_result_fini(&result);
    ql_buf_fini(&expected);
    ql_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_rfc_4180_says),
        cmocka_unit_test(a_bad_row_is_told_with_line_byte_column_and_excerpt),
        cmocka_unit_test(invalid_text_in_a_column_that_is_not_read_does_not_matter),
        cmocka_unit_test(a_skipped_row_leaves_no_trace_in_the_rows),
        cmocka_unit_test(quarantine_keeps_the_row_as_it_came),
        cmocka_unit_test(max_bad_rows_bounds_skip_and_quarantine),
        cmocka_unit_test(a_row_of_another_queue_is_bad),
        cmocka_unit_test(many_queues_may_be_allowed),
        cmocka_unit_test(a_comma_in_a_number_asks_for_the_setting),
        cmocka_unit_test(a_quarantine_that_cannot_be_written_ends_the_run),
        cmocka_unit_test(a_row_outside_the_range_is_bad),
        cmocka_unit_test(a_failing_sink_ends_the_run_and_the_failure_sticks),
        cmocka_unit_test(statistics_count_what_was_read),
        cmocka_unit_test(one_scale_holds_for_a_batch_and_what_does_not_fit_it_is_wide),
        cmocka_unit_test(the_scale_is_no_larger_than_the_numbers_need),
        cmocka_unit_test(the_bytes_of_a_mark_count_in_offsets),
        cmocka_unit_test(many_rows_and_long_names_come_in_several_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
