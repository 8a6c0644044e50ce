/**
 * A multipart upload whose parts are sent while later ones are still made.
 *
 * The spool holds the bytes on disk, a part is a range of it: each thread hashes its range and sends it, so memory does not grow
 * with the size of a part or with their number. Who writes waits while more than a few parts are unsent: then the network is
 * what takes time, and the disk need not fill. Nothing is visible before the parts are joined; whatever goes wrong before, the
 * upload is ended, and what cannot be ended stays noted.
 *
 * The mark, a random number in the object's metadata, tells our object from another's where an answer was lost: a
 * CompleteMultipartUpload that was carried out answers its repetition with NoSuchUpload, or, under a condition, with a 412.
 */
#include "store/s3_object.h"

#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

enum {
    MAX_THREADS = 32,
    UNSENT_PER_THREAD = 2, /* parts that wait before the writer waits for them */
    BLOCK_BYTES = 256 * 1024,
    MARK_BYTES = 16,
    STEADY_PARTS = 5000, /* so many are of the first size, as R2 wants all to be; then each thousand doubles */
    GROWTH_PARTS = 1000
};
static const int64_t MAX_PART_BYTES = INT64_C(5) << 30; /* "Amazon S3 multipart upload limits" */
static const int64_t DEFAULT_PART_BYTES = INT64_C(16) << 20;

struct part {
    int64_t offset, size;
    char *etag;
    struct ql_checksum_text checksum;
};

struct ql_s3_parts {
    struct ql_s3_object object; /* its key is a copy */
    char *key, *upload_id;
    char mark[2 * MARK_BYTES + 1];
    int64_t base, total; /* sizes: of a part, of the whole (-1: unknown) */
    int64_t offered;     /* bytes that are in parts */
    bool forgets_sent;
    bool is_over; /* joined, or ended */
    struct ql_upload_note *note;
    pthread_t threads[MAX_THREADS];
    size_t n_threads;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t is_work, is_room;
    struct part *parts;
    size_t n_parts, cap_parts, n_taken, n_done;
    bool is_closed; /* no more parts will come */
    enum ql_status status;
    struct ql_err err; /* of the first part that failed */
};

int64_t ql_s3_part_size(int64_t base, int64_t total, int number) {
    enum { UNIT = 1024 * 1024 };
    int64_t size = base != 0 ? base : DEFAULT_PART_BYTES;
    if (total >= 0) {
        int64_t least = (total + QL_S3_MAX_PARTS - 1) / QL_S3_MAX_PARTS;
        int64_t rounded = (least + UNIT - 1) / UNIT * UNIT;
        return size < least ? (rounded < MAX_PART_BYTES ? rounded : MAX_PART_BYTES) : size;
    }
    for (int n = STEADY_PARTS; n < number && size < MAX_PART_BYTES; n += GROWTH_PARTS) {
        size *= 2;
    }
    return size < MAX_PART_BYTES ? size : MAX_PART_BYTES;
}

static const struct ql_s3_options *options_of(const struct ql_s3_parts *parts) {
    return ql_s3_client_options(parts->object.client);
}

/* ---- one part */

static enum ql_status read_part(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    const struct part *part = ((const struct part *const *)ctx)[0];
    const struct ql_spool *spool = ((const struct ql_spool *const *)ctx)[1];
    int64_t rest = part->size - offset;
    *got = 0;
    if (rest <= 0) {
        return QL_OK;
    }
    return ql_spool_read_file(spool, part->offset + offset, ptr, (uint64_t)rest < len ? (size_t)rest : len, got, err);
}

/* Both hashes by one reading. */
static enum ql_status hash_part(const struct ql_s3_parts *parts, const struct ql_http_body_source *source,
                                char sha256_text[QL_SHA256_HEX_SIZE], struct ql_checksum_text *checksum_text,
                                struct ql_err *err) {
    struct ql_sha256 *sha256 = ql_sha256_new();
    struct ql_checksum *checksum = ql_checksum_new(options_of(parts)->checksum);
    char *block = ql_mem_alloc(BLOCK_BYTES);
    enum ql_status status = QL_OK;
    size_t got = 0;
    for (int64_t at = 0; at < source->size && status == QL_OK; at += (int64_t)got) {
        status = source->read(source->ctx, at, block, BLOCK_BYTES, &got, err);
        ql_sha256_update(sha256, block, status == QL_OK ? got : 0);
        ql_checksum_update(checksum, block, status == QL_OK ? got : 0);
    }
    uint8_t digest[QL_SHA256_SIZE];
    ql_sha256_take(sha256, digest);
    ql_hex(digest, sizeof digest, sha256_text);
    ql_checksum_text_take(checksum, checksum_text);
    ql_mem_free(block);
    ql_checksum_free(checksum);
    ql_sha256_free(sha256);
    return status;
}

