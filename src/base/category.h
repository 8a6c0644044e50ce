/** Code points one by one, and what kind of character each is (Unicode general categories, by utf8proc). */
#ifndef QL_BASE_CATEGORY_H
#define QL_BASE_CATEGORY_H

#include "base/str.h"

/** The code point at s.ptr[at]; returns its length in bytes, 0 at the end or where s is no valid UTF-8. */
size_t ql_utf8_next(struct ql_str s, size_t at, uint32_t *code_point);
/** Letter, mark, number or separator: categories L, M, N and Z. */
bool ql_unicode_is_wordlike(uint32_t code_point);

#endif
