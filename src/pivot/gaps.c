/*
 * --gaps fill: the intervals that no row mentions (semantics, section 3).
 *
 * The step is the granularity, else the smallest step between two starts, else (one start only) the length of the shortest
 * interval. Intervals are added from the requested start to the requested end, else from the first seen to the last: those that
 * begin in [from, to), as rows may. Steps are counted from the start of the interval before the gap (before the first interval:
 * backwards from it; without any row: from `from`), so a range that is not aligned with the data moves nothing, and after data
 * that are off the grid the grid goes on from them. An interval is added only where it overlaps nothing that a row mentions:
 * time is never covered twice.
 */
#include "pivot/timeline.h"

#include <stdlib.h>

/* The starts first_us, first_us + step, ... n of them. */
struct run {
    int64_t first_us, n;
};

struct gaps {
    int64_t step_us;
    bool texts_have_end; /* texts of the data are "start/end", not a start alone */
    struct run *runs;
    size_t n_runs, cap_runs;
    int64_t n_filled;
};

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}
static int64_t ceil_div(int64_t a, int64_t b) {
    return -floor_div(-a, b);
}

/* The starts anchor + i * step (i of any sign) in [low, high). */
static void add_run(struct gaps *gaps, int64_t anchor_us, int64_t low_us, int64_t high_us) {
    int64_t first_us = anchor_us + ceil_div(low_us - anchor_us, gaps->step_us) * gaps->step_us;
    if (first_us >= high_us) {
        return;
    }
    int64_t n = ceil_div(high_us - first_us, gaps->step_us);
    QL_MEM_GROW(gaps->runs, gaps->cap_runs, gaps->n_runs + 1);
    gaps->runs[gaps->n_runs++] = (struct run){.first_us = first_us, .n = n};
    gaps->n_filled += n; /* cannot overflow: instants are within years 1 to 9999, and runs do not overlap */
}

/* by_time: the n distinct intervals, ascending by start. from and to: bounds of starts, or QL_TIME_NONE. */
static void find_runs(struct gaps *gaps, const struct ql_interval *by_time, size_t n, int64_t from_us, int64_t to_us) {
    if (n == 0) {
        if (from_us != QL_TIME_NONE && to_us != QL_TIME_NONE) {
            add_run(gaps, from_us, from_us, to_us);
        }
        return;
    }
    int64_t low = from_us != QL_TIME_NONE ? from_us : by_time[0].start_us;
    int64_t high = to_us != QL_TIME_NONE ? to_us : by_time[n - 1].start_us;
    /* Below the first interval a whole step must fit. */
    int64_t before = by_time[0].start_us - gaps->step_us + 1;
    add_run(gaps, by_time[0].start_us, low, before < high ? before : high);
    int64_t covered = INT64_MIN; /* up to here */
    for (size_t i = 0; i < n; i++) {
        int64_t end_us = by_time[i].end_us > by_time[i].start_us ? by_time[i].end_us : by_time[i].start_us + 1;
        covered = end_us > covered ? end_us : covered;
        int64_t last = i + 1 < n ? by_time[i + 1].start_us - gaps->step_us + 1 : high;
        add_run(gaps, by_time[i].start_us, covered > low ? covered : low, last < high ? last : high);
    }
}

static struct ql_str text_of(struct ql_timeline *timeline, const struct gaps *gaps, int64_t start_us) {
    char text[2 * QL_TIME_TEXT_SIZE];
    size_t len = ql_time_format(start_us, text);
    if (gaps->texts_have_end) {
        text[len++] = '/';
        len += ql_time_format(start_us + gaps->step_us, text + len);
    }
    return (struct ql_str){.ptr = ql_arena_copy(&timeline->arena, text, len), .len = len};
}