static enum ql_status take_answer(struct part *part, const struct ql_s3_answer *answer, enum ql_checksum_kind kind,
                                  struct ql_err *err) {
    struct ql_str etag = ql_http_response_get(&answer->response, "etag");
    if (etag.len == 0) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer to a part is not one of S3 (it has no ETag)");
    }
    QL_TRY(ql_s3_checksum_verify(&answer->response, kind, &part->checksum, err));
    part->etag = ql_mem_strndup(etag.ptr, etag.len);
    return QL_OK;
}

static enum ql_status send_part(const struct ql_s3_parts *parts, struct part *part, int number, struct ql_err *err) {
    const struct ql_s3_object *object = &parts->object;
    enum ql_checksum_kind kind = options_of(parts)->checksum;
    const void *range[2] = {part, object->spool};
    const struct ql_http_body_source source = {.read = read_part, .ctx = (void *)range, .size = part->size};
    char sha256[QL_SHA256_HEX_SIZE];
    QL_TRY(hash_part(parts, &source, sha256, &part->checksum, err));
    char number_text[16];
    struct ql_buf about = {0};
    (void)snprintf(number_text, sizeof number_text, "%d", number);
    ql_buf_printf(&about, "part %d of %s", number, parts->key);
    const struct ql_http_header query[] = {{QL_STR("partNumber"), ql_str_from(number_text)},
                                           {QL_STR("uploadId"), ql_str_from(parts->upload_id)}};
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
                                          .about = ql_buf_view(&about)};
    struct ql_s3_answer answer = {0};
    enum ql_status status = ql_s3_send(object->client, &request, &answer, err);
    if (status == QL_OK) {
        status = take_answer(part, &answer, kind, err);
    }
    ql_s3_answer_fini(&answer);
    ql_s3_headers_fini(&headers);
    ql_buf_fini(&about);
    return status;
}

/* ---- the threads */

/* Waits for a part; false: there is none to come, or no use in it. */
static bool take_part(struct ql_s3_parts *parts, struct part *part, size_t *i) {
    (void)pthread_mutex_lock(&parts->mutex);
    while (parts->n_taken == parts->n_parts && !parts->is_closed && parts->status == QL_OK) {
        (void)pthread_cond_wait(&parts->is_work, &parts->mutex);
    }
    bool is_one = parts->status == QL_OK && parts->n_taken < parts->n_parts;
    if (is_one) {
        *i = parts->n_taken++;
        *part = parts->parts[*i];
        (void)pthread_cond_broadcast(&parts->is_room);
    }
    (void)pthread_mutex_unlock(&parts->mutex);
    return is_one;
}

static void give_back(struct ql_s3_parts *parts, const struct part *part, size_t i, enum ql_status status,
                      const struct ql_err *err) {
    (void)pthread_mutex_lock(&parts->mutex);
    parts->parts[i] = *part;
    parts->n_done++;
    if (status != QL_OK && parts->status == QL_OK) {
        parts->status = status;
        parts->err = *err;
    }
    (void)pthread_cond_broadcast(&parts->is_work);
    (void)pthread_cond_broadcast(&parts->is_room);
    (void)pthread_mutex_unlock(&parts->mutex);
}

static void *work(void *argument) {
    struct ql_s3_parts *parts = argument;
    struct part part;
    size_t i = 0;
    while (take_part(parts, &part, &i)) {
        struct ql_err err = {0};
        enum ql_status status = send_part(parts, &part, (int)i + 1, &err);
        if (status == QL_OK && parts->forgets_sent) {
            ql_spool_forget(parts->object.spool, part.offset, part.size);
        }
        give_back(parts, &part, i, status, &err);
    }
    return NULL;
}

