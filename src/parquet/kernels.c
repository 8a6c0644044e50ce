/*
 * Every loop is written once, without a branch on values, and compiled twice: the compiler vectorises it for the baseline of
 * the architecture and, on x86-64, for AVX2 with POPCNT. No fused multiply-add is ever used (-ffp-contract=off), so both forms
 * give the same bits.
 */
#include "parquet/kernels.h"

#include "codec/codec.h"
#include "cpu/cpu.h"
#include "parquet/crc32_clmul.h"

#include <string.h>

#define SCALED_MAX 0x1p51   /* |x * 10^scale| below: every integer and its half are doubles */
#define TO_INTEGER 0x1.8p52 /* added to |x| < 2^51 it leaves rint(x) in the lowest bits of the sum, which ascend with x */

enum { SCALED_BLOCK = 512 }; /* values that are looked at before the first that is none can end the work */

const double ql_powers_of_ten[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

#define INLINE static inline __attribute__((always_inline))

#define RANGE(name, type)                                                      \
    INLINE struct ql_range_##name range_##name(const type *values, size_t n) { \
        type min = values[0];                                                  \
        type max = values[0];                                                  \
        for (size_t i = 1; i < n; i++) {                                       \
            min = values[i] < min ? values[i] : min;                           \
            max = values[i] > max ? values[i] : max;                           \
        }                                                                      \
        return (struct ql_range_##name){.min = min, .max = max};               \
    }
RANGE(i64, int64_t)
RANGE(u32, uint32_t)
RANGE(i32, int32_t)

/* Its own inverse: the bits of a double as an integer of the same order. */
INLINE int64_t ordered(uint64_t bits) {
    return (int64_t)(bits ^ ((int64_t)bits < 0 ? (uint64_t)INT64_MAX : 0));
}

INLINE void range_f64(const uint64_t *bits, size_t n, uint64_t *min, uint64_t *max) {
    int64_t least = ordered(bits[0]);
    int64_t greatest = least;
    for (size_t i = 1; i < n; i++) {
        int64_t value = ordered(bits[i]);
        least = value < least ? value : least;
        greatest = value > greatest ? value : greatest;
    }
    *min = (uint64_t)ordered((uint64_t)least);
    *max = (uint64_t)ordered((uint64_t)greatest);
}

INLINE size_t count_nan(const uint64_t *bits, size_t n) {
    size_t n_nan = 0;
    for (size_t i = 0; i < n; i++) {
        n_nan += (int64_t)(bits[i] & (uint64_t)INT64_MAX) > INT64_C(0x7ff0000000000000);
    }
    return n_nan;
}

INLINE size_t count_nonzero(const uint8_t *bytes, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += bytes[i] != 0;
    }
    return count;
}

INLINE void narrow(const uint64_t *values, size_t n, uint64_t base, uint32_t *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint32_t)(values[i] - base);
    }
}

INLINE double double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INLINE void widen(const int32_t *k, size_t n, uint64_t *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint64_t)(int64_t)k[i];
    }
}

/* Both operands are exact, so the quotient is the nearest double. */
INLINE void unscale(const int32_t *k, size_t n, unsigned scale, uint64_t *out) {
    double divisor = ql_powers_of_ten[scale];
    for (size_t i = 0; i < n; i++) {
        out[i] = bits_of((double)k[i] / divisor);
    }
}

/* Widens *range, which is of the sums. */
INLINE bool scaled_block(const uint64_t *bits, size_t n, double power, uint32_t *low, struct ql_range_i64 *range) {
    uint64_t wrong = 0;
    int64_t min = range->min;
    int64_t max = range->max;
    for (size_t i = 0; i < n; i++) {
        double product = double_of(bits[i]) * power;
        double sum = product + TO_INTEGER;
        double again = (sum - TO_INTEGER) / power;
        int64_t k = (int64_t)bits_of(sum);
        wrong |= bits_of(again) ^ bits[i];
        wrong |= __builtin_fabs(product) < SCALED_MAX ? 0 : UINT64_C(1); /* NaN compares false */
        min = k < min ? k : min;
        max = k > max ? k : max;
        low[i] = (uint32_t)k; /* the lowest bits of TO_INTEGER's own are 0 */
    }
    *range = (struct ql_range_i64){.min = min, .max = max};
    return wrong == 0;
}

INLINE bool scaled(const uint64_t *bits, size_t n, unsigned scale, uint32_t *low, struct ql_range_i64 *range) {
    struct ql_range_i64 sums = {.min = INT64_MAX, .max = INT64_MIN};
    for (size_t i = 0; i < n; i += SCALED_BLOCK) {
        if (!scaled_block(bits + i, n - i < SCALED_BLOCK ? n - i : SCALED_BLOCK, ql_powers_of_ten[scale], low + i, &sums)) {
            return false;
        }
    }
    const int64_t zero = (int64_t)bits_of(TO_INTEGER);
    *range = (struct ql_range_i64){.min = sums.min - zero, .max = sums.max - zero};
    return true;
}

