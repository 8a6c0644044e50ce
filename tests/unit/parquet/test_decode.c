/* Every encoding: vectors of parquet-format's Encodings.md, what our encoders make, and bytes that are no encoding at all. */
#include "support/test.h"

#include "base/mem.h"
#include "parquet/decode.h"
#include "parquet/delta.h"
#include "parquet/read.h"
#include "parquet/rle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void note_number(void *ctx, uint32_t number, size_t repeat) {
    for (; repeat != 0; repeat--) {
        ql_buf_printf(ctx, "%u ", number);
    }
}

static void note_value(void *ctx, struct ql_str value, size_t repeat) {
    for (; repeat != 0; repeat--) {
        if (value.len == 8) {
            int64_t number = 0;
            memcpy(&number, value.ptr, sizeof number);
            ql_buf_printf(ctx, "%" PRId64 " ", number);
        } else {
            ql_buf_printf(ctx, "%.*s ", QL_STR_ARG(value));
        }
    }
}

/* In memory that ends where they end. */
static char *exact(struct ql_str bytes) {
    char *copy = malloc(bytes.len + (bytes.len == 0));
    memcpy(copy, bytes.ptr != NULL ? bytes.ptr : "", bytes.len);
    return copy;
}

static const char *decode(int32_t encoding, int32_t type, struct ql_str bytes, size_t n, struct ql_buf *out) {
    char *copy = exact(bytes);
    ql_buf_reset(out);
    ql_buf_puts(out, "");
    const char *why = ql_decode_values(encoding, (struct ql_value_type){.type = type, .type_length = 3},
                                       (struct ql_str){.ptr = copy, .len = bytes.len}, n, note_value, out);
    free(copy);
    return why;
}

static void runs_and_groups_are_those_of_the_specification(void **state) {
    (void)state;
    struct ql_buf out = {0};
    size_t rest = 99;
    /* "the numbers 1 through 7 using bit width 3" is 10001000 11000110 11111010 for 0 to 7. */
    assert_null(ql_rle_get(QL_STR("\x03\x88\xc6\xfa"), 3, 8, note_number, &out, &rest));
    assert_string_equal(out.ptr, "0 1 2 3 4 5 6 7 ");
    assert_int_equal(rest, 0);
    ql_buf_reset(&out);
    assert_null(ql_rle_get(QL_STR("\x06\x2c\x01\x03\xff\xff\xff\xff"), 9, 3, note_number, &out, &rest)); /* a run of 300 */
    assert_string_equal(out.ptr, "300 300 300 ");
    assert_int_equal(rest, 5);
    ql_buf_fini(&out);
}

static void what_our_encoders_make_comes_back(void **state) {
    (void)state;
    uint64_t random = 1;
    struct ql_buf packed = {0};
    struct ql_buf expected = {0};
    struct ql_buf out = {0};
    for (unsigned c = 0; c < 600; c++) {
        unsigned width = 1 + c % 32;
        size_t n = c % 5 == 0 ? c % 9 : 1 + c % 300;
        uint32_t values[300];
        int64_t numbers[300];
        int64_t lengths[300];
        struct ql_str strings[300];
        char text[300][24];
        ql_buf_reset(&packed);
        ql_buf_reset(&expected);
        ql_buf_puts(&expected, "");
        for (size_t i = 0; i < n; i++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            values[i] = c % 3 == 0 && i != 0 && i % 40 != 0 ? values[i - 1] : (uint32_t)(random >> 32) >> (32 - width);
            numbers[i] = c % 4 == 0 ? (int64_t)random : (int64_t)(random >> (20 + c % 44));
            (void)snprintf(text[i], sizeof text[i], "%s%" PRIu64, i % 3 == 0 ? "queue " : "q", random >> (30 + c % 30));
            strings[i] = ql_str_from(text[i]);
            ql_buf_printf(&expected, "%u ", values[i]);
        }
        size_t rest = 99;
        ql_rle_put(&packed, values, n, width);
        char *copy = exact(ql_buf_view(&packed));
        ql_buf_reset(&out);
        ql_buf_puts(&out, "");
        assert_null(ql_rle_get((struct ql_str){copy, packed.len}, width, n, note_number, &out, &rest));
        free(copy);
        assert_string_equal(out.ptr, expected.ptr);
        assert_int_equal(rest, 0);

        ql_buf_reset(&packed);
        ql_buf_reset(&expected);
        ql_buf_puts(&expected, "");
        for (size_t i = 0; i < n; i++) {
            ql_buf_printf(&expected, "%" PRId64 " ", numbers[i]);
        }
        ql_delta_put_numbers(&packed, numbers, n);
        assert_null(decode(QL_PARQUET_ENCODING_DELTA_BINARY_PACKED, QL_PARQUET_TYPE_INT64, ql_buf_view(&packed), n, &out));
        assert_string_equal(out.ptr, expected.ptr);
        assert_non_null(
            decode(QL_PARQUET_ENCODING_DELTA_BINARY_PACKED, QL_PARQUET_TYPE_INT64, ql_buf_view(&packed), n + 1, &out));
        packed.len -= 1;
        assert_non_null(decode(QL_PARQUET_ENCODING_DELTA_BINARY_PACKED, QL_PARQUET_TYPE_INT64, ql_buf_view(&packed), n, &out));

        for (int prefixed = 0; prefixed < 2; prefixed++) {
            int32_t encoding = prefixed ? QL_PARQUET_ENCODING_DELTA_BYTE_ARRAY : QL_PARQUET_ENCODING_DELTA_LENGTH_BYTE_ARRAY;
            ql_buf_reset(&packed);
            ql_buf_reset(&expected);
            ql_buf_puts(&expected, "");
            for (size_t i = 0; i < n; i++) {
                note_value(&expected, strings[i], 1);
            }
            (prefixed ? ql_delta_put_prefixed : ql_delta_put_strings)(&packed, strings, n, lengths);
            assert_null(decode(encoding, QL_PARQUET_TYPE_BYTE_ARRAY, ql_buf_view(&packed), n, &out));
            assert_string_equal(out.ptr, expected.ptr);
            ql_buf_putc(&packed, 'x');
            assert_non_null(decode(encoding, QL_PARQUET_TYPE_BYTE_ARRAY, ql_buf_view(&packed), n, &out));
            packed.len -= 2;
            assert_non_null(decode(encoding, QL_PARQUET_TYPE_BYTE_ARRAY, ql_buf_view(&packed), n, &out));
        }
    }
    ql_buf_fini(&packed);
    ql_buf_fini(&expected);
    ql_buf_fini(&out);
}

