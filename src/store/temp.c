/**
 * Temporary files beside a target: without a name where the file system can (O_TMPFILE), so that a killed process leaves
 * nothing; else, and for the moment before a rename, under a name by which a later run recognises what a dead one left.
 *
 * Who is alive is told by flock, which the kernel ends with the process, whatever its container: a process id means nothing in
 * another pid namespace or on another machine of an NFS share. A lock is seen by everybody on this kernel; whether it is seen
 * by other machines depends on the file system and its mount options. So the name carries the boot id of its maker's kernel: a
 * file of this boot is dead as soon as its lock is free, one of another boot (another machine, a virtual machine's shared
 * folder, or this machine before it was started anew) also has to have been left alone for a week.
 */
#include "store/store_internal.h"

#include "base/mem.h"
#include "base/time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

static const char PREFIX[] = ".queuelake-";
static const char SUFFIX[] = ".tmp";

enum {
    ID_DIGITS = 16, /* of the boot id, and of the random number */
    NAME_LEN = sizeof PREFIX - 1 + ID_DIGITS + 1 + ID_DIGITS + sizeof SUFFIX - 1,
    MAX_TRIES = 100,
    MAX_ENTRIES = 4096, /* looked at in a folder: about a millisecond; where files have no name, there is hardly ever one */
    WEEK_S = 7 * 86400
};

/* The first 16 hex digits of the kernel's boot id. Without /proc: zeros, which stand for no boot. */
static void read_boot_id(char id[ID_DIGITS + 1]) {
    char text[40] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        (void)close(fd); /* only read from */
    }
    size_t n = 0;
    for (ssize_t i = 0; i < len && n < ID_DIGITS; i++) {
        bool is_hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (is_hex) {
            id[n++] = text[i];
        }
    }
    if (n < ID_DIGITS) {
        memset(id, '0', ID_DIGITS);
    }
    id[ID_DIGITS] = '\0';
}

static uint64_t random_number(void) {
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
        number = (uint64_t)ql_time_now() * 0x9e3779b97f4a7c15u + (uint64_t)getpid(); /* O_EXCL and linkat catch a double */
    }
    return number;
}

static char *new_name(void) {
    char boot_id[ID_DIGITS + 1];
    struct ql_buf text = {0};
    read_boot_id(boot_id);
    ql_buf_printf(&text, "%s%s-%016llx%s", PREFIX, boot_id, (unsigned long long)random_number(), SUFFIX);
    return ql_buf_take(&text);
}

static bool is_hex(const char *text) {
    return strspn(text, "0123456789abcdef") >= ID_DIGITS;
}

static bool is_temp_name(const char *name) {
    const char *boot = name + sizeof PREFIX - 1;
    return strlen(name) == NAME_LEN && memcmp(name, PREFIX, sizeof PREFIX - 1) == 0 && is_hex(boot) && boot[ID_DIGITS] == '-' &&
           is_hex(boot + ID_DIGITS + 1) && strcmp(name + NAME_LEN - (sizeof SUFFIX - 1), SUFFIX) == 0;
}

/* Locks a new file; false: somebody who cleans up was quicker, and the file is or will be gone. A file system without locks
 * gives nobody one, so what is made there is never taken for dead. */
static bool lock_new(const struct ql_disk *disk, int fd) {
    struct stat status;
    if (disk->flock(disk->ctx, fd, LOCK_EX | LOCK_NB) != 0) {
        return errno != EWOULDBLOCK;
    }
    return fstat(fd, &status) != 0 || status.st_nlink != 0;
}

int ql_temp_open(const struct ql_disk *disk, int folder, mode_t mode, char **name) {
    for (int i = 0; i < MAX_TRIES; i++) {
        char *text = new_name();
        int fd = disk->openat(disk->ctx, folder, text, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd >= 0 && lock_new(disk, fd)) {
            *name = text;
            return fd;
        }
        int errnum = fd >= 0 ? EEXIST : errno;
        if (fd >= 0) {
            (void)disk->close(disk->ctx, fd); /* nothing was written */
        }
        ql_mem_free(text);
        errno = errnum;
        if (errnum != EEXIST && errnum != EINTR) {
            break;
        }
    }
    return -1;
}

