/**
 * What base/unicode.c wants to be compiled with. Only the folding of column names calls it, which csv does not use; so all of
 * it ends the program.
 */
#ifndef QL_TESTS_ARM64_UTF8PROC_H
#define QL_TESTS_ARM64_UTF8PROC_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef int32_t utf8proc_int32_t;
typedef uint8_t utf8proc_uint8_t;
typedef ptrdiff_t utf8proc_ssize_t;
typedef enum { UTF8PROC_DECOMPOSE, UTF8PROC_COMPAT } utf8proc_option_t;
typedef enum {
    UTF8PROC_CATEGORY_LU,
    UTF8PROC_CATEGORY_MN,
    UTF8PROC_CATEGORY_MC,
    UTF8PROC_CATEGORY_ME,
    UTF8PROC_CATEGORY_NO,
} utf8proc_category_t;

static inline utf8proc_category_t utf8proc_category(utf8proc_int32_t c) {
    (void)c;
    abort();
}

static inline utf8proc_ssize_t utf8proc_iterate(const utf8proc_uint8_t *s, utf8proc_ssize_t len, utf8proc_int32_t *c) {
    (void)s, (void)len, (void)c;
    abort();
}

static inline utf8proc_ssize_t utf8proc_decompose_char(utf8proc_int32_t c, utf8proc_int32_t *parts, utf8proc_ssize_t n,
                                                       utf8proc_option_t options, int *boundary) {
    (void)c, (void)parts, (void)n, (void)options, (void)boundary;
    abort();
}

#endif
