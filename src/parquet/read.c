/*
 * FileMetaData (parquet.thrift) from bytes, struct by struct.
 *
 * Chunks belong to the leaves by their order. Sums and products of what the file says are made only after a check that they
 * fit.
 */
#include "parquet/read.h"

#include "parquet/read_schema.h"
#include "parquet/thrift_read.h"

#include <stdio.h>

enum { MAGIC_SIZE = 4, ENDING_SIZE = 8, FILE_SIZE_MIN = 2 * MAGIC_SIZE + 4 };

void ql_parquet_file_fini(struct ql_parquet_file *file) {
    ql_mem_free(file->columns);
    ql_mem_free(file->groups);
    ql_buf_fini(&file->bytes);
    ql_arena_fini(&file->arena);
    *file = (struct ql_parquet_file){0};
}

struct ql_str ql_parquet_file_get(const struct ql_parquet_file *file, const char *key) {
    for (size_t i = 0; i < file->n_pairs; i++) {
        if (ql_str_eq(file->pairs[i].key, ql_str_from(key))) {
            return file->pairs[i].value;
        }
    }
    return (struct ql_str){0};
}

/* ---- row groups ---- */

/* The fewest bytes that an element with its required fields takes. Without them a list of a million would be believed, and
 * memory for it allocated, before its first element proves to be missing. */
enum { CHUNK_SIZE_MIN = 24, SORTING_SIZE_MIN = 5, PAIR_SIZE_MIN = 3 };

static size_t get_list_of(struct ql_thrift_in *in, const struct ql_thrift_field *field, size_t size_min,
                          struct ql_thrift_field *element) {
    size_t n = ql_thrift_get_list(in, field, element);
    if (n > (size_t)(in->end - in->at) / size_min) {
        ql_thrift_break(in, "a list is longer than the bytes that are left");
        return 0;
    }
    return n;
}

static void get_statistics(struct ql_thrift_in *in, const struct ql_thrift_field *struct_field,
                           struct ql_parquet_statistics *statistics) {
    struct ql_thrift_field field = {0};
    ql_thrift_enter(in, struct_field);
    while (ql_thrift_next(in, &field)) {
        switch (field.id) {
        case 3:
            statistics->null_count = ql_thrift_get_i64(in, &field);
            break;
        case 4:
            statistics->distinct_count = ql_thrift_get_i64(in, &field);
            break;
        case 5:
            statistics->max = ql_thrift_get_binary(in, &field);
            break;
        case 6:
            statistics->min = ql_thrift_get_binary(in, &field);
            break;
        case 9:
            statistics->nan_count = ql_thrift_get_i64(in, &field);
            break;
        default: /* 1 and 2, the old max and min, have no order that one could rely on */
            ql_thrift_skip(in, &field);
        }
    }
}

static uint32_t get_encodings(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    struct ql_thrift_field element;
    uint32_t encodings = 0;
    size_t n = ql_thrift_get_list(in, field, &element);
    for (size_t i = 0; i < n && in->why == NULL; i++) {
        int32_t encoding = ql_thrift_get_i32(in, &element);
        if (encoding < 0 || encoding > QL_PARQUET_ENCODING_MAX) {
            ql_thrift_break(in, "a chunk has an encoding that does not exist");
            break;
        }
        encodings |= UINT32_C(1) << encoding;
    }
    return encodings;
}

/* The names joined by dots; a view where there is one, as flat columns have it. */
static struct ql_str get_path(struct ql_thrift_in *in, const struct ql_thrift_field *field, struct ql_parquet_file *file) {
    struct ql_thrift_field element;
    struct ql_str path = QL_STR("");
    struct ql_buf joined = {0};
    size_t n = ql_thrift_get_list(in, field, &element);
    for (size_t i = 0; i < n && in->why == NULL; i++) {
        path = ql_thrift_get_binary(in, &element);
        ql_buf_puts(&joined, i != 0 ? "." : "");
        ql_buf_put_str(&joined, path);
    }
    if (n > 1) {
        path = (struct ql_str){.ptr = ql_arena_copy(&file->arena, joined.ptr, joined.len), .len = joined.len};
    }
    ql_buf_fini(&joined);
    return path;
}

