/** Finds the command and runs it. */
#include "cli/cli.h"

#include "queuelake/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

volatile sig_atomic_t ql_cli_signal;

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
};

static const struct command COMMANDS[] = {
    {"run", ql_cli_run, "ask Genesys Cloud for figures, transform and store them"},
    {"transform", ql_cli_transform, "the same from CSV files or standard input"},
    {"check", ql_cli_check, "look at everything that could stop a run, before it runs"},
    {"inspect", ql_cli_inspect, "show, verify or declare a Parquet file"},
    {"config", ql_cli_config, "print every setting and where it comes from"},
    {"version", ql_cli_version, "print versions of the program and its libraries"},
    {"help", ql_cli_help, "explain a command: queuelake help run"},
};
enum { N_COMMANDS = sizeof COMMANDS / sizeof COMMANDS[0] };

static void print_overview(FILE *out) {
    (void)fputs("queuelake carries contact-centre statistics from Genesys Cloud to Parquet.\n\n"
                "  queuelake transform export.csv       an export that you have -> export.parquet\n"
                "  queuelake run -o lake/day.parquet    yesterday, from Genesys Cloud\n\n"
                "Commands\n",
                out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        (void)fprintf(out, "  %-10s  %s\n", COMMANDS[i].name, COMMANDS[i].what);
    }
    (void)fputs("\nqueuelake help COMMAND lists its settings.\n"
                "Exit codes: 0 done, 64 usage, 65 bad data, 66 input missing, 69 unavailable,\n"
                "70 internal, 71 system, 73 cannot create output, 74 I/O, 75 run again,\n"
                "76 protocol, 77 permission, 78 configuration.\n",
                out);
}

static int unknown_command(const char *name, bool is_json) {
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = COMMANDS[i].name;
    }
    const char *nearest = ql_str_nearest(ql_str_from(name), names, N_COMMANDS);
    struct ql_err err;
    (void)QL_FAIL(&err, QL_E_USAGE, "there is no command '%s'", name);
    if (nearest != NULL) {
        ql_err_hint(&err, "did you mean 'queuelake %s'?", nearest);
    }
    if (is_json) {
        ql_cli_error_print_json("", &err);
    } else {
        ql_cli_error_print(&err);
    }
    return ql_cli_exit_code(&err);
}

int ql_cli_help(int argc, char **argv) {
    if (argc == 0) {
        print_overview(stdout);
        return 0;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[0], COMMANDS[i].name) == 0 && COMMANDS[i].run != ql_cli_help) {
            struct ql_buf text = {0};
            ql_settings_help(argv[0], &text);
            (void)fputs(ql_buf_text(&text), stdout);
            ql_buf_fini(&text);
            return 0;
        }
    }
    if (strcmp(argv[0], "help") == 0) {
        print_overview(stdout);
        return 0;
    }
    return unknown_command(argv[0], false);
}

static void on_signal(int number) {
    if (ql_cli_signal != 0) {
        _exit(128 + number); /* the second one does not wait for anything */
    }
    ql_cli_signal = number;
}

static void set_up_process(void) {
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that must not grow is an error of write, which is told */
    /* No secret in a core file, and no TLS keys in a file that the environment names. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    (void)unsetenv("SSLKEYLOGFILE");
}

int main(int argc, char **argv) {
    set_up_process();
    if (argc < 2) {
        print_overview(stdout);
        return 0;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_overview(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        (void)puts("queuelake " QUEUELAKE_VERSION);
        return 0;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(name, COMMANDS[i].name) == 0) {
            int code = COMMANDS[i].run(argc - 2, argv + 2);
            if (fflush(stdout) != 0 && code == 0) {
                if (errno != EPIPE) { /* a reader that has seen enough is no news */
                    perror("queuelake: writing to standard output (the work itself is done)");
                }
                return 74;
            }
            return code;
        }
    }
    return unknown_command(name, ql_cli_wants_json(argc - 2, argv + 2));
}
