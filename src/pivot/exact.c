/*
 * Signed big integers at a decimal scale: what sums, products and means are made of where 128 bits are not enough (numbers of
 * 17 and more digits, exponents, huge weights).
 *
 * Chosen for being plainly right, not for speed: schoolbook multiplication, and a quotient bit by bit. A quotient is asked for
 * 64 bits at most, since 55 and the knowledge whether anything follows decide the rounding to a double; so no general long
 * division is needed. Magnitudes are 64-bit limbs, least significant first, without leading zero limbs.
 */
#include "pivot/exact.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

void ql_exact_fini(struct ql_exact *x) {
    ql_mem_free(x->limb);
    *x = (struct ql_exact){0};
}

static void trim(struct ql_exact *x) {
    while (x->n != 0 && x->limb[x->n - 1] == 0) {
        x->n--;
    }
    x->is_negative = x->is_negative && x->n != 0;
}

static void push_limb(struct ql_exact *x, uint64_t limb) {
    QL_MEM_GROW(x->limb, x->cap, x->n + 1);
    x->limb[x->n++] = limb;
}

void ql_exact_set(struct ql_exact *x, ql_i128 value, int64_t scale) {
    ql_u128 magnitude = value < 0 ? (ql_u128)0 - (ql_u128)value : (ql_u128)value;
    x->n = 0;
    push_limb(x, (uint64_t)magnitude);
    push_limb(x, (uint64_t)(magnitude >> 64));
    x->scale = scale;
    x->is_negative = value < 0;
    trim(x);
}

void ql_exact_copy(struct ql_exact *x, const struct ql_exact *from) {
    QL_MEM_GROW(x->limb, x->cap, from->n);
    if (from->n != 0) {
        memcpy(x->limb, from->limb, from->n * sizeof *x->limb);
    }
    x->n = from->n;
    x->scale = from->scale;
    x->is_negative = from->is_negative;
}

