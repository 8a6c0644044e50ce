/** What can be refused before a token is asked for or a byte is read: templates, credentials, tags, the target folder. */
#include "run/run_internal.h"
#include "source/regions.h"

#include <sys/stat.h>

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

/* What of a path is no template: all of it without a '{', else what comes before the part with the first one. A key of S3 is
 * one whole. */
static struct ql_str literal_head(const struct ql_run_options *options, struct ql_str text) {
    if (options->destination.kind != QL_STORE_FILE || text.len == 0) {
        return (struct ql_str){.ptr = text.ptr, .len = 0};
    }
    const char *brace = options->is_path_literal ? NULL : memchr(text.ptr, '{', text.len);
    size_t len = brace != NULL ? (size_t)(brace - text.ptr) : text.len;
    while (brace != NULL && len != 0 && text.ptr[len - 1] != '/') {
        len--;
    }
    return (struct ql_str){.ptr = text.ptr, .len = len};
}

static struct ql_key_values key_values(const struct ql_run_state *run, struct ql_str sha256) {
    const struct ql_run_options *options = run->options;
    const struct ql_run_summary *summary = run->summary;
    return (struct ql_key_values){
        .start_us = options->from_us != QL_TIME_NONE ? options->from_us : summary->first_us,
        .end_us = options->to_us != QL_TIME_NONE ? options->to_us : summary->last_us,
        .now_us = run->begun_us,
        .tz = options->timezone,
        .layout = ql_str_from(summary->layout),
        .source = options->source_name,
        .export_id = ql_str_from(summary->export_id),
        .version = options->version_tag,
        .org = options->org,
        .sha256 = sha256,
        .is_file = options->destination.kind == QL_STORE_FILE,
    };
}

static struct ql_str behind_literal_head(const struct ql_run_options *options, struct ql_str text) {
    size_t len = literal_head(options, text).len;
    return (struct ql_str){.ptr = text.ptr + len, .len = text.len - len};
}

/* Appends what the destination comes to with these values. */
static enum ql_status render(const struct ql_run_options *options, const struct ql_key_values *values, struct ql_buf *key,
                             struct ql_err *err) {
    struct ql_buf template = {0};
    destination_template(options, &template);
    struct ql_str text = behind_literal_head(options, ql_buf_view(&template));
    ql_buf_put(key, template.ptr, template.len - text.len);
    enum ql_status status = text.len != 0 ? ql_key_render(text, values, key, err) : QL_OK;
    ql_buf_fini(&template);
    return status;
}

enum ql_status ql_run_key(const struct ql_run_state *run, struct ql_str sha256, struct ql_buf *key, struct ql_err *err) {
    if (run->options->destination.kind == QL_STORE_STDOUT) {
        return QL_OK;
    }
    const struct ql_key_values values = key_values(run, sha256);
    return render(run->options, &values, key, err);
}

bool ql_run_has_late_key(const struct ql_run_state *run) {
    struct ql_buf template = {0};
    destination_template(run->options, &template);
    bool has = run->options->destination.kind == QL_STORE_S3 && ql_key_mentions(ql_buf_view(&template), "sha256");
    ql_buf_fini(&template);
    return has;
}

/* With what is known now, and something as long for what only the input or the server will tell. */
static enum ql_status check_template(const struct ql_run_state *run, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    struct ql_key_values values = key_values(run, QL_KEY_NO_SHA256);
    if (values.start_us == QL_TIME_NONE) {
        values.start_us = 0;
    }
    if (values.end_us == QL_TIME_NONE) {
        values.end_us = 0;
    }
    if (options->source != QL_RUN_FILES) {
        values.export_id = QL_STR("00000000-0000-0000-0000-000000000000");
    }
    if (options->destination.kind == QL_STORE_STDOUT) {
        return QL_OK;
    }
    struct ql_buf key = {0};
    struct ql_buf template = {0};
    enum ql_status status = render(options, &values, &key, err);
    if (status == QL_OK) {
        destination_template(options, &template);
        struct ql_str text = behind_literal_head(options, ql_buf_view(&template));
        status = ql_run_check_success_file(options, text, ql_buf_view(&key), err);
    }
    ql_buf_fini(&template);
    ql_buf_fini(&key);
    return status;
}

