/*
 * RFC 4180 as a state machine that may stop at any byte: text in chunks becomes rows of fields.
 *
 * What the RFC leaves open, and what readers of other programs expect:
 * - A quote has a meaning only as the first byte of a field; elsewhere in an unquoted field it is data (as in pandas and
 *   Python's csv). Text between a closing quote and the next delimiter makes the row bad.
 * - A line ends with LF; carriage returns right before it belong to the line break (CRLF, and the CR CR LF of files that were
 *   written in text mode twice). Any other carriage return outside quotes makes the row bad: some programs read it as a line
 *   break and some as data, so either reading would be a guess.
 * - Empty lines are skipped. A line of blanks or of "" is a row.
 *
 * A row that lies whole in a chunk is handed out where it lies; what a chunk's end cuts off waits in a carry buffer, which the
 * next chunk tops up by pieces, so that no byte is looked at twice and a chunk is never copied whole. Limits are judged by
 * where they are passed, so that they too do not depend on how the input is cut.
 */
#include "csv/csv_internal.h"

#include <assert.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "find_special takes the lowest bit for the first byte");

enum { PIECE_BYTES = 512, PAUSE_MAX = 63 };
static const uint64_t ONES = UINT64_C(0x0101010101010101);
static const uint64_t HIGHS = UINT64_C(0x8080808080808080);

/* Marks the zero bytes of x. The lowest mark is exact; a borrow can only mark bytes above a true one. */
static inline uint64_t zero_bytes(uint64_t x) {
    return (x - ONES) & ~x & HIGHS;
}

/* Where the next delimiter, CR or LF is; len if there is none. */
static inline size_t find_special(const char *s, size_t pos, size_t len, char delimiter) {
    const uint64_t wanted = ONES * (unsigned char)delimiter;
    while (len - pos >= sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, s + pos, sizeof eight);
        uint64_t found = zero_bytes(eight ^ wanted) | zero_bytes(eight ^ (ONES * '\n')) | zero_bytes(eight ^ (ONES * '\r'));
        if (found != 0) {
            return pos + (size_t)(__builtin_ctzll(found) >> 3);
        }
        pos += sizeof eight;
    }
    while (pos < len && s[pos] != delimiter && s[pos] != '\n' && s[pos] != '\r') {
        pos++;
    }
    return pos;
}

void ql_csv_scan_init(struct ql_csv_scan *scan, const struct ql_csv_limits *limits, char delimiter) {
    *scan = (struct ql_csv_scan){
        .delimiter = delimiter, .max_field_bytes = limits->max_field_bytes, .max_row_bytes = limits->max_row_bytes};
}

void ql_csv_scan_fini(struct ql_csv_scan *scan) {
    ql_mem_free(scan->fields);
    scan->fields = NULL;
    scan->cap_fields = 0;
}

void ql_csv_scan_reset(struct ql_csv_scan *scan) {
    scan->state = QL_CSV_AT_FIELD;
    scan->is_quoted = false;
    scan->has_doubled = false;
    scan->has_quotes = false;
    scan->pos = 0;
    scan->field_start = 0;
    scan->n_fields = 0;
    scan->row_len = 0;
    scan->fault = QL_CSV_FINE;
}

/* MORE where neither the field nor the row, both up to `upto`, is too long; else the limit that is passed first. */
static inline enum ql_csv_scan_result check_limits(const struct ql_csv_scan *scan, size_t upto) {
    bool is_field_long = upto - scan->field_start > scan->max_field_bytes;
    bool is_row_long = upto > scan->max_row_bytes;
    if (!is_field_long && !is_row_long) {
        return QL_CSV_SCAN_MORE;
    }
    bool is_field_first = is_field_long && (!is_row_long || scan->field_start + scan->max_field_bytes <= scan->max_row_bytes);
    return is_field_first ? QL_CSV_SCAN_MAX_FIELD : QL_CSV_SCAN_MAX_ROW;
}

