/*
 * docs/generated/settings.md is what the table says today. To write it anew after a change of the table:
 * QL_UPDATE_GENERATED=1 ctest -R test_settings_reference
 */
#include "support/test.h"

#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

static const char PATH[] = QL_SOURCE_DIR "/docs/generated/settings.md";

static void read_all(struct ql_buf *out) {
    FILE *file = fopen(PATH, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s", PATH);
        return;
    }
    for (size_t n = 1; n != 0; out->len += n) {
        n = fread(ql_buf_reserve(out, 4096), 1, 4096, file);
    }
    (void)fclose(file);
    ql_buf_puts(out, "");
}

static void the_committed_reference_is_up_to_date(void **state) {
    (void)state;
    struct ql_buf wanted = {0};
    struct ql_buf found = {0};
    ql_settings_reference(&wanted);
    if (getenv("QL_UPDATE_GENERATED") != NULL) {
        FILE *file = fopen(PATH, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(wanted.ptr, 1, wanted.len, file), wanted.len);
        assert_int_equal(fclose(file), 0);
    }
    read_all(&found);
    if (!ql_str_eq(ql_buf_view(&wanted), ql_buf_view(&found))) {
        size_t line = 1;
        for (size_t i = 0; i < wanted.len && i < found.len && wanted.ptr[i] == found.ptr[i]; i++) {
            line += wanted.ptr[i] == '\n';
        }
        fail_msg("docs/generated/settings.md differs from line %zu on; run this test with QL_UPDATE_GENERATED=1", line);
    }
    ql_buf_fini(&wanted);
    ql_buf_fini(&found);
}

static void every_row_of_a_table_has_the_same_cells(void **state) {
    (void)state;
    struct ql_buf text = {0};
    ql_settings_reference(&text);
    struct ql_str rest = ql_buf_view(&text);
    size_t cells_of_table = 0;
    size_t n_rows = 0;
    while (rest.len != 0) {
        struct ql_str line = ql_str_split(rest, '\n', &rest);
        size_t cells = 0;
        for (size_t i = 0; i < line.len && line.ptr[0] == '|'; i++) {
            cells += line.ptr[i] == '|' && (i == 0 || line.ptr[i - 1] != '\\');
        }
        if (cells != 0 && cells_of_table != 0 && cells != cells_of_table) {
            fail_msg("%zu cells: %.*s", cells, QL_STR_ARG(line));
        }
        n_rows += cells == 9;
        cells_of_table = cells;
    }
    assert_true(n_rows >= QL_SETTING_COUNT);
    ql_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_reference_is_up_to_date),
        cmocka_unit_test(every_row_of_a_table_has_the_same_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
