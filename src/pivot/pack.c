/*
 * Packing: what can be done with a batch on the thread that read it, before it is known whether its rows count.
 *
 * The way of a row: its queue is a code, and the lane knows the code's label; its interval came with its run, and is looked up
 * once for the run; its numbers are narrowed column by column. So nothing is compared or hashed for a row, and nothing shared
 * is locked but for the few runs, and for queues that the lane has not met. What depends on all rows (ends of intervals, names
 * of queues, order, scales) is left to close.
 */
#include "pivot/pack.h"

#include "pivot/exact.h"
#include "pivot/narrow.h"
#include "pivot/pivot_internal.h"

struct ql_lane {
    /* Of the lane's dictionary: */
    uint64_t dictionary;
    uint32_t *label; /* [n_labels] by code */
    size_t n_labels, cap_label;

    /* Scratch of a batch. */
    uint32_t *row_label;                     /* by row */
    uint32_t *entry, *bucket, *group_of_run; /* by run */
    uint32_t *group_of_row;
    uint32_t *last_run;       /* by label: the last run that mentions it; NONE between batches */
    struct ql_label_use *use; /* by label: unused between batches */
    uint32_t *group_of;       /* by bucket: NONE between batches */
    struct ql_packed_slice *groups;
    struct ql_slice *sorted; /* by group */
    struct ql_tuples *header;
    struct ql_tuple_wide *wide;
    struct ql_buf wide_text;
    struct ql_regroup regroup;
    struct ql_slabs slabs;
    size_t cap_row_label, cap_entry, cap_bucket, cap_group_of_run, cap_group_of_row, cap_last_run, n_use, cap_use, n_group_of,
        cap_group_of;
    size_t cap_groups, cap_sorted, cap_wide;
};
static const uint32_t NONE = UINT32_MAX;

void ql_lane_free(struct ql_lane *lane) {
    if (lane == NULL) {
        return;
    }
    uint32_t *const arrays[] = {lane->label,        lane->row_label,    lane->entry,    lane->bucket,
                                lane->group_of_run, lane->group_of_row, lane->last_run, lane->group_of};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        ql_mem_free(arrays[i]);
    }
    ql_mem_free(lane->use);
    ql_mem_free(lane->groups);
    ql_mem_free(lane->sorted);
    ql_mem_free(lane->header);
    ql_mem_free(lane->wide);
    ql_buf_fini(&lane->wide_text);
    ql_regroup_fini(&lane->regroup);
    ql_slabs_fini(&lane->slabs);
    ql_mem_free(lane);
}

void ql_packed_rows_free(struct ql_packed_rows *packed, bool with_block) {
    if (packed != NULL) {
        if (with_block && packed->tuples != NULL) {
            ql_block_free(packed->tuples->block);
        }
        ql_mem_free(packed->slices);
        ql_mem_free(packed->mentions);
        ql_mem_free(packed);
    }
}

static enum ql_status check_runs(const struct ql_pivot *pivot, const struct ql_rows *rows, struct ql_err *err) {
    size_t n_rows = 0;
    for (size_t r = 0; r < rows->n_runs; r++) {
        if (rows->runs[r].n_rows == 0 || (pivot->options.by_interval_text && rows->runs[r].text.ptr == NULL)) {
            return QL_FAIL(err, QL_E_INTERNAL, "run %zu of a batch of rows has no %s", r,
                           rows->runs[r].n_rows == 0 ? "rows" : "text");
        }
        n_rows += rows->runs[r].n_rows;
    }
    if (n_rows != rows->n_rows) {
        return QL_FAIL(err, QL_E_INTERNAL, "a batch of %zu rows has runs of %zu", rows->n_rows, n_rows);
    }
    return QL_OK;
}

