/**
 * What S3 answers becomes one sentence and one piece of advice.
 *
 * The code decides, not the HTTP status ("Error best practices", S3 API): an <Error> in a 200 is a failure like any other, and
 * S3's own words are kept, because they often name the missing action or the offending header. Answers that are no S3 document
 * (a proxy's page, a wrong endpoint) are told apart from those that are.
 */
#include "store/store_internal.h"

#include <stdio.h>

/** What each act is called and needs: "s3:PutObject" on the object, or on the bucket. */
static const struct {
    const char *verb, *actions;
    bool is_of_bucket;
} ACTS[] = {
    [QL_S3_STORE] = {"store", "s3:PutObject", false},
    [QL_S3_READ] = {"read", "s3:GetObject (and s3:ListBucket, without which a missing object is told as access denied)", false},
    [QL_S3_LIST] = {"list", "s3:ListBucket", true},
    [QL_S3_LOOK] = {"look at", "s3:GetObject (and s3:ListBucket, without which a missing object is told as access denied)",
                    false},
    [QL_S3_DELETE] = {"delete", "s3:DeleteObject", false},
    [QL_S3_BEGIN_PARTS] = {"begin the upload of", "s3:PutObject", false},
    [QL_S3_STORE_PART] = {"store", "s3:PutObject", false},
    [QL_S3_JOIN_PARTS] = {"join the parts of", "s3:PutObject", false},
    [QL_S3_DROP_PARTS] = {"abort the upload of", "s3:AbortMultipartUpload", false},
    [QL_S3_LIST_PARTS] = {"list the parts of", "s3:ListMultipartUploadParts", false},
    [QL_S3_LIST_UPLOADS] = {"list the uploads in", "s3:ListBucketMultipartUploads", true},
    [QL_S3_ASK_ENCRYPTION] = {"ask for the encryption of", "s3:GetEncryptionConfiguration", true},
    [QL_S3_ASK_VERSIONING] = {"ask for the versioning of", "s3:GetBucketVersioning", true},
    [QL_S3_IDENTIFY] = {"ask STS for", "sts:GetCallerIdentity", true},
};

/** A header that a store may refuse, and how not to send it. */
static const struct {
    const char *header, *hint;
} WAYS_ROUND[] = {
    {"x-amz-tagging", "say --s3-tagging none"},
    {"x-amz-server-side-encryption", "say --s3-encryption none"},
    {"x-amz-expected-bucket-owner", "leave --expected-bucket-owner out"},
    {"x-amz-request-payer", "leave --s3-requester-pays out"},
    {"if-none-match", "say --if-exists replace"},
    {"if-match", "say --if-exists replace"},
    {"x-amz-storage-class", "leave --s3-storage-class out"},
    {"x-amz-acl", "leave --s3-acl out"},
    {"x-amz-checksum", "say --checksum none"},
    {"x-amz-sdk-checksum", "say --checksum none"},
};

static const char *way_round(const struct ql_s3_error *error, long status) {
    bool is_refusal = strcmp(error->code, "NotImplemented") == 0 || status == 501 ||
                      strcasestr(error->message, "unsupported header") != NULL ||
                      strcasestr(error->message, "not implemented") != NULL;
    for (size_t i = 0; is_refusal && i < sizeof WAYS_ROUND / sizeof WAYS_ROUND[0]; i++) {
        if (strcasestr(error->message, WAYS_ROUND[i].header) != NULL ||
            strcasestr(error->argument_name, WAYS_ROUND[i].header) != NULL) {
            return WAYS_ROUND[i].hint;
        }
    }
    return NULL;
}

/* ---- the parts of a message */

