/**
 * S3 as a model in memory that loses answers, refuses, and changes bytes: a bucket with one key and its uploads, as the S3 API
 * reference describes them, and one upload against it.
 */
#ifndef QL_TESTS_S3_MODEL_H
#define QL_TESTS_S3_MODEL_H

#include "support/test.h"

#include "base/mem.h"
#include "store/s3_object.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, MAX_UPLOADS = 8, MAX_PARTS_HERE = 16, N_OPS = 7 };
enum op { OP_HEAD, OP_PUT, OP_CREATE, OP_PART, OP_JOIN, OP_ABORT, OP_LIST };
enum fault_kind {
    NO_FAULT,
    LOST,        /* it is carried out, and the connection breaks before the answer */
    ERROR_500,   /* not carried out */
    REFUSED_403, /* likewise */
    RACE,        /* somebody else stores the object just before */
    CONFLICT,    /* 409 */
    OTHER_SUM,   /* carried out, but the answer has another checksum */
    STORED_304,  /* as MinIO once answered If-None-Match */
    UNKNOWN_501,
    OTHERS_404,    /* not S3's */
    NO_BUCKET_404, /* S3 says so of the bucket */
    OTHERS_200,
    LOST_BEHIND_200, /* carried out, and an error is all that the answer has */
    STOPPED,         /* carried out, and we were told to stop before the answer came */
    LINGERS,         /* LOST, and the upload can still be "ended" */
    SILENT_204,      /* an answer of success, and nothing was done */
    GONE_412         /* there was something, and it is gone again */
};

struct upload_model {
    bool exists;
    int64_t begun_us;
    char mark[64], sha256[80];
    struct ql_buf parts[MAX_PARTS_HERE];
};
/** The bucket: one key, its uploads. */
static struct {
    pthread_mutex_t mutex;
    bool has_object;
    struct ql_buf object;
    char object_mark[64], object_sha256[80];
    struct upload_model uploads[MAX_UPLOADS];
    int n_uploads;
    struct fault {
        enum fault_kind kind;
        int first, last; /* of the requests of this kind, from 1 */
    } faults[N_OPS], later[N_OPS];
    int counts[N_OPS];
} s3 = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static inline void s3_clear(void) {
    ql_buf_fini(&s3.object);
    for (int i = 0; i < MAX_UPLOADS; i++) {
        for (int j = 0; j < MAX_PARTS_HERE; j++) {
            ql_buf_fini(&s3.uploads[i].parts[j]);
        }
    }
    memset((char *)&s3 + sizeof s3.mutex, 0, sizeof s3 - sizeof s3.mutex);
}

static inline void fault(enum op op, enum fault_kind kind, int first, int last) {
    s3.faults[op].kind = kind;
    s3.faults[op].first = first;
    s3.faults[op].last = last;
}

/* A second one, after those of fault. */
static inline void fault_later(enum op op, enum fault_kind kind, int first, int last) {
    s3.later[op] = (struct fault){.kind = kind, .first = first, .last = last};
}

static inline int n_unfinished(void) {
    int n = 0;
    for (int i = 0; i < s3.n_uploads; i++) {
        n += s3.uploads[i].exists;
    }
    return n;
}

static inline struct ql_str header_of(const struct ql_http_request *request, const char *name) {
    for (size_t i = 0; i < request->n_headers; i++) {
        if (ql_str_eq_nocase(request->headers[i].name, ql_str_from(name))) {
            return request->headers[i].value;
        }
    }
    return (struct ql_str){0};
}

static inline void copy(struct ql_str from, char *to, size_t size) {
    (void)snprintf(to, size, "%.*s", QL_STR_ARG(from));
}

static inline void take_body(const struct ql_http_request *request, struct ql_buf *out) {
    ql_buf_reset(out);
    size_t got = 1;
    while (request->source != NULL && got != 0) {
        static _Thread_local char piece[100001];
        assert_ok(request->source->read(request->source->ctx, (int64_t)out->len, piece, sizeof piece, &got, err));
        ql_buf_put(out, piece, got);
    }
}

static inline int number_in(const struct ql_http_request *request, const char *name) {
    char url[512];
    copy(request->url, url, sizeof url);
    const char *at = strstr(url, name);
    return at != NULL ? (int)strtol(at + strlen(name), NULL, 10) : 0;
}

static inline enum op op_of(const struct ql_http_request *request) {
    bool is_upload = number_in(request, "uploadId=") != 0;
    bool has_uploads = memmem(request->url.ptr, request->url.len, "?uploads=", 9) != NULL;
    if (strcmp(request->method, "HEAD") == 0) {
        return OP_HEAD;
    }
    if (strcmp(request->method, "PUT") == 0) {
        return is_upload ? OP_PART : OP_PUT;
    }
    if (strcmp(request->method, "POST") == 0) {
        return has_uploads ? OP_CREATE : OP_JOIN;
    }
    return strcmp(request->method, "DELETE") == 0 ? OP_ABORT : OP_LIST;
}

