/*
 * Intervals: the row's side of the pivot (semantics, section 3).
 *
 * An interval is its two instants. Where rows give only a start, the end is start + granularity, or + the smallest step between
 * two distinct starts of all rows; a derived end makes the same interval as a given one that is equal, and another interval
 * than a given one that is not. It is derived when all rows are known, so that it cannot depend on their order. With
 * by_text (profile pandas) an interval is its text; instants are then only carried along.
 */
#include "pivot/timeline.h"

#include <stdlib.h>

void ql_timeline_fini(struct ql_timeline *timeline) {
    ql_mem_free(timeline->seen);
    ql_mem_free(timeline->rows_of);
    ql_mem_free(timeline->final_of);
    ql_mem_free(timeline->intervals);
    ql_index_fini(&timeline->index);
    *timeline = (struct ql_timeline){.by_text = timeline->by_text, .arena = timeline->arena};
}

static bool is_entry(const struct ql_timeline *timeline, uint32_t entry, const struct ql_seen_interval *row) {
    const struct ql_seen_interval *seen = &timeline->seen[entry];
    return timeline->by_text ? ql_str_eq(seen->text, row->text)
                             : seen->start_us == row->start_us && seen->end_us == row->end_us;
}

uint32_t ql_timeline_put(struct ql_timeline *timeline, int64_t start_us, int64_t end_us, struct ql_str text, bool *is_new) {
    struct ql_seen_interval row = {.start_us = start_us, .end_us = end_us, .text = text};
    *is_new = false;
    if (timeline->n_seen != 0 && is_entry(timeline, timeline->last, &row)) {
        return timeline->last;
    }
    uint64_t mixed = timeline->by_text ? ql_index_hash_str(text, 0) : (uint64_t)start_us;
    uint32_t hash = ql_index_hash_u64(mixed, timeline->by_text ? 0 : (uint64_t)end_us);
    size_t at = hash;
    for (uint32_t entry; (entry = ql_index_next(&timeline->index, hash, &at)) != QL_INDEX_NONE;) {
        if (is_entry(timeline, entry, &row)) {
            return timeline->last = entry;
        }
    }
    if (timeline->by_text) {
        row.text.ptr = ql_arena_copy(timeline->arena, text.ptr, text.len);
    } else {
        row.text = (struct ql_str){0};
    }
    QL_MEM_GROW(timeline->seen, timeline->cap_seen, timeline->n_seen + 1);
    timeline->last = (uint32_t)timeline->n_seen++;
    timeline->seen[timeline->last] = row;
    ql_index_add(&timeline->index, hash, timeline->last);
    *is_new = true;
    return timeline->last;
}

static int cmp_i64(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The smallest step between two distinct starts; 0 if there is one start only. */
static int64_t smallest_step(const struct ql_timeline *timeline) {
    int64_t *starts = ql_mem_alloc(timeline->n_seen * sizeof *starts);
    for (size_t i = 0; i < timeline->n_seen; i++) {
        starts[i] = timeline->seen[i].start_us;
    }
    qsort(starts, timeline->n_seen, sizeof *starts, cmp_i64);
    int64_t step = 0;
    for (size_t i = 1; i < timeline->n_seen; i++) {
        int64_t here = starts[i] - starts[i - 1];
        step = here != 0 && (step == 0 || here < step) ? here : step;
    }
    ql_mem_free(starts);
    return step;
}

int ql_interval_cmp_time(const void *a, const void *b) {
    const struct ql_interval *x = a;
    const struct ql_interval *y = b;
    int order = (x->start_us > y->start_us) - (x->start_us < y->start_us);
    return order != 0 ? order : (x->end_us > y->end_us) - (x->end_us < y->end_us);
}

int ql_interval_cmp_text(const void *a, const void *b) {
    int order = ql_str_cmp(((const struct ql_interval *)a)->text, ((const struct ql_interval *)b)->text);
    return order != 0 ? order : ql_interval_cmp_time(a, b);
}

/* An interval with its end, and which entry it came from. The interval is first, so that its comparison sorts these too. */
struct sorted_interval {
    struct ql_interval interval;
    uint32_t entry;
};

/* Gives every entry its ordinal; the distinct intervals become timeline->intervals, and final_of the identity. */
static void number_intervals(struct ql_timeline *timeline) {
    size_t n = timeline->n_seen;
    int (*cmp)(const void *, const void *) = timeline->by_text ? ql_interval_cmp_text : ql_interval_cmp_time;
    struct sorted_interval *sorted = ql_mem_alloc(n * sizeof *sorted);
    for (size_t i = 0; i < n; i++) {
        const struct ql_seen_interval *seen = &timeline->seen[i];
        int64_t end_us = ql_timeline_end_of(timeline, seen->start_us, seen->end_us);
        sorted[i].interval = (struct ql_interval){.start_us = seen->start_us, .end_us = end_us, .text = seen->text};
        sorted[i].entry = (uint32_t)i;
    }
    qsort(sorted, n, sizeof *sorted, cmp);
    timeline->intervals = ql_mem_alloc(n * sizeof *timeline->intervals);
    timeline->rows_of = ql_mem_zalloc(n, sizeof *timeline->rows_of);
    timeline->final_of = ql_mem_alloc(n * sizeof *timeline->final_of);
    size_t n_distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || cmp(&sorted[i - 1].interval, &sorted[i].interval) != 0) {
            timeline->final_of[n_distinct] = (uint32_t)n_distinct;
            timeline->intervals[n_distinct++] = sorted[i].interval;
        }
        struct ql_seen_interval *seen = &timeline->seen[sorted[i].entry];
        seen->ordinal = (uint32_t)n_distinct - 1;
        timeline->rows_of[seen->ordinal] += seen->n_rows;
    }
    timeline->n_ordinals = timeline->n_intervals = n_distinct;
    ql_mem_free(sorted);
}

enum ql_status ql_timeline_build(struct ql_timeline *timeline, const struct ql_pivot_options *options, struct ql_err *err) {
    timeline->step_us = options->granularity_us != 0 ? options->granularity_us : smallest_step(timeline);
    for (size_t i = 0; i < timeline->n_seen && timeline->step_us == 0; i++) {
        if (timeline->seen[i].end_us == QL_TIME_NONE) {
            char start[QL_TIME_TEXT_SIZE];
            (void)ql_time_format(timeline->seen[i].start_us, start);
            (void)QL_FAIL(err, QL_E_DATA, "the end of interval '%s' is unknown: every row starts there and none gives the end",
                          start);
            ql_err_hint(err, "say how long an interval is, for example --granularity 30m");
            return QL_E_DATA;
        }
    }
    number_intervals(timeline);
    return options->fills_gaps ? ql_timeline_fill_gaps(timeline, options, err) : QL_OK;
}
