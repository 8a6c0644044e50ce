/**
 * S3 as a source: an object in one GET, streamed, and the keys of a prefix, page by page (ListObjectsV2).
 *
 * http repeats what fails before the first byte; a body that breaks is its caller's to begin again, because it may have been
 * used already. What arrives has the length that S3 stated, or the transfer has failed.
 */
#include "store/sigv4.h"
#include "store/store_internal.h"

#include <stdio.h>

enum { MAX_HEADERS = 8 };

struct get {
    struct ql_http *http;
    const struct ql_s3_options *options;
    struct ql_str bucket, key; /* key: of the object, or the prefix */
    enum ql_s3_act act;
    struct ql_s3_address address;
    struct ql_buf url, authorization;
    char date[QL_SIGV4_DATE_SIZE];
    char sha256[QL_SHA256_HEX_SIZE]; /* of the body that a GET does not have */
    int64_t signed_us;
    struct ql_http_header headers[MAX_HEADERS];
    size_t n_headers;
};

static void add_header(struct get *get, const char *name, struct ql_str value) {
    if (value.len != 0) {
        get->headers[get->n_headers++] = (struct ql_http_header){.name = ql_str_from(name), .value = value};
    }
}

static void init(struct get *get, struct ql_str path_key) {
    uint8_t digest[QL_SHA256_SIZE];
    ql_sha256_of("", 0, digest);
    ql_hex(digest, sizeof digest, get->sha256);
    ql_http_add_secret(get->http, get->options->secret_access_key);
    ql_http_add_secret(get->http, get->options->session_token);
    ql_s3_address_init(&get->address, get->options, get->bucket, path_key);
}

static void fini(struct get *get) {
    ql_s3_address_fini(&get->address);
    ql_buf_fini(&get->url);
    ql_buf_fini(&get->authorization);
}

static void sign(struct get *get, const struct ql_http_header *query, size_t n_query) {
    const struct ql_s3_options *options = get->options;
    get->signed_us = ql_time_now();
    get->n_headers = 0;
    ql_sigv4_date(get->signed_us, get->date);
    add_header(get, "Host", ql_buf_view(&get->address.host));
    add_header(get, "x-amz-content-sha256", ql_str_from(get->sha256));
    add_header(get, "x-amz-date", ql_str_from(get->date));
    add_header(get, "x-amz-expected-bucket-owner", options->expected_bucket_owner);
    add_header(get, "x-amz-security-token", options->session_token);
    const struct ql_sigv4_credentials credentials = {.access_key_id = options->access_key_id,
                                                     .secret_access_key = options->secret_access_key,
                                                     .region = ql_s3_region(options),
                                                     .service = QL_STR("s3")};
    const struct ql_sigv4_request request = {.method = "GET",
                                             .path = ql_buf_view(&get->address.path),
                                             .query = query,
                                             .n_query = n_query,
                                             .headers = get->headers,
                                             .n_headers = get->n_headers,
                                             .payload_sha256 = ql_str_from(get->sha256),
                                             .date = get->date};
    ql_buf_reset(&get->authorization);
    ql_sigv4_authorization(&credentials, &request, &get->authorization);
    add_header(get, "Authorization", ql_buf_view(&get->authorization));
    ql_buf_reset(&get->url);
    ql_buf_put_str(&get->url, ql_buf_view(&get->address.url));
    if (n_query != 0) {
        ql_buf_putc(&get->url, '?');
        ql_sigv4_query(query, n_query, &get->url);
    }
}

static bool is_transient(void *ctx, const struct ql_http_response *response) {
    (void)ctx;
    return ql_s3_is_transient(response);
}

/* S3 repeats parts of a request in its words. */
static void redact(const struct ql_http *http, char *field, size_t size) {
    struct ql_buf text = {0};
    ql_buf_puts(&text, field);
    ql_http_redact(http, &text);
    (void)snprintf(field, size, "%s", ql_buf_text(&text));
    ql_buf_fini(&text);
}

static enum ql_status fail_answer(const struct get *get, const struct ql_http_response *response, struct ql_err *err) {
    const struct ql_s3_subject subject = {.act = get->act,
                                          .bucket = get->bucket,
                                          .key = get->key,
                                          .region = ql_s3_region(get->options),
                                          .is_aws = get->options->endpoint.len == 0,
                                          .has_owner = get->options->expected_bucket_owner.len != 0,
                                          .now_us = get->signed_us};
    enum ql_status status = ql_s3_fail(err, &subject, response);
    if (err != NULL) {
        redact(get->http, err->message, sizeof err->message);
        redact(get->http, err->hint, sizeof err->hint);
    }
    return status;
}

