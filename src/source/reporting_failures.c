/*
 * Why a reporting export fails: the codes of exportErrorMessagesType (Platform API, ReportingExportJobResponse), each with what
 * it means and what helps. A code that a later version adds is told as it is.
 */
#include "source/reporting_internal.h"

#include <stdio.h>

#define LATER QL_REPORTING_LATER
#define SPLIT QL_REPORTING_SPLIT_RANGE
#define QUEUES QL_REPORTING_SPLIT_QUEUES
#define PERMANENT QL_REPORTING_PERMANENT
static const char NARROWER[] =
    "narrow it with --report-queues, --report-media-types or a shorter range, or take a longer --granularity";
static const char FEWER[] = "name fewer queues with --report-queues, or none";

const struct ql_reporting_failure ql_reporting_failures[] = {
    {"FAILED_CONVERTING_EXPORT_JOB", PERMANENT, "the server cannot make an export of the request",
     "check --report-view, --report-columns and --granularity against what the organization's view offers"},
    {"FAILED_NO_DATA_EXPORT_JOB_FOUND", PERMANENT, "the server has no data export of this kind",
     "check --report-view; the view may not be part of the organization's licence"},
    {"FAILED_GETTING_DATA_FROM_SERVICE", LATER, "the server could not get the data from its own service", "run again later"},
    {"FAILED_GENERATING_TEMP_FILE", LATER, "the server could not write its temporary file", "run again later"},
    {"FAILED_SAVING_FILE_TO_S3", LATER, "the server could not store the file", "run again later"},
    {"FAILED_NOTIFYING_SKYWALKER_OF_DOWNLOAD", LATER, "the server could not register the file for its download service",
     "run again later"},
    {"FAILED_BUILDING_DOWNLOAD_URL_FROM_SKYWALKER_RESPONSE", LATER, "the server's download service gave no link to the file",
     "run again later"},
    {"FAILED_CONVERTING_EXPORT_JOB_TO_QUEUE_PERFORMANCE_JOB", PERMANENT,
     "the server cannot make a queue performance export of the request",
     "check --report-view, --report-columns and --granularity; a view for agents or skills has no queue performance"},
    {"EXPORT_TYPE_NOT_IMPLEMENTED", PERMANENT, "the server does not offer this view as CSV",
     "choose another --report-view; QUEUE_PERFORMANCE_DETAIL_VIEW has queues by interval"},
    {"REACHED_MAXIMUM_ATTEMPT_OF_RETRY", LATER, "the server gave up after as many attempts as it makes", "run again later"},
    {"FAILED_LONG_RUNNING_EXPORT", SPLIT, "the export took the server too long", NARROWER},
    {"TOO_MANY_REQUESTS_FROM_AN_ORGANIZATION", QL_REPORTING_THROTTLED, "the organization asks for too many exports at once",
     "run again later; see which other programs and schedules of the organization make exports"},
    {"FAILED_AS_EXPORT_FILE_SIZE_IS_GREATER_THAN_10MB", SPLIT, "the file is larger than 10 MB", NARROWER},
    {"NOT_AUTHORIZED_TO_VIEW_EXPORT", QL_REPORTING_PERMISSION, "the OAuth client may not see what the export has",
     "give the client's role the permission to view the data of --report-view, with the divisions of the queues"},
    {"TOO_MANY_SEARCH_CRITERIA", QUEUES, "the request has more filters than the server takes", FEWER},
    {"CIRCUIT_BREAKER_OPEN_FOR_VIEW_TYPE", LATER, "the server makes no exports of this view for the time being",
     "run again in some minutes"},
    {"SEARCH_CRITERIA_VALUES_EXCEED_LIMIT", QUEUES, "a filter of the request has more values than the server takes", FEWER},
    {"EXPORT_EMAIL_FILE_SIZE_EXCEEDED_LIMIT", SPLIT, "the file is larger than what the server mails", NARROWER},
    {"BAD_REQUEST_SCHEDULED_RUN", PERMANENT, "the run of a schedule was refused",
     "queuelake makes no schedules: see whether somebody changed the export in the meantime, then run again"},
    {"STATIC_LINK_EXPORT_FAILED", PERMANENT, "the file behind a static link could not be made",
     "queuelake makes no static links: see whether somebody changed the export in the meantime, then run again"},
};
const size_t ql_reporting_n_failures = sizeof ql_reporting_failures / sizeof ql_reporting_failures[0];

const struct ql_reporting_failure *ql_reporting_failure_find(const char *code) {
    for (size_t i = 0; i < ql_reporting_n_failures; i++) {
        if (strcmp(ql_reporting_failures[i].code, code) == 0) {
            return &ql_reporting_failures[i];
        }
    }
    return NULL;
}

static enum ql_status status_of(enum ql_reporting_remedy remedy) {
    switch (remedy) {
    case QL_REPORTING_LATER:
        return QL_E_SERVER;
    case QL_REPORTING_THROTTLED:
        return QL_E_RATE;
    case QL_REPORTING_PERMISSION:
        return QL_E_PERMISSION;
    case QL_REPORTING_SPLIT_RANGE:
    case QL_REPORTING_SPLIT_QUEUES:
    case QL_REPORTING_PERMANENT:
    default:
        return QL_E_EXPORT_FAILED;
    }
}

enum ql_status ql_reporting_fail(const struct ql_reporting *reporting, const struct ql_reporting_part *part,
                                 struct ql_err *err) {
    const struct ql_reporting_failure *failure = ql_reporting_failure_find(part->failure);
    const char *id = ql_buf_text(&part->id);
    if (part->state == QL_REPORTING_PARTIAL) {
        QL_FAIL(err, QL_E_EXPORT_FAILED, "export '%s' has partial results only", id);
        ql_err_hint(err, "run again later, ask for a shorter range, or take what there is with --accept-partial");
        return QL_E_EXPORT_FAILED;
    }
    if (failure == NULL) {
        char words[sizeof part->failure];
        ql_words_copy(reporting->genesys.http, ql_str_from(part->failure), words, sizeof words);
        return QL_FAIL(err, QL_E_EXPORT_FAILED, "export '%s' is %s: %s", id, part->ended_as,
                       words[0] != '\0' ? words : "the server gives no reason");
    }
    enum ql_status status = status_of(failure->remedy);
    QL_FAIL(err, status, "export '%s' is %s: %s (%s)", id, part->ended_as, failure->what, failure->code);
    ql_err_hint(err, "%s", failure->hint);
    return status;
}
