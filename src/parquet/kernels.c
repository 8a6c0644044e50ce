/*
 * Every loop is written once, without a branch on values, and compiled twice: the compiler vectorises it for the baseline of
 * the architecture and, on x86-64, for AVX2 with POPCNT. No fused multiply-add is ever used (-ffp-contract=off), so both forms
 * give the same bits.
 */
#include "parquet/kernels.h"

#include <string.h>

#define SCALE 1e4           /* of the decimals that rounding leaves by default */
#define SCALED_MAX 2e11     /* |x| below: x * 1e4 < 2^51, where every integer and its half are doubles */
#define TO_INTEGER 0x1.8p52 /* added to |x| < 2^51 it leaves rint(x) in the lowest bits of the sum, which ascend with x */

enum { SCALED_BLOCK = 512 }; /* values that are looked at before the first that is none can end the work */

#define INLINE static inline __attribute__((always_inline))

INLINE struct ql_range_i64 range_i64(const int64_t *values, size_t n) {
    int64_t min = values[0];
    int64_t max = values[0];
    for (size_t i = 1; i < n; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    return (struct ql_range_i64){.min = min, .max = max};
}

INLINE struct ql_range_u32 range_u32(const uint32_t *values, size_t n) {
    uint32_t min = values[0];
    uint32_t max = values[0];
    for (size_t i = 1; i < n; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    return (struct ql_range_u32){.min = min, .max = max};
}

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

INLINE void offsets(const uint64_t *values, size_t n, uint64_t base, uint32_t *out) {
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

/* Widens *range, which is of the sums. */
INLINE bool scaled_block(const uint64_t *bits, size_t n, uint32_t *low, struct ql_range_i64 *range) {
    uint64_t wrong = 0;
    int64_t min = range->min;
    int64_t max = range->max;
    for (size_t i = 0; i < n; i++) {
        double x = double_of(bits[i]);
        double sum = x * SCALE + TO_INTEGER;
        double again = (sum - TO_INTEGER) / SCALE;
        int64_t k = (int64_t)bits_of(sum);
        wrong |= bits_of(again) ^ bits[i];
        wrong |= __builtin_fabs(x) < SCALED_MAX ? 0 : UINT64_C(1); /* NaN compares false */
        min = k < min ? k : min;
        max = k > max ? k : max;
        low[i] = (uint32_t)k; /* the lowest bits of TO_INTEGER's own are 0 */
    }
    *range = (struct ql_range_i64){.min = min, .max = max};
    return wrong == 0;
}

INLINE bool scaled(const uint64_t *bits, size_t n, uint32_t *low, struct ql_range_i64 *range) {
    struct ql_range_i64 sums = {.min = INT64_MAX, .max = INT64_MIN};
    for (size_t i = 0; i < n; i += SCALED_BLOCK) {
        if (!scaled_block(bits + i, n - i < SCALED_BLOCK ? n - i : SCALED_BLOCK, low + i, &sums)) {
            return false;
        }
    }
    const int64_t zero = (int64_t)bits_of(TO_INTEGER);
    *range = (struct ql_range_i64){.min = sums.min - zero, .max = sums.max - zero};
    return true;
}

INLINE void mark(const uint32_t *index, size_t n, uint64_t *bitmap) {
    for (size_t i = 0; i < n; i++) {
        bitmap[index[i] / 64] |= UINT64_C(1) << index[i] % 64;
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

INLINE void to_ranks(uint32_t *index, size_t n, const uint64_t *bitmap, const uint32_t *rank) {
    for (size_t i = 0; i < n; i++) {
        uint32_t at = index[i];
        uint64_t before = bitmap[at / 64] & ((UINT64_C(1) << at % 64) - 1);
        index[i] = rank[at / 64] + (uint32_t)__builtin_popcountll(before);
    }
}

/* One form of all loops. */
#define FORM(suffix, attribute)                                                                                        \
    attribute static struct ql_range_i64 range_i64_##suffix(const int64_t *values, size_t n) {                         \
        return range_i64(values, n);                                                                                   \
    }                                                                                                                  \
    attribute static struct ql_range_u32 range_u32_##suffix(const uint32_t *values, size_t n) {                        \
        return range_u32(values, n);                                                                                   \
    }                                                                                                                  \
    attribute static void range_f64_##suffix(const uint64_t *bits, size_t n, uint64_t *min, uint64_t *max) {           \
        range_f64(bits, n, min, max);                                                                                  \
    }                                                                                                                  \
    attribute static size_t count_nan_##suffix(const uint64_t *bits, size_t n) {                                       \
        return count_nan(bits, n);                                                                                     \
    }                                                                                                                  \
    attribute static void offsets_##suffix(const uint64_t *values, size_t n, uint64_t base, uint32_t *out) {           \
        offsets(values, n, base, out);                                                                                 \
    }                                                                                                                  \
    attribute static bool scaled_##suffix(const uint64_t *bits, size_t n, uint32_t *low, struct ql_range_i64 *range) { \
        return scaled(bits, n, low, range);                                                                            \
    }                                                                                                                  \
    attribute static void mark_##suffix(const uint32_t *index, size_t n, uint64_t *bitmap) {                           \
        mark(index, n, bitmap);                                                                                        \
    }                                                                                                                  \
    attribute static size_t rank_##suffix(const uint64_t *bitmap, size_t n_words, uint32_t *rank) {                    \
        return rank_words(bitmap, n_words, rank);                                                                      \
    }                                                                                                                  \
    attribute static void to_ranks_##suffix(uint32_t *index, size_t n, const uint64_t *bitmap, const uint32_t *rank) { \
        to_ranks(index, n, bitmap, rank);                                                                              \
    }                                                                                                                  \
    static const struct ql_kernels KERNELS_##suffix = {                                                                \
        #suffix,          range_i64_##suffix, range_u32_##suffix, range_f64_##suffix, count_nan_##suffix,              \
        offsets_##suffix, scaled_##suffix,    mark_##suffix,      rank_##suffix,      to_ranks_##suffix}

FORM(portable, );
#if defined(__x86_64__)
FORM(avx2, __attribute__((target("avx2,bmi,bmi2,popcnt"))));
#endif

size_t ql_kernels_list(const struct ql_kernels *list[2]) {
    size_t n = 0;
    list[n++] = &KERNELS_portable;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("popcnt")) {
        list[n++] = &KERNELS_avx2;
    }
#endif
    return n;
}

const struct ql_kernels *ql_kernels_best(void) {
    const struct ql_kernels *list[2] = {0};
    return list[ql_kernels_list(list) - 1];
}
