/**
 * Exact fractions of two 128-bit integers, rounded once: the path that nearly every cell takes. What does not fit 128 bits
 * goes through pivot/exact.h, with the same results.
 */
#ifndef QL_PIVOT_RATIO_H
#define QL_PIVOT_RATIO_H

#include <stdbool.h>
#include <stdint.h>

/* Not in ISO C; gcc and clang have both on every 64-bit machine. */
__extension__ typedef __int128 ql_i128;
__extension__ typedef unsigned __int128 ql_u128;

enum { QL_POW10_U64_MAX = 19, QL_POW10_I128_MAX = 38 };
/** 10^n, n from 0 to QL_POW10_U64_MAX. */
uint64_t ql_pow10_u64(unsigned n);
/** 10^n, n from 0 to QL_POW10_I128_MAX. */
ql_i128 ql_pow10_i128(unsigned n);

/** As ql_ratio_to_double, for any size. */
double ql_ratio_to_double_wide(ql_i128 num, ql_i128 den);
/** num / den to the nearest double, ties to even. den > 0, num > -2^127. */
static inline double ql_ratio_to_double(ql_i128 num, ql_i128 den) {
    const ql_i128 max = (ql_i128)1 << 53;
    if (num >= -max && num <= max && den <= max) {
        return (double)(int64_t)num / (double)(int64_t)den; /* both are doubles, and their quotient is correctly rounded */
    }
    return ql_ratio_to_double_wide(num, den);
}
/** num / den to the nearest integer, ties to even; false unless INT64_MIN < result (INT64_MIN means NULL in a cell). den > 0,
 * num > -2^127. */
bool ql_ratio_to_i64(ql_i128 num, ql_i128 den, int64_t *value);

/**
 * bits * 2^exp2 to the nearest double, ties to even, subnormals included; INFINITY if it is beyond. is_inexact: the true value
 * lies strictly between bits and bits + 1; bits then has at least 55 significant bits, so that the rounding cannot see past
 * them.
 */
double ql_round_to_double(uint64_t bits, int64_t exp2, bool is_inexact);

#endif
