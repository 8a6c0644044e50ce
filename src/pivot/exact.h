/**
 * Exact decimals of any size: signed big integers at a decimal scale. The slow path behind the 128-bit one of pivot/ratio.h.
 *
 * A number is +-magnitude / 10^scale (scale may be negative). Zero-initialise to start; fini frees, and is safe on a zeroed
 * one. Cost: addition and comparison are linear in the digits of the wider of two scales, multiplication and quotients
 * quadratic.
 */
#ifndef QL_PIVOT_EXACT_H
#define QL_PIVOT_EXACT_H

#include "base/str.h"
#include "pivot/ratio.h"

struct ql_exact {
    uint64_t *limb; /* [n], least significant first; the last one is not 0; zero has none */
    size_t n, cap;
    int64_t scale;
    bool is_negative; /* false for zero */
};

void ql_exact_fini(struct ql_exact *x);
void ql_exact_set(struct ql_exact *x, ql_i128 value, int64_t scale);
/** From decimal text as read by ql_decimal_parse; false where that one says so. */
bool ql_exact_set_text(struct ql_exact *x, struct ql_str text);
void ql_exact_copy(struct ql_exact *x, const struct ql_exact *from);
/** x += y */
void ql_exact_add(struct ql_exact *x, const struct ql_exact *y);
/** product = a * b; product is neither of them. */
void ql_exact_mul(struct ql_exact *product, const struct ql_exact *a, const struct ql_exact *b);
int ql_exact_cmp(const struct ql_exact *a, const struct ql_exact *b);
/** num / den to the nearest double, ties to even, subnormals included; false if it is beyond DBL_MAX. den is not 0. */
bool ql_exact_div_to_double(const struct ql_exact *num, const struct ql_exact *den, double *value);
/** num / den to the nearest integer, ties to even; false unless INT64_MIN < result <= INT64_MAX. den is not 0. */
bool ql_exact_div_to_i64(const struct ql_exact *num, const struct ql_exact *den, int64_t *value);

/** A decimal as written, taken apart: value = +-digits / 10^scale. */
struct ql_decimal {
    struct ql_str digits; /* from the first digit that is not 0 to the last; may hold the point */
    size_t n_digits;      /* 0: the number is zero */
    int64_t scale;
    bool is_negative;
};

/* A double holds nothing above 10^309 and nothing but zero below 10^-324. */
enum { QL_DECIMAL_MAX_MAGNITUDE = 400 };

/**
 * Reads `-?digits[.digits][e[+-]digits]`; false if the text is not that, or is 10^400 or more. What is below 10^-400 is zero,
 * as it is for strtod, so that an exponent of a few characters cannot ask for a number of many megabytes.
 */
bool ql_decimal_parse(struct ql_str text, struct ql_decimal *decimal);
/** The digits as an integer, with the sign; false if that is no int64 above INT64_MIN. */
bool ql_decimal_to_i64(const struct ql_decimal *decimal, int64_t *k);

#endif
