/**
 * Splits an expression into tokens, one at a time, and shows where an error is. Only ASCII is part of the language; another
 * character is named by its code point, because what looks like a minus sign may be U+2212 out of a document.
 */
#include "kpi/expr_lex.h"

#include "base/mem.h"
#include "kpi/expr.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
static bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0u) == 0x80u;
}

/* A window of the text on one line, with the caret's line below it. */
static void put_excerpt(struct ql_str text, size_t at, struct ql_buf *out) {
    enum { BEFORE = 60, AFTER = 40 };
    size_t begin = at > BEFORE ? at - BEFORE : 0;
    size_t end = text.len - at > AFTER ? at + AFTER : text.len;
    size_t caret = 0;
    ql_buf_puts(out, "\n    ");
    size_t line = out->len;
    ql_buf_puts(out, begin != 0 ? "..." : "");
    for (size_t i = begin; i < end; i++) {
        if (i == at) {
            caret = out->len - line;
        }
        if (!is_continuation(text.ptr[i])) { /* one column on the screen for each character */
            ql_buf_putc(out, text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : (is_blank(text.ptr[i]) ? ' ' : '?'));
        }
    }
    caret = at >= end ? out->len - line : caret;
    ql_buf_puts(out, end != text.len ? "..." : "");
    ql_buf_printf(out, "\n    %*s^", (int)caret, "");
}

