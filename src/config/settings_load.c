/*
 * The layers, lowest first: defaults, the YAML file, the environment, flags. Each is read whole, also where a higher one says
 * otherwise, so that a mistake shows when it is made and not when the flag above it is taken away.
 */
#include "config/config_internal.h"

#include <stdio.h>

#include <unistd.h>

enum { CONFIG_BYTES_MAX = 1024 * 1024 };

static enum ql_status apply_defaults(struct ql_settings *settings, struct ql_err *err) {
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        const struct ql_setting *setting = ql_setting_get((enum ql_setting_id)id);
        if (setting->fallback != NULL) {
            struct ql_place place = {.layer = QL_FROM_DEFAULT, .label = setting->name};
            QL_TRY(ql_setting_set(settings, (enum ql_setting_id)id, ql_str_from(setting->fallback), &place, err));
        }
    }
    return QL_OK;
}

static enum ql_status read_file(struct ql_str path, bool *is_missing, struct ql_settings *settings, struct ql_err *err) {
    struct ql_buf bytes = {0};
    enum ql_status status = ql_config_read(path, CONFIG_BYTES_MAX, &bytes, is_missing, err);
    if (status == QL_OK && (is_missing == NULL || !*is_missing)) {
        settings->config_path = (struct ql_str){.ptr = ql_arena_copy(&settings->arena, path.ptr, path.len), .len = path.len};
        status = ql_yaml_apply(settings->config_path, ql_buf_view(&bytes), settings, err);
    }
    ql_mem_free_secret(bytes.ptr, bytes.cap);
    return status;
}

/* The user's own file; false if the environment does not say where that would be. */
static bool put_user_path(const struct ql_settings_source *source, struct ql_buf *path) {
    struct ql_str folder = ql_environment_get(source, "XDG_CONFIG_HOME");
    if (folder.len != 0 && folder.ptr[0] == '/') { /* a relative one is to be ignored, says the XDG specification */
        ql_buf_put_str(path, folder);
    } else {
        folder = ql_environment_get(source, "HOME");
        ql_buf_put_str(path, folder);
        ql_buf_puts(path, "/.config");
    }
    ql_buf_puts(path, "/queuelake/queuelake.yaml");
    return folder.len != 0;
}

static enum ql_status look_for_file(const struct ql_settings_source *source, struct ql_settings *settings, struct ql_err *err) {
    bool is_missing = false;
    QL_TRY(read_file(QL_STR("queuelake.yaml"), &is_missing, settings, err));
    struct ql_buf path = {0};
    enum ql_status status = QL_OK;
    /* A home that this user cannot look into, as under some schedulers, has no file for it either. */
    if (is_missing && put_user_path(source, &path) && access(ql_buf_text(&path), F_OK) == 0) {
        is_missing = false;
        status = read_file(ql_buf_view(&path), &is_missing, settings, err);
    }
    ql_buf_fini(&path);
    return status;
}

static enum ql_status apply_file(const struct ql_settings_source *source, const struct ql_flags *flags,
                                 struct ql_settings *settings, struct ql_err *err) {
    struct ql_str path = {0};
    for (size_t i = 0; i < flags->n_uses; i++) {
        if (flags->uses[i].id == QL_SETTING_config) {
            path = flags->uses[i].value;
        }
    }
    const char *named_by = "--config";
    if (path.len == 0) {
        named_by = "QUEUELAKE_CONFIG";
        path = ql_environment_get(source, named_by);
    }
    if (path.len == 0) {
        return source->looks_for_config ? look_for_file(source, settings, err) : QL_OK;
    }
    bool is_missing = false;
    QL_TRY(read_file(path, &is_missing, settings, err));
    if (is_missing) {
        (void)QL_FAIL(err, QL_E_CONFIG, "the configuration file '%.*s' does not exist", QL_STR_ARG(path));
        ql_err_hint(err, "correct the path that %s gives", named_by);
        return QL_E_CONFIG;
    }
    return QL_OK;
}

/* Where each alone is right but not the two together. */
static enum ql_status check_order(const struct ql_settings *settings, enum ql_setting_id low, enum ql_setting_id high,
                                  int64_t low_ms, int64_t high_ms, struct ql_err *err) {
    if (low_ms <= high_ms) {
        return QL_OK;
    }
    bool is_by_flag = settings->origins[low].layer == QL_FROM_FLAG || settings->origins[high].layer == QL_FROM_FLAG;
    struct ql_buf low_text = {0};
    struct ql_buf high_text = {0};
    ql_setting_format(settings, low, &low_text);
    ql_setting_format(settings, high, &high_text);
    enum ql_status status = is_by_flag ? QL_E_USAGE : QL_E_CONFIG;
    const char *low_name = ql_setting_get(low)->name;
    const char *high_name = ql_setting_get(high)->name;
    (void)QL_FAIL(err, status, "'%s' (%s) is above '%s' (%s)", low_name, low_text.ptr, high_name, high_text.ptr);
    ql_err_hint(err, "lower '%s' or raise '%s'", low_name, high_name);
    ql_buf_fini(&low_text);
    ql_buf_fini(&high_text);
    return status;
}

static enum ql_status load_layers(const struct ql_settings_source *source, const struct ql_command *command,
                                  struct ql_flags *flags, struct ql_settings *settings, struct ql_err *err) {
    QL_TRY(apply_defaults(settings, err));
    QL_TRY(ql_flags_parse(source, command, settings, flags, err));
    if (settings->wants_help) {
        return QL_OK;
    }
    if (strcmp(command->name, "version") != 0) {
        QL_TRY(apply_file(source, flags, settings, err));
    }
    QL_TRY(ql_environment_apply(source, command, settings, err));
    QL_TRY(ql_flags_apply(flags, settings, err));
    QL_TRY(check_order(settings, QL_SETTING_poll_min, QL_SETTING_poll_max, settings->poll_min, settings->poll_max, err));
    return check_order(settings, QL_SETTING_retry_base, QL_SETTING_retry_cap, settings->retry_base, settings->retry_cap, err);
}

enum ql_status ql_settings_load(const struct ql_settings_source *source, struct ql_settings *settings, struct ql_err *err) {
    *settings = (struct ql_settings){0};
    const struct ql_command *command = ql_command_find(source->command);
    if (command == NULL) {
        return QL_FAIL(err, QL_E_USAGE, "unknown command '%s'", source->command);
    }
    struct ql_flags flags = {0};
    enum ql_status status = load_layers(source, command, &flags, settings, err);
    ql_mem_free(flags.uses);
    return status;
}

void ql_settings_fini(struct ql_settings *settings) {
    for (size_t i = 0; i < sizeof settings->secrets / sizeof settings->secrets[0]; i++) {
        ql_mem_free_secret((char *)(uintptr_t)settings->secrets[i].ptr, settings->secrets[i].len);
    }
    ql_arena_fini(&settings->arena);
    *settings = (struct ql_settings){0};
}
