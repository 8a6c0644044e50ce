/*
 * Pages on their way into a file: one call of the library for one page, nothing allocated for a page.
 *
 * zstd runs in one shot (ZSTD_compressCCtx), so that a frame states its content size and its window is no larger than the page
 * needs: airlift's decoder (Trino, Athena) refuses windows above 8 MiB, which levels up to 19 never ask for.
 */
#include "codec/codec.h"

#include "base/mem.h"

#include <snappy-c.h>
#include <zstd.h>

struct ql_compressor {
    enum ql_codec codec;
    int level;
    ZSTD_CCtx *zstd; /* NULL unless codec is ZSTD */
};

struct ql_compressor *ql_compressor_new(enum ql_codec codec, int level) {
    struct ql_compressor *compressor = ql_mem_zalloc(1, sizeof *compressor);
    compressor->codec = codec;
    if (level == 0) {
        level = QL_ZSTD_LEVEL_DEFAULT;
    }
    level = level < QL_ZSTD_LEVEL_MIN ? QL_ZSTD_LEVEL_MIN : level;
    compressor->level = level > QL_ZSTD_LEVEL_MAX ? QL_ZSTD_LEVEL_MAX : level;
    return compressor;
}

void ql_compressor_free(struct ql_compressor *compressor) {
    if (compressor != NULL) {
        (void)ZSTD_freeCCtx(compressor->zstd); /* NULL is fine, and it cannot fail */
        ql_mem_free(compressor);
    }
}

size_t ql_compressor_bound(const struct ql_compressor *compressor, size_t len) {
    switch (compressor->codec) {
    case QL_CODEC_SNAPPY:
        return snappy_max_compressed_length(len);
    case QL_CODEC_ZSTD:
        return ZSTD_compressBound(len);
    case QL_CODEC_NONE:
        break;
    }
    return len;
}

static enum ql_status run_zstd(struct ql_compressor *compressor, const void *ptr, size_t len, void *out, size_t *out_len,
                               struct ql_err *err) {
    if (compressor->zstd == NULL) {
        compressor->zstd = ZSTD_createCCtx();
        if (compressor->zstd == NULL) {
            return QL_FAIL(err, QL_E_SYSTEM, "zstd: no memory for its context");
        }
    }
    size_t n = ZSTD_compressCCtx(compressor->zstd, out, ZSTD_compressBound(len), ptr, len, compressor->level);
    if (ZSTD_isError(n)) {
        return QL_FAIL(err, QL_E_INTERNAL, "zstd: compressing %zu bytes: %s", len, ZSTD_getErrorName(n));
    }
    *out_len = n;
    return QL_OK;
}

/*
 * A raw Snappy block of one literal (format_description.txt, 1 and 2.1): the length as varint, the tag <len - 1 << 2>, the
 * bytes. Snappy itself makes nothing else of fewer than 15 bytes.
 */
enum { LITERAL_MAX = 60, NO_MATCH_BELOW = 15 };

static size_t put_literal(const void *ptr, size_t len, unsigned char *out) {
    out[0] = (unsigned char)len; /* one byte up to 127 */
    if (len == 0) {
        return 1;
    }
    out[1] = (unsigned char)((len - 1) << 2);
    memcpy(out + 2, ptr, len);
    return len + 2;
}

enum ql_status ql_compressor_store(struct ql_compressor *compressor, const void *ptr, size_t len, void *out, size_t *out_len,
                                   struct ql_err *err) {
    if (compressor->codec != QL_CODEC_SNAPPY || len > LITERAL_MAX) {
        return ql_compressor_run(compressor, ptr, len, out, out_len, err);
    }
    *out_len = put_literal(ptr, len, out);
    return QL_OK;
}

enum ql_status ql_compressor_run(struct ql_compressor *compressor, const void *ptr, size_t len, void *out, size_t *out_len,
                                 struct ql_err *err) {
    if (compressor->codec == QL_CODEC_ZSTD) {
        return run_zstd(compressor, ptr, len, out, out_len, err);
    }
    if (compressor->codec == QL_CODEC_SNAPPY && len < NO_MATCH_BELOW) {
        *out_len = put_literal(ptr, len, out);
        return QL_OK;
    }
    if (compressor->codec == QL_CODEC_SNAPPY) {
        size_t n = snappy_max_compressed_length(len);
        snappy_status status = snappy_compress(ptr, len, out, &n);
        if (status != SNAPPY_OK) {
            return QL_FAIL(err, QL_E_INTERNAL, "snappy: compressing %zu bytes: status %d", len, (int)status);
        }
        *out_len = n;
        return QL_OK;
    }
    if (len != 0) {
        memcpy(out, ptr, len);
    }
    *out_len = len;
    return QL_OK;
}
