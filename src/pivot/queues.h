/** The queues that rows mention: told apart while rows arrive, then merged by id or by name, named and ordered. */
#ifndef QL_PIVOT_QUEUES_H
#define QL_PIVOT_QUEUES_H

#include "base/mem.h"
#include "pivot/index.h"
#include "pivot/pivot.h"
#include "pivot/timeline.h"

/** An id together with a name, as some row spells them. */
struct ql_label {
    struct ql_str id, name; /* in the arena */
    /* The latest intervals that mention the label; QL_TIME_NONE: none. Those without an end apart, because it is derived later.
     */
    int64_t start_us, end_us, open_start_us;
    uint32_t successor; /* the label that came after it last time: rows repeat the queues in one order */
    uint32_t rank;      /* after build: index into queues */
};

/* Labels that a few of their bytes lead to: a guess, always verified. */
enum { QL_LABEL_GUESSES = 1024 };

struct ql_queue_list {
    struct ql_label *labels;
    size_t n_labels, cap_labels;
    struct ql_index index;
    uint32_t *guess;        /* [QL_LABEL_GUESSES] */
    struct ql_arena *arena; /* of the texts; borrowed */
    uint32_t last;

    /* After build: */
    struct ql_queue *queues;
    size_t n_queues;
    int64_t n_ids_merged, n_ids_renamed;
};

void ql_queue_list_fini(struct ql_queue_list *list);
uint32_t ql_queue_list_put(struct ql_queue_list *list, struct ql_str id, struct ql_str name);
/** Remembers the interval as one that mentions the label, if it is the latest. */
static inline void ql_label_note(struct ql_label *label, int64_t start_us, int64_t end_us) {
    if (end_us == QL_TIME_NONE) {
        label->open_start_us = start_us > label->open_start_us ? start_us : label->open_start_us;
    } else if (start_us > label->start_us || (start_us == label->start_us && end_us > label->end_us)) {
        label->start_us = start_us;
        label->end_us = end_us;
    }
}
/** Queues and ranks; the timeline is built already. E_DATA for a queue that options.queues does not name. */
QL_MUST_CHECK enum ql_status ql_queue_list_build(struct ql_queue_list *list, const struct ql_timeline *timeline,
                                                 const struct ql_pivot_options *options, struct ql_err *err);

#endif
