/*
 * Ranges are cut where intervals end: at the zone's midnights, because intervals of a day and more follow its clock, and within
 * a day only where the clock does not change, or in steps so small that no change of any clock parts one.
 */
#include "source/aggregates.h"

static const int64_t DAY_US = INT64_C(86400) * QL_US_PER_S;
/* Clocks change by half an hour at least, at half or whole hours. */
static const int64_t SMALL_US = INT64_C(1800) * QL_US_PER_S;

static int offset_s(const struct ql_window_rule *rule, int64_t us) {
    return rule->tz != NULL ? ql_tz_offset_at(rule->tz, us) : 0;
}

/* n days on by the zone's clock; where that time is skipped, the day after. */
static int64_t add_days(const struct ql_window_rule *rule, int64_t from_us, int64_t n) {
    int64_t local_us = from_us + offset_s(rule, from_us) * QL_US_PER_S;
    int64_t end_us = local_us + n * DAY_US;
    while (rule->tz != NULL && ql_tz_to_utc(rule->tz, local_us + n * DAY_US, &end_us) == QL_TZ_SKIPPED) {
        n++;
    }
    return end_us;
}

int64_t ql_window_end(const struct ql_window_rule *rule, int64_t from_us, int64_t n) {
    int64_t step_us = rule->granularity_us;
    int64_t end_us;
    n = n < (rule->to_us - from_us) / step_us + 1 ? n : (rule->to_us - from_us) / step_us + 1;
    bool is_part_of_day = step_us < DAY_US && DAY_US % step_us == 0;
    if (step_us % DAY_US == 0) {
        end_us = add_days(rule, from_us, n * (step_us / DAY_US));
    } else if (is_part_of_day && n * step_us >= DAY_US) {
        end_us = add_days(rule, from_us, n * step_us / DAY_US);
    } else {
        end_us = from_us + n * step_us;
        if (is_part_of_day && step_us > SMALL_US && offset_s(rule, from_us) != offset_s(rule, end_us)) {
            end_us = add_days(rule, from_us, 1);
        }
    }
    return end_us < rule->to_us ? end_us : rule->to_us;
}
