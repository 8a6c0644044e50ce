/** What layout*.c share: the shape of an artefact, worked out once before anything is written. */
#ifndef QL_LAYOUT_LAYOUT_INTERNAL_H
#define QL_LAYOUT_LAYOUT_INTERNAL_H

#include "layout/layout.h"

/* Columns: n_fixed of them, then for each written metric n_per_metric (wide: its queues, then its total; long: one). */
struct ql_shape {
    const struct ql_cells *cells;
    const struct ql_layout_options *options;
    const struct ql_column_sink *sink;
    size_t n_fixed, n_per_metric;
    size_t *metrics; /* the cells' columns that are written */
    size_t n_metrics;
    struct ql_column_def *defs;
    size_t n_columns;
    struct ql_str *parts; /* wide: of each queue */
    struct ql_str *interval_texts;
    bool has_times_ascending, has_times_distinct; /* intervals by start, then end */
    bool has_texts_ascending;                     /* interval_texts, all different */
    bool has_names_ascending;                     /* queues by name */
    struct ql_arena arena;
};

/** A column of numbers, whose values are those that its type has. */
void ql_layout_numbers(size_t n_rows, enum ql_cell_type type, const void *values, struct ql_column_scratch *scratch,
                       struct ql_column *out);
/** The column'th of the columns of the interval; rows are these intervals (NULL: the intervals from the first on, one a row).
 */
void ql_layout_interval(const struct ql_shape *shape, size_t column, size_t n_rows, const uint32_t *interval_of,
                        struct ql_column_scratch *scratch, struct ql_column *out);
/** How many those are. */
size_t ql_layout_n_interval_columns(const struct ql_shape *shape);
/** values[interval] for intervals first to end - 1: the idle column's, or nothing where the plan has filled none in. */
void ql_layout_fill_idle(const struct ql_shape *shape, const struct ql_cell_column *column, size_t first, size_t end,
                         void *values);

enum ql_status ql_layout_write_wide(const struct ql_shape *shape, struct ql_err *err);
enum ql_status ql_layout_write_long(const struct ql_shape *shape, struct ql_layout_result *result, struct ql_err *err);

#endif
