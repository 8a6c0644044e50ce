/**
 * Time zones from the system's tz database (RFC 9636), for queries and exports that name one. Written apart from the product's
 * own reader on purpose, as the calendar is.
 */
#ifndef QL_SIM_ZONE_H
#define QL_SIM_ZONE_H

#include "base/str.h"

struct ql_sim_zone;

/** NULL: there is no such zone. "UTC" needs no database. The caller frees it. */
struct ql_sim_zone *ql_sim_zone_open(const char *name);
/** zone may be NULL. */
void ql_sim_zone_free(struct ql_sim_zone *zone);

/** What is to be added to an instant for the clock on the wall. */
int64_t ql_sim_zone_offset_ms(const struct ql_sim_zone *zone, int64_t ms);
/** The clock on the wall at an instant, as if it were in UTC. */
int64_t ql_sim_zone_to_civil(const struct ql_sim_zone *zone, int64_t ms);
/** The instant of a clock on the wall: the first of two, and behind a gap as far as the clock is in it. */
int64_t ql_sim_zone_from_civil(const struct ql_sim_zone *zone, int64_t civil_ms);

#endif
