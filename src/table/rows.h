/**
 * Rows on their way from a reader to the pivot: a batch of typed columns, the only currency between csv (or another source
 * of rows) and pivot. A batch and everything it points at is valid only during the call that hands it on.
 */
#ifndef QL_TABLE_ROWS_H
#define QL_TABLE_ROWS_H

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

#include <stdint.h>

/* A number column's cell that is no int64 at the column's scale. */
#define QL_NUMBER_MISSING INT64_MIN
#define QL_NUMBER_WIDE (INT64_MIN + 1) /* see `wide` */

/** A number that does not fit an int64 at the batch's scale: canonical decimal text, `-?digits[.digits][e±dd]`, already checked
 * and finite. */
struct ql_wide_number {
    uint32_t row;
    struct ql_str text;
};

/**
 * Exact decimals as written: cell value = k[row] / 10^scale. One scale for the whole batch (0 to 18), chosen by the reader, at
 * least what the batch needs; it may differ from batch to batch. Scale 0 for counts, which are never negative.
 */
struct ql_number_column {
    int64_t *k;
    uint8_t scale;
    const struct ql_wide_number *wide; /* ascending by row */
    size_t n_wide;
};

/** Rows that follow one another and are of one interval. */
struct ql_rows_run {
    int64_t start_us, end_us; /* end: QL_TIME_NONE where the input gives only a start */
    struct ql_str text;       /* the input's own words (profile pandas); {0} if not asked for */
    uint32_t n_rows;          /* at least 1 */
};

struct ql_rows_queue {
    struct ql_str id;         /* blank: .len = 0 */
    struct ql_str name;       /* never blank: an id stands in for a blank name */
    struct ql_str media_type; /* where queues are told apart by it, too; else blank */
};

/**
 * What a reader delivers. Metric columns are in the order in which they were asked for.
 *
 * Readers may be several, each on a thread of its own: `lane` says which one. Queues are codes into the lane's dictionary,
 * which only grows as long as `dictionary` keeps its value; with another value it is another dictionary. A dictionary may hold
 * queues that no row mentions, and one queue under several codes (spelled with quotes and without).
 */
struct ql_rows {
    size_t n_rows;
    uint32_t input; /* ordinal of the input file, from 0: for --overlap */
    uint32_t lane;  /* below QL_PARALLEL_MAX_THREADS */
    size_t n_runs;
    const struct ql_rows_run *runs; /* their n_rows add up to n_rows; neighbours may be equal */
    const uint32_t *queue;          /* [n_rows] indices into queues */
    const struct ql_rows_queue *queues;
    size_t n_queues;
    uint64_t dictionary;
    bool has_queue_id; /* the input has ids */
    size_t n_metrics;
    const struct ql_number_column *metrics;
};

enum ql_number_kind {
    QL_NUMBER_COUNT,  /* an integral value of any spelling, not negative */
    QL_NUMBER_DECIMAL /* any finite decimal; also HH:MM:SS[.fff] where `is_duration` */
};

/** One metric column that a reader is asked for. */
struct ql_rows_metric {
    struct ql_str name; /* canonical, normalised column name */
    enum ql_number_kind kind;
    bool is_duration;   /* HH:MM:SS is accepted and means seconds */
    bool is_percentage; /* a trailing % is accepted */
    bool is_required;   /* its absence is an error; else the reader reports it in `is_present` */
};

#endif
