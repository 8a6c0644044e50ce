/**
 * Notes of unfinished multipart uploads: one small JSON document each in <state_dir>/uploads.
 *
 * A note says twice what is going on, a line each: before the upload is created, without an id, and when it has one, before the
 * first part. Both are synced. So whenever the process dies, what lies there leads to what it left; a second line that is not
 * whole counts for nothing.
 *
 * That nobody works on an upload any more is told by a lock (flock): the kernel drops it with the process, however that ends,
 * and it holds between containers and, on NFS, between machines, where process ids say nothing. Ids and host are for people. A
 * note gets its name when it is locked and whole, so nobody meets half of one.
 */
#include "store/s3_object.h"

#include "base/mem.h"
#include "json/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#define SUFFIX ".json"
enum {
    MAX_NOTE_BYTES = 64 * 1024,
    MAX_DEPTH = 4,
    NAME_BYTES = 8,
    NAME_SIZE = 2 * NAME_BYTES + sizeof SUFFIX,
    TEMP_SIZE = NAME_SIZE + 8
};

struct ql_upload_note {
    int folder, fd; /* fd holds the lock */
    char name[NAME_SIZE];
};

/* ---- writing */

static void set_text(struct ql_json *object, const char *key, struct ql_str text) {
    ql_json_set(object, key, ql_json_new_text(text));
}

static void set_process(struct ql_json *object) {
    char host[256] = "";
    char boot[64] = "";
    (void)gethostname(host, sizeof host - 1); /* for people; a host without a name has none */
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, boot, sizeof boot - 1);
        boot[n > 0 ? n : 0] = '\0';
        (void)close(fd);
    }
    set_text(object, "host", ql_str_from(host));
    set_text(object, "boot_id", ql_str_trim(ql_str_from(boot)));
    ql_json_set(object, "pid", ql_json_new_int(getpid()));
}

static void put_document(const struct ql_noted_upload *upload, struct ql_buf *out) {
    struct ql_json *note = ql_json_new_object();
    char started[QL_TIME_TEXT_SIZE];
    set_text(note, "endpoint", upload->endpoint);
    set_text(note, "region", upload->region);
    set_text(note, "bucket", upload->bucket);
    set_text(note, "key", upload->key);
    set_text(note, "upload_id", upload->upload_id);
    set_text(note, "started", (struct ql_str){.ptr = started, .len = ql_time_format(upload->started_us, started)});
    set_process(note);
    ql_json_write(note, false, out);
    ql_buf_putc(out, '\n');
    ql_json_free(note);
}

/* mkdir -p, for us alone. */
static int make_folder(const char *path) {
    char *text = ql_mem_strdup(path);
    int errnum = 0;
    for (char *p = text + 1; errnum == 0; p++) {
        if (*p == '/' || *p == '\0') {
            char end = *p;
            *p = '\0';
            errnum = mkdir(text, 0700) == 0 || errno == EEXIST || errno == EISDIR ? 0 : errno;
            *p = end;
            if (end == '\0') {
                break;
            }
        }
    }
    ql_mem_free(text);
    return errnum;
}

static int write_line(const struct ql_upload_note *note, const struct ql_noted_upload *upload) {
    struct ql_buf line = {0};
    put_document(upload, &line);
    errno = ENOSPC; /* of a write that is short without a word */
    bool is_done = write(note->fd, line.ptr, line.len) == (ssize_t)line.len && fsync(note->fd) == 0;
    ql_buf_fini(&line);
    return is_done ? 0 : errno;
}

