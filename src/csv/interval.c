/*
 * Interval cells to instants (semantics, section 1): "start/end" in ISO 8601, a start alone, or a start and an end cell. The
 * end may also be an ISO 8601 period (start/PT30M). Where the input's dates are numbers (dates.c), a cell is a start or an end.
 *
 * Offsets are honoured; a stamp without one is local time in the clock's zone, and where the zone skips or repeats that time
 * there is no right answer, so the row is bad. A date alone is its midnight. Blanks around a stamp do not count.
 */
#include "csv/csv_internal.h"

/*
 * The spelling that exports use, eight bytes at a time; false for any other, which base/time.h knows. Rows in no order have a
 * new interval each, so this is where their time goes.
 */
static bool parse_usual_stamp(struct ql_str s, struct ql_civil *civil) {
    static const char FORM[] = "0000-00-00T00:00:00.000Z";
    static const uint64_t SEPARATORS[] = {UINT64_C(0xFF0000FF00000000), UINT64_C(0x0000FF0000FF0000),
                                          UINT64_C(0xFF000000FF0000FF)};
    const uint64_t HIGHS = UINT64_C(0x8080808080808080);
    if (s.len != sizeof FORM - 1) {
        return false;
    }
    uint64_t wrong = 0;
    unsigned char d[sizeof FORM - 1];
    for (size_t i = 0; i < 3; i++) {
        uint64_t x;
        uint64_t form;
        memcpy(&x, s.ptr + 8 * i, sizeof x);
        memcpy(&form, FORM + 8 * i, sizeof form);
        x ^= form; /* digits become their values, separators 0 */
        wrong |= ((((x & ~HIGHS) + UINT64_C(0x7676767676767676)) | x) & HIGHS) | (x & SEPARATORS[i]);
        memcpy(d + 8 * i, &x, sizeof x);
    }
    if (wrong != 0) {
        return false;
    }
    *civil = (struct ql_civil){.year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3],
                               .month = d[5] * 10 + d[6],
                               .day = d[8] * 10 + d[9],
                               .hour = d[11] * 10 + d[12],
                               .minute = d[14] * 10 + d[15],
                               .second = d[17] * 10 + d[18],
                               .us = (d[20] * 100 + d[21] * 10 + d[22]) * 1000};
    return ql_civil_is_valid(civil);
}

/* A local time of the clock's zone. */
static enum ql_csv_fault to_instant(const struct ql_csv_clock *clock, const struct ql_civil *civil, int64_t *us) {
    int64_t local_us = ql_time_from_civil(civil);
    if (clock->tz == NULL) {
        *us = local_us;
        return QL_CSV_FINE;
    }
    switch (ql_tz_to_utc(clock->tz, local_us, us)) {
    case QL_TZ_SKIPPED:
        return QL_CSV_FAULT_SKIPPED;
    case QL_TZ_REPEATED:
        return QL_CSV_FAULT_REPEATED;
    case QL_TZ_UNIQUE:
        break;
    }
    return QL_CSV_FINE;
}

static bool has_slashed_dates(const struct ql_csv_clock *clock) {
    return clock->dates == QL_CSV_DATES_US || clock->dates == QL_CSV_DATES_EU;
}

static enum ql_csv_fault parse_stamp(const struct ql_csv_clock *clock, struct ql_str s, int64_t *us) {
    struct ql_time_text text;
    if (has_slashed_dates(clock)) {
        return ql_csv_date_parse(ql_str_trim(s), clock->dates, &text.civil) ? to_instant(clock, &text.civil, us)
                                                                            : QL_CSV_FAULT_DATE;
    }
    if (parse_usual_stamp(s, &text.civil)) {
        *us = ql_time_from_civil(&text.civil);
        return QL_CSV_FINE;
    }
    if (!ql_time_parse_iso(ql_str_trim(s), &text)) {
        return QL_CSV_FAULT_INTERVAL;
    }
    if (text.has_offset) {
        *us = ql_time_from_civil(&text.civil) - text.offset_s * QL_US_PER_S;
        return QL_CSV_FINE;
    }
    return to_instant(clock, &text.civil, us);
}

static enum ql_csv_fault parse_end(const struct ql_csv_clock *clock, struct ql_str s, int64_t start_us, int64_t *us) {
    int64_t period_us = 0;
    s = ql_str_trim(s);
    if (s.len != 0 && s.ptr[0] == 'P') {
        return ql_period_parse(s, &period_us) && !__builtin_add_overflow(start_us, period_us, us) ? QL_CSV_FINE
                                                                                                  : QL_CSV_FAULT_INTERVAL;
    }
    return parse_stamp(clock, s, us);
}

enum ql_csv_fault ql_csv_interval_parse(const struct ql_csv_clock *clock, struct ql_str start, const struct ql_str *end,
                                        int64_t interval_us[2], bool *is_end_wrong) {
    struct ql_str second = {0};
    struct ql_str first = has_slashed_dates(clock) ? start : ql_str_split(start, '/', &second);
    bool is_pair = first.len != start.len;
    *is_end_wrong = false;
    enum ql_csv_fault fault = parse_stamp(clock, first, &interval_us[0]);
    if (fault != QL_CSV_FINE) {
        return fault;
    }
    if (is_pair || end != NULL) {
        *is_end_wrong = !is_pair;
        fault = parse_end(clock, is_pair ? second : *end, interval_us[0], &interval_us[1]);
        if (fault == QL_CSV_FINE && interval_us[1] <= interval_us[0]) {
            fault = QL_CSV_FAULT_ORDER;
        }
        if (fault != QL_CSV_FINE) {
            return fault;
        }
    } else if (clock->granularity_us == 0 || __builtin_add_overflow(interval_us[0], clock->granularity_us, &interval_us[1])) {
        interval_us[1] = QL_TIME_NONE;
    }
    *is_end_wrong = false;
    bool is_before = clock->from_us != QL_TIME_NONE && interval_us[0] < clock->from_us;
    bool is_after = clock->to_us != QL_TIME_NONE && interval_us[0] >= clock->to_us;
    return is_before || is_after ? QL_CSV_FAULT_RANGE : QL_CSV_FINE;
}
