/* Expected values are those of Python's zoneinfo over tzdata and over the same footers, computed apart from this code. */
#include "support/test.h"

#include "base/mem.h"
#include "base/tz_internal.h"

static struct ql_tz *open_zone(const char *name) {
    struct ql_tz *tz = NULL;
    assert_ok(ql_tz_open(ql_str_from(name), &tz, err));
    return tz;
}

static const struct {
    const char *zone;
    int64_t at_s;
    int before_s, after_s;
} CHANGES[] = {
    {"Europe/Madrid", INT64_C(260326800), 3600, 7200},          /* 1978-04-02T01:00:00+00:00 */
    {"Europe/Madrid", INT64_C(276051600), 7200, 3600},          /* 1978-10-01T01:00:00+00:00 */
    {"Europe/Madrid", INT64_C(1711846800), 3600, 7200},         /* 2024-03-31T01:00:00+00:00 */
    {"Europe/Madrid", INT64_C(1729990800), 7200, 3600},         /* 2024-10-27T01:00:00+00:00 */
    {"Europe/Madrid", INT64_C(2121901200), 3600, 7200},         /* 2037-03-29T01:00:00+00:00 */
    {"Europe/Madrid", INT64_C(2140045200), 7200, 3600},         /* 2037-10-25T01:00:00+00:00 */
    {"Europe/Madrid", INT64_C(2153350800), 3600, 7200},         /* 2038-03-28T01:00:00+00:00 */
    {"Europe/Madrid", INT64_C(2172099600), 7200, 3600},         /* 2038-10-31T01:00:00+00:00 */
    {"Europe/Madrid", INT64_C(4109878800), 3600, 7200},         /* 2100-03-28T01:00:00+00:00 */
    {"Europe/Madrid", INT64_C(4128627600), 7200, 3600},         /* 2100-10-31T01:00:00+00:00 */
    {"America/New_York", INT64_C(1173596400), -18000, -14400},  /* 2007-03-11T07:00:00+00:00 */
    {"America/New_York", INT64_C(1194156000), -14400, -18000},  /* 2007-11-04T06:00:00+00:00 */
    {"America/New_York", INT64_C(1710054000), -18000, -14400},  /* 2024-03-10T07:00:00+00:00 */
    {"America/New_York", INT64_C(1730613600), -14400, -18000},  /* 2024-11-03T06:00:00+00:00 */
    {"America/New_York", INT64_C(4076636400), -18000, -14400},  /* 2099-03-08T07:00:00+00:00 */
    {"America/New_York", INT64_C(4097196000), -14400, -18000},  /* 2099-11-01T06:00:00+00:00 */
    {"Australia/Lord_Howe", INT64_C(1712415600), 39600, 37800}, /* 2024-04-06T15:00:00+00:00 */
    {"Australia/Lord_Howe", INT64_C(1728142200), 37800, 39600}, /* 2024-10-05T15:30:00+00:00 */
    {"Australia/Lord_Howe", INT64_C(3952594800), 39600, 37800}, /* 2095-04-02T15:00:00+00:00 */
    {"Australia/Lord_Howe", INT64_C(3968321400), 37800, 39600}, /* 2095-10-01T15:30:00+00:00 */
    {"America/Nuuk", INT64_C(2531955600), -7200, -3600},        /* 2050-03-27T01:00:00+00:00 */
    {"America/Nuuk", INT64_C(2550704400), -3600, -7200},        /* 2050-10-30T01:00:00+00:00 */
    {"Antarctica/Troll", INT64_C(2847661200), 0, 7200},         /* 2060-03-28T01:00:00+00:00 */
    {"Antarctica/Troll", INT64_C(2866410000), 7200, 0},         /* 2060-10-31T01:00:00+00:00 */
    {"Pacific/Chatham", INT64_C(2343218400), 49500, 45900},     /* 2044-04-02T14:00:00+00:00 */
    {"Pacific/Chatham", INT64_C(2358338400), 45900, 49500},     /* 2044-09-24T14:00:00+00:00 */
    {"Pacific/Apia", INT64_C(1301752800), -36000, -39600},      /* 2011-04-02T14:00:00+00:00 */
    {"Pacific/Apia", INT64_C(1316872800), -39600, -36000},      /* 2011-09-24T14:00:00+00:00 */
    {"Pacific/Apia", INT64_C(1325239200), -36000, 50400},       /* 2011-12-30T10:00:00+00:00 */
    {"Europe/Dublin", INT64_C(3163366800), 0, 3600},            /* 2070-03-30T01:00:00+00:00 */
    {"Europe/Dublin", INT64_C(3181510800), 3600, 0},            /* 2070-10-26T01:00:00+00:00 */
};