/* Signals stay the main thread's: it is the one whose waits they are to interrupt. */
static enum ql_status start_threads(struct ql_s3_parts *parts, struct ql_err *err) {
    int wanted = options_of(parts)->concurrency;
    size_t n = wanted < 1 ? 4 : wanted < MAX_THREADS ? (size_t)wanted : MAX_THREADS;
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (parts->n_threads < n && pthread_create(&parts->threads[parts->n_threads], NULL, work, parts) == 0) {
        parts->n_threads++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return parts->n_threads != 0 ? QL_OK : QL_FAIL(err, QL_E_SYSTEM, "the system gives no thread to send parts by");
}

static void stop_threads(struct ql_s3_parts *parts) {
    (void)pthread_mutex_lock(&parts->mutex);
    parts->is_closed = true;
    (void)pthread_cond_broadcast(&parts->is_work);
    (void)pthread_mutex_unlock(&parts->mutex);
    for (size_t i = 0; i < parts->n_threads; i++) {
        (void)pthread_join(parts->threads[i], NULL); /* cannot fail: joined once, by its starter */
    }
    parts->n_threads = 0;
}

/* ---- ending an upload */

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
        state = answer.response.status == 404 ? UPLOAD_GONE : has_parts ? UPLOAD_HAS_PARTS : UPLOAD_EMPTY;
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
    *was_gone = status == QL_OK && answer.response.status == 404;
    ql_s3_answer_fini(&answer);
    return status;
}

/* "if any part uploads are currently in progress, those part uploads might or might not succeed. As a result, it might be
 * necessary to abort a given multipart upload multiple times" (AbortMultipartUpload). was_gone: by the first try. */
static enum ql_status abort_upload(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key,
                                   struct ql_str upload_id, bool *was_gone, struct ql_err *err) {
    enum { TRIES = 3 };
    QL_TRY(abort_once(client, bucket, key, upload_id, was_gone, err));
    bool is_gone = *was_gone;
    for (int i = 1; i < TRIES && !is_gone; i++) {
        enum upload_state state = look_at_upload(client, bucket, key, upload_id);
        if (state != UPLOAD_HAS_PARTS && state != UPLOAD_EMPTY) {
            return QL_OK;
        }
        QL_TRY(abort_once(client, bucket, key, upload_id, &is_gone, err));
    }
    return QL_OK;
}

enum ql_status ql_s3_upload_abort(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key, struct ql_str upload_id,
                                  struct ql_err *err) {
    bool was_gone = false;
    return abort_upload(client, bucket, key, upload_id, &was_gone, err);
}

static void warn(const struct ql_s3_options *options, const struct ql_buf *text) {
    if (options->on_warning != NULL) {
        options->on_warning(options->on_warning_ctx, ql_buf_text(text));
    }
}

