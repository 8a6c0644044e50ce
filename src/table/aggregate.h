/** How the rows of a cell become one value: decided by kpi's tables, carried out by pivot. */
#ifndef QL_TABLE_AGGREGATE_H
#define QL_TABLE_AGGREGATE_H

#include "table/cells.h"

#include <stddef.h>

/** RATIO: the sum of the column divided by the sum of the weight's column, over the rows that have both; NULL where that is 0.
 */
enum ql_agg { QL_AGG_SUM, QL_AGG_MEAN, QL_AGG_MIN, QL_AGG_MAX, QL_AGG_COUNT, QL_AGG_RATIO };

static inline bool ql_agg_has_weight(enum ql_agg agg) {
    return agg == QL_AGG_MEAN || agg == QL_AGG_RATIO;
}

#define QL_NO_COLUMN SIZE_MAX

struct ql_aggregate {
    struct ql_str name; /* of the cell column that results */
    size_t column;      /* index into ql_rows.metrics */
    size_t weight;      /* MEAN and RATIO: index of the weight's column; QL_NO_COLUMN: the plain mean */
    enum ql_agg agg;
    enum ql_cell_type type;
    bool is_hidden;
};

#endif
