/**
 * What the files of the source `aggregates` share. An answer's way: request (aggregates_request.c), window by window
 * (aggregates.c, aggregates_window.c), by a query or a job (aggregates_job.c), read (aggregates_page.c) into a batch of rows
 * (aggregates_batch.c).
 */
#ifndef QL_SOURCE_AGGREGATES_H
#define QL_SOURCE_AGGREGATES_H

#include "source/routing_queues.h"
#include "source/source_internal.h"
#include "json/pull.h"

#include "base/mem.h"

/* ---- aggregates_metrics.c: what a column is made of */

enum ql_stat { QL_STAT_COUNT, QL_STAT_SUM, QL_STAT_NUMERATOR, QL_STAT_DENOMINATOR, QL_N_STATS };

struct ql_aggregate_column {
    const char *name;   /* of the rows' column */
    const char *metric; /* the API's */
    enum ql_stat stat;
    int shift; /* the column's unit is 10^shift of the API's: 3 for seconds of milliseconds */
};
/** NULL: there is none of that name. */
const struct ql_aggregate_column *ql_aggregate_column_find(struct ql_str name);
/** "tHandle" -> the other half of the same fraction: QL_STAT_SUM and _COUNT, QL_STAT_NUMERATOR and _DENOMINATOR. */
enum ql_stat ql_stat_partner(enum ql_stat stat);

/* ---- aggregates_batch.c: rows on their way to the sink */

struct ql_aggregate_number {
    int64_t k; /* QL_NUMBER_MISSING */
    int scale;
};
/** A JSON number divided by 10^shift, exactly; false if that is no k / 10^scale with scale up to 18. */
bool ql_aggregate_number_parse(struct ql_str text, int shift, struct ql_aggregate_number *number);

struct ql_aggregate_batch {
    size_t n_columns;
    size_t n_rows;
    struct ql_rows_run *runs;
    uint32_t *queue;
    struct ql_number_column *columns;
    /* The queues that rows are of; codes never change. */
    struct ql_rows_queue *queues;
    size_t n_queues, cap_queues;
    uint32_t *table; /* open addressing by id and media type: code + 1, or 0 */
    size_t table_size;
    struct ql_str *keys; /* [n_queues] */
    size_t cap_keys;
    struct ql_arena arena;
};
void ql_aggregate_batch_init(struct ql_aggregate_batch *batch, size_t n_columns);
void ql_aggregate_batch_fini(struct ql_aggregate_batch *batch);
/** The code of a queue; name: what to call it if it is new. media_type: empty where queues are not told apart by it. */
uint32_t ql_aggregate_batch_code(struct ql_aggregate_batch *batch, struct ql_str id, struct ql_str name,
                                 struct ql_str media_type);
/** Adds a row; hands the batch to the sink first where it is full, or the numbers do not fit its scales. */
QL_MUST_CHECK enum ql_status ql_aggregate_batch_add(struct ql_aggregate_batch *batch, const struct ql_rows_run *interval,
                                                    uint32_t queue, const struct ql_aggregate_number *numbers,
                                                    const struct ql_source_sink *sink, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_aggregate_batch_flush(struct ql_aggregate_batch *batch, const struct ql_source_sink *sink,
                                                      struct ql_err *err);

/* ---- aggregates_window.c: ranges cut where intervals end */

struct ql_window_rule {
    int64_t granularity_us, to_us;
    const struct ql_tz *tz; /* NULL: UTC */
};
/** The end of a window that begins at from_us and has about n intervals, n > 0: behind from_us, at most to_us. */
int64_t ql_window_end(const struct ql_window_rule *rule, int64_t from_us, int64_t n);

/* ---- aggregates.c */

struct ql_aggregates {
    struct ql_source source; /* first */
    struct ql_genesys genesys;
    struct ql_aggregates_options options;
    const struct ql_source_sink *sink; /* during fetch */
    struct ql_routing_queues queues;
    struct ql_aggregate_batch batch;
    const struct ql_aggregate_column **columns; /* [sink->n_columns], NULL where there is none */
    const char **metrics;                       /* those of the API that the columns need */
    size_t n_metrics;
    struct ql_str *queue_ids, *division_ids; /* the filter */
    size_t n_queue_ids, n_division_ids;
    size_t first_queue, n_chunk_queues; /* those of queue_ids that are asked for now */
    int64_t page_size, most_page_size;  /* of jobs; most: not beyond, because more was too much */
    int64_t n_without_queue, n_halves;  /* of the windows that were kept */
    bool has_no_jobs;
};

/** A part of the range, and what became of it. */
struct ql_window {
    int64_t from_us, to_us;
    size_t largest_bytes; /* of its answers */
    int64_t n_answers;
    int64_t n_without_queue, n_halves; /* intervals of no queue; fractions of which one side is missing */
    bool is_too_much;                  /* it failed because the server, or we, would not have so much at once */
    bool is_unknown;                   /* the server has no such thing as jobs */
};

/** The query of a window. page_size: 0 for a query without pages. */
void ql_aggregates_request_body(const struct ql_aggregates *aggregates, const struct ql_window *window, int64_t page_size,
                                struct ql_buf *out);
/** Sends a call. Anything but the answers 200 and 202 is an error, and is_too_much says whether less would have been better. */
QL_MUST_CHECK enum ql_status ql_aggregates_send(struct ql_aggregates *aggregates, const struct ql_genesys_call *call,
                                                struct ql_window *window, struct ql_http_response *response,
                                                struct ql_err *err);
/** Whether an error's words say that less would have been given: "The interval is too long. It must not be longer than 31 days"
 */
bool ql_aggregates_complains_of_much(const char *message);
/** Reads an answer's rows into the batch; *cursor: of the next page, or empty. */
QL_MUST_CHECK enum ql_status ql_aggregates_read(struct ql_aggregates *aggregates, struct ql_window *window,
                                                const struct ql_http_response *response, struct ql_buf *cursor,
                                                struct ql_err *err);
/** A window by way of a job, which is cancelled if it is not read to its end. */
QL_MUST_CHECK enum ql_status ql_aggregates_job(struct ql_aggregates *aggregates, struct ql_window *window, struct ql_err *err);
/** A JSON answer that is not held twice; rows go to the batch. For tests, too. */
QL_MUST_CHECK enum ql_status ql_aggregates_read_page(struct ql_aggregates *aggregates, struct ql_window *window,
                                                     struct ql_str text, struct ql_buf *cursor, struct ql_err *err);

#endif
