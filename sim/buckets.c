#include "sim/buckets.h"

enum { MS_PER_DAY = 86400000 };

int64_t ql_sim_buckets_start(const struct ql_sim_buckets *buckets, int64_t number) {
    const struct ql_sim_period *period = &buckets->period;
    bool is_whole = (period->months | period->days | period->ms) == 0;
    int64_t start_ms = buckets->from_ms;
    if (number == 0) {
        return start_ms;
    }
    if (is_whole || number > (INT64_C(1) << 40)) {
        return buckets->to_ms;
    }
    if (period->months != 0 || period->days != 0) {
        int64_t civil_ms = ql_sim_zone_to_civil(buckets->zone, start_ms);
        civil_ms = period->months != 0 ? ql_sim_civil_add_months(civil_ms, (int)(number * period->months)) : civil_ms;
        start_ms = ql_sim_zone_from_civil(buckets->zone, civil_ms + number * period->days * MS_PER_DAY);
    }
    start_ms += number * period->ms;
    return start_ms < buckets->to_ms ? start_ms : buckets->to_ms;
}

int64_t ql_sim_buckets_count(const struct ql_sim_buckets *buckets) {
    const struct ql_sim_period *period = &buckets->period;
    int64_t shortest_ms = (period->months * INT64_C(28) + period->days) * MS_PER_DAY + period->ms;
    if (shortest_ms == 0) {
        return 1;
    }
    int64_t low = 0; /* the smallest number that begins at the end or behind it */
    int64_t high = (buckets->to_ms - buckets->from_ms) / shortest_ms + 2;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (ql_sim_buckets_start(buckets, middle) >= buckets->to_ms) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static bool parse_end(struct ql_str text, const struct ql_sim_zone *zone, int64_t *ms) {
    bool has_offset;
    if (!ql_sim_civil_parse(text, ms, &has_offset)) {
        return false;
    }
    *ms = has_offset ? *ms : ql_sim_zone_from_civil(zone, *ms);
    return true;
}

bool ql_sim_interval_parse(struct ql_str text, const struct ql_sim_zone *zone, int64_t *from_ms, int64_t *to_ms) {
    struct ql_str end;
    struct ql_str start = ql_str_split(text, '/', &end);
    return parse_end(start, zone, from_ms) && parse_end(end, zone, to_ms) && *from_ms < *to_ms;
}
