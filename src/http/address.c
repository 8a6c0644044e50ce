/*
 * Which addresses are out of bounds for a URL that a server named: loopback, private, link-local (cloud metadata lives there),
 * shared, multicast and reserved ones, and IPv6 forms that carry such an IPv4 address (RFC 6890's registries, RFC 4291, RFC
 * 6052, RFC 3056).
 */
#include "http/http_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>

struct block4 {
    uint32_t base;
    int bits;
    enum ql_address_kind kind;
};

static const struct block4 BLOCKS4[] = {
    {0x7f000000, 8, QL_ADDRESS_LOOPBACK}, /* 127.0.0.0/8 */
    {0x00000000, 8, QL_ADDRESS_PRIVATE},  /* "this network": Linux connects 0.0.0.0 to itself */
    {0x0a000000, 8, QL_ADDRESS_PRIVATE},  /* 10.0.0.0/8 */
    {0x64400000, 10, QL_ADDRESS_PRIVATE}, /* 100.64.0.0/10, shared */
    {0xa9fe0000, 16, QL_ADDRESS_PRIVATE}, /* 169.254.0.0/16, link-local */
    {0xac100000, 12, QL_ADDRESS_PRIVATE}, /* 172.16.0.0/12 */
    {0xc0000000, 24, QL_ADDRESS_PRIVATE}, /* 192.0.0.0/24 */
    {0xc0a80000, 16, QL_ADDRESS_PRIVATE}, /* 192.168.0.0/16 */
    {0xc6120000, 15, QL_ADDRESS_PRIVATE}, /* 198.18.0.0/15, benchmarks */
    {0xe0000000, 3, QL_ADDRESS_PRIVATE},  /* 224.0.0.0/4 multicast and 240.0.0.0/4 reserved */
};

static enum ql_address_kind classify4(uint32_t address) {
    for (size_t i = 0; i < sizeof BLOCKS4 / sizeof BLOCKS4[0]; i++) {
        uint32_t mask = ~UINT32_C(0) << (32 - BLOCKS4[i].bits);
        if ((address & mask) == BLOCKS4[i].base) {
            return BLOCKS4[i].kind;
        }
    }
    return QL_ADDRESS_PUBLIC;
}

static uint32_t read4(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool are_zero(const unsigned char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static enum ql_address_kind classify6(const unsigned char a[16]) {
    static const unsigned char NAT64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const unsigned char NAT64_LOCAL[6] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01};
    if (are_zero(a, 15) && a[15] == 1) {
        return QL_ADDRESS_LOOPBACK;
    }
    if (are_zero(a, 10) && a[10] == 0xff && a[11] == 0xff) { /* ::ffff:0:0/96, IPv4-mapped */
        return classify4(read4(a + 12));
    }
    if (are_zero(a, 12) ||
        memcmp(a, NAT64_LOCAL, sizeof NAT64_LOCAL) == 0) { /* ::, ::/96 (IPv4-compatible, obsolete), 64:ff9b:1::/48 */
        return QL_ADDRESS_PRIVATE;
    }
    if (memcmp(a, NAT64, sizeof NAT64) == 0) { /* 64:ff9b::/96 */
        return classify4(read4(a + 12));
    }
    if (a[0] == 0x20 && a[1] == 0x02) { /* 2002::/16, 6to4 */
        return classify4(read4(a + 2));
    }
    bool is_teredo = a[0] == 0x20 && a[1] == 0x01 && a[2] == 0 && a[3] == 0; /* 2001::/32 hides its IPv4 address by XOR */
    bool is_local =
        (a[0] & 0xfe) == 0xfc || a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0x80) != 0); /* fc00::/7, ff00::/8, fe80::/9 */
    return is_teredo || is_local ? QL_ADDRESS_PRIVATE : QL_ADDRESS_PUBLIC;
}

enum ql_address_kind ql_address_classify(const struct sockaddr *address, size_t len) {
    if (address->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in4;
        memcpy(&in4, address, sizeof in4);
        return classify4(ntohl(in4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        return classify6(in6.sin6_addr.s6_addr);
    }
    return QL_ADDRESS_PRIVATE; /* no family that a public host has */
}

enum ql_address_kind ql_address_classify_text(const char *host) {
    char text[128];
    size_t len = strlen(host);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len >= sizeof text) {
        return QL_ADDRESS_NO_LITERAL;
    }
    memcpy(text, host, len);
    text[len] = '\0';
    text[strcspn(text, "%")] = '\0'; /* a zone id */
    struct in_addr in4;
    struct in6_addr in6;
    if (inet_pton(AF_INET, text, &in4) == 1) {
        return classify4(ntohl(in4.s_addr));
    }
    if (inet_pton(AF_INET6, text, &in6) == 1) {
        return classify6(in6.s6_addr);
    }
    return QL_ADDRESS_NO_LITERAL;
}
