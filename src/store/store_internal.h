/** Inside the store: what an artefact's destinations share, and the seams at which unit tests make the system fail. */
#ifndef QL_STORE_STORE_INTERNAL_H
#define QL_STORE_STORE_INTERNAL_H

#include "store/s3_request.h"

#include "hash/hash.h"
#include "xml/xml.h"

#include <sys/stat.h>
#include <sys/types.h>

/* ---- every destination (store.c) ---- */

struct ql_store_ops {
    enum ql_status (*write)(struct ql_store *store, const void *ptr, size_t len, struct ql_err *err);
    /** Makes the artefact visible; fills what it alone knows of *stored. */
    enum ql_status (*commit)(struct ql_store *store, const struct ql_publication *publication, struct ql_stored *stored,
                             struct ql_err *err);
    void (*free)(struct ql_store *store);
};

enum ql_store_state { QL_STORE_OPEN, QL_STORE_FAILED, QL_STORE_DONE };

/** The first member of each destination's own struct. */
struct ql_store {
    const struct ql_store_ops *ops;
    enum ql_store_state state;
    int64_t bytes;
    struct ql_sha256 *sha256; /* of all bytes so far; NULL once it is known */
    char sha256_hex[QL_SHA256_HEX_SIZE];
};
void ql_store_init(struct ql_store *store, const struct ql_store_ops *ops);
void ql_store_fini(struct ql_store *store);

/* ---- system calls (disk.c) ---- */

/** The system calls that publication depends on, as errno-style functions. Unit tests hand in ones that fail. */
struct ql_disk {
    int (*openat)(void *ctx, int folder, const char *name, int flags, mode_t mode);
    ssize_t (*write)(void *ctx, int fd, const void *ptr, size_t len);
    ssize_t (*pread)(void *ctx, int fd, void *ptr, size_t len, off_t offset);
    int (*fchmod)(void *ctx, int fd, mode_t mode);
    int (*fsync)(void *ctx, int fd);
    void (*start_sync)(void *ctx, int fd, off_t offset, off_t len); /* of bytes written; does not wait */
    int (*close)(void *ctx, int fd);
    int (*renameat)(void *ctx, int folder, const char *from, const char *to, unsigned flags);
    int (*mkdirat)(void *ctx, int folder, const char *name, mode_t mode);
    int (*linkat)(void *ctx, int folder, const char *from, int to_folder, const char *to, int flags);
    int (*unlinkat)(void *ctx, int folder, const char *name);
    int (*flock)(void *ctx, int fd, int operation);
    void *ctx;
};
extern const struct ql_disk QL_DISK;

/** A file that is written from front to end, in large blocks. Zeroed except disk and fd: ready. fd -1: none. */
struct ql_block_file {
    const struct ql_disk *disk;
    int fd;
    char *block;
    size_t len;                   /* of what waits in block */
    bool is_durable;              /* will be synced at the end */
    int64_t n_written, n_started; /* bytes that the system has, and of them those on their way to the device */
};
/** Takes bytes; writes when a block is full. Returns 0 or errno. */
int ql_block_file_write(struct ql_block_file *file, const void *ptr, size_t len);
/** Writes what waits. Returns 0 or errno. */
int ql_block_file_flush(struct ql_block_file *file);
/** Forgets what waits, and closes. Returns 0 or errno; safe to repeat. */
int ql_block_file_close(struct ql_block_file *file);

/** Syncs, again if a signal interrupts it. Returns 0 or errno. */
int ql_disk_sync(const struct ql_disk *disk, int fd);
/** Opens a folder; one that may be entered but not listed can still be used, only not synced. Returns -1 and sets errno. */
int ql_disk_open_folder(const struct ql_disk *disk, const char *path);
/** As ql_disk_sync; a file system that cannot sync folders is no error. */
int ql_disk_sync_folder(const struct ql_disk *disk, int folder);
/** Fills up to len bytes from offset; *got is less only at the end. Returns 0 or errno. */
int ql_disk_read_at(const struct ql_disk *disk, int fd, int64_t offset, void *ptr, size_t len, size_t *got);
/** E_IO with the system's words, and for a full disk, quota or size limit what to do about `place`. NULL: standard output. */
enum ql_status ql_disk_fail(struct ql_err *err, int errnum, const char *what, const char *place);

/* ---- temporary files (temp.c) ---- */

/** Makes ".queuelake-<boot>-<random>.tmp" in a folder, opened for reading and writing, and locked as long as it is open.
 * Returns -1 and sets errno; else *name is the caller's. */
