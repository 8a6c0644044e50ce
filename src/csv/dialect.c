/*
 * The delimiter, found on the header: the header row is scanned under each delimiter, quotes and line breaks inside quotes
 * included, and the one under which most names are known wins; then the one without misplaced quotes, then the one with most
 * fields, then the order below. So a header like `"Avg Handle, ms";Offer` is read right.
 *
 * A candidate is judged only when its row is complete (or can never be), so the result does not depend on how the input is cut.
 */
#include "csv/csv_internal.h"

static const char DELIMITERS[QL_CSV_DELIMITERS] = {',', ';', '\t', '|'};

void ql_csv_head_begin(struct ql_csv_head *head, const struct ql_csv_limits *limits, char delimiter) {
    ql_csv_head_fini(head);
    head->n_candidates = delimiter != '\0' ? 1 : QL_CSV_DELIMITERS;
    for (size_t i = 0; i < head->n_candidates; i++) {
        struct ql_csv_candidate *candidate = &head->candidates[i];
        *candidate = (struct ql_csv_candidate){.line = 1, .result = QL_CSV_SCAN_MORE};
        ql_csv_scan_init(&candidate->scan, limits, delimiter != '\0' ? delimiter : DELIMITERS[i]);
        candidate->scan.is_header = true;
        candidate->scan.max_fields = limits->max_columns;
    }
}

void ql_csv_head_fini(struct ql_csv_head *head) {
    for (size_t i = 0; i < head->n_candidates; i++) {
        ql_csv_scan_fini(&head->candidates[i].scan);
    }
    ql_buf_fini(&head->text);
    *head = (struct ql_csv_head){0};
}

/* Goes on to the candidate's first row that is no empty line. */
static void scan_candidate(struct ql_csv_candidate *candidate, struct ql_str text, bool is_end) {
    while (candidate->result == QL_CSV_SCAN_MORE && candidate->base < text.len) {
        const char *row = text.ptr + candidate->base;
        size_t len = text.len - candidate->base;
        struct ql_csv_scan *scan = &candidate->scan;
        enum ql_csv_scan_result result = is_end ? ql_csv_scan_end(scan, row, len) : ql_csv_scan_row(scan, row, len);
        if (result != QL_CSV_SCAN_ROW || !ql_csv_scan_is_empty_line(scan)) {
            candidate->result = result;
            return;
        }
        candidate->base += scan->pos;
        candidate->line++;
        ql_csv_scan_reset(scan);
    }
}

static bool scan_candidates(struct ql_csv_head *head, bool is_end) {
    bool is_complete = true;
    for (size_t i = 0; i < head->n_candidates; i++) {
        scan_candidate(&head->candidates[i], ql_buf_view(&head->text), is_end);
        is_complete = is_complete && head->candidates[i].result != QL_CSV_SCAN_MORE;
    }
    return is_complete;
}

bool ql_csv_head_feed(struct ql_csv_head *head, const char *ptr, size_t len) {
    ql_buf_put(&head->text, ptr, len);
    return scan_candidates(head, false);
}

void ql_csv_head_end(struct ql_csv_head *head) {
    (void)scan_candidates(head, true);
}

void ql_csv_candidate_row(const struct ql_csv_head *head, const struct ql_csv_candidate *candidate, struct ql_csv_row *row) {
    const struct ql_csv_scan *scan = &candidate->scan;
    *row = (struct ql_csv_row){
        .text = {.ptr = head->text.ptr + candidate->base, .len = scan->row_len},
        .fields = scan->fields,
        .n_fields = scan->n_fields,
        .line = candidate->line,
        .offset = (int64_t)candidate->base,
        .fault = scan->fault,
        .fault_field = scan->fault_field,
    };
}

