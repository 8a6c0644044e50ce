/** The part of a job that says where rows come from: the source, the client, and the options of each contract. */
#include "cli/job_internal.h"

#include "source/regions.h"

#include <stdio.h>

/* ---- which source */

static const char *const SOURCE_NAMES[] = {[QL_RUN_AGGREGATES] = "aggregates",
                                           [QL_RUN_REPORTING] = "reporting",
                                           [QL_RUN_EXPORTS] = "exports",
                                           [QL_RUN_FILES] = "file"};

static enum ql_run_source source_of(const char *command, const struct ql_settings *settings) {
    static const enum ql_run_source SOURCES[] = {[QL_SET_SOURCE_AGGREGATES] = QL_RUN_AGGREGATES,
                                                 [QL_SET_SOURCE_REPORTING] = QL_RUN_REPORTING,
                                                 [QL_SET_SOURCE_EXPORTS] = QL_RUN_EXPORTS,
                                                 [QL_SET_SOURCE_FILE] = QL_RUN_FILES};
    bool has_source = strcmp(command, "run") == 0 || strcmp(command, "check") == 0;
    return has_source ? SOURCES[settings->source] : QL_RUN_FILES;
}

#define BIT(source) (1u << (source))

/* Settings that only some sources understand. What narrows a run must not be left out in silence by another one. */
static const struct own_setting {
    const char *flag;
    enum ql_setting_id id;
    unsigned sources;
    bool is_filter;
} OWN[] = {
    {"queues", QL_SETTING_queues, BIT(QL_RUN_AGGREGATES) | BIT(QL_RUN_REPORTING), true},
    {"media-types", QL_SETTING_media_types, BIT(QL_RUN_AGGREGATES) | BIT(QL_RUN_REPORTING), true},
    {"directions", QL_SETTING_directions, BIT(QL_RUN_AGGREGATES) | BIT(QL_RUN_REPORTING), true},
    {"divisions", QL_SETTING_divisions, BIT(QL_RUN_AGGREGATES) | BIT(QL_RUN_REPORTING), true},
    {"by", QL_SETTING_by, BIT(QL_RUN_AGGREGATES), false},
    {"raw-sums", QL_SETTING_raw_sums, BIT(QL_RUN_AGGREGATES), false},
    {"aggregates", QL_SETTING_aggregates, BIT(QL_RUN_AGGREGATES), false},
    {"report-view", QL_SETTING_report_view, BIT(QL_RUN_REPORTING), false},
    {"report-locale", QL_SETTING_report_locale, BIT(QL_RUN_REPORTING), false},
    {"report-columns", QL_SETTING_report_columns, BIT(QL_RUN_REPORTING), false},
    {"delete-export", QL_SETTING_delete_export, BIT(QL_RUN_REPORTING), false},
    {"max-exports", QL_SETTING_max_exports, BIT(QL_RUN_REPORTING), false},
    {"export-group-by", QL_SETTING_export_group_by, BIT(QL_RUN_EXPORTS), false},
    {"export-metrics", QL_SETTING_export_metrics, BIT(QL_RUN_EXPORTS), false},
    {"export-granularity", QL_SETTING_export_granularity, BIT(QL_RUN_EXPORTS), false},
};

static enum ql_status fail_foreign(const struct own_setting *setting, struct ql_err *err) {
    char names[40] = "";
    size_t len = 0;
    for (unsigned source = 0; source < sizeof SOURCE_NAMES / sizeof SOURCE_NAMES[0]; source++) {
        if ((setting->sources & BIT(source)) != 0) {
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len != 0 ? " or " : "", SOURCE_NAMES[source]);
        }
    }
    (void)QL_FAIL(err, QL_E_USAGE, "--%s goes with --source %s only", setting->flag, names);
    ql_err_hint(err, "say --source %s, or leave it out", names);
    return QL_E_USAGE;
}

/* A file or the environment may hold settings for every source and command; what narrows a run is no mere setting. */
static enum ql_status check_own_settings(enum ql_run_source source, const struct ql_settings *settings, struct ql_err *err) {
    for (size_t i = 0; i < sizeof OWN / sizeof OWN[0]; i++) {
        bool is_flag = settings->origins[OWN[i].id].layer == QL_FROM_FLAG;
        bool narrows = OWN[i].is_filter && source != QL_RUN_FILES && ql_settings_is_set(settings, OWN[i].id);
        if ((is_flag || narrows) && (OWN[i].sources & BIT(source)) == 0) {
            return fail_foreign(&OWN[i], err);
        }
    }
    return QL_OK;
}

