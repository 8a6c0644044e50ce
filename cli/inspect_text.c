/*
 * A header, the columns by size, row groups, metadata; then what verification found.
 *
 * Names and texts are the file's: control characters (which steer terminals) are written as \xNN.
 */
#include "cli/inspect_text.h"

#include "base/category.h"
#include "base/unicode.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NAME_WIDTH = 40,
    TYPE_WIDTH = 22,
    VALUE_WIDTH = 24,
    LINE_WIDTH = 100,
    COLUMNS_SHOWN = 30,
    GROUPS_SHOWN = 10,
    QUEUES_SHOWN = 20
};
enum { METADATA_DEPTH_MAX = 16 };

/* At most `width` characters, the last three of them dots where more is cut. Returns how many. */
static size_t put_cut(struct ql_str text, size_t width, struct ql_buf *out) {
    size_t n = 0;
    size_t len_of_cut = out->len; /* where dots would begin */
    for (size_t at = 0; at < text.len;) {
        uint32_t c = 0;
        size_t len = ql_utf8_next(text, at, &c);
        char escaped[8];
        struct ql_str piece = {.ptr = text.ptr + at, .len = len};
        size_t piece_width = 1;
        if (len == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            piece_width = (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned)(unsigned char)text.ptr[at]);
            piece = (struct ql_str){.ptr = escaped, .len = piece_width};
            len = len == 0 ? 1 : len;
        }
        if (n + piece_width > width) {
            out->len = len_of_cut;
            ql_buf_puts(out, "...");
            return width;
        }
        ql_buf_put_str(out, piece);
        n += piece_width;
        len_of_cut = n + 3 <= width ? out->len : len_of_cut;
        at += len;
    }
    return n;
}

static void put_padded(struct ql_str text, size_t width, struct ql_buf *out) {
    for (size_t n = put_cut(text, width, out); n < width; n++) {
        ql_buf_putc(out, ' ');
    }
}

/* "1,234,567", to the right of `width` characters. */
static void put_grouped(int64_t value, int width, struct ql_buf *out) {
    char plain[32];
    char grouped[48];
    int len = snprintf(plain, sizeof plain, "%" PRId64, value);
    size_t n = 0;
    for (int i = 0; i < len; i++) {
        bool needs_comma = i != 0 && (len - i) % 3 == 0 && plain[i - 1] != '-';
        if (needs_comma) {
            grouped[n++] = ',';
        }
        grouped[n++] = plain[i];
    }
    grouped[n] = '\0';
    ql_buf_printf(out, "%*s", width, grouped);
}

static void put_count(int64_t n, const char *one, const char *many, struct ql_buf *out) {
    put_grouped(n, 0, out);
    ql_buf_printf(out, " %s", n == 1 ? one : many);
}

/* ---- columns ---- */

struct ranked {
    size_t column;
    int64_t stored;
};

static int compare_ranked(const void *a, const void *b) {
    const struct ranked *x = a;
    const struct ranked *y = b;
    if (x->stored != y->stored) {
        return x->stored < y->stored ? 1 : -1;
    }
    return (x->column > y->column) - (x->column < y->column);
}

static void put_value(const struct ql_parquet_column *column, struct ql_str value, struct ql_buf *out) {
    struct ql_buf text = {0};
    ql_value_put(column, value, &text);
    (void)put_cut(ql_buf_view(&text), VALUE_WIDTH, out);
    ql_buf_fini(&text);
}

static void put_encodings(uint32_t encodings, struct ql_buf *out) {
    const char *separator = "";
    for (int32_t e = 0; e <= QL_PARQUET_ENCODING_MAX; e++) {
        if ((encodings >> e & 1) != 0) {
            ql_buf_printf(out, "%s%s", separator, ql_parquet_encoding_name(e));
            separator = " ";
        }
    }
}

