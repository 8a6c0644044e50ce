#include "support/test.h"

#include "base/mem.h"
#include "cpu/cpu.h"
#include "parquet/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Every form that this machine has, against loops as plain as can be. Lengths around those of vectors, values at the edges. */

enum { N_MAX = 1200 };

static uint64_t next_random(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = *state;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb) >> 1;
}

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void check_integers(const struct ql_kernels *kernels, size_t n, uint64_t seed) {
    static int64_t values[N_MAX];
    static uint32_t small[N_MAX], offsets[N_MAX];
    int64_t min = INT64_MAX, max = INT64_MIN;
    uint32_t small_min = UINT32_MAX, small_max = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = next_random(&seed);
        values[i] = (int64_t)(x % 5 == 0 ? ~x : x >> x % 60);
        small[i] = (uint32_t)(x >> x % 30);
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
        small_min = small[i] < small_min ? small[i] : small_min;
        small_max = small[i] > small_max ? small[i] : small_max;
    }
    struct ql_range_i64 range = kernels->range_i64(values, n);
    assert_true(range.min == min && range.max == max);
    struct ql_range_u32 small_range = kernels->range_u32(small, n);
    assert_true(small_range.min == small_min && small_range.max == small_max);
    kernels->narrow((const uint64_t *)(const void *)values, n, (uint64_t)min, offsets);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(offsets[i], ((uint64_t)values[i] - (uint64_t)min) & UINT32_MAX);
    }
    kernels->subtract(small, n, small_min, offsets);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(offsets[i], small[i] - small_min);
    }
}

/* Division is correctly rounded by IEEE 754, whoever does it; strtod has another way to the same double. */
static void check_signed(const struct ql_kernels *kernels, size_t n, uint64_t seed) {
    static int32_t k[N_MAX];
    static uint64_t wide[N_MAX];
    int32_t min = INT32_MAX, max = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = next_random(&seed);
        k[i] = i == 7 ? INT32_MIN : (int32_t)(uint32_t)(x >> x % 40);
        min = k[i] < min ? k[i] : min;
        max = k[i] > max ? k[i] : max;
    }
    struct ql_range_i32 range = kernels->range_i32(k, n);
    assert_true(range.min == min && range.max == max);
    kernels->widen(k, n, wide);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal((int64_t)wide[i], k[i]);
    }
    unsigned scale = (unsigned)(seed % 10);
    kernels->unscale(k, n, scale, wide);
    for (size_t i = 0; i < n; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%de-%u", k[i], scale);
        assert_int_equal(wide[i], bits_of(strtod(text, NULL)));
    }
}

static void check_bytes(const struct ql_kernels *kernels, size_t n, uint64_t seed) {
    static uint8_t bytes[N_MAX];
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = next_random(&seed);
        bytes[i] = x % 3 == 0 ? 0 : (uint8_t)x;
        count += bytes[i] != 0;
    }
    assert_int_equal(kernels->count_nonzero(bytes, n), count);
}

static void check_ranks(const struct ql_kernels *kernels, size_t n, uint64_t seed) {
    enum { WORDS = 47, RANGE = WORDS * 64 };
    static uint32_t src[N_MAX], index[N_MAX], rank[WORDS], table[RANGE];
    uint64_t bitmap[WORDS] = {0};
    uint64_t gathered[WORDS];
    uint8_t seen[RANGE] = {0};
    bool is_seen[RANGE] = {false};
    size_t distinct = 0;
    const uint32_t base = (uint32_t)next_random(&seed); /* offsets wrap around 2^32 */
    for (size_t i = 0; i < n; i++) {
        uint32_t offset = (uint32_t)(next_random(&seed) % RANGE);
        src[i] = base + offset;
        distinct += !is_seen[offset];
        is_seen[offset] = true;
    }
    kernels->mark_bits(src, n, base, bitmap);
    kernels->mark(src, n, base, seen);
    kernels->gather_bits(seen, WORDS, gathered);
    assert_memory_equal(gathered, bitmap, sizeof bitmap);
    assert_int_equal(kernels->rank_words(bitmap, WORDS, rank), distinct);
    for (uint32_t at = 0, before = 0; at < RANGE; at++) {
        table[at] = before;
        before += is_seen[at];
    }
    kernels->to_ranks(src, n, base, bitmap, rank, index);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(index[i], table[src[i] - base]);
    }
    kernels->look_up(src, n, base, table, src); /* in place */
    assert_memory_equal(src, index, n * sizeof *src);
}

static void check_few(const struct ql_kernels *kernels, size_t n, uint64_t seed) {
    uint32_t src[QL_KERNELS_FEW], index[QL_KERNELS_FEW];
    uint64_t entries[QL_KERNELS_FEW];
    n = n < QL_KERNELS_FEW ? n : QL_KERNELS_FEW;
    const uint32_t base = (uint32_t)next_random(&seed);
    for (size_t i = 0; i < n; i++) {
        uint64_t x = next_random(&seed);
        src[i] = base + (uint32_t)(x % 4 == 0 ? x % 5 : x % 4 == 1 ? UINT32_MAX - x % 3 : seed % 2 == 0 ? x >> 3 : x % 50);
    }
    size_t n_entries = kernels->rank_few(src, n, base, index, entries);
    bool is_used[QL_KERNELS_FEW] = {false};
    for (size_t i = 0; i < n; i++) {
        assert_true(index[i] < n_entries);
        assert_int_equal(entries[index[i]], src[i] - base);
        is_used[index[i]] = true;
    }
    for (size_t e = 0; e < n_entries; e++) {
        assert_true(is_used[e] && (e == 0 || entries[e - 1] < entries[e]));
    }
    kernels->rank_few(src, n, base, src, entries); /* in place */
    assert_memory_equal(src, index, n * sizeof *src);
}

