/** Feeds inputs to csv and writes down what comes out, as text that does not depend on how rows were cut into batches. */
#ifndef QL_TESTS_CSV_HARNESS_H
#define QL_TESTS_CSV_HARNESS_H

#include "support/test.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "csv/csv_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CSV_OFFERED, CSV_ANSWERED, CSV_HANDLE, CSV_LEVEL, CSV_METRICS };
static const struct ql_rows_metric CSV_METRIC[CSV_METRICS] = {
    {.name = {"calls_offered", 13}, .kind = QL_NUMBER_COUNT, .is_required = true},
    {.name = {"calls_answered", 14}, .kind = QL_NUMBER_COUNT, .is_required = true},
    {.name = {"avg_handle_time_seconds", 23}, .kind = QL_NUMBER_DECIMAL, .is_duration = true},
    {.name = {"service_level_percent", 21}, .kind = QL_NUMBER_DECIMAL, .is_percentage = true},
};
#define CSV_HEADER "timeInterval,queue.id,queue.name,callsOffered,callsAnswered,avgHandleTimeSeconds,serviceLevelPercent\n"
#define CSV_INTERVAL "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"
/* The same, as rows are written down. */
#define CSV_SEEN "2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z"

/* What is kept of a lane's dictionary: as long as its number is the same it may only grow. */
struct csv_dictionary {
    uint64_t number;
    size_t n_queues;
};

struct csv_result {
    struct ql_buf rows;    /* a line each: start/end|id|name|value|value... */
    struct ql_buf headers; /* a line an input: presence of the metrics and of ids, "1110 id" */
    struct ql_buf quarantine;
    struct ql_csv_stats stats;
    enum ql_status status;
    struct ql_err err;
    size_t n_batches, n_metrics;
    size_t fail_after_batches; /* the sink fails then; 0: never */
    size_t n_dictionaries;
    size_t n_packed; /* not taken or dropped */
    bool is_taking;
    struct csv_dictionary dictionaries[QL_PARALLEL_MAX_THREADS];
    struct ql_csv_tuning tuning;
};

static inline void csv_result_fini(struct csv_result *result) {
    ql_buf_fini(&result->rows);
    ql_buf_fini(&result->headers);
    ql_buf_fini(&result->quarantine);
}

static inline void csv_put_time(struct ql_buf *out, int64_t us) {
    char text[QL_TIME_TEXT_SIZE];
    if (us == QL_TIME_NONE) {
        ql_buf_putc(out, '-');
    } else {
        ql_buf_put(out, text, ql_time_format(us, text));
    }
}

/* k / 10^scale as digits and an exponent without superfluous zeros, "-123e-2"; so every spelling of a value is one text. */
static inline void csv_put_digits(struct ql_buf *out, struct ql_str digits, long exponent) {
    bool is_negative = digits.len != 0 && digits.ptr[0] == '-';
    digits.ptr += is_negative;
    digits.len -= is_negative;
    while (digits.len != 0 && digits.ptr[0] == '0') {
        digits.ptr++;
        digits.len--;
    }
    while (digits.len != 0 && digits.ptr[digits.len - 1] == '0') {
        digits.len--;
        exponent++;
    }
    if (digits.len == 0) {
        ql_buf_puts(out, "0");
        return;
    }
    ql_buf_puts(out, is_negative ? "-" : "");
    ql_buf_put_str(out, digits);
    if (exponent != 0) {
        ql_buf_printf(out, "e%ld", exponent);
    }
}

