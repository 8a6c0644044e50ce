/** A sorted group of tuples -> its cells: what overlaps decide, one value for each aggregate, totals. */
#ifndef QL_PIVOT_GROUP_CELLS_H
#define QL_PIVOT_GROUP_CELLS_H

#include "pivot/fold.h"
#include "pivot/group.h"
#include "pivot/pivot_internal.h"

/** What a thread needs to write groups; reused from group to group. Zero-initialise all but the first two. */
struct ql_group_writer {
    const struct ql_pivot *pivot;
    struct ql_cells *cells; /* the writer touches only the cells and the totals of its group */
    struct ql_group group;
    struct ql_fold_scratch scratch;
};

void ql_group_writer_fini(struct ql_group_writer *writer);
/**
 * Writes the loaded group's cells at `base`.
 * Errors: E_OVERLAP and E_OVERFLOW, of the first cell that has one (an interval's total comes behind its cells), whatever the
 * group's bounds are; of several in one cell the overlap, else the first aggregate.
 */
QL_MUST_CHECK enum ql_status ql_group_write_cells(struct ql_group_writer *writer, size_t base, struct ql_err *err);

#endif
