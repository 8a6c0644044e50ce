/* Well-formedness by the Unicode Standard's table 3-7, safe names by Python's unicodedata, both apart from this code. */
#include "support/test.h"

#include "base/mem.h"
#include "base/unicode.h"

/* The definition by code points, as RFC 3629 gives it: decode, then look at the value. */
static bool is_well_formed(const unsigned char *s, size_t n) {
    uint32_t value = n == 1 ? s[0] : (uint32_t)(s[0] & (0xFF >> (n + 1)));
    for (size_t i = 1; i < n; i++) {
        if (s[i] >> 6 != 2) {
            return false;
        }
        value = value << 6 | (s[i] & 0x3Fu);
    }
    static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    return value >= SMALLEST[n] && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
}

static size_t announced(unsigned char first) {
    return first < 0x80                    ? 1
           : first >= 0xC0 && first < 0xE0 ? 2
           : first >= 0xE0 && first < 0xF0 ? 3
           : first >= 0xF0 && first < 0xF8 ? 4
                                           : 0;
}

static void every_sequence_of_up_to_three_bytes_is_judged_rightly(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 0x1000000; bits++) {
        const unsigned char s[3] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8), (unsigned char)bits};
        size_t n = announced(s[0]);
        size_t len = n == 0 ? 1 : n > 3 ? 3 : n;
        bool is_valid = n != 0 && n <= 3 && is_well_formed(s, n);
        struct ql_str text = {.ptr = (const char *)s, .len = len};
        if (ql_utf8_is_valid(text) != is_valid) {
            fail_msg("%02x %02x %02x", s[0], s[1], s[2]);
        }
    }
}

