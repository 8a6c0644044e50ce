#include "support/test.h"

#include "base/mem.h"
#include "parquet/delta.h"

/*
 * DELTA_BINARY_PACKED and the encodings of strings upon it, against the examples of parquet-format's Encodings.md and a decoder
 * that follows its text bit by bit.
 */

enum { N_MAX = 1000 };

static uint64_t next_random(uint64_t *x) {
    *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *x ^ *x >> 33;
}

static uint64_t take_varint(struct ql_str *in) {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(in->len > 0 && shift < 64);
        unsigned char byte = (unsigned char)*in->ptr;
        in->ptr++;
        in->len--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

static int64_t take_zigzag(struct ql_str *in) {
    uint64_t n = take_varint(in);
    return (int64_t)((n >> 1) ^ (0 - (n & 1)));
}

static uint64_t packed_value(const char *bytes, size_t i, unsigned width) {
    uint64_t value = 0;
    for (unsigned b = 0; b < width; b++) {
        size_t bit = i * width + b;
        value |= (uint64_t)((unsigned char)bytes[bit / 8] >> bit % 8 & 1) << b;
    }
    return value;
}

/* Any shape of blocks that the specification allows, and nothing that it does not. */
static size_t take_numbers(struct ql_str *in, int64_t *values) {
    uint64_t block = take_varint(in);
    uint64_t n_miniblocks = take_varint(in);
    uint64_t n = take_varint(in);
    uint64_t value = (uint64_t)take_zigzag(in);
    assert_true(block % 128 == 0 && block % n_miniblocks == 0 && block / n_miniblocks % 32 == 0 && n <= N_MAX);
    size_t miniblock = block / n_miniblocks;
    values[0] = (int64_t)value;
    for (size_t i = 1; i < n;) {
        uint64_t least = (uint64_t)take_zigzag(in);
        assert_true(in->len >= n_miniblocks);
        const unsigned char *widths = (const unsigned char *)in->ptr;
        in->ptr += n_miniblocks;
        in->len -= n_miniblocks;
        for (size_t m = 0; m < n_miniblocks; m++) {
            size_t size = i < n ? miniblock / 8 * widths[m] : 0;
            assert_true(i < n || widths[m] == 0); /* behind the values */
            assert_true(widths[m] <= 64 && in->len >= size);
            for (size_t k = 0; k < miniblock && size != 0; k++) {
                assert_true(i + k < n || packed_value(in->ptr, k, widths[m]) == 0); /* padding */
            }
            for (size_t k = 0; k < miniblock && i < n; k++) {
                value += least + packed_value(in->ptr, k, widths[m]);
                values[i++] = (int64_t)value;
            }
            in->ptr += size;
            in->len -= size;
        }
    }
    return n;
}

static void check(const int64_t *values, size_t n) {
    int64_t *exact = ql_mem_realloc(NULL, n, sizeof *exact); /* a sanitizer sees a value too many */
    if (n != 0) {
        memcpy(exact, values, n * sizeof *exact);
    }
    static int64_t got[N_MAX];
    struct ql_buf out = {0};
    ql_delta_put_numbers(&out, exact, n);
    struct ql_str in = ql_buf_view(&out);
    assert_int_equal(take_numbers(&in, got), n);
    assert_int_equal(in.len, 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(got[i] == values[i]);
    }
    ql_buf_fini(&out);
    ql_mem_free(exact);
}

#define assert_bytes(buf, literal)                                      \
    do {                                                                \
        assert_int_equal((buf).len, sizeof(literal) - 1);               \
        assert_memory_equal((buf).ptr, (literal), sizeof(literal) - 1); \
        ql_buf_fini(&(buf));                                            \
    } while (0)

/*
 * Encodings.md, "Delta Encoding", examples 1 and 2: "1, 2, 3, 4, 5" has deltas 1 1 1 1, header "8 (block size), 1 (miniblock
 * count), 5 (value count), 1 (first value)", block "1 (minimum delta), 0 (bitwidth)", no miniblock; "7, 5, 3, 1, 2, 3, 4, 5"
 * has -2 as minimum delta and the relative deltas 0 0 0 3 3 3 3 in 2 bits, "0 0 0 3 3 3 3 padded". Here a block is 128 in 4.
 */
static void the_examples_of_the_specification(void **state) {
    (void)state;
    struct ql_buf out = {0};
    const int64_t first[] = {1, 2, 3, 4, 5};
    ql_delta_put_numbers(&out, first, 5);
    assert_bytes(out, "\x80\x01\x04\x05\x02\x02\0\0\0\0");
    const int64_t second[] = {7, 5, 3, 1, 2, 3, 4, 5};
    ql_delta_put_numbers(&out, second, 8);
    assert_bytes(out, "\x80\x01\x04\x08\x0e\x03\x02\0\0\0\xc0\x3f\0\0\0\0\0\0");
    ql_delta_put_numbers(&out, NULL, 0);
    assert_bytes(out, "\x80\x01\x04\0\0");
    const int64_t one[] = {-1};
    ql_delta_put_numbers(&out, one, 1);
    assert_bytes(out, "\x80\x01\x04\x01\x01");
}

static void every_length_around_miniblocks_decodes(void **state) {
    (void)state;
    static int64_t values[N_MAX];
    uint64_t x = 1;
    for (size_t n = 0; n < 300; n++) {
        for (size_t i = 0; i < n; i++) {
            values[i] = (int64_t)(next_random(&x) % 1000);
        }
        check(values, n);
    }
}

static void every_width_of_deltas_decodes(void **state) {
    (void)state;
    static int64_t values[N_MAX];
    uint64_t x = 2;
    for (unsigned width = 0; width <= 64; width++) {
        for (int round = 0; round < 10; round++) {
            uint64_t value = next_random(&x);
            for (size_t i = 0; i < N_MAX; i++) {
                values[i] = (int64_t)value;
                value += width == 0 ? 7 : next_random(&x) >> (64 - width);
            }
            check(values, N_MAX);
        }
    }
}

static void deltas_that_wrap_decode(void **state) {
    (void)state;
    const int64_t ends[] = {INT64_MIN, INT64_MAX, INT64_MIN, 0, INT64_MAX, INT64_MAX, -1, INT64_MIN, INT64_MIN, 1};
    check(ends, sizeof ends / sizeof ends[0]);
    static int64_t values[N_MAX];
    uint64_t x = 3;
    for (size_t i = 0; i < N_MAX; i++) {
        values[i] = ends[next_random(&x) % 10];
    }
    check(values, N_MAX);
}

/* Encodings.md: "Hello", "World", "Foobar", "ABCDEF" are DeltaEncoding(5, 5, 6, 6) "HelloWorldFoobarABCDEF". */
static void strings_are_lengths_and_bytes(void **state) {
    (void)state;
    const struct ql_str strings[] = {QL_STR("Hello"), QL_STR("World"), QL_STR("Foobar"), QL_STR("ABCDEF")};
    int64_t lengths[4];
    struct ql_buf out = {0};
    struct ql_buf want = {0};
    ql_delta_put_strings(&out, strings, 4, lengths);
    ql_delta_put_numbers(&want, (const int64_t[]){5, 5, 6, 6}, 4);
    ql_buf_puts(&want, "HelloWorldFoobarABCDEF");
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.ptr, want.ptr, want.len);
    ql_buf_fini(&out);
    ql_buf_fini(&want);
}

