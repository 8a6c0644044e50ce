/**
 * Numbers on their way into a fold: one integer each, a slot, at the decimal scale of its column. What fits no slot goes to the
 * column's side table, exactly as it is, and the slot holds its index there. How a number is represented decides no result.
 */
#ifndef QL_PIVOT_SLOTS_H
#define QL_PIVOT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A number of the side table: k / 10^scale, or decimal text where 64 bits are not enough for its digits. */
struct ql_wide {
    union {
        int64_t k;
        const char *text; /* borrowed */
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

struct ql_slot_column {
    int64_t *slot; /* in order of the cells */
    size_t cap;
    int32_t scale;
    struct ql_wide *wide;
    size_t n_wide, cap_wide;
};

/** k / 10^scale as a slot of the column. */
int64_t ql_slot_of(struct ql_slot_column *column, int64_t k, int32_t scale);
/** As ql_slot_of; a text stays borrowed. */
int64_t ql_slot_of_wide(struct ql_slot_column *column, const struct ql_wide *number);

#endif
