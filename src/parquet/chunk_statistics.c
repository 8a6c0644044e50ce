/*
 * Statistics under TYPE_ORDER (parquet.thrift, ColumnOrder): readers skip row groups and pages by them, so a wrong bound loses
 * rows without a sound. Hence bounds only where every value is known to lie between them: none where NaN is about, and for long
 * strings bounds instead of values. The is_exact flags stay unwritten: DuckDB 1.5 answered MIN and MAX from cut bounds.
 */
#include "parquet/chunk_statistics.h"

/* What stands in order of the values only when it is looked up: strings and numbers by code. */
static struct ql_range range_of_codes(const struct ql_chunk_values *values, size_t from, size_t to) {
    uint64_t first = ql_chunk_value(values, from);
    struct ql_range range = {.has_any = true, .min = first, .max = first};
    for (size_t i = from + 1; i < to; i++) {
        uint64_t value = ql_chunk_value(values, i);
        range.min = ql_chunk_value_is_less(values, value, range.min) ? value : range.min;
        range.max = ql_chunk_value_is_less(values, range.max, value) ? value : range.max;
    }
    return range;
}

struct ql_range ql_range_of(const struct ql_chunk_values *values, size_t from, size_t to) {
    if (from == to) {
        return (struct ql_range){0};
    }
    const struct ql_kernels *kernels = values->kernels;
    struct ql_range range = {.has_any = true};
    switch (values->form) {
    case QL_COLUMN_CODED:
        return range_of_codes(values, from, to);
    case QL_COLUMN_SCALED: {
        struct ql_range_i32 k = kernels->range_i32((const void *)(values->narrow + from), to - from);
        range.min = ql_chunk_value_of_narrow(values, (uint32_t)k.min);
        range.max = ql_chunk_value_of_narrow(values, (uint32_t)k.max);
        return range;
    }
    case QL_COLUMN_VALUES:
        break;
    }
    if (values->type == QL_COLUMN_DOUBLE) {
        kernels->range_f64(values->bits + from, to - from, &range.min, &range.max);
    } else {
        struct ql_range_i64 numbers = kernels->range_i64((const int64_t *)values->bits + from, to - from);
        range.min = (uint64_t)numbers.min;
        range.max = (uint64_t)numbers.max;
    }
    return range;
}

struct ql_range ql_range_of_entries(const struct ql_chunk_dictionary *dictionary, struct ql_range_u32 used) {
    return (struct ql_range){.has_any = true, .min = dictionary->entries[used.min], .max = dictionary->entries[used.max]};
}

void ql_range_add(struct ql_range *range, struct ql_range other, const struct ql_chunk_values *values) {
    if (!other.has_any || !range->has_any) {
        *range = other.has_any ? other : *range;
        return;
    }
    range->min = ql_chunk_value_is_less(values, other.min, range->min) ? other.min : range->min;
    range->max = ql_chunk_value_is_less(values, range->max, other.max) ? other.max : range->max;
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The longest prefix of whole code points within the limit. */
static size_t cut_length(struct ql_str s) {
    if (s.len <= QL_BOUND_SIZE_MAX) {
        return s.len;
    }
    size_t len = QL_BOUND_SIZE_MAX;
    while (len > 0 && is_continuation(s.ptr[len])) {
        len--;
    }
    return len;
}

/* Raises the code point in p[0, n) to the next one that takes as many bytes; false if there is none. */
static bool raise_code_point(unsigned char *p, size_t n) {
    /* First and last code point of each length; surrogates are none and are stepped over. */
    static const uint32_t LAST[] = {0, 0x7f, 0x7ff, 0xffff, 0x10ffff};
    static const unsigned char LEAD[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    static const unsigned char LEAD_MASK[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (n == 0 || n > 4) {
        return false; /* no UTF-8 */
    }
    uint32_t c = p[0] & LEAD_MASK[n];
    for (size_t i = 1; i < n; i++) {
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c >= LAST[n]) {
        return false;
    }
    c = c == 0xd7ff ? 0xe000 : c + 1;
    for (size_t i = n - 1; i > 0; i--) {
        p[i] = (unsigned char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    p[0] = (unsigned char)(LEAD[n] | c);
    return true;
}

/* The least string of at most len bytes above everything that begins with p[0, len): its length, or 0 if there is none. */
static size_t raise_prefix(unsigned char *p, size_t len) {
    while (len > 0) {
        size_t start = len - 1;
        while (start > 0 && is_continuation((char)p[start])) {
            start--;
        }
        if (raise_code_point(p + start, len - start)) {
            return len;
        }
        len = start;
    }
    return 0;
}

static struct ql_bounds bounds_of_strings(struct ql_str min, struct ql_str max, struct ql_arena *arena) {
    struct ql_bounds bounds = {0};
    size_t min_len = cut_length(min);
    bounds.min = (struct ql_str){.ptr = ql_arena_copy(arena, min.ptr, min_len), .len = min_len};
    size_t max_len = cut_length(max);
    char *copy = ql_arena_copy(arena, max.ptr, max_len);
    if (max_len < max.len) {
        max_len = raise_prefix((unsigned char *)copy, max_len);
        if (max_len == 0) {
            return bounds;
        }
    }
    bounds.max = (struct ql_str){.ptr = copy, .len = max_len};
    return bounds;
}

static struct ql_str copy_number(uint64_t raw, struct ql_arena *arena) {
    return (struct ql_str){.ptr = ql_arena_copy(arena, (const char *)&raw, sizeof raw), .len = sizeof raw};
}

struct ql_bounds ql_bounds_of(struct ql_range range, const struct ql_chunk_values *values, struct ql_arena *arena) {
    if (!range.has_any || values->n_nan != 0) {
        return (struct ql_bounds){0};
    }
    if (values->type == QL_COLUMN_STRING) {
        return bounds_of_strings(values->dict[range.min], values->dict[range.max], arena);
    }
    if (values->type == QL_COLUMN_DOUBLE) {
        /* Both zeros compare equal, so a reader may hold either against a bound. */
        range.min = ql_double_of_bits(range.min) == 0.0 ? ql_bits_of_double(-0.0) : range.min;
        range.max = ql_double_of_bits(range.max) == 0.0 ? ql_bits_of_double(0.0) : range.max;
    }
    return (struct ql_bounds){.min = copy_number(range.min, arena), .max = copy_number(range.max, arena)};
}

static uint64_t number_of(struct ql_str bound) {
    uint64_t raw = 0;
    memcpy(&raw, bound.ptr, sizeof raw);
    return raw;
}

int ql_bound_cmp(enum ql_column_type type, struct ql_str a, struct ql_str b) {
    if (type == QL_COLUMN_STRING) {
        return ql_str_cmp(a, b);
    }
    if (type == QL_COLUMN_DOUBLE) {
        double x = ql_double_of_bits(number_of(a));
        double y = ql_double_of_bits(number_of(b));
        return (x > y) - (x < y);
    }
    int64_t x = (int64_t)number_of(a);
    int64_t y = (int64_t)number_of(b);
    return (x > y) - (x < y);
}
