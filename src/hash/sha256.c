/**
 * SHA-256 by OpenSSL's own functions for it (FIPS 180-4) and HMAC over them (RFC 2104).
 *
 * Not by its EVP interface, which first makes a library context, reads openssl.cnf and registers every algorithm: 1.3 ms, half
 * of what the transform of a small file takes (docs/design/0009-start-up.md). These functions are the same code without that,
 * and initialise nothing. OpenSSL calls them deprecated since 3.0, for the sake of exchangeable providers, and 4.0 still has
 * them.
 */
#define OPENSSL_API_COMPAT 0x10100000L /* without the warning */

#include "hash/hash.h"

#include "base/mem.h"

#include <openssl/opensslv.h>
#include <openssl/sha.h>
#include <string.h>

enum { BLOCK_BYTES = SHA256_CBLOCK };

struct ql_sha256 {
    SHA256_CTX context;
};

/* The functions return 1 always; their results are not looked at. */

static void finish(SHA256_CTX *context, uint8_t digest[QL_SHA256_SIZE]) {
    (void)SHA256_Final(digest, context);
}

static void feed(SHA256_CTX *context, const void *ptr, size_t len) {
    if (len != 0) {
        (void)SHA256_Update(context, ptr, len);
    }
}

struct ql_sha256 *ql_sha256_new(void) {
    struct ql_sha256 *hash = ql_mem_alloc(sizeof *hash);
    (void)SHA256_Init(&hash->context);
    return hash;
}

void ql_sha256_free(struct ql_sha256 *hash) {
    ql_mem_free(hash);
}

void ql_sha256_update(struct ql_sha256 *hash, const void *ptr, size_t len) {
    feed(&hash->context, ptr, len);
}

void ql_sha256_take(struct ql_sha256 *hash, uint8_t digest[QL_SHA256_SIZE]) {
    finish(&hash->context, digest);
    (void)SHA256_Init(&hash->context);
}

void ql_sha256_of(const void *ptr, size_t len, uint8_t digest[QL_SHA256_SIZE]) {
    SHA256_CTX context;
    (void)SHA256_Init(&context);
    feed(&context, ptr, len);
    finish(&context, digest);
}

/* One of HMAC's two hashes: of the key, padded to a block and combined with `pad`, and of what follows. */
static void keyed(const uint8_t key[BLOCK_BYTES], uint8_t pad, const void *ptr, size_t len, uint8_t digest[QL_SHA256_SIZE]) {
    uint8_t block[BLOCK_BYTES];
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = key[i] ^ pad;
    }
    SHA256_CTX context;
    (void)SHA256_Init(&context);
    feed(&context, block, sizeof block);
    feed(&context, ptr, len);
    finish(&context, digest);
    explicit_bzero(block, sizeof block);
}

void ql_hmac_sha256(const void *key, size_t key_len, const void *ptr, size_t len, uint8_t digest[QL_SHA256_SIZE]) {
    uint8_t padded[BLOCK_BYTES] = {0};
    if (key_len > sizeof padded) {
        ql_sha256_of(key, key_len, padded);
    } else if (key_len != 0) {
        memcpy(padded, key, key_len);
    }
    uint8_t inner[QL_SHA256_SIZE];
    keyed(padded, 0x36, ptr, len, inner);
    keyed(padded, 0x5c, inner, sizeof inner, digest);
    explicit_bzero(padded, sizeof padded);
}

void ql_hex(const uint8_t *bytes, size_t len, char *out) {
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = DIGITS[bytes[i] >> 4];
        out[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

void ql_hash_versions(struct ql_buf *out) {
    ql_buf_puts(out, "OpenSSL " OPENSSL_VERSION_STR); /* asking the library would link all of it in */
}
