/* Whole uploads against S3 as a model: what is visible afterwards, and what is left behind. */
#include "s3_model.h"

/* ---- lost answers ---- */

static void a_lost_answer_is_no_lost_object(void **state) {
    static const enum op OPS[] = {OP_HEAD, OP_CREATE, OP_PART, OP_JOIN, OP_PUT};
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++) {
        for (enum ql_if_exists mode = QL_IF_EXISTS_REPLACE; mode <= QL_IF_EXISTS_VERSION; mode++) {
            size_t size = OPS[i] == OP_PUT ? SMALL : LARGE;
            s3_clear();
            fault(OPS[i], LOST, 1, 1);
            struct result result = upload(state, some_options(), mode, size);
            ASSERT_STORED(result, size);
            assert_true(result.stored.how == QL_STORED_NEW || OPS[i] == OP_PUT);
            assert_nothing_left();
        }
    }
}

static void joined_parts_are_found_again_although_every_answer_is_lost(void **state) {
    fault(OP_JOIN, LOST, 1, 99); /* and so no upload can be ended either: it is over */
    struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, LARGE);
    ASSERT_STORED(result, LARGE);
    assert_string_equal(result.stored.etag, "\"head\"");
    assert_nothing_left();
}

static void one_put_is_found_again_although_every_answer_is_lost(void **state) {
    for (enum ql_if_exists mode = QL_IF_EXISTS_REPLACE; mode <= QL_IF_EXISTS_VERSION; mode++) {
        s3_clear();
        fault(OP_PUT, mode == QL_IF_EXISTS_FAIL ? LOST_BEHIND_200 : LOST, 1, 99);
        struct result result = upload(state, some_options(), mode, SMALL);
        ASSERT_STORED(result, SMALL);
        assert_string_equal(result.stored.etag, "\"head\"");
        assert_int_equal(s3.counts[OP_HEAD], 2);
    }
}

static void only_s3_says_that_an_upload_is_gone(void **state) {
    static const enum fault_kind KINDS[] = {OTHERS_404, NO_BUCKET_404};
    for (size_t i = 0; i < 2; i++) {
        s3_clear();
        fault(OP_JOIN, KINDS[i], 1, 99);
        struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, LARGE);
        assert_int_equal(result.status, KINDS[i] == NO_BUCKET_404 ? QL_E_NO_BUCKET : QL_E_S3);
        assert_nothing_left();
    }
    s3_clear();
    fault(OP_JOIN, REFUSED_403, 1, 99);
    fault(OP_ABORT, OTHERS_404, 1, 99);
    struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, LARGE);
    assert_int_equal(result.status, QL_E_S3_DENIED);
    assert_int_equal(result.n_warnings, 1);
    assert_int_equal(n_unfinished(), 1);
    assert_int_equal(n_notes(), 1);
    s3.faults[OP_ABORT].kind = s3.faults[OP_JOIN].kind = NO_FAULT;
    result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, SMALL);
    ASSERT_STORED(result, SMALL);
    assert_nothing_left();
}

static void only_an_etag_says_that_an_object_is_there(void **state) {
    for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
        s3_clear();
        fault(OP_HEAD, OTHERS_200, 1, 99);
        struct result result = upload(state, some_options(), QL_IF_EXISTS_SKIP, size);
        assert_int_equal(result.status, QL_E_PROTOCOL);
        assert_nothing_left();
    }
}

static void what_was_lost_for_good_is_told_as_not_known(void **state) {
    for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
        s3_clear();
        fault(size == SMALL ? OP_PUT : OP_JOIN, LOST, 1, 99);
        fault(OP_HEAD, REFUSED_403, 2, 99);
        struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, size);
        assert_int_equal(result.status, QL_E_NETWORK);
        assert_non_null(strstr(result.err.hint, "may be stored all the same"));
    }
}

static void who_may_not_look_is_told_what_to_grant(void **state) {
    fault(OP_JOIN, LOST, 1, 1);
    fault(OP_HEAD, REFUSED_403, 1, 99);
    struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, LARGE);
    assert_int_equal(result.status, QL_E_S3_DENIED);
    assert_non_null(strstr(result.err.message, "cannot be told"));
    assert_non_null(strstr(result.err.hint, "s3:GetObject"));
}

