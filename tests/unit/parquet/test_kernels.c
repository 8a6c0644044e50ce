#include "support/test.h"

#include "base/mem.h"
#include "parquet/kernels.h"

#include <math.h>

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
    kernels->offsets((const uint64_t *)(const void *)values, n, (uint64_t)min, offsets);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(offsets[i], ((uint64_t)values[i] - (uint64_t)min) & UINT32_MAX);
    }
}

static void check_ranks(const struct ql_kernels *kernels, size_t n, uint64_t seed) {
    enum { RANGE = 3000, WORDS = RANGE / 64 + 1 };
    static uint32_t index[N_MAX], was[N_MAX], rank[WORDS];
    uint64_t bitmap[WORDS] = {0};
    bool is_seen[RANGE] = {false};
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        was[i] = index[i] = (uint32_t)(next_random(&seed) % RANGE);
        distinct += !is_seen[index[i]];
        is_seen[index[i]] = true;
    }
    kernels->mark(index, n, bitmap);
    assert_int_equal(kernels->rank(bitmap, WORDS, rank), distinct);
    kernels->to_ranks(index, n, bitmap, rank);
    for (size_t i = 0; i < n; i++) {
        size_t before = 0;
        for (size_t k = 0; k < was[i]; k++) {
            before += is_seen[k];
        }
        assert_int_equal(index[i], before);
    }
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
    assert_true(kernels->scaled(bits, n, low, &range));
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
                             2e11,
                             -2e11,
                             1e300,
                             5e-324,
                             double_of(bits_of(0.1) + 1),
                             double_of(bits_of(-12345.6789) - 1)};
    for (size_t o = 0; o < sizeof others / sizeof others[0]; o++) {
        uint64_t kept = bits[o % n];
        bits[o % n] = bits_of(others[o]);
        assert_false(kernels->scaled(bits, n, low, &range));
        bits[o % n] = kept;
    }
}

static void every_form_is_as_plain_loops_are(void **state) {
    (void)state;
    const struct ql_kernels *list[2];
    size_t n_forms = ql_kernels_list(list);
    assert_true(n_forms >= 1 && ql_kernels_best() == list[n_forms - 1]);
    static const size_t LENGTHS[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 511, 512, 513, N_MAX};
    for (size_t f = 0; f < n_forms; f++) {
        for (size_t l = 0; l < sizeof LENGTHS / sizeof LENGTHS[0]; l++) {
            for (uint64_t seed = 1; seed < 20; seed++) {
                check_integers(list[f], LENGTHS[l], seed);
                check_ranks(list[f], LENGTHS[l], seed);
                check_doubles(list[f], LENGTHS[l], seed);
                check_scaled(list[f], LENGTHS[l], seed);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_form_is_as_plain_loops_are)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