INLINE void subtract(const uint32_t *src, size_t n, uint32_t base, uint32_t *index) {
    for (size_t i = 0; i < n; i++) {
        index[i] = src[i] - base;
    }
}

INLINE void mark(const uint32_t *src, size_t n, uint32_t base, uint8_t *seen) {
#pragma GCC unroll 4
    for (size_t i = 0; i < n; i++) {
        seen[src[i] - base] = 1;
    }
}

INLINE void mark_bits(const uint32_t *src, size_t n, uint32_t base, uint64_t *bitmap) {
    for (size_t i = 0; i < n; i++) {
        uint32_t at = src[i] - base;
        bitmap[at / 64] |= UINT64_C(1) << at % 64;
    }
}

INLINE void gather_bits(const uint8_t *seen, size_t n_words, uint64_t *bitmap) {
    for (size_t w = 0; w < n_words; w++) {
        uint64_t word = 0;
        for (size_t b = 0; b < 8; b++) {
            uint64_t eight;
            memcpy(&eight, seen + w * 64 + b * 8, sizeof eight);
            /* Byte i of eight goes to bit 56 + i: the products do not meet, each byte being 0 or 1. */
            word |= (eight * UINT64_C(0x0102040810204080) >> 56) << (8 * b);
        }
        bitmap[w] = word;
    }
}

INLINE size_t rank_words(const uint64_t *bitmap, size_t n_words, uint32_t *rank) {
    size_t n = 0;
    for (size_t w = 0; w < n_words; w++) {
        rank[w] = (uint32_t)n;
        n += (size_t)__builtin_popcountll(bitmap[w]);
    }
    return n;
}

INLINE void look_up(const uint32_t *src, size_t n, uint32_t base, const uint32_t *table, uint32_t *index) {
    for (size_t i = 0; i < n; i++) {
        index[i] = table[src[i] - base];
    }
}

INLINE void to_ranks(const uint32_t *src, size_t n, uint32_t base, const uint64_t *bitmap, const uint32_t *rank,
                     uint32_t *index) {
    for (size_t i = 0; i < n; i++) {
        uint32_t at = src[i] - base;
        uint64_t before = bitmap[at / 64] & ((UINT64_C(1) << at % 64) - 1);
        index[i] = rank[at / 64] + (uint32_t)__builtin_popcountll(before);
    }
}

typedef int32_t lanes __attribute__((vector_size(32)));
enum { LANES = 8 };

/* place[i] = how many keys are below key i: sixteen at once, in registers, against one key after the other. */
INLINE void place_few(const int32_t *keys, size_t n, uint32_t *place) {
    for (size_t i = 0; i < n; i += 2 * (size_t)LANES) {
        lanes a, b;
        lanes below_a = {0};
        lanes below_b = {0};
        memcpy(&a, keys + i, sizeof a);
        memcpy(&b, keys + i + LANES, sizeof b);
        for (size_t j = 0; j < n; j++) {
            below_a -= keys[j] < a; /* true is -1 */
            below_b -= keys[j] < b;
        }
        memcpy(place + i, &below_a, sizeof below_a);
        memcpy(place + i + LANES, &below_b, sizeof below_b);
    }
}

/* Equal offsets have one place, so that the places that are taken, counted, are the ranks. */
INLINE size_t rank_few(const uint32_t *src, size_t n, uint32_t base, uint32_t *index, uint64_t *entries) {
    int32_t keys[QL_KERNELS_FEW + 2 * LANES]; /* signed numbers compare faster */
    uint32_t place[QL_KERNELS_FEW];
    uint8_t seen[QL_KERNELS_FEW] = {0};
    uint64_t taken[QL_KERNELS_FEW / 64];
    memset(keys + n, 0, 2 * (size_t)LANES * sizeof *keys); /* compared, and not looked at */
    for (size_t i = 0; i < n; i++) {
        keys[i] = (int32_t)((src[i] - base) ^ UINT32_C(0x80000000));
    }
    place_few(keys, n, place);
    for (size_t i = 0; i < n; i++) {
        seen[place[i]] = 1;
    }
    gather_bits(seen, QL_KERNELS_FEW / 64, taken);
    const uint32_t before[] = {0, (uint32_t)__builtin_popcountll(taken[0])};
    for (size_t i = 0; i < n; i++) {
        uint64_t lower = taken[place[i] / 64] & ((UINT64_C(1) << place[i] % 64) - 1);
        index[i] = before[place[i] / 64] + (uint32_t)__builtin_popcountll(lower);
        entries[index[i]] = (uint32_t)keys[i] ^ UINT32_C(0x80000000);
    }
    return before[1] + (size_t)__builtin_popcountll(taken[1]);
}

static uint32_t crc32_portable(const void *ptr, size_t len) {
    return ql_crc32(0, ptr, len);
}

/* A form of one loop, with a result or without: the attribute makes the compiler write it for other instructions. */
#define GIVES(suffix, attribute, result, name, parameters, ...) \
    attribute static result name##_##suffix parameters {        \
        return name(__VA_ARGS__);                               \
    }
