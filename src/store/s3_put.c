/**
 * S3 as a destination: the artefact is spooled, then stored by one PUT, which S3 makes visible whole or not at all.
 *
 * - The signature covers the SHA-256 of the payload, so S3 itself checks every byte; no x-amz-checksum-* and no trailer, which
 *   other servers than AWS refuse (2025's change of the SDKs broke R2, B2, Ceph and Storj).
 * - A 200 is success only with an ETag and without an <Error> in its body.
 * - http repeats the request (a PUT of a whole object may be repeated) with the headers that it was given. S3 refuses a
 *   signature that is older than 15 minutes; where waits made it so old, the request is signed and sent anew.
 * - Only host, content-type and x-amz-* are signed: proxies and gateways change other headers.
 */
#include "store/sigv4.h"
#include "store/store_internal.h"

#include "base/mem.h"

#include <stdio.h>

enum {
    MAX_HEADERS = 16,
    MAX_SIGNATURES = 5,
    STALE_MS = 5 * 60 * 1000 /* a refusal of a younger signature is not about its age: this machine's clock is wrong */
};
static const int64_t MAX_PUT_BYTES = INT64_C(5) << 30; /* of one PUT: "Amazon S3 multipart upload limits" */

const struct ql_s3_world QL_S3_WORLD = {
    .send = ql_http_send,
    .now_us = ql_time_now,
    .monotonic_ms = ql_time_monotonic_ms,
    .disk = &QL_DISK,
    .max_memory_bytes = QL_SPOOL_MEMORY_BYTES,
};

struct s3_store {
    struct ql_store store; /* first */
    const struct ql_s3_world *world;
    struct ql_http *http;
    const struct ql_s3_options *options;
    struct ql_str bucket;
    struct ql_spool spool;
};

/** One upload: what stays the same over its attempts, and the headers of the present signature. */
struct upload {
    struct s3_store *s3;
    const struct ql_publication *publication;
    const char *sha256;
    struct ql_s3_address address;
    struct ql_buf tags;
    struct ql_buf authorization;
    char date[QL_SIGV4_DATE_SIZE];
    int64_t signed_us; /* wall clock */
    struct ql_http_header headers[MAX_HEADERS];
    size_t n_headers;
};

static void add_header(struct upload *upload, const char *name, struct ql_str value) {
    if (value.len != 0) {
        upload->headers[upload->n_headers++] = (struct ql_http_header){.name = ql_str_from(name), .value = value};
    }
}

static struct ql_str encryption_header(const struct ql_s3_options *options) {
    struct ql_str wanted = options->server_side_encryption;
    if (ql_str_eq(wanted, QL_STR("none"))) {
        return (struct ql_str){0};
    }
    if (ql_str_eq(wanted, QL_STR("none"))) {
        return (struct ql_str){0};
    }
    return wanted.len != 0 ? wanted : QL_STR("AES256");
}

/* All headers, signed for this moment. */
static void sign(struct upload *upload) {
    const struct ql_s3_options *options = upload->s3->options;
    upload->signed_us = upload->s3->world->now_us();
    upload->n_headers = 0;
    ql_sigv4_date(upload->signed_us, upload->date);
    struct ql_str sha256 = ql_str_from(upload->sha256);
    add_header(upload, "Host", ql_buf_view(&upload->address.host));
    add_header(upload, "Content-Type",
               options->content_type.len != 0 ? options->content_type : QL_STR("application/octet-stream"));
    add_header(upload, "x-amz-content-sha256", sha256);
    add_header(upload, "x-amz-date", ql_str_from(upload->date));
    add_header(upload, "x-amz-expected-bucket-owner", options->expected_bucket_owner);
    add_header(upload, "x-amz-meta-queuelake-sha256", sha256);
    add_header(upload, "x-amz-security-token", options->session_token);
    add_header(upload, "x-amz-server-side-encryption", encryption_header(options));
    add_header(upload, "x-amz-tagging", ql_buf_view(&upload->tags));
    const struct ql_sigv4_credentials credentials = {.access_key_id = options->access_key_id,
                                                     .secret_access_key = options->secret_access_key,
                                                     .region = ql_s3_region(options),
                                                     .service = QL_STR("s3")};
    const struct ql_sigv4_request request = {.method = "PUT",
                                             .path = ql_buf_view(&upload->address.path),
                                             .headers = upload->headers,
                                             .n_headers = upload->n_headers,
                                             .payload_sha256 = sha256,
                                             .date = upload->date};
    ql_buf_reset(&upload->authorization);
    ql_sigv4_authorization(&credentials, &request, &upload->authorization);
    add_header(upload, "Authorization", ql_buf_view(&upload->authorization));
}

