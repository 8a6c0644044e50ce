/*
 * The fields of a row become values, or a defect that says which of them is wrong.
 *
 * The first thing that is wrong counts, in this order: structure, number of fields, interval, queue, then the metrics as they
 * were asked for. A row enters the batch whole or not at all. Columns that nobody asked for are not looked at.
 */
#include "csv/csv_internal.h"

#include "base/unicode.h"

/* ---- the queues that may occur ---- */

/* FNV-1a; the names are a person's list, so nobody gains from collisions. */
static size_t hash_of(struct ql_str s) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < s.len; i++) {
        hash = (hash ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 32);
}

static struct ql_str *find_slot(const struct ql_csv_queues *queues, struct ql_str name) {
    size_t i = hash_of(name) & queues->mask;
    while (queues->slots[i].ptr != NULL && !ql_str_eq(queues->slots[i], name)) {
        i = (i + 1) & queues->mask;
    }
    return &queues->slots[i];
}

void ql_csv_queues_init(struct ql_csv_queues *queues, const struct ql_str *names, size_t n, struct ql_arena *arena) {
    size_t n_slots = 16;
    while (n_slots < 2 * n) {
        n_slots *= 2;
    }
    queues->mask = n_slots - 1;
    queues->slots = ql_arena_alloc(arena, n_slots * sizeof *queues->slots);
    memset(queues->slots, 0, n_slots * sizeof *queues->slots);
    for (size_t i = 0; i < n; i++) {
        *find_slot(queues, names[i]) = (struct ql_str){
            .ptr = ql_arena_copy(arena, names[i].len != 0 ? names[i].ptr : "", names[i].len), .len = names[i].len};
    }
}

/* ---- what is read of a row ---- */

/* QL_CSV_NONE for what is not there; not both. */
static struct ql_csv_spans spans_of(size_t x, size_t y) {
    if (x == QL_CSV_NONE || y == QL_CSV_NONE) {
        size_t only = x == QL_CSV_NONE ? y : x;
        return (struct ql_csv_spans){.a = {only, only}};
    }
    size_t low = x < y ? x : y;
    size_t high = x < y ? y : x;
    if (high - low == 1) {
        return (struct ql_csv_spans){.a = {low, high}};
    }
    return (struct ql_csv_spans){.a = {low, low}, .b = {high, high}, .has_b = true};
}

/* Counts first, so that quick_row.c has one loop for each kind. */
static void plan_quick_numbers(struct ql_csv_reader *reader) {
    reader->n_quick = 0;
    for (int kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < reader->n_metrics; i++) {
            bool is_count = reader->rules[i].kind == QL_NUMBER_COUNT;
            if (is_count == (kind == 0) && reader->columns->metric[i] != QL_CSV_NONE) {
                reader->quick[reader->n_quick++] = (struct ql_csv_quick_number){.column = reader->columns->metric[i],
                                                                                .metric = i,
                                                                                .shift = reader->rules[i].shift,
                                                                                .point = reader->rules[i].point};
            }
        }
        reader->n_quick_counts = kind == 0 ? reader->n_quick : reader->n_quick_counts;
    }
}

void ql_csv_reader_begin(struct ql_csv_reader *reader, const struct ql_csv_options *options,
                         const struct ql_csv_columns *columns, const struct ql_csv_queues *queues) {
    reader->columns = columns;
    reader->clock = (struct ql_csv_clock){.dates = columns->dates,
                                          .tz = options->tz,
                                          .granularity_us = options->granularity_us,
                                          .from_us = options->from_us,
                                          .to_us = options->to_us};
    reader->queues = queues;
    reader->n_metrics = options->n_metrics;
    reader->wants_interval_text = options->wants_interval_text;
    reader->accepts_partial = options->accept_partial;
    reader->interval_spans = spans_of(columns->interval, columns->interval_end);
    reader->queue_spans = spans_of(columns->queue_id, columns->queue_name);
    ql_arena_reset(&reader->arena);
    reader->rules = ql_arena_alloc(&reader->arena, options->n_metrics * sizeof *reader->rules);
    reader->pending = ql_arena_alloc(&reader->arena, options->n_metrics * sizeof *reader->pending);
    reader->quick = ql_arena_alloc(&reader->arena, options->n_metrics * sizeof *reader->quick);
    reader->quick_fields = ql_arena_alloc(&reader->arena, columns->n_columns * sizeof *reader->quick_fields);
    reader->has_last = false;
    reader->has_last_spans = false;
    for (size_t i = 0; i < options->n_metrics; i++) {
        reader->rules[i] = (struct ql_csv_number_rule){.kind = options->metrics[i].kind,
                                                       .is_duration = options->metrics[i].is_duration,
                                                       .is_percentage = options->metrics[i].is_percentage,
                                                       .point = options->decimal_comma ? ',' : '.',
                                                       .shift = columns->shift[i]};
    }
    plan_quick_numbers(reader);
    reader->can_guess = !reader->interval_spans.has_b && !reader->queue_spans.has_b && reader->interval_spans.a.first == 0 &&
                        reader->queue_spans.a.first == reader->interval_spans.a.last + 1 &&
                        columns->n_columns > reader->queue_spans.a.last + 1 && columns->n_columns <= QL_CSV_GUESS_COLUMNS_MAX &&
                        reader->n_quick <= QL_CSV_GUESS_COLUMNS_MAX;
}

