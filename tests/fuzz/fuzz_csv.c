/**
 * Any bytes as a CSV input, under any options: no read out of bounds, no leak, rows that keep their promises, and the same
 * outcome (rows, statistics, message, side file) whole and cut into chunks, in one block by one thread and in small blocks by
 * several.
 *
 * The first three bytes choose options and the size of chunks and blocks; the rest is the input. With libFuzzer:
 *
 *   clang -fsanitize=fuzzer,address,undefined -DQL_LIBFUZZER -ffp-contract=off -D_GNU_SOURCE -Isrc tests/fuzz/fuzz_csv.c \
 *     $(echo src/csv/?*.c) src/codec/decoder.c src/base/{err,mem,parallel,str,time,tz,unicode}.c src/cpu/cpu.c -lz -lzstd
 * -lutf8proc -o fuzz_csv
 *   ./fuzz_csv -max_total_time=60 -dict=tests/fuzz/csv.dict /tmp/corpus tests/fuzz/corpus_csv
 *
 * Without QL_LIBFUZZER it has a main() that replays the files that it is given, which ctest does with the corpus.
 */
#include "csv/csv_internal.h"

#include "base/mem.h"
#include "base/unicode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(expr) ((expr) ? (void)0 : ((void)fprintf(stderr, "failed: %s\n", #expr), abort()))

enum { N_METRICS = 3, OPTION_BYTES = 3 };

struct outcome {
    struct ql_buf rows, quarantine, text;
    size_t n_packed; /* not taken or dropped */
    bool is_damaged; /* a compressed stream: found earlier in larger chunks, before what came in front of it is decoded */
};

static enum ql_status on_header(void *ctx, const struct ql_csv_header *header, struct ql_err *err) {
    struct outcome *outcome = ctx;
    (void)err;
    for (size_t i = 0; i < N_METRICS; i++) {
        ql_buf_putc(&outcome->text, header->is_present[i] ? '1' : '0');
    }
    ql_buf_putc(&outcome->text, header->has_queue_id ? 'i' : '-');
    return QL_OK;
}

/* A value without the scale, which depends on the batch: digits without zeros at the end, and their exponent. */
static void put_number(struct ql_buf *out, const struct ql_number_column *column, size_t row) {
    if (column->k[row] == QL_NUMBER_WIDE) {
        size_t i = 0;
        while (i < column->n_wide && column->wide[i].row != row) {
            i++;
        }
        CHECK(i < column->n_wide);
        struct ql_str exponent;
        struct ql_str digits = ql_str_split(column->wide[i].text, 'e', &exponent);
        long e = exponent.len != 0 ? strtol(exponent.ptr, NULL, 10) : 0;
        while (digits.len > 1 && digits.ptr[digits.len - 1] == '0') {
            digits.len--;
            e++;
        }
        CHECK(!__builtin_isinf(strtod(column->wide[i].text.ptr, NULL)));
        ql_buf_printf(out, "|%.*se%ld", QL_STR_ARG(digits), e);
        return;
    }
    int64_t k = column->k[row];
    long e = -(long)column->scale;
    for (; k != 0 && k != QL_NUMBER_MISSING && k % 10 == 0; k /= 10) {
        e++;
    }
    ql_buf_printf(out, "|%" PRId64 "e%ld", k, k != 0 && k != QL_NUMBER_MISSING ? e : 0);
}

static void put_row(struct ql_buf *out, const struct ql_rows *rows, size_t i, const struct ql_rows_run *run) {
    CHECK(rows->queue[i] < rows->n_queues);
    const struct ql_rows_queue *queue = &rows->queues[rows->queue[i]];
    CHECK(queue->name.len != 0 && ql_utf8_is_valid(queue->name) && ql_utf8_is_valid(queue->id));
    CHECK(rows->metrics[0].k[i] >= 0 || rows->metrics[0].k[i] == QL_NUMBER_MISSING);
    ql_buf_printf(out, "%" PRId64 "/%" PRId64 "|", run->start_us, run->end_us);
    ql_buf_put_str(out, run->text);
    ql_buf_put_str(out, rows->has_queue_id ? queue->id : (struct ql_str){0});
    ql_buf_putc(out, '|');
    ql_buf_put_str(out, queue->name);
    for (size_t m = 0; m < N_METRICS; m++) {
        CHECK(rows->metrics[m].scale <= 18);
        put_number(out, &rows->metrics[m], i);
    }
    ql_buf_putc(out, '\n');
}

