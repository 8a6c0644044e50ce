/*
 * Rows, one interval of one queue each, gathered column by column until there are enough for the sink. Numbers are exact
 * decimals; a column has one scale for the whole batch, the finest that one of its numbers needs.
 */
#include "source/aggregates.h"

enum { ROWS = 4096, MAX_SCALE = 18 };

/* ---- numbers */

/* Digits and point of a number that JSON's grammar holds good; the place behind them. */
static bool read_digits(struct ql_str text, size_t *at, uint64_t *value, int64_t *scale) {
    bool is_fraction = false;
    for (*value = 0; *at < text.len && text.ptr[*at] != 'e' && text.ptr[*at] != 'E'; (*at)++) {
        char c = text.ptr[*at];
        if (c == '.') {
            is_fraction = true;
            continue;
        }
        if (__builtin_mul_overflow(*value, UINT64_C(10), value) || __builtin_add_overflow(*value, (uint64_t)(c - '0'), value)) {
            return false;
        }
        *scale += is_fraction;
    }
    return true;
}

bool ql_aggregate_number_parse(struct ql_str text, int shift, struct ql_aggregate_number *number) {
    bool is_negative = text.len != 0 && text.ptr[0] == '-';
    size_t at = is_negative ? 1 : 0;
    uint64_t value;
    int64_t scale = shift;
    if (!read_digits(text, &at, &value, &scale)) {
        return false;
    }
    if (at < text.len) {
        int64_t exponent;
        struct ql_str digits = {.ptr = text.ptr + at + 1, .len = text.len - at - 1};
        if (!ql_str_to_i64(digits, &exponent) || exponent < -1000 || exponent > 1000) {
            return false;
        }
        scale -= exponent;
    }
    for (; value != 0 && value % 10 == 0 && scale > 0; scale--) {
        value /= 10;
    }
    for (; value != 0 && scale < 0; scale++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value)) {
            return false;
        }
    }
    if (value > (uint64_t)INT64_MAX - 1 || (value != 0 && scale > MAX_SCALE)) {
        return false;
    }
    *number =
        (struct ql_aggregate_number){.k = is_negative ? -(int64_t)value : (int64_t)value, .scale = value != 0 ? (int)scale : 0};
    return true;
}

/* k * 10^up; false if that does not fit. */
static bool scale_up(int64_t *k, int up) {
    for (; up > 0 && *k != 0 && *k != QL_NUMBER_MISSING; up--) {
        if (__builtin_mul_overflow(*k, INT64_C(10), k) || *k <= QL_NUMBER_WIDE) {
            return false;
        }
    }
    return true;
}

/* ---- the batch */

void ql_aggregate_batch_init(struct ql_aggregate_batch *batch, size_t n_columns) {
    *batch = (struct ql_aggregate_batch){.n_columns = n_columns};
    batch->runs = ql_mem_zalloc(ROWS, sizeof *batch->runs);
    batch->queue = ql_mem_zalloc(ROWS, sizeof *batch->queue);
    batch->columns = ql_mem_zalloc(n_columns, sizeof *batch->columns);
    for (size_t c = 0; c < n_columns; c++) {
        batch->columns[c].k = ql_mem_zalloc(ROWS, sizeof *batch->columns[c].k);
    }
}

void ql_aggregate_batch_fini(struct ql_aggregate_batch *batch) {
    for (size_t c = 0; c < batch->n_columns; c++) {
        ql_mem_free(batch->columns[c].k);
    }
    ql_mem_free(batch->columns);
    ql_mem_free(batch->runs);
    ql_mem_free(batch->queue);
    ql_mem_free(batch->queues);
    ql_mem_free(batch->table);
    ql_mem_free(batch->keys);
    ql_arena_fini(&batch->arena);
    *batch = (struct ql_aggregate_batch){0};
}

enum ql_status ql_aggregate_batch_flush(struct ql_aggregate_batch *batch, const struct ql_source_sink *sink,
                                        struct ql_err *err) {
    if (batch->n_rows == 0) {
        return QL_OK;
    }
    const struct ql_rows rows = {.n_rows = batch->n_rows,
                                 .n_runs = batch->n_rows,
                                 .runs = batch->runs,
                                 .queue = batch->queue,
                                 .queues = batch->queues,
                                 .n_queues = batch->n_queues,
                                 .dictionary = 1,
                                 .has_queue_id = true,
                                 .n_metrics = batch->n_columns,
                                 .metrics = batch->columns};
    enum ql_status status = sink->rows(sink->ctx, &rows, err);
    batch->n_rows = 0;
    for (size_t c = 0; c < batch->n_columns; c++) {
        batch->columns[c].scale = 0;
    }
    return status;
}

