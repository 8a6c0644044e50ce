#include "support/test.h"

#include "base/mem.h"
#include "codec/codec.h"

#include <zlib.h>
#include <zstd.h>

/* gzip.compress(b"hello, world\n", mtime=0) of Python 3.11 */
static const unsigned char HELLO_GZ[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb,
                                         0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0x28, 0xcf, 0x2f, 0xca, 0x49,
                                         0xe1, 0x02, 0x00, 0x53, 0x74, 0x24, 0xf4, 0x0d, 0x00, 0x00, 0x00};
#define HELLO "hello, world\n"

struct collected {
    struct ql_buf buf;
    int64_t fail_after; /* bytes; 0: never */
};

static enum ql_status collect(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct collected *to = ctx;
    if (to->fail_after != 0 && (int64_t)(to->buf.len + len) > to->fail_after) {
        return QL_FAIL(err, QL_E_IO, "sink is full");
    }
    ql_buf_put(&to->buf, ptr, len);
    return QL_OK;
}

/* Text that compresses, in many lines. */
static void put_text(struct ql_buf *buf, size_t len) {
    for (unsigned i = 0; buf->len < len; i++) {
        ql_buf_printf(buf, "2024-01-01T00:00:00.000Z,Queue %u,%u\n", i % 17, i * 2654435761u >> 20);
    }
    buf->len = len;
}

static void put_gzip(struct ql_buf *out, const void *ptr, size_t len) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, len);
    z.next_out = (unsigned char *)ql_buf_reserve(out, room);
    z.avail_out = (unsigned)room;
    z.next_in = (unsigned char *)(uintptr_t)ptr;
    z.avail_in = (unsigned)len;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    deflateEnd(&z);
}

static void put_zstd(struct ql_buf *out, const void *ptr, size_t len) {
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
    size_t room = ZSTD_compressBound(len);
    size_t n = ZSTD_compress2(ctx, ql_buf_reserve(out, room), room, ptr, len);
    assert_false(ZSTD_isError(n));
    out->len += n;
    ZSTD_freeCCtx(ctx);
}

/* RFC 8878, 3.1.2: magic 0x184D2A50 + n, length, content. */
static void put_skippable(struct ql_buf *out) {
    ql_buf_put(out, "\x53\x2a\x4d\x18\x05\x00\x00\x00hidde", 13);
}

struct limits {
    int64_t max_bytes, max_ratio;
};

/* Feeds [0, split) and then the rest in pieces of `step` bytes. */
static enum ql_status decode(struct ql_str in, size_t split, size_t step, struct limits limits, struct collected *to,
                             struct ql_err *err) {
    struct ql_sink sink = {.write = collect, .ctx = to};
    struct ql_decoder *decoder = ql_decoder_new(ql_stream_detect(in.ptr, in.len), limits.max_bytes, limits.max_ratio, sink);
    enum ql_status status = ql_decoder_feed(decoder, in.ptr, split, err);
    for (size_t at = split; status == QL_OK && at < in.len; at += step) {
        /* A copy of its own, so that a sanitizer sees a read behind the chunk. */
        size_t n = in.len - at < step ? in.len - at : step;
        char *chunk = ql_mem_strndup(in.ptr + at, n);
        status = ql_decoder_feed(decoder, chunk, n, err);
        ql_mem_free(chunk);
    }
    if (status == QL_OK) {
        status = ql_decoder_finish(decoder, err);
    } else {
        assert_int_not_equal(ql_decoder_finish(decoder, NULL), QL_OK);
    }
    ql_decoder_free(decoder);
    return status;
}

static enum ql_status decode_whole(struct ql_str in, struct collected *to, struct ql_err *err) {
    return decode(in, in.len, 1, (struct limits){0}, to, err);
}

static void magic_bytes_decide(void **state) {
    (void)state;
    assert_int_equal(ql_stream_detect(HELLO_GZ, 4), QL_STREAM_GZIP);
    assert_int_equal(ql_stream_detect("\x28\xb5\x2f\xfd", 4), QL_STREAM_ZSTD);
    assert_int_equal(ql_stream_detect("\x50\x2a\x4d\x18", 4), QL_STREAM_ZSTD);
    assert_int_equal(ql_stream_detect("time", 4), QL_STREAM_PLAIN);
    assert_int_equal(ql_stream_detect(HELLO_GZ, 3), QL_STREAM_PLAIN);
    assert_int_equal(ql_stream_detect("", 0), QL_STREAM_PLAIN);
}

