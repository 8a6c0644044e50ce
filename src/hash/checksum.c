/** The kinds of checksums behind one interface, and MD5 (OpenSSL), which only checksums need: nothing here trusts it. */
#define OPENSSL_API_COMPAT 0x10100000L /* as in sha256.c */

#include "hash/checksum.h"

#include "base/mem.h"
#include "hash/crc.h"

#include <openssl/md5.h>

struct ql_checksum {
    enum ql_checksum_kind kind;
    struct ql_crc *crc;
    struct ql_sha256 *sha256;
    MD5_CTX md5;
};

static void start(struct ql_checksum *checksum) {
    switch (checksum->kind) {
    case QL_CHECKSUM_CRC64NVME:
        checksum->crc = ql_crc_new_64nvme();
        break;
    case QL_CHECKSUM_CRC32C:
        checksum->crc = ql_crc_new_32c();
        break;
    case QL_CHECKSUM_SHA256:
        checksum->sha256 = ql_sha256_new();
        break;
    case QL_CHECKSUM_MD5:
        (void)MD5_Init(&checksum->md5); /* returns 1 always, as the two below */
        break;
    case QL_CHECKSUM_NONE:
    default:
        break;
    }
}

static void stop(struct ql_checksum *checksum) {
    ql_crc_free(checksum->crc);
    ql_sha256_free(checksum->sha256);
    checksum->crc = NULL;
    checksum->sha256 = NULL;
}

struct ql_checksum *ql_checksum_new(enum ql_checksum_kind kind) {
    if (kind == QL_CHECKSUM_NONE) {
        return NULL;
    }
    struct ql_checksum *checksum = ql_mem_zalloc(1, sizeof *checksum);
    checksum->kind = kind;
    start(checksum);
    return checksum;
}

void ql_checksum_free(struct ql_checksum *checksum) {
    if (checksum != NULL) {
        stop(checksum);
        ql_mem_free(checksum);
    }
}

void ql_checksum_update(struct ql_checksum *checksum, const void *ptr, size_t len) {
    if (checksum == NULL || len == 0) {
        return;
    }
    if (checksum->crc != NULL) {
        ql_crc_update(checksum->crc, ptr, len);
    } else if (checksum->sha256 != NULL) {
        ql_sha256_update(checksum->sha256, ptr, len);
    } else {
        (void)MD5_Update(&checksum->md5, ptr, len);
    }
}

size_t ql_checksum_take(struct ql_checksum *checksum, uint8_t bytes[QL_CHECKSUM_MAX_SIZE]) {
    if (checksum == NULL) {
        return 0;
    }
    size_t size = 0;
    if (checksum->crc != NULL) {
        uint64_t value = ql_crc_get(checksum->crc);
        size = checksum->kind == QL_CHECKSUM_CRC32C ? sizeof(uint32_t) : sizeof(uint64_t);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
        }
    } else if (checksum->sha256 != NULL) {
        size = QL_SHA256_SIZE;
        ql_sha256_take(checksum->sha256, bytes);
    } else {
        size = MD5_DIGEST_LENGTH;
        (void)MD5_Final(bytes, &checksum->md5);
    }
    stop(checksum);
    start(checksum);
    return size;
}
