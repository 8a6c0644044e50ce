/* Expected instants are those of Python's datetime, computed apart from this code. */
#include "support/test.h"

#include "base/time.h"

struct civil_case {
    struct ql_civil civil;
    int64_t us;
};

static const struct civil_case CIVILS[] = {
    {{1, 1, 1, 0, 0, 0, 0}, INT64_C(-62135596800000000)},
    {{1582, 10, 15, 0, 0, 0, 0}, INT64_C(-12219292800000000)},
    {{1600, 2, 29, 12, 0, 0, 0}, INT64_C(-11670955200000000)},
    {{1899, 12, 31, 23, 59, 59, 999999}, INT64_C(-2208988800000001)},
    {{1900, 3, 1, 0, 0, 0, 0}, INT64_C(-2203891200000000)},
    {{1969, 12, 31, 23, 59, 59, 999999}, INT64_C(-1)},
    {{1970, 1, 1, 0, 0, 0, 0}, INT64_C(0)},
    {{1972, 2, 29, 0, 0, 0, 0}, INT64_C(68169600000000)},
    {{2000, 2, 29, 23, 59, 59, 0}, INT64_C(951868799000000)},
    {{2000, 3, 1, 0, 0, 0, 0}, INT64_C(951868800000000)},
    {{2024, 1, 31, 9, 30, 15, 123456}, INT64_C(1706693415123456)},
    {{2100, 2, 28, 23, 59, 59, 0}, INT64_C(4107542399000000)},
    {{2100, 3, 1, 0, 0, 0, 0}, INT64_C(4107542400000000)},
    {{9999, 12, 31, 23, 59, 59, 999999}, INT64_C(253402300799999999)},
};

static void civil_times_are_those_of_the_gregorian_calendar(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof CIVILS / sizeof CIVILS[0]; i++) {
        struct ql_civil back;
        ql_time_to_civil(CIVILS[i].us, &back);
        assert_int_equal(ql_time_from_civil(&CIVILS[i].civil), CIVILS[i].us);
        assert_memory_equal(&back, &CIVILS[i].civil, sizeof back);
        assert_true(ql_civil_is_valid(&back));
    }
}

static void every_day_follows_the_one_before(void **state) {
    (void)state;
    struct ql_civil last;
    ql_time_to_civil(CIVILS[0].us, &last);
    for (int64_t day = 1; day < 800 * 366; day++) {
        struct ql_civil civil;
        ql_time_to_civil(CIVILS[0].us + day * 86400 * QL_US_PER_S, &civil);
        bool is_next = civil.year == last.year && civil.month == last.month && civil.day == last.day + 1;
        bool is_next_month = civil.day == 1 && civil.month == last.month % 12 + 1 && last.day >= 28;
        assert_true(is_next || is_next_month);
        assert_true(ql_civil_is_valid(&civil));
        assert_int_equal(ql_time_from_civil(&civil), CIVILS[0].us + day * 86400 * QL_US_PER_S);
        last = civil;
    }
    assert_int_equal(last.year, 802);
}

