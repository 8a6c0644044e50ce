/** From settings to the options of a run: texts become times, zones, destinations; what two settings say together is checked
 * here. */
#include "cli/job_internal.h"

#include "base/unicode.h"
#include "queuelake/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_DECIMALS = 9 };

/* Of what the server works out for us: half an hour, as Genesys Cloud's own views. */
static const int64_t DEFAULT_GRANULARITY_US = INT64_C(1800) * QL_US_PER_S;

/* "genesys-analytics-exports" could be anyone's bucket. */
#define DEFAULT_BUCKET "genesys-analytics-exports"

static enum ql_status parse_time(struct ql_str text, const char *flag, const struct ql_tz *tz, int64_t *us,
                                 struct ql_err *err) {
    struct ql_time_text time;
    if (!ql_time_parse_iso(text, &time)) {
        (void)QL_FAIL(err, QL_E_USAGE, "--%s '%.*s' is no date and no ISO 8601 time", flag, QL_STR_ARG(text));
        ql_err_hint(err, "write it as 2024-01-31 or 2024-01-31T09:30:00Z");
        return QL_E_USAGE;
    }
    int64_t local_us = ql_time_from_civil(&time.civil);
    if (time.has_offset) {
        *us = local_us - time.offset_s * QL_US_PER_S;
        return QL_OK;
    }
    if (ql_tz_to_utc(tz, local_us, us) == QL_TZ_SKIPPED) {
        return QL_FAIL(err, QL_E_USAGE, "--%s '%.*s' does not exist in the time zone: the clock jumps over it", flag,
                       QL_STR_ARG(text));
    }
    return QL_OK;
}

/* The day before today in the zone of windows. */
static enum ql_status yesterday(const struct ql_tz *tz, int64_t *from_us, int64_t *to_us, struct ql_err *err) {
    int64_t now_us = ql_time_now();
    struct ql_civil day;
    ql_time_to_civil(now_us + ql_tz_offset_at(tz, now_us) * QL_US_PER_S, &day);
    day.hour = day.minute = day.second = day.us = 0;
    int64_t midnight_us = ql_time_from_civil(&day);
    int64_t before_us = midnight_us - 86400 * QL_US_PER_S;
    if (ql_tz_to_utc(tz, midnight_us, to_us) == QL_TZ_SKIPPED || ql_tz_to_utc(tz, before_us, from_us) == QL_TZ_SKIPPED) {
        return QL_FAIL(err, QL_E_USAGE, "midnight does not exist in the time zone on that day; name --from and --to");
    }
    return QL_OK;
}

static enum ql_status set_range(struct ql_cli_job *job, const struct ql_settings *settings, bool has_default,
                                struct ql_err *err) {
    struct ql_run_options *options = &job->options;
    options->from_us = options->to_us = QL_TIME_NONE;
    if (settings->from.len != 0) {
        QL_TRY(parse_time(settings->from, "from", job->timezone, &options->from_us, err));
    }
    if (settings->to.len != 0) {
        QL_TRY(parse_time(settings->to, "to", job->timezone, &options->to_us, err));
    }
    if (has_default) {
        if (settings->from.len == 0 && settings->to.len == 0) {
            QL_TRY(yesterday(job->timezone, &options->from_us, &options->to_us, err));
        } else if (settings->from.len == 0 || settings->to.len == 0) {
            (void)QL_FAIL(err, QL_E_USAGE, "--%s needs --%s beside it", settings->from.len != 0 ? "from" : "to",
                          settings->from.len != 0 ? "to" : "from");
            ql_err_hint(err, "the range is half-open: --from 2024-01-01 --to 2024-01-02 is one day");
            return QL_E_USAGE;
        }
    }
    if (options->from_us != QL_TIME_NONE && options->to_us != QL_TIME_NONE && options->from_us >= options->to_us) {
        (void)QL_FAIL(err, QL_E_USAGE, "--from '%.*s' is not before --to '%.*s'", QL_STR_ARG(settings->from),
                      QL_STR_ARG(settings->to));
        ql_err_hint(err, "the range is half-open: --from 2024-01-01 --to 2024-01-02 is one day");
        return QL_E_USAGE;
    }
    return QL_OK;
}

