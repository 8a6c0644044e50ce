/*
 * SchemaElement by SchemaElement: they come in depth-first order, and are walked without recursion, because the depth is the
 * file's to choose. Groups leave no trace but levels and the names in paths.
 */
#include "parquet/read_schema.h"

struct element {
    struct ql_parquet_column column; /* path: its own name */
    int32_t repetition;              /* -1: not said, as the root does */
    int32_t n_children;
    bool has_type;
};

/* ConvertedType: the form of before LogicalType. */
static void take_converted(struct ql_parquet_column *column, int32_t converted) {
    static const struct {
        enum ql_parquet_meaning meaning;
        enum ql_parquet_unit unit;
        uint8_t bit_width;
        bool is_signed;
    } MEANINGS[] = {
        [0] = {.meaning = QL_MEANS_STRING},
        [4] = {.meaning = QL_MEANS_ENUM},
        [5] = {.meaning = QL_MEANS_DECIMAL},
        [6] = {.meaning = QL_MEANS_DATE},
        [7] = {.meaning = QL_MEANS_TIME, .unit = QL_UNIT_MILLIS},
        [8] = {.meaning = QL_MEANS_TIME, .unit = QL_UNIT_MICROS},
        [9] = {.meaning = QL_MEANS_TIMESTAMP, .unit = QL_UNIT_MILLIS},
        [10] = {.meaning = QL_MEANS_TIMESTAMP, .unit = QL_UNIT_MICROS},
        [11] = {.meaning = QL_MEANS_INTEGER, .bit_width = 8},
        [12] = {.meaning = QL_MEANS_INTEGER, .bit_width = 16},
        [13] = {.meaning = QL_MEANS_INTEGER, .bit_width = 32},
        [14] = {.meaning = QL_MEANS_INTEGER, .bit_width = 64},
        [15] = {.meaning = QL_MEANS_INTEGER, .bit_width = 8, .is_signed = true},
        [16] = {.meaning = QL_MEANS_INTEGER, .bit_width = 16, .is_signed = true},
        [17] = {.meaning = QL_MEANS_INTEGER, .bit_width = 32, .is_signed = true},
        [18] = {.meaning = QL_MEANS_INTEGER, .bit_width = 64, .is_signed = true},
        [19] = {.meaning = QL_MEANS_JSON},
        [20] = {.meaning = QL_MEANS_BSON},
        [21] = {.meaning = QL_MEANS_INTERVAL},
    };
    if (converted >= 0 && (size_t)converted < sizeof MEANINGS / sizeof MEANINGS[0]) {
        column->meaning = MEANINGS[converted].meaning;
        column->unit = MEANINGS[converted].unit;
        column->bit_width = MEANINGS[converted].bit_width;
        column->is_signed = MEANINGS[converted].is_signed;
        column->is_utc = column->unit != QL_UNIT_NONE; /* all of them were */
    } else {
        column->meaning = QL_MEANS_OTHER;
    }
}

static enum ql_parquet_unit get_unit(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    struct ql_thrift_field member = {0};
    enum ql_parquet_unit unit = QL_UNIT_NONE;
    ql_thrift_enter(in, field);
    while (ql_thrift_next(in, &member)) {
        unit = member.id >= 1 && member.id <= 3 ? (enum ql_parquet_unit)member.id : QL_UNIT_NONE;
        ql_thrift_skip(in, &member);
    }
    return unit;
}

