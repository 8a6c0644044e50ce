/*
 * Rows until they are handed on: columns of numbers, each brought to one scale when the batch leaves, and copies of the texts.
 *
 * A number is put with the scale that it was written with; the largest becomes the column's. A value that does not fit an int64
 * at that scale leaves as decimal text, like the numbers that never did.
 */
#include "csv/csv_internal.h"

#include <stdlib.h>

void ql_csv_batch_init(struct ql_csv_batch *batch, size_t n_metrics, bool wants_interval_text) {
    *batch = (struct ql_csv_batch){.n_metrics = n_metrics};
    batch->start_us = ql_mem_zalloc(QL_CSV_BATCH_ROWS, sizeof *batch->start_us);
    batch->end_us = ql_mem_zalloc(QL_CSV_BATCH_ROWS, sizeof *batch->end_us);
    batch->queue_id = ql_mem_zalloc(QL_CSV_BATCH_ROWS, sizeof *batch->queue_id);
    batch->queue_name = ql_mem_zalloc(QL_CSV_BATCH_ROWS, sizeof *batch->queue_name);
    if (wants_interval_text) {
        batch->interval_text = ql_mem_zalloc(QL_CSV_BATCH_ROWS, sizeof *batch->interval_text);
    }
    batch->columns = ql_mem_zalloc(n_metrics, sizeof *batch->columns);
    batch->out = ql_mem_zalloc(n_metrics, sizeof *batch->out);
    for (size_t i = 0; i < n_metrics; i++) {
        batch->columns[i].k = ql_mem_zalloc(QL_CSV_BATCH_ROWS, sizeof *batch->columns[i].k);
        batch->columns[i].scale = ql_mem_zalloc(QL_CSV_BATCH_ROWS, sizeof *batch->columns[i].scale);
    }
}

void ql_csv_batch_fini(struct ql_csv_batch *batch) {
    for (size_t i = 0; i < batch->n_metrics; i++) {
        ql_mem_free(batch->columns[i].k);
        ql_mem_free(batch->columns[i].scale);
        ql_mem_free(batch->columns[i].wide);
    }
    ql_mem_free(batch->columns);
    ql_mem_free(batch->out);
    ql_mem_free(batch->start_us);
    ql_mem_free(batch->end_us);
    ql_mem_free(batch->queue_id);
    ql_mem_free(batch->queue_name);
    ql_mem_free(batch->interval_text);
    ql_arena_fini(&batch->arena);
    *batch = (struct ql_csv_batch){0};
}

static void put_wide(struct ql_csv_batch_column *column, size_t row, struct ql_str text) {
    QL_MEM_GROW(column->wide, column->cap_wide, column->n_wide + 1);
    column->wide[column->n_wide++] = (struct ql_wide_number){.row = (uint32_t)row, .text = text};
    column->k[row] = QL_NUMBER_WIDE;
    column->scale[row] = 0;
}

void ql_csv_batch_put(struct ql_csv_batch *batch, size_t metric, const struct ql_csv_number *number, struct ql_str wide) {
    struct ql_csv_batch_column *column = &batch->columns[metric];
    size_t row = batch->n_rows;
    if (number->kind == QL_CSV_NUMBER_WIDE) {
        put_wide(column, row, (struct ql_str){.ptr = ql_arena_copy(&batch->arena, wide.ptr, wide.len), .len = wide.len});
        return;
    }
    bool is_missing = number->kind != QL_CSV_NUMBER_EXACT;
    column->k[row] = is_missing ? QL_NUMBER_MISSING : number->k;
    column->scale[row] = is_missing ? 0 : number->scale;
}

static struct ql_str copy_text(struct ql_arena *arena, struct ql_str s) {
    return (struct ql_str){.ptr = ql_arena_copy(arena, s.ptr, s.len), .len = s.len};
}

void ql_csv_batch_put_queue(struct ql_csv_batch *batch, struct ql_str id, struct ql_str name) {
    size_t n = batch->n_rows;
    batch->queue_id[n] = id.len != 0 ? copy_text(&batch->arena, id) : id;
    batch->queue_name[n] = name.ptr == id.ptr ? batch->queue_id[n] : copy_text(&batch->arena, name);
}

static int compare_wide(const void *a, const void *b) {
    const struct ql_wide_number *x = a;
    const struct ql_wide_number *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

static void make_wide(struct ql_csv_batch *batch, struct ql_csv_batch_column *column, size_t row) {
    struct ql_buf text = {0};
    ql_buf_printf(&text, "%lld", (long long)column->k[row]);
    if (column->scale[row] != 0) {
        ql_buf_printf(&text, "e-%02d", (int)column->scale[row]);
    }
    struct ql_str copy = {.ptr = ql_arena_copy(&batch->arena, text.ptr, text.len), .len = text.len};
    ql_buf_fini(&text);
    put_wide(column, row, copy);
}

static void level_column(struct ql_csv_batch *batch, struct ql_csv_batch_column *column) {
    size_t n_wide = column->n_wide;
    column->max_scale = 0;
    for (size_t row = 0; row < batch->n_rows; row++) {
        column->max_scale = column->scale[row] > column->max_scale ? column->scale[row] : column->max_scale;
    }
    if (column->max_scale == 0) {
        return;
    }
    for (size_t row = 0; row < batch->n_rows; row++) { /* multiplies by 1 too: scales come in no order to be foreseen */
        int64_t k = column->k[row];
        if (k <= QL_NUMBER_WIDE) {
            continue;
        }
        int64_t scaled;
        if (__builtin_mul_overflow(k, ql_csv_pow10(column->max_scale - column->scale[row]), &scaled) ||
            scaled <= QL_NUMBER_WIDE) {
            make_wide(batch, column, row);
        } else {
            column->k[row] = scaled;
        }
    }
    if (column->n_wide != n_wide) {
        qsort(column->wide, column->n_wide, sizeof *column->wide, compare_wide);
    }
}

void ql_csv_batch_view(struct ql_csv_batch *batch, uint32_t input, bool has_queue_id, struct ql_rows *rows) {
    for (size_t i = 0; i < batch->n_metrics; i++) {
        struct ql_csv_batch_column *column = &batch->columns[i];
        level_column(batch, column);
        batch->out[i] = (struct ql_number_column){
            .k = column->k, .scale = column->max_scale, .wide = column->wide, .n_wide = column->n_wide};
    }
    *rows = (struct ql_rows){
        .n_rows = batch->n_rows,
        .input = input,
        .start_us = batch->start_us,
        .end_us = batch->end_us,
        .interval_text = batch->interval_text,
        .queue_id = has_queue_id ? batch->queue_id : NULL,
        .queue_name = batch->queue_name,
        .n_metrics = batch->n_metrics,
        .metrics = batch->out,
    };
}

void ql_csv_batch_reset(struct ql_csv_batch *batch) {
    batch->n_rows = 0;
    for (size_t i = 0; i < batch->n_metrics; i++) {
        batch->columns[i].n_wide = 0;
    }
    ql_arena_reset(&batch->arena);
}
