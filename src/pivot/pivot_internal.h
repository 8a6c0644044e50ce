/** What feeding (pivot.c) and finishing (cell_writer.c) share. */
#ifndef QL_PIVOT_INTERNAL_H
#define QL_PIVOT_INTERNAL_H

#include "pivot/pivot.h"
#include "pivot/queues.h"
#include "pivot/timeline.h"
#include "pivot/tuples.h"

/* Scratch of a batch whose rows are brought into the order of their buckets. */
struct ql_sorted_batch {
    uint32_t *begin; /* [n_buckets + 1] */
    uint32_t *position, *interval, *queue;
    int64_t *slot; /* column by column */
    struct ql_slots *columns;
    size_t cap_begin, cap_position, cap_interval, cap_queue, cap_slot, cap_columns;
};

struct ql_pivot {
    struct ql_pivot_options options;
    struct ql_pivot_stats stats;
    bool is_finished; /* the next row begins anew */
    bool has_queue_id;

    /* Columns of the rows that some aggregate reads become columns of the tuples. */
    size_t n_used;
    size_t *used;   /* [n_used] index into ql_rows.metrics */
    size_t *column; /* [n_columns] index into used, or QL_NO_COLUMN */

    struct ql_arena arena; /* texts of intervals and queues; handed on to the cells */
    struct ql_timeline timeline;
    struct ql_queue_list queues;
    struct ql_bucket **buckets;
    size_t n_buckets, cap_buckets;
    struct ql_index bucket_index; /* by period */

    /* Scratch of a batch. */
    struct ql_slots *slots;              /* [n_used] */
    struct ql_bucket_column *converted;  /* [n_used] side tables of the batch */
    int64_t **slot_copies;               /* [n_used] */
    size_t *cap_slots;                   /* [n_used] */
    uint32_t *interval, *queue, *bucket; /* by row */
    size_t cap_interval, cap_queue, cap_bucket;
    struct ql_sorted_batch sorted;
};

/** Buckets -> cells, in order of time. */
QL_MUST_CHECK enum ql_status ql_pivot_write_cells(struct ql_pivot *pivot, struct ql_cells *cells, struct ql_err *err);

#endif
