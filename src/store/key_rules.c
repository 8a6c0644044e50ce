/**
 * What a key may be: what S3 takes, and what somebody on Windows can copy to a disk.
 *
 * Sources: S3, "Naming Amazon S3 objects"; Windows, "Naming Files, Paths, and Namespaces". Both are applied to keys and to
 * paths alike, because a folder is synced to a bucket and a bucket to a folder; lengths differ.
 */
#include "store/key_template.h"

enum {
    MAX_KEY_BYTES = 1024,
    MAX_NAME_BYTES = 255 /* of Linux's file systems; Windows counts UTF-16 units, which are no more */
};

/* CON, PRN, AUX, NUL, COM1, LPT1, ..., CONIN$, CONOUT$; with an ending too: "nul.parquet" is the device. */
static bool is_device_of_windows(struct ql_str name) {
    static const char *const DEVICES[] = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
    static const char *const PORTS[] = {"COM", "LPT"};
    static const char *const NUMBERS[] = {"\xc2\xb9", "\xc2\xb2", "\xc2\xb3"}; /* superscripts count */
    struct ql_str rest;
    struct ql_str stem = ql_str_split(name, '.', &rest);
    while (stem.len != 0 && stem.ptr[stem.len - 1] == ' ') {
        stem.len--;
    }
    for (size_t i = 0; i < sizeof DEVICES / sizeof DEVICES[0]; i++) {
        if (ql_str_eq_nocase(stem, ql_str_from(DEVICES[i]))) {
            return true;
        }
    }
    if (stem.len < 4) {
        return false;
    }
    struct ql_str port = {.ptr = stem.ptr, .len = 3};
    struct ql_str number = {.ptr = stem.ptr + 3, .len = stem.len - 3};
    bool is_number = number.len == 1 && number.ptr[0] >= '0' && number.ptr[0] <= '9';
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        is_number = is_number || ql_str_eq(number, ql_str_from(NUMBERS[i]));
    }
    return is_number && (ql_str_eq_nocase(port, ql_str_from(PORTS[0])) || ql_str_eq_nocase(port, ql_str_from(PORTS[1])));
}

static const char *find_character(struct ql_str key, bool is_portable, size_t *at) {
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.ptr[i];
        bool is_c1 = c == 0xc2 && (unsigned char)key.ptr[i + 1] < 0xa0; /* U+0080 to U+009F; valid UTF-8 goes on behind 0xc2 */
        *at = i;
        if (c < 0x20 || c == 0x7f || is_c1) {
            return "contains a control character";
        }
        if (is_portable && strchr("<>:\"|?*\\", c) != NULL) {
            return "has one of < > : \" | ? * \\, which Windows does not take";
        }
    }
    return NULL;
}

/* A part between two '/'. */
static const char *name_fault(struct ql_str name, bool is_portable, bool is_file) {
    if (ql_str_eq(name, QL_STR(".")) || ql_str_eq(name, QL_STR(".."))) {
        return "has '.' or '..' as a part";
    }
    if (!is_portable) {
        return NULL;
    }
    if (name.ptr[name.len - 1] == '.' || name.ptr[name.len - 1] == ' ') {
        return "has a part that ends in '.' or in a space, which Windows cuts off";
    }
    if (is_device_of_windows(name)) {
        return "has a part that is a device's name on Windows, such as CON or NUL";
    }
    if (is_file && name.len > MAX_NAME_BYTES) {
        return "has a part of more than 255 bytes";
    }
    return NULL;
}

static const char *find_fault(struct ql_str key, bool is_portable, bool is_file, size_t *at) {
    *at = 0;
    if (key.len == 0) {
        return "is empty";
    }
    if (!ql_utf8_is_valid(key)) {
        *at = ql_utf8_valid_len(key);
        return "is not valid UTF-8";
    }
    const char *fault = find_character(key, is_portable, at);
    if (fault != NULL) {
        return fault;
    }
    *at = 0;
    if (key.ptr[0] == '/') {
        return "begins with '/'";
    }
    struct ql_str rest = key;
    while (rest.ptr != NULL) {
        struct ql_str name = ql_str_split(rest, '/', &rest);
        *at = (size_t)(name.ptr - key.ptr);
        if (name.len == 0) {
            return rest.ptr == NULL ? "ends with '/'" : "has an empty part between two '/'";
        }
        fault = name_fault(name, is_portable, is_file);
        if (fault != NULL) {
            return fault;
        }
    }
    *at = MAX_KEY_BYTES;
    return !is_file && key.len > MAX_KEY_BYTES ? "is longer than 1024 bytes" : NULL;
}

const char *ql_key_find_fault(struct ql_str key, bool is_file, size_t *at) {
    return find_fault(key, true, is_file, at);
}

const char *ql_key_fault(struct ql_str key) {
    size_t at;
    return find_fault(key, false, false, &at);
}

void ql_key_warn(struct ql_str template, struct ql_buf *out) {
    for (size_t at = 0; at < template.len;) {
        struct ql_key_piece piece;
        if (ql_key_next(template, &at, &piece, NULL) != QL_OK) {
            return; /* and rendering it says why */
        }
        for (size_t i = 0; i < piece.literal.len; i++) {
            unsigned char c = (unsigned char)piece.literal.ptr[i];
            bool is_first_of_many = c >= 0xc0; /* of a character that is not ASCII */
            if (is_first_of_many || (c != 0 && c < 0x80 && strchr("^%`[]~#{}", c) != NULL)) {
                size_t len = 1;
                while (i + len < piece.literal.len && ((unsigned char)piece.literal.ptr[i + len] & 0xc0) == 0x80) {
                    len++;
                }
                ql_buf_printf(out, "%s'%.*s' (character %zu)", out->len != 0 ? ", " : "", (int)len, piece.literal.ptr + i,
                              ql_key_character(template, piece.at + i));
            }
        }
    }
}
