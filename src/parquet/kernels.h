/**
 * Loops over many values, in a form for any machine and one for machines with AVX2; both give the same results. A form is
 * chosen once, by what the processor may be asked for.
 */
#ifndef QL_PARQUET_KERNELS_H
#define QL_PARQUET_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ql_cpu;

struct ql_range_i64 {
    int64_t min, max;
};
struct ql_range_u32 {
    uint32_t min, max;
};
struct ql_range_i32 {
    int32_t min, max;
};

enum { QL_KERNELS_MAX_SCALE = 9, QL_KERNELS_FEW = 128 };
/** 10^scale as a double, exactly: 0 to 9. */
extern const double ql_powers_of_ten[QL_KERNELS_MAX_SCALE + 1];

/*
 * "offset": src[i] - base modulo 2^32, below a range that the caller knows. index may be src itself.
 */
struct ql_kernels {
    const char *name;
    /** Least and greatest; n is not 0. */
    struct ql_range_i64 (*range_i64)(const int64_t *values, size_t n);
    struct ql_range_u32 (*range_u32)(const uint32_t *values, size_t n);
    struct ql_range_i32 (*range_i32)(const int32_t *values, size_t n);
    /** The same of doubles given as bits, in IEEE 754's total order: -0.0 below 0.0. */
    void (*range_f64)(const uint64_t *bits, size_t n, uint64_t *min, uint64_t *max);
    size_t (*count_nan)(const uint64_t *bits, size_t n);
    size_t (*count_nonzero)(const uint8_t *bytes, size_t n);
    /** out[i] = values[i] - base, modulo 2^32. */
    void (*narrow)(const uint64_t *values, size_t n, uint64_t base, uint32_t *out);
    /** out[i] = k[i], as an int64 or as the bits of the double nearest to k[i] / 10^scale. */
    void (*widen)(const int32_t *k, size_t n, uint64_t *out);
    void (*unscale)(const int32_t *k, size_t n, unsigned scale, uint64_t *out);
    /**
     * Whether every double (given as bits) is exactly the one nearest to k / 10^scale for an integer k, |k| < 2^51. Then low[i]
     * is k modulo 2^32, and range that of k. -0.0 and NaN are not. low has n places and is undefined after false.
     */
    bool (*scaled)(const uint64_t *bits, size_t n, unsigned scale, uint32_t *low, struct ql_range_i64 *range);
    /** Offsets out of src. */
    void (*subtract)(const uint32_t *src, size_t n, uint32_t base, uint32_t *index);
    /** seen[offset] = 1 for each; what was seen stays. */
    void (*mark)(const uint32_t *src, size_t n, uint32_t base, uint8_t *seen);
    /** Sets the bit of each offset. */
    void (*mark_bits)(const uint32_t *src, size_t n, uint32_t base, uint64_t *bitmap);
    /** A bit for each of 64 * n_words bytes that are 0 or 1. */
    void (*gather_bits)(const uint8_t *seen, size_t n_words, uint64_t *bitmap);
    /** rank[w] = bits that are set before word w; returns how many are set. */
    size_t (*rank_words)(const uint64_t *bitmap, size_t n_words, uint32_t *rank);
    /** index[i] = table[offset]. */
    void (*look_up)(const uint32_t *src, size_t n, uint32_t base, const uint32_t *table, uint32_t *index);
    /** index[i] = the number of bits that are set before the offset's. */
    void (*to_ranks)(const uint32_t *src, size_t n, uint32_t base, const uint64_t *bitmap, const uint32_t *rank,
                     uint32_t *index);
    /**
     * All of it for a few values, n <= QL_KERNELS_FEW, in n^2 steps: index[i] = how many different offsets are below offset i;
     * entries (with room for n) gets the different ones, ascending; returns how many they are.
     */
    size_t (*rank_few)(const uint32_t *src, size_t n, uint32_t base, uint32_t *index, uint64_t *entries);
    /** CRC-32 of IEEE 802.3. */
    uint32_t (*crc32)(const void *ptr, size_t len);
};

/** The form for this machine; cpu NULL: the portable one. */
const struct ql_kernels *ql_kernels_for(const struct ql_cpu *cpu);

#endif
