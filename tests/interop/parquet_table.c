/*
 * parquet_table: a Parquet file from a description in text, through the writer's own headers. Driven by the interop tests.
 *
 * usage: parquet_table OUT.parquet < description
 *
 * Words, separated by blanks or line ends; TEXT is hex, "-" for the empty one; NULL is "~":
 *   codec none|snappy|zstd LEVEL      page_rows N      compat broad|modern      cpu scalar|avx2|native
 *   meta TEXT TEXT                    column int64|double|timestamp|string|decimal:SCALE sorted|unsorted TEXT
 *   group N, then for each column one of:
 *     values, then N numbers (doubles as strtod reads them, "0x1.8p+1" and "nan" too)
 *     dict D, D x TEXT, then N codes
 *     numbers D, D integers, then N codes
 *     scaled SCALE MIN MAX, then N integers
 */
#include "base/mem.h"
#include "cpu/cpu.h"
#include "parquet/parquet_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct input {
    char *at, *end;
};

struct table {
    struct ql_parquet_options options;
    struct ql_cpu cpu;
    size_t page_rows;
    struct ql_column_def *columns;
    size_t n_columns, columns_cap;
    struct ql_key_value *metadata;
    size_t n_metadata, metadata_cap;
    struct ql_arena arena;
};

static _Noreturn void die(const char *what, const char *word) {
    (void)fprintf(stderr, "parquet_table: %s: '%s'\n", what, word);
    exit(1);
}

static struct input read_all(void) {
    struct ql_buf buf = {0};
    for (size_t n = 1; n != 0;) {
        char *room = ql_buf_reserve(&buf, 1 << 20);
        n = fread(room, 1, 1 << 20, stdin);
        buf.len += n;
    }
    size_t len = buf.len;
    char *text = ql_buf_take(&buf);
    return (struct input){.at = text, .end = text + len};
}

static bool is_blank(char c) {
    return c == ' ' || c == '\n';
}

/* The next word, NUL-terminated in place; NULL at the end. */
static char *next_word(struct input *in) {
    while (in->at < in->end && is_blank(*in->at)) {
        in->at++;
    }
    if (in->at == in->end) {
        return NULL;
    }
    char *word = in->at;
    while (in->at < in->end && !is_blank(*in->at)) {
        in->at++;
    }
    if (in->at < in->end) {
        *in->at++ = '\0';
    }
    return word;
}

static char *need_word(struct input *in) {
    char *word = next_word(in);
    if (word == NULL) {
        die("the description ends early", "");
    }
    return word;
}

static int64_t need_i64(struct input *in) {
    char *word = need_word(in);
    char *end = NULL;
    errno = 0;
    int64_t value = strtoll(word, &end, 10);
    if (*end != '\0' || errno != 0) {
        die("not an integer", word);
    }
    return value;
}

static struct ql_str need_text(struct input *in, struct ql_arena *arena) {
    char *word = need_word(in);
    if (strcmp(word, "-") == 0) {
        return QL_STR("");
    }
    size_t len = strlen(word) / 2;
    char *bytes = ql_arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        char pair[3] = {word[2 * i], word[2 * i + 1], '\0'};
        bytes[i] = (char)strtoul(pair, NULL, 16);
    }
    return (struct ql_str){.ptr = bytes, .len = len};
}

static void read_codec(struct input *in, struct table *table) {
    char *word = need_word(in);
    table->options.codec = strcmp(word, "none") == 0     ? QL_CODEC_NONE
                           : strcmp(word, "snappy") == 0 ? QL_CODEC_SNAPPY
                                                         : QL_CODEC_ZSTD;
    table->options.level = (int)need_i64(in);
}

static void read_cpu(struct input *in, struct table *table) {
    char *word = need_word(in);
    enum ql_cpu_level level = QL_CPU_SCALAR;
    if (!ql_cpu_level_from_name(ql_str_from(word), &level)) {
        die("no such processor", word);
    }
    ql_cpu_detect(&table->cpu, level);
    table->options.cpu = &table->cpu;
}

static void read_type(const char *word, struct ql_column_def *def) {
    static const char *const NAMES[] = {"int64", "double", "timestamp", "string"};
    static const enum ql_column_type TYPES[] = {QL_COLUMN_INT64, QL_COLUMN_DOUBLE, QL_COLUMN_TIMESTAMP_US, QL_COLUMN_STRING};
    static const char DECIMAL[] = "decimal:";
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(word, NAMES[i]) == 0) {
            def->type = TYPES[i];
            return;
        }
    }
    if (strncmp(word, DECIMAL, sizeof DECIMAL - 1) != 0) {
        die("no such column type", word);
    }
    def->type = QL_COLUMN_DECIMAL;
    def->scale = (uint8_t)strtoul(word + sizeof DECIMAL - 1, NULL, 10);
}

