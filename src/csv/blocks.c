/*
 * Text in blocks that are read by several threads at once and taken in order.
 *
 * The feeding thread gathers text into a block, which ends behind a line feed; the rest begins the next block. Blocks form a
 * ring: gathered -> WAITING -> READING by a lane -> READ -> taken, and free again. A block is read on trust: that it begins
 * with a row. It does if the block before did and did not end inside quotes, which is known when its turn comes to be taken;
 * whoever finishes the block whose turn it is takes what was packed of it, and of those behind it that are ready.
 *
 * A lane judges nothing. A block in which anything is not plain (ODD) is left to the feeding thread, which reads it again with
 * the one careful reader when its turn comes, and so are the blocks into which a row goes on. Hence every count, message and
 * byte of the quarantine is that of a reader without threads, and the first failure in the order of the text is the failure.
 *
 * The feeding thread is lane 0: it reads a block itself when it has nowhere to gather text. It reads the first text of an
 * input alone, carefully, so that small inputs start no thread, and again for a while when blocks turn out odd one after the
 * other, because odd blocks are read twice.
 */
#include "base/parallel.h"
#include "csv/csv_internal.h"

#include <pthread.h>
#include <signal.h>

enum {
    BLOCK_BYTES = 1024 * 1024,      /* 0.5 to 4 MiB are equally fast; a block and what it becomes fit a core's cache */
    SERIAL_BYTES = 3 * 1024 * 1024, /* about the time that starting a thread and its first memory costs */
    SERIAL_BLOCK_BYTES = 96 * 1024, /* as long as one thread reads: memory that is touched first costs more than its text */
    QUEUE_MAX = 8,                  /* blocks that wait, however many lanes there are */
    ODD_MAX = 2,                    /* odd blocks one after the other, and then so many are read carefully at once: */
    CAREFUL_BLOCKS = 16,
    ROOM_SHARE = 16, /* a block is full when less than this part of it is left */
};

enum block_state { IDLE, WAITING, READING, READ, ODD };

struct block {
    char *memory; /* pad, text, pad */
    char *text;
    size_t len;
    enum block_state state;
    void **packed; /* those from first_packed on are not taken */
    size_t first_packed, n_packed, cap_packed;
    struct ql_csv_counts counts;
    int64_t n_lines;
};

struct thread {
    struct ql_csv_blocks *blocks;
    struct ql_csv_lane *lane;
    pthread_t thread;
};

struct ql_csv_blocks {
    const struct ql_csv_options *options;
    const struct ql_csv_input *input;
    size_t block_bytes, serial_bytes, max_queues;
    struct ql_csv_lane *lanes; /* [n_lanes]; 0 is the feeding thread's */
    struct thread *threads;    /* [n_lanes - 1] */
    size_t n_lanes, n_threads; /* that run: started when they are first of use, idle between inputs */
    bool is_started;
    struct block *ring;
    size_t n_blocks;
    /* The feeding thread's own. */
    struct ql_csv_careful careful; /* and of whoever takes, see take_ready */
    size_t len;                    /* gathered in the block of n_filled */
    size_t n_serial_left;          /* bytes of the input that are still read without threads */
    size_t n_careful_left;         /* blocks that are */
    size_t n_odd_in_row;

    pthread_mutex_t lock;                /* of everything below and of the blocks' states */
    pthread_cond_t work;                 /* there is a block to read, or an end to it all */
    pthread_cond_t moved;                /* a block has another state */
    uint64_t n_filled, n_begun, n_taken; /* blocks since new; n_taken <= n_begun <= n_filled <= n_taken + n_blocks */
    bool is_taking, is_row_open, is_given_up, is_stopping;
    enum ql_status status; /* of the first failure; nothing is begun or taken after it */
    struct ql_err err;
};

static struct block *block_of(struct ql_csv_blocks *blocks, uint64_t number) {
    return &blocks->ring[number % blocks->n_blocks];
}

static void drop_packed(const struct ql_csv_blocks *blocks, struct block *block) {
    for (size_t i = block->first_packed; i < block->n_packed; i++) {
        blocks->input->sink->drop(blocks->input->sink->ctx, block->packed[i]);
    }
    block->first_packed = block->n_packed = 0;
}

/* ---- reading on trust ---- */

