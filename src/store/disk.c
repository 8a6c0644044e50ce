/**
 * The system calls behind folder and spool: one table, so that tests can make any one of them fail, and the loops around them
 * that short writes and signals need.
 *
 * A failed fsync is final: Linux drops the dirty pages that could not be written, so a second fsync would succeed over a hole.
 */
#include "store/store_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 256 * 1024,
    START_SYNC_BYTES = 8 * 1024 * 1024 /* so much is handed to the device while more is made, and fsync has less to wait for */
};

static int disk_openat(void *ctx, int folder, const char *name, int flags, mode_t mode) {
    (void)ctx;
    return openat(folder, name, flags, mode);
}
static ssize_t disk_write(void *ctx, int fd, const void *ptr, size_t len) {
    (void)ctx;
    return write(fd, ptr, len);
}
static ssize_t disk_pread(void *ctx, int fd, void *ptr, size_t len, off_t offset) {
    (void)ctx;
    return pread(fd, ptr, len, offset);
}
static int disk_fchmod(void *ctx, int fd, mode_t mode) {
    (void)ctx;
    return fchmod(fd, mode);
}
static int disk_fsync(void *ctx, int fd) {
    (void)ctx;
    return fsync(fd);
}
static void disk_start_sync(void *ctx, int fd, off_t offset, off_t len) {
    (void)ctx;
    (void)sync_file_range(fd, offset, len, SYNC_FILE_RANGE_WRITE); /* a hint: fsync tells what failed */
}
static int disk_close(void *ctx, int fd) {
    (void)ctx;
    return close(fd);
}
static int disk_renameat(void *ctx, int folder, const char *from, const char *to, unsigned flags) {
    (void)ctx;
    /* Without flags it is the older call, which every kernel and every sandbox knows. */
    return flags == 0 ? renameat(folder, from, folder, to) : renameat2(folder, from, folder, to, flags);
}
static int disk_linkat(void *ctx, int folder, const char *from, int to_folder, const char *to, int flags) {
    (void)ctx;
    return linkat(folder, from, to_folder, to, flags);
}
static int disk_unlinkat(void *ctx, int folder, const char *name) {
    (void)ctx;
    return unlinkat(folder, name, 0);
}
static int disk_flock(void *ctx, int fd, int operation) {
    (void)ctx;
    return flock(fd, operation);
}
static int disk_mkdirat(void *ctx, int folder, const char *name, mode_t mode) {
    (void)ctx;
    return mkdirat(folder, name, mode);
}

const struct ql_disk QL_DISK = {
    .openat = disk_openat,
    .write = disk_write,
    .pread = disk_pread,
    .fchmod = disk_fchmod,
    .fsync = disk_fsync,
    .start_sync = disk_start_sync,
    .close = disk_close,
    .renameat = disk_renameat,
    .mkdirat = disk_mkdirat,
    .linkat = disk_linkat,
    .unlinkat = disk_unlinkat,
    .flock = disk_flock,
};

/* Writes all of it. A descriptor that somebody made non-blocking (a pipe on standard output) is waited for. */
static int write_all(struct ql_block_file *file, const char *ptr, size_t len) {
    while (len != 0) {
        ssize_t n = file->disk->write(file->disk->ctx, file->fd, ptr, len);
        if (n > 0) {
            ptr += n;
            len -= (size_t)n;
            file->n_written += n;
        } else if (n == 0) {
            return EIO; /* no progress and no reason: would go on for ever */
        } else if (errno == EAGAIN) {
            struct pollfd ready = {.fd = file->fd, .events = POLLOUT};
            if (poll(&ready, 1, -1) < 0 && errno != EINTR) {
                return errno;
            }
        } else if (errno != EINTR) {
            return errno;
        }
    }
    if (file->is_durable && file->n_written - file->n_started >= START_SYNC_BYTES) {
        file->disk->start_sync(file->disk->ctx, file->fd, file->n_started, file->n_written - file->n_started);
        file->n_started = file->n_written;
    }
    return 0;
}

int ql_block_file_flush(struct ql_block_file *file) {
    size_t len = file->len;
    file->len = 0;
    return write_all(file, file->block, len);
}

int ql_block_file_write(struct ql_block_file *file, const void *ptr, size_t len) {
    if (file->block == NULL) {
        file->block = ql_mem_alloc(BLOCK_BYTES);
    }
    if (file->len + len < BLOCK_BYTES) {
        if (len != 0) {
            memcpy(file->block + file->len, ptr, len);
        }
        file->len += len;
        return 0;
    }
    int errnum = ql_block_file_flush(file);
    if (errnum != 0) {
        return errnum;
    }
    if (len >= BLOCK_BYTES) {
        return write_all(file, ptr, len);
    }
    memcpy(file->block, ptr, len);
    file->len = len;
    return 0;
}

int ql_block_file_close(struct ql_block_file *file) {
    ql_mem_free(file->block);
    file->block = NULL;
    file->len = 0;
    if (file->fd < 0) {
        return 0;
    }
    int fd = file->fd;
    file->fd = -1;
    /* On Linux the descriptor is gone after EINTR too; what was to be durable was synced before. */
    return file->disk->close(file->disk->ctx, fd) == 0 || errno == EINTR ? 0 : errno;
}

int ql_disk_read_at(const struct ql_disk *disk, int fd, int64_t offset, void *ptr, size_t len, size_t *got) {
    *got = 0;
    while (*got < len) {
        ssize_t n = disk->pread(disk->ctx, fd, (char *)ptr + *got, len - *got, offset + (int64_t)*got);
        if (n == 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        *got += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int ql_disk_sync(const struct ql_disk *disk, int fd) {
    int result = 0;
    do {
        result = disk->fsync(disk->ctx, fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int ql_disk_open_folder(const struct ql_disk *disk, const char *path) {
    int folder = disk->openat(disk->ctx, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0 && errno == EACCES) {
        folder = disk->openat(disk->ctx, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    }
    return folder;
}

int ql_disk_sync_folder(const struct ql_disk *disk, int folder) {
    int errnum = ql_disk_sync(disk, folder);
    /* EBADF: opened with O_PATH above; the others: the file system has no such operation. */
    bool is_unable = errnum == EINVAL || errnum == EBADF || errnum == EOPNOTSUPP || errnum == ENOSYS;
    return is_unable ? 0 : errnum;
}

enum ql_status ql_disk_fail(struct ql_err *err, int errnum, const char *what, const char *place) {
    ql_err_set_errno(err, QL_E_IO, errnum, "%s", what);
    if (errnum == EPIPE) {
        ql_err_hint(err, "whatever read standard output has ended; see its own message");
    } else if (place == NULL) {
        ql_err_hint(err, "what was written so far is not whole; see to the place that standard output goes to, then run again");
    } else if (errnum == ENOSPC) {
        ql_err_hint(err, "the disk is full: free space in '%s', then run again; what was there before is untouched", place);
    } else if (errnum == EDQUOT) {
        ql_err_hint(err, "the disk quota is used up: free space in '%s', then run again; what was there before is untouched",
                    place);
    } else if (errnum == EFBIG) {
        ql_err_hint(err, "the file is larger than the file system or 'ulimit -f' allows in '%s'", place);
    } else if (errnum == EIO) {
        ql_err_hint(err, "the device behind '%s' failed; see the kernel's log, and run again to another place", place);
    }
    return QL_E_IO;
}