static void put_column(const struct ql_parquet_file *file, const struct ql_column_summary *summary, size_t c, int64_t total,
                       struct ql_buf *out) {
    const struct ql_parquet_column *column = &file->columns[c];
    struct ql_buf type = {0};
    ql_parquet_put_type(column, &type);
    ql_buf_puts(out, "  ");
    put_padded(column->path, NAME_WIDTH, out);
    ql_buf_putc(out, ' ');
    put_padded(ql_buf_view(&type), TYPE_WIDTH, out);
    ql_buf_fini(&type);
    put_grouped(summary->stored, 14, out);
    ql_buf_printf(out, " %5.1f%%", total != 0 ? 100.0 * (double)summary->stored / (double)total : 0.0);
    if (summary->null_count >= 0) {
        put_grouped(summary->null_count, 12, out);
    } else {
        ql_buf_printf(out, "%12s", "?");
    }
    ql_buf_puts(out, "\n      ");
    put_encodings(summary->encodings, out);
    if (summary->stored != 0) {
        ql_buf_printf(out, ", %s %.1fx", summary->codec >= 0 ? ql_parquet_codec_name(summary->codec) : "several codecs",
                      (double)summary->raw / (double)summary->stored);
    }
    if (summary->min.ptr != NULL) {
        ql_buf_puts(out, summary->stored != 0 ? ", " : "");
        put_value(column, summary->min, out);
        ql_buf_puts(out, " .. ");
        put_value(column, summary->max, out);
    }
    ql_buf_putc(out, '\n');
}

static void put_columns(const struct ql_parquet_file *file, bool is_long, struct ql_buf *out) {
    struct ql_column_summary *summaries = ql_column_summaries(file);
    struct ranked *ranked = ql_mem_zalloc(file->n_columns, sizeof *ranked);
    int64_t total = 0;
    for (size_t c = 0; c < file->n_columns; c++) {
        ranked[c] = (struct ranked){.column = c, .stored = summaries[c].stored};
        total += summaries[c].stored;
    }
    size_t n = is_long || file->n_columns <= COLUMNS_SHOWN + 3 ? file->n_columns : COLUMNS_SHOWN;
    if (n < file->n_columns) { /* all of them are shown in the file's order, a part as what takes most of it */
        qsort(ranked, file->n_columns, sizeof *ranked, compare_ranked);
    }
    ql_buf_printf(out, "\n  %-*s %-*s%14s %6s%12s\n", NAME_WIDTH, n < file->n_columns ? "largest columns" : "columns",
                  TYPE_WIDTH, "type", "bytes", "share", "nulls");
    for (size_t i = 0; i < n; i++) {
        put_column(file, &summaries[ranked[i].column], ranked[i].column, total, out);
    }
    if (n < file->n_columns) {
        ql_buf_puts(out, "  and ");
        put_count((int64_t)(file->n_columns - n), "column", "columns", out);
        ql_buf_puts(out, " more (--verbose shows all)\n");
    }
    ql_mem_free(ranked);
    ql_mem_free(summaries);
}

/* ---- row groups ---- */

static void put_groups(const struct ql_parquet_file *file, bool is_long, struct ql_buf *out) {
    size_t n = is_long || file->n_groups <= GROUPS_SHOWN ? file->n_groups : GROUPS_SHOWN;
    if (file->n_groups == 0) {
        return;
    }
    ql_buf_printf(out, "\n  %-10s%16s%18s%18s%18s\n", "row group", "rows", "bytes", "uncompressed", "at byte");
    for (size_t g = 0; g < n; g++) {
        const struct ql_parquet_group *group = &file->groups[g];
        ql_buf_printf(out, "  %-10zu", g);
        put_grouped(group->n_rows, 16, out);
        put_grouped(group->stored, 18, out);
        put_grouped(group->raw, 18, out);
        put_grouped(file->n_columns != 0 ? group->chunks[0].offset : 0, 18, out);
        ql_buf_putc(out, '\n');
    }
    if (n < file->n_groups) {
        ql_buf_printf(out, "  and %zu more (--verbose shows all)\n", file->n_groups - n);
    }
}

/* ---- metadata ---- */

struct pairs {
    struct ql_buf *out;
    size_t n, max;
    size_t line; /* where the line at hand begins */
};

static void put_scalar(const struct ql_json *value, struct ql_buf *out) {
    struct ql_str text = ql_json_text(value);
    struct ql_buf json = {0};
    if (text.ptr == NULL) {
        ql_json_write(value, false, &json);
        text = ql_buf_view(&json);
    }
    (void)put_cut(text, 60, out);
    ql_buf_fini(&json);
}

static void put_setting(void *ctx, struct ql_str key, const struct ql_json *value) {
    struct pairs *pairs = ctx;
    struct ql_buf text = {0};
    (void)put_cut(key, NAME_WIDTH, &text);
    ql_buf_putc(&text, ' ');
    put_scalar(value, &text);
    ql_buf_puts(pairs->out, pairs->n++ != 0 ? "," : "");
    if (pairs->out->len - pairs->line + text.len + 2 > LINE_WIDTH) {
        ql_buf_puts(pairs->out, "\n     ");
        pairs->line = pairs->out->len - strlen("     ");
    }
    ql_buf_putc(pairs->out, ' ');
    ql_buf_put_str(pairs->out, ql_buf_view(&text));
    ql_buf_fini(&text);
}

