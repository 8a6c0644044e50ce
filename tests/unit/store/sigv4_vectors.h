/** Reads the files of tests/data/sigv4: blocks of "field value" lines between "case NAME" and "end". */
#ifndef QL_TESTS_SIGV4_VECTORS_H
#define QL_TESTS_SIGV4_VECTORS_H

#include "support/test.h"

#include "base/mem.h"
#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_FIELDS = 64 };

struct vector {
    struct ql_str names[MAX_FIELDS], values[MAX_FIELDS];
    size_t n;
};

static inline struct ql_buf vectors_load(const char *name) {
    const char *folder = getenv("QL_TEST_DATA");
    struct ql_buf path = {0};
    struct ql_buf text = {0};
    ql_buf_printf(&path, "%s/sigv4/%s", folder != NULL ? folder : "tests/data", name);
    FILE *file = fopen(path.ptr, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s; set QL_TEST_DATA", path.ptr);
        abort();
    }
    size_t n = 0;
    do {
        n = fread(ql_buf_reserve(&text, 65536), 1, 65536, file);
        text.len += n;
    } while (n != 0);
    (void)fclose(file);
    ql_buf_fini(&path);
    return text;
}

/** Takes the next block from *rest; false at the end. */
static inline bool vectors_next(struct ql_str *rest, struct vector *vector) {
    vector->n = 0;
    while (rest->ptr != NULL) {
        struct ql_str line = ql_str_split(*rest, '\n', rest);
        if (line.len == 0 || line.ptr[0] == '#') {
            continue;
        }
        if (ql_str_eq(line, QL_STR("end"))) {
            return true;
        }
        assert_true(vector->n < MAX_FIELDS);
        vector->names[vector->n] = ql_str_split(line, ' ', &vector->values[vector->n]);
        vector->n++;
    }
    return false;
}

static inline struct ql_str vector_get(const struct vector *vector, const char *name) {
    for (size_t i = 0; i < vector->n; i++) {
        if (ql_str_eq(vector->names[i], ql_str_from(name))) {
            return vector->values[i];
        }
    }
    fail_msg("the vector has no '%s'", name);
    return (struct ql_str){0};
}

/** All fields of a name, each split at its first `sep`. */
static inline size_t vector_pairs(const struct vector *vector, const char *name, char sep, struct ql_http_header *pairs) {
    size_t n = 0;
    for (size_t i = 0; i < vector->n; i++) {
        if (ql_str_eq(vector->names[i], ql_str_from(name))) {
            pairs[n].name = ql_str_split(vector->values[i], sep, &pairs[n].value);
            n++;
        }
    }
    return n;
}

#endif
