/* Encodings, marks, compression, inputs whose end must prove itself. */
#include "unit/csv/csv_harness.h"

#include <uchar.h>
#include <zlib.h>
#include <zstd.h>

#define GOOD_HEADER "interval,queueName,callsOffered,callsAnswered\n"
#define GOOD_ROW CSV_INTERVAL ",a,1,2\n"
#define GOOD_SEEN CSV_SEEN "|(none)|a|1|2|-|-\n"

static void put_gzip(struct ql_buf *out, struct ql_str text) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, (uLong)text.len);
    z.next_in = (unsigned char *)(uintptr_t)text.ptr;
    z.avail_in = (uInt)text.len;
    z.next_out = (unsigned char *)ql_buf_reserve(out, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
}

static void put_zstd(struct ql_buf *out, struct ql_str text) {
    size_t room = ZSTD_compressBound(text.len);
    size_t n = ZSTD_compress(ql_buf_reserve(out, room), room, text.ptr, text.len, 3);
    assert_false(ZSTD_isError(n));
    out->len += n;
}

/* From code points, so that nothing of the product takes part. */
static void put_utf16(struct ql_buf *out, const char32_t *text, bool is_big) {
    for (; *text != 0; text++) {
        uint32_t units[2] = {(uint32_t)*text, 0};
        size_t n = 1;
        if (*text > 0xFFFF) {
            units[0] = 0xD800 + (((uint32_t)*text - 0x10000) >> 10);
            units[1] = 0xDC00 + (((uint32_t)*text - 0x10000) & 0x3FF);
            n = 2;
        }
        for (size_t i = 0; i < n; i++) {
            ql_buf_putc(out, (char)(is_big ? units[i] >> 8 : units[i] & 0xFF));
            ql_buf_putc(out, (char)(is_big ? units[i] & 0xFF : units[i] >> 8));
        }
    }
}

static const char32_t WIDE_TEXT[] = U"interval,queueName,callsOffered,callsAnswered\n"
                                    U"2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z,Größe \U0001F3A7 €,1,2\n";
#define WIDE_SEEN                         \
    CSV_SEEN "|(none)|Gr\xC3\xB6\xC3\x9F" \
             "e \xF0\x9F\x8E\xA7 \xE2\x82\xAC|1|2|-|-\n"

static void a_mark_says_the_encoding(void **state) {
    (void)state;
    const struct ql_csv_options options = csv_options();
    csv_expect_rows(&options, QL_STR("\xEF\xBB\xBF" GOOD_HEADER GOOD_ROW), GOOD_SEEN);
    csv_expect_rows(&options, QL_STR("\xEF\xBB\xBF\"interval\",queueName,callsOffered,callsAnswered\n" GOOD_ROW), GOOD_SEEN);
    for (int is_big = 0; is_big <= 1; is_big++) {
        struct ql_buf text = {0};
        ql_buf_put(&text, is_big ? "\xFE\xFF" : "\xFF\xFE", 2);
        put_utf16(&text, WIDE_TEXT, is_big);
        csv_expect_rows(&options, ql_buf_view(&text), WIDE_SEEN);
        ql_buf_fini(&text);
    }
}

static void an_encoding_can_be_named(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    for (int is_big = 0; is_big <= 1; is_big++) {
        for (int has_mark = 0; has_mark <= 1; has_mark++) {
            struct ql_buf text = {0};
            ql_buf_put(&text, is_big ? "\xFE\xFF" : "\xFF\xFE", has_mark ? 2 : 0);
            put_utf16(&text, WIDE_TEXT, is_big);
            options.encoding = is_big ? QL_STR("utf-16be") : QL_STR("UTF-16LE");
            csv_expect_rows(&options, ql_buf_view(&text), WIDE_SEEN);
            if (has_mark || !is_big) {
                options.encoding = QL_STR("utf-16");
                csv_expect_rows(&options, ql_buf_view(&text), WIDE_SEEN);
            }
            ql_buf_fini(&text);
        }
    }
    options.encoding = QL_STR("utf-8");
    csv_expect_rows(&options, QL_STR("\xEF\xBB\xBF" GOOD_HEADER GOOD_ROW), GOOD_SEEN);
    csv_expect_rows(&options, QL_STR(GOOD_HEADER GOOD_ROW), GOOD_SEEN);
    /* the same bytes: pound, e acute; 0x80 is a control character in latin1 and the euro in windows-1252 */
    options.encoding = QL_STR("latin1");
    csv_expect_rows(&options, QL_STR(GOOD_HEADER CSV_INTERVAL ",\xA3\xE9\x80\xFF,1,2\n"),
                    CSV_SEEN "|(none)|\xC2\xA3\xC3\xA9\xC2\x80\xC3\xBF|1|2|-|-\n");
    options.encoding = QL_STR("windows-1252");
    csv_expect_rows(&options, QL_STR(GOOD_HEADER CSV_INTERVAL ",\xA3\xE9\x80\x9F\xFF,1,2\n"),
                    CSV_SEEN "|(none)|\xC2\xA3\xC3\xA9\xE2\x82\xAC\xC5\xB8\xC3\xBF|1|2|-|-\n");
    csv_expect_error(&options, QL_STR(GOOD_HEADER CSV_INTERVAL ",a\x81,1,2\n"), QL_E_BAD_ROW,
                     "column 'queueName': 'a\\x81' is not valid windows-1252", NULL);
    options.encoding = QL_STR("klingon");
    csv_expect_error(&options, QL_STR(GOOD_HEADER), QL_E_CONFIG, "unknown encoding 'klingon'", "windows-1252");
}

