/* What the check says is held against the keys themselves: all windows of some years are rendered and compared. */
#include "support/test.h"

#include "base/mem.h"
#include "store/store.h"

#include <stdlib.h>

static const int64_t HOUR_US = 3600 * QL_US_PER_S;

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether any two of n windows from 2023-01-01 local time on get one key. */
static bool have_double(const char *template, int64_t step_us, const struct ql_tz *tz, int n) {
    char **keys = ql_mem_zalloc((size_t)n, sizeof *keys);
    int64_t at_us = INT64_C(1672531200) * QL_US_PER_S;
    at_us -= tz != NULL ? ql_tz_offset_at(tz, at_us) * QL_US_PER_S : 0;
    for (int i = 0; i < n; i++) {
        struct ql_key_values values = {.start_us = at_us, .end_us = at_us + step_us, .tz = tz, .export_id = QL_STR("x")};
        struct ql_buf key = {0};
        assert_ok(ql_key_render(ql_str_from(template), &values, &key, err));
        keys[i] = ql_buf_take(&key);
        at_us += step_us;
    }
    qsort(keys, (size_t)n, sizeof *keys, by_text);
    bool is_double = false;
    for (int i = 0; i < n; i++) {
        is_double = is_double || (i > 0 && strcmp(keys[i - 1], keys[i]) == 0);
    }
    for (int i = 0; i < n; i++) {
        ql_mem_free(keys[i]);
    }
    ql_mem_free(keys);
    return is_double;
}

struct a_case {
    const char *template;
    int64_t step_us;
    const char *missing; /* part of the message; NULL: fine */
};

static void check_case(const struct a_case *c, const struct ql_tz *tz) {
    struct ql_err told = {0};
    enum ql_status status = ql_key_distinguishes(ql_str_from(c->template), c->step_us, tz, &told);
    if ((status == QL_OK) != (c->missing == NULL) || (c->missing != NULL && strstr(told.message, c->missing) == NULL)) {
        fail_msg("%s by %lld s: '%s'", c->template, (long long)(c->step_us / QL_US_PER_S), told.message);
    }
    if (status != QL_OK) {
        assert_int_equal(status, QL_E_CONFIG);
        assert_non_null(strstr(told.message, "would send two windows to one key"));
    }
    int64_t n = 3 * 366 * 24 * HOUR_US / c->step_us;
    bool is_double = have_double(c->template, c->step_us, tz, n > 4000 ? 60000 : (int)n);
    if (is_double == (c->missing == NULL)) {
        fail_msg("%s by %lld s: the keys say otherwise", c->template, (long long)(c->step_us / QL_US_PER_S));
    }
}

static void keys_in_utc(void **state) {
    (void)state;
    const struct a_case cases[] = {
        {"{start:%Y-%m-%d}.parquet", 24 * HOUR_US, NULL},
        {"{start:%Y/%j}", 24 * HOUR_US, NULL},
        {"date={start:%F}/x", 24 * HOUR_US, NULL},
        {"{start:%Y}/{start:%m}/{start:%d}", 24 * HOUR_US, NULL},
        {"{end:%F}", 24 * HOUR_US, NULL},
        {"{start}", 24 * HOUR_US, NULL},
        {"{start}", HOUR_US / 2, NULL},
        {"fixed.parquet", 24 * HOUR_US, "{start} says no year"},
        {"{start:%m-%d}", 24 * HOUR_US, "{start} says no year"},
        {"{start:%Y-%d}", 24 * HOUR_US, "{start} says no month"},
        {"{start:%Y-%m}", 24 * HOUR_US, "{start} says no day"},
        {"{start:%%Y-%m-%d}", 24 * HOUR_US, "{start} says no year"},
        {"{start:%F}", 12 * HOUR_US, "{start} says no hour"},
        {"{start:%F}T{start:%H}", HOUR_US, NULL},
        {"{start:%FT%H}", 3 * HOUR_US / 2, NULL},
        {"{start:%FT%H}", HOUR_US / 2, "{start} says no minute"},
        {"{start:%FT%H%M}", HOUR_US / 2, NULL},
        {"{start:%FT%M}", HOUR_US / 2, "{start} says no hour"},
        {"{start:%Y-%m}/{end:%d}", 24 * HOUR_US, "{start} says no day"}, /* though it happens to work but for one day */
        {"{start:%Y-%m}", 31 * 24 * HOUR_US, NULL},
        {"{start:%Y}", 31 * 24 * HOUR_US, "{start} says no month"},
        {"{start:%Y}", 366 * 24 * HOUR_US, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strstr(cases[i].template, "/{end:%d}") != NULL) {
            assert_int_equal(ql_key_distinguishes(ql_str_from(cases[i].template), cases[i].step_us, NULL, NULL), QL_E_CONFIG);
        } else {
            check_case(&cases[i], NULL);
        }
    }
    assert_ok(ql_key_distinguishes(QL_STR("part-{export_id}"), HOUR_US, NULL, err));
    assert_ok(ql_key_distinguishes(QL_STR("{sha256}"), HOUR_US, NULL, err));
    assert_int_equal(ql_key_distinguishes(QL_STR("{now}-{org}-{layout}"), HOUR_US, NULL, NULL), QL_E_CONFIG);
    assert_int_equal(ql_key_distinguishes(QL_STR("{start"), HOUR_US, NULL, NULL), QL_E_CONFIG);
    assert_int_equal(ql_key_distinguishes(QL_STR("{start:%FT%H%M%S}"), QL_US_PER_S, NULL, NULL), QL_OK);
}

static void keys_in_a_zone_that_sets_its_clocks(void **state) {
    (void)state;
    struct ql_tz *madrid = NULL;
    struct ql_tz *kolkata = NULL;
    assert_ok(ql_tz_open(QL_STR("Europe/Madrid"), &madrid, err));
    assert_ok(ql_tz_open(QL_STR("Asia/Kolkata"), &kolkata, err));
    const struct a_case in_madrid[] = {
        {"{start:%FT%H%M}", HOUR_US / 2, "the hour that the time zone repeats"},
        {"{start:%FT%H}", HOUR_US, "the hour that the time zone repeats"},
        {"{start}", HOUR_US / 2, NULL},
    };
    for (size_t i = 0; i < sizeof in_madrid / sizeof in_madrid[0]; i++) {
        check_case(&in_madrid[i], madrid);
    }
    /* Days are those of the zone: windows from midnight to midnight, not of 24 hours. */
    assert_ok(ql_key_distinguishes(QL_STR("{start:%F}"), 24 * HOUR_US, madrid, err));
    check_case(&(struct a_case){"{start:%FT%H%M}", HOUR_US / 2, NULL}, kolkata);
    ql_tz_free(madrid);
    ql_tz_free(kolkata);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_in_utc),
        cmocka_unit_test(keys_in_a_zone_that_sets_its_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
