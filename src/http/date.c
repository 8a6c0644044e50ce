/*
 * Retry-After (RFC 9110, 10.2.3) by our own reading: libcurl 7.88.1 gives a date as a difference to now, which may be 0 or
 * negative and then says nothing. A date is measured from the answer's own Date where there is one, so that a wrong clock here
 * does not matter.
 */
#include "base/time.h"
#include "http/http_internal.h"

static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static int month_of(struct ql_str name) {
    for (int i = 0; i < 12; i++) {
        if (name.len == 3 && memcmp(MONTHS + (size_t)i * 3, name.ptr, 3) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* A run of digits, nothing else. */
static bool number_of(struct ql_str text, int *value) {
    int64_t wide;
    if (text.len == 0 || text.len > 4 || text.ptr[0] == '-' || text.ptr[0] == '+' || !ql_str_to_i64(text, &wide)) {
        return false;
    }
    *value = (int)wide;
    return true;
}

static bool clock_of(struct ql_str text, struct ql_civil *civil) {
    struct ql_str rest;
    struct ql_str hour = ql_str_split(text, ':', &rest);
    struct ql_str second;
    struct ql_str minute = ql_str_split(rest, ':', &second);
    return number_of(hour, &civil->hour) && number_of(minute, &civil->minute) && number_of(second, &civil->second);
}

/* RFC 850 has two digits: a date more than 50 years ahead is meant in the past. Only dates near now matter here. */
static int full_year(int year) {
    return year < 100 ? year + (year < 70 ? 2000 : 1900) : year;
}

enum { MAX_WORDS = 6 };

/* Splits at blanks. */
static size_t words_of(struct ql_str text, struct ql_str words[MAX_WORDS]) {
    size_t n = 0;
    for (size_t i = 0; i < text.len;) {
        size_t start = i;
        while (i < text.len && text.ptr[i] != ' ') {
            i++;
        }
        if (i > start) {
            if (n == MAX_WORDS) {
                return 0;
            }
            words[n++] = (struct ql_str){text.ptr + start, i - start};
        }
        i++;
    }
    return n;
}

static int64_t instant_of(struct ql_civil civil) {
    civil.second = civil.second == 60 ? 59 : civil.second; /* a leap second may be sent */
    return ql_civil_is_valid(&civil) ? ql_time_from_civil(&civil) : QL_TIME_NONE;
}

int64_t ql_http_date_parse(struct ql_str text) {
    struct ql_str words[MAX_WORDS] = {{0}};
    size_t n = words_of(text, words);
    struct ql_civil civil = {0};
    if (n == 6) { /* Sun, 06 Nov 1994 08:49:37 GMT */
        civil.month = month_of(words[2]);
        bool is_date = number_of(words[1], &civil.day) && words[3].len == 4 && number_of(words[3], &civil.year) &&
                       clock_of(words[4], &civil);
        return is_date && ql_str_eq(words[5], QL_STR("GMT")) ? instant_of(civil) : QL_TIME_NONE;
    }
    if (n == 4) { /* Sunday, 06-Nov-94 08:49:37 GMT */
        struct ql_str rest;
        struct ql_str year;
        struct ql_str day = ql_str_split(words[1], '-', &rest);
        civil.month = month_of(ql_str_split(rest, '-', &year));
        bool is_date = number_of(day, &civil.day) && number_of(year, &civil.year) && clock_of(words[2], &civil);
        civil.year = full_year(civil.year);
        return is_date && ql_str_eq(words[3], QL_STR("GMT")) ? instant_of(civil) : QL_TIME_NONE;
    }
    if (n == 5) { /* Sun Nov  6 08:49:37 1994 */
        civil.month = month_of(words[1]);
        bool is_date = number_of(words[2], &civil.day) && clock_of(words[3], &civil) && words[4].len == 4 &&
                       number_of(words[4], &civil.year);
        return is_date ? instant_of(civil) : QL_TIME_NONE;
    }
    return QL_TIME_NONE;
}

int64_t ql_http_response_date(const struct ql_http_response *response) {
    return ql_http_date_parse(ql_str_trim(ql_http_response_get(response, "date")));
}

int64_t ql_retry_after_parse(struct ql_str value, struct ql_str date, int64_t now_us) {
    enum { MAX_S = 365 * 86400 }; /* beyond that it is "never" for us, and must not overflow */
    value = ql_str_trim(value);
    bool is_digits = value.len != 0;
    int64_t seconds = 0;
    for (size_t i = 0; i < value.len && is_digits; i++) {
        is_digits = value.ptr[i] >= '0' && value.ptr[i] <= '9';
        seconds = is_digits && seconds < MAX_S ? seconds * 10 + (value.ptr[i] - '0') : seconds;
    }
    if (is_digits) {
        return (seconds < MAX_S ? seconds : MAX_S) * 1000;
    }
    int64_t until = ql_http_date_parse(value);
    if (until == QL_TIME_NONE) {
        return -1;
    }
    int64_t reference = ql_http_date_parse(ql_str_trim(date));
    int64_t wait_us = until - (reference != QL_TIME_NONE ? reference : now_us);
    wait_us = wait_us > MAX_S * QL_US_PER_S ? MAX_S * QL_US_PER_S : wait_us;
    return wait_us > 0 ? (wait_us + 999) / 1000 : 0;
}
