/** Compression by libraries: whole pages out (snappy, zstd), streams in (gzip, zstd). */
#ifndef QL_CODEC_CODEC_H
#define QL_CODEC_CODEC_H

#include "base/err.h"
#include "base/str.h"

enum ql_codec { QL_CODEC_NONE, QL_CODEC_SNAPPY, QL_CODEC_ZSTD };

struct ql_compressor; /* keeps what the libraries want to keep between pages */
struct ql_compressor *ql_compressor_new(enum ql_codec codec, int level); /* level: zstd only, 1 to 19; 0: the default (3) */
void ql_compressor_free(struct ql_compressor *compressor);
size_t ql_compressor_bound(const struct ql_compressor *compressor, size_t len);
/** out has room for the bound. Deterministic. */
QL_MUST_CHECK enum ql_status ql_compressor_run(struct ql_compressor *compressor, const void *ptr, size_t len, void *out, size_t *out_len,
                                               struct ql_err *err);

enum ql_stream { QL_STREAM_PLAIN, QL_STREAM_GZIP, QL_STREAM_ZSTD };
/** By the magic bytes; needs the first 4 bytes (fewer: PLAIN). */
enum ql_stream ql_stream_detect(const void *ptr, size_t len);

/** A compressed stream, several members or frames allowed, in chunks; the plain bytes go to the sink as they come. */
struct ql_decoder;
struct ql_decoder *ql_decoder_new(enum ql_stream stream, int64_t max_bytes, int64_t max_ratio, struct ql_sink out);
void ql_decoder_free(struct ql_decoder *decoder);
/** E_COMPRESSED for damage (says at which compressed byte), E_LIMIT for more than max_bytes, or a ratio beyond max_ratio after the first 64 MiB. */
QL_MUST_CHECK enum ql_status ql_decoder_feed(struct ql_decoder *decoder, const void *ptr, size_t len, struct ql_err *err);
/** E_COMPRESSED if the stream does not end exactly here. */
QL_MUST_CHECK enum ql_status ql_decoder_finish(struct ql_decoder *decoder, struct ql_err *err);

/** "zlib 1.2.13, snappy 1.1.9, zstd 1.5.4", for `version`. */
void ql_codec_versions(struct ql_buf *out);

#endif
