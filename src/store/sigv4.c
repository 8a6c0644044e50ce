/**
 * Signature Version 4 in its four steps: canonical request, string to sign, signing key, signature.
 *
 * CURLOPT_AWS_SIGV4 of libcurl 7.88.1 signs keys with '=', the pair of SSE-KMS headers and unsorted queries wrongly, which is
 * why this is our own. Nothing is kept between requests, so a repeated attempt with a new date cannot mix with an old one.
 */
#include "store/sigv4.h"

#include "base/mem.h"
#include "base/time.h"
#include "hash/hash.h"

#include <stdio.h>
#include <stdlib.h>

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";

void ql_sigv4_date(int64_t us, char out[QL_SIGV4_DATE_SIZE]) {
    struct ql_civil civil;
    ql_time_to_civil(us, &civil);
    char text[96]; /* room for years that do not exist */
    (void)snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02dZ", civil.year, civil.month, civil.day, civil.hour,
                   civil.minute, civil.second);
    memcpy(out, text, QL_SIGV4_DATE_SIZE - 1);
    out[QL_SIGV4_DATE_SIZE - 1] = '\0';
}

/* A name and a value in the form in which they are sorted and signed; `place` keeps the order of headers of one name. */
struct canonical_pair {
    struct ql_buf name, value;
    size_t place;
};

static int compare_text(const struct ql_buf *a, const struct ql_buf *b) {
    return ql_str_cmp(ql_buf_view(a), ql_buf_view(b));
}

static int compare_query(const void *left, const void *right) {
    const struct canonical_pair *a = left;
    const struct canonical_pair *b = right;
    int by_name = compare_text(&a->name, &b->name);
    return by_name != 0 ? by_name : compare_text(&a->value, &b->value);
}

static int compare_headers(const void *left, const void *right) {
    const struct canonical_pair *a = left;
    const struct canonical_pair *b = right;
    int by_name = compare_text(&a->name, &b->name);
    return by_name != 0 ? by_name : (a->place > b->place) - (a->place < b->place);
}

static void free_pairs(struct canonical_pair *pairs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ql_buf_fini(&pairs[i].name);
        ql_buf_fini(&pairs[i].value);
    }
    ql_mem_free(pairs);
}

void ql_sigv4_query(const struct ql_http_header *query, size_t n_query, struct ql_buf *out) {
    struct canonical_pair *pairs = ql_mem_zalloc(n_query, sizeof *pairs);
    for (size_t i = 0; i < n_query; i++) {
        ql_http_encode(query[i].name, false, &pairs[i].name);
        ql_http_encode(query[i].value, false, &pairs[i].value);
    }
    qsort(pairs, n_query, sizeof *pairs, compare_query);
    for (size_t i = 0; i < n_query; i++) {
        ql_buf_puts(out, i != 0 ? "&" : "");
        ql_buf_put_str(out, ql_buf_view(&pairs[i].name));
        ql_buf_putc(out, '=');
        ql_buf_put_str(out, ql_buf_view(&pairs[i].value));
    }
    free_pairs(pairs, n_query);
}

static void put_lower(struct ql_str text, struct ql_buf *out) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        ql_buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
    }
}

/* Without blanks at the ends, and with one for each run of blanks inside. */
static void put_header_value(struct ql_str value, struct ql_buf *out) {
    value = ql_str_trim(value);
    for (size_t i = 0; i < value.len; i++) {
        bool is_blank = value.ptr[i] == ' ' || value.ptr[i] == '\t';
        bool is_repeated = is_blank && i != 0 && (value.ptr[i - 1] == ' ' || value.ptr[i - 1] == '\t');
        if (!is_repeated) {
            ql_buf_putc(out, is_blank ? ' ' : value.ptr[i]);
        }
    }
}

/* The canonical headers ("name:value\n", those of one name joined by ',') and the list of their names ("a;b"). */
static void put_headers(const struct ql_sigv4_request *request, struct ql_buf *headers, struct ql_buf *names) {
    size_t n = request->n_headers;
    struct canonical_pair *pairs = ql_mem_zalloc(n, sizeof *pairs);
    for (size_t i = 0; i < n; i++) {
        put_lower(request->headers[i].name, &pairs[i].name);
        put_header_value(request->headers[i].value, &pairs[i].value);
        pairs[i].place = i;
    }
    qsort(pairs, n, sizeof *pairs, compare_headers);
    for (size_t i = 0; i < n; i++) {
        bool goes_on = i != 0 && compare_text(&pairs[i - 1].name, &pairs[i].name) == 0;
        if (goes_on) {
            ql_buf_putc(headers, ',');
        } else {
            ql_buf_puts(headers, i != 0 ? "\n" : "");
            ql_buf_put_str(headers, ql_buf_view(&pairs[i].name));
            ql_buf_putc(headers, ':');
            ql_buf_puts(names, i != 0 ? ";" : "");
            ql_buf_put_str(names, ql_buf_view(&pairs[i].name));
        }
        ql_buf_put_str(headers, ql_buf_view(&pairs[i].value));
    }
    ql_buf_puts(headers, n != 0 ? "\n" : "");
    free_pairs(pairs, n);
}

