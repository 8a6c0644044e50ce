/**
 * --success-file: an empty _SUCCESS in the artefact's folder, as Hadoop's jobs leave it, says that the folder is complete.
 *
 * It is the last thing that a run stores. A folder that several windows share would be called complete by the first of them, so
 * such a template is refused before anything is asked for or read.
 */
#include "run/run_internal.h"

#define FILE_NAME "_SUCCESS"

static const int64_t DAY_US = 86400 * QL_US_PER_S;

/* Behind the last '/'; 0: there is none. */
static size_t folder_len(struct ql_str path) {
    size_t len = path.len;
    while (len != 0 && path.ptr[len - 1] != '/') {
        len--;
    }
    return len;
}

void ql_run_put_success_path(struct ql_buf *path) {
    path->len = folder_len(ql_buf_view(path));
    ql_buf_puts(path, FILE_NAME);
}

static void hint_window_folder(const struct ql_run_options *options, int64_t length_us, struct ql_err *err) {
    const struct ql_destination *destination = &options->destination;
    bool is_s3 = destination->kind == QL_STORE_S3;
    ql_err_hint(err, "put the artefact into a folder of its window, as in -o '%s%.*s/%s/part-0.parquet'",
                is_s3 ? "s3://" : "lake", QL_STR_ARG(destination->bucket),
                length_us >= DAY_US ? "date={start:%Y-%m-%d}" : "window={start}");
}

/* Windows by the calendar differ in length: a day of summer time has 23 hours, February 28 days, a year 365. An eighth more
 * makes each the longest of its kind, and no other. */
static int64_t window_step_us(const struct ql_run_options *options) {
    if (options->from_us == QL_TIME_NONE || options->to_us == QL_TIME_NONE) {
        return DAY_US;
    }
    int64_t length_us = options->to_us - options->from_us;
    int64_t step_us = length_us + length_us / 8;
    return step_us > QL_US_PER_S ? step_us : QL_US_PER_S;
}

static enum ql_status check_window(const struct ql_run_options *options, struct ql_str template, struct ql_err *err) {
    if (!ql_key_mentions(template, "start") && !ql_key_mentions(template, "end")) {
        return QL_OK; /* whoever names the windows in another way names the folders too */
    }
    struct ql_buf folder = {0};
    ql_key_put_folder(template, &folder);
    int64_t length_us = window_step_us(options);
    enum ql_status status = ql_key_distinguishes(ql_buf_view(&folder), length_us, options->timezone, NULL);
    ql_buf_fini(&folder);
    if (status != QL_OK) {
        (void)QL_FAIL(err, QL_E_CONFIG,
                      "'%.*s' would put several windows into one folder, and --success-file call it complete "
                      "after the first",
                      QL_STR_ARG(template));
        hint_window_folder(options, length_us, err);
    }
    return status;
}

enum ql_status ql_run_check_success_file(const struct ql_run_options *options, struct ql_str template, struct ql_str key,
                                         struct ql_err *err) {
    if (!options->wants_success_file) {
        return QL_OK;
    }
    size_t len = folder_len(key);
    if (len == 0) {
        (void)QL_FAIL(err, QL_E_USAGE, "--success-file needs a folder, and '%.*s' is in none", QL_STR_ARG(key));
        hint_window_folder(options, window_step_us(options), err);
        return QL_E_USAGE;
    }
    if (ql_str_eq((struct ql_str){.ptr = key.ptr + len, .len = key.len - len}, QL_STR(FILE_NAME))) {
        (void)QL_FAIL(err, QL_E_USAGE, "the output '%.*s' has the name of the file that --success-file writes",
                      QL_STR_ARG(key));
        ql_err_hint(err, "give it another name");
        return QL_E_USAGE;
    }
    return check_window(options, template, err);
}

enum ql_status ql_run_write_success_file(struct ql_run_state *run, struct ql_err *err) {
    if (!run->options->wants_success_file) {
        return QL_OK;
    }
    struct ql_buf path = {0};
    ql_run_put_stored_path(run, &path);
    ql_run_put_success_path(&path);
    enum ql_status status =
        ql_run_store_beside(run, FILE_NAME, ql_buf_view(&path), QL_STR(""), run->summary->success_file, err);
    ql_buf_fini(&path);
    return status;
}
