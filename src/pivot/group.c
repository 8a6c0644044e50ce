/*
 * Tuples in order of arrival -> tuples in order of cells (interval, then queue).
 *
 * Rows are brought into the order of intervals (most inputs are), and within an interval a bitmap of its queues gives their
 * order: one row for each cell, as in most inputs. Where a cell has several rows, two counting sorts, by queue and then by
 * interval, do the same. Either gives every row its position; then each column is scattered there, chunk by chunk, and a chunk
 * is freed as soon as it is read. The order of the rows within a cell depends on arrival and must not matter to what is
 * computed from them.
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
    ql_mem_free(group->has_rank);
    ql_mem_free(group->row_of_rank);
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

/* The keys of all rows, in order of arrival. */
static void read_keys(struct ql_group *group, struct ql_bucket *const *buckets, size_t n_buckets,
                      const struct ql_timeline *timeline, const struct ql_queue_list *queues) {
    size_t at = 0;
    uint32_t before = 0;
    group->first = UINT32_MAX;
    group->last = 0;
    group->is_in_order = true;
    for (size_t b = 0; b < n_buckets; b++) {
        for (const struct ql_tuple_chunk *chunk = buckets[b]->head; chunk != NULL; chunk = chunk->next) {
            for (uint32_t i = 0; i < chunk->n; i++, at++) {
                uint32_t ordinal = timeline->seen[chunk->interval[i]].ordinal;
                group->first = ordinal < group->first ? ordinal : group->first;
                group->last = ordinal > group->last ? ordinal : group->last;
                group->is_in_order = group->is_in_order && ordinal >= before;
                before = ordinal;
                group->arrived_interval[at] = ordinal;
                group->arrived_queue[at] = queues->labels[chunk->queue[i]].rank;
            }
        }
    }
}

