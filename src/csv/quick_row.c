/*
 * Rows of an index, the quick way: what equals the row before is not read again, and short numbers are read in registers.
 *
 * It takes a row whole or declines it without a trace; a row that is declined is scanned and read again by scanner.c and row.c,
 * which alone know what is wrong with it. So nothing here decides what a value means: an interval or a queue that is new is
 * read by row.c's functions, and a number that swar.h does not know by number.c's. A number finer than its column's scale is
 * declined too, because only a row that is good may raise the scale.
 */
#include "csv/quick_row.h"

/* The row as scanner.c would give it. */
static void make_row(struct ql_csv_reader *reader, const struct ql_csv_quick_row *quick, struct ql_csv_row *row) {
    const char *begin = ql_csv_quick_text(quick, 0, 0).ptr;
    for (size_t i = 0; i < quick->n_fields; i++) {
        struct ql_str s = ql_csv_quick_text(quick, i, i);
        bool is_quoted = s.len != 0 && s.ptr[0] == '"'; /* the index knows that such a field ends with a quote too */
        uint32_t start = (uint32_t)(s.ptr - begin);
        reader->quick_fields[i] = (struct ql_csv_field){
            .start = start + is_quoted,
            .end = start + (uint32_t)s.len - is_quoted,
            .is_quoted = is_quoted,
            .has_doubled = is_quoted && memchr(s.ptr + 1, '"', s.len - 2) != NULL,
        };
    }
    *row = (struct ql_csv_row){.text = {.ptr = begin, .len = (size_t)(ql_csv_quick_end(quick, quick->n_fields - 1) - begin)},
                               .fields = reader->quick_fields,
                               .n_fields = quick->n_fields};
}

static inline struct ql_csv_key key_of(const struct ql_csv_quick_row *row, const struct ql_csv_spans *spans) {
    return (struct ql_csv_key){.a = ql_csv_quick_text(row, spans->a.first, spans->a.last),
                               .b = spans->has_b ? ql_csv_quick_text(row, spans->b.first, spans->b.last) : (struct ql_str){0}};
}

static inline bool is_last_interval(const struct ql_csv_reader *reader, const struct ql_csv_key *key) {
    return reader->has_last_spans && ql_csv_is_same(key->a, ql_buf_view(&reader->last_a)) &&
           ql_csv_is_same(key->b, ql_buf_view(&reader->last_b));
}

static __attribute__((noinline)) bool read_new_interval(struct ql_csv_reader *reader, const struct ql_csv_quick_row *quick,
                                                        const struct ql_csv_key *key, struct ql_csv_batch *batch) {
    struct ql_csv_row row;
    struct ql_csv_defect defect;
    make_row(reader, quick, &row);
    if (!ql_csv_reader_read_interval(reader, &row, &defect)) {
        return false;
    }
    ql_buf_reset(&reader->last_a);
    ql_buf_put_str(&reader->last_a, key->a);
    ql_buf_reset(&reader->last_b);
    ql_buf_put_str(&reader->last_b, key->b);
    reader->has_last_spans = memchr(key->a.ptr, '\n', key->a.len) == NULL; /* it would have to be counted */
    if (reader->is_new_interval) {
        ql_csv_reader_begin_run(reader, batch);
    }
    return true;
}

static __attribute__((noinline)) bool read_new_queue(struct ql_csv_reader *reader, const struct ql_csv_quick_row *quick,
                                                     const struct ql_csv_key *key, uint32_t *code) {
    struct ql_csv_row row;
    struct ql_csv_defect defect;
    if (ql_csv_dictionary_is_full(&reader->dictionary)) {
        return false;
    }
    make_row(reader, quick, &row);
    return ql_csv_reader_read_queue(reader, &row, key, code, &defect);
}

static inline bool read_queue(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row, struct ql_csv_batch *batch) {
    const struct ql_csv_key key = key_of(row, &reader->queue_spans);
    uint32_t code = ql_csv_dictionary_find(&reader->dictionary, &key);
    if (__builtin_expect(code == QL_CSV_NO_CODE, 0) && !read_new_queue(reader, row, &key, &code)) {
        return false;
    }
    batch->queue[batch->n_rows] = code;
    return true;
}

/* Missing values of a row that may yet be declined. */
struct counts {
    int64_t missing, nan;
};

/* What swar.h does not know. Declines wide numbers, finer ones than the column's, and faults. */
static __attribute__((noinline)) bool read_other_number(struct ql_csv_reader *reader, struct ql_str s, size_t metric,
                                                        const struct ql_csv_batch_column *column, int64_t *k,
                                                        struct counts *counts) {
    struct ql_csv_number number;
    bool is_quoted = s.len != 0 && s.ptr[0] == '"';
    s.ptr += is_quoted;
    s.len -= 2 * (size_t)is_quoted;
    enum ql_csv_fault fault = ql_csv_number_parse(s, &reader->rules[metric], &number, &reader->number);
    if (fault != QL_CSV_FINE || number.kind == QL_CSV_NUMBER_WIDE) {
        return false;
    }
    if (number.kind != QL_CSV_NUMBER_EXACT) {
        *k = QL_NUMBER_MISSING;
        counts->missing++;
        counts->nan += number.kind == QL_CSV_NUMBER_NAN;
        return true;
    }
    return number.scale <= column->scale && !__builtin_mul_overflow(number.k, ql_csv_pow10(column->scale - number.scale), k) &&
           *k > QL_NUMBER_WIDE;
}

