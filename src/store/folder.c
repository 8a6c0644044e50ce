/**
 * A file that appears whole or not at all: written beside the target without a name, synced, linked or renamed to its name, and
 * the folder synced.
 *
 * Beside the target, because link and rename are atomic within one file system only. A new file goes to its name by linkat,
 * which never replaces anything; one that replaces another gets a temporary name first, because only rename replaces. Where the
 * file system knows no files without name, it has that name from the beginning. Such a name begins with a dot, so that Spark,
 * Hive and Athena, which skip hidden files, never read what a killed process left. The file has no more permissions at any time
 * than the one that it replaces.
 */
#include "store/store_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { COPY_BYTES = 256 * 1024, MAX_VERSIONS = 10000 };

struct folder_store {
    struct ql_store store; /* first */
    const struct ql_disk *disk;
    struct ql_target target;
    char *path;      /* as the user wrote it */
    char *temp_name; /* NULL: the file has no name, or is at its place */
    bool is_cleaned; /* what dead runs left in the folder is removed */
    struct ql_block_file file;
};

static enum ql_status fail(const struct folder_store *folder, int errnum, const char *verb, struct ql_err *err) {
    char what[PATH_MAX + 64];
    (void)snprintf(what, sizeof what, "cannot %s '%s'", verb, folder->path);
    return ql_disk_fail(err, errnum, what, folder->target.folder_path);
}

