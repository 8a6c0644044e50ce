#include "sim/stream.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void ql_sim_stream_free(struct ql_sim_stream *stream) {
    if (stream != NULL) {
        stream->ops->free(stream);
    }
}

int64_t ql_sim_stream_measure(struct ql_sim_stream *stream) {
    enum { PIECE = 64 * 1024 };
    char *piece = ql_mem_alloc(PIECE);
    int64_t sum = 0;
    for (size_t got; (got = ql_sim_stream_read(stream, piece, PIECE)) != 0;) {
        sum += (int64_t)got;
    }
    ql_mem_free(piece);
    ql_sim_stream_free(stream);
    return sum;
}

struct text_stream {
    struct ql_sim_stream base;
    char *text;
    size_t len, at;
};

static size_t text_read(struct ql_sim_stream *stream, void *ptr, size_t len) {
    struct text_stream *self = (struct text_stream *)stream;
    len = len < self->len - self->at ? len : self->len - self->at;
    if (len != 0) {
        memcpy(ptr, self->text + self->at, len);
    }
    self->at += len;
    return len;
}

static void text_free(struct ql_sim_stream *stream) {
    ql_mem_free(((struct text_stream *)stream)->text);
    ql_mem_free(stream);
}

struct ql_sim_stream *ql_sim_stream_text(struct ql_str text) {
    static const struct ql_sim_stream_ops OPS = {text_read, text_free};
    struct text_stream *self = ql_mem_alloc(sizeof *self);
    *self =
        (struct text_stream){.base = {&OPS, (int64_t)text.len}, .text = ql_mem_strndup(text.ptr, text.len), .len = text.len};
    return &self->base;
}

struct ql_sim_stream *ql_sim_stream_hold(struct ql_sim_stream *stream) {
    enum { PIECE = 64 * 1024 };
    struct ql_buf text = {0};
    for (size_t got = 1; got != 0; text.len += got) {
        got = ql_sim_stream_read(stream, ql_buf_reserve(&text, PIECE), PIECE);
    }
    ql_sim_stream_free(stream);
    struct ql_sim_stream *held = ql_sim_stream_text(ql_buf_view(&text));
    ql_buf_fini(&text);
    return held;
}

struct file_stream {
    struct ql_sim_stream base;
    int fd;
    int64_t left;
};

/* A file that became shorter since it was opened ends early: the client sees the length that was promised broken. */
static size_t file_read(struct ql_sim_stream *stream, void *ptr, size_t len) {
    struct file_stream *self = (struct file_stream *)stream;
    len = (int64_t)len < self->left ? len : (size_t)self->left;
    ssize_t got;
    do {
        got = len != 0 ? read(self->fd, ptr, len) : 0;
    } while (got < 0 && errno == EINTR);
    self->left -= got > 0 ? got : self->left;
    return got > 0 ? (size_t)got : 0;
}

static void file_free(struct ql_sim_stream *stream) {
    (void)close(((struct file_stream *)stream)->fd);
    ql_mem_free(stream);
}

enum ql_status ql_sim_stream_file(const char *path, struct ql_sim_stream **stream, struct ql_err *err) {
    static const struct ql_sim_stream_ops OPS = {file_read, file_free};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ql_err_set_errno(err, QL_E_NO_INPUT, errno, "opening '%s'", path);
    }
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(fd);
        return QL_FAIL(err, QL_E_NO_INPUT, "'%s' is no regular file", path);
    }
    struct file_stream *self = ql_mem_alloc(sizeof *self);
    *self = (struct file_stream){.base = {&OPS, info.st_size}, .fd = fd, .left = info.st_size};
    *stream = &self->base;
    return QL_OK;
}

struct zero_stream {
    struct ql_sim_stream base;
    int64_t left;
};

static size_t zero_read(struct ql_sim_stream *stream, void *ptr, size_t len) {
    struct zero_stream *self = (struct zero_stream *)stream;
    len = (int64_t)len < self->left ? len : (size_t)self->left;
    memset(ptr, 0, len);
    self->left -= (int64_t)len;
    return len;
}

static void plain_free(struct ql_sim_stream *stream) {
    ql_mem_free(stream);
}

struct ql_sim_stream *ql_sim_stream_zeros(int64_t size_bytes) {
    static const struct ql_sim_stream_ops OPS = {zero_read, plain_free};
    struct zero_stream *self = ql_mem_alloc(sizeof *self);
    *self = (struct zero_stream){.base = {&OPS, size_bytes}, .left = size_bytes};
    return &self->base;
}

struct head_stream {
    struct ql_sim_stream base;
    struct ql_sim_stream *inner;
    int64_t left;
};

static size_t head_read(struct ql_sim_stream *stream, void *ptr, size_t len) {
    struct head_stream *self = (struct head_stream *)stream;
    len = (int64_t)len < self->left ? len : (size_t)self->left;
    size_t got = len != 0 ? ql_sim_stream_read(self->inner, ptr, len) : 0;
    self->left -= (int64_t)got;
    return got;
}

static void head_free(struct ql_sim_stream *stream) {
    ql_sim_stream_free(((struct head_stream *)stream)->inner);
    ql_mem_free(stream);
}

struct ql_sim_stream *ql_sim_stream_head(struct ql_sim_stream *inner, int64_t size_bytes) {
    static const struct ql_sim_stream_ops OPS = {head_read, head_free};
    struct head_stream *self = ql_mem_alloc(sizeof *self);
    *self = (struct head_stream){.base = {&OPS, size_bytes}, .inner = inner, .left = size_bytes};
    return &self->base;
}