/*
 * Whether the file is as open as a named one would be. Kernels before 6.0 forget the umask for O_TMPFILE on file systems
 * without ACLs; a default ACL of the folder, which stands above the umask, looks the same from here. Reading the umask sets it
 * for a moment, to what lets nobody else in.
 */
static bool obeys_umask(int fd) {
    struct stat status;
    mode_t mask = umask(0077);
    (void)umask(mask);
    return fstat(fd, &status) == 0 && (status.st_mode & mask & 0777) == 0;
}

int ql_temp_open_unnamed(const struct ql_disk *disk, int folder, mode_t mode) {
    int fd = disk->openat(disk->ctx, folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (fd >= 0 && !obeys_umask(fd)) {
        (void)disk->close(disk->ctx, fd); /* nothing was written */
        errno = EOPNOTSUPP;
        return -1;
    }
    if (fd < 0 && (errno == EISDIR || errno == EINVAL)) { /* a kernel or a file system that does not know O_TMPFILE */
        errno = EOPNOTSUPP;
    }
    return fd;
}

int ql_temp_link(const struct ql_disk *disk, int fd, int folder, const char *to) {
    char from[64];
    (void)snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    if (disk->linkat(disk->ctx, AT_FDCWD, from, folder, to, AT_SYMLINK_FOLLOW) == 0) {
        return 0;
    }
    switch (errno) {
    case ENOENT: /* no /proc, or one of another pid namespace */
    case EACCES: /* a sandbox: seccomp, AppArmor, SELinux */
    case EPERM:
    case ENOSYS:
    case EXDEV:
    case EMLINK:
        return EOPNOTSUPP;
    default:
        return errno;
    }
}

int ql_temp_link_named(const struct ql_disk *disk, int fd, int folder, char **name) {
    (void)disk->flock(disk->ctx, fd, LOCK_EX | LOCK_NB); /* fails only where nobody gets a lock */
    int errnum = EEXIST;
    for (int i = 0; i < MAX_TRIES && errnum == EEXIST; i++) {
        char *text = new_name();
        errnum = ql_temp_link(disk, fd, folder, text);
        if (errnum == 0) {
            *name = text;
            return 0;
        }
        ql_mem_free(text);
    }
    return errnum;
}

/* Removes a file whose maker is dead. */
static void clean(const struct ql_disk *disk, int folder, const char *name, const char *boot_id) {
    bool is_of_this_boot = memcmp(name + sizeof PREFIX - 1, boot_id, ID_DIGITS) == 0 && strspn(boot_id, "0") < ID_DIGITS;
    /* For writing, because NFS gives an exclusive lock to a writer only; and a pipe of that name must not stop us. */
    int fd = disk->openat(disk->ctx, folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    struct stat status;
    if (fd < 0) {
        return;
    }
    bool is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    bool is_dead = is_file && (is_of_this_boot || ql_time_now() / QL_US_PER_S - status.st_mtime > WEEK_S) &&
                   disk->flock(disk->ctx, fd, LOCK_EX | LOCK_NB) == 0;
    if (is_dead) {
        (void)disk->unlinkat(disk->ctx, folder, name);
    }
    (void)disk->close(disk->ctx, fd);
}

void ql_temp_clean(const struct ql_disk *disk, int folder) {
    char boot_id[ID_DIGITS + 1] = "";
    int fd = disk->openat(disk->ctx, folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    if (listing == NULL) {
        if (fd >= 0) {
            (void)disk->close(disk->ctx, fd);
        }
        return;
    }
    for (int i = 0; i < MAX_ENTRIES; i++) {
        const struct dirent *entry = readdir(listing);
        if (entry == NULL) {
            break;
        }
        if (is_temp_name(entry->d_name)) {
            if (boot_id[0] == '\0') {
                read_boot_id(boot_id);
            }
            clean(disk, folder, entry->d_name, boot_id);
        }
    }
    (void)closedir(listing);
}