static enum ql_status keep_packed(void *ctx, void *packed, struct ql_err *err) {
    struct block *block = ctx;
    (void)err;
    QL_MEM_GROW(block->packed, block->cap_packed, block->n_packed + 1);
    block->packed[block->n_packed++] = packed;
    return QL_OK;
}

static enum ql_status give_up(void *ctx, enum ql_csv_scan_result result, const struct ql_csv_row *row,
                              const struct ql_csv_defect *defect, struct ql_err *err) {
    (void)ctx;
    (void)result;
    (void)row;
    (void)defect;
    return QL_FAIL(err, QL_E_BAD_ROW, "not plain"); /* the careful reader will say what it is */
}

/* True if all of it is plain. */
static bool read_block(struct ql_csv_lane *lane, const struct ql_csv_input *input, struct block *block) {
    struct ql_csv_reading reading = {.n_rows_left = INT64_MAX, .deliver = keep_packed, .odd = give_up, .ctx = block};
    ql_csv_lane_begin(lane, input);
    ql_csv_scanner_reset(&lane->scanner);
    bool is_plain = ql_csv_lane_read(lane, &lane->scanner, (struct ql_str){.ptr = block->text, .len = block->len}, &reading,
                                     NULL) == QL_OK &&
                    lane->scanner.carry.len == 0 && ql_csv_lane_flush(lane, &reading, NULL) == QL_OK;
    block->counts = ql_csv_lane_take_counts(lane);
    block->n_lines = lane->scanner.line;
    return is_plain;
}

static void fail(struct ql_csv_blocks *blocks, enum ql_status status, const struct ql_err *err) {
    blocks->status = status;
    blocks->err = *err;
    (void)pthread_cond_broadcast(&blocks->moved);
}

static enum ql_status take_block(const struct ql_csv_blocks *blocks, struct block *block, struct ql_err *err) {
    const struct ql_csv_sink *sink = blocks->input->sink;
    while (block->first_packed < block->n_packed) {
        QL_TRY(sink->take(sink->ctx, block->packed[block->first_packed++], err));
    }
    block->first_packed = block->n_packed = 0;
    return QL_OK;
}

/*
 * With the lock, which is not held while blocks are taken. The careful reader's place and counts change here too: it does not
 * read as long as the first block that was not taken is neither odd nor goes on with its row.
 */
static void take_ready(struct ql_csv_blocks *blocks) {
    while (!blocks->is_taking && !blocks->is_row_open && !blocks->is_given_up && blocks->status == QL_OK &&
           blocks->n_taken < blocks->n_begun && block_of(blocks, blocks->n_taken)->state == READ) {
        struct block *block = block_of(blocks, blocks->n_taken);
        struct ql_err err = {0};
        if (block->counts.rows > ql_csv_careful_rows_left(&blocks->careful)) {
            block->state = ODD; /* the limit is passed at one of its rows */
            break;
        }
        blocks->is_taking = true;
        (void)pthread_mutex_unlock(&blocks->lock);
        enum ql_status status = take_block(blocks, block, &err);
        (void)pthread_mutex_lock(&blocks->lock);
        blocks->is_taking = false;
        if (status != QL_OK) {
            fail(blocks, status, &err);
            break;
        }
        ql_csv_counts_add(&blocks->careful.counts, &block->counts);
        blocks->careful.scanner.line += block->n_lines;
        blocks->careful.scanner.offset += (int64_t)block->len;
        blocks->n_odd_in_row = 0;
        block->state = IDLE;
        blocks->n_taken++;
    }
    (void)pthread_cond_broadcast(&blocks->moved);
}

/* With the lock: there is a block to be read. */
static void read_next(struct ql_csv_blocks *blocks, struct ql_csv_lane *lane) {
    struct block *block = block_of(blocks, blocks->n_begun++);
    block->state = READING;
    (void)pthread_mutex_unlock(&blocks->lock);
    bool is_plain = read_block(lane, blocks->input, block);
    (void)pthread_mutex_lock(&blocks->lock);
    block->state = is_plain ? READ : ODD;
    take_ready(blocks);
}

static bool is_work(const struct ql_csv_blocks *blocks) {
    return blocks->n_begun < blocks->n_filled && blocks->status == QL_OK && !blocks->is_given_up;
}

