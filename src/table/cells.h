/**
 * Aggregated cells: what pivot delivers, kpi extends, and a layout turns into columns of an artefact.
 *
 * A cell is one interval x one queue that some row mentions. Cells are sorted by interval, then queue (the contract's order).
 * A value is a double or an int64; NULL is spelled QL_CELL_NULL_I64 / NaN. Everything belongs to the `struct ql_cells`.
 */
#ifndef QL_TABLE_CELLS_H
#define QL_TABLE_CELLS_H

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define QL_CELL_NULL_I64 INT64_MIN

struct ql_interval {
    int64_t start_us, end_us; /* end known here: --granularity or the smallest step seen stood in where needed */
    struct ql_str text;       /* the input's own words (profile pandas), else {0} */
};

struct ql_queue {
    struct ql_str id;   /* may be empty */
    struct ql_str name; /* never empty */
};

enum ql_cell_type { QL_CELL_INT64, QL_CELL_DOUBLE };

struct ql_cell_column {
    struct ql_str name; /* of the metric or KPI */
    enum ql_cell_type type;
    bool is_hidden; /* read for a weight or a KPI only: not written */
    union {
        int64_t *i64; /* [n_cells] */
        double *f64;
    } v;
    /* The value of a cell that no row mentions, per interval (a KPI may depend on the interval's length); same type;
     * [n_intervals]. */
    union {
        int64_t *i64;
        double *f64;
    } idle;
    /* --totals: over every queue of the interval; [n_intervals]; NULL if there are none. */
    union {
        int64_t *i64;
        double *f64;
    } total;
};

struct ql_cells {
    size_t n_intervals;
    struct ql_interval *intervals; /* ascending by start, then end (profile pandas: by text) */
    size_t n_queues;
    struct ql_queue *queues; /* ascending by name, then id */
    size_t n_cells;
    uint32_t *interval_of, *queue_of; /* [n_cells] indices into the two above */
    size_t n_columns;
    struct ql_cell_column *columns;
    bool has_queue_id; /* the input has ids */
    bool has_totals;
    struct ql_arena arena; /* texts and small arrays; large arrays are ql_mem_alloc'ed one by one */
};

void ql_cells_fini(struct ql_cells *cells);

#endif
