/*
 * Statements for three engines from one schema.
 *
 * A location is <root>/<name>=<value>/.../<file>: Hive's way to say columns by folders. What the folders say is not in the
 * file, so the root is the table and the folders are its partitions. All three engines take names as equal that differ by case
 * alone, so such a file can be a table of none of them.
 */
#include "inspect/inspect.h"

#include "base/time.h"

#include <stdlib.h>

struct partition {
    struct ql_str name, type; /* type: as the user wrote it; empty: by its value */
    struct ql_str value;      /* of the location; ptr NULL: not there */
};

struct ddl {
    const struct ql_parquet_file *file;
    const struct ql_ddl_options *options;
    struct partition *partitions;
    size_t n_partitions, partitions_cap;
    struct ql_str root, table;
    struct ql_buf own_table;
    struct ql_buf *out;
};

static const char *engine_name(enum ql_ddl_engine engine) {
    static const char *const NAMES[] = {[QL_DDL_ATHENA] = "Athena", [QL_DDL_SPARK] = "Spark", [QL_DDL_DUCKDB] = "DuckDB"};
    return NAMES[engine];
}

/* ---- quoting ---- */

static void put_quoted(struct ql_buf *out, struct ql_str text, char quote) {
    ql_buf_putc(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote) {
            ql_buf_putc(out, quote);
        }
        ql_buf_putc(out, text.ptr[i]);
    }
    ql_buf_putc(out, quote);
}

static void put_name(const struct ddl *ddl, struct ql_str name) {
    put_quoted(ddl->out, name, ddl->options->engine == QL_DDL_DUCKDB ? '"' : '`');
}

/* Spark reads backslashes in a literal as escapes, and a doubled quote as nothing; Athena and DuckDB know standard SQL only. */
static void put_literal(const struct ddl *ddl, struct ql_str text) {
    if (ddl->options->engine != QL_DDL_SPARK) {
        put_quoted(ddl->out, text, '\'');
        return;
    }
    ql_buf_putc(ddl->out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        ql_buf_puts(ddl->out, text.ptr[i] == '\'' || text.ptr[i] == '\\' ? "\\" : "");
        ql_buf_putc(ddl->out, text.ptr[i]);
    }
    ql_buf_putc(ddl->out, '\'');
}

/* A name of parts: `lake`.`queue_metrics`. */
static void put_table(const struct ddl *ddl) {
    struct ql_str rest = ddl->table;
    for (const char *separator = ""; rest.ptr != NULL; separator = ".") {
        ql_buf_puts(ddl->out, separator);
        put_name(ddl, ql_str_split(rest, '.', &rest));
    }
}

/* ---- types ---- */

struct type_names {
    const char *athena, *spark, *duckdb; /* NULL: none */
};

static const char *name_for(struct type_names names, enum ql_ddl_engine engine) {
    return engine == QL_DDL_ATHENA ? names.athena : engine == QL_DDL_SPARK ? names.spark : names.duckdb;
}

static struct type_names integer_type(const struct ql_parquet_column *column) {
    static const struct type_names SIGNED[] = {{"tinyint", "TINYINT", "TINYINT"},
                                               {"smallint", "SMALLINT", "SMALLINT"},
                                               {"int", "INT", "INTEGER"},
                                               {"bigint", "BIGINT", "BIGINT"}};
    /* Engines without unsigned numbers read them into the next wider type; of 64 bits Spark makes a decimal, Athena nothing. */
    static const struct type_names UNSIGNED[] = {{"smallint", "SMALLINT", "UTINYINT"},
                                                 {"int", "INT", "USMALLINT"},
                                                 {"bigint", "BIGINT", "UINTEGER"},
                                                 {NULL, "DECIMAL(20,0)", "UBIGINT"}};
    size_t width = column->meaning == QL_MEANS_INTEGER ? column->bit_width : column->type == QL_PARQUET_TYPE_INT32 ? 32 : 64;
    size_t place = width == 8 ? 0 : width == 16 ? 1 : width == 32 ? 2 : 3;
    bool is_unsigned = column->meaning == QL_MEANS_INTEGER && !column->is_signed;
    return is_unsigned ? UNSIGNED[place] : SIGNED[place];
}

