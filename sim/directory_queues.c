/* /api/v2/routing/queues and its lighter views: the queues that there are now, by name. */
#include "sim/call.h"

#include "base/mem.h"
#include "sim/error_body.h"
#include "sim/page.h"

#include <stdlib.h>

static const char PATH[] = "/api/v2/routing/queues";

/* name: "abc", "abc*", "*abc", "*abc*", case ignored. */
static bool is_name_match(const char *name, struct ql_str pattern) {
    bool is_open_start = ql_str_has_prefix(pattern, "*");
    pattern = is_open_start ? (struct ql_str){pattern.ptr + 1, pattern.len - 1} : pattern;
    bool is_open_end = ql_str_has_suffix(pattern, "*");
    pattern.len -= is_open_end ? 1 : 0;
    struct ql_str text = ql_str_from(name);
    if (text.len < pattern.len) {
        return false;
    }
    size_t first = is_open_start && !is_open_end ? text.len - pattern.len : 0;
    size_t last = is_open_start ? text.len - pattern.len : 0;
    for (size_t at = first; at <= last; at++) {
        bool reaches_end = at + pattern.len == text.len;
        if ((is_open_end || reaches_end) && ql_str_eq_nocase((struct ql_str){text.ptr + at, pattern.len}, pattern)) {
            return true;
        }
    }
    return false;
}

/* A parameter that may come several times, or once with commas; what is not asked for lets everything through. */
static bool is_listed(const struct ql_sim_request *request, const char *name, const char *value) {
    bool is_asked_for = false;
    bool is_found = false;
    for (struct ql_str rest = request->query; rest.len != 0;) {
        struct ql_str text;
        struct ql_str key = ql_str_split(ql_str_split(rest, '&', &rest), '=', &text);
        if (!ql_str_eq(key, ql_str_from(name))) {
            continue;
        }
        struct ql_buf list = {0};
        is_asked_for = true;
        (void)ql_sim_percent_decode(text, &list);
        for (struct ql_str items = ql_buf_view(&list); items.len != 0;) {
            is_found |= ql_str_eq(ql_str_split(items, ',', &items), ql_str_from(value));
        }
        ql_buf_fini(&list);
    }
    return !is_asked_for || is_found;
}

static bool is_there(const struct ql_sim_world *world, const struct ql_sim_queue *queue) {
    return !atomic_load(&queue->is_deleted) && world->divisions[queue->division].is_visible;
}

static bool is_wanted(const struct ql_sim_call *call, const struct ql_sim_queue *queue) {
    const struct ql_sim_world *world = &call->sim->world;
    struct ql_buf name = {0};
    bool is_good = is_there(world, queue) && is_listed(call->request, "id", queue->id) &&
                   is_listed(call->request, "divisionId", world->divisions[queue->division].id) &&
                   (!ql_sim_request_get_parameter(call->request, "name", &name) ||
                    is_name_match(ql_sim_queue_name(queue), ql_buf_view(&name)));
    ql_buf_fini(&name);
    return is_good;
}

static json_t *division_json(const struct ql_sim_division *division) {
    json_t *json = json_pack("{s:s,s:s}", "id", division->id, "name", division->name);
    (void)json_object_set_new(json, "selfUri", json_sprintf("/api/v2/authorization/divisions/%s", division->id));
    return json;
}

static json_t *media_settings_json(void) {
    static const char *const MEDIA[] = {"call", "callback", "chat", "email", "message"};
    json_t *settings = json_object();
    for (size_t i = 0; i < sizeof MEDIA / sizeof MEDIA[0]; i++) {
        (void)json_object_set_new(settings, MEDIA[i],
                                  json_pack("{s:b,s:i,s:{s:f,s:i}}", "enableAutoAnswer", 0, "alertingTimeoutSeconds", 8,
                                            "serviceLevel", "percentage", 0.8, "durationMs", 20000));
    }
    return settings;
}

