/**
 * Where rows come from. A source delivers the bytes of an export to a sink; a later contract is another implementation of
 * `struct ql_source_ops`, chosen by name in `run`.
 */
#ifndef QL_SOURCE_SOURCE_H
#define QL_SOURCE_SOURCE_H

#include "base/time.h"
#include "http/http.h"

/** What is known of the bytes that follow. */
struct ql_source_info {
    struct ql_str name;      /* for messages: a path, or "export <id>" */
    struct ql_str export_id; /* empty for files */
    bool is_unsized;         /* see csv */
    bool is_restart;         /* the same input from its first byte again: forget what came before */
};

/**
 * Receives inputs one after the other: begin, bytes..., end. When an input breaks (E_TRUNCATED, E_NETWORK, E_TIMEOUT from the
 * download, or E_COMPRESSED, E_TRUNCATED returned by bytes or end), the source may begin it again with is_restart.
 */
struct ql_source_sink {
    enum ql_status (*begin)(void *ctx, const struct ql_source_info *info, struct ql_err *err);
    enum ql_status (*bytes)(void *ctx, const void *ptr, size_t len, struct ql_err *err);
    enum ql_status (*end)(void *ctx, struct ql_err *err);
    /** Where the next bytes are best put, so that they need not be copied: *cap bytes, valid until the next call; `bytes` is
     * then given that very pointer. NULL: anywhere. May be NULL as a whole, and a source need not ask. */
    void *(*room)(void *ctx, size_t *cap);
    void *ctx;
};

/** Told what happens, for progress and the log; texts have no secret. NULL members are not called. */
struct ql_source_events {
    void (*stage)(void *ctx, const char *stage); /* "token", "create", "wait", "download" */
    void (*note)(void *ctx, const char *text);   /* one line */
    void *ctx;
    /** What is to be known of a run that succeeds; told once its inputs are delivered. */
    void (*warn)(void *warn_ctx, const char *text);
    void *warn_ctx;
};

struct ql_source;
struct ql_source_ops {
    /** What can be refused before any work is: credentials, scopes. */
    enum ql_status (*prepare)(struct ql_source *source, struct ql_err *err);
    enum ql_status (*fetch)(struct ql_source *source, const struct ql_source_sink *sink, struct ql_err *err);
    /** The export's id as soon as there is one, else empty; NULL where there are no exports. Valid until free. */
    struct ql_str (*get_export_id)(const struct ql_source *source);
    void (*free)(struct ql_source *source);
};
/** First member of every source. */
struct ql_source {
    const struct ql_source_ops *ops;
};

/** Everything that talks to Genesys Cloud needs this. Texts are borrowed for the source's life. */
struct ql_genesys_options {
    struct ql_str client_id, client_secret;
    struct ql_str environment;        /* "mypurecloud.com" */
    struct ql_str login_url, api_url; /* empty: https://login.<environment>, https://api.<environment> */
    size_t max_json_bytes;
    int max_json_depth;
};

struct ql_exports_options {
    struct ql_genesys_options genesys;
    int64_t from_us, to_us;
    const struct ql_str *group_by; /* default queue, timeInterval */
    size_t n_group_by;
    const struct ql_str *metrics; /* API names, default the four of the contract */
    size_t n_metrics;
    struct ql_str granularity; /* ISO period for the query; empty: not sent */
    int64_t poll_min_ms, poll_max_ms;
    int64_t deadline_ms; /* for the export to be ready, from its creation */
    int max_downloads;   /* how often the link is asked for and the download begun */
    bool allow_unsized;
};

/** The contract `analytics/conversations/exports`. http is borrowed. */
struct ql_source *ql_source_exports_new(struct ql_http *http, const struct ql_exports_options *options,
                                        const struct ql_source_events *events);
struct ql_reporting_options {
    struct ql_genesys_options genesys;
    int64_t from_us, to_us;
    struct ql_str view, locale;   /* "QUEUE_PERFORMANCE_DETAIL_VIEW", "en-us" */
    int64_t period_us;            /* of a row */
    struct ql_str timezone;       /* of the stamps in the file */
    const struct ql_tz *tz;       /* the same */
    const struct ql_str *columns; /* ids of the view's metadata, in order; none: the server's choice */
    size_t n_columns;
    /* Filters; none: everything that the client sees. */
    const struct ql_str *queues, *media_types, *directions, *divisions;
    size_t n_queues, n_media_types, n_directions, n_divisions;
    bool accept_partial;
    bool delete_export; /* those that this source made, once they are read */
    size_t max_exports; /* that a range may be split into */
    int64_t poll_min_ms, poll_max_ms;
    int64_t deadline_ms; /* for each export to be ready, from its creation */
    int max_downloads;
};

/** The contract `analytics/reporting/exports`: view exports. http is borrowed. */
struct ql_source *ql_source_reporting_new(struct ql_http *http, const struct ql_reporting_options *options,
                                          const struct ql_source_events *events);
/** Receives an object's bytes. */
struct ql_object_sink {
    enum ql_status (*begin)(void *ctx, bool is_unsized, struct ql_err *err);
    enum ql_status (*bytes)(void *ctx, const void *ptr, size_t len, struct ql_err *err);
    void *ctx;
};
/** Where paths "s3://bucket/key" lead: run connects it to the store of objects, which this room does not know. */
struct ql_object_reader {
    /** What can be refused before anything is asked for. */
    enum ql_status (*check)(void *ctx, struct ql_str bucket, struct ql_err *err);
    /** Calls found for each key that begins so; is_deep: also for those that have another '/' behind it. */
    enum ql_status (*list)(void *ctx, struct ql_str bucket, struct ql_str prefix, bool is_deep,
                           void (*found)(void *found_ctx, struct ql_str key), void *found_ctx, struct ql_err *err);
    enum ql_status (*get)(void *ctx, struct ql_str bucket, struct ql_str key, const struct ql_object_sink *sink,
                          struct ql_err *err);
    enum ql_status (*wait)(void *ctx, int64_t ms, const char *reason, struct ql_err *err);
    void *ctx;
};

struct ql_files_options {
    const struct ql_str
        *paths; /* as a user writes them: files, folders, patterns, "-", "s3://bucket/key", "s3://bucket/prefix/" */
    size_t n_paths;
    struct ql_object_reader objects;  /* get NULL: no path leads to one */
    int max_downloads;                /* how often an object is begun */
    int64_t wait_min_ms, wait_max_ms; /* before it is begun again */
};
/** Files and objects, those of each path in the order of their bytes; "-" is standard input. */
struct ql_source *ql_source_files_new(const struct ql_files_options *options);
/** Looks up what the local paths stand for. Before prepare. E_USAGE, E_NO_INPUT. */
QL_MUST_CHECK enum ql_status ql_source_files_expand(struct ql_source *source, struct ql_err *err);
/** The inputs as far as they are known: after expand the local ones, after prepare all. Valid until prepare or free. */
const struct ql_str *ql_source_files_paths(const struct ql_source *source, size_t *n);

#endif
