/*
 * Calendar, ISO 8601 text, periods, clocks.
 *
 * Days are counted with the era arithmetic of the proleptic Gregorian calendar (400 years = 146097 days, years that begin on
 * 1 March), so no table and no libc state is involved and every instant of int64_t microseconds has a civil form.
 */
#include "base/time.h"

#include <time.h>

enum { DAYS_PER_ERA = 146097, DAYS_FROM_0000_03_01_TO_EPOCH = 719468 };

static const int64_t US_PER_MINUTE = 60 * QL_US_PER_S;
static const int64_t US_PER_HOUR = 3600 * QL_US_PER_S;
static const int64_t US_PER_DAY = 86400 * QL_US_PER_S;
static const int64_t US_PER_WEEK = 7 * 86400 * QL_US_PER_S;

static int64_t days_from_civil(int year, int month, int day) {
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_FROM_0000_03_01_TO_EPOCH;
}

static void civil_from_days(int64_t days, struct ql_civil *civil) {
    int64_t shifted = days + DAYS_FROM_0000_03_01_TO_EPOCH;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    civil->day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    civil->month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    civil->year = (int)(year_of_era + era * 400 + (civil->month <= 2));
}

int64_t ql_time_from_civil(const struct ql_civil *civil) {
    int64_t days = days_from_civil(civil->year, civil->month, civil->day);
    int64_t seconds = ((days * 24 + civil->hour) * 60 + civil->minute) * 60 + civil->second;
    return seconds * QL_US_PER_S + civil->us;
}

void ql_time_to_civil(int64_t us, struct ql_civil *civil) {
    int64_t days = us / US_PER_DAY;
    int64_t rest = us % US_PER_DAY;
    if (rest < 0) {
        rest += US_PER_DAY;
        days--;
    }
    civil_from_days(days, civil);
    civil->us = (int)(rest % QL_US_PER_S);
    int second_of_day = (int)(rest / QL_US_PER_S);
    civil->second = second_of_day % 60;
    civil->minute = second_of_day / 60 % 60;
    civil->hour = second_of_day / 3600;
}

static bool is_leap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool ql_civil_is_valid(const struct ql_civil *civil) {
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (civil->year < 1 || civil->year > 9999 || civil->month < 1 || civil->month > 12) {
        return false;
    }
    int days = DAYS[civil->month - 1] + (civil->month == 2 && is_leap(civil->year));
    return civil->day >= 1 && civil->day <= days && civil->hour >= 0 && civil->hour <= 23 && civil->minute >= 0 &&
           civil->minute <= 59 && civil->second >= 0 && civil->second <= 59 && civil->us >= 0 && civil->us < QL_US_PER_S;
}

/* Takes exactly n digits from the front. */
static bool take_digits(struct ql_str *s, size_t n, int *value) {
    if (s->len < n) {
        return false;
    }
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9') {
            return false;
        }
        *value = *value * 10 + (s->ptr[i] - '0');
    }
    s->ptr += n;
    s->len -= n;
    return true;
}

static bool take_char(struct ql_str *s, char c) {
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    s->ptr++;
    s->len--;
    return true;
}

/* The digits behind the point of a second; whatever an instant in microseconds cannot hold must be 0. */
static bool take_fraction(struct ql_str *s, int *us) {
    int digit = 0;
    int scale = 100000;
    if (!take_digits(s, 1, &digit)) {
        return false;
    }
    *us = 0;
    do {
        if (scale == 0 && digit != 0) {
            return false;
        }
        *us += digit * scale;
        scale /= 10;
    } while (take_digits(s, 1, &digit));
    return true;
}

static bool take_offset(struct ql_str *s, struct ql_time_text *text) {
    text->has_offset = true;
    if (take_char(s, 'Z')) {
        return true;
    }
    bool is_west = s->len != 0 && s->ptr[0] == '-';
    int hours = 0;
    int minutes = 0;
    if ((!take_char(s, '+') && !take_char(s, '-')) || !take_digits(s, 2, &hours)) {
        return false;
    }
    bool has_colon = take_char(s, ':');
    if ((has_colon || s->len != 0) && !take_digits(s, 2, &minutes)) {
        return false;
    }
    text->offset_s = (hours * 60 + minutes) * (is_west ? -60 : 60);
    return hours <= 23 && minutes <= 59;
}

static bool take_clock(struct ql_str *s, struct ql_civil *civil) {
    if (!take_digits(s, 2, &civil->hour) || !take_char(s, ':') || !take_digits(s, 2, &civil->minute)) {
        return false;
    }
    if (!take_char(s, ':')) {
        return true;
    }
    if (!take_digits(s, 2, &civil->second)) {
        return false;
    }
    return !take_char(s, '.') || take_fraction(s, &civil->us);
}

