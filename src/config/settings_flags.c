/*
 * The command line, sorted: which flag with which text, and what is no flag. Values are read later, after file and environment,
 * so that a flag wins. `--flag value`, `--flag=value`, `--no-flag` for a bool, `-o value`, `-ovalue`, `--` before what only
 * looks like flags, and `-` as a positional of its own.
 */
#include "config/config_internal.h"

#include <stdio.h>

struct flag_reader {
    const struct ql_settings_source *source;
    const struct ql_command *command;
    struct ql_settings *settings;
    struct ql_flags *flags;
    int next; /* of source->argv */
};

static void add_use(struct ql_flags *flags, enum ql_setting_id id, struct ql_str value) {
    QL_MEM_GROW(flags->uses, flags->uses_cap, flags->n_uses + 1);
    flags->uses[flags->n_uses++] = (struct ql_flag_use){.id = id, .value = value};
}

/* "on-bad-row" */
static int find_flag(struct ql_str name) {
    char flag[QL_SETTING_NAME_SIZE];
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        ql_setting_flag(ql_setting_get((enum ql_setting_id)id), flag);
        if (ql_str_eq(name, ql_str_from(flag + 2))) {
            return id;
        }
    }
    return -1;
}

static enum ql_status fail_secret(const struct ql_setting *setting, struct ql_str name, struct ql_err *err) {
    char variables[QL_ENVIRONMENT_NAMES_MAX][QL_SETTING_NAME_SIZE];
    (void)ql_setting_environment(setting, variables);
    (void)QL_FAIL(err, QL_E_USAGE, "'--%.*s' is no flag, because other users of this machine can read command lines",
                  QL_STR_ARG(name));
    ql_err_hint(err,
                "set the environment variable %s, or name a file that holds the secret in %s_FILE, or write '%s' or '%s_file' "
                "into the YAML file",
                variables[0], variables[0], setting->name, setting->name);
    return QL_E_USAGE;
}

/* Secrets are among the names that are near, so that whoever tries one learns how to give it. */
static enum ql_status fail_unknown(const struct flag_reader *reader, struct ql_str name, struct ql_err *err) {
    char flags[QL_SETTING_COUNT][QL_SETTING_NAME_SIZE];
    const char *known[QL_SETTING_COUNT];
    size_t n = 0;
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        const struct ql_setting *setting = ql_setting_get((enum ql_setting_id)id);
        if ((setting->commands & reader->command->bit) != 0) {
            ql_setting_flag(setting, flags[n]);
            known[n] = flags[n] + 2;
            n++;
        }
    }
    const char *nearest = ql_setting_nearest(name, known, n);
    int found = nearest != NULL ? find_flag(ql_str_from(nearest)) : -1;
    if (found >= 0 && ql_setting_get((enum ql_setting_id)found)->kind == QL_KIND_SECRET) {
        return fail_secret(ql_setting_get((enum ql_setting_id)found), name, err);
    }
    enum ql_status status = QL_FAIL(err, QL_E_USAGE, "unknown flag '--%.*s'", QL_STR_ARG(name));
    if (nearest != NULL) {
        ql_err_hint(err, "did you mean '--%s'?", nearest);
    } else {
        ql_err_hint(err, "see 'queuelake %s --help'", reader->command->name);
    }
    return status;
}

static enum ql_status fail_other_command(const struct flag_reader *reader, const struct ql_setting *setting, struct ql_str name,
                                         struct ql_err *err) {
    size_t n = 0;
    const struct ql_command *commands = ql_command_all(&n);
    struct ql_buf owners = {0};
    for (size_t i = 0; i < n; i++) {
        if ((commands[i].bit & setting->commands) != 0) {
            ql_buf_printf(&owners, "%s'%s'", owners.len == 0 ? "" : ", ", commands[i].name);
        }
    }
    (void)QL_FAIL(err, QL_E_USAGE, "'--%.*s' is a flag of %s, not of '%s'", QL_STR_ARG(name), owners.ptr,
                  reader->command->name);
    ql_err_hint(err, "see 'queuelake %s --help'", reader->command->name);
    ql_buf_fini(&owners);
    return QL_E_USAGE;
}

