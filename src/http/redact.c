/*
 * The last gate before a text leaves this room: registered secrets, tokens behind "Bearer" and "Basic", user names and query
 * strings of URLs, and values of parameters whose names say that they are secret, become "***".
 *
 * A query string goes as a whole, because which of its parameters sign it depends on who issued it.
 */
#include "http/http_internal.h"

#include "base/mem.h"

enum { MIN_SECRET = 4 /* a shorter one would black out ordinary words and hide what failed */, MIN_TOKEN = 12 };

static void insert_secret(struct ql_http_shared *shared, struct ql_str secret) {
    for (size_t i = 0; i < shared->n_secrets; i++) {
        if (ql_str_eq(ql_buf_view(&shared->secrets[i]), secret)) {
            return;
        }
    }
    QL_MEM_GROW(shared->secrets, shared->cap_secrets, shared->n_secrets + 1);
    size_t at = shared->n_secrets++;
    for (; at > 0 && shared->secrets[at - 1].len < secret.len; at--) {
        shared->secrets[at] = shared->secrets[at - 1];
    }
    shared->secrets[at] = (struct ql_buf){0};
    ql_buf_put_str(&shared->secrets[at], secret);
}

void ql_http_add_secret(struct ql_http *http, struct ql_str secret) {
    if (secret.len < MIN_SECRET) {
        return;
    }
    struct ql_buf encoded = {0};
    ql_http_encode(secret, false, &encoded);
    (void)pthread_mutex_lock(&http->shared->mutex);
    insert_secret(http->shared, secret);
    insert_secret(http->shared, ql_buf_view(&encoded));
    (void)pthread_mutex_unlock(&http->shared->mutex);
    explicit_bzero(encoded.ptr, encoded.cap);
    ql_buf_fini(&encoded);
}

static bool has_prefix_nocase(struct ql_str s, struct ql_str prefix) {
    return s.len >= prefix.len && ql_str_eq_nocase((struct ql_str){s.ptr, prefix.len}, prefix);
}

