/** What can be refused before a token is asked for or a byte is read: templates, credentials, tags, the target folder. */
#include "run/run_internal.h"

static bool needs_default_key(const struct ql_destination *destination) {
    return destination->path.len == 0 || destination->path.ptr[destination->path.len - 1] == '/';
}

/* The user's template, with the default key behind a destination that ends in '/'. */
static void destination_template(const struct ql_run_options *options, struct ql_buf *out) {
    ql_buf_put_str(out, options->destination.path);
    if (needs_default_key(&options->destination)) {
        ql_buf_put_str(out, options->default_key);
    }
}

enum ql_status ql_run_key(const struct ql_run_state *run, struct ql_buf *key, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    const struct ql_run_summary *summary = run->summary;
    if (options->destination.kind == QL_STORE_STDOUT) {
        return QL_OK;
    }
    struct ql_buf template = {0};
    destination_template(options, &template);
    struct ql_str head = {0};
    struct ql_str rendered = ql_buf_view(&template);
    /* A folder of the file system keeps its name as it is: only what follows its last '/' before the first '{' is a template.
     */
    if (options->destination.kind == QL_STORE_FILE) {
        const char *brace = rendered.len != 0 ? memchr(rendered.ptr, '{', rendered.len) : NULL;
        size_t literal = brace != NULL ? (size_t)(brace - rendered.ptr) : rendered.len;
        while (literal != 0 && rendered.ptr[literal - 1] != '/') {
            literal--;
        }
        head = (struct ql_str){.ptr = rendered.ptr, .len = literal};
        rendered = (struct ql_str){.ptr = rendered.ptr + literal, .len = rendered.len - literal};
    }
    const struct ql_key_values values = {
        .start_us = options->from_us != QL_TIME_NONE ? options->from_us : summary->first_us,
        .end_us = options->to_us != QL_TIME_NONE ? options->to_us : summary->last_us,
        .tz = options->timezone,
        .layout = ql_str_from(summary->layout),
        .source = options->source_name,
        .export_id = ql_str_from(summary->export_id),
        .version = options->version_tag,
    };
    ql_buf_put_str(key, head);
    enum ql_status status = ql_key_render(rendered, &values, key, err);
    ql_buf_fini(&template);
    return status;
}

static enum ql_status check_template(const struct ql_run_options *options, struct ql_err *err) {
    struct ql_buf template = {0};
    destination_template(options, &template);
    struct ql_str text = ql_buf_view(&template);
    if (options->destination.kind == QL_STORE_FILE) { /* as in ql_run_key */
        const char *brace = text.len != 0 ? memchr(text.ptr, '{', text.len) : NULL;
        while (brace != NULL && brace > text.ptr && brace[-1] != '/') {
            brace--;
        }
        text = brace != NULL ? (struct ql_str){.ptr = brace, .len = text.len - (size_t)(brace - text.ptr)} : (struct ql_str){0};
    }
    enum ql_status status = text.len != 0 ? ql_key_check(text, err) : QL_OK;
    ql_buf_fini(&template);
    return status;
}

/* Opening a file store makes its temporary file: if that works now, the folder is there and takes files. */
static enum ql_status probe_folder(const struct ql_run_state *run, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    bool is_known =
        options->from_us != QL_TIME_NONE || memchr(options->destination.path.ptr, '{', options->destination.path.len) == NULL;
    if (options->destination.kind != QL_STORE_FILE || options->destination.path.len == 0 || !is_known ||
        needs_default_key(&options->destination)) {
        return QL_OK;
    }
    struct ql_buf path = {0};
    struct ql_store *store = NULL;
    enum ql_status status = ql_run_key(run, &path, err);
    if (status == QL_OK) {
        status = ql_store_file_open(ql_buf_view(&path), true, &store, err);
    }
    ql_store_free(store);
    ql_buf_fini(&path);
    return status;
}

enum ql_status ql_run_check(struct ql_run_state *run, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    QL_TRY(check_template(options, err));
    if (options->destination.kind == QL_STORE_S3) {
        QL_TRY(ql_s3_check(&options->s3, options->destination.bucket, err));
    }
    QL_TRY(ql_tags_check(options->tags, options->n_tags, err));
    QL_TRY(probe_folder(run, err));
    return run->source->ops->prepare(run->source, err);
}
