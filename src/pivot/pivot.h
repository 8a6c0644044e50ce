/**
 * Rows become cells: dictionaries of intervals and queues, exact aggregation, the contract's order (semantics, section 3).
 *
 * The cells depend on the rows and the options alone: not on the order of the rows, nor on how they are cut into batches, nor
 * on how many threads pack them or make parts, nor on how much memory there is. Every value is the exact one, rounded once to
 * the nearest double or integer (ties to even), for any decimals.
 *
 * The order of calls: pack and take for every batch -> close -> make_part for each part -> free.
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
    size_t max_memory;      /* of rows that wait for close, in bytes; beyond it they go to a temporary file; 0: the default */
    struct ql_str temp_dir; /* where that file is made; empty: /tmp */
};

struct ql_pivot_stats {
    int64_t rows, duplicates_merged; /* rows beyond the first of their cell */
    int64_t intervals_filled;
    int64_t ids_merged_by_name; /* ids beyond the first of a name, where queues are told apart by name */
    int64_t ids_renamed;        /* ids with more than one name */
    int64_t bytes_spilled;      /* to the temporary file */
};

struct ql_pivot;
struct ql_pivot *ql_pivot_new(const struct ql_pivot_options *options);
void ql_pivot_free(struct ql_pivot *pivot);

/** Rows on their way into a pivot, small and self-contained. */
struct ql_packed_rows;
/**
 * Makes *packed of a batch; nothing of the batch is looked at afterwards. Several threads may do so at once, each with batches
 * of another lane. Free with take or drop. Errors: E_DATA (a wide number that no double can hold), E_INTERNAL (a batch against
 * rows.h); *packed is NULL then.
 */
QL_MUST_CHECK enum ql_status ql_pivot_pack(struct ql_pivot *pivot, const struct ql_rows *rows, struct ql_packed_rows **packed,
                                           struct ql_err *err);
/** Takes the rows, and frees packed in any case. One call at a time; packing may go on meanwhile.
 * Errors: E_LIMIT (four billion rows), E_CANNOT_CREATE (the temporary file), E_IO (the same; a full disk too). */
QL_MUST_CHECK enum ql_status ql_pivot_take(struct ql_pivot *pivot, struct ql_packed_rows *packed, struct ql_err *err);
void ql_pivot_drop(struct ql_pivot *pivot, struct ql_packed_rows *packed);

/** What messages call the inputs, in the order of their numbers; borrowed for the pivot's life. Without: their numbers. */
void ql_pivot_name_inputs(struct ql_pivot *pivot, const struct ql_str *names, size_t n);
/**
 * All rows are there: intervals, queues and parts are worked out. *grid is the pivot's and valid as long as it.
 * Errors: E_DATA where ends or gaps need --granularity, and for a queue that is not in options.queues; E_LIMIT for more than 50
 * million intervals; the temporary file's, as of take.
 */
QL_MUST_CHECK enum ql_status ql_pivot_close(struct ql_pivot *pivot, const struct ql_grid **grid, struct ql_err *err);
/**
 * The cells of a part: one column for each aggregate (with its scale where it is known), totals if asked for; idle values are
 * not filled. Several threads may make parts at once, each with cells and a worker number (below QL_PARALLEL_MAX_THREADS) of
 * its own. Each part is made once; its rows are freed as they are read. Errors: E_OVERFLOW and E_OVERLAP name the cell
 * (interval and queue); the temporary file's.
 */
QL_MUST_CHECK enum ql_status ql_pivot_make_part(struct ql_pivot *pivot, size_t worker, size_t part, struct ql_cells *cells,
                                                struct ql_err *err);
/** Frees what threads keep from one part to the next. No part may be in work; more can be made. */
void ql_pivot_rest(struct ql_pivot *pivot);
/** Complete once every part is made. */
void ql_pivot_get_stats(const struct ql_pivot *pivot, struct ql_pivot_stats *stats);

#endif