/* Merges the added intervals into the distinct ones; each is sorted by the same order, and no two are equal. */
static void merge(struct ql_timeline *timeline, const struct ql_spelt_interval *added, size_t n_added) {
    size_t n_old = timeline->n_intervals;
    size_t n = n_old + n_added;
    uint32_t *moved = ql_mem_alloc(n_old * sizeof *moved);
    struct ql_interval *intervals = ql_mem_alloc(n * sizeof *intervals);
    struct ql_str *texts = timeline->by_text ? ql_mem_alloc(n * sizeof *texts) : NULL;
    for (size_t i = 0, j = 0; i + j < n;) {
        struct ql_spelt_interval next = i < n_old ? ql_timeline_get(timeline, i) : added[j];
        size_t at = i + j;
        if (i < n_old && (j == n_added || ql_timeline_cmp(timeline, &next, &added[j]) < 0)) {
            moved[i++] = (uint32_t)at;
        } else {
            next = added[j++];
        }
        intervals[at] = next.interval;
        if (timeline->by_text) {
            texts[at] = next.text;
        }
    }
    for (size_t i = 0; i < timeline->n_seen; i++) {
        uint32_t *index = &timeline->index_of[i];
        *index = *index != QL_TIMELINE_NONE ? moved[*index] : QL_TIMELINE_NONE;
    }
    ql_mem_free(moved);
    ql_mem_free(timeline->intervals);
    ql_mem_free(timeline->texts);
    timeline->intervals = intervals;
    timeline->texts = texts;
    timeline->n_intervals = n;
    timeline->n_filled = (int64_t)n_added;
}

static void add_intervals(struct ql_timeline *timeline, const struct gaps *gaps) {
    struct ql_spelt_interval *added = ql_mem_alloc((size_t)gaps->n_filled * sizeof *added);
    size_t n = 0;
    for (size_t i = 0; i < gaps->n_runs; i++) { /* runs ascend */
        for (int64_t k = 0; k < gaps->runs[i].n; k++) {
            int64_t start_us = gaps->runs[i].first_us + k * gaps->step_us;
            added[n].interval = (struct ql_interval){.start_us = start_us, .end_us = start_us + gaps->step_us};
            added[n++].text = timeline->by_text ? text_of(timeline, gaps, start_us) : (struct ql_str){0};
        }
    }
    if (timeline->by_text) {
        qsort(added, n, sizeof *added, ql_interval_cmp_text);
    }
    merge(timeline, added, n);
    ql_mem_free(added);
}

/* The step to fill by: what --granularity says, else the length that every interval has, else the smallest step between two. */
static int64_t find_step(const struct ql_timeline *timeline, int64_t granularity_us) {
    if (granularity_us != 0 || timeline->n_intervals == 0) {
        return granularity_us;
    }
    int64_t shortest = INT64_MAX;
    int64_t longest = 0;
    for (size_t i = 0; i < timeline->n_intervals; i++) {
        int64_t length = timeline->intervals[i].end_us - timeline->intervals[i].start_us;
        shortest = length < shortest ? length : shortest;
        longest = length > longest ? length : longest;
    }
    if (shortest == longest) {
        return longest;
    }
    return timeline->step_us != 0 ? timeline->step_us : shortest;
}

enum ql_status ql_timeline_fill_gaps(struct ql_timeline *timeline, const struct ql_pivot_options *options, struct ql_err *err) {
    struct gaps gaps = {.step_us = find_step(timeline, options->granularity_us)};
    if (gaps.step_us <= 0) {
        if (options->from_us == QL_TIME_NONE && options->to_us == QL_TIME_NONE) {
            return QL_OK; /* nothing lies between first and last */
        }
        (void)QL_FAIL(err, QL_E_DATA, "gaps cannot be filled: the data do not show how long an interval is");
        ql_err_hint(err, "say it, for example --granularity 30m, or use --gaps keep");
        return QL_E_DATA;
    }
    size_t n = timeline->n_intervals;
    struct ql_interval *by_time = ql_mem_alloc(n * sizeof *by_time);
    memcpy(by_time, timeline->intervals, n * sizeof *by_time);
    if (timeline->by_text) {
        qsort(by_time, n, sizeof *by_time, ql_interval_cmp_time);
    }
    gaps.texts_have_end = n == 0;
    for (size_t i = 0; i < n && timeline->by_text && !gaps.texts_have_end; i++) {
        struct ql_str text = timeline->texts[i];
        gaps.texts_have_end = text.len != 0 && memchr(text.ptr, '/', text.len) != NULL;
    }
    find_runs(&gaps, by_time, n, options->from_us, options->to_us);
    ql_mem_free(by_time);
    enum ql_status status = QL_OK;
    if (gaps.n_filled != 0 && gaps.n_filled > QL_TIMELINE_MAX - (int64_t)n) {
        status =
            QL_FAIL(err, QL_E_LIMIT, "filling gaps would add %lld intervals of %lld microseconds; %lld in all are the limit",
                    (long long)gaps.n_filled, (long long)gaps.step_us, (long long)QL_TIMELINE_MAX);
        ql_err_hint(err, "say a larger --granularity, a shorter range, or --gaps keep");
    } else {
        add_intervals(timeline, &gaps);
    }
    ql_mem_free(gaps.runs);
    return status;
}
