/* Percent-encoding as RFC 3986, section 2, and AWS Signature Version 4 want it: upper-case hex, unreserved characters stay. */
#include "http/http.h"

static bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

void ql_http_encode(struct ql_str text, bool keep_slash, struct ql_buf *out) {
    static const char HEX[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_unreserved(c) || (c == '/' && keep_slash)) {
            ql_buf_putc(out, c);
        } else {
            const char encoded[3] = {'%', HEX[(unsigned char)c >> 4], HEX[(unsigned char)c & 15]};
            ql_buf_put(out, encoded, sizeof encoded);
        }
    }
}
