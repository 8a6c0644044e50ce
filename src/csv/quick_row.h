/**
 * Rows without an index: the loop that nearly all rows go through. Always inlined into a function for each kernel, so that it
 * is compiled for the kernel's own instructions.
 *
 * The interval is mostly that of the row before, and the queue the one that followed the last queue before: where a comparison
 * says so, only the fields behind them are looked at. Else the row's fields are found as the index would find them.
 */
#ifndef QL_CSV_QUICK_ROW_H
#define QL_CSV_QUICK_ROW_H

#include "csv/csv_internal.h"
#include "csv/index_block.h"
#include "csv/swar.h"

/* A row of the index while it is read. Field i goes from ends[i - 1] + 1 to ends[i]; the row before has left ends[-1]. */
struct ql_csv_quick_row {
    const char *text;     /* of the window */
    const uint32_t *ends; /* of its fields */
    uint32_t end;         /* of the last field: without a carriage return */
    size_t n_fields;
};

static inline const char *ql_csv_quick_end(const struct ql_csv_quick_row *row, size_t column) {
    return row->text + (column + 1 == row->n_fields ? row->end : row->ends[column]);
}

static inline struct ql_str ql_csv_quick_text(const struct ql_csv_quick_row *row, size_t first, size_t last) {
    const char *start = row->text + (uint32_t)(row->ends[(ptrdiff_t)first - 1] + 1);
    return (struct ql_str){.ptr = start, .len = (size_t)(ql_csv_quick_end(row, last) - start)};
}

/* Missing values of a row that may yet be declined. */
struct ql_csv_quick_counts {
    int64_t missing, nan;
};

/* quick_row.c: false declines the row. Numbers are put into row n_rows of the batch, which is not counted. */
bool ql_csv_quick_count(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row,
                        const struct ql_csv_quick_number *quick, struct ql_csv_batch *batch,
                        struct ql_csv_quick_counts *counts);
bool ql_csv_quick_decimal(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row,
                          const struct ql_csv_quick_number *quick, struct ql_csv_batch *batch,
                          struct ql_csv_quick_counts *counts);
/* The whole row, which is counted. */
bool ql_csv_quick_row_read(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row, struct ql_csv_batch *batch);
/* Rows are counted for the last interval's run until another interval begins one. */
void ql_csv_quick_resume_run(struct ql_csv_reader *reader, struct ql_csv_batch *batch);

/* A kernel's own. */
typedef struct ql_csv_masks ql_csv_find_masks_fn(const char *block, char delimiter);
typedef bool ql_csv_is_same_fn(const char *a, const char *b, size_t len);

QL_CSV_INLINE uint64_t ql_csv_quick_prefix_xor(uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) {
        bits ^= bits << shift;
    }
    return bits;
}

/*
 * The ends of the fields of a row from column `n` on, which begins at `at`, by the rules of the index; false if they are not
 * as many as there should be, or the row goes on in another line.
 */
QL_CSV_INLINE bool ql_csv_quick_find_ends(const struct ql_csv_guess *guess, const char *text, size_t n_left, size_t at,
                                          size_t n, struct ql_csv_quick_row *row, uint32_t *ends, size_t *line_end,
                                          ql_csv_find_masks_fn *find_masks) {
    struct ql_csv_index_state state = {.may_open = 1};
    bool has_breaks = false;
    for (; at < n_left; at += QL_CSV_BLOCK_BYTES) {
        struct ql_csv_masks m = find_masks(text + at, guess->delimiter);
        uint64_t bad = 0;
        if (__builtin_expect((m.quote | state.inside | state.has_close) != 0, 0)) {
            bad = ql_csv_apply_quotes(&m, &state, &has_breaks, ql_csv_quick_prefix_xor);
        }
        if (__builtin_expect((m.cr | state.has_cr) != 0, 0)) {
            bad |= (m.cr << 1 | state.has_cr) & ~m.lf;
            state.has_cr = m.cr >> 63;
        }
        state.may_open = (m.delimiter | m.lf | m.quote) >> 63;
        uint64_t upto = m.lf ^ (m.lf - 1); /* the line feed and all before it; all if there is none */
        if (__builtin_expect((bad & upto) != 0 || has_breaks, 0)) {
            return false;
        }
        for (uint64_t bits = m.delimiter & upto; bits != 0; bits &= bits - 1) {
            if (n + 1 == row->n_fields) {
                return false;
            }
            ends[n++] = (uint32_t)(at + (size_t)__builtin_ctzll(bits));
        }
        if (m.lf != 0) {
            *line_end = at + (size_t)__builtin_ctzll(m.lf);
            row->end = (uint32_t)(*line_end - (*line_end != 0 && text[*line_end - 1] == '\r'));
            ends[n] = row->end;
            return n + 1 == row->n_fields && *line_end < n_left && *line_end <= guess->max_row_bytes;
        }
    }
    return false;
}

/* A column of numbers as the loop wants it. */
struct ql_csv_hot_number {
    size_t column;
    int scale; /* of the column, with the shift */
    char point;
    int64_t *k; /* of row 0 */
};

