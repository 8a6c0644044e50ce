/*
 * The YAML file's tree becomes settings: top-level keys are names of the table, beside them `kpis`, `aliases`, `metrics` as a
 * map and `<secret>_file`. A key that is none of them is an error with its place and the nearest name, also where it is written
 * like a flag or like an environment variable.
 */
#include "config/config_internal.h"

#include <stdio.h>

enum { LABEL_SIZE = 1400, KEY_QUOTED_MAX = 60 };

enum ql_status ql_yaml_wrap(struct ql_str path, const struct ql_yaml_node *node, struct ql_err *err) {
    ql_err_wrap(err, "%.*s:%zu:%zu", QL_STR_ARG(path), node->line, node->column);
    return QL_E_CONFIG;
}

bool ql_yaml_is_null(const struct ql_yaml_node *node) {
    if (node->kind != QL_YAML_SCALAR || !node->is_plain) {
        return false;
    }
    struct ql_str text = ql_yaml_text(node);
    return text.len == 0 || ql_str_eq(text, QL_STR("~")) || ql_str_eq(text, QL_STR("null")) ||
           ql_str_eq(text, QL_STR("Null")) || ql_str_eq(text, QL_STR("NULL"));
}

struct file {
    struct ql_str path;
    struct ql_settings *settings;
    const struct ql_yaml_node *root;
};

/* What of a key may be shown: a line such as "secret=..." that lacks its colon must not be repeated whole. */
static struct ql_str showable(struct ql_str key) {
    size_t n = 0;
    while (n < key.len && n < KEY_QUOTED_MAX &&
           ((key.ptr[n] >= 'a' && key.ptr[n] <= 'z') || (key.ptr[n] >= 'A' && key.ptr[n] <= 'Z') ||
            (key.ptr[n] >= '0' && key.ptr[n] <= '9') || strchr("_-.", key.ptr[n]) != NULL)) {
        n++;
    }
    return (struct ql_str){.ptr = key.ptr, .len = n};
}

static const char *of_environment(struct ql_str key) {
    char names[QL_ENVIRONMENT_NAMES_MAX][QL_SETTING_NAME_SIZE];
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        const struct ql_setting *setting = ql_setting_get((enum ql_setting_id)id);
        size_t n = ql_setting_environment(setting, names);
        for (size_t i = 0; i < n; i++) {
            if (ql_str_eq_nocase(key, ql_str_from(names[i]))) {
                return setting->name;
            }
        }
    }
    return NULL;
}

static enum ql_status fail_unknown(const struct file *file, const struct ql_yaml_node *key, struct ql_err *err) {
    enum { N_OTHERS = 5 };
    static const char *const OTHERS[N_OTHERS] = {"kpis", "aliases", "genesys_client_secret_file", "aws_secret_access_key_file",
                                                 "aws_session_token_file"};
    const char *names[QL_SETTING_COUNT + N_OTHERS];
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        names[id] = ql_setting_get((enum ql_setting_id)id)->name;
    }
    memcpy(names + QL_SETTING_COUNT, OTHERS, sizeof OTHERS);
    struct ql_str text = showable(ql_yaml_text(key));
    const char *nearest = of_environment(text);
    if (nearest == NULL) {
        nearest = ql_setting_nearest(text, names, QL_SETTING_COUNT + N_OTHERS);
    }
    (void)QL_YAML_FAIL(file->path, key, err, "unknown setting '%.*s'", QL_STR_ARG(text));
    if (nearest != NULL && ql_str_eq(text, ql_str_from(nearest))) {
        ql_err_hint(err, "put a colon and a blank between name and value");
    } else if (nearest != NULL) {
        ql_err_hint(err, "did you mean '%s'?", nearest);
    } else {
        ql_err_hint(err, "'queuelake config' lists all settings");
    }
    return QL_E_CONFIG;
}

static enum ql_status fail_kind(const struct file *file, const struct ql_setting *setting, const struct ql_yaml_node *value,
                                struct ql_err *err) {
    const char *got = value->kind == QL_YAML_MAPPING ? "a map" : "a list";
    bool is_list = setting->kind == QL_KIND_LIST || setting->kind == QL_KIND_PAIRS;
    return QL_YAML_FAIL(file->path, value, err, "'%s' must be %s, not %s", setting->name,
                        is_list ? "a list or a text with commas" : "a single value", got);
}

