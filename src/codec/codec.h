/** Compression by libraries: whole pages out and in (snappy, zstd), streams in (gzip, zstd). */
#ifndef QL_CODEC_CODEC_H
#define QL_CODEC_CODEC_H

#include "base/err.h"
#include "base/str.h"

enum ql_codec { QL_CODEC_NONE, QL_CODEC_SNAPPY, QL_CODEC_ZSTD };

enum { QL_ZSTD_LEVEL_MIN = 1, QL_ZSTD_LEVEL_DEFAULT = 3, QL_ZSTD_LEVEL_MAX = 19 };

struct ql_compressor; /* keeps what the libraries want to keep between pages */
/** level: zstd only, 1 to 19 (the nearest of them stands for what is outside); 0: the default (3). */
struct ql_compressor *ql_compressor_new(enum ql_codec codec, int level);
void ql_compressor_free(struct ql_compressor *compressor);
size_t ql_compressor_bound(const struct ql_compressor *compressor, size_t len);
/**
 * One whole page: a raw snappy block (not the framed format), one zstd frame that states its content size, or a copy.
 *
 * out has room for the bound. Deterministic: the bytes do not depend on what was compressed before.
 * Errors: QL_E_INTERNAL if the library fails on a sound input (no known cause).
 */
QL_MUST_CHECK enum ql_status ql_compressor_run(struct ql_compressor *compressor, const void *ptr, size_t len, void *out,
                                               size_t *out_len, struct ql_err *err);

/**
 * As ql_compressor_run, for bytes that will not shrink, such as a few packed numbers: Snappy does not search them for what
 * repeats. Any length will do; what it saves is the fixed cost of a call, so it is for short pages.
 */
QL_MUST_CHECK enum ql_status ql_compressor_store(struct ql_compressor *compressor, const void *ptr, size_t len, void *out,
                                                 size_t *out_len, struct ql_err *err);

struct ql_decompressor; /* keeps what zstd wants to keep between pages */
struct ql_decompressor *ql_decompressor_new(void);
void ql_decompressor_free(struct ql_decompressor *decompressor);
/**
 * The way back, from bytes that nobody vouches for: out has room for out_len bytes, and exactly these must come out.
 * Errors: QL_E_COMPRESSED for damage; out is then undefined. QL_E_SYSTEM if zstd gets no memory for its context.
 */
QL_MUST_CHECK enum ql_status ql_decompressor_run(struct ql_decompressor *decompressor, enum ql_codec codec, const void *ptr,
                                                 size_t len, void *out, size_t out_len, struct ql_err *err);

enum ql_stream { QL_STREAM_PLAIN, QL_STREAM_GZIP, QL_STREAM_ZSTD };
/** By the magic bytes; needs the first 4 bytes (fewer: PLAIN). A zstd stream may begin with a skippable frame, as pzstd's do.
 */
enum ql_stream ql_stream_detect(const void *ptr, size_t len);

/** A compressed stream, several members or frames allowed, in chunks; the plain bytes go to the sink as they come. */
struct ql_decoder;
/**
 * Limits: max_bytes bounds what comes out, max_ratio what comes out for each byte that goes in (judged once 64 MiB came out);
 * 0: no such limit. PLAIN hands the bytes through, within max_bytes. The sink never gets more than max_bytes.
 */
struct ql_decoder *ql_decoder_new(enum ql_stream stream, int64_t max_bytes, int64_t max_ratio, struct ql_sink out);
void ql_decoder_free(struct ql_decoder *decoder);
/**
 * E_COMPRESSED for damage (says at which compressed byte), E_LIMIT for more than max_bytes, a ratio beyond max_ratio, or a zstd
 * window beyond 128 MiB; whatever the sink returned. After an error only free is of use: every further call fails.
 */
QL_MUST_CHECK enum ql_status ql_decoder_feed(struct ql_decoder *decoder, const void *ptr, size_t len, struct ql_err *err);
/** E_COMPRESSED if the stream does not end exactly here. */
QL_MUST_CHECK enum ql_status ql_decoder_finish(struct ql_decoder *decoder, struct ql_err *err);

/** CRC-32 of IEEE 802.3 (zlib's, gzip's, Parquet's). Starts from 0; crc of the bytes before may be given to go on. */
uint32_t ql_crc32(uint32_t crc, const void *ptr, size_t len);

/** "zlib 1.2.13, snappy 1.1.9, zstd 1.5.4", for `version`. */
void ql_codec_versions(struct ql_buf *out);

#endif
