/**
 * What is at a key already (HeadObject), and which key the next version of it has.
 *
 * Who may write need not be allowed to read: a 403 is an answer, "not seen". It is also what S3 says of a missing object where
 * s3:ListBucket is not granted.
 */
#include "store/s3_object.h"

#include <stdio.h>

static void note(const struct ql_http_response *response, struct ql_s3_seen *seen) {
    int64_t size = -1;
    seen->size = ql_str_to_i64(ql_http_response_get(response, "content-length"), &size) ? size : response->content_length;
    ql_s3_copy_text(ql_http_response_get(response, QL_S3_META "sha256"), seen->sha256, sizeof seen->sha256);
    ql_s3_copy_text(ql_http_response_get(response, QL_S3_META "upload"), seen->upload, sizeof seen->upload);
    ql_s3_note_answer(response, &seen->stored);
}

/* An answer to a HEAD has no body, so what it means is told better by the request that follows. */
static bool is_refusal(long status) {
    return status >= 400 && status <= 499 && status != 429;
}

enum ql_status ql_s3_look(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key, struct ql_s3_seen *seen,
                          struct ql_err *err) {
    *seen = (struct ql_s3_seen){.size = -1};
    const struct ql_s3_request request = {.act = QL_S3_LOOK, .method = "HEAD", .bucket = bucket, .key = key, .accepted = {404}};
    struct ql_s3_answer answer = {0};
    struct ql_err failure = {0};
    enum ql_status status = ql_s3_send(client, &request, &answer, &failure);
    if (status != QL_OK && is_refusal(answer.response.status)) {
        status = QL_OK;
        seen->sight = QL_S3_UNSEEN;
    } else if (status == QL_OK && answer.response.status == 404) {
        seen->sight = QL_S3_ABSENT;
    } else if (status == QL_OK && ql_http_response_get(&answer.response, "etag").len == 0) { /* some other server's 200 */
        status = ql_s3_answer_fail(client, &request, &answer, err);
    } else if (status == QL_OK) {
        seen->sight = QL_S3_PRESENT;
        note(&answer.response, seen);
    } else if (err != NULL) {
        *err = failure;
    }
    ql_s3_answer_fini(&answer);
    return status;
}

void ql_s3_note_seen(const struct ql_s3_seen *seen, struct ql_stored *stored) {
    memcpy(stored->etag, seen->stored.etag, sizeof stored->etag);
    memcpy(stored->version_id, seen->stored.version_id, sizeof stored->version_id);
    memcpy(stored->request_id, seen->stored.request_id, sizeof stored->request_id);
    memcpy(stored->server_side_encryption, seen->stored.server_side_encryption, sizeof stored->server_side_encryption);
}

bool ql_s3_seen_is_same(const struct ql_s3_seen *seen, const struct ql_s3_options *options, const char *sha256, int64_t size) {
    struct ql_str wanted = options->server_side_encryption;
    struct ql_str has = ql_str_from(seen->stored.server_side_encryption);
    /* AES256 is what every object has at AWS, and what other servers do not tell. */
    bool is_encrypted_so = !ql_str_has_prefix(wanted, "aws:kms") || ql_str_eq(wanted, has);
    return seen->sight == QL_S3_PRESENT && seen->size == size && strcmp(seen->sha256, sha256) == 0 && is_encrypted_so;
}