static void four_byte_sequences_are_judged_rightly(void **state) {
    (void)state;
    static const unsigned char EDGES[] = {0x00, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    for (unsigned first = 0xF0; first <= 0xFF; first++) {
        for (unsigned second = 0; second < 256; second++) {
            for (size_t i = 0; i < sizeof EDGES * sizeof EDGES; i++) {
                const unsigned char s[4] = {(unsigned char)first, (unsigned char)second, EDGES[i / sizeof EDGES],
                                            EDGES[i % sizeof EDGES]};
                bool is_valid = announced(s[0]) == 4 && is_well_formed(s, 4);
                assert_int_equal(ql_utf8_is_valid((struct ql_str){.ptr = (const char *)s, .len = 4}), is_valid);
            }
        }
    }
}

static void the_valid_prefix_ends_where_the_fault_begins(void **state) {
    (void)state;
    /* A fault at every place of texts long enough for the eight-byte stride, each in memory that ends with the text. */
    for (size_t len = 1; len < 40; len++) {
        for (size_t at = 0; at < len; at++) {
            char *text = ql_mem_alloc(len);
            memset(text, 'x', len);
            text[at] = (char)0xFF;
            assert_int_equal(ql_utf8_valid_len((struct ql_str){.ptr = text, .len = len}), at);
            text[at] = (char)0xC3; /* cut, or followed by what continues nothing */
            assert_int_equal(ql_utf8_valid_len((struct ql_str){.ptr = text, .len = len}), at);
            ql_mem_free(text);
        }
    }
    assert_int_equal(ql_utf8_valid_len(QL_STR("ab\xE2\x82\xAC\xE2\x82")), 5);
    assert_int_equal(ql_utf8_valid_len(QL_STR("")), 0);
    assert_true(ql_utf8_is_valid(QL_STR("a\0b")));
}

static void code_points_are_put_as_utf8(void **state) {
    (void)state;
    const struct {
        uint32_t code_point;
        const char *text;
    } cases[] = {{'a', "a"},
                 {0x7F, "\x7F"},
                 {0x80, "\xC2\x80"},
                 {0xE9, "\xC3\xA9"},
                 {0x7FF, "\xDF\xBF"},
                 {0x800, "\xE0\xA0\x80"},
                 {0x20AC, "\xE2\x82\xAC"},
                 {0xFFFF, "\xEF\xBF\xBF"},
                 {0x10000, "\xF0\x90\x80\x80"},
                 {0x1F600, "\xF0\x9F\x98\x80"},
                 {0x10FFFF, "\xF4\x8F\xBF\xBF"},
                 {0x110000, "\xEF\xBF\xBD"},
                 {0xD800, "\xEF\xBF\xBD"},
                 {0xDFFF, "\xEF\xBF\xBD"},
                 {UINT32_MAX, "\xEF\xBF\xBD"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ql_buf buf = {0};
        ql_utf8_put(&buf, cases[i].code_point);
        assert_str_equal(ql_buf_view(&buf), cases[i].text);
        ql_buf_fini(&buf);
    }
}

static void safe_names_are_ascii(void **state) {
    (void)state;
    const struct {
        const char *name, *safe;
        bool is_whole;
    } cases[] = {
        {"Support", "support", true},
        {"  Ventas Espa\xC3\xB1"
         "a -- 24/7 ",
         "ventas_espana_24_7", true},
        {"Atenci\xC3\xB3n_al Cliente", "atencion_al_cliente", true},
        {"Stra\xC3\x9F"
         "e",
         "stra_e", false},
        {"\xC3\x98rsted", "rsted", false},
        {"\xE6\x97\xA5\xE6\x9C\xAC", "", false},
        {"Kass\xC3\xA9 \xE2\x84\x96"
         "5",
         "kasse_no5", true},
        {"\xC2\xBD Team", "1_2_team", true},
        {"\xEF\xAC\x81nance", "finance", true},
        {"\xEF\xBC\xB4\xEF\xBD\x85\xEF\xBD\x93\xEF\xBD\x94", "test", true},
        {"\xE2\x91\xA0\xE2\x91\xA1", "12", true},
        {"__a__", "a", true},
        {"", "", false},
        {"---", "", false},
        {"\xCC\x81", "", false},
        {"caf\xC3\xA9\xCC\x81 x", "cafe_x", true},
        {"\xC4\xB0stanbul", "istanbul", true},
        {"kaput\xE2\x80\xA8z", "kaput_z", true},
        {"\xEF\xB7\xBA", "", false},
        {"\xE0\xA4\x95\xE0\xA5\x8D\xE0\xA4\xB7\xE0\xA4\xBF 1", "1", false},
        {"\xE2\x85\xA3-team", "iv_team", true},
        {"E=mc\xC2\xB2", "e_mc2", true},
        {"\xED\x95\x9C\xEA\xB5\xAD 1", "1", false},
        {"\xF0\x9D\x94\x98nicode", "unicode", true},
        {"a\xC2\xAD"
         "b",
         "a_b", true},
        {"\xCA\xBCokina", "okina", false},
        {"\xF0\x9F\x98\x80 smile", "smile", true},
        {"Ti\xE1\xBA\xBFng Vi\xE1\xBB\x87t", "tieng_viet", true},
        {"x\xCC\x81-\xCC\x81y", "x_y", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ql_buf buf = {0};
        ql_buf_puts(&buf, "calls_"); /* appended to what is there, whose '_' joins nothing */
        bool is_whole = ql_unicode_safe_name(ql_str_from(cases[i].name), &buf);
        struct ql_str safe = {.ptr = buf.ptr + 6, .len = buf.len - 6};
        if (is_whole != cases[i].is_whole || !ql_str_eq(safe, ql_str_from(cases[i].safe))) {
            fail_msg("'%s' gave '%.*s', %d", cases[i].name, QL_STR_ARG(safe), is_whole);
        }
        ql_buf_fini(&buf);
    }
}

static void a_name_that_is_not_utf8_still_ends(void **state) {
    (void)state;
    struct ql_buf buf = {0};
    assert_false(ql_unicode_safe_name(QL_STR("a\xFF"
                                             "b\xC3"),
                                      &buf));
    assert_str_equal(ql_buf_view(&buf), "a_b");
    ql_buf_fini(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_of_up_to_three_bytes_is_judged_rightly),
        cmocka_unit_test(four_byte_sequences_are_judged_rightly),
        cmocka_unit_test(the_valid_prefix_ends_where_the_fault_begins),
        cmocka_unit_test(code_points_are_put_as_utf8),
        cmocka_unit_test(safe_names_are_ascii),
        cmocka_unit_test(a_name_that_is_not_utf8_still_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
