/**
 * One signed request to S3 or STS with everything around it; put, get, list, head, multipart and STS alike are a
 * `struct ql_s3_request` and what they make of the answer.
 *
 * ql_s3_send does, in this order, and nobody else does any of it: address (virtual host or path style), credentials, signature,
 * attempts with full jitter out of a budget that the run shares, the region that S3 names instead (once), the server's clock
 * (once), credentials that have expired (once), and an <Error> or half a document in a 200 is a failure. http makes exactly one
 * exchange for each attempt; signals and the deadline are http's and end every wait.
 *
 * Threads: ql_s3_send may be called by several threads at once with one client. Each call uses an http client of its own out of
 * the client's pool, so connections are kept.
 */
#ifndef QL_STORE_S3_REQUEST_H
#define QL_STORE_S3_REQUEST_H

#include "store/aws_credentials.h"
#include "store/store.h"

struct ql_s3_world;

/** What is done: the verb and the IAM actions of messages (s3_error.c has the table). */
enum ql_s3_act {
    QL_S3_STORE,          /* PutObject */
    QL_S3_READ,           /* GetObject */
    QL_S3_LIST,           /* ListObjectsV2 */
    QL_S3_LOOK,           /* HeadObject */
    QL_S3_DELETE,         /* DeleteObject */
    QL_S3_BEGIN_PARTS,    /* CreateMultipartUpload */
    QL_S3_STORE_PART,     /* UploadPart */
    QL_S3_JOIN_PARTS,     /* CompleteMultipartUpload */
    QL_S3_DROP_PARTS,     /* AbortMultipartUpload */
    QL_S3_LIST_PARTS,     /* ListParts */
    QL_S3_LIST_UPLOADS,   /* ListMultipartUploads */
    QL_S3_ASK_ENCRYPTION, /* GetBucketEncryption */
    QL_S3_ASK_VERSIONING, /* GetBucketVersioning */
    QL_S3_IDENTIFY,       /* STS GetCallerIdentity */
    QL_S3_N_ACTS
};

enum ql_aws_service { QL_AWS_S3, QL_AWS_STS };

/** What goes out. The whole of it can be read again from any offset, as often as there are attempts. */
struct ql_s3_payload {
    struct ql_str bytes;                      /* in memory, or ... */
    const struct ql_http_body_source *source; /* ... read at an offset; NULL: bytes */
    const char *sha256;                       /* hex; NULL: computed here, which reads source once more */
};

enum { QL_S3_MAX_ACCEPTED = 4 };

/** Texts and arrays are borrowed for the call. Zero is the right value of what an operation does not need. */
struct ql_s3_request {
    enum ql_s3_act act;
    enum ql_aws_service service;
    const char *method;
    struct ql_str bucket, key;          /* key: raw bytes, not encoded; empty: the bucket itself. STS has neither */
    const struct ql_http_header *query; /* raw names and values, any order; "uploads" has an empty value */
    size_t n_query;
    /**
     * Signed, all of them: content-type, content-md5, range, if-*, x-amz-*. Empty values are left out. ql_s3_send adds host,
     * x-amz-content-sha256, x-amz-date, x-amz-security-token, x-amz-expected-bucket-owner and x-amz-request-payer.
     */
    const struct ql_http_header *headers;
    size_t n_headers;
    struct ql_s3_payload payload;
    struct ql_str about; /* messages: the prefix that is listed; empty: the key */
    int part;            /* likewise: its number; 0: the request is not about one */
    /** QL_HTTP_REPEAT_ALWAYS (zero): each failure that may pass is tried again. _IF_UNSENT: only before its first byte left, or
     * after a 429 or 503. _NEVER: one attempt, beside those for region, clock and credentials, which follow a refusal. */
    enum ql_http_repeat repeat;

    /** What a success (2xx) looks like: a body for the reader; an XML document, whole, with this root; else nothing but blanks.
     */
    const struct ql_s3_reader *reader;
    const char *root;
    /** How long the answer may take to come: S3 joins parts for minutes, and sends a blank now and then. 0: the rules of http.
     */
    int64_t patience_ms;
    /** Other statuses that are answers to the caller and no failures: 404 of a HEAD, 412. 0: none more. */
    long accepted[QL_S3_MAX_ACCEPTED];
};

struct ql_s3_answer {
    /** Of the last attempt: status, headers (ql_http_response_get), and the body unless a reader had it. */
    struct ql_http_response response;
    char code[64]; /* S3's error code, also of an accepted status; empty: none */
    int n_attempts;
    /** An attempt may have been carried out although its answer was lost (also to a signal or the deadline) or a failure: a 412
     * or a NoSuchUpload may be the trace of our own success. */
    bool may_have_acted;
};
void ql_s3_answer_fini(struct ql_s3_answer *answer);

