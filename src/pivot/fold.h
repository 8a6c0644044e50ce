/** The rows of a cell become one value, exactly, rounded once (semantics, section 3). */
#ifndef QL_PIVOT_FOLD_H
#define QL_PIVOT_FOLD_H

#include "pivot/exact.h"
#include "pivot/slots.h"
#include "table/aggregate.h"
#include "table/cells.h"

/** A column whose slots are in order of the cells. */
struct ql_fold_rows {
    const int64_t *slot; /* NULL: no column */
    const struct ql_slot_column *column;
};

struct ql_fold_input {
    enum ql_agg agg;
    struct ql_fold_rows values, weights; /* weights: of MEAN and RATIO; none for the plain mean */
};

/** Numbers that outlive a cell only as memory. Zero-initialise to start. */
struct ql_fold_scratch {
    struct ql_exact value, weight, product, sum, sum_of_weights, sum_of_products;
};
void ql_fold_scratch_fini(struct ql_fold_scratch *scratch);

/** A cell's exact value before it is rounded. */
struct ql_fold_result {
    enum { QL_FOLD_NULL, QL_FOLD_RATIO, QL_FOLD_EXACT } kind;
    ql_i128 num, den;             /* RATIO: num / den, den > 0 */
    const struct ql_exact *n, *d; /* EXACT: n / d; in scratch, until the next fold */
};

/** Folds rows [begin, end); their order has no influence. */
void ql_fold(const struct ql_fold_input *input, size_t begin, size_t end, struct ql_fold_scratch *scratch,
             struct ql_fold_result *result);

/**
 * Folds cells of one row each, rows [begin, begin + n), as long as a value needs nothing but one rounding of two doubles or
 * none, and stores them; how many cells that were (the next one is for ql_fold). values: int64_t or double, by type.
 */
size_t ql_fold_singles(const struct ql_fold_input *input, size_t begin, size_t n, enum ql_cell_type type, void *values);

/** Nearest double, ties to even; NaN for NULL. False: beyond DBL_MAX. */
bool ql_fold_to_double(const struct ql_fold_result *result, double *value);
/** Nearest integer, ties to even; QL_CELL_NULL_I64 for NULL. False: not in (INT64_MIN, INT64_MAX]. */
bool ql_fold_to_i64(const struct ql_fold_result *result, int64_t *value);

#endif
