/*
 * A libcurl code becomes one of our errors: what failed at which host, in one sentence, and what to do. The host is named, the
 * path and the query never are.
 */
#include "http/http_internal.h"

#include <errno.h>
#include <stdio.h>

static const char *words_of(const struct ql_transfer *transfer) {
    return transfer->words[0] != '\0' ? transfer->words : transfer->http->curl.easy_strerror(transfer->code);
}

static bool words_have(const struct ql_transfer *transfer, const char *part) {
    return strstr(transfer->words, part) != NULL;
}

static const char *proxy_note(const struct ql_transfer *transfer) {
    return transfer->is_proxied ? " through the proxy" : "";
}

static enum ql_status no_host(const struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err) {
    attempt->is_unresolved = true;
    if (transfer->code == CURLE_COULDNT_RESOLVE_PROXY) {
        QL_FAIL(err, QL_E_NETWORK, "the proxy's host name is not known");
        ql_err_hint(err, "check HTTPS_PROXY and the network");
        return QL_E_NETWORK;
    }
    QL_FAIL(err, QL_E_NETWORK, "the host name '%s' is not known", transfer->url->host);
    ql_err_hint(err,
                "check the name for typing errors, and the network: is there a connection, does DNS work, is a proxy needed "
                "(HTTPS_PROXY)?");
    return QL_E_NETWORK;
}

static enum ql_status no_connection(const struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err) {
    if (transfer->n_refused_sockets != 0 && transfer->n_refused_sockets == transfer->n_sockets) {
        attempt->is_permanent = true;
        QL_FAIL(err, QL_E_REFUSED_URL, "a server sent us to '%s', which is at a private address", transfer->url->authority);
        ql_err_hint(err, "if that is right, say --allow-private-redirects");
        return QL_E_REFUSED_URL;
    }
    long os_error = 0;
    (void)transfer->http->curl.easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_error);
    if (os_error != 0) {
        ql_err_set_errno(err, QL_E_NETWORK, (int)os_error, "cannot connect to '%s'%s", transfer->url->authority,
                         proxy_note(transfer));
    } else {
        QL_FAIL(err, QL_E_NETWORK, "cannot connect to '%s'%s", transfer->url->authority, proxy_note(transfer));
    }
    ql_err_hint(err, "check that the host is up, that its port is right, and whether a proxy is needed (HTTPS_PROXY)");
    return QL_E_NETWORK;
}

static enum ql_status time_out(const struct ql_transfer *transfer, struct ql_err *err) {
    const struct ql_http_options *options = &transfer->http->options;
    const char *host = transfer->url->authority;
    char text[QL_DURATION_TEXT_SIZE];
    if (words_have(transfer, "Resolving timed out")) {
        return QL_FAIL(err, QL_E_TIMEOUT, "the host name '%s' could not be looked up within %s", transfer->url->host,
                       ql_http_duration(options->connect_timeout_ms, text));
    }
    if (words_have(transfer, "Operation too slow")) {
        return QL_FAIL(err, QL_E_TIMEOUT, "'%s' sent or took less than %lld bytes a second for %s", host,
                       (long long)options->stall_bytes_per_s, ql_http_duration(options->stall_ms, text));
    }
    if (!transfer->response->was_sent) {
        return QL_FAIL(err, QL_E_TIMEOUT, "no connection to '%s'%s within %s", host, proxy_note(transfer),
                       ql_http_duration(options->connect_timeout_ms, text));
    }
    int64_t timeout_ms = transfer->request->timeout_ms != 0 ? transfer->request->timeout_ms : options->request_timeout_ms;
    return QL_FAIL(err, QL_E_TIMEOUT, "'%s' did not answer within %s", host, ql_http_duration(timeout_ms, text));
}

static enum ql_status no_trust(const struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err) {
    attempt->is_permanent = true;
    QL_FAIL(err, QL_E_TLS, "no trusted TLS connection to '%s'%s: %.300s", transfer->url->authority, proxy_note(transfer),
            words_of(transfer));
    ql_err_hint(
        err,
        "check the host name; if its certificate, or that of a proxy in between, comes from a CA of your own, name that CA "
        "with --ca-file");
    return QL_E_TLS;
}

