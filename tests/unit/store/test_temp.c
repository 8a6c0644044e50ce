/* What dead runs left in a folder goes, what a living one is at work on stays, and so does what is not ours. */
#include "faulty_disk.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { DAY_S = 86400 };
static const char OTHER_BOOT[] = "00112233445566ff";

static int set_up(void **state) {
    char folder[] = "/tmp/ql-temp-XXXXXX";
    assert_non_null(mkdtemp(folder));
    *state = ql_mem_strdup(folder);
    return 0;
}

static int tear_down(void **state) {
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", (const char *)*state);
    int result = system(command);
    ql_mem_free(*state);
    return result;
}

/* The kernel's own boot id as the names have it: its first 16 hex digits. */
static void this_boot(char id[17]) {
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    assert_non_null(file);
    char a[9], b[5], c[5];
    assert_int_equal(fscanf(file, "%8[0-9a-f]-%4[0-9a-f]-%4[0-9a-f]", a, b, c), 3);
    (void)fclose(file);
    (void)snprintf(id, 17, "%s%s%s", a, b, c);
}

static void path_of(char path[512], const char *folder, const char *boot, int number) {
    (void)snprintf(path, 512, "%s/.queuelake-%s-%016x.tmp", folder, boot, (unsigned)number);
}

/* Returns the open file. */
static int put_file(const char *path, int age_days) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    const struct timespec at = {.tv_sec = time(NULL) - (time_t)age_days * DAY_S};
    const struct timespec times[2] = {at, at};
    assert_int_equal(futimens(fd, times), 0);
    return fd;
}

static bool is_there(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

static void clean(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    ql_temp_clean(&QL_DISK, fd);
    (void)close(fd);
}

static void a_file_of_this_boot_lives_as_long_as_its_lock(void **state) {
    char boot[17], path[512];
    this_boot(boot);
    path_of(path, *state, boot, 1);
    int fd = put_file(path, 30);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    clean(*state);
    assert_true(is_there(path));
    (void)close(fd);
    clean(*state);
    assert_false(is_there(path));
    (void)close(put_file(path, 0)); /* however new it is */
    clean(*state);
    assert_false(is_there(path));
}

static void a_file_of_another_boot_also_has_a_week(void **state) {
    char young[512], old[512], held[512], from_future[512], of_no_boot[512];
    path_of(young, *state, OTHER_BOOT, 1);
    path_of(old, *state, OTHER_BOOT, 2);
    path_of(held, *state, OTHER_BOOT, 3);
    path_of(from_future, *state, OTHER_BOOT, 4);
    path_of(of_no_boot, *state, "0000000000000000", 5);
    (void)close(put_file(young, 6));
    (void)close(put_file(old, 8));
    int fd = put_file(held, 8);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    (void)close(put_file(from_future, -30));
    (void)close(put_file(of_no_boot, 1));
    clean(*state);
    assert_true(is_there(young));
    assert_false(is_there(old));
    assert_true(is_there(held));
    assert_true(is_there(from_future));
    assert_true(is_there(of_no_boot));
    (void)close(fd);
}

static void what_is_not_ours_stays(void **state) {
    static const char *const NAMES[][2] = {
        {".queuelake-", "-0123456789abcde.tmp"},   /* a digit too few */
        {".queuelake-", "-0123456789abcdef0.tmp"}, /* one too many */
        {".queuelake-", "-0123456789abcdeg.tmp"},  /* no hex */
        {".queuelake-", "-0123456789abcdef.tmq"},
        {".queuelake-", "_0123456789abcdef.tmp"},
        {"queuelake-", "-0123456789abcdef.tmp0"},
        {".Queuelake-", "-0123456789abcdef.tmp"},
        {"out.parquet", ""},
    };
    enum { N = sizeof NAMES / sizeof NAMES[0] };
    char boot[17], path[512];
    this_boot(boot);
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(path, sizeof path, "%s/%s%s%s", (const char *)*state, NAMES[i][0], boot, NAMES[i][1]);
        (void)close(put_file(path, 30));
    }
    path_of(path, *state, boot, 1);
    assert_int_equal(mkdir(path, 0755), 0);
    path_of(path, *state, boot, 2);
    assert_int_equal(symlink("out.parquet", path), 0);
    path_of(path, *state, boot, 3);
    assert_int_equal(mkfifo(path, 0600), 0); /* opening it must not wait */
    clean(*state);
    assert_int_equal(count_files(*state), N + 3);
}

static enum ql_status write_with(const struct faults *lacks, const char *path, bool commits) {
    struct faults faults = *lacks;
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_store *store = NULL;
    QL_TRY(ql_store_file_open_with(&disk, ql_str_from(path), true, &store, NULL));
    struct ql_sink sink = ql_store_sink(store);
    static char block[400000];
    enum ql_status status = sink.write(sink.ctx, block, sizeof block, NULL);
    struct ql_stored stored;
    const struct ql_publication publication = {0};
    if (!commits) {
        (void)raise(SIGSTOP); /* until it is killed */
    }
    status = status == QL_OK ? ql_store_commit(store, &publication, &stored, NULL) : status;
    ql_store_free(store);
    return status;
}

