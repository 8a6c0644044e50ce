/*
 * Enough rows for several batches, buckets, parts and pieces of the temporary file, in the shapes that take different ways
 * through the pivot: ordered, shuffled, everything in one interval, queues beyond 16 bits, intervals whose order is not that of
 * time; packed and made by several threads. The reference is a plain table of 64-bit sums, whose quotients one division of
 * doubles rounds correctly.
 */
#include "support/test.h"

#include "unit/pivot/whole_cells.h"

#include <pthread.h>
#include <stdio.h>

enum { N_ROWS = 150000, N_COLUMNS = 3, BATCH_MAX = 5000, TEXT_SIZE = 40 };

struct shape {
    const char *name;
    int64_t step_us;
    uint32_t n_intervals, n_queues;
    bool is_shuffled, by_text, is_plain; /* plain: no number is spelt in an unusual way */
    bool is_unique;                      /* cells of one row each: intervals x queues is the number of rows */
};

/* A row: calls, a value in thousandths, and the spelling of its numbers. */
struct row {
    uint32_t interval, queue, input;
    int64_t calls, thousandths;
    enum { PLAIN, SPELT_WIDE, HUGE_THIRD } spelling;
};

struct reference {
    int64_t n, calls, thousandths, products, largest;
    bool has_huge;
};

static const char HUGE_TEXT[] = "123456789012345678901234567890.5";

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static struct row *make_rows(const struct shape *shape, struct reference *table) {
    struct row *rows = ql_mem_alloc(N_ROWS * sizeof *rows);
    uint64_t seed = UINT64_C(0x2545f4914f6cdd1d);
    for (size_t i = 0; i < N_ROWS; i++) {
        uint64_t r = next_random(&seed);
        struct row *row = &rows[i];
        row->interval = (uint32_t)((uint64_t)i * shape->n_intervals / N_ROWS);
        row->queue = (uint32_t)(shape->is_unique ? (i * 7) % shape->n_queues : r % shape->n_queues);
        row->calls = (int64_t)(r >> 32 & 31);
        row->thousandths = (int64_t)(r >> 40 & 0xfffff) - 400000;
        row->spelling = shape->is_plain ? PLAIN : r % 97 == 0 ? SPELT_WIDE : r % 101 == 0 ? HUGE_THIRD : PLAIN;
        struct reference *cell = &table[row->interval * shape->n_queues + row->queue];
        int64_t third = row->thousandths / 2;
        cell->largest = cell->n == 0 || third > cell->largest ? third : cell->largest;
        cell->has_huge = cell->has_huge || row->spelling == HUGE_THIRD;
        cell->n++;
        cell->calls += row->calls;
        cell->thousandths += row->thousandths;
        cell->products += row->thousandths * row->calls;
    }
    for (size_t i = N_ROWS; shape->is_shuffled && i > 1; i--) {
        size_t j = next_random(&seed) % i;
        struct row swapped = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = swapped;
    }
    for (size_t i = 0; i < N_ROWS; i++) {
        rows[i].input = (uint32_t)(i * 3 / N_ROWS);
    }
    return rows;
}

struct batch {
    struct ql_rows_run runs[BATCH_MAX];
    uint32_t queue[BATCH_MAX];
    int64_t k[N_COLUMNS][BATCH_MAX];
    struct ql_wide_number wide[N_COLUMNS][BATCH_MAX];
    char interval_chars[BATCH_MAX][TEXT_SIZE], wide_chars[BATCH_MAX][TEXT_SIZE];
};

#define PRINT(out, ...) ((struct ql_str){.ptr = (out), .len = (size_t)snprintf((out), TEXT_SIZE, __VA_ARGS__)})

static void put_wide(struct batch *batch, struct ql_number_column *column, size_t c, size_t row, struct ql_str text) {
    batch->k[c][row] = QL_NUMBER_WIDE;
    batch->wide[c][column->n_wide++] = (struct ql_wide_number){.row = (uint32_t)row, .text = text};
}

/* All queues, as a dictionary. */
static struct ql_rows_queue *make_queues(const struct shape *shape, struct ql_arena *arena) {
    struct ql_rows_queue *queues = ql_mem_zalloc(shape->n_queues, sizeof *queues);
    for (uint32_t q = 0; q < shape->n_queues; q++) {
        char *name = ql_arena_alloc(arena, TEXT_SIZE);
        queues[q].name = PRINT(name, "queue %08u", q);
    }
    return queues;
}