static inline void add(struct ql_http_response *response, const char *name, const char *value) {
    response->headers = ql_mem_realloc(response->headers, response->n_headers + 1, sizeof *response->headers);
    response->headers[response->n_headers++] = (struct ql_http_header){.name = ql_str_from(name), .value = ql_str_from(value)};
}

static inline void say(struct ql_http_response *response, long status, const char *body) {
    response->status = status;
    ql_buf_puts(&response->body, body);
}

static inline bool is_taken(const struct ql_http_request *request) {
    return header_of(request, "if-none-match").len != 0 && s3.has_object;
}

static inline void put_object(const struct ql_http_request *request, struct ql_http_response *response) {
    if (is_taken(request)) {
        say(response, 412, "<Error><Code>PreconditionFailed</Code></Error>");
        return;
    }
    take_body(request, &s3.object);
    s3.has_object = true;
    copy(header_of(request, QL_S3_META "sha256"), s3.object_sha256, sizeof s3.object_sha256);
    s3.object_mark[0] = '\0';
    say(response, 200, "");
    add(response, "etag", "\"put\"");
    add(response, "x-amz-server-side-encryption", "AES256");
}

static inline void head(struct ql_http_response *response) {
    response->status = s3.has_object ? 200 : 404;
    if (s3.has_object) {
        response->content_length = (int64_t)s3.object.len;
        add(response, "etag", "\"head\"");
        add(response, QL_S3_META "sha256", s3.object_sha256);
        add(response, QL_S3_META "upload", s3.object_mark);
    }
}

static inline void create(const struct ql_http_request *request, struct ql_http_response *response) {
    assert_true(s3.n_uploads < MAX_UPLOADS);
    struct upload_model *upload = &s3.uploads[s3.n_uploads++];
    upload->exists = true;
    upload->begun_us = ql_time_now();
    copy(header_of(request, QL_S3_META "upload"), upload->mark, sizeof upload->mark);
    copy(header_of(request, QL_S3_META "sha256"), upload->sha256, sizeof upload->sha256);
    response->status = 200;
    ql_buf_printf(&response->body, "<InitiateMultipartUploadResult><UploadId>%d</UploadId></InitiateMultipartUploadResult>",
                  s3.n_uploads);
}

static inline void join(const struct ql_http_request *request, struct upload_model *upload, struct ql_http_response *response) {
    struct ql_buf document = {0};
    take_body(request, &document);
    if (is_taken(request)) {
        say(response, 412, "<Error><Code>PreconditionFailed</Code></Error>");
        ql_buf_fini(&document);
        return;
    }
    ql_buf_reset(&s3.object);
    for (int i = 0; i < MAX_PARTS_HERE; i++) {
        char part[64];
        (void)snprintf(part, sizeof part, "<ETag>\"&amp;%d\"</ETag>", i + 1);
        bool is_named = strstr(ql_buf_text(&document), part) != NULL;
        assert_int_equal(is_named, upload->parts[i].len != 0);
        ql_buf_put_str(&s3.object, ql_buf_view(&upload->parts[i]));
    }
    ql_buf_fini(&document);
    s3.has_object = true;
    upload->exists = false;
    memcpy(s3.object_mark, upload->mark, sizeof s3.object_mark);
    memcpy(s3.object_sha256, upload->sha256, sizeof s3.object_sha256);
    say(response, 200,
        "   \n<CompleteMultipartUploadResult><ETag>\"joined-2\"</ETag><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>"
        "</CompleteMultipartUploadResult>");
}

static inline void list(const struct ql_http_request *request, struct upload_model *upload, struct ql_http_response *response) {
    response->status = 200;
    if (upload != NULL) {
        ql_buf_printf(&response->body, "<ListPartsResult>%s</ListPartsResult>",
                      upload->parts[0].len != 0 || upload->parts[1].len != 0 ? "<Part><PartNumber>1</PartNumber></Part>" : "");
        return;
    }
    assert_non_null(memmem(request->url.ptr, request->url.len, "?prefix=", 8));
    ql_buf_puts(&response->body, "<ListMultipartUploadsResult>");
    for (int i = 0; i < s3.n_uploads; i++) {
        if (s3.uploads[i].exists) {
            char begun[QL_TIME_TEXT_SIZE];
            (void)ql_time_format(s3.uploads[i].begun_us, begun);
            ql_buf_printf(&response->body,
                          "<Upload><Key>q/k.parquet</Key><UploadId>%d</UploadId><Initiated>%s</Initiated></Upload>", i + 1,
                          begun);
        }
    }
    ql_buf_puts(&response->body, "</ListMultipartUploadsResult>");
}

