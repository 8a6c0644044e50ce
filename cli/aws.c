/** Where a run gets its AWS credentials and region: explicit keys, or the chain of the SDKs over this process's environment. */
#include "cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

static bool is_s3(struct ql_str uri) {
    return ql_str_has_prefix(uri, "s3://");
}

static bool uses_s3(const struct ql_run_options *options) {
    bool uses = options->destination.kind == QL_STORE_S3;
    for (size_t i = 0; i < options->n_paths; i++) {
        uses = uses || is_s3(options->paths[i]);
    }
    return uses;
}

/* What only Genesys Cloud and this program need is no business of a credential process. */
static const char *const *shared_environment(struct ql_arena *arena) {
    size_t n = 0;
    for (char **at = environ; *at != NULL; at++) {
        n++;
    }
    const char **shared = ql_arena_alloc(arena, (n + 1) * sizeof *shared);
    n = 0;
    for (char **at = environ; *at != NULL; at++) {
        struct ql_str variable = ql_str_from(*at);
        if (!ql_str_has_prefix(variable, "GENESYS_") && !ql_str_has_prefix(variable, "QUEUELAKE_")) {
            shared[n++] = *at;
        }
    }
    shared[n] = NULL;
    return shared;
}

static bool is_explicit(const struct ql_settings *settings, enum ql_setting_id id) {
    return settings->origins[id].layer == QL_FROM_FLAG || settings->origins[id].layer == QL_FROM_FILE;
}

/* A profile that is asked for by name, other than by AWS_PROFILE, wins over keys of the environment, as with aws --profile. */
static bool has_keys(const struct ql_settings *settings) {
    bool has_any = settings->aws_access_key_id.len != 0 || settings->aws_secret_access_key.len != 0;
    bool are_explicit =
        is_explicit(settings, QL_SETTING_aws_access_key_id) || is_explicit(settings, QL_SETTING_aws_secret_access_key);
    return has_any && (are_explicit || !is_explicit(settings, QL_SETTING_s3_profile));
}

static enum ql_status check_expiration(const struct ql_settings *settings, struct ql_err *err) {
    struct ql_str text = ql_str_from(getenv("AWS_CREDENTIAL_EXPIRATION"));
    struct ql_time_text time;
    if (text.len == 0 || settings->origins[QL_SETTING_aws_access_key_id].layer != QL_FROM_ENVIRONMENT) {
        return QL_OK;
    }
    if (!ql_time_parse_iso(text, &time) || !time.has_offset) {
        return QL_FAIL(err, QL_E_CONFIG, "AWS_CREDENTIAL_EXPIRATION '%.*s' is no ISO 8601 time", QL_STR_ARG(text));
    }
    if (ql_time_from_civil(&time.civil) - time.offset_s * QL_US_PER_S > ql_time_now()) {
        return QL_OK;
    }
    (void)QL_FAIL(err, QL_E_AUTH, "the AWS credentials of the environment expired at %.*s (AWS_CREDENTIAL_EXPIRATION)",
                  QL_STR_ARG(text));
    ql_err_hint(err, "renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; else see whether the clock of this "
                     "machine is right");
    return QL_E_AUTH;
}

enum ql_status ql_cli_aws_init(struct ql_cli_job *job, const struct ql_settings *settings, struct ql_err *err) {
    struct ql_s3_options *s3 = &job->options.s3;
    if (!uses_s3(&job->options)) {
        return QL_OK;
    }
    job->aws_options = (struct ql_aws_chain_options){.profile = settings->s3_profile,
                                                     .is_profile_wanted = is_explicit(settings, QL_SETTING_s3_profile),
                                                     .s3 = s3,
                                                     .environment = shared_environment(&job->arena),
                                                     .process_timeout_ms = settings->request_timeout,
                                                     .http = &job->options.http};
    job->aws = ql_aws_chain_new(&job->aws_options);
    if (s3->region.len == 0) {
        QL_TRY(ql_aws_chain_region(job->aws, &s3->region, err));
    }
    if (has_keys(settings)) {
        s3->access_key_id = settings->aws_access_key_id;
        s3->secret_access_key = settings->aws_secret_access_key;
        s3->session_token = settings->aws_session_token;
        return check_expiration(settings, err);
    }
    job->aws_credentials = ql_aws_chain_provider(job->aws);
    s3->credentials = &job->aws_credentials;
    return QL_OK;
}
