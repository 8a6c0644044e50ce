#include "base/str.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int ql_str_cmp(struct ql_str a, struct ql_str b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n != 0 ? memcmp(a.ptr, b.ptr, n) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool ql_str_eq_nocase(struct ql_str a, struct ql_str b) {
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool ql_str_has_prefix(struct ql_str s, const char *prefix) {
    size_t n = strlen(prefix);
    return s.len >= n && (n == 0 || memcmp(s.ptr, prefix, n) == 0);
}

bool ql_str_has_suffix(struct ql_str s, const char *suffix) {
    size_t n = strlen(suffix);
    return s.len >= n && (n == 0 || memcmp(s.ptr + s.len - n, suffix, n) == 0);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct ql_str ql_str_trim(struct ql_str s) {
    while (s.len != 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len != 0 && is_blank(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

struct ql_str ql_str_split(struct ql_str s, char sep, struct ql_str *rest) {
    const char *at = s.len != 0 ? memchr(s.ptr, sep, s.len) : NULL;
    if (at == NULL) {
        *rest = (struct ql_str){0};
        return s;
    }
    size_t head = (size_t)(at - s.ptr);
    *rest = (struct ql_str){.ptr = at + 1, .len = s.len - head - 1};
    return (struct ql_str){.ptr = s.ptr, .len = head};
}

bool ql_str_to_i64(struct ql_str s, int64_t *value) {
    bool negative = s.len != 0 && s.ptr[0] == '-';
    size_t i = s.len != 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    if (i == s.len) {
        return false;
    }
    int64_t sum = 0;
    for (; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, s.ptr[i] - '0', &sum)) { /* downwards, so that INT64_MIN fits */
            return false;
        }
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, sum, &sum)) {
        return false;
    }
    *value = sum;
    return true;
}

size_t ql_str_distance(struct ql_str a, struct ql_str b) {
    enum { MAX = 63 };
    if (a.len > MAX || b.len > MAX) {
        return SIZE_MAX;
    }
    size_t row[MAX + 1];
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t substitute = diagonal + (lower(a.ptr[i - 1]) != lower(b.ptr[j - 1]));
            diagonal = row[j];
            size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = best < substitute ? best : substitute;
        }
    }
    return row[b.len];
}

const char *ql_str_nearest(struct ql_str name, const char *const *names, size_t n) {
    const char *best = NULL;
    size_t best_distance = name.len / 3 + 2; /* a third of the letters and one more may differ */
    for (size_t i = 0; i < n; i++) {
        size_t distance = ql_str_distance(name, ql_str_from(names[i]));
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}

char *ql_buf_reserve(struct ql_buf *buf, size_t len) {
    QL_MEM_GROW(buf->ptr, buf->cap, buf->len + len + 1);
    return buf->ptr + buf->len;
}

void ql_buf_put(struct ql_buf *buf, const void *ptr, size_t len) {
    char *end = ql_buf_reserve(buf, len);
    if (len != 0) {
        memcpy(end, ptr, len);
    }
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void ql_buf_puts(struct ql_buf *buf, const char *text) {
    ql_buf_put(buf, text, strlen(text));
}
void ql_buf_putc(struct ql_buf *buf, char c) {
    ql_buf_put(buf, &c, 1);
}
void ql_buf_put_str(struct ql_buf *buf, struct ql_str s) {
    ql_buf_put(buf, s.ptr, s.len);
}

void ql_buf_printf(struct ql_buf *buf, const char *fmt, ...) {
    va_list args;
    va_list again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len > 0) {
        char *end = ql_buf_reserve(buf, (size_t)len);
        (void)vsnprintf(end, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

char *ql_buf_take(struct ql_buf *buf) {
    ql_buf_put(buf, "", 0);
    char *text = buf->ptr;
    *buf = (struct ql_buf){0};
    return text;
}

void ql_buf_fini(struct ql_buf *buf) {
    ql_mem_free(buf->ptr);
    *buf = (struct ql_buf){0};
}
