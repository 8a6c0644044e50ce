/*
 * The whole file: first whether everything that the footer mentions lies beside everything else, then chunk after chunk, then
 * what is left.
 *
 * Chunks are read only where none overlaps another: a file could otherwise point a million chunks at the same bytes.
 */
#include "inspect/verify_internal.h"

#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAGIC_SIZE = 4, ENDING_SIZE = 8, METADATA_DEPTH_MAX = 16 };

struct span {
    int64_t begin, end;
    size_t group, column; /* whose it is; SIZE_MAX: the frame's */
};
struct spans {
    struct span *items;
    size_t n, cap;
};

static void add_problem(struct ql_verify_report *report, const struct ql_verify_problem *where, bool is_unsupported,
                        const char *message) {
    if (report->n_problems < QL_VERIFY_PROBLEMS_MAX) {
        struct ql_verify_problem *problem = &report->problems[report->n_problems];
        *problem = *where;
        problem->is_unsupported = is_unsupported;
        (void)snprintf(problem->message, sizeof problem->message, "%.*s", (int)sizeof problem->message - 1, message);
    }
    report->n_problems++;
    report->n_unsupported += is_unsupported;
}

static void add_span(struct spans *spans, int64_t offset, int64_t len, size_t group, size_t column) {
    if (len != 0) {
        QL_MEM_GROW(spans->items, spans->cap, spans->n + 1);
        spans->items[spans->n++] = (struct span){.begin = offset, .end = offset + len, .group = group, .column = column};
    }
}