/* Where the candidate's row ends, or where it was given up. */
static size_t end_of(const struct ql_csv_candidate *candidate, size_t text_len) {
    const struct ql_csv_scan *scan = &candidate->scan;
    switch (candidate->result) {
    case QL_CSV_SCAN_ROW:
    case QL_CSV_SCAN_MAX_COLUMNS:
        return candidate->base + scan->pos;
    case QL_CSV_SCAN_MAX_FIELD:
        return candidate->base + scan->field_start + scan->max_field_bytes;
    case QL_CSV_SCAN_MAX_ROW:
        return candidate->base + scan->max_row_bytes;
    case QL_CSV_SCAN_MORE:
    case QL_CSV_SCAN_OPEN_QUOTE:
    case QL_CSV_SCAN_MAX_ROWS:
        break;
    }
    return text_len; /* the input's end */
}

struct ql_str ql_csv_head_text(const struct ql_csv_head *head) {
    struct ql_str text = ql_buf_view(&head->text);
    size_t end = 0;
    for (size_t i = 0; i < head->n_candidates; i++) {
        size_t candidate_end = end_of(&head->candidates[i], text.len);
        end = candidate_end > end ? candidate_end : end;
    }
    text.len = end;
    return text;
}

struct score {
    size_t n_known;
    bool is_clean;
    size_t n_fields;
};

static bool is_better(const struct score *a, const struct score *b) {
    if (a->n_known != b->n_known) {
        return a->n_known > b->n_known;
    }
    if (a->is_clean != b->is_clean) {
        return a->is_clean;
    }
    return a->n_fields > b->n_fields;
}

const struct ql_csv_candidate *ql_csv_head_choose(const struct ql_csv_head *head, const struct ql_csv_wanted *wanted,
                                                  struct ql_arena *arena, struct ql_csv_columns *columns, size_t *bad) {
    const struct ql_csv_candidate *best = NULL;
    struct score best_score = {0};
    *bad = QL_CSV_NONE;
    for (size_t i = 0; i < head->n_candidates; i++) {
        const struct ql_csv_candidate *candidate = &head->candidates[i];
        if (candidate->result != QL_CSV_SCAN_ROW) {
            continue;
        }
        struct ql_csv_row row;
        struct ql_csv_columns read;
        size_t bad_column = QL_CSV_NONE;
        ql_csv_candidate_row(head, candidate, &row);
        (void)ql_csv_columns_read(&read, &row, wanted, arena, &bad_column);
        struct score score = {.n_known = ql_csv_columns_count_known(&read, wanted),
                              .is_clean = row.fault == QL_CSV_FINE,
                              .n_fields = row.n_fields};
        if (best == NULL || is_better(&score, &best_score)) {
            best = candidate;
            best_score = score;
            *columns = read;
            *bad = bad_column;
        }
    }
    return best;
}

/* ---- what is no CSV ---- */

static bool has_prefix_nocase(struct ql_str s, const char *prefix) {
    size_t n = strlen(prefix);
    return s.len >= n && ql_str_eq_nocase((struct ql_str){.ptr = s.ptr, .len = n}, ql_str_from(prefix));
}

const char *ql_csv_looks_like(struct ql_str text) {
    static const struct {
        const char *begin, *name;
    } KINDS[] = {
        {"PK\x03\x04", "a ZIP archive or an Excel workbook"},
        {"\xD0\xCF\x11\xE0", "an old Excel workbook"},
        {"PAR1", "a Parquet file"},
        {"%PDF-", "a PDF document"},
        {"BZh", "a bzip2 stream, which is not supported"},
        {"\xFD"
         "7zXZ",
         "an xz stream, which is not supported"},
        {"<!doctype html", "an HTML page"},
        {"<html", "an HTML page"},
        {"<", "XML or HTML"},
        {"{", "JSON"},
        {"[", "JSON"},
    };
    struct ql_str s = ql_str_trim(text);
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (has_prefix_nocase(s, KINDS[i].begin)) {
            return KINDS[i].name;
        }
    }
    size_t looked_at = s.len < 256 ? s.len : 256;
    return looked_at != 0 && memchr(s.ptr, '\0', looked_at) != NULL ? "binary data, or UTF-16 without its byte-order mark"
                                                                    : NULL;
}
