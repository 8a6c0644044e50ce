/**
 * S3 as a source: an object in one GET, streamed, and the keys of a prefix, page by page (ListObjectsV2).
 *
 * What fails before the first byte is repeated by ql_s3_send; a body that breaks is its caller's to begin again, because it may
 * have been used already. What arrives has the length that S3 stated, or the transfer has failed.
 */
#include "store/store_internal.h"

enum ql_status ql_s3_get(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key,
                         const struct ql_s3_reader *reader, struct ql_err *err) {
    const struct ql_s3_request request = {.act = QL_S3_READ, .method = "GET", .bucket = bucket, .key = key, .reader = reader};
    struct ql_s3_answer answer;
    enum ql_status status = ql_s3_send(client, &request, &answer, err);
    if (status == QL_OK && answer.response.status != 200) {
        status = ql_s3_answer_fail(client, &request, &answer, err);
    }
    ql_s3_answer_fini(&answer);
    return status;
}

/* ---- the keys of a prefix */

/* token: what to ask for this page with; *next: for the one behind it; empty: there is none. */
static enum ql_status list_page(struct ql_s3_client *client, struct ql_str bucket, const struct ql_s3_keys *keys,
                                struct ql_str token, struct ql_buf *next, struct ql_err *err) {
    struct ql_http_header query[4];
    size_t n = 0;
    query[n++] = (struct ql_http_header){QL_STR("list-type"), QL_STR("2")};
    query[n++] = (struct ql_http_header){QL_STR("prefix"), keys->prefix};
    if (!keys->is_deep) {
        query[n++] = (struct ql_http_header){QL_STR("delimiter"), QL_STR("/")};
    }
    if (token.len != 0) {
        query[n++] = (struct ql_http_header){QL_STR("continuation-token"), token};
    }
    const struct ql_s3_request request = {.act = QL_S3_LIST,
                                          .method = "GET",
                                          .bucket = bucket,
                                          .query = query,
                                          .n_query = n,
                                          .about = keys->prefix,
                                          .root = "ListBucketResult"};
    struct ql_s3_answer answer;
    struct ql_s3_list list = {.found = keys->found, .ctx = keys->ctx, .next = next};
    enum ql_status status = ql_s3_send(client, &request, &answer, err);
    if (status == QL_OK && !ql_xml_s3_list(ql_buf_view(&answer.response.body), &list)) {
        status = ql_s3_answer_fail(client, &request, &answer, err);
    } else if (status == QL_OK && next->len != 0 && ql_str_eq(ql_buf_view(next), token)) { /* it would be asked for ever */
        status = QL_FAIL(err, QL_E_PROTOCOL, "the list of 's3://%.*s/%.*s' does not go on", QL_STR_ARG(bucket),
                         (int)(keys->prefix.len < 300 ? keys->prefix.len : 300), keys->prefix.ptr);
        ql_err_hint(err, "the server says that there is more, and begins again at the same place");
    }
    ql_s3_answer_fini(&answer);
    return status;
}

enum ql_status ql_s3_list(struct ql_s3_client *client, struct ql_str bucket, const struct ql_s3_keys *keys,
                          struct ql_err *err) {
    struct ql_buf token = {0};
    struct ql_buf next = {0};
    enum ql_status status = QL_OK;
    do {
        ql_buf_reset(&token);
        ql_buf_put_str(&token, ql_buf_view(&next));
        status = list_page(client, bucket, keys, ql_buf_view(&token), &next, err);
    } while (status == QL_OK && next.len != 0);
    ql_buf_fini(&token);
    ql_buf_fini(&next);
    return status;
}