static int compare_spans(const void *a, const void *b) {
    const struct span *x = a;
    const struct span *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

static void collect(const struct ql_parquet_file *file, struct spans *spans) {
    add_span(spans, 0, MAGIC_SIZE, SIZE_MAX, SIZE_MAX);
    add_span(spans, file->footer.offset, file->footer.len + ENDING_SIZE, SIZE_MAX, SIZE_MAX);
    for (size_t g = 0; g < file->n_groups; g++) {
        for (size_t c = 0; c < file->n_columns; c++) {
            const struct ql_parquet_chunk *chunk = &file->groups[g].chunks[c];
            add_span(spans, chunk->offset, chunk->stored, g, c);
            add_span(spans, chunk->column_index.offset, chunk->column_index.len, g, c);
            add_span(spans, chunk->offset_index.offset, chunk->offset_index.len, g, c);
            add_span(spans, chunk->bloom_filter.offset, chunk->bloom_filter.len, g, c);
        }
    }
    qsort(spans->items, spans->n, sizeof *spans->items, compare_spans);
}

/* Whether every byte belongs to one thing; false where two things overlap. */
static bool check_spans(struct ql_verifier *verifier) {
    struct ql_verify_report *report = verifier->report;
    struct spans spans = {0};
    bool are_apart = true;
    int64_t end = 0;
    char message[256];
    collect(verifier->file, &spans);
    for (size_t i = 0; i < spans.n; i++) {
        const struct span *span = &spans.items[i];
        struct ql_verify_problem where = {.group = -1, .column = -1, .page = -1, .offset = span->begin};
        if (span->group != SIZE_MAX) {
            where.group = (int64_t)span->group;
            where.column = (int64_t)span->column;
        }
        if (span->begin < end) {
            are_apart = false;
            add_problem(report, &where, false, "its bytes belong to something else as well");
        } else if (span->begin > end) {
            report->n_bytes_unknown += span->begin - end;
            if (verifier->is_ours) {
                where.offset = end;
                (void)snprintf(message, sizeof message, "%" PRId64 " bytes before it belong to nothing", span->begin - end);
                add_problem(report, &where, false, message);
            }
        }
        end = span->end > end ? span->end : end;
    }
    ql_mem_free(spans.items);
    return are_apart;
}

static enum ql_status check_groups(struct ql_verifier *verifier, struct ql_err *err) {
    const struct ql_parquet_file *file = verifier->file;
    for (size_t g = 0; g < file->n_groups; g++) {
        int64_t raw = 0;
        for (size_t c = 0; c < file->n_columns; c++) {
            struct ql_verify_problem where = {.group = (int64_t)g, .column = (int64_t)c};
            struct ql_err problem = {0};
            verifier->is_unsupported = false;
            enum ql_status status = ql_verify_chunk(verifier, &file->groups[g], c, &where.page, &where.offset, &problem);
            if (status == QL_E_DATA || status == QL_E_COMPRESSED) {
                add_problem(verifier->report, &where, verifier->is_unsupported, problem.message);
            } else if (status != QL_OK) {
                if (err != NULL) {
                    *err = problem;
                }
                return status;
            }
            raw += file->groups[g].chunks[c].raw;
        }
        if (verifier->is_ours && raw != file->groups[g].raw) {
            const struct ql_verify_problem where = {.group = (int64_t)g, .column = -1, .page = -1, .offset = -1};
            add_problem(verifier->report, &where, false, "its size before compression is not that of its columns");
        }
    }
    return QL_OK;
}

/* The footer says the number of rows a second time, in our own words. */
static void check_metadata(struct ql_verifier *verifier) {
    const struct ql_verify_problem where = {.group = -1, .column = -1, .page = -1, .offset = verifier->file->footer.offset};
    struct ql_str text = ql_parquet_file_get(verifier->file, "queuelake");
    struct ql_json *json = NULL;
    struct ql_err err = {0};
    int64_t n_rows = -1;
    if (text.ptr == NULL) {
        return;
    }
    if (ql_json_parse(text, METADATA_DEPTH_MAX, &json, &err) != QL_OK) {
        add_problem(verifier->report, &where, false, "the metadata under 'queuelake' are no JSON");
    } else if (!ql_json_get_int(json, "rows", &n_rows) || n_rows != verifier->file->n_rows) {
        add_problem(verifier->report, &where, false, "the metadata under 'queuelake' state another number of rows");
    }
    ql_json_free(json);
}

enum ql_status ql_verify(const struct ql_parquet_input *input, const struct ql_parquet_file *file,
                         const volatile sig_atomic_t *is_cancelled, struct ql_verify_report *report, struct ql_err *err) {
    struct ql_verifier verifier = {.file = file,
                                   .is_cancelled = is_cancelled,
                                   .decompressor = ql_decompressor_new(),
                                   .report = report,
                                   .is_ours = ql_parquet_file_is_ours(file)};
    *report = (struct ql_verify_report){.n_bytes = file->size};
    ql_verify_window_init(&verifier.window, input);
    bool are_apart = check_spans(&verifier);
    enum ql_status status = are_apart ? check_groups(&verifier, err) : QL_OK;
    if (verifier.is_ours) {
        check_metadata(&verifier);
    }
    if (status == QL_OK) {
        status = ql_verify_window_finish(&verifier.window, report->sha256, err);
    }
    ql_verify_window_fini(&verifier.window);
    ql_decompressor_free(verifier.decompressor);
    ql_arena_fini(&verifier.arena);
    return status;
}

static void put_place(const struct ql_verify_problem *problem, const struct ql_parquet_file *file, struct ql_buf *out) {
    if (problem->group >= 0) {
        ql_buf_printf(out, "row group %" PRId64, problem->group);
    }
    if (problem->column >= 0) {
        ql_buf_printf(out, ", column '%.*s'", QL_STR_ARG(file->columns[problem->column].path));
    }
    if (problem->page >= 0) {
        ql_buf_printf(out, ", page %" PRId64, problem->page);
    }
    if (problem->offset >= 0) {
        ql_buf_printf(out, "%s byte %" PRId64, out->len != 0 ? " at" : "at", problem->offset);
    }
    ql_buf_puts(out, out->len != 0 ? ": " : "");
}

enum ql_status ql_verify_fail(const struct ql_verify_report *report, const struct ql_parquet_file *file, struct ql_err *err) {
    const struct ql_verify_problem *problem = &report->problems[0];
    for (int64_t i = 0; i < report->n_problems && i < QL_VERIFY_PROBLEMS_MAX; i++) {
        if (!report->problems[i].is_unsupported) { /* damage comes before what cannot be judged */
            problem = &report->problems[i];
            break;
        }
    }
    struct ql_buf place = {0};
    put_place(problem, file, &place);
    enum ql_status status = QL_FAIL(err, QL_E_DATA, "%s%s", ql_buf_text(&place), problem->message);
    ql_buf_fini(&place);
    if (problem->is_unsupported) {
        ql_err_hint(err, "without --verify the file is shown as its footer has it");
    } else {
        ql_err_hint(err, "the file is damaged: get it again, or make it again from its source");
    }
    return status;
}
