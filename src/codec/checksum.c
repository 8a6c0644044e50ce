/*
 * The CRC that Parquet pages and gzip members carry, and the versions of the libraries behind this room.
 */
#include "codec/codec.h"

#include <zlib.h>
#include <zstd.h>

uint32_t ql_crc32(uint32_t crc, const void *ptr, size_t len) {
    return len != 0 ? (uint32_t)crc32_z(crc, ptr, len) : crc; /* zlib takes a NULL pointer for "give me the start value" */
}

void ql_codec_versions(struct ql_buf *out) {
    ql_buf_printf(out, "zlib %s, snappy %s, zstd %s", zlibVersion(), QL_SNAPPY_VERSION, ZSTD_versionString());
}