struct ql_http_options ql_cli_http_options(const struct ql_settings *settings) {
    return (struct ql_http_options){
        .user_agent = QL_STR("queuelake/" QUEUELAKE_VERSION),
        .ca_file = settings->ca_file,
        .proxy = settings->https_proxy,
        .no_proxy = settings->no_proxy,
        .connect_timeout_ms = settings->connect_timeout,
        .request_timeout_ms = settings->request_timeout,
        .stall_bytes_per_s = settings->stall_bytes,
        .stall_ms = settings->stall_time,
        .max_header_bytes = (size_t)settings->max_header_bytes,
        .max_body_bytes = (size_t)settings->max_body_bytes,
        .max_stream_bytes = settings->max_download_bytes,
        .max_redirects = (int)settings->max_redirects,
        .allow_http = settings->allow_http,
        .allow_private_redirects = settings->allow_private_redirects,
        .max_attempts = (int)settings->attempts,
        .retry_base_ms = settings->retry_base,
        .retry_cap_ms = settings->retry_cap,
        .rate_wait_ms = settings->rate_wait,
        .is_cancelled = &ql_cli_signal,
    };
}

static void set_csv(struct ql_cli_job *job, const struct ql_settings *settings, int64_t granularity_us) {
    struct ql_run_options *options = &job->options;
    static const char DELIMITERS[] = {
        [QL_SET_DELIMITER_AUTO] = '\0', [QL_SET_DELIMITER_COMMA] = ',', [QL_SET_DELIMITER_SEMICOLON] = ';',
        [QL_SET_DELIMITER_TAB] = '\t',  [QL_SET_DELIMITER_PIPE] = '|',
    };
    struct ql_csv_alias *aliases = ql_arena_alloc(&job->arena, settings->n_aliases * sizeof *aliases);
    for (size_t i = 0; i < settings->n_aliases; i++) {
        const struct ql_setting_alias *alias = &settings->aliases[i];
        aliases[i] =
            (struct ql_csv_alias){.from = alias->from, .to = alias->to, .multiply = alias->multiply, .divide = alias->divide};
    }
    options->csv = (struct ql_csv_options){
        .delimiter = DELIMITERS[settings->delimiter],
        .encoding = settings->encoding,
        .tz = job->csv_timezone,
        .dates = (enum ql_csv_dates)settings->csv_dates,
        .ambiguous_dates =
            options->source == QL_RUN_REPORTING ? ql_csv_dates_of_locale(settings->report_locale) : QL_CSV_DATES_AUTO,
        .accept_partial = settings->accept_partial,
        .decimal_comma = settings->decimal_comma,
        .granularity_us = granularity_us,
        .from_us = options->from_us,
        .to_us = options->to_us,
        .aliases = aliases,
        .n_aliases = settings->n_aliases,
        .allow_unsized = settings->allow_unsized,
        .on_bad_row = (enum ql_bad_row_policy)settings->on_bad_row,
        .max_bad_rows = settings->max_bad_rows,
        .limits = {.max_field_bytes = (size_t)settings->max_field_bytes,
                   .max_row_bytes = (size_t)settings->max_row_bytes,
                   .max_columns = (size_t)settings->max_columns,
                   .max_rows = settings->max_rows,
                   .max_decoded_bytes = settings->max_decoded_bytes,
                   .max_ratio = settings->max_ratio},
    };
}

