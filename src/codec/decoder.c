/*
 * A compressed export on its way in: gzip (RFC 1952) and zstd (RFC 8878) streams, fed in chunks of any size.
 *
 * A stream is one or more members (gzip) or frames (zstd, skippable ones included) and nothing else: bytes behind the last one
 * and an end inside one are both damage, because a cut download looks like either. The libraries check their own checksums:
 * inflate the CRC-32 and length of a member's trailer, zstd the XXH64 of a frame that has one. What comes out is counted
 * before it is handed on, so that a bomb costs a limit's worth of work and no memory.
 */
#include "codec/codec.h"

#include "base/mem.h"

#define ZLIB_CONST /* next_in points at what is only read */

#include <inttypes.h>
#include <limits.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { OUT_SIZE = 128 * 1024 }; /* as much as ZSTD_DStreamOutSize() recommends, a little over L1 */
#define RATIO_GRACE_BYTES \
    (INT64_C(64) << 20) /* below, any ratio is harmless: an idle day's export is mostly one repeated line */

struct ql_decoder {
    enum ql_stream stream;
    int64_t max_bytes, max_ratio; /* 0: none */
    struct ql_sink out;
    int64_t n_in, n_out; /* consumed and handed on so far */
    bool is_inside;      /* a member or frame has begun and not ended */
    bool has_any;        /* at least one member or frame has begun */
    bool has_failed;
    z_stream zlib; /* GZIP */
    ZSTD_DCtx *zstd;
    unsigned char buf[OUT_SIZE];
};

enum ql_stream ql_stream_detect(const void *ptr, size_t len) {
    const unsigned char *p = ptr;
    if (len < 4) {
        return QL_STREAM_PLAIN;
    }
    if (p[0] == 0x1f && p[1] == 0x8b) {
        return QL_STREAM_GZIP;
    }
    bool is_frame = p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd;
    bool is_skippable = (p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18;
    return is_frame || is_skippable ? QL_STREAM_ZSTD : QL_STREAM_PLAIN;
}

static void *zlib_alloc(void *opaque, unsigned n, unsigned size) {
    (void)opaque;
    return ql_mem_realloc(NULL, n, size);
}

static void zlib_free(void *opaque, void *ptr) {
    (void)opaque;
    ql_mem_free(ptr);
}

struct ql_decoder *ql_decoder_new(enum ql_stream stream, int64_t max_bytes, int64_t max_ratio, struct ql_sink out) {
    struct ql_decoder *decoder = ql_mem_alloc(sizeof *decoder); /* its buffer need not be cleared */
    memset(decoder, 0, offsetof(struct ql_decoder, buf));
    decoder->stream = stream;
    decoder->max_bytes = max_bytes;
    decoder->max_ratio = max_ratio;
    decoder->out = out;
    decoder->zlib.zalloc = zlib_alloc;
    decoder->zlib.zfree = zlib_free;
    return decoder;
}

void ql_decoder_free(struct ql_decoder *decoder) {
    if (decoder != NULL) {
        if (decoder->zlib.state != NULL) {
            (void)inflateEnd(&decoder->zlib);
        }
        (void)ZSTD_freeDCtx(decoder->zstd);
        ql_mem_free(decoder);
    }
}

static const char *stream_name(const struct ql_decoder *decoder) {
    return decoder->stream == QL_STREAM_GZIP ? "gzip" : decoder->stream == QL_STREAM_ZSTD ? "zstd" : "plain";
}

static enum ql_status fail_damaged(const struct ql_decoder *decoder, const char *words, struct ql_err *err) {
    return QL_FAIL(err, QL_E_COMPRESSED, "the %s stream is damaged at compressed byte %" PRId64 ": %s", stream_name(decoder),
                   decoder->n_in, words);
}

/* Counts and hands on; n_in must be up to date, for the ratio. */
static enum ql_status deliver(struct ql_decoder *decoder, const void *ptr, size_t len, struct ql_err *err) {
    if (len == 0) {
        return QL_OK;
    }
    int64_t n_out = decoder->n_out + (int64_t)len;
    if (decoder->max_bytes > 0 && n_out > decoder->max_bytes) {
        return QL_FAIL(err, QL_E_LIMIT, "the %s stream holds more than the allowed %" PRId64 " bytes", stream_name(decoder),
                       decoder->max_bytes);
    }
    if (decoder->max_ratio > 0 && n_out > RATIO_GRACE_BYTES && n_out / decoder->max_ratio > decoder->n_in) {
        return QL_FAIL(err, QL_E_LIMIT, "the %s stream grows more than %" PRId64 "-fold (%" PRId64 " bytes from %" PRId64 ")",
                       stream_name(decoder), decoder->max_ratio, n_out, decoder->n_in);
    }
    decoder->n_out = n_out;
    return decoder->out.write(decoder->out.ctx, ptr, len, err);
}

static enum ql_status fail_zlib(const struct ql_decoder *decoder, int code, struct ql_err *err) {
    /* A second header that is none: what follows the first member is not gzip. */
    bool is_trailing = decoder->has_any && !decoder->is_inside;
    const char *words = decoder->zlib.msg != NULL ? decoder->zlib.msg
                        : code == Z_NEED_DICT     ? "it wants a dictionary"
                                                  : "bad data";
    return fail_damaged(decoder, is_trailing ? "bytes that are not gzip follow its end" : words, err);
}

/* Begins a member where one is due. */
static enum ql_status begin_member(struct ql_decoder *decoder, struct ql_err *err) {
    int code = decoder->zlib.state != NULL ? inflateReset(&decoder->zlib) : inflateInit2(&decoder->zlib, MAX_WBITS + 16);
    return code == Z_OK ? QL_OK : QL_FAIL(err, QL_E_INTERNAL, "zlib: starting to inflate: code %d", code);
}

/* One call of inflate: at most OUT_SIZE bytes out. */
static enum ql_status inflate_some(struct ql_decoder *decoder, bool *is_done, struct ql_err *err) {
    z_stream *zlib = &decoder->zlib;
    unsigned avail = zlib->avail_in;
    zlib->next_out = decoder->buf;
    zlib->avail_out = OUT_SIZE;
    int code = inflate(zlib, Z_NO_FLUSH);
    decoder->n_in += avail - zlib->avail_in;
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        return fail_zlib(decoder, code, err);
    }
    QL_TRY(deliver(decoder, decoder->buf, OUT_SIZE - zlib->avail_out, err));
    /* The magic decides between another member and trailing rubbish. */
    decoder->is_inside = code != Z_STREAM_END;
    decoder->has_any = true;
    *is_done = code == Z_STREAM_END || (zlib->avail_in == 0 && zlib->avail_out != 0);
    return QL_OK;
}

