/* The JSON of docs/inspect.md. */
#include "inspect/inspect.h"

#include "base/unicode.h"
#include "json/json.h"

enum { METADATA_DEPTH_MAX = 16 };

static void set_text(struct ql_json *object, const char *key, const char *text) {
    ql_json_set(object, key, ql_json_new_text(ql_str_from(text)));
}

static void set_int(struct ql_json *object, const char *key, int64_t value) {
    ql_json_set(object, key, ql_json_new_int(value));
}

/* -1 stands for what is not known. */
static void set_known(struct ql_json *object, const char *key, int64_t value) {
    ql_json_set(object, key, value >= 0 ? ql_json_new_int(value) : ql_json_new_null());
}

static struct ql_json *encodings_json(uint32_t encodings) {
    struct ql_json *list = ql_json_new_array();
    for (int32_t e = 0; e <= QL_PARQUET_ENCODING_MAX; e++) {
        if ((encodings >> e & 1) != 0) {
            ql_json_add(list, ql_json_new_text(ql_str_from(ql_parquet_encoding_name(e))));
        }
    }
    return list;
}

static void set_value(struct ql_json *object, const char *key, const struct ql_parquet_column *column, struct ql_str value) {
    struct ql_buf text = {0};
    if (value.ptr != NULL) {
        ql_value_put(column, value, &text);
    }
    ql_json_set(object, key,
                value.ptr != NULL ? ql_json_new_text((struct ql_str){.ptr = ql_buf_text(&text), .len = text.len})
                                  : ql_json_new_null());
    ql_buf_fini(&text);
}

static const char *repetition_name(const struct ql_parquet_column *column) {
    return column->max_rep != 0 ? "REPEATED" : column->max_def != 0 ? "OPTIONAL" : "REQUIRED";
}

static struct ql_json *column_json(const struct ql_parquet_column *column, const struct ql_column_summary *summary) {
    struct ql_json *object = ql_json_new_object();
    struct ql_buf type = {0};
    ql_parquet_put_type(column, &type);
    ql_json_set(object, "name", ql_json_new_text(column->path));
    set_text(object, "type", ql_buf_text(&type));
    ql_buf_fini(&type);
    set_text(object, "physical_type", ql_parquet_type_name(column->type));
    set_text(object, "repetition", repetition_name(column));
    set_known(object, "field_id", column->field_id);
    set_int(object, "values", summary->n_values);
    set_known(object, "nulls", summary->null_count);
    set_int(object, "bytes", summary->stored);
    set_int(object, "bytes_uncompressed", summary->raw);
    ql_json_set(object, "codec",
                summary->codec >= 0 ? ql_json_new_text(ql_str_from(ql_parquet_codec_name(summary->codec)))
                                    : ql_json_new_null());
    ql_json_set(object, "encodings", encodings_json(summary->encodings));
    set_value(object, "min", column, summary->min);
    set_value(object, "max", column, summary->max);
    return object;
}

static struct ql_json *place_json(struct ql_parquet_place place) {
    if (place.len == 0) {
        return ql_json_new_null();
    }
    struct ql_json *object = ql_json_new_object();
    set_int(object, "offset", place.offset);
    set_int(object, "bytes", place.len);
    return object;
}

static struct ql_json *chunk_json(const struct ql_parquet_column *column, const struct ql_parquet_chunk *chunk) {
    struct ql_json *object = ql_json_new_object();
    ql_json_set(object, "column", ql_json_new_text(column->path));
    set_int(object, "offset", chunk->offset);
    set_known(object, "dictionary_page_offset", chunk->dictionary_offset);
    set_int(object, "data_page_offset", chunk->data_offset);
    set_int(object, "bytes", chunk->stored);
    set_int(object, "bytes_uncompressed", chunk->raw);
    set_int(object, "values", chunk->n_values);
    set_text(object, "codec", ql_parquet_codec_name(chunk->codec));
    ql_json_set(object, "encodings", encodings_json(chunk->encodings));
    set_known(object, "nulls", chunk->statistics.null_count);
    set_known(object, "nans", chunk->statistics.nan_count);
    set_known(object, "distinct", chunk->statistics.distinct_count);
    set_value(object, "min", column, chunk->statistics.min);
    set_value(object, "max", column, chunk->statistics.max);
    ql_json_set(object, "column_index", place_json(chunk->column_index));
    ql_json_set(object, "offset_index", place_json(chunk->offset_index));
    ql_json_set(object, "bloom_filter", place_json(chunk->bloom_filter));
    return object;
}

