/** JSON values (jansson), for reading answers within limits and for writing summaries. */
#ifndef QL_JSON_JSON_H
#define QL_JSON_JSON_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct ql_json; /* a value; children belong to their parent */

/** E_PROTOCOL with line and column for what is no JSON, for doubled keys, and for a nesting deeper than max_depth. */
QL_MUST_CHECK enum ql_status ql_json_parse(struct ql_str text, int max_depth, struct ql_json **json, struct ql_err *err);
void ql_json_free(struct ql_json *json);

/* Reading: NULL and wrong types are fine everywhere and give "absent". Views are valid as long as the value. */
const struct ql_json *ql_json_get(const struct ql_json *object, const char *key);
struct ql_str ql_json_get_text(const struct ql_json *object, const char *key); /* {NULL, 0} if absent or no string */
bool ql_json_get_int(const struct ql_json *object, const char *key, int64_t *value);
bool ql_json_get_number(const struct ql_json *object, const char *key, double *value);
size_t ql_json_length(const struct ql_json *array);
const struct ql_json *ql_json_at(const struct ql_json *array, size_t i);
struct ql_str ql_json_text(const struct ql_json *value);
/** Calls fn for each pair of an object, in order; not at all for what is none. */
void ql_json_each(const struct ql_json *object, void (*fn)(void *ctx, struct ql_str key, const struct ql_json *value),
                  void *ctx);
bool ql_json_is_object(const struct ql_json *value);
bool ql_json_is_array(const struct ql_json *value);

/* Writing: set and add take over the value. Keys keep the order in which they were set. Text that is no UTF-8 is written with
 * U+FFFD. */
struct ql_json *ql_json_new_object(void);
struct ql_json *ql_json_new_array(void);
struct ql_json *ql_json_new_text(struct ql_str text);
struct ql_json *ql_json_new_int(int64_t value);
struct ql_json *ql_json_new_number(double value); /* NaN and infinities become null */
struct ql_json *ql_json_new_bool(bool value);
struct ql_json *ql_json_new_null(void);
/** ISO 8601 in UTC; null for QL_TIME_NONE. */
struct ql_json *ql_json_new_time(int64_t us);
void ql_json_set(struct ql_json *object, const char *key, struct ql_json *value);
void ql_json_add(struct ql_json *array, struct ql_json *value);
void ql_json_write(const struct ql_json *json, bool is_pretty, struct ql_buf *out);
/** "jansson 2.14", for `version`. */
void ql_json_versions(struct ql_buf *out);

#endif