static enum ql_status feed_gzip(struct ql_decoder *decoder, const unsigned char *ptr, size_t len, struct ql_err *err) {
    while (len != 0) {
        if (!decoder->is_inside) {
            QL_TRY(begin_member(decoder, err));
        }
        unsigned n = len < INT_MAX ? (unsigned)len : INT_MAX;
        decoder->zlib.next_in = ptr;
        decoder->zlib.avail_in = n;
        for (bool is_done = false; !is_done;) {
            QL_TRY(inflate_some(decoder, &is_done, err));
        }
        size_t used = n - decoder->zlib.avail_in;
        ptr += used;
        len -= used;
    }
    return QL_OK;
}

static enum ql_status fail_zstd(const struct ql_decoder *decoder, size_t code, struct ql_err *err) {
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
        QL_FAIL(err, QL_E_LIMIT, "the zstd stream asks for a window of more than 128 MiB of memory");
        ql_err_hint(err, "compress it again without --long or --ultra");
        return QL_E_LIMIT;
    }
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation) {
        return QL_FAIL(err, QL_E_SYSTEM, "zstd: no memory for its window");
    }
    bool is_trailing = decoder->has_any && !decoder->is_inside && ZSTD_getErrorCode(code) == ZSTD_error_prefix_unknown;
    return fail_damaged(decoder, is_trailing ? "bytes that are not zstd follow its end" : ZSTD_getErrorName(code), err);
}

static enum ql_status feed_zstd(struct ql_decoder *decoder, const void *ptr, size_t len, struct ql_err *err) {
    if (decoder->zstd == NULL) {
        decoder->zstd = ZSTD_createDCtx();
        if (decoder->zstd == NULL) {
            return QL_FAIL(err, QL_E_SYSTEM, "zstd: no memory for its context");
        }
    }
    ZSTD_inBuffer in = {.src = ptr, .size = len};
    for (bool is_full = false; in.pos < in.size || (is_full && decoder->is_inside);) {
        ZSTD_outBuffer out = {.dst = decoder->buf, .size = OUT_SIZE};
        size_t before = in.pos;
        size_t code = ZSTD_decompressStream(decoder->zstd, &out, &in);
        decoder->n_in += (int64_t)(in.pos - before);
        if (ZSTD_isError(code)) {
            return fail_zstd(decoder, code, err);
        }
        /* 0: a frame is complete and wholly handed out; the next byte begins another. */
        decoder->is_inside = code != 0;
        decoder->has_any = true;
        is_full = out.pos == out.size;
        QL_TRY(deliver(decoder, decoder->buf, out.pos, err));
    }
    return QL_OK;
}

static enum ql_status feed(struct ql_decoder *decoder, const void *ptr, size_t len, struct ql_err *err) {
    switch (decoder->stream) {
    case QL_STREAM_GZIP:
        return feed_gzip(decoder, ptr, len, err);
    case QL_STREAM_ZSTD:
        return feed_zstd(decoder, ptr, len, err);
    case QL_STREAM_PLAIN:
        break;
    }
    decoder->n_in += (int64_t)len;
    return deliver(decoder, ptr, len, err);
}

static enum ql_status fail_used_after_failure(const struct ql_decoder *decoder, struct ql_err *err) {
    return QL_FAIL(err, QL_E_COMPRESSED, "the %s stream broke off at compressed byte %" PRId64, stream_name(decoder),
                   decoder->n_in);
}

enum ql_status ql_decoder_feed(struct ql_decoder *decoder, const void *ptr, size_t len, struct ql_err *err) {
    if (decoder->has_failed) {
        return fail_used_after_failure(decoder, err);
    }
    enum ql_status status = feed(decoder, ptr, len, err);
    decoder->has_failed = status != QL_OK;
    return status;
}

enum ql_status ql_decoder_finish(struct ql_decoder *decoder, struct ql_err *err) {
    if (decoder->has_failed) {
        return fail_used_after_failure(decoder, err);
    }
    if (decoder->stream != QL_STREAM_PLAIN && (decoder->is_inside || !decoder->has_any)) {
        return QL_FAIL(err, QL_E_COMPRESSED, "the %s stream is cut: it ends after %" PRId64 " compressed bytes, inside a %s",
                       stream_name(decoder), decoder->n_in, decoder->stream == QL_STREAM_GZIP ? "member" : "frame");
    }
    return QL_OK;
}
