/**
 * Where an object of a bucket is: URL, host and signed path, made once from one encoding so that they cannot differ.
 *
 * AWS itself is addressed as bucket.s3.region.amazonaws.com; a bucket with dots in its name as s3.region.amazonaws.com/bucket,
 * because the wildcard certificate covers one label only. Any other server is addressed in path style, which nearly all of them
 * know. Hosts of AWS are built by the rules of its endpoints ("Amazon S3 endpoints and quotas"; STS likewise).
 */
#include "store/store_internal.h"

struct ql_str ql_s3_region(const struct ql_s3_options *options) {
    const char *usual = ql_s3_quirks_of(options->endpoint)->region;
    return options->region.len != 0 ? options->region : ql_str_from(usual != NULL ? usual : "us-east-1");
}

static bool is_port(struct ql_str text) {
    int64_t port = 0;
    return text.len != 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9' && ql_str_to_i64(text, &port) && port >= 1 &&
           port <= 65535;
}

/* host, host:port, [IPv6] or [IPv6]:port; the characters of a host name only, so that nothing can be smuggled into a header. */
static bool is_authority(struct ql_str text) {
    struct ql_str port = {0};
    struct ql_str host;
    const char *set = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    if (text.len != 0 && text.ptr[0] == '[') {
        const char *close = memchr(text.ptr, ']', text.len);
        if (close == NULL) {
            return false;
        }
        host = (struct ql_str){.ptr = text.ptr + 1, .len = (size_t)(close - text.ptr) - 1};
        port = (struct ql_str){.ptr = close + 1, .len = text.len - host.len - 2};
        set = "0123456789abcdefABCDEF:.";
        if (port.len != 0 && port.ptr[0] != ':') {
            return false;
        }
        port = port.len != 0 ? (struct ql_str){.ptr = port.ptr + 1, .len = port.len - 1} : (struct ql_str){0};
    } else {
        host = ql_str_split(text, ':', &port);
    }
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == '\0' || strchr(set, host.ptr[i]) == NULL) {
            return false;
        }
    }
    return host.len != 0 && (port.ptr == NULL || is_port(port));
}

/* [::1] and 127.0.0.1; 127.example.com is a name like any other. */
static bool is_address(struct ql_str authority) {
    struct ql_str port;
    struct ql_str host = ql_str_split(authority, ':', &port);
    bool is_numeric = true;
    for (size_t i = 0; i < host.len; i++) {
        is_numeric = is_numeric && ((host.ptr[i] >= '0' && host.ptr[i] <= '9') || host.ptr[i] == '.');
    }
    return is_numeric || ql_str_has_prefix(authority, "[");
}

/* As the client judges it before it sends anything; this one only has to say so early. */
static bool is_loopback(struct ql_str authority) {
    struct ql_str port;
    struct ql_str host = ql_str_split(authority, ':', &port);
    return ql_str_eq_nocase(host, QL_STR("localhost")) || ql_str_has_suffix(host, ".localhost") ||
           (is_address(authority) && ql_str_has_prefix(host, "127.")) || ql_str_has_prefix(authority, "[::1]");
}

static bool is_path(struct ql_str path) {
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#' || c == '%' || c == '"' || c == '\\') {
            return false;
        }
    }
    return true;
}

bool ql_s3_endpoint_parse(struct ql_str text, struct ql_s3_endpoint *endpoint) {
    static const struct {
        struct ql_str prefix;
        bool is_https;
    } SCHEMES[] = {{{"https://", 8}, true}, {{"http://", 7}, false}};
    *endpoint = (struct ql_s3_endpoint){0};
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
        struct ql_str prefix = SCHEMES[i].prefix;
        if (text.len <= prefix.len || !ql_str_eq_nocase((struct ql_str){.ptr = text.ptr, .len = prefix.len}, prefix)) {
            continue;
        }
        struct ql_str rest = {.ptr = text.ptr + prefix.len, .len = text.len - prefix.len};
        const char *slash = memchr(rest.ptr, '/', rest.len);
        size_t len = slash != NULL ? (size_t)(slash - rest.ptr) : rest.len;
        endpoint->is_https = SCHEMES[i].is_https;
        endpoint->authority = (struct ql_str){.ptr = rest.ptr, .len = len};
        endpoint->is_loopback = is_loopback(endpoint->authority);
        endpoint->is_address = is_address(endpoint->authority);
        endpoint->path = (struct ql_str){.ptr = rest.ptr + len, .len = rest.len - len};
        while (endpoint->path.len != 0 && endpoint->path.ptr[endpoint->path.len - 1] == '/') {
            endpoint->path.len--;
        }
        return is_authority(endpoint->authority) && is_path(endpoint->path);
    }
    return false;
}

