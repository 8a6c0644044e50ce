/* View exports without a server: what is asked for, where ranges are cut, what failures mean. Expected instants by `date -u`,
 * codes from the Platform API's ReportingExportJobResponse. */
#include "support/test.h"

#include "base/mem.h"
#include "source/reporting_internal.h"

#include <stdio.h>

static int64_t at(const char *text) {
    struct ql_time_text time;
    assert_true(ql_time_parse_iso(ql_str_from(text), &time));
    return ql_time_from_civil(&time.civil) - time.offset_s * QL_US_PER_S;
}

static struct ql_reporting_options options_of(const char *zone, int64_t period_s, struct ql_tz **tz) {
    assert_ok(ql_tz_open(ql_str_from(zone), tz, err));
    return (struct ql_reporting_options){.view = QL_STR("QUEUE_PERFORMANCE_DETAIL_VIEW"),
                                         .locale = QL_STR("en-us"),
                                         .period_us = period_s * QL_US_PER_S,
                                         .timezone = ql_str_from(zone),
                                         .tz = *tz};
}

static void the_request_is_made_of_settings(void **state) {
    (void)state;
    struct ql_tz *tz = NULL;
    struct ql_reporting_options options = options_of("UTC", 1800, &tz);
    const struct ql_str queues[] = {QL_STR("q1"), QL_STR("q\"2")};
    const struct ql_str media[] = {QL_STR("voice")};
    const struct ql_str columns[] = {QL_STR("Offer")};
    options.media_types = media;
    options.n_media_types = 1;
    options.columns = columns;
    options.n_columns = 1;
    const struct ql_reporting_part part = {
        .from_us = at("2024-01-08T00:00Z"), .to_us = at("2024-01-09T00:00Z"), .queues = queues, .n_queues = 2};
    struct ql_buf body = {0};
    ql_reporting_request_body(&options, &part, &body);
    assert_string_equal(
        ql_buf_text(&body),
        "{\"interval\":\"2024-01-08T00:00:00.000Z/2024-01-09T00:00:00.000Z\",\"period\":\"PT30M\","
        "\"name\":\"queuelake QUEUE_PERFORMANCE_DETAIL_VIEW 2024-01-08T00:00:00.000Z/2024-01-09T00:00:00.000Z\","
        "\"viewType\":\"QUEUE_PERFORMANCE_DETAIL_VIEW\",\"timeZone\":\"UTC\",\"locale\":\"en-us\","
        "\"filter\":{\"queueIds\":[\"q1\",\"q\\\"2\"],\"mediaTypes\":[\"voice\"]},\"exportFormat\":\"CSV\","
        "\"csvDelimiter\":\"COMMA\",\"durationFormat\":\"Milliseconds\",\"hasFormatDurations\":false,"
        "\"includeDurationFormatInHeader\":false,\"hasSplitFilters\":true,\"hasSplitByMedia\":true,\"excludeEmptyRows\":true,"
        "\"hasSummaryRow\":false,\"hasCustomParticipantAttributes\":false,\"read\":true,\"recipientEmails\":[],"
        "\"selectedColumns\":[{\"columnOrder\":1,\"columnName\":\"Offer\"}]}");
    ql_buf_fini(&body);
    ql_tz_free(tz);
}