/* The field ends before `end`. */
static inline enum ql_csv_scan_result end_field(struct ql_csv_scan *scan, size_t end) {
    enum ql_csv_scan_result limit = check_limits(scan, end);
    if (limit != QL_CSV_SCAN_MORE) {
        return limit;
    }
    if (scan->is_header) {
        if (scan->n_fields == scan->max_fields) {
            return QL_CSV_SCAN_MAX_COLUMNS;
        }
        QL_MEM_GROW(scan->fields, scan->cap_fields, scan->n_fields + 1);
    }
    if (scan->n_fields < scan->cap_fields) {
        scan->fields[scan->n_fields] = (struct ql_csv_field){
            .start = (uint32_t)(scan->field_start + scan->is_quoted),
            .end = (uint32_t)(scan->is_quoted ? scan->content_end : end),
            .is_quoted = scan->is_quoted,
            .has_doubled = scan->has_doubled,
        };
    }
    scan->n_fields++;
    return QL_CSV_SCAN_MORE;
}

static enum ql_csv_scan_result end_row(struct ql_csv_scan *scan, size_t end, size_t next) {
    enum ql_csv_scan_result limit = end_field(scan, end);
    if (limit != QL_CSV_SCAN_MORE) {
        return limit;
    }
    scan->row_len = end;
    scan->pos = next;
    return QL_CSV_SCAN_ROW;
}

/* The first thing that is wrong counts. */
static void mark_fault(struct ql_csv_scan *scan, enum ql_csv_fault fault) {
    if (scan->fault == QL_CSV_FINE) {
        scan->fault = fault;
        scan->fault_field = scan->n_fields;
    }
}

/* Behind a quote inside quotes: the first of a doubled one, or the closing one. */
static void step_behind_quote(struct ql_csv_scan *scan, char c) {
    if (c == '"') {
        scan->has_doubled = true;
        scan->pos++;
        scan->state = QL_CSV_IN_QUOTES;
        return;
    }
    scan->content_end = scan->pos - 1;
    scan->state = QL_CSV_IN_FIELD;
    if (c != scan->delimiter && c != '\n' && c != '\r') {
        mark_fault(scan, QL_CSV_FAULT_QUOTE);
    }
}

enum ql_csv_scan_result ql_csv_scan_row(struct ql_csv_scan *scan, const char *row, size_t len) {
    enum ql_csv_scan_result limit;
    while (scan->pos < len) {
        switch (scan->state) {
        case QL_CSV_AT_FIELD:
            if (row[scan->pos] == '"') {
                scan->is_quoted = true;
                scan->has_quotes = true;
                scan->state = QL_CSV_IN_QUOTES;
                scan->pos++;
                break;
            }
            scan->state = QL_CSV_IN_FIELD;
            __attribute__((fallthrough));
        case QL_CSV_IN_FIELD:
            scan->pos = find_special(row, scan->pos, len, scan->delimiter);
            if (scan->pos == len) {
                break;
            }
            if (row[scan->pos] == scan->delimiter) {
                limit = end_field(scan, scan->pos);
                if (limit != QL_CSV_SCAN_MORE) {
                    return limit;
                }
                scan->field_start = ++scan->pos;
                scan->is_quoted = false;
                scan->has_doubled = false;
                scan->state = QL_CSV_AT_FIELD;
            } else if (row[scan->pos] == '\n') {
                return end_row(scan, scan->pos, scan->pos + 1);
            } else {
                scan->cr_start = scan->pos++;
                scan->state = QL_CSV_BEHIND_CR;
            }
            break;
        case QL_CSV_IN_QUOTES: {
            const char *quote = memchr(row + scan->pos, '"', len - scan->pos);
            scan->pos = quote != NULL ? (size_t)(quote - row) + 1 : len;
            scan->state = quote != NULL ? QL_CSV_BEHIND_QUOTE : QL_CSV_IN_QUOTES;
            break;
        }
        case QL_CSV_BEHIND_QUOTE:
            step_behind_quote(scan, row[scan->pos]);
            break;
        case QL_CSV_BEHIND_CR:
            if (row[scan->pos] == '\n') {
                return end_row(scan, scan->cr_start, scan->pos + 1);
            }
            if (row[scan->pos] == '\r') {
                scan->pos++;
                break;
            }
            mark_fault(scan, QL_CSV_FAULT_LONE_CR);
            scan->state = QL_CSV_IN_FIELD;
            break;
        }
    }
    /* Carriage returns that may yet end the line are no part of the row. */
    return check_limits(scan, scan->state == QL_CSV_BEHIND_CR ? scan->cr_start : scan->pos);
}

