/**
 * The rows of a part in the order of its cells (interval, then queue): where each row goes, and its numbers as slots where they
 * have to be folded.
 */
#ifndef QL_PIVOT_PART_ROWS_H
#define QL_PIVOT_PART_ROWS_H

#include "pivot/buckets.h"
#include "pivot/queues.h"
#include "pivot/timeline.h"
#include "table/cells.h"

struct ql_part_rows {
    struct ql_slices slices;
    size_t n_rows, cap_rows;
    size_t n_intervals;
    /* By row in order of arrival, slice by slice: */
    uint32_t *rank;     /* of its queue */
    uint32_t *position; /* in order of the cells */
    bool is_in_order;   /* every row's position is its own place */
    /* The cells: */
    bool is_unique; /* every row is a cell: cell is not filled */
    size_t n_cells;
    uint32_t *cell; /* [n_cells + 1] first row of each, by position */
    /* Rows of an interval, by position. */
    uint32_t *span; /* [n_intervals + 1] */
    size_t cap_span;

    /* Scratch of the sort. */
    uint32_t *interval, *order, *sorted; /* by row */
    uint32_t *count;
    uint64_t *has_rank; /* [n_queues] bits, all 0 between uses */
    uint32_t *cell_of_rank;
    struct ql_row_key *keys;
    size_t cap_count, cap_has_rank, cap_cell_of_rank, cap_keys;
};

void ql_part_rows_fini(struct ql_part_rows *rows);
/** Orders the rows of rows->slices; fills begin, queue_of and n_cells of cells, which has room for a cell a row. */
void ql_part_rows_order(struct ql_part_rows *rows, const struct ql_timeline *timeline, const struct ql_queue_list *queues,
                        struct ql_cells *cells);
/** A column of the tuples as slots by position. Texts of the side table stay the slices'. */
void ql_part_rows_get_slots(const struct ql_part_rows *rows, size_t column, struct ql_slot_column *slots);
/** The inputs by position; false if all rows are of one (nothing is filled then). */
bool ql_part_rows_get_inputs(const struct ql_part_rows *rows, uint32_t *input);

#endif
