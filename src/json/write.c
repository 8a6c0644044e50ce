/*
 * Building values and writing them as text (RFC 8259, UTF-8).
 *
 * Names of queues and files come from outside: text that is no UTF-8 must not make a summary unwritable, so bad bytes become
 * U+FFFD. Numbers are written with the fewest digits (15, 16 or 17 for the whole document) that read back as the same doubles,
 * because jansson's default of 17 turns 0.1 into 0.10000000000000001.
 */
#include "json/json_internal.h"

#include "base/time.h"
#include "base/unicode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Appends s with every byte that belongs to no valid sequence replaced. */
static void put_as_utf8(struct ql_buf *out, struct ql_str s) {
    while (s.len != 0) {
        size_t valid = ql_utf8_valid_len(s);
        ql_buf_put(out, s.ptr, valid);
        if (valid == s.len) {
            return;
        }
        ql_buf_puts(out, "\xef\xbf\xbd");
        s.ptr += valid + 1;
        s.len -= valid + 1;
    }
}

struct ql_json *ql_json_new_object(void) {
    return ql_json_wrap(json_object());
}
struct ql_json *ql_json_new_array(void) {
    return ql_json_wrap(json_array());
}

struct ql_json *ql_json_new_text(struct ql_str text) {
    struct ql_buf clean = {0};
    put_as_utf8(&clean, text);
    struct ql_json *json = ql_json_wrap(json_stringn_nocheck(ql_buf_text(&clean), clean.len));
    ql_buf_fini(&clean);
    return json;
}

struct ql_json *ql_json_new_int(int64_t value) {
    return ql_json_wrap(json_integer(value));
}
struct ql_json *ql_json_new_number(double value) {
    return isfinite(value) ? ql_json_wrap(json_real(value)) : ql_json_new_null();
}
struct ql_json *ql_json_new_bool(bool value) {
    return ql_json_wrap(json_boolean(value));
}
struct ql_json *ql_json_new_null(void) {
    return ql_json_wrap(json_null());
}

struct ql_json *ql_json_new_time(int64_t us) {
    char text[QL_TIME_TEXT_SIZE];
    return us == QL_TIME_NONE ? ql_json_new_null() : ql_json_new_text((struct ql_str){text, ql_time_format(us, text)});
}

void ql_json_set(struct ql_json *object, const char *key, struct ql_json *value) {
    struct ql_buf clean = {0};
    put_as_utf8(&clean, ql_str_from(key));
    (void)json_object_set_new_nocheck(ql_json_unwrap(object), ql_buf_text(&clean),
                                      ql_json_unwrap(value)); /* frees value if it fails */
    ql_buf_fini(&clean);
}

void ql_json_add(struct ql_json *array, struct ql_json *value) {
    (void)json_array_append_new(ql_json_unwrap(array), ql_json_unwrap(value));
}

static int digits_of(double value) {
    for (int digits = 15; digits < 17; digits++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            return digits;
        }
    }
    return 17;
}

/* The depth of what we build is that of our own code, a handful of levels. */
static int digits_needed(const json_t *json) {
    int most = json_is_real(json) ? digits_of(json_real_value(json)) : 15;
    for (size_t i = 0; json_is_array(json) && i < json_array_size(json); i++) {
        int digits = digits_needed(json_array_get(json, i));
        most = digits > most ? digits : most;
    }
    if (json_is_object(json)) {
        json_t *object = (json_t *)(uintptr_t)json; /* jansson's iterator takes no const; nothing is changed */
        for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
            int digits = digits_needed(json_object_iter_value(at));
            most = digits > most ? digits : most;
        }
    }
    return most;
}

static int put_chunk(const char *text, size_t len, void *out) {
    ql_buf_put(out, text, len);
    return 0;
}

void ql_json_write(const struct ql_json *json, bool is_pretty, struct ql_buf *out) {
    const json_t *value = ql_json_unwrap_const(json);
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION((size_t)digits_needed(value));
    flags |= is_pretty ? (size_t)JSON_INDENT(2) : (size_t)JSON_COMPACT;
    (void)json_dump_callback(value, put_chunk, out, flags);
}
