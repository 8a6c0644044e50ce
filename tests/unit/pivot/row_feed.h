/*
 * Plays the readers for pivot's tests: rows with numbers as text -> batches of `struct ql_rows`, cut anywhere, of several lanes
 * with dictionaries of their own, each batch with the scale that its own numbers need. Reads numbers with code of its own, so
 * that a mistake of the product's cannot hide.
 */
#ifndef QL_TESTS_UNIT_PIVOT_ROW_FEED_H
#define QL_TESTS_UNIT_PIVOT_ROW_FEED_H

#include "support/test.h"

#include "base/mem.h"
#include "pivot/pivot.h"

enum { FEED_COLUMNS = 4, FEED_ROWS_MAX = 256, FEED_LANES = 3, FEED_AHEAD = 4, FEED_QUEUES_MAX = 64 };

struct feed_row {
    uint32_t input;
    int64_t start_us, end_us;
    const char *id, *name, *text;
    const char *v[FEED_COLUMNS]; /* "" or NULL: missing */
};

static inline uint64_t feed_random(uint64_t *state) { /* xorshift64 */
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* The digits behind the point of a number without exponent; -1 if it has one, or more than 18. */
static inline int feed_scale(const char *text) {
    if (strpbrk(text, "eE") != NULL) {
        return -1;
    }
    const char *point = strchr(text, '.');
    size_t n = point != NULL ? strlen(point + 1) : 0;
    return n <= 18 ? (int)n : -1;
}

/* The number at a scale that is not below its own; QL_NUMBER_WIDE if it does not fit. */
static inline int64_t feed_number(const char *text, int scale) {
    int own = feed_scale(text);
    if (own < 0) {
        return QL_NUMBER_WIDE;
    }
    int64_t k = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9' && (__builtin_mul_overflow(k, 10, &k) || __builtin_sub_overflow(k, *at - '0', &k))) {
            return QL_NUMBER_WIDE;
        }
    }
    for (; own < scale; own++) {
        if (__builtin_mul_overflow(k, 10, &k)) {
            return QL_NUMBER_WIDE;
        }
    }
    if (k <= QL_NUMBER_WIDE) { /* k is the number's opposite */
        return QL_NUMBER_WIDE;
    }
    return *text == '-' ? k : -k;
}

/* A copy that dies with the batch. */
static inline struct ql_str feed_text(struct ql_buf *texts, const char *text) {
    size_t len = strlen(text);
    assert_true(texts->len + len < texts->cap); /* reserved, so that it never moves */
    const char *at = texts->ptr + texts->len;
    ql_buf_put(texts, text, len);
    return (struct ql_str){.ptr = at, .len = len};
}

/* A lane's dictionary. */
struct feed_lane {
    uint64_t dictionary;
    struct {
        const char *id, *name;
    } queues[FEED_QUEUES_MAX];
    size_t n_queues;
};

struct feed_batch {
    struct ql_buf texts;
    struct ql_rows_run runs[FEED_ROWS_MAX];
    uint32_t queue[FEED_ROWS_MAX];
    struct ql_rows_queue queues[FEED_QUEUES_MAX];
    int64_t k[FEED_COLUMNS][FEED_ROWS_MAX];
    struct ql_wide_number wide[FEED_COLUMNS][FEED_ROWS_MAX];
};

static inline const char *feed_value(const struct feed_row *row, size_t c) {
    return row->v[c] != NULL ? row->v[c] : "";
}

static inline void feed_column(struct feed_batch *batch, struct ql_number_column *column, size_t c,
                               const struct feed_row *const *rows, size_t n, int extra_scale) {
    int scale = 0;
    for (size_t i = 0; i < n; i++) {
        int own = feed_scale(feed_value(rows[i], c));
        scale = own > scale ? own : scale;
    }
    scale = scale + extra_scale > 18 ? 18 : scale + extra_scale;
    *column = (struct ql_number_column){.k = batch->k[c], .scale = (uint8_t)scale, .wide = batch->wide[c]};
    for (size_t i = 0; i < n; i++) {
        const char *text = feed_value(rows[i], c);
        batch->k[c][i] = *text == '\0' ? QL_NUMBER_MISSING : feed_number(text, scale);
        if (batch->k[c][i] == QL_NUMBER_WIDE) {
            batch->wide[c][column->n_wide++] =
                (struct ql_wide_number){.row = (uint32_t)i, .text = feed_text(&batch->texts, text)};
        }
    }
}