void ql_run_warn_of_key(struct ql_run_state *run) {
    struct ql_buf template = {0};
    struct ql_buf text = {0};
    if (run->options->destination.kind == QL_STORE_S3) {
        destination_template(run->options, &template);
        ql_key_warn(ql_buf_view(&template), &text);
    }
    if (text.len != 0) {
        ql_run_warn(run, "the key has characters that S3 advises against, because some tools do not take them: %s",
                    ql_buf_text(&text));
    }
    ql_buf_fini(&text);
    ql_buf_fini(&template);
}

/* Whether the path depends on nothing that only the input will tell: its first interval, the export's id. */
static bool is_path_known(const struct ql_run_options *options) {
    struct ql_buf template = {0};
    destination_template(options, &template);
    struct ql_str text = ql_buf_view(&template);
    bool is_known = options->is_path_literal || memchr(text.ptr, '{', text.len) == NULL ||
                    (options->from_us != QL_TIME_NONE && options->to_us != QL_TIME_NONE &&
                     memmem(text.ptr, text.len, "{export_id", strlen("{export_id")) == NULL);
    ql_buf_fini(&template);
    return is_known;
}

/* The same file by another name, a link for instance, is the same file; one that is not there is none. */
static bool is_same_file(struct ql_str a, struct ql_str b) {
    struct stat of_a;
    struct stat of_b;
    char *path_a = ql_mem_strndup(a.ptr, a.len);
    char *path_b = ql_mem_strndup(b.ptr, b.len);
    bool is_same = ql_str_eq(a, b);
    if (stat(path_a, &of_a) == 0 && stat(path_b, &of_b) == 0) {
        is_same = of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
    }
    ql_mem_free(path_a);
    ql_mem_free(path_b);
    return is_same;
}

static enum ql_status fail_same(const char *what, struct ql_str path, const char *other, struct ql_err *err) {
    (void)QL_FAIL(err, QL_E_USAGE, "%s '%.*s' is %s itself and would destroy it", what, QL_STR_ARG(path), other);
    ql_err_hint(err, "give it another name");
    return QL_E_USAGE;
}

static enum ql_status check_differs(const struct ql_run_state *run, struct ql_str output, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    bool has_quarantine = options->csv.on_bad_row == QL_BAD_ROW_QUARANTINE;
    if (has_quarantine && output.len != 0 && is_same_file(options->quarantine_path, output)) {
        return fail_same("the quarantine file", output, "the output", err);
    }
    size_t n_inputs = 0;
    bool has_files = options->source == QL_RUN_FILES && run->source != NULL; /* `check` goes on where they were refused */
    const struct ql_str *inputs = has_files ? ql_source_files_paths(run->source, &n_inputs) : NULL;
    for (size_t i = 0; i < n_inputs; i++) {
        struct ql_str input = inputs[i];
        if (ql_str_eq(input, QL_STR("-"))) {
            continue;
        }
        if (output.len != 0 && is_same_file(input, output)) {
            return fail_same("the output", output, "an input", err);
        }
        if (has_quarantine && is_same_file(input, options->quarantine_path)) {
            return fail_same("the quarantine file", options->quarantine_path, "an input", err);
        }
    }
    return QL_OK;
}

enum ql_status ql_run_check_files_differ(const struct ql_run_state *run, struct ql_str output, struct ql_err *err) {
    struct ql_buf beside = {0};
    enum ql_status status = check_differs(run, output, err);
    if (status == QL_OK && output.len != 0 && run->options->wants_manifest) {
        ql_buf_put_str(&beside, output);
        ql_run_put_manifest_path(&beside);
        status = check_differs(run, ql_buf_view(&beside), err);
    }
    if (status == QL_OK && output.len != 0 && run->options->wants_success_file) {
        ql_buf_reset(&beside);
        ql_buf_put_str(&beside, output);
        ql_run_put_success_path(&beside);
        status = check_differs(run, ql_buf_view(&beside), err);
    }
    ql_buf_fini(&beside);
    return status;
}

static bool has_folder(struct ql_str path) {
    while (path.len != 0 && path.ptr[path.len - 1] != '/') {
        path.len--;
    }
    struct stat folder;
    char *name = path.len != 0 ? ql_mem_strndup(path.ptr, path.len) : ql_mem_strdup(".");
    bool has = stat(name, &folder) == 0;
    ql_mem_free(name);
    return has;
}

/* Opening a file store makes its temporary file: if that works now, the folder takes files. */
static enum ql_status probe_file(struct ql_str path, struct ql_err *err) {
    struct ql_store *store = NULL;
    enum ql_status status = ql_store_file_open(path, false, &store, err);
    ql_store_free(store);
    return status;
}