static enum ql_status check_batch(const struct ql_pivot *pivot, const struct ql_rows *rows, struct ql_err *err) {
    if (rows->n_metrics != pivot->options.n_columns) {
        return QL_FAIL(err, QL_E_INTERNAL, "a batch of rows has %zu metric columns instead of %zu", rows->n_metrics,
                       pivot->options.n_columns);
    }
    if (rows->lane >= QL_PARALLEL_MAX_THREADS || rows->n_rows > UINT32_MAX / 2) {
        return QL_FAIL(err, QL_E_INTERNAL, "a batch of %zu rows is of lane %lu", rows->n_rows, (unsigned long)rows->lane);
    }
    for (size_t u = 0; u < pivot->n_used; u++) {
        if (rows->metrics[pivot->used[u]].scale > 18) {
            return QL_FAIL(err, QL_E_INTERNAL, "a batch of rows has a column of scale %d", rows->metrics[pivot->used[u]].scale);
        }
    }
    uint32_t last = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        last = rows->queue[i] > last ? rows->queue[i] : last;
    }
    if (rows->n_rows != 0 && last >= rows->n_queues) {
        return QL_FAIL(err, QL_E_INTERNAL, "a batch of rows mentions queue %lu of %zu", (unsigned long)last, rows->n_queues);
    }
    return check_runs(pivot, rows, err);
}

/* Labels of the dictionary's new queues. */
static void extend_dictionary(struct ql_pivot *pivot, struct ql_lane *lane, const struct ql_rows *rows) {
    if (lane->dictionary != rows->dictionary) {
        lane->dictionary = rows->dictionary;
        lane->n_labels = 0;
    }
    if (rows->n_queues <= lane->n_labels) {
        return;
    }
    QL_MEM_GROW(lane->label, lane->cap_label, rows->n_queues);
    ql_queue_list_put(&pivot->queues, rows->queues + lane->n_labels, rows->n_queues - lane->n_labels,
                      lane->label + lane->n_labels);
    uint32_t max = 0;
    for (; lane->n_labels < rows->n_queues; lane->n_labels++) {
        max = lane->label[lane->n_labels] > max ? lane->label[lane->n_labels] : max;
    }
    QL_MEM_GROW(lane->last_run, lane->cap_last_run, (size_t)max + 1);
    QL_MEM_GROW(lane->use, lane->cap_use, (size_t)max + 1);
    for (; lane->n_use <= max; lane->n_use++) {
        lane->use[lane->n_use] = QL_LABEL_UNUSED;
        lane->last_run[lane->n_use] = NONE;
    }
}

/* row_label, last_run and the header's label_width. */
static void look_up_queues(struct ql_lane *lane, const struct ql_rows *rows) {
    QL_MEM_GROW(lane->row_label, lane->cap_row_label, rows->n_rows);
    const uint32_t *restrict label = lane->label;
    const uint32_t *restrict queue = rows->queue;
    uint32_t *restrict row_label = lane->row_label;
    uint32_t *restrict last_run = lane->last_run;
    uint32_t bits = 0;
    for (uint32_t r = 0; r < rows->n_runs; r++) {
        uint32_t n = rows->runs[r].n_rows;
        do { /* often once: of rows in no order every one is a run */
            uint32_t here = label[*queue++];
            *row_label++ = here;
            last_run[here] = r;
            bits |= here;
        } while (--n != 0);
    }
    lane->header->label_width = bits <= UINT8_MAX ? 1 : bits <= UINT16_MAX ? 2 : 4;
}

static void look_up_intervals(struct ql_pivot *pivot, struct ql_lane *lane, const struct ql_rows *rows) {
    QL_MEM_GROW(lane->entry, lane->cap_entry, rows->n_runs);
    QL_MEM_GROW(lane->bucket, lane->cap_bucket, rows->n_runs);
    ql_timeline_look_up(&pivot->timeline, rows->runs, rows->n_runs, lane->entry, lane->bucket);
    lane->header->n_runs = (uint32_t)rows->n_runs;
    lane->header->has_run_lens = rows->n_runs * 2 <= rows->n_rows;
    if (!lane->header->has_run_lens) {
        lane->header->n_runs = (uint32_t)rows->n_rows;
    }
}

