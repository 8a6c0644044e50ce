/*
 * Tuples: how they lie in memory, how slices are joined (on their way to the temporary file) and sorted by bucket or part. See
 * tuples.h. Arrays go from wide elements to narrow ones, so that none needs padding to be aligned.
 */
#include "pivot/tuples.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int cmp_wide(const void *a, const void *b) {
    const struct ql_tuple_wide *x = a;
    const struct ql_tuple_wide *y = b;
    return x->row != y->row ? (x->row > y->row) - (x->row < y->row) : (x->column > y->column) - (x->column < y->column);
}

void ql_tuple_wides_sort(struct ql_tuple_wide *wide, size_t n) {
    qsort(wide, n, sizeof *wide, cmp_wide);
}

size_t ql_tuples_header_size(size_t n_columns) {
    return sizeof(struct ql_tuples) + n_columns * sizeof(struct ql_tuple_column);
}

static size_t size_of(const struct ql_tuples *header) {
    size_t size = ql_tuples_header_size(header->n_columns) + header->n_wide * sizeof(struct ql_tuple_wide) + header->n_text;
    size += (size_t)header->n_runs * (header->has_run_lens ? 2 : 1) * sizeof(uint32_t);
    size += (size_t)header->n_rows * header->label_width;
    for (size_t c = 0; c < header->n_columns; c++) {
        size += (size_t)header->n_rows * header->columns[c].width;
    }
    return (size + 7) & ~(size_t)7;
}

void ql_tuples_moved(struct ql_tuples *tuples, struct ql_block *block) {
    unsigned char *at = (unsigned char *)tuples + ql_tuples_header_size(tuples->n_columns);
    tuples->block = block;
    tuples->wide = (struct ql_tuple_wide *)(void *)at;
    at += tuples->n_wide * sizeof *tuples->wide;
    for (size_t width = 8; width != 0; width /= 2) {
        for (size_t c = 0; c < tuples->n_columns; c++) {
            if (tuples->columns[c].width == width) {
                tuples->columns[c].k = at;
                at += tuples->n_rows * width;
            }
        }
        if (tuples->label_width == width) {
            tuples->label = at;
            at += tuples->n_rows * width;
        }
        if (width == sizeof(uint32_t)) {
            tuples->interval = (uint32_t *)(void *)at;
            at += tuples->n_runs * width;
            tuples->run_len = (uint32_t *)(void *)at;
            at += tuples->has_run_lens ? tuples->n_runs * width : 0;
        }
    }
    tuples->text = (char *)at;
}

struct ql_tuples *ql_tuples_new(const struct ql_tuples *header, struct ql_slabs *slabs) {
    size_t size = size_of(header);
    struct ql_block *block = ql_block_new(slabs, size);
    struct ql_tuples *tuples = (struct ql_tuples *)(void *)block->data;
    memcpy(tuples, header, ql_tuples_header_size(header->n_columns));
    tuples->size = size;
    memset((unsigned char *)tuples + size - 8, 0, 8); /* the end may be padding, and go to the file */
    ql_tuples_moved(tuples, block);
    return tuples;
}

/* Whether slices can be joined: the same widths, scales, coding of intervals, and input. */
static bool are_alike(const struct ql_tuples *x, const struct ql_tuples *y) {
    bool is_alike = x->input == y->input && x->label_width == y->label_width && x->has_run_lens == y->has_run_lens;
    for (size_t c = 0; c < x->n_columns && is_alike; c++) {
        is_alike = x->columns[c].width == y->columns[c].width && x->columns[c].scale == y->columns[c].scale;
    }
    return is_alike;
}

size_t ql_slices_count_small(const struct ql_slice *slices, size_t n_slices, uint64_t serial) {
    enum { SMALL_ROWS = 1024, JOINED_ROWS_MAX = 8192 }; /* about 100 KiB, which stay in a core's cache */
    size_t n = 1;
    for (size_t n_rows = slices[0].n_rows; n < n_slices; n++) {
        n_rows += slices[n].n_rows;
        if (slices[n - 1].n_rows >= SMALL_ROWS || slices[n].n_rows >= SMALL_ROWS || n_rows > JOINED_ROWS_MAX ||
            slices[n].tuples->block->serial >= serial || !are_alike(slices[0].tuples, slices[n].tuples)) {
            break;
        }
    }
    return n;
}

