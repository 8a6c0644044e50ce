/**
 * One running checksum of a kind that is chosen at run time, for what S3 takes beside the signature's SHA-256.
 */
#ifndef QL_HASH_CHECKSUM_H
#define QL_HASH_CHECKSUM_H

#include "hash/hash.h"

enum ql_checksum_kind { QL_CHECKSUM_NONE, QL_CHECKSUM_CRC64NVME, QL_CHECKSUM_CRC32C, QL_CHECKSUM_SHA256, QL_CHECKSUM_MD5 };
enum { QL_CHECKSUM_MAX_SIZE = 32, QL_CHECKSUM_TEXT_SIZE = 45 }; /* in bytes; in base64, with a NUL */

struct ql_checksum; /* NULL is the one of QL_CHECKSUM_NONE, and fine everywhere */
struct ql_checksum *ql_checksum_new(enum ql_checksum_kind kind);
void ql_checksum_free(struct ql_checksum *checksum);
void ql_checksum_update(struct ql_checksum *checksum, const void *ptr, size_t len);
/** Its bytes, the most significant first as S3 wants them; returns how many, 0 for none. It starts anew. */
size_t ql_checksum_take(struct ql_checksum *checksum, uint8_t bytes[QL_CHECKSUM_MAX_SIZE]);

#endif
