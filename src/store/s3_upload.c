/**
 * The requests of a multipart upload: CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload.
 *
 * The mark, a random number in the object's metadata, tells our object from another's where an answer was lost: a
 * CompleteMultipartUpload that was carried out answers its repetition with NoSuchUpload, or, under a condition, with a 412.
 */
#include "store/s3_client.h"
#include "store/s3_object.h"

#include "base/mem.h"

#include <stdio.h>
#include <sys/random.h>

enum {
    BLOCK_BYTES = 256 * 1024,
    JOINING_MS = 10 * 60 * 1000 /* "can take several minutes to complete" (CompleteMultipartUpload) */
};

static const struct ql_s3_options *options_of(const struct ql_s3_upload *upload) {
    return ql_s3_client_options(upload->object.client);
}

/* ---- one part */

struct range {
    const struct ql_spool *spool;
    int64_t offset, size;
};

static enum ql_status read_range(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    const struct range *range = ctx;
    int64_t rest = range->size - offset;
    *got = 0;
    if (rest <= 0) {
        return QL_OK;
    }
    return ql_spool_read_file(range->spool, range->offset + offset, ptr, (uint64_t)rest < len ? (size_t)rest : len, got, err);
}

/* Both hashes by one reading. */
static enum ql_status hash_part(const struct ql_http_body_source *source, enum ql_checksum_kind kind, struct ql_s3_part *part,
                                struct ql_err *err) {
    struct ql_sha256 *sha256 = ql_sha256_new();
    struct ql_checksum *checksum = ql_checksum_new(kind);
    char *block = ql_mem_alloc(BLOCK_BYTES);
    enum ql_status status = QL_OK;
    for (int64_t at = 0; at < source->size && status == QL_OK;) {
        size_t got = 0;
        status = source->read(source->ctx, at, block, BLOCK_BYTES, &got, err);
        ql_sha256_update(sha256, block, got);
        ql_checksum_update(checksum, block, got);
        at += (int64_t)got;
    }
    ql_sha256_take(sha256, part->sha256);
    ql_checksum_text_take(checksum, &part->checksum);
    ql_mem_free(block);
    ql_checksum_free(checksum);
    ql_sha256_free(sha256);
    return status;
}

static enum ql_status take_part_answer(struct ql_s3_part *part, const struct ql_http_response *response,
                                       enum ql_checksum_kind kind, struct ql_err *err) {
    struct ql_str etag = ql_http_response_get(response, "etag");
    if (etag.len == 0) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer to a part is not one of S3 (it has no ETag)");
    }
    QL_TRY(ql_s3_checksum_verify(response, kind, &part->checksum, err));
    part->etag = ql_mem_strndup(etag.ptr, etag.len);
    return QL_OK;
}

enum ql_status ql_s3_upload_send(const struct ql_s3_upload *upload, struct ql_s3_part *part, int number, struct ql_err *err) {
    const struct ql_s3_object *object = &upload->object;
    enum ql_checksum_kind kind = options_of(upload)->checksum;
    struct range range = {.spool = object->spool, .offset = part->offset, .size = part->size};
    const struct ql_http_body_source source = {.read = read_range, .ctx = &range, .size = part->size};
    char sha256[QL_SHA256_HEX_SIZE];
    QL_TRY(hash_part(&source, kind, part, err));
    ql_hex(part->sha256, sizeof part->sha256, sha256);
    char number_text[16];
    (void)snprintf(number_text, sizeof number_text, "%d", number);
    const struct ql_http_header query[] = {{QL_STR("partNumber"), ql_str_from(number_text)},
                                           {QL_STR("uploadId"), ql_str_from(upload->id)}};
    struct ql_s3_headers headers = {0};
    if (kind != QL_CHECKSUM_NONE) {
        ql_s3_headers_add(&headers, ql_s3_checksum_header(kind), ql_str_from(part->checksum.text));
    }
    const struct ql_s3_request request = {.act = QL_S3_STORE_PART,
                                          .method = "PUT",
                                          .bucket = object->bucket,
                                          .key = object->key,
                                          .query = query,
                                          .n_query = 2,
                                          .headers = headers.items,
                                          .n_headers = headers.n,
                                          .payload = {.source = &source, .sha256 = sha256},
                                          .part = number};
    struct ql_s3_answer answer = {0};
    enum ql_status status = ql_s3_send(object->client, &request, &answer, err);
    if (status == QL_OK) {
        status = take_part_answer(part, &answer.response, kind, err);
    }
    ql_s3_answer_fini(&answer);
    ql_s3_headers_fini(&headers);
    return status;
}