/* Without a name at first, where the file system can (not NFS, FUSE): a crash then leaves nothing. */
static int open_unnamed(struct ql_upload_note *note, char temp[TEMP_SIZE]) {
    temp[0] = '\0';
    note->fd = openat(note->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (note->fd < 0) {
        (void)snprintf(temp, TEMP_SIZE, ".%s.tmp", note->name);
        note->fd = openat(note->folder, temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    return note->fd >= 0 ? 0 : errno;
}

static int give_name(const struct ql_upload_note *note, const char *temp) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", note->fd);
    int result = temp[0] != '\0' ? renameat(note->folder, temp, note->folder, note->name)
                                 : linkat(AT_FDCWD, path, note->folder, note->name, AT_SYMLINK_FOLLOW);
    return result == 0 ? 0 : errno;
}

static int write_first(struct ql_upload_note *note, const struct ql_noted_upload *upload) {
    char temp[TEMP_SIZE];
    int errnum = open_unnamed(note, temp);
    if (errnum == 0 && flock(note->fd, LOCK_EX | LOCK_NB) != 0) {
        errnum = errno;
    }
    errnum = errnum == 0 ? write_line(note, upload) : errnum;
    errnum = errnum == 0 ? give_name(note, temp) : errnum;
    if (errnum != 0 && temp[0] != '\0') {
        (void)unlinkat(note->folder, temp, 0); /* the first error is the one to tell */
    }
    return errnum == 0 ? ql_disk_sync_folder(&QL_DISK, note->folder) : errnum;
}

static void put_folder(struct ql_str state_dir, struct ql_buf *out) {
    ql_buf_put_str(out, state_dir);
    ql_buf_puts(out, "/uploads");
}

static int write_note(struct ql_upload_note *note, const char *path, const struct ql_noted_upload *upload) {
    uint8_t random[NAME_BYTES];
    int errnum = make_folder(path);
    if (errnum != 0) {
        return errnum;
    }
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return errno;
    }
    ql_hex(random, sizeof random, note->name);
    (void)snprintf(note->name + 2 * NAME_BYTES, sizeof SUFFIX, SUFFIX);
    note->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (note->folder < 0) {
        return errno;
    }
    return write_first(note, upload);
}

enum ql_status ql_upload_note_new(struct ql_str state_dir, const struct ql_noted_upload *upload, struct ql_upload_note **note,
                                  struct ql_err *err) {
    struct ql_upload_note *made = ql_mem_zalloc(1, sizeof *made);
    struct ql_buf path = {0};
    made->folder = made->fd = -1;
    put_folder(state_dir, &path);
    int errnum = write_note(made, ql_buf_text(&path), upload);
    enum ql_status status = QL_OK;
    if (errnum != 0) {
        status = ql_err_set_errno(err, QL_E_CANNOT_CREATE, errnum, "cannot note the upload in '%s'", ql_buf_text(&path));
        ql_err_hint(err, "name a folder that may be written with --state-dir");
        ql_upload_note_free(made, false);
        made = NULL;
    }
    ql_buf_fini(&path);
    *note = made;
    return status;
}

const char *ql_upload_note_name(const struct ql_upload_note *note) {
    return note != NULL ? note->name : "";
}

enum ql_status ql_upload_note_set_id(struct ql_upload_note *note, const struct ql_noted_upload *upload, struct ql_err *err) {
    int errnum = write_line(note, upload);
    return errnum == 0 ? QL_OK : ql_err_set_errno(err, QL_E_IO, errnum, "cannot note the upload's id in '%s'", note->name);
}

void ql_upload_note_free(struct ql_upload_note *note, bool stays) {
    if (note == NULL) {
        return;
    }
    if (!stays && note->folder >= 0) {
        (void)unlinkat(note->folder, note->name, 0); /* while the lock holds; a note too many only costs one question */
    }
    if (note->fd >= 0) {
        (void)close(note->fd);
    }
    if (note->folder >= 0) {
        (void)close(note->folder);
    }
    ql_mem_free(note);
}

/* ---- reading */

static bool read_document(int fd, struct ql_buf *text) {
    ssize_t n = pread(fd, ql_buf_reserve(text, MAX_NOTE_BYTES), MAX_NOTE_BYTES, 0);
    text->len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool read_upload(const struct ql_json *json, struct ql_noted_upload *upload) {
    struct ql_time_text started;
    *upload = (struct ql_noted_upload){.endpoint = ql_json_get_text(json, "endpoint"),
                                       .region = ql_json_get_text(json, "region"),
                                       .bucket = ql_json_get_text(json, "bucket"),
                                       .key = ql_json_get_text(json, "key"),
                                       .upload_id = ql_json_get_text(json, "upload_id"),
                                       .started_us = QL_TIME_NONE};
    if (ql_time_parse_iso(ql_json_get_text(json, "started"), &started)) {
        upload->started_us = ql_time_from_civil(&started.civil) - (int64_t)started.offset_s * QL_US_PER_S;
    }
    return upload->bucket.len != 0 && upload->key.len != 0;
}

/* The last line that is whole. */
static struct ql_str last_line(struct ql_str text) {
    struct ql_str last = {0};
    struct ql_str rest = text;
    while (memchr(rest.ptr != NULL ? rest.ptr : "", '\n', rest.len) != NULL) {
        last = ql_str_split(rest, '\n', &rest);
    }
    return last;
}

/** What is done with each note; is_left: its process is gone, and we hold the lock. True: remove it. */
typedef bool look_fn(void *ctx, const struct ql_noted_upload *upload, bool is_left);

/* For writing where that is possible, because NFS locks nothing else exclusively. What is no file must not make us wait. */
static int open_note(int folder, const char *name) {
    static const int FLAGS = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    int fd = openat(folder, name, O_RDWR | FLAGS);
    return fd < 0 && (errno == EROFS || errno == EACCES) ? openat(folder, name, O_RDONLY | FLAGS) : fd;
}

static void look_at(int folder, const char *name, look_fn *look, void *ctx) {
    int fd = open_note(folder, name);
    if (fd < 0) {
        return; /* gone in the meantime, or not ours to read */
    }
    bool is_left = flock(fd, LOCK_EX | LOCK_NB) == 0;
    struct stat info;
    struct ql_buf text = {0};
    struct ql_json *json = NULL;
    struct ql_noted_upload upload;
    /* A note without a name any more was removed by its owner between our open and its end. */
    bool is_note = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink != 0 && read_document(fd, &text) &&
                   ql_json_parse(last_line(ql_buf_view(&text)), MAX_DEPTH, &json, NULL) == QL_OK && read_upload(json, &upload);
    upload.note = name;
    if (is_note && look(ctx, &upload, is_left)) {
        (void)unlinkat(folder, name, 0); /* where it cannot be removed, the next run asks once more */
    }
    ql_json_free(json);
    ql_buf_fini(&text);
    (void)close(fd);
}

static void look_at_all(struct ql_str state_dir, const char *but, look_fn *look, void *ctx) {
    struct ql_buf path = {0};
    put_folder(state_dir, &path);
    DIR *folder = state_dir.len != 0 ? opendir(ql_buf_text(&path)) : NULL;
    ql_buf_fini(&path);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, but) != 0 &&
            ql_str_has_suffix(ql_str_from(entry->d_name), SUFFIX)) {
            look_at(dirfd(folder), entry->d_name, look, ctx);
        }
    }
    (void)closedir(folder);
}

