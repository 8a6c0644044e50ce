/*
 * Buckets of tuples: see tuples.h. The representation never decides a result: every number stays exact, so how often a scale
 * was raised or a column widened, and which numbers went to the side table, is invisible in the cells.
 */
#include "pivot/tuples.h"

#include "pivot/ratio.h"

#include <string.h>

/* Chunks begin small for exports of a few rows a bucket, and end where another doubling would only waste. */
enum { CHUNK_ROWS_MIN = 32, CHUNK_ROWS_MAX = 8192 };

/* Chunks from this size on come as pages: freed one by one while cells are written, they would otherwise stay in the heap and
 * tuples and cells together would double the peak. */
enum { CHUNK_BYTES_MAPPED = 128 * 1024 };

struct ql_bucket *ql_bucket_new(int64_t period, size_t n_columns) {
    struct ql_bucket *bucket = ql_mem_zalloc(1, sizeof *bucket);
    bucket->period = period;
    bucket->n_columns = n_columns;
    bucket->columns = ql_mem_zalloc(n_columns, sizeof *bucket->columns);
    return bucket;
}

struct ql_tuple_chunk *ql_bucket_take_chunk(struct ql_bucket *bucket) {
    struct ql_tuple_chunk *chunk = bucket->head;
    if (chunk != NULL) {
        bucket->head = chunk->next;
        bucket->tail = bucket->head == NULL ? NULL : bucket->tail;
    }
    return chunk;
}

void ql_tuple_chunk_free(struct ql_tuple_chunk *chunk) {
    if (chunk->size >= CHUNK_BYTES_MAPPED) {
        ql_mem_unmap(chunk, chunk->size);
    } else {
        ql_mem_free(chunk);
    }
}

void ql_bucket_free(struct ql_bucket *bucket) {
    if (bucket == NULL) {
        return;
    }
    for (struct ql_tuple_chunk *chunk; (chunk = ql_bucket_take_chunk(bucket)) != NULL;) {
        ql_tuple_chunk_free(chunk);
    }
    for (size_t c = 0; c < bucket->n_columns; c++) {
        ql_mem_free(bucket->columns[c].wide);
    }
    ql_mem_free(bucket->columns);
    ql_arena_fini(&bucket->arena);
    ql_mem_free(bucket);
}

/* A chunk for the next rows, with columns as the bucket's are now. */
static struct ql_tuple_chunk *new_chunk(const struct ql_bucket *bucket, size_t cap, uint32_t input) {
    size_t row_size = 2 * sizeof(uint32_t);
    for (size_t c = 0; c < bucket->n_columns; c++) {
        row_size += bucket->columns[c].needs_64_bit ? sizeof(int64_t) : sizeof(int32_t);
    }
    size_t size = sizeof(struct ql_tuple_chunk) + bucket->n_columns * sizeof(struct ql_chunk_column) + cap * row_size;
    struct ql_tuple_chunk *chunk = size >= CHUNK_BYTES_MAPPED ? ql_mem_map(size) : ql_mem_alloc(size);
    *chunk = (struct ql_tuple_chunk){.size = size, .cap = (uint32_t)cap, .input = input, .layout = bucket->layout};
    chunk->columns = (struct ql_chunk_column *)(chunk + 1);
    int64_t *slot = (int64_t *)(chunk->columns + bucket->n_columns); /* cap is even: every array is aligned for the next */
    for (size_t c = 0; c < bucket->n_columns; c++) {
        const struct ql_bucket_column *column = &bucket->columns[c];
        chunk->columns[c] =
            (struct ql_chunk_column){.slot.i64 = slot, .scale = column->scale, .is_narrow = !column->needs_64_bit};
        slot += column->needs_64_bit ? cap : cap / 2;
    }
    chunk->interval = (uint32_t *)slot;
    chunk->queue = chunk->interval + cap;
    return chunk;
}

/* The chunk that takes the next row, of one input only. */
static struct ql_tuple_chunk *open_chunk(struct ql_bucket *bucket, uint32_t input) {
    struct ql_tuple_chunk *tail = bucket->tail;
    if (tail != NULL && tail->input == input && tail->layout == bucket->layout && tail->n < tail->cap) {
        return tail;
    }
    if (tail != NULL && tail->input != input) {
        bucket->n_rows_of_input = 0;
    }
    size_t cap = bucket->n_rows_of_input & ~(size_t)1; /* doubles */
    cap = cap < CHUNK_ROWS_MIN ? CHUNK_ROWS_MIN : cap > CHUNK_ROWS_MAX ? CHUNK_ROWS_MAX : cap;
    struct ql_tuple_chunk *chunk = new_chunk(bucket, cap, input);
    if (tail != NULL) {
        tail->next = chunk;
    } else {
        bucket->head = chunk;
    }
    return bucket->tail = chunk;
}

int64_t ql_wide_add(struct ql_wide **wide, size_t *n, size_t *cap, struct ql_wide number) {
    QL_MEM_GROW(*wide, *cap, *n + 1);
    (*wide)[*n] = number;
    return QL_SLOT_WIDE + (int64_t)(*n)++;
}

static int64_t add_to_column(struct ql_bucket_column *column, struct ql_wide number) {
    return ql_wide_add(&column->wide, &column->n_wide, &column->cap_wide, number);
}

