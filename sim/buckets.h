/**
 * The buckets of a time range: from its start on, in steps of a period whose days and months are those of a time zone. So a day
 * has 46 or 50 half-hours where the clock changes.
 */
#ifndef QL_SIM_BUCKETS_H
#define QL_SIM_BUCKETS_H

#include "sim/calendar.h"
#include "sim/zone.h"

struct ql_sim_buckets {
    int64_t from_ms, to_ms;      /* half-open */
    struct ql_sim_period period; /* all zero: one bucket */
    const struct ql_sim_zone *zone;
};

/** Where bucket `number` (from 0) begins, or to_ms behind the last. */
int64_t ql_sim_buckets_start(const struct ql_sim_buckets *buckets, int64_t number);
int64_t ql_sim_buckets_count(const struct ql_sim_buckets *buckets);

/**
 * "start/end" with ends that have an offset or are of the zone's clock. False: it is none, or does not end behind its start.
 */
bool ql_sim_interval_parse(struct ql_str text, const struct ql_sim_zone *zone, int64_t *from_ms, int64_t *to_ms);

#endif
