/** Inside the store: the pieces of a key template, and what a key may be. */
#ifndef QL_STORE_KEY_TEMPLATE_H
#define QL_STORE_KEY_TEMPLATE_H

#include "store/store_internal.h"

#include "base/unicode.h"

/** A piece of a template: literal text, else a placeholder. */
struct ql_key_piece {
    size_t at;                  /* of its first byte in the template */
    struct ql_str literal;      /* ptr NULL: a placeholder */
    struct ql_str placeholder;  /* "start:%Y" */
    struct ql_str name, format; /* "start", "%Y"; format.ptr NULL: none */
};
/** The piece at *at, which must be within the template; *at moves behind it. E_CONFIG for a lone brace. */
QL_MUST_CHECK enum ql_status ql_key_next(struct ql_str template, size_t *at, struct ql_key_piece *piece, struct ql_err *err);
/** The number of the character at a byte, from 1, for messages. */
size_t ql_key_character(struct ql_str template, size_t at);

/** What is wrong with a key, or with a file's path, as the rest of a sentence ("is empty"), and at which byte; NULL: nothing.
 */
const char *ql_key_find_fault(struct ql_str key, bool is_file, size_t *at);

#endif
