/**
 * One object on its way into S3: what its requests have in common (s3_headers.c), what is there already (s3_look.c), one PUT
 * (s3_put.c), parts (s3_parts.c), and the note of an unfinished upload (upload_note.c). s3_store.c decides between them.
 */
#ifndef QL_STORE_S3_OBJECT_H
#define QL_STORE_S3_OBJECT_H

#include "base/mem.h"
#include "store/store_internal.h"

/* ---- headers (s3_headers.c) ---- */

enum { QL_S3_MAX_HEADERS = 48 };

/** Names and values of one request; zero-initialise to start. */
struct ql_s3_headers {
    struct ql_http_header items[QL_S3_MAX_HEADERS];
    size_t n;
    struct ql_arena texts;
};
void ql_s3_headers_fini(struct ql_s3_headers *headers);
/** name and value are borrowed; an empty value is left out. */
void ql_s3_headers_add(struct ql_s3_headers *headers, const char *name, struct ql_str value);
/** Likewise, of bytes that are copied. */
void ql_s3_headers_add_copy(struct ql_s3_headers *headers, const char *name, struct ql_str value);
/** What PutObject and CreateMultipartUpload say of the object: content type, encryption, tags, metadata, storage class, ACL. */
void ql_s3_headers_add_object(struct ql_s3_headers *headers, const struct ql_s3_options *options,
                              const struct ql_publication *publication);
/** The encryption that each upload asks for; empty: none is said. */
struct ql_str ql_s3_encryption_of(const struct ql_s3_options *options);
/** The metadata by which we know our own: "sha256", "upload". */
#define QL_S3_META "x-amz-meta-queuelake-"

/** Bytes of a checksum as a header carries them; empty: none. */
struct ql_checksum_text {
    char text[QL_CHECKSUM_TEXT_SIZE];
};
void ql_checksum_text_take(struct ql_checksum *checksum, struct ql_checksum_text *out);
/** "content-md5", "x-amz-checksum-crc32c", ...; NULL for none. */
const char *ql_s3_checksum_header(enum ql_checksum_kind kind);
/** The element of an XML answer, "ChecksumCRC32C"; NULL where there is none: none and MD5. */
const char *ql_s3_checksum_element(enum ql_checksum_kind kind);
/** The value of x-amz-checksum-algorithm; likewise. */
const char *ql_s3_checksum_algorithm(enum ql_checksum_kind kind);
/** Compares what an answer says of the payload's checksum, if it says something. E_PROTOCOL: it says something else. */
QL_MUST_CHECK enum ql_status ql_s3_checksum_verify(const struct ql_http_response *response, enum ql_checksum_kind kind,
                                                   const struct ql_checksum_text *sent, struct ql_err *err);
/** Whether an answer confirms the encryption that was asked for. Stores that know no SSE-S3 say nothing of it, which is fine;
 * KMS must be confirmed. E_S3. */
QL_MUST_CHECK enum ql_status ql_s3_encryption_verify(const struct ql_s3_options *options,
                                                     const struct ql_http_response *response, struct ql_err *err);
/** A header's value as text for people: what is not printable is left out. */
void ql_s3_copy_text(struct ql_str value, char *out, size_t size);
/** ETag, version, request id and encryption of an answer. */
void ql_s3_note_answer(const struct ql_http_response *response, struct ql_stored *stored);

/* ---- what is there already (s3_look.c) ---- */

enum ql_s3_sight {
    QL_S3_ABSENT,
    QL_S3_PRESENT,
    QL_S3_UNSEEN /* looking was refused */
};
struct ql_s3_seen {
    enum ql_s3_sight sight;
    int64_t size;            /* -1: not said */
    char sha256[65];         /* as our metadata have it; empty: not there */
    char upload[33];         /* likewise: our mark of the multipart upload that made it */
    struct ql_stored stored; /* etag, version id, encryption */
};
/** Etag, version id and encryption of what is there. */
void ql_s3_note_seen(const struct ql_s3_seen *seen, struct ql_stored *stored);
QL_MUST_CHECK enum ql_status ql_s3_look(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key,
                                        struct ql_s3_seen *seen, struct ql_err *err);
/** Whether it has these bytes, and is encrypted as asked. */
bool ql_s3_seen_is_same(const struct ql_s3_seen *seen, const struct ql_s3_options *options, const char *sha256, int64_t size);

/* ---- one object, stored ---- */

