/*
 * The reader that knows where it is: it reads text in order, one piece after the other, hands every batch on at once, and is
 * the only one that judges what is not plain: bad rows, limits, quotes that stay open.
 *
 * Lines and bytes that others read in between are added to its scanner's by blocks.c, and what they counted to its counts.
 */
#include "csv/csv_internal.h"

#include <inttypes.h>

static void set_line(struct ql_err *err, int64_t line, int64_t offset) {
    if (err != NULL) {
        err->row = line;
        err->byte_offset = offset;
    }
}

enum ql_status ql_csv_fail_limit(const struct ql_csv_limits *limits, enum ql_csv_scan_result limit, int64_t line,
                                 int64_t offset, struct ql_err *err) {
    const char *const OPEN_QUOTE = "look for a quote that is not closed; if the data are right, raise";
    switch (limit) {
    case QL_CSV_SCAN_MAX_FIELD:
        (void)QL_FAIL(err, QL_E_LIMIT, "line %" PRId64 ": a field is longer than %zu bytes, the limit of --max-field-bytes",
                      line, limits->max_field_bytes);
        ql_err_hint(err, "%s --max-field-bytes", OPEN_QUOTE);
        break;
    case QL_CSV_SCAN_MAX_COLUMNS:
        (void)QL_FAIL(err, QL_E_LIMIT, "the header has more than %zu columns, the limit of --max-columns", limits->max_columns);
        ql_err_hint(err, "raise --max-columns if the data are right");
        break;
    case QL_CSV_SCAN_MAX_ROWS:
        (void)QL_FAIL(err, QL_E_LIMIT, "more than %" PRId64 " rows, the limit of --max-rows", limits->max_rows);
        ql_err_hint(err, "raise --max-rows if the data are right");
        break;
    case QL_CSV_SCAN_MAX_ROW:
    default:
        (void)QL_FAIL(err, QL_E_LIMIT, "line %" PRId64 ": the row is longer than %zu bytes, the limit of --max-row-bytes", line,
                      limits->max_row_bytes);
        ql_err_hint(err, "%s --max-row-bytes", OPEN_QUOTE);
        break;
    }
    set_line(err, line, offset);
    return QL_E_LIMIT;
}

enum ql_status ql_csv_fail_open_quote(int64_t line, int64_t offset, struct ql_err *err) {
    (void)QL_FAIL(err, QL_E_TRUNCATED, "the input ends inside quotes, in the row that begins at line %" PRId64, line);
    ql_err_hint(err, "get the file again; if it is whole, look for a quote that is not closed");
    set_line(err, line, offset);
    return QL_E_TRUNCATED;
}

void ql_csv_careful_begin(struct ql_csv_careful *careful, const struct ql_csv_input *input, int64_t line, int64_t offset) {
    ql_csv_lane_begin(careful->lane, input);
    ql_csv_scanner_begin(&careful->scanner, input->limits, input->delimiter, input->columns->n_columns);
    careful->scanner.line = line;
    careful->scanner.offset = offset;
}

void ql_csv_careful_fini(struct ql_csv_careful *careful) {
    ql_csv_scanner_fini(&careful->scanner);
    ql_csv_bad_rows_fini(&careful->bad_rows);
}

bool ql_csv_careful_is_row_open(const struct ql_csv_careful *careful) {
    return careful->scanner.carry.len != 0;
}

int64_t ql_csv_careful_rows_left(const struct ql_csv_careful *careful) {
    return careful->lane->input->limits->max_rows - careful->counts.rows - careful->bad_rows.n_rows;
}

static enum ql_status deliver(void *ctx, void *packed, struct ql_err *err) {
    const struct ql_csv_careful *careful = ctx;
    const struct ql_csv_sink *sink = careful->lane->input->sink;
    return sink->take(sink->ctx, packed, err);
}

static enum ql_status judge(void *ctx, enum ql_csv_scan_result result, const struct ql_csv_row *row,
                            const struct ql_csv_defect *defect, struct ql_err *err) {
    struct ql_csv_careful *careful = ctx;
    const struct ql_csv_input *input = careful->lane->input;
    if (result == QL_CSV_SCAN_ROW) {
        return ql_csv_bad_rows_put(&careful->bad_rows, row, defect, input->columns, input->name, input->encoding, err);
    }
    return result == QL_CSV_SCAN_OPEN_QUOTE ? ql_csv_fail_open_quote(row->line, row->offset, err)
                                            : ql_csv_fail_limit(input->limits, result, row->line, row->offset, err);
}

static enum ql_status read_all(struct ql_csv_careful *careful, struct ql_str text, bool is_end, struct ql_err *err) {
    struct ql_csv_lane *lane = careful->lane;
    struct ql_csv_reading reading = {
        .n_rows_left = ql_csv_careful_rows_left(careful), .deliver = deliver, .odd = judge, .ctx = careful};
    QL_TRY(ql_csv_lane_read(lane, &careful->scanner, text, &reading, err));
    if (is_end) {
        QL_TRY(ql_csv_lane_read_end(lane, &careful->scanner, &reading, err));
    }
    return ql_csv_lane_flush(lane, &reading, err);
}

enum ql_status ql_csv_careful_read(struct ql_csv_careful *careful, struct ql_str text, bool is_end, struct ql_err *err) {
    enum ql_status status = read_all(careful, text, is_end, err);
    const struct ql_csv_counts counts = ql_csv_lane_take_counts(careful->lane);
    ql_csv_counts_add(&careful->counts, &counts);
    return status;
}
