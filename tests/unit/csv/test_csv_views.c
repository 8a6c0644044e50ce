/* Files of view exports: dates in numbers, headers by locale, rows of several queues, files that say that they are not whole.
 * Expected instants by hand from tzdata; the forms of dates from CLDR's short formats. */
#include "unit/csv/csv_harness.h"

#define ROW(start, end, id, name) "\"" start "\",\"" end "\",\"TRUE\",\"" id "\",\"" name "\",\"5\",\"4\",\"1500\",\"0.8\"\n"
#define HEADER "Interval Start,Interval End,Interval Complete,Queue Id,Queue Name,Offer,Answer,Avg Handle,Service Level %\n"
#define VALUES "|5|4|15e-1|8e1\n" /* seconds and percent */

static void expect_start(enum ql_csv_dates dates, const char *text, const char *start) {
    struct ql_csv_options options = csv_options();
    options.dates = dates;
    struct ql_buf csv = {0};
    struct ql_buf rows = {0};
    ql_buf_printf(&csv, "Interval Start,Queue Name,Offer,Answer\n\"%s\",a,1,2\n", text);
    ql_buf_printf(&rows, "%s/-|(none)|a|1|2|-|-\n", start);
    csv_expect_rows(&options, ql_buf_view(&csv), rows.ptr);
    ql_buf_fini(&csv);
    ql_buf_fini(&rows);
}

static void dates_of_many_locales_are_read(void **state) {
    (void)state;
    static const struct {
        enum ql_csv_dates dates;
        const char *text, *start;
    } GOOD[] = {
        {QL_CSV_DATES_US, "1/5/26 9:30 AM", "2026-01-05T09:30:00.000Z"},
        {QL_CSV_DATES_US, "01/05/26 09:30 AM", "2026-01-05T09:30:00.000Z"},
        {QL_CSV_DATES_US, "1/5/2026, 12:00 AM", "2026-01-05T00:00:00.000Z"},
        {QL_CSV_DATES_US, " 1/5/26 12:30 pm ", "2026-01-05T12:30:00.000Z"},
        {QL_CSV_DATES_US, "1/5/26 11:59:59\xE2\x80\xAFPM", "2026-01-05T23:59:59.000Z"},
        {QL_CSV_DATES_US, "12/31/99 00:00", "2099-12-31T00:00:00.000Z"},
        {QL_CSV_DATES_EU, "5/1/26 9:30", "2026-01-05T09:30:00.000Z"},
        {QL_CSV_DATES_EU, "05.01.26 09:30", "2026-01-05T09:30:00.000Z"},
        {QL_CSV_DATES_EU, "05-01-2026 23:30", "2026-01-05T23:30:00.000Z"},
        {QL_CSV_DATES_EU, "5/1/2026 9:30 p.\xC2\xA0m.", "2026-01-05T21:30:00.000Z"},
        {QL_CSV_DATES_EU, "5/1/2026", "2026-01-05T00:00:00.000Z"},
        {QL_CSV_DATES_AUTO, "2026-01-05 09:30", "2026-01-05T09:30:00.000Z"},
        {QL_CSV_DATES_AUTO, "13/1/26 9:30", "2026-01-13T09:30:00.000Z"},
        {QL_CSV_DATES_AUTO, "1/13/26 9:30 AM", "2026-01-13T09:30:00.000Z"},
        {QL_CSV_DATES_AUTO, "05.01.26 09:30", "2026-01-05T09:30:00.000Z"},
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        expect_start(GOOD[i].dates, GOOD[i].text, GOOD[i].start);
    }
}

