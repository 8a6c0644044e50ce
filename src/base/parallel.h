/**
 * The same function over many tasks by several threads, where tasks are independent and results do not depend on who did what.
 *
 * No pool is kept: a call starts its threads and ends them, some 20 us each, so that nothing runs, and nothing is shared,
 * between calls. With one thread or one task everything happens in the caller's thread, without any start.
 */
#ifndef QL_BASE_PARALLEL_H
#define QL_BASE_PARALLEL_H

#include "base/err.h"

enum { QL_PARALLEL_MAX_THREADS = 64 };

/**
 * A task. `worker` counts the threads from 0 and stays below n_threads: scratch memory may be kept by worker. err is the
 * worker's own. Tasks are begun in ascending order, each once; after the first failure no further task is begun.
 */
typedef enum ql_status ql_parallel_fn(void *ctx, size_t worker, size_t task, struct ql_err *err);

/**
 * Runs tasks 0 to n_tasks - 1 on at most n_threads threads (0: as many as there are processors for this process) and waits for
 * all. Returns the failure of the lowest task that failed, so that the error does not depend on timing where tasks fail on
 * their own.
 */
QL_MUST_CHECK enum ql_status ql_parallel_run(size_t n_threads, size_t n_tasks, ql_parallel_fn *fn, void *ctx,
                                             struct ql_err *err);

/** Processors that this process may use, at least 1, at most QL_PARALLEL_MAX_THREADS. */
size_t ql_parallel_processors(void);

#endif
