/*
 * What the paths of a command line stand for: a folder for the CSV files in it, a pattern for the files that match. Patterns
 * are expanded here, and not only by shells, so that quoted ones and those of configurations work, however many files there
 * are.
 *
 *   *  ?  [a-z]   as in a shell, within one name; names that begin with a dot want a dot
 *   **            any number of folders, links to folders left out; at the end: the CSV files of all of them
 *
 * A path that exists stands for itself, whatever characters it has. What one path stands for comes in the order of its bytes.
 */
#include "source/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>

bool ql_path_is_object(struct ql_str path) {
    return ql_str_has_prefix(path, "s3://");
}

bool ql_path_is_csv(struct ql_str path) {
    static const char *const ENDINGS[] = {".csv", ".csv.gz", ".csv.zst"};
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        size_t len = strlen(ENDINGS[i]);
        if (path.len >= len &&
            ql_str_eq_nocase((struct ql_str){.ptr = path.ptr + path.len - len, .len = len}, ql_str_from(ENDINGS[i]))) {
            return true;
        }
    }
    return false;
}

void ql_paths_add(struct ql_paths *paths, struct ql_str path) {
    QL_MEM_GROW(paths->items, paths->cap, paths->n + 1);
    paths->items[paths->n++] = (struct ql_str){.ptr = ql_arena_copy(&paths->arena, path.ptr, path.len), .len = path.len};
}

void ql_paths_fini(struct ql_paths *paths) {
    ql_mem_free(paths->items);
    ql_arena_fini(&paths->arena);
    *paths = (struct ql_paths){0};
}

/* ---- folders */

/* Calls with the name of each entry, in no order. A folder that is not there has none. */
struct walk {
    struct ql_paths *paths;
    struct ql_str rest; /* of the pattern, behind this folder */
    enum ql_status (*visit)(const struct walk *walk, struct ql_str folder, const char *name, struct ql_err *err);
};

static enum ql_status walk(const struct walk *walk, struct ql_str folder, struct ql_err *err) {
    struct ql_buf path = {0};
    ql_buf_puts(&path, folder.len == 0 ? "." : "");
    ql_buf_put_str(&path, folder);
    DIR *dir = opendir(ql_buf_text(&path));
    enum ql_status status = QL_OK;
    if (dir == NULL && errno != ENOENT && errno != ENOTDIR) {
        status = ql_err_set_errno(err, QL_E_NO_INPUT, errno, "cannot read the folder '%.500s'", ql_buf_text(&path));
    }
    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL && status == QL_OK; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            status = walk->visit(walk, folder, entry->d_name, err);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir); /* only read from */
    }
    ql_buf_fini(&path);
    return status;
}

static void join(struct ql_str folder, struct ql_str name, struct ql_buf *out) {
    ql_buf_put_str(out, folder);
    if (folder.len != 0 && folder.ptr[folder.len - 1] != '/') {
        ql_buf_putc(out, '/');
    }
    ql_buf_put_str(out, name);
}

static bool is_folder(const char *path, bool follows_links) {
    struct stat info;
    return (follows_links ? stat(path, &info) : lstat(path, &info)) == 0 && S_ISDIR(info.st_mode);
}

static enum ql_status visit_csv(const struct walk *walk, struct ql_str folder, const char *name, struct ql_err *err) {
    struct ql_buf path = {0};
    (void)err;
    join(folder, ql_str_from(name), &path);
    if (name[0] != '.' && ql_path_is_csv(ql_str_from(name)) && !is_folder(ql_buf_text(&path), true)) {
        ql_paths_add(walk->paths, ql_buf_view(&path));
    }
    ql_buf_fini(&path);
    return QL_OK;
}

static enum ql_status add_folder(struct ql_paths *paths, struct ql_str folder, struct ql_err *err) {
    const struct walk in = {.paths = paths, .visit = visit_csv};
    return walk(&in, folder, err);
}

/* ---- patterns */

static enum ql_status match(struct ql_paths *paths, struct ql_str folder, struct ql_str pattern, struct ql_err *err);

static bool has_wildcard(struct ql_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '*' || text.ptr[i] == '?' || text.ptr[i] == '[') {
            return true;
        }
    }
    return false;
}

/* The whole pattern has matched a path. */
static enum ql_status add_match(struct ql_paths *paths, struct ql_str path, struct ql_err *err) {
    char *text = ql_mem_strndup(path.ptr, path.len);
    struct stat info;
    bool is_there = stat(text, &info) == 0;
    bool is_dir = is_there && S_ISDIR(info.st_mode);
    ql_mem_free(text);
    if (is_there && !is_dir) {
        ql_paths_add(paths, path);
    }
    return is_dir ? add_folder(paths, path, err) : QL_OK;
}

static enum ql_status go_on(struct ql_paths *paths, struct ql_str path, struct ql_str rest, struct ql_err *err) {
    return rest.ptr != NULL ? match(paths, path, rest, err) : add_match(paths, path, err);
}

