/* `queuelake check --orphans`: multipart uploads that a crash has left in the bucket, one line each. With --abort they are
 * ended; what S3 lists but this machine has no note of only if it is old, because another machine may be at work on it. */
#include "cli/cli.h"
#include "json/json.h"

#include <stdio.h>

enum { DAY_MS = 24 * 3600 * 1000 };

struct listing {
    const struct ql_destination *destination;
    struct ql_json *list; /* NULL: lines for people */
    size_t n_found, n_ended, n_young;
};

static void set_text(struct ql_json *object, const char *key, struct ql_str text) {
    ql_json_set(object, key, ql_json_new_text(text));
}

static struct ql_json *orphan_json(const struct listing *listing, const struct ql_s3_orphan *orphan, struct ql_str started) {
    struct ql_json *json = ql_json_new_object();
    set_text(json, "bucket", listing->destination->bucket);
    set_text(json, "key", orphan->key);
    set_text(json, "upload_id", orphan->upload_id);
    ql_json_set(json, "started", started.len != 0 ? ql_json_new_text(started) : ql_json_new_null());
    ql_json_set(json, "noted_here", ql_json_new_bool(orphan->is_noted));
    ql_json_set(json, "may_be_running", ql_json_new_bool(orphan->is_young));
    ql_json_set(json, "ended", ql_json_new_bool(orphan->is_ended));
    ql_json_set(json, "failure",
                orphan->failure != NULL ? ql_json_new_text(ql_str_from(orphan->failure->message)) : ql_json_new_null());
    return json;
}

static void print_orphan(const struct listing *listing, const struct ql_s3_orphan *orphan, struct ql_str started) {
    const char *state = orphan->is_ended          ? "ended"
                        : orphan->failure != NULL ? "cannot be ended"
                        : orphan->is_noted        ? "left by a run of this machine"
                        : orphan->is_young        ? "younger than a day: perhaps another machine is at work on it"
                                                  : "older than a day";
    (void)printf("s3://%.*s/%.*s: %s%s%.*s, upload id %.*s\n", QL_STR_ARG(listing->destination->bucket),
                 QL_STR_ARG(orphan->key), state, started.len != 0 ? ", begun " : "", QL_STR_ARG(started),
                 QL_STR_ARG(orphan->upload_id));
}

static void found(void *ctx, const struct ql_s3_orphan *orphan) {
    struct listing *listing = ctx;
    char text[QL_TIME_TEXT_SIZE];
    struct ql_str started = {.ptr = text};
    started.len = orphan->started_us != QL_TIME_NONE ? ql_time_format(orphan->started_us, text) : 0;
    listing->n_found++;
    listing->n_ended += orphan->is_ended;
    listing->n_young += orphan->is_young;
    if (listing->list != NULL) {
        ql_json_add(listing->list, orphan_json(listing, orphan, started));
    } else {
        print_orphan(listing, orphan, started);
    }
}

/* Up to the first placeholder: below it are all keys that this job can have. */
static struct ql_str prefix_of(const struct ql_run_options *options, struct ql_buf *text) {
    struct ql_str path = options->destination.path;
    ql_buf_put_str(text, path);
    if (path.len == 0 || path.ptr[path.len - 1] == '/') {
        ql_buf_put_str(text, options->default_key);
    }
    size_t len = 0;
    while (len < text->len && text->ptr[len] != '{' && text->ptr[len] != '}') {
        len++;
    }
    return (struct ql_str){.ptr = text->ptr, .len = len};
}

static enum ql_status look(const struct ql_run_options *options, struct listing *listing, bool ends, struct ql_err *err) {
    struct ql_http *http = NULL;
    struct ql_s3_client *client = NULL;
    struct ql_buf prefix = {0};
    if (options->destination.kind != QL_STORE_S3) {
        (void)QL_FAIL(err, QL_E_USAGE, "the destination is not in S3, so there are no uploads to look for");
        ql_err_hint(err, "name the bucket with -o s3://bucket/key, or S3_BUCKET");
        return QL_E_USAGE;
    }
    const struct ql_s3_orphans_request request = {.bucket = options->destination.bucket,
                                                  .prefix = prefix_of(options, &prefix),
                                                  .ends = ends,
                                                  .min_age_ms = DAY_MS,
                                                  .found = found,
                                                  .ctx = listing};
    enum ql_status status = ql_s3_check(&options->s3, options->destination.bucket, err);
    if (status == QL_OK) {
        status = ql_http_new(&options->http, &http, err);
    }
    if (status == QL_OK) {
        status = ql_s3_client_new(http, &options->s3, &client, err);
    }
    if (status == QL_OK) {
        status = ql_s3_orphans(client, &request, err);
    }
    ql_s3_client_free(client);
    ql_http_free(http);
    ql_buf_fini(&prefix);
    return status;
}

static void print_end(const struct listing *listing, bool ends) {
    size_t n_left = listing->n_found - listing->n_ended - listing->n_young;
    if (listing->n_found == 0) {
        (void)puts("no unfinished uploads");
    } else if (!ends && n_left != 0) {
        (void)printf("%zu can be ended with --abort\n", n_left);
    }
}

int ql_cli_orphans(const struct ql_cli_job *job, const struct ql_settings *settings) {
    struct listing listing = {.destination = &job->options.destination};
    struct ql_err err = {0};
    listing.list = settings->json ? ql_json_new_array() : NULL;
    enum ql_status status = look(&job->options, &listing, settings->abort, &err);
    if (settings->json) {
        struct ql_json *root = ql_cli_document_new("check", status != QL_OK ? &err : NULL);
        ql_json_set(root, "orphans", listing.list);
        ql_cli_document_print(root);
    } else if (status != QL_OK) {
        ql_cli_error_print(&err);
    } else {
        print_end(&listing, settings->abort);
    }
    return status == QL_OK ? 0 : ql_cli_exit_code(&err);
}