static void offsets_change_at_the_very_instant(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
        struct ql_tz *tz = open_zone(CHANGES[i].zone);
        int64_t us = CHANGES[i].at_s * QL_US_PER_S;
        int before_s = ql_tz_offset_at(tz, us - 1);
        int after_s = ql_tz_offset_at(tz, us);
        if (before_s != CHANGES[i].before_s || after_s != CHANGES[i].after_s) {
            fail_msg("%s at %lld: %d then %d", CHANGES[i].zone, (long long)CHANGES[i].at_s, before_s, after_s);
        }
        ql_tz_free(tz);
    }
}

static const struct {
    const char *zone;
    int64_t at_s;
    int offset_s;
} OFFSETS[] = {
    {"Asia/Kathmandu", INT64_C(486432000), 19800},
    {"Asia/Kathmandu", INT64_C(517968000), 20700},
    {"Asia/Kathmandu", INT64_C(4115491200), 20700},
    {"Europe/Madrid", INT64_C(-2524521600), -884},
    {"America/New_York", INT64_C(-3786825600), -17762},
    {"America/New_York", INT64_C(-1625356800), -14400},
    {"Australia/Lord_Howe", INT64_C(157766400), 36000},
    {"America/Sao_Paulo", INT64_C(4103654400), -10800},
    {"Asia/Tehran", INT64_C(2540246400), 12600},
    {"Europe/Dublin", INT64_C(0), 3600},
    {"Asia/Jerusalem", INT64_C(3807907200), 10800},
    {"Etc/GMT+5", INT64_C(946684800), -18000},
    {"Africa/Monrovia", INT64_C(-315619200), -2670},
    {"UTC", INT64_C(4102444800), 0},
    {"Z", INT64_C(-1), 0},
};

static void offsets_are_known_far_back_and_ahead(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof OFFSETS / sizeof OFFSETS[0]; i++) {
        struct ql_tz *tz = open_zone(OFFSETS[i].zone);
        int offset_s = ql_tz_offset_at(tz, OFFSETS[i].at_s * QL_US_PER_S);
        if (offset_s != OFFSETS[i].offset_s) {
            fail_msg("%s at %lld: %d", OFFSETS[i].zone, (long long)OFFSETS[i].at_s, offset_s);
        }
        (void)ql_tz_offset_at(tz, INT64_MIN);
        (void)ql_tz_offset_at(tz, INT64_MAX);
        ql_tz_free(tz);
    }
}

