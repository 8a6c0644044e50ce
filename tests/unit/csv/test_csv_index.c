/*
 * Every kernel finds what a plain automaton finds, and rows read by the index are those that are read byte by byte.
 *
 * The byte-wise way is had by blocks of one byte: then no row ever lies whole in a block, and the index is not asked.
 */
#include "unit/csv/csv_random.h"

#include "csv/swar.h"

#include <stdio.h>

static const enum ql_cpu_level LEVELS[] = {QL_CPU_SCALAR, QL_CPU_AVX2, QL_CPU_NATIVE};
enum { N_LEVELS = sizeof LEVELS / sizeof LEVELS[0] };
enum { AROUND = 16 }; /* bytes before a number; it must not matter what they are */

/* ---- kernels ---- */

/* Up to the first byte that RFC 4180 does not foresee; `bad` is its position, len if there is none. */
struct expected {
    uint32_t ends[QL_CSV_WINDOW_BYTES];
    uint32_t rows[QL_CSV_WINDOW_BYTES];
    size_t n_ends, n_rows, bad;
};

static void expect_index(struct ql_str text, char delimiter, struct expected *expected) {
    enum { AT_FIELD, IN_FIELD, IN_QUOTES, BEHIND_QUOTE, BEHIND_CR } state = AT_FIELD;
    expected->n_ends = expected->n_rows = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_end = c == delimiter || c == '\n';
        bool is_bad = false;
        if (state == IN_QUOTES) {
            state = c == '"' ? BEHIND_QUOTE : IN_QUOTES;
            continue;
        }
        if (state == BEHIND_QUOTE && c == '"') {
            state = IN_QUOTES;
            continue;
        }
        is_bad = (state == BEHIND_QUOTE && !is_end && c != '\r') || (state == BEHIND_CR && c != '\n') ||
                 (c == '"' && state == IN_FIELD);
        if (is_bad) {
            expected->bad = i;
            return;
        }
        if (is_end) {
            expected->ends[expected->n_ends++] = (uint32_t)i;
            state = AT_FIELD;
        } else {
            state = c == '"' ? IN_QUOTES : c == '\r' ? BEHIND_CR : IN_FIELD;
        }
        if (c == '\n') {
            expected->rows[expected->n_rows++] = (uint32_t)expected->n_ends;
        }
    }
    expected->bad = text.len;
}

static void check_index(struct ql_str text, char delimiter, const char *what) {
    static struct expected expected;
    expect_index(text, delimiter, &expected);
    char *exact = malloc(text.len != 0 ? text.len : 1); /* reading beyond it is an error that ASan sees */
    assert_non_null(exact);
    memcpy(exact, text.len != 0 ? text.ptr : "", text.len);
    for (size_t i = 0; i < N_LEVELS; i++) {
        struct ql_cpu cpu;
        struct ql_csv_index index = {0};
        ql_cpu_detect(&cpu, LEVELS[i]);
        const struct ql_csv_kernel *kernel = ql_csv_kernel_choose(&cpu);
        ql_csv_index_make(&index, kernel, exact, text.len, delimiter);
        if (index.n_rows != expected.n_rows || index.n_ends != expected.n_ends ||
            memcmp(index.ends, expected.ends, index.n_ends * sizeof *index.ends) != 0 ||
            memcmp(index.rows, expected.rows, index.n_rows * sizeof *index.rows) != 0) {
            fail_msg("%s: kernel %s: %zu ends, %zu rows instead of %zu, %zu in %.*s", what, kernel->name, index.n_ends,
                     index.n_rows, expected.n_ends, expected.n_rows, QL_STR_ARG(text));
        }
        ql_csv_index_fini(&index);
    }
    free(exact);
}

