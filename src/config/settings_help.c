/*
 * Help for people in a hurry, and the reference for the others, from the same rows. Help of a command stays short: what is
 * rarely touched (waiting, limits) is only named with its default; the reference says the rest.
 */
#include "config/config_internal.h"

enum { HELP_COLUMN = 34, HELP_WIDTH = 80 };

static void put_metavar(const struct ql_setting *setting, struct ql_buf *out) {
    switch (setting->kind) {
    case QL_KIND_BOOL:
        break;
    case QL_KIND_INT:
        ql_buf_puts(out, "N");
        break;
    case QL_KIND_BYTES:
        ql_buf_puts(out, "SIZE");
        break;
    case QL_KIND_DURATION:
        ql_buf_puts(out, "DURATION");
        break;
    case QL_KIND_ENUM:
        ql_buf_puts(out, setting->choices);
        break;
    default:
        ql_buf_puts(out, setting->metavar != NULL ? setting->metavar : "TEXT");
        break;
    }
}

static void pad_to(struct ql_buf *out, size_t line_start, size_t column) {
    while (out->len - line_start < column) {
        ql_buf_putc(out, ' ');
    }
}

/* Words from HELP_COLUMN on, broken before HELP_WIDTH; the line begins at line_start. */
static void put_wrapped(struct ql_str text, size_t line_start, struct ql_buf *out) {
    if (out->len - line_start >= HELP_COLUMN) {
        ql_buf_putc(out, '\n');
        line_start = out->len;
    }
    pad_to(out, line_start, HELP_COLUMN - 1);
    while (text.len != 0) {
        struct ql_str word = ql_str_split(text, ' ', &text);
        if (out->len - line_start + 1 + word.len > HELP_WIDTH && out->len - line_start >= HELP_COLUMN) {
            ql_buf_putc(out, '\n');
            line_start = out->len;
            pad_to(out, line_start, HELP_COLUMN - 1);
        }
        ql_buf_putc(out, ' ');
        ql_buf_put_str(out, word);
    }
    ql_buf_putc(out, '\n');
}

static void put_flag_line(const struct ql_setting *setting, struct ql_buf *out) {
    char flag[QL_SETTING_NAME_SIZE];
    size_t line_start = out->len;
    ql_setting_flag(setting, flag);
    char letter = ql_setting_letter(setting);
    ql_buf_printf(out, letter != '\0' ? "  -%c, " : "      ", letter);
    ql_buf_puts(out, flag);
    if (setting->kind != QL_KIND_BOOL) {
        ql_buf_putc(out, ' ');
        put_metavar(setting, out);
    }
    struct ql_buf help = {0};
    ql_buf_puts(&help, setting->help);
    if (setting->fallback != NULL && setting->kind != QL_KIND_BOOL) {
        ql_buf_printf(&help, " [%s]", setting->fallback);
    }
    if (setting->environment != NULL) {
        struct ql_str rest;
        struct ql_str first = ql_str_split(ql_str_from(setting->environment), ' ', &rest);
        ql_buf_printf(&help, " [$%.*s]", QL_STR_ARG(first));
    }
    put_wrapped(ql_buf_view(&help), line_start, out);
    ql_buf_fini(&help);
}

static void put_secret_line(const struct ql_setting *setting, struct ql_buf *out) {
    struct ql_buf help = {0};
    size_t line_start = out->len;
    struct ql_str rest;
    struct ql_str name = ql_str_split(ql_str_from(setting->environment), ' ', &rest);
    ql_buf_printf(out, "      $%.*s", QL_STR_ARG(name));
    ql_buf_printf(&help, "%s (no flag; or $%.*s_FILE, or the YAML file)", setting->help, QL_STR_ARG(name));
    put_wrapped(ql_buf_view(&help), line_start, out);
    ql_buf_fini(&help);
}