static void *work(void *argument) {
    struct thread *thread = argument;
    struct ql_csv_blocks *blocks = thread->blocks;
    (void)pthread_mutex_lock(&blocks->lock);
    while (!blocks->is_stopping) {
        if (is_work(blocks)) {
            read_next(blocks, thread->lane);
        } else {
            (void)pthread_cond_wait(&blocks->work, &blocks->lock);
        }
    }
    (void)pthread_mutex_unlock(&blocks->lock);
    return NULL;
}

static void init_lane(struct ql_csv_blocks *blocks, size_t number) {
    blocks->lanes[number].max_queues = blocks->max_queues;
    ql_csv_lane_init(&blocks->lanes[number], (uint32_t)number, blocks->options);
}

/*
 * With the lock. A thread that cannot be had is not needed: the others read its blocks. Signals are the feeding thread's, whose
 * read from a file or a socket they are to interrupt.
 */
static void start_threads(struct ql_csv_blocks *blocks) {
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 1; i < blocks->n_lanes; i++) {
        struct thread *thread = &blocks->threads[blocks->n_threads];
        *thread = (struct thread){.blocks = blocks, .lane = &blocks->lanes[i]};
        init_lane(blocks, i);
        if (pthread_create(&thread->thread, NULL, work, thread) != 0) {
            break;
        }
        blocks->n_threads++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    blocks->is_started = true;
}

/* ---- the feeding thread ---- */

/* With the lock, and at the first text that was not taken: nobody else takes. */
static void read_carefully(struct ql_csv_blocks *blocks, struct ql_str text, bool is_end) {
    struct ql_err err = {0};
    (void)pthread_mutex_unlock(&blocks->lock);
    enum ql_status status = ql_csv_careful_read(&blocks->careful, text, is_end, &err);
    (void)pthread_mutex_lock(&blocks->lock);
    if (status != QL_OK) {
        fail(blocks, status, &err);
    }
    blocks->is_row_open = ql_csv_careful_is_row_open(&blocks->careful);
}

static void read_again(struct ql_csv_blocks *blocks, struct block *block) {
    drop_packed(blocks, block);
    block->state = ODD;
    read_carefully(blocks, (struct ql_str){.ptr = block->text, .len = block->len}, false);
    if (blocks->status != QL_OK) {
        return;
    }
    block->state = IDLE;
    blocks->n_taken++;
    if (++blocks->n_odd_in_row >= ODD_MAX) {
        blocks->n_careful_left = CAREFUL_BLOCKS;
    }
    take_ready(blocks);
}

/* With the lock: something that brings the blocks on, or a wait for another thread to do so. */
static void step(struct ql_csv_blocks *blocks) {
    struct block *front = block_of(blocks, blocks->n_taken);
    if (blocks->n_taken < blocks->n_begun &&
        (front->state == ODD || (front->state == READ && blocks->is_row_open && !blocks->is_taking))) {
        read_again(blocks, front);
    } else if (blocks->is_row_open && blocks->n_taken == blocks->n_begun) {
        blocks->n_begun++;
        read_again(blocks, front);
    } else if (blocks->n_begun < blocks->n_filled) {
        read_next(blocks, &blocks->lanes[0]);
    } else {
        (void)pthread_cond_wait(&blocks->moved, &blocks->lock);
    }
}

/* With the lock: at most so many blocks are not taken. */
static void wait_for(struct ql_csv_blocks *blocks, size_t n_left) {
    while (blocks->status == QL_OK && blocks->n_filled - blocks->n_taken > n_left) {
        step(blocks);
    }
}

static struct block *gathering(struct ql_csv_blocks *blocks) {
    struct block *block = block_of(blocks, blocks->n_filled);
    if (block->memory == NULL) {
        block->memory = ql_mem_alloc(blocks->block_bytes + 2 * QL_CSV_PAD_BYTES);
        memset(block->memory, 0, QL_CSV_PAD_BYTES);
        block->text = block->memory + QL_CSV_PAD_BYTES;
    }
    return block;
}

/* Reads the block that is gathered, up to `len`, at once; what is behind moves to its front. */
static void read_gathered(struct ql_csv_blocks *blocks, size_t len, bool is_end) {
    struct block *block = gathering(blocks);
    wait_for(blocks, 0);
    if (blocks->status == QL_OK) {
        read_carefully(blocks, (struct ql_str){.ptr = block->text, .len = len}, is_end);
        memmove(block->text, block->text + len, blocks->len - len);
        blocks->len -= len;
    }
}