static struct ql_json *group_json(const struct ql_parquet_file *file, const struct ql_parquet_group *group) {
    struct ql_json *object = ql_json_new_object();
    set_int(object, "rows", group->n_rows);
    set_int(object, "bytes", group->stored);
    set_int(object, "bytes_uncompressed", group->raw);
    struct ql_json *sorting = ql_json_new_array();
    for (size_t i = 0; i < group->n_sorting; i++) {
        struct ql_json *item = ql_json_new_object();
        ql_json_set(item, "column", ql_json_new_text(file->columns[group->sorting[i].column].path));
        ql_json_set(item, "descending", ql_json_new_bool(group->sorting[i].is_descending));
        ql_json_set(item, "nulls_first", ql_json_new_bool(group->sorting[i].nulls_first));
        ql_json_add(sorting, item);
    }
    ql_json_set(object, "sorting", sorting);
    struct ql_json *chunks = ql_json_new_array();
    for (size_t c = 0; c < file->n_columns; c++) {
        ql_json_add(chunks, chunk_json(&file->columns[c], &group->chunks[c]));
    }
    ql_json_set(object, "columns", chunks);
    return object;
}

/* Pairs as a list: keys may come twice, and be no text. */
static struct ql_json *metadata_json(const struct ql_parquet_file *file) {
    struct ql_json *list = ql_json_new_array();
    for (size_t i = 0; i < file->n_pairs; i++) {
        struct ql_json *pair = ql_json_new_object();
        ql_json_set(pair, "key", ql_json_new_text(file->pairs[i].key));
        ql_json_set(pair, "value", file->pairs[i].has_value ? ql_json_new_text(file->pairs[i].value) : ql_json_new_null());
        ql_json_add(list, pair);
    }
    return list;
}

static void set_ours(const struct ql_parquet_file *file, struct ql_json *root) {
    struct ql_str text = ql_parquet_file_get(file, "queuelake");
    struct ql_json *ours = NULL;
    if (text.ptr != NULL && ql_json_parse(text, METADATA_DEPTH_MAX, &ours, NULL) == QL_OK) {
        ql_json_set(root, "queuelake", ours);
    }
}

void ql_inspect_json(const struct ql_parquet_file *file, struct ql_json *root) {
    struct ql_column_summary *summaries = ql_column_summaries(file);
    struct ql_json *info = ql_json_new_object();
    set_int(info, "bytes", file->size);
    set_int(info, "footer_bytes", file->footer.len);
    set_int(info, "version", file->version);
    ql_json_set(info, "created_by", file->created_by.ptr != NULL ? ql_json_new_text(file->created_by) : ql_json_new_null());
    set_int(info, "rows", file->n_rows);
    set_int(info, "columns", (int64_t)file->n_columns);
    set_int(info, "row_groups", (int64_t)file->n_groups);
    ql_json_set(root, "file", info);
    struct ql_json *schema = ql_json_new_array();
    for (size_t c = 0; c < file->n_columns; c++) {
        ql_json_add(schema, column_json(&file->columns[c], &summaries[c]));
    }
    ql_json_set(root, "schema", schema);
    struct ql_json *groups = ql_json_new_array();
    for (size_t g = 0; g < file->n_groups; g++) {
        ql_json_add(groups, group_json(file, &file->groups[g]));
    }
    ql_json_set(root, "row_groups", groups);
    ql_json_set(root, "metadata", metadata_json(file));
    set_ours(file, root);
    ql_mem_free(summaries);
}

struct ql_json *ql_verify_json(const struct ql_verify_report *report, const struct ql_parquet_file *file) {
    struct ql_json *object = ql_json_new_object();
    bool is_damaged = report->n_problems > report->n_unsupported;
    set_text(object, "result", is_damaged ? "damaged" : report->n_problems != 0 ? "not verifiable" : "good");
    set_int(object, "bytes", report->n_bytes);
    set_int(object, "pages", report->n_pages);
    set_int(object, "values", report->n_values);
    set_int(object, "nulls", report->n_nulls);
    set_int(object, "pages_without_crc", report->n_pages_without_crc);
    set_int(object, "bytes_unknown", report->n_bytes_unknown);
    set_text(object, "sha256", report->sha256);
    struct ql_json *problems = ql_json_new_array();
    for (int64_t i = 0; i < report->n_problems && i < QL_VERIFY_PROBLEMS_MAX; i++) {
        const struct ql_verify_problem *problem = &report->problems[i];
        struct ql_json *item = ql_json_new_object();
        set_known(item, "row_group", problem->group);
        ql_json_set(item, "column",
                    problem->column >= 0 ? ql_json_new_text(file->columns[problem->column].path) : ql_json_new_null());
        set_known(item, "page", problem->page);
        set_known(item, "offset", problem->offset);
        ql_json_set(item, "is_unsupported", ql_json_new_bool(problem->is_unsupported));
        set_text(item, "message", problem->message);
        ql_json_add(problems, item);
    }
    ql_json_set(object, "problems", problems);
    set_int(object, "problem_count", report->n_problems);
    return object;
}