#define DOES(suffix, attribute, name, parameters, ...) \
    attribute static void name##_##suffix parameters { \
        name(__VA_ARGS__);                             \
    }

/* One form of all loops. */
#define FORM(suffix, attribute)                                                                                                \
    GIVES(suffix, attribute, struct ql_range_i64, range_i64, (const int64_t *values, size_t n), values, n)                     \
    GIVES(suffix, attribute, struct ql_range_u32, range_u32, (const uint32_t *values, size_t n), values, n)                    \
    GIVES(suffix, attribute, struct ql_range_i32, range_i32, (const int32_t *values, size_t n), values, n)                     \
    DOES(suffix, attribute, range_f64, (const uint64_t *bits, size_t n, uint64_t *min, uint64_t *max), bits, n, min, max)      \
    GIVES(suffix, attribute, size_t, count_nan, (const uint64_t *bits, size_t n), bits, n)                                     \
    GIVES(suffix, attribute, size_t, count_nonzero, (const uint8_t *bytes, size_t n), bytes, n)                                \
    DOES(suffix, attribute, narrow, (const uint64_t *values, size_t n, uint64_t base, uint32_t *out), values, n, base, out)    \
    DOES(suffix, attribute, widen, (const int32_t *k, size_t n, uint64_t *out), k, n, out)                                     \
    DOES(suffix, attribute, unscale, (const int32_t *k, size_t n, unsigned scale, uint64_t *out), k, n, scale, out)            \
    GIVES(suffix, attribute, bool, scaled,                                                                                     \
          (const uint64_t *bits, size_t n, unsigned scale, uint32_t *low, struct ql_range_i64 *range), bits, n, scale, low,    \
          range)                                                                                                               \
    DOES(suffix, attribute, subtract, (const uint32_t *src, size_t n, uint32_t base, uint32_t *index), src, n, base, index)    \
    DOES(suffix, attribute, mark, (const uint32_t *src, size_t n, uint32_t base, uint8_t *seen), src, n, base, seen)           \
    DOES(suffix, attribute, mark_bits, (const uint32_t *src, size_t n, uint32_t base, uint64_t *bitmap), src, n, base, bitmap) \
    DOES(suffix, attribute, gather_bits, (const uint8_t *seen, size_t n_words, uint64_t *bitmap), seen, n_words, bitmap)       \
    GIVES(suffix, attribute, size_t, rank_words, (const uint64_t *bitmap, size_t n_words, uint32_t *rank), bitmap, n_words,    \
          rank)                                                                                                                \
    DOES(suffix, attribute, look_up, (const uint32_t *src, size_t n, uint32_t base, const uint32_t *table, uint32_t *index),   \
         src, n, base, table, index)                                                                                           \
    DOES(suffix, attribute, to_ranks,                                                                                          \
         (const uint32_t *src, size_t n, uint32_t base, const uint64_t *bitmap, const uint32_t *rank, uint32_t *index), src,   \
         n, base, bitmap, rank, index)                                                                                         \
    GIVES(suffix, attribute, size_t, rank_few,                                                                                 \
          (const uint32_t *src, size_t n, uint32_t base, uint32_t *index, uint64_t *entries), src, n, base, index, entries)    \
    static const struct ql_kernels KERNELS_##suffix = {.name = #suffix,                                                        \
                                                       .range_i64 = range_i64_##suffix,                                        \
                                                       .range_u32 = range_u32_##suffix,                                        \
                                                       .range_i32 = range_i32_##suffix,                                        \
                                                       .range_f64 = range_f64_##suffix,                                        \
                                                       .count_nan = count_nan_##suffix,                                        \
                                                       .count_nonzero = count_nonzero_##suffix,                                \
                                                       .narrow = narrow_##suffix,                                              \
                                                       .widen = widen_##suffix,                                                \
                                                       .unscale = unscale_##suffix,                                            \
                                                       .scaled = scaled_##suffix,                                              \
                                                       .subtract = subtract_##suffix,                                          \
                                                       .mark = mark_##suffix,                                                  \
                                                       .mark_bits = mark_bits_##suffix,                                        \
                                                       .gather_bits = gather_bits_##suffix,                                    \
                                                       .rank_words = rank_words_##suffix,                                      \
                                                       .look_up = look_up_##suffix,                                            \
                                                       .to_ranks = to_ranks_##suffix,                                          \
                                                       .rank_few = rank_few_##suffix,                                          \
                                                       .crc32 = crc32_##suffix};

FORM(portable, )
#if defined(__x86_64__)
#define crc32_avx2 ql_crc32_clmul
FORM(avx2, __attribute__((target("avx2,bmi,bmi2,popcnt"))))
#endif

const struct ql_kernels *ql_kernels_for(const struct ql_cpu *cpu) {
#if defined(__x86_64__)
    if (cpu != NULL && cpu->has_avx2) {
        return &KERNELS_avx2;
    }
#else
    (void)cpu;
#endif
    return &KERNELS_portable;
}