static void a_mark_that_contradicts_the_named_encoding_is_an_error(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.encoding = QL_STR("latin1");
    csv_expect_error(&options, QL_STR("\xEF\xBB\xBF" GOOD_HEADER), QL_E_ENCODING,
                     "begins with the byte-order mark of UTF-8, but --encoding says 'latin1'", "leave --encoding out");
    options.encoding = QL_STR("utf-8");
    csv_expect_error(&options, QL_STR("\xFF\xFEi\0"), QL_E_ENCODING, "mark of UTF-16LE, but --encoding says 'UTF-8'", NULL);
    options.encoding = QL_STR("utf-16");
    csv_expect_error(&options, QL_STR("\xEF\xBB\xBFinterval"), QL_E_ENCODING, "mark of UTF-8, but --encoding says 'UTF-16'",
                     NULL);
}

static void what_is_no_utf16_is_a_bad_row_and_half_a_unit_a_cut(void **state) {
    (void)state;
    static const char32_t BEGIN[] = U"interval,queueName,callsOffered,callsAnswered\n"
                                    U"2024-01-01T00:00:00.000Z/2024-01-01T00:30:00.000Z,x";
    static const char32_t END[] = U"y,1,2\n";
    static const struct {
        const char *unit; /* little-endian */
        size_t len;
    } LONE[] = {{"\x3D\xD8", 2}, {"\x00\xDC", 2}, {"\x3D\xD8\x3D\xD8", 4}, {"\x00\xDC\x3D\xD8", 4}};
    const struct ql_csv_options options = csv_options();
    for (size_t i = 0; i < sizeof LONE / sizeof LONE[0]; i++) {
        struct ql_buf text = {0};
        ql_buf_puts(&text, "\xFF\xFE");
        put_utf16(&text, BEGIN, false);
        ql_buf_put(&text, LONE[i].unit, LONE[i].len);
        put_utf16(&text, END, false);
        csv_expect_error(&options, ql_buf_view(&text), QL_E_BAD_ROW, "is not valid UTF-16LE", NULL);
        ql_buf_fini(&text);
    }
    struct ql_buf text = {0};
    ql_buf_puts(&text, "\xFF\xFE");
    put_utf16(&text, BEGIN, false);
    ql_buf_put(&text, "\x3D\xD8", 2); /* the input's last character is half a pair */
    csv_expect_error(&options, ql_buf_view(&text), QL_E_BAD_ROW, "2 fields where the header has 4: '2024-01-01T00:00:00.000Z/",
                     NULL);
    csv_expect_error(&options, ql_buf_view(&text), QL_E_BAD_ROW, ",x\\xED\\xA0\\xBD'", NULL);
    ql_buf_reset(&text);
    ql_buf_puts(&text, "\xFF\xFE");
    put_utf16(&text, WIDE_TEXT, false);
    ql_buf_putc(&text, '\n');
    csv_expect_error(&options, ql_buf_view(&text), QL_E_TRUNCATED, "the UTF-16 text ends inside a character", NULL);
    ql_buf_fini(&text);
}

