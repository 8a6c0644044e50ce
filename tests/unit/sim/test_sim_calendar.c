/* Zones, buckets and intervals of the simulator. Expected values are those of the tz database's own tools (zdump). */
#include "support/test.h"

#include "sim/buckets.h"

static int64_t at(const char *text) {
    int64_t ms;
    assert_true(ql_sim_time_parse(ql_str_from(text), &ms));
    return ms;
}

static void offsets_follow_the_table_and_the_rule(void **state) {
    static const struct {
        const char *zone, *time;
        int minutes;
    } CASES[] = {
        {"Europe/Berlin", "2024-03-31T00:59:59Z", 60},
        {"Europe/Berlin", "2024-03-31T01:00:00Z", 120},
        {"Europe/Berlin", "2024-10-27T00:59:59Z", 120},
        {"Europe/Berlin", "2024-10-27T01:00:00Z", 60},
        {"Europe/Berlin", "2075-07-01T00:00:00Z", 120},
        {"Europe/Berlin", "2075-12-01T00:00:00Z", 60},
        {"America/New_York", "2024-03-10T06:59:59Z", -300},
        {"America/New_York", "2024-03-10T07:00:00Z", -240},
        {"America/New_York", "2090-11-05T05:59:59Z", -240},
        {"America/New_York", "2090-11-05T06:00:00Z", -300},
        {"Australia/Lord_Howe", "2024-01-01T00:00:00Z", 660},
        {"Australia/Lord_Howe", "2024-06-01T00:00:00Z", 630},
        {"Australia/Sydney", "2080-01-01T00:00:00Z", 660},
        {"Australia/Sydney", "2080-07-01T00:00:00Z", 600},
        {"Asia/Kolkata", "2024-01-01T00:00:00Z", 330},
        {"America/St_Johns", "2024-01-01T00:00:00Z", -210},
        {"UTC", "2024-07-01T00:00:00Z", 0},
        {"Etc/GMT+5", "2024-07-01T00:00:00Z", -300},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_sim_zone *zone = ql_sim_zone_open(CASES[i].zone);
        assert_non_null(zone);
        assert_int_equal(ql_sim_zone_offset_ms(zone, at(CASES[i].time)), CASES[i].minutes * INT64_C(60000));
        ql_sim_zone_free(zone);
    }
}

static void names_that_are_no_zone(void **state) {
    static const char *const NAMES[] = {"",       "Mars/Olympus", "../zoneinfo/UTC", "/etc/localtime",
                                        "Europe", "Europe/",      "zone.tab",        "Europe/Ber lin"};
    (void)state;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        assert_null(ql_sim_zone_open(NAMES[i]));
    }
}

static void a_clock_on_the_wall_in_a_gap_and_twice(void **state) {
    struct ql_sim_zone *zone = ql_sim_zone_open("Europe/Berlin");
    (void)state;
    assert_non_null(zone);
    /* 02:30 does not exist on the first day and exists twice on the second. */
    assert_int_equal(ql_sim_zone_from_civil(zone, at("2024-03-31T02:30:00Z")), at("2024-03-31T01:30:00Z"));
    assert_int_equal(ql_sim_zone_from_civil(zone, at("2024-10-27T02:30:00Z")), at("2024-10-27T00:30:00Z"));
    assert_int_equal(ql_sim_zone_from_civil(zone, at("2024-10-27T03:00:00Z")), at("2024-10-27T02:00:00Z"));
    assert_int_equal(ql_sim_zone_from_civil(zone, at("2024-07-01T00:00:00Z")), at("2024-06-30T22:00:00Z"));
    ql_sim_zone_free(zone);
}

static int64_t count_buckets(const char *zone_name, const char *interval, const char *period) {
    struct ql_sim_zone *zone = ql_sim_zone_open(zone_name);
    struct ql_sim_buckets buckets = {.zone = zone};
    assert_non_null(zone);
    assert_true(ql_sim_interval_parse(ql_str_from(interval), zone, &buckets.from_ms, &buckets.to_ms));
    assert_true(period == NULL || ql_sim_period_read(ql_str_from(period), &buckets.period));
    int64_t n = ql_sim_buckets_count(&buckets);
    assert_int_equal(ql_sim_buckets_start(&buckets, 0), buckets.from_ms);
    for (int64_t i = 0; i < n; i++) { /* each ends where the next begins, the last one at the end */
        assert_true(ql_sim_buckets_start(&buckets, i) < ql_sim_buckets_start(&buckets, i + 1));
    }
    assert_int_equal(ql_sim_buckets_start(&buckets, n), buckets.to_ms);
    ql_sim_zone_free(zone);
    return n;
}

static void days_have_their_half_hours(void **state) {
    (void)state;
    assert_int_equal(count_buckets("Europe/Berlin", "2024-03-31T00:00/2024-04-01T00:00", "PT30M"), 46);
    assert_int_equal(count_buckets("Europe/Berlin", "2024-10-27T00:00/2024-10-28T00:00", "PT30M"), 50);
    assert_int_equal(count_buckets("Europe/Berlin", "2024-10-28T00:00/2024-10-29T00:00", "PT30M"), 48);
    assert_int_equal(count_buckets("Australia/Lord_Howe", "2024-10-06T00:00/2024-10-07T00:00", "PT15M"), 94);
    assert_int_equal(count_buckets("Europe/Berlin", "2024-01-01/2025-01-01", "P1D"), 366);
    assert_int_equal(count_buckets("America/New_York", "2024-01-01/2025-01-01", "P1M"), 12);
    assert_int_equal(count_buckets("America/New_York", "2024-01-31T10:00/2024-03-31T10:00", "P1M"), 2);
    assert_int_equal(count_buckets("UTC", "2024-01-01T00:00:00Z/2024-01-15T00:00:00Z", "P1W"), 2);
    assert_int_equal(count_buckets("UTC", "2024-01-01T00:00:00Z/2024-01-15T00:00:01Z", "P1W"), 3);
    assert_int_equal(count_buckets("UTC", "2024-01-01T00:00:00Z/2024-01-15T00:00:00Z", NULL), 1);
}

static void intervals_with_and_without_offset(void **state) {
    struct ql_sim_zone *zone = ql_sim_zone_open("America/New_York");
    int64_t from_ms;
    int64_t to_ms;
    (void)state;
    assert_non_null(zone);
    assert_true(ql_sim_interval_parse(QL_STR("2024-01-08T00:00:00/2024-01-08T12:00:00+01:00"), zone, &from_ms, &to_ms));
    assert_int_equal(from_ms, at("2024-01-08T05:00:00Z"));
    assert_int_equal(to_ms, at("2024-01-08T11:00:00Z"));
    assert_false(ql_sim_interval_parse(QL_STR("2024-01-08/2024-01-08"), zone, &from_ms, &to_ms));
    assert_false(ql_sim_interval_parse(QL_STR("2024-01-08"), zone, &from_ms, &to_ms));
    assert_false(ql_sim_interval_parse(QL_STR("2024-01-08/"), zone, &from_ms, &to_ms));
    assert_false(ql_sim_interval_parse(QL_STR("2024-01-08/P1D"), zone, &from_ms, &to_ms));
    ql_sim_zone_free(zone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_follow_the_table_and_the_rule),  cmocka_unit_test(names_that_are_no_zone),
        cmocka_unit_test(a_clock_on_the_wall_in_a_gap_and_twice), cmocka_unit_test(days_have_their_half_hours),
        cmocka_unit_test(intervals_with_and_without_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
