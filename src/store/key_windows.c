/**
 * Whether a template gives each window of a plan a key of its own, decided by what the template mentions, before anything runs.
 *
 * Windows follow each other: each begins one step after the one before. Two starts that are at least an hour apart differ in
 * their day or their hour, and so on down to the second; so a template tells them apart if either {start} or {end} says
 * everything from the year down to the unit that fits into the step. Local time says less: in the hour that a zone repeats, two
 * windows have one local time.
 */
#include "store/key_template.h"

#include <stdio.h>

enum unit { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, N_UNITS };
static const char *const UNIT_NAMES[] = {"year", "month", "day", "hour", "minute", "second"};

static const int64_t DAY_US = 86400 * QL_US_PER_S;

/* What the formats of {start}, or of {end}, say together. */
struct said {
    bool units[N_UNITS];
    bool day_of_year;
    bool is_instant; /* without format: the day or the instant, whichever names the window */
};

static void note_format(struct ql_str format, struct said *said) {
    for (size_t i = 0; i + 1 < format.len; i++) {
        if (format.ptr[i] != '%') {
            continue;
        }
        char letter = format.ptr[++i];
        static const char LETTERS[] = {[YEAR] = 'Y', [MONTH] = 'm', [DAY] = 'd', [HOUR] = 'H', [MINUTE] = 'M', [SECOND] = 'S'};
        for (size_t unit = 0; unit < N_UNITS; unit++) {
            said->units[unit] = said->units[unit] || LETTERS[unit] == letter || (letter == 'F' && unit <= DAY);
        }
        said->day_of_year = said->day_of_year || letter == 'j';
    }
}

/* The coarsest unit in which windows of such a step always differ. */
static enum unit needed_unit(int64_t step_us) {
    static const int64_t STEPS_US[] = {[YEAR] = 366 * INT64_C(86400) * QL_US_PER_S,
                                       [MONTH] = 31 * INT64_C(86400) * QL_US_PER_S,
                                       [DAY] = 86400 * QL_US_PER_S,
                                       [HOUR] = 3600 * QL_US_PER_S,
                                       [MINUTE] = 60 * QL_US_PER_S};
    enum unit unit = YEAR;
    while (unit < SECOND && step_us < STEPS_US[unit]) {
        unit++;
    }
    return unit;
}

/* The first unit, from the year down, that is needed and not said; N_UNITS: none. */
static enum unit missing_unit(const struct said *said, enum unit needed) {
    for (enum unit unit = YEAR; unit <= needed && !said->is_instant; unit++) {
        bool is_in_day_of_year = said->day_of_year && (unit == MONTH || unit == DAY);
        if (!said->units[unit] && !is_in_day_of_year) {
            return unit;
        }
    }
    return N_UNITS;
}

/* Whether the zone ever sets its clocks: looked at once a week from 1970 to 2100, and no zone's summer is shorter. */
static bool sets_clocks(const struct ql_tz *tz) {
    if (tz == NULL) {
        return false;
    }
    int offset_s = ql_tz_offset_at(tz, 0);
    for (int64_t us = 0; us < 130 * 366 * DAY_US; us += 7 * DAY_US) {
        if (ql_tz_offset_at(tz, us) != offset_s) {
            return true;
        }
    }
    return false;
}

static enum ql_status fail(struct ql_err *err, struct ql_str template, const char *what) {
    return QL_FAIL(err, QL_E_CONFIG, "the key template '%.*s' would send two windows to one key: %s", QL_STR_ARG(template),
                   what);
}

enum ql_status ql_key_distinguishes(struct ql_str template, int64_t step_us, const struct ql_tz *tz, struct ql_err *err) {
    struct said of_start = {0};
    struct said of_end = {0};
    for (size_t at = 0; at < template.len;) {
        struct ql_key_piece piece;
        QL_TRY(ql_key_next(template, &at, &piece, err));
        if (ql_str_eq(piece.name, QL_STR("export_id")) || ql_str_eq(piece.name, QL_STR("sha256"))) {
            return QL_OK; /* each window has its own; and equal bytes may share a key */
        }
        bool is_start = ql_str_eq(piece.name, QL_STR("start"));
        if (is_start || ql_str_eq(piece.name, QL_STR("end"))) {
            struct said *said = is_start ? &of_start : &of_end;
            said->is_instant = said->is_instant || piece.format.ptr == NULL;
            note_format(piece.format, said);
        }
    }
    enum unit needed = needed_unit(step_us);
    enum unit missing = missing_unit(&of_start, needed);
    bool is_by_start = missing == N_UNITS;
    if (!is_by_start && missing_unit(&of_end, needed) != N_UNITS) {
        char what[64];
        (void)snprintf(what, sizeof what, "{start} says no %s", UNIT_NAMES[missing]);
        (void)fail(err, template, what);
        ql_err_hint(err, "write {start} for what names a window, or a format down to the %s", UNIT_NAMES[needed]);
        return QL_E_CONFIG;
    }
    if (!(is_by_start ? of_start : of_end).is_instant && needed > DAY && sets_clocks(tz)) {
        (void)fail(err, template, "in the hour that the time zone repeats, local times are the same");
        ql_err_hint(err, "write {start} without a format, which is in UTC then, or say --timezone UTC");
        return QL_E_CONFIG;
    }
    return QL_OK;
}
