/**
 * HTTP requests with everything that the job must not get wrong in one place (libcurl): time-outs and stall detection, limits,
 * redirects by our own policy, retries, the rate limit, proxies and CA, and redaction. Facts: libcurl 7.88.1 re-sends a POST on
 * a dead kept-alive connection (so requests that are not idempotent use a fresh one), follows redirects with custom headers (so
 * it follows none), ends a body without length silently (`is_unsized` says so) and decodes gzip without noticing a cut (so it
 * decodes nothing).
 */
#ifndef QL_HTTP_HTTP_H
#define QL_HTTP_HTTP_H

#include "base/err.h"
#include "base/str.h"

#include <signal.h>

struct ql_http_options {
    struct ql_str user_agent;
    struct ql_str ca_file;         /* empty: the system's */
    struct ql_str proxy, no_proxy; /* empty: from HTTPS_PROXY, https_proxy, NO_PROXY, no_proxy as the caller read them */
    int64_t connect_timeout_ms;
    int64_t request_timeout_ms; /* whole request; streamed bodies have only the stall rule and the deadline */
    int64_t stall_bytes_per_s, stall_ms;
    size_t max_header_bytes, max_body_bytes; /* max_body_bytes: of a body held in memory */
    int64_t max_stream_bytes;                /* of a body that is streamed */
    int max_redirects;
    bool allow_http;              /* plain http to other than loopback */
    bool allow_private_redirects; /* a redirect or link to a private address */
    int max_attempts;
    int64_t retry_base_ms, retry_cap_ms;       /* w = base, doubling to cap; wait w/2 + random part of w/2 */
    int64_t rate_wait_ms;                      /* least wait after a 429 without Retry-After */
    int64_t deadline_ms;                       /* ql_time_monotonic_ms by which everything ends; 0: none. May be set later. */
    uint64_t seed;                             /* of the jitter; 0: from the system */
    const volatile sig_atomic_t *is_cancelled; /* looked at while waiting and transferring; NULL: none */
    /** Told of each wait before a retry; NULL: silent. The text has no secret. */
    void (*on_wait)(void *ctx, int64_t wait_ms, const char *reason);
    void *on_wait_ctx;
};

struct ql_http;
/** Shared by everything in a process that makes requests; not for two threads at once. */
QL_MUST_CHECK enum ql_status ql_http_new(const struct ql_http_options *options, struct ql_http **http, struct ql_err *err);
/**
 * A client for another thread: the same options, secrets, deadline, generator and statistics, but connections of its own. May
 * be made by any thread while others use http or its siblings; all siblings are freed before http. on_wait is told by one
 * thread at a time.
 */
QL_MUST_CHECK enum ql_status ql_http_new_sibling(struct ql_http *http, struct ql_http **sibling, struct ql_err *err);
void ql_http_free(struct ql_http *http);
void ql_http_set_deadline(struct ql_http *http, int64_t deadline_ms);
int64_t ql_http_get_deadline(const struct ql_http *http);
/**
 * For what has to be cleaned up at the other side however the run ends: until end, neither a signal nor the deadline stops
 * requests and waits, but everything ends within `ms` from now. For http and all its siblings.
 */
void ql_http_begin_cleanup(struct ql_http *http, int64_t ms);
void ql_http_end_cleanup(struct ql_http *http);
struct ql_http_stats {
    int64_t requests, retries, bytes_sent, bytes_received;
};
void ql_http_get_stats(const struct ql_http *http, struct ql_http_stats *stats);
/** Counts an attempt that the caller repeats by its own rules. */
void ql_http_note_retry(struct ql_http *http);
/** Waits, unless cancelled (E_CANCELLED) or the deadline comes first (E_DEADLINE, at once). on_wait is told, if there is a
 * reason. */
QL_MUST_CHECK enum ql_status ql_http_wait(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err);
/** A number from [0, n) from the client's generator: for jitter. */
uint64_t ql_http_random(struct ql_http *http, uint64_t n);

/** Whoever holds a secret registers it: it and its URL-encoded form are masked in every error and log that leaves http. */
void ql_http_add_secret(struct ql_http *http, struct ql_str secret);
/** Replaces registered secrets, bearer tokens and signed query strings by "***", in place. */
void ql_http_redact(const struct ql_http *http, struct ql_buf *text);
/** Likewise in an error that the caller made of an answer. */
void ql_http_redact_err(const struct ql_http *http, struct ql_err *err);

struct ql_http_header {
    struct ql_str name, value;
};

enum ql_http_repeat {
    QL_HTTP_REPEAT_ALWAYS,    /* GET, HEAD, PUT of a whole object, the token: any transient fault; a 500 once */
    QL_HTTP_REPEAT_IF_UNSENT, /* a creating POST: 429, 503, or a failure before its first byte was sent; on a connection of its
                                 own */
    QL_HTTP_REPEAT_NEVER,
    QL_HTTP_REPEAT_BY_CALLER /* as ALWAYS for the connection, but one attempt only: the caller has rules of its own */
};

