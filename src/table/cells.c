#include "table/cells.h"

void ql_cells_fini(struct ql_cells *cells) {
    for (size_t i = 0; i < cells->n_columns; i++) {
        /* Either member of a union frees the same pointer. */
        ql_mem_free(cells->columns[i].v.i64);
        ql_mem_free(cells->columns[i].idle.i64);
        ql_mem_free(cells->columns[i].total.i64);
    }
    ql_mem_free(cells->columns);
    ql_mem_free(cells->intervals);
    ql_mem_free(cells->queues);
    ql_mem_free(cells->interval_of);
    ql_mem_free(cells->queue_of);
    ql_arena_fini(&cells->arena);
    *cells = (struct ql_cells){0};
}
