/*
 * Rounding of exact fractions (semantics, section 3: exact, and rounded once).
 *
 * A fraction of two integers up to 2^53 is one division: both are doubles, and IEEE 754 rounds the quotient of two doubles
 * correctly. Beyond that a 128-bit division gives the leading 55 or 56 bits of the quotient and whether anything follows them,
 * which is all that rounding to 53 bits can ask; and where even that does not fit, the big integers of exact.c do the same.
 */
#include "pivot/ratio.h"

#include "pivot/exact.h"

#include <math.h>

static const uint64_t POW10[QL_POW10_U64_MAX + 1] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

uint64_t ql_pow10_u64(unsigned n) {
    return POW10[n];
}

ql_i128 ql_pow10_i128(unsigned n) {
    return n <= QL_POW10_U64_MAX ? (ql_i128)POW10[n] : (ql_i128)POW10[QL_POW10_U64_MAX] * (ql_i128)POW10[n - QL_POW10_U64_MAX];
}

static int bit_length_u64(uint64_t x) {
    return x == 0 ? 0 : 64 - __builtin_clzll(x);
}

static int bit_length_u128(ql_u128 x) {
    uint64_t high = (uint64_t)(x >> 64);
    return high != 0 ? 64 + bit_length_u64(high) : bit_length_u64((uint64_t)x);
}

double ql_round_to_double(uint64_t bits, int64_t exp2, bool is_inexact) {
    int len = bit_length_u64(bits);
    /* The value is in [2^top, 2^(top + 1)). A normal double has 53 bits; below 2^-1022 the last bit stays at 2^-1074. */
    int64_t top = exp2 + len - 1;
    int64_t precision = top >= -1022 ? 53 : 53 + 1022 + top;
    if (bits == 0 || precision < 0) {
        return 0.0; /* below half of the smallest subnormal */
    }
    if (top > 1023) {
        return (double)INFINITY;
    }
    int drop = len - (int)precision;
    if (drop <= 0) {
        return ldexp((double)bits, (int)exp2); /* has all its bits: exact */
    }
    uint64_t kept = drop == 64 ? 0 : bits >> drop;
    uint64_t rest = drop == 64 ? bits : bits & ((UINT64_C(1) << drop) - 1);
    uint64_t half = UINT64_C(1) << (drop - 1);
    if (rest > half || (rest == half && (is_inexact || (kept & 1) != 0))) {
        kept++;
    }
    return ldexp((double)kept, (int)exp2 + drop); /* kept has at most `precision` bits (or is the next power of two): exact */
}

static double divide_wide(ql_u128 num, ql_u128 den) {
    if (num == 0) {
        return 0.0;
    }
    int shift = 55 - (bit_length_u128(num) - bit_length_u128(den)); /* num * 2^shift / den is in (2^54, 2^56) */
    if (shift > 0 && bit_length_u128(num) + shift > 128) {
        struct ql_exact n = {0};
        struct ql_exact d = {0};
        ql_exact_set(&n, (ql_i128)num, 0);
        ql_exact_set(&d, (ql_i128)den, 0);
        double value = 0;
        (void)ql_exact_div_to_double(&n, &d, &value); /* below 2^127: cannot overflow */
        ql_exact_fini(&n);
        ql_exact_fini(&d);
        return value;
    }
    /* Shifting den to the left makes it bit_length(num) - 55 bits long. */
    num = shift > 0 ? num << shift : num;
    den = shift < 0 ? den << -shift : den;
    uint64_t bits = (uint64_t)(num / den);
    return ql_round_to_double(bits, -(int64_t)shift, (ql_u128)bits * den != num);
}

double ql_ratio_to_double_wide(ql_i128 num, ql_i128 den) {
    return num < 0 ? -divide_wide((ql_u128)-num, (ql_u128)den) : divide_wide((ql_u128)num, (ql_u128)den);
}

bool ql_ratio_to_i64(ql_i128 num, ql_i128 den, int64_t *value) {
    if (den == 1) { /* nearly always: counts */
        *value = (int64_t)num;
        return num > INT64_MIN && num <= INT64_MAX;
    }
    bool is_negative = num < 0;
    ql_u128 n = is_negative ? (ql_u128)-num : (ql_u128)num;
    ql_u128 d = (ql_u128)den;
    ql_u128 quotient = n / d;
    ql_u128 rest = n % d;
    ql_u128 gap = d - rest; /* to the next integer */
    if (rest > gap || (rest == gap && (quotient & 1) != 0)) {
        quotient++;
    }
    if (quotient > (ql_u128)INT64_MAX) {
        return false;
    }
    *value = is_negative ? -(int64_t)quotient : (int64_t)quotient;
    return true;
}
