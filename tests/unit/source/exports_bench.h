/** Two scripted servers (login and API on one, downloads on the other), a source between them, and a sink that keeps what it is
 * told. */
#ifndef QL_TESTS_UNIT_SOURCE_EXPORTS_BENCH_H
#define QL_TESTS_UNIT_SOURCE_EXPORTS_BENCH_H

#include "support/test.h"

#include "source/source.h"
#include "support/fake_server.h"

#define TOKEN "t0ken-abcdefghijklmnop"
#define EXPORT_ID "7e0b5a8c-1111-4222-8333-444455556666"
#define EXPORTS "/api/v2/analytics/conversations/exports"

struct bench {
    struct fake_server *api, *files;
    struct ql_http_options http_options;
    struct ql_exports_options options;
    struct ql_http *http;
    struct ql_source *source;
    char login_url[64], api_url[64];
    /* what the sink saw */
    struct ql_buf bytes;
    int n_begun, n_restarts, n_ended;
    bool is_unsized;
    char name[100];
    enum ql_status sink_answers[8]; /* of end(), one for each try; QL_OK by default */
    enum ql_status bytes_answer;    /* of bytes() */
    /* what the events and the waits said, a line each */
    struct ql_buf told;
    int n_waits;
    struct ql_err err;
};

/** Servers without steps, and options with waits of a millisecond; may be changed before bench_open. */
void bench_init(struct bench *bench);
void bench_open(struct bench *bench);
void bench_fini(struct bench *bench);
enum ql_status bench_prepare(struct bench *bench);
enum ql_status bench_fetch(struct bench *bench);
/** Both, one after the other. */
enum ql_status bench_run(struct bench *bench);

/* Steps of the API: answers with a length, and a correlation id "corr-<status>". */
void api_json(struct bench *bench, int status, const char *body);
void api_raw(struct bench *bench, const char *answer, enum fake_then then);
void api_token(struct bench *bench);     /* TOKEN for an hour, whose answer states no scopes */
void api_me(struct bench *bench);        /* tokens/me: 404 */
void api_created(struct bench *bench);   /* 202 with EXPORT_ID */
void api_running(struct bench *bench);   /* a look: in progress */
void api_completed(struct bench *bench); /* a look: completed, with a link of its own on the download server */
void file_body(struct bench *bench, const char *body);
void file_raw(struct bench *bench, const char *answer, enum fake_then then);

bool has(const char *text, const char *part);
/** No secret of this bench is in what was told or in the error. */
void assert_no_secret(const struct bench *bench);

#endif
