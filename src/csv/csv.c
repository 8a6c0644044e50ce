/*
 * The public face: drives an input through decode and header, and gives the text behind the header to blocks.c.
 *
 * An input is first its header (text is collected until the header row is complete), then rows. The first failure in the order
 * of the text sticks: whatever is fed afterwards fails the same way, so half an input cannot be mistaken for a whole one.
 */
#include "csv/csv_internal.h"

#include "base/unicode.h"

#include <inttypes.h>

enum { HEAD_PIECE_BYTES = 16 * 1024 };
/* What limits that were not given stand for. */
static const struct ql_csv_limits DEFAULT_LIMITS = {
    .max_field_bytes = 1024 * 1024,
    .max_row_bytes = 16 * 1024 * 1024,
    .max_columns = 10000,
    .max_rows = INT64_C(4000000000),
    .max_decoded_bytes = INT64_C(256) << 30,
};
/* Positions inside a row are 32 bits wide. */
static const size_t ROW_BYTES_MAX = (size_t)1 << 30;

struct ql_csv {
    struct ql_csv_options options;
    struct ql_csv_sink sink;
    struct ql_csv_limits limits;
    enum ql_csv_encoding encoding;
    struct ql_arena arena; /* lives as long as this: what stands for options, the first input's columns */
    struct ql_csv_wanted wanted;
    struct ql_csv_queues queues;
    enum ql_status status; /* of the first failure */
    struct ql_err failure;

    char *name;
    int64_t n_inputs;
    bool is_unsized, has_text, has_columns;
    char last_byte;
    struct ql_csv_decode decode;
    struct ql_csv_head head;
    const struct ql_csv_candidate *chosen; /* the header's row; NULL: it is not known yet */
    struct ql_csv_look look;
    struct ql_arena input_arena;
    struct ql_csv_columns columns;
    struct ql_csv_input input;

    bool has_first;
    struct ql_csv_columns first;
    char *first_name;

    struct ql_csv_blocks *blocks;
    int64_t ignored_columns, bytes_in, bytes_decoded; /* the last two: of the inputs before this one */
};

static struct ql_csv_limits complete_limits(struct ql_csv_limits limits) {
    limits.max_field_bytes = limits.max_field_bytes != 0 ? limits.max_field_bytes : DEFAULT_LIMITS.max_field_bytes;
    limits.max_row_bytes = limits.max_row_bytes != 0 ? limits.max_row_bytes : DEFAULT_LIMITS.max_row_bytes;
    limits.max_row_bytes = limits.max_row_bytes < ROW_BYTES_MAX ? limits.max_row_bytes : ROW_BYTES_MAX;
    limits.max_columns = limits.max_columns != 0 ? limits.max_columns : DEFAULT_LIMITS.max_columns;
    limits.max_rows = limits.max_rows != 0 ? limits.max_rows : DEFAULT_LIMITS.max_rows;
    limits.max_decoded_bytes = limits.max_decoded_bytes != 0 ? limits.max_decoded_bytes : DEFAULT_LIMITS.max_decoded_bytes;
    return limits;
}

/* What is wrong with the options is told when the first byte is fed. */
static enum ql_status prepare(struct ql_csv *csv, struct ql_err *err) {
    if (!ql_csv_encoding_from_name(csv->options.encoding, &csv->encoding)) {
        (void)QL_FAIL(err, QL_E_CONFIG, "unknown encoding '%.*s'", QL_STR_ARG(csv->options.encoding));
        ql_err_hint(err, "use utf-8, utf-16, utf-16le, utf-16be, latin1 or windows-1252");
        return QL_E_CONFIG;
    }
    return ql_csv_wanted_init(&csv->wanted, &csv->options, &csv->arena, err);
}

struct ql_csv *ql_csv_new_tuned(const struct ql_csv_options *options, const struct ql_csv_sink *sink,
                                const struct ql_csv_tuning *tuning) {
    struct ql_csv *csv = ql_mem_zalloc(1, sizeof *csv);
    csv->options = *options;
    csv->sink = *sink;
    csv->limits = complete_limits(options->limits);
    csv->status = prepare(csv, &csv->failure);
    if (options->queues != NULL) {
        ql_csv_queues_init(&csv->queues, options->queues, options->n_queues, &csv->arena);
    }
    csv->blocks = ql_csv_blocks_new(&csv->options, tuning);
    return csv;
}

