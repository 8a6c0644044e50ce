/**
 * A column sink that keeps everything as plain values, whatever form they come in, and holds a layout to the contract: schema
 * first, then groups whose columns are the same in whatever order and with whatever scratch they are asked for.
 */
#ifndef QL_TESTS_UNIT_LAYOUT_LAYOUT_RECORDER_H
#define QL_TESTS_UNIT_LAYOUT_LAYOUT_RECORDER_H

#include "support/test.h"

#include "layout/layout.h"

#include <math.h>
#include <stdio.h>

enum { RECORDER_COLUMNS = 256, RECORDER_ROWS = 4096 };

struct recorded_value {
    bool is_null;
    int64_t i64;
    double f64;
    struct ql_str text;
};
enum { RECORDER_GROUPS = 64 };
struct recorded_column {
    char name[300];
    enum ql_column_type type;
    uint8_t scale;
    bool is_sorted;
    enum ql_column_form forms[RECORDER_GROUPS];
    uint8_t form_scales[RECORDER_GROUPS];
    size_t n_dicts[RECORDER_GROUPS];
    int32_t min_ks[RECORDER_GROUPS], max_ks[RECORDER_GROUPS];
    struct recorded_value *values; /* [RECORDER_ROWS] */
};
struct recorder {
    struct recorded_column columns[RECORDER_COLUMNS];
    size_t n_columns, n_groups, n_rows;
    size_t group_rows; /* of the group at hand */
    bool has_schema;
    int fails_at; /* the call (from 1) that fails; 0: none */
    int n_calls;
    struct ql_arena arena;
};

