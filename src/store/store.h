/**
 * Where an artefact goes: a folder, S3, standard output. Whatever happens, the destination shows the old artefact or the new
 * one (standard output excepted, which takes bytes as they come).
 */
#ifndef QL_STORE_STORE_H
#define QL_STORE_STORE_H

#include "base/finding.h"
#include "base/time.h"
#include "hash/checksum.h"
#include "http/http.h"
#include "store/aws_credentials.h"

enum ql_store_kind { QL_STORE_FILE, QL_STORE_S3, QL_STORE_STDOUT };

/** A destination as the user writes it: "-", a path, "file:///path", "s3://bucket/key-template". */
struct ql_destination {
    enum ql_store_kind kind;
    struct ql_str bucket; /* S3 */
    struct ql_str path;   /* path or key, may be a template; not decoded, no leading '/' for S3 */
};
/** Views into text. E_USAGE for what is none of these; what the bucket and the key may be is checked by the functions below. */
QL_MUST_CHECK enum ql_status ql_destination_parse(struct ql_str text, struct ql_destination *destination, struct ql_err *err);

/**
 * What a key template may mention: {start:%Y-%m-%d} {end:...} {now:...} {org} {source} {layout} {export_id} {version} {sha256}.
 *
 * A time takes a format of %Y %m %d %H %M %S %j %F %% and other text. Without one, {start} and {end} are "%Y-%m-%d" where the
 * known of them are midnights of the zone, else the instant in UTC as "%Y-%m-%dT%H%MZ" (with seconds if it has some), and {now}
 * is "%Y-%m-%dT%H%M%SZ" in UTC. Braces are doubled to stand for themselves. Texts are percent-encoded but for letters, digits
 * and "-._~", so that they cannot change the folder.
 */
struct ql_key_values {
    int64_t start_us, end_us; /* QL_TIME_NONE: unknown, an error if mentioned */
    int64_t now_us;           /* likewise */
    const struct ql_tz *tz;   /* zone of times with a format; NULL: UTC */
    struct ql_str layout, source, export_id, version, org;
    struct ql_str sha256; /* of the artefact, in hex; QL_KEY_NO_SHA256 as long as there is none */
    bool is_file;         /* a file's path, not a key of S3: other lengths, and {sha256} behind the last '/' only */
};
#define QL_KEY_NO_SHA256 QL_STR("0000000000000000000000000000000000000000000000000000000000000000")
/**
 * Appends the rendered template. E_CONFIG for an unknown placeholder (names those that exist), E_USAGE for one without value,
 * or for a key that climbs out, or that S3 or Windows do not take: ".." and "." and empty parts, a leading '/', control
 * characters, < > : " | ? * \, a part that ends in '.' or a space or is called CON, NUL, ..., invalid UTF-8, nothing, more than
 * 1024 bytes, of a file more than 255 in a part. The message says where in the template. Nothing is appended after an error.
 */
QL_MUST_CHECK enum ql_status ql_key_render(struct ql_str template, const struct ql_key_values *values, struct ql_buf *out,
                                           struct ql_err *err);
/** Whether a template mentions a placeholder. */
bool ql_key_mentions(struct ql_str template, const char *name);
/** Appends the template of the folder: what is before the last '/', which may be one in the format of a time. */
void ql_key_put_folder(struct ql_str template, struct ql_buf *out);
/** Appends the characters of a template, with their places, that S3's documentation advises against: "'#' (character 3)". */
void ql_key_warn(struct ql_str template, struct ql_buf *out);
/** E_CONFIG if two windows of a plan, each `step_us` (a second or more) after the one before, could get one key. tz as in
 * values. */
QL_MUST_CHECK enum ql_status ql_key_distinguishes(struct ql_str template, int64_t step_us, const struct ql_tz *tz,
                                                  struct ql_err *err);
/** Appends text with its braces doubled: a name that is to stand in a template as it is. */
void ql_key_escape(struct ql_str text, struct ql_buf *out);

enum ql_s3_addressing {
    QL_S3_ADDRESSING_AUTO, /* virtual host at AWS, unless the name has a dot, which its certificate does not cover; else path */
    QL_S3_ADDRESSING_VIRTUAL,
    QL_S3_ADDRESSING_PATH
};

/** An object tag, or another pair of texts. */
struct ql_tag {
    struct ql_str key, value;
};

