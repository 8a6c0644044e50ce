/**
 * Looks at a bucket before there is anything to store: is it there, may it be used, what happens to what is put there.
 *
 * Listing with max-keys=0 instead of HEAD: a refusal of HEAD has no body, and only the body tells a wrong secret from a missing
 * permission. A run needs nothing but s3:PutObject and s3:PutObjectTagging, so questions that these credentials may not ask are
 * no problem; only an upload proves that uploads are allowed, and it is made only if `writes` says so.
 */
#include "store/sigv4.h"
#include "store/store_internal.h"

#include "base/mem.h"

#include <stdio.h>

/* SHA-256 of nothing: none of these requests has a body. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { MAX_HEADERS = 8, MAX_QUERY = 2 };

struct look {
    struct ql_http *http;
    const struct ql_s3_options *options;
    const struct ql_s3_place *place;
    const struct ql_finding_sink *findings;
    int64_t signed_us; /* of the last request */
};

struct question {
    const char *method;
    struct ql_str key; /* empty: the bucket itself */
    struct ql_http_header query[MAX_QUERY];
    size_t n_query;
};

static void sign(struct look *look, const struct question *question, const struct ql_s3_address *address,
                 struct ql_http_header headers[MAX_HEADERS], size_t *n, char date[QL_SIGV4_DATE_SIZE],
                 struct ql_buf *authorization) {
    const struct ql_s3_options *options = look->options;
    const struct ql_http_header all[] = {
        {QL_STR("Host"), ql_buf_view(&address->host)},
        {QL_STR("x-amz-content-sha256"), QL_STR(EMPTY_SHA256)},
        {QL_STR("x-amz-date"), {date, QL_SIGV4_DATE_SIZE - 1}},
        {QL_STR("x-amz-expected-bucket-owner"), options->expected_bucket_owner},
        {QL_STR("x-amz-security-token"), options->session_token},
    };
    look->signed_us = ql_time_now();
    ql_sigv4_date(look->signed_us, date);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].value.len != 0) {
            headers[(*n)++] = all[i];
        }
    }
    const struct ql_sigv4_credentials credentials = {.access_key_id = options->access_key_id,
                                                     .secret_access_key = options->secret_access_key,
                                                     .region = ql_s3_region(options),
                                                     .service = QL_STR("s3")};
    const struct ql_sigv4_request request = {.method = question->method,
                                             .path = ql_buf_view(&address->path),
                                             .query = question->query,
                                             .n_query = question->n_query,
                                             .headers = headers,
                                             .n_headers = *n,
                                             .payload_sha256 = QL_STR(EMPTY_SHA256),
                                             .date = date};
    ql_sigv4_authorization(&credentials, &request, authorization);
    headers[(*n)++] = (struct ql_http_header){QL_STR("Authorization"), ql_buf_view(authorization)};
}

/* Sends once. Any answer is QL_OK; the caller calls fini on it in every case. */
static enum ql_status ask(struct look *look, const struct question *question, struct ql_http_response *response,
                          struct ql_err *err) {
    struct ql_s3_address address;
    struct ql_buf authorization = {0};
    struct ql_http_header headers[MAX_HEADERS];
    size_t n_headers = 0;
    char date[QL_SIGV4_DATE_SIZE];
    ql_s3_address_init(&address, look->options, look->place->bucket, question->key);
    sign(look, question, &address, headers, &n_headers, date, &authorization);
    if (question->n_query != 0) {
        ql_buf_putc(&address.url, '?');
        ql_sigv4_query(question->query, question->n_query, &address.url);
    }
    const struct ql_http_request request = {.method = question->method,
                                            .url = ql_buf_view(&address.url),
                                            .headers = headers,
                                            .n_headers = n_headers,
                                            .repeat = QL_HTTP_REPEAT_NEVER};
    enum ql_status status = ql_http_send(look->http, &request, response, err);
    ql_buf_fini(&authorization);
    ql_s3_address_fini(&address);
    return status;
}

static void redact(const struct ql_http *http, char *field, size_t size) {
    struct ql_buf text = {0};
    ql_buf_puts(&text, field);
    ql_http_redact(http, &text);
    (void)snprintf(field, size, "%s", ql_buf_text(&text));
    ql_buf_fini(&text);
}

/* The words that a run would have for the same answer. */
static void explain(const struct look *look, const struct ql_http_response *response, struct ql_err *err) {
    const struct ql_s3_subject subject = {.bucket = look->place->bucket,
                                          .key = look->place->key,
                                          .region = ql_s3_region(look->options),
                                          .is_aws = look->options->endpoint.len == 0,
                                          .has_tags = look->place->n_tags != 0,
                                          .has_owner = look->options->expected_bucket_owner.len != 0,
                                          .now_us = look->signed_us};
    (void)ql_s3_fail(err, &subject, response);
    redact(look->http, err->message, sizeof err->message);
    redact(look->http, err->hint, sizeof err->hint);
}

