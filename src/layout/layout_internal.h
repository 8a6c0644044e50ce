/** What the files of the room share: the shape of an artefact, its parts while they wait, a row group while it is written. */
#ifndef QL_LAYOUT_LAYOUT_INTERNAL_H
#define QL_LAYOUT_LAYOUT_INTERNAL_H

#include "layout/layout.h"
#include "layout/packed.h"

#include <pthread.h>

/** Columns that tell what a row is of; behind them come the values. */
enum ql_fixed_column {
    QL_FIXED_INTERVAL_TEXT,
    QL_FIXED_INTERVAL_START,
    QL_FIXED_INTERVAL_END,
    QL_FIXED_QUEUE_ID,
    QL_FIXED_QUEUE_NAME,
    QL_FIXED_MEDIA_TYPE,
    QL_FIXED_METRIC,
    QL_FIXED_MAX
};

/** Different texts, and which of them each of some items has. */
struct ql_text_codes {
    struct ql_str *texts;
    size_t n_texts;
    uint32_t *code_of; /* [n items] */
    bool is_identity;  /* item i has text i */
};

/*
 * Worked out once, from grid and definitions. Columns: n_fixed of them, then for each written metric n_per_metric (wide: its
 * queues, then its total; long: one; tidy: one for all metrics together).
 */
struct ql_shape {
    const struct ql_grid *grid;
    struct ql_grid labelled; /* grid, where names of queues have their media type */
    const struct ql_cell_def *cell_defs;
    size_t n_cell_defs;
    struct ql_layout_options options;
    enum ql_fixed_column fixed[QL_FIXED_MAX];
    size_t n_fixed, n_per_metric;
    size_t *metrics; /* the cells' columns that are written */
    size_t n_metrics;
    struct ql_column_def *defs;
    size_t n_columns;
    struct ql_str *queue_parts;                   /* wide: what stands for each queue in names */
    bool has_times_ascending, has_times_distinct; /* intervals by start, then end */
    bool has_texts_ascending;                     /* intervals by text, all different */
    bool has_names_ascending;                     /* queues by name */
    struct ql_arena arena;
};

/* layout_shape.c */
enum ql_status ql_shape_make(struct ql_shape *shape, struct ql_layout_result *result, struct ql_err *err);
static inline bool ql_shape_is_wide(const struct ql_shape *shape) {
    return shape->options.layout == QL_LAYOUT_WIDE;
}
static inline bool ql_shape_is_tidy(const struct ql_shape *shape) {
    return shape->options.layout == QL_LAYOUT_TIDY;
}
/** Whether every interval x queue has a place in the packed parts. */
static inline bool ql_shape_is_dense(const struct ql_shape *shape) {
    return ql_shape_is_wide(shape) || shape->options.has_all_cells;
}
/** Rows of a cell. */
static inline size_t ql_shape_rows_per_cell(const struct ql_shape *shape) {
    return ql_shape_is_tidy(shape) ? shape->n_metrics : 1;
}

/** A piece of memory of a writer, used again for other parts. */
struct ql_block {
    struct ql_block *next;
    size_t cap;
    _Alignas(16) char data[];
};
/** Blocks that wait to be used again, by any thread. */
struct ql_block_pool {
    pthread_mutex_t mutex;
    struct ql_block *first;
};
void ql_block_pool_init(struct ql_block_pool *pool);
/** Frees the blocks that nobody has; no other call meanwhile. */
void ql_block_pool_empty(struct ql_block_pool *pool);
void ql_block_pool_fini(struct ql_block_pool *pool);
struct ql_block *ql_block_take(struct ql_block_pool *pool, size_t size);
void ql_block_give(struct ql_block_pool *pool, struct ql_block *block); /* may be NULL */

/**
 * A part that waits for its row group. long and tidy: a place for each cell, or for each interval x queue with has_all_cells;
 * wide: for each queue x interval, so that a queue's values lie one behind the other.
 */
