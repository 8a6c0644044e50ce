/*
 * CPUID by the compiler's own run-time table, which also asks whether the operating system saves the wide registers.
 *
 * AVX2 and AVX-512 are each taken together with the small extensions that every processor with them has, so that a kernel needs
 * one bit and not six; a hypervisor that hides one of them gets the slower kernel.
 */
#include "cpu/cpu.h"

static const struct {
    const char *name;
    enum ql_cpu_level level;
} LEVELS[] = {{"", QL_CPU_NATIVE}, {"native", QL_CPU_NATIVE}, {"avx2", QL_CPU_AVX2}, {"scalar", QL_CPU_SCALAR}};

#if defined(__x86_64__)

static struct ql_cpu find(void) {
    __builtin_cpu_init();
    struct ql_cpu cpu = {0};
    cpu.has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                   __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("pclmul");
    cpu.has_avx512 = cpu.has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
                     __builtin_cpu_supports("avx512vbmi2");
    return cpu;
}

#else

static struct ql_cpu find(void) {
    struct ql_cpu cpu = {0};
#if defined(__aarch64__)
    cpu.has_neon = true;
#endif
    return cpu;
}

#endif

void ql_cpu_detect(struct ql_cpu *cpu, enum ql_cpu_level ceiling) {
    *cpu = find();
    cpu->has_avx2 = cpu->has_avx2 && ceiling >= QL_CPU_AVX2;
    cpu->has_neon = cpu->has_neon && ceiling >= QL_CPU_NATIVE;
    cpu->has_avx512 = cpu->has_avx512 && ceiling >= QL_CPU_NATIVE;
}

bool ql_cpu_level_from_name(struct ql_str name, enum ql_cpu_level *level) {
    for (size_t i = 0; i < sizeof LEVELS / sizeof LEVELS[0]; i++) {
        if (ql_str_eq(name, ql_str_from(LEVELS[i].name))) {
            *level = LEVELS[i].level;
            return true;
        }
    }
    return false;
}

const char *ql_cpu_name(const struct ql_cpu *cpu) {
    return cpu->has_avx512 ? "avx512" : cpu->has_avx2 ? "avx2" : cpu->has_neon ? "neon" : "scalar";
}