void ql_s3_put_subject(const struct ql_s3_subject *subject, struct ql_buf *out) {
    enum { LONGEST_KEY = 300 };
    bool is_long = subject->key.len > LONGEST_KEY;
    struct ql_str key = {.ptr = subject->key.ptr, .len = is_long ? LONGEST_KEY : subject->key.len};
    ql_buf_printf(out, "%s ", ACTS[subject->act].verb);
    if (subject->bucket.len == 0) {
        ql_buf_puts(out, "the AWS account");
        return;
    }
    if (subject->part != 0) {
        ql_buf_printf(out, "part %d of ", subject->part);
    }
    ql_buf_printf(out, "'s3://%.*s/%.*s%s'", QL_STR_ARG(subject->bucket), QL_STR_ARG(key), is_long ? "..." : "");
}

static void put_arn(const struct ql_s3_subject *subject, struct ql_buf *out) {
    enum { LONGEST_KEY = 150 };
    struct ql_str key = subject->key.len <= LONGEST_KEY ? subject->key : QL_STR("*");
    if (subject->bucket.len == 0) {
        ql_buf_putc(out, '*');
        return;
    }
    ql_buf_printf(out, "arn:%s:s3:::%.*s", ql_aws_partition_of(subject->region)->name, QL_STR_ARG(subject->bucket));
    if (!ACTS[subject->act].is_of_bucket) {
        ql_buf_printf(out, "/%.*s", QL_STR_ARG(key));
    }
}

static void put_actions(const struct ql_s3_subject *subject, struct ql_buf *out) {
    ql_buf_puts(out, ACTS[subject->act].actions);
    ql_buf_puts(out, subject->has_tags ? " and s3:PutObjectTagging" : "");
    ql_buf_puts(out, subject->has_kms ? " and kms:GenerateDataKey on the KMS key" : "");
}

static void put_hint(const char *hint, const struct ql_s3_subject *subject, struct ql_buf *out) {
    while (*hint != '\0') {
        size_t len = strcspn(hint, "{");
        ql_buf_put(out, hint, len);
        hint += len;
        if (*hint == '\0') {
            break;
        }
        len = strcspn(hint, "}") + 1;
        struct ql_str name = {.ptr = hint, .len = len};
        hint += len;
        if (ql_str_eq(name, QL_STR("{bucket}"))) {
            ql_buf_put_str(out, subject->bucket);
        } else if (ql_str_eq(name, QL_STR("{arn}"))) {
            put_arn(subject, out);
        } else if (ql_str_eq(name, QL_STR("{actions}"))) {
            put_actions(subject, out);
        } else if (ql_str_eq(name, QL_STR("{owner}"))) {
            ql_buf_puts(out, subject->has_owner ? ", and check that the bucket belongs to --expected-bucket-owner" : "");
        }
    }
}

/* What the other side said, in brackets. */
static void put_words(const struct ql_s3_error *error, const struct ql_http_response *response, struct ql_buf *out) {
    if (error->code[0] == '\0') {
        ql_buf_printf(out, " (HTTP %ld)", response->status);
        return;
    }
    ql_buf_printf(out, " (%s", error->code);
    if (error->message[0] != '\0') {
        ql_buf_printf(out, ": %s", error->message);
    }
    if (error->argument_name[0] != '\0' && strstr(error->message, error->argument_name) == NULL) {
        ql_buf_printf(out, "; %s", error->argument_name);
    }
    ql_buf_putc(out, ')');
}

static void note_answer(struct ql_err *err, const struct ql_s3_error *error, const struct ql_http_response *response) {
    if (err == NULL) {
        return;
    }
    struct ql_str id = ql_http_response_get(response, "x-amz-request-id");
    if (id.len == 0) {
        id = ql_str_from(error->request_id);
    }
    (void)snprintf(err->request_id, sizeof err->request_id, "%.*s", QL_STR_ARG(id));
    err->http_status = response->status;
}

static enum ql_status fail(struct ql_err *err, enum ql_status status, const struct ql_s3_subject *subject, const char *what,
                           const struct ql_s3_error *error, const struct ql_http_response *response) {
    struct ql_buf text = {0};
    ql_buf_puts(&text, "cannot ");
    ql_s3_put_subject(subject, &text);
    ql_buf_printf(&text, ": %s", what);
    put_words(error, response, &text);
    QL_FAIL(err, status, "%s", text.ptr);
    note_answer(err, error, response);
    ql_buf_fini(&text);
    return status;
}