/* A carriage return or a closing quote in the last byte is judged by what follows, which the window does not have. */
static void kernels_find_what_an_automaton_finds(void **state) {
    (void)state;
    static const char *const ALPHABETS[] = {",\n\"\ra", "ab,\n", "aaaaaaa,\"\n", "\",\n", "abcdefghijklmnop;,\n\xC3\xBF",
                                            "\r\n\""};
    static char text[1024];
    uint64_t seed = 1;
    for (int round = 0; round < 6000; round++) {
        const char *alphabet = ALPHABETS[pick(&seed, sizeof ALPHABETS / sizeof ALPHABETS[0])];
        size_t len = pick(&seed, round % 16 == 0 ? sizeof text : 200);
        for (size_t i = 0; i < len; i++) {
            text[i] = alphabet[pick(&seed, strlen(alphabet))];
        }
        char what[32];
        (void)snprintf(what, sizeof what, "round %d", round);
        check_index((struct ql_str){.ptr = text, .len = len}, round % 3 == 0 ? ';' : ',', what);
    }
}

/* Every field of a window full of delimiters or of rows; what the index has room for. */
static void a_window_may_be_full(void **state) {
    (void)state;
    static char text[QL_CSV_WINDOW_BYTES];
    memset(text, ',', sizeof text);
    check_index((struct ql_str){.ptr = text, .len = sizeof text}, ',', "delimiters");
    memset(text, '\n', sizeof text);
    check_index((struct ql_str){.ptr = text, .len = sizeof text}, ',', "lines");
    check_index((struct ql_str){.ptr = text, .len = sizeof text - 1}, ',', "lines");
}

/* Quotes and carriage returns on both sides of a block's end. */
static void blocks_hand_on_their_state(void **state) {
    (void)state;
    static const char *const PIECES[] = {"\"\"", "\",",    "\"\n",        "\"\r\n", "\r\n",    "\ra",
                                         "\"a",  ",\"x\"", "\n\"x,\ny\"", "a\"",    "\"\"\"\""};
    char text[160];
    for (size_t i = 0; i < sizeof PIECES / sizeof PIECES[0]; i++) {
        for (size_t at = 56; at < 68; at++) {
            for (int is_quoted = 0; is_quoted < 2; is_quoted++) {
                memset(text, 'a', sizeof text);
                text[0] = is_quoted ? '"' : 'a';
                memcpy(text + at, PIECES[i], strlen(PIECES[i]));
                memcpy(text + 100, "\",b\"\n", 5);
                check_index((struct ql_str){.ptr = text, .len = 130}, ',', PIECES[i]);
            }
        }
    }
}

/* ---- numbers ---- */

/* Whatever swar.h takes, number.c reads the same. */
static void short_numbers_read_the_same(void **state) {
    (void)state;
    static const char ALPHABET[] = "0123456789000.5.-+ e\xB0:/";
    uint64_t seed = 2;
    size_t n_taken = 0;
    struct ql_csv_number_scratch scratch = {0};
    const struct ql_csv_number_rule rule = {.kind = QL_NUMBER_DECIMAL, .point = '.'};
    for (int round = 0; round < 200000; round++) {
        char text[AROUND + 20 + QL_CSV_SWAR_BEHIND];
        size_t len = pick(&seed, 19);
        size_t n_letters = round % 4 != 0 ? 11 + pick(&seed, 2) * 3 : sizeof ALPHABET - 1;
        for (size_t i = 0; i < sizeof text; i++) {
            text[i] = ALPHABET[pick(&seed, i < AROUND || i >= AROUND + len ? sizeof ALPHABET - 1 : n_letters)];
        }
        uint64_t k = 0;
        int scale = 0;
        struct ql_str s = {.ptr = text + AROUND, .len = len};
        if (!ql_csv_swar_parse(s.ptr + len, len, '.', &k, &scale)) {
            continue;
        }
        struct ql_csv_number number = {0};
        enum ql_csv_fault fault = ql_csv_number_parse(s, &rule, &number, &scratch);
        for (; scale > 0 && k % 10 == 0; scale--) { /* number.c leaves out zeros behind a fraction */
            k /= 10;
        }
        if (fault != QL_CSV_FINE || number.kind != QL_CSV_NUMBER_EXACT || number.k != (int64_t)k || number.scale != scale) {
            fail_msg("'%.*s' is %llu / 10^%d", QL_STR_ARG(s), (unsigned long long)k, scale);
        }
        n_taken++;
    }
    assert_true(n_taken > 10000);
    ql_csv_number_scratch_fini(&scratch);
}

