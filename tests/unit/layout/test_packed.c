#include "unit/kpi/vectors.h"

#include "layout/packed.h"
#include "table/cells.h"

enum { MAX_VALUES = 1024 };
#define NONE ((double)NAN)

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Packs n doubles (scale: what is known of it) and reads them back by every way; they must be the same bits. */
static struct ql_packed check_doubles(const double *values, size_t n, int scale, int first_scale) {
    static uint64_t memory[MAX_VALUES];
    static int32_t k[3 * MAX_VALUES];
    static double f64[3 * MAX_VALUES];
    static uint8_t is_valid[3 * MAX_VALUES];
    struct ql_packed packed;
    const struct ql_packed_input input = {.cells = values, .n_cells = n, .scale = scale, .first_scale = first_scale};
    assert_true(ql_packed_choose(&packed, QL_PACKED_DOUBLE, &input));
    ql_packed_write(&packed, values, n, memory);
    ql_packed_set_values(&packed, memory, n);
    for (size_t first = 0; first < n; first += n / 3 + 1) {
        for (size_t step = 1; step <= 3; step += 2) {
            size_t left = n - first;
            size_t n_null = ql_packed_get_valid(&packed, first, left, step, is_valid);
            ql_packed_get_f64(&packed, first, left, step, f64);
            if (packed.width < 8) {
                ql_packed_get_k(&packed, first, left, 1, step, k);
            }
            for (size_t i = 0; i < left; i++) {
                assert_int_equal(is_valid[i * step], !isnan(values[first + i]));
                n_null -= isnan(values[first + i]) ? 1 : 0;
                if (isnan(values[first + i])) {
                    continue;
                }
                if (bits_of(f64[i * step]) != bits_of(values[first + i])) {
                    fail_msg("value %zu: got %a, expected %a", first + i, f64[i * step], values[first + i]);
                }
                if (packed.width < 8) {
                    assert_true(k[i * step] / pow(10, packed.scale) == values[first + i]);
                    assert_in_range(k[i * step] - (int64_t)packed.min_k, 0, packed.max_k - (int64_t)packed.min_k);
                }
            }
            assert_int_equal(n_null, 0);
        }
    }
    int32_t min_k = INT32_MAX;
    int32_t max_k = INT32_MIN;
    for (size_t i = 0; packed.width < 8 && i < n; i++) {
        int32_t value = isnan(values[i]) ? 0 : (int32_t)nearbyint(values[i] * pow(10, packed.scale));
        min_k = !isnan(values[i]) && value < min_k ? value : min_k;
        max_k = !isnan(values[i]) && value > max_k ? value : max_k;
    }
    assert_true(packed.width == 8 || (packed.min_k == min_k && packed.max_k == max_k));
    return packed;
}