static enum ql_status fail_with_hint(struct ql_err *err, enum ql_status status, const struct ql_s3_subject *subject,
                                     const char *what, const char *hint, const struct ql_s3_error *error,
                                     const struct ql_http_response *response) {
    struct ql_buf text = {0};
    fail(err, status, subject, what, error, response);
    put_hint(hint, subject, &text);
    ql_err_hint(err, "%s", ql_buf_text(&text));
    ql_buf_fini(&text);
    return status;
}

/* ---- a bucket in another region */

/* QL_OK: it is not about the region after all. */
static enum ql_status fail_region(struct ql_err *err, const struct ql_s3_subject *subject, const struct ql_s3_error *error,
                                  const struct ql_http_response *response) {
    struct ql_str region = ql_s3_told_region(error, response);
    struct ql_buf text = {0};
    if (region.len != 0 && !ql_str_eq(region, subject->region)) {
        ql_buf_printf(&text, "the bucket is in region '%.*s', not in '%.*s'", QL_STR_ARG(region), QL_STR_ARG(subject->region));
        fail(err, QL_E_CONFIG, subject, text.ptr, error, response);
        ql_err_hint(err, "set AWS_REGION=%.*s", QL_STR_ARG(region));
        ql_buf_fini(&text);
        return QL_E_CONFIG;
    }
    if (strcmp(error->code, "TemporaryRedirect") == 0 || response->status == 307) {
        return fail_with_hint(err, QL_E_SERVER, subject, "the bucket is new and not reachable under its name yet",
                              "run again in an hour, or set AWS_REGION to the bucket's region", error, response);
    }
    if (strcmp(error->code, "AuthorizationHeaderMalformed") == 0) {
        return QL_OK;
    }
    if (!subject->is_aws && error->code[0] == '\0') {
        struct ql_str to = ql_http_response_get(response, "location");
        struct ql_str origin = {.ptr = to.ptr, .len = 0}; /* what follows the host could be signed */
        while (origin.len < to.len && origin.len < 200 && strchr("?#", to.ptr[origin.len]) == NULL) {
            origin.len++;
        }
        fail(err, QL_E_S3, subject, "the endpoint sends requests elsewhere", error, response);
        ql_err_hint(err, "set AWS_ENDPOINT_URL to the address of the S3 API itself%s%.*s",
                    origin.len != 0 ? "; it sent us to " : "", QL_STR_ARG(origin));
        return QL_E_S3;
    }
    ql_buf_printf(&text, "the bucket is in another region than '%.*s'", QL_STR_ARG(subject->region));
    fail(err, QL_E_CONFIG, subject, text.ptr, error, response);
    ql_err_hint(err, "set AWS_REGION to the bucket's region; 'aws s3api get-bucket-location --bucket %.*s' tells it",
                QL_STR_ARG(subject->bucket));
    ql_buf_fini(&text);
    return QL_E_CONFIG;
}

/* ---- this machine's clock */

void ql_s3_put_clock(int64_t ahead_us, struct ql_buf *out) {
    int64_t ahead_s = ahead_us / QL_US_PER_S;
    int64_t size_s = ahead_s < 0 ? -ahead_s : ahead_s;
    ql_buf_printf(out, "%lld h %lld min %s", (long long)(size_s / 3600), (long long)(size_s / 60 % 60),
                  ahead_s < 0 ? "behind" : "ahead of");
}