static bool is_word(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
static bool ends_value(char c) {
    return c == '\0' || strchr(" \t\r\n\"'<>&;,", c) != NULL;
}
static bool ends_url(char c) {
    return c == '\0' || strchr(" \t\r\n\"'<>", c) != NULL;
}

static size_t value_len(struct ql_str s) {
    size_t n = 0;
    while (n < s.len && !ends_value(s.ptr[n])) {
        n++;
    }
    return n;
}

static size_t skip_blanks(struct ql_str s, size_t n) {
    while (n < s.len && is_blank(s.ptr[n])) {
        n++;
    }
    return n;
}

static struct ql_str from(struct ql_str s, size_t n) {
    return (struct ql_str){s.ptr + n, s.len - n};
}

/* Each match_... looks at the start of s; it appends what replaces the match and returns the length of the match, or returns 0.
 */

static size_t match_secret(const struct ql_http_shared *shared, struct ql_str s, struct ql_buf *out) {
    for (size_t i = 0; i < shared->n_secrets; i++) {
        const struct ql_buf *secret = &shared->secrets[i];
        if (secret->len <= s.len && memcmp(secret->ptr, s.ptr, secret->len) == 0) {
            ql_buf_puts(out, "***");
            return secret->len;
        }
    }
    return 0;
}

static size_t match_scheme(struct ql_str s, struct ql_buf *out) {
    static const struct ql_str WORDS[] = {{"bearer", 6}, {"basic", 5}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (!has_prefix_nocase(s, WORDS[i])) {
            continue;
        }
        size_t start = skip_blanks(s, WORDS[i].len);
        size_t len = start > WORDS[i].len ? value_len(from(s, start)) : 0;
        if (len >= MIN_TOKEN) { /* "bearer token" and "basic authentication" may be said; the last is 14 long */
            bool is_word_of_prose = has_prefix_nocase(from(s, start), QL_STR("authentication")) && len == 14;
            if (!is_word_of_prose) {
                ql_buf_put(out, s.ptr, start);
                ql_buf_puts(out, "***");
                return start + len;
            }
        }
    }
    return 0;
}

/* name=value, name: value, "name": "value" */
static size_t match_parameter(struct ql_str s, struct ql_buf *out) {
    static const struct ql_str NAMES[] = {
        {"x-amz-signature", 15}, {"x-amz-credential", 16}, {"x-amz-security-token", 20}, {"signature", 9},
        {"access_token", 12},    {"refresh_token", 13},    {"client_secret", 13},        {"password", 8},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (!has_prefix_nocase(s, NAMES[i])) {
            continue;
        }
        size_t n = NAMES[i].len;
        n += n < s.len && s.ptr[n] == '"' ? 1u : 0u;
        n = skip_blanks(s, n);
        if (n == s.len || (s.ptr[n] != '=' && s.ptr[n] != ':')) {
            continue;
        }
        n = skip_blanks(s, n + 1);
        n += n < s.len && s.ptr[n] == '"' ? 1u : 0u;
        size_t len = value_len(from(s, n));
        if (len != 0) {
            ql_buf_put(out, s.ptr, n);
            ql_buf_puts(out, "***");
            return n + len;
        }
    }
    return 0;
}

/* At "://": the user goes, and *url_end says up to where a '?' begins a query. */
static size_t match_url(struct ql_str s, struct ql_buf *out, size_t *url_len) {
    if (!ql_str_has_prefix(s, "://")) {
        return 0;
    }
    size_t end = 3;
    size_t user_end = 3;
    bool is_in_authority = true;
    for (; end < s.len && !ends_url(s.ptr[end]); end++) {
        is_in_authority = is_in_authority && strchr("/?#", s.ptr[end]) == NULL;
        user_end = is_in_authority && s.ptr[end] == '@' ? end + 1 : user_end;
    }
    *url_len = end;
    ql_buf_puts(out, user_end > 3 ? "://***@" : "://");
    return user_end;
}

static void redact_once(const struct ql_http_shared *shared, struct ql_str text, struct ql_buf *out) {
    size_t url_end = 0; /* inside a URL while i is below */
    for (size_t i = 0; i < text.len;) {
        struct ql_str s = from(text, i);
        if (i < url_end && s.ptr[0] == '?') {
            ql_buf_puts(out, "?***");
            i = url_end;
            continue;
        }
        bool begins_word = i == 0 || !is_word(text.ptr[i - 1]);
        size_t url_len = 0;
        size_t n = match_secret(shared, s, out);
        n = n == 0 ? match_url(s, out, &url_len) : n;
        n = n == 0 && begins_word ? match_scheme(s, out) : n;
        n = n == 0 && begins_word ? match_parameter(s, out) : n;
        if (n == 0) {
            ql_buf_putc(out, s.ptr[0]);
            n = 1;
        }
        url_end = url_len != 0 ? i + url_len : url_end;
        i += n;
    }
}

void ql_http_redact(const struct ql_http *http, struct ql_buf *text) {
    struct ql_buf clean = {0};
    (void)pthread_mutex_lock(&http->shared->mutex);
    redact_once(http->shared, ql_buf_view(text), &clean);
    (void)pthread_mutex_unlock(&http->shared->mutex);
    if (text->ptr != NULL) {
        explicit_bzero(text->ptr, text->len);
    }
    ql_buf_fini(text);
    *text = clean;
}

static void redact_array(const struct ql_http *http, char *text, size_t size) {
    struct ql_buf buf = {0};
    ql_buf_puts(&buf, text);
    ql_http_redact(http, &buf);
    size_t len = buf.len < size ? buf.len : size - 1;
    memcpy(text, ql_buf_text(&buf), len);
    memset(text + len, 0, size - len);
    ql_buf_fini(&buf);
}

void ql_http_redact_err(const struct ql_http *http, struct ql_err *err) {
    if (err != NULL && err->status != QL_OK) {
        redact_array(http, err->message, sizeof err->message);
        redact_array(http, err->hint, sizeof err->hint);
        redact_array(http, err->request_id, sizeof err->request_id);
    }
}