QL_CSV_INLINE bool ql_csv_quick_numbers(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row,
                                        const struct ql_csv_hot_number *hot, struct ql_csv_batch *batch) {
    struct ql_csv_quick_counts counts = {0};
    const size_t n_counts = reader->n_quick_counts;
    const size_t n_all = reader->n_quick;
    const size_t n = batch->n_rows;
    for (size_t i = 0; i < n_counts; i++) {
        uint32_t start = row->ends[(ptrdiff_t)hot[i].column - 1] + 1;
        uint32_t end = row->ends[hot[i].column];
        uint32_t value;
        if (__builtin_expect(hot[i].scale == 0 && ql_csv_swar_parse_short(row->text + end, end - start, &value), 1)) {
            hot[i].k[n] = value;
        } else if (!ql_csv_quick_count(reader, row, &reader->quick[i], batch, &counts)) {
            return false;
        }
    }
    for (size_t i = n_counts; i < n_all; i++) {
        uint32_t start = row->ends[(ptrdiff_t)hot[i].column - 1] + 1;
        uint32_t end = row->ends[hot[i].column];
        uint64_t value;
        int scale;
        if (__builtin_expect(ql_csv_swar_parse_word(row->text + end, end - start, hot[i].point, &value, &scale) &&
                                 (unsigned)(hot[i].scale - scale) <= QL_CSV_SCALE_MAX - 8,
                             1)) { /* no product of eight digits overflows */
            hot[i].k[n] = (int64_t)value * ql_csv_pow10(hot[i].scale - scale);
        } else if (!ql_csv_quick_decimal(reader, row, &reader->quick[i], batch, &counts)) {
            return false;
        }
    }
    reader->missing_values += counts.missing;
    reader->nan_values += counts.nan;
    batch->n_rows++;
    return true;
}

QL_CSV_INLINE bool ql_csv_quick_is_guess_right(const struct ql_csv_reader *reader, char delimiter, const char *text,
                                               size_t n_left, struct ql_str queue, size_t *head_len,
                                               ql_csv_is_same_fn *is_same) {
    size_t interval_len = reader->last_a.len;
    *head_len = interval_len + queue.len + 2;
    return *head_len < n_left && text[interval_len] == delimiter && text[*head_len - 1] == delimiter &&
           is_same(text, reader->last_a.ptr, interval_len) && is_same(text + interval_len + 1, queue.ptr, queue.len);
}

static inline void ql_csv_quick_warm(const struct ql_csv_reader *reader, const struct ql_csv_batch *batch,
                                     struct ql_csv_hot_number *hot) {
    for (size_t i = 0; i < reader->n_quick; i++) {
        const struct ql_csv_quick_number *quick = &reader->quick[i];
        const struct ql_csv_batch_column *column = &batch->columns[quick->metric];
        hot[i] = (struct ql_csv_hot_number){
            .column = quick->column, .scale = column->scale + quick->shift, .point = quick->point, .k = column->k};
    }
}

/* ql_csv_guess_fn for a kernel. */
QL_CSV_INLINE size_t ql_csv_quick_read(struct ql_csv_reader *reader, struct ql_csv_guess *guess, size_t n_max,
                                       struct ql_csv_batch *batch, ql_csv_find_masks_fn *find_masks,
                                       ql_csv_is_same_fn *is_same) {
    struct ql_csv_dictionary *dictionary = &reader->dictionary;
    struct ql_csv_hot_number hot[QL_CSV_GUESS_COLUMNS_MAX];
    uint32_t memory[1 + QL_CSV_GUESS_COLUMNS_MAX];
    uint32_t *ends = memory + 1;
    struct ql_csv_quick_row row = {.text = guess->text.ptr, .ends = ends, .n_fields = reader->columns->n_columns};
    const size_t first_number = reader->queue_spans.a.last + 1;
    size_t n_left = guess->text.len;
    size_t n_rows = 0;
    memory[0] = UINT32_MAX; /* and 1 is where the row begins */
    ql_csv_quick_resume_run(reader, batch);
    ql_csv_quick_warm(reader, batch, hot);
    for (; n_rows < n_max; n_rows++) {
        size_t head_len;
        size_t line_end;
        uint32_t code = dictionary->n_entries != 0 ? dictionary->entries[dictionary->last].next : QL_CSV_NO_CODE;
        if (__builtin_expect(reader->has_last_spans && code != QL_CSV_NO_CODE, 1) &&
            ql_csv_quick_is_guess_right(reader, guess->delimiter, row.text, n_left, dictionary->entries[code].key.a, &head_len,
                                        is_same)) {
            ends[first_number - 1] = (uint32_t)head_len - 1;
            batch->queue[batch->n_rows] = code;
            if (!ql_csv_quick_find_ends(guess, row.text, n_left, head_len, first_number, &row, ends, &line_end, find_masks) ||
                !ql_csv_quick_numbers(reader, &row, hot, batch)) {
                break;
            }
            dictionary->last = code;
        } else if (!ql_csv_quick_find_ends(guess, row.text, n_left, 0, 0, &row, ends, &line_end, find_masks) ||
                   !ql_csv_quick_row_read(reader, &row, batch)) {
            break;
        }
        row.text += line_end + 1;
        n_left -= line_end + 1;
    }
    guess->n_bytes = guess->text.len - n_left;
    return n_rows;
}

#endif
