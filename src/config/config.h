/**
 * The settings: flag over environment over YAML file over default, all from one table, src/config/settings.def.
 *
 * Only cli knows this room; it hands the values on in the stages' own option structs. What the table says once is here a
 * field, and elsewhere a flag, an environment variable, a YAML key, a line of help and a row of docs/generated/settings.md.
 * Nothing here prints, and no secret's value is ever part of an error or of what ql_settings_print writes.
 */
#ifndef QL_CONFIG_CONFIG_H
#define QL_CONFIG_CONFIG_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

/** Values of the enum settings, in the order in which the table lists them. */
enum ql_set_source { QL_SET_SOURCE_AGGREGATES, QL_SET_SOURCE_REPORTING, QL_SET_SOURCE_EXPORTS, QL_SET_SOURCE_FILE };
enum ql_set_aggregates { QL_SET_AGGREGATES_AUTO, QL_SET_AGGREGATES_QUERY, QL_SET_AGGREGATES_JOB };
enum ql_set_by { QL_SET_BY_QUEUE, QL_SET_BY_MEDIA_TYPE };
enum ql_set_layout { QL_SET_LAYOUT_WIDE, QL_SET_LAYOUT_LONG, QL_SET_LAYOUT_TIDY };
enum ql_set_parquet_compat { QL_SET_PARQUET_COMPAT_BROAD, QL_SET_PARQUET_COMPAT_MODERN };
enum ql_set_rates { QL_SET_RATES_DOUBLE, QL_SET_RATES_DECIMAL };
enum ql_set_profile { QL_SET_PROFILE_DEFAULT, QL_SET_PROFILE_PANDAS };
enum ql_set_names { QL_SET_NAMES_SAFE, QL_SET_NAMES_RAW };
enum ql_set_empty { QL_SET_EMPTY_ZERO, QL_SET_EMPTY_NULL };
enum ql_set_gaps { QL_SET_GAPS_KEEP, QL_SET_GAPS_FILL };
enum ql_set_cells { QL_SET_CELLS_SEEN, QL_SET_CELLS_ALL };
enum ql_set_columns_by { QL_SET_COLUMNS_BY_AUTO, QL_SET_COLUMNS_BY_ID, QL_SET_COLUMNS_BY_NAME };
enum ql_set_overlap { QL_SET_OVERLAP_FAIL, QL_SET_OVERLAP_SUM, QL_SET_OVERLAP_LAST };
enum ql_set_delimiter {
    QL_SET_DELIMITER_AUTO,
    QL_SET_DELIMITER_COMMA,
    QL_SET_DELIMITER_SEMICOLON,
    QL_SET_DELIMITER_TAB,
    QL_SET_DELIMITER_PIPE
};
enum ql_set_csv_dates { QL_SET_CSV_DATES_AUTO, QL_SET_CSV_DATES_ISO, QL_SET_CSV_DATES_US, QL_SET_CSV_DATES_EU };
enum ql_set_on_bad_row { QL_SET_ON_BAD_ROW_FAIL, QL_SET_ON_BAD_ROW_SKIP, QL_SET_ON_BAD_ROW_QUARANTINE };
enum ql_set_s3_addressing { QL_SET_S3_ADDRESSING_AUTO, QL_SET_S3_ADDRESSING_VIRTUAL, QL_SET_S3_ADDRESSING_PATH };
enum ql_set_s3_tagging { QL_SET_S3_TAGGING_HEADER, QL_SET_S3_TAGGING_NONE };
enum ql_set_compression { QL_SET_COMPRESSION_SNAPPY, QL_SET_COMPRESSION_ZSTD, QL_SET_COMPRESSION_NONE };
enum ql_set_if_exists { QL_SET_IF_EXISTS_REPLACE, QL_SET_IF_EXISTS_SKIP, QL_SET_IF_EXISTS_FAIL, QL_SET_IF_EXISTS_VERSION };
enum ql_set_checksum {
    QL_SET_CHECKSUM_NONE,
    QL_SET_CHECKSUM_CRC64NVME,
    QL_SET_CHECKSUM_CRC32C,
    QL_SET_CHECKSUM_SHA256,
    QL_SET_CHECKSUM_MD5
};
enum ql_set_s3_encryption {
    QL_SET_S3_ENCRYPTION_AES256,
    QL_SET_S3_ENCRYPTION_KMS,
    QL_SET_S3_ENCRYPTION_KMS_DSSE,
    QL_SET_S3_ENCRYPTION_NONE
};
enum ql_set_ddl { QL_SET_DDL_NONE, QL_SET_DDL_ATHENA, QL_SET_DDL_SPARK, QL_SET_DDL_DUCKDB };

struct ql_list {
    struct ql_str *items;
    size_t n;
    bool is_set; /* false: neither set nor has it a default */
};

/** A metric of the YAML file's `metrics:` map; absent texts are empty. */
struct ql_setting_metric {
    struct ql_str name, column, agg, weight, type;
    bool has_idle;
    double idle;
    struct ql_str where; /* "queuelake.yaml:12:5", the position of its name */
};

/** A KPI of `kpis:`. */
struct ql_setting_kpi {
    struct ql_str name, expression;
    bool has_idle;
    double idle;
    struct ql_str where; /* the position of its expression */
};

