#include "support/test.h"

#include "base/mem.h"
#include "parquet/rle.h"
#include "parquet/thrift.h"

enum { N_MAX = 1200 };

static uint32_t next_random(uint32_t *x) {
    *x = *x * 1664525u + 1013904223u;
    return *x >> 8;
}

static uint64_t take_varint(const unsigned char *bytes, size_t len, size_t *at) {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(*at < len);
        unsigned char byte = bytes[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

/* Bit by bit, as the specification says it: value i of a packed run has its bit b at bit i * width + b of the run. */
static uint32_t packed_value(const unsigned char *bytes, size_t i, unsigned width) {
    uint32_t value = 0;
    for (unsigned b = 0; b < width; b++) {
        size_t bit = i * width + b;
        value |= (uint32_t)(bytes[bit / 8] >> bit % 8 & 1) << b;
    }
    return value;
}

/* Decodes everything; values may be up to 7 more than n, all 0. Fails on bytes that are missing or left. */
static void assert_decodes_to(const struct ql_buf *buf, const uint32_t *values, size_t n, unsigned width) {
    const unsigned char *bytes = (const unsigned char *)buf->ptr;
    size_t i = 0;
    size_t at = 0;
    while (at < buf->len) {
        assert_true(i < n || n == 0);
        uint64_t head = take_varint(bytes, buf->len, &at);
        size_t size = (head & 1) != 0 ? (size_t)(head >> 1) * width : (width + 7) / 8;
        assert_true(at + size <= buf->len);
        size_t n_run = (head & 1) != 0 ? (size_t)(head >> 1) * 8 : (size_t)(head >> 1);
        assert_true(n_run > 0);
        for (size_t r = 0; r < n_run; r++, i++) {
            uint32_t value = packed_value(bytes + at, (head & 1) != 0 ? r : 0, width);
            assert_int_equal(value, i < n ? values[i] : 0);
            assert_true(i < n || (head & 1) != 0); /* only a packed run may go beyond, to fill its group */
        }
        at += size;
    }
    assert_true(i >= n && i < n + 8);
}

static void check(const uint32_t *values, size_t n, unsigned width) {
    struct ql_buf out = {0};
    ql_rle_put(&out, values, n, width);
    assert_decodes_to(&out, values, n, width);
    ql_buf_fini(&out);
}

static void widths_are_at_least_one_bit(void **state) {
    (void)state;
    assert_int_equal(ql_rle_width(0), 1);
    assert_int_equal(ql_rle_width(1), 1);
    assert_int_equal(ql_rle_width(2), 2);
    assert_int_equal(ql_rle_width(255), 8);
    assert_int_equal(ql_rle_width(256), 9);
    assert_int_equal(ql_rle_width(UINT32_MAX), 32);
}

#define assert_bytes(buf, literal)                                      \
    do {                                                                \
        assert_int_equal((buf).len, sizeof(literal) - 1);               \
        assert_memory_equal((buf).ptr, (literal), sizeof(literal) - 1); \
        ql_buf_fini(&(buf));                                            \
    } while (0)

/* The example of parquet-format's Encodings.md: 0 to 7 in 3 bits. */
static void packing_starts_at_the_lowest_bit(void **state) {
    (void)state;
    struct ql_buf out = {0};
    const uint32_t values[] = {0, 1, 2, 3, 4, 5, 6, 7};
    ql_rle_put(&out, values, 8, 3);
    assert_bytes(out, "\x03\x88\xc6\xfa");
}

static void the_last_group_is_filled_to_eight(void **state) {
    (void)state;
    struct ql_buf out = {0};
    const uint32_t values[] = {1, 0, 1};
    ql_rle_put(&out, values, 3, 1);
    assert_bytes(out, "\x03\x05"); /* the levels of 10, NULL, 30 */
    ql_rle_put(&out, values, 1, 20);
    assert_bytes(out, "\x03\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void equal_values_become_one_run(void **state) {
    (void)state;
    uint32_t values[200];
    for (size_t i = 0; i < 200; i++) {
        values[i] = 0x1234;
    }
    struct ql_buf out = {0};
    ql_rle_put(&out, values, 200, 13);
    assert_bytes(out, "\x90\x03\x34\x12");
    ql_rle_put_run(&out, 1, 64, 1);
    assert_bytes(out, "\x80\x01\x01");
    ql_rle_put(&out, values, 0, 13);
    assert_int_equal(out.len, 0);
    ql_buf_fini(&out);
}

static void a_packed_run_borrows_from_the_run_behind_it(void **state) {
    (void)state;
    uint32_t values[3 + 100];
    for (size_t i = 0; i < 103; i++) {
        values[i] = i < 3 ? (uint32_t)i + 1 : 9;
    }
    struct ql_buf out = {0};
    ql_rle_put(&out, values, 103, 4);
    /* 1 2 3 9 9 9 9 9 packed, then 95 of 9: header 190 */
    assert_bytes(out, "\x03\x21\x93\x99\x99\xbe\x01\x09");
}

static void every_width_and_shape_decodes_to_what_went_in(void **state) {
    (void)state;
    uint32_t x = 7;
    uint32_t values[N_MAX];
    for (unsigned width = 1; width <= 32; width++) {
        for (int round = 0; round < 60; round++) {
            size_t n = next_random(&x) % N_MAX;
            size_t longest = (size_t)1 << next_random(&x) % 9; /* of a run */
            for (size_t i = 0; i < n;) {
                uint32_t value = (next_random(&x) << 12 ^ next_random(&x)) >> (32 - width);
                for (size_t run = next_random(&x) % longest + 1; run > 0 && i < n; run--) {
                    values[i++] = value;
                }
            }
            check(values, n, width);
        }
    }
}

static void no_stream_is_longer_than_its_packed_form(void **state) {
    (void)state;
    uint32_t x = 3;
    uint32_t values[N_MAX];
    for (unsigned width = 1; width <= 24; width++) {
        for (size_t run = 1; run < 60; run++) {
            for (size_t i = 0; i < N_MAX; i++) {
                values[i] = i % run == 0 ? next_random(&x) & ((1u << width) - 1) : values[i - 1];
            }
            struct ql_buf out = {0};
            ql_rle_put(&out, values, N_MAX, width);
            assert_true(out.len <= 2 + N_MAX / 8 * width);
            ql_buf_fini(&out);
        }
    }
}

/*
 * Where runs begin and end is part of the bytes that files have: every maximal run of equal values is looked at, whatever finds
 * it. A run leaves the packed form once it has filled the group before it and is still longer than what it costs.
 */
static void put_plainly(struct ql_buf *out, const uint32_t *values, size_t n, unsigned width) {
    size_t pays = ((2 + (width + 7) / 8) / width + 1) * 8;
    size_t start = 0;
    for (size_t i = 0, end = 0; i <= n; i = end) {
        for (end = i + 1; end < n && values[end] == values[i];) {
            end++;
        }
        size_t borrowed = (8 - (i - start) % 8) % 8;
        bool is_run = i < n && end - i >= borrowed + pays;
        if (!is_run && i < n) {
            continue;
        }
        size_t n_packed = i - start + (is_run ? borrowed : 0);
        if (n_packed != 0) {
            ql_varint_put(out, (n_packed + 7) / 8 << 1 | 1);
            unsigned char *bytes = (unsigned char *)ql_buf_reserve(out, (n_packed + 7) / 8 * width);
            memset(bytes, 0, (n_packed + 7) / 8 * width);
            for (size_t bit = 0; bit < n_packed * width; bit++) {
                bytes[bit / 8] = (unsigned char)(bytes[bit / 8] | (values[start + bit / width] >> bit % width & 1) << bit % 8);
            }
            out->len += (n_packed + 7) / 8 * width;
        }
        if (is_run) {
            ql_rle_put_run(out, values[i], end - i - borrowed, width);
            start = end;
        }
    }
}

static void bytes_are_those_of_a_plain_encoder(void **state) {
    (void)state;
    uint32_t seed = 7;
    static uint32_t values[N_MAX];
    for (int round = 0; round < 3000; round++) {
        unsigned width = 1 + next_random(&seed) % 32;
        size_t n = next_random(&seed) % (round % 10 == 0 ? N_MAX : 70);
        uint32_t longest = 1 + next_random(&seed) % 40;
        for (size_t i = 0; i < n;) {
            uint32_t value = (next_random(&seed) << 20 ^ next_random(&seed)) & (uint32_t)((UINT64_C(1) << width) - 1);
            value = round % 3 == 0 ? value & 1 : value;
            for (uint32_t run = 1 + next_random(&seed) % longest; run != 0 && i < n; run--) {
                values[i++] = value;
            }
        }
        struct ql_buf expected = {0};
        struct ql_buf out = {0};
        put_plainly(&expected, values, n, width);
        ql_rle_put(&out, values, n, width);
        assert_int_equal(out.len, expected.len);
        assert_true(out.len == 0 || memcmp(out.ptr, expected.ptr, out.len) == 0);
        ql_buf_fini(&expected);
        ql_buf_fini(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_those_of_a_plain_encoder),
        cmocka_unit_test(widths_are_at_least_one_bit),
        cmocka_unit_test(packing_starts_at_the_lowest_bit),
        cmocka_unit_test(the_last_group_is_filled_to_eight),
        cmocka_unit_test(equal_values_become_one_run),
        cmocka_unit_test(a_packed_run_borrows_from_the_run_behind_it),
        cmocka_unit_test(every_width_and_shape_decodes_to_what_went_in),
        cmocka_unit_test(no_stream_is_longer_than_its_packed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
