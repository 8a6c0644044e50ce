/* Device names and characters are those of Microsoft's "Naming Files, Paths, and Namespaces"; limits and characters to avoid
 * those of "Naming Amazon S3 objects". */
#include "support/test.h"

#include "store/key_template.h"

#include <stdio.h>

static void assert_fault(const char *key, bool is_file, const char *expected, size_t expected_at) {
    size_t at = 0;
    const char *fault = ql_key_find_fault(ql_str_from(key), is_file, &at);
    if (fault == NULL || strstr(fault, expected) == NULL || at != expected_at) {
        fail_msg("'%s': got '%s' at %zu", key, fault != NULL ? fault : "nothing", at);
    }
}

static void assert_fine(const char *key, bool is_file) {
    size_t at = 0;
    const char *fault = ql_key_find_fault(ql_str_from(key), is_file, &at);
    if (fault != NULL) {
        fail_msg("'%s': got '%s' at %zu", key, fault, at);
    }
}

static void no_key_climbs_out(void **state) {
    (void)state;
    assert_fault("a/../b", false, "'.' or '..'", 2);
    assert_fault("..", true, "'.' or '..'", 0);
    assert_fault("./a", false, "'.' or '..'", 0);
    assert_fault("a/.", true, "'.' or '..'", 2);
    assert_fault("a//b", false, "empty part", 2);
    assert_fault("/a", true, "begins with '/'", 0);
    assert_fault("a/", false, "ends with '/'", 2);
    assert_fault("", false, "is empty", 0);
    assert_fine("a/.hidden/..b", false);
}

static void characters_that_break_tools_are_found(void **state) {
    (void)state;
    static const char WINDOWS[] = "<>:\"|?*\\";
    for (size_t i = 0; i + 1 < sizeof WINDOWS; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "ab/%cd", WINDOWS[i]);
        assert_fault(key, i % 2 == 0, "which Windows does not take", 3);
    }
    for (int c = 1; c < 0x20; c++) {
        char key[8];
        (void)snprintf(key, sizeof key, "a%c", c);
        assert_fault(key, c % 2 == 0, "control character", 1);
    }
    assert_fault("a\x7f", false, "control character", 1);
    assert_fault("a\xc2\x85", true, "control character", 1);
    assert_fault("ab\xff", true, "not valid UTF-8", 2);
    assert_fine("\xc2\xa0", false);
    assert_fine("date=2024-01-01/part+1,a@b;c&d$e'f(g)!h.parquet", false);
}

static void names_that_windows_cannot_have_are_found(void **state) {
    (void)state;
    static const char *const DEVICES[] = {"CON",         "con",           "Prn.parquet", "aux.tar.gz", "NUL",
                                          "nul .x",      "COM1",          "com9.csv",    "LPT0",       "lpt5",
                                          "COM\xc2\xb9", "lpt\xc2\xb3.x", "CONIN$",      "conout$.txt"};
    for (size_t i = 0; i < sizeof DEVICES / sizeof DEVICES[0]; i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "a/%s/b", DEVICES[i]);
        assert_fault(key, i % 2 == 0, "a device's name on Windows", 2);
    }
    static const char *const FINE[] = {
        "CONS", "CO", "COM", "COM10", "COMx", "xCON", "console.parquet", "LPT\xc2\xb2\xc2\xb2", "a.con", "nul-1", ".con"};
    for (size_t i = 0; i < sizeof FINE / sizeof FINE[0]; i++) {
        assert_fine(FINE[i], i % 2 == 0);
    }
    assert_fault("a./b", false, "ends in '.'", 0);
    assert_fault("b/a ", true, "in a space", 2);
    assert_fault("...", false, "ends in '.'", 0);
    assert_null(ql_key_fault(QL_STR("a:b/nul/c."))); /* S3 itself takes them */
    assert_non_null(ql_key_fault(QL_STR("a/../b")));
}

static void lengths_are_those_of_each_place(void **state) {
    (void)state;
    char text[1026];
    memset(text, 'k', sizeof text);
    text[1024] = '\0';
    assert_fine(text, false);
    text[1024] = 'k';
    text[1025] = '\0';
    assert_fault(text, false, "longer than 1024 bytes", 1024);
    text[255] = '/';
    text[511] = '/';
    text[767] = '/';
    text[1023] = '/';
    assert_fine(text, true); /* parts of 255 and of one */
    text[511] = 'k';
    assert_fault(text, true, "more than 255 bytes", 256);
}

static void assert_warning(const char *template, const char *expected) {
    struct ql_buf out = {0};
    ql_key_warn(ql_str_from(template), &out);
    assert_string_equal(ql_buf_text(&out), expected);
    ql_buf_fini(&out);
}

static void what_s3_advises_against_is_listed(void **state) {
    (void)state;
    assert_warning("date={start:%Y-%m-%d}/part-{export_id}.parquet", "");
    assert_warning("a#b~", "'#' (character 2), '~' (character 4)");
    assert_warning("{start:%Y}%", "'%' (character 11)"); /* not that of a format */
    assert_warning("{{a}}", "'{' (character 1), '}' (character 4)");
    assert_warning("x/\xc3\xbc^\xe2\x82\xac", "'\xc3\xbc' (character 3), '^' (character 4), '\xe2\x82\xac' (character 5)");
    assert_warning("[`]", "'[' (character 1), '`' (character 2), ']' (character 3)");
    assert_warning("a{", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_climbs_out),
        cmocka_unit_test(characters_that_break_tools_are_found),
        cmocka_unit_test(names_that_windows_cannot_have_are_found),
        cmocka_unit_test(lengths_are_those_of_each_place),
        cmocka_unit_test(what_s3_advises_against_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
