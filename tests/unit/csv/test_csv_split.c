/*
 * The property that everything rests on: how an input is cut into chunks and blocks, and how many threads read it, changes
 * nothing that is seen from outside. The measure is one thread that gets everything at once.
 */
#include "unit/csv/csv_harness.h"

#include <zlib.h>

/* How text is read once it is there: by how many threads, in blocks of which size. */
static const struct variant {
    size_t n_threads;
    struct ql_csv_tuning tuning;
    bool by_room;
} VARIANTS[] = {
    {1, {.block_bytes = 1}, false},
    {2, {.block_bytes = 64, .serial_bytes = 1}, false},
    {1, {.block_bytes = 50, .max_queues = 1}, true},
    {3, {.block_bytes = 150, .serial_bytes = 1, .max_queues = 2}, true},
    {8, {.block_bytes = 23, .serial_bytes = 1}, false},
    {2, {0}, true},
};
enum { N_VARIANTS = sizeof VARIANTS / sizeof VARIANTS[0] };

static void put_everything(const struct ql_csv_options *options, const struct csv_feed *feed, struct ql_buf *out) {
    struct ql_csv_options serial = *options;
    serial.n_threads = 1;
    csv_put_everything(&serial, NULL, feed, 1, out);
}

static void expect_variant(const struct ql_csv_options *options, const struct csv_feed *feed, size_t number,
                           const struct ql_buf *whole) {
    const struct variant *variant = &VARIANTS[number];
    struct ql_csv_options with_threads = *options;
    struct csv_feed with_room = *feed;
    struct ql_buf got = {0};
    char what[96];
    with_threads.n_threads = variant->n_threads;
    with_room.by_room = variant->by_room;
    csv_put_everything(&with_threads, &variant->tuning, &with_room, 1, &got);
    (void)snprintf(what, sizeof what, "variant %zu, first chunk %zu, others %zu bytes", number, feed->first, feed->chunk);
    csv_assert_same(&got, whole, what);
    ql_buf_fini(&got);
}

/* The variants take turns, so that every one meets many cuts. */
static void expect_same(const struct ql_csv_options *options, const struct csv_feed *feed, const struct ql_buf *whole) {
    expect_variant(options, feed, (feed->first + feed->chunk) % N_VARIANTS, whole);
}

static void check_splits(const struct ql_csv_options *options, struct ql_str text, bool is_unsized) {
    struct csv_feed feed = {.text = text, .is_unsized = is_unsized};
    struct ql_buf whole = {0};
    put_everything(options, &feed, &whole);
    for (feed.first = 1; feed.first < text.len; feed.first++) {
        expect_same(options, &feed, &whole);
    }
    feed.first = 0;
    static const size_t CHUNKS[] = {0, 1, 2, 3, 7, 64, 513};
    for (size_t i = 0; i < sizeof CHUNKS / sizeof CHUNKS[0]; i++) {
        feed.chunk = CHUNKS[i];
        for (size_t variant = 0; variant < N_VARIANTS; variant++) {
            expect_variant(options, &feed, variant, &whole);
        }
    }
    ql_buf_fini(&whole);
}

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

#define H "interval,queue.id,queue.name,callsOffered,callsAnswered,avgHandleTimeSeconds,x\n"
#define I "2024-01-01T00:00Z/2024-01-01T00:30Z"
#define TEXT(literal) \
    { .ptr = (literal), .len = sizeof(literal) - 1 }
