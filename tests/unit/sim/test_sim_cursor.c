/* A cursor comes back as the place it was made of, for its own key alone. */
#include "support/test.h"

#include "sim/cursor.h"
#include "sim/prng.h"

static void a_cursor_comes_back(void **state) {
    struct ql_sim_prng prng = ql_sim_prng_for(1, 2, 3, 4);
    size_t n_escaped = 0;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint64_t key = ql_sim_prng_next(&prng);
        struct ql_sim_place place = {ql_sim_prng_below(&prng, 100000), ql_sim_prng_below(&prng, 100000)};
        struct ql_sim_place back;
        struct ql_buf text = {0};
        ql_sim_cursor_put(key, place, &text);
        assert_true(ql_sim_cursor_parse(key, ql_buf_view(&text), &back));
        assert_int_equal(back.group, place.group);
        assert_int_equal(back.bucket, place.bucket);
        assert_false(ql_sim_cursor_parse(key + 1, ql_buf_view(&text), &back));
        n_escaped += strpbrk(ql_buf_text(&text), "+/") != NULL ? 1 : 0;
        text.ptr[ql_sim_prng_below(&prng, (uint32_t)text.len - 4)] ^= 1; /* the end is padding */
        assert_false(ql_sim_cursor_parse(key, ql_buf_view(&text), &back));
        ql_buf_fini(&text);
    }
    assert_true(n_escaped > 500);
}

static void what_is_no_cursor(void **state) {
    static const char *const TEXTS[] = {"",
                                        "x",
                                        "AAAA",
                                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                        "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!==",
                                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct ql_sim_place place;
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        assert_false(ql_sim_cursor_parse(7, ql_str_from(TEXTS[i]), &place));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_cursor_comes_back), cmocka_unit_test(what_is_no_cursor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