struct ql_csv *ql_csv_new(const struct ql_csv_options *options, const struct ql_csv_sink *sink) {
    return ql_csv_new_tuned(options, sink, &(struct ql_csv_tuning){0});
}

static void end_input(struct ql_csv *csv) {
    ql_csv_blocks_abandon(csv->blocks);
    csv->bytes_in += csv->decode.bytes_in;
    csv->bytes_decoded += csv->decode.bytes_decoded;
    ql_csv_decode_fini(&csv->decode);
    ql_csv_head_fini(&csv->head);
    ql_csv_look_fini(&csv->look);
}

void ql_csv_free(struct ql_csv *csv) {
    if (csv == NULL) {
        return;
    }
    end_input(csv);
    ql_csv_blocks_free(csv->blocks);
    ql_arena_fini(&csv->input_arena);
    ql_arena_fini(&csv->arena);
    ql_mem_free(csv->first_name);
    ql_mem_free(csv->name);
    ql_mem_free(csv);
}

/* ---- the header ---- */

static enum ql_status check_looks(const struct ql_csv *csv, struct ql_err *err) {
    struct ql_str text = ql_csv_head_text(&csv->head);
    const char *kind = ql_csv_looks_like(text);
    if (kind == NULL) {
        return QL_OK;
    }
    struct ql_buf excerpt = {0};
    ql_csv_put_excerpt(&excerpt, ql_str_trim(text));
    (void)QL_FAIL(err, QL_E_DATA, "this is no CSV: it looks like %s and begins with %s", kind, excerpt.ptr);
    ql_buf_fini(&excerpt);
    ql_err_hint(err, "an export was expected; see what answered instead of it (a login or an error page, another file)");
    return QL_E_DATA;
}

/* No candidate has a header row, or none in which a name is known: because of a limit, or of a quote that is not closed? */
static enum ql_status check_head_end(const struct ql_csv *csv, struct ql_err *err) {
    for (size_t i = 0; i < csv->head.n_candidates; i++) {
        const struct ql_csv_candidate *candidate = &csv->head.candidates[i];
        enum ql_csv_scan_result result = candidate->result;
        if (result == QL_CSV_SCAN_MAX_FIELD || result == QL_CSV_SCAN_MAX_ROW || result == QL_CSV_SCAN_MAX_COLUMNS) {
            return ql_csv_fail_limit(&csv->limits, result, candidate->line, (int64_t)candidate->base, err);
        }
        if (result == QL_CSV_SCAN_OPEN_QUOTE) {
            return ql_csv_fail_open_quote(candidate->line, (int64_t)candidate->base, err);
        }
    }
    return QL_OK;
}

static enum ql_status fail_no_row(const struct ql_csv *csv, struct ql_err *err) {
    QL_TRY(check_looks(csv, err));
    QL_TRY(check_head_end(csv, err));
    (void)QL_FAIL(err, QL_E_DATA, "%s",
                  csv->head.text.len == 0 ? "the input is empty" : "the input holds empty lines and nothing else");
    ql_err_hint(err, "a CSV with a header was expected; if nothing was to be exported, it would have a header all the same");
    return QL_E_DATA;
}