static const struct {
    const char *zone;
    struct ql_civil local;
    enum ql_tz_local kind;
    int64_t us;
} LOCALS[] = {
    {"Europe/Madrid", {2024, 3, 31, 1, 59, 59, 999999}, QL_TZ_UNIQUE, INT64_C(1711846799999999)},
    {"Europe/Madrid", {2024, 3, 31, 2, 0, 0, 0}, QL_TZ_SKIPPED, INT64_C(0)},
    {"Europe/Madrid", {2024, 3, 31, 2, 59, 59, 999999}, QL_TZ_SKIPPED, INT64_C(0)},
    {"Europe/Madrid", {2024, 3, 31, 3, 0, 0, 0}, QL_TZ_UNIQUE, INT64_C(1711846800000000)},
    {"Europe/Madrid", {2024, 10, 27, 1, 59, 59, 999999}, QL_TZ_UNIQUE, INT64_C(1729987199999999)},
    {"Europe/Madrid", {2024, 10, 27, 2, 0, 0, 0}, QL_TZ_REPEATED, INT64_C(1729987200000000)},
    {"Europe/Madrid", {2024, 10, 27, 2, 59, 59, 999999}, QL_TZ_REPEATED, INT64_C(1729990799999999)},
    {"Europe/Madrid", {2024, 10, 27, 3, 0, 0, 0}, QL_TZ_UNIQUE, INT64_C(1729994400000000)},
    {"America/New_York", {2099, 3, 8, 2, 30, 0, 0}, QL_TZ_SKIPPED, INT64_C(0)},
    {"America/New_York", {2099, 11, 1, 1, 30, 0, 0}, QL_TZ_REPEATED, INT64_C(4097194200000000)},
    {"America/New_York", {2099, 7, 1, 0, 0, 0, 0}, QL_TZ_UNIQUE, INT64_C(4086561600000000)},
    {"Australia/Lord_Howe", {2024, 10, 6, 2, 0, 0, 0}, QL_TZ_SKIPPED, INT64_C(0)},
    {"Australia/Lord_Howe", {2024, 10, 6, 2, 29, 59, 0}, QL_TZ_SKIPPED, INT64_C(0)},
    {"Australia/Lord_Howe", {2024, 10, 6, 2, 30, 0, 0}, QL_TZ_UNIQUE, INT64_C(1728142200000000)},
    {"Australia/Lord_Howe", {2024, 4, 7, 1, 29, 59, 0}, QL_TZ_UNIQUE, INT64_C(1712413799000000)},
    {"Australia/Lord_Howe", {2024, 4, 7, 1, 30, 0, 0}, QL_TZ_REPEATED, INT64_C(1712413800000000)},
    {"Australia/Lord_Howe", {2024, 4, 7, 2, 0, 0, 0}, QL_TZ_UNIQUE, INT64_C(1712417400000000)},
    {"Pacific/Apia", {2011, 12, 29, 23, 59, 59, 0}, QL_TZ_UNIQUE, INT64_C(1325239199000000)},
    {"Pacific/Apia", {2011, 12, 30, 12, 0, 0, 0}, QL_TZ_SKIPPED, INT64_C(0)},
    {"Pacific/Apia", {2011, 12, 31, 0, 0, 0, 0}, QL_TZ_UNIQUE, INT64_C(1325239200000000)},
    {"Asia/Kathmandu", {1986, 1, 1, 0, 10, 0, 0}, QL_TZ_SKIPPED, INT64_C(0)},
    {"Asia/Kathmandu", {2024, 2, 29, 12, 0, 0, 0}, QL_TZ_UNIQUE, INT64_C(1709187300000000)},
    {"Antarctica/Troll", {2060, 3, 28, 2, 0, 0, 0}, QL_TZ_SKIPPED, INT64_C(0)},
    {"Antarctica/Troll", {2060, 10, 31, 1, 30, 0, 0}, QL_TZ_REPEATED, INT64_C(2866404600000000)},
    {"Europe/Madrid", {1900, 12, 31, 23, 50, 0, 0}, QL_TZ_SKIPPED, INT64_C(0)},

    {"UTC", {2024, 3, 31, 2, 30, 0, 0}, QL_TZ_UNIQUE, INT64_C(1711852200000000)},
};

static void local_times_are_unique_skipped_or_repeated(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof LOCALS / sizeof LOCALS[0]; i++) {
        struct ql_tz *tz = open_zone(LOCALS[i].zone);
        int64_t us = 0;
        enum ql_tz_local kind = ql_tz_to_utc(tz, ql_time_from_civil(&LOCALS[i].local), &us);
        if (kind != LOCALS[i].kind || us != LOCALS[i].us) {
            fail_msg("%s, row %zu: kind %d, %lld", LOCALS[i].zone, i, (int)kind, (long long)us);
        }
        ql_tz_free(tz);
    }
}

static void put_big_endian(struct ql_buf *buf, int64_t value, int n_bytes) {
    for (int shift = (n_bytes - 1) * 8; shift >= 0; shift -= 8) {
        ql_buf_putc(buf, (char)(unsigned char)((uint64_t)value >> shift & 0xFF));
    }
}

static void put_header(struct ql_buf *buf, char version, int64_t n_leap, int64_t n_times, int64_t n_types) {
    ql_buf_puts(buf, "TZif");
    ql_buf_putc(buf, version);
    for (int i = 0; i < 15; i++) {
        ql_buf_putc(buf, '\0');
    }
    put_big_endian(buf, 0, 4);
    put_big_endian(buf, 0, 4);
    put_big_endian(buf, n_leap, 4);
    put_big_endian(buf, n_times, 4);
    put_big_endian(buf, n_types, 4);
    put_big_endian(buf, 4, 4);
}

