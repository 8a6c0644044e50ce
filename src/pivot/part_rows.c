/*
 * Slices of tuples -> the order of cells (interval, then queue).
 *
 * Rows are brought into the order of intervals (most inputs are), and within an interval a bitmap of its queues gives their
 * order: one row for each cell, as in most inputs. Where a cell has several rows, two counting sorts, by queue and then by
 * interval, do the same. Either gives every row its position; numbers are moved there later, column by column. The order of the
 * rows within a cell depends on arrival and must not matter to what is computed from them.
 */
#include "pivot/part_rows.h"

#include "pivot/ratio.h"

#include <stdlib.h>
#include <string.h>

struct ql_row_key {
    uint32_t interval, rank, row;
};

void ql_part_rows_fini(struct ql_part_rows *rows) {
    ql_slices_fini(&rows->slices);
    uint32_t *const arrays[] = {rows->rank,  rows->position, rows->cell,  rows->span,        rows->interval,
                                rows->order, rows->sorted,   rows->count, rows->cell_of_rank};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        ql_mem_free(arrays[i]);
    }
    ql_mem_free(rows->has_rank);
    ql_mem_free(rows->keys);
    *rows = (struct ql_part_rows){0};
}

static void reserve(struct ql_part_rows *rows) {
    rows->n_rows = 0;
    for (size_t s = 0; s < rows->slices.n; s++) {
        rows->n_rows += rows->slices.items[s].n_rows;
    }
    if (rows->n_rows <= rows->cap_rows && rows->cell != NULL) {
        return;
    }
    uint32_t **const arrays[] = {&rows->rank, &rows->position, &rows->interval, &rows->order, &rows->sorted, &rows->cell};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        ql_mem_free(*arrays[i]);
        *arrays[i] = ql_mem_alloc((rows->n_rows + 1) * sizeof **arrays[i]);
    }
    rows->cap_rows = rows->n_rows;
}

static void read_ranks(struct ql_part_rows *rows, const uint32_t *restrict rank_of) {
    uint32_t *restrict rank = rows->rank;
#define READ(type)                                                                          \
    do {                                                                                    \
        const type *restrict label = (const type *)slice->tuples->label + slice->first_row; \
        for (size_t i = 0; i < slice->n_rows; i++) {                                        \
            rank[i] = rank_of[label[i]];                                                    \
        }                                                                                   \
    } while (0)
    for (const struct ql_slice *slice = rows->slices.items; slice < rows->slices.items + rows->slices.n; slice++) {
        if (slice->tuples->label_width == 1) {
            READ(uint8_t);
        } else if (slice->tuples->label_width == 2) {
            READ(uint16_t);
        } else {
            READ(uint32_t);
        }
        rank += slice->n_rows;
    }
#undef READ
}

/* Sums up counts, each in the place behind its own: count[k] becomes where k begins. */
static void sum_up(uint32_t *count, size_t n) {
    count[0] = 0;
    for (size_t k = 1; k <= n; k++) {
        count[k] += count[k - 1];
    }
}

/* span; false if intervals do not ascend. */
static bool read_spans(struct ql_part_rows *rows, const struct ql_timeline *timeline, size_t first) {
    uint32_t before = 0;
    bool ascends = true;
    QL_MEM_GROW(rows->span, rows->cap_span, rows->n_intervals + 1);
    memset(rows->span, 0, (rows->n_intervals + 1) * sizeof *rows->span);
    for (const struct ql_slice *slice = rows->slices.items; slice < rows->slices.items + rows->slices.n; slice++) {
        for (size_t r = slice->first_run; r < (size_t)slice->first_run + slice->n_runs; r++) {
            uint32_t interval = timeline->index_of[slice->tuples->interval[r]] - (uint32_t)first;
            rows->span[interval + 1] += ql_tuples_run_len(slice->tuples, r);
            ascends = ascends && interval >= before;
            before = interval;
        }
    }
    sum_up(rows->span, rows->n_intervals);
    return ascends;
}

