/**
 * The temporary file of rows that exceed the memory limit: made when first needed, without a name, appended to by one thread,
 * read by several at once after the last byte.
 */
#ifndef QL_PIVOT_SPILL_H
#define QL_PIVOT_SPILL_H

#include "base/err.h"
#include "base/str.h"

struct ql_spill {
    char *dir;
    int fd;       /* -1: not made yet */
    int64_t size; /* with what still waits in buffer */
    unsigned char *buffer;
    size_t n_buffered;
};

/** dir empty: /tmp. */
void ql_spill_init(struct ql_spill *spill, struct ql_str dir);
void ql_spill_fini(struct ql_spill *spill);
/** Appends. Errors: E_CANNOT_CREATE (the folder), E_IO. */
QL_MUST_CHECK enum ql_status ql_spill_write(struct ql_spill *spill, const void *ptr, size_t len, struct ql_err *err);
/** What waits is written, so that everything can be read. */
QL_MUST_CHECK enum ql_status ql_spill_flush(struct ql_spill *spill, struct ql_err *err);
/** All len bytes from offset. */
QL_MUST_CHECK enum ql_status ql_spill_read(const struct ql_spill *spill, int64_t offset, void *ptr, size_t len,
                                           struct ql_err *err);

#endif