static void what_is_no_date_is_a_bad_row(void **state) {
    (void)state;
    static const char *const BAD[] = {
        "13/1/26 9:30 AM",
        "1/5/26 13:00 PM",
        "1/5/26 0:30 AM",
        "1/5/26 9:5",
        "1/5/266 9:30",
        "1/5/26T9:30",
        "1-5/26 9:30",
        "1/5/26 9:30 AM UTC",
        "2026-01-05 09:30",
        "2/29/26 9:30",
        "1/5/26 9:30:60",
        "1/5/26 24:00",
        "1/5/26/",
        "1/5",
        "",
        "/",
        "1/5/26 9:30 .a.m",
        "111/5/26",
    };
    struct ql_csv_options options = csv_options();
    options.dates = QL_CSV_DATES_US;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct ql_buf csv = {0};
        ql_buf_printf(&csv, "Interval Start,Queue Name,Offer,Answer\n\"%s\",a,1,2\n", BAD[i]);
        csv_expect_error(&options, ql_buf_view(&csv), QL_E_BAD_ROW, "is not a date and time", "--csv-dates");
        ql_buf_fini(&csv);
    }
}

/* The second row tells how the first is meant; a later one that does not fit is bad, not another way of writing. */
static void the_first_rows_tell_which_number_is_the_day(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
#define STAMPS(a, b) "Interval Start,Queue Name,Offer,Answer\n" a ",a,1,2\n" b ",a,1,2\n"
    csv_expect_rows(&options, QL_STR(STAMPS("1/2/24 0:00", "1/13/24 0:00")),
                    "2024-01-02T00:00:00.000Z/-|(none)|a|1|2|-|-\n2024-01-13T00:00:00.000Z/-|(none)|a|1|2|-|-\n");
    csv_expect_rows(&options, QL_STR(STAMPS("1/2/24 0:00", "13/2/24 0:00")),
                    "2024-02-01T00:00:00.000Z/-|(none)|a|1|2|-|-\n2024-02-13T00:00:00.000Z/-|(none)|a|1|2|-|-\n");
    csv_expect_error(&options, QL_STR(STAMPS("1/13/24 0:00", "13/1/24 0:00")), QL_E_BAD_ROW, "line 3", NULL);
    csv_expect_error(&options, QL_STR(STAMPS("1/2/24 0:00", "3/4/24 0:00")), QL_E_DATA, "dates as '1/2/24 0:00' may have",
                     "--csv-dates us (month first)");
    options.ambiguous_dates = QL_CSV_DATES_EU; /* only then */
    csv_expect_rows(&options, QL_STR(STAMPS("1/2/24 0:00", "3/4/24 0:00")),
                    "2024-02-01T00:00:00.000Z/-|(none)|a|1|2|-|-\n2024-04-03T00:00:00.000Z/-|(none)|a|1|2|-|-\n");
    csv_expect_rows(&options, QL_STR(STAMPS("1/2/24 0:00", "1/13/24 0:00")),
                    "2024-01-02T00:00:00.000Z/-|(none)|a|1|2|-|-\n2024-01-13T00:00:00.000Z/-|(none)|a|1|2|-|-\n");
}

/* However the text is cut, and however far away the row that tells. */
static void recognition_does_not_depend_on_chunks(void **state) {
    (void)state;
    struct ql_buf text = {0};
    ql_buf_puts(&text, HEADER);
    for (int i = 0; i < 900; i++) {
        ql_buf_printf(&text, ROW("1/%d/24 9:00 AM", "1/%d/24 9:30 AM", "id", "a\nb"), 1 + i / 300, 1 + i / 300);
    }
    ql_buf_puts(&text, ROW("1/13/24 9:00 AM", "1/13/24 9:30 AM", "id", "a\nb"));
    const struct ql_csv_options options = csv_options();
    struct csv_result whole = {0};
    csv_run(&options, ql_buf_view(&text), &whole);
    assert_int_equal(whole.status, QL_OK);
    assert_int_equal(whole.stats.rows, 901);
    assert_true(
        ql_str_has_prefix(ql_buf_view(&whole.rows), "2024-01-01T09:00:00.000Z/2024-01-01T09:30:00.000Z|id|a\nb" VALUES));
    static const size_t PIECES[] = {1, 7, 1000, 16384};
    for (size_t i = 0; i < sizeof PIECES / sizeof PIECES[0]; i++) {
        const struct csv_feed feed = {.text = ql_buf_view(&text), .chunk = PIECES[i]};
        struct csv_result result = {0};
        csv_run_feeds(&options, &feed, 1, &result);
        assert_int_equal(result.status, QL_OK);
        assert_string_equal(ql_buf_text(&result.rows), ql_buf_text(&whole.rows));
        csv_result_fini(&result);
    }
    csv_result_fini(&whole);
    ql_buf_fini(&text);
}