/* Finds the setting of a long flag; a leading "no-" of a bool is taken off and told. */
static enum ql_status look_up(const struct flag_reader *reader, struct ql_str name, enum ql_setting_id *id, bool *is_negated,
                              struct ql_err *err) {
    *is_negated = false;
    int found = find_flag(name);
    if (found < 0 && ql_str_has_prefix(name, "no-")) {
        found = find_flag((struct ql_str){.ptr = name.ptr + 3, .len = name.len - 3});
        if (found >= 0 && ql_setting_get((enum ql_setting_id)found)->kind != QL_KIND_BOOL) {
            found = -1;
        }
        *is_negated = found >= 0;
    }
    if (found < 0) {
        return fail_unknown(reader, name, err);
    }
    const struct ql_setting *setting = ql_setting_get((enum ql_setting_id)found);
    if (setting->kind == QL_KIND_SECRET) {
        return fail_secret(setting, name, err);
    }
    if ((setting->commands & reader->command->bit) == 0) {
        return fail_other_command(reader, setting, name, err);
    }
    *id = (enum ql_setting_id)found;
    return QL_OK;
}

/* The argument behind the one at hand. What begins with "--" is another flag sooner than a value. */
static enum ql_status take_value(struct flag_reader *reader, const char *flag, struct ql_str *value, struct ql_err *err) {
    bool has_next = reader->next < reader->source->argc;
    if (!has_next || strncmp(reader->source->argv[reader->next], "--", 2) == 0) {
        (void)QL_FAIL(err, QL_E_USAGE, "'%s' needs a value", flag);
        if (has_next) {
            ql_err_hint(err, "if the value itself begins with '--', write %s=VALUE", flag);
        } else {
            ql_err_hint(err, "write %s VALUE", flag);
        }
        return QL_E_USAGE;
    }
    *value = ql_str_from(reader->source->argv[reader->next++]);
    return QL_OK;
}

static enum ql_status take_long(struct flag_reader *reader, struct ql_str text, struct ql_err *err) {
    struct ql_str value;
    struct ql_str name = ql_str_split(text, '=', &value);
    bool has_value = value.ptr != NULL;
    enum ql_setting_id id = QL_SETTING_COUNT;
    bool is_negated = false;
    QL_TRY(look_up(reader, name, &id, &is_negated, err));
    const struct ql_setting *setting = ql_setting_get(id);
    if (is_negated && has_value) {
        (void)QL_FAIL(err, QL_E_USAGE, "'--%.*s' takes no value", QL_STR_ARG(name));
        ql_err_hint(err, "write --%.*s alone", QL_STR_ARG(name));
        return QL_E_USAGE;
    }
    if (setting->kind == QL_KIND_BOOL) {
        value = has_value ? value : ql_str_from(is_negated ? "false" : "true");
    } else if (!has_value) {
        char flag[QL_SETTING_NAME_SIZE];
        ql_setting_flag(setting, flag);
        QL_TRY(take_value(reader, flag, &value, err));
    }
    add_use(reader->flags, id, value);
    return QL_OK;
}

static int find_letter(const struct flag_reader *reader, char letter) {
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        const struct ql_setting *setting = ql_setting_get((enum ql_setting_id)id);
        if (ql_setting_letter(setting) == letter && (setting->commands & reader->command->bit) != 0) {
            return id;
        }
    }
    return -1;
}

/* "-o", "-qv", "-ofile": letters of bools, then at most one that takes what is left or the next argument. */
static enum ql_status take_short(struct flag_reader *reader, struct ql_str letters, struct ql_err *err) {
    for (size_t i = 0; i < letters.len; i++) {
        char flag[] = {'-', letters.ptr[i], '\0'};
        if (letters.ptr[i] == 'h') {
            reader->settings->wants_help = true;
            continue;
        }
        int found = find_letter(reader, letters.ptr[i]);
        if (found < 0) {
            bool is_printable = letters.ptr[i] > ' ' && letters.ptr[i] < 0x7F;
            (void)QL_FAIL(err, QL_E_USAGE, "unknown flag '%s'", is_printable ? flag : "-?");
            ql_err_hint(err, "see 'queuelake %s --help'; what only looks like a flag goes behind '--'", reader->command->name);
            return QL_E_USAGE;
        }
        if (ql_setting_get((enum ql_setting_id)found)->kind == QL_KIND_BOOL) {
            add_use(reader->flags, (enum ql_setting_id)found, QL_STR("true"));
            continue;
        }
        struct ql_str value = {.ptr = letters.ptr + i + 1, .len = letters.len - i - 1};
        if (value.len == 0) {
            QL_TRY(take_value(reader, flag, &value, err));
        }
        add_use(reader->flags, (enum ql_setting_id)found, value);
        return QL_OK;
    }
    return QL_OK;
}

