/**
 * ISO 8601 for the simulator: instants are milliseconds since 1970-01-01T00:00:00Z, the calendar is proleptic Gregorian.
 * Written apart from base/time.c on purpose: the intervals that the simulator prints judge the ones that the product reads.
 */
#ifndef QL_SIM_CALENDAR_H
#define QL_SIM_CALENDAR_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

int64_t ql_sim_now_ms(void);
int64_t ql_sim_monotonic_ms(void);

/** A date ("2024-01-01": midnight in UTC) or a date and time with its offset ("2024-01-01T00:00[:00[.000]]Z" or "+01:00"). */
bool ql_sim_time_parse(struct ql_str text, int64_t *ms);
/** "2024-01-01T00:00:00.000Z" */
void ql_sim_time_print(int64_t ms, char out[32]);
/** "20240101T000000Z", the form of X-Amz-Date. */
void ql_sim_time_print_basic(int64_t ms, char out[32]);
bool ql_sim_time_parse_basic(struct ql_str text, int64_t *ms);
/** "Mon, 01 Jan 2024 00:00:00 GMT", the form of Date. */
void ql_sim_time_print_http(int64_t ms, char out[32]);
/** 0 is Monday. */
int ql_sim_weekday(int64_t ms);

/** A date and time without its offset. ms counts as if it were in UTC. */
struct ql_sim_civil {
    int year, month, day, hour, minute, second, ms;
};
struct ql_sim_civil ql_sim_civil_split(int64_t ms);
int64_t ql_sim_civil_join(const struct ql_sim_civil *t);
/** The same day and time so many months later; a day that the month lacks becomes its last. */
int64_t ql_sim_civil_add_months(int64_t ms, int months);
/** As ql_sim_time_parse, but the offset may be missing: then ms is what a clock on the wall says. */
bool ql_sim_civil_parse(struct ql_str text, int64_t *ms, bool *has_offset);

/** An ISO 8601 period of weeks, days, hours, minutes and whole seconds ("PT30M", "P1D"), above 0. */
bool ql_sim_period_parse(struct ql_str text, int64_t *ms);
/** A period whose months and days follow the calendar of a time zone. */
struct ql_sim_period {
    int months;
    int64_t days, ms;
};
/** "P1M", "P1W", "PT15M"; above 0. */
bool ql_sim_period_read(struct ql_str text, struct ql_sim_period *period);

#endif
