/**
 * Rows as small tuples {interval, queue, one integer per metric column}, kept in buckets of time until they are aggregated.
 *
 * A bucket is a list of chunks, each a structure of arrays. A column of a chunk has one decimal scale and one width; a slot
 * holds the number as an integer at that scale, in 32 bits until the bucket's column meets a number that needs more. A finer
 * or wider number begins a new chunk, so that nothing is ever rewritten. What does not even fit an int64 at the scale goes
 * to the bucket's side table of that column, exactly as written, and the slot holds its index there.
 */
#ifndef QL_PIVOT_TUPLES_H
#define QL_PIVOT_TUPLES_H

#include "base/mem.h"
#include "base/str.h"

/** A number of the side table: k / 10^scale, or decimal text where 64 bits are not enough for its digits. */
struct ql_wide {
    union {
        int64_t k;
        const char *text;
    } v;
    uint32_t text_len; /* 0: v.k */
    int32_t scale;     /* of v.k; may be negative */
};

#define QL_SLOT_MISSING INT64_MIN
/* Slots from here to below QL_SLOT_MIN are indices into the side table. */
#define QL_SLOT_WIDE (INT64_MIN + 1)
#define QL_SLOT_MIN (QL_SLOT_WIDE + (INT64_C(1) << 32))
/* Every |k| up to here is a slot's number, with its sign. */
#define QL_SLOT_MAX (INT64_MAX - (INT64_C(1) << 32) - 1)

static inline bool ql_slot_is_wide(int64_t slot) {
    return slot < QL_SLOT_MIN && slot != QL_SLOT_MISSING;
}
static inline size_t ql_slot_wide_index(int64_t slot) {
    return (size_t)(slot - QL_SLOT_WIDE);
}

/** A column on its way into a bucket. */
struct ql_slots {
    const int64_t *slot;
    int32_t scale; /* 0 to 18 */
    const struct ql_wide *wide;
    size_t n_wide;
};

/** Tuples on their way into a bucket: those of a batch, or of another bucket's chunk. */
struct ql_tuples {
    const uint32_t *interval, *queue; /* entries of the timeline and of the queue list */
    const struct ql_slots *columns;   /* as many as the bucket has */
    uint32_t input;
};

/* In a column of 32 bits; |slot| is at most INT32_MAX. */
#define QL_NARROW_MISSING INT32_MIN

struct ql_chunk_column {
    union {
        int32_t *i32;
        int64_t *i64;
    } slot; /* [cap] */
    int32_t scale;
    bool is_narrow; /* i32; no slot is an index into the side table */
};

struct ql_tuple_chunk {
    struct ql_tuple_chunk *next;
    size_t size; /* in bytes */
    uint32_t n, cap;
    uint32_t input;  /* of all its rows */
    uint32_t layout; /* of its columns: the bucket's when it began */
    uint32_t *interval, *queue;
    struct ql_chunk_column *columns;
};

struct ql_bucket_column {
    int32_t scale;        /* the finest so far */
    bool needs_64_bit;    /* the next chunk's slots */
    struct ql_wide *wide; /* texts are in the bucket's arena */
    size_t n_wide, cap_wide;
};

struct ql_bucket {
    int64_t period; /* which span of time */
    size_t n_columns, n_rows;
    size_t n_rows_of_input; /* since the input changed last */
    uint32_t layout;        /* counts the changes of scale or width */
    struct ql_bucket_column *columns;
    struct ql_tuple_chunk *head, *tail;
    struct ql_arena arena;
};

struct ql_bucket *ql_bucket_new(int64_t period, size_t n_columns);
void ql_bucket_free(struct ql_bucket *bucket);
/** Copies tuples [begin, end). */
void ql_bucket_append(struct ql_bucket *bucket, const struct ql_tuples *tuples, size_t begin, size_t end);
/** The first chunk, which leaves the bucket; free with ql_tuple_chunk_free. NULL: there is none. */
struct ql_tuple_chunk *ql_bucket_take_chunk(struct ql_bucket *bucket);
void ql_tuple_chunk_free(struct ql_tuple_chunk *chunk);

/** Slots [begin, begin + n) of a chunk's column as int64, whatever their width: in place, or in scratch[n]. */
const int64_t *ql_chunk_slots(const struct ql_chunk_column *column, size_t begin, size_t n, int64_t *scratch);

/** A side table's index as a slot, after the number was added. */
int64_t ql_wide_add(struct ql_wide **wide, size_t *n, size_t *cap, struct ql_wide number);
/** Copies n slots to column's scale, which is not below from's. Wide numbers go to column's side table; texts are copied to
 * arena, borrowed if NULL. */
void ql_slots_copy(int64_t *dst, const struct ql_slots *from, size_t begin, size_t n, struct ql_bucket_column *column,
                   struct ql_arena *arena);

#endif