/* A file with an empty first block, the given transitions to types 1, 0, 1, … of 3600 s and 0 s, and a footer. */
static void put_tzif(struct ql_buf *buf, const int64_t *at_s, size_t n, int offset_s, const char *footer) {
    put_header(buf, '2', 0, 0, 0);
    ql_buf_put(buf, "AAA", 4);
    put_header(buf, '2', 0, (int64_t)n, 2);
    for (size_t i = 0; i < n; i++) {
        put_big_endian(buf, at_s[i], 8);
    }
    for (size_t i = 0; i < n; i++) {
        ql_buf_putc(buf, (char)((i + 1) % 2));
    }
    put_big_endian(buf, 0, 4);
    ql_buf_put(buf, "\0", 2);
    put_big_endian(buf, offset_s, 4);
    ql_buf_put(buf, "\0", 2);
    ql_buf_put(buf, "AAA", 4);
    ql_buf_printf(buf, "\n%s\n", footer);
}

static const struct {
    const char *footer;
    struct {
        int64_t at_s;
        int offset_s;
    } from[10];
} FOOTERS[] = {
    {"EST5EDT,0/0,J365/25", {{1672531200, -14400}, {1704067200, -14400}, {4102444800, -14400}}},
    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
     {{1672531200, -7200},
      {1679792400, -3600},
      {1698541200, -7200},
      {1704067200, -7200},
      {1711846800, -3600},
      {1729990800, -7200},
      {4102444800, -7200},
      {4109878800, -3600},
      {4128627600, -7200}}},
    {"IST-2IDT,M3.4.4/26,M10.5.0",
     {{1672531200, 7200},
      {1679616000, 10800},
      {1698534000, 7200},
      {1704067200, 7200},
      {1711670400, 10800},
      {1729983600, 7200},
      {4102444800, 7200},
      {4109702400, 10800},
      {4128620400, 7200}}},
    {"CST6CDT,J60/2,J300",
     {{1672531200, -21600},
      {1677657600, -18000},
      {1698390000, -21600},
      {1704067200, -21600},
      {1709280000, -18000},
      {1730012400, -21600},
      {4102444800, -21600},
      {4107571200, -18000},
      {4128303600, -21600}}},
    {"AAA-3:30:15BBB,59,300/1:30:30",
     {{1672531200, 12615},
      {1677623385, 16215},
      {1698440415, 12615},
      {1704067200, 12615},
      {1709159385, 16215},
      {1729976415, 12615},
      {4102444800, 12615},
      {4107536985, 16215},
      {4128354015, 12615}}}, /* by glibc: CPython counts days from 0 as from 1 */
    {"NZST-12NZDT,M9.5.0,M4.1.0/3",
     {{1672531200, 46800},
      {1680357600, 43200},
      {1695477600, 46800},
      {1704067200, 46800},
      {1712412000, 43200},
      {1727532000, 46800},
      {4102444800, 46800},
      {4110444000, 43200},
      {4125564000, 46800}}},
    {"IST-1GMT0,M10.5.0,M3.5.0/1",
     {{1672531200, 0},
      {1679792400, 3600},
      {1698541200, 0},
      {1704067200, 0},
      {1711846800, 3600},
      {1729990800, 0},
      {4102444800, 0},
      {4109878800, 3600},
      {4128627600, 0}}},
    {"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
     {{1672531200, 49500},
      {1680357600, 45900},
      {1695477600, 49500},
      {1704067200, 49500},
      {1712412000, 45900},
      {1727532000, 49500},
      {4102444800, 49500},
      {4110444000, 45900},
      {4125564000, 49500}}},
};

