#include "sim/gzip_stream.h"

#include "base/mem.h"

#include <zlib.h>

enum { IN_SIZE = 64 * 1024, HEADER_SIZE = 10, TRAILER_SIZE = 8 };

/* zlib makes the raw deflate stream; header and trailer are written here, so that the CRC can be made wrong. */
struct gzip_stream {
    struct ql_sim_stream base;
    struct ql_sim_stream *inner;
    z_stream zlib;
    uint32_t crc, input_len;
    bool is_corrupt, is_input_over, is_deflated;
    unsigned char edge[HEADER_SIZE]; /* the header, later the trailer */
    size_t edge_len, edge_at;
    unsigned char in[IN_SIZE];
};

static void put_le32(unsigned char *out, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        out[i] = (unsigned char)(value >> (8 * i));
    }
}

static size_t read_edge(struct gzip_stream *self, void *ptr, size_t len) {
    size_t left = self->edge_len - self->edge_at;
    len = len < left ? len : left;
    memcpy(ptr, self->edge + self->edge_at, len);
    self->edge_at += len;
    return len;
}

static void refill(struct gzip_stream *self) {
    if (self->zlib.avail_in == 0 && !self->is_input_over) {
        size_t got = ql_sim_stream_read(self->inner, self->in, IN_SIZE);
        self->crc = (uint32_t)crc32(self->crc, self->in, (uInt)got);
        self->input_len += (uint32_t)got; /* ISIZE is modulo 2^32 */
        self->is_input_over = got == 0;
        self->zlib.next_in = self->in;
        self->zlib.avail_in = (uInt)got;
    }
}

static void make_trailer(struct gzip_stream *self) {
    put_le32(self->edge, self->is_corrupt ? self->crc ^ 1u : self->crc);
    put_le32(self->edge + 4, self->input_len);
    self->edge_len = TRAILER_SIZE;
    self->edge_at = 0;
}

static size_t gzip_read(struct ql_sim_stream *stream, void *ptr, size_t len) {
    struct gzip_stream *self = (struct gzip_stream *)stream;
    if (len == 0 || self->edge_at < self->edge_len) {
        return read_edge(self, ptr, len);
    }
    self->zlib.next_out = ptr;
    self->zlib.avail_out = len < INT32_MAX ? (uInt)len : INT32_MAX;
    uInt room = self->zlib.avail_out;
    while (!self->is_deflated && self->zlib.avail_out == room) {
        refill(self);
        if (deflate(&self->zlib, self->is_input_over ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_END) {
            self->is_deflated = true;
            make_trailer(self);
        }
    }
    size_t got = room - self->zlib.avail_out;
    return got != 0 ? got : read_edge(self, ptr, len);
}

static void gzip_free(struct ql_sim_stream *stream) {
    struct gzip_stream *self = (struct gzip_stream *)stream;
    (void)deflateEnd(&self->zlib);
    ql_sim_stream_free(self->inner);
    ql_mem_free(self);
}

static void *zlib_alloc(void *ctx, uInt n, uInt size) {
    (void)ctx;
    return ql_mem_zalloc(n, size);
}

static void zlib_free(void *ctx, void *ptr) {
    (void)ctx;
    ql_mem_free(ptr);
}

struct ql_sim_stream *ql_sim_stream_gzip(struct ql_sim_stream *inner, bool is_corrupt) {
    static const struct ql_sim_stream_ops OPS = {gzip_read, gzip_free};
    /* ID1 ID2 deflate, no flags, no time, XFL 4 (fastest), OS 255 (unknown) */
    static const unsigned char HEADER[HEADER_SIZE] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255};
    enum { RAW_WINDOW = -15, MEM_LEVEL = 8, LEVEL = 1 };
    struct gzip_stream *self = ql_mem_zalloc(1, sizeof *self);
    self->base = (struct ql_sim_stream){&OPS, -1};
    self->inner = inner;
    self->is_corrupt = is_corrupt;
    self->zlib.zalloc = zlib_alloc;
    self->zlib.zfree = zlib_free;
    (void)deflateInit2(&self->zlib, LEVEL, Z_DEFLATED, RAW_WINDOW, MEM_LEVEL,
                       Z_DEFAULT_STRATEGY); /* fails for lack of memory alone */
    memcpy(self->edge, HEADER, HEADER_SIZE);
    self->edge_len = HEADER_SIZE;
    return &self->base;
}