static void local_times_are_those_of_the_zone(void **state) {
    (void)state;
    struct ql_tz *berlin = NULL;
    assert_ok(ql_tz_open(QL_STR("Europe/Berlin"), &berlin, err));
    struct ql_csv_options options = csv_options();
    options.tz = berlin;
    csv_expect_rows(&options, QL_STR(HEADER ROW("3/31/24 1:30 AM", "3/31/24 3:00 AM", "id", "a")),
                    "2024-03-31T00:30:00.000Z/2024-03-31T01:00:00.000Z|id|a" VALUES);
    csv_expect_error(&options, QL_STR(HEADER ROW("3/31/24 2:00 AM", "3/31/24 3:30 AM", "id", "a")), QL_E_BAD_ROW,
                     "is a local time that the time zone skips", NULL);
    csv_expect_error(&options, QL_STR(HEADER ROW("10/27/24 2:30 AM", "10/27/24 3:00 AM", "id", "a")), QL_E_BAD_ROW,
                     "is a local time that the time zone has twice", "in UTC");
    ql_tz_free(berlin);
}

static void rows_of_several_queues_are_left_out_and_counted(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.from_us = INT64_C(1705104000000000); /* 2024-01-13, later than the summary's start */
    struct csv_result result = {0};
    csv_run(&options,
            QL_STR(HEADER ROW("1/13/24 9:00 AM", "1/13/24 9:30 AM", "i1", "a")
                       ROW("1/13/24 9:00 AM", "1/13/24 9:30 AM", "i2", "b; c")
                           ROW("1/1/24 12:00 AM", "2/1/24 12:00 AM", "i1; i2", "a; b; c")),
            &result);
    assert_int_equal(result.status, QL_OK);
    assert_int_equal(result.stats.rows, 2);
    assert_int_equal(result.stats.bad_rows, 0);
    assert_int_equal(result.stats.several_queues_rows, 1);
    assert_string_equal(ql_buf_text(&result.rows), "2024-01-13T09:00:00.000Z/2024-01-13T09:30:00.000Z|i1|a" VALUES
                                                   "2024-01-13T09:00:00.000Z/2024-01-13T09:30:00.000Z|i2|b; c" VALUES);
    csv_result_fini(&result);
    /* Elsewhere an id may be anything. */
    csv_expect_rows(&options, QL_STR(CSV_HEADER "2024-01-13T00:00Z/2024-01-13T00:30Z,x;y,a,1,2,3,4\n"),
                    "2024-01-13T00:00:00.000Z/2024-01-13T00:30:00.000Z|x;y|a|1|2|3|4\n");
}

#define SAYS(said) "Full Export Completed," HEADER said "," ROW("1/13/24 9:00 AM", "1/13/24 9:30 AM", "i1", "a")
static void a_file_that_is_not_complete_is_an_error(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    const char *const row = "2024-01-13T09:00:00.000Z/2024-01-13T09:30:00.000Z|i1|a" VALUES;
    csv_expect_rows(&options, QL_STR(SAYS("YES")), row);
    csv_expect_rows(&options, QL_STR(SAYS(" true")), row);
    csv_expect_error(&options, QL_STR(SAYS("")), QL_E_DATA, "says that the export is not complete", "--accept-partial");
    options.on_bad_row = QL_BAD_ROW_SKIP; /* it is not about the row */
    options.max_bad_rows = -1;
    csv_expect_error(&options,
                     QL_STR(SAYS("YES") "NO"
                                        "," ROW("1/13/24 9:30 AM", "1/13/24 10:00 AM", "i1", "a")),
                     QL_E_DATA, "line 3, byte", "--accept-partial");
    options.accept_partial = true;
    struct csv_result result = {0};
    csv_run(&options, QL_STR(SAYS("No")), &result);
    assert_int_equal(result.status, QL_OK);
    assert_int_equal(result.stats.partial_rows, 1);
    assert_string_equal(ql_buf_text(&result.rows), row);
    csv_result_fini(&result);
}

