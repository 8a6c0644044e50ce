/**
 * Credentials of a profile of the shared files, in botocore's order: a role assumed with another profile's credentials or with
 * those of a place, a role by web identity, keys of the credentials file, a credential process, keys of the config file. The
 * web identity of the environment, which is a role without a profile, stands here too.
 *
 * What needs a person is refused with what to do instead: a code of an MFA device, and the sign-in of IAM Identity Center.
 */
#include "store/aws_internal.h"

enum { MAX_CHAIN = 8, MIN_DURATION_S = 900, MAX_DURATION_S = 43200 };

struct walk {
    struct ql_aws_search *search;
    struct ql_aws_files files;
    struct ql_str visited[MAX_CHAIN]; /* from the profile that was asked for to the present one */
    size_t n_visited;
};

#define NAME_ARG(profile) QL_STR_ARG((profile)->name)

static bool has(const struct ql_aws_profile *profile, const char *name) {
    return ql_aws_profile_get(profile, name).len != 0;
}

static enum ql_status fail(struct ql_err *err, const struct ql_aws_profile *profile, const char *what, const char *hint) {
    QL_FAIL(err, QL_E_CONFIG, "profile '%.*s' %s", NAME_ARG(profile), what);
    ql_err_hint(err, "%s", hint);
    return QL_E_CONFIG;
}

/* ---- keys ---- */

/* *is_found false: this section has none. */
static enum ql_status take_keys(const struct ql_aws_profile *profile, const struct ql_aws_ini *ini, size_t section,
                                struct ql_aws_credentials *credentials, bool *is_found, struct ql_err *err) {
    struct ql_str id = ql_aws_ini_get(ini, section, "aws_access_key_id");
    struct ql_str secret = ql_aws_ini_get(ini, section, "aws_secret_access_key");
    *is_found = id.len != 0;
    if (!*is_found) {
        return QL_OK;
    }
    if (secret.len == 0) {
        return fail(err, profile, "has aws_access_key_id, but no aws_secret_access_key", "add it to the same section");
    }
    ql_aws_credentials_fini(credentials);
    ql_buf_put_str(&credentials->access_key_id, id);
    ql_buf_put_str(&credentials->secret_access_key, secret);
    ql_buf_put_str(&credentials->session_token, ql_aws_ini_get(ini, section, "aws_session_token"));
    return QL_OK;
}

static bool has_keys(const struct ql_aws_profile *profile) {
    return has(profile, "aws_access_key_id") || has(profile, "aws_secret_access_key");
}

static bool is_role(const struct ql_aws_profile *profile) {
    return has(profile, "role_arn") && !has(profile, "web_identity_token_file");
}

/* ---- what a profile has of its own ---- */

static enum ql_status by_web_identity(struct walk *walk, const struct ql_aws_profile *profile,
                                      struct ql_aws_credentials *credentials, struct ql_err *err) {
    const struct ql_aws_role role = {.arn = ql_aws_profile_get(profile, "role_arn"),
                                     .session_name = ql_aws_profile_get(profile, "role_session_name"),
                                     .token_file = ql_aws_profile_get(profile, "web_identity_token_file")};
    if (role.arn.len == 0) {
        return fail(err, profile, "has web_identity_token_file, but no role_arn", "add role_arn to it");
    }
    return ql_aws_assume_role(walk->search, &role, credentials, err);
}

static enum ql_status fail_sign_in(struct ql_err *err, const struct ql_aws_profile *profile) {
    (void)QL_FAIL(err, QL_E_CONFIG, "profile '%.*s' needs a sign-in (%s), which queuelake does not do", NAME_ARG(profile),
                  has(profile, "login_session") ? "aws login" : "IAM Identity Center");
    ql_err_hint(err,
                "sign in with the AWS CLI, and name another profile that has: credential_process = aws configure "
                "export-credentials --profile %.*s",
                NAME_ARG(profile));
    return QL_E_CONFIG;
}

static enum ql_status by_itself(struct walk *walk, const struct ql_aws_profile *profile, struct ql_aws_credentials *credentials,
                                bool *is_found, struct ql_err *err) {
    const struct ql_aws_files *files = &walk->files;
    struct ql_str command = ql_aws_profile_get(profile, "credential_process");
    *is_found = true;
    if (has(profile, "web_identity_token_file")) {
        return by_web_identity(walk, profile, credentials, err);
    }
    QL_TRY(take_keys(profile, &files->credentials, profile->in_credentials, credentials, is_found, err));
    if (*is_found) {
        return QL_OK;
    }
    if (command.len != 0) {
        *is_found = true;
        return ql_aws_run_process(walk->search, command, credentials, err);
    }
    QL_TRY(take_keys(profile, &files->config, profile->in_config, credentials, is_found, err));
    if (!*is_found && (has(profile, "sso_session") || has(profile, "sso_start_url") || has(profile, "login_session"))) {
        return fail_sign_in(err, profile);
    }
    return QL_OK;
}

