/*
 * What CPUID says, as far as the operating system saves the registers that belong to it: glibc has asked already when the
 * process began (from 2.33 on it tells). The compiler's own table asks a dozen times more at every start, and each costs 8 us
 * in a virtual machine.
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

#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
/* As CPU_FEATURE_ACTIVE, which shifts a signed 1 into its sign for bit 31 (AVX512VL). */
static bool is_active(unsigned int feature) {
    const struct cpuid_feature *leaf = __x86_get_cpuid_feature_leaf(feature / 128);
    return (leaf->active_array[feature % 128 / 32] >> feature % 32 & 1) != 0;
}
#define HAS(feature, name) is_active(x86_cpu_##feature)
#else
#define HAS(feature, name) __builtin_cpu_supports(name)
#endif

static struct ql_cpu find(void) {
    struct ql_cpu cpu = {0};
    cpu.has_avx2 =
        HAS(AVX2, "avx2") && HAS(BMI1, "bmi") && HAS(BMI2, "bmi2") && HAS(POPCNT, "popcnt") && HAS(PCLMULQDQ, "pclmul");
    cpu.has_avx512 = cpu.has_avx2 && HAS(AVX512F, "avx512f") && HAS(AVX512BW, "avx512bw") && HAS(AVX512VL, "avx512vl") &&
                     HAS(AVX512_VBMI, "avx512vbmi") && HAS(AVX512_VBMI2, "avx512vbmi2");
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
