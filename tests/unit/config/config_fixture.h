/** A folder of its own for each test, an environment that is a list, and loading from both. */
#ifndef QL_TESTS_CONFIG_FIXTURE_H
#define QL_TESTS_CONFIG_FIXTURE_H

#include "support/test.h"

#include "base/mem.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char folder[64], home[512];
    const char *environment[32]; /* name, value, name, value, ... NULL */
    const char *command;
    bool looks_for_config;
    struct ql_settings settings;
    struct ql_err err;
};

static const char *fixture_getenv(void *ctx, const char *name) {
    const struct fixture *fixture = ctx;
    for (size_t i = 0; fixture->environment[i] != NULL; i += 2) {
        if (strcmp(fixture->environment[i], name) == 0) {
            return fixture->environment[i + 1];
        }
    }
    return NULL;
}

/* Enters a new folder, so that "queuelake.yaml" is a name of its own for each test. */
static int fixture_setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(getcwd(fixture->home, sizeof fixture->home));
    strcpy(fixture->folder, "/tmp/queuelake-config-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(chdir(fixture->folder), 0);
    fixture->command = "run";
    *state = fixture;
    return 0;
}

static int fixture_teardown(void **state) {
    struct fixture *fixture = *state;
    char command[128];
    ql_settings_fini(&fixture->settings);
    assert_int_equal(chdir(fixture->home), 0);
    (void)snprintf(command, sizeof command, "rm -rf %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void write_file(const char *path, const char *text, size_t len) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Loads anew with arguments up to NULL. */
static inline enum ql_status load(struct fixture *fixture, ...) {
    char *argv[32];
    int argc = 0;
    va_list args;
    va_start(args, fixture);
    for (char *argument = va_arg(args, char *); argument != NULL; argument = va_arg(args, char *)) {
        argv[argc++] = argument;
    }
    va_end(args);
    ql_settings_fini(&fixture->settings);
    fixture->err = (struct ql_err){0};
    const struct ql_settings_source source = {.command = fixture->command,
                                              .argc = argc,
                                              .argv = argv,
                                              .getenv = fixture_getenv,
                                              .getenv_ctx = fixture,
                                              .looks_for_config = fixture->looks_for_config};
    return ql_settings_load(&source, &fixture->settings, &fixture->err);
}

/* Loads with "queuelake.yaml" of that text and no arguments. */
static inline enum ql_status load_yaml(struct fixture *fixture, const char *text) {
    write_file("queuelake.yaml", text, strlen(text));
    return load(fixture, "--config", "queuelake.yaml", NULL);
}

#define assert_loads(fixture, expr)                            \
    do {                                                       \
        if ((expr) != QL_OK) {                                 \
            fail_msg("%s: %s", #expr, (fixture)->err.message); \
        }                                                      \
    } while (0)

/* Both texts must be found, in message and in what the user is told to do. */
#define assert_refused(fixture, expr, status_, message_, hint_)                             \
    do {                                                                                    \
        enum ql_status got_ = (expr);                                                       \
        if (got_ != (status_) || strstr((fixture)->err.message, (message_)) == NULL ||      \
            strstr(ql_err_get_hint(&(fixture)->err), (hint_)) == NULL) {                    \
            fail_msg("%s: %s: %s; %s", #expr, ql_status_name(got_), (fixture)->err.message, \
                     got_ == QL_OK ? "" : ql_err_get_hint(&(fixture)->err));                \
        }                                                                                   \
    } while (0)

#endif