/* The interval of every row, counted from the part's first. */
static void read_intervals(struct ql_part_rows *rows, const struct ql_timeline *timeline, size_t first) {
    uint32_t *interval = rows->interval;
    for (const struct ql_slice *slice = rows->slices.items; slice < rows->slices.items + rows->slices.n; slice++) {
        for (size_t r = slice->first_run; r < (size_t)slice->first_run + slice->n_runs; r++) {
            uint32_t here = timeline->index_of[slice->tuples->interval[r]] - (uint32_t)first;
            for (uint32_t i = ql_tuples_run_len(slice->tuples, r); i != 0; i--) {
                *interval++ = here;
            }
        }
    }
}

/* The rows order[i] (NULL: i) by their interval, into `sorted`; within an interval as they are. */
static void sort_by_interval(struct ql_part_rows *rows, const uint32_t *order, uint32_t *sorted) {
    QL_MEM_GROW(rows->count, rows->cap_count, rows->n_intervals + 1);
    memcpy(rows->count, rows->span, rows->n_intervals * sizeof *rows->count);
    for (size_t i = 0; i < rows->n_rows; i++) {
        uint32_t row = order != NULL ? order[i] : (uint32_t)i;
        sorted[rows->count[rows->interval[row]]++] = row;
    }
}

/* Rows [begin, end) of the order of intervals (NULL: of arrival) are those of one interval: their positions and queues by a
 * bitmap; false if a queue has several. */
static bool order_interval(struct ql_part_rows *rows, const uint32_t *order, size_t begin, size_t end, size_t n_words,
                           uint32_t *queue_of) {
    uint64_t *restrict has_rank = rows->has_rank;
    uint32_t *restrict cell_of_rank = rows->cell_of_rank;
    uint32_t *restrict position = rows->position;
    const uint32_t *restrict rank = rows->rank;
    for (size_t i = begin; i < end; i++) {
        uint32_t here = rank[order != NULL ? order[i] : i];
        has_rank[here / 64] |= UINT64_C(1) << (here % 64);
    }
    size_t at = begin;
    for (size_t w = 0; w < n_words; w++) {
        uint64_t word = has_rank[w];
        has_rank[w] = 0;
        for (; word != 0; word &= word - 1) {
            uint32_t here = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(word);
            cell_of_rank[here] = (uint32_t)at;
            queue_of[at++] = here;
        }
    }
    if (at != end) {
        return false;
    }
    for (size_t i = begin; i < end; i++) {
        size_t row = order != NULL ? order[i] : i;
        position[row] = cell_of_rank[rank[row]];
    }
    return true;
}

static bool ascends_strictly(const uint32_t *rank, size_t begin, size_t end) {
    bool ascends = true;
    for (size_t i = begin + 1; i < end; i++) { /* without a branch: vectorised */
        ascends &= rank[i] > rank[i - 1];
    }
    return ascends;
}

/* Where every row is a cell of its own, and intervals have enough queues for a bitmap: all positions; else false. queue_of
 * needs no more room than there can be cells, because this ends at the first interval that has more rows than queues. */
static bool order_unique(struct ql_part_rows *rows, const uint32_t *order, size_t n_queues, uint32_t *queue_of) {
    const size_t n_words = (n_queues + 63) / 64;
    if (n_words > rows->cap_has_rank) {
        ql_mem_free(rows->has_rank);
        rows->has_rank = ql_mem_zalloc(n_words, sizeof *rows->has_rank);
        rows->cap_has_rank = n_words;
        QL_MEM_GROW(rows->cell_of_rank, rows->cap_cell_of_rank, n_words * 64);
    }
    rows->is_in_order = order == NULL;
    size_t n_walked = 0; /* words */
    for (size_t i = 0; i < rows->n_intervals; i++) {
        uint32_t begin = rows->span[i];
        uint32_t end = rows->span[i + 1];
        if (order == NULL && ascends_strictly(rows->rank, begin, end)) {
            memcpy(queue_of + begin, rows->rank + begin, (end - begin) * sizeof *queue_of);
            for (uint32_t row = begin; row < end; row++) {
                rows->position[row] = row;
            }
            continue;
        }
        n_walked += n_words;
        rows->is_in_order = false;
        if (n_walked > 2 * rows->n_rows + n_words || !order_interval(rows, order, begin, end, n_words, queue_of)) {
            return false;
        }
    }
    return true;
}

