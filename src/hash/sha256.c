/**
 * SHA-256 and HMAC over OpenSSL's EVP interface (FIPS 180-4, RFC 2104).
 *
 * The algorithm is fetched once per running hash, because an implicit fetch in every EVP_DigestInit takes a lock and a search.
 * OpenSSL's configuration file is left in force: skipping it (OPENSSL_INIT_NO_LOAD_CONFIG) would save 0.4 ms of start, but
 * for the whole process, and so would also switch off the machine's TLS policy that libcurl's connections must obey.
 */
#include "hash/hash.h"

#include "base/mem.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

struct ql_sha256 {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
};

static _Noreturn void openssl_is_broken(void) {
    static const char TEXT[] = "queuelake: OpenSSL refuses SHA-256; check its installation and openssl.cnf\n";
    ssize_t ignored = write(STDERR_FILENO, TEXT, sizeof TEXT - 1);
    (void)ignored; /* nothing better can be done with it */
    _exit(71);
}

static void must(int result) {
    if (result != 1) {
        openssl_is_broken();
    }
}

struct ql_sha256 *ql_sha256_new(void) {
    struct ql_sha256 *hash = ql_mem_zalloc(1, sizeof *hash);
    hash->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    hash->context = EVP_MD_CTX_new();
    must(hash->algorithm != NULL && hash->context != NULL);
    must(EVP_DigestInit_ex(hash->context, hash->algorithm, NULL));
    return hash;
}

void ql_sha256_free(struct ql_sha256 *hash) {
    if (hash != NULL) {
        EVP_MD_CTX_free(hash->context);
        EVP_MD_free(hash->algorithm);
        ql_mem_free(hash);
    }
}

void ql_sha256_update(struct ql_sha256 *hash, const void *ptr, size_t len) {
    if (len != 0) {
        must(EVP_DigestUpdate(hash->context, ptr, len));
    }
}

void ql_sha256_take(struct ql_sha256 *hash, uint8_t digest[QL_SHA256_SIZE]) {
    must(EVP_DigestFinal_ex(hash->context, digest, NULL));
    must(EVP_DigestInit_ex(hash->context, hash->algorithm, NULL));
}

void ql_sha256_of(const void *ptr, size_t len, uint8_t digest[QL_SHA256_SIZE]) {
    must(EVP_Q_digest(NULL, "SHA256", NULL, len != 0 ? ptr : "", len, digest, NULL));
}

void ql_hmac_sha256(const void *key, size_t key_len, const void *ptr, size_t len, uint8_t digest[QL_SHA256_SIZE]) {
    must(key_len <= INT_MAX);
    must(HMAC(EVP_sha256(), key_len != 0 ? key : "", (int)key_len, len != 0 ? ptr : (const void *)"", len, digest, NULL) !=
         NULL);
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
    ql_buf_printf(out, "OpenSSL %s", OpenSSL_version(OPENSSL_VERSION_STRING));
}
