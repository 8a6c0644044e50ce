/**
 * SHA-256 and HMAC-SHA-256 (OpenSSL): the artefact's digest, the digest and the signature of S3 requests; hex and base64. None
 * of these fails.
 */
#ifndef QL_HASH_HASH_H
#define QL_HASH_HASH_H

#include "base/err.h"
#include "base/str.h"

enum { QL_SHA256_SIZE = 32, QL_SHA256_HEX_SIZE = 65 };

struct ql_sha256; /* a running hash */
struct ql_sha256 *ql_sha256_new(void);
void ql_sha256_free(struct ql_sha256 *hash);
void ql_sha256_update(struct ql_sha256 *hash, const void *ptr, size_t len);
/** The digest; the hash starts anew. */
void ql_sha256_take(struct ql_sha256 *hash, uint8_t digest[QL_SHA256_SIZE]);
void ql_sha256_of(const void *ptr, size_t len, uint8_t digest[QL_SHA256_SIZE]);
void ql_hmac_sha256(const void *key, size_t key_len, const void *ptr, size_t len, uint8_t digest[QL_SHA256_SIZE]);
/** Lower-case hex with a NUL: out has room for 2 * len + 1. */
void ql_hex(const uint8_t *bytes, size_t len, char *out);
/** Appends base64 with its padding (RFC 4648, section 4). */
void ql_base64(const void *ptr, size_t len, struct ql_buf *out);
/** Appends "OpenSSL 3.0.x", for `version`. */
void ql_hash_versions(struct ql_buf *out);

#endif