static inline void of_upload(const struct ql_http_request *request, enum op op, struct ql_http_response *response) {
    int id = number_in(request, "uploadId=");
    int number = number_in(request, "partNumber=");
    struct upload_model *upload = &s3.uploads[id - 1];
    static const char *const ETAGS[] = {"\"&1\"", "\"&2\"", "\"&3\"", "\"&4\"", "\"&5\""};
    if (!upload->exists) {
        say(response, 404, "<Error><Code>NoSuchUpload</Code></Error>");
    } else if (op == OP_PART) {
        take_body(request, &upload->parts[number - 1]);
        say(response, 200, "");
        add(response, "etag", ETAGS[number - 1]);
    } else if (op == OP_JOIN) {
        join(request, upload, response);
    } else if (op == OP_ABORT) {
        upload->exists = false;
        say(response, 204, "");
    } else {
        list(request, upload, response);
    }
}

static inline void act(const struct ql_http_request *request, enum op op, struct ql_http_response *response) {
    if (op == OP_HEAD) {
        head(response);
    } else if (op == OP_PUT) {
        put_object(request, response);
    } else if (op == OP_CREATE) {
        create(request, response);
    } else if (op == OP_LIST && number_in(request, "uploadId=") == 0) {
        list(request, NULL, response);
    } else {
        of_upload(request, op, response);
    }
}

static inline enum fault_kind kind_of(enum op op, int n) {
    const struct fault *first = &s3.faults[op];
    const struct fault *later = &s3.later[op];
    return n >= first->first && n <= first->last ? first->kind : n >= later->first && n <= later->last ? later->kind : NO_FAULT;
}

static inline enum ql_status send_with_fault(const struct ql_http_request *request, struct ql_http_response *response,
                                             struct ql_err *err) {
    enum op op = op_of(request);
    switch (kind_of(op, ++s3.counts[op])) {
    case LOST:
        act(request, op, response);
        response->fault = QL_HTTP_FAULT_TRANSIENT;
        response->was_sent = true;
        return QL_FAIL(err, QL_E_NETWORK, "the connection broke");
    case STOPPED:
        act(request, op, response);
        response->fault = QL_HTTP_FAULT_FINAL;
        response->was_sent = true;
        return QL_FAIL(err, QL_E_CANCELLED, "interrupted");
    case LINGERS:
        act(request, op, response);
        s3.uploads[number_in(request, "uploadId=") - 1].exists = true;
        response->fault = QL_HTTP_FAULT_TRANSIENT;
        response->was_sent = true;
        return QL_FAIL(err, QL_E_NETWORK, "the connection broke");
    case SILENT_204:
        say(response, 204, "");
        return QL_OK;
    case GONE_412:
        say(response, 412, "<Error><Code>PreconditionFailed</Code></Error>");
        return QL_OK;
    case ERROR_500:
        say(response, 500, "<Error><Code>InternalError</Code></Error>");
        return QL_OK;
    case REFUSED_403:
        say(response, 403, op == OP_HEAD ? "" : "<Error><Code>AccessDenied</Code></Error>");
        return QL_OK;
    case RACE:
        ql_buf_reset(&s3.object);
        ql_buf_puts(&s3.object, "another's");
        s3.object_mark[0] = s3.object_sha256[0] = '\0';
        s3.has_object = true;
        act(request, op, response);
        return QL_OK;
    case CONFLICT:
        say(response, 409, "<Error><Code>ConditionalRequestConflict</Code></Error>");
        return QL_OK;
    case OTHER_SUM:
        act(request, op, response);
        add(response, "x-amz-checksum-crc32c", "////////");
        return QL_OK;
    case STORED_304:
        act(request, op, response);
        ql_buf_reset(&response->body);
        response->status = response->status == 412 ? 304 : response->status;
        return QL_OK;
    case UNKNOWN_501:
        say(response, 501, "<Error><Code>NotImplemented</Code></Error>");
        return QL_OK;
    case OTHERS_404:
    case NO_BUCKET_404:
        say(response, 404,
            s3.faults[op].kind == OTHERS_404 ? "<html>nothing here</html>" : "<Error><Code>NoSuchBucket</Code></Error>");
        return QL_OK;
    case LOST_BEHIND_200:
        act(request, op, response);
        ql_buf_reset(&response->body);
        ql_buf_puts(&response->body, "<Error><Code>SlowDown</Code></Error>");
        return QL_OK;
    case OTHERS_200:
        say(response, 200, "");
        return QL_OK;
    case NO_FAULT:
    default:
        act(request, op, response);
        return QL_OK;
    }
}