static void end_upload(struct ql_s3_parts *parts, bool *was_gone) {
    const struct ql_s3_object *object = &parts->object;
    struct ql_err err = {0};
    *was_gone = false;
    parts->is_over = true;
    ql_s3_client_begin_cleanup(object->client);
    enum ql_status status =
        abort_upload(object->client, object->bucket, object->key, ql_str_from(parts->upload_id), was_gone, &err);
    ql_s3_client_end_cleanup(object->client);
    ql_upload_note_free(parts->note, status != QL_OK);
    parts->note = NULL;
    if (status != QL_OK) {
        struct ql_buf text = {0};
        ql_buf_printf(&text,
                      "the unfinished upload of 's3://%.*s/%.200s' could not be ended and keeps its parts until the next run or "
                      "'queuelake check --orphans --abort' ends it: %.200s",
                      QL_STR_ARG(object->bucket), parts->key, err.message);
        warn(options_of(parts), &text);
        ql_buf_fini(&text);
    }
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

struct stray {
    struct ql_s3_parts *parts;
};

/* A creation whose answer was lost has made an upload without parts, which nobody will ever use. */
static void end_stray(void *ctx, struct ql_str key, struct ql_str id, struct ql_str initiated) {
    const struct ql_s3_parts *parts = ctx;
    const struct ql_s3_object *object = &parts->object;
    (void)initiated;
    bool is_ours = parts->upload_id != NULL && ql_str_eq(id, ql_str_from(parts->upload_id));
    if (!is_ours && ql_str_eq(key, object->key) && !ql_upload_notes_is_running(options_of(parts)->state_dir, id) &&
        look_at_upload(object->client, object->bucket, key, id) == UPLOAD_EMPTY) {
        bool was_gone;
        (void)abort_once(object->client, object->bucket, key, id, &was_gone, NULL); /* it holds nothing; no harm if it stays */
    }
}

static enum ql_status create(struct ql_s3_parts *parts, struct ql_err *err) {
    const struct ql_s3_object *object = &parts->object;
    const struct ql_s3_options *options = options_of(parts);
    struct ql_s3_headers headers = {0};
    struct ql_buf id = {0};
    ql_s3_headers_add_object(&headers, options, object->publication);
    ql_s3_headers_add(&headers, QL_S3_META "sha256", ql_str_from(object->sha256));
    ql_s3_headers_add(&headers, QL_S3_META "upload", ql_str_from(parts->mark));
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
    if (status == QL_OK &&
        !ql_xml_text(ql_buf_view(&answer.response.body), "InitiateMultipartUploadResult/UploadId", &id)) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the server began an upload of 's3://%.*s/%.200s' without an id",
                         QL_STR_ARG(object->bucket), parts->key);
    }
    if (status == QL_OK) {
        parts->upload_id = ql_buf_take(&id);
        status = ql_s3_encryption_verify(options, &answer.response, err);
    }
    if (answer.may_have_acted) {
        ql_s3_client_begin_cleanup(object->client);
        (void)ql_s3_uploads_list(object->client, object->bucket, object->key, end_stray, parts, NULL); /* as end_stray */
        ql_s3_client_end_cleanup(object->client);
    }
    ql_buf_fini(&id);
    ql_s3_answer_fini(&answer);
    ql_s3_headers_fini(&headers);
    return status;
}

/* A run must not fail for a folder that only crashes need. */
static void note_upload(struct ql_s3_parts *parts) {
    const struct ql_s3_options *options = options_of(parts);
    const struct ql_upload upload = {.endpoint = options->endpoint,
                                     .region = options->region,
                                     .bucket = parts->object.bucket,
                                     .key = parts->object.key,
                                     .upload_id = ql_str_from(parts->upload_id),
                                     .started_us = ql_s3_client_world(parts->object.client)->now_us()};
    struct ql_err err = {0};
    bool has_folder = options->state_dir.len != 0;
    if (!has_folder || ql_upload_note_new(options->state_dir, &upload, &parts->note, &err) != QL_OK) {
        struct ql_buf text = {0};
        ql_buf_printf(&text, "the upload is not noted, so that no later run would end it after a crash: %.300s",
                      has_folder ? err.message : "there is no folder for it (--state-dir, XDG_STATE_HOME or HOME)");
        warn(options, &text);
        ql_buf_fini(&text);
    }
}

static enum ql_status make_mark(char mark[2 * MARK_BYTES + 1], struct ql_err *err) {
    uint8_t random[MARK_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return QL_FAIL(err, QL_E_SYSTEM, "the system gives no random bytes");
    }
    ql_hex(random, sizeof random, mark);
    return QL_OK;
}

enum ql_status ql_s3_parts_begin(const struct ql_s3_object *object, int64_t total, bool forgets_sent,
                                 struct ql_s3_parts **parts, struct ql_err *err) {
    *parts = NULL;
    struct ql_s3_parts *made = ql_mem_zalloc(1, sizeof *made);
    made->object = *object;
    made->key = ql_mem_strndup(object->key.ptr, object->key.len);
    made->object.key.ptr = made->key;
    made->base = options_of(made)->part_size;
    made->total = total;
    made->forgets_sent = forgets_sent;
    (void)pthread_mutex_init(&made->mutex, NULL);
    (void)pthread_cond_init(&made->is_work, NULL);
    (void)pthread_cond_init(&made->is_room, NULL);
    enum ql_status status = ql_spool_to_file(object->spool, err);
    if (status == QL_OK) {
        status = make_mark(made->mark, err);
    }
    if (status == QL_OK) {
        status = create(made, err);
    }
    if (status == QL_OK) {
        note_upload(made);
        status = start_threads(made, err);
    }
    if (status != QL_OK) {
        ql_s3_parts_free(made);
        return status;
    }
    *parts = made;
    return QL_OK;
}

