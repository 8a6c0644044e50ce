/**
 * Times and intervals in the one spelling that nearly all exports use, eight bytes at a time in ordinary registers: rows in no
 * order have a new interval each, so this is where their time goes. Any other spelling is interval.c's.
 */
#ifndef QL_CSV_STAMP_H
#define QL_CSV_STAMP_H

#include "base/time.h"
#include "csv/swar.h"

enum { QL_CSV_STAMP_BYTES = 24, QL_CSV_PAIR_BYTES = 2 * QL_CSV_STAMP_BYTES + 1 };

/* The bytes of a stamp less those of 0000-00-00T00:00:00.000Z: digits become their values, separators 0. */
struct ql_csv_stamp_words {
    uint64_t date; /* yyyy-mm- */
    uint64_t time; /* ddThh:mm */
    uint64_t rest; /* :ss.mmmZ */
};

QL_CSV_INLINE struct ql_csv_stamp_words ql_csv_stamp_load(const char *text) {
    struct ql_csv_stamp_words words;
    memcpy(&words.date, text, 8);
    memcpy(&words.time, text + 8, 8);
    memcpy(&words.rest, text + 16, 8);
    words.date ^= UINT64_C(0x2D30302D30303030);
    words.time ^= UINT64_C(0x30303A3030543030);
    words.rest ^= UINT64_C(0x5A3030302E30303A);
    return words;
}

/* Whether no byte is above its limit: to_highs brings what is to 128 or above, and a carry comes only from a byte that is there
 * already. */
QL_CSV_INLINE bool ql_csv_stamp_is_form(uint64_t word, uint64_t to_highs) {
    return (((word + to_highs) | word) & UINT64_C(0x8080808080808080)) == 0;
}

/* Every byte becomes ten times itself plus the one behind it. */
QL_CSV_INLINE uint64_t ql_csv_stamp_pairs(uint64_t word) {
    return word * 10 + (word >> 8);
}

QL_CSV_INLINE unsigned ql_csv_stamp_byte(uint64_t word, unsigned i) {
    return (unsigned)(word >> (8 * i)) & 0xFF;
}

/* Days since 1970-01-01; false if there is no such day. Months from 20 on are not asked for. */
QL_CSV_INLINE bool ql_csv_stamp_count_days(unsigned year, unsigned month, unsigned day, int64_t *days) {
    /* Years that begin in March, so that only the last day of a year may be missing. */
    static const struct {
        uint16_t n_before;
        uint8_t is_next_year, n_days;
    } MONTHS[20] = {{0, 0, 0},    {306, 1, 31}, {337, 1, 28}, {0, 0, 31},   {31, 0, 30},  {61, 0, 31}, {92, 0, 30},
                    {122, 0, 31}, {153, 0, 31}, {184, 0, 30}, {214, 0, 31}, {245, 0, 30}, {275, 0, 31}};
    const int64_t FROM_0000_03_01_TO_EPOCH = 719468;
    unsigned y = year - MONTHS[month].is_next_year;
    *days = (int64_t)(y * 365 + y / 4 - y / 100 + y / 400 + MONTHS[month].n_before + (day - 1)) - FROM_0000_03_01_TO_EPOCH;
    if (__builtin_expect(day - 1 >= MONTHS[month].n_days, 0)) {
        bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        return year != 0 && month == 2 && day == 29 && is_leap;
    }
    return year != 0;
}

/* The same of a stamp, if the bytes of the day are digits. */
QL_CSV_INLINE bool ql_csv_stamp_days(const struct ql_csv_stamp_words *words, int64_t *days) {
    uint64_t pairs = ql_csv_stamp_pairs(words->date);
    unsigned year = ql_csv_stamp_byte(pairs, 0) * 100 + ql_csv_stamp_byte(pairs, 2);
    unsigned day = ql_csv_stamp_byte(ql_csv_stamp_pairs(words->time), 0);
    return ql_csv_stamp_is_form(words->date, UINT64_C(0x7F767E7F76767676)) && /* the month's first digit is 0 or 1 */
           ql_csv_stamp_count_days(year, ql_csv_stamp_byte(pairs, 5), day, days);
}

/* Seconds and their fraction, which are mostly 0. */
static inline bool ql_csv_stamp_rest(uint64_t rest, int64_t *us) {
    uint64_t pairs = ql_csv_stamp_pairs(rest);
    unsigned second = ql_csv_stamp_byte(pairs, 1);
    unsigned ms = ql_csv_stamp_byte(pairs, 4) * 10 + ql_csv_stamp_byte(rest, 6);
    *us = (int64_t)(second * 1000 + ms) * 1000;
    return ql_csv_stamp_is_form(rest, UINT64_C(0x7F7676767F76767F)) && second < 60;
}

/* Microseconds of the day; false if there is no such time, or the bytes of the day are no digits. */
QL_CSV_INLINE bool ql_csv_stamp_clock(const struct ql_csv_stamp_words *words, int64_t *us) {
    uint64_t pairs = ql_csv_stamp_pairs(words->time);
    unsigned hour = ql_csv_stamp_byte(pairs, 3);
    unsigned minute = ql_csv_stamp_byte(pairs, 6);
    int64_t rest_us = 0;
    if (__builtin_expect(words->rest != 0, 0) && !ql_csv_stamp_rest(words->rest, &rest_us)) {
        return false;
    }
    *us = (int64_t)(hour * 60 + minute) * (60 * QL_US_PER_S) + rest_us;
    return ql_csv_stamp_is_form(words->time, UINT64_C(0x76767F76767F7676)) && hour < 24 && minute < 60;
}

#define QL_CSV_US_PER_DAY (86400 * QL_US_PER_S)

/** "2024-01-31T00:00:00.000Z"; false for any other spelling, and for times that there are not. */
QL_CSV_INLINE bool ql_csv_stamp_parse(const char *text, int64_t *us) {
    const struct ql_csv_stamp_words words = ql_csv_stamp_load(text);
    int64_t days;
    int64_t clock_us;
    if (!ql_csv_stamp_days(&words, &days) || !ql_csv_stamp_clock(&words, &clock_us)) {
        return false;
    }
    *us = days * QL_CSV_US_PER_DAY + clock_us;
    return true;
}

/** Two of them, mostly of one day, with a separator between; false if the second is not later. A kernel's own may be faster. */
typedef bool ql_csv_pair_parse_fn(const char *text, char separator, int64_t interval_us[2]);
QL_CSV_INLINE bool ql_csv_pair_parse(const char *text, char separator, int64_t interval_us[2]) {
    const struct ql_csv_stamp_words start = ql_csv_stamp_load(text);
    const struct ql_csv_stamp_words end = ql_csv_stamp_load(text + QL_CSV_STAMP_BYTES + 1);
    int64_t start_us;
    int64_t end_us;
    int64_t days;
    if (text[QL_CSV_STAMP_BYTES] != separator || !ql_csv_stamp_days(&start, &days) || !ql_csv_stamp_clock(&start, &start_us) ||
        !ql_csv_stamp_clock(&end, &end_us)) {
        return false;
    }
    interval_us[0] = days * QL_CSV_US_PER_DAY + start_us;
    bool is_same_day = start.date == end.date && (uint16_t)start.time == (uint16_t)end.time;
    if (__builtin_expect(!is_same_day, 0) && !ql_csv_stamp_days(&end, &days)) {
        return false;
    }
    interval_us[1] = days * QL_CSV_US_PER_DAY + end_us;
    return interval_us[0] < interval_us[1];
}

#endif