static int cmp_keys(const void *a, const void *b) {
    const struct ql_row_key *x = a;
    const struct ql_row_key *y = b;
    return x->interval != y->interval ? (x->interval > y->interval) - (x->interval < y->interval)
                                      : (x->rank > y->rank) - (x->rank < y->rank);
}

/* rows->sorted: the rows by interval and queue, whatever they are. Few rows of very many queues are compared, so that the time
 * does not go by the number of queues. */
static void sort_rows(struct ql_part_rows *rows, size_t n_queues) {
    if (n_queues / 4 > rows->n_rows) {
        QL_MEM_GROW(rows->keys, rows->cap_keys, rows->n_rows);
        for (size_t i = 0; i < rows->n_rows; i++) {
            rows->keys[i] = (struct ql_row_key){rows->interval[i], rows->rank[i], (uint32_t)i};
        }
        qsort(rows->keys, rows->n_rows, sizeof *rows->keys, cmp_keys);
        for (size_t i = 0; i < rows->n_rows; i++) {
            rows->sorted[i] = rows->keys[i].row;
        }
        return;
    }
    QL_MEM_GROW(rows->count, rows->cap_count, n_queues + 1);
    memset(rows->count, 0, (n_queues + 1) * sizeof *rows->count);
    for (size_t i = 0; i < rows->n_rows; i++) {
        rows->count[rows->rank[i] + 1]++;
    }
    sum_up(rows->count, n_queues);
    for (size_t i = 0; i < rows->n_rows; i++) {
        rows->order[rows->count[rows->rank[i]]++] = (uint32_t)i;
    }
    sort_by_interval(rows, rows->order, rows->sorted);
}

/* Positions from rows->sorted, and the cells. */
static void find_cells(struct ql_part_rows *rows, struct ql_cells *cells) {
    size_t n = 0;
    for (size_t interval = 0; interval < rows->n_intervals; interval++) {
        cells->begin[interval] = (uint32_t)n;
        for (uint32_t at = rows->span[interval]; at < rows->span[interval + 1]; at++) {
            uint32_t row = rows->sorted[at];
            rows->position[row] = at;
            if (at == rows->span[interval] || rows->rank[row] != rows->rank[rows->sorted[at - 1]]) {
                rows->cell[n] = at;
                cells->queue_of[n++] = rows->rank[row];
            }
        }
    }
    cells->begin[rows->n_intervals] = rows->cell[n] = (uint32_t)n;
    rows->cell[n] = (uint32_t)rows->n_rows;
    rows->n_cells = n;
}

void ql_part_rows_order(struct ql_part_rows *rows, const struct ql_timeline *timeline, const struct ql_queue_list *queues,
                        struct ql_cells *cells) {
    reserve(rows);
    rows->n_intervals = cells->n_intervals;
    read_ranks(rows, queues->rank);
    bool ascends = read_spans(rows, timeline, cells->first_interval);
    if (!ascends) {
        read_intervals(rows, timeline, cells->first_interval);
        sort_by_interval(rows, NULL, rows->order);
    }
    rows->is_unique = order_unique(rows, ascends ? NULL : rows->order, queues->n_queues, cells->queue_of);
    if (rows->is_unique) {
        memcpy(cells->begin, rows->span, (rows->n_intervals + 1) * sizeof *cells->begin);
        rows->n_cells = rows->n_rows;
    } else {
        read_intervals(rows, timeline, cells->first_interval);
        sort_rows(rows, queues->n_queues);
        find_cells(rows, cells);
    }
    cells->n_cells = rows->n_cells;
}

