/* The parts of the source aggregates that need no server: numbers, batches, windows, and the page reader with a sink that
 * prints. */
#include "support/test.h"

#include "source/aggregates.h"

#include <stdio.h>

/* ---- numbers */

static void numbers_are_exact(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int shift;
        int64_t k;
        int scale;
    } GOOD[] = {
        {"0", 0, 0, 0},
        {"-0.0", 3, 0, 0},
        {"32296", 0, 32296, 0},
        {"32296.0", 0, 32296, 0},
        {"32296.0", 3, 32296, 3},
        {"32000", 3, 32, 0},
        {"1.5", 0, 15, 1},
        {"1.0E7", 0, 10000000, 0},
        {"1.25e-2", 0, 125, 4},
        {"8.0", -2, 800, 0},
        {"0.125", -2, 125, 1},
        {"1234567890123456789", 0, 1234567890123456789, 0},
        {"-7", 3, -7, 3},
        {"5E+3", 3, 5, 0},
        {"0.30000000000000004", 0, 30000000000000004, 17},
        {"0e999", 0, 0, 0},
        {"9223372036854775806", 0, INT64_MAX - 1, 0},
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        struct ql_aggregate_number number;
        if (!ql_aggregate_number_parse(ql_str_from(GOOD[i].text), GOOD[i].shift, &number) || number.k != GOOD[i].k ||
            number.scale != GOOD[i].scale) {
            fail_msg("'%s' became %lld at scale %d", GOOD[i].text, (long long)number.k, number.scale);
        }
    }
    static const char *const BAD[] = {"99999999999999999999",   "9223372036854775807",  "1e19", "1e-19", "1e1001",
                                      "1e99999999999999999999", "0.1234567890123456789"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct ql_aggregate_number number;
        if (ql_aggregate_number_parse(ql_str_from(BAD[i]), 0, &number)) {
            fail_msg("'%s' became %lld at scale %d", BAD[i], (long long)number.k, number.scale);
        }
    }
}

/* ---- a sink that prints rows: "id/name k@scale,k@scale;" */

struct printed {
    struct ql_buf text;
    size_t n_batches;
};

static enum ql_status print_rows(void *ctx, const struct ql_rows *rows, struct ql_err *err) {
    struct printed *printed = ctx;
    (void)err;
    printed->n_batches++;
    assert_int_equal(rows->n_runs, rows->n_rows);
    for (size_t i = 0; i < rows->n_rows; i++) {
        const struct ql_rows_queue *queue = &rows->queues[rows->queue[i]];
        char start[QL_TIME_TEXT_SIZE];
        (void)ql_time_format(rows->runs[i].start_us, start);
        assert_int_equal(rows->runs[i].n_rows, 1);
        ql_buf_printf(&printed->text, "%.5s %.*s/%.*s", start + 11, QL_STR_ARG(queue->id), QL_STR_ARG(queue->name));
        if (queue->media_type.len != 0) {
            ql_buf_printf(&printed->text, " [%.*s]", QL_STR_ARG(queue->media_type));
        }
        for (size_t c = 0; c < rows->n_metrics; c++) {
            int64_t k = rows->metrics[c].k[i];
            if (k == QL_NUMBER_MISSING) {
                ql_buf_puts(&printed->text, " -");
            } else {
                ql_buf_printf(&printed->text, " %lld@%d", (long long)k, rows->metrics[c].scale);
            }
        }
        ql_buf_puts(&printed->text, ";");
    }
    return QL_OK;
}