static const struct ql_str TEXTS[] = {
    TEXT(H I ",q1,\"VIP, \"\"Gold\"\"\",12,3,4.5,z\n" I ",q2,\"two\nlines\",12.0,\"3\",0:05:30,\n\n" I
             ",q3,,,nan,12345678901234567890.5,\"\"\n"),
    TEXT("\xEF\xBB\xBF\"interval\",\"queue\r\n.name\",\"queueName\",callsOffered,callsAnswered\r\n" I ",a,b,1,2\r\n\r\n\"" I
         "\",\"c\r\n\",\"d\"\"\",\"1\",2\r\r\n" I ",e,f,1,2\r"),
    TEXT("\n\r\n" H "\r\r\n" I ",q1,a\rb,1,2,3,x\n" I ",q1,\"a\"b,1,2,3,x\n" I ",q1,a,1,2,3\n" I ",q1,a\xFF,1,2,3,x\n" I
         ",q1,caf\xC3\xA9,1,2,3,x"),
    TEXT("interval;queueName;\"callsOffered\";callsAnswered\n" I ";a,b;1;2\n" I ";\"open;1;2\n"),
    TEXT("<!doctype html>\n<html><body class=\"x\">sign in</body></html>\n"),
    TEXT("\n\n\r\n"),
    TEXT("interval,queueName,callsOffered\r" I ",a,1\r"),
    TEXT("interval|queueName|callsOffered|callsAnswered\n" I "|a|1|2\n" I "|123456789012345678901234567890|1|2\n"),
};
#undef TEXT

static void splits_change_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        for (int policy = QL_BAD_ROW_FAIL; policy <= QL_BAD_ROW_QUARANTINE; policy++) {
            struct ql_csv_options options = csv_options();
            options.on_bad_row = (enum ql_bad_row_policy)policy;
            options.wants_interval_text = policy == QL_BAD_ROW_SKIP;
            options.allow_unsized = policy == QL_BAD_ROW_FAIL;
            check_splits(&options, TEXTS[i], options.allow_unsized);
        }
    }
}

static void splits_of_compressed_inputs_change_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct ql_csv_options options = csv_options();
        options.on_bad_row = QL_BAD_ROW_QUARANTINE;
        struct ql_buf gzip = {0};
        put_gzip(&gzip, TEXTS[i]);
        check_splits(&options, ql_buf_view(&gzip), true);
        gzip.len -= 3;
        check_splits(&options, ql_buf_view(&gzip), true);
        ql_buf_fini(&gzip);
    }
}

static void splits_of_other_encodings_change_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct ql_csv_options options = csv_options();
        options.on_bad_row = QL_BAD_ROW_QUARANTINE;
        struct ql_buf wide = {0};
        ql_buf_puts(&wide, "\xFF\xFE");
        for (size_t at = 0; at < TEXTS[i].len; at++) { /* bytes as latin1 code points, and surrogates between them */
            ql_buf_putc(&wide, TEXTS[i].ptr[at]);
            ql_buf_putc(&wide, '\0');
            if (TEXTS[i].ptr[at] == 'a') {
                ql_buf_put(&wide, "\x3C\xD8\xA7\xDF", 4);
            }
        }
        check_splits(&options, ql_buf_view(&wide), false);
        ql_buf_fini(&wide);
        options.encoding = i % 2 == 0 ? QL_STR("windows-1252") : QL_STR("utf-16be");
        check_splits(&options, TEXTS[i], false);
    }
}

/* A limit is passed at one byte of the input, wherever chunks end. */
static void splits_do_not_change_which_limit_is_passed(void **state) {
    (void)state;
    for (size_t field = 5; field < 50; field += 4) {
        for (size_t row = 20; row < 110; row += 9) {
            struct ql_csv_options options = csv_options();
            options.on_bad_row = QL_BAD_ROW_SKIP;
            options.limits = (struct ql_csv_limits){.max_field_bytes = field, .max_row_bytes = row, .max_columns = 6};
            struct csv_feed feed = {.text = QL_STR("interval,queueName,callsOffered,\"callsAnswered\"\r\n" I ",a,1,2\r\n" I
                                                   ",\"0123456789012345678901234567890123456789\",1,2\r\r\n")};
            struct ql_buf whole = {0};
            put_everything(&options, &feed, &whole);
            for (feed.chunk = 1; feed.chunk < 40; feed.chunk++) {
                expect_same(&options, &feed, &whole);
            }
            ql_buf_fini(&whole);
        }
    }
}