static void periods_are_written_in_their_largest_unit(void **state) {
    (void)state;
    static const struct {
        int64_t s;
        const char *text;
    } CASES[] = {{1800, "PT30M"}, {900, "PT15M"},  {3600, "PT1H"}, {5400, "PT90M"},
                 {86400, "P1D"},  {604800, "P7D"}, {45, "PT45S"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf text = {0};
        ql_reporting_put_period(CASES[i].s * QL_US_PER_S, &text);
        assert_string_equal(ql_buf_text(&text), CASES[i].text);
        ql_buf_fini(&text);
    }
}

static void ranges_are_cut_where_intervals_begin(void **state) {
    (void)state;
    static const struct {
        const char *zone;
        int64_t period_s;
        const char *from, *to, *middle; /* middle NULL: it cannot be cut */
    } CASES[] = {
        {"UTC", 1800, "2024-01-08T00:00Z", "2024-01-15T00:00Z", "2024-01-11T00:00Z"},
        {"UTC", 1800, "2024-01-08T00:00Z", "2024-01-09T00:00Z", "2024-01-08T12:00Z"},
        {"UTC", 1800, "2024-01-08T23:00Z", "2024-01-09T01:00Z", "2024-01-09T00:00Z"},
        {"UTC", 1800, "2024-01-08T09:00Z", "2024-01-08T10:30Z", "2024-01-08T09:30Z"},
        {"UTC", 1800, "2024-01-08T09:00Z", "2024-01-08T09:45Z", "2024-01-08T09:30Z"},
        {"UTC", 1800, "2024-01-08T09:00Z", "2024-01-08T09:30Z", NULL},
        {"UTC", 86400, "2024-01-08T00:00Z", "2024-01-09T00:00Z", NULL},
        {"UTC", 604800, "2024-01-08T00:00Z", "2024-01-29T00:00Z", "2024-01-15T00:00Z"},
        {"UTC", 604800, "2024-01-08T00:00Z", "2024-01-16T00:00Z", "2024-01-15T00:00Z"},
        /* Berlin: 2024-03-31 has 23 hours, 2024-10-27 has 25 */
        {"Europe/Berlin", 86400, "2024-03-29T23:00Z", "2024-03-31T22:00Z", "2024-03-30T23:00Z"},
        {"Europe/Berlin", 86400, "2024-03-30T23:00Z", "2024-03-31T22:00Z", NULL},
        {"Europe/Berlin", 1800, "2024-10-26T22:00Z", "2024-10-27T23:00Z", "2024-10-27T10:30Z"},
        {"Europe/Berlin", 1800, "2024-10-25T22:00Z", "2024-10-28T23:00Z", "2024-10-26T22:00Z"},
        /* Sao Paulo skipped the midnight of 2018-11-04 */
        {"America/Sao_Paulo", 86400, "2018-11-03T03:00Z", "2018-11-05T02:00Z", NULL},
        {"America/Sao_Paulo", 1800, "2018-11-03T03:00Z", "2018-11-05T02:00Z", "2018-11-04T02:30Z"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_tz *tz = NULL;
        const struct ql_reporting_options options = options_of(CASES[i].zone, CASES[i].period_s, &tz);
        int64_t middle_us = 0;
        char got[QL_TIME_TEXT_SIZE] = "none";
        bool is_cut = ql_reporting_middle(&options, at(CASES[i].from), at(CASES[i].to), &middle_us);
        if (is_cut) {
            (void)ql_time_format(middle_us, got);
        }
        if (is_cut != (CASES[i].middle != NULL) || (is_cut && middle_us != at(CASES[i].middle))) {
            fail_msg("%s %s/%s: cut at %s", CASES[i].zone, CASES[i].from, CASES[i].to, got);
        }
        ql_tz_free(tz);
    }
}

static void queues_are_halved_when_the_range_cannot_be(void **state) {
    (void)state;
    struct ql_tz *tz = NULL;
    const struct ql_reporting_options options = options_of("UTC", 1800, &tz);
    const struct ql_str queues[] = {QL_STR("a"), QL_STR("b"), QL_STR("c")};
    struct ql_reporting_part part = {
        .from_us = at("2024-01-08T00:00Z"), .to_us = at("2024-01-08T01:00Z"), .queues = queues, .n_queues = 3};
    struct ql_reporting_part second;
    assert_true(ql_reporting_split(&options, QL_REPORTING_SPLIT_RANGE, &part, &second));
    assert_int_equal(part.n_queues, 3);
    assert_true(part.to_us == second.from_us && second.to_us == at("2024-01-08T01:00Z"));
    struct ql_reporting_part third;
    assert_true(ql_reporting_split(&options, QL_REPORTING_SPLIT_RANGE, &second, &third));
    assert_int_equal(second.n_queues, 1);
    assert_int_equal(third.n_queues, 2);
    assert_ptr_equal(third.queues, queues + 1);
    struct ql_reporting_part fourth;
    assert_false(ql_reporting_split(&options, QL_REPORTING_SPLIT_RANGE, &second, &fourth));
    assert_false(ql_reporting_split(&options, QL_REPORTING_SPLIT_QUEUES, &second, &fourth));
    ql_tz_free(tz);
}

static void every_code_has_a_sentence_and_a_hint_of_its_own(void **state) {
    (void)state;
    assert_int_equal(ql_reporting_n_failures, 20);
    for (size_t i = 0; i < ql_reporting_n_failures; i++) {
        const struct ql_reporting_failure *failure = &ql_reporting_failures[i];
        assert_ptr_equal(ql_reporting_failure_find(failure->code), failure);
        assert_true(strlen(failure->what) > 10 && strlen(failure->hint) >= 13);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(failure->what, ql_reporting_failures[k].what);
        }
    }
    assert_null(ql_reporting_failure_find(""));
    assert_null(ql_reporting_failure_find("FAILED"));
}

static void downloads_are_named_by_their_id_alone(void **state) {
    (void)state;
    static const struct {
        const char *json, *file; /* file NULL: an error */
    } CASES[] = {
        {"\"downloadUrl\":\"https://apps.mypurecloud.com/platform/api/v2/downloads/0a1b2c3d\"", "0a1b2c3d"},
        {"\"downloadUrl\":\"https://h/platform/api/v2/downloads/0a1b?contentDisposition=x\"", "0a1b"},
        {"\"downloadUrl\":\"https://h/platform/api/v2/downloads/\"", NULL},
        {"\"downloadUrl\":\"https://h/platform/api/v2/downloads/a/../../b\"", NULL},
        {"\"downloadUrl\":\"https://h/files/0a1b\"", NULL},
        {"\"downloadUrl\":null", NULL},
        {"\"x\":1", NULL},
    };
    struct ql_reporting reporting = {0};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_reporting_part part = {0};
        struct ql_buf text = {0};
        struct ql_json *json = NULL;
        ql_buf_puts(&part.id, "e1");
        ql_buf_printf(&text, "{\"status\":\"COMPLETED\",%s}", CASES[i].json);
        assert_ok(ql_json_parse(ql_buf_view(&text), 8, &json, err));
        enum ql_status status = ql_reporting_read(&reporting, &part, json, NULL);
        assert_int_equal(status, CASES[i].file != NULL ? QL_OK : QL_E_PROTOCOL);
        assert_string_equal(ql_buf_text(&part.file_id), CASES[i].file != NULL ? CASES[i].file : "");
        ql_json_free(json);
        ql_buf_fini(&text);
        ql_reporting_part_fini(&part);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_made_of_settings),
        cmocka_unit_test(periods_are_written_in_their_largest_unit),
        cmocka_unit_test(ranges_are_cut_where_intervals_begin),
        cmocka_unit_test(queues_are_halved_when_the_range_cannot_be),
        cmocka_unit_test(every_code_has_a_sentence_and_a_hint_of_its_own),
        cmocka_unit_test(downloads_are_named_by_their_id_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