/* One name of the pattern against the names of a folder. */
static enum ql_status visit_name(const struct walk *in, struct ql_str folder, const char *name, struct ql_err *err) {
    struct ql_str rest;
    struct ql_str part = ql_str_split(in->rest, '/', &rest);
    char *wanted = ql_mem_strndup(part.ptr, part.len);
    bool is_match = fnmatch(wanted, name, FNM_PERIOD) == 0;
    ql_mem_free(wanted);
    struct ql_buf path = {0};
    join(folder, ql_str_from(name), &path);
    enum ql_status status = is_match ? go_on(in->paths, ql_buf_view(&path), rest, err) : QL_OK;
    ql_buf_fini(&path);
    return status;
}

/* "**": the pattern goes on in every folder below. */
static enum ql_status visit_below(const struct walk *in, struct ql_str folder, const char *name, struct ql_err *err) {
    struct ql_buf path = {0};
    join(folder, ql_str_from(name), &path);
    bool is_below = name[0] != '.' && is_folder(ql_buf_text(&path), false);
    enum ql_status status = is_below ? match(in->paths, ql_buf_view(&path), in->rest, err) : QL_OK;
    ql_buf_fini(&path);
    return status;
}

static enum ql_status match_below(struct ql_paths *paths, struct ql_str folder, struct ql_str pattern, struct ql_err *err) {
    struct ql_str rest;
    (void)ql_str_split(pattern, '/', &rest);
    QL_TRY(rest.len != 0 ? match(paths, folder, rest, err) : add_folder(paths, folder, err));
    const struct walk below = {.paths = paths, .rest = pattern, .visit = visit_below};
    return walk(&below, folder, err);
}

static enum ql_status match(struct ql_paths *paths, struct ql_str folder, struct ql_str pattern, struct ql_err *err) {
    struct ql_str rest;
    struct ql_str part = ql_str_split(pattern, '/', &rest);
    if (ql_str_eq(part, QL_STR("**"))) {
        return match_below(paths, folder, pattern, err);
    }
    if (has_wildcard(part)) {
        const struct walk names = {.paths = paths, .rest = pattern, .visit = visit_name};
        return walk(&names, folder, err);
    }
    struct ql_buf path = {0};
    join(folder, part, &path); /* nothing before a '/': the root, or one too many */
    if (part.len == 0 && path.len == 0) {
        ql_buf_putc(&path, '/');
    }
    enum ql_status status = go_on(paths, ql_buf_view(&path), rest, err);
    ql_buf_fini(&path);
    return status;
}

/* ---- what a path stands for */

static int compare_paths(const void *a, const void *b) {
    return ql_str_cmp(*(const struct ql_str *)a, *(const struct ql_str *)b);
}

void ql_paths_sort_from(struct ql_paths *paths, size_t first) {
    if (paths->n - first < 2) {
        return;
    }
    qsort(paths->items + first, paths->n - first, sizeof *paths->items, compare_paths);
    size_t n = first + 1;
    for (size_t i = first + 1; i < paths->n; i++) {
        if (!ql_str_eq(paths->items[i], paths->items[n - 1])) {
            paths->items[n++] = paths->items[i];
        }
    }
    paths->n = n;
}

static enum ql_status fail_none(struct ql_str path, bool is_dir, struct ql_err *err) {
    if (is_dir) {
        QL_FAIL(err, QL_E_NO_INPUT, "the folder '%.*s' has no CSV file", QL_STR_ARG(path));
        ql_err_hint(err, "*.csv, *.csv.gz and *.csv.zst are looked for; quoted, '%.*s%s**' looks into folders below too",
                    (int)(path.len < 200 ? path.len : 200), path.ptr, ql_str_has_suffix(path, "/") ? "" : "/");
    } else {
        QL_FAIL(err, QL_E_NO_INPUT, "no file matches '%.*s'", QL_STR_ARG(path));
        ql_err_hint(err, "check the path; * and ? stand for parts of one name, ** for any number of folders");
    }
    return QL_E_NO_INPUT;
}

enum ql_status ql_paths_expand(struct ql_paths *paths, struct ql_str path, struct ql_err *err) {
    size_t first = paths->n;
    struct stat info;
    char *text = ql_mem_strndup(path.ptr, path.len);
    bool is_named = ql_str_eq(path, QL_STR("-")) || ql_path_is_object(path);
    bool is_there = !is_named && stat(text, &info) == 0;
    bool is_dir = is_there && S_ISDIR(info.st_mode);
    ql_mem_free(text);
    if (!is_dir && (is_named || is_there || !has_wildcard(path))) {
        ql_paths_add(paths, path);
        return QL_OK;
    }
    QL_TRY(is_dir ? add_folder(paths, path, err) : match(paths, (struct ql_str){.ptr = "", .len = 0}, path, err));
    ql_paths_sort_from(paths, first);
    return paths->n != first ? QL_OK : fail_none(path, is_dir, err);
}