/**
 * Sends until there is an answer that stands. QL_OK: a success, or an accepted status. The answer is filled in either case, as
 * far as it came; fini in every case.
 *
 * Errors: what ql_s3_fail makes of the answer (E_S3_DENIED, E_NO_BUCKET, E_NO_INPUT, E_CONFIG, E_S3, E_RATE, E_SERVER, ...),
 * those of http with the object's name, of the credentials' provider, of payload.source and of reader. A body for a reader that
 * breaks after its first byte is not begun again here.
 */
QL_MUST_CHECK enum ql_status ql_s3_send(struct ql_s3_client *client, const struct ql_s3_request *request,
                                        struct ql_s3_answer *answer, struct ql_err *err);

/** Makes the error of an answer that ql_s3_send took for a success and its caller cannot (a PUT without an ETag). */
enum ql_status ql_s3_answer_fail(struct ql_s3_client *client, const struct ql_s3_request *request,
                                 const struct ql_s3_answer *answer, struct ql_err *err);

/**
 * How many requests may be in flight at this moment: options.concurrency, halved by each SlowDown, growing back by successes.
 * ql_s3_send holds further ones back by itself (reading an object aside); who starts threads asks here how many are of use.
 */
int ql_s3_client_concurrency(struct ql_s3_client *client);
/** Waits, unless cancelled or past the deadline. */
QL_MUST_CHECK enum ql_status ql_s3_client_wait(struct ql_s3_client *client, int64_t ms, struct ql_err *err);
/** For what is to be cleaned up at S3 however the run ends: until end, neither a signal nor the deadline stops requests, but
 * they all end within 15 s. */
void ql_s3_client_begin_cleanup(struct ql_s3_client *client);
void ql_s3_client_end_cleanup(struct ql_s3_client *client);
const struct ql_s3_options *ql_s3_client_options(const struct ql_s3_client *client);
/** The seam, for what else happens beside requests (clock, disk). */
const struct ql_s3_world *ql_s3_client_world(const struct ql_s3_client *client);
/** As ql_s3_client_new (store.h), in another world. */
QL_MUST_CHECK enum ql_status ql_s3_client_new_with(const struct ql_s3_world *world, struct ql_http *http,
                                                   const struct ql_s3_options *options, struct ql_s3_client **client,
                                                   struct ql_err *err);

/** STS GetCallerIdentity: the 12 digits of the account that the credentials belong to. Needs no permission. */
enum { QL_AWS_ACCOUNT_SIZE = 13 };
QL_MUST_CHECK enum ql_status ql_sts_get_caller_identity(struct ql_s3_client *client, char account[QL_AWS_ACCOUNT_SIZE],
                                                        struct ql_err *err);

/** What an S3-compatible store lacks, by the host of its endpoint: data, so that the operations need no ifs on names. */
enum ql_s3_feature {
    QL_S3_HAS_TAGS = 1,         /* x-amz-tagging */
    QL_S3_HAS_SSE = 2,          /* x-amz-server-side-encryption */
    QL_S3_HAS_CONDITIONS = 4,   /* If-None-Match and If-Match of a PUT */
    QL_S3_HAS_OWNER = 8,        /* x-amz-expected-bucket-owner */
    QL_S3_HAS_CHECKSUMS = 16,   /* x-amz-checksum-* */
    QL_S3_HAS_ACL = 32,         /* x-amz-acl */
    QL_S3_HAS_CLASSES = 64,     /* x-amz-storage-class */
    QL_S3_HAS_PATH_STYLE = 128, /* else only virtual host style */
    QL_S3_HAS_ALL = 255
};
struct ql_s3_quirks {
    const char *pattern; /* of the endpoint's host: "*.r2.cloudflarestorage.com" */
    const char *name;    /* for messages and docs */
    unsigned features;   /* of enum ql_s3_feature */
    const char *region;  /* default; NULL: us-east-1 */
};
/** What the store of these options knows (enum ql_s3_feature), less what the user has switched off. */
unsigned ql_s3_features(const struct ql_s3_options *options);
/** By the endpoint; AWS and unknown stores have everything (an unknown one is asked, and its refusal is told). Never NULL. */
const struct ql_s3_quirks *ql_s3_quirks_of(struct ql_str endpoint);
/** The table, for docs. */
const struct ql_s3_quirks *ql_s3_quirks_table(size_t *n);

#endif