static void a_member_made_elsewhere_is_read(void **state) {
    (void)state;
    struct collected to = {0};
    assert_ok(decode_whole((struct ql_str){.ptr = (const char *)HELLO_GZ, .len = sizeof HELLO_GZ}, &to, err));
    assert_str_equal(ql_buf_view(&to.buf), HELLO);
    ql_buf_fini(&to.buf);
}

/* Members and frames, one of them empty, and a skippable frame on either side. */
static void put_several(struct ql_buf *out, bool is_gzip, struct ql_str text) {
    size_t half = text.len / 2;
    void (*put)(struct ql_buf *, const void *, size_t) = is_gzip ? put_gzip : put_zstd;
    if (!is_gzip) {
        put_skippable(out);
    }
    put(out, text.ptr, half);
    put(out, "", 0);
    if (!is_gzip) {
        put_skippable(out);
    }
    put(out, text.ptr + half, text.len - half);
    if (!is_gzip) {
        put_skippable(out);
    }
}

static void any_chunking_of_several_members_gives_the_same_bytes(void **state) {
    (void)state;
    for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
        struct ql_buf text = {0};
        struct ql_buf in = {0};
        put_text(&text, 700);
        put_several(&in, is_gzip != 0, ql_buf_view(&text));
        for (size_t split = 0; split <= in.len; split++) {
            for (size_t step = 1; step <= 1001; step += 1000) {
                struct collected to = {0};
                assert_ok(decode(ql_buf_view(&in), split, step, (struct limits){0}, &to, err));
                assert_int_equal(to.buf.len, text.len);
                assert_memory_equal(to.buf.ptr, text.ptr, text.len);
                ql_buf_fini(&to.buf);
            }
        }
        ql_buf_fini(&text);
        ql_buf_fini(&in);
    }
}

static void output_larger_than_every_buffer_comes_whole(void **state) {
    (void)state;
    static const size_t LENS[] = {131071, 131072, 131073, 3 * 131072, 5000000};
    for (size_t i = 0; i < sizeof LENS / sizeof LENS[0]; i++) {
        for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
            struct ql_buf text = {0};
            struct ql_buf in = {0};
            put_text(&text, LENS[i]);
            put_several(&in, is_gzip != 0, ql_buf_view(&text));
            struct collected to = {0};
            assert_ok(decode(ql_buf_view(&in), 0, 4099, (struct limits){0}, &to, err));
            assert_int_equal(to.buf.len, text.len);
            assert_memory_equal(to.buf.ptr, text.ptr, text.len);
            ql_buf_fini(&to.buf);
            ql_buf_fini(&text);
            ql_buf_fini(&in);
        }
    }
}

/*
 * Pairs of flushed blocks of 100,000 bytes: what a pair holds is out before the next is fed, although the decoder's buffer
 * fills up in the middle of the second block, whose input is used up by then.
 */
static void flushed_blocks_come_out_before_the_next_are_fed(void **state) {
    (void)state;
    enum { BLOCK = 100000, N_PAIRS = 4 };
    struct ql_buf text = {0};
    put_text(&text, (size_t)2 * BLOCK * N_PAIRS);
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    struct collected to = {0};
    struct ql_decoder *decoder = ql_decoder_new(QL_STREAM_ZSTD, 0, 0, (struct ql_sink){.write = collect, .ctx = &to});
    for (size_t b = 0; b < N_PAIRS * 2; b += 2) {
        struct ql_buf in = {0};
        for (size_t i = b; i < b + 2; i++) {
            ZSTD_inBuffer block = {.src = text.ptr + i * BLOCK, .size = BLOCK};
            size_t room = ZSTD_compressBound(BLOCK) + 64;
            ZSTD_outBuffer out = {.dst = ql_buf_reserve(&in, room), .size = room};
            assert_int_equal(ZSTD_compressStream2(ctx, &out, &block, i + 1 < N_PAIRS * 2 ? ZSTD_e_flush : ZSTD_e_end), 0);
            in.len += out.pos;
        }
        assert_ok(ql_decoder_feed(decoder, in.ptr, in.len, err));
        assert_int_equal(to.buf.len, (b + 2) * BLOCK);
        ql_buf_fini(&in);
    }
    assert_ok(ql_decoder_finish(decoder, err));
    assert_memory_equal(to.buf.ptr, text.ptr, text.len);
    ql_decoder_free(decoder);
    ZSTD_freeCCtx(ctx);
    ql_buf_fini(&to.buf);
    ql_buf_fini(&text);
}

