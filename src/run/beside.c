/**
 * Small files that stand beside an artefact, its manifest and _SUCCESS: stored when the artefact is at its place, each whole or
 * not at all.
 */
#include "run/run_internal.h"

#include <stdio.h>

void ql_run_put_stored_path(const struct ql_run_state *run, struct ql_buf *path) {
    const struct ql_destination *destination = &run->options->destination;
    bool is_s3 = destination->kind == QL_STORE_S3;
    ql_buf_puts(path, run->summary->stored.location + (is_s3 ? strlen("s3://") + destination->bucket.len + 1 : 0));
}

static enum ql_status store_bytes(const struct ql_run_state *run, const struct ql_publication *publication, struct ql_str bytes,
                                  struct ql_stored *stored, struct ql_err *err) {
    struct ql_store *store = NULL;
    QL_TRY(ql_run_open_store(run, publication, &store, err));
    struct ql_sink sink = ql_store_sink(store);
    enum ql_status status = sink.write(sink.ctx, bytes.ptr, bytes.len, err);
    if (status == QL_OK) {
        status = ql_store_commit(store, publication, stored, err);
    }
    ql_store_free(store);
    return status;
}

enum ql_status ql_run_store_beside(const struct ql_run_state *run, const char *what, struct ql_str path, struct ql_str bytes,
                                   char location[QL_RUN_LOCATION_SIZE], struct ql_err *err) {
    const struct ql_publication publication = {.key = path, .if_exists = QL_IF_EXISTS_REPLACE};
    struct ql_stored stored;
    enum ql_status status = store_bytes(run, &publication, bytes, &stored, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "'%s' is stored, but its %s is not", run->summary->stored.location, what);
        return status;
    }
    (void)snprintf(location, QL_RUN_LOCATION_SIZE, "%s", stored.location);
    return QL_OK;
}