/* ---- giving parts */

static enum ql_status state_of(struct ql_s3_parts *parts, struct ql_err *err) {
    if (parts->status != QL_OK && err != NULL) {
        *err = parts->err;
    }
    return parts->status;
}

static enum ql_status add_part(struct ql_s3_parts *parts, int64_t size, struct ql_err *err) {
    (void)pthread_mutex_lock(&parts->mutex);
    enum ql_status status = state_of(parts, err);
    if (status == QL_OK && parts->n_parts == QL_S3_MAX_PARTS) {
        status = QL_FAIL(err, QL_E_LIMIT, "the artefact needs more than %d parts", QL_S3_MAX_PARTS);
        ql_err_hint(err, "raise --s3-part-size, or export a shorter range at a time");
    }
    if (status == QL_OK) {
        QL_MEM_GROW(parts->parts, parts->cap_parts, parts->n_parts + 1);
        parts->parts[parts->n_parts++] = (struct part){.offset = parts->offered, .size = size};
        parts->offered += size;
        (void)pthread_cond_broadcast(&parts->is_work);
    }
    while (parts->status == QL_OK && parts->n_parts - parts->n_taken > UNSENT_PER_THREAD * parts->n_threads) {
        (void)pthread_cond_wait(&parts->is_room, &parts->mutex);
    }
    status = status == QL_OK ? state_of(parts, err) : status;
    (void)pthread_mutex_unlock(&parts->mutex);
    return status;
}

static int64_t next_size(const struct ql_s3_parts *parts) {
    return ql_s3_part_size(parts->base, parts->total, (int)parts->n_parts + 1);
}

enum ql_status ql_s3_parts_offer(struct ql_s3_parts *parts, int64_t size, struct ql_err *err) {
    if (size - parts->offered < next_size(parts)) {
        return QL_OK;
    }
    QL_TRY(ql_spool_finish(parts->object.spool, err));
    while (size - parts->offered >= next_size(parts)) {
        QL_TRY(add_part(parts, next_size(parts), err));
    }
    return QL_OK;
}

/* ---- joining them */

static void put_escaped(const char *text, struct ql_buf *out) {
    for (; *text != '\0'; text++) {
        if (*text == '&' || *text == '<' || *text == '>') {
            ql_buf_puts(out, *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : "&gt;");
        } else {
            ql_buf_putc(out, *text);
        }
    }
}

static void put_document(const struct ql_s3_parts *parts, struct ql_buf *out) {
    const char *element = ql_s3_checksum_element(options_of(parts)->checksum);
    ql_buf_puts(out, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < parts->n_parts; i++) {
        ql_buf_puts(out, "<Part><ETag>");
        put_escaped(parts->parts[i].etag, out);
        ql_buf_puts(out, "</ETag>");
        if (element != NULL) {
            ql_buf_printf(out, "<%s>%s</%s>", element, parts->parts[i].checksum.text, element);
        }
        ql_buf_printf(out, "<PartNumber>%zu</PartNumber></Part>", i + 1);
    }
    ql_buf_puts(out, "</CompleteMultipartUpload>");
}

/* What S3 should have for the whole: of a CRC the one of all bytes, of SHA-256 the one of the parts' and their number
 * ("Checking object integrity", S3 user guide). */
static void put_whole_checksum(const struct ql_s3_parts *parts, const char *checksum, struct ql_buf *out) {
    enum ql_checksum_kind kind = options_of(parts)->checksum;
    if (kind != QL_CHECKSUM_SHA256) {
        ql_buf_puts(out, checksum != NULL ? checksum : "");
        return;
    }
    struct ql_sha256 *sha256 = ql_sha256_new();
    uint8_t digest[QL_SHA256_SIZE];
    for (size_t i = 0; i < parts->n_parts; i++) {
        ql_base64_decode(ql_str_from(parts->parts[i].checksum.text), digest, sizeof digest);
        ql_sha256_update(sha256, digest, sizeof digest);
    }
    ql_sha256_take(sha256, digest);
    ql_base64(digest, sizeof digest, out);
    ql_buf_printf(out, "-%zu", parts->n_parts);
    ql_sha256_free(sha256);
}