/* "--poll-min 500ms  --poll-max 10s  ..." */
static void put_named_only(enum ql_section section, const struct ql_command *command, struct ql_buf *out) {
    size_t line_start = out->len;
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        const struct ql_setting *setting = ql_setting_get((enum ql_setting_id)id);
        if (setting->section != section || (setting->commands & command->bit) == 0) {
            continue;
        }
        char flag[QL_SETTING_NAME_SIZE];
        ql_setting_flag(setting, flag);
        if (out->len != line_start && out->len - line_start + strlen(flag) + strlen(setting->fallback) + 3 > HELP_WIDTH) {
            ql_buf_putc(out, '\n');
            line_start = out->len;
        }
        ql_buf_printf(out, "  %s %s", flag, setting->fallback);
    }
    ql_buf_putc(out, '\n');
}

static bool has_any(enum ql_section section, const struct ql_command *command) {
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        const struct ql_setting *setting = ql_setting_get((enum ql_setting_id)id);
        if (setting->section == section && (setting->commands & command->bit) != 0) {
            return true;
        }
    }
    return false;
}

static void put_section(enum ql_section section, const struct ql_command *command, struct ql_buf *out) {
    if (!has_any(section, command)) {
        return;
    }
    bool is_rare = section == QL_SECTION_WAITING || section == QL_SECTION_LIMITS;
    ql_buf_printf(out, "\n%s%s:\n", ql_section_title(section), is_rare ? " (with defaults)" : "");
    if (is_rare) {
        put_named_only(section, command, out);
        return;
    }
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        const struct ql_setting *setting = ql_setting_get((enum ql_setting_id)id);
        if (setting->section != section || (setting->commands & command->bit) == 0) {
            continue;
        }
        if (setting->kind == QL_KIND_SECRET) {
            put_secret_line(setting, out);
        } else {
            put_flag_line(setting, out);
        }
    }
    if (section == QL_SECTION_GENERAL) {
        size_t line_start = out->len;
        ql_buf_puts(out, "  -h, --help");
        put_wrapped(QL_STR("this text"), line_start, out);
    }
}

static void put_examples(struct ql_str examples, struct ql_buf *out) {
    while (examples.ptr != NULL) {
        struct ql_str line = ql_str_split(examples, '\n', &examples);
        ql_buf_printf(out, "  %.*s\n", QL_STR_ARG(line));
    }
}

void ql_settings_help(const char *command_name, struct ql_buf *out) {
    const struct ql_command *command = ql_command_find(command_name);
    if (command == NULL) { /* a command without settings */
        return;
    }
    ql_buf_printf(out, "usage: %s\n\n%s\n\n", command->synopsis, command->summary);
    put_examples(ql_str_from(command->examples), out);
    if (strcmp(command->name, "config") == 0) { /* it knows all flags; theirs is the place to explain them */
        ql_buf_puts(out, "\nTakes every flag of the other commands and shows what they would do.\n");
        put_section(QL_SECTION_GENERAL, command, out);
        return;
    }
    for (int section = 0; section < QL_SECTION_COUNT; section++) {
        put_section((enum ql_section)section, command, out);
    }
    if (strcmp(command->name, "version") != 0) {
        ql_buf_puts(out, "\nEvery flag has an environment variable (QUEUELAKE_LAYOUT for --layout, unless\n"
                         "named above) and a key in queuelake.yaml (layout). --no-FLAG switches off a flag\n"
                         "without value (--no-totals). All about each setting: docs/generated/settings.md\n");
    }
}

/* ---- the reference ---- */

static const char *kind_name(enum ql_kind kind) {
    static const char *const NAMES[] = {[QL_KIND_TEXT] = "text",
                                        [QL_KIND_TIME] = "time",
                                        [QL_KIND_ZONE] = "time zone",
                                        [QL_KIND_ROUND] = "number or none",
                                        [QL_KIND_SECRET] = "secret",
                                        [QL_KIND_INT] = "number",
                                        [QL_KIND_BYTES] = "size",
                                        [QL_KIND_DURATION] = "duration",
                                        [QL_KIND_PERIOD] = "period",
                                        [QL_KIND_BOOL] = "true or false",
                                        [QL_KIND_ENUM] = "one of",
                                        [QL_KIND_LIST] = "list",
                                        [QL_KIND_PAIRS] = "list of key=value"};
    return NAMES[kind];
}