static void put_queue(void *ctx, struct ql_str key, const struct ql_json *value) {
    struct pairs *pairs = ctx;
    if (pairs->n++ >= pairs->max) {
        return;
    }
    ql_buf_puts(pairs->out, "    ");
    put_padded(ql_json_text(value), NAME_WIDTH, pairs->out);
    ql_buf_putc(pairs->out, ' ');
    (void)put_cut(key, LINE_WIDTH - NAME_WIDTH - 5, pairs->out);
    ql_buf_putc(pairs->out, '\n');
}

/* What queuelake wrote about its own file (src/run/footer.c). */
static void put_ours(const struct ql_json *ours, bool is_long, struct ql_buf *out) {
    const struct ql_json *range = ql_json_get(ours, "range");
    ql_buf_puts(out, "\n  made by queuelake: layout ");
    (void)put_cut(ql_json_get_text(ours, "layout"), NAME_WIDTH, out);
    ql_buf_puts(out, ", profile ");
    (void)put_cut(ql_json_get_text(ours, "profile"), NAME_WIDTH, out);
    if (ql_json_get_text(range, "from").ptr != NULL && ql_json_get_text(range, "to").ptr != NULL) {
        ql_buf_puts(out, "\n    from ");
        (void)put_cut(ql_json_get_text(range, "from"), NAME_WIDTH, out);
        ql_buf_puts(out, " to ");
        (void)put_cut(ql_json_get_text(range, "to"), NAME_WIDTH, out);
    }
    ql_buf_putc(out, '\n');
    struct pairs settings = {.out = out, .line = out->len};
    ql_buf_puts(out, "    settings:");
    ql_json_each(ql_json_get(ours, "settings"), put_setting, &settings);
    ql_buf_putc(out, '\n');
    const struct ql_json *columns = ql_json_get(ours, "columns");
    for (size_t i = 0; i < ql_json_length(columns); i++) {
        ql_buf_puts(out, i == 0 ? "    values:\n      " : "      ");
        (void)put_cut(ql_json_text(ql_json_at(columns, i)), LINE_WIDTH - 6, out);
        ql_buf_putc(out, '\n');
    }
    struct pairs queues = {.out = out, .max = is_long ? SIZE_MAX : QUEUES_SHOWN};
    struct ql_buf map = {0};
    queues.out = &map;
    ql_json_each(ql_json_get(ours, "queue_columns"), put_queue, &queues);
    if (queues.n != 0) {
        ql_buf_puts(out, "    names in columns, and the queues that they stand for:\n");
        ql_buf_put_str(out, ql_buf_view(&map));
    }
    if (queues.n > queues.max) {
        ql_buf_printf(out, "    and %zu more (--verbose shows all)\n", queues.n - queues.max);
    }
    ql_buf_fini(&map);
}

static void put_metadata(const struct ql_parquet_file *file, bool is_long, struct ql_buf *out) {
    struct ql_json *ours = NULL;
    struct ql_str text = ql_parquet_file_get(file, "queuelake");
    bool is_ours = text.ptr != NULL && ql_json_parse(text, METADATA_DEPTH_MAX, &ours, NULL) == QL_OK && ql_json_is_object(ours);
    bool has_title = false;
    for (size_t i = 0; i < file->n_pairs; i++) {
        const struct ql_parquet_pair *pair = &file->pairs[i];
        if (is_ours && ql_str_eq(pair->key, QL_STR("queuelake"))) {
            continue;
        }
        ql_buf_puts(out, has_title ? "" : "\n  metadata\n");
        has_title = true;
        ql_buf_puts(out, "    ");
        size_t n = put_cut(pair->key, NAME_WIDTH, out);
        ql_buf_puts(out, " = ");
        (void)put_cut(pair->value, is_long ? SIZE_MAX : LINE_WIDTH - 7 - n, out);
        ql_buf_putc(out, '\n');
    }
    if (is_ours) {
        put_ours(ours, is_long, out);
    }
    ql_json_free(ours);
}

/* ---- the whole ---- */