/* One pivot being fed. */
struct feeder {
    struct ql_pivot *pivot;
    const struct shape *shape;
    const struct row *rows;
    const struct ql_rows_queue *queues;
    const size_t *cuts; /* batch b is rows [cuts[b], cuts[b + 1]) */
    struct ql_packed_rows **packed;
};

/* Batch b of one input, in lane `lane`. The last digit of b: decimals that nothing needs. A lane's dictionary is of the queues
 * up to the last one that it needs, and so grows. */
static struct ql_packed_rows *pack(const struct feeder *feeder, size_t b, uint32_t lane, uint32_t *n_queues) {
    static const int64_t POW10[] = {1, 10, 100, 1000};
    const struct shape *shape = feeder->shape;
    const struct row *rows = feeder->rows + feeder->cuts[b];
    size_t n = feeder->cuts[b + 1] - feeder->cuts[b];
    unsigned extra = b % 10 < 8 ? 0 : b % 4;
    struct batch *batch = ql_mem_alloc(sizeof *batch);
    struct ql_number_column metrics[N_COLUMNS];
    for (size_t c = 0; c < N_COLUMNS; c++) {
        metrics[c] = (struct ql_number_column){.k = batch->k[c], .wide = batch->wide[c]};
    }
    metrics[1].scale = (uint8_t)(3 + extra);
    size_t n_runs = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t start_us = INT64_C(1704067200000000) + rows[i].interval * shape->step_us;
        if (i == 0 || rows[i].interval != rows[i - 1].interval) {
            batch->runs[n_runs] = (struct ql_rows_run){.start_us = start_us, .end_us = start_us + shape->step_us};
            batch->runs[n_runs++].text = PRINT(batch->interval_chars[i], "%08u", shape->n_intervals - 1 - rows[i].interval);
        }
        batch->runs[n_runs - 1].n_rows++;
        batch->queue[i] = rows[i].queue;
        *n_queues = rows[i].queue >= *n_queues ? rows[i].queue + 1 : *n_queues;
        batch->k[0][i] = rows[i].calls;
        batch->k[1][i] = rows[i].thousandths * POW10[extra];
        batch->k[2][i] = rows[i].thousandths / 2;
        if (rows[i].spelling == SPELT_WIDE) {
            put_wide(batch, &metrics[1], 1, i, PRINT(batch->wide_chars[i], "%llde-3", (long long)rows[i].thousandths));
        } else if (rows[i].spelling == HUGE_THIRD) {
            put_wide(batch, &metrics[2], 2, i, PRINT(batch->wide_chars[i], "%s", HUGE_TEXT));
        }
    }
    const struct ql_rows out = {.n_rows = n,
                                .input = rows[0].input,
                                .lane = lane,
                                .n_runs = n_runs,
                                .runs = batch->runs,
                                .queue = batch->queue,
                                .queues = feeder->queues,
                                .n_queues = *n_queues,
                                .n_metrics = N_COLUMNS,
                                .metrics = metrics};
    struct ql_packed_rows *packed = NULL;
    assert_ok(ql_pivot_pack(feeder->pivot, &out, &packed, err));
    ql_mem_free(batch);
    return packed;
}

/* Batches are packed by N_LANES tasks, each every N_LANES-th, while one more task takes them in order. */
enum { N_LANES = 4 };

struct packing {
    const struct feeder *feeder;
    size_t n; /* batches */
    pthread_mutex_t lock;
    pthread_cond_t is_packed;
};

static void pack_lane(struct packing *packing, size_t lane) {
    uint32_t n_queues = 0;
    for (size_t b = lane; b < packing->n; b += N_LANES) {
        struct ql_packed_rows *packed = pack(packing->feeder, b, (uint32_t)lane, &n_queues);
        (void)pthread_mutex_lock(&packing->lock);
        packing->feeder->packed[b] = packed;
        (void)pthread_cond_signal(&packing->is_packed);
        (void)pthread_mutex_unlock(&packing->lock);
    }
}

