/*
 * Two halves of what is too large for one export. A range is cut where an interval begins, at a midnight of its zone if it has
 * one inside, so that no interval and no day's count depends on whether it was cut; then the list of queues, if there is one.
 * The halves have no cell in common.
 */
#include "source/reporting_internal.h"

#include "base/mem.h"

static const int64_t US_PER_DAY = 86400 * QL_US_PER_S;

static int64_t to_local(const struct ql_tz *tz, int64_t us) {
    return tz != NULL ? us + ql_tz_offset_at(tz, us) * QL_US_PER_S : us;
}

/* The first instant of a local time; one that the clock jumps over is taken as the same time in UTC is, a while beside. */
static bool to_instant(const struct ql_tz *tz, int64_t local_us, int64_t *us) {
    *us = local_us;
    return tz == NULL || ql_tz_to_utc(tz, local_us, us) != QL_TZ_SKIPPED;
}

/* Whole steps of local days from the start: half of them. */
static bool cut_at_days(const struct ql_tz *tz, int64_t first_us, int64_t last_us, int64_t step_us, int64_t *middle_us) {
    int64_t n = (last_us - first_us + step_us - 1) / step_us; /* the last may be shorter */
    for (int64_t k = n / 2; k > 0; k--) {
        if (to_instant(tz, first_us + k * step_us, middle_us)) {
            return true;
        }
    }
    return false;
}

bool ql_reporting_middle(const struct ql_reporting_options *options, int64_t from_us, int64_t to_us, int64_t *middle_us) {
    int64_t period_us = options->period_us;
    int64_t first_us = to_local(options->tz, from_us);
    int64_t last_us = to_local(options->tz, to_us);
    bool is_cut;
    if (period_us % US_PER_DAY == 0) {
        is_cut = cut_at_days(options->tz, first_us, last_us, period_us, middle_us);
    } else {
        int64_t midnight_us = first_us - ((first_us % US_PER_DAY) + US_PER_DAY) % US_PER_DAY;
        is_cut = cut_at_days(options->tz, midnight_us, last_us, US_PER_DAY, middle_us);
    }
    if (is_cut && *middle_us > from_us && *middle_us < to_us) {
        return true;
    }
    if (period_us % US_PER_DAY == 0) {
        return false;
    }
    int64_t n = (to_us - from_us + period_us - 1) / period_us;
    *middle_us = from_us + n / 2 * period_us;
    return *middle_us > from_us && *middle_us < to_us;
}

bool ql_reporting_split(const struct ql_reporting_options *options, enum ql_reporting_remedy remedy,
                        struct ql_reporting_part *part, struct ql_reporting_part *second) {
    const struct ql_reporting_part whole = {
        .from_us = part->from_us, .to_us = part->to_us, .queues = part->queues, .n_queues = part->n_queues};
    struct ql_reporting_part a = whole;
    struct ql_reporting_part b = whole;
    int64_t middle_us;
    if (remedy == QL_REPORTING_SPLIT_RANGE && ql_reporting_middle(options, whole.from_us, whole.to_us, &middle_us)) {
        a.to_us = b.from_us = middle_us;
    } else if (whole.n_queues > 1) {
        a.n_queues = whole.n_queues / 2;
        b.n_queues = whole.n_queues - a.n_queues;
        b.queues = whole.queues + a.n_queues;
    } else {
        return false;
    }
    ql_reporting_part_fini(part);
    *part = a;
    *second = b;
    return true;
}
