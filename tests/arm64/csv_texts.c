/*
 * Random texts, read by the portable kernel and by the best that the processor has, by one thread and by several, whole and in
 * chunks: rows, counts and messages must be the same. What came out is printed as a digest for each text, so that machines can
 * be compared: tests/e2e/test_arm64.py runs this on arm64 and on the machine that tests.
 *
 * Links no library but the C library; stand_ins/ has what csv and its tests want beside it.
 */
#include "unit/csv/csv_random.h"

static const char DELIMITERS[] = {',', ';', '\t', '|'};
static const char *const LINE_ENDS[] = {"\n", "\r\n"};
static const size_t RARE[] = {0, 4, 40, 400};
#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Where the column that nobody asked for is. In front of the interval it keeps rows from being guessed: an index reads them. */
enum note { NO_NOTE, NOTE_FIRST, NOTE_LAST, N_NOTES };

struct style {
    char delimiter;
    const char *line_end; /* NULL: now this one, now that one */
    size_t rare;          /* as in csv_random.h */
    enum note note;
    size_t n_queues; /* in turn, so that every row is as expected; 0: any */
};

struct totals {
    size_t n_texts, n_good, n_bytes; /* n_good: those that were read to their end */
};

/* ---- texts ---- */

static void put_line_end(struct ql_buf *out, uint64_t *seed, const struct style *style) {
    ql_buf_puts(out, style->line_end != NULL ? style->line_end : LINE_ENDS[pick(seed, COUNT(LINE_ENDS))]);
}

static void put_header(struct ql_buf *out, uint64_t *seed, const struct style *style) {
    struct ql_buf header = {0};
    ql_buf_printf(&header, "%s%s", style->note == NOTE_FIRST ? "note," : "", CSV_HEADER);
    header.len--; /* its line end */
    ql_buf_puts(&header, style->note == NOTE_LAST ? ",note" : "");
    for (size_t i = 0; i < header.len; i++) {
        ql_buf_putc(out, header.ptr[i] == ',' ? style->delimiter : header.ptr[i]);
    }
    ql_buf_fini(&header);
    put_line_end(out, seed, style);
}

static void put_times(struct ql_buf *out, char c, size_t n) {
    while (n-- != 0) {
        ql_buf_putc(out, c);
    }
}

/* Everything that a kernel looks for, inside quotes, over several blocks. */
static void put_quoted(struct ql_buf *out, uint64_t *seed, char delimiter) {
    ql_buf_putc(out, '"');
    for (size_t left = pick(seed, 200); left != 0; left--) {
        switch (pick(seed, 12)) {
        case 0:
            ql_buf_puts(out, "\"\"");
            break;
        case 1:
            ql_buf_puts(out, LINE_ENDS[pick(seed, COUNT(LINE_ENDS))]);
            break;
        case 2:
            ql_buf_putc(out, delimiter);
            break;
        default:
            ql_buf_putc(out, (char)('a' + pick(seed, 26)));
        }
    }
    ql_buf_putc(out, '"');
}

static void put_note(struct ql_buf *out, uint64_t *seed, const struct style *style) {
    if (style->rare == 0 || pick(seed, 8) != 0) {
        put_times(out, 'n', pick(seed, 20));
    } else if (pick(seed, 2) == 0) {
        put_quoted(out, seed, style->delimiter);
    } else {
        put_times(out, 'l', pick(seed, 500));
    }
}

static void put_queue(struct ql_buf *out, uint64_t *seed, const struct style *style, size_t row) {
    bool is_usual = style->n_queues != 0 && (style->rare == 0 || pick(seed, style->rare) != 0);
    if (is_usual) {
        ql_buf_printf(out, "id-%zu%cqueue %zu", row % style->n_queues, style->delimiter, row % style->n_queues);
    } else {
        ql_buf_puts(out, PICK(seed, IDS, 4, style->rare));
        ql_buf_putc(out, style->delimiter);
        ql_buf_puts(out, PICK(seed, NAMES, 3, style->rare));
    }
}

