/* At the target there is the old artefact or the new one, whatever fails, and never anything beside it. */
#include "faulty_disk.h"

#include <sys/stat.h>
#include <sys/wait.h>

static const char OLD[] = "the old artefact";
enum { NEW_BYTES = 700000 }; /* some blocks, and a rest */

struct place {
    char folder[64];
    char path[128];
};

static int set_up(void **state) {
    struct place *place = ql_mem_zalloc(1, sizeof *place);
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/ql-folder-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof place->path, "%s/out.parquet", place->folder);
    *state = place;
    return 0;
}

static int tear_down(void **state) {
    struct place *place = *state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", place->folder);
    int result = system(command);
    ql_mem_free(place);
    return result;
}

static void put_file(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static char new_byte(size_t i) {
    return (char)(i * 17 + (i >> 9));
}

/* -1: none, 0: the old one, 1: the new one; anything else fails the test. */
static int look(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        assert_int_equal(errno, ENOENT);
        return -1;
    }
    char *bytes = ql_mem_alloc(NEW_BYTES + 1);
    size_t n = fread(bytes, 1, NEW_BYTES + 1, file);
    (void)fclose(file);
    int found = n == sizeof OLD - 1 && memcmp(bytes, OLD, n) == 0 ? 0 : 1;
    if (found == 1) {
        assert_int_equal(n, NEW_BYTES);
        for (size_t i = 0; i < n; i++) {
            if (bytes[i] != new_byte(i)) {
                fail_msg("byte %zu of the new artefact is wrong", i);
            }
        }
    }
    ql_mem_free(bytes);
    return found;
}

/* The whole way of an artefact of NEW_BYTES. */
static enum ql_status publish(const struct ql_disk *disk, const char *path, bool makes_folders, struct ql_stored *stored,
                              struct ql_err *err) {
    struct ql_store *store = NULL;
    enum ql_status status = ql_store_file_open_with(disk, ql_str_from(path), makes_folders, &store, err);
    if (status != QL_OK) {
        assert_null(store);
        return status;
    }
    struct ql_sink sink = ql_store_sink(store);
    char *bytes = ql_mem_alloc(NEW_BYTES);
    for (size_t i = 0; i < NEW_BYTES; i++) {
        bytes[i] = new_byte(i);
    }
    static const size_t PIECES[] = {4, 100000, 300000, 298996, 1000};
    size_t at = 0;
    for (size_t i = 0; status == QL_OK && i < sizeof PIECES / sizeof PIECES[0]; i++) {
        status = sink.write(sink.ctx, bytes + at, PIECES[i], err);
        at += PIECES[i];
    }
    const struct ql_publication publication = {0};
    if (status == QL_OK) {
        assert_int_equal(at, NEW_BYTES);
        status = ql_store_commit(store, &publication, stored, err);
    } else {
        /* A store that failed to write never publishes. */
        assert_int_equal(ql_store_commit(store, &publication, stored, NULL), QL_E_INTERNAL);
        assert_int_equal(sink.write(sink.ctx, "x", 1, NULL), QL_E_INTERNAL);
    }
    ql_store_free(store);
    ql_mem_free(bytes);
    return status;
}

static void a_finished_file_replaces_the_old_one(void **state) {
    struct place *place = *state;
    struct ql_stored stored;
    assert_ok(publish(&QL_DISK, place->path, false, &stored, err));
    assert_int_equal(look(place->path), 1);
    assert_int_equal(stored.bytes, NEW_BYTES);
    assert_string_equal(stored.location, place->path);
    /* Computed with Python: sha256(bytes((i * 17 + (i >> 9)) & 255 for i in range(700000))). */
    assert_string_equal(stored.sha256, "20f2a8c14651fda4678221b10151c6ba307fc12112a1693077e248cfa3e4e82a");
    put_file(place->path, OLD);
    assert_ok(publish(&QL_DISK, place->path, false, &stored, err));
    assert_int_equal(look(place->path), 1);
    assert_int_equal(count_files(place->folder), 1);
}

