#include "sim/body_reader.h"

#include "sim/error_body.h"

#include <strings.h>

bool ql_sim_refuse(const struct ql_sim_reader *reader, const char *code, const char *field, const char *message) {
    const struct ql_sim_api_error error = {.status = 400, .code = code, .message = message, .field = field};
    ql_sim_answer_api_error(reader->answer, reader->request, &error);
    return false;
}

bool ql_sim_refuse_missing(const struct ql_sim_reader *reader, const char *field, const char *kind) {
    struct ql_buf message = {0};
    ql_buf_printf(&message, "The field '%s' is required and must be %s", field, kind);
    bool result = ql_sim_refuse(reader, "constraint.validation", field, ql_buf_text(&message));
    ql_buf_fini(&message);
    return result;
}

bool ql_sim_refuse_value(const struct ql_sim_reader *reader, const char *field, const char *value, const char *allowed) {
    struct ql_buf message = {0};
    ql_buf_printf(&message, "Value [%s] is not valid for field type [%s]. Allowable values are: %s", value, field, allowed);
    bool result = ql_sim_refuse(reader, "invalid.value", field, ql_buf_text(&message));
    ql_buf_fini(&message);
    return result;
}

static bool is_json(const struct ql_sim_request *request) {
    struct ql_str parameters;
    struct ql_str type = ql_str_split(ql_str_from(ql_sim_request_get_header(request, "Content-Type")), ';', &parameters);
    return ql_str_eq_nocase(ql_str_trim(type), QL_STR("application/json"));
}

json_t *ql_sim_read_body(const struct ql_sim_reader *reader) {
    const struct ql_sim_request *request = reader->request;
    if (request->body_bytes > QL_SIM_MAX_REQUEST_BYTES) {
        ql_sim_answer_api_status(reader->answer, request, 413);
        return NULL;
    }
    if (!is_json(request)) {
        ql_sim_answer_api_status(reader->answer, request, 415);
        return NULL;
    }
    json_t *body = json_loadb(ql_buf_text(&request->body), request->body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(body)) {
        ql_sim_answer_api_status(reader->answer, request, 400);
        json_decref(body);
        return NULL;
    }
    return body;
}

bool ql_sim_read_text(const struct ql_sim_reader *reader, const json_t *object, const char *name, const char **text) {
    const json_t *value = json_object_get(object, name);
    *text = json_string_value(value);
    return value == NULL || json_is_null(value) || *text != NULL || ql_sim_refuse_missing(reader, name, "a string");
}

bool ql_sim_read_word(const struct ql_sim_reader *reader, const json_t *object, const char *name, const char *const *words,
                      size_t n_words, const char **word) {
    const char *text;
    struct ql_buf allowed = {0};
    *word = NULL;
    if (!ql_sim_read_text(reader, object, name, &text)) {
        return false;
    }
    for (size_t i = 0; i < n_words && *word == NULL; i++) {
        *word = text != NULL && strcasecmp(text, words[i]) == 0 ? words[i] : NULL;
        ql_buf_printf(&allowed, "%s%s", i != 0 ? ", " : "", words[i]);
    }
    bool is_good = text == NULL || *word != NULL || ql_sim_refuse_value(reader, name, text, ql_buf_text(&allowed));
    ql_buf_fini(&allowed);
    return is_good;
}

bool ql_sim_read_flag(const struct ql_sim_reader *reader, const json_t *object, const char *name, bool *flag) {
    const json_t *value = json_object_get(object, name);
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    if (!json_is_boolean(value)) {
        return ql_sim_refuse_missing(reader, name, "true or false");
    }
    *flag = json_is_true(value);
    return true;
}
