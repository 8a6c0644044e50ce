/** Paths of a command line and what they stand for. */
#ifndef QL_SOURCE_PATHS_H
#define QL_SOURCE_PATHS_H

#include "base/mem.h"
#include "base/str.h"

/** Zero-initialise to start. Texts live until fini. */
struct ql_paths {
    struct ql_str *items;
    size_t n, cap;
    struct ql_arena arena;
};
void ql_paths_add(struct ql_paths *paths, struct ql_str path);
/** Adds what the path stands for: itself, the CSV files of a folder, the files that match a pattern. E_NO_INPUT where that is
 * nothing. "-" and objects ("s3://...") stand for themselves. */
QL_MUST_CHECK enum ql_status ql_paths_expand(struct ql_paths *paths, struct ql_str path, struct ql_err *err);
/** From the first-th on: in the order of their bytes, each once. */
void ql_paths_sort_from(struct ql_paths *paths, size_t first);
void ql_paths_fini(struct ql_paths *paths);

/** "s3://..." */
bool ql_path_is_object(struct ql_str path);
/** Ends in .csv, .csv.gz or .csv.zst. */
bool ql_path_is_csv(struct ql_str path);

#endif
