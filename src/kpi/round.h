/** Rounding as the last step of a value, and inside expressions (semantics, section 4). */
#ifndef QL_KPI_ROUND_H
#define QL_KPI_ROUND_H

#include <stddef.h>

enum { QL_ROUND_MAX_DIGITS = 15 };

/**
 * Rounds as NumPy's round does: scale by 10^digits, round half to even, unscale. A value whose scaled size is 2^53 or more
 * stays as it is, NaN stays NaN, -0.0 becomes 0.0. digits is -15 to 15; out may be in.
 */
void ql_round_values(const double *in, size_t n, int digits, double *out);
/** -0.0 becomes 0.0; nothing else changes. */
void ql_round_drop_negative_zero(double *values, size_t n);
/** 10^digits, 0 to 15. */
double ql_round_scale(int digits);

#endif