static void tell_transport(const struct get *get, enum ql_status status, struct ql_err *err) {
    ql_err_wrap(err, "cannot %s 's3://%.*s/%.*s'", get->act == QL_S3_LIST ? "list" : "read", QL_STR_ARG(get->bucket),
                (int)(get->key.len < 300 ? get->key.len : 300), get->key.ptr != NULL ? get->key.ptr : "");
    if (status == QL_E_REFUSED_URL) {
        ql_err_hint(err, "set AWS_ENDPOINT_URL to https://; plain http goes to this machine only, or with --allow-http");
    }
}

/* ---- an object */

struct stream {
    const struct ql_s3_reader *reader;
    enum ql_status status; /* what the reader said */
};

static enum ql_status on_headers(void *ctx, const struct ql_http_response *response, struct ql_err *err) {
    struct stream *stream = ctx;
    stream->status = stream->reader->begin(stream->reader->ctx, response->is_unsized, err);
    return stream->status;
}

static enum ql_status on_body(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct stream *stream = ctx;
    stream->status = stream->reader->bytes(stream->reader->ctx, ptr, len, err);
    return stream->status;
}

enum ql_status ql_s3_get(struct ql_http *http, const struct ql_s3_options *options, struct ql_str bucket, struct ql_str key,
                         const struct ql_s3_reader *reader, struct ql_err *err) {
    struct get get = {.http = http, .options = options, .bucket = bucket, .key = key, .act = QL_S3_READ};
    struct stream stream = {.reader = reader};
    struct ql_http_response response = {0};
    init(&get, key);
    sign(&get, NULL, 0);
    const struct ql_http_request request = {.method = "GET",
                                            .url = ql_buf_view(&get.url),
                                            .headers = get.headers,
                                            .n_headers = get.n_headers,
                                            .repeat = QL_HTTP_REPEAT_ALWAYS,
                                            .is_transient = is_transient,
                                            .on_headers = on_headers,
                                            .on_body = on_body,
                                            .stream_ctx = &stream};
    enum ql_status status = ql_http_send(http, &request, &response, err);
    if (status == QL_OK && response.status != 200) {
        status = fail_answer(&get, &response, err);
    } else if (status != QL_OK && stream.status == QL_OK) { /* else the reader's words say enough */
        tell_transport(&get, status, err);
    }
    ql_http_response_fini(&response);
    fini(&get);
    return status;
}

/* ---- the keys of a prefix */

static enum ql_status list_page(struct get *get, bool is_deep, struct ql_s3_list *list, struct ql_err *err) {
    struct ql_http_header query[4];
    size_t n = 0;
    query[n++] = (struct ql_http_header){QL_STR("list-type"), QL_STR("2")};
    query[n++] = (struct ql_http_header){QL_STR("prefix"), get->key};
    if (!is_deep) {
        query[n++] = (struct ql_http_header){QL_STR("delimiter"), QL_STR("/")};
    }
    if (list->next->len != 0) {
        query[n++] = (struct ql_http_header){QL_STR("continuation-token"), ql_buf_view(list->next)};
    }
    sign(get, query, n);
    struct ql_http_response response = {0};
    const struct ql_http_request request = {.method = "GET",
                                            .url = ql_buf_view(&get->url),
                                            .headers = get->headers,
                                            .n_headers = get->n_headers,
                                            .repeat = QL_HTTP_REPEAT_ALWAYS,
                                            .is_transient = is_transient};
    enum ql_status status = ql_http_send(get->http, &request, &response, err);
    if (status != QL_OK) {
        tell_transport(get, status, err);
    } else if (response.status != 200 || !ql_xml_s3_list(ql_buf_view(&response.body), list)) {
        status = fail_answer(get, &response, err);
    }
    ql_http_response_fini(&response);
    return status;
}

enum ql_status ql_s3_list(struct ql_http *http, const struct ql_s3_options *options, struct ql_str bucket,
                          const struct ql_s3_keys *keys, struct ql_err *err) {
    struct get get = {.http = http, .options = options, .bucket = bucket, .key = keys->prefix, .act = QL_S3_LIST};
    struct ql_buf next = {0};
    struct ql_s3_list list = {.found = keys->found, .ctx = keys->ctx, .next = &next};
    enum ql_status status = QL_OK;
    init(&get, (struct ql_str){.ptr = "", .len = 0});
    do {
        status = list_page(&get, keys->is_deep, &list, err);
    } while (status == QL_OK && next.len != 0);
    ql_buf_fini(&next);
    fini(&get);
    return status;
}
