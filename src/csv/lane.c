/*
 * One thread's way from text to packed batches: scanner and index, reader with its dictionary, batch. What happens to a full
 * batch and to what is not plain is the caller's: careful.c delivers at once and judges, blocks.c keeps and gives up.
 */
#include "csv/csv_internal.h"

void ql_csv_lane_init(struct ql_csv_lane *lane, uint32_t number, const struct ql_csv_options *options) {
    lane->number = number;
    lane->scanner.kernel = ql_csv_kernel_choose(options->cpu);
    ql_csv_batch_init(&lane->batch, options->n_metrics);
}

void ql_csv_lane_fini(struct ql_csv_lane *lane) {
    ql_csv_scanner_fini(&lane->scanner);
    ql_csv_reader_fini(&lane->reader);
    ql_csv_batch_fini(&lane->batch);
}

void ql_csv_lane_begin(struct ql_csv_lane *lane, const struct ql_csv_input *input) {
    if (lane->n_begun == input->number) {
        return;
    }
    lane->n_begun = input->number;
    lane->input = input;
    ql_csv_reader_begin(&lane->reader, input->options, input->columns, input->queues);
    ql_csv_dictionary_reset(&lane->reader.dictionary, lane->max_queues); /* this input's columns may mean something else */
    ql_csv_scanner_begin(&lane->scanner, input->limits, input->delimiter, input->columns->n_columns);
    ql_csv_batch_reset(&lane->batch);
    for (size_t i = 0; i < input->options->n_metrics; i++) {
        if (!input->columns->is_present[i]) {
            ql_csv_batch_set_absent(&lane->batch, i);
        }
    }
}

void ql_csv_counts_add(struct ql_csv_counts *counts, const struct ql_csv_counts *more) {
    counts->rows += more->rows;
    counts->missing_values += more->missing_values;
    counts->nan_values += more->nan_values;
    counts->out_of_range_rows += more->out_of_range_rows;
    counts->several_queues_rows += more->several_queues_rows;
    counts->partial_rows += more->partial_rows;
}

struct ql_csv_counts ql_csv_lane_take_counts(struct ql_csv_lane *lane) {
    struct ql_csv_reader *reader = &lane->reader;
    const struct ql_csv_counts counts = {.rows = lane->n_packed,
                                         .missing_values = reader->missing_values,
                                         .nan_values = reader->nan_values,
                                         .out_of_range_rows = reader->out_of_range_rows,
                                         .several_queues_rows = reader->several_queues_rows,
                                         .partial_rows = reader->partial_rows};
    lane->n_packed = 0;
    reader->missing_values = 0;
    reader->nan_values = 0;
    reader->out_of_range_rows = 0;
    reader->several_queues_rows = 0;
    reader->partial_rows = 0;
    ql_csv_batch_reset(&lane->batch);
    return counts;
}

enum ql_status ql_csv_lane_flush(struct ql_csv_lane *lane, struct ql_csv_reading *reading, struct ql_err *err) {
    const struct ql_csv_input *input = lane->input;
    const struct ql_csv_dictionary *dictionary = &lane->reader.dictionary;
    enum ql_status status = QL_OK;
    if (lane->batch.n_rows != 0) {
        void *packed = NULL;
        struct ql_rows rows = {.input = (uint32_t)(input->number - 1),
                               .lane = lane->number,
                               .queues = dictionary->queues,
                               .n_queues = dictionary->n_entries,
                               .dictionary = dictionary->number,
                               .has_queue_id = input->columns->queue_id != QL_CSV_NONE};
        ql_csv_batch_view(&lane->batch, &rows);
        status = input->sink->pack(input->sink->ctx, &rows, &packed, err);
        if (status == QL_OK) {
            lane->n_packed += (int64_t)rows.n_rows;
            status = reading->deliver(reading->ctx, packed, err);
        }
    }
    ql_csv_batch_reset(&lane->batch);
    return status;
}

static enum ql_status flush_if_full(struct ql_csv_lane *lane, struct ql_csv_reading *reading, struct ql_err *err) {
    return ql_csv_batch_is_full(&lane->batch) ? ql_csv_lane_flush(lane, reading, err) : QL_OK;
}