static enum ql_status check_joined(const struct ql_s3_parts *parts, struct ql_str body, struct ql_str whole,
                                   struct ql_stored *stored, struct ql_err *err) {
    struct ql_buf text = {0};
    char path[80];
    enum ql_status status = QL_OK;
    if (ql_xml_text(body, "CompleteMultipartUploadResult/ETag", &text)) {
        ql_s3_copy_text(ql_buf_view(&text), stored->etag, sizeof stored->etag);
    }
    ql_buf_reset(&text);
    const char *element = ql_s3_checksum_element(options_of(parts)->checksum);
    (void)snprintf(path, sizeof path, "CompleteMultipartUploadResult/%s", element != NULL ? element : "");
    if (element != NULL && ql_xml_text(body, path, &text) && !ql_str_eq(ql_buf_view(&text), whole)) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the server joined the parts of 's3://%.*s/%.200s' to the checksum '%.60s', not '%.60s'",
                         QL_STR_ARG(parts->object.bucket), parts->key, ql_buf_text(&text), whole.ptr);
    }
    ql_buf_fini(&text);
    return status;
}

static enum ql_status join_parts(struct ql_s3_parts *parts, struct ql_str whole, struct ql_s3_answer *answer,
                                 struct ql_err *err) {
    const struct ql_s3_object *object = &parts->object;
    enum ql_checksum_kind kind = options_of(parts)->checksum;
    const char *element = ql_s3_checksum_element(kind);
    struct ql_buf document = {0};
    put_document(parts, &document);
    const struct ql_http_header query[] = {{QL_STR("uploadId"), ql_str_from(parts->upload_id)}};
    struct ql_s3_headers headers = {0};
    ql_s3_headers_add(&headers, "content-type", QL_STR("application/xml"));
    if (element != NULL) {
        ql_s3_headers_add(&headers, "x-amz-checksum-type",
                          kind == QL_CHECKSUM_SHA256 ? QL_STR("COMPOSITE") : QL_STR("FULL_OBJECT"));
        ql_s3_headers_add(&headers, kind == QL_CHECKSUM_SHA256 ? "" : ql_s3_checksum_header(kind),
                          kind == QL_CHECKSUM_SHA256 ? (struct ql_str){0} : whole);
    }
    struct ql_s3_request request = {.act = QL_S3_JOIN_PARTS,
                                    .method = "POST",
                                    .bucket = object->bucket,
                                    .key = object->key,
                                    .query = query,
                                    .n_query = 1,
                                    .payload = {.bytes = ql_buf_view(&document)},
                                    .root = "CompleteMultipartUploadResult",
                                    .accepted = {404}};
    if (object->must_be_new) {
        ql_s3_headers_add(&headers, "if-none-match", QL_STR("*"));
        request.accepted[1] = 412;
        request.accepted[2] = 304;
        request.accepted[3] = 409;
    }
    request.headers = headers.items;
    request.n_headers = headers.n;
    enum ql_status status = ql_s3_send(object->client, &request, answer, err);
    if (status != QL_OK && object->must_be_new && answer->response.status == 501) {
        ql_err_hint(err, "this server has no conditional writes; only --if-exists replace works without them");
    }
    ql_s3_headers_fini(&headers);
    ql_buf_fini(&document);
    return status;
}

/* Whether what is there was made by this upload. */
static bool is_ours_there(const struct ql_s3_parts *parts, struct ql_stored *stored) {
    struct ql_s3_seen seen;
    if (ql_s3_look(parts->object.client, parts->object.bucket, parts->object.key, &seen, NULL) != QL_OK ||
        seen.sight != QL_S3_PRESENT || strcmp(seen.upload, parts->mark) != 0) {
        return false;
    }
    memcpy(stored->etag, seen.stored.etag, sizeof stored->etag);
    memcpy(stored->version_id, seen.stored.version_id, sizeof stored->version_id);
    memcpy(stored->server_side_encryption, seen.stored.server_side_encryption, sizeof stored->server_side_encryption);
    return true;
}

