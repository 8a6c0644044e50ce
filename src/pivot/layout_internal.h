/** What layout*.c share: the shape of an artefact, worked out once before anything is written. */
#ifndef QL_PIVOT_LAYOUT_INTERNAL_H
#define QL_PIVOT_LAYOUT_INTERNAL_H

#include "pivot/layout.h"

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

/** Gives one column to the sink: is_valid may be NULL, values are those that the column's type has. */
enum ql_status ql_layout_put_numbers(const struct ql_shape *shape, size_t n_rows, enum ql_cell_type type, const void *values,
                                     uint8_t *is_valid, struct ql_err *err);
/** The fixed columns of a row group whose rows are these intervals (NULL: the intervals from the first on, one a row). */
enum ql_status ql_layout_put_interval(const struct ql_shape *shape, size_t n_rows, const uint32_t *interval_of,
                                      struct ql_err *err);
/** An idle column's values, or NULL where the plan has filled none in. */
void ql_layout_fill_idle(const struct ql_shape *shape, const struct ql_cell_column *column, const uint32_t *interval_of,
                         size_t n_rows, void *values);

enum ql_status ql_layout_write_wide(const struct ql_shape *shape, struct ql_err *err);
enum ql_status ql_layout_write_long(const struct ql_shape *shape, struct ql_layout_result *result, struct ql_err *err);

#endif
