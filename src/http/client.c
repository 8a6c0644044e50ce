/*
 * What all requests of a run share: the deadline, the generator of the jitter, the secrets and the statistics, which siblings
 * have in common, and for each of them a libcurl multi handle, which keeps the connections. Nothing is read from the
 * environment: libcurl would look for proxies there, so proxy and no_proxy are always set (handle.c).
 */
#include "http/http_internal.h"

#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_IDLE_CONNECTIONS = 4, /* login, API, download, store */
    WAIT_SLICE_MS = 50        /* how late a signal may be noticed where it does not interrupt */
};

static struct ql_str copy_of(struct ql_str text) {
    return (struct ql_str){.ptr = ql_mem_strndup(text.ptr != NULL ? text.ptr : "", text.len), .len = text.len};
}

static void free_copy(struct ql_str text) {
    if (text.ptr != NULL) {
        char *ptr = (char *)(uintptr_t)text.ptr; /* ours, made by copy_of */
        ql_mem_free_secret(ptr, text.len);
    }
}

/* libcurl tells a scheme that it does not know from a proxy that is not there only by words. */
static bool is_proxy_scheme(const struct ql_libcurl *curl, CURLU *parts) {
    static const char *const SCHEMES[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
    char *scheme = NULL;
    bool is_one = false;
    if (curl->url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
        for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
            is_one = is_one || strcasecmp(scheme, SCHEMES[i]) == 0;
        }
    }
    curl->free(scheme);
    return is_one;
}

