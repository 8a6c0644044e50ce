#include "base/category.h"

#include <utf8proc.h>

size_t ql_utf8_next(struct ql_str s, size_t at, uint32_t *code_point) {
    if (at >= s.len) {
        return 0;
    }
    size_t rest = s.len - at;
    utf8proc_int32_t value = -1;
    /* No sequence is longer than 4 bytes, so the length always fits utf8proc's signed type. */
    utf8proc_ssize_t len =
        utf8proc_iterate((const utf8proc_uint8_t *)s.ptr + at, rest < 4 ? (utf8proc_ssize_t)rest : 4, &value);
    if (len <= 0 || value < 0) {
        return 0;
    }
    *code_point = (uint32_t)value;
    return (size_t)len;
}

bool ql_unicode_is_wordlike(uint32_t code_point) {
    if (code_point > 0x10FFFF) {
        return false;
    }
    switch (utf8proc_category((utf8proc_int32_t)code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return true;
    default:
        return false;
    }
}
