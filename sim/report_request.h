/** What a reporting export asks for: the settings that shape its file. */
#ifndef QL_SIM_REPORT_REQUEST_H
#define QL_SIM_REPORT_REQUEST_H

#include "sim/body_reader.h"
#include "sim/buckets.h"
#include "sim/report_columns.h"
#include "sim/world.h"

enum ql_sim_durations { QL_SIM_IN_MS, QL_SIM_IN_SECONDS, QL_SIM_AS_HHMMSS, QL_SIM_AS_HMS };

struct ql_sim_report {
    json_t *json; /* the request as it came: the answer repeats it */
    struct ql_sim_buckets buckets;
    struct ql_sim_zone *zone;
    bool is_known_view; /* one that this program makes */
    bool is_detail;     /* a row a period; else one for the whole interval */
    bool is_pdf;
    bool splits_filters, splits_media, excludes_empty, has_summary_row, has_units;
    char delimiter;
    enum ql_sim_durations durations;
    const struct ql_sim_locale *locale;
    bool has_queue_filter;
    size_t *queues; /* indexes in the world, those that the client sees */
    size_t n_queues;
    bool has_media_filter, is_media[QL_SIM_N_MEDIA];
    bool has_direction_filter, is_direction[2]; /* inbound, outbound */
    const struct ql_sim_column **columns;       /* those that are chosen; NULL: the usual ones */
    size_t n_columns;
};

/** NULL: the answer says what is wrong. The caller frees it. */
struct ql_sim_report *ql_sim_report_read(const struct ql_sim_reader *reader, const struct ql_sim_world *world);
/** report may be NULL. */
void ql_sim_report_free(struct ql_sim_report *report);

#endif