static void set_plan(struct ql_cli_job *job, const struct ql_settings *settings) {
    struct ql_metric_def *metrics = ql_arena_alloc(&job->arena, settings->n_metric_defs * sizeof *metrics);
    for (size_t i = 0; i < settings->n_metric_defs; i++) {
        const struct ql_setting_metric *m = &settings->metric_defs[i];
        metrics[i] = (struct ql_metric_def){.name = m->name,
                                            .column = m->column,
                                            .weight = m->weight,
                                            .agg = m->agg,
                                            .type = m->type,
                                            .has_idle = m->has_idle,
                                            .idle = m->idle,
                                            .where = m->where};
    }
    struct ql_kpi_def *kpis = ql_arena_alloc(&job->arena, settings->n_kpi_defs * sizeof *kpis);
    for (size_t i = 0; i < settings->n_kpi_defs; i++) {
        const struct ql_setting_kpi *k = &settings->kpi_defs[i];
        kpis[i] = (struct ql_kpi_def){
            .name = k->name, .expression = k->expression, .has_idle = k->has_idle, .idle = k->idle, .where = k->where};
    }
    job->options.plan = (struct ql_plan_request){
        .profile = (enum ql_profile)settings->profile,
        .source = job->options.source == QL_RUN_AGGREGATES ? QL_METRICS_OF_AGGREGATES : QL_METRICS_OF_CSV,
        .wants_raw_sums = settings->raw_sums,
        .metrics = settings->metrics.is_set ? settings->metrics.items : NULL,
        .n_metrics = settings->metrics.is_set ? settings->metrics.n : 0,
        .metric_defs = metrics,
        .n_metric_defs = settings->n_metric_defs,
        .kpi_defs = kpis,
        .n_kpi_defs = settings->n_kpi_defs,
    };
}

static enum ql_status set_layout(struct ql_cli_job *job, const struct ql_settings *settings, int64_t granularity_us,
                                 struct ql_err *err) {
    struct ql_run_options *options = &job->options;
    bool is_pandas = settings->profile == QL_PROFILE_PANDAS;
    bool is_wide = settings->layout == QL_SET_LAYOUT_WIDE;
    if (is_pandas && !is_wide) {
        return QL_FAIL(err, QL_E_USAGE, "--profile pandas has the layout wide only, as the script that it stands for");
    }
    if (settings->totals && !is_wide) {
        (void)QL_FAIL(err, QL_E_USAGE, "--totals goes with --layout wide only: elsewhere it would double every sum");
        ql_err_hint(err, "leave --totals out, or say --layout wide");
        return QL_E_USAGE;
    }
    int64_t digits = -1;
    if (!ql_str_eq(settings->round, QL_STR("none"))) {
        (void)ql_str_to_i64(settings->round, &digits); /* config has checked it */
    }
    /* The script rounds nothing and keeps names; both can be asked for all the same. */
    digits = is_pandas && !ql_settings_is_set(settings, QL_SETTING_round) ? -1 : digits;
    bool has_decimal_rates = settings->rates == QL_SET_RATES_DECIMAL;
    if (has_decimal_rates && (digits < 0 || digits > MAX_DECIMALS)) {
        (void)QL_FAIL(err, QL_E_USAGE, "--rates decimal needs --round 0 to %d, which says how many decimals they have",
                      MAX_DECIMALS);
        ql_err_hint(err, "say --round 4, or leave --rates out");
        return QL_E_USAGE;
    }
    options->output =
        (struct ql_plan_output){.round_digits = (int)digits, .empty_is_null = settings->empty == QL_SET_EMPTY_NULL};
    options->layout = (struct ql_layout_options){
        .layout = (enum ql_layout)settings->layout,
        .names = is_pandas && !ql_settings_is_set(settings, QL_SETTING_names) ? QL_NAMES_RAW : (enum ql_names)settings->names,
        .is_pandas = is_pandas,
        .has_all_cells = settings->cells == QL_SET_CELLS_ALL,
        .has_decimal_rates = has_decimal_rates,
        .max_columns = (size_t)settings->max_output_columns,
    };
    options->pivot = (struct ql_pivot_options){
        .by_interval_text = is_pandas,
        .fills_gaps = settings->gaps == QL_SET_GAPS_FILL,
        .has_totals = settings->totals,
        .granularity_us = granularity_us,
        .from_us = options->from_us,
        .to_us = options->to_us,
        .overlap = (enum ql_overlap)settings->overlap,
        .max_memory = (size_t)(settings->memory_limit / 4), /* the rest: row groups, blocks of text, what encodes */
        .temp_dir = settings->temp_dir,
    };
    /* The parts of a reporting export share no cell but of queues that have one name. */
    if (options->source == QL_RUN_REPORTING && !ql_settings_is_set(settings, QL_SETTING_overlap)) {
        options->pivot.overlap = QL_OVERLAP_SUM;
    }
    options->columns_by = (enum ql_columns_by)settings->columns_by;
    return QL_OK;
}