static void take_all(struct packing *packing) {
    for (size_t b = 0; b < packing->n; b++) {
        (void)pthread_mutex_lock(&packing->lock);
        while (packing->feeder->packed[b] == NULL) {
            (void)pthread_cond_wait(&packing->is_packed, &packing->lock);
        }
        (void)pthread_mutex_unlock(&packing->lock);
        assert_ok(ql_pivot_take(packing->feeder->pivot, packing->feeder->packed[b], err));
    }
}

static enum ql_status feed_task(void *ctx, size_t worker, size_t task, struct ql_err *err) {
    (void)worker;
    (void)err;
    if (task < N_LANES) {
        pack_lane(ctx, task);
    } else { /* begun last: whatever the number of threads, nobody waits for a lane that nobody has begun */
        take_all(ctx);
    }
    return QL_OK;
}

/* Batches of up to `most` rows. */
static void feed_rows(struct feeder *feeder, size_t most, size_t n_threads) {
    uint64_t seed = 88172645463325252u;
    size_t *cuts = ql_mem_alloc((N_ROWS + 1) * sizeof *cuts);
    size_t n = 0;
    for (size_t begin = 0, end; begin < N_ROWS; begin = end) {
        size_t here = 1 + next_random(&seed) % most;
        for (end = begin + 1; end < N_ROWS && end - begin < here && feeder->rows[end].input == feeder->rows[begin].input;
             end++) {
        }
        cuts[n++] = begin;
    }
    cuts[n] = N_ROWS;
    feeder->cuts = cuts;
    feeder->packed = ql_mem_zalloc(n, sizeof(struct ql_packed_rows *));
    struct packing packing = {.feeder = feeder, .n = n};
    (void)pthread_mutex_init(&packing.lock, NULL);
    (void)pthread_cond_init(&packing.is_packed, NULL);
    assert_ok(ql_parallel_run(n_threads, N_LANES + 1, feed_task, &packing, err));
    (void)pthread_cond_destroy(&packing.is_packed);
    (void)pthread_mutex_destroy(&packing.lock);
    ql_mem_free(feeder->packed);
    ql_mem_free(cuts);
}

static void check_cell(const struct shape *shape, const struct whole_cells *cells, size_t i, const struct reference *want) {
    double mean = want->calls != 0 ? (double)want->products / (double)(want->calls * 1000)
                                   : (double)want->thousandths / (double)(want->n * 1000);
    double largest = want->has_huge ? 123456789012345678901234567890.5 : (double)want->largest;
    if (cells->columns[0].v.i64[i] != want->calls || cells->columns[1].v.f64[i] != mean ||
        cells->columns[2].v.f64[i] != largest || cells->columns[3].v.i64[i] != want->n) {
        fail_msg("%s: cell %zu is %lld %.17g %.17g %lld, expected %lld %.17g %.17g %lld", shape->name, i,
                 (long long)cells->columns[0].v.i64[i], cells->columns[1].v.f64[i], cells->columns[2].v.f64[i],
                 (long long)cells->columns[3].v.i64[i], (long long)want->calls, mean, largest, (long long)want->n);
    }
}

/* Every cell of the table that has rows, in the order of the contract, and no other. */
static void check_cells(const struct shape *shape, const struct whole_cells *cells, const struct reference *table) {
    size_t at = 0;
    for (uint32_t position = 0; position < shape->n_intervals; position++) {
        uint32_t interval = shape->by_text ? shape->n_intervals - 1 - position : position;
        for (uint32_t queue = 0; queue < shape->n_queues; queue++) {
            const struct reference *want = &table[interval * shape->n_queues + queue];
            if (want->n != 0) {
                assert_true(at < cells->n_cells);
                assert_int_equal(cells->intervals[cells->interval_of[at]].start_us,
                                 INT64_C(1704067200000000) + interval * shape->step_us);
                char name[TEXT_SIZE];
                assert_true(ql_str_eq(cells->queues[cells->queue_of[at]].name, PRINT(name, "queue %08u", queue)));
                check_cell(shape, cells, at++, want);
            }
        }
    }
    assert_int_equal(at, cells->n_cells);
}