/* An end between members is an end like any other; every other one is a cut. */
static void a_cut_anywhere_is_an_error(void **state) {
    (void)state;
    for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
        struct ql_buf in = {0};
        struct ql_buf text = {0};
        put_text(&text, 500);
        (is_gzip ? put_gzip : put_zstd)(&in, text.ptr, text.len);
        size_t first = in.len;
        (is_gzip ? put_gzip : put_zstd)(&in, text.ptr, text.len);
        for (size_t len = 4; len < in.len; len++) {
            struct collected to = {0};
            struct ql_err err = {0};
            enum ql_status status = decode_whole((struct ql_str){.ptr = in.ptr, .len = len}, &to, &err);
            assert_int_equal(status, len == first ? QL_OK : QL_E_COMPRESSED);
            ql_buf_fini(&to.buf);
        }
        ql_buf_fini(&in);
        ql_buf_fini(&text);
    }
}

/* The checksums are looked at: no flipped bit of the data or the trailer passes for the same text. */
static void a_flipped_bit_never_gives_other_text(void **state) {
    (void)state;
    for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
        struct ql_buf in = {0};
        struct ql_buf text = {0};
        put_text(&text, 400);
        (is_gzip ? put_gzip : put_zstd)(&in, text.ptr, text.len);
        for (size_t bit = 0; bit < in.len * 8; bit++) {
            in.ptr[bit / 8] ^= (char)(1 << (bit % 8));
            struct collected to = {0};
            struct ql_sink sink = {.write = collect, .ctx = &to};
            struct ql_decoder *decoder = ql_decoder_new(is_gzip ? QL_STREAM_GZIP : QL_STREAM_ZSTD, 0, 0, sink);
            enum ql_status status = ql_decoder_feed(decoder, in.ptr, in.len, NULL);
            status = status == QL_OK ? ql_decoder_finish(decoder, NULL) : status;
            ql_decoder_free(decoder);
            if (status == QL_OK && is_gzip) { /* the header's time, system and flags of text are not checked */
                assert_int_equal(to.buf.len, text.len);
                assert_memory_equal(to.buf.ptr, text.ptr, text.len);
            } else if (is_gzip == 0 && bit >= 32) {
                assert_true(status != QL_OK || (to.buf.len == text.len && memcmp(to.buf.ptr, text.ptr, text.len) == 0));
            }
            in.ptr[bit / 8] ^= (char)(1 << (bit % 8));
            ql_buf_fini(&to.buf);
        }
        ql_buf_fini(&in);
        ql_buf_fini(&text);
    }
}

static void a_wrong_crc_names_the_compressed_byte(void **state) {
    (void)state;
    unsigned char damaged[sizeof HELLO_GZ];
    memcpy(damaged, HELLO_GZ, sizeof damaged);
    damaged[sizeof damaged - 8] ^= 1; /* RFC 1952: CRC32, then ISIZE, close the member */
    struct collected to = {0};
    struct ql_err err = {0};
    struct ql_str in = {.ptr = (const char *)damaged, .len = sizeof damaged};
    assert_int_equal(decode_whole(in, &to, &err), QL_E_COMPRESSED);
    assert_string_equal(err.message, "the gzip stream is damaged at compressed byte 29: incorrect data check");
    ql_buf_fini(&to.buf);
}

static void rubbish_behind_the_end_is_an_error(void **state) {
    (void)state;
    for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
        struct ql_buf in = {0};
        (is_gzip ? put_gzip : put_zstd)(&in, HELLO, strlen(HELLO));
        ql_buf_puts(&in, "<html>");
        for (size_t split = 0; split <= in.len; split++) {
            struct collected to = {0};
            struct ql_err err = {0};
            assert_int_equal(decode(ql_buf_view(&in), split, 3, (struct limits){0}, &to, &err), QL_E_COMPRESSED);
            if (split == in.len) {
                assert_non_null(strstr(err.message, is_gzip ? "not gzip follow" : "not zstd follow"));
            }
            ql_buf_fini(&to.buf);
        }
        ql_buf_fini(&in);
    }
}

