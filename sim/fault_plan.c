/*
 * A fault plan is a JSON list of rules:
 *
 *   [{"match": {"host": "download", "method": "GET", "path": "/exports/"}, "skip": 1, "times": 2, "fault": {"truncate_after":
 * 1000}}]
 *
 * Every member of match may be left out; path is a prefix, or a glob if it has '*', '?' or '['. Members of fault combine where
 * that makes sense: {"truncate_after": 1000, "reset": true} ends in a reset, {"chunked": true, "truncate_after": 1000} cuts a
 * chunk. What the plan gets wrong is said when the program starts, with the place, because a plan that silently does nothing
 * would make a test pass.
 */
#include "sim/fault_plan.h"

#include "base/mem.h"

enum member_type { BOOL, YES_OR_NO /* absent is a third answer */, INTEGER, TEXT, TEXTS };

struct member {
    const char *name;
    enum member_type type;
    size_t offset;
    int64_t min, max;
};

#define MEMBER(name, type, min, max) \
    { #name, type, offsetof(struct ql_sim_fault, name), min, max }
static const struct member MEMBERS[] = {
    MEMBER(status, INTEGER, 200, 599),
    MEMBER(headers, TEXTS, 0, 0),
    MEMBER(body, TEXT, 0, 0),
    MEMBER(content_type, TEXT, 0, 0),
    MEMBER(html, INTEGER, 200, 599),
    MEMBER(redirect, TEXT, 0, 0),
    MEMBER(bomb, INTEGER, 1, 1 << 20),
    MEMBER(close_before_answer, BOOL, 0, 0),
    MEMBER(reset, BOOL, 0, 0),
    MEMBER(truncate_after, INTEGER, 0, INT64_MAX),
    MEMBER(wrong_length, INTEGER, -(INT64_C(1) << 40), INT64_C(1) << 40),
    MEMBER(duplicate_length, INTEGER, 0, INT64_MAX),
    MEMBER(stall_ms, INTEGER, 1, 86400000),
    MEMBER(stall_after, INTEGER, 0, INT64_MAX),
    MEMBER(stall_in_head, BOOL, 0, 0),
    MEMBER(slice, INTEGER, 1, 1 << 20),
    MEMBER(slice_ms, INTEGER, 1, 60000),
    MEMBER(no_length, BOOL, 0, 0),
    MEMBER(chunked, BOOL, 0, 0),
    MEMBER(big_headers, INTEGER, 1, 1 << 26),
    MEMBER(informational, INTEGER, 1, 1 << 20),
    MEMBER(gzip_cut, INTEGER, 1, INT64_MAX),
    MEMBER(corrupt_gzip, BOOL, 0, 0),
    MEMBER(export_status, TEXT, 0, 0),
    MEMBER(report_status, TEXT, 0, 0),
    MEMBER(report_error, TEXT, 0, 0),
    MEMBER(job_state, TEXT, 0, 0),
    MEMBER(message, TEXT, 0, 0),
    MEMBER(code, TEXT, 0, 0),
    MEMBER(permission, TEXT, 0, 0),
    MEMBER(rename_queue, INTEGER, 1, 100000),
    MEMBER(delete_queue, INTEGER, 1, 100000),
    MEMBER(expire_link, BOOL, 0, 0),
    MEMBER(expire_token, BOOL, 0, 0),
    MEMBER(acts, YES_OR_NO, 0, 0),
};
enum { N_MEMBERS = sizeof MEMBERS / sizeof MEMBERS[0] };

struct place {
    const char *path;
    size_t rule; /* from 1 */
    struct ql_err *err;
};

static enum ql_status refuse(const struct place *place, const char *member, const char *problem) {
    enum ql_status status =
        QL_FAIL(place->err, QL_E_CONFIG, "'%s', rule %zu: '%s' %s", place->path, place->rule, member, problem);
    ql_err_hint(place->err, "correct the fault plan; 'queuelake-sim --help' lists what it may say");
    return status;
}

static enum ql_status refuse_unknown(const struct place *place, const char *name, const char *const *known, size_t n_known) {
    const char *nearest = ql_str_nearest(ql_str_from(name), known, n_known);
    enum ql_status status = refuse(place, name, "is not known");
    if (nearest != NULL) {
        ql_err_hint(place->err, "did you mean '%s'?", nearest);
    }
    return status;
}

static void *member_ptr(struct ql_sim_fault *fault, const struct member *member) {
    return (char *)fault + member->offset;
}

static enum ql_status read_texts(const struct place *place, const char *name, json_t *value, json_t **texts) {
    const char *key;
    json_t *item;
    if (!json_is_object(value)) {
        return refuse(place, name, "must be an object of texts");
    }
    json_object_foreach(value, key, item) {
        if (!json_is_string(item)) {
            return refuse(place, key, "must be a text");
        }
    }
    *texts = json_incref(value);
    return QL_OK;
}

static enum ql_status read_integer(const struct place *place, const struct member *member, const json_t *value, int64_t *out) {
    if (!json_is_integer(value)) {
        return refuse(place, member->name, "must be a whole number");
    }
    if (json_integer_value(value) < member->min || json_integer_value(value) > member->max) {
        return refuse(place, member->name, "is out of range");
    }
    *out = json_integer_value(value);
    return QL_OK;
}

static enum ql_status read_member(const struct place *place, const struct member *member, json_t *value,
                                  struct ql_sim_fault *fault) {
    switch (member->type) {
    case BOOL:
    case YES_OR_NO:
        if (!json_is_boolean(value)) {
            return refuse(place, member->name, "must be true or false");
        }
        if (member->type == BOOL) {
            *(bool *)member_ptr(fault, member) = json_is_true(value);
        } else {
            *(int64_t *)member_ptr(fault, member) = json_is_true(value);
        }
        return QL_OK;
    case INTEGER:
        return read_integer(place, member, value, member_ptr(fault, member));
    case TEXT:
        if (!json_is_string(value)) {
            return refuse(place, member->name, "must be a text");
        }
        *(char **)member_ptr(fault, member) = ql_mem_strdup(json_string_value(value));
        return QL_OK;
    case TEXTS:
    default:
        return read_texts(place, member->name, value, &fault->headers);
    }
}

static void init_fault(struct ql_sim_fault *fault) {
    *fault = (struct ql_sim_fault){.acts = QL_SIM_ABSENT};
    for (size_t i = 0; i < N_MEMBERS; i++) {
        if (MEMBERS[i].type == INTEGER && strcmp(MEMBERS[i].name, "wrong_length") != 0) {
            *(int64_t *)member_ptr(fault, &MEMBERS[i]) = QL_SIM_ABSENT;
        }
    }
}

static const struct member *find_member(const char *name) {
    for (size_t i = 0; i < N_MEMBERS; i++) {
        if (strcmp(MEMBERS[i].name, name) == 0) {
            return &MEMBERS[i];
        }
    }
    return NULL;
}

static bool is_answer(const struct ql_sim_fault *fault) {
    return fault->status >= 0 || fault->html >= 0 || fault->redirect != NULL || fault->bomb >= 0 || fault->permission != NULL;
}

bool ql_sim_fault_acts(const struct ql_sim_fault *fault) {
    return fault->acts >= 0 ? fault->acts == 1 : !is_answer(fault);
}

bool ql_sim_fault_is_silent(const struct ql_sim_fault *fault) {
    return fault->close_before_answer || (fault->reset && fault->truncate_after < 0 && fault->stall_after < 0);
}

bool ql_sim_fault_is_on_wire(const struct ql_sim_fault *fault) {
    return fault->close_before_answer || fault->reset || fault->truncate_after >= 0 || fault->wrong_length != 0 ||
           fault->duplicate_length >= 0 || fault->stall_after >= 0 || fault->stall_in_head || fault->slice >= 0 ||
           fault->no_length || fault->chunked || fault->big_headers >= 0 || fault->informational >= 0;
}

/* Some faults exist at one host only: a rule that names none is meant for that one, a rule that names the other is wrong. */
static enum ql_status settle_host(const struct place *place, struct ql_sim_rule *rule) {
    const struct ql_sim_fault *fault = &rule->fault;
    bool is_download = fault->gzip_cut >= 0 || fault->corrupt_gzip || fault->bomb >= 0 || fault->expire_link;
    bool is_api = fault->export_status != NULL || fault->report_status != NULL || fault->job_state != NULL ||
                  fault->code != NULL || fault->permission != NULL || fault->expire_token;
    if (is_download && (is_api || rule->host == QL_SIM_HOST_API)) {
        return refuse(place, "fault", "has what happens at the host 'download' only");
    }
    if (is_api && rule->host == QL_SIM_HOST_DOWNLOAD) {
        return refuse(place, "fault", "has what happens at the host 'api' only");
    }
    rule->host = is_download ? QL_SIM_HOST_DOWNLOAD : is_api ? QL_SIM_HOST_API : rule->host;
    return QL_OK;
}

static bool is_word(const char *text, const char *const *words) {
    while (*words != NULL && strcmp(text, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

/* What an export or a job can come to. */
static const char *const EXPORT_STATES[] = {"failed", "cancelled", NULL};
static const char *const REPORT_STATES[] = {
    "SUBMITTED", "RUNNING", "CANCELLING", "CANCELLED", "COMPLETED", "COMPLETED_WITH_PARTIAL_RESULTS", "FAILED", NULL};
static const char *const JOB_STATES[] = {"QUEUED", "PENDING", "FAILED", "CANCELLED", "FULFILLED", "EXPIRED", NULL};
static const char *const REPORT_ERRORS[] = {"FAILED_CONVERTING_EXPORT_JOB",
                                            "FAILED_NO_DATA_EXPORT_JOB_FOUND",
                                            "FAILED_GETTING_DATA_FROM_SERVICE",
                                            "FAILED_GENERATING_TEMP_FILE",
                                            "FAILED_SAVING_FILE_TO_S3",
                                            "FAILED_NOTIFYING_SKYWALKER_OF_DOWNLOAD",
                                            "FAILED_BUILDING_DOWNLOAD_URL_FROM_SKYWALKER_RESPONSE",
                                            "FAILED_CONVERTING_EXPORT_JOB_TO_QUEUE_PERFORMANCE_JOB",
                                            "EXPORT_TYPE_NOT_IMPLEMENTED",
                                            "REACHED_MAXIMUM_ATTEMPT_OF_RETRY",
                                            "FAILED_LONG_RUNNING_EXPORT",
                                            "TOO_MANY_REQUESTS_FROM_AN_ORGANIZATION",
                                            "FAILED_AS_EXPORT_FILE_SIZE_IS_GREATER_THAN_10MB",
                                            "NOT_AUTHORIZED_TO_VIEW_EXPORT",
                                            "STATIC_LINK_EXPORT_FAILED",
                                            "TOO_MANY_SEARCH_CRITERIA",
                                            "SEARCH_CRITERIA_VALUES_EXCEED_LIMIT",
                                            "EXPORT_EMAIL_FILE_SIZE_EXCEEDED_LIMIT",
                                            "CIRCUIT_BREAKER_OPEN_FOR_VIEW_TYPE",
                                            "BAD_REQUEST_SCHEDULED_RUN",
                                            NULL};

static enum ql_status check_states(const struct place *place, const struct ql_sim_fault *fault) {
    bool is_error = fault->code != NULL && fault->status >= 0;
    if (fault->message != NULL && fault->export_status == NULL && fault->job_state == NULL && !is_error) {
        return refuse(place, "message", "needs 'export_status', 'job_state', or 'status' with 'code'");
    }
    if (fault->export_status != NULL && !is_word(fault->export_status, EXPORT_STATES)) {
        return refuse(place, "export_status", "must be 'failed' or 'cancelled'");
    }
    if (fault->report_status != NULL && !is_word(fault->report_status, REPORT_STATES)) {
        return refuse(place, "report_status", "must be a status of a reporting export");
    }
    if (fault->job_state != NULL && !is_word(fault->job_state, JOB_STATES)) {
        return refuse(place, "job_state", "must be a state of a job");
    }
    if (fault->report_error != NULL && (fault->report_status == NULL || strcmp(fault->report_status, "FAILED") != 0)) {
        return refuse(place, "report_error", "needs 'report_status' FAILED");
    }
    if (fault->report_error != NULL && !is_word(fault->report_error, REPORT_ERRORS)) {
        return refuse(place, "report_error", "must be one of the API's exportErrorMessagesType");
    }
    if (fault->code != NULL && (fault->status < 400 || fault->body != NULL)) {
        return refuse(place, "code", "needs a 'status' from 400 on, and no 'body'");
    }
    return QL_OK;
}

/* Members that mean nothing without, or beside, another one. */
static enum ql_status check_combination(const struct place *place, const struct ql_sim_fault *fault) {
    int n_framings = fault->no_length + fault->chunked + (fault->wrong_length != 0) + (fault->duplicate_length >= 0);
    int n_answers = (fault->html >= 0) + (fault->redirect != NULL) + (fault->bomb >= 0) + (fault->permission != NULL);
    bool is_content = fault->gzip_cut >= 0 || fault->corrupt_gzip;
    QL_TRY(check_states(place, fault));
    if ((fault->stall_after >= 0 || fault->stall_in_head) && fault->stall_ms < 0) {
        return refuse(place, "stall_ms", "is missing: how long to stall");
    }
    if (fault->slice_ms >= 0 && fault->slice < 0) {
        return refuse(place, "slice", "is missing: how many bytes at a time");
    }
    if (fault->bomb >= 0 && (fault->wrong_length != 0 || fault->duplicate_length >= 0)) {
        return refuse(place, "bomb", "has no length that could be wrong");
    }
    if (n_framings > 1) {
        return refuse(place, "fault", "has more than one of 'no_length', 'chunked', 'wrong_length', 'duplicate_length'");
    }
    if (n_answers > 1 || (fault->html >= 0 && fault->status >= 0) || (fault->bomb >= 0 && fault->status >= 0) ||
        (fault->permission != NULL && fault->status >= 0)) {
        return refuse(place, "fault", "has more than one answer");
    }
    if ((fault->body != NULL || fault->content_type != NULL || fault->headers != NULL) && fault->status < 0 &&
        fault->redirect == NULL) {
        return refuse(place, "status", "is missing: the status of the answer");
    }
    if (is_content && (is_answer(fault) || (fault->gzip_cut >= 0 && fault->corrupt_gzip))) {
        return refuse(place, "fault", "has more than one content");
    }
    if (fault->acts == 0 && !is_answer(fault) && !ql_sim_fault_is_silent(fault)) {
        return refuse(place, "acts", "can be false only where the fault has an answer of its own, or none");
    }
    return QL_OK;
}

static enum ql_status read_fault(const struct place *place, json_t *json, struct ql_sim_fault *fault) {
    const char *known[N_MEMBERS];
    const char *name;
    json_t *value;
    struct ql_buf kinds = {0};
    init_fault(fault);
    for (size_t i = 0; i < N_MEMBERS; i++) {
        known[i] = MEMBERS[i].name;
    }
    if (!json_is_object(json) || json_object_size(json) == 0) {
        return refuse(place, "fault", "must be an object that says what goes wrong");
    }
    json_object_foreach(json, name, value) {
        const struct member *member = find_member(name);
        enum ql_status status =
            member == NULL ? refuse_unknown(place, name, known, N_MEMBERS) : read_member(place, member, value, fault);
        if (status != QL_OK) {
            ql_buf_fini(&kinds);
            return status;
        }
        ql_buf_printf(&kinds, "%s%s", kinds.len != 0 ? "," : "", name);
    }
    fault->kinds = ql_buf_take(&kinds);
    return check_combination(place, fault);
}

static enum ql_status read_text(const struct place *place, const char *name, const json_t *value, char **text) {
    if (!json_is_string(value) || json_string_length(value) == 0) {
        return refuse(place, name, "must be a text");
    }
    *text = ql_mem_strdup(json_string_value(value));
    return QL_OK;
}

static enum ql_status read_match(const struct place *place, json_t *json, struct ql_sim_rule *rule) {
    static const char *const KNOWN[] = {"host", "method", "path"};
    const char *name;
    json_t *value;
    if (!json_is_object(json)) {
        return refuse(place, "match", "must be an object");
    }
    json_object_foreach(json, name, value) {
        const char *text = json_string_value(value);
        if (strcmp(name, "method") == 0) {
            QL_TRY(read_text(place, name, value, &rule->method));
        } else if (strcmp(name, "path") == 0) {
            QL_TRY(read_text(place, name, value, &rule->path));
        } else if (strcmp(name, "host") != 0) {
            return refuse_unknown(place, name, KNOWN, sizeof KNOWN / sizeof KNOWN[0]);
        } else if (text != NULL && strcmp(text, "api") == 0) {
            rule->host = QL_SIM_HOST_API;
        } else if (text != NULL && strcmp(text, "download") == 0) {
            rule->host = QL_SIM_HOST_DOWNLOAD;
        } else {
            return refuse(place, "host", "must be 'api' or 'download'");
        }
    }
    return QL_OK;
}

static enum ql_status read_rule(const struct place *place, json_t *json, struct ql_sim_rule *rule) {
    static const char *const KNOWN[] = {"match", "skip", "times", "fault"};
    static const struct member SKIP = {"skip", INTEGER, 0, 0, INT64_MAX};
    static const struct member TIMES = {"times", INTEGER, 0, -1, INT64_MAX};
    const char *name;
    json_t *value;
    init_fault(&rule->fault);
    rule->host = QL_SIM_ABSENT;
    rule->times = 1;
    if (!json_is_object(json)) {
        return refuse(place, "rule", "must be an object");
    }
    json_object_foreach(json, name, value) {
        if (strcmp(name, "match") == 0) {
            QL_TRY(read_match(place, value, rule));
        } else if (strcmp(name, "skip") == 0) {
            QL_TRY(read_integer(place, &SKIP, value, &rule->skip));
        } else if (strcmp(name, "times") == 0) {
            QL_TRY(read_integer(place, &TIMES, value, &rule->times));
        } else if (strcmp(name, "fault") != 0) {
            return refuse_unknown(place, name, KNOWN, sizeof KNOWN / sizeof KNOWN[0]);
        }
    }
    if (rule->times == 0) {
        return refuse(place, "times", "must be 1 or more, or -1 for always");
    }
    QL_TRY(read_fault(place, json_object_get(json, "fault"), &rule->fault));
    return settle_host(place, rule);
}

enum ql_status ql_sim_fault_plan_read(const char *path, struct ql_sim_rule **rules, size_t *n_rules, struct ql_err *err) {
    json_error_t problem;
    *rules = NULL;
    *n_rules = 0;
    json_t *plan = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
    if (plan == NULL) {
        bool is_missing = json_error_code(&problem) == json_error_cannot_open_file;
        enum ql_status status = is_missing ? QL_FAIL(err, QL_E_NO_INPUT, "the fault plan '%s' cannot be opened", path)
                                           : QL_FAIL(err, QL_E_CONFIG, "'%s', line %d, column %d: %s", path, problem.line,
                                                     problem.column, problem.text);
        ql_err_hint(err, is_missing ? "check the path" : "correct the fault plan: it must be a list of rules in JSON");
        return status;
    }
    enum ql_status status = QL_OK;
    if (!json_is_array(plan)) {
        status = QL_FAIL(err, QL_E_CONFIG, "'%s', line 1: a fault plan must be a list of rules", path);
        ql_err_hint(err, "put the rules between '[' and ']'");
    }
    *rules = ql_mem_zalloc(json_array_size(plan), sizeof **rules);
    for (size_t i = 0; i < json_array_size(plan) && status == QL_OK; i++) {
        const struct place place = {path, i + 1, err};
        status = read_rule(&place, json_array_get(plan, i), &(*rules)[(*n_rules)++]);
    }
    json_decref(plan);
    return status;
}

void ql_sim_fault_plan_free(struct ql_sim_rule *rules, size_t n_rules) {
    for (size_t i = 0; i < n_rules; i++) {
        struct ql_sim_fault *fault = &rules[i].fault;
        for (size_t m = 0; m < N_MEMBERS; m++) {
            if (MEMBERS[m].type == TEXT) {
                ql_mem_free(*(char **)member_ptr(fault, &MEMBERS[m]));
            }
        }
        json_decref(fault->headers);
        ql_mem_free(fault->kinds);
        ql_mem_free(rules[i].method);
        ql_mem_free(rules[i].path);
    }
    ql_mem_free(rules);
}