static inline enum ql_status recorder_call(struct recorder *r, struct ql_err *err) {
    return ++r->n_calls == r->fails_at ? QL_FAIL(err, QL_E_IO, "the sink is full") : QL_OK;
}
static inline enum ql_status recorder_schema(void *ctx, const struct ql_schema *schema, struct ql_err *err) {
    struct recorder *r = ctx;
    assert_false(r->has_schema);
    assert_true(schema->n_columns <= RECORDER_COLUMNS);
    r->has_schema = true;
    r->n_columns = schema->n_columns;
    for (size_t c = 0; c < schema->n_columns; c++) {
        struct recorded_column *column = &r->columns[c];
        (void)snprintf(column->name, sizeof column->name, "%.*s", QL_STR_ARG(schema->columns[c].name));
        column->type = schema->columns[c].type;
        column->scale = schema->columns[c].scale;
        column->is_sorted = schema->columns[c].is_sorted;
        column->values = ql_arena_alloc(&r->arena, RECORDER_ROWS * sizeof *column->values);
    }
    return recorder_call(r, err);
}
static inline void recorder_has_distinct_entries(enum ql_column_type type, const struct ql_column *column) {
    for (size_t i = 0; i < column->n_dict; i++) {
        for (size_t j = 0; j < i; j++) {
            if (type == QL_COLUMN_STRING) {
                assert_false(ql_str_eq(column->dict[i], column->dict[j]));
            } else {
                assert_int_not_equal(column->numbers[i], column->numbers[j]);
            }
        }
    }
}
/* What row i says; texts are the column's. */
static inline struct recorded_value recorder_value(enum ql_column_type type, const struct ql_column *column, size_t i) {
    static const double TEN_TO[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    struct recorded_value value = {.is_null = column->is_valid != NULL && column->is_valid[i] == 0};
    if (value.is_null) {
        return value;
    }
    if (column->form == QL_COLUMN_CODED) {
        uint32_t code = column->v.code[i];
        assert_true(code < column->n_dict && type != QL_COLUMN_DOUBLE);
        if (type == QL_COLUMN_STRING) {
            value.text = column->dict[code];
        } else {
            value.i64 = column->numbers[code];
        }
    } else if (column->form == QL_COLUMN_SCALED) {
        assert_true(column->v.k[i] >= column->min_k && column->v.k[i] <= column->max_k && column->scale <= 9);
        value.i64 = column->v.k[i];
        value.f64 = (double)column->v.k[i] / TEN_TO[column->scale];
    } else if (type == QL_COLUMN_DOUBLE) {
        value.f64 = column->v.f64[i];
        assert_true(value.f64 == value.f64);
    } else {
        assert_int_not_equal(type, QL_COLUMN_STRING);
        value.i64 = column->v.i64[i];
    }
    return value;
}
static inline void recorder_keep(struct recorder *r, size_t c, const struct ql_column *column) {
    assert_int_equal(column->n_rows, r->group_rows);
    assert_true(r->n_groups < RECORDER_GROUPS);
    struct recorded_column *into = &r->columns[c];
    into->forms[r->n_groups] = column->form;
    into->form_scales[r->n_groups] = column->scale;
    into->n_dicts[r->n_groups] = column->n_dict;
    into->min_ks[r->n_groups] = column->min_k;
    into->max_ks[r->n_groups] = column->max_k;
    recorder_has_distinct_entries(into->type, column);
    for (size_t i = 0; i < column->n_rows; i++) {
        struct recorded_value *value = &into->values[r->n_rows + i];
        *value = recorder_value(into->type, column, i);
        value->text.ptr = value->text.ptr != NULL ? ql_arena_copy(&r->arena, value->text.ptr, value->text.len) : NULL;
    }
}
static inline void recorder_is_kept(const struct recorder *r, size_t c, const struct ql_column *column) {
    const struct recorded_column *kept = &r->columns[c];
    for (size_t i = 0; i < column->n_rows; i++) {
        const struct recorded_value *before = &kept->values[r->n_rows + i];
        struct recorded_value value = recorder_value(kept->type, column, i);
        assert_int_equal(value.is_null, before->is_null);
        assert_true(ql_str_eq(value.text, before->text));
        assert_true(value.f64 == before->f64);
        assert_int_equal(value.i64, before->i64);
    }
}
/* Backwards first, with one scratch; then in order, with another, every third column skipped; all must be as the first time. */
static inline void recorder_ask(struct recorder *r, const struct ql_column_source *source) {
    struct ql_column_scratch scratch[2] = {{0}};
    struct ql_column column;
    for (size_t c = r->n_columns; c-- != 0;) {
        source->fill(source->ctx, c, &scratch[0], &column);
        recorder_keep(r, c, &column);
    }
    for (size_t c = 0; c < r->n_columns; c++) {
        source->fill(source->ctx, c, &scratch[c % 3 == 2 ? 0 : 1], &column);
        recorder_is_kept(r, c, &column);
    }
    ql_column_scratch_fini(&scratch[0]);
    ql_column_scratch_fini(&scratch[1]);
}
static inline enum ql_status recorder_group(void *ctx, size_t n_rows, const struct ql_column_source *source,
                                            struct ql_err *err) {
    struct recorder *r = ctx;
    assert_true(r->has_schema && n_rows != 0);
    assert_true(r->n_rows + n_rows <= RECORDER_ROWS);
    r->group_rows = n_rows;
    recorder_ask(r, source);
    r->n_rows += n_rows;
    r->n_groups++;
    return recorder_call(r, err);
}
static inline struct ql_column_sink recorder_sink(struct recorder *r) {
    return (struct ql_column_sink){.schema = recorder_schema, .group = recorder_group, .ctx = r};
}
static inline struct recorder *recorder_new(void) {
    return ql_mem_zalloc(1, sizeof(struct recorder));
}
static inline void recorder_free(struct recorder *r) {
    ql_arena_fini(&r->arena);
    ql_mem_free(r);
}

static inline const struct recorded_column *recorder_find(const struct recorder *r, const char *name) {
    for (size_t c = 0; c < r->n_columns; c++) {
        if (strcmp(r->columns[c].name, name) == 0) {
            return &r->columns[c];
        }
    }
    fail_msg("no column '%s'", name);
    return NULL;
}
/** NaN for NULL. */
static inline double recorder_number(const struct recorder *r, const char *name, size_t row) {
    const struct recorded_column *column = recorder_find(r, name);
    const struct recorded_value *value = &column->values[row];
    assert_true(row < r->n_rows);
    return value->is_null ? (double)NAN : (column->type == QL_COLUMN_DOUBLE ? value->f64 : (double)value->i64);
}
/** Names of the columns, separated by blanks; "+" behind what is declared sorted. */
static inline void recorder_has_columns(const struct recorder *r, const char *expected) {
    struct ql_buf names = {0};
    for (size_t c = 0; c < r->n_columns; c++) {
        ql_buf_printf(&names, "%s%s%s", c != 0 ? " " : "", r->columns[c].name, r->columns[c].is_sorted ? "+" : "");
    }
    assert_string_equal(ql_buf_text(&names), expected);
    ql_buf_fini(&names);
}
static inline int recorder_compare(const struct recorded_column *column, size_t row) {
    const struct recorded_value *a = &column->values[row - 1];
    const struct recorded_value *b = &column->values[row];
    assert_false(a->is_null || b->is_null);
    if (column->type == QL_COLUMN_STRING) {
        return ql_str_cmp(a->text, b->text);
    }
    return column->type == QL_COLUMN_DOUBLE ? (a->f64 > b->f64) - (a->f64 < b->f64) : (a->i64 > b->i64) - (a->i64 < b->i64);
}
/** Rows ascend by (first sorted column, next sorted column, ...), as Parquet's SortingColumn means it. */
static inline void recorder_is_sorted_as_declared(const struct recorder *r) {
    for (size_t row = 1; row < r->n_rows; row++) {
        int order = 0;
        for (size_t c = 0; c < r->n_columns && order == 0; c++) {
            order = r->columns[c].is_sorted ? recorder_compare(&r->columns[c], row) : 0;
        }
        assert_true(order <= 0);
    }
}

#endif
