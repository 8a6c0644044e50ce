/* The one table of what a column of rows is made of (semantics, section 9). Milliseconds become seconds, and a numerator of the
 * service level a hundred times itself, by moving the decimal point: exactly. */
#include "source/aggregates.h"

#define AVERAGE(stem, metric_)                                                               \
    {stem "_seconds", metric_, QL_STAT_SUM, 3}, {stem "_sum_ms", metric_, QL_STAT_SUM, 0}, { \
        stem "_count", metric_, QL_STAT_COUNT, 0                                             \
    }

static const struct ql_aggregate_column COLUMNS[] = {
    {"calls_offered", "nOffered", QL_STAT_COUNT, 0},
    {"calls_answered", "tAnswered", QL_STAT_COUNT, 0},
    {"calls_abandoned", "tAbandon", QL_STAT_COUNT, 0},
    {"calls_short_abandoned", "tShortAbandon", QL_STAT_COUNT, 0},
    {"calls_flowed_out", "tFlowOut", QL_STAT_COUNT, 0},
    {"calls_transferred", "nTransferred", QL_STAT_COUNT, 0},
    {"calls_over_sla", "nOverSla", QL_STAT_COUNT, 0},
    AVERAGE("handle", "tHandle"),
    AVERAGE("talk", "tTalkComplete"),
    AVERAGE("hold", "tHeldComplete"),
    AVERAGE("after_call_work", "tAcw"),
    AVERAGE("speed_of_answer", "tAnswered"),
    AVERAGE("wait", "tWait"),
    {"service_level_numerator_x100", "oServiceLevel", QL_STAT_NUMERATOR, -2},
    {"service_level_numerator", "oServiceLevel", QL_STAT_NUMERATOR, 0},
    {"service_level_denominator", "oServiceLevel", QL_STAT_DENOMINATOR, 0},
};

const struct ql_aggregate_column *ql_aggregate_column_find(struct ql_str name) {
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        if (ql_str_eq(name, ql_str_from(COLUMNS[i].name))) {
            return &COLUMNS[i];
        }
    }
    return NULL;
}

enum ql_stat ql_stat_partner(enum ql_stat stat) {
    static const enum ql_stat PARTNERS[QL_N_STATS] = {[QL_STAT_COUNT] = QL_STAT_SUM,
                                                      [QL_STAT_SUM] = QL_STAT_COUNT,
                                                      [QL_STAT_NUMERATOR] = QL_STAT_DENOMINATOR,
                                                      [QL_STAT_DENOMINATOR] = QL_STAT_NUMERATOR};
    return PARTNERS[stat];
}