struct ql_packed_part {
    struct ql_block *block;          /* what the others point into; NULL: not packed, or written */
    const uint32_t *begin;           /* [n_intervals + 1] the first place of each interval; NULL: dense */
    const void *queue_of;            /* [n_places], writer->queue_width bytes each; NULL: dense */
    const struct ql_packed *columns; /* [n_metrics] */
    const struct ql_packed *totals;  /* wide with totals: [n_metrics], of [n_intervals] values; else NULL */
    size_t n_places;
};

struct ql_layout_writer {
    struct ql_shape shape;
    const struct ql_column_sink *sink;
    struct ql_spare_work spare;
    struct ql_text_codes queue_names, queue_ids, media_types, metric_names;
    uint8_t queue_width;
    struct ql_packed_part *parts;       /* [grid->n_parts] */
    struct ql_block_pool pool, scratch; /* of parts that wait; of packing */
    int64_t n_rows;
};

/* layout_pack.c */
enum ql_status ql_part_pack(struct ql_layout_writer *writer, size_t part, const struct ql_cells *cells, struct ql_err *err);

/** What a column of values has in common over a row group, so that it can be given as integers. */
struct ql_value_form {
    bool is_scaled;
    bool has_null; /* somewhere, perhaps */
    uint8_t scale;
    int32_t min_k, max_k;
};

/** Different instants, and which of them each interval has. */
struct ql_number_codes {
    int64_t *numbers;
    size_t n_numbers;
    uint32_t *code_of;
};

/** A row group while its columns are asked for. Constant by then. */
struct ql_group {
    const struct ql_layout_writer *writer;
    size_t first_part, end_part;
    size_t first_interval, n_intervals, n_rows;
    struct ql_text_codes texts; /* of its intervals; made only where there is a column of them */
    struct ql_number_codes starts, ends;
    struct ql_value_form *forms;       /* [n_metrics]; tidy: one */
    struct ql_value_form *total_forms; /* wide with totals */
    struct ql_arena arena;
};

/* layout_codes.c */
/** texts[n] is sorted out in place; code_of is the arena's. */
void ql_text_codes_make(struct ql_text_codes *codes, struct ql_str *texts, size_t n, struct ql_arena *arena);
void ql_number_codes_make(struct ql_number_codes *codes, int64_t *numbers, size_t n, struct ql_arena *arena);
enum { QL_INTERVAL_TEXT_SIZE = 2 * QL_TIME_TEXT_SIZE + 1 };
/** The export's own words (pandas), or start and end, written to buffer. */
struct ql_str ql_interval_text(const struct ql_shape *shape, size_t interval, char buffer[QL_INTERVAL_TEXT_SIZE]);
/** texts, starts and ends of the group's intervals. */
void ql_group_make_intervals(struct ql_group *group);

/* layout_rows.c: columns of long and tidy. layout_wide.c. layout_values.c */
void ql_rows_fill(const struct ql_group *group, size_t column, struct ql_column_scratch *scratch, struct ql_column *out);
void ql_wide_fill(const struct ql_group *group, size_t column, struct ql_column_scratch *scratch, struct ql_column *out);

/** Some packed values on their way to a column: n of them from `first` on, to rows that are `step` apart. */
struct ql_value_run {
    const struct ql_packed *packed;
    size_t first, n, step;
};
/** Writes runs one behind the other. */
struct ql_value_column {
    const struct ql_value_form *form;
    enum ql_column_type type;
    void *values;
    uint8_t *is_valid; /* NULL: there are no NULLs */
    size_t n_null;
};
void ql_value_form_add(struct ql_value_form *form, const struct ql_packed *packed);
/** Once every packed column of the group was added. The ranges are of what was added; false: not as integers. */
void ql_value_form_check(struct ql_value_form *form, const struct ql_packed *packed);
void ql_value_column_init(struct ql_value_column *column, const struct ql_value_form *form, enum ql_column_type type,
                          size_t n_rows, struct ql_column_scratch *scratch);
void ql_value_column_put(struct ql_value_column *column, const struct ql_value_run *run, size_t row);
/** Narrows the form's range to about that of the values that were put. */
void ql_value_column_narrow(const struct ql_value_column *column, size_t n_rows, struct ql_value_form *form);
void ql_value_column_give(const struct ql_value_column *column, size_t n_rows, struct ql_column *out);

#endif