static void a_batch_takes_the_finest_scale_and_is_handed_on_where_it_cannot(void **state) {
    (void)state;
    struct printed printed = {0};
    const struct ql_source_sink sink = {.rows = print_rows, .ctx = &printed};
    struct ql_aggregate_batch batch;
    ql_aggregate_batch_init(&batch, 2);
    const struct ql_rows_run interval = {.start_us = 0, .end_us = 1};
    uint32_t a = ql_aggregate_batch_code(&batch, QL_STR("a"), QL_STR("A"), (struct ql_str){0});
    uint32_t b = ql_aggregate_batch_code(&batch, QL_STR("a"), QL_STR("A"), QL_STR("voice"));
    assert_int_equal(ql_aggregate_batch_code(&batch, QL_STR("a"), QL_STR("other"), (struct ql_str){0}), a);
    const struct ql_aggregate_number one[] = {{7, 0}, {25, 1}};
    const struct ql_aggregate_number two[] = {{125, 2}, {QL_NUMBER_MISSING, 0}};
    const struct ql_aggregate_number three[] = {{INT64_MAX / 2, 0}, {1, 18}};
    assert_ok(ql_aggregate_batch_add(&batch, &interval, a, one, &sink, err));
    assert_ok(ql_aggregate_batch_add(&batch, &interval, b, two, &sink, err));
    assert_int_equal(printed.n_batches, 0);
    assert_ok(ql_aggregate_batch_add(&batch, &interval, a, three, &sink, err));
    assert_int_equal(printed.n_batches, 1); /* half of INT64_MAX at two decimals is beyond 64 bits */
    assert_ok(ql_aggregate_batch_flush(&batch, &sink, err));
    assert_string_equal(ql_buf_text(&printed.text), "00:00 a/A 700@2 25@1;00:00 a/A [voice] 125@2 -;"
                                                    "00:00 a/A 4611686018427387903@0 1@18;");
    ql_aggregate_batch_fini(&batch);
    ql_buf_fini(&printed.text);
}

static void many_queues_keep_their_codes(void **state) {
    (void)state;
    struct ql_aggregate_batch batch;
    ql_aggregate_batch_init(&batch, 1);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            char id[20];
            (void)snprintf(id, sizeof id, "queue-%u", i);
            assert_int_equal(ql_aggregate_batch_code(&batch, ql_str_from(id), QL_STR("n"), (struct ql_str){0}), i);
        }
    }
    ql_aggregate_batch_fini(&batch);
}

/* ---- windows */

static int64_t at(const char *text) {
    struct ql_time_text time;
    assert_true(ql_time_parse_iso(ql_str_from(text), &time) && time.has_offset);
    return ql_time_from_civil(&time.civil) - time.offset_s * QL_US_PER_S;
}

static void ends(const char *zone, int64_t minutes, const char *from, int64_t n, const char *expected) {
    struct ql_tz *tz = NULL;
    assert_ok(ql_tz_open(ql_str_from(zone), &tz, err));
    const struct ql_window_rule rule = {
        .granularity_us = minutes * 60 * QL_US_PER_S, .to_us = at("2030-01-01T00:00:00Z"), .tz = tz};
    int64_t end_us = ql_window_end(&rule, at(from), n);
    if (end_us != at(expected)) {
        char got[QL_TIME_TEXT_SIZE];
        (void)ql_time_format(end_us, got);
        fail_msg("%s, %lld min: %lld from %s is %s, not %s", zone, (long long)minutes, (long long)n, from, got, expected);
    }
    ql_tz_free(tz);
}

