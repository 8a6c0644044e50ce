/**
 * Cells become the columns of an artefact: `wide`, `long` or `tidy` (semantics, section 5).
 *
 * The order of calls: new (names and schema) -> for each row group: pack its parts, by several threads -> write_group -> free.
 * A part that was packed waits as narrow as its values allow: integers of 8, 16 or 32 bits, doubles as integers at a decimal
 * scale where that is exact.
 */
#ifndef QL_LAYOUT_LAYOUT_H
#define QL_LAYOUT_LAYOUT_H

#include "table/cells.h"
#include "table/column.h"

enum ql_layout { QL_LAYOUT_WIDE, QL_LAYOUT_LONG, QL_LAYOUT_TIDY };
enum ql_names { QL_NAMES_SAFE, QL_NAMES_RAW };

struct ql_layout_options {
    enum ql_layout layout;
    enum ql_names names;
    bool is_pandas;         /* first column timeInterval with the export's own text, no start and end */
    bool has_all_cells;     /* long: every interval x queue */
    bool has_decimal_rates; /* --rates decimal: KPIs become DECIMAL with `round_digits` (0 to 9) decimals; not in tidy */
    int round_digits;       /* what the values were rounded to; -1: none */
    size_t group_rows;      /* rows of a row group at most (one part at least); 0: the layout's own rule */
    size_t max_columns;     /* E_LIMIT beyond */
};

/**
 * What stands for a queue in the names of wide's columns, for the queues whose name was changed. Of queues with one name, which
 * only their ids tell apart, `queue` is the id.
 */
struct ql_queue_alias {
    struct ql_str queue, column_part;
};

struct ql_layout_result {
    int64_t n_columns;
    struct ql_queue_alias *aliases; /* in queue order */
    size_t n_aliases;
    int64_t n_clashes; /* queues that got a hash because two would have had one name */
    /* QL_NAMES_RAW: columns whose name another has too but for the case of ASCII letters; most engines confuse them. */
    int64_t n_case_clashes;
    struct ql_arena arena;
};

struct ql_layout_writer;
/**
 * Works out columns and names and gives the sink its schema. grid, defs and sink are borrowed for the writer's life; *result is
 * filled but for n_rows, and belongs to the caller (also after an error: fini).
 *
 * Columns are declared sorted where rows really ascend by them, in this order: interval_start, interval_end and, in `long`,
 * queue_name (pandas: timeInterval instead of the two). Errors: E_COLLISION names both columns; E_LIMIT for more than
 * max_columns (0: no limit); E_CONFIG for decimal rates without 0 to 9 decimals; whatever the sink returned. *writer is NULL
 * then.
 */
QL_MUST_CHECK enum ql_status ql_layout_writer_new(const struct ql_grid *grid, const struct ql_cell_def *defs, size_t n_defs,
                                                  const struct ql_layout_options *options, const struct ql_column_sink *sink,
                                                  struct ql_layout_result *result, struct ql_layout_writer **writer,
                                                  struct ql_err *err);
void ql_layout_writer_free(struct ql_layout_writer *writer);
/** The part behind the last one of the row group that begins with `part`. Depends on the grid alone. */
size_t ql_layout_writer_group_end(const struct ql_layout_writer *writer, size_t part);
/** Packs the cells of a part; nothing of them is looked at afterwards. Several threads may do so at once, each part once.
 * Errors: E_DATA for a KPI that does not fit its DECIMAL; E_INTERNAL (cells against cells.h). */
QL_MUST_CHECK enum ql_status ql_layout_writer_pack(struct ql_layout_writer *writer, size_t part, const struct ql_cells *cells,
                                                   struct ql_err *err);
/** The row group of parts [first, end), which are all packed and are freed here. Groups come in order; one without rows is not
 * written. Errors: the sink's. */
QL_MUST_CHECK enum ql_status ql_layout_writer_write_group(struct ql_layout_writer *writer, size_t first, size_t end,
                                                          struct ql_err *err);
/** What threads of the sink may do while they wait for a row group to be finished; borrowed for the writer's life. */
void ql_layout_writer_set_spare(struct ql_layout_writer *writer, struct ql_spare_work spare);
/** Rows of the groups written so far. */
int64_t ql_layout_writer_n_rows(const struct ql_layout_writer *writer);
void ql_layout_result_fini(struct ql_layout_result *result);

#endif
