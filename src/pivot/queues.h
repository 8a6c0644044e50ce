/** The queues that rows mention: told apart while rows are packed, then merged by id or by name, named and ordered. */
#ifndef QL_PIVOT_QUEUES_H
#define QL_PIVOT_QUEUES_H

#include "base/mem.h"
#include "pivot/index.h"
#include "pivot/pivot.h"
#include "pivot/timeline.h"

#include <pthread.h>

/**
 * The latest intervals that mention a label; QL_TIME_NONE: none. Those without an end apart, because it is derived later.
 */
struct ql_label_use {
    int64_t start_us, end_us, open_start_us;
};
#define QL_LABEL_UNUSED ((struct ql_label_use){QL_TIME_NONE, QL_TIME_NONE, QL_TIME_NONE})

static inline bool ql_label_is_used(const struct ql_label_use *use) {
    return use->start_us != QL_TIME_NONE || use->open_start_us != QL_TIME_NONE;
}
/** Remembers the interval, if it is the latest. */
static inline void ql_label_note(struct ql_label_use *use, int64_t start_us, int64_t end_us) {
    if (end_us == QL_TIME_NONE) {
        use->open_start_us = start_us > use->open_start_us ? start_us : use->open_start_us;
    } else { /* without a branch, which could not be predicted for rows in no order */
        bool is_later = (start_us > use->start_us) | ((start_us == use->start_us) & (end_us > use->end_us));
        int64_t mask = -(int64_t)is_later;
        use->start_us ^= (use->start_us ^ start_us) & mask;
        use->end_us ^= (use->end_us ^ end_us) & mask;
    }
}

struct ql_queue_list {
    struct ql_rows_queue *labels; /* id, name and media type together, as some dictionary spells them; texts in the arena */
    size_t n_labels, cap_labels;
    struct ql_index index;
    struct ql_arena arena;
    pthread_mutex_t lock; /* of all above, as long as rows are packed */

    /* After build: */
    uint32_t *rank; /* [n_labels] index into queues, of labels that are used */
    struct ql_queue *queues;
    size_t n_queues;
    int64_t n_ids_merged, n_ids_renamed;
};

void ql_queue_list_init(struct ql_queue_list *list);
void ql_queue_list_fini(struct ql_queue_list *list);
/** The labels of n queues of a dictionary. Several threads may put at once. */
void ql_queue_list_put(struct ql_queue_list *list, const struct ql_rows_queue *queues, size_t n, uint32_t *label);
/**
 * Queues and ranks of the labels that are used (uses[n_uses]; those behind are not); the timeline is built already.
 * Errors: E_DATA for a queue that options.queues does not name.
 */
QL_MUST_CHECK enum ql_status ql_queue_list_build(struct ql_queue_list *list, const struct ql_label_use *uses, size_t n_uses,
                                                 const struct ql_timeline *timeline, const struct ql_pivot_options *options,
                                                 struct ql_err *err);

#endif
