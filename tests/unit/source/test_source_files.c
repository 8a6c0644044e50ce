#include "support/test.h"

#include "base/mem.h"
#include "source/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
    struct ql_buf log; /* "<name|bytes|...>" in order */
    size_t largest, n_bytes;
    uint64_t sum;
    enum ql_status answer;
};

static enum ql_status on_begin(void *ctx, const struct ql_source_info *info, struct ql_err *err) {
    (void)err;
    struct seen *seen = ctx;
    assert_false(info->is_restart || info->is_unsized);
    assert_int_equal(info->export_id.len, 0);
    const char *slash = strrchr(info->name.ptr, '/');
    ql_buf_printf(&seen->log, "<%s|", slash != NULL ? slash + 1 : info->name.ptr);
    return QL_OK;
}

static enum ql_status on_bytes(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct seen *seen = ctx;
    seen->largest = len > seen->largest ? len : seen->largest;
    for (size_t i = 0; i < len; i++) {
        seen->sum = seen->sum * 31 + ((const unsigned char *)ptr)[i];
    }
    seen->n_bytes += len;
    if (len < 100) {
        ql_buf_put(&seen->log, ptr, len);
    }
    return seen->answer == QL_OK ? QL_OK : QL_FAIL(err, seen->answer, "enough");
}

static enum ql_status on_end(void *ctx, struct ql_err *err) {
    (void)err;
    ql_buf_puts(&((struct seen *)ctx)->log, ">");
    return QL_OK;
}

static char folder[] = "/tmp/ql-files-XXXXXX";

static const char *put_file(const char *name, const void *ptr, size_t len) {
    static char paths[8][100];
    static int next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(ptr, 1, len, file), len);
    fclose(file);
    return path;
}

static enum ql_status run(const struct ql_str *paths, size_t n, struct seen *seen, struct ql_err *err) {
    const struct ql_files_options options = {.paths = paths, .n_paths = n};
    struct ql_source *source = ql_source_files_new(&options);
    const struct ql_source_sink sink = {.begin = on_begin, .bytes = on_bytes, .end = on_end, .ctx = seen};
    enum ql_status status = ql_source_files_expand(source, err);
    status = status == QL_OK ? source->ops->prepare(source, err) : status;
    status = status == QL_OK ? source->ops->fetch(source, &sink, err) : status;
    source->ops->free(source);
    return status;
}

static void files_come_in_the_order_given(void **state) {
    (void)state;
    const struct ql_str paths[] = {ql_str_from(put_file("b.csv", "bb", 2)), ql_str_from(put_file("a.csv", "", 0)),
                                   ql_str_from(put_file("c.csv", "c\0c", 3))};
    struct seen seen = {0};
    assert_ok(run(paths, 3, &seen, err));
    assert_int_equal(seen.log.len, strlen("<b.csv|bb><a.csv|><c.csv|c.c>"));
    assert_memory_equal(seen.log.ptr, "<b.csv|bb><a.csv|><c.csv|c\0c>", seen.log.len);
    ql_buf_fini(&seen.log);
}

static void a_large_file_is_read_whole_in_full_pieces(void **state) {
    (void)state;
    enum { SIZE = 3 * 1024 * 1024 + 17 };
    char *content = ql_mem_alloc(SIZE);
    uint64_t sum = 0;
    for (size_t i = 0; i < SIZE; i++) {
        content[i] = (char)(i * 7 + i / 255);
        sum = sum * 31 + (unsigned char)content[i];
    }
    const struct ql_str path = ql_str_from(put_file("large.csv", content, SIZE));
    struct seen seen = {0};
    assert_ok(run(&path, 1, &seen, err));
    assert_int_equal(seen.n_bytes, SIZE);
    assert_true(seen.sum == sum);
    assert_int_equal(seen.largest, 96 * 1024);
    ql_buf_fini(&seen.log);
    ql_mem_free(content);
}

/* Room of changing size, and now and then none. */
struct rooms {
    char room[1000], *content;
    size_t n_asked, n_bytes, n_in_room;
    bool is_given;
};

static void *give_room(void *ctx, size_t *cap) {
    struct rooms *rooms = ctx;
    rooms->n_asked++;
    rooms->is_given = rooms->n_asked % 7 != 0;
    *cap = rooms->is_given ? rooms->n_asked % sizeof rooms->room + 1 : 0;
    return rooms->is_given ? rooms->room : NULL;
}

static enum ql_status on_room_begin(void *ctx, const struct ql_source_info *info, struct ql_err *err) {
    (void)ctx;
    (void)info;
    (void)err;
    return QL_OK;
}

static enum ql_status on_room_bytes(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct rooms *rooms = ctx;
    (void)err;
    assert_int_equal(ptr == rooms->room, rooms->is_given);
    assert_true(!rooms->is_given || len <= rooms->n_asked % sizeof rooms->room + 1);
    assert_memory_equal(ptr, rooms->content + rooms->n_bytes, len);
    rooms->n_bytes += len;
    rooms->n_in_room += rooms->is_given ? len : 0;
    return QL_OK;
}

