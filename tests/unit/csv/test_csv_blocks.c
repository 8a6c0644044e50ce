/*
 * Blocks that are read by several threads give what one thread gives that reads everything in order: rows, statistics, the
 * first failure with its place, every byte of the quarantine.
 */
#include "unit/csv/csv_random.h"

#include <zlib.h>

static const size_t THREADS[] = {1, 2, 3, 8};
enum { N_THREADS = sizeof THREADS / sizeof THREADS[0] };

/* The measure: one thread, one block, everything fed at once, the kernel without vectors. */
static void put_serial(const struct ql_csv_options *options, const struct csv_feed *feeds, size_t n, struct ql_buf *out) {
    struct ql_csv_options serial = *options;
    serial.n_threads = 1;
    csv_put_everything(&serial, NULL, feeds, n, out);
}

static void check_threads(struct ql_csv_options options, struct csv_feed *feeds, size_t n, size_t block_bytes, uint64_t *seed,
                          const char *what) {
    struct ql_buf serial = {0};
    put_serial(&options, feeds, n, &serial);
    struct ql_cpu cpu;
    ql_cpu_detect(&cpu, QL_CPU_NATIVE);
    options.cpu = &cpu;
    for (size_t i = 0; i < N_THREADS; i++) {
        struct ql_buf got = {0};
        const struct ql_csv_tuning tuning = {
            .block_bytes = block_bytes, .serial_bytes = 1 + pick(seed, 2 * block_bytes), .max_queues = pick(seed, 6)};
        options.n_threads = THREADS[i];
        for (size_t k = 0; k < n; k++) {
            feeds[k].by_room = pick(seed, 2) == 0;
            feeds[k].chunk = pick(seed, 3) == 0 ? 0 : 1 + pick(seed, 3 * block_bytes);
        }
        char where[128];
        (void)snprintf(where, sizeof where, "%s, %zu threads, blocks of %zu, serially %zu, %zu queues", what, THREADS[i],
                       tuning.block_bytes, tuning.serial_bytes, tuning.max_queues);
        csv_put_everything(&options, &tuning, feeds, n, &got);
        csv_assert_same(&got, &serial, where);
        ql_buf_fini(&got);
    }
    ql_buf_fini(&serial);
}

/* From plain exports to ones in which hardly a block is plain; every policy; limits that are passed somewhere. */
static void threads_change_nothing(void **state) {
    (void)state;
    uint64_t seed = 11;
    for (int round = 0; round < 160; round++) {
        struct ql_csv_options options = csv_options();
        static const size_t RARE[] = {0, 4, 40, 400, 2000};
        options.on_bad_row = round % 7 == 0 ? QL_BAD_ROW_FAIL : round % 7 < 3 ? QL_BAD_ROW_SKIP : QL_BAD_ROW_QUARANTINE;
        options.wants_interval_text = round % 3 == 0;
        options.max_bad_rows = round % 5 == 0 ? (int64_t)pick(&seed, 20) : -1;
        options.to_us = round % 4 == 0 ? INT64_C(1893456000) * QL_US_PER_S : QL_TIME_NONE; /* 2030 */
        options.limits.max_rows = round % 6 == 0 ? 1 + (int64_t)pick(&seed, 300) : 0;
        options.limits.max_row_bytes = round % 13 == 0 ? 140 : 0;
        options.limits.max_field_bytes = round % 17 == 0 ? 50 : 0;
        struct ql_buf text = {0};
        put_export(&text, &seed, 20 + pick(&seed, 300), RARE[round % 5]);
        struct csv_feed feed = {.text = ql_buf_view(&text)};
        char what[32];
        (void)snprintf(what, sizeof what, "round %d", round);
        check_threads(options, &feed, 1, 30 + pick(&seed, 3000), &seed, what);
        ql_buf_fini(&text);
    }
}