static json_t *queue_json(const struct ql_sim_world *world, const struct ql_sim_queue *queue, bool is_whole) {
    json_t *json = json_pack("{s:s,s:s,s:o}", "id", queue->id, "name", ql_sim_queue_name(queue), "division",
                             division_json(&world->divisions[queue->division]));
    if (is_whole) {
        (void)json_object_set_new(json, "dateCreated", json_string("2019-03-04T08:15:30.000Z"));
        (void)json_object_set_new(json, "dateModified", json_string("2023-11-21T16:02:11.000Z"));
        (void)json_object_set_new(json, "memberCount", json_integer(7));
        (void)json_object_set_new(json, "userMemberCount", json_integer(7));
        (void)json_object_set_new(json, "joinedMemberCount", json_integer(5));
        (void)json_object_set_new(json, "mediaSettings", media_settings_json());
        (void)json_object_set_new(json, "acwSettings",
                                  json_pack("{s:s,s:i}", "wrapupPrompt", "MANDATORY_TIMEOUT", "timeoutMs", 300000));
        (void)json_object_set_new(json, "skillEvaluationMethod", json_string("ALL"));
        (void)json_object_set_new(json, "enableTranscription", json_false());
        (void)json_object_set_new(json, "suppressInQueueCallRecording", json_true());
    }
    (void)json_object_set_new(json, "selfUri", json_sprintf("%s/%s", PATH, queue->id));
    return json;
}

struct named {
    const struct ql_sim_queue *queue;
    const char *name; /* as it was when the listing began: a name must not change while it is sorted by */
};

static int compare_names(const void *a, const void *b) {
    const struct named *left = a;
    const struct named *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->queue->id, right->queue->id);
}

static void list(const struct ql_sim_call *call, const char *path, int64_t max_size, int64_t max_number, bool is_whole) {
    const struct ql_sim_world *world = &call->sim->world;
    struct ql_sim_page page;
    if (!ql_sim_page_read(call->request, max_size, max_number, &page, call->answer)) {
        return;
    }
    struct named *wanted = ql_mem_zalloc(world->n_queues + 1, sizeof *wanted);
    int64_t n = 0;
    for (size_t i = 0; i < world->n_queues; i++) {
        if (is_wanted(call, &world->queues[i])) {
            wanted[n++] = (struct named){&world->queues[i], ql_sim_queue_name(&world->queues[i])};
        }
    }
    qsort(wanted, (size_t)n, sizeof *wanted, compare_names);
    struct ql_buf order = {0};
    bool is_down =
        ql_sim_request_get_parameter(call->request, "sortOrder", &order) && ql_str_has_prefix(ql_buf_view(&order), "desc");
    ql_buf_fini(&order);
    json_t *entities = json_array();
    for (int64_t i = (page.number - 1) * page.size; i < page.number * page.size && i < n; i++) {
        (void)json_array_append_new(entities, queue_json(world, wanted[is_down ? n - 1 - i : i].queue, is_whole));
    }
    ql_mem_free(wanted);
    ql_sim_answer_set_json(call->answer, 200, ql_sim_page_json(&page, path, n, entities));
}

void ql_sim_call_list_queues(const struct ql_sim_call *call) {
    list(call, PATH, 500, QL_SIM_MAX_PAGE, true);
}

void ql_sim_call_list_queue_views(const struct ql_sim_call *call) {
    list(call, "/api/v2/routing/queues/divisionviews", 100, 5, false);
}

void ql_sim_call_list_all_queue_views(const struct ql_sim_call *call) {
    list(call, "/api/v2/routing/queues/divisionviews/all", 500, QL_SIM_MAX_PAGE, false);
}

void ql_sim_call_get_queue(const struct ql_sim_call *call) {
    const struct ql_sim_world *world = &call->sim->world;
    for (size_t i = 0; i < world->n_queues; i++) {
        if (ql_str_eq(call->id, ql_str_from(world->queues[i].id)) && is_there(world, &world->queues[i])) {
            ql_sim_answer_set_json(call->answer, 200, queue_json(world, &world->queues[i], true));
            return;
        }
    }
    ql_sim_answer_api_status(call->answer, call->request, 404);
}
