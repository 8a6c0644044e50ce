/* Unfinished uploads as S3 lists them, page by page, and as notes of this machine have them. */
#include "s3_server.h"

#include "store/s3_object.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_MS = 24 * 3600 * 1000 };

/* ---- what was found */

static struct {
    int n, n_young, n_ended;
    char keys[MAX_SEEN][64];
} told;

static void on_orphan(void *ctx, const struct ql_s3_orphan *orphan) {
    (void)ctx;
    assert_true(told.n < MAX_SEEN);
    (void)snprintf(told.keys[told.n], sizeof told.keys[0], "%.*s", QL_STR_ARG(orphan->key));
    told.n++;
    told.n_young += orphan->is_young;
    told.n_ended += orphan->is_ended;
}

static struct outcome look(void **state, const struct ql_s3_options *options, bool ends) {
    const struct ql_s3_orphans_request request = {
        .bucket = QL_STR("b"), .prefix = QL_STR("a/"), .ends = ends, .min_age_ms = DAY_MS, .found = on_orphan};
    struct outcome outcome = {0};
    struct ql_s3_client *client = client_of(state, options);
    memset(&told, 0, sizeof told);
    outcome.status = ql_s3_orphans(client, &request, &outcome.err);
    client_end(client);
    return outcome;
}

#define PAGE(more) "<ListMultipartUploadsResult>" more "</ListMultipartUploadsResult>"
#define UPLOAD(key, id, begun) "<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Initiated>" begun "</Initiated></Upload>"
#define NEXT(key, id) \
    "<IsTruncated>true</IsTruncated><NextKeyMarker>" key "</NextKeyMarker><NextUploadIdMarker>" id "</NextUploadIdMarker>"

static void all_pages_are_read(void **state) {
    server_start(SCRIPT({.status = 200, .body = PAGE(UPLOAD("a/1", "i&amp;1", "2026-01-01T11:00:00Z") NEXT("a/1", "i&amp;1"))},
                        {.status = 200, .body = PAGE(UPLOAD("a/1", "i2", "2026-01-01T11:00:00Z") NEXT("a/1", "i2"))},
                        {.status = 200, .body = PAGE(UPLOAD("a/&lt;&#13;&quot;\xc3\xa9 +", "i3", "soon"))}));
    struct outcome outcome = look(state, &OPTIONS, true);
    assert_status(&outcome, QL_OK);
    assert_int_equal(told.n, 3);
    assert_int_equal(told.n_young, 3); /* also the one whose age nobody can read */
    assert_int_equal(told.n_ended, 0);
    assert_string_equal(told.keys[2], "a/<\r\"\xc3\xa9 +");
    assert_words(server.url, "key-marker=a%2F1&");
    assert_words(server.url, "upload-id-marker=i2");
}

static void a_list_that_does_not_go_on_is_damaged(void **state) {
    server_start(SCRIPT({.status = 200, .body = PAGE(UPLOAD("a/1", "i1", "2026-01-01T11:00:00Z") NEXT("a/1", "i1"))}));
    struct outcome outcome = look(state, &OPTIONS, true);
    assert_status(&outcome, QL_E_PROTOCOL);
    assert_int_equal(server.n_requests, 2);
    assert_words(outcome.err.message, "does not go on");
}

static void on_key(void *ctx, struct ql_str key) {
    (void)key;
    (*(int *)ctx)++;
}

static void neither_is_a_list_of_keys(void **state) {
    struct ql_err err_of_list = {0};
    int n = 0;
    const struct ql_s3_keys keys = {.prefix = QL_STR("a/"), .found = on_key, .ctx = &n};
    struct ql_s3_client *client = client_of(state, &OPTIONS);
    server_start(SCRIPT({.status = 200,
                         .body = "<ListBucketResult><Contents><Key>a/1</Key></Contents><IsTruncated>true</IsTruncated>"
                                 "<NextContinuationToken>t</NextContinuationToken></ListBucketResult>"}));
    assert_int_equal(ql_s3_list(client, QL_STR("b"), &keys, &err_of_list), QL_E_PROTOCOL);
    assert_int_equal(server.n_requests, 2);
    assert_words(err_of_list.message, "does not go on");
    client_end(client);
}

/* The age that counts is by S3's clock: by this machine's, two days ahead, a living upload would be an old one. */
static void an_upload_is_as_old_as_s3_says(void **state) {
    server_start(
        SCRIPT({.status = 403, .body = ERROR_BODY("RequestTimeTooSkewed", "<ServerTime>2025-12-30T12:00:00Z</ServerTime>")},
               {.status = 200, .body = PAGE(UPLOAD("a/1", "i1", "2025-12-30T11:00:00Z"))}));
    struct outcome outcome = look(state, &OPTIONS, true);
    assert_status(&outcome, QL_OK);
    assert_int_equal(told.n_young, 1);
    assert_int_equal(told.n_ended, 0);
    assert_int_equal(server.n_requests, 2);
}

static void a_failure_to_end_one_is_told_beside_the_others(void **state) {
    server_start(SCRIPT(
        {.status = 200, .body = PAGE(UPLOAD("a/1", "i1", "2025-12-01T00:00:00Z") UPLOAD("a/2", "i2", "2025-12-01T00:00:00Z"))},
        {.status = 403, .body = ERROR_BODY("AccessDenied", "")}, {.status = 204},
        {.status = 404, .body = ERROR_BODY("NoSuchUpload", "")}));
    struct outcome outcome = look(state, &OPTIONS, true);
    assert_status(&outcome, QL_E_S3_DENIED);
    assert_words(outcome.err.hint, "s3:AbortMultipartUpload");
    assert_int_equal(told.n, 2);
    assert_int_equal(told.n_ended, 1);
}

