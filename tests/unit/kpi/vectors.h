/** Reads the committed vectors of tests/data/kpi (see generate.py there): lines of fields between tabs. */
#ifndef QL_TESTS_UNIT_KPI_VECTORS_H
#define QL_TESTS_UNIT_KPI_VECTORS_H

#include "support/test.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct vectors {
    char *text;
    struct ql_str rest, line; /* line: the one being read */
};

static inline struct vectors vectors_open(const char *name) {
    const char *folder = getenv("QL_TEST_DATA");
    struct ql_buf path = {0};
    struct ql_buf text = {0};
    ql_buf_printf(&path, "%s/kpi/%s", folder != NULL ? folder : "tests/data", name);
    FILE *file = fopen(ql_buf_text(&path), "rb");
    if (file == NULL) {
        fail_msg("cannot open '%s'", ql_buf_text(&path));
    }
    size_t n;
    while ((n = fread(ql_buf_reserve(&text, 65536), 1, 65536, file)) != 0) {
        text.len += n;
    }
    (void)fclose(file);
    ql_buf_fini(&path);
    struct vectors vectors = {.rest = ql_buf_view(&text)};
    vectors.text = ql_buf_take(&text);
    vectors.rest.ptr = vectors.text;
    return vectors;
}
static inline void vectors_close(struct vectors *vectors) {
    ql_mem_free(vectors->text);
}
static inline bool vectors_next_line(struct vectors *vectors) {
    vectors->line = ql_str_split(vectors->rest, '\n', &vectors->rest);
    return vectors->line.len != 0;
}
static inline struct ql_str vectors_field(struct vectors *vectors) {
    return ql_str_split(vectors->line, '\t', &vectors->line);
}
/* NaN for "-". */
static inline double vectors_double(struct vectors *vectors) {
    struct ql_str field = vectors_field(vectors);
    if (field.len == 0) {
        fail_msg("a field is missing");
    }
    if (ql_str_eq(field, QL_STR("-"))) {
        return (double)NAN;
    }
    char *text = ql_mem_strndup(field.ptr, field.len);
    double value = strtod(text, NULL);
    ql_mem_free(text);
    return value;
}
static inline size_t vectors_count(struct vectors *vectors) {
    int64_t value = 0;
    struct ql_str field = vectors_field(vectors);
    if (!ql_str_to_i64(field, &value) || value < 0) {
        fail_msg("'%.*s' is no count", QL_STR_ARG(field));
    }
    return (size_t)value;
}
/* Equal, or both NULL. */
static inline bool same_value(double a, double b) {
    return isnan(a) ? isnan(b) != 0 : a == b;
}

#endif