/* Bytes are characters up to `at`: the first one that is not ASCII is an error itself. */
enum ql_status ql_expr_fail(struct ql_str text, size_t at, struct ql_err *err, const char *fmt, ...) {
    char what[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    struct ql_buf excerpt = {0};
    put_excerpt(text, at, &excerpt);
    enum ql_status status = QL_FAIL(err, QL_E_CONFIG, "%s at character %zu%s", what, at + 1, ql_buf_text(&excerpt));
    ql_buf_fini(&excerpt);
    return status;
}

/* The code point at `at`, leniently: what is not UTF-8 gives the byte itself. */
static unsigned code_point_at(struct ql_str text, size_t at) {
    unsigned char first = (unsigned char)text.ptr[at];
    size_t more = first >= 0xF0 ? 3 : (first >= 0xE0 ? 2 : (first >= 0xC0 ? 1 : 0));
    if (more == 0 || text.len - at <= more) {
        return first;
    }
    unsigned code_point = first & (0x3Fu >> more);
    for (size_t i = 1; i <= more; i++) {
        code_point = code_point << 6 | ((unsigned char)text.ptr[at + i] & 0x3Fu);
    }
    return code_point;
}

static enum ql_status fail_unexpected(struct ql_str text, size_t at, struct ql_err *err) {
    char c = text.ptr[at];
    if (c > ' ' && c <= '~') {
        (void)ql_expr_fail(text, at, err, "unexpected '%c'", c);
    } else if ((unsigned char)c >= 0x80) {
        (void)ql_expr_fail(text, at, err, "unexpected character U+%04X", code_point_at(text, at));
    } else {
        (void)ql_expr_fail(text, at, err, "unexpected byte 0x%02X", (unsigned)(unsigned char)c);
    }
    ql_err_hint(err, "an expression is made of + - * / < <= > >= == != and or not ( ), the functions if, coalesce, round, min, "
                     "max, abs, numbers with a point, and names");
    return QL_E_CONFIG;
}

/* strtod in the C locale, whatever locale a host program has set: 0.5 must not become 0. */
static double number_value(const char *digits) {
    double value = 0;
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", NULL);
    if (c_locale == NULL) {
        return strtod(digits, NULL); /* out of memory for a locale of constants; "C" is what a program has that sets none */
    }
    value = strtod_l(digits, NULL, c_locale);
    freelocale(c_locale);
    return value;
}

/* digits [. digits] [e [+-] digits], or . digits */
static enum ql_status lex_number(struct ql_str text, struct ql_expr_token *token, struct ql_err *err) {
    size_t i = token->at;
    size_t n_digits = 0;
    for (bool has_point = false; i < text.len; i++) {
        if (is_digit(text.ptr[i])) {
            n_digits++;
        } else if (text.ptr[i] == '.' && !has_point) {
            has_point = true;
        } else {
            break;
        }
    }
    if (n_digits == 0) {
        return fail_unexpected(text, token->at, err);
    }
    if (i < text.len && (text.ptr[i] == 'e' || text.ptr[i] == 'E')) {
        size_t j = i + 1;
        j += j < text.len && (text.ptr[j] == '+' || text.ptr[j] == '-');
        if (j == text.len || !is_digit(text.ptr[j])) {
            return ql_expr_fail(text, i, err, "a number's exponent has no digits");
        }
        while (j < text.len && is_digit(text.ptr[j])) {
            j++;
        }
        i = j;
    }
    if (i < text.len && (is_name_start(text.ptr[i]) || text.ptr[i] == '.')) {
        return ql_expr_fail(text, i, err, "unexpected '%c' behind a number", text.ptr[i]);
    }
    token->len = i - token->at;
    char *digits = ql_mem_strndup(text.ptr + token->at, token->len);
    token->number = number_value(digits);
    ql_mem_free(digits);
    if (!isfinite(token->number)) {
        return ql_expr_fail(text, token->at, err, "a number is too large");
    }
    return QL_OK;
}

static void lex_name(struct ql_str text, struct ql_expr_token *token) {
    size_t i = token->at;
    while (i < text.len && (is_name_start(text.ptr[i]) || is_digit(text.ptr[i]))) {
        i++;
    }
    token->len = i - token->at;
    struct ql_str word = {.ptr = text.ptr + token->at, .len = token->len};
    token->kind = ql_str_eq_nocase(word, QL_STR("and"))   ? QL_TOKEN_AND
                  : ql_str_eq_nocase(word, QL_STR("or"))  ? QL_TOKEN_OR
                  : ql_str_eq_nocase(word, QL_STR("not")) ? QL_TOKEN_NOT
                                                          : QL_TOKEN_NAME;
}

static enum ql_status lex_sign(struct ql_str text, struct ql_expr_token *token, struct ql_err *err) {
    static const struct {
        char text[3];
        enum ql_expr_token_kind kind;
    } SIGNS[] = {/* the longer ones first */
                 {"<=", QL_TOKEN_LESS_EQUAL}, {">=", QL_TOKEN_GREATER_EQUAL}, {"==", QL_TOKEN_EQUAL},
                 {"!=", QL_TOKEN_NOT_EQUAL},  {"<>", QL_TOKEN_NOT_EQUAL},     {"<", QL_TOKEN_LESS},
                 {">", QL_TOKEN_GREATER},     {"=", QL_TOKEN_EQUAL},          {"(", QL_TOKEN_OPEN},
                 {")", QL_TOKEN_CLOSE},       {",", QL_TOKEN_COMMA},          {"+", QL_TOKEN_PLUS},
                 {"-", QL_TOKEN_MINUS},       {"*", QL_TOKEN_STAR},           {"/", QL_TOKEN_SLASH}};
    struct ql_str rest = {.ptr = text.ptr + token->at, .len = text.len - token->at};
    for (size_t i = 0; i < sizeof SIGNS / sizeof SIGNS[0]; i++) {
        if (ql_str_has_prefix(rest, SIGNS[i].text)) {
            token->kind = SIGNS[i].kind;
            token->len = strlen(SIGNS[i].text);
            return QL_OK;
        }
    }
    return fail_unexpected(text, token->at, err);
}

enum ql_status ql_expr_next_token(struct ql_str text, size_t at, struct ql_expr_token *token, struct ql_err *err) {
    while (at < text.len && is_blank(text.ptr[at])) {
        at++;
    }
    *token = (struct ql_expr_token){.kind = QL_TOKEN_END, .at = at};
    if (at == text.len) {
        return QL_OK;
    }
    char c = text.ptr[at];
    if (is_digit(c) || c == '.') {
        token->kind = QL_TOKEN_NUMBER;
        return lex_number(text, token, err);
    }
    if (is_name_start(c)) {
        lex_name(text, token);
        return QL_OK;
    }
    return lex_sign(text, token, err);
}