static enum ql_status check_header_row(const struct ql_csv *csv, const struct ql_csv_row *row, size_t bad, struct ql_err *err) {
    struct ql_buf text = {0};
    enum ql_status status = QL_OK;
    if (bad != QL_CSV_NONE) {
        ql_csv_put_excerpt(&text, csv->columns.spelled[bad]);
        status = QL_FAIL(err, QL_E_ENCODING, "the header's column %zu, %s, is not valid %s", bad + 1, text.ptr,
                         ql_csv_decode_encoding_name(&csv->decode));
    } else if (row->fault == QL_CSV_FAULT_LONE_CR) {
        status = QL_FAIL(err, QL_E_DATA, "the header has a carriage return that ends no line");
        ql_err_hint(err, "end lines with LF or CRLF");
    } else if (row->fault == QL_CSV_FAULT_QUOTE) {
        status = QL_FAIL(err, QL_E_DATA, "the header's column %zu has text behind its closing quote", row->fault_field + 1);
        ql_err_hint(err, "check --delimiter; quotes inside a quoted field are doubled");
    }
    if (status != QL_OK && err != NULL) {
        err->row = row->line;
        err->byte_offset = row->offset;
    }
    ql_buf_fini(&text);
    return status;
}

/* What the header says, checked against what is asked for and what an earlier input had. */
static enum ql_status read_header(struct ql_csv *csv, struct ql_err *err) {
    struct ql_arena *arena = csv->has_first ? &csv->input_arena : &csv->arena;
    size_t bad;
    const struct ql_csv_candidate *chosen = ql_csv_head_choose(&csv->head, &csv->wanted, arena, &csv->columns, &bad);
    if (chosen == NULL) {
        return fail_no_row(csv, err);
    }
    if (ql_csv_columns_count_known(&csv->columns, &csv->wanted) == 0) {
        QL_TRY(check_looks(csv, err));
        QL_TRY(check_head_end(csv, err));
    }
    struct ql_csv_row row;
    ql_csv_candidate_row(&csv->head, chosen, &row);
    QL_TRY(check_header_row(csv, &row, bad, err));
    QL_TRY(ql_csv_columns_bind(&csv->columns, &csv->wanted, arena, err));
    csv->columns.dates = csv->options.dates;
    csv->chosen = chosen;
    ql_csv_look_fini(&csv->look);
    ql_csv_look_begin(&csv->look, &csv->limits, chosen->scan.delimiter);
    if (csv->has_first) {
        return ql_csv_columns_check(&csv->columns, &csv->first, &csv->wanted, csv->first_name, err);
    }
    csv->has_first = true;
    csv->first = csv->columns;
    csv->first_name = ql_mem_strdup(csv->name);
    return QL_OK;
}

/* Header and dates are known: rows begin, the first of them in the text that was collected with the header. */
static enum ql_status begin_rows(struct ql_csv *csv, struct ql_err *err) {
    const struct ql_csv_candidate *chosen = csv->chosen;
    csv->has_columns = true;
    csv->ignored_columns = csv->columns.n_ignored > csv->ignored_columns ? csv->columns.n_ignored : csv->ignored_columns;
    csv->input = (struct ql_csv_input){.number = (uint64_t)csv->n_inputs,
                                       .options = &csv->options,
                                       .limits = &csv->limits,
                                       .sink = &csv->sink,
                                       .columns = &csv->columns,
                                       .queues = csv->options.queues != NULL ? &csv->queues : NULL,
                                       .name = csv->name,
                                       .encoding = ql_csv_decode_encoding_name(&csv->decode),
                                       .delimiter = chosen->scan.delimiter};
    size_t used = chosen->base + chosen->scan.pos;
    ql_csv_blocks_begin(csv->blocks, &csv->input,
                        chosen->line + ql_csv_scan_count_lines(&chosen->scan, csv->head.text.ptr + chosen->base),
                        csv->decode.mark_len + (int64_t)used);
    const struct ql_csv_header header = {.is_present = csv->columns.is_present,
                                         .has_queue_id = csv->columns.queue_id != QL_CSV_NONE,
                                         .ignored = csv->columns.ignored,
                                         .n_ignored = (size_t)csv->columns.n_ignored};
    QL_TRY(csv->sink.header(csv->sink.ctx, &header, err));
    const struct ql_str text = {.ptr = csv->head.text.ptr + used, .len = csv->head.text.len - used};
    QL_TRY(ql_csv_blocks_put(csv->blocks, text, err));
    ql_csv_head_fini(&csv->head);
    return QL_OK;
}