static inline void csv_put_number(struct ql_buf *out, const struct ql_number_column *column, size_t row) {
    int64_t k = column->k[row];
    if (k == QL_NUMBER_MISSING) {
        ql_buf_putc(out, '-');
        return;
    }
    if (k == QL_NUMBER_WIDE) {
        for (size_t i = 0; i < column->n_wide; i++) {
            assert_true(i == 0 || column->wide[i - 1].row < column->wide[i].row);
            if (column->wide[i].row == row) {
                /* -?digits[.digits][e+-dd]: ours has no point */
                struct ql_str exponent;
                struct ql_str digits = ql_str_split(column->wide[i].text, 'e', &exponent);
                assert_null(memchr(digits.ptr, '.', digits.len));
                csv_put_digits(out, digits, exponent.len != 0 ? strtol(exponent.ptr, NULL, 10) : 0);
                return;
            }
        }
        fail_msg("row %zu has no wide number", row);
    }
    struct ql_buf digits = {0};
    ql_buf_printf(&digits, "%" PRId64, k);
    csv_put_digits(out, ql_buf_view(&digits), -(long)column->scale);
    ql_buf_fini(&digits);
}

static inline enum ql_status csv_on_header(void *ctx, const struct ql_csv_header *header, struct ql_err *err) {
    struct csv_result *result = ctx;
    (void)err;
    for (size_t i = 0; i < result->n_metrics; i++) {
        ql_buf_putc(&result->headers, header->is_present[i] ? '1' : '0');
    }
    ql_buf_puts(&result->headers, header->has_queue_id ? " id\n" : "\n");
    return QL_OK;
}

/* A row with its queue and its run, as text that does not depend on codes, scales and how rows were cut. */
static inline void csv_put_row(struct ql_buf *out, const struct ql_rows *rows, size_t i, const struct ql_rows_run *run) {
    const struct ql_rows_queue *queue = &rows->queues[rows->queue[i]];
    if (rows->input != 0) {
        ql_buf_printf(out, "%u:", rows->input);
    }
    csv_put_time(out, run->start_us);
    ql_buf_putc(out, '/');
    csv_put_time(out, run->end_us);
    if (run->text.ptr != NULL) {
        ql_buf_putc(out, '|');
        ql_buf_put_str(out, run->text); /* not by printf, which ASan does not watch */
    }
    ql_buf_putc(out, '|');
    ql_buf_put_str(out, rows->has_queue_id ? queue->id : QL_STR("(none)"));
    ql_buf_putc(out, '|');
    assert_true(queue->name.len != 0);
    ql_buf_put_str(out, queue->name);
    for (size_t m = 0; m < rows->n_metrics; m++) {
        ql_buf_putc(out, '|');
        csv_put_number(out, &rows->metrics[m], i);
    }
    ql_buf_putc(out, '\n');
}

static inline enum ql_status csv_on_pack(void *ctx, const struct ql_rows *rows, void **packed, struct ql_err *err) {
    struct csv_result *result = ctx;
    struct ql_buf *out = ql_mem_zalloc(1, sizeof *out);
    (void)err;
    assert_true(rows->n_rows != 0 && rows->n_runs != 0);
    assert_true(rows->lane < QL_PARALLEL_MAX_THREADS);
    assert_true(result->tuning.max_queues == 0 || rows->n_queues <= result->tuning.max_queues);
    struct csv_dictionary *dictionary = &result->dictionaries[rows->lane];
    assert_true(rows->dictionary >= dictionary->number);
    if (rows->dictionary == dictionary->number) {
        assert_true(rows->n_queues >= dictionary->n_queues);
    } else {
        (void)__atomic_add_fetch(&result->n_dictionaries, 1, __ATOMIC_RELAXED);
    }
    *dictionary = (struct csv_dictionary){.number = rows->dictionary, .n_queues = rows->n_queues};
    size_t row = 0;
    for (size_t r = 0; r < rows->n_runs; r++) {
        assert_true(rows->runs[r].n_rows != 0);
        for (size_t end = row + rows->runs[r].n_rows; row < end; row++) {
            assert_true(row < rows->n_rows && rows->queue[row] < rows->n_queues);
            csv_put_row(out, rows, row, &rows->runs[r]);
        }
    }
    assert_int_equal(row, rows->n_rows);
    (void)__atomic_add_fetch(&result->n_packed, 1, __ATOMIC_RELAXED);
    *packed = out;
    return QL_OK;
}

static inline void csv_on_drop(void *ctx, void *packed) {
    struct csv_result *result = ctx;
    ql_buf_fini(packed);
    ql_mem_free(packed);
    (void)__atomic_sub_fetch(&result->n_packed, 1, __ATOMIC_RELAXED);
}