bool ql_time_parse_iso(struct ql_str s, struct ql_time_text *text) {
    *text = (struct ql_time_text){0};
    struct ql_civil *civil = &text->civil;
    if (!take_digits(&s, 4, &civil->year) || !take_char(&s, '-') || !take_digits(&s, 2, &civil->month) || !take_char(&s, '-') ||
        !take_digits(&s, 2, &civil->day)) {
        return false;
    }
    if (s.len != 0) {
        text->has_time = true;
        if ((!take_char(&s, 'T') && !take_char(&s, ' ')) || !take_clock(&s, civil)) {
            return false;
        }
        if (s.len != 0 && !take_offset(&s, text)) {
            return false;
        }
    }
    return s.len == 0 && ql_civil_is_valid(civil);
}

/* The decimal digits of value, at least `width` of them. */
static char *put_digits(char *out, int value, int width) {
    char reversed[12];
    int n = 0;
    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (int i = n; i < width; i++) {
        *out++ = '0';
    }
    while (n > 0) {
        *out++ = reversed[--n];
    }
    return out;
}

static char *put_separated(char *out, char separator, int value) {
    *out++ = separator;
    return put_digits(out, value, 2);
}

size_t ql_time_format(int64_t us, char out[QL_TIME_TEXT_SIZE]) {
    struct ql_civil civil;
    ql_time_to_civil(us, &civil);
    char *at = out;
    if (civil.year < 0 || civil.year > 9999) { /* the expanded form of ISO 8601 */
        *at++ = civil.year < 0 ? '-' : '+';
    }
    at = put_digits(at, civil.year < 0 ? -civil.year : civil.year, 4);
    at = put_separated(at, '-', civil.month);
    at = put_separated(at, '-', civil.day);
    at = put_separated(at, 'T', civil.hour);
    at = put_separated(at, ':', civil.minute);
    at = put_separated(at, ':', civil.second);
    *at++ = '.';
    at = civil.us % 1000 == 0 ? put_digits(at, civil.us / 1000, 3) : put_digits(at, civil.us, 6);
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

/* Takes a whole number. */
static bool take_number(struct ql_str *s, int64_t *value) {
    int digit = 0;
    if (!take_digits(s, 1, &digit)) {
        return false;
    }
    *value = 0;
    do {
        if (__builtin_mul_overflow(*value, (int64_t)10, value) || __builtin_add_overflow(*value, (int64_t)digit, value)) {
            return false;
        }
    } while (take_digits(s, 1, &digit));
    return true;
}

static bool add_units(int64_t number, int64_t unit_us, int64_t *sum_us) {
    int64_t product = 0;
    return !__builtin_mul_overflow(number, unit_us, &product) && !__builtin_add_overflow(*sum_us, product, sum_us);
}

/* The part of an ISO 8601 period before or behind its T: numbers with their designators in falling order, each at most once. */
static bool take_components(struct ql_str *s, const char *designators, const int64_t *units_us, int64_t *sum_us) {
    size_t next = 0;
    while (s->len != 0 && s->ptr[0] != 'T') {
        int64_t number = 0;
        if (!take_number(s, &number) || s->len == 0) {
            return false;
        }
        while (designators[next] != '\0' && designators[next] != s->ptr[0]) {
            next++;
        }
        if (designators[next] == '\0' || !add_units(number, units_us[next], sum_us)) {
            return false;
        }
        next++;
        s->ptr++;
        s->len--;
    }
    return true;
}

static bool parse_iso_period(struct ql_str s, int64_t *us) {
    const int64_t date_units[] = {US_PER_WEEK, US_PER_DAY};
    const int64_t clock_units[] = {US_PER_HOUR, US_PER_MINUTE, QL_US_PER_S};
    if (!take_components(&s, "WD", date_units, us)) {
        return false;
    }
    if (!take_char(&s, 'T')) {
        return s.len == 0;
    }
    return s.len != 0 && take_components(&s, "HMS", clock_units, us) && s.len == 0;
}

static bool parse_short_period(struct ql_str s, int64_t *us) {
    const struct {
        struct ql_str name;
        int64_t us;
    } units[] = {{QL_STR("s"), QL_US_PER_S},
                 {QL_STR("m"), US_PER_MINUTE},
                 {QL_STR("min"), US_PER_MINUTE},
                 {QL_STR("h"), US_PER_HOUR},
                 {QL_STR("d"), US_PER_DAY}};
    int64_t number = 0;
    if (!take_number(&s, &number)) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ql_str_eq(s, units[i].name)) {
            return add_units(number, units[i].us, us);
        }
    }
    return false;
}

bool ql_period_parse(struct ql_str s, int64_t *us) {
    int64_t sum_us = 0;
    bool ok = take_char(&s, 'P') ? parse_iso_period(s, &sum_us) : parse_short_period(s, &sum_us);
    if (!ok || sum_us <= 0) {
        return false;
    }
    *us = sum_us;
    return true;
}

int64_t ql_time_now(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock and a valid pointer */
    return (int64_t)now.tv_sec * QL_US_PER_S + now.tv_nsec / 1000;
}

int64_t ql_time_monotonic_ms(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
