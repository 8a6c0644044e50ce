/* What went in comes out, wherever it waited and however it was cut; and no file is left behind. */
#include "faulty_disk.h"

static uint8_t pattern(size_t i) {
    return (uint8_t)(i * 31 + (i >> 8) * 7);
}

static void fill(struct ql_spool *spool, size_t size, size_t piece) {
    uint8_t *bytes = ql_mem_alloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = pattern(i);
    }
    for (size_t at = 0; at < size; at += piece) {
        assert_ok(ql_spool_write(spool, bytes + at, piece < size - at ? piece : size - at, err));
    }
    assert_ok(ql_spool_finish(spool, err));
    ql_mem_free(bytes);
}

static void check(struct ql_spool *spool, size_t size, size_t piece) {
    uint8_t *bytes = ql_mem_alloc(piece);
    size_t at = 0;
    for (;;) {
        size_t got = 0;
        assert_ok(ql_spool_read(spool, (int64_t)at, bytes, piece, &got, err));
        if (got == 0) {
            break;
        }
        for (size_t i = 0; i < got; i++) {
            assert_int_equal(bytes[i], pattern(at + i));
        }
        at += got;
    }
    assert_int_equal(at, size);
    ql_mem_free(bytes);
}

static void bytes_come_back_from_memory_and_from_disk(void **state) {
    (void)state;
    char folder[] = "/tmp/ql-spool-XXXXXX";
    assert_non_null(mkdtemp(folder));
    static const size_t SIZES[] = {0, 1, 999, 1000, 1001, 4096, 300000, 1000000};
    static const size_t PIECES[] = {1, 7, 1000, 65536, 1000000};
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        for (size_t j = 0; j < sizeof PIECES / sizeof PIECES[0]; j++) {
            struct ql_spool spool;
            ql_spool_init(&spool, &QL_DISK, ql_str_from(folder), 1000);
            fill(&spool, SIZES[i], PIECES[j]);
            assert_int_equal(spool.size, SIZES[i]);
            assert_int_equal(spool.file.fd >= 0, SIZES[i] > 1000);
            check(&spool, SIZES[i], 4096);
            check(&spool, SIZES[i], 4096); /* a second attempt reads them again */
            assert_int_equal(count_files(folder), 0);
            ql_spool_fini(&spool);
            ql_spool_fini(&spool);
        }
    }
    assert_int_equal(rmdir(folder), 0);
}

static void short_reads_and_writes_and_signals_do_not_matter(void **state) {
    (void)state;
    char folder[] = "/tmp/ql-spool-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct faults faults = {.max_io_bytes = 333, .interrupts = true};
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_spool spool;
    ql_spool_init(&spool, &disk, ql_str_from(folder), 1000);
    fill(&spool, 50000, 900);
    check(&spool, 50000, 4096);
    ql_spool_fini(&spool);
    assert_int_equal(rmdir(folder), 0);
}

static void without_unnamed_files_a_named_one_is_removed_at_once(void **state) {
    (void)state;
    char folder[] = "/tmp/ql-spool-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct faults faults = {.has_no_tmpfile = true};
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_spool spool;
    ql_spool_init(&spool, &disk, ql_str_from(folder), 10);
    fill(&spool, 5000, 100);
    assert_int_equal(count_files(folder), 0);
    check(&spool, 5000, 4096);
    ql_spool_fini(&spool);
    assert_int_equal(rmdir(folder), 0);
}

static void a_full_disk_is_an_error_that_names_the_folder(void **state) {
    (void)state;
    char folder[] = "/tmp/ql-spool-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct faults faults = {.fail_call = CALL_WRITE, .fail_at = 1, .errnum = ENOSPC};
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_spool spool;
    ql_spool_init(&spool, &disk, ql_str_from(folder), 10);
    struct ql_err err = {0};
    assert_int_equal(ql_spool_write(&spool, "0123456789a", 11, &err), QL_OK); /* waits in its block */
    assert_int_equal(ql_spool_finish(&spool, &err), QL_E_IO);
    assert_non_null(strstr(err.message, "cannot write a temporary file in '/tmp/ql-spool-"));
    assert_non_null(strstr(err.message, "No space left on device"));
    assert_non_null(strstr(err.hint, "disk is full"));
    ql_spool_fini(&spool);
    ql_spool_init(&spool, &QL_DISK, QL_STR("/no/such/folder"), 10);
    assert_int_equal(ql_spool_write(&spool, "0123456789a", 11, &err), QL_E_IO);
    assert_non_null(strstr(err.message, "'/no/such/folder': No such file"));
    ql_spool_fini(&spool);
    faults = (struct faults){.fail_call = CALL_PREAD, .fail_at = 1, .errnum = EIO};
    ql_spool_init(&spool, &disk, ql_str_from(folder), 10);
    fill(&spool, 100, 100);
    char byte = 0;
    size_t got = 0;
    assert_int_equal(ql_spool_read(&spool, 0, &byte, 1, &got, &err), QL_E_IO);
    ql_spool_fini(&spool);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_from_memory_and_from_disk),
        cmocka_unit_test(short_reads_and_writes_and_signals_do_not_matter),
        cmocka_unit_test(without_unnamed_files_a_named_one_is_removed_at_once),
        cmocka_unit_test(a_full_disk_is_an_error_that_names_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
