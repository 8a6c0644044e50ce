/*
 * Pages on their way out of a file, into room of exactly the size that their header states.
 *
 * Snappy's raw format (format_description.txt): the length as varint, then elements: a literal and its bytes, or a copy of what
 * came out before, which may overlap what it makes. Every element is held against what is left on both sides.
 */
#include "codec/codec.h"

#include "base/mem.h"

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

struct snappy {
    const unsigned char *at, *end;
    unsigned char *begin, *out, *out_end;
};

static bool get_length(struct snappy *snappy, size_t wanted) {
    uint64_t len = 0;
    for (unsigned shift = 0; shift < 35 && snappy->at < snappy->end; shift += 7) {
        unsigned char byte = *snappy->at++;
        len |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return len == wanted;
        }
    }
    return false;
}

static bool get_number(struct snappy *snappy, size_t n_bytes, size_t *number) {
    if ((size_t)(snappy->end - snappy->at) < n_bytes) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        *number |= (size_t)snappy->at[i] << (8 * i);
    }
    snappy->at += n_bytes;
    return true;
}

static bool put_literal(struct snappy *snappy, unsigned tag) {
    enum { INLINE_MAX = 60 };
    size_t len = tag >> 2;
    if (len >= INLINE_MAX && !get_number(snappy, len - INLINE_MAX + 1, &len)) {
        return false;
    }
    len++;
    if (len > (size_t)(snappy->end - snappy->at) || len > (size_t)(snappy->out_end - snappy->out)) {
        return false;
    }
    memcpy(snappy->out, snappy->at, len);
    snappy->at += len;
    snappy->out += len;
    return true;
}

static bool put_copy(struct snappy *snappy, unsigned tag) {
    size_t len = (tag >> 2) + 1;
    size_t offset = 0;
    size_t high = 0;
    if ((tag & 3) == 1) {
        len = (tag >> 2 & 7) + 4;
        high = (size_t)(tag >> 5) << 8;
    }
    if (!get_number(snappy, (tag & 3) == 1 ? 1 : (tag & 3) == 2 ? 2 : 4, &offset)) {
        return false;
    }
    offset |= high;
    if (offset == 0 || offset > (size_t)(snappy->out - snappy->begin) || len > (size_t)(snappy->out_end - snappy->out)) {
        return false;
    }
    for (const unsigned char *from = snappy->out - offset; len != 0; len--) {
        *snappy->out++ = *from++; /* byte by byte: it may read what it has just written */
    }
    return true;
}

static bool run_snappy(const void *ptr, size_t len, void *out, size_t out_len) {
    struct snappy snappy = {.at = ptr,
                            .end = (const unsigned char *)ptr + len,
                            .begin = out,
                            .out = out,
                            .out_end = (unsigned char *)out + out_len};
    bool is_good = get_length(&snappy, out_len);
    while (is_good && snappy.at < snappy.end) {
        unsigned tag = *snappy.at++;
        is_good = (tag & 3) == 0 ? put_literal(&snappy, tag) : put_copy(&snappy, tag);
    }
    return is_good && snappy.out == snappy.out_end;
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