static void put_sorting(const struct ql_parquet_file *file, struct ql_buf *out) {
    if (file->n_groups == 0 || file->groups[0].n_sorting == 0) {
        return;
    }
    ql_buf_puts(out, "  sorted by ");
    for (size_t i = 0; i < file->groups[0].n_sorting; i++) {
        const struct ql_parquet_sorting *sorting = &file->groups[0].sorting[i];
        ql_buf_puts(out, i != 0 ? ", " : "");
        (void)put_cut(file->columns[sorting->column].path, NAME_WIDTH, out);
        ql_buf_puts(out, sorting->is_descending ? " descending" : "");
    }
    ql_buf_putc(out, '\n');
}

static int64_t page_index_bytes(const struct ql_parquet_file *file) {
    int64_t bytes = 0;
    for (size_t g = 0; g < file->n_groups; g++) {
        for (size_t c = 0; c < file->n_columns; c++) {
            bytes += file->groups[g].chunks[c].column_index.len + file->groups[g].chunks[c].offset_index.len;
        }
    }
    return bytes;
}

void ql_cli_inspect_put_text(struct ql_str name, const struct ql_parquet_file *file, bool is_long, struct ql_buf *out) {
    (void)put_cut(name, SIZE_MAX, out);
    ql_buf_puts(out, "\n  ");
    put_count(file->n_rows, "row", "rows", out);
    ql_buf_puts(out, " x ");
    put_count((int64_t)file->n_columns, "column", "columns", out);
    ql_buf_puts(out, " in ");
    put_count((int64_t)file->n_groups, "row group", "row groups", out);
    ql_buf_puts(out, "; ");
    put_count(file->size, "byte", "bytes", out);
    ql_buf_puts(out, ", of them ");
    put_grouped(file->footer.len, 0, out);
    ql_buf_puts(out, " footer");
    if (page_index_bytes(file) != 0) {
        ql_buf_puts(out, ", ");
        put_grouped(page_index_bytes(file), 0, out);
        ql_buf_puts(out, " page index");
    }
    ql_buf_printf(out, "\n  Parquet version %d, created by ", (int)file->version);
    (void)put_cut(file->created_by.len != 0 ? file->created_by : QL_STR("a writer that does not say so"), LINE_WIDTH - 34, out);
    ql_buf_putc(out, '\n');
    put_sorting(file, out);
    put_metadata(file, is_long, out);
    put_columns(file, is_long, out);
    put_groups(file, is_long, out);
}

static void put_problem(const struct ql_verify_problem *problem, const struct ql_parquet_file *file, struct ql_buf *out) {
    ql_buf_puts(out, "    ");
    if (problem->group >= 0) {
        ql_buf_printf(out, "row group %" PRId64 ", ", problem->group);
    }
    if (problem->column >= 0) {
        ql_buf_puts(out, "column ");
        (void)put_cut(file->columns[problem->column].path, NAME_WIDTH, out);
        ql_buf_puts(out, ", ");
    }
    if (problem->page >= 0) {
        ql_buf_printf(out, "page %" PRId64 ", ", problem->page);
    }
    if (problem->offset >= 0) {
        ql_buf_printf(out, "byte %" PRId64, problem->offset);
    }
    ql_buf_printf(out, ":\n      %s\n", problem->message);
}

void ql_cli_inspect_put_report(const struct ql_verify_report *report, const struct ql_parquet_file *file, struct ql_buf *out) {
    ql_buf_puts(out, "\n  verified: ");
    put_count(report->n_pages, "page", "pages", out);
    ql_buf_puts(out, ", ");
    put_count(report->n_values, "value", "values", out);
    ql_buf_puts(out, ", of them ");
    put_grouped(report->n_nulls, 0, out);
    ql_buf_printf(out, " NULL\n  sha256 %s\n", report->sha256);
    if (report->n_pages_without_crc != 0) {
        ql_buf_puts(out, "  ");
        put_count(report->n_pages_without_crc, "page has no CRC", "pages have no CRC", out);
        ql_buf_putc(out, '\n');
    }
    if (report->n_bytes_unknown != 0) {
        ql_buf_puts(out, "  ");
        put_count(report->n_bytes_unknown, "byte belongs", "bytes belong", out);
        ql_buf_puts(out, " to nothing that the footer mentions\n");
    }
    if (report->n_problems == 0) {
        ql_buf_puts(out, "  everything is as the file says\n");
        return;
    }
    ql_buf_puts(out, "  ");
    put_count(report->n_problems, "problem", "problems", out);
    ql_buf_puts(out, ":\n");
    for (int64_t i = 0; i < report->n_problems && i < QL_VERIFY_PROBLEMS_MAX; i++) {
        put_problem(&report->problems[i], file, out);
    }
}
