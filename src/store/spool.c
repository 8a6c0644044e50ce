/**
 * Bytes that wait until the artefact is whole: an upload needs their number and digest before the first one is sent, and sends
 * them again when an attempt fails.
 *
 * Small artefacts, which most are, stay in memory. Beyond that they go to a file that has no name from its first moment
 * (O_TMPFILE) or loses it at once, so that nothing is left behind however the process ends.
 */
#include "store/store_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void ql_spool_init(struct ql_spool *spool, const struct ql_disk *disk, struct ql_str temp_dir, size_t max_memory_bytes) {
    *spool = (struct ql_spool){.disk = disk, .max_memory_bytes = max_memory_bytes};
    spool->temp_dir = temp_dir.len != 0 ? ql_mem_strndup(temp_dir.ptr, temp_dir.len) : ql_mem_strdup("/tmp");
    spool->file.disk = disk;
    spool->file.fd = -1;
}

static enum ql_status fail(const struct ql_spool *spool, int errnum, const char *verb, struct ql_err *err) {
    struct ql_buf what = {0};
    ql_buf_printf(&what, "cannot %s a temporary file in '%s'", verb, spool->temp_dir);
    enum ql_status status = ql_disk_fail(err, errnum, what.ptr, spool->temp_dir);
    ql_buf_fini(&what);
    return status;
}

/* For file systems without O_TMPFILE: NFS, overlays of old kernels, FUSE. */
static int open_named(const struct ql_disk *disk, const char *temp_dir) {
    int folder = ql_disk_open_folder(disk, temp_dir);
    if (folder < 0) {
        return -1;
    }
    char *name = NULL;
    int fd = ql_temp_open(disk, folder, 0600, &name);
    int errnum = errno;
    if (fd >= 0 && unlinkat(folder, name, 0) != 0) {
        errnum = errno;
        (void)disk->close(disk->ctx, fd);
        fd = -1;
    }
    ql_mem_free(name);
    (void)disk->close(disk->ctx, folder);
    errno = errnum;
    return fd;
}

static enum ql_status spill(struct ql_spool *spool, struct ql_err *err) {
    const struct ql_disk *disk = spool->disk;
    int fd = disk->openat(disk->ctx, AT_FDCWD, spool->temp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        fd = open_named(disk, spool->temp_dir);
    }
    if (fd < 0) {
        return fail(spool, errno, "create", err);
    }
    spool->file.fd = fd;
    int errnum = ql_block_file_write(&spool->file, spool->memory.ptr, spool->memory.len);
    ql_buf_fini(&spool->memory);
    return errnum == 0 ? QL_OK : fail(spool, errnum, "write", err);
}

enum ql_status ql_spool_to_file(struct ql_spool *spool, struct ql_err *err) {
    return spool->file.fd < 0 ? spill(spool, err) : QL_OK;
}

enum ql_status ql_spool_write(struct ql_spool *spool, const void *ptr, size_t len, struct ql_err *err) {
    bool is_in_memory = spool->file.fd < 0;
    if (is_in_memory && len <= spool->max_memory_bytes - spool->memory.len) {
        ql_buf_put(&spool->memory, ptr, len);
        spool->size += (int64_t)len;
        return QL_OK;
    }
    if (is_in_memory) {
        QL_TRY(spill(spool, err));
    }
    int errnum = ql_block_file_write(&spool->file, ptr, len);
    if (errnum != 0) {
        return fail(spool, errnum, "write", err);
    }
    spool->size += (int64_t)len;
    return QL_OK;
}

enum ql_status ql_spool_finish(struct ql_spool *spool, struct ql_err *err) {
    if (spool->file.fd < 0) {
        return QL_OK;
    }
    int errnum = ql_block_file_flush(&spool->file);
    return errnum == 0 ? QL_OK : fail(spool, errnum, "write", err);
}

enum ql_status ql_spool_read(struct ql_spool *spool, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    *got = 0;
    if (offset < 0 || offset >= spool->size || len == 0) {
        return QL_OK;
    }
    int64_t rest = spool->size - offset;
    if ((uint64_t)rest < len) {
        len = (size_t)rest;
    }
    if (spool->file.fd < 0) {
        memcpy(ptr, spool->memory.ptr + offset, len);
        *got = len;
        return QL_OK;
    }
    return ql_spool_read_file(spool, offset, ptr, len, got, err);
}

enum ql_status ql_spool_read_file(const struct ql_spool *spool, int64_t offset, void *ptr, size_t len, size_t *got,
                                  struct ql_err *err) {
    *got = 0;
    ssize_t n = 0;
    do {
        n = spool->disk->pread(spool->disk->ctx, spool->file.fd, ptr, len, offset);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) { /* the end before the size that was written: someone cut the file */
        return fail(spool, n < 0 ? errno : EIO, "read back", err);
    }
    *got = (size_t)n;
    return QL_OK;
}

void ql_spool_forget(const struct ql_spool *spool, int64_t offset, int64_t len) {
    /* Not every file system can; then the disk comes back with the end of the file. */
    (void)fallocate(spool->file.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len);
}

void ql_spool_fini(struct ql_spool *spool) {
    ql_buf_fini(&spool->memory);
    if (spool->disk != NULL) {
        (void)ql_block_file_close(&spool->file); /* its contents are not needed any more */
    }
    ql_mem_free(spool->temp_dir);
    spool->temp_dir = NULL;
}
