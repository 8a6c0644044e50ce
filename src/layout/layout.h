/** Cells become the columns of an artefact: `wide` or `long` (semantics, section 5). */
#ifndef QL_LAYOUT_LAYOUT_H
#define QL_LAYOUT_LAYOUT_H

#include "table/cells.h"
#include "table/column.h"

enum ql_layout { QL_LAYOUT_WIDE, QL_LAYOUT_LONG };
enum ql_names { QL_NAMES_SAFE, QL_NAMES_RAW };

struct ql_layout_options {
    enum ql_layout layout;
    enum ql_names names;
    bool is_pandas;     /* first column timeInterval with the export's own text, no start and end */
    bool has_all_cells; /* long: every interval x queue */
    bool empty_is_null; /* --empty null: counts of an unmentioned cell are NULL too */
    size_t group_rows;  /* long: rows of a row group; 0: the default */
    size_t max_columns; /* E_LIMIT beyond */
};

/**
 * What stands for a queue in the names of wide's columns, for the queues whose name was changed. Of queues with one name, which
 * only their ids tell apart, `queue` is the id.
 */
struct ql_queue_alias {
    struct ql_str queue, column_part;
};

struct ql_layout_result {
    int64_t n_rows, n_columns;
    struct ql_queue_alias *aliases; /* in queue order */
    size_t n_aliases;
    int64_t n_clashes; /* queues that got a hash because two would have had one name */
    /* QL_NAMES_RAW: columns whose name another has too but for the case of ASCII letters; most engines confuse them. */
    int64_t n_case_clashes;
    struct ql_arena arena;
};

/**
 * Drives the sink through schema and row groups. Without rows: the schema alone, no row group.
 *
 * Columns are declared sorted where rows really ascend by them, in this order: interval_start, interval_end and, in `long`,
 * queue_name (pandas: timeInterval instead of the two). Errors: E_COLLISION names both columns; E_LIMIT for more than
 * max_columns (0: no limit); whatever the sink returned.
 */
QL_MUST_CHECK enum ql_status ql_layout_write(const struct ql_cells *cells, const struct ql_layout_options *options,
                                             const struct ql_column_sink *sink, struct ql_layout_result *result,
                                             struct ql_err *err);
void ql_layout_result_fini(struct ql_layout_result *result);

#endif