static void who_may_only_write_can_write(void **state) {
    for (enum ql_if_exists mode = QL_IF_EXISTS_REPLACE; mode <= QL_IF_EXISTS_VERSION; mode++) {
        for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
            s3_clear();
            fault(OP_HEAD, REFUSED_403, 1, 99);
            struct result result = upload(state, some_options(), mode, size);
            ASSERT_STORED(result, size);
        }
    }
}

/* ---- failures ---- */

static void a_failure_that_stays_leaves_nothing(void **state) {
    static const enum op OPS[] = {OP_CREATE, OP_PART, OP_JOIN};
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++) {
        for (enum fault_kind kind = ERROR_500; kind <= REFUSED_403; kind++) {
            s3_clear();
            fault(OPS[i], kind, OPS[i] == OP_PART ? 2 : 1, 99);
            struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, LARGE);
            assert_int_equal(result.status, kind == ERROR_500 ? QL_E_SERVER : QL_E_S3_DENIED);
            assert_false(s3.has_object);
            assert_int_equal(result.n_warnings, 0);
            assert_nothing_left();
        }
    }
}

static void an_upload_that_cannot_be_ended_stays_noted_until_the_next(void **state) {
    fault(OP_PART, REFUSED_403, 2, 99);
    fault(OP_ABORT, ERROR_500, 1, 3);
    struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, LARGE);
    assert_int_equal(result.status, QL_E_S3_DENIED);
    assert_int_equal(n_unfinished(), 1);
    assert_int_equal(n_notes(), 1);
    assert_int_equal(result.n_warnings, 1);
    assert_non_null(strstr(result.warning, "could not be ended"));
    result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, SMALL);
    ASSERT_STORED(result, SMALL);
    assert_nothing_left();
}

static void a_part_that_arrived_as_something_else_is_a_failure(void **state) {
    struct ql_s3_options options = some_options();
    options.checksum = QL_CHECKSUM_CRC32C;
    fault(OP_PART, OTHER_SUM, 2, 2);
    struct result result = upload(state, options, QL_IF_EXISTS_REPLACE, LARGE);
    assert_int_equal(result.status, QL_E_PROTOCOL);
    assert_non_null(strstr(result.err.message, "CRC32C"));
    assert_false(s3.has_object);
    assert_nothing_left();
    /* The parts are right, and the whole is not what they should be. */
    result = upload(state, options, QL_IF_EXISTS_REPLACE, LARGE);
    assert_int_equal(result.status, QL_E_PROTOCOL);
    assert_non_null(strstr(result.err.message, "joined the parts"));
    s3_clear();
    fault(OP_PUT, OTHER_SUM, 1, 1);
    result = upload(state, options, QL_IF_EXISTS_REPLACE, SMALL);
    assert_int_equal(result.status, QL_E_PROTOCOL);
}

/* ---- conditions ---- */

static void what_appears_meanwhile_is_met(void **state) {
    for (enum ql_if_exists mode = QL_IF_EXISTS_SKIP; mode <= QL_IF_EXISTS_VERSION; mode++) {
        for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
            s3_clear();
            fault(size == SMALL ? OP_PUT : OP_JOIN, RACE, 1, 1);
            struct result result = upload(state, some_options(), mode, size);
            if (mode == QL_IF_EXISTS_VERSION) { /* the model has one key: it is taken for ever */
                assert_int_equal(result.status, QL_E_EXISTS);
                assert_non_null(strstr(result.err.message, "versions already"));
            } else if (mode == QL_IF_EXISTS_SKIP) {
                assert_int_equal(result.status, QL_OK);
                assert_int_equal(result.stored.how, QL_STORED_SKIPPED);
            } else {
                assert_int_equal(result.status, QL_E_EXISTS);
            }
            assert_str_equal(ql_buf_view(&s3.object), "another's");
            assert_nothing_left();
        }
    }
}

static void a_conflict_sends_everything_anew(void **state) {
    for (enum ql_if_exists mode = QL_IF_EXISTS_SKIP; mode <= QL_IF_EXISTS_VERSION; mode++) {
        s3_clear();
        fault(OP_JOIN, CONFLICT, 1, 1);
        struct result result = upload(state, some_options(), mode, LARGE);
        ASSERT_STORED(result, LARGE);
        assert_int_equal(s3.n_uploads, 2);
        assert_int_equal(s3.counts[OP_PART], 6);
        assert_nothing_left();
    }
    s3_clear();
    fault(OP_PUT, CONFLICT, 1, 1);
    struct result result = upload(state, some_options(), QL_IF_EXISTS_FAIL, SMALL);
    ASSERT_STORED(result, SMALL);
    s3_clear();
    fault(OP_JOIN, CONFLICT, 1, 99);
    result = upload(state, some_options(), QL_IF_EXISTS_FAIL, LARGE);
    assert_int_equal(result.status, QL_E_SERVER);
    assert_nothing_left();
}