/** What is to be stored where, on one condition. */
struct ql_s3_object {
    struct ql_s3_client *client;
    struct ql_str bucket, key;
    const struct ql_publication *publication;
    struct ql_spool *spool;
    const char *sha256;   /* of the whole, hex; NULL: not known yet */
    const char *checksum; /* of the whole, base64; empty: none. One PUT only */
    bool must_be_new;     /* If-None-Match: * */
};
enum ql_s3_outcome {
    QL_S3_OUTCOME_STORED,
    QL_S3_OUTCOME_EXISTS,  /* must_be_new, but something is there (412; 304 of old MinIO). It may be our own, see ql_s3_look. */
    QL_S3_OUTCOME_CONFLICT /* must_be_new, and another request to the key was in the way: once more from the beginning */
};
/** One PUT of the spool. */
QL_MUST_CHECK enum ql_status ql_s3_put(const struct ql_s3_object *object, enum ql_s3_outcome *outcome, struct ql_stored *stored,
                                       struct ql_err *err);

/** Says what a server without conditional writes means for --if-exists. */
void ql_s3_hint_of_condition(const struct ql_s3_object *object, enum ql_status status, const struct ql_s3_answer *answer,
                             struct ql_err *err);

/** Says that nobody knows whether a request that failed has acted. */
void ql_s3_hint_of_lost_answer(struct ql_err *err);

/** E_S3_DENIED: the answer was lost, something is there, and whose it is must not be seen. */
enum ql_status ql_s3_fail_unseen(const struct ql_s3_object *object, struct ql_err *err);

/* ---- the requests of a multipart upload (s3_upload.c) ---- */

enum { QL_S3_MARK_BYTES = 16 };

struct ql_s3_upload {
    struct ql_s3_object object; /* its key is a copy */
    char *key, *id;
    char mark[2 * QL_S3_MARK_BYTES + 1];
    bool is_over;       /* its parts are joined, or it was ended */
    bool may_be_joined; /* a request to join them was lost, or its answer */
    const char *note;   /* name of ours, set by the caller before create; "": none */
};
struct ql_s3_part {
    int64_t offset, size; /* in the spool */
    char *etag;           /* owned by whoever has the part; NULL until it is sent */
    uint8_t sha256[QL_SHA256_SIZE];
    struct ql_checksum_text checksum;
};
struct ql_s3_whole {
    const struct ql_s3_part *parts;
    size_t n_parts;
    const char *checksum; /* of all bytes, base64; empty: none */
};
/** upload is initialised here, but for its note; fini in every case. After an error with an id the caller ends it. */
QL_MUST_CHECK enum ql_status ql_s3_upload_create(struct ql_s3_upload *upload, const struct ql_s3_object *object,
                                                 struct ql_err *err);
void ql_s3_upload_fini(struct ql_s3_upload *upload);
/** Sends a part and fills what the answer says. Several threads may send parts of one upload. */
QL_MUST_CHECK enum ql_status ql_s3_upload_send(const struct ql_s3_upload *upload, struct ql_s3_part *part, int number,
                                               struct ql_err *err);
/** Sets is_over unless the upload can still be ended. */
QL_MUST_CHECK enum ql_status ql_s3_upload_join(struct ql_s3_upload *upload, const struct ql_s3_whole *whole,
                                               enum ql_s3_outcome *outcome, struct ql_stored *stored, struct ql_err *err);
/** Whether the object that is there was made by this upload; fills stored then. */
QL_MUST_CHECK enum ql_status ql_s3_upload_is_joined(const struct ql_s3_upload *upload, bool *is_joined,
                                                    struct ql_stored *stored, struct ql_err *err);
/**
 * Ends an upload and sees to it that nothing of it is left, also where parts were still on their way: was_gone: there was
 * nothing to end, which is success. may_be_late: nobody has waited for the answers to its last parts (its process was killed),
 * so this takes a second longer.
 */
QL_MUST_CHECK enum ql_status ql_s3_upload_abort(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key,
                                                struct ql_str upload_id, bool may_be_late, bool *was_gone, struct ql_err *err);
/** Creations whose answer was lost. */
struct ql_s3_strays {
    struct ql_str bucket, key;
    struct ql_str keep;     /* id of the upload that stays; empty: none */
    const char *but;        /* name of the note that is passed over */
    int64_t from_us, to_us; /* when the creation was sent */
};
/** Ends the uploads of the key that began in that time, have no part, and that no living process has noted. What began at
 * another time is left alone: it may be that of another machine. Errors: those of the listing. */
