/*
 * Files in large reads, straight to where the sink wants them, standard input, and objects. What cannot be opened is said
 * before any work is done. An object whose transfer breaks is begun again, and with it everything before it, because the sink
 * can only forget all that it got; so what can be read once only must not stand before it.
 */
#include "source/paths.h"
#include "source/source_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 96 * 1024 }; /* where the sink has no room of its own: the head of a text, and what is compressed */

struct files {
    struct ql_source source; /* first */
    struct ql_files_options options;
    struct ql_paths inputs;
};

static struct files *files_of(struct ql_source *source) {
    return (struct files *)(void *)source;
}

static bool is_stdin(struct ql_str path) {
    return ql_str_eq(path, QL_STR("-"));
}

static enum ql_status no_input(int errnum, const char *path, struct ql_err *err) {
    if (errnum == EISDIR) {
        QL_FAIL(err, QL_E_NO_INPUT, "'%.500s' is a folder, not a file", path);
        ql_err_hint(err, "name the files in it: %.200s/*.csv", path);
        return QL_E_NO_INPUT;
    }
    return ql_err_set_errno(err, QL_E_NO_INPUT, errnum, "cannot read '%.500s'", path);
}

/* Opens one input for reading; *fd is the caller's. */
static enum ql_status open_input(struct ql_str path, int *fd, struct ql_err *err) {
    if (is_stdin(path)) {
        *fd = STDIN_FILENO;
        return QL_OK;
    }
    char *name = ql_mem_strndup(path.ptr, path.len);
    struct stat info;
    enum ql_status status = QL_OK;
    *fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (*fd < 0) {
        status = no_input(errno, name, err);
    } else if (fstat(*fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        (void)close(*fd);
        *fd = -1;
        status = no_input(EISDIR, name, err);
    }
    ql_mem_free(name);
    return status;
}

static void close_input(struct ql_str path, int fd) {
    if (!is_stdin(path)) {
        (void)close(fd); /* it was only read from: nothing can be lost */
    }
}

/* ---- what there is to read */

/* "s3://bucket/key" */
static void split_object(struct ql_str path, struct ql_str *bucket, struct ql_str *key) {
    static const size_t SCHEME = sizeof "s3://" - 1;
    *bucket = ql_str_split((struct ql_str){.ptr = path.ptr + SCHEME, .len = path.len - SCHEME}, '/', key);
}

/* A bucket, a prefix that ends in '/', or one with "**" behind it. */
static bool is_object_folder(struct ql_str key, bool *is_deep) {
    *is_deep = ql_str_eq(key, QL_STR("**")) || ql_str_has_suffix(key, "/**");
    return key.len == 0 || *is_deep || ql_str_has_suffix(key, "/");
}

struct found {
    struct ql_paths *paths;
    struct ql_str bucket;
};

static void on_key(void *ctx, struct ql_str key) {
    const struct found *found = ctx;
    struct ql_buf path = {0};
    if (ql_path_is_csv(key)) {
        ql_buf_printf(&path, "s3://%.*s/", QL_STR_ARG(found->bucket));
        ql_buf_put_str(&path, key);
        ql_paths_add(found->paths, ql_buf_view(&path));
    }
    ql_buf_fini(&path);
}

static enum ql_status expand_object(const struct files *files, struct ql_str path, struct ql_paths *paths, struct ql_err *err) {
    const struct ql_object_reader *objects = &files->options.objects;
    struct ql_str bucket;
    struct ql_str key;
    bool is_deep;
    split_object(path, &bucket, &key);
    QL_TRY(objects->check(objects->ctx, bucket, err));
    if (!is_object_folder(key, &is_deep)) {
        ql_paths_add(paths, path);
        return QL_OK;
    }
    size_t first = paths->n;
    struct found found = {.paths = paths, .bucket = bucket};
    struct ql_str prefix = {.ptr = key.ptr, .len = key.len - (is_deep ? 2 : 0)};
    QL_TRY(objects->list(objects->ctx, bucket, prefix, is_deep, on_key, &found, err));
    ql_paths_sort_from(paths, first);
    if (paths->n == first) {
        QL_FAIL(err, QL_E_NO_INPUT, "'%.*s' has no CSV object", QL_STR_ARG(path));
        ql_err_hint(err,
                    "keys that end in .csv, .csv.gz and .csv.zst are looked for; a prefix with /** behind it finds those of "
                    "all folders below too");
        return QL_E_NO_INPUT;
    }
    return QL_OK;
}

/* The local inputs are known already; those of prefixes take their places. */
static enum ql_status expand_objects(struct files *files, struct ql_err *err) {
    struct ql_paths all = {0};
    enum ql_status status = QL_OK;
    for (size_t i = 0; i < files->inputs.n && status == QL_OK; i++) {
        struct ql_str path = files->inputs.items[i];
        if (ql_path_is_object(path)) {
            status = expand_object(files, path, &all, err);
        } else {
            ql_paths_add(&all, path);
        }
    }
    if (status != QL_OK) {
        ql_paths_fini(&all);
        return status;
    }
    ql_paths_fini(&files->inputs);
    files->inputs = all;
    return QL_OK;
}

enum ql_status ql_source_files_expand(struct ql_source *source, struct ql_err *err) {
    struct files *files = files_of(source);
    ql_paths_fini(&files->inputs);
    if (files->options.n_paths == 0) {
        QL_FAIL(err, QL_E_USAGE, "there is no input");
        ql_err_hint(err, "name a CSV file, or '-' for standard input");
        return QL_E_USAGE;
    }
    for (size_t i = 0; i < files->options.n_paths; i++) {
        QL_TRY(ql_paths_expand(&files->inputs, files->options.paths[i], err));
    }
    return QL_OK;
}

const struct ql_str *ql_source_files_paths(const struct ql_source *source, size_t *n) {
    const struct files *files = (const struct files *)(const void *)source;
    *n = files->inputs.n;
    return files->inputs.items;
}

/* A pipe is only looked at, because opening one that nobody writes to yet would wait. */
static bool is_plain(struct ql_str path) {
    struct stat info;
    char *name = ql_mem_strndup(path.ptr, path.len);
    bool is = !is_stdin(path) && (stat(name, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
    ql_mem_free(name);
    return is;
}

static enum ql_status files_prepare(struct ql_source *source, struct ql_err *err) {
    struct files *files = files_of(source);
    size_t n_stdin = 0;
    for (size_t i = 0; i < files->inputs.n; i++) {
        struct ql_str path = files->inputs.items[i];
        n_stdin += is_stdin(path);
        if (n_stdin > 1) {
            QL_FAIL(err, QL_E_USAGE, "standard input ('-') is named twice");
            ql_err_hint(err, "it can be read once");
            return QL_E_USAGE;
        }
        int fd = -1;
        if (!ql_path_is_object(path) && is_plain(path)) {
            QL_TRY(open_input(path, &fd, err));
            close_input(path, fd);
        }
    }
    return expand_objects(files, err);
}

/* ---- reading */

static enum ql_status pump(struct ql_str name, int fd, char *buffer, const struct ql_source_sink *sink, struct ql_err *err) {
    for (;;) {
        size_t cap = 0;
        char *room = sink->room != NULL ? sink->room(sink->ctx, &cap) : NULL;
        if (room == NULL) {
            room = buffer;
            cap = READ_BYTES;
        }
        ssize_t got = read(fd, room, cap);
        if (got < 0 && errno == EINTR) {
            /* A signal may mean the end of the run, and the sink is who knows: hand it nothing, so that it can say so. */
            QL_TRY(sink->bytes(sink->ctx, room, 0, err));
            continue;
        }
        if (got < 0) {
            return ql_err_set_errno(err, QL_E_IO, errno, "reading '%.*s'", QL_STR_ARG(name));
        }
        if (got == 0) {
            return QL_OK;
        }
        QL_TRY(sink->bytes(sink->ctx, room, (size_t)got, err));
    }
}

/* Where the reading is. */
struct reading {
    const struct files *files;
    const struct ql_source_sink *sink;
    char *buffer;
    struct ql_str path;         /* of the input */
    bool is_restart;            /* what comes next is the first input again */
    bool has_begun;             /* the sink knows the input */
    enum ql_status sink_status; /* what it said */
};

static enum ql_status begin(struct reading *reading, struct ql_str name, bool is_unsized, struct ql_err *err) {
    const struct ql_source_info info = {.name = name, .is_unsized = is_unsized, .is_restart = reading->is_restart};
    reading->is_restart = false;
    reading->has_begun = true;
    reading->sink_status = reading->sink->begin(reading->sink->ctx, &info, err);
    return reading->sink_status;
}

static enum ql_status fetch_file(struct reading *reading, struct ql_err *err) {
    int fd = -1;
    QL_TRY(open_input(reading->path, &fd, err));
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    struct ql_str name = is_stdin(reading->path) ? QL_STR("standard input") : reading->path;
    enum ql_status status = begin(reading, name, false, err);
    if (status == QL_OK) {
        status = pump(name, fd, reading->buffer, reading->sink, err);
    }
    close_input(reading->path, fd);
    return status == QL_OK ? reading->sink->end(reading->sink->ctx, err) : status;
}

static enum ql_status on_object(void *ctx, bool is_unsized, struct ql_err *err) {
    struct reading *reading = ctx;
    return begin(reading, reading->path, is_unsized, err);
}

static enum ql_status on_object_bytes(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct reading *reading = ctx;
    reading->sink_status = reading->sink->bytes(reading->sink->ctx, ptr, len, err);
    return reading->sink_status;
}

/* *is_broken: the transfer broke off, and another may not. */
static enum ql_status fetch_object(struct reading *reading, bool *is_broken, struct ql_err *err) {
    const struct ql_object_reader *objects = &reading->files->options.objects;
    const struct ql_object_sink sink = {.begin = on_object, .bytes = on_object_bytes, .ctx = reading};
    struct ql_str bucket;
    struct ql_str key;
    split_object(reading->path, &bucket, &key);
    enum ql_status status = objects->get(objects->ctx, bucket, key, &sink, err);
    if (status == QL_OK) {
        return reading->sink->end(reading->sink->ctx, err);
    }
    bool is_transfer = status == QL_E_TRUNCATED || status == QL_E_NETWORK || status == QL_E_TIMEOUT;
    *is_broken = is_transfer && reading->has_begun && reading->sink_status == QL_OK;
    return status;
}

/* Everything up to the i-th input can be read once more. */
static bool can_repeat(const struct files *files, size_t i) {
    for (size_t k = 0; k < i; k++) {
        struct ql_str path = files->inputs.items[k];
        if (!ql_path_is_object(path) && !is_plain(path)) {
            return false;
        }
    }
    return true;
}

static enum ql_status begin_again(struct reading *reading, int n, const struct ql_err *cause, struct ql_err *err) {
    const struct ql_files_options *options = &reading->files->options;
    int64_t wait_ms = options->wait_min_ms;
    for (int i = 1; i < n && wait_ms < options->wait_max_ms; i++) {
        wait_ms *= 2;
    }
    wait_ms = wait_ms < options->wait_max_ms ? wait_ms : options->wait_max_ms;
    reading->is_restart = true;
    return options->objects.wait(options->objects.ctx, wait_ms, cause->message, err);
}

static enum ql_status fetch_all(struct reading *reading, struct ql_err *err) {
    const struct files *files = reading->files;
    enum ql_status status = QL_OK;
    int n = 1;
    for (size_t i = 0; i < files->inputs.n && status == QL_OK;) {
        bool is_broken = false;
        reading->path = files->inputs.items[i];
        reading->has_begun = false;
        status = ql_path_is_object(reading->path) ? fetch_object(reading, &is_broken, err) : fetch_file(reading, err);
        i += status == QL_OK;
        if (is_broken && n < files->options.max_downloads && can_repeat(files, i)) {
            struct ql_err cause = *err;
            status = begin_again(reading, n++, &cause, err);
            i = 0;
        } else if (is_broken && status == QL_E_TRUNCATED) { /* about the network: the object itself may be whole */
            err->status = status = QL_E_NETWORK;
        }
    }
    return status;
}

static enum ql_status files_fetch(struct ql_source *source, const struct ql_source_sink *sink, struct ql_err *err) {
    struct reading reading = {.files = files_of(source), .sink = sink, .buffer = ql_mem_alloc(READ_BYTES)};
    struct ql_err failure = {0};
    enum ql_status status = fetch_all(&reading, &failure);
    ql_mem_free(reading.buffer);
    if (status != QL_OK && err != NULL) {
        *err = failure;
    }
    return status;
}

static void files_free(struct ql_source *source) {
    struct files *files = files_of(source);
    ql_paths_fini(&files->inputs);
    ql_mem_free(files);
}

struct ql_source *ql_source_files_new(const struct ql_files_options *options) {
    static const struct ql_source_ops OPS = {.prepare = files_prepare, .fetch = files_fetch, .free = files_free};
    struct files *files = ql_mem_zalloc(1, sizeof *files);
    files->source.ops = &OPS;
    files->options = *options;
    return &files->source;
}
