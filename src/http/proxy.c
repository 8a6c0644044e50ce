/*
 * no_proxy, matched here because libcurl would look into the environment for what it is not told, and because whether a proxy
 * is used decides which address checks mean anything. The forms are those that curl and Go read: host names with all their
 * subdomains, addresses, CIDR blocks, an optional port, "*"; separated by commas or blanks.
 */
#include "http/http_internal.h"

#include <arpa/inet.h>
#include <stdio.h>

/* Network-order bytes of a literal; returns their number, 0 for a name. */
static size_t literal_bytes(struct ql_str text, unsigned char bytes[16]) {
    char copy[64];
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
        text = (struct ql_str){text.ptr + 1, text.len - 2};
    }
    if (text.len == 0 || text.len >= sizeof copy) {
        return 0;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, copy, bytes) == 1 ? 16 : 0;
}

static bool have_equal_bits(const unsigned char *a, const unsigned char *b, size_t bits) {
    size_t whole = bits / 8;
    if (memcmp(a, b, whole) != 0) {
        return false;
    }
    unsigned mask = 0xffu & ~(0xffu >> (bits % 8));
    return bits % 8 == 0 || (a[whole] & mask) == (b[whole] & mask);
}

static bool matches_address(struct ql_str entry, const unsigned char *address, size_t address_len) {
    struct ql_str bits_text;
    struct ql_str base = ql_str_split(entry, '/', &bits_text);
    int64_t bits = (int64_t)address_len * 8;
    if (bits_text.ptr != NULL && (!ql_str_to_i64(bits_text, &bits) || bits < 0 || bits > (int64_t)address_len * 8)) {
        return false;
    }
    unsigned char bytes[16];
    return literal_bytes(base, bytes) == address_len && have_equal_bits(bytes, address, (size_t)bits);
}

static bool matches_name(struct ql_str entry, struct ql_str host) {
    while (entry.len != 0 && (entry.ptr[0] == '.' || entry.ptr[0] == '*')) { /* ".example.com", "*.example.com" */
        entry = (struct ql_str){entry.ptr + 1, entry.len - 1};
    }
    if (entry.len == 0 || entry.len > host.len) {
        return false;
    }
    struct ql_str tail = {host.ptr + host.len - entry.len, entry.len};
    return ql_str_eq_nocase(tail, entry) && (entry.len == host.len || tail.ptr[-1] == '.');
}

/* Takes ":443" off "host:443" and "[::1]:443"; an IPv6 address without brackets has no port. False if the port is another one.
 */
static bool take_port(struct ql_str *entry, const char *port) {
    size_t colon = entry->len;
    for (size_t i = entry->len; i > 0; i--) {
        if (entry->ptr[i - 1] == ':') {
            colon = i - 1;
            break;
        }
    }
    bool is_bare_ipv6 = colon != entry->len && memchr(entry->ptr, ':', colon) != NULL && entry->ptr[colon - 1] != ']';
    if (colon == entry->len || is_bare_ipv6 || memchr(entry->ptr + colon, ']', entry->len - colon) != NULL) {
        return true;
    }
    struct ql_str entry_port = {entry->ptr + colon + 1, entry->len - colon - 1};
    *entry = (struct ql_str){entry->ptr, colon};
    return ql_str_eq(entry_port, ql_str_from(port));
}

bool ql_proxy_is_bypassed(struct ql_str no_proxy, const char *host, const char *port) {
    struct ql_str name = ql_str_from(host);
    unsigned char address[16];
    size_t address_len = literal_bytes(name, address);
    for (size_t i = 0; i < no_proxy.len;) {
        size_t start = i;
        while (i < no_proxy.len && strchr(", \t", no_proxy.ptr[i]) == NULL) {
            i++;
        }
        struct ql_str entry = {no_proxy.ptr + start, i - start};
        i++;
        if (ql_str_eq(entry, QL_STR("*"))) {
            return true;
        }
        if (entry.len == 0 || !take_port(&entry, port)) {
            continue;
        }
        if (address_len != 0 ? matches_address(entry, address, address_len) : matches_name(entry, name)) {
            return true;
        }
    }
    return false;
}
