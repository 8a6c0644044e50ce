/*
 * Columns as parallel tasks. A task is some neighbouring columns; tasks are begun in order, so whoever holds the first column
 * that has not been handed on never waits, and everyone else waits rather than run ahead of it by more than the window: that
 * bounds the memory of finished chunks. Where columns are few, all of them are in the window, and the doubles, whose
 * dictionaries cost most, are begun first, so that no thread is left with one of them at the end. Whoever finishes the chunk
 * whose turn it is hands it on, and those behind it that are ready; the lock is not held meanwhile. Threads that find no column
 * left to begin do the source's spare work until the last one has been handed on.
 *
 * Failures are kept by column, the first in schema order wins, and columns before it are still finished and handed on: so
 * neither the error nor what the sink saw before it depends on timing.
 */
#include "parquet/row_group.h"

#include "base/parallel.h"

#include <pthread.h>

enum {
    FEW_COLUMNS = 64,
    TASK_COLUMNS_MAX = 4,       /* chunks that wait for their turn are held, three tasks of two threads */
    TASKS_PER_THREAD_MIN = 8,   /* more columns in a task would leave threads idle at the end */
    SERIAL_VALUES_MAX = 1 << 18 /* 2 MiB of values are encoded before a thread has started */
};

struct worker {
    struct ql_chunk_encoder *encoder;
    struct ql_column_scratch scratch;
};

struct ql_row_group_encoder {
    struct ql_parquet_options options;
    const struct ql_kernels *kernels;
    size_t page_rows_max;
    size_t n_threads;
    struct worker *workers; /* [n_threads]; encoders made when a thread first needs one */
    struct ql_column_chunk *slots;
    size_t n_slots;
};

struct job {
    struct ql_row_group_encoder *encoder;
    const struct ql_row_group *group;
    size_t task_columns, n_tasks;
    bool has_order;            /* few columns, several threads */
    size_t order[FEW_COLUMNS]; /* which column is begun when */
    size_t window;             /* columns that may be finished or in work from `next` on; as many slots */

    pthread_mutex_t lock; /* of everything below and of slots' is_ready */
    pthread_cond_t moved; /* next went on, or something failed */
    bool *is_ready;       /* [window] */
    size_t next;          /* the column that is handed on next */
    bool is_taking;
    size_t failed; /* the first column that failed; SIZE_MAX: none */
    enum ql_status status;
    struct ql_err err;
};

struct ql_row_group_encoder *ql_row_group_encoder_new(const struct ql_parquet_options *options, size_t page_rows_max) {
    struct ql_row_group_encoder *encoder = ql_mem_zalloc(1, sizeof *encoder);
    size_t n_threads = options->n_threads != 0 ? options->n_threads : ql_parallel_processors();
    encoder->options = *options;
    encoder->options.cpu = NULL; /* which need not live on */
    encoder->kernels = ql_kernels_for(options->cpu);
    encoder->page_rows_max = page_rows_max;
    encoder->n_threads = n_threads < QL_PARALLEL_MAX_THREADS ? n_threads : QL_PARALLEL_MAX_THREADS;
    encoder->workers = ql_mem_zalloc(encoder->n_threads, sizeof *encoder->workers);
    return encoder;
}

void ql_row_group_encoder_free(struct ql_row_group_encoder *encoder) {
    if (encoder == NULL) {
        return;
    }
    for (size_t i = 0; i < encoder->n_threads; i++) {
        ql_chunk_encoder_free(encoder->workers[i].encoder);
        ql_column_scratch_fini(&encoder->workers[i].scratch);
    }
    for (size_t i = 0; i < encoder->n_slots; i++) {
        ql_column_chunk_fini(&encoder->slots[i]);
    }
    ql_mem_free(encoder->workers);
    ql_mem_free(encoder->slots);
    ql_mem_free(encoder);
}

static enum ql_status encode_column(struct job *job, struct worker *worker, size_t column, struct ql_err *err) {
    const struct ql_row_group *group = job->group;
    const struct ql_column_def *def = &group->schema->columns[column];
    struct ql_column values = {0};
    group->source->fill(group->source->ctx, column, &worker->scratch, &values);
    if (values.n_rows != group->n_rows) {
        return QL_FAIL(err, QL_E_INTERNAL, "Parquet writer: column '%.*s' has %zu rows in a row group of %zu",
                       QL_STR_ARG(def->name), values.n_rows, group->n_rows);
    }
    struct ql_column_chunk *chunk = &job->encoder->slots[column % job->window];
    enum ql_status status = ql_chunk_encoder_run(worker->encoder, def->type, &values, &group->choices[column], chunk, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "writing column '%.*s'", QL_STR_ARG(def->name));
    }
    return status;
}

/* With the lock held. */
static void note_failure(struct job *job, size_t column, enum ql_status status, const struct ql_err *err) {
    if (column < job->failed) {
        job->failed = column;
        job->status = status;
        job->err = *err;
    }
    (void)pthread_cond_broadcast(&job->moved);
}

/* Whether a column still matters: false once one before it has failed. Waits until the window reaches it. */
static bool wait_for_turn(struct job *job, size_t column) {
    (void)pthread_mutex_lock(&job->lock);
    while (column >= job->next + job->window && column < job->failed) {
        (void)pthread_cond_wait(&job->moved, &job->lock);
    }
    bool is_wanted = column < job->failed;
    (void)pthread_mutex_unlock(&job->lock);
    return is_wanted;
}