static enum ql_status fail_gone(const struct ql_s3_parts *parts, struct ql_err *err) {
    (void)QL_FAIL(err, QL_E_S3, "the upload of 's3://%.*s/%.200s' is gone before its parts were joined (NoSuchUpload)",
                  QL_STR_ARG(parts->object.bucket), parts->key);
    ql_err_hint(err, "a lifecycle rule, or 'check --orphans --abort' somewhere else, has ended it: run again");
    return QL_E_S3;
}

/* What the answer to CompleteMultipartUpload means. */
static enum ql_status judge(struct ql_s3_parts *parts, const struct ql_s3_answer *answer, struct ql_str whole,
                            enum ql_s3_outcome *outcome, struct ql_stored *stored, struct ql_err *err) {
    long status = answer->response.status;
    if (status >= 200 && status <= 299) {
        parts->is_over = true;
        ql_s3_note_answer(&answer->response, stored);
        return check_joined(parts, ql_buf_view(&answer->response.body), whole, stored, err);
    }
    if (status != 409 && is_ours_there(parts, stored)) { /* the answer to an earlier try was lost */
        parts->is_over = true;
        return QL_OK;
    }
    *outcome = status == 409 ? QL_S3_OUTCOME_CONFLICT : QL_S3_OUTCOME_EXISTS;
    if (status == 404) {
        parts->is_over = true;
        return fail_gone(parts, err);
    }
    return QL_OK;
}

/* A failure that may have acted: ending the upload decides. If there is nothing to end, the parts may have been joined. */
static enum ql_status settle(struct ql_s3_parts *parts, enum ql_status status, struct ql_stored *stored) {
    bool was_gone = false;
    end_upload(parts, &was_gone);
    if (was_gone) {
        ql_s3_client_begin_cleanup(parts->object.client);
        status = is_ours_there(parts, stored) ? QL_OK : status;
        ql_s3_client_end_cleanup(parts->object.client);
    }
    return status;
}

static enum ql_status send_rest(struct ql_s3_parts *parts, int64_t size, struct ql_err *err) {
    QL_TRY(ql_s3_parts_offer(parts, size, err));
    QL_TRY(ql_spool_finish(parts->object.spool, err));
    if (size > parts->offered) {
        QL_TRY(add_part(parts, size - parts->offered, err));
    }
    stop_threads(parts);
    return state_of(parts, err);
}

enum ql_status ql_s3_parts_finish(struct ql_s3_parts *parts, int64_t size, const char *checksum, enum ql_s3_outcome *outcome,
                                  struct ql_stored *stored, struct ql_err *err) {
    struct ql_s3_answer answer = {0};
    struct ql_buf whole = {0};
    *outcome = QL_S3_OUTCOME_STORED;
    QL_TRY(send_rest(parts, size, err));
    put_whole_checksum(parts, checksum, &whole);
    ql_buf_puts(&whole, "");
    enum ql_status status = join_parts(parts, ql_buf_view(&whole), &answer, err);
    status = status == QL_OK ? judge(parts, &answer, ql_buf_view(&whole), outcome, stored, err) : settle(parts, status, stored);
    ql_s3_answer_fini(&answer);
    ql_buf_fini(&whole);
    stored->n_parts = (int)parts->n_parts;
    return status;
}

void ql_s3_parts_free(struct ql_s3_parts *parts) {
    if (parts == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&parts->mutex);
    parts->status = parts->status == QL_OK && !parts->is_closed ? QL_E_CANCELLED : parts->status; /* unsent parts stay unsent */
    (void)pthread_mutex_unlock(&parts->mutex);
    stop_threads(parts);
    if (!parts->is_over && parts->upload_id != NULL) {
        bool was_gone;
        end_upload(parts, &was_gone);
    }
    ql_upload_note_free(parts->note, false);
    for (size_t i = 0; i < parts->n_parts; i++) {
        ql_mem_free(parts->parts[i].etag);
    }
    (void)pthread_mutex_destroy(&parts->mutex);
    (void)pthread_cond_destroy(&parts->is_work);
    (void)pthread_cond_destroy(&parts->is_room);
    ql_mem_free(parts->parts);
    ql_mem_free(parts->upload_id);
    ql_mem_free(parts->key);
    ql_mem_free(parts);
}
