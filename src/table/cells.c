/** Memory of a part's cells: grows to the largest part that its owner meets, and stays. */
#include "table/cells.h"

enum { VALUE_BYTES = 8 };

static void free_column(struct ql_cell_column *column) {
    /* Either member of a union is the same pointer. */
    ql_mem_free(column->v.i64);
    ql_mem_free(column->idle.i64);
    ql_mem_free(column->total.i64);
}

/* Old values are not kept: whoever needs more room is about to fill it. */
static void make_room(union ql_cell_values *values, size_t n) {
    ql_mem_free(values->i64);
    values->i64 = ql_mem_alloc(n * VALUE_BYTES);
}

static void make_column_room(const struct ql_cells *cells, struct ql_cell_column *column, bool has_totals) {
    make_room(&column->v, cells->cap_cells);
    make_room(&column->idle, cells->cap_intervals);
    if (has_totals) {
        make_room(&column->total, cells->cap_intervals);
    }
}

void ql_cells_reserve(struct ql_cells *cells, size_t n_columns, size_t n_intervals, size_t n_cells) {
    bool has_totals = cells->grid->has_totals;
    bool grows = n_cells > cells->cap_cells || n_intervals > cells->cap_intervals || cells->begin == NULL;
    if (grows) {
        cells->cap_cells = n_cells > cells->cap_cells ? n_cells : cells->cap_cells;
        cells->cap_intervals = n_intervals > cells->cap_intervals ? n_intervals : cells->cap_intervals;
        ql_mem_free(cells->begin);
        ql_mem_free(cells->queue_of);
        cells->begin = ql_mem_alloc((cells->cap_intervals + 1) * sizeof *cells->begin);
        cells->queue_of = ql_mem_alloc(cells->cap_cells * sizeof *cells->queue_of);
        for (size_t c = 0; c < cells->cap_columns; c++) {
            make_column_room(cells, &cells->columns[c], has_totals);
        }
    }
    if (n_columns > cells->cap_columns) {
        cells->columns = ql_mem_realloc(cells->columns, n_columns, sizeof *cells->columns);
        for (size_t c = cells->cap_columns; c < n_columns; c++) {
            cells->columns[c] = (struct ql_cell_column){.scale = QL_CELL_SCALE_UNKNOWN};
            make_column_room(cells, &cells->columns[c], has_totals);
        }
        cells->cap_columns = n_columns;
    }
    cells->n_columns = n_columns;
    cells->n_intervals = n_intervals;
}

void ql_cells_fini(struct ql_cells *cells) {
    for (size_t c = 0; c < cells->cap_columns; c++) {
        free_column(&cells->columns[c]);
    }
    ql_mem_free(cells->columns);
    ql_mem_free(cells->begin);
    ql_mem_free(cells->queue_of);
    *cells = (struct ql_cells){0};
}
