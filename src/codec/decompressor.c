/* Pages on their way out of a file, into room of exactly the size that their header states. */
#include "codec/codec.h"

#include "base/mem.h"

#include <snappy-c.h>
#include <zstd.h>

struct ql_decompressor {
    ZSTD_DCtx *zstd; /* NULL until it is needed */
};

struct ql_decompressor *ql_decompressor_new(void) {
    return ql_mem_zalloc(1, sizeof(struct ql_decompressor));
}

void ql_decompressor_free(struct ql_decompressor *decompressor) {
    if (decompressor != NULL) {
        (void)ZSTD_freeDCtx(decompressor->zstd); /* NULL is fine, and it cannot fail */
        ql_mem_free(decompressor);
    }
}

/* The length that a block states is looked at first: the library writes as many bytes as that. */
static bool run_snappy(const void *ptr, size_t len, void *out, size_t out_len) {
    size_t stated = 0;
    return snappy_uncompressed_length(ptr, len, &stated) == SNAPPY_OK && stated == out_len &&
           snappy_uncompress(ptr, len, out, &stated) == SNAPPY_OK;
}

static enum ql_status run_zstd(struct ql_decompressor *decompressor, const void *ptr, size_t len, void *out, size_t out_len,
                               struct ql_err *err) {
    if (decompressor->zstd == NULL) {
        decompressor->zstd = ZSTD_createDCtx();
        if (decompressor->zstd == NULL) {
            return QL_FAIL(err, QL_E_SYSTEM, "zstd: no memory for its context");
        }
    }
    size_t n = ZSTD_decompressDCtx(decompressor->zstd, out, out_len, ptr, len);
    if (ZSTD_isError(n)) {
        return QL_FAIL(err, QL_E_COMPRESSED, "zstd: %s", ZSTD_getErrorName(n));
    }
    return n == out_len ? QL_OK : QL_FAIL(err, QL_E_COMPRESSED, "zstd: %zu bytes come out instead of %zu", n, out_len);
}

enum ql_status ql_decompressor_run(struct ql_decompressor *decompressor, enum ql_codec codec, const void *ptr, size_t len,
                                   void *out, size_t out_len, struct ql_err *err) {
    switch (codec) {
    case QL_CODEC_SNAPPY:
        return run_snappy(ptr, len, out, out_len)
                   ? QL_OK
                   : QL_FAIL(err, QL_E_COMPRESSED, "snappy: %zu bytes are no block of %zu", len, out_len);
    case QL_CODEC_ZSTD:
        return run_zstd(decompressor, ptr, len, out, out_len, err);
    case QL_CODEC_NONE:
        break;
    }
    if (len != out_len) {
        return QL_FAIL(err, QL_E_COMPRESSED, "%zu bytes are stored without compression instead of %zu", len, out_len);
    }
    if (len != 0) {
        memcpy(out, ptr, len);
    }
    return QL_OK;
}
