/**
 * Decimal rounding of doubles, the same on every machine: no fused multiply-add (-ffp-contract=off), no power function, only
 * scale factors that a double holds exactly.
 *
 * "Round half to even" is of the scaled double, not of the decimal that people see: 2.675 * 100 is 267.5 in doubles, so it
 * becomes 2.68, as in NumPy. From 2^53 on a scaled double has no fraction that could be rounded away, and unscaling would only
 * harm it.
 */
#include "kpi/round.h"

#include <math.h>

static const double TEN_TO[QL_ROUND_MAX_DIGITS + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
#define TWO_TO_53 9007199254740992.0
#define TWO_TO_52 4503599627370496.0

/*
 * rint() for what follows here, which looks neither at the sign of a zero nor at results from 2^53 on: where doubles have a
 * fraction, adding 2^52 rounds it away, half to even. Unlike the function it needs no instruction beyond addition, so that
 * loops are vectorised on every machine.
 */
static inline double round_half_even(double x) {
    double offset = copysign(TWO_TO_52, x);
    double rounded = (x + offset) - offset;
    return fabs(x) < TWO_TO_52 ? rounded : x;
}

double ql_round_scale(int digits) {
    return TEN_TO[digits];
}

void ql_round_values(const double *in, size_t n, int digits, double *out) {
    if (digits >= 0) {
        const double scale = TEN_TO[digits];
        for (size_t i = 0; i < n; i++) {
            double scaled = in[i] * scale;
            double rounded = round_half_even(scaled) / scale;
            /* A NaN compares false and stays; adding 0.0 turns -0.0 into 0.0 and leaves every other value. */
            out[i] = (fabs(scaled) < TWO_TO_53 ? rounded : in[i]) + 0.0;
        }
        return;
    }
    const double scale = TEN_TO[-digits];
    for (size_t i = 0; i < n; i++) {
        double scaled = in[i] / scale;
        double rounded = round_half_even(scaled) * scale;
        out[i] = (fabs(scaled) < TWO_TO_53 ? rounded : in[i]) + 0.0;
    }
}

void ql_round_drop_negative_zero(double *values, size_t n) {
    for (size_t i = 0; i < n; i++) {
        values[i] += 0.0;
    }
}
