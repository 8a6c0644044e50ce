/**
 * Dictionaries: the different texts or instants of some items, and which of them each item has. Items mostly come in ascending
 * order and are all different, or equal to their neighbours at most; only where they are not are they sorted.
 */
#include "layout/layout_internal.h"

#include <stdlib.h>

struct keyed_text {
    struct ql_str text;
    uint32_t item;
};
static int compare_texts(const void *a, const void *b) {
    const struct keyed_text *x = a;
    const struct keyed_text *y = b;
    int order = ql_str_cmp(x->text, y->text);
    return order != 0 ? order : (x->item > y->item) - (x->item < y->item);
}

void ql_text_codes_make(struct ql_text_codes *codes, struct ql_str *texts, size_t n, struct ql_arena *arena) {
    *codes = (struct ql_text_codes){.texts = texts, .code_of = ql_arena_alloc(arena, n * sizeof *codes->code_of)};
    codes->is_identity = true;
    for (size_t i = 0; i < n && codes->is_identity; i++) {
        codes->is_identity = i == 0 || ql_str_cmp(texts[i - 1], texts[i]) < 0;
        codes->code_of[i] = (uint32_t)i;
    }
    codes->n_texts = n;
    if (codes->is_identity) {
        return;
    }
    struct keyed_text *keyed = ql_mem_realloc(NULL, n, sizeof *keyed);
    for (size_t i = 0; i < n; i++) {
        keyed[i] = (struct keyed_text){.text = texts[i], .item = (uint32_t)i};
    }
    qsort(keyed, n, sizeof *keyed, compare_texts);
    codes->n_texts = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !ql_str_eq(keyed[i - 1].text, keyed[i].text)) {
            texts[codes->n_texts++] = keyed[i].text;
        }
        codes->code_of[keyed[i].item] = (uint32_t)(codes->n_texts - 1);
    }
    ql_mem_free(keyed);
}

struct keyed_number {
    int64_t number;
    uint32_t item;
};
static int compare_numbers(const void *a, const void *b) {
    const struct keyed_number *x = a;
    const struct keyed_number *y = b;
    int order = (x->number > y->number) - (x->number < y->number);
    return order != 0 ? order : (x->item > y->item) - (x->item < y->item);
}

void ql_number_codes_make(struct ql_number_codes *codes, int64_t *numbers, size_t n, struct ql_arena *arena) {
    *codes = (struct ql_number_codes){.numbers = numbers, .code_of = ql_arena_alloc(arena, n * sizeof *codes->code_of)};
    struct keyed_number *keyed = ql_mem_realloc(NULL, n, sizeof *keyed);
    bool is_ascending = true;
    for (size_t i = 0; i < n; i++) {
        keyed[i] = (struct keyed_number){.number = numbers[i], .item = (uint32_t)i};
        is_ascending = is_ascending && (i == 0 || numbers[i - 1] <= numbers[i]);
    }
    if (!is_ascending) {
        qsort(keyed, n, sizeof *keyed, compare_numbers);
    }
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || keyed[i - 1].number != keyed[i].number) {
            numbers[codes->n_numbers++] = keyed[i].number;
        }
        codes->code_of[keyed[i].item] = (uint32_t)(codes->n_numbers - 1);
    }
    ql_mem_free(keyed);
}

struct ql_str ql_interval_text(const struct ql_shape *shape, size_t interval, char buffer[QL_INTERVAL_TEXT_SIZE]) {
    const struct ql_grid *grid = shape->grid;
    if (shape->options.is_pandas && grid->interval_texts != NULL && grid->interval_texts[interval].len != 0) {
        return grid->interval_texts[interval];
    }
    size_t len = ql_time_format(grid->intervals[interval].start_us, buffer);
    buffer[len++] = '/';
    len += ql_time_format(grid->intervals[interval].end_us, buffer + len);
    return (struct ql_str){.ptr = buffer, .len = len};
}

static void make_texts(struct ql_group *group) {
    struct ql_str *texts = ql_arena_alloc(&group->arena, group->n_intervals * sizeof *texts);
    for (size_t i = 0; i < group->n_intervals; i++) {
        char buffer[QL_INTERVAL_TEXT_SIZE];
        texts[i] = ql_interval_text(&group->writer->shape, group->first_interval + i, buffer);
        if (texts[i].ptr == buffer) {
            texts[i].ptr = ql_arena_copy(&group->arena, buffer, texts[i].len);
        }
    }
    ql_text_codes_make(&group->texts, texts, group->n_intervals, &group->arena);
}

static void make_times(struct ql_group *group, bool is_end, struct ql_number_codes *codes) {
    const struct ql_interval *intervals = group->writer->shape.grid->intervals + group->first_interval;
    int64_t *numbers = ql_arena_alloc(&group->arena, group->n_intervals * sizeof *numbers);
    for (size_t i = 0; i < group->n_intervals; i++) {
        numbers[i] = is_end ? intervals[i].end_us : intervals[i].start_us;
    }
    ql_number_codes_make(codes, numbers, group->n_intervals, &group->arena);
}

void ql_group_make_intervals(struct ql_group *group) {
    const struct ql_shape *shape = &group->writer->shape;
    for (size_t f = 0; f < shape->n_fixed; f++) {
        switch (shape->fixed[f]) {
        case QL_FIXED_INTERVAL_TEXT:
            make_texts(group);
            break;
        case QL_FIXED_INTERVAL_START:
            make_times(group, false, &group->starts);
            break;
        case QL_FIXED_INTERVAL_END:
            make_times(group, true, &group->ends);
            break;
        default:
            break;
        }
    }
}
