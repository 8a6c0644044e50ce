/*
 * A URL is judged by the parser that libcurl sends it with, so that no spelling (decimal or hexadecimal addresses, user names,
 * odd escapes) means one host here and another there. libcurl's parser turns numeric hosts into dotted form.
 */
#include "http/http_internal.h"

#include "base/mem.h"

#include <stdio.h>
#include <strings.h>

static char *get_part(const struct ql_url *url, CURLUPart part, unsigned int flags) {
    char *text = NULL;
    if (url->curl->url_get(url->parts, part, &text, flags) != CURLUE_OK) {
        return NULL;
    }
    return text;
}

static void lower(char *text) {
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text = (char)(*text - 'A' + 'a');
        }
    }
}

static bool is_loopback(const char *host) {
    size_t len = strlen(host);
    /* libcurl resolves "localhost" and names below it to loopback without asking anybody (RFC 6761). */
    return strcmp(host, "localhost") == 0 || (len > 10 && strcmp(host + len - 10, ".localhost") == 0) ||
           ql_address_classify_text(host) == QL_ADDRESS_LOOPBACK;
}

static enum ql_status take_apart(struct ql_url *url, struct ql_err *err) {
    const struct ql_libcurl *curl = url->curl;
    (void)curl->url_set(url->parts, CURLUPART_FRAGMENT, NULL, 0);
    url->scheme = get_part(url, CURLUPART_SCHEME, 0);
    if (url->scheme == NULL || (strcasecmp(url->scheme, "https") != 0 && strcasecmp(url->scheme, "http") != 0)) {
        return QL_FAIL(err, QL_E_REFUSED_URL, "an address uses '%.20s', which is neither https nor http",
                       url->scheme != NULL ? url->scheme : "");
    }
    url->text = get_part(url, CURLUPART_URL, 0);
    url->host = get_part(url, CURLUPART_HOST, 0);
    url->port = get_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    if (url->text == NULL || url->host == NULL || url->port == NULL || url->host[0] == '\0') {
        return QL_FAIL(err, QL_E_REFUSED_URL, "an address is no URL of a host");
    }
    lower(url->scheme);
    lower(url->host);
    char *user = get_part(url, CURLUPART_USER, 0);
    char *password = get_part(url, CURLUPART_PASSWORD, 0);
    url->has_user = user != NULL || password != NULL;
    curl->free(user);
    curl->free(password);
    url->is_https = strcmp(url->scheme, "https") == 0;
    url->is_loopback = is_loopback(url->host);
    bool has_own_port = strcmp(url->port, url->is_https ? "443" : "80") == 0;
    (void)snprintf(url->authority, sizeof url->authority, has_own_port ? "%s" : "%s:%s", url->host, url->port);
    return QL_OK;
}

enum ql_status ql_url_parse(const struct ql_libcurl *curl, struct ql_str text, struct ql_url *url, struct ql_err *err) {
    url->curl = curl;
    url->parts = curl->url();
    char *copy = ql_mem_strndup(text.ptr, text.len);
    /* Dot segments stay: a signature covers the path as it was given. */
    CURLUcode code = memchr(copy, '\0', text.len) == NULL
                         ? curl->url_set(url->parts, CURLUPART_URL, copy, CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME)
                         : CURLUE_MALFORMED_INPUT;
    ql_mem_free_secret(copy, text.len);
    if (code != CURLUE_OK) {
        return QL_FAIL(err, QL_E_REFUSED_URL, "an address is no URL: %s", curl->url_strerror(code));
    }
    return take_apart(url, err);
}

enum ql_status ql_url_join(const struct ql_url *base, struct ql_str location, struct ql_url *url, struct ql_err *err) {
    const struct ql_libcurl *curl = base->curl;
    url->curl = curl;
    url->parts = curl->url_dup(base->parts);
    char *copy = ql_mem_strndup(location.ptr, location.len);
    CURLUcode code = curl->url_set(url->parts, CURLUPART_URL, copy, CURLU_NON_SUPPORT_SCHEME);
    ql_mem_free_secret(copy, location.len);
    if (code != CURLUE_OK) {
        return QL_FAIL(err, QL_E_REFUSED_URL, "'%s' redirects to what is no URL: %s", base->authority,
                       curl->url_strerror(code));
    }
    return take_apart(url, err);
}

void ql_url_fini(struct ql_url *url) {
    const struct ql_libcurl *curl = url->curl;
    if (curl == NULL) {
        return;
    }
    curl->url_cleanup(url->parts);
    if (url->text != NULL) {
        explicit_bzero(url->text, strlen(url->text));
    }
    curl->free(url->text);
    curl->free(url->scheme);
    curl->free(url->host);
    curl->free(url->port);
    *url = (struct ql_url){0};
}

bool ql_url_has_origin_of(const struct ql_url *a, const struct ql_url *b) {
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0;
}

/* Of a URL that is only looked at. */
static enum ql_status look_at(struct ql_str text, struct ql_libcurl *curl, struct ql_url *url) {
    QL_TRY(ql_libcurl_load(curl, NULL));
    return ql_url_parse(curl, text, url, NULL);
}

bool ql_http_is_loopback(struct ql_str url) {
    struct ql_libcurl curl;
    struct ql_url parsed = {0};
    bool is_loopback_url = look_at(url, &curl, &parsed) == QL_OK && parsed.is_loopback;
    ql_url_fini(&parsed);
    return is_loopback_url;
}

void ql_http_put_host(struct ql_str url, struct ql_buf *out) {
    struct ql_libcurl curl;
    struct ql_url parsed = {0};
    if (look_at(url, &curl, &parsed) == QL_OK) {
        ql_buf_puts(out, parsed.authority);
    }
    ql_url_fini(&parsed);
}
