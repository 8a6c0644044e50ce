/**
 * Rows without an index: the loop that nearly all rows go through. Always inlined into a function for each kernel, so that it
 * is compiled for the kernel's own instructions.
 *
 * The interval is mostly that of the row before, and the queue the one that followed the last queue before: where a comparison
 * says so, only the fields behind them are looked at. Else, as in rows that are in no order, the interval is read from its
 * usual spelling, and the queue looked up in the dictionary. What is known by neither has its fields found as the index would
 * find them.
 */
#ifndef QL_CSV_QUICK_ROW_H
#define QL_CSV_QUICK_ROW_H

#include "csv/csv_internal.h"
#include "csv/index_block.h"
#include "csv/stamp.h"
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

/* quick_row.c: reads a row whole, which is counted; false declines it. */
bool ql_csv_quick_row_read(struct ql_csv_reader *reader, const struct ql_csv_quick_row *row, struct ql_csv_batch *batch);
/* The last interval is that of the batch's last run; it is the row's first QL_CSV_PAIR_BYTES bytes. */
void ql_csv_quick_keep_interval(struct ql_csv_reader *reader, const char *row, const struct ql_csv_batch *batch);
/* Rows are counted for the last interval's run until another interval begins one. */
void ql_csv_quick_resume_run(struct ql_csv_reader *reader, struct ql_csv_batch *batch);

/* A kernel's own. */
typedef struct ql_csv_masks ql_csv_find_masks_fn(const char *block, char delimiter);

QL_CSV_INLINE uint64_t ql_csv_quick_prefix_xor(uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) {
        bits ^= bits << shift;
    }
    return bits;
}

/* The ends of the fields of a row, by the rules of the index; false if they are not as many as there should be, or the row goes
 * on in another line. */
QL_CSV_INLINE bool ql_csv_quick_find_ends(const struct ql_csv_guess *guess, struct ql_str text, struct ql_csv_quick_row *row,
                                          uint32_t *ends, size_t *line_end, ql_csv_find_masks_fn *find_masks) {
    struct ql_csv_index_state state = {.may_open = 1};
    bool has_breaks = false;
    size_t n = 0;
    for (size_t at = 0; at < text.len; at += QL_CSV_BLOCK_BYTES) {
        struct ql_csv_masks m = find_masks(text.ptr + at, guess->delimiter);
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
        if ((bad & upto) != 0 || has_breaks) {
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
            row->end = (uint32_t)(*line_end - (*line_end != 0 && text.ptr[*line_end - 1] == '\r'));
            return n + 1 == row->n_fields && *line_end < text.len && *line_end <= guess->max_row_bytes;
        }
    }
    return false;
}

/* A field behind the head as the loop wants it. */
struct ql_csv_hot_field {
    int64_t *k; /* of row 0; NULL: not asked for */
    int scale;  /* of the column, with the shift; a count's is 0 */
    bool is_count;
    char point;
};

/* What the loop below needs, out of the way of its stores: nothing of it changes meanwhile. */
struct ql_csv_hot {
    struct ql_csv_hot_field fields[QL_CSV_GUESS_COLUMNS_MAX]; /* [n_fields] from the first behind the queue's on */
    size_t n_fields;                                          /* 0: the loop is of no use */
    char delimiter;
    size_t max_row_bytes;
    size_t n_queue_columns;
    char separator; /* of the two times of an interval; 0: there is none, or not in the usual place */
};

static inline void ql_csv_hot_init(struct ql_csv_hot *hot, const struct ql_csv_reader *reader, const struct ql_csv_guess *guess,
                                   const struct ql_csv_batch *batch) {
    size_t first = reader->queue_spans.a.last + 1;
    hot->n_fields = reader->columns->n_columns - first;
    bool is_usable = true;
    hot->delimiter = guess->delimiter;
    hot->max_row_bytes = guess->max_row_bytes;
    memset(hot->fields, 0, hot->n_fields * sizeof *hot->fields);
    for (size_t i = 0; i < reader->n_quick; i++) {
        const struct ql_csv_quick_number *quick = &reader->quick[i];
        const struct ql_csv_batch_column *column = &batch->columns[quick->metric];
        hot->fields[quick->column - first] = (struct ql_csv_hot_field){.k = column->k,
                                                                       .scale = column->scale + quick->shift,
                                                                       .is_count = i < reader->n_quick_counts,
                                                                       .point = quick->point};
        is_usable = is_usable && (i >= reader->n_quick_counts || column->scale + quick->shift == 0);
    }
    hot->n_fields = is_usable ? hot->n_fields : 0;
    hot->n_queue_columns = reader->queue_spans.a.last - reader->queue_spans.a.first + 1;
    bool is_pair = reader->columns->interval_end == QL_CSV_NONE;
    bool is_start_first = is_pair || reader->columns->interval < reader->columns->interval_end;
    hot->separator = is_pair ? '/' : guess->delimiter;
    if (!is_start_first || (is_pair && guess->delimiter == '/')) {
        hot->separator = '\0';
    }
}