/* The members of LogicalType that have fields of their own. */
static void get_parameters(struct ql_thrift_in *in, const struct ql_thrift_field *union_member,
                           struct ql_parquet_column *column) {
    struct ql_thrift_field field = {0};
    ql_thrift_enter(in, union_member);
    while (ql_thrift_next(in, &field)) {
        bool is_time = column->meaning == QL_MEANS_TIME || column->meaning == QL_MEANS_TIMESTAMP;
        if (column->meaning == QL_MEANS_DECIMAL && field.id == 1) {
            column->scale = ql_thrift_get_i32(in, &field);
        } else if (column->meaning == QL_MEANS_DECIMAL && field.id == 2) {
            column->precision = ql_thrift_get_i32(in, &field);
        } else if (is_time && field.id == 1) {
            column->is_utc = ql_thrift_get_bool(in, &field);
        } else if (is_time && field.id == 2) {
            column->unit = get_unit(in, &field);
        } else if (column->meaning == QL_MEANS_INTEGER && field.id == 1) {
            column->bit_width = (uint8_t)ql_thrift_get_i8(in, &field);
        } else if (column->meaning == QL_MEANS_INTEGER && field.id == 2) {
            column->is_signed = ql_thrift_get_bool(in, &field);
        } else {
            ql_thrift_skip(in, &field);
        }
    }
}

static void get_logical_type(struct ql_thrift_in *in, const struct ql_thrift_field *field, struct ql_parquet_column *column) {
    static const enum ql_parquet_meaning MEANINGS[] = {
        [1] = QL_MEANS_STRING, [4] = QL_MEANS_ENUM,      [5] = QL_MEANS_DECIMAL,  [6] = QL_MEANS_DATE,
        [7] = QL_MEANS_TIME,   [8] = QL_MEANS_TIMESTAMP, [10] = QL_MEANS_INTEGER, [11] = QL_MEANS_NULL,
        [12] = QL_MEANS_JSON,  [13] = QL_MEANS_BSON,     [14] = QL_MEANS_UUID,    [15] = QL_MEANS_FLOAT16,
    };
    struct ql_thrift_field member = {0};
    ql_thrift_enter(in, field);
    while (ql_thrift_next(in, &member)) {
        bool is_known = member.id >= 1 && (size_t)member.id < sizeof MEANINGS / sizeof MEANINGS[0];
        enum ql_parquet_meaning meaning = is_known ? MEANINGS[member.id] : QL_MEANS_OTHER;
        column->meaning =
            meaning != QL_MEANS_NOTHING ? meaning : QL_MEANS_OTHER; /* LIST and MAP: of groups, which have no values */
        get_parameters(in, &member, column);
    }
}

static struct element get_element(struct ql_thrift_in *in, const struct ql_thrift_field *list_element) {
    struct element element = {.repetition = -1, .column = {.field_id = -1, .path = QL_STR("")}};
    struct ql_parquet_column *column = &element.column;
    struct ql_thrift_field field = {0};
    bool has_logical = false;
    int32_t converted = -1;
    ql_thrift_enter(in, list_element);
    while (ql_thrift_next(in, &field)) {
        switch (field.id) {
        case 1:
            column->type = ql_thrift_get_i32(in, &field);
            element.has_type = true;
            break;
        case 2:
            column->type_length = ql_thrift_get_i32(in, &field);
            break;
        case 3:
            element.repetition = ql_thrift_get_i32(in, &field);
            break;
        case 4:
            column->path = ql_thrift_get_binary(in, &field);
            break;
        case 5:
            element.n_children = ql_thrift_get_i32(in, &field);
            break;
        case 6:
            converted = ql_thrift_get_i32(in, &field);
            break;
        case 7:
            column->scale = ql_thrift_get_i32(in, &field);
            break;
        case 8:
            column->precision = ql_thrift_get_i32(in, &field);
            break;
        case 9:
            column->field_id = ql_thrift_get_i32(in, &field);
            break;
        case 10:
            get_logical_type(in, &field, column);
            has_logical = true;
            break;
        default:
            ql_thrift_skip(in, &field);
        }
    }
    if (converted >= 0 && !has_logical) {
        take_converted(column, converted);
    }
    return element;
}

/* A group on the way from the root to the element at hand. */
struct level {
    int32_t n_left; /* children that have not come */
    unsigned def, rep;
    size_t path_len;
};