/** An alias of `aliases:`: a header name, its canonical name, and the power of ten that makes its values canonical. */
struct ql_setting_alias {
    struct ql_str from, to;
    int64_t multiply, divide; /* value * multiply / divide; 1 and 1 without a scale */
    struct ql_str where;
};

/** QL_SETTING_layout, QL_SETTING_poll_min, ...: for ql_settings_is_set. */
enum ql_setting_id {
#define QL_SETTING(kind, name, fallback, environment, section, commands, argument, help) QL_SETTING_##name,
#include "config/settings.def"
#undef QL_SETTING
    QL_SETTING_COUNT
};

enum ql_setting_layer { QL_FROM_DEFAULT, QL_FROM_FILE, QL_FROM_ENVIRONMENT, QL_FROM_FLAG };

struct ql_setting_origin {
    enum ql_setting_layer layer;
    struct ql_str where; /* "queuelake.yaml:3" or the variable's name; empty for flag and default */
};

#define QL_FIELD_TEXT(name) struct ql_str name;
#define QL_FIELD_TIME(name) struct ql_str name;
#define QL_FIELD_ZONE(name) struct ql_str name;
#define QL_FIELD_ROUND(name) struct ql_str name;
#define QL_FIELD_SECRET(name) struct ql_str name;
#define QL_FIELD_INT(name) int64_t name;
#define QL_FIELD_BYTES(name) int64_t name;
#define QL_FIELD_DURATION(name) int64_t name; /* milliseconds */
#define QL_FIELD_PERIOD(name) int64_t name;   /* microseconds, 0: not set */
#define QL_FIELD_BOOL(name) bool name;
#define QL_FIELD_ENUM(name) int name;
#define QL_FIELD_LIST(name) struct ql_list name;
#define QL_FIELD_PAIRS(name) struct ql_list name; /* each item "key=value" */

/**
 * The effective settings of one command. Texts are NUL-terminated and live until fini; {NULL, 0} is not set, a text of length 0
 * is one that was set to nothing and is to be treated alike. The order of the fields is the order of the table.
 */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct ql_settings {
#define QL_SETTING(kind, name, fallback, environment, section, commands, argument, help) QL_FIELD_##kind(name)
#include "config/settings.def"
#undef QL_SETTING
    /* From the YAML file only. */
    struct ql_setting_metric *metric_defs;
    size_t n_metric_defs;
    struct ql_setting_kpi *kpi_defs;
    size_t n_kpi_defs;
    struct ql_setting_alias *aliases;
    size_t n_aliases;
    /* From the command line only. */
    struct ql_str *args; /* positionals, in order; "-" is one */
    size_t n_args;
    bool wants_help; /* --help or -h was there: nothing else was looked at */

    struct ql_str config_path; /* the YAML file that was read; empty: none */
    struct ql_setting_origin origins[QL_SETTING_COUNT];
    struct ql_arena arena;
    struct ql_str secrets[3]; /* owned, overwritten by fini */
};

/** Where settings come from. Everything is borrowed for the call. */
struct ql_settings_source {
    const char *command; /* "run", "transform", "inspect", "config", "version" */
    int argc;            /* arguments behind the command ... */
    char *const *argv;   /* ... the first of them being argv[0] */
    /** The value of an environment variable, or NULL; an empty value counts as not set. */
    const char *(*getenv)(void *ctx, const char *name);
    void *getenv_ctx;
    bool looks_for_config; /* whether ./queuelake.yaml and the user's own file are looked for if none is named */
};

/**
 * Reads everything into settings, which is initialised here; fini in every case, also after an error.
 *
 * The file is that of --config, else QUEUELAKE_CONFIG, else ./queuelake.yaml, else
 * $XDG_CONFIG_HOME/queuelake/queuelake.yaml (~/.config without it), else none. `version` reads no file and no settings that it
 * does not know, so that it works whatever they say.
 * Errors: E_USAGE for what the command line says wrongly, E_CONFIG for the environment and the file ("queuelake.yaml:3:7:
 * ...").
 */
QL_MUST_CHECK enum ql_status ql_settings_load(const struct ql_settings_source *source, struct ql_settings *settings,
                                              struct ql_err *err);
/** Safe on a zeroed one, and twice. */
void ql_settings_fini(struct ql_settings *settings);

/** Whether a flag, the environment or the file said so, even if with the default's value. */
static inline bool ql_settings_is_set(const struct ql_settings *settings, enum ql_setting_id id) {
    return settings->origins[id].layer != QL_FROM_DEFAULT;
}

/** Every setting with its value and origin: YAML lines with the origin as comment, or one JSON document. Secrets are "***". */
void ql_settings_print(const struct ql_settings *settings, bool as_json, struct ql_buf *out);

/** Help of one command, on as few screens as its settings allow. */
void ql_settings_help(const char *command, struct ql_buf *out);
/** All settings as Markdown: docs/generated/settings.md. */
void ql_settings_reference(struct ql_buf *out);
/** "libyaml/0.2.5", for `version`. */
void ql_settings_versions(struct ql_buf *out);

#endif