/* Gives the block that is gathered, up to `len`, to the lanes; what is behind begins the next one. */
static void hand_out(struct ql_csv_blocks *blocks, size_t len) {
    struct block *block = gathering(blocks);
    if (!blocks->is_started) {
        start_threads(blocks);
    }
    block->len = len;
    block->state = WAITING;
    blocks->n_filled++;
    (void)pthread_cond_signal(&blocks->work);
    wait_for(blocks, blocks->n_blocks - 1);
    if (blocks->status == QL_OK) {
        blocks->len -= len;
        memcpy(gathering(blocks)->text, block->text + len, blocks->len); /* only this thread writes into blocks */
    }
}

/* The block that is gathered is full. One without a line feed cannot be cut: the careful reader knows rows of any length. */
static void end_block(struct ql_csv_blocks *blocks) {
    const char *text = gathering(blocks)->text;
    const char *line_feed = memrchr(text, '\n', blocks->len);
    size_t len = line_feed != NULL ? (size_t)(line_feed - text) + 1 : blocks->len;
    bool is_alone = blocks->n_lanes == 1 || line_feed == NULL || blocks->n_serial_left != 0 || blocks->n_careful_left != 0 ||
                    (blocks->is_row_open && blocks->n_taken == blocks->n_filled);
    if (!is_alone) {
        hand_out(blocks, len);
        return;
    }
    blocks->n_serial_left -= len < blocks->n_serial_left ? len : blocks->n_serial_left;
    blocks->n_careful_left -= blocks->n_careful_left != 0;
    read_gathered(blocks, len, false);
}

static enum ql_status end_call(struct ql_csv_blocks *blocks, struct ql_err *err) {
    enum ql_status status = blocks->status;
    if (status != QL_OK && err != NULL) {
        *err = blocks->err;
    }
    (void)pthread_mutex_unlock(&blocks->lock);
    return status;
}

static size_t bytes_to_gather(const struct ql_csv_blocks *blocks) {
    bool is_short = blocks->n_serial_left != 0 && blocks->block_bytes > SERIAL_BLOCK_BYTES;
    return is_short ? SERIAL_BLOCK_BYTES : blocks->block_bytes;
}

char *ql_csv_blocks_room(struct ql_csv_blocks *blocks, size_t *cap) {
    *cap = bytes_to_gather(blocks) - blocks->len;
    return gathering(blocks)->text + blocks->len;
}

enum ql_status ql_csv_blocks_put(struct ql_csv_blocks *blocks, struct ql_str text, struct ql_err *err) {
    (void)pthread_mutex_lock(&blocks->lock);
    while (text.len != 0 && blocks->status == QL_OK) {
        size_t room;
        char *to = ql_csv_blocks_room(blocks, &room);
        size_t n = text.len < room ? text.len : room;
        if (text.ptr != to) {
            memcpy(to, text.ptr, n);
        }
        text.ptr += n;
        text.len -= n;
        blocks->len += n;
        if (room - n <= bytes_to_gather(blocks) / ROOM_SHARE) {
            end_block(blocks);
        }
    }
    return end_call(blocks, err);
}

enum ql_status ql_csv_blocks_drain(struct ql_csv_blocks *blocks, struct ql_err *err) {
    (void)pthread_mutex_lock(&blocks->lock);
    if (blocks->status == QL_OK) {
        read_gathered(blocks, blocks->len, false);
    }
    return end_call(blocks, err);
}

enum ql_status ql_csv_blocks_end(struct ql_csv_blocks *blocks, struct ql_err *err) {
    (void)pthread_mutex_lock(&blocks->lock);
    if (blocks->status == QL_OK) {
        read_gathered(blocks, blocks->len, true);
    }
    return end_call(blocks, err);
}

void ql_csv_blocks_abandon(struct ql_csv_blocks *blocks) {
    (void)pthread_mutex_lock(&blocks->lock);
    blocks->is_given_up = true;
    for (; blocks->n_begun < blocks->n_filled; blocks->n_begun++) {
        block_of(blocks, blocks->n_begun)->state = IDLE;
    }
    while (blocks->n_taken < blocks->n_filled) {
        struct block *block = block_of(blocks, blocks->n_taken);
        if (blocks->is_taking || block->state == READING) {
            (void)pthread_cond_wait(&blocks->moved, &blocks->lock);
            continue;
        }
        drop_packed(blocks, block);
        block->state = IDLE;
        blocks->n_taken++;
    }
    blocks->len = 0;
    (void)pthread_mutex_unlock(&blocks->lock);
}