static void without_a_commit_nothing_is_left(void **state) {
    struct place *place = *state;
    put_file(place->path, OLD);
    struct ql_store *store = NULL;
    assert_ok(ql_store_file_open(ql_str_from(place->path), false, &store, err));
    struct ql_sink sink = ql_store_sink(store);
    char block[400000] = {0};
    assert_ok(sink.write(sink.ctx, block, sizeof block, err));
    assert_int_equal(count_files(place->folder), 1); /* the new one has no name */
    assert_int_equal(look(place->path), 0);
    ql_store_free(store);
    struct faults faults = {.has_no_tmpfile = true};
    const struct ql_disk disk = faulty_disk(&faults);
    assert_ok(ql_store_file_open_with(&disk, ql_str_from(place->path), false, &store, err));
    sink = ql_store_sink(store);
    assert_ok(sink.write(sink.ctx, block, sizeof block, err));
    assert_int_equal(count_files(place->folder), 2); /* the temporary file is beside the target */
    assert_int_equal(look(place->path), 0);
    ql_store_free(store);
    assert_int_equal(count_files(place->folder), 1);
    assert_int_equal(look(place->path), 0);
    ql_store_free(NULL);
}

/* File systems and sandboxes that cannot do everything. */
static const struct faults LACKS[] = {
    {0}, {.has_no_tmpfile = true}, {.has_no_proc = true}, {.has_no_tmpfile = true, .has_no_noreplace = true}};
enum { N_LACKS = sizeof LACKS / sizeof LACKS[0] };

/* What a run can do without: a lock, a look at what others left, a right to list a folder that it may enter. */
static bool may_fail(const struct faults *faults) {
    bool has_other_way = faults->errnum == EACCES && (faults->fail_at == 1 || faults->struck == CALL_LINKAT);
    return faults->struck == CALL_FLOCK || faults->struck == CALL_UNLINKAT || faults->struck_look ||
           faults->struck == CALL_CLOSE || has_other_way;
}

/* The n-th call fails, and perhaps all after it. Returns whether the publication made fewer calls than n. */
static bool publish_with_failure(struct place *place, struct faults faults, bool has_old) {
    (void)unlink(place->path);
    if (has_old) {
        put_file(place->path, OLD);
    }
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_stored stored;
    struct ql_err err = {0};
    enum ql_status status = publish(&disk, place->path, false, &stored, &err);
    int found = look(place->path);
    if (status == QL_OK) {
        assert_int_equal(found, 1);
        if (faults.struck != CALL_NONE && !may_fail(&faults)) { /* no other failure goes unseen */
            fail_msg("call %d of kind %d failed with %s, and nobody noticed", faults.fail_at, (int)faults.struck,
                     strerror(faults.errnum));
        }
    } else if (strstr(err.message, "cannot sync the folder of") != NULL) {
        assert_int_equal(found, 1); /* after the file is in place; the message says so */
        assert_non_null(strstr(err.hint, "in place and whole"));
    } else {
        assert_int_equal(found, has_old ? 0 : -1);
        assert_non_null(strstr(err.message, "cannot "));
        assert_non_null(strstr(err.message, place->folder));
        assert_true(status == QL_E_IO || status == QL_E_CANNOT_CREATE);
    }
    assert_int_equal(count_files(place->folder), found == -1 ? 0 : 1);
    return faults.seen < faults.fail_at;
}

/* Every call of a publication is made to fail, alone and with all after it, in each way that the system knows, with and without
 * an old artefact, on each kind of file system. */
static void any_failing_call_leaves_the_old_artefact(void **state) {
    struct place *place = *state;
    int open_before = count_files("/proc/self/fd");
    static const int WAYS[] = {ENOSPC, EIO, EACCES};
    enum { N_WAYS = sizeof WAYS / sizeof WAYS[0], N_CASES = N_WAYS * N_LACKS * 4 };
    for (size_t i = 0; i < N_CASES; i++) {
        struct faults faults = LACKS[i / 4 % N_LACKS];
        faults.fail_call = CALL_ANY;
        faults.errnum = WAYS[i / 4 / N_LACKS];
        faults.fails_on = i / 2 % 2 == 1;
        int n = 1;
        for (faults.fail_at = 1; !publish_with_failure(place, faults, i % 2 == 0); faults.fail_at = ++n) {
            assert_true(n < 50);
            assert_int_equal(count_files("/proc/self/fd"), open_before);
        }
        assert_true(n > 9); /* open three times, write, sync, close twice, link or rename, sync: all had their turn */
    }
}

