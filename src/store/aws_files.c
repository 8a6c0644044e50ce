/** The two shared files, found, read, and looked at as one: what the credentials file says of a profile wins. */
#include "store/aws_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <unistd.h>

/* The path of a file: from its variable, where '~' stands for the home folder, else in ~/.aws. NULL where there is no home. */
static char *path_of(struct ql_aws_search *search, const char *variable, const char *fallback) {
    struct ql_str path = ql_aws_variable(search, variable);
    struct ql_str home = ql_aws_variable(search, "HOME");
    struct ql_str rest = path.len != 0 ? path : ql_str_from(fallback);
    struct ql_buf out = {0};
    if (rest.ptr[0] == '~' && rest.ptr[1] == '/') {
        if (home.len == 0) {
            return NULL;
        }
        ql_buf_put_str(&out, home);
        rest = (struct ql_str){.ptr = rest.ptr + 1, .len = rest.len - 1};
    }
    ql_buf_put_str(&out, rest);
    return ql_buf_take(&out);
}

/* is_wanted: somebody named this file or a profile; else one that must not be read (another user's home) is as none. */
static enum ql_status read_one(const char *path, bool is_wanted, struct ql_aws_ini *ini, struct ql_err *err) {
    struct ql_buf text = {0};
    bool is_missing = false;
    if (path == NULL || (!is_wanted && access(path, R_OK) != 0 && errno == EACCES)) {
        return QL_OK;
    }
    enum ql_status status = ql_aws_read_file(path, &text, &is_missing, err);
    if (status == QL_OK && !is_missing) {
        status = ql_aws_ini_parse(ql_buf_view(&text), ini, err);
        if (status != QL_OK) {
            ql_err_wrap(err, "'%s'", path);
        }
    }
    ql_aws_buf_fini_secret(&text);
    return status;
}

enum ql_status ql_aws_files_read(struct ql_aws_search *search, struct ql_aws_files *files, struct ql_err *err) {
    *files = (struct ql_aws_files){.config_path = path_of(search, "AWS_CONFIG_FILE", "~/.aws/config"),
                                   .credentials_path = path_of(search, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")};
    bool has_profile = search->options->profile.len != 0;
    bool is_config_wanted = has_profile || ql_aws_variable(search, "AWS_CONFIG_FILE").len != 0;
    bool are_credentials_wanted = has_profile || ql_aws_variable(search, "AWS_SHARED_CREDENTIALS_FILE").len != 0;
    enum ql_status status = read_one(files->config_path, is_config_wanted, &files->config, err);
    if (status == QL_OK) {
        status = read_one(files->credentials_path, are_credentials_wanted, &files->credentials, err);
    }
    if (status != QL_OK) {
        ql_aws_files_fini(files);
    }
    return status;
}

void ql_aws_files_fini(struct ql_aws_files *files) {
    ql_mem_free(files->config_path);
    ql_mem_free(files->credentials_path);
    ql_aws_ini_fini(&files->config);
    ql_aws_ini_fini(&files->credentials);
    *files = (struct ql_aws_files){0};
}

bool ql_aws_profile_find(const struct ql_aws_files *files, struct ql_str name, struct ql_aws_profile *profile) {
    *profile = (struct ql_aws_profile){.files = files,
                                       .name = name,
                                       .in_config = ql_aws_ini_find_profile(&files->config, name),
                                       .in_credentials = ql_aws_ini_find(&files->credentials, name)};
    return profile->in_config != QL_AWS_INI_NONE || profile->in_credentials != QL_AWS_INI_NONE;
}

struct ql_str ql_aws_profile_get(const struct ql_aws_profile *profile, const char *name) {
    struct ql_str value = ql_aws_ini_get(&profile->files->credentials, profile->in_credentials, name);
    return value.ptr != NULL ? value : ql_aws_ini_get(&profile->files->config, profile->in_config, name);
}

struct ql_str ql_aws_profile_name(const struct ql_aws_search *search) {
    return search->options->profile.len != 0 ? search->options->profile : QL_STR("default");
}
