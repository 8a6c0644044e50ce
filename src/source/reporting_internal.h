/**
 * What the files of the contract analytics/reporting/exports share:
 *
 *   reporting.c           the order of things: create, wait, split what is too large, download, delete
 *   reporting_request.c   what is asked for
 *   reporting_look.c      what has become of an export, where its file is, and deleting it
 *   reporting_failures.c  the codes of failures and what they mean
 *   reporting_split.c     two halves of a part
 */
#ifndef QL_SOURCE_REPORTING_INTERNAL_H
#define QL_SOURCE_REPORTING_INTERNAL_H

#include "source/source_internal.h"

#define QL_REPORTING_PATH "/api/v2/analytics/reporting/exports"

enum ql_reporting_state { QL_REPORTING_RUNNING, QL_REPORTING_COMPLETED, QL_REPORTING_PARTIAL, QL_REPORTING_ENDED };

/** One export, of a range and of queues; the artefact has as many as its range had to be split into. */
struct ql_reporting_part {
    int64_t from_us, to_us;
    const struct ql_str *queues;
    size_t n_queues; /* 0: all */
    enum ql_reporting_state state;
    int64_t created_ms;        /* monotonic */
    struct ql_buf id, file_id; /* file_id: of the downloads endpoint */
    struct ql_buf link;        /* a secret */
    char ended_as[32];         /* FAILED, CANCELLED */
    char failure[96];          /* exportErrorMessagesType; "": none was given */
};
void ql_reporting_part_fini(struct ql_reporting_part *part);

struct ql_reporting {
    struct ql_source source; /* first */
    struct ql_genesys genesys;
    struct ql_reporting_options options;
    struct ql_reporting_part *parts; /* in the order of their ranges */
    size_t n_parts, cap_parts;
    struct ql_buf *superseded; /* ids of exports that were split */
    size_t n_superseded, cap_superseded;
    bool has_no_single_look; /* this server does not show one export by its id */
    int64_t page;            /* of the list, where an export was seen last */
    /* What was too large once need not be tried again: a range of at least that length, of at least so many queues (0: all). */
    int64_t too_long_us;
    size_t too_many_queues;
};

/* ---- reporting_request.c */

void ql_reporting_request_body(const struct ql_reporting_options *options, const struct ql_reporting_part *part,
                               struct ql_buf *out);
/** "PT30M", "P1D". */
void ql_reporting_put_period(int64_t period_us, struct ql_buf *out);

/* ---- reporting_look.c */

/** What an export's JSON says. */
QL_MUST_CHECK enum ql_status ql_reporting_read(struct ql_reporting *reporting, struct ql_reporting_part *part,
                                               const struct ql_json *json, struct ql_err *err);
/** Brings the part's state up to date. An export that the list does not have (yet) is left as it was. */
QL_MUST_CHECK enum ql_status ql_reporting_look(struct ql_reporting *reporting, struct ql_reporting_part *part,
                                               struct ql_err *err);
/** Asks for the signed link to the part's file. */
QL_MUST_CHECK enum ql_status ql_reporting_get_link(struct ql_reporting *reporting, struct ql_reporting_part *part,
                                                   struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_reporting_delete(struct ql_reporting *reporting, struct ql_str id, struct ql_err *err);

/* ---- reporting_failures.c */

enum ql_reporting_remedy {
    QL_REPORTING_LATER,        /* submitting it again may do */
    QL_REPORTING_THROTTLED,    /* later, and less often */
    QL_REPORTING_SPLIT_RANGE,  /* it is too large */
    QL_REPORTING_SPLIT_QUEUES, /* it names too many queues */
    QL_REPORTING_PERMISSION,
    QL_REPORTING_PERMANENT
};
struct ql_reporting_failure {
    const char *code; /* exportErrorMessagesType */
    enum ql_reporting_remedy remedy;
    const char *what, *hint;
};
extern const struct ql_reporting_failure ql_reporting_failures[];
extern const size_t ql_reporting_n_failures;
/** NULL: a code that is not known. */
const struct ql_reporting_failure *ql_reporting_failure_find(const char *code);
/** The error of an export that ended without a file. */
enum ql_status ql_reporting_fail(const struct ql_reporting *reporting, const struct ql_reporting_part *part,
                                 struct ql_err *err);

/* ---- reporting_split.c */

/** Where to cut a range in two at a place where an interval begins; false: it is one interval. */
bool ql_reporting_middle(const struct ql_reporting_options *options, int64_t from_us, int64_t to_us, int64_t *middle_us);
/** Makes two halves of a part that is too large, by the remedy's way if it can; false: it cannot be split. The second half goes
 * into *second; both have no export yet. */
bool ql_reporting_split(const struct ql_reporting_options *options, enum ql_reporting_remedy remedy,
                        struct ql_reporting_part *part, struct ql_reporting_part *second);

#endif