/* The calls of every interval, over all queues. */
static void check_totals(const struct shape *shape, const struct whole_cells *cells, const struct reference *table) {
    for (size_t i = 0; i < cells->n_intervals; i++) {
        int64_t calls = 0;
        size_t interval = (size_t)((cells->intervals[i].start_us - INT64_C(1704067200000000)) / shape->step_us);
        for (uint32_t queue = 0; queue < shape->n_queues; queue++) {
            calls += table[interval * shape->n_queues + queue].calls;
        }
        assert_int_equal(cells->columns[0].total.i64[i], calls);
    }
}

static void check_shape(const struct shape *shape, size_t most, size_t n_threads, size_t max_memory) {
    const struct ql_aggregate aggregates[] = {
        {QL_STR("calls"), 0, QL_NO_COLUMN, QL_AGG_SUM, QL_CELL_INT64, false},
        {QL_STR("mean"), 1, 0, QL_AGG_MEAN, QL_CELL_DOUBLE, false},
        {QL_STR("largest"), 2, QL_NO_COLUMN, QL_AGG_MAX, QL_CELL_DOUBLE, false},
        {QL_STR("n"), 2, QL_NO_COLUMN, QL_AGG_COUNT, QL_CELL_INT64, false},
    };
    struct ql_pivot_options options = {.aggregates = aggregates,
                                       .n_aggregates = 4,
                                       .n_columns = N_COLUMNS,
                                       .by_interval_text = shape->by_text,
                                       .overlap = QL_OVERLAP_SUM,
                                       .has_totals = max_memory == 4000,
                                       .from_us = QL_TIME_NONE,
                                       .to_us = QL_TIME_NONE,
                                       .max_memory = max_memory};
    struct reference *table = ql_mem_zalloc((size_t)shape->n_intervals * shape->n_queues, sizeof *table);
    struct row *rows = make_rows(shape, table);
    struct ql_arena names = {0};
    struct ql_rows_queue *queues = make_queues(shape, &names);
    struct feeder feeder = {.pivot = ql_pivot_new(&options), .shape = shape, .rows = rows, .queues = queues};
    struct whole_cells cells;
    struct ql_pivot_stats stats;
    feed_rows(&feeder, most, n_threads);
    assert_ok(whole_finish(feeder.pivot, n_threads, &cells, err));
    check_cells(shape, &cells, table);
    if (options.has_totals) {
        check_totals(shape, &cells, table);
    }
    ql_pivot_get_stats(feeder.pivot, &stats);
    assert_int_equal(stats.rows, N_ROWS);
    assert_int_equal(stats.duplicates_merged, N_ROWS - cells.n_cells);
    assert_true((stats.bytes_spilled != 0) == (max_memory != 0));
    assert_true(!shape->is_unique || cells.n_cells == N_ROWS);
    whole_cells_fini(&cells);
    ql_pivot_free(feeder.pivot);
    ql_arena_fini(&names);
    ql_mem_free(queues);
    ql_mem_free(rows);
    ql_mem_free(table);
}

static void every_shape_of_input_gives_the_cells_of_a_plain_table(void **state) {
    (void)state;
    const int64_t second = QL_US_PER_S;
    const struct shape shapes[] = {
        {"half hours in order", 1800 * second, 1440, 80, .is_shuffled = false},
        {"half hours shuffled", 1800 * second, 1440, 80, .is_shuffled = true},
        {"cells of one row in order", 1800 * second, 1500, 100, .is_plain = true, .is_unique = true},
        {"cells of one row shuffled", 1800 * second, 1500, 100, .is_shuffled = true, .is_plain = true, .is_unique = true},
        {"seconds in order", second, 1440, 80, .is_plain = true},
        {"years of days", 86400 * second, 20000, 5, .is_shuffled = true},
        {"one interval, queues of 16 bits", 1800 * second, 1, 40000, .is_shuffled = true},
        {"queues of 32 bits", 1800 * second, 2, 70000, .is_plain = true},
        {"the order of texts is not that of time", 1800 * second, 1440, 80, .is_shuffled = true, .by_text = true},
        {"the order of texts is the opposite of time", 1800 * second, 1440, 80, .by_text = true, .is_plain = true},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        size_t most = i % 2 == 0 ? BATCH_MAX : 400;
        check_shape(&shapes[i], most, 1, 0);
        check_shape(&shapes[i], most, N_LANES + 1, 100000);
        check_shape(&shapes[i], BATCH_MAX, 3, 4000);
    }
}