static void every_kind_of_file_system_takes_files(void **state) {
    struct place *place = *state;
    for (size_t i = 0; i < N_LACKS; i++) {
        for (int has_old = 0; has_old < 2; has_old++) {
            assert_true(publish_with_failure(place, (struct faults){.fail_call = CALL_NONE, .fail_at = 1}, has_old == 1));
            struct faults faults = LACKS[i];
            faults.fail_at = 1;
            assert_true(publish_with_failure(place, faults, has_old == 1));
        }
    }
}

/* ---- what is there already ---- */

static enum ql_status publish_if(const struct faults *lacks, const char *path, enum ql_if_exists if_exists, const char *text,
                                 struct ql_stored *stored, struct ql_err *err) {
    struct faults faults = *lacks;
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_store *store = NULL;
    QL_TRY(ql_store_file_open_with(&disk, ql_str_from(path), false, &store, err));
    struct ql_sink sink = ql_store_sink(store);
    enum ql_status status = sink.write(sink.ctx, text, strlen(text), err);
    const struct ql_publication publication = {.if_exists = if_exists};
    status = status == QL_OK ? ql_store_commit(store, &publication, stored, err) : status;
    ql_store_free(store);
    return status;
}

static void assert_file(const char *path, const char *text) {
    char bytes[256];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes - 1, file);
    bytes[n] = '\0';
    (void)fclose(file);
    assert_string_equal(bytes, text);
}

static void an_existing_file_is_treated_as_asked(void **state) {
    const struct place *place = *state;
    for (size_t i = 0; i < N_LACKS; i++) {
        const struct faults *lacks = &LACKS[i];
        struct ql_stored stored;
        struct ql_err told = {0};
        (void)unlink(place->path);
        assert_ok(publish_if(lacks, place->path, QL_IF_EXISTS_FAIL, "one", &stored, err));
        assert_int_equal(stored.how, QL_STORED_NEW);
        assert_int_equal(publish_if(lacks, place->path, QL_IF_EXISTS_FAIL, "one", &stored, &told), QL_E_EXISTS);
        assert_non_null(strstr(told.message, "out.parquet' exists already"));
        assert_int_equal(ql_status_exit_code(told.status), 73);
        assert_ok(publish_if(lacks, place->path, QL_IF_EXISTS_SKIP, "two", &stored, err));
        assert_int_equal(stored.how, QL_STORED_SKIPPED);
        assert_file(place->path, "one");
        assert_ok(publish_if(lacks, place->path, QL_IF_EXISTS_SKIP, "one", &stored, err));
        assert_int_equal(stored.how, QL_STORED_UNCHANGED);
        assert_ok(publish_if(lacks, place->path, QL_IF_EXISTS_REPLACE, "two", &stored, err));
        assert_int_equal(stored.how, QL_STORED_NEW);
        assert_file(place->path, "two");
        assert_int_equal(count_files(place->folder), 1);
    }
}

