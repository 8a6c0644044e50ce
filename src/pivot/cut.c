/*
 * Buckets cut anew along the order of the intervals: where one holds too many rows for a group, or where the order of intervals
 * is not that of time. A chunk is freed as soon as it is read, so that the tuples are hardly ever there twice.
 */
#include "pivot/cut.h"

#include "pivot/group.h"

/* Which part an ordinal of [first, last] goes to: parts of whole intervals, of about QL_GROUP_ROWS rows. */
static uint32_t *plan_parts(const struct ql_timeline *timeline, uint32_t first, uint32_t last, size_t *n_parts) {
    uint32_t *part_of = ql_mem_alloc(((size_t)(last - first) + 1) * sizeof *part_of);
    size_t n_rows = 0;
    *n_parts = 1;
    for (size_t o = first; o <= last; o++) {
        if (n_rows != 0 && n_rows + timeline->rows_of[o] > QL_GROUP_ROWS) {
            (*n_parts)++;
            n_rows = 0;
        }
        n_rows += timeline->rows_of[o];
        part_of[o - first] = (uint32_t)*n_parts - 1;
    }
    return part_of;
}

/* Moves a bucket's tuples to the parts and frees it. */
static void move_to_parts(const struct ql_timeline *timeline, struct ql_bucket *bucket, struct ql_bucket **parts,
                          const uint32_t *part_of, uint32_t first) {
    struct ql_slots *columns = ql_mem_alloc(bucket->n_columns * sizeof *columns);
    int64_t *scratch = NULL;
    size_t cap_scratch = 0;
    for (struct ql_tuple_chunk *chunk; (chunk = ql_bucket_take_chunk(bucket)) != NULL;) {
        QL_MEM_GROW(scratch, cap_scratch, chunk->n * bucket->n_columns);
        for (size_t c = 0; c < bucket->n_columns; c++) {
            const struct ql_chunk_column *column = &chunk->columns[c];
            const struct ql_bucket_column *side = &bucket->columns[c];
            const int64_t *slot = ql_chunk_slots(column, 0, chunk->n, scratch + c * chunk->n);
            columns[c] = (struct ql_slots){slot, column->scale, side->wide, side->n_wide};
        }
        struct ql_tuples tuples = {chunk->interval, chunk->queue, columns, chunk->input};
        for (size_t begin = 0, end; begin < chunk->n; begin = end) {
            uint32_t part = part_of[timeline->seen[chunk->interval[begin]].ordinal - first];
            end = begin + 1;
            while (end < chunk->n && part_of[timeline->seen[chunk->interval[end]].ordinal - first] == part) {
                end++;
            }
            ql_bucket_append(parts[part], &tuples, begin, end);
        }
        ql_tuple_chunk_free(chunk);
    }
    ql_mem_free(scratch);
    ql_mem_free(columns);
    ql_bucket_free(bucket);
}

struct ql_bucket **ql_buckets_cut(const struct ql_timeline *timeline, struct ql_bucket **buckets, size_t n_buckets,
                                  const struct ql_ordinals *ordinals, size_t *n_parts) {
    size_t n_columns = buckets[0]->n_columns;
    uint32_t *part_of = plan_parts(timeline, ordinals->first, ordinals->last, n_parts);
    struct ql_bucket **parts = ql_mem_alloc(*n_parts * sizeof(struct ql_bucket *));
    for (size_t p = 0; p < *n_parts; p++) {
        parts[p] = ql_bucket_new((int64_t)p, n_columns);
    }
    for (size_t b = 0; b < n_buckets; b++) {
        move_to_parts(timeline, buckets[b], parts, part_of, ordinals->first);
        buckets[b] = NULL;
    }
    ql_mem_free(part_of);
    return parts;
}
