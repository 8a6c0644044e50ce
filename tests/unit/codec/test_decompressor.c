/* Pages made by the libraries themselves come back; damaged ones are refused and never read or written beyond their ends. */
#include "support/test.h"

#include "base/mem.h"
#include "codec/codec.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <zstd.h>

enum { N_CASES = 300, PAGE_MAX = 200000 };

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* Repeats at all distances, runs, noise: what makes every kind of element. */
static size_t make_page(uint32_t seed, unsigned char *page) {
    size_t len = next_random(&seed) % (seed % 7 == 0 ? PAGE_MAX : 600);
    for (size_t i = 0; i < len;) {
        size_t n = 1 + next_random(&seed) % 90;
        size_t back = 1 + next_random(&seed) % (1U << (1 + next_random(&seed) % 17));
        unsigned kind = next_random(&seed) % 3;
        for (; n != 0 && i < len; n--, i++) {
            page[i] = kind == 0 && back <= i ? page[i - back] : kind == 1 ? 7 : (unsigned char)next_random(&seed);
        }
    }
    return len;
}

static size_t compress(enum ql_codec codec, const void *page, size_t len, char *out, size_t cap) {
    if (codec == QL_CODEC_SNAPPY) {
        assert_int_equal(snappy_compress(page, len, out, &cap), SNAPPY_OK);
        return cap;
    }
    size_t n = ZSTD_compress(out, cap, page, len, 3);
    assert_false(ZSTD_isError(n));
    return n;
}

/* In memory of exactly that size, so that a sanitizer sees one byte too many. */
static enum ql_status run(enum ql_codec codec, const char *ptr, size_t len, size_t out_len, const unsigned char *expected) {
    struct ql_decompressor *decompressor = ql_decompressor_new();
    char *exact = malloc(len + (len == 0));
    char *out = malloc(out_len + (out_len == 0));
    memcpy(exact, ptr, len);
    struct ql_err err = {0};
    enum ql_status status = ql_decompressor_run(decompressor, codec, exact, len, out, out_len, &err);
    if (status == QL_OK && expected != NULL) {
        assert_memory_equal(out, expected, out_len);
    }
    free(exact);
    free(out);
    ql_decompressor_free(decompressor);
    return status;
}

static void pages_of_the_libraries_come_back(void **state) {
    (void)state;
    unsigned char *page = ql_mem_alloc(PAGE_MAX);
    size_t cap = ZSTD_compressBound(PAGE_MAX) + snappy_max_compressed_length(PAGE_MAX);
    char *packed = ql_mem_alloc(cap);
    for (uint32_t seed = 0; seed < N_CASES; seed++) {
        size_t len = make_page(seed, page);
        for (int codec = QL_CODEC_SNAPPY; codec <= QL_CODEC_ZSTD; codec++) {
            size_t n = compress((enum ql_codec)codec, page, len, packed, cap);
            assert_int_equal(run((enum ql_codec)codec, packed, n, len, page), QL_OK);
            assert_int_equal(run((enum ql_codec)codec, packed, n, len + 1, NULL), QL_E_COMPRESSED);
            assert_int_equal(run((enum ql_codec)codec, packed, n - 1, len, NULL), QL_E_COMPRESSED);
        }
        assert_int_equal(run(QL_CODEC_NONE, (const char *)page, len, len, page), QL_OK);
        assert_int_equal(run(QL_CODEC_NONE, (const char *)page, len, len + 1, NULL), QL_E_COMPRESSED);
    }
    ql_mem_free(page);
    ql_mem_free(packed);
}

/* Any outcome is right but a byte beyond the ends, which the sanitizer would see. */
static void damaged_pages_are_refused_or_come_out_in_full(void **state) {
    (void)state;
    enum { SMALL = 600 };
    unsigned char page[SMALL];
    char packed[2 * SMALL + 64];
    size_t n_refused = 0;
    for (uint32_t seed = 0; seed < 6000; seed++) {
        uint32_t random = seed;
        enum ql_codec codec = seed % 2 == 0 ? QL_CODEC_SNAPPY : QL_CODEC_ZSTD;
        size_t len = make_page(seed % 50 * 7 + 1, page); /* never a multiple of 7: small */
        size_t n = compress(codec, page, len, packed, sizeof packed);
        packed[next_random(&random) % n] ^= (char)(1U << next_random(&random) % 8);
        enum ql_status status = run(codec, packed, n, len, NULL);
        assert_true(status == QL_OK || status == QL_E_COMPRESSED);
        n_refused += status != QL_OK;
    }
    assert_true(n_refused > 600);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_the_libraries_come_back),
        cmocka_unit_test(damaged_pages_are_refused_or_come_out_in_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