/* magnitude = magnitude * factor + addend; the scale stays. */
static void mul_add_small(struct ql_exact *x, uint64_t factor, uint64_t addend) {
    uint64_t carry = addend;
    for (size_t i = 0; i < x->n; i++) {
        ql_u128 product = (ql_u128)x->limb[i] * factor + carry;
        x->limb[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    if (carry != 0) {
        push_limb(x, carry);
    }
}

/* magnitude *= 10^n; the scale stays. */
static void mul_pow10(struct ql_exact *x, uint64_t n) {
    for (; n > QL_POW10_U64_MAX && x->n != 0; n -= QL_POW10_U64_MAX) {
        mul_add_small(x, ql_pow10_u64(QL_POW10_U64_MAX), 0);
    }
    if (x->n != 0) {
        mul_add_small(x, ql_pow10_u64((unsigned)n), 0);
    }
}

bool ql_exact_set_text(struct ql_exact *x, struct ql_str text) {
    struct ql_decimal decimal;
    if (!ql_decimal_parse(text, &decimal)) {
        return false;
    }
    x->n = 0;
    x->scale = decimal.scale;
    x->is_negative = decimal.is_negative;
    uint64_t part = 0; /* of up to 19 digits */
    unsigned n = 0;
    for (size_t i = 0; i < decimal.digits.len; i++) {
        if (decimal.digits.ptr[i] == '.') {
            continue;
        }
        part = part * 10 + (uint64_t)(decimal.digits.ptr[i] - '0');
        if (++n == QL_POW10_U64_MAX) {
            mul_add_small(x, ql_pow10_u64(n), part);
            part = 0;
            n = 0;
        }
    }
    mul_add_small(x, ql_pow10_u64(n), part);
    trim(x);
    return true;
}

static int cmp_magnitude(const struct ql_exact *a, const struct ql_exact *b) {
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }
    for (size_t i = a->n; i-- != 0;) {
        if (a->limb[i] != b->limb[i]) {
            return a->limb[i] < b->limb[i] ? -1 : 1;
        }
    }
    return 0;
}

/* |x| += |y| */
static void add_magnitude(struct ql_exact *x, const struct ql_exact *y) {
    uint64_t carry = 0;
    for (size_t i = 0; i < y->n || carry != 0; i++) {
        if (i == x->n) {
            push_limb(x, 0);
        }
        ql_u128 sum = (ql_u128)x->limb[i] + (i < y->n ? y->limb[i] : 0) + carry;
        x->limb[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
}

/* |x| -= |y|, where |x| >= |y| */
static void sub_magnitude(struct ql_exact *x, const struct ql_exact *y) {
    uint64_t borrow = 0;
    for (size_t i = 0; i < x->n && (i < y->n || borrow != 0); i++) { /* no borrow is left at the end */
        uint64_t less;
        bool under = __builtin_sub_overflow(x->limb[i], i < y->n ? y->limb[i] : 0, &less);
        under |= __builtin_sub_overflow(less, borrow, &less);
        x->limb[i] = less;
        borrow = under;
    }
    trim(x);
}

/* x += y at one scale. */
static void add_aligned(struct ql_exact *x, const struct ql_exact *y) {
    if (x->is_negative == y->is_negative || x->n == 0 || y->n == 0) {
        x->is_negative = x->n != 0 ? x->is_negative : y->is_negative;
        add_magnitude(x, y);
    } else if (cmp_magnitude(x, y) >= 0) {
        sub_magnitude(x, y);
    } else {
        struct ql_exact rest = {0};
        ql_exact_copy(&rest, y);
        sub_magnitude(&rest, x);
        ql_exact_copy(x, &rest);
        ql_exact_fini(&rest);
    }
}

/* Raises the scale without changing the value. */
static void rescale(struct ql_exact *x, int64_t scale) {
    mul_pow10(x, (uint64_t)(scale - x->scale));
    x->scale = scale;
}

void ql_exact_add(struct ql_exact *x, const struct ql_exact *y) {
    if (y->n == 0) {
        return;
    }
    if (x->n == 0) {
        ql_exact_copy(x, y);
    } else if (x->scale >= y->scale) {
        struct ql_exact finer = {0};
        ql_exact_copy(&finer, y);
        rescale(&finer, x->scale);
        add_aligned(x, &finer);
        ql_exact_fini(&finer);
    } else {
        rescale(x, y->scale);
        add_aligned(x, y);
    }
}

void ql_exact_mul(struct ql_exact *product, const struct ql_exact *a, const struct ql_exact *b) {
    product->n = 0;
    product->scale = a->scale + b->scale;
    product->is_negative = false;
    if (a->n == 0 || b->n == 0) {
        return;
    }
    QL_MEM_GROW(product->limb, product->cap, a->n + b->n);
    product->n = a->n + b->n;
    product->is_negative = a->is_negative != b->is_negative;
    memset(product->limb, 0, product->n * sizeof *product->limb);
    for (size_t i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < b->n; j++) {
            /* (2^64-1)^2 + 2 (2^64-1) = 2^128 - 1: fits. */
            ql_u128 sum = (ql_u128)a->limb[i] * b->limb[j] + product->limb[i + j] + carry;
            product->limb[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        product->limb[i + b->n] = carry;
    }
    trim(product);
}

int ql_exact_cmp(const struct ql_exact *a, const struct ql_exact *b) {
    struct ql_exact difference = {0};
    struct ql_exact minus_b = {0};
    ql_exact_copy(&difference, a);
    ql_exact_copy(&minus_b, b);
    minus_b.is_negative = b->n != 0 && !b->is_negative;
    ql_exact_add(&difference, &minus_b);
    int order = difference.n == 0 ? 0 : difference.is_negative ? -1 : 1;
    ql_exact_fini(&difference);
    ql_exact_fini(&minus_b);
    return order;
}

static int64_t bit_length(const struct ql_exact *x) {
    return x->n == 0 ? 0 : (int64_t)x->n * 64 - __builtin_clzll(x->limb[x->n - 1]);
}

static void shift_left(struct ql_exact *x, uint64_t n_bits) {
    if (x->n == 0 || n_bits == 0) {
        return;
    }
    size_t whole = n_bits / 64;
    unsigned part = n_bits % 64;
    QL_MEM_GROW(x->limb, x->cap, x->n + whole + 1);
    x->limb[x->n] = 0;
    for (size_t i = x->n + 1; i-- != 0;) { /* from the top, so that nothing is overwritten before it is read */
        uint64_t low = part != 0 && i != 0 ? x->limb[i - 1] >> (64 - part) : 0;
        x->limb[i + whole] = x->limb[i] << part | low;
    }
    memset(x->limb, 0, whole * sizeof *x->limb);
    x->n += whole + 1;
    trim(x);
}

/* Two magnitudes as integers whose quotient is |num / den|. */
struct division {
    struct ql_exact rest, divisor;
};

static void division_init(struct division *d, const struct ql_exact *num, const struct ql_exact *den) {
    *d = (struct division){0};
    ql_exact_copy(&d->rest, num);
    ql_exact_copy(&d->divisor, den);
    d->rest.is_negative = d->divisor.is_negative = false;
    if (num->scale < den->scale) {
        mul_pow10(&d->rest, (uint64_t)(den->scale - num->scale));
    } else {
        mul_pow10(&d->divisor, (uint64_t)(num->scale - den->scale));
    }
}

static void division_fini(struct division *d) {
    ql_exact_fini(&d->rest);
    ql_exact_fini(&d->divisor);
}

/* The next n_bits (64 at most) of rest / divisor, which is below 2; rest is left as twice the remainder. */
static uint64_t next_bits(struct division *d, int n_bits) {
    uint64_t bits = 0;
    for (int i = 0; i < n_bits; i++) {
        bits <<= 1;
        if (cmp_magnitude(&d->rest, &d->divisor) >= 0) {
            sub_magnitude(&d->rest, &d->divisor);
            bits |= 1;
        }
        shift_left(&d->rest, 1);
    }
    return bits;
}

bool ql_exact_div_to_double(const struct ql_exact *num, const struct ql_exact *den, double *value) {
    *value = 0;
    if (num->n == 0) {
        return true;
    }
    struct division d;
    division_init(&d, num, den);
    int64_t shift = bit_length(&d.rest) - bit_length(&d.divisor);
    shift_left(shift < 0 ? &d.rest : &d.divisor, (uint64_t)(shift < 0 ? -shift : shift));
    uint64_t bits = next_bits(&d, 64); /* of a quotient between 1/2 and 2: 63 or 64 significant ones */
    double magnitude = ql_round_to_double(bits, shift - 63, d.rest.n != 0);
    division_fini(&d);
    *value = num->is_negative != den->is_negative ? -magnitude : magnitude;
    return isfinite(magnitude);
}

bool ql_exact_div_to_i64(const struct ql_exact *num, const struct ql_exact *den, int64_t *value) {
    struct division d;
    division_init(&d, num, den);
    int64_t shift = bit_length(&d.rest) - bit_length(&d.divisor); /* the quotient is above 2^(shift - 1) */
    uint64_t bits = 0;
    if (shift >= 0 && shift <= 63) {
        shift_left(&d.divisor, (uint64_t)shift);
        bits = next_bits(&d, (int)shift + 1);
    } else {
        shift_left(&d.rest, 1);
    }
    int half = cmp_magnitude(&d.rest, &d.divisor); /* twice the remainder against the divisor */
    division_fini(&d);
    if (shift > 63 || bits > (uint64_t)INT64_MAX) { /* before the rounding, which could carry out of 64 bits */
        return false;
    }
    bits += half > 0 || (half == 0 && (bits & 1) != 0);
    if (bits > (uint64_t)INT64_MAX) {
        return false;
    }
    bool is_negative = num->is_negative != den->is_negative;
    *value = is_negative ? -(int64_t)bits : (int64_t)bits;
    return true;
}