void ql_csv_reader_fini(struct ql_csv_reader *reader) {
    struct ql_buf *const bufs[] = {&reader->last_start,       &reader->last_end,    &reader->last_a,
                                   &reader->last_b,           &reader->scratch_id,  &reader->scratch_name,
                                   &reader->scratch_interval, &reader->scratch_end, &reader->scratch_number};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        ql_buf_fini(bufs[i]);
    }
    ql_csv_number_scratch_fini(&reader->number);
    ql_csv_dictionary_fini(&reader->dictionary);
    ql_arena_fini(&reader->arena);
    *reader = (struct ql_csv_reader){0};
}

/* ---- one row ---- */

static bool fail(struct ql_csv_defect *defect, enum ql_csv_fault fault, size_t column, struct ql_str excerpt) {
    *defect = (struct ql_csv_defect){.fault = fault, .column = column, .excerpt = excerpt};
    return false;
}

static bool check_structure(const struct ql_csv_reader *reader, const struct ql_csv_row *row, struct ql_csv_defect *defect) {
    size_t n_columns = reader->columns->n_columns;
    if (row->fault != QL_CSV_FINE) {
        bool is_named = row->fault_field < n_columns;
        size_t start = is_named ? row->fields[row->fault_field].start : 0;
        start -= is_named && row->fields[row->fault_field].is_quoted;
        return fail(defect, row->fault, is_named ? row->fault_field : QL_CSV_NONE,
                    (struct ql_str){.ptr = row->text.ptr + start, .len = row->text.len - start});
    }
    return row->n_fields == n_columns || fail(defect, QL_CSV_FAULT_RAGGED, QL_CSV_NONE, row->text);
}

/* A view export joins the names of the queues that a row is about with "; " and ids likewise; an id has no semicolon of its
 * own. Such a row, the summary at the end among them, sums up what rows of single queues say too. */
static bool names_several_queues(const struct ql_csv_reader *reader, const struct ql_csv_row *row, struct ql_buf *scratch) {
    const struct ql_csv_columns *columns = reader->columns;
    bool has_id = columns->queue_id != QL_CSV_NONE;
    if (!columns->is_view) {
        return false;
    }
    struct ql_str s = ql_csv_row_field(row, has_id ? columns->queue_id : columns->queue_name, scratch);
    return s.len != 0 && memmem(s.ptr, s.len, "; ", has_id ? 1 : 2) != NULL;
}

/* Whatever is not a clear yes is no. */
static bool is_complete(struct ql_str said) {
    said = ql_str_trim(said);
    return ql_str_eq_nocase(said, QL_STR("yes")) || ql_str_eq_nocase(said, QL_STR("true"));
}

static bool check_completion(struct ql_csv_reader *reader, const struct ql_csv_row *row, struct ql_csv_defect *defect) {
    size_t column = reader->columns->completed;
    if (column == QL_CSV_NONE) {
        return true;
    }
    struct ql_str said = ql_csv_row_field(row, column, &reader->scratch_number);
    if (is_complete(said)) {
        return true;
    }
    reader->is_row_partial = true;
    return reader->accepts_partial || fail(defect, QL_CSV_FAULT_PARTIAL, column, said);
}