void ql_csv_blocks_begin(struct ql_csv_blocks *blocks, const struct ql_csv_input *input, int64_t line, int64_t offset) {
    (void)pthread_mutex_lock(&blocks->lock);
    blocks->input = input;
    blocks->is_given_up = false;
    blocks->is_row_open = false;
    blocks->n_serial_left = blocks->serial_bytes;
    blocks->n_careful_left = 0;
    blocks->n_odd_in_row = 0;
    ql_csv_careful_begin(&blocks->careful, input, line, offset);
    (void)pthread_mutex_unlock(&blocks->lock);
}

void ql_csv_blocks_get_counts(struct ql_csv_blocks *blocks, struct ql_csv_counts *counts, int64_t *bad_rows) {
    (void)pthread_mutex_lock(&blocks->lock);
    *counts = blocks->careful.counts;
    *bad_rows = blocks->careful.bad_rows.n_rows;
    (void)pthread_mutex_unlock(&blocks->lock);
}

static size_t or_default(size_t value, size_t standard) {
    return value != 0 ? value : standard;
}

struct ql_csv_blocks *ql_csv_blocks_new(const struct ql_csv_options *options, const struct ql_csv_tuning *tuning) {
    struct ql_csv_blocks *blocks = ql_mem_zalloc(1, sizeof *blocks);
    size_t n_lanes = or_default(options->n_threads, ql_parallel_processors());
    n_lanes = n_lanes < QL_PARALLEL_MAX_THREADS ? n_lanes : QL_PARALLEL_MAX_THREADS;
    blocks->block_bytes = or_default(tuning->block_bytes, BLOCK_BYTES);
    blocks->serial_bytes = or_default(tuning->serial_bytes, SERIAL_BYTES);
    blocks->options = options;
    blocks->max_queues = tuning->max_queues;
    blocks->n_lanes = n_lanes;
    blocks->lanes = ql_mem_zalloc(n_lanes, sizeof *blocks->lanes);
    blocks->threads = ql_mem_zalloc(n_lanes, sizeof *blocks->threads);
    /* One that is gathered, one for each thread, and as many that wait. */
    blocks->n_blocks = n_lanes + (n_lanes < QUEUE_MAX ? n_lanes : QUEUE_MAX);
    blocks->ring = ql_mem_zalloc(blocks->n_blocks, sizeof *blocks->ring);
    init_lane(blocks, 0);
    blocks->careful.lane = &blocks->lanes[0];
    blocks->careful.scanner.kernel = blocks->lanes[0].scanner.kernel;
    blocks->careful.bad_rows = (struct ql_csv_bad_rows){
        .policy = options->on_bad_row, .max_rows = options->max_bad_rows, .quarantine = options->quarantine};
    (void)pthread_mutex_init(&blocks->lock, NULL);
    (void)pthread_cond_init(&blocks->work, NULL);
    (void)pthread_cond_init(&blocks->moved, NULL);
    return blocks;
}

void ql_csv_blocks_free(struct ql_csv_blocks *blocks) {
    if (blocks == NULL) {
        return;
    }
    ql_csv_blocks_abandon(blocks);
    (void)pthread_mutex_lock(&blocks->lock);
    blocks->is_stopping = true;
    (void)pthread_cond_broadcast(&blocks->work);
    (void)pthread_mutex_unlock(&blocks->lock);
    for (size_t i = 0; i < blocks->n_threads; i++) {
        (void)pthread_join(blocks->threads[i].thread, NULL); /* cannot fail: joined once, by its starter */
    }
    for (size_t i = 0; i < blocks->n_lanes; i++) {
        ql_csv_lane_fini(&blocks->lanes[i]);
    }
    for (size_t i = 0; i < blocks->n_blocks; i++) {
        ql_mem_free(blocks->ring[i].memory);
        ql_mem_free(blocks->ring[i].packed);
    }
    ql_csv_careful_fini(&blocks->careful);
    (void)pthread_mutex_destroy(&blocks->lock);
    (void)pthread_cond_destroy(&blocks->work);
    (void)pthread_cond_destroy(&blocks->moved);
    ql_mem_free(blocks->lanes);
    ql_mem_free(blocks->threads);
    ql_mem_free(blocks->ring);
    ql_mem_free(blocks);
}
