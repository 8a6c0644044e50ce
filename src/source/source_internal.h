/**
 * Inside the room: one client of the Genesys Cloud API, shared by every source that talks to it, and the words of its errors.
 * oauth.c (token, scopes) and genesys.c (requests with it) belong to the platform, export_*.c and download.c to its contracts
 * of exports, exports.c and poll.c to one of them, reporting*.c to the other.
 */
#ifndef QL_SOURCE_INTERNAL_H
#define QL_SOURCE_INTERNAL_H

#include "source/source.h"
#include "json/json.h"

struct ql_genesys {
    struct ql_http *http;
    struct ql_genesys_options options;
    struct ql_source_events events;
    struct ql_buf login_url, api_url;   /* without a '/' at the end */
    struct ql_buf login_host, api_host; /* for messages */
    bool is_api_loopback;
    struct ql_buf token;
    int64_t token_until_ms; /* monotonic */
    struct ql_buf scopes;   /* as the token's answer states them; empty: it does not */
};
void ql_genesys_init(struct ql_genesys *genesys, struct ql_http *http, const struct ql_genesys_options *options,
                     const struct ql_source_events *events);
void ql_genesys_fini(struct ql_genesys *genesys);
void ql_genesys_stage(const struct ql_genesys *genesys, const char *stage);
void ql_genesys_note(const struct ql_genesys *genesys, const char *fmt, ...) QL_PRINTF(2, 3);

/* ---- oauth.c */

/** A token that is good for a while; asks for one if there is none. */
QL_MUST_CHECK enum ql_status ql_oauth_ensure(struct ql_genesys *genesys, struct ql_err *err);
/** Forgets the token, because the API refused it. */
void ql_oauth_forget(struct ql_genesys *genesys);
/** E_PERMISSION naming the first of the needed scopes that the token's stated scopes do not have. Tokens that state none have
 * all. */
QL_MUST_CHECK enum ql_status ql_oauth_check_scopes(struct ql_genesys *genesys, const char *const *needed, size_t n_needed,
                                                   struct ql_err *err);
/** E_CONFIG where client id or secret is missing. */
QL_MUST_CHECK enum ql_status ql_oauth_check_credentials(const struct ql_genesys *genesys, struct ql_err *err);
/** Whether a list of scopes ("a:b c:d", also with commas) has one: itself, or one that it is a part of ("a" has "a:b"). */
bool ql_scopes_have(struct ql_str scopes, struct ql_str needed);
/** RFC 4648, section 4. */
void ql_base64_encode(struct ql_str bytes, struct ql_buf *out);

/* ---- genesys.c */

struct ql_genesys_call {
    const char *method, *path; /* path below the API's base */
    struct ql_str body;        /* JSON; empty: none */
    enum ql_http_repeat repeat;
};
/**
 * Sends a request with the bearer token; on a 401 gets exactly one new token and tries once more. Any other answer is QL_OK.
 * *was_sent says after an error whether the request may have acted. response is initialised here; the caller calls fini in
 * every case.
 */
QL_MUST_CHECK enum ql_status ql_genesys_send(struct ql_genesys *genesys, const struct ql_genesys_call *call,
                                             struct ql_http_response *response, bool *was_sent, struct ql_err *err);
/** The body of an answer as JSON, within the limits. */
QL_MUST_CHECK enum ql_status ql_genesys_parse(const struct ql_genesys *genesys, const struct ql_http_response *response,
                                              struct ql_json **json, struct ql_err *err);
/** Makes an error of an answer that is no success, in the server's own words. Returns its status. */
enum ql_status ql_genesys_explain(const struct ql_genesys *genesys, const char *host, const struct ql_http_response *response,
                                  struct ql_err *err);

/* ---- error_body.c */

