/*
 * What happens to a row that cannot be read: it ends the run, is left out, or is left out and kept in a side file.
 *
 * A message says which input, line, byte and column, and shows a short piece of what stood there, with everything that a
 * terminal would obey (control characters, direction marks) written as an escape. The side file is CSV with a header; its last
 * column but one is the row as it came, so that rows can be mended and read again.
 */
#include "csv/csv_internal.h"

#include "base/unicode.h"

#include <inttypes.h>

enum { EXCERPT_CHARS = 60 };

static const char *fault_text(enum ql_csv_fault fault) {
    static const char *const TEXTS[] = {[QL_CSV_FINE] = "",
#define X(name, text, hint) [QL_CSV_FAULT_##name] = text,
                                        QL_CSV_FAULT_TABLE(X)
#undef X
    };
    return TEXTS[fault];
}

static const char *fault_hint(enum ql_csv_fault fault) {
    static const char *const HINTS[] = {[QL_CSV_FINE] = "",
#define X(name, text, hint) [QL_CSV_FAULT_##name] = hint,
                                        QL_CSV_FAULT_TABLE(X)
#undef X
    };
    return HINTS[fault];
}

/* Length of the character at the front of s; 0 if it must be escaped, byte by byte. Quotes that end the excerpt are harmless.
 */
static size_t safe_char_len(struct ql_str s) {
    unsigned char c = (unsigned char)s.ptr[0];
    if (c < 0x80) {
        return c >= 0x20 && c != 0x7F ? 1 : 0;
    }
    size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (s.len < n || !ql_utf8_is_valid((struct ql_str){.ptr = s.ptr, .len = n})) {
        return 0;
    }
    unsigned char second = (unsigned char)s.ptr[1];
    unsigned char third = n > 2 ? (unsigned char)s.ptr[2] : 0;
    bool is_c1 = c == 0xC2 && second < 0xA0;
    /* U+200B to 200F, U+2028 to 202E, U+2060 to 206F: invisible, line ends, changes of direction */
    bool is_format = c == 0xE2 && ((second == 0x80 && ((third >= 0x8B && third <= 0x8F) || (third >= 0xA8 && third <= 0xAE))) ||
                                   (second == 0x81 && third >= 0xA0 && third <= 0xAF));
    return is_c1 || is_format ? 0 : n;
}

static void put_escape(struct ql_buf *out, char c) {
    switch (c) {
    case '\n':
        ql_buf_puts(out, "\\n");
        break;
    case '\r':
        ql_buf_puts(out, "\\r");
        break;
    case '\t':
        ql_buf_puts(out, "\\t");
        break;
    default:
        ql_buf_printf(out, "\\x%02X", (unsigned)(unsigned char)c);
    }
}

void ql_csv_put_excerpt(struct ql_buf *out, struct ql_str text) {
    ql_buf_putc(out, '\'');
    for (size_t i = 0; text.len != 0; i++) {
        if (i == EXCERPT_CHARS) {
            ql_buf_puts(out, "...");
            break;
        }
        size_t n = safe_char_len(text);
        if (n != 0) {
            ql_buf_put(out, text.ptr, n);
        } else {
            put_escape(out, text.ptr[0]);
            n = 1;
        }
        text.ptr += n;
        text.len -= n;
    }
    ql_buf_putc(out, '\'');
}

/* "'abc' is not a number" */
static void put_reason(struct ql_buf *out, const struct ql_csv_row *row, const struct ql_csv_defect *defect,
                       const struct ql_csv_columns *columns, const char *encoding) {
    if (defect->fault == QL_CSV_FAULT_RAGGED) {
        ql_buf_printf(out, "%zu fields where the header has %zu: ", row->n_fields, columns->n_columns);
        ql_csv_put_excerpt(out, defect->excerpt);
        return;
    }
    ql_csv_put_excerpt(out, defect->excerpt);
    if (defect->fault == QL_CSV_FAULT_ENCODING) {
        ql_buf_printf(out, " is not valid %s", encoding);
    } else {
        ql_buf_printf(out, " %s", fault_text(defect->fault));
    }
}

static bool has_decimal_comma(const struct ql_csv_defect *defect) {
    return defect->fault == QL_CSV_FAULT_NUMBER && defect->excerpt.len != 0 &&
           memchr(defect->excerpt.ptr, ',', defect->excerpt.len) != NULL;
}

static void set_position(const struct ql_csv_row *row, const struct ql_csv_defect *defect, const struct ql_csv_columns *columns,
                         struct ql_err *err) {
    if (err == NULL) {
        return;
    }
    err->row = row->line;
    err->byte_offset = row->offset;
    if (defect->column != QL_CSV_NONE) {
        struct ql_str name = columns->spelled[defect->column];
        size_t n = name.len < sizeof err->column - 1 ? name.len : sizeof err->column - 1;
        n = ql_utf8_valid_len((struct ql_str){.ptr = name.ptr, .len = n}); /* no half character at the end */
        memcpy(err->column, name.ptr, n);
        err->column[n] = '\0';
    }
}

