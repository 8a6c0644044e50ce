#include "support/test.h"

#include "base/mem.h"
#include "codec/codec.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum { LEN = 300 * 1000 };

/* Half noise, half repetition, from a fixed seed. */
static unsigned char *sample(size_t len) {
    unsigned char *bytes = ql_mem_alloc(len);
    uint32_t x = 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (i / 1000) % 2 == 0 ? (unsigned char)(x >> 24) : (unsigned char)(i % 7);
    }
    return bytes;
}

static void decompress(enum ql_codec codec, const void *in, size_t in_len, void *out, size_t out_len) {
    if (codec == QL_CODEC_SNAPPY) {
        size_t n = out_len;
        assert_int_equal(snappy_uncompress(in, in_len, out, &n), SNAPPY_OK);
        assert_int_equal(n, out_len);
    } else if (codec == QL_CODEC_ZSTD) {
        assert_int_equal(ZSTD_decompress(out, out_len, in, in_len), out_len);
    } else {
        assert_int_equal(in_len, out_len);
        memcpy(out, in, in_len);
    }
}

static void every_codec_gives_back_what_went_in(void **state) {
    (void)state;
    static const enum ql_codec CODECS[] = {QL_CODEC_NONE, QL_CODEC_SNAPPY, QL_CODEC_ZSTD};
    static const size_t LENS[] = {0, 1, 7, 65536, LEN};
    unsigned char *in = sample(LEN);
    unsigned char *back = ql_mem_alloc(LEN);
    for (size_t c = 0; c < 3; c++) {
        struct ql_compressor *compressor = ql_compressor_new(CODECS[c], 0);
        for (size_t i = 0; i < sizeof LENS / sizeof LENS[0]; i++) {
            size_t bound = ql_compressor_bound(compressor, LENS[i]);
            unsigned char *out = ql_mem_alloc(bound); /* exact, so that a sanitizer sees one byte too many */
            size_t n = 0;
            assert_ok(ql_compressor_run(compressor, in, LENS[i], out, &n, err));
            assert_true(n <= bound);
            decompress(CODECS[c], out, n, back, LENS[i]);
            assert_memory_equal(back, in, LENS[i]);
            ql_mem_free(out);
        }
        ql_compressor_free(compressor);
    }
    ql_mem_free(in);
    ql_mem_free(back);
}

/* Every short length, and the bound of it exactly; of fewer than 15 bytes Snappy itself makes the same. */
static void what_is_stored_comes_back(void **state) {
    (void)state;
    unsigned char *in = sample(1000);
    unsigned char back[200];
    for (int codec = QL_CODEC_NONE; codec <= QL_CODEC_ZSTD; codec++) {
        struct ql_compressor *compressor = ql_compressor_new((enum ql_codec)codec, 0);
        for (size_t len = 0; len < sizeof back; len++) {
            size_t bound = ql_compressor_bound(compressor, len);
            unsigned char *out = ql_mem_alloc(bound);
            size_t n = 0;
            assert_ok(ql_compressor_store(compressor, in + 7, len, out, &n, err));
            assert_true(n <= bound);
            decompress((enum ql_codec)codec, out, n, back, len);
            assert_memory_equal(back, in + 7, len);
            if (codec == QL_CODEC_SNAPPY && len < 15) {
                size_t n_run = 0;
                assert_ok(ql_compressor_run(compressor, in + 7, len, back, &n_run, err));
                assert_int_equal(n_run, n);
                size_t n_snappy = sizeof back;
                unsigned char theirs[200];
                assert_int_equal(snappy_compress((const char *)in + 7, len, (char *)theirs, &n_snappy), SNAPPY_OK);
                assert_int_equal(n_snappy, n);
                assert_memory_equal(theirs, out, n);
                assert_memory_equal(back, out, n);
            }
            ql_mem_free(out);
        }
        ql_compressor_free(compressor);
    }
    ql_mem_free(in);
}

static void a_zstd_frame_states_its_size_and_keeps_its_window_small(void **state) {
    (void)state;
    unsigned char *in = sample(LEN);
    struct ql_compressor *compressor = ql_compressor_new(QL_CODEC_ZSTD, 19);
    size_t n = 0;
    unsigned char *out = ql_mem_alloc(ql_compressor_bound(compressor, LEN));
    assert_ok(ql_compressor_run(compressor, in, LEN, out, &n, err));
    assert_int_equal(ZSTD_getFrameContentSize(out, n), LEN);
    assert_int_equal(out[4] & 0x20, 0x20); /* RFC 8878, 3.1.1.1.1: Single_Segment_flag, the window is the content */
    ql_compressor_free(compressor);
    ql_mem_free(in);
    ql_mem_free(out);
}

static void bytes_do_not_depend_on_what_came_before(void **state) {
    (void)state;
    unsigned char *in = sample(LEN);
    for (int codec = QL_CODEC_SNAPPY; codec <= QL_CODEC_ZSTD; codec++) {
        struct ql_compressor *used = ql_compressor_new((enum ql_codec)codec, 0);
        unsigned char *first = ql_mem_alloc(ql_compressor_bound(used, LEN));
        unsigned char *second = ql_mem_alloc(ql_compressor_bound(used, LEN));
        size_t n_first = 0;
        size_t n_second = 0;
        assert_ok(ql_compressor_run(used, in, LEN, first, &n_first, err));
        assert_ok(ql_compressor_run(used, in + 5000, 1234, second, &n_second, err));
        assert_ok(ql_compressor_run(used, in, LEN, second, &n_second, err));
        assert_int_equal(n_first, n_second);
        assert_memory_equal(first, second, n_first);
        ql_compressor_free(used);
        ql_mem_free(first);
        ql_mem_free(second);
    }
    ql_mem_free(in);
}

static void crc_is_that_of_ieee_802_3_and_goes_on(void **state) {
    (void)state;
    assert_int_equal(ql_crc32(0, "123456789", 9), 0xcbf43926); /* the standard check value of CRC-32 */
    assert_int_equal(ql_crc32(ql_crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
    assert_int_equal(ql_crc32(0, NULL, 0), 0);
}

static void versions_name_the_three_libraries(void **state) {
    (void)state;
    struct ql_buf out = {0};
    ql_codec_versions(&out);
    assert_true(strncmp(out.ptr, "zlib 1.", 7) == 0);
    assert_non_null(strstr(out.ptr, ", snappy 1."));
    assert_non_null(strstr(out.ptr, ", zstd 1."));
    ql_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_gives_back_what_went_in),
        cmocka_unit_test(what_is_stored_comes_back),
        cmocka_unit_test(a_zstd_frame_states_its_size_and_keeps_its_window_small),
        cmocka_unit_test(bytes_do_not_depend_on_what_came_before),
        cmocka_unit_test(crc_is_that_of_ieee_802_3_and_goes_on),
        cmocka_unit_test(versions_name_the_three_libraries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
