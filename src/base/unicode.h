/** UTF-8 checks and the folding behind `--names safe` (utf8proc). */
#ifndef QL_BASE_UNICODE_H
#define QL_BASE_UNICODE_H

#include "base/str.h"

/** Length of the longest valid UTF-8 prefix: equal to s.len if all of s is valid (no surrogates, no overlong forms). */
size_t ql_utf8_valid_len(struct ql_str s);
static inline bool ql_utf8_is_valid(struct ql_str s) {
    return ql_utf8_valid_len(s) == s.len;
}
/** Appends a code point; U+FFFD for what is none. */
void ql_utf8_put(struct ql_buf *buf, uint32_t code_point);

/**
 * Appends the column-name form of a queue's name: lower case, accents folded to ASCII (NFKD, marks dropped), every run of
 * other characters one '_', trimmed of '_'. Returns false if letters or digits were lost that have no such form (ß, ø, other
 * scripts), or nothing is left. s must be valid UTF-8.
 */
bool ql_unicode_safe_name(struct ql_str s, struct ql_buf *out);

#endif
