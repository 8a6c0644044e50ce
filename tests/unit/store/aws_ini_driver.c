/*
 * Reads files of AWS's tools and prints one JSON document each on a line, for tests/e2e/test_aws_files.py:
 *
 *     aws_ini_driver NAME... -- FILE...
 *
 * {"sections": {section: {name: value}}, "profiles": {NAME: section}}, or null for a file that is refused.
 */
#include "store/aws_ini.h"
#include "json/json.h"

#include <stdio.h>

static struct ql_str read_file(const char *path, char *bytes, size_t size) {
    FILE *file = fopen(path, "rb");
    size_t len = file != NULL ? fread(bytes, 1, size, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    return (struct ql_str){.ptr = bytes, .len = len};
}

/* Names and values are short here, and have no NUL. */
static const char *text_of(struct ql_str text, char *out, size_t size) {
    (void)snprintf(out, size, "%.*s", QL_STR_ARG(text));
    return out;
}

static struct ql_json *dump(const struct ql_aws_ini *ini, char **names, int n_names) {
    char key[4096];
    struct ql_json *sections = ql_json_new_object();
    for (size_t i = 0; i < ini->n_sections; i++) {
        struct ql_json *section = ql_json_new_object();
        for (size_t j = 0; j < ini->n_properties; j++) {
            text_of(ini->properties[j].name, key, sizeof key);
            struct ql_str value = ql_aws_ini_get(ini, i, key);
            if (value.ptr != NULL) {
                ql_json_set(section, key, ql_json_new_text(value));
            }
        }
        ql_json_set(sections, text_of(ini->sections[i], key, sizeof key), section);
    }
    struct ql_json *profiles = ql_json_new_object();
    for (int i = 0; i < n_names; i++) {
        size_t section = ql_aws_ini_find_profile(ini, ql_str_from(names[i]));
        if (section != QL_AWS_INI_NONE) {
            ql_json_set(profiles, names[i], ql_json_new_text(ini->sections[section]));
        }
    }
    struct ql_json *root = ql_json_new_object();
    ql_json_set(root, "sections", sections);
    ql_json_set(root, "profiles", profiles);
    return root;
}

int main(int argc, char **argv) {
    static char bytes[1 << 20];
    int n_names = 0;
    while (1 + n_names < argc && strcmp(argv[1 + n_names], "--") != 0) {
        n_names++;
    }
    for (int i = n_names + 2; i < argc; i++) {
        struct ql_aws_ini ini;
        struct ql_err err = {0};
        enum ql_status status = ql_aws_ini_parse(read_file(argv[i], bytes, sizeof bytes), &ini, &err);
        struct ql_json *root = status == QL_OK ? dump(&ini, argv + 1, n_names) : ql_json_new_null();
        struct ql_buf out = {0};
        ql_json_write(root, false, &out);
        (void)puts(ql_buf_text(&out));
        ql_buf_fini(&out);
        ql_json_free(root);
        ql_aws_ini_fini(&ini);
    }
    return 0;
}