static void max_bytes_stops_before_the_sink_has_more(void **state) {
    (void)state;
    struct ql_buf text = {0};
    put_text(&text, 1000000);
    for (int kind = 0; kind < 3; kind++) {
        struct ql_buf in = {0};
        if (kind == 0) {
            ql_buf_put_str(&in, ql_buf_view(&text));
        } else {
            (kind == 1 ? put_gzip : put_zstd)(&in, text.ptr, text.len);
        }
        struct collected exact = {0};
        assert_ok(decode(ql_buf_view(&in), 10, 777, (struct limits){.max_bytes = 1000000}, &exact, err));
        assert_int_equal(exact.buf.len, 1000000);
        struct collected over = {0};
        struct ql_err err = {0};
        assert_int_equal(decode(ql_buf_view(&in), 10, 777, (struct limits){.max_bytes = 999999}, &over, &err), QL_E_LIMIT);
        assert_true(over.buf.len <= 999999);
        ql_buf_fini(&exact.buf);
        ql_buf_fini(&over.buf);
        ql_buf_fini(&in);
    }
    ql_buf_fini(&text);
}

static enum ql_status discard(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    (void)ptr;
    (void)err;
    *(int64_t *)ctx += (int64_t)len;
    return QL_OK;
}

/* 80 MiB of zeros in some 80 kB: below 64 MiB no ratio matters, above it does. */
static void a_bomb_is_stopped_by_its_ratio_after_64_mib(void **state) {
    (void)state;
    size_t len = (size_t)80 << 20;
    char *zeros = ql_mem_zalloc(len, 1);
    struct ql_buf in = {0};
    put_gzip(&in, zeros, len);
    for (int allowed = 0; allowed < 2; allowed++) {
        int64_t n = 0;
        struct ql_sink sink = {.write = discard, .ctx = &n};
        struct ql_decoder *decoder = ql_decoder_new(QL_STREAM_GZIP, 0, allowed ? 1100 : 500, sink); /* deflate's best is 1032 */
        struct ql_err err = {0};
        assert_int_equal(ql_decoder_feed(decoder, in.ptr, in.len, &err), allowed ? QL_OK : QL_E_LIMIT);
        assert_true(allowed ? n == (int64_t)len : n <= (int64_t)64 << 20 && n > (int64_t)63 << 20);
        ql_decoder_free(decoder);
    }
    ql_mem_free(zeros);
    ql_buf_fini(&in);
}

static void a_window_beyond_128_mib_is_refused(void **state) {
    (void)state;
    /* RFC 8878, 3.1.1: no single segment, no content size; Window_Descriptor 0xa8: 2^(10+21) bytes. An empty last raw block. */
    static const char FRAME[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    struct collected to = {0};
    struct ql_err err = {0};
    assert_int_equal(decode_whole((struct ql_str){.ptr = FRAME, .len = sizeof FRAME - 1}, &to, &err), QL_E_LIMIT);
    ql_buf_fini(&to.buf);
}

static void what_the_sink_says_comes_back(void **state) {
    (void)state;
    struct ql_buf in = {0};
    put_gzip(&in, HELLO, strlen(HELLO));
    struct collected to = {.fail_after = 5};
    struct ql_err err = {0};
    assert_int_equal(decode_whole(ql_buf_view(&in), &to, &err), QL_E_IO);
    assert_string_equal(err.message, "sink is full");
    ql_buf_fini(&in);
    ql_buf_fini(&to.buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(magic_bytes_decide),
        cmocka_unit_test(a_member_made_elsewhere_is_read),
        cmocka_unit_test(any_chunking_of_several_members_gives_the_same_bytes),
        cmocka_unit_test(output_larger_than_every_buffer_comes_whole),
        cmocka_unit_test(flushed_blocks_come_out_before_the_next_are_fed),
        cmocka_unit_test(a_cut_anywhere_is_an_error),
        cmocka_unit_test(a_flipped_bit_never_gives_other_text),
        cmocka_unit_test(a_wrong_crc_names_the_compressed_byte),
        cmocka_unit_test(rubbish_behind_the_end_is_an_error),
        cmocka_unit_test(max_bytes_stops_before_the_sink_has_more),
        cmocka_unit_test(a_bomb_is_stopped_by_its_ratio_after_64_mib),
        cmocka_unit_test(a_window_beyond_128_mib_is_refused),
        cmocka_unit_test(what_the_sink_says_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
