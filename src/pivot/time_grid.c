/* Puts intervals on the grid, which grows on both sides; see time_grid.h. All of it holds modulo 2^64, for any instants. */
#include "pivot/time_grid.h"

#include "base/mem.h"

#include <string.h>

/* Cells that there are at most: so many, and for each interval more, because of exports of a few hours a day many are free. */
enum { CELLS_PER_INTERVAL = 8, CELLS_AT_FIRST = 65536 };

void ql_time_grid_fini(struct ql_time_grid *grid) {
    ql_mem_free(grid->cells);
    *grid = (struct ql_time_grid){0};
}

/* The cell of a place, counted from the present first one, which may be outside; false if it is too far away. */
static bool reach(struct ql_time_grid *grid, int64_t at, size_t n_intervals) {
    int64_t n_now = (int64_t)grid->n_cells;
    if (at >= 0 && at < n_now) {
        return true;
    }
    int64_t n_max = CELLS_AT_FIRST + CELLS_PER_INTERVAL * (int64_t)n_intervals;
    if (at < n_now - n_max || at >= n_max) {
        return false;
    }
    int64_t first = at < 0 ? at : 0;
    int64_t n = (at < n_now ? n_now : at + 1) - first;
    first -= n / 4; /* more will follow on either side */
    n += n / 2;
    struct ql_time_grid_cell *cells = ql_mem_alloc((size_t)n * sizeof *cells);
    memset(cells, 0xFF, (size_t)n * sizeof *cells); /* QL_TIME_GRID_NONE */
    if (n_now != 0) {
        memcpy(cells - first, grid->cells, grid->n_cells * sizeof *cells);
    }
    ql_mem_free(grid->cells);
    grid->cells = cells;
    grid->n_cells = (size_t)n;
    grid->first_us += (uint64_t)first * grid->len_us;
    return true;
}

void ql_time_grid_put(struct ql_time_grid *grid, int64_t start_us, int64_t end_us, struct ql_time_grid_cell cell,
                      size_t n_intervals) {
    const uint64_t len_us = (uint64_t)end_us - (uint64_t)start_us;
    if (end_us <= start_us || len_us < 2) { /* or without an end */
        return;
    }
    if (grid->n_cells == 0) {
        *grid = (struct ql_time_grid){.first_us = (uint64_t)start_us, .len_us = len_us, .inverse = UINT64_MAX / len_us + 1};
    }
    int64_t offset_us = (int64_t)((uint64_t)start_us - grid->first_us);
    if (len_us != grid->len_us || len_us > INT64_MAX || offset_us % (int64_t)len_us != 0 ||
        !reach(grid, offset_us / (int64_t)len_us, n_intervals)) {
        return;
    }
    grid->cells[((uint64_t)start_us - grid->first_us) / len_us] = cell;
}