/* A number that is wide, or a slot's marker. */
static int64_t special_slot(const struct ql_slice *slice, size_t column, uint32_t row, int64_t k,
                            struct ql_slot_column *slots) {
    const struct ql_tuples *tuples = slice->tuples;
    if (k != QL_NUMBER_WIDE) {
        return ql_slot_of(slots, k, tuples->columns[column].scale);
    }
    size_t low = 0;
    size_t high = tuples->n_wide;
    while (low < high) { /* the first at or behind (row, column): there is one */
        size_t middle = (low + high) / 2;
        const struct ql_tuple_wide *number = &tuples->wide[middle];
        if (number->row < row || (number->row == row && number->column < column)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    struct ql_wide number = {.text_len = tuples->wide[low].text_len, .scale = tuples->wide[low].scale};
    if (number.text_len != 0) {
        number.v.text = tuples->text + tuples->wide[low].v.text_at;
    } else {
        number.v.k = tuples->wide[low].v.k;
    }
    return ql_slot_of_wide(slots, &number);
}

static void get_slice_slots(const struct ql_slice *slice, size_t c, const uint32_t *position, struct ql_slot_column *slots) {
    const struct ql_tuple_column *column = &slice->tuples->columns[c];
    const int64_t factor = (int64_t)ql_pow10_u64((unsigned)(slots->scale - column->scale));
    const int64_t limit = QL_SLOT_MAX / factor;
#define GET(type, missing)                                                        \
    do {                                                                          \
        const type *k = (const type *)column->k + slice->first_row;               \
        for (uint32_t i = 0; i < slice->n_rows; i++) {                            \
            int64_t slot = (int64_t)k[i];                                         \
            if (k[i] == (missing)) {                                              \
                slot = QL_SLOT_MISSING;                                           \
            } else if (slot <= limit && slot >= -limit) {                         \
                slot *= factor;                                                   \
            } else {                                                              \
                slot = special_slot(slice, c, slice->first_row + i, slot, slots); \
            }                                                                     \
            slots->slot[position[i]] = slot;                                      \
        }                                                                         \
    } while (0)
    if (column->width == 1) {
        GET(int8_t, INT8_MIN);
    } else if (column->width == 2) {
        GET(int16_t, INT16_MIN);
    } else if (column->width == 4) {
        GET(int32_t, INT32_MIN);
    } else {
        GET(int64_t, QL_NUMBER_MISSING);
    }
#undef GET
}

void ql_part_rows_get_slots(const struct ql_part_rows *rows, size_t column, struct ql_slot_column *slots) {
    QL_MEM_GROW(slots->slot, slots->cap, rows->n_rows);
    slots->n_wide = 0;
    slots->scale = 0;
    for (size_t s = 0; s < rows->slices.n; s++) {
        int32_t scale = rows->slices.items[s].tuples->columns[column].scale;
        slots->scale = scale > slots->scale ? scale : slots->scale;
    }
    const uint32_t *position = rows->position;
    for (size_t s = 0; s < rows->slices.n; s++) {
        get_slice_slots(&rows->slices.items[s], column, position, slots);
        position += rows->slices.items[s].n_rows;
    }
}

bool ql_part_rows_get_inputs(const struct ql_part_rows *rows, uint32_t *input) {
    bool has_several = false;
    for (size_t s = 1; s < rows->slices.n && !has_several; s++) {
        has_several = rows->slices.items[s].tuples->input != rows->slices.items[0].tuples->input;
    }
    const uint32_t *position = rows->position;
    for (size_t s = 0; s < rows->slices.n && has_several; s++) {
        for (size_t i = 0; i < rows->slices.items[s].n_rows; i++) {
            input[*position++] = rows->slices.items[s].tuples->input;
        }
    }
    return has_several;
}
