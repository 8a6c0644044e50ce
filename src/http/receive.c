/*
 * An answer as it arrives: header lines into response.headers, then the body to the caller's stream or into memory. Every limit
 * is looked at before the bytes are kept, and a declared length before the first byte.
 *
 * Of several header blocks (100 Continue before the real one) the last counts. Trailers behind a chunked body count against the
 * limit and are otherwise ignored.
 */
#include "http/http_internal.h"

#include "base/mem.h"
#include "base/time.h"

#include <stdarg.h>
#include <stdio.h>

enum ql_status ql_transfer_end(struct ql_transfer *transfer, enum ql_status status, const char *fmt, ...) {
    char message[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    transfer->ended_by = status;
    return QL_FAIL(&transfer->ended_err, status, "%s", message);
}

/* ---- headers */

static void put_lower(struct ql_buf *out, struct ql_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        ql_buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
}

static void keep_header(struct ql_transfer *transfer, struct ql_str line) {
    struct ql_buf *storage = &transfer->response->storage;
    bool is_continued = line.len != 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
    struct ql_str value;
    struct ql_str name = ql_str_split(line, ':', &value);
    if (is_continued && transfer->n_spans != 0) { /* obsolete folding: one header on two lines */
        struct ql_header_span *last = &transfer->spans[transfer->n_spans - 1];
        ql_buf_putc(storage, ' ');
        ql_buf_put_str(storage, ql_str_trim(line));
        last->value_len = storage->len - last->value;
        return;
    }
    if (value.ptr == NULL) {
        return;
    }
    name = ql_str_trim(name);
    value = ql_str_trim(value);
    QL_MEM_GROW(transfer->spans, transfer->cap_spans, transfer->n_spans + 1);
    struct ql_header_span *span = &transfer->spans[transfer->n_spans++];
    *span = (struct ql_header_span){
        .name = storage->len, .name_len = name.len, .value = storage->len + name.len, .value_len = value.len};
    put_lower(storage, name);
    ql_buf_put_str(storage, value);
}

static void publish_headers(struct ql_transfer *transfer) {
    struct ql_http_response *response = transfer->response;
    response->headers = ql_mem_realloc(response->headers, transfer->n_spans, sizeof *response->headers);
    response->n_headers = transfer->n_spans;
    for (size_t i = 0; i < transfer->n_spans; i++) {
        const struct ql_header_span *span = &transfer->spans[i];
        const char *text = ql_buf_text(&response->storage);
        response->headers[i] = (struct ql_http_header){.name = {text + span->name, span->name_len},
                                                       .value = {text + span->value, span->value_len}};
    }
}

/* RFC 9112, 6.3: two lengths that differ, or one that is no number, make the end of the body a matter of opinion. */
static enum ql_status read_framing(struct ql_transfer *transfer) {
    struct ql_http_response *response = transfer->response;
    const char *host = transfer->url->authority;
    response->content_length = -1;
    for (size_t i = 0; i < response->n_headers; i++) {
        const struct ql_http_header *header = &response->headers[i];
        if (ql_str_eq(header->name, QL_STR("content-length"))) {
            int64_t length;
            bool is_number = header->value.len != 0 && header->value.ptr[0] >= '0' && header->value.ptr[0] <= '9';
            if (!is_number || !ql_str_to_i64(header->value, &length) ||
                (response->content_length >= 0 && response->content_length != length)) {
                return ql_transfer_end(transfer, QL_E_PROTOCOL, "the answer of '%s' has two lengths, or one that is no number",
                                       host);
            }
            response->content_length = length;
        } else if (ql_str_eq(header->name, QL_STR("transfer-encoding"))) {
            response->is_chunked = response->is_chunked || ql_str_eq_nocase(header->value, QL_STR("chunked"));
            if (!ql_str_eq_nocase(header->value, QL_STR("chunked")) && !ql_str_eq_nocase(header->value, QL_STR("identity"))) {
                return ql_transfer_end(transfer, QL_E_PROTOCOL,
                                       "the answer of '%s' has a transfer encoding that was not asked for", host);
            }
        }
    }
    response->content_length = response->is_chunked ? -1 : response->content_length;
    bool has_body = strcmp(transfer->request->method, "HEAD") != 0 && response->status != 204 && response->status != 304;
    response->is_unsized = has_body && !response->is_chunked && response->content_length < 0;
    return QL_OK;
}

static enum ql_status end_at_limit(struct ql_transfer *transfer, const char *what, int64_t limit, const char *flag) {
    enum ql_status status = ql_transfer_end(transfer, QL_E_LIMIT, "%s of '%s' is larger than %lld bytes", what,
                                            transfer->url->authority, (long long)limit);
    ql_err_hint(&transfer->ended_err, "raise %s if the data are right", flag);
    return status;
}

static enum ql_status check_body_size(struct ql_transfer *transfer, int64_t size) {
    const struct ql_http_options *options = &transfer->http->options;
    if (transfer->is_streaming) {
        return size > options->max_stream_bytes
                   ? end_at_limit(transfer, "the download", options->max_stream_bytes, "--max-download-bytes")
                   : QL_OK;
    }
    return size > (int64_t)options->max_body_bytes
               ? end_at_limit(transfer, "the answer", (int64_t)options->max_body_bytes, "--max-body-bytes")
               : QL_OK;
}

static enum ql_status end_of_headers(struct ql_transfer *transfer) {
    struct ql_http_response *response = transfer->response;
    const struct ql_http_request *request = transfer->request;
    transfer->has_headers = true;
    publish_headers(transfer);
    struct ql_str retry_after = ql_http_response_get(response, "retry-after");
    response->retry_after_ms =
        retry_after.ptr != NULL ? ql_retry_after_parse(retry_after, ql_http_response_get(response, "date"), ql_time_now()) : -1;
    QL_TRY(read_framing(transfer));
    bool is_success = response->status >= 200 && response->status < 300;
    transfer->is_streaming = is_success && request->on_body != NULL;
    if (is_success && strcmp(request->method, "HEAD") != 0) {
        QL_TRY(check_body_size(transfer, response->content_length));
    }
    if (transfer->is_streaming && request->on_headers != NULL) {
        transfer->has_delivered = true;
        enum ql_status status = request->on_headers(request->stream_ctx, response, &transfer->ended_err);
        transfer->ended_by = status;
        return status;
    }
    return QL_OK;
}

static void begin_headers(struct ql_transfer *transfer) {
    transfer->n_spans = 0;
    ql_buf_reset(&transfer->response->storage);
    long status = 0;
    (void)transfer->http->curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->response->status = status;
}

size_t ql_receive_header(char *line, size_t size, size_t n, void *ctx) {
    struct ql_transfer *transfer = ctx;
    size_t len = size * n;
    struct ql_str text = ql_str_trim((struct ql_str){line, len});
    transfer->header_bytes += len;
    if (transfer->header_bytes > transfer->http->options.max_header_bytes) {
        (void)end_at_limit(transfer, "the header", (int64_t)transfer->http->options.max_header_bytes, "--max-header-bytes");
        return 0;
    }
    if (transfer->has_headers) {
        return len; /* a trailer */
    }
    if (ql_str_has_prefix(text, "HTTP/")) {
        begin_headers(transfer);
    } else if (text.len == 0) {
        bool is_final = transfer->response->status >= 200;
        return is_final && end_of_headers(transfer) != QL_OK ? 0 : len;
    } else {
        keep_header(transfer, (struct ql_str){line, len});
    }
    return len;
}

/* ---- body */

static size_t keep_error_body(struct ql_transfer *transfer, const char *ptr, size_t len) {
    struct ql_buf *body = &transfer->response->body;
    size_t room = QL_HTTP_ERROR_BODY_BYTES - body->len;
    ql_buf_put(body, ptr, len < room ? len : room);
    transfer->is_body_cut = len > room;
    return transfer->is_body_cut ? 0 : len; /* 0 ends the exchange: nobody needs the rest */
}

size_t ql_receive_body(char *ptr, size_t size, size_t n, void *ctx) {
    struct ql_transfer *transfer = ctx;
    size_t len = size * n;
    bool is_success = transfer->response->status >= 200 && transfer->response->status < 300;
    if (!is_success) {
        return keep_error_body(transfer, ptr, len);
    }
    transfer->body_bytes += (int64_t)len;
    if (check_body_size(transfer, transfer->body_bytes) != QL_OK) {
        return 0;
    }
    if (!transfer->is_streaming) {
        ql_buf_put(&transfer->response->body, ptr, len);
        return len;
    }
    if (!transfer->request->is_cleanup && ql_http_is_cancelled(transfer->http)) {
        (void)ql_transfer_end(transfer, QL_E_CANCELLED, "stopped by a signal");
        return 0;
    }
    transfer->has_delivered = true;
    const struct ql_http_request *request = transfer->request;
    transfer->ended_by = request->on_body(request->stream_ctx, ptr, len, &transfer->ended_err);
    return transfer->ended_by == QL_OK ? len : 0;
}
