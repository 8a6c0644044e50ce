/**
 * What S3 answers becomes one sentence and one piece of advice.
 *
 * The code decides, not the HTTP status ("Error best practices", S3 API): an <Error> in a 200 is a failure like any other, and
 * S3's own words are kept, because they often name the missing action or the offending header. Answers that are no S3 document
 * (a proxy's page, a wrong endpoint) are told apart from those that are.
 */
#include "store/store_internal.h"

#include <stdio.h>

/* In hints: {bucket}, {arn} of the object, {region} as it was used, {actions} that the request needs. */
struct explanation {
    const char *code; /* ends in '*': any code that begins so */
    enum ql_status status;
    bool is_transient; /* beside what http repeats by the HTTP status */
    const char *what;
    const char *hint;
};

static const struct explanation EXPLANATIONS[] = {
    {"AccessDenied", QL_E_S3_DENIED, false, "access denied", "allow these credentials {actions} on {arn}{owner}"},
    {"AllAccessDisabled", QL_E_S3_DENIED, false, "all access to the bucket is disabled", "ask the owner of bucket '{bucket}'"},
    {"AccountProblem", QL_E_S3_DENIED, false, "the AWS account has a problem", "ask AWS support"},
    {"NotSignedUp", QL_E_S3_DENIED, false, "the AWS account has no S3", "sign up for S3, or use another account"},
    {"InvalidAccessKeyId", QL_E_S3_DENIED, false, "the access key id is not known",
     "check AWS_ACCESS_KEY_ID; a temporary key needs AWS_SESSION_TOKEN too"},
    {"SignatureDoesNotMatch", QL_E_S3_DENIED, false, "the signature does not match",
     "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID: copy both again; else see whether a proxy changes requests"},
    {"ExpiredToken*", QL_E_S3_DENIED, false, "the session token has expired",
     "get new temporary credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN"},
    {"TokenRefreshRequired", QL_E_S3_DENIED, false, "the session token has expired",
     "get new temporary credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN"},
    {"InvalidToken", QL_E_S3_DENIED, false, "the session token is not valid",
     "AWS_SESSION_TOKEN does not belong to AWS_ACCESS_KEY_ID; unset it for a permanent key"},
    {"NoSuchBucket", QL_E_NO_BUCKET, false, "the bucket does not exist",
     "create bucket '{bucket}', or correct its name (S3_BUCKET or --output) and AWS_REGION"},
    {"NoSuchKey", QL_E_NO_INPUT, false, "the object does not exist", "check the key; a prefix ends in '/'"},
    {"InvalidBucketName", QL_E_CONFIG, false, "the bucket's name is not valid", "correct S3_BUCKET or --output"},
    {"KeyTooLongError", QL_E_CONFIG, false, "the key is too long", "shorten the key template"},
    {"InvalidTag", QL_E_CONFIG, false, "an object tag is not valid",
     "correct --tag; tags are letters, numbers, spaces and _ . : / = + - @, at most 10"},
    {"KMS.*", QL_E_S3_DENIED, false, "the KMS key cannot be used",
     "the bucket's KMS key must be enabled, in the bucket's region, and allow these credentials kms:GenerateDataKey"},
    {"KMSInvalidStateException", QL_E_S3_DENIED, false, "the KMS key cannot be used", "enable the bucket's KMS key"},
    {"EntityTooLarge", QL_E_LIMIT, false, "the artefact is larger than one upload may be", "export a shorter range at a time"},
    {"SlowDown*", QL_E_RATE, true, "too many requests", "run again later"},
    {"TooManyRequests*", QL_E_RATE, true, "too many requests", "run again later"},
    {"RequestLimitExceeded", QL_E_RATE, true, "too many requests", "run again later"},
    {"InternalError", QL_E_SERVER, true, "S3 failed", "run again later"},
    {"ServiceUnavailable", QL_E_SERVER, true, "S3 is not available", "run again later"},
    {"OperationAborted", QL_E_SERVER, true, "another operation is changing the bucket or the object", "run again in a minute"},
    {"ConditionalRequestConflict", QL_E_SERVER, true, "another upload is writing the object", "run again in a minute"},
    {"RequestTimeout", QL_E_TIMEOUT, true, "the upload was too slow", "check the network, then run again"},
    {"IncompleteBody", QL_E_NETWORK, true, "the upload was cut short", "check the network or the proxy, then run again"},
    {"BadDigest", QL_E_NETWORK, true, "the bytes changed on the way", "check the network or the proxy, then run again"},
    {"XAmzContentSHA256Mismatch", QL_E_NETWORK, true, "the bytes changed on the way",
     "check the network or the proxy, then run again"},
    {"NotImplemented", QL_E_S3, false, "this S3 server does not know a header of the request",
     "the server cannot do what its words name (object tags, encryption, bucket owner)"},
    {"MethodNotAllowed", QL_E_S3, false, "uploads are not allowed there",
     "check that AWS_ENDPOINT_URL is the address of the S3 API, not of a console or a web site"},
    {"QuotaExceeded", QL_E_S3, false, "the storage quota is used up", "delete objects or raise the quota"},
    {"XMinioStorageFull", QL_E_S3, false, "the storage is full", "free space on the S3 server"},
    {"InvalidObjectState", QL_E_S3, false, "the object is archived", "restore it first, or see its storage class"},
};