enum ql_status ql_cli_job_choose_source(struct ql_cli_job *job, const char *command, const struct ql_settings *settings,
                                        struct ql_err *err) {
    enum ql_run_source source = source_of(command, settings);
    job->options.source = source;
    job->options.source_name = ql_str_from(SOURCE_NAMES[source]);
    if (source != QL_RUN_FILES && settings->n_args != 0) {
        (void)QL_FAIL(err, QL_E_USAGE, "%s takes no file, but '%.*s' is one", command, QL_STR_ARG(settings->args[0]));
        ql_err_hint(err, "a file that you have is the business of 'queuelake transform'");
        return QL_E_USAGE;
    }
    return check_own_settings(source, settings, err);
}

/* ---- the client */

static enum ql_status check_client(const struct ql_settings *settings, struct ql_err *err) {
    if (settings->genesys_client_id.len == 0 || settings->genesys_client_secret.len == 0) {
        bool lacks_id = settings->genesys_client_id.len == 0;
        (void)QL_FAIL(err, QL_E_CONFIG, "there is no %s",
                      lacks_id ? "client id: GENESYS_CLIENT_ID is not set" : "client secret: GENESYS_CLIENT_SECRET is not set");
        ql_err_hint(err, "create an OAuth client with the grant 'Client Credentials' in Admin > Integrations > OAuth, and set "
                         "GENESYS_CLIENT_ID and "
                         "GENESYS_CLIENT_SECRET (or GENESYS_CLIENT_SECRET_FILE)");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

/* 0.05 to 1, with up to four decimals. */
static bool parse_share(struct ql_str text, double *share) {
    struct ql_str fraction;
    struct ql_str whole = ql_str_split(text, '.', &fraction);
    int64_t value = 0;
    int64_t part = 0;
    if (whole.len != 1 || !ql_str_to_i64(whole, &value) || value > 1 || fraction.len > 4 ||
        (fraction.ptr != NULL && (fraction.len == 0 || !ql_str_to_i64(fraction, &part) || fraction.ptr[0] < '0'))) {
        return false;
    }
    for (size_t i = fraction.len; i < 4; i++) {
        part *= 10;
    }
    *share = (double)(value * 10000 + part) / 10000;
    return *share >= 0.05 && *share <= 1;
}

static enum ql_status set_genesys(struct ql_cli_job *job, const struct ql_settings *settings, struct ql_err *err) {
    struct ql_buf domain = {0};
    enum ql_status status = ql_region_resolve(settings->genesys_environment, &domain, err);
    const char *kept = ql_arena_copy(&job->arena, ql_buf_text(&domain), domain.len);
    job->options.genesys = (struct ql_genesys_options){.client_id = settings->genesys_client_id,
                                                       .client_secret = settings->genesys_client_secret,
                                                       .environment = {.ptr = kept, .len = domain.len},
                                                       .login_url = settings->login_url,
                                                       .api_url = settings->api_url,
                                                       .max_json_bytes = (size_t)settings->max_json_bytes,
                                                       .max_json_depth = (int)settings->max_json_depth,
                                                       .checks_permissions = settings->check};
    ql_buf_fini(&domain);
    QL_TRY(status);
    if (!parse_share(settings->rate_share, &job->options.genesys.rate_share)) {
        (void)QL_FAIL(err, QL_E_USAGE, "--rate-share '%.*s' is no number from 0.05 to 1", QL_STR_ARG(settings->rate_share));
        ql_err_hint(err, "0.5 leaves half of the requests to other programs that use the same OAuth client");
        return QL_E_USAGE;
    }
    return QL_OK;
}

/* ---- the contracts */

static void set_exports(struct ql_cli_job *job, const struct ql_settings *settings) {
    job->options.exports = (struct ql_exports_options){
        .genesys = job->options.genesys,
        .from_us = job->options.from_us,
        .to_us = job->options.to_us,
        .group_by = settings->export_group_by.items,
        .n_group_by = settings->export_group_by.n,
        .metrics = settings->export_metrics.items,
        .n_metrics = settings->export_metrics.n,
        .granularity = settings->export_granularity,
        .poll_min_ms = settings->poll_min,
        .poll_max_ms = settings->poll_max,
        .deadline_ms = settings->deadline,
        .max_downloads = (int)settings->download_attempts,
        .allow_unsized = settings->allow_unsized,
    };
    /* --metrics gives set and order for the query and for the output alike, unless the query's names are given themselves. */
    job->options.wants_plan_metrics = settings->metrics.is_set && !ql_settings_is_set(settings, QL_SETTING_export_metrics);
}

static void set_reporting(struct ql_cli_job *job, int64_t granularity_us, const struct ql_settings *settings) {
    job->options.reporting = (struct ql_reporting_options){
        .genesys = job->options.genesys,
        .from_us = job->options.from_us,
        .to_us = job->options.to_us,
        .view = settings->report_view,
        .locale = settings->report_locale,
        .period_us = granularity_us,
        .timezone = settings->csv_timezone,
        .tz = job->csv_timezone,
        .columns = settings->report_columns.items,
        .n_columns = settings->report_columns.n,
        .queues = settings->queues.items,
        .n_queues = settings->queues.n,
        .media_types = settings->media_types.items,
        .n_media_types = settings->media_types.n,
        .directions = settings->directions.items,
        .n_directions = settings->directions.n,
        .divisions = settings->divisions.items,
        .n_divisions = settings->divisions.n,
        .accept_partial = settings->accept_partial,
        .delete_export = settings->delete_export,
        .max_exports = (size_t)settings->max_exports,
        .poll_min_ms = settings->poll_min,
        .poll_max_ms = settings->poll_max,
        .deadline_ms = settings->deadline,
        .max_downloads = (int)settings->download_attempts,
    };
}

static enum ql_status set_aggregates(struct ql_cli_job *job, int64_t granularity_us, const struct ql_settings *settings,
                                     struct ql_err *err) {
    if (settings->queues_from.len != 0 && settings->layout != QL_SET_LAYOUT_WIDE) {
        (void)QL_FAIL(err, QL_E_USAGE, "--queues-from goes with --layout wide only where rows come from aggregates");
        ql_err_hint(err, "say --queues NAME,... to ask for some queues alone");
        return QL_E_USAGE;
    }
    int64_t held_bytes =
        settings->max_json_bytes < settings->max_body_bytes ? settings->max_json_bytes : settings->max_body_bytes;
    job->options.aggregates = (struct ql_aggregates_options){
        .genesys = job->options.genesys,
        .from_us = job->options.from_us,
        .to_us = job->options.to_us,
        .granularity_us = granularity_us,
        .timezone = settings->timezone,
        .tz = job->timezone,
        .way = (enum ql_aggregates_way)settings->aggregates,
        .by_media_type = settings->by == QL_SET_BY_MEDIA_TYPE,
        .queues = settings->queues.items,
        .n_queues = settings->queues.n,
        .media_types = settings->media_types.items,
        .n_media_types = settings->media_types.n,
        .directions = settings->directions.items,
        .n_directions = settings->directions.n,
        .divisions = settings->divisions.items,
        .n_divisions = settings->divisions.n,
        .answer_bytes = (size_t)held_bytes / 2,
        .poll_min_ms = settings->poll_min,
        .poll_max_ms = settings->poll_max,
        .deadline_ms = settings->deadline,
        .max_jobs = (int)settings->download_attempts,
    };
    return QL_OK;
}

enum ql_status ql_cli_job_set_source(struct ql_cli_job *job, bool needs_client, int64_t granularity_us,
                                     const struct ql_settings *settings, struct ql_err *err) {
    QL_TRY(needs_client ? check_client(settings, err) : QL_OK);
    QL_TRY(set_genesys(job, settings, err));
    if (job->options.source != QL_RUN_EXPORTS && granularity_us % QL_US_PER_S != 0) {
        return QL_FAIL(err, QL_E_USAGE, "--granularity is no whole number of seconds");
    }
    if (job->options.source == QL_RUN_AGGREGATES) {
        return set_aggregates(job, granularity_us, settings, err);
    }
    if (job->options.source == QL_RUN_REPORTING) {
        set_reporting(job, granularity_us, settings);
    } else {
        set_exports(job, settings);
    }
    return QL_OK;
}