static void windows_end_where_intervals_do(void **state) {
    (void)state;
    /* Expected instants by Python's zoneinfo. */
    ends("UTC", 30, "2024-01-01T00:00:00Z", 48, "2024-01-02T00:00:00Z");
    ends("UTC", 30, "2024-01-01T00:00:00Z", 100, "2024-01-03T00:00:00Z");
    ends("UTC", 30, "2024-01-01T00:00:00Z", 7, "2024-01-01T03:30:00Z");
    ends("Europe/Madrid", 30, "2024-03-30T23:00:00Z", 48, "2024-03-31T22:00:00Z"); /* 23 hours */
    ends("Europe/Madrid", 30, "2024-10-26T22:00:00Z", 48, "2024-10-27T23:00:00Z"); /* 25 hours */
    ends("Europe/Madrid", 1440, "2024-03-29T23:00:00Z", 3, "2024-04-01T22:00:00Z");
    ends("Europe/Madrid", 30, "2024-03-30T23:00:00Z", 6, "2024-03-31T02:00:00Z");
    ends("Europe/Madrid", 360, "2024-03-30T23:00:00Z", 1, "2024-03-31T22:00:00Z");      /* six hours are not six on that day */
    ends("Australia/Lord_Howe", 60, "2024-04-06T13:00:00Z", 3, "2024-04-07T13:30:00Z"); /* half an hour more */
    ends("America/Santiago", 1440, "2024-09-07T04:00:00Z", 1, "2024-09-09T03:00:00Z");  /* Sunday has no midnight */
    ends("UTC", 7 * 1440, "2024-01-01T00:00:00Z", 2, "2024-01-15T00:00:00Z");
    ends("UTC", 50, "2024-01-01T00:00:00Z", 40, "2024-01-02T09:20:00Z"); /* no part of a day */
    ends("UTC", 30, "2029-12-31T23:40:00Z", 48, "2030-01-01T00:00:00Z");
    ends("UTC", 30, "2024-01-01T00:00:00Z", INT64_MAX / 4, "2030-01-01T00:00:00Z");
}

static void a_window_always_moves_on(void **state) {
    (void)state;
    static const char *const ZONES[] = {"Europe/Madrid", "America/Santiago", "Australia/Lord_Howe", "Asia/Beirut",
                                        "Pacific/Apia"};
    static const int64_t MINUTES[] = {1, 15, 30, 60, 240, 1440, 50, 2000};
    for (size_t z = 0; z < sizeof ZONES / sizeof ZONES[0]; z++) {
        struct ql_tz *tz = NULL;
        assert_ok(ql_tz_open(ql_str_from(ZONES[z]), &tz, err));
        for (size_t m = 0; m < sizeof MINUTES / sizeof MINUTES[0]; m++) {
            const struct ql_window_rule rule = {MINUTES[m] * 60 * QL_US_PER_S, at("2012-01-01T00:00:00Z"), tz};
            int64_t n = 1;
            for (int64_t from_us = at("2011-01-01T00:00:00Z"); from_us < rule.to_us;) {
                int64_t end_us = ql_window_end(&rule, from_us, n);
                assert_true(end_us > from_us && end_us <= rule.to_us);
                from_us = end_us;
                n = n * 7 % 1009;
            }
        }
        ql_tz_free(tz);
    }
}

/* ---- requests and pages */

struct reader {
    struct ql_aggregates aggregates;
    const struct ql_aggregate_column *columns[4];
    struct ql_rows_metric metrics[4];
    struct ql_source_sink sink;
    struct printed printed;
};

static void reader_init(struct reader *reader) {
    static const char *const NAMES[] = {"calls_offered", "handle_seconds", "handle_count", "service_level_numerator_x100"};
    *reader = (struct reader){.aggregates = {.genesys = {.options = {.max_json_depth = 16}}}};
    for (size_t c = 0; c < 4; c++) {
        reader->columns[c] = ql_aggregate_column_find(ql_str_from(NAMES[c]));
        reader->metrics[c] =
            (struct ql_rows_metric){.name = ql_str_from(NAMES[c]), .kind = c % 2 == 0 ? QL_NUMBER_COUNT : QL_NUMBER_DECIMAL};
    }
    reader->sink =
        (struct ql_source_sink){.columns = reader->metrics, .n_columns = 4, .rows = print_rows, .ctx = &reader->printed};
    reader->aggregates.sink = &reader->sink;
    reader->aggregates.columns = reader->columns;
    ql_aggregate_batch_init(&reader->aggregates.batch, 4);
}

