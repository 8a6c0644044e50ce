#include "inspect/verify_internal.h"

enum { READ_AHEAD = 4 * 1024 * 1024 };

void ql_verify_window_init(struct ql_verify_window *window, const struct ql_parquet_input *input) {
    *window = (struct ql_verify_window){.input = input, .hash = ql_sha256_new()};
}

void ql_verify_window_fini(struct ql_verify_window *window) {
    ql_buf_fini(&window->bytes);
    ql_sha256_free(window->hash);
    *window = (struct ql_verify_window){0};
}

/* Bytes [offset, offset + len) of the file were read: those that follow on what was hashed are hashed. */
static void hash(struct ql_verify_window *window, int64_t offset, const char *ptr, size_t len) {
    if (offset <= window->n_hashed && offset + (int64_t)len > window->n_hashed) {
        size_t known = (size_t)(window->n_hashed - offset);
        ql_sha256_update(window->hash, ptr + known, len - known);
        window->n_hashed = offset + (int64_t)len;
    }
}

/* What lies between what was hashed and `to` is read for that alone. */
static enum ql_status hash_up_to(struct ql_verify_window *window, int64_t to, struct ql_err *err) {
    enum ql_status status = QL_OK;
    char *piece = window->n_hashed < to ? ql_mem_alloc(READ_AHEAD) : NULL;
    while (status == QL_OK && window->n_hashed < to) {
        int64_t left = to - window->n_hashed;
        size_t len = left < READ_AHEAD ? (size_t)left : READ_AHEAD;
        status = window->input->read_at(window->input->ctx, window->n_hashed, piece, len, err);
        if (status == QL_OK) {
            hash(window, window->n_hashed, piece, len);
        }
    }
    ql_mem_free(piece);
    return status;
}

enum ql_status ql_verify_window_get(struct ql_verify_window *window, int64_t offset, size_t len, struct ql_str *bytes,
                                    struct ql_err *err) {
    struct ql_buf *buf = &window->bytes;
    int64_t buf_end = window->offset + (int64_t)buf->len;
    if (offset < window->offset || offset + (int64_t)len > buf_end) {
        bool goes_on = offset >= window->offset && offset <= buf_end;
        size_t kept = goes_on ? (size_t)(buf_end - offset) : 0;
        int64_t left = window->input->size - offset;
        size_t wanted = len > READ_AHEAD || left < READ_AHEAD ? len : READ_AHEAD;
        wanted = left < READ_AHEAD ? (size_t)left : wanted;
        QL_TRY(hash_up_to(window, offset + (int64_t)kept, err));
        if (kept != 0) {
            memmove(buf->ptr, buf->ptr + (offset - window->offset), kept);
        }
        window->offset = offset;
        buf->len = kept;
        char *room = ql_buf_reserve(buf, wanted - kept);
        QL_TRY(window->input->read_at(window->input->ctx, offset + (int64_t)kept, room, wanted - kept, err));
        hash(window, offset + (int64_t)kept, room, wanted - kept);
        buf->len = wanted;
    }
    *bytes = (struct ql_str){.ptr = buf->ptr + (offset - window->offset), .len = len};
    return QL_OK;
}

enum ql_status ql_verify_window_finish(struct ql_verify_window *window, char hex[QL_SHA256_HEX_SIZE], struct ql_err *err) {
    uint8_t digest[QL_SHA256_SIZE];
    QL_TRY(hash_up_to(window, window->input->size, err));
    ql_sha256_take(window->hash, digest);
    ql_hex(digest, sizeof digest, hex);
    return QL_OK;
}