/* One name a line; blank lines are none. */
static enum ql_status read_queues(struct ql_cli_job *job, struct ql_str path, struct ql_err *err) {
    char *name = ql_mem_strndup(path.ptr, path.len);
    FILE *file = fopen(name, "re");
    int cause = errno;
    ql_mem_free(name);
    if (file == NULL) {
        return ql_err_set_errno(err, QL_E_NO_INPUT, cause, "reading the queues from '%.*s'", QL_STR_ARG(path));
    }
    struct ql_buf text = {0};
    size_t got;
    while ((got = fread(ql_buf_reserve(&text, 65536), 1, 65536, file)) > 0) {
        text.len += got;
    }
    bool failed = ferror(file) != 0;
    (void)fclose(file); /* only read from */
    struct ql_str rest = ql_buf_view(&text);
    bool is_text = ql_utf8_is_valid(rest) && (rest.len == 0 || memchr(rest.ptr, '\0', rest.len) == NULL);
    if (ql_str_has_prefix(rest, "\xef\xbb\xbf")) {
        rest = (struct ql_str){.ptr = rest.ptr + 3, .len = rest.len - 3};
    }
    struct ql_str *queues = ql_arena_alloc(&job->arena, (rest.len + 1) * sizeof *queues);
    size_t n = 0;
    while (rest.len != 0) {
        struct ql_str line = ql_str_split(rest, '\n', &rest);
        if (line.len != 0 && line.ptr[line.len - 1] == '\r') {
            line.len--;
        }
        if (line.len != 0) {
            queues[n++] = (struct ql_str){.ptr = ql_arena_copy(&job->arena, line.ptr, line.len), .len = line.len};
        }
    }
    ql_buf_fini(&text);
    if (failed) {
        return QL_FAIL(err, QL_E_NO_INPUT, "the file of queues '%.*s' cannot be read", QL_STR_ARG(path));
    }
    if (n == 0 || !is_text) {
        (void)QL_FAIL(err, QL_E_DATA, "the file of queues '%.*s' %s", QL_STR_ARG(path),
                      n == 0 ? "names no queue" : "is not UTF-8 text");
        ql_err_hint(err, "write one queue name a line, in UTF-8");
        return QL_E_DATA;
    }
    job->options.queues = queues;
    job->options.n_queues = n;
    return QL_OK;
}

/* <first input without .csv, .gz, .zst>.parquet, beside the input. */
static struct ql_str output_beside(struct ql_cli_job *job, struct ql_str input) {
    static const char *const ENDINGS[] = {".gz", ".zst", ".csv"};
    while (input.len > 1 && input.ptr[input.len - 1] == '/') { /* a folder */
        input.len--;
    }
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        size_t len = strlen(ENDINGS[i]);
        if (input.len > len && ql_str_has_suffix(input, ENDINGS[i]) && input.ptr[input.len - len - 1] != '/') {
            input.len -= len;
        }
    }
    struct ql_buf text = {0};
    ql_buf_put_str(&text, input);
    ql_buf_puts(&text, ".parquet");
    struct ql_str out = {.ptr = ql_arena_copy(&job->arena, text.ptr, text.len), .len = text.len};
    ql_buf_fini(&text);
    return out;
}