static void reader_fini(struct reader *reader) {
    ql_aggregate_batch_fini(&reader->aggregates.batch);
    ql_buf_fini(&reader->printed.text);
}

static struct ql_window day(void) {
    return (struct ql_window){.from_us = at("2024-01-08T00:00:00Z"), .to_us = at("2024-01-09T00:00:00Z")};
}

static const char PAGE[] =
    "{\"cursor\":\"c\\u002b/1\",\"x\":[1,{\"results\":[]}],\"results\":["
    "{\"data\":[{\"metrics\":[{\"stats\":{\"count\":4,\"max\":1.0},\"metric\":\"nOffered\"},"
    "{\"metric\":\"tHandle\",\"stats\":{\"sum\":1.2345E4,\"count\":2.0}},"
    "{\"metric\":\"oServiceLevel\",\"stats\":{\"numerator\":1.0,\"denominator\":3.0}}],"
    "\"interval\":\"2024-01-08T02:00:00+01:00/2024-01-08T01:30:00Z\"}],\"group\":{\"queueId\":\"q1\",\"mediaType\":\"voice\"}},"
    "{\"group\":{\"mediaType\":\"chat\"},\"data\":[{\"interval\":\"2024-01-08T00:00:00Z/"
    "2024-01-08T00:30:00Z\",\"metrics\":[]}]},"
    "{\"group\":{\"queueId\":\"q2\"},\"data\":[{\"interval\":\"2024-01-08T00:00:00Z/2024-01-08T00:30:00Z\",\"metrics\":["
    "{\"metric\":\"tHandle\",\"stats\":{\"count\":5}},{\"metric\":\"nOffered\",\"qualifier\":\"x\",\"stats\":{\"count\":9}}]},{"
    "}]}]}";

static void a_page_becomes_rows(void **state) {
    (void)state;
    struct reader reader;
    reader_init(&reader);
    struct ql_buf cursor = {0};
    struct ql_window window = day();
    struct ql_buf good = {0};
    ql_buf_put(&good, PAGE, sizeof PAGE - sizeof ",{}]}]}");
    ql_buf_puts(&good, "]}]}");
    assert_ok(ql_aggregates_read_page(&reader.aggregates, &window, ql_buf_view(&good), &cursor, err));
    assert_ok(ql_aggregate_batch_flush(&reader.aggregates.batch, &reader.sink, err));
    assert_string_equal(ql_buf_text(&reader.printed.text), "01:00 q1/q1 4@0 12345@3 2@0 100@0;00:00 q2/q2 0@0 - 5@0 0@0;");
    assert_string_equal(ql_buf_text(&cursor), "c+/1");
    assert_int_equal(window.n_without_queue, 1);
    assert_int_equal(window.n_halves, 1);
    ql_buf_fini(&cursor);
    ql_buf_fini(&good);
    reader_fini(&reader);
}

/* Cut anywhere, and with any byte changed: an error or rows, never a crash. */
static void damaged_pages_are_refused_or_read(void **state) {
    (void)state;
    static const char BYTES[] = "{}[],:\"\\0-e.n";
    struct reader reader;
    reader_init(&reader);
    struct ql_buf cursor = {0};
    for (size_t i = 0; i < sizeof PAGE - 1; i++) {
        for (size_t b = 0; b < sizeof BYTES; b++) {
            char *copy = ql_mem_strndup(PAGE, sizeof PAGE - 1);
            copy[i] = BYTES[b];
            struct ql_window window = day();
            struct ql_str text = {.ptr = copy, .len = BYTES[b] != '\0' ? sizeof PAGE - 1 : i};
            enum ql_status status = ql_aggregates_read_page(&reader.aggregates, &window, text, &cursor, NULL);
            assert_true(status == QL_E_PROTOCOL || (status == QL_OK && BYTES[b] != '\0')); /* every cut is seen */
            reader.aggregates.batch.n_rows = 0;
            ql_mem_free(copy);
        }
    }
    ql_buf_fini(&cursor);
    reader_fini(&reader);
}