static void a_footer_rules_behind_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof FOOTERS / sizeof FOOTERS[0]; i++) {
        struct ql_buf bytes = {0};
        struct ql_tz *tz = NULL;
        put_tzif(&bytes, NULL, 0, 3600, FOOTERS[i].footer);
        assert_ok(ql_tz_from_tzif(ql_buf_view(&bytes), QL_STR("Test/Footer"), &tz, err));
        for (size_t k = 0; k < 10 && FOOTERS[i].from[k].at_s != 0; k++) {
            int64_t at_s = FOOTERS[i].from[k].at_s;
            int offset_s = ql_tz_offset_at(tz, at_s * QL_US_PER_S);
            if (offset_s != FOOTERS[i].from[k].offset_s) {
                fail_msg("'%s' at %lld: %d", FOOTERS[i].footer, (long long)at_s, offset_s);
            }
            if (k != 0 && at_s % (365 * 86400) != 0 && FOOTERS[i].from[k - 1].offset_s != offset_s) {
                assert_int_equal(ql_tz_offset_at(tz, at_s * QL_US_PER_S - 1), FOOTERS[i].from[k - 1].offset_s);
            }
        }
        ql_tz_free(tz);
        ql_buf_fini(&bytes);
    }
}

static void without_a_footer_the_last_type_stays(void **state) {
    (void)state;
    const int64_t at_s[] = {0, 1000};
    struct ql_buf bytes = {0};
    struct ql_tz *tz = NULL;
    put_tzif(&bytes, at_s, 2, 7200, "");
    assert_ok(ql_tz_from_tzif(ql_buf_view(&bytes), QL_STR("Test/Bare"), &tz, err));
    assert_int_equal(ql_tz_offset_at(tz, -1), 0);
    assert_int_equal(ql_tz_offset_at(tz, 0), 7200);
    assert_int_equal(ql_tz_offset_at(tz, 1000 * QL_US_PER_S - 1), 7200);
    assert_int_equal(ql_tz_offset_at(tz, INT64_MAX), 0);
    ql_tz_free(tz);
    ql_buf_fini(&bytes);
}

static bool is_taken(const struct ql_buf *bytes, size_t len) {
    struct ql_tz *tz = NULL;
    struct ql_err err = {0};
    char *exact = ql_mem_strndup(bytes->ptr, len); /* so that a read behind the end is seen */
    enum ql_status status = ql_tz_from_tzif((struct ql_str){.ptr = exact, .len = len}, QL_STR("Test/Zone"), &tz, &err);
    ql_mem_free(exact);
    if (status == QL_OK) {
        ql_tz_free(tz);
        return true;
    }
    assert_int_equal(status, QL_E_CONFIG);
    assert_non_null(strstr(err.message, "Test/Zone"));
    return false;
}

static void a_file_that_is_cut_anywhere_is_refused(void **state) {
    (void)state;
    const int64_t at_s[] = {0, 1000};
    struct ql_buf bytes = {0};
    put_tzif(&bytes, at_s, 2, 7200, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t len = 0; len < bytes.len; len++) {
        assert_false(is_taken(&bytes, len));
    }
    assert_true(is_taken(&bytes, bytes.len));
    ql_buf_fini(&bytes);
}

static void a_damaged_file_is_refused(void **state) {
    (void)state;
    const int64_t in_order[] = {0, 1000};
    const int64_t out_of_order[] = {1000, 1000};
    struct ql_buf bytes = {0};
    put_tzif(&bytes, out_of_order, 2, 3600, "");
    assert_false(is_taken(&bytes, bytes.len));
    ql_buf_reset(&bytes);
    put_tzif(&bytes, in_order, 2, 27 * 3600, "");
    assert_false(is_taken(&bytes, bytes.len));
    ql_buf_reset(&bytes);
    put_tzif(&bytes, in_order, 2, 3600, "");
    enum { AT_TYPES = 44 + 4 + 44 + 2 * 8, AT_LEAP = 44 + 4 + 20 + 8 + 3 };
    bytes.ptr[AT_TYPES] = 2; /* a type that does not exist */
    assert_false(is_taken(&bytes, bytes.len));
    bytes.ptr[AT_TYPES] = 1;
    assert_true(is_taken(&bytes, bytes.len));
    bytes.ptr[AT_LEAP] = 1;
    assert_false(is_taken(&bytes, bytes.len));
    bytes.ptr[AT_LEAP] = 0;
    bytes.ptr[4] = '\0'; /* version 1 */
    assert_false(is_taken(&bytes, bytes.len));
    bytes.ptr[4] = '2';
    bytes.ptr[0] = 'X';
    assert_false(is_taken(&bytes, bytes.len));
    ql_buf_fini(&bytes);
}

