/*
 * Queues: the column's side of the pivot (semantics, section 3).
 *
 * While rows arrive only labels are told apart (id, name and media type together), once for each entry of a reader's
 * dictionary, so that which label is which queue can be decided when all rows are known and cannot depend on their order. A
 * dictionary may hold queues that no row mentions, so a label counts only if a row that was taken uses it:
 * - by id: one queue for each id, called by the name of its latest interval (by start, then end; ties: the smallest name); rows
 *   without an id make a queue of their own for each name.
 * - by name: one queue for each name, with the smallest of its ids; a blank id is none.
 * Where rows have media types, each of a queue's is a queue of its own, under the queue's one name.
 */
#include "pivot/queues.h"

#include <stdlib.h>

void ql_queue_list_init(struct ql_queue_list *list) {
    *list = (struct ql_queue_list){0};
    (void)pthread_mutex_init(&list->lock, NULL);
}

void ql_queue_list_fini(struct ql_queue_list *list) {
    (void)pthread_mutex_destroy(&list->lock);
    ql_mem_free(list->labels);
    ql_mem_free(list->rank);
    ql_mem_free(list->queues);
    ql_index_fini(&list->index);
    ql_arena_fini(&list->arena);
}

static struct ql_str keep(struct ql_queue_list *list, struct ql_str text) {
    return (struct ql_str){.ptr = ql_arena_copy(&list->arena, text.ptr, text.len), .len = text.len};
}

static uint32_t find_or_add(struct ql_queue_list *list, const struct ql_rows_queue *queue) {
    uint64_t mixed = ql_index_hash_str(queue->name, ql_index_hash_str(queue->id, 0));
    mixed = queue->media_type.len != 0 ? ql_index_hash_str(queue->media_type, mixed) : mixed;
    uint32_t hash = (uint32_t)(mixed ^ mixed >> 32);
    size_t at = hash;
    for (uint32_t entry; (entry = ql_index_next(&list->index, hash, &at)) != QL_INDEX_NONE;) {
        const struct ql_rows_queue *label = &list->labels[entry];
        if (ql_str_eq(label->name, queue->name) && ql_str_eq(label->id, queue->id) &&
            ql_str_eq(label->media_type, queue->media_type)) {
            return entry;
        }
    }
    QL_MEM_GROW(list->labels, list->cap_labels, list->n_labels + 1);
    uint32_t added = (uint32_t)list->n_labels++;
    list->labels[added] = (struct ql_rows_queue){
        .id = keep(list, queue->id), .name = keep(list, queue->name), .media_type = keep(list, queue->media_type)};
    ql_index_add(&list->index, hash, added);
    return added;
}

void ql_queue_list_put(struct ql_queue_list *list, const struct ql_rows_queue *queues, size_t n, uint32_t *label) {
    (void)pthread_mutex_lock(&list->lock);
    for (size_t i = 0; i < n; i++) {
        label[i] = find_or_add(list, &queues[i]);
    }
    (void)pthread_mutex_unlock(&list->lock);
}

/* A label while it is merged, with the latest interval that mentions it. */
struct merged {
    struct ql_str id, name, media_type;
    int64_t start_us, end_us;
    uint32_t label;
};

static int cmp_by_id(const void *a, const void *b) {
    const struct merged *x = a;
    const struct merged *y = b;
    int order = ql_str_cmp(x->id, y->id);
    return order != 0 ? order : ql_str_cmp(x->name, y->name);
}

static int cmp_by_name(const void *a, const void *b) {
    const struct merged *x = a;
    const struct merged *y = b;
    int order = ql_str_cmp(x->name, y->name);
    order = order != 0 ? order : ql_str_cmp(x->media_type, y->media_type);
    return order != 0 ? order : ql_str_cmp(x->id, y->id);
}

/* The labels that are used; *n of them. */
static struct merged *collect(const struct ql_queue_list *list, const struct ql_label_use *uses, size_t n_uses,
                              const struct ql_timeline *timeline, size_t *n) {
    struct merged *merged = ql_mem_alloc(n_uses * sizeof *merged);
    *n = 0;
    for (size_t i = 0; i < n_uses; i++) {
        struct ql_label_use use = uses[i];
        if (!ql_label_is_used(&use)) {
            continue;
        }
        if (use.open_start_us != QL_TIME_NONE) {
            ql_label_note(&use, use.open_start_us, ql_timeline_end_of(timeline, use.open_start_us, QL_TIME_NONE));
        }
        const struct ql_rows_queue *label = &list->labels[i];
        merged[(*n)++] = (struct merged){label->id, label->name, label->media_type, use.start_us, use.end_us, (uint32_t)i};
    }
    return merged;
}

