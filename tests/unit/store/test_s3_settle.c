/* Uploads of which nobody has told us for certain how they ended: what is said must be what is there. */
#include "s3_model.h"

static void a_second_try_with_another_sum_is_a_failure(void **state) {
    struct ql_s3_options options = some_options();
    options.checksum = QL_CHECKSUM_CRC32C;
    fault(OP_PUT, LOST, 1, 1);
    fault_later(OP_PUT, OTHER_SUM, 2, 2);
    struct result result = upload(state, options, QL_IF_EXISTS_REPLACE, SMALL);
    assert_int_equal(result.status, QL_E_PROTOCOL);
    assert_non_null(strstr(result.err.message, "is stored, but"));
}

static void an_upload_that_is_still_there_was_not_ended(void **state) {
    fault(OP_PART, REFUSED_403, 2, 99);
    fault(OP_ABORT, SILENT_204, 1, 99);
    struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, LARGE);
    assert_int_equal(result.status, QL_E_S3_DENIED);
    assert_int_equal(n_unfinished(), 1);
    assert_int_equal(n_notes(), 1);
    assert_non_null(strstr(result.warning, "could not be ended"));
    s3.faults[OP_ABORT].last = s3.counts[OP_ABORT] + 2; /* the last of the three is the one that does it */
    result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, SMALL);
    ASSERT_STORED(result, SMALL);
    assert_nothing_left();
}

static void one_put_is_not_stored_twice_where_looking_is_not_allowed(void **state) {
    for (enum ql_if_exists mode = QL_IF_EXISTS_SKIP; mode <= QL_IF_EXISTS_VERSION; mode++) {
        s3_clear();
        fault(OP_PUT, LOST, 1, 1);
        fault(OP_HEAD, REFUSED_403, 1, 99);
        struct result result = upload(state, some_options(), mode, SMALL);
        assert_int_equal(result.status, QL_E_S3_DENIED);
        assert_non_null(strstr(result.err.message, "cannot be told"));
        assert_non_null(strstr(result.err.hint, "s3:GetObject"));
        assert_int_equal(s3.counts[OP_PUT], 2);
    }
}

static void what_exists_but_is_not_there_is_no_success(void **state) {
    for (enum ql_if_exists mode = QL_IF_EXISTS_SKIP; mode <= QL_IF_EXISTS_VERSION; mode++) {
        for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
            s3_clear();
            fault(size == SMALL ? OP_PUT : OP_JOIN, GONE_412, 1, 1);
            struct result result = upload(state, some_options(), mode, size);
            assert_int_equal(result.status, QL_E_SERVER);
            assert_non_null(strstr(result.err.hint, "run again"));
            assert_nothing_left();
        }
    }
}

static void a_stop_while_the_answer_is_waited_for_is_settled(void **state) {
    for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
        enum op op = size == SMALL ? OP_PUT : OP_JOIN;
        s3_clear();
        fault(op, STOPPED, 1, 99);
        struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, size);
        ASSERT_STORED(result, size);
        assert_nothing_left();
        s3_clear(); /* and where it cannot be seen, that is said */
        fault(op, STOPPED, 1, 99);
        fault(OP_HEAD, REFUSED_403, 2, 99);
        result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, size);
        assert_int_equal(result.status, QL_E_CANCELLED);
        assert_non_null(strstr(result.err.hint, "may be stored all the same"));
    }
}

/* S3 may take the end of an upload for some time after its parts were joined. */
static void an_upload_that_was_ended_may_have_been_joined(void **state) {
    fault(OP_JOIN, LINGERS, 1, 99);
    struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, LARGE);
    ASSERT_STORED(result, LARGE);
    assert_nothing_left();
}

/* Another machine is at work on the same key, and has not sent a part yet. */
static void anothers_upload_is_not_taken_for_our_own_lost_one(void **state) {
    s3.n_uploads = 1;
    s3.uploads[0].exists = true;
    s3.uploads[0].begun_us = ql_time_now() - INT64_C(1800) * QL_US_PER_S;
    fault(OP_CREATE, LOST, 1, 1);
    struct result result = upload(state, some_options(), QL_IF_EXISTS_REPLACE, LARGE);
    ASSERT_STORED(result, LARGE);
    assert_true(s3.uploads[0].exists);
    assert_int_equal(s3.n_uploads, 3);
    assert_int_equal(n_unfinished(), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UPLOAD_TEST(a_second_try_with_another_sum_is_a_failure),
        UPLOAD_TEST(an_upload_that_is_still_there_was_not_ended),
        UPLOAD_TEST(one_put_is_not_stored_twice_where_looking_is_not_allowed),
        UPLOAD_TEST(what_exists_but_is_not_there_is_no_success),
        UPLOAD_TEST(a_stop_while_the_answer_is_waited_for_is_settled),
        UPLOAD_TEST(an_upload_that_was_ended_may_have_been_joined),
        UPLOAD_TEST(anothers_upload_is_not_taken_for_our_own_lost_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