/* A block's end is anywhere in quotes, line breaks and rows: every size of block in turn. */
static void rows_go_on_across_blocks(void **state) {
    (void)state;
    uint64_t seed = 12;
    struct ql_buf text = {0};
    ql_buf_puts(&text, CSV_HEADER);
    for (int i = 0; i < 40; i++) {
        ql_buf_printf(&text, "%s,q%d,\"name %d", CSV_INTERVAL, i % 3, i);
        for (int k = 0; k < (i % 5 == 2 ? 30 : 0); k++) { /* looks like rows, and is a name */
            ql_buf_printf(&text, "\n" CSV_INTERVAL ",q,\"\"n\"\",%d,1,2,3", k);
        }
        ql_buf_printf(&text, "\",%d,1,2.5,3\r\n%s", i, i % 4 == 0 ? "\r\n" : "");
    }
    ql_buf_puts(&text, CSV_INTERVAL ",q1,last,1,2,3,4");
    for (size_t block_bytes = 1; block_bytes < 400; block_bytes += block_bytes < 140 ? 1 : 23) {
        struct csv_feed feed = {.text = ql_buf_view(&text)};
        char what[32];
        (void)snprintf(what, sizeof what, "blocks of %zu", block_bytes);
        check_threads(csv_options(), &feed, 1, block_bytes, &seed, what);
    }
    text.len -= 5;
    ql_buf_puts(&text, ",\"open\n" CSV_INTERVAL ",q1,a,1,2,3,4\n" CSV_INTERVAL ",q1,a,1,2,3,4\n");
    for (size_t block_bytes = 20; block_bytes < 300; block_bytes += 20) {
        struct csv_feed feed = {.text = ql_buf_view(&text)};
        check_threads(csv_options(), &feed, 1, block_bytes, &seed, "a quote that is never closed");
    }
    ql_buf_fini(&text);
}

static void a_bad_row_in_every_block_is_found_in_order(void **state) {
    (void)state;
    uint64_t seed = 13;
    struct ql_buf text = {0};
    ql_buf_puts(&text, CSV_HEADER);
    for (int i = 0; i < 400; i++) {
        ql_buf_printf(&text, CSV_INTERVAL ",q%d,n%d,%d,1,%d.25,3\n", i % 7, i % 7, i, i);
        if (i % 5 == 0) {
            ql_buf_printf(&text, CSV_INTERVAL ",q1,bad %d,x,1,2,3\n", i);
        }
    }
    for (int policy = QL_BAD_ROW_FAIL; policy <= QL_BAD_ROW_QUARANTINE; policy++) {
        for (int64_t max = -1; max <= 80; max += 27) {
            struct ql_csv_options options = csv_options();
            struct csv_feed feed = {.text = ql_buf_view(&text)};
            options.on_bad_row = (enum ql_bad_row_policy)policy;
            options.max_bad_rows = max;
            check_threads(options, &feed, 1, 500, &seed, "a bad row in every block");
        }
    }
    ql_buf_fini(&text);
}

static void max_rows_is_passed_at_a_row(void **state) {
    (void)state;
    uint64_t seed = 14;
    struct ql_buf text = {0};
    put_export(&text, &seed, 60, 0);
    for (int64_t max_rows = 1; max_rows <= 61; max_rows++) {
        struct ql_csv_options options = csv_options();
        struct csv_feed feed = {.text = ql_buf_view(&text)};
        options.limits.max_rows = max_rows;
        check_threads(options, &feed, 1, 700, &seed, "max_rows");
    }
    ql_buf_fini(&text);
}

static void several_inputs_follow_one_another(void **state) {
    (void)state;
    uint64_t seed = 15;
    for (int round = 0; round < 20; round++) {
        struct ql_buf texts[3] = {0};
        struct csv_feed feeds[3];
        for (size_t i = 0; i < 3; i++) {
            put_export(&texts[i], &seed, pick(&seed, 80), i == 1 ? 20 : 0);
            feeds[i] = (struct csv_feed){.text = ql_buf_view(&texts[i]), .name = i == 0 ? "a.csv" : i == 1 ? "b.csv" : "c.csv"};
        }
        struct ql_csv_options options = csv_options();
        options.on_bad_row = round % 2 == 0 ? QL_BAD_ROW_QUARANTINE : QL_BAD_ROW_FAIL;
        check_threads(options, feeds, 3, 100 + pick(&seed, 1000), &seed, "three inputs");
        for (size_t i = 0; i < 3; i++) {
            ql_buf_fini(&texts[i]);
        }
    }
}

