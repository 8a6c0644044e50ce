/*
 * The environment, through the caller's function, and the files that stand in for secrets. Only variables that a setting names
 * are looked at.
 */
#include "config/config_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES_MAX = 64 * 1024 };

struct ql_str ql_environment_get(const struct ql_settings_source *source, const char *name) {
    return source->getenv != NULL ? ql_str_from(source->getenv(source->getenv_ctx, name)) : (struct ql_str){0};
}

static enum ql_status read_all(int fd, struct ql_str path, size_t max_bytes, struct ql_buf *bytes, struct ql_err *err) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return ql_err_set_errno(err, QL_E_CONFIG, errno, "cannot look at '%.*s'", QL_STR_ARG(path));
    }
    if (S_ISDIR(status.st_mode)) {
        return QL_FAIL(err, QL_E_CONFIG, "'%.*s' is a folder, not a file", QL_STR_ARG(path));
    }
    /*
     * All at once, so that a secret leaves no copy behind in memory that a growing buffer gave back. A pipe has no
     * size, and neither have the files of /proc. */
    bool has_size = S_ISREG(status.st_mode) && status.st_size > 0 && (uintmax_t)status.st_size < max_bytes;
    size_t room = has_size ? (size_t)status.st_size + 1 : max_bytes + 1;
    char *end = ql_buf_reserve(bytes, room);
    for (;;) {
        ssize_t n = read(fd, end + bytes->len, room - bytes->len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ql_err_set_errno(err, QL_E_CONFIG, errno, "cannot read '%.*s'", QL_STR_ARG(path));
        }
        if (n == 0) {
            return QL_OK;
        }
        bytes->len += (size_t)n;
        if (bytes->len == room && has_size) {
            return QL_FAIL(err, QL_E_CONFIG, "'%.*s' grew while it was read", QL_STR_ARG(path));
        }
        if (bytes->len == room) {
            return QL_FAIL(err, QL_E_CONFIG, "'%.*s' is larger than %zu bytes", QL_STR_ARG(path), max_bytes);
        }
    }
}

enum ql_status ql_config_read(struct ql_str path, size_t max_bytes, struct ql_buf *bytes, bool *is_missing,
                              struct ql_err *err) {
    char *name = ql_mem_strndup(path.ptr, path.len);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int errnum = errno;
    ql_mem_free(name);
    if (fd < 0) {
        if (is_missing != NULL && (errnum == ENOENT || errnum == ENOTDIR)) {
            *is_missing = true;
            return QL_OK;
        }
        return ql_err_set_errno(err, QL_E_CONFIG, errnum, "cannot open '%.*s'", QL_STR_ARG(path));
    }
    enum ql_status status = read_all(fd, path, max_bytes, bytes, err);
    (void)close(fd); /* read only */
    return status;
}

enum ql_status ql_secret_read(struct ql_settings *settings, enum ql_setting_id id, struct ql_str path,
                              const struct ql_place *place, struct ql_err *err) {
    struct ql_buf bytes = {0};
    struct ql_err cause = {0};
    enum ql_status status;
    if (ql_config_read(path, SECRET_BYTES_MAX, &bytes, NULL, &cause) != QL_OK) {
        status = QL_PLACE_FAIL(place, err, "%s", cause.message);
        ql_err_hint(err, "check that the file is there and may be read");
    } else {
        struct ql_str secret = ql_buf_view(&bytes);
        secret.len -= secret.len != 0 && secret.ptr[secret.len - 1] == '\n';
        secret.len -= secret.len != bytes.len && secret.len != 0 && secret.ptr[secret.len - 1] == '\r';
        if (secret.len == 0) {
            status = QL_PLACE_FAIL(place, err, "'%.*s' is empty", QL_STR_ARG(path));
            ql_err_hint(err, "write the secret into the file");
        } else {
            status = ql_setting_set(settings, id, secret, place, err);
        }
    }
    ql_mem_free_secret(bytes.ptr, bytes.cap);
    return status;
}

/* *is_found: the variable, or the one that names its file, says something. */
static enum ql_status apply_secret(const struct ql_settings_source *source, enum ql_setting_id id, const char *name,
                                   struct ql_settings *settings, bool *is_found, struct ql_err *err) {
    char file_name[QL_SETTING_NAME_SIZE + 8];
    char label[QL_SETTING_NAME_SIZE + 40];
    (void)snprintf(file_name, sizeof file_name, "%s_FILE", name);
    struct ql_str value = ql_environment_get(source, name);
    struct ql_str path = ql_environment_get(source, file_name);
    if (value.len != 0 && path.len != 0) {
        (void)QL_FAIL(err, QL_E_CONFIG, "environment: both '%s' and '%s' are set", name, file_name);
        ql_err_hint(err, "unset one of them");
        return QL_E_CONFIG;
    }
    *is_found = value.len != 0 || path.len != 0;
    if (!*is_found) {
        return QL_OK;
    }
    const char *used = value.len != 0 ? name : file_name;
    struct ql_str where = {.ptr = ql_arena_copy(&settings->arena, used, strlen(used)), .len = strlen(used)};
    (void)snprintf(label, sizeof label, "environment variable '%s'", used);
    struct ql_place place = {.layer = QL_FROM_ENVIRONMENT, .where = where, .label = label};
    return value.len != 0 ? ql_setting_set(settings, id, value, &place, err) : ql_secret_read(settings, id, path, &place, err);
}

static enum ql_status apply_setting(const struct ql_settings_source *source, enum ql_setting_id id,
                                    struct ql_settings *settings, struct ql_err *err) {
    char names[QL_ENVIRONMENT_NAMES_MAX][QL_SETTING_NAME_SIZE];
    const struct ql_setting *setting = ql_setting_get(id);
    size_t n = ql_setting_environment(setting, names);
    bool is_found = false;
    for (size_t i = 0; setting->kind == QL_KIND_SECRET && i < n && !is_found; i++) {
        QL_TRY(apply_secret(source, id, names[i], settings, &is_found, err));
    }
    for (size_t i = 0; setting->kind != QL_KIND_SECRET && i < n; i++) {
        struct ql_str value = ql_environment_get(source, names[i]);
        if (value.len != 0) {
            char label[QL_SETTING_NAME_SIZE + 40];
            (void)snprintf(label, sizeof label, "environment variable '%s'", names[i]);
            struct ql_str where = {.ptr = ql_arena_copy(&settings->arena, names[i], strlen(names[i])), .len = strlen(names[i])};
            struct ql_place place = {.layer = QL_FROM_ENVIRONMENT, .where = where, .label = label};
            return ql_setting_set(settings, id, value, &place, err);
        }
    }
    return QL_OK;
}

enum ql_status ql_environment_apply(const struct ql_settings_source *source, const struct ql_command *command,
                                    struct ql_settings *settings, struct ql_err *err) {
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        bool is_for_all = strcmp(command->name, "version") != 0;
        if (is_for_all || (ql_setting_get((enum ql_setting_id)id)->commands & command->bit) != 0) {
            QL_TRY(apply_setting(source, (enum ql_setting_id)id, settings, err));
        }
    }
    return QL_OK;
}