static enum ql_status fail_ambiguous(const struct ql_csv *csv, struct ql_err *err) {
    struct ql_buf example = {0};
    ql_csv_put_excerpt(&example, ql_str_from(csv->look.example));
    (void)QL_FAIL(err, QL_E_DATA, "dates as %s may have the month or the day first, and none of the first rows tells which",
                  example.ptr);
    ql_buf_fini(&example);
    ql_err_hint(err, "say --csv-dates us (month first) or --csv-dates eu (day first)");
    return QL_E_DATA;
}

/* Rows begin as soon as it is known how their dates are written. is_end: no more text will come. */
static enum ql_status look_at_rows(struct ql_csv *csv, bool is_end, struct ql_err *err) {
    if (csv->columns.dates == QL_CSV_DATES_AUTO) {
        size_t used = csv->chosen->base + csv->chosen->scan.pos;
        const struct ql_str text = {.ptr = csv->head.text.ptr + used, .len = csv->head.text.len - used};
        enum ql_csv_dates dates = ql_csv_look_at(&csv->look, text, &csv->columns, is_end);
        if (dates == QL_CSV_DATES_AUTO && !csv->look.is_done) {
            return QL_OK;
        }
        if (dates == QL_CSV_DATES_AUTO && csv->look.is_ambiguous) {
            dates = csv->options.ambiguous_dates;
            if (dates == QL_CSV_DATES_AUTO) {
                return fail_ambiguous(csv, err);
            }
        }
        csv->columns.dates = dates != QL_CSV_DATES_AUTO ? dates : QL_CSV_DATES_ISO;
    }
    return begin_rows(csv, err);
}

/* ---- the input ---- */

/* Semantics, section 1: nothing but the stream itself can prove that a download without length is whole. */
static enum ql_status check_unsized(const struct ql_csv *csv, struct ql_err *err) {
    if (!csv->is_unsized || csv->options.allow_unsized || csv->decode.stream != QL_STREAM_PLAIN) {
        return QL_OK;
    }
    (void)QL_FAIL(err, QL_E_PROTOCOL,
                  "the input came without its length and is not compressed, so nothing proves that it is whole");
    ql_err_hint(err, "accept it with --allow-unsized, which then wants a line break at its end");
    return QL_E_PROTOCOL;
}

static enum ql_status on_text(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct ql_csv *csv = ctx;
    struct ql_str text = {.ptr = ptr, .len = len};
    if (!csv->has_text) {
        QL_TRY(check_unsized(csv, err));
        csv->has_text = true;
    }
    csv->last_byte = text.ptr[text.len - 1];
    while (!csv->has_columns && text.len != 0) {
        size_t piece = text.len < HEAD_PIECE_BYTES ? text.len : HEAD_PIECE_BYTES;
        if (csv->chosen != NULL) {
            ql_buf_put(&csv->head.text, text.ptr, piece);
        } else if (ql_csv_head_feed(&csv->head, text.ptr, piece)) {
            QL_TRY(read_header(csv, err));
        }
        text.ptr += piece;
        text.len -= piece;
        if (csv->chosen != NULL) {
            QL_TRY(look_at_rows(csv, false, err));
        }
    }
    return csv->has_columns ? ql_csv_blocks_put(csv->blocks, text, err) : QL_OK;
}

/* The failure is told with the input's name, now and whenever it is asked again. */
static enum ql_status finish_call(struct ql_csv *csv, enum ql_status status, struct ql_err *err) {
    if (status != QL_OK) {
        csv->status = status;
        ql_err_wrap(&csv->failure, "'%.200s'", csv->name != NULL ? csv->name : "");
        if (err != NULL) {
            *err = csv->failure;
        }
    }
    return status;
}

static enum ql_status repeat_failure(const struct ql_csv *csv, struct ql_err *err) {
    if (err != NULL) {
        *err = csv->failure;
    }
    return csv->status;
}

