/*
 * Every option of a libcurl handle. Each exchange has a new handle (a used one keeps state: 7.88.1 refuses CURLOPT_BUFFERSIZE
 * after a failed look-up even when it was reset); the connections live in the multi handle. Defaults of 7.88.1 that hurt are
 * named beside what replaces them. The callbacks' types stand here, the values go through setopt.c.
 */
#include "http/http_internal.h"

#include "base/mem.h"

#include <unistd.h>

enum {
    TRANSFER_BUFFER_BYTES = 256 * 1024, /* libcurl's 16 KiB would call the transform 16 times as often */
    MAX_CONNECTION_AGE_S = 600          /* certificates are looked at when a connection is made, not when it is used again */
};

/* ---- callbacks that belong to the handle's set-up */

/* libcurl hands over every address that it is about to connect to, after names were resolved. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address) {
    struct ql_transfer *transfer = ctx;
    const struct ql_http_options *options = &transfer->http->options;
    transfer->n_sockets++;
    if (transfer->hop.is_foreign && !transfer->is_proxied && !options->allow_private_redirects &&
        purpose == CURLSOCKTYPE_IPCXN) {
        enum ql_address_kind kind = ql_address_classify(&address->addr, address->addrlen);
        if (kind != QL_ADDRESS_PUBLIC && !(kind == QL_ADDRESS_LOOPBACK && transfer->hop.allows_loopback)) {
            transfer->n_refused_sockets++;
            return CURL_SOCKET_BAD;
        }
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Called when the connection stands and the request is about to leave: from here on the server may have seen it. */
static int before_request(void *ctx, char *server_ip, char *local_ip, int server_port, int local_port) {
    (void)local_ip;
    (void)server_port;
    (void)local_port;
    struct ql_transfer *transfer = ctx;
    if (transfer->hop.is_foreign && !transfer->is_proxied && !transfer->http->options.allow_private_redirects) {
        /* A connection that was opened for our own purposes, and is used again, has passed by open_socket. */
        enum ql_address_kind kind = ql_address_classify_text(server_ip);
        if (kind != QL_ADDRESS_PUBLIC && !(kind == QL_ADDRESS_LOOPBACK && transfer->hop.allows_loopback)) {
            (void)ql_transfer_end(transfer, QL_E_REFUSED_URL, "a server sent us to '%s', which is at a private address",
                                  transfer->url->authority);
            return CURL_PREREQFUNC_ABORT;
        }
    }
    transfer->response->was_sent = true;
    return CURL_PREREQFUNC_OK;
}

static size_t read_body(char *ptr, size_t size, size_t n, void *ctx) {
    struct ql_transfer *transfer = ctx;
    const struct ql_http_body_source *source = transfer->request->source;
    int64_t left = source->size - transfer->read_offset;
    size_t want = size * n;
    want = (int64_t)want < left ? want : (size_t)left;
    size_t got = 0;
    if (want == 0) {
        return 0;
    }
    enum ql_status status = source->read(source->ctx, transfer->read_offset, ptr, want, &got, &transfer->ended_err);
    if (status != QL_OK) {
        transfer->ended_by = status;
        return CURL_READFUNC_ABORT;
    }
    if (got == 0 || got > want) {
        (void)ql_transfer_end(transfer, QL_E_IO, "the body of a request ended %lld bytes too early", (long long)left);
        return CURL_READFUNC_ABORT;
    }
    transfer->read_offset += (int64_t)got;
    return got;
}

