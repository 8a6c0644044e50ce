/**
 * One or more buckets of tuples, sorted by interval and queue, ready to be aggregated: a span of time that fits the cache.
 */
#ifndef QL_PIVOT_GROUP_H
#define QL_PIVOT_GROUP_H

#include "pivot/queues.h"
#include "pivot/timeline.h"
#include "pivot/tuples.h"

/* Rows of a group where it can be chosen: 512 KiB for each column while it is sorted. Buckets of fewer rows are taken
 * together; a bucket of a few more is not worth cutting. */
enum { QL_GROUP_ROWS = 65536, QL_GROUP_ROWS_MAX = 2 * QL_GROUP_ROWS };

struct ql_group {
    size_t n_columns, n_rows, cap_rows;
    /* By row in order of the cells: */
    uint32_t *interval; /* ordinal */
    uint32_t *queue;    /* rank */
    uint32_t *input;    /* only if has_inputs */
    int64_t **slot;     /* [n_columns][n_rows] */
    /* Scales and side tables of the columns; texts belong to the buckets. */
    struct ql_bucket_column *columns;
    bool has_inputs; /* rows of more than one */
    /* Rows [cell[i], cell[i + 1]) are one cell; rows [span[i], span[i + 1]) one interval. */
    uint32_t *cell, *span;
    size_t n_cells, n_spans;
    /* Scratch of the sort, by row in order of arrival. */
    uint32_t *arrived_interval, *arrived_queue, *arrived_input, *order, *position;
    uint32_t *count;
    size_t cap_count;
    uint32_t first, last; /* ordinals */
    bool is_in_order;     /* intervals ascend as they arrived */
    uint64_t *has_rank;   /* [n_queues] bits, all 0 between uses */
    uint32_t *row_of_rank;
    size_t cap_has_rank, cap_row_of_rank;
};

void ql_group_fini(struct ql_group *group);
/** Takes the tuples out of the buckets, which must live as long as the group's side tables are looked at. */
void ql_group_load(struct ql_group *group, struct ql_bucket *const *buckets, size_t n_buckets,
                   const struct ql_timeline *timeline, const struct ql_queue_list *queues);

#endif
