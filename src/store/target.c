/**
 * From the path that the user wrote to the folder and the name at which a file is to appear.
 *
 * Symbolic links are followed to what they name, as the shell's '>' and cp do, and the file there is replaced: a link such as
 * latest.parquet keeps being a link. Everything after this works relative to the opened folder, so a folder that is renamed in
 * the meantime takes its new file along. What cannot be replaced by a rename (folders, devices, pipes) is refused here, before
 * any work is done.
 */
#include "store/store_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

enum { MAX_LINKS = 40 /* as Linux does */ };

/* E_CANNOT_CREATE with the system's words and what to do about them. */
static enum ql_status fail_errno(struct ql_err *err, int errnum, const char *what, const char *path) {
    ql_err_set_errno(err, QL_E_CANNOT_CREATE, errnum, "%s '%s'", what, path);
    switch (errnum) {
    case ENOENT:
        ql_err_hint(err, "create the folder, or correct the path");
        break;
    case ENOTDIR:
        ql_err_hint(err, "a part of the path is a file, not a folder; correct the path");
        break;
    case EACCES:
    case EPERM:
        ql_err_hint(err, "grant the user that runs queuelake write permission there, or choose another folder");
        break;
    case EROFS:
        ql_err_hint(err, "the file system is mounted read-only; choose another folder");
        break;
    case ENAMETOOLONG:
        ql_err_hint(err, "choose a shorter name");
        break;
    case ELOOP:
        ql_err_hint(err, "the symbolic links of the path lead in a circle; correct them");
        break;
    case ENOSPC:
    case EDQUOT:
        ql_err_hint(err, "the disk or the quota is full; free space there, then run again");
        break;
    default:
        break;
    }
    return QL_E_CANNOT_CREATE;
}

static enum ql_status fail_is_folder(struct ql_err *err, const char *path) {
    QL_FAIL(err, QL_E_CANNOT_CREATE, "'%s' is a folder", path);
    ql_err_hint(err, "name a file in it, or end the destination in '/' for the default name");
    return QL_E_CANNOT_CREATE;
}

static enum ql_status fail_is_special(struct ql_err *err, const char *path) {
    QL_FAIL(err, QL_E_CANNOT_CREATE, "'%s' is a device, pipe or socket, which cannot be replaced by a file", path);
    ql_err_hint(err, "name a file, or write '-' for standard output");
    return QL_E_CANNOT_CREATE;
}

/* ---- missing folders ---- */

/* The part of a path before its last '/', as a path: "." and "/" where nothing else is left. */
static char *parent_of(const char *path) {
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    if (len == 0) {
        return ql_mem_strdup(".");
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return ql_mem_strndup(path, len);
}

/* A new folder is an entry of its parent, which must reach the disk as well. */
static int sync_parent(const struct ql_disk *disk, const char *parent) {
    int folder = ql_disk_open_folder(disk, parent);
    if (folder < 0) {
        return errno;
    }
    int errnum = ql_disk_sync_folder(disk, folder);
    (void)disk->close(disk->ctx, folder);
    return errnum;
}

static enum ql_status make_folders(const struct ql_disk *disk, const char *path, struct ql_err *err) {
    struct stat status;
    if (stat(path, &status) == 0 || errno != ENOENT) {
        return QL_OK; /* whatever else is wrong with it, opening it will say */
    }
    char *parent = parent_of(path);
    enum ql_status result = make_folders(disk, parent, err);
    if (result == QL_OK && disk->mkdirat(disk->ctx, AT_FDCWD, path, 0777) != 0 && errno != EEXIST) {
        result = fail_errno(err, errno, "cannot create folder", path);
    }
    if (result == QL_OK) {
        int errnum = sync_parent(disk, parent);
        if (errnum != 0) {
            result = fail_errno(err, errnum, "cannot sync folder", parent);
        }
    }
    ql_mem_free(parent);
    return result;
}

/* ---- the target ---- */

/* Opens the folder of a path and notes the name in it. */
static enum ql_status open_folder(struct ql_target *target, const struct ql_disk *disk, const char *path, bool makes_folders,
                                  struct ql_err *err) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return fail_is_folder(err, path);
    }
    target->folder_path = parent_of(path);
    target->name = ql_mem_strdup(name);
    if (makes_folders) {
        QL_TRY(make_folders(disk, target->folder_path, err));
    }
    target->folder = ql_disk_open_folder(disk, target->folder_path);
    return target->folder >= 0 ? QL_OK : fail_errno(err, errno, "cannot use folder", target->folder_path);
}

