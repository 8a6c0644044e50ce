/**
 * Standard output as a destination: bytes go out as they come, so a failed run leaves a broken stream behind and says so by its
 * exit code. A terminal is refused, because Parquet would garble it.
 */
#include "store/store_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct stdout_store {
    struct ql_store store; /* first */
    struct ql_block_file file;
};

static enum ql_status fail(struct ql_err *err, int errnum) {
    return ql_disk_fail(err, errnum, "cannot write to standard output", NULL);
}

static enum ql_status stdout_write(struct ql_store *store, const void *ptr, size_t len, struct ql_err *err) {
    struct stdout_store *out = (struct stdout_store *)store;
    int errnum = ql_block_file_write(&out->file, ptr, len);
    return errnum == 0 ? QL_OK : fail(err, errnum);
}

static enum ql_status stdout_commit(struct ql_store *store, const struct ql_publication *publication, struct ql_stored *stored,
                                    struct ql_err *err) {
    struct stdout_store *out = (struct stdout_store *)store;
    (void)publication;
    int errnum = ql_block_file_flush(&out->file);
    if (errnum == 0) {
        /* Network file systems report a failed write at close; closing a duplicate asks them and leaves the stream open. */
        int copy = dup(out->file.fd);
        errnum = copy < 0 || close(copy) != 0 ? errno : 0;
    }
    if (errnum != 0 && errnum != EINTR) {
        return fail(err, errnum);
    }
    (void)snprintf(stored->location, sizeof stored->location, "-");
    return QL_OK;
}

static void stdout_free(struct ql_store *store) {
    struct stdout_store *out = (struct stdout_store *)store;
    out->file.fd = -1; /* not ours to close */
    (void)ql_block_file_close(&out->file);
    ql_store_fini(store);
    ql_mem_free(out);
}

static const struct ql_store_ops STDOUT_OPS = {.write = stdout_write, .commit = stdout_commit, .free = stdout_free};

enum ql_status ql_store_stdout_open(struct ql_store **store, struct ql_err *err) {
    *store = NULL;
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
        ql_err_set_errno(err, QL_E_CANNOT_CREATE, errno, "cannot use standard output");
        return QL_E_CANNOT_CREATE;
    }
    if (isatty(STDOUT_FILENO) == 1) {
        QL_FAIL(err, QL_E_USAGE, "standard output is a terminal, and the artefact is binary");
        ql_err_hint(err, "name a file with --output, or redirect standard output to one");
        return QL_E_USAGE;
    }
    struct stdout_store *out = ql_mem_zalloc(1, sizeof *out);
    ql_store_init(&out->store, &STDOUT_OPS);
    out->file.disk = &QL_DISK;
    out->file.fd = STDOUT_FILENO;
    *store = &out->store;
    return QL_OK;
}