/* One to four digits, and nothing else; every length and every byte at every place. */
static void short_counts_read_the_same(void **state) {
    (void)state;
    char text[AROUND + 5 + QL_CSV_SWAR_BEHIND] = "0123456789012345678901234567";
    for (size_t len = 0; len <= 5; len++) {
        for (int value = 0; value < 10000; value++) {
            char digits[16];
            (void)snprintf(digits, sizeof digits, "%05d", value);
            memcpy(text + AROUND, digits + 5 - len, len);
            uint32_t got = UINT32_MAX;
            bool is_taken = ql_csv_swar_parse_short(text + AROUND + len, len, &got);
            assert_int_equal(is_taken, len >= 1 && len <= 4);
            assert_true(!is_taken || got == (uint32_t)strtol(digits + 5 - len, NULL, 10));
        }
        for (size_t at = 0; at < len && len <= 4; at++) {
            for (int c = 0; c < 256; c++) {
                memcpy(text + AROUND, "1111", len);
                text[AROUND + at] = (char)c;
                uint32_t got;
                assert_int_equal(ql_csv_swar_parse_short(text + AROUND + len, len, &got), c >= '0' && c <= '9');
            }
        }
    }
}

/* ---- stamps ---- */

/* The usual spelling has a way of its own; base/time.h is the measure. Near misses are as frequent as hits. */
static void stamps_read_the_same(void **state) {
    (void)state;
    uint64_t seed = 5;
    size_t n_good = 0;
    const struct ql_csv_clock clock = {.from_us = QL_TIME_NONE, .to_us = QL_TIME_NONE};
    for (int round = 0; round < 60000; round++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%04zu-%02zu-%02zuT%02zu:%02zu:%02zu.%03zuZ",
                       pick(&seed, 3) == 0 ? pick(&seed, 10000) : 2024, pick(&seed, 14), pick(&seed, 33), pick(&seed, 25),
                       pick(&seed, 61), pick(&seed, 61), pick(&seed, 1000));
        if (pick(&seed, 3) == 0) {
            text[pick(&seed, 24)] = "0123456789:-TZ. ,;/\xB1"[pick(&seed, 20)];
        }
        struct ql_str s = {.ptr = text, .len = 24};
        struct ql_time_text time;
        int64_t got[2] = {0, 0};
        bool is_end_wrong = false;
        bool is_good = memchr(text, '/', 24) == NULL && ql_time_parse_iso(ql_str_trim(s), &time);
        enum ql_csv_fault fault = ql_csv_interval_parse(&clock, s, NULL, got, &is_end_wrong);
        if (memchr(text, '/', 24) != NULL) {
            continue; /* a pair */
        }
        assert_int_equal(fault == QL_CSV_FINE, is_good);
        if (is_good) {
            assert_int_equal(got[0], ql_time_from_civil(&time.civil) - time.offset_s * QL_US_PER_S);
            n_good++;
        }
    }
    assert_true(n_good > 10000);
}

/* ---- rows ---- */

static void check_export(struct ql_csv_options *options, struct ql_str text, uint64_t *seed, const char *what) {
    struct ql_buf by_bytes = {0};
    const struct ql_csv_tuning bytes = {.block_bytes = 1};
    csv_put_everything(options, &bytes, &(struct csv_feed){.text = text}, 1, &by_bytes);
    for (size_t i = 0; i < N_LEVELS; i++) {
        struct ql_cpu cpu;
        ql_cpu_detect(&cpu, LEVELS[i]);
        options->cpu = &cpu;
        for (int is_cut = 0; is_cut < 2; is_cut++) {
            struct ql_buf got = {0};
            char where[64];
            (void)snprintf(where, sizeof where, "%s, %s", what, ql_cpu_name(&cpu));
            const struct ql_csv_tuning tuning = {.block_bytes = is_cut ? 100 + pick(seed, 9000) : 0};
            csv_put_everything(options, &tuning, &(struct csv_feed){.text = text}, 1, &got);
            csv_assert_same(&got, &by_bytes, where);
            ql_buf_fini(&got);
        }
    }
    options->cpu = NULL;
    ql_buf_fini(&by_bytes);
}