static void code_of(const struct ql_http_response *response, struct ql_s3_error *error) {
    (void)ql_xml_s3_error(ql_buf_view(&response->body), error); /* all texts empty if it is none */
}

/* ---- bucket */

/* false: nothing more can be learned about it. */
static bool look_at_bucket(struct look *look) {
    const struct question question = {
        .method = "GET", .query = {{QL_STR("list-type"), QL_STR("2")}, {QL_STR("max-keys"), QL_STR("0")}}, .n_query = 2};
    struct ql_http_response response = {0};
    struct ql_err err = {0};
    struct ql_s3_error error;
    bool goes_on = true;
    enum ql_status status = ask(look, &question, &response, &err);
    code_of(&response, &error);
    if (status != QL_OK) {
        ql_finding_err(look->findings, QL_FINDING_PROBLEM, "bucket", &err);
        goes_on = false;
    } else if (response.status == 200) {
        ql_finding_say(look->findings, QL_FINDING_OK, "bucket", "'%.*s' is there and answers these credentials",
                       QL_STR_ARG(look->place->bucket));
    } else if (response.status == 403 && strcmp(error.code, "AccessDenied") == 0) {
        ql_finding_warn(look->findings, "bucket",
                        "a run needs s3:PutObject and s3:PutObjectTagging alone; --write-test tries them",
                        "whether '%.*s' is there is not told: these credentials may not list it (s3:ListBucket)",
                        QL_STR_ARG(look->place->bucket));
    } else {
        explain(look, &response, &err);
        ql_finding_err(look->findings, QL_FINDING_PROBLEM, "bucket", &err);
        goes_on = false;
    }
    ql_http_response_fini(&response);
    return goes_on;
}

/* ---- encryption and versioning */

static const char *encryption_asked_for(const struct ql_s3_options *options, char out[80]) {
    struct ql_str wanted = options->server_side_encryption;
    if (ql_str_eq(wanted, QL_STR("none"))) {
        return "an upload asks for none";
    }
    (void)snprintf(out, 80, "each upload asks for %.*s", wanted.len != 0 ? (int)wanted.len : 6,
                   wanted.len != 0 ? wanted.ptr : "AES256");
    return out;
}

static void look_at_encryption(struct look *look) {
    const struct question question = {.method = "GET", .query = {{QL_STR("encryption"), QL_STR("")}}, .n_query = 1};
    struct ql_http_response response = {0};
    struct ql_s3_error error;
    char algorithm[64];
    char text[80];
    const char *asked = encryption_asked_for(look->options, text);
    enum ql_status status = ask(look, &question, &response, NULL);
    code_of(&response, &error);
    if (status == QL_OK && response.status == 200 &&
        ql_xml_find_text(ql_buf_view(&response.body), "SSEAlgorithm", algorithm, sizeof algorithm)) {
        ql_finding_say(look->findings, QL_FINDING_OK, "encryption", "%s by the bucket's default; %s", algorithm, asked);
    } else if (status == QL_OK && strcmp(error.code, "ServerSideEncryptionConfigurationNotFoundError") == 0) {
        ql_finding_say(look->findings, QL_FINDING_OK, "encryption", "the bucket has no default; %s", asked);
    } else {
        ql_finding_say(look->findings, QL_FINDING_SKIPPED, "encryption", "the bucket's default is not told%s%s%s; %s",
                       error.code[0] != '\0' ? " (" : "", error.code, error.code[0] != '\0' ? ")" : "", asked);
    }
    ql_http_response_fini(&response);
}

static void look_at_versioning(struct look *look) {
    const struct question question = {.method = "GET", .query = {{QL_STR("versioning"), QL_STR("")}}, .n_query = 1};
    struct ql_http_response response = {0};
    struct ql_s3_error error;
    char state[32];
    enum ql_status status = ask(look, &question, &response, NULL);
    code_of(&response, &error);
    if (status != QL_OK || response.status != 200 || error.code[0] != '\0') {
        ql_finding_say(look->findings, QL_FINDING_SKIPPED, "versioning", "not told%s%s%s", error.code[0] != '\0' ? " (" : "",
                       error.code, error.code[0] != '\0' ? ")" : "");
    } else if (ql_xml_find_text(ql_buf_view(&response.body), "Status", state, sizeof state) && strcmp(state, "Enabled") == 0) {
        ql_finding_say(look->findings, QL_FINDING_OK, "versioning", "on: an artefact that is replaced can be got back");
    } else {
        ql_finding_say(look->findings, QL_FINDING_OK, "versioning", "off: an artefact that is replaced is gone");
    }
    ql_http_response_fini(&response);
}

/* ---- an upload, and its removal */