/* k / 10^scale as a slot of a column. */
static int64_t slot_of(struct ql_bucket_column *column, int64_t k, int32_t scale) {
    int64_t up = (int64_t)column->scale - scale;
    if (k == 0) {
        return 0;
    }
    if (up >= 0 && up <= 18) {
        int64_t factor = (int64_t)ql_pow10_u64((unsigned)up);
        int64_t limit = QL_SLOT_MAX / factor;
        if (k <= limit && k >= -limit) {
            return k * factor;
        }
    }
    return add_to_column(column, (struct ql_wide){.v.k = k, .scale = scale});
}

static int64_t slot_of_wide(struct ql_bucket_column *column, const struct ql_wide *number, struct ql_arena *arena) {
    if (number->text_len == 0) {
        return slot_of(column, number->v.k, number->scale);
    }
    struct ql_wide copy = *number;
    if (arena != NULL) {
        copy.v.text = ql_arena_copy(arena, number->v.text, number->text_len);
    }
    return add_to_column(column, copy);
}

void ql_slots_copy(int64_t *dst, const struct ql_slots *from, size_t begin, size_t n, struct ql_bucket_column *column,
                   struct ql_arena *arena) {
    const int64_t *src = from->slot + begin;
    int32_t up = column->scale - from->scale;
    if (up == 0 && from->n_wide == 0) {
        memcpy(dst, src, n * sizeof *dst);
        return;
    }
    int64_t factor = (int64_t)ql_pow10_u64((unsigned)up);
    int64_t limit = QL_SLOT_MAX / factor;
    for (size_t i = 0; i < n; i++) {
        int64_t slot = src[i];
        if (slot <= limit && slot >= -limit) {
            dst[i] = slot * factor;
        } else if (slot == QL_SLOT_MISSING) {
            dst[i] = slot;
        } else if (ql_slot_is_wide(slot)) {
            dst[i] = slot_of_wide(column, &from->wide[ql_slot_wide_index(slot)], arena);
        } else {
            dst[i] = slot_of(column, slot, from->scale);
        }
    }
}

/* Copies n slots to column's scale, 32 bits each; false if one of them does not fit. */
static bool copy_narrow(int32_t *dst, const struct ql_slots *from, size_t begin, size_t n, int32_t scale) {
    const int64_t *src = from->slot + begin;
    int32_t up = scale - from->scale;
    if (up > 9) { /* 10^10 does not fit */
        return false;
    }
    const int64_t factor = (int64_t)ql_pow10_u64((unsigned)up);
    const int64_t limit = INT32_MAX / factor;
    bool fits = true;
    for (size_t i = 0; i < n; i++) {
        bool is_missing = src[i] == QL_SLOT_MISSING;
        fits &= is_missing | (src[i] <= limit && src[i] >= -limit);
        dst[i] = is_missing ? QL_NARROW_MISSING : (int32_t)((uint64_t)src[i] * (uint64_t)factor);
    }
    return fits;
}

const int64_t *ql_chunk_slots(const struct ql_chunk_column *column, size_t begin, size_t n, int64_t *scratch) {
    if (!column->is_narrow) {
        return column->slot.i64 + begin;
    }
    const int32_t *narrow = column->slot.i32 + begin;
    for (size_t i = 0; i < n; i++) {
        scratch[i] = narrow[i] == QL_NARROW_MISSING ? QL_SLOT_MISSING : narrow[i];
    }
    return scratch;
}

/* Raises the scales of a bucket's next chunk to those of the tuples. */
static void raise_scales(struct ql_bucket *bucket, const struct ql_tuples *tuples) {
    for (size_t c = 0; c < bucket->n_columns; c++) {
        if (tuples->columns[c].scale > bucket->columns[c].scale) {
            bucket->columns[c].scale = tuples->columns[c].scale;
            bucket->layout++;
        }
    }
}

/* Puts n tuples behind a chunk's; false if a column must become wider first. */
static bool put_tuples(struct ql_bucket *bucket, struct ql_tuple_chunk *chunk, const struct ql_tuples *tuples, size_t begin,
                       size_t n) {
    bool fits = true;
    for (size_t c = 0; c < bucket->n_columns; c++) {
        const struct ql_chunk_column *column = &chunk->columns[c];
        if (column->is_narrow && !copy_narrow(column->slot.i32 + chunk->n, &tuples->columns[c], begin, n, column->scale)) {
            bucket->columns[c].needs_64_bit = true;
            bucket->layout++;
            fits = false;
        }
    }
    for (size_t c = 0; c < bucket->n_columns && fits; c++) { /* last: these add to the side tables */
        const struct ql_chunk_column *column = &chunk->columns[c];
        if (!column->is_narrow) {
            ql_slots_copy(column->slot.i64 + chunk->n, &tuples->columns[c], begin, n, &bucket->columns[c], &bucket->arena);
        }
    }
    return fits;
}

void ql_bucket_append(struct ql_bucket *bucket, const struct ql_tuples *tuples, size_t begin, size_t end) {
    if (begin == end) {
        return;
    }
    raise_scales(bucket, tuples);
    while (begin < end) {
        struct ql_tuple_chunk *chunk = open_chunk(bucket, tuples->input);
        size_t n = end - begin < chunk->cap - chunk->n ? end - begin : chunk->cap - chunk->n;
        if (!put_tuples(bucket, chunk, tuples, begin, n)) {
            continue;
        }
        memcpy(chunk->interval + chunk->n, tuples->interval + begin, n * sizeof *chunk->interval);
        memcpy(chunk->queue + chunk->n, tuples->queue + begin, n * sizeof *chunk->queue);
        chunk->n += (uint32_t)n;
        bucket->n_rows += n;
        bucket->n_rows_of_input += n;
        begin += n;
    }
}