static enum ql_status read_wide(struct ql_lane *lane, const struct ql_wide_number *from, struct ql_tuple_wide *number,
                                struct ql_err *err) {
    struct ql_decimal decimal;
    if (!ql_decimal_parse(from->text, &decimal) || from->text.len > UINT32_MAX) {
        int len = from->text.len < 40 ? (int)from->text.len : 40;
        return QL_FAIL(err, QL_E_DATA, "'%.*s' is no decimal number that a double can hold", len, from->text.ptr);
    }
    number->scale = (int32_t)decimal.scale;
    if (!ql_decimal_to_i64(&decimal, &number->v.k)) {
        number->text_len = (uint32_t)from->text.len;
        number->v.text_at = lane->wide_text.len;
        ql_buf_put(&lane->wide_text, from->text.ptr, from->text.len);
    }
    return QL_OK;
}

static enum ql_status read_wides(struct ql_lane *lane, uint32_t column, const struct ql_number_column *from, size_t n_rows,
                                 struct ql_err *err) {
    size_t at = 0; /* in from->wide */
    for (size_t i = 0; i < n_rows; i++) {
        if (from->k[i] != QL_NUMBER_WIDE) {
            continue;
        }
        if (at == from->n_wide || from->wide[at].row != i) {
            return QL_FAIL(err, QL_E_INTERNAL, "a batch of rows has no text for the wide number of its row %zu", i);
        }
        QL_MEM_GROW(lane->wide, lane->cap_wide, (size_t)lane->header->n_wide + 1);
        struct ql_tuple_wide *number = &lane->wide[lane->header->n_wide];
        *number = (struct ql_tuple_wide){.row = (uint32_t)i, .column = column};
        QL_TRY(read_wide(lane, &from->wide[at++], number, err));
        lane->header->n_wide++;
    }
    return QL_OK;
}

/* Widths and scales of the columns, and the side table. */
static enum ql_status measure_columns(const struct ql_pivot *pivot, struct ql_lane *lane, const struct ql_rows *rows,
                                      struct ql_err *err) {
    lane->header->n_wide = 0;
    ql_buf_reset(&lane->wide_text);
    size_t n_columns_with_wide = 0;
    for (size_t u = 0; u < pivot->n_used; u++) {
        const struct ql_number_column *from = &rows->metrics[pivot->used[u]];
        struct ql_tuple_column *column = &lane->header->columns[u];
        column->scale = from->scale;
        column->magnitude = ql_numbers_magnitude(from->k, rows->n_rows);
        if (column->magnitude == UINT64_MAX) {
            n_columns_with_wide++;
            QL_TRY(read_wides(lane, (uint32_t)u, from, rows->n_rows, err));
        }
        column->width = column->magnitude <= INT8_MAX    ? 1
                        : column->magnitude <= INT16_MAX ? 2
                        : column->magnitude <= INT32_MAX ? 4
                                                         : 8;
    }
    if (n_columns_with_wide > 1) {
        ql_tuple_wides_sort(lane->wide, lane->header->n_wide);
    }
    lane->header->n_text = lane->wide_text.len;
    return QL_OK;
}

/* What is told of runs, for each of their rows. */
static void spread_runs(const struct ql_rows *rows, const uint32_t *restrict of_run, uint32_t *restrict of_row) {
    for (size_t r = 0; r < rows->n_runs; r++) {
        uint32_t n = rows->runs[r].n_rows;
        do {
            *of_row++ = of_run[r];
        } while (--n != 0);
    }
}

/* The rows in their own order. */
static struct ql_tuples *make_tuples(const struct ql_pivot *pivot, const struct ql_lane *lane, const struct ql_rows *rows,
                                     struct ql_slabs *slabs) {
    struct ql_tuples *tuples = ql_tuples_new(lane->header, slabs);
    if (tuples->has_run_lens) {
        for (size_t r = 0; r < rows->n_runs; r++) {
            tuples->interval[r] = lane->entry[r];
            tuples->run_len[r] = rows->runs[r].n_rows;
        }
    } else {
        spread_runs(rows, lane->entry, tuples->interval);
    }
    ql_labels_narrow(tuples->label, lane->row_label, rows->n_rows, tuples->label_width);
    for (size_t u = 0; u < pivot->n_used; u++) {
        ql_numbers_narrow(tuples->columns[u].k, rows->metrics[pivot->used[u]].k, rows->n_rows, tuples->columns[u].width);
    }
    if (tuples->n_wide != 0) {
        memcpy(tuples->wide, lane->wide, tuples->n_wide * sizeof *lane->wide);
        memcpy(tuples->text, ql_buf_text(&lane->wide_text), lane->wide_text.len);
    }
    return tuples;
}