/* ---- roles ---- */

static enum ql_status fail_circle(const struct walk *walk, struct ql_str again, struct ql_err *err) {
    struct ql_buf way = {0};
    for (size_t i = 0; i < walk->n_visited; i++) {
        ql_buf_printf(&way, "%.*s -> ", QL_STR_ARG(walk->visited[i]));
    }
    (void)QL_FAIL(err, QL_E_CONFIG, "source_profile leads in a circle: %s%.*s", ql_buf_text(&way), QL_STR_ARG(again));
    ql_err_hint(err, "the last profile of the chain needs credentials of its own");
    ql_buf_fini(&way);
    return QL_E_CONFIG;
}

static enum ql_status by_place(struct walk *walk, const struct ql_aws_profile *profile, struct ql_str place,
                               struct ql_aws_credentials *credentials, struct ql_err *err) {
    static const struct {
        struct ql_str name;
        enum ql_status (*get)(struct ql_aws_search *search, struct ql_aws_credentials *credentials, bool *is_found,
                              struct ql_err *err);
    } PLACES[] = {{{"Environment", 11}, ql_aws_from_environment},
                  {{"EcsContainer", 12}, ql_aws_from_container},
                  {{"Ec2InstanceMetadata", 19}, ql_aws_from_instance}};
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        if (ql_str_eq_nocase(place, PLACES[i].name)) {
            bool is_found = false;
            ql_buf_reset(&walk->search->absences); /* nothing else matters from here */
            QL_TRY(PLACES[i].get(walk->search, credentials, &is_found, err));
            if (is_found) {
                return QL_OK;
            }
            (void)QL_FAIL(err, walk->search->absence, "profile '%.*s': credential_source %.*s has no credentials: %s",
                          NAME_ARG(profile), QL_STR_ARG(place), ql_buf_text(&walk->search->absences));
            return walk->search->absence;
        }
    }
    (void)QL_FAIL(err, QL_E_CONFIG, "profile '%.*s': credential_source '%.*s' is none", NAME_ARG(profile), QL_STR_ARG(place));
    ql_err_hint(err, "there are Environment, EcsContainer and Ec2InstanceMetadata");
    return QL_E_CONFIG;
}

static enum ql_status walk_profile(struct walk *walk, const struct ql_aws_profile *profile, bool is_source,
                                   struct ql_aws_credentials *credentials, bool *is_found, struct ql_err *err);

static enum ql_status by_source_profile(struct walk *walk, const struct ql_aws_profile *profile, struct ql_str name,
                                        struct ql_aws_credentials *credentials, struct ql_err *err) {
    struct ql_aws_profile source;
    if (!ql_aws_profile_find(&walk->files, name, &source)) {
        (void)QL_FAIL(err, QL_E_CONFIG, "profile '%.*s': its source_profile '%.*s' does not exist", NAME_ARG(profile),
                      QL_STR_ARG(name));
        ql_err_hint(err, "correct source_profile, or add that profile to '%s'", walk->files.config_path);
        return QL_E_CONFIG;
    }
    bool is_self = ql_str_eq(name, profile->name);
    for (size_t i = 0; i < walk->n_visited; i++) {
        /* A profile may name itself: its own keys assume its role. */
        if (ql_str_eq(walk->visited[i], name) && !(is_self && has_keys(&source))) {
            return fail_circle(walk, name, err);
        }
    }
    if (walk->n_visited == MAX_CHAIN) {
        return fail(err, profile, "ends a chain of more than 8 source profiles", "shorten the chain of source_profile");
    }
    bool is_found = false;
    walk->visited[walk->n_visited++] = name;
    QL_TRY(walk_profile(walk, &source, true, credentials, &is_found, err));
    return is_found ? QL_OK
                    : fail(err, &source, "is a source_profile, but has no credentials",
                           "give it keys, a credential_process, or a role_arn with a source_profile of its own");
}

static enum ql_status read_duration(const struct ql_aws_profile *profile, int64_t *duration_s, struct ql_err *err) {
    struct ql_str text = ql_aws_profile_get(profile, "duration_seconds");
    *duration_s = 0;
    if (text.len != 0 && (!ql_str_to_i64(text, duration_s) || *duration_s < MIN_DURATION_S || *duration_s > MAX_DURATION_S)) {
        return fail(err, profile, "has a duration_seconds that is no number from 900 to 43200", "correct it, or leave it out");
    }
    return QL_OK;
}