int ql_temp_open(const struct ql_disk *disk, int folder, mode_t mode, char **name);
/** Makes a file without name there. Returns -1 and sets errno: EOPNOTSUPP where the file system cannot. */
int ql_temp_open_unnamed(const struct ql_disk *disk, int folder, mode_t mode);
/** Gives such a file the name `to`, which must be free. Returns 0 or errno: EEXIST; EOPNOTSUPP where the system does not let
 * us. */
int ql_temp_link(const struct ql_disk *disk, int fd, int folder, const char *to);
/** As ql_temp_link to a temporary name, under which the file is locked; *name is then the caller's. */
int ql_temp_link_named(const struct ql_disk *disk, int fd, int folder, char **name);
/** Removes what dead runs left in a folder. Nothing that fails here matters to the caller. */
void ql_temp_clean(const struct ql_disk *disk, int folder);

/* ---- bytes that wait for a commit (spool.c) ---- */

struct ql_spool {
    const struct ql_disk *disk;
    char *temp_dir; /* owned */
    size_t max_memory_bytes;
    struct ql_buf memory;
    struct ql_block_file file; /* unlinked; fd -1 as long as memory suffices */
    int64_t size;
};
enum { QL_SPOOL_MEMORY_BYTES = 16 * 1024 * 1024 };
/** temp_dir empty: /tmp. */
void ql_spool_init(struct ql_spool *spool, const struct ql_disk *disk, struct ql_str temp_dir, size_t max_memory_bytes);
QL_MUST_CHECK enum ql_status ql_spool_write(struct ql_spool *spool, const void *ptr, size_t len, struct ql_err *err);
/** Flushes; then the bytes so far may be read from anywhere, again and again. */
QL_MUST_CHECK enum ql_status ql_spool_finish(struct ql_spool *spool, struct ql_err *err);
/** Fills up to len bytes from offset; *got is 0 only at the end. */
QL_MUST_CHECK enum ql_status ql_spool_read(struct ql_spool *spool, int64_t offset, void *ptr, size_t len, size_t *got,
                                           struct ql_err *err);
/** Sees to it that the bytes are in a file, where other threads may read them while more are written. */
QL_MUST_CHECK enum ql_status ql_spool_to_file(struct ql_spool *spool, struct ql_err *err);
/** As ql_spool_read, of bytes that are in the file and that a ql_spool_finish has come behind. By any thread. */
QL_MUST_CHECK enum ql_status ql_spool_read_file(const struct ql_spool *spool, int64_t offset, void *ptr, size_t len,
                                                size_t *got, struct ql_err *err);
/** Gives back the disk of bytes of the file that nobody will read again. By any thread. */
void ql_spool_forget(const struct ql_spool *spool, int64_t offset, int64_t len);
void ql_spool_fini(struct ql_spool *spool);

/* ---- folder (folder.c, target.c) ---- */

/** As ql_store_file_open, over other system calls. */
QL_MUST_CHECK enum ql_status ql_store_file_open_with(const struct ql_disk *disk, struct ql_str path, bool makes_folders,
                                                     struct ql_store **store, struct ql_err *err);

/** Where a file is to appear: its folder, opened, and its name there; symbolic links are behind us. */
struct ql_target {
    int folder;        /* -1: none */
    char *folder_path; /* for messages */
    char *name;
    bool exists;
    struct stat status; /* of the file to be replaced, if it exists */
};
QL_MUST_CHECK enum ql_status ql_target_open(struct ql_target *target, const struct ql_disk *disk, struct ql_str path,
                                            bool makes_folders, struct ql_err *err);
void ql_target_fini(struct ql_target *target);

/** Appends a name with its version before the ending: "a.parquet" and 2 give "a.v2.parquet"; 1 leaves it as it is (key.c). */
void ql_key_put_version(struct ql_str name, int version, struct ql_buf *out);
/** Why S3 would not take a key as it is ("is empty"), or NULL (key_rules.c). */
const char *ql_key_fault(struct ql_str key);

/* ---- S3 (what its files share; s3_client.h has what requests share) ---- */

/** Appends k1=v1&k2=v2 as x-amz-tagging wants it. */
void ql_tags_header(const struct ql_tag *tags, size_t n_tags, struct ql_buf *out);

/** What the beginning of a region's code says (aws_partition.c). */
struct ql_aws_partition {
    const char *prefix; /* of the region: "cn-" */
    const char *name;   /* in ARNs: "aws-cn" */
    const char *domain, *dual_stack_domain;
    bool has_s3_fips;
    bool is_sts_fips; /* STS complies with FIPS under its ordinary name */
};
const struct ql_aws_partition *ql_aws_partition_of(struct ql_str region);

