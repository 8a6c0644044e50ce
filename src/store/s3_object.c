/*
 * An object read in pieces, for whoever needs its end first, as a reader of Parquet does: one GET of the last megabyte tells
 * the size as well (Content-Range), and ranges with If-Match keep to the object that was opened.
 *
 * ql_s3_send repeats what fails before the first byte. A body that breaks is gone on with behind the last byte that came.
 */
#include "store/store_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>

enum { TAIL = 1024 * 1024, PIECE = 8 * 1024 * 1024, BREAKS_MAX = 5 };

struct ql_s3_object {
    struct ql_s3_client *client;
    struct ql_buf bucket, key, etag;
    int64_t size;
    int64_t tail_offset;
    struct ql_buf tail; /* the end, as it came with the opening */
};

/* A body on its way into room of a known size. */
struct ranged {
    char *ptr;
    size_t len, got;
    bool is_too_long;
};

static enum ql_status on_begin(void *ctx, bool is_unsized, struct ql_err *err) {
    (void)ctx;
    (void)is_unsized; /* whether it is whole is seen by its length */
    (void)err;
    return QL_OK;
}

static enum ql_status on_bytes(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct ranged *ranged = ctx;
    if (len > ranged->len - ranged->got) {
        ranged->is_too_long = true;
        return QL_FAIL(err, QL_E_PROTOCOL, "S3 answered with more bytes than were asked for: it does not know ranges");
    }
    memcpy(ranged->ptr + ranged->got, ptr, len);
    ranged->got += len;
    return QL_OK;
}

static enum ql_status get(const struct ql_s3_object *object, const char *range, struct ranged *ranged,
                          struct ql_s3_answer *answer, struct ql_err *err) {
    const struct ql_http_header headers[] = {{QL_STR("range"), ql_str_from(range)},
                                             {QL_STR("if-match"), ql_buf_view(&object->etag)}}; /* empty: left out */
    const struct ql_s3_reader reader = {.begin = on_begin, .bytes = on_bytes, .ctx = ranged};
    const struct ql_s3_request request = {.act = QL_S3_READ,
                                          .method = "GET",
                                          .bucket = ql_buf_view(&object->bucket),
                                          .key = ql_buf_view(&object->key),
                                          .headers = headers,
                                          .n_headers = sizeof headers / sizeof headers[0],
                                          .reader = &reader,
                                          .accepted = {412, 416}};
    return ql_s3_send(object->client, &request, answer, err);
}

/* "bytes 100-199/4711" */
static bool parse_content_range(struct ql_str text, int64_t *first, int64_t *size) {
    struct ql_str total;
    struct ql_str rest = ql_str_split(text, '/', &total);
    struct ql_str last;
    struct ql_str unit = ql_str_split(rest, ' ', &rest);
    struct ql_str begin = ql_str_split(rest, '-', &last);
    int64_t end = 0;
    return ql_str_eq_nocase(unit, QL_STR("bytes")) && ql_str_to_i64(begin, first) && ql_str_to_i64(last, &end) &&
           ql_str_to_i64(total, size) && *first >= 0 && *first <= end && end < *size;
}

static enum ql_status take_opening(struct ql_s3_object *object, const struct ql_s3_answer *answer, const struct ranged *ranged,
                                   struct ql_err *err) {
    const struct ql_http_response *response = &answer->response;
    ql_buf_put_str(&object->etag, ql_http_response_get(response, "etag"));
    object->tail.len = ranged->got;
    if (response->status == 416) { /* an object of no bytes has no range */
        return QL_OK;
    }
    if (response->status == 200) { /* all of it, because that is less than the range */
        object->size = (int64_t)ranged->got;
        return QL_OK;
    }
    struct ql_str range = ql_http_response_get(response, "content-range");
    if (!parse_content_range(range, &object->tail_offset, &object->size) ||
        object->size - object->tail_offset != (int64_t)ranged->got) {
        return QL_FAIL(err, QL_E_PROTOCOL, "S3 answered a range with '%.*s' and %zu bytes", QL_STR_ARG(range), ranged->got);
    }
    return QL_OK;
}

static bool is_break(enum ql_status status) {
    return status == QL_E_TRUNCATED || status == QL_E_NETWORK || status == QL_E_TIMEOUT;
}

