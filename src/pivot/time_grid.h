/**
 * Intervals of one length that lie on a grid, as nearly all of an export do, by their place in time: found by one
 * multiplication and one place in memory, where a hash needs two that lie anywhere. What is not on the grid, or too far from
 * the rest, is not in here.
 */
#ifndef QL_PIVOT_TIME_GRID_H
#define QL_PIVOT_TIME_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QL_TIME_GRID_NONE UINT32_MAX

struct ql_time_grid_cell {
    uint32_t entry, bucket; /* as ql_timeline_look_up tells; entry: QL_TIME_GRID_NONE if the cell is free */
};

/** Zero-initialise to start: the first interval that is put decides about the grid. */
struct ql_time_grid {
    uint64_t first_us; /* where cell 0 starts, modulo 2^64 */
    uint64_t len_us;
    uint64_t inverse; /* 2^64 / len_us, rounded up */
    struct ql_time_grid_cell *cells;
    size_t n_cells;
};

void ql_time_grid_fini(struct ql_time_grid *grid);
/** May leave it out. n_intervals: how many there are in all, which bounds the memory. */
void ql_time_grid_put(struct ql_time_grid *grid, int64_t start_us, int64_t end_us, struct ql_time_grid_cell cell,
                      size_t n_intervals);

/** The interval's cell, or one with QL_TIME_GRID_NONE. */
static inline struct ql_time_grid_cell ql_time_grid_get(const struct ql_time_grid *grid, int64_t start_us, int64_t end_us) {
    const uint64_t start = (uint64_t)start_us - grid->first_us;
    const uint64_t len = (uint64_t)end_us - (uint64_t)start_us;
    /* The quotient, if there is no remainder; else it does not matter what it is. */
    __extension__ const uint64_t i = (uint64_t)(((unsigned __int128)start * grid->inverse) >> 64);
    if (i >= grid->n_cells || i * grid->len_us != start || len != grid->len_us) {
        return (struct ql_time_grid_cell){.entry = QL_TIME_GRID_NONE};
    }
    return grid->cells[i];
}

#endif