static enum ql_status fail_clock(struct ql_err *err, const struct ql_s3_subject *subject, const struct ql_s3_error *error,
                                 const struct ql_http_response *response) {
    const struct ql_s3_explanation *explanation = ql_s3_explain(error->code, error->message);
    struct ql_time_text server;
    struct ql_buf what = {0};
    if (ql_time_parse_iso(ql_str_from(error->server_time), &server) && server.has_time) {
        int64_t server_us = ql_time_from_civil(&server.civil) - (int64_t)server.offset_s * QL_US_PER_S;
        ql_buf_puts(&what, "this machine's clock is ");
        ql_s3_put_clock(subject->now_us - server_us, &what);
        ql_buf_puts(&what, " that of S3");
    } else {
        ql_buf_puts(&what, explanation->what);
    }
    enum ql_status status =
        fail_with_hint(err, explanation->status, subject, ql_buf_text(&what), explanation->hint, error, response);
    ql_buf_fini(&what);
    return status;
}

/* ---- answers without an S3 code */

static enum ql_status fail_without_code(struct ql_err *err, const struct ql_s3_subject *subject,
                                        const struct ql_s3_error *error, const struct ql_http_response *response) {
    static const char CHECK_ENDPOINT[] = "check that AWS_ENDPOINT_URL is the address of the S3 API";
    const char *place = subject->is_aws ? "see whether a proxy stands in between" : CHECK_ENDPOINT;
    long status = response->status;
    if (status >= 200 && status <= 299) {
        return fail_with_hint(err, QL_E_PROTOCOL, subject, "the answer is not one of S3", place, error, response);
    }
    if (status == 401 || status == 403) {
        return fail_with_hint(err, QL_E_S3_DENIED, subject, "the request was refused without an S3 error",
                              "allow these credentials {actions} on {arn}{owner}", error, response);
    }
    if (status == 407) {
        return fail_with_hint(err, QL_E_NETWORK, subject, "the proxy wants a login", "put user and password into HTTPS_PROXY",
                              error, response);
    }
    if (status == 413) {
        return fail_with_hint(err, QL_E_LIMIT, subject, "the artefact is larger than the server or a proxy takes",
                              "raise its limit for the size of a request", error, response);
    }
    if (status == 429 || status == 503) {
        return fail_with_hint(err, QL_E_RATE, subject, "too many requests", "run again later", error, response);
    }
    if (status >= 500) {
        return fail_with_hint(err, QL_E_SERVER, subject, "the server failed", "run again later", error, response);
    }
    return fail_with_hint(err, QL_E_S3, subject, "the server refused the request without an S3 error", place, error, response);
}

enum ql_status ql_s3_fail(struct ql_err *err, const struct ql_s3_subject *subject, const struct ql_http_response *response) {
    struct ql_s3_error error;
    (void)ql_xml_s3_error(ql_buf_view(&response->body), &error); /* if it is none, all its texts are empty */
    if (ql_s3_is_about_region(&error, response)) {
        enum ql_status status = fail_region(err, subject, &error, response);
        if (status != QL_OK) {
            return status;
        }
    }
    if (strcmp(error.code, "RequestTimeTooSkewed") == 0) {
        return fail_clock(err, subject, &error, response);
    }
    if (error.code[0] == '\0') {
        return fail_without_code(err, subject, &error, response);
    }
    const struct ql_s3_explanation *explanation = ql_s3_explain(error.code, error.message);
    const char *around = way_round(&error, response->status);
    if (around != NULL) {
        return fail_with_hint(err, QL_E_S3, subject, "this S3 server does not know a header of the request", around, &error,
                              response);
    }
    if (explanation != NULL) {
        return fail_with_hint(err, explanation->status, subject, explanation->what, explanation->hint, &error, response);
    }
    if (response->status == 401 || response->status == 403) {
        return fail_with_hint(err, QL_E_S3_DENIED, subject, "access denied",
                              "see S3's own words; the credentials need {actions} on {arn}", &error, response);
    }
    bool is_server = response->status >= 500;
    return fail_with_hint(err, is_server ? QL_E_SERVER : QL_E_S3, subject, is_server ? "S3 failed" : "S3 refused the request",
                          is_server ? "run again later" : "see S3's own words; the request id helps its support", &error,
                          response);
}
