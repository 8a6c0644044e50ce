#include "base/parallel.h"

#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct job {
    ql_parallel_fn *fn;
    void *ctx;
    size_t n_tasks;
    atomic_size_t next;   /* the first task that nobody has begun */
    atomic_size_t failed; /* the lowest task that failed; n_tasks: none */
};

struct worker {
    struct job *job;
    size_t number;
    pthread_t thread;
    bool is_started;
    enum ql_status status; /* of `task`, the lowest of its own that failed */
    size_t task;
    struct ql_err err;
};

size_t ql_parallel_processors(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    if (n < 1) {
        return 1;
    }
    return n < QL_PARALLEL_MAX_THREADS ? (size_t)n : QL_PARALLEL_MAX_THREADS;
}

static void note_failure(struct job *job, size_t task) {
    size_t lowest = atomic_load(&job->failed);
    while (task < lowest && !atomic_compare_exchange_weak(&job->failed, &lowest, task)) {
    }
}

static void *work(void *argument) {
    struct worker *worker = argument;
    struct job *job = worker->job;
    while (worker->status == QL_OK) {
        size_t task = atomic_fetch_add(&job->next, 1);
        if (task >= job->n_tasks || task > atomic_load(&job->failed)) {
            break;
        }
        worker->status = job->fn(job->ctx, worker->number, task, &worker->err);
        if (worker->status != QL_OK) {
            worker->task = task;
            note_failure(job, task);
        }
    }
    return NULL;
}

enum ql_status ql_parallel_run(size_t n_threads, size_t n_tasks, ql_parallel_fn *fn, void *ctx, struct ql_err *err) {
    n_threads = n_threads == 0 ? ql_parallel_processors() : n_threads;
    n_threads = n_threads > QL_PARALLEL_MAX_THREADS ? QL_PARALLEL_MAX_THREADS : n_threads;
    n_threads = n_threads > n_tasks ? n_tasks : n_threads;
    struct job job = {.fn = fn, .ctx = ctx, .n_tasks = n_tasks, .failed = n_tasks};
    struct worker *workers = ql_mem_zalloc(n_threads + 1, sizeof *workers);
    for (size_t i = 0; i < n_threads; i++) {
        workers[i].job = &job;
        workers[i].number = i;
        /* The caller is worker 0. A thread that cannot be had is not needed either: the others take its tasks. */
        workers[i].is_started = i != 0 && pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    }
    if (n_threads != 0) {
        (void)work(&workers[0]);
    }
    enum ql_status status = QL_OK;
    for (size_t i = 0; i < n_threads; i++) {
        if (workers[i].is_started) {
            (void)pthread_join(workers[i].thread, NULL); /* cannot fail: joined once, by its starter */
        }
    }
    for (size_t i = 0; i < n_threads; i++) {
        if (workers[i].status != QL_OK && workers[i].task == atomic_load(&job.failed)) {
            status = workers[i].status;
            if (err != NULL) {
                *err = workers[i].err;
            }
        }
    }
    ql_mem_free(workers);
    return status;
}
