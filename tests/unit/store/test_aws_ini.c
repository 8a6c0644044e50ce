/*
 * What is expected is what Python's configparser, and so botocore and the AWS CLI, make of the same text;
 * tests/e2e/test_aws_files.py compares both over generated files.
 */
#include "support/test.h"

#include "store/aws_ini.h"

static struct ql_str value(const struct ql_aws_ini *ini, const char *section, const char *name) {
    return ql_aws_ini_get(ini, ql_aws_ini_find(ini, ql_str_from(section)), name);
}

static void assert_refused(const char *text, const char *what) {
    struct ql_err err = {0};
    struct ql_aws_ini ini = {0};
    assert_int_equal(ql_aws_ini_parse(ql_str_from(text), &ini, &err), QL_E_CONFIG);
    if (strstr(err.message, what) == NULL) {
        fail_msg("'%s' gave: %s", text, err.message);
    }
    assert_null(ini.text);
}

static void values_names_and_comments_are_those_of_the_aws_cli(void **state) {
    (void)state;
    struct ql_aws_ini ini;
    assert_ok(ql_aws_ini_parse(QL_STR("# comment\r\n"
                                      "[default]  ; behind the name anything may stand\r\n"
                                      "AWS_Access_Key_Id=AKID # not a comment\n"
                                      "  ; a comment\n"
                                      "aws_secret_access_key : a=b:c;d#e\r"
                                      "empty =\n"
                                      "[a]b]\n"
                                      "k=\tv \n"),
                               &ini, err));
    assert_int_equal(ini.n_sections, 2);
    assert_str_equal(value(&ini, "default", "aws_access_key_id"), "AKID # not a comment");
    assert_str_equal(value(&ini, "default", "aws_secret_access_key"), "a=b:c;d#e");
    struct ql_str empty = value(&ini, "default", "empty");
    assert_true(empty.ptr != NULL && empty.len == 0);
    assert_null(value(&ini, "default", "nothing").ptr);
    assert_null(value(&ini, "nobody", "empty").ptr);
    assert_str_equal(value(&ini, "a]b", "k"), "v");
    ql_aws_ini_fini(&ini);
}

static void nested_properties_are_the_text_of_one_value(void **state) {
    (void)state;
    struct ql_aws_ini ini;
    assert_ok(ql_aws_ini_parse(QL_STR("[default]\n"
                                      "s3 =\n"
                                      "  region = nested\n"
                                      "\n"
                                      "  # no part of it\n"
                                      "    [nor a section]\n"
                                      "\n"
                                      "region = eu-west-1\n"
                                      "  and more\n"
                                      "\n\n"),
                               &ini, err));
    assert_int_equal(ini.n_sections, 1);
    assert_str_equal(value(&ini, "default", "s3"), "\nregion = nested\n\n[nor a section]");
    assert_str_equal(value(&ini, "default", "region"), "eu-west-1\nand more");
    ql_aws_ini_fini(&ini);
}

static void default_in_capitals_is_the_fallback_of_every_section(void **state) {
    (void)state;
    struct ql_aws_ini ini;
    assert_ok(ql_aws_ini_parse(QL_STR("[DEFAULT]\nregion=r\noutput=json\n[a]\nregion=s\n[DEFAULT]\nmore=1\n"), &ini, err));
    assert_int_equal(ini.n_sections, 1);
    assert_str_equal(value(&ini, "a", "region"), "s");
    assert_str_equal(value(&ini, "a", "output"), "json");
    assert_str_equal(value(&ini, "a", "more"), "1");
    assert_null(value(&ini, "b", "region").ptr);
    ql_aws_ini_fini(&ini);
}

static void profiles_are_found_by_their_words(void **state) {
    (void)state;
    struct ql_aws_ini ini;
    assert_ok(ql_aws_ini_parse(QL_STR("[default]\nn=1\n"
                                      "[profile  a]\nn=2\n"
                                      "[profile \"b c\"]\nn=3\n"
                                      "[profile 'd\\e']\nn=4\n"
                                      "[f]\nn=5\n"
                                      "[profile g h]\nn=6\n"
                                      "[profile 'open]\nn=7\n"
                                      "[profile \"a\"]\nn=8\n"
                                      "[profile default]\nn=9\n"
                                      "[ profile i]\nn=10\n"),
                               &ini, err));
    static const struct {
        const char *name, *n;
    } CASES[] = {{"a", "8"},  {"b c", "3"}, {"d\\e", "4"},   {"default", "9"},
                 {"f", NULL}, {"g", NULL},  {"'open", NULL}, {"i", NULL}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t section = ql_aws_ini_find_profile(&ini, ql_str_from(CASES[i].name));
        assert_str_equal(ql_aws_ini_get(&ini, section, "n"), CASES[i].n);
    }
    ql_aws_ini_fini(&ini);
}

static void what_the_aws_cli_refuses_is_refused_by_line(void **state) {
    (void)state;
    assert_refused("a=b\n[default]\n", "line 1 comes before any section");
    assert_refused("[default]\nwhat is this\n", "line 2 is neither");
    assert_refused("[default]\n\n=x\n", "line 3 is neither");
    assert_refused("[default]\n[]\n", "line 2 is neither");
    assert_refused("[a]\nk=1\nK:2\n", "line 3 sets a property that was set before");
    assert_refused("[a]\n[b]\n[a]\n", "line 3 begins a section that was there before");
    assert_refused("[DEFAULT]\nk=1\n[a]\n[DEFAULT]\nk=2\n", "line 5 sets");
    assert_refused("[a]\nk=\xff\n", "not UTF-8");
    struct ql_aws_ini ini;
    assert_ok(ql_aws_ini_parse((struct ql_str){0}, &ini, err));
    ql_aws_ini_fini(&ini);
}

/* shlex.split of each text, joined by '|'. */
static void words_are_those_of_a_shell(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } CASES[] = {
        {"/bin/x a  b\t", "/bin/x|a|b"},
        {"\"a b\"'c d'e f", "a bc de|f"},
        {"'' \"\" x", "||x"},
        {"a\\ b \\\\ \\'", "a b|\\|'"},
        {"\"\\\"\\\\\\n$HOME`x`\" '\\'", "\"\\\\n$HOME`x`|\\"},
        {"# > | & ; *", "#|>|||&|;|*"},
        {"", ""},
        {"'open", NULL},
        {"\"open\\\"", NULL},
        {"end\\", NULL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf words = {0};
        size_t n = 0;
        bool is_fine = ql_aws_split_words(ql_str_from(CASES[i].text), &words, &n);
        assert_int_equal(is_fine, CASES[i].words != NULL);
        if (is_fine) {
            size_t n_ends = 0;
            for (size_t j = 0; j < words.len; j++) {
                n_ends += words.ptr[j] == '\0';
                words.ptr[j] = words.ptr[j] != '\0' ? words.ptr[j] : '|';
            }
            assert_int_equal(n, n_ends);
            words.len -= words.len != 0;
            assert_str_equal(ql_buf_view(&words), CASES[i].words);
        }
        ql_buf_fini(&words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_names_and_comments_are_those_of_the_aws_cli),
        cmocka_unit_test(nested_properties_are_the_text_of_one_value),
        cmocka_unit_test(default_in_capitals_is_the_fallback_of_every_section),
        cmocka_unit_test(profiles_are_found_by_their_words),
        cmocka_unit_test(what_the_aws_cli_refuses_is_refused_by_line),
        cmocka_unit_test(words_are_those_of_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