/* merged[begin..n) is sorted by id, then name: gives every name of an id the name of the latest; the end of the id's run. */
static size_t rename_one_id(struct merged *merged, size_t begin, size_t n, bool renames, bool *has_several) {
    size_t end = begin + 1;
    const struct merged *latest = &merged[begin];
    for (; end < n && ql_str_eq(merged[end].id, merged[begin].id); end++) {
        const struct merged *m = &merged[end]; /* a later name in byte order wins only by a later interval */
        if (m->start_us > latest->start_us || (m->start_us == latest->start_us && m->end_us > latest->end_us)) {
            latest = m;
        }
    }
    struct ql_str name = latest->name;
    *has_several = !ql_str_eq(merged[begin].name, merged[end - 1].name);
    for (size_t i = begin; i < end && renames; i++) {
        merged[i].name = name;
    }
    return end;
}

/* merged becomes sorted by name, media type and id, with names that are final. */
static void name_queues(struct ql_queue_list *list, struct merged *merged, size_t n, bool by_id) {
    qsort(merged, n, sizeof *merged, cmp_by_id);
    size_t at = 0;
    while (at < n && merged[at].id.len == 0) {
        at++; /* without an id: as named */
    }
    while (at < n) {
        bool has_several = false;
        at = rename_one_id(merged, at, n, by_id, &has_several);
        list->n_ids_renamed += has_several;
    }
    qsort(merged, n, sizeof *merged, cmp_by_name);
}

/* Runs of equal name and media type (and id, if by_id) become queues; labels get the queue's index as rank. merged is sorted.
 */
static void make_queues(struct ql_queue_list *list, const struct merged *merged, size_t n, bool by_id) {
    struct ql_queue *queue = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct merged *m = &merged[i];
        bool is_same = queue != NULL && ql_str_eq(queue->name, m->name) && ql_str_eq(queue->media_type, m->media_type) &&
                       (!by_id || ql_str_eq(queue->id, m->id));
        if (!is_same) {
            queue = &list->queues[list->n_queues++];
            *queue = (struct ql_queue){.id = m->id, .name = m->name, .media_type = m->media_type};
        } else if (queue->id.len == 0) {
            queue->id = m->id; /* blank ids sort first */
        } else if (!ql_str_eq(merged[i - 1].id, m->id)) {
            list->n_ids_merged++;
        }
        list->rank[m->label] = (uint32_t)list->n_queues - 1;
    }
}

static int cmp_str(const void *a, const void *b) {
    return ql_str_cmp(*(const struct ql_str *)a, *(const struct ql_str *)b);
}

/*
 * Adds the names of options.queues that have no queue yet. Both lists are sorted by name, so one walk over both is enough: a
 * queue that none of the names matches stops the walk over the queues.
 */
static enum ql_status fix_queues(struct ql_queue_list *list, const struct ql_pivot_options *options, struct ql_err *err) {
    struct ql_str *names = ql_mem_alloc(options->n_queues * sizeof *names);
    struct ql_queue *fixed = ql_mem_alloc((list->n_queues + options->n_queues) * sizeof *fixed);
    uint32_t *moved = ql_mem_alloc(list->n_queues * sizeof *moved);
    for (size_t i = 0; i < options->n_queues; i++) {
        names[i] = keep(list, options->queues[i]);
    }
    qsort(names, options->n_queues, sizeof *names, cmp_str);
    size_t n = 0;
    size_t at = 0; /* in list->queues */
    for (size_t i = 0; i < options->n_queues; i++) {
        if (i != 0 && ql_str_eq(names[i - 1], names[i])) {
            continue;
        }
        size_t first = at;
        for (; at < list->n_queues && ql_str_eq(list->queues[at].name, names[i]); at++) {
            moved[at] = (uint32_t)n;
            fixed[n++] = list->queues[at];
        }
        if (at == first) {
            fixed[n++] = (struct ql_queue){.id = {.ptr = "", .len = 0}, .name = names[i]};
        }
    }
    enum ql_status status = QL_OK;
    if (at < list->n_queues) {
        status = QL_FAIL(err, QL_E_DATA, "queue '%.*s' is not among the queues that were asked for",
                         QL_STR_ARG(list->queues[at].name));
        ql_err_hint(err, "add it to the file of --queues-from, or leave its rows out of the input");
    }
    for (size_t i = 0; i < list->n_labels && status == QL_OK; i++) {
        list->rank[i] = list->rank[i] < list->n_queues ? moved[list->rank[i]] : 0;
    }
    ql_mem_free(names);
    ql_mem_free(moved);
    ql_mem_free(list->queues);
    list->queues = fixed;
    list->n_queues = n;
    return status;
}

enum ql_status ql_queue_list_build(struct ql_queue_list *list, const struct ql_label_use *uses, size_t n_uses,
                                   const struct ql_timeline *timeline, const struct ql_pivot_options *options,
                                   struct ql_err *err) {
    size_t n;
    struct merged *merged = collect(list, uses, n_uses, timeline, &n);
    list->queues = ql_mem_alloc(n * sizeof *list->queues);
    list->rank = ql_mem_zalloc(list->n_labels, sizeof *list->rank);
    name_queues(list, merged, n, options->by_id);
    make_queues(list, merged, n, options->by_id);
    ql_mem_free(merged);
    return options->queues != NULL ? fix_queues(list, options, err) : QL_OK;
}
