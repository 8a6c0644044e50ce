/*
 * One pass over JSON text (RFC 8259) that builds nothing. The depth is counted before a bracket is stepped over, and skipping
 * is a loop, so that no text can use up the stack.
 */
#include "json/pull.h"

static enum ql_status fail(const struct ql_json_pull *pull, const char *reason, struct ql_err *err) {
    return QL_FAIL(err, QL_E_PROTOCOL, "no JSON: %s at byte %zu",
                   pull->at >= pull->text.len ? "the text ends too early" : reason, pull->at + 1);
}

static enum ql_status fail_syntax(const struct ql_json_pull *pull, struct ql_err *err) {
    return fail(pull, "the syntax is wrong", err);
}

void ql_json_pull_init(struct ql_json_pull *pull, struct ql_str text, int max_depth) {
    *pull = (struct ql_json_pull){.text = text, .max_depth = max_depth};
}

void ql_json_pull_fini(struct ql_json_pull *pull) {
    ql_buf_fini(&pull->scratch);
}

/* The next character that is no blank, or '\0' at the end. */
static char peek(struct ql_json_pull *pull) {
    while (pull->at < pull->text.len) {
        char c = pull->text.ptr[pull->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            return c;
        }
        pull->at++;
    }
    return '\0';
}

/* ---- texts */

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits at the place, which moves behind them. */
static bool read_hex(struct ql_json_pull *pull, uint32_t *value) {
    *value = 0;
    for (int i = 0; i < 4; i++, pull->at++) {
        int digit = pull->at < pull->text.len ? hex_digit(pull->text.ptr[pull->at]) : -1;
        if (digit < 0) {
            return false;
        }
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

static void put_utf8(struct ql_buf *out, uint32_t c) {
    if (c < 0x80) {
        ql_buf_putc(out, (char)c);
    } else if (c < 0x800) {
        ql_buf_putc(out, (char)(0xc0 | c >> 6));
        ql_buf_putc(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        ql_buf_putc(out, (char)(0xe0 | c >> 12));
        ql_buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
        ql_buf_putc(out, (char)(0x80 | (c & 0x3f)));
    } else {
        ql_buf_putc(out, (char)(0xf0 | c >> 18));
        ql_buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
        ql_buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
        ql_buf_putc(out, (char)(0x80 | (c & 0x3f)));
    }
}

/* Behind "\u": a character, or a pair of surrogates; half of a pair, and NUL, are refused. */
static bool read_unicode(struct ql_json_pull *pull) {
    uint32_t c;
    if (!read_hex(pull, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000)) {
        return false;
    }
    if (c >= 0xd800 && c < 0xdc00) {
        uint32_t low;
        bool has_low =
            pull->text.len - pull->at >= 2 && pull->text.ptr[pull->at] == '\\' && pull->text.ptr[pull->at + 1] == 'u';
        pull->at += has_low ? 2 : 0;
        if (!has_low || !read_hex(pull, &low) || low < 0xdc00 || low >= 0xe000) {
            return false;
        }
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(&pull->scratch, c);
    return true;
}

/* Behind a backslash. */
static bool read_escape(struct ql_json_pull *pull) {
    static const char NAMES[] = "\"\\/bfnrt";
    static const char MEANINGS[] = "\"\\/\b\f\n\r\t";
    char c = pull->at < pull->text.len ? pull->text.ptr[pull->at] : '\0';
    const char *name = c != '\0' ? strchr(NAMES, c) : NULL;
    if (name == NULL && c != 'u') {
        return false;
    }
    pull->at++;
    if (name == NULL) {
        return read_unicode(pull);
    }
    ql_buf_putc(&pull->scratch, MEANINGS[name - NAMES]);
    return true;
}

/* The text at the place. Without escapes it is a view of the input. */
static enum ql_status read_text(struct ql_json_pull *pull, struct ql_str *value, struct ql_err *err) {
    size_t begin = ++pull->at;
    bool is_copy = false;
    ql_buf_reset(&pull->scratch);
    while (pull->at < pull->text.len && pull->text.ptr[pull->at] != '"') {
        char c = pull->text.ptr[pull->at];
        if ((unsigned char)c < 0x20) {
            return fail(pull, "a control character stands in a text", err);
        }
        if (c == '\\') {
            if (!is_copy) {
                ql_buf_put(&pull->scratch, pull->text.ptr + begin, pull->at - begin);
                is_copy = true;
            }
            pull->at++;
            if (!read_escape(pull)) {
                return fail_syntax(pull, err);
            }
        } else {
            if (is_copy) {
                ql_buf_putc(&pull->scratch, c);
            }
            pull->at++;
        }
    }
    if (pull->at >= pull->text.len) {
        return fail_syntax(pull, err);
    }
    *value = is_copy ? ql_buf_view(&pull->scratch) : (struct ql_str){.ptr = pull->text.ptr + begin, .len = pull->at - begin};
    pull->at++;
    return QL_OK;
}

/* ---- numbers and words */

static size_t skip_digits(struct ql_json_pull *pull) {
    size_t begin = pull->at;
    while (pull->at < pull->text.len && pull->text.ptr[pull->at] >= '0' && pull->text.ptr[pull->at] <= '9') {
        pull->at++;
    }
    return pull->at - begin;
}

static bool skip_char(struct ql_json_pull *pull, char a, char b) {
    bool is_there = pull->at < pull->text.len && (pull->text.ptr[pull->at] == a || pull->text.ptr[pull->at] == b);
    pull->at += is_there ? 1 : 0;
    return is_there;
}

static enum ql_status read_number(struct ql_json_pull *pull, struct ql_str *value, struct ql_err *err) {
    size_t begin = pull->at;
    (void)skip_char(pull, '-', '-');
    bool has_zero = pull->at < pull->text.len && pull->text.ptr[pull->at] == '0';
    size_t n_digits = skip_digits(pull);
    bool is_good = n_digits != 0 && !(has_zero && n_digits > 1);
    if (is_good && skip_char(pull, '.', '.')) {
        is_good = skip_digits(pull) != 0;
    }
    if (is_good && skip_char(pull, 'e', 'E')) {
        (void)skip_char(pull, '+', '-');
        is_good = skip_digits(pull) != 0;
    }
    *value = (struct ql_str){.ptr = pull->text.ptr + begin, .len = pull->at - begin};
    return is_good ? QL_OK : fail_syntax(pull, err);
}

static enum ql_status read_word(struct ql_json_pull *pull, struct ql_err *err) {
    static const char *const WORDS[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        size_t len = strlen(WORDS[i]);
        if (pull->text.len - pull->at >= len && memcmp(pull->text.ptr + pull->at, WORDS[i], len) == 0) {
            pull->at += len;
            return QL_OK;
        }
    }
    return fail_syntax(pull, err);
}

static enum ql_status read_scalar(struct ql_json_pull *pull, char first, struct ql_err *err) {
    struct ql_str ignored;
    if (first == '"') {
        return read_text(pull, &ignored, err);
    }
    return first == '-' || (first >= '0' && first <= '9') ? read_number(pull, &ignored, err) : read_word(pull, err);
}

/* ---- structure */

static enum ql_status step_in(struct ql_json_pull *pull, struct ql_err *err) {
    if (pull->depth == pull->max_depth) {
        QL_FAIL(err, QL_E_PROTOCOL, "no acceptable JSON: values are nested deeper than %d at byte %zu", pull->max_depth,
                pull->at + 1);
        ql_err_hint(err, "raise --max-json-depth if the answer is right");
        return QL_E_PROTOCOL;
    }
    pull->depth++;
    pull->at++;
    pull->is_first = true;
    return QL_OK;
}

/* Steps over the comma before a member or element, or out at the closing bracket. */
static enum ql_status step(struct ql_json_pull *pull, char closing, bool *has, struct ql_err *err) {
    char c = peek(pull);
    *has = c != closing;
    if (!*has) {
        pull->at++;
        pull->depth--;
    } else if (!pull->is_first) {
        if (c != ',') {
            return fail_syntax(pull, err);
        }
        pull->at++;
        if (peek(pull) == closing) {
            return fail_syntax(pull, err);
        }
    }
    pull->is_first = false; /* also of the value that this one was in: it has given this one */
    return QL_OK;
}

static enum ql_status step_to_key(struct ql_json_pull *pull, struct ql_str *key, struct ql_err *err) {
    if (peek(pull) != '"') {
        return fail_syntax(pull, err);
    }
    QL_TRY(read_text(pull, key, err));
    if (peek(pull) != ':') {
        return fail_syntax(pull, err);
    }
    pull->at++;
    return QL_OK;
}

enum ql_status ql_json_pull_member(struct ql_json_pull *pull, bool *has, struct ql_str *key, struct ql_err *err) {
    QL_TRY(step(pull, '}', has, err));
    return *has ? step_to_key(pull, key, err) : QL_OK;
}

enum ql_status ql_json_pull_element(struct ql_json_pull *pull, bool *has, struct ql_err *err) {
    return step(pull, ']', has, err);
}

/* Steps over whole values, and what is between them, until it is as deep as it was. `open` has the bracket that closes each
 * level. */
enum ql_status ql_json_pull_skip(struct ql_json_pull *pull, struct ql_err *err) {
    struct ql_buf open = {0};
    enum ql_status status = QL_OK;
    do {
        char c = peek(pull);
        if (c == '{' || c == '[') {
            status = step_in(pull, err);
            ql_buf_putc(&open, c == '{' ? '}' : ']');
        } else {
            status = read_scalar(pull, c, err);
        }
        bool has = false;
        while (status == QL_OK && open.len != 0 && !has) { /* on to the next value, out of what ends here */
            char closing = open.ptr[open.len - 1];
            struct ql_str key;
            status = step(pull, closing, &has, err);
            if (status == QL_OK && has && closing == '}') {
                status = step_to_key(pull, &key, err);
            }
            open.len -= has ? 0 : 1;
        }
    } while (status == QL_OK && open.len != 0);
    ql_buf_fini(&open);
    return status;
}

static enum ql_status enter(struct ql_json_pull *pull, char opening, bool *is_entered, struct ql_err *err) {
    *is_entered = peek(pull) == opening;
    return *is_entered ? step_in(pull, err) : ql_json_pull_skip(pull, err);
}

enum ql_status ql_json_pull_object(struct ql_json_pull *pull, bool *is_entered, struct ql_err *err) {
    return enter(pull, '{', is_entered, err);
}

enum ql_status ql_json_pull_array(struct ql_json_pull *pull, bool *is_entered, struct ql_err *err) {
    return enter(pull, '[', is_entered, err);
}

enum ql_status ql_json_pull_text(struct ql_json_pull *pull, struct ql_str *value, struct ql_err *err) {
    *value = (struct ql_str){0};
    return peek(pull) == '"' ? read_text(pull, value, err) : ql_json_pull_skip(pull, err);
}

enum ql_status ql_json_pull_number(struct ql_json_pull *pull, struct ql_str *value, struct ql_err *err) {
    char c = peek(pull);
    *value = (struct ql_str){0};
    return c == '-' || (c >= '0' && c <= '9') ? read_number(pull, value, err) : ql_json_pull_skip(pull, err);
}

enum ql_status ql_json_pull_end(struct ql_json_pull *pull, struct ql_err *err) {
    (void)peek(pull);
    if (pull->at < pull->text.len) {
        return fail(pull, "something follows the value", err);
    }
    return QL_OK;
}
