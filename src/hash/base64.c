/** base64 (RFC 4648, section 4): how headers of S3 carry checksums and KMS's encryption context. */
#include "hash/hash.h"

void ql_base64(const void *ptr, size_t len, struct ql_buf *out) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *bytes = ptr;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= n > 2 ? (uint32_t)bytes[i + 2] : 0;
        ql_buf_putc(out, DIGITS[group >> 18]);
        ql_buf_putc(out, DIGITS[group >> 12 & 63]);
        ql_buf_putc(out, n > 1 ? DIGITS[group >> 6 & 63] : '=');
        ql_buf_putc(out, n > 2 ? DIGITS[group & 63] : '=');
    }
}
