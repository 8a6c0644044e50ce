/*
 * Names of queues: what routing/queues has now, all pages, once a run. Aggregates know queues by id alone; a queue that was
 * deleted meanwhile keeps its id as its name.
 */
#include "source/routing_queues.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE_SIZE = 100 };

/* The second one is for clients that may search queues, but not look at their settings. */
static const char *const PATHS[] = {"/api/v2/routing/queues", "/api/v2/routing/queues/divisionviews/all"};

bool ql_is_uuid(struct ql_str text) {
    static const char FORM[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool is_one = text.len == sizeof FORM - 1;
    for (size_t i = 0; i < text.len && is_one; i++) {
        char c = text.ptr[i];
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        is_one = FORM[i] == 'x' ? is_hex : c == '-';
    }
    return is_one;
}

/* ---- loading */

static struct ql_str keep(struct ql_routing_queues *queues, struct ql_str text) {
    return (struct ql_str){.ptr = ql_arena_copy(&queues->arena, text.ptr, text.len), .len = text.len};
}

static void add(struct ql_routing_queues *queues, const struct ql_json *json) {
    struct ql_str id = ql_json_get_text(json, "id");
    struct ql_str name = ql_json_get_text(json, "name");
    const struct ql_json *division = ql_json_get(json, "division");
    if (id.len == 0) {
        return;
    }
    QL_MEM_GROW(queues->items, queues->cap, queues->n + 1);
    queues->items[queues->n++] = (struct ql_routing_queue){.id = keep(queues, id),
                                                           .name = keep(queues, name.len != 0 ? name : id),
                                                           .division_id = keep(queues, ql_json_get_text(division, "id")),
                                                           .division_name = keep(queues, ql_json_get_text(division, "name"))};
}

/* One page; *n_added 0 ends the pages where the server does not say how many there are. http_status: of the answer, 0 if there
 * was none. */
static enum ql_status load_page(struct ql_routing_queues *queues, struct ql_genesys *genesys, const char *path,
                                int64_t *n_pages, long *http_status, struct ql_err *err) {
    const struct ql_genesys_call call = {.method = "GET", .path = path, .repeat = QL_HTTP_REPEAT_ALWAYS};
    struct ql_http_response response;
    struct ql_json *json = NULL;
    bool was_sent;
    enum ql_status status = ql_genesys_send(genesys, &call, &response, &was_sent, err);
    *http_status = status == QL_OK ? response.status : 0;
    if (status == QL_OK) {
        status = response.status == 200 ? ql_genesys_parse(genesys, &response, &json, err)
                                        : ql_genesys_explain(genesys, ql_buf_text(&genesys->api_host), &response, err);
    }
    if (status == QL_OK) {
        const struct ql_json *entities = ql_json_get(json, "entities");
        size_t n = ql_json_length(entities);
        for (size_t i = 0; i < n; i++) {
            add(queues, ql_json_at(entities, i));
        }
        if (!ql_json_get_int(json, "pageCount", n_pages)) {
            *n_pages = n == 0 ? 0 : INT64_MAX;
        }
    }
    ql_json_free(json);
    ql_http_response_fini(&response);
    return status;
}

static int by_id(const void *a, const void *b) {
    return ql_str_cmp(((const struct ql_routing_queue *)a)->id, ((const struct ql_routing_queue *)b)->id);
}

/* In order, each once: a queue that was made while pages were read may move another onto the next page. False: nothing new. */
static bool tidy(struct ql_routing_queues *queues, size_t n_before) {
    size_t n = 0;
    if (queues->n != 0) {
        qsort(queues->items, queues->n, sizeof *queues->items, by_id);
    }
    for (size_t i = 0; i < queues->n; i++) {
        if (n == 0 || !ql_str_eq(queues->items[n - 1].id, queues->items[i].id)) {
            queues->items[n++] = queues->items[i];
        }
    }
    queues->n = n;
    return n > n_before;
}

static enum ql_status load_all(struct ql_routing_queues *queues, struct ql_genesys *genesys, const char *base,
                               long *http_status, struct ql_err *err) {
    int64_t n_pages = 1;
    bool has_more = true;
    for (int64_t page = 1; page <= n_pages && has_more; page++) {
        char path[160];
        size_t n_before = queues->n;
        (void)snprintf(path, sizeof path, "%s?pageNumber=%lld&pageSize=%d", base, (long long)page, PAGE_SIZE);
        QL_TRY(load_page(queues, genesys, path, &n_pages, http_status, err));
        has_more = tidy(queues, n_before) || n_pages != INT64_MAX;
    }
    return QL_OK;
}

enum ql_status ql_routing_queues_load(struct ql_routing_queues *queues, struct ql_genesys *genesys, struct ql_err *err) {
    struct ql_err first = {0};
    long http_status = 0;
    *queues = (struct ql_routing_queues){0};
    enum ql_status status = load_all(queues, genesys, PATHS[0], &http_status, &first);
    if (http_status == 403) {
        ql_routing_queues_fini(queues);
        if (load_all(queues, genesys, PATHS[1], &http_status, NULL) == QL_OK) {
            return QL_OK;
        }
    }
    if (status != QL_OK && err != NULL) {
        *err = first;
        ql_err_wrap(err, "reading the names of the queues");
    }
    return status;
}

void ql_routing_queues_fini(struct ql_routing_queues *queues) {
    ql_mem_free(queues->items);
    ql_arena_fini(&queues->arena);
    *queues = (struct ql_routing_queues){0};
}

const struct ql_routing_queue *ql_routing_queues_find(const struct ql_routing_queues *queues, struct ql_str id) {
    const struct ql_routing_queue key = {.id = id};
    return queues->n != 0 ? bsearch(&key, queues->items, queues->n, sizeof *queues->items, by_id) : NULL;
}

/* ---- resolving */

static enum ql_status fail_unknown(const struct ql_routing_queues *queues, struct ql_str wanted, bool are_divisions,
                                   struct ql_err *err) {
    struct ql_arena arena = {0};
    const char **names = ql_mem_zalloc(queues->n + 1, sizeof *names);
    for (size_t i = 0; i < queues->n; i++) {
        struct ql_str name = are_divisions ? queues->items[i].division_name : queues->items[i].name;
        names[i] = ql_arena_copy(&arena, name.ptr, name.len);
    }
    const char *nearest = ql_str_nearest(wanted, names, queues->n);
    enum { SHOWN = 200 };
    int shown = wanted.len > SHOWN ? SHOWN : (int)wanted.len;
    (void)QL_FAIL(err, QL_E_CONFIG, "no queue that this client may see %s '%.*s'",
                  are_divisions ? "is in a division" : "is named", shown, wanted.ptr);
    if (nearest != NULL) {
        ql_err_hint(err, "did you mean '%.200s'? a queue that was deleted is named by its id", nearest);
    } else {
        ql_err_hint(err, "names are those of %s, in capitals and small letters; ids are taken as they are",
                    are_divisions ? "Admin > Account Settings > Divisions" : "Admin > Contact Center > Queues");
    }
    ql_mem_free(names);
    ql_arena_fini(&arena);
    return QL_E_CONFIG;
}

enum ql_status ql_routing_queues_resolve(const struct ql_routing_queues *queues, const struct ql_str *wanted, size_t n_wanted,
                                         bool are_divisions, struct ql_str **ids, size_t *n_ids, struct ql_err *err) {
    size_t cap = *n_ids;
    for (size_t w = 0; w < n_wanted; w++) {
        bool is_found = false;
        for (size_t i = 0; i < queues->n && !(is_found && are_divisions); i++) {
            const struct ql_routing_queue *queue = &queues->items[i];
            if (ql_str_eq(are_divisions ? queue->division_name : queue->name, wanted[w])) {
                QL_MEM_GROW(*ids, cap, *n_ids + 1); /* two queues of one name are both meant */
                (*ids)[(*n_ids)++] = are_divisions ? queue->division_id : queue->id;
                is_found = true;
            }
        }
        if (!is_found && !ql_is_uuid(wanted[w])) {
            return fail_unknown(queues, wanted[w], are_divisions, err);
        }
        if (!is_found) {
            QL_MEM_GROW(*ids, cap, *n_ids + 1);
            (*ids)[(*n_ids)++] = wanted[w];
        }
    }
    return QL_OK;
}
