#include "unit/kpi/vectors.h"

#include "layout/names.h"

enum { MAX_QUEUES = 16 };

static size_t from_hex(struct ql_str hex, char *out) {
    for (size_t i = 0; i < hex.len; i += 2) {
        char digits[3] = {hex.ptr[i], hex.ptr[i + 1], '\0'};
        out[i / 2] = (char)strtol(digits, NULL, 16);
    }
    return hex.len / 2;
}

static void safe_names_are_pythons(void **state) {
    (void)state;
    struct vectors vectors = vectors_open("names.tsv");
    size_t n_sets = 0;
    for (; vectors_next_line(&vectors); n_sets++) {
        char names[MAX_QUEUES][64];
        struct ql_queue queues[MAX_QUEUES] = {0};
        struct ql_str expected[MAX_QUEUES];
        assert_str_equal(vectors_field(&vectors), "S");
        size_t n = vectors_count(&vectors);
        size_t n_expected_clashes = vectors_count(&vectors);
        for (size_t q = 0; q < n; q++) {
            assert_true(vectors_next_line(&vectors));
            queues[q].name.ptr = names[q];
            queues[q].name.len = from_hex(vectors_field(&vectors), names[q]);
            expected[q] = vectors_field(&vectors);
        }
        struct ql_arena arena = {0};
        struct ql_str parts[MAX_QUEUES];
        int64_t n_clashes = -1;
        ql_names_of_queues(queues, n, QL_NAMES_SAFE, &arena, parts, &n_clashes);
        for (size_t q = 0; q < n; q++) {
            if (!ql_str_eq(parts[q], expected[q])) {
                fail_msg("'%.*s': got '%.*s', expected '%.*s'", QL_STR_ARG(queues[q].name), QL_STR_ARG(parts[q]),
                         QL_STR_ARG(expected[q]));
            }
        }
        assert_int_equal(n_clashes, n_expected_clashes);
        ql_names_of_queues(queues, n, QL_NAMES_RAW, &arena, parts, &n_clashes);
        for (size_t q = 0; q < n; q++) {
            assert_true(ql_str_eq(parts[q], queues[q].name));
        }
        assert_int_equal(n_clashes, 0);
        ql_arena_fini(&arena);
    }
    assert_int_equal(n_sets, 5);
    vectors_close(&vectors);
}

static void queues_of_one_name_get_the_hash_of_their_id(void **state) {
    (void)state;
    /* printf %s 17 | sha256sum: 4523540f..., 18: 4ec9599f...; "\u5ba2\u670d" loses all its letters */
    static const struct ql_queue queues[] = {{.id = {"17", 2}, .name = {"Sales", 5}},
                                             {.id = {"18", 2}, .name = {"Sales", 5}},
                                             {.id = {"17", 2}, .name = {"\xe5\xae\xa2\xe6\x9c\x8d", 6}},
                                             {.id = {"18", 2}, .name = {"\xe5\xae\xa2\xe6\x9c\x8d", 6}}};
    struct ql_arena arena = {0};
    struct ql_str parts[4];
    int64_t n_clashes;
    ql_names_of_queues(queues, 4, QL_NAMES_SAFE, &arena, parts, &n_clashes);
    assert_str_equal(parts[0], "sales_452354");
    assert_str_equal(parts[1], "sales_4ec959");
    assert_str_equal(parts[2], "_452354");
    assert_str_equal(parts[3], "_4ec959");
    assert_int_equal(n_clashes, 2);
    assert_true(ql_names_is_twin(queues, 4, 0) && ql_names_is_twin(queues, 4, 1) && ql_names_is_twin(queues, 4, 3));
    assert_false(ql_names_is_twin(queues, 1, 0) || ql_names_is_twin(queues + 1, 2, 1));
    ql_arena_fini(&arena);
}

static void equal_names_are_found(void **state) {
    (void)state;
    const struct ql_column_def columns[] = {{.name = QL_STR("b")}, {.name = QL_STR("A")}, {.name = QL_STR("c")},
                                            {.name = QL_STR("a")}, {.name = QL_STR("B")}, {.name = QL_STR("c")}};
    size_t first = 0;
    size_t second = 0;
    assert_false(ql_names_find_equal(columns, 5, false, &first, &second));
    assert_true(ql_names_find_equal(columns, 6, false, &first, &second));
    assert_true(first == 2 && second == 5);
    assert_true(ql_names_find_equal(columns, 5, true, &first, &second));
    assert_true(first == 1 && second == 3);
    assert_int_equal(ql_names_count_case_clashes(columns, 5), 4);
    assert_int_equal(ql_names_count_case_clashes(columns, 3), 0);
    assert_int_equal(ql_names_count_case_clashes(columns, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safe_names_are_pythons),
        cmocka_unit_test(queues_of_one_name_get_the_hash_of_their_id),
        cmocka_unit_test(equal_names_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
