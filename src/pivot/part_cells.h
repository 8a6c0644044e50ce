/** The ordered rows of a part -> its cells: what overlaps decide, one value for each aggregate, totals. */
#ifndef QL_PIVOT_PART_CELLS_H
#define QL_PIVOT_PART_CELLS_H

#include "pivot/fold.h"
#include "pivot/part_rows.h"
#include "pivot/pivot.h"

/** What a thread needs to make parts; used again for the next one. Zero-initialise to start. */
struct ql_part_maker {
    struct ql_part_rows rows;
    struct ql_slot_column *slots; /* [n_used] */
    bool *has_slots;              /* [n_used] of the present part */
    size_t n_slots;
    uint32_t *input; /* by position */
    size_t cap_input;
    struct ql_fold_scratch scratch;
};
void ql_part_maker_fini(struct ql_part_maker *maker);

/**
 * Makes the cells of the slices in maker->rows. cells says which intervals, and has room.
 * Errors: E_OVERLAP and E_OVERFLOW, of the first cell that has one (an interval's total comes behind its cells), whatever the
 * part's bounds are; of several in one cell the overlap, else the first aggregate.
 */
QL_MUST_CHECK enum ql_status ql_part_make_cells(const struct ql_pivot *pivot, struct ql_part_maker *maker,
                                                struct ql_cells *cells, struct ql_err *err);

#endif
