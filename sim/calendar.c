#include "sim/calendar.h"

#include <stdio.h>
#include <time.h>

enum { MS_PER_S = 1000, S_PER_DAY = 86400 };

static int64_t read_clock_ms(clockid_t id) {
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / 1000000;
}

int64_t ql_sim_now_ms(void) {
    return read_clock_ms(CLOCK_REALTIME);
}
int64_t ql_sim_monotonic_ms(void) {
    return read_clock_ms(CLOCK_MONOTONIC);
}

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month) {
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return DAYS[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 1970-01-01 to the first of January of a year in 1..9999. */
static int64_t days_before_year(int year) {
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162; /* 719162 days from 0001-01-01 to 1970-01-01 */
}

static int64_t days_from_date(int year, int month, int day) {
    int64_t days = days_before_year(year) + day - 1;
    for (int m = 1; m < month; m++) {
        days += days_in_month(year, m);
    }
    return days;
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

struct ql_sim_civil ql_sim_civil_split(int64_t ms) {
    int64_t days = floor_div(ms, INT64_C(1000) * S_PER_DAY);
    int rest = (int)(ms - days * INT64_C(1000) * S_PER_DAY);
    int year = (int)(1970 + floor_div(days, days < 0 ? 365 : 366)); /* never too late; the loop moves it up */
    while (days_before_year(year + 1) <= days) {
        year++;
    }
    int day = (int)(days - days_before_year(year)) + 1;
    int month = 1;
    while (day > days_in_month(year, month)) {
        day -= days_in_month(year, month++);
    }
    return (struct ql_sim_civil){year, month, day, rest / 3600000, rest / 60000 % 60, rest / 1000 % 60, rest % 1000};
}

void ql_sim_time_print(int64_t ms, char out[32]) {
    struct ql_sim_civil t = ql_sim_civil_split(ms);
    (void)snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.year % 10000, t.month % 100, t.day % 100, t.hour % 100,
                   t.minute % 100, t.second % 100, t.ms % 1000);
}

void ql_sim_time_print_basic(int64_t ms, char out[32]) {
    struct ql_sim_civil t = ql_sim_civil_split(ms);
    (void)snprintf(out, 32, "%04d%02d%02dT%02d%02d%02dZ", t.year % 10000, t.month % 100, t.day % 100, t.hour % 100,
                   t.minute % 100, t.second % 100);
}

int ql_sim_weekday(int64_t ms) {
    int64_t days = floor_div(ms, INT64_C(1000) * S_PER_DAY);
    return (int)((days % 7 + 7 + 3) % 7); /* 1970-01-01 was a Thursday */
}

void ql_sim_time_print_http(int64_t ms, char out[32]) {
    static const char DAYS[][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char MONTHS[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct ql_sim_civil t = ql_sim_civil_split(ms);
    /* Unsigned, so that the compiler sees how long each number can get. */
    (void)snprintf(out, 32, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", DAYS[ql_sim_weekday(ms)], (unsigned)t.day % 100,
                   MONTHS[t.month - 1], (unsigned)t.year % 10000, (unsigned)t.hour % 100, (unsigned)t.minute % 100,
                   (unsigned)t.second % 100);
}

/* Takes exactly n digits from the front of *s. */
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
    *s = (struct ql_str){s->ptr + n, s->len - n};
    return true;
}

static bool take_char(struct ql_str *s, char c) {
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    *s = (struct ql_str){s->ptr + 1, s->len - 1};
    return true;
}

/* ".123456789": one to nine digits, of which milliseconds are kept. */
static bool take_fraction(struct ql_str *s, int *ms) {
    int digit;
    int n = 0;
    *ms = 0;
    for (int scale = 100; n < 9 && take_digits(s, 1, &digit); n++, scale /= 10) {
        *ms += digit * scale;
    }
    return n != 0;
}

/* "Z", "+01:00", "-0530", "+01": the whole of s. */
static bool parse_offset(struct ql_str s, int *minutes) {
    *minutes = 0;
    if (take_char(&s, 'Z')) {
        return s.len == 0;
    }
    int sign = take_char(&s, '+') ? 1 : take_char(&s, '-') ? -1 : 0;
    int hours;
    int rest = 0;
    if (sign == 0 || !take_digits(&s, 2, &hours)) {
        return false;
    }
    if (s.len != 0) {
        (void)take_char(&s, ':');
        if (!take_digits(&s, 2, &rest)) {
            return false;
        }
    }
    *minutes = sign * (hours * 60 + rest);
    return s.len == 0 && hours <= 18 && rest <= 59;
}

int64_t ql_sim_civil_join(const struct ql_sim_civil *t) {
    int64_t s = days_from_date(t->year, t->month, t->day) * S_PER_DAY + t->hour * 3600 + t->minute * 60 + t->second;
    return s * MS_PER_S + t->ms;
}

int64_t ql_sim_civil_add_months(int64_t ms, int months) {
    struct ql_sim_civil t = ql_sim_civil_split(ms);
    int month = t.year * 12 + t.month - 1 + months;
    t.year = month / 12;
    t.month = month % 12 + 1;
    int last = days_in_month(t.year, t.month);
    t.day = t.day < last ? t.day : last;
    return ql_sim_civil_join(&t);
}

static bool is_date(const struct ql_sim_civil *t) {
    return t->year >= 1 && t->month >= 1 && t->month <= 12 && t->day >= 1 && t->day <= days_in_month(t->year, t->month);
}

static bool is_time(const struct ql_sim_civil *t) {
    return t->hour <= 23 && t->minute <= 59 && t->second <= 59;
}

bool ql_sim_civil_parse(struct ql_str s, int64_t *ms, bool *has_offset) {
    struct ql_sim_civil t = {0};
    int offset = 0;
    *has_offset = false;
    if (!take_digits(&s, 4, &t.year) || !take_char(&s, '-') || !take_digits(&s, 2, &t.month) || !take_char(&s, '-') ||
        !take_digits(&s, 2, &t.day) || !is_date(&t)) {
        return false;
    }
    if (s.len != 0) {
        if (!take_char(&s, 'T') || !take_digits(&s, 2, &t.hour) || !take_char(&s, ':') || !take_digits(&s, 2, &t.minute)) {
            return false;
        }
        if (take_char(&s, ':')) {
            if (!take_digits(&s, 2, &t.second) || (take_char(&s, '.') && !take_fraction(&s, &t.ms))) {
                return false;
            }
        }
        *has_offset = s.len != 0;
        if (!is_time(&t) || (*has_offset && !parse_offset(s, &offset))) {
            return false;
        }
    }
    *ms = ql_sim_civil_join(&t) - (int64_t)offset * 60 * MS_PER_S;
    int64_t end = days_before_year(10000) * S_PER_DAY * MS_PER_S;
    return *ms >= days_before_year(1) * S_PER_DAY * MS_PER_S && *ms < end; /* an offset may lead out of the four digits */
}

bool ql_sim_time_parse(struct ql_str s, int64_t *ms) {
    bool has_offset;
    return ql_sim_civil_parse(s, ms, &has_offset) && (has_offset || s.len == sizeof "2024-01-01" - 1);
}

bool ql_sim_time_parse_basic(struct ql_str s, int64_t *ms) {
    struct ql_sim_civil t = {0};
    bool is_whole = take_digits(&s, 4, &t.year) && take_digits(&s, 2, &t.month) && take_digits(&s, 2, &t.day) &&
                    take_char(&s, 'T') && take_digits(&s, 2, &t.hour) && take_digits(&s, 2, &t.minute) &&
                    take_digits(&s, 2, &t.second) && take_char(&s, 'Z') && s.len == 0;
    if (!is_whole || !is_date(&t) || !is_time(&t)) {
        return false;
    }
    *ms = ql_sim_civil_join(&t);
    return true;
}

bool ql_sim_period_parse(struct ql_str s, int64_t *ms) {
    struct ql_sim_period period;
    bool is_good = ql_sim_period_read(s, &period) && period.months == 0;
    *ms = is_good ? period.days * S_PER_DAY * MS_PER_S + period.ms : 0;
    return is_good;
}

bool ql_sim_period_read(struct ql_str s, struct ql_sim_period *period) {
    enum { MONTHS, DAYS, SECONDS };
    static const struct {
        char unit;
        bool is_time;
        int kind, factor;
    } UNITS[] = {{'Y', false, MONTHS, 12},   {'M', false, MONTHS, 1},  {'W', false, DAYS, 7},  {'D', false, DAYS, 1},
                 {'H', true, SECONDS, 3600}, {'M', true, SECONDS, 60}, {'S', true, SECONDS, 1}};
    enum { N_UNITS = sizeof UNITS / sizeof UNITS[0] };
    int64_t sums[3] = {0};
    if (!take_char(&s, 'P')) {
        return false;
    }
    bool in_time = false;
    size_t next = 0; /* units come in this order, each at most once */
    while (s.len != 0) {
        if (!in_time && take_char(&s, 'T')) {
            in_time = true;
        }
        int64_t value = 0;
        int digit;
        int n_digits = 0;
        while (n_digits < 7 && take_digits(&s, 1, &digit)) {
            value = value * 10 + digit;
            n_digits++;
        }
        while (next < N_UNITS && s.len != 0 && (UNITS[next].unit != s.ptr[0] || UNITS[next].is_time != in_time)) {
            next++;
        }
        if (n_digits == 0 || s.len == 0 || next == N_UNITS) {
            return false;
        }
        (void)take_char(&s, UNITS[next].unit);
        sums[UNITS[next].kind] += value * UNITS[next].factor;
        next++;
    }
    *period = (struct ql_sim_period){.months = (int)sums[MONTHS], .days = sums[DAYS], .ms = sums[SECONDS] * MS_PER_S};
    return (sums[MONTHS] | sums[DAYS] | sums[SECONDS]) != 0 && sums[MONTHS] <= 1200 && sums[DAYS] <= 36600;
}
