/** System calls that do what the real ones do, except where a test wants them to fail. */
#ifndef QL_TESTS_FAULTY_DISK_H
#define QL_TESTS_FAULTY_DISK_H

#include "support/test.h"

#include "base/mem.h"
#include "store/store_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum call {
    CALL_NONE,
    CALL_OPENAT,
    CALL_WRITE,
    CALL_PREAD,
    CALL_FCHMOD,
    CALL_FSYNC,
    CALL_CLOSE,
    CALL_RENAMEAT,
    CALL_MKDIRAT,
    CALL_LINKAT,
    CALL_UNLINKAT,
    CALL_FLOCK,
    CALL_ANY
};

struct faults {
    enum call fail_call; /* which call fails, … */
    int fail_at;         /* … its n-th time, … */
    int errnum;          /* … and how */
    bool fails_on;       /* every later call fails as well */
    int seen;
    enum call struck;      /* the call that failed first */
    bool struck_look;      /* and it was the opening of a folder, or of what may be left there, to look at it */
    size_t max_io_bytes;   /* of one read or write; 0: all */
    bool interrupts;       /* every other read, write and sync is interrupted by a signal first */
    bool has_no_tmpfile;   /* O_TMPFILE is not known */
    bool forgets_umask;    /* of a file without name, as old kernels do */
    bool has_no_proc;      /* a file without name cannot get one */
    bool has_no_noreplace; /* RENAME_NOREPLACE is not known */
    bool has_no_hard_link; /* hard links are not known */
    unsigned n_interrupts;
    int64_t n_started_bytes; /* that were handed to the device early */
};

/* Whether this call is the one that fails; sets errno. */
static inline bool faults_strike(struct faults *faults, enum call call) {
    if (faults->fail_call != call && faults->fail_call != CALL_ANY) {
        return false;
    }
    faults->seen++;
    if (faults->seen < faults->fail_at || (faults->seen > faults->fail_at && !faults->fails_on)) {
        return false;
    }
    if (faults->seen == faults->fail_at) {
        faults->struck = call;
    }
    errno = faults->errnum;
    return true;
}

static inline bool faults_interrupt(struct faults *faults) {
    if (faults->interrupts && faults->n_interrupts++ % 2 == 0) {
        errno = EINTR;
        return true;
    }
    return false;
}

static inline int faulty_openat(void *ctx, int folder, const char *name, int flags, mode_t mode) {
    struct faults *faults = ctx;
    if (faults->has_no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (faults_strike(faults, CALL_OPENAT)) {
        bool is_look = strcmp(name, ".") == 0 ? (flags & O_TMPFILE) != O_TMPFILE : name[0] == '.' && (flags & O_CREAT) == 0;
        faults->struck_look = faults->struck_look || (faults->seen == faults->fail_at && is_look);
        return -1;
    }
    int fd = openat(folder, name, flags, mode);
    if (fd >= 0 && faults->forgets_umask && (flags & O_TMPFILE) == O_TMPFILE) {
        assert_int_equal(fchmod(fd, mode), 0);
    }
    return fd;
}

static inline ssize_t faulty_write(void *ctx, int fd, const void *ptr, size_t len) {
    struct faults *faults = ctx;
    if (faults_strike(faults, CALL_WRITE) || faults_interrupt(faults)) {
        return -1;
    }
    return write(fd, ptr, faults->max_io_bytes != 0 && len > faults->max_io_bytes ? faults->max_io_bytes : len);
}

static inline ssize_t faulty_pread(void *ctx, int fd, void *ptr, size_t len, off_t offset) {
    struct faults *faults = ctx;
    if (faults_strike(faults, CALL_PREAD) || faults_interrupt(faults)) {
        return -1;
    }
    return pread(fd, ptr, faults->max_io_bytes != 0 && len > faults->max_io_bytes ? faults->max_io_bytes : len, offset);
}

static inline int faulty_fchmod(void *ctx, int fd, mode_t mode) {
    return faults_strike(ctx, CALL_FCHMOD) ? -1 : fchmod(fd, mode);
}

static inline int faulty_fsync(void *ctx, int fd) {
    return faults_strike(ctx, CALL_FSYNC) || faults_interrupt(ctx) ? -1 : fsync(fd);
}

static inline void faulty_start_sync(void *ctx, int fd, off_t offset, off_t len) {
    struct faults *faults = ctx;
    (void)fd;
    assert_true(offset == faults->n_started_bytes); /* every byte once */
    faults->n_started_bytes += len;
}

/* As on Linux, the descriptor is gone even if closing fails. */
static inline int faulty_close(void *ctx, int fd) {
    struct faults *faults = ctx;
    int result = close(fd);
    return faults_strike(faults, CALL_CLOSE) ? -1 : result;
}

static inline int faulty_renameat(void *ctx, int folder, const char *from, const char *to, unsigned flags) {
    const struct faults *faults = ctx;
    if (faults->has_no_noreplace && flags != 0) {
        errno = EINVAL;
        return -1;
    }
    return faults_strike(ctx, CALL_RENAMEAT) ? -1 : renameat2(folder, from, folder, to, flags);
}

static inline int faulty_linkat(void *ctx, int folder, const char *from, int to_folder, const char *to, int flags) {
    const struct faults *faults = ctx;
    bool is_unnamed = strncmp(from, "/proc/", strlen("/proc/")) == 0;
    if (is_unnamed ? faults->has_no_proc : faults->has_no_hard_link) {
        errno = is_unnamed ? ENOENT : EPERM;
        return -1;
    }
    return faults_strike(ctx, CALL_LINKAT) ? -1 : linkat(folder, from, to_folder, to, flags);
}

/* Fails as if the file had been gone: a failing removal would leave what no test could tell from a bug. */
static inline int faulty_unlinkat(void *ctx, int folder, const char *name) {
    int result = unlinkat(folder, name, 0);
    return faults_strike(ctx, CALL_UNLINKAT) ? -1 : result;
}

static inline int faulty_flock(void *ctx, int fd, int operation) {
    return faults_strike(ctx, CALL_FLOCK) ? -1 : flock(fd, operation);
}

static inline int faulty_mkdirat(void *ctx, int folder, const char *name, mode_t mode) {
    return faults_strike(ctx, CALL_MKDIRAT) ? -1 : mkdirat(folder, name, mode);
}

static inline struct ql_disk faulty_disk(struct faults *faults) {
    return (struct ql_disk){.openat = faulty_openat,
                            .write = faulty_write,
                            .pread = faulty_pread,
                            .fchmod = faulty_fchmod,
                            .fsync = faulty_fsync,
                            .start_sync = faulty_start_sync,
                            .close = faulty_close,
                            .renameat = faulty_renameat,
                            .mkdirat = faulty_mkdirat,
                            .linkat = faulty_linkat,
                            .unlinkat = faulty_unlinkat,
                            .flock = faulty_flock,
                            .ctx = faults};
}

/** Entries of a folder, hidden ones too. */
static inline int count_files(const char *folder) {
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    int n = 0;
    while (readdir(listing) != NULL) {
        n++;
    }
    (void)closedir(listing);
    return n - 2; /* . and .. */
}

#endif
