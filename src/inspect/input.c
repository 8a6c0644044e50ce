#include "inspect/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

static enum ql_status read_at(void *ctx, int64_t offset, void *ptr, size_t len, struct ql_err *err) {
    const struct ql_file_input *file = ctx;
    char *at = ptr;
    while (len != 0) {
        ssize_t n = pread(file->fd, at, len, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ql_err_set_errno(err, QL_E_IO, errno, "reading at byte %lld", (long long)offset);
        }
        if (n == 0) {
            return QL_FAIL(err, QL_E_IO, "the file became shorter while it was read");
        }
        at += n;
        offset += n;
        len -= (size_t)n;
    }
    return QL_OK;
}

static int open_unnamed(struct ql_str temp_dir) {
    struct ql_buf path = {0};
    ql_buf_printf(&path, "%.*s", QL_STR_ARG(temp_dir.len != 0 ? temp_dir : QL_STR("/tmp")));
    int fd = open(path.ptr, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) { /* NFS, FUSE, overlays of old kernels */
        ql_buf_puts(&path, "/queuelake.XXXXXX");
        fd = mkostemp(path.ptr, O_CLOEXEC);
        if (fd >= 0) {
            (void)unlink(path.ptr);
        }
    }
    int errnum = errno;
    ql_buf_fini(&path);
    errno = errnum;
    return fd;
}

static enum ql_status write_all(int fd, const char *ptr, size_t len, struct ql_err *err) {
    while (len != 0) {
        ssize_t n = write(fd, ptr, len);
        if (n < 0 && errno != EINTR) {
            return ql_err_set_errno(err, QL_E_IO, errno, "writing a temporary file");
        }
        ptr += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return QL_OK;
}

static enum ql_status copy(int from, int to, int64_t *size, struct ql_err *err) {
    char *piece = ql_mem_alloc(PIECE);
    enum ql_status status = QL_OK;
    ssize_t n = 1;
    for (*size = 0; n != 0 && status == QL_OK;) {
        n = read(from, piece, PIECE);
        if (n < 0 && errno != EINTR) {
            status = ql_err_set_errno(err, QL_E_IO, errno, "reading");
        } else if (n > 0) {
            *size += n;
            status = write_all(to, piece, (size_t)n, err);
        }
    }
    ql_mem_free(piece);
    return status;
}

/* A pipe becomes a file, because a footer stands at the end. */
static enum ql_status spool(struct ql_file_input *file, struct ql_str temp_dir, struct ql_err *err) {
    int from = file->fd;
    int to = open_unnamed(temp_dir);
    if (to < 0) {
        return ql_err_set_errno(err, QL_E_IO, errno, "making a temporary file in '%.*s'",
                                QL_STR_ARG(temp_dir.len != 0 ? temp_dir : QL_STR("/tmp")));
    }
    enum ql_status status = copy(from, to, &file->input.size, err);
    if (file->owns_fd) {
        (void)close(from);
    }
    file->fd = to;
    file->owns_fd = true;
    return status;
}

static enum ql_status open_fd(struct ql_file_input *file, struct ql_str path, struct ql_err *err) {
    if (ql_str_eq(path, QL_STR("-"))) {
        file->fd = STDIN_FILENO;
        if (isatty(file->fd)) {
            return QL_FAIL(err, QL_E_USAGE, "standard input is a terminal, and a Parquet file is no text");
        }
        return QL_OK;
    }
    char *name = ql_mem_strndup(path.ptr, path.len);
    file->fd = open(name, O_RDONLY | O_CLOEXEC);
    int errnum = errno;
    ql_mem_free(name);
    file->owns_fd = file->fd >= 0;
    return file->fd >= 0 ? QL_OK : ql_err_set_errno(err, QL_E_NO_INPUT, errnum, "opening '%.*s'", QL_STR_ARG(path));
}

enum ql_status ql_file_input_open(struct ql_file_input *file, struct ql_str path, struct ql_str temp_dir, struct ql_err *err) {
    struct stat status;
    *file = (struct ql_file_input){.input = {.read_at = read_at, .ctx = file}};
    QL_TRY(open_fd(file, path, err));
    if (fstat(file->fd, &status) != 0) {
        return ql_err_set_errno(err, QL_E_IO, errno, "looking at '%.*s'", QL_STR_ARG(path));
    }
    if (S_ISDIR(status.st_mode)) {
        (void)QL_FAIL(err, QL_E_NO_INPUT, "'%.*s' is a folder", QL_STR_ARG(path));
        ql_err_hint(err, "name one of its files");
        return QL_E_NO_INPUT;
    }
    file->input.size = (int64_t)status.st_size;
    bool is_whole = S_ISREG(status.st_mode) && lseek(file->fd, 0, SEEK_CUR) == 0;
    return is_whole ? QL_OK : spool(file, temp_dir, err);
}

void ql_file_input_fini(struct ql_file_input *file) {
    if (file->owns_fd) {
        (void)close(file->fd); /* only read from */
    }
    *file = (struct ql_file_input){0};
}