/* ---- ending an upload */

/* Not every 404: that of a proxy says nothing of the upload. */
static bool tells_gone(const struct ql_s3_answer *answer) {
    return answer->response.status == 404 &&
           (strcmp(answer->code, "NoSuchUpload") == 0 || strcmp(answer->code, "NoSuchBucket") == 0);
}

enum upload_state { UPLOAD_GONE, UPLOAD_EMPTY, UPLOAD_HAS_PARTS, UPLOAD_UNKNOWN };

static enum upload_state look_at_upload(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key,
                                        struct ql_str upload_id) {
    const struct ql_http_header query[] = {{QL_STR("uploadId"), upload_id}};
    const struct ql_s3_request request = {.act = QL_S3_LIST_PARTS,
                                          .method = "GET",
                                          .bucket = bucket,
                                          .key = key,
                                          .query = query,
                                          .n_query = 1,
                                          .root = "ListPartsResult",
                                          .accepted = {404}};
    struct ql_s3_answer answer = {0};
    enum upload_state state = UPLOAD_UNKNOWN; /* s3:ListMultipartUploadParts may not be granted */
    if (ql_s3_send(client, &request, &answer, NULL) == QL_OK) {
        bool has_parts = ql_xml_text(ql_buf_view(&answer.response.body), "ListPartsResult/Part/PartNumber", NULL);
        bool is_list = answer.response.status <= 299;
        state = is_list ? (has_parts ? UPLOAD_HAS_PARTS : UPLOAD_EMPTY) : tells_gone(&answer) ? UPLOAD_GONE : UPLOAD_UNKNOWN;
    }
    ql_s3_answer_fini(&answer);
    return state;
}

static enum ql_status abort_once(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key, struct ql_str upload_id,
                                 bool *was_gone, struct ql_err *err) {
    const struct ql_http_header query[] = {{QL_STR("uploadId"), upload_id}};
    const struct ql_s3_request request = {.act = QL_S3_DROP_PARTS,
                                          .method = "DELETE",
                                          .bucket = bucket,
                                          .key = key,
                                          .query = query,
                                          .n_query = 1,
                                          .accepted = {404}};
    struct ql_s3_answer answer = {0};
    enum ql_status status = ql_s3_send(client, &request, &answer, err);
    *was_gone = status == QL_OK && tells_gone(&answer);
    if (status == QL_OK && !*was_gone && answer.response.status == 404) {
        status = ql_s3_answer_fail(client, &request, &answer, err);
    }
    ql_s3_answer_fini(&answer);
    return status;
}

/* "if any part uploads are currently in progress, those part uploads might or might not succeed. As a result, it might be
 * necessary to abort a given multipart upload multiple times" (AbortMultipartUpload). */
enum ql_status ql_s3_upload_abort(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key, struct ql_str upload_id,
                                  bool may_be_late, bool *was_gone, struct ql_err *err) {
    enum { TRIES = 3, LATE_MS = 1000 };
    QL_TRY(abort_once(client, bucket, key, upload_id, was_gone, err));
    bool is_gone = *was_gone && !may_be_late;
    for (int i = 1; !is_gone; i++) {
        if (may_be_late || i > 1) {
            QL_TRY(ql_s3_client_wait(client, LATE_MS, err));
        }
        enum upload_state state = look_at_upload(client, bucket, key, upload_id);
        if (state != UPLOAD_HAS_PARTS && state != UPLOAD_EMPTY) {
            return QL_OK;
        }
        if (i == TRIES) {
            return QL_FAIL(err, QL_E_S3, "the upload is still there after %d requests to end it, each answered with success",
                           i);
        }
        QL_TRY(abort_once(client, bucket, key, upload_id, &is_gone, err));
    }
    return QL_OK;
}

/* ---- beginning one */

static void add_algorithm(struct ql_s3_headers *headers, enum ql_checksum_kind kind) {
    const char *algorithm = ql_s3_checksum_algorithm(kind);
    if (algorithm != NULL) {
        ql_s3_headers_add(headers, "x-amz-checksum-algorithm", ql_str_from(algorithm));
        ql_s3_headers_add(headers, "x-amz-checksum-type",
                          kind == QL_CHECKSUM_SHA256 ? QL_STR("COMPOSITE") : QL_STR("FULL_OBJECT"));
    }
}

struct stray_search {
    struct ql_s3_client *client;
    const struct ql_s3_strays *strays;
};