void ql_csv_input_begin(struct ql_csv *csv, struct ql_str name, bool is_unsized) {
    end_input(csv);
    ql_mem_free(csv->name);
    csv->name = ql_mem_strndup(name.len != 0 ? name.ptr : "", name.len);
    csv->n_inputs++;
    csv->is_unsized = is_unsized;
    csv->has_text = false;
    csv->has_columns = false;
    csv->chosen = NULL;
    csv->last_byte = '\0';
    ql_arena_reset(&csv->input_arena);
    ql_csv_decode_begin(&csv->decode, csv->encoding, &csv->limits, (struct ql_sink){.write = on_text, .ctx = csv});
    ql_csv_head_begin(&csv->head, &csv->limits, csv->options.delimiter);
}

/* Before decoding fails: what is wrong with the text that it gave comes first. */
static enum ql_status drain(struct ql_csv *csv, enum ql_status status, struct ql_err *err) {
    struct ql_err failure = {0};
    if (status != QL_OK && csv->chosen != NULL && !csv->has_columns) {
        if (look_at_rows(csv, true, &failure) != QL_OK) {
            return status; /* what was to come could have told more */
        }
    }
    if (status != QL_OK && csv->has_columns) {
        enum ql_status earlier = ql_csv_blocks_drain(csv->blocks, &failure);
        if (earlier != QL_OK) {
            *err = failure;
            return earlier;
        }
    }
    return status;
}

enum ql_status ql_csv_feed(struct ql_csv *csv, const void *ptr, size_t len, struct ql_err *err) {
    if (csv->status != QL_OK) {
        return repeat_failure(csv, err);
    }
    if (len == 0) {
        return QL_OK;
    }
    enum ql_status status = ql_csv_decode_feed(&csv->decode, ptr, len, &csv->failure);
    return finish_call(csv, drain(csv, status, &csv->failure), err);
}

/* Only text in UTF-8 goes on where it lies. */
void *ql_csv_room(struct ql_csv *csv, size_t *cap) {
    const struct ql_csv_decode *decode = &csv->decode;
    *cap = 0;
    bool is_unchanged = decode->stream == QL_STREAM_PLAIN && decode->encoding == QL_CSV_UTF8;
    return csv->status == QL_OK && csv->has_columns && is_unchanged ? ql_csv_blocks_room(csv->blocks, cap) : NULL;
}

static enum ql_status finish_input(struct ql_csv *csv, struct ql_err *err) {
    QL_TRY(drain(csv, ql_csv_decode_finish(&csv->decode, err), err));
    if (csv->has_columns) {
        QL_TRY(ql_csv_blocks_drain(csv->blocks, err));
    }
    QL_TRY(check_unsized(csv, err));
    if (csv->is_unsized && csv->decode.stream == QL_STREAM_PLAIN && csv->last_byte != '\n') {
        (void)QL_FAIL(err, QL_E_TRUNCATED, "the input came without its length and does not end in a line break: it may be cut");
        return QL_E_TRUNCATED;
    }
    if (csv->chosen == NULL) {
        ql_csv_head_end(&csv->head);
        QL_TRY(read_header(csv, err));
    }
    if (!csv->has_columns) {
        QL_TRY(look_at_rows(csv, true, err));
    }
    return ql_csv_blocks_end(csv->blocks, err);
}

enum ql_status ql_csv_input_end(struct ql_csv *csv, struct ql_err *err) {
    if (csv->status != QL_OK) {
        return repeat_failure(csv, err);
    }
    return finish_call(csv, finish_input(csv, &csv->failure), err);
}

void ql_csv_get_stats(const struct ql_csv *csv, struct ql_csv_stats *stats) {
    struct ql_csv_counts counts;
    int64_t bad_rows;
    ql_csv_blocks_get_counts(csv->blocks, &counts, &bad_rows);
    *stats = (struct ql_csv_stats){
        .rows = counts.rows,
        .bad_rows = bad_rows,
        .missing_values = counts.missing_values,
        .nan_values = counts.nan_values,
        .ignored_columns = csv->ignored_columns,
        .bytes_in = csv->bytes_in + csv->decode.bytes_in,
        .bytes_decoded = csv->bytes_decoded + csv->decode.bytes_decoded,
        .out_of_range_rows = counts.out_of_range_rows,
        .several_queues_rows = counts.several_queues_rows,
        .partial_rows = counts.partial_rows,
    };
}
