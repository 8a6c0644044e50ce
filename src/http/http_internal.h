/**
 * Inside the room. One request runs through these files from top to bottom:
 * send.c (attempts and redirects) -> transfer.c (one exchange) -> handle.c (its libcurl handle) -> receive.c (its answer) →
 * fault.c (its failure), with retry.c, date.c, redirect.c, url.c, address.c, proxy.c and rate.c as arithmetic and policy that
 * know no libcurl handle.
 */
#ifndef QL_HTTP_INTERNAL_H
#define QL_HTTP_INTERNAL_H

#include "http/http.h"
#include "http/libcurl.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum {
    QL_HTTP_ERROR_BODY_BYTES = 64 * 1024,       /* of an error's body; what follows is not read */
    QL_HTTP_LONGEST_RETRY_AFTER_MS = 60 * 60000 /* beyond every default deadline; who asks for more is asked by a later run */
};

/* ---- client.c: the state that requests share */

struct ql_rate_budget {
    char *host; /* with port */
    int64_t not_before_ms;
};

/** What siblings have in common. */
struct ql_http_shared {
    _Atomic int64_t deadline_ms;
    _Atomic int64_t cleanup_ms; /* the end of the cleanup that is going on; 0: none is */
    pthread_mutex_t mutex;      /* of all that follows */
    uint64_t random_state;
    struct ql_http_stats stats;
    struct ql_buf *secrets; /* longest first, so that no rest of one stays visible behind another */
    size_t n_secrets, cap_secrets;
    pthread_mutex_t telling; /* held while on_wait is called, which may ask for what mutex guards */
};

struct ql_http {
    struct ql_http_options options; /* its texts are copies; deadline and seed are in shared */
    struct ql_libcurl curl;
    CURLM *multi; /* holds the connections */
    struct ql_http_shared *shared;
    bool is_sibling; /* shared and the texts are another's */
    struct ql_rate_budget *budgets;
    size_t n_budgets, cap_budgets;
};

bool ql_http_is_cancelled(const struct ql_http *http);
bool ql_http_is_past_deadline(const struct ql_http *http);
/** "0.5 s", "12 s"; out of at least QL_DURATION_TEXT_SIZE bytes. Returns out. */
enum { QL_DURATION_TEXT_SIZE = 32 };
const char *ql_http_duration(int64_t ms, char *out);

/* ---- url.c: a URL, taken apart by the parser that also sends it */

struct ql_url {
    const struct ql_libcurl *curl; /* outlives it */
    CURLU *parts;
    char *text;          /* whole, without fragment: may hold a signature */
    char *scheme, *host; /* lower case; an IPv6 host with its brackets */
    char *port;          /* always there */
    char authority[300]; /* for messages: the host, with the port where it is not the scheme's own */
    bool is_https, is_loopback, has_user;
};
/** E_REFUSED_URL if it is no http or https URL. The message never quotes it. Zero-initialise before; fini in every case. */
QL_MUST_CHECK enum ql_status ql_url_parse(const struct ql_libcurl *curl, struct ql_str text, struct ql_url *url,
                                          struct ql_err *err);
/** The URL that `location` means when it comes from `base`. */
QL_MUST_CHECK enum ql_status ql_url_join(const struct ql_url *base, struct ql_str location, struct ql_url *url,
                                         struct ql_err *err);
void ql_url_fini(struct ql_url *url);
bool ql_url_has_origin_of(const struct ql_url *a, const struct ql_url *b);

/* ---- address.c: which addresses a server may send us to */

enum ql_address_kind {
    QL_ADDRESS_PUBLIC,
    QL_ADDRESS_LOOPBACK,
    QL_ADDRESS_PRIVATE,   /* private, link-local, shared, multicast, reserved, or a form that hides one of these */
    QL_ADDRESS_NO_LITERAL /* a name */
};
enum ql_address_kind ql_address_classify(const struct sockaddr *address, size_t len);
/** Of a URL's host or an address as text, with or without brackets. */
enum ql_address_kind ql_address_classify_text(const char *host);

/* ---- proxy.c */

/** Whether no_proxy names the host: names with their subdomains, addresses, blocks in CIDR form, "*". */
bool ql_proxy_is_bypassed(struct ql_str no_proxy, const char *host, const char *port);

/* ---- redirect.c: our own policy */

/** What a request may do at one address on its way. */
struct ql_hop {
    bool is_foreign;      /* the address was named by a server */
    bool allows_loopback; /* although it is foreign */
    bool allows_http;     /* plain http to any host */
    bool is_stripped;     /* it left the origin: only headers without a secret go along */
};
bool ql_redirect_is(long status);
/** Whether a header may go to another origin than it was meant for. */
bool ql_redirect_keeps_header(struct ql_str name);
/** E_REFUSED_URL for what must not be asked: other schemes, plain http over the network, credentials in the URL, private
 * addresses. */