static struct type_names physical_type(const struct ql_parquet_column *column) {
    switch (column->type) {
    case QL_PARQUET_TYPE_BOOLEAN:
        return (struct type_names){"boolean", "BOOLEAN", "BOOLEAN"};
    case QL_PARQUET_TYPE_INT32:
    case QL_PARQUET_TYPE_INT64:
        return integer_type(column);
    case QL_PARQUET_TYPE_INT96:
        return (struct type_names){"timestamp", "TIMESTAMP", "TIMESTAMP"};
    case QL_PARQUET_TYPE_FLOAT:
        return (struct type_names){"float", "FLOAT", "FLOAT"};
    case QL_PARQUET_TYPE_DOUBLE:
        return (struct type_names){"double", "DOUBLE", "DOUBLE"};
    default:
        return (struct type_names){"binary", "BINARY", "BLOB"};
    }
}

static struct type_names timestamp_type(const struct ql_parquet_column *column) {
    if (column->unit == QL_UNIT_NANOS) {
        return (struct type_names){NULL, NULL, column->is_utc ? "TIMESTAMP WITH TIME ZONE" : "TIMESTAMP_NS"};
    }
    return column->is_utc ? (struct type_names){"timestamp", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}
                          : (struct type_names){"timestamp", "TIMESTAMP_NTZ", "TIMESTAMP"};
}

/* DECIMAL aside, which has parameters. */
static struct type_names type_names(const struct ql_parquet_column *column) {
    static const struct type_names NONE = {0};
    switch (column->meaning) {
    case QL_MEANS_STRING:
    case QL_MEANS_ENUM:
        return (struct type_names){"string", "STRING", "VARCHAR"};
    case QL_MEANS_JSON:
        return (struct type_names){"string", "STRING", "JSON"};
    case QL_MEANS_DATE:
        return (struct type_names){"date", "DATE", "DATE"};
    case QL_MEANS_TIMESTAMP:
        return timestamp_type(column);
    case QL_MEANS_UUID:
        return (struct type_names){NULL, NULL, "UUID"};
    case QL_MEANS_TIME:
        return (struct type_names){NULL, NULL, column->is_utc ? "TIME WITH TIME ZONE" : "TIME"};
    case QL_MEANS_NOTHING:
    case QL_MEANS_INTEGER:
    case QL_MEANS_BSON:
        return physical_type(column);
    case QL_MEANS_DECIMAL:
    case QL_MEANS_FLOAT16:
    case QL_MEANS_INTERVAL:
    case QL_MEANS_NULL:
    case QL_MEANS_OTHER:
        break;
    }
    return NONE;
}

static enum ql_status put_type(const struct ddl *ddl, const struct ql_parquet_column *column, struct ql_err *err) {
    enum { PRECISION_MAX = 38 };
    bool is_decimal = column->meaning == QL_MEANS_DECIMAL && column->precision > 0 && column->precision <= PRECISION_MAX &&
                      column->scale >= 0 && column->scale <= column->precision;
    const char *name = is_decimal ? NULL : name_for(type_names(column), ddl->options->engine);
    if (is_decimal) {
        ql_buf_printf(ddl->out, ddl->options->engine == QL_DDL_ATHENA ? "decimal(%d,%d)" : "DECIMAL(%d,%d)",
                      (int)column->precision, (int)column->scale);
    } else if (name == NULL) {
        struct ql_buf type = {0};
        ql_parquet_put_type(column, &type);
        (void)QL_FAIL(err, QL_E_DATA, "column '%.*s' is %s, for which %s has no type", QL_STR_ARG(column->path),
                      ql_buf_text(&type), engine_name(ddl->options->engine));
        ql_buf_fini(&type);
        return QL_E_DATA;
    } else {
        ql_buf_puts(ddl->out, name);
    }
    return QL_OK;
}

