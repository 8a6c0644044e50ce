/** Loops over many values, in a form for any machine and one for machines with AVX2; both give the same results. */
#ifndef QL_PARQUET_KERNELS_H
#define QL_PARQUET_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ql_range_i64 {
    int64_t min, max;
};
struct ql_range_u32 {
    uint32_t min, max;
};

struct ql_kernels {
    const char *name;
    /** Least and greatest; n is not 0. */
    struct ql_range_i64 (*range_i64)(const int64_t *values, size_t n);
    struct ql_range_u32 (*range_u32)(const uint32_t *values, size_t n);
    /** The same of doubles given as bits, in IEEE 754's total order: -0.0 below 0.0. */
    void (*range_f64)(const uint64_t *bits, size_t n, uint64_t *min, uint64_t *max);
    size_t (*count_nan)(const uint64_t *bits, size_t n);
    /** out[i] = values[i] - base, modulo 2^32. */
    void (*offsets)(const uint64_t *values, size_t n, uint64_t base, uint32_t *out);
    /**
     * Whether every double (given as bits) is exactly the one nearest to k / 10^4 for an integer k, |k| < 2^51. Then low[i] is
     * k modulo 2^32, and range that of k. -0.0 and NaN are not. low has n places and is undefined after false.
     */
    bool (*scaled)(const uint64_t *bits, size_t n, uint32_t *low, struct ql_range_i64 *range);
    /** Sets bit index[i] for every i. */
    void (*mark)(const uint32_t *index, size_t n, uint64_t *bitmap);
    /** rank[w] = bits that are set before word w; returns how many are set. */
    size_t (*rank)(const uint64_t *bitmap, size_t n_words, uint32_t *rank);
    /** index[i] becomes the number of bits that are set before bit index[i]. */
    void (*to_ranks)(uint32_t *index, size_t n, const uint64_t *bitmap, const uint32_t *rank);
};

/** The form for this machine. */
const struct ql_kernels *ql_kernels_best(void);
/** All that this machine can run, the portable one first; at most 2. */
size_t ql_kernels_list(const struct ql_kernels *list[2]);

#endif
