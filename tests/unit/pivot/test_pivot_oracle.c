/*
 * Random exports against the oracle (tests/data/pivot/cells.txt, made by oracle.py with fractions): exact values to the last
 * bit, intervals, queues, gaps, totals, overlaps and counters, in the order of the file and for shuffles cut into random
 * batches.
 */
#include "unit/pivot/row_feed.h"
#include "unit/pivot/whole_cells.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 64, AGGREGATES_MAX = 8, ONLY_MAX = 8, EXPECTED_MAX = 8192, FIELDS_MAX = 16, N_SHUFFLES = 12 };

struct test_case {
    char name[64];
    struct ql_pivot_options options;
    struct ql_aggregate aggregates[AGGREGATES_MAX];
    struct ql_str only[ONLY_MAX];
    struct feed_row rows[ROWS_MAX];
    size_t n_rows;
    char *expected[EXPECTED_MAX];
    size_t n_expected;
    struct ql_arena arena;
};

static size_t split(char *line, char **field) {
    size_t n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at != NULL && n < FIELDS_MAX; n++) {
        field[n] = at;
        at = strchr(at, '\t');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    return n;
}

static void read_option(struct ql_pivot_options *options, const char *key, const char *value) {
    int64_t number = strtoll(value, NULL, 10);
    if (strcmp(key, "by_id") == 0) {
        options->by_id = true;
    } else if (strcmp(key, "by_text") == 0) {
        options->by_interval_text = true;
    } else if (strcmp(key, "gaps") == 0) {
        options->fills_gaps = true;
    } else if (strcmp(key, "totals") == 0) {
        options->has_totals = true;
    } else if (strcmp(key, "gran") == 0) {
        options->granularity_us = number;
    } else if (strcmp(key, "from") == 0) {
        options->from_us = number;
    } else if (strcmp(key, "to") == 0) {
        options->to_us = number;
    } else if (strcmp(key, "overlap") == 0) {
        options->overlap = *value == 'f' ? QL_OVERLAP_FAIL : *value == 's' ? QL_OVERLAP_SUM : QL_OVERLAP_LAST;
    } else {
        fail_msg("unknown option %s", key);
    }
}

static void read_aggregate(struct test_case *t, char **field) {
    static const char *const NAMES[] = {"sum", "mean", "min", "max", "count"};
    struct ql_aggregate *aggregate = &t->aggregates[t->options.n_aggregates++];
    *aggregate = (struct ql_aggregate){.name = ql_str_from(field[1]), .column = strtoul(field[2], NULL, 10)};
    aggregate->weight = *field[3] == '-' ? QL_NO_COLUMN : strtoul(field[3], NULL, 10);
    while (strcmp(field[4], NAMES[aggregate->agg]) != 0) {
        aggregate->agg++;
    }
    aggregate->type = strcmp(field[5], "int64") == 0 ? QL_CELL_INT64 : QL_CELL_DOUBLE;
}

static void read_row(struct test_case *t, char **field, size_t n) {
    assert_true(n == 7 + FEED_COLUMNS && t->n_rows < ROWS_MAX);
    struct feed_row *row = &t->rows[t->n_rows++];
    row->input = (uint32_t)strtoul(field[1], NULL, 10);
    row->start_us = strtoll(field[2], NULL, 10);
    row->end_us = strcmp(field[3], "none") == 0 ? QL_TIME_NONE : strtoll(field[3], NULL, 10);
    row->id = field[4];
    row->name = field[5];
    row->text = field[6];
    for (size_t c = 0; c < FEED_COLUMNS; c++) {
        row->v[c] = field[7 + c];
    }
}

/* The next case of the file; false at its end. */
static bool read_case(FILE *file, struct test_case *t) {
    *t = (struct test_case){.options = {.n_columns = FEED_COLUMNS, .from_us = QL_TIME_NONE, .to_us = QL_TIME_NONE}};
    char line[4096];
    char *field[FIELDS_MAX];
    while (fgets(line, sizeof line, file) != NULL) {
        char *text = ql_arena_copy(&t->arena, line, strcspn(line, "\n"));
        char *whole = ql_arena_copy(&t->arena, text, strlen(text));
        size_t n = split(text, field);
        if (strcmp(field[0], "case") == 0) {
            (void)snprintf(t->name, sizeof t->name, "%s", field[1]);
        } else if (strcmp(field[0], "option") == 0) {
            read_option(&t->options, field[1], field[2]);
        } else if (strcmp(field[0], "only") == 0) {
            t->only[t->options.n_queues++] = ql_str_from(field[1]);
            t->options.queues = t->only;
        } else if (strcmp(field[0], "agg") == 0) {
            read_aggregate(t, field);
        } else if (strcmp(field[0], "row") == 0) {
            read_row(t, field, n);
        } else if (strcmp(field[0], "end") == 0) {
            t->options.aggregates = t->aggregates;
            return true;
        } else if (field[0][0] != '#') {
            assert_true(t->n_expected < EXPECTED_MAX);
            t->expected[t->n_expected++] = whole;
        }
    }
    return false;
}

static void put_value(struct ql_buf *out, const struct whole_column *column, const int64_t *i64, const double *f64, size_t at) {
    if (column->type == QL_CELL_INT64) {
        ql_buf_printf(out, i64[at] == QL_CELL_NULL_I64 ? "\tnull" : "\t%lld", (long long)i64[at]);
    } else if (isnan(f64[at])) {
        ql_buf_puts(out, "\tnull");
    } else {
        ql_buf_printf(out, "\t%a", f64[at]);
    }
}

