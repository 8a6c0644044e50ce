/**
 * Parts of a multipart upload that are sent while later ones are still made.
 *
 * The spool holds the bytes on disk, a part is a range of it: each thread hashes its range and sends it, so memory does not
 * grow with the size of a part or with their number. Who writes waits while more than a few parts are unsent: then the network
 * is what takes time, and the disk need not fill. Nothing is visible before the parts are joined; whatever goes wrong before,
 * the upload is ended, and what cannot be ended stays noted.
 */
#include "store/s3_client.h"
#include "store/s3_object.h"

#include "base/mem.h"

#include <pthread.h>
#include <signal.h>

enum {
    MAX_THREADS = 32,
    UNSENT_PER_THREAD = 2, /* parts that wait before the writer waits for them */
    STEADY_PARTS = 5000,   /* so many are of the first size, as R2 wants all to be; then each thousand doubles */
    GROWTH_PARTS = 1000
};
static const int64_t MAX_PART_BYTES = INT64_C(5) << 30; /* "Amazon S3 multipart upload limits" */
static const int64_t DEFAULT_PART_BYTES = INT64_C(16) << 20;

struct ql_s3_parts {
    struct ql_s3_upload upload;
    struct ql_upload_note *note;
    int64_t total;   /* bytes of the whole; -1: unknown */
    int64_t offered; /* bytes that are in parts */
    bool forgets_sent;
    pthread_t threads[MAX_THREADS];
    size_t n_threads;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t is_work, is_room;
    struct ql_s3_part *parts;
    size_t n_parts, cap_parts, n_taken;
    bool is_closed; /* no more parts will come */
    enum ql_status status;
    struct ql_err err; /* of the first part that failed */
};

static const struct ql_s3_options *options_of(const struct ql_s3_parts *parts) {
    return ql_s3_client_options(parts->upload.object.client);
}

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

/* ---- the threads */