enum { N_PAIRS = 40000, N_OVERFLOWS = 3 };

/* Cells of two rows whose sum fits 64 bits, but for a few. */
static void find_overflow(const size_t *overflowing, size_t n_threads, struct ql_err *failure) {
    const struct ql_aggregate aggregates[] = {
        {QL_STR("second"), 1, QL_NO_COLUMN, QL_AGG_SUM, QL_CELL_INT64, false},
        {QL_STR("first"), 0, QL_NO_COLUMN, QL_AGG_SUM, QL_CELL_INT64, false},
    };
    struct ql_pivot_options options = {
        .aggregates = aggregates, .n_aggregates = 2, .n_columns = 2, .from_us = QL_TIME_NONE, .to_us = QL_TIME_NONE};
    struct ql_pivot *pivot = ql_pivot_new(&options);
    const struct shape shape = {.n_queues = 10};
    struct ql_arena names = {0};
    struct ql_rows_queue *queues = make_queues(&shape, &names);
    for (size_t pair = 0; pair < N_PAIRS; pair++) {
        int64_t k[2][2] = {{1, 1}, {1, 1}}; /* column, row */
        for (size_t o = 0; o < N_OVERFLOWS; o++) {
            k[o % 2][0] = pair == overflowing[o] ? INT64_MAX : k[o % 2][0];
        }
        const uint32_t queue[] = {(uint32_t)(pair % 10), (uint32_t)(pair % 10)};
        const int64_t start_us = (int64_t)(pair / 10) * 3600 * QL_US_PER_S;
        const struct ql_rows_run run = {.start_us = start_us, .end_us = start_us + 3600 * QL_US_PER_S, .n_rows = 2};
        const struct ql_number_column metrics[] = {{.k = k[0]}, {.k = k[1]}};
        const struct ql_rows rows = {.n_rows = 2,
                                     .n_runs = 1,
                                     .runs = &run,
                                     .queue = queue,
                                     .queues = queues,
                                     .n_queues = 10,
                                     .n_metrics = 2,
                                     .metrics = metrics};
        struct ql_packed_rows *packed;
        assert_ok(ql_pivot_pack(pivot, &rows, &packed, err));
        assert_ok(ql_pivot_take(pivot, packed, err));
    }
    struct whole_cells cells;
    assert_int_equal(whole_finish(pivot, n_threads, &cells, failure), QL_E_OVERFLOW);
    ql_pivot_free(pivot);
    ql_mem_free(queues);
    ql_arena_fini(&names);
}

static void of_many_errors_the_first_cell_is_named_by_any_number_of_threads(void **state) {
    (void)state;
    const size_t overflowing[][N_OVERFLOWS] = {{39999, 38000, 37995}, {17, 16, 39999}, {20000, 20001, 20000}, {1, 39000, 2}};
    static const char *const EXPECTED[] = {"'first' of interval '1970-06-08T07:00:00.000Z/1970-06-08T08:00:00.000Z' and queue"
                                           " 'queue 00000005'",
                                           "'second' of interval '1970-01-01T01:00:00.000Z/1970-01-01T02:00:00.000Z' and queue"
                                           " 'queue 00000006'",
                                           "'first' of interval '1970-03-25T08:00:00.000Z/1970-03-25T09:00:00.000Z' and queue"
                                           " 'queue 00000000'",
                                           "'first' of interval '1970-01-01T00:00:00.000Z/1970-01-01T01:00:00.000Z' and queue"
                                           " 'queue 00000001'"};
    for (size_t c = 0; c < sizeof overflowing / sizeof overflowing[0]; c++) {
        for (size_t n_threads = 1; n_threads <= 4; n_threads++) {
            struct ql_err failure;
            find_overflow(overflowing[c], n_threads, &failure);
            assert_memory_equal(failure.message, EXPECTED[c], strlen(EXPECTED[c]));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_shape_of_input_gives_the_cells_of_a_plain_table),
                                       cmocka_unit_test(of_many_errors_the_first_cell_is_named_by_any_number_of_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
