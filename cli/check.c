/* `queuelake check`: one line for each look, for people and as JSON on standard output; ends as the first problem would end a
 * run. */
#include "cli/cli.h"

#include "run/check_access.h"
#include "json/json.h"

#include <stdio.h>

static const char *const RESULTS[] = {[QL_FINDING_OK] = "ok",
                                      [QL_FINDING_WARNING] = "warning",
                                      [QL_FINDING_PROBLEM] = "problem",
                                      [QL_FINDING_SKIPPED] = "skipped"};

static size_t count(const struct ql_access_report *report, enum ql_finding_kind kind) {
    size_t n = 0;
    for (size_t i = 0; i < report->n; i++) {
        n += report->lines[i].kind == kind;
    }
    return n;
}

static void print_text(const struct ql_access_report *report, bool is_quiet) {
    for (size_t i = 0; i < report->n; i++) {
        const struct ql_access_line *line = &report->lines[i];
        bool is_news = line->kind == QL_FINDING_WARNING || line->kind == QL_FINDING_PROBLEM;
        if (is_quiet && !is_news) {
            continue;
        }
        (void)printf("%-8s %-13s %s\n", RESULTS[line->kind], line->name, line->what.message);
        if (is_news && line->what.hint[0] != '\0') {
            (void)printf("%22s -> %s\n", "", line->what.hint);
        }
        if (is_news && line->what.request_id[0] != '\0') {
            (void)printf("%22s request id: %s\n", "", line->what.request_id);
        }
    }
    if (!is_quiet) {
        size_t n_problems = count(report, QL_FINDING_PROBLEM);
        size_t n_warnings = count(report, QL_FINDING_WARNING);
        size_t n_skipped = count(report, QL_FINDING_SKIPPED);
        (void)printf("%zu looked at, %zu %s, %zu not looked at: ", report->n - n_skipped, n_warnings,
                     n_warnings == 1 ? "warning" : "warnings", n_skipped);
        (void)printf(n_problems == 0 ? "nothing that would stop a run\n" : "%zu would stop a run\n", n_problems);
    }
}

static struct ql_json *text_or_null(const char *text) {
    return text[0] != '\0' ? ql_json_new_text(ql_str_from(text)) : ql_json_new_null();
}

static struct ql_json *line_json(const struct ql_access_line *line) {
    struct ql_json *json = ql_json_new_object();
    ql_json_set(json, "check", ql_json_new_text(ql_str_from(line->name)));
    ql_json_set(json, "result", ql_json_new_text(ql_str_from(RESULTS[line->kind])));
    ql_json_set(json, "message", ql_json_new_text(ql_str_from(line->what.message)));
    ql_json_set(json, "hint", text_or_null(line->what.hint));
    ql_json_set(json, "request_id", text_or_null(line->what.request_id));
    if (line->kind == QL_FINDING_PROBLEM) {
        ql_json_set(json, "code", ql_json_new_text(ql_str_from(ql_status_name(line->what.status))));
        ql_json_set(json, "exit_code", ql_json_new_int(ql_cli_exit_code(&line->what)));
    }
    return json;
}

static void print_json(const struct ql_access_report *report, struct ql_str source) {
    struct ql_json *root = ql_cli_document_new("check", ql_access_report_problem(report));
    struct ql_json *checks = ql_json_new_array();
    for (size_t i = 0; i < report->n; i++) {
        ql_json_add(checks, line_json(&report->lines[i]));
    }
    ql_json_set(root, "source", ql_json_new_text(source));
    ql_json_set(root, "checks", checks);
    ql_cli_document_print(root);
}

static int look(const struct ql_settings *settings, struct ql_cli_job *job) {
    struct ql_cli_progress progress;
    struct ql_access_report report;
    ql_cli_progress_init(&progress, settings);
    ql_cli_progress_attach(&progress, &job->options);
    const struct ql_access_request request = {
        .options = &job->options,
        .destination_err = job->destination_err.status != QL_OK ? &job->destination_err : NULL,
        .writes = settings->write_test,
    };
    ql_check_access(&request, &report);
    ql_cli_progress_clear(&progress);
    const struct ql_err *problem = ql_access_report_problem(&report);
    if (settings->json) {
        print_json(&report, job->options.source_name);
    } else {
        print_text(&report, settings->quiet);
    }
    int code = problem == NULL ? 0 : ql_cli_exit_code(problem);
    ql_access_report_fini(&report);
    return code;
}

static enum ql_status init(struct ql_cli_job *job, const struct ql_settings *settings, struct ql_err *err) {
    QL_TRY(ql_cli_job_init(job, "check", settings, err));
    if (settings->orphans && job->destination_err.status != QL_OK) {
        *err = job->destination_err;
        return err->status;
    }
    if (settings->abort && !settings->orphans) {
        (void)QL_FAIL(err, QL_E_USAGE, "--abort ends what --orphans finds, which is not asked for");
        ql_err_hint(err, "say --orphans --abort, or leave --abort out");
        return QL_E_USAGE;
    }
    return QL_OK;
}

int ql_cli_check(int argc, char **argv) {
    struct ql_settings settings;
    int code = ql_cli_load("check", argc, argv, &settings);
    if (code >= 0) {
        return code;
    }
    struct ql_cli_job job;
    struct ql_err err = {0};
    if (init(&job, &settings, &err) == QL_OK) {
        code = settings.orphans ? ql_cli_orphans(&job, &settings) : look(&settings, &job);
    } else {
        code = ql_cli_exit_code(&err);
        if (settings.json) {
            ql_cli_error_print_json("check", &err);
        } else {
            ql_cli_error_print(&err);
        }
    }
    ql_cli_job_fini(&job);
    ql_settings_fini(&settings);
    return code;
}