/* Looks at what is there now. *link is set (the caller's) if it is a symbolic link. */
static enum ql_status look(struct ql_target *target, const char *path, char **link, struct ql_err *err) {
    *link = NULL;
    if (fstatat(target->folder, target->name, &target->status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? QL_OK : fail_errno(err, errno, "cannot create", path);
    }
    if (S_ISLNK(target->status.st_mode)) {
        char text[PATH_MAX];
        ssize_t len = readlinkat(target->folder, target->name, text, sizeof text);
        if (len <= 0 || (size_t)len >= sizeof text) {
            return fail_errno(err, len < 0 ? errno : ENAMETOOLONG, "cannot follow the link", path);
        }
        struct ql_buf next = {0};
        if (text[0] != '/') {
            ql_buf_printf(&next, "%s/", target->folder_path);
        }
        ql_buf_put(&next, text, (size_t)len);
        *link = ql_buf_take(&next);
        return QL_OK;
    }
    if (S_ISDIR(target->status.st_mode)) {
        return fail_is_folder(err, path);
    }
    if (!S_ISREG(target->status.st_mode)) {
        return fail_is_special(err, path);
    }
    /* A rename would replace it all the same, but its owner has said no to that. */
    if (faccessat(target->folder, target->name, W_OK, AT_EACCESS) != 0) {
        return fail_errno(err, errno, "cannot replace the write-protected file", path);
    }
    target->exists = true;
    return QL_OK;
}

static enum ql_status follow(struct ql_target *target, const struct ql_disk *disk, char **path, bool makes_folders,
                             struct ql_err *err) {
    for (int i = 0; i <= MAX_LINKS; i++) {
        char *link = NULL;
        QL_TRY(open_folder(target, disk, *path, makes_folders, err));
        QL_TRY(look(target, *path, &link, err));
        if (link == NULL) {
            return QL_OK;
        }
        ql_target_fini(target);
        ql_mem_free(*path);
        *path = link;
    }
    return fail_errno(err, ELOOP, "cannot follow the link", *path);
}

enum ql_status ql_target_open(struct ql_target *target, const struct ql_disk *disk, struct ql_str path, bool makes_folders,
                              struct ql_err *err) {
    *target = (struct ql_target){.folder = -1};
    if (path.len == 0 || memchr(path.ptr, '\0', path.len) != NULL) {
        return QL_FAIL(err, QL_E_CANNOT_CREATE,
                       path.len == 0 ? "the path of the file is empty" : "the path of the file has a NUL byte");
    }
    char *text = ql_mem_strndup(path.ptr, path.len);
    struct stat status;
    enum ql_status result = QL_OK;
    /* The links of /dev/stdout and /proc lead to things that have no path; only the kernel can follow them. */
    if (stat(text, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        result = fail_is_special(err, text);
    } else {
        result = follow(target, disk, &text, makes_folders, err);
    }
    ql_mem_free(text);
    if (result != QL_OK) {
        ql_target_fini(target);
    }
    return result;
}

void ql_target_fini(struct ql_target *target) {
    if (target->folder >= 0) {
        (void)close(target->folder); /* nothing was written through it */
    }
    ql_mem_free(target->folder_path);
    ql_mem_free(target->name);
    *target = (struct ql_target){.folder = -1};
}
