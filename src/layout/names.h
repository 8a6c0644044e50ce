/** Names of columns: what stands for a queue in them, and whether two are one (semantics, section 5). */
#ifndef QL_LAYOUT_NAMES_H
#define QL_LAYOUT_NAMES_H

#include "layout/layout.h"

/**
 * What stands for each queue in wide's column names, into parts[n_queues]; texts are the arena's or the queues' own.
 * QL_NAMES_SAFE: only a-z, 0-9 and '_'. n_clashes counts queues that got a hash because two would have had one name. Queues
 * ascend by name.
 */
void ql_names_of_queues(const struct ql_queue *queues, size_t n_queues, enum ql_names names, struct ql_arena *arena,
                        struct ql_str *parts, int64_t *n_clashes);

/** Whether this queue has the name of a neighbour, from which only its id tells it apart. */
bool ql_names_is_twin(const struct ql_queue *queues, size_t n_queues, size_t queue);

/**
 * Finds two columns of one name (the two that come first in the order of names; *first < *second). ignores_case: ASCII letters
 * of either case are one, as in most engines.
 */
bool ql_names_find_equal(const struct ql_column_def *columns, size_t n_columns, bool ignores_case, size_t *first,
                         size_t *second);
/** How many columns have a name that another has too but for the case of ASCII letters. */
int64_t ql_names_count_case_clashes(const struct ql_column_def *columns, size_t n_columns);

#endif
