/** The columns of a queue performance export, and how each locale writes headers and dates. */
#ifndef QL_SIM_REPORT_COLUMNS_H
#define QL_SIM_REPORT_COLUMNS_H

#include "base/str.h"
#include "sim/tally.h"

enum ql_sim_column_kind {
    QL_SIM_COLUMN_FULL_EXPORT,
    QL_SIM_COLUMN_PARTIAL_STAMP,
    QL_SIM_COLUMN_START,
    QL_SIM_COLUMN_END,
    QL_SIM_COLUMN_COMPLETE,
    QL_SIM_COLUMN_FILTERS,
    QL_SIM_COLUMN_MEDIA,
    QL_SIM_COLUMN_QUEUE_ID,
    QL_SIM_COLUMN_QUEUE_NAME,
    QL_SIM_COLUMN_COUNT,  /* of stat */
    QL_SIM_COLUMN_RATE,   /* stat's count over that of `of` */
    QL_SIM_COLUMN_LEVEL,  /* of the service level */
    QL_SIM_COLUMN_TARGET, /* likewise */
    QL_SIM_COLUMN_MEAN,   /* a duration */
    QL_SIM_COLUMN_TOTAL   /* a duration */
};

enum ql_sim_language { QL_SIM_EN, QL_SIM_ES, QL_SIM_DE, QL_SIM_FR, QL_SIM_N_LANGUAGES };

struct ql_sim_column {
    const char *id; /* as metadata and selectedColumns have it; NULL: it cannot be chosen, it is always there */
    const char *headers[QL_SIM_N_LANGUAGES];
    enum ql_sim_column_kind kind;
    enum ql_sim_stat stat, of;
    bool is_extra; /* only where it is chosen */
};
extern const struct ql_sim_column ql_sim_columns[];
extern const size_t ql_sim_n_columns;
/** NULL: there is none that can be chosen by that id. */
const struct ql_sim_column *ql_sim_column_find(struct ql_str id);

struct ql_sim_locale {
    const char *name; /* "en-us" */
    enum ql_sim_language language;
    const char *date; /* M D: as short as can be, MM DD: two digits; YY or YYYY; h: 12 hours, H, HH: 24; mm; a: AM or PM */
};
/** Case and '-' or '_' do not matter. NULL: it is not known. */
const struct ql_sim_locale *ql_sim_locale_find(const char *name);
/** Writes what the clock on the wall says. pattern as in ql_sim_locale. */
void ql_sim_put_date(struct ql_buf *out, const char *pattern, int64_t civil_ms);

#endif
