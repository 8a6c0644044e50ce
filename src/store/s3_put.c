/**
 * S3 as a destination: the artefact is spooled, then stored by one PUT, which S3 makes visible whole or not at all.
 *
 * - The signature covers the SHA-256 of the payload, so S3 itself checks every byte; no x-amz-checksum-* and no trailer, which
 *   other servers than AWS refuse (2025's change of the SDKs broke R2, B2, Ceph and Storj).
 * - A 200 is success only with an ETag and without an <Error> in its body.
 */
#include "store/store_internal.h"

#include "base/mem.h"

#include <stdio.h>

static const int64_t MAX_PUT_BYTES = INT64_C(5) << 30; /* of one PUT: "Amazon S3 multipart upload limits" */

struct s3_store {
    struct ql_store store; /* first */
    struct ql_s3_client *client;
    struct ql_str bucket;
    struct ql_spool spool;
};

static struct ql_str encryption_header(const struct ql_s3_options *options) {
    struct ql_str wanted = options->server_side_encryption;
    if (ql_str_eq(wanted, QL_STR("none"))) {
        return (struct ql_str){0};
    }
    return wanted.len != 0 ? wanted : QL_STR("AES256");
}

static enum ql_status read_spool(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    return ql_spool_read(ctx, offset, ptr, len, got, err);
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

static void fill_stored(const struct ql_s3_request *request, const struct ql_http_response *response,
                        struct ql_stored *stored) {
    (void)snprintf(stored->location, sizeof stored->location, "s3://%.*s/%.*s", QL_STR_ARG(request->bucket),
                   QL_STR_ARG(request->key));
    copy_text(ql_http_response_get(response, "etag"), stored->etag, sizeof stored->etag);
    copy_text(ql_http_response_get(response, "x-amz-version-id"), stored->version_id, sizeof stored->version_id);
    copy_text(ql_http_response_get(response, "x-amz-request-id"), stored->request_id, sizeof stored->request_id);
    copy_text(ql_http_response_get(response, "x-amz-server-side-encryption"), stored->server_side_encryption,
              sizeof stored->server_side_encryption);
}

static enum ql_status put_object(struct s3_store *s3, const struct ql_publication *publication, struct ql_stored *stored,
                                 struct ql_str tags, struct ql_err *err) {
    const struct ql_s3_options *options = ql_s3_client_options(s3->client);
    struct ql_str type = options->content_type.len != 0 ? options->content_type : QL_STR("application/octet-stream");
    const struct ql_http_header headers[] = {
        {QL_STR("Content-Type"), type},
        {QL_STR("x-amz-meta-queuelake-sha256"), ql_str_from(stored->sha256)},
        {QL_STR("x-amz-server-side-encryption"), encryption_header(options)},
        {QL_STR("x-amz-tagging"), tags},
    };
    const struct ql_http_body_source source = {.read = read_spool, .ctx = &s3->spool, .size = s3->spool.size};
    const struct ql_s3_request request = {.act = QL_S3_STORE,
                                          .method = "PUT",
                                          .bucket = s3->bucket,
                                          .key = publication->key,
                                          .headers = headers,
                                          .n_headers = sizeof headers / sizeof headers[0],
                                          .payload = {.source = &source, .sha256 = stored->sha256}};
    struct ql_s3_answer answer;
    enum ql_status status = ql_s3_send(s3->client, &request, &answer, err);
    if (status == QL_OK && (answer.response.status != 200 || ql_http_response_get(&answer.response, "etag").len == 0)) {
        status = ql_s3_answer_fail(s3->client, &request, &answer, err);
    } else if (status == QL_OK) {
        fill_stored(&request, &answer.response, stored);
    }
    ql_s3_answer_fini(&answer);
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
    struct ql_buf tags = {0};
    ql_tags_header(publication->tags, publication->n_tags, &tags);
    enum ql_status status = put_object(s3, publication, stored, ql_buf_view(&tags), err);
    ql_buf_fini(&tags);
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

enum ql_status ql_store_s3_open(struct ql_s3_client *client, struct ql_str bucket, struct ql_store **store,
                                struct ql_err *err) {
    const struct ql_s3_options *options = ql_s3_client_options(client);
    const struct ql_s3_world *world = ql_s3_client_world(client);
    *store = NULL;
    QL_TRY(ql_s3_check(options, bucket, err));
    struct s3_store *s3 = ql_mem_zalloc(1, sizeof *s3);
    ql_store_init(&s3->store, &S3_OPS);
    s3->client = client;
    s3->bucket = bucket;
    ql_spool_init(&s3->spool, world->disk, options->temp_dir, world->max_memory_bytes);
    *store = &s3->store;
    return QL_OK;
}