struct ql_s3_options {
    struct ql_str region;       /* empty: us-east-1 */
    struct ql_str endpoint;     /* of S3; empty: AWS itself */
    struct ql_str sts_endpoint; /* likewise */
    enum ql_s3_addressing addressing;
    bool uses_dual_stack, uses_fips; /* AWS itself only */
    struct ql_str access_key_id, secret_access_key, session_token;
    const struct ql_aws_credentials_provider *credentials; /* NULL: the three keys above */
    struct ql_str expected_bucket_owner;
    bool is_requester_pays;
    bool has_no_tags;                    /* object tags are not sent, although the store may know them */
    int max_attempts;                    /* of one request; 0: 5 */
    int64_t retry_base_ms, retry_cap_ms; /* upper bounds of the SDKs' waits (200 ms, of throttling 1 s; 20 s); 0: those */
    int concurrency;                     /* requests in flight; 0: 4 */
    /** Told of what the user should set right: another region, a wrong clock. By any thread, one at a time. NULL: silent. */
    void (*on_warning)(void *ctx, const char *text);
    void *on_warning_ctx;
    struct ql_str content_type;           /* default application/octet-stream */
    struct ql_str server_side_encryption; /* default AES256; "none": no header */
    struct ql_str kms_key;                /* of aws:kms and aws:kms:dsse; empty: the account's own */
    const struct ql_tag *kms_context;
    size_t n_kms_context;
    struct ql_str storage_class, acl, cache_control; /* empty: not said */
    int64_t multipart_threshold;                     /* a larger artefact is stored in parts; 0: 64 MiB */
    int64_t part_size;                               /* 0: 16 MiB; grows so that 10,000 are enough */
    struct ql_str state_dir;                         /* where unfinished uploads are noted; empty: nowhere */
    struct ql_str temp_dir;                          /* where what does not fit in memory waits for the commit; default /tmp */
    enum ql_checksum_kind checksum;                  /* beside the signed SHA-256 */
    bool uses_bucket_key;                            /* of KMS */
    bool hashes_first;                               /* parts are sent when the SHA-256 of the whole is known, not before */
    bool allow_http; /* a plain http endpoint may be another host than this one, as in ql_http_options */
};
/**
 * What can be refused before anything is read: credentials missing, bucket name impossible, endpoint no URL, a region, owner or
 * encryption that cannot be. E_CONFIG; the hint says which variable to set.
 */
QL_MUST_CHECK enum ql_status ql_s3_check(const struct ql_s3_options *options, struct ql_str bucket, struct ql_err *err);

/**
 * What all requests to S3 of a run share: credentials, the regions of buckets, the server's clock, the budget of attempts,
 * connections. http and options are borrowed; nothing is sent. Of http, the client uses siblings (ql_http_new_sibling) from
 * whatever thread needs one. E_CONFIG as ql_s3_check, bucket aside.
 */
struct ql_s3_client;
QL_MUST_CHECK enum ql_status ql_s3_client_new(struct ql_http *http, const struct ql_s3_options *options,
                                              struct ql_s3_client **client, struct ql_err *err);
/** Before http. NULL is fine. */
void ql_s3_client_free(struct ql_s3_client *client);
/** From now on the bucket must belong to the account of the credentials, which STS is asked for. */
QL_MUST_CHECK enum ql_status ql_s3_client_expect_own(struct ql_s3_client *client, struct ql_str bucket, struct ql_err *err);

/** What happens where something is at the destination already. */
enum ql_if_exists {
    QL_IF_EXISTS_REPLACE, /* it is replaced */
    QL_IF_EXISTS_SKIP,    /* it stays, nothing is stored, and that is success */
    QL_IF_EXISTS_FAIL,    /* it stays: E_EXISTS */
    QL_IF_EXISTS_VERSION  /* it stays; the new one is stored beside it as <name>.v2.<ending>, .v3, ... the first that is free */
};

/** What the codes of S3's errors mean, for docs; in hints, {bucket}, {arn}, {actions} and {owner} are filled in. */
enum ql_s3_kind {
    QL_S3_FINAL,
    QL_S3_TRANSIENT, /* may pass */
    QL_S3_THROTTLED  /* may pass if there are fewer requests */
};
struct ql_s3_explanation {
    const char *code;  /* ends in '*': any code that begins so */
    const char *words; /* that S3's message must have; NULL: any */
    enum ql_status status;
    enum ql_s3_kind kind;
    const char *what, *hint;
};
const struct ql_s3_explanation *ql_s3_explanations(size_t *n);