static inline enum ql_status csv_on_take(void *ctx, void *packed, struct ql_err *err) {
    struct csv_result *result = ctx;
    assert_false(__atomic_exchange_n(&result->is_taking, true, __ATOMIC_ACQUIRE));
    ql_buf_put_str(&result->rows, ql_buf_view(packed));
    csv_on_drop(ctx, packed);
    result->n_batches++;
    bool is_full = result->fail_after_batches == result->n_batches;
    __atomic_store_n(&result->is_taking, false, __ATOMIC_RELEASE);
    return is_full ? QL_FAIL(err, QL_E_IO, "the sink is full") : QL_OK;
}

static inline struct ql_csv_sink csv_sink(struct csv_result *result) {
    return (struct ql_csv_sink){
        .header = csv_on_header, .pack = csv_on_pack, .take = csv_on_take, .drop = csv_on_drop, .ctx = result};
}

static inline enum ql_status csv_on_quarantine(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct csv_result *result = ctx;
    (void)err;
    ql_buf_put(&result->quarantine, ptr, len);
    return QL_OK;
}

static inline struct ql_csv_options csv_options(void) {
    return (struct ql_csv_options){
        .metrics = CSV_METRIC, .n_metrics = CSV_METRICS, .from_us = QL_TIME_NONE, .to_us = QL_TIME_NONE, .max_bad_rows = -1};
}

/* From a buffer of exactly the chunk's size that is gone afterwards: reading beyond it or later is an error that ASan sees. */
static inline enum ql_status csv_feed_exact(struct ql_csv *csv, const char *ptr, size_t len, struct ql_err *err) {
    char *chunk = malloc(len != 0 ? len : 1);
    assert_non_null(chunk);
    memcpy(chunk, ptr, len);
    enum ql_status status = ql_csv_feed(csv, chunk, len, err);
    free(chunk);
    return status;
}

struct csv_feed {
    struct ql_str text;
    const char *name; /* NULL: "in.csv" */
    bool is_unsized;
    size_t first; /* size of the first chunk; 0: chunk */
    size_t chunk; /* of the others; 0: all that is left */
    bool by_room; /* bytes are put where ql_csv_room says, as many as it says or as a chunk has */
};

/* What is left of n bytes after one feed. */
static inline size_t csv_feed_some(struct ql_csv *csv, const struct csv_feed *feed, const char *ptr, size_t n,
                                   struct csv_result *result) {
    size_t room = 0;
    char *to = feed->by_room ? ql_csv_room(csv, &room) : NULL;
    if (to == NULL) {
        result->status = csv_feed_exact(csv, ptr, n, &result->err);
        return n;
    }
    assert_true(room != 0);
    n = n < room ? n : room;
    memcpy(to, ptr, n);
    result->status = ql_csv_feed(csv, to, n, &result->err);
    return n;
}

static inline void csv_feed_input(struct ql_csv *csv, const struct csv_feed *feed, struct csv_result *result) {
    ql_csv_input_begin(csv, ql_str_from(feed->name != NULL ? feed->name : "in.csv"), feed->is_unsized);
    size_t at = 0;
    while (at < feed->text.len && result->status == QL_OK) {
        size_t want = at == 0 && feed->first != 0 ? feed->first : feed->chunk;
        size_t n = want != 0 && want < feed->text.len - at ? want : feed->text.len - at;
        at += csv_feed_some(csv, feed, feed->text.ptr + at, n, result);
    }
    if (result->status == QL_OK) {
        result->status = ql_csv_input_end(csv, &result->err);
    }
}