static void read_column_def(struct input *in, struct table *table) {
    QL_MEM_GROW(table->columns, table->columns_cap, table->n_columns + 1);
    struct ql_column_def *def = &table->columns[table->n_columns++];
    *def = (struct ql_column_def){0};
    read_type(need_word(in), def);
    def->is_sorted = strcmp(need_word(in), "sorted") == 0;
    def->name = need_text(in, &table->arena);
}

static void read_metadata(struct input *in, struct table *table) {
    QL_MEM_GROW(table->metadata, table->metadata_cap, table->n_metadata + 1);
    struct ql_key_value *pair = &table->metadata[table->n_metadata++];
    pair->key = need_text(in, &table->arena);
    pair->value = need_text(in, &table->arena);
}

/* Everything up to the first group; whether there is one. */
static bool read_head(struct input *in, struct table *table) {
    for (char *word = next_word(in); word != NULL; word = next_word(in)) {
        if (strcmp(word, "group") == 0) {
            return true;
        }
        if (strcmp(word, "codec") == 0) {
            read_codec(in, table);
        } else if (strcmp(word, "page_rows") == 0) {
            table->page_rows = (size_t)need_i64(in);
        } else if (strcmp(word, "compat") == 0) {
            table->options.compat = strcmp(need_word(in), "modern") == 0 ? QL_PARQUET_MODERN : QL_PARQUET_BROAD;
        } else if (strcmp(word, "cpu") == 0) {
            read_cpu(in, table);
        } else if (strcmp(word, "column") == 0) {
            read_column_def(in, table);
        } else if (strcmp(word, "meta") == 0) {
            read_metadata(in, table);
        } else {
            die("unknown word", word);
        }
    }
    return false;
}

/* Sentinels under NULLs, so that a writer which looks at them shows it. */
static void read_value(const char *word, enum ql_column_type type, enum ql_column_form form, void *values, uint8_t *is_valid,
                       size_t row) {
    is_valid[row] = strcmp(word, "~") != 0;
    if (form == QL_COLUMN_CODED) {
        ((uint32_t *)values)[row] = is_valid[row] ? (uint32_t)strtoul(word, NULL, 10) : UINT32_MAX;
    } else if (form == QL_COLUMN_SCALED) {
        ((int32_t *)values)[row] = is_valid[row] ? (int32_t)strtol(word, NULL, 10) : INT32_MIN + 7;
    } else if (type == QL_COLUMN_DOUBLE) {
        ((double *)values)[row] = is_valid[row] ? strtod(word, NULL) : -12345.678;
    } else {
        ((int64_t *)values)[row] = is_valid[row] ? strtoll(word, NULL, 10) : INT64_MIN + 7;
    }
}

static void read_dictionary(struct input *in, struct ql_column *column, struct ql_arena *arena) {
    column->n_dict = (size_t)need_i64(in);
    struct ql_str *dict = ql_arena_alloc(arena, column->n_dict * sizeof *dict);
    for (size_t i = 0; i < column->n_dict; i++) {
        dict[i] = need_text(in, arena);
    }
    column->dict = dict;
}

static void read_numbers(struct input *in, struct ql_column *column, struct ql_arena *arena) {
    column->n_dict = (size_t)need_i64(in);
    int64_t *numbers = ql_arena_alloc(arena, column->n_dict * sizeof *numbers);
    for (size_t i = 0; i < column->n_dict; i++) {
        numbers[i] = need_i64(in);
    }
    column->numbers = numbers;
}

/* What stands before the values. */
static void read_form(struct input *in, struct ql_column *column, struct ql_arena *arena) {
    char *word = need_word(in);
    if (strcmp(word, "dict") == 0) {
        column->form = QL_COLUMN_CODED;
        read_dictionary(in, column, arena);
    } else if (strcmp(word, "numbers") == 0) {
        column->form = QL_COLUMN_CODED;
        read_numbers(in, column, arena);
    } else if (strcmp(word, "scaled") == 0) {
        column->form = QL_COLUMN_SCALED;
        column->scale = (uint8_t)need_i64(in);
        column->min_k = (int32_t)need_i64(in);
        column->max_k = (int32_t)need_i64(in);
    } else if (strcmp(word, "values") != 0) {
        die("no such form", word);
    }
}