static void put_bound(const struct ql_setting *setting, int64_t bound, struct ql_buf *out) {
    if (setting->kind == QL_KIND_DURATION) {
        ql_duration_format(bound, out);
    } else if (setting->kind == QL_KIND_BYTES) {
        ql_bytes_format(bound, out);
    } else {
        ql_buf_printf(out, "%lld", (long long)bound);
    }
}

static void put_bounds(const struct ql_setting *setting, struct ql_buf *out) {
    struct ql_str name;
    const char *separator = "";
    for (const char *choices = setting->choices; ql_choices_next(&choices, &name);) {
        ql_buf_printf(out, "%s`%.*s`", separator, QL_STR_ARG(name));
        separator = " ";
    }
    if (setting->min == 0 && setting->max == 0) {
        ql_buf_puts(out, setting->kind == QL_KIND_ROUND ? "0 to 15" : "");
        return;
    }
    put_bound(setting, setting->min, out);
    if (setting->max == INT64_MAX) {
        ql_buf_puts(out, " or more");
    } else {
        ql_buf_puts(out, " to ");
        put_bound(setting, setting->max, out);
    }
}

/* In a table a bar would end the cell. */
static void put_cell(const char *text, struct ql_buf *out) {
    for (; *text != '\0'; text++) {
        ql_buf_puts(out, *text == '|' ? "\\" : "");
        ql_buf_putc(out, *text);
    }
}

static void put_row(const struct ql_setting *setting, struct ql_buf *out) {
    char flag[QL_SETTING_NAME_SIZE];
    char names[QL_ENVIRONMENT_NAMES_MAX][QL_SETTING_NAME_SIZE];
    size_t n = ql_setting_environment(setting, names);
    ql_setting_flag(setting, flag);
    char letter = ql_setting_letter(setting);
    if (setting->kind == QL_KIND_SECRET) {
        ql_buf_puts(out, "| none |");
        for (size_t i = 0; i < n; i++) {
            ql_buf_printf(out, "%s `%s`, `%s_FILE`", i != 0 ? "," : "", names[i], names[i]);
        }
        ql_buf_printf(out, " | `%s`, `%s_file` |", setting->name, setting->name);
    } else {
        ql_buf_puts(out, "| ");
        if (letter != '\0') {
            ql_buf_printf(out, "`-%c`, ", letter);
        }
        ql_buf_printf(out, "`%s` | `%s`", flag, names[0]);
        for (size_t i = 1; i < n; i++) {
            ql_buf_printf(out, ", `%s`", names[i]);
        }
        ql_buf_printf(out, strcmp(setting->name, "config") == 0 ? " | |" : " | `%s` |", setting->name);
    }
    ql_buf_printf(out, " %s |", kind_name(setting->kind));
    if (setting->fallback != NULL) {
        ql_buf_printf(out, " `%s` | ", setting->fallback);
    } else {
        ql_buf_puts(out, " | ");
    }
    put_bounds(setting, out);
    ql_buf_puts(out, " | ");
    put_cell(setting->help, out);
    size_t n_commands = 0;
    const struct ql_command *commands = ql_command_all(&n_commands);
    ql_buf_puts(out, " |");
    for (size_t i = 0; i < n_commands; i++) {
        if ((setting->commands & commands[i].bit) != 0 && setting->kind != QL_KIND_SECRET) {
            ql_buf_printf(out, " %s", commands[i].name);
        }
    }
    ql_buf_puts(out, " |\n");
}