/* The column is encoded: hands on what can be, unless another thread is at it. */
static void hand_on(struct job *job, size_t column) {
    struct ql_err err = {0};
    (void)pthread_mutex_lock(&job->lock);
    job->is_ready[column % job->window] = true;
    while (!job->is_taking && job->is_ready[job->next % job->window] && job->next < job->failed) {
        job->is_taking = true;
        (void)pthread_mutex_unlock(&job->lock);
        enum ql_status status =
            job->group->take(job->group->ctx, &job->encoder->slots[job->next % job->window], &err); /* next is this thread's */
        (void)pthread_mutex_lock(&job->lock);
        job->is_taking = false;
        if (status != QL_OK) {
            note_failure(job, job->next, status, &err);
            break;
        }
        job->is_ready[job->next % job->window] = false;
        job->next++;
        (void)pthread_cond_broadcast(&job->moved);
    }
    (void)pthread_mutex_unlock(&job->lock);
}

static bool is_done(struct job *job) {
    (void)pthread_mutex_lock(&job->lock);
    bool is_done = job->next == job->group->schema->n_columns || job->failed != SIZE_MAX;
    (void)pthread_mutex_unlock(&job->lock);
    return is_done;
}

static void do_spare_work(struct job *job, size_t worker_number) {
    const struct ql_spare_work *spare = &job->group->source->spare;
    while (!is_done(job) && spare->run(spare->ctx, worker_number)) {
    }
}

/* Tasks from n_tasks on are spare work. */
static enum ql_status run_task(void *ctx, size_t worker_number, size_t task, struct ql_err *err) {
    struct job *job = ctx;
    if (task >= job->n_tasks) {
        do_spare_work(job, worker_number);
        return QL_OK;
    }
    struct worker *worker = &job->encoder->workers[worker_number];
    (void)err; /* failures are kept by column, in the job */
    if (worker->encoder == NULL) {
        const struct ql_row_group_encoder *encoder = job->encoder;
        worker->encoder = ql_chunk_encoder_new(&encoder->options, encoder->kernels, encoder->page_rows_max);
    }
    size_t n_columns = job->group->schema->n_columns;
    size_t first = job->has_order ? job->order[task] : task * job->task_columns;
    size_t end = first + job->task_columns;
    end = end < n_columns ? end : n_columns;
    for (size_t column = first; column < end && wait_for_turn(job, column); column++) {
        struct ql_err failure = {0};
        enum ql_status status = encode_column(job, worker, column, &failure);
        if (status == QL_OK) {
            hand_on(job, column);
            continue;
        }
        (void)pthread_mutex_lock(&job->lock);
        note_failure(job, column, status, &failure);
        (void)pthread_mutex_unlock(&job->lock);
    }
    return QL_OK;
}

/* Doubles first, else as in the schema. */
static void choose_order(struct job *job) {
    const struct ql_schema *schema = job->group->schema;
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t column = 0; column < schema->n_columns; column++) {
            if ((schema->columns[column].type == QL_COLUMN_DOUBLE) == (pass == 0)) {
                job->order[n++] = column;
            }
        }
    }
}

/* How the work is cut, from sizes alone. */
static size_t cut(struct job *job) {
    struct ql_row_group_encoder *encoder = job->encoder;
    size_t n_columns = job->group->schema->n_columns;
    bool is_small = job->group->n_rows < SERIAL_VALUES_MAX / n_columns;
    size_t n_threads = is_small ? 1 : encoder->n_threads;
    n_threads = n_threads < n_columns ? n_threads : n_columns;
    size_t share = n_columns / (n_threads * TASKS_PER_THREAD_MIN);
    job->task_columns = n_threads == 1 || share > TASK_COLUMNS_MAX ? TASK_COLUMNS_MAX : (share != 0 ? share : 1);
    /* Every thread's own task, and as much again as lets the others go on while one is slow. */
    size_t ahead = job->task_columns > n_threads ? job->task_columns : n_threads;
    job->window = n_threads == 1 ? 1 : n_threads * job->task_columns + ahead;
    if (n_columns <= FEW_COLUMNS && n_threads > 1) {
        job->has_order = true;
        job->task_columns = 1;
        job->window = n_columns;
        choose_order(job);
    }
    if (job->window > encoder->n_slots) {
        encoder->slots = ql_mem_realloc(encoder->slots, job->window, sizeof *encoder->slots);
        memset(encoder->slots + encoder->n_slots, 0, (job->window - encoder->n_slots) * sizeof *encoder->slots);
        encoder->n_slots = job->window;
    }
    return n_threads;
}

enum ql_status ql_row_group_encode(struct ql_row_group_encoder *encoder, const struct ql_row_group *group, struct ql_err *err) {
    struct job job = {.encoder = encoder,
                      .group = group,
                      .failed = SIZE_MAX,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .moved = PTHREAD_COND_INITIALIZER};
    size_t n_threads = cut(&job);
    job.is_ready = ql_mem_zalloc(job.window, sizeof *job.is_ready);
    job.n_tasks = (group->schema->n_columns + job.task_columns - 1) / job.task_columns;
    size_t n_spare = group->source->spare.run != NULL && n_threads > 1 ? n_threads : 0;
    /* Its tasks succeed, see run_task. */
    enum ql_status status = ql_parallel_run(n_threads, job.n_tasks + n_spare, run_task, &job, err);
    (void)pthread_mutex_destroy(&job.lock);
    (void)pthread_cond_destroy(&job.moved);
    ql_mem_free(job.is_ready);
    if (job.status != QL_OK && err != NULL) {
        *err = job.err;
    }
    return job.status != QL_OK ? job.status : status;
}