static enum ql_status by_role(struct walk *walk, const struct ql_aws_profile *profile, struct ql_aws_credentials *credentials,
                              struct ql_err *err) {
    struct ql_str source_profile = ql_aws_profile_get(profile, "source_profile");
    struct ql_str credential_source = ql_aws_profile_get(profile, "credential_source");
    struct ql_aws_credentials source = {0};
    struct ql_aws_role role = {.arn = ql_aws_profile_get(profile, "role_arn"),
                               .session_name = ql_aws_profile_get(profile, "role_session_name"),
                               .external_id = ql_aws_profile_get(profile, "external_id"),
                               .source = &source};
    QL_TRY(read_duration(profile, &role.duration_s, err));
    if (has(profile, "mfa_serial")) {
        return fail(err, profile, "wants a code of an MFA device (mfa_serial), for which nobody can be asked here",
                    "use a role without MFA, or a credential_process such as aws configure export-credentials");
    }
    if ((source_profile.len != 0) == (credential_source.len != 0)) {
        return fail(err, profile,
                    source_profile.len != 0 ? "has both source_profile and credential_source"
                                            : "has role_arn, but neither source_profile nor credential_source",
                    "one of the two says with which credentials the role is assumed");
    }
    enum ql_status status = source_profile.len != 0 ? by_source_profile(walk, profile, source_profile, &source, err)
                                                    : by_place(walk, profile, credential_source, &source, err);
    if (status == QL_OK) {
        status = ql_aws_assume_role(walk->search, &role, credentials, err);
    }
    ql_aws_credentials_fini(&source);
    return status;
}

/* A source's own keys come before its role; a profile that was asked for itself is first of all its role. */
static enum ql_status walk_profile(struct walk *walk, const struct ql_aws_profile *profile, bool is_source,
                                   struct ql_aws_credentials *credentials, bool *is_found, struct ql_err *err) {
    *is_found = true;
    if (is_role(profile) && !(is_source && has_keys(profile))) {
        return by_role(walk, profile, credentials, err);
    }
    return by_itself(walk, profile, credentials, is_found, err);
}

/* ---- the place ---- */

static struct ql_str shown_path(const char *path) {
    return ql_str_from(path != NULL ? path : "(HOME is not set)");
}

static enum ql_status walk_from_top(struct walk *walk, struct ql_aws_credentials *credentials, bool *is_found,
                                    struct ql_err *err) {
    struct ql_aws_search *search = walk->search;
    struct ql_str name = ql_aws_profile_name(search);
    struct ql_str config = shown_path(walk->files.config_path);
    struct ql_str shared = shown_path(walk->files.credentials_path);
    struct ql_aws_profile profile;
    *is_found = false;
    if (!ql_aws_profile_find(&walk->files, name, &profile)) {
        if (search->options->profile.len != 0) {
            (void)QL_FAIL(err, QL_E_CONFIG, "there is no profile '%.*s' in '%.*s' and '%.*s'", QL_STR_ARG(name),
                          QL_STR_ARG(shared), QL_STR_ARG(config));
            ql_err_hint(err, "correct --s3-profile or AWS_PROFILE; in the config file its section is [profile %.*s]",
                        QL_STR_ARG(name));
            return QL_E_CONFIG;
        }
        ql_aws_absent(search, QL_E_CONFIG, "profile: no 'default' in '%.*s' and '%.*s'", QL_STR_ARG(shared),
                      QL_STR_ARG(config));
        return QL_OK;
    }
    walk->visited[walk->n_visited++] = name;
    enum ql_status status = walk_profile(walk, &profile, false, credentials, is_found, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "no AWS credentials of profile '%.*s'", QL_STR_ARG(name));
    } else if (!*is_found) {
        ql_aws_absent(search, QL_E_CONFIG, "profile '%.*s': no credentials in it", QL_STR_ARG(name));
    }
    return status;
}

enum ql_status ql_aws_from_profile(struct ql_aws_search *search, struct ql_aws_credentials *credentials, bool *is_found,
                                   struct ql_err *err) {
    struct walk walk = {.search = search};
    *is_found = false;
    QL_TRY(ql_aws_files_read(search, &walk.files, err));
    enum ql_status status = walk_from_top(&walk, credentials, is_found, err);
    ql_aws_files_fini(&walk.files);
    return status;
}

enum ql_status ql_aws_from_web_identity(struct ql_aws_search *search, struct ql_aws_credentials *credentials, bool *is_found,
                                        struct ql_err *err) {
    const struct ql_aws_role role = {.arn = ql_aws_variable(search, "AWS_ROLE_ARN"),
                                     .session_name = ql_aws_variable(search, "AWS_ROLE_SESSION_NAME"),
                                     .token_file = ql_aws_variable(search, "AWS_WEB_IDENTITY_TOKEN_FILE")};
    *is_found = role.token_file.len != 0 && !search->options->is_profile_wanted;
    if (search->options->is_profile_wanted) {
        return QL_OK;
    }
    if (!*is_found) {
        ql_aws_absent(search, QL_E_CONFIG, "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set");
        return QL_OK;
    }
    if (role.arn.len == 0) {
        (void)QL_FAIL(err, QL_E_CONFIG, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
        ql_err_hint(err, "set AWS_ROLE_ARN to the role that the pod's service account may assume");
        return QL_E_CONFIG;
    }
    return ql_aws_assume_role(search, &role, credentials, err);
}
