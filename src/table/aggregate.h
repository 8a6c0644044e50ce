/** How the rows of a cell become one value: decided by kpi's tables, carried out by pivot. */
#ifndef QL_TABLE_AGGREGATE_H
#define QL_TABLE_AGGREGATE_H

#include "table/cells.h"

#include <stddef.h>

enum ql_agg { QL_AGG_SUM, QL_AGG_MEAN, QL_AGG_MIN, QL_AGG_MAX, QL_AGG_COUNT };

#define QL_NO_COLUMN SIZE_MAX

struct ql_aggregate {
    struct ql_str name; /* of the cell column that results */
    size_t column;      /* index into ql_rows.metrics */
    size_t weight;      /* MEAN only: index of the weight's column, or QL_NO_COLUMN for the plain mean */
    enum ql_agg agg;
    enum ql_cell_type type;
    bool is_hidden;
};

#endif