enum ql_csv_scan_result ql_csv_scan_end(struct ql_csv_scan *scan, const char *row, size_t len) {
    enum ql_csv_scan_result result = ql_csv_scan_row(scan, row, len);
    if (result != QL_CSV_SCAN_MORE) {
        return result;
    }
    switch (scan->state) {
    case QL_CSV_IN_QUOTES:
        return QL_CSV_SCAN_OPEN_QUOTE;
    case QL_CSV_BEHIND_QUOTE:
        scan->content_end = len - 1;
        break;
    case QL_CSV_BEHIND_CR:
        return end_row(scan, scan->cr_start, len);
    case QL_CSV_AT_FIELD:
    case QL_CSV_IN_FIELD:
        break;
    }
    return end_row(scan, len, len);
}

bool ql_csv_scan_is_empty_line(const struct ql_csv_scan *scan) {
    return scan->row_len == 0;
}

int64_t ql_csv_scan_count_lines(const struct ql_csv_scan *scan, const char *row) {
    int64_t n = 1;
    if (scan->has_quotes) { /* only quotes can hold a line break */
        const char *end = row + scan->row_len;
        for (const char *at = row; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
            n++;
        }
    }
    return n;
}

void ql_csv_scanner_begin(struct ql_csv_scanner *scanner, const struct ql_csv_limits *limits, char delimiter,
                          size_t n_columns) {
    const struct ql_csv_kernel *kernel = scanner->kernel;
    ql_csv_scanner_fini(scanner);
    scanner->kernel = kernel;
    ql_csv_scan_init(&scanner->scan, limits, delimiter);
    scanner->scan.cap_fields = n_columns;
    scanner->scan.fields = ql_mem_zalloc(n_columns, sizeof *scanner->scan.fields);
}

void ql_csv_scanner_fini(struct ql_csv_scanner *scanner) {
    ql_csv_scan_fini(&scanner->scan);
    ql_buf_fini(&scanner->carry);
    ql_csv_index_fini(&scanner->index);
    *scanner = (struct ql_csv_scanner){.kernel = scanner->kernel};
}

void ql_csv_scanner_reset(struct ql_csv_scanner *scanner) {
    scanner->chunk = (struct ql_str){0};
    scanner->window = NULL;
    scanner->is_row_out = false;
    scanner->line = 0;
    scanner->offset = 0;
    ql_buf_reset(&scanner->carry);
    ql_csv_scan_reset(&scanner->scan);
}

void ql_csv_scanner_put(struct ql_csv_scanner *scanner, struct ql_str chunk) {
    scanner->chunk = chunk;
    scanner->window = NULL;
}

static void consume(struct ql_csv_scanner *scanner, size_t n) {
    scanner->chunk.ptr += n;
    scanner->chunk.len -= n;
}

/* The row that was handed out is done with; the next one begins behind it. */
static void start_row(struct ql_csv_scanner *scanner) {
    if (scanner->is_row_out) {
        scanner->line += ql_csv_scan_count_lines(&scanner->scan, scanner->row);
        scanner->offset += (int64_t)scanner->scan.pos;
        scanner->is_row_out = false;
        ql_buf_reset(&scanner->carry);
        ql_csv_scan_reset(&scanner->scan);
    }
}