static enum ql_status put(struct look *look, struct ql_str key, bool has_tags, struct ql_stored *stored, struct ql_err *err) {
    struct ql_store *store = NULL;
    QL_TRY(ql_store_s3_open(look->http, look->options, look->place->bucket, &store, err));
    const struct ql_sink sink = ql_store_sink(store);
    const struct ql_publication publication = {
        .key = key, .tags = look->place->tags, .n_tags = has_tags ? look->place->n_tags : 0};
    static const char WORDS[] = "queuelake check --write-test\n";
    enum ql_status status = sink.write(sink.ctx, WORDS, sizeof WORDS - 1, err);
    if (status == QL_OK) {
        status = ql_store_commit(store, &publication, stored, err);
    }
    ql_store_free(store);
    return status;
}

/* That version alone, where there are versions; else, or if that is not allowed, the object. */
static bool remove_object(struct look *look, struct ql_str key, const char *version, struct ql_s3_error *error) {
    bool is_gone = false;
    *error = (struct ql_s3_error){0};
    for (int with_version = version[0] != '\0' && strcmp(version, "null") != 0; with_version >= 0 && !is_gone; with_version--) {
        const struct question question = {.method = "DELETE",
                                          .key = key,
                                          .query = {{QL_STR("versionId"), ql_str_from(version)}},
                                          .n_query = (size_t)with_version};
        struct ql_http_response response = {0};
        enum ql_status status = ask(look, &question, &response, NULL);
        code_of(&response, error);
        is_gone = status == QL_OK && response.status >= 200 && response.status < 300 && error->code[0] == '\0';
        ql_http_response_fini(&response);
    }
    return is_gone;
}

static void report_removal(struct look *look, struct ql_str key, const struct ql_stored *stored) {
    struct ql_s3_error error;
    if (remove_object(look, key, stored->version_id, &error)) {
        ql_finding_say(look->findings, QL_FINDING_OK, "write", "a small object was put and deleted");
    } else {
        ql_finding_warn(look->findings, "write", "delete it by hand; a run itself deletes nothing and needs no s3:DeleteObject",
                        "a small object was put, but could not be deleted again%s%s%s: 's3://%.*s/%.*s'",
                        error.code[0] != '\0' ? " (" : "", error.code, error.code[0] != '\0' ? ")" : "",
                        QL_STR_ARG(look->place->bucket), QL_STR_ARG(key));
    }
}

/* An upload with tags may be refused for the tags' sake: then one without is tried, to say so. */
static void try_upload(struct look *look) {
    struct ql_buf key = {0};
    struct ql_stored stored;
    struct ql_stored second;
    struct ql_err err = {0};
    ql_buf_put_str(&key, look->place->key);
    ql_buf_printf(&key, ".queuelake-check-%08llx", (unsigned long long)ql_http_random(look->http, UINT64_C(1) << 32));
    bool has_tags = look->place->n_tags != 0;
    enum ql_status status = put(look, ql_buf_view(&key), true, &stored, &err);
    if (status == QL_OK) {
        report_removal(look, ql_buf_view(&key), &stored);
        ql_finding_say(look->findings, QL_FINDING_OK, "tags", "%zu object tags were taken", look->place->n_tags);
    } else if (has_tags && put(look, ql_buf_view(&key), false, &second, NULL) == QL_OK) {
        report_removal(look, ql_buf_view(&key), &second);
        ql_err_wrap(&err, "object tags are refused, an upload without them is not");
        ql_finding_err(look->findings, QL_FINDING_PROBLEM, "tags", &err);
    } else {
        ql_finding_err(look->findings, QL_FINDING_PROBLEM, "write", &err);
        ql_finding_say(look->findings, QL_FINDING_SKIPPED, "tags", "not tried, because the upload failed");
    }
    ql_buf_fini(&key);
}

static void say_what_is_not_tried(const struct look *look, const char *why) {
    ql_finding_say(look->findings, QL_FINDING_SKIPPED, "write", "uploads were not tried%s", why);
    ql_finding_say(look->findings, QL_FINDING_SKIPPED, "tags", "object tags were not tried%s", why);
}

void ql_s3_look(struct ql_http *http, const struct ql_s3_options *options, const struct ql_s3_place *place, bool writes,
                const struct ql_finding_sink *findings) {
    struct look look = {.http = http, .options = options, .place = place, .findings = findings};
    ql_http_add_secret(http, options->secret_access_key);
    ql_http_add_secret(http, options->session_token);
    if (!look_at_bucket(&look)) {
        ql_finding_say(findings, QL_FINDING_SKIPPED, "encryption", "not looked at");
        ql_finding_say(findings, QL_FINDING_SKIPPED, "versioning", "not looked at");
        say_what_is_not_tried(&look, "");
        return;
    }
    look_at_encryption(&look);
    look_at_versioning(&look);
    if (writes) {
        try_upload(&look);
    } else {
        say_what_is_not_tried(&look, "; --write-test puts a small object beside the artefact and deletes it");
    }
}

void ql_s3_put_origin(const struct ql_s3_options *options, struct ql_str bucket, struct ql_buf *out) {
    struct ql_s3_address address;
    ql_s3_address_init(&address, options, bucket, (struct ql_str){0});
    ql_buf_put(out, address.url.ptr, address.url.len - address.path.len);
    ql_s3_address_fini(&address);
}
