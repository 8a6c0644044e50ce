/* Where `check` draws its lines: clocks against the 15 minutes of AWS's signatures, room on disks. */
#include "support/test.h"

#include "run/check_access_internal.h"

struct heard {
    int n;
    enum ql_finding_kind kind;
    struct ql_err what;
};

static void hear(void *ctx, enum ql_finding_kind kind, const char *name, const struct ql_err *what) {
    struct heard *heard = ctx;
    assert_non_null(name);
    heard->n++;
    heard->kind = kind;
    heard->what = *what;
}

static void assert_clock(int64_t ahead_s, bool signs, enum ql_finding_kind expected, const char *words) {
    struct heard heard = {0};
    const struct ql_finding_sink sink = {.add = hear, .ctx = &heard};
    ql_judge_clock(ahead_s * QL_US_PER_S, "host.example", signs, &sink);
    assert_int_equal(heard.n, 1);
    assert_int_equal(heard.kind, expected);
    if (strstr(heard.what.message, words) == NULL || strstr(heard.what.message, "host.example") == NULL) {
        fail_msg("'%s' lacks '%s'", heard.what.message, words);
    }
    assert_int_equal(heard.what.status, expected == QL_FINDING_PROBLEM ? QL_E_S3_DENIED : QL_OK);
    assert_true((heard.what.hint[0] != '\0') == (expected != QL_FINDING_OK));
}

static void a_clock_is_judged_by_what_it_stops(void **state) {
    (void)state;
    assert_clock(0, true, QL_FINDING_OK, "agrees");
    assert_clock(59, true, QL_FINDING_OK, "agrees");
    assert_clock(-59, true, QL_FINDING_OK, "agrees");
    assert_clock(60, true, QL_FINDING_WARNING, "0 h 1 min 0 s ahead of");
    assert_clock(-899, true, QL_FINDING_WARNING, "0 h 14 min 59 s behind");
    assert_clock(899, true, QL_FINDING_WARNING, "0 h 14 min 59 s ahead of");
    assert_clock(900, true, QL_FINDING_WARNING, "15 minutes");
    assert_clock(-7384, true, QL_FINDING_WARNING, "2 h 3 min 4 s behind");
    assert_clock(-7384, false, QL_FINDING_WARNING, "behind"); /* nothing is signed on the way to a folder */
}

static void assert_room(uint64_t bytes, enum ql_finding_kind expected, const char *words) {
    struct heard heard = {0};
    const struct ql_finding_sink sink = {.add = hear, .ctx = &heard};
    ql_judge_room(bytes, "lake", "the artefact", &sink);
    assert_int_equal(heard.n, 1);
    assert_int_equal(heard.kind, expected);
    if (strstr(heard.what.message, words) == NULL) {
        fail_msg("'%s' lacks '%s'", heard.what.message, words);
    }
}

static void too_little_room_is_said(void **state) {
    (void)state;
    assert_room(0, QL_FINDING_PROBLEM, "0 bytes");
    assert_room((1u << 20) - 1, QL_FINDING_PROBLEM, "1.0 MB");
    assert_room(1u << 20, QL_FINDING_WARNING, "1.0 MB");
    assert_room((256u << 20) - 1, QL_FINDING_WARNING, "268.4 MB");
    assert_room(256u << 20, QL_FINDING_OK, "268.4 MB");
    assert_room(UINT64_C(1500000000000), QL_FINDING_OK, "1.5 TB");
    assert_room(UINT64_MAX, QL_FINDING_OK, "PB");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_is_judged_by_what_it_stops),
        cmocka_unit_test(too_little_room_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