static void compression_is_known_by_its_magic_bytes(void **state) {
    (void)state;
    const struct ql_csv_options options = csv_options();
    struct ql_buf plain = {0};
    ql_buf_puts(&plain, "\xEF\xBB\xBF" GOOD_HEADER GOOD_ROW);
    for (int kind = 0; kind < 3; kind++) {
        struct ql_buf text = {0};
        if (kind == 0) {
            put_gzip(&text, ql_buf_view(&plain));
        } else if (kind == 1) { /* members that are cut anywhere */
            put_gzip(&text, (struct ql_str){.ptr = plain.ptr, .len = 2});
            put_gzip(&text, (struct ql_str){.ptr = plain.ptr + 2, .len = 60});
            put_gzip(&text, (struct ql_str){.ptr = plain.ptr + 62, .len = plain.len - 62});
        } else {
            put_zstd(&text, ql_buf_view(&plain));
        }
        struct csv_result result = {0};
        csv_run(&options, ql_buf_view(&text), &result);
        assert_int_equal(result.status, QL_OK);
        assert_string_equal(ql_buf_text(&result.rows), GOOD_SEEN);
        assert_int_equal(result.stats.bytes_in, text.len);
        assert_int_equal(result.stats.bytes_decoded, plain.len);
        csv_result_fini(&result);
        ql_buf_fini(&text);
    }
    ql_buf_fini(&plain);
}

static void a_compressed_stream_that_is_cut_anywhere_is_an_error(void **state) {
    (void)state;
    const struct ql_csv_options options = csv_options();
    for (int kind = 0; kind < 2; kind++) {
        struct ql_buf text = {0};
        (kind == 0 ? put_gzip : put_zstd)(&text, QL_STR(GOOD_HEADER GOOD_ROW));
        for (size_t len = kind == 0 ? 1 : 2; len < text.len; len++) {
            struct csv_result result = {0};
            csv_run(&options, (struct ql_str){.ptr = text.ptr, .len = len}, &result);
            if (result.status != QL_E_COMPRESSED) {
                fail_msg("kind %d, %zu of %zu bytes: %s", kind, len, text.len, ql_status_name(result.status));
            }
            csv_result_fini(&result);
        }
        ql_buf_fini(&text);
    }
}

static void an_input_without_length_must_prove_its_end(void **state) {
    (void)state;
    struct ql_buf gzip = {0};
    put_gzip(&gzip, QL_STR(GOOD_HEADER CSV_INTERVAL ",a,1,2"));
    const struct {
        struct ql_str text;
        bool is_allowed;
        enum ql_status status;
    } CASES[] = {
        {QL_STR(GOOD_HEADER GOOD_ROW), false, QL_E_PROTOCOL},
        {QL_STR(""), false, QL_E_PROTOCOL},
        {QL_STR("ab"), false, QL_E_PROTOCOL},
        {QL_STR(GOOD_HEADER GOOD_ROW), true, QL_OK},
        {QL_STR(GOOD_HEADER CSV_INTERVAL ",a,1,2"), true, QL_E_TRUNCATED},
        {QL_STR(GOOD_HEADER CSV_INTERVAL ",\"a\n"), true, QL_E_TRUNCATED},
        {QL_STR(""), true, QL_E_TRUNCATED},
        {ql_buf_view(&gzip), false, QL_OK},
        {{.ptr = gzip.ptr, .len = gzip.len - 1}, false, QL_E_COMPRESSED},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_csv_options options = csv_options();
        options.allow_unsized = CASES[i].is_allowed;
        const struct csv_feed feed = {.text = CASES[i].text, .is_unsized = true};
        struct csv_result result = {0};
        csv_run_feeds(&options, &feed, 1, &result);
        assert_int_equal(result.status, CASES[i].status);
        if (result.status == QL_E_PROTOCOL) {
            csv_assert_contains(ql_err_get_hint(&result.err), "--allow-unsized", "hint");
            assert_int_equal(result.headers.len, 0);
        }
        csv_result_fini(&result);
    }
    ql_buf_fini(&gzip);
}

static void an_open_quote_at_the_end_is_a_cut(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.on_bad_row = QL_BAD_ROW_SKIP;
    csv_expect_error(&options, QL_STR(GOOD_HEADER GOOD_ROW CSV_INTERVAL ",\"a,1,2\n" GOOD_ROW), QL_E_TRUNCATED,
                     "the input ends inside quotes, in the row that begins at line 3", "look for a quote");
}

