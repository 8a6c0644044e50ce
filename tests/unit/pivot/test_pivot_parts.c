/*
 * Parts: they cover every interval of the grid, gaps too, are bounded, and are cut by the data alone. And the temporary file,
 * when it cannot be made or written.
 */
#include "unit/pivot/whole_cells.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#define MINUTE INT64_C(60000000)
#define T0 INT64_C(1704067200000000) /* 2024-01-01T00:00:00Z */

enum { N_QUEUES = 100, BATCH_ROWS = 1000 };

static const struct ql_aggregate SUM = {{"offered", 7}, 0, QL_NO_COLUMN, QL_AGG_SUM, QL_CELL_INT64, false};

static struct ql_pivot_options options(void) {
    return (struct ql_pivot_options){
        .aggregates = &SUM, .n_aggregates = 1, .n_columns = 1, .from_us = QL_TIME_NONE, .to_us = QL_TIME_NONE};
}

/* Rows number `first` and on, of the minute (its number * stride) % n_minutes and the queue that its number says, counting 1.
 */
static struct ql_packed_rows *pack(struct ql_pivot *pivot, size_t first, size_t n, size_t n_minutes, size_t stride) {
    struct ql_rows_run runs[BATCH_ROWS];
    uint32_t queue[BATCH_ROWS];
    int64_t k[BATCH_ROWS];
    char names[N_QUEUES][8];
    struct ql_rows_queue queues[N_QUEUES];
    for (size_t q = 0; q < N_QUEUES; q++) {
        queues[q] = (struct ql_rows_queue){.name = {names[q], (size_t)snprintf(names[q], sizeof names[q], "q%02zu", q)}};
    }
    for (size_t i = 0; i < n; i++) {
        int64_t start_us = T0 + (int64_t)((first + i) * stride % n_minutes) * MINUTE;
        runs[i] = (struct ql_rows_run){.start_us = start_us, .end_us = start_us + MINUTE, .n_rows = 1};
        queue[i] = (uint32_t)((first + i) / n_minutes % N_QUEUES);
        k[i] = 1;
    }
    const struct ql_number_column metric = {.k = k};
    const struct ql_rows rows = {.n_rows = n,
                                 .n_runs = n,
                                 .runs = runs,
                                 .queue = queue,
                                 .queues = queues,
                                 .n_queues = N_QUEUES,
                                 .n_metrics = 1,
                                 .metrics = &metric};
    struct ql_packed_rows *packed = NULL;
    assert_ok(ql_pivot_pack(pivot, &rows, &packed, err));
    return packed;
}

static void feed(struct ql_pivot *pivot, size_t n_rows, size_t n_minutes, size_t stride, size_t batch_rows) {
    for (size_t at = 0; at < n_rows; at += batch_rows) {
        size_t n = n_rows - at < batch_rows ? n_rows - at : batch_rows;
        assert_ok(ql_pivot_take(pivot, pack(pivot, at, n, n_minutes, stride), err));
    }
}

static void parts_cover_gaps_and_are_bounded(void **state) {
    (void)state;
    enum { N_MINUTES = 7, N_ROWS = 700, YEAR = 366 * 1440 };
    struct ql_pivot_options opts = options();
    opts.fills_gaps = true;
    opts.has_totals = true;
    opts.from_us = T0 - 10 * MINUTE;
    opts.to_us = T0 + YEAR * MINUTE;
    struct ql_pivot *pivot = ql_pivot_new(&opts);
    feed(pivot, N_ROWS, N_MINUTES, 1, 100);
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    assert_ok(whole_finish(pivot, 3, &cells, err)); /* looks at every part's bounds */
    ql_pivot_get_stats(pivot, &stats);
    assert_int_equal(cells.n_intervals, 10 + YEAR);
    assert_int_equal(stats.intervals_filled, 10 + YEAR - N_MINUTES);
    assert_int_equal(cells.n_cells, N_ROWS);
    assert_true(cells.n_parts > YEAR / (512 * 1024 / N_QUEUES));
    for (size_t i = 0; i < cells.n_intervals; i++) {
        bool is_seen = i >= 10 && i < 10 + N_MINUTES;
        assert_int_equal(cells.columns[0].total.i64[i], is_seen ? N_QUEUES : QL_CELL_NULL_I64);
    }
    whole_cells_fini(&cells);
    ql_pivot_free(pivot);
}