/* The number of a field that ends here; false if number.c has to look at it. */
QL_CSV_INLINE bool ql_csv_hot_number(const struct ql_csv_hot_field *field, const char *end, size_t len, size_t n,
                                     int64_t *n_missing) {
    if (field->is_count) {
        uint32_t value;
        if (__builtin_expect(ql_csv_swar_parse_short(end, len, &value), 1)) {
            field->k[n] = value;
            return true;
        }
    } else {
        uint64_t value;
        int scale;
        if (__builtin_expect(ql_csv_swar_parse_word(end, len, field->point, &value, &scale) &&
                                 (unsigned)(field->scale - scale) <= QL_CSV_SCALE_MAX - 8,
                             1)) { /* no product of eight digits overflows */
            field->k[n] = (int64_t)value * ql_csv_pow10(field->scale - scale);
            return true;
        }
    }
    field->k[n] = QL_NUMBER_MISSING;
    ++*n_missing;
    return len == 0;
}

/* Row n behind its head; its length with the line feed, or 0 if it is not plain, or not in the masks as a whole. */
QL_CSV_INLINE size_t ql_csv_hot_tail(const struct ql_csv_hot *hot, const char *text, struct ql_csv_masks m, size_t n,
                                     int64_t *n_missing) {
    uint64_t upto = m.lf ^ (m.lf - 1); /* the line feed and all before it */
    uint64_t ends = (m.delimiter & upto) | (m.lf & upto);
    uint64_t odd = (m.quote | m.cr) & upto;
    size_t n_behind = 0; /* bytes of the line end after its first */
    if (__builtin_expect(m.lf == 0 || odd != 0, 0)) {
        bool is_line_end = odd != 0 && odd == (m.lf & upto) >> 1 && text[__builtin_ctzll(odd)] == '\r';
        if (!is_line_end) {
            return 0;
        }
        ends ^= odd | odd << 1;
        n_behind = 1;
    }
    if (__builtin_expect((size_t)__builtin_popcountll(ends) != hot->n_fields, 0)) {
        return 0;
    }
    const char *start = text;
    for (const struct ql_csv_hot_field *field = hot->fields; ends != 0; field++, ends &= ends - 1) {
        const char *end = text + (size_t)__builtin_ctzll(ends);
        if (field->k != NULL && !ql_csv_hot_number(field, end, (size_t)(end - start), n, n_missing)) {
            return 0;
        }
        start = end + 1;
    }
    return (size_t)(start - text) + n_behind;
}

/* Whether the row goes on with the queue behind its interval. */
QL_CSV_INLINE bool ql_csv_hot_is_queue(const struct ql_csv_hot *hot, const struct ql_csv_entry *entry, const char *text,
                                       const char *end, ql_csv_is_same_fn *is_same) {
    size_t len = entry->expected_len;
    return len < (size_t)(end - text) && text[len] == hot->delimiter && is_same(text, entry->key.a.ptr, len);
}

/* How many queues in the order that was learnt may have no row in an interval before it is looked for elsewhere. */
enum { QL_CSV_HOT_SKIPS = 2 };
/* The text was mostly put there by another core, and the processor's own prefetching ends with every small page. */
enum { QL_CSV_HOT_AHEAD = 3072 };

/* Rows of the last interval, whose queues are the ones that followed the last ones before, or those ones' followers where
 * queues have no row this time: the order is kept for when they have. *text goes on behind them. */
