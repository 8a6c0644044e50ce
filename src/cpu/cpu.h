/**
 * What the processor can do: found out once, then handed down as a constant. Rooms that have several kernels for one loop
 * choose by it; every choice gives the same result, so it matters for speed only.
 */
#ifndef QL_CPU_CPU_H
#define QL_CPU_CPU_H

#include "base/str.h"

/** The most that may be used. */
enum ql_cpu_level {
    QL_CPU_SCALAR, /* portable C */
    QL_CPU_AVX2,
    QL_CPU_NATIVE, /* whatever there is */
};

struct ql_cpu {
    bool has_avx2;   /* and BMI, BMI2, POPCNT, PCLMULQDQ, which came before it or with it */
    bool has_avx512; /* F, BW, VL, VBMI, VBMI2, and has_avx2: Ice Lake, Zen 4 and later */
    bool has_neon;   /* every arm64 */
};

/** ceiling: bits above it stay false. */
void ql_cpu_detect(struct ql_cpu *cpu, enum ql_cpu_level ceiling);
/** "scalar", "avx2", "native"; the empty text means native. False for another text. */
bool ql_cpu_level_from_name(struct ql_str name, enum ql_cpu_level *level);
/** The best that is in use: "avx512", "avx2", "neon", "scalar". */
const char *ql_cpu_name(const struct ql_cpu *cpu);

#endif