/* The Host header has no port where it is the scheme's own; libcurl leaves it out, so the signature must too. */
static struct ql_str host_to_sign(const struct ql_s3_endpoint *endpoint) {
    struct ql_str host = endpoint->authority;
    const char *port = endpoint->is_https ? ":443" : ":80";
    if (ql_str_has_suffix(host, port)) {
        host.len -= strlen(port);
    }
    return host;
}

/* A certificate for *.s3.region.amazonaws.com covers one label, and an address has no names below it. */
static bool is_virtual(const struct ql_s3_options *options, const struct ql_s3_endpoint *endpoint, struct ql_str bucket) {
    bool has_dot = bucket.len != 0 && memchr(bucket.ptr, '.', bucket.len) != NULL;
    switch (options->addressing) {
    case QL_S3_ADDRESSING_VIRTUAL:
        return true;
    case QL_S3_ADDRESSING_PATH:
        return false;
    case QL_S3_ADDRESSING_AUTO:
    default:
        return endpoint != NULL ? (ql_s3_quirks_of(options->endpoint)->features & QL_S3_HAS_PATH_STYLE) == 0 : !has_dot;
    }
}

/* "s3-fips.dualstack.eu-west-1.amazonaws.com" */
static void put_aws_host(const struct ql_s3_options *options, struct ql_str region, struct ql_buf *host) {
    const struct ql_aws_partition *partition = ql_aws_partition_of(region);
    ql_buf_printf(host, "s3%s.%s%.*s.%s", options->uses_fips ? "-fips" : "", options->uses_dual_stack ? "dualstack." : "",
                  QL_STR_ARG(region), partition->domain);
}

static void put_url(struct ql_s3_address *address, bool is_https) {
    ql_buf_puts(&address->url, is_https ? "https://" : "http://");
    ql_buf_put_str(&address->url, ql_buf_view(&address->host));
    ql_buf_put_str(&address->url, ql_buf_view(&address->path));
}

void ql_s3_address_init(struct ql_s3_address *address, const struct ql_s3_options *options, struct ql_str region,
                        struct ql_str bucket, struct ql_str key) {
    *address = (struct ql_s3_address){0};
    struct ql_s3_endpoint parts = {.is_https = true};
    const struct ql_s3_endpoint *endpoint =
        options->endpoint.len != 0 && ql_s3_endpoint_parse(options->endpoint, &parts) ? &parts : NULL;
    bool is_in_host = is_virtual(options, endpoint, bucket);
    if (is_in_host) {
        ql_buf_printf(&address->host, "%.*s.", QL_STR_ARG(bucket));
    }
    if (endpoint != NULL) {
        ql_buf_put_str(&address->host, host_to_sign(endpoint));
        ql_http_encode(endpoint->path, true, &address->path);
    } else {
        put_aws_host(options, region, &address->host);
    }
    if (!is_in_host) {
        ql_buf_putc(&address->path, '/');
        ql_http_encode(bucket, false, &address->path);
    }
    ql_buf_puts(&address->path, is_in_host || key.len != 0 ? "/" : "");
    ql_http_encode(key, true, &address->path);
    put_url(address, parts.is_https);
}

void ql_sts_address_init(struct ql_s3_address *address, const struct ql_s3_options *options, struct ql_str region) {
    *address = (struct ql_s3_address){0};
    struct ql_s3_endpoint parts = {.is_https = true};
    if (options->sts_endpoint.len != 0 && ql_s3_endpoint_parse(options->sts_endpoint, &parts)) {
        ql_buf_put_str(&address->host, host_to_sign(&parts));
        ql_http_encode(parts.path, true, &address->path);
    } else {
        const struct ql_aws_partition *partition = ql_aws_partition_of(region);
        bool is_named_fips = options->uses_fips && (!partition->is_sts_fips || options->uses_dual_stack);
        ql_buf_printf(&address->host, "sts%s.%.*s.%s", is_named_fips ? "-fips" : "", QL_STR_ARG(region),
                      options->uses_dual_stack ? partition->dual_stack_domain : partition->domain);
    }
    ql_buf_putc(&address->path, '/');
    put_url(address, parts.is_https);
}

void ql_s3_address_fini(struct ql_s3_address *address) {
    ql_buf_fini(&address->url);
    ql_buf_fini(&address->host);
    ql_buf_fini(&address->path);
}

void ql_s3_put_origin(const struct ql_s3_options *options, struct ql_str bucket, struct ql_buf *out) {
    struct ql_s3_address address;
    ql_s3_address_init(&address, options, ql_s3_region(options), bucket, (struct ql_str){0});
    ql_buf_put(out, address.url.ptr, address.url.len - address.path.len);
    ql_s3_address_fini(&address);
}