/* A pattern stands for many files, and an object is on no disk. */
static bool has_place_beside(struct ql_str input) {
    struct stat info;
    char *name = ql_mem_strndup(input.ptr, input.len);
    bool is_there = stat(name, &info) == 0;
    ql_mem_free(name);
    bool is_pattern = !is_there && (memchr(input.ptr, '*', input.len) != NULL || memchr(input.ptr, '?', input.len) != NULL);
    return !is_pattern && !ql_str_has_prefix(input, "s3://");
}

static struct ql_str joined(struct ql_cli_job *job, struct ql_str a, const char *b, struct ql_str c) {
    struct ql_buf text = {0};
    ql_buf_put_str(&text, a);
    ql_buf_puts(&text, b);
    ql_buf_put_str(&text, c);
    struct ql_str out = {.ptr = ql_arena_copy(&job->arena, text.ptr, text.len), .len = text.len};
    ql_buf_fini(&text);
    return out;
}

/* A key by day would send two windows of one day to one object. */
static struct ql_str default_key(const struct ql_cli_job *job, const struct ql_settings *settings) {
    const struct ql_run_options *options = &job->options;
    bool is_under_a_day = options->from_us != QL_TIME_NONE && options->to_us != QL_TIME_NONE &&
                          options->to_us - options->from_us < 23 * 3600 * QL_US_PER_S; /* the shortest day of summer time */
    if (is_under_a_day && !ql_settings_is_set(settings, QL_SETTING_s3_key)) {
        return QL_STR("queue_metrics/{start:%Y-%m-%dT%H%MZ}.parquet");
    }
    return settings->s3_key;
}

/* Nothing else has a place there. */
static enum ql_status check_standard_output(const struct ql_settings *settings, struct ql_err *err) {
    if (settings->manifest || settings->success_file) {
        const char *flag = settings->manifest ? "--manifest" : "--success-file";
        (void)QL_FAIL(err, QL_E_USAGE, "%s has no place beside standard output", flag);
        ql_err_hint(err, "give the artefact a name with -o, or leave %s out", flag);
        return QL_E_USAGE;
    }
    if (settings->json) {
        (void)QL_FAIL(err, QL_E_USAGE, "--json and the Parquet file both want standard output");
        ql_err_hint(err, "give the artefact a name with -o, or leave --json out");
        return QL_E_USAGE;
    }
    return QL_OK;
}

static enum ql_status set_destination(struct ql_cli_job *job, const struct ql_settings *settings, struct ql_err *err) {
    struct ql_run_options *options = &job->options;
    struct ql_str text = settings->output;
    bool is_transform = options->source == QL_RUN_FILES;
    if (text.len == 0 && ql_settings_is_set(settings, QL_SETTING_output)) {
        (void)QL_FAIL(err, QL_E_USAGE, "the output is set to nothing");
        ql_err_hint(err, "give -o a value (is a variable empty?), or leave it out");
        return QL_E_USAGE;
    }
    if (ql_str_has_prefix(text, "~/")) {
        (void)QL_FAIL(err, QL_E_USAGE, "the output '%.*s' begins with '~', which no shell has replaced", QL_STR_ARG(text));
        ql_err_hint(err, "write the path out");
        return QL_E_USAGE;
    }
    if (text.len == 0 && is_transform && !has_place_beside(options->paths[0])) {
        (void)QL_FAIL(err, QL_E_USAGE, "there is no place beside '%.*s' for the output", QL_STR_ARG(options->paths[0]));
        ql_err_hint(err, "say where it goes with -o");
        return QL_E_USAGE;
    }
    if (text.len == 0 && is_transform) {
        text = ql_str_eq(options->paths[0], QL_STR("-")) ? QL_STR("-") : output_beside(job, options->paths[0]);
        options->is_path_literal = true;
        options->destination = (struct ql_destination){
            .kind = text.len == 1 && text.ptr[0] == '-' ? QL_STORE_STDOUT : QL_STORE_FILE, .path = text};
    } else if (text.len == 0) {
        options->destination =
            (struct ql_destination){.kind = QL_STORE_S3, .bucket = settings->s3_bucket, .path = default_key(job, settings)};
    } else {
        QL_TRY(ql_destination_parse(text, &options->destination, err));
    }
    options->default_key = default_key(job, settings);
    options->if_exists = (enum ql_if_exists)settings->if_exists;
    return options->destination.kind == QL_STORE_STDOUT ? check_standard_output(settings, err) : QL_OK;
}