/** What a body says of an error. Texts are clean: without secrets, control characters and excess. */
struct ql_error_body {
    bool is_json, is_html;
    char code[96];         /* "missing.permissions", or the error of OAuth */
    char message[480];     /* "": it says nothing */
    char permissions[160]; /* that are missing; "": not named */
    char context_id[96];
};
void ql_error_body_read(const struct ql_genesys *genesys, const struct ql_http_response *response, struct ql_error_body *body);
/** Copies server's words for a message: secrets masked, control characters to blanks, cut at a character's end. */
void ql_words_copy(const struct ql_http *http, struct ql_str words, char *out, size_t size);
/** Sets err's HTTP status and request id from an answer. */
void ql_error_note_answer(const struct ql_http_response *response, const struct ql_error_body *body, struct ql_err *err);

/* ---- export_create.c, export_wait.c, download.c: what contracts of exports share */

/** Whether a server's id may become part of paths and tags. */
bool ql_export_is_id(struct ql_str id);
/** Sends the creating POST. *json is the answer, which names a usable id. E_EXPORT_UNSURE after any doubt. */
QL_MUST_CHECK enum ql_status ql_export_create(struct ql_genesys *genesys, const char *path, struct ql_str body,
                                              struct ql_json **json, struct ql_err *err);

struct ql_export_wait {
    struct ql_genesys *genesys;
    struct ql_str id;
    int64_t created_ms; /* monotonic */
    int64_t poll_min_ms, poll_max_ms;
    int64_t deadline_ms; /* from its creation; 0: none */
    /** Sets *is_over once nothing more is to be waited for. */
    enum ql_status (*look)(void *ctx, bool *is_over, struct ql_err *err);
    void *ctx;
};
/** Looks, with waits in between, until it is over. E_DEADLINE names the export. */
QL_MUST_CHECK enum ql_status ql_export_wait(const struct ql_export_wait *wait, struct ql_err *err);

struct ql_download_part {
    struct ql_str id;    /* of the export */
    struct ql_buf *link; /* a secret; empty: to be asked for */
};
struct ql_downloads {
    struct ql_genesys *genesys;
    const struct ql_download_part *parts;
    size_t n_parts;
    int64_t wait_min_ms, wait_max_ms; /* before another try */
    int max_downloads;                /* how often a download is begun: one more than may break */
    /** Puts a fresh link into that of a part. */
    enum ql_status (*renew)(void *ctx, size_t part, struct ql_err *err);
    void *ctx;
};
/** Every part is an input of the sink, in their order. */
QL_MUST_CHECK enum ql_status ql_download_all(const struct ql_downloads *downloads, const struct ql_source_sink *sink,
                                             struct ql_err *err);

/* ---- exports.c, poll.c */

struct ql_exports {
    struct ql_source source; /* first */
    struct ql_genesys genesys;
    struct ql_exports_options options;
    struct ql_buf id, link; /* link is a secret */
    int64_t created_ms;     /* monotonic */
};
void ql_exports_request_body(const struct ql_exports_options *options, struct ql_buf *out);
/** Waits until the export is completed; sets link. */
QL_MUST_CHECK enum ql_status ql_exports_poll(struct ql_exports *exports, struct ql_err *err);
/** Asks once more for the link of a completed export. */
QL_MUST_CHECK enum ql_status ql_exports_renew_link(struct ql_exports *exports, struct ql_err *err);
/** A tenth of what was waited already, from min to max, less a random part of a fifth of itself. */
int64_t ql_exports_poll_wait_ms(int64_t waited_ms, int64_t min_ms, int64_t max_ms, uint64_t random);

enum ql_export_state { QL_EXPORT_RUNNING, QL_EXPORT_COMPLETED, QL_EXPORT_ENDED };
/** What an export's JSON says: E_EXPORT_FAILED in the server's words, E_PROTOCOL if it is no export; sets link when it is
 * completed. */
QL_MUST_CHECK enum ql_status ql_exports_read_state(struct ql_exports *exports, const struct ql_json *json,
                                                   enum ql_export_state *state, struct ql_err *err);

#endif