/* The check value of CRC-32/ISO-HDLC is that of the catalogue of parametrised CRC algorithms; the rest bit by bit. */
static void check_crc(const struct ql_kernels *kernels, size_t n, uint64_t seed) {
    static unsigned char bytes[N_MAX + 1];
    assert_int_equal(kernels->crc32("123456789", 9), 0xcbf43926);
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        bytes[i + 1] = (unsigned char)next_random(&seed); /* not aligned */
        crc ^= bytes[i + 1];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    assert_int_equal(kernels->crc32(bytes + 1, n), (uint32_t)~crc);
}

static void check_doubles(const struct ql_kernels *kernels, size_t n, uint64_t seed) {
    static uint64_t bits[N_MAX];
    double min = (double)INFINITY, max = -(double)INFINITY;
    for (size_t i = 0; i < n; i++) {
        double x = ((double)next_random(&seed) - 0x1p62) / (double)(next_random(&seed) % 1000 + 1);
        bits[i] = bits_of(x);
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    uint64_t least = 0, greatest = 0;
    kernels->range_f64(bits, n, &least, &greatest);
    assert_true(double_of(least) == min && double_of(greatest) == max);
    assert_int_equal(kernels->count_nan(bits, n), 0);
    bits[n / 2] = bits_of((double)INFINITY);
    assert_int_equal(kernels->count_nan(bits, n), 0);
    bits[n / 2] = bits_of((double)NAN);
    bits[0] = bits[n / 2] | UINT64_C(1) << 63;
    assert_int_equal(kernels->count_nan(bits, n), n / 2 == 0 ? 1 : 2);
}

static void check_scaled(const struct ql_kernels *kernels, size_t n, uint64_t seed) {
    static uint64_t bits[N_MAX];
    static int64_t k[N_MAX];
    static uint32_t low[N_MAX];
    struct ql_range_i64 range;
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = next_random(&seed);
        k[i] = (int64_t)(x % UINT64_C(1999999999999999)) >> x % 50;
        k[i] = x % 3 == 0 ? -k[i] : k[i];
        bits[i] = bits_of((double)k[i] / 1e4);
        min = k[i] < min ? k[i] : min;
        max = k[i] > max ? k[i] : max;
    }
    assert_true(kernels->scaled(bits, n, 4, low, &range));
    assert_true(range.min == min && range.max == max);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(low[i], (uint64_t)k[i] & UINT32_MAX);
    }
    const double others[] = {-0.0,
                             (double)NAN,
                             (double)INFINITY,
                             -(double)INFINITY,
                             0.00005,
                             1.0 / 3,
                             0x1p51 / 1e4,
                             -0x1p51 / 1e4,
                             1e300,
                             5e-324,
                             double_of(bits_of(0.1) + 1),
                             double_of(bits_of(-12345.6789) - 1)};
    for (size_t o = 0; o < sizeof others / sizeof others[0]; o++) {
        uint64_t kept = bits[o % n];
        bits[o % n] = bits_of(others[o]);
        assert_false(kernels->scaled(bits, n, 4, low, &range));
        bits[o % n] = kept;
    }
}

static void every_form_is_as_plain_loops_are(void **state) {
    (void)state;
    struct ql_cpu cpu;
    ql_cpu_detect(&cpu, QL_CPU_NATIVE);
    const struct ql_kernels *forms[] = {ql_kernels_for(NULL), ql_kernels_for(&cpu)};
    static const size_t LENGTHS[] = {1,  2,  3,  4,  5,   7,   8,   9,   15,  16,  17,  31,
                                     33, 63, 64, 65, 127, 128, 129, 200, 511, 512, 513, N_MAX};
    for (size_t f = 0; f < 2; f++) {
        for (size_t l = 0; l < sizeof LENGTHS / sizeof LENGTHS[0]; l++) {
            for (uint64_t seed = 1; seed < 20; seed++) {
                check_integers(forms[f], LENGTHS[l], seed);
                check_signed(forms[f], LENGTHS[l], seed);
                check_bytes(forms[f], LENGTHS[l], seed);
                check_ranks(forms[f], LENGTHS[l], seed);
                check_few(forms[f], LENGTHS[l], seed);
                check_crc(forms[f], LENGTHS[l], seed);
                check_doubles(forms[f], LENGTHS[l], seed);
                check_scaled(forms[f], LENGTHS[l], seed);
            }
        }
    }
}

static void every_short_page_has_its_crc(void **state) {
    (void)state;
    struct ql_cpu cpu;
    ql_cpu_detect(&cpu, QL_CPU_NATIVE);
    for (size_t n = 0; n < 300; n++) {
        check_crc(ql_kernels_for(NULL), n, n);
        check_crc(ql_kernels_for(&cpu), n, n);
    }
}

static void the_form_is_what_the_ceiling_allows(void **state) {
    (void)state;
    struct ql_cpu cpu;
    ql_cpu_detect(&cpu, QL_CPU_SCALAR);
    assert_ptr_equal(ql_kernels_for(&cpu), ql_kernels_for(NULL));
    ql_cpu_detect(&cpu, QL_CPU_AVX2);
    assert_int_equal(ql_kernels_for(&cpu) != ql_kernels_for(NULL), cpu.has_avx2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_as_plain_loops_are),
        cmocka_unit_test(every_short_page_has_its_crc),
        cmocka_unit_test(the_form_is_what_the_ceiling_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