static void what_no_calendar_has_is_not_valid(void **state) {
    (void)state;
    const struct ql_civil wrong[] = {
        {2023, 2, 29, 0, 0, 0, 0}, {1900, 2, 29, 0, 0, 0, 0}, {2024, 4, 31, 0, 0, 0, 0},      {2024, 0, 1, 0, 0, 0, 0},
        {2024, 13, 1, 0, 0, 0, 0}, {2024, 1, 0, 0, 0, 0, 0},  {2024, 1, 1, 24, 0, 0, 0},      {2024, 1, 1, 0, 60, 0, 0},
        {2024, 1, 1, 0, 0, 60, 0}, {2024, 1, 1, 0, 0, 0, -1}, {2024, 1, 1, -1, 0, 0, 0},      {0, 1, 1, 0, 0, 0, 0},
        {10000, 1, 1, 0, 0, 0, 0}, {2024, 1, 32, 0, 0, 0, 0}, {2024, 1, 1, 0, 0, 0, 1000000}, {2024, -1, 1, 0, 0, 0, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(ql_civil_is_valid(&wrong[i]));
    }
    assert_true(ql_civil_is_valid(&(struct ql_civil){2000, 2, 29, 23, 59, 59, 999999}));
}

struct iso_case {
    const char *text;
    struct ql_time_text expected;
};

static void iso_texts_are_read_whole(void **state) {
    (void)state;
    const struct iso_case cases[] = {
        {"2024-01-31", {.civil = {2024, 1, 31, 0, 0, 0, 0}}},
        {"2024-01-31T09:30", {.civil = {2024, 1, 31, 9, 30, 0, 0}, .has_time = true}},
        {"2024-01-31 09:30:15", {.civil = {2024, 1, 31, 9, 30, 15, 0}, .has_time = true}},
        {"2024-01-31T09:30:15.5", {.civil = {2024, 1, 31, 9, 30, 15, 500000}, .has_time = true}},
        {"2024-01-31T09:30:15.123456000Z", {.civil = {2024, 1, 31, 9, 30, 15, 123456}, .has_time = true, .has_offset = true}},
        {"2024-01-31T09:30Z", {.civil = {2024, 1, 31, 9, 30, 0, 0}, .has_time = true, .has_offset = true}},
        {"2024-01-31T09:30+01:00",
         {.civil = {2024, 1, 31, 9, 30, 0, 0}, .has_time = true, .has_offset = true, .offset_s = 3600}},
        {"2024-01-31T09:30:00.000+05:45",
         {.civil = {2024, 1, 31, 9, 30, 0, 0}, .has_time = true, .has_offset = true, .offset_s = 20700}},
        {"2024-01-31T09:30:00-03",
         {.civil = {2024, 1, 31, 9, 30, 0, 0}, .has_time = true, .has_offset = true, .offset_s = -10800}},
        {"2024-01-31T09:30:00-0330",
         {.civil = {2024, 1, 31, 9, 30, 0, 0}, .has_time = true, .has_offset = true, .offset_s = -12600}},
        {"0001-01-01T00:00:00Z", {.civil = {1, 1, 1, 0, 0, 0, 0}, .has_time = true, .has_offset = true}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ql_time_text text;
        if (!ql_time_parse_iso(ql_str_from(cases[i].text), &text)) {
            fail_msg("'%s' was refused", cases[i].text);
        }
        const struct ql_time_text *expected = &cases[i].expected;
        assert_memory_equal(&text.civil, &expected->civil, sizeof text.civil);
        assert_int_equal(text.has_time, expected->has_time);
        assert_int_equal(text.has_offset, expected->has_offset);
        assert_int_equal(text.offset_s, expected->offset_s);
    }
}

static void what_is_not_iso_is_refused(void **state) {
    (void)state;
    const char *wrong[] = {"",
                           "2024",
                           "2024-01",
                           "2024-1-31",
                           "2024-01-32",
                           "2023-02-29",
                           "2024-01-31T",
                           "2024-01-31T9:30",
                           "2024-01-31T09",
                           "2024-01-31T09:30:",
                           "2024-01-31T09:30:60",
                           "2024-01-31T24:00",
                           "2024-01-31T09:30:15.",
                           "2024-01-31T09:30:15.1234567",
                           "2024-01-31T09:30:15,5",
                           "2024-01-31T09:30:15.12345z",
                           "2024-01-31T09:30+1",
                           "2024-01-31T09:30+01:",
                           "2024-01-31T09:30+24:00",
                           "2024-01-31T09:30+01:60",
                           "2024-01-31T09:30Zx",
                           "2024-01-31T09:30 Z",
                           " 2024-01-31",
                           "2024-01-31 ",
                           "2024-01-31Z",
                           "20240131T0930",
                           "0000-01-01",
                           "2024/01/31",
                           "2024-01-31x09:30",
                           "2024-01-31T09:30+"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ql_time_text text;
        if (ql_time_parse_iso(ql_str_from(wrong[i]), &text)) {
            fail_msg("'%s' was accepted", wrong[i]);
        }
    }
}

static void a_text_is_read_only_as_far_as_its_length(void **state) {
    (void)state;
    struct ql_time_text text;
    assert_true(ql_time_parse_iso((struct ql_str){.ptr = "2024-01-31T09:30", .len = 10}, &text));
    assert_false(text.has_time);
}

static void instants_are_written_with_as_many_digits_as_they_need(void **state) {
    (void)state;
    char out[QL_TIME_TEXT_SIZE];
    assert_int_equal(ql_time_format(INT64_C(1704067200000000), out), 24);
    assert_string_equal(out, "2024-01-01T00:00:00.000Z");
    (void)ql_time_format(INT64_C(1706693415123000), out);
    assert_string_equal(out, "2024-01-31T09:30:15.123Z");
    (void)ql_time_format(INT64_C(1706693415123456), out);
    assert_string_equal(out, "2024-01-31T09:30:15.123456Z");
    (void)ql_time_format(-1, out);
    assert_string_equal(out, "1969-12-31T23:59:59.999999Z");
    (void)ql_time_format(INT64_C(-62135596800000000), out);
    assert_string_equal(out, "0001-01-01T00:00:00.000Z");
    /* The ends of int64_t, from the number of days and the length of 400 years. */
    assert_int_equal(ql_time_format(INT64_MAX, out), 30);
    assert_string_equal(out, "+294247-01-10T04:00:54.775807Z");
    assert_int_equal(ql_time_format(INT64_MIN, out), 30);
    assert_string_equal(out, "-290308-12-21T19:59:05.224192Z");
}

static void what_is_written_can_be_read(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int64_t us = CIVILS[0].us + (int64_t)(random % (uint64_t)(INT64_C(253402300799999999) - CIVILS[0].us));
        char out[QL_TIME_TEXT_SIZE];
        size_t len = ql_time_format(us, out);
        struct ql_time_text text;
        assert_true(ql_time_parse_iso((struct ql_str){.ptr = out, .len = len}, &text));
        assert_int_equal(ql_time_from_civil(&text.civil), us);
    }
}

static void periods_are_read_in_both_forms(void **state) {
    (void)state;
    const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {{"PT30M", 1800}, {"P1D", 86400},    {"P1W", 604800}, {"PT1H30M", 5400}, {"P1DT12H", 129600},
                 {"PT90S", 90},   {"30m", 1800},     {"15min", 900},  {"1h", 3600},      {"90s", 90},
                 {"1d", 86400},   {"PT0H30M", 1800}, {"P0DT1S", 1},   {"007m", 420},     {"PT1H2M3S", 3723}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = 0;
        if (!ql_period_parse(ql_str_from(cases[i].text), &us) || us != cases[i].seconds * QL_US_PER_S) {
            fail_msg("'%s' gave %lld", cases[i].text, (long long)us);
        }
    }
}

static void what_is_no_period_is_refused(void **state) {
    (void)state;
    const char *wrong[] = {"",
                           "P",
                           "PT",
                           "P1DT",
                           "30",
                           "m",
                           "PT30",
                           "PT30m",
                           "PT0S",
                           "0m",
                           "-30m",
                           "PT-30M",
                           "P1M",
                           "P1Y",
                           "PT1M1H",
                           "PT1M1M",
                           "30M",
                           "1 h",
                           "30mm",
                           "1w",
                           "PT1.5H",
                           "P1DT1D",
                           "T30M",
                           "PT1H ",
                           "PTT1H",
                           "9223372036854775807s",
                           "P99999999999999W",
                           "99999999999999999999s",
                           "PT9223372036854S1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t us = -7;
        if (ql_period_parse(ql_str_from(wrong[i]), &us) || us != -7) {
            fail_msg("'%s' was accepted", wrong[i]);
        }
    }
}

static void clocks_run_forward(void **state) {
    (void)state;
    assert_true(ql_time_now() > INT64_C(1704067200000000));
    int64_t before = ql_time_monotonic_ms();
    assert_true(ql_time_monotonic_ms() >= before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(civil_times_are_those_of_the_gregorian_calendar),
        cmocka_unit_test(every_day_follows_the_one_before),
        cmocka_unit_test(what_no_calendar_has_is_not_valid),
        cmocka_unit_test(iso_texts_are_read_whole),
        cmocka_unit_test(what_is_not_iso_is_refused),
        cmocka_unit_test(a_text_is_read_only_as_far_as_its_length),
        cmocka_unit_test(instants_are_written_with_as_many_digits_as_they_need),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(periods_are_read_in_both_forms),
        cmocka_unit_test(what_is_no_period_is_refused),
        cmocka_unit_test(clocks_run_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