static void minios_304_means_412(void **state) {
    fault(OP_PUT, STORED_304, 1, 99);
    fault(OP_HEAD, REFUSED_403, 1, 1);
    s3.has_object = true;
    ql_buf_puts(&s3.object, "another's");
    struct result result = upload(state, some_options(), QL_IF_EXISTS_SKIP, SMALL);
    assert_int_equal(result.status, QL_OK);
    assert_int_equal(result.stored.how, QL_STORED_SKIPPED);
    assert_str_equal(ql_buf_view(&s3.object), "another's");
}

static void a_server_without_conditions_is_told(void **state) {
    fault(OP_PUT, UNKNOWN_501, 1, 99);
    struct result result = upload(state, some_options(), QL_IF_EXISTS_FAIL, SMALL);
    assert_int_equal(result.status, QL_E_S3);
    assert_non_null(strstr(result.err.hint, "If-None-Match"));
    fault(OP_JOIN, UNKNOWN_501, 1, 99);
    result = upload(state, some_options(), QL_IF_EXISTS_FAIL, LARGE);
    assert_non_null(strstr(result.err.hint, "If-None-Match"));
    assert_nothing_left();
}

/* ---- arithmetic ---- */

static void ten_thousand_parts_are_enough(void **state) {
    (void)state;
    const int64_t mib = MIB;
    assert_int_equal(ql_s3_part_size(0, -1, 1), 16 * mib);
    assert_int_equal(ql_s3_part_size(5 * mib, 50000 * mib, 1), 5 * mib);
    assert_int_equal(ql_s3_part_size(5 * mib, 50000 * mib + 1, 1), 6 * mib);
    assert_int_equal(ql_s3_part_size(16 * mib, INT64_C(5) << 40, 1), 525 * mib); /* 5 TiB / 10,000 = 524.288 MiB */
    int64_t total = 0;
    for (int n = 1; n <= QL_S3_MAX_PARTS; n++) {
        int64_t size = ql_s3_part_size(16 * mib, -1, n);
        assert_true(size >= 16 * mib && size <= INT64_C(5) << 30);
        assert_true(n > 5000 || size == 16 * mib); /* as R2 wants it */
        total += size;
    }
    assert_true(total > INT64_C(1) << 40); /* 1 TiB whose size nobody knew */
}

static void versions_stand_before_the_ending(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"a/b.parquet", "a/b.v2.parquet"}, {"b", "b.v2"},  {"a.b/c", "a.b/c.v2"}, {"x/y.tar.gz", "x/y.tar.v2.gz"},
        {"x/.hidden", "x/.hidden.v2"},     {"b.", "b.v2."}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf out = {0};
        ql_key_put_version(ql_str_from(CASES[i][0]), 2, &out);
        assert_string_equal(ql_buf_text(&out), CASES[i][1]);
        ql_buf_fini(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UPLOAD_TEST(a_lost_answer_is_no_lost_object),
        UPLOAD_TEST(joined_parts_are_found_again_although_every_answer_is_lost),
        UPLOAD_TEST(one_put_is_found_again_although_every_answer_is_lost),
        UPLOAD_TEST(only_s3_says_that_an_upload_is_gone),
        UPLOAD_TEST(only_an_etag_says_that_an_object_is_there),
        UPLOAD_TEST(what_was_lost_for_good_is_told_as_not_known),
        UPLOAD_TEST(who_may_not_look_is_told_what_to_grant),
        UPLOAD_TEST(who_may_only_write_can_write),
        UPLOAD_TEST(a_failure_that_stays_leaves_nothing),
        UPLOAD_TEST(an_upload_that_cannot_be_ended_stays_noted_until_the_next),
        UPLOAD_TEST(a_part_that_arrived_as_something_else_is_a_failure),
        UPLOAD_TEST(what_appears_meanwhile_is_met),
        UPLOAD_TEST(a_conflict_sends_everything_anew),
        UPLOAD_TEST(minios_304_means_412),
        UPLOAD_TEST(a_server_without_conditions_is_told),
        cmocka_unit_test(ten_thousand_parts_are_enough),
        cmocka_unit_test(versions_stand_before_the_ending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