static const struct explanation *explain(const char *code) {
    for (size_t i = 0; i < sizeof EXPLANATIONS / sizeof EXPLANATIONS[0]; i++) {
        const char *known = EXPLANATIONS[i].code;
        size_t len = strlen(known);
        bool is_prefix = known[len - 1] == '*';
        if (is_prefix ? strncmp(code, known, len - 1) == 0 : strcmp(code, known) == 0) {
            return &EXPLANATIONS[i];
        }
    }
    return NULL;
}

bool ql_s3_is_transient(const struct ql_http_response *response) {
    struct ql_s3_error error;
    if (!ql_xml_s3_error(ql_buf_view(&response->body), &error)) {
        return false;
    }
    const struct explanation *explanation = explain(error.code);
    return explanation != NULL && explanation->is_transient;
}

/* ---- the parts of a message */

/* The object's URI, cut where it would fill the whole message. */
static void put_object(const struct ql_s3_subject *subject, struct ql_buf *out) {
    enum { LONGEST_KEY = 300 };
    bool is_long = subject->key.len > LONGEST_KEY;
    struct ql_str key = {.ptr = subject->key.ptr, .len = is_long ? LONGEST_KEY : subject->key.len};
    ql_buf_printf(out, "s3://%.*s/%.*s%s", QL_STR_ARG(subject->bucket), QL_STR_ARG(key), is_long ? "..." : "");
}

static void put_arn(const struct ql_s3_subject *subject, struct ql_buf *out) {
    enum { LONGEST_KEY = 150 };
    bool is_bucket = subject->act == QL_S3_LIST;
    const char *partition = ql_str_has_prefix(subject->region, "cn-")       ? "aws-cn"
                            : ql_str_has_prefix(subject->region, "us-gov-") ? "aws-us-gov"
                                                                            : "aws";
    struct ql_str key = subject->key.len <= LONGEST_KEY ? subject->key : QL_STR("*");
    ql_buf_printf(out, "arn:%s:s3:::%.*s", partition, QL_STR_ARG(subject->bucket));
    if (!is_bucket) {
        ql_buf_printf(out, "/%.*s", QL_STR_ARG(key));
    }
}

