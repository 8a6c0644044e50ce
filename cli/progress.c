/**
 * What a run says while it goes on: nothing on standard output, one status line on a terminal, with -v lines elsewhere. Texts
 * come from rooms that keep secrets out of them.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void ql_cli_progress_init(struct ql_cli_progress *progress, const struct ql_settings *settings) {
    const char *term = getenv("TERM");
    *progress = (struct ql_cli_progress){
        .is_quiet = settings->quiet || settings->json,
        .is_verbose = settings->verbose,
        .is_terminal = isatty(STDERR_FILENO) == 1 && term != NULL && strcmp(term, "dumb") != 0 && getenv("CI") == NULL,
    };
}

void ql_cli_progress_clear(struct ql_cli_progress *progress) {
    if (progress->has_line) {
        (void)fputs("\r\033[K", stderr);
        progress->has_line = false;
    }
}

static void show(struct ql_cli_progress *progress, const char *text) {
    if (progress->is_quiet) {
        return;
    }
    if (progress->is_terminal) {
        (void)fprintf(stderr, "\r\033[K%s", text);
        (void)fflush(stderr);
        progress->has_line = true;
    } else if (progress->is_verbose) {
        (void)fprintf(stderr, "queuelake: %s\n", text);
    }
}

static const char *words_of(const char *stage) {
    static const char *const WORDS[][2] = {{"token", "getting a token"},
                                           {"create", "asking for an export"},
                                           {"wait", "waiting for the export"},
                                           {"download", "downloading and reading the export"}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcmp(stage, WORDS[i][0]) == 0) {
            return WORDS[i][1];
        }
    }
    return stage;
}

static void on_stage(void *ctx, const char *stage) {
    show(ctx, words_of(stage));
}

static void on_note(void *ctx, const char *text) {
    struct ql_cli_progress *progress = ctx;
    if (progress->is_verbose && !progress->is_quiet) {
        ql_cli_progress_clear(progress);
        (void)fprintf(stderr, "queuelake: %s\n", text);
    } else {
        show(progress, text);
    }
}

/* A wait before a retry is worth a line everywhere: it is why nothing seems to happen. */
static void on_wait(void *ctx, int64_t wait_ms, const char *reason) {
    struct ql_cli_progress *progress = ctx;
    if (progress->is_quiet) {
        return;
    }
    ql_cli_progress_clear(progress);
    (void)fprintf(stderr, "queuelake: %s; trying again in %.1f s\n", reason, (double)wait_ms / 1e3);
}

void ql_cli_progress_attach(struct ql_cli_progress *progress, struct ql_run_options *options) {
    options->events = (struct ql_source_events){.stage = on_stage, .note = on_note, .ctx = progress};
    options->http.on_wait = on_wait;
    options->http.on_wait_ctx = progress;
}