static void end_stray(void *ctx, struct ql_str key, struct ql_str id, int64_t started_us) {
    static const int64_t BETWEEN_CLOCKS_US = INT64_C(60) * QL_US_PER_S; /* S3's and ours */
    const struct stray_search *search = ctx;
    const struct ql_s3_strays *strays = search->strays;
    struct ql_str state_dir = ql_s3_client_options(search->client)->state_dir;
    bool is_of_then = started_us != QL_TIME_NONE && started_us >= strays->from_us - BETWEEN_CLOCKS_US &&
                      started_us <= strays->to_us + BETWEEN_CLOCKS_US;
    bool is_stray = is_of_then && ql_str_eq(key, strays->key) && !ql_str_eq(id, strays->keep) &&
                    !ql_upload_notes_is_running(state_dir, key, id, strays->but) &&
                    look_at_upload(search->client, strays->bucket, key, id) == UPLOAD_EMPTY;
    if (is_stray) {
        bool was_gone;
        (void)abort_once(search->client, strays->bucket, key, id, &was_gone, NULL); /* holds nothing: no harm if it stays */
    }
}

enum ql_status ql_s3_strays_end(struct ql_s3_client *client, const struct ql_s3_strays *strays, struct ql_err *err) {
    struct stray_search search = {.client = client, .strays = strays};
    return ql_s3_uploads_list(client, strays->bucket, strays->key, end_stray, &search, err);
}

/* A creation whose answer was lost has made an upload without parts, which nobody will ever use. */
static void end_strays(const struct ql_s3_upload *upload, int64_t begun_us) {
    const struct ql_s3_object *object = &upload->object;
    const struct ql_s3_strays strays = {.bucket = object->bucket,
                                        .key = object->key,
                                        .keep = ql_str_from(upload->id),
                                        .but = upload->note,
                                        .from_us = begun_us,
                                        .to_us = ql_s3_client_now_us(object->client)};
    ql_s3_client_begin_cleanup(object->client);
    enum ql_status ended = ql_s3_strays_end(object->client, &strays, NULL);
    ql_s3_client_end_cleanup(object->client);
    (void)ended; /* s3:ListBucketMultipartUploads may not be granted; as with a single one, no harm is done */
}

static enum ql_status create(struct ql_s3_upload *upload, struct ql_err *err) {
    const struct ql_s3_object *object = &upload->object;
    const struct ql_s3_options *options = options_of(upload);
    int64_t begun_us = ql_s3_client_now_us(object->client);
    struct ql_s3_headers headers = {0};
    struct ql_buf id = {0};
    ql_s3_headers_add_object(&headers, options, object->publication);
    ql_s3_headers_add(&headers, QL_S3_META "sha256", ql_str_from(object->sha256));
    ql_s3_headers_add(&headers, QL_S3_META "upload", ql_str_from(upload->mark));
    add_algorithm(&headers, options->checksum);
    const struct ql_http_header query[] = {{QL_STR("uploads"), {0}}};
    const struct ql_s3_request request = {.act = QL_S3_BEGIN_PARTS,
                                          .method = "POST",
                                          .bucket = object->bucket,
                                          .key = object->key,
                                          .query = query,
                                          .n_query = 1,
                                          .headers = headers.items,
                                          .n_headers = headers.n,
                                          .root = "InitiateMultipartUploadResult"};
    struct ql_s3_answer answer = {0};
    enum ql_status status = ql_s3_send(object->client, &request, &answer, err);
    if (status == QL_OK && !ql_xml_text(ql_buf_view(&answer.response.body), "InitiateMultipartUploadResult/UploadId", &id)) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the server began an upload of 's3://%.*s/%.200s' without an id",
                         QL_STR_ARG(object->bucket), upload->key);
    }
    if (status == QL_OK) {
        upload->id = ql_buf_take(&id);
        status = ql_s3_encryption_verify(options, &answer.response, err);
    }
    if (answer.may_have_acted) {
        end_strays(upload, begun_us);
    }
    ql_buf_fini(&id);
    ql_s3_answer_fini(&answer);
    ql_s3_headers_fini(&headers);
    return status;
}

enum ql_status ql_s3_upload_create(struct ql_s3_upload *upload, const struct ql_s3_object *object, struct ql_err *err) {
    uint8_t random[QL_S3_MARK_BYTES];
    *upload =
        (struct ql_s3_upload){.object = *object, .key = ql_mem_strndup(object->key.ptr, object->key.len), .note = upload->note};
    upload->object.key.ptr = upload->key;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return QL_FAIL(err, QL_E_SYSTEM, "the system gives no random bytes");
    }
    ql_hex(random, sizeof random, upload->mark);
    return create(upload, err);
}

