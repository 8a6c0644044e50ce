/**
 * The CRCs that S3 knows, running: CRC-64/NVME and CRC-32C.
 *
 * Check values (of "123456789"): CRC-64/NVME 0xAE8B14860A799888, CRC-32C 0xE3069283 ("Catalogue of parametrised CRC
 * algorithms"; CRC-32C is there as CRC-32/ISCSI).
 */
#ifndef QL_HASH_CRC_H
#define QL_HASH_CRC_H

#include <stddef.h>
#include <stdint.h>

struct ql_crc; /* a running checksum: 16 KiB of tables of its own, made in some microseconds */
struct ql_crc *ql_crc_new_64nvme(void);
struct ql_crc *ql_crc_new_32c(void);
void ql_crc_free(struct ql_crc *crc);
void ql_crc_update(struct ql_crc *crc, const void *ptr, size_t len);
/** Of all bytes so far. A CRC-32C is in the lower 32 bits. */
uint64_t ql_crc_get(const struct ql_crc *crc);

#endif
