/**
 * A queue's name becomes part of a column's name. `safe` folds it to what every engine takes; where that loses letters (other
 * scripts), leaves nothing, or makes two queues one, six hexadecimal digits of SHA-256 tell it apart, so that the column of a
 * queue depends on that queue's name alone wherever it can, and stays what it is when other queues come and go.
 *
 * Two queues with one name (told apart by id) get the hash of their id: that of their name would be the same again.
 */
#include "layout/names.h"

#include "base/unicode.h"
#include "hash/hash.h"

#include <stdlib.h>

enum { HASH_DIGITS = 6 };

bool ql_names_is_twin(const struct ql_queue *queues, size_t n_queues, size_t queue) {
    return (queue != 0 && ql_str_eq(queues[queue - 1].name, queues[queue].name)) ||
           (queue + 1 < n_queues && ql_str_eq(queues[queue + 1].name, queues[queue].name));
}

/* A text and where it belongs, to be sorted. */
struct keyed {
    struct ql_str key;
    size_t index;
};

static int compare_keyed(const void *a, const void *b) {
    const struct keyed *x = a;
    const struct keyed *y = b;
    int order = ql_str_cmp(x->key, y->key);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static void sort_keyed(struct keyed *keyed, size_t n) {
    if (n > 1) {
        qsort(keyed, n, sizeof *keyed, compare_keyed);
    }
}

static void put_hash(const struct ql_queue *queues, size_t n_queues, size_t queue, struct ql_buf *out) {
    struct ql_str text =
        queues[queue].id.len != 0 && ql_names_is_twin(queues, n_queues, queue) ? queues[queue].id : queues[queue].name;
    uint8_t digest[QL_SHA256_SIZE];
    char hex[QL_SHA256_HEX_SIZE];
    ql_sha256_of(text.ptr, text.len, digest);
    ql_hex(digest, sizeof digest, hex);
    ql_buf_putc(out, '_');
    ql_buf_put(out, hex, HASH_DIGITS);
}

static struct ql_str copy_of(const struct ql_buf *buf, struct ql_arena *arena) {
    return (struct ql_str){.ptr = ql_arena_copy(arena, ql_buf_text(buf), buf->len), .len = buf->len};
}

/* Queues that are still one get their hash, unless they have it already. */
static void split_clashes(const struct ql_queue *queues, size_t n_queues, const bool *has_hash, struct ql_arena *arena,
                          struct ql_str *parts, int64_t *n_clashes) {
    struct keyed *keyed = ql_mem_zalloc(n_queues, sizeof *keyed);
    for (size_t q = 0; q < n_queues; q++) {
        keyed[q] = (struct keyed){.key = parts[q], .index = q};
    }
    sort_keyed(keyed, n_queues);
    struct ql_buf part = {0};
    for (size_t k = 0; k < n_queues; k++) {
        bool clashes = (k != 0 && ql_str_eq(keyed[k - 1].key, keyed[k].key)) ||
                       (k + 1 < n_queues && ql_str_eq(keyed[k + 1].key, keyed[k].key));
        size_t q = keyed[k].index;
        if (clashes && !has_hash[q]) {
            ql_buf_reset(&part);
            ql_buf_put_str(&part, parts[q]);
            put_hash(queues, n_queues, q, &part);
            parts[q] = copy_of(&part, arena);
            ++*n_clashes;
        }
    }
    ql_buf_fini(&part);
    ql_mem_free(keyed);
}

void ql_names_of_queues(const struct ql_queue *queues, size_t n_queues, enum ql_names names, struct ql_arena *arena,
                        struct ql_str *parts, int64_t *n_clashes) {
    *n_clashes = 0;
    if (names == QL_NAMES_RAW) {
        for (size_t q = 0; q < n_queues; q++) {
            parts[q] = queues[q].name;
        }
        return;
    }
    bool *has_hash = ql_mem_zalloc(n_queues, sizeof *has_hash);
    struct ql_buf part = {0};
    for (size_t q = 0; q < n_queues; q++) {
        ql_buf_reset(&part);
        has_hash[q] = !ql_unicode_safe_name(queues[q].name, &part);
        if (has_hash[q]) {
            put_hash(queues, n_queues, q, &part);
        }
        parts[q] = copy_of(&part, arena);
    }
    ql_buf_fini(&part);
    split_clashes(queues, n_queues, has_hash, arena, parts, n_clashes);
    ql_mem_free(has_hash);
}

static struct keyed *sorted_names(const struct ql_column_def *columns, size_t n_columns, bool ignores_case,
                                  struct ql_arena *arena) {
    struct keyed *keyed = ql_mem_zalloc(n_columns, sizeof *keyed);
    for (size_t c = 0; c < n_columns; c++) {
        struct ql_str name = columns[c].name;
        keyed[c] = (struct keyed){.key = name, .index = c};
        if (ignores_case) {
            char *lower = ql_arena_copy(arena, name.ptr, name.len);
            for (size_t i = 0; i < name.len; i++) {
                lower[i] = (char)(lower[i] >= 'A' && lower[i] <= 'Z' ? lower[i] + ('a' - 'A') : lower[i]);
            }
            keyed[c].key.ptr = lower;
        }
    }
    sort_keyed(keyed, n_columns);
    return keyed;
}

bool ql_names_find_equal(const struct ql_column_def *columns, size_t n_columns, bool ignores_case, size_t *first,
                         size_t *second) {
    struct ql_arena arena = {0};
    struct keyed *keyed = sorted_names(columns, n_columns, ignores_case, &arena);
    bool is_found = false;
    for (size_t k = 1; !is_found && k < n_columns; k++) {
        is_found = ql_str_eq(keyed[k - 1].key, keyed[k].key);
        if (is_found) {
            *first = keyed[k - 1].index; /* of equal keys, the lower index sorts first */
            *second = keyed[k].index;
        }
    }
    ql_mem_free(keyed);
    ql_arena_fini(&arena);
    return is_found;
}

int64_t ql_names_count_case_clashes(const struct ql_column_def *columns, size_t n_columns) {
    struct ql_arena arena = {0};
    struct keyed *keyed = sorted_names(columns, n_columns, true, &arena);
    int64_t n = 0;
    for (size_t k = 0; k < n_columns; k++) {
        n += (k != 0 && ql_str_eq(keyed[k - 1].key, keyed[k].key)) ||
             (k + 1 < n_columns && ql_str_eq(keyed[k + 1].key, keyed[k].key));
    }
    ql_mem_free(keyed);
    ql_arena_fini(&arena);
    return n;
}