/* The kinds that YAML itself tells apart are told apart: "5" in quotes is a text, and so is "true". */
static enum ql_status check_style(const struct file *file, const struct ql_setting *setting, const struct ql_yaml_node *value,
                                  struct ql_err *err) {
    bool is_number = setting->kind == QL_KIND_INT;
    bool is_bool = setting->kind == QL_KIND_BOOL;
    struct ql_str text = ql_yaml_text(value);
    bool is_quoted = (is_number || is_bool) && !value->is_plain;
    bool is_no_bool = is_bool && !ql_str_eq_nocase(text, QL_STR("true")) && !ql_str_eq_nocase(text, QL_STR("false"));
    if (is_quoted || is_no_bool) {
        (void)QL_YAML_FAIL(file->path, value, err, "'%s' must be %s", setting->name,
                           is_bool ? "true or false" : "a whole number without quotes");
        ql_err_hint(err, is_bool ? "write true or false, without quotes" : "write the number without quotes");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

static enum ql_status apply_sequence(const struct file *file, enum ql_setting_id id, const struct ql_yaml_node *value,
                                     const struct ql_place *place, struct ql_err *err) {
    struct ql_str *items = ql_arena_alloc(&file->settings->arena, value->n_items * sizeof *items);
    for (size_t i = 0; i < value->n_items; i++) {
        const struct ql_yaml_node *item = value->items[i].value;
        if (item->kind != QL_YAML_SCALAR || ql_yaml_is_null(item)) {
            return QL_YAML_FAIL(file->path, item, err, "'%s' must be a list of texts", ql_setting_get(id)->name);
        }
        items[i] = ql_yaml_text(item);
    }
    return ql_setting_set_list(file->settings, id, items, value->n_items, place, err);
}

static struct ql_place place_of(const struct file *file, const struct ql_yaml_node *key, const struct ql_yaml_node *value,
                                char label[LABEL_SIZE]) {
    struct ql_buf where = {0};
    ql_buf_printf(&where, "%.*s:%zu", QL_STR_ARG(file->path), key->line);
    struct ql_str kept = {.ptr = ql_arena_copy(&file->settings->arena, where.ptr, where.len), .len = where.len};
    ql_buf_fini(&where);
    (void)snprintf(label, LABEL_SIZE, "%.*s:%zu:%zu: '%s'", QL_STR_ARG(file->path), value->line, value->column, key->text);
    return (struct ql_place){.layer = QL_FROM_FILE, .where = kept, .label = label};
}

static enum ql_status apply_setting(const struct file *file, enum ql_setting_id id, const struct ql_yaml_node *key,
                                    const struct ql_yaml_node *value, struct ql_err *err) {
    const struct ql_setting *setting = ql_setting_get(id);
    char label[LABEL_SIZE];
    if (ql_yaml_is_null(value)) {
        return QL_OK;
    }
    if (id == QL_SETTING_config) {
        (void)QL_YAML_FAIL(file->path, key, err, "'config' cannot be set in the file itself");
        ql_err_hint(err, "name the file with --config or QUEUELAKE_CONFIG");
        return QL_E_CONFIG;
    }
    struct ql_place place = place_of(file, key, value, label);
    bool is_list = setting->kind == QL_KIND_LIST || setting->kind == QL_KIND_PAIRS;
    if (is_list && value->kind == QL_YAML_SEQUENCE) {
        return apply_sequence(file, id, value, &place, err);
    }
    if (value->kind != QL_YAML_SCALAR) {
        return fail_kind(file, setting, value, err);
    }
    QL_TRY(check_style(file, setting, value, err));
    return ql_setting_set(file->settings, id, ql_yaml_text(value), &place, err);
}

static const struct ql_yaml_node *find_value(const struct ql_yaml_node *map, const char *key) {
    for (size_t i = 0; i < map->n_items; i++) {
        if (ql_str_eq(ql_yaml_text(map->items[i].key), ql_str_from(key))) {
            return map->items[i].value;
        }
    }
    return NULL;
}

/* A relative path is meant from the folder of the YAML file, because that is what the writer of the file sees. */
static void put_path(const struct file *file, struct ql_str path, struct ql_buf *out) {
    size_t folder_len = file->path.len;
    while (folder_len != 0 && file->path.ptr[folder_len - 1] != '/') {
        folder_len--;
    }
    if (path.len == 0 || path.ptr[0] != '/') {
        ql_buf_put(out, file->path.ptr, folder_len);
    }
    ql_buf_put_str(out, path);
}

static enum ql_status apply_secret_file(const struct file *file, enum ql_setting_id id, const struct ql_yaml_node *key,
                                        const struct ql_yaml_node *value, struct ql_err *err) {
    const char *name = ql_setting_get(id)->name;
    char label[LABEL_SIZE];
    if (ql_yaml_is_null(value)) {
        return QL_OK;
    }
    const struct ql_yaml_node *itself = find_value(file->root, name);
    if (itself != NULL && !ql_yaml_is_null(itself)) {
        (void)QL_YAML_FAIL(file->path, key, err, "both '%s' and '%s_file' are set", name, name);
        ql_err_hint(err, "keep one of the two");
        return QL_E_CONFIG;
    }
    if (value->kind != QL_YAML_SCALAR || value->text_len == 0) {
        return QL_YAML_FAIL(file->path, value, err, "'%s_file' must be the path of a file", name);
    }
    struct ql_place place = place_of(file, key, value, label);
    struct ql_buf path = {0};
    put_path(file, ql_yaml_text(value), &path);
    enum ql_status status = ql_secret_read(file->settings, id, ql_buf_view(&path), &place, err);
    ql_buf_fini(&path);
    return status;
}

/* The secret that "<name>_file" stands in for, -1 if it is none. */
static int find_secret_file(struct ql_str key) {
    if (!ql_str_has_suffix(key, "_file")) {
        return -1;
    }
    int id = ql_setting_find((struct ql_str){.ptr = key.ptr, .len = key.len - strlen("_file")});
    return id >= 0 && ql_setting_get((enum ql_setting_id)id)->kind == QL_KIND_SECRET ? id : -1;
}

static enum ql_status apply_entry(const struct file *file, const struct ql_yaml_node *key, const struct ql_yaml_node *value,
                                  struct ql_err *err) {
    struct ql_str name = ql_yaml_text(key);
    if (ql_str_eq(name, QL_STR("kpis"))) {
        return ql_yaml_kpis(file->path, value, file->settings, err);
    }
    if (ql_str_eq(name, QL_STR("aliases"))) {
        return ql_yaml_aliases(file->path, value, file->settings, err);
    }
    int id = ql_setting_find(name);
    if (id == QL_SETTING_metrics && value->kind == QL_YAML_MAPPING) {
        return ql_yaml_metrics(file->path, value, file->settings, err);
    }
    if (id >= 0) {
        return apply_setting(file, (enum ql_setting_id)id, key, value, err);
    }
    int secret_id = find_secret_file(name);
    if (secret_id >= 0) {
        return apply_secret_file(file, (enum ql_setting_id)secret_id, key, value, err);
    }
    return fail_unknown(file, key, err);
}

static void wipe_secrets(const struct ql_yaml_node *root) {
    for (size_t i = 0; i < root->n_items; i++) {
        int id = ql_setting_find(ql_yaml_text(root->items[i].key));
        struct ql_yaml_node *value = root->items[i].value;
        if (id >= 0 && ql_setting_get((enum ql_setting_id)id)->kind == QL_KIND_SECRET && value->kind == QL_YAML_SCALAR) {
            explicit_bzero(value->text, value->text_len);
        }
    }
}

enum ql_status ql_yaml_apply(struct ql_str path, struct ql_str text, struct ql_settings *settings, struct ql_err *err) {
    struct ql_yaml_node *root = NULL;
    QL_TRY(ql_yaml_parse(path, text, &settings->arena, &root, err));
    if (root == NULL || ql_yaml_is_null(root)) {
        return QL_OK;
    }
    if (root->kind != QL_YAML_MAPPING) {
        (void)QL_YAML_FAIL(path, root, err, "the file must hold settings, one 'name: value' a line");
        ql_err_hint(err, "write them like 'layout: long'");
        return QL_E_CONFIG;
    }
    struct file file = {.path = path, .settings = settings, .root = root};
    enum ql_status status = QL_OK;
    for (size_t i = 0; i < root->n_items && status == QL_OK; i++) {
        status = apply_entry(&file, root->items[i].key, root->items[i].value, err);
    }
    wipe_secrets(root);
    return status;
}
