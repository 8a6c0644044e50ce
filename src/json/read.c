/* Reading values: everything that is absent or of another type reads as absent, so that callers ask once for what they need. */
#include "json/json_internal.h"

const struct ql_json *ql_json_get(const struct ql_json *object, const char *key) {
    return ql_json_wrap_const(json_object_get(ql_json_unwrap_const(object), key)); /* NULL and non-objects give NULL */
}

struct ql_str ql_json_text(const struct ql_json *value) {
    const json_t *json = ql_json_unwrap_const(value);
    if (!json_is_string(json)) {
        return (struct ql_str){0};
    }
    return (struct ql_str){.ptr = json_string_value(json), .len = json_string_length(json)};
}

struct ql_str ql_json_get_text(const struct ql_json *object, const char *key) {
    return ql_json_text(ql_json_get(object, key));
}

bool ql_json_get_int(const struct ql_json *object, const char *key, int64_t *value) {
    const json_t *json = ql_json_unwrap_const(ql_json_get(object, key));
    if (!json_is_integer(json)) {
        return false;
    }
    *value = json_integer_value(json);
    return true;
}

bool ql_json_get_number(const struct ql_json *object, const char *key, double *value) {
    const json_t *json = ql_json_unwrap_const(ql_json_get(object, key));
    if (!json_is_number(json)) {
        return false;
    }
    *value = json_number_value(json);
    return true;
}

size_t ql_json_length(const struct ql_json *array) {
    return json_array_size(ql_json_unwrap_const(array));
}

const struct ql_json *ql_json_at(const struct ql_json *array, size_t i) {
    return ql_json_wrap_const(json_array_get(ql_json_unwrap_const(array), i));
}

void ql_json_each(const struct ql_json *object, void (*fn)(void *ctx, struct ql_str key, const struct ql_json *value),
                  void *ctx) {
    const json_t *json = ql_json_unwrap_const(object);
    void *at = json_object_iter((json_t *)(uintptr_t)json); /* reads only; NULL for what is no object */
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)json, at)) {
        fn(ctx, ql_str_from(json_object_iter_key(at)), ql_json_wrap_const(json_object_iter_value(at)));
    }
}

bool ql_json_is_object(const struct ql_json *value) {
    return json_is_object(ql_json_unwrap_const(value));
}
bool ql_json_is_array(const struct ql_json *value) {
    return json_is_array(ql_json_unwrap_const(value));
}