static void equal_bytes_are_left_alone(void **state) {
    const struct place *place = *state;
    struct ql_stored stored;
    struct stat before;
    struct stat after;
    assert_ok(publish(&QL_DISK, place->path, false, &stored, err));
    assert_int_equal(stat(place->path, &before), 0);
    assert_ok(publish(&QL_DISK, place->path, false, &stored, err));
    assert_int_equal(stored.how, QL_STORED_UNCHANGED);
    assert_int_equal(stat(place->path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    FILE *file = fopen(place->path, "r+b"); /* the last byte differs */
    assert_non_null(file);
    assert_int_equal(fseek(file, NEW_BYTES - 1, SEEK_SET), 0);
    assert_int_equal(fputc(new_byte(NEW_BYTES - 1) ^ 1, file) & 0xff, (new_byte(NEW_BYTES - 1) ^ 1) & 0xff);
    assert_int_equal(fclose(file), 0);
    assert_ok(publish(&QL_DISK, place->path, false, &stored, err));
    assert_int_equal(stored.how, QL_STORED_NEW);
    assert_int_equal(look(place->path), 1);
    /* An old file that cannot be read or synced is no reason to fail: it is replaced. */
    struct faults faults = {.fail_call = CALL_PREAD, .fail_at = 1, .errnum = EIO};
    struct ql_disk disk = faulty_disk(&faults);
    assert_ok(publish(&disk, place->path, false, &stored, err));
    assert_int_equal(stored.how, QL_STORED_NEW);
    faults = (struct faults){.fail_call = CALL_FSYNC, .fail_at = 1, .errnum = EIO};
    assert_ok(publish(&disk, place->path, false, &stored, err));
    assert_int_equal(stored.how, QL_STORED_NEW);
}

static void versions_stand_beside_each_other(void **state) {
    const struct place *place = *state;
    static const struct {
        const char *text, *name;
        enum ql_stored_how outcome;
    } STEPS[] = {{"one", "out.parquet", QL_STORED_NEW},
                 {"two", "out.v2.parquet", QL_STORED_NEW},
                 {"six", "out.v3.parquet", QL_STORED_NEW},
                 {"two", "out.v2.parquet", QL_STORED_UNCHANGED},
                 {"one", "out.parquet", QL_STORED_UNCHANGED}};
    for (size_t i = 0; i < N_LACKS * sizeof STEPS / sizeof STEPS[0]; i++) {
        size_t step = i % (sizeof STEPS / sizeof STEPS[0]);
        struct ql_stored stored;
        char path[256];
        if (step == 0) {
            (void)snprintf(path, sizeof path, "rm -f '%s'/*", place->folder);
            assert_int_equal(system(path), 0);
        }
        const struct faults *lacks = &LACKS[i / (sizeof STEPS / sizeof STEPS[0])];
        assert_ok(publish_if(lacks, place->path, QL_IF_EXISTS_VERSION, STEPS[step].text, &stored, err));
        (void)snprintf(path, sizeof path, "%s/%s", place->folder, STEPS[step].name);
        assert_string_equal(stored.location, path);
        assert_int_equal(stored.how, STEPS[step].outcome);
        assert_file(path, STEPS[step].text);
    }
    assert_int_equal(count_files(place->folder), 3);
}

static void a_file_system_without_a_safe_way_says_so(void **state) {
    const struct place *place = *state;
    const struct faults lacks = {.has_no_tmpfile = true, .has_no_noreplace = true, .has_no_hard_link = true};
    struct ql_stored stored;
    struct ql_err told = {0};
    assert_int_equal(publish_if(&lacks, place->path, QL_IF_EXISTS_FAIL, "one", &stored, &told), QL_E_IO);
    assert_non_null(strstr(told.hint, "--if-exists replace"));
    assert_ok(publish_if(&lacks, place->path, QL_IF_EXISTS_REPLACE, "one", &stored, err));
    assert_int_equal(count_files(place->folder), 1);
}

/* Eight processes want the same name at the same moment. */
static void only_one_is_the_first(void **state) {
    const struct place *place = *state;
    enum { N = 8 };
    for (size_t i = 0; i < N_LACKS; i++) {
        pid_t children[N];
        int n_first = 0;
        (void)unlink(place->path);
        for (size_t c = 0; c < N; c++) {
            children[c] = fork();
            if (children[c] == 0) {
                char text[2] = {(char)('a' + c), '\0'};
                struct ql_stored stored;
                enum ql_status status = publish_if(&LACKS[i], place->path, QL_IF_EXISTS_FAIL, text, &stored, NULL);
                _exit(status == QL_OK ? 0 : status == QL_E_EXISTS ? 1 : 2);
            }
        }
        for (size_t c = 0; c < N; c++) {
            int code = 0;
            assert_int_equal(waitpid(children[c], &code, 0), children[c]);
            assert_true(WIFEXITED(code) && WEXITSTATUS(code) < 2);
            n_first += WEXITSTATUS(code) == 0;
            if (WEXITSTATUS(code) == 0) {
                assert_file(place->path, (char[]){(char)('a' + c), '\0'});
            }
        }
        assert_int_equal(n_first, 1);
        assert_int_equal(count_files(place->folder), 1);
    }
}

static void signals_and_short_writes_do_not_matter(void **state) {
    struct place *place = *state;
    struct faults faults = {.interrupts = true, .max_io_bytes = 4097};
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_stored stored;
    assert_ok(publish(&disk, place->path, false, &stored, err));
    assert_int_equal(look(place->path), 1);
    /* Linux closes the descriptor and may say EINTR; what matters was synced before. */
    faults = (struct faults){.fail_call = CALL_CLOSE, .fail_at = 1, .errnum = EINTR};
    assert_ok(publish(&disk, place->path, false, &stored, err));
    put_file(place->path, OLD);
    faults = (struct faults){.fail_call = CALL_CLOSE, .fail_at = 1, .errnum = EDQUOT}; /* what NFS says then does */
    assert_int_equal(publish(&disk, place->path, false, &stored, NULL), QL_E_IO);
    assert_int_equal(look(place->path), 0);
}

static void a_full_disk_says_where_to_free_space(void **state) {
    struct place *place = *state;
    struct faults faults = {.fail_call = CALL_WRITE, .fail_at = 1, .errnum = ENOSPC};
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_stored stored;
    struct ql_err err = {0};
    assert_int_equal(publish(&disk, place->path, false, &stored, &err), QL_E_IO);
    char expected[256];
    (void)snprintf(expected, sizeof expected, "cannot write '%s': No space left on device", place->path);
    assert_string_equal(err.message, expected);
    (void)snprintf(expected, sizeof expected, "the disk is full: free space in '%s'", place->folder);
    assert_non_null(strstr(err.hint, expected));
    assert_int_equal(ql_status_exit_code(err.status), 74);
}

static void a_file_system_that_cannot_sync_folders_is_fine(void **state) {
    struct place *place = *state;
    struct faults faults = {.fail_call = CALL_FSYNC, .fail_at = 2, .errnum = EINVAL};
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_stored stored;
    assert_ok(publish(&disk, place->path, false, &stored, err));
    assert_int_equal(faults.seen, 2);
    put_file(place->path, OLD);
    faults = (struct faults){.fail_call = CALL_FSYNC, .fail_at = 1, .errnum = EINVAL};
    assert_int_equal(publish(&disk, place->path, false, &stored, NULL), QL_E_IO); /* but a file must be synced */
}

static mode_t mode_of(const char *path) {
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static void modes_are_kept_and_new_files_obey_the_umask(void **state) {
    struct place *place = *state;
    struct ql_stored stored;
    mode_t before = umask(027);
    assert_ok(publish(&QL_DISK, place->path, false, &stored, err));
    assert_int_equal(umask(027), 027); /* and the umask is what it was */
    assert_int_equal(mode_of(place->path), 0640);
    struct faults old_kernel = {.forgets_umask = true};
    const struct ql_disk old_disk = faulty_disk(&old_kernel);
    assert_int_equal(unlink(place->path), 0);
    assert_ok(publish(&old_disk, place->path, false, &stored, err));
    assert_int_equal(mode_of(place->path), 0640);
    put_file(place->path, OLD);
    assert_int_equal(chmod(place->path, 0664), 0); /* more than the umask gives */
    assert_ok(publish(&QL_DISK, place->path, false, &stored, err));
    assert_int_equal(mode_of(place->path), 0664);
    assert_int_equal(chmod(place->path, 0600), 0);
    struct ql_store *store = NULL;
    struct faults faults = {.has_no_tmpfile = true};
    const struct ql_disk disk = faulty_disk(&faults);
    assert_ok(ql_store_file_open_with(&disk, ql_str_from(place->path), false, &store, err));
    DIR *listing = opendir(place->folder);
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (ql_str_has_suffix(ql_str_from(entry->d_name), ".tmp")) {
            char temp[512];
            (void)snprintf(temp, sizeof temp, "%s/%s", place->folder, entry->d_name);
            assert_int_equal(mode_of(temp), 0600); /* never more open than what it replaces */
            assert_true(ql_str_has_prefix(ql_str_from(entry->d_name), ".queuelake-"));
        }
    }
    (void)closedir(listing);
    ql_store_free(store);
    (void)umask(before);
}

static void a_link_keeps_being_a_link(void **state) {
    struct place *place = *state;
    char other[128], link[128], text[128];
    (void)snprintf(other, sizeof other, "%s/other", place->folder);
    assert_int_equal(mkdir(other, 0755), 0);
    (void)snprintf(link, sizeof link, "%s/latest", place->folder);
    assert_int_equal(symlink("other/real.parquet", link), 0); /* it does not exist yet */
    struct ql_stored stored;
    assert_ok(publish(&QL_DISK, link, false, &stored, err));
    (void)snprintf(text, sizeof text, "%s/other/real.parquet", place->folder);
    assert_int_equal(look(text), 1);
    put_file(text, OLD);
    assert_ok(publish(&QL_DISK, link, false, &stored, err));
    assert_int_equal(look(text), 1);
    assert_int_equal(count_files(other), 1);
    struct stat status;
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    char loop[128];
    (void)snprintf(loop, sizeof loop, "%s/loop", place->folder);
    assert_int_equal(symlink("loop", loop), 0);
    struct ql_err err = {0};
    assert_int_equal(publish(&QL_DISK, loop, false, &stored, &err), QL_E_CANNOT_CREATE);
    assert_non_null(strstr(err.hint, "circle"));
}

static void assert_refused(const char *path, bool makes_folders, const char *message, const char *hint) {
    struct ql_stored stored;
    struct ql_err err = {0};
    enum ql_status status = publish(&QL_DISK, path, makes_folders, &stored, &err);
    if (status != QL_E_CANNOT_CREATE || strstr(err.message, message) == NULL || strstr(ql_err_get_hint(&err), hint) == NULL) {
        fail_msg("%s: got %s '%s' (%s)", path, ql_status_name(status), err.message, ql_err_get_hint(&err));
    }
    assert_int_equal(ql_status_exit_code(err.status), 73);
}

static void what_no_file_can_replace_is_refused_before_any_work(void **state) {
    struct place *place = *state;
    char path[512];
    assert_refused(place->folder, false, "is a folder", "name a file in it");
    (void)snprintf(path, sizeof path, "%s/", place->folder);
    assert_refused(path, false, "is a folder", "name a file");
    assert_refused(".", false, "is a folder", "name a file");
    assert_refused("..", false, "is a folder", "name a file");
    assert_refused("", false, "is empty", "check");
    assert_refused("/dev/null", false, "is a device", "'-'");
    (void)snprintf(path, sizeof path, "%s/fifo", place->folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(path, false, "is a device, pipe or socket", "'-'");
    (void)snprintf(path, sizeof path, "%s/missing/x", place->folder);
    assert_refused(path, false, "/missing': No such file", "create the folder");
    put_file(place->path, OLD);
    (void)snprintf(path, sizeof path, "%s/x", place->path);
    assert_refused(path, false, "Not a directory", "is a file, not a folder");
    assert_refused(path, true, "Not a directory", "is a file, not a folder");
    (void)snprintf(path, sizeof path, "%s/%0300d", place->folder, 1);
    assert_refused(path, false, "File name too long", "shorter");
    struct ql_store *store = NULL;
    assert_int_equal(ql_store_file_open((struct ql_str){.ptr = "a\0b", .len = 3}, false, &store, NULL), QL_E_CANNOT_CREATE);
    assert_int_equal(look(place->path), 0);
    assert_int_equal(count_files(place->folder), 2);
}

/* Root may do everything, so root becomes somebody else for these. */
static void permissions_are_respected_and_explained(void **state) {
    struct place *place = *state;
    char path[512];
    enum { NOBODY = 65534 };
    bool is_root = geteuid() == 0;
    put_file(place->path, OLD);
    assert_int_equal(chmod(place->path, 0444), 0);
    (void)snprintf(path, sizeof path, "%s/locked", place->folder);
    assert_int_equal(mkdir(path, 0555), 0);
    (void)snprintf(path, sizeof path, "%s/unlisted", place->folder);
    assert_int_equal(mkdir(path, 0300), 0);
    if (is_root) {
        assert_int_equal(chown(place->folder, NOBODY, NOBODY), 0);
        assert_int_equal(chown(place->path, NOBODY, NOBODY), 0);
        assert_int_equal(chown(path, NOBODY, NOBODY), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    struct ql_stored stored;
    (void)snprintf(path, sizeof path, "%s/unlisted/x", place->folder);
    assert_ok(publish(&QL_DISK, path, false, &stored, err)); /* may be entered and written to, not read */
    assert_int_equal(look(path), 1);
    assert_refused(place->path, false, "write-protected", "write permission");
    (void)snprintf(path, sizeof path, "%s/locked/x", place->folder);
    assert_refused(path, false, "/locked/x': Permission denied", "/locked'");
    (void)snprintf(path, sizeof path, "%s/locked/new/x", place->folder);
    assert_refused(path, true, "cannot create folder", "write permission");
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    (void)snprintf(path, sizeof path, "%s/unlisted", place->folder);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(look(place->path), 0);
}

static void the_longest_name_works(void **state) {
    struct place *place = *state;
    char path[512];
    /* 255 bytes, and the cut for the temporary name would fall into a character. */
    (void)snprintf(path, sizeof path, "%s/a", place->folder);
    for (int i = 0; i < 127; i++) {
        (void)snprintf(path + strlen(path), sizeof path - strlen(path), "\xc3\xa9");
    }
    struct ql_stored stored;
    assert_ok(publish(&QL_DISK, path, false, &stored, err));
    assert_int_equal(look(path), 1);
    assert_int_equal(count_files(place->folder), 1);
}

static void missing_folders_are_made_if_wanted(void **state) {
    struct place *place = *state;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/a//b/./c/out.parquet", place->folder);
    struct ql_stored stored;
    assert_ok(publish(&QL_DISK, path, true, &stored, err));
    assert_int_equal(look(path), 1);
    assert_ok(publish(&QL_DISK, path, true, &stored, err));
    struct faults faults = {.fail_call = CALL_MKDIRAT, .fail_at = 1, .errnum = EACCES};
    const struct ql_disk disk = faulty_disk(&faults);
    (void)snprintf(path, sizeof path, "%s/d/out.parquet", place->folder);
    struct ql_err err = {0};
    assert_int_equal(publish(&disk, path, true, &stored, &err), QL_E_CANNOT_CREATE);
    assert_non_null(strstr(err.message, "/d': Permission denied"));
    assert_non_null(strstr(err.hint, "write permission"));
}

static void a_relative_path_is_in_the_working_folder(void **state) {
    struct place *place = *state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(place->folder), 0);
    struct ql_stored stored;
    assert_ok(publish(&QL_DISK, "out.parquet", true, &stored, err));
    assert_ok(publish(&QL_DISK, "sub/deep/out.parquet", true, &stored, err));
    assert_int_equal(look(place->path), 1);
    assert_int_equal(look("sub/deep/out.parquet"), 1);
    assert_int_equal(chdir(before), 0);
}

/* Large artefacts are on their way to the device before the end: from the front, each byte once, and only what was written. */
static void bytes_are_handed_to_the_device_early(void **state) {
    const struct place *place = *state;
    enum { PIECE = 3000000, N_PIECES = 10 };
    struct faults faults = {.max_io_bytes = 1000000};
    const struct ql_disk disk = faulty_disk(&faults);
    struct ql_store *store = NULL;
    struct ql_stored stored;
    assert_ok(ql_store_file_open_with(&disk, ql_str_from(place->path), false, &store, err));
    struct ql_sink sink = ql_store_sink(store);
    char *bytes = ql_mem_zalloc(PIECE, 1);
    for (int64_t i = 1; i <= N_PIECES; i++) {
        assert_ok(sink.write(sink.ctx, bytes, PIECE, err));
        assert_true(faults.n_started_bytes <= i * PIECE);
        assert_true(faults.n_started_bytes > i * PIECE - 9000000);
    }
    const struct ql_publication publication = {0};
    assert_ok(ql_store_commit(store, &publication, &stored, err));
    ql_store_free(store);
    ql_mem_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_finished_file_replaces_the_old_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_commit_nothing_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_failing_call_leaves_the_old_artefact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_kind_of_file_system_takes_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_existing_file_is_treated_as_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equal_bytes_are_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_stand_beside_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_system_without_a_safe_way_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_one_is_the_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signals_and_short_writes_do_not_matter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_says_where_to_free_space, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_system_that_cannot_sync_folders_is_fine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(modes_are_kept_and_new_files_obey_the_umask, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_keeps_being_a_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_no_file_can_replace_is_refused_before_any_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(permissions_are_respected_and_explained, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_name_works, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_folders_are_made_if_wanted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_relative_path_is_in_the_working_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_are_handed_to_the_device_early, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