static void doubles_are_kept_at_the_least_width_and_scale(void **state) {
    (void)state;
    enum { UNKNOWN = QL_CELL_SCALE_UNKNOWN };
    static const struct {
        double values[4];
        int scale, first_scale;
        uint8_t width, expected_scale;
    } CASES[] = {
        {{1, 2, 3, -127}, UNKNOWN, -1, 1, 0},
        {{7, 3, NONE, 5}, UNKNOWN, -1, 1, 0},
        {{1, 2, 3, 128}, UNKNOWN, -1, 2, 0},
        {{1, 2, NONE, -128}, UNKNOWN, -1, 2, 0}, /* -128 is the place of NULL */
        {{1, 2, 3, -32768}, UNKNOWN, -1, 4, 0},
        {{0.5, 2, NONE, 3276.7}, UNKNOWN, -1, 2, 1},
        {{0.1234, 0.5, 1, 0}, 4, 4, 2, 4},
        {{0.1234, 0.5, 1, 0}, UNKNOWN, 4, 2, 4},
        {{0.1234, 0.5, 0, 0.12345}, UNKNOWN, 4, 4, 5},
        {{0.5, 0.5, 1, 0}, UNKNOWN, 4, 2, 4}, /* tried from the scale of rounding on */
        {{0.5, 0.5, 1, 0}, 1, 4, 1, 1},       /* the hint is better */
        {{0.5, 0.5, 1, 0}, 12, 12, 1, 1},     /* no column has a scale of 12 */
        {{214748.3647, 0, NONE, -214748.3647}, 4, 4, 4, 4},
        {{214748.3648, 0, 0, 0}, 4, 4, 8, 0},
        {{1.0 / 3, 0, NONE, 0}, UNKNOWN, -1, 8, 0},
        {{1e300, 0, 1, 0}, UNKNOWN, -1, 8, 0},
        {{9007199254740993e3, 0, 1, 0}, 3, -1, 8, 0},
        {{0.000000001, 0, 1, 2.147483647}, UNKNOWN, -1, 4, 9},
        {{0.0000000001, 0, 1, 2}, UNKNOWN, -1, 8, 0},
        {{-0.0, 0, 1, 2}, UNKNOWN, -1, 8, 0}, /* no integer has its sign */
        {{NONE, NONE, NONE, NONE}, UNKNOWN, -1, 1, 0},
        {{NONE, NONE, NONE, 70000}, 0, -1, 4, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_packed packed = check_doubles(CASES[i].values, 4, CASES[i].scale, CASES[i].first_scale);
        if (packed.width != CASES[i].width || packed.scale != CASES[i].expected_scale) {
            fail_msg("case %zu: width %d, scale %d", i, packed.width, packed.scale);
        }
    }
}

static void decimals_come_back_bit_by_bit(void **state) {
    (void)state;
    static double values[MAX_VALUES];
    uint64_t seed = 3;
    for (int scale = 0; scale <= 9; scale++) {
        for (int bits = 1; bits <= 40; bits++) {
            for (int has_null = 0; has_null < 2; has_null++) {
                int64_t greatest = 0;
                size_t n = 700 + (size_t)bits;
                for (size_t i = 0; i < n; i++) {
                    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                    int64_t k = (int64_t)(seed >> (64 - bits));
                    values[i] = (double)(i % 2 == 0 ? k : -k) / pow(10, scale) + 0.0;
                    greatest = k > greatest ? k : greatest;
                    values[i] = has_null == 1 && i % 7 == 3 ? NONE : values[i];
                }
                struct ql_packed packed = check_doubles(values, n, scale, 4);
                uint8_t width = greatest <= INT8_MAX ? 1 : greatest <= INT16_MAX ? 2 : greatest <= INT32_MAX ? 4 : 8;
                assert_true(has_null == 1 || packed.width == width);
                assert_true(packed.width <= width);
                (void)check_doubles(values, n, QL_CELL_SCALE_UNKNOWN, 0);
            }
        }
    }
}

static void integers_come_back_from_every_width(void **state) {
    (void)state;
    static const int64_t LIMITS[] = {INT8_MAX, INT16_MAX, INT32_MAX, INT64_MAX};
    for (size_t w = 0; w < 4; w++) {
        for (int has_null = 0; has_null < 2; has_null++) {
            int64_t values[64];
            int64_t memory[64];
            int64_t out[64];
            uint8_t is_valid[64];
            for (size_t i = 0; i < 64; i++) {
                values[i] = i % 3 == 0 ? LIMITS[w] - (int64_t)i : (i % 3 == 1 ? -LIMITS[w] + (int64_t)i - 1 : (int64_t)i);
                values[i] = has_null == 1 && i % 5 == 0 ? QL_CELL_NULL_I64 : values[i];
            }
            values[1] = has_null == 1 ? QL_CELL_NULL_I64 : values[1];
            values[7] = LIMITS[w];
            struct ql_packed packed;
            const struct ql_packed_input input = {.cells = values, .n_cells = 20, .others = values + 20, .n_others = 44};
            assert_true(ql_packed_choose(&packed, QL_PACKED_INT64, &input));
            assert_int_equal(packed.width, 1 << w);
            ql_packed_write(&packed, values, 64, memory);
            ql_packed_set_values(&packed, memory, 64);
            assert_int_equal(ql_packed_get_valid(&packed, 0, 64, 1, is_valid), has_null == 1 ? 14 : 0);
            ql_packed_get_i64(&packed, 0, 64, out);
            int64_t least = 0;
            for (size_t i = 0; i < 64; i++) {
                assert_int_equal(is_valid[i], values[i] != QL_CELL_NULL_I64);
                assert_true(is_valid[i] == 0 || out[i] == values[i]);
                least = is_valid[i] != 0 && values[i] < least ? values[i] : least;
            }
            assert_true(w == 3 || (packed.min_k == least && packed.max_k == LIMITS[w]));
        }
    }
}

static void decimals_of_eighteen_digits_are_the_most(void **state) {
    (void)state;
    static const struct {
        double value;
        bool fits;
        uint8_t width;
        int64_t k;
    } CASES[] = {
        {0.1235, true, 2, 1235},
        {-3.2767, true, 2, -32767},
        {-3.2768, true, 4, -32768},
        {2e5, true, 4, 2000000000},
        {3e5, true, 8, INT64_C(3000000000)},
        {300000.1235, true, 8, INT64_C(3000001235)},
        {99999999999999, true, 8, INT64_C(999999999999990000)}, /* beyond 2^53 */
        {-12345678901234.5, true, 8, INT64_C(-123456789012345000)},
        {12345678901234.123046875, true, 8, INT64_C(123456789012341230)}, /* 126 / 1024; ...230.46875 */
        {12345678901234.126953125, true, 8, INT64_C(123456789012341270)}, /* ...269.53125 */
        {-12345678901234.126953125, true, 8, INT64_C(-123456789012341270)},
        {1e14, false, 8, 0},
        {-1e14, false, 8, 0},
        {(double)INFINITY, false, 8, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const double values[] = {NONE, CASES[i].value};
        int64_t memory[2];
        int64_t out[2];
        uint8_t is_valid[2];
        struct ql_packed packed;
        const struct ql_packed_input input = {.cells = values, .n_cells = 1, .others = values + 1, .n_others = 1, .scale = 4};
        assert_int_equal(ql_packed_choose(&packed, QL_PACKED_DECIMAL, &input), CASES[i].fits);
        if (!CASES[i].fits) {
            continue;
        }
        assert_int_equal(packed.width, CASES[i].width);
        ql_packed_write(&packed, values, 2, memory);
        ql_packed_set_values(&packed, memory, 2);
        ql_packed_get_i64(&packed, 0, 2, out);
        assert_int_equal(ql_packed_get_valid(&packed, 0, 2, 1, is_valid), 1);
        assert_int_equal(is_valid[0], 0);
        assert_int_equal(out[1], CASES[i].k);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_are_kept_at_the_least_width_and_scale),
        cmocka_unit_test(decimals_come_back_bit_by_bit),
        cmocka_unit_test(integers_come_back_from_every_width),
        cmocka_unit_test(decimals_of_eighteen_digits_are_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