static enum ql_status on_room_end(void *ctx, struct ql_err *err) {
    (void)ctx;
    (void)err;
    return QL_OK;
}

static void bytes_go_where_the_sink_has_room(void **state) {
    (void)state;
    enum { SIZE = 1500 };
    struct rooms rooms = {.content = ql_mem_alloc(SIZE)};
    for (size_t i = 0; i < SIZE; i++) {
        rooms.content[i] = (char)(i * 11 + i / 256);
    }
    const struct ql_str path = ql_str_from(put_file("room.csv", rooms.content, SIZE));
    const struct ql_source_sink sink = {
        .begin = on_room_begin, .bytes = on_room_bytes, .end = on_room_end, .room = give_room, .ctx = &rooms};
    const struct ql_files_options options = {.paths = &path, .n_paths = 1};
    struct ql_source *source = ql_source_files_new(&options);
    assert_ok(ql_source_files_expand(source, err));
    assert_ok(source->ops->fetch(source, &sink, err));
    source->ops->free(source);
    assert_int_equal(rooms.n_bytes, SIZE);
    assert_int_equal(rooms.n_in_room, 2 + 3 + 4 + 5 + 6 + 7);
    ql_mem_free(rooms.content);
}

static void standard_input_is_a_dash_and_stays_open(void **state) {
    (void)state;
    int pipe_fds[2];
    int kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(write(pipe_fds[1], "x,y\n", 4), 4);
    close(pipe_fds[1]);
    assert_int_equal(dup2(pipe_fds[0], STDIN_FILENO), STDIN_FILENO);
    close(pipe_fds[0]);
    const struct ql_str path = QL_STR("-");
    struct seen seen = {0};
    assert_ok(run(&path, 1, &seen, err));
    assert_str_equal(ql_buf_view(&seen.log), "<standard input|x,y\n>");
    assert_int_not_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
    if (kept >= 0) {
        dup2(kept, STDIN_FILENO);
        close(kept);
    }
    ql_buf_fini(&seen.log);
}

static void what_cannot_be_read_is_said_before_anything_is(void **state) {
    (void)state;
    const char *good = put_file("good.csv", "g", 1);
    char missing[100];
    char expected[200];
    (void)snprintf(missing, sizeof missing, "%s/missing.csv", folder);
    struct seen seen = {0};
    struct ql_err err = {0};
    const struct ql_str with_missing[] = {ql_str_from(good), ql_str_from(missing)};
    assert_int_equal(run(with_missing, 2, &seen, &err), QL_E_NO_INPUT);
    (void)snprintf(expected, sizeof expected, "cannot read '%s': No such file or directory", missing);
    assert_string_equal(err.message, expected);
    char empty[100];
    (void)snprintf(empty, sizeof empty, "%s/empty", folder);
    assert_int_equal(mkdir(empty, 0777), 0);
    const struct ql_str a_folder = ql_str_from(empty);
    assert_int_equal(run(&a_folder, 1, &seen, &err), QL_E_NO_INPUT);
    (void)snprintf(expected, sizeof expected, "the folder '%s' has no CSV file", empty);
    assert_string_equal(err.message, expected);
    assert_non_null(strstr(err.hint, "*.csv"));
    const struct ql_str dashes[] = {QL_STR("-"), QL_STR("-")};
    assert_int_equal(run(dashes, 2, &seen, &err), QL_E_USAGE);
    assert_int_equal(run(NULL, 0, &seen, &err), QL_E_USAGE);
    if (geteuid() != 0) { /* root reads everything */
        assert_int_equal(chmod(good, 0), 0);
        assert_int_equal(run(with_missing, 1, &seen, &err), QL_E_NO_INPUT);
        assert_non_null(strstr(err.message, "Permission denied"));
    }
    assert_int_equal(seen.log.len, 0);
    assert_int_equal(ql_status_exit_code(QL_E_NO_INPUT), 66);
}

static void a_refusal_of_the_sink_ends_it(void **state) {
    (void)state;
    const struct ql_str paths[] = {ql_str_from(put_file("one.csv", "1", 1)), ql_str_from(put_file("two.csv", "2", 1))};
    struct seen seen = {.answer = QL_E_BAD_ROW};
    struct ql_err err = {0};
    assert_int_equal(run(paths, 2, &seen, &err), QL_E_BAD_ROW);
    assert_string_equal(err.message, "enough");
    assert_str_equal(ql_buf_view(&seen.log), "<one.csv|1");
    ql_buf_fini(&seen.log);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    (void)state;
    char command[100];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_in_the_order_given),
        cmocka_unit_test(a_large_file_is_read_whole_in_full_pieces),
        cmocka_unit_test(bytes_go_where_the_sink_has_room),
        cmocka_unit_test(standard_input_is_a_dash_and_stays_open),
        cmocka_unit_test(what_cannot_be_read_is_said_before_anything_is),
        cmocka_unit_test(a_refusal_of_the_sink_ends_it),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
