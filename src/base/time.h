/**
 * Time without libc's: instants are microseconds since 1970-01-01T00:00:00Z in int64_t, calendars are proleptic Gregorian,
 * zones come from the system's TZif files and never from TZ. Nothing here reads a clock but ql_time_now and
 * ql_time_monotonic_ms.
 */
#ifndef QL_BASE_TIME_H
#define QL_BASE_TIME_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define QL_TIME_NONE INT64_MIN
#define QL_US_PER_S INT64_C(1000000)

struct ql_civil {
    int year, month, day, hour, minute, second, us;
};

int64_t ql_time_from_civil(const struct ql_civil *civil); /* read as UTC */
void ql_time_to_civil(int64_t us, struct ql_civil *civil);
/** Whether day, hour, … are in range for year and month; second 60 is not. Years 1 to 9999. */
bool ql_civil_is_valid(const struct ql_civil *civil);

struct ql_time_text {
    struct ql_civil civil;
    bool has_time;   /* false: a date alone */
    bool has_offset; /* Z or ±hh[[:]mm] */
    int offset_s;    /* east of Greenwich */
};
/** ISO 8601 calendar form, extended (2024-01-31[T| ]09:30[:15[.123456]][Z|+01:00]); the whole of s. Digits beyond µs must be 0.
 */
bool ql_time_parse_iso(struct ql_str s, struct ql_time_text *text);

enum { QL_TIME_TEXT_SIZE = 32 };
/** "2024-01-01T00:00:00.000Z"; six digits instead of three where the instant is no whole millisecond. Returns the length. */
size_t ql_time_format(int64_t us, char out[QL_TIME_TEXT_SIZE]);

/** ISO 8601 period of weeks, days, hours, minutes, seconds ("PT30M", "P1D"), or the short form "30m", "15min", "1h", "90s",
 * "1d"; in µs, above 0. */
bool ql_period_parse(struct ql_str s, int64_t *us);

int64_t ql_time_now(void);          /* wall clock, µs */
int64_t ql_time_monotonic_ms(void); /* for waits and deadlines */

/** A time zone. Immutable after it was opened; may be shared by threads. */
struct ql_tz;
/** By IANA name ("Europe/Madrid", "UTC"). E_CONFIG for an unknown name (with the nearest hint there is) or a damaged file. */
QL_MUST_CHECK enum ql_status ql_tz_open(struct ql_str name, struct ql_tz **tz, struct ql_err *err);
void ql_tz_free(struct ql_tz *tz);
/** Seconds east of Greenwich at an instant. */
int ql_tz_offset_at(const struct ql_tz *tz, int64_t us);
enum ql_tz_local { QL_TZ_UNIQUE, QL_TZ_SKIPPED, QL_TZ_REPEATED };
/** The instant of a local time (civil read as if UTC, in µs). Where it is repeated, the first of the two; where skipped,
 * undefined. */
enum ql_tz_local ql_tz_to_utc(const struct ql_tz *tz, int64_t local_us, int64_t *us);

#endif