static void a_footer_that_is_none_is_refused(void **state) {
    (void)state;
    const char *wrong[] = {"CE-1",
                           "CET",
                           "CET-25",
                           "CET-1CEST",
                           "CET-1CEST,",
                           "CET-1CEST,M3.5.0",
                           "<CET-1",
                           "CET-1CEST,M0.5.0,M10.5.0",
                           "CET-1CEST,M3.6.0,M10.5.0",
                           "CET-1CEST,M3.5.7,M10.5.0",
                           "CET-1CEST,J0,J300",
                           "CET-1CEST,366,J300",
                           "CET-1CEST,M3.5.0,M10.5.0/168",
                           "CET-1CEST,M3.5.0,M10.5.0x",
                           "CET-1:60",
                           "99999999999",
                           "CET-99999999999999",
                           ":Europe/Madrid"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ql_buf bytes = {0};
        put_tzif(&bytes, NULL, 0, 3600, wrong[i]);
        if (is_taken(&bytes, bytes.len)) {
            fail_msg("'%s' was accepted", wrong[i]);
        }
        ql_buf_fini(&bytes);
    }
}

static void names_cannot_leave_the_folder(void **state) {
    (void)state;
    const char *wrong[] = {"",
                           "../zoneinfo/Europe/Madrid",
                           "Europe/../Europe/Madrid",
                           "/usr/share/zoneinfo/Europe/Madrid",
                           "/etc/passwd",
                           "Europe//Madrid",
                           "Europe/Madrid/",
                           "./Europe/Madrid",
                           "Europe",
                           "tzdata.zi",
                           "zone.tab",
                           "localtime",
                           ":Europe/Madrid",
                           "Europe/Madrid ",
                           "CET-1CEST,M3.5.0,M10.5.0"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ql_tz *tz = NULL;
        struct ql_err err = {0};
        assert_int_equal(ql_tz_open(ql_str_from(wrong[i]), &tz, &err), QL_E_CONFIG);
        assert_null(tz);
    }
    char nul[] = "UTC\0x";
    struct ql_tz *tz = NULL;
    assert_int_equal(ql_tz_open((struct ql_str){.ptr = nul, .len = 5}, &tz, NULL), QL_E_CONFIG);
    char longer[4096];
    memset(longer, 'A', sizeof longer);
    assert_int_equal(ql_tz_open((struct ql_str){.ptr = longer, .len = sizeof longer}, &tz, NULL), QL_E_CONFIG);
}

static void an_unknown_zone_comes_with_the_nearest(void **state) {
    (void)state;
    const struct {
        const char *wrong, *right;
    } cases[] = {{"Europe/Madird", "'Europe/Madrid'"},
                 {"europe/madrid", "'Europe/Madrid'"},
                 {"Madrid", "'Europe/Madrid'"},
                 {"America/Newyork", "'America/New_York'"},
                 {"America/buenos_aires", "'America/Buenos_Aires'"},
                 {"Xyzzy/Plugh", "IANA"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ql_tz *tz = NULL;
        struct ql_err err = {0};
        assert_int_equal(ql_tz_open(ql_str_from(cases[i].wrong), &tz, &err), QL_E_CONFIG);
        if (strstr(err.message, cases[i].wrong) == NULL || strstr(err.hint, cases[i].right) == NULL) {
            fail_msg("%s: %s; %s", cases[i].wrong, err.message, err.hint);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_change_at_the_very_instant),
        cmocka_unit_test(offsets_are_known_far_back_and_ahead),
        cmocka_unit_test(local_times_are_unique_skipped_or_repeated),
        cmocka_unit_test(a_footer_rules_behind_the_table),
        cmocka_unit_test(without_a_footer_the_last_type_stays),
        cmocka_unit_test(a_file_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(a_damaged_file_is_refused),
        cmocka_unit_test(a_footer_that_is_none_is_refused),
        cmocka_unit_test(names_cannot_leave_the_folder),
        cmocka_unit_test(an_unknown_zone_comes_with_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
