/* Verification finds every bit that turns over in a page, its header or the page index, and every byte that is missing. */
#include "parquet_maker.h"

#include "hash/hash.h"
#include "inspect/inspect.h"

enum { N_KINDS = 12, N_FLIPPED = 6 }; /* 6: each codec with each kind of encodings */

/* The number of problems, or -1 where the footer itself was refused. */
static int64_t verify(const char *ptr, size_t len, struct ql_verify_report *report) {
    struct maker_bytes bytes = {.ptr = ptr, .len = len};
    struct ql_parquet_input input = maker_input(&bytes);
    struct ql_parquet_file file;
    struct ql_err problem = {0};
    int64_t result = -1;
    if (ql_parquet_file_read(&input, &file, &problem) == QL_OK) {
        assert_ok(ql_verify(&input, &file, NULL, report, err));
        if (report->n_problems != 0) {
            assert_int_equal(ql_verify_fail(report, &file, &problem), QL_E_DATA);
            assert_true(problem.message[0] != '\0');
        }
        result = report->n_problems;
    } else {
        assert_true(problem.status == QL_E_DATA || problem.status == QL_E_LIMIT);
        assert_true(problem.message[0] != '\0');
    }
    ql_parquet_file_fini(&file);
    return result;
}

static int64_t footer_offset(const struct ql_buf *file) {
    uint32_t len = 0;
    memcpy(&len, file->ptr + file->len - 8, sizeof len);
    return (int64_t)file->len - 8 - len;
}

static void a_good_file_is_good(void **state) {
    (void)state;
    struct ql_verify_report *report = ql_mem_zalloc(1, sizeof *report);
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        struct ql_buf file = {0};
        maker_file(kind, &file);
        if (verify(file.ptr, file.len, report) != 0) {
            fail_msg("kind %u: %s", kind, report->problems[0].message);
        }
        uint8_t digest[QL_SHA256_SIZE];
        char hex[QL_SHA256_HEX_SIZE];
        ql_sha256_of(file.ptr, file.len, digest);
        ql_hex(digest, sizeof digest, hex);
        assert_string_equal(report->sha256, hex);
        assert_int_equal(report->n_values, 2 * MAKER_COLUMNS * MAKER_ROWS);
        assert_int_equal(report->n_bytes_unknown, 0);
        assert_int_equal(report->n_pages_without_crc, 0);
        ql_buf_fini(&file);
    }
    ql_mem_free(report);
}

/* false in a list of bools: 2, and 0 where a writer follows an earlier specification. */
static bool is_the_same_bool(unsigned char before, unsigned char after) {
    return before == 2 && after == 0;
}

static void every_bit_of_pages_and_indexes_counts(void **state) {
    (void)state;
    size_t n_missed = 0;
    struct ql_verify_report *report = ql_mem_zalloc(1, sizeof *report);
    for (unsigned kind = 0; kind < N_FLIPPED; kind++) {
        struct ql_buf file = {0};
        maker_file(kind, &file);
        int64_t end = footer_offset(&file);
        for (int64_t at = 0; at < end; at++) {
            unsigned bit = (unsigned)(at * 5 + kind) % 8; /* one of each byte: all of some bytes in turn */
            file.ptr[at] ^= (char)(1U << bit);
            bool is_same = is_the_same_bool((unsigned char)(file.ptr[at] ^ (char)(1U << bit)), (unsigned char)file.ptr[at]);
            if (verify(file.ptr, file.len, report) == 0 && !is_same) {
                print_error("kind %u: bit %u of byte %lld turned over, and nothing was found\n", kind, bit, (long long)at);
                n_missed++;
            }
            file.ptr[at] ^= (char)(1U << bit);
        }
        ql_buf_fini(&file);
    }
    ql_mem_free(report);
    assert_int_equal(n_missed, 0);
}

/* Of the footer: what is said once only (created_by, values of keys, names of keys) cannot be found out. */
static void bits_of_the_footer_never_crash_and_mostly_count(void **state) {
    (void)state;
    struct ql_verify_report *report = ql_mem_zalloc(1, sizeof *report);
    size_t n_found = 0;
    size_t n_tried = 0;
    for (unsigned kind = 0; kind < N_FLIPPED; kind++) {
        struct ql_buf file = {0};
        maker_file(kind, &file);
        for (size_t at = (size_t)footer_offset(&file); at < file.len; at += 2) {
            unsigned bit = (unsigned)(at * 3 + kind) % 8;
            file.ptr[at] ^= (char)(1U << bit);
            n_found += verify(file.ptr, file.len, report) != 0;
            n_tried++;
            file.ptr[at] ^= (char)(1U << bit);
        }
        ql_buf_fini(&file);
    }
    ql_mem_free(report);
    if (n_found * 100 < n_tried * 80) {
        fail_msg("%zu of %zu bits of footers were found", n_found, n_tried);
    }
}

static void a_file_cut_anywhere_is_refused(void **state) {
    (void)state;
    struct ql_verify_report *report = ql_mem_zalloc(1, sizeof *report);
    struct ql_buf file = {0};
    maker_file(3, &file);
    for (size_t len = 0; len < file.len; len++) {
        char *exact = malloc(len + (len == 0));
        memcpy(exact, file.ptr, len);
        assert_int_equal(verify(exact, len, report), -1);
        free(exact);
    }
    ql_buf_putc(&file, '\0');
    assert_int_equal(verify(file.ptr, file.len, report), -1);
    ql_buf_fini(&file);
    ql_mem_free(report);
}

/* Bytes behind the pages that nothing mentions: the footer is moved on by them. */
static void bytes_that_belong_to_nothing_are_found(void **state) {
    (void)state;
    struct ql_verify_report *report = ql_mem_zalloc(1, sizeof *report);
    struct ql_buf file = {0};
    struct ql_buf padded = {0};
    maker_file(2, &file);
    size_t end = (size_t)footer_offset(&file);
    ql_buf_put(&padded, file.ptr, end);
    ql_buf_puts(&padded, "stowaway");
    ql_buf_put(&padded, file.ptr + end, file.len - end);
    assert_int_equal(verify(padded.ptr, padded.len, report), 1);
    assert_int_equal(report->n_bytes_unknown, 8);
    assert_int_equal(report->problems[0].offset, (int64_t)end);
    ql_buf_fini(&file);
    ql_buf_fini(&padded);
    ql_mem_free(report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_good),
        cmocka_unit_test(every_bit_of_pages_and_indexes_counts),
        cmocka_unit_test(bits_of_the_footer_never_crash_and_mostly_count),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(bytes_that_belong_to_nothing_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