enum { HAS_TYPE = 1, HAS_CODEC = 2, HAS_VALUES = 4, HAS_RAW = 8, HAS_STORED = 16, HAS_OFFSET = 32, HAS_ALL = 63 };

static void get_column_metadata(struct ql_thrift_in *in, const struct ql_thrift_field *struct_field,
                                struct ql_parquet_chunk *chunk, struct ql_parquet_file *file) {
    struct ql_thrift_field field = {0};
    unsigned seen = 0;
    ql_thrift_enter(in, struct_field);
    while (ql_thrift_next(in, &field)) {
        switch (field.id) {
        case 1:
            chunk->type = ql_thrift_get_i32(in, &field);
            seen |= HAS_TYPE;
            break;
        case 2:
            chunk->encodings = get_encodings(in, &field);
            break;
        case 3:
            chunk->path = get_path(in, &field, file);
            break;
        case 4:
            chunk->codec = ql_thrift_get_i32(in, &field);
            seen |= HAS_CODEC;
            break;
        case 5:
            chunk->n_values = ql_thrift_get_i64(in, &field);
            seen |= HAS_VALUES;
            break;
        case 6:
            chunk->raw = ql_thrift_get_i64(in, &field);
            seen |= HAS_RAW;
            break;
        case 7:
            chunk->stored = ql_thrift_get_i64(in, &field);
            seen |= HAS_STORED;
            break;
        case 9:
            chunk->data_offset = ql_thrift_get_i64(in, &field);
            seen |= HAS_OFFSET;
            break;
        case 11:
            chunk->dictionary_offset = ql_thrift_get_i64(in, &field);
            break;
        case 12:
            get_statistics(in, &field, &chunk->statistics);
            break;
        case 14:
            chunk->bloom_filter.offset = ql_thrift_get_i64(in, &field);
            break;
        case 15:
            chunk->bloom_filter.len = ql_thrift_get_i32(in, &field);
            break;
        default:
            ql_thrift_skip(in, &field);
        }
    }
    if (seen != HAS_ALL) {
        ql_thrift_break(in, "a chunk lacks type, codec, counts, sizes or offset");
    }
}

static bool is_inside(const struct ql_parquet_file *file, int64_t offset, int64_t len) {
    return len >= 0 && offset >= MAGIC_SIZE && offset <= file->footer.offset && len <= file->footer.offset - offset;
}

/* Of values and bytes of a chunk, far beyond what any has: sums over all chunks stay within 64 bits. */
#define COUNT_MAX (INT64_C(1) << 39)

static void check_chunk(struct ql_thrift_in *in, const struct ql_parquet_file *file, struct ql_parquet_chunk *chunk) {
    /* Some writers put 0 where there is no dictionary. */
    chunk->dictionary_offset = chunk->dictionary_offset <= 0 ? -1 : chunk->dictionary_offset;
    bool starts_with_it = chunk->dictionary_offset >= 0 && chunk->dictionary_offset < chunk->data_offset;
    chunk->offset = starts_with_it ? chunk->dictionary_offset : chunk->data_offset;
    const struct ql_parquet_statistics *statistics = &chunk->statistics;
    bool are_counts_sound = chunk->n_values >= 0 && chunk->n_values <= COUNT_MAX && chunk->raw >= 0 &&
                            chunk->raw <= COUNT_MAX && statistics->null_count >= -1 &&
                            statistics->null_count <= chunk->n_values;
    if (!are_counts_sound || chunk->type < 0 || chunk->type > QL_PARQUET_TYPE_FIXED) {
        ql_thrift_break(in, "a chunk has counts or a type that cannot be");
    } else if (!is_inside(file, chunk->offset, chunk->stored) || chunk->data_offset > chunk->offset + chunk->stored) {
        ql_thrift_break(in, "a chunk lies outside of the file");
    } else if (!is_inside(file, chunk->offset_index.len != 0 ? chunk->offset_index.offset : MAGIC_SIZE,
                          chunk->offset_index.len) ||
               !is_inside(file, chunk->column_index.len != 0 ? chunk->column_index.offset : MAGIC_SIZE,
                          chunk->column_index.len) ||
               !is_inside(file, chunk->bloom_filter.len != 0 ? chunk->bloom_filter.offset : MAGIC_SIZE,
                          chunk->bloom_filter.len)) {
        ql_thrift_break(in, "an index or a filter of a chunk lies outside of the file");
    }
}

