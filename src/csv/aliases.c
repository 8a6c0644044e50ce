/*
 * Names that sources use in their headers, as data: normalised name -> canonical name and scale.
 *
 * Names that normalisation alone makes canonical (timeInterval, queue.id, callsOffered ...) need no line here; those of the
 * exports contract are listed all the same where they are spelled otherwise. The columns of a view export (queue performance)
 * come in milliseconds and ratios 0 to 1, as genesys-api documents them: a scale here is a fact about that column, never a
 * guess at its values. Lines are sorted by name, for the binary search.
 */
#include "csv/csv_internal.h"

enum { MS_TO_S = -3, RATIO_TO_PERCENT = 2 };

/* QL_STR is no constant initialiser. */
#define TEXT(literal) \
    { .ptr = (literal), .len = sizeof(literal) - 1 }

static const struct ql_csv_name NAMES[] = {
    {TEXT("abandon"), TEXT("calls_abandoned"), 0},
    {TEXT("abandon_%"), TEXT("abandon_percent"), RATIO_TO_PERCENT},
    {TEXT("abandoned"), TEXT("calls_abandoned"), 0},
    {TEXT("answer"), TEXT("calls_answered"), 0},
    {TEXT("answer_%"), TEXT("answer_percent"), RATIO_TO_PERCENT},
    {TEXT("answered"), TEXT("calls_answered"), 0},
    {TEXT("asa"), TEXT("avg_speed_of_answer_seconds"), MS_TO_S},
    {TEXT("avg_acw"), TEXT("avg_after_call_work_seconds"), MS_TO_S},
    {TEXT("avg_handle"), TEXT("avg_handle_time_seconds"), MS_TO_S},
    {TEXT("avg_hold"), TEXT("avg_hold_time_seconds"), MS_TO_S},
    {TEXT("avg_talk"), TEXT("avg_talk_time_seconds"), MS_TO_S},
    {TEXT("avg_wait"), TEXT("avg_wait_seconds"), MS_TO_S},
    {TEXT("flow_out"), TEXT("calls_flowed_out"), 0},
    {TEXT("hold"), TEXT("calls_held"), 0},
    {TEXT("interval"), TEXT("time_interval"), 0},
    {TEXT("offer"), TEXT("calls_offered"), 0},
    {TEXT("offered"), TEXT("calls_offered"), 0},
    {TEXT("service_level_%"), TEXT("service_level_percent"), RATIO_TO_PERCENT},
    {TEXT("service_level_target_%"), TEXT("service_level_target_percent"), RATIO_TO_PERCENT},
    {TEXT("short_abandon"), TEXT("calls_short_abandoned"), 0},
    {TEXT("transfer"), TEXT("calls_transferred"), 0},
};

const struct ql_csv_name *ql_csv_alias_find(struct ql_str from) {
    size_t low = 0;
    size_t high = sizeof NAMES / sizeof NAMES[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = ql_str_cmp(NAMES[middle].from, from);
        if (order == 0) {
            return &NAMES[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