static inline bool read_count(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row,
                              const struct ql_csv_quick_number *quick, struct ql_csv_batch *batch, struct counts *counts) {
    const struct ql_csv_batch_column *column = &batch->columns[quick->metric];
    struct ql_str s = ql_csv_quick_text(row, quick->column, quick->column);
    uint32_t value;
    if (__builtin_expect(quick->shift == 0 && ql_csv_swar_parse_short(s.ptr + s.len, s.len, &value), 1)) {
        column->k[batch->n_rows] = value;
        return true;
    }
    return read_other_number(reader, s, quick->metric, column, &column->k[batch->n_rows], counts);
}

static inline bool read_decimal(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row,
                                const struct ql_csv_quick_number *quick, struct ql_csv_batch *batch, struct counts *counts) {
    const struct ql_csv_batch_column *column = &batch->columns[quick->metric];
    struct ql_str s = ql_csv_quick_text(row, quick->column, quick->column);
    uint64_t value;
    int scale;
    if (__builtin_expect(ql_csv_swar_parse(s.ptr + s.len, s.len, quick->point, &value, &scale), 1)) {
        int up = column->scale + quick->shift - scale;
        for (; up < 0 && value % 10 == 0; up++) { /* zeros behind the fraction */
            value /= 10;
        }
        int64_t k;
        if (up >= 0 && up <= QL_CSV_SCALE_MAX && !__builtin_mul_overflow((int64_t)value, ql_csv_pow10(up), &k)) {
            column->k[batch->n_rows] = k;
            return true;
        }
    }
    return read_other_number(reader, s, quick->metric, column, &column->k[batch->n_rows], counts);
}

static inline bool read_numbers(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row, struct ql_csv_batch *batch) {
    struct counts counts = {0};
    for (size_t i = 0; i < reader->n_quick_counts; i++) {
        if (!read_count(reader, row, &reader->quick[i], batch, &counts)) {
            return false;
        }
    }
    for (size_t i = reader->n_quick_counts; i < reader->n_quick; i++) {
        if (!read_decimal(reader, row, &reader->quick[i], batch, &counts)) {
            return false;
        }
    }
    reader->missing_values += counts.missing;
    reader->nan_values += counts.nan;
    batch->n_rows++;
    return true;
}

bool ql_csv_quick_row_read(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row, struct ql_csv_batch *batch) {
    const struct ql_csv_key interval = key_of(row, &reader->interval_spans);
    if (__builtin_expect(!is_last_interval(reader, &interval), 0) && !read_new_interval(reader, row, &interval, batch)) {
        return false;
    }
    return read_queue(reader, row, batch) && read_numbers(reader, row, batch);
}

void ql_csv_quick_resume_run(struct ql_csv_reader *reader, struct ql_csv_batch *batch) {
    if (reader->has_last && (batch->n_runs == 0 || reader->is_new_interval)) {
        ql_csv_reader_begin_run(reader, batch);
    }
}

void ql_csv_quick_keep_interval(struct ql_csv_reader *reader, const char *row, const struct ql_csv_batch *batch) {
    const struct ql_rows_run *run = &batch->runs[batch->n_runs - 1];
    const struct ql_str text = {.ptr = row, .len = QL_CSV_PAIR_BYTES};
    bool is_pair = reader->columns->interval_end == QL_CSV_NONE;
    ql_buf_reset(&reader->last_a);
    ql_buf_put_str(&reader->last_a, text);
    ql_buf_reset(&reader->last_b);
    ql_buf_reset(&reader->last_start);
    ql_buf_put(&reader->last_start, row, is_pair ? QL_CSV_PAIR_BYTES : QL_CSV_STAMP_BYTES);
    ql_buf_reset(&reader->last_end);
    ql_buf_put(&reader->last_end, row + QL_CSV_STAMP_BYTES + 1, is_pair ? 0 : QL_CSV_STAMP_BYTES);
    reader->last_us[0] = run->start_us;
    reader->last_us[1] = run->end_us;
    reader->has_last = true;
    reader->has_last_spans = true;
    reader->is_new_interval = false;
}

size_t ql_csv_reader_read_indexed(struct ql_csv_reader *reader, const struct ql_csv_indexed_rows *rows, size_t n_max,
                                  struct ql_csv_batch *batch) {
    struct ql_csv_quick_row row = {.text = rows->text, .n_fields = reader->columns->n_columns};
    const uint32_t *counts = rows->rows;
    size_t n_ends = rows->n_ends_before;
    size_t n_rows = 0;
    ql_csv_quick_resume_run(reader, batch);
    for (n_max = n_max < rows->n_rows ? n_max : rows->n_rows; n_rows < n_max; n_rows++) {
        row.ends = rows->ends + n_ends;
        uint32_t start = row.ends[-1] + 1;
        uint32_t line_end = rows->ends[counts[n_rows] - 1];
        row.end = line_end - (line_end > start && row.text[line_end - 1] == '\r');
        /* An empty line has one field; a header has more. */
        if (counts[n_rows] - n_ends != row.n_fields || line_end - start > rows->max_row_bytes ||
            !ql_csv_quick_row_read(reader, &row, batch)) {
            break;
        }
        n_ends = counts[n_rows];
    }
    return n_rows;
}
