/**
 * Object tags: what S3 takes is checked before the run begins, because a refused tag would throw away a finished artefact.
 *
 * Rules ("Categorizing your storage using tags", and the pattern of S3Tag in the API model): at most 10, keys unique and not
 * beginning with "aws:", key 1 to 128 and value 0 to 256 characters, each a letter, number or space of any script or one of
 * "_.:/=+-@". The request carries them as URL query parameters; a space is "%20", because '+' would be read as a plus by some
 * stores and as a space by others.
 */
#include "store/store_internal.h"

#include "base/category.h"

#include <stdio.h>

enum { MAX_TAGS = 10, MAX_KEY_CHARS = 128, MAX_VALUE_CHARS = 256, MAX_HEADER_BYTES = 7168 /* S3: 8 KB for all headers */ };

static bool is_tag_character(uint32_t code_point) {
    if (code_point < 0x80 && code_point != 0 && strchr("_.:/=+-@", (int)code_point) != NULL) {
        return true;
    }
    return ql_unicode_is_wordlike(code_point);
}

static enum ql_status fail_tag(struct ql_err *err, const struct ql_tag *tag, const char *what, const char *hint) {
    QL_FAIL(err, QL_E_CONFIG, "object tag '%.*s' %s", QL_STR_ARG(tag->key), what);
    ql_err_hint(err, "%s", hint);
    return QL_E_CONFIG;
}

/* Counts the characters of a key or a value. */
static enum ql_status count_characters(const struct ql_tag *tag, struct ql_str text, size_t *count, struct ql_err *err) {
    *count = 0;
    for (size_t at = 0; at < text.len; ++*count) {
        uint32_t code_point = 0;
        size_t len = ql_utf8_next(text, at, &code_point);
        if (len == 0) {
            return fail_tag(err, tag, "is not valid UTF-8", "write the tag in UTF-8");
        }
        if (!is_tag_character(code_point)) {
            char what[96];
            bool is_printable = code_point > 0x20 && code_point < 0x7f;
            (void)snprintf(what, sizeof what,
                           is_printable ? "has the character '%c', which S3 does not take"
                                        : "has the character U+%04X, which S3 does not take",
                           code_point);
            return fail_tag(err, tag, what, "tags are made of letters, numbers, spaces and _ . : / = + - @");
        }
        at += len;
    }
    return QL_OK;
}

static enum ql_status check_tag(const struct ql_tag *tag, struct ql_err *err) {
    size_t key_chars = 0;
    size_t value_chars = 0;
    QL_TRY(count_characters(tag, tag->key, &key_chars, err));
    QL_TRY(count_characters(tag, tag->value, &value_chars, err));
    if (key_chars == 0) {
        return fail_tag(err, tag, "has no key", "write KEY=VALUE");
    }
    if (key_chars > MAX_KEY_CHARS) {
        return fail_tag(err, tag, "has a key of more than 128 characters", "shorten it");
    }
    if (value_chars > MAX_VALUE_CHARS) {
        return fail_tag(err, tag, "has a value of more than 256 characters", "shorten it");
    }
    if (tag->key.len >= 4 && ql_str_eq_nocase((struct ql_str){.ptr = tag->key.ptr, .len = 4}, QL_STR("aws:"))) {
        return fail_tag(err, tag, "begins with 'aws:', which belongs to AWS", "give it another key");
    }
    return QL_OK;
}

enum ql_status ql_tags_check(const struct ql_tag *tags, size_t n_tags, struct ql_err *err) {
    for (size_t i = 0; i < n_tags; i++) {
        QL_TRY(check_tag(&tags[i], err));
        for (size_t j = 0; j < i; j++) {
            if (ql_str_eq(tags[i].key, tags[j].key)) {
                return fail_tag(err, &tags[i], "is given twice",
                                "give each key once; Version, ExportId and Format are set already");
            }
        }
    }
    if (n_tags > MAX_TAGS) {
        QL_FAIL(err, QL_E_CONFIG, "%zu object tags are too many; the last is '%.*s'", n_tags, QL_STR_ARG(tags[n_tags - 1].key));
        ql_err_hint(err, "S3 takes 10 with Version, ExportId and Format among them");
        return QL_E_CONFIG;
    }
    struct ql_buf header = {0};
    ql_tags_header(tags, n_tags, &header);
    size_t header_len = header.len;
    ql_buf_fini(&header);
    if (header_len > MAX_HEADER_BYTES) {
        QL_FAIL(err, QL_E_CONFIG, "the object tags take %zu bytes of the request, more than %d", header_len, MAX_HEADER_BYTES);
        ql_err_hint(err, "shorten their values");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

void ql_tags_header(const struct ql_tag *tags, size_t n_tags, struct ql_buf *out) {
    for (size_t i = 0; i < n_tags; i++) {
        if (i != 0) {
            ql_buf_putc(out, '&');
        }
        ql_http_encode(tags[i].key, false, out);
        ql_buf_putc(out, '=');
        ql_http_encode(tags[i].value, false, out);
    }
}