/* Whether the column takes the number, after it was made finer where needed. */
static bool make_fit(struct ql_number_column *column, size_t n_rows, struct ql_aggregate_number *number) {
    int up = number->scale - column->scale;
    if (up <= 0) {
        return scale_up(&number->k, -up);
    }
    int64_t most = INT64_MAX;
    for (int i = 0; i < up; i++) {
        most /= 10;
    }
    for (size_t i = 0; i < n_rows; i++) {
        if (column->k[i] != QL_NUMBER_MISSING && (column->k[i] > most || column->k[i] < -most)) {
            return false;
        }
    }
    for (size_t i = 0; i < n_rows; i++) {
        (void)scale_up(&column->k[i], up);
    }
    column->scale = (uint8_t)number->scale;
    return true;
}

enum ql_status ql_aggregate_batch_add(struct ql_aggregate_batch *batch, const struct ql_rows_run *interval, uint32_t queue,
                                      const struct ql_aggregate_number *numbers, const struct ql_source_sink *sink,
                                      struct ql_err *err) {
    if (batch->n_rows == ROWS) {
        QL_TRY(ql_aggregate_batch_flush(batch, sink, err));
    }
    for (size_t c = 0; c < batch->n_columns; c++) {
        struct ql_aggregate_number number = numbers[c];
        if (!make_fit(&batch->columns[c], batch->n_rows, &number)) {
            QL_TRY(ql_aggregate_batch_flush(batch, sink, err)); /* an empty batch takes any number: begin the row again */
            return ql_aggregate_batch_add(batch, interval, queue, numbers, sink, err);
        }
        batch->columns[c].k[batch->n_rows] = number.k;
    }
    batch->runs[batch->n_rows] = *interval;
    batch->runs[batch->n_rows].n_rows = 1;
    batch->queue[batch->n_rows++] = queue;
    return QL_OK;
}

/* ---- queues */

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t hash_of(struct ql_str key) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Where the key's code is, or would be. */
static size_t place_of(const struct ql_aggregate_batch *batch, struct ql_str key) {
    size_t at = (size_t)(hash_of(key) % batch->table_size);
    while (batch->table[at] != 0 && !ql_str_eq(batch->keys[batch->table[at] - 1], key)) {
        at = (at + 1) % batch->table_size;
    }
    return at;
}

static void grow_table(struct ql_aggregate_batch *batch) {
    ql_mem_free(batch->table);
    batch->table_size = batch->table_size != 0 ? batch->table_size * 2 : 64;
    batch->table = ql_mem_zalloc(batch->table_size, sizeof *batch->table);
    for (size_t i = 0; i < batch->n_queues; i++) {
        batch->table[place_of(batch, batch->keys[i])] = (uint32_t)i + 1;
    }
}

static struct ql_str keep(struct ql_aggregate_batch *batch, struct ql_str text) {
    return (struct ql_str){.ptr = ql_arena_copy(&batch->arena, text.ptr, text.len), .len = text.len};
}

uint32_t ql_aggregate_batch_code(struct ql_aggregate_batch *batch, struct ql_str id, struct ql_str name,
                                 struct ql_str media_type) {
    struct ql_buf key = {0};
    ql_buf_put_str(&key, id);
    ql_buf_putc(&key, '\0');
    ql_buf_put_str(&key, media_type);
    if (batch->n_queues * 2 >= batch->table_size) {
        grow_table(batch);
    }
    size_t at = place_of(batch, ql_buf_view(&key));
    if (batch->table[at] == 0) {
        QL_MEM_GROW(batch->queues, batch->cap_queues, batch->n_queues + 1);
        QL_MEM_GROW(batch->keys, batch->cap_keys, batch->n_queues + 1);
        batch->keys[batch->n_queues] = keep(batch, ql_buf_view(&key));
        batch->queues[batch->n_queues] =
            (struct ql_rows_queue){.id = keep(batch, id), .name = keep(batch, name), .media_type = keep(batch, media_type)};
        batch->table[at] = (uint32_t)++batch->n_queues;
    }
    uint32_t code = batch->table[at] - 1;
    ql_buf_fini(&key);
    return code;
}
