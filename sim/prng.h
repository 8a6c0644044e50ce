/**
 * Numbers that follow from a seed: splitmix64, in integer arithmetic alone, so that every machine and every C library
 * makes the same data.
 */
#ifndef QL_SIM_PRNG_H
#define QL_SIM_PRNG_H

#include <stddef.h>
#include <stdint.h>

struct ql_sim_prng {
    uint64_t state;
};

/** The finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection that spreads every bit. */
static inline uint64_t ql_sim_mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/** A generator of its own for (seed, kind, a, b): what is drawn for one does not depend on what was drawn for another. */
static inline struct ql_sim_prng ql_sim_prng_for(uint64_t seed, uint64_t kind, uint64_t a, uint64_t b) {
    uint64_t x = ql_sim_mix(seed + UINT64_C(0x9e3779b97f4a7c15) * (kind + 1));
    x = ql_sim_mix(x ^ (a * UINT64_C(0xd1342543de82ef95) + 1));
    return (struct ql_sim_prng){ql_sim_mix(x ^ (b * UINT64_C(0x2545f4914f6cdd1d) + 1))};
}

static inline uint64_t ql_sim_prng_next(struct ql_sim_prng *prng) {
    prng->state += UINT64_C(0x9e3779b97f4a7c15);
    return ql_sim_mix(prng->state);
}

/** A number from [0, n); n > 0. */
static inline uint32_t ql_sim_prng_below(struct ql_sim_prng *prng, uint32_t n) {
    return (uint32_t)(((ql_sim_prng_next(prng) >> 32) * n) >> 32);
}

enum { QL_SIM_UUID_SIZE = 37 };
/** A UUID of version 4. */
void ql_sim_prng_uuid(struct ql_sim_prng *prng, char out[QL_SIM_UUID_SIZE]);

#endif