/* The side table's first number at or behind a row. */
static size_t wide_from(const struct ql_tuples *tuples, uint32_t row) {
    size_t low = 0;
    size_t high = tuples->n_wide;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (tuples->wide[middle].row < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Tuples with room for the rows of slices, which are alike. */
static struct ql_tuples *new_for_slices(const struct ql_slice *slices, size_t n_slices, struct ql_slabs *slabs) {
    struct ql_tuples *header = ql_mem_alloc(ql_tuples_header_size(slices[0].tuples->n_columns));
    memcpy(header, slices[0].tuples, ql_tuples_header_size(slices[0].tuples->n_columns));
    header->n_rows = header->n_runs = header->n_wide = 0;
    header->n_text = 0;
    for (size_t s = 0; s < n_slices; s++) {
        const struct ql_tuples *from = slices[s].tuples;
        header->n_rows += slices[s].n_rows;
        header->n_runs += slices[s].n_runs;
        for (size_t w = wide_from(from, slices[s].first_row); w < from->n_wide; w++) {
            if (from->wide[w].row >= slices[s].first_row + slices[s].n_rows) {
                break;
            }
            header->n_wide++;
            header->n_text += from->wide[w].text_len;
        }
        for (size_t c = 0; c < header->n_columns; c++) {
            uint64_t magnitude = from->columns[c].magnitude;
            header->columns[c].magnitude = magnitude > header->columns[c].magnitude ? magnitude : header->columns[c].magnitude;
        }
    }
    struct ql_tuples *tuples = ql_tuples_new(header, slabs);
    ql_mem_free(header);
    return tuples;
}

/* Puts a number of `from`'s side table at `row` of tuples whose side table and texts so far are n_wide and n_text long. */
static void copy_wide(struct ql_tuples *tuples, const struct ql_tuples *from, const struct ql_tuple_wide *number, uint32_t row,
                      size_t n_wide, uint64_t *n_text) {
    tuples->wide[n_wide] = *number;
    tuples->wide[n_wide].row = row;
    if (number->text_len != 0) {
        memcpy(tuples->text + *n_text, from->text + number->v.text_at, number->text_len);
        tuples->wide[n_wide].v.text_at = *n_text;
        *n_text += number->text_len;
    }
}

static void append(void *dst, size_t at, const void *src, size_t first, size_t n, size_t width) {
    memcpy((unsigned char *)dst + at * width, (const unsigned char *)src + first * width, n * width);
}

struct ql_tuples *ql_slices_join(const struct ql_slice *slices, size_t n_slices) {
    struct ql_tuples *joined = new_for_slices(slices, n_slices, NULL);
    uint32_t row = 0;
    size_t run = 0;
    size_t n_wide = 0;
    uint64_t n_text = 0;
    for (const struct ql_slice *slice = slices; slice < slices + n_slices; slice++) {
        const struct ql_tuples *from = slice->tuples;
        append(joined->interval, run, from->interval, slice->first_run, slice->n_runs, sizeof *from->interval);
        if (from->has_run_lens) {
            append(joined->run_len, run, from->run_len, slice->first_run, slice->n_runs, sizeof *from->run_len);
        }
        append(joined->label, row, from->label, slice->first_row, slice->n_rows, from->label_width);
        for (size_t c = 0; c < from->n_columns; c++) {
            append(joined->columns[c].k, row, from->columns[c].k, slice->first_row, slice->n_rows, from->columns[c].width);
        }
        for (size_t w = wide_from(from, slice->first_row); n_wide < joined->n_wide && w < from->n_wide; w++) {
            if (from->wide[w].row >= slice->first_row + slice->n_rows) {
                break;
            }
            copy_wide(joined, from, &from->wide[w], from->wide[w].row - slice->first_row + row, n_wide++, &n_text);
        }
        row += slice->n_rows;
        run += slice->n_runs;
    }
    return joined;
}

void ql_regroup_fini(struct ql_regroup *scratch) {
    ql_mem_free(scratch->run_from);
    ql_mem_free(scratch->row_from);
    ql_mem_free(scratch->begin);
    *scratch = (struct ql_regroup){0};
}

/* Which run (scratch->run_from) and row (returned) of the slice comes next, by group; the groups' bounds. */
static const uint32_t *order_runs(const struct ql_slice *slice, const uint32_t *group_of_run, size_t n_groups,
                                  struct ql_regroup *scratch, struct ql_slice *groups) {
    QL_MEM_GROW(scratch->run_from, scratch->cap_run_from, slice->n_runs);
    QL_MEM_GROW(scratch->row_from, scratch->cap_row_from, slice->n_rows);
    QL_MEM_GROW(scratch->begin, scratch->cap_begin, 2 * n_groups);
    memset(groups, 0, n_groups * sizeof *groups);
    for (size_t r = 0; r < slice->n_runs; r++) {
        groups[group_of_run[r]].n_runs++;
        groups[group_of_run[r]].n_rows += ql_tuples_run_len(slice->tuples, slice->first_run + r);
    }
    uint32_t *next_run = scratch->begin;
    uint32_t *next_row = scratch->begin + n_groups;
    uint32_t run = 0;
    uint32_t row = 0;
    for (size_t g = 0; g < n_groups; g++) {
        groups[g].first_run = next_run[g] = run;
        groups[g].first_row = next_row[g] = row;
        run += groups[g].n_runs;
        row += groups[g].n_rows;
    }
    for (uint32_t r = 0; r < slice->n_runs; r++) {
        scratch->run_from[next_run[group_of_run[r]]++] = slice->first_run + r;
    }
    if (!slice->tuples->has_run_lens) { /* runs are rows */
        return scratch->run_from;
    }
    row = slice->first_row;
    for (uint32_t r = 0; r < slice->n_runs; r++) {
        for (uint32_t end = row + slice->tuples->run_len[slice->first_run + r]; row < end; row++) {
            scratch->row_from[next_row[group_of_run[r]]++] = row;
        }
    }
    return scratch->row_from;
}

static void gather(void *dst, const void *src, const uint32_t *from, size_t n, size_t width) {
#define GATHER(type)                                     \
    for (size_t i = 0; i < n; i++) {                     \
        ((type *)dst)[i] = ((const type *)src)[from[i]]; \
    }
    if (width == 1) {
        GATHER(uint8_t)
    } else if (width == 2) {
        GATHER(uint16_t)
    } else if (width == 4) {
        GATHER(uint32_t)
    } else {
        GATHER(uint64_t)
    }
#undef GATHER
}

/* The side table, whose rows have moved. There are few such numbers. */
static void regroup_wide(const struct ql_slice *slice, const uint32_t *row_from, struct ql_tuples *tuples) {
    uint32_t *row_of = ql_mem_alloc(slice->n_rows * sizeof *row_of);
    for (uint32_t i = 0; i < slice->n_rows; i++) {
        row_of[row_from[i] - slice->first_row] = i;
    }
    size_t first = wide_from(slice->tuples, slice->first_row);
    uint64_t n_text = 0;
    for (size_t w = 0; w < tuples->n_wide; w++) {
        const struct ql_tuple_wide *number = &slice->tuples->wide[first + w];
        copy_wide(tuples, slice->tuples, number, row_of[number->row - slice->first_row], w, &n_text);
    }
    ql_tuple_wides_sort(tuples->wide, tuples->n_wide);
    ql_mem_free(row_of);
}

struct ql_tuples *ql_slice_regroup(const struct ql_slice *slice, const uint32_t *group_of_run, size_t n_groups,
                                   struct ql_regroup *scratch, struct ql_slice *groups, struct ql_slabs *slabs) {
    const struct ql_tuples *from = slice->tuples;
    struct ql_tuples *tuples = new_for_slices(slice, 1, slabs);
    const uint32_t *row_from = order_runs(slice, group_of_run, n_groups, scratch, groups);
    for (size_t g = 0; g < n_groups; g++) {
        groups[g].tuples = tuples;
    }
    gather(tuples->interval, from->interval, scratch->run_from, slice->n_runs, sizeof *from->interval);
    if (from->has_run_lens) {
        gather(tuples->run_len, from->run_len, scratch->run_from, slice->n_runs, sizeof *from->run_len);
    }
    gather(tuples->label, from->label, row_from, slice->n_rows, from->label_width);
    for (size_t c = 0; c < from->n_columns; c++) {
        gather(tuples->columns[c].k, from->columns[c].k, row_from, slice->n_rows, from->columns[c].width);
    }
    if (tuples->n_wide != 0) {
        regroup_wide(slice, row_from, tuples);
    }
    return tuples;
}