void ql_s3_upload_fini(struct ql_s3_upload *upload) {
    ql_mem_free(upload->key);
    ql_mem_free(upload->id);
    *upload = (struct ql_s3_upload){0};
}

/* ---- joining the parts */

static void put_escaped(const char *text, struct ql_buf *out) {
    for (; *text != '\0'; text++) {
        if (*text == '&' || *text == '<' || *text == '>') {
            ql_buf_puts(out, *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : "&gt;");
        } else {
            ql_buf_putc(out, *text);
        }
    }
}

static void put_document(const struct ql_s3_whole *whole, const char *element, struct ql_buf *out) {
    ql_buf_puts(out, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < whole->n_parts; i++) {
        const struct ql_s3_part *part = &whole->parts[i];
        ql_buf_puts(out, "<Part><ETag>");
        put_escaped(part->etag, out);
        ql_buf_puts(out, "</ETag>");
        if (element != NULL) {
            ql_buf_printf(out, "<%s>%s</%s>", element, part->checksum.text, element);
        }
        ql_buf_printf(out, "<PartNumber>%zu</PartNumber></Part>", i + 1);
    }
    ql_buf_puts(out, "</CompleteMultipartUpload>");
}

/* What S3 should have for the whole: of a CRC the one of all bytes, of SHA-256 the one of the parts' and their number
 * ("Checking object integrity", S3 user guide). Empty: nothing. */
static void put_checksum(const struct ql_s3_whole *whole, enum ql_checksum_kind kind, struct ql_buf *out) {
    ql_buf_puts(out, "");
    if (kind == QL_CHECKSUM_CRC64NVME || kind == QL_CHECKSUM_CRC32C) {
        ql_buf_puts(out, whole->checksum);
    }
    if (kind != QL_CHECKSUM_SHA256) {
        return;
    }
    struct ql_sha256 *sha256 = ql_sha256_new();
    uint8_t digest[QL_SHA256_SIZE];
    for (size_t i = 0; i < whole->n_parts; i++) {
        ql_sha256_update(sha256, whole->parts[i].sha256, sizeof whole->parts[i].sha256);
    }
    ql_sha256_take(sha256, digest);
    ql_base64(digest, sizeof digest, out);
    ql_buf_printf(out, "-%zu", whole->n_parts);
    ql_sha256_free(sha256);
}

static enum ql_status send_joining(const struct ql_s3_upload *upload, const struct ql_s3_whole *whole, struct ql_str checksum,
                                   struct ql_s3_answer *answer, struct ql_err *err) {
    const struct ql_s3_object *object = &upload->object;
    enum ql_checksum_kind kind = options_of(upload)->checksum;
    bool is_composite = kind == QL_CHECKSUM_SHA256; /* whose value S3 takes in no header */
    struct ql_buf document = {0};
    put_document(whole, ql_s3_checksum_element(kind), &document);
    const struct ql_http_header query[] = {{QL_STR("uploadId"), ql_str_from(upload->id)}};
    struct ql_s3_headers headers = {0};
    ql_s3_headers_add(&headers, "content-type", QL_STR("application/xml"));
    ql_s3_headers_add(&headers, "if-none-match", object->must_be_new ? QL_STR("*") : (struct ql_str){0});
    if (checksum.len != 0 && !is_composite) {
        ql_s3_headers_add(&headers, "x-amz-checksum-type", QL_STR("FULL_OBJECT"));
        ql_s3_headers_add(&headers, ql_s3_checksum_header(kind), checksum);
    }
    struct ql_s3_request request = {.act = QL_S3_JOIN_PARTS,
                                    .method = "POST",
                                    .bucket = object->bucket,
                                    .key = object->key,
                                    .query = query,
                                    .n_query = 1,
                                    .headers = headers.items,
                                    .n_headers = headers.n,
                                    .payload = {.bytes = ql_buf_view(&document)},
                                    .patience_ms = JOINING_MS,
                                    .root = "CompleteMultipartUploadResult",
                                    .accepted = {404}};
    if (object->must_be_new) {
        request.accepted[1] = 412;
        request.accepted[2] = 304;
        request.accepted[3] = 409;
    }
    enum ql_status status = ql_s3_send(object->client, &request, answer, err);
    if (status == QL_OK && answer->response.status == 404 && strcmp(answer->code, "NoSuchUpload") != 0) {
        status = ql_s3_answer_fail(object->client, &request, answer, err);
    }
    ql_s3_hint_of_condition(object, status, answer, err);
    ql_s3_headers_fini(&headers);
    ql_buf_fini(&document);
    return status;
}