static bool uses_s3(const struct ql_run_options *options) {
    bool uses = options->destination.kind == QL_STORE_S3;
    for (size_t i = 0; i < options->n_paths; i++) {
        uses = uses || ql_str_has_prefix(options->paths[i], "s3://");
    }
    return uses;
}

/* AWS by its own name is AWS, however it was named. */
static bool is_aws(struct ql_str endpoint) {
    struct ql_str host = endpoint;
    const char *begin = endpoint.len != 0 ? memmem(endpoint.ptr, endpoint.len, "://", 3) : NULL;
    if (begin != NULL) {
        host = (struct ql_str){.ptr = begin + 3, .len = endpoint.len - (size_t)(begin + 3 - endpoint.ptr)};
    }
    size_t len = 0;
    while (len < host.len && strchr(":/?#", host.ptr[len]) == NULL) {
        len++;
    }
    while (len != 0 && host.ptr[len - 1] == '.') {
        len--;
    }
    static const char *const DOMAINS[] = {"amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "api.aws"};
    for (size_t i = 0; i < sizeof DOMAINS / sizeof DOMAINS[0]; i++) {
        struct ql_str domain = ql_str_from(DOMAINS[i]);
        if (len >= domain.len &&
            ql_str_eq_nocase((struct ql_str){.ptr = host.ptr + len - domain.len, .len = domain.len}, domain)) {
            return true;
        }
    }
    return endpoint.len == 0;
}

static enum ql_status split_pairs(struct ql_cli_job *job, const struct ql_list *list, const struct ql_tag **pairs,
                                  struct ql_err *err) {
    struct ql_tag *made = ql_arena_alloc(&job->arena, list->n * sizeof *made);
    for (size_t i = 0; i < list->n; i++) {
        made[i].key = ql_str_split(list->items[i], '=', &made[i].value);
        if (made[i].value.ptr == NULL) {
            return QL_FAIL(err, QL_E_USAGE, "'%.*s' is not KEY=VALUE", QL_STR_ARG(list->items[i]));
        }
    }
    *pairs = made;
    return QL_OK;
}

/* $XDG_STATE_HOME/queuelake, else ~/.local/state/queuelake (XDG Base Directory Specification); empty: neither is known. */
static struct ql_str state_dir(struct ql_cli_job *job, const struct ql_settings *settings) {
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (settings->state_dir.len != 0) {
        return settings->state_dir;
    }
    if (state != NULL && state[0] == '/') { /* a relative one is to be ignored */
        return joined(job, ql_str_from(state), "/queuelake", (struct ql_str){0});
    }
    return home != NULL && home[0] == '/' ? joined(job, ql_str_from(home), "/.local/state/queuelake", (struct ql_str){0})
                                          : (struct ql_str){0};
}

/* How objects are stored, beside where. */
static enum ql_status set_upload(struct ql_cli_job *job, const struct ql_settings *settings, struct ql_err *err) {
    static const char *const ENCRYPTIONS[] = {[QL_SET_S3_ENCRYPTION_AES256] = "AES256",
                                              [QL_SET_S3_ENCRYPTION_KMS] = "aws:kms",
                                              [QL_SET_S3_ENCRYPTION_KMS_DSSE] = "aws:kms:dsse",
                                              [QL_SET_S3_ENCRYPTION_NONE] = "none"};
    struct ql_s3_options *s3 = &job->options.s3;
    s3->content_type = settings->s3_content_type;
    s3->cache_control = settings->s3_cache_control;
    s3->storage_class = settings->s3_storage_class;
    s3->acl = settings->s3_acl;
    s3->is_requester_pays = settings->s3_requester_pays;
    s3->server_side_encryption = ql_str_from(ENCRYPTIONS[settings->s3_encryption]);
    s3->kms_key = settings->s3_kms_key;
    s3->n_kms_context = settings->s3_kms_context.n;
    s3->uses_bucket_key = settings->s3_bucket_key;
    s3->checksum = (enum ql_checksum_kind)settings->checksum;
    s3->multipart_threshold = settings->s3_multipart_threshold;
    s3->part_size = settings->s3_part_size;
    s3->concurrency = (int)settings->s3_concurrency;
    s3->hashes_first = settings->s3_hash_first;
    s3->state_dir = state_dir(job, settings);
    return split_pairs(job, &settings->s3_kms_context, &s3->kms_context, err);
}

struct ql_s3_options ql_cli_s3_options(const struct ql_settings *settings) {
    static const enum ql_s3_addressing ADDRESSING[] = {[QL_SET_S3_ADDRESSING_AUTO] = QL_S3_ADDRESSING_AUTO,
                                                       [QL_SET_S3_ADDRESSING_VIRTUAL] = QL_S3_ADDRESSING_VIRTUAL,
                                                       [QL_SET_S3_ADDRESSING_PATH] = QL_S3_ADDRESSING_PATH};
    return (struct ql_s3_options){
        .region = settings->aws_region,
        .endpoint = settings->aws_endpoint_url,
        .sts_endpoint = settings->sts_endpoint_url,
        .addressing = ADDRESSING[settings->s3_addressing],
        .uses_dual_stack = settings->s3_dual_stack,
        .uses_fips = settings->s3_fips,
        .has_no_tags = settings->s3_tagging == QL_SET_S3_TAGGING_NONE,
        .max_attempts = (int)settings->attempts,
        .retry_base_ms = settings->retry_base,
        .retry_cap_ms = settings->retry_cap,
        .expected_bucket_owner = settings->expected_bucket_owner,
        .allow_http = settings->allow_http,
        .temp_dir = settings->temp_dir,
    };
}

static enum ql_status set_s3(struct ql_cli_job *job, const struct ql_settings *settings, struct ql_err *err) {
    struct ql_run_options *options = &job->options;
    options->s3 = ql_cli_s3_options(settings);
    QL_TRY(set_upload(job, settings, err));
    QL_TRY(split_pairs(job, &settings->tag, &options->tags, err));
    options->n_tags = settings->tag.n;
    options->expects_own_bucket = options->destination.kind == QL_STORE_S3 &&
                                  ql_str_eq(options->destination.bucket, QL_STR(DEFAULT_BUCKET)) &&
                                  is_aws(settings->aws_endpoint_url) && settings->expected_bucket_owner.len == 0;
    return uses_s3(options) ? ql_cli_aws_init(&job->aws, settings, &options->s3, err) : QL_OK;
}

static struct ql_str quarantine_path(struct ql_cli_job *job, const struct ql_settings *settings) {
    const struct ql_destination *destination = &job->options.destination;
    if (settings->quarantine_file.len != 0) {
        return settings->quarantine_file;
    }
    bool is_plain = destination->kind == QL_STORE_FILE && destination->path.len != 0 &&
                    memchr(destination->path.ptr, '{', destination->path.len) == NULL &&
                    destination->path.ptr[destination->path.len - 1] != '/';
    if (!is_plain) {
        return QL_STR("queuelake.bad-rows.csv");
    }
    struct ql_str stem = destination->path;
    stem.len -= ql_str_has_suffix(stem, ".parquet") ? strlen(".parquet") : 0;
    return joined(job, stem, ".bad-rows.csv", (struct ql_str){0});
}

static enum ql_status fill(struct ql_cli_job *job, const char *command, const struct ql_settings *settings,
                           struct ql_err *err) {
    struct ql_run_options *options = &job->options;
    bool is_check = strcmp(command, "check") == 0;
    QL_TRY(ql_cli_job_choose_source(job, command, settings, err));
    bool is_genesys = options->source != QL_RUN_FILES;
    options->paths = settings->args;
    options->n_paths = settings->n_args;
    options->max_downloads = (int)settings->download_attempts;
    if (options->source == QL_RUN_FILES && settings->n_args == 0) {
        (void)QL_FAIL(err, QL_E_USAGE, "no input is named");
        ql_err_hint(err, "queuelake transform export.csv, or 'queuelake transform -' for standard input");
        return QL_E_USAGE;
    }
    if (settings->quarantine_file.len != 0 && settings->on_bad_row != QL_SET_ON_BAD_ROW_QUARANTINE) {
        (void)QL_FAIL(err, QL_E_USAGE, "--quarantine-file '%.*s' is not used", QL_STR_ARG(settings->quarantine_file));
        ql_err_hint(err, "say --on-bad-row quarantine as well");
        return QL_E_USAGE;
    }
    QL_TRY(ql_tz_open(settings->timezone, &job->timezone, err));
    QL_TRY(ql_tz_open(settings->csv_timezone, &job->csv_timezone, err));
    options->timezone = job->timezone;
    options->csv_timezone = settings->csv_timezone;
    options->version_tag = settings->version_tag;
    options->org = settings->org;
    options->wants_manifest = settings->manifest;
    options->wants_success_file = settings->success_file;
    options->embeds_provenance = settings->embed_provenance;
    options->wants_source_sha256 = settings->source_sha256;
    options->n_threads = (size_t)settings->threads;
    static const enum ql_codec CODECS[] = {[QL_SET_COMPRESSION_SNAPPY] = QL_CODEC_SNAPPY,
                                           [QL_SET_COMPRESSION_ZSTD] = QL_CODEC_ZSTD,
                                           [QL_SET_COMPRESSION_NONE] = QL_CODEC_NONE};
    options->parquet = (struct ql_parquet_options){.codec = CODECS[settings->compression],
                                                   .level = (int)settings->compression_level,
                                                   .compat = (enum ql_parquet_compat)settings->parquet_compat};
    QL_TRY(set_range(job, settings, is_genesys, err));
    options->http = ql_cli_http_options(settings);
    options->is_cancelled = &ql_cli_signal;
    int64_t granularity_us = settings->granularity;
    if ((options->source == QL_RUN_AGGREGATES || options->source == QL_RUN_REPORTING) && granularity_us == 0) {
        granularity_us = DEFAULT_GRANULARITY_US;
    }
    if (is_genesys) {
        QL_TRY(ql_cli_job_set_source(job, !is_check, granularity_us, settings, err)); /* check has a line for the client */
    }
    set_csv(job, settings, granularity_us);
    set_plan(job, settings);
    QL_TRY(set_layout(job, settings, granularity_us, err));
    QL_TRY(set_destination(job, settings, err));
    enum ql_status status = set_s3(job, settings, is_check ? &job->destination_err : err);
    QL_TRY(is_check ? QL_OK : status);
    options->quarantine_path = quarantine_path(job, settings);
    return settings->queues_from.len != 0 ? read_queues(job, settings->queues_from, err) : QL_OK;
}

enum ql_status ql_cli_job_init(struct ql_cli_job *job, const char *command, const struct ql_settings *settings,
                               struct ql_err *err) {
    *job = (struct ql_cli_job){0};
    QL_TRY(fill(job, command, settings, err));
    QL_TRY(ql_cli_cpu(&job->cpu, err));
    job->options.csv.cpu = &job->cpu;
    return QL_OK;
}

void ql_cli_job_fini(struct ql_cli_job *job) {
    ql_tz_free(job->timezone);
    ql_tz_free(job->csv_timezone);
    ql_cli_aws_fini(&job->aws);
    ql_arena_fini(&job->arena);
    *job = (struct ql_cli_job){0};
}
