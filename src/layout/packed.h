/**
 * Values of one column of one part, as narrow as all of them allow: 1, 2 or 4 bytes each where they are integers, or doubles
 * that are exactly integers at a decimal scale; else the 8 bytes that they were.
 */
#ifndef QL_LAYOUT_PACKED_H
#define QL_LAYOUT_PACKED_H

#include "table/column.h"

#include <stdbool.h>

enum ql_packed_kind {
    QL_PACKED_INT64,
    QL_PACKED_DOUBLE,
    QL_PACKED_DECIMAL /* given as doubles, kept as integers at a scale that is told */
};

struct ql_packed {
    enum ql_packed_kind kind;
    uint8_t width;        /* bytes a value; 8: as it was, an int64 or a double (DECIMAL: an int64) */
    uint8_t scale;        /* of integers that stand for doubles; width 8 of a DOUBLE: 0 */
    bool has_null;        /* below width 8 the least integer stands for NULL */
    int32_t min_k, max_k; /* below width 8: the least and the greatest that is no NULL; min_k > max_k: all are NULL */
    const void *values;
};

/** Values that are packed alike: of the cells, and those that stand for the others. int64 or double: 8 bytes each. */
struct ql_packed_input {
    const void *cells;
    size_t n_cells;
    const void *others;
    size_t n_others;
    /* DOUBLE: the scale of the cells, or QL_CELL_SCALE_UNKNOWN. DECIMAL: the scale to use. */
    int scale;
    int first_scale; /* DOUBLE: where scales are tried from, if none is known or the others need more */
};

/** Chooses width and scale (all but range and values). False: DECIMAL, and a value is infinite or has 18 digits and more. */
bool ql_packed_choose(struct ql_packed *packed, enum ql_packed_kind kind, const struct ql_packed_input *input);
/** Writes n values as chosen to out, n * width bytes. What does not fit the choice becomes something or other. */
void ql_packed_write(const struct ql_packed *packed, const void *values, size_t n, void *out);
/** Points packed at n written values and looks for their range. */
void ql_packed_set_values(struct ql_packed *packed, const void *values, size_t n);
/*
 * Out of packed values again, from `first` on. Those that are NULL become something or other; `step` is how far apart the
 * results are.
 */
/** Below width 8: k * factor, which fits. */
void ql_packed_get_k(const struct ql_packed *packed, size_t first, size_t n, int32_t factor, size_t step, int32_t *out);
/** INT64 and DECIMAL. */
void ql_packed_get_i64(const struct ql_packed *packed, size_t first, size_t n, int64_t *out);
/** INT64 and DOUBLE. */
void ql_packed_get_f64(const struct ql_packed *packed, size_t first, size_t n, size_t step, double *out);
/** 1, or 0 for NULL; returns how many are NULL. */
size_t ql_packed_get_valid(const struct ql_packed *packed, size_t first, size_t n, size_t step, uint8_t *out);

#endif