static void limits_say_which_setting_raises_them(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.limits = (struct ql_csv_limits){.max_field_bytes = 50};
    csv_expect_rows(&options, QL_STR(GOOD_HEADER GOOD_ROW), GOOD_SEEN);
    csv_expect_error(
        &options, QL_STR(GOOD_HEADER GOOD_ROW CSV_INTERVAL ",123456789012345678901234567890123456789012345678901,1,2\n"),
        QL_E_LIMIT, "line 3: a field is longer than 50 bytes, the limit of --max-field-bytes", "--max-field-bytes");
    options.limits = (struct ql_csv_limits){.max_row_bytes = 55};
    csv_expect_rows(&options, QL_STR(GOOD_HEADER CSV_INTERVAL ",a,1,2\r\n"), GOOD_SEEN);
    csv_expect_error(&options, QL_STR(GOOD_HEADER CSV_INTERVAL ",ab,1,2\n"), QL_E_LIMIT,
                     "line 2: the row is longer than 55 bytes, the limit of --max-row-bytes", "--max-row-bytes");
    options.limits = (struct ql_csv_limits){.max_columns = 4};
    csv_expect_rows(&options, QL_STR(GOOD_HEADER GOOD_ROW), GOOD_SEEN);
    csv_expect_error(&options, QL_STR("interval,queueName,callsOffered,callsAnswered,x\n"), QL_E_LIMIT,
                     "the header has more than 4 columns, the limit of --max-columns", "--max-columns");
    options.limits = (struct ql_csv_limits){.max_rows = 2};
    csv_expect_rows(&options, QL_STR(GOOD_HEADER GOOD_ROW GOOD_ROW "\n"), GOOD_SEEN GOOD_SEEN);
    csv_expect_error(&options, QL_STR(GOOD_HEADER GOOD_ROW GOOD_ROW GOOD_ROW), QL_E_LIMIT,
                     "more than 2 rows, the limit of --max-rows", "--max-rows");
    const int64_t size = (int64_t)strlen(GOOD_HEADER GOOD_ROW);
    options.limits = (struct ql_csv_limits){.max_decoded_bytes = size};
    csv_expect_rows(&options, QL_STR(GOOD_HEADER GOOD_ROW), GOOD_SEEN);
    struct ql_buf gzip = {0};
    put_gzip(&gzip, QL_STR(GOOD_HEADER GOOD_ROW));
    csv_expect_rows(&options, ql_buf_view(&gzip), GOOD_SEEN);
    options.limits.max_decoded_bytes = size - 1;
    const char *message = "the input holds more than 101 bytes, the limit of --max-decoded-bytes";
    assert_int_equal(size, 102);
    csv_expect_error(&options, QL_STR(GOOD_HEADER GOOD_ROW), QL_E_LIMIT, message, "--max-decoded-bytes");
    csv_expect_error(&options, ql_buf_view(&gzip), QL_E_LIMIT, message, "--max-decoded-bytes");
    ql_buf_fini(&gzip);
}

/* A frame header that asks for 2^28 bytes (RFC 8878, 3.1.1.1.2: exponent 18), and an empty last block. */
static void a_window_that_is_too_large_is_no_matter_of_the_ratio(void **state) {
    (void)state;
    const struct ql_csv_options options = csv_options();
    const struct ql_str frame = {.ptr = "\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00", .len = 9};
    csv_expect_error(&options, frame, QL_E_LIMIT, "window", "--long");
}

static void a_stream_that_grows_too_much_is_refused(void **state) {
    (void)state;
    struct ql_buf text = {0};
    struct ql_buf gzip = {0};
    ql_buf_puts(&text, GOOD_HEADER);
    size_t size = (size_t)66 << 20;
    char *lines = ql_buf_reserve(&text, size);
    memset(lines, 'x', size);
    for (size_t i = 0; i < size; i += 4096) {
        lines[i] = '\n';
    }
    text.len += size;
    put_gzip(&gzip, ql_buf_view(&text));
    struct ql_csv_options options = csv_options();
    options.on_bad_row = QL_BAD_ROW_SKIP;
    csv_expect_rows(&options, ql_buf_view(&gzip), "");
    options.limits.max_ratio = 100;
    csv_expect_error(&options, ql_buf_view(&gzip), QL_E_LIMIT, "grows more than 100-fold", "--max-ratio");
    ql_buf_fini(&gzip);
    ql_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_says_the_encoding),
        cmocka_unit_test(an_encoding_can_be_named),
        cmocka_unit_test(a_mark_that_contradicts_the_named_encoding_is_an_error),
        cmocka_unit_test(what_is_no_utf16_is_a_bad_row_and_half_a_unit_a_cut),
        cmocka_unit_test(compression_is_known_by_its_magic_bytes),
        cmocka_unit_test(a_compressed_stream_that_is_cut_anywhere_is_an_error),
        cmocka_unit_test(an_input_without_length_must_prove_its_end),
        cmocka_unit_test(an_open_quote_at_the_end_is_a_cut),
        cmocka_unit_test(limits_say_which_setting_raises_them),
        cmocka_unit_test(a_window_that_is_too_large_is_no_matter_of_the_ratio),
        cmocka_unit_test(a_stream_that_grows_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