static enum ql_status on_pack(void *ctx, const struct ql_rows *rows, void **packed, struct ql_err *err) {
    struct outcome *outcome = ctx;
    struct ql_buf *out = ql_mem_zalloc(1, sizeof *out);
    size_t row = 0;
    (void)err;
    CHECK(rows->n_rows != 0 && rows->n_metrics == N_METRICS);
    CHECK(rows->metrics[0].scale == 0 && rows->metrics[0].n_wide == 0);
    for (size_t r = 0; r < rows->n_runs; r++) {
        const struct ql_rows_run *run = &rows->runs[r];
        CHECK(run->n_rows != 0 && run->n_rows <= rows->n_rows - row);
        CHECK(run->end_us == QL_TIME_NONE || run->end_us > run->start_us);
        for (size_t end = row + run->n_rows; row < end; row++) {
            put_row(out, rows, row, run);
        }
    }
    CHECK(row == rows->n_rows);
    (void)__atomic_add_fetch(&outcome->n_packed, 1, __ATOMIC_RELAXED);
    *packed = out;
    return QL_OK;
}

static void on_drop(void *ctx, void *packed) {
    struct outcome *outcome = ctx;
    ql_buf_fini(packed);
    ql_mem_free(packed);
    (void)__atomic_sub_fetch(&outcome->n_packed, 1, __ATOMIC_RELAXED);
}

static enum ql_status on_take(void *ctx, void *packed, struct ql_err *err) {
    struct outcome *outcome = ctx;
    (void)err;
    ql_buf_put_str(&outcome->rows, ql_buf_view(packed));
    on_drop(ctx, packed);
    return QL_OK;
}

static enum ql_status on_bad_row(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct outcome *outcome = ctx;
    (void)err;
    ql_buf_put(&outcome->quarantine, ptr, len);
    return QL_OK;
}

static const struct ql_rows_metric METRICS[N_METRICS] = {
    {.name = {"calls_offered", 13}, .kind = QL_NUMBER_COUNT, .is_required = true},
    {.name = {"avg_handle_time_seconds", 23}, .kind = QL_NUMBER_DECIMAL, .is_duration = true},
    {.name = {"service_level_percent", 21}, .kind = QL_NUMBER_DECIMAL, .is_percentage = true},
};

static void choose_options(struct ql_csv_options *options, const uint8_t *choice, struct outcome *outcome) {
    static const char *const ENCODINGS[] = {"", "utf-8", "utf-16", "utf-16be", "latin1", "windows-1252", "", ""};
    *options = (struct ql_csv_options){
        .metrics = METRICS,
        .n_metrics = N_METRICS,
        .wants_interval_text = (choice[0] & 1) != 0,
        .decimal_comma = (choice[0] & 2) != 0,
        .allow_unsized = (choice[0] & 4) != 0,
        .on_bad_row = (enum ql_bad_row_policy)((choice[0] >> 3) % 3),
        .delimiter = (choice[0] & 64) != 0 ? ';' : '\0',
        .encoding = ql_str_from(ENCODINGS[choice[1] & 7]),
        .granularity_us = (choice[1] & 8) != 0 ? 900 * QL_US_PER_S : 0,
        .from_us = (choice[1] & 16) != 0 ? 0 : QL_TIME_NONE,
        .to_us = QL_TIME_NONE,
        .max_bad_rows = (choice[1] & 32) != 0 ? 2 : -1,
        .quarantine = {.write = on_bad_row, .ctx = outcome},
        .limits = {.max_decoded_bytes = 1 << 20, .max_columns = 64},
    };
    if ((choice[1] & 64) != 0) {
        options->limits.max_field_bytes = 40;
        options->limits.max_row_bytes = 120;
        options->limits.max_rows = 5;
    }
}

/* One way to read an input. */
struct way {
    size_t chunk, n_threads;
    struct ql_csv_tuning tuning;
};

