/**
 * Text: a borrowed view (pointer and length, not NUL-terminated) and a growing buffer that owns its bytes.
 * A view is valid as long as the object it was taken from says; it is passed by value.
 */
#ifndef QL_BASE_STR_H
#define QL_BASE_STR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ql_str {
    const char *ptr;
    size_t len;
};

#define QL_STR(literal) ((struct ql_str){.ptr = (literal), .len = sizeof(literal) - 1})
/* For printf's "%.*s". */
#define QL_STR_ARG(s) ((int)(s).len), ((s).ptr != NULL ? (s).ptr : "")

static inline struct ql_str ql_str_from(const char *text) {
    return (struct ql_str){.ptr = text, .len = text != NULL ? strlen(text) : 0};
}
static inline bool ql_str_eq(struct ql_str a, struct ql_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/** Order by unsigned bytes, a prefix first: the order of UTF-8 names everywhere in queuelake. */
int ql_str_cmp(struct ql_str a, struct ql_str b);
bool ql_str_eq_nocase(struct ql_str a, struct ql_str b); /* ASCII case only */
bool ql_str_has_prefix(struct ql_str s, const char *prefix);
bool ql_str_has_suffix(struct ql_str s, const char *suffix);
/** Without blanks, tabs, CR and LF at both ends. */
struct ql_str ql_str_trim(struct ql_str s);
/** Splits at the first `sep`: the part before is returned, *rest is what follows ({NULL, 0} if there was no sep). */
struct ql_str ql_str_split(struct ql_str s, char sep, struct ql_str *rest);
/** Decimal digits with an optional sign, nothing else; false if it is not one or does not fit. */
bool ql_str_to_i64(struct ql_str s, int64_t *value);
/** The number of single-character edits between two names (ASCII case ignored); used for "did you mean". */
size_t ql_str_distance(struct ql_str a, struct ql_str b);
/** The nearest of n names, or NULL if none is near enough to be worth naming. */
const char *ql_str_nearest(struct ql_str name, const char *const *names, size_t n);

/** Zero-initialise to start. `ptr` is NUL-terminated once anything was put. */
struct ql_buf {
    char *ptr;
    size_t len, cap;
};
void ql_buf_put(struct ql_buf *buf, const void *ptr, size_t len);
void ql_buf_puts(struct ql_buf *buf, const char *text);
void ql_buf_putc(struct ql_buf *buf, char c);
void ql_buf_put_str(struct ql_buf *buf, struct ql_str s);
void ql_buf_printf(struct ql_buf *buf, const char *fmt, ...) QL_PRINTF(2, 3);
/** Room for at least `len` more bytes behind the end; the caller adds to buf->len what it wrote. */
char *ql_buf_reserve(struct ql_buf *buf, size_t len);
static inline struct ql_str ql_buf_view(const struct ql_buf *buf) {
    return (struct ql_str){.ptr = buf->ptr, .len = buf->len};
}
/** The text, never NULL. */
static inline const char *ql_buf_text(const struct ql_buf *buf) {
    return buf->ptr != NULL ? buf->ptr : "";
}
/** The NUL-terminated text; the caller owns it (ql_mem_free); buf is empty afterwards. */
char *ql_buf_take(struct ql_buf *buf);
static inline void ql_buf_reset(struct ql_buf *buf) {
    buf->len = 0;
}
void ql_buf_fini(struct ql_buf *buf);

/** Where bytes go: a store, a file, a test's buffer. */
struct ql_sink {
    enum ql_status (*write)(void *ctx, const void *ptr, size_t len, struct ql_err *err);
    void *ctx;
};

#endif