/* What is wrong with the text comes before what is wrong with the stream behind it. */
static void damaged_streams_fail_at_the_same_place(void **state) {
    (void)state;
    uint64_t seed = 16;
    for (int round = 0; round < 30; round++) {
        struct ql_buf text = {0};
        struct ql_buf gzip = {0};
        put_export(&text, &seed, 200, round % 3 == 0 ? 200 : 0);
        z_stream z = {0};
        assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        size_t room = deflateBound(&z, (uLong)text.len);
        z.next_in = (unsigned char *)text.ptr;
        z.avail_in = (uInt)text.len;
        z.next_out = (unsigned char *)ql_buf_reserve(&gzip, room);
        z.avail_out = (uInt)room;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        gzip.len = z.total_out;
        assert_int_equal(deflateEnd(&z), Z_OK);
        gzip.len -= round % 2 == 0 ? pick(&seed, 9) : 0;
        struct ql_csv_options options = csv_options();
        struct csv_feed feed = {.text = ql_buf_view(&gzip)};
        options.limits.max_decoded_bytes = round % 5 == 4 ? (int64_t)(text.len - pick(&seed, 4000)) : 0;
        check_threads(options, &feed, 1, 100 + pick(&seed, 2000), &seed, "gzip");
        ql_buf_fini(&gzip);
        ql_buf_fini(&text);
    }
}

/* Failures of take and pack, at every batch; what was packed is taken or dropped, once (csv_run_feeds counts). */
static void a_failing_sink_stops_every_thread(void **state) {
    (void)state;
    uint64_t seed = 17;
    struct ql_buf text = {0};
    put_export(&text, &seed, 100, 0);
    const struct csv_feed feed = {.text = ql_buf_view(&text), .chunk = 777};
    for (size_t n = 1; n < 15; n++) {
        for (size_t i = 0; i < N_THREADS; i++) {
            struct ql_csv_options options = csv_options();
            struct csv_result result = {.fail_after_batches = n, .tuning = {.block_bytes = 400, .serial_bytes = 1}};
            options.n_threads = THREADS[i];
            csv_run_feeds(&options, &feed, 1, &result);
            assert_int_equal(result.status, QL_E_IO);
            assert_string_equal(result.err.message, "'in.csv': the sink is full");
            assert_int_equal(result.n_batches, n);
            csv_result_fini(&result);
        }
    }
    ql_buf_fini(&text);
}

static enum ql_status refuse_a_queue(void *ctx, const struct ql_rows *rows, void **packed, struct ql_err *err) {
    for (size_t i = 0; i < rows->n_rows; i++) {
        if (ql_str_eq(rows->queues[rows->queue[i]].name, QL_STR("refused"))) {
            return QL_FAIL(err, QL_E_DATA, "no such queue");
        }
    }
    return csv_on_pack(ctx, rows, packed, err);
}

static void a_failing_pack_counts_where_its_rows_are(void **state) {
    (void)state;
    for (int is_bad_before = 0; is_bad_before < 2; is_bad_before++) {
        struct ql_buf text = {0};
        ql_buf_puts(&text, CSV_HEADER);
        for (int i = 0; i < 200; i++) {
            bool is_bad = is_bad_before ? i == 110 : i == 170;
            ql_buf_printf(&text, CSV_INTERVAL ",q,%s,%s,2,3,4\n", i == 150 ? "refused" : "a", is_bad ? "x" : "1");
        }
        for (size_t i = 0; i < N_THREADS; i++) {
            struct csv_result result = {.n_metrics = CSV_METRICS};
            struct ql_csv_options options = csv_options();
            options.n_threads = THREADS[i];
            struct ql_csv_sink sink = csv_sink(&result);
            sink.pack = refuse_a_queue;
            const struct ql_csv_tuning tuning = {.block_bytes = 300, .serial_bytes = 1};
            struct ql_csv *csv = ql_csv_new_tuned(&options, &sink, &tuning);
            const struct csv_feed feed = {.text = ql_buf_view(&text)};
            csv_feed_input(csv, &feed, &result);
            assert_int_equal(result.status, is_bad_before ? QL_E_BAD_ROW : QL_E_DATA);
            csv_assert_contains(result.err.message, is_bad_before ? "line 112" : "no such queue", "message");
            ql_csv_free(csv);
            assert_int_equal(result.n_packed, 0);
            csv_result_fini(&result);
        }
        ql_buf_fini(&text);
    }
}