static enum ql_status read_spool(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    return ql_spool_read(ctx, offset, ptr, len, got, err);
}

static bool is_transient(void *ctx, const struct ql_http_response *response) {
    (void)ctx;
    return ql_s3_is_transient(response);
}

static bool is_signature_too_old(const struct ql_http_response *response) {
    struct ql_s3_error error;
    return response->status == 403 && ql_xml_s3_error(ql_buf_view(&response->body), &error) &&
           strcmp(error.code, "RequestTimeTooSkewed") == 0;
}

/* Sends until there is an answer that stands. The caller calls fini on the response in every case. */
static enum ql_status send_upload(struct upload *upload, struct ql_http_response *response, struct ql_err *err) {
    struct s3_store *s3 = upload->s3;
    const struct ql_http_body_source source = {.read = read_spool, .ctx = &s3->spool, .size = s3->spool.size};
    for (int n = 1;; n++) {
        int64_t signed_ms = s3->world->monotonic_ms();
        sign(upload);
        const struct ql_http_request request = {.method = "PUT",
                                                .url = ql_buf_view(&upload->address.url),
                                                .headers = upload->headers,
                                                .n_headers = upload->n_headers,
                                                .source = &source,
                                                .repeat = QL_HTTP_REPEAT_ALWAYS,
                                                .is_transient = is_transient};
        QL_TRY(s3->world->send(s3->http, &request, response, err));
        bool is_stale = s3->world->monotonic_ms() - signed_ms >= STALE_MS;
        if (n == MAX_SIGNATURES || !is_stale || !is_signature_too_old(response)) {
            return QL_OK;
        }
        ql_http_response_fini(response);
    }
}

/* A header's value as text for people: what is not printable is left out. */
static void copy_text(struct ql_str value, char *out, size_t size) {
    size_t len = 0;
    for (size_t i = 0; i < value.len && len < size - 1; i++) {
        if (value.ptr[i] >= 0x20 && value.ptr[i] < 0x7f) {
            out[len++] = value.ptr[i];
        }
    }
    out[len] = '\0';
}

/* PutObject answers 200 with an ETag and nothing else; whatever has more to say, an <Error> or a page, has not stored the
 * object. */
static bool is_success(const struct ql_http_response *response) {
    return response->status == 200 && ql_http_response_get(response, "etag").len != 0 &&
           ql_str_trim(ql_buf_view(&response->body)).len == 0;
}

static void fill_stored(const struct upload *upload, const struct ql_http_response *response, struct ql_stored *stored) {
    (void)snprintf(stored->location, sizeof stored->location, "s3://%.*s/%.*s", QL_STR_ARG(upload->s3->bucket),
                   QL_STR_ARG(upload->publication->key));
    copy_text(ql_http_response_get(response, "etag"), stored->etag, sizeof stored->etag);
    copy_text(ql_http_response_get(response, "x-amz-version-id"), stored->version_id, sizeof stored->version_id);
    copy_text(ql_http_response_get(response, "x-amz-request-id"), stored->request_id, sizeof stored->request_id);
    copy_text(ql_http_response_get(response, "x-amz-server-side-encryption"), stored->server_side_encryption,
              sizeof stored->server_side_encryption);
}

/* S3 repeats parts of a request in its words. */
static void redact_text(const struct ql_http *http, char *field, size_t size) {
    struct ql_buf text = {0};
    ql_buf_puts(&text, field);
    ql_http_redact(http, &text);
    (void)snprintf(field, size, "%s", ql_buf_text(&text));
    ql_buf_fini(&text);
}

static void redact(const struct ql_http *http, struct ql_err *err) {
    if (err != NULL) {
        redact_text(http, err->message, sizeof err->message);
        redact_text(http, err->hint, sizeof err->hint);
    }
}