/* Waits for a part; false: there is none to come, or no use in it. */
static bool take_part(struct ql_s3_parts *parts, struct ql_s3_part *part, size_t *i) {
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

static void give_back(struct ql_s3_parts *parts, const struct ql_s3_part *part, size_t i, enum ql_status status,
                      const struct ql_err *err) {
    (void)pthread_mutex_lock(&parts->mutex);
    parts->parts[i] = *part;
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
    struct ql_s3_part part;
    size_t i = 0;
    while (take_part(parts, &part, &i)) {
        struct ql_err err = {0};
        enum ql_status status = ql_s3_upload_send(&parts->upload, &part, (int)i + 1, &err);
        if (status == QL_OK && parts->forgets_sent) {
            ql_spool_forget(parts->upload.object.spool, part.offset, part.size);
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

/* ---- the upload around them */

static void warn(const struct ql_s3_options *options, const struct ql_buf *text) {
    if (options->on_warning != NULL) {
        options->on_warning(options->on_warning_ctx, ql_buf_text(text));
    }
}

/* Whatever the state of the run: also after a signal or at the deadline. False: it could not be ended, or there was nothing to
 * end. */
static bool end_upload(struct ql_s3_parts *parts) {
    const struct ql_s3_object *object = &parts->upload.object;
    struct ql_err err = {0};
    bool was_gone = false;
    parts->upload.is_over = true;
    ql_s3_client_begin_cleanup(object->client);
    enum ql_status status =
        ql_s3_upload_abort(object->client, object->bucket, object->key, ql_str_from(parts->upload.id), false, &was_gone, &err);
    ql_s3_client_end_cleanup(object->client);
    ql_upload_note_free(parts->note, status != QL_OK);
    parts->note = NULL;
    if (status != QL_OK) {
        struct ql_buf text = {0};
        ql_buf_printf(
            &text,
            "the unfinished upload of 's3://%.*s/%.200s' could not be ended and keeps its parts until the next run or "
            "'queuelake check --orphans --abort' ends it: %.200s",
            QL_STR_ARG(object->bucket), parts->upload.key, err.message);
        warn(options_of(parts), &text);
        ql_buf_fini(&text);
    }
    return status == QL_OK && !was_gone;
}

/* Notes what is to be begun, and, once it has an id, that. A run must not fail for a folder that only crashes need. */
static void note_upload(struct ql_s3_parts *parts, const struct ql_s3_object *object) {
    const struct ql_s3_options *options = ql_s3_client_options(object->client);
    const struct ql_noted_upload upload = {.endpoint = options->endpoint,
                                           .region = options->region,
                                           .bucket = object->bucket,
                                           .key = object->key,
                                           .upload_id = ql_str_from(parts->upload.id),
                                           .started_us = ql_s3_client_now_us(object->client)};
    struct ql_err err = {0};
    enum ql_status status = QL_OK;
    if (parts->note != NULL) {
        status = ql_upload_note_set_id(parts->note, &upload, &err);
    } else if (parts->upload.id == NULL && options->state_dir.len != 0) {
        status = ql_upload_note_new(options->state_dir, &upload, &parts->note, &err);
    } else if (parts->upload.id == NULL) {
        status = QL_FAIL(&err, QL_E_CANNOT_CREATE, "there is no folder for it (--state-dir, XDG_STATE_HOME or HOME)");
    }
    if (status != QL_OK) {
        struct ql_buf text = {0};
        ql_buf_printf(&text, "the upload is not noted, so that no later run would end it after a crash: %.300s", err.message);
        warn(options, &text);
        ql_buf_fini(&text);
    }
}

enum ql_status ql_s3_parts_begin(const struct ql_s3_object *object, int64_t total, bool forgets_sent,
                                 struct ql_s3_parts **parts, struct ql_err *err) {
    *parts = NULL;
    struct ql_s3_parts *made = ql_mem_zalloc(1, sizeof *made);
    made->total = total;
    made->forgets_sent = forgets_sent;
    (void)pthread_mutex_init(&made->mutex, NULL);
    (void)pthread_cond_init(&made->is_work, NULL);
    (void)pthread_cond_init(&made->is_room, NULL);
    enum ql_status status = ql_spool_to_file(object->spool, err);
    if (status == QL_OK) {
        note_upload(made, object);
        made->upload.note = ql_upload_note_name(made->note);
        status = ql_s3_upload_create(&made->upload, object, err);
    }
    if (status == QL_OK) {
        note_upload(made, object);
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
        parts->parts[parts->n_parts++] = (struct ql_s3_part){.offset = parts->offered, .size = size};
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
    return ql_s3_part_size(options_of(parts)->part_size, parts->total, (int)parts->n_parts + 1);
}

enum ql_status ql_s3_parts_offer(struct ql_s3_parts *parts, int64_t size, struct ql_err *err) {
    if (size - parts->offered < next_size(parts)) {
        return QL_OK;
    }
    QL_TRY(ql_spool_finish(parts->upload.object.spool, err));
    while (size - parts->offered >= next_size(parts)) {
        QL_TRY(add_part(parts, next_size(parts), err));
    }
    return QL_OK;
}

/* ---- joining them */

/* A failure may have acted all the same. An upload that could be ended is mostly one whose parts were not joined, but S3 takes
 * its end for some time after; so the object's mark decides. */
static enum ql_status settle(struct ql_s3_parts *parts, enum ql_status status, struct ql_stored *stored, struct ql_err *err) {
    struct ql_s3_client *client = parts->upload.object.client;
    bool is_joined = false;
    bool is_ended = end_upload(parts);
    if (!parts->upload.may_be_joined) {
        return status;
    }
    ql_s3_client_begin_cleanup(client);
    enum ql_status known = ql_s3_upload_is_joined(&parts->upload, &is_joined, stored, NULL);
    ql_s3_client_end_cleanup(client);
    if (known != QL_OK && known != status && !is_ended) { /* else the failure is just that */
        ql_s3_hint_of_lost_answer(err);
    }
    return known == QL_OK && is_joined ? QL_OK : status;
}

static enum ql_status send_rest(struct ql_s3_parts *parts, int64_t size, struct ql_err *err) {
    QL_TRY(ql_s3_parts_offer(parts, size, err));
    QL_TRY(ql_spool_finish(parts->upload.object.spool, err));
    if (size > parts->offered) {
        QL_TRY(add_part(parts, size - parts->offered, err));
    }
    stop_threads(parts);
    return state_of(parts, err);
}

enum ql_status ql_s3_parts_finish(struct ql_s3_parts *parts, int64_t size, const char *checksum, enum ql_s3_outcome *outcome,
                                  struct ql_stored *stored, struct ql_err *err) {
    *outcome = QL_S3_OUTCOME_STORED;
    QL_TRY(send_rest(parts, size, err));
    const struct ql_s3_whole whole = {.parts = parts->parts, .n_parts = parts->n_parts, .checksum = checksum};
    enum ql_status status = ql_s3_upload_join(&parts->upload, &whole, outcome, stored, err);
    if (status != QL_OK && !parts->upload.is_over) {
        status = settle(parts, status, stored, err);
    }
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
    if (!parts->upload.is_over && parts->upload.id != NULL) {
        (void)end_upload(parts);
    }
    ql_upload_note_free(parts->note, false);
    for (size_t i = 0; i < parts->n_parts; i++) {
        ql_mem_free(parts->parts[i].etag);
    }
    (void)pthread_mutex_destroy(&parts->mutex);
    (void)pthread_cond_destroy(&parts->is_work);
    (void)pthread_cond_destroy(&parts->is_room);
    ql_mem_free(parts->parts);
    ql_s3_upload_fini(&parts->upload);
    ql_mem_free(parts);
}