static void the_index_changes_nothing(void **state) {
    (void)state;
    uint64_t seed = 3;
    for (int round = 0; round < 240; round++) {
        struct ql_csv_options options = csv_options();
        static const size_t RARE[] = {0, 3, 30, 300};
        options.on_bad_row = round % 7 == 0 ? QL_BAD_ROW_FAIL : QL_BAD_ROW_QUARANTINE;
        options.wants_interval_text = round % 3 == 0;
        options.granularity_us = round % 5 == 0 ? 1800 * QL_US_PER_S : 0;
        options.to_us = round % 4 == 0 ? INT64_C(1893456000) * QL_US_PER_S : QL_TIME_NONE; /* 2030 */
        options.limits.max_rows = round % 11 == 0 ? 25 : 0;
        options.limits.max_row_bytes = round % 13 == 0 ? 128 : 0;
        options.limits.max_field_bytes = round % 17 == 0 ? 50 : 0;
        struct ql_buf text = {0};
        put_export(&text, &seed, round % 40 == 0 ? 3000 : 1 + pick(&seed, 60), RARE[round % 4]);
        char what[32];
        (void)snprintf(what, sizeof what, "round %d", round);
        check_export(&options, ql_buf_view(&text), &seed, what);
        ql_buf_fini(&text);
    }
}

/* A stamp of one of a few days, the year's last among them; now and then with seconds, or not as usual, or of no day. */
static void put_stamp(struct ql_buf *out, uint64_t *seed, size_t minute, size_t rare) {
    static const char *const DAYS[] = {"2024-02-28", "2024-02-29", "2023-12-31", "1999-12-31", "2000-02-29", "9999-12-31"};
    static const char *const NO_DAYS[] = {"2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-01-00",
                                          "2024-04-31", "0000-01-01", "2024-1x-01", "20240101T0", "2024-20-01"};
    bool is_odd = rare != 0 && pick(seed, rare) == 0;
    ql_buf_puts(out, is_odd && pick(seed, 2) == 0 ? NO_DAYS[pick(seed, 10)] : DAYS[pick(seed, rare != 0 ? 6 : 3)]);
    if (is_odd) {
        static const char *const CLOCKS[] = {"T00:10:01.000Z", "T00:10:59.999Z", "T24:00:00.000Z", "T23:60:00.000Z",
                                             "T12:00:60.000Z", "T12:00:00.000z", "T12:00:00Z",     "T12:00:00.000+01:00",
                                             " 12:00:00.000Z", "T29:00:00.000Z", "T12-00:00.000Z", "T12:00:00,000Z"};
        ql_buf_puts(out, CLOCKS[pick(seed, 12)]);
    } else {
        ql_buf_printf(out, "T%02zu:%02zu:00.000Z", minute / 60, minute % 60);
    }
}