static void run(const uint8_t *choice, const uint8_t *data, size_t size, const struct way *way, struct outcome *outcome) {
    struct ql_csv_options options;
    const size_t chunk = way->chunk;
    choose_options(&options, choice, outcome);
    options.n_threads = way->n_threads;
    const struct ql_csv_sink sink = {.header = on_header, .pack = on_pack, .take = on_take, .drop = on_drop, .ctx = outcome};
    struct ql_csv *csv = ql_csv_new_tuned(&options, &sink, &way->tuning);
    struct ql_err err = {0};
    enum ql_status status = QL_OK;
    ql_csv_input_begin(csv, QL_STR("in"), (choice[0] & 128) != 0);
    for (size_t at = 0; at < size && status == QL_OK; at += chunk) {
        size_t n = chunk < size - at ? chunk : size - at;
        char *exact = malloc(n); /* gone after the call, and no byte behind it */
        CHECK(exact != NULL);
        memcpy(exact, data + at, n);
        status = ql_csv_feed(csv, exact, n, &err);
        free(exact);
    }
    if (status == QL_OK) {
        status = ql_csv_input_end(csv, &err);
    }
    CHECK(status == err.status && status != QL_E_INTERNAL && status != QL_E_SYSTEM);
    struct ql_csv_stats stats;
    ql_csv_get_stats(csv, &stats);
    ql_csv_free(csv);
    CHECK(outcome->n_packed == 0);
    if (status == QL_OK) {
        ql_buf_printf(&outcome->text, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, stats.rows, stats.bad_rows,
                      stats.missing_values, stats.bytes_decoded);
    } else { /* what was delivered before an error is nobody's promise */
        ql_buf_reset(&outcome->rows);
        outcome->is_damaged = status == QL_E_COMPRESSED;
        CHECK(err.message[0] != '\0' && ql_utf8_is_valid(ql_str_from(err.message)));
        ql_buf_printf(&outcome->text, "%s %" PRId64 " %s", ql_status_name(status), err.row, err.message);
    }
}

static void check_same(const char *what, const struct ql_buf *whole, const struct ql_buf *cut) {
    if (!ql_str_eq(ql_buf_view(whole), ql_buf_view(cut))) {
        (void)fprintf(stderr, "%s, whole:\n%s\ncut:\n%s\n", what, ql_buf_text(whole), ql_buf_text(cut));
        abort();
    }
}

static void fini(struct outcome *outcome) {
    ql_buf_fini(&outcome->rows);
    ql_buf_fini(&outcome->quarantine);
    ql_buf_fini(&outcome->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < OPTION_BYTES) {
        return 0;
    }
    const size_t body = size - OPTION_BYTES;
    const size_t some = 1 + (size_t)data[2];
    const struct way ways[] = {
        {.chunk = 1, .n_threads = 1, .tuning = {.block_bytes = 1}},
        {.chunk = some, .n_threads = 1, .tuning = {.block_bytes = some + 7, .max_queues = 1}},
        {.chunk = body + 1, .n_threads = 2, .tuning = {.block_bytes = some, .serial_bytes = 1}},
        {.chunk = some, .n_threads = 3, .tuning = {.block_bytes = some / 2 + 1, .serial_bytes = 1, .max_queues = 2}},
    };
    struct outcome whole = {0};
    run(data, data + OPTION_BYTES, body, &(struct way){.chunk = body + 1, .n_threads = 1}, &whole);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct outcome cut = {0};
        run(data, data + OPTION_BYTES, body, &ways[i], &cut);
        if (!whole.is_damaged && !cut.is_damaged) {
            check_same("outcome", &whole.text, &cut.text);
            check_same("rows", &whole.rows, &cut.rows);
            check_same("side file", &whole.quarantine, &cut.quarantine);
        }
        fini(&cut);
    }
    fini(&whole);
    return 0;
}

#ifndef QL_LIBFUZZER
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            perror(argv[i]);
            return 1;
        }
        struct ql_buf bytes = {0};
        for (size_t n = 1; n != 0; bytes.len += n) {
            n = fread(ql_buf_reserve(&bytes, 4096), 1, 4096, file);
        }
        (void)fclose(file);
        (void)LLVMFuzzerTestOneInput((const uint8_t *)bytes.ptr, bytes.len);
        ql_buf_fini(&bytes);
    }
    printf("%d files\n", argc - 1);
    return 0;
}
#endif
