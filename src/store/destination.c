/**
 * "-", a path, a file:// URI or an s3:// URI, told apart.
 *
 * Nothing is percent-decoded: a key or a file name is what stands there, as aws s3 cp and most tools take it. A path that
 * merely contains "://" behind a '/' is a path.
 */
#include "store/store.h"

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme_character(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* RFC 3986: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), and "://" behind it. 0: there is none. */
static size_t scheme_len(struct ql_str text) {
    size_t i = 0;
    while (i < text.len && (i == 0 ? is_letter(text.ptr[i]) : is_scheme_character(text.ptr[i]))) {
        i++;
    }
    bool is_scheme = i > 0 && i + 3 <= text.len && memcmp(text.ptr + i, "://", 3) == 0;
    return is_scheme ? i : 0;
}

static enum ql_status parse_s3(struct ql_str rest, struct ql_destination *destination, struct ql_err *err) {
    struct ql_str key;
    struct ql_str bucket = ql_str_split(rest, '/', &key);
    if (bucket.len == 0) {
        QL_FAIL(err, QL_E_USAGE, "the destination 's3://%.*s' names no bucket", QL_STR_ARG(rest));
        ql_err_hint(err, "write s3://bucket/key");
        return QL_E_USAGE;
    }
    if (key.len != 0 && key.ptr[0] == '/') {
        QL_FAIL(err, QL_E_USAGE, "the key of the destination 's3://%.*s' begins with '/'", QL_STR_ARG(rest));
        ql_err_hint(err, "write one '/' between bucket and key");
        return QL_E_USAGE;
    }
    *destination = (struct ql_destination){.kind = QL_STORE_S3, .bucket = bucket, .path = key};
    return QL_OK;
}

/* RFC 8089: file:///path or file://localhost/path. */
static enum ql_status parse_file(struct ql_str rest, struct ql_destination *destination, struct ql_err *err) {
    struct ql_str host = {.ptr = rest.ptr, .len = 0};
    while (host.len < rest.len && rest.ptr[host.len] != '/') {
        host.len++;
    }
    struct ql_str path = {.ptr = rest.ptr + host.len, .len = rest.len - host.len};
    if (path.len == 0 || (host.len != 0 && !ql_str_eq_nocase(host, QL_STR("localhost")))) {
        QL_FAIL(err, QL_E_USAGE, "the destination 'file://%.*s' is no path of this machine", QL_STR_ARG(rest));
        ql_err_hint(err, "write three slashes (file:///folder/name.parquet), or a plain path");
        return QL_E_USAGE;
    }
    *destination = (struct ql_destination){.kind = QL_STORE_FILE, .path = path};
    return QL_OK;
}

enum ql_status ql_destination_parse(struct ql_str text, struct ql_destination *destination, struct ql_err *err) {
    if (text.len == 0) {
        return QL_FAIL(err, QL_E_USAGE, "the destination is empty");
    }
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        return QL_FAIL(err, QL_E_USAGE, "the destination '%.*s' contains a NUL byte", QL_STR_ARG(text));
    }
    if (ql_str_eq(text, QL_STR("-"))) {
        *destination = (struct ql_destination){.kind = QL_STORE_STDOUT};
        return QL_OK;
    }
    struct ql_str scheme = {.ptr = text.ptr, .len = scheme_len(text)};
    if (scheme.len == 0) {
        *destination = (struct ql_destination){.kind = QL_STORE_FILE, .path = text};
        return QL_OK;
    }
    struct ql_str rest = {.ptr = text.ptr + scheme.len + 3, .len = text.len - scheme.len - 3};
    if (ql_str_eq_nocase(scheme, QL_STR("s3"))) {
        return parse_s3(rest, destination, err);
    }
    if (ql_str_eq_nocase(scheme, QL_STR("file"))) {
        return parse_file(rest, destination, err);
    }
    QL_FAIL(err, QL_E_USAGE, "the destination '%.*s' has a scheme that is not known", QL_STR_ARG(text));
    bool is_hadoops = ql_str_eq_nocase(scheme, QL_STR("s3a")) || ql_str_eq_nocase(scheme, QL_STR("s3n"));
    ql_err_hint(err, is_hadoops ? "write s3:// for it"
                                : "write s3://bucket/key, file:///path, a plain path, or - for standard output");
    return QL_E_USAGE;
}
