/** Inside the room: a `struct ql_json` is a jansson value under another name, so that jansson.h stays in this folder. */
#ifndef QL_JSON_INTERNAL_H
#define QL_JSON_INTERNAL_H

#include "json/json.h"

#include <jansson.h>

static inline json_t *ql_json_unwrap(struct ql_json *json) {
    return (json_t *)(void *)json;
}
static inline const json_t *ql_json_unwrap_const(const struct ql_json *json) {
    return (const json_t *)(const void *)json;
}
static inline struct ql_json *ql_json_wrap(json_t *json) {
    return (struct ql_json *)(void *)json;
}
static inline const struct ql_json *ql_json_wrap_const(const json_t *json) {
    return (const struct ql_json *)(const void *)json;
}

#endif