bool ql_csv_reader_read_interval(struct ql_csv_reader *reader, const struct ql_csv_row *row, struct ql_csv_defect *defect) {
    const struct ql_csv_columns *columns = reader->columns;
    struct ql_str start = ql_csv_row_field(row, columns->interval, &reader->scratch_interval);
    bool has_end = columns->interval_end != QL_CSV_NONE;
    struct ql_str end = has_end ? ql_csv_row_field(row, columns->interval_end, &reader->scratch_end) : (struct ql_str){0};
    if (reader->has_last && ql_str_eq(start, ql_buf_view(&reader->last_start)) &&
        ql_str_eq(end, ql_buf_view(&reader->last_end))) {
        return true;
    }
    bool is_end_wrong;
    enum ql_csv_fault fault =
        ql_csv_interval_parse(&reader->clock, start, has_end ? &end : NULL, reader->last_us, &is_end_wrong);
    reader->has_last = fault == QL_CSV_FINE;
    reader->has_last_spans = false;
    reader->is_new_interval = true;
    if (fault != QL_CSV_FINE) {
        return fail(defect, fault, is_end_wrong ? columns->interval_end : columns->interval, is_end_wrong ? end : start);
    }
    ql_buf_reset(&reader->last_start);
    ql_buf_put_str(&reader->last_start, start);
    ql_buf_reset(&reader->last_end);
    ql_buf_put_str(&reader->last_end, end);
    return true;
}

static bool is_blank(struct ql_str s) {
    return s.len == 0 || ql_str_trim(s).len == 0;
}

/* An absent column reads as a blank one. */
static bool read_text(size_t column, const struct ql_csv_row *row, struct ql_buf *scratch, struct ql_str *text,
                      struct ql_csv_defect *defect) {
    *text = (struct ql_str){.ptr = ""};
    if (column == QL_CSV_NONE) {
        return true;
    }
    struct ql_str s = ql_csv_row_field(row, column, scratch);
    if (!ql_utf8_is_valid(s)) {
        return fail(defect, QL_CSV_FAULT_ENCODING, column, s);
    }
    if (!is_blank(s)) {
        *text = s;
    }
    return true;
}

bool ql_csv_reader_read_queue(struct ql_csv_reader *reader, const struct ql_csv_row *row, const struct ql_csv_key *key,
                              uint32_t *code, struct ql_csv_defect *defect) {
    const struct ql_csv_columns *columns = reader->columns;
    struct ql_str id;
    struct ql_str name;
    *code = ql_csv_dictionary_find(&reader->dictionary, key);
    if (*code != QL_CSV_NO_CODE) {
        return true;
    }
    if (!read_text(columns->queue_id, row, &reader->scratch_id, &id, defect) ||
        !read_text(columns->queue_name, row, &reader->scratch_name, &name, defect)) {
        return false;
    }
    size_t column = columns->queue_name != QL_CSV_NONE ? columns->queue_name : columns->queue_id;
    if (names_several_queues(reader, row, &reader->scratch_number)) {
        return fail(defect, QL_CSV_FAULT_SEVERAL_QUEUES, column, name);
    }
    if (name.len == 0) {
        name = id;
    }
    if (name.len == 0) {
        return fail(defect, QL_CSV_FAULT_NO_QUEUE, column, row->text);
    }
    if (reader->queues != NULL && find_slot(reader->queues, name)->ptr == NULL) {
        return fail(defect, QL_CSV_FAULT_QUEUE, column, name);
    }
    *code = ql_csv_dictionary_add(&reader->dictionary, key, id, name);
    return true;
}

static struct ql_str text_of(const struct ql_csv_row *row, const struct ql_csv_span *span) {
    const struct ql_csv_field *first = &row->fields[span->first];
    const struct ql_csv_field *last = &row->fields[span->last];
    size_t start = first->start - first->is_quoted;
    return (struct ql_str){.ptr = row->text.ptr + start, .len = last->end + last->is_quoted - start};
}

static bool read_numbers(struct ql_csv_reader *reader, const struct ql_csv_row *row, struct ql_arena *arena,
                         struct ql_csv_defect *defect) {
    for (size_t i = 0; i < reader->n_metrics; i++) {
        struct ql_csv_pending *pending = &reader->pending[i];
        size_t column = reader->columns->metric[i];
        if (column == QL_CSV_NONE) {
            pending->number.kind = QL_CSV_NUMBER_EMPTY;
            continue;
        }
        struct ql_str s = ql_csv_row_field(row, column, &reader->scratch_number);
        enum ql_csv_fault fault = ql_csv_number_parse(s, &reader->rules[i], &pending->number, &reader->number);
        if (fault != QL_CSV_FINE) {
            bool is_text = fault != QL_CSV_FAULT_NUMBER || ql_utf8_is_valid(s);
            return fail(defect, is_text ? fault : QL_CSV_FAULT_ENCODING, column, s);
        }
        if (pending->number.kind == QL_CSV_NUMBER_WIDE) {
            struct ql_str wide = ql_buf_view(&reader->number.text);
            pending->wide = (struct ql_str){.ptr = ql_arena_copy(arena, wide.ptr, wide.len), .len = wide.len};
        }
    }
    return true;
}