static const char PREFACE[] =
    "# Settings\n\n"
    "Generated from `src/config/settings.def`; `tests/unit/config/test_settings_reference.c` says how.\n\n"
    "A flag wins over the environment, the environment over the YAML file, the file over the default. `queuelake config`\n"
    "prints what holds and where it comes from. An empty environment variable counts as not set.\n\n"
    "The YAML file is that of `--config`, else of `QUEUELAKE_CONFIG`, else `./queuelake.yaml`, else\n"
    "`$XDG_CONFIG_HOME/queuelake/queuelake.yaml` (`~/.config/queuelake/queuelake.yaml`), else none. It holds one document of\n"
    "`name: value`; an unknown or repeated key, a value of the wrong type and one out of range are errors with line and "
    "column;\n"
    "`null` means not set. Every setting may stand in the file and in the environment whichever command runs; a flag must be "
    "one\n"
    "of the command's own.\n\n"
    "Secrets have no flag. They come from the environment, from the file that `<NAME>_FILE` names (one line end at its end is\n"
    "removed), or from the YAML file, itself or by `<name>_file` (a relative path starts at the YAML file's folder).\n\n"
    "| type | written as |\n"
    "| --- | --- |\n"
    "| duration | `500ms`, `10s`, `30m`, `1h`; a bare number is seconds |\n"
    "| size | `64K`, `16M`, `1G`, `1T` in powers of 1024 (`KiB` and so on too); a bare number is bytes |\n"
    "| period | `90s`, `30m`, `1h`, `1d`, or ISO 8601 such as `PT30M` |\n"
    "| time | `2024-01-31`, `2024-01-31T09:30`, `2024-01-31T09:30:00Z`, `2024-01-31T09:30:00+01:00` |\n"
    "| true or false | flag alone, or `--no-` before its name; in the environment also `1` and `0`, `yes` and `no`, `on` and "
    "`off` |\n"
    "| list | with commas; in YAML also a list |\n";

static const char MAPS[] =
    "\n## Maps of the YAML file\n\n"
    "```yaml\n"
    "metrics:                      # a map: definitions; a list: which metrics and in which order\n"
    "  calls_offered:           {column: calls_offered, agg: sum}\n"
    "  avg_handle_time_seconds: {column: avg_handle_time_seconds, agg: mean, weight: calls_answered}\n"
    "kpis:\n"
    "  answer_rate:      calls_answered / calls_offered\n"
    "  workload_erlangs: {expression: calls_answered * avg_handle_time_seconds / interval_seconds, idle: 0}\n"
    "aliases:                      # what a header calls it: what it is called here\n"
    "  Offered Calls: calls_offered\n"
    "  Avg Handle:    {to: avg_handle_time_seconds, scale: 0.001}\n"
    "```\n\n"
    "| map | field | meaning |\n"
    "| --- | --- | --- |\n"
    "| `metrics` | `column` | the column that is read; the metric's own name if absent |\n"
    "| | `agg` | `sum`, `mean`, `min`, `max`, `count` or `ratio` (the sum of `column` divided by the sum of `weight`) |\n"
    "| | `weight` | for `mean` and `ratio`: the column that weighs, or divides |\n"
    "| | `type` | `count` (whole numbers) or `number` |\n"
    "| | `idle` | what stands in a cell without value; 0 if absent |\n"
    "| `kpis` | `expression`, `idle` | the formula, and what stands in a cell where it has no value |\n"
    "| `aliases` | `to`, `scale` | the canonical column, and the power of ten that its values are multiplied by |\n";

void ql_settings_reference(struct ql_buf *out) {
    ql_buf_puts(out, PREFACE);
    for (int section = 0; section < QL_SECTION_COUNT; section++) {
        ql_buf_printf(out, "\n## %s\n\n", ql_section_title((enum ql_section)section));
        ql_buf_puts(out, "| flag | environment | YAML | type | default | values | meaning | flag of |\n"
                         "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for (int id = 0; id < QL_SETTING_COUNT; id++) {
            const struct ql_setting *setting = ql_setting_get((enum ql_setting_id)id);
            if (setting->section == (enum ql_section)section) {
                put_row(setting, out);
            }
        }
    }
    ql_buf_puts(out, MAPS);
}