static void get_chunk(struct ql_thrift_in *in, const struct ql_thrift_field *list_element, struct ql_parquet_file *file,
                      struct ql_parquet_chunk *chunk) {
    struct ql_thrift_field field = {0};
    bool has_metadata = false;
    bool is_encrypted = false;
    *chunk = (struct ql_parquet_chunk){.dictionary_offset = -1,
                                       .statistics = {.null_count = -1, .distinct_count = -1, .nan_count = -1}};
    ql_thrift_enter(in, list_element);
    while (ql_thrift_next(in, &field)) {
        switch (field.id) {
        case 1:
            chunk->has_foreign_file = ql_thrift_get_binary(in, &field).len != 0;
            break;
        case 3:
            get_column_metadata(in, &field, chunk, file);
            has_metadata = true;
            break;
        case 4:
            chunk->offset_index.offset = ql_thrift_get_i64(in, &field);
            break;
        case 5:
            chunk->offset_index.len = ql_thrift_get_i32(in, &field);
            break;
        case 6:
            chunk->column_index.offset = ql_thrift_get_i64(in, &field);
            break;
        case 7:
            chunk->column_index.len = ql_thrift_get_i32(in, &field);
            break;
        case 8:
        case 9:
            is_encrypted = true;
            ql_thrift_skip(in, &field);
            break;
        default:
            ql_thrift_skip(in, &field);
        }
    }
    if (chunk->has_foreign_file) {
        ql_thrift_break(in, "it is a summary of other files ('_metadata'), not a file of its own");
    } else if (is_encrypted) {
        ql_thrift_break(in, "a column is encrypted");
    } else if (!has_metadata) {
        ql_thrift_break(in, "a chunk is not described");
    } else {
        check_chunk(in, file, chunk);
    }
}

static void get_sorting(struct ql_thrift_in *in, const struct ql_thrift_field *list_field, struct ql_parquet_file *file,
                        struct ql_parquet_group *group) {
    struct ql_thrift_field element;
    size_t n = get_list_of(in, list_field, SORTING_SIZE_MIN, &element);
    group->n_sorting = 0;
    group->sorting = ql_arena_alloc(&file->arena, n * sizeof *group->sorting);
    for (size_t i = 0; i < n && in->why == NULL; i++) {
        struct ql_parquet_sorting sorting = {.column = -1};
        struct ql_thrift_field field = {0};
        ql_thrift_enter(in, &element);
        while (ql_thrift_next(in, &field)) {
            if (field.id == 1) {
                sorting.column = ql_thrift_get_i32(in, &field);
            } else if (field.id == 2) {
                sorting.is_descending = ql_thrift_get_bool(in, &field);
            } else if (field.id == 3) {
                sorting.nulls_first = ql_thrift_get_bool(in, &field);
            } else {
                ql_thrift_skip(in, &field);
            }
        }
        if (sorting.column < 0 || (size_t)sorting.column >= file->n_columns) {
            ql_thrift_break(in, "it is sorted by a column that it does not have");
        }
        group->sorting[group->n_sorting++] = sorting;
    }
}