static enum ql_status broken(const struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err) {
    long connect_code = 0;
    (void)transfer->http->curl.easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &connect_code);
    if (transfer->is_proxied && connect_code >= 300) {
        attempt->is_permanent = connect_code < 500;
        QL_FAIL(err, QL_E_NETWORK, "the proxy answered %ld when asked for '%s'", connect_code, transfer->url->authority);
        ql_err_hint(err, "check HTTPS_PROXY%s",
                    connect_code == 407 ? ": the proxy wants a user name and password" : " and what the proxy allows");
        return QL_E_NETWORK;
    }
    return QL_FAIL(err, QL_E_NETWORK, "the connection to '%s' broke: %.300s", transfer->url->authority, words_of(transfer));
}

static enum ql_status truncated(const struct ql_transfer *transfer, struct ql_err *err) {
    const struct ql_http_response *response = transfer->response;
    if (response->content_length >= 0) {
        return QL_FAIL(err, QL_E_TRUNCATED, "the answer of '%s' ended after %lld of %lld bytes", transfer->url->authority,
                       (long long)transfer->body_bytes, (long long)response->content_length);
    }
    return QL_FAIL(err, QL_E_TRUNCATED, "the answer of '%s' ended in the middle, after %lld bytes", transfer->url->authority,
                   (long long)transfer->body_bytes);
}

static enum ql_status too_large_header(const struct ql_transfer *transfer, struct ql_err *err) {
    QL_FAIL(err, QL_E_LIMIT, "the header of '%s' is larger than libcurl takes", transfer->url->authority);
    ql_err_hint(err, "libcurl's own limits are 100 KiB for a line and 300 KiB in all, whatever --max-header-bytes says");
    return QL_E_LIMIT;
}

static enum ql_status not_http(const struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err) {
    attempt->is_permanent = true;
    return QL_FAIL(err, QL_E_PROTOCOL, "'%s' does not answer in HTTP/1.1: %.300s", transfer->url->authority,
                   words_of(transfer));
}

/* A handshake that the network cut is worth another try; one that the other side refused is not. */
static bool is_cut_handshake(const struct ql_transfer *transfer) {
    return words_have(transfer, "SSL_ERROR_SYSCALL") || words_have(transfer, "eset by peer") ||
           words_have(transfer, "unexpected eof") || words_have(transfer, "SSL_ERROR_ZERO_RETURN");
}

static enum ql_status explain_code(const struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err) {
    bool is_in_header = transfer->response->was_sent && !transfer->has_headers;
    switch ((int)transfer->code) {
    case CURLE_OK: /* what 7.88.1 says when a connection ends inside the header */
        return QL_FAIL(err, QL_E_NETWORK, "'%s' closed the connection inside the header of its answer",
                       transfer->url->authority);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return no_host(transfer, attempt, err);
    case CURLE_COULDNT_CONNECT:
        return no_connection(transfer, attempt, err);
    case CURLE_OPERATION_TIMEDOUT:
        return time_out(transfer, err);
    case CURLE_SSL_CONNECT_ERROR:
        return is_cut_handshake(transfer) ? broken(transfer, attempt, err) : no_trust(transfer, attempt, err);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return no_trust(transfer, attempt, err);
    case CURLE_PARTIAL_FILE:
        return truncated(transfer, err);
    case CURLE_UNSUPPORTED_PROTOCOL: /* "Received HTTP/0.9 when not allowed" */
    case CURLE_WEIRD_SERVER_REPLY:
        return not_http(transfer, attempt, err);
    case CURLE_OUT_OF_MEMORY: /* what 7.88.1 says of a header line that is too long for it */
        return is_in_header ? too_large_header(transfer, err) : QL_FAIL(err, QL_E_SYSTEM, "libcurl ran out of memory");
    case CURLE_RECV_ERROR:
        return words_have(transfer, "Too large response headers") ? too_large_header(transfer, err)
                                                                  : broken(transfer, attempt, err);
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_PROXY:
        return broken(transfer, attempt, err);
    default:
        attempt->is_permanent = true;
        return QL_FAIL(err, QL_E_INTERNAL, "the request to '%s' failed: %.300s (libcurl %d)", transfer->url->authority,
                       words_of(transfer), (int)transfer->code);
    }
}

enum ql_status ql_fault_explain(const struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err) {
    if (transfer->ended_by != QL_OK) {
        attempt->is_permanent = true; /* a limit, a signal, the caller's own refusal */
        if (err != NULL) {
            *err = transfer->ended_err;
        }
        return transfer->ended_by;
    }
    return explain_code(transfer, attempt, err);
}
