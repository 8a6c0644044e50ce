/** What packing (pack.c), closing (close.c) and making parts (part_cells.c) share. */
#ifndef QL_PIVOT_INTERNAL_H
#define QL_PIVOT_INTERNAL_H

#include "base/parallel.h"
#include "pivot/buckets.h"
#include "pivot/pack.h"
#include "pivot/part_cells.h"
#include "pivot/parts.h"
#include "pivot/pivot.h"
#include "pivot/queues.h"
#include "pivot/timeline.h"

struct ql_pivot {
    struct ql_pivot_options options;
    const struct ql_str *input_names;
    size_t n_input_names;

    /* Columns of the rows that some aggregate reads become columns of the tuples. */
    size_t n_used;
    size_t *used;   /* [n_used] index into ql_rows.metrics */
    size_t *column; /* [n_columns] index into used, or QL_NO_COLUMN */

    /* While rows are packed: shared by all lanes, each behind its lock. */
    struct ql_timeline timeline;
    struct ql_queue_list queues;
    struct ql_lane *lanes[QL_PARALLEL_MAX_THREADS];

    /* Of the rows that were taken: */
    struct ql_pivot_stats stats;
    bool has_queue_id;
    struct ql_tuple_store store;
    struct ql_spill spill;
    struct ql_label_use *uses; /* by label */
    size_t n_uses, cap_uses;
    uint32_t *n_rows_of; /* by entry of the timeline */
    size_t cap_rows_of;

    /* After close: */
    struct ql_grid grid;
    struct ql_parts parts;
    struct ql_part_maker *makers[QL_PARALLEL_MAX_THREADS]; /* by worker */
    atomic_int_least64_t n_merged;                         /* rows beyond the first of their cell, of the parts that are made */
};

#endif