/* ---- partitions ---- */

static bool is_date(struct ql_str text) {
    struct ql_time_text time;
    return text.len == sizeof "2024-01-31" - 1 && ql_time_parse_iso(text, &time) && !time.has_time;
}

static const char *partition_type(const struct ddl *ddl, const struct partition *partition) {
    static const struct {
        const char *name;
        struct type_names names;
    } TYPES[] = {{"string", {"string", "STRING", "VARCHAR"}},
                 {"date", {"date", "DATE", "DATE"}},
                 {"int", {"int", "INT", "INTEGER"}},
                 {"bigint", {"bigint", "BIGINT", "BIGINT"}}};
    struct ql_str type = partition->type;
    if (type.len == 0) {
        bool is_by_name = partition->value.ptr == NULL && (ql_str_eq_nocase(partition->name, QL_STR("date")) ||
                                                           ql_str_eq_nocase(partition->name, QL_STR("day")));
        type = is_by_name || (partition->value.ptr != NULL && is_date(partition->value)) ? QL_STR("date") : QL_STR("string");
    }
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        if (ql_str_eq_nocase(type, ql_str_from(TYPES[i].name))) {
            return name_for(TYPES[i].names, ddl->options->engine);
        }
    }
    return NULL;
}

static struct ql_str from(struct ql_str text, size_t begin, size_t end) {
    return (struct ql_str){.ptr = text.ptr + begin, .len = end - begin};
}

/* "s3://", "file:///", "/", or nothing: what is no folder. */
static size_t frame_len(struct ql_str location) {
    const char *colon = location.len != 0 ? memmem(location.ptr, location.len, "://", 3) : NULL;
    return colon != NULL ? (size_t)(colon - location.ptr) + 3 : 0;
}

/* Walks from the file up, as long as folders are NAME=VALUE. */
static void split_location(struct ddl *ddl) {
    struct ql_str location = ddl->options->location;
    size_t frame = frame_len(location);
    size_t end = location.len;
    while (end > frame && location.ptr[end - 1] != '/') {
        end--;
    }
    size_t *places = NULL; /* where each folder begins, the last one first */
    size_t n = 0;
    size_t cap = 0;
    while (end > frame) {
        size_t begin = end - 1;
        while (begin > frame && location.ptr[begin - 1] != '/') {
            begin--;
        }
        struct ql_str value;
        struct ql_str name = ql_str_split(from(location, begin, end - 1), '=', &value);
        if (value.ptr == NULL || name.len == 0) {
            break;
        }
        QL_MEM_GROW(places, cap, n + 1);
        places[n++] = begin;
        end = begin;
    }
    ddl->root = from(location, 0, end);
    for (size_t i = n; i-- > 0;) {
        size_t stop = places[i];
        while (location.ptr[stop] != '/') {
            stop++;
        }
        struct partition partition = {0};
        partition.name = ql_str_split(from(location, places[i], stop), '=', &partition.value);
        QL_MEM_GROW(ddl->partitions, ddl->partitions_cap, ddl->n_partitions + 1);
        ddl->partitions[ddl->n_partitions++] = partition;
    }
    ql_mem_free(places);
}

