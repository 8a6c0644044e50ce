/**
 * What requests to S3 share while a run lasts, each kind of it behind a few functions that any thread may call: credentials,
 * the regions and owners of buckets, the server's clock, the budget of repeats, the requests in flight, http clients.
 */
#ifndef QL_STORE_S3_CLIENT_H
#define QL_STORE_S3_CLIENT_H

#include "store/sigv4.h"
#include "store/store_internal.h"

enum { QL_S3_REGION_SIZE = 65 };

/* ---- http clients: one for each request under way, kept for the next */

QL_MUST_CHECK enum ql_status ql_s3_client_lease(struct ql_s3_client *client, struct ql_http **http, struct ql_err *err);
void ql_s3_client_give_back(struct ql_s3_client *client, struct ql_http *http);

/* ---- credentials */

/** Whose turn it was when credentials were given; 0: never. */
typedef uint64_t ql_s3_generation;
/**
 * Replaces *credentials by a copy of the present ones, and registers their secrets. *generation tells these from earlier ones.
 * refused: the generation that was refused, so that of several threads only the first renews; 0: none.
 */
QL_MUST_CHECK enum ql_status ql_s3_client_credentials(struct ql_s3_client *client, ql_s3_generation refused,
                                                      struct ql_aws_credentials *credentials, ql_s3_generation *generation,
                                                      struct ql_err *err);

/* ---- buckets */

/** The region that the bucket is known, or said by the options, to be in. */
void ql_s3_client_get_region(struct ql_s3_client *client, struct ql_str bucket, char region[QL_S3_REGION_SIZE]);
/** Remembers what the server said; warns the first time. */
void ql_s3_client_learn_region(struct ql_s3_client *client, struct ql_str bucket, struct ql_str region);
/** The account that the bucket must belong to; empty: any. */
void ql_s3_client_get_owner(struct ql_s3_client *client, struct ql_str bucket, char owner[QL_AWS_ACCOUNT_SIZE]);
/** Warns, once, that the store does not know what the user may have wished for. */
void ql_s3_client_note_left_out(struct ql_s3_client *client, unsigned feature);

/* ---- the clock */

/** The server's time as far as it is known. */
int64_t ql_s3_client_now_us(struct ql_s3_client *client);
/** Remembers how far the server's clock is from this machine's; warns the first time. */
void ql_s3_client_learn_clock(struct ql_s3_client *client, int64_t server_us);

/* ---- the budget of repeats: the SDKs' standard mode */

/** false: it is used up. */
bool ql_s3_client_take_repeat(struct ql_s3_client *client, int cost);
void ql_s3_client_note_success(struct ql_s3_client *client, int last_cost);
/** The server asked for less. */
void ql_s3_client_note_throttle(struct ql_s3_client *client);

/* ---- requests in flight */

/** Waits for a place, unless cancelled or past the deadline. */
QL_MUST_CHECK enum ql_status ql_s3_client_enter(struct ql_s3_client *client, struct ql_http *http, struct ql_err *err);
void ql_s3_client_leave(struct ql_s3_client *client);

/* ---- one signature (s3_sign.c) */

/** A request as it goes over the wire at this moment. Zero-initialise; may be made again and again; fini at the end. */
struct ql_s3_wire {
    struct ql_buf url, authorization;
    struct ql_s3_address address;
    struct ql_http_header *headers; /* into what stands here and into the request */
    size_t n_headers;
    struct ql_aws_credentials credentials;
    ql_s3_generation generation;
    char region[QL_S3_REGION_SIZE], owner[QL_AWS_ACCOUNT_SIZE], date[QL_SIGV4_DATE_SIZE];
    int64_t machine_us; /* this machine's clock */
    int64_t signed_us;  /* the time that was signed */
};
/** sha256: of the payload, hex. Errors: those of the credentials' provider. */
QL_MUST_CHECK enum ql_status ql_s3_sign(struct ql_s3_client *client, const struct ql_s3_request *request, const char *sha256,
                                        struct ql_s3_wire *wire, struct ql_err *err);
void ql_s3_wire_fini(struct ql_s3_wire *wire);
/** The payload's SHA-256 in hex: as given, or computed. Errors: those of the payload's source. */
QL_MUST_CHECK enum ql_status ql_s3_payload_sha256(const struct ql_s3_payload *payload, char hex[QL_SHA256_HEX_SIZE],
                                                  struct ql_err *err);

#endif