/* Tops the carry up until its row ends. A piece is no longer than what is there already, so the rest is copied at most twice.
 */
static enum ql_csv_scan_result scan_carry(struct ql_csv_scanner *scanner) {
    enum ql_csv_scan_result result = QL_CSV_SCAN_MORE;
    while (scanner->chunk.len != 0 && result == QL_CSV_SCAN_MORE) {
        size_t before = scanner->carry.len;
        size_t piece = before > PIECE_BYTES ? before : PIECE_BYTES;
        piece = piece < scanner->chunk.len ? piece : scanner->chunk.len;
        ql_buf_put(&scanner->carry, scanner->chunk.ptr, piece);
        result = ql_csv_scan_row(&scanner->scan, scanner->carry.ptr, scanner->carry.len);
        consume(scanner, result == QL_CSV_SCAN_ROW ? scanner->scan.pos - before : piece);
    }
    scanner->row = scanner->carry.ptr;
    return result;
}

static enum ql_csv_scan_result scan_chunk(struct ql_csv_scanner *scanner) {
    enum ql_csv_scan_result result = ql_csv_scan_row(&scanner->scan, scanner->chunk.ptr, scanner->chunk.len);
    scanner->row = scanner->chunk.ptr;
    if (result == QL_CSV_SCAN_ROW) {
        consume(scanner, scanner->scan.pos);
    } else if (result == QL_CSV_SCAN_MORE) {
        ql_buf_put(&scanner->carry, scanner->chunk.ptr, scanner->chunk.len);
        scanner->chunk.len = 0;
    }
    return result;
}

static void fill_row(const struct ql_csv_scanner *scanner, struct ql_csv_row *row) {
    const struct ql_csv_scan *scan = &scanner->scan;
    *row = (struct ql_csv_row){
        .text = {.ptr = scanner->row, .len = scan->row_len},
        .fields = scan->fields,
        .n_fields = scan->n_fields,
        .line = scanner->line,
        .offset = scanner->offset,
        .fault = scan->fault,
        .fault_field = scan->fault_field,
    };
}

enum ql_csv_scan_result ql_csv_scanner_next(struct ql_csv_scanner *scanner, struct ql_csv_row *row) {
    for (;;) {
        start_row(scanner);
        if (scanner->chunk.len == 0) {
            return QL_CSV_SCAN_MORE;
        }
        enum ql_csv_scan_result result = scanner->carry.len != 0 ? scan_carry(scanner) : scan_chunk(scanner);
        scanner->is_row_out = result == QL_CSV_SCAN_ROW;
        if (!scanner->is_row_out || !ql_csv_scan_is_empty_line(&scanner->scan)) {
            fill_row(scanner, row);
            return result;
        }
    }
}

enum ql_csv_scan_result ql_csv_scanner_end(struct ql_csv_scanner *scanner, struct ql_csv_row *row) {
    start_row(scanner);
    if (scanner->carry.len == 0) {
        return QL_CSV_SCAN_MORE;
    }
    enum ql_csv_scan_result result = ql_csv_scan_end(&scanner->scan, scanner->carry.ptr, scanner->carry.len);
    scanner->row = scanner->carry.ptr;
    scanner->is_row_out = result == QL_CSV_SCAN_ROW;
    fill_row(scanner, row);
    return scanner->is_row_out && ql_csv_scan_is_empty_line(&scanner->scan) ? QL_CSV_SCAN_MORE : result;
}

/* ---- rows by the index ---- */

/* Rows that the scanner took from the index's text on its own end where the index says; then the index goes on. */
static bool is_index_next(struct ql_csv_scanner *scanner) {
    const struct ql_csv_index *index = &scanner->index;
    if (scanner->window == NULL) {
        return false;
    }
    while (scanner->next_row < index->n_rows && scanner->window + scanner->next_start < scanner->chunk.ptr) {
        scanner->next_start = index->ends[index->rows[scanner->next_row] - 1] + 1;
        scanner->next_row++;
    }
    return scanner->chunk.ptr == scanner->window + scanner->next_start && scanner->next_row < index->n_rows;
}