QL_CSV_INLINE size_t ql_csv_hot_rows(const struct ql_csv_hot *hot, struct ql_csv_reader *reader, struct ql_str *text,
                                     size_t n_max, struct ql_csv_batch *batch, ql_csv_find_masks_fn *find_masks,
                                     ql_csv_find_masks_fn *find_first_masks, ql_csv_is_same_fn *is_same) {
    struct ql_csv_dictionary *dictionary = &reader->dictionary;
    const struct ql_csv_entry *entries = dictionary->entries;
    uint32_t *queues = batch->queue;
    const char *interval = reader->last_a.ptr;
    const size_t at = reader->last_a.len + 1;
    const char *row = text->ptr;
    const char *end = row + text->len;
    uint32_t last = dictionary->last;
    size_t n = batch->n_rows;
    size_t n_end = n + n_max;
    int64_t n_missing = 0;
    if (!reader->has_last_spans || dictionary->n_entries == 0 || hot->n_fields == 0) {
        return 0;
    }
    while (n < n_end) {
        uintptr_t ahead = (uintptr_t)row + QL_CSV_HOT_AHEAD; /* perhaps behind the text, where a prefetch does no harm */
        __builtin_prefetch((const void *)ahead);
        __builtin_prefetch((const void *)(ahead + 64));
        if ((size_t)(end - row) <= at || row[at - 1] != hot->delimiter || !is_same(row, interval, at - 1)) {
            break;
        }
        uint32_t code = entries[last].next;
        int n_skipped = 0;
        while (!ql_csv_hot_is_queue(hot, &entries[code], row + at, end, is_same) && n_skipped++ < QL_CSV_HOT_SKIPS) {
            code = entries[code].next;
        }
        if (n_skipped > QL_CSV_HOT_SKIPS) {
            break;
        }
        const char *tail = row + at + entries[code].expected_len + 1;
        struct ql_csv_masks m = find_first_masks(tail, hot->delimiter);
        if (__builtin_expect(m.lf == 0, 0)) {
            m = find_masks(tail, hot->delimiter);
        }
        int64_t n_missing_before = n_missing;
        size_t tail_len = ql_csv_hot_tail(hot, tail, m, n, &n_missing);
        size_t row_len = (size_t)(tail - row) + tail_len;
        if (__builtin_expect(tail_len == 0 || tail_len > (size_t)(end - tail) || row_len - 1 > hot->max_row_bytes, 0)) {
            n_missing = n_missing_before;
            break;
        }
        queues[n++] = code;
        last = code;
        row += row_len;
    }
    size_t n_rows = n - batch->n_rows;
    dictionary->last = last;
    batch->n_rows = n;
    reader->missing_values += n_missing;
    *text = (struct ql_str){.ptr = row, .len = (size_t)(end - row)};
    return n_rows;
}

/* The queue's text at the beginning of `text`, as long as it would be if its quotes were in order. Where it is in the
 * dictionary they are: then the same bytes were read before. */
QL_CSV_INLINE size_t ql_csv_known_queue_len(const struct ql_csv_hot *hot, const char *text, const char *end,
                                            ql_csv_find_masks_fn *find_masks, ql_csv_prefix_xor_fn *prefix_xor) {
    uint64_t inside = 0; /* all ones: the block begins inside quotes */
    size_t n_left = hot->n_queue_columns;
    for (const char *block = text; block < end; block += QL_CSV_BLOCK_BYTES) {
        struct ql_csv_masks m = find_masks(block, hot->delimiter);
        inside ^= prefix_xor(m.quote);
        uint64_t ends = m.delimiter & ~inside;
        for (; ends != 0; ends &= ends - 1) {
            if (--n_left == 0) {
                return (size_t)(block - text) + (size_t)__builtin_ctzll(ends);
            }
        }
        inside = (uint64_t)0 - (inside >> 63);
    }
    return SIZE_MAX;
}

/* The interval at the beginning of the row, if it is in its usual spelling and good. */
QL_CSV_INLINE bool ql_csv_known_interval(const struct ql_csv_hot *hot, const struct ql_csv_clock *clock, const char *row,
                                         ql_csv_pair_parse_fn *pair_parse, int64_t interval_us[2]) {
    return pair_parse(row, hot->separator, interval_us) &&
           (clock->from_us == QL_TIME_NONE || interval_us[0] >= clock->from_us) &&
           (clock->to_us == QL_TIME_NONE || interval_us[0] < clock->to_us);
}

/* A run of the row's interval; the text is what row.c makes of it. */
QL_CSV_INLINE void ql_csv_quick_begin_run(const struct ql_csv_reader *reader, struct ql_csv_batch *batch, const char *row,
                                          const int64_t interval_us[2]) {
    struct ql_str text = {0};
    if (reader->wants_interval_text) {
        char *copy = ql_arena_copy(&batch->arena, row, QL_CSV_PAIR_BYTES);
        copy[QL_CSV_STAMP_BYTES] = '/';
        text = (struct ql_str){.ptr = copy, .len = QL_CSV_PAIR_BYTES};
    }
    ql_csv_batch_begin_run(batch, interval_us, text);
}

/* Rows in any order, whose intervals are spelled as usual and whose queues were met before, up to one that is for the loop
 * above. *text goes on behind them. */