/* Encodings.md: "axis", "axle", "babble", "babyhood" are prefixes 0, 2, 0, 3 and suffixes "axis", "le", "babble", "yhood". */
static void strings_share_what_they_begin_with(void **state) {
    (void)state;
    const struct ql_str strings[] = {QL_STR("axis"), QL_STR("axle"), QL_STR("babble"), QL_STR("babyhood")};
    int64_t lengths[4];
    struct ql_buf out = {0};
    struct ql_buf want = {0};
    ql_delta_put_prefixed(&out, strings, 4, lengths);
    ql_delta_put_numbers(&want, (const int64_t[]){0, 2, 0, 3}, 4);
    ql_delta_put_numbers(&want, (const int64_t[]){4, 2, 6, 5}, 4);
    ql_buf_puts(&want, "axislebabbleyhood");
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.ptr, want.ptr, want.len);
    ql_buf_reset(&out);
    ql_delta_put_prefixed(&out, NULL, 0, NULL);
    assert_bytes(out, "\x80\x01\x04\0\0\x80\x01\x04\0\0");
    ql_buf_fini(&want);
}

static void equal_and_empty_strings_are_fine(void **state) {
    (void)state;
    const struct ql_str strings[] = {{0}, QL_STR(""), QL_STR("same"), QL_STR("same"), QL_STR(""), QL_STR("sa")};
    int64_t lengths[6];
    struct ql_buf out = {0};
    ql_delta_put_prefixed(&out, strings, 6, lengths);
    static int64_t got[N_MAX];
    struct ql_str in = ql_buf_view(&out);
    const int64_t prefixes[] = {0, 0, 0, 4, 0, 0};
    const int64_t suffixes[] = {0, 0, 4, 0, 0, 2};
    assert_int_equal(take_numbers(&in, got), 6);
    assert_memory_equal(got, prefixes, sizeof prefixes);
    assert_int_equal(take_numbers(&in, got), 6);
    assert_memory_equal(got, suffixes, sizeof suffixes);
    assert_str_equal(in, "samesa");
    ql_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_specification), cmocka_unit_test(every_length_around_miniblocks_decodes),
        cmocka_unit_test(every_width_of_deltas_decodes),     cmocka_unit_test(deltas_that_wrap_decode),
        cmocka_unit_test(strings_are_lengths_and_bytes),     cmocka_unit_test(strings_share_what_they_begin_with),
        cmocka_unit_test(equal_and_empty_strings_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