/* Those that were named instead of those of the location; what both name takes its value from there. */
static enum ql_status take_named(struct ddl *ddl, struct ql_err *err) {
    const struct ql_ddl_options *options = ddl->options;
    size_t n_found = ddl->n_partitions;
    for (size_t i = 0; i < options->n_partitions; i++) {
        struct partition partition = {0};
        partition.name = ql_str_split(options->partitions[i], ':', &partition.type);
        for (size_t f = 0; f < n_found; f++) {
            if (ql_str_eq(partition.name, ddl->partitions[f].name)) {
                partition.value = ddl->partitions[f].value;
            }
        }
        if (partition.name.len == 0 || partition_type(ddl, &partition) == NULL) {
            (void)QL_FAIL(err, QL_E_USAGE, "the partition '%.*s' cannot be", QL_STR_ARG(options->partitions[i]));
            ql_err_hint(err, "write NAME or NAME:TYPE; types are string, date, int and bigint");
            return QL_E_USAGE;
        }
        QL_MEM_GROW(ddl->partitions, ddl->partitions_cap, ddl->n_partitions + 1);
        ddl->partitions[ddl->n_partitions++] = partition;
    }
    if (options->n_partitions != 0) {
        memmove(ddl->partitions, ddl->partitions + n_found, options->n_partitions * sizeof *ddl->partitions);
        ddl->n_partitions = options->n_partitions;
    }
    return QL_OK;
}

/* ---- names ---- */

/* The last folder of the root in what every engine takes for a name: "queue_metrics"; else "queuelake". */
static struct ql_str table_of(struct ddl *ddl) {
    struct ql_str root = ddl->root;
    while (root.len != 0 && root.ptr[root.len - 1] == '/') {
        root.len--;
    }
    size_t begin = root.len;
    while (begin > 0 && root.ptr[begin - 1] != '/') {
        begin--;
    }
    for (size_t i = begin; i < root.len; i++) {
        char c = root.ptr[i];
        bool is_upper = c >= 'A' && c <= 'Z';
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9' && ddl->own_table.len != 0);
        if (is_upper || is_plain) {
            ql_buf_putc(&ddl->own_table, is_upper ? (char)(c - 'A' + 'a') : c);
        } else if (ddl->own_table.len != 0 && ddl->own_table.ptr[ddl->own_table.len - 1] != '_') {
            ql_buf_putc(&ddl->own_table, '_');
        }
    }
    while (ddl->own_table.len != 0 && ddl->own_table.ptr[ddl->own_table.len - 1] == '_') {
        ddl->own_table.len--;
    }
    if (ddl->own_table.len == 0) {
        ql_buf_puts(&ddl->own_table, "queuelake");
    }
    return ql_buf_view(&ddl->own_table);
}

static int compare_names(const void *a, const void *b) {
    struct ql_str x = *(const struct ql_str *)a;
    struct ql_str y = *(const struct ql_str *)b;
    for (size_t i = 0; i < x.len && i < y.len; i++) {
        char p = x.ptr[i] >= 'A' && x.ptr[i] <= 'Z' ? (char)(x.ptr[i] - 'A' + 'a') : x.ptr[i];
        char q = y.ptr[i] >= 'A' && y.ptr[i] <= 'Z' ? (char)(y.ptr[i] - 'A' + 'a') : y.ptr[i];
        if (p != q) {
            return (unsigned char)p < (unsigned char)q ? -1 : 1;
        }
    }
    return (x.len > y.len) - (x.len < y.len);
}

static enum ql_status check_names(const struct ddl *ddl, struct ql_err *err) {
    size_t n = ddl->file->n_columns + ddl->n_partitions;
    struct ql_str *names = ql_mem_zalloc(n, sizeof *names);
    enum ql_status status = QL_OK;
    for (size_t i = 0; i < n; i++) {
        names[i] = i < ddl->file->n_columns ? ddl->file->columns[i].path : ddl->partitions[i - ddl->file->n_columns].name;
    }
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 1; i < n && status == QL_OK; i++) {
        if (compare_names(&names[i - 1], &names[i]) == 0) {
            status = QL_FAIL(err, QL_E_COLLISION, "'%.*s' and '%.*s' would be one column of %s", QL_STR_ARG(names[i - 1]),
                             QL_STR_ARG(names[i]), engine_name(ddl->options->engine));
            ql_err_hint(err, "write the file with --names safe, or name the partition otherwise");
        }
    }
    ql_mem_free(names);
    return status;
}