static enum ql_status open_tail(struct ql_s3_object *object, struct ql_err *err) {
    char range[48];
    enum ql_status status = QL_OK;
    (void)snprintf(range, sizeof range, "bytes=-%d", (int)TAIL);
    for (int breaks = 0; breaks < BREAKS_MAX; breaks++) {
        struct ranged ranged = {.ptr = ql_buf_reserve(&object->tail, TAIL), .len = TAIL};
        struct ql_s3_answer answer;
        status = get(object, range, &ranged, &answer, err);
        bool has_begun = ranged.got != 0;
        if (status == QL_OK) {
            status = take_opening(object, &answer, &ranged, err);
        }
        ql_s3_answer_fini(&answer);
        if (!is_break(status) || !has_begun) { /* without a byte ql_s3_send has tried often enough */
            break;
        }
    }
    return status;
}

enum ql_status ql_s3_object_open(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key,
                                 struct ql_s3_object **object, struct ql_err *err) {
    struct ql_s3_object *opened = ql_mem_zalloc(1, sizeof *opened);
    opened->client = client;
    ql_buf_put_str(&opened->bucket, bucket);
    ql_buf_put_str(&opened->key, key);
    enum ql_status status = open_tail(opened, err);
    if (status != QL_OK) {
        ql_s3_object_free(opened);
        return status;
    }
    *object = opened;
    return QL_OK;
}

void ql_s3_object_free(struct ql_s3_object *object) {
    if (object != NULL) {
        ql_buf_fini(&object->bucket);
        ql_buf_fini(&object->key);
        ql_buf_fini(&object->etag);
        ql_buf_fini(&object->tail);
        ql_mem_free(object);
    }
}

int64_t ql_s3_object_size(const struct ql_s3_object *object) {
    return object->size;
}

static enum ql_status check_piece(const struct ql_s3_object *object, const struct ql_s3_answer *answer,
                                  const struct ranged *ranged, struct ql_err *err) {
    if (answer->response.status == 412 || answer->response.status == 416) {
        (void)QL_FAIL(err, QL_E_IO, "'s3://%.*s/%.*s' was replaced while it was read", QL_STR_ARG(ql_buf_view(&object->bucket)),
                      QL_STR_ARG(ql_buf_view(&object->key)));
        ql_err_hint(err, "run again");
        return QL_E_IO;
    }
    if (answer->response.status != 206 || ranged->got != ranged->len) {
        return QL_FAIL(err, QL_E_PROTOCOL, "S3 answered a range of %zu bytes with status %ld and %zu bytes", ranged->len,
                       answer->response.status, ranged->got);
    }
    return QL_OK;
}

static enum ql_status read_piece(const struct ql_s3_object *object, int64_t offset, char *ptr, size_t len, struct ql_err *err) {
    enum ql_status status = QL_OK;
    for (int breaks = 0; breaks < BREAKS_MAX && len != 0;) {
        char range[64];
        struct ranged ranged = {.ptr = ptr, .len = len};
        struct ql_s3_answer answer;
        (void)snprintf(range, sizeof range, "bytes=%" PRId64 "-%" PRId64, offset, offset + (int64_t)len - 1);
        status = get(object, range, &ranged, &answer, err);
        if (status == QL_OK) {
            status = check_piece(object, &answer, &ranged, err);
        }
        ql_s3_answer_fini(&answer);
        if (status == QL_OK || !is_break(status) || ranged.got == 0) {
            return status;
        }
        breaks++;
        ptr += ranged.got;
        offset += (int64_t)ranged.got;
        len -= ranged.got;
    }
    return len == 0 ? QL_OK : status;
}

enum ql_status ql_s3_object_read_at(const struct ql_s3_object *object, int64_t offset, void *ptr, size_t len,
                                    struct ql_err *err) {
    char *at = ptr;
    while (len != 0 && offset < object->tail_offset) {
        int64_t left = object->tail_offset - offset;
        size_t piece = len < PIECE ? len : PIECE;
        piece = (int64_t)piece < left ? piece : (size_t)left;
        QL_TRY(read_piece(object, offset, at, piece, err));
        at += piece;
        offset += (int64_t)piece;
        len -= piece;
    }
    if (len != 0) {
        memcpy(at, object->tail.ptr + (offset - object->tail_offset), len);
    }
    return QL_OK;
}
