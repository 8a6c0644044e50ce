/*
 * Rows until they are handed on: columns of numbers at one scale each, intervals as runs, and copies of the texts.
 *
 * A column keeps its scale from batch to batch and numbers are brought to it as they are put. A finer number raises it, which
 * is rare, and the rows before are rescaled. A value that does not fit an int64 at the column's scale leaves as decimal text,
 * like the numbers that never did; a column that had such values looks for its scale anew in the next batch, so that one
 * number with many decimals does not make all that follow wide.
 */
#include "csv/csv_internal.h"

#include <stdlib.h>

/* Texts of a batch: long intervals and wide numbers leave in smaller batches. */
enum { BATCH_TEXT_BYTES = 1024 * 1024 };

void ql_csv_batch_init(struct ql_csv_batch *batch, size_t n_metrics) {
    *batch = (struct ql_csv_batch){.n_metrics = n_metrics};
    batch->queue = ql_mem_zalloc(QL_CSV_BATCH_ROWS, sizeof *batch->queue);
    batch->runs = ql_mem_zalloc(QL_CSV_BATCH_ROWS + 1, sizeof *batch->runs); /* the last may have no row yet */
    batch->columns = ql_mem_zalloc(n_metrics, sizeof *batch->columns);
    batch->out = ql_mem_zalloc(n_metrics, sizeof *batch->out);
    for (size_t i = 0; i < n_metrics; i++) {
        batch->columns[i].k = ql_mem_zalloc(QL_CSV_BATCH_ROWS, sizeof *batch->columns[i].k);
    }
}

void ql_csv_batch_fini(struct ql_csv_batch *batch) {
    for (size_t i = 0; i < batch->n_metrics; i++) {
        ql_mem_free(batch->columns[i].k);
        ql_mem_free(batch->columns[i].wide);
    }
    ql_mem_free(batch->columns);
    ql_mem_free(batch->out);
    ql_mem_free(batch->queue);
    ql_mem_free(batch->runs);
    ql_arena_fini(&batch->arena);
    *batch = (struct ql_csv_batch){0};
}

static void put_wide(struct ql_csv_batch_column *column, size_t row, struct ql_str text) {
    QL_MEM_GROW(column->wide, column->cap_wide, column->n_wide + 1);
    column->wide[column->n_wide++] = (struct ql_wide_number){.row = (uint32_t)row, .text = text};
    column->k[row] = QL_NUMBER_WIDE;
}

static void make_wide(struct ql_csv_batch *batch, struct ql_csv_batch_column *column, size_t row, int64_t k, int scale) {
    struct ql_buf text = {0};
    ql_buf_printf(&text, "%lld", (long long)k);
    if (scale != 0) {
        ql_buf_printf(&text, "e-%02d", scale);
    }
    struct ql_str copy = {.ptr = ql_arena_copy(&batch->arena, text.ptr, text.len), .len = text.len};
    ql_buf_fini(&text);
    put_wide(column, row, copy);
}

static void put_scaled(struct ql_csv_batch *batch, struct ql_csv_batch_column *column, size_t row, int64_t k, int scale) {
    int64_t scaled;
    if (__builtin_mul_overflow(k, ql_csv_pow10(column->scale - scale), &scaled) || scaled <= QL_NUMBER_WIDE) {
        make_wide(batch, column, row, k, scale);
    } else {
        column->k[row] = scaled;
    }
}

static int compare_wide(const void *a, const void *b) {
    const struct ql_wide_number *x = a;
    const struct ql_wide_number *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

static void raise_scale(struct ql_csv_batch *batch, struct ql_csv_batch_column *column, int scale) {
    size_t n_wide = column->n_wide;
    int before = column->scale;
    column->scale = scale;
    for (size_t row = 0; row < batch->n_rows; row++) {
        if (column->k[row] > QL_NUMBER_WIDE) {
            put_scaled(batch, column, row, column->k[row], before);
        }
    }
    if (column->n_wide != n_wide) {
        qsort(column->wide, column->n_wide, sizeof *column->wide, compare_wide);
    }
}

void ql_csv_batch_put(struct ql_csv_batch *batch, size_t metric, const struct ql_csv_number *number, struct ql_str wide) {
    struct ql_csv_batch_column *column = &batch->columns[metric];
    size_t row = batch->n_rows;
    if (number->kind == QL_CSV_NUMBER_WIDE) {
        put_wide(column, row, wide);
        return;
    }
    if (number->kind != QL_CSV_NUMBER_EXACT) {
        column->k[row] = QL_NUMBER_MISSING;
        return;
    }
    if (number->scale > column->scale) {
        raise_scale(batch, column, number->scale);
    }
    put_scaled(batch, column, row, number->k, number->scale);
}

void ql_csv_batch_fill_blanks(struct ql_csv_batch *batch, size_t metric) {
    int64_t *k = batch->columns[metric].k;
    for (size_t row = 0; row < batch->n_rows; row++) {
        k[row] = k[row] == QL_NUMBER_MISSING ? 0 : k[row];
    }
}

void ql_csv_batch_set_absent(struct ql_csv_batch *batch, size_t metric) {
    for (size_t row = 0; row < QL_CSV_BATCH_ROWS; row++) {
        batch->columns[metric].k[row] = QL_NUMBER_MISSING;
    }
}

bool ql_csv_batch_is_full(const struct ql_csv_batch *batch) {
    return batch->n_rows == QL_CSV_BATCH_ROWS || batch->arena.used > BATCH_TEXT_BYTES;
}

void ql_csv_batch_view(struct ql_csv_batch *batch, struct ql_rows *rows) {
    ql_csv_batch_end_run(batch);
    for (size_t i = 0; i < batch->n_metrics; i++) {
        const struct ql_csv_batch_column *column = &batch->columns[i];
        batch->out[i] = (struct ql_number_column){
            .k = column->k, .scale = (uint8_t)column->scale, .wide = column->wide, .n_wide = column->n_wide};
    }
    rows->n_rows = batch->n_rows;
    rows->n_runs = batch->n_runs;
    rows->runs = batch->runs;
    rows->queue = batch->queue;
    rows->n_metrics = batch->n_metrics;
    rows->metrics = batch->out;
}

void ql_csv_batch_reset(struct ql_csv_batch *batch) {
    batch->n_rows = 0;
    batch->n_runs = 0;
    for (size_t i = 0; i < batch->n_metrics; i++) {
        struct ql_csv_batch_column *column = &batch->columns[i];
        column->scale = column->n_wide != 0 ? 0 : column->scale;
        column->n_wide = 0;
    }
    ql_arena_reset(&batch->arena);
}