static void get_chunks(struct ql_thrift_in *in, const struct ql_thrift_field *list_field, struct ql_parquet_file *file,
                       struct ql_parquet_group *group) {
    struct ql_thrift_field element;
    size_t n = get_list_of(in, list_field, CHUNK_SIZE_MIN, &element);
    if (in->why == NULL && n != file->n_columns) {
        ql_thrift_break(in, "a row group has another number of columns than the schema");
    }
    if (in->why != NULL) {
        return;
    }
    group->stored = 0;
    group->chunks = ql_arena_alloc(&file->arena, n * sizeof *group->chunks);
    for (size_t c = 0; c < n && in->why == NULL; c++) {
        get_chunk(in, &element, file, &group->chunks[c]);
        group->stored += in->why == NULL ? group->chunks[c].stored : 0; /* each is below 2^63 / n: they lie in one file */
        if (in->why == NULL && group->chunks[c].type != file->columns[c].type) {
            ql_thrift_break(in, "a chunk has another type than its column");
        } else if (in->why == NULL && !ql_str_eq(group->chunks[c].path, file->columns[c].path)) {
            ql_thrift_break(in, "a chunk has another name than its column");
        }
    }
}

static void get_group(struct ql_thrift_in *in, const struct ql_thrift_field *list_element, struct ql_parquet_file *file,
                      struct ql_parquet_group *group) {
    struct ql_thrift_field field = {0};
    *group = (struct ql_parquet_group){.n_rows = -1};
    ql_thrift_enter(in, list_element);
    while (ql_thrift_next(in, &field)) {
        switch (field.id) {
        case 1:
            get_chunks(in, &field, file, group);
            break;
        case 2:
            group->raw = ql_thrift_get_i64(in, &field);
            break;
        case 3:
            group->n_rows = ql_thrift_get_i64(in, &field);
            break;
        case 4:
            get_sorting(in, &field, file, group);
            break;
        default:
            ql_thrift_skip(in, &field);
        }
    }
    if (in->why == NULL && (group->chunks == NULL || group->n_rows < 0)) {
        ql_thrift_break(in, "a row group lacks its chunks or its number of rows");
    }
}

static void get_groups(struct ql_thrift_in *in, const struct ql_thrift_field *list_field, struct ql_parquet_file *file) {
    struct ql_thrift_field element;
    size_t n = ql_thrift_get_list(in, list_field, &element);
    size_t cap = 0;
    int64_t n_left = file->n_rows;
    if (file->n_groups != 0) {
        ql_thrift_break(in, "it has two lists of row groups");
    } else if (file->n_columns == 0 && n != 0) {
        ql_thrift_break(in, "its row groups come before its schema, or it has no column");
    }
    for (size_t g = 0; g < n && in->why == NULL; g++) {
        QL_MEM_GROW(file->groups, cap, g + 1);
        get_group(in, &element, file, &file->groups[g]);
        file->n_groups = g + 1;
        n_left = file->groups[g].n_rows <= n_left ? n_left - file->groups[g].n_rows : -1;
        if (in->why == NULL && n_left < 0) {
            break;
        }
    }
    if (n_left != 0) {
        ql_thrift_break(in, "the rows of its row groups do not add up to the file's");
    }
}

/* ---- the whole ---- */

static void get_pairs(struct ql_thrift_in *in, const struct ql_thrift_field *list_field, struct ql_parquet_file *file) {
    struct ql_thrift_field element;
    size_t n = get_list_of(in, list_field, PAIR_SIZE_MIN, &element);
    file->pairs = ql_arena_alloc(&file->arena, n * sizeof *file->pairs);
    file->n_pairs = 0;
    for (size_t i = 0; i < n && in->why == NULL; i++) {
        struct ql_parquet_pair *pair = &file->pairs[file->n_pairs++];
        struct ql_thrift_field field = {0};
        *pair = (struct ql_parquet_pair){.key = QL_STR(""), .value = QL_STR("")};
        ql_thrift_enter(in, &element);
        while (ql_thrift_next(in, &field)) {
            if (field.id == 1) {
                pair->key = ql_thrift_get_binary(in, &field);
            } else if (field.id == 2) {
                pair->value = ql_thrift_get_binary(in, &field);
                pair->has_value = true;
            } else {
                ql_thrift_skip(in, &field);
            }
        }
    }
}

