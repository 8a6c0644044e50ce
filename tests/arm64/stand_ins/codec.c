/* Every stream is plain, so that no library for compression is needed; csv has no decoder for such a one. */
#include "codec/codec.h"

#include <stdlib.h>

enum ql_stream ql_stream_detect(const void *ptr, size_t len) {
    (void)ptr, (void)len;
    return QL_STREAM_PLAIN;
}

struct ql_decoder *ql_decoder_new(enum ql_stream stream, int64_t max_bytes, int64_t max_ratio, struct ql_sink out) {
    (void)stream, (void)max_bytes, (void)max_ratio, (void)out;
    abort();
}

enum ql_status ql_decoder_feed(struct ql_decoder *decoder, const void *ptr, size_t len, struct ql_err *err) {
    (void)decoder, (void)ptr, (void)len, (void)err;
    abort();
}

enum ql_status ql_decoder_finish(struct ql_decoder *decoder, struct ql_err *err) {
    (void)decoder, (void)err;
    abort();
}

void ql_decoder_free(struct ql_decoder *decoder) {
    (void)decoder; /* NULL */
}