static enum ql_status fail_answer(const struct upload *upload, const struct ql_http_response *response, struct ql_err *err) {
    const struct ql_s3_options *options = upload->s3->options;
    const struct ql_s3_subject subject = {.bucket = upload->s3->bucket,
                                          .key = upload->publication->key,
                                          .region = ql_s3_region(options),
                                          .is_aws = options->endpoint.len == 0,
                                          .has_tags = upload->publication->n_tags != 0,
                                          .has_owner = options->expected_bucket_owner.len != 0,
                                          .now_us = upload->signed_us};
    enum ql_status status = ql_s3_fail(err, &subject, response);
    redact(upload->s3->http, err);
    return status;
}

static enum ql_status put_object(struct upload *upload, struct ql_stored *stored, struct ql_err *err) {
    struct ql_http_response response = {0};
    enum ql_status status = send_upload(upload, &response, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "cannot store 's3://%.*s/%.*s'", QL_STR_ARG(upload->s3->bucket),
                    (int)(upload->publication->key.len < 300 ? upload->publication->key.len : 300),
                    upload->publication->key.ptr);
        if (status == QL_E_REFUSED_URL) {
            ql_err_hint(err, "set AWS_ENDPOINT_URL to https://; plain http goes to this machine only, or with --allow-http");
        }
    } else if (is_success(&response)) {
        fill_stored(upload, &response, stored);
    } else {
        status = fail_answer(upload, &response, err);
    }
    ql_http_response_fini(&response);
    return status;
}

static enum ql_status s3_commit(struct ql_store *store, const struct ql_publication *publication, struct ql_stored *stored,
                                struct ql_err *err) {
    struct s3_store *s3 = (struct s3_store *)store;
    const char *fault = ql_key_fault(publication->key);
    if (fault != NULL) {
        return QL_FAIL(err, QL_E_USAGE, "the key of the object %s", fault);
    }
    QL_TRY(ql_tags_check(publication->tags, publication->n_tags, err));
    QL_TRY(ql_spool_finish(&s3->spool, err));
    struct upload upload = {.s3 = s3, .publication = publication, .sha256 = stored->sha256};
    ql_s3_address_init(&upload.address, s3->options, s3->bucket, publication->key);
    ql_tags_header(publication->tags, publication->n_tags, &upload.tags);
    enum ql_status status = put_object(&upload, stored, err);
    ql_s3_address_fini(&upload.address);
    ql_buf_fini(&upload.tags);
    ql_buf_fini(&upload.authorization);
    return status;
}

static enum ql_status s3_write(struct ql_store *store, const void *ptr, size_t len, struct ql_err *err) {
    struct s3_store *s3 = (struct s3_store *)store;
    if ((int64_t)len > MAX_PUT_BYTES - s3->spool.size) {
        QL_FAIL(err, QL_E_LIMIT, "the artefact is larger than 5 GiB, the most that one S3 upload takes");
        ql_err_hint(err, "export a shorter range at a time, or store it in a folder");
        return QL_E_LIMIT;
    }
    return ql_spool_write(&s3->spool, ptr, len, err);
}

static void s3_free(struct ql_store *store) {
    struct s3_store *s3 = (struct s3_store *)store;
    ql_spool_fini(&s3->spool);
    ql_store_fini(store);
    ql_mem_free(s3);
}

static const struct ql_store_ops S3_OPS = {.write = s3_write, .commit = s3_commit, .free = s3_free};

enum ql_status ql_store_s3_open_with(const struct ql_s3_world *world, struct ql_http *http, const struct ql_s3_options *options,
                                     struct ql_str bucket, struct ql_store **store, struct ql_err *err) {
    *store = NULL;
    QL_TRY(ql_s3_check(options, bucket, err));
    ql_http_add_secret(http, options->secret_access_key);
    ql_http_add_secret(http, options->session_token);
    struct s3_store *s3 = ql_mem_zalloc(1, sizeof *s3);
    ql_store_init(&s3->store, &S3_OPS);
    s3->world = world;
    s3->http = http;
    s3->options = options;
    s3->bucket = bucket;
    ql_spool_init(&s3->spool, world->disk, options->temp_dir, world->max_memory_bytes);
    *store = &s3->store;
    return QL_OK;
}

enum ql_status ql_store_s3_open(struct ql_http *http, const struct ql_s3_options *options, struct ql_str bucket,
                                struct ql_store **store, struct ql_err *err) {
    return ql_store_s3_open_with(&QL_S3_WORLD, http, options, bucket, store, err);
}