static void read_inputs(struct ql_group *group, struct ql_bucket *const *buckets, size_t n_buckets) {
    const struct ql_tuple_chunk *first = NULL;
    size_t at = 0;
    group->has_inputs = false;
    for (size_t b = 0; b < n_buckets; b++) {
        for (const struct ql_tuple_chunk *chunk = buckets[b]->head; chunk != NULL; chunk = chunk->next) {
            if (chunk->n != 0) {
                first = first == NULL ? chunk : first;
                group->has_inputs = group->has_inputs || chunk->input != first->input;
            }
        }
    }
    for (size_t b = 0; b < n_buckets && group->has_inputs; b++) {
        for (const struct ql_tuple_chunk *chunk = buckets[b]->head; chunk != NULL; chunk = chunk->next) {
            for (uint32_t i = 0; i < chunk->n; i++) {
                group->arrived_input[at++] = chunk->input;
            }
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

/* Both keys, whatever they are. */
static void sort_rows(struct ql_group *group, size_t n_queues) {
    uint32_t *count = begin_counts(group, group->arrived_queue, 0, n_queues);
    for (size_t i = 0; i < group->n_rows; i++) {
        group->order[count[group->arrived_queue[i]]++] = (uint32_t)i;
    }
    count = begin_counts(group, group->arrived_interval, group->first, (size_t)(group->last - group->first) + 1);
    for (size_t i = 0; i < group->n_rows; i++) {
        uint32_t row = group->order[i];
        uint32_t key = group->arrived_interval[row];
        uint32_t at = count[key - group->first]++;
        group->position[row] = at;
        group->interval[at] = key;
        group->queue[at] = group->arrived_queue[row];
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
}

/* The rows by interval, into group->order. */
static void sort_by_interval(struct ql_group *group) {
    if (group->is_in_order) {
        for (size_t i = 0; i < group->n_rows; i++) {
            group->order[i] = (uint32_t)i;
        }
        return;
    }
    uint32_t *count = begin_counts(group, group->arrived_interval, group->first, (size_t)(group->last - group->first) + 1);
    for (size_t i = 0; i < group->n_rows; i++) {
        group->order[count[group->arrived_interval[i] - group->first]++] = (uint32_t)i;
    }
}

/* Rows order[begin, end) are of one interval: their positions by queue; false if a queue has several. */
static bool sort_interval(struct ql_group *group, size_t begin, size_t end, size_t n_words) {
    bool is_unique = true;
    for (size_t i = begin; i < end; i++) {
        uint32_t row = group->order[i];
        uint32_t rank = group->arrived_queue[row];
        uint64_t bit = UINT64_C(1) << (rank % 64);
        is_unique = is_unique && (group->has_rank[rank / 64] & bit) == 0;
        group->has_rank[rank / 64] |= bit;
        group->row_of_rank[rank] = row;
    }
    uint32_t key = group->arrived_interval[group->order[begin]];
    size_t at = begin;
    for (size_t w = 0; w < n_words; w++) {
        uint64_t word = group->has_rank[w];
        group->has_rank[w] = 0;
        for (; word != 0; word &= word - 1) {
            uint32_t rank = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(word);
            group->position[group->row_of_rank[rank]] = (uint32_t)at;
            group->interval[at] = key;
            group->queue[at] = rank;
            at++;
        }
    }
    return is_unique;
}

/* Where every row is a cell of its own, and intervals have enough queues for a bitmap: everything that sort_rows and
 * find_cells do; else false. */
static bool sort_singles(struct ql_group *group, size_t n_queues) {
    const size_t n_words = (n_queues + 63) / 64;
    if ((size_t)(group->last - group->first) + 1 > group->n_rows / 2 + 1) {
        return false;
    }
    if (n_words > group->cap_has_rank) {
        ql_mem_free(group->has_rank);
        group->has_rank = ql_mem_zalloc(n_words, sizeof *group->has_rank);
        group->cap_has_rank = n_words;
        QL_MEM_GROW(group->row_of_rank, group->cap_row_of_rank, n_words * 64);
    }
    sort_by_interval(group);
    group->n_spans = 0;
    size_t n_walked = 0; /* words */
    for (size_t begin = 0, end; begin < group->n_rows; begin = end) {
        uint32_t key = group->arrived_interval[group->order[begin]];
        for (end = begin + 1; end < group->n_rows && group->arrived_interval[group->order[end]] == key; end++) {
        }
        n_walked += n_words;
        if (n_walked > 2 * group->n_rows + n_words || !sort_interval(group, begin, end, n_words)) {
            return false;
        }
        group->span[group->n_spans++] = (uint32_t)begin;
    }
    for (size_t i = 0; i < group->n_rows; i++) {
        group->cell[i] = (uint32_t)i;
    }
    group->n_cells = group->n_rows;
    return true;
}

static void sort(struct ql_group *group, size_t n_queues) {
    if (!sort_singles(group, n_queues)) {
        sort_rows(group, n_queues);
        find_cells(group);
    }
    group->cell[group->n_cells] = (uint32_t)group->n_rows;
    group->span[group->n_spans] = (uint32_t)group->n_rows;
    for (size_t i = 0; i < group->n_rows && group->has_inputs; i++) {
        group->input[group->position[i]] = group->arrived_input[i];
    }
}

/* A chunk's slots i go to dst[position[i]], as ql_slots_copy would put them. */
static void scatter(int64_t *dst, const struct ql_tuple_chunk *chunk, size_t c, const struct ql_bucket_column *side,
                    const uint32_t *position, struct ql_bucket_column *column) {
    enum { PIECE = 1024 };
    const struct ql_chunk_column *from = &chunk->columns[c];
    const int32_t *narrow = from->slot.i32;
    if (from->is_narrow && from->scale == column->scale) {
        for (size_t i = 0; i < chunk->n; i++) {
            dst[position[i]] = narrow[i] == QL_NARROW_MISSING ? QL_SLOT_MISSING : narrow[i];
        }
        return;
    }
    int64_t widened[PIECE];
    int64_t moved[PIECE];
    for (size_t begin = 0; begin < chunk->n; begin += PIECE) {
        size_t n = chunk->n - begin < PIECE ? chunk->n - begin : PIECE;
        struct ql_slots slots = {ql_chunk_slots(from, begin, n, widened), from->scale, side->wide, side->n_wide};
        ql_slots_copy(moved, &slots, 0, n, column, NULL);
        for (size_t i = 0; i < n; i++) {
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
    read_inputs(group, buckets, n_buckets);
    sort(group, queues->n_queues);
    begin_columns(group, buckets, n_buckets);
    const uint32_t *position = group->position;
    for (size_t b = 0; b < n_buckets; b++) {
        for (struct ql_tuple_chunk *chunk; (chunk = ql_bucket_take_chunk(buckets[b])) != NULL;) {
            for (size_t c = 0; c < group->n_columns; c++) {
                scatter(group->slot[c], chunk, c, &buckets[b]->columns[c], position, &group->columns[c]);
            }
            position += chunk->n;
            ql_tuple_chunk_free(chunk);
        }
        buckets[b]->n_rows = 0;
    }
}