/** Where an object is: all parts as they go over the wire. */
struct ql_s3_address {
    struct ql_buf url;  /* whole, without query */
    struct ql_buf host; /* with port if the URL has one */
    struct ql_buf path; /* percent-encoded once; what is signed */
};
void ql_s3_address_init(struct ql_s3_address *address, const struct ql_s3_options *options, struct ql_str region,
                        struct ql_str bucket, struct ql_str key);
void ql_sts_address_init(struct ql_s3_address *address, const struct ql_s3_options *options, struct ql_str region);
void ql_s3_address_fini(struct ql_s3_address *address);
/** The region of the options, else the store's usual one. */
struct ql_str ql_s3_region(const struct ql_s3_options *options);

/** A URL in its parts, or false: http or https, a host, perhaps a port, perhaps a path; nothing else. */
struct ql_s3_endpoint {
    bool is_https, is_loopback;
    bool is_address;         /* numbers instead of a name */
    struct ql_str authority; /* host and port */
    struct ql_str path;      /* without a '/' at its end; may be empty */
};
bool ql_s3_endpoint_parse(struct ql_str text, struct ql_s3_endpoint *endpoint);

/** The feature (enum ql_s3_feature) that a request header belongs to; 0: one that every store has (s3_quirks.c). */
unsigned ql_s3_feature_of_header(struct ql_str name);

/* A bucket in another region (s3_region.c). */
bool ql_s3_is_region(struct ql_str text);
bool ql_s3_is_about_region(const struct ql_s3_error *error, const struct ql_http_response *response);
/** The region that the answer names; empty: none. */
struct ql_str ql_s3_told_region(const struct ql_s3_error *error, const struct ql_http_response *response);

/** What an error is about (s3_error.c). */
struct ql_s3_subject {
    enum ql_s3_act act;
    int part; /* its number; 0: none */
    struct ql_str bucket, key, region;
    bool is_aws; /* AWS itself, not a custom endpoint */
    bool has_tags, has_owner, has_kms;
    int64_t now_us; /* this machine's clock when the request was signed */
};
/** Refuses options that cannot be, the bucket aside (s3_check.c). */
QL_MUST_CHECK enum ql_status ql_s3_check_options(const struct ql_s3_options *options, struct ql_err *err);
/** Makes the error of an answer that is no success: one sentence, the code, the request id, what to do. */
enum ql_status ql_s3_fail(struct ql_err *err, const struct ql_s3_subject *subject, const struct ql_http_response *response);
/** The row of the table that a code and S3's words fit; NULL: none (s3_error_table.c). */
const struct ql_s3_explanation *ql_s3_explain(const char *code, const char *words);
/** "store part 3 of 's3://bucket/key'", for "cannot ..."; the key is cut where it would fill the whole message. */
void ql_s3_put_subject(const struct ql_s3_subject *subject, struct ql_buf *out);
/** How far this machine's clock is from the server's: "1 h 20 min behind". */
void ql_s3_put_clock(int64_t ahead_us, struct ql_buf *out);
/** Whether the same request may succeed a moment later, by the code, or without a known one by the HTTP status. */
enum ql_s3_kind ql_s3_kind_of(const char *code, const char *words, long status);

/* Retries (s3_retry.c): arithmetic, given the random number. */
enum {
    QL_S3_REPEAT_COST = 5, /* of the budget; botocore/retries/quota.py and standard.py */
    QL_S3_TIMEOUT_COST = 10,
    QL_S3_BUDGET = 500
};
/** Full jitter: 0 to base doubling with each attempt, at most the cap; but at least what the server asks for. */
int64_t ql_s3_wait_ms(const struct ql_s3_options *options, int n_attempts, enum ql_s3_kind kind,
                      const struct ql_http_response *response, uint64_t random);

/** The world as requests and uploads see it; unit tests put their own in. */
struct ql_s3_world {
    /** One exchange. */
    enum ql_status (*send)(struct ql_http *http, const struct ql_http_request *request, struct ql_http_response *response,
                           struct ql_err *err);
    enum ql_status (*wait)(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err);
    uint64_t (*random)(struct ql_http *http, uint64_t n); /* from [0, n) */
    int64_t (*now_us)(void);
    int64_t (*monotonic_ms)(void);
    const struct ql_disk *disk;
    size_t max_memory_bytes; /* of the spool */
};
extern const struct ql_s3_world QL_S3_WORLD;

#endif
