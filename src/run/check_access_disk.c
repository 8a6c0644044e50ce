/* Folders: are they there, may they be written to, is there room? How much room a run needs is not known before it has run, so
 * only what is plainly too little is called so. */
#include "run/check_access_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const uint64_t FULL_BYTES = UINT64_C(1) << 20;
static const uint64_t LITTLE_BYTES = UINT64_C(256) << 20;

/* "1.5 GB" */
static void put_size(uint64_t bytes, char *out, size_t size) {
    static const char *const UNITS[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof UNITS / sizeof UNITS[0]) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(out, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
}

void ql_judge_room(uint64_t free_bytes, const char *folder, const char *what_for, const struct ql_finding_sink *findings) {
    char size[32];
    put_size(free_bytes, size, sizeof size);
    if (free_bytes < FULL_BYTES) {
        struct ql_err err = {0};
        (void)QL_FAIL(&err, QL_E_IO, "the disk is full: %s are free in '%.300s', for %s", size, folder, what_for);
        ql_err_hint(&err, "free space there, or choose another folder");
        ql_finding_err(findings, QL_FINDING_PROBLEM, "disk", &err);
    } else if (free_bytes < LITTLE_BYTES) {
        ql_finding_warn(findings, "disk", "free space there, or choose another folder", "only %s are free in '%.300s', for %s",
                        size, folder, what_for);
    } else {
        ql_finding_say(findings, QL_FINDING_OK, "disk", "%s are free in '%.300s', for %s", size, folder, what_for);
    }
}

static void look_at_room(const char *folder, const char *what_for, const struct ql_finding_sink *findings) {
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0) {
        ql_finding_say(findings, QL_FINDING_SKIPPED, "disk", "the room in '%.300s' is not told", folder);
        return;
    }
    uint64_t blocks = disk.f_bavail;
    uint64_t block = disk.f_frsize;
    ql_judge_room(block != 0 && blocks > UINT64_MAX / block ? UINT64_MAX : blocks * block, folder, what_for, findings);
}

/* Cuts the last part of a path off: "a/b/" and "a/b" -> "a", "a" -> ".", "/a" -> "/". */
static void cut_last_part(char *path) {
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len != 0 && path[len - 1] != '/') {
        len--;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    if (len == 0) {
        path[0] = '.';
        path[1] = '\0'; /* it had one character at least */
    } else {
        path[len] = '\0';
    }
}

void ql_look_at_folder(struct ql_str target, const struct ql_finding_sink *findings) {
    struct stat status;
    bool is_there = true;
    char *folder = ql_mem_strndup(target.len != 0 ? target.ptr : "x", target.len != 0 ? target.len : 1);
    cut_last_part(folder);
    while (stat(folder, &status) != 0 && errno == ENOENT && strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0) {
        cut_last_part(folder);
        is_there = false;
    }
    struct ql_err err = {0};
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode) || access(folder, W_OK | X_OK) != 0) {
        int errnum = errno;
        errnum = stat(folder, &status) == 0 && !S_ISDIR(status.st_mode) ? ENOTDIR : errnum;
        ql_err_set_errno(&err, QL_E_CANNOT_CREATE, errnum, "cannot create '%.*s' in '%.300s'",
                         (int)(target.len < 300 ? target.len : 300), target.ptr, folder);
        ql_err_hint(&err, errnum == ENOTDIR
                              ? "a part of the path is a file where a folder should be; choose another path with -o"
                              : "grant the user that runs queuelake write permission there, or choose another folder with -o");
        ql_finding_err(findings, QL_FINDING_PROBLEM, "folder", &err);
    } else if (is_there) {
        ql_finding_say(findings, QL_FINDING_OK, "folder", "'%.300s' takes files", folder);
    } else {
        ql_finding_say(findings, QL_FINDING_OK, "folder", "the folder of '%.*s' will be made in '%.300s'",
                       (int)(target.len < 300 ? target.len : 300), target.ptr, folder);
    }
    look_at_room(folder, "the artefact", findings);
    ql_mem_free(folder);
}

/* Whether a file can be made there, tried with one that has no name or loses it at once. 0 or errno. */
static int try_file(const char *folder) {
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) { /* not every file system knows such files */
        struct ql_buf name = {0};
        ql_buf_printf(&name, "%s/queuelake-check-XXXXXX", folder);
        fd = mkostemp(name.ptr, O_CLOEXEC);
        if (fd >= 0) {
            (void)unlink(name.ptr);
        }
        ql_buf_fini(&name);
    }
    int errnum = fd < 0 ? errno : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return errnum;
}

void ql_look_at_temp_dir(struct ql_str folder, const struct ql_finding_sink *findings) {
    static const char WHAT_FOR[] = "rows beyond --memory-limit";
    char *path = folder.len != 0 ? ql_mem_strndup(folder.ptr, folder.len) : ql_mem_strdup("/tmp");
    int errnum = try_file(path);
    if (errnum != 0) {
        struct ql_err err = {0};
        ql_err_set_errno(&err, QL_E_CANNOT_CREATE, errnum, "no temporary file can be made in '%.300s', for %s", path, WHAT_FOR);
        ql_err_hint(&err, "name another folder with --temp-dir; small runs need none");
        ql_finding_err(findings, QL_FINDING_WARNING, "disk", &err);
    } else {
        look_at_room(path, WHAT_FOR, findings);
    }
    ql_mem_free(path);
}
