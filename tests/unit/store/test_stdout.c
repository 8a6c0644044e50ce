/* Standard output is swapped for a pipe, a file, a terminal; cmocka's own words go to standard error meanwhile. */
#include "support/test.h"

#include "base/mem.h"
#include "store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int saved = -1;

/* From here to restore(), standard output is fd (which is closed). */
static void redirect(int fd) {
    (void)fflush(stdout);
    saved = dup(STDOUT_FILENO);
    assert_true(saved >= 0);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(fd);
}

static void restore(void) {
    assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(saved);
}

static enum ql_status write_out(size_t size, struct ql_stored *stored, struct ql_err *err) {
    struct ql_store *store = NULL;
    enum ql_status status = ql_store_stdout_open(&store, err);
    if (status != QL_OK) {
        return status;
    }
    struct ql_sink sink = ql_store_sink(store);
    char *bytes = ql_mem_alloc(size);
    memset(bytes, 'x', size);
    status = sink.write(sink.ctx, bytes, size / 3, err);
    if (status == QL_OK) {
        status = sink.write(sink.ctx, bytes, size - size / 3, err);
    }
    const struct ql_publication publication = {0};
    if (status == QL_OK) {
        status = ql_store_commit(store, &publication, stored, err);
    }
    ql_store_free(store);
    ql_mem_free(bytes);
    return status;
}

static void bytes_reach_a_file_whole(void **state) {
    (void)state;
    char path[] = "/tmp/ql-stdout-XXXXXX";
    redirect(mkstemp(path));
    struct ql_stored stored;
    struct ql_err err = {0};
    enum ql_status status = write_out(1000000, &stored, &err);
    bool is_open = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    off_t size = lseek(STDOUT_FILENO, 0, SEEK_END);
    restore();
    (void)unlink(path);
    assert_int_equal(status, QL_OK);
    assert_true(is_open);
    assert_int_equal(size, 1000000);
    assert_int_equal(stored.bytes, 1000000);
    assert_string_equal(stored.location, "-");
    /* Python: hashlib.sha256(b'x' * 1000000) */
    assert_string_equal(stored.sha256, "1b977e9f84f1b26b6ed7f68b0498faee2385ea4125bd29adce4a7d9106ba3134");
}

static void a_reader_that_went_away_and_a_full_disk_are_errors(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    (void)signal(SIGPIPE, SIG_IGN);
    redirect(ends[1]);
    struct ql_stored stored;
    struct ql_err err = {0};
    enum ql_status big = write_out(1000000, &stored, &err);
    struct ql_err small_err = {0};
    enum ql_status small = write_out(10, &stored, &small_err); /* waits in the block until commit */
    restore();
    redirect(open("/dev/full", O_WRONLY));
    struct ql_err full_err = {0};
    enum ql_status full = write_out(1000000, &stored, &full_err);
    restore();
    assert_int_equal(full, QL_E_IO);
    assert_string_equal(full_err.message, "cannot write to standard output: No space left on device");
    assert_non_null(strstr(full_err.hint, "not whole"));
    assert_int_equal(big, QL_E_IO);
    assert_string_equal(err.message, "cannot write to standard output: Broken pipe");
    assert_int_equal(small, QL_E_IO);
}

static void a_slow_reader_of_a_non_blocking_pipe_is_waited_for(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* reads slowly, and checks the length */
        (void)close(ends[1]);
        (void)fcntl(ends[0], F_SETFL, 0);
        char block[5000];
        size_t size = 0;
        for (ssize_t n = read(ends[0], block, sizeof block); n > 0; n = read(ends[0], block, sizeof block)) {
            size += (size_t)n;
        }
        _exit(size == 1000000 ? 0 : 1);
    }
    (void)close(ends[0]);
    redirect(ends[1]);
    struct ql_stored stored;
    enum ql_status status = write_out(1000000, &stored, NULL);
    restore();
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(status, QL_OK);
    assert_int_equal(result, 0);
}

static void a_terminal_and_a_closed_stream_are_refused(void **state) {
    (void)state;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0) {
        skip();
    }
    assert_int_equal(grantpt(terminal), 0);
    assert_int_equal(unlockpt(terminal), 0);
    int other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(other >= 0);
    redirect(other);
    struct ql_err err = {0};
    struct ql_stored stored;
    enum ql_status status = write_out(10, &stored, &err);
    restore();
    (void)close(terminal);
    assert_int_equal(status, QL_E_USAGE);
    assert_non_null(strstr(err.message, "is a terminal"));
    assert_non_null(strstr(err.hint, "--output"));

    (void)fflush(stdout);
    saved = dup(STDOUT_FILENO);
    (void)close(STDOUT_FILENO);
    status = write_out(10, &stored, &err);
    restore();
    assert_int_equal(status, QL_E_CANNOT_CREATE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_reach_a_file_whole),
        cmocka_unit_test(a_reader_that_went_away_and_a_full_disk_are_errors),
        cmocka_unit_test(a_slow_reader_of_a_non_blocking_pipe_is_waited_for),
        cmocka_unit_test(a_terminal_and_a_closed_stream_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