bool ql_csv_scanner_view_indexed(struct ql_csv_scanner *scanner, struct ql_csv_indexed_rows *rows) {
    const struct ql_csv_scan *scan = &scanner->scan;
    struct ql_csv_index *index = &scanner->index;
    start_row(scanner);
    if (scanner->kernel == NULL || scanner->carry.len != 0 || scanner->chunk.len == 0) {
        return false;
    }
    if (scanner->pause != 0) {
        scanner->pause--;
        return false;
    }
    if (!is_index_next(scanner)) {
        size_t len = scanner->chunk.len < QL_CSV_WINDOW_BYTES ? scanner->chunk.len : QL_CSV_WINDOW_BYTES;
        scanner->window = scanner->chunk.ptr;
        scanner->next_row = 0;
        scanner->next_start = 0;
        ql_csv_index_make(index, scanner->kernel, scanner->window, len, scan->delimiter);
        scanner->last_pause = index->n_rows != 0                ? 0
                              : scanner->last_pause < PAUSE_MAX ? 2 * scanner->last_pause + 1
                                                                : PAUSE_MAX;
        scanner->pause = scanner->last_pause;
    }
    *rows = (struct ql_csv_indexed_rows){
        .text = scanner->window,
        .ends = index->ends,
        .rows = index->rows + scanner->next_row,
        .n_rows = index->n_rows - scanner->next_row,
        .n_ends_before = scanner->next_row != 0 ? index->rows[scanner->next_row - 1] : 0,
        .max_row_bytes = scan->max_field_bytes < scan->max_row_bytes ? scan->max_field_bytes : scan->max_row_bytes,
    };
    return rows->n_rows != 0;
}

bool ql_csv_scanner_view_text(struct ql_csv_scanner *scanner, struct ql_str *text) {
    start_row(scanner);
    *text = scanner->chunk;
    return scanner->carry.len == 0 && scanner->chunk.len != 0 && !is_index_next(scanner);
}

void ql_csv_scanner_skip_text(struct ql_csv_scanner *scanner, size_t n_bytes, size_t n_rows) {
    scanner->line += (int64_t)n_rows;
    scanner->offset += (int64_t)n_bytes;
    consume(scanner, n_bytes);
}

static int64_t count_line_feeds(const char *at, const char *end) {
    int64_t n = 0;
    for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        n++;
    }
    return n;
}

void ql_csv_scanner_skip_indexed(struct ql_csv_scanner *scanner, size_t n) {
    if (n == 0) {
        return;
    }
    const struct ql_csv_index *index = &scanner->index;
    scanner->next_row += n;
    scanner->next_start = index->ends[index->rows[scanner->next_row - 1] - 1] + 1;
    const char *end = scanner->window + scanner->next_start;
    scanner->line += index->has_breaks ? count_line_feeds(scanner->chunk.ptr, end) : (int64_t)n;
    scanner->offset += end - scanner->chunk.ptr;
    consume(scanner, (size_t)(end - scanner->chunk.ptr));
}

/* ---- fields ---- */

struct ql_str ql_csv_row_field(const struct ql_csv_row *row, size_t i, struct ql_buf *scratch) {
    const struct ql_csv_field *field = &row->fields[i];
    struct ql_str content = {.ptr = row->text.ptr + field->start, .len = field->end - field->start};
    if (!field->has_doubled) {
        return content;
    }
    ql_buf_reset(scratch);
    while (content.len != 0) {
        const char *quote = memchr(content.ptr, '"', content.len);
        size_t n =
            quote != NULL ? (size_t)(quote - content.ptr) + 1 : content.len; /* with the first quote, without the second */
        ql_buf_put(scratch, content.ptr, n);
        size_t skipped = quote != NULL ? n + 1 : n;
        content.ptr += skipped;
        content.len -= skipped;
    }
    return ql_buf_view(scratch);
}