static void a_request_says_what_is_asked_for(void **state) {
    (void)state;
    const char *metrics[] = {"nOffered", "tHandle"};
    struct ql_str queues[] = {QL_STR("q0"), QL_STR("q1"), QL_STR("q2")};
    const struct ql_str media[] = {QL_STR("voice")};
    struct ql_aggregates aggregates = {
        .options = {.granularity_us = 86400 * QL_US_PER_S,
                    .timezone = QL_STR("Europe/Madrid"),
                    .by_media_type = true,
                    .media_types = media,
                    .n_media_types = 1},
        .metrics = metrics,
        .n_metrics = 2,
        .queue_ids = queues,
        .n_queue_ids = 3,
        .first_queue = 1,
        .n_chunk_queues = 2,
    };
    struct ql_window window = day();
    struct ql_buf body = {0};
    ql_aggregates_request_body(&aggregates, &window, 50, &body);
    assert_string_equal(ql_buf_text(&body),
                        "{\"interval\":\"2024-01-08T00:00:00.000Z/"
                        "2024-01-09T00:00:00.000Z\",\"granularity\":\"P1D\",\"timeZone\":\"Europe/Madrid\","
                        "\"groupBy\":[\"queueId\",\"mediaType\"],\"metrics\":[\"nOffered\",\"tHandle\"],\"filter\":{\"type\":"
                        "\"and\",\"clauses\":["
                        "{\"type\":\"or\",\"predicates\":[{\"type\":\"dimension\",\"dimension\":\"queueId\",\"operator\":"
                        "\"matches\",\"value\":\"q1\"},"
                        "{\"type\":\"dimension\",\"dimension\":\"queueId\",\"operator\":\"matches\",\"value\":\"q2\"}]},"
                        "{\"type\":\"or\",\"predicates\":[{\"type\":\"dimension\",\"dimension\":\"mediaType\",\"operator\":"
                        "\"matches\",\"value\":\"voice\"}]}]},"
                        "\"pageSize\":50}");
    static const struct {
        int64_t seconds;
        const char *text;
    } PERIODS[] = {{1800, "\"PT30M\""}, {900, "\"PT15M\""}, {3600, "\"PT1H\""}, {86400, "\"P1D\""},
                   {604800, "\"P7D\""}, {90, "\"PT90S\""},  {5400, "\"PT90M\""}};
    for (size_t i = 0; i < sizeof PERIODS / sizeof PERIODS[0]; i++) {
        ql_buf_reset(&body);
        aggregates.options.granularity_us = PERIODS[i].seconds * QL_US_PER_S;
        ql_aggregates_request_body(&aggregates, &window, 0, &body);
        assert_non_null(strstr(ql_buf_text(&body), PERIODS[i].text));
    }
    ql_buf_fini(&body);
}

static void ids_are_told_from_names(void **state) {
    (void)state;
    assert_true(ql_is_uuid(QL_STR("7e0b5a8c-1111-4222-8333-444455556666")));
    assert_false(ql_is_uuid(QL_STR("7e0b5a8c-1111-4222-8333-44445555666")));
    assert_false(ql_is_uuid(QL_STR("7e0b5a8c-1111-4222-8333-44445555666g")));
    assert_false(ql_is_uuid(QL_STR("Sales")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(a_batch_takes_the_finest_scale_and_is_handed_on_where_it_cannot),
        cmocka_unit_test(many_queues_keep_their_codes),
        cmocka_unit_test(windows_end_where_intervals_do),
        cmocka_unit_test(a_window_always_moves_on),
        cmocka_unit_test(a_page_becomes_rows),
        cmocka_unit_test(damaged_pages_are_refused_or_read),
        cmocka_unit_test(a_request_says_what_is_asked_for),
        cmocka_unit_test(ids_are_told_from_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
