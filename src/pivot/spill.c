/*
 * The file has no name from its first moment (O_TMPFILE), or loses it at once where the file system cannot do that (NFS, FUSE),
 * so that nothing is left behind however the process ends. It is written in order and in large pieces.
 */
#include "pivot/spill.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024 };

void ql_spill_init(struct ql_spill *spill, struct ql_str dir) {
    *spill = (struct ql_spill){.dir = dir.len != 0 ? ql_mem_strndup(dir.ptr, dir.len) : ql_mem_strdup("/tmp"), .fd = -1};
}

void ql_spill_fini(struct ql_spill *spill) {
    if (spill->fd >= 0) {
        (void)close(spill->fd); /* its contents are not needed any more */
    }
    ql_mem_free(spill->buffer);
    ql_mem_free(spill->dir);
    *spill = (struct ql_spill){.fd = -1};
}

static enum ql_status fail(const struct ql_spill *spill, enum ql_status status, int errnum, const char *verb,
                           struct ql_err *err) {
    (void)ql_err_set_errno(err, status, errnum, "cannot %s a temporary file in '%s'", verb, spill->dir);
    if (errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG) {
        ql_err_hint(err, "name a folder with more room by --temp-dir, or allow more memory by --memory-limit");
    } else {
        ql_err_hint(err, "name a folder that can be written by --temp-dir, or allow more memory by --memory-limit");
    }
    return status;
}

static int open_named(const char *dir) {
    struct ql_buf path = {0};
    ql_buf_printf(&path, "%s/queuelake-XXXXXX", dir);
    int fd = mkostemp(path.ptr, O_CLOEXEC);
    if (fd >= 0 && unlink(path.ptr) != 0) {
        int errnum = errno;
        (void)close(fd);
        errno = errnum;
        fd = -1;
    }
    ql_buf_fini(&path);
    return fd;
}

static enum ql_status make_file(struct ql_spill *spill, struct ql_err *err) {
    spill->fd = open(spill->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spill->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        spill->fd = open_named(spill->dir);
    }
    if (spill->fd < 0) {
        return fail(spill, QL_E_CANNOT_CREATE, errno, "make", err);
    }
    spill->buffer = ql_mem_alloc(BUFFER_BYTES);
    return QL_OK;
}

static enum ql_status write_all(const struct ql_spill *spill, const unsigned char *ptr, size_t len, struct ql_err *err) {
    while (len != 0) {
        ssize_t n = write(spill->fd, ptr, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return fail(spill, QL_E_IO, n < 0 ? errno : ENOSPC, "write", err);
        }
        ptr += n;
        len -= (size_t)n;
    }
    return QL_OK;
}

enum ql_status ql_spill_flush(struct ql_spill *spill, struct ql_err *err) {
    size_t n = spill->n_buffered;
    spill->n_buffered = 0;
    return n != 0 ? write_all(spill, spill->buffer, n, err) : QL_OK;
}

enum ql_status ql_spill_write(struct ql_spill *spill, const void *ptr, size_t len, struct ql_err *err) {
    if (spill->fd < 0) {
        QL_TRY(make_file(spill, err));
    }
    spill->size += (int64_t)len;
    if (len > BUFFER_BYTES - spill->n_buffered) {
        QL_TRY(ql_spill_flush(spill, err));
    }
    if (len >= BUFFER_BYTES) {
        return write_all(spill, ptr, len, err);
    }
    memcpy(spill->buffer + spill->n_buffered, ptr, len);
    spill->n_buffered += len;
    return QL_OK;
}

enum ql_status ql_spill_read(const struct ql_spill *spill, int64_t offset, void *ptr, size_t len, struct ql_err *err) {
    unsigned char *at = ptr;
    while (len != 0) {
        ssize_t n = pread(spill->fd, at, len, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) { /* the end before what was written */
            return fail(spill, QL_E_IO, n < 0 ? errno : EIO, "read back", err);
        }
        at += n;
        offset += n;
        len -= (size_t)n;
    }
    return QL_OK;
}
