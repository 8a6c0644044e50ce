/**
 * Aggregated cells: what pivot delivers, kpi extends, and a layout turns into columns of an artefact.
 *
 * A cell is one interval x one queue that some row mentions. What is known of all of them is the grid; the cells themselves
 * come in parts, each the cells of some neighbouring intervals, small enough for the processor's cache. Parts depend on the
 * data and the settings alone. A value is a double or an int64; NULL is spelled QL_CELL_NULL_I64 / NaN.
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
};

struct ql_queue {
    struct ql_str id;         /* may be empty */
    struct ql_str name;       /* never empty */
    struct ql_str media_type; /* where queues are told apart by it, too; else empty */
};

/** Whole intervals; the parts follow one another without a gap from the first interval to the last. */
struct ql_part {
    size_t first_interval, n_intervals;
    size_t max_cells; /* it has no more than these */
};

/** Everything but the values. Belongs to who made it. */
struct ql_grid {
    size_t n_intervals;
    const struct ql_interval *intervals; /* ascending by start, then end (profile pandas: by text) */
    const struct ql_str *interval_texts; /* the input's own words (profile pandas; an empty one: none), else NULL */
    size_t n_queues;
    const struct ql_queue *queues; /* ascending by name, then media type, then id */
    bool has_queue_id;             /* the input has ids */
    bool has_media_type;
    bool has_totals;
    size_t n_parts;
    const struct ql_part *parts;
};

enum ql_cell_type { QL_CELL_INT64, QL_CELL_DOUBLE };

/** What a column of cells is: aggregates, then KPIs, in one order everywhere. */
struct ql_cell_def {
    struct ql_str name; /* of the metric or KPI */
    enum ql_cell_type type;
    bool is_hidden; /* read for a weight or a KPI only: not written */
    bool is_kpi;    /* computed from the others */
};

enum { QL_CELL_SCALE_UNKNOWN = -1 };

/** Either member of a union is the same memory: 8 bytes a value. */
union ql_cell_values {
    int64_t *i64;
    double *f64;
};

struct ql_cell_column {
    enum ql_cell_type type;
    /* DOUBLE: every value of v that is no NULL is the double nearest to k / 10^scale for an integer |k| <= 2^53; 0 to 15, or
     * UNKNOWN. A hint for speed: true where it is given. */
    int scale;
    union ql_cell_values v; /* [n_cells] */
    /* The value of a cell that no row mentions (a KPI may depend on the interval's length); [n_intervals]. Filled by kpi. */
    union ql_cell_values idle;
    union ql_cell_values total; /* --totals: over every queue of the interval; [n_intervals]; undefined if there are none */
};

/** The cells of a part, in memory that is used again for the next one. Zero-initialise to start. */
struct ql_cells {
    const struct ql_grid *grid;
    size_t first_interval, n_intervals;
    size_t n_cells;
    uint32_t *begin;    /* [n_intervals + 1]: cells begin[i] ... begin[i + 1] - 1 are of interval first_interval + i */
    uint32_t *queue_of; /* [n_cells] index into grid->queues, ascending within an interval */
    size_t n_columns;
    struct ql_cell_column *columns;
    size_t cap_intervals, cap_cells, cap_columns; /* what there is room for */
};

/**
 * Room for that many columns, intervals and cells; values of columns that were there are kept where the room for cells and
 * intervals does not have to grow. Sets n_columns and n_intervals, not n_cells. begin, queue_of, v, idle and total of every
 * column have room then (total only where grid->has_totals).
 */
void ql_cells_reserve(struct ql_cells *cells, size_t n_columns, size_t n_intervals, size_t n_cells);
void ql_cells_fini(struct ql_cells *cells);

#endif