/** result must be empty, but for fail_after_batches and tuning. */
static inline void csv_run_feeds(const struct ql_csv_options *options, const struct csv_feed *feeds, size_t n,
                                 struct csv_result *result) {
    struct ql_csv_options with_quarantine = *options;
    const struct ql_csv_sink sink = csv_sink(result);
    with_quarantine.quarantine = (struct ql_sink){.write = csv_on_quarantine, .ctx = result};
    result->n_metrics = options->n_metrics;
    struct ql_csv *csv = ql_csv_new_tuned(&with_quarantine, &sink, &result->tuning);
    for (size_t i = 0; i < n && result->status == QL_OK; i++) {
        csv_feed_input(csv, &feeds[i], result);
    }
    ql_csv_get_stats(csv, &result->stats);
    ql_csv_free(csv);
    assert_int_equal(result->n_packed, 0);
}

/** Whatever a user could see of a run, as one text. How much was delivered before an error is not promised. */
static inline void csv_put_everything(const struct ql_csv_options *options, const struct ql_csv_tuning *tuning,
                                      const struct csv_feed *feeds, size_t n, struct ql_buf *out) {
    struct csv_result result = {0};
    if (tuning != NULL) {
        result.tuning = *tuning;
    }
    csv_run_feeds(options, feeds, n, &result);
    const struct ql_csv_stats *stats = &result.stats;
    ql_buf_printf(out, "%s|%s|%s|%" PRId64 "|%" PRId64 "|%s\n", ql_status_name(result.status), result.err.message,
                  ql_err_get_hint(&result.err), result.err.row, result.err.byte_offset, result.err.column);
    ql_buf_put_str(out, ql_buf_view(&result.headers));
    ql_buf_put_str(out, ql_buf_view(&result.quarantine));
    if (result.status == QL_OK) {
        ql_buf_printf(out, "%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "\n",
                      stats->rows, stats->bad_rows, stats->missing_values, stats->nan_values, stats->out_of_range_rows,
                      stats->ignored_columns, stats->bytes_in, stats->bytes_decoded);
        ql_buf_put_str(out, ql_buf_view(&result.rows));
    }
    csv_result_fini(&result);
}

/** Shows where two such texts part. */
static inline void csv_assert_same(const struct ql_buf *got, const struct ql_buf *expected, const char *what) {
    size_t at = 0;
    while (at < got->len && at < expected->len && got->ptr[at] == expected->ptr[at]) {
        at++;
    }
    if (at != got->len || at != expected->len) {
        size_t from = at > 99 ? at - 99 : 0;
        fail_msg("%s: at byte %zu\ngot: %.400s\nexpected: %.400s", what, at, ql_buf_text(got) + from,
                 ql_buf_text(expected) + from);
    }
}

static inline void csv_run(const struct ql_csv_options *options, struct ql_str text, struct csv_result *result) {
    const struct csv_feed feed = {.text = text};
    csv_run_feeds(options, &feed, 1, result);
}

static inline void csv_assert_contains(const char *text, const char *part, const char *what) {
    if (strstr(text, part) == NULL) {
        fail_msg("%s: '%s' has no '%s'", what, text, part);
    }
}

/** Runs and expects these rows, written as above. */
static inline void csv_expect_rows(const struct ql_csv_options *options, struct ql_str text, const char *rows) {
    struct csv_result result = {0};
    csv_run(options, text, &result);
    if (result.status != QL_OK) {
        fail_msg("%.*s: %s: %s", QL_STR_ARG(text), ql_status_name(result.status), result.err.message);
    }
    assert_string_equal(ql_buf_text(&result.rows), rows);
    csv_result_fini(&result);
}

/** Runs and expects the status, with `part` in the message and, unless NULL, `hint` in the hint. */
static inline void csv_expect_error(const struct ql_csv_options *options, struct ql_str text, enum ql_status status,
                                    const char *part, const char *hint) {
    struct csv_result result = {0};
    csv_run(options, text, &result);
    if (result.status != status) {
        fail_msg("%.*s: %s (%s) instead of %s", QL_STR_ARG(text), ql_status_name(result.status), result.err.message,
                 ql_status_name(status));
    }
    assert_int_equal(result.err.status, status);
    csv_assert_contains(result.err.message, part, "message");
    if (hint != NULL) {
        csv_assert_contains(ql_err_get_hint(&result.err), hint, "hint");
    }
    csv_result_fini(&result);
}

#endif