/* libcurl begins a body again when a kept-alive connection turns out to be dead. */
static int seek_body(void *ctx, curl_off_t offset, int origin) {
    struct ql_transfer *transfer = ctx;
    if (origin != SEEK_SET || offset < 0 || offset > transfer->request->source->size) {
        return CURL_SEEKFUNC_FAIL;
    }
    transfer->read_offset = offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- groups of options */

static void set_safety(struct ql_setter *set, const struct ql_transfer *transfer) {
    const char *protocols = transfer->url->is_https ? "https" : "http";
    ql_set_text(set, CURLOPT_PROTOCOLS_STR, protocols);
    ql_set_text(set, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
    ql_set_long(set, CURLOPT_FOLLOWLOCATION, 0);
    ql_set_long(set, CURLOPT_MAXREDIRS, 0); /* default: no limit */
    ql_set_long(set, CURLOPT_UNRESTRICTED_AUTH, 0);
    ql_set_long(set, CURLOPT_NETRC, CURL_NETRC_IGNORED); /* CVE-2026-3783: a netrc entry sends the bearer to a second host */
    ql_set_long(set, CURLOPT_DISALLOW_USERNAME_IN_URL, 1);
    ql_set_long(set, CURLOPT_PATH_AS_IS, 1);
    ql_set_long(set, CURLOPT_HTTP09_ALLOWED, 0);
    ql_set_text(set, CURLOPT_ACCEPT_ENCODING, NULL); /* libcurl decodes a cut gzip body without an error */
    ql_set_long(set, CURLOPT_NOSIGNAL, 1);
    ql_set_long(set, CURLOPT_QUICK_EXIT, 1); /* default: waits for a resolver thread that hangs */
    ql_set_long(set, CURLOPT_NOPROGRESS, 1); /* transfer.c looks at signals and the deadline itself, ten times a second */
}

static void set_tls(struct ql_setter *set, const struct ql_http_options *options) {
    ql_set_long(set, CURLOPT_SSL_VERIFYPEER, 1);
    ql_set_long(set, CURLOPT_SSL_VERIFYHOST, 2);
    ql_set_long(set, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2); /* at least; Debian 12 sets no lower bound of its own */
    ql_set_long(set, CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (options->ca_file.len != 0) {
        /* Beside the system's folder of CAs, not instead: one run may talk to a private object store and to the public API. */
        ql_set_text(set, CURLOPT_CAINFO, options->ca_file.ptr);
        ql_set_text(set, CURLOPT_PROXY_CAINFO, options->ca_file.ptr);
    }
}

static void set_times(struct ql_setter *set, const struct ql_transfer *transfer) {
    const struct ql_http_options *options = &transfer->http->options;
    const struct ql_http_request *request = transfer->request;
    bool is_stream = request->on_body != NULL || request->source != NULL;
    int64_t timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : is_stream ? 0 : options->request_timeout_ms;
    ql_set_long(set, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms); /* default: 300 s */
    ql_set_long(set, CURLOPT_TIMEOUT_MS, (long)timeout_ms);                         /* default: none */
    int64_t stall_bytes_per_s = request->may_be_silent ? 0 : options->stall_bytes_per_s;
    ql_set_long(set, CURLOPT_LOW_SPEED_LIMIT, (long)stall_bytes_per_s); /* default: none */
    ql_set_long(set, CURLOPT_LOW_SPEED_TIME, (long)((options->stall_ms + 999) / 1000));
}

static void set_connection(struct ql_setter *set, const struct ql_transfer *transfer) {
    const struct ql_http_options *options = &transfer->http->options;
    ql_set_long(set, CURLOPT_HTTP_VERSION,
                CURL_HTTP_VERSION_1_1); /* HTTP/2 of 7.88 loses cut transfers; see its KNOWN_BUGS 17.2, 17.3 */
    /* On a kept-alive connection that the server closes, libcurl sends a POST again by itself, up to five times. */
    enum ql_http_repeat repeat = transfer->request->repeat;
    ql_set_long(set, CURLOPT_FRESH_CONNECT, repeat != QL_HTTP_REPEAT_ALWAYS && repeat != QL_HTTP_REPEAT_BY_CALLER);
    ql_set_long(set, CURLOPT_MAXLIFETIME_CONN, MAX_CONNECTION_AGE_S);
    ql_set_long(set, CURLOPT_TCP_KEEPALIVE, 1);
    ql_set_long(set, CURLOPT_BUFFERSIZE, TRANSFER_BUFFER_BYTES);
    ql_set_long(set, CURLOPT_UPLOAD_BUFFERSIZE, TRANSFER_BUFFER_BYTES);
    ql_set_text(set, CURLOPT_PROXY,
                transfer->is_proxied ? options->proxy.ptr : ""); /* "" keeps it from looking into the environment */
    ql_set_text(set, CURLOPT_NOPROXY, "");
    ql_set_long(set, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
}

static void set_method(struct ql_setter *set, const struct ql_transfer *transfer) {
    const struct ql_http_request *request = transfer->request;
    bool is_post = strcmp(request->method, "POST") == 0;
    if (strcmp(request->method, "HEAD") == 0) {
        ql_set_long(set, CURLOPT_NOBODY, 1);
    } else if (request->source != NULL) {
        ql_set_long(set, CURLOPT_UPLOAD, 1);
        ql_set_text(set, CURLOPT_CUSTOMREQUEST, request->method);
        ql_set_off_t(set, CURLOPT_INFILESIZE_LARGE, request->source->size);
    } else if (request->body.len != 0 || is_post || strcmp(request->method, "PUT") == 0) {
        ql_set_long(set, CURLOPT_POST, 1);
        ql_set_off_t(set, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        ql_set_text(set, CURLOPT_POSTFIELDS, request->body.ptr != NULL ? request->body.ptr : "");
        ql_set_text(set, CURLOPT_CUSTOMREQUEST, is_post ? NULL : request->method);
    } else if (strcmp(request->method, "GET") == 0) {
        ql_set_long(set, CURLOPT_HTTPGET, 1);
    } else {
        ql_set_text(set, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

static void set_callbacks(struct ql_setter *set, struct ql_transfer *transfer) {
    /* In variables of libcurl's own types, because nothing checks what goes through "...". */
    const curl_write_callback on_header = ql_receive_header;
    const curl_write_callback on_body = ql_receive_body;
    const curl_read_callback on_read = read_body;
    const curl_seek_callback on_seek = seek_body;
    const curl_opensocket_callback on_socket = open_socket;
    const curl_prereq_callback on_request = before_request;
    const struct ql_libcurl *curl = set->curl;
    (void)curl->easy_setopt(set->easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl->easy_setopt(set->easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl->easy_setopt(set->easy, CURLOPT_READFUNCTION, on_read);
    (void)curl->easy_setopt(set->easy, CURLOPT_SEEKFUNCTION, on_seek);
    (void)curl->easy_setopt(set->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    (void)curl->easy_setopt(set->easy, CURLOPT_PREREQFUNCTION, on_request);
    ql_set_pointer(set, CURLOPT_HEADERDATA, transfer);
    ql_set_pointer(set, CURLOPT_WRITEDATA, transfer);
    ql_set_pointer(set, CURLOPT_READDATA, transfer);
    ql_set_pointer(set, CURLOPT_SEEKDATA, transfer);
    ql_set_pointer(set, CURLOPT_OPENSOCKETDATA, transfer);
    ql_set_pointer(set, CURLOPT_PREREQDATA, transfer);
    ql_set_pointer(set, CURLOPT_ERRORBUFFER, transfer->words);
}

/* ---- headers */

static bool has_line_break(struct ql_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0') {
            return true;
        }
    }
    return false;
}

static void append_header(struct ql_transfer *transfer, const char *line) {
    struct curl_slist *longer = transfer->http->curl.slist_append(transfer->headers, line);
    transfer->headers = longer != NULL ? longer : transfer->headers;
}

static enum ql_status build_headers(struct ql_transfer *transfer, struct ql_err *err) {
    const struct ql_http_request *request = transfer->request;
    struct ql_buf line = {0};
    bool has_type = false;
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct ql_http_header *header = &request->headers[i];
        if (has_line_break(header->name) || has_line_break(header->value)) {
            ql_buf_fini(&line);
            return QL_FAIL(err, QL_E_CONFIG, "the value of header '%.*s' holds a line break", QL_STR_ARG(header->name));
        }
        if (transfer->hop.is_stripped && !ql_redirect_keeps_header(header->name)) {
            continue;
        }
        has_type = has_type || ql_str_eq_nocase(header->name, QL_STR("content-type"));
        ql_buf_reset(&line);
        ql_buf_put_str(&line, header->name);
        /* libcurl's spelling of a header without value; "Name:" would take the header away. */
        ql_buf_puts(&line, header->value.len != 0 ? ": " : ";");
        ql_buf_put_str(&line, header->value);
        append_header(transfer, ql_buf_text(&line));
    }
    if (!has_type) {
        append_header(transfer, "Content-Type:"); /* else libcurl says that a body is a web form */
    }
    if (line.ptr != NULL) {
        explicit_bzero(line.ptr, line.cap);
    }
    ql_buf_fini(&line);
    return QL_OK;
}

/* ---- all together */

enum ql_status ql_handle_prepare(struct ql_transfer *transfer, struct ql_err *err) {
    struct ql_http *http = transfer->http;
    QL_TRY(build_headers(transfer, err));
    transfer->easy = http->curl.easy_init();
    if (transfer->easy == NULL) {
        return QL_FAIL(err, QL_E_SYSTEM, "libcurl does not start");
    }
    struct ql_setter set = {.curl = &http->curl, .easy = transfer->easy};
    ql_set_text(&set, CURLOPT_URL, transfer->url->text);
    ql_set_text(&set, CURLOPT_USERAGENT, http->options.user_agent.len != 0 ? http->options.user_agent.ptr : "queuelake");
    set_safety(&set, transfer);
    set_tls(&set, &http->options);
    set_times(&set, transfer);
    set_connection(&set, transfer);
    set_method(&set, transfer);
    set_callbacks(&set, transfer);
    ql_set_pointer(&set, CURLOPT_HTTPHEADER, transfer->headers);
    if (set.failure != CURLE_OK) {
        return QL_FAIL(err, QL_E_INTERNAL, "libcurl refuses its option %d: %s", (int)set.option,
                       http->curl.easy_strerror(set.failure));
    }
    return QL_OK;
}

void ql_handle_fini(struct ql_transfer *transfer) {
    const struct ql_libcurl *curl = &transfer->http->curl;
    curl->easy_cleanup(transfer->easy);
    for (struct curl_slist *at = transfer->headers; at != NULL; at = at->next) {
        explicit_bzero(at->data, strlen(at->data)); /* one of them is the bearer */
    }
    curl->slist_free_all(transfer->headers);
    transfer->headers = NULL;
    transfer->easy = NULL;
}