struct walk {
    struct ql_parquet_file *file;
    struct ql_buf path;
    struct level *levels;
    size_t n_levels, levels_cap, columns_cap;
};

static bool is_leaf_sound(const struct element *element) {
    const struct ql_parquet_column *column = &element->column;
    return column->type >= 0 && column->type <= QL_PARQUET_TYPE_FIXED &&
           (column->type != QL_PARQUET_TYPE_FIXED || column->type_length > 0);
}

/* Takes the next element in depth-first order; the first one is the root. */
static void take_element(struct walk *walk, struct ql_thrift_in *in, const struct element *element) {
    struct ql_parquet_file *file = walk->file;
    while (walk->n_levels != 0 && walk->levels[walk->n_levels - 1].n_left == 0) {
        walk->n_levels--;
    }
    bool is_root = walk->n_levels == 0 && walk->levels_cap == 0;
    if ((walk->n_levels == 0 && !is_root) || element->repetition > QL_PARQUET_REPETITION_REPEATED || element->n_children < 0 ||
        (is_root && element->has_type)) {
        ql_thrift_break(in, "the schema is no tree");
        return;
    }
    struct level level = {.n_left = element->n_children};
    if (!is_root) {
        struct level *parent = &walk->levels[walk->n_levels - 1];
        parent->n_left--;
        level.def = parent->def + (element->repetition > QL_PARQUET_REPETITION_REQUIRED);
        level.rep = parent->rep + (element->repetition == QL_PARQUET_REPETITION_REPEATED);
        walk->path.len = parent->path_len;
        ql_buf_puts(&walk->path, walk->n_levels > 1 ? "." : "");
        ql_buf_put_str(&walk->path, element->column.path);
        level.path_len = walk->path.len;
    }
    if (!element->has_type) {
        QL_MEM_GROW(walk->levels, walk->levels_cap, walk->n_levels + 1);
        walk->levels[walk->n_levels++] = level;
        return;
    }
    if (!is_leaf_sound(element) || element->n_children != 0) {
        ql_thrift_break(in, "a column of the schema has no type that exists");
        return;
    }
    QL_MEM_GROW(file->columns, walk->columns_cap, file->n_columns + 1);
    struct ql_parquet_column *column = &file->columns[file->n_columns++];
    *column = element->column;
    column->max_def = level.def;
    column->max_rep = level.rep;
    column->is_nested = walk->n_levels > 1;
    if (column->is_nested) {
        column->path =
            (struct ql_str){.ptr = ql_arena_copy(&file->arena, walk->path.ptr, walk->path.len), .len = walk->path.len};
    }
}

/* The paths of nested columns could repeat a long name a million times; no sound schema comes near this. */
enum { PATH_BYTES_MAX = 64 * 1024 * 1024 };

void ql_parquet_schema_read(struct ql_thrift_in *in, const struct ql_thrift_field *field, struct ql_parquet_file *file) {
    struct ql_thrift_field list_element;
    struct walk walk = {.file = file};
    size_t n = ql_thrift_get_list(in, field, &list_element);
    if (file->n_columns != 0) {
        ql_thrift_break(in, "it has two schemas");
    }
    for (size_t i = 0; i < n && in->why == NULL; i++) {
        struct element element = get_element(in, &list_element);
        if (in->why == NULL) {
            take_element(&walk, in, &element);
        }
        if (file->arena.used > PATH_BYTES_MAX) {
            ql_thrift_break(in, "the names of its nested columns are beyond 64 MiB");
        }
    }
    while (walk.n_levels != 0 && walk.levels[walk.n_levels - 1].n_left == 0) {
        walk.n_levels--;
    }
    if (walk.n_levels != 0 || walk.levels_cap == 0) {
        ql_thrift_break(in, "the schema is no tree");
    }
    ql_buf_fini(&walk.path);
    ql_mem_free(walk.levels);
}
