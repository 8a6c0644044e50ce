/*
 * The table of settings as rows, and the small look-ups in it. Commands and sections are named here, settings in settings.def.
 */
#include "config/config_internal.h"

#include <stdio.h>

enum {
    COMMAND_RUN = 1,
    COMMAND_TRANSFORM = 2,
    COMMAND_CONFIG = 4,
    COMMAND_VERSION = 8,
    COMMAND_CHECK = 16,
    COMMAND_INSPECT = 32
};

/* What settings.def calls them. `config` shows all settings, so it takes all flags; `check` takes those of the run that it
 * looks at, so that one word makes the one of the other. */
enum {
    RUN_ALONE = COMMAND_RUN | COMMAND_CONFIG,
    CHECK_ONLY = COMMAND_CHECK | COMMAND_CONFIG,
    RUN_ONLY = COMMAND_RUN | COMMAND_CHECK | COMMAND_CONFIG,
    BOTH = RUN_ONLY | COMMAND_TRANSFORM,
    INSPECT_ONLY = COMMAND_INSPECT | COMMAND_CONFIG,
    READERS = BOTH | COMMAND_INSPECT, /* whatever reads or writes an object */
    ALL = READERS | COMMAND_VERSION
};

#define ARG(text) .metavar = (text)
#define CHOICES(names) .choices = (names)
#define RANGE(least, most) .min = (least), .max = (most)
#define NO_ARGUMENT .metavar = NULL

static const struct ql_setting SETTINGS[] = {
#define QL_SETTING(kind_, name_, fallback_, environment_, section_, commands_, argument_, help_) \
    {.name = #name_,                                                                             \
     .kind = QL_KIND_##kind_,                                                                    \
     .offset = offsetof(struct ql_settings, name_),                                              \
     .fallback = (fallback_),                                                                    \
     .environment = (environment_),                                                              \
     .section = QL_SECTION_##section_,                                                           \
     .commands = (commands_),                                                                    \
     argument_,                                                                                  \
     .help = (help_)},
#include "config/settings.def"
#undef QL_SETTING
};

static const char *const SECTION_TITLES[QL_SECTION_COUNT] = {
    [QL_SECTION_RANGE_OF_TIME] = "What to fetch",
    [QL_SECTION_OUTPUT] = "Where to and how",
    [QL_SECTION_SHAPE] = "Shape of the artefact",
    [QL_SECTION_INPUT] = "Reading the CSV",
    [QL_SECTION_GENESYS] = "Genesys Cloud",
    [QL_SECTION_INSPECT] = "Looking at a file",
    [QL_SECTION_S3] = "S3",
    [QL_SECTION_NETWORK] = "Network",
    [QL_SECTION_WAITING] = "Waiting and trying again",
    [QL_SECTION_LIMITS] = "Safety limits",
    [QL_SECTION_GENERAL] = "General",
};

static const struct ql_command COMMANDS[] = {
    {.name = "run",
     .bit = COMMAND_RUN,
     .synopsis = "queuelake run [flags]",
     .summary = "ask Genesys Cloud for the figures of a range, store them as Parquet",
     .examples = "queuelake run --from 2024-01-01 --to 2024-01-02 -o ./lake/\n"
                 "queuelake run --timezone Europe/Rome -o 's3://bucket/{start:%Y-%m-%d}.parquet'"},
    {.name = "transform",
     .bit = COMMAND_TRANSFORM,
     .synopsis = "queuelake transform [flags] FILE...",
     .summary = "pivot CSV exports that are already here; - is standard input",
     .examples = "queuelake transform export.csv\n"
                 "queuelake transform --layout long -o week.parquet monday.csv.gz tuesday.csv.gz"},
    {.name = "check",
     .bit = COMMAND_CHECK,
     .synopsis = "queuelake check [flags of run]",
     .summary = "look at what could stop a run: network, clock, permissions, destination, disk",
     .examples = "queuelake check -o ./lake/\n"
                 "queuelake check --write-test -o 's3://bucket/{start:%Y-%m-%d}.parquet'\n"
                 "queuelake check --orphans -o s3://bucket/"},
    {.name = "inspect",
     .bit = COMMAND_INSPECT,
     .synopsis = "queuelake inspect [flags] FILE|URI",
     .summary = "show a Parquet file, verify it, or make it a table; - is standard input",
     .examples = "queuelake inspect lake/day.parquet\n"
                 "queuelake inspect --verify s3://bucket/date=2024-01-01/part.parquet\n"
                 "queuelake inspect --ddl spark lake/date=2024-01-01/part.parquet"},
    {.name = "config",
     .bit = COMMAND_CONFIG,
     .synopsis = "queuelake config [flags]",
     .summary = "print the effective settings and where each comes from",
     .examples = "queuelake config\nqueuelake config --config nightly.yaml --json"},
    {.name = "version",
     .bit = COMMAND_VERSION,
     .synopsis = "queuelake version [--json]",
     .summary = "print the versions of the program and of its libraries",
     .examples = "queuelake version"},
};

