/* What thrift.c writes comes back; other bytes break the reader and nothing else. */
#include "support/test.h"

#include "base/mem.h"
#include "parquet/thrift_read.h"

#include <stdlib.h>

static void every_kind_of_value_comes_back(void **state) {
    (void)state;
    static const int64_t NUMBERS[] = {0, 1, -1, 63, -64, 64, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    enum { N_NUMBERS = sizeof NUMBERS / sizeof NUMBERS[0] };
    struct ql_buf out = {0};
    struct ql_thrift thrift;
    ql_thrift_init(&thrift, &out);
    for (int i = 0; i < N_NUMBERS; i++) {
        ql_thrift_put_i64(&thrift, i + 1, NUMBERS[i]);
    }
    ql_thrift_put_bool(&thrift, 200, true); /* behind a gap: the long form of a header */
    ql_thrift_begin_list(&thrift, 201, QL_THRIFT_BINARY, 20);
    for (int i = 0; i < 20; i++) {
        ql_thrift_add_binary(&thrift, QL_STR("word"));
    }
    ql_thrift_begin_list(&thrift, 202, QL_THRIFT_TRUE, 2);
    ql_thrift_add_bool(&thrift, true);
    ql_thrift_add_bool(&thrift, false);
    ql_thrift_begin_struct(&thrift, 203);
    ql_thrift_put_i32(&thrift, 1, 5);
    ql_thrift_end_struct(&thrift);
    ql_thrift_end_struct(&thrift);

    struct ql_thrift_in in;
    struct ql_thrift_field field = {0};
    struct ql_thrift_field element;
    ql_thrift_in_init(&in, out.ptr, out.len);
    for (int i = 0; i < N_NUMBERS; i++) {
        assert_true(ql_thrift_next(&in, &field));
        assert_int_equal(field.id, i + 1);
        assert_int_equal(ql_thrift_get_i64(&in, &field), NUMBERS[i]);
    }
    assert_true(ql_thrift_next(&in, &field));
    assert_int_equal(field.id, 200);
    assert_true(ql_thrift_get_bool(&in, &field));
    assert_true(ql_thrift_next(&in, &field));
    assert_int_equal(ql_thrift_get_list(&in, &field, &element), 20);
    for (int i = 0; i < 20; i++) {
        assert_str_equal(ql_thrift_get_binary(&in, &element), "word");
    }
    assert_true(ql_thrift_next(&in, &field));
    assert_int_equal(ql_thrift_get_list(&in, &field, &element), 2);
    assert_true(ql_thrift_get_bool(&in, &element));
    assert_false(ql_thrift_get_bool(&in, &element));
    assert_true(ql_thrift_next(&in, &field));
    struct ql_thrift_field inner = {0};
    ql_thrift_enter(&in, &field);
    assert_true(ql_thrift_next(&in, &inner));
    assert_int_equal(ql_thrift_get_i32(&in, &inner), 5);
    assert_false(ql_thrift_next(&in, &inner));
    assert_false(ql_thrift_next(&in, &field));
    assert_null(in.why);
    assert_ptr_equal(in.at, in.end);

    ql_thrift_in_init(&in, out.ptr, out.len); /* and all of it can be gone over */
    field = (struct ql_thrift_field){0};
    while (ql_thrift_next(&in, &field)) {
        ql_thrift_skip(&in, &field);
    }
    assert_null(in.why);
    assert_ptr_equal(in.at, in.end);
    ql_buf_fini(&out);
}

static const char *skip_all(const void *ptr, size_t len) {
    char *exact = malloc(len + (len == 0)); /* no byte behind it */
    memcpy(exact, ptr, len);
    struct ql_thrift_in in;
    struct ql_thrift_field field = {0};
    ql_thrift_in_init(&in, exact, len);
    while (ql_thrift_next(&in, &field)) {
        ql_thrift_skip(&in, &field);
    }
    free(exact);
    return in.why;
}

static void what_cannot_be_breaks_it(void **state) {
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t len;
    } CASES[] = {
        {"nothing", "", 0},
        {"no end of the struct", "\x16\x02", 2},
        {"a number of 11 bytes", "\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 13},
        {"a number above 64 bits", "\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00", 12},
        {"a text beyond the end", "\x18\x05words", 7},
        {"a text of 2^64 - 1 bytes", "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 12},
        {"a list beyond the end", "\x19\xf6\xff\xff\xff\xff\x0f\x00", 8},
        {"a type that does not exist", "\x1f\x00", 2},
        {"an id beyond 16 bits", "\x06\x80\x80\x80\x80\x10\x02\x00", 8},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (skip_all(CASES[i].bytes, CASES[i].len) == NULL) {
            fail_msg("%s: taken", CASES[i].name);
        }
    }
    char deep[100000];
    memset(deep, 0x1c, sizeof deep); /* structs in structs */
    assert_non_null(skip_all(deep, sizeof deep));
    memset(deep, 0x19, sizeof deep); /* lists of one list */
    assert_non_null(skip_all(deep, sizeof deep));
}

static void a_value_of_another_type_breaks_it(void **state) {
    (void)state;
    struct ql_thrift_in in;
    struct ql_thrift_field field = {0};
    ql_thrift_in_init(&in, "\x16\x02\x00", 3);
    assert_true(ql_thrift_next(&in, &field));
    assert_int_equal(ql_thrift_get_binary(&in, &field).len, 0);
    assert_non_null(in.why);
    assert_false(ql_thrift_next(&in, &field));
    ql_thrift_in_init(&in, "\x15\x80\x80\x80\x80\x20\x00", 7); /* 2^32 */
    field = (struct ql_thrift_field){0};
    assert_true(ql_thrift_next(&in, &field));
    assert_int_equal(ql_thrift_get_i32(&in, &field), 0);
    assert_non_null(in.why);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_comes_back),
        cmocka_unit_test(what_cannot_be_breaks_it),
        cmocka_unit_test(a_value_of_another_type_breaks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