QL_CSV_INLINE size_t ql_csv_known_rows(const struct ql_csv_hot *hot, struct ql_csv_reader *reader, struct ql_str *text,
                                       size_t n_max, struct ql_csv_batch *batch, ql_csv_find_masks_fn *find_masks,
                                       ql_csv_find_masks_fn *find_first_masks, ql_csv_prefix_xor_fn *prefix_xor,
                                       ql_csv_is_same_fn *is_same, ql_csv_pair_parse_fn *pair_parse) {
    struct ql_csv_dictionary *dictionary = &reader->dictionary;
    const size_t at = QL_CSV_PAIR_BYTES + 1;
    const char *row = text->ptr;
    const char *end = row + text->len;
    bool has_last = reader->has_last_spans && reader->last_a.len == QL_CSV_PAIR_BYTES;
    const char *last = has_last ? reader->last_a.ptr : NULL; /* the interval of the row before */
    int64_t interval_us[2] = {0};
    size_t n = 0;
    if (hot->n_fields == 0 || hot->separator == '\0' || dictionary->n_entries == 0) {
        return 0;
    }
    for (; n < n_max && (size_t)(end - row) > at && row[at - 1] == hot->delimiter; n++) {
        uintptr_t ahead = (uintptr_t)row + QL_CSV_HOT_AHEAD;
        __builtin_prefetch((const void *)ahead);
        __builtin_prefetch((const void *)(ahead + 64));
        bool is_last = last != NULL && is_same(row, last, QL_CSV_PAIR_BYTES);
        const struct ql_csv_entry *expected = &dictionary->entries[dictionary->entries[dictionary->last].next];
        if (is_last ? ql_csv_hot_is_queue(hot, expected, row + at, end, is_same)
                    : !ql_csv_known_interval(hot, &reader->clock, row, pair_parse, interval_us)) {
            break;
        }
        const struct ql_csv_key key = {
            .a = {.ptr = row + at, .len = ql_csv_known_queue_len(hot, row + at, end, find_masks, prefix_xor)}};
        uint32_t code =
            key.a.len < (size_t)(end - key.a.ptr) ? ql_csv_dictionary_look_up(dictionary, &key, is_same) : QL_CSV_NO_CODE;
        if (code == QL_CSV_NO_CODE || dictionary->entries[code].expected_len != key.a.len) {
            break;
        }
        const char *tail = key.a.ptr + key.a.len + 1;
        struct ql_csv_masks m = find_first_masks(tail, hot->delimiter);
        if (__builtin_expect(m.lf == 0, 0)) {
            m = find_masks(tail, hot->delimiter);
        }
        int64_t n_missing = 0;
        size_t tail_len = ql_csv_hot_tail(hot, tail, m, batch->n_rows, &n_missing);
        size_t row_len = (size_t)(tail - row) + tail_len;
        if (__builtin_expect(tail_len == 0 || tail_len > (size_t)(end - tail) || row_len - 1 > hot->max_row_bytes, 0)) {
            break;
        }
        if (!is_last) {
            last = row;
            ql_csv_quick_begin_run(reader, batch, row, interval_us);
        }
        ql_csv_dictionary_follow(dictionary, code);
        reader->missing_values += n_missing;
        batch->queue[batch->n_rows++] = code;
        row += row_len;
    }
    if (last != NULL && last != reader->last_a.ptr) {
        ql_csv_quick_keep_interval(reader, last, batch);
    }
    *text = (struct ql_str){.ptr = row, .len = (size_t)(end - row)};
    return n;
}

/* Either loop of a kernel; not inlined, because they need all registers for themselves. */
typedef size_t ql_csv_hot_rows_fn(const struct ql_csv_hot *hot, struct ql_csv_reader *reader, struct ql_str *text, size_t n_max,
                                  struct ql_csv_batch *batch);

/* ql_csv_guess_fn for a kernel. */
QL_CSV_INLINE size_t ql_csv_quick_read(struct ql_csv_reader *reader, struct ql_csv_guess *guess, size_t n_max,
                                       struct ql_csv_batch *batch, ql_csv_find_masks_fn *find_masks,
                                       ql_csv_hot_rows_fn *hot_rows, ql_csv_hot_rows_fn *known_rows) {
    struct ql_csv_hot hot;
    struct ql_str text = guess->text;
    uint32_t memory[1 + QL_CSV_GUESS_COLUMNS_MAX];
    uint32_t *ends = memory + 1;
    size_t n_rows = 0;
    memory[0] = UINT32_MAX; /* and 1 is where the row begins */
    ql_csv_quick_resume_run(reader, batch);
    ql_csv_hot_init(&hot, reader, guess, batch);
    for (;;) {
        n_rows += hot_rows(&hot, reader, &text, n_max - n_rows, batch);
        size_t n_known = known_rows(&hot, reader, &text, n_max - n_rows, batch);
        n_rows += n_known;
        if (n_known != 0 && n_rows != n_max) {
            continue;
        }
        struct ql_csv_quick_row row = {.text = text.ptr, .ends = ends, .n_fields = reader->columns->n_columns};
        size_t line_end;
        if (n_rows == n_max || !ql_csv_quick_find_ends(guess, text, &row, ends, &line_end, find_masks) ||
            !ql_csv_quick_row_read(reader, &row, batch)) {
            break;
        }
        n_rows++;
        text.ptr += line_end + 1;
        text.len -= line_end + 1;
    }
    guess->n_bytes = guess->text.len - text.len;
    return n_rows;
}

#endif