void ql_sigv4_canonical_request(const struct ql_sigv4_request *request, struct ql_buf *out) {
    struct ql_buf names = {0};
    ql_buf_puts(out, request->method);
    ql_buf_putc(out, '\n');
    ql_buf_put_str(out, request->path);
    ql_buf_putc(out, '\n');
    ql_sigv4_query(request->query, request->n_query, out);
    ql_buf_putc(out, '\n');
    put_headers(request, out, &names);
    ql_buf_putc(out, '\n');
    ql_buf_put_str(out, ql_buf_view(&names));
    ql_buf_putc(out, '\n');
    ql_buf_put_str(out, request->payload_sha256);
    ql_buf_fini(&names);
}

/* "20150830/us-east-1/s3/aws4_request" */
static void put_scope(const struct ql_sigv4_credentials *credentials, const char *date, struct ql_buf *out) {
    ql_buf_printf(out, "%.8s/%.*s/%.*s/aws4_request", date, QL_STR_ARG(credentials->region), QL_STR_ARG(credentials->service));
}

static void derive_key(const struct ql_sigv4_credentials *credentials, const char *date, uint8_t key[QL_SHA256_SIZE]) {
    struct ql_buf first = {0};
    ql_buf_puts(&first, "AWS4");
    ql_buf_put_str(&first, credentials->secret_access_key);
    uint8_t next[QL_SHA256_SIZE];
    ql_hmac_sha256(first.ptr, first.len, date, 8, key);
    ql_hmac_sha256(key, QL_SHA256_SIZE, credentials->region.ptr, credentials->region.len, next);
    ql_hmac_sha256(next, QL_SHA256_SIZE, credentials->service.ptr, credentials->service.len, key);
    ql_hmac_sha256(key, QL_SHA256_SIZE, "aws4_request", 12, next);
    memcpy(key, next, QL_SHA256_SIZE);
    explicit_bzero(next, sizeof next);
    explicit_bzero(first.ptr, first.len);
    ql_buf_fini(&first);
}

static void put_string_to_sign(const struct ql_sigv4_credentials *credentials, const struct ql_sigv4_request *request,
                               struct ql_buf *out) {
    struct ql_buf canonical = {0};
    ql_sigv4_canonical_request(request, &canonical);
    uint8_t digest[QL_SHA256_SIZE];
    char hex[QL_SHA256_HEX_SIZE];
    ql_sha256_of(canonical.ptr, canonical.len, digest);
    ql_hex(digest, QL_SHA256_SIZE, hex);
    ql_buf_printf(out, "%s\n%s\n", ALGORITHM, request->date);
    put_scope(credentials, request->date, out);
    ql_buf_printf(out, "\n%s", hex);
    ql_buf_fini(&canonical);
}

void ql_sigv4_authorization(const struct ql_sigv4_credentials *credentials, const struct ql_sigv4_request *request,
                            struct ql_buf *out) {
    struct ql_buf to_sign = {0};
    put_string_to_sign(credentials, request, &to_sign);
    uint8_t key[QL_SHA256_SIZE];
    uint8_t signature[QL_SHA256_SIZE];
    char hex[QL_SHA256_HEX_SIZE];
    derive_key(credentials, request->date, key);
    ql_hmac_sha256(key, sizeof key, to_sign.ptr, to_sign.len, signature);
    ql_hex(signature, sizeof signature, hex);
    struct ql_buf headers = {0};
    struct ql_buf names = {0};
    put_headers(request, &headers, &names);
    ql_buf_printf(out, "%s Credential=%.*s/", ALGORITHM, QL_STR_ARG(credentials->access_key_id));
    put_scope(credentials, request->date, out);
    ql_buf_printf(out, ", SignedHeaders=%s, Signature=%s", ql_buf_text(&names), hex);
    explicit_bzero(key, sizeof key);
    ql_buf_fini(&headers);
    ql_buf_fini(&names);
    ql_buf_fini(&to_sign);
}
