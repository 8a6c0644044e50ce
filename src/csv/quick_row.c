/*
 * Rows of an index, the quick way: what equals the row before is not read again, and short numbers are read in registers.
 *
 * It takes a row whole or declines it without a trace; a row that is declined is scanned and read again by scanner.c and row.c,
 * which alone know what is wrong with it. So nothing here decides what a value means: an interval or a queue that is new is
 * read by row.c's functions, and a number that swar.h does not know by number.c's.
 */
#include "csv/csv_internal.h"
#include "csv/swar.h"

/* A row of the index while it is read. */
struct quick_row {
    const char *text;     /* of the window */
    const uint32_t *ends; /* of its fields; the last one's is `end` */
    uint32_t start, end;
    size_t n_fields;
};

static inline struct ql_str field_of(const struct quick_row *row, size_t column) {
    uint32_t start = column == 0 ? row->start : row->ends[column - 1] + 1;
    uint32_t end = column + 1 == row->n_fields ? row->end : row->ends[column];
    return (struct ql_str){.ptr = row->text + start, .len = end - start};
}

/* The field without its quotes; the index knows that a field which begins with a quote ends with one. */
static inline struct ql_str content_of(const struct quick_row *row, size_t column) {
    struct ql_str s = field_of(row, column);
    bool is_quoted = s.len != 0 && s.ptr[0] == '"';
    return (struct ql_str){.ptr = s.ptr + is_quoted, .len = s.len - 2 * (size_t)is_quoted};
}

/* The row as scanner.c would give it. */
static void make_row(struct ql_csv_reader *reader, const struct quick_row *quick, struct ql_csv_row *row) {
    for (size_t i = 0; i < quick->n_fields; i++) {
        struct ql_str s = field_of(quick, i);
        bool is_quoted = s.len != 0 && s.ptr[0] == '"';
        uint32_t start = (uint32_t)(s.ptr - quick->text) - quick->start;
        reader->quick_fields[i] = (struct ql_csv_field){
            .start = start + is_quoted,
            .end = start + (uint32_t)s.len - is_quoted,
            .is_quoted = is_quoted,
            .has_doubled = is_quoted && memchr(s.ptr + 1, '"', s.len - 2) != NULL,
        };
    }
    *row = (struct ql_csv_row){.text = {.ptr = quick->text + quick->start, .len = quick->end - quick->start},
                               .fields = reader->quick_fields,
                               .n_fields = quick->n_fields};
}

/* An interval with doubled quotes is none, so what equals the last one needs no look at them. */
static inline bool is_last_interval(const struct ql_csv_reader *reader, const struct quick_row *row) {
    const struct ql_csv_columns *columns = reader->columns;
    return reader->has_last && ql_csv_is_same(content_of(row, columns->interval), ql_buf_view(&reader->last_start)) &&
           (columns->interval_end == QL_CSV_NONE ||
            ql_csv_is_same(content_of(row, columns->interval_end), ql_buf_view(&reader->last_end)));
}

static bool read_new_interval(struct ql_csv_reader *reader, const struct quick_row *quick) {
    struct ql_csv_row row;
    struct ql_csv_defect defect;
    make_row(reader, quick, &row);
    return ql_csv_reader_read_interval(reader, &row, &defect);
}

static bool read_new_queue(struct ql_csv_reader *reader, const struct quick_row *quick, struct ql_str id_field,
                           struct ql_str name_field, struct ql_csv_batch *batch) {
    struct ql_csv_row row;
    struct ql_csv_defect defect;
    struct ql_str id;
    struct ql_str name;
    make_row(reader, quick, &row);
    if (!ql_csv_reader_read_queue(reader, &row, &id, &name, &defect)) {
        return false;
    }
    const struct ql_csv_known_queue *queue = ql_csv_known_queues_add(&reader->known, id_field, name_field, id, name);
    size_t n = batch->n_rows;
    if (queue != NULL) {
        batch->queue_id[n] = queue->id;
        batch->queue_name[n] = queue->name;
    } else {
        ql_csv_batch_put_queue(batch, id, name);
    }
    return true;
}

static inline bool read_queue(struct ql_csv_reader *reader, const struct quick_row *row, struct ql_csv_batch *batch) {
    const struct ql_csv_columns *columns = reader->columns;
    const struct ql_str none = {.ptr = ""};
    struct ql_str id_field = columns->queue_id != QL_CSV_NONE ? field_of(row, columns->queue_id) : none;
    struct ql_str name_field = columns->queue_name != QL_CSV_NONE ? field_of(row, columns->queue_name) : none;
    const struct ql_csv_known_queue *queue = ql_csv_known_queues_find(&reader->known, id_field, name_field);
    if (queue == NULL) {
        return read_new_queue(reader, row, id_field, name_field, batch);
    }
    size_t n = batch->n_rows;
    batch->queue_id[n] = queue->id;
    batch->queue_name[n] = queue->name;
    return true;
}