static void put_row(struct ql_buf *out, uint64_t *seed, const struct style *style, size_t row) {
    static const char *const ODD[] = {"more", "\n", "\r", "\r\n\r\n", "\"", "\n,,\n", ";", "|", "\t"};
    if (style->note == NOTE_FIRST) {
        put_note(out, seed, style);
        ql_buf_putc(out, style->delimiter);
    }
    ql_buf_puts(out, style->n_queues != 0 && style->rare == 0 ? CSV_INTERVAL : PICK(seed, INTERVALS, 5, style->rare));
    ql_buf_putc(out, style->delimiter);
    put_queue(out, seed, style, row);
    for (int m = 0; m < CSV_METRICS; m++) {
        ql_buf_putc(out, style->delimiter);
        ql_buf_puts(out, PICK(seed, NUMBERS, m < 2 ? 5 : 12, style->rare));
    }
    if (style->note == NOTE_LAST) {
        ql_buf_putc(out, style->delimiter);
        put_note(out, seed, style);
    }
    if (style->rare != 0 && pick(seed, 4 * style->rare) == 0) {
        ql_buf_puts(out, ODD[pick(seed, COUNT(ODD))]);
    }
    put_line_end(out, seed, style);
}

/* ---- what is the same ---- */

/* FNV-1a: differs wherever two texts do, and is written in a line. */
static uint64_t digest(const struct ql_buf *text) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < text->len; i++) {
        hash = (hash ^ (unsigned char)text->ptr[i]) * UINT64_C(0x100000001B3);
    }
    return hash;
}

/* With blocks of a size that several threads have something to do; or with the usual ones, which a text fits whole. */
static void check_way(struct ql_csv_options options, struct ql_str text, bool is_cut, uint64_t *seed,
                      const struct ql_buf *expected, const char *what) {
    struct ql_csv_tuning tuning = {0};
    struct csv_feed feed = {.text = text};
    struct ql_buf got = {0};
    char where[160];
    if (is_cut) {
        tuning.block_bytes = 200 + pick(seed, 6000);
        tuning.serial_bytes = 1 + pick(seed, tuning.block_bytes);
        tuning.max_queues = pick(seed, 6);
        feed.chunk = 1 + pick(seed, 3 * tuning.block_bytes);
        feed.by_room = pick(seed, 2) == 0;
    }
    (void)snprintf(where, sizeof where, "%s, kernel %s, %zu threads, blocks of %zu, chunks of %zu", what,
                   ql_csv_kernel_choose(options.cpu)->name, options.n_threads, tuning.block_bytes, feed.chunk);
    csv_put_everything(&options, &tuning, &feed, 1, &got);
    csv_assert_same(&got, expected, where);
    ql_buf_fini(&got);
}

/* Whatever is chosen here by `seed` is the same on every machine; so is the digest. */
static void check(struct ql_csv_options options, struct ql_str text, uint64_t *seed, const char *what, struct totals *totals) {
    struct ql_buf expected = {0};
    struct ql_cpu scalar;
    struct ql_cpu native;
    ql_cpu_detect(&scalar, QL_CPU_SCALAR);
    ql_cpu_detect(&native, QL_CPU_NATIVE);
    options.n_threads = 1;
    options.cpu = &scalar;
    csv_put_everything(&options, NULL, &(struct csv_feed){.text = text}, 1, &expected);
    options.cpu = &native;
    check_way(options, text, false, seed, &expected, what);
    for (int way = 0; way < 4; way++) {
        options.cpu = way % 2 == 0 ? &native : &scalar;
        options.n_threads = way < 2 ? 1 : 3;
        check_way(options, text, true, seed, &expected, what);
    }
    (void)printf("%s: %zu bytes, %016" PRIx64 "\n", what, expected.len, digest(&expected));
    totals->n_texts++;
    totals->n_bytes += text.len;
    totals->n_good += strncmp(ql_buf_text(&expected), ql_status_name(QL_OK), strlen(ql_status_name(QL_OK))) == 0;
    ql_buf_fini(&expected);
}

/* ---- kinds of text ---- */

static struct ql_csv_options any_options(uint64_t *seed, char delimiter, size_t round) {
    struct ql_csv_options options = csv_options();
    options.delimiter = pick(seed, 2) == 0 ? delimiter : 0; /* else it is found out */
    options.on_bad_row = round % 7 == 0 ? QL_BAD_ROW_FAIL : round % 7 < 3 ? QL_BAD_ROW_SKIP : QL_BAD_ROW_QUARANTINE;
    options.wants_interval_text = round % 3 == 0;
    options.max_bad_rows = round % 11 == 0 ? (int64_t)pick(seed, 20) : -1;
    options.limits.max_rows = round % 12 == 0 ? 1 + (int64_t)pick(seed, 300) : 0;
    options.limits.max_row_bytes = round % 13 == 0 ? 140 : 0;
    options.limits.max_field_bytes = round % 17 == 0 ? 50 : 0;
    return options;
}