static enum ql_status check_joined(const struct ql_s3_upload *upload, struct ql_str body, struct ql_str checksum,
                                   struct ql_stored *stored, struct ql_err *err) {
    struct ql_buf text = {0};
    char path[80];
    enum ql_status status = QL_OK;
    if (ql_xml_text(body, "CompleteMultipartUploadResult/ETag", &text)) {
        ql_s3_copy_text(ql_buf_view(&text), stored->etag, sizeof stored->etag);
    }
    ql_buf_reset(&text);
    const char *element = ql_s3_checksum_element(options_of(upload)->checksum);
    (void)snprintf(path, sizeof path, "CompleteMultipartUploadResult/%s", element != NULL ? element : "");
    if (element != NULL && ql_xml_text(body, path, &text) && !ql_str_eq(ql_buf_view(&text), checksum)) {
        status = QL_FAIL(err, QL_E_PROTOCOL,
                         "the server joined the parts of 's3://%.*s/%.200s' to the checksum '%.60s', which should be '%.*s'",
                         QL_STR_ARG(upload->object.bucket), upload->key, ql_buf_text(&text), QL_STR_ARG(checksum));
        ql_err_hint(err, "the object that is there now is not what was sent: run again");
    }
    ql_buf_fini(&text);
    return status;
}

enum ql_status ql_s3_upload_is_joined(const struct ql_s3_upload *upload, bool *is_joined, struct ql_stored *stored,
                                      struct ql_err *err) {
    const struct ql_s3_object *object = &upload->object;
    struct ql_s3_seen seen;
    *is_joined = false;
    QL_TRY(ql_s3_look(object->client, object->bucket, object->key, &seen, err));
    if (seen.sight == QL_S3_UNSEEN) {
        return ql_s3_fail_unseen(object, err);
    }
    *is_joined = seen.sight == QL_S3_PRESENT && strcmp(seen.upload, upload->mark) == 0;
    if (*is_joined) {
        ql_s3_note_seen(&seen, stored);
    }
    return QL_OK;
}

static enum ql_status fail_gone(const struct ql_s3_upload *upload, struct ql_err *err) {
    (void)QL_FAIL(err, QL_E_S3, "the upload of 's3://%.*s/%.200s' was ended by somebody else before its parts were joined",
                  QL_STR_ARG(upload->object.bucket), upload->key);
    ql_err_hint(err, "a lifecycle rule or 'queuelake check --orphans --abort' on another machine does that: run again");
    return QL_E_S3;
}

/* What the answer means that stands. */
static enum ql_status judge(struct ql_s3_upload *upload, const struct ql_s3_answer *answer, struct ql_str checksum,
                            enum ql_s3_outcome *outcome, struct ql_stored *stored, struct ql_err *err) {
    long status = answer->response.status;
    bool is_joined = status >= 200 && status <= 299;
    if (is_joined) {
        upload->is_over = true;
        ql_s3_note_answer(&answer->response, stored);
        return check_joined(upload, ql_buf_view(&answer->response.body), checksum, stored, err);
    }
    if (answer->may_have_acted) {
        QL_TRY(ql_s3_upload_is_joined(upload, &is_joined, stored, err));
    }
    upload->is_over = is_joined || status == 404;
    if (status == 404 && !is_joined) {
        return fail_gone(upload, err);
    }
    *outcome = is_joined ? QL_S3_OUTCOME_STORED : status == 409 ? QL_S3_OUTCOME_CONFLICT : QL_S3_OUTCOME_EXISTS;
    return QL_OK;
}

enum ql_status ql_s3_upload_join(struct ql_s3_upload *upload, const struct ql_s3_whole *whole, enum ql_s3_outcome *outcome,
                                 struct ql_stored *stored, struct ql_err *err) {
    struct ql_s3_answer answer = {0};
    struct ql_buf checksum = {0};
    *outcome = QL_S3_OUTCOME_STORED;
    put_checksum(whole, options_of(upload)->checksum, &checksum);
    enum ql_status status = send_joining(upload, whole, ql_buf_view(&checksum), &answer, err);
    upload->may_be_joined = answer.may_have_acted;
    if (status == QL_OK) {
        status = judge(upload, &answer, ql_buf_view(&checksum), outcome, stored, err);
    }
    ql_s3_answer_fini(&answer);
    ql_buf_fini(&checksum);
    return status;
}