/* The group of a bucket's rows, a new one if this is their first. */
static uint32_t group_of(struct ql_lane *lane, uint32_t bucket, size_t *n_groups) {
    if (bucket >= lane->n_group_of) {
        QL_MEM_GROW(lane->group_of, lane->cap_group_of, (size_t)bucket + 1);
        for (; lane->n_group_of < lane->cap_group_of; lane->n_group_of++) {
            lane->group_of[lane->n_group_of] = NONE;
        }
    }
    if (lane->group_of[bucket] == NONE) {
        QL_MEM_GROW(lane->groups, lane->cap_groups, *n_groups + 1);
        lane->groups[*n_groups] =
            (struct ql_packed_slice){.bucket = bucket, .min_start_us = INT64_MAX, .max_start_us = INT64_MIN};
        lane->group_of[bucket] = (uint32_t)(*n_groups)++;
    }
    return lane->group_of[bucket];
}

/* Where the rows go: group_of_run, and lane->groups by order of first mention; how many. *is_mixed: the rows of a group do not
 * follow one another. */
static size_t find_groups(struct ql_lane *lane, const struct ql_rows *rows, bool *is_mixed) {
    size_t n_groups = 0;
    *is_mixed = false;
    QL_MEM_GROW(lane->group_of_run, lane->cap_group_of_run, rows->n_runs);
    for (size_t r = 0; r < rows->n_runs; r++) {
        uint32_t group = group_of(lane, lane->bucket[r], &n_groups);
        struct ql_packed_slice *to = &lane->groups[group];
        int64_t start_us = rows->runs[r].start_us;
        to->min_start_us = start_us < to->min_start_us ? start_us : to->min_start_us;
        to->max_start_us = start_us > to->max_start_us ? start_us : to->max_start_us;
        to->slice.n_rows += rows->runs[r].n_rows;
        to->slice.n_runs++;
        lane->group_of_run[r] = group;
        *is_mixed = *is_mixed || group + 1 != n_groups;
    }
    for (size_t g = 0; g < n_groups; g++) {
        lane->group_of[lane->groups[g].bucket] = NONE;
    }
    return n_groups;
}

/* The rows as tuples and slices by bucket; where the rows of buckets are mixed, they are sorted first. */
static void make_slices(const struct ql_pivot *pivot, struct ql_lane *lane, const struct ql_rows *rows,
                        struct ql_packed_rows *packed) {
    bool is_mixed;
    packed->n_slices = find_groups(lane, rows, &is_mixed);
    packed->tuples = make_tuples(pivot, lane, rows, is_mixed ? NULL : &lane->slabs);
    if (is_mixed) {
        struct ql_slice all = ql_tuples_all(packed->tuples);
        const uint32_t *group_of_run = lane->group_of_run;
        if (!packed->tuples->has_run_lens) {
            QL_MEM_GROW(lane->group_of_row, lane->cap_group_of_row, rows->n_rows);
            spread_runs(rows, lane->group_of_run, lane->group_of_row);
            group_of_run = lane->group_of_row;
        }
        QL_MEM_GROW(lane->sorted, lane->cap_sorted, packed->n_slices);
        packed->tuples = ql_slice_regroup(&all, group_of_run, packed->n_slices, &lane->regroup, lane->sorted, &lane->slabs);
        ql_block_free(all.tuples->block);
    }
    packed->slices = ql_mem_alloc(packed->n_slices * sizeof *packed->slices);
    struct ql_slice next = {.tuples = packed->tuples};
    for (size_t g = 0; g < packed->n_slices; g++) {
        packed->slices[g] = lane->groups[g];
        next.n_rows = lane->groups[g].slice.n_rows;
        next.n_runs = packed->tuples->has_run_lens ? lane->groups[g].slice.n_runs : next.n_rows;
        packed->slices[g].slice = next;
        next.first_row += next.n_rows;
        next.first_run += next.n_runs;
    }
}