static const char *needed_actions(const struct ql_s3_subject *subject) {
    switch (subject->act) {
    case QL_S3_READ:
        return "s3:GetObject (and s3:ListBucket, without which a missing object is told as access denied)";
    case QL_S3_LIST:
        return "s3:ListBucket";
    case QL_S3_STORE:
    default:
        return subject->has_tags ? "s3:PutObject and s3:PutObjectTagging" : "s3:PutObject";
    }
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
            ql_buf_puts(out, needed_actions(subject));
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
    static const char *const VERBS[] = {
        [QL_S3_STORE] = "store", [QL_S3_READ] = "read", [QL_S3_LIST] = "list", [QL_S3_N_ACTS] = NULL};
    ql_buf_printf(&text, "cannot %s '", VERBS[subject->act]);
    put_object(subject, &text);
    ql_buf_printf(&text, "': %s", what);
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

static bool is_region(struct ql_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return text.len != 0 && text.len <= 32;
}

/* "bucket.s3.eu-west-1.amazonaws.com", "bucket.s3-eu-west-1.amazonaws.com" and without the bucket. */
static struct ql_str region_of_endpoint(struct ql_str endpoint) {
    struct ql_str rest = endpoint;
    while (rest.ptr != NULL) {
        struct ql_str label = ql_str_split(rest, '.', &rest);
        if (ql_str_eq(label, QL_STR("s3"))) {
            label = ql_str_split(rest, '.', &rest);
            return ql_str_eq(label, QL_STR("dualstack")) ? ql_str_split(rest, '.', &rest) : label;
        }
        if (ql_str_has_prefix(label, "s3-")) {
            return (struct ql_str){.ptr = label.ptr + 3, .len = label.len - 3};
        }
    }
    return (struct ql_str){0};
}

static struct ql_str learned_region(const struct ql_s3_error *error, const struct ql_http_response *response) {
    const struct ql_str told[] = {
        ql_http_response_get(response, "x-amz-bucket-region"),
        ql_str_from(error->region),
        region_of_endpoint(ql_str_from(error->endpoint)),
    };
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        if (is_region(told[i]) && !ql_str_eq(told[i], QL_STR("amazonaws"))) {
            return told[i];
        }
    }
    return (struct ql_str){0};
}

static bool is_about_region(const struct ql_s3_error *error, const struct ql_http_response *response) {
    return response->status == 301 || response->status == 307 || response->status == 308 ||
           strcmp(error->code, "PermanentRedirect") == 0 || strcmp(error->code, "TemporaryRedirect") == 0 ||
           strcmp(error->code, "AuthorizationHeaderMalformed") == 0 ||
           strcmp(error->code, "IllegalLocationConstraintException") == 0;
}

/* QL_OK: it is not about the region after all. */
static enum ql_status fail_region(struct ql_err *err, const struct ql_s3_subject *subject, const struct ql_s3_error *error,
                                  const struct ql_http_response *response) {
    struct ql_str region = learned_region(error, response);
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

static enum ql_status fail_clock(struct ql_err *err, const struct ql_s3_subject *subject, const struct ql_s3_error *error,
                                 const struct ql_http_response *response) {
    struct ql_time_text server;
    char what[160] = "this machine's clock differs too much from that of S3";
    if (ql_time_parse_iso(ql_str_from(error->server_time), &server) && server.has_time) {
        int64_t server_us = ql_time_from_civil(&server.civil) - (int64_t)server.offset_s * QL_US_PER_S;
        int64_t ahead_s = (subject->now_us - server_us) / QL_US_PER_S;
        int64_t size_s = ahead_s < 0 ? -ahead_s : ahead_s;
        (void)snprintf(what, sizeof what, "this machine's clock is %lld h %lld min %s that of S3", (long long)(size_s / 3600),
                       (long long)(size_s / 60 % 60), ahead_s < 0 ? "behind" : "ahead of");
    }
    return fail_with_hint(err, QL_E_S3_DENIED, subject, what,
                          "set this machine's clock (timedatectl set-ntp true), then run again", error, response);
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
    if (is_about_region(&error, response)) {
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
    const struct explanation *explanation = explain(error.code);
    if (explanation != NULL) {
        return fail_with_hint(err, explanation->status, subject, explanation->what, explanation->hint, &error, response);
    }
    if (strstr(error.message, "Content-MD5") != NULL) {
        return fail_with_hint(err, QL_E_S3, subject, "the bucket wants a checksum with each upload (Object Lock)",
                              "use a bucket without a default retention", &error, response);
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