static inline uint32_t feed_code(struct feed_lane *lane, const char *id, const char *name) {
    size_t i = 0;
    while (i < lane->n_queues && (strcmp(lane->queues[i].id, id) != 0 || strcmp(lane->queues[i].name, name) != 0)) {
        i++;
    }
    assert_true(i < FEED_QUEUES_MAX);
    lane->queues[i].id = id;
    lane->queues[i].name = name;
    lane->n_queues += i == lane->n_queues;
    return (uint32_t)i;
}

/* Runs and queue codes; `splits`: neighbouring rows of one interval are of different runs. The number of runs. */
static inline size_t feed_keys(struct feed_batch *batch, struct feed_lane *lane, const struct feed_row *const *rows, size_t n,
                               bool splits) {
    size_t n_runs = 0;
    for (size_t i = 0; i < n; i++) {
        bool is_same = i != 0 && !splits && rows[i]->start_us == rows[i - 1]->start_us &&
                       rows[i]->end_us == rows[i - 1]->end_us && strcmp(rows[i]->text, rows[i - 1]->text) == 0;
        if (!is_same) {
            batch->runs[n_runs++] =
                (struct ql_rows_run){rows[i]->start_us, rows[i]->end_us, feed_text(&batch->texts, rows[i]->text), 0};
        }
        batch->runs[n_runs - 1].n_rows++;
        batch->queue[i] = feed_code(lane, rows[i]->id, rows[i]->name);
    }
    for (size_t q = 0; q < lane->n_queues; q++) {
        batch->queues[q] = (struct ql_rows_queue){.id = feed_text(&batch->texts, lane->queues[q].id)};
        batch->queues[q].name = feed_text(&batch->texts, lane->queues[q].name);
    }
    return n_runs;
}

/* One batch of rows of one input. random: decides what must not matter; 0: nothing unusual. */
static inline enum ql_status feed_pack(struct ql_pivot *pivot, struct feed_lane *lane, uint32_t lane_number,
                                       const struct feed_row *const *rows, size_t n, uint64_t random,
                                       struct ql_packed_rows **packed, struct ql_err *err) {
    struct feed_batch *batch = ql_mem_alloc(sizeof *batch);
    batch->texts = (struct ql_buf){0};
    (void)ql_buf_reserve(&batch->texts, n * 512 + FEED_QUEUES_MAX * 128);
    struct ql_number_column metrics[FEED_COLUMNS];
    bool has_ids = false;
    for (size_t i = 0; i < n; i++) {
        has_ids = has_ids || *rows[i]->id != '\0';
    }
    if (random % 5 == 4) {
        lane->dictionary++;
        lane->n_queues = 0;
    }
    if (random / 5 % 3 == 2) {
        (void)feed_code(lane, "id of no row", "queue of no row");
    }
    size_t n_runs = feed_keys(batch, lane, rows, n, random / 15 % 3 == 2);
    for (size_t c = 0; c < FEED_COLUMNS; c++) {
        feed_column(batch, &metrics[c], c, rows, n, (int)(random / 45 % 4));
    }
    struct ql_rows out = {.n_rows = n,
                          .input = n != 0 ? rows[0]->input : 0,
                          .lane = lane_number,
                          .n_runs = n_runs,
                          .runs = batch->runs,
                          .queue = batch->queue,
                          .queues = batch->queues,
                          .n_queues = lane->n_queues,
                          .dictionary = lane->dictionary,
                          .has_queue_id = has_ids,
                          .n_metrics = FEED_COLUMNS,
                          .metrics = metrics};
    enum ql_status status = ql_pivot_pack(pivot, &out, packed, err);
    memset(batch->texts.ptr, 0x5a, batch->texts.len); /* the pivot must have kept nothing of it */
    ql_buf_fini(&batch->texts);
    memset(batch, 0x5a, sizeof *batch);
    ql_mem_free(batch);
    return status;
}

