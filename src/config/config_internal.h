/** What the files of this room share: the rows of the table, texts to values and back, the YAML tree. */
#ifndef QL_CONFIG_CONFIG_INTERNAL_H
#define QL_CONFIG_CONFIG_INTERNAL_H

#include "config/config.h"
#include "config/yaml_tree.h"

enum ql_kind {
    QL_KIND_TEXT,
    QL_KIND_TIME,
    QL_KIND_ZONE,
    QL_KIND_ROUND,
    QL_KIND_SECRET,
    QL_KIND_INT,
    QL_KIND_BYTES,
    QL_KIND_DURATION,
    QL_KIND_PERIOD,
    QL_KIND_BOOL,
    QL_KIND_ENUM,
    QL_KIND_LIST,
    QL_KIND_PAIRS
};

enum ql_section {
    QL_SECTION_RANGE_OF_TIME,
    QL_SECTION_OUTPUT,
    QL_SECTION_SHAPE,
    QL_SECTION_INPUT,
    QL_SECTION_GENESYS,
    QL_SECTION_INSPECT,
    QL_SECTION_S3,
    QL_SECTION_NETWORK,
    QL_SECTION_WAITING,
    QL_SECTION_LIMITS,
    QL_SECTION_GENERAL,
    QL_SECTION_COUNT
};

/** A row of settings.def. */
struct ql_setting {
    const char *name;
    enum ql_kind kind;
    size_t offset; /* of the field in struct ql_settings */
    const char *fallback;
    const char *environment;
    enum ql_section section;
    unsigned commands; /* bits of struct ql_command */
    const char *metavar, *choices;
    int64_t min, max; /* both 0: no bounds */
    const char *help;
};

struct ql_command {
    const char *name, *synopsis, *summary, *examples;
    unsigned bit;
};

enum { QL_SETTING_NAME_SIZE = 64, QL_ENVIRONMENT_NAMES_MAX = 2 };

const struct ql_setting *ql_setting_get(enum ql_setting_id id);
/** By name; -1 if there is none. */
int ql_setting_find(struct ql_str name);
/** The name of n that was probably meant: one that ends in it, else the nearest; NULL if none is near. */
const char *ql_setting_nearest(struct ql_str name, const char *const *names, size_t n);
/** "--on-bad-row" */
void ql_setting_flag(const struct ql_setting *setting, char out[QL_SETTING_NAME_SIZE]);
/** The names of its environment variables in order of precedence; returns how many. */
size_t ql_setting_environment(const struct ql_setting *setting, char names[QL_ENVIRONMENT_NAMES_MAX][QL_SETTING_NAME_SIZE]);
/** The letter of its short flag, 0 if it has none. */
char ql_setting_letter(const struct ql_setting *setting);
const char *ql_section_title(enum ql_section section);
const struct ql_command *ql_command_find(const char *name); /* NULL if there is none */
const struct ql_command *ql_command_all(size_t *n);
/** Takes the next name of "a|b|c"; false at the end. */
bool ql_choices_next(const char **choices, struct ql_str *name);

/** Where a value stands: what errors begin with, and what `queuelake config` shows. */
struct ql_place {
    enum ql_setting_layer layer;
    struct ql_str where; /* kept: must live as long as the settings */
    const char *label;   /* "queuelake.yaml:3:7: 'attempts'" */
};

/** Reads text into the setting's field; E_USAGE for flags, else E_CONFIG, beginning with the place's label. */
QL_MUST_CHECK enum ql_status ql_setting_set(struct ql_settings *settings, enum ql_setting_id id, struct ql_str text,
                                            const struct ql_place *place, struct ql_err *err);
/** As ql_setting_set for the items of a LIST or PAIRS setting, each one text. */
QL_MUST_CHECK enum ql_status ql_setting_set_list(struct ql_settings *settings, enum ql_setting_id id,
                                                 const struct ql_str *items, size_t n_items, const struct ql_place *place,
                                                 struct ql_err *err);
/** Puts the place before the error's message and makes its status the place's. */
enum ql_status ql_place_wrap(const struct ql_place *place, struct ql_err *err);
#define QL_PLACE_FAIL(place, err, ...) ((void)QL_FAIL((err), QL_E_CONFIG, __VA_ARGS__), ql_place_wrap((place), (err)))
/** Appends the value as a user would write it, secrets and passwords in URLs masked; nothing for one that is not set. */
void ql_setting_format(const struct ql_settings *settings, enum ql_setting_id id, struct ql_buf *out);
/** Whether there is a value, set or by default. */
bool ql_setting_has_value(const struct ql_settings *settings, enum ql_setting_id id);
/** "500ms", "90s", "30m", "1h"; "16M". */
void ql_duration_format(int64_t ms, struct ql_buf *out);
void ql_bytes_format(int64_t bytes, struct ql_buf *out);

/** One value of the command line, not yet read. */
struct ql_flag_use {
    enum ql_setting_id id;
    struct ql_str value;
};
struct ql_flags {
    struct ql_flag_use *uses;
    size_t n_uses, uses_cap;
};
/** Sorts the command line into flags and positionals (settings->args, settings->wants_help); looks at no value. */
QL_MUST_CHECK enum ql_status ql_flags_parse(const struct ql_settings_source *source, const struct ql_command *command,
                                            struct ql_settings *settings, struct ql_flags *flags, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_flags_apply(const struct ql_flags *flags, struct ql_settings *settings, struct ql_err *err);

/** The variable's value; of length 0 if it is not set or empty, which is the same here. */
struct ql_str ql_environment_get(const struct ql_settings_source *source, const char *name);
QL_MUST_CHECK enum ql_status ql_environment_apply(const struct ql_settings_source *source, const struct ql_command *command,
                                                  struct ql_settings *settings, struct ql_err *err);

/** Reads a small file whole; bytes is overwritten and freed by the caller's ql_mem_free_secret. *is_missing instead of an error
 * if there is none and is_missing is given. */
QL_MUST_CHECK enum ql_status ql_config_read(struct ql_str path, size_t max_bytes, struct ql_buf *bytes, bool *is_missing,
                                            struct ql_err *err);
/** A secret from the file that stands in for it, one line end removed. */
QL_MUST_CHECK enum ql_status ql_secret_read(struct ql_settings *settings, enum ql_setting_id id, struct ql_str path,
                                            const struct ql_place *place, struct ql_err *err);

/** Reads the YAML file's text into settings. */
QL_MUST_CHECK enum ql_status ql_yaml_apply(struct ql_str path, struct ql_str text, struct ql_settings *settings,
                                           struct ql_err *err);
/** metrics:, kpis: and aliases: of the file. */
QL_MUST_CHECK enum ql_status ql_yaml_metrics(struct ql_str path, const struct ql_yaml_node *map, struct ql_settings *settings,
                                             struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_yaml_kpis(struct ql_str path, const struct ql_yaml_node *map, struct ql_settings *settings,
                                          struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_yaml_aliases(struct ql_str path, const struct ql_yaml_node *map, struct ql_settings *settings,
                                             struct ql_err *err);
/** Puts "<path>:<line>:<column>: " before the error's message. */
enum ql_status ql_yaml_wrap(struct ql_str path, const struct ql_yaml_node *node, struct ql_err *err);
#define QL_YAML_FAIL(path, node, err, ...) ((void)QL_FAIL((err), QL_E_CONFIG, __VA_ARGS__), ql_yaml_wrap((path), (node), (err)))
/** null, ~ or nothing at all. */
bool ql_yaml_is_null(const struct ql_yaml_node *node);

#endif