/* Rows in no order: every way to an interval and a queue must come to the same. */
static void rows_in_no_order_are_read(void **state) {
    (void)state;
    static const char *const HEADERS[] = {
        "interval,queueId,queueName,callsOffered,callsAnswered,note\n",
        "intervalStart,intervalEnd,queueId,queueName,callsOffered,callsAnswered,note\n",
        "intervalEnd,intervalStart,queueId,queueName,callsOffered,callsAnswered,note\n",
        "interval,queueName,callsOffered,callsAnswered,note\n",
    };
    static const size_t RARE[] = {0, 3, 30, 300};
    uint64_t seed = 8;
    for (int round = 0; round < 160; round++) {
        struct ql_csv_options options = csv_options();
        struct ql_buf text = {0};
        size_t rare = RARE[round % 4];
        size_t shape = (size_t)round / 4 % 4;
        options.on_bad_row = QL_BAD_ROW_QUARANTINE;
        options.wants_interval_text = round % 3 == 0;
        options.from_us = round % 5 == 0 ? INT64_C(1704067200000000) : QL_TIME_NONE; /* 2024 */
        options.to_us = round % 7 == 0 ? INT64_C(1709164800000000) : QL_TIME_NONE;   /* 2024-02-29 */
        options.limits.max_field_bytes = round % 13 == 0 ? 100 : 0;
        ql_buf_puts(&text, HEADERS[shape]);
        size_t n_rows = round % 20 == 0 ? 5000 : 1 + pick(&seed, 300);
        for (size_t i = 0; i < n_rows; i++) {
            size_t minute = pick(&seed, 1440);
            size_t at = text.len;
            put_stamp(&text, &seed, minute, rare);
            ql_buf_putc(&text, shape == 1 || shape == 2 ? ',' : '/');
            if (pick(&seed, 3) != 0) { /* mostly the same day */
                size_t day_len = text.len - at < 10 ? text.len - at : 10;
                char day[10];
                memcpy(day, text.ptr + at, day_len);
                ql_buf_put(&text, day, day_len);
                ql_buf_printf(&text, "T%02zu:%02zu:00.000Z", (minute + 1) % 1440 / 60, (minute + 1) % 60);
            } else {
                put_stamp(&text, &seed, pick(&seed, 1440), rare);
            }
            if (shape != 3) {
                ql_buf_printf(&text, ",%s", PICK(&seed, IDS, 6, rare));
            }
            ql_buf_printf(&text, ",%s%s", PICK(&seed, NAMES, 5, rare),
                          pick(&seed, 5) == 0 ? " of a name that is so long that it goes on in the next block" : "");
            ql_buf_printf(&text, ",%s,%s", PICK(&seed, NUMBERS, 5, rare), PICK(&seed, NUMBERS, 5, rare));
            ql_buf_printf(&text, ",%s\n", PICK(&seed, NAMES, 3, rare));
        }
        char what[32];
        (void)snprintf(what, sizeof what, "round %d", round);
        check_export(&options, ql_buf_view(&text), &seed, what);
        ql_buf_fini(&text);
    }
}

/* More queues than are remembered, in turn, so that what is not remembered is copied; and names that need room. */
static void many_queues_are_read(void **state) {
    (void)state;
    uint64_t seed = 4;
    struct ql_csv_options options = csv_options();
    struct ql_buf text = {0};
    ql_buf_puts(&text, CSV_HEADER);
    for (int i = 0; i < 40000; i++) {
        ql_buf_printf(&text, CSV_INTERVAL ",id-%d,\"queue, %d\",%d,1,2.5,\n", i % 20000, i % 20000, i % 90);
    }
    check_export(&options, ql_buf_view(&text), &seed, "many queues");
    ql_buf_fini(&text);
}

/* In any order, and with columns that are neighbours or not; every row must get its own queue. */
static void queues_of_one_id_are_told_apart(void **state) {
    (void)state;
    uint64_t seed = 9;
    for (int is_apart = 0; is_apart < 2; is_apart++) {
        const struct ql_csv_options options = csv_options();
        struct ql_buf text = {0};
        struct ql_buf expected = {0};
        ql_buf_puts(&text, is_apart ? "interval,queueId,callsOffered,queueName,callsAnswered\n"
                                    : "interval,queueId,queueName,callsOffered,callsAnswered\n");
        for (int i = 0; i < 4000; i++) {
            size_t name = pick(&seed, 500);
            if (is_apart) {
                ql_buf_printf(&text, CSV_INTERVAL ",an-id,%d,name %03zu,1\n", i % 9 + 1, name);
            } else {
                ql_buf_printf(&text, CSV_INTERVAL ",an-id,name %03zu,%d,1\n", name, i % 9 + 1);
            }
            ql_buf_printf(&expected, CSV_SEEN "|an-id|name %03zu|%d|1|-|-\n", name, i % 9 + 1);
        }
        struct csv_result result = {0};
        csv_run(&options, ql_buf_view(&text), &result);
        csv_assert_same(&result.rows, &expected, is_apart ? "columns apart" : "neighbours");
        csv_result_fini(&result);
        ql_buf_fini(&text);
        ql_buf_fini(&expected);
    }
}