/* Rows that turn out never to have been rows: of an interval and a queue of their own, with numbers like no other's. */
static inline enum ql_status feed_bogus(struct ql_pivot *pivot, struct feed_lane *lane, uint32_t lane_number, uint64_t random,
                                        struct ql_err *err) {
    const struct feed_row row = {0,
                                 QL_US_PER_S,
                                 random % 2 == 0 ? QL_TIME_NONE : 7 * QL_US_PER_S,
                                 "bogus",
                                 "a bogus queue",
                                 "a bogus text",
                                 {"1e30", "0.000000000001", "9223372036854775807", "-1"}};
    const struct feed_row *const rows[] = {&row, &row};
    struct ql_packed_rows *packed;
    QL_TRY(feed_pack(pivot, lane, lane_number, rows, 1 + random / 2 % 2, 0, &packed, err));
    ql_pivot_drop(pivot, packed);
    return QL_OK;
}

/* Batches that are packed, and wait to be taken. */
struct feed_ahead {
    struct ql_packed_rows *packed[FEED_AHEAD];
    size_t n;
};

/* Takes all but n of them, in order. */
static inline enum ql_status feed_take(struct ql_pivot *pivot, struct feed_ahead *ahead, size_t n, struct ql_err *err) {
    enum ql_status status = QL_OK;
    while (ahead->n > n) {
        if (status == QL_OK) {
            status = ql_pivot_take(pivot, ahead->packed[0], err);
        } else {
            ql_pivot_drop(pivot, ahead->packed[0]);
        }
        memmove(ahead->packed, ahead->packed + 1, --ahead->n * sizeof ahead->packed[0]);
    }
    return status;
}

/*
 * All rows, in an order, in batches and of lanes that follow from the seed, with other batches in between that are dropped.
 * Seed 0: as they are, of one lane, in batches as large as the inputs allow.
 */
static inline enum ql_status feed_all(struct ql_pivot *pivot, const struct feed_row *rows, size_t n, uint64_t seed,
                                      struct ql_err *err) {
    const struct feed_row **order = ql_mem_alloc(n * sizeof(struct feed_row *));
    struct feed_lane *lanes = ql_mem_zalloc(FEED_LANES, sizeof *lanes);
    struct feed_ahead ahead = {{NULL}, 0};
    for (size_t i = 0; i < n; i++) {
        size_t j = seed != 0 ? feed_random(&seed) % (i + 1) : i;
        order[i] = order[j];
        order[j] = &rows[i];
    }
    enum ql_status status = QL_OK;
    for (size_t begin = 0, end; begin < n && status == QL_OK; begin = end) {
        size_t most = seed != 0 ? 1 + feed_random(&seed) % 7 : FEED_ROWS_MAX;
        for (end = begin + 1; end < n && end - begin < most && order[end]->input == order[begin]->input; end++) {
        }
        uint64_t random = seed != 0 ? feed_random(&seed) : 0;
        uint32_t lane = (uint32_t)(random / 1000 % FEED_LANES);
        if (random / 10000 % 4 == 3) {
            status = feed_bogus(pivot, &lanes[lane], lane, random / 100000, err);
        }
        if (status == QL_OK) {
            status =
                feed_pack(pivot, &lanes[lane], lane, order + begin, end - begin, random % 1000, &ahead.packed[ahead.n], err);
            ahead.n += status == QL_OK;
        }
        if (status == QL_OK) {
            status = feed_take(pivot, &ahead, seed != 0 ? random / 1000000 % FEED_AHEAD : 0, err);
        }
    }
    enum ql_status last = feed_take(pivot, &ahead, 0, status == QL_OK ? err : NULL);
    ql_mem_free(lanes);
    ql_mem_free(order);
    return status != QL_OK ? status : last;
}

#endif