QL_MUST_CHECK enum ql_status ql_s3_strays_end(struct ql_s3_client *client, const struct ql_s3_strays *strays,
                                              struct ql_err *err);
/** Calls found for each unfinished upload below a prefix; started_us: QL_TIME_NONE where S3 does not say it. */
QL_MUST_CHECK enum ql_status ql_s3_uploads_list(struct ql_s3_client *client, struct ql_str bucket, struct ql_str prefix,
                                                void (*found)(void *ctx, struct ql_str key, struct ql_str id,
                                                              int64_t started_us),
                                                void *ctx, struct ql_err *err);

/* ---- parts, in parallel (s3_parts.c) ---- */

enum { QL_S3_MAX_PARTS = 10000 }; /* "Amazon S3 multipart upload limits" */
/** Size of part `number` (from 1) where the whole has total bytes, -1: nobody knows yet. base 0: 16 MiB. */
int64_t ql_s3_part_size(int64_t base, int64_t total, int number);

struct ql_s3_parts;
/**
 * Begins a multipart upload: notes it, and starts the threads that send its parts. forgets_sent: the spool gives back the disk
 * of parts that were sent, so that they cannot be sent again.
 */
QL_MUST_CHECK enum ql_status ql_s3_parts_begin(const struct ql_s3_object *object, int64_t total, bool forgets_sent,
                                               struct ql_s3_parts **parts, struct ql_err *err);
/** Says that the spool has `size` bytes now. Waits while many parts are unsent; returns the first error of a part. */
QL_MUST_CHECK enum ql_status ql_s3_parts_offer(struct ql_s3_parts *parts, int64_t size, struct ql_err *err);
/** Sends the rest and joins the parts, once. checksum: of all bytes, base64; empty: none. */
QL_MUST_CHECK enum ql_status ql_s3_parts_finish(struct ql_s3_parts *parts, int64_t size, const char *checksum,
                                                enum ql_s3_outcome *outcome, struct ql_stored *stored, struct ql_err *err);
/** Ends the upload unless its parts were joined, and frees. What cannot be ended stays noted, and is told as a warning. NULL is
 * fine. */
void ql_s3_parts_free(struct ql_s3_parts *parts);

/** Ends the uploads to the bucket that dead processes have noted here. What cannot be ended stays noted. */
void ql_s3_end_own_orphans(struct ql_s3_client *client, struct ql_str bucket);

/* ---- notes of unfinished uploads (upload_note.c) ---- */

/** What a note says. Texts are views into its document. */
struct ql_noted_upload {
    struct ql_str endpoint, region, bucket, key; /* endpoint empty: AWS */
    struct ql_str upload_id;                     /* empty: it was to be created, and nobody knows whether it was */
    int64_t started_us;
    const char *note; /* name of the note that was read; not for writing */
};
/** A note in <state_dir>/uploads, locked as long as the process lives: that is how others know that it does. */
struct ql_upload_note;
/** Durable when it returns. E_CANNOT_CREATE, E_IO. */
QL_MUST_CHECK enum ql_status ql_upload_note_new(struct ql_str state_dir, const struct ql_noted_upload *upload,
                                                struct ql_upload_note **note, struct ql_err *err);
/** Adds the same with the id. Durable when it returns. E_IO. */
QL_MUST_CHECK enum ql_status ql_upload_note_set_id(struct ql_upload_note *note, const struct ql_noted_upload *upload,
                                                   struct ql_err *err);
/** Removes the file, unless it is to stay for those who come later, and frees. NULL is fine. */
void ql_upload_note_free(struct ql_upload_note *note, bool stays);
/**
 * Calls `left` for each note whose process is gone; returning true removes the note. Notes that cannot be read are passed over.
 * A folder that is not there has none.
 */
void ql_upload_notes_left(struct ql_str state_dir, bool (*left)(void *ctx, const struct ql_noted_upload *upload), void *ctx);
/** What ql_upload_notes_is_running is told to pass over. NULL is fine. */
const char *ql_upload_note_name(const struct ql_upload_note *note);
/** Whether a living process has noted this upload, or that it is about to create one for the key. but: a note that is passed
 * over, because who asks has it locked; "": none. */
bool ql_upload_notes_is_running(struct ql_str state_dir, struct ql_str key, struct ql_str upload_id, const char *but);

#endif