struct left {
    bool (*left)(void *ctx, const struct ql_noted_upload *upload);
    void *ctx;
};

static bool tell_left(void *ctx, const struct ql_noted_upload *upload, bool is_left) {
    const struct left *left = ctx;
    return is_left && left->left(left->ctx, upload);
}

void ql_upload_notes_left(struct ql_str state_dir, bool (*left)(void *ctx, const struct ql_noted_upload *upload), void *ctx) {
    struct left all = {.left = left, .ctx = ctx};
    look_at_all(state_dir, "", tell_left, &all);
}

struct running {
    struct ql_str key, upload_id;
    bool is_running;
};

static bool look_for_running(void *ctx, const struct ql_noted_upload *upload, bool is_left) {
    struct running *running = ctx;
    bool is_it = upload->upload_id.len != 0 ? ql_str_eq(upload->upload_id, running->upload_id)
                                            : ql_str_eq(upload->key, running->key); /* it is creating one, perhaps this */
    running->is_running = running->is_running || (!is_left && is_it);
    return false;
}

bool ql_upload_notes_is_running(struct ql_str state_dir, struct ql_str key, struct ql_str upload_id, const char *but) {
    struct running running = {.key = key, .upload_id = upload_id};
    look_at_all(state_dir, but, look_for_running, &running);
    return running.is_running;
}