/* What is expected of a row is compared with its text, which may hold line breaks that have to be counted. */
static void line_breaks_in_expected_fields_are_counted(void **state) {
    (void)state;
    uint64_t seed = 6;
    static const char *const SPELLINGS[] = {CSV_INTERVAL, "\"" CSV_INTERVAL "\"", "\"\n" CSV_INTERVAL "\""};
    for (size_t i = 0; i < sizeof SPELLINGS / sizeof SPELLINGS[0]; i++) {
        struct ql_csv_options options = csv_options();
        options.on_bad_row = QL_BAD_ROW_QUARANTINE;
        struct ql_buf text = {0};
        ql_buf_puts(&text, CSV_HEADER);
        for (int row = 0; row < 300; row++) {
            ql_buf_printf(&text, "%s,q%d,%s,%s,2,3,4\n", SPELLINGS[i], row % 3, row % 3 == 1 ? "\"two\nlines\"" : "one",
                          row % 50 == 49 ? "bad" : "1");
        }
        check_export(&options, ql_buf_view(&text), &seed, SPELLINGS[i]);
        ql_buf_fini(&text);
    }
}

/* Columns that nobody asked for, before and behind the numbers: what makes a row bad there makes it bad. */
static void structure_counts_where_nothing_is_read(void **state) {
    (void)state;
    static const char *const NOTES[] = {"",     "x",        "a\rb", "\"q, r\"", "say \"hi\"", "\"a\"b",  "x,y",
                                        "cr\r", "\"a\nb\"", "\r",   "\"\"",     "\xFF",       "\"\"\"\""};
    uint64_t seed = 7;
    for (int round = 0; round < 60; round++) {
        struct ql_csv_options options = csv_options();
        options.on_bad_row = QL_BAD_ROW_QUARANTINE;
        struct ql_buf text = {0};
        ql_buf_puts(&text, "interval,queueId,queueName,note,callsOffered,callsAnswered,more\n");
        for (int row = 0; row < 100; row++) {
            ql_buf_printf(&text, CSV_INTERVAL ",q%d,n,%s,12,3,%s%s", row % 4, PICK(&seed, NOTES, 2, 10),
                          PICK(&seed, NOTES, 2, 10), round % 3 == 0 ? "\r\n" : "\n");
        }
        check_export(&options, ql_buf_view(&text), &seed, "unread columns");
        ql_buf_fini(&text);
    }
}

/* A second input has its columns elsewhere; what was remembered of the first must not be taken for it. */
static void inputs_do_not_share_what_is_remembered(void **state) {
    (void)state;
    static const char FIRST[] = CSV_HEADER CSV_INTERVAL ",a,b,1,2,3,4\n" CSV_INTERVAL ",a,b,1,2,3,4\n";
    static const char SECOND[] =
        "queueName,interval,callsAnswered,queueId,callsOffered,avgHandleTimeSeconds,serviceLevelPercent\n"
        "a," CSV_INTERVAL ",2,b,1,3,4\nb," CSV_INTERVAL ",2,a,1,3,4\n";
    const struct csv_feed feeds[] = {{.text = {FIRST, sizeof FIRST - 1}}, {.text = {SECOND, sizeof SECOND - 1}}};
    struct ql_csv_options options = csv_options();
    struct csv_result result = {0};
    csv_run_feeds(&options, feeds, 2, &result);
    assert_int_equal(result.status, QL_OK);
    assert_string_equal(ql_buf_text(&result.rows), CSV_SEEN "|a|b|1|2|3|4\n" CSV_SEEN "|a|b|1|2|3|4\n"
                                                            "1:" CSV_SEEN "|b|a|1|2|3|4\n1:" CSV_SEEN "|a|b|1|2|3|4\n");
    csv_result_fini(&result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_find_what_an_automaton_finds),
        cmocka_unit_test(a_window_may_be_full),
        cmocka_unit_test(blocks_hand_on_their_state),
        cmocka_unit_test(short_numbers_read_the_same),
        cmocka_unit_test(short_counts_read_the_same),
        cmocka_unit_test(stamps_read_the_same),
        cmocka_unit_test(the_index_changes_nothing),
        cmocka_unit_test(rows_in_no_order_are_read),
        cmocka_unit_test(many_queues_are_read),
        cmocka_unit_test(queues_of_one_id_are_told_apart),
        cmocka_unit_test(line_breaks_in_expected_fields_are_counted),
        cmocka_unit_test(structure_counts_where_nothing_is_read),
        cmocka_unit_test(inputs_do_not_share_what_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
