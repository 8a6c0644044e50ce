/*
 * Tuples in order of arrival -> tuples in order of cells (interval, then queue).
 *
 * Two counting sorts, by queue and then by interval, give every row its position; then each column is scattered there, chunk
 * by chunk, and a chunk is freed as soon as it is read. The order of the rows within a cell depends on arrival and must not
 * matter to what is computed from them.
 */
#include "pivot/group.h"

#include <string.h>

static void fini_columns(struct ql_group *group) {
    for (size_t c = 0; c < group->n_columns && group->columns != NULL; c++) {
        ql_mem_free(group->slot[c]);
        ql_mem_free(group->columns[c].wide);
    }
    ql_mem_free(group->slot);
    ql_mem_free(group->columns);
}

void ql_group_fini(struct ql_group *group) {
    fini_columns(group);
    uint32_t *const arrays[] = {
        group->interval,      group->queue,         group->input, group->cell,     group->span, group->arrived_interval,
        group->arrived_queue, group->arrived_input, group->order, group->position, group->count};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        ql_mem_free(arrays[i]);
    }
    *group = (struct ql_group){.n_columns = group->n_columns};
}

static void resize(uint32_t **array, size_t n) {
    ql_mem_free(*array);
    *array = ql_mem_alloc(n * sizeof **array);
}

static void reserve(struct ql_group *group, size_t n_rows) {
    if (group->columns == NULL) {
        group->columns = ql_mem_zalloc(group->n_columns, sizeof *group->columns);
        group->slot = ql_mem_zalloc(group->n_columns, sizeof *group->slot);
    }
    if (n_rows <= group->cap_rows) {
        return;
    }
    uint32_t **const arrays[] = {&group->interval,      &group->queue,         &group->input, &group->arrived_interval,
                                 &group->arrived_queue, &group->arrived_input, &group->order, &group->position};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        resize(arrays[i], n_rows);
    }
    resize(&group->cell, n_rows + 1);
    resize(&group->span, n_rows + 1);
    for (size_t c = 0; c < group->n_columns; c++) {
        ql_mem_free(group->slot[c]);
        group->slot[c] = ql_mem_alloc(n_rows * sizeof *group->slot[c]);
    }
    group->cap_rows = n_rows;
}

/* The keys of all rows, in order of arrival; the first ordinal of them, and how many there are from it to the last. */
static void read_keys(struct ql_group *group, struct ql_bucket *const *buckets, size_t n_buckets,
                      const struct ql_timeline *timeline, const struct ql_queue_list *queues) {
    size_t at = 0;
    group->has_inputs = false;
    for (size_t b = 0; b < n_buckets; b++) {
        for (const struct ql_tuple_chunk *chunk = buckets[b]->head; chunk != NULL; chunk = chunk->next) {
            for (uint32_t i = 0; i < chunk->n; i++) {
                group->arrived_interval[at + i] = timeline->seen[chunk->interval[i]].ordinal;
                group->arrived_queue[at + i] = queues->labels[chunk->queue[i]].rank;
                group->arrived_input[at + i] = chunk->input;
            }
            group->has_inputs = group->has_inputs || chunk->input != group->arrived_input[0];
            at += chunk->n;
        }
    }
}

/* Counts keys into the slots behind theirs and sums them up: count[k] is where the rows of key k begin. */
static uint32_t *begin_counts(struct ql_group *group, const uint32_t *keys, uint32_t first, size_t n_keys) {
    QL_MEM_GROW(group->count, group->cap_count, n_keys + 1);
    uint32_t *count = group->count;
    memset(count, 0, (n_keys + 1) * sizeof *count);
    for (size_t i = 0; i < group->n_rows; i++) {
        count[keys[i] - first + 1]++;
    }
    for (size_t k = 1; k <= n_keys; k++) {
        count[k] += count[k - 1];
    }
    return count;
}