/* The columns of a row group as they were read. Each array is exactly as long as needed, so that a sanitizer sees one value too
 * many. */
struct group {
    struct ql_column *columns;
    struct ql_arena arena;
};

static struct ql_column read_column(struct input *in, enum ql_column_type type, size_t n_rows, struct ql_arena *arena) {
    struct ql_column column = {.n_rows = n_rows};
    read_form(in, &column, arena);
    uint64_t *values = ql_mem_realloc(NULL, n_rows, column.form == QL_COLUMN_VALUES ? sizeof(uint64_t) : sizeof(uint32_t));
    uint8_t *is_valid = ql_mem_alloc(n_rows);
    bool has_null = false;
    for (size_t r = 0; r < n_rows; r++) {
        read_value(need_word(in), type, column.form, values, is_valid, r);
        has_null = has_null || !is_valid[r];
    }
    column.v.i64 = (const int64_t *)values;
    column.is_valid = is_valid;
    if (!has_null) {
        ql_mem_free(is_valid);
        column.is_valid = NULL;
    }
    return column;
}

static void fill(void *ctx, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    (void)scratch;
    *out = ((const struct group *)ctx)->columns[column];
}

static enum ql_status write_group(struct input *in, const struct table *table, const struct ql_column_sink *sink,
                                  struct ql_err *err) {
    size_t n_rows = (size_t)need_i64(in);
    if (n_rows > INT32_MAX) { /* to be refused before any column is asked for: the description has none */
        return sink->group(sink->ctx, n_rows, &(struct ql_column_source){.fill = fill}, err);
    }
    struct group group = {.columns = ql_mem_zalloc(table->n_columns, sizeof *group.columns)};
    for (size_t c = 0; c < table->n_columns; c++) {
        group.columns[c] = read_column(in, table->columns[c].type, n_rows, &group.arena);
    }
    enum ql_status status = sink->group(sink->ctx, n_rows, &(struct ql_column_source){.fill = fill, .ctx = &group}, err);
    for (size_t c = 0; c < table->n_columns; c++) {
        ql_mem_free((void *)(uintptr_t)group.columns[c].v.i64); /* they were made here, not const */
        ql_mem_free((void *)(uintptr_t)group.columns[c].is_valid);
    }
    ql_mem_free(group.columns);
    ql_arena_fini(&group.arena);
    return status;
}

static enum ql_status write_table(struct input *in, const struct table *table, bool has_group, struct ql_parquet_writer *writer,
                                  struct ql_err *err) {
    struct ql_column_sink sink = ql_parquet_writer_sink(writer);
    struct ql_schema schema = {.n_columns = table->n_columns, .columns = table->columns};
    QL_TRY(sink.schema(sink.ctx, &schema, err));
    while (has_group) {
        QL_TRY(write_group(in, table, &sink, err));
        has_group = next_word(in) != NULL;
    }
    return ql_parquet_writer_finish(writer, table->metadata, table->n_metadata, err);
}

static enum ql_status to_file(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    return fwrite(ptr, 1, len, ctx) == len ? QL_OK : QL_FAIL(err, QL_E_IO, "cannot write");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        die("usage", "parquet_table OUT.parquet < description");
    }
    struct input in = read_all();
    char *text = in.at;
    struct table table = {.options = {.codec = QL_CODEC_SNAPPY}};
    bool has_group = read_head(&in, &table);
    FILE *file = fopen(argv[1], "wb");
    if (file == NULL) {
        die("cannot create", argv[1]);
    }
    struct ql_parquet_writer *writer =
        ql_parquet_writer_new_paged(&table.options, table.page_rows, (struct ql_sink){.write = to_file, .ctx = file});
    struct ql_err err = {0};
    enum ql_status status = write_table(&in, &table, has_group, writer, &err);
    long n_written = ftell(file);
    if (fclose(file) != 0 || (status == QL_OK && n_written != ql_parquet_writer_bytes(writer))) {
        die("the file is not as long as the writer says", argv[1]);
    }
    if (status != QL_OK) {
        (void)fprintf(stderr, "parquet_table: %s: %s\n", ql_status_name(status), err.message);
        return 1;
    }
    ql_parquet_writer_free(writer);
    ql_mem_free(table.columns);
    ql_mem_free(table.metadata);
    ql_arena_fini(&table.arena);
    ql_mem_free(text);
    return 0;
}
