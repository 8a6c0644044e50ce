/**
 * A file that appears whole or not at all: written under a temporary name beside the target, synced, renamed over it, and the
 * folder synced.
 *
 * Beside the target, because a rename is atomic within one file system only. The name begins with a dot and ends in ".tmp", so
 * that Spark, Hive and Athena, which skip hidden files, never read it, should a killed process leave one behind. The file has
 * no more permissions at any time than the one that it replaces.
 */
#include "store/store_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

struct folder_store {
    struct ql_store store; /* first */
    const struct ql_disk *disk;
    struct ql_target target;
    char *path;      /* as the user wrote it */
    char *temp_name; /* NULL: there is none (any more) */
    struct ql_block_file file;
};

static enum ql_status fail(const struct folder_store *folder, int errnum, const char *verb, struct ql_err *err) {
    char what[PATH_MAX + 64];
    (void)snprintf(what, sizeof what, "cannot %s '%s'", verb, folder->path);
    return ql_disk_fail(err, errnum, what, folder->target.folder_path);
}

static enum ql_status folder_write(struct ql_store *store, const void *ptr, size_t len, struct ql_err *err) {
    struct folder_store *folder = (struct folder_store *)store;
    int errnum = ql_block_file_write(&folder->file, ptr, len);
    return errnum == 0 ? QL_OK : fail(folder, errnum, "write", err);
}

/* Owner and mode of the file that is to be replaced. Owner and group are kept if the system lets us: it does for root, and for
 * groups that we are in. A file system without modes refuses fchmod; what was created is then no more open than the old one. */
static int keep_ownership(const struct folder_store *folder) {
    const struct stat *old = &folder->target.status;
    struct stat now;
    if (!folder->target.exists) {
        return 0;
    }
    if (fstat(folder->file.fd, &now) != 0) {
        return errno;
    }
    if (now.st_gid != old->st_gid && fchown(folder->file.fd, (uid_t)-1, old->st_gid) != 0 && errno != EPERM) {
        return errno;
    }
    if (now.st_uid != old->st_uid && fchown(folder->file.fd, old->st_uid, (gid_t)-1) != 0 && errno != EPERM) {
        return errno;
    }
    bool is_set = folder->disk->fchmod(folder->disk->ctx, folder->file.fd, old->st_mode & 0777) == 0;
    return is_set || errno == EPERM || errno == EOPNOTSUPP ? 0 : errno;
}

/* Everything up to the moment where the rename may be done. */
static enum ql_status settle(struct folder_store *folder, struct ql_err *err) {
    int errnum = ql_block_file_flush(&folder->file);
    if (errnum != 0) {
        return fail(folder, errnum, "write", err);
    }
    errnum = keep_ownership(folder);
    if (errnum != 0) {
        return fail(folder, errnum, "set the permissions of", err);
    }
    errnum = ql_disk_sync(folder->disk, folder->file.fd);
    if (errnum != 0) {
        return fail(folder, errnum, "sync", err);
    }
    errnum = ql_block_file_close(&folder->file);
    return errnum == 0 ? QL_OK : fail(folder, errnum, "close", err);
}

static enum ql_status folder_commit(struct ql_store *store, const struct ql_publication *publication, struct ql_stored *stored,
                                    struct ql_err *err) {
    struct folder_store *folder = (struct folder_store *)store;
    const struct ql_disk *disk = folder->disk;
    (void)publication;
    QL_TRY(settle(folder, err));
    if (disk->renameat(disk->ctx, folder->target.folder, folder->temp_name, folder->target.name) != 0) {
        return fail(folder, errno, "move the finished file to", err);
    }
    ql_mem_free(folder->temp_name);
    folder->temp_name = NULL;
    int errnum = ql_disk_sync_folder(disk, folder->target.folder);
    if (errnum != 0) {
        fail(folder, errnum, "sync the folder of", err);
        ql_err_hint(err, "the new file is in place and whole, but a power failure could bring back the old one; run again");
        return QL_E_IO;
    }
    (void)snprintf(stored->location, sizeof stored->location, "%s", folder->path);
    return QL_OK;
}

static void folder_free(struct ql_store *store) {
    struct folder_store *folder = (struct folder_store *)store;
    (void)ql_block_file_close(&folder->file); /* what matters was checked by commit */
    if (folder->temp_name != NULL) {
        (void)unlinkat(folder->target.folder, folder->temp_name, 0); /* nobody is left to be told */
    }
    ql_target_fini(&folder->target);
    ql_store_fini(store);
    ql_mem_free(folder->temp_name);
    ql_mem_free(folder->path);
    ql_mem_free(folder);
}

static const struct ql_store_ops FOLDER_OPS = {.write = folder_write, .commit = folder_commit, .free = folder_free};

static enum ql_status fail_create(const struct folder_store *folder, int errnum, struct ql_err *err) {
    bool is_room = errnum == ENOSPC || errnum == EDQUOT || errnum == EIO;
    if (is_room) {
        return fail(folder, errnum, "create", err);
    }
    ql_err_set_errno(err, QL_E_CANNOT_CREATE, errnum, "cannot create '%s'", folder->path);
    if (errnum == EROFS) {
        ql_err_hint(err, "the file system of '%s' is mounted read-only; choose another folder", folder->target.folder_path);
    } else if (errnum == EACCES || errnum == EPERM) {
        ql_err_hint(err, "grant the user that runs queuelake write permission on folder '%s', or choose another",
                    folder->target.folder_path);
    }
    return QL_E_CANNOT_CREATE;
}

enum ql_status ql_store_file_open_with(const struct ql_disk *disk, struct ql_str path, bool makes_folders,
                                       struct ql_store **store, struct ql_err *err) {
    *store = NULL;
    struct ql_target target;
    QL_TRY(ql_target_open(&target, disk, path, makes_folders, err));
    struct folder_store *folder = ql_mem_zalloc(1, sizeof *folder);
    ql_store_init(&folder->store, &FOLDER_OPS);
    folder->disk = disk;
    folder->target = target;
    folder->path = ql_mem_strndup(path.ptr, path.len);
    folder->file.disk = disk;
    folder->file.is_durable = true;
    mode_t mode = target.exists ? target.status.st_mode & 0777 : 0666;
    folder->file.fd = ql_disk_open_temp(disk, target.folder, target.name, O_WRONLY, mode, &folder->temp_name);
    if (folder->file.fd < 0) {
        enum ql_status status = fail_create(folder, errno, err);
        folder_free(&folder->store);
        return status;
    }
    *store = &folder->store;
    return QL_OK;
}

enum ql_status ql_store_file_open(struct ql_str path, bool makes_folders, struct ql_store **store, struct ql_err *err) {
    return ql_store_file_open_with(&QL_DISK, path, makes_folders, store, err);
}