static void sort_rows(struct ql_group *group, size_t n_queues) {
    uint32_t *count = begin_counts(group, group->arrived_queue, 0, n_queues);
    for (size_t i = 0; i < group->n_rows; i++) {
        group->order[count[group->arrived_queue[i]]++] = (uint32_t)i;
    }
    uint32_t first = UINT32_MAX;
    uint32_t last = 0;
    for (size_t i = 0; i < group->n_rows; i++) {
        uint32_t key = group->arrived_interval[i];
        first = key < first ? key : first;
        last = key > last ? key : last;
    }
    count = begin_counts(group, group->arrived_interval, first, (size_t)(last - first) + 1);
    for (size_t i = 0; i < group->n_rows; i++) {
        uint32_t row = group->order[i];
        uint32_t key = group->arrived_interval[row];
        uint32_t at = count[key - first]++;
        group->position[row] = at;
        group->interval[at] = key;
        group->queue[at] = group->arrived_queue[row];
        group->input[at] = group->arrived_input[row];
    }
}

static void find_cells(struct ql_group *group) {
    group->n_cells = group->n_spans = 0;
    for (size_t i = 0; i < group->n_rows; i++) {
        bool begins_span = i == 0 || group->interval[i] != group->interval[i - 1];
        if (begins_span) {
            group->span[group->n_spans++] = (uint32_t)i;
        }
        if (begins_span || group->queue[i] != group->queue[i - 1]) {
            group->cell[group->n_cells++] = (uint32_t)i;
        }
    }
    group->cell[group->n_cells] = (uint32_t)group->n_rows;
    group->span[group->n_spans] = (uint32_t)group->n_rows;
}

/* slots[i] goes to dst[position[i]], as ql_slots_copy would put it. */
static void scatter(int64_t *dst, const struct ql_slots *from, size_t n, const uint32_t *position,
                    struct ql_bucket_column *column) {
    enum { PIECE = 1024 };
    int64_t moved[PIECE];
    if (from->n_wide == 0 && from->scale == column->scale) {
        for (size_t i = 0; i < n; i++) {
            dst[position[i]] = from->slot[i];
        }
        return;
    }
    for (size_t begin = 0; begin < n; begin += PIECE) {
        size_t n_piece = n - begin < PIECE ? n - begin : PIECE;
        ql_slots_copy(moved, from, begin, n_piece, column, NULL);
        for (size_t i = 0; i < n_piece; i++) {
            dst[position[begin + i]] = moved[i];
        }
    }
}

static void begin_columns(struct ql_group *group, struct ql_bucket *const *buckets, size_t n_buckets) {
    for (size_t c = 0; c < group->n_columns; c++) {
        struct ql_bucket_column *column = &group->columns[c];
        column->n_wide = 0;
        column->scale = 0;
        for (size_t b = 0; b < n_buckets; b++) {
            int32_t scale = buckets[b]->columns[c].scale;
            column->scale = scale > column->scale ? scale : column->scale;
        }
    }
}

void ql_group_load(struct ql_group *group, struct ql_bucket *const *buckets, size_t n_buckets,
                   const struct ql_timeline *timeline, const struct ql_queue_list *queues) {
    group->n_rows = 0;
    for (size_t b = 0; b < n_buckets; b++) {
        group->n_rows += buckets[b]->n_rows;
    }
    reserve(group, group->n_rows);
    read_keys(group, buckets, n_buckets, timeline, queues);
    sort_rows(group, queues->n_queues);
    find_cells(group);
    begin_columns(group, buckets, n_buckets);
    const uint32_t *position = group->position;
    for (size_t b = 0; b < n_buckets; b++) {
        for (struct ql_tuple_chunk *chunk; (chunk = ql_bucket_take_chunk(buckets[b])) != NULL;) {
            for (size_t c = 0; c < group->n_columns; c++) {
                const struct ql_bucket_column *column = &buckets[b]->columns[c];
                struct ql_slots from = {chunk->slot + c * chunk->cap, column->scale, column->wide, column->n_wide};
                scatter(group->slot[c], &from, chunk->n, position, &group->columns[c]);
            }
            position += chunk->n;
            ql_tuple_chunk_free(chunk);
        }
        buckets[b]->n_rows = 0;
    }
}
