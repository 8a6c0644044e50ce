/**
 * One PUT: S3 makes the object visible whole, or not at all.
 *
 * The signature covers the SHA-256 of the payload, so S3 itself checks every byte. A PUT may be repeated. With If-None-Match a
 * repetition whose first try was carried out, although its answer was lost, meets its own object: the caller looks. Where all
 * answers are lost, we look ourselves.
 */
#include "store/s3_object.h"

#include <stdio.h>

static enum ql_status read_spool(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    return ql_spool_read(ctx, offset, ptr, len, got, err);
}

static enum ql_status check_answer(const struct ql_s3_object *object, const struct ql_http_response *response,
                                   struct ql_err *err) {
    const struct ql_s3_options *options = ql_s3_client_options(object->client);
    struct ql_checksum_text sent = {{0}};
    (void)snprintf(sent.text, sizeof sent.text, "%s", object->checksum);
    QL_TRY(ql_s3_checksum_verify(response, options->checksum, &sent, err));
    return ql_s3_encryption_verify(options, response, err);
}

/* What S3 confirms must be what was sent. Nothing else decides then: our metadata say what was meant, not what arrived. */
static enum ql_status take_answer(const struct ql_s3_object *object, const struct ql_http_response *response,
                                  struct ql_stored *stored, struct ql_err *err) {
    ql_s3_note_answer(response, stored);
    enum ql_status status = check_answer(object, response, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "'s3://%.*s/%.*s' is stored, but not as asked", QL_STR_ARG(object->bucket),
                    (int)(object->key.len < 300 ? object->key.len : 300), object->key.ptr);
    }
    return status;
}

void ql_s3_hint_of_condition(const struct ql_s3_object *object, enum ql_status status, const struct ql_s3_answer *answer,
                             struct ql_err *err) {
    if (status != QL_OK && object->must_be_new && answer->response.status == 501) {
        ql_err_hint(err, "this server has no conditional writes (If-None-Match), which every --if-exists but replace needs");
    }
}

void ql_s3_hint_of_lost_answer(struct ql_err *err) {
    ql_err_hint(err, "the answer was lost, and what is there cannot be seen: it may be stored all the same; run again");
}

enum ql_status ql_s3_fail_unseen(const struct ql_s3_object *object, struct ql_err *err) {
    (void)QL_FAIL(err, QL_E_S3_DENIED,
                  "whether 's3://%.*s/%.*s' was stored cannot be told: its answer was lost, and looking is not allowed",
                  QL_STR_ARG(object->bucket), (int)(object->key.len < 200 ? object->key.len : 200), object->key.ptr);
    ql_err_hint(err, "allow these credentials s3:GetObject and s3:ListBucket, then run again");
    return QL_E_S3_DENIED;
}

/* A failure may have acted all the same; then what is there now decides. */
static enum ql_status settle(const struct ql_s3_object *object, enum ql_status status, struct ql_stored *stored,
                             struct ql_err *err) {
    struct ql_s3_seen seen;
    ql_s3_client_begin_cleanup(object->client);
    enum ql_status looked = ql_s3_look(object->client, object->bucket, object->key, &seen, NULL);
    ql_s3_client_end_cleanup(object->client);
    if (looked != QL_OK || seen.sight == QL_S3_UNSEEN) {
        ql_s3_hint_of_lost_answer(err);
        return status;
    }
    if (!ql_s3_seen_is_same(&seen, ql_s3_client_options(object->client), object->sha256, object->spool->size)) {
        return status;
    }
    ql_s3_note_seen(&seen, stored);
    return QL_OK;
}

/* Something is there, perhaps by our own first try. */
static enum ql_status meet_own(const struct ql_s3_object *object, enum ql_s3_outcome *outcome, struct ql_stored *stored,
                               struct ql_err *err) {
    struct ql_s3_seen seen;
    QL_TRY(ql_s3_look(object->client, object->bucket, object->key, &seen, err));
    if (seen.sight == QL_S3_UNSEEN) {
        return ql_s3_fail_unseen(object, err);
    }
    if (ql_s3_seen_is_same(&seen, ql_s3_client_options(object->client), object->sha256, object->spool->size)) {
        *outcome = QL_S3_OUTCOME_STORED;
        ql_s3_note_seen(&seen, stored);
    }
    return QL_OK;
}

enum ql_status ql_s3_put(const struct ql_s3_object *object, enum ql_s3_outcome *outcome, struct ql_stored *stored,
                         struct ql_err *err) {
    const struct ql_s3_options *options = ql_s3_client_options(object->client);
    struct ql_s3_headers headers = {0};
    ql_s3_headers_add_object(&headers, options, object->publication);
    ql_s3_headers_add(&headers, QL_S3_META "sha256", ql_str_from(object->sha256));
    if (options->checksum != QL_CHECKSUM_NONE) {
        ql_s3_headers_add(&headers, ql_s3_checksum_header(options->checksum), ql_str_from(object->checksum));
    }
    ql_s3_headers_add(&headers, "if-none-match", object->must_be_new ? QL_STR("*") : (struct ql_str){0});
    const struct ql_http_body_source source = {.read = read_spool, .ctx = object->spool, .size = object->spool->size};
    struct ql_s3_request request = {.act = QL_S3_STORE,
                                    .method = "PUT",
                                    .bucket = object->bucket,
                                    .key = object->key,
                                    .headers = headers.items,
                                    .n_headers = headers.n,
                                    .payload = {.source = &source, .sha256 = object->sha256}};
    if (object->must_be_new) {
        request.accepted[0] = 412;
        request.accepted[1] = 304; /* MinIO before 2024 */
    }
    struct ql_s3_answer answer = {0};
    enum ql_status status = ql_s3_send(object->client, &request, &answer, err);
    bool is_there = status == QL_OK && (answer.response.status == 412 || answer.response.status == 304);
    *outcome = is_there ? QL_S3_OUTCOME_EXISTS : QL_S3_OUTCOME_STORED;
    if (status == QL_OK && !is_there && ql_http_response_get(&answer.response, "etag").len == 0) { /* some other server's 200 */
        status = ql_s3_answer_fail(object->client, &request, &answer, err);
    }
    ql_s3_hint_of_condition(object, status, &answer, err);
    if (status != QL_OK) {
        status = answer.may_have_acted ? settle(object, status, stored, err) : status;
    } else if (!is_there) {
        status = take_answer(object, &answer.response, stored, err);
    } else if (answer.may_have_acted) {
        status = meet_own(object, outcome, stored, err);
    }
    ql_s3_answer_fini(&answer);
    ql_s3_headers_fini(&headers);
    return status;
}