static enum ql_status folder_write(struct ql_store *store, const void *ptr, size_t len, struct ql_err *err) {
    struct folder_store *folder = (struct folder_store *)store;
    if (!folder->is_cleaned) { /* before the disk may be full, and not for who only asks whether a file can be made */
        ql_temp_clean(folder->disk, folder->target.folder);
        folder->is_cleaned = true;
    }
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

/* Everything up to the moment where the file may get its name. It stays open, because it is locked as long as it is. */
static enum ql_status make_durable(const struct folder_store *folder, struct ql_err *err) {
    const struct ql_disk *disk = folder->disk;
    int errnum = keep_ownership(folder);
    if (errnum != 0) {
        return fail(folder, errnum, "set the permissions of", err);
    }
    errnum = ql_disk_sync(disk, folder->file.fd);
    if (errnum != 0) {
        return fail(folder, errnum, "sync", err);
    }
    /* Network file systems report a failed write at close; closing a duplicate asks them. */
    int copy = fcntl(folder->file.fd, F_DUPFD_CLOEXEC, 0);
    errnum = copy < 0 || disk->close(disk->ctx, copy) != 0 ? errno : 0;
    return errnum == 0 || errnum == EINTR ? QL_OK : fail(folder, errnum, "close", err);
}

static mode_t first_mode(const struct folder_store *folder) {
    return folder->target.exists ? folder->target.status.st_mode & 0777 : 0666;
}

static int copy_bytes(const struct folder_store *folder, struct ql_block_file *copy) {
    char *block = ql_mem_alloc(COPY_BYTES);
    int errnum = 0;
    size_t got = 0;
    for (int64_t at = 0; errnum == 0 && at < folder->store.bytes; at += (int64_t)got) {
        errnum = ql_disk_read_at(folder->disk, folder->file.fd, at, block, COPY_BYTES, &got);
        if (errnum == 0) {
            errnum = got != 0 ? ql_block_file_write(copy, block, got) : EIO; /* someone cut the file */
        }
    }
    ql_mem_free(block);
    return errnum != 0 ? errnum : ql_block_file_flush(copy);
}

/* For a system that made a file without name and gives it none: no /proc, or a sandbox. */
static enum ql_status copy_to_named(struct folder_store *folder, struct ql_err *err) {
    const struct ql_disk *disk = folder->disk;
    struct ql_block_file copy = {.disk = disk, .fd = -1};
    copy.fd = ql_temp_open(disk, folder->target.folder, first_mode(folder), &folder->temp_name);
    int errnum = copy.fd >= 0 ? copy_bytes(folder, &copy) : errno;
    if (errnum != 0) {
        (void)ql_block_file_close(&copy); /* and free removes it */
        return fail(folder, errnum, "write", err);
    }
    (void)ql_block_file_close(&folder->file);
    folder->file = copy;
    return make_durable(folder, err);
}

/* The file has a temporary name after this. */
static enum ql_status name_temporarily(struct folder_store *folder, struct ql_err *err) {
    if (folder->temp_name != NULL) {
        return QL_OK;
    }
    int errnum = ql_temp_link_named(folder->disk, folder->file.fd, folder->target.folder, &folder->temp_name);
    if (errnum == EOPNOTSUPP) {
        return copy_to_named(folder, err);
    }
    return errnum == 0 ? QL_OK : fail(folder, errnum, "name the finished file for", err);
}

static void forget_temp_name(struct folder_store *folder) {
    ql_mem_free(folder->temp_name);
    folder->temp_name = NULL;
}

/* Moves the temporary name to one that must be free. File systems that cannot do it at once may know hard links. 0 or errno. */
static int move_to_free(struct folder_store *folder, const char *name) {
    const struct ql_disk *disk = folder->disk;
    int place = folder->target.folder;
    if (disk->renameat(disk->ctx, place, folder->temp_name, name, RENAME_NOREPLACE) == 0) {
        forget_temp_name(folder);
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM) {
        return errno;
    }
    return disk->linkat(disk->ctx, place, folder->temp_name, place, name, 0) == 0 ? 0 : errno; /* free removes the other name */
}

/* Gives the finished file a name that nothing has. *is_taken: something has it. */
static enum ql_status place_new(struct folder_store *folder, const char *name, bool *is_taken, struct ql_err *err) {
    int errnum = EOPNOTSUPP;
    *is_taken = false;
    if (folder->temp_name == NULL) {
        errnum = ql_temp_link(folder->disk, folder->file.fd, folder->target.folder, name);
    }
    if (errnum == EOPNOTSUPP) {
        QL_TRY(name_temporarily(folder, err));
        errnum = move_to_free(folder, name);
    }
    if (errnum == EEXIST) {
        *is_taken = true;
        return QL_OK;
    }
    if (errnum != 0) {
        (void)fail(folder, errnum, "move the finished file to", err);
        if (errnum == EPERM || errnum == EOPNOTSUPP || errnum == ENOSYS || errnum == EMLINK) {
            ql_err_hint(err, "the file system of '%s' cannot take a name only if it is free; use --if-exists replace there",
                        folder->target.folder_path);
        }
        return QL_E_IO;
    }
    return QL_OK;
}

static enum ql_status place_over(struct folder_store *folder, struct ql_err *err) {
    const struct ql_disk *disk = folder->disk;
    if (folder->temp_name == NULL && !folder->target.exists) {
        bool is_taken = false;
        QL_TRY(place_new(folder, folder->target.name, &is_taken, err));
        if (!is_taken) {
            return QL_OK;
        }
    }
    QL_TRY(name_temporarily(folder, err));
    if (disk->renameat(disk->ctx, folder->target.folder, folder->temp_name, folder->target.name, 0) != 0) {
        return fail(folder, errno, "move the finished file to", err);
    }
    forget_temp_name(folder);
    return QL_OK;
}

static bool has_same_bytes(const struct folder_store *folder, int old) {
    char *blocks = ql_mem_alloc((size_t)2 * COPY_BYTES);
    bool is_same = true;
    size_t got = 0;
    for (int64_t at = 0; is_same && at < folder->store.bytes; at += (int64_t)got) {
        size_t got_old = 0;
        is_same = ql_disk_read_at(folder->disk, old, at, blocks, COPY_BYTES, &got_old) == 0 &&
                  ql_disk_read_at(folder->disk, folder->file.fd, at, blocks + COPY_BYTES, COPY_BYTES, &got) == 0 &&
                  got == got_old && got != 0 && memcmp(blocks, blocks + COPY_BYTES, got) == 0;
    }
    ql_mem_free(blocks);
    return is_same;
}

/* Whether what is to be stored stands at that name already, and durably so. Any doubt means no. */
static bool is_there_already(const struct folder_store *folder, const char *name) {
    const struct ql_disk *disk = folder->disk;
    struct stat status;
    if (fstatat(folder->target.folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size != folder->store.bytes) {
        return false;
    }
    int old = disk->openat(disk->ctx, folder->target.folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (old < 0) {
        return false;
    }
    bool is_there = has_same_bytes(folder, old) && ql_disk_sync(disk, old) == 0;
    (void)disk->close(disk->ctx, old); /* only read from */
    return is_there;
}

static enum ql_status fail_exists(const struct folder_store *folder, struct ql_err *err) {
    return QL_FAIL(err, QL_E_EXISTS, "'%s' exists already", folder->path);
}

/* The first of name, name.v2, name.v3, ... that is free, or that has these very bytes. */
static enum ql_status place_version(struct folder_store *folder, struct ql_buf *name, struct ql_stored *stored,
                                    struct ql_err *err) {
    for (int version = 1; version <= MAX_VERSIONS; version++) {
        bool is_taken = false;
        ql_buf_reset(name);
        ql_key_put_version(ql_str_from(folder->target.name), version, name);
        if (is_there_already(folder, name->ptr)) {
            stored->how = QL_STORED_UNCHANGED;
            return QL_OK;
        }
        QL_TRY(place_new(folder, name->ptr, &is_taken, err));
        if (!is_taken) {
            return QL_OK;
        }
    }
    return QL_FAIL(err, QL_E_EXISTS, "'%s' exists already in %d versions", folder->path, MAX_VERSIONS);
}

/* As --if-exists says. *name is what the file is called in the end. */
static enum ql_status place(struct folder_store *folder, enum ql_if_exists if_exists, struct ql_buf *name,
                            struct ql_stored *stored, struct ql_err *err) {
    bool is_taken = false;
    if (if_exists == QL_IF_EXISTS_VERSION) {
        return place_version(folder, name, stored, err);
    }
    ql_buf_puts(name, folder->target.name);
    if (if_exists == QL_IF_EXISTS_REPLACE) {
        return place_over(folder, err);
    }
    QL_TRY(place_new(folder, folder->target.name, &is_taken, err));
    if (is_taken && if_exists == QL_IF_EXISTS_FAIL) {
        return fail_exists(folder, err);
    }
    stored->how = !is_taken                                       ? QL_STORED_NEW
                  : is_there_already(folder, folder->target.name) ? QL_STORED_UNCHANGED
                                                                  : QL_STORED_SKIPPED;
    return QL_OK;
}

/* The path as the user wrote it, or where else the file is: a link was followed, a version added to the name. */
static void put_location(const struct folder_store *folder, const struct ql_buf *name, struct ql_stored *stored) {
    const char *slash = strrchr(folder->path, '/');
    const char *written = slash != NULL ? slash + 1 : folder->path;
    if (ql_str_eq(ql_buf_view(name), ql_str_from(folder->target.name))) {
        (void)snprintf(stored->location, sizeof stored->location, "%s", folder->path);
    } else if (strcmp(written, folder->target.name) == 0) {
        (void)snprintf(stored->location, sizeof stored->location, "%.*s%s", (int)(written - folder->path), folder->path,
                       ql_buf_text(name));
    } else {
        (void)snprintf(stored->location, sizeof stored->location, "%s/%s", folder->target.folder_path, ql_buf_text(name));
    }
}

static enum ql_status publish(struct folder_store *folder, enum ql_if_exists if_exists, struct ql_buf *name,
                              struct ql_stored *stored, struct ql_err *err) {
    int errnum = ql_block_file_flush(&folder->file);
    if (errnum != 0) {
        return fail(folder, errnum, "write", err);
    }
    if (folder->target.exists && if_exists == QL_IF_EXISTS_REPLACE && is_there_already(folder, folder->target.name)) {
        ql_buf_puts(name, folder->target.name);
        stored->how = QL_STORED_UNCHANGED;
    } else {
        QL_TRY(make_durable(folder, err));
        QL_TRY(place(folder, if_exists, name, stored, err));
    }
    errnum = ql_disk_sync_folder(folder->disk, folder->target.folder);
    if (errnum != 0) {
        (void)fail(folder, errnum, "sync the folder of", err);
        ql_err_hint(err, "the new file is in place and whole, but a power failure could bring back the old one; run again");
        return QL_E_IO;
    }
    return QL_OK;
}

/* The name may depend on the bytes, the folder not: the file is in it already. */
static enum ql_status rename_target(struct folder_store *folder, struct ql_str path, struct ql_err *err) {
    if (path.len == 0 || ql_str_eq(path, ql_str_from(folder->path))) {
        return QL_OK;
    }
    struct ql_target target;
    struct stat before;
    struct stat after;
    QL_TRY(ql_target_open(&target, folder->disk, path, false, err));
    bool is_same_folder = fstat(folder->target.folder, &before) == 0 && fstat(target.folder, &after) == 0 &&
                          before.st_dev == after.st_dev && before.st_ino == after.st_ino;
    if (!is_same_folder) {
        ql_target_fini(&target);
        return QL_FAIL(err, QL_E_CANNOT_CREATE, "'%.*s' is in another folder than '%s'", QL_STR_ARG(path), folder->path);
    }
    ql_target_fini(&folder->target);
    ql_mem_free(folder->path);
    folder->target = target;
    folder->path = ql_mem_strndup(path.ptr, path.len);
    return QL_OK;
}

static enum ql_status folder_commit(struct ql_store *store, const struct ql_publication *publication, struct ql_stored *stored,
                                    struct ql_err *err) {
    struct folder_store *folder = (struct folder_store *)store;
    struct ql_buf name = {0};
    QL_TRY(rename_target(folder, publication->key, err));
    enum ql_status status = publish(folder, publication->if_exists, &name, stored, err);
    if (status == QL_OK) {
        put_location(folder, &name, stored);
    }
    ql_buf_fini(&name);
    return status;
}

static void folder_free(struct ql_store *store) {
    struct folder_store *folder = (struct folder_store *)store;
    if (folder->temp_name != NULL) {
        (void)folder->disk->unlinkat(folder->disk->ctx, folder->target.folder,
                                     folder->temp_name); /* nobody is left to be told */
    }
    (void)ql_block_file_close(&folder->file); /* what matters was checked by commit */
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
    folder->file.fd = ql_temp_open_unnamed(disk, target.folder, first_mode(folder));
    if (folder->file.fd < 0 && errno == EOPNOTSUPP) {
        folder->file.fd = ql_temp_open(disk, target.folder, first_mode(folder), &folder->temp_name);
    }
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