/* A proxy's URL may carry its password: that is a secret like any other, in both of its spellings. */
static enum ql_status check_proxy(struct ql_http *http, struct ql_err *err) {
    const struct ql_libcurl *curl = &http->curl;
    CURLU *parts = curl->url();
    CURLUcode code =
        curl->url_set(parts, CURLUPART_URL, http->options.proxy.ptr, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
    static const unsigned int SPELLINGS[] = {0, CURLU_URLDECODE};
    for (size_t i = 0; i < 2 && code == CURLUE_OK; i++) {
        char *password = NULL;
        if (curl->url_get(parts, CURLUPART_PASSWORD, &password, SPELLINGS[i]) == CURLUE_OK) {
            ql_http_add_secret(http, ql_str_from(password));
        }
        curl->free(password);
    }
    bool is_known = code == CURLUE_OK && is_proxy_scheme(curl, parts);
    curl->url_cleanup(parts);
    if (!is_known) {
        QL_FAIL(err, QL_E_CONFIG, "the proxy's address is no URL of a proxy: %s",
                code != CURLUE_OK ? curl->url_strerror(code) : "it begins with none of http, https, socks4, socks5");
        ql_err_hint(err, "write HTTPS_PROXY as http://host:port or http://user:password@host:port");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

static enum ql_status check_options(struct ql_http *http, struct ql_err *err) {
    const struct ql_http_options *options = &http->options;
    if (options->ca_file.len != 0 && access(options->ca_file.ptr, R_OK) != 0) {
        ql_err_set_errno(err, QL_E_CONFIG, errno, "cannot read the CA file '%s'", options->ca_file.ptr);
        ql_err_hint(err, "--ca-file names a file of certificates in PEM form");
        return QL_E_CONFIG;
    }
    return options->proxy.len != 0 ? check_proxy(http, err) : QL_OK;
}

static uint64_t seed_of(uint64_t wanted) {
    uint64_t seed = wanted;
    if (seed == 0 && getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        seed = (uint64_t)ql_time_now() ^ (uint64_t)getpid() << 40;
    }
    return seed;
}

enum ql_status ql_http_new(const struct ql_http_options *options, struct ql_http **http, struct ql_err *err) {
    *http = NULL;
    struct ql_libcurl curl;
    QL_TRY(ql_libcurl_load(&curl, err));
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return QL_FAIL(err, QL_E_SYSTEM, "libcurl does not start");
    }
    struct ql_http *made = ql_mem_zalloc(1, sizeof *made);
    made->curl = curl;
    made->options = *options;
    made->options.user_agent = copy_of(options->user_agent);
    made->options.ca_file = copy_of(options->ca_file);
    made->options.proxy = copy_of(options->proxy);
    made->options.no_proxy = copy_of(options->no_proxy);
    made->shared = ql_mem_zalloc(1, sizeof *made->shared);
    made->shared->deadline_ms = options->deadline_ms;
    made->shared->random_state = seed_of(options->seed);
    (void)pthread_mutex_init(&made->shared->mutex, NULL);
    (void)pthread_mutex_init(&made->shared->telling, NULL);
    made->multi = curl.multi_init();
    enum ql_status status = check_options(made, err);
    if (status == QL_OK && made->multi == NULL) {
        status = QL_FAIL(err, QL_E_SYSTEM, "libcurl does not start");
    }
    if (status != QL_OK) {
        ql_http_free(made);
        return status;
    }
    (void)curl.multi_setopt(made->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
    *http = made;
    return QL_OK;
}

enum ql_status ql_http_new_sibling(struct ql_http *http, struct ql_http **sibling, struct ql_err *err) {
    *sibling = NULL;
    CURLM *multi = http->curl.multi_init();
    if (multi == NULL) {
        return QL_FAIL(err, QL_E_SYSTEM, "libcurl does not start");
    }
    (void)http->curl.multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
    struct ql_http *made = ql_mem_zalloc(1, sizeof *made);
    made->options = http->options;
    made->curl = http->curl;
    made->multi = multi;
    made->shared = http->shared;
    made->is_sibling = true;
    *sibling = made;
    return QL_OK;
}

static void free_shared(struct ql_http_shared *shared) {
    for (size_t i = 0; i < shared->n_secrets; i++) {
        ql_mem_free_secret(shared->secrets[i].ptr, shared->secrets[i].cap);
    }
    ql_mem_free(shared->secrets);
    (void)pthread_mutex_destroy(&shared->mutex);
    (void)pthread_mutex_destroy(&shared->telling);
    ql_mem_free(shared);
}

void ql_http_free(struct ql_http *http) {
    if (http == NULL) {
        return;
    }
    const struct ql_libcurl curl = http->curl;
    (void)curl.multi_cleanup(http->multi);
    if (!http->is_sibling) {
        free_shared(http->shared);
        free_copy(http->options.user_agent);
        free_copy(http->options.ca_file);
        free_copy(http->options.proxy);
        free_copy(http->options.no_proxy);
        curl.global_cleanup();
    }
    ql_mem_free(http);
}

void ql_http_set_deadline(struct ql_http *http, int64_t deadline_ms) {
    http->shared->deadline_ms = deadline_ms;
}
int64_t ql_http_get_deadline(const struct ql_http *http) {
    int64_t cleanup_ms = http->shared->cleanup_ms;
    return cleanup_ms != 0 ? cleanup_ms : http->shared->deadline_ms;
}

void ql_http_begin_cleanup(struct ql_http *http, int64_t ms) {
    http->shared->cleanup_ms = ql_time_monotonic_ms() + ms;
}
void ql_http_end_cleanup(struct ql_http *http) {
    http->shared->cleanup_ms = 0;
}
void ql_http_get_stats(const struct ql_http *http, struct ql_http_stats *stats) {
    (void)pthread_mutex_lock(&http->shared->mutex);
    *stats = http->shared->stats;
    (void)pthread_mutex_unlock(&http->shared->mutex);
}
void ql_http_note_retry(struct ql_http *http) {
    (void)pthread_mutex_lock(&http->shared->mutex);
    http->shared->stats.retries++;
    (void)pthread_mutex_unlock(&http->shared->mutex);
}

bool ql_http_is_cancelled(const struct ql_http *http) {
    return http->options.is_cancelled != NULL && *http->options.is_cancelled != 0 && http->shared->cleanup_ms == 0;
}

bool ql_http_is_past_deadline(const struct ql_http *http) {
    int64_t deadline_ms = ql_http_get_deadline(http);
    return deadline_ms != 0 && ql_time_monotonic_ms() >= deadline_ms;
}

const char *ql_http_duration(int64_t ms, char *out) {
    if (ms < 10000 && ms % 1000 != 0) {
        (void)snprintf(out, QL_DURATION_TEXT_SIZE, "%.1f s", (double)ms / 1000.0);
    } else {
        (void)snprintf(out, QL_DURATION_TEXT_SIZE, "%lld s", (long long)((ms + 500) / 1000));
    }
    return out;
}

enum ql_status ql_http_wait(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err) {
    int64_t end_ms = ql_time_monotonic_ms() + wait_ms;
    if (ql_http_is_cancelled(http)) {
        return QL_FAIL(err, QL_E_CANCELLED, "stopped by a signal");
    }
    int64_t deadline_ms = ql_http_get_deadline(http);
    if (deadline_ms != 0 && end_ms > deadline_ms) {
        char text[QL_DURATION_TEXT_SIZE];
        return QL_FAIL(err, QL_E_DEADLINE, "no time is left to wait %s%s%s", ql_http_duration(wait_ms, text),
                       reason != NULL ? ": " : "", reason != NULL ? reason : "");
    }
    if (reason != NULL && http->options.on_wait != NULL && wait_ms > 0) {
        (void)pthread_mutex_lock(&http->shared->telling);
        http->options.on_wait(http->options.on_wait_ctx, wait_ms, reason);
        (void)pthread_mutex_unlock(&http->shared->telling);
    }
    for (int64_t left = wait_ms; left > 0; left = end_ms - ql_time_monotonic_ms()) {
        int64_t slice = left < WAIT_SLICE_MS ? left : WAIT_SLICE_MS;
        struct timespec pause = {.tv_nsec = (long)(slice * 1000000)};
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is what is wanted */
        if (ql_http_is_cancelled(http)) {
            return QL_FAIL(err, QL_E_CANCELLED, "stopped by a signal");
        }
    }
    return QL_OK;
}

/* splitmix64 (Steele, Lea, Flood 2014): enough for jitter, and reproducible from a seed. */
static uint64_t next_random(struct ql_http_shared *shared) {
    (void)pthread_mutex_lock(&shared->mutex);
    uint64_t z = (shared->random_state += UINT64_C(0x9e3779b97f4a7c15));
    (void)pthread_mutex_unlock(&shared->mutex);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t ql_http_random(struct ql_http *http, uint64_t n) {
    if (n < 2) {
        return 0;
    }
    uint64_t unfair = (0 - n) % n; /* 2^64 mod n: so many values at the bottom would make small numbers more likely */
    for (;;) {
        uint64_t value = next_random(http->shared);
        if (value >= unfair) {
            return value % n;
        }
    }
}

void ql_http_versions(struct ql_buf *out) {
    struct ql_libcurl curl;
    ql_buf_puts(out, ql_libcurl_load(&curl, NULL) == QL_OK ? curl.version() : "no libcurl");
}