/* ---- statements ---- */

static bool is_partition(const struct ddl *ddl, size_t i) {
    return i >= ddl->file->n_columns;
}

/* "  name TYPE," a line. */
static enum ql_status put_columns(const struct ddl *ddl, size_t from_column, size_t to_column, struct ql_err *err) {
    for (size_t i = from_column; i < to_column; i++) {
        ql_buf_puts(ddl->out, i == from_column ? "\n  " : ",\n  ");
        if (is_partition(ddl, i)) {
            const struct partition *partition = &ddl->partitions[i - ddl->file->n_columns];
            put_name(ddl, partition->name);
            ql_buf_printf(ddl->out, " %s", partition_type(ddl, partition));
        } else {
            put_name(ddl, ddl->file->columns[i].path);
            ql_buf_putc(ddl->out, ' ');
            QL_TRY(put_type(ddl, &ddl->file->columns[i], err));
        }
    }
    return QL_OK;
}

static enum ql_status put_athena(const struct ddl *ddl, struct ql_err *err) {
    size_t n = ddl->file->n_columns;
    if (!ql_str_has_prefix(ddl->root, "s3://")) {
        (void)QL_FAIL(err, QL_E_USAGE, "Athena reads from S3 only, and '%.*s' is not there", QL_STR_ARG(ddl->root));
        ql_err_hint(err, "say where the files are or will be: --location s3://bucket/prefix/");
        return QL_E_USAGE;
    }
    ql_buf_puts(ddl->out, "CREATE EXTERNAL TABLE IF NOT EXISTS ");
    put_table(ddl);
    ql_buf_puts(ddl->out, " (");
    QL_TRY(put_columns(ddl, 0, n, err));
    ql_buf_puts(ddl->out, "\n)\n");
    if (ddl->n_partitions != 0) {
        ql_buf_puts(ddl->out, "PARTITIONED BY (");
        QL_TRY(put_columns(ddl, n, n + ddl->n_partitions, err));
        ql_buf_puts(ddl->out, "\n)\n");
    }
    ql_buf_puts(ddl->out, "STORED AS PARQUET\nLOCATION ");
    put_literal(ddl, ddl->root);
    ql_buf_puts(ddl->out, ";\n");
    if (ddl->n_partitions != 0) {
        ql_buf_puts(ddl->out, "MSCK REPAIR TABLE ");
        put_table(ddl);
        ql_buf_puts(ddl->out, ";\n");
    }
    return QL_OK;
}

static enum ql_status put_spark(const struct ddl *ddl, struct ql_err *err) {
    size_t n = ddl->file->n_columns + ddl->n_partitions;
    ql_buf_puts(ddl->out, "CREATE TABLE IF NOT EXISTS ");
    put_table(ddl);
    ql_buf_puts(ddl->out, " (");
    QL_TRY(put_columns(ddl, 0, n, err));
    ql_buf_puts(ddl->out, "\n)\nUSING PARQUET\n");
    if (ddl->n_partitions != 0) {
        ql_buf_puts(ddl->out, "PARTITIONED BY (");
        for (size_t i = 0; i < ddl->n_partitions; i++) {
            ql_buf_puts(ddl->out, i != 0 ? ", " : "");
            put_name(ddl, ddl->partitions[i].name);
        }
        ql_buf_puts(ddl->out, ")\n");
    }
    ql_buf_puts(ddl->out, "LOCATION ");
    put_literal(ddl, ddl->root);
    ql_buf_puts(ddl->out, ";\n");
    if (ddl->n_partitions != 0) {
        ql_buf_puts(ddl->out, "MSCK REPAIR TABLE ");
        put_table(ddl);
        ql_buf_puts(ddl->out, ";\n");
    }
    return QL_OK;
}

