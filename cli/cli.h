/** The program: commands, what they print, how they end. The only place that prints, and with config the only one that reads
 * the environment. */
#ifndef QL_CLI_CLI_H
#define QL_CLI_CLI_H

#include "config/config.h"
#include "cpu/cpu.h"
#include "run/run.h"
#include "store/aws_chain.h"

#include <signal.h>

struct ql_json;

/** Set by SIGINT and SIGTERM to the signal's number. */
extern volatile sig_atomic_t ql_cli_signal;

/** Each returns the process's exit code. argv begins behind the command's name. */
int ql_cli_run(int argc, char **argv);
int ql_cli_transform(int argc, char **argv);
int ql_cli_config(int argc, char **argv);
int ql_cli_version(int argc, char **argv);
int ql_cli_help(int argc, char **argv);

/** Settings from all sources for one command; prints help or the error itself. Returns -1 to go on, else the exit code. */
int ql_cli_load(const char *command, int argc, char **argv, struct ql_settings *settings);
/** Whether anywhere in argv stands --json: an error of the settings themselves is then told as JSON, too. */
bool ql_cli_wants_json(int argc, char **argv);

/** What the processor has, below the ceiling that QUEUELAKE_CPU sets: scalar, avx2 or native. E_CONFIG for another word. */
QL_MUST_CHECK enum ql_status ql_cli_cpu(struct ql_cpu *cpu, struct ql_err *err);

/** What a run needs beside the settings' own texts. */
struct ql_cli_job {
    struct ql_run_options options;
    struct ql_cpu cpu;
    struct ql_arena arena;
    struct ql_tz *timezone, *csv_timezone;
    struct ql_aws_chain_options aws_options; /* of aws; both of S3 only */
    struct ql_aws_chain *aws;
    struct ql_aws_credentials_provider aws_credentials;
};
/** The part of a job that reads the environment for AWS, where S3 is read or written; options and settings are filled. */
QL_MUST_CHECK enum ql_status ql_cli_aws_init(struct ql_cli_job *job, const struct ql_settings *settings, struct ql_err *err);
/** E_CONFIG and E_USAGE for what the table of settings cannot see: two settings that do not fit, times, zones, destinations. */
QL_MUST_CHECK enum ql_status ql_cli_job_init(struct ql_cli_job *job, const char *command, const struct ql_settings *settings,
                                             struct ql_err *err);
void ql_cli_job_fini(struct ql_cli_job *job);

/** Lines on standard error while a run goes on. */
struct ql_cli_progress {
    bool is_quiet, is_verbose, is_terminal;
    bool has_line; /* a status line stands on the terminal */
};
void ql_cli_progress_init(struct ql_cli_progress *progress, const struct ql_settings *settings);
/** Connects it to a run. */
void ql_cli_progress_attach(struct ql_cli_progress *progress, struct ql_run_options *options);
void ql_cli_progress_clear(struct ql_cli_progress *progress);

/**
 * `check --orphans`: the unfinished uploads below the part of the destination's key that no placeholder changes, for people and
 * as JSON on standard output; `ends`: those that nobody can be at work on are ended. Returns the process's exit code.
 */
int ql_cli_orphans(const struct ql_cli_job *job, const struct ql_settings *settings, bool ends);

/** The summary for people on standard error, or as one JSON document on standard output. err: NULL after success. */
void ql_cli_summary_print(const char *command, const struct ql_settings *settings, const struct ql_run_summary *summary,
                          const struct ql_err *err);
/** An error in three parts: what failed, where and whose id, what to do. */
void ql_cli_error_print(const struct ql_err *err);
/** The same as the JSON document of a run that never began. */
void ql_cli_error_print_json(const char *command, const struct ql_err *err);
/** {"schema_version", "command", "status", "error"}: how every JSON document begins. print also frees it. */
struct ql_json *ql_cli_document_new(const char *command, const struct ql_err *err);
void ql_cli_document_print(struct ql_json *root);
/** The exit code of an error; a signal's own number decides for E_CANCELLED. */
int ql_cli_exit_code(const struct ql_err *err);

#endif