static struct ql_str format_version_of(struct ql_str created_by) {
    static const char OURS[] = "queuelake version ";
    if (!ql_str_has_prefix(created_by, OURS)) {
        return (struct ql_str){0};
    }
    struct ql_str rest = {.ptr = created_by.ptr + sizeof OURS - 1, .len = created_by.len - (sizeof OURS - 1)};
    struct ql_str behind;
    return ql_str_split(rest, ' ', &behind);
}

static void get_file(struct ql_thrift_in *in, struct ql_parquet_file *file) {
    struct ql_thrift_field field = {0};
    bool has_groups = false;
    file->n_rows = -1;
    while (ql_thrift_next(in, &field)) {
        switch (field.id) {
        case 1:
            file->version = ql_thrift_get_i32(in, &field);
            break;
        case 2:
            ql_parquet_schema_read(in, &field, file);
            break;
        case 3:
            file->n_rows = ql_thrift_get_i64(in, &field);
            break;
        case 4:
            get_groups(in, &field, file);
            has_groups = true;
            break;
        case 5:
            get_pairs(in, &field, file);
            break;
        case 6:
            file->created_by = ql_thrift_get_binary(in, &field);
            file->format_version = format_version_of(file->created_by);
            break;
        case 7:
            file->has_column_orders = true;
            ql_thrift_skip(in, &field);
            break;
        default:
            ql_thrift_skip(in, &field);
        }
    }
    if (in->why == NULL && (file->n_rows < 0 || !has_groups || file->version == 0)) {
        ql_thrift_break(in, "version, number of rows or row groups are missing");
    }
    if (in->why == NULL && in->at != in->end) {
        ql_thrift_break(in, "it ends before the length that the file states for it");
    }
}

/* ---- the frame around it ---- */

/* What a file that is none begins with: people give the wrong one. */
static const char *look_alike(const char magic[MAGIC_SIZE]) {
    static const struct {
        const char *magic, *what;
    } KNOWN[] = {
        {"ARRO", "an Arrow IPC file"},
        {"ORC", "an ORC file"},
        {"Obj\x01", "an Avro file"},
        {"PK\x03\x04", "a ZIP archive"},
        {"\x1f\x8b", "gzip"},
        {"\x28\xb5\x2f\xfd", "zstd"},
        {"SQLi", "an SQLite file"},
        {"PARE", "an encrypted Parquet file"},
        {"{", "JSON"},
        {"<", "HTML or XML"},
    };
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        if (memcmp(magic, KNOWN[i].magic, strlen(KNOWN[i].magic)) == 0) {
            return KNOWN[i].what;
        }
    }
    return NULL;
}

static const char NO_PARQUET_HINT[] = "name a Parquet file that is not encrypted; 'queuelake transform' makes one of CSV";

static enum ql_status fail_frame(const char *head, const char *ending, struct ql_err *err) {
    const char *what = look_alike(head);
    bool begins_well = memcmp(head, QL_PARQUET_MAGIC, MAGIC_SIZE) == 0;
    if (memcmp(ending + ENDING_SIZE - MAGIC_SIZE, "PARE", MAGIC_SIZE) == 0) {
        what = "a Parquet file with an encrypted footer";
    }
    if (what != NULL) {
        (void)QL_FAIL(err, QL_E_DATA, "this is no Parquet file that can be read: it looks like %s", what);
        ql_err_hint(err, "%s", NO_PARQUET_HINT);
        return QL_E_DATA;
    }
    if (begins_well) {
        (void)QL_FAIL(err, QL_E_DATA, "the file begins as Parquet and does not end so: it was cut, or is not finished");
        ql_err_hint(err, "get the file again");
        return QL_E_DATA;
    }
    bool ends_well = memcmp(ending + ENDING_SIZE - MAGIC_SIZE, QL_PARQUET_MAGIC, MAGIC_SIZE) == 0;
    (void)QL_FAIL(err, QL_E_DATA, "this is no Parquet file: it %s with 'PAR1'",
                  ends_well ? "ends, but does not begin," : "neither begins nor ends");
    ql_err_hint(err, "%s", NO_PARQUET_HINT);
    return QL_E_DATA;
}

