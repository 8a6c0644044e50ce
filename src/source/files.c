/*
 * Local files in the order given, and "-" for standard input, in large reads, straight to where the sink wants them. What
 * cannot be opened is said before any work is done.
 */
#include "source/source_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 96 * 1024 }; /* where the sink has no room of its own: the head of a text, and what is compressed */

struct files {
    struct ql_source source; /* first */
    const struct ql_str *paths;
    size_t n_paths;
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

static enum ql_status files_prepare(struct ql_source *source, struct ql_err *err) {
    const struct files *files = files_of(source);
    size_t n_stdin = 0;
    if (files->n_paths == 0) {
        QL_FAIL(err, QL_E_USAGE, "there is no input");
        ql_err_hint(err, "name a CSV file, or '-' for standard input");
        return QL_E_USAGE;
    }
    for (size_t i = 0; i < files->n_paths; i++) {
        struct ql_str path = files->paths[i];
        n_stdin += is_stdin(path);
        if (n_stdin > 1) {
            QL_FAIL(err, QL_E_USAGE, "standard input ('-') is named twice");
            ql_err_hint(err, "it can be read once");
            return QL_E_USAGE;
        }
        struct stat info;
        char *name = ql_mem_strndup(path.ptr, path.len);
        /* A pipe is only looked at, because opening one that nobody writes to yet would wait. */
        bool is_plain = !is_stdin(path) && (stat(name, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
        ql_mem_free(name);
        int fd = -1;
        if (is_plain) {
            QL_TRY(open_input(path, &fd, err));
            close_input(path, fd);
        }
    }
    return QL_OK;
}

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

static enum ql_status fetch_one(struct ql_str path, char *buffer, const struct ql_source_sink *sink, struct ql_err *err) {
    int fd = -1;
    QL_TRY(open_input(path, &fd, err));
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    const struct ql_source_info info = {.name = is_stdin(path) ? QL_STR("standard input") : path};
    enum ql_status status = sink->begin(sink->ctx, &info, err);
    if (status == QL_OK) {
        status = pump(info.name, fd, buffer, sink, err);
    }
    close_input(path, fd);
    return status == QL_OK ? sink->end(sink->ctx, err) : status;
}

static enum ql_status files_fetch(struct ql_source *source, const struct ql_source_sink *sink, struct ql_err *err) {
    const struct files *files = files_of(source);
    char *buffer = ql_mem_alloc(READ_BYTES);
    enum ql_status status = QL_OK;
    for (size_t i = 0; i < files->n_paths && status == QL_OK; i++) {
        status = fetch_one(files->paths[i], buffer, sink, err);
    }
    ql_mem_free(buffer);
    return status;
}

static void files_free(struct ql_source *source) {
    ql_mem_free(files_of(source));
}

struct ql_source *ql_source_files_new(const struct ql_str *paths, size_t n_paths) {
    static const struct ql_source_ops OPS = {.prepare = files_prepare, .fetch = files_fetch, .free = files_free};
    struct files *files = ql_mem_zalloc(1, sizeof *files);
    *files = (struct files){.source.ops = &OPS, .paths = paths, .n_paths = n_paths};
    return &files->source;
}