/* Cells as the lines of the file, but for the spelling of doubles. */
static void describe(const struct whole_cells *cells, const struct ql_pivot_stats *stats, struct ql_buf *out) {
    for (size_t i = 0; i < cells->n_intervals; i++) {
        const struct whole_interval *interval = &cells->intervals[i];
        ql_buf_printf(out, "interval\t%lld\t%lld\t%.*s\n", (long long)interval->start_us, (long long)interval->end_us,
                      QL_STR_ARG(interval->text));
    }
    for (size_t q = 0; q < cells->n_queues; q++) {
        ql_buf_printf(out, "queue\t%.*s\t%.*s\n", QL_STR_ARG(cells->queues[q].id), QL_STR_ARG(cells->queues[q].name));
    }
    for (size_t i = 0; i < cells->n_cells; i++) {
        ql_buf_printf(out, "cell\t%u\t%u", cells->interval_of[i], cells->queue_of[i]);
        for (size_t c = 0; c < cells->n_columns; c++) {
            put_value(out, &cells->columns[c], cells->columns[c].v.i64, cells->columns[c].v.f64, i);
        }
        ql_buf_putc(out, '\n');
    }
    for (size_t i = 0; cells->has_totals && i < cells->n_intervals; i++) {
        ql_buf_printf(out, "total\t%zu", i);
        for (size_t c = 0; c < cells->n_columns; c++) {
            put_value(out, &cells->columns[c], cells->columns[c].total.i64, cells->columns[c].total.f64, i);
        }
        ql_buf_putc(out, '\n');
    }
    ql_buf_printf(out, "stats\t%lld\t%lld\t%lld\t%lld\t%lld\n", (long long)stats->rows, (long long)stats->duplicates_merged,
                  (long long)stats->intervals_filled, (long long)stats->ids_merged_by_name, (long long)stats->ids_renamed);
}

/* Two spellings of one value: equal text, or doubles of equal bits. */
static bool is_same(const char *got, const char *expected) {
    if (strcmp(got, expected) == 0) {
        return true;
    }
    if (strstr(got, "0x") == NULL || strstr(expected, "0x") == NULL) {
        return false;
    }
    double x = strtod(got, NULL);
    double y = strtod(expected, NULL);
    return memcmp(&x, &y, sizeof x) == 0;
}

static void compare_line(const struct test_case *t, uint64_t seed, const char *expected, char *got) {
    char *e[FIELDS_MAX];
    char *g[FIELDS_MAX];
    char *copy = ql_mem_strdup(expected);
    char *whole = ql_mem_strdup(got);
    size_t n = split(copy, e);
    bool same = split(got, g) == n;
    for (size_t i = 0; i < n && same; i++) {
        same = is_same(g[i], e[i]);
    }
    if (!same) {
        fail_msg("%s, seed %llu:\ngot      %s\nexpected %s", t->name, (unsigned long long)seed, whole, expected);
    }
    ql_mem_free(copy);
    ql_mem_free(whole);
}

static void compare(const struct test_case *t, uint64_t seed, char *got) {
    char *rest = NULL;
    char *line = strtok_r(got, "\n", &rest);
    for (size_t i = 0; i < t->n_expected; i++) {
        if (line == NULL) {
            fail_msg("%s, seed %llu: got nothing, expected %s", t->name, (unsigned long long)seed, t->expected[i]);
        }
        compare_line(t, seed, t->expected[i], line);
        line = strtok_r(NULL, "\n", &rest);
    }
    if (line != NULL) {
        fail_msg("%s, seed %llu: got %s, expected nothing", t->name, (unsigned long long)seed, line);
    }
}

static void run_case(const struct test_case *t, uint64_t seed, struct ql_buf *raw) {
    struct ql_pivot_options options = t->options;
    options.max_memory = seed % 3 == 0 ? 0 : seed % 3 == 1 ? 1 : 4096; /* in the file: nothing, every batch, some */
    struct ql_pivot *pivot = ql_pivot_new(&options);
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    struct ql_err failure = {0};
    struct ql_buf out = {0};
    assert_ok(feed_all(pivot, t->rows, t->n_rows, seed, err));
    enum ql_status status = whole_finish(pivot, 1 + seed % 4, &cells, &failure);
    ql_pivot_get_stats(pivot, &stats);
    ql_buf_reset(raw);
    if (status == QL_OK) {
        describe(&cells, &stats, &out);
    } else {
        ql_buf_printf(&out, "error\t%s\n", ql_status_name(status));
        ql_buf_puts(raw, failure.message);
    }
    ql_buf_put_str(raw, ql_buf_view(&out));
    compare(t, seed, out.ptr);
    ql_buf_fini(&out);
    whole_cells_fini(&cells);
    ql_pivot_free(pivot);
}

static void every_case_gives_what_the_oracle_says_in_every_order(void **state) {
    (void)state;
    char path[512];
    const char *dir = getenv("QL_TEST_DATA");
    (void)snprintf(path, sizeof path, "%s/pivot/cells.txt", dir != NULL ? dir : "tests/data");
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
    }
    struct test_case *t = ql_mem_alloc(sizeof *t);
    struct ql_buf first = {0};
    struct ql_buf raw = {0};
    int n_cases = 0;
    for (; read_case(file, t); n_cases++) {
        run_case(t, 0, &first);
        for (uint64_t seed = 1; seed <= N_SHUFFLES; seed++) {
            run_case(t, seed * UINT64_C(0x9e3779b97f4a7c15), &raw);
            assert_string_equal(raw.ptr, first.ptr); /* errors too say the same in every order */
        }
        ql_arena_fini(&t->arena);
    }
    ql_arena_fini(&t->arena);
    (void)fclose(file);
    assert_true(n_cases >= 200);
    ql_buf_fini(&first);
    ql_buf_fini(&raw);
    ql_mem_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case_gives_what_the_oracle_says_in_every_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