/* ---- notes */

static char folder[64];

static int set_up_folder(void **state) {
    (void)snprintf(folder, sizeof folder, "/tmp/ql_orphans_XXXXXX");
    return mkdtemp(folder) == NULL || set_up(state) != 0;
}
static int tear_down_folder(void **state) {
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return tear_down(state) != 0 || system(command); /* NOLINT(cert-env33-c): a path of our own */
}

static const char *path_of(const char *name) {
    static char path[160];
    (void)snprintf(path, sizeof path, "%s/uploads/%s", folder, name);
    return path;
}

static void leave_note(struct ql_noted_upload upload) {
    struct ql_upload_note *note = NULL;
    assert_ok(ql_upload_note_new(ql_str_from(folder), &upload, &note, err));
    ql_upload_note_free(note, true); /* and with it the lock, as when the process dies */
}

/* An exclusive lock on NFS wants a descriptor that may write ("flock(2)", details for NFS). */
static bool look_at_descriptor(void *ctx, const struct ql_noted_upload *upload) {
    (void)upload;
    for (int fd = 3; fd < 64; fd++) {
        char link[64];
        char to[256];
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, to, sizeof to - 1);
        to[n > 0 ? n : 0] = '\0';
        if (strstr(to, folder) != NULL && strstr(to, ".json") != NULL) {
            *(int *)ctx = fcntl(fd, F_GETFL) & O_ACCMODE;
        }
    }
    return false;
}

static void a_note_is_locked_as_nfs_wants_it(void **state) {
    (void)state;
    int mode = -1;
    leave_note((struct ql_noted_upload){.bucket = QL_STR("b"), .key = QL_STR("a/k")});
    ql_upload_notes_left(ql_str_from(folder), look_at_descriptor, &mode);
    assert_int_equal(mode, O_RDWR);
}

static bool count(void *ctx, const struct ql_noted_upload *upload) {
    assert_str_equal(upload->key, "a/k");
    (*(int *)ctx)++;
    return false;
}

static void what_is_no_note_is_passed_over(void **state) {
    static const char *const TEXTS[] = {"", "{", "{}\n", "{\"bucket\": \"b\"}\n", "null\n", "{\"bucket\": 1, \"key\": 2}\n"};
    (void)state;
    int n = 0;
    leave_note((struct ql_noted_upload){.bucket = QL_STR("b"), .key = QL_STR("a/k")});
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%zu.json", i);
        FILE *file = fopen(path_of(name), "wb");
        assert_non_null(file);
        (void)fputs(TEXTS[i], file);
        assert_int_equal(fclose(file), 0);
    }
    assert_int_equal(mkfifo(path_of("pipe.json"), 0600), 0); /* nobody will ever write into it */
    assert_int_equal(mkdir(path_of("folder.json"), 0700), 0);
    assert_int_equal(symlink("/dev/zero", path_of("link.json")), 0);
    (void)alarm(20); /* opening the pipe must not wait */
    ql_upload_notes_left(ql_str_from(folder), count, &n);
    (void)alarm(0);
    assert_int_equal(n, 1);
}

/* A creation that died without an id: only an upload of that time can be its. */
static void only_what_began_with_a_dead_creation_is_its(void **state) {
    struct ql_s3_options options = OPTIONS;
    options.state_dir = ql_str_from(folder);
    leave_note((struct ql_noted_upload){.bucket = QL_STR("b"), .key = QL_STR("a/k"), .started_us = NOON_US});
    server_start(
        SCRIPT({.status = 200,
                .body = PAGE(UPLOAD("a/k", "before", "2026-01-01T11:30:00Z") UPLOAD("a/k", "its", "2026-01-01T12:00:01Z")
                                 UPLOAD("a/k", "after", "2026-01-01T12:30:00Z") UPLOAD("a/k", "when", "soon"))},
               {.status = 200, .body = "<ListPartsResult></ListPartsResult>"}, {.status = 204}));
    struct ql_s3_client *client = client_of(state, &options);
    ql_s3_end_own_orphans(client, QL_STR("b"));
    assert_int_equal(server.n_requests, 3);
    assert_string_equal(server.method[2], "DELETE");
    assert_words(server.url, "uploadId=its");
    client_end(client);
    int n = 0;
    ql_upload_notes_left(options.state_dir, count, &n);
    assert_int_equal(n, 0);
}

#define NOTE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_folder, tear_down_folder)
#define LIST_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        LIST_TEST(all_pages_are_read),
        LIST_TEST(a_list_that_does_not_go_on_is_damaged),
        LIST_TEST(neither_is_a_list_of_keys),
        LIST_TEST(an_upload_is_as_old_as_s3_says),
        LIST_TEST(a_failure_to_end_one_is_told_beside_the_others),
        NOTE_TEST(a_note_is_locked_as_nfs_wants_it),
        NOTE_TEST(what_is_no_note_is_passed_over),
        NOTE_TEST(only_what_began_with_a_dead_creation_is_its),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
