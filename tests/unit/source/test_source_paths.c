/* What paths stand for: folders, patterns, and what is only a name. */
#include "support/test.h"

#include "source/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/ql-paths-XXXXXX";

static int make_tree(void **state) {
    (void)state;
    /* b.csv is a folder with a CSV in it, lost a link to nothing, loop a link to the tree itself. */
    return mkdtemp(folder) == NULL || chdir(folder) != 0 ||
           system("mkdir -p in/deep/er in/.hidden in/b.csv other && touch in/a.csv in/A.CSV in/c.csv.gz in/d.csv.zst in/e.txt "
                  "in/.f.csv in/g.csv.bak in/b.csv/x.csv in/deep/h.csv in/deep/er/i.csv in/deep/er/j.txt in/.hidden/k.csv "
                  "'in/l[1].csv' 'other/m*.csv' other/m1.csv && ln -s nowhere in/lost.csv && ln -s .. in/loop && ln -s "
                  "../other/m1.csv in/n.csv") != 0;
}

static int remove_tree(void **state) {
    (void)state;
    char command[100];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") != 0 || system(command) != 0;
}

static void expect(const char *path, const char *expected) {
    struct ql_paths paths = {0};
    struct ql_buf text = {0};
    struct ql_err err = {0};
    enum ql_status status = ql_paths_expand(&paths, ql_str_from(path), &err);
    for (size_t i = 0; i < paths.n; i++) {
        ql_buf_printf(&text, "%s%.*s", i != 0 ? " " : "", QL_STR_ARG(paths.items[i]));
    }
    if (status != (expected[0] == '\0' ? QL_E_NO_INPUT : QL_OK) || strcmp(ql_buf_text(&text), expected) != 0) {
        fail_msg("%s: %s '%s' %s\nexpected '%s'", path, ql_status_name(status), ql_buf_text(&text), err.message, expected);
    }
    ql_buf_fini(&text);
    ql_paths_fini(&paths);
}

/* "lost.csv" leads nowhere, but it is there: whoever opens it will say so. */
#define IN "in/A.CSV in/a.csv in/c.csv.gz in/d.csv.zst in/l[1].csv in/lost.csv in/n.csv"

static void a_folder_is_its_csv_files_by_name(void **state) {
    (void)state;
    expect("in", IN);
    expect("in/", IN);
    expect("in/b.csv", "in/b.csv/x.csv");
    expect("in/deep", "in/deep/h.csv");
    expect("in/.hidden", "in/.hidden/k.csv");
}

static void a_pattern_is_the_files_that_match(void **state) {
    (void)state;
    expect("in/*.csv", "in/a.csv in/b.csv/x.csv in/l[1].csv in/n.csv");
    expect("in/?.csv*", "in/a.csv in/b.csv/x.csv in/c.csv.gz in/d.csv.zst in/g.csv.bak in/n.csv");
    expect("in/[a-d].*", "in/a.csv in/b.csv/x.csv in/c.csv.gz in/d.csv.zst");
    expect("i*/deep/*.csv", "in/deep/h.csv");
    expect("*/m1.csv", "other/m1.csv");
    expect("in/.*.csv", "in/.f.csv");
    expect("in/deep*/", "in/deep/h.csv");
    expect("in/e*", "in/e.txt");
    char absolute[100];
    char expected[100];
    (void)snprintf(absolute, sizeof absolute, "%s/in/dee?/*", folder);
    (void)snprintf(expected, sizeof expected, "%s/in/deep/er/i.csv %s/in/deep/h.csv", folder, folder);
    expect(absolute, expected);
}

static void two_stars_are_any_number_of_folders(void **state) {
    (void)state;
    expect("in/**", "in/A.CSV in/a.csv in/b.csv/x.csv in/c.csv.gz in/d.csv.zst in/deep/er/i.csv in/deep/h.csv in/l[1].csv "
                    "in/lost.csv in/n.csv");
    expect("in/**/*.csv", "in/a.csv in/b.csv/x.csv in/deep/er/i.csv in/deep/h.csv in/l[1].csv in/n.csv");
    expect("**/i.csv", "in/deep/er/i.csv");
    expect("in/**/er/*.txt", "in/deep/er/j.txt");
    expect("in/**/**/h.csv", "in/deep/h.csv");
}

static void what_exists_and_what_is_no_file_stands_for_itself(void **state) {
    (void)state;
    expect("in/l[1].csv", "in/l[1].csv");
    expect("other/m*.csv", "other/m*.csv"); /* there is a file of that very name */
    expect("in/e.txt", "in/e.txt");
    expect("in/missing.csv", "in/missing.csv");
    expect("-", "-");
    expect("s3://bucket/a*b/", "s3://bucket/a*b/");
}

static void nothing_found_is_an_error(void **state) {
    (void)state;
    expect("in/*.parquet", "");
    expect("nowhere/*", "");
    expect("in/e.txt/*", "");
    expect("in/deep/er/**/*.csv.gz", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_its_csv_files_by_name),
        cmocka_unit_test(a_pattern_is_the_files_that_match),
        cmocka_unit_test(two_stars_are_any_number_of_folders),
        cmocka_unit_test(what_exists_and_what_is_no_file_stands_for_itself),
        cmocka_unit_test(nothing_found_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
