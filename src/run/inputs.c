/** Files and objects as inputs: what the source of files needs of S3, by the functions of the store. */
#include "run/run_internal.h"

static enum ql_status check(void *ctx, struct ql_str bucket, struct ql_err *err) {
    const struct ql_run_state *run = ctx;
    return ql_s3_check(&run->options->s3, bucket, err);
}

static enum ql_status list(void *ctx, struct ql_str bucket, struct ql_str prefix, bool is_deep,
                           void (*found)(void *found_ctx, struct ql_str key), void *found_ctx, struct ql_err *err) {
    const struct ql_run_state *run = ctx;
    const struct ql_s3_keys keys = {.prefix = prefix, .is_deep = is_deep, .found = found, .ctx = found_ctx};
    return ql_s3_list(run->s3, bucket, &keys, err);
}

static enum ql_status get(void *ctx, struct ql_str bucket, struct ql_str key, const struct ql_object_sink *sink,
                          struct ql_err *err) {
    const struct ql_run_state *run = ctx;
    const struct ql_s3_reader reader = {.begin = sink->begin, .bytes = sink->bytes, .ctx = sink->ctx};
    return ql_s3_get(run->s3, bucket, key, &reader, err);
}

static enum ql_status wait(void *ctx, int64_t ms, const char *reason, struct ql_err *err) {
    const struct ql_run_state *run = ctx;
    return ql_http_wait(run->http, ms, reason, err);
}

enum ql_status ql_run_open_files(struct ql_run_state *run, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    const struct ql_files_options files = {.paths = options->paths,
                                           .n_paths = options->n_paths,
                                           .objects = {.check = check, .list = list, .get = get, .wait = wait, .ctx = run},
                                           .max_downloads = options->max_downloads,
                                           .wait_min_ms = options->http.retry_base_ms,
                                           .wait_max_ms = options->http.retry_cap_ms};
    run->source = ql_source_files_new(&files);
    return ql_source_files_expand(run->source, err);
}