/* --if-exists fail: the store decides, and only once the artefact is made; what can be seen now is said now. */
static enum ql_status check_is_free(const struct ql_run_options *options, struct ql_str path, struct ql_err *err) {
    struct stat status;
    char *name = ql_mem_strndup(path.ptr, path.len);
    bool is_there = options->if_exists == QL_IF_EXISTS_FAIL && stat(name, &status) == 0;
    ql_mem_free(name);
    return is_there ? QL_FAIL(err, QL_E_EXISTS, "'%.*s' exists already", QL_STR_ARG(path)) : QL_OK;
}

/* A folder that is not there yet is made when there is something to put into it. */
static enum ql_status probe_folder(const struct ql_run_state *run, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    if (options->destination.kind != QL_STORE_FILE || !is_path_known(options)) {
        return ql_run_check_files_differ(run, (struct ql_str){0}, err);
    }
    struct ql_buf path = {0};
    enum ql_status status = ql_run_key(run, QL_KEY_NO_SHA256, &path, err);
    if (status == QL_OK) {
        status = ql_run_check_files_differ(run, ql_buf_view(&path), err);
    }
    if (status == QL_OK) {
        status = check_is_free(options, ql_buf_view(&path), err);
    }
    bool has_place = status == QL_OK && has_folder((struct ql_str){.ptr = ql_buf_text(&path), .len = path.len});
    if (has_place) {
        status = probe_file(ql_buf_view(&path), err);
    }
    if (has_place && status == QL_OK && options->wants_manifest) {
        ql_run_put_manifest_path(&path);
        status = probe_file(ql_buf_view(&path), err);
    }
    if (has_place && status == QL_OK && options->wants_success_file) {
        ql_run_put_success_path(&path);
        status = probe_file(ql_buf_view(&path), err);
    }
    ql_buf_fini(&path);
    return status;
}

/* Found before anything is asked of Genesys Cloud; the provider keeps them. */
static enum ql_status find_credentials(const struct ql_run_state *run, struct ql_err *err) {
    const struct ql_aws_credentials_provider *provider = run->options->s3.credentials;
    if (run->s3 == NULL || provider == NULL) {
        return QL_OK;
    }
    struct ql_aws_credentials found = {.expires_us = QL_TIME_NONE};
    enum ql_status status = provider->get(provider->ctx, false, &found, err);
    ql_aws_credentials_fini(&found);
    return status;
}

/* A bucket of that name could be anyone's at AWS: S3 is told to refuse one of another account. */
static enum ql_status expect_own_bucket(const struct ql_run_state *run, struct ql_err *err) {
    struct ql_str bucket = run->options->destination.bucket;
    enum ql_status status = ql_s3_client_expect_own(run->s3, bucket, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "cannot make sure that bucket '%.*s', which is only a default name, is yours", QL_STR_ARG(bucket));
        ql_err_hint(err, "set S3_BUCKET to your bucket, or name its account with --expected-bucket-owner ID");
    }
    return status;
}

enum ql_status ql_run_check_destination(const struct ql_run_state *run, struct ql_err *err) {
    const struct ql_run_options *options = run->options;
    QL_TRY(check_template(run, err));
    if (options->destination.kind == QL_STORE_S3) {
        QL_TRY(ql_s3_check(&options->s3, options->destination.bucket, err));
    }
    QL_TRY(ql_tags_check(options->tags, options->n_tags, err));
    QL_TRY(probe_folder(run, err));
    QL_TRY(find_credentials(run, err));
    return options->expects_own_bucket ? expect_own_bucket(run, err) : QL_OK;
}

bool ql_run_has_unknown_region(const struct ql_run_options *options) {
    const struct ql_genesys_options *genesys = &options->genesys;
    bool is_used = genesys->login_url.len == 0 || genesys->api_url.len == 0;
    return options->source != QL_RUN_FILES && is_used && ql_region_find(genesys->environment) == NULL;
}

enum ql_status ql_run_check(struct ql_run_state *run, struct ql_err *err) {
    if (ql_run_has_unknown_region(run->options)) {
        ql_run_warn(run, "'%.*s' is no region that this version knows; its hosts are asked all the same",
                    QL_STR_ARG(run->options->genesys.environment));
    }
    run->n_early_warnings = run->summary->n_warnings;
    QL_TRY(ql_run_check_destination(run, err));
    return run->source->ops->prepare(run->source, err);
}