/** Receives an object: begin, bytes... */
struct ql_s3_reader {
    enum ql_status (*begin)(void *ctx, bool is_unsized, struct ql_err *err);
    enum ql_status (*bytes)(void *ctx, const void *ptr, size_t len, struct ql_err *err);
    void *ctx;
};
/** Streams an object. What http says of a body that breaks (E_TRUNCATED, E_NETWORK, E_TIMEOUT) is the caller's to begin again;
 * else E_NO_INPUT, E_NO_BUCKET, E_S3_DENIED, E_S3, E_CONFIG, or what the reader returned. */
QL_MUST_CHECK enum ql_status ql_s3_get(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key,
                                       const struct ql_s3_reader *reader, struct ql_err *err);
/** An object whose bytes are read from anywhere; its last megabyte comes with the opening and stays in memory. */
struct ql_s3_object;
/** client is borrowed. Errors as ql_s3_get; a broken body is gone on with here. */
QL_MUST_CHECK enum ql_status ql_s3_object_open(struct ql_s3_client *client, struct ql_str bucket, struct ql_str key,
                                               struct ql_s3_object **object, struct ql_err *err);
void ql_s3_object_free(struct ql_s3_object *object); /* NULL is fine */
int64_t ql_s3_object_size(const struct ql_s3_object *object);
/** All of [offset, offset + len), which is inside of the object. E_IO if it was replaced since it was opened. */
QL_MUST_CHECK enum ql_status ql_s3_object_read_at(const struct ql_s3_object *object, int64_t offset, void *ptr, size_t len,
                                                  struct ql_err *err);

struct ql_s3_keys {
    struct ql_str prefix;
    bool is_deep; /* also keys with another '/' behind the prefix */
    void (*found)(void *ctx, struct ql_str key);
    void *ctx;
};
/** Calls found for each key. After an error some were told. */
QL_MUST_CHECK enum ql_status ql_s3_list(struct ql_s3_client *client, struct ql_str bucket, const struct ql_s3_keys *keys,
                                        struct ql_err *err);

/** E_CONFIG for more than 10 tags, a double or "aws:" key, a length or a character that S3 does not take; names the tag. */
QL_MUST_CHECK enum ql_status ql_tags_check(const struct ql_tag *tags, size_t n_tags, struct ql_err *err);

/** An artefact on its way: bytes are spooled (memory, then an unlinked temporary file) or written beside the target, and
 * appear at commit. */
struct ql_store;
/**
 * Makes a file without name, or a temporary one, beside the target. A target that is a symbolic link is followed: the file that
 * it names is replaced. With the first bytes it removes from the folder what dead runs left there.
 *
 * A new file gets mode 0666 less the umask; one that replaces another gets its mode and, where the system allows it, its owner.
 * E_CANNOT_CREATE if the folder does not exist (missing parents are made when `makes_folders`, and stay), is read-only, or the
 * target is a folder or a device.
 */
QL_MUST_CHECK enum ql_status ql_store_file_open(struct ql_str path, bool makes_folders, struct ql_store **store,
                                                struct ql_err *err);
/** E_USAGE if standard output is a terminal. The caller ignores SIGPIPE, so that a reader that went away is an E_IO. */
QL_MUST_CHECK enum ql_status ql_store_stdout_open(struct ql_store **store, struct ql_err *err);
/** What is known of an artefact beside its bytes. Borrowed. */
struct ql_publication {
    struct ql_str key; /* the rendered key or path; a file may get another name than it was opened with, not another folder */
    const struct ql_tag *tags; /* S3 only */
    size_t n_tags;
    const struct ql_tag *metadata; /* S3 only: x-amz-meta-queuelake-<key>; printable ASCII, empty values are left out */
    size_t n_metadata;
    enum ql_if_exists if_exists;
};
/**
 * S3: one PUT, or parts where there are more than options.multipart_threshold bytes (docs/design/0010-s3-uploads.md).
 *
 * Parts are sent while bytes still arrive, unless the SHA-256 of the whole has to be known first: options.hashes_first, a key
 * at which something is already, QL_IF_EXISTS_VERSION, or a publication whose key is empty because only commit's has it. Before
 * the first part the upload is noted in options.state_dir, and uploads to the bucket that dead processes left there are ended.
 * client, bucket and publication are borrowed until free. E_CONFIG as ql_s3_check.
 */
