/* Categories as UnicodeData.txt has them. */
#include "support/test.h"

#include "base/category.h"

static void code_points_come_one_by_one(void **state) {
    (void)state;
    struct ql_str text = QL_STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    static const uint32_t EXPECTED[] = {'a', 0xe9, 0x20ac, 0x1f600};
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t code_point = 0;
        size_t len = ql_utf8_next(text, at, &code_point);
        assert_int_equal(len, i + 1);
        assert_int_equal(code_point, EXPECTED[i]);
        at += len;
    }
    uint32_t code_point = 7;
    assert_int_equal(ql_utf8_next(text, at, &code_point), 0);
    assert_int_equal(ql_utf8_next((struct ql_str){0}, 0, &code_point), 0);
    assert_int_equal(ql_utf8_next(QL_STR("\xff"), 0, &code_point), 0);
    assert_int_equal(ql_utf8_next(QL_STR("\xe2\x82"), 0, &code_point), 0);     /* cut */
    assert_int_equal(ql_utf8_next(QL_STR("\xed\xa0\x80"), 0, &code_point), 0); /* a surrogate */
    assert_int_equal(ql_utf8_next(QL_STR("\xc0\x80"), 0, &code_point), 0);     /* overlong */
    assert_int_equal(code_point, 7);
}

static void letters_marks_numbers_and_separators_are_wordlike(void **state) {
    (void)state;
    static const uint32_t YES[] = {'a', 'Z', '7', ' ', 0xe9, 0x0301, 0x0915, 0x093f, 0x4e2d, 0xbd, 0xa0, 0x2028};
    static const uint32_t NO[] = {0, '\n', '!', '_', 0x85, 0x20ac, 0x1f600, 0xfffe, 0xd800, 0x110000};
    for (size_t i = 0; i < sizeof YES / sizeof YES[0]; i++) {
        if (!ql_unicode_is_wordlike(YES[i])) {
            fail_msg("U+%04X", YES[i]);
        }
    }
    for (size_t i = 0; i < sizeof NO / sizeof NO[0]; i++) {
        if (ql_unicode_is_wordlike(NO[i])) {
            fail_msg("U+%04X", NO[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_points_come_one_by_one),
        cmocka_unit_test(letters_marks_numbers_and_separators_are_wordlike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
