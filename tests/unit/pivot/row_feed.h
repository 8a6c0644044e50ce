/*
 * Plays the reader for pivot's tests: rows with numbers as text -> batches of `struct ql_rows`, cut anywhere, each with the
 * scale that its own numbers need. Reads numbers with code of its own, so that a mistake of the product's cannot hide.
 */
#ifndef QL_TESTS_UNIT_PIVOT_ROW_FEED_H
#define QL_TESTS_UNIT_PIVOT_ROW_FEED_H

#include "support/test.h"

#include "base/mem.h"
#include "pivot/pivot.h"

enum { FEED_COLUMNS = 4, FEED_ROWS_MAX = 256 };

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

struct feed_batch {
    struct ql_buf texts;
    int64_t start_us[FEED_ROWS_MAX], end_us[FEED_ROWS_MAX], k[FEED_COLUMNS][FEED_ROWS_MAX];
    struct ql_str id[FEED_ROWS_MAX], name[FEED_ROWS_MAX], text[FEED_ROWS_MAX];
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

/* One batch of rows of one input. */
static inline enum ql_status feed_batch(struct ql_pivot *pivot, const struct feed_row *const *rows, size_t n, int extra_scale,
                                        struct ql_err *err) {
    struct feed_batch *batch = ql_mem_alloc(sizeof *batch);
    batch->texts = (struct ql_buf){0};
    (void)ql_buf_reserve(&batch->texts, n * 512);
    struct ql_number_column metrics[FEED_COLUMNS];
    bool has_ids = false;
    for (size_t i = 0; i < n; i++) {
        batch->start_us[i] = rows[i]->start_us;
        batch->end_us[i] = rows[i]->end_us;
        batch->id[i] = feed_text(&batch->texts, rows[i]->id);
        batch->name[i] = feed_text(&batch->texts, rows[i]->name);
        batch->text[i] = feed_text(&batch->texts, rows[i]->text);
        has_ids = has_ids || *rows[i]->id != '\0';
    }
    for (size_t c = 0; c < FEED_COLUMNS; c++) {
        feed_column(batch, &metrics[c], c, rows, n, extra_scale);
    }
    struct ql_rows out = {.n_rows = n,
                          .input = n != 0 ? rows[0]->input : 0,
                          .start_us = batch->start_us,
                          .end_us = batch->end_us,
                          .interval_text = batch->text,
                          .queue_id = has_ids ? batch->id : NULL,
                          .queue_name = batch->name,
                          .n_metrics = FEED_COLUMNS,
                          .metrics = metrics};
    enum ql_status status = ql_pivot_feed(pivot, &out, err);
    memset(batch->texts.ptr, 0x5a, batch->texts.len); /* the pivot must have kept nothing of it */
    ql_buf_fini(&batch->texts);
    memset(batch, 0x5a, sizeof *batch);
    ql_mem_free(batch);
    return status;
}

/* All rows, in an order and in batches that follow from the seed; seed 0: as they are, in batches as large as the inputs allow.
 */
static inline enum ql_status feed_all(struct ql_pivot *pivot, const struct feed_row *rows, size_t n, uint64_t seed,
                                      struct ql_err *err) {
    const struct feed_row **order = ql_mem_alloc(n * sizeof(struct feed_row *));
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
        status = feed_batch(pivot, order + begin, end - begin, seed != 0 ? (int)(feed_random(&seed) % 4) : 0, err);
    }
    ql_mem_free(order);
    return status;
}

#endif