static uint32_t load_u32(const char *bytes) {
    const unsigned char *p = (const unsigned char *)bytes;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The footer's bytes into file->bytes, and where they lie. */
static enum ql_status read_bytes(const struct ql_parquet_input *input, struct ql_parquet_file *file, struct ql_err *err) {
    if (input->size < FILE_SIZE_MIN) {
        (void)QL_FAIL(err, QL_E_DATA, "this is no Parquet file: %lld bytes are too few", (long long)input->size);
        ql_err_hint(err, "%s", NO_PARQUET_HINT);
        return QL_E_DATA;
    }
    char head[MAGIC_SIZE];
    struct ql_buf tail = {0};
    size_t tail_len = input->size < QL_PARQUET_TAIL ? (size_t)input->size : QL_PARQUET_TAIL;
    QL_TRY(input->read_at(input->ctx, 0, head, sizeof head, err));
    (void)ql_buf_reserve(&tail, tail_len);
    enum ql_status status = input->read_at(input->ctx, input->size - (int64_t)tail_len, tail.ptr, tail_len, err);
    tail.len = tail_len;
    const char *ending = tail.ptr + tail_len - ENDING_SIZE;
    if (status == QL_OK &&
        (memcmp(head, QL_PARQUET_MAGIC, MAGIC_SIZE) != 0 || memcmp(ending + 4, QL_PARQUET_MAGIC, MAGIC_SIZE) != 0)) {
        status = fail_frame(head, ending, err);
    }
    if (status == QL_OK) {
        file->size = input->size;
        file->footer.len = load_u32(ending);
        file->footer.offset = input->size - ENDING_SIZE - file->footer.len;
        if (file->footer.offset < MAGIC_SIZE || file->footer.len == 0) {
            status = QL_FAIL(err, QL_E_DATA, "the footer is stated to have %lld bytes, in a file of %lld",
                             (long long)file->footer.len, (long long)input->size);
        } else if (file->footer.len > QL_PARQUET_FOOTER_MAX) {
            status = QL_FAIL(err, QL_E_LIMIT, "the footer has %lld bytes; more than 256 MiB are not read",
                             (long long)file->footer.len);
        }
    }
    if (status == QL_OK) {
        size_t len = (size_t)file->footer.len;
        (void)ql_buf_reserve(&file->bytes, len);
        if (len + ENDING_SIZE <= tail_len) {
            memcpy(file->bytes.ptr, ending - len, len);
        } else {
            status = input->read_at(input->ctx, file->footer.offset, file->bytes.ptr, len, err);
        }
        file->bytes.len = len;
    }
    ql_buf_fini(&tail);
    return status;
}

enum ql_status ql_parquet_file_read(const struct ql_parquet_input *input, struct ql_parquet_file *file, struct ql_err *err) {
    *file = (struct ql_parquet_file){0};
    QL_TRY(read_bytes(input, file, err));
    struct ql_thrift_in in;
    ql_thrift_in_init(&in, file->bytes.ptr, file->bytes.len);
    get_file(&in, file);
    if (in.why != NULL) {
        return QL_FAIL(err, QL_E_DATA, "the footer (%lld bytes at %lld) cannot be read: %s", (long long)file->footer.len,
                       (long long)file->footer.offset, in.why);
    }
    return QL_OK;
}