enum { N_COMMANDS = sizeof COMMANDS / sizeof COMMANDS[0] };

_Static_assert(sizeof SETTINGS / sizeof SETTINGS[0] == QL_SETTING_COUNT, "one row for each id");

const struct ql_setting *ql_setting_get(enum ql_setting_id id) {
    return &SETTINGS[id];
}

int ql_setting_find(struct ql_str name) {
    for (int id = 0; id < QL_SETTING_COUNT; id++) {
        if (ql_str_eq(name, ql_str_from(SETTINGS[id].name))) {
            return id;
        }
    }
    return -1;
}

void ql_setting_flag(const struct ql_setting *setting, char out[QL_SETTING_NAME_SIZE]) {
    (void)snprintf(out, QL_SETTING_NAME_SIZE, "--%s", setting->name);
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == '_' ? '-' : *c;
    }
}

size_t ql_setting_environment(const struct ql_setting *setting, char names[QL_ENVIRONMENT_NAMES_MAX][QL_SETTING_NAME_SIZE]) {
    if (setting->environment == NULL) {
        (void)snprintf(names[0], QL_SETTING_NAME_SIZE, "QUEUELAKE_%s", setting->name);
        for (char *c = names[0]; *c != '\0'; c++) {
            *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        }
        return 1;
    }
    size_t n = 0;
    struct ql_str rest = ql_str_from(setting->environment);
    while (rest.len != 0 && n < QL_ENVIRONMENT_NAMES_MAX) {
        struct ql_str name = ql_str_split(rest, ' ', &rest);
        (void)snprintf(names[n++], QL_SETTING_NAME_SIZE, "%.*s", QL_STR_ARG(name));
    }
    return n;
}

char ql_setting_letter(const struct ql_setting *setting) {
    switch ((int)(setting - SETTINGS)) {
    case QL_SETTING_output:
        return 'o';
    case QL_SETTING_quiet:
        return 'q';
    case QL_SETTING_verbose:
        return 'v';
    default:
        return '\0';
    }
}

const char *ql_section_title(enum ql_section section) {
    return SECTION_TITLES[section];
}

const struct ql_command *ql_command_find(const char *name) {
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(name, COMMANDS[i].name) == 0) {
            return &COMMANDS[i];
        }
    }
    return NULL;
}

const struct ql_command *ql_command_all(size_t *n) {
    *n = N_COMMANDS;
    return COMMANDS;
}

/* "client-id" is part of "genesys-client-id": more telling than any number of edits. */
static bool is_end_of(struct ql_str name, const char *whole) {
    size_t len = strlen(whole);
    if (name.len < 3 || name.len >= len) {
        return false;
    }
    char before = whole[len - name.len - 1];
    return (before == '-' || before == '_') && memcmp(whole + len - name.len, name.ptr, name.len) == 0;
}

const char *ql_setting_nearest(struct ql_str name, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (is_end_of(name, names[i])) {
            return names[i];
        }
    }
    return ql_str_nearest(name, names, n);
}

bool ql_choices_next(const char **choices, struct ql_str *name) {
    if (*choices == NULL || **choices == '\0') {
        return false;
    }
    const char *end = strchr(*choices, '|');
    size_t len = end != NULL ? (size_t)(end - *choices) : strlen(*choices);
    *name = (struct ql_str){.ptr = *choices, .len = len};
    *choices += end != NULL ? len + 1 : len;
    return true;
}