/* An input may be given up anywhere and begun again, and the whole at any time be freed. */
static void an_input_can_be_given_up(void **state) {
    (void)state;
    uint64_t seed = 18;
    struct ql_buf text = {0};
    put_export(&text, &seed, 300, 0);
    struct csv_result whole = {0};
    const struct csv_feed feeds[] = {{.text = {text.ptr, strlen(CSV_HEADER)}}, {.text = ql_buf_view(&text)}};
    const struct ql_csv_options plain = csv_options();
    csv_run_feeds(&plain, feeds, 2, &whole); /* rows say which input they are of: the second */
    for (size_t i = 0; i < N_THREADS; i++) {
        for (size_t at = 1; at < text.len; at += 1 + pick(&seed, text.len / 8)) {
            struct csv_result result = {.n_metrics = CSV_METRICS};
            struct ql_csv_options options = csv_options();
            options.n_threads = THREADS[i];
            const struct ql_csv_sink sink = csv_sink(&result);
            const struct ql_csv_tuning tuning = {.block_bytes = 300, .serial_bytes = 1};
            struct ql_csv *csv = ql_csv_new_tuned(&options, &sink, &tuning);
            ql_csv_input_begin(csv, QL_STR("first.csv"), false);
            assert_ok(ql_csv_feed(csv, text.ptr, at, err));
            ql_csv_input_begin(csv, QL_STR("second.csv"), false);
            assert_int_equal(result.n_packed, 0);
            ql_buf_reset(&result.rows);
            assert_ok(ql_csv_feed(csv, text.ptr, text.len, err));
            assert_ok(ql_csv_input_end(csv, err));
            csv_assert_same(&result.rows, &whole.rows, "begun again");
            assert_int_equal(result.n_packed, 0);
            ql_csv_input_begin(csv, QL_STR("third.csv"), false);
            assert_ok(ql_csv_feed(csv, text.ptr, at, err));
            ql_csv_free(csv);
            assert_int_equal(result.n_packed, 0);
            csv_result_fini(&result);
        }
    }
    csv_result_fini(&whole);
    ql_buf_fini(&text);
}

/* Text that is put where room says is read where it lies: the room goes on behind it. */
static void room_is_where_text_is_gathered(void **state) {
    (void)state;
    struct ql_csv_options options = csv_options();
    options.dates = QL_CSV_DATES_ISO; /* else the first row is waited for */
    struct csv_result result = {.n_metrics = CSV_METRICS};
    const struct ql_csv_sink sink = csv_sink(&result);
    struct ql_csv *csv = ql_csv_new(&options, &sink);
    const struct ql_str row = QL_STR(CSV_INTERVAL ",q1,a,1,2,3,4\n");
    size_t cap = 1;
    ql_csv_input_begin(csv, QL_STR("in.csv"), false);
    assert_null(ql_csv_room(csv, &cap)); /* the header is not known */
    assert_int_equal(cap, 0);
    assert_ok(ql_csv_feed(csv, CSV_HEADER, strlen(CSV_HEADER), err));
    char *room = ql_csv_room(csv, &cap);
    assert_non_null(room);
    assert_true(cap >= row.len);
    memcpy(room, row.ptr, row.len);
    assert_ok(ql_csv_feed(csv, room, row.len, err));
    size_t cap_behind = 0;
    assert_ptr_equal(ql_csv_room(csv, &cap_behind), room + row.len);
    assert_int_equal(cap_behind, cap - row.len);
    assert_ok(ql_csv_feed(csv, row.ptr, row.len, err)); /* from elsewhere, after room was asked for */
    assert_ok(ql_csv_input_end(csv, err));
    assert_int_equal(result.stats.rows, 0);
    assert_string_equal(ql_buf_text(&result.rows), CSV_SEEN "|q1|a|1|2|3|4\n" CSV_SEEN "|q1|a|1|2|3|4\n");
    ql_csv_input_begin(csv, QL_STR("utf16.csv"), false);
    assert_ok(ql_csv_feed(csv, "\xFF\xFEx\0", 4, err));
    assert_null(ql_csv_room(csv, &cap));
    ql_csv_free(csv);
    csv_result_fini(&result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(rows_go_on_across_blocks),
        cmocka_unit_test(a_bad_row_in_every_block_is_found_in_order),
        cmocka_unit_test(max_rows_is_passed_at_a_row),
        cmocka_unit_test(several_inputs_follow_one_another),
        cmocka_unit_test(damaged_streams_fail_at_the_same_place),
        cmocka_unit_test(a_failing_sink_stops_every_thread),
        cmocka_unit_test(a_failing_pack_counts_where_its_rows_are),
        cmocka_unit_test(an_input_can_be_given_up),
        cmocka_unit_test(room_is_where_text_is_gathered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