/* Whether the last run that mentions a label is always of the latest interval that does. */
static bool is_in_order(const struct ql_rows *rows) {
    bool is_in_order = true;
    for (size_t r = 1; r < rows->n_runs && is_in_order; r++) {
        const struct ql_rows_run *before = &rows->runs[r - 1];
        const struct ql_rows_run *here = &rows->runs[r];
        is_in_order =
            (before->end_us == QL_TIME_NONE) == (here->end_us == QL_TIME_NONE) &&
            (before->start_us < here->start_us || (before->start_us == here->start_us && before->end_us <= here->end_us));
    }
    return is_in_order;
}

/* Which labels the batch mentions, and, where that decides what an id is called, when last. */
static void find_mentions(struct ql_lane *lane, const struct ql_rows *rows, bool needs_latest, struct ql_packed_rows *packed) {
    const uint32_t *row_label = lane->row_label;
    bool last_is_latest = !needs_latest || is_in_order(rows);
    const uint32_t *label_of = row_label;
    for (size_t r = 0; r < rows->n_runs && !last_is_latest; r++) {
        uint32_t n = rows->runs[r].n_rows;
        do {
            ql_label_note(&lane->use[*label_of++], rows->runs[r].start_us, rows->runs[r].end_us);
        } while (--n != 0);
    }
    /* Found among the rows or in the dictionary, whichever is shorter. */
    const uint32_t *candidates = lane->n_labels < rows->n_rows ? lane->label : row_label;
    size_t n_candidates = lane->n_labels < rows->n_rows ? lane->n_labels : rows->n_rows;
    packed->mentions = ql_mem_alloc(n_candidates * sizeof *packed->mentions);
    for (size_t i = 0; i < n_candidates; i++) {
        uint32_t label = candidates[i];
        if (lane->last_run[label] == NONE) {
            continue;
        }
        struct ql_mention *mention = &packed->mentions[packed->n_mentions++];
        *mention = (struct ql_mention){.label = label, .use = lane->use[label]};
        if (last_is_latest) {
            const struct ql_rows_run *last = &rows->runs[lane->last_run[label]];
            ql_label_note(&mention->use, last->start_us, last->end_us);
        }
        lane->use[label] = QL_LABEL_UNUSED;
        lane->last_run[label] = NONE;
    }
}

enum ql_status ql_pivot_pack(struct ql_pivot *pivot, const struct ql_rows *rows, struct ql_packed_rows **packed,
                             struct ql_err *err) {
    *packed = NULL;
    QL_TRY(check_batch(pivot, rows, err));
    if (pivot->lanes[rows->lane] == NULL) {
        struct ql_lane *added = ql_mem_zalloc(1, sizeof *added);
        added->header = ql_mem_zalloc(1, ql_tuples_header_size(pivot->n_used));
        pivot->lanes[rows->lane] = added;
    }
    struct ql_lane *lane = pivot->lanes[rows->lane];
    lane->header->n_rows = (uint32_t)rows->n_rows;
    lane->header->n_columns = (uint32_t)pivot->n_used;
    lane->header->input = rows->input;
    QL_TRY(measure_columns(pivot, lane, rows, err));
    *packed = ql_mem_zalloc(1, sizeof **packed);
    (*packed)->has_queue_id = rows->has_queue_id;
    if (rows->n_rows != 0) {
        extend_dictionary(pivot, lane, rows);
        look_up_queues(lane, rows);
        look_up_intervals(pivot, lane, rows);
        make_slices(pivot, lane, rows, *packed);
        find_mentions(lane, rows, pivot->options.by_id && rows->has_queue_id, *packed);
    }
    return QL_OK;
}