/* DuckDB has no external tables: a view, with the types that the file has now. */
static enum ql_status put_duckdb(const struct ddl *ddl, struct ql_err *err) {
    struct ql_buf pattern = {0};
    ql_buf_puts(ddl->out, "CREATE OR REPLACE VIEW ");
    put_table(ddl);
    ql_buf_puts(ddl->out, " AS SELECT");
    for (size_t i = 0; i < ddl->file->n_columns; i++) {
        ql_buf_puts(ddl->out, i == 0 ? "\n  CAST(" : ",\n  CAST(");
        put_name(ddl, ddl->file->columns[i].path);
        ql_buf_puts(ddl->out, " AS ");
        QL_TRY(put_type(ddl, &ddl->file->columns[i], err));
        ql_buf_puts(ddl->out, ") AS ");
        put_name(ddl, ddl->file->columns[i].path);
    }
    for (size_t i = 0; i < ddl->n_partitions; i++) {
        ql_buf_puts(ddl->out, ",\n  ");
        put_name(ddl, ddl->partitions[i].name);
    }
    ql_buf_puts(ddl->out, "\nFROM read_parquet(");
    ql_buf_put_str(&pattern, ddl->root);
    for (size_t i = 0; i < ddl->n_partitions; i++) {
        ql_buf_puts(&pattern, "*/");
    }
    ql_buf_puts(&pattern, "*.parquet");
    put_literal(ddl, ql_buf_view(&pattern));
    ql_buf_fini(&pattern);
    if (ddl->n_partitions != 0) {
        ql_buf_puts(ddl->out, ", hive_partitioning = true, hive_types = {");
        for (size_t i = 0; i < ddl->n_partitions; i++) {
            ql_buf_puts(ddl->out, i != 0 ? ", " : "");
            put_literal(ddl, ddl->partitions[i].name);
            ql_buf_printf(ddl->out, ": %s", partition_type(ddl, &ddl->partitions[i]));
        }
        ql_buf_puts(ddl->out, "}");
    }
    ql_buf_puts(ddl->out, ");\n");
    return QL_OK;
}

static enum ql_status put(struct ddl *ddl, struct ql_err *err) {
    const struct ql_ddl_options *options = ddl->options;
    for (size_t c = 0; c < ddl->file->n_columns; c++) {
        if (ddl->file->columns[c].is_nested || ddl->file->columns[c].max_rep != 0) {
            (void)QL_FAIL(err, QL_E_DATA,
                          "column '%.*s' is nested; statements are made for flat files, as queuelake writes them",
                          QL_STR_ARG(ddl->file->columns[c].path));
            ql_err_hint(err, "without --ddl the file is shown; its statements are yours to write");
            return QL_E_DATA;
        }
    }
    split_location(ddl);
    QL_TRY(take_named(ddl, err));
    struct ql_buf root = {0};
    if (options->root.len != 0) {
        ql_buf_put_str(&root, options->root);
        ql_buf_puts(&root, options->root.ptr[options->root.len - 1] == '/' ? "" : "/");
        ddl->root = ql_buf_view(&root);
    }
    ddl->table = options->table.len != 0 ? options->table : table_of(ddl);
    enum ql_status status = check_names(ddl, err);
    if (status == QL_OK) {
        static enum ql_status (*const PUT[])(const struct ddl *, struct ql_err *) = {
            [QL_DDL_ATHENA] = put_athena, [QL_DDL_SPARK] = put_spark, [QL_DDL_DUCKDB] = put_duckdb};
        status = PUT[options->engine](ddl, err);
    }
    ql_buf_fini(&root);
    return status;
}

enum ql_status ql_ddl_put(const struct ql_parquet_file *file, const struct ql_ddl_options *options, struct ql_buf *out,
                          struct ql_err *err) {
    struct ddl ddl = {.file = file, .options = options, .out = out};
    size_t len = out->len;
    enum ql_status status = put(&ddl, err);
    if (status != QL_OK) {
        out->len = len; /* no half statement */
    }
    ql_mem_free(ddl.partitions);
    ql_buf_fini(&ddl.own_table);
    return status;
}