static enum ql_status fail(const struct ql_csv_row *row, const struct ql_csv_defect *defect,
                           const struct ql_csv_columns *columns, const char *reason, struct ql_err *err) {
    struct ql_buf where = {0};
    ql_buf_printf(&where, "line %" PRId64 ", byte %" PRId64, row->line, row->offset);
    if (defect->column != QL_CSV_NONE) {
        ql_buf_puts(&where, ", column ");
        ql_csv_put_excerpt(&where, columns->spelled[defect->column]);
    }
    bool is_fatal = defect->fault == QL_CSV_FAULT_PARTIAL; /* about the file, not about the row */
    enum ql_status status = QL_FAIL(err, is_fatal ? QL_E_DATA : QL_E_BAD_ROW, "%s: %s", where.ptr, reason);
    ql_buf_fini(&where);
    set_position(row, defect, columns, err);
    if (has_decimal_comma(defect)) {
        ql_err_hint(err, "if numbers are written 1,5, say --decimal-comma; else correct the row, or use --on-bad-row skip or "
                         "quarantine");
    } else if (is_fatal) {
        ql_err_hint(err, "%s", fault_hint(defect->fault));
    } else if (fault_hint(defect->fault)[0] != '\0') {
        ql_err_hint(err, "%s; or use --on-bad-row skip or quarantine", fault_hint(defect->fault));
    }
    return status;
}

/* ---- the side file ---- */

static void put_quoted(struct ql_buf *out, struct ql_str s) {
    ql_buf_putc(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"') {
            ql_buf_putc(out, '"');
        }
        ql_buf_putc(out, s.ptr[i]);
    }
    ql_buf_putc(out, '"');
}

static enum ql_status write_quarantine(struct ql_csv_bad_rows *bad_rows, const struct ql_csv_row *row, struct ql_str column,
                                       const char *reason, const char *input, struct ql_err *err) {
    struct ql_buf *text = &bad_rows->text;
    ql_buf_reset(text);
    if (!bad_rows->has_header) {
        ql_buf_puts(text, "line,byte_offset,column,reason,row,input\n");
        bad_rows->has_header = true;
    }
    ql_buf_printf(text, "%" PRId64 ",%" PRId64 ",", row->line, row->offset);
    put_quoted(text, column);
    ql_buf_putc(text, ',');
    put_quoted(text, ql_str_from(reason));
    ql_buf_putc(text, ',');
    put_quoted(text, row->text);
    ql_buf_putc(text, ',');
    put_quoted(text, ql_str_from(input));
    ql_buf_putc(text, '\n');
    enum ql_status status = bad_rows->quarantine.write(bad_rows->quarantine.ctx, text->ptr, text->len, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "writing a bad row to the quarantine");
    }
    return status;
}

static enum ql_status fail_too_many(const struct ql_csv_bad_rows *bad_rows, struct ql_err *err) {
    ql_err_wrap(err, "more than %" PRId64 " bad rows; the last", bad_rows->max_rows);
    ql_err_hint(err, "correct the input, or raise --max-bad-rows");
    return QL_E_BAD_ROW;
}

static enum ql_status leave_out(struct ql_csv_bad_rows *bad_rows, const struct ql_csv_row *row,
                                const struct ql_csv_defect *defect, const struct ql_csv_columns *columns, const char *reason,
                                const char *input, struct ql_err *err) {
    if (bad_rows->policy == QL_BAD_ROW_QUARANTINE && bad_rows->quarantine.write != NULL) {
        struct ql_str column = defect->column != QL_CSV_NONE ? columns->spelled[defect->column] : (struct ql_str){0};
        QL_TRY(write_quarantine(bad_rows, row, column, reason, input, err));
    }
    if (bad_rows->max_rows >= 0 && bad_rows->n_rows > bad_rows->max_rows) {
        (void)fail(row, defect, columns, reason, err);
        return fail_too_many(bad_rows, err);
    }
    return QL_OK;
}

enum ql_status ql_csv_bad_rows_put(struct ql_csv_bad_rows *bad_rows, const struct ql_csv_row *row,
                                   const struct ql_csv_defect *defect, const struct ql_csv_columns *columns, const char *input,
                                   const char *encoding, struct ql_err *err) {
    struct ql_buf reason = {0};
    put_reason(&reason, row, defect, columns, encoding);
    bad_rows->n_rows++;
    enum ql_status status = bad_rows->policy == QL_BAD_ROW_FAIL || defect->fault == QL_CSV_FAULT_PARTIAL
                                ? fail(row, defect, columns, reason.ptr, err)
                                : leave_out(bad_rows, row, defect, columns, reason.ptr, input, err);
    ql_buf_fini(&reason);
    return status;
}

void ql_csv_bad_rows_fini(struct ql_csv_bad_rows *bad_rows) {
    ql_buf_fini(&bad_rows->text);
}
