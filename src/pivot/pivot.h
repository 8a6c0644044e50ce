/**
 * Rows become cells: dictionaries of intervals and queues, exact aggregation, the contract's order (semantics, section 3).
 *
 * The cells depend on the rows and the options alone: not on the order of the rows, nor on how they are cut into batches. Every
 * value is the exact one, rounded once to the nearest double or integer (ties to even), for any decimals. One pivot is used by
 * one thread at a time.
 */
#ifndef QL_PIVOT_PIVOT_H
#define QL_PIVOT_PIVOT_H

#include "table/aggregate.h"
#include "table/cells.h"
#include "table/rows.h"

enum ql_overlap { QL_OVERLAP_FAIL, QL_OVERLAP_SUM, QL_OVERLAP_LAST };

struct ql_pivot_options {
    const struct ql_aggregate *aggregates; /* borrowed for the pivot's life */
    size_t n_aggregates;
    size_t n_columns;      /* of ql_rows.metrics */
    bool by_id;            /* queues are told apart by id (where the rows have ids), else by name */
    bool by_interval_text; /* profile pandas: intervals told apart and ordered by their text */
    bool fills_gaps;       /* --gaps fill: intervals that no row mentions */
    bool has_totals;
    int64_t granularity_us;      /* 0: the smallest step seen */
    int64_t from_us, to_us;      /* requested range, for fills_gaps; QL_TIME_NONE: from first to last seen */
    const struct ql_str *queues; /* --queues-from: exactly these, whatever the rows mention; NULL: those seen */
    size_t n_queues;
    enum ql_overlap overlap;
    size_t n_threads; /* of finish; 0: as many as there are processors */
};

struct ql_pivot_stats {
    int64_t rows, duplicates_merged; /* rows beyond the first of their cell */
    int64_t intervals_filled;
    int64_t ids_merged_by_name; /* ids beyond the first of a name, where queues are told apart by name */
    int64_t ids_renamed;        /* ids with more than one name */
};

struct ql_pivot;
struct ql_pivot *ql_pivot_new(const struct ql_pivot_options *options);
void ql_pivot_free(struct ql_pivot *pivot);
/**
 * Takes a batch; nothing of it is looked at afterwards. A batch that is refused leaves nothing behind.
 * Errors: E_DATA (a wide number that no double can hold), E_LIMIT (four billion rows), E_INTERNAL (a batch against rows.h).
 */
QL_MUST_CHECK enum ql_status ql_pivot_feed(struct ql_pivot *pivot, const struct ql_rows *rows, struct ql_err *err);
/**
 * Aggregates everything into *cells (one cell column for each aggregate; idle columns NULL, KPIs not yet there). The pivot is
 * empty afterwards and may be fed again. On failure *cells is empty.
 * Errors: E_OVERFLOW and E_OVERLAP name the cell (interval and queue); E_DATA where ends or gaps need --granularity, and for a
 * queue that is not in options.queues; E_LIMIT for more than 50 million intervals. Cost: about 40 bytes a row of four metrics
 * until then; each bucket of tuples is freed as its cells are written.
 */
QL_MUST_CHECK enum ql_status ql_pivot_finish(struct ql_pivot *pivot, struct ql_cells *cells, struct ql_err *err);
/** Of the rows fed since the last finish, and once finished of its cells. */
void ql_pivot_get_stats(const struct ql_pivot *pivot, struct ql_pivot_stats *stats);

#endif