static void plain_values_take_all_bytes(void **state) {
    (void)state;
    struct ql_buf out = {0};
    assert_null(decode(QL_PARQUET_ENCODING_PLAIN, QL_PARQUET_TYPE_FIXED, QL_STR("abcdef"), 2, &out));
    assert_string_equal(out.ptr, "abc def ");
    assert_non_null(decode(QL_PARQUET_ENCODING_PLAIN, QL_PARQUET_TYPE_FIXED, QL_STR("abcdefg"), 2, &out));
    assert_non_null(decode(QL_PARQUET_ENCODING_PLAIN, QL_PARQUET_TYPE_FIXED, QL_STR("abcde"), 2, &out));
    assert_null(decode(QL_PARQUET_ENCODING_PLAIN, QL_PARQUET_TYPE_BYTE_ARRAY, QL_STR("\2\0\0\0ab\0\0\0\0\1\0\0\0c"), 3, &out));
    assert_string_equal(out.ptr, "ab  c ");
    assert_non_null(decode(QL_PARQUET_ENCODING_PLAIN, QL_PARQUET_TYPE_BYTE_ARRAY, QL_STR("\xff\xff\xff\xff ab"), 1, &out));
    assert_null(decode(QL_PARQUET_ENCODING_BYTE_STREAM_SPLIT, QL_PARQUET_TYPE_INT64,
                       QL_STR("\1\2\0\0\0\0\0\0\0\0\0\0\0\0\0\x80"), 2, &out));
    assert_string_equal(out.ptr, "1 -9223372036854775806 ");
    assert_false(ql_can_decode(QL_PARQUET_ENCODING_BYTE_STREAM_SPLIT, (struct ql_value_type){QL_PARQUET_TYPE_BYTE_ARRAY, 0}));
    assert_null(decode(QL_PARQUET_ENCODING_PLAIN, QL_PARQUET_TYPE_INT64, QL_STR(""), 0, &out));
    ql_buf_fini(&out);
}

static void count_value(void *ctx, struct ql_str value, size_t repeat) {
    *(size_t *)ctx += repeat + (value.len != 0 ? (unsigned char)value.ptr[value.len - 1] : 0); /* touches its bytes */
}
static void count_number(void *ctx, uint32_t number, size_t repeat) {
    *(size_t *)ctx += repeat + number;
}

static void any_bytes_are_taken_or_refused(void **state) {
    (void)state;
    static const int32_t TYPES[] = {0, 1, 2, 3, 4, 5, 6, 7};
    uint64_t random = 42;
    size_t n_taken = 0;
    size_t sum = 0;
    for (unsigned c = 0; c < 60000; c++) {
        unsigned char bytes[48];
        size_t len = c % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            bytes[i] = (unsigned char)(random >> 40) & (c % 3 == 0 ? 0x0f : 0xff);
        }
        if (c % 4 == 0 && len > 4) { /* a head that delta decoders take */
            memcpy(bytes, "\x80\x01\x04", 3);
            bytes[3] = (unsigned char)(c / 4 % 40);
        }
        char *copy = exact((struct ql_str){(const char *)bytes, len});
        struct ql_value_type type = {.type = TYPES[c % 8], .type_length = 3};
        int32_t encoding = (int32_t)(c / 8 % 10);
        size_t n = c / 4 % 40;
        size_t rest = 0;
        n_taken += ql_decode_values(encoding, type, (struct ql_str){copy, len}, n, count_value, &sum) == NULL;
        (void)ql_rle_get((struct ql_str){copy, len}, c % 34, n, count_number, &sum, &rest);
        assert_true(rest <= len);
        free(copy);
    }
    assert_true(n_taken > 100 && sum != 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_and_groups_are_those_of_the_specification),
        cmocka_unit_test(what_our_encoders_make_comes_back),
        cmocka_unit_test(plain_values_take_all_bytes),
        cmocka_unit_test(any_bytes_are_taken_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
