/*
 * Text of the other side becomes a value, or a refusal that says where and why in our own words.
 *
 * Jansson's error text quotes the token that it stopped at, and that token may be an access token: only its position and its
 * code are used. Nesting is measured before jansson sees the text, because its own limit (2048) is a constant. RFC 8259;
 * doubled keys are refused because two readers of one text could otherwise understand different things.
 */
#include "json/json_internal.h"

#include "base/mem.h"

/* An allocation that fails ends the process here as everywhere else (base/mem.h), so no constructor below can return NULL for
 * it. */
__attribute__((constructor)) static void use_our_memory(void) {
    json_set_alloc_funcs(ql_mem_alloc, ql_mem_free);
}

struct position {
    size_t line, column; /* counted from 1; column in bytes */
};

/* Brackets outside strings, whatever else is wrong with the text. Returns false at the first bracket that opens a level too
 * many. */
static bool depth_is_within(struct ql_str text, int max_depth, struct position *at) {
    bool is_in_string = false;
    int depth = 0;
    *at = (struct position){.line = 1};
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        at->column++;
        if (is_in_string) {
            if (c == '\\') {
                i++;
                at->column++;
            } else if (c == '"') {
                is_in_string = false;
            }
        } else if (c == '"') {
            is_in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > max_depth) {
                return false;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
        if (c == '\n') {
            *at = (struct position){.line = at->line + 1};
        }
    }
    return true;
}

static const char *reason_of(const json_error_t *error) {
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return "one object has the same key twice";
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "something follows the value";
    case json_error_invalid_utf8:
        return "the text is no valid UTF-8";
    case json_error_stack_overflow:
        return "values are nested too deep";
    case json_error_numeric_overflow:
        return "a number is too large";
    case json_error_null_byte_in_key:
    case json_error_null_character:
        return "a text holds a NUL character";
    case json_error_invalid_syntax:
    case json_error_unknown:
    case json_error_out_of_memory:
    case json_error_cannot_open_file:
    case json_error_invalid_argument:
    case json_error_invalid_format:
    case json_error_wrong_type:
    case json_error_null_value:
    case json_error_item_not_found:
    case json_error_index_out_of_range:
        break;
    }
    return "the syntax is wrong";
}

enum ql_status ql_json_parse(struct ql_str text, int max_depth, struct ql_json **json, struct ql_err *err) {
    *json = NULL;
    struct position at;
    if (!depth_is_within(text, max_depth, &at)) {
        QL_FAIL(err, QL_E_PROTOCOL, "no acceptable JSON: values are nested deeper than %d at line %zu, column %zu", max_depth,
                at.line, at.column);
        ql_err_hint(err, "raise --max-json-depth if the answer is right");
        return QL_E_PROTOCOL;
    }
    json_error_t error;
    json_t *value = json_loadb(text.ptr != NULL ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value == NULL) {
        if (text.len == 0) {
            return QL_FAIL(err, QL_E_PROTOCOL, "no JSON: the text is empty");
        }
        return QL_FAIL(err, QL_E_PROTOCOL, "no JSON: %s at line %d, column %d", reason_of(&error), error.line, error.column);
    }
    *json = ql_json_wrap(value);
    return QL_OK;
}

void ql_json_free(struct ql_json *json) {
    json_decref(ql_json_unwrap(json));
}

void ql_json_versions(struct ql_buf *out) {
    ql_buf_printf(out, "jansson %s", jansson_version_str());
}
