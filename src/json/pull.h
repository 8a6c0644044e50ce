/**
 * JSON read in one pass, value by value, without building any: for answers that are too large to be held a second time.
 *
 * The caller walks the text as it expects it to be, and what is absent or of another type reads as absent, as with json.h:
 *
 *     enter an object or array -> member or element by member or element, each entered, read or skipped -> ... -> end
 *
 * Every function fails with E_PROTOCOL and the byte where the text is no JSON, or nested too deep. A key that an object has
 * twice is not noticed. Texts are not checked to be UTF-8.
 */
#ifndef QL_JSON_PULL_H
#define QL_JSON_PULL_H

#include "base/err.h"
#include "base/str.h"

struct ql_json_pull {
    struct ql_str text;
    size_t at;
    int depth, max_depth;
    bool is_first; /* the object or array that was entered last has given nothing yet */
    struct ql_buf scratch;
};

/** text is borrowed. */
void ql_json_pull_init(struct ql_json_pull *pull, struct ql_str text, int max_depth);
void ql_json_pull_fini(struct ql_json_pull *pull);

/** Steps into the value that comes next if it is an object (array); skips any other. */
QL_MUST_CHECK enum ql_status ql_json_pull_object(struct ql_json_pull *pull, bool *is_entered, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_json_pull_array(struct ql_json_pull *pull, bool *is_entered, struct ql_err *err);
/** The next member's key in the object that is entered; *has false: it is left. key is valid until the next call. */
QL_MUST_CHECK enum ql_status ql_json_pull_member(struct ql_json_pull *pull, bool *has, struct ql_str *key, struct ql_err *err);
/** Whether there is another element in the array that is entered; *has false: it is left. */
QL_MUST_CHECK enum ql_status ql_json_pull_element(struct ql_json_pull *pull, bool *has, struct ql_err *err);
/** The text that comes next, valid until the next call; any other value is skipped and gives {NULL, 0}. */
QL_MUST_CHECK enum ql_status ql_json_pull_text(struct ql_json_pull *pull, struct ql_str *value, struct ql_err *err);
/** The number that comes next, as it is written; any other value is skipped and gives {NULL, 0}. */
QL_MUST_CHECK enum ql_status ql_json_pull_number(struct ql_json_pull *pull, struct ql_str *value, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_json_pull_skip(struct ql_json_pull *pull, struct ql_err *err);
/** Fails if anything but blanks follows. */
QL_MUST_CHECK enum ql_status ql_json_pull_end(struct ql_json_pull *pull, struct ql_err *err);

#endif