static void parts_follow_from_the_rows_alone(void **state) {
    (void)state;
    enum { N_MINUTES = 1999, N_ROWS = 80 * N_MINUTES }; /* a prime: every stride makes every row */
    struct {
        size_t stride, batch_rows, max_memory;
    } ways[] = {{1, 1000, 0}, {1, 137, 1}, {777, 1000, 0}, {777, 313, 1}, {1998, 1000, 50000}};
    struct ql_part first[64];
    size_t n_parts = 0;
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        struct ql_pivot_options opts = options();
        opts.max_memory = ways[w].max_memory;
        struct ql_pivot *pivot = ql_pivot_new(&opts);
        feed(pivot, N_ROWS, N_MINUTES, ways[w].stride, ways[w].batch_rows);
        const struct ql_grid *grid;
        assert_ok(ql_pivot_close(pivot, &grid, err));
        if (w == 0) {
            n_parts = grid->n_parts;
            assert_in_range(n_parts, 4, 10); /* 160,000 rows by 16 to 48 thousand */
            memcpy(first, grid->parts, n_parts * sizeof first[0]);
        }
        assert_int_equal(grid->n_parts, n_parts);
        struct ql_cells cells = {0};
        size_t n_cells = 0;
        for (size_t p = 0; p < n_parts; p++) {
            assert_memory_equal(&grid->parts[p], &first[p], sizeof first[p]);
            assert_ok(ql_pivot_make_part(pivot, 0, p, &cells, err));
            n_cells += cells.n_cells;
        }
        assert_int_equal(n_cells, N_ROWS);
        ql_cells_fini(&cells);
        ql_pivot_free(pivot);
    }
}

/* Feeds until the file is needed; what the pivot says then. */
static enum ql_status overfill(const char *temp_dir, struct ql_err *failure) {
    struct ql_pivot_options opts = options();
    opts.max_memory = 10000;
    opts.temp_dir = ql_str_from(temp_dir);
    struct ql_pivot *pivot = ql_pivot_new(&opts);
    enum ql_status status = QL_OK;
    for (size_t i = 0; i < 200 && status == QL_OK; i++) {
        status = ql_pivot_take(pivot, pack(pivot, i * BATCH_ROWS, BATCH_ROWS, 1999, 1), failure);
    }
    ql_pivot_free(pivot); /* with rows in memory and in the file */
    return status;
}

static void a_folder_that_cannot_be_used_is_named(void **state) {
    (void)state;
    static const char *const FOLDERS[] = {"/nowhere/at/all", "/dev/null", "/proc"}; /* in /proc not even root makes files */
    for (size_t i = 0; i < sizeof FOLDERS / sizeof FOLDERS[0]; i++) {
        struct ql_err failure = {0};
        assert_int_equal(overfill(FOLDERS[i], &failure), QL_E_CANNOT_CREATE);
        char start[64];
        (void)snprintf(start, sizeof start, "cannot make a temporary file in '%s': ", FOLDERS[i]);
        assert_memory_equal(failure.message, start, strlen(start));
        assert_non_null(strstr(failure.hint, "--temp-dir"));
        assert_non_null(strstr(failure.hint, "--memory-limit"));
    }
}

static void a_file_that_may_not_grow_is_an_error(void **state) {
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit limit = {.rlim_cur = 300000, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct ql_err failure = {0};
    enum ql_status status = overfill("/tmp", &failure);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(status, QL_E_IO);
    assert_string_equal(failure.message, "cannot write a temporary file in '/tmp': File too large");
    assert_string_equal(failure.hint, "name a folder with more room by --temp-dir, or allow more memory by --memory-limit");
}

static void within_its_memory_a_pivot_makes_no_file(void **state) {
    (void)state;
    struct ql_pivot_options opts = options();
    opts.temp_dir = QL_STR("/nowhere/at/all");
    struct ql_pivot *pivot = ql_pivot_new(&opts);
    feed(pivot, 100000, 1999, 1, BATCH_ROWS);
    struct whole_cells cells;
    assert_ok(whole_finish(pivot, 2, &cells, err));
    assert_int_equal(cells.n_cells, 100000);
    whole_cells_fini(&cells);
    ql_pivot_free(pivot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_cover_gaps_and_are_bounded),        cmocka_unit_test(parts_follow_from_the_rows_alone),
        cmocka_unit_test(a_folder_that_cannot_be_used_is_named),   cmocka_unit_test(a_file_that_may_not_grow_is_an_error),
        cmocka_unit_test(within_its_memory_a_pivot_makes_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