/* A statement for each number: in which order C evaluates an initialiser or arguments is up to the compiler. */
static struct style any_style(uint64_t *seed, size_t round) {
    struct style style = {.line_end = round % 3 == 2 ? NULL : LINE_ENDS[round % 3], .rare = RARE[round % COUNT(RARE)]};
    style.delimiter = DELIMITERS[pick(seed, COUNT(DELIMITERS))];
    style.note = (enum note)pick(seed, N_NOTES);
    style.n_queues = pick(seed, 9);
    style.n_queues -= pick(seed, 2) == 0 ? style.n_queues : 0;
    return style;
}

/* Rows as expected, rows of which nothing is known before, and anything between. */
static void random_exports(struct totals *totals) {
    uint64_t seed = 21;
    for (size_t round = 0; round < 160; round++) {
        struct ql_buf text = {0};
        const struct style style = any_style(&seed, round);
        put_header(&text, &seed, &style);
        for (size_t row = 0, n = 1 + pick(&seed, 200); row < n; row++) {
            put_row(&text, &seed, &style, row);
        }
        text.len -= pick(&seed, 3) == 0; /* a last line that does not end */
        char what[32];
        (void)snprintf(what, sizeof what, "export %zu", round);
        check(any_options(&seed, style.delimiter, round), ql_buf_view(&text), &seed, what, totals);
        ql_buf_fini(&text);
    }
}

/* What a kernel hands on from block to block, at every place of one: each piece behind 0 to 127 bytes of a name. */
static void pieces_at_block_ends(struct totals *totals) {
    static const char *const PIECES[] = {
        "\"%s\"\"\"",   "\"%s\n\"", "\"%s\r\n\"", "\"%s\"\"\"\"\"", "\"%s,\"", "\"%s\"\",\"\"\"", "\"%s\n\"\"\"",
        "\"\n\"\"%s\"", "\"%s\"",   "%s\"",       "\"%s\"x",        "%s\r",    "%s\rx",           "%s\n"};
    uint64_t seed = 22;
    for (size_t piece = 0; piece < COUNT(PIECES); piece++) {
        for (size_t end = 0; end < COUNT(LINE_ENDS); end++) {
            struct ql_buf text = {0};
            ql_buf_puts(&text, CSV_HEADER);
            for (int n = 0; n < 128; n++) {
                const char *behind = strchr(PIECES[piece], '%');
                ql_buf_puts(&text, CSV_INTERVAL ",q,");
                ql_buf_put(&text, PIECES[piece], (size_t)(behind - PIECES[piece]));
                put_times(&text, 'n', (size_t)n);
                ql_buf_printf(&text, "%s,%d,1,2.5,3%s", behind + 2, n, LINE_ENDS[end]);
            }
            char what[32];
            (void)snprintf(what, sizeof what, "piece %zu, line end %zu", piece, end);
            struct ql_csv_options options = csv_options();
            options.on_bad_row = QL_BAD_ROW_QUARANTINE;
            check(options, ql_buf_view(&text), &seed, what, totals);
            ql_buf_fini(&text);
        }
    }
}

/* Up to and beyond what an index covers at once. */
static void long_fields(struct totals *totals) {
    static const size_t BYTES[] = {1000, QL_CSV_WINDOW_BYTES - 200, QL_CSV_WINDOW_BYTES, 2 * QL_CSV_WINDOW_BYTES + 63};
    uint64_t seed = 23;
    for (size_t i = 0; i < COUNT(BYTES); i++) {
        struct ql_buf text = {0};
        ql_buf_puts(&text, CSV_HEADER);
        for (size_t row = 0; row < 6; row++) {
            ql_buf_printf(&text, CSV_INTERVAL ",q%zu,%s", row, row % 2 == 0 ? "\"a,\"\"" : "");
            put_times(&text, 'n', BYTES[i] + row);
            ql_buf_printf(&text, "%s,1,2,3,4\n" CSV_INTERVAL ",q,short,1,2,3,4\n", row % 2 == 0 ? "\"" : "");
        }
        char what[32];
        (void)snprintf(what, sizeof what, "fields of %zu", BYTES[i]);
        check(csv_options(), ql_buf_view(&text), &seed, what, totals);
        ql_buf_fini(&text);
    }
}

int main(void) {
    struct totals totals = {0};
    struct ql_cpu cpu;
    ql_cpu_detect(&cpu, QL_CPU_NATIVE);
    (void)printf("kernel %s\n", ql_csv_kernel_choose(&cpu)->name);
    random_exports(&totals);
    pieces_at_block_ends(&totals);
    long_fields(&totals);
    (void)printf("%zu texts of %zu bytes, %zu read to the end\n", totals.n_texts, totals.n_bytes, totals.n_good);
    return 0;
}
