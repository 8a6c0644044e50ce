#include "sim/page.h"

#include "sim/error_body.h"

/* A paging parameter from 1 to max; false: answer says what is wrong. */
static bool read_parameter(const struct ql_sim_request *request, const char *name, int64_t max, int64_t *value,
                           struct ql_sim_answer *answer) {
    struct ql_buf text = {0};
    bool is_good = true;
    if (ql_sim_request_get_parameter(request, name, &text)) {
        is_good = ql_str_to_i64(ql_buf_view(&text), value) && *value >= 1 && *value <= max;
    }
    if (!is_good) {
        struct ql_buf message = {0};
        ql_buf_printf(&message, "Value [%s] is not valid for field type [%s]. Allowable values are: 1 to %lld",
                      ql_buf_text(&text), name, (long long)max);
        const struct ql_sim_api_error error = {
            .status = 400, .code = "invalid.value", .message = ql_buf_text(&message), .field = name};
        ql_sim_answer_api_error(answer, request, &error);
        ql_buf_fini(&message);
    }
    ql_buf_fini(&text);
    return is_good;
}

bool ql_sim_page_read(const struct ql_sim_request *request, int64_t max_size, int64_t max_number, struct ql_sim_page *page,
                      struct ql_sim_answer *answer) {
    enum { DEFAULT_SIZE = 25 };
    *page = (struct ql_sim_page){.size = DEFAULT_SIZE, .number = 1};
    return read_parameter(request, "pageSize", max_size, &page->size, answer) &&
           read_parameter(request, "pageNumber", max_number, &page->number, answer);
}

static void set_uri(json_t *body, const char *name, const char *path, int64_t number, int64_t size) {
    (void)json_object_set_new(body, name,
                              json_sprintf("%s%cpageSize=%lld&pageNumber=%lld", path, strchr(path, '?') != NULL ? '&' : '?',
                                           (long long)size, (long long)number));
}

json_t *ql_sim_page_json(const struct ql_sim_page *page, const char *path, int64_t total, json_t *entities) {
    int64_t n_pages = (total + page->size - 1) / page->size;
    json_t *body = json_pack("{s:o,s:I,s:I,s:I,s:I}", "entities", entities, "pageSize", (json_int_t)page->size, "pageNumber",
                             (json_int_t)page->number, "total", (json_int_t)total, "pageCount", (json_int_t)n_pages);
    set_uri(body, "firstUri", path, 1, page->size);
    set_uri(body, "lastUri", path, n_pages > 0 ? n_pages : 1, page->size);
    set_uri(body, "selfUri", path, page->number, page->size);
    if (page->number < n_pages) {
        set_uri(body, "nextUri", path, page->number + 1, page->size);
    }
    if (page->number > 1) {
        set_uri(body, "previousUri", path, page->number - 1, page->size);
    }
    return body;
}
