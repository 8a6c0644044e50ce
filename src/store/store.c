/**
 * What all destinations have in common: the digest and the size of what went through, and the rule that nothing is published
 * after a failure.
 */
#include "store/store_internal.h"

#include "base/mem.h"

void ql_store_init(struct ql_store *store, const struct ql_store_ops *ops) {
    store->ops = ops;
    store->sha256 = ql_sha256_new();
}

void ql_store_fini(struct ql_store *store) {
    ql_sha256_free(store->sha256);
    store->sha256 = NULL;
}

static enum ql_status store_write(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct ql_store *store = ctx;
    if (store->state != QL_STORE_OPEN || store->sha256 == NULL) {
        return QL_FAIL(err, QL_E_INTERNAL, "bytes came to a store that is %s",
                       store->state == QL_STORE_FAILED ? "broken" : "done");
    }
    enum ql_status status = store->ops->write(store, ptr, len, err);
    if (status != QL_OK) {
        store->state = QL_STORE_FAILED;
        return status;
    }
    ql_sha256_update(store->sha256, ptr, len);
    store->bytes += (int64_t)len;
    return QL_OK;
}

struct ql_sink ql_store_sink(struct ql_store *store) {
    return (struct ql_sink){.write = store_write, .ctx = store};
}

void ql_store_get_sha256(struct ql_store *store, char hex[QL_SHA256_HEX_SIZE]) {
    if (store->sha256 != NULL) {
        uint8_t digest[QL_SHA256_SIZE];
        ql_sha256_take(store->sha256, digest);
        ql_hex(digest, sizeof digest, store->sha256_hex);
        ql_sha256_free(store->sha256);
        store->sha256 = NULL;
    }
    memcpy(hex, store->sha256_hex, sizeof store->sha256_hex);
}

enum ql_status ql_store_commit(struct ql_store *store, const struct ql_publication *publication, struct ql_stored *stored,
                               struct ql_err *err) {
    if (store->state != QL_STORE_OPEN) {
        return QL_FAIL(err, QL_E_INTERNAL, "a store that is %s cannot publish",
                       store->state == QL_STORE_DONE ? "done" : "broken");
    }
    memset(stored, 0, sizeof *stored);
    ql_store_get_sha256(store, stored->sha256);
    stored->bytes = store->bytes;
    enum ql_status status = store->ops->commit(store, publication, stored, err);
    store->state = status == QL_OK ? QL_STORE_DONE : QL_STORE_FAILED;
    return status;
}

void ql_store_free(struct ql_store *store) {
    if (store != NULL) {
        store->ops->free(store);
    }
}
