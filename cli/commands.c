/** run, transform, config and version: settings in, exit code out. */
#include "cli/cli.h"

#include "codec/codec.h"
#include "hash/hash.h"
#include "http/http.h"
#include "queuelake/version.h"
#include "xml/xml.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

static const char *read_environment(void *ctx, const char *name) {
    (void)ctx;
    return getenv(name);
}

int ql_cli_load(const char *command, int argc, char **argv, struct ql_settings *settings) {
    const struct ql_settings_source source = {
        .command = command, .argc = argc, .argv = argv, .getenv = read_environment, .looks_for_config = true};
    struct ql_err err = {0};
    if (ql_settings_load(&source, settings, &err) != QL_OK) {
        if (ql_cli_wants_json(argc, argv)) {
            ql_cli_error_print_json(command, &err);
        } else {
            ql_cli_error_print(&err);
        }
        ql_settings_fini(settings);
        return ql_cli_exit_code(&err);
    }
    if (settings->wants_help) {
        struct ql_buf text = {0};
        ql_settings_help(command, &text);
        (void)fputs(ql_buf_text(&text), stdout);
        ql_buf_fini(&text);
        ql_settings_fini(settings);
        return 0;
    }
    return -1;
}

enum ql_status ql_cli_cpu(struct ql_cpu *cpu, struct ql_err *err) {
    const char *ceiling = getenv("QUEUELAKE_CPU");
    enum ql_cpu_level level;
    if (!ql_cpu_level_from_name(ql_str_from(ceiling), &level)) {
        (void)QL_FAIL(err, QL_E_CONFIG, "QUEUELAKE_CPU '%.64s' is no kind of kernel", ceiling);
        ql_err_hint(err, "set it to scalar, avx2 or native, or unset it: native is the default, and results are the same");
        return QL_E_CONFIG;
    }
    ql_cpu_detect(cpu, level);
    return QL_OK;
}

static int run_job(const char *command, int argc, char **argv) {
    struct ql_settings settings;
    int code = ql_cli_load(command, argc, argv, &settings);
    if (code >= 0) {
        return code;
    }
    struct ql_cli_job job;
    struct ql_err err = {0};
    enum ql_status status = ql_cli_job_init(&job, command, &settings, &err);
    if (status != QL_OK && settings.json) {
        ql_cli_error_print_json(command, &err);
    } else if (status != QL_OK) {
        ql_cli_error_print(&err);
    } else {
        struct ql_cli_progress progress;
        ql_cli_progress_init(&progress, &settings);
        ql_cli_progress_attach(&progress, &job.options);
        struct ql_run_summary summary;
        status = ql_run(&job.options, &summary, &err);
        ql_cli_progress_clear(&progress);
        ql_cli_summary_print(command, &settings, &summary, status == QL_OK ? NULL : &err);
    }
    ql_cli_job_fini(&job);
    ql_settings_fini(&settings);
    return status == QL_OK ? 0 : ql_cli_exit_code(&err);
}

int ql_cli_run(int argc, char **argv) {
    return run_job("run", argc, argv);
}
int ql_cli_transform(int argc, char **argv) {
    return run_job("transform", argc, argv);
}

int ql_cli_config(int argc, char **argv) {
    struct ql_settings settings;
    int code = ql_cli_load("config", argc, argv, &settings);
    if (code >= 0) {
        return code;
    }
    struct ql_buf text = {0};
    ql_settings_print(&settings, settings.json, &text);
    (void)fputs(ql_buf_text(&text), stdout);
    ql_buf_fini(&text);
    ql_settings_fini(&settings);
    return 0;
}

int ql_cli_version(int argc, char **argv) {
    struct ql_settings settings;
    int code = ql_cli_load("version", argc, argv, &settings);
    if (code >= 0) {
        return code;
    }
    struct ql_cpu cpu;
    struct ql_err err = {0};
    if (ql_cli_cpu(&cpu, &err) != QL_OK) {
        ql_cli_error_print(&err);
        ql_settings_fini(&settings);
        return ql_cli_exit_code(&err);
    }
    void (*const versions[])(struct ql_buf *) = {ql_http_versions,  ql_json_versions, ql_xml_versions,
                                                 ql_codec_versions, ql_hash_versions, ql_settings_versions};
    struct ql_buf libraries = {0};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        ql_buf_puts(&libraries, i != 0 ? ", " : "");
        versions[i](&libraries);
    }
    if (settings.json) {
        struct ql_json *root = ql_json_new_object();
        ql_json_set(root, "version", ql_json_new_text(QL_STR(QUEUELAKE_VERSION)));
        ql_json_set(root, "format_version", ql_json_new_text(QL_STR(QUEUELAKE_FORMAT_VERSION)));
        ql_json_set(root, "kernels", ql_json_new_text(ql_str_from(ql_cpu_name(&cpu))));
        ql_json_set(root, "libraries", ql_json_new_text(ql_buf_view(&libraries)));
        struct ql_buf text = {0};
        ql_json_write(root, true, &text);
        (void)puts(ql_buf_text(&text));
        ql_buf_fini(&text);
        ql_json_free(root);
    } else {
        (void)printf("queuelake %s\n  artefacts: format version %s\n  CPU kernels: %s\n  libraries: %s\n", QUEUELAKE_VERSION,
                     QUEUELAKE_FORMAT_VERSION, ql_cpu_name(&cpu), ql_buf_text(&libraries));
    }
    ql_buf_fini(&libraries);
    ql_settings_fini(&settings);
    return 0;
}
