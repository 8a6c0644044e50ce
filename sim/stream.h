/**
 * The body of an answer as a stream: it is read once, from its first byte to its last, in pieces of any size, so that an
 * export of years is never held in memory.
 */
#ifndef QL_SIM_STREAM_H
#define QL_SIM_STREAM_H

#include "base/str.h"

#include <stdint.h>

struct ql_sim_stream;
struct ql_sim_stream_ops {
    /** Up to len bytes; 0 only at the end. */
    size_t (*read)(struct ql_sim_stream *stream, void *ptr, size_t len);
    void (*free)(struct ql_sim_stream *stream);
};
/** First member of every stream. */
struct ql_sim_stream {
    const struct ql_sim_stream_ops *ops;
    int64_t size_bytes; /* of the whole; -1: not known before the end */
};

static inline size_t ql_sim_stream_read(struct ql_sim_stream *stream, void *ptr, size_t len) {
    return stream->ops->read(stream, ptr, len);
}
/** stream may be NULL. */
void ql_sim_stream_free(struct ql_sim_stream *stream);
/** Reads to the end, frees, and says how many bytes there were. */
int64_t ql_sim_stream_measure(struct ql_sim_stream *stream);

/** The whole of it as a text, which says its length; frees the stream. */
struct ql_sim_stream *ql_sim_stream_hold(struct ql_sim_stream *stream);

/** A copy of the text. */
struct ql_sim_stream *ql_sim_stream_text(struct ql_str text);
/** The file from its beginning. E_NO_INPUT. */
QL_MUST_CHECK enum ql_status ql_sim_stream_file(const char *path, struct ql_sim_stream **stream, struct ql_err *err);
/** Zero bytes. */
struct ql_sim_stream *ql_sim_stream_zeros(int64_t size_bytes);
/** The first size_bytes of another stream, which it owns. */
struct ql_sim_stream *ql_sim_stream_head(struct ql_sim_stream *inner, int64_t size_bytes);

#endif