/** Streams a body in; `restart` is called before a repeated attempt. */
struct ql_http_body_source {
    /** Fills up to len bytes from `offset`; *got 0 only at the end. */
    enum ql_status (*read)(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err);
    void *ctx;
    int64_t size;
};

struct ql_http_response;

struct ql_http_request {
    const char *method;
    struct ql_str url;
    const struct ql_http_header *headers;
    size_t n_headers;
    struct ql_str body;                       /* in memory, or ... */
    const struct ql_http_body_source *source; /* ... streamed; NULL: `body` */
    enum ql_http_repeat repeat;
    /** GET only, at most max_redirects, never https to http; where the origin changes, only headers without a secret go along.
     */
    bool follows_redirects;
    /**
     * The URL came from a server: loopback and private addresses only if the options allow it or the API itself is there
     * (allow_loopback). Names are judged by the addresses that they lead to; behind a proxy only the proxy knows those.
     */
    bool is_foreign;
    bool allow_loopback;
    /** To a metadata service beside this machine: plain http is what it speaks, and no proxy must see it. */
    bool is_metadata;
    int64_t timeout_ms; /* 0: the option's */
    /** The answer may take long to come (S3 joins parts for minutes): only timeout_ms, which is then set, and the deadline end
     * it. */
    bool may_be_silent;
    /**
     * Streams the body of a 2xx answer out, in order, once its headers are complete; NULL: it is kept in response.body. A
     * failed attempt that called one of the two is not repeated by http: the error comes back as E_TRUNCATED, E_TIMEOUT or
     * E_NETWORK and the caller starts anew.
     */
    enum ql_status (*on_headers)(void *ctx, const struct ql_http_response *response, struct ql_err *err);
    enum ql_status (*on_body)(void *ctx, const void *ptr, size_t len, struct ql_err *err);
    void *stream_ctx;
};

/** What a failure of the transport means for another attempt. */
enum ql_http_fault {
    QL_HTTP_FAULT_NONE,       /* there was an answer */
    QL_HTTP_FAULT_TRANSIENT,  /* it may pass */
    QL_HTTP_FAULT_UNRESOLVED, /* likewise, but an unknown host is mostly a typing error: try three times, not more */
    QL_HTTP_FAULT_FINAL       /* it stays, or the body's stream had begun */
};

struct ql_http_response {
    long status;
    struct ql_http_header *headers; /* names in lower case */
    size_t n_headers;
    struct ql_buf body;     /* of an answer that was not streamed; an error's body is always here (first 64 KiB) */
    int64_t content_length; /* -1: none */
    bool is_chunked;
    bool is_unsized;        /* neither length nor chunked: the end of the body proves nothing */
    bool was_sent;          /* the request's first byte left, as far as one can know: a failed POST may have acted */
    int64_t retry_after_ms; /* -1: none */
    enum ql_http_fault fault;
    struct ql_buf storage;
};
void ql_http_response_fini(struct ql_http_response *response);
/** The value, or {NULL, 0}. name in lower case. */
struct ql_str ql_http_response_get(const struct ql_http_response *response, const char *name);

/**
 * Sends a request, repeats it as its `repeat` and the options allow, and returns QL_OK for any HTTP status that is final (also
 * 4xx and 5xx, also a 429 to the end of the attempts: the caller reads response.status). Errors are those of the transport:
 * E_NETWORK, E_TIMEOUT, E_TLS, E_TRUNCATED, E_LIMIT, E_REFUSED_URL, E_PROTOCOL, E_CANCELLED, E_DEADLINE, or what a stream
 * callback returned. response is initialised here, and after an error its was_sent says whether the last attempt may have
 * acted; the caller calls fini in every case.
 */
QL_MUST_CHECK enum ql_status ql_http_send(struct ql_http *http, const struct ql_http_request *request,
                                          struct ql_http_response *response, struct ql_err *err);

/** An HTTP date in one of the three forms of RFC 9110, 5.6.7, in us; QL_TIME_NONE for anything else. */
int64_t ql_http_date_parse(struct ql_str text);
/** Percent-encodes everything but RFC 3986's unreserved characters; `keep_slash` leaves '/'. */
void ql_http_encode(struct ql_str text, bool keep_slash, struct ql_buf *out);
/** Whether a URL's host is this machine by its name or literal address. false for what is no URL. */
bool ql_http_is_loopback(struct ql_str url);
/** Appends a URL's host, with the port where it is not the scheme's own: what messages may say of a URL. "" for what is no URL.
 */
void ql_http_put_host(struct ql_str url, struct ql_buf *out);
/** "libcurl/7.88.1 OpenSSL/3.0.x ...", for `version`. */
void ql_http_versions(struct ql_buf *out);

#endif