static enum ql_status read_row(struct ql_csv_lane *lane, const struct ql_csv_row *row, struct ql_csv_reading *reading,
                               struct ql_err *err) {
    if (reading->n_rows_left == 0) {
        return reading->odd(reading->ctx, QL_CSV_SCAN_MAX_ROWS, row, NULL, err);
    }
    reading->n_rows_left--;
    if (ql_csv_dictionary_is_full(&lane->reader.dictionary)) {
        QL_TRY(ql_csv_lane_flush(lane, reading, err));
        ql_csv_dictionary_reset(&lane->reader.dictionary, lane->max_queues);
    }
    struct ql_csv_defect defect;
    bool is_read = ql_csv_reader_read(&lane->reader, row, &lane->batch, &defect);
    if (!is_read && defect.fault != QL_CSV_FAULT_SEVERAL_QUEUES) { /* that one is counted and no more */
        QL_TRY(reading->odd(reading->ctx, QL_CSV_SCAN_ROW, row, &defect, err));
    }
    return flush_if_full(lane, reading, err);
}

static size_t rows_max(const struct ql_csv_lane *lane, const struct ql_csv_reading *reading) {
    size_t n_max = QL_CSV_BATCH_ROWS - lane->batch.n_rows;
    return reading->n_rows_left < (int64_t)n_max ? (size_t)reading->n_rows_left : n_max;
}

static size_t read_some(struct ql_csv_lane *lane, struct ql_csv_scanner *scanner, size_t n_max) {
    struct ql_csv_guess guess = {.delimiter = lane->input->delimiter};
    struct ql_csv_indexed_rows rows;
    size_t n = 0;
    if (lane->input->columns->completed != QL_CSV_NONE) { /* every row has to be asked whether the file is complete */
        return 0;
    }
    if (lane->reader.can_guess && ql_csv_scanner_view_text(scanner, &guess.text)) {
        const struct ql_csv_limits *limits = lane->input->limits;
        guess.max_row_bytes = limits->max_field_bytes < limits->max_row_bytes ? limits->max_field_bytes : limits->max_row_bytes;
        n = scanner->kernel->guess(&lane->reader, &guess, n_max, &lane->batch);
        ql_csv_scanner_skip_text(scanner, guess.n_bytes, n);
    }
    if (n == 0 && ql_csv_scanner_view_indexed(scanner, &rows)) {
        n = ql_csv_reader_read_indexed(&lane->reader, &rows, n_max, &lane->batch);
        ql_csv_scanner_skip_indexed(scanner, n);
    }
    return n;
}

/* As many rows as can be read quickly, up to one that has to be scanned. */
static enum ql_status read_quickly(struct ql_csv_lane *lane, struct ql_csv_scanner *scanner, struct ql_csv_reading *reading,
                                   struct ql_err *err) {
    size_t n = 1;
    while (n != 0) {
        n = read_some(lane, scanner, rows_max(lane, reading));
        reading->n_rows_left -= (int64_t)n;
        QL_TRY(flush_if_full(lane, reading, err));
    }
    return QL_OK;
}

static enum ql_status read_result(struct ql_csv_lane *lane, enum ql_csv_scan_result result, const struct ql_csv_row *row,
                                  struct ql_csv_reading *reading, struct ql_err *err) {
    return result == QL_CSV_SCAN_ROW ? read_row(lane, row, reading, err) : reading->odd(reading->ctx, result, row, NULL, err);
}

enum ql_status ql_csv_lane_read(struct ql_csv_lane *lane, struct ql_csv_scanner *scanner, struct ql_str text,
                                struct ql_csv_reading *reading, struct ql_err *err) {
    struct ql_csv_row row;
    ql_csv_scanner_put(scanner, text);
    for (;;) {
        QL_TRY(read_quickly(lane, scanner, reading, err));
        enum ql_csv_scan_result result = ql_csv_scanner_next(scanner, &row);
        if (result == QL_CSV_SCAN_MORE) {
            return QL_OK;
        }
        QL_TRY(read_result(lane, result, &row, reading, err));
    }
}

enum ql_status ql_csv_lane_read_end(struct ql_csv_lane *lane, struct ql_csv_scanner *scanner, struct ql_csv_reading *reading,
                                    struct ql_err *err) {
    struct ql_csv_row row;
    enum ql_csv_scan_result result = ql_csv_scanner_end(scanner, &row);
    return result == QL_CSV_SCAN_MORE ? QL_OK : read_result(lane, result, &row, reading, err);
}
