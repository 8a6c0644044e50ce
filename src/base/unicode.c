/*
 * UTF-8 by hand, because every byte of an input passes the check and a reader must know where it stops; Unicode's own data
 * (decomposition, categories) from utf8proc, for column names only.
 *
 * Well-formed UTF-8 is that of the Unicode Standard, table 3-7.
 */
#include "base/unicode.h"

#include <utf8proc.h>

/*
 * Length of the well-formed sequence at the front of s (not empty), 0 if there is none. The second byte's bounds shut out
 * overlong forms (E0, F0), surrogates (ED) and what lies beyond U+10FFFF (F4).
 */
static size_t sequence_len(const unsigned char *s, size_t len) {
    unsigned char first = s[0];
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    size_t need = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (len < need || s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < need; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return need;
}

size_t ql_utf8_valid_len(struct ql_str s) {
    const unsigned char *bytes = (const unsigned char *)s.ptr;
    size_t at = 0;
    while (at < s.len) {
        uint64_t eight = 0;
        if (s.len - at >= sizeof eight) { /* names are mostly ASCII */
            memcpy(&eight, bytes + at, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t n = sequence_len(bytes + at, s.len - at);
        if (n == 0) {
            break;
        }
        at += n;
    }
    return at;
}

void ql_utf8_put(struct ql_buf *buf, uint32_t code_point) {
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
        code_point = 0xFFFD;
    }
    char out[4];
    size_t n = 0;
    if (code_point < 0x80) {
        out[n++] = (char)code_point;
    } else if (code_point < 0x800) {
        out[n++] = (char)(0xC0 | code_point >> 6);
    } else if (code_point < 0x10000) {
        out[n++] = (char)(0xE0 | code_point >> 12);
        out[n++] = (char)(0x80 | (code_point >> 6 & 0x3F));
    } else {
        out[n++] = (char)(0xF0 | code_point >> 18);
        out[n++] = (char)(0x80 | (code_point >> 12 & 0x3F));
        out[n++] = (char)(0x80 | (code_point >> 6 & 0x3F));
    }
    if (code_point >= 0x80) {
        out[n++] = (char)(0x80 | (code_point & 0x3F));
    }
    ql_buf_put(buf, out, n);
}

static bool is_mark(utf8proc_category_t category) {
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

/* Unicode's categories L* and N* are contiguous in utf8proc's enumeration, the marks between them. */
static bool is_letter_or_digit(utf8proc_category_t category) {
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO && !is_mark(category);
}

struct safe_name {
    struct ql_buf *out;
    size_t start;      /* where in out the name begins */
    bool wants_joiner; /* others were seen since the last kept character */
    bool has_lost;
};

static void put_decomposed(struct safe_name *name, utf8proc_int32_t c) {
    bool is_upper = c >= 'A' && c <= 'Z';
    if (is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
        if (name->wants_joiner && name->out->len != name->start) {
            ql_buf_putc(name->out, '_');
        }
        name->wants_joiner = false;
        ql_buf_putc(name->out, (char)(is_upper ? c - 'A' + 'a' : c));
        return;
    }
    utf8proc_category_t category = utf8proc_category(c);
    if (!is_mark(category)) {
        name->wants_joiner = true;
        name->has_lost = name->has_lost || is_letter_or_digit(category);
    }
}

bool ql_unicode_safe_name(struct ql_str s, struct ql_buf *out) {
    enum { LONGEST_DECOMPOSITION = 32 }; /* U+FDFA has 18 */
    struct safe_name name = {.out = out, .start = out->len};
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)s.ptr;
    for (size_t at = 0; at < s.len;) {
        utf8proc_int32_t c = 0;
        utf8proc_ssize_t used = utf8proc_iterate(bytes + at, (utf8proc_ssize_t)(s.len - at), &c);
        if (used <= 0) { /* not UTF-8, against the contract: a lost character, so that the name is told apart by its hash */
            name.wants_joiner = name.has_lost = true;
            at++;
            continue;
        }
        at += (size_t)used;
        utf8proc_int32_t parts[LONGEST_DECOMPOSITION];
        int boundary = 0;
        utf8proc_ssize_t n = utf8proc_decompose_char(c, parts, LONGEST_DECOMPOSITION,
                                                     (utf8proc_option_t)(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT), &boundary);
        if (n < 0 || n > LONGEST_DECOMPOSITION) {
            name.wants_joiner = name.has_lost = true;
            continue;
        }
        for (utf8proc_ssize_t i = 0; i < n; i++) {
            put_decomposed(&name, parts[i]);
        }
    }
    return !name.has_lost && out->len != name.start;
}