static inline enum ql_status model_send(struct ql_http *http, const struct ql_http_request *request,
                                        struct ql_http_response *response, struct ql_err *err) {
    (void)http;
    *response = (struct ql_http_response){.content_length = -1, .retry_after_ms = -1};
    (void)pthread_mutex_lock(&s3.mutex);
    enum ql_status status = send_with_fault(request, response, err);
    (void)pthread_mutex_unlock(&s3.mutex);
    return status;
}

static inline enum ql_status no_wait(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err) {
    (void)http;
    (void)wait_ms;
    (void)reason;
    (void)err;
    return QL_OK;
}

static const struct ql_s3_world WORLD = {.send = model_send,
                                         .wait = no_wait,
                                         .random = ql_http_random,
                                         .now_us = ql_time_now,
                                         .monotonic_ms = ql_time_monotonic_ms,
                                         .disk = &QL_DISK,
                                         .max_memory_bytes = MIB};

/* ---- one upload ---- */

struct result {
    enum ql_status status;
    struct ql_err err;
    struct ql_stored stored;
    char warning[512];
    int n_warnings;
};

static inline void on_warning(void *ctx, const char *text) {
    struct result *result = ctx;
    result->n_warnings++;
    (void)snprintf(result->warning, sizeof result->warning, "%s", text);
}

static char folder[64];
static struct ql_buf bytes; /* what is stored, 11 MiB */
enum { LARGE = 11 * MIB, SMALL = 1000 };

static inline int set_up(void **state) {
    const struct ql_http_options options = {.user_agent = QL_STR("test"), .max_attempts = 1};
    struct ql_http *http = NULL;
    assert_ok(ql_http_new(&options, &http, err));
    (void)snprintf(folder, sizeof folder, "/tmp/ql_uploads_XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < LARGE / 8; i++) {
        ql_buf_put(&bytes, &i, sizeof i);
        ql_buf_put(&bytes, "four", 4);
    }
    *state = http;
    return 0;
}

static inline int tear_down(void **state) {
    char command[128];
    ql_http_free(*state);
    s3_clear();
    ql_buf_fini(&bytes);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); /* NOLINT(cert-env33-c): a path of our own */
}

static inline struct ql_s3_options some_options(void) {
    return (struct ql_s3_options){.access_key_id = QL_STR("AKIAIOSFODNN7EXAMPLE"),
                                  .secret_access_key = QL_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                  .max_attempts = 3,
                                  .multipart_threshold = 5 * MIB,
                                  .part_size = 5 * MIB,
                                  .state_dir = ql_str_from(folder)};
}

static inline struct result upload(void **state, struct ql_s3_options options, enum ql_if_exists if_exists, size_t size) {
    struct result result = {0};
    struct ql_s3_client *client = NULL;
    struct ql_store *store = NULL;
    const struct ql_publication publication = {.key = QL_STR("q/k.parquet"), .if_exists = if_exists};
    options.on_warning = on_warning;
    options.on_warning_ctx = &result;
    assert_ok(ql_s3_client_new_with(&WORLD, *state, &options, &client, err));
    assert_ok(ql_store_s3_open(client, QL_STR("lake"), &publication, &store, err));
    struct ql_sink sink = ql_store_sink(store);
    for (size_t at = 0; at < size && result.status == QL_OK; at += 333333) {
        result.status = sink.write(sink.ctx, bytes.ptr + at, size - at < 333333 ? size - at : 333333, &result.err);
    }
    if (result.status == QL_OK) {
        result.status = ql_store_commit(store, &publication, &result.stored, &result.err);
    }
    ql_store_free(store);
    ql_s3_client_free(client);
    return result;
}

static inline bool on_note(void *ctx, const struct ql_noted_upload *noted) {
    (*(int *)ctx) += noted->upload_id.len != 0;
    return false;
}
static inline int n_notes(void) {
    int n = 0;
    ql_upload_notes_left(ql_str_from(folder), on_note, &n);
    return n;
}

#define ASSERT_STORED(result, size)                                                    \
    do {                                                                               \
        if ((result).status != QL_OK) {                                                \
            fail_msg("%s: %s", ql_status_name((result).status), (result).err.message); \
        }                                                                              \
        assert_int_equal(s3.object.len, (size));                                       \
        assert_memory_equal(s3.object.ptr, bytes.ptr, (size));                         \
    } while (0)

static inline void assert_nothing_left(void) {
    assert_int_equal(n_unfinished(), 0);
    assert_int_equal(n_notes(), 0);
}

#define UPLOAD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