/* The input's own words; of two columns both, as an interval is written. */
static struct ql_str copy_interval_text(struct ql_csv_reader *reader, struct ql_arena *arena) {
    struct ql_buf *text = &reader->scratch_interval;
    struct ql_str start = ql_buf_view(&reader->last_start);
    bool is_iso = reader->clock.dates == QL_CSV_DATES_ISO; /* else a slash is part of a date */
    bool is_pair = is_iso && memchr(start.ptr, '/', start.len) != NULL;
    ql_buf_reset(text);
    ql_buf_put_str(text, start);
    if (reader->columns->interval_end != QL_CSV_NONE && !is_pair) {
        ql_buf_putc(text, '/');
        ql_buf_put_str(text, ql_buf_view(&reader->last_end));
    }
    return (struct ql_str){.ptr = ql_arena_copy(arena, text->ptr, text->len), .len = text->len};
}

void ql_csv_reader_begin_run(struct ql_csv_reader *reader, struct ql_csv_batch *batch) {
    struct ql_str text = {0};
    if (reader->wants_interval_text) {
        text = copy_interval_text(reader, &batch->arena);
    }
    ql_csv_batch_begin_run(batch, reader->last_us, text);
    reader->is_new_interval = false;
}

static void count_missing(struct ql_csv_reader *reader) {
    for (size_t i = 0; i < reader->n_metrics; i++) {
        enum ql_csv_number_kind kind = reader->pending[i].number.kind;
        bool is_there = reader->columns->metric[i] != QL_CSV_NONE;
        reader->missing_values += is_there && (kind == QL_CSV_NUMBER_EMPTY || kind == QL_CSV_NUMBER_NAN);
        reader->nan_values += kind == QL_CSV_NUMBER_NAN;
    }
}

static bool read_fields(struct ql_csv_reader *reader, const struct ql_csv_row *row, struct ql_csv_batch *batch, uint32_t *code,
                        struct ql_csv_defect *defect) {
    reader->is_row_partial = false;
    if (!check_structure(reader, row, defect) || !check_completion(reader, row, defect)) {
        return false;
    }
    if (names_several_queues(reader, row, &reader->scratch_id)) { /* before its interval, which may be any */
        return fail(defect, QL_CSV_FAULT_SEVERAL_QUEUES, QL_CSV_NONE, row->text);
    }
    if (!ql_csv_reader_read_interval(reader, row, defect)) {
        return false;
    }
    const struct ql_csv_spans *spans = &reader->queue_spans;
    const struct ql_csv_key key = {.a = text_of(row, &spans->a),
                                   .b = spans->has_b ? text_of(row, &spans->b) : (struct ql_str){0}};
    return ql_csv_reader_read_queue(reader, row, &key, code, defect) && read_numbers(reader, row, &batch->arena, defect);
}

bool ql_csv_reader_read(struct ql_csv_reader *reader, const struct ql_csv_row *row, struct ql_csv_batch *batch,
                        struct ql_csv_defect *defect) {
    uint32_t code;
    if (!read_fields(reader, row, batch, &code, defect)) {
        reader->out_of_range_rows += defect->fault == QL_CSV_FAULT_RANGE;
        reader->several_queues_rows += defect->fault == QL_CSV_FAULT_SEVERAL_QUEUES;
        return false;
    }
    if (batch->n_runs == 0 || reader->is_new_interval) {
        ql_csv_reader_begin_run(reader, batch);
    }
    batch->queue[batch->n_rows] = code;
    for (size_t i = 0; i < reader->n_metrics; i++) {
        ql_csv_batch_put(batch, i, &reader->pending[i].number, reader->pending[i].wide);
    }
    count_missing(reader);
    reader->partial_rows += reader->is_row_partial;
    batch->n_rows++;
    return true;
}