/* A process in the middle of its work, on a file system that knows no files without name or one that does. */
static pid_t begin_run(const struct faults *lacks, const char *path) {
    pid_t child = fork();
    if (child == 0) {
        (void)write_with(lacks, path, false);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    return child;
}

static void kill_run(pid_t child) {
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void the_next_run_cleans_up_after_a_killed_one(void **state) {
    const struct faults named = {.has_no_tmpfile = true};
    const struct faults unnamed = {0};
    char path[512], other[512];
    (void)snprintf(path, sizeof path, "%s/out.parquet", (const char *)*state);
    (void)snprintf(other, sizeof other, "%s/other.parquet", (const char *)*state);
    pid_t living = begin_run(&named, other);
    pid_t dead = begin_run(&named, path);
    assert_int_equal(count_files(*state), 2);
    kill_run(dead);
    assert_int_equal(count_files(*state), 2);
    assert_int_equal(write_with(&unnamed, path, true), QL_OK);
    assert_int_equal(count_files(*state), 2); /* the artefact, and what the living one is at work on */
    kill_run(living);
    assert_int_equal(write_with(&named, path, true), QL_OK);
    assert_int_equal(count_files(*state), 1);
    kill_run(begin_run(&unnamed, path));
    assert_int_equal(count_files(*state), 1); /* without a name nothing is left to clean */
}

/* Another run cleans the folder at the moment between the temporary name and the final one. */
static int cleaned_renameat(void *ctx, int folder, const char *from, const char *to, unsigned flags) {
    const struct faults *faults = ctx;
    assert_false(faults->interrupts);
    ql_temp_clean(&QL_DISK, folder);
    return renameat2(folder, from, folder, to, flags);
}

static void a_finished_file_is_safe_until_it_has_its_name(void **state) {
    static const struct faults LACKS[] = {{0}, {.has_no_tmpfile = true}, {.has_no_proc = true}};
    char path[512];
    (void)snprintf(path, sizeof path, "%s/out.parquet", (const char *)*state);
    for (size_t i = 0; i < sizeof LACKS / sizeof LACKS[0]; i++) {
        (void)unlink(path);
        (void)close(put_file(path, 0));
        struct faults faults = LACKS[i];
        struct ql_disk disk = faulty_disk(&faults);
        disk.renameat = cleaned_renameat;
        struct ql_store *store = NULL;
        struct ql_stored stored;
        assert_ok(ql_store_file_open_with(&disk, ql_str_from(path), true, &store, err));
        struct ql_sink sink = ql_store_sink(store);
        assert_ok(sink.write(sink.ctx, "new bytes", 9, err));
        const struct ql_publication publication = {0};
        assert_ok(ql_store_commit(store, &publication, &stored, err));
        ql_store_free(store);
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_size, 9);
        assert_int_equal(count_files(*state), 1);
    }
}

/* Somebody who cleans up has just locked the new file: its maker takes another one. */
static int n_refusals;
static int refusing_flock(void *ctx, int fd, int operation) {
    (void)ctx;
    if (n_refusals > 0 && --n_refusals >= 0) {
        errno = EWOULDBLOCK;
        return -1;
    }
    return flock(fd, operation);
}
/* Or it is gone already. */
static int unlinking_flock(void *ctx, int fd, int operation) {
    const char *folder = ctx;
    if (n_refusals > 0 && --n_refusals >= 0) {
        char command[128];
        (void)snprintf(command, sizeof command, "rm -f '%s'/.queuelake-*", folder);
        assert_int_equal(system(command), 0);
    }
    return flock(fd, operation);
}

static void a_new_file_is_made_again_if_a_cleaner_took_it(void **state) {
    struct ql_disk disk = QL_DISK;
    int folder = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    disk.flock = refusing_flock;
    for (int i = 0; i < 2; i++) {
        char *name = NULL;
        n_refusals = 2;
        int fd = ql_temp_open(&disk, folder, 0600, &name);
        assert_true(fd >= 0);
        struct stat of_fd, of_name;
        assert_int_equal(fstat(fd, &of_fd), 0);
        assert_int_equal(fstatat(folder, name, &of_name, 0), 0);
        assert_int_equal(of_fd.st_ino, of_name.st_ino);
        ql_mem_free(name);
        (void)close(fd);
        disk.flock = unlinking_flock;
        disk.ctx = *state;
    }
    (void)close(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_of_this_boot_lives_as_long_as_its_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_of_another_boot_also_has_a_week, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_ours_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_run_cleans_up_after_a_killed_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_finished_file_is_safe_until_it_has_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_file_is_made_again_if_a_cleaner_took_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
