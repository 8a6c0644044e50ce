/*
 * Decimal text taken apart into sign, significant digits and scale, without a limit on digits (a scale beyond 18, 20 digits and
 * more, exponents): the numbers that a batch of rows hands on as text because they are no int64 at its scale.
 */
#include "pivot/exact.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Moves *at over a run of digits; its length. */
static size_t skip_digits(struct ql_str text, size_t *at) {
    size_t begin = *at;
    while (*at < text.len && is_digit(text.ptr[*at])) {
        (*at)++;
    }
    return *at - begin;
}

/* The exponent from at to the end of the text, held within a billion: far beyond every magnitude that is told apart. */
static bool parse_exponent(struct ql_str text, size_t at, int64_t *exponent) {
    const int64_t max = 1000000000;
    *exponent = 0;
    if (at == text.len) {
        return true;
    }
    if (text.ptr[at] != 'e' && text.ptr[at] != 'E') {
        return false;
    }
    at++;
    bool is_negative = at < text.len && text.ptr[at] == '-';
    at += at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+');
    size_t begin = at;
    for (; at < text.len && is_digit(text.ptr[at]); at++) {
        *exponent = *exponent < max ? *exponent * 10 + (text.ptr[at] - '0') : max;
    }
    *exponent = is_negative ? -*exponent : *exponent;
    return at == text.len && at != begin;
}

/* Sets digits, n_digits and scale from text[begin, end) = digits[.digits], n_fraction of them behind the point. */
static void trim_zeros(struct ql_str text, size_t begin, size_t end, size_t n_fraction, struct ql_decimal *decimal) {
    int64_t scale = (int64_t)n_fraction;
    bool has_point = false; /* within [begin, end) from here on */
    for (size_t i = begin; i < end; i++) {
        has_point = has_point || text.ptr[i] == '.';
    }
    while (begin < end && (text.ptr[begin] == '0' || text.ptr[begin] == '.')) {
        has_point = has_point && text.ptr[begin] != '.';
        begin++;
    }
    while (end > begin && (text.ptr[end - 1] == '0' || text.ptr[end - 1] == '.')) {
        if (text.ptr[end - 1] == '0') {
            scale--; /* before the point it goes below zero: 1200 is 12 at scale -2 */
        } else {
            has_point = false;
        }
        end--;
    }
    decimal->digits = (struct ql_str){.ptr = text.ptr + begin, .len = end - begin};
    decimal->n_digits = end - begin - (has_point ? 1 : 0);
    decimal->scale = scale;
}

bool ql_decimal_parse(struct ql_str text, struct ql_decimal *decimal) {
    *decimal = (struct ql_decimal){.is_negative = text.len != 0 && text.ptr[0] == '-'};
    size_t begin = decimal->is_negative ? 1 : 0;
    size_t at = begin;
    size_t n_fraction = 0;
    if (skip_digits(text, &at) == 0) {
        return false;
    }
    if (at < text.len && text.ptr[at] == '.') {
        at++;
        n_fraction = skip_digits(text, &at);
        if (n_fraction == 0) {
            return false;
        }
    }
    int64_t exponent;
    if (!parse_exponent(text, at, &exponent)) {
        return false;
    }
    trim_zeros(text, begin, at, n_fraction, decimal);
    decimal->scale -= exponent;
    /* The number is in [10^(magnitude - 1), 10^magnitude). */
    int64_t magnitude = (int64_t)decimal->n_digits - decimal->scale;
    if (decimal->n_digits == 0 || magnitude <= -QL_DECIMAL_MAX_MAGNITUDE) {
        *decimal = (struct ql_decimal){.digits = {.ptr = text.ptr, .len = 0}};
        return true;
    }
    return magnitude <= QL_DECIMAL_MAX_MAGNITUDE;
}

bool ql_decimal_to_i64(const struct ql_decimal *decimal, int64_t *k) {
    if (decimal->n_digits > QL_POW10_U64_MAX) {
        return false;
    }
    uint64_t value = 0; /* 19 digits fit 64 bits */
    for (size_t i = 0; i < decimal->digits.len; i++) {
        if (decimal->digits.ptr[i] != '.') {
            value = value * 10 + (uint64_t)(decimal->digits.ptr[i] - '0');
        }
    }
    if (value > (uint64_t)INT64_MAX) {
        return false;
    }
    *k = decimal->is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}
