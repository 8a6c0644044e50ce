/**
 * AWS Signature Version 4, the part that S3 and STS need: the Authorization header of one request.
 *
 * Pure: no clock, no network, no defaults. What is signed is what the caller will send: every header given here is signed, and
 * the path is the one of the URL. The specification is "Create a signed AWS API request" (IAM user guide) and, for S3's
 * differences (path encoded once and not normalised, x-amz-content-sha256 in every request), "Authenticating Requests" (S3
 * API).
 */
#ifndef QL_STORE_SIGV4_H
#define QL_STORE_SIGV4_H

#include "http/http.h"

enum { QL_SIGV4_DATE_SIZE = 17 }; /* "20150830T123600Z" */

struct ql_sigv4_credentials {
    struct ql_str access_key_id, secret_access_key;
    struct ql_str region, service; /* of the scope: "us-east-1", "s3" */
};

struct ql_sigv4_request {
    const char *method;
    struct ql_str path;                 /* as the URL carries it: percent-encoded once, with its '/' */
    const struct ql_http_header *query; /* names and values not encoded, in any order */
    size_t n_query;
    /* What is to be signed: host and x-amz-date at least, a session token too; any order, any case, doubles allowed. */
    const struct ql_http_header *headers;
    size_t n_headers;
    struct ql_str payload_sha256; /* hex, or UNSIGNED-PAYLOAD */
    const char *date;             /* the value of x-amz-date */
};

/** The instant as x-amz-date wants it: UTC, no punctuation. */
void ql_sigv4_date(int64_t us, char out[QL_SIGV4_DATE_SIZE]);
/** Appends the query as the URL carries it: encoded and in the canonical order, without '?'. */
void ql_sigv4_query(const struct ql_http_header *query, size_t n_query, struct ql_buf *out);
/** Appends the canonical request: what the signature is over. For tests and for finding out why a server differs. */
void ql_sigv4_canonical_request(const struct ql_sigv4_request *request, struct ql_buf *out);
/** Appends the value of the Authorization header. */
void ql_sigv4_authorization(const struct ql_sigv4_credentials *credentials, const struct ql_sigv4_request *request,
                            struct ql_buf *out);

#endif
