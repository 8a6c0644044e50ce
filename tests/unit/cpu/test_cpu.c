/* What is found must be what the system itself says about the processor, and never above the ceiling. */
#include "support/test.h"

#include "cpu/cpu.h"

#include <stdio.h>

static void ceilings_hold(void **state) {
    (void)state;
    struct ql_cpu scalar;
    struct ql_cpu avx2;
    struct ql_cpu native;
    ql_cpu_detect(&scalar, QL_CPU_SCALAR);
    ql_cpu_detect(&avx2, QL_CPU_AVX2);
    ql_cpu_detect(&native, QL_CPU_NATIVE);
    assert_false(scalar.has_avx2 || scalar.has_avx512 || scalar.has_neon || avx2.has_avx512);
    assert_int_equal(avx2.has_avx2, native.has_avx2);
    assert_string_equal(ql_cpu_name(&scalar), "scalar");
    assert_string_equal(ql_cpu_name(&avx2), avx2.has_avx2 ? "avx2" : "scalar");
}

/* /proc/cpuinfo is written by the kernel from its own reading of CPUID. */
static void agrees_with_the_kernel(void **state) {
    (void)state;
    static char text[1 << 16];
    FILE *file = fopen("/proc/cpuinfo", "r");
    size_t n = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    text[n] = '\0';
    if (strstr(text, "flags\t") == NULL) {
        skip(); /* no x86, or no /proc */
    }
    struct ql_cpu cpu;
    ql_cpu_detect(&cpu, QL_CPU_NATIVE);
    assert_int_equal(cpu.has_avx2, strstr(text, " avx2") != NULL && strstr(text, " bmi2") != NULL);
    assert_int_equal(cpu.has_avx512, strstr(text, " avx512_vbmi2") != NULL && strstr(text, " avx512vl") != NULL);
}

static void names_are_read(void **state) {
    (void)state;
    enum ql_cpu_level level = QL_CPU_SCALAR;
    assert_true(ql_cpu_level_from_name(QL_STR("native"), &level));
    assert_int_equal(level, QL_CPU_NATIVE);
    assert_true(ql_cpu_level_from_name(QL_STR("avx2"), &level));
    assert_int_equal(level, QL_CPU_AVX2);
    assert_true(ql_cpu_level_from_name(QL_STR("scalar"), &level));
    assert_int_equal(level, QL_CPU_SCALAR);
    assert_true(ql_cpu_level_from_name((struct ql_str){0}, &level));
    assert_int_equal(level, QL_CPU_NATIVE);
    assert_false(ql_cpu_level_from_name(QL_STR("AVX2"), &level));
    assert_false(ql_cpu_level_from_name(QL_STR("sse"), &level));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ceilings_hold),
        cmocka_unit_test(agrees_with_the_kernel),
        cmocka_unit_test(names_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