QL_MUST_CHECK enum ql_status ql_redirect_check_url(const struct ql_http_options *options, const struct ql_url *url,
                                                   const struct ql_hop *hop, struct ql_err *err);
/** From one address to the next: refuses https to http, and updates hop. */
QL_MUST_CHECK enum ql_status ql_redirect_follow(const struct ql_url *from, const struct ql_url *to, struct ql_hop *hop,
                                                struct ql_err *err);

/* ---- retry.c: arithmetic, given the random number */

struct ql_retry_policy {
    int max_attempts;
    int64_t base_ms, cap_ms, rate_wait_ms;
};
/** How one attempt ended. */
struct ql_attempt {
    enum ql_status status; /* QL_OK: an answer came */
    long http_status;
    bool is_permanent;  /* a transport failure that another try cannot mend */
    bool is_unresolved; /* the host's name was not found */
    bool was_sent;
    bool has_delivered;     /* the caller's stream has begun */
    int64_t retry_after_ms; /* -1: none */
};
struct ql_retry_counts {
    int attempts; /* this one included */
    int n_500;    /* this one included */
};
enum ql_http_fault ql_retry_fault(const struct ql_attempt *attempt);
bool ql_retry_is_due(const struct ql_retry_policy *policy, enum ql_http_repeat repeat, const struct ql_attempt *attempt,
                     const struct ql_retry_counts *counts);
/** w = base doubling to cap; w/2 + a random part of w/2, but at least Retry-After, and rate_wait_ms for a 429 without it. */
int64_t ql_retry_wait_ms(const struct ql_retry_policy *policy, int attempts, const struct ql_attempt *attempt, uint64_t random);

/* ---- date.c */

/** Retry-After in seconds or as a date, in ms from now, never negative; -1 for what is neither. `date` is the answer's own
 * Date, by which a date is measured. */
int64_t ql_retry_after_parse(struct ql_str value, struct ql_str date, int64_t now_us);

/* ---- rate.c: Genesys Cloud's inin-ratelimit-* headers */

/** Learns from an answer. */
void ql_rate_note(struct ql_http *http, const struct ql_url *url, const struct ql_http_response *response, int64_t now_ms);
/** How long the next request to this host has to wait. */
int64_t ql_rate_wait_ms(const struct ql_http *http, const struct ql_url *url, int64_t now_ms);

/* ---- transfer.c: one exchange with one server */

struct ql_header_span { /* offsets into response.storage, which moves while it grows */
    size_t name, name_len, value, value_len;
};

struct ql_transfer {
    struct ql_http *http;
    CURL *easy; /* of this exchange alone: what it knows (the bearer, the URL) goes with it */
    const struct ql_http_request *request;
    struct ql_http_response *response;
    const struct ql_url *url;
    struct ql_hop hop;
    bool is_proxied;
    struct curl_slist *headers;
    struct ql_header_span *spans;
    size_t n_spans, cap_spans, header_bytes;
    bool has_headers;  /* the answer's last header line is in */
    bool is_streaming; /* the body goes to the caller */
    bool is_body_cut;  /* an error's body was longer than what is kept */
    bool has_delivered;
    int64_t body_bytes, read_offset;
    int n_sockets, n_refused_sockets;
    enum ql_status ended_by; /* what one of our own callbacks ended the exchange with; QL_OK: none */
    struct ql_err ended_err;
    CURLcode code;
    char words[CURL_ERROR_SIZE]; /* libcurl's */
};
/** Fills response. has_delivered and response.was_sent say what may be done after a failure. */
QL_MUST_CHECK enum ql_status ql_transfer_run(struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err);
/** Ends the exchange from within a callback. The status is also returned. */
enum ql_status ql_transfer_end(struct ql_transfer *transfer, enum ql_status status, const char *fmt, ...) QL_PRINTF(3, 4);

/* ---- handle.c and setopt.c */

/** Collects the first refusal, so that a block of settings is checked once. */
struct ql_setter {
    const struct ql_libcurl *curl;
    CURL *easy;
    CURLcode failure;
    CURLoption option;
};
void ql_set_long(struct ql_setter *setter, CURLoption option, long value);
void ql_set_text(struct ql_setter *setter, CURLoption option, const char *text);
void ql_set_pointer(struct ql_setter *setter, CURLoption option, void *pointer);
void ql_set_off_t(struct ql_setter *setter, CURLoption option, curl_off_t value);

QL_MUST_CHECK enum ql_status ql_handle_prepare(struct ql_transfer *transfer, struct ql_err *err);
void ql_handle_fini(struct ql_transfer *transfer);

/* ---- receive.c: libcurl's callbacks */

size_t ql_receive_header(char *line, size_t size, size_t n, void *ctx);
size_t ql_receive_body(char *ptr, size_t size, size_t n, void *ctx);

/* ---- fault.c */

/** Makes an error of a failed exchange. */
enum ql_status ql_fault_explain(const struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err);

#endif