/* A deterministic generator: xorshift64. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Texts of nothing but what means something, at random: whatever comes out, it comes out for every cut. */
static void splits_of_random_texts_change_nothing(void **state) {
    (void)state;
    static const char *const PARTS[] = {"\"", "\"\"", ",",        "\n",   "\r", "\r\n", "a", "1",
                                        I,    ";",    "\xC3\xA9", "\xFF", " ",  ".5",   "\0"};
    uint64_t seed = 88172645463325252;
    for (int round = 0; round < 300; round++) {
        struct ql_buf text = {0};
        ql_buf_puts(&text, round % 3 == 0 ? "" : "interval,queueName,callsOffered,callsAnswered\n");
        for (int row = 0; row < 6; row++) {
            if (next_random(&seed) % 2 == 0) {
                ql_buf_puts(&text, I ",a,1,2");
            }
            for (uint64_t n = next_random(&seed) % 6; n > 0; n--) {
                const char *part = PARTS[next_random(&seed) % (sizeof PARTS / sizeof PARTS[0])];
                ql_buf_put(&text, part, part[0] != '\0' ? strlen(part) : 1);
            }
            ql_buf_puts(&text, next_random(&seed) % 8 == 0 ? "" : "\n");
        }
        struct ql_csv_options options = csv_options();
        options.on_bad_row = QL_BAD_ROW_QUARANTINE;
        struct csv_feed feed = {.text = ql_buf_view(&text)};
        struct ql_buf whole = {0};
        put_everything(&options, &feed, &whole);
        for (feed.chunk = 1; feed.chunk < 9; feed.chunk++) {
            expect_same(&options, &feed, &whole);
        }
        feed.chunk = 0;
        for (int i = 0; i < 20; i++) {
            feed.first = 1 + next_random(&seed) % text.len;
            expect_same(&options, &feed, &whole);
        }
        ql_buf_fini(&whole);
        ql_buf_fini(&text);
    }
}

/* More than a piece of the header's buffer, a batch, and what a chunk's end leaves over. */
static void splits_of_a_large_input_change_nothing(void **state) {
    (void)state;
    struct ql_buf text = {0};
    ql_buf_puts(&text, "interval,queueName,callsOffered,callsAnswered,avgHandleTimeSeconds");
    for (int i = 0; i < 3000; i++) {
        ql_buf_printf(&text, ",\"column\n%d\"", i);
    }
    ql_buf_puts(&text, "\n");
    uint64_t seed = 42;
    for (int i = 0; i < 60; i++) {
        ql_buf_printf(&text, I ",\"queue, %" PRIu64 "\",%d,%d,%d.%03d", next_random(&seed) % 20, i, i, i, i % 1000);
        for (int k = 0; k < 3000; k++) {
            ql_buf_puts(&text, k % 1000 == i ? ",\"\"\"\n\"" : ",");
        }
        ql_buf_puts(&text, "\r\n");
    }
    const struct ql_csv_options options = csv_options();
    struct csv_feed feed = {.text = ql_buf_view(&text)};
    struct ql_buf whole = {0};
    put_everything(&options, &feed, &whole);
    assert_true(ql_str_has_prefix(ql_buf_view(&whole), "OK|"));
    static const size_t CHUNKS[] = {1, 511, 512, 513, 4096, 16383, 16384, 16385, 65536};
    for (size_t i = 0; i < sizeof CHUNKS / sizeof CHUNKS[0]; i++) {
        feed.chunk = CHUNKS[i];
        expect_same(&options, &feed, &whole);
    }
    ql_buf_fini(&whole);
    ql_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_change_nothing),
        cmocka_unit_test(splits_of_compressed_inputs_change_nothing),
        cmocka_unit_test(splits_of_other_encodings_change_nothing),
        cmocka_unit_test(splits_do_not_change_which_limit_is_passed),
        cmocka_unit_test(splits_of_random_texts_change_nothing),
        cmocka_unit_test(splits_of_a_large_input_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