QL_MUST_CHECK enum ql_status ql_store_s3_open(struct ql_s3_client *client, struct ql_str bucket,
                                              const struct ql_publication *publication, struct ql_store **store,
                                              struct ql_err *err);

/** A multipart upload that nobody will finish. */
struct ql_s3_orphan {
    struct ql_str key, upload_id;
    int64_t started_us;           /* QL_TIME_NONE: not known */
    bool is_noted;                /* by a process of ours that is dead; else S3 has it, and nobody here is at work on it */
    bool is_young;                /* only listed, and younger than min_age_ms: another machine may be at work on it */
    bool is_ended;                /* by this call */
    const struct ql_err *failure; /* why it could not be ended; NULL: it was not tried, or it was ended */
};
struct ql_s3_orphans_request {
    struct ql_str bucket, prefix;
    bool ends;          /* them, but not the young ones; else they are only told */
    int64_t min_age_ms; /* of what is only listed */
    /** Told of each; the orphan is valid during the call. */
    void (*found)(void *ctx, const struct ql_s3_orphan *orphan);
    void *ctx;
};
/**
 * Finds unfinished uploads below a prefix: those that options.state_dir has notes of whose process is dead, and those that
 * ListMultipartUploads shows. Errors: the first failure to end one, else that of the listing (s3:ListBucketMultipartUploads may
 * not be granted); what was found until then was told.
 */
QL_MUST_CHECK enum ql_status ql_s3_orphans(struct ql_s3_client *client, const struct ql_s3_orphans_request *request,
                                           struct ql_err *err);

/** Where the artefact's bytes go, in order. After an error the store can only be freed. */
struct ql_sink ql_store_sink(struct ql_store *store);
/** The SHA-256 of the whole artefact, in hex. After this only the commit may follow. */
void ql_store_get_sha256(struct ql_store *store, char hex[65]);

enum ql_stored_how {
    QL_STORED_NEW,       /* written */
    QL_STORED_UNCHANGED, /* what is there already has the same bytes: nothing was written */
    QL_STORED_SKIPPED    /* something is there already, and QL_IF_EXISTS_SKIP */
};
struct ql_stored {
    char location[4352]; /* file path as it was given, "-", or s3:// URI */
    char sha256[65];     /* of the artefact's bytes */
    int64_t bytes;
    char etag[128], version_id[128], request_id[128]; /* S3, as it answered; empty: not said */
    char server_side_encryption[32];                  /* likewise */
    enum ql_stored_how how;
    int n_parts; /* of a multipart upload; 0: one PUT, or no S3 */
};
/**
 * Publishes, once. publication is that of open, if that took one, or says the key that open did not know. What has the
 * artefact's very bytes is left as it is, unless it must not exist. E_EXISTS as if_exists says; whoever else stores there at
 * the same moment, only one is the first. After an error nothing new is visible, and the old artefact is as it was. (One
 * exception: where the system fails to make a finished rename durable, the new artefact is in place and the message says so.)
 */
QL_MUST_CHECK enum ql_status ql_store_commit(struct ql_store *store, const struct ql_publication *publication,
                                             struct ql_stored *stored, struct ql_err *err);
/** What `ql_s3_probe` looks at: the place of an artefact and the tags that it would have. */
struct ql_s3_place {
    struct ql_str bucket, key;
    const struct ql_tag *tags;
    size_t n_tags;
};
/**
 * Looks whether an artefact could be stored there: bucket, encryption, versioning, and with `writes` an upload of a few bytes,
 * as the artefact's own would be, to a key beside it, and its removal. Without `writes` nothing is changed. Goes on after each
 * failure where it can. The options of the client are expected to have passed ql_s3_check.
 */
void ql_s3_probe(struct ql_s3_client *client, const struct ql_s3_place *place, bool writes,
                 const struct ql_finding_sink *findings);
/** Appends the address of the server that the bucket is asked at: scheme, host and port. */
void ql_s3_put_origin(const struct ql_s3_options *options, struct ql_str bucket, struct ql_buf *out);
/** Without a commit before it: removes what was written so far. NULL is fine. */
void ql_store_free(struct ql_store *store);

#endif