/* What swar.h does not know. Declines wide numbers and faults. */
static bool read_other_number(struct ql_csv_reader *reader, struct ql_str s, size_t metric, struct ql_csv_batch *batch,
                              struct ql_csv_quick_counts *counts) {
    struct ql_csv_number number;
    enum ql_csv_fault fault = ql_csv_number_parse(s, &reader->rules[metric], &number, &reader->number);
    if (fault != QL_CSV_FINE || number.kind == QL_CSV_NUMBER_WIDE) {
        return false;
    }
    bool is_missing = number.kind != QL_CSV_NUMBER_EXACT;
    batch->columns[metric].k[batch->n_rows] = is_missing ? QL_NUMBER_MISSING : number.k;
    batch->columns[metric].scale[batch->n_rows] = is_missing ? 0 : number.scale;
    counts->missing += is_missing;
    counts->nan += number.kind == QL_CSV_NUMBER_NAN;
    return true;
}

static inline bool read_number(struct ql_csv_reader *reader, const struct quick_row *row, size_t metric,
                               struct ql_csv_batch *batch, struct ql_csv_quick_counts *counts) {
    const struct ql_csv_number_rule *rule = &reader->rules[metric];
    size_t column = reader->columns->metric[metric];
    if (column == QL_CSV_NONE) {
        batch->columns[metric].k[batch->n_rows] = QL_NUMBER_MISSING;
        batch->columns[metric].scale[batch->n_rows] = 0;
        return true;
    }
    struct ql_str s = content_of(row, column);
    const char *end = s.ptr + s.len;
    uint64_t k;
    int scale;
    if (rule->shift == 0 && end - row->text >= QL_CSV_SWAR_BEFORE && ql_csv_swar_parse(end, s.len, rule->point, &k, &scale) &&
        (scale == 0 || rule->kind != QL_NUMBER_COUNT)) {
        batch->columns[metric].k[batch->n_rows] = (int64_t)k;
        batch->columns[metric].scale[batch->n_rows] = (uint8_t)scale;
        return true;
    }
    return read_other_number(reader, s, metric, batch, counts);
}

static inline bool read_row(struct ql_csv_reader *reader, const struct quick_row *row, struct ql_csv_batch *batch) {
    struct ql_csv_quick_counts counts = {0};
    if (!is_last_interval(reader, row) && !read_new_interval(reader, row)) {
        return false;
    }
    if (!read_queue(reader, row, batch)) {
        return false;
    }
    for (size_t i = 0; i < reader->n_metrics; i++) {
        if (!read_number(reader, row, i, batch, &counts)) {
            return false;
        }
    }
    batch->start_us[batch->n_rows] = reader->last_us[0];
    batch->end_us[batch->n_rows] = reader->last_us[1];
    if (batch->interval_text != NULL) {
        ql_csv_reader_put_interval_text(reader, batch);
    }
    reader->missing_values += counts.missing;
    reader->nan_values += counts.nan;
    batch->n_rows++;
    return true;
}

size_t ql_csv_reader_read_indexed(struct ql_csv_reader *reader, const struct ql_csv_indexed_rows *rows, size_t n_max,
                                  struct ql_csv_batch *batch) {
    struct quick_row row = {.text = rows->text, .n_fields = reader->columns->n_columns};
    const uint32_t *counts = rows->rows;
    size_t n_ends = rows->n_ends_before;
    size_t n_rows = 0;
    row.start = rows->start;
    for (n_max = n_max < rows->n_rows ? n_max : rows->n_rows; n_rows < n_max; n_rows++) {
        row.ends = rows->ends + n_ends;
        uint32_t line_end = rows->ends[counts[n_rows] - 1];
        row.end = line_end - (line_end > row.start && row.text[line_end - 1] == '\r');
        bool is_regular =
            counts[n_rows] - n_ends == row.n_fields && row.end != row.start && line_end - row.start <= rows->max_row_bytes;
        if (!is_regular || !read_row(reader, &row, batch)) {
            break;
        }
        row.start = line_end + 1;
        n_ends = counts[n_rows];
    }
    return n_rows;
}
