/**
 * Rows as narrow tuples {interval, label of the queue, one integer per metric column}: a structure of arrays in one piece of
 * memory, 10 to 13 bytes a row for most exports, the same in memory and in the temporary file.
 *
 * Intervals are run-length coded where that is shorter. A column has one width (8, 16, 32 or 64 bits, the smallest that all its
 * numbers fit) and one decimal scale. What is no int64 at the scale is in a side table, by row. Tuples never change once they
 * are made; slices of them are what buckets and parts are made of.
 */
#ifndef QL_PIVOT_TUPLES_H
#define QL_PIVOT_TUPLES_H

#include "pivot/blocks.h"
#include "pivot/slots.h"
#include "table/rows.h"

/* A column of `width` bytes marks a missing number, as a batch does, by the smallest integer of its type. */
struct ql_tuple_column {
    void *k; /* [n_rows] int8_t, int16_t, int32_t or int64_t (then also QL_NUMBER_WIDE) */
    /* No |k| is above it; UINT64_MAX: there are numbers in the side table. Some k may be from below QL_SLOT_MIN. */
    uint64_t magnitude;
    uint8_t width, scale;
};

/** A number of the side table. */
struct ql_tuple_wide {
    uint32_t row, column; /* ascending by row, then column */
    uint32_t text_len;    /* 0: k */
    int32_t scale;        /* of k; may be negative */
    union {
        int64_t k;
        uint64_t text_at; /* in text */
    } v;
};

/** Sorts a side table. */
void ql_tuple_wides_sort(struct ql_tuple_wide *wide, size_t n);

struct ql_tuples {
    size_t size; /* in bytes, all of it: a multiple of 8 */
    struct ql_block *block;
    uint32_t n_rows, n_runs, n_columns, n_wide;
    uint64_t n_text;   /* bytes */
    uint32_t input;    /* of all rows */
    bool has_run_lens; /* else every run is one row */
    uint8_t label_width;
    /* Arrays, behind the columns: */
    struct ql_tuple_wide *wide;
    uint32_t *interval; /* [n_runs] entry of the timeline */
    uint32_t *run_len;  /* [n_runs] */
    void *label;        /* [n_rows] uint8_t, uint16_t or uint32_t */
    char *text;
    struct ql_tuple_column columns[];
};

/** Whole runs of some tuples. */
struct ql_slice {
    const struct ql_tuples *tuples;
    uint32_t first_row, n_rows, first_run, n_runs;
};

/** Bytes of the header alone. */
size_t ql_tuples_header_size(size_t n_columns);
/** Tuples like the header, in a block of their own (slabs: of these, or NULL); the arrays are not filled. */
struct ql_tuples *ql_tuples_new(const struct ql_tuples *header, struct ql_slabs *slabs);
/** Tuples that were read from a file. */
void ql_tuples_moved(struct ql_tuples *tuples, struct ql_block *block);

static inline uint32_t ql_tuples_run_len(const struct ql_tuples *tuples, size_t run) {
    return tuples->has_run_lens ? tuples->run_len[run] : 1;
}
static inline struct ql_slice ql_tuples_all(const struct ql_tuples *tuples) {
    return (struct ql_slice){.tuples = tuples, .n_rows = tuples->n_rows, .n_runs = tuples->n_runs};
}

/** How many of the first slices are worth joining, because they are small and alike; 1: none. Blocks from `serial` on do not
 * count. */
size_t ql_slices_count_small(const struct ql_slice *slices, size_t n_slices, uint64_t serial);
/** A copy of the rows of slices, which are alike, as tuples with a block of their own. */
struct ql_tuples *ql_slices_join(const struct ql_slice *slices, size_t n_slices);

/** Scratch of regrouping; zero-initialise to start. */
struct ql_regroup {
    uint32_t *run_from, *row_from, *begin;
    size_t cap_run_from, cap_row_from, cap_begin;
};
void ql_regroup_fini(struct ql_regroup *scratch);
/**
 * A copy of the slice's rows by group, where group_of_run[n_runs] says which of n_groups a run is of, as tuples with a block of
 * their own (slabs: of these, or NULL). groups[n_groups] become its slices, some of them empty.
 */
struct ql_tuples *ql_slice_regroup(const struct ql_slice *slice, const uint32_t *group_of_run, size_t n_groups,
                                   struct ql_regroup *scratch, struct ql_slice *groups, struct ql_slabs *slabs);

#endif