static bool asks_for_help(const struct ql_settings_source *source) {
    for (int i = 0; i < source->argc && strcmp(source->argv[i], "--") != 0; i++) {
        if (strcmp(source->argv[i], "--help") == 0 || strcmp(source->argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

enum ql_status ql_flags_parse(const struct ql_settings_source *source, const struct ql_command *command,
                              struct ql_settings *settings, struct ql_flags *flags, struct ql_err *err) {
    settings->wants_help = asks_for_help(source);
    if (settings->wants_help) {
        return QL_OK;
    }
    settings->args = ql_arena_alloc(&settings->arena, (size_t)(source->argc + 1) * sizeof *settings->args);
    struct flag_reader reader = {.source = source, .command = command, .settings = settings, .flags = flags};
    bool are_flags_over = false;
    while (reader.next < source->argc) {
        struct ql_str argument = ql_str_from(source->argv[reader.next++]);
        if (are_flags_over || argument.len < 2 || argument.ptr[0] != '-') {
            settings->args[settings->n_args++] =
                (struct ql_str){.ptr = ql_arena_copy(&settings->arena, argument.ptr, argument.len), .len = argument.len};
        } else if (ql_str_eq(argument, QL_STR("--"))) {
            are_flags_over = true;
        } else if (argument.ptr[1] == '-') {
            QL_TRY(take_long(&reader, (struct ql_str){.ptr = argument.ptr + 2, .len = argument.len - 2}, err));
        } else {
            QL_TRY(take_short(&reader, (struct ql_str){.ptr = argument.ptr + 1, .len = argument.len - 1}, err));
        }
    }
    return QL_OK;
}

/* All values of a repeatable flag together; of the others the last one holds. */
static enum ql_status apply_pairs(const struct ql_flags *flags, size_t first, struct ql_settings *settings,
                                  const struct ql_place *place, struct ql_err *err) {
    struct ql_buf joined = {0};
    for (size_t i = first; i < flags->n_uses; i++) {
        if (flags->uses[i].id == flags->uses[first].id) {
            ql_buf_printf(&joined, "%s%.*s", i == first ? "" : ",", QL_STR_ARG(flags->uses[i].value));
        }
    }
    enum ql_status status = ql_setting_set(settings, flags->uses[first].id, ql_buf_view(&joined), place, err);
    ql_buf_fini(&joined);
    return status;
}

enum ql_status ql_flags_apply(const struct ql_flags *flags, struct ql_settings *settings, struct ql_err *err) {
    bool is_done[QL_SETTING_COUNT] = {false};
    for (size_t i = 0; i < flags->n_uses; i++) {
        const struct ql_setting *setting = ql_setting_get(flags->uses[i].id);
        char flag[QL_SETTING_NAME_SIZE];
        char label[QL_SETTING_NAME_SIZE + 8];
        ql_setting_flag(setting, flag);
        (void)snprintf(label, sizeof label, "flag '%s'", flag);
        struct ql_place place = {.layer = QL_FROM_FLAG, .label = label};
        if (setting->kind != QL_KIND_PAIRS) {
            QL_TRY(ql_setting_set(settings, flags->uses[i].id, flags->uses[i].value, &place, err));
        } else if (!is_done[flags->uses[i].id]) {
            QL_TRY(apply_pairs(flags, i, settings, &place, err));
        }
        is_done[flags->uses[i].id] = true;
    }
    return QL_OK;
}