static void headers_follow_the_locale(void **state) {
    (void)state;
    static const char *const HEADERS[] = {
        "Inicio del intervalo;Fin del intervalo;Intervalo completo;Id. de cola;Nombre de cola;Ofrecidas;Contestadas;"
        "Gesti\xC3\xB3n media;% de nivel de servicio\n",
        "Intervallbeginn;Intervallende;Intervall vollst\xC3\xA4ndig;Warteschlangen-ID;Warteschlangenname;Angeboten;Beantwortet;"
        "Durchschn. Bearbeitung;Servicelevel %\n",
        "D\xC3\xA9"
        "but de l'intervalle;Fin de l'intervalle;Intervalle complet;ID de file d'attente;Nom de file d'attente;Offertes;"
        "R\xC3\xA9pondues;Traitement moy.;% niveau de service\n",
    };
    const struct ql_csv_options options = csv_options();
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) {
        struct ql_buf text = {0};
        ql_buf_puts(&text, HEADERS[i]);
        ql_buf_puts(&text, "13.01.24 09:00;13.01.24 09:30;TRUE;i1;a;5;4;1500;0.8\n");
        csv_expect_rows(&options, ql_buf_view(&text), "2024-01-13T09:00:00.000Z/2024-01-13T09:30:00.000Z|i1|a" VALUES);
        ql_buf_fini(&text);
    }
}

static void a_header_may_name_the_unit(void **state) {
    (void)state;
    static const struct {
        const char *header, *value, *expected;
    } CASES[] = {
        {"Avg Handle (Milliseconds)", "1500", "15e-1"}, {"Avg Handle (Seconds)", "1.5", "15e-1"},
        {"Avg Handle (hh:mm:ss)", "00:01:30", "9e1"},   {"Avg Handle", "00:01:30", "9e1"},
        {"Avg Handle (Fortnights)", "1", "-"},
    };
    const struct ql_csv_options options = csv_options();
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf text = {0};
        struct ql_buf rows = {0};
        ql_buf_printf(&text, "interval,queue_name,Offer,Answer,%s\n2024-01-13,a,1,2,%s\n", CASES[i].header, CASES[i].value);
        ql_buf_printf(&rows, "2024-01-13T00:00:00.000Z/-|(none)|a|1|2|%s|-\n", CASES[i].expected);
        csv_expect_rows(&options, ql_buf_view(&text), rows.ptr);
        ql_buf_fini(&text);
        ql_buf_fini(&rows);
    }
}

static void locales_are_known_by_language_and_region(void **state) {
    (void)state;
    static const struct {
        const char *locale;
        enum ql_csv_dates dates;
    } CASES[] = {
        {"en-us", QL_CSV_DATES_US},   {"EN_US", QL_CSV_DATES_US}, {"en", QL_CSV_DATES_US},    {"en-gb", QL_CSV_DATES_EU},
        {"en-ZA", QL_CSV_DATES_AUTO}, {"es", QL_CSV_DATES_EU},    {"es-MX", QL_CSV_DATES_EU}, {"de-DE", QL_CSV_DATES_EU},
        {"fr-CA", QL_CSV_DATES_ISO},  {"ja", QL_CSV_DATES_AUTO},  {"", QL_CSV_DATES_AUTO},    {"english", QL_CSV_DATES_AUTO},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(ql_csv_dates_of_locale(ql_str_from(CASES[i].locale)), CASES[i].dates);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_of_many_locales_are_read),
        cmocka_unit_test(what_is_no_date_is_a_bad_row),
        cmocka_unit_test(the_first_rows_tell_which_number_is_the_day),
        cmocka_unit_test(recognition_does_not_depend_on_chunks),
        cmocka_unit_test(local_times_are_those_of_the_zone),
        cmocka_unit_test(rows_of_several_queues_are_left_out_and_counted),
        cmocka_unit_test(a_file_that_is_not_complete_is_an_error),
        cmocka_unit_test(headers_follow_the_locale),
        cmocka_unit_test(a_header_may_name_the_unit),
        cmocka_unit_test(locales_are_known_by_language_and_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
